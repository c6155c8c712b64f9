//! Floats in their shortest text.
//!
//! The digits are the fewest that read back as the same float (Ryū finds them); PostgreSQL and
//! Redis differ in when they write an exponent:
//!
//! ```text
//!                          1e14              1e15    0.0001   0.00001   inf        -0
//!   float8out              100000000000000   1e+15   0.0001   1e-05     Infinity   -0
//!   float4out              1e+14             1e+15   0.0001   1e-05     (from 1e+06 on)
//!   Redis                  100000000000000   1000000000000000  0.00001  inf        -0
//! ```

use std::fmt::Write;

use super::TextError;

/// A finite, positive float's shortest digits: 0.d₁d₂… · 10^point.
struct Digits {
    digits: String,
    point: i32,
}

/// Takes the digits and the exponent out of ryu's text.
fn shortest(text: &str) -> Digits {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let leading = all.len() - all.trim_start_matches('0').len();
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let point = whole.len() as i32 - leading as i32 + exponent;
    let digits = all.trim_matches('0');
    if digits.is_empty() {
        return Digits { digits: "0".into(), point: 1 };
    }
    Digits { digits: digits.into(), point }
}

impl Digits {
    fn plain(&self, out: &mut String) {
        let count = self.digits.len() as i32;
        if self.point <= 0 {
            out.push_str("0.");
            (self.point..0).for_each(|_| out.push('0'));
            out.push_str(&self.digits);
        } else if self.point >= count {
            out.push_str(&self.digits);
            (count..self.point).for_each(|_| out.push('0'));
        } else if let Some((whole, fraction)) =
            self.digits.split_at_checked(self.point.unsigned_abs() as usize)
        {
            out.push_str(whole);
            out.push('.');
            out.push_str(fraction);
        }
    }

    /// `1.5e+20`, the exponent of at least `width` digits.
    fn scientific(&self, out: &mut String, width: usize) {
        let (first, rest) = self.digits.split_at_checked(1).unwrap_or(("0", ""));
        out.push_str(first);
        if !rest.is_empty() {
            out.push('.');
            out.push_str(rest);
        }
        let exponent = self.point - 1;
        let sign = if exponent < 0 { '-' } else { '+' };
        // Writing to a String does not fail.
        let _ = write!(out, "e{sign}{:0width$}", exponent.unsigned_abs());
    }
}

/// A double as PostgreSQL writes it.
pub fn format_f64(n: f64) -> String {
    if !n.is_finite() {
        return special(n, ["NaN", "Infinity", "-Infinity"]);
    }
    sql(n.is_sign_negative(), &shortest(ryu::Buffer::new().format_finite(n.abs())), 15)
}

/// A single as PostgreSQL writes it.
pub fn format_f32(n: f32) -> String {
    if !n.is_finite() {
        return special(n.into(), ["NaN", "Infinity", "-Infinity"]);
    }
    sql(n.is_sign_negative(), &shortest(ryu::Buffer::new().format_finite(n.abs())), 6)
}

fn special(n: f64, [nan, infinity, negative]: [&str; 3]) -> String {
    match () {
        () if n.is_nan() => nan.into(),
        () if n > 0.0 => infinity.into(),
        () => negative.into(),
    }
}

fn sql(negative: bool, digits: &Digits, exponent_from: i32) -> String {
    let mut out = String::with_capacity(24);
    if negative {
        out.push('-');
    }
    let exponent = digits.point - 1;
    if (-4..exponent_from).contains(&exponent) {
        digits.plain(&mut out);
    } else {
        digits.scientific(&mut out, 2);
    }
    out
}

/// A double without an exponent, however long: as `numeric` and so `jsonb` write it.
pub fn format_f64_plain(n: f64) -> String {
    if !n.is_finite() {
        return format_f64(n);
    }
    plain(n.is_sign_negative(), ryu::Buffer::new().format_finite(n.abs()))
}

/// A single in the same way.
pub fn format_f32_plain(n: f32) -> String {
    if !n.is_finite() {
        return format_f32(n);
    }
    plain(n.is_sign_negative(), ryu::Buffer::new().format_finite(n.abs()))
}

fn plain(negative: bool, written: &str) -> String {
    let mut out = String::new();
    if negative {
        out.push('-');
    }
    shortest(written).plain(&mut out);
    out
}

/// A double as Redis writes scores: whole numbers below 2^52 without point, else shortest digits
/// with an exponent only where it saves much.
pub fn format_redis(n: f64) -> String {
    let whole = n.fract() == 0.0 && n.abs() < (1u64 << 52) as f64;
    redis(n, whole, |buffer| buffer.format_finite(n.abs()).into())
}

/// A single in the same way.
pub fn format_redis_f32(n: f32) -> String {
    let whole = n.fract() == 0.0 && n.abs() < (1u32 << 23) as f32;
    redis(n.into(), whole, |buffer| buffer.format_finite(n.abs()).into())
}

fn redis(n: f64, whole: bool, written: impl Fn(&mut ryu::Buffer) -> String) -> String {
    if !n.is_finite() {
        return special(n, ["nan", "inf", "-inf"]);
    }
    let mut out = String::with_capacity(24);
    if n.is_sign_negative() {
        out.push('-');
    }
    let digits = shortest(&written(&mut ryu::Buffer::new()));
    let count = digits.digits.len() as i32;
    // The exponent of the last digit, and that of the first.
    let (last, first) = (digits.point - count, (digits.point - 1).abs());
    let plain = if last >= 0 { first < count + 7 } else { last > -7 || first < 4 };
    if whole || plain {
        digits.plain(&mut out);
    } else {
        digits.scientific(&mut out, 1);
    }
    out
}

/// Reads a double as SQL does: decimal text, `NaN`, `Infinity`, `inf`, in any case, blanks around.
///
/// # Errors
/// `Syntax`; `Range` where a number overflows, or underflows to 0.
pub fn parse_f64(text: &str) -> Result<f64, TextError> {
    let text = text.trim_ascii();
    let n: f64 = text.parse().map_err(|_| TextError::Syntax)?;
    check(text, n.is_infinite(), n == 0.0)?;
    Ok(n)
}

/// Reads a single as SQL does; see [`parse_f64`].
///
/// # Errors
/// As [`parse_f64`].
pub fn parse_f32(text: &str) -> Result<f32, TextError> {
    let text = text.trim_ascii();
    let n: f32 = text.parse().map_err(|_| TextError::Syntax)?;
    check(text, n.is_infinite(), n == 0.0)?;
    Ok(n)
}

/// Whether an infinity or zero stands in the text, and is not what was left of a number.
fn check(text: &str, infinite: bool, zero: bool) -> Result<(), TextError> {
    let mantissa = text.split(['e', 'E']).next().unwrap_or(text);
    let overflow = infinite && text.bytes().any(|byte| byte.is_ascii_digit());
    let underflow = zero && mantissa.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    if overflow || underflow { Err(TextError::Range) } else { Ok(()) }
}
