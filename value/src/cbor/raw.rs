//! Reading items in place.
//!
//! A [`Raw`] is a slice that *begins* with an item. Where the item ends is found out only when
//! asked: `get` then costs one pass over the fields before the one sought and nothing for the field
//! itself.
//!
//! ```text
//!   a3 61 'a' 01 61 'b' 82 … 61 'c' f5
//!   └ Raw of the map         │   └ get("c"): compare key, skip value, compare, skip, compare: hit
//!                            └ skipping an array counts items and does not recurse
//! ```
//!
//! [`Raw::item`] decodes one level into a borrowed mirror of [`Value`]; nested documents and arrays
//! stay `Raw`. Every `Result` here fails for one reason: the bytes are not what [`super::validate`]
//! passed. Methods that answer `Option` take damage for absence; those named `find`, `item` and the
//! iterators tell them apart.
//!
//! Rejected: an offset table before the fields. It makes a field's position free of its number, but
//! costs bytes in every small document, and one `memcmp` a field is about 4 ns.

use num_bigint::{BigInt, Sign};

use super::{ARRAY, BYTES, FALSE, FLOAT32, FLOAT64, Head, MAP, NEGATIVE, NULL, SIMPLE, TAG, TEXT};
use super::{TRUE, UNDEFINED, UNSIGNED, head, item_len, tag};
use crate::{Decimal, Document, Interval, Kind, MAX_DEPTH, Value};

/// The bytes are not a valid item: they were never validated, or were damaged since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("damaged document bytes")]
pub struct Damaged;

/// The key of a map's entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key<'a> {
    /// A declared column, by id.
    Id(u32),
    /// Any other field, by name.
    Name(&'a str),
}

/// A borrowed item; see the module.
#[derive(Clone, Copy)]
pub struct Raw<'a> {
    bytes: &'a [u8],
}

