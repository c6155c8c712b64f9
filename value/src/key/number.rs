//! Numbers of every type on one exact scale.
//!
//! ```text
//!   09  -Infinity          15  zero              21  Infinity
//!   0a  ≤ -2^64            16  0 < x < 1         20  ≥ 2^64
//!   0b … 13  -2^64 < x ≤ -1, 9 … 1 bytes         17 … 1f  1 ≤ x < 2^64, 1 … 9 bytes
//!   14  -1 < x < 0
//!
//!   1 ≤ x < 2^64    class │ whole·2 + (0: x is whole; 1: more follows), the class's bytes
//!                   more: │ 7 bytes: the fraction's first 56 bits │ 00: that is x; 01: more
//!   x < 1, ≥ 2^64   class │ 8 bytes: the largest double not above x │ 00: that is x; 01: decimals
//!   after 01        3 bytes: e + 2^23, where x = 0.d₁d₂… · 10^e │ pairs of digits, each + 1 │ 00
//!   negative        all bytes of |x| complemented, the class mirrored at 15
//!
//!   5 = 17 0a     100000 = 19 03 0d 40     -5 = 13 f5     2.5 = 17 05 80 00 00 00 00 00 00 00
//! ```
//!
//! Why it is exact: whole part and 56 bits, or the double below, are a truncation: monotonic.
//! Numbers that agree in it are told apart by the flag (the truncation itself is the least) and
//! then by their decimal digits, which all of them have: binary fractions are never left over (a
//! double of 1 and more has at most 52 bits after the point), so whatever needs digits is a
//! decimal.
//!
//! Trailing zeros are no part of the digits; pairs are shifted by one to make room for the end.

use num_bigint::BigUint;
use num_integer::Integer;
use num_traits::{One, ToPrimitive, Zero};

use super::{Nan, class};
use crate::decimal::{Mantissa, big_pow10, magnitude_of};
use crate::{Decimal, Value};

/// 2^64, from which doubles carry the number.
const LARGE_FROM: f64 = 18_446_744_073_709_551_616.0;
/// Added to the decimal exponent.
const EXPONENT_BIAS: i64 = 1 << 23;

/// An integer.
#[inline]
pub(super) fn int(out: &mut Vec<u8>, n: i64) {
    let from = out.len();
    uint(out, n.unsigned_abs());
    if n < 0 {
        negate(out, from);
    }
}

/// An unsigned integer.
#[inline]
pub(super) fn uint(out: &mut Vec<u8>, n: u64) {
    if n == 0 { out.push(class::ZERO) } else { whole(out, n, false) }
}

/// The whole part, not 0, and whether a fraction follows.
#[inline]
fn whole(out: &mut Vec<u8>, n: u64, more: bool) {
    let bits = u128::from(n) << 1 | u128::from(more);
    let bytes = bits.to_be_bytes();
    let skip = bits.leading_zeros() as usize / 8;
    out.push(class::SMALL + (bytes.len() - skip) as u8);
    out.extend_from_slice(bytes.get(skip..).unwrap_or_default());
}

/// Turns the element from `from` on into that of the negative number.
#[inline]
fn negate(out: &mut [u8], from: usize) {
    if let Some((class, rest)) = out.get_mut(from..).and_then(<[u8]>::split_first_mut) {
        *class = 2 * class::ZERO - *class;
        super::write::complement(rest);
    }
}

fn special(out: &mut Vec<u8>, nan: Nan) {
    out.push(if nan == Nan::High { class::NAN_HIGH } else { class::NAN_LOW });
}

/// A float.
#[inline]
pub(super) fn float(out: &mut Vec<u8>, n: f64, nan: Nan) {
    if n.is_nan() {
        return special(out, nan);
    }
    let from = out.len();
    let x = n.abs();
    if x == 0.0 {
        return out.push(class::ZERO);
    } else if x.is_infinite() {
        out.push(class::INFINITY);
    } else if (1.0..LARGE_FROM).contains(&x) {
        let fraction = x.fract();
        whole(out, x as u64, fraction != 0.0);
        if fraction != 0.0 {
            // Exact: a double of 1 and more has no bit beyond the 52nd after the point.
            let bits = (fraction * (1u64 << 56) as f64) as u64;
            out.extend_from_slice(bits.to_be_bytes().get(1..).unwrap_or_default());
            out.push(0);
        }
    } else {
        out.push(if x < 1.0 { class::SMALL } else { class::LARGE });
        out.extend_from_slice(&x.to_bits().to_be_bytes());
        out.push(0);
    }
    if n < 0.0 {
        negate(out, from);
    }
}

