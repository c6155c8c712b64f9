//! Dates, times and intervals from text.
//!
//! ISO 8601 and PostgreSQL's own output are read by [`value::text`], without a token. What it does
//! not know is taken apart here, as PostgreSQL documents it (Appendix B), with DateStyle ISO, MDY:
//!
//! ```text
//!   January 8, 1999   8-Jan-1999   1999-Jan-08   1/8/1999   19990108   J2451187   today 4:05 PM
//!   └ words: months, days of the week (no meaning), now today …, AM PM, BC, zones
//!   └ numbers joined by - / . : a date        with ':' : a time   a sign after it: an offset
//! ```
//!
//! A syntax that no rule fits is 22007, a field out of range 22008. What reads the clock (`today`)
//! reads the transaction's.

use value::Interval;
use value::calendar::{self, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_SECOND};
use value::text::datetime::{self as iso, Parts, Zone as IsoZone};
use value::text::{TextError, interval as interval_text};

use super::kernels::round_micros;
use crate::expression::Session;
use crate::function::zone::{self, Zone};
use crate::{Error, ErrorKind, Result};

/// The first microsecond after the timestamps. PostgreSQL counts from 2000 and ends 30 years later
/// (294277); 64 bits from 1970 end here, on 294247-01-10.
pub const END: i64 = i64::MAX;
/// The first timestamp: 4714-11-24 BC.
pub const START: i64 = -210_866_803_200_000_000;
/// The days of dates: 4714-11-24 BC to 5874897-12-31.
pub const DATES: std::ops::RangeInclusive<i64> = -2_440_588..=2_145_042_905;

#[cold]
fn syntax(ty: &str, text: &str) -> Error {
    let message = format!("invalid input syntax for type {ty}: \"{text}\"");
    Error::new(ErrorKind::Type, "22007", message)
}

#[cold]
fn field_range(text: &str) -> Error {
    let message = format!("date/time field value out of range: \"{text}\"");
    Error::new(ErrorKind::Type, "22008", message)
}

/// 22008 for a whole type.
#[cold]
pub fn out_of_range(what: &str) -> Error {
    Error::new(ErrorKind::Type, "22008", format!("{what} out of range"))
}

/// A timestamp that is in range.
///
/// # Errors
/// 22008.
pub fn in_range(micros: i64) -> Result<i64> {
    if (START..END).contains(&micros) { Ok(micros) } else { Err(out_of_range("timestamp")) }
}

/// Why the general reader failed.
enum Failure {
    Syntax,
    Range,
    Zone(String),
    /// An offset beyond 15 hours.
    Displacement,
}

impl Failure {
    #[cold]
    fn of(self, ty: &str, text: &str) -> Error {
        match self {
            Failure::Syntax => syntax(ty, text),
            Failure::Range => field_range(text),
            Failure::Displacement => {
                let message = format!("time zone displacement out of range: \"{text}\"");
                Error::new(ErrorKind::Type, "22009", message)
            }
            Failure::Zone(name) => {
                let message = format!("time zone \"{name}\" not recognized");
                Error::new(ErrorKind::Type, "22023", message)
            }
        }
    }
}

/// Reads a date.
///
/// # Errors
/// 22007, 22008.
pub fn date(session: &dyn Session, text: &str) -> Result<i32> {
    match iso::parse_date(text) {
        Ok(days) => return Ok(days),
        Err(TextError::Range) if in_calendar(text) => {
            return Err(Error::new(
                ErrorKind::Type,
                "22008",
                format!("date out of range: \"{text}\""),
            ));
        }
        _ => {}
    }
    let read = Reader::read(session, text).map_err(|failure| failure.of("date", text))?;
    let days = read.days.ok_or_else(|| syntax("date", text))?;
    if !DATES.contains(&days) {
        let message = format!("date out of range: \"{text}\"");
        return Err(Error::new(ErrorKind::Type, "22008", message));
    }
    Ok(days as i32)
}