/// One level of an item, decoded. The variants mirror [`Value`].
#[derive(Clone, Debug)]
#[allow(missing_docs)] // Each is documented at the variant of `Value` of the same name.
pub enum Item<'a> {
    Null,
    Undefined,
    MinKey,
    MaxKey,
    Bool(bool),
    Int8(i8),
    Int16(i16),
    Int32(i32),
    Int64(i64),
    UInt64(u64),
    Float32(f32),
    Float64(f64),
    Decimal(Decimal),
    Text(&'a str),
    Symbol(&'a str),
    Bytes { subtype: u8, data: &'a [u8] },
    Date(i32),
    Time(i64),
    Timestamp(i64),
    TimestampTz(i64),
    Interval(Interval),
    Uuid([u8; 16]),
    ObjectId([u8; 12]),
    Document(Raw<'a>),
    Array(Raw<'a>),
    Regex { pattern: &'a str, options: &'a str },
    Code { code: &'a str, scope: Option<Raw<'a>> },
    BsonTimestamp { seconds: u32, increment: u32 },
    DbPointer { namespace: &'a str, id: [u8; 12] },
}

impl<'a> Raw<'a> {
    /// The item at the front of `bytes`; what follows it is ignored.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Raw<'a> {
        Raw { bytes }
    }

    /// Exactly the item's bytes.
    ///
    /// # Errors
    /// Damage.
    pub fn bytes(self) -> Result<&'a [u8], Damaged> {
        self.bytes.get(..item_len(self.bytes).ok_or(Damaged)?).ok_or(Damaged)
    }

    #[inline(always)]
    fn head(self) -> Result<Head, Damaged> {
        head(self.bytes).ok_or(Damaged)
    }

    #[inline(always)]
    fn after(self, len: usize) -> Result<&'a [u8], Damaged> {
        self.bytes.get(len..).ok_or(Damaged)
    }

    /// The item's type, from its head alone; `None` where damaged.
    pub fn kind(self) -> Option<Kind> {
        let head = head(self.bytes)?;
        Some(match head.major {
            UNSIGNED | NEGATIVE => integer_kind(head)?,
            BYTES => Kind::Bytes,
            TEXT => Kind::Text,
            ARRAY => Kind::Array,
            MAP => Kind::Document,
            TAG => tagged_kind(head.argument)?,
            _ => match *self.bytes.first()? {
                FALSE | TRUE => Kind::Bool,
                NULL => Kind::Null,
                UNDEFINED => Kind::Undefined,
                FLOAT32 => Kind::Float32,
                FLOAT64 => Kind::Float64,
                _ => return None,
            },
        })
    }

    /// Decodes one level.
    ///
    /// # Errors
    /// Damage.
    pub fn item(self) -> Result<Item<'a>, Damaged> {
        self.item_and_len().map(|(item, _)| item)
    }

    /// One level, and the bytes it took; for documents, arrays and a code's scope only those up to
    /// their content.
    pub(crate) fn item_and_len(self) -> Result<(Item<'a>, usize), Damaged> {
        let head = self.head()?;
        let len = head.len;
        let item = match head.major {
            UNSIGNED | NEGATIVE => integer(head)?,
            BYTES => {
                let (data, len) = self.string(head)?;
                return Ok((Item::Bytes { subtype: 0, data }, len));
            }
            TEXT => {
                let (text, len) = self.text_string(head)?;
                return Ok((Item::Text(text), len));
            }
            ARRAY => Item::Array(self),
            MAP => Item::Document(self),
            TAG => {
                let content = Raw::new(self.after(len)?);
                let (item, content_len) = tagged(head.argument, content)?;
                return Ok((item, len + content_len));
            }
            _ => simple(self.bytes.first().copied().unwrap_or(0), head.argument)?,
        };
        Ok((item, len))
    }

    /// The bytes of a byte or text string with this head, and the length of both.
    #[inline]
    fn string(self, head: Head) -> Result<(&'a [u8], usize), Damaged> {
        let len = usize::try_from(head.argument).map_err(|_| Damaged)?;
        let end = head.len.checked_add(len).ok_or(Damaged)?;
        Ok((self.bytes.get(head.len..end).ok_or(Damaged)?, end))
    }

    #[inline]
    fn text_string(self, head: Head) -> Result<(&'a str, usize), Damaged> {
        let (bytes, len) = self.string(head)?;
        Ok((std::str::from_utf8(bytes).map_err(|_| Damaged)?, len))
    }

    fn expect_text(self) -> Result<(&'a str, usize), Damaged> {
        let head = self.head()?;
        if head.major == TEXT { self.text_string(head) } else { Err(Damaged) }
    }

    fn expect_bytes(self) -> Result<(&'a [u8], usize), Damaged> {
        let head = self.head()?;
        if head.major == BYTES { self.string(head) } else { Err(Damaged) }
    }

    fn expect_fixed<const N: usize>(self) -> Result<([u8; N], usize), Damaged> {
        let (bytes, len) = self.expect_bytes()?;
        Ok((bytes.try_into().map_err(|_| Damaged)?, len))
    }

    fn expect_int(self) -> Result<(i64, usize), Damaged> {
        let head = self.head()?;
        match head.major {
            UNSIGNED | NEGATIVE => Ok((signed(head).ok_or(Damaged)?, head.len)),
            _ => Err(Damaged),
        }
    }

    fn expect_array(self, count: u64) -> Result<usize, Damaged> {
        let head = self.head()?;
        let right = head.major == ARRAY && head.argument == count;
        if right { Ok(head.len) } else { Err(Damaged) }
    }

    fn expect_null(self) -> Result<usize, Damaged> {
        if self.bytes.first() == Some(&NULL) { Ok(1) } else { Err(Damaged) }
    }

    /// Whether this is null.
    #[inline]
    pub fn is_null(self) -> bool {
        self.bytes.first() == Some(&NULL)
    }

    /// The truth value of a `Bool`.
    #[inline]
    pub fn as_bool(self) -> Option<bool> {
        match *self.bytes.first()? {
            FALSE => Some(false),
            TRUE => Some(true),
            _ => None,
        }
    }

    /// The integer, of whatever width, if it fits `i64`.
    #[inline]
    pub fn as_i64(self) -> Option<i64> {
        let head = head(self.bytes)?;
        if head.major > NEGATIVE { None } else { signed(head) }
    }

    /// The integer, of whatever width, if it fits `u64`.
    #[inline]
    pub fn as_u64(self) -> Option<u64> {
        let head = head(self.bytes)?;
        (head.major == UNSIGNED).then_some(head.argument)
    }

    /// The float, of either width.
    #[inline]
    pub fn as_f64(self) -> Option<f64> {
        let (first, rest) = self.bytes.split_first()?;
        match *first {
            FLOAT64 => Some(f64::from_be_bytes(*rest.first_chunk()?)),
            FLOAT32 => Some(f32::from_be_bytes(*rest.first_chunk()?).into()),
            _ => None,
        }
    }

    /// The decimal of a `Decimal`.
    pub fn as_decimal(self) -> Option<Decimal> {
        match self.item().ok()? {
            Item::Decimal(n) => Some(n),
            _ => None,
        }
    }

    /// The text of a `Text`.
    #[inline]
    pub fn as_str(self) -> Option<&'a str> {
        let head = head(self.bytes)?;
        if head.major != TEXT {
            return None;
        }
        Some(self.text_string(head).ok()?.0)
    }

    /// The data of a `Bytes` of any subtype.
    pub fn as_bytes(self) -> Option<&'a [u8]> {
        match self.item().ok()? {
            Item::Bytes { data, .. } => Some(data),
            _ => None,
        }
    }

    /// The bytes of a `Uuid`.
    pub fn as_uuid(self) -> Option<[u8; 16]> {
        match self.item().ok()? {
            Item::Uuid(uuid) => Some(uuid),
            _ => None,
        }
    }

    /// The bytes of an `ObjectId`.
    pub fn as_object_id(self) -> Option<[u8; 12]> {
        match self.item().ok()? {
            Item::ObjectId(id) => Some(id),
            _ => None,
        }
    }

    /// Whether this is a document.
    #[inline]
    pub fn is_document(self) -> bool {
        self.bytes.first().is_some_and(|first| first >> 5 == MAP)
    }

    /// Whether this is an array.
    #[inline]
    pub fn is_array(self) -> bool {
        self.bytes.first().is_some_and(|first| first >> 5 == ARRAY)
    }

    /// Entries of a document or elements of an array, by its head.
    #[inline]
    pub fn count(self) -> Option<usize> {
        let head = head(self.bytes)?;
        match head.major {
            ARRAY | MAP => head.argument.try_into().ok(),
            _ => None,
        }
    }

    /// The field of that name; `None` where absent, not a document, or damaged.
    #[inline]
    pub fn get(self, name: &str) -> Option<Raw<'a>> {
        self.find(Key::Name(name)).ok().flatten()
    }

    /// The declared column of that id; `None` where absent, not a document, or damaged.
    #[inline]
    pub fn get_id(self, column: u32) -> Option<Raw<'a>> {
        self.find(Key::Id(column)).ok().flatten()
    }

    /// The entry under `key`, telling damage from absence. What is not a document has no entries.
    ///
    /// # Errors
    /// Damage before the entry.
    #[inline]
    pub fn find(self, key: Key<'_>) -> Result<Option<Raw<'a>>, Damaged> {
        match key {
            Key::Id(column) => {
                self.search(|head, _| head.major == UNSIGNED && head.argument == u64::from(column))
            }
            Key::Name(name) => self.search(|head, rest| {
                head.major == TEXT
                    && head.argument == name.len() as u64
                    && rest.get(..name.len()) == Some(name.as_bytes())
            }),
        }
    }

    /// The value of the first entry whose key passes `hit`, which sees the key's head and what
    /// follows it.
    #[inline(always)]
    fn search(self, hit: impl Fn(Head, &'a [u8]) -> bool) -> Result<Option<Raw<'a>>, Damaged> {
        let map = self.head()?;
        if map.major != MAP {
            return Ok(None);
        }
        let mut rest = self.after(map.len)?;
        for _ in 0..map.argument {
            let key = head(rest).ok_or(Damaged)?;
            rest = rest.get(key.len..).ok_or(Damaged)?;
            let found = hit(key, rest);
            if key.major == TEXT {
                let len = usize::try_from(key.argument).map_err(|_| Damaged)?;
                rest = rest.get(len..).ok_or(Damaged)?;
            } else if key.major != UNSIGNED {
                return Err(Damaged);
            }
            if found {
                return Ok(Some(Raw { bytes: rest }));
            }
            rest = rest.get(item_len(rest).ok_or(Damaged)?..).ok_or(Damaged)?;
        }
        Ok(None)
    }

    /// The element at `index` of an array.
    pub fn element(self, index: usize) -> Option<Raw<'a>> {
        self.elements().nth(index)?.ok()
    }

    /// Follows names into documents, and decimal indexes into arrays.
    pub fn path(self, path: &[&str]) -> Option<Raw<'a>> {
        path.iter().try_fold(self, |at, step| match at.is_array() {
            true => at.element(step.parse().ok()?),
            false => at.get(step),
        })
    }

    /// The entries of a document in order; nothing for anything else.
    #[inline]
    pub fn entries(self) -> Entries<'a> {
        let (rest, left) = self.content(MAP);
        Entries { rest, left }
    }

    /// The elements of an array in order; nothing for anything else.
    #[inline]
    pub fn elements(self) -> Elements<'a> {
        let (rest, left) = self.content(ARRAY);
        Elements { rest, left }
    }

    #[inline]
    fn content(self, major: u8) -> (&'a [u8], u64) {
        match head(self.bytes) {
            Some(head) if head.major == major => {
                (self.bytes.get(head.len..).unwrap_or_default(), head.argument)
            }
            _ => (&[], 0),
        }
    }

    /// Decodes the whole item. A map with column ids has no names for them: see
    /// [`Raw::to_value_with`].
    ///
    /// # Errors
    /// Damage; a column id; nesting beyond [`MAX_DEPTH`].
    pub fn to_value(self) -> Result<Value, Damaged> {
        self.decode(&|_| None, 0)
    }

    /// Decodes the whole item, naming declared columns by `name_of`.
    ///
    /// # Errors
    /// Damage; a column that `name_of` does not know; nesting beyond [`MAX_DEPTH`].
    pub fn to_value_with(self, name_of: &dyn Fn(u32) -> Option<String>) -> Result<Value, Damaged> {
        self.decode(name_of, 0)
    }

    fn decode(
        self,
        name_of: &dyn Fn(u32) -> Option<String>,
        depth: usize,
    ) -> Result<Value, Damaged> {
        Ok(match self.item()? {
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
            Item::Text(text) => Value::Text(text.into()),
            Item::Symbol(text) => Value::Symbol(text.into()),
            Item::Bytes { subtype, data } => Value::Bytes { subtype, data: data.into() },
            Item::Date(days) => Value::Date(days),
            Item::Time(micros) => Value::Time(micros),
            Item::Timestamp(micros) => Value::Timestamp(micros),
            Item::TimestampTz(micros) => Value::TimestampTz(micros),
            Item::Interval(interval) => Value::Interval(interval),
            Item::Uuid(uuid) => Value::Uuid(uuid),
            Item::ObjectId(id) => Value::ObjectId(id),
            Item::Document(map) => Value::Document(map.decode_document(name_of, depth)?),
            Item::Array(array) => Value::Array(array.decode_array(name_of, depth)?),
            Item::Regex { pattern, options } => {
                Value::Regex { pattern: pattern.into(), options: options.into() }
            }
            Item::Code { code, scope } => {
                let scope = scope.map(|scope| scope.decode_document(name_of, depth));
                Value::Code { code: code.into(), scope: scope.transpose()? }
            }
            Item::BsonTimestamp { seconds, increment } => {
                Value::BsonTimestamp { seconds, increment }
            }
            Item::DbPointer { namespace, id } => {
                Value::DbPointer { namespace: namespace.into(), id }
            }
        })
    }

    fn decode_document(
        self,
        name_of: &dyn Fn(u32) -> Option<String>,
        depth: usize,
    ) -> Result<Document, Damaged> {
        if depth >= MAX_DEPTH {
            return Err(Damaged);
        }
        // The count is not trusted for an allocation larger than the bytes could fill.
        let count = self.count().unwrap_or(0).min(self.bytes.len() / 2);
        let mut document = Document::with_capacity(count);
        for entry in self.entries() {
            let (key, value) = entry?;
            let name = match key {
                Key::Name(name) => name.to_owned(),
                Key::Id(column) => name_of(column).ok_or(Damaged)?,
            };
            document.push(name, value.decode(name_of, depth + 1)?);
        }
        Ok(document)
    }

    fn decode_array(
        self,
        name_of: &dyn Fn(u32) -> Option<String>,
        depth: usize,
    ) -> Result<Vec<Value>, Damaged> {
        if depth >= MAX_DEPTH {
            return Err(Damaged);
        }
        self.elements().map(|element| element?.decode(name_of, depth + 1)).collect()
    }
}

