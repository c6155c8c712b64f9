//! Making dates and times: the clock, and values from their parts.
//!
//! `now()` is the transaction's time and the same in every row of every statement of it;
//! `clock_timestamp()` is the moment of the call.

use value::Interval;
use value::calendar::{self, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_SECOND};

use super::names::*;
use super::{Arguments, Call, zone};
use crate::cast::datetime::{DATES, in_range, out_of_range};
use crate::{Datum, Error, ErrorKind, Result};

#[cold]
fn field_range(what: String) -> Error {
    Error::new(ErrorKind::Type, "22008", what)
}

/// The day of a date whose parts are given; a negative year is BC.
fn day(year: i64, month: i64, day: i64) -> Result<i64> {
    let shown =
        || field_range(format!("date field value out of range: {year}-{month:02}-{day:02}"));
    let calendar_year = match year {
        0 => return Err(shown()),
        ..0 => year + 1,
        _ => year,
    };
    let (Ok(m), Ok(d)) = (u32::try_from(month), u32::try_from(day)) else { return Err(shown()) };
    if !calendar::is_date(calendar_year, m, d) {
        return Err(shown());
    }
    let days = calendar::days(calendar_year, m, d);
    if DATES.contains(&days) {
        return Ok(days);
    }
    Err(field_range(format!("date out of range: {year}-{month:02}-{day:02}")))
}

fn clock(hour: i64, minute: i64, second: f64) -> Result<i64> {
    let whole = hour == 24 && minute == 0 && second == 0.0;
    let valid =
        (0..24).contains(&hour) && (0..60).contains(&minute) && (0.0..=60.0).contains(&second);
    if !(valid || whole) {
        let message = format!("time field value out of range: {hour}:{minute:02}:{second:02}");
        return Err(field_range(message));
    }
    let micros = (second * 1e6).round_ties_even() as i64;
    Ok(hour * MICROS_PER_HOUR + minute * 60 * MICROS_PER_SECOND + micros)
}

fn local(a: &[Datum<'_>]) -> Result<i64> {
    let days = day(a.int(0)?, a.int(1)?, a.int(2)?)?;
    let time = clock(a.int(3)?, a.int(4)?, a.float(5)?)?;
    let at = days.checked_mul(MICROS_PER_DAY).and_then(|at| at.checked_add(time));
    at.ok_or_else(|| out_of_range("timestamp")).and_then(in_range)
}

/// Years, months, weeks, days, hours, minutes, seconds.
fn interval(a: &[Datum<'_>]) -> Result<Interval> {
    let part = |at: usize| if at < a.len() { a.int(at) } else { Ok(0) };
    let seconds = if a.len() > 6 { a.float(6)? } else { 0.0 };
    let outside = || out_of_range("interval");
    if !seconds.is_finite() {
        return Err(outside());
    }
    let months = part(0)? * 12 + part(1)?;
    let days = part(2)? * 7 + part(3)?;
    let clock = part(4)? * MICROS_PER_HOUR + part(5)? * 60 * MICROS_PER_SECOND;
    let micros = (seconds * 1e6).round_ties_even();
    if micros.abs() >= 9.2e18 {
        return Err(outside());
    }
    Ok(Interval {
        months: i32::try_from(months).map_err(|_| outside())?,
        days: i32::try_from(days).map_err(|_| outside())?,
        micros: clock.checked_add(micros as i64).ok_or_else(outside)?,
    })
}

fn now<'a>(call: &Call<'a, '_>, _: &[Datum<'a>]) -> Result<Datum<'a>> {
    Ok(Datum::TimestampTz(call.session().transaction_time()))
}

/// `Wed Nov 21 11:02:03.123456 2024 UTC`.
fn time_of_day(call: &Call<'_, '_>) -> Result<String> {
    use crate::cast::datetime::{MONTHS, WEEKDAYS};
    let instant = call.session().clock_time();
    let zone = zone::session(call.session())?;
    let local = zone.to_local(instant);
    let days = local.div_euclid(MICROS_PER_DAY);
    let date = calendar::civil(days);
    let short = |names: &[&'static str], at: u32| {
        names.get(at as usize).and_then(|name| name.get(..3)).unwrap_or("")
    };
    let time = value::text::datetime::format_time(local.rem_euclid(MICROS_PER_DAY));
    Ok(format!(
        "{} {} {:02} {time} {} {}",
        short(&WEEKDAYS, calendar::weekday(days)),
        short(&MONTHS, date.month - 1),
        date.day,
        date.year,
        zone.abbreviation_at(instant)
    ))
}

