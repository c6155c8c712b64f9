//! Values without schema: into declared types where they are exactly of them, and out of them.
//!
//! What no column's type fixes may be anything, so its expression is of type `ANY`. Reading it as
//! a type asks that nothing be lost: 5.0 is an integer, 5.5 is not (42804).
//!
//! ```text
//!   stored item ── plain ──► the datum of what it is: 5, 'abc', an ObjectId
//!                     └────► the item itself: documents, arrays, what has no datum
//! ```
//!
//! **Invariants**
//! - Values of type `ANY` compare as keys do: on one scale over all types ([`value::cmp_bson`]), so
//!   the primary key finds what a comparison names. Values of different kinds are unequal.
//! - Where rows are read, a value of type `ANY` is plain, so that grouping and joins see one datum
//!   for one value; whoever shows or compares one takes the item as well.

use std::cmp::Ordering;

use value::{Decimal, Encoder, Item, KeyWriter, Kind, Raw, Value, cmp_bson};

use super::kernels::{numeric_to_float4, numeric_to_float8};
use super::{input, output_string};
use crate::expression::Session;
use crate::function::array::{self, damaged, from_item};
use crate::function::json;
use crate::{Arena, Datum, Error, ErrorKind, Result, Scalar, Type};

/// The boolean of a jsonb.
pub(super) fn json_bool<'a>(raw: Raw<'a>) -> Result<Datum<'a>> {
    match raw.as_bool() {
        Some(value) => Ok(Datum::Bool(value)),
        None => Err(cannot_cast(raw, "boolean")),
    }
}

/// The number of a jsonb.
pub(super) fn json_number(raw: Raw<'_>, ty: &str) -> Result<Decimal> {
    let item = raw.item().map_err(damaged)?;
    json::number(&item).ok_or_else(|| cannot_cast(raw, ty))
}

#[cold]
fn cannot_cast(raw: Raw<'_>, ty: &str) -> Error {
    let kind = match raw.kind() {
        Some(Kind::Null) => "null",
        Some(Kind::Bool) => "boolean",
        Some(Kind::Document) => "object",
        Some(Kind::Array) => "array",
        Some(kind) if kind.is_number() => "numeric",
        _ => "string",
    };
    let message = format!("cannot cast jsonb {kind} to type {ty}");
    Error::new(ErrorKind::Type, "22023", message)
}

/// The datum of an item, where there is one that loses nothing.
///
/// # Errors
/// Damaged bytes.
pub fn plain<'a>(raw: Raw<'a>, arena: &'a Arena) -> Result<Datum<'a>> {
    let item = raw.item().map_err(damaged)?;
    match item {
        Item::Array(_) => Ok(Datum::Json(raw)),
        Item::Bytes { subtype, .. } if subtype != 0 => Ok(Datum::Json(raw)),
        item => from_item(item, raw, arena),
    }
}

/// Any datum as a value without schema.
pub(super) fn to_any<'a>(datum: &Datum<'a>, ty: Type, arena: &'a Arena) -> Result<Datum<'a>> {
    match *datum {
        Datum::Json(raw) => plain(raw, arena),
        Datum::Array(_) | Datum::Record(_) => item_of(datum, ty, arena).map(Datum::Json),
        datum => Ok(datum),
    }
}

/// The item of any datum.
fn item_of<'a>(datum: &Datum<'_>, ty: Type, arena: &'a Arena) -> Result<Raw<'a>> {
    let mut bytes = Vec::new();
    array::encode_element(&mut Encoder::new(&mut bytes), datum, ty.scalar)?;
    Ok(Raw::new(arena.bytes(&bytes)))
}

/// How two values without schema compare: as their keys do.
///
/// # Errors
/// Damaged bytes.
pub fn compare(a: &Datum<'_>, b: &Datum<'_>) -> Result<Ordering> {
    match (a, b) {
        (Datum::Int(a), Datum::Int(b)) => Ok(a.cmp(b)),
        (Datum::Text(a), Datum::Text(b)) => Ok(a.as_bytes().cmp(b.as_bytes())),
        (Datum::Json(a), Datum::Json(b)) => value::compare::cmp_raw(*a, *b).map_err(damaged),
        (a, b) => Ok(cmp_bson(&value_of(a)?, &value_of(b)?)),
    }
}

/// The bytes whose order is [`compare`]'s.
///
/// # Errors
/// Damaged bytes.
pub fn write_key(datum: &Datum<'_>, out: &mut Vec<u8>) -> Result<()> {
    KeyWriter::new(out).value(&value_of(datum)?);
    Ok(())
}

fn value_of(datum: &Datum<'_>) -> Result<Value> {
    model::row::to_value(datum, Type::ANY).map_err(crate::execute::fault::fault)
}

