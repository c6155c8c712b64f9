//! Reading arguments: numbers, times, option words; with Redis's errors.

use qanat::keys::Expiry;
use qanat::keys::number::integer;

use super::Failure;

/// Options that do not fit.
pub const SYNTAX: Failure = Failure::Text("ERR syntax error");
/// A number that is none.
pub const NOT_INTEGER: Failure = Failure::Text("ERR value is not an integer or out of range");

/// Whether an argument is this word in any case.
#[inline]
pub fn is(argument: &[u8], word: &str) -> bool {
    argument.eq_ignore_ascii_case(word.as_bytes())
}

/// A 64-bit integer.
///
/// # Errors
/// It is none.
pub fn number(argument: &[u8]) -> Result<i64, Failure> {
    integer(argument).ok_or(NOT_INTEGER)
}

/// A time of SET, GETEX or SETEX in milliseconds since 1970.
///
/// # Errors
/// It is no number, not positive, or too far away.
pub fn deadline(
    argument: &[u8],
    (seconds, absolute): (bool, bool),
    now: u64,
    command: &'static str,
) -> Result<Expiry, Failure> {
    let value = number(argument)?;
    let invalid = || Failure::Named(format!("ERR invalid expire time in '{command}' command"));
    if value <= 0 {
        return Err(invalid());
    }
    let millis = if seconds { value.checked_mul(1000).ok_or_else(invalid)? } else { value };
    let base = if absolute { 0 } else { i64::try_from(now).unwrap_or(i64::MAX) };
    let at = millis.checked_add(base).ok_or_else(invalid)?;
    Ok(Expiry::At(at.unsigned_abs()))
}

/// Unit and base of the option words EX, PX, EXAT, PXAT.
#[must_use]
pub fn unit(argument: &[u8]) -> Option<(bool, bool)> {
    let words = [
        ("ex", (true, false)),
        ("px", (false, false)),
        ("exat", (true, true)),
        ("pxat", (false, true)),
    ];
    words.iter().find(|(word, _)| is(argument, word)).map(|(_, unit)| *unit)
}

/// The number of a key space.
///
/// # Errors
/// It is no number, or beyond `spaces`.
pub fn space(argument: &[u8], spaces: u32) -> Result<u32, Failure> {
    let number = number(argument)?;
    let space = u32::try_from(number).ok().filter(|space| *space < spaces);
    space.ok_or(Failure::Text("ERR DB index is out of range"))
}

/// The cursor of SCAN.
///
/// # Errors
/// It is no unsigned number.
pub fn cursor(argument: &[u8]) -> Result<u64, Failure> {
    let text = std::str::from_utf8(argument).ok().filter(|text| !text.starts_with('+'));
    // As `strtoul` reads it: a minus sign takes the number from 2^64.
    let cursor = text.and_then(|text| match text.strip_prefix('-') {
        Some(rest) => rest.parse().ok().map(u64::wrapping_neg),
        None => text.parse().ok(),
    });
    cursor.ok_or(Failure::Text("ERR invalid cursor"))
}
