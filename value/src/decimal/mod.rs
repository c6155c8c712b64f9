//! Exact decimal numbers, wide enough for NUMERIC and for Decimal128.
//!
//! ```text
//!   value = mantissa · 10^-scale          12.50  =  1250 · 10^-2
//!
//!   Small  mantissa in an i128, inline: 38 digits, nearly every number met
//!   Big    mantissa in a boxed BigInt: up to 131 072 digits before and 16 383 after the point
//!   and    -0, NaN, Infinity, -Infinity
//! ```
//!
//! The scale is part of the number as written (12.50 is not written as 12.5) and no part of its
//! value (the two are `==`). A negative scale is Decimal128's `1E+3`; plain output writes it out as
//! `1000`. SQL's parser makes one only where the zeros would not fit an `i128`: eight characters of
//! input, `1e131071`, are not to become 54 kB.
//!
//! Invariants:
//! * `Big` only where an `i128` does not hold the mantissa, so a number has one representation for
//!   each scale.
//! * Finite numbers stay within PostgreSQL's limits: every constructor from outside and every
//!   operation checks, and answers [`DecimalError::Overflow`].
//! * `==`, `Ord` and `Hash` are by value: -0 equals 0, and NaN equals itself and is above Infinity,
//!   as SQL needs it for GROUP BY. BSON's order, with NaN lowest, is in [`crate::compare`].
//!
//! Rejected: 96-bit decimals (28 digits do not hold Decimal128's 34), and a big integer for every
//! number (an allocation for each addition of prices).

mod arithmetic;
mod bits;
mod transcendental;
mod written;

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use num_bigint::{BigInt, BigUint, Sign};
use num_traits::{Signed, ToPrimitive, Zero};

pub use arithmetic::Rounding;
pub(crate) use arithmetic::big_pow10;

/// The most digits that a number may have before its decimal point.
pub const INTEGER_DIGITS_MAX: i64 = 131_072;
/// The most digits that a number may have after its decimal point.
pub const SCALE_MAX: i32 = 16_383;
/// The lowest scale: `1E+131071`.
pub const SCALE_MIN: i32 = -131_071;

/// Why a decimal could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// The text is no number.
    #[error("invalid decimal number")]
    Syntax,
    /// The number has too many digits before or after the point, or does not fit the target.
    #[error("decimal out of range")]
    Overflow,
    /// Division, or remainder, by zero.
    #[error("division by zero")]
    DivisionByZero,
    /// The function has no value there: the root or logarithm of a negative number.
    #[error("decimal argument outside the function's domain")]
    Domain,
}

/// An exact decimal number; see the module.
#[derive(Clone)]
pub struct Decimal(Repr);

#[derive(Clone)]
enum Repr {
    Small { mantissa: i128, scale: i32 },
    Big(Box<(BigInt, i32)>),
    NegativeZero { scale: i32 },
    NaN,
    Infinity,
    NegativeInfinity,
}

/// A finite number's mantissa, borrowed.
#[derive(Clone, Copy, Debug)]
pub enum Mantissa<'a> {
    /// It fits.
    Small(i128),
    /// It does not.
    Big(&'a BigInt),
}

impl Mantissa<'_> {
    /// The mantissa as a big integer.
    pub fn to_big(self) -> BigInt {
        match self {
            Mantissa::Small(n) => BigInt::from(n),
            Mantissa::Big(n) => n.clone(),
        }
    }

    fn sign(self) -> i32 {
        match self {
            Mantissa::Small(n) => n.signum() as i32,
            Mantissa::Big(n) => match n.sign() {
                Sign::Minus => -1,
                Sign::NoSign => 0,
                Sign::Plus => 1,
            },
        }
    }

    /// The number of decimal digits; 0 for zero.
    fn digits(self) -> i64 {
        match self {
            Mantissa::Small(0) => 0,
            Mantissa::Small(n) => i64::from(n.unsigned_abs().ilog10()) + 1,
            Mantissa::Big(n) => digits_of(n.magnitude()),
        }
    }
}

