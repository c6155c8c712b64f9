//! Decimals as text, and to and from the machine's numbers.
//!
//! Two readings of one syntax (`[sign] digits [. digits] [e [sign] digits]`):
//!
//! ```text
//!   text      parse (SQL)            parse_exact (Decimal128)
//!   1.50e1    15.0      scale 1      1.50·10^1   scale 1
//!   1e3       1000      scale 0      1·10^3      scale -3
//!   -0.0      0.0                    -0.0
//! ```
//!
//! and two ways of writing: plain (`Display`), which SQL shows, and scientific, which Decimal128's
//! own rule prescribes: plain while the exponent is not above 0 and the number not below 10^-6.
//!
//! A binary float becomes a decimal through its *shortest* text, so 0.1 becomes 0.1; the exact
//! conversion, which comparisons need, has a name that says so.

use std::fmt::{self, Display, Write};
use std::str::FromStr;

use num_bigint::{BigInt, BigUint, Sign};
use num_traits::ToPrimitive;

use super::{Decimal, DecimalError, INTEGER_DIGITS_MAX, Mantissa, Repr, SCALE_MAX, SCALE_MIN};
use super::{big_pow10, magnitude_of};

/// The pieces of a number's text.
struct Scanned<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

enum Text<'a> {
    Finite(Scanned<'a>),
    Special(Decimal),
}

fn scan(text: &str) -> Result<Text<'_>, DecimalError> {
    let text = text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\x0b');
    let (negative, signed, rest) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, true, rest),
        [b'+', rest @ ..] => (false, true, rest),
        rest => (false, false, rest),
    };
    if !rest.first().is_some_and(|c| c.is_ascii_digit() || *c == b'.') {
        return special(negative, signed, rest).map(Text::Special);
    }
    let (whole, rest) = digits(rest);
    let (fraction, rest) = match rest {
        [b'.', rest @ ..] => digits(rest),
        rest => (&rest[..0], rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err(DecimalError::Syntax);
    }
    let exponent = match rest {
        [] => 0,
        [b'e' | b'E', rest @ ..] => exponent(rest)?,
        _ => return Err(DecimalError::Syntax),
    };
    Ok(Text::Finite(Scanned { negative, whole, fraction, exponent }))
}

fn special(negative: bool, signed: bool, text: &[u8]) -> Result<Decimal, DecimalError> {
    let is = |name: &str| text.eq_ignore_ascii_case(name.as_bytes());
    match () {
        () if is("nan") && !signed => Ok(Decimal::NAN),
        () if (is("infinity") || is("inf")) && negative => Ok(Decimal::NEG_INFINITY),
        () if is("infinity") || is("inf") => Ok(Decimal::INFINITY),
        () => Err(DecimalError::Syntax),
    }
}

fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|c| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

fn exponent(text: &[u8]) -> Result<i64, DecimalError> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let (number, rest) = digits(text);
    if number.is_empty() || !rest.is_empty() {
        return Err(DecimalError::Syntax);
    }
    let mut value = 0i64;
    for digit in number {
        value = (value * 10 + i64::from(digit - b'0')).min(i64::from(i32::MAX));
    }
    Ok(if negative { -value } else { value })
}

impl Scanned<'_> {
    /// The mantissa's digits without leading zeros.
    fn mantissa(&self) -> Result<Decimal, DecimalError> {
        let all = self.whole.iter().chain(self.fraction).skip_while(|c| **c == b'0');
        let count = all.clone().count();
        if count <= 38 {
            let n = all.fold(0i128, |n, c| n * 10 + i128::from(c - b'0'));
            return Ok(Decimal::from(if self.negative { -n } else { n }));
        }
        if count as i64 > INTEGER_DIGITS_MAX + i64::from(SCALE_MAX) {
            return Err(DecimalError::Overflow);
        }
        let text: Vec<u8> = all.copied().collect();
        let n = BigUint::parse_bytes(&text, 10).ok_or(DecimalError::Syntax)?;
        let sign = if self.negative { Sign::Minus } else { Sign::Plus };
        Ok(Decimal::from_big_unchecked(BigInt::from_biguint(sign, n), 0))
    }

    fn scale(&self) -> i64 {
        self.fraction.len() as i64 - self.exponent
    }
}

impl Decimal {
    fn rescaled(self, scale: i32) -> Decimal {
        Decimal(match self.0 {
            Repr::Small { mantissa, .. } => Repr::Small { mantissa, scale },
            Repr::Big(mut big) => {
                big.1 = scale;
                Repr::Big(big)
            }
            other => other,
        })
    }

