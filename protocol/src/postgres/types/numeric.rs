//! `numeric` in binary: decimal digits in groups of four.
//!
//! ```text
//!   | groups u16 | weight i16 | sign u16 | scale u16 | group u16 …
//!   12345.678:   3  1  0000  3 | 1 2345 6780      value = Σ group[i] · 10000^(weight - i)
//!   sign  0000 +   4000 -   c000 NaN   d000 Infinity   f000 -Infinity
//! ```
//!
//! **Invariants.** Written groups have no zero at either end, as PostgreSQL sends them. A read
//! number keeps the scale it came with; digits behind that scale are cut, as PostgreSQL does.
//! Memory for reading is bounded by the largest `numeric` there is (131 072 digits).

use value::Decimal;
use value::decimal::Mantissa;

use super::TypeError;

const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xc000;
const INFINITY: u16 = 0xd000;
const NEGATIVE_INFINITY: u16 = 0xf000;
/// PostgreSQL gives an infinity this scale.
const INFINITY_SCALE: u16 = 32;

/// Appends a `numeric`.
///
/// # Errors
/// It has more digits than `numeric` can hold.
pub fn write(out: &mut Vec<u8>, value: &Decimal) -> Result<(), TypeError> {
    let Some((mantissa, scale)) = value.parts() else {
        // Negative zero has parts of its own or none: it is zero here.
        let (sign, scale) = match () {
            () if value.is_nan() => (NAN, 0),
            () if value.is_infinite() && value.is_negative() => (NEGATIVE_INFINITY, INFINITY_SCALE),
            () if value.is_infinite() => (INFINITY, INFINITY_SCALE),
            () => (0, u16::try_from(value.scale().max(0)).unwrap_or(0)),
        };
        header(out, 0, 0, sign, scale);
        return Ok(());
    };
    match mantissa {
        Mantissa::Small(number) => {
            let mut buffer = itoa::Buffer::new();
            write_digits(out, buffer.format(number.unsigned_abs()).as_bytes(), number < 0, scale)
        }
        Mantissa::Big(number) => {
            let text = number.to_string();
            let digits = text.strip_prefix('-');
            let negative = digits.is_some();
            write_digits(out, digits.unwrap_or(&text).as_bytes(), negative, scale)
        }
    }
}

fn header(out: &mut Vec<u8>, groups: u16, weight: i16, sign: u16, scale: u16) {
    out.extend_from_slice(&groups.to_be_bytes());
    out.extend_from_slice(&weight.to_be_bytes());
    out.extend_from_slice(&sign.to_be_bytes());
    out.extend_from_slice(&scale.to_be_bytes());
}

/// `digits` · 10^-scale.
fn write_digits(
    out: &mut Vec<u8>,
    digits: &[u8],
    negative: bool,
    scale: i32,
) -> Result<(), TypeError> {
    let too_long = |_| TypeError::Range("numeric");
    let shown = u16::try_from(scale.max(0)).map_err(too_long)?;
    // Zeros to the right until the last digit ends a group (and, for a negative scale, the number).
    let zeros = if scale < 0 { -scale as usize } else { (4 - scale as usize % 4) % 4 };
    let behind = if scale < 0 { 0 } else { (scale as usize + zeros) / 4 };
    let total = digits.len() + zeros;
    let digit = |at: usize| digits.get(at).map_or(0, |byte| u16::from(byte - b'0'));
    let lead = total % 4;
    let count = total.div_ceil(4);
    let group = |index: usize| {
        let end = if lead == 0 { (index + 1) * 4 } else { index * 4 + lead };
        (end.saturating_sub(4)..end).fold(0, |group, at| group * 10 + digit(at))
    };
    let Some(first) = (0..count).find(|index| group(*index) != 0) else {
        header(out, 0, 0, 0, shown);
        return Ok(());
    };
    let last = (first..count).rev().find(|index| group(*index) != 0).unwrap_or(first);
    let weight =
        i16::try_from(count as i64 - 1 - first as i64 - behind as i64).map_err(too_long)?;
    let groups = u16::try_from(last - first + 1).map_err(too_long)?;
    header(out, groups, weight, if negative { NEGATIVE } else { 0 }, shown);
    (first..=last).for_each(|index| out.extend_from_slice(&group(index).to_be_bytes()));
    Ok(())
}

