//! numeric: exact arithmetic with PostgreSQL's rules for the scale of each result.
//!
//! ```text
//!   + -         the larger scale
//!   *           the sum of the scales
//!   /           at least 16 significant digits, at least either scale
//!   sqrt exp ln at least 16 significant digits of the result's estimated size
//!   ^           an integer exponent: at least 16 digits; else by exp(ln(x)·y)
//! ```
//!
//! The numbers themselves are [`value::Decimal`]'s; here are only the rules, which decide how many
//! digits a client sees. They are stated in PostgreSQL's base-10000 digits, whence
//! `base10000_head`.

use value::{Decimal, DecimalError};

use super::arithmetic::division_by_zero;
use super::float::domain;
use super::names::*;
use super::{Arguments, Call};
use crate::{Datum, Error, ErrorKind, Result};

const SIGNIFICANT: i32 = 16;
const DISPLAY_SCALE_MAX: i32 = 1000;
/// log10(e) with the digits that PostgreSQL estimates with: one more would change a scale now and
/// then.
#[allow(clippy::approx_constant)]
const LOG10_E: f64 = 0.434_294_481_903_252;

/// Errors of decimals in PostgreSQL's words.
#[cold]
pub fn failed(error: DecimalError) -> Error {
    match error {
        DecimalError::DivisionByZero => division_by_zero(),
        DecimalError::Overflow => {
            Error::new(ErrorKind::Type, "22003", "value overflows numeric format")
        }
        DecimalError::Domain => Error::new(ErrorKind::Type, "22003", "argument out of range"),
        DecimalError::Syntax => Error::internal("a decimal that is none"),
    }
}

fn keep<'a>(
    call: &Call<'a, '_>,
    n: std::result::Result<Decimal, DecimalError>,
) -> Result<Datum<'a>> {
    n.map(|n| call.decimal(n)).map_err(failed)
}

/// A whole number.
pub fn from_int(n: i64) -> Decimal {
    Decimal::from(i128::from(n))
}

/// The scale that PostgreSQL gives a quotient.
pub fn quotient_scale(a: &Decimal, b: &Decimal) -> i32 {
    let ((weight_a, first_a), (weight_b, first_b)) = (a.base10000_head(), b.base10000_head());
    let weight = weight_a - weight_b - i32::from(first_a <= first_b);
    limit(SIGNIFICANT - weight * 4, &[a, b])
}

fn limit(scale: i32, at_least: &[&Decimal]) -> i32 {
    let wanted = at_least.iter().fold(scale.max(0), |scale, n| scale.max(n.scale()));
    wanted.min(DISPLAY_SCALE_MAX)
}

/// a / b.
///
/// # Errors
/// 22012, 22003.
pub fn divide(a: &Decimal, b: &Decimal) -> Result<Decimal> {
    if b.is_zero() && !a.is_nan() {
        return Err(division_by_zero());
    }
    if b.is_infinite() && a.is_finite() {
        return Ok(Decimal::ZERO);
    }
    a.div(b, quotient_scale(a, b)).map_err(failed)
}

fn remainder(a: &Decimal, b: &Decimal) -> Result<Decimal> {
    if b.is_zero() && !a.is_nan() {
        return Err(division_by_zero());
    }
    a.rem(b).map_err(failed)
}

fn square_root(n: &Decimal) -> Result<Decimal> {
    if n.is_negative() {
        return Err(domain("2201F", "cannot take square root of a negative number"));
    }
    let (weight, _) = n.base10000_head();
    let place = (weight + 1) * 2 - 1;
    n.sqrt(limit(SIGNIFICANT - place, &[n])).map_err(failed)
}

/// The place of the first digit of ln(n), estimated as PostgreSQL does.
fn logarithm_place(n: &Decimal) -> i32 {
    if n.signum() != Some(1) {
        return 0;
    }
    let near = |mantissa: i128| Decimal::new(mantissa, 1).unwrap_or(Decimal::ONE);
    if *n >= near(9) && *n <= near(11) {
        let difference = n.sub(&Decimal::ONE).unwrap_or(Decimal::ZERO);
        if difference.is_zero() {
            return 0;
        }
        let (weight, first) = difference.abs().base10000_head();
        return weight * 4 + f64::from(first).log10() as i32;
    }
    natural(n).abs().log10() as i32
}

/// ln(n) as a double, of its first eight digits.
fn natural(n: &Decimal) -> f64 {
    let (weight, first) = n.base10000_head();
    let place = n.magnitude().unwrap_or(0);
    let digits = n.to_f64();
    if digits.is_finite() && digits > 0.0 && place.abs() < 300 {
        return digits.ln();
    }
    f64::from(first).ln() + f64::from(weight) * 4.0 * std::f64::consts::LN_10
}

