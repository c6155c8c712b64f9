//! Parts of dates and times: extract, date_part, date_trunc, date_bin, age.
//!
//! `extract` gives numeric with the scale that PostgreSQL 15 gives (`epoch` and `seconds` six
//! digits), `date_part` the same as a double. Of an infinite value the parts that grow with time
//! are infinite, the others NULL.

use value::calendar::{self, Civil, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_SECOND};
use value::{Decimal, Interval};

use super::names::*;
use super::zone::{self, Zone};
use super::{Arguments, Call};
use crate::cast::datetime::{in_range, out_of_range};
use crate::{Datum, Error, ErrorKind, Result};

const MINUTE: i64 = 60 * MICROS_PER_SECOND;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Microseconds,
    Milliseconds,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
    Decade,
    Century,
    Millennium,
    IsoYear,
    Dow,
    IsoDow,
    Doy,
    Epoch,
    Julian,
    Timezone,
    TimezoneHour,
    TimezoneMinute,
}

fn field_named(name: &str) -> Option<Field> {
    use Field::*;
    Some(match name {
        "microseconds" | "microsecond" | "us" | "usec" | "usecs" | "microsecon" => Microseconds,
        "milliseconds" | "millisecond" | "ms" | "msec" | "msecs" | "millisecon" => Milliseconds,
        "second" | "seconds" | "s" | "sec" | "secs" => Second,
        "minute" | "minutes" | "m" | "min" | "mins" => Minute,
        "hour" | "hours" | "h" | "hr" | "hrs" => Hour,
        "day" | "days" | "d" => Day,
        "week" | "weeks" | "w" => Week,
        "month" | "months" | "mon" | "mons" => Month,
        "quarter" | "qtr" => Quarter,
        "year" | "years" | "y" | "yr" | "yrs" => Year,
        "decade" | "decades" | "dec" | "decs" => Decade,
        "century" | "centuries" | "c" | "cent" => Century,
        "millennium" | "millennia" | "mil" | "mils" => Millennium,
        "isoyear" => IsoYear,
        "dow" => Dow,
        "isodow" => IsoDow,
        "doy" => Doy,
        "epoch" => Epoch,
        "julian" | "j" | "jd" => Julian,
        "timezone" => Timezone,
        "timezone_hour" | "timezone_h" => TimezoneHour,
        "timezone_minute" | "timezone_m" => TimezoneMinute,
        _ => return None,
    })
}

#[cold]
fn not_recognized(name: &str, ty: &str) -> Error {
    let message = format!("unit \"{name}\" not recognized for type {ty}");
    Error::new(ErrorKind::Type, "22023", message)
}

#[cold]
fn not_supported(name: &str, ty: &str) -> Error {
    let message = format!("unit \"{name}\" not supported for type {ty}");
    Error::new(ErrorKind::Unsupported, "0A000", message)
}

fn read_field(name: &str, ty: &str) -> Result<Field> {
    let lower = name.to_ascii_lowercase();
    field_named(&lower).ok_or_else(|| not_recognized(&lower, ty))
}

fn whole(n: i64) -> Decimal {
    Decimal::from(i128::from(n))
}

fn scaled(n: i128, scale: i32) -> Decimal {
    Decimal::new(n, scale).unwrap_or(Decimal::NAN)
}

/// Years without a year 0: 1 BC is -1.
fn shown_year(year: i64) -> i64 {
    if year > 0 { year } else { year - 1 }
}

fn century(year: i64) -> i64 {
    if year > 0 { (year + 99) / 100 } else { -((99 - (year - 1)) / 100) }
}

fn millennium(year: i64) -> i64 {
    if year > 0 { (year + 999) / 1000 } else { -((999 - (year - 1)) / 1000) }
}

fn decade(year: i64) -> i64 {
    if year >= 0 { year / 10 } else { -((8 - (year - 1)) / 10) }
}

