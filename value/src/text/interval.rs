//! Intervals.
//!
//! Output is PostgreSQL's style `postgres`; input is that, its verbose style, SQL's and ISO 8601's:
//!
//! ```text
//!   1 year 2 mons -3 days +04:05:06.789      @ 1 hour 30 mins ago
//!   1-2   (years-months)    3 04:05:06       P1Y2M3DT4H5M6.7S    P2W
//!   1.5 years = 1 year 6 mons      1.5 mons = 1 mon 15 days      1.5 days = 1 day 12:00:00
//! ```
//!
//! Signs: after a negative field of the output the next positive one has its `+`, since the reader
//! would otherwise take the sign to go on. Fractions of a unit go down one unit, and what is left
//! into the next (a month of 30 days, a day of 24 hours); a fraction of a year is rounded to
//! months.
//!
//! Sums are made in `i128` with millionths of a unit, so nothing wraps and nothing is rounded
//! twice.

use super::{Scanner, TextError, push_fraction, push_two};
use crate::Interval;
use crate::calendar::{MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_SECOND};

const MILLION: i128 = 1_000_000;
const MINUTE: i128 = 60 * MICROS_PER_SECOND as i128;

/// The interval in PostgreSQL's default style: `1 year 2 mons -3 days +04:05:06`.
pub fn format(interval: Interval) -> String {
    let mut out = String::new();
    let mut negative_before = false;
    let fields =
        [(interval.months / 12, "year"), (interval.months % 12, "mon"), (interval.days, "day")];
    for (n, unit) in fields {
        if n != 0 {
            push_field(&mut out, n, unit, negative_before);
            negative_before = n < 0;
        }
    }
    if interval.micros != 0 || out.is_empty() {
        if !out.is_empty() {
            out.push(' ');
        }
        if interval.micros < 0 {
            out.push('-');
        } else if negative_before {
            out.push('+');
        }
        push_clock(&mut out, interval.micros.unsigned_abs());
    }
    out
}

fn push_field(out: &mut String, n: i32, unit: &str, negative_before: bool) {
    if !out.is_empty() {
        out.push(' ');
    }
    if negative_before && n > 0 {
        out.push('+');
    }
    out.push_str(itoa::Buffer::new().format(n));
    out.push(' ');
    out.push_str(unit);
    if n != 1 {
        out.push('s');
    }
}

fn push_clock(out: &mut String, micros: u64) {
    let seconds = micros / MICROS_PER_SECOND as u64;
    push_two(out, seconds / 3600);
    out.push(':');
    push_two(out, seconds / 60 % 60);
    out.push(':');
    push_two(out, seconds % 60);
    push_fraction(out, (micros % MICROS_PER_SECOND as u64) as i64);
}

/// Reads an interval.
///
/// # Errors
/// `Syntax`; `Range` where a part overflows.
pub fn parse(text: &str) -> Result<Interval, TextError> {
    let mut scanner = Scanner::new(text);
    if scanner.eat(b'P') {
        return iso(&mut scanner);
    }
    scanner.eat(b'@');
    let mut sum = Sum::default();
    let mut empty = true;
    loop {
        scanner.spaces();
        if scanner.is_empty() {
            break;
        }
        if scanner.peek().is_some_and(|byte| byte.is_ascii_alphabetic()) {
            let ago = scanner.word().eq_ignore_ascii_case("ago") && !empty;
            scanner.spaces();
            if !ago || !scanner.is_empty() {
                return Err(TextError::Syntax);
            }
            sum.negate();
            break;
        }
        field(&mut scanner, &mut sum)?;
        empty = false;
    }
    if empty { Err(TextError::Syntax) } else { sum.interval() }
}

/// A number in millionths.
struct Quantity {
    negative: bool,
    whole: i128,
    millionths: i128,
}

impl Quantity {
    fn signed(&self) -> i128 {
        let n = self.whole * MILLION + self.millionths;
        if self.negative { -n } else { n }
    }
}

fn quantity(scanner: &mut Scanner<'_>) -> Result<Quantity, TextError> {
    let negative = scanner.eat(b'-');
    if !negative {
        scanner.eat(b'+');
    }
    let digits = scanner.digits();
    if digits.len() > 20 {
        return Err(TextError::Range);
    }
    let mut millionths = 0;
    let mut fraction_digits = false;
    if scanner.eat(b'.') {
        fraction_digits = scanner.peek().is_some_and(|byte| byte.is_ascii_digit());
        millionths = scanner.millionths().into();
    }
    if digits.is_empty() && !fraction_digits {
        return Err(TextError::Syntax);
    }
    let whole = if digits.is_empty() { 0 } else { digits.parse().map_err(|_| TextError::Range)? };
    Ok(Quantity { negative, whole, millionths })
}

