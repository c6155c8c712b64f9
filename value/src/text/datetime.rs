//! Dates, times of day and timestamps.
//!
//! ```text
//!   date       Y…Y-MM-DD [ BC]     YYYYMMDD     Y…Y/MM/DD     infinity  -infinity  epoch
//!              January 8, 1999     8 Jan 1999   1999-Jan-08   08-Jan-1999
//!   time       HH:MM[:SS[.ffffff]] [AM|PM]         HHMMSS[.f…]     24:00:00 is the day's end
//!   timestamp  date, then 'T' or blanks, then time; a date alone is its midnight
//!   zone       Z  +HH  +HH:MM  +HHMM  +HH:MM:SS  UTC  GMT, or a name, handed to the caller
//! ```
//!
//! A fraction is rounded to microseconds. 60 seconds are read as the next minute, as PostgreSQL
//! does. Years before 1 are written with BC; the calendar's year 0 is 1 BC.

use super::{Scanner, TextError, push_fraction, push_two};
use crate::calendar::{self, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_SECOND, civil, is_date};

const MINUTE: i64 = 60 * MICROS_PER_SECOND;
/// PostgreSQL's earliest date, 4714-11-24 BC.
const DAYS_MIN: i64 = -2_440_588;
/// PostgreSQL's last date, 5874897-12-31.
const DAYS_MAX: i64 = 2_145_042_905;

/// A zone as it stands in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone<'a> {
    /// Seconds east of UTC.
    Offset(i32),
    /// A name or abbreviation: `Europe/Paris`, `CET`.
    Name(&'a str),
}

/// A timestamp's text taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parts<'a> {
    /// A local time, with the zone if one is written.
    Local {
        /// Microseconds since 1970-01-01 00:00 in that zone.
        micros: i64,
        /// The zone.
        zone: Option<Zone<'a>>,
    },
    /// `infinity`.
    Infinity,
    /// `-infinity`.
    NegativeInfinity,
}

/// The date as text: `2024-02-29`, `0044-03-15 BC`, `infinity`.
pub fn format_date(days: i32) -> String {
    match days {
        i32::MAX => "infinity".into(),
        i32::MIN => "-infinity".into(),
        _ => {
            let mut out = String::with_capacity(16);
            let bc = push_date(&mut out, days.into());
            if bc {
                out.push_str(" BC");
            }
            out
        }
    }
}

/// Appends year, month and day; answers whether it is a year before 1.
fn push_date(out: &mut String, days: i64) -> bool {
    use std::fmt::Write;
    let date = civil(days);
    let bc = date.year < 1;
    let year = if bc { 1 - date.year } else { date.year };
    // Writing to a String does not fail.
    let _ = write!(out, "{year:04}-{:02}-{:02}", date.month, date.day);
    bc
}

/// The time of day as text: `04:05:06.5`.
pub fn format_time(micros: i64) -> String {
    let mut out = String::with_capacity(16);
    push_time(&mut out, micros);
    out
}

fn push_time(out: &mut String, micros: i64) {
    let micros = micros.unsigned_abs();
    let seconds = micros / MICROS_PER_SECOND as u64;
    push_two(out, seconds / 3600);
    out.push(':');
    push_two(out, seconds / 60 % 60);
    out.push(':');
    push_two(out, seconds % 60);
    push_fraction(out, (micros % MICROS_PER_SECOND as u64) as i64);
}

/// The timestamp without zone as text: `2024-02-29 23:59:59.5`.
pub fn format_timestamp(micros: i64) -> String {
    format(micros, ' ', None)
}

/// The instant as text at an offset in seconds east of UTC: `2024-02-29 23:59:59.5+05:30`.
pub fn format_timestamp_tz(micros: i64, offset: i32) -> String {
    format(micros, ' ', Some(offset))
}

/// The timestamp without zone by ISO 8601, as JSON has it: `2024-02-29T23:59:59.5`.
pub fn format_timestamp_iso(micros: i64) -> String {
    format(micros, 'T', None)
}

/// The instant by ISO 8601, as JSON has it: `2024-02-29T23:59:59.5+00:00`.
pub fn format_timestamp_tz_iso(micros: i64, offset: i32) -> String {
    format(micros, 'T', Some(offset))
}