/// The integer's kind: the narrowest of at least the head's width that holds it.
#[inline]
fn integer_kind(head: Head) -> Option<Kind> {
    // The argument of -1 - n is as large as n may be: one bound serves both signs.
    Some(match head.info {
        24 if head.argument <= i8::MAX as u64 => Kind::Int8,
        24 | 25 if head.argument <= i16::MAX as u64 => Kind::Int16,
        0..=26 if head.argument <= i32::MAX as u64 => Kind::Int32,
        _ if head.argument <= i64::MAX as u64 => Kind::Int64,
        _ if head.major == UNSIGNED => Kind::UInt64,
        _ => return None,
    })
}

#[inline]
fn integer<'a>(head: Head) -> Result<Item<'a>, Damaged> {
    let kind = integer_kind(head).ok_or(Damaged)?;
    if kind == Kind::UInt64 {
        return Ok(Item::UInt64(head.argument));
    }
    let n = signed(head).ok_or(Damaged)?;
    Ok(match kind {
        Kind::Int8 => Item::Int8(n as i8),
        Kind::Int16 => Item::Int16(n as i16),
        Kind::Int32 => Item::Int32(n as i32),
        _ => Item::Int64(n),
    })
}

#[inline(always)]
fn signed(head: Head) -> Option<i64> {
    let n = i64::try_from(head.argument).ok()?;
    Some(if head.major == NEGATIVE { !n } else { n })
}

