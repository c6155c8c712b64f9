//! Operators and functions of json and jsonb.
//!
//! Reading walks the stored bytes and gives slices of them; `->` copies nothing. Writing decodes
//! the value into a tree, changes that, and encodes it: documents are small, and the rules (paths,
//! negative subscripts, merging) are told once on a tree instead of once for each layout.
//!
//! Both types share the kernels; an entry of `json` differs in what it prints.

use value::{Document, Encoder, Raw, Value};

use super::array::{self, damaged};
use super::float::domain;
use super::names::*;
use super::{Arguments, Call, datum_order, json};
use crate::{Datum, Error, ErrorKind, Result, Scalar, Type};

const TEXTS: Type = Type::array_of(Scalar::Text);

fn found<'a>(raw: Option<Raw<'a>>) -> Datum<'a> {
    raw.map_or(Datum::Null, Datum::Json)
}

fn found_text<'a>(call: &Call<'a, '_>, raw: Option<Raw<'a>>) -> Result<Datum<'a>> {
    let is_json = call.ty(0) == JSON;
    raw.map_or(Ok(Datum::Null), |raw| json::text_of(raw, is_json, call.arena))
}

/// An element by its place; negative ones count from the end. A scalar jsonb is an array of itself
/// here.
fn element_of<'a>(call: &Call<'a, '_>, raw: Raw<'a>, at: i64) -> Option<Raw<'a>> {
    let scalar = !raw.is_array() && !raw.is_document();
    match scalar && call.ty(0) == JSONB && matches!(at, 0 | -1) {
        true => Some(raw),
        false => element(raw, at),
    }
}

fn element(raw: Raw<'_>, at: i64) -> Option<Raw<'_>> {
    if !raw.is_array() {
        return None;
    }
    let at = if at < 0 { at + raw.count()? as i64 } else { at };
    raw.element(usize::try_from(at).ok()?)
}

fn field<'a>(raw: Raw<'a>, name: &str) -> Option<Raw<'a>> {
    if raw.is_document() { raw.get(name) } else { None }
}

/// The texts of a text array; `None` where one is NULL.
fn path_of<'a>(call: &Call<'a, '_>, a: &[Datum<'a>], at: usize) -> Result<Option<Vec<&'a str>>> {
    let mut path = Vec::new();
    for step in array::Flat::new(a.array(at)?, Scalar::Text, call.arena) {
        match step? {
            Datum::Text(step) => path.push(step),
            _ => return Ok(None),
        }
    }
    Ok(Some(path))
}

/// A subscript as a path writes it.
fn index_of(step: &str) -> Option<i64> {
    let digits = step.trim_ascii_start();
    digits.parse::<i32>().ok().map(i64::from)
}

fn follow<'a>(raw: Raw<'a>, path: &[&str]) -> Option<Raw<'a>> {
    path.iter().try_fold(raw, |at, step| match at.is_array() {
        true => element(at, index_of(step)?),
        false => field(at, step),
    })
}

fn at_path<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Option<Raw<'a>>> {
    let Some(path) = path_of(call, a, 1)? else { return Ok(None) };
    Ok(follow(a.json(0)?, &path))
}

/// A path of text arguments.
fn at_arguments<'a>(a: &[Datum<'a>]) -> Result<Option<Raw<'a>>> {
    let steps: Result<Vec<&str>> = (1..a.len()).map(|at| a.text(at)).collect();
    Ok(follow(a.json(0)?, &steps?))
}

