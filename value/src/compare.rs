//! The order of all values.
//!
//! BSON's: first by class, then within it. This is the order that the keys of [`crate::key`] have as
//! bytes, written a second time from the values alone: the property tests hold each against the other,
//! so neither looks at the other's code.
//!
//! ```text
//!   MinKey < undefined < null < numbers < text, symbol < document < array < bytes < uuid < ObjectId
//!     < bool < date < time < timestamp < timestamptz < interval < BSON timestamp < regex
//!     < pointer < code < code with scope < MaxKey
//! ```
//!
//! Numbers compare exactly, whatever their types: 0.1 as decimal is below 0.1 as double (which is a
//! little more), and 2^53 + 1 above 2^53. NaN is below all numbers and equal to itself; -0.0 equals 0.
//! SQL compares by its own casts and puts NaN on top; that is the query crate's business.

use std::cmp::Ordering;

use crate::{Decimal, Document, Value};

/// Compares two values of any types: a total order in which values that differ only in numeric type,
/// scale, symbol against text, or an interval's units are equal.
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
