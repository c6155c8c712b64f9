//! Exponential, logarithm and general power, to any number of digits.
//!
//! All in fixed point: inside the series a big integer n stands for n · 2^-w, so that a product is
//! shifted into place and not divided; between functions it stands for n · 10^-places. w and places
//! are what is wanted plus guard digits for what each step may lose.
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
use num_traits::{One, Signed, ToPrimitive, Zero};

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
        // The argument's error is multiplied by the result; the guard covers it.
        let power = exp_fixed(&self.fixed(places), places, halvings(places));
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
        let log = self.ln_fixed(places) * exponent.fixed(places) / big_pow10(places);
        from_fixed(exp_fixed(&log, places, halvings(places)), places, scale)
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
        let Some((mantissa, scale)) = self.parts() else { return BigInt::zero() };
        let power = big_pow10(scale.unsigned_abs());
        let (top, bottom) = match scale >= 0 {
            true => (mantissa.to_big(), power),
            false => (mantissa.to_big() * power, BigInt::one()),
        };
        // Each root's error doubles when it is undone; 64 bits more hold the exponent.
        let roots = halvings(places) / 2;
        let w = bits_of(places) + u64::from(roots) + 64;
        let one = BigInt::one() << w;
        let exponent = top.bits() as i64 - bottom.bits() as i64;
        let shift = exponent.unsigned_abs();
        let mut y = match exponent >= 0 {
            true => (top << w) / (bottom << shift),
            false => (top << (w + shift)) / bottom,
        };
        for _ in 0..roots {
            y = (y << w).sqrt();
        }
        let z = ((&y - &one) << w) / (&y + &one);
        let log = atanh_series(&z, w) << u64::from(roots + 1);
        ((log + ln2(w) * exponent) * big_pow10(places)) >> w
    }
}

/// How often to halve an argument for a result of so many digits.
fn halvings(places: u32) -> u32 {
    8 + (f64::from(places) * 3.33).sqrt() as u32
}

fn from_fixed(n: BigInt, places: u32, scale: i32) -> Result<Decimal, DecimalError> {
    Decimal::from_big_unchecked(n, places as i32).round(scale).checked()
}

/// Bits that hold so many decimal digits.
fn bits_of(digits: u32) -> u64 {
    u64::from(digits) * 3322 / 1000 + 2
}

/// e^x by Taylor's series of x / 2^halvings; both fixed at `places`.
fn exp_fixed(x: &BigInt, places: u32, halvings: u32) -> BigInt {
    let unit = big_pow10(places);
    // Large arguments are halved until they are small, and then as often as asked.
    let whole = (x / &unit).abs().to_u64().unwrap_or(u64::MAX);
    let halvings = u64::from(halvings + 64 - whole.leading_zeros());
    // Squaring doubles the error, as many times.
    let w = bits_of(places) + halvings + 16;
    let r = ((x << w) / &unit) >> halvings;
    let mut sum = BigInt::one() << w;
    let mut term = sum.clone();
    let mut n = 1u32;
    loop {
        term = ((term * &r) >> w) / n;
        // Shifting rounds down: a negative term ends at -1.
        if term.bits() <= 1 {
            break;
        }
        sum += &term;
        n += 1;
    }
    for _ in 0..halvings {
        sum = (&sum * &sum) >> w;
    }
    (sum * unit) >> w
}

/// z + z³/3 + z⁵/5 + …, fixed at w bits.
fn atanh_series(z: &BigInt, w: u64) -> BigInt {
    let square = (z * z) >> w;
    let (mut power, mut sum, mut n) = (z.clone(), z.clone(), 1u32);
    loop {
        power = (power * &square) >> w;
        n += 2;
        let term = &power / n;
        if term.is_zero() {
            return sum;
        }
        sum += term;
    }
}

/// ln 2 = 18·atanh(1/26) - 2·atanh(1/4801) + 8·atanh(1/8749), fixed at w bits.
fn ln2(w: u64) -> BigInt {
    let atanh_of = |n: u32| {
        let mut power = (BigInt::one() << w) / n;
        let (mut sum, mut odd) = (power.clone(), 1u32);
        while !power.is_zero() {
            power /= n * n;
            odd += 2;
            sum += &power / odd;
        }
        sum
    };
    18 * atanh_of(26) - 2 * atanh_of(4801) + 8 * atanh_of(8749)
}
