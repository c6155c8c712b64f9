//! Datum to text: every type's output function.
//!
//! The form is PostgreSQL's with its default settings: ISO dates, intervals in its own style, bytea
//! in hex, floats by their shortest digits. The type decides where the datum does not: a regclass
//! is a number, json and jsonb differ in how they are laid out.

use value::json::Style;
use value::text::{datetime, float, id, interval};
use value::{Item, Raw, json};

use super::registered;
use crate::expression::Session;
use crate::function::array::{self, damaged};
use crate::function::zone;
use crate::{Arena, Datum, Result, Scalar, Type};

/// Appends the text of a value. NULL has none: the caller says how it is shown.
///
/// # Errors
/// Damaged bytes; a time zone that does not exist.
pub fn output(
    session: &dyn Session,
    ty: Type,
    modifier: i32,
    datum: &Datum<'_>,
    out: &mut String,
) -> Result<()> {
    match *datum {
        Datum::Missing | Datum::Null => {}
        Datum::Bool(v) => out.push_str(if v { "t" } else { "f" }),
        Datum::Int(v) => integer(session, ty, v, out),
        Datum::UInt(v) => out.push_str(itoa::Buffer::new().format(v)),
        Datum::Float32(v) => out.push_str(&float::format_f32(v)),
        Datum::Float(v) => out.push_str(&float::format_f64(v)),
        Datum::Decimal(v) => {
            use std::fmt::Write;
            // Writing to a String does not fail.
            let _ = write!(out, "{v}");
        }
        Datum::Text(v) => text(ty, modifier, v, out),
        Datum::Bytes(v) => out.push_str(&id::format_bytes(v)),
        Datum::Date(v) => out.push_str(&datetime::format_date(v)),
        Datum::Time(v) => out.push_str(&datetime::format_time(v)),
        Datum::Timestamp(v) => out.push_str(&datetime::format_timestamp(v)),
        Datum::TimestampTz(v) => {
            let offset = zone::session(session)?.offset_at(v);
            out.push_str(&datetime::format_timestamp_tz(v, offset));
        }
        Datum::Interval(v) => out.push_str(&interval::format(v)),
        Datum::Uuid(v) => out.push_str(&id::format_uuid(&v)),
        Datum::ObjectId(v) => out.push_str(&id::format_object_id(&v)),
        Datum::Json(v) if ty == Type::ANY => open(session, v, out)?,
        Datum::Json(v) => json(ty, v, out)?,
        Datum::Array(v) if matches!(ty, Type::INT2VECTOR | Type::OIDVECTOR) => vector(v, out)?,
        Datum::Array(v) => array(session, ty.scalar, v, out)?,
        Datum::Record(fields) => record(session, fields, out)?,
    }
    Ok(())
}

/// The text of a value.
///
/// # Errors
/// As [`output`].
pub fn output_string(
    session: &dyn Session,
    ty: Type,
    modifier: i32,
    datum: &Datum<'_>,
) -> Result<String> {
    let mut out = String::new();
    output(session, ty, modifier, datum, &mut out)?;
    Ok(out)
}

fn integer(session: &dyn Session, ty: Type, n: i64, out: &mut String) {
    match ty.scalar {
        Scalar::Regclass => registered::write_class(session, n, out),
        Scalar::Regtype => registered::write_type(n, out),
        Scalar::Regproc => registered::write_function(n, out),
        Scalar::Regnamespace => registered::write_namespace(session, n, out),
        Scalar::Regrole => registered::write_role(session, n, out),
        _ => out.push_str(itoa::Buffer::new().format(n)),
    }
}

/// Char(n) is kept without the blanks that it shows.
fn text(ty: Type, modifier: i32, text: &str, out: &mut String) {
    out.push_str(text);
    if ty.scalar == Scalar::Bpchar && modifier > 4 {
        let length = usize::try_from(modifier - 4).unwrap_or(0);
        let missing = length.saturating_sub(text.chars().count());
        out.extend(std::iter::repeat_n(' ', missing));
    }
}

/// A value without schema shows as what it is: a text bare, a document as JSON.
fn open(session: &dyn Session, raw: Raw<'_>, out: &mut String) -> Result<()> {
    let arena = Arena::new();
    match super::plain(raw, &arena)? {
        Datum::Json(raw) => match raw.item() {
            Ok(Item::Bytes { data, .. }) => out.push_str(&id::format_bytes(data)),
            _ => json(Type::JSONB, raw, out)?,
        },
        found => output(session, Type::ANY, -1, &found, out)?,
    }
    Ok(())
}

fn json(ty: Type, raw: Raw<'_>, out: &mut String) -> Result<()> {
    let style = if ty.scalar == Scalar::Json { Style::SPACED } else { Style::JSONB };
    json::write(raw, style, out).map_err(damaged)
}

fn vector(array: Raw<'_>, out: &mut String) -> Result<()> {
    for (at, element) in array.elements().enumerate() {
        if at > 0 {
            out.push(' ');
        }
        let n = element.map_err(damaged)?.as_i64().unwrap_or(0);
        out.push_str(itoa::Buffer::new().format(n));
    }
    Ok(())
}

fn array(session: &dyn Session, scalar: Scalar, array: Raw<'_>, out: &mut String) -> Result<()> {
    out.push('{');
    let arena = Arena::new();
    let mut word = String::new();
    for (at, raw) in array.elements().enumerate() {
        if at > 0 {
            out.push(',');
        }
        let element = array::element(raw.map_err(damaged)?, scalar, &arena)?;
        match element {
            Datum::Null => out.push_str("NULL"),
            Datum::Array(inner) if !array::is_vector(scalar) => {
                self::array(session, scalar, inner, out)?;
            }
            element => {
                word.clear();
                output(session, Type::of(scalar), -1, &element, &mut word)?;
                quote_element(&word, out);
            }
        }
    }
    out.push('}');
    Ok(())
}

fn quote_element(word: &str, out: &mut String) {
    let special = |c: char| matches!(c, '{' | '}' | ',' | '"' | '\\') || c.is_ascii_whitespace();
    let quote = word.is_empty()
        || word.eq_ignore_ascii_case("null")
        || word.contains(|c: char| special(c) || c == '\x0b');
    if !quote {
        out.push_str(word);
        return;
    }
    out.push('"');
    for c in word.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

/// `(1,"a b",)`: a NULL field is nothing between commas.
fn record(session: &dyn Session, fields: &[Datum<'_>], out: &mut String) -> Result<()> {
    out.push('(');
    let mut word = String::new();
    for (at, field) in fields.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        if field.is_null() {
            continue;
        }
        word.clear();
        output(session, Type::UNKNOWN, -1, field, &mut word)?;
        quote_field(&word, out);
    }
    out.push(')');
    Ok(())
}

fn quote_field(word: &str, out: &mut String) {
    let special =
        |c: char| matches!(c, '(' | ')' | ',' | '"' | '\\' | '\x0b') || c.is_ascii_whitespace();
    if !word.is_empty() && !word.contains(special) {
        out.push_str(word);
        return;
    }
    out.push('"');
    for c in word.chars() {
        if matches!(c, '"' | '\\') {
            out.push(c);
        }
        out.push(c);
    }
    out.push('"');
}