fn simple<'a>(first: u8, argument: u64) -> Result<Item<'a>, Damaged> {
    debug_assert_eq!(first >> 5, SIMPLE);
    Ok(match first {
        FALSE => Item::Bool(false),
        TRUE => Item::Bool(true),
        NULL => Item::Null,
        UNDEFINED => Item::Undefined,
        FLOAT32 => Item::Float32(f32::from_bits(argument as u32)),
        FLOAT64 => Item::Float64(f64::from_bits(argument)),
        _ => return Err(Damaged),
    })
}

fn tagged_kind(number: u64) -> Option<Kind> {
    Some(match number {
        tag::DECIMAL | tag::DECIMAL_SPECIAL | tag::DECIMAL_NEGATIVE_ZERO => Kind::Decimal,
        tag::UUID => Kind::Uuid,
        tag::DATE => Kind::Date,
        tag::MIN_KEY => Kind::MinKey,
        tag::MAX_KEY => Kind::MaxKey,
        tag::BYTES => Kind::Bytes,
        tag::TIME => Kind::Time,
        tag::TIMESTAMP => Kind::Timestamp,
        tag::TIMESTAMP_TZ => Kind::TimestampTz,
        tag::INTERVAL => Kind::Interval,
        tag::OBJECT_ID => Kind::ObjectId,
        tag::REGEX => Kind::Regex,
        tag::CODE | tag::CODE_SCOPE => Kind::Code,
        tag::BSON_TIMESTAMP => Kind::BsonTimestamp,
        tag::SYMBOL => Kind::Symbol,
        tag::DB_POINTER => Kind::DbPointer,
        _ => return None,
    })
}

