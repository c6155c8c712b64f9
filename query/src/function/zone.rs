//! Time zones: the session's, and those that `AT TIME ZONE` names.
//!
//! ```text
//!   local time ──to_instant──► instant (UTC)      a gap: the offset before it; a fold: standard time,
//!        ◄─────to_local─────                      as PostgreSQL does
//! ```
//!
//! Names are IANA's (from jiff's own data or the system's), a few abbreviations, and POSIX-style
//! offsets: `UTC+3` lies *west*. jiff knows the years -9999 to 9999; PostgreSQL's calendar goes on
//! to 294276, where the rules of the last year known are used: 400 years later the calendar
//! repeats.

use std::cell::RefCell;

use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::expression::Session;
use crate::{Error, ErrorKind, Result};

const SECOND: i64 = 1_000_000;
/// Microseconds of 400 Gregorian years.
const CYCLE: i64 = 146_097 * 86_400 * SECOND;
/// 9000-01-01, from which the calendar is folded back.
const LAST: i64 = 221_845_392_000 * SECOND;
/// -8000-01-01.
const FIRST: i64 = -314_615_664_000 * SECOND;

/// A zone.
#[derive(Debug, Clone)]
pub enum Zone {
    /// UTC itself: the commonest, and free.
    Utc,
    /// An offset east of UTC, in seconds.
    Fixed(i32),
    /// A zone with rules.
    Rules(TimeZone),
}

thread_local! {
    static LAST_NAMED: RefCell<Option<(String, Zone)>> = const { RefCell::new(None) };
}

/// The session's zone.
///
/// # Errors
/// 22023 for a name that no zone has.
pub fn session(session: &dyn Session) -> Result<Zone> {
    named(session.time_zone())
}

/// The zone of a name.
///
/// # Errors
/// 22023 where no zone has it.
pub fn named(name: &str) -> Result<Zone> {
    LAST_NAMED.with_borrow_mut(|last| match last {
        Some((known, zone)) if known == name => Ok(zone.clone()),
        _ => {
            let zone = find(name).ok_or_else(|| unknown(name))?;
            *last = Some((name.to_owned(), zone.clone()));
            Ok(zone)
        }
    })
}

#[cold]
fn unknown(name: &str) -> Error {
    let message = format!("time zone \"{name}\" not recognized");
    Error::new(ErrorKind::Type, "22023", message)
}

/// The zone of a name, if there is one.
pub fn find(name: &str) -> Option<Zone> {
    if matches!(name, "UTC" | "utc" | "GMT" | "Etc/UTC" | "Z" | "z") {
        return Some(Zone::Utc);
    }
    if let Some(seconds) = abbreviation(&name.to_ascii_lowercase()) {
        return Some(Zone::Fixed(seconds));
    }
    if let Ok(zone) = TimeZone::get(name) {
        return Some(Zone::Rules(zone));
    }
    posix(name)
}

/// Offsets of the abbreviations that PostgreSQL's default set and its users share.
pub fn abbreviation(name: &str) -> Option<i32> {
    let hours = match name {
        "utc" | "gmt" | "z" | "zulu" | "ut" | "wet" => 0.0,
        "bst" | "cet" | "met" | "mez" | "west" => 1.0,
        "cest" | "mest" | "mesz" | "eet" | "sast" => 2.0,
        "eest" | "msk" => 3.0,
        "msd" => 4.0,
        "pkt" => 5.0,
        "jst" | "kst" => 9.0,
        "ist" => 2.0,
        "adt" => -3.0,
        "ast" | "edt" => -4.0,
        "est" | "cdt" => -5.0,
        "cst" | "mdt" => -6.0,
        "mst" | "pdt" => -7.0,
        "pst" | "akdt" => -8.0,
        "akst" => -9.0,
        "hst" => -10.0,
        "aest" => 10.0,
        "aedt" => 11.0,
        "acst" => 9.5,
        "acdt" => 10.5,
        "awst" => 8.0,
        "nzst" => 12.0,
        "nzdt" => 13.0,
        _ => return None,
    };
    Some((hours * 3600.0) as i32)
}

/// `UTC+3`, `-03:30`, `<+03>-3`: a sign means west.
fn posix(name: &str) -> Option<Zone> {
    let digits = name.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let digits = match name.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
        Some((_, digits)) => digits,
        None => digits,
    };
    let (west, digits) = match digits.as_bytes().first()? {
        b'+' => (true, digits.get(1..)?),
        b'-' => (false, digits.get(1..)?),
        _ => (true, digits),
    };
    let seconds = offset(digits)?;
    Some(Zone::Fixed(if west { -seconds } else { seconds }))
}

