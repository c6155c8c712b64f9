//! The operators of one path.
//!
//! `{path: value}` is equality, unless the value is a regular expression, which is a search, or a
//! document whose names are operators. Two tests under one path may be passed by two elements of an
//! array; only `$elemMatch` binds them to one.

use query::Result;
use query::predicate::{Divisor, Kinds, Literal, Path, Pattern, Predicate, Test};
use value::{Document, Kind, Value};

use super::{document, unknown, unsupported, wrong};

/// What a field of a filter says about its path.
pub(super) fn field(path: Path, value: &Value, depth: usize) -> Result<Predicate> {
    let mut tests = match value {
        Value::Document(operators) if are_operators(operators)? => tests(operators, depth + 1)?,
        other => vec![equal(other)?],
    };
    Ok(match tests.len() {
        1 => Predicate::matching(path, tests.remove(0)),
        _ => {
            let leaf = |test| Predicate::matching(path.clone(), test);
            Predicate::And(tests.into_iter().map(leaf).collect())
        }
    })
}

/// Whether a document's names are operators: the first decides, and the others agree with it.
fn are_operators(of: &Document) -> Result<bool> {
    let mut names = of.names().map(|name| name.starts_with('$'));
    let Some(first) = names.next() else { return Ok(false) };
    match names.all(|name| name == first) {
        true => Ok(first),
        false => Err(wrong("operators and fields stand beside one another in a filter")),
    }
}

/// Equality, or a search where the value is a regular expression.
fn equal(value: &Value) -> Result<Test> {
    match value {
        Value::Regex { pattern, options } => Pattern::new(pattern, options).map(Test::Regex),
        other => Ok(Test::eq(other)),
    }
}

fn tests(operators: &Document, depth: usize) -> Result<Vec<Test>> {
    if depth > super::DEPTH_MAX {
        document(operators, depth)?;
    }
    let mut tests = Vec::with_capacity(operators.len());
    for (name, value) in operators.iter() {
        tests.extend(test(name, value, operators, depth)?);
    }
    Ok(tests)
}

fn test(name: &str, value: &Value, beside: &Document, depth: usize) -> Result<Option<Test>> {
    let literal = || match value {
        Value::Regex { .. } => Err(wrong(format!("{name} does not take a regular expression"))),
        other => Ok(Literal::new(other)),
    };
    Ok(Some(match name {
        "$eq" => Test::eq(value),
        "$ne" => Test::Eq(literal()?).negated(),
        "$lt" => Test::Lt(literal()?),
        "$lte" => Test::Lte(literal()?),
        "$gt" => Test::Gt(literal()?),
        "$gte" => Test::Gte(literal()?),
        "$in" => one_of(name, value)?,
        "$nin" => one_of(name, value)?.negated(),
        "$exists" if is_true(value) => Test::Exists,
        "$exists" => Test::Exists.negated(),
        "$type" => Test::Type(kinds(value)?),
        "$size" => Test::Size(size(value)?),
        "$mod" => Test::Mod(divisor(value)?),
        "$all" => all(value, depth)?,
        "$elemMatch" => element(value, depth)?,
        "$regex" => Test::Regex(pattern(value, beside.get("$options"))?),
        "$options" if beside.contains("$regex") => return Ok(None),
        "$options" => return Err(wrong("$options without $regex in a filter")),
        "$not" => not(value, depth)?,
        "$expr" | "$where" | "$text" | "$jsonSchema" | "$bitsAllSet" | "$bitsAnySet"
        | "$bitsAllClear" | "$bitsAnyClear" | "$geoWithin" | "$geoIntersects" | "$near"
        | "$nearSphere" | "$within" => return Err(unsupported(name)),
        _ => return Err(unknown(name)),
    }))
}

fn list<'v>(name: &str, value: &'v Value) -> Result<&'v [Value]> {
    value.as_array().ok_or_else(|| wrong(format!("{name} is followed by a list")))
}

/// `$in`: its regular expressions are searches.
fn one_of(name: &str, value: &Value) -> Result<Test> {
    let (mut literals, mut searches) = (Vec::new(), Vec::new());
    for one in list(name, value)? {
        match one {
            Value::Regex { pattern, options } => {
                searches.push(Test::Regex(Pattern::new(pattern, options)?).negated());
            }
            other => literals.push(Literal::new(other)),
        }
    }
    let plain = Test::In(literals);
    if searches.is_empty() {
        return Ok(plain);
    }
    // One of them: not none of them.
    searches.push(plain.negated());
    Ok(Test::All(searches).negated())
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(value) => *value,
        Value::Null | Value::Undefined => false,
        other => value::compare::cmp_numbers(other, &Value::Int32(0)).is_none_or(|o| o.is_ne()),
    }
}

/// A whole number of any type.
fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Float64(n) => value::Decimal::from_f64_exact(*n).to_i64_exact(),
        Value::Float32(n) => value::Decimal::from_f64_exact((*n).into()).to_i64_exact(),
        Value::Decimal(n) => n.to_i64_exact(),
        other => other.as_i64(),
    }
}

fn size(value: &Value) -> Result<u64> {
    let size = integer(value).and_then(|n| u64::try_from(n).ok());
    size.ok_or_else(|| wrong("$size is followed by a whole number, 0 or more"))
}

