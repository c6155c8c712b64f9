//! Arithmetic by mantissas: align the scales, work on integers, round once.
//!
//! ```text
//!   1.25 + 0.5   →  125·10^-2 + 50·10^-2  =  175·10^-2
//!   1 / 3 to scale 4  →  (1·10^4) / 3     =  3333·10^-4
//! ```
//!
//! Every operation first tries `i128` with overflow checks; only where that fails do big integers
//! come in. The specials follow PostgreSQL 14 and later: NaN wins, Infinity − Infinity and 0 ·
//! Infinity are NaN, division by zero is an error even of Infinity.
//!
//! Rounding is half away from zero, SQL's rule; Decimal128 arithmetic asks for half to even by
//! name.

use num_bigint::BigInt;
use num_traits::{One, Signed, Zero};

use super::{Decimal, DecimalError, Mantissa, Repr, SCALE_MAX, raise};

/// 10^n.
pub(crate) fn big_pow10(n: u32) -> BigInt {
    match 10i128.checked_pow(n) {
        Some(power) => BigInt::from(power),
        None => BigInt::from(10).pow(n),
    }
}

/// What becomes of the digits that a rounding drops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest; a half goes away from zero (SQL).
    HalfAwayFromZero,
    /// To the nearest; a half goes to the even digit (Decimal128).
    HalfEven,
    /// Dropped.
    Truncate,
    /// Towards -infinity.
    Floor,
    /// Towards infinity.
    Ceiling,
}

impl Rounding {
    /// The correction to a truncated quotient: `negative` of the exact one, `odd` of the truncated
    /// one, and how twice the remainder compares with the divisor (in absolute terms).
    fn step(self, negative: bool, odd: bool, twice: std::cmp::Ordering, exact: bool) -> i32 {
        let away = match self {
            _ if exact => false,
            Rounding::HalfAwayFromZero => twice.is_ge(),
            Rounding::HalfEven => twice.is_gt() || (twice.is_eq() && odd),
            Rounding::Truncate => false,
            Rounding::Floor => negative,
            Rounding::Ceiling => !negative,
        };
        match (away, negative) {
            (false, _) => 0,
            (true, true) => -1,
            (true, false) => 1,
        }
    }
}

fn divide_small(n: i128, d: i128, rounding: Rounding) -> Option<i128> {
    let (quotient, remainder) = (n.checked_div(d)?, n.checked_rem(d)?);
    let negative = (n < 0) != (d < 0);
    let rest = d.unsigned_abs() - remainder.unsigned_abs();
    let twice = remainder.unsigned_abs().cmp(&rest);
    let step = rounding.step(negative, quotient % 2 != 0, twice, remainder == 0);
    quotient.checked_add(step.into())
}

fn divide_big(n: &BigInt, d: &BigInt, rounding: Rounding) -> BigInt {
    let (quotient, remainder) = (n / d, n % d);
    let negative = n.is_negative() != d.is_negative();
    let twice = (remainder.abs() * 2u8).cmp(&d.abs());
    let odd = quotient.bit(0);
    let step = rounding.step(negative, odd, twice, remainder.is_zero());
    quotient + step
}

impl Decimal {
    /// Both mantissas at the larger of the two scales, and that scale.
    fn aligned(&self, other: &Decimal) -> Option<Aligned> {
        let ((a, s), (b, t)) = (self.parts()?, other.parts()?);
        let scale = s.max(t);
        if let (Mantissa::Small(m), Mantissa::Small(n)) = (a, b)
            && let (Some(m), Some(n)) = (raise(m, scale - s), raise(n, scale - t))
        {
            return Some(Aligned::Small(m, n, scale));
        }
        let m = a.to_big() * big_pow10(scale.abs_diff(s));
        let n = b.to_big() * big_pow10(scale.abs_diff(t));
        Some(Aligned::Big(m, n, scale))
    }

