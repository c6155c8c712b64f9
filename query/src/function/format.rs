//! to_char, to_date and to_timestamp: patterns of dates and times.
//!
//! ```text
//!   "YYYY-MM-DD \"at\" HH24:MI"  ──parse──► [Field(YYYY), Literal('-'), Field(MM), …]
//!                                             ├ write: each field of a local time
//!                                             └ read: each field takes its digits or its word
//! ```
//!
//! FM leaves padding out, TH adds an ordinal; names are English. Reading follows PostgreSQL's
//! lenient rules: a field takes as many digits as it may have, blanks and separators of the pattern
//! match any.

use value::Interval;
use value::calendar::{self, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_SECOND};

use super::format_number::{ordinal, roman};
use super::names::*;
use super::{Arguments, Call, zone};
use crate::cast::datetime::{DATES, MONTHS, WEEKDAYS, in_range};
use crate::{Datum, Error, ErrorKind, Result};

/// The words of patterns, the longest of those with a common beginning first; upper case where case
/// decides how names are written.
static WORDS: &[&str] = &[
    "SSSSS", "SSSS", "Y,YYY", "IYYY", "YYYY", "MONTH", "Month", "month", "HH24", "HH12", "IDDD",
    "A.D.", "B.C.", "A.M.", "P.M.", "a.d.", "b.c.", "a.m.", "p.m.", "DDD", "DAY", "Day", "day",
    "IYY", "YYY", "MON", "Mon", "mon", "TZH", "TZM", "FF1", "FF2", "FF3", "FF4", "FF5", "FF6",
    "AD", "BC", "ad", "bc", "AM", "PM", "am", "pm", "CC", "DD", "DY", "Dy", "dy", "HH", "ID", "IW",
    "IY", "YY", "MI", "MM", "MS", "OF", "RM", "rm", "SS", "TZ", "tz", "US", "WW", "D", "I", "J",
    "Q", "W", "Y",
];

#[derive(Debug, Clone, Copy)]
enum Part {
    Literal(char),
    Field { word: &'static str, fill: bool, ordinal: Option<bool> },
}

fn front<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let head = text.get(..word.len())?;
    head.eq_ignore_ascii_case(word).then(|| text.get(word.len()..).unwrap_or(""))
}

fn word_at(text: &str) -> Option<&'static str> {
    let exact = WORDS.iter().find(|word| text.starts_with(**word));
    let folded = WORDS.iter().find(|word| front(text, word).is_some());
    match (exact, folded) {
        (Some(exact), Some(folded)) if exact.len() >= folded.len() => Some(exact),
        (_, folded) => folded.copied(),
    }
}

fn parse(pattern: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = pattern;
    let mut fill = false;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = front(rest, "FM") {
            (fill, rest) = (true, after);
            continue;
        }
        if let Some(after) = front(rest, "FX").or_else(|| front(rest, "TM")) {
            rest = after;
            continue;
        }
        if let Some(word) = word_at(rest) {
            rest = rest.get(word.len()..).unwrap_or("");
            let ordinal = front(rest, "TH").map(|_| rest.starts_with('t'));
            if ordinal.is_some() {
                rest = rest.get(2..).unwrap_or("");
            }
            rest = front(rest, "SP").unwrap_or(rest);
            parts.push(Part::Field { word, fill, ordinal });
            fill = false;
            continue;
        }
        rest = rest.get(c.len_utf8()..).unwrap_or("");
        if c == '"' {
            let mut characters = rest.chars();
            while let Some(c) = characters.next() {
                match c {
                    '"' => break,
                    '\\' => parts.extend(characters.next().map(Part::Literal)),
                    c => parts.push(Part::Literal(c)),
                }
            }
            rest = characters.as_str();
        } else if c == '\\' && rest.starts_with('"') {
            parts.push(Part::Literal('"'));
            rest = rest.get(1..).unwrap_or("");
        } else {
            parts.push(Part::Literal(c));
        }
    }
    parts
}

/// What is written: a local time with its zone, or an interval's fields.
struct Moment {
    year: i64,
    month: i64,
    day: i64,
    days: Option<i64>,
    hour: i64,
    micros: i64,
    offset: Option<(i32, String)>,
}

impl Moment {
    fn of_local(local: i64, offset: Option<(i32, String)>) -> Moment {
        let (days, clock) = (local.div_euclid(MICROS_PER_DAY), local.rem_euclid(MICROS_PER_DAY));
        let date = calendar::civil(days);
        Moment {
            year: date.year,
            month: date.month.into(),
            day: date.day.into(),
            days: Some(days),
            hour: clock / MICROS_PER_HOUR,
            micros: clock % MICROS_PER_HOUR,
            offset,
        }
    }