fn from_epoch<'a>(seconds: f64) -> Result<Datum<'a>> {
    if seconds.is_nan() {
        return Err(Error::new(ErrorKind::Type, "22008", "timestamp cannot be NaN"));
    }
    if seconds.is_infinite() {
        return Ok(Datum::TimestampTz(if seconds > 0.0 { i64::MAX } else { i64::MIN }));
    }
    let micros = (seconds * 1e6).round_ties_even();
    let shown = || {
        let message = format!("timestamp out of range: \"{seconds}\"");
        Error::new(ErrorKind::Type, "22008", message)
    };
    if micros.abs() >= 9.2e18 {
        return Err(shown());
    }
    in_range(micros as i64).map(Datum::TimestampTz).map_err(|_| shown())
}

macro_rules! intervals {
    ($($count:literal [$($ty:ident),*];)*) => { &[$(
        f(concat!("sql.make_interval_", $count), "make_interval", &[$($ty),*], INTERVAL,
            |_, a| interval(a).map(Datum::Interval)),
    )*] };
}

/// make_interval with as many parts as are given.
pub(super) static INTERVALS: &[Function] = intervals! {
    "0" [];
    "1" [INT4];
    "2" [INT4, INT4];
    "3" [INT4, INT4, INT4];
    "4" [INT4, INT4, INT4, INT4];
    "5" [INT4, INT4, INT4, INT4, INT4];
    "6" [INT4, INT4, INT4, INT4, INT4, INT4];
    "7" [INT4, INT4, INT4, INT4, INT4, INT4, FLOAT8];
};

pub(super) static TABLE: &[Function] = &[
    f("sql.now", "now", &[], TIMESTAMPTZ, now).stable(),
    f("sql.transaction_timestamp", "transaction_timestamp", &[], TIMESTAMPTZ, now).stable(),
    f("sql.statement_timestamp", "statement_timestamp", &[], TIMESTAMPTZ, |c, _| {
        Ok(Datum::TimestampTz(c.session().statement_time()))
    })
    .stable(),
    f("sql.clock_timestamp", "clock_timestamp", &[], TIMESTAMPTZ, |c, _| {
        Ok(Datum::TimestampTz(c.session().clock_time()))
    })
    .volatile(),
    f("sql.timeofday", "timeofday", &[], TEXT, |c, _| time_of_day(c).map(|text| c.text(&text)))
        .volatile(),
    f("sql.make_date", "make_date", &[INT4, INT4, INT4], DATE, |_, a| {
        Ok(Datum::Date(day(a.int(0)?, a.int(1)?, a.int(2)?)? as i32))
    }),
    f("sql.make_time", "make_time", &[INT4, INT4, FLOAT8], TIME, |_, a| {
        clock(a.int(0)?, a.int(1)?, a.float(2)?).map(Datum::Time)
    }),
    f(
        "sql.make_timestamp",
        "make_timestamp",
        &[INT4, INT4, INT4, INT4, INT4, FLOAT8],
        TIMESTAMP,
        |_, a| local(a).map(Datum::Timestamp),
    ),
    f(
        "sql.make_timestamptz",
        "make_timestamptz",
        &[INT4, INT4, INT4, INT4, INT4, FLOAT8],
        TIMESTAMPTZ,
        |c, a| Ok(Datum::TimestampTz(zone::session(c.session())?.to_instant(local(a)?))),
    )
    .stable(),
    f(
        "sql.make_timestamptz_zone",
        "make_timestamptz",
        &[INT4, INT4, INT4, INT4, INT4, FLOAT8, TEXT],
        TIMESTAMPTZ,
        |_, a| Ok(Datum::TimestampTz(zone::named(a.text(6)?)?.to_instant(local(a)?))),
    )
    .stable(),
    f("sql.to_timestamp_epoch", "to_timestamp", &[FLOAT8], TIMESTAMPTZ, |_, a| {
        from_epoch(a.float(0)?)
    }),
];
