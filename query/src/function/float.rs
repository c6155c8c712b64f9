//! Floating point: real and double precision.
//!
//! IEEE arithmetic in the operands' width, with PostgreSQL's two additions: a result that overflows
//! although no operand was infinite is 22003, and so is a product or quotient of non-zeros that
//! vanishes. NaN and the infinities themselves are values like any other.

use super::arithmetic::division_by_zero;
use super::names::*;
use super::{Arguments, Call};
use crate::{Datum, Error, ErrorKind, Result};

#[cold]
pub fn overflow() -> Error {
    Error::new(ErrorKind::Type, "22003", "value out of range: overflow")
}

#[cold]
pub fn underflow() -> Error {
    Error::new(ErrorKind::Type, "22003", "value out of range: underflow")
}

#[cold]
fn not_in_domain() -> Error {
    Error::new(ErrorKind::Type, "22003", "input is out of range")
}

/// A result whose operands were finite, or not.
#[inline]
fn checked(result: f64, finite: bool) -> Result<f64> {
    if result.is_infinite() && finite { Err(overflow()) } else { Ok(result) }
}

#[inline]
fn add(a: f64, b: f64) -> Result<f64> {
    checked(a + b, a.is_finite() && b.is_finite())
}

#[inline]
fn sub(a: f64, b: f64) -> Result<f64> {
    checked(a - b, a.is_finite() && b.is_finite())
}

#[inline]
fn mul(a: f64, b: f64) -> Result<f64> {
    let result = checked(a * b, !a.is_infinite() && !b.is_infinite())?;
    if result == 0.0 && a != 0.0 && b != 0.0 { Err(underflow()) } else { Ok(result) }
}

#[inline]
fn div(a: f64, b: f64) -> Result<f64> {
    if b == 0.0 && !a.is_nan() {
        return Err(division_by_zero());
    }
    let result = checked(a / b, !a.is_infinite())?;
    if result == 0.0 && a != 0.0 && !b.is_infinite() { Err(underflow()) } else { Ok(result) }
}

fn float8<'a>(n: Result<f64>) -> Result<Datum<'a>> {
    n.map(Datum::Float)
}

/// Rounds to single precision, where the range is narrower: a double holds every product of two
/// singles exactly, and sums and quotients to more than twice the digits, so rounding twice is
/// rounding once.
fn float4<'a>(n: Result<f64>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let wide = n?;
    let narrow = wide as f32;
    if narrow.is_infinite() && a.float(0)?.is_finite() && a.float(1)?.is_finite() {
        return Err(overflow());
    }
    if narrow == 0.0 && wide != 0.0 {
        return Err(underflow());
    }
    Ok(Datum::Float32(narrow))
}

macro_rules! operators {
    ($($tag:literal $left:ident $right:ident $result:ident $wrap:expr;)*) => { &[$(
        f(concat!("sql.", $tag, "_add"), "+", &[$left, $right], $result,
            |_, a| $wrap(add(a.float(0)?, a.float(1)?), a)),
        f(concat!("sql.", $tag, "_sub"), "-", &[$left, $right], $result,
            |_, a| $wrap(sub(a.float(0)?, a.float(1)?), a)),
        f(concat!("sql.", $tag, "_mul"), "*", &[$left, $right], $result,
            |_, a| $wrap(mul(a.float(0)?, a.float(1)?), a)),
        f(concat!("sql.", $tag, "_div"), "/", &[$left, $right], $result,
            |_, a| $wrap(div(a.float(0)?, a.float(1)?), a)),
    )*] };
}

fn double<'a>(n: Result<f64>, _: &[Datum<'a>]) -> Result<Datum<'a>> {
    float8(n)
}

/// `+ - * /`.
pub(super) static OPERATORS: &[Function] = operators! {
    "float4" FLOAT4 FLOAT4 FLOAT4 float4;
    "float48" FLOAT4 FLOAT8 FLOAT8 double;
    "float84" FLOAT8 FLOAT4 FLOAT8 double;
    "float8" FLOAT8 FLOAT8 FLOAT8 double;
};

