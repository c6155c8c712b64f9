//! Between datums, values, encoded items and key elements, by a column's type.
//!
//! ```text
//!            from_item               to_value
//!   CBOR ────────────────► Datum ────────────────► Value
//!        ◄────────────────   │   ◄────────────────
//!          write_item        │     from_value
//!                            │ write_key / from_key
//!                            ▼
//!                        key element
//! ```
//!
//! **Invariants**
//! - `from_item(write_item(d)) = d` exactly, for every datum of the type.
//! - `from_key(write_key(d))` is a datum that *compares* equal; [`is_kept_by_key`] says whether it
//!   is the same exactly. Where not, the row keeps the column beside the key.
//! - A type without a form of its own (json, arrays, `any`) is one encoded item, as it was given.
//!
//! A key decodes to a value without its width; so what a key does not give back is: -0.0 and odd
//! NaNs, numerics with trailing zeros (1.50 is 1.5 on the scale), intervals with months, and items
//! inside `any`, json and arrays whose widths, scales or subtypes differ from what their class byte
//! tells.
//!
//! Rejected: keeping every key column in the document as well (a third of the bytes of a small
//! row).

use std::borrow::Cow;

use value::key::{Nan, Order};
use value::{Decimal, Encoder, Item, KeyWriter, Raw, Value};

use crate::datum::{Arena, Datum};
use crate::error::{Error, Result};
use crate::types::{Scalar, Type};

/// How values of a type are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Bool,
    /// Lowest and highest value.
    Int(i64, i64),
    UInt8,
    Float4,
    Float8,
    Numeric,
    Text,
    /// CHAR(n): kept without trailing blanks.
    Blank,
    Bytes,
    Date,
    Time,
    Timestamp,
    TimestampTz,
    Interval,
    Uuid,
    ObjectId,
    /// One encoded item.
    Item,
    /// One encoded array.
    Array,
}

pub(crate) fn form(ty: Type) -> Form {
    use Scalar::*;
    if ty.array {
        return Form::Array;
    }
    match ty.scalar {
        Bool => Form::Bool,
        Int1 => Form::Int(i8::MIN.into(), i8::MAX.into()),
        Int2 => Form::Int(i16::MIN.into(), i16::MAX.into()),
        Int4 => Form::Int(i32::MIN.into(), i32::MAX.into()),
        Int8 => Form::Int(i64::MIN, i64::MAX),
        UInt1 => Form::Int(0, u8::MAX.into()),
        UInt2 => Form::Int(0, u16::MAX.into()),
        UInt4 | Oid | Xid | Regclass | Regtype | Regproc | Regnamespace | Regrole => {
            Form::Int(0, u32::MAX.into())
        }
        UInt8 => Form::UInt8,
        Float4 => Form::Float4,
        Float8 => Form::Float8,
        Numeric => Form::Numeric,
        Text | Varchar | Name | Char | Unknown | PgNodeTree | AclItem | PgLsn | Tid => Form::Text,
        Bpchar => Form::Blank,
        Bytea => Form::Bytes,
        Date => Form::Date,
        Time => Form::Time,
        Timestamp => Form::Timestamp,
        TimestampTz => Form::TimestampTz,
        Interval => Form::Interval,
        Uuid => Form::Uuid,
        ObjectId => Form::ObjectId,
        Json | Jsonb | Any | Void | Record => Form::Item,
        Int2Vector | OidVector => Form::Array,
    }
}

const MISMATCH: Error = Error::Internal("a datum is not of its column's type");

/// How a column of a type stands in a key: SQL's place for NaN where the type is declared, BSON's
/// where it is not.
pub(crate) fn order(ty: Type, descending: bool, nulls_first: bool) -> Order {
    let nan = if form(ty) == Form::Item { Nan::Low } else { Nan::High };
    let nulls = if nulls_first { value::key::Nulls::First } else { value::key::Nulls::Last };
    Order { descending, nulls, nan }
}

/// Text without the trailing blanks that CHAR(n) ignores.
pub(crate) fn without_blanks(text: &str) -> &str {
    text.trim_end_matches(' ')
}