/// Whether a text that is out of range has fields that are each in theirs.
fn in_calendar(text: &str) -> bool {
    let mut fields = text.trim_ascii().split(['-', ' ', 'T']);
    let mut number = || fields.next().and_then(|field| field.parse::<i64>().ok());
    match (number(), number(), number()) {
        (Some(year), Some(month), Some(day)) if year > 0 => {
            calendar::is_date(year, month.unsigned_abs() as u32, day.unsigned_abs() as u32)
        }
        _ => false,
    }
}

/// Reads a time of day; a date or zone beside it is checked and dropped.
///
/// # Errors
/// 22007, 22008.
pub fn time(session: &dyn Session, text: &str) -> Result<i64> {
    if let Ok(micros) = iso::parse_time(text) {
        return Ok(micros);
    }
    let ty = "time";
    let read = Reader::read(session, text).map_err(|failure| failure.of(ty, text))?;
    read.clock.ok_or_else(|| syntax(ty, text))
}

/// Reads a timestamp without zone; a zone in it is dropped.
///
/// # Errors
/// 22007, 22008.
pub fn timestamp(session: &dyn Session, text: &str) -> Result<i64> {
    match iso::parse_parts(text) {
        Ok(Parts::Infinity) => return Ok(i64::MAX),
        Ok(Parts::NegativeInfinity) => return Ok(i64::MIN),
        Ok(Parts::Local { micros, zone: None | Some(IsoZone::Offset(_)) }) => return Ok(micros),
        Ok(Parts::Local { micros, zone: Some(IsoZone::Name(name)) })
            if zone::find(name).is_some() =>
        {
            return Ok(micros);
        }
        Err(TextError::Range) if in_calendar(text) && !text.contains(':') => {
            return Err(timestamp_range(text));
        }
        _ => {}
    }
    let ty = "timestamp";
    let read = Reader::read(session, text).map_err(|failure| failure.of(ty, text))?;
    read.local(text, ty)
}

#[cold]
fn timestamp_range(text: &str) -> Error {
    Error::new(ErrorKind::Type, "22008", format!("timestamp out of range: \"{text}\""))
}

/// Reads an instant; without a zone it is local time of the session.
///
/// # Errors
/// 22007, 22008, 22023 for an unknown zone.
pub fn timestamptz(session: &dyn Session, text: &str) -> Result<i64> {
    match iso::parse_parts(text) {
        Ok(Parts::Infinity) => return Ok(i64::MAX),
        Ok(Parts::NegativeInfinity) => return Ok(i64::MIN),
        Ok(Parts::Local { micros, zone }) => {
            let zone = match zone {
                None => Some(zone::session(session)?),
                Some(IsoZone::Offset(seconds)) => Some(Zone::Fixed(seconds)),
                Some(IsoZone::Name(name)) => zone::find(name),
            };
            if let Some(zone) = zone {
                return in_range(zone.to_instant(micros)).map_err(|_| timestamp_range(text));
            }
        }
        Err(TextError::Range) if in_calendar(text) && !text.contains(':') => {
            return Err(timestamp_range(text));
        }
        _ => {}
    }
    let ty = "timestamp with time zone";
    let read = Reader::read(session, text).map_err(|failure| failure.of(ty, text))?;
    let local = read.local(text, ty)?;
    let zone = match read.zone {
        Some(zone) => zone,
        None => zone::session(session)?,
    };
    in_range(zone.to_instant(local)).map_err(|_| timestamp_range(text))
}

/// Reads an interval.
///
/// # Errors
/// 22007, 22015.
pub fn interval(text: &str) -> Result<Interval> {
    interval_text::parse(text).map_err(|error| match error {
        TextError::Syntax => syntax("interval", text),
        TextError::Range => {
            let message = format!("interval field value out of range: \"{text}\"");
            Error::new(ErrorKind::Type, "22015", message)
        }
    })
}

