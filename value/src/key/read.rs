//! Reading keys.
//!
//! The class byte says whether an element descends (81 and up) and where it ends, so a reader walks
//! any key without a schema: to decode a covered column, to find where an index's values end and
//! the primary key begins, or to step over what it does not need.
//!
//! What comes back is a value, not a width: integers are `Int64` (`UInt64` above), other numbers
//! `Float64` where that is exact and else `Decimal`; symbols are text; an interval is one of the
//! same span. Collated text does not come back at all.

use super::write::SPAN_BIAS;
use super::{class, number};
use crate::calendar::MICROS_PER_DAY;
use crate::{Document, Interval, MAX_DEPTH, Value};

/// Why a key could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The bytes are not elements of a key.
    #[error("damaged key bytes")]
    Damaged,
    /// The element is collated text, which has no value in the key.
    #[error("collated text cannot be read back from a key")]
    Collated,
}

/// One element, decoded.
#[derive(Clone, Debug, PartialEq)]
pub enum Element {
    /// A value.
    Value(Value),
    /// Text under a collation.
    Collated {
        /// The collation's id.
        collation: u32,
        /// The collation's version.
        version: u32,
        /// The sort key.
        sort_key: Vec<u8>,
    },
}

/// Reads the elements of a key, one by one.
#[derive(Clone, Debug)]
pub struct KeyReader<'a> {
    rest: &'a [u8],
}

impl<'a> KeyReader<'a> {
    /// A reader of the elements in `key`.
    #[inline]
    pub fn new(key: &'a [u8]) -> KeyReader<'a> {
        KeyReader { rest: key }
    }

    /// The bytes not read yet.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether every element has been read.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next element; `None` at the end. After an error the reader stays where it was.
    ///
    /// # Errors
    /// `Damaged`.
    pub fn element(&mut self) -> Result<Option<Element>, KeyError> {
        let Some(mut cursor) = Cursor::new(self.rest) else { return Ok(None) };
        let element = cursor.element(0).ok_or(KeyError::Damaged)?;
        self.rest = cursor.rest;
        Ok(Some(element))
    }

    /// The next element's value; `None` at the end. After an error the reader stays where it was.
    ///
    /// # Errors
    /// `Damaged`; `Collated` where the element holds none.
    pub fn value(&mut self) -> Result<Option<Value>, KeyError> {
        let before = self.rest;
        match self.element()? {
            None => Ok(None),
            Some(Element::Value(value)) => Ok(Some(value)),
            Some(Element::Collated { .. }) => {
                self.rest = before;
                Err(KeyError::Collated)
            }
        }
    }

    /// Steps over the next element and answers its bytes; `None` at the end. Nothing is decoded.
    ///
    /// # Errors
    /// `Damaged`.
    pub fn skip(&mut self) -> Result<Option<&'a [u8]>, KeyError> {
        let Some(mut cursor) = Cursor::new(self.rest) else { return Ok(None) };
        cursor.skip(0).ok_or(KeyError::Damaged)?;
        let len = self.rest.len() - cursor.rest.len();
        let (element, rest) = self.rest.split_at_checked(len).ok_or(KeyError::Damaged)?;
        self.rest = rest;
        Ok(Some(element))
    }
}

/// Reads within one element, undoing the complement.
struct Cursor<'a> {
    rest: &'a [u8],
    mask: u8,
}

