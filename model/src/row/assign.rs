//! Values of any client into declared columns: only without loss.
//!
//! A document's field comes with a type of its own; a column has another. What goes in is what the
//! column gives back as an equal value (MAPPING: The view principle, Types). SQL's own assignment
//! casts, which round and cut, are not here: the SQL binder applies them before the row reaches the
//! model.
//!
//! ```text
//!   5.0 ─► integer 5        5.5 ─► refused (Loss)        70000 ─► smallint refused (Range)
//!   0.1 (double) ─► numeric 0.1, by its shortest decimal
//!   text ─► time, interval, numeric: what MongoDB is shown as text may be written back as text
//! ```
//!
//! Rejected: parsing text into every type. `"12"` in an integer column is a mistake of the writer,
//! except over Redis, where every value is text; its own door is [`parse`].

use value::{Decimal, Value, text};

use super::convert::{Form, form, without_blanks};
use crate::error::ConvertReason;
use crate::types::{Scalar, Type};

type Assigned = Result<Value, ConvertReason>;

/// Dimensions of an array at most, as in PostgreSQL.
const DIMENSIONS_MAX: usize = 6;

/// The value as a column of this type and modifier keeps it. Null stays null.
pub fn assign(value: &Value, ty: Type, modifier: i32) -> Assigned {
    use ConvertReason::*;
    let form = form(ty);
    if matches!(value, Value::Null | Value::Undefined) && form != Form::Item {
        return Ok(Value::Null);
    }
    match (form, value) {
        (Form::Item, value) => Ok(value.clone()),
        (Form::Array, Value::Array(elements)) => {
            array(elements, ty, &|element| assign(element, ty.element(), modifier))
        }
        (Form::Bool, Value::Bool(v)) => Ok(Value::Bool(*v)),
        (Form::Int(low, high), value) => integer(value, ty, low, high),
        (Form::UInt8, value) => {
            whole(value).and_then(|n| n.to_u64_exact().ok_or(Range)).map(Value::from_u64)
        }
        (Form::Float4, value) => float(value).map(Value::Float32),
        (Form::Float8, value) => double(value).map(Value::Float64),
        (Form::Numeric, value) => decimal(value, modifier).map(Value::Decimal),
        (Form::Text | Form::Blank, Value::Text(text) | Value::Symbol(text)) => {
            string(text, ty, modifier).map(Value::Text)
        }
        (Form::Bytes, Value::Bytes { .. }) => Ok(value.clone()),
        (Form::Uuid, Value::Uuid(v)) => Ok(Value::Uuid(*v)),
        (Form::Uuid, Value::Bytes { subtype: 4, data }) => {
            data.as_slice().try_into().map(Value::Uuid).map_err(|_| Type)
        }
        (Form::ObjectId, Value::ObjectId(v)) => Ok(Value::ObjectId(*v)),
        (Form::Interval, Value::Interval(v)) => Ok(Value::Interval(*v)),
        (Form::Interval, Value::Text(t)) => {
            text::interval::parse(t).map(Value::Interval).map_err(|_| Syntax)
        }
        (Form::Date | Form::Time | Form::Timestamp | Form::TimestampTz, value) => {
            moment(form, value, modifier)
        }
        _ => Err(Type),
    }
}

/// The value of a text that a client sent for a column (Redis, where everything is text).
pub fn parse(input: &str, ty: Type, modifier: i32) -> Assigned {
    use ConvertReason::*;
    let number = |t: &str| Decimal::parse(t.trim()).map(Value::Decimal).map_err(|_| Syntax);
    let value = match form(ty) {
        Form::Bool => match input {
            "1" | "t" | "true" | "yes" | "on" => Value::Bool(true),
            "0" | "f" | "false" | "no" | "off" => Value::Bool(false),
            _ => return Err(Syntax),
        },
        Form::Int(..) | Form::UInt8 | Form::Numeric => number(input)?,
        Form::Float4 => Value::Float32(text::float::parse_f32(input).map_err(|_| Syntax)?),
        Form::Float8 => Value::Float64(text::float::parse_f64(input).map_err(|_| Syntax)?),
        Form::Text | Form::Blank | Form::Interval | Form::Time => Value::Text(input.to_owned()),
        Form::Bytes => Value::bytes(input.as_bytes()),
        Form::Date => Value::Date(text::datetime::parse_date(input).map_err(|_| Syntax)?),
        Form::Timestamp => {
            Value::Timestamp(text::datetime::parse_timestamp(input).map_err(|_| Syntax)?)
        }
        Form::TimestampTz => {
            Value::TimestampTz(text::datetime::parse_timestamp_tz(input, 0).map_err(|_| Syntax)?)
        }
        Form::Uuid => Value::Uuid(text::id::parse_uuid(input).map_err(|_| Syntax)?),
        Form::ObjectId => Value::ObjectId(text::id::parse_object_id(input).map_err(|_| Syntax)?),
        Form::Item if ty.scalar == Scalar::Any => Value::Text(input.to_owned()),
        Form::Item => json(input, false)?,
        Form::Array => match array_json(input, form(ty.element()))? {
            Value::Array(elements) => {
                return array(&elements, ty, &|element| parsed(element, ty.element(), modifier));
            }
            _ => return Err(Syntax),
        },
    };
    assign(&value, ty, modifier)
}