/// Applies an interval's modifier: the fields that it keeps, and digits of a second.
pub fn fit_interval(interval: Interval, modifier: i32) -> Interval {
    const MONTH: i32 = 1 << 1;
    const DAY: i32 = 1 << 3;
    const HOUR: i32 = 1 << 10;
    const MINUTE: i32 = 1 << 11;
    const SECOND: i32 = 1 << 12;
    let (fields, digits) = ((modifier >> 16) & 0x7fff, modifier & 0xffff);
    let mut made = interval;
    if fields != 0x7fff {
        if fields & (DAY | HOUR | MINUTE | SECOND) == 0 {
            (made.days, made.micros) = (0, 0);
            if fields & MONTH == 0 {
                made.months -= made.months % 12;
            }
        } else if fields & (HOUR | MINUTE | SECOND) == 0 {
            made.micros = 0;
        } else if fields & (MINUTE | SECOND) == 0 {
            made.micros -= made.micros % MICROS_PER_HOUR;
        } else if fields & SECOND == 0 {
            made.micros -= made.micros % (60 * MICROS_PER_SECOND);
        }
    }
    made.micros = round_micros(made.micros, digits);
    made
}

/// What a text was found to say.
#[derive(Default)]
struct Reader {
    year: Option<i64>,
    month: Option<u32>,
    day: Option<u32>,
    days: Option<i64>,
    clock: Option<i64>,
    afternoon: Option<bool>,
    bc: bool,
    /// The year was written with one or two digits.
    short_year: bool,
    zone: Option<Zone>,
    instant: Option<i64>,
}

impl Reader {
    fn read(session: &dyn Session, text: &str) -> std::result::Result<Reader, Failure> {
        let mut reader = Reader::default();
        let lower = text.trim_ascii().to_ascii_lowercase();
        let tokens = tokens(&lower).ok_or(Failure::Syntax)?;
        if tokens.is_empty() {
            return Err(Failure::Syntax);
        }
        for token in tokens {
            reader.token(session, token)?;
        }
        reader.finish()
    }

    fn local(&self, text: &str, ty: &str) -> Result<i64> {
        if let Some(instant) = self.instant {
            return Ok(instant);
        }
        let days = self.days.ok_or_else(|| syntax(ty, text))?;
        let local = days.checked_mul(MICROS_PER_DAY).map(|at| at + self.clock.unwrap_or(0));
        let local = local.filter(|local| (START..END).contains(local));
        local.ok_or_else(|| timestamp_range(text))
    }

    fn token(&mut self, session: &dyn Session, token: &str) -> std::result::Result<(), Failure> {
        let first = token.bytes().next().unwrap_or(b' ');
        if first.is_ascii_alphabetic() {
            return self.word(session, token);
        }
        if matches!(first, b'+' | b'-') {
            let sign = if first == b'-' { -1 } else { 1 };
            let digits = token.get(1..).unwrap_or("");
            let seconds = zone::offset(digits).ok_or_else(|| {
                let numeric = digits.bytes().all(|b| b.is_ascii_digit() || b == b':');
                if numeric && !digits.is_empty() { Failure::Displacement } else { Failure::Syntax }
            })?;
            self.zone = Some(Zone::Fixed(sign * seconds));
            return Ok(());
        }
        if token.contains(':') {
            return self.time(token);
        }
        if token.contains(['-', '/']) || token.matches('.').count() == 2 {
            return self.joined(token);
        }
        self.number(token)
    }

    fn word(&mut self, session: &dyn Session, word: &str) -> std::result::Result<(), Failure> {
        if let Some(month) = month_named(word) {
            // "8 Jan": a number before may have been taken for the month.
            if let (Some(number), None) = (self.month, self.day) {
                self.day = Some(number);
            }
            self.month = Some(month);
            return Ok(());
        }
        if weekday_named(word).is_some() {
            return Ok(());
        }
        let julian = word.strip_prefix('j').and_then(|digits| digits.parse::<i64>().ok());
        match word {
            "am" | "pm" => self.afternoon = Some(word == "pm"),
            "bc" => self.bc = true,
            "ad" | "at" | "on" | "t" => {}
            "now" | "today" | "tomorrow" | "yesterday" => self.clock_word(session, word)?,
            "allballs" => {
                self.clock = Some(0);
                self.zone = Some(Zone::Utc);
            }
            _ if julian.is_some() => self.days = julian.map(|day| day - 2_440_588),
            _ if word.contains(|c: char| c.is_ascii_digit()) && month_of_joined(word).is_some() => {
                return self.joined(word);
            }
            _ => match zone::find(word).or_else(|| zone::find(&titled(word))) {
                Some(zone) => self.zone = Some(zone),
                None if word.contains('/') => return Err(Failure::Zone(word.to_owned())),
                None => return Err(Failure::Syntax),
            },
        }
        Ok(())
    }

