//! Arithmetic of dates, times and intervals.
//!
//! ```text
//!   timestamp + interval = months (day clipped to the month), then days, then microseconds
//!   timestamptz + interval: months and days in the session's local time, the rest on the instant
//!   timestamp - timestamp = days and microseconds, never months
//! ```
//!
//! Infinite dates and timestamps stay so; what leaves the range is 22008.

use value::Interval;
use value::calendar::{self, MICROS_PER_DAY, MICROS_PER_SECOND};

use super::arithmetic::division_by_zero;
use super::names::*;
use super::zone::{self, Zone};
use super::{Arguments, Call};
use crate::cast::datetime::{DATES, in_range, out_of_range};
use crate::{Datum, Error, ErrorKind, Result};

const DAYS_PER_MONTH: f64 = 30.0;
const SECONDS_PER_DAY: f64 = 86_400.0;

#[cold]
fn interval_out_of_range() -> Error {
    out_of_range("interval")
}

fn is_infinite(micros: i64) -> bool {
    matches!(micros, i64::MIN | i64::MAX)
}

/// Part by part.
///
/// # Errors
/// 22008.
pub fn add(a: Interval, b: Interval) -> Result<Interval> {
    let sum = || {
        Some(Interval {
            months: a.months.checked_add(b.months)?,
            days: a.days.checked_add(b.days)?,
            micros: a.micros.checked_add(b.micros)?,
        })
    };
    sum().ok_or_else(interval_out_of_range)
}

/// Part by part.
///
/// # Errors
/// 22008 for the least value of a part.
pub fn negate(a: Interval) -> Result<Interval> {
    let negated = || {
        Some(Interval {
            months: a.months.checked_neg()?,
            days: a.days.checked_neg()?,
            micros: a.micros.checked_neg()?,
        })
    };
    negated().ok_or_else(interval_out_of_range)
}

/// To millionths, as PostgreSQL rounds what is left of a month or day.
fn to_millionths(n: f64) -> f64 {
    (n * 1e6).round_ties_even() / 1e6
}

/// Each part by a factor; fractions of months go to days (of 30), fractions of days to the time.
fn scaled(a: Interval, by: impl Fn(f64) -> f64) -> Result<Interval> {
    let (exact_months, exact_days) = (by(a.months.into()), by(a.days.into()));
    let fits = |n: f64| n.is_finite() && n.abs() <= f64::from(i32::MAX);
    if !fits(exact_months) || !fits(exact_days) {
        return Err(interval_out_of_range());
    }
    let (months, mut days) = (exact_months.trunc(), exact_days.trunc());
    let left_days = to_millionths((exact_months - months) * DAYS_PER_MONTH);
    let fraction = exact_days - days + left_days - left_days.trunc();
    let mut seconds = to_millionths(fraction * SECONDS_PER_DAY);
    if seconds.abs() >= SECONDS_PER_DAY {
        days += (seconds / SECONDS_PER_DAY).trunc();
        seconds %= SECONDS_PER_DAY;
    }
    days += left_days.trunc();
    let micros = (by(a.micros as f64) + seconds * 1e6).round_ties_even();
    if !fits(days) || !(-9.223372036854775e18..9.223372036854775e18).contains(&micros) {
        return Err(interval_out_of_range());
    }
    Ok(Interval { months: months as i32, days: days as i32, micros: micros as i64 })
}

/// Each part by a factor.
///
/// # Errors
/// 22008.
pub fn multiply(a: Interval, factor: f64) -> Result<Interval> {
    scaled(a, |part| part * factor)
}

/// Each part by a divisor.
///
/// # Errors
/// 22008, 22012.
pub fn divide(a: Interval, divisor: f64) -> Result<Interval> {
    if divisor == 0.0 {
        return Err(division_by_zero());
    }
    scaled(a, |part| part / divisor)
}

/// A local time later by an interval.
///
/// # Errors
/// 22008.
pub fn add_local(local: i64, interval: Interval) -> Result<i64> {
    if is_infinite(local) {
        return Ok(local);
    }
    let at = add_days_and_months(local, interval)?;
    in_range(at.checked_add(interval.micros).ok_or_else(|| out_of_range("timestamp"))?)
}