/// A decimal.
pub(super) fn decimal(out: &mut Vec<u8>, n: &Decimal, nan: Nan) {
    let Some((mantissa, scale)) = n.parts() else {
        return match n.signum() {
            None => special(out, nan),
            Some(1) => out.push(class::INFINITY),
            Some(_) => out.push(class::NEGATIVE_INFINITY),
        };
    };
    let Some(magnitude) = n.magnitude() else { return out.push(class::ZERO) };
    let from = out.len();
    if let Mantissa::Small(m) = mantissa
        && scale == 0
        && let Ok(n) = u64::try_from(m.unsigned_abs())
    {
        whole(out, n, false);
    } else if magnitude <= 0 {
        by_double(out, class::SMALL, n, magnitude);
    } else {
        match split(mantissa, scale, magnitude) {
            Some(parts) => by_parts(out, &parts, n, magnitude),
            None => by_double(out, class::LARGE, n, magnitude),
        }
    }
    if n.is_negative() {
        negate(out, from);
    }
}

/// |x| = whole + fraction / 2^56 + less than 2^-56, which is nothing where `exact`.
struct Parts {
    whole: u64,
    fraction: u64,
    exact: bool,
}

/// The parts of a number of 1 and more; `None` from 2^64 up.
fn split(mantissa: Mantissa<'_>, scale: i32, magnitude: i64) -> Option<Parts> {
    if magnitude > 20 {
        return None;
    }
    if let (Mantissa::Small(m), 0..=21) = (mantissa, scale) {
        // 10^21 · 2^56 < 2^126
        let (m, power) = (m.unsigned_abs(), 10u128.pow(scale.unsigned_abs()));
        let scaled = (m % power) << 56;
        return Some(Parts {
            whole: (m / power).try_into().ok()?,
            fraction: (scaled / power) as u64,
            exact: scaled % power == 0,
        });
    }
    let m = magnitude_of(mantissa);
    if scale <= 0 {
        let whole = m * power_of_ten(scale.unsigned_abs());
        return Some(Parts { whole: whole.to_u64()?, fraction: 0, exact: true });
    }
    let power = power_of_ten(scale.unsigned_abs());
    let (whole, rest) = m.div_rem(&power);
    let (fraction, rest) = (rest << 56u32).div_rem(&power);
    let (whole, fraction) = (whole.to_u64()?, fraction.to_u64()?);
    Some(Parts { whole, fraction, exact: rest.is_zero() })
}

fn power_of_ten(n: u32) -> BigUint {
    big_pow10(n).to_biguint().unwrap_or_else(BigUint::one)
}

fn by_parts(out: &mut Vec<u8>, parts: &Parts, n: &Decimal, magnitude: i64) {
    let more = parts.fraction != 0 || !parts.exact;
    whole(out, parts.whole, more);
    if more {
        out.extend_from_slice(parts.fraction.to_be_bytes().get(1..).unwrap_or_default());
        tail(out, n, magnitude, parts.exact);
    }
}

fn by_double(out: &mut Vec<u8>, class: u8, n: &Decimal, magnitude: i64) {
    let x = n.abs();
    let mut double = x.to_f64().min(f64::MAX);
    let mut exact = Decimal::from_f64_exact(double);
    if exact > x {
        // The nearest double lay above: the one before it lies below.
        double = f64::from_bits(double.to_bits() - 1);
        exact = Decimal::from_f64_exact(double);
    }
    out.push(class);
    out.extend_from_slice(&double.to_bits().to_be_bytes());
    tail(out, n, magnitude, exact == x);
}

