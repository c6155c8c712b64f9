//! Writing items straight into a buffer.
//!
//! Counts stand before the items they count. Where the count is known, [`Encoder::map`] writes it;
//! where it is not, [`Encoder::begin_map`] reserves the one byte that suffices for 23 entries and
//! [`Encoder::end_map`] moves the content up when more came. Nearly every document has fewer, and
//! the others pay one `memmove`: cheaper than counting beforehand, and the shortest head either
//! way.
//!
//! The encoder keeps no state between calls and does not check that the caller writes as many items
//! as it announced: every writer here is a loop over something with a length, and
//! [`super::validate`] is there for bytes of other origin.

use num_bigint::{BigInt, Sign};

use super::{ARRAY, BYTES, FALSE, FLOAT32, FLOAT64, MAP, NEGATIVE, NULL, TAG, TEXT, TRUE};
use super::{UNDEFINED, UNSIGNED, tag};
use crate::decimal::Mantissa;
use crate::{Decimal, Document, Interval, Key, Value};

/// The bytes of a value.
pub fn encode(value: &Value) -> Vec<u8> {
    let fields = value.as_document().map_or(0, Document::len);
    let mut out = Vec::with_capacity(16 + 24 * fields);
    encode_into(value, &mut out);
    out
}

/// Appends the bytes of a value.
pub fn encode_into(value: &Value, out: &mut Vec<u8>) {
    Encoder::new(out).value(value);
}

/// Appends items to a byte vector.
pub struct Encoder<'a> {
    out: &'a mut Vec<u8>,
}

/// A map begun with its count unknown; give it back to [`Encoder::end_map`].
#[must_use = "a map that is not ended has no count"]
#[derive(Debug)]
pub struct OpenMap {
    at: usize,
}