/// The JSON text of an array. A float's is its shortest text, so `-0` among floats is one.
fn array_json(input: &str, element: Form) -> Assigned {
    json(input, matches!(element, Form::Float4 | Form::Float8))
}

fn json(input: &str, signed_zero: bool) -> Assigned {
    let default = value::json::Options::default();
    let options = value::json::Options { allow_nul: false, signed_zero, ..default };
    value::json::parse_value(input, &options).map_err(|_| ConvertReason::Syntax)
}

/// An element of an array's JSON text: a JSON string holds the text of what JSON has no form for.
fn parsed(element: &Value, ty: Type, modifier: i32) -> Assigned {
    match (form(ty), element) {
        (Form::Item, _) => Ok(element.clone()),
        (Form::Bytes, Value::Text(t)) => {
            text::id::parse_bytes(t).map(Value::bytes).map_err(|_| ConvertReason::Syntax)
        }
        (_, Value::Text(t)) => parse(t, ty, modifier),
        _ => assign(element, ty, modifier),
    }
}

/// An SQL array of one dimension or more, each element by `each`. Arrays within are dimensions, but
/// where the elements are items themselves.
fn array(elements: &[Value], ty: Type, each: &dyn Fn(&Value) -> Assigned) -> Assigned {
    if form(ty.element()) != Form::Item {
        box_of(elements, DIMENSIONS_MAX)?;
    }
    nested(elements, ty, each)
}

fn nested(elements: &[Value], ty: Type, each: &dyn Fn(&Value) -> Assigned) -> Assigned {
    let one = |element: &Value| match element {
        Value::Null => Ok(Value::Null),
        Value::Array(within) if form(ty.element()) != Form::Item => nested(within, ty, each),
        element => each(element),
    };
    elements.iter().map(one).collect::<Result<_, _>>().map(Value::Array)
}

/// The lengths of an array's dimensions; refused where rows of one are of different lengths, or
/// empty below the first, or beside elements.
fn box_of(elements: &[Value], dimensions: usize) -> Result<Vec<usize>, ConvertReason> {
    let rows = elements.iter().filter(|element| matches!(element, Value::Array(_))).count();
    let mut lengths = vec![elements.len()];
    if rows == 0 {
        return Ok(lengths);
    }
    if rows != elements.len() || dimensions <= 1 {
        return Err(ConvertReason::Syntax);
    }
    let mut below: Option<Vec<usize>> = None;
    for element in elements {
        let Value::Array(within) = element else { return Err(ConvertReason::Syntax) };
        let found = box_of(within, dimensions - 1)?;
        if found.contains(&0) || below.as_ref().is_some_and(|below| *below != found) {
            return Err(ConvertReason::Syntax);
        }
        below = Some(found);
    }
    lengths.extend(below.unwrap_or_default());
    Ok(lengths)
}

/// A whole number of any type.
fn whole(value: &Value) -> Result<Decimal, ConvertReason> {
    let n = any_number(value).ok_or(ConvertReason::Type)?;
    if !n.is_finite() {
        return Err(ConvertReason::Range);
    }
    if n.is_integral() { Ok(n) } else { Err(ConvertReason::Loss) }
}

/// Any number by its exact value; floats by their shortest decimal.
fn any_number(value: &Value) -> Option<Decimal> {
    Some(match value {
        Value::UInt64(n) => Decimal::from(i128::from(*n)),
        Value::Float32(n) => Decimal::from_f32(*n),
        Value::Float64(n) => Decimal::from_f64(*n),
        Value::Decimal(n) => n.clone(),
        other => Decimal::from(i128::from(other.as_i64()?)),
    })
}

fn integer(value: &Value, ty: Type, low: i64, high: i64) -> Assigned {
    let n = match value.as_i64() {
        Some(n) => n,
        None => whole(value)?.to_i64_exact().ok_or(ConvertReason::Range)?,
    };
    if !(low..=high).contains(&n) {
        return Err(ConvertReason::Range);
    }
    Ok(match ty.scalar {
        Scalar::Int1 => Value::Int8(n as i8),
        Scalar::Int2 | Scalar::UInt1 => Value::Int16(n as i16),
        Scalar::Int4 | Scalar::UInt2 => Value::Int32(n as i32),
        _ => Value::Int64(n),
    })
}