    /// The sum, at the larger scale.
    ///
    /// # Errors
    /// `Overflow`.
    pub fn add(&self, other: &Decimal) -> Result<Decimal, DecimalError> {
        match self.aligned(other) {
            Some(Aligned::Small(m, n, scale)) => match m.checked_add(n) {
                Some(sum) => Decimal::new(sum, scale),
                None => Decimal::from_big(BigInt::from(m) + n, scale),
            },
            Some(Aligned::Big(m, n, scale)) => Decimal::from_big(m + n, scale),
            None => Ok(match (&self.0, &other.0) {
                (Repr::NaN, _) | (_, Repr::NaN) => Decimal::NAN,
                (Repr::Infinity, Repr::NegativeInfinity)
                | (Repr::NegativeInfinity, Repr::Infinity) => Decimal::NAN,
                _ if self.is_infinite() => self.clone(),
                _ => other.clone(),
            }),
        }
    }

    /// The difference, at the larger scale.
    ///
    /// # Errors
    /// `Overflow`.
    pub fn sub(&self, other: &Decimal) -> Result<Decimal, DecimalError> {
        self.add(&other.neg())
    }

    /// The product; its scale is the sum of the two, rounded to [`SCALE_MAX`] where above it.
    ///
    /// # Errors
    /// `Overflow`.
    pub fn mul(&self, other: &Decimal) -> Result<Decimal, DecimalError> {
        let (Some((a, s)), Some((b, t))) = (self.parts(), other.parts()) else {
            return Ok(self.mul_special(other));
        };
        let scale = s + t;
        if self.is_zero() || other.is_zero() {
            return Decimal::new(0, scale.clamp(super::SCALE_MIN, SCALE_MAX));
        }
        let product = match (a, b) {
            (Mantissa::Small(m), Mantissa::Small(n)) => match m.checked_mul(n) {
                Some(product) => Decimal(Repr::Small { mantissa: product, scale }),
                None => Decimal::from_big_unchecked(BigInt::from(m) * n, scale),
            },
            _ => Decimal::from_big_unchecked(a.to_big() * b.to_big(), scale),
        };
        if scale > SCALE_MAX { product.round(SCALE_MAX).checked() } else { product.checked() }
    }

    fn mul_special(&self, other: &Decimal) -> Decimal {
        match (self.signum(), other.signum()) {
            (None, _) | (_, None) | (Some(0), _) | (_, Some(0)) => Decimal::NAN,
            (Some(a), Some(b)) if a == b => Decimal::INFINITY,
            _ => Decimal::NEG_INFINITY,
        }
    }

    /// The quotient, rounded half away from zero to `scale`.
    ///
    /// # Errors
    /// `DivisionByZero`, `Overflow`.
    pub fn div(&self, other: &Decimal, scale: i32) -> Result<Decimal, DecimalError> {
        self.div_rounded(other, scale, Rounding::HalfAwayFromZero)
    }

    /// The quotient, rounded to `scale` as told.
    ///
    /// # Errors
    /// `DivisionByZero`, `Overflow`.
    pub fn div_rounded(
        &self,
        other: &Decimal,
        scale: i32,
        rounding: Rounding,
    ) -> Result<Decimal, DecimalError> {
        if self.is_nan() || other.is_nan() {
            return Ok(Decimal::NAN);
        }
        if other.is_zero() {
            return Err(DecimalError::DivisionByZero);
        }
        let (Some((a, s)), Some((b, t))) = (self.parts(), other.parts()) else {
            return Ok(self.div_special(other, scale));
        };
        // a·10^-s / b·10^-t at `scale` = a·10^(scale + t - s) / b
        let shift = scale.saturating_add(t).saturating_sub(s);
        let (up, down) = (shift.max(0), shift.saturating_neg().max(0));
        if let (Mantissa::Small(m), Mantissa::Small(n)) = (a, b)
            && let (Some(m), Some(n)) = (raise(m, up), raise(n, down))
            && let Some(quotient) = divide_small(m, n, rounding)
        {
            return Decimal::new(quotient, scale);
        }
        let m = a.to_big() * big_pow10(up.unsigned_abs());
        let n = b.to_big() * big_pow10(down.unsigned_abs());
        Decimal::from_big(divide_big(&m, &n, rounding), scale)
    }

