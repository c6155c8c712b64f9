//! The functions that casts are made of.
//!
//! An integer serves every integer type as a datum, so widening costs nothing and narrowing is a
//! range check. Floats become numeric by 15 (real: 6) significant digits, as PostgreSQL has it, not
//! by their shortest text; the other way they are rounded to the nearest.

use value::Decimal;

use super::{find, input, output_string, schemaless};
use crate::function::array::{self, Flat};
use crate::function::names::*;
use crate::function::numeric;
use crate::function::zone;
use crate::function::{Arguments, Call, CallTypes, Function};
use crate::{Datum, Error, ErrorKind, Result, Scalar, Type};

#[cold]
fn out_of_range(ty: &'static str) -> Error {
    Error::new(ErrorKind::Type, "22003", format!("{ty} out of range"))
}

fn narrow<'a>(n: Option<i64>, low: i64, high: i64, ty: &'static str) -> Result<Datum<'a>> {
    match n {
        Some(n) if (low..=high).contains(&n) => Ok(Datum::Int(n)),
        _ => Err(out_of_range(ty)),
    }
}

fn int2<'a>(n: Option<i64>) -> Result<Datum<'a>> {
    narrow(n, i16::MIN.into(), i16::MAX.into(), "smallint")
}

fn int4<'a>(n: Option<i64>) -> Result<Datum<'a>> {
    narrow(n, i32::MIN.into(), i32::MAX.into(), "integer")
}

fn int8<'a>(n: Option<i64>) -> Result<Datum<'a>> {
    n.map(Datum::Int).ok_or_else(|| out_of_range("bigint"))
}

/// An integer datum as i64, if it fits.
fn whole(datum: Datum<'_>) -> Option<i64> {
    match datum {
        Datum::Int(n) => Some(n),
        _ => None,
    }
}

/// Half to even, as the hardware rounds.
fn rounded(n: f64) -> Option<i64> {
    let n = n.round_ties_even();
    (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&n).then_some(n as i64)
}

fn from_numeric(n: &Decimal, ty: &'static str) -> Result<Option<i64>> {
    if n.is_finite() {
        return Ok(n.to_i64());
    }
    let what = if n.is_nan() { "NaN" } else { "infinity" };
    Err(Error::new(ErrorKind::Unsupported, "0A000", format!("cannot convert {what} to {ty}")))
}

/// A double with 15 significant digits.
pub fn float8_to_numeric(n: f64) -> Decimal {
    significant(n, &format!("{n:.14e}"))
}

/// A real with 6 significant digits.
pub fn float4_to_numeric(n: f32) -> Decimal {
    significant(n.into(), &format!("{n:.5e}"))
}

fn significant(n: f64, text: &str) -> Decimal {
    if !n.is_finite() {
        return Decimal::from_f64(n);
    }
    Decimal::parse(text).map_or(Decimal::NAN, |n| n.normalized())
}

pub(super) fn numeric_to_float8(n: &Decimal) -> Result<f64> {
    let float = n.to_f64();
    if n.is_finite() && (float.is_infinite() || float == 0.0 && !n.is_zero()) {
        return Err(too_large(n, "double precision"));
    }
    Ok(float)
}

pub(super) fn numeric_to_float4(n: &Decimal) -> Result<f32> {
    let float = n.to_f32();
    if n.is_finite() && (float.is_infinite() || float == 0.0 && !n.is_zero()) {
        return Err(too_large(n, "real"));
    }
    Ok(float)
}

#[cold]
fn too_large(n: &Decimal, ty: &str) -> Error {
    Error::new(ErrorKind::Type, "22003", format!("\"{n}\" is out of range for type {ty}"))
}

fn float8_to_float4(n: f64) -> Result<f32> {
    let narrow = n as f32;
    if narrow.is_infinite() && n.is_finite() {
        return Err(crate::function::float::overflow());
    }
    if narrow == 0.0 && n != 0.0 {
        return Err(crate::function::float::underflow());
    }
    Ok(narrow)
}

fn oid<'a>(n: i64) -> Result<Datum<'a>> {
    narrow(Some(n), 0, u32::MAX.into(), "OID")
}

/// The text without the blanks at its end.
pub fn trimmed(text: &str) -> &str {
    text.trim_end_matches(' ')
}