macro_rules! of_one {
    ($($id:literal $name:literal $body:expr;)*) => { &[$(
        f(concat!("sql.", $id), $name, &[FLOAT8], FLOAT8, |_, a| float8($body(a.float(0)?))),
    )*] };
}

#[allow(clippy::unnecessary_wraps)]
fn round(n: f64) -> Result<f64> {
    Ok(n.round_ties_even())
}

fn sqrt(n: f64) -> Result<f64> {
    match n < 0.0 {
        true => Err(domain("2201F", "cannot take square root of a negative number")),
        false => Ok(n.sqrt()),
    }
}

#[cold]
pub fn domain(sqlstate: &'static str, message: &'static str) -> Error {
    Error::new(ErrorKind::Type, sqlstate, message)
}

fn logarithm(n: f64, of: fn(f64) -> f64) -> Result<f64> {
    if n == 0.0 {
        return Err(domain("2201E", "cannot take logarithm of zero"));
    }
    if n < 0.0 {
        return Err(domain("2201E", "cannot take logarithm of a negative number"));
    }
    Ok(of(n))
}

fn exp(n: f64) -> Result<f64> {
    let result = checked(n.exp(), !n.is_infinite())?;
    if result == 0.0 && n.is_finite() { Err(underflow()) } else { Ok(result) }
}

fn finite(n: f64, of: fn(f64) -> f64) -> Result<f64> {
    if n.is_infinite() { Err(not_in_domain()) } else { Ok(of(n)) }
}

fn within_one(n: f64, of: fn(f64) -> f64) -> Result<f64> {
    if n.is_nan() {
        return Ok(n);
    }
    if (-1.0..=1.0).contains(&n) { Ok(of(n)) } else { Err(not_in_domain()) }
}

/// `^`.
pub fn power(base: f64, exponent: f64) -> Result<f64> {
    if base.is_nan() {
        return Ok(if exponent == 0.0 { 1.0 } else { base });
    }
    if exponent.is_nan() {
        return Ok(if base == 1.0 { 1.0 } else { exponent });
    }
    if base == 0.0 && exponent < 0.0 {
        return Err(domain("2201F", "zero raised to a negative power is undefined"));
    }
    if base < 0.0 && exponent.floor() != exponent {
        let message = "a negative number raised to a non-integer power yields a complex result";
        return Err(domain("2201F", message));
    }
    let result = checked(base.powf(exponent), base.is_finite() && exponent.is_finite())?;
    let vanished = result == 0.0 && base != 0.0 && base.is_finite() && exponent.is_finite();
    if vanished { Err(underflow()) } else { Ok(result) }
}

/// What PostgreSQL scales by, so that the round angles come out exactly.
fn sine_0_to_30(n: f64) -> f64 {
    n.to_radians().sin() / 30f64.to_radians().sin() / 2.0
}

fn cosine_0_to_60(n: f64) -> f64 {
    let versed = 1.0 - n.to_radians().cos();
    1.0 - versed / (1.0 - 60f64.to_radians().cos()) / 2.0
}

/// From 0 to 90 degrees.
fn sine_quadrant(n: f64) -> f64 {
    if n <= 30.0 { sine_0_to_30(n) } else { cosine_0_to_60(90.0 - n) }
}

fn cosine_quadrant(n: f64) -> f64 {
    if n <= 60.0 { cosine_0_to_60(n) } else { sine_0_to_30(90.0 - n) }
}

/// The angle in the first quadrant, and the signs of sine and cosine.
fn quadrant(n: f64) -> (f64, f64, f64) {
    let (mut n, mut sine, mut cosine) = (n % 360.0, 1.0, 1.0);
    if n < 0.0 {
        (n, sine) = (-n, -sine);
    }
    if n > 180.0 {
        (n, sine) = (360.0 - n, -sine);
    }
    if n > 90.0 {
        (n, cosine) = (180.0 - n, -cosine);
    }
    (n, sine, cosine)
}

