//! Text functions.
//!
//! Lengths and positions count characters, as SQL has it; the bytes are UTF-8 and offsets are found
//! by walking them, with a short cut for text that is all ASCII. Case follows Unicode's one-to-one
//! mappings, as the C.UTF-8 locale does: no mapping changes a text's length in characters.

use super::float::domain;
use super::names::*;
use super::{Arguments, Call, array};
use crate::cast::output_string;
use crate::cast::registered::quote_ident;
use crate::{Datum, Error, ErrorKind, Result, Scalar, Type};

/// The most bytes that a value may have.
pub const LENGTH_MAX: usize = 0x3fff_ffff;

#[cold]
pub fn too_large() -> Error {
    Error::new(ErrorKind::Limit, "54000", "requested length too large")
}

fn length<'a>(text: &str) -> Result<Datum<'a>> {
    Ok(Datum::Int(text.chars().count() as i64))
}

fn count<'a>(n: usize) -> Result<Datum<'a>> {
    Ok(Datum::Int(n as i64))
}

/// One character, where Unicode maps it to one.
fn one(mut mapped: impl Iterator<Item = char>, c: char) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(mapped), None) => mapped,
        _ => c,
    }
}

pub fn lower(text: &str) -> String {
    text.chars().map(|c| one(c.to_lowercase(), c)).collect()
}

pub fn upper(text: &str) -> String {
    text.chars().map(|c| one(c.to_uppercase(), c)).collect()
}

fn initcap(text: &str) -> String {
    let mut inside = false;
    let change = |c: char| {
        let made = if inside { one(c.to_lowercase(), c) } else { one(c.to_uppercase(), c) };
        inside = c.is_alphanumeric();
        made
    };
    text.chars().map(change).collect()
}

/// The byte at which the character of this number (from 0) begins, or the end.
fn byte_of(text: &str, character: usize) -> usize {
    if text.is_ascii() {
        return character.min(text.len());
    }
    text.char_indices().nth(character).map_or(text.len(), |(at, _)| at)
}

/// Characters `from` (counted from 1, perhaps before it) for `length`.
pub fn substring(text: &str, from: i64, length: Option<i64>) -> Result<&str> {
    let end = match length {
        Some(length) if length < 0 => {
            return Err(domain("22011", "negative substring length not allowed"));
        }
        Some(length) => from.saturating_add(length),
        None => i64::MAX,
    };
    let (from, end) = (from.max(1), end.max(1));
    if end <= from {
        return Ok("");
    }
    let start = byte_of(text, usize::try_from(from - 1).unwrap_or(usize::MAX));
    let rest = text.get(start..).unwrap_or("");
    let stop = byte_of(rest, usize::try_from(end - from).unwrap_or(usize::MAX));
    Ok(rest.get(..stop).unwrap_or(rest))
}

fn trimmed<'t>(text: &'t str, set: &str, left: bool, right: bool) -> &'t str {
    let mut text = text;
    if left {
        text = text.trim_start_matches(|c| set.contains(c));
    }
    if right {
        text = text.trim_end_matches(|c| set.contains(c));
    }
    text
}

fn trim<'a>(a: &[Datum<'a>], left: bool, right: bool) -> Result<Datum<'a>> {
    let set = if a.len() > 1 { a.text(1)? } else { " " };
    Ok(Datum::Text(trimmed(a.text(0)?, set, left, right)))
}

fn trim_bytes<'a>(a: &[Datum<'a>], left: bool, right: bool) -> Result<Datum<'a>> {
    let (mut bytes, set) = (a.bytes(0)?, a.bytes(1)?);
    while let (true, [first, rest @ ..]) = (left, bytes)
        && set.contains(first)
    {
        bytes = rest;
    }
    while let (true, [rest @ .., last]) = (right, bytes)
        && set.contains(last)
    {
        bytes = rest;
    }
    Ok(Datum::Bytes(bytes))
}