    /// Reads a number as SQL does: the scale is what was written after the point less the exponent
    /// (below 0 only for numbers beyond an `i128`; see the module), negative zero is zero.
    /// Surrounding blanks, `NaN`, `Infinity` and `inf` are read.
    ///
    /// # Errors
    /// `Syntax`; `Overflow` above 131 072 digits before or 16 383 after the point.
    pub fn parse(text: &str) -> Result<Decimal, DecimalError> {
        let scanned = match scan(text)? {
            Text::Special(special) => return Ok(special),
            Text::Finite(scanned) => scanned,
        };
        let (mantissa, scale) = (scanned.mantissa()?, scanned.scale());
        if scale > SCALE_MAX.into() {
            return Err(DecimalError::Overflow);
        }
        if mantissa.is_zero() {
            return Ok(mantissa.rescaled(scale.max(0) as i32));
        }
        if mantissa.digits() - scale > INTEGER_DIGITS_MAX {
            return Err(DecimalError::Overflow);
        }
        let number = mantissa.rescaled(scale as i32);
        Ok(number.written_out())
    }

    /// Reads a number as Decimal128 does: digits and exponent as written, `1e3` apart from `1000`,
    /// and `-0` apart from `0`.
    ///
    /// # Errors
    /// `Syntax`; `Overflow` outside this type's limits (those of Decimal128 are the caller's).
    pub fn parse_exact(text: &str) -> Result<Decimal, DecimalError> {
        let scanned = match scan(text)? {
            Text::Special(special) => return Ok(special),
            Text::Finite(scanned) => scanned,
        };
        let mantissa = scanned.mantissa()?;
        let mut scale = scanned.scale();
        if mantissa.is_zero() {
            scale = scale.clamp(SCALE_MIN.into(), SCALE_MAX.into());
            if scanned.negative {
                return Decimal::negative_zero(scale as i32);
            }
        }
        let scale = i32::try_from(scale).map_err(|_| DecimalError::Overflow)?;
        mantissa.rescaled(scale).checked()
    }

    /// The number of shortest text that reads back as this float: 0.1 gives 0.1.
    pub fn from_f64(n: f64) -> Decimal {
        if n.is_nan() {
            return Decimal::NAN;
        }
        if n.is_infinite() {
            return if n > 0.0 { Decimal::INFINITY } else { Decimal::NEG_INFINITY };
        }
        // ryu's text is always a number within the limits.
        Decimal::parse(ryu::Buffer::new().format_finite(n)).unwrap_or(Decimal::NAN).normalized()
    }

    /// The number of shortest text that reads back as this float.
    pub fn from_f32(n: f32) -> Decimal {
        if !n.is_finite() {
            return Decimal::from_f64(n.into());
        }
        Decimal::parse(ryu::Buffer::new().format_finite(n)).unwrap_or(Decimal::NAN).normalized()
    }

    /// Exactly the float's value: 0.1 gives 0.1000000000000000055511151231257827….
    pub fn from_f64_exact(n: f64) -> Decimal {
        if !n.is_finite() {
            return Decimal::from_f64(n);
        }
        let bits = n.to_bits();
        let raised = ((bits >> 52) & 0x7ff) as i32;
        let low = (bits & ((1 << 52) - 1)) as i64;
        let mantissa = if raised == 0 { low } else { low | (1 << 52) };
        if mantissa == 0 {
            return Decimal::ZERO;
        }
        let mantissa = if n < 0.0 { -mantissa } else { mantissa };
        let zeros = mantissa.trailing_zeros();
        let exponent = raised.max(1) - 1075 + zeros as i32;
        let mantissa = BigInt::from(mantissa >> zeros);
        if exponent >= 0 {
            return Decimal::from_big_unchecked(mantissa << exponent.unsigned_abs(), 0);
        }
        // m / 2^k = m·5^k / 10^k
        let places = exponent.unsigned_abs();
        Decimal::from_big_unchecked(mantissa * BigInt::from(5).pow(places), places as i32)
    }

    /// The nearest double.
    pub fn to_f64(&self) -> f64 {
        match &self.0 {
            Repr::NaN => return f64::NAN,
            Repr::Infinity => return f64::INFINITY,
            Repr::NegativeInfinity => return f64::NEG_INFINITY,
            Repr::NegativeZero { .. } => return -0.0,
            Repr::Small { mantissa, scale } => {
                // Both exact in binary, and division rounds once.
                if mantissa.unsigned_abs() < 1 << 53 && (0..=22).contains(scale) {
                    return *mantissa as f64 / 10f64.powi(*scale);
                }
            }
            Repr::Big(_) => {}
        }
        self.float_text().parse().unwrap_or(f64::NAN)
    }