fn add_days_and_months(local: i64, interval: Interval) -> Result<i64> {
    if interval.months == 0 && interval.days == 0 {
        return Ok(local);
    }
    let (day, clock) = (local.div_euclid(MICROS_PER_DAY), local.rem_euclid(MICROS_PER_DAY));
    let day = calendar::add_months(day, interval.months.into()) + i64::from(interval.days);
    let at = day.checked_mul(MICROS_PER_DAY).and_then(|at| at.checked_add(clock));
    at.ok_or_else(|| out_of_range("timestamp")).and_then(in_range)
}

/// An instant later by an interval, its months and days in local time.
///
/// # Errors
/// 22008.
pub fn add_zoned(instant: i64, interval: Interval, zone: &Zone) -> Result<i64> {
    if is_infinite(instant) {
        return Ok(instant);
    }
    let mut at = instant;
    if interval.months != 0 || interval.days != 0 {
        at = zone.to_instant(add_days_and_months(zone.to_local(instant), interval)?);
    }
    in_range(at.checked_add(interval.micros).ok_or_else(|| out_of_range("timestamp"))?)
}

/// Days and time between two timestamps.
fn between(a: i64, b: i64) -> Result<Interval> {
    if is_infinite(a) || is_infinite(b) {
        let message = "cannot subtract infinite timestamps";
        return Err(Error::new(ErrorKind::Type, "22008", message));
    }
    let micros = a.checked_sub(b).ok_or_else(interval_out_of_range)?;
    Ok(justify_hours(Interval { months: 0, days: 0, micros }))
}

/// Whole days of the time go to the days; both get one sign.
pub fn justify_hours(a: Interval) -> Interval {
    let mut days = i64::from(a.days) + a.micros / MICROS_PER_DAY;
    let mut micros = a.micros % MICROS_PER_DAY;
    if days > 0 && micros < 0 {
        (days, micros) = (days - 1, micros + MICROS_PER_DAY);
    } else if days < 0 && micros > 0 {
        (days, micros) = (days + 1, micros - MICROS_PER_DAY);
    }
    Interval { days: days.clamp(i32::MIN.into(), i32::MAX.into()) as i32, micros, ..a }
}

/// Every 30 days become a month; both get one sign.
pub fn justify_days(a: Interval) -> Interval {
    let (mut months, mut days) = (i64::from(a.months) + i64::from(a.days) / 30, a.days % 30);
    if months > 0 && days < 0 {
        (months, days) = (months - 1, days + 30);
    } else if months < 0 && days > 0 {
        (months, days) = (months + 1, days - 30);
    }
    let months = months.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
    Interval { months, days, ..a }
}

/// Both, and one sign for all three.
pub fn justify_interval(a: Interval) -> Interval {
    let mut micros = i128::from(a.micros);
    let day = i128::from(MICROS_PER_DAY);
    let mut days = i128::from(a.days) + micros / day;
    micros %= day;
    let mut months = i128::from(a.months) + days / 30;
    days %= 30;
    if months > 0 && (days < 0 || days == 0 && micros < 0) {
        (months, days) = (months - 1, days + 30);
    } else if months < 0 && (days > 0 || days == 0 && micros > 0) {
        (months, days) = (months + 1, days - 30);
    }
    if days > 0 && micros < 0 {
        (days, micros) = (days - 1, micros + day);
    } else if days < 0 && micros > 0 {
        (days, micros) = (days + 1, micros - day);
    }
    Interval { months: months as i32, days: days as i32, micros: micros as i64 }
}

fn add_to_date(date: i32, days: i64) -> Result<i32> {
    if matches!(date, i32::MIN | i32::MAX) {
        return Ok(date);
    }
    let moved = i64::from(date) + days;
    if !DATES.contains(&moved) {
        return Err(out_of_range("date"));
    }
    Ok(moved as i32)
}

fn days_between(a: i32, b: i32) -> Result<i64> {
    if [a, b].iter().any(|date| matches!(*date, i32::MIN | i32::MAX)) {
        return Err(Error::new(ErrorKind::Type, "22008", "cannot subtract infinite dates"));
    }
    Ok(i64::from(a) - i64::from(b))
}

/// The midnight of a date.
fn midnight(date: i32) -> Result<i64> {
    crate::cast::date_to_timestamp(date)
}

fn join(date: i32, time: i64) -> Result<i64> {
    match midnight(date)? {
        at if is_infinite(at) => Ok(at),
        at => in_range(at + time),
    }
}