    fn clock_word(
        &mut self,
        session: &dyn Session,
        word: &str,
    ) -> std::result::Result<(), Failure> {
        let zone = zone::session(session).map_err(|_| Failure::Syntax)?;
        let local = zone.to_local(session.transaction_time());
        let today = local.div_euclid(MICROS_PER_DAY);
        match word {
            "now" => {
                self.days = Some(today);
                self.clock = Some(local.rem_euclid(MICROS_PER_DAY));
            }
            "today" => self.days = Some(today),
            "tomorrow" => self.days = Some(today + 1),
            _ => self.days = Some(today - 1),
        }
        Ok(())
    }

    /// `04:05:06.7`.
    fn time(&mut self, token: &str) -> std::result::Result<(), Failure> {
        let micros = iso::parse_time(token).map_err(|error| match error {
            TextError::Syntax => Failure::Syntax,
            TextError::Range => Failure::Range,
        })?;
        self.clock = Some(micros);
        Ok(())
    }

    /// Three fields joined by one of `- / .`; a word among them is the month.
    fn joined(&mut self, token: &str) -> std::result::Result<(), Failure> {
        let fields: Vec<&str> = token.split(['-', '/', '.']).collect();
        let number = |text: &str| text.parse::<i64>().map_err(|_| Failure::Syntax);
        match fields.as_slice() {
            [first, second, third] => {
                let year_first = first.len() > 2 && first.bytes().all(|b| b.is_ascii_digit());
                let (year, month, day) = match (month_named(first), month_named(second)) {
                    (Some(month), _) => (*third, i64::from(month), number(second)?),
                    (_, Some(month)) if year_first => (*first, i64::from(month), number(third)?),
                    (_, Some(month)) => (*third, i64::from(month), number(first)?),
                    _ if year_first => (*first, number(second)?, number(third)?),
                    _ => (*third, number(first)?, number(second)?),
                };
                self.short_year = year.len() <= 2;
                self.year = Some(year_of(year)?);
                self.month = Some(u32::try_from(month).map_err(|_| Failure::Range)?);
                self.day = Some(u32::try_from(day).map_err(|_| Failure::Range)?);
            }
            [first, second] => match month_named(second) {
                Some(month) => {
                    self.month = Some(month);
                    self.day = Some(number(first)? as u32);
                }
                None => return Err(Failure::Syntax),
            },
            _ => return Err(Failure::Syntax),
        }
        Ok(())
    }

    /// A number alone: by its length, and by what is known already.
    fn number(&mut self, token: &str) -> std::result::Result<(), Failure> {
        let digits = token.split('.').next().unwrap_or_default();
        let n: i64 = digits.parse().map_err(|_| Failure::Syntax)?;
        let dated = self.days.is_some() || self.day.is_some() && self.year.is_some();
        match digits.len() {
            8 if !dated => {
                self.year = Some(n / 10_000);
                self.month = Some((n / 100 % 100) as u32);
                self.day = Some((n % 100) as u32);
            }
            4 | 6 if dated => {
                let all = if digits.len() == 4 { n * 100 } else { n };
                let fraction = token.get(digits.len()..).unwrap_or_default();
                let clock = format!(
                    "{:02}:{:02}:{:02}{fraction}",
                    all / 10_000,
                    all / 100 % 100,
                    all % 100
                );
                return self.time(&clock);
            }
            6 if self.month.is_none() => {
                self.year = Some(year_of(digits.get(..2).unwrap_or_default())?);
                self.month = Some((n / 100 % 100) as u32);
                self.day = Some((n % 100) as u32);
            }
            1 | 2 if dated => return Err(Failure::Syntax),
            1 | 2 if self.month.is_none() => self.month = Some(n as u32),
            1 | 2 if self.day.is_none() => self.day = Some(n as u32),
            _ if self.year.is_none() => {
                self.short_year = digits.len() <= 2;
                self.year = Some(year_of(digits)?);
            }
            _ => return Err(Failure::Syntax),
        }
        Ok(())
    }