impl<'a> Encoder<'a> {
    /// An encoder that appends to `out`.
    #[inline]
    pub fn new(out: &'a mut Vec<u8>) -> Encoder<'a> {
        Encoder { out }
    }

    /// Bytes in the buffer so far, what stood there before included.
    #[inline]
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether the buffer is empty.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    #[inline]
    fn head(&mut self, major: u8, argument: u64) {
        let major = major << 5;
        match argument {
            0..24 => self.out.push(major | argument as u8),
            24..0x100 => self.out.extend_from_slice(&[major | 24, argument as u8]),
            0x100..0x1_0000 => self.wide(major | 25, (argument as u16).to_be_bytes()),
            0x1_0000..0x1_0000_0000 => self.wide(major | 26, (argument as u32).to_be_bytes()),
            _ => self.wide(major | 27, argument.to_be_bytes()),
        }
    }

    #[inline]
    fn wide<const N: usize>(&mut self, first: u8, argument: [u8; N]) {
        self.out.push(first);
        self.out.extend_from_slice(&argument);
    }

    #[inline]
    fn tag(&mut self, number: u64) {
        self.head(TAG, number);
    }

    /// Null.
    #[inline]
    pub fn null(&mut self) {
        self.out.push(NULL);
    }

    /// BSON's undefined.
    #[inline]
    pub fn undefined(&mut self) {
        self.out.push(UNDEFINED);
    }

    /// BSON's least key.
    pub fn min_key(&mut self) {
        self.tag(tag::MIN_KEY);
        self.null();
    }

    /// BSON's greatest key.
    pub fn max_key(&mut self) {
        self.tag(tag::MAX_KEY);
        self.null();
    }

    /// A truth value.
    #[inline]
    pub fn bool(&mut self, value: bool) {
        self.out.push(if value { TRUE } else { FALSE });
    }

    /// An `Int8`, width kept.
    #[inline]
    pub fn int8(&mut self, n: i8) {
        let (major, magnitude) = split(n.into());
        self.out.extend_from_slice(&[major << 5 | 24, magnitude as u8]);
    }

    /// An `Int16`, width kept.
    #[inline]
    pub fn int16(&mut self, n: i16) {
        let (major, magnitude) = split(n.into());
        self.wide(major << 5 | 25, (magnitude as u16).to_be_bytes());
    }

    /// An `Int32`, width kept: one byte for -24 ..= 23, else five.
    #[inline]
    pub fn int32(&mut self, n: i32) {
        let (major, magnitude) = split(n.into());
        match magnitude {
            0..24 => self.out.push(major << 5 | magnitude as u8),
            _ => self.wide(major << 5 | 26, (magnitude as u32).to_be_bytes()),
        }
    }

    /// An `Int64`, width kept.
    #[inline]
    pub fn int64(&mut self, n: i64) {
        let (major, magnitude) = split(n);
        self.wide(major << 5 | 27, magnitude.to_be_bytes());
    }

    /// A `UInt64`; one that fits `i64` reads back as `Int64`.
    #[inline]
    pub fn uint64(&mut self, n: u64) {
        self.wide(UNSIGNED << 5 | 27, n.to_be_bytes());
    }

    /// An integer of a declared column, by the shortest head: the column's type knows the width.
    #[inline]
    pub fn int(&mut self, n: i64) {
        let (major, magnitude) = split(n);
        self.head(major, magnitude);
    }

    /// An unsigned integer of a declared column, by the shortest head.
    #[inline]
    pub fn uint(&mut self, n: u64) {
        self.head(UNSIGNED, n);
    }

    /// A `Float32`.
    #[inline]
    pub fn float32(&mut self, n: f32) {
        self.wide(FLOAT32, n.to_be_bytes());
    }

    /// A `Float64`.
    #[inline]
    pub fn float64(&mut self, n: f64) {
        self.wide(FLOAT64, n.to_be_bytes());
    }

    /// A decimal with its scale.
    pub fn decimal(&mut self, n: &Decimal) {
        let Some((mantissa, scale)) = n.parts() else {
            let special = match n.signum() {
                None => 0,
                Some(1) => 1,
                Some(_) => 2,
            };
            self.tag(tag::DECIMAL_SPECIAL);
            return self.head(UNSIGNED, special);
        };
        if n.is_negative_zero() {
            self.tag(tag::DECIMAL_NEGATIVE_ZERO);
            return self.int(-i64::from(scale));
        }
        self.tag(tag::DECIMAL);
        self.array(2);
        self.int(-i64::from(scale));
        self.mantissa(mantissa);
    }

    fn mantissa(&mut self, mantissa: Mantissa<'_>) {
        if let Mantissa::Small(n) = mantissa {
            let (major, magnitude) = if n < 0 { (NEGATIVE, -1 - n) } else { (UNSIGNED, n) };
            if let Ok(magnitude) = u64::try_from(magnitude) {
                return self.head(major, magnitude);
            }
        }
        let n = mantissa.to_big();
        if n.sign() == Sign::Minus {
            self.tag(tag::NEGATIVE_BIG);
            // RFC 8949: tag 3 holds -1 - n.
            self.bytes(&(BigInt::from(-1) - n).magnitude().to_bytes_be());
        } else {
            self.tag(tag::POSITIVE_BIG);
            self.bytes(&n.magnitude().to_bytes_be());
        }
    }

    /// Text.
    #[inline]
    pub fn text(&mut self, text: &str) {
        self.head(TEXT, text.len() as u64);
        self.out.extend_from_slice(text.as_bytes());
    }

    /// Text made by `write` straight into the buffer, its length unknown before.
    pub fn text_with<E>(
        &mut self,
        write: impl FnOnce(&mut TextWriter<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let at = self.out.len();
        self.out.push(TEXT << 5);
        let result = write(&mut TextWriter { out: self.out });
        let count = (self.out.len() - at - 1) as u64;
        self.close(at, TEXT, count);
        result
    }

    /// BSON's symbol.
    pub fn symbol(&mut self, text: &str) {
        self.tag(tag::SYMBOL);
        self.text(text);
    }

    /// Bytes of the generic subtype 0.
    #[inline]
    pub fn bytes(&mut self, data: &[u8]) {
        self.head(BYTES, data.len() as u64);
        self.out.extend_from_slice(data);
    }

    /// Bytes of any subtype.
    pub fn binary(&mut self, subtype: u8, data: &[u8]) {
        if subtype == 0 {
            return self.bytes(data);
        }
        self.tag(tag::BYTES);
        self.head(BYTES, data.len() as u64 + 1);
        self.out.push(subtype);
        self.out.extend_from_slice(data);
    }

    /// A date: days since 1970-01-01.
    pub fn date(&mut self, days: i32) {
        self.tag(tag::DATE);
        self.int(days.into());
    }

    /// A time of day in microseconds.
    pub fn time(&mut self, micros: i64) {
        self.tag(tag::TIME);
        self.int(micros);
    }

    /// A timestamp without zone: microseconds since 1970.
    pub fn timestamp(&mut self, micros: i64) {
        self.tag(tag::TIMESTAMP);
        self.int(micros);
    }

    /// An instant: microseconds since 1970 UTC.
    pub fn timestamp_tz(&mut self, micros: i64) {
        self.tag(tag::TIMESTAMP_TZ);
        self.int(micros);
    }

    /// An interval.
    pub fn interval(&mut self, interval: Interval) {
        self.tag(tag::INTERVAL);
        self.array(3);
        self.int(interval.months.into());
        self.int(interval.days.into());
        self.int(interval.micros);
    }

    /// A UUID.
    pub fn uuid(&mut self, uuid: &[u8; 16]) {
        self.tag(tag::UUID);
        self.bytes(uuid);
    }

    /// An ObjectId.
    pub fn object_id(&mut self, id: &[u8; 12]) {
        self.tag(tag::OBJECT_ID);
        self.bytes(id);
    }

    /// A regular expression.
    pub fn regex(&mut self, pattern: &str, options: &str) {
        self.tag(tag::REGEX);
        self.array(2);
        self.text(pattern);
        self.text(options);
    }

    /// JavaScript code without a scope.
    pub fn code(&mut self, code: &str) {
        self.tag(tag::CODE);
        self.text(code);
    }

    /// JavaScript code with a scope; the caller writes the scope, a map, next.
    pub fn code_with_scope(&mut self, code: &str) {
        self.tag(tag::CODE_SCOPE);
        self.array(2);
        self.text(code);
    }

    /// BSON's internal timestamp.
    pub fn bson_timestamp(&mut self, seconds: u32, increment: u32) {
        self.tag(tag::BSON_TIMESTAMP);
        self.uint(u64::from(seconds) << 32 | u64::from(increment));
    }

    /// BSON's pointer.
    pub fn db_pointer(&mut self, namespace: &str, id: &[u8; 12]) {
        self.tag(tag::DB_POINTER);
        self.array(2);
        self.text(namespace);
        self.bytes(id);
    }

    /// The head of an array; the caller writes `count` items next.
    #[inline]
    pub fn array(&mut self, count: usize) {
        self.head(ARRAY, count as u64);
    }

    /// The head of a map; the caller writes `count` pairs of key and item next.
    #[inline]
    pub fn map(&mut self, count: usize) {
        self.head(MAP, count as u64);
    }

    /// The key of an undeclared field.
    #[inline]
    pub fn key(&mut self, name: &str) {
        self.text(name);
    }

    /// The key of a declared column.
    #[inline]
    pub fn id(&mut self, column: u32) {
        self.head(UNSIGNED, column.into());
    }

    /// A key of either sort.
    #[inline]
    pub fn any_key(&mut self, key: Key<'_>) {
        match key {
            Key::Id(column) => self.id(column),
            Key::Name(name) => self.key(name),
        }
    }

    /// Begins a map whose number of entries is known only at its end.
    #[inline]
    pub fn begin_map(&mut self) -> OpenMap {
        let at = self.out.len();
        self.out.push(MAP << 5);
        OpenMap { at }
    }

    /// Ends a map with the number of entries written since.
    pub fn end_map(&mut self, open: OpenMap, count: usize) {
        self.close(open.at, MAP, count as u64);
    }

    /// Begins an array whose number of items is known only at its end.
    #[inline]
    pub fn begin_array(&mut self) -> OpenMap {
        let at = self.out.len();
        self.out.push(ARRAY << 5);
        OpenMap { at }
    }

    /// Ends an array with the number of items written since.
    pub fn end_array(&mut self, open: OpenMap, count: usize) {
        self.close(open.at, ARRAY, count as u64);
    }

    /// Replaces the one byte reserved at `at` by the head of the final count.
    fn close(&mut self, at: usize, major: u8, count: u64) {
        let mut head = Vec::with_capacity(9);
        Encoder::new(&mut head).head(major, count);
        if let ([head], Some(slot)) = (head.as_slice(), self.out.get_mut(at)) {
            *slot = *head;
        } else if at < self.out.len() {
            self.out.splice(at..=at, head);
        }
    }

    /// An item that is encoded already.
    #[inline]
    pub fn encoded(&mut self, item: &[u8]) {
        self.out.extend_from_slice(item);
    }

    /// Any value, widths kept. Recurses as deeply as the value is nested: values that came through
    /// a
    /// reader of this crate are within [`crate::MAX_DEPTH`], and whoever builds deeper ones by hand
    /// would fail at dropping them too.
    pub fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.null(),
            Value::Undefined => self.undefined(),
            Value::MinKey => self.min_key(),
            Value::MaxKey => self.max_key(),
            Value::Bool(value) => self.bool(*value),
            Value::Int8(n) => self.int8(*n),
            Value::Int16(n) => self.int16(*n),
            Value::Int32(n) => self.int32(*n),
            Value::Int64(n) => self.int64(*n),
            Value::UInt64(n) => self.uint64(*n),
            Value::Float32(n) => self.float32(*n),
            Value::Float64(n) => self.float64(*n),
            Value::Decimal(n) => self.decimal(n),
            Value::Text(text) => self.text(text),
            Value::Symbol(text) => self.symbol(text),
            Value::Bytes { subtype, data } => self.binary(*subtype, data),
            Value::Date(days) => self.date(*days),
            Value::Time(micros) => self.time(*micros),
            Value::Timestamp(micros) => self.timestamp(*micros),
            Value::TimestampTz(micros) => self.timestamp_tz(*micros),
            Value::Interval(interval) => self.interval(*interval),
            Value::Uuid(uuid) => self.uuid(uuid),
            Value::ObjectId(id) => self.object_id(id),
            Value::Document(document) => self.document(document),
            Value::Array(elements) => {
                self.array(elements.len());
                elements.iter().for_each(|element| self.value(element));
            }
            Value::Regex { pattern, options } => self.regex(pattern, options),
            Value::Code { code, scope: None } => self.code(code),
            Value::Code { code, scope: Some(scope) } => {
                self.code_with_scope(code);
                self.document(scope);
            }
            Value::BsonTimestamp { seconds, increment } => {
                self.bson_timestamp(*seconds, *increment)
            }
            Value::DbPointer { namespace, id } => self.db_pointer(namespace, id),
        }
    }

    /// A document, every field under its name.
    pub fn document(&mut self, document: &Document) {
        self.map(document.len());
        for (name, value) in document.iter() {
            self.key(name);
            self.value(value);
        }
    }
}

/// Where [`Encoder::text_with`] writes: UTF-8 only, through `push_str` or `fmt::Write`.
pub struct TextWriter<'a> {
    out: &'a mut Vec<u8>,
}

impl TextWriter<'_> {
    /// Appends text.
    #[inline]
    pub fn push_str(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }
}

impl std::fmt::Write for TextWriter<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.push_str(text);
        Ok(())
    }
}

/// Major type and argument of an integer: a negative n is stored as -1 - n.
#[inline(always)]
fn split(n: i64) -> (u8, u64) {
    if n < 0 { (NEGATIVE, !n as u64) } else { (UNSIGNED, n as u64) }
}
