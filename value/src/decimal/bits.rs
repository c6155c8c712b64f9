//! BSON's Decimal128: IEEE 754 decimal, binary integer significand.
//!
//! ```text
//!   bit 127   126 … 113                112 … 0
//!   sign      exponent + 6176 (14)     coefficient (113), at most 10^34 - 1
//!
//!   126 125 = 1 1 and not 1 1 1 1: the coefficient's large form. It always exceeds
//!                                  10^34 - 1, so by the standard the number is zero
//!   126 … 122 = 1 1 1 1 0          infinity
//!   126 … 122 = 1 1 1 1 1          NaN; its payload is dropped
//! ```
//!
//! The value is sign · coefficient · 10^exponent, exponent -6176 ..= 6111; ours is the same with
//! the exponent's sign turned.

use super::{Decimal, DecimalError, Mantissa};

const COEFFICIENT_MAX: u128 = 10u128.pow(34) - 1;
const EXPONENT_BIAS: i64 = 6176;
const EXPONENT_MAX: i64 = 6111;
const SIGN: u128 = 1 << 127;

impl Decimal {
    /// From Decimal128's 16 bytes, little-endian as in BSON.
    pub fn from_decimal128(bytes: [u8; 16]) -> Decimal {
        let bits = u128::from_le_bytes(bytes);
        let negative = bits & SIGN != 0;
        let head = (bits >> 122) & 0x1f;
        if head == 0x1f {
            return Decimal::NAN;
        }
        if head == 0x1e {
            return if negative { Decimal::NEG_INFINITY } else { Decimal::INFINITY };
        }
        let large = head >> 3 == 3;
        let raised = if large { bits >> 111 } else { bits >> 113 } & 0x3fff;
        let coefficient = if large { 0 } else { bits & ((1 << 113) - 1) };
        let coefficient = if coefficient > COEFFICIENT_MAX { 0 } else { coefficient as i128 };
        let scale = (EXPONENT_BIAS - raised as i64) as i32;
        let number = match (coefficient, negative) {
            (0, true) => Decimal::negative_zero(scale),
            (n, true) => Decimal::new(-n, scale),
            (n, false) => Decimal::new(n, scale),
        };
        // 34 digits and these exponents are within the limits.
        number.unwrap_or(Decimal::NAN)
    }

    /// Decimal128's 16 bytes, little-endian.
    ///
    /// # Errors
    /// `Overflow` where 34 digits and an exponent of -6176 ..= 6111 do not hold the number exactly.
    /// Zeros are shifted between coefficient and exponent where that makes it fit.
    pub fn to_decimal128(&self) -> Result<[u8; 16], DecimalError> {
        let Some((mantissa, scale)) = self.parts() else {
            let bits: u128 = match self.signum() {
                None => 0x1f << 122,
                Some(1) => 0x1e << 122,
                Some(_) => SIGN | 0x1e << 122,
            };
            return Ok(bits.to_le_bytes());
        };
        let negative = self.is_negative() || self.is_negative_zero();
        let (coefficient, exponent) = match mantissa {
            Mantissa::Small(n) => fitted(n.unsigned_abs(), -i64::from(scale))?,
            Mantissa::Big(_) => {
                let stripped = self.stripped(i32::MIN);
                let Some((Mantissa::Small(n), scale)) = stripped.parts() else {
                    return Err(DecimalError::Overflow);
                };
                fitted(n.unsigned_abs(), -i64::from(scale))?
            }
        };
        let raised = (exponent + EXPONENT_BIAS) as u128;
        let sign = if negative { SIGN } else { 0 };
        Ok((sign | raised << 113 | coefficient).to_le_bytes())
    }
}

/// Coefficient and exponent moved into Decimal128's ranges without changing the value.
fn fitted(mut n: u128, mut exponent: i64) -> Result<(u128, i64), DecimalError> {
    if n == 0 {
        return Ok((0, exponent.clamp(-EXPONENT_BIAS, EXPONENT_MAX)));
    }
    while (n > COEFFICIENT_MAX || exponent < -EXPONENT_BIAS) && n.is_multiple_of(10) {
        n /= 10;
        exponent += 1;
    }
    while exponent > EXPONENT_MAX && n <= COEFFICIENT_MAX / 10 {
        n *= 10;
        exponent -= 1;
    }
    let fits = n <= COEFFICIENT_MAX && (-EXPONENT_BIAS..=EXPONENT_MAX).contains(&exponent);
    if fits { Ok((n, exponent)) } else { Err(DecimalError::Overflow) }
}