    fn div_special(&self, other: &Decimal, scale: i32) -> Decimal {
        match (self.is_infinite(), other.is_infinite()) {
            (true, true) => Decimal::NAN,
            (false, _) => Decimal(Repr::Small { mantissa: 0, scale: scale.max(0) }),
            _ if other.is_negative() => self.neg(),
            _ => self.clone(),
        }
    }

    /// The remainder of the truncated quotient: it has the sign of `self`.
    ///
    /// # Errors
    /// `DivisionByZero`, `Overflow`.
    pub fn rem(&self, other: &Decimal) -> Result<Decimal, DecimalError> {
        if self.is_nan() || other.is_nan() {
            return Ok(Decimal::NAN);
        }
        if other.is_zero() {
            return Err(DecimalError::DivisionByZero);
        }
        match self.aligned(other) {
            Some(Aligned::Small(m, n, scale)) => Decimal::new(m.wrapping_rem(n), scale),
            Some(Aligned::Big(m, n, scale)) => Decimal::from_big(m % n, scale),
            None if self.is_infinite() => Ok(Decimal::NAN),
            None => Ok(self.clone()),
        }
    }

    /// The negative. Zero stays zero; negative zero becomes zero.
    #[must_use]
    pub fn neg(&self) -> Decimal {
        Decimal(match &self.0 {
            Repr::Small { mantissa, scale } => match mantissa.checked_neg() {
                Some(mantissa) => Repr::Small { mantissa, scale: *scale },
                None => return Decimal::from_big_unchecked(-BigInt::from(*mantissa), *scale),
            },
            // -2^127 fits an i128 where 2^127 does not.
            Repr::Big(big) => return Decimal::from_big_unchecked(-&big.0, big.1),
            Repr::NegativeZero { scale } => Repr::Small { mantissa: 0, scale: *scale },
            Repr::NaN => Repr::NaN,
            Repr::Infinity => Repr::NegativeInfinity,
            Repr::NegativeInfinity => Repr::Infinity,
        })
    }

    /// The absolute value.
    #[must_use]
    pub fn abs(&self) -> Decimal {
        if self.is_negative() || self.is_negative_zero() { self.neg() } else { self.clone() }
    }

    /// Rounded half away from zero to `scale` digits after the point, padded with zeros to it. A
    /// negative `scale` rounds before the point, to a scale of 0: 1234 to -2 is 1200.
    #[must_use]
    pub fn round(&self, scale: i32) -> Decimal {
        self.rounded(scale, Rounding::HalfAwayFromZero)
    }

    /// Digits after `scale` dropped; padded with zeros to it.
    #[must_use]
    pub fn trunc(&self, scale: i32) -> Decimal {
        self.rounded(scale, Rounding::Truncate)
    }

    /// The largest whole number not above.
    #[must_use]
    pub fn floor(&self) -> Decimal {
        self.rounded(0, Rounding::Floor)
    }

    /// The smallest whole number not below.
    #[must_use]
    pub fn ceil(&self) -> Decimal {
        self.rounded(0, Rounding::Ceiling)
    }

    /// Rounded at `scale` as told; see [`Decimal::round`]. Scales are clamped to the limits.
    #[must_use]
    pub fn rounded(&self, scale: i32, rounding: Rounding) -> Decimal {
        let scale = scale.clamp(super::SCALE_MIN - 2, SCALE_MAX);
        let Some((mantissa, from)) = self.parts() else { return self.clone() };
        if from <= scale {
            return self.with_scale_unchecked(scale.max(0));
        }
        if mantissa.digits() < i64::from(from) - i64::from(scale) {
            // Below half a unit of the last place: no need to build the power.
            let step = rounding.step(
                mantissa.sign() < 0,
                false,
                std::cmp::Ordering::Less,
                mantissa.sign() == 0,
            );
            let cut = Decimal(Repr::Small { mantissa: step.into(), scale });
            return cut.with_scale_unchecked(scale.max(0));
        }
        let places = from.abs_diff(scale);
        let small = match (mantissa, 10i128.checked_pow(places)) {
            (Mantissa::Small(m), Some(power)) => divide_small(m, power, rounding),
            _ => None,
        };
        let cut = match small {
            Some(mantissa) => Decimal(Repr::Small { mantissa, scale }),
            None => {
                let cut = divide_big(&mantissa.to_big(), &big_pow10(places), rounding);
                Decimal::from_big_unchecked(cut, scale)
            }
        };
        cut.with_scale_unchecked(scale.max(0))
    }