/// One number and its unit, a clock, or years and months joined by a hyphen.
fn field(scanner: &mut Scanner<'_>, sum: &mut Sum) -> Result<(), TextError> {
    let n = quantity(scanner)?;
    if n.millionths == 0 && scanner.eat(b':') {
        let micros = clock(scanner, n.whole)?;
        return sum.add_micros(if n.negative { -micros } else { micros });
    }
    if n.millionths == 0 && scanner.eat(b'-') {
        let months = scanner.number(2)?;
        if months > 11 {
            return Err(TextError::Range);
        }
        let months = n.whole * 12 + i128::from(months);
        return sum.add_months(if n.negative { -months } else { months });
    }
    scanner.spaces();
    let mut ahead = *scanner;
    let unit = ahead.word().to_ascii_lowercase();
    match unit.as_str() {
        // A bare number is days before a clock, as SQL has it, and seconds at the end.
        "" if !scanner.is_empty() => sum.add_days(n.signed()),
        "" => sum.add_time(n.signed(), MICROS_PER_SECOND.into()),
        "ago" => sum.add_time(n.signed(), MICROS_PER_SECOND.into()),
        _ => {
            *scanner = ahead;
            sum.add(n.signed(), &unit)
        }
    }
}

/// Minutes and seconds after the hours: `04:05`, `04:05:06.7`.
fn clock(scanner: &mut Scanner<'_>, hours: i128) -> Result<i128, TextError> {
    let minutes = i128::from(scanner.number(2)?);
    let mut seconds = 0;
    let mut micros = 0;
    if scanner.eat(b':') {
        seconds = i128::from(scanner.number(2)?);
        if scanner.eat(b'.') {
            micros = scanner.millionths().into();
        }
    }
    if minutes > 59 || seconds > 60 {
        return Err(TextError::Range);
    }
    let seconds = seconds * i128::from(MICROS_PER_SECOND);
    Ok(hours * i128::from(MICROS_PER_HOUR) + minutes * MINUTE + seconds + micros)
}

/// ISO 8601 after its `P`: units by letters, `T` before those of time.
fn iso(scanner: &mut Scanner<'_>) -> Result<Interval, TextError> {
    let mut sum = Sum::default();
    let mut time = false;
    let mut empty = true;
    while !scanner.is_empty() {
        if !time && scanner.eat(b'T') {
            time = true;
            continue;
        }
        let n = quantity(scanner)?.signed();
        let unit = match (scanner.next().ok_or(TextError::Syntax)?, time) {
            (b'Y', false) => "year",
            (b'M', false) => "month",
            (b'W', false) => "week",
            (b'D', false) => "day",
            (b'H', true) => "hour",
            (b'M', true) => "minute",
            (b'S', true) => "second",
            _ => return Err(TextError::Syntax),
        };
        sum.add(n, unit)?;
        empty = false;
    }
    if empty { Err(TextError::Syntax) } else { sum.interval() }
}

#[derive(Default)]
struct Sum {
    months: i128,
    days: i128,
    micros: i128,
}

impl Sum {
    fn add_months(&mut self, months: i128) -> Result<(), TextError> {
        self.months += months;
        Ok(())
    }

    fn add_micros(&mut self, micros: i128) -> Result<(), TextError> {
        self.micros += micros;
        Ok(())
    }

    /// Millionths of days: whole ones to the days, the rest to the clock.
    fn add_days(&mut self, millionths: i128) -> Result<(), TextError> {
        self.days += millionths / MILLION;
        self.add_time(millionths % MILLION, MICROS_PER_DAY.into())
    }

    /// Millionths of a unit of so many microseconds.
    fn add_time(&mut self, millionths: i128, unit: i128) -> Result<(), TextError> {
        self.add_micros(rounded(millionths * unit, MILLION))
    }

    fn add_years(&mut self, millionths: i128, years: i128) -> Result<(), TextError> {
        self.add_months(rounded(millionths * years * 12, MILLION))
    }

    fn add(&mut self, millionths: i128, unit: &str) -> Result<(), TextError> {
        match unit {
            "us" | "usec" | "usecs" | "microsecond" | "microseconds" => {
                self.add_time(millionths, 1)
            }
            "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => {
                self.add_time(millionths, 1000)
            }
            "s" | "sec" | "secs" | "second" | "seconds" => {
                self.add_time(millionths, MICROS_PER_SECOND.into())
            }
            "m" | "min" | "mins" | "minute" | "minutes" => self.add_time(millionths, MINUTE),
            "h" | "hr" | "hrs" | "hour" | "hours" => {
                self.add_time(millionths, MICROS_PER_HOUR.into())
            }
            "d" | "day" | "days" => self.add_days(millionths),
            "w" | "week" | "weeks" => self.add_days(millionths * 7),
            "mon" | "mons" | "month" | "months" => {
                self.months += millionths / MILLION;
                self.add_days(millionths % MILLION * 30)
            }
            "y" | "yr" | "yrs" | "year" | "years" => self.add_years(millionths, 1),
            "dec" | "decs" | "decade" | "decades" => self.add_years(millionths, 10),
            "c" | "cent" | "century" | "centuries" => self.add_years(millionths, 100),
            "mil" | "mils" | "millennium" | "millennia" => self.add_years(millionths, 1000),
            _ => Err(TextError::Syntax),
        }
    }

    fn negate(&mut self) {
        *self = Sum { months: -self.months, days: -self.days, micros: -self.micros };
    }

    fn interval(self) -> Result<Interval, TextError> {
        Ok(Interval {
            months: self.months.try_into().map_err(|_| TextError::Range)?,
            days: self.days.try_into().map_err(|_| TextError::Range)?,
            micros: self.micros.try_into().map_err(|_| TextError::Range)?,
        })
    }
}

/// n / d to the nearest, halves away from zero.
fn rounded(n: i128, d: i128) -> i128 {
    (n + if n < 0 { -d / 2 } else { d / 2 }) / d
}