/// A value without schema as a declared type.
///
/// # Errors
/// 42804 where it is not exactly of it; what the input function of the type says where it is a
/// text.
pub(super) fn from_any<'a>(
    session: &'a dyn Session,
    datum: &Datum<'a>,
    ty: Type,
    arena: &'a Arena,
) -> Result<Datum<'a>> {
    if datum.is_null() || ty == Type::ANY {
        return Ok(*datum);
    }
    let raw = match *datum {
        Datum::Json(raw) => raw,
        _ => item_of(datum, Type::ANY, arena)?,
    };
    if matches!(ty, Type::JSON | Type::JSONB) {
        return Ok(Datum::Json(raw));
    }
    let item = raw.item().map_err(damaged)?;
    if ty.array {
        return elements(session, &item, ty, arena);
    }
    if let Some(exact) = number(&item, ty, arena)? {
        return Ok(exact);
    }
    let found = from_item(item, raw, arena)?;
    match (found, ty.scalar) {
        (Datum::Null, _) => Ok(Datum::Null),
        (Datum::Text(text), Scalar::Text | Scalar::Varchar) => Ok(Datum::Text(text)),
        (Datum::Text(text), _) => input(session, ty, text, -1, arena),
        (_, Scalar::Text | Scalar::Varchar | Scalar::Bpchar | Scalar::Name) => {
            Ok(Datum::Text(arena.text(&output_string(session, Type::ANY, -1, datum)?)))
        }
        (found, scalar) if is_of(&found, scalar) => Ok(found),
        _ => Err(mismatch(ty)),
    }
}

#[cold]
fn mismatch(ty: Type) -> Error {
    let message = format!("a stored value is not of type {}", ty.display(-1));
    Error::new(ErrorKind::Type, "42804", message)
}

fn elements<'a>(
    session: &'a dyn Session,
    item: &Item<'a>,
    ty: Type,
    arena: &'a Arena,
) -> Result<Datum<'a>> {
    let Item::Array(list) = item else {
        return if matches!(item, Item::Null | Item::Undefined) {
            Ok(Datum::Null)
        } else {
            Err(mismatch(ty))
        };
    };
    let mut made = Vec::new();
    for element in list.elements() {
        let element = element.map_err(damaged)?;
        if element.is_array() {
            return Err(Error::unsupported("a nested array in a field without schema"));
        }
        made.push(from_any(session, &Datum::Json(element), ty.element(), arena)?);
    }
    Ok(Datum::Array(Raw::new(arena.bytes(&array::encode(&made, ty.scalar)?))))
}

/// A number as a numeric type, where nothing is lost; `None` if either is no number.
fn number<'a>(item: &Item<'a>, ty: Type, arena: &'a Arena) -> Result<Option<Datum<'a>>> {
    use Scalar::*;
    let n = match (item, ty.scalar) {
        (Item::Float64(n), Float8) => return Ok(Some(Datum::Float(*n))),
        (Item::Float32(n), Float4) => return Ok(Some(Datum::Float32(*n))),
        // JSON has no word for these, numbers of SQL have.
        (Item::Float64(n), _) if !n.is_finite() => Decimal::from_f64(*n),
        (Item::Float32(n), _) if !n.is_finite() => Decimal::from_f32(*n),
        _ => match json::number(item) {
            Some(n) => n,
            None => return Ok(None),
        },
    };
    let within =
        |low: i64, high: i64| n.to_i64_exact().filter(|n| (low..=high).contains(n)).map(Datum::Int);
    let exact = match ty.scalar {
        Int1 => within(i8::MIN.into(), i8::MAX.into()),
        Int2 => within(i16::MIN.into(), i16::MAX.into()),
        Int4 => within(i32::MIN.into(), i32::MAX.into()),
        Int8 => within(i64::MIN, i64::MAX),
        UInt1 => within(0, u8::MAX.into()),
        UInt2 => within(0, u16::MAX.into()),
        UInt4 | Oid => within(0, u32::MAX.into()),
        UInt8 => n.to_u64_exact().map(|n| i64::try_from(n).map_or(Datum::UInt(n), Datum::Int)),
        Float4 => Some(Datum::Float32(numeric_to_float4(&n)?)),
        Float8 => Some(Datum::Float(numeric_to_float8(&n)?)),
        Numeric => Some(Datum::Decimal(arena.decimal(n.clone()))),
        _ => return Ok(None),
    };
    exact.map(Some).ok_or_else(|| mismatch(ty))
}

/// Whether a datum is one of a scalar type.
fn is_of(datum: &Datum<'_>, scalar: Scalar) -> bool {
    use Scalar::*;
    match datum {
        Datum::Bool(_) => scalar == Bool,
        Datum::Bytes(_) => scalar == Bytea,
        Datum::Date(_) => scalar == Date,
        Datum::Time(_) => scalar == Time,
        Datum::Timestamp(_) => scalar == Timestamp,
        Datum::TimestampTz(_) => scalar == TimestampTz,
        Datum::Interval(_) => scalar == Interval,
        Datum::Uuid(_) => scalar == Uuid,
        Datum::ObjectId(_) => scalar == ObjectId,
        _ => false,
    }
}