/// The item under a tag, and the length of the tag's content (see [`Raw::item_and_len`]).
fn tagged(number: u64, content: Raw<'_>) -> Result<(Item<'_>, usize), Damaged> {
    let micros =
        |item: fn(i64) -> Item<'static>| content.expect_int().map(|(n, len)| (item(n), len));
    Ok(match number {
        tag::DECIMAL => decimal(content)?,
        tag::DECIMAL_SPECIAL => decimal_special(content)?,
        tag::DECIMAL_NEGATIVE_ZERO => {
            let (exponent, len) = content.expect_int()?;
            let zero = Decimal::negative_zero(scale_of(exponent)?).map_err(|_| Damaged)?;
            (Item::Decimal(zero), len)
        }
        tag::UUID => content.expect_fixed().map(|(uuid, len)| (Item::Uuid(uuid), len))?,
        tag::DATE => {
            let (days, len) = content.expect_int()?;
            (Item::Date(days.try_into().map_err(|_| Damaged)?), len)
        }
        tag::MIN_KEY => (Item::MinKey, content.expect_null()?),
        tag::MAX_KEY => (Item::MaxKey, content.expect_null()?),
        tag::BYTES => {
            let (bytes, len) = content.expect_bytes()?;
            let (&subtype, data) = bytes.split_first().ok_or(Damaged)?;
            (Item::Bytes { subtype, data }, len)
        }
        tag::TIME => micros(Item::Time)?,
        tag::TIMESTAMP => micros(Item::Timestamp)?,
        tag::TIMESTAMP_TZ => micros(Item::TimestampTz)?,
        tag::INTERVAL => interval(content)?,
        tag::OBJECT_ID => content.expect_fixed().map(|(id, len)| (Item::ObjectId(id), len))?,
        tag::REGEX => {
            let (pattern, options, len) = text_pair(content)?;
            (Item::Regex { pattern, options }, len)
        }
        tag::CODE => {
            let (code, len) = content.expect_text()?;
            (Item::Code { code, scope: None }, len)
        }
        tag::CODE_SCOPE => code_with_scope(content)?,
        tag::BSON_TIMESTAMP => {
            let head = content.head()?;
            if head.major != UNSIGNED {
                return Err(Damaged);
            }
            let (seconds, increment) = ((head.argument >> 32) as u32, head.argument as u32);
            (Item::BsonTimestamp { seconds, increment }, head.len)
        }
        tag::SYMBOL => content.expect_text().map(|(text, len)| (Item::Symbol(text), len))?,
        tag::DB_POINTER => {
            let at = content.expect_array(2)?;
            let (namespace, text_len) = Raw::new(content.after(at)?).expect_text()?;
            let at = at + text_len;
            let (id, id_len) = Raw::new(content.after(at)?).expect_fixed()?;
            (Item::DbPointer { namespace, id }, at + id_len)
        }
        _ => return Err(Damaged),
    })
}