fn double(value: &Value) -> Result<f64, ConvertReason> {
    match value {
        Value::Float64(n) => return Ok(*n),
        Value::Float32(n) => return Ok((*n).into()),
        _ => {}
    }
    let exact = any_number(value).ok_or(ConvertReason::Type)?;
    let near = exact.to_f64();
    if exact.is_finite() && near.is_infinite() {
        return Err(ConvertReason::Range);
    }
    let same = exact.is_nan()
        || Decimal::from_f64(near) == exact
        || Decimal::from_f64_exact(near) == exact;
    if same { Ok(near) } else { Err(ConvertReason::Loss) }
}

fn float(value: &Value) -> Result<f32, ConvertReason> {
    match value {
        Value::Float32(n) => return Ok(*n),
        // A decimal has no -0.
        Value::Float64(n) if *n == 0.0 => return Ok(*n as f32),
        _ => {}
    }
    let exact = any_number(value).ok_or(ConvertReason::Type)?;
    let near = exact.to_f32();
    if exact.is_finite() && near.is_infinite() {
        return Err(ConvertReason::Range);
    }
    let same = exact.is_nan()
        || Decimal::from_f32(near) == exact
        || matches!(value, Value::Float64(n) if f64::from(near) == *n);
    if same { Ok(near) } else { Err(ConvertReason::Loss) }
}

fn decimal(value: &Value, modifier: i32) -> Result<Decimal, ConvertReason> {
    let n = match value {
        Value::Text(text) => Decimal::parse(text).map_err(|_| ConvertReason::Syntax)?,
        other => any_number(other).ok_or(ConvertReason::Type)?,
    };
    if modifier < 4 || n.is_nan() {
        return Ok(n);
    }
    if n.is_infinite() {
        return Err(ConvertReason::Range);
    }
    let (precision, scale) = numeric_modifier(modifier);
    let fitted = n.round(scale);
    if fitted != n {
        return Err(ConvertReason::Loss);
    }
    let integral = fitted.digits() - i64::from(fitted.scale());
    let fits = fitted.is_zero() || integral <= i64::from(precision - scale);
    if fits { Ok(fitted) } else { Err(ConvertReason::Range) }
}

/// Precision and scale of NUMERIC's modifier; the scale is signed, 11 bits.
fn numeric_modifier(modifier: i32) -> (i32, i32) {
    let packed = modifier - 4;
    let scale = packed & 0x7ff;
    ((packed >> 16) & 0xffff, if scale > 1023 { scale - 2048 } else { scale })
}

fn string(text: &str, ty: Type, modifier: i32) -> Result<String, ConvertReason> {
    let blank = ty.scalar == Scalar::Bpchar;
    let text = if blank { without_blanks(text) } else { text };
    if text.contains('\0') {
        return Err(ConvertReason::Syntax);
    }
    if modifier < 4 || !matches!(ty.scalar, Scalar::Varchar | Scalar::Bpchar) {
        return Ok(text.to_owned());
    }
    let limit = (modifier - 4) as usize;
    if text.len() <= limit || text.chars().count() <= limit {
        return Ok(text.to_owned());
    }
    Err(ConvertReason::Length { limit })
}

fn moment(form: Form, value: &Value, modifier: i32) -> Assigned {
    use ConvertReason::*;
    let day = value::calendar::MICROS_PER_DAY;
    match (form, value) {
        (Form::Date, Value::Date(n)) => Ok(Value::Date(*n)),
        (Form::Date, Value::TimestampTz(n) | Value::Timestamp(n)) => match *n {
            i64::MIN => Ok(Value::Date(i32::MIN)),
            i64::MAX => Ok(Value::Date(i32::MAX)),
            n if n.rem_euclid(day) != 0 => Err(Loss),
            n => i32::try_from(n / day).map(Value::Date).map_err(|_| Range),
        },
        (Form::Time, Value::Time(n)) => precise(*n, modifier).map(Value::Time),
        (Form::Time, Value::Text(t)) => {
            let n = text::datetime::parse_time(t).map_err(|_| Syntax)?;
            precise(n, modifier).map(Value::Time)
        }
        (Form::Timestamp, Value::Timestamp(n) | Value::TimestampTz(n)) => {
            precise(*n, modifier).map(Value::Timestamp)
        }
        (Form::TimestampTz, Value::Timestamp(n) | Value::TimestampTz(n)) => {
            precise(*n, modifier).map(Value::TimestampTz)
        }
        _ => Err(Type),
    }
}

/// Refuses digits of a second that the modifier does not keep.
fn precise(micros: i64, modifier: i32) -> Result<i64, ConvertReason> {
    let infinite = micros == i64::MIN || micros == i64::MAX;
    match u32::try_from(modifier) {
        Ok(digits @ 0..6) if !infinite && micros % 10i64.pow(6 - digits) != 0 => {
            Err(ConvertReason::Loss)
        }
        _ => Ok(micros),
    }
}