/// At most 63 bytes, cut between characters.
pub fn name(text: &str) -> &str {
    text.get(..text.floor_char_boundary(63)).unwrap_or(text)
}

/// Casts and the calls that modifiers are applied by.
pub(crate) static TABLE: &[Function] = &[
    f("sql.relabel", "sql.relabel", &[ANY], ANY, |_, a| Ok(a.at(0))).each(),
    f("sql.bool_int4", "int4", &[BOOL], INT4, |_, a| Ok(Datum::Int(a.bool(0)?.into()))),
    f("sql.bool_text", "text", &[BOOL], TEXT, |_, a| {
        Ok(Datum::Text(if a.bool(0)? { "true" } else { "false" }))
    }),
    f("sql.int4_bool", "bool", &[INT4], BOOL, |_, a| Ok(Datum::Bool(a.int(0)? != 0))),
    f("sql.char_int4", "int4", &[CHAR], INT4, |_, a| {
        Ok(Datum::Int(a.text(0)?.bytes().next().map_or(0, |byte| i64::from(byte as i8))))
    }),
    f("sql.int4_char", "char", &[INT4], CHAR, |c, a| {
        let byte = i8::try_from(a.int(0)?).map_err(|_| out_of_range("\"char\""))?;
        match byte {
            0 => Ok(Datum::Text("")),
            1.. => Ok(c.text(char::from(byte as u8).encode_utf8(&mut [0; 4]))),
            _ => Err(Error::unsupported("a \"char\" above 127")),
        }
    }),
    f("sql.int_int2", "int2", &[INT8], INT2, |_, a| int2(whole(a.at(0)))),
    f("sql.int_int4", "int4", &[INT8], INT4, |_, a| int4(whole(a.at(0)))),
    f("sql.int_int8", "int8", &[UINT8], INT8, |_, a| int8(whole(a.at(0)))),
    f("sql.int_uint8", "uint8", &[INT8], UINT8, |_, a| match a.int(0)? {
        n @ 0.. => Ok(Datum::Int(n)),
        _ => Err(out_of_range("uint8")),
    }),
    f("sql.numeric_uint8", "uint8", &[NUMERIC], UINT8, |_, a| {
        let n = a.decimal(0)?.to_u64().ok_or_else(|| out_of_range("uint8"))?;
        Ok(i64::try_from(n).map_or(Datum::UInt(n), Datum::Int))
    }),
    f("sql.int_float4", "float4", &[INT8], FLOAT4, |_, a| Ok(Datum::Float32(a.int(0)? as f32))),
    f("sql.int_float8", "float8", &[INT8], FLOAT8, |_, a| match a.at(0) {
        Datum::UInt(n) => Ok(Datum::Float(n as f64)),
        _ => Ok(Datum::Float(a.int(0)? as f64)),
    }),
    f("sql.int_numeric", "numeric", &[INT8], NUMERIC, |c, a| match a.at(0) {
        Datum::UInt(n) => Ok(c.decimal(Decimal::from(i128::from(n)))),
        _ => Ok(c.decimal(numeric::from_int(a.int(0)?))),
    }),
    f("sql.int8_oid", "oid", &[INT8], OID, |_, a| oid(a.int(0)?)),
    f("sql.int4_oid", "oid", &[INT4], OID, |_, a| Ok(Datum::Int((a.int4(0)? as u32).into()))),
    f("sql.oid_int4", "int4", &[OID], INT4, |_, a| {
        Ok(Datum::Int((a.int(0)? as u32 as i32).into()))
    }),
    f("sql.text_char", "char", &[TEXT], CHAR, |_, a| {
        let text = a.text(0)?;
        let end = text.ceil_char_boundary(1);
        Ok(Datum::Text(text.get(..end).unwrap_or(text)))
    }),
    f("sql.text_name", "name", &[TEXT], NAME, |_, a| Ok(Datum::Text(name(a.text(0)?)))),
    f("sql.text_bpchar", "bpchar", &[TEXT], BPCHAR, |_, a| Ok(Datum::Text(trimmed(a.text(0)?)))),
    f("sql.text_regclass", "regclass", &[TEXT], REGCLASS, |c, a| {
        input(c.session(), REGCLASS, a.text(0)?, -1, c.arena)
    })
    .stable(),
    f("sql.float4_int2", "int2", &[FLOAT4], INT2, |_, a| int2(rounded(a.float(0)?))),
    f("sql.float4_int4", "int4", &[FLOAT4], INT4, |_, a| int4(rounded(a.float(0)?))),
    f("sql.float4_int8", "int8", &[FLOAT4], INT8, |_, a| int8(rounded(a.float(0)?))),
    f("sql.float4_float8", "float8", &[FLOAT4], FLOAT8, |_, a| Ok(Datum::Float(a.float(0)?))),
    f("sql.float4_numeric", "numeric", &[FLOAT4], NUMERIC, |c, a| {
        Ok(c.decimal(float4_to_numeric(a.float4(0)?)))
    }),
    f("sql.float8_int2", "int2", &[FLOAT8], INT2, |_, a| int2(rounded(a.float(0)?))),
    f("sql.float8_int4", "int4", &[FLOAT8], INT4, |_, a| int4(rounded(a.float(0)?))),
    f("sql.float8_int8", "int8", &[FLOAT8], INT8, |_, a| int8(rounded(a.float(0)?))),
    f("sql.float8_float4", "float4", &[FLOAT8], FLOAT4, |_, a| {
        Ok(Datum::Float32(float8_to_float4(a.float(0)?)?))
    }),
    f("sql.float8_numeric", "numeric", &[FLOAT8], NUMERIC, |c, a| {
        Ok(c.decimal(float8_to_numeric(a.float(0)?)))
    }),
    f("sql.numeric_int2", "int2", &[NUMERIC], INT2, |_, a| {
        int2(from_numeric(a.decimal(0)?, "smallint")?)
    }),
    f("sql.numeric_int4", "int4", &[NUMERIC], INT4, |_, a| {
        int4(from_numeric(a.decimal(0)?, "integer")?)
    }),
    f("sql.numeric_int8", "int8", &[NUMERIC], INT8, |_, a| {
        int8(from_numeric(a.decimal(0)?, "bigint")?)
    }),
    f("sql.numeric_float4", "float4", &[NUMERIC], FLOAT4, |_, a| {
        Ok(Datum::Float32(numeric_to_float4(a.decimal(0)?)?))
    }),
    f("sql.numeric_float8", "float8", &[NUMERIC], FLOAT8, |_, a| {
        Ok(Datum::Float(numeric_to_float8(a.decimal(0)?)?))
    }),
    f("sql.date_timestamp", "timestamp", &[DATE], TIMESTAMP, |_, a| {
        Ok(Datum::Timestamp(date_to_timestamp(a.date(0)?)?))
    }),
    f("sql.date_timestamptz", "timestamptz", &[DATE], TIMESTAMPTZ, |c, a| {
        let local = date_to_timestamp(a.date(0)?)?;
        Ok(Datum::TimestampTz(zone::session(c.session())?.to_instant(local)))
    })
    .stable(),
    f("sql.time_interval", "interval", &[TIME], INTERVAL, |_, a| {
        Ok(Datum::Interval(value::Interval { months: 0, days: 0, micros: a.time(0)? }))
    }),
    f("sql.interval_time", "time", &[INTERVAL], TIME, |_, a| {
        Ok(Datum::Time(a.interval(0)?.micros.rem_euclid(DAY)))
    }),
    f("sql.timestamp_date", "date", &[TIMESTAMP], DATE, |_, a| {
        timestamp_to_date(a.timestamp(0)?).map(Datum::Date)
    }),
    f("sql.timestamp_time", "time", &[TIMESTAMP], TIME, |_, a| Ok(time_of(a.timestamp(0)?))),
    f("sql.timestamp_timestamptz", "timestamptz", &[TIMESTAMP], TIMESTAMPTZ, |c, a| {
        Ok(Datum::TimestampTz(zone::session(c.session())?.to_instant(a.timestamp(0)?)))
    })
    .stable(),
    f("sql.timestamptz_date", "date", &[TIMESTAMPTZ], DATE, |c, a| {
        let local = zone::session(c.session())?.to_local(a.timestamp(0)?);
        timestamp_to_date(local).map(Datum::Date)
    })
    .stable(),
    f("sql.timestamptz_time", "time", &[TIMESTAMPTZ], TIME, |c, a| {
        Ok(time_of(zone::session(c.session())?.to_local(a.timestamp(0)?)))
    })
    .stable(),
    f("sql.timestamptz_timestamp", "timestamp", &[TIMESTAMPTZ], TIMESTAMP, |c, a| {
        Ok(Datum::Timestamp(zone::session(c.session())?.to_local(a.timestamp(0)?)))
    })
    .stable(),
    f("sql.jsonb_bool", "bool", &[JSONB], BOOL, |_, a| schemaless::json_bool(a.json(0)?)),
    f("sql.jsonb_int2", "int2", &[JSONB], INT2, |_, a| {
        int2(from_numeric(&schemaless::json_number(a.json(0)?, "smallint")?, "smallint")?)
    }),
    f("sql.jsonb_int4", "int4", &[JSONB], INT4, |_, a| {
        int4(from_numeric(&schemaless::json_number(a.json(0)?, "integer")?, "integer")?)
    }),
    f("sql.jsonb_int8", "int8", &[JSONB], INT8, |_, a| {
        int8(from_numeric(&schemaless::json_number(a.json(0)?, "bigint")?, "bigint")?)
    }),
    f("sql.jsonb_float4", "float4", &[JSONB], FLOAT4, |_, a| {
        let number = schemaless::json_number(a.json(0)?, "real")?;
        Ok(Datum::Float32(numeric_to_float4(&number)?))
    }),
    f("sql.jsonb_float8", "float8", &[JSONB], FLOAT8, |_, a| {
        let number = schemaless::json_number(a.json(0)?, "double precision")?;
        Ok(Datum::Float(numeric_to_float8(&number)?))
    }),
    f("sql.jsonb_numeric", "numeric", &[JSONB], NUMERIC, |c, a| {
        Ok(c.decimal(schemaless::json_number(a.json(0)?, "numeric")?))
    }),
    f("sql.to_any", "sql.to_any", &[ANY], ANY, |c, a| {
        schemaless::to_any(&a.at(0), c.ty(0), c.arena)
    })
    .each(),
    f("sql.from_any", "sql.from_any", &[ANY], ANY, |c, a| {
        schemaless::from_any(c.session(), &a.at(0), c.result, c.arena)
    })
    .each()
    .stable(),
    f("sql.text_input_fixed", "sql.text_input_fixed", &[TEXT], ANY, |c, a| {
        input(c.session(), c.result, a.text(0)?, -1, c.arena)
    })
    .each(),
    f("sql.text_input", "sql.text_input", &[TEXT], ANY, |c, a| {
        input(c.session(), c.result, a.text(0)?, -1, c.arena)
    })
    .each()
    .stable(),
    f("sql.output_text", "sql.output_text", &[ANY], TEXT, |c, a| {
        let text = output_string(c.session(), c.ty(0), c.modifier_of(0), &a.at(0))?;
        Ok(match c.result {
            BPCHAR => c.text(trimmed(&text)),
            NAME => c.text(name(&text)),
            _ => c.text(&text),
        })
    })
    .each()
    .stable(),
    f("sql.array_elements", "sql.array_elements", &[ANYARRAY], ANYARRAY, cast_elements)
        .each()
        .stable(),
    f("sql.fit", "sql.fit", &[ANY], ANY, |c, a| fit(c, a, false)).each(),
    f("sql.fit_explicit", "sql.fit_explicit", &[ANY], ANY, |c, a| fit(c, a, true)).each(),
];