fn format(micros: i64, between: char, offset: Option<i32>) -> String {
    match micros {
        i64::MAX => return "infinity".into(),
        i64::MIN => return "-infinity".into(),
        _ => {}
    }
    let shift = i128::from(offset.unwrap_or(0)) * i128::from(MICROS_PER_SECOND);
    let local = i128::from(micros) + shift;
    let day = i128::from(MICROS_PER_DAY);
    let mut out = String::with_capacity(32);
    let bc = push_date(&mut out, local.div_euclid(day) as i64);
    out.push(between);
    push_time(&mut out, local.rem_euclid(day) as i64);
    if let Some(offset) = offset {
        push_offset(&mut out, offset, between == 'T');
    }
    if bc {
        out.push_str(" BC");
    }
    out
}

/// `+05`, `+05:30`, `-00:00:20`; ISO always has the minutes.
fn push_offset(out: &mut String, offset: i32, minutes_always: bool) {
    out.push(if offset < 0 { '-' } else { '+' });
    let offset = u64::from(offset.unsigned_abs());
    push_two(out, offset / 3600);
    if minutes_always || offset % 3600 != 0 {
        out.push(':');
        push_two(out, offset / 60 % 60);
    }
    if offset % 60 != 0 {
        out.push(':');
        push_two(out, offset % 60);
    }
}

/// Reads a date; a timestamp's text is taken too, and its time dropped.
///
/// # Errors
/// `Syntax`; `Range` for days that do not exist and outside 4714-11-24 BC ..= 5874897-12-31.
pub fn parse_date(text: &str) -> Result<i32, TextError> {
    match scan(text)? {
        Scanned::Infinity => Ok(i32::MAX),
        Scanned::NegativeInfinity => Ok(i32::MIN),
        Scanned::Local { days, .. } => Ok(days),
    }
}

/// Reads a time of day.
///
/// # Errors
/// `Syntax`; `Range` above 24:00:00.
pub fn parse_time(text: &str) -> Result<i64, TextError> {
    let mut scanner = Scanner::new(text);
    let micros = time(&mut scanner)?;
    if scanner.is_empty() { Ok(micros) } else { Err(TextError::Syntax) }
}

/// Reads a timestamp without zone. A zone in the text is checked and ignored, as SQL has it.
///
/// # Errors
/// `Syntax`; `Range`.
pub fn parse_timestamp(text: &str) -> Result<i64, TextError> {
    match parse_parts(text)? {
        Parts::Infinity => Ok(i64::MAX),
        Parts::NegativeInfinity => Ok(i64::MIN),
        Parts::Local { micros, .. } => Ok(micros),
    }
}

/// Reads an instant; where no zone is written it is `offset` seconds east of UTC. Named zones other
/// than UTC's own names are a syntax error here: see [`parse_parts`].
///
/// # Errors
/// `Syntax`; `Range`.
pub fn parse_timestamp_tz(text: &str, offset: i32) -> Result<i64, TextError> {
    match parse_parts(text)? {
        Parts::Infinity => Ok(i64::MAX),
        Parts::NegativeInfinity => Ok(i64::MIN),
        Parts::Local { micros, zone } => {
            let offset = match zone {
                None => offset,
                Some(Zone::Offset(offset)) => offset,
                Some(Zone::Name(_)) => return Err(TextError::Syntax),
            };
            at_offset(micros, offset)
        }
    }
}

/// The instant of a local time `offset` seconds east of UTC.
///
/// # Errors
/// `Range` outside the timestamps.
pub fn at_offset(micros: i64, offset: i32) -> Result<i64, TextError> {
    let shift = i64::from(offset) * MICROS_PER_SECOND;
    micros.checked_sub(shift).filter(in_range).ok_or(TextError::Range)
}

/// Whether a timestamp is finite and not before PostgreSQL's first. The last is 294247-01-10, where
/// the microseconds since 1970 end; PostgreSQL counts from 2000 and so ends 30 years later.
fn in_range(micros: &i64) -> bool {
    (DAYS_MIN * MICROS_PER_DAY..i64::MAX).contains(micros)
}

/// Takes a timestamp's text apart, whatever its zone.
///
/// # Errors
/// `Syntax`; `Range`.
pub fn parse_parts(text: &str) -> Result<Parts<'_>, TextError> {
    match scan(text)? {
        Scanned::Infinity => Ok(Parts::Infinity),
        Scanned::NegativeInfinity => Ok(Parts::NegativeInfinity),
        Scanned::Local { days, clock, zone } => {
            // 2^31 days in microseconds pass an i64.
            let micros = i64::from(days).checked_mul(MICROS_PER_DAY);
            let micros = micros.and_then(|at| at.checked_add(clock));
            match micros.filter(in_range) {
                Some(micros) => Ok(Parts::Local { micros, zone }),
                None => Err(TextError::Range),
            }
        }
    }
}