fn pad<'a>(call: &Call<'a, '_>, a: &[Datum<'a>], left: bool) -> Result<Datum<'a>> {
    let text = a.text(0)?;
    let fill = if a.len() > 2 { a.text(2)? } else { " " };
    let wanted = usize::try_from(a.int(1)?.max(0)).unwrap_or(0);
    let have = text.chars().count();
    if wanted <= have || fill.is_empty() {
        return Ok(Datum::Text(text.get(..byte_of(text, wanted)).unwrap_or(text)));
    }
    if wanted * 4 > LENGTH_MAX {
        return Err(too_large());
    }
    let padding = fill.chars().cycle().take(wanted - have);
    let mut made = String::with_capacity(wanted + text.len());
    if left {
        made.extend(padding);
        made.push_str(text);
    } else {
        made.push_str(text);
        made.extend(padding);
    }
    Ok(call.text(&made))
}

/// The first `n` characters; of a negative n all but the last -n.
fn left(text: &str, n: i64) -> &str {
    let keep = match usize::try_from(n) {
        Ok(n) => n,
        Err(_) => text
            .chars()
            .count()
            .saturating_sub(usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX)),
    };
    text.get(..byte_of(text, keep)).unwrap_or(text)
}

fn right(text: &str, n: i64) -> &str {
    let skip = match usize::try_from(n) {
        Ok(n) => text.chars().count().saturating_sub(n),
        Err(_) => usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX),
    };
    text.get(byte_of(text, skip)..).unwrap_or("")
}

/// The place (from 1) of a part, 0 where it does not occur.
fn position<'a>(text: &str, part: &str) -> Result<Datum<'a>> {
    let at = text.find(part).and_then(|at| text.get(..at));
    Ok(Datum::Int(at.map_or(0, |before| before.chars().count() as i64 + 1)))
}

fn bytes_position<'a>(bytes: &[u8], part: &[u8]) -> Result<Datum<'a>> {
    if part.is_empty() {
        return Ok(Datum::Int(1));
    }
    let at = bytes.windows(part.len()).position(|window| window == part);
    Ok(Datum::Int(at.map_or(0, |at| at as i64 + 1)))
}

fn replace(text: &str, from: &str, to: &str) -> String {
    if from.is_empty() { text.to_owned() } else { text.replace(from, to) }
}

fn translate(text: &str, from: &str, to: &str) -> String {
    let to: Vec<char> = to.chars().collect();
    let change = |c: char| match from.chars().position(|other| other == c) {
        Some(at) => to.get(at).copied(),
        None => Some(c),
    };
    text.chars().filter_map(change).collect()
}

fn repeat<'a>(call: &Call<'a, '_>, text: &str, n: i64) -> Result<Datum<'a>> {
    let n = usize::try_from(n).unwrap_or(0);
    match text.len().checked_mul(n) {
        Some(total) if total <= LENGTH_MAX => Ok(call.text(&text.repeat(n))),
        _ => Err(too_large()),
    }
}

fn split_part<'a>(text: &'a str, delimiter: &str, n: i64) -> Result<&'a str> {
    if n == 0 {
        return Err(domain("22023", "field position must not be zero"));
    }
    if text.is_empty() {
        return Ok("");
    }
    if delimiter.is_empty() {
        return Ok(if n == 1 || n == -1 { text } else { "" });
    }
    let at = usize::try_from(n.unsigned_abs() - 1).unwrap_or(usize::MAX);
    let field = if n > 0 { text.split(delimiter).nth(at) } else { text.rsplit(delimiter).nth(at) };
    Ok(field.unwrap_or(""))
}

/// Any value as `concat` shows it.
fn shown(call: &Call<'_, '_>, a: &[Datum<'_>], at: usize) -> Result<String> {
    output_string(call.session(), call.ty(at), call.modifier_of(at), &a.at(at))
}

fn concat<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let mut made = String::new();
    for at in 0..a.len() {
        made.push_str(&shown(call, a, at)?);
    }
    Ok(call.text(&made))
}

fn concat_ws<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    if a.null(0) {
        return Ok(Datum::Null);
    }
    let separator = a.text(0)?;
    let mut made = String::new();
    let mut first = true;
    for at in (1..a.len()).filter(|at| !a.null(*at)) {
        if !std::mem::take(&mut first) {
            made.push_str(separator);
        }
        made.push_str(&shown(call, a, at)?);
    }
    Ok(call.text(&made))
}

