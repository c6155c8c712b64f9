//! Short names for what every part of the table is written with.

pub(crate) use super::Function;
use super::RowKernel;
use crate::{Scalar, Type};

/// A strict, immutable entry.
pub(crate) const fn f(
    id: &'static str,
    name: &'static str,
    arguments: &'static [Type],
    result: Type,
    kernel: RowKernel,
) -> Function {
    Function::new(id, name, arguments, result, kernel)
}

macro_rules! types {
    ($($name:ident)*) => { $(pub(crate) const $name: Type = Type::$name;)* };
}

types! {
    BOOL INT2 INT4 INT8 UINT8 FLOAT4 FLOAT8 NUMERIC TEXT BPCHAR NAME CHAR BYTEA DATE TIME TIMESTAMP
    TIMESTAMPTZ INTERVAL UUID OBJECTID JSON JSONB OID XID TID REGCLASS REGTYPE REGPROC REGNAMESPACE
    REGROLE
    OIDVECTOR RECORD PG_NODE_TREE PG_LSN ANY
}

pub(crate) const VOID: Type = Type::VOID;
pub(crate) const ANYARRAY: Type = Type::array_of(Scalar::Any);