fn logarithm_checked(n: &Decimal) -> Result<()> {
    match n.signum() {
        Some(0) => Err(domain("2201E", "cannot take logarithm of zero")),
        Some(-1) => Err(domain("2201E", "cannot take logarithm of a negative number")),
        _ => Ok(()),
    }
}

fn ln(n: &Decimal) -> Result<Decimal> {
    logarithm_checked(n)?;
    if !n.is_finite() {
        return Ok(n.clone());
    }
    n.ln(limit(SIGNIFICANT - logarithm_place(n), &[n])).map_err(failed)
}

fn log(base: &Decimal, n: &Decimal) -> Result<Decimal> {
    logarithm_checked(base)?;
    logarithm_checked(n)?;
    if base.is_nan() || n.is_nan() {
        return Ok(Decimal::NAN);
    }
    match (base.is_infinite(), n.is_infinite()) {
        (true, true) => return Ok(Decimal::NAN),
        (true, false) => return Ok(Decimal::ZERO),
        (false, true) => return Ok(Decimal::INFINITY),
        _ => {}
    }
    let (base_place, place) = (logarithm_place(base), logarithm_place(n));
    let result_place = place - base_place;
    let scale = limit(SIGNIFICANT - result_place, &[base, n]);
    let inner = |own: i32| (scale + result_place - own + 8).max(0);
    let divisor = base.ln(inner(base_place)).map_err(failed)?;
    let dividend = n.ln(inner(place)).map_err(failed)?;
    if divisor.is_zero() {
        return Err(division_by_zero());
    }
    dividend.div(&divisor, scale).map_err(failed)
}

fn exp(n: &Decimal) -> Result<Decimal> {
    if n.is_nan() {
        return Ok(Decimal::NAN);
    }
    if n.is_infinite() {
        return Ok(if n.is_negative() { Decimal::ZERO } else { Decimal::INFINITY });
    }
    let place = (n.to_f64() * LOG10_E).clamp(-2000.0, 2000.0);
    n.exp(limit(SIGNIFICANT - place as i32, &[n])).map_err(failed)
}

fn power(base: &Decimal, exponent: &Decimal) -> Result<Decimal> {
    if let Some(special) = power_special(base, exponent)? {
        return Ok(special);
    }
    let whole = exponent.to_i64_exact().and_then(|n| i32::try_from(n).ok());
    if let Some(whole) = whole {
        return base.pow_int(whole.into(), limit(SIGNIFICANT, &[base])).map_err(failed);
    }
    if base.is_zero() {
        return Decimal::new(0, SIGNIFICANT).map_err(failed);
    }
    let odd =
        exponent.is_integral() && exponent.rem(&from_int(2)).is_ok_and(|rest| !rest.is_zero());
    let size = base.abs();
    let place = logarithm_place(&size);
    let rough = size.ln((8 - place).max(0)).map_err(failed)?.mul(exponent).map_err(failed)?;
    // Rounded as PostgreSQL's first pass is, since the estimate decides how many digits are shown.
    let rough = rough.round((8 - place).max(0)).to_f64();
    if rough.abs() > 2000.0 * 3.01 {
        return match rough > 0.0 {
            true => Err(failed(DecimalError::Overflow)),
            false => Decimal::new(0, DISPLAY_SCALE_MAX).map_err(failed),
        };
    }
    let result_place = (rough * LOG10_E) as i32;
    let scale = limit(SIGNIFICANT - result_place, &[base, exponent]);
    let inner = ((scale + result_place).max(0) - place + 8).max(0);
    let product = size.ln(inner).map_err(failed)?.mul(exponent).map_err(failed)?;
    let result = product.round(inner).exp(scale).map_err(failed)?;
    Ok(if base.is_negative() && odd { result.neg() } else { result })
}