/// A field of a local date; `None` where dates have no such field.
fn of_date(field: Field, days: i64) -> Option<i64> {
    let Civil { year, month, day } = calendar::civil(days);
    Some(match field {
        Field::Day => day.into(),
        Field::Month => month.into(),
        Field::Quarter => i64::from((month - 1) / 3 + 1),
        Field::Week => calendar::iso_week(days).1.into(),
        Field::Year => shown_year(year),
        Field::Decade => decade(year),
        Field::Century => century(year),
        Field::Millennium => millennium(year),
        Field::IsoYear => shown_year(calendar::iso_week(days).0),
        Field::Dow => calendar::weekday(days).into(),
        Field::IsoDow => match calendar::weekday(days) {
            0 => 7,
            weekday => weekday.into(),
        },
        Field::Doy => calendar::day_of_year(days).into(),
        _ => return None,
    })
}

/// A field of a time of day, with the digits that it has.
fn of_clock(field: Field, micros: i64) -> Option<Decimal> {
    let seconds = micros % MINUTE;
    Some(match field {
        Field::Microseconds => whole(seconds),
        Field::Milliseconds => scaled(seconds.into(), 3),
        Field::Second => scaled(seconds.into(), 6),
        Field::Minute => whole(micros / MINUTE % 60),
        Field::Hour => whole(micros / MICROS_PER_HOUR),
        _ => return None,
    })
}

/// Of an infinite date or timestamp.
fn of_infinite(field: Field, positive: bool) -> Option<Decimal> {
    use Field::*;
    let grows = matches!(field, Year | Decade | Century | Millennium | Julian | IsoYear | Epoch);
    let infinite = if positive { Decimal::INFINITY } else { Decimal::NEG_INFINITY };
    grows.then_some(infinite)
}

const JULIAN: i64 = 2_440_588;

fn of_timestamp(
    name: &str,
    local: i64,
    epoch: i64,
    offset: Option<i32>,
    ty: &str,
) -> Result<Option<Decimal>> {
    let field = read_field(name, ty)?;
    if matches!(local, i64::MIN | i64::MAX) {
        return Ok(of_infinite(field, local > 0));
    }
    let (days, clock) = (local.div_euclid(MICROS_PER_DAY), local.rem_euclid(MICROS_PER_DAY));
    if let Some(found) = of_clock(field, clock) {
        return Ok(Some(found));
    }
    if let Some(found) = of_date(field, days) {
        return Ok(Some(whole(found)));
    }
    Ok(Some(match (field, offset) {
        (Field::Epoch, _) => scaled(epoch.into(), 6),
        (Field::Julian, _) => julian(days, clock)?,
        (Field::Timezone, Some(offset)) => whole(offset.into()),
        (Field::TimezoneHour, Some(offset)) => whole((offset / 3600).into()),
        (Field::TimezoneMinute, Some(offset)) => whole((offset / 60 % 60).into()),
        _ => return Err(not_supported(&name.to_ascii_lowercase(), ty)),
    }))
}

/// The Julian day with its fraction, divided as numerics are.
fn julian(days: i64, clock: i64) -> Result<Decimal> {
    let day = whole(days + JULIAN);
    let fraction = super::numeric::divide(&whole(clock), &whole(MICROS_PER_DAY))?;
    day.add(&fraction).map_err(super::numeric::failed)
}

fn of_plain_date(name: &str, date: i32) -> Result<Option<Decimal>> {
    let ty = "date";
    let field = read_field(name, ty)?;
    let clockwork = of_clock(field, 0).is_some()
        || matches!(field, Field::Timezone | Field::TimezoneHour | Field::TimezoneMinute);
    if clockwork {
        return Err(not_supported(&name.to_ascii_lowercase(), ty));
    }
    if matches!(date, i32::MIN | i32::MAX) {
        return Ok(of_infinite(field, date > 0));
    }
    let days = i64::from(date);
    Ok(Some(match field {
        Field::Epoch => whole(days * 86_400),
        Field::Julian => whole(days + JULIAN),
        field => whole(of_date(field, days).unwrap_or(0)),
    }))
}

fn of_time(name: &str, micros: i64) -> Result<Option<Decimal>> {
    let ty = "time without time zone";
    let field = read_field(name, ty)?;
    match (of_clock(field, micros), field) {
        (Some(found), _) => Ok(Some(found)),
        (None, Field::Epoch) => Ok(Some(scaled(micros.into(), 6))),
        _ => Err(not_supported(&name.to_ascii_lowercase(), ty)),
    }
}