/// Reads a `numeric`.
///
/// # Errors
/// Too few or too many bytes, or a sign, scale or group that no number has.
pub fn read(bytes: &[u8]) -> Result<Decimal, TypeError> {
    let (head, groups) = bytes.split_first_chunk::<8>().ok_or(TypeError::TooShort)?;
    let [a, b, c, d, e, f, g, h] = *head;
    let count = usize::from(u16::from_be_bytes([a, b]));
    let weight = i32::from(i16::from_be_bytes([c, d]));
    let sign = u16::from_be_bytes([e, f]);
    let scale = u16::from_be_bytes([g, h]);
    match groups.len().cmp(&(count * 2)) {
        std::cmp::Ordering::Less => return Err(TypeError::TooShort),
        std::cmp::Ordering::Greater => return Err(TypeError::TooLong),
        std::cmp::Ordering::Equal => {}
    }
    let special = match sign {
        0 | NEGATIVE => None,
        NAN => Some("NaN"),
        INFINITY => Some("Infinity"),
        NEGATIVE_INFINITY => Some("-Infinity"),
        _ => return Err(TypeError::Binary("invalid sign in external \"numeric\" value")),
    };
    if let Some(text) = special {
        return Decimal::parse(text).map_err(|_| TypeError::Range("numeric"));
    }
    if scale > 0x3fff {
        return Err(TypeError::Binary("invalid scale in external \"numeric\" value"));
    }
    let groups = groups.chunks_exact(2).map(|pair| match pair {
        [high, low] => u16::from_be_bytes([*high, *low]),
        _ => 0,
    });
    if groups.clone().any(|group| group > 9999) {
        return Err(TypeError::Binary("invalid digit in external \"numeric\" value"));
    }
    finite(groups, weight, sign == NEGATIVE, scale)
}

fn finite(
    groups: impl ExactSizeIterator<Item = u16> + Clone,
    weight: i32,
    negative: bool,
    scale: u16,
) -> Result<Decimal, TypeError> {
    // 38 digits fit 128 bits: nine groups and the zeros that the scale may add.
    if (-1..8).contains(&weight) && weight * 4 + 4 + i32::from(scale) <= 36 {
        let wanted = (weight + 1) * 4 + i32::from(scale);
        let mut number = 0_i128;
        let mut digits = 0;
        for group in groups.chain(std::iter::repeat(0)) {
            if digits >= wanted {
                break;
            }
            let take = (wanted - digits).min(4);
            let cut = u32::try_from(4 - take).unwrap_or(0);
            let kept = 10_i128.pow(take.unsigned_abs());
            number = number * kept + i128::from(group) / 10_i128.pow(cut);
            digits += take;
        }
        let number = if negative { -number } else { number };
        return Decimal::new(number, scale.into()).map_err(|_| TypeError::Range("numeric"));
    }
    Decimal::parse(&spell(groups, weight, negative, scale)).map_err(|_| TypeError::Range("numeric"))
}

/// The number's text, for those beyond 128 bits.
fn spell(
    groups: impl ExactSizeIterator<Item = u16> + Clone,
    weight: i32,
    negative: bool,
    scale: u16,
) -> String {
    let mut text = String::from(if negative { "-0" } else { "0" });
    // The zeros of a whole number are an exponent: eight bytes may claim 131 072 of them.
    let sent = i32::try_from(groups.len()).unwrap_or(i32::MAX);
    let zeros = if scale == 0 { (weight + 1 - sent).max(0) } else { 0 };
    let mut groups = groups.fuse();
    for _ in 0..=weight - zeros {
        text.push_str(&format!("{:04}", groups.next().unwrap_or(0)));
    }
    if zeros > 0 {
        return text + &format!("e{}", zeros * 4);
    }
    text.push('.');
    let point = text.len();
    let end = point + usize::from(scale);
    // Groups of zeros between the point and the first digit.
    for _ in weight + 1..0 {
        if text.len() < end {
            text.push_str("0000");
        }
    }
    while text.len() < end {
        text.push_str(&format!("{:04}", groups.next().unwrap_or(0)));
    }
    text.truncate(end);
    if scale == 0 {
        text.pop();
    }
    text
}