/// Whether `whole` contains `part` as jsonb means it. At the top an array contains a scalar that it
/// has.
fn contains(whole: Raw<'_>, part: Raw<'_>, top: bool) -> Result<bool> {
    if part.is_document() {
        if !whole.is_document() {
            return Ok(false);
        }
        for (name, wanted) in json::entries(part) {
            let holds = match whole.get(name) {
                Some(value) => contains(value, wanted, false)?,
                None => false,
            };
            if !holds {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    if part.is_array() {
        if !whole.is_array() {
            return Ok(false);
        }
        for wanted in part.elements() {
            if !has_element(whole, wanted.map_err(damaged)?)? {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    if whole.is_array() && top {
        return has_element(whole, part);
    }
    Ok(!whole.is_array() && !whole.is_document() && datum_order::json(whole, part).is_eq())
}

fn has_element(list: Raw<'_>, wanted: Raw<'_>) -> Result<bool> {
    let nested = wanted.is_array() || wanted.is_document();
    for element in list.elements() {
        let element = element.map_err(damaged)?;
        let holds = match nested {
            true => contains(element, wanted, false)?,
            false => datum_order::json(element, wanted).is_eq(),
        };
        if holds {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a text is a name of the object, an element of the array, or the string itself.
fn exists(raw: Raw<'_>, name: &str) -> bool {
    if raw.is_document() {
        return raw.get(name).is_some();
    }
    if raw.is_array() {
        return raw.elements().flatten().any(|element| element.as_str() == Some(name));
    }
    raw.as_str() == Some(name)
}

fn exists_of<'a>(call: &Call<'a, '_>, a: &[Datum<'a>], all: bool) -> Result<Datum<'a>> {
    let raw = a.json(0)?;
    for name in array::Flat::new(a.array(1)?, Scalar::Text, call.arena) {
        if let Datum::Text(name) = name?
            && exists(raw, name) != all
        {
            return Ok(Datum::Bool(!all));
        }
    }
    Ok(Datum::Bool(all))
}

/// `||`: objects merge, the right one wins; everything else makes an array.
fn concat(left: Value, right: Value) -> Value {
    match (left, right) {
        (Value::Document(mut left), Value::Document(right)) => {
            for (name, value) in right {
                left.insert(name, value);
            }
            Value::Document(left)
        }
        (Value::Array(mut left), Value::Array(right)) => {
            left.extend(right);
            Value::Array(left)
        }
        (Value::Array(mut left), right) => {
            left.push(right);
            Value::Array(left)
        }
        (left, Value::Array(mut right)) => {
            right.insert(0, left);
            Value::Array(right)
        }
        (left, right) => Value::Array(vec![left, right]),
    }
}

#[cold]
fn cannot_delete(what: &str) -> Error {
    Error::new(ErrorKind::Type, "22023", format!("cannot delete from {what}"))
}

fn without_names(value: Value, names: &[&str]) -> Result<Value> {
    Ok(match value {
        Value::Document(mut document) => {
            document.retain(|name, _| !names.contains(&name));
            Value::Document(document)
        }
        Value::Array(mut list) => {
            list.retain(|element| !element.as_str().is_some_and(|text| names.contains(&text)));
            Value::Array(list)
        }
        _ => return Err(cannot_delete("scalar")),
    })
}

fn without_index(value: Value, at: i64) -> Result<Value> {
    match value {
        Value::Array(mut list) => {
            let at = if at < 0 { at + list.len() as i64 } else { at };
            if let Ok(at) = usize::try_from(at)
                && at < list.len()
            {
                list.remove(at);
            }
            Ok(Value::Array(list))
        }
        Value::Document(_) => Err(cannot_delete("object using integer index")),
        _ => Err(cannot_delete("scalar")),
    }
}

/// What a path operation does where the path ends.
enum Change {
    /// Replace what is there; `create` it where the last step is missing.
    Set { new: Value, create: bool },
    /// Insert before an element, or after it; objects take a new name only.
    Insert { new: Value, after: bool },
    /// Take it out.
    Delete,
}

#[cold]
fn not_an_index(step: &str, at: usize) -> Error {
    let message = format!("path element at position {at} is not an integer: \"{step}\"");
    Error::new(ErrorKind::Type, "22P02", message)
}

fn change(value: &mut Value, path: &[&str], at: usize, how: Change) -> Result<()> {
    let Some((step, rest)) = path.split_first() else { return Ok(()) };
    match value {
        Value::Document(document) => change_object(document, step, rest, at, how),
        Value::Array(list) => {
            let index = index_of(step).ok_or_else(|| not_an_index(step, at))?;
            change_array(list, index, rest, at, how)
        }
        _ => Ok(()),
    }
}

fn change_object(
    document: &mut Document,
    step: &str,
    rest: &[&str],
    at: usize,
    how: Change,
) -> Result<()> {
    if !rest.is_empty() {
        return match document.get_mut(step) {
            Some(inner) => change(inner, rest, at + 1, how),
            None => Ok(()),
        };
    }
    let known = document.contains(step);
    match how {
        Change::Set { new, create } if known || create => {
            document.insert(step, new);
        }
        Change::Set { .. } => {}
        Change::Insert { .. } if known => {
            return Err(domain("22023", "cannot replace existing key")
                .hint("Try using the function jsonb_set to replace key value."));
        }
        Change::Insert { new, .. } => {
            document.insert(step, new);
        }
        Change::Delete => {
            document.remove(step);
        }
    }
    Ok(())
}

fn change_array(
    list: &mut Vec<Value>,
    index: i64,
    rest: &[&str],
    at: usize,
    how: Change,
) -> Result<()> {
    let length = list.len() as i64;
    let place = if index < 0 { index + length } else { index };
    let there = usize::try_from(place).ok().filter(|place| *place < list.len());
    if !rest.is_empty() {
        return match there.and_then(|place| list.get_mut(place)) {
            Some(inner) => change(inner, rest, at + 1, how),
            None => Ok(()),
        };
    }
    match (how, there) {
        (Change::Set { new, .. }, Some(place)) => {
            if let Some(slot) = list.get_mut(place) {
                *slot = new;
            }
        }
        (Change::Set { new, create: true } | Change::Insert { new, .. }, None) => {
            if place < 0 {
                list.insert(0, new)
            } else {
                list.push(new)
            }
        }
        (Change::Set { .. }, None) => {}
        (Change::Insert { new, after }, Some(place)) => {
            list.insert(place + usize::from(after), new)
        }
        (Change::Delete, Some(place)) => {
            list.remove(place);
        }
        (Change::Delete, None) => {}
    }
    Ok(())
}

/// Changes a container at a path; scalars have none.
fn changed<'a>(call: &Call<'a, '_>, a: &[Datum<'a>], how: Change) -> Result<Datum<'a>> {
    let raw = a.json(0)?;
    let verb = if matches!(how, Change::Delete) { "delete path in" } else { "set path in" };
    if !raw.is_array() && !raw.is_document() {
        return Err(Error::new(ErrorKind::Type, "22023", format!("cannot {verb} scalar")));
    }
    let needs_something = matches!(how, Change::Delete | Change::Set { create: false, .. });
    if needs_something && raw.count() == Some(0) {
        return Ok(a.at(0));
    }
    let mut steps = Vec::new();
    for (at, step) in array::Flat::new(a.array(1)?, Scalar::Text, call.arena).enumerate() {
        match step? {
            Datum::Text(step) => steps.push(step),
            _ => {
                let message = format!("path element at position {} is null", at + 1);
                return Err(Error::new(ErrorKind::Type, "22004", message));
            }
        }
    }
    if steps.is_empty() {
        return Ok(a.at(0));
    }
    let mut value = json::tree(raw)?;
    change(&mut value, &steps, 1, how)?;
    Ok(json::keep(call, &value))
}

fn set<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let create = a.len() < 4 || a.bool(3)?;
    changed(call, a, Change::Set { new: json::tree(a.json(2)?)?, create })
}

/// jsonb_set, with a word for what a NULL value means.
fn set_lax<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    if a.null(0) || a.null(1) || a.len() > 3 && a.null(3) {
        return Ok(Datum::Null);
    }
    if !a.null(2) {
        return set(call, a.get(..a.len().min(4)).unwrap_or(a));
    }
    let create = a.len() < 4 || a.bool(3)?;
    let treatment = match a.len() {
        5.. if a.null(4) => {
            let message = "null_value_treatment must be \"delete_key\", \"return_target\", \
                           \"use_json_null\", or \"raise_exception\"";
            return Err(domain("22023", message));
        }
        5.. => a.text(4)?,
        _ => "use_json_null",
    };
    match treatment {
        "use_json_null" => changed(call, a, Change::Set { new: Value::Null, create }),
        "delete_key" => changed(call, a, Change::Delete),
        "return_target" => Ok(a.at(0)),
        "raise_exception" => Err(domain("22004", "JSON value must not be null")
            .detail("Exception was raised because null_value_treatment is \"raise_exception\".")
            .hint(
                "To avoid, either change the null_value_treatment argument or ensure that an \
                       SQL NULL is not passed.",
            )),
        _ => Err(domain(
            "22023",
            "null_value_treatment must be \"delete_key\", \"return_target\", \"use_json_null\", or \
             \"raise_exception\"",
        )),
    }
}

fn insert<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let after = a.len() > 3 && a.bool(3)?;
    changed(call, a, Change::Insert { new: json::tree(a.json(2)?)?, after })
}

