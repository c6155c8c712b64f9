//! Writing keys.
//!
//! Elements are written ascending; a descending one is complemented afterwards, over its own bytes
//! only. That is one more pass over a few bytes, and no second version of any encoding.

use super::{Nan, Order, class, number};
use crate::cbor::Damaged;
use crate::{Decimal, Document, Interval, Item, Kind, MAX_DEPTH, Raw, Value};

/// Appends the elements of a key to a byte vector.
pub struct KeyWriter<'a> {
    out: &'a mut Vec<u8>,
    order: Order,
}

impl<'a> KeyWriter<'a> {
    /// A writer that appends to `out`, in [`Order::ASCENDING`] until told otherwise.
    #[inline]
    pub fn new(out: &'a mut Vec<u8>) -> KeyWriter<'a> {
        KeyWriter { out, order: Order::ASCENDING }
    }

    /// The order of the elements that follow.
    #[inline]
    pub fn order(&mut self, order: Order) -> &mut KeyWriter<'a> {
        self.order = order;
        self
    }

    /// Writes one element and complements it where the order descends.
    #[inline]
    fn element(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let from = self.out.len();
        write(self.out);
        self.turn(from);
    }

    #[inline]
    fn turn(&mut self, from: usize) {
        if self.order.descending {
            complement(self.out.get_mut(from..).unwrap_or_default());
        }
    }

    /// Null, and a field that is missing.
    #[inline]
    pub fn null(&mut self) {
        let byte = if self.order.null_is_high() { class::NULL_HIGH } else { class::NULL };
        self.element(|out| out.push(byte));
    }

    /// BSON's undefined; it goes where nulls go, directly below them.
    pub fn undefined(&mut self) {
        let high = self.order.null_is_high();
        let byte = if high { class::UNDEFINED_HIGH } else { class::UNDEFINED };
        self.element(|out| out.push(byte));
    }

    /// A truth value.
    #[inline]
    pub fn bool(&mut self, value: bool) {
        self.element(|out| out.push(if value { class::TRUE } else { class::FALSE }));
    }

    /// An integer of any width.
    #[inline]
    pub fn int(&mut self, n: i64) {
        self.element(|out| number::int(out, n));
    }

    /// An unsigned integer.
    #[inline]
    pub fn uint(&mut self, n: u64) {
        self.element(|out| number::uint(out, n));
    }

    /// A float of either width.
    #[inline]
    pub fn float(&mut self, n: f64) {
        let nan = self.order.nan;
        self.element(|out| number::float(out, n, nan));
    }

    /// A decimal.
    pub fn decimal(&mut self, n: &Decimal) {
        let nan = self.order.nan;
        self.element(|out| number::decimal(out, n, nan));
    }

    /// Text, by its bytes.
    #[inline]
    pub fn text(&mut self, text: &str) {
        self.element(|out| {
            out.push(class::TEXT);
            escaped(out, text.as_bytes());
        });
    }

    /// Text under a collation: the collation's id and version, and the sort key that it makes of
    /// the text. The text cannot be got back from it.
    pub fn collated(&mut self, collation: u32, version: u32, sort_key: &[u8]) {
        self.element(|out| {
            out.push(class::COLLATED);
            out.extend_from_slice(&collation.to_be_bytes());
            out.extend_from_slice(&version.to_be_bytes());
            escaped(out, sort_key);
        });
    }

    /// Bytes of a subtype; 0 is generic.
    pub fn bytes(&mut self, subtype: u8, data: &[u8]) {
        self.element(|out| bytes(out, subtype, data));
    }

    /// A date.
    pub fn date(&mut self, days: i32) {
        self.element(|out| date(out, days));
    }

    /// A time of day.
    pub fn time(&mut self, micros: i64) {
        self.element(|out| micros_of(out, class::TIME, micros));
    }

    /// A timestamp without zone.
    pub fn timestamp(&mut self, micros: i64) {
        self.element(|out| micros_of(out, class::TIMESTAMP, micros));
    }

    /// An instant.
    pub fn timestamp_tz(&mut self, micros: i64) {
        self.element(|out| micros_of(out, class::TIMESTAMP_TZ, micros));
    }

    /// An interval, by its span.
    pub fn interval(&mut self, value: Interval) {
        self.element(|out| interval(out, value));
    }

    /// A UUID.
    pub fn uuid(&mut self, uuid: &[u8; 16]) {
        self.element(|out| tagged(out, class::UUID, uuid));
    }

    /// An ObjectId.
    pub fn object_id(&mut self, id: &[u8; 12]) {
        self.element(|out| tagged(out, class::OBJECT_ID, id));
    }