/// The flag, and the digits where the number is not exact without them.
fn tail(out: &mut Vec<u8>, n: &Decimal, magnitude: i64, exact: bool) {
    out.push(u8::from(!exact));
    if exact {
        return;
    }
    let biased = (magnitude + EXPONENT_BIAS) as u32;
    out.extend_from_slice(biased.to_be_bytes().get(1..).unwrap_or_default());
    let digits = match n.parts() {
        Some((mantissa, _)) => magnitude_of(mantissa).to_string(),
        None => String::new(),
    };
    for pair in digits.trim_end_matches('0').as_bytes().chunks(2) {
        let first = pair.first().map_or(0, |digit| digit - b'0');
        let second = pair.get(1).map_or(0, |digit| digit - b'0');
        out.push(first * 10 + second + 1);
    }
    out.push(0);
}

/// Reads what follows the class byte of a number. `next` answers the bytes of |x| one by one, with
/// every complement undone. `None` where the bytes are no number.
pub(super) fn read(
    class: u8,
    negative: bool,
    next: &mut dyn FnMut() -> Option<u8>,
) -> Option<Value> {
    let x = match class {
        class::INFINITY => return Some(Value::Float64(signed_float(f64::INFINITY, negative))),
        class::SMALL | class::LARGE => read_double(class, next)?,
        _ => read_whole(usize::from(class - class::SMALL), next)?,
    };
    if !negative {
        return Some(x);
    }
    Some(match x {
        Value::Int64(n) => Value::Int64(-n),
        Value::UInt64(n) if n == 1 << 63 => Value::Int64(i64::MIN),
        Value::UInt64(n) => real(Decimal::from(-i128::from(n))),
        Value::Float64(n) => Value::Float64(-n),
        Value::Decimal(n) => Value::Decimal(n.neg()),
        _ => return None,
    })
}

fn signed_float(n: f64, negative: bool) -> f64 {
    if negative { -n } else { n }
}

fn number(count: usize, next: &mut dyn FnMut() -> Option<u8>) -> Option<u128> {
    let mut n = 0u128;
    for _ in 0..count {
        n = n << 8 | u128::from(next()?);
    }
    Some(n)
}

fn read_whole(count: usize, next: &mut dyn FnMut() -> Option<u8>) -> Option<Value> {
    let bits = number(count, next)?;
    let whole = u64::try_from(bits >> 1).ok().filter(|whole| *whole > 0)?;
    if bits & 1 == 0 {
        return Some(Value::from_u64(whole));
    }
    let fraction = number(7, next)? as u64;
    if next()? != 0 {
        return read_digits(next).map(Value::Decimal);
    }
    // fraction / 2^56 = fraction · 5^56 / 10^56
    let fraction = BigUint::from(fraction) * BigUint::from(5u32).pow(56);
    let mantissa = BigUint::from(whole) * power_of_ten(56) + fraction;
    Some(real(Decimal::from_big(mantissa.into(), 56).ok()?.normalized()))
}

fn read_double(class: u8, next: &mut dyn FnMut() -> Option<u8>) -> Option<Value> {
    let double = f64::from_bits(number(8, next)? as u64);
    if next()? != 0 {
        return read_digits(next).map(Value::Decimal);
    }
    let in_range = if class == class::SMALL { double < 1.0 } else { double >= LARGE_FROM };
    (in_range && double > 0.0 && double.is_finite()).then_some(Value::Float64(double))
}

/// A float where it is the number exactly, else the decimal.
fn real(n: Decimal) -> Value {
    let double = n.to_f64();
    if Decimal::from_f64_exact(double) == n { Value::Float64(double) } else { Value::Decimal(n) }
}

fn read_digits(next: &mut dyn FnMut() -> Option<u8>) -> Option<Decimal> {
    let exponent = number(3, next)? as i64 - EXPONENT_BIAS;
    let mut digits = Vec::new();
    loop {
        match next()? {
            0 => break,
            pair @ 1..=100 => digits.extend_from_slice(&[(pair - 1) / 10, (pair - 1) % 10]),
            _ => return None,
        }
    }
    if digits.last() == Some(&0) {
        digits.pop();
    }
    let scale = i32::try_from(digits.len() as i64 - exponent).ok()?;
    let mantissa = BigUint::from_radix_be(&digits, 10)?;
    Some(Decimal::from_big(mantissa.into(), scale).ok()?.normalized())
}