    fn of_interval(interval: Interval) -> Moment {
        Moment {
            year: (interval.months / 12).into(),
            month: (interval.months % 12).into(),
            day: interval.days.into(),
            days: None,
            hour: interval.micros / MICROS_PER_HOUR,
            micros: interval.micros % MICROS_PER_HOUR,
            offset: None,
        }
    }

    /// 1 BC is 1; an interval's years are as they are.
    fn shown_year(&self) -> i64 {
        if self.days.is_some() && self.year <= 0 { 1 - self.year } else { self.year }
    }
}

#[cold]
fn not_of_interval() -> Error {
    Error::new(ErrorKind::Type, "22007", "invalid format specification for an interval value")
        .hint("Intervals are not tied to specific calendar dates.")
}

fn padded(n: i64, width: usize, fill: bool) -> String {
    if fill {
        return n.to_string();
    }
    let width = if n < 0 { width + 1 } else { width };
    format!("{n:0width$}")
}

fn name(names: &[&str], at: i64, word: &str, short: bool, fill: bool) -> String {
    let name = usize::try_from(at).ok().and_then(|at| names.get(at)).copied().unwrap_or("");
    let name = if short { name.get(..3).unwrap_or(name) } else { name };
    let cased = match word.as_bytes() {
        [b'A'..=b'Z', b'A'..=b'Z', ..] => name.to_uppercase(),
        [b'A'..=b'Z', ..] => name.to_owned(),
        _ => name.to_lowercase(),
    };
    if short || fill { cased } else { format!("{cased:<9}") }
}

fn half_day(hour: i64) -> i64 {
    match hour % 12 {
        0 => 12,
        hour => hour,
    }
}

fn cased(text: &str, word: &str) -> String {
    if word.starts_with(|c: char| c.is_ascii_lowercase()) {
        text.to_lowercase()
    } else {
        text.to_owned()
    }
}

fn write(pattern: &str, moment: &Moment) -> Result<String> {
    let mut out = String::new();
    for part in parse(pattern) {
        match part {
            Part::Literal(c) => out.push(c),
            Part::Field { word, fill, ordinal: suffix } => {
                let text = field(word, fill, moment)?;
                let numeric = text.bytes().all(|b| b.is_ascii_digit());
                out.push_str(&text);
                if let Some(lower) = suffix
                    && numeric
                {
                    let ending = ordinal(&text);
                    out.push_str(&if lower { ending.to_owned() } else { ending.to_uppercase() });
                }
            }
        }
    }
    Ok(out)
}

