//! Integer arithmetic, checked.
//!
//! PostgreSQL has one operator for each pair of widths, and the wider one's range decides: `int2 +
//! int4` is an int4. Every kernel computes in 64 bits and checks against its result's range, so one
//! body serves all pairs of one width. Overflow is 22003, a zero divisor 22012; the one quotient
//! that overflows (`min / -1`) is out of range, its remainder 0.

use super::Arguments;
use super::names::*;
use crate::{Datum, Error, ErrorKind, Result};

/// 22012.
#[cold]
pub fn division_by_zero() -> Error {
    Error::new(ErrorKind::Type, "22012", "division by zero")
}

/// 22003 for a type.
#[cold]
pub fn out_of_range(ty: &'static str) -> Error {
    Error::new(ErrorKind::Type, "22003", format!("{ty} out of range"))
}

/// A smallint.
#[inline]
pub fn int2<'a>(n: i64) -> Result<Datum<'a>> {
    i16::try_from(n).map(|_| Datum::Int(n)).map_err(|_| out_of_range("smallint"))
}

/// An integer.
#[inline]
pub fn int4<'a>(n: i64) -> Result<Datum<'a>> {
    i32::try_from(n).map(|_| Datum::Int(n)).map_err(|_| out_of_range("integer"))
}

/// A bigint, where the operation did not overflow.
#[inline]
pub fn int8<'a>(n: Option<i64>) -> Result<Datum<'a>> {
    n.map(Datum::Int).ok_or_else(|| out_of_range("bigint"))
}

macro_rules! narrow {
    ($check:expr) => {
        |n: Option<i64>| n.map_or_else(|| Err(out_of_range("bigint")), $check)
    };
}

macro_rules! binary {
    ($($tag:literal $left:ident $right:ident $result:ident $check:expr;)*) => { &[$(
        f(concat!("sql.", $tag, "_add"), "+", &[$left, $right], $result,
            |_, a| narrow!($check)(a.int(0)?.checked_add(a.int(1)?))),
        f(concat!("sql.", $tag, "_sub"), "-", &[$left, $right], $result,
            |_, a| narrow!($check)(a.int(0)?.checked_sub(a.int(1)?))),
        f(concat!("sql.", $tag, "_mul"), "*", &[$left, $right], $result,
            |_, a| narrow!($check)(a.int(0)?.checked_mul(a.int(1)?))),
        f(concat!("sql.", $tag, "_div"), "/", &[$left, $right], $result,
            |_, a| match (a.int(0)?, a.int(1)?) {
                (_, 0) => Err(division_by_zero()),
                (n, d) => narrow!($check)(n.checked_div(d)),
            }),
    )*] };
}

/// `+ - * /` for each pair of widths.
pub(super) static BINARY: &[Function] = binary! {
    "int2" INT2 INT2 INT2 int2;
    "int24" INT2 INT4 INT4 int4;
    "int28" INT2 INT8 INT8 any;
    "int42" INT4 INT2 INT4 int4;
    "int4" INT4 INT4 INT4 int4;
    "int48" INT4 INT8 INT8 any;
    "int82" INT8 INT2 INT8 any;
    "int84" INT8 INT4 INT8 any;
    "int8" INT8 INT8 INT8 any;
};

fn any<'a>(n: i64) -> Result<Datum<'a>> {
    Ok(Datum::Int(n))
}