fn sine_degrees(n: f64) -> f64 {
    let (n, sign, _) = quadrant(n);
    sign * sine_quadrant(n)
}

fn cosine_degrees(n: f64) -> f64 {
    let (n, _, sign) = quadrant(n);
    sign * cosine_quadrant(n)
}

fn tangent_degrees(n: f64) -> f64 {
    let (n, sine, cosine) = quadrant(n);
    let at_45 = sine_quadrant(45.0) / cosine_quadrant(45.0);
    let result = sine * cosine * (sine_quadrant(n) / cosine_quadrant(n) / at_45);
    if result == 0.0 { 0.0 } else { result }
}

fn cotangent_degrees(n: f64) -> f64 {
    let (n, sine, cosine) = quadrant(n);
    let at_45 = cosine_quadrant(45.0) / sine_quadrant(45.0);
    let result = sine * cosine * (cosine_quadrant(n) / sine_quadrant(n) / at_45);
    if result == 0.0 { 0.0 } else { result }
}

/// Without squaring what would overflow.
fn inverse_sinh(n: f64) -> f64 {
    if n.is_finite() && n.abs() > 1e150 {
        return (n.abs().ln() + std::f64::consts::LN_2).copysign(n);
    }
    n.asinh()
}

fn inverse_cosh(n: f64) -> f64 {
    if n.is_finite() && n > 1e150 { n.ln() + std::f64::consts::LN_2 } else { n.acosh() }
}

/// Functions of one double.
pub(super) static UNARY: &[Function] = of_one! {
    "float8_neg" "-" |n: f64| Ok(-n);
    "float8_plus" "+" |n: f64| Ok(n);
    "float8_abs_op" "@" |n: f64| Ok(n.abs());
    "float8_abs" "abs" |n: f64| Ok(n.abs());
    "float8_ceil" "ceil" |n: f64| Ok(n.ceil());
    "float8_ceiling" "ceiling" |n: f64| Ok(n.ceil());
    "float8_floor" "floor" |n: f64| Ok(n.floor());
    "float8_round" "round" round;
    "float8_trunc" "trunc" |n: f64| Ok(n.trunc());
    "float8_sign" "sign" |n: f64| Ok(if n > 0.0 { 1.0 } else if n < 0.0 { -1.0 } else { 0.0 });
    "float8_sqrt" "sqrt" sqrt;
    "float8_sqrt_op" "|/" sqrt;
    "float8_cbrt" "cbrt" |n: f64| Ok(n.cbrt());
    "float8_cbrt_op" "||/" |n: f64| Ok(n.cbrt());
    "float8_exp" "exp" exp;
    "float8_ln" "ln" |n| logarithm(n, f64::ln);
    "float8_log" "log" |n| logarithm(n, f64::log10);
    "float8_log10" "log10" |n| logarithm(n, f64::log10);
    "float8_degrees" "degrees" |n: f64| checked(n / (std::f64::consts::PI / 180.0), n.is_finite());
    "float8_radians" "radians" |n: f64| Ok(n * (std::f64::consts::PI / 180.0));
    "float8_sin" "sin" |n| finite(n, f64::sin);
    "float8_cos" "cos" |n| finite(n, f64::cos);
    "float8_tan" "tan" |n| finite(n, f64::tan);
    "float8_cot" "cot" |n| finite(n, |n| 1.0 / n.tan());
    "float8_asin" "asin" |n| within_one(n, f64::asin);
    "float8_acos" "acos" |n| within_one(n, f64::acos);
    "float8_atan" "atan" |n: f64| Ok(n.atan());
    "float8_sinh" "sinh" |n: f64| Ok(n.sinh());
    "float8_cosh" "cosh" |n: f64| Ok(n.cosh());
    "float8_tanh" "tanh" |n: f64| Ok(n.tanh());
    "float8_asinh" "asinh" |n: f64| Ok(inverse_sinh(n));
    "float8_acosh" "acosh" |n: f64| if n < 1.0 { Err(not_in_domain()) } else { Ok(inverse_cosh(n)) };
    "float8_atanh" "atanh" |n| within_one(n, f64::atanh);
    "float8_asind" "asind" |n| within_one(n, |n| n.asin() / 0.5f64.asin() * 30.0);
    "float8_acosd" "acosd" |n| within_one(n, |n| n.acos() / 0.5f64.acos() * 60.0);
    "float8_atand" "atand" |n: f64| Ok(n.atan() / 1f64.atan() * 45.0);
    "float8_sind" "sind" |n| finite(n, sine_degrees);
    "float8_cosd" "cosd" |n| finite(n, cosine_degrees);
    "float8_tand" "tand" |n| finite(n, tangent_degrees);
    "float8_cotd" "cotd" |n| finite(n, cotangent_degrees);
};