fn field(word: &str, fill: bool, m: &Moment) -> Result<String> {
    let days = || m.days.ok_or_else(not_of_interval);
    let year = m.shown_year();
    let micros = m.micros % MICROS_PER_SECOND;
    let seconds = m.micros / MICROS_PER_SECOND;
    Ok(match word {
        "YYYY" => padded(year, 4, fill),
        "Y,YYY" => format!("{},{:03}", year / 1000, year % 1000),
        "YYY" => padded(year % 1000, 3, fill),
        "YY" => padded(year % 100, 2, fill),
        "Y" => (year % 10).to_string(),
        "IYYY" | "IYY" | "IY" | "I" => {
            let iso = calendar::iso_week(days()?).0;
            let iso = if iso <= 0 { 1 - iso } else { iso };
            let digits = word.len();
            padded(iso % 10i64.pow(digits as u32).max(1), digits, fill)
        }
        "CC" if m.days.is_none() => padded(year / 100, 2, fill),
        "CC" => {
            let century = if m.year > 0 { (m.year + 99) / 100 } else { m.year / 100 - 1 };
            match century {
                0..100 => padded(century, 2, fill),
                -99..0 => padded(century, 2, fill),
                century => century.to_string(),
            }
        }
        "MM" => padded(m.month, 2, fill),
        "MONTH" | "Month" | "month" | "MON" | "Mon" | "mon" if m.days.is_none() => {
            return Err(not_of_interval());
        }
        "MONTH" | "Month" | "month" => name(&MONTHS, m.month - 1, word, false, fill),
        "MON" | "Mon" | "mon" => name(&MONTHS, m.month - 1, word, true, fill),
        "RM" | "rm" if m.month == 0 => String::new(),
        "RM" | "rm" => {
            let text = roman(m.month).unwrap_or_default();
            let text = cased(&text, word);
            if fill { text } else { format!("{text:<4}") }
        }
        "DAY" | "Day" | "day" => {
            name(&WEEKDAYS, calendar::weekday(days()?).into(), word, false, fill)
        }
        "DY" | "Dy" | "dy" => name(&WEEKDAYS, calendar::weekday(days()?).into(), word, true, fill),
        "DDD" => match m.days {
            Some(days) => padded(calendar::day_of_year(days).into(), 3, fill),
            None => format!("{:03}", m.year * 360 + m.month * 30 + m.day),
        },
        "IDDD" => {
            let day = days()?;
            let monday = day - (day + 3).rem_euclid(7);
            let week = i64::from(calendar::iso_week(day).1);
            padded((week - 1) * 7 + day - monday + 1, 3, fill)
        }
        "DD" => padded(m.day, 2, fill),
        "D" => (calendar::weekday(days()?) + 1).to_string(),
        "ID" => match calendar::weekday(days()?) {
            0 => "7".to_owned(),
            weekday => weekday.to_string(),
        },
        "WW" => padded(i64::from(calendar::day_of_year(days()?) - 1) / 7 + 1, 2, fill),
        "IW" => padded(calendar::iso_week(days()?).1.into(), 2, fill),
        "W" => ((m.day - 1) / 7 + 1).to_string(),
        "Q" => match m.month {
            0 => String::new(),
            month => ((month - 1) / 3 + 1).to_string(),
        },
        "J" => match m.days {
            Some(days) => (days + 2_440_588).to_string(),
            None => (i64::from(calendar::days(m.year, 1, 1) as i32) + m.day).to_string(),
        },
        "HH24" => padded(m.hour, 2, fill),
        "HH" | "HH12" => padded(half_day(m.hour), 2, fill),
        "MI" => padded(seconds / 60, 2, fill),
        "SS" => padded(seconds % 60, 2, fill),
        "SSSS" | "SSSSS" => (m.hour * 3600 + seconds).to_string(),
        "MS" | "FF3" => format!("{:03}", micros / 1000),
        "US" | "FF6" => format!("{micros:06}"),
        "FF1" => (micros / 100_000).to_string(),
        "FF2" => format!("{:02}", micros / 10_000),
        "FF4" => format!("{:04}", micros / 100),
        "FF5" => format!("{:05}", micros / 10),
        "AM" | "PM" | "am" | "pm" => cased(if m.hour % 24 >= 12 { "PM" } else { "AM" }, word),
        "A.M." | "P.M." | "a.m." | "p.m." => {
            cased(if m.hour % 24 >= 12 { "P.M." } else { "A.M." }, word)
        }
        "AD" | "BC" | "ad" | "bc" => {
            days()?;
            cased(if m.year > 0 { "AD" } else { "BC" }, word)
        }
        "A.D." | "B.C." | "a.d." | "b.c." => {
            days()?;
            cased(if m.year > 0 { "A.D." } else { "B.C." }, word)
        }
        "TZ" | "tz" | "TZH" | "TZM" | "OF" => zone_field(word, days()?, m),
        _ => String::new(),
    })
}

fn zone_field(word: &str, _: i64, m: &Moment) -> String {
    let (offset, abbreviation) = match &m.offset {
        Some((offset, abbreviation)) => (*offset, abbreviation.as_str()),
        None => (0, ""),
    };
    let sign = if offset < 0 { '-' } else { '+' };
    let (hours, minutes) = (offset.unsigned_abs() / 3600, offset.unsigned_abs() / 60 % 60);
    match word {
        "TZ" => abbreviation.to_uppercase(),
        "tz" => abbreviation.to_lowercase(),
        "TZH" => format!("{sign}{hours:02}"),
        "TZM" => format!("{minutes:02}"),
        _ if minutes == 0 => format!("{sign}{hours:02}"),
        _ => format!("{sign}{hours:02}:{minutes:02}"),
    }
}

/// What a text said.
#[derive(Default)]
struct Fields {
    year: Option<i64>,
    century: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    julian: Option<i64>,
    iso: bool,
    week: Option<i64>,
    week_day: Option<i64>,
    hour: i64,
    twelve: bool,
    minute: i64,
    second: i64,
    micros: i64,
    of_day: Option<i64>,
    afternoon: Option<bool>,
    bc: bool,
    offset: Option<i32>,
    zone_hour: i32,
    zone_minute: i32,
}