    /// The same value at a scale not below its own: zeros are appended. Negative zero loses its
    /// sign.
    pub(super) fn with_scale_unchecked(&self, scale: i32) -> Decimal {
        let Some((mantissa, from)) = self.parts() else { return self.clone() };
        let places = scale.saturating_sub(from);
        if places <= 0 {
            return match self.0 {
                Repr::NegativeZero { scale } => Decimal(Repr::Small { mantissa: 0, scale }),
                _ => self.clone(),
            };
        }
        if let Mantissa::Small(m) = mantissa
            && let Some(mantissa) = if m == 0 { Some(0) } else { raise(m, places) }
        {
            return Decimal(Repr::Small { mantissa, scale });
        }
        Decimal::from_big_unchecked(mantissa.to_big() * big_pow10(places.unsigned_abs()), scale)
    }

    /// Rounded to at most `digits` significant digits; the scale may become negative (Decimal128's
    /// arithmetic keeps 34).
    #[must_use]
    pub fn round_significant(&self, digits: u32, rounding: Rounding) -> Decimal {
        let Some((mantissa, scale)) = self.parts() else { return self.clone() };
        let excess = mantissa.digits() - i64::from(digits);
        if excess <= 0 {
            return self.clone();
        }
        let power = big_pow10(excess as u32);
        let cut = divide_big(&mantissa.to_big(), &power, rounding);
        let cut = Decimal::from_big_unchecked(cut, scale - excess as i32);
        // 9.99 may have become 10.0: one digit too many, and it is a zero.
        if cut.digits() > i64::from(digits) {
            return cut.round_significant(digits, Rounding::Truncate);
        }
        cut
    }

    /// `self` to a whole power, exact while the result has at most `scale` digits after the point
    /// and rounded to that scale otherwise.
    ///
    /// # Errors
    /// `Overflow`; `Domain` for zero to a negative power.
    pub fn pow_int(&self, exponent: i64, scale: i32) -> Result<Decimal, DecimalError> {
        if exponent == 0 {
            return Ok(Decimal::ONE.with_scale_unchecked(scale.clamp(0, SCALE_MAX)));
        }
        if self.parts().is_none() {
            return self.pow_int_special(exponent);
        }
        if self.is_zero() {
            return match exponent > 0 {
                true => Ok(Decimal::ZERO.with_scale_unchecked(scale.clamp(0, SCALE_MAX))),
                false => Err(DecimalError::Domain),
            };
        }
        // Whether the result is too large or rounds to zero is known before it is built.
        let scale = scale.clamp(0, SCALE_MAX);
        let digits = self.log10_estimate() * exponent as f64;
        if digits > super::INTEGER_DIGITS_MAX as f64 {
            return Err(DecimalError::Overflow);
        }
        if digits < -f64::from(scale) - 2.0 {
            return Ok(Decimal::ZERO.with_scale_unchecked(scale));
        }
        self.pow_by_squaring(exponent, scale, digits.max(0.0) as u32)
    }

    /// log10 of the absolute value, to a double's precision, whatever the number's size.
    fn log10_estimate(&self) -> f64 {
        match self.round_significant(17, Rounding::Truncate).parts() {
            Some((Mantissa::Small(n), scale)) => {
                (n.unsigned_abs() as f64).log10() - f64::from(scale)
            }
            _ => 0.0,
        }
    }

    fn pow_int_special(&self, exponent: i64) -> Result<Decimal, DecimalError> {
        Ok(match self.0 {
            Repr::NaN => Decimal::NAN,
            _ if exponent < 0 => Decimal::ZERO,
            Repr::NegativeInfinity if exponent % 2 != 0 => Decimal::NEG_INFINITY,
            _ => Decimal::INFINITY,
        })
    }