/// Takes fields that are null out of objects, at any depth; elements of arrays stay.
fn strip(value: Value) -> Value {
    match value {
        Value::Document(document) => {
            let kept = document.into_iter().filter(|(_, value)| *value != Value::Null);
            Value::Document(kept.map(|(name, value)| (name, strip(value))).collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(strip).collect()),
        value => value,
    }
}

/// What jsonb_typeof says.
fn type_name(raw: Raw<'_>) -> Result<&'static str> {
    let item = raw.item().map_err(damaged)?;
    Ok(match datum_order::json_rank(&item) {
        0 => "null",
        datum_order::JSON_NUMBER => "number",
        datum_order::JSON_STRING => "string",
        3 => "boolean",
        4 => "array",
        _ => "object",
    })
}

fn length<'a>(raw: Raw<'a>) -> Result<Datum<'a>> {
    if raw.is_array() {
        return Ok(Datum::Int(raw.count().unwrap_or(0) as i64));
    }
    let what = if raw.is_document() { "a non-array" } else { "a scalar" };
    let message = format!("cannot get array length of {what}");
    Err(Error::new(ErrorKind::Type, "22023", message))
}

fn one<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let mut bytes = Vec::new();
    json::encode(&mut Encoder::new(&mut bytes), call, &a.at(0), call.ty(0))?;
    Ok(call.json(&bytes))
}