/// NaN, infinities, and the cases that have no power.
fn power_special(base: &Decimal, exponent: &Decimal) -> Result<Option<Decimal>> {
    if base.is_nan() || exponent.is_nan() {
        let one = exponent.is_zero() || *base == Decimal::ONE;
        return Ok(Some(if one { Decimal::ONE } else { Decimal::NAN }));
    }
    if base.is_zero() && exponent.is_negative() {
        return Err(domain("2201F", "zero raised to a negative power is undefined"));
    }
    if base.is_negative() && exponent.is_finite() && !exponent.is_integral() {
        let message = "a negative number raised to a non-integer power yields a complex result";
        return Err(domain("2201F", message));
    }
    if base.is_finite() && exponent.is_finite() {
        return Ok(None);
    }
    if *base == Decimal::ONE || exponent.is_zero() {
        return Ok(Some(Decimal::ONE));
    }
    let odd =
        exponent.is_integral() && exponent.rem(&from_int(2)).is_ok_and(|rest| !rest.is_zero());
    let large = match exponent.is_infinite() {
        true if base.abs() == Decimal::ONE => return Ok(Some(Decimal::ONE)),
        true => (base.abs() > Decimal::ONE) != exponent.is_negative(),
        false => !exponent.is_negative(),
    };
    let negative = base.is_negative() && odd;
    Ok(Some(match (large, negative) {
        (false, _) => Decimal::ZERO,
        (true, true) => Decimal::NEG_INFINITY,
        (true, false) => Decimal::INFINITY,
    }))
}

fn sign(n: &Decimal) -> Decimal {
    n.signum().map_or(Decimal::NAN, |sign| from_int(sign.into()))
}

/// numeric(precision, scale): rounds, then checks.
///
/// # Errors
/// 22003 with PostgreSQL's DETAIL.
pub fn fit(n: &Decimal, modifier: i32) -> Result<Decimal> {
    let (precision, scale) = precision_and_scale(modifier);
    if n.is_nan() {
        return Ok(Decimal::NAN);
    }
    let detail = if n.is_infinite() {
        format!("A field with precision {precision}, scale {scale} cannot hold an infinite value.")
    } else {
        let rounded = n.round(scale);
        let whole = i64::from(precision - scale);
        if rounded.is_zero() || rounded.magnitude().unwrap_or(0) <= whole {
            return Ok(if scale < 0 { rounded.round(0) } else { rounded });
        }
        let limit = match whole {
            0 => "1".to_owned(),
            whole => format!("10^{whole}"),
        };
        format!(
            "A field with precision {precision}, scale {scale} must round to an absolute value less \
             than {limit}."
        )
    };
    Err(Error::new(ErrorKind::Type, "22003", "numeric field overflow").detail(detail))
}

/// Of a numeric's modifier.
pub fn precision_and_scale(modifier: i32) -> (i32, i32) {
    let packed = modifier - 4;
    ((packed >> 16) & 0xffff, ((packed & 0x7ff) ^ 1024) - 1024)
}

macro_rules! of_two {
    ($($id:literal $name:literal $body:expr;)*) => { &[$(
        f(concat!("sql.", $id), $name, &[NUMERIC, NUMERIC], NUMERIC, |c, a| {
            Ok(c.decimal($body(a.decimal(0)?, a.decimal(1)?)?))
        }),
    )*] };
}

/// Functions of two.
pub(super) static BINARY: &[Function] = of_two! {
    "numeric_add" "+" |a: &Decimal, b: &Decimal| a.add(b).map_err(failed);
    "numeric_sub" "-" |a: &Decimal, b: &Decimal| a.sub(b).map_err(failed);
    "numeric_mul" "*" |a: &Decimal, b: &Decimal| a.mul(b).map_err(failed);
    "numeric_div" "/" divide;
    "numeric_rem" "%" remainder;
    "numeric_mod" "mod" remainder;
    "numeric_pow_op" "^" power;
    "numeric_power" "power" power;
    "numeric_pow" "pow" power;
    "numeric_log_base" "log" log;
    "numeric_gcd" "gcd" |a: &Decimal, b: &Decimal| a.gcd(b).map_err(failed);
    "numeric_lcm" "lcm" lcm;
    "numeric_quotient" "div" |a: &Decimal, b: &Decimal| whole_quotient(a, b);
};

fn whole_quotient(a: &Decimal, b: &Decimal) -> Result<Decimal> {
    if b.is_zero() && !a.is_nan() {
        return Err(division_by_zero());
    }
    if !a.is_finite() || !b.is_finite() {
        return a.div(b, 0).map(|n| n.trunc(0)).map_err(failed);
    }
    a.sub(&a.rem(b).map_err(failed)?).map_err(failed)?.div(b, 0).map_err(failed)
}

fn lcm(a: &Decimal, b: &Decimal) -> Result<Decimal> {
    if a.is_nan() || b.is_nan() || a.is_infinite() || b.is_infinite() {
        return Ok(Decimal::NAN);
    }
    let scale = a.scale().max(b.scale());
    if a.is_zero() || b.is_zero() {
        return Decimal::new(0, scale).map_err(failed);
    }
    let divisor = a.gcd(b).map_err(failed)?;
    let part = a.div(&divisor, 0).map_err(failed)?;
    Ok(part.mul(b).map_err(failed)?.abs().round(scale))
}

