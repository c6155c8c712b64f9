//! Values without schema: into declared types where they are exactly of them, and out of them.
//!
//! A field that no column declares may hold anything, so its expression is of type `ANY` and its
//! datum one CBOR item. Reading it as a type asks that nothing be lost: 5.0 is an integer, 5.5 is
//! not (42804).

use value::{Decimal, Encoder, Item, Kind, Raw};

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

/// Any datum as a value without schema.
pub(super) fn to_any<'a>(datum: &Datum<'a>, ty: Type, arena: &'a Arena) -> Result<Datum<'a>> {
    if let Datum::Json(_) = datum {
        return Ok(*datum);
    }
    let mut bytes = Vec::new();
    array::encode_element(&mut Encoder::new(&mut bytes), datum, ty.scalar)?;
    Ok(Datum::Json(Raw::new(arena.bytes(&bytes))))
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
    let Datum::Json(raw) = *datum else { return Ok(*datum) };
    if matches!(ty, Type::JSON | Type::JSONB | Type::ANY) {
        return Ok(*datum);
    }
    let item = raw.item().map_err(damaged)?;
    if ty.array {
        return elements(session, &item, ty, arena);
    }
    if let Some(exact) = number(&item, ty, arena)? {
        return Ok(exact);
    }
    let plain = from_item(item, raw, arena)?;
    match (plain, ty.scalar) {
        (Datum::Null, _) => Ok(Datum::Null),
        (Datum::Text(text), Scalar::Text | Scalar::Varchar) => Ok(Datum::Text(text)),
        (Datum::Text(text), _) => input(session, ty, text, -1, arena),
        (_, Scalar::Text | Scalar::Varchar | Scalar::Bpchar | Scalar::Name) => {
            Ok(Datum::Text(arena.text(&output_string(session, Type::ANY, -1, datum)?)))
        }
        (plain, scalar) if is_of(&plain, scalar) => Ok(plain),
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
    let Some(n) = json::number(item) else { return Ok(None) };
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