impl<'a> Cursor<'a> {
    fn new(rest: &'a [u8]) -> Option<Cursor<'a>> {
        let first = *rest.first()?;
        let mask = if first >= class::DESCENDING_FROM { 0xff } else { 0 };
        Some(Cursor { rest, mask })
    }

    #[inline]
    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte ^ self.mask)
    }

    fn fixed<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(bytes.map(|byte| byte ^ self.mask))
    }

    fn advance(&mut self, count: usize) -> Option<()> {
        self.rest = self.rest.get(count..)?;
        Some(())
    }

    /// The bytes of an escaped string, up to and over its end.
    fn string(&mut self) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let zero = self.mask;
        loop {
            let at = memchr::memchr(zero, self.rest)?;
            out.extend(self.rest.get(..at)?.iter().map(|byte| byte ^ self.mask));
            self.advance(at + 1)?;
            match self.byte()? {
                0x01 => return Some(out),
                0xff => out.push(0),
                _ => return None,
            }
        }
    }

    fn skip_string(&mut self) -> Option<()> {
        loop {
            let at = memchr::memchr(self.mask, self.rest)?;
            self.advance(at + 1)?;
            match self.byte()? {
                0x01 => return Some(()),
                0xff => {}
                _ => return None,
            }
        }
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.string()?).ok()
    }

    fn micros(&mut self) -> Option<i64> {
        Some((u64::from_be_bytes(self.fixed()?) ^ 1 << 63) as i64)
    }

    fn element(&mut self, depth: usize) -> Option<Element> {
        if self.rest.first()? ^ self.mask != class::COLLATED {
            return self.value(depth).map(Element::Value);
        }
        self.byte()?;
        let collation = u32::from_be_bytes(self.fixed()?);
        let version = u32::from_be_bytes(self.fixed()?);
        Some(Element::Collated { collation, version, sort_key: self.string()? })
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        Some(match self.byte()? {
            class::MIN_KEY => Value::MinKey,
            class::UNDEFINED | class::UNDEFINED_HIGH => Value::Undefined,
            class::NULL | class::NULL_HIGH => Value::Null,
            class::NAN_LOW | class::NAN_HIGH => Value::Float64(f64::NAN),
            class::ZERO => Value::Int64(0),
            class @ class::NEGATIVE_INFINITY..=class::INFINITY => self.number(class)?,
            class::TEXT => Value::Text(self.text()?),
            class::DOCUMENT => Value::Document(self.fields(depth)?),
            class::ARRAY => Value::Array(self.elements(depth)?),
            class::BYTES => {
                let data = self.string()?;
                Value::Bytes { subtype: self.byte()?, data }
            }
            class::UUID => Value::Uuid(self.fixed()?),
            class::OBJECT_ID => Value::ObjectId(self.fixed()?),
            class::FALSE => Value::Bool(false),
            class::TRUE => Value::Bool(true),
            class::DATE => Value::Date((u32::from_be_bytes(self.fixed()?) ^ 1 << 31) as i32),
            class::TIME => Value::Time(self.micros()?),
            class::TIMESTAMP => Value::Timestamp(self.micros()?),
            class::TIMESTAMP_TZ => Value::TimestampTz(self.micros()?),
            class::INTERVAL => Value::Interval(self.interval()?),
            class::BSON_TIMESTAMP => {
                let seconds = u32::from_be_bytes(self.fixed()?);
                Value::BsonTimestamp { seconds, increment: u32::from_be_bytes(self.fixed()?) }
            }
            class::REGEX => Value::Regex { pattern: self.text()?, options: self.text()? },
            class::DB_POINTER => Value::DbPointer { namespace: self.text()?, id: self.fixed()? },
            class::CODE => Value::Code { code: self.text()?, scope: None },
            class::CODE_SCOPE => {
                Value::Code { code: self.text()?, scope: Some(self.fields(depth)?) }
            }
            class::MAX_KEY => Value::MaxKey,
            _ => return None,
        })
    }

    fn number(&mut self, class: u8) -> Option<Value> {
        let negative = class < class::ZERO;
        let class = if negative { 2 * class::ZERO - class } else { class };
        let turn = if negative { 0xff } else { 0 };
        number::read(class, negative, &mut || self.byte().map(|byte| byte ^ turn))
    }

    /// The interval of fewest units with the span: whole days, and months only where days overflow.
    fn interval(&mut self) -> Option<Interval> {
        let bytes: [u8; 10] = self.fixed()?;
        let biased = bytes.iter().fold(0i128, |n, byte| n << 8 | i128::from(*byte));
        let span = biased - SPAN_BIAS;
        let day = i128::from(MICROS_PER_DAY);
        let (days, micros) = (span / day, span % day);
        let micros = i64::try_from(micros).ok()?;
        if let Ok(days) = i32::try_from(days) {
            return Some(Interval { months: 0, days, micros });
        }
        // Beyond 2^31 days: 30 of them are a month. Months that do not fit stay days.
        let months = (days / 30).clamp(i32::MIN.into(), i32::MAX.into());
        let days = days - months * 30;
        match i32::try_from(days) {
            Ok(days) => Some(Interval { months: months as i32, days, micros }),
            Err(_) => {
                let kept = days.clamp(i32::MIN.into(), i32::MAX.into());
                let micros = (days - kept) * day + i128::from(micros);
                let micros = i64::try_from(micros).ok()?;
                Some(Interval { months: months as i32, days: kept as i32, micros })
            }
        }
    }

    /// Whether the nested list ends here, stepping over its end.
    fn ends(&mut self) -> Option<bool> {
        if self.rest.first()? ^ self.mask != class::END {
            return Some(false);
        }
        self.advance(1)?;
        Some(true)
    }

    fn fields(&mut self, depth: usize) -> Option<Document> {
        let mut document = Document::new();
        while !self.ends()? {
            self.byte()?;
            let name = self.text()?;
            document.push(name, self.value(depth + 1)?);
        }
        Some(document)
    }

    fn elements(&mut self, depth: usize) -> Option<Vec<Value>> {
        let mut elements = Vec::new();
        while !self.ends()? {
            elements.push(self.value(depth + 1)?);
        }
        Some(elements)
    }

    fn skip(&mut self, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        match self.byte()? {
            class::MIN_KEY | class::UNDEFINED | class::NULL | class::ZERO => Some(()),
            class::NAN_LOW | class::NAN_HIGH | class::FALSE | class::TRUE => Some(()),
            class::MAX_KEY | class::UNDEFINED_HIGH | class::NULL_HIGH => Some(()),
            class @ class::NEGATIVE_INFINITY..=class::INFINITY => self.skip_number(class),
            class::TEXT | class::CODE => self.skip_string(),
            class::COLLATED => {
                self.advance(8)?;
                self.skip_string()
            }
            class::BYTES => {
                self.skip_string()?;
                self.advance(1)
            }
            class::UUID => self.advance(16),
            class::OBJECT_ID => self.advance(12),
            class::DATE => self.advance(4),
            class::TIME | class::TIMESTAMP | class::TIMESTAMP_TZ => self.advance(8),
            class::BSON_TIMESTAMP => self.advance(8),
            class::INTERVAL => self.advance(10),
            class::REGEX => {
                self.skip_string()?;
                self.skip_string()
            }
            class::DB_POINTER => {
                self.skip_string()?;
                self.advance(12)
            }
            class::DOCUMENT => self.skip_fields(depth),
            class::CODE_SCOPE => {
                self.skip_string()?;
                self.skip_fields(depth)
            }
            class::ARRAY => {
                while !self.ends()? {
                    self.skip(depth + 1)?;
                }
                Some(())
            }
            _ => None,
        }
    }

    fn skip_fields(&mut self, depth: usize) -> Option<()> {
        while !self.ends()? {
            self.advance(1)?;
            self.skip_string()?;
            self.skip(depth + 1)?;
        }
        Some(())
    }

    fn skip_number(&mut self, class: u8) -> Option<()> {
        let negative = class < class::ZERO;
        let class = if negative { 2 * class::ZERO - class } else { class };
        let mask = self.mask ^ if negative { 0xff } else { 0 };
        match class {
            class::INFINITY => return Some(()),
            class::SMALL | class::LARGE => self.advance(8)?,
            _ => {
                let count = usize::from(class - class::SMALL);
                let last = self.rest.get(count.checked_sub(1)?)? ^ mask;
                self.advance(count)?;
                if last & 1 == 0 {
                    return Some(());
                }
                self.advance(7)?;
            }
        }
        let (&flag, rest) = self.rest.split_first()?;
        self.rest = rest;
        if flag ^ mask != 0 {
            self.advance(3)?;
            let end = memchr::memchr(mask, self.rest)?;
            self.advance(end + 1)?;
        }
        Some(())
    }
}
