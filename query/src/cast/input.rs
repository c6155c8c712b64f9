//! Text to datum: every type's input function.
//!
//! Errors are PostgreSQL's: 22P02 `invalid input syntax for type integer: "x"`, 22003 for numbers
//! out of range, 22007 and 22008 for dates. The modifier is applied as in an assignment, which is
//! what COPY and literals of a typed constant need.

use value::text::{TextError, float, id};
use value::{Raw, json};

use super::kernels::{fit_scalar, name, trimmed};
use super::{array_text, datetime, registered};
use crate::expression::Session;
use crate::{Arena, Datum, Error, ErrorKind, Result, Scalar, Type};

/// 22P02.
#[cold]
pub fn invalid_syntax(ty: &str, text: &str) -> Error {
    let message = format!("invalid input syntax for type {ty}: \"{text}\"");
    Error::new(ErrorKind::Type, "22P02", message)
}

#[cold]
fn out_of_range(text: &str, ty: &str) -> Error {
    let message = format!("value \"{text}\" is out of range for type {ty}");
    Error::new(ErrorKind::Type, "22003", message)
}

/// Reads a value of a type from its text.
///
/// # Errors
/// 22P02 and its kin; 0A000 for types that have no input.
pub fn input<'a>(
    session: &dyn Session,
    ty: Type,
    text: &str,
    modifier: i32,
    arena: &'a Arena,
) -> Result<Datum<'a>> {
    if ty.array {
        return array_text::parse(session, ty.scalar, text, modifier, arena);
    }
    let datum = scalar(session, ty.scalar, text, arena)?;
    fit_scalar(arena, datum, ty.scalar, modifier, false)
}

fn scalar<'a>(
    session: &dyn Session,
    scalar: Scalar,
    text: &str,
    arena: &'a Arena,
) -> Result<Datum<'a>> {
    use Scalar::*;
    Ok(match scalar {
        Bool => Datum::Bool(boolean(text)?),
        Int1 => integer(text, i8::MIN.into(), i8::MAX.into(), "tinyint")?,
        Int2 => integer(text, i16::MIN.into(), i16::MAX.into(), "smallint")?,
        Int4 => integer(text, i32::MIN.into(), i32::MAX.into(), "integer")?,
        Int8 => integer(text, i64::MIN.into(), i64::MAX.into(), "bigint")?,
        UInt1 => integer(text, 0, u8::MAX.into(), "uint1")?,
        UInt2 => integer(text, 0, u16::MAX.into(), "uint2")?,
        UInt4 => integer(text, 0, u32::MAX.into(), "uint4")?,
        UInt8 => integer(text, 0, u64::MAX.into(), "uint8")?,
        Oid | Xid => oid(text, if scalar == Oid { "oid" } else { "xid" })?,
        Float4 => Datum::Float32(float_of(float::parse_f32(text), text, "real")?),
        Float8 => Datum::Float(float_of(float::parse_f64(text), text, "double precision")?),
        Numeric => numeric(text, arena)?,
        Text | Varchar | Unknown | PgNodeTree | AclItem => Datum::Text(arena.text(text)),
        Bpchar => Datum::Text(arena.text(trimmed(text))),
        Name => Datum::Text(arena.text(name(text))),
        Char => Datum::Text(arena.text(text.get(..text.ceil_char_boundary(1)).unwrap_or(text))),
        Bytea => bytes(text, arena)?,
        Date => Datum::Date(datetime::date(session, text)?),
        Time => Datum::Time(datetime::time(session, text)?),
        Timestamp => Datum::Timestamp(datetime::timestamp(session, text)?),
        TimestampTz => Datum::TimestampTz(datetime::timestamptz(session, text)?),
        Interval => Datum::Interval(datetime::interval(text)?),
        Uuid => Datum::Uuid(id::parse_uuid(text).map_err(|_| invalid_syntax("uuid", text))?),
        ObjectId => Datum::ObjectId(
            id::parse_object_id(text.trim_ascii()).map_err(|_| invalid_syntax("objectid", text))?,
        ),
        Json | Jsonb | Any => Datum::Json(json_of(text, arena)?),
        Tid | PgLsn => Datum::Text(arena.text(text.trim_ascii())),
        Regclass => Datum::Int(registered::class(session, text)?),
        Regtype => Datum::Int(registered::regtype(text)?),
        Regproc => Datum::Int(registered::function(text)?),
        Regnamespace => Datum::Int(registered::namespace(session, text)?),
        Regrole => Datum::Int(registered::role(session, text)?),
        Int2Vector => vector(session, text, Int2, arena)?,
        OidVector => vector(session, text, Oid, arena)?,
        Void => Datum::Null,
        Record => {
            let message = "input of anonymous composite types is not implemented";
            return Err(Error::new(ErrorKind::Unsupported, "0A000", message));
        }
    })
}

/// Any beginning of true, false, yes, no, on and off that only one of them has; 1 and 0.
fn boolean(text: &str) -> Result<bool> {
    let word = text.trim_ascii().to_ascii_lowercase();
    let begins = |whole: &str, least: usize| word.len() >= least && whole.starts_with(&word);
    if begins("true", 1) || begins("yes", 1) || word == "on" || word == "1" {
        return Ok(true);
    }
    if begins("false", 1) || begins("no", 1) || begins("off", 2) || word == "0" {
        return Ok(false);
    }
    Err(invalid_syntax("boolean", text))
}