fn divisor(value: &Value) -> Result<Divisor> {
    let whole = |value: &Value| match value {
        Value::Float64(n) => integer(&Value::Float64(n.trunc())),
        Value::Decimal(n) => n.trunc(0).to_i64_exact(),
        other => integer(other),
    };
    match value.as_array() {
        Some([by, remainder]) => match (whole(by), whole(remainder)) {
            (Some(by), Some(remainder)) => Divisor::new(by, remainder),
            _ => Err(wrong("$mod is followed by a list of two numbers")),
        },
        _ => Err(wrong("$mod is followed by a list of two numbers")),
    }
}

fn all(value: &Value, depth: usize) -> Result<Test> {
    let mut tests = Vec::new();
    for one in list("$all", value)? {
        tests.push(match one {
            Value::Document(of) if of.len() == 1 && of.contains("$elemMatch") => {
                element(of.get("$elemMatch").unwrap_or(&Value::Null), depth + 1)?
            }
            Value::Document(of) if are_operators(of)? => {
                return Err(wrong("$all takes values, or $elemMatch, and no other operator"));
            }
            other => equal(other)?,
        });
    }
    // All of nothing is nothing here, as in MongoDB.
    Ok(if tests.is_empty() { Test::In(Vec::new()) } else { Test::All(tests) })
}

fn element(value: &Value, depth: usize) -> Result<Test> {
    let Value::Document(of) = value else {
        return Err(wrong("$elemMatch is followed by a document"));
    };
    let logical = |name: &str| matches!(name, "$and" | "$or" | "$nor");
    let of_values = of.names().next().is_some_and(|name| name.starts_with('$') && !logical(name));
    if of_values && are_operators(of)? {
        return tests(of, depth + 1).map(Test::ElementIs);
    }
    document(of, depth + 1).map(|inner| Test::ElementMatches(Box::new(inner)))
}

fn pattern(value: &Value, options: Option<&Value>) -> Result<Pattern> {
    let options = match options {
        None => None,
        Some(Value::Text(options)) => Some(options.as_str()),
        Some(_) => return Err(wrong("$options is followed by a text")),
    };
    match value {
        Value::Text(pattern) => Pattern::new(pattern, options.unwrap_or_default()),
        Value::Regex { pattern, options: own } => Pattern::new(pattern, options.unwrap_or(own)),
        _ => Err(wrong("$regex is followed by a text or a regular expression")),
    }
}

fn not(value: &Value, depth: usize) -> Result<Test> {
    match value {
        Value::Regex { .. } => Ok(equal(value)?.negated()),
        Value::Document(of) if !of.is_empty() && are_operators(of)? => {
            let mut inner = tests(of, depth + 1)?;
            let inner = if inner.len() == 1 { inner.remove(0) } else { Test::All(inner) };
            Ok(inner.negated())
        }
        _ => Err(wrong("$not is followed by operators or a regular expression")),
    }
}

fn kinds(value: &Value) -> Result<Kinds> {
    match value {
        Value::Array(list) if !list.is_empty() => {
            let one = |all: Kinds, value| kinds_of(value).map(|kinds| all.with(kinds));
            list.iter().try_fold(Kinds::default(), one)
        }
        one => kinds_of(one),
    }
}

/// The kinds that BSON's type means, by its name or number; docs/mapping.md has the table.
fn kinds_of(value: &Value) -> Result<Kinds> {
    use Kind::*;
    let name = match value {
        Value::Text(name) => name.as_str(),
        other => number_name(integer(other)),
    };
    Ok(Kinds::of(match name {
        "double" => &[Float32, Float64],
        "string" => &[Text, Time, Interval],
        "object" => &[Document],
        "array" => &[Array],
        "binData" => &[Bytes, Uuid],
        "undefined" => &[Undefined],
        "objectId" => &[ObjectId],
        "bool" => &[Bool],
        "date" => &[Date, Timestamp, TimestampTz],
        "null" => &[Null],
        "regex" => &[Regex],
        "dbPointer" => &[DbPointer],
        "javascript" | "javascriptWithScope" => &[Code],
        "symbol" => &[Symbol],
        "int" => &[Int8, Int16, Int32],
        "timestamp" => &[BsonTimestamp],
        "long" => &[Int64],
        "decimal" => &[Decimal, UInt64],
        "minKey" => &[MinKey],
        "maxKey" => &[MaxKey],
        "number" => &[Int8, Int16, Int32, Int64, UInt64, Float32, Float64, Decimal],
        _ => return Err(wrong("$type is followed by names or numbers of BSON's types")),
    }))
}

fn number_name(number: Option<i64>) -> &'static str {
    match number {
        Some(1) => "double",
        Some(2) => "string",
        Some(3) => "object",
        Some(4) => "array",
        Some(5) => "binData",
        Some(6) => "undefined",
        Some(7) => "objectId",
        Some(8) => "bool",
        Some(9) => "date",
        Some(10) => "null",
        Some(11) => "regex",
        Some(12) => "dbPointer",
        Some(13) => "javascript",
        Some(14) => "symbol",
        Some(15) => "javascriptWithScope",
        Some(16) => "int",
        Some(17) => "timestamp",
        Some(18) => "long",
        Some(19) => "decimal",
        Some(-1) => "minKey",
        Some(127) => "maxKey",
        _ => "",
    }
}