fn text_pair(content: Raw<'_>) -> Result<(&str, &str, usize), Damaged> {
    let at = content.expect_array(2)?;
    let (first, len) = Raw::new(content.after(at)?).expect_text()?;
    let at = at + len;
    let (second, len) = Raw::new(content.after(at)?).expect_text()?;
    Ok((first, second, at + len))
}

fn code_with_scope(content: Raw<'_>) -> Result<(Item<'_>, usize), Damaged> {
    let at = content.expect_array(2)?;
    let (code, len) = Raw::new(content.after(at)?).expect_text()?;
    let at = at + len;
    let scope = Raw::new(content.after(at)?);
    if !scope.is_document() {
        return Err(Damaged);
    }
    Ok((Item::Code { code, scope: Some(scope) }, at))
}

fn interval(content: Raw<'_>) -> Result<(Item<'_>, usize), Damaged> {
    let at = content.expect_array(3)?;
    let (months, len) = Raw::new(content.after(at)?).expect_int()?;
    let at = at + len;
    let (days, len) = Raw::new(content.after(at)?).expect_int()?;
    let at = at + len;
    let (micros, len) = Raw::new(content.after(at)?).expect_int()?;
    let months = months.try_into().map_err(|_| Damaged)?;
    let days = days.try_into().map_err(|_| Damaged)?;
    Ok((Item::Interval(Interval { months, days, micros }), at + len))
}