/// The number of decimal digits of a big number, found without writing it out.
fn digits_of(n: &BigUint) -> i64 {
    let bits = n.bits();
    if bits == 0 {
        return 0;
    }
    // floor((bits - 1) · log10 2) digits are certain to be there before the last one or two.
    let low = ((bits - 1) as u128 * 30_102_999_566 / 100_000_000_000) as u32;
    let above = BigUint::from(10u32).pow(low + 1);
    i64::from(low) + if *n >= above { 2 } else { 1 }
}

impl Decimal {
    /// Zero with scale 0.
    pub const ZERO: Decimal = Decimal(Repr::Small { mantissa: 0, scale: 0 });
    /// One with scale 0.
    pub const ONE: Decimal = Decimal(Repr::Small { mantissa: 1, scale: 0 });
    /// Not a number.
    pub const NAN: Decimal = Decimal(Repr::NaN);
    /// Above every number.
    pub const INFINITY: Decimal = Decimal(Repr::Infinity);
    /// Below every number.
    pub const NEG_INFINITY: Decimal = Decimal(Repr::NegativeInfinity);

    /// `mantissa · 10^-scale`.
    ///
    /// # Errors
    /// `Overflow` where the limits on digits are passed.
    pub fn new(mantissa: i128, scale: i32) -> Result<Decimal, DecimalError> {
        Decimal(Repr::Small { mantissa, scale }).checked()
    }

    /// `mantissa · 10^-scale`.
    ///
    /// # Errors
    /// `Overflow` where the limits on digits are passed.
    pub fn from_big(mantissa: BigInt, scale: i32) -> Result<Decimal, DecimalError> {
        Decimal::from_big_unchecked(mantissa, scale).checked()
    }

    fn from_big_unchecked(mantissa: BigInt, scale: i32) -> Decimal {
        Decimal(match mantissa.to_i128() {
            Some(mantissa) => Repr::Small { mantissa, scale },
            None => Repr::Big(Box::new((mantissa, scale))),
        })
    }

    /// Decimal128's negative zero.
    ///
    /// # Errors
    /// `Overflow` where the limits on the scale are passed.
    pub fn negative_zero(scale: i32) -> Result<Decimal, DecimalError> {
        Decimal(Repr::NegativeZero { scale }).checked()
    }

    fn checked(self) -> Result<Decimal, DecimalError> {
        let Some((mantissa, scale)) = self.parts() else { return Ok(self) };
        let scale_fits = (SCALE_MIN..=SCALE_MAX).contains(&scale);
        // Most numbers are small: their digits cannot pass the limit.
        let digits_fit = match mantissa {
            Mantissa::Small(_) if scale >= -100 => true,
            _ => mantissa.digits() - i64::from(scale) <= INTEGER_DIGITS_MAX,
        };
        if scale_fits && digits_fit { Ok(self) } else { Err(DecimalError::Overflow) }
    }

    /// Mantissa and scale of a finite number. Negative zero answers a mantissa of 0.
    #[inline]
    pub fn parts(&self) -> Option<(Mantissa<'_>, i32)> {
        match &self.0 {
            Repr::Small { mantissa, scale } => Some((Mantissa::Small(*mantissa), *scale)),
            Repr::Big(big) => Some((Mantissa::Big(&big.0), big.1)),
            Repr::NegativeZero { scale } => Some((Mantissa::Small(0), *scale)),
            Repr::NaN | Repr::Infinity | Repr::NegativeInfinity => None,
        }
    }

    /// The scale of a finite number, 0 for the others.
    pub fn scale(&self) -> i32 {
        self.parts().map_or(0, |(_, scale)| scale)
    }

    /// Digits of the mantissa: the precision in which the number was written; 0 for zero.
    pub fn digits(&self) -> i64 {
        self.parts().map_or(0, |(mantissa, _)| mantissa.digits())
    }

    /// The place of the first digit that is not 0, counted leftwards from the point: 3 for 123.4, 0
    /// for 0.5, -1 for 0.05. `None` for zero and the specials.
    pub fn magnitude(&self) -> Option<i64> {
        let (mantissa, scale) = self.parts()?;
        let digits = mantissa.digits();
        (digits > 0).then(|| digits - i64::from(scale))
    }

    /// Whether this is neither NaN nor infinite.
    pub fn is_finite(&self) -> bool {
        self.parts().is_some()
    }

