//! The order of datums: what `<` says within a type, made total for sorting.
//!
//! ```text
//!   one type class       order
//!   integers, decimals   by value, exactly (-0 = 0, NaN = NaN above infinity)
//!   floats               by value; an exact number beside one becomes double precision
//!   text                 by bytes (collation C)
//!   interval             by length, months of 30 days
//!   jsonb                object > array > boolean > number > string > null; then size, then content
//!   arrays               element by element, then length; records field by field
//! ```
//!
//! NULL stands outside: [`compare`] puts it where ORDER BY says, and within arrays and records it
//! is above everything, equal to itself, as PostgreSQL has it there.
//!
//! **Invariant** `order(a, b) == Equal` exactly if the type's `=` is true, and then
//! [`hash`](super::datum_hash::hash) is equal (property test).

use std::cmp::Ordering;

use value::{Decimal, Item, Key, Raw};

use crate::Datum;

/// The place of `a` against `b` under ORDER BY; NULLs are placed whatever `descending`.
#[inline]
pub fn compare(a: &Datum<'_>, b: &Datum<'_>, descending: bool, nulls_first: bool) -> Ordering {
    match (a.is_null(), b.is_null()) {
        (false, false) if descending => order(b, a),
        (false, false) => order(a, b),
        (true, true) => Ordering::Equal,
        (true, false) if nulls_first => Ordering::Less,
        (false, true) if !nulls_first => Ordering::Less,
        _ => Ordering::Greater,
    }
}

/// Whether two values are the same to GROUP BY and DISTINCT; NULL is the same as NULL.
#[inline]
pub fn equal(a: &Datum<'_>, b: &Datum<'_>) -> bool {
    compare(a, b, false, false) == Ordering::Equal
}

/// The order of two values of one type class; NULL is above everything. Values of different classes
/// are ordered by class, so that the order is total whatever it is given.
pub fn order(a: &Datum<'_>, b: &Datum<'_>) -> Ordering {
    use Datum::*;
    match (a, b) {
        (Int(a), Int(b)) => a.cmp(b),
        (Text(a), Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Float(a), Float(b)) => floats(*a, *b),
        (Float32(a), Float32(b)) => floats((*a).into(), (*b).into()),
        (Decimal(a), Decimal(b)) => a.cmp(b),
        (Bool(a), Bool(b)) => a.cmp(b),
        (Bytes(a), Bytes(b)) => a.cmp(b),
        (Date(a), Date(b)) => a.cmp(b),
        (Time(a), Time(b)) => a.cmp(b),
        (Timestamp(a) | TimestampTz(a), Timestamp(b) | TimestampTz(b)) => a.cmp(b),
        (Date(a), Timestamp(b)) => date_micros(*a).cmp(&(*b).into()),
        (Timestamp(a), Date(b)) => i128::from(*a).cmp(&date_micros(*b)),
        (Interval(a), Interval(b)) => a.span().cmp(&b.span()),
        (Uuid(a), Uuid(b)) => a.cmp(b),
        (ObjectId(a), ObjectId(b)) => a.cmp(b),
        (Json(a), Json(b)) => json(*a, *b),
        (Array(a), Array(b)) => arrays(*a, *b),
        (Record(a), Record(b)) => records(a, b),
        (a, b) => match (rank(a), rank(b)) {
            (NUMBER, NUMBER) => numbers(a, b),
            (left, right) => left.cmp(&right),
        },
    }
}

const NUMBER: u8 = 1;

/// The class of a datum; classes are never equal to each other.
fn rank(datum: &Datum<'_>) -> u8 {
    use Datum::*;
    match datum {
        Bool(_) => 0,
        Int(_) | UInt(_) | Float32(_) | Float(_) | Decimal(_) => NUMBER,
        Text(_) => 2,
        Bytes(_) => 3,
        Date(_) => 4,
        Time(_) => 5,
        Timestamp(_) | TimestampTz(_) => 6,
        Interval(_) => 7,
        Uuid(_) => 8,
        ObjectId(_) => 9,
        Json(_) => 10,
        Array(_) => 11,
        Record(_) => 12,
        Null | Missing => 13,
    }
}