#[cold]
fn invalid(value: &str, word: &str, detail: &str) -> Error {
    let message = format!("invalid value \"{value}\" for \"{word}\"");
    Error::new(ErrorKind::Type, "22007", message).detail(detail.to_owned())
}

struct Reader<'t> {
    rest: &'t str,
    fields: Fields,
}

fn digits_max(word: &str) -> usize {
    match word {
        "YYYY" | "IYYY" => 4,
        "YYY" | "IYY" | "DDD" | "IDDD" | "MS" => 3,
        "Y" | "I" | "D" | "ID" | "Q" | "W" => 1,
        "J" => 7,
        "SSSS" | "SSSSS" => 5,
        "US" | "FF6" => 6,
        "FF1" => 1,
        "FF3" => 3,
        "FF4" => 4,
        "FF5" => 5,
        _ => 2,
    }
}

impl Reader<'_> {
    fn number(&mut self, word: &str, more: bool) -> Result<(i64, usize)> {
        self.rest = self.rest.trim_start();
        let signed = self.rest.starts_with(['-', '+']);
        let body = self.rest.get(usize::from(signed)..).unwrap_or("");
        let available = body.bytes().take_while(u8::is_ascii_digit).count();
        // The last field, and one before a separator, takes all digits there are.
        let taken = if more { available.min(digits_max(word)) } else { available };
        let text = self.rest.get(..taken + usize::from(signed)).unwrap_or("");
        let number = text.parse::<i32>().map_err(|_| {
            let shown: String = self.rest.chars().take(digits_max(word)).collect();
            invalid(&shown, word, "Value must be an integer.")
        })?;
        self.rest = self.rest.get(text.len()..).unwrap_or("");
        Ok((number.into(), taken))
    }

    fn name(&mut self, names: &[&str], word: &str, short: bool) -> Result<i64> {
        self.rest = self.rest.trim_start();
        for (at, name) in names.iter().enumerate() {
            let name = if short { name.get(..3).unwrap_or(name) } else { name };
            if let Some(after) = front(self.rest, name) {
                self.rest = after;
                return Ok(at as i64);
            }
        }
        let shown: String = self.rest.chars().take_while(|c| c.is_alphanumeric()).collect();
        let detail = "The given value did not match any of the allowed values for this field.";
        Err(invalid(&shown, word, detail))
    }

    fn either(&mut self, word: &str, first: &[&str], second: &[&str]) -> Result<bool> {
        self.rest = self.rest.trim_start();
        for (words, answer) in [(first, false), (second, true)] {
            if let Some(after) = words.iter().find_map(|word| front(self.rest, word)) {
                self.rest = after;
                return Ok(answer);
            }
        }
        let shown: String = self.rest.chars().take(word.len()).collect();
        let detail = "The given value did not match any of the allowed values for this field.";
        Err(invalid(&shown, word, detail))
    }

    fn field(&mut self, word: &str, more: bool) -> Result<()> {
        match word {
            "MONTH" | "Month" | "month" => {
                self.fields.month = Some(self.name(&MONTHS, word, false)? + 1)
            }
            "MON" | "Mon" | "mon" => self.fields.month = Some(self.name(&MONTHS, word, true)? + 1),
            "DAY" | "Day" | "day" => {
                self.fields.week_day = Some(self.name(&WEEKDAYS, word, false)? + 1)
            }
            "DY" | "Dy" | "dy" => {
                self.fields.week_day = Some(self.name(&WEEKDAYS, word, true)? + 1)
            }
            "AM" | "PM" | "am" | "pm" | "A.M." | "P.M." | "a.m." | "p.m." => {
                let afternoon = self.either(word, &["A.M.", "AM"], &["P.M.", "PM"])?;
                self.fields.afternoon = Some(afternoon);
                self.fields.twelve = true;
            }
            "AD" | "BC" | "ad" | "bc" | "A.D." | "B.C." | "a.d." | "b.c." => {
                self.fields.bc = self.either(word, &["A.D.", "AD"], &["B.C.", "BC"])?;
            }
            "RM" | "rm" => self.roman_month(word)?,
            "TZ" | "tz" | "OF" => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    "0A000",
                    format!("formatting field \"{word}\" is only supported in to_char"),
                ));
            }
            "Y,YYY" => {
                let (thousands, _) = self.number("YY", true)?;
                self.rest = self.rest.strip_prefix(',').unwrap_or(self.rest);
                self.fields.year = Some(thousands * 1000 + self.number("YYY", true)?.0);
            }
            _ => self.numeric_field(word, more)?,
        }
        Ok(())
    }

    fn roman_month(&mut self, word: &str) -> Result<()> {
        self.rest = self.rest.trim_start();
        let length = self.rest.bytes().take_while(|b| b"IVXivx".contains(b)).count();
        let (text, after) = self.rest.split_at(length);
        let month = (1..=12).find(|n| roman(*n).is_some_and(|r| r.eq_ignore_ascii_case(text)));
        let detail = "The given value did not match any of the allowed values for this field.";
        self.fields.month = Some(month.ok_or_else(|| invalid(text, word, detail))?);
        self.rest = after;
        Ok(())
    }

    fn numeric_field(&mut self, word: &str, more: bool) -> Result<()> {
        let negative_zone = word == "TZH" && self.rest.trim_start().starts_with('-');
        let (n, digits) = self.number(word, more)?;
        let fields = &mut self.fields;
        match word {
            "YYYY" => fields.year = Some(n),
            "IYYY" => (fields.year, fields.iso) = (Some(n), true),
            "YYY" | "YY" | "Y" | "IYY" | "IY" | "I" => {
                fields.year = Some(if digits < 4 { near_2020(n, digits) } else { n });
                fields.iso |= word.starts_with('I');
            }
            "CC" => fields.century = Some(n),
            "MM" => fields.month = Some(n),
            "DD" => fields.day = Some(n),
            "DDD" => fields.day_of_year = Some(n),
            "IDDD" => (fields.day_of_year, fields.iso) = (Some(n), true),
            "J" => fields.julian = Some(n),
            "D" => fields.week_day = Some(n),
            "ID" => (fields.week_day, fields.iso) = (Some(n % 7 + 1), true),
            "WW" | "W" => fields.week = Some(n),
            "IW" => (fields.week, fields.iso) = (Some(n), true),
            "HH24" => fields.hour = n,
            "HH" | "HH12" => (fields.hour, fields.twelve) = (n, true),
            "MI" => fields.minute = n,
            "SS" => fields.second = n,
            "SSSS" | "SSSSS" => fields.of_day = Some(n),
            "MS" | "FF3" | "FF1" | "FF2" | "FF4" | "FF5" | "US" | "FF6" => {
                fields.micros += n * 10i64.pow(6u32.saturating_sub(digits as u32));
            }
            "TZH" => fields.zone_hour = if negative_zone { -(n.abs() as i32) } else { n as i32 },
            "TZM" => fields.zone_minute = n as i32,
            _ => {}
        }
        if matches!(word, "TZH" | "TZM") {
            let sign = if fields.zone_hour < 0 || negative_zone { -1 } else { 1 };
            let minutes = fields.zone_hour.abs() * 60 + fields.zone_minute;
            fields.offset = Some(sign * minutes * 60);
        }
        Ok(())
    }
}