/// Writes a datum (not NULL) of a declared type.
pub(crate) fn write_item(encoder: &mut Encoder<'_>, ty: Type, datum: &Datum<'_>) -> Result<()> {
    match (form(ty), *datum) {
        (Form::Bool, Datum::Bool(v)) => encoder.bool(v),
        (Form::Int(low, high), Datum::Int(n)) if (low..=high).contains(&n) => encoder.int(n),
        (Form::UInt8, Datum::Int(n)) if n >= 0 => encoder.int(n),
        (Form::UInt8, Datum::UInt(n)) => encoder.uint(n),
        (Form::Float4, Datum::Float32(n)) => encoder.float32(n),
        (Form::Float8, Datum::Float(n)) => encoder.float64(n),
        (Form::Numeric, Datum::Decimal(n)) => encoder.decimal(n),
        (Form::Text, Datum::Text(text)) => encoder.text(text),
        (Form::Blank, Datum::Text(text)) => encoder.text(without_blanks(text)),
        (Form::Bytes, Datum::Bytes(data)) => encoder.bytes(data),
        (Form::Date, Datum::Date(n)) => encoder.date(n),
        (Form::Time, Datum::Time(n)) => encoder.time(n),
        (Form::Timestamp, Datum::Timestamp(n)) => encoder.timestamp(n),
        (Form::TimestampTz, Datum::TimestampTz(n)) => encoder.timestamp_tz(n),
        (Form::Interval, Datum::Interval(v)) => encoder.interval(v),
        (Form::Uuid, Datum::Uuid(v)) => encoder.uuid(&v),
        (Form::ObjectId, Datum::ObjectId(v)) => encoder.object_id(&v),
        (Form::Item, Datum::Json(raw)) => encoder.encoded(raw.bytes()?),
        (Form::Array, Datum::Array(raw)) => encoder.encoded(raw.bytes()?),
        // A plain datum where any value may stand is the value of its kind.
        (Form::Item, _) if ty == Type::ANY => encoder.value(&to_value(datum, ty)?),
        _ => return Err(MISMATCH),
    }
    Ok(())
}

/// Reads an item of a declared type.
pub(crate) fn from_item<'a>(raw: Raw<'a>, ty: Type, arena: &'a Arena) -> Result<Datum<'a>> {
    let form = form(ty);
    match form {
        Form::Int(..) => return raw.as_i64().map(Datum::Int).ok_or_else(damaged),
        Form::Text | Form::Blank => return raw.as_str().map(Datum::Text).ok_or_else(damaged),
        Form::UInt8 => {
            let n = raw.as_u64().ok_or_else(damaged)?;
            return Ok(uint(n));
        }
        Form::Item => return Ok(Datum::Json(raw)),
        Form::Array => return Ok(Datum::Array(raw)),
        _ => {}
    }
    Ok(match (form, raw.item()?) {
        (Form::Bool, Item::Bool(v)) => Datum::Bool(v),
        (Form::Float4, Item::Float32(n)) => Datum::Float32(n),
        (Form::Float8, Item::Float64(n)) => Datum::Float(n),
        (Form::Numeric, Item::Decimal(n)) => Datum::Decimal(arena.decimal(n)),
        (Form::Bytes, Item::Bytes { data, .. }) => Datum::Bytes(data),
        (Form::Date, Item::Date(n)) => Datum::Date(n),
        (Form::Time, Item::Time(n)) => Datum::Time(n),
        (Form::Timestamp, Item::Timestamp(n)) => Datum::Timestamp(n),
        (Form::TimestampTz, Item::TimestampTz(n)) => Datum::TimestampTz(n),
        (Form::Interval, Item::Interval(v)) => Datum::Interval(v),
        (Form::Uuid, Item::Uuid(v)) => Datum::Uuid(v),
        (Form::ObjectId, Item::ObjectId(v)) => Datum::ObjectId(v),
        _ => return Err(damaged()),
    })
}

fn damaged() -> Error {
    Error::Corrupt("column of a row".into())
}

fn uint(n: u64) -> Datum<'static> {
    i64::try_from(n).map_or(Datum::UInt(n), Datum::Int)
}