/// `3`, `03:30`, `03:30:15`, `0330`, in seconds.
pub fn offset(digits: &str) -> Option<i32> {
    let mut parts = digits.split(':');
    let first = parts.next()?;
    let number = |text: &str| -> Option<i32> {
        (!text.is_empty() && text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit()))
            .then(|| text.parse().ok())
            .flatten()
    };
    let (hours, mut minutes) = match first.len() {
        3 | 4 => {
            let cut = first.len() - 2;
            (number(first.get(..cut)?)?, number(first.get(cut..)?)?)
        }
        _ => (number(first)?, 0),
    };
    if let Some(text) = parts.next() {
        minutes = number(text)?;
    }
    let seconds = parts.next().map_or(Some(0), number)?;
    let valid = parts.next().is_none() && hours <= 15 && minutes < 60 && seconds < 60;
    valid.then_some(hours * 3600 + minutes * 60 + seconds)
}

/// The same moment of the calendar in years that jiff knows.
fn folded(micros: i64) -> i64 {
    if micros > LAST {
        LAST - CYCLE + (micros - LAST).rem_euclid(CYCLE)
    } else if micros < FIRST {
        FIRST + (micros - FIRST).rem_euclid(CYCLE)
    } else {
        micros
    }
}

impl Zone {
    /// Seconds east of UTC at an instant.
    pub fn offset_at(&self, instant: i64) -> i32 {
        match self {
            Zone::Utc => 0,
            Zone::Fixed(seconds) => *seconds,
            Zone::Rules(zone) => jiff::Timestamp::from_microsecond(folded(instant))
                .map_or(0, |at| zone.to_offset(at).seconds()),
        }
    }

    /// Local time of an instant; infinities stay.
    pub fn to_local(&self, instant: i64) -> i64 {
        match (self, instant) {
            (Zone::Utc, _) | (_, i64::MIN | i64::MAX) => instant,
            _ => instant.saturating_add(i64::from(self.offset_at(instant)) * SECOND),
        }
    }

    /// The instant of a local time; infinities stay.
    pub fn to_instant(&self, local: i64) -> i64 {
        match (self, local) {
            (Zone::Utc, _) | (_, i64::MIN | i64::MAX) => local,
            (Zone::Fixed(seconds), _) => local.saturating_sub(i64::from(*seconds) * SECOND),
            (Zone::Rules(zone), _) => {
                local.saturating_sub(i64::from(rules_offset(zone, folded(local))) * SECOND)
            }
        }
    }

    /// The abbreviation that is in use at an instant (`CET`), for to_char's TZ.
    pub fn abbreviation_at(&self, instant: i64) -> String {
        match self {
            Zone::Utc => "UTC".to_owned(),
            Zone::Fixed(seconds) => {
                let mut text = String::new();
                write_offset(&mut text, *seconds);
                format!("<{text}>")
            }
            Zone::Rules(zone) => jiff::Timestamp::from_microsecond(folded(instant)).map_or_else(
                |_| String::new(),
                |at| zone.to_offset_info(at).abbreviation().to_owned(),
            ),
        }
    }
}

fn rules_offset(zone: &TimeZone, local: i64) -> i32 {
    let civil = jiff::Timestamp::from_microsecond(local)
        .map(|at| TimeZone::UTC.to_datetime(at))
        .map(|local| zone.to_ambiguous_timestamp(local).offset());
    match civil {
        Ok(AmbiguousOffset::Unambiguous { offset }) => offset.seconds(),
        // A gap: the offset before it, so that 02:30 becomes 03:30. A fold: the second pass,
        // standard time.
        Ok(AmbiguousOffset::Gap { before, .. }) => before.seconds(),
        Ok(AmbiguousOffset::Fold { after, .. }) => after.seconds(),
        Err(_) => 0,
    }
}

/// `+02`, `-03:30`, `+00:53:28`: as PostgreSQL writes an offset.
pub fn write_offset(out: &mut String, seconds: i32) {
    use std::fmt::Write;
    let size = seconds.unsigned_abs();
    let sign = if seconds < 0 { '-' } else { '+' };
    // Writing to a String does not fail.
    let _ = write!(out, "{sign}{:02}", size / 3600);
    if !size.is_multiple_of(3600) {
        let _ = write!(out, ":{:02}", size / 60 % 60);
    }
    if !size.is_multiple_of(60) {
        let _ = write!(out, ":{:02}", size % 60);
    }
}