/// A text's date and time, not yet joined: a date may lie beyond the timestamps.
enum Scanned<'a> {
    Local { days: i32, clock: i64, zone: Option<Zone<'a>> },
    Infinity,
    NegativeInfinity,
}

fn scan(text: &str) -> Result<Scanned<'_>, TextError> {
    match text.trim_ascii().to_ascii_lowercase().as_str() {
        "infinity" | "+infinity" => return Ok(Scanned::Infinity),
        "-infinity" => return Ok(Scanned::NegativeInfinity),
        "epoch" => {
            return Ok(Scanned::Local { days: 0, clock: 0, zone: Some(Zone::Offset(0)) });
        }
        _ => {}
    }
    let mut scanner = Scanner::new(text);
    let date = date(&mut scanner)?;
    let mut clock = 0;
    if !(scanner.eat(b'T') || scanner.eat(b't')) {
        scanner.spaces();
    }
    if scanner.peek().is_some_and(|byte| byte.is_ascii_digit()) {
        clock = time(&mut scanner)?;
        scanner.spaces();
    }
    let zone = if is_bc(scanner) { None } else { zone(&mut scanner)? };
    scanner.spaces();
    let bc = is_bc(scanner);
    if !bc && !scanner.is_empty() && !scanner.all().eq_ignore_ascii_case("AD") {
        return Err(TextError::Syntax);
    }
    Ok(Scanned::Local { days: days_of(date, bc)?, clock, zone })
}

fn is_bc(mut scanner: Scanner<'_>) -> bool {
    scanner.all().eq_ignore_ascii_case("BC")
}

/// Year as written, month, day.
fn date(scanner: &mut Scanner<'_>) -> Result<(i64, u32, u32), TextError> {
    if scanner.peek().is_some_and(|byte| byte.is_ascii_alphabetic()) {
        let month = month(scanner)?;
        separator(scanner);
        let day = scanner.number(2)?;
        separator(scanner);
        return Ok((year(scanner.digits())?, month, day as u32));
    }
    let year = scanner.digits();
    let mut ahead = *scanner;
    separator(&mut ahead);
    if ahead.peek().is_some_and(|byte| byte.is_ascii_alphabetic())
        && let Ok(month) = month(&mut ahead)
    {
        *scanner = ahead;
        separator(scanner);
        return named_month(year, month, scanner.digits());
    }
    numeric_date(scanner, year)
}

/// What may stand between the parts of a date with a month's name.
fn separator(scanner: &mut Scanner<'_>) {
    scanner.take_while(|byte| matches!(byte, b' ' | b'-' | b'/' | b',' | b'.'));
}

/// A month by its name, or three letters of it.
fn month(scanner: &mut Scanner<'_>) -> Result<u32, TextError> {
    const NAMES: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let word = scanner.word().to_ascii_lowercase();
    let word = if word == "sept" { "sep" } else { word.as_str() };
    let is = |name: &&str| word == *name || Some(word) == name.get(..3);
    let at = NAMES.iter().position(is).ok_or(TextError::Syntax)?;
    Ok(at as u32 + 1)
}

fn year(digits: &str) -> Result<i64, TextError> {
    if !(3..=7).contains(&digits.len()) {
        return Err(TextError::Syntax);
    }
    digits.parse().map_err(|_| TextError::Syntax)
}

/// Year and day around a month's name: the longer number is the year.
fn named_month(first: &str, month: u32, last: &str) -> Result<(i64, u32, u32), TextError> {
    let (y, day) = if first.len() > 2 { (first, last) } else { (last, first) };
    let day = if day.len() <= 2 { day.parse().ok() } else { None };
    Ok((year(y)?, month, day.ok_or(TextError::Syntax)?))
}

fn numeric_date(scanner: &mut Scanner<'_>, year: &str) -> Result<(i64, u32, u32), TextError> {
    let compact = year.len() == 8 && !matches!(scanner.peek(), Some(b'-' | b'/'));
    if compact && let Ok(all) = year.parse::<i64>() {
        return Ok((all / 10_000, (all / 100 % 100) as u32, (all % 100) as u32));
    }
    let year = self::year(year)?;
    let slash = scanner.eat(b'/');
    if !slash {
        scanner.expect(b'-')?;
    }
    let month = scanner.number(2)?;
    scanner.expect(if slash { b'/' } else { b'-' })?;
    Ok((year, month as u32, scanner.number(2)? as u32))
}

