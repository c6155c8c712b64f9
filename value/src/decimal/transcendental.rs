//! Exponential, logarithm and general power, to any number of digits.
//!
//! All in fixed point: a big integer n stands for n · 10^-w, where w is the scale wanted plus guard
//! digits for what each step may lose.
//!
//! ```text
//!   exp x    r = x / 2^k, small enough for a short Taylor series; then squared k times
//!   ln x     x = m · 2^e with m near 1;  ln x = e·ln 2 + 2^j · ln m^(1/2^j), j square roots, and
//!            ln y = 2 · (z + z³/3 + z⁵/5 + …),  z = (y - 1) / (y + 1)
//!   b^x      exp(x · ln b); a whole x is multiplied out instead
//! ```
//!
//! k and j are about the square root of the digits wanted: the series then has about as many terms.
//! Results are within one unit of the guard digits, so they are rounded correctly but for numbers
//! that lie closer than 10^-10 units to a half.

use num_bigint::BigInt;
use num_traits::{Signed, ToPrimitive, Zero};

use super::{Decimal, DecimalError, INTEGER_DIGITS_MAX, SCALE_MAX, big_pow10};

const LOG10_E: f64 = std::f64::consts::LOG10_E;
const GUARD: u32 = 12;

impl Decimal {
    /// e^self, rounded to `scale`.
    ///
    /// # Errors
    /// `Overflow`.
    pub fn exp(&self, scale: i32) -> Result<Decimal, DecimalError> {
        if !self.is_finite() {
            return Ok(if self.is_negative() { Decimal::ZERO } else { self.clone() });
        }
        let scale = scale.clamp(0, SCALE_MAX);
        // Digits before the point, from a double: exact enough to choose a precision.
        let digits = self.to_f64() * LOG10_E;
        if digits >= INTEGER_DIGITS_MAX as f64 {
            return Err(DecimalError::Overflow);
        }
        if digits < -f64::from(scale) - 2.0 {
            return Ok(Decimal::ZERO.with_scale_unchecked(scale));
        }
        let places = scale.unsigned_abs() + digits.max(0.0) as u32 + GUARD;
        // The argument's error is multiplied by the result.
        let halvings = halvings(places);
        let places = places + halvings / 3 + 1;
        let power = exp_fixed(&self.fixed(places), places, halvings);
        from_fixed(power, places, scale)
    }

    /// The natural logarithm, rounded to `scale`.
    ///
    /// # Errors
    /// `Domain` at zero and below.
    pub fn ln(&self, scale: i32) -> Result<Decimal, DecimalError> {
        match self.signum() {
            None => return Ok(Decimal::NAN),
            Some(1) => {}
            Some(_) => return Err(DecimalError::Domain),
        }
        if self.is_infinite() {
            return Ok(Decimal::INFINITY);
        }
        let scale = scale.clamp(0, SCALE_MAX);
        let places = scale.unsigned_abs() + GUARD;
        from_fixed(self.ln_fixed(places), places, scale)
    }

    /// The logarithm to base 10, rounded to `scale`.
    ///
    /// # Errors
    /// `Domain` at zero and below.
    pub fn log10(&self, scale: i32) -> Result<Decimal, DecimalError> {
        self.log(&Decimal::from(10), scale)
    }

    /// The logarithm to any base, rounded to `scale`.
    ///
    /// # Errors
    /// `Domain` where either is zero or below; `DivisionByZero` for base 1.
    pub fn log(&self, base: &Decimal, scale: i32) -> Result<Decimal, DecimalError> {
        let scale = scale.clamp(0, SCALE_MAX);
        if !self.is_finite() || !base.is_finite() {
            return self.ln(scale)?.div(&base.ln(scale)?, scale);
        }
        if *base == Decimal::ONE {
            self.ln(0)?;
            return Err(DecimalError::DivisionByZero);
        }
        // A base near 1 has a logarithm near 0, whose leading zeros are digits lost.
        let near = base.sub(&Decimal::ONE)?.magnitude().unwrap_or(0).min(0).unsigned_abs();
        let extra = GUARD + 2 * near.min(SCALE_MAX as u64) as u32 + 6;
        let places = scale.unsigned_abs() + extra;
        for number in [self, base] {
            number.ln(0)?;
        }
        let (top, bottom) = (self.ln_fixed(places), base.ln_fixed(places));
        if bottom.is_zero() {
            return Err(DecimalError::DivisionByZero);
        }
        from_fixed(top * big_pow10(places) / bottom, places, scale)
    }