fn build_array<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let mut bytes = Vec::new();
    let mut out = Encoder::new(&mut bytes);
    out.array(a.len());
    for (at, value) in a.iter().enumerate() {
        json::encode(&mut out, call, value, call.ty(at))?;
    }
    Ok(call.json(&bytes))
}

fn build_object<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    if !a.len().is_multiple_of(2) {
        let name = if call.result == JSON { "json_build_object" } else { "jsonb_build_object" };
        let hint =
            format!("The arguments of {name}() must consist of alternating keys and values.");
        return Err(domain("22023", "argument list must have even number of elements").hint(hint));
    }
    let mut names = Vec::with_capacity(a.len() / 2);
    let mut values = Vec::with_capacity(a.len() / 2);
    for at in (0..a.len()).step_by(2) {
        if a.null(at) {
            let message = format!("argument {}: key must not be null", at + 1);
            return Err(Error::new(ErrorKind::Type, "22023", message));
        }
        if matches!(a.at(at), Datum::Json(_) | Datum::Array(_) | Datum::Record(_)) {
            let message = "key value must be scalar, not array, composite, or json";
            return Err(domain("22023", message));
        }
        names.push(crate::cast::output_string(call.session(), call.ty(at), -1, &a.at(at))?);
        let mut bytes = Vec::new();
        json::encode(&mut Encoder::new(&mut bytes), call, &a.at(at + 1), call.ty(at + 1))?;
        values.push(bytes);
    }
    object_of(call, &names, &values)
}

fn object_of<'a>(call: &Call<'a, '_>, names: &[String], values: &[Vec<u8>]) -> Result<Datum<'a>> {
    let pairs = names.iter().zip(values);
    let mut pairs: Vec<_> = pairs.map(|(name, bytes)| (name.as_str(), Raw::new(bytes))).collect();
    Ok(call.json(&json::object(&mut pairs)?))
}

/// An object of texts: names and values in turn, as pairs, or in two arrays.
fn object_of_texts<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let list = |at: usize| {
        array::Flat::new(a.array(at)?, Scalar::Text, call.arena).collect::<Result<Vec<_>>>()
    };
    let shape = |at: usize| Ok::<_, Error>(array::dimensions(a.array(at)?, Scalar::Text));
    let (names, values) = if a.len() > 1 {
        if shape(0)?.len() > 1 || shape(1)?.len() > 1 {
            return Err(domain("2202E", "wrong number of array subscripts"));
        }
        (list(0)?, list(1)?)
    } else {
        match shape(0)?.as_slice() {
            [] => {}
            [n] if n % 2 == 0 => {}
            [_] => return Err(domain("2202E", "array must have even number of elements")),
            [_, 2] => {}
            [_, _] => return Err(domain("2202E", "array must have two columns")),
            _ => return Err(domain("2202E", "wrong number of array subscripts")),
        }
        let all = list(0)?;
        (all.iter().step_by(2).copied().collect(), all.iter().skip(1).step_by(2).copied().collect())
    };
    if names.len() != values.len() {
        return Err(domain("2202E", "mismatched array dimensions"));
    }
    let mut texts = Vec::with_capacity(names.len());
    let mut encoded = Vec::with_capacity(names.len());
    for (name, value) in names.iter().zip(&values) {
        let Datum::Text(name) = name else {
            return Err(domain("22004", "null value not allowed for object key"));
        };
        texts.push((*name).to_owned());
        let mut bytes = Vec::new();
        array::encode_element(&mut Encoder::new(&mut bytes), value, Scalar::Text)?;
        encoded.push(bytes);
    }
    object_of(call, &texts, &encoded)
}