/// Writes a datum as one element of a key; NULL and missing as null.
pub(crate) fn write_key(writer: &mut KeyWriter<'_>, ty: Type, datum: &Datum<'_>) -> Result<()> {
    match *datum {
        Datum::Missing | Datum::Null => writer.null(),
        Datum::Bool(v) => writer.bool(v),
        Datum::Int(n) => writer.int(n),
        Datum::UInt(n) => writer.uint(n),
        Datum::Float32(n) => writer.float(n.into()),
        Datum::Float(n) => writer.float(n),
        Datum::Decimal(n) => writer.decimal(n),
        Datum::Text(text) if form(ty) == Form::Blank => writer.text(without_blanks(text)),
        Datum::Text(text) => writer.text(text),
        Datum::Bytes(data) => writer.bytes(0, data),
        Datum::Date(n) => writer.date(n),
        Datum::Time(n) => writer.time(n),
        Datum::Timestamp(n) => writer.timestamp(n),
        Datum::TimestampTz(n) => writer.timestamp_tz(n),
        Datum::Interval(v) => writer.interval(v),
        Datum::Uuid(v) => writer.uuid(&v),
        Datum::ObjectId(v) => writer.object_id(&v),
        Datum::Json(raw) | Datum::Array(raw) if ty.scalar == Scalar::Jsonb => {
            match in_order(raw)? {
                Some(value) => writer.value(&value),
                None => writer.raw(raw)?,
            }
        }
        Datum::Json(raw) | Datum::Array(raw) => writer.raw(raw)?,
        Datum::Record(_) => return Err(Error::Unsupported("a row value in a key".into())),
    }
    Ok(())
}

/// A jsonb value with the fields of its documents in one order, so that equal values have one key;
/// `None` where they stand in it already. The order is jsonb's: shorter names first, then by bytes.
fn in_order(raw: Raw<'_>) -> Result<Option<Value>> {
    if is_in_order(raw) {
        return Ok(None);
    }
    let mut value = raw.to_value().map_err(|_| Error::Corrupt("a jsonb value".into()))?;
    put_in_order(&mut value);
    Ok(Some(value))
}

fn by_name(a: &str, b: &str) -> std::cmp::Ordering {
    a.len().cmp(&b.len()).then_with(|| a.as_bytes().cmp(b.as_bytes()))
}

/// Depth is bounded: what is stored was validated.
fn is_in_order(raw: Raw<'_>) -> bool {
    if raw.is_array() {
        return raw.elements().all(|element| element.is_ok_and(is_in_order));
    }
    let mut before: Option<&str> = None;
    !raw.is_document()
        || raw.entries().all(|entry| {
            let Ok((value::cbor::Key::Name(name), field)) = entry else { return false };
            let ascends = before.is_none_or(|before| by_name(before, name).is_lt());
            before = Some(name);
            ascends && is_in_order(field)
        })
}

fn put_in_order(value: &mut Value) {
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(put_in_order),
        Value::Document(document) => {
            let mut fields: Vec<(String, Value)> = std::mem::take(document).into_iter().collect();
            fields.sort_by(|(a, _), (b, _)| by_name(a, b));
            fields.iter_mut().for_each(|(_, field)| put_in_order(field));
            *document = fields.into_iter().collect();
        }
        _ => {}
    }
}

/// Whether the key alone gives exactly this datum back.
pub(crate) fn is_kept_by_key(ty: Type, datum: &Datum<'_>) -> bool {
    match *datum {
        Datum::Float32(n) => {
            same_float(n.into()) && !(n.is_nan() && n.to_bits() != f32::NAN.to_bits())
        }
        Datum::Float(n) => same_float(n),
        Datum::Decimal(n) => n.identical(&n.normalized()),
        Datum::Interval(v) => v.months == 0 && v.span() / DAY == v.days.into(),
        Datum::Json(raw) | Datum::Array(raw) => {
            let ordered = ty.scalar != Scalar::Jsonb || is_in_order(raw);
            ordered && is_item_kept(ty, raw).unwrap_or(false)
        }
        _ => true,
    }
}

const DAY: i128 = value::calendar::MICROS_PER_DAY as i128;

fn same_float(n: f64) -> bool {
    !(n == 0.0 && n.is_sign_negative()) && (!n.is_nan() || n.to_bits() == f64::NAN.to_bits())
}