    /// Whether this is NaN.
    pub fn is_nan(&self) -> bool {
        matches!(self.0, Repr::NaN)
    }

    /// Whether this is one of the infinities.
    pub fn is_infinite(&self) -> bool {
        matches!(self.0, Repr::Infinity | Repr::NegativeInfinity)
    }

    /// Whether this is zero, of either sign and any scale.
    pub fn is_zero(&self) -> bool {
        matches!(self.0, Repr::Small { mantissa: 0, .. } | Repr::NegativeZero { .. })
    }

    /// Whether this is Decimal128's negative zero.
    pub fn is_negative_zero(&self) -> bool {
        matches!(self.0, Repr::NegativeZero { .. })
    }

    /// -1, 0 or 1; `None` for NaN. Negative zero is 0.
    pub fn signum(&self) -> Option<i32> {
        match &self.0 {
            Repr::NaN => None,
            Repr::Infinity => Some(1),
            Repr::NegativeInfinity => Some(-1),
            _ => self.parts().map(|(mantissa, _)| mantissa.sign()),
        }
    }

    /// Whether the number is below zero. Negative zero and NaN are not.
    pub fn is_negative(&self) -> bool {
        self.signum() == Some(-1)
    }

    /// Whether the number is finite and whole, whatever its scale.
    pub fn is_integral(&self) -> bool {
        match self.parts() {
            None => false,
            Some((_, scale)) if scale <= 0 => true,
            Some(_) => self.trunc(0) == *self,
        }
    }

    /// Whether the two are written alike: same value, scale and sign of zero.
    pub fn identical(&self, other: &Decimal) -> bool {
        match (&self.0, &other.0) {
            (Repr::NaN, Repr::NaN)
            | (Repr::Infinity, Repr::Infinity)
            | (Repr::NegativeInfinity, Repr::NegativeInfinity) => true,
            (Repr::NegativeZero { scale: s }, Repr::NegativeZero { scale: t }) => s == t,
            (Repr::Small { mantissa: m, scale: s }, Repr::Small { mantissa: n, scale: t }) => {
                m == n && s == t
            }
            (Repr::Big(a), Repr::Big(b)) => a == b,
            _ => false,
        }
    }

    /// The same value without trailing zeros after the point, and without a negative scale where an
    /// `i128` holds the number; negative zero becomes zero.
    pub fn normalized(&self) -> Decimal {
        let Some((mantissa, scale)) = self.parts() else { return self.clone() };
        if mantissa.sign() == 0 {
            return Decimal::ZERO;
        }
        if scale <= 0 {
            return self.clone().written_out();
        }
        self.stripped(0)
    }

    /// A negative scale written out as zeros of the mantissa, if they fit.
    fn written_out(self) -> Decimal {
        match self.0 {
            Repr::Small { mantissa, scale } if scale < 0 => match raise(mantissa, -scale) {
                Some(mantissa) => Decimal(Repr::Small { mantissa, scale: 0 }),
                None => self,
            },
            _ => self,
        }
    }

    /// Strips trailing zeros of the mantissa while the scale stays above `scale_min`.
    fn stripped(&self, scale_min: i32) -> Decimal {
        match self.parts() {
            None => self.clone(),
            Some((Mantissa::Small(mut n), mut scale)) => {
                while scale > scale_min && n % 10 == 0 && n != 0 {
                    n /= 10;
                    scale -= 1;
                }
                Decimal(Repr::Small { mantissa: n, scale })
            }
            Some((Mantissa::Big(n), scale)) => {
                let text = n.magnitude().to_str_radix(10);
                let zeros = text.len() - text.trim_end_matches('0').len();
                let room = i64::from(scale) - i64::from(scale_min);
                let drop = (zeros as i64).min(room.max(0)) as u32;
                Decimal::from_big_unchecked(n / big_pow10(drop), scale - drop as i32)
            }
        }
    }