    /// Any value.
    pub fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.null(),
            Value::Undefined => self.undefined(),
            _ => {
                let nan = self.order.nan;
                self.element(|out| write_value(out, value, nan));
            }
        }
    }

    /// Any encoded item.
    ///
    /// # Errors
    /// Damage, nesting beyond [`MAX_DEPTH`], and a document with column ids as keys, whose order
    /// would be that of no name. Nothing is written then.
    pub fn raw(&mut self, raw: Raw<'_>) -> Result<(), Damaged> {
        match raw.item()? {
            Item::Null => self.null(),
            Item::Undefined => self.undefined(),
            item => {
                let from = self.out.len();
                if let Err(damaged) = write_item(self.out, &item, self.order.nan, 0) {
                    self.out.truncate(from);
                    return Err(damaged);
                }
                self.turn(from);
            }
        }
        Ok(())
    }

    /// An element that another writer or reader made, with its order, as it is.
    pub fn encoded(&mut self, element: &[u8]) {
        self.out.extend_from_slice(element);
    }
}

pub(super) fn complement(bytes: &mut [u8]) {
    bytes.iter_mut().for_each(|byte| *byte = !*byte);
}

/// Bytes with each 00 written 00 FF, and the end 00 01.
#[inline]
pub(super) fn escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len() + 2);
    let mut rest = bytes;
    while let Some(zero) = memchr::memchr(0, rest) {
        let (until, after) = rest.split_at(zero + 1);
        out.extend_from_slice(until);
        out.push(0xff);
        rest = after;
    }
    out.extend_from_slice(rest);
    out.extend_from_slice(&[0x00, 0x01]);
}

fn tagged(out: &mut Vec<u8>, class: u8, bytes: &[u8]) {
    out.push(class);
    out.extend_from_slice(bytes);
}

fn text(out: &mut Vec<u8>, class: u8, text: &str) {
    out.push(class);
    escaped(out, text.as_bytes());
}

fn bytes(out: &mut Vec<u8>, subtype: u8, data: &[u8]) {
    out.push(class::BYTES);
    escaped(out, data);
    out.push(subtype);
}

fn date(out: &mut Vec<u8>, days: i32) {
    tagged(out, class::DATE, &(days as u32 ^ 1 << 31).to_be_bytes());
}

fn micros_of(out: &mut Vec<u8>, class: u8, micros: i64) {
    tagged(out, class, &(micros as u64 ^ 1 << 63).to_be_bytes());
}

/// 2^79: above every span, so that the biased span is 10 bytes and not negative.
pub(super) const SPAN_BIAS: i128 = 1 << 79;

fn interval(out: &mut Vec<u8>, value: Interval) {
    let biased = ((value.span() + SPAN_BIAS) as u128).to_be_bytes();
    out.push(class::INTERVAL);
    out.extend_from_slice(biased.get(6..).unwrap_or_default());
}

fn bson_timestamp(out: &mut Vec<u8>, seconds: u32, increment: u32) {
    let both = u64::from(seconds) << 32 | u64::from(increment);
    tagged(out, class::BSON_TIMESTAMP, &both.to_be_bytes());
}

fn regex(out: &mut Vec<u8>, pattern: &str, options: &str) {
    text(out, class::REGEX, pattern);
    escaped(out, options.as_bytes());
}

fn db_pointer(out: &mut Vec<u8>, namespace: &str, id: &[u8; 12]) {
    text(out, class::DB_POINTER, namespace);
    out.extend_from_slice(id);
}

/// The class of the value and the name: what comes before the value in a document's field.
fn field(out: &mut Vec<u8>, kind: Kind, name: &str) {
    out.push(class::rank(kind));
    escaped(out, name.as_bytes());
}

fn write_value(out: &mut Vec<u8>, value: &Value, nan: Nan) {
    match value {
        Value::Null => out.push(class::NULL),
        Value::Undefined => out.push(class::UNDEFINED),
        Value::MinKey => out.push(class::MIN_KEY),
        Value::MaxKey => out.push(class::MAX_KEY),
        Value::Bool(value) => out.push(if *value { class::TRUE } else { class::FALSE }),
        Value::Int8(n) => number::int(out, (*n).into()),
        Value::Int16(n) => number::int(out, (*n).into()),
        Value::Int32(n) => number::int(out, (*n).into()),
        Value::Int64(n) => number::int(out, *n),
        Value::UInt64(n) => number::uint(out, *n),
        Value::Float32(n) => number::float(out, (*n).into(), nan),
        Value::Float64(n) => number::float(out, *n, nan),
        Value::Decimal(n) => number::decimal(out, n, nan),
        Value::Text(value) | Value::Symbol(value) => text(out, class::TEXT, value),
        Value::Bytes { subtype, data } => bytes(out, *subtype, data),
        Value::Date(days) => date(out, *days),
        Value::Time(micros) => micros_of(out, class::TIME, *micros),
        Value::Timestamp(micros) => micros_of(out, class::TIMESTAMP, *micros),
        Value::TimestampTz(micros) => micros_of(out, class::TIMESTAMP_TZ, *micros),
        Value::Interval(value) => interval(out, *value),
        Value::Uuid(uuid) => tagged(out, class::UUID, uuid),
        Value::ObjectId(id) => tagged(out, class::OBJECT_ID, id),
        Value::Document(document) => {
            out.push(class::DOCUMENT);
            write_fields(out, document, nan);
        }
        Value::Array(elements) => {
            out.push(class::ARRAY);
            elements.iter().for_each(|element| write_value(out, element, nan));
            out.push(class::END);
        }
        Value::Regex { pattern, options } => regex(out, pattern, options),
        Value::Code { code, scope: None } => text(out, class::CODE, code),
        Value::Code { code, scope: Some(scope) } => {
            text(out, class::CODE_SCOPE, code);
            write_fields(out, scope, nan);
        }
        Value::BsonTimestamp { seconds, increment } => {
            bson_timestamp(out, *seconds, *increment);
        }
        Value::DbPointer { namespace, id } => db_pointer(out, namespace, id),
    }
}