fn days_of((year, month, day): (i64, u32, u32), bc: bool) -> Result<i32, TextError> {
    let year = match (year, bc) {
        (0, _) => return Err(TextError::Range),
        (year, true) => 1 - year,
        (year, false) => year,
    };
    if !is_date(year, month, day) {
        return Err(TextError::Range);
    }
    let days = calendar::days(year, month, day);
    let fits = (DAYS_MIN..=DAYS_MAX).contains(&days);
    if fits { Ok(days as i32) } else { Err(TextError::Range) }
}

/// Hours, minutes and seconds, and AM or PM.
fn time(scanner: &mut Scanner<'_>) -> Result<i64, TextError> {
    let first = scanner.digits();
    let (hour, minute, second) = match first.len() {
        1 | 2 if scanner.eat(b':') => {
            let minute = scanner.number(2)?;
            let second = if scanner.eat(b':') { scanner.number(2)? } else { 0 };
            (first.parse().map_err(|_| TextError::Syntax)?, minute, second)
        }
        4 | 6 => {
            let all: i64 = first.parse().map_err(|_| TextError::Syntax)?;
            let all = if first.len() == 4 { all * 100 } else { all };
            (all / 10_000, all / 100 % 100, all % 100)
        }
        _ => return Err(TextError::Syntax),
    };
    let micros = if scanner.eat(b'.') { scanner.millionths() } else { 0 };
    let hour = half_day(scanner, hour)?;
    if hour > 24 || minute > 59 || second > 60 {
        return Err(TextError::Range);
    }
    let total = hour * MICROS_PER_HOUR + minute * MINUTE + second * MICROS_PER_SECOND + micros;
    if total > MICROS_PER_DAY { Err(TextError::Range) } else { Ok(total) }
}

/// The hour of the day, with AM or PM read if it is there.
fn half_day(scanner: &mut Scanner<'_>, hour: i64) -> Result<i64, TextError> {
    let mut ahead = *scanner;
    ahead.spaces();
    let word = ahead.word();
    let afternoon = word.eq_ignore_ascii_case("PM");
    if !afternoon && !word.eq_ignore_ascii_case("AM") {
        return Ok(hour);
    }
    if !(1..=12).contains(&hour) {
        return Err(TextError::Range);
    }
    *scanner = ahead;
    Ok(hour % 12 + if afternoon { 12 } else { 0 })
}

fn zone<'a>(scanner: &mut Scanner<'a>) -> Result<Option<Zone<'a>>, TextError> {
    match scanner.peek() {
        None => Ok(None),
        Some(b'+' | b'-') => offset(scanner).map(|offset| Some(Zone::Offset(offset))),
        Some(_) => {
            let name = scanner.take_while(|byte| !byte.is_ascii_whitespace());
            Ok(Some(match name.to_ascii_uppercase().as_str() {
                "Z" | "UTC" | "GMT" | "ZULU" => Zone::Offset(0),
                "AD" => return Ok(None),
                _ if name.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) => {
                    Zone::Name(name)
                }
                _ => return Err(TextError::Syntax),
            }))
        }
    }
}

/// Reads `+05:30` and its kin: seconds east of UTC, less than 16 hours.
fn offset(scanner: &mut Scanner<'_>) -> Result<i32, TextError> {
    let negative = scanner.next() == Some(b'-');
    let first = scanner.digits();
    let number: i64 = first.parse().map_err(|_| TextError::Syntax)?;
    let (hour, mut minute, mut second) = match first.len() {
        1 | 2 => (number, 0, 0),
        3 | 4 => (number / 100, number % 100, 0),
        6 => (number / 10_000, number / 100 % 100, number % 100),
        _ => return Err(TextError::Syntax),
    };
    if first.len() <= 2 && scanner.eat(b':') {
        minute = scanner.number(2)?;
        if scanner.eat(b':') {
            second = scanner.number(2)?;
        }
    }
    if hour > 15 || minute > 59 || second > 59 {
        return Err(TextError::Range);
    }
    let offset = (hour * 3600 + minute * 60 + second) as i32;
    Ok(if negative { -offset } else { offset })
}

/// Reads an offset alone: `+05:30`.
///
/// # Errors
/// `Syntax`; `Range` from 16 hours on.
pub fn parse_offset(text: &str) -> Result<i32, TextError> {
    let mut scanner = Scanner::new(text);
    if !matches!(scanner.peek(), Some(b'+' | b'-')) {
        return Err(TextError::Syntax);
    }
    let offset = offset(&mut scanner)?;
    if scanner.is_empty() { Ok(offset) } else { Err(TextError::Syntax) }
}