    /// The power of a number whose result has so many digits before the point.
    fn pow_by_squaring(
        &self,
        exponent: i64,
        scale: i32,
        whole_digits: u32,
    ) -> Result<Decimal, DecimalError> {
        // Guard digits: an error in the last one is multiplied by the exponent at most, 19 digits.
        let keep = whole_digits + scale.unsigned_abs() + 24;
        let mut base = self.clone();
        let mut left = exponent.unsigned_abs();
        let mut result = Decimal::ONE;
        loop {
            if left & 1 == 1 {
                result = result.mul_kept(&base, keep)?;
            }
            left >>= 1;
            if left == 0 {
                break;
            }
            base = base.mul_kept(&base, keep)?;
        }
        if exponent < 0 {
            if result.is_zero() {
                return Err(DecimalError::Overflow);
            }
            return Decimal::ONE.div(&result, scale);
        }
        result.round(scale).checked()
    }

    /// A product kept to `digits` significant digits, with the scale unlimited meanwhile.
    fn mul_kept(&self, other: &Decimal, digits: u32) -> Result<Decimal, DecimalError> {
        let (Some((a, s)), Some((b, t))) = (self.parts(), other.parts()) else {
            return Ok(Decimal::NAN);
        };
        let scale = s.checked_add(t).ok_or(DecimalError::Overflow)?;
        if scale.unsigned_abs() > 1 << 28 {
            return Err(DecimalError::Overflow);
        }
        let product = Decimal::from_big_unchecked(a.to_big() * b.to_big(), scale);
        Ok(product.round_significant(digits, Rounding::HalfAwayFromZero))
    }

    /// The square root, rounded half away from zero to `scale`.
    ///
    /// # Errors
    /// `Domain` below zero; `Overflow`.
    pub fn sqrt(&self, scale: i32) -> Result<Decimal, DecimalError> {
        if self.is_negative() {
            return Err(DecimalError::Domain);
        }
        let Some((mantissa, from)) = self.parts() else { return Ok(self.clone()) };
        // root of m·10^-from at scale+1: isqrt(m · 10^(2·scale + 2 - from)), the digit more
        // decides.
        let scale = scale.clamp(0, SCALE_MAX);
        let shift = 2 * (scale + 1) - from;
        let radicand = match shift >= 0 {
            true => mantissa.to_big() * big_pow10(shift.unsigned_abs()),
            false => mantissa.to_big() / big_pow10(shift.unsigned_abs()),
        };
        let root = radicand.sqrt();
        // A remainder lies above the digits found; a half exactly cannot occur unless the root is
        // exact, so rounding the truncated root is right.
        let root = divide_big(&root, &BigInt::from(10), Rounding::HalfAwayFromZero);
        Decimal::from_big(root, scale)
    }

    /// Greatest common divisor, at the larger scale.
    ///
    /// # Errors
    /// `Overflow`.
    pub fn gcd(&self, other: &Decimal) -> Result<Decimal, DecimalError> {
        use num_integer::Integer;
        match self.aligned(other) {
            Some(Aligned::Small(m, n, scale)) => {
                Decimal::from_big(BigInt::from(m).gcd(&BigInt::from(n)), scale)
            }
            Some(Aligned::Big(m, n, scale)) => Decimal::from_big(m.gcd(&n), scale),
            None => Ok(Decimal::NAN),
        }
    }

    /// n!
    ///
    /// # Errors
    /// `Domain` below zero; `Overflow` above 32 177.
    pub fn factorial(n: i64) -> Result<Decimal, DecimalError> {
        if n < 0 {
            return Err(DecimalError::Domain);
        }
        if n > 32_177 {
            return Err(DecimalError::Overflow);
        }
        let mut product = BigInt::one();
        for factor in 2..=n {
            product *= factor;
        }
        Decimal::from_big(product, 0)
    }
}

enum Aligned {
    Small(i128, i128, i32),
    Big(BigInt, BigInt, i32),
}