fn scale_of(exponent: i64) -> Result<i32, Damaged> {
    exponent.checked_neg().and_then(|scale| scale.try_into().ok()).ok_or(Damaged)
}

fn decimal_special(content: Raw<'_>) -> Result<(Item<'_>, usize), Damaged> {
    let (which, len) = content.expect_int()?;
    let special = match which {
        0 => Decimal::NAN,
        1 => Decimal::INFINITY,
        2 => Decimal::NEG_INFINITY,
        _ => return Err(Damaged),
    };
    Ok((Item::Decimal(special), len))
}

fn decimal(content: Raw<'_>) -> Result<(Item<'_>, usize), Damaged> {
    let at = content.expect_array(2)?;
    let (exponent, len) = Raw::new(content.after(at)?).expect_int()?;
    let scale = scale_of(exponent)?;
    let at = at + len;
    let mantissa = Raw::new(content.after(at)?);
    let head = mantissa.head()?;
    let (number, len) = match head.major {
        UNSIGNED => (Decimal::new(head.argument.into(), scale), head.len),
        NEGATIVE => (Decimal::new(-1 - i128::from(head.argument), scale), head.len),
        TAG => {
            let (magnitude, len) = Raw::new(mantissa.after(head.len)?).expect_bytes()?;
            // More digits than a decimal may have: refused before they are converted.
            if magnitude.len() > 65_536 {
                return Err(Damaged);
            }
            let magnitude = BigInt::from_bytes_be(Sign::Plus, magnitude);
            let n = match head.argument {
                tag::POSITIVE_BIG => magnitude,
                tag::NEGATIVE_BIG => -1 - magnitude,
                _ => return Err(Damaged),
            };
            (Decimal::from_big(n, scale), head.len + len)
        }
        _ => return Err(Damaged),
    };
    Ok((Item::Decimal(number.map_err(|_| Damaged)?), at + len))
}

/// The entries of a document; ends after the first error.
#[derive(Clone)]
pub struct Entries<'a> {
    rest: &'a [u8],
    left: u64,
}

impl<'a> Entries<'a> {
    /// The one entry at the front of `bytes`, for those who walk a map themselves.
    pub(super) fn of_one(bytes: &'a [u8]) -> Entries<'a> {
        Entries { rest: bytes, left: 1 }
    }

    /// The bytes after the entries answered so far.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<(Key<'a>, Raw<'a>), Damaged>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let entry = next_entry(&mut self.rest);
        if entry.is_err() {
            self.left = 0;
        }
        Some(entry)
    }
}

#[inline]
fn next_entry<'a>(rest: &mut &'a [u8]) -> Result<(Key<'a>, Raw<'a>), Damaged> {
    let head = head(rest).ok_or(Damaged)?;
    let (key, len) = match head.major {
        UNSIGNED => (Key::Id(head.argument.try_into().map_err(|_| Damaged)?), head.len),
        TEXT => {
            let (name, len) = Raw::new(rest).text_string(head)?;
            (Key::Name(name), len)
        }
        _ => return Err(Damaged),
    };
    let value = rest.get(len..).ok_or(Damaged)?;
    *rest = value.get(item_len(value).ok_or(Damaged)?..).ok_or(Damaged)?;
    Ok((key, Raw::new(value)))
}

/// The elements of an array; ends after the first error.
#[derive(Clone)]
pub struct Elements<'a> {
    rest: &'a [u8],
    left: u64,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Result<Raw<'a>, Damaged>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let item = self.rest;
        match item_len(item).and_then(|len| item.get(len..)) {
            Some(rest) => {
                self.rest = rest;
                Some(Ok(Raw::new(item)))
            }
            None => {
                self.left = 0;
                Some(Err(Damaged))
            }
        }
    }
}

impl std::fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.to_value_with(&|column| Some(format!("#{column}"))) {
            Ok(value) => value.fmt(f),
            Err(Damaged) => f.write_str("damaged"),
        }
    }
}
