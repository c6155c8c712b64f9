//! Binary forms: network byte order, times counted from 2000-01-01.
//!
//! ```text
//!   interval   microseconds i64 | days i32 | months i32
//!   uuid       16 bytes           bool  one byte, any but 0 is true
//! ```
//!
//! **Invariant.** Readers take exactly as many bytes as the type has.

use value::Interval;

use super::TypeError;
use crate::postgres::error::NotUtf8;

/// Days from 1970-01-01 to 2000-01-01.
const EPOCH_DAYS: i32 = 10_957;
/// The same in microseconds.
const EPOCH_MICROS: i64 = EPOCH_DAYS as i64 * 86_400_000_000;
const DAY_MICROS: i64 = 86_400_000_000;

/// Appends a `bool`.
pub fn write_bool(out: &mut Vec<u8>, value: bool) {
    out.push(value.into());
}

/// Appends an `int2`.
pub fn write_int2(out: &mut Vec<u8>, value: i16) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// Appends an `int4`.
pub fn write_int4(out: &mut Vec<u8>, value: i32) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// Appends an `int8`.
pub fn write_int8(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// Appends an `oid`, `regclass`, `regtype` or `xid`.
pub fn write_oid(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// Appends a `float4`.
pub fn write_float4(out: &mut Vec<u8>, value: f32) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// Appends a `float8`.
pub fn write_float8(out: &mut Vec<u8>, value: f64) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// Appends a `uuid`.
pub fn write_uuid(out: &mut Vec<u8>, value: &[u8; 16]) {
    out.extend_from_slice(value);
}

/// Appends a `date`: days since 1970.
///
/// # Errors
/// It is too far for days since 2000.
pub fn write_date(out: &mut Vec<u8>, days: i32) -> Result<(), TypeError> {
    let shifted = match days {
        i32::MIN | i32::MAX => days,
        _ => days.checked_sub(EPOCH_DAYS).ok_or(TypeError::DatetimeRange("date"))?,
    };
    write_int4(out, shifted);
    Ok(())
}

/// Appends a `time`: microseconds since midnight.
pub fn write_time(out: &mut Vec<u8>, micros: i64) {
    write_int8(out, micros);
}

/// Appends a `timestamp` or `timestamptz`: microseconds since 1970.
///
/// # Errors
/// It is too far for microseconds since 2000.
pub fn write_timestamp(out: &mut Vec<u8>, micros: i64) -> Result<(), TypeError> {
    let shifted = match micros {
        i64::MIN | i64::MAX => micros,
        _ => micros.checked_sub(EPOCH_MICROS).ok_or(TypeError::DatetimeRange("timestamp"))?,
    };
    write_int8(out, shifted);
    Ok(())
}

/// Appends an `interval`.
pub fn write_interval(out: &mut Vec<u8>, value: Interval) {
    write_int8(out, value.micros);
    write_int4(out, value.days);
    write_int4(out, value.months);
}

/// Appends a `jsonb`: its version, then its text.
pub fn write_jsonb(out: &mut Vec<u8>, text: &str) {
    out.push(1);
    out.extend_from_slice(text.as_bytes());
}

fn exact<const N: usize>(bytes: &[u8]) -> Result<[u8; N], TypeError> {
    match bytes.len().cmp(&N) {
        std::cmp::Ordering::Less => Err(TypeError::TooShort),
        std::cmp::Ordering::Greater => Err(TypeError::TooLong),
        std::cmp::Ordering::Equal => bytes.try_into().map_err(|_| TypeError::TooShort),
    }
}

/// Reads a `bool`.
///
/// # Errors
/// Not one byte.
pub fn read_bool(bytes: &[u8]) -> Result<bool, TypeError> {
    exact::<1>(bytes).map(|[byte]| byte != 0)
}

/// Reads an `int2`.
///
/// # Errors
/// Not two bytes.
pub fn read_int2(bytes: &[u8]) -> Result<i16, TypeError> {
    exact(bytes).map(i16::from_be_bytes)
}

/// Reads an `int4`.
///
/// # Errors
/// Not four bytes.
pub fn read_int4(bytes: &[u8]) -> Result<i32, TypeError> {
    exact(bytes).map(i32::from_be_bytes)
}

/// Reads an `int8`.
///
/// # Errors
/// Not eight bytes.
pub fn read_int8(bytes: &[u8]) -> Result<i64, TypeError> {
    exact(bytes).map(i64::from_be_bytes)
}

/// Reads an `oid`.
///
/// # Errors
/// Not four bytes.
pub fn read_oid(bytes: &[u8]) -> Result<u32, TypeError> {
    exact(bytes).map(u32::from_be_bytes)
}

/// Reads a `float4`.
///
/// # Errors
/// Not four bytes.
pub fn read_float4(bytes: &[u8]) -> Result<f32, TypeError> {
    exact(bytes).map(f32::from_be_bytes)
}

/// Reads a `float8`.
///
/// # Errors
/// Not eight bytes.
pub fn read_float8(bytes: &[u8]) -> Result<f64, TypeError> {
    exact(bytes).map(f64::from_be_bytes)
}

/// Reads a `uuid`.
///
/// # Errors
/// Not sixteen bytes.
pub fn read_uuid(bytes: &[u8]) -> Result<[u8; 16], TypeError> {
    exact(bytes)
}

/// Reads `text`, `varchar`, `bpchar`, `name` or `json`.
///
/// # Errors
/// Not UTF-8, or it holds a NUL.
pub fn read_text(bytes: &[u8]) -> Result<&str, TypeError> {
    NotUtf8::check(bytes).map_err(TypeError::Text)
}

/// Reads a `date` as days since 1970.
///
/// # Errors
/// Not four bytes, or a day that PostgreSQL has not.
pub fn read_date(bytes: &[u8]) -> Result<i32, TypeError> {
    match read_int4(bytes)? {
        days @ (i32::MIN | i32::MAX) => Ok(days),
        // 4714-11-24 BC and 5874897-12-31, from 2000.
        days @ -2_451_545..=2_145_031_948 => {
            days.checked_add(EPOCH_DAYS).ok_or(TypeError::DatetimeRange("date"))
        }
        _ => Err(TypeError::DatetimeRange("date")),
    }
}

/// Reads a `time` as microseconds since midnight.
///
/// # Errors
/// Not eight bytes, or not within a day.
pub fn read_time(bytes: &[u8]) -> Result<i64, TypeError> {
    match read_int8(bytes)? {
        micros @ 0..=DAY_MICROS => Ok(micros),
        _ => Err(TypeError::DatetimeRange("time")),
    }
}

/// Reads a `timestamp` or `timestamptz` as microseconds since 1970.
///
/// # Errors
/// Not eight bytes, or a time that PostgreSQL has not.
pub fn read_timestamp(bytes: &[u8]) -> Result<i64, TypeError> {
    match read_int8(bytes)? {
        micros @ (i64::MIN | i64::MAX) => Ok(micros),
        // 4714-11-24 BC up to, not including, 294277-01-01, from 2000.
        micros @ -211_813_488_000_000_000..=9_223_371_331_199_999_999 => {
            micros.checked_add(EPOCH_MICROS).ok_or(TypeError::DatetimeRange("timestamp"))
        }
        _ => Err(TypeError::DatetimeRange("timestamp")),
    }
}

/// Reads an `interval`.
///
/// # Errors
/// Not sixteen bytes.
pub fn read_interval(bytes: &[u8]) -> Result<Interval, TypeError> {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = exact::<16>(bytes)?;
    Ok(Interval {
        micros: i64::from_be_bytes([a, b, c, d, e, f, g, h]),
        days: i32::from_be_bytes([i, j, k, l]),
        months: i32::from_be_bytes([m, n, o, p]),
    })
}

/// Reads a `jsonb` as its text, not yet checked to be JSON.
///
/// # Errors
/// Another version than 1, or not UTF-8.
pub fn read_jsonb(bytes: &[u8]) -> Result<&str, TypeError> {
    match bytes.split_first() {
        None => Err(TypeError::TooShort),
        Some((1, text)) => read_text(text),
        Some(_) => Err(TypeError::Binary("unsupported jsonb version number")),
    }
}