fn write_fields(out: &mut Vec<u8>, document: &Document, nan: Nan) {
    for (name, value) in document.iter() {
        field(out, value.kind(), name);
        write_value(out, value, nan);
    }
    out.push(class::END);
}

fn write_item(out: &mut Vec<u8>, item: &Item<'_>, nan: Nan, depth: usize) -> Result<(), Damaged> {
    match item {
        Item::Null => out.push(class::NULL),
        Item::Undefined => out.push(class::UNDEFINED),
        Item::MinKey => out.push(class::MIN_KEY),
        Item::MaxKey => out.push(class::MAX_KEY),
        Item::Bool(value) => out.push(if *value { class::TRUE } else { class::FALSE }),
        Item::Int8(n) => number::int(out, (*n).into()),
        Item::Int16(n) => number::int(out, (*n).into()),
        Item::Int32(n) => number::int(out, (*n).into()),
        Item::Int64(n) => number::int(out, *n),
        Item::UInt64(n) => number::uint(out, *n),
        Item::Float32(n) => number::float(out, (*n).into(), nan),
        Item::Float64(n) => number::float(out, *n, nan),
        Item::Decimal(n) => number::decimal(out, n, nan),
        Item::Text(value) | Item::Symbol(value) => text(out, class::TEXT, value),
        Item::Bytes { subtype, data } => bytes(out, *subtype, data),
        Item::Date(days) => date(out, *days),
        Item::Time(micros) => micros_of(out, class::TIME, *micros),
        Item::Timestamp(micros) => micros_of(out, class::TIMESTAMP, *micros),
        Item::TimestampTz(micros) => micros_of(out, class::TIMESTAMP_TZ, *micros),
        Item::Interval(value) => interval(out, *value),
        Item::Uuid(uuid) => tagged(out, class::UUID, uuid),
        Item::ObjectId(id) => tagged(out, class::OBJECT_ID, id),
        Item::Document(map) => {
            out.push(class::DOCUMENT);
            write_entries(out, *map, nan, depth)?;
        }
        Item::Array(array) => {
            out.push(class::ARRAY);
            write_elements(out, *array, nan, depth)?;
        }
        Item::Regex { pattern, options } => regex(out, pattern, options),
        Item::Code { code, scope: None } => text(out, class::CODE, code),
        Item::Code { code, scope: Some(scope) } => {
            text(out, class::CODE_SCOPE, code);
            write_entries(out, *scope, nan, depth)?;
        }
        Item::BsonTimestamp { seconds, increment } => {
            bson_timestamp(out, *seconds, *increment);
        }
        Item::DbPointer { namespace, id } => db_pointer(out, namespace, id),
    }
    Ok(())
}

fn write_entries(out: &mut Vec<u8>, map: Raw<'_>, nan: Nan, depth: usize) -> Result<(), Damaged> {
    if depth >= MAX_DEPTH {
        return Err(Damaged);
    }
    for entry in map.entries() {
        let (crate::Key::Name(name), value) = entry? else { return Err(Damaged) };
        field(out, value.kind().ok_or(Damaged)?, name);
        write_item(out, &value.item()?, nan, depth + 1)?;
    }
    out.push(class::END);
    Ok(())
}

fn write_elements(
    out: &mut Vec<u8>,
    array: Raw<'_>,
    nan: Nan,
    depth: usize,
) -> Result<(), Damaged> {
    if depth >= MAX_DEPTH {
        return Err(Damaged);
    }
    for element in array.elements() {
        write_item(out, &element?.item()?, nan, depth + 1)?;
    }
    out.push(class::END);
    Ok(())
}