/// Two digits are 1970 to 2069, three 1000 years around 2000.
fn near_2020(n: i64, digits: usize) -> i64 {
    match digits {
        3 if n < 520 => n + 2000,
        3 => n + 1000,
        _ if n < 70 => n + 2000,
        _ => n + 1900,
    }
}

fn read(text: &str, pattern: &str) -> Result<Fields> {
    let parts = parse(pattern);
    let mut reader = Reader { rest: text.trim_start(), fields: Fields::default() };
    for (at, part) in parts.iter().enumerate() {
        if reader.rest.is_empty() {
            break;
        }
        match part {
            Part::Literal(c) if c.is_alphanumeric() => {
                let skip = reader.rest.chars().next().map_or(0, char::len_utf8);
                reader.rest = reader.rest.get(skip..).unwrap_or("");
            }
            Part::Literal(_) => {
                let next = reader.rest.chars().next().unwrap_or(' ');
                let separator =
                    !next.is_alphanumeric() && !matches!(next, '+' | '-') || next == '-';
                if separator {
                    reader.rest = reader.rest.get(next.len_utf8()..).unwrap_or("");
                }
            }
            Part::Field { word, fill, .. } => {
                let more = matches!(parts.get(at + 1), Some(Part::Field { .. })) && !fill;
                reader.field(word, more)?;
            }
        }
    }
    Ok(reader.fields)
}

#[cold]
fn out_of_range(text: &str) -> Error {
    let message = format!("date/time field value out of range: \"{text}\"");
    Error::new(ErrorKind::Type, "22008", message)
}