/// `format`: `%s %I %L %%`, with `n$`, `-` and a width, which may be `*`.
fn format<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    if a.null(0) {
        return Ok(Datum::Null);
    }
    let mut made = String::new();
    let mut next = 1;
    let mut rest = a.text(0)?;
    while let Some((before, after)) = rest.split_once('%') {
        made.push_str(before);
        let (directive, after) = Directive::read(after)?;
        rest = after;
        directive.write(call, a, &mut next, &mut made)?;
    }
    made.push_str(rest);
    Ok(call.text(&made))
}

#[derive(Default)]
struct Directive {
    percent: bool,
    argument: Option<usize>,
    left: bool,
    width: Option<Width>,
    conversion: char,
}

enum Width {
    Fixed(i64),
    Argument(Option<usize>),
}

fn number_prefix(text: &str) -> Result<(Option<i64>, &str)> {
    let end = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if digits.is_empty() {
        return Ok((None, text));
    }
    match digits.parse::<i32>() {
        Ok(n) => Ok((Some(n.into()), rest)),
        Err(_) => Err(domain("22003", "number is out of range")),
    }
}

#[cold]
fn unterminated() -> Error {
    domain("22023", "unterminated format() type specifier").hint("For a single \"%\" use \"%%\".")
}

impl Directive {
    fn read(text: &str) -> Result<(Directive, &str)> {
        let mut made = Directive::default();
        if let Some(rest) = text.strip_prefix('%') {
            made.percent = true;
            return Ok((made, rest));
        }
        let (number, mut rest) = number_prefix(text)?;
        match (number, rest.strip_prefix('$')) {
            (Some(n), Some(after)) => {
                made.argument = Some(position_of(n)?);
                rest = after;
            }
            (Some(n), None) => made.width = Some(Width::Fixed(n)),
            (None, _) => {}
        }
        while let Some(after) = rest.strip_prefix('-') {
            made.left = true;
            rest = after;
        }
        if made.width.is_none() {
            if let Some(after) = rest.strip_prefix('*') {
                let (number, after) = number_prefix(after)?;
                let place = match number {
                    None => None,
                    Some(n) => {
                        rest = after.strip_prefix('$').ok_or_else(|| {
                            domain("22023", "width argument position must be ended by \"$\"")
                        })?;
                        Some(position_of(n)?)
                    }
                };
                if number.is_none() {
                    rest = after;
                }
                made.width = Some(Width::Argument(place));
            } else {
                let (number, after) = number_prefix(rest)?;
                made.width = number.map(Width::Fixed);
                rest = after;
            }
        }
        let conversion = rest.chars().next().ok_or_else(unterminated)?;
        made.conversion = conversion;
        if !matches!(conversion, 's' | 'I' | 'L') {
            let message = format!("unrecognized format() type specifier \"{conversion}\"");
            return Err(Error::new(ErrorKind::Type, "22023", message)
                .hint("For a single \"%\" use \"%%\"."));
        }
        Ok((made, rest.get(conversion.len_utf8()..).unwrap_or("")))
    }