fn pretty<'a>(call: &Call<'a, '_>, raw: Raw<'a>) -> Result<Datum<'a>> {
    let text = raw.to_json(value::json::Style::PRETTY).map_err(damaged)?;
    Ok(call.text(&text))
}

macro_rules! both {
    ($($prefix:literal $ty:ident;)*) => { &[$(
        f(concat!("sql.", $prefix, "_field"), "->", &[$ty, TEXT], $ty,
            |_, a| Ok(found(field(a.json(0)?, a.text(1)?)))),
        f(concat!("sql.", $prefix, "_element"), "->", &[$ty, INT4], $ty,
            |c, a| Ok(found(element_of(c, a.json(0)?, a.int(1)?)))),
        f(concat!("sql.", $prefix, "_field_text"), "->>", &[$ty, TEXT], TEXT,
            |c, a| found_text(c, field(a.json(0)?, a.text(1)?))),
        f(concat!("sql.", $prefix, "_element_text"), "->>", &[$ty, INT4], TEXT,
            |c, a| found_text(c, element_of(c, a.json(0)?, a.int(1)?))),
        f(concat!("sql.", $prefix, "_path"), "#>", &[$ty, TEXTS], $ty,
            |c, a| Ok(found(at_path(c, a)?))),
        f(concat!("sql.", $prefix, "_path_text"), "#>>", &[$ty, TEXTS], TEXT,
            |c, a| found_text(c, at_path(c, a)?)),
        f(concat!("sql.", $prefix, "_extract_path"), concat!($prefix, "_extract_path"), &[$ty,
            TEXT], $ty,
            |_, a| Ok(found(at_arguments(a)?))).variadic(),
        f(concat!("sql.", $prefix, "_extract_path_text"), concat!($prefix, "_extract_path_text"),
            &[$ty, TEXT], TEXT, |c, a| found_text(c, at_arguments(a)?)).variadic(),
        f(concat!("sql.", $prefix, "_typeof"), concat!($prefix, "_typeof"), &[$ty], TEXT,
            |_, a| type_name(a.json(0)?).map(Datum::Text)),
        f(concat!("sql.", $prefix, "_array_length"), concat!($prefix, "_array_length"), &[$ty],
            INT4,
            |_, a| length(a.json(0)?)),
        f(concat!("sql.", $prefix, "_strip_nulls"), concat!($prefix, "_strip_nulls"), &[$ty], $ty,
            |c, a| Ok(json::keep(c, &strip(json::tree(a.json(0)?)?)))),
        f(concat!("sql.", $prefix, "_build_array_empty"), concat!($prefix, "_build_array"), &[],
            $ty,
            build_array).called().stable(),
        f(concat!("sql.", $prefix, "_build_array"), concat!($prefix, "_build_array"), &[ANY], $ty,
            build_array).variadic().each().called().stable(),
        f(concat!("sql.", $prefix, "_build_object_empty"), concat!($prefix, "_build_object"), &[],
            $ty,
            build_object).called().stable(),
        f(concat!("sql.", $prefix, "_build_object"), concat!($prefix, "_build_object"), &[ANY], $ty,
            build_object).variadic().each().called().stable(),
        f(concat!("sql.", $prefix, "_object"), concat!($prefix, "_object"), &[TEXTS], $ty,
            object_of_texts),
        f(concat!("sql.", $prefix, "_object_two"), concat!($prefix, "_object"), &[TEXTS, TEXTS],
            $ty,
            object_of_texts),
        f(concat!("sql.to_", $prefix), concat!("to_", $prefix), &[ANY], $ty, one).each().stable(),
    )*] };
}