fn of_interval(name: &str, interval: Interval) -> Result<Option<Decimal>> {
    let ty = "interval";
    let field = read_field(name, ty)?;
    let (years, months) = (i64::from(interval.months / 12), i64::from(interval.months % 12));
    Ok(Some(match field {
        Field::Month => whole(months),
        Field::Quarter => whole(months / 3 + 1),
        Field::Year => whole(years),
        Field::Decade => whole(years / 10),
        Field::Century => whole(years / 100),
        Field::Millennium => whole(years / 1000),
        Field::Day => whole(interval.days.into()),
        Field::Epoch => {
            // A year is 365.25 days here, and a month left over 30.
            let days = i128::from(years) * 1461 * 6
                + i128::from(months) * 30 * 24
                + i128::from(interval.days) * 24;
            let micros = days * i128::from(MICROS_PER_HOUR) + i128::from(interval.micros);
            scaled(micros, 6)
        }
        field => match of_clock(field, interval.micros) {
            Some(found) => found,
            None => return Err(not_supported(&name.to_ascii_lowercase(), ty)),
        },
    }))
}

/// The part of any datum of a date or time type.
fn part(call: &Call<'_, '_>, a: &[Datum<'_>]) -> Result<Option<Decimal>> {
    let name = a.text(0)?;
    match a.at(1) {
        Datum::Date(v) => of_plain_date(name, v),
        Datum::Time(v) => of_time(name, v),
        Datum::Interval(v) => of_interval(name, v),
        Datum::Timestamp(v) => of_timestamp(name, v, v, None, "timestamp without time zone"),
        Datum::TimestampTz(v) => {
            let zone = zone::session(call.session())?;
            let offset = zone.offset_at(v);
            of_timestamp(name, zone.to_local(v), v, Some(offset), "timestamp with time zone")
        }
        _ => Err(Error::internal("extract from something else")),
    }
}

fn extract<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    Ok(part(call, a)?.map_or(Datum::Null, |n| call.decimal(n)))
}

fn date_part<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    // date_part knows a date only as the timestamp of its midnight.
    let widened = match a.at(1) {
        Datum::Date(v) => Datum::Timestamp(crate::cast::date_to_timestamp(v)?),
        other => other,
    };
    let found = part(call, &[a.at(0), widened])?;
    Ok(found.map_or(Datum::Null, |n| Datum::Float(n.to_f64())))
}

/// A local time cut to a field.
fn truncated(name: &str, local: i64, ty: &str) -> Result<i64> {
    let field = read_field(name, ty)?;
    if matches!(local, i64::MIN | i64::MAX) {
        return Ok(local);
    }
    let (days, clock) = (local.div_euclid(MICROS_PER_DAY), local.rem_euclid(MICROS_PER_DAY));
    let date = calendar::civil(days);
    let year_start = |year: i64| calendar::days(year, 1, 1);
    let cut = |unit: i64| Some(days * MICROS_PER_DAY + clock / unit * unit);
    let day = match field {
        Field::Microseconds => return Ok(local),
        Field::Milliseconds => return cut(1000).ok_or_else(|| out_of_range("timestamp")),
        Field::Second => return cut(MICROS_PER_SECOND).ok_or_else(|| out_of_range("timestamp")),
        Field::Minute => return cut(MINUTE).ok_or_else(|| out_of_range("timestamp")),
        Field::Hour => return cut(MICROS_PER_HOUR).ok_or_else(|| out_of_range("timestamp")),
        Field::Day => days,
        Field::Week => days - (days + 3).rem_euclid(7),
        Field::Month => calendar::days(date.year, date.month, 1),
        Field::Quarter => calendar::days(date.year, (date.month - 1) / 3 * 3 + 1, 1),
        Field::Year => year_start(date.year),
        Field::Decade if date.year > 0 => year_start(date.year / 10 * 10),
        Field::Decade => year_start(-((8 - (date.year - 1)) / 10) * 10),
        Field::Century if date.year > 0 => year_start((date.year + 99) / 100 * 100 - 99),
        Field::Century => year_start(-((99 - (date.year - 1)) / 100) * 100 + 1),
        Field::Millennium if date.year > 0 => year_start((date.year + 999) / 1000 * 1000 - 999),
        Field::Millennium => year_start(-((999 - (date.year - 1)) / 1000) * 1000 + 1),
        _ => return Err(not_supported(&name.to_ascii_lowercase(), ty)),
    };
    let at = day.checked_mul(MICROS_PER_DAY).ok_or_else(|| out_of_range("timestamp"))?;
    in_range(at)
}