    fn write(
        &self,
        call: &Call<'_, '_>,
        a: &[Datum<'_>],
        next: &mut usize,
        out: &mut String,
    ) -> Result<()> {
        if self.percent {
            out.push('%');
            return Ok(());
        }
        let mut left = self.left;
        let mut width = 0;
        if let Some(wanted) = &self.width {
            let n = match wanted {
                Width::Fixed(n) => *n,
                Width::Argument(place) => {
                    let at = self.taken(*place, next, a)?;
                    match a.at(at) {
                        Datum::Int(n) => n,
                        datum if datum.is_null() => 0,
                        _ => {
                            let text = shown(call, a, at)?;
                            let syntax = || crate::cast::invalid_syntax("integer", &text);
                            text.trim_ascii().parse::<i32>().map_err(|_| syntax())?.into()
                        }
                    }
                }
            };
            left |= n < 0;
            width = usize::try_from(n.unsigned_abs()).unwrap_or(0);
        }
        let at = self.taken(self.argument, next, a)?;
        let text = match (self.conversion, a.null(at)) {
            ('I', true) => {
                let message = "null values cannot be formatted as an SQL identifier";
                return Err(domain("22004", message));
            }
            ('L', true) => "NULL".to_owned(),
            (_, true) => String::new(),
            ('I', false) => quote_ident(&shown(call, a, at)?),
            ('L', false) => quote_literal(&shown(call, a, at)?),
            _ => shown(call, a, at)?,
        };
        let missing = width.saturating_sub(text.chars().count());
        if missing > LENGTH_MAX / 4 {
            return Err(too_large());
        }
        let blanks = " ".repeat(missing);
        let (before, after) = if left { ("", blanks.as_str()) } else { (blanks.as_str(), "") };
        out.push_str(before);
        out.push_str(&text);
        out.push_str(after);
        Ok(())
    }

    fn taken(&self, place: Option<usize>, next: &mut usize, a: &[Datum<'_>]) -> Result<usize> {
        let at = place.unwrap_or(*next);
        *next = at + 1;
        if at >= a.len() {
            return Err(domain("22023", "too few arguments for format()"));
        }
        Ok(at)
    }
}

fn position_of(n: i64) -> Result<usize> {
    if n == 0 {
        let message = "format specifies argument 0, but arguments are numbered from 1";
        return Err(domain("22023", message));
    }
    Ok(usize::try_from(n).unwrap_or(usize::MAX))
}

/// A text as an SQL literal.
pub fn quote_literal(text: &str) -> String {
    let escape = if text.contains('\\') { "E" } else { "" };
    let body = text.replace('\\', "\\\\").replace('\'', "''");
    format!("{escape}'{body}'")
}

fn chr<'a>(call: &Call<'a, '_>, n: i64) -> Result<Datum<'a>> {
    if n == 0 {
        return Err(domain("54000", "null character not permitted"));
    }
    if n < 0 {
        return Err(domain("22023", "character number must be positive"));
    }
    let character = u32::try_from(n).ok().and_then(char::from_u32);
    match character {
        Some(character) => Ok(call.text(character.encode_utf8(&mut [0; 4]))),
        None => {
            let message = match n {
                0x11_0000.. => format!("requested character too large for encoding: {n}"),
                _ => format!("requested character not valid for encoding: {n}"),
            };
            Err(Error::new(ErrorKind::Type, "54000", message))
        }
    }
}

fn overlay<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let (text, new) = (a.text(0)?, a.text(1)?);
    let from = a.int(2)?;
    let length = if a.len() > 3 { a.int(3)? } else { new.chars().count() as i64 };
    if from <= 0 {
        return Err(domain("22011", "negative substring length not allowed"));
    }
    let before = substring(text, 1, Some(from - 1))?;
    let after = substring(text, from.saturating_add(length), None)?;
    Ok(call.text(&format!("{before}{new}{after}")))
}

/// string_to_array: of NULL as delimiter the characters, of an empty one the whole.
pub(super) fn split<'t>(text: &'t str, delimiter: Option<&str>) -> Vec<&'t str> {
    match delimiter {
        _ if text.is_empty() => Vec::new(),
        None => text
            .char_indices()
            .map(|(at, c)| text.get(at..at + c.len_utf8()).unwrap_or(""))
            .collect(),
        Some("") => vec![text],
        Some(delimiter) => text.split(delimiter).collect(),
    }
}

fn string_to_array<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    if a.null(0) {
        return Ok(Datum::Null);
    }
    let delimiter = if a.null(1) { None } else { Some(a.text(1)?) };
    let null = if a.null(2) { None } else { Some(a.text(2)?) };
    let element = |part: &'a str| if Some(part) == null { Datum::Null } else { Datum::Text(part) };
    let parts: Vec<Datum<'a>> = split(a.text(0)?, delimiter).into_iter().map(element).collect();
    Ok(call.array(&array::encode(&parts, Scalar::Text)?))
}

fn array_to_string<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    if a.null(0) || a.null(1) {
        return Ok(Datum::Null);
    }
    let (separator, scalar) = (a.text(1)?, call.ty(0).scalar);
    let mut made = String::new();
    let mut first = true;
    for element in array::Flat::new(a.array(0)?, scalar, call.arena) {
        let element = element?;
        if element.is_null() && a.null(2) {
            continue;
        }
        if !std::mem::take(&mut first) {
            made.push_str(separator);
        }
        match element.is_null() {
            true => made.push_str(a.text(2)?),
            false => {
                crate::cast::output(call.session(), Type::of(scalar), -1, &element, &mut made)?;
            }
        }
    }
    Ok(call.text(&made))
}

