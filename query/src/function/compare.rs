//! Comparison operators.
//!
//! Six kernels serve every type: the order of datums ([`super::datum_order`]) is the operators'
//! order. An entry stands for each pair of types that PostgreSQL has an operator for, so that the
//! binder resolves as PostgreSQL does (`int = numeric` has no entry: the integer is cast). Only
//! dates and zoned timestamps need a kernel of their own, since midnight depends on the session's
//! zone.

use std::cmp::Ordering;

use super::datum_order::{floats, order};
use super::names::*;
use super::{Arguments, Call, zone};
use crate::{Datum, Result};

#[inline]
fn pair(a: &[Datum<'_>]) -> Ordering {
    match a {
        [Datum::Int(a), Datum::Int(b)] => a.cmp(b),
        [a, b] => order(a, b),
        _ => Ordering::Equal,
    }
}

macro_rules! six {
    ($pair:expr; $($tag:literal $left:expr, $right:expr;)*) => { &[$(
        f(concat!("sql.", $tag, "_eq"), "=", &[$left, $right], BOOL,
            |c, a| yes($pair(c, a)?.is_eq())),
        f(concat!("sql.", $tag, "_ne"), "<>", &[$left, $right], BOOL,
            |c, a| yes($pair(c, a)?.is_ne())),
        f(concat!("sql.", $tag, "_lt"), "<", &[$left, $right], BOOL,
            |c, a| yes($pair(c, a)?.is_lt())),
        f(concat!("sql.", $tag, "_le"), "<=", &[$left, $right], BOOL,
            |c, a| yes($pair(c, a)?.is_le())),
        f(concat!("sql.", $tag, "_gt"), ">", &[$left, $right], BOOL,
            |c, a| yes($pair(c, a)?.is_gt())),
        f(concat!("sql.", $tag, "_ge"), ">=", &[$left, $right], BOOL,
            |c, a| yes($pair(c, a)?.is_ge())),
    )*] };
}

#[inline]
fn yes<'a>(holds: bool) -> Result<Datum<'a>> {
    Ok(Datum::Bool(holds))
}

#[inline]
fn plain(_: &Call<'_, '_>, a: &[Datum<'_>]) -> Result<Ordering> {
    Ok(pair(a))
}

/// One type class, no session.
pub(super) static SAME: &[Function] = six! { plain;
    "bool" BOOL, BOOL;
    "int2" INT2, INT2;
    "int24" INT2, INT4;
    "int28" INT2, INT8;
    "int42" INT4, INT2;
    "int4" INT4, INT4;
    "int48" INT4, INT8;
    "int82" INT8, INT2;
    "int84" INT8, INT4;
    "int8" INT8, INT8;
    "uint8" UINT8, UINT8;
    "float4" FLOAT4, FLOAT4;
    "float48" FLOAT4, FLOAT8;
    "float84" FLOAT8, FLOAT4;
    "float8" FLOAT8, FLOAT8;
    "numeric" NUMERIC, NUMERIC;
    "text" TEXT, TEXT;
    "bpchar" BPCHAR, BPCHAR;
    "name" NAME, NAME;
    "nametext" NAME, TEXT;
    "textname" TEXT, NAME;
    "char" CHAR, CHAR;
    "bytea" BYTEA, BYTEA;
    "date" DATE, DATE;
    "date_timestamp" DATE, TIMESTAMP;
    "timestamp_date" TIMESTAMP, DATE;
    "time" TIME, TIME;
    "timestamp" TIMESTAMP, TIMESTAMP;
    "timestamptz" TIMESTAMPTZ, TIMESTAMPTZ;
    "interval" INTERVAL, INTERVAL;
    "uuid" UUID, UUID;
    "objectid" OBJECTID, OBJECTID;
    "jsonb" JSONB, JSONB;
    "oid" OID, OID;
    "tid" TID, TID;
    "pg_lsn" PG_LSN, PG_LSN;
    "oidvector" OIDVECTOR, OIDVECTOR;
    "record" RECORD, RECORD;
};

macro_rules! stable_six {
    ($pair:expr; $($tag:literal $left:expr, $right:expr;)*) => { &[$(
        f(concat!("sql.", $tag, "_eq"), "=", &[$left, $right], BOOL,
            |c, a| yes($pair(c, a)?.is_eq())).stable(),
        f(concat!("sql.", $tag, "_ne"), "<>", &[$left, $right], BOOL,
            |c, a| yes($pair(c, a)?.is_ne())).stable(),
        f(concat!("sql.", $tag, "_lt"), "<", &[$left, $right], BOOL,
            |c, a| yes($pair(c, a)?.is_lt())).stable(),
        f(concat!("sql.", $tag, "_le"), "<=", &[$left, $right], BOOL,
            |c, a| yes($pair(c, a)?.is_le())).stable(),
        f(concat!("sql.", $tag, "_gt"), ">", &[$left, $right], BOOL,
            |c, a| yes($pair(c, a)?.is_gt())).stable(),
        f(concat!("sql.", $tag, "_ge"), ">=", &[$left, $right], BOOL,
            |c, a| yes($pair(c, a)?.is_ge())).stable(),
    )*] };
}

/// A side without zone is local time in the session's zone.
fn zoned(call: &Call<'_, '_>, a: &[Datum<'_>]) -> Result<Ordering> {
    let zone = zone::session(call.session())?;
    let instant = |at: usize| match a.at(at) {
        Datum::Timestamp(local) => zone.to_instant(local).into(),
        Datum::Date(i32::MIN) => i128::from(i64::MIN),
        Datum::Date(i32::MAX) => i128::from(i64::MAX),
        Datum::Date(days) => {
            let local = i128::from(days) * i128::from(value::calendar::MICROS_PER_DAY);
            match i64::try_from(local) {
                Ok(local) => zone.to_instant(local).into(),
                Err(_) => local,
            }
        }
        Datum::TimestampTz(instant) => instant.into(),
        _ => 0,
    };
    Ok(instant(0).cmp(&instant(1)))
}

/// With and without zone.
pub(super) static MIXED: &[Function] = stable_six! { zoned;
    "date_timestamptz" DATE, TIMESTAMPTZ;
    "timestamptz_date" TIMESTAMPTZ, DATE;
    "timestamp_timestamptz" TIMESTAMP, TIMESTAMPTZ;
    "timestamptz_timestamp" TIMESTAMPTZ, TIMESTAMP;
};

/// Values of any type, in the one order of keys. Only the binder takes these, and only where a side
/// is of type `ANY`: any two types would fit them.
pub(super) static OPEN: &[Function] = six! { open;
    "any" ANY, ANY;
};

fn open(_: &Call<'_, '_>, a: &[Datum<'_>]) -> Result<Ordering> {
    match a {
        [a, b] => crate::cast::compare_any(a, b),
        _ => Ok(Ordering::Equal),
    }
}

/// Types that only know equality, and the arrays.
pub(super) static OTHERS: &[Function] = &[
    f("sql.xid_eq", "=", &[XID, XID], BOOL, |_, a| yes(pair(a).is_eq())),
    f("sql.xid_ne", "<>", &[XID, XID], BOOL, |_, a| yes(pair(a).is_ne())),
    f("sql.xid_int4_eq", "=", &[XID, INT4], BOOL, |_, a| yes(pair(a).is_eq())),
    f("sql.xid_int4_ne", "<>", &[XID, INT4], BOOL, |_, a| yes(pair(a).is_ne())),
    f("sql.array_eq", "=", &[ANYARRAY, ANYARRAY], BOOL, |_, a| yes(pair(a).is_eq())).element(),
    f("sql.array_ne", "<>", &[ANYARRAY, ANYARRAY], BOOL, |_, a| yes(pair(a).is_ne())).element(),
    f("sql.array_lt", "<", &[ANYARRAY, ANYARRAY], BOOL, |_, a| yes(pair(a).is_lt())).element(),
    f("sql.array_le", "<=", &[ANYARRAY, ANYARRAY], BOOL, |_, a| yes(pair(a).is_le())).element(),
    f("sql.array_gt", ">", &[ANYARRAY, ANYARRAY], BOOL, |_, a| yes(pair(a).is_gt())).element(),
    f("sql.array_ge", ">=", &[ANYARRAY, ANYARRAY], BOOL, |_, a| yes(pair(a).is_ge())).element(),
    f("sql.text_pattern_lt", "~<~", &[TEXT, TEXT], BOOL, |_, a| yes(pair(a).is_lt())),
    f("sql.text_pattern_le", "~<=~", &[TEXT, TEXT], BOOL, |_, a| yes(pair(a).is_le())),
    f("sql.text_pattern_ge", "~>=~", &[TEXT, TEXT], BOOL, |_, a| yes(pair(a).is_ge())),
    f("sql.text_pattern_gt", "~>~", &[TEXT, TEXT], BOOL, |_, a| yes(pair(a).is_gt())),
    f("sql.int4_cmp", "btint4cmp", &[INT4, INT4], INT4, |_, a| sign(pair(a))),
    f("sql.int8_cmp", "btint8cmp", &[INT8, INT8], INT4, |_, a| sign(pair(a))),
    f("sql.text_cmp", "bttextcmp", &[TEXT, TEXT], INT4, |_, a| sign(pair(a))),
    f("sql.float8_cmp", "btfloat8cmp", &[FLOAT8, FLOAT8], INT4, |_, a| {
        sign(floats(a.float(0)?, a.float(1)?))
    }),
];

fn sign<'a>(order: Ordering) -> Result<Datum<'a>> {
    Ok(Datum::Int(order as i64))
}