macro_rules! each_width {
    ($($tag:literal $ty:ident $check:expr;)*) => { &[$(
        f(concat!("sql.", $tag, "_neg"), "-", &[$ty], $ty,
            |_, a| narrow!($check)(a.int(0)?.checked_neg())),
        f(concat!("sql.", $tag, "_plus"), "+", &[$ty], $ty, |_, a| Ok(a.at(0))),
        f(concat!("sql.", $tag, "_abs_op"), "@", &[$ty], $ty,
            |_, a| narrow!($check)(a.int(0)?.checked_abs())),
        f(concat!("sql.", $tag, "_abs"), "abs", &[$ty], $ty,
            |_, a| narrow!($check)(a.int(0)?.checked_abs())),
        f(concat!("sql.", $tag, "_rem"), "%", &[$ty, $ty], $ty,
            |_, a| remainder(a.int(0)?, a.int(1)?)),
        f(concat!("sql.", $tag, "_mod"), "mod", &[$ty, $ty], $ty,
            |_, a| remainder(a.int(0)?, a.int(1)?)),
        f(concat!("sql.", $tag, "_and"), "&", &[$ty, $ty], $ty,
            |_, a| Ok(Datum::Int(a.int(0)? & a.int(1)?))),
        f(concat!("sql.", $tag, "_or"), "|", &[$ty, $ty], $ty,
            |_, a| Ok(Datum::Int(a.int(0)? | a.int(1)?))),
        f(concat!("sql.", $tag, "_xor"), "#", &[$ty, $ty], $ty,
            |_, a| Ok(Datum::Int(a.int(0)? ^ a.int(1)?))),
        f(concat!("sql.", $tag, "_not"), "~", &[$ty], $ty, |_, a| Ok(Datum::Int(!a.int(0)?))),
    )*] };
}

/// What has one entry for each width.
pub(super) static UNARY: &[Function] = each_width! {
    "int2" INT2 int2;
    "int4" INT4 int4;
    "int8" INT8 any;
};

fn remainder<'a>(n: i64, d: i64) -> Result<Datum<'a>> {
    if d == 0 {
        return Err(division_by_zero());
    }
    Ok(Datum::Int(n.wrapping_rem(d)))
}

/// Shifts take the distance modulo the width of the machine word that PostgreSQL computes them in.
pub(super) static OTHERS: &[Function] = &[
    f("sql.int2_shl", "<<", &[INT2, INT4], INT2, |_, a| {
        Ok(Datum::Int((a.int4(0)?.wrapping_shl(a.int4(1)? as u32) as i16).into()))
    }),
    f("sql.int2_shr", ">>", &[INT2, INT4], INT2, |_, a| {
        Ok(Datum::Int((a.int4(0)?.wrapping_shr(a.int4(1)? as u32) as i16).into()))
    }),
    f("sql.int4_shl", "<<", &[INT4, INT4], INT4, |_, a| {
        Ok(Datum::Int(a.int4(0)?.wrapping_shl(a.int4(1)? as u32).into()))
    }),
    f("sql.int4_shr", ">>", &[INT4, INT4], INT4, |_, a| {
        Ok(Datum::Int(a.int4(0)?.wrapping_shr(a.int4(1)? as u32).into()))
    }),
    f("sql.int8_shl", "<<", &[INT8, INT4], INT8, |_, a| {
        Ok(Datum::Int(a.int(0)?.wrapping_shl(a.int4(1)? as u32)))
    }),
    f("sql.int8_shr", ">>", &[INT8, INT4], INT8, |_, a| {
        Ok(Datum::Int(a.int(0)?.wrapping_shr(a.int4(1)? as u32)))
    }),
    f("sql.int4_gcd", "gcd", &[INT4, INT4], INT4, |_, a| {
        gcd(a.int(0)?, a.int(1)?).map_or_else(|| Err(out_of_range("integer")), int4)
    }),
    f("sql.int8_gcd", "gcd", &[INT8, INT8], INT8, |_, a| int8(gcd(a.int(0)?, a.int(1)?))),
    f("sql.int4_lcm", "lcm", &[INT4, INT4], INT4, |_, a| {
        lcm(a.int(0)?, a.int(1)?).map_or_else(|| Err(out_of_range("integer")), int4)
    }),
    f("sql.int8_lcm", "lcm", &[INT8, INT8], INT8, |_, a| int8(lcm(a.int(0)?, a.int(1)?))),
];

fn gcd(a: i64, b: i64) -> Option<i64> {
    let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    i64::try_from(a).ok()
}

fn lcm(a: i64, b: i64) -> Option<i64> {
    if a == 0 || b == 0 {
        return Some(0);
    }
    let divisor = gcd(a, b)?;
    (a / divisor).checked_mul(b)?.checked_abs()
}
