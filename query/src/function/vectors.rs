//! int2vector and oidvector: arrays of the catalogue that are counted from 0, where arrays begin at
//! 1.
//!
//! PostgreSQL keeps a lower bound in each array, and clients rely on this one: `indkey[0]` is an
//! index's first column, and `generate_subscripts(indkey, 1)` begins with 0. Arrays here have no
//! bounds of their own, so the two types have entries of their own, which the binder prefers to
//! those of anyarray.

use super::names::*;
use super::{Arguments, Call, array};
use crate::{Datum, Result, Scalar, Type};

const INT2VECTOR: Type = Type::INT2VECTOR;

fn element<'a>(call: &Call<'a, '_>, a: &[Datum<'a>], scalar: Scalar) -> Result<Datum<'a>> {
    let at = usize::try_from(a.int(1)?).ok();
    match at.and_then(|at| a.array(0).map(|array| array.element(at)).transpose()) {
        Some(found) => array::element(found?, scalar, call.arena),
        None => Ok(Datum::Null),
    }
}

/// The bound of the one dimension; NULL where the vector is empty.
fn bound<'a>(a: &[Datum<'a>], upper: bool) -> Result<Datum<'a>> {
    let count = a.array(0)?.count().unwrap_or(0) as i64;
    Ok(match (a.int(1)?, count) {
        (1, 1..) => Datum::Int(if upper { count - 1 } else { 0 }),
        _ => Datum::Null,
    })
}

pub(super) static TABLE: &[Function] = &[
    f("sql.int2vector_element", "array_element", &[INT2VECTOR, INT4], INT2, |c, a| {
        element(c, a, Scalar::Int2)
    }),
    f("sql.oidvector_element", "array_element", &[OIDVECTOR, INT4], OID, |c, a| {
        element(c, a, Scalar::Oid)
    }),
    f("sql.int2vector_lower", "array_lower", &[INT2VECTOR, INT4], INT4, |_, a| bound(a, false)),
    f("sql.oidvector_lower", "array_lower", &[OIDVECTOR, INT4], INT4, |_, a| bound(a, false)),
    f("sql.int2vector_upper", "array_upper", &[INT2VECTOR, INT4], INT4, |_, a| bound(a, true)),
    f("sql.oidvector_upper", "array_upper", &[OIDVECTOR, INT4], INT4, |_, a| bound(a, true)),
];
