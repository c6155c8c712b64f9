//! The order of all values.
//!
//! BSON's: first by class, then within it. This is the order that the keys of [`crate::key`] have
//! as bytes, written a second time from the values alone: the property tests hold each against the
//! other, so neither looks at the other's code.
//!
//! ```text
//!   MinKey < undefined < null < numbers < text, symbol < document < array < bytes < uuid
//!     < ObjectId < bool < date < time < timestamp < timestamptz < interval
//!     < BSON timestamp < regex < pointer < code < code with scope < MaxKey
//! ```
//!
//! Numbers compare exactly, whatever their types: 0.1 as decimal is below 0.1 as double (which is a
//! little more), and 2^53 + 1 above 2^53. NaN is below all numbers and equal to itself; -0.0 equals
//! 0. SQL compares by its own casts and puts NaN on top; that is the query crate's business.

use std::cmp::Ordering;

use crate::{Damaged, Decimal, Document, Item, Key, Kind, MAX_DEPTH, Raw, Value};

/// Compares two values of any types: a total order in which values that differ only in numeric
/// type, scale, symbol against text, or an interval's units are equal.
pub fn cmp_bson(a: &Value, b: &Value) -> Ordering {
    use Value::*;
    let classes = rank(a).cmp(&rank(b));
    if classes != Ordering::Equal {
        return classes;
    }
    match (a, b) {
        (Text(a) | Symbol(a), Text(b) | Symbol(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Document(a), Document(b)) => cmp_documents(a, b),
        (Array(a), Array(b)) => cmp_arrays(a, b),
        (Bytes { subtype: s, data: a }, Bytes { subtype: t, data: b }) => a.cmp(b).then(s.cmp(t)),
        (Uuid(a), Uuid(b)) => a.cmp(b),
        (ObjectId(a), ObjectId(b)) => a.cmp(b),
        (Bool(a), Bool(b)) => a.cmp(b),
        (Date(a), Date(b)) => a.cmp(b),
        (Time(a), Time(b)) => a.cmp(b),
        (Timestamp(a), Timestamp(b)) | (TimestampTz(a), TimestampTz(b)) => a.cmp(b),
        (Interval(a), Interval(b)) => a.span().cmp(&b.span()),
        (
            BsonTimestamp { seconds: s, increment: i },
            BsonTimestamp { seconds: t, increment: j },
        ) => (s, i).cmp(&(t, j)),
        (Regex { pattern: p, options: o }, Regex { pattern: q, options: r }) => (p, o).cmp(&(q, r)),
        (DbPointer { namespace: a, id: i }, DbPointer { namespace: b, id: j }) => {
            (a, i).cmp(&(b, j))
        }
        (Code { code: a, scope: s }, Code { code: b, scope: t }) => {
            a.cmp(b).then_with(|| match (s, t) {
                (Some(s), Some(t)) => cmp_documents(s, t),
                _ => Ordering::Equal,
            })
        }
        _ => cmp_numbers(a, b).unwrap_or(Ordering::Equal),
    }
}

/// The place of a value's class among the classes.
fn rank(value: &Value) -> u8 {
    match value {
        Value::MinKey => 0,
        Value::Undefined => 1,
        Value::Null => 2,
        Value::Int8(_) | Value::Int16(_) | Value::Int32(_) | Value::Int64(_) => 3,
        Value::UInt64(_) | Value::Float32(_) | Value::Float64(_) | Value::Decimal(_) => 3,
        Value::Text(_) | Value::Symbol(_) => 4,
        Value::Document(_) => 5,
        Value::Array(_) => 6,
        Value::Bytes { .. } => 7,
        Value::Uuid(_) => 8,
        Value::ObjectId(_) => 9,
        Value::Bool(_) => 10,
        Value::Date(_) => 11,
        Value::Time(_) => 12,
        Value::Timestamp(_) => 13,
        Value::TimestampTz(_) => 14,
        Value::Interval(_) => 15,
        Value::BsonTimestamp { .. } => 16,
        Value::Regex { .. } => 17,
        Value::DbPointer { .. } => 18,
        Value::Code { scope: None, .. } => 19,
        Value::Code { scope: Some(_), .. } => 20,
        Value::MaxKey => 21,
    }
}

/// Field by field: class of the value, then name, then value; where one ends it comes first.
fn cmp_documents(a: &Document, b: &Document) -> Ordering {
    for ((name_a, value_a), (name_b, value_b)) in a.iter().zip(b.iter()) {
        let order = field_rank(value_a)
            .cmp(&field_rank(value_b))
            .then_with(|| name_a.as_bytes().cmp(name_b.as_bytes()))
            .then_with(|| cmp_bson(value_a, value_b));
        if order != Ordering::Equal {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

/// Code with and without scope are one class before the name is looked at.
fn field_rank(value: &Value) -> u8 {
    rank(value).min(if matches!(value, Value::Code { .. }) { 19 } else { u8::MAX })
}

fn cmp_arrays(a: &[Value], b: &[Value]) -> Ordering {
    a.iter()
        .zip(b)
        .map(|(a, b)| cmp_bson(a, b))
        .find(|order| *order != Ordering::Equal)
        .unwrap_or_else(|| a.len().cmp(&b.len()))
}

/// A number in one of the three forms that compare among themselves.
enum Number<'a> {
    Integer(i128),
    Float(f64),
    Decimal(&'a Decimal),
}

fn number(value: &Value) -> Option<Number<'_>> {
    Some(match value {
        Value::Int8(n) => Number::Integer((*n).into()),
        Value::Int16(n) => Number::Integer((*n).into()),
        Value::Int32(n) => Number::Integer((*n).into()),
        Value::Int64(n) => Number::Integer((*n).into()),
        Value::UInt64(n) => Number::Integer((*n).into()),
        Value::Float32(n) => Number::Float((*n).into()),
        Value::Float64(n) => Number::Float(*n),
        Value::Decimal(n) => Number::Decimal(n),
        _ => return None,
    })
}

/// Exact comparison of two numbers of any types, NaN lowest; `None` if either is no number.
pub fn cmp_numbers(a: &Value, b: &Value) -> Option<Ordering> {
    let (a, b) = (number(a)?, number(b)?);
    Some(match (a, b) {
        (Number::Integer(a), Number::Integer(b)) => a.cmp(&b),
        (Number::Float(a), Number::Float(b)) => {
            a.partial_cmp(&b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
        }
        (a, b) => {
            let (a, b) = (a.exact(), b.exact());
            // Decimal's own order has NaN on top.
            b.is_nan().cmp(&a.is_nan()).then_with(|| a.cmp(&b))
        }
    })
}

impl Number<'_> {
    fn exact(self) -> Decimal {
        match self {
            Number::Integer(n) => Decimal::from(n),
            Number::Float(n) => Decimal::from_f64_exact(n),
            Number::Decimal(n) => n.clone(),
        }
    }
}

/// Compares two items as [`cmp_bson`] does their values, in place: nothing is allocated for text,
/// bytes, times, numbers within `i128`, or whatever holds them.
///
/// # Errors
/// Damage, column ids as keys, and nesting beyond [`MAX_DEPTH`].
pub fn cmp_raw(a: Raw<'_>, b: Raw<'_>) -> Result<Ordering, Damaged> {
    cmp_items(a, b, 0)
}

fn cmp_items(a: Raw<'_>, b: Raw<'_>, depth: usize) -> Result<Ordering, Damaged> {
    if depth > MAX_DEPTH {
        return Err(Damaged);
    }
    Ok(match (a.item()?, b.item()?) {
        (Item::Text(a) | Item::Symbol(a), Item::Text(b) | Item::Symbol(b)) => {
            a.as_bytes().cmp(b.as_bytes())
        }
        (Item::Bytes { subtype: s, data: a }, Item::Bytes { subtype: t, data: b }) => {
            a.cmp(b).then(s.cmp(&t))
        }
        (Item::Document(a), Item::Document(b)) => cmp_entries(a, b, depth)?,
        (Item::Array(a), Item::Array(b)) => cmp_elements(a, b, depth)?,
        (Item::Code { code: a, scope: Some(s) }, Item::Code { code: b, scope: Some(t) }) => {
            match a.cmp(b) {
                Ordering::Equal => cmp_entries(s, t, depth)?,
                order => order,
            }
        }
        (a, b) => cmp_bson(&shallow(a), &shallow(b)),
    })
}

/// The item as a value of its class; what is nested is left out, since an item of another class is
/// all that it is compared with.
fn shallow(item: Item<'_>) -> Value {
    match item {
        Item::Null => Value::Null,
        Item::Undefined => Value::Undefined,
        Item::MinKey => Value::MinKey,
        Item::MaxKey => Value::MaxKey,
        Item::Bool(value) => Value::Bool(value),
        Item::Int8(n) => Value::Int8(n),
        Item::Int16(n) => Value::Int16(n),
        Item::Int32(n) => Value::Int32(n),
        Item::Int64(n) => Value::Int64(n),
        Item::UInt64(n) => Value::UInt64(n),
        Item::Float32(n) => Value::Float32(n),
        Item::Float64(n) => Value::Float64(n),
        Item::Decimal(n) => Value::Decimal(n),
        Item::Text(_) | Item::Symbol(_) => Value::Text(String::new()),
        Item::Bytes { subtype, .. } => Value::Bytes { subtype, data: Vec::new() },
        Item::Date(days) => Value::Date(days),
        Item::Time(micros) => Value::Time(micros),
        Item::Timestamp(micros) => Value::Timestamp(micros),
        Item::TimestampTz(micros) => Value::TimestampTz(micros),
        Item::Interval(interval) => Value::Interval(interval),
        Item::Uuid(uuid) => Value::Uuid(uuid),
        Item::ObjectId(id) => Value::ObjectId(id),
        Item::Document(_) => Value::Document(Document::new()),
        Item::Array(_) => Value::Array(Vec::new()),
        Item::Regex { pattern, options } => {
            Value::Regex { pattern: pattern.into(), options: options.into() }
        }
        Item::Code { code, scope } => {
            Value::Code { code: code.into(), scope: scope.map(|_| Document::new()) }
        }
        Item::BsonTimestamp { seconds, increment } => Value::BsonTimestamp { seconds, increment },
        Item::DbPointer { namespace, id } => Value::DbPointer { namespace: namespace.into(), id },
    }
}

fn cmp_entries(a: Raw<'_>, b: Raw<'_>, depth: usize) -> Result<Ordering, Damaged> {
    let (mut left, mut right) = (a.entries(), b.entries());
    loop {
        let (left, right) = match (left.next().transpose()?, right.next().transpose()?) {
            (Some(left), Some(right)) => (left, right),
            (left, right) => return Ok(left.is_some().cmp(&right.is_some())),
        };
        let ((Key::Name(name), value), (Key::Name(other_name), other)) = (left, right) else {
            return Err(Damaged);
        };
        let classes = class(value)?.cmp(&class(other)?);
        let order = classes.then_with(|| name.as_bytes().cmp(other_name.as_bytes()));
        if order != Ordering::Equal {
            return Ok(order);
        }
        let order = cmp_items(value, other, depth + 1)?;
        if order != Ordering::Equal {
            return Ok(order);
        }
    }
}

fn cmp_elements(a: Raw<'_>, b: Raw<'_>, depth: usize) -> Result<Ordering, Damaged> {
    let (mut left, mut right) = (a.elements(), b.elements());
    loop {
        match (left.next().transpose()?, right.next().transpose()?) {
            (Some(left), Some(right)) => {
                let order = cmp_items(left, right, depth + 1)?;
                if order != Ordering::Equal {
                    return Ok(order);
                }
            }
            (left, right) => return Ok(left.is_some().cmp(&right.is_some())),
        }
    }
}

/// The class of an item, as [`field_rank`] of its value.
fn class(raw: Raw<'_>) -> Result<u8, Damaged> {
    Ok(match raw.kind().ok_or(Damaged)? {
        Kind::Document => 5,
        Kind::Array => 6,
        Kind::Code => 19,
        Kind::Text | Kind::Symbol => 4,
        kind if kind.is_number() => 3,
        _ => field_rank(&shallow(raw.item()?)),
    })
}