fn append<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    // The operator is a cast to text on either side, which writes booleans out.
    let side = |at: usize| match a.at(at) {
        Datum::Bool(value) => Ok(value.to_string()),
        _ => shown(call, a, at),
    };
    Ok(call.text(&(side(0)? + &side(1)?)))
}

macro_rules! concatenations {
    ($($tag:literal $ty:ident;)*) => { &[$(
        f(concat!("sql.", $tag, "_concat_text"), "||", &[$ty, TEXT], TEXT, append).stable(),
        f(concat!("sql.text_concat_", $tag), "||", &[TEXT, $ty], TEXT, append).stable(),
    )*] };
}

/// Any value that is no array beside a text. PostgreSQL has one entry of anynonarray for all of
/// them.
pub(super) static CONCATENATIONS: &[Function] = concatenations! {
    "bool" BOOL; "int2" INT2; "int4" INT4; "int8" INT8; "uint8" UINT8; "float4" FLOAT4;
    "float8" FLOAT8;
    "numeric" NUMERIC; "char" CHAR; "date" DATE; "time" TIME; "timestamp" TIMESTAMP;
    "timestamptz" TIMESTAMPTZ; "interval" INTERVAL; "uuid" UUID; "objectid" OBJECTID; "oid" OID;
    "json" JSON; "jsonb" JSONB; "record" RECORD; "regclass" REGCLASS; "regtype" REGTYPE;
    "any" ANY;
};

fn joined<'a>(call: &Call<'a, '_>, left: &str, right: &str) -> Datum<'a> {
    let mut made =
        bumpalo::collections::String::with_capacity_in(left.len() + right.len(), call.arena.bump());
    made.push_str(left);
    made.push_str(right);
    Datum::Text(made.into_bump_str())
}

fn byte_at(bytes: &[u8], at: i64) -> Result<usize> {
    let end = bytes.len() as i64;
    match usize::try_from(at) {
        Ok(index) if index < bytes.len() => Ok(index),
        _ => {
            let message = format!("index {at} out of valid range, 0..{}", end - 1);
            Err(Error::new(ErrorKind::Type, "2202E", message))
        }
    }
}