fn is_item_kept(ty: Type, raw: Raw<'_>) -> Option<bool> {
    let mut key = Vec::new();
    let mut writer = KeyWriter::new(&mut key);
    writer.order(order(ty, false, false));
    writer.raw(raw).ok()?;
    let back = value::KeyReader::new(&key).value().ok()??;
    Some(value::cbor::encode(&back) == raw.bytes().ok()?)
}

/// Reads an element of a key.
pub(crate) fn from_key<'a>(element: &'a [u8], ty: Type, arena: &'a Arena) -> Result<Datum<'a>> {
    if let Some(text) = plain_text(element)
        && matches!(form(ty), Form::Text | Form::Blank)
    {
        return Ok(Datum::Text(text));
    }
    let corrupt = || Error::Corrupt("key of a row".into());
    let value =
        value::KeyReader::new(element).value().map_err(|_| corrupt())?.ok_or_else(corrupt)?;
    Ok(match (form(ty), &value) {
        (_, Value::Null) if form(ty) != Form::Item => Datum::Null,
        (Form::Float4, _) => Datum::Float32(double(&value).ok_or_else(corrupt)? as f32),
        (Form::Float8, _) => Datum::Float(double(&value).ok_or_else(corrupt)?),
        (Form::Numeric, _) => Datum::Decimal(arena.decimal(number(&value).ok_or_else(corrupt)?)),
        (Form::Item | Form::Array, _) => {
            let raw = Raw::new(arena.bytes(&value::cbor::encode(&value)));
            if form(ty) == Form::Array { Datum::Array(raw) } else { Datum::Json(raw) }
        }
        _ => from_value(&value, ty, arena).map_err(|_| corrupt())?,
    })
}

/// The text of an ascending text element without escapes, borrowed.
fn plain_text(element: &[u8]) -> Option<&str> {
    let text = element.strip_prefix(&[0x28])?.strip_suffix(&[0, 1])?;
    if text.contains(&0) { None } else { std::str::from_utf8(text).ok() }
}

/// A number as a double, exactly as the key had it.
fn double(value: &Value) -> Option<f64> {
    Some(match value {
        Value::Int64(n) => *n as f64,
        Value::UInt64(n) => *n as f64,
        Value::Float64(n) => *n,
        Value::Decimal(n) => n.to_f64(),
        _ => return None,
    })
}

/// A number as the decimal without trailing zeros.
fn number(value: &Value) -> Option<Decimal> {
    Some(match value {
        Value::Int64(n) => Decimal::from(i128::from(*n)),
        Value::UInt64(n) => Decimal::from(i128::from(*n)),
        Value::Float64(n) if n.is_nan() => Decimal::NAN,
        Value::Float64(n) if n.is_infinite() && *n > 0.0 => Decimal::INFINITY,
        Value::Float64(n) if n.is_infinite() => Decimal::NEG_INFINITY,
        Value::Float64(n) => Decimal::from_f64_exact(*n).normalized(),
        Value::Decimal(n) => n.normalized(),
        _ => return None,
    })
}

/// The owned value of a datum, with the width that its type gives.
pub fn to_value(datum: &Datum<'_>, ty: Type) -> Result<Value> {
    Ok(match *datum {
        Datum::Missing | Datum::Null => Value::Null,
        Datum::Bool(v) => Value::Bool(v),
        Datum::Int(n) => integer(n, ty),
        Datum::UInt(n) => Value::from_u64(n),
        Datum::Float32(n) => Value::Float32(n),
        Datum::Float(n) => Value::Float64(n),
        Datum::Decimal(n) => Value::Decimal(n.clone()),
        Datum::Text(text) => Value::Text(text.to_owned()),
        Datum::Bytes(data) => Value::bytes(data),
        Datum::Date(n) => Value::Date(n),
        Datum::Time(n) => Value::Time(n),
        Datum::Timestamp(n) => Value::Timestamp(n),
        Datum::TimestampTz(n) => Value::TimestampTz(n),
        Datum::Interval(v) => Value::Interval(v),
        Datum::Uuid(v) => Value::Uuid(v),
        Datum::ObjectId(v) => Value::ObjectId(v),
        Datum::Json(raw) => raw.to_value()?,
        Datum::Array(raw) => widened(raw.to_value()?, ty.element()),
        Datum::Record(row) => {
            let elements: Result<Vec<Value>> = row.iter().map(|d| to_value(d, Type::ANY)).collect();
            Value::Array(elements?)
        }
    })
}