fn wrapped(time: i64, interval: Interval) -> i64 {
    (i128::from(time) + i128::from(interval.micros)).rem_euclid(MICROS_PER_DAY.into()) as i64
}

fn zone_of(call: &Call<'_, '_>) -> Result<Zone> {
    zone::session(call.session())
}

/// A zone given as an offset.
fn zone_of_interval(interval: Interval) -> Result<Zone> {
    if interval.months != 0 || interval.days != 0 {
        let text = value::text::interval::format(interval);
        let message = format!("interval time zone \"{text}\" must not include months or days");
        return Err(Error::new(ErrorKind::Type, "22023", message));
    }
    Ok(Zone::Fixed((interval.micros / MICROS_PER_SECOND) as i32))
}

macro_rules! overlaps {
    ($($id:literal $a:ident $b:ident $c:ident $d:ident;)*) => { &[$(
        f(concat!("sql.overlaps_", $id), "overlaps", &[$a, $b, $c, $d], BOOL,
            overlap).called().stable(),
    )*] };
}

/// Two periods, each of two ends or of a begin and a length.
pub(super) static OVERLAPS: &[Function] = overlaps! {
    "timestamptz" TIMESTAMPTZ TIMESTAMPTZ TIMESTAMPTZ TIMESTAMPTZ;
    "timestamptz_interval" TIMESTAMPTZ INTERVAL TIMESTAMPTZ INTERVAL;
    "timestamptz_interval_end" TIMESTAMPTZ INTERVAL TIMESTAMPTZ TIMESTAMPTZ;
    "timestamptz_end_interval" TIMESTAMPTZ TIMESTAMPTZ TIMESTAMPTZ INTERVAL;
    "timestamp" TIMESTAMP TIMESTAMP TIMESTAMP TIMESTAMP;
    "timestamp_interval" TIMESTAMP INTERVAL TIMESTAMP INTERVAL;
    "timestamp_interval_end" TIMESTAMP INTERVAL TIMESTAMP TIMESTAMP;
    "timestamp_end_interval" TIMESTAMP TIMESTAMP TIMESTAMP INTERVAL;
    "time" TIME TIME TIME TIME;
    "time_interval" TIME INTERVAL TIME INTERVAL;
    "time_interval_end" TIME INTERVAL TIME TIME;
    "time_end_interval" TIME TIME TIME INTERVAL;
};

fn overlap<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let mut ends = [None; 4];
    for (at, end) in ends.iter_mut().enumerate() {
        *end = match a.at(at) {
            Datum::Time(v) | Datum::Timestamp(v) | Datum::TimestampTz(v) => Some(v),
            Datum::Interval(length) => match a.at(at - at % 2) {
                Datum::Time(v) => Some(wrapped(v, length)),
                Datum::Timestamp(v) => Some(add_local(v, length)?),
                Datum::TimestampTz(v) => Some(add_zoned(v, length, &zone_of(call)?)?),
                _ => None,
            },
            _ => None,
        };
    }
    let [a1, a2, b1, b2] = ends;
    Ok(overlap_of((a1, a2), (b1, b2)).map_or(Datum::Null, Datum::Bool))
}

/// SQL's rule with NULL for an end that is not known.
fn overlap_of(a: (Option<i64>, Option<i64>), b: (Option<i64>, Option<i64>)) -> Option<bool> {
    let ordered = |(x, y): (Option<i64>, Option<i64>)| match (x, y) {
        (Some(x), Some(y)) if x > y => Some((y, Some(x))),
        (Some(x), y) => Some((x, y)),
        (None, Some(y)) => Some((y, None)),
        (None, None) => None,
    };
    let ((start_a, end_a), (start_b, end_b)) = (ordered(a)?, ordered(b)?);
    if start_a == start_b {
        return match (end_a, end_b) {
            (Some(_), Some(_)) => Some(true),
            _ => None,
        };
    }
    let (later, end_of_earlier, end_of_later) =
        if start_a > start_b { (start_a, end_b, end_a) } else { (start_b, end_a, end_b) };
    match (end_of_earlier, end_of_later) {
        (Some(end), _) if later < end => Some(true),
        (Some(_), Some(_)) => Some(false),
        _ => None,
    }
}