fn truncated_zoned(name: &str, instant: i64, zone: &Zone) -> Result<i64> {
    let local = zone.to_local(instant);
    let cut = truncated(name, local, "timestamp with time zone")?;
    let within_day = matches!(
        field_named(&name.to_ascii_lowercase()),
        Some(
            Field::Microseconds | Field::Milliseconds | Field::Second | Field::Minute | Field::Hour
        )
    );
    // Within a day the offset stays what it was, also where the clock is set back.
    if within_day && cut != i64::MIN && cut != i64::MAX {
        return Ok(instant - (local - cut));
    }
    Ok(zone.to_instant(cut))
}

fn truncated_interval(name: &str, interval: Interval) -> Result<Interval> {
    let ty = "interval";
    let field = read_field(name, ty)?;
    let Interval { months, days, micros } = interval;
    let years =
        |unit: i32| Interval { months: months / (12 * unit) * 12 * unit, ..Interval::default() };
    let clock = |unit: i64| Interval { months, days, micros: micros / unit * unit };
    Ok(match field {
        Field::Millennium => years(1000),
        Field::Century => years(100),
        Field::Decade => years(10),
        Field::Year => years(1),
        Field::Quarter => Interval { months: months / 3 * 3, ..Interval::default() },
        Field::Month => Interval { months, ..Interval::default() },
        Field::Day => Interval { months, days, micros: 0 },
        Field::Hour => clock(MICROS_PER_HOUR),
        Field::Minute => clock(MINUTE),
        Field::Second => clock(MICROS_PER_SECOND),
        Field::Milliseconds => clock(1000),
        Field::Microseconds => interval,
        Field::Week => {
            return Err(not_supported(&name.to_ascii_lowercase(), ty)
                .detail("Months usually have fractional weeks."));
        }
        _ => return Err(not_supported(&name.to_ascii_lowercase(), ty)),
    })
}

/// The difference in years, months and days as a person counts it.
fn age(later: i64, earlier: i64) -> Result<Interval> {
    if [later, earlier].iter().any(|at| matches!(*at, i64::MIN | i64::MAX)) {
        return Err(out_of_range("interval"));
    }
    let negative = later < earlier;
    let (high, low) = if negative { (earlier, later) } else { (later, earlier) };
    let split = |at: i64| {
        let date = calendar::civil(at.div_euclid(MICROS_PER_DAY));
        (date, at.rem_euclid(MICROS_PER_DAY))
    };
    let ((high_date, high_clock), (low_date, low_clock)) = (split(high), split(low));
    let mut micros = high_clock - low_clock;
    let mut days = i64::from(high_date.day) - i64::from(low_date.day);
    let mut months = (high_date.year - low_date.year) * 12 + i64::from(high_date.month)
        - i64::from(low_date.month);
    if micros < 0 {
        micros += MICROS_PER_DAY;
        days -= 1;
    }
    while days < 0 {
        // The month that is borrowed is the earlier operand's as given.
        days += i64::from(calendar::days_in_month(low_date.year, low_date.month));
        months -= 1;
    }
    let sign = if negative { -1 } else { 1 };
    Ok(Interval {
        months: i32::try_from(months).map_err(|_| out_of_range("interval"))? * sign,
        days: days as i32 * sign,
        micros: micros * i64::from(sign),
    })
}

/// Midnight of the transaction's day, for age of one argument.
fn today(call: &Call<'_, '_>) -> Result<i64> {
    let local = zone::session(call.session())?.to_local(call.session().transaction_time());
    Ok(local.div_euclid(MICROS_PER_DAY) * MICROS_PER_DAY)
}