/// Integers within an array get the width of its type.
fn widened(value: Value, ty: Type) -> Value {
    match value {
        Value::Array(elements) => {
            Value::Array(elements.into_iter().map(|element| widened(element, ty)).collect())
        }
        Value::Int8(_) | Value::Int16(_) | Value::Int32(_) | Value::Int64(_) => {
            value.as_i64().map_or(value, |n| integer(n, ty))
        }
        other => other,
    }
}

/// The integer in the width of a type; `Int64` where the type gives none or the number does not
/// fit.
fn integer(n: i64, ty: Type) -> Value {
    use Scalar::*;
    let narrow = match ty.scalar {
        Int1 => i8::try_from(n).ok().map(Value::Int8),
        Int2 | UInt1 => i16::try_from(n).ok().map(Value::Int16),
        Int4 | UInt2 => i32::try_from(n).ok().map(Value::Int32),
        _ => None,
    };
    narrow.unwrap_or(Value::Int64(n))
}

/// The datum of a value that is of the type already (see `assign` for values that may not be).
pub fn from_value<'a>(value: &Value, ty: Type, arena: &'a Arena) -> Result<Datum<'a>> {
    borrowed(value, ty, arena).map(|datum| arena.copy(&datum))
}

/// As [`from_value`], borrowing texts and bytes from the value.
pub(crate) fn borrowed<'a>(value: &'a Value, ty: Type, arena: &'a Arena) -> Result<Datum<'a>> {
    let item = |value: &Value| Raw::new(arena.bytes(&value::cbor::encode(value)));
    Ok(match (form(ty), value) {
        (Form::Item, value) => Datum::Json(item(value)),
        (_, Value::Null) => Datum::Null,
        (Form::Array, Value::Array(_)) => Datum::Array(item(value)),
        (Form::Bool, Value::Bool(v)) => Datum::Bool(*v),
        (Form::Int(low, high), value) => match value.as_i64() {
            Some(n) if (low..=high).contains(&n) => Datum::Int(n),
            _ => return Err(MISMATCH),
        },
        (Form::UInt8, Value::UInt64(n)) => uint(*n),
        (Form::UInt8, value) => match value.as_i64() {
            Some(n) if n >= 0 => Datum::Int(n),
            _ => return Err(MISMATCH),
        },
        (Form::Float4, Value::Float32(n)) => Datum::Float32(*n),
        (Form::Float8, Value::Float64(n)) => Datum::Float(*n),
        (Form::Numeric, Value::Decimal(n)) => Datum::Decimal(n),
        (Form::Text, Value::Text(text)) => Datum::Text(text),
        (Form::Blank, Value::Text(text)) => Datum::Text(without_blanks(text)),
        (Form::Bytes, Value::Bytes { data, .. }) => Datum::Bytes(data),
        (Form::Date, Value::Date(n)) => Datum::Date(*n),
        (Form::Time, Value::Time(n)) => Datum::Time(*n),
        (Form::Timestamp, Value::Timestamp(n)) => Datum::Timestamp(*n),
        (Form::TimestampTz, Value::TimestampTz(n)) => Datum::TimestampTz(*n),
        (Form::Interval, Value::Interval(v)) => Datum::Interval(*v),
        (Form::Uuid, Value::Uuid(v)) => Datum::Uuid(*v),
        (Form::ObjectId, Value::ObjectId(v)) => Datum::ObjectId(*v),
        _ => return Err(MISMATCH),
    })
}

/// A short text of a value for an error's detail.
pub(crate) fn shown(value: &Value) -> String {
    let text: Cow<'_, str> = match value {
        Value::Text(text) | Value::Symbol(text) => Cow::Borrowed(text),
        Value::Null => Cow::Borrowed("null"),
        other => Cow::Owned(format!("{other:?}")),
    };
    text.chars().take(200).collect()
}