    /// self^exponent, rounded to `scale`.
    ///
    /// # Errors
    /// `Domain` for a negative number to a broken power and for zero to a negative one; `Overflow`.
    pub fn power(&self, exponent: &Decimal, scale: i32) -> Result<Decimal, DecimalError> {
        let scale = scale.clamp(0, SCALE_MAX);
        if exponent.is_zero() || *self == Decimal::ONE {
            return Ok(Decimal::ONE.with_scale_unchecked(scale));
        }
        if self.is_nan() || exponent.is_nan() {
            return Ok(Decimal::NAN);
        }
        if self.is_zero() && exponent.is_negative() {
            return Err(DecimalError::Domain);
        }
        if exponent.is_infinite() {
            return self.power_infinite(exponent, scale);
        }
        if let Some(whole) = exponent.to_i64_exact() {
            return self.pow_int(whole, scale);
        }
        match self.signum() {
            Some(0) => return Ok(Decimal::ZERO.with_scale_unchecked(scale)),
            Some(1) => {}
            _ => return Err(DecimalError::Domain),
        }
        if self.is_infinite() {
            return Ok(if exponent.is_negative() { Decimal::ZERO } else { self.clone() });
        }
        // Digits before the point of the result, to choose the logarithm's precision.
        let digits = self.ln(20)?.mul(exponent)?.to_f64() * LOG10_E;
        if digits >= INTEGER_DIGITS_MAX as f64 {
            return Err(DecimalError::Overflow);
        }
        if digits < -f64::from(scale) - 2.0 {
            return Ok(Decimal::ZERO.with_scale_unchecked(scale));
        }
        let places = scale.unsigned_abs() + digits.max(0.0) as u32 + GUARD;
        let places = places + exponent.magnitude().unwrap_or(0).max(0) as u32;
        let halvings = halvings(places);
        let places = places + halvings / 3 + 1;
        let log = self.ln_fixed(places) * exponent.fixed(places) / big_pow10(places);
        from_fixed(exp_fixed(&log, places, halvings), places, scale)
    }

    fn power_infinite(&self, exponent: &Decimal, scale: i32) -> Result<Decimal, DecimalError> {
        let size = self.abs().cmp(&Decimal::ONE);
        let grows = if exponent.is_negative() { size.is_lt() } else { size.is_gt() };
        Ok(match (grows, size.is_eq()) {
            (_, true) => Decimal::ONE.with_scale_unchecked(scale),
            (true, false) => Decimal::INFINITY,
            (false, false) => Decimal::ZERO,
        })
    }

    /// This finite number · 10^places, truncated.
    fn fixed(&self, places: u32) -> BigInt {
        let Some((mantissa, scale)) = self.parts() else { return BigInt::zero() };
        let shift = i64::from(places) - i64::from(scale);
        let power = big_pow10(shift.unsigned_abs() as u32);
        match shift >= 0 {
            true => mantissa.to_big() * power,
            false => mantissa.to_big() / power,
        }
    }

    /// ln of this finite, positive number · 10^places.
    fn ln_fixed(&self, places: u32) -> BigInt {
        let roots = halvings(places) / 2;
        // Each root's error doubles when it is undone; 20 digits more hold the exponent of 2.
        let w = places + roots / 3 + 20;
        let one = big_pow10(w);
        // Significant digits, not places, are what a small number needs.
        let small = -self.magnitude().unwrap_or(0).min(0);
        let n = self.fixed(w + small as u32);
        let unit = big_pow10(w + small as u32);
        let exponent = n.bits() as i64 - unit.bits() as i64;
        let mut y = match exponent >= 0 {
            true => (n * &one / unit) >> exponent as u64,
            false => (n << exponent.unsigned_abs()) * &one / unit,
        };
        for _ in 0..roots {
            y = (y * &one).sqrt();
        }
        let z = (&y - &one) * &one / (&y + &one);
        let log = atanh_series(&z, &one) << u64::from(roots + 1);
        let total = log + ln2(&one) * exponent;
        total / big_pow10(w - places)
    }
}

/// How often to halve an argument for a result of so many digits.
fn halvings(places: u32) -> u32 {
    8 + (f64::from(places) * 3.33).sqrt() as u32
}

fn from_fixed(n: BigInt, places: u32, scale: i32) -> Result<Decimal, DecimalError> {
    Decimal::from_big_unchecked(n, places as i32).round(scale).checked()
}

/// e^x by Taylor's series of x / 2^halvings.
fn exp_fixed(x: &BigInt, places: u32, halvings: u32) -> BigInt {
    // Beyond the result's digits, those that squaring loses.
    let more = halvings / 3 + 4;
    let w = places + more;
    let one = big_pow10(w);
    // Large arguments are halved until they are small.
    let whole = (x / big_pow10(places)).abs().to_u64().unwrap_or(u64::MAX);
    let halvings = halvings + (64 - whole.leading_zeros());
    let r = (x * big_pow10(more)) >> u64::from(halvings);
    let mut sum = one.clone();
    let mut term = one.clone();
    let mut n = 1u32;
    loop {
        term = term * &r / &one / n;
        if term.is_zero() || term == BigInt::from(-1) {
            break;
        }
        sum += &term;
        n += 1;
    }
    for _ in 0..halvings {
        sum = &sum * &sum / &one;
    }
    sum / big_pow10(more)
}

/// z + z³/3 + z⁵/5 + …
fn atanh_series(z: &BigInt, one: &BigInt) -> BigInt {
    let square = z * z / one;
    let (mut power, mut sum, mut n) = (z.clone(), z.clone(), 1u32);
    loop {
        power = power * &square / one;
        n += 2;
        let term = &power / n;
        if term.is_zero() {
            return sum;
        }
        sum += term;
    }
}

/// ln 2 = 18·atanh(1/26) - 2·atanh(1/4801) + 8·atanh(1/8749)
fn ln2(one: &BigInt) -> BigInt {
    let atanh_of = |n: u32| {
        let (mut power, mut sum, mut odd) = (one / n, one / n, 1u32);
        while !power.is_zero() {
            power /= n * n;
            odd += 2;
            sum += &power / odd;
        }
        sum
    };
    18 * atanh_of(26) - 2 * atanh_of(4801) + 8 * atanh_of(8749)
}