impl Fields {
    fn days(&self, text: &str) -> Result<i64> {
        if let Some(julian) = self.julian {
            return Ok(julian - 2_440_588);
        }
        let mut year = self.year.unwrap_or(0);
        if let Some(century) = self.century {
            year = match self.year {
                Some(year) => {
                    (century - 1) * 100 + year % 100 + if year % 100 == 0 { 100 } else { 0 }
                }
                None => (century - 1) * 100 + 1,
            };
        }
        if self.bc {
            year = 1 - year;
        } else if year < 0 {
            year += 1;
        }
        if self.iso
            && let Some(week) = self.week
        {
            let fourth = calendar::days(year, 1, 4);
            let monday = fourth - (fourth + 3).rem_euclid(7);
            let day = self.week_day.map_or(0, |day| (day + 5) % 7);
            return Ok(monday + (week - 1) * 7 + day);
        }
        if let Some(day) = self.day_of_year {
            return Ok(calendar::days(year, 1, 1) + day - 1);
        }
        let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
        let (Ok(m), Ok(d)) = (u32::try_from(month), u32::try_from(day)) else {
            return Err(out_of_range(text));
        };
        // Without any year the date is in 1 BC, as PostgreSQL leaves it.
        if !calendar::is_date(year, m, d) {
            return Err(out_of_range(text));
        }
        let days = calendar::days(year, m, d);
        if DATES.contains(&days) { Ok(days) } else { Err(out_of_range(text)) }
    }

    fn clock(&self, text: &str) -> Result<i64> {
        if let Some(seconds) = self.of_day {
            return Ok(seconds * MICROS_PER_SECOND + self.micros);
        }
        let mut hour = self.hour;
        if self.twelve {
            if !(1..=12).contains(&hour) {
                let message = format!("hour \"{hour}\" is invalid for the 12-hour clock");
                return Err(Error::new(ErrorKind::Type, "22007", message)
                    .hint("Use the 24-hour clock, or give an hour between 1 and 12."));
            }
            hour = match self.afternoon {
                Some(true) => hour % 12 + 12,
                Some(false) => hour % 12,
                None => hour,
            };
        }
        let valid = (0..24).contains(&hour)
            && (0..60).contains(&self.minute)
            && (0..60).contains(&self.second);
        if !valid {
            return Err(out_of_range(text));
        }
        let seconds = hour * 3600 + self.minute * 60 + self.second;
        Ok(seconds * MICROS_PER_SECOND + self.micros)
    }
}

fn to_char<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let pattern = a.text(1)?;
    let moment = match a.at(0) {
        Datum::Timestamp(i64::MIN | i64::MAX) | Datum::TimestampTz(i64::MIN | i64::MAX) => {
            return Ok(Datum::Null);
        }
        Datum::Timestamp(local) => Moment::of_local(local, None),
        Datum::TimestampTz(instant) => {
            let zone = zone::session(call.session())?;
            let offset = (zone.offset_at(instant), zone.abbreviation_at(instant));
            Moment::of_local(zone.to_local(instant), Some(offset))
        }
        _ => Moment::of_interval(a.interval(0)?),
    };
    if pattern.is_empty() {
        return Ok(Datum::Null);
    }
    write(pattern, &moment).map(|text| call.text(&text))
}

fn to_timestamp<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let text = a.text(0)?;
    let fields = read(text, a.text(1)?)?;
    let local = fields.days(text)?.checked_mul(MICROS_PER_DAY);
    let local = local.ok_or_else(|| out_of_range(text))? + fields.clock(text)?;
    let zone = match fields.offset {
        Some(seconds) => zone::Zone::Fixed(seconds),
        None => zone::session(call.session())?,
    };
    in_range(zone.to_instant(local)).map(Datum::TimestampTz)
}

pub(super) static TABLE: &[Function] = &[
    f("sql.to_char_timestamp", "to_char", &[TIMESTAMP, TEXT], TEXT, to_char).stable(),
    f("sql.to_char_timestamptz", "to_char", &[TIMESTAMPTZ, TEXT], TEXT, to_char).stable(),
    f("sql.to_char_interval", "to_char", &[INTERVAL, TEXT], TEXT, to_char).stable(),
    f("sql.to_timestamp", "to_timestamp", &[TEXT, TEXT], TIMESTAMPTZ, to_timestamp).stable(),
    f("sql.to_date", "to_date", &[TEXT, TEXT], DATE, |_, a| {
        let text = a.text(0)?;
        let fields = read(text, a.text(1)?)?;
        fields.clock(text)?;
        Ok(Datum::Date(fields.days(text)? as i32))
    })
    .stable(),
];