macro_rules! of_one {
    ($($id:literal $name:literal $body:expr;)*) => { &[$(
        f(concat!("sql.", $id), $name, &[NUMERIC], NUMERIC,
            |c, a| Ok(c.decimal($body(a.decimal(0)?)?))),
    )*] };
}

/// Functions of one.
pub(super) static UNARY: &[Function] = of_one! {
    "numeric_neg" "-" |n: &Decimal| Ok::<_, Error>(n.neg());
    "numeric_plus" "+" |n: &Decimal| Ok::<_, Error>(n.clone());
    "numeric_abs_op" "@" |n: &Decimal| Ok::<_, Error>(n.abs());
    "numeric_abs" "abs" |n: &Decimal| Ok::<_, Error>(n.abs());
    "numeric_ceil" "ceil" |n: &Decimal| Ok::<_, Error>(n.ceil());
    "numeric_ceiling" "ceiling" |n: &Decimal| Ok::<_, Error>(n.ceil());
    "numeric_floor" "floor" |n: &Decimal| Ok::<_, Error>(n.floor());
    "numeric_round" "round" |n: &Decimal| Ok::<_, Error>(n.round(0));
    "numeric_trunc" "trunc" |n: &Decimal| Ok::<_, Error>(n.trunc(0));
    "numeric_sign" "sign" |n: &Decimal| Ok::<_, Error>(sign(n));
    "numeric_sqrt" "sqrt" square_root;
    "numeric_exp" "exp" exp;
    "numeric_ln" "ln" ln;
    "numeric_log" "log" |n: &Decimal| log(&from_int(10), n);
    "numeric_log10" "log10" |n: &Decimal| log(&from_int(10), n);
    "numeric_trim_scale" "trim_scale" |n: &Decimal| Ok::<_, Error>(n.normalized());
};

/// The rest.
pub(super) static OTHERS: &[Function] = &[
    f("sql.numeric_round_to", "round", &[NUMERIC, INT4], NUMERIC, |c, a| {
        Ok(c.decimal(cut(a.decimal(0)?, a.int(1)?, Decimal::round)))
    }),
    f("sql.numeric_trunc_to", "trunc", &[NUMERIC, INT4], NUMERIC, |c, a| {
        Ok(c.decimal(cut(a.decimal(0)?, a.int(1)?, Decimal::trunc)))
    }),
    f("sql.numeric_scale", "scale", &[NUMERIC], INT4, |_, a| {
        let n = a.decimal(0)?;
        Ok(if n.is_finite() { Datum::Int(n.scale().into()) } else { Datum::Null })
    }),
    f("sql.numeric_min_scale", "min_scale", &[NUMERIC], INT4, |_, a| {
        let n = a.decimal(0)?;
        Ok(if n.is_finite() { Datum::Int(n.normalized().scale().into()) } else { Datum::Null })
    }),
    f("sql.factorial", "factorial", &[INT8], NUMERIC, |c, a| match a.int(0)? {
        ..0 => Err(domain("22003", "factorial of a negative number is undefined")),
        n => keep(c, Decimal::factorial(n)),
    }),
    f(
        "sql.numeric_width_bucket",
        "width_bucket",
        &[NUMERIC, NUMERIC, NUMERIC, INT4],
        INT4,
        |_, a| width_bucket(a.decimal(0)?, a.decimal(1)?, a.decimal(2)?, a.int(3)?),
    ),
];

/// Rounds to a scale that may be negative: then the digits before the point become zeros.
fn cut(n: &Decimal, scale: i64, with: fn(&Decimal, i32) -> Decimal) -> Decimal {
    let scale = scale.clamp(-2000, 2000) as i32;
    let cut = with(n, scale);
    if scale < 0 { cut.round(0) } else { cut }
}

fn width_bucket<'a>(n: &Decimal, low: &Decimal, high: &Decimal, count: i64) -> Result<Datum<'a>> {
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
    let up = low < high;
    let (before, after) = if up { (n < low, n >= high) } else { (n > low, n <= high) };
    if before {
        return Ok(Datum::Int(0));
    }
    if after {
        return super::arithmetic::int4(count + 1);
    }
    let part = n.sub(low).map_err(failed)?.mul(&from_int(count)).map_err(failed)?;
    let width = high.sub(low).map_err(failed)?;
    let bucket = whole_quotient(&part, &width)?.to_i64_exact().unwrap_or(0) + 1;
    super::arithmetic::int4(bucket)
}