fn bin(stride: Interval, at: i64, origin: i64) -> Result<i64> {
    let problem = |sqlstate, message| Err(Error::new(ErrorKind::Type, sqlstate, message));
    if [at, origin].iter().any(|at| matches!(*at, i64::MIN | i64::MAX)) {
        return Ok(at);
    }
    if stride.months != 0 {
        return problem(
            "0A000",
            "timestamps cannot be binned into intervals containing months or years",
        );
    }
    let micros = i64::from(stride.days)
        .checked_mul(MICROS_PER_DAY)
        .and_then(|days| days.checked_add(stride.micros))
        .ok_or_else(|| out_of_range("interval"))?;
    if micros <= 0 {
        return problem("22008", "stride must be greater than zero");
    }
    let difference = at.checked_sub(origin).ok_or_else(|| out_of_range("interval"))?;
    in_range(origin + difference.div_euclid(micros) * micros)
}

macro_rules! parts {
    ($($tag:literal $ty:ident;)*) => { &[$(
        f(concat!("sql.extract_", $tag), "extract", &[TEXT, $ty], NUMERIC, extract).stable(),
        f(concat!("sql.date_part_", $tag), "date_part", &[TEXT, $ty], FLOAT8, date_part).stable(),
    )*] };
}

/// extract and date_part.
pub(super) static PARTS: &[Function] = parts! {
    "date" DATE;
    "time" TIME;
    "timestamp" TIMESTAMP;
    "timestamptz" TIMESTAMPTZ;
    "interval" INTERVAL;
};

pub(super) static TABLE: &[Function] = &[
    f("sql.date_trunc_timestamp", "date_trunc", &[TEXT, TIMESTAMP], TIMESTAMP, |_, a| {
        truncated(a.text(0)?, a.timestamp(1)?, "timestamp without time zone").map(Datum::Timestamp)
    }),
    f("sql.date_trunc_timestamptz", "date_trunc", &[TEXT, TIMESTAMPTZ], TIMESTAMPTZ, |c, a| {
        let zone = zone::session(c.session())?;
        truncated_zoned(a.text(0)?, a.timestamp(1)?, &zone).map(Datum::TimestampTz)
    })
    .stable(),
    f("sql.date_trunc_zone", "date_trunc", &[TEXT, TIMESTAMPTZ, TEXT], TIMESTAMPTZ, |_, a| {
        let zone = zone::named(a.text(2)?)?;
        truncated_zoned(a.text(0)?, a.timestamp(1)?, &zone).map(Datum::TimestampTz)
    })
    .stable(),
    f("sql.date_trunc_interval", "date_trunc", &[TEXT, INTERVAL], INTERVAL, |_, a| {
        truncated_interval(a.text(0)?, a.interval(1)?).map(Datum::Interval)
    }),
    f(
        "sql.date_bin_timestamp",
        "date_bin",
        &[INTERVAL, TIMESTAMP, TIMESTAMP],
        TIMESTAMP,
        |_, a| bin(a.interval(0)?, a.timestamp(1)?, a.timestamp(2)?).map(Datum::Timestamp),
    ),
    f(
        "sql.date_bin_timestamptz",
        "date_bin",
        &[INTERVAL, TIMESTAMPTZ, TIMESTAMPTZ],
        TIMESTAMPTZ,
        |_, a| bin(a.interval(0)?, a.timestamp(1)?, a.timestamp(2)?).map(Datum::TimestampTz),
    ),
    f("sql.age_timestamp", "age", &[TIMESTAMP, TIMESTAMP], INTERVAL, |_, a| {
        age(a.timestamp(0)?, a.timestamp(1)?).map(Datum::Interval)
    }),
    f("sql.age_timestamptz", "age", &[TIMESTAMPTZ, TIMESTAMPTZ], INTERVAL, |c, a| {
        let zone = zone::session(c.session())?;
        age(zone.to_local(a.timestamp(0)?), zone.to_local(a.timestamp(1)?)).map(Datum::Interval)
    })
    .stable(),
    f("sql.age_today", "age", &[TIMESTAMP], INTERVAL, |c, a| {
        age(today(c)?, a.timestamp(0)?).map(Datum::Interval)
    })
    .stable(),
    f("sql.age_today_timestamptz", "age", &[TIMESTAMPTZ], INTERVAL, |c, a| {
        let zone = zone::session(c.session())?;
        age(today(c)?, zone.to_local(a.timestamp(0)?)).map(Datum::Interval)
    })
    .stable(),
];