    /// The weight and first digit of the number in PostgreSQL's base 10 000, which its rule for the
    /// scale of a quotient starts from: 12345.6 = 1·10000^1 + …, so (1, 1). Zero is (0, 0).
    pub fn base10000_head(&self) -> (i32, u32) {
        let Some(magnitude) = self.magnitude() else { return (0, 0) };
        let weight = (magnitude - 1).div_euclid(4);
        // The first group holds the digits from the first one down to place 4·weight.
        let group = self.abs().shifted_trunc(weight * 4);
        (weight as i32, group.to_u64().unwrap_or(0) as u32)
    }

    /// trunc(self · 10^-places) as an integer.
    fn shifted_trunc(&self, places: i64) -> Decimal {
        let Some((mantissa, scale)) = self.parts() else { return self.clone() };
        Decimal::from_big_unchecked(mantissa.to_big(), scale + places as i32).trunc(0)
    }
}

impl From<i128> for Decimal {
    fn from(n: i128) -> Decimal {
        Decimal(Repr::Small { mantissa: n, scale: 0 })
    }
}

macro_rules! from_integer {
    ($($type:ty),*) => {$(
        impl From<$type> for Decimal {
            fn from(n: $type) -> Decimal {
                Decimal::from(i128::from(n))
            }
        }
    )*};
}
from_integer!(i8, i16, i32, i64, u8, u16, u32, u64);

impl PartialEq for Decimal {
    fn eq(&self, other: &Decimal) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Decimal) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Decimal) -> Ordering {
        match (self.parts(), other.parts()) {
            (Some(a), Some(b)) => cmp_finite(a, b),
            _ => self.class().cmp(&other.class()),
        }
    }
}

impl Decimal {
    fn class(&self) -> u8 {
        match self.0 {
            Repr::NegativeInfinity => 0,
            Repr::Infinity => 2,
            Repr::NaN => 3,
            _ => 1,
        }
    }
}

fn cmp_finite((a, s): (Mantissa<'_>, i32), (b, t): (Mantissa<'_>, i32)) -> Ordering {
    let (sign_a, sign_b) = (a.sign(), b.sign());
    if sign_a != sign_b || sign_a == 0 {
        return sign_a.cmp(&sign_b);
    }
    if let (Mantissa::Small(m), Mantissa::Small(n)) = (a, b) {
        let aligned = if s == t {
            Some((m, n))
        } else if s < t {
            raise(m, t - s).map(|m| (m, n))
        } else {
            raise(n, s - t).map(|n| (m, n))
        };
        if let Some((m, n)) = aligned {
            return m.cmp(&n);
        }
    }
    // The places of the first digits decide, unless they agree; then aligning costs no more digits
    // than the longer number has.
    let (place_a, place_b) = (a.digits() - i64::from(s), b.digits() - i64::from(t));
    if place_a != place_b {
        let order = place_a.cmp(&place_b);
        return if sign_a < 0 { order.reverse() } else { order };
    }
    let (mut m, mut n) = (a.to_big(), b.to_big());
    if s < t {
        m *= big_pow10(t.abs_diff(s));
    } else {
        n *= big_pow10(s.abs_diff(t));
    }
    m.cmp(&n)
}

/// n · 10^places, if it fits.
fn raise(n: i128, places: i32) -> Option<i128> {
    let power = 10i128.checked_pow(u32::try_from(places).ok()?)?;
    n.checked_mul(power)
}

impl Hash for Decimal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.class().hash(state);
        if let Some((mantissa, _)) = self.parts() {
            if mantissa.sign() == 0 {
                return 0u8.hash(state);
            }
            // Neither scale nor trailing zeros are part of the value.
            let stripped = self.stripped(i32::MIN);
            if let Some((mantissa, scale)) = stripped.parts() {
                scale.hash(state);
                mantissa.to_big().to_signed_bytes_le().hash(state);
            }
        }
    }
}

impl std::fmt::Debug for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.to_scientific())
    }
}

impl Default for Decimal {
    fn default() -> Decimal {
        Decimal::ZERO
    }
}

/// |n| of a mantissa as an unsigned big number.
pub(crate) fn magnitude_of(mantissa: Mantissa<'_>) -> BigUint {
    match mantissa {
        Mantissa::Small(n) => BigUint::from(n.unsigned_abs()),
        Mantissa::Big(n) => n.abs().to_biguint().unwrap_or_else(BigUint::zero),
    }
}
