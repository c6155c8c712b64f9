//! Decimal arithmetic against plain big integers.
//!
//! ```text
//!   a = m·10^-s   b = n·10^-t
//!   a + b   (m·10^(max-s) + n·10^(max-t)) · 10^-max           compared as exact integers
//! ```
//!
//! The fast paths over 128 bits are what can be wrong, so the oracle has none: it brings both to
//! one scale and uses `num_bigint`. Numbers whose scales lie far apart are left to the panics.
//!
//! Rejected: another decimal crate as the oracle, since each rounds and limits its own way.

use std::cmp::Ordering;

use num_bigint::BigInt;
use value::{Decimal, DecimalError};

use crate::input::Input;

/// Scales further apart than this make the oracle slow.
const SCALES_MAX: i32 = 400;

/// Two decimals and what can be done with them.
pub fn decimal(data: &[u8]) {
    let mut input = Input::new(data);
    let (a, b) = (input.decimal(), input.decimal());
    let scale = i32::from(input.u8() as i8);
    for number in [&a, &b] {
        forms(number);
    }
    assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
    if let (Some(x), Some(y)) = (exact(&a), exact(&b)) {
        assert_eq!(compared(&x, &y), a.cmp(&b), "{a} {b}");
        same(a.add(&b), sum(&x, &y, 1), "sum", (&a, &b));
        same(a.sub(&b), sum(&x, &y, -1), "difference", (&a, &b));
        same(a.mul(&b), (&x.0 * &y.0, x.1 + y.1), "product", (&a, &b));
        divided(&a, &b, scale);
    }
    let _ = (a.sqrt(scale.abs()), a.gcd(&b), a.pow_int(i64::from(scale), 20));
    rounded(&a, scale);
}

/// Mantissa and scale, where the scale is small.
fn exact(number: &Decimal) -> Option<(BigInt, i32)> {
    let (mantissa, scale) = number.parts()?;
    (scale.abs() <= SCALES_MAX / 2).then(|| (mantissa.to_big(), scale))
}

fn at_scale(number: &(BigInt, i32), scale: i32) -> BigInt {
    &number.0 * BigInt::from(10).pow((scale - number.1).unsigned_abs())
}

fn compared(a: &(BigInt, i32), b: &(BigInt, i32)) -> Ordering {
    let scale = a.1.max(b.1);
    at_scale(a, scale).cmp(&at_scale(b, scale))
}

fn sum(a: &(BigInt, i32), b: &(BigInt, i32), sign: i32) -> (BigInt, i32) {
    let scale = a.1.max(b.1);
    (at_scale(a, scale) + at_scale(b, scale) * sign, scale)
}

fn same(
    result: Result<Decimal, DecimalError>,
    wanted: (BigInt, i32),
    what: &str,
    of: (&Decimal, &Decimal),
) {
    let result = result.expect("small numbers do not overflow");
    let found = exact(&result).unwrap_or_else(|| {
        let (mantissa, scale) = result.parts().expect("finite");
        (mantissa.to_big(), scale)
    });
    assert_eq!(compared(&found, &wanted), Ordering::Equal, "{what} of {} and {}", of.0, of.1);
}

/// a = q·b + r with |r| < |b|, and the rounded quotient within half a unit.
fn divided(a: &Decimal, b: &Decimal, scale: i32) {
    if b.is_zero() {
        assert_eq!(a.div(b, 10).unwrap_err(), DecimalError::DivisionByZero);
        return;
    }
    let scale = scale.abs();
    let quotient = a.div(b, scale).expect("small numbers do not overflow");
    let back = quotient.mul(b).expect("small");
    let error = a.sub(&back).expect("small").abs();
    let unit = Decimal::new(1, scale).expect("small").mul(b).expect("small").abs();
    let twice = error.add(&error).expect("small");
    assert!(twice <= unit, "{a} / {b} at {scale} is {quotient}");
    let rest = a.rem(b).expect("not zero");
    assert!(rest.abs() < b.abs(), "{a} % {b} is {rest}");
    assert!(rest.is_zero() || rest.is_negative() == a.is_negative(), "{a} % {b} is {rest}");
}

fn rounded(a: &Decimal, scale: i32) {
    let (round, trunc) = (a.round(scale), a.trunc(scale));
    if !a.is_finite() {
        return;
    }
    let unit = Decimal::new(1, scale).expect("small");
    for near in [&round, &trunc] {
        if let (Some(x), Some(y)) = (exact(a), exact(near)) {
            let off = sum(&x, &y, -1);
            let off = (off.0.magnitude().clone().into(), off.1);
            let unit = exact(&unit).expect("small");
            assert_ne!(compared(&off, &unit), Ordering::Greater, "{a} at {scale}: {near}");
        }
    }
    assert!(a.floor() <= *a && *a <= a.ceil());
}

/// Text, floats and integers of one number.
fn forms(number: &Decimal) {
    let back = Decimal::parse_exact(&number.to_scientific()).expect("what was written is read");
    assert!(back.identical(number), "{number:?}");
    assert_eq!(number.cmp(&number.normalized()), Ordering::Equal);
    let _ = (number.to_f64(), number.to_f32(), number.to_i128(), number.base10000_head());
    if let Some(whole) = number.to_i128_exact() {
        assert_eq!(Decimal::new(whole, 0).expect("a whole number"), *number);
    }
    if let Ok(bytes) = number.to_decimal128() {
        assert_eq!(Decimal::from_decimal128(bytes).cmp(number), Ordering::Equal, "{number:?}");
    }
    let _ = Decimal::from_f64_exact(number.to_f64());
}