/// The rest.
pub(super) static OTHERS: &[Function] = &[
    f("sql.float4_neg", "-", &[FLOAT4], FLOAT4, |_, a| Ok(Datum::Float32(-a.float4(0)?))),
    f("sql.float4_plus", "+", &[FLOAT4], FLOAT4, |_, a| Ok(a.at(0))),
    f("sql.float4_abs_op", "@", &[FLOAT4], FLOAT4, |_, a| Ok(Datum::Float32(a.float4(0)?.abs()))),
    f("sql.float4_abs", "abs", &[FLOAT4], FLOAT4, |_, a| Ok(Datum::Float32(a.float4(0)?.abs()))),
    f("sql.float8_pow_op", "^", &[FLOAT8, FLOAT8], FLOAT8, raise),
    f("sql.float8_power", "power", &[FLOAT8, FLOAT8], FLOAT8, raise),
    f("sql.float8_pow", "pow", &[FLOAT8, FLOAT8], FLOAT8, raise),
    f("sql.float8_atan2", "atan2", &[FLOAT8, FLOAT8], FLOAT8, |_, a| {
        Ok(Datum::Float(a.float(0)?.atan2(a.float(1)?)))
    }),
    f("sql.float8_atan2d", "atan2d", &[FLOAT8, FLOAT8], FLOAT8, |_, a| {
        Ok(Datum::Float(a.float(0)?.atan2(a.float(1)?) / 1f64.atan() * 45.0))
    }),
    f("sql.pi", "pi", &[], FLOAT8, |_, _| Ok(Datum::Float(std::f64::consts::PI))),
    f("sql.random", "random", &[], FLOAT8, |c, _| Ok(Datum::Float(c.session().random())))
        .volatile(),
    f("sql.float8_width_bucket", "width_bucket", &[FLOAT8, FLOAT8, FLOAT8, INT4], INT4, |_, a| {
        width_bucket(a.float(0)?, a.float(1)?, a.float(2)?, a.int(3)?)
    }),
];

fn raise<'a>(_: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    float8(power(a.float(0)?, a.float(1)?))
}

fn width_bucket<'a>(n: f64, low: f64, high: f64, count: i64) -> Result<Datum<'a>> {
    if count <= 0 {
        return Err(domain("2201G", "count must be greater than zero"));
    }
    if n.is_nan() || low.is_nan() || high.is_nan() {
        return Err(domain("2201G", "operand, lower bound, and upper bound cannot be NaN"));
    }
    if low.is_infinite() || high.is_infinite() {
        return Err(domain("2201G", "lower and upper bounds must be finite"));
    }
    if low == high {
        return Err(domain("2201G", "lower bound cannot equal upper bound"));
    }
    let (n, low, high) = if low < high { (n, low, high) } else { (-n, -low, -high) };
    let bucket = if n < low {
        0
    } else if n >= high {
        count + 1
    } else {
        ((n - low) / (high - low) * count as f64) as i64 + 1
    };
    super::arithmetic::int4(bucket)
}