/// Operators and what goes with them.
pub(super) static TABLE: &[Function] = &[
    f("sql.date_add_int", "+", &[DATE, INT4], DATE, |_, a| {
        add_to_date(a.date(0)?, a.int(1)?).map(Datum::Date)
    }),
    f("sql.int_add_date", "+", &[INT4, DATE], DATE, |_, a| {
        add_to_date(a.date(1)?, a.int(0)?).map(Datum::Date)
    }),
    f("sql.date_sub_int", "-", &[DATE, INT4], DATE, |_, a| {
        add_to_date(a.date(0)?, -a.int(1)?).map(Datum::Date)
    }),
    f("sql.date_sub", "-", &[DATE, DATE], INT4, |_, a| {
        days_between(a.date(0)?, a.date(1)?).and_then(super::arithmetic::int4)
    }),
    f("sql.date_add_interval", "+", &[DATE, INTERVAL], TIMESTAMP, |_, a| {
        add_local(midnight(a.date(0)?)?, a.interval(1)?).map(Datum::Timestamp)
    }),
    f("sql.interval_add_date", "+", &[INTERVAL, DATE], TIMESTAMP, |_, a| {
        add_local(midnight(a.date(1)?)?, a.interval(0)?).map(Datum::Timestamp)
    }),
    f("sql.date_sub_interval", "-", &[DATE, INTERVAL], TIMESTAMP, |_, a| {
        add_local(midnight(a.date(0)?)?, negate(a.interval(1)?)?).map(Datum::Timestamp)
    }),
    f("sql.date_add_time", "+", &[DATE, TIME], TIMESTAMP, |_, a| {
        join(a.date(0)?, a.time(1)?).map(Datum::Timestamp)
    }),
    f("sql.time_add_date", "+", &[TIME, DATE], TIMESTAMP, |_, a| {
        join(a.date(1)?, a.time(0)?).map(Datum::Timestamp)
    }),
    f("sql.time_sub", "-", &[TIME, TIME], INTERVAL, |_, a| {
        Ok(Datum::Interval(Interval { months: 0, days: 0, micros: a.time(0)? - a.time(1)? }))
    }),
    f("sql.time_add_interval", "+", &[TIME, INTERVAL], TIME, |_, a| {
        Ok(Datum::Time(wrapped(a.time(0)?, a.interval(1)?)))
    }),
    f("sql.interval_add_time", "+", &[INTERVAL, TIME], TIME, |_, a| {
        Ok(Datum::Time(wrapped(a.time(1)?, a.interval(0)?)))
    }),
    f("sql.time_sub_interval", "-", &[TIME, INTERVAL], TIME, |_, a| {
        Ok(Datum::Time(wrapped(a.time(0)?, negate(a.interval(1)?)?)))
    }),
    f("sql.timestamp_sub", "-", &[TIMESTAMP, TIMESTAMP], INTERVAL, |_, a| {
        between(a.timestamp(0)?, a.timestamp(1)?).map(Datum::Interval)
    }),
    f("sql.timestamptz_sub", "-", &[TIMESTAMPTZ, TIMESTAMPTZ], INTERVAL, |_, a| {
        between(a.timestamp(0)?, a.timestamp(1)?).map(Datum::Interval)
    }),
    f("sql.timestamp_add_interval", "+", &[TIMESTAMP, INTERVAL], TIMESTAMP, |_, a| {
        add_local(a.timestamp(0)?, a.interval(1)?).map(Datum::Timestamp)
    }),
    f("sql.interval_add_timestamp", "+", &[INTERVAL, TIMESTAMP], TIMESTAMP, |_, a| {
        add_local(a.timestamp(1)?, a.interval(0)?).map(Datum::Timestamp)
    }),
    f("sql.timestamp_sub_interval", "-", &[TIMESTAMP, INTERVAL], TIMESTAMP, |_, a| {
        add_local(a.timestamp(0)?, negate(a.interval(1)?)?).map(Datum::Timestamp)
    }),
    f("sql.timestamptz_add_interval", "+", &[TIMESTAMPTZ, INTERVAL], TIMESTAMPTZ, |c, a| {
        add_zoned(a.timestamp(0)?, a.interval(1)?, &zone_of(c)?).map(Datum::TimestampTz)
    })
    .stable(),
    f("sql.interval_add_timestamptz", "+", &[INTERVAL, TIMESTAMPTZ], TIMESTAMPTZ, |c, a| {
        add_zoned(a.timestamp(1)?, a.interval(0)?, &zone_of(c)?).map(Datum::TimestampTz)
    })
    .stable(),
    f("sql.timestamptz_sub_interval", "-", &[TIMESTAMPTZ, INTERVAL], TIMESTAMPTZ, |c, a| {
        add_zoned(a.timestamp(0)?, negate(a.interval(1)?)?, &zone_of(c)?).map(Datum::TimestampTz)
    })
    .stable(),
    f("sql.interval_add", "+", &[INTERVAL, INTERVAL], INTERVAL, |_, a| {
        add(a.interval(0)?, a.interval(1)?).map(Datum::Interval)
    }),
    f("sql.interval_sub", "-", &[INTERVAL, INTERVAL], INTERVAL, |_, a| {
        let (a, b) = (a.interval(0)?, a.interval(1)?);
        let parts = || {
            Some(Interval {
                months: a.months.checked_sub(b.months)?,
                days: a.days.checked_sub(b.days)?,
                micros: a.micros.checked_sub(b.micros)?,
            })
        };
        parts().map(Datum::Interval).ok_or_else(interval_out_of_range)
    }),
    f("sql.interval_neg", "-", &[INTERVAL], INTERVAL, |_, a| {
        negate(a.interval(0)?).map(Datum::Interval)
    }),
    f("sql.interval_mul", "*", &[INTERVAL, FLOAT8], INTERVAL, |_, a| {
        multiply(a.interval(0)?, a.float(1)?).map(Datum::Interval)
    }),
    f("sql.mul_interval", "*", &[FLOAT8, INTERVAL], INTERVAL, |_, a| {
        multiply(a.interval(1)?, a.float(0)?).map(Datum::Interval)
    }),
    f("sql.interval_div", "/", &[INTERVAL, FLOAT8], INTERVAL, |_, a| {
        divide(a.interval(0)?, a.float(1)?).map(Datum::Interval)
    }),
    f("sql.justify_hours", "justify_hours", &[INTERVAL], INTERVAL, |_, a| {
        Ok(Datum::Interval(justify_hours(a.interval(0)?)))
    }),
    f("sql.justify_days", "justify_days", &[INTERVAL], INTERVAL, |_, a| {
        Ok(Datum::Interval(justify_days(a.interval(0)?)))
    }),
    f("sql.justify_interval", "justify_interval", &[INTERVAL], INTERVAL, |_, a| {
        Ok(Datum::Interval(justify_interval(a.interval(0)?)))
    }),
    f("sql.isfinite_date", "isfinite", &[DATE], BOOL, |_, a| {
        Ok(Datum::Bool(!matches!(a.date(0)?, i32::MIN | i32::MAX)))
    }),
    f("sql.isfinite_timestamp", "isfinite", &[TIMESTAMP], BOOL, |_, a| {
        Ok(Datum::Bool(!is_infinite(a.timestamp(0)?)))
    }),
    f("sql.isfinite_timestamptz", "isfinite", &[TIMESTAMPTZ], BOOL, |_, a| {
        Ok(Datum::Bool(!is_infinite(a.timestamp(0)?)))
    }),
    f("sql.isfinite_interval", "isfinite", &[INTERVAL], BOOL, |_, _| Ok(Datum::Bool(true))),
    f("sql.timezone_timestamp", "timezone", &[TEXT, TIMESTAMP], TIMESTAMPTZ, |_, a| {
        let instant = zone::named(a.text(0)?)?.to_instant(a.timestamp(1)?);
        Ok(Datum::TimestampTz(instant))
    }),
    f("sql.timezone_timestamptz", "timezone", &[TEXT, TIMESTAMPTZ], TIMESTAMP, |_, a| {
        Ok(Datum::Timestamp(zone::named(a.text(0)?)?.to_local(a.timestamp(1)?)))
    }),
    f(
        "sql.timezone_interval_timestamp",
        "timezone",
        &[INTERVAL, TIMESTAMP],
        TIMESTAMPTZ,
        |_, a| {
            let zone = zone_of_interval(a.interval(0)?)?;
            Ok(Datum::TimestampTz(zone.to_instant(a.timestamp(1)?)))
        },
    ),
    f(
        "sql.timezone_interval_timestamptz",
        "timezone",
        &[INTERVAL, TIMESTAMPTZ],
        TIMESTAMP,
        |_, a| {
            let zone = zone_of_interval(a.interval(0)?)?;
            Ok(Datum::Timestamp(zone.to_local(a.timestamp(1)?)))
        },
    ),
];