fn integer<'a>(text: &str, low: i128, high: i128, ty: &'static str) -> Result<Datum<'a>> {
    let digits = text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\x0b');
    let bare = digits.strip_prefix(['-', '+']).unwrap_or(digits);
    if bare.is_empty() || !bare.bytes().all(|b| b.is_ascii_digit()) {
        return Err(invalid_syntax(ty, text));
    }
    // Digits only, so that what does not parse is too long.
    let n = digits.parse::<i128>().ok().filter(|n| (low..=high).contains(n));
    let n = n.ok_or_else(|| out_of_range(text, ty))?;
    match (i64::try_from(n), u64::try_from(n)) {
        (Ok(n), _) => Ok(Datum::Int(n)),
        (_, Ok(n)) => Ok(Datum::UInt(n)),
        _ => Err(out_of_range(text, ty)),
    }
}

/// An unsigned number of 32 bits; a negative one is taken modulo 2^32.
fn oid<'a>(text: &str, ty: &'static str) -> Result<Datum<'a>> {
    match integer(text, i32::MIN.into(), u32::MAX.into(), ty)? {
        Datum::Int(n) => Ok(Datum::Int((n as u32).into())),
        other => Ok(other),
    }
}

fn float_of<T>(parsed: std::result::Result<T, TextError>, text: &str, ty: &str) -> Result<T> {
    parsed.map_err(|error| match error {
        TextError::Syntax => invalid_syntax(ty, text),
        TextError::Range => {
            let text = text.trim_ascii();
            let message = format!("\"{text}\" is out of range for type {ty}");
            Error::new(ErrorKind::Type, "22003", message)
        }
    })
}

fn numeric<'a>(text: &str, arena: &'a Arena) -> Result<Datum<'a>> {
    match value::Decimal::parse(text) {
        Ok(n) => Ok(Datum::Decimal(arena.decimal(n))),
        Err(value::DecimalError::Syntax) => Err(invalid_syntax("numeric", text)),
        Err(error) => Err(crate::function::numeric::failed(error)),
    }
}

fn bytes<'a>(text: &str, arena: &'a Arena) -> Result<Datum<'a>> {
    match id::parse_bytes(text) {
        Ok(bytes) => Ok(Datum::Bytes(arena.bytes(&bytes))),
        Err(_) => Err(bytes_error(text)),
    }
}

#[cold]
fn bytes_error(text: &str) -> Error {
    let Some(digits) = text.strip_prefix("\\x") else { return syntax_without_text("bytea") };
    let wrong = digits.chars().find(|c| !c.is_ascii_hexdigit() && !c.is_ascii_whitespace());
    let message = match wrong {
        Some(wrong) => format!("invalid hexadecimal digit: \"{wrong}\""),
        None => "invalid hexadecimal data: odd number of digits".to_owned(),
    };
    Error::new(ErrorKind::Type, "22023", message)
}

#[cold]
fn syntax_without_text(ty: &str) -> Error {
    Error::new(ErrorKind::Type, "22P02", format!("invalid input syntax for type {ty}"))
}

fn json_of<'a>(text: &str, arena: &'a Arena) -> Result<Raw<'a>> {
    let options = json::Options { allow_nul: false, ..json::Options::default() };
    match json::parse(text, &options) {
        Ok(bytes) => Ok(Raw::new(arena.bytes(&bytes))),
        Err(error) => Err(json_error(text, &error)),
    }
}

#[cold]
fn json_error(text: &str, error: &json::Error) -> Error {
    let rest = text.get(error.offset..).unwrap_or_default();
    let (kind, sqlstate, message, detail) = match error.kind {
        json::ErrorKind::Nul => (
            ErrorKind::Type,
            "22P05",
            "unsupported Unicode escape sequence",
            "\\u0000 cannot be converted to text.".to_owned(),
        ),
        json::ErrorKind::TooDeep => {
            return Error::new(ErrorKind::Limit, "54001", "JSON is nested too deeply");
        }
        json::ErrorKind::End => (
            ErrorKind::Type,
            "22P02",
            "invalid input syntax for type json",
            "The input string ended unexpectedly.".to_owned(),
        ),
        _ => (
            ErrorKind::Type,
            "22P02",
            "invalid input syntax for type json",
            format!("Token \"{}\" is invalid.", token(rest)),
        ),
    };
    Error::new(kind, sqlstate, message).detail(detail)
}

/// The word at which a JSON text goes wrong.
fn token(rest: &str) -> &str {
    let end = rest
        .char_indices()
        .skip(1)
        .find(|(_, c)| !(c.is_alphanumeric() || *c == '_' || !c.is_ascii()))
        .map_or(rest.len(), |(at, _)| at);
    let first_is_word = rest.chars().next().is_some_and(|c| c.is_alphanumeric() || c == '_');
    let one = rest.chars().next().map_or(0, char::len_utf8);
    rest.get(..if first_is_word { end } else { one }).unwrap_or(rest)
}

/// `1 2 3`.
fn vector<'a>(
    session: &dyn Session,
    text: &str,
    element: Scalar,
    arena: &'a Arena,
) -> Result<Datum<'a>> {
    let elements: Result<Vec<Datum<'a>>> =
        text.split_ascii_whitespace().map(|word| scalar(session, element, word, arena)).collect();
    let bytes = crate::function::array::encode(&elements?, element)?;
    Ok(Datum::Array(Raw::new(arena.bytes(&bytes))))
}
