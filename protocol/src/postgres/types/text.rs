//! Text forms, as psql shows them and as a simple query's literals read.
//!
//! ```text
//!   t f    -7    1.5    \x00ff    2000-01-02    04:05:06.7    2000-01-02 04:05:06+00
//! ```
//!
//! The forms of dates, floats and intervals belong to the value crate, which other protocols use
//! too; here are those that only PostgreSQL has, and the errors in its words.
//!
//! **Invariant.** What a writer appends the reader of the same type reads back.

use std::io::Write as _;

use value::calendar::{MICROS_PER_DAY, civil};
use value::text::{TextError, datetime, float, id, interval};
use value::{Decimal, DecimalError, Interval};

use super::TypeError;

/// Appends `t` or `f`.
pub fn write_bool(out: &mut Vec<u8>, value: bool) {
    out.push(if value { b't' } else { b'f' });
}

/// Appends an integer of any width, or an `oid`.
pub fn write_int(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends a `float4` in its shortest form.
pub fn write_float4(out: &mut Vec<u8>, value: f32) {
    out.extend_from_slice(float::format_f32(value).as_bytes());
}

/// Appends a `float8` in its shortest form.
pub fn write_float8(out: &mut Vec<u8>, value: f64) {
    // Whole numbers of at most fifteen digits are written as such; -0 is not one.
    let whole = value as i64;
    let is_whole = whole as f64 == value && whole.unsigned_abs() < 1_000_000_000_000_000;
    if is_whole && (whole != 0 || value.is_sign_positive()) {
        return write_int(out, whole);
    }
    out.extend_from_slice(float::format_f64(value).as_bytes());
}

/// Appends a `numeric` with its scale.
pub fn write_numeric(out: &mut Vec<u8>, value: &Decimal) {
    // Writing into a vector does not fail.
    let _ = write!(out, "{value}");
}

/// Appends a `bytea` in hex form.
pub fn write_bytea(out: &mut Vec<u8>, value: &[u8]) {
    out.reserve(value.len() * 2 + 2);
    out.extend_from_slice(b"\\x");
    write_hex(out, value);
}

/// Appends bytes as pairs of hex digits.
pub fn write_hex(out: &mut Vec<u8>, value: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
    out.extend(value.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
}

/// Appends a `bytea` in escape form (`bytea_output = escape`).
pub fn write_bytea_escape(out: &mut Vec<u8>, value: &[u8]) {
    for byte in value {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b' '..=b'~' => out.push(*byte),
            other => {
                let digit = |shift: u8| b'0' + (other >> shift & 7);
                out.extend_from_slice(&[b'\\', digit(6), digit(3), digit(0)]);
            }
        }
    }
}

/// Appends a `date`: days since 1970.
pub fn write_date(out: &mut Vec<u8>, days: i32) {
    match near(days.into()) {
        true => push_date(out, days.into()),
        false => out.extend_from_slice(datetime::format_date(days).as_bytes()),
    }
}

/// Appends a `time`: microseconds since midnight.
pub fn write_time(out: &mut Vec<u8>, micros: i64) {
    match (0..=MICROS_PER_DAY).contains(&micros) {
        true => push_time(out, micros),
        false => out.extend_from_slice(datetime::format_time(micros).as_bytes()),
    }
}

/// Appends a `timestamp`: microseconds since 1970.
pub fn write_timestamp(out: &mut Vec<u8>, micros: i64) {
    match near(micros.div_euclid(MICROS_PER_DAY)) {
        true => push_timestamp(out, micros),
        false => out.extend_from_slice(datetime::format_timestamp(micros).as_bytes()),
    }
}

/// Appends a `timestamptz` as seen `offset` seconds east of UTC.
pub fn write_timestamptz(out: &mut Vec<u8>, micros: i64, offset: i32) {
    let hours = offset / 3600;
    if offset % 3600 != 0 || !near(micros.div_euclid(MICROS_PER_DAY)) {
        out.extend_from_slice(datetime::format_timestamp_tz(micros, offset).as_bytes());
        return;
    }
    push_timestamp(out, micros + i64::from(offset) * 1_000_000);
    out.push(if hours < 0 { b'-' } else { b'+' });
    push_two(out, hours.unsigned_abs());
}

/// Whether a day is from the years 2 to 9998: four digits, no BC, also in any zone.
fn near(days: i64) -> bool {
    (-718_797..2_932_532).contains(&days)
}

fn push_two(out: &mut Vec<u8>, number: u32) {
    let digit = |n: u32| b'0' + (n % 10) as u8;
    out.extend_from_slice(&[digit(number / 10), digit(number)]);
}

fn push_date(out: &mut Vec<u8>, days: i64) {
    let date = civil(days);
    let year = u32::try_from(date.year).unwrap_or(0);
    push_two(out, year / 100);
    push_two(out, year % 100);
    out.push(b'-');
    push_two(out, date.month);
    out.push(b'-');
    push_two(out, date.day);
}

fn push_time(out: &mut Vec<u8>, micros: i64) {
    let seconds = (micros / 1_000_000) as u32;
    push_two(out, seconds / 3600);
    out.push(b':');
    push_two(out, seconds / 60 % 60);
    out.push(b':');
    push_two(out, seconds % 60);
    let mut rest = (micros % 1_000_000) as u32;
    if rest > 0 {
        out.push(b'.');
        let mut unit = 100_000;
        while rest > 0 {
            out.push(b'0' + (rest / unit) as u8);
            rest %= unit;
            unit /= 10;
        }
    }
}

fn push_timestamp(out: &mut Vec<u8>, micros: i64) {
    push_date(out, micros.div_euclid(MICROS_PER_DAY));
    out.push(b' ');
    push_time(out, micros.rem_euclid(MICROS_PER_DAY));
}

/// Appends an `interval` in the style `postgres`.
pub fn write_interval(out: &mut Vec<u8>, value: Interval) {
    out.extend_from_slice(interval::format(value).as_bytes());
}

/// Appends a `uuid`.
pub fn write_uuid(out: &mut Vec<u8>, value: &[u8; 16]) {
    let mut rest = value.as_slice();
    for (at, length) in [4, 2, 2, 2, 6].into_iter().enumerate() {
        if at > 0 {
            out.push(b'-');
        }
        let Some((group, tail)) = rest.split_at_checked(length) else { return };
        write_hex(out, group);
        rest = tail;
    }
}

/// Reads a `bool`: `t`, `true`, `y`, `yes`, `on`, `1` and their opposites, or a unique beginning.
///
/// # Errors
/// Anything else.
pub fn read_bool(text: &str) -> Result<bool, TypeError> {
    let word = text.trim_matches(is_space).to_ascii_lowercase();
    let begins = |whole: &str, least: usize| word.len() >= least && whole.starts_with(&word);
    match () {
        () if begins("true", 1) || begins("yes", 1) || begins("on", 2) || word == "1" => Ok(true),
        () if begins("false", 1) || begins("no", 1) || begins("off", 2) || word == "0" => Ok(false),
        () => Err(TypeError::Syntax("boolean")),
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r')
}

/// Reads an integer between two bounds; `name` is the type's name in SQL.
///
/// # Errors
/// No decimal integer, or outside the bounds.
pub fn read_int(
    text: &str,
    range: std::ops::RangeInclusive<i64>,
    name: &'static str,
) -> Result<i64, TypeError> {
    let word = text.trim_matches(is_space);
    let digits = word.strip_prefix(['+', '-']).unwrap_or(word);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(TypeError::Syntax(name));
    }
    let number = word.parse::<i64>().ok().filter(|number| range.contains(number));
    number.ok_or(TypeError::Range(name))
}

/// Reads an `int2`.
///
/// # Errors
/// As [`read_int`].
pub fn read_int2(text: &str) -> Result<i16, TypeError> {
    let number = read_int(text, i16::MIN.into()..=i16::MAX.into(), "smallint")?;
    i16::try_from(number).map_err(|_| TypeError::Range("smallint"))
}

/// Reads an `int4`.
///
/// # Errors
/// As [`read_int`].
pub fn read_int4(text: &str) -> Result<i32, TypeError> {
    let number = read_int(text, i32::MIN.into()..=i32::MAX.into(), "integer")?;
    i32::try_from(number).map_err(|_| TypeError::Range("integer"))
}

/// Reads an `int8`.
///
/// # Errors
/// As [`read_int`].
pub fn read_int8(text: &str) -> Result<i64, TypeError> {
    read_int(text, i64::MIN..=i64::MAX, "bigint")
}

/// Reads an `oid`; a negative number counts from the top, as in PostgreSQL.
///
/// # Errors
/// As [`read_int`].
pub fn read_oid(text: &str) -> Result<u32, TypeError> {
    let number = read_int(text, i32::MIN.into()..=u32::MAX.into(), "oid")?;
    Ok(number as u32)
}

/// Reads a `float4`.
///
/// # Errors
/// No number, or one that overflows, or underflows to 0.
pub fn read_float4(text: &str) -> Result<f32, TypeError> {
    float::parse_f32(text).map_err(|error| plain(error, "real"))
}

/// Reads a `float8`.
///
/// # Errors
/// As [`read_float4`].
pub fn read_float8(text: &str) -> Result<f64, TypeError> {
    float::parse_f64(text).map_err(|error| plain(error, "double precision"))
}

/// Reads a `numeric` with the scale written.
///
/// # Errors
/// No number, or one beyond PostgreSQL's digits.
pub fn read_numeric(text: &str) -> Result<Decimal, TypeError> {
    Decimal::parse(text).map_err(|error| match error {
        DecimalError::Overflow => TypeError::Range("numeric"),
        _ => TypeError::Syntax("numeric"),
    })
}

/// Reads a `bytea` in hex or escape form.
///
/// # Errors
/// An odd or unknown digit, or a backslash without its three octal digits.
pub fn read_bytea(text: &str) -> Result<Vec<u8>, TypeError> {
    id::parse_bytes(text).map_err(|error| plain(error, "bytea"))
}

/// Reads a `date` as days since 1970.
///
/// # Errors
/// No date, or one that PostgreSQL has not.
pub fn read_date(text: &str) -> Result<i32, TypeError> {
    datetime::parse_date(text).map_err(|error| time(error, "date"))
}

/// Reads a `time` as microseconds since midnight.
///
/// # Errors
/// No time of day.
pub fn read_time(text: &str) -> Result<i64, TypeError> {
    datetime::parse_time(text).map_err(|error| time(error, "time"))
}

/// Reads a `timestamp` as microseconds since 1970; a zone in it is read and dropped.
///
/// # Errors
/// No timestamp, or one that PostgreSQL has not.
pub fn read_timestamp(text: &str) -> Result<i64, TypeError> {
    datetime::parse_timestamp(text).map_err(|error| time(error, "timestamp"))
}

/// Reads a `timestamptz`; without a zone it is `offset` seconds east of UTC.
///
/// # Errors
/// No timestamp, or one that PostgreSQL has not, or a zone by name (which the caller must know).
pub fn read_timestamptz(text: &str, offset: i32) -> Result<i64, TypeError> {
    let name = "timestamp with time zone";
    datetime::parse_timestamp_tz(text, offset).map_err(|error| time(error, name))
}

/// Reads an `interval`.
///
/// # Errors
/// No interval, or a part overflows.
pub fn read_interval(text: &str) -> Result<Interval, TypeError> {
    interval::parse(text).map_err(|error| time(error, "interval"))
}

/// Reads a `uuid`.
///
/// # Errors
/// Not 32 hex digits with hyphens after groups of four, in braces or not.
pub fn read_uuid(text: &str) -> Result<[u8; 16], TypeError> {
    id::parse_uuid(text).map_err(|error| plain(error, "uuid"))
}

fn plain(error: TextError, name: &'static str) -> TypeError {
    match error {
        TextError::Syntax => TypeError::Syntax(name),
        TextError::Range => TypeError::Range(name),
    }
}

fn time(error: TextError, name: &'static str) -> TypeError {
    match error {
        TextError::Syntax => TypeError::DatetimeSyntax(name),
        TextError::Range => TypeError::DatetimeRange(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    /// The writers in place say what the value crate says, at the edges of their own range too.
    #[test]
    fn writing_in_place_changes_nothing() {
        let step = 86_400_000_000_i64 * 977 + 3_723_000_001;
        let edges = [i64::MIN, i64::MAX, -62_104_060_800_000_000, 253_370_764_800_000_000];
        let near_edges = edges.iter().flat_map(|edge| [*edge, edge.saturating_add(1)]);
        let walk = (-80_000_000_000_000_000..400_000_000_000_000_000).step_by(step as usize);
        for micros in walk.chain(near_edges) {
            assert_eq!(
                written(|out| write_timestamp(out, micros)),
                datetime::format_timestamp(micros)
            );
            for offset in [0, 3600, -7 * 3600, 19_800, -1] {
                assert_eq!(
                    written(|out| write_timestamptz(out, micros, offset)),
                    datetime::format_timestamp_tz(micros, offset)
                );
            }
            let days = (micros / 86_400_000_000) as i32;
            assert_eq!(written(|out| write_date(out, days)), datetime::format_date(days));
            let time = micros.rem_euclid(86_400_000_001);
            assert_eq!(written(|out| write_time(out, time)), datetime::format_time(time));
        }
        for number in [0.0, -0.0, 1.0, -5.0, 1e15, 999_999_999_999_999.0, 1e300, f64::NAN, 0.5] {
            assert_eq!(written(|out| write_float8(out, number)), float::format_f64(number));
        }
        let id = *b"0123456789abcdef";
        assert_eq!(written(|out| write_uuid(out, &id)), id::format_uuid(&id));
    }
}