    /// The nearest single.
    pub fn to_f32(&self) -> f32 {
        match self.parts() {
            None => self.to_f64() as f32,
            Some(_) if self.is_negative_zero() => -0.0,
            Some(_) => self.float_text().parse().unwrap_or(f32::NAN),
        }
    }

    fn float_text(&self) -> String {
        match self.parts() {
            Some((Mantissa::Small(n), scale)) => format!("{n}e{}", -scale),
            Some((Mantissa::Big(n), scale)) => format!("{n}e{}", -scale),
            None => String::new(),
        }
    }

    /// The integer, if the number is one: 5.0 is, 5.5 is not.
    pub fn to_i128_exact(&self) -> Option<i128> {
        let (mantissa, scale) = self.parts()?;
        match mantissa {
            Mantissa::Small(0) => Some(0),
            Mantissa::Small(n) if scale == 0 => Some(n),
            Mantissa::Small(n) if scale < 0 => super::raise(n, -scale),
            Mantissa::Small(n) => {
                let power = 10i128.checked_pow(scale.unsigned_abs())?;
                (n % power == 0).then(|| n / power)
            }
            Mantissa::Big(n) if scale > 0 => {
                let power = big_pow10(scale.unsigned_abs());
                let quotient = n / &power;
                (&quotient * power == *n).then(|| quotient.to_i128()).flatten()
            }
            Mantissa::Big(_) => None,
        }
    }

    /// The integer, if the number is one and fits.
    pub fn to_i64_exact(&self) -> Option<i64> {
        self.to_i128_exact()?.try_into().ok()
    }

    /// The integer, if the number is one and fits.
    pub fn to_u64_exact(&self) -> Option<u64> {
        self.to_i128_exact()?.try_into().ok()
    }

    /// The nearest integer (halves away from zero), if it fits: SQL's cast.
    pub fn to_i64(&self) -> Option<i64> {
        self.round(0).to_i64_exact()
    }

    /// The nearest integer (halves away from zero), if it fits.
    pub fn to_u64(&self) -> Option<u64> {
        self.round(0).to_u64_exact()
    }

    /// The nearest integer (halves away from zero), if it fits.
    pub fn to_i128(&self) -> Option<i128> {
        self.round(0).to_i128_exact()
    }

    /// The text by Decimal128's rule: `1.5`, `1E+3`, `-0.0`, `1.2E-10`.
    pub fn to_scientific(&self) -> String {
        let Some((mantissa, scale)) = self.parts() else { return self.to_string() };
        let sign = if self.is_negative() || self.is_negative_zero() { "-" } else { "" };
        let digits = magnitude_of(mantissa).to_string();
        let adjusted = digits.len() as i64 - 1 - i64::from(scale);
        if scale >= 0 && adjusted >= -6 {
            let mut text = sign.to_owned();
            // Writing to a String does not fail.
            let _ = plain(&mut text, &digits, scale);
            return text;
        }
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        format!("{sign}{first}{point}{rest}E{adjusted:+}")
    }
}

/// Digits with the point put in its place and zeros where there are none.
fn plain(out: &mut impl Write, digits: &str, scale: i32) -> fmt::Result {
    let zeros = |out: &mut dyn Write, count: usize| -> fmt::Result {
        (0..count).try_for_each(|_| out.write_char('0'))
    };
    if scale <= 0 {
        out.write_str(digits)?;
        let count = if digits == "0" { 0 } else { scale.unsigned_abs() as usize };
        return zeros(out, count);
    }
    let scale = scale.unsigned_abs() as usize;
    if digits.len() > scale {
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        out.write_str(whole)?;
        out.write_char('.')?;
        out.write_str(fraction)
    } else {
        out.write_str("0.")?;
        zeros(out, scale - digits.len())?;
        out.write_str(digits)
    }
}

/// Plain digits, as SQL shows them: no exponent, no sign on zero.
impl Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::NaN => return f.write_str("NaN"),
            Repr::Infinity => return f.write_str("Infinity"),
            Repr::NegativeInfinity => return f.write_str("-Infinity"),
            _ => {}
        }
        let Some((mantissa, scale)) = self.parts() else { return Ok(()) };
        if mantissa.sign() < 0 {
            f.write_char('-')?;
        }
        match mantissa {
            Mantissa::Small(n) => plain(f, itoa::Buffer::new().format(n.unsigned_abs()), scale),
            Mantissa::Big(n) => plain(f, &n.magnitude().to_string(), scale),
        }
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;
    fn from_str(text: &str) -> Result<Decimal, DecimalError> {
        Decimal::parse(text)
    }
}