/// Functions of text and bytea.
pub(super) static TABLE: &[Function] = &[
    f("sql.text_concat", "||", &[TEXT, TEXT], TEXT, |c, a| Ok(joined(c, a.text(0)?, a.text(1)?))),
    f("sql.bytea_concat", "||", &[BYTEA, BYTEA], BYTEA, |c, a| {
        Ok(c.bytes(&[a.bytes(0)?, a.bytes(1)?].concat()))
    }),
    f("sql.length", "length", &[TEXT], INT4, |_, a| length(a.text(0)?)),
    f("sql.char_length", "char_length", &[TEXT], INT4, |_, a| length(a.text(0)?)),
    f("sql.character_length", "character_length", &[TEXT], INT4, |_, a| length(a.text(0)?)),
    f("sql.length_bytea", "length", &[BYTEA], INT4, |_, a| count(a.bytes(0)?.len())),
    f("sql.octet_length", "octet_length", &[TEXT], INT4, |_, a| count(a.text(0)?.len())),
    f("sql.octet_length_bytea", "octet_length", &[BYTEA], INT4, |_, a| count(a.bytes(0)?.len())),
    f("sql.bit_length", "bit_length", &[TEXT], INT4, |_, a| count(a.text(0)?.len() * 8)),
    f("sql.bit_length_bytea", "bit_length", &[BYTEA], INT4, |_, a| count(a.bytes(0)?.len() * 8)),
    f("sql.lower", "lower", &[TEXT], TEXT, |c, a| Ok(c.text(&lower(a.text(0)?)))),
    f("sql.upper", "upper", &[TEXT], TEXT, |c, a| Ok(c.text(&upper(a.text(0)?)))),
    f("sql.initcap", "initcap", &[TEXT], TEXT, |c, a| Ok(c.text(&initcap(a.text(0)?)))),
    f("sql.btrim", "btrim", &[TEXT], TEXT, |_, a| trim(a, true, true)),
    f("sql.btrim_set", "btrim", &[TEXT, TEXT], TEXT, |_, a| trim(a, true, true)),
    f("sql.ltrim", "ltrim", &[TEXT], TEXT, |_, a| trim(a, true, false)),
    f("sql.ltrim_set", "ltrim", &[TEXT, TEXT], TEXT, |_, a| trim(a, true, false)),
    f("sql.rtrim", "rtrim", &[TEXT], TEXT, |_, a| trim(a, false, true)),
    f("sql.rtrim_set", "rtrim", &[TEXT, TEXT], TEXT, |_, a| trim(a, false, true)),
    f("sql.btrim_bytea", "btrim", &[BYTEA, BYTEA], BYTEA, |_, a| trim_bytes(a, true, true)),
    f("sql.ltrim_bytea", "ltrim", &[BYTEA, BYTEA], BYTEA, |_, a| trim_bytes(a, true, false)),
    f("sql.rtrim_bytea", "rtrim", &[BYTEA, BYTEA], BYTEA, |_, a| trim_bytes(a, false, true)),
    f("sql.lpad", "lpad", &[TEXT, INT4], TEXT, |c, a| pad(c, a, true)),
    f("sql.lpad_fill", "lpad", &[TEXT, INT4, TEXT], TEXT, |c, a| pad(c, a, true)),
    f("sql.rpad", "rpad", &[TEXT, INT4], TEXT, |c, a| pad(c, a, false)),
    f("sql.rpad_fill", "rpad", &[TEXT, INT4, TEXT], TEXT, |c, a| pad(c, a, false)),
    f("sql.left", "left", &[TEXT, INT4], TEXT, |_, a| Ok(Datum::Text(left(a.text(0)?, a.int(1)?)))),
    f("sql.right", "right", &[TEXT, INT4], TEXT, |_, a| {
        Ok(Datum::Text(right(a.text(0)?, a.int(1)?)))
    }),
    f("sql.substring", "substring", &[TEXT, INT4], TEXT, |_, a| {
        substring(a.text(0)?, a.int(1)?, None).map(Datum::Text)
    }),
    f("sql.substring_for", "substring", &[TEXT, INT4, INT4], TEXT, |_, a| {
        substring(a.text(0)?, a.int(1)?, Some(a.int(2)?)).map(Datum::Text)
    }),
    f("sql.substr", "substr", &[TEXT, INT4], TEXT, |_, a| {
        substring(a.text(0)?, a.int(1)?, None).map(Datum::Text)
    }),
    f("sql.substr_for", "substr", &[TEXT, INT4, INT4], TEXT, |_, a| {
        substring(a.text(0)?, a.int(1)?, Some(a.int(2)?)).map(Datum::Text)
    }),
    f("sql.substring_bytea", "substring", &[BYTEA, INT4], BYTEA, bytes_part),
    f("sql.substring_bytea_for", "substring", &[BYTEA, INT4, INT4], BYTEA, bytes_part),
    f("sql.substr_bytea", "substr", &[BYTEA, INT4], BYTEA, bytes_part),
    f("sql.substr_bytea_for", "substr", &[BYTEA, INT4, INT4], BYTEA, bytes_part),
    f("sql.position", "position", &[TEXT, TEXT], INT4, |_, a| position(a.text(0)?, a.text(1)?)),
    f("sql.strpos", "strpos", &[TEXT, TEXT], INT4, |_, a| position(a.text(0)?, a.text(1)?)),
    f("sql.position_bytea", "position", &[BYTEA, BYTEA], INT4, |_, a| {
        bytes_position(a.bytes(0)?, a.bytes(1)?)
    }),
    f("sql.replace", "replace", &[TEXT, TEXT, TEXT], TEXT, |c, a| {
        Ok(c.text(&replace(a.text(0)?, a.text(1)?, a.text(2)?)))
    }),
    f("sql.translate", "translate", &[TEXT, TEXT, TEXT], TEXT, |c, a| {
        Ok(c.text(&translate(a.text(0)?, a.text(1)?, a.text(2)?)))
    }),
    f("sql.reverse", "reverse", &[TEXT], TEXT, |c, a| {
        Ok(c.text(&a.text(0)?.chars().rev().collect::<String>()))
    }),
    f("sql.repeat", "repeat", &[TEXT, INT4], TEXT, |c, a| repeat(c, a.text(0)?, a.int(1)?)),
    f("sql.split_part", "split_part", &[TEXT, TEXT, INT4], TEXT, |_, a| {
        split_part(a.text(0)?, a.text(1)?, a.int(2)?).map(Datum::Text)
    }),
    f("sql.concat", "concat", &[ANY], TEXT, concat).variadic().each().called().stable(),
    f("sql.concat_ws", "concat_ws", &[TEXT, ANY], TEXT, concat_ws)
        .variadic()
        .each()
        .called()
        .stable(),
    f("sql.format_text", "format", &[TEXT], TEXT, format).called().stable(),
    f("sql.format", "format", &[TEXT, ANY], TEXT, format).variadic().each().called().stable(),
    f("sql.ascii", "ascii", &[TEXT], INT4, |_, a| {
        Ok(Datum::Int(a.text(0)?.chars().next().map_or(0, |c| i64::from(u32::from(c)))))
    }),
    f("sql.chr", "chr", &[INT4], TEXT, |c, a| chr(c, a.int(0)?)),
    f("sql.to_hex_int4", "to_hex", &[INT4], TEXT, |c, a| Ok(c.text(&format!("{:x}", a.int4(0)?)))),
    f("sql.to_hex_int8", "to_hex", &[INT8], TEXT, |c, a| Ok(c.text(&format!("{:x}", a.int(0)?)))),
    f("sql.quote_ident", "quote_ident", &[TEXT], TEXT, |c, a| Ok(c.text(&quote_ident(a.text(0)?)))),
    f("sql.quote_literal", "quote_literal", &[TEXT], TEXT, |c, a| {
        Ok(c.text(&quote_literal(a.text(0)?)))
    }),
    f("sql.quote_literal_any", "quote_literal", &[ANY], TEXT, |c, a| {
        Ok(c.text(&quote_literal(&shown(c, a, 0)?)))
    })
    .each()
    .stable(),
    f("sql.quote_nullable", "quote_nullable", &[TEXT], TEXT, quote_nullable).called(),
    f("sql.quote_nullable_any", "quote_nullable", &[ANY], TEXT, quote_nullable)
        .called()
        .each()
        .stable(),
    f("sql.starts_with", "starts_with", &[TEXT, TEXT], BOOL, |_, a| {
        Ok(Datum::Bool(a.text(0)?.starts_with(a.text(1)?)))
    }),
    f("sql.starts_with_op", "^@", &[TEXT, TEXT], BOOL, |_, a| {
        Ok(Datum::Bool(a.text(0)?.starts_with(a.text(1)?)))
    }),
    f("sql.overlay", "overlay", &[TEXT, TEXT, INT4], TEXT, overlay),
    f("sql.overlay_for", "overlay", &[TEXT, TEXT, INT4, INT4], TEXT, overlay),
    f(
        "sql.string_to_array",
        "string_to_array",
        &[TEXT, TEXT],
        Type::array_of(Scalar::Text),
        string_to_array,
    )
    .called(),
    f(
        "sql.string_to_array_null",
        "string_to_array",
        &[TEXT, TEXT, TEXT],
        Type::array_of(Scalar::Text),
        string_to_array,
    )
    .called(),
    f("sql.array_to_string", "array_to_string", &[ANYARRAY, TEXT], TEXT, array_to_string)
        .element()
        .stable(),
    f(
        "sql.array_to_string_null",
        "array_to_string",
        &[ANYARRAY, TEXT, TEXT],
        TEXT,
        array_to_string,
    )
    .element()
    .called()
    .stable(),
    f("sql.get_byte", "get_byte", &[BYTEA, INT4], INT4, |_, a| {
        let bytes = a.bytes(0)?;
        let at = byte_at(bytes, a.int(1)?)?;
        Ok(Datum::Int(bytes.get(at).copied().unwrap_or(0).into()))
    }),
    f("sql.set_byte", "set_byte", &[BYTEA, INT4, INT4], BYTEA, |c, a| {
        let mut bytes = a.bytes(0)?.to_vec();
        let at = byte_at(&bytes, a.int(1)?)?;
        if let Some(byte) = bytes.get_mut(at) {
            *byte = a.int(2)? as u8;
        }
        Ok(c.bytes(&bytes))
    }),
    f("sql.get_bit", "get_bit", &[BYTEA, INT8], INT4, |_, a| {
        let (bytes, at) = (a.bytes(0)?, a.int(1)?);
        let index = bit_at(bytes, at)?;
        let byte = bytes.get(index).copied().unwrap_or(0);
        Ok(Datum::Int((byte >> (at % 8) & 1).into()))
    }),
    f("sql.set_bit", "set_bit", &[BYTEA, INT8, INT4], BYTEA, |c, a| {
        let (mut bytes, at) = (a.bytes(0)?.to_vec(), a.int(1)?);
        let index = bit_at(&bytes, at)?;
        let new = a.int(2)?;
        if !matches!(new, 0 | 1) {
            return Err(domain("22023", "new bit must be 0 or 1"));
        }
        if let Some(byte) = bytes.get_mut(index) {
            *byte = *byte & !(1 << (at % 8)) | ((new as u8) << (at % 8));
        }
        Ok(c.bytes(&bytes))
    }),
    f("sql.num_nulls", "num_nulls", &[ANY], INT4, |_, a| {
        count(a.iter().filter(|datum| datum.is_null()).count())
    })
    .variadic()
    .each()
    .called(),
    f("sql.num_nonnulls", "num_nonnulls", &[ANY], INT4, |_, a| {
        count(a.iter().filter(|datum| !datum.is_null()).count())
    })
    .variadic()
    .each()
    .called(),
    f("sql.bit_count", "bit_count", &[BYTEA], INT8, |_, a| {
        Ok(Datum::Int(a.bytes(0)?.iter().map(|byte| i64::from(byte.count_ones())).sum()))
    }),
    f("sql.unistr", "unistr", &[TEXT], TEXT, |c, a| unistr(a.text(0)?).map(|text| c.text(&text))),
    f("sql.text_larger", "text_larger", &[TEXT, TEXT], TEXT, |_, a| {
        Ok(Datum::Text(a.text(0)?.max(a.text(1)?)))
    }),
    f("sql.text_smaller", "text_smaller", &[TEXT, TEXT], TEXT, |_, a| {
        Ok(Datum::Text(a.text(0)?.min(a.text(1)?)))
    }),
];