    fn finish(mut self) -> std::result::Result<Reader, Failure> {
        if let Some(afternoon) = self.afternoon {
            let clock = self.clock.ok_or(Failure::Syntax)?;
            let hour = clock / MICROS_PER_HOUR;
            if !(1..=12).contains(&hour) {
                return Err(Failure::Range);
            }
            let half = if afternoon { 12 } else { 0 };
            self.clock = Some(clock % MICROS_PER_HOUR + (hour % 12 + half) * MICROS_PER_HOUR);
        }
        if self.clock.is_some_and(|clock| clock > MICROS_PER_DAY) {
            return Err(Failure::Range);
        }
        match (self.year, self.month, self.day) {
            (Some(year), Some(month), Some(day)) => {
                let year = match (self.bc, self.short_year) {
                    (true, true) => 1 - year % 100,
                    (true, false) => 1 - year,
                    (false, _) => year,
                };
                if year == 0 && !self.bc || !calendar::is_date(year, month, day) {
                    return Err(Failure::Range);
                }
                self.days = Some(calendar::days(year, month, day));
            }
            (None, None, None) => {}
            _ => return Err(Failure::Syntax),
        }
        Ok(self)
    }
}

/// Two digits are a year from 1970 to 2069.
fn year_of(digits: &str) -> std::result::Result<i64, Failure> {
    let year: i64 = digits.parse().map_err(|_| Failure::Syntax)?;
    Ok(match digits.len() {
        1 | 2 if year < 70 => year + 2000,
        1 | 2 => year + 1900,
        _ => year,
    })
}

fn month_of_joined(word: &str) -> Option<u32> {
    word.split(['-', '/', '.']).find_map(month_named)
}

/// `europe/paris` as zone names are written.
fn titled(word: &str) -> String {
    let mut up = true;
    word.chars()
        .map(|c| {
            let made = if up { c.to_ascii_uppercase() } else { c };
            up = matches!(c, '/' | '_' | '-');
            made
        })
        .collect()
}

/// 1 … 12, by the name or its first three letters.
pub fn month_named(word: &str) -> Option<u32> {
    let at = MONTHS.iter().position(|name| names(word, name))?;
    Some(at as u32 + 1)
}

/// 0 (Sunday) … 6.
pub fn weekday_named(word: &str) -> Option<u32> {
    let short = match word {
        "tues" => "tue",
        "weds" => "wed",
        "thur" | "thurs" => "thu",
        word => word,
    };
    let at = WEEKDAYS.iter().position(|name| names(short, name))?;
    Some(at as u32)
}

fn names(word: &str, name: &str) -> bool {
    let word = if word == "sept" { "sep" } else { word };
    word.eq_ignore_ascii_case(name) || name.get(..3).is_some_and(|n| word.eq_ignore_ascii_case(n))
}

/// Months in English.
pub static MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// Days of the week in English, from Sunday.
pub static WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Blanks and commas part tokens; a sign after a time begins an offset, letters after digits a
/// word.
fn tokens(text: &str) -> Option<Vec<&str>> {
    let mut tokens = Vec::new();
    for part in text.split(|c: char| c.is_ascii_whitespace() || c == ',') {
        let mut rest = part;
        while !rest.is_empty() {
            let end = token_end(rest);
            tokens.push(rest.get(..end)?);
            rest = rest.get(end..)?;
        }
    }
    (tokens.len() <= 25).then_some(tokens)
}

fn token_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let starts_with_digit = bytes.first().is_some_and(u8::is_ascii_digit);
    let is_time = starts_with_digit
        && text.find(':').is_some_and(|at| text.find(['-', '+']).is_none_or(|sign| at < sign));
    for (at, byte) in bytes.iter().enumerate().skip(1) {
        let ends = match byte {
            b'+' => true,
            b'-' => is_time,
            b'a'..=b'z' => is_time || starts_with_digit && !text.contains('-'),
            _ => false,
        };
        if ends {
            return at;
        }
    }
    // A word keeps what follows it: zone names have signs and digits.
    text.len()
}
