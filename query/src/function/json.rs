//! JSON values: what the functions on json and jsonb are made of.
//!
//! Both types are one CBOR item; they differ in how they are printed and in which operators exist.
//! A value of any other type becomes JSON here ([`encode`]): numbers and booleans stay themselves,
//! dates and the rest keep their own CBOR types, so that nothing is lost before the text is
//! printed.

use std::borrow::Cow;

use value::{Decimal, Encoder, Item, Raw, Value};

use super::Call;
use super::array::{self, damaged};
use crate::{Arena, Datum, Result, Scalar, Type};

/// The number of an item, if it is one; floats by their shortest decimal.
pub fn number(item: &Item<'_>) -> Option<Decimal> {
    let rank = super::datum_order::json_rank(item);
    (rank == super::datum_order::JSON_NUMBER).then(|| super::datum_order::json_number(item))
}

/// What `->>` shows of a scalar: strings as they are, the rest as JSON text without quotes.
pub fn scalar_text<'i>(item: &'i Item<'_>) -> Cow<'i, str> {
    match item {
        Item::Text(text) | Item::Symbol(text) => Cow::Borrowed(text),
        Item::Bool(true) => Cow::Borrowed("true"),
        Item::Bool(false) => Cow::Borrowed("false"),
        Item::Null | Item::Undefined => Cow::Borrowed("null"),
        Item::Document(raw) | Item::Array(raw) => {
            Cow::Owned(raw.to_json(value::json::Style::JSONB).unwrap_or_default())
        }
        item => Cow::Owned(foreign_text(item)),
    }
}

/// The text of a type that JSON does not have, without quotes.
fn foreign_text(item: &Item<'_>) -> String {
    use value::text::{datetime, float, id, interval};
    match item {
        Item::Int8(n) => n.to_string(),
        Item::Int16(n) => n.to_string(),
        Item::Int32(n) => n.to_string(),
        Item::Int64(n) => n.to_string(),
        Item::UInt64(n) => n.to_string(),
        Item::Float32(n) if n.is_finite() => Decimal::from_f32(*n).to_string(),
        Item::Float32(n) => float::format_f32(*n),
        Item::Float64(n) if n.is_finite() => float::format_f64_plain(*n),
        Item::Float64(n) => float::format_f64(*n),
        Item::Decimal(n) => n.to_string(),
        Item::Bytes { data, .. } => id::format_bytes(data),
        Item::Date(n) => datetime::format_date(*n),
        Item::Time(n) => datetime::format_time(*n),
        Item::Timestamp(n) => datetime::format_timestamp_iso(*n),
        Item::TimestampTz(n) => datetime::format_timestamp_tz_iso(*n, 0),
        Item::Interval(n) => interval::format(*n),
        Item::Uuid(n) => id::format_uuid(n),
        Item::ObjectId(n) => id::format_object_id(n),
        other => format!("{other:?}"),
    }
}

/// The text of an item as `->>` gives it; `None` for a JSON null.
///
/// # Errors
/// Damage.
pub fn text_of<'a>(raw: Raw<'a>, json: bool, arena: &'a Arena) -> Result<Datum<'a>> {
    let item = raw.item().map_err(damaged)?;
    Ok(match item {
        Item::Null | Item::Undefined => Datum::Null,
        Item::Text(text) => Datum::Text(text),
        Item::Document(_) | Item::Array(_) => {
            let style = style(json);
            Datum::Text(arena.text(&raw.to_json(style).map_err(damaged)?))
        }
        Item::Regex { .. }
        | Item::Code { .. }
        | Item::BsonTimestamp { .. }
        | Item::DbPointer { .. }
        | Item::MinKey
        | Item::MaxKey => Datum::Text(arena.text(&raw.to_json(style(json)).map_err(damaged)?)),
        item => Datum::Text(arena.text(&scalar_text(&item))),
    })
}

/// How a type is laid out.
pub fn style(json: bool) -> value::json::Style {
    if json { value::json::Style::SPACED } else { value::json::Style::JSONB }
}

/// Appends any datum as a JSON value.
///
/// # Errors
/// Damage.
pub fn encode(
    out: &mut Encoder<'_>,
    call: &Call<'_, '_>,
    datum: &Datum<'_>,
    ty: Type,
) -> Result<()> {
    match datum {
        Datum::Record(fields) => {
            out.map(fields.len());
            for (at, field) in fields.iter().enumerate() {
                out.key(&format!("f{}", at + 1));
                encode(out, call, field, Type::UNKNOWN)?;
            }
            Ok(())
        }
        // A number of another meaning shows as its name.
        Datum::Int(_) if is_registered(ty) => {
            out.text(&crate::cast::output_string(call.session(), ty, -1, datum)?);
            Ok(())
        }
        // JSON shows an instant in the session's zone; the stored one would print in UTC.
        Datum::TimestampTz(micros) => {
            let offset = super::zone::session(call.session())?.offset_at(*micros);
            if offset == 0 {
                out.timestamp_tz(*micros);
            } else {
                out.text(&value::text::datetime::format_timestamp_tz_iso(*micros, offset));
            }
            Ok(())
        }
        // JSON's numbers know no negative zero.
        Datum::Float(n) if *n == 0.0 => {
            out.float64(0.0);
            Ok(())
        }
        Datum::Text(text) if ty.scalar == Scalar::Bpchar => {
            out.text(text);
            Ok(())
        }
        datum => array::encode_element(out, datum, ty.scalar),
    }
}

fn is_registered(ty: Type) -> bool {
    use Scalar::*;
    matches!(ty.scalar, Regclass | Regtype | Regproc | Regnamespace | Regrole)
}

/// The bytes of an object; of a name that comes twice the last value stands, where the first stood.
///
/// # Errors
/// Damage.
pub fn object(pairs: &mut Vec<(&str, Raw<'_>)>) -> Result<Vec<u8>> {
    let mut kept: Vec<(&str, Raw<'_>)> = Vec::with_capacity(pairs.len());
    let mut places: hashbrown::HashMap<&str, usize> = hashbrown::HashMap::new();
    for (name, value) in pairs.drain(..) {
        match places.get(name) {
            Some(at) => {
                if let Some(slot) = kept.get_mut(*at) {
                    slot.1 = value;
                }
            }
            None => {
                places.insert(name, kept.len());
                kept.push((name, value));
            }
        }
    }
    let mut bytes = Vec::new();
    let mut out = Encoder::new(&mut bytes);
    out.map(kept.len());
    for (name, value) in kept {
        out.key(name);
        out.encoded(value.bytes().map_err(damaged)?);
    }
    Ok(bytes)
}

/// An owned copy, for functions that rebuild a tree.
///
/// # Errors
/// Damage.
pub fn tree(raw: Raw<'_>) -> Result<Value> {
    raw.to_value().map_err(damaged)
}

/// A tree as a datum.
pub fn keep<'a>(call: &Call<'a, '_>, value: &Value) -> Datum<'a> {
    call.json(&value::cbor::encode(value))
}

/// The entries of an object in the order in which they are stored.
pub fn entries(raw: Raw<'_>) -> Vec<(&str, Raw<'_>)> {
    let named = raw.entries().filter_map(|entry| match entry {
        Ok((value::Key::Name(name), value)) => Some((name, value)),
        _ => None,
    });
    named.collect()
}