const DAY: i64 = value::calendar::MICROS_PER_DAY;

fn time_of<'a>(local: i64) -> Datum<'a> {
    match local {
        i64::MIN | i64::MAX => Datum::Null,
        local => Datum::Time(local.rem_euclid(DAY)),
    }
}

/// Midnight of a date.
///
/// # Errors
/// 22008 beyond the timestamps.
pub fn date_to_timestamp(date: i32) -> Result<i64> {
    match date {
        i32::MIN => Ok(i64::MIN),
        i32::MAX => Ok(i64::MAX),
        days => i64::from(days)
            .checked_mul(DAY)
            .filter(|n| *n < super::datetime::END)
            .ok_or_else(|| Error::new(ErrorKind::Type, "22008", "date out of range for timestamp")),
    }
}

fn timestamp_to_date(local: i64) -> Result<i32> {
    match local {
        i64::MIN => Ok(i32::MIN),
        i64::MAX => Ok(i32::MAX),
        local => i32::try_from(local.div_euclid(DAY))
            .map_err(|_| Error::new(ErrorKind::Type, "22008", "date out of range")),
    }
}

/// Casts each element by the cast of the element types.
fn cast_elements<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let (from, to) = (call.ty(0).element(), call.result.element());
    let Some(super::Cast { method: super::Method::Function(function), .. }) = find(from, to) else {
        return Ok(a.at(0));
    };
    let array = a.array(0)?;
    let inner = Call {
        context: call.context,
        arena: call.arena,
        modifier: -1,
        result: to,
        types: CallTypes::All(from),
    };
    let mut made = Vec::new();
    for element in Flat::new(array, from.scalar, call.arena) {
        let element = element?;
        made.push(if element.is_null() { element } else { (function.kernel)(&inner, &[element])? });
    }
    let shape = array::dimensions(array, from.scalar);
    Ok(call.array(&array::shaped(&shape, &mut made.into_iter(), to.scalar)?))
}

