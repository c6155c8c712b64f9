//! Numbers in strings: the integers of INCR, the long sums of INCRBYFLOAT.
//!
//! Sums of decimals are exact here and then rounded to 17 places. Redis adds 80-bit floats and
//! prints 17 places: the same text unless a number needs more than 64 bits.

use value::Decimal;

use super::error::{KeyError, Result};

/// Decimal places of a sum.
const PLACES: i32 = 17;
/// Beyond this power of ten an 80-bit float is infinite, and below that one it is 0: neither is a
/// number that was meant.
const MAGNITUDE_MAX: i64 = 4932;
const MAGNITUDE_MIN: i64 = -4950;
/// Bytes of a number's text at most, as in Redis: its buffer of 5 kB ends in a zero.
const TEXT_BYTES_MAX: usize = 5 * 1024 - 1;

/// A decimal integer as Redis reads one: no plus sign, no leading zero, no blank, no `-0`.
pub fn integer(text: &[u8]) -> Option<i64> {
    if text == b"0" {
        return Some(0);
    }
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        _ => (false, text),
    };
    if !matches!(digits.first(), Some(b'1'..=b'9')) || digits.len() > 19 {
        return None;
    }
    let mut value = 0_u64;
    for byte in digits {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value = value.checked_mul(10)?.checked_add(digit)?;
    }
    match negative {
        true => 0_i64.checked_sub_unsigned(value),
        false => i64::try_from(value).ok(),
    }
}

/// A number as INCRBYFLOAT reads one; `None` where it is none.
pub enum Float {
    /// A number.
    Finite(Decimal),
    /// `inf`, `-infinity`.
    Infinite,
}

/// Reads the decimal grammar of `strtold` without blanks; hexadecimal floats are not numbers here.
pub fn float(text: &[u8]) -> Option<Float> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.eq_ignore_ascii_case("inf") || digits.eq_ignore_ascii_case("infinity") {
        return Some(Float::Infinite);
    }
    let (mantissa, exponent) = match digits.find(['e', 'E']) {
        Some(at) => (digits.get(..at)?, digits.get(at + 1..)),
        None => (digits, None),
    };
    let plain = mantissa.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number = plain
        && mantissa.bytes().any(|byte| byte.is_ascii_digit())
        && mantissa.bytes().filter(|byte| *byte == b'.').count() <= 1;
    let exponent_is_number = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && exponent.bytes().all(|byte| byte.is_ascii_digit())
    });
    if !number || !exponent_is_number {
        return None;
    }
    let decimal = Decimal::parse(text.strip_prefix('+').unwrap_or(text)).ok()?;
    match decimal.magnitude() {
        Some(magnitude) if !(MAGNITUDE_MIN..=MAGNITUDE_MAX).contains(&magnitude) => None,
        _ => Some(Float::Finite(decimal)),
    }
}

/// `a + b` as text; `bad` where `a` is no number.
pub fn float_sum(a: Option<&[u8]>, b: &[u8], bad: KeyError) -> Result<String> {
    let a = match a {
        Some(text) => float(text).ok_or(bad)?,
        None => Float::Finite(Decimal::ZERO),
    };
    let b = float(b).ok_or(KeyError::NotFloat)?;
    let (Float::Finite(a), Float::Finite(b)) = (a, b) else { return Err(KeyError::NotFinite) };
    let sum = a.add(&b).map_err(|_| KeyError::NotFinite)?;
    let mut text = sum.round(PLACES).to_string();
    if text.contains('.') {
        text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    }
    Ok(if text == "-0" { "0".into() } else { text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums() {
        for (a, b, sum) in [
            ("3.0", "1.1", "4.1"),
            ("0.1", "0.2", "0.3"),
            ("5.0e3", "2.0e2", "5200"),
            ("10.50", "0.1", "10.6"),
            ("10.6", "-5", "5.6"),
            ("1", "-1", "0"),
            ("100", "0", "100"),
            ("1e3", "0", "1000"),
        ] {
            let got = float_sum(Some(a.as_bytes()), b.as_bytes(), KeyError::NotFloat).unwrap();
            assert_eq!(got, sum, "{a} + {b}");
        }
        for bad in ["", " 1", "1 ", "abc", "1e", "nan", "--1", "."] {
            assert!(float(bad.as_bytes()).is_none(), "{bad}");
        }
        assert_eq!(integer(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(integer(b"9223372036854775808"), None);
        assert!(["", "+1", "01", "-0", " 1", "1x"].iter().all(|t| integer(t.as_bytes()).is_none()));
    }
}