fn bit_at(bytes: &[u8], at: i64) -> Result<usize> {
    match usize::try_from(at / 8) {
        Ok(index) if at >= 0 && index < bytes.len() => Ok(index),
        _ => {
            let last = bytes.len() as i64 * 8 - 1;
            let message = format!("index {at} out of valid range, 0..{last}");
            Err(Error::new(ErrorKind::Type, "2202E", message))
        }
    }
}

fn quote_nullable<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    if a.null(0) {
        return Ok(Datum::Text("NULL"));
    }
    Ok(call.text(&quote_literal(&shown(call, a, 0)?)))
}

fn bytes_part<'a>(_: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let (bytes, from) = (a.bytes(0)?, a.int(1)?);
    let end = match a.len() {
        2 => i64::MAX,
        _ if a.int(2)? < 0 => {
            return Err(domain("22011", "negative substring length not allowed"));
        }
        _ => from.saturating_add(a.int(2)?),
    };
    let place = |n: i64| usize::try_from(n.max(1) - 1).unwrap_or(usize::MAX).min(bytes.len());
    let (start, end) = (place(from), place(end));
    Ok(Datum::Bytes(bytes.get(start..end.max(start)).unwrap_or(&[])))
}

/// `\0041`, `\+000041`, `\u0041`, `\U00000041`, `\\`.
fn unistr(text: &str) -> Result<String> {
    let invalid = || domain("42601", "invalid Unicode escape");
    let mut made = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        made.push_str(before);
        if let Some(after) = after.strip_prefix('\\') {
            made.push('\\');
            rest = after;
            continue;
        }
        let (skip, digits) = match after.chars().next() {
            Some('+') => (1, 6),
            Some('u') => (1, 4),
            Some('U') => (1, 8),
            _ => (0, 4),
        };
        let hex = after.get(skip..skip + digits).ok_or_else(invalid)?;
        let code = u32::from_str_radix(hex, 16).map_err(|_| invalid())?;
        made.push(
            char::from_u32(code).ok_or_else(|| domain("42601", "invalid Unicode code point"))?,
        );
        rest = after.get(skip + digits..).unwrap_or("");
    }
    made.push_str(rest);
    Ok(made)
}