/// Applies the modifier of the result type, of an array to each element.
fn fit<'a>(call: &Call<'a, '_>, a: &[Datum<'a>], explicit: bool) -> Result<Datum<'a>> {
    let (ty, modifier) = (call.result, call.modifier);
    if !ty.array {
        return fit_scalar(call.arena, a.at(0), ty.scalar, modifier, explicit);
    }
    let array = a.array(0)?;
    let mut made = Vec::new();
    for element in Flat::new(array, ty.scalar, call.arena) {
        made.push(fit_scalar(call.arena, element?, ty.scalar, modifier, explicit)?);
    }
    let shape = array::dimensions(array, ty.scalar);
    Ok(call.array(&array::shaped(&shape, &mut made.into_iter(), ty.scalar)?))
}

/// Applies a modifier: what is too long is cut where `explicit`, else refused unless only blanks
/// are lost.
///
/// # Errors
/// 22001 for strings, 22003 for numeric.
pub(super) fn fit_scalar<'a>(
    arena: &'a crate::Arena,
    datum: Datum<'a>,
    scalar: Scalar,
    modifier: i32,
    explicit: bool,
) -> Result<Datum<'a>> {
    Ok(match (datum, scalar) {
        _ if modifier < 0 => datum,
        (Datum::Text(text), Scalar::Varchar | Scalar::Bpchar) => {
            Datum::Text(fit_text(text, scalar, modifier, explicit)?)
        }
        (Datum::Decimal(n), Scalar::Numeric) => {
            Datum::Decimal(arena.decimal(numeric::fit(n, modifier)?))
        }
        (Datum::Time(n), Scalar::Time) => Datum::Time(round_micros(n, modifier)),
        (Datum::Timestamp(n), Scalar::Timestamp) => Datum::Timestamp(round_micros(n, modifier)),
        (Datum::TimestampTz(n), Scalar::TimestampTz) => {
            Datum::TimestampTz(round_micros(n, modifier))
        }
        (Datum::Interval(n), Scalar::Interval) => {
            Datum::Interval(super::datetime::fit_interval(n, modifier))
        }
        _ => datum,
    })
}

fn fit_text(text: &str, scalar: Scalar, modifier: i32, explicit: bool) -> Result<&str> {
    let limit = usize::try_from(modifier - 4).unwrap_or(0);
    let Some((end, _)) = text.char_indices().nth(limit) else { return Ok(text) };
    let (kept, lost) = text.split_at(end);
    if !explicit && !trimmed(lost).is_empty() {
        let ty = Type::of(scalar).display(modifier);
        let message = format!("value too long for type {ty}");
        return Err(Error::new(ErrorKind::Type, "22001", message));
    }
    Ok(if scalar == Scalar::Bpchar { trimmed(kept) } else { kept })
}

/// Rounds to so many digits of a second, halves away from zero.
pub fn round_micros(micros: i64, digits: i32) -> i64 {
    if !(0..6).contains(&digits) || matches!(micros, i64::MIN | i64::MAX) {
        return micros;
    }
    let unit = 10i64.pow(6 - digits.unsigned_abs());
    let half = if micros < 0 { -unit / 2 } else { unit / 2 };
    micros.saturating_add(half) / unit * unit
}