/// What json and jsonb both have.
pub(super) static BOTH: &[Function] = both! {
    "json" JSON;
    "jsonb" JSONB;
};

/// What only one of them has.
pub(super) static TABLE: &[Function] = &[
    f("sql.array_to_json", "array_to_json", &[ANYARRAY], JSON, one).element().stable(),
    f("sql.array_to_json_pretty", "array_to_json", &[ANYARRAY, BOOL], JSON, one).element().stable(),
    f("sql.row_to_json", "row_to_json", &[RECORD], JSON, one).stable(),
    f("sql.row_to_json_pretty", "row_to_json", &[RECORD, BOOL], JSON, one).stable(),
    f("sql.jsonb_contains", "@>", &[JSONB, JSONB], BOOL, |_, a| {
        contains(a.json(0)?, a.json(1)?, true).map(Datum::Bool)
    }),
    f("sql.jsonb_contained", "<@", &[JSONB, JSONB], BOOL, |_, a| {
        contains(a.json(1)?, a.json(0)?, true).map(Datum::Bool)
    }),
    f("sql.jsonb_exists", "?", &[JSONB, TEXT], BOOL, |_, a| {
        Ok(Datum::Bool(exists(a.json(0)?, a.text(1)?)))
    }),
    f("sql.jsonb_exists_any", "?|", &[JSONB, TEXTS], BOOL, |c, a| exists_of(c, a, false)),
    f("sql.jsonb_exists_all", "?&", &[JSONB, TEXTS], BOOL, |c, a| exists_of(c, a, true)),
    f("sql.jsonb_concat", "||", &[JSONB, JSONB], JSONB, |c, a| {
        Ok(json::keep(c, &concat(json::tree(a.json(0)?)?, json::tree(a.json(1)?)?)))
    }),
    f("sql.jsonb_delete", "-", &[JSONB, TEXT], JSONB, |c, a| {
        without_names(json::tree(a.json(0)?)?, &[a.text(1)?]).map(|value| json::keep(c, &value))
    }),
    f("sql.jsonb_delete_names", "-", &[JSONB, TEXTS], JSONB, |c, a| {
        let names: Vec<&str> = array::Flat::new(a.array(1)?, Scalar::Text, c.arena)
            .filter_map(|name| match name {
                Ok(Datum::Text(name)) => Some(name),
                _ => None,
            })
            .collect();
        without_names(json::tree(a.json(0)?)?, &names).map(|value| json::keep(c, &value))
    }),
    f("sql.jsonb_delete_index", "-", &[JSONB, INT4], JSONB, |c, a| {
        without_index(json::tree(a.json(0)?)?, a.int(1)?).map(|value| json::keep(c, &value))
    }),
    f("sql.jsonb_delete_path_op", "#-", &[JSONB, TEXTS], JSONB, |c, a| {
        changed(c, a, Change::Delete)
    }),
    f("sql.jsonb_delete_path", "jsonb_delete_path", &[JSONB, TEXTS], JSONB, |c, a| {
        changed(c, a, Change::Delete)
    }),
    f("sql.jsonb_set", "jsonb_set", &[JSONB, TEXTS, JSONB], JSONB, set),
    f("sql.jsonb_set_create", "jsonb_set", &[JSONB, TEXTS, JSONB, BOOL], JSONB, set),
    f("sql.jsonb_set_lax", "jsonb_set_lax", &[JSONB, TEXTS, JSONB], JSONB, set_lax).called(),
    f("sql.jsonb_set_lax_create", "jsonb_set_lax", &[JSONB, TEXTS, JSONB, BOOL], JSONB, set_lax)
        .called(),
    f(
        "sql.jsonb_set_lax_null",
        "jsonb_set_lax",
        &[JSONB, TEXTS, JSONB, BOOL, TEXT],
        JSONB,
        set_lax,
    )
    .called(),
    f("sql.jsonb_insert", "jsonb_insert", &[JSONB, TEXTS, JSONB], JSONB, insert),
    f("sql.jsonb_insert_after", "jsonb_insert", &[JSONB, TEXTS, JSONB, BOOL], JSONB, insert),
    f("sql.jsonb_pretty", "jsonb_pretty", &[JSONB], TEXT, |c, a| pretty(c, a.json(0)?)),
];