/// By value; NaN is equal to itself and above everything.
#[inline]
pub fn floats(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// Microseconds of a date's midnight; infinities stay so.
fn date_micros(date: i32) -> i128 {
    match date {
        i32::MIN => i64::MIN.into(),
        i32::MAX => i64::MAX.into(),
        days => i128::from(days) * i128::from(value::calendar::MICROS_PER_DAY),
    }
}

/// Numbers of two representations.
fn numbers(a: &Datum<'_>, b: &Datum<'_>) -> Ordering {
    if let (Some(a), Some(b)) = (integer(a), integer(b)) {
        return a.cmp(&b);
    }
    if is_float(a) || is_float(b) {
        return floats(as_float(a), as_float(b));
    }
    as_decimal(a).cmp(&as_decimal(b))
}

fn integer(datum: &Datum<'_>) -> Option<i128> {
    match datum {
        Datum::Int(v) => Some((*v).into()),
        Datum::UInt(v) => Some((*v).into()),
        _ => None,
    }
}

fn is_float(datum: &Datum<'_>) -> bool {
    matches!(datum, Datum::Float(_) | Datum::Float32(_))
}

fn as_float(datum: &Datum<'_>) -> f64 {
    match datum {
        Datum::Int(v) => *v as f64,
        Datum::UInt(v) => *v as f64,
        Datum::Float(v) => *v,
        Datum::Float32(v) => (*v).into(),
        Datum::Decimal(v) => v.to_f64(),
        _ => f64::NAN,
    }
}

/// The exact number of a datum; of a float its shortest decimal.
pub(super) fn as_decimal(datum: &Datum<'_>) -> Decimal {
    match datum {
        Datum::Int(v) => Decimal::from(i128::from(*v)),
        Datum::UInt(v) => Decimal::from(i128::from(*v)),
        Datum::Decimal(v) => (*v).clone(),
        Datum::Float(v) => Decimal::from_f64(*v),
        Datum::Float32(v) => Decimal::from_f32(*v),
        _ => Decimal::NAN,
    }
}

fn records(a: &[Datum<'_>], b: &[Datum<'_>]) -> Ordering {
    let unequal = a.iter().zip(b).map(|(a, b)| compare(a, b, false, false));
    unequal.into_iter().find(|o| o.is_ne()).unwrap_or_else(|| a.len().cmp(&b.len()))
}

/// Elements in order whatever the dimensions, then how many, then the dimensions.
fn arrays(a: Raw<'_>, b: Raw<'_>) -> Ordering {
    let (mut left, mut right) = (Items::new(a), Items::new(b));
    loop {
        match (left.next(), right.next()) {
            (Some(a), Some(b)) => match elements(a, b) {
                Ordering::Equal => {}
                unequal => return unequal,
            },
            (None, None) => break,
            (a, _) => return if a.is_none() { Ordering::Less } else { Ordering::Greater },
        }
    }
    let of = |raw| super::array::dimensions(raw, crate::Scalar::Text);
    let (a, b) = (of(a), of(b));
    a.len().cmp(&b.len()).then_with(|| a.cmp(&b))
}

fn elements(a: Raw<'_>, b: Raw<'_>) -> Ordering {
    match (a.is_null(), b.is_null()) {
        (false, false) => {}
        (a, b) => return a.cmp(&b),
    }
    let arena = crate::Arena::new();
    let datum = |raw: Raw<'_>| -> Option<i64> { raw.as_i64() };
    if let (Some(a), Some(b)) = (datum(a), datum(b)) {
        return a.cmp(&b);
    }
    match (a.item(), b.item()) {
        (Ok(x), Ok(y)) => {
            let x = super::array::from_item(x, a, &arena);
            let y = super::array::from_item(y, b, &arena);
            match (x, y) {
                (Ok(x), Ok(y)) => order(&x, &y),
                _ => Ordering::Equal,
            }
        }
        // Damaged bytes are met with an error wherever they are read; here they sort low.
        (x, y) => x.is_ok().cmp(&y.is_ok()),
    }
}

/// Items of nested arrays in order, without a datum for each.
pub(super) struct Items<'a> {
    levels: smallvec::SmallVec<[value::cbor::Elements<'a>; 2]>,
}

impl<'a> Items<'a> {
    pub(super) fn new(array: Raw<'a>) -> Self {
        Items { levels: smallvec::smallvec![array.elements()] }
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Raw<'a>;

    fn next(&mut self) -> Option<Raw<'a>> {
        loop {
            match self.levels.last_mut()?.next() {
                Some(Ok(raw)) if raw.is_array() => self.levels.push(raw.elements()),
                Some(Ok(raw)) => return Some(raw),
                _ => {
                    self.levels.pop();
                }
            }
        }
    }
}

/// jsonb's order. By an accident that PostgreSQL keeps for its indexes' sake, an empty array on its
/// own is below every scalar, although arrays are above them.
pub fn json(a: Raw<'_>, b: Raw<'_>) -> Ordering {
    let empty = |raw: Raw<'_>| raw.is_array() && raw.count() == Some(0);
    let scalar = |raw: Raw<'_>| !raw.is_array() && !raw.is_document();
    match () {
        () if empty(a) && scalar(b) => Ordering::Less,
        () if scalar(a) && empty(b) => Ordering::Greater,
        () => json_nested(a, b),
    }
}

fn json_nested(a: Raw<'_>, b: Raw<'_>) -> Ordering {
    let (Ok(a), Ok(b)) = (a.item(), b.item()) else { return Ordering::Equal };
    let (left, right) = (json_rank(&a), json_rank(&b));
    if left != right {
        return left.cmp(&right);
    }
    match (&a, &b) {
        (Item::Document(a), Item::Document(b)) => documents(*a, *b),
        (Item::Array(a), Item::Array(b)) => {
            a.count().cmp(&b.count()).then_with(|| json_elements(*a, *b))
        }
        (Item::Bool(a), Item::Bool(b)) => a.cmp(b),
        (a, b) if left == JSON_NUMBER => json_number(a).cmp(&json_number(b)),
        (Item::Text(a), Item::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        (a, b) if left == JSON_STRING => {
            super::json::scalar_text(a).as_bytes().cmp(super::json::scalar_text(b).as_bytes())
        }
        _ => Ordering::Equal,
    }
}

pub(super) const JSON_STRING: u8 = 1;
pub(super) const JSON_NUMBER: u8 = 2;

pub(super) fn json_rank(item: &Item<'_>) -> u8 {
    use Item::*;
    match item {
        Null | Undefined => 0,
        Int8(_) | Int16(_) | Int32(_) | Int64(_) | UInt64(_) | Decimal(_) => JSON_NUMBER,
        Float32(n) if n.is_finite() => JSON_NUMBER,
        Float64(n) if n.is_finite() => JSON_NUMBER,
        Bool(_) => 3,
        Array(_) => 4,
        Document(_) => 5,
        _ => JSON_STRING,
    }
}

pub(super) fn json_number(item: &Item<'_>) -> Decimal {
    use Item::{Float32, Float64, Int8, Int16, Int32, Int64, UInt64};
    match item {
        Int8(n) => value::Decimal::from(i128::from(*n)),
        Int16(n) => value::Decimal::from(i128::from(*n)),
        Int32(n) => value::Decimal::from(i128::from(*n)),
        Int64(n) => value::Decimal::from(i128::from(*n)),
        UInt64(n) => value::Decimal::from(i128::from(*n)),
        Float32(n) => value::Decimal::from_f32(*n),
        Float64(n) => value::Decimal::from_f64(*n),
        Item::Decimal(n) => n.clone(),
        _ => value::Decimal::NAN,
    }
}

fn json_elements(a: Raw<'_>, b: Raw<'_>) -> Ordering {
    let pairs = a.elements().zip(b.elements());
    let orders = pairs.map(|(a, b)| match (a, b) {
        (Ok(a), Ok(b)) => json_nested(a, b),
        _ => Ordering::Equal,
    });
    orders.into_iter().find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
}

/// More entries are more; then entry by entry, key before value, in jsonb's key order.
fn documents(a: Raw<'_>, b: Raw<'_>) -> Ordering {
    let by_size = a.count().cmp(&b.count());
    if by_size.is_ne() {
        return by_size;
    }
    let (a, b) = (sorted_entries(a), sorted_entries(b));
    for ((k, v), (l, w)) in a.iter().zip(&b) {
        let keys = k.as_bytes().cmp(l.as_bytes());
        let both = keys.then_with(|| json_nested(*v, *w));
        if both.is_ne() {
            return both;
        }
    }
    Ordering::Equal
}

/// The entries in jsonb's order: shorter names first, then by bytes.
pub fn sorted_entries(document: Raw<'_>) -> smallvec::SmallVec<[(&str, Raw<'_>); 8]> {
    let mut entries: smallvec::SmallVec<[_; 8]> = document
        .entries()
        .filter_map(|entry| match entry {
            Ok((Key::Name(name), value)) => Some((name, value)),
            _ => None,
        })
        .collect();
    entries.sort_by(|(a, _): &(&str, Raw<'_>), (b, _)| {
        a.len().cmp(&b.len()).then_with(|| a.as_bytes().cmp(b.as_bytes()))
    });
    entries
}
