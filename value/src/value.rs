//! The owned value.
//!
//! One enum holds what any of the four languages can store. The rule for admitting a variant: two
//! things are two variants when some client can tell them apart (an `Int32` from an `Int64`, a
//! binary of subtype 4 from a UUID, a zoned from an unzoned timestamp); they are one where none
//! can.
//!
//! ```text
//!   nothing    Null Undefined            ordered ends   MinKey MaxKey
//!   numbers    Int8 Int16 Int32 Int64 UInt64 Float32 Float64 Decimal
//!   text       Text Symbol               bytes          Bytes Uuid ObjectId
//!   time       Date Time Timestamp TimestampTz Interval BsonTimestamp
//!   nested     Document Array            programs       Regex Code DbPointer
//! ```
//!
//! Invariants:
//! * Absent is not a value: a missing field is a field that the document does not have.
//! * `==` is identity: same variant, same scale, same field order, floats by their bits (so that
//!   NaN is itself and -0.0 is not 0.0). Order and equality *by value* are [`crate::cmp_bson`].
//! * `UInt64` in normal form holds only what `Int64` cannot; a smaller one is legal and is read
//!   back from bytes as `Int64`.
//!
//! Times are plain integers and not newtypes: every protocol crate matches on them and converts by
//! arithmetic, and the variant's name already says the unit. PostgreSQL's infinite dates and times
//! are the extreme integers.

use crate::Decimal;

/// An owned value of any type that the store can hold.
#[derive(Clone, Debug)]
pub enum Value {
    /// Null: present, and nothing.
    Null,
    /// BSON's deprecated `undefined`.
    Undefined,
    /// Below every other value.
    MinKey,
    /// Above every other value.
    MaxKey,
    /// True or false.
    Bool(bool),
    /// 8-bit integer.
    Int8(i8),
    /// 16-bit integer.
    Int16(i16),
    /// 32-bit integer.
    Int32(i32),
    /// 64-bit integer.
    Int64(i64),
    /// Unsigned integer; in normal form only above `i64::MAX`.
    UInt64(u64),
    /// Single precision.
    Float32(f32),
    /// Double precision.
    Float64(f64),
    /// Exact decimal with its scale.
    Decimal(Decimal),
    /// UTF-8 text.
    Text(String),
    /// BSON's deprecated symbol.
    Symbol(String),
    /// Bytes with BSON's subtype; 0 is generic, and `bytea`.
    Bytes {
        /// BSON's binary subtype.
        subtype: u8,
        /// The bytes.
        data: Vec<u8>,
    },
    /// Days since 1970-01-01; `i32::MIN` and `i32::MAX` are -infinity and infinity.
    Date(i32),
    /// Microseconds since midnight, 0 ..= 86 400 000 000.
    Time(i64),
    /// Local time without a zone: microseconds since 1970-01-01 00:00; extremes are infinities.
    Timestamp(i64),
    /// An instant: microseconds since 1970-01-01 00:00 UTC; extremes are infinities.
    TimestampTz(i64),
    /// Months, days and microseconds, apart.
    Interval(Interval),
    /// A UUID's 16 bytes.
    Uuid([u8; 16]),
    /// A MongoDB ObjectId's 12 bytes.
    ObjectId([u8; 12]),
    /// Named fields in order.
    Document(Document),
    /// Elements in order.
    Array(Vec<Value>),
    /// A regular expression.
    Regex {
        /// The pattern.
        pattern: String,
        /// Option letters, as BSON sorts them.
        options: String,
    },
    /// JavaScript code.
    Code {
        /// Its text.
        code: String,
        /// Its variables, where BSON gives it a scope.
        scope: Option<Document>,
    },
    /// BSON's internal timestamp.
    BsonTimestamp {
        /// Seconds since 1970.
        seconds: u32,
        /// Counter within the second.
        increment: u32,
    },
    /// BSON's deprecated pointer.
    DbPointer {
        /// `database.collection`.
        namespace: String,
        /// The ObjectId pointed at.
        id: [u8; 12],
    },
}

/// The type of a value: one for each variant of [`Value`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs)] // Each is documented at the variant of `Value` of the same name.
pub enum Kind {
    Null,
    Undefined,
    MinKey,
    MaxKey,
    Bool,
    Int8,
    Int16,
    Int32,
    Int64,
    UInt64,
    Float32,
    Float64,
    Decimal,
    Text,
    Symbol,
    Bytes,
    Date,
    Time,
    Timestamp,
    TimestampTz,
    Interval,
    Uuid,
    ObjectId,
    Document,
    Array,
    Regex,
    Code,
    BsonTimestamp,
    DbPointer,
}

impl Kind {
    /// Whether values of this kind lie on the one numeric scale.
    #[inline]
    pub fn is_number(self) -> bool {
        (Kind::Int8 as u8..=Kind::Decimal as u8).contains(&(self as u8))
    }

    /// Whether this is an integer kind of any width.
    #[inline]
    pub fn is_integer(self) -> bool {
        (Kind::Int8 as u8..=Kind::UInt64 as u8).contains(&(self as u8))
    }
}

impl Value {
    /// The value's type.
    pub fn kind(&self) -> Kind {
        match self {
            Value::Null => Kind::Null,
            Value::Undefined => Kind::Undefined,
            Value::MinKey => Kind::MinKey,
            Value::MaxKey => Kind::MaxKey,
            Value::Bool(_) => Kind::Bool,
            Value::Int8(_) => Kind::Int8,
            Value::Int16(_) => Kind::Int16,
            Value::Int32(_) => Kind::Int32,
            Value::Int64(_) => Kind::Int64,
            Value::UInt64(_) => Kind::UInt64,
            Value::Float32(_) => Kind::Float32,
            Value::Float64(_) => Kind::Float64,
            Value::Decimal(_) => Kind::Decimal,
            Value::Text(_) => Kind::Text,
            Value::Symbol(_) => Kind::Symbol,
            Value::Bytes { .. } => Kind::Bytes,
            Value::Date(_) => Kind::Date,
            Value::Time(_) => Kind::Time,
            Value::Timestamp(_) => Kind::Timestamp,
            Value::TimestampTz(_) => Kind::TimestampTz,
            Value::Interval(_) => Kind::Interval,
            Value::Uuid(_) => Kind::Uuid,
            Value::ObjectId(_) => Kind::ObjectId,
            Value::Document(_) => Kind::Document,
            Value::Array(_) => Kind::Array,
            Value::Regex { .. } => Kind::Regex,
            Value::Code { .. } => Kind::Code,
            Value::BsonTimestamp { .. } => Kind::BsonTimestamp,
            Value::DbPointer { .. } => Kind::DbPointer,
        }
    }

    /// The integer, of whatever width, if it fits `i64`.
    pub fn as_i64(&self) -> Option<i64> {
        match *self {
            Value::Int8(n) => Some(n.into()),
            Value::Int16(n) => Some(n.into()),
            Value::Int32(n) => Some(n.into()),
            Value::Int64(n) => Some(n),
            Value::UInt64(n) => n.try_into().ok(),
            _ => None,
        }
    }

    /// The text of a `Text`.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The document of a `Document`.
    pub fn as_document(&self) -> Option<&Document> {
        match self {
            Value::Document(document) => Some(document),
            _ => None,
        }
    }

    /// The elements of an `Array`.
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Value::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// Bytes of the generic subtype.
    pub fn bytes(data: impl Into<Vec<u8>>) -> Value {
        Value::Bytes { subtype: 0, data: data.into() }
    }

    /// The integer in normal form: `Int64`, or `UInt64` above it.
    pub fn from_u64(n: u64) -> Value {
        i64::try_from(n).map_or(Value::UInt64(n), Value::Int64)
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        use Value::*;
        match (self, other) {
            (Null, Null) | (Undefined, Undefined) | (MinKey, MinKey) | (MaxKey, MaxKey) => true,
            (Bool(a), Bool(b)) => a == b,
            (Int8(a), Int8(b)) => a == b,
            (Int16(a), Int16(b)) => a == b,
            (Int32(a), Int32(b)) => a == b,
            (Int64(a), Int64(b)) => a == b,
            (UInt64(a), UInt64(b)) => a == b,
            (Float32(a), Float32(b)) => a.to_bits() == b.to_bits(),
            (Float64(a), Float64(b)) => a.to_bits() == b.to_bits(),
            (Decimal(a), Decimal(b)) => a.identical(b),
            (Text(a), Text(b)) | (Symbol(a), Symbol(b)) => a == b,
            (Bytes { subtype: s, data: a }, Bytes { subtype: t, data: b }) => s == t && a == b,
            (Date(a), Date(b)) => a == b,
            (Time(a), Time(b)) => a == b,
            (Timestamp(a), Timestamp(b)) | (TimestampTz(a), TimestampTz(b)) => a == b,
            (Interval(a), Interval(b)) => a == b,
            (Uuid(a), Uuid(b)) => a == b,
            (ObjectId(a), ObjectId(b)) => a == b,
            (Document(a), Document(b)) => a == b,
            (Array(a), Array(b)) => a == b,
            (Regex { pattern: p, options: o }, Regex { pattern: q, options: r }) => {
                p == q && o == r
            }
            (Code { code: a, scope: s }, Code { code: b, scope: t }) => a == b && s == t,
            (
                BsonTimestamp { seconds: s, increment: i },
                BsonTimestamp { seconds: t, increment: j },
            ) => s == t && i == j,
            (DbPointer { namespace: a, id: i }, DbPointer { namespace: b, id: j }) => {
                a == b && i == j
            }
            _ => false,
        }
    }
}

impl Eq for Value {}

/// A span of calendar months, days and microseconds, each with its own sign, as PostgreSQL keeps
/// it.
///
/// `==` compares the three parts; [`Interval::span`] is the length by which SQL orders them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Interval {
    /// Calendar months.
    pub months: i32,
    /// Days, which daylight saving may make 23 or 25 hours long.
    pub days: i32,
    /// Microseconds.
    pub micros: i64,
}

impl Interval {
    /// The length in microseconds with months of 30 days and days of 24 hours: SQL's order.
    #[inline]
    pub fn span(self) -> i128 {
        let days = i128::from(self.months) * 30 + i128::from(self.days);
        days * i128::from(crate::calendar::MICROS_PER_DAY) + i128::from(self.micros)
    }
}

/// Named fields in the order in which they were written.
///
/// Names are unique by convention of its builders: [`Document::insert`] replaces, and
/// [`Document::push`] trusts its caller. Stored bytes are checked (see [`crate::cbor::validate`]).
/// Lookup is linear: documents of the width people write are faster so than with a hash table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    fields: Vec<(String, Value)>,
}

impl Document {
    /// No fields.
    pub fn new() -> Document {
        Document::default()
    }

    /// No fields yet, room for `count`.
    pub fn with_capacity(count: usize) -> Document {
        Document { fields: Vec::with_capacity(count) }
    }

    /// Appends a field whose name the caller knows to be new.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.fields.push((name.into(), value.into()));
    }

    /// Replaces the field of that name where it stands, or appends it. Answers the old value.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Value>) -> Option<Value> {
        let (name, value) = (name.into(), value.into());
        match self.get_mut(&name) {
            Some(slot) => Some(std::mem::replace(slot, value)),
            None => {
                self.fields.push((name, value));
                None
            }
        }
    }

    /// Takes the field of that name out, keeping the others' order.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let at = self.fields.iter().position(|(n, _)| n == name)?;
        Some(self.fields.remove(at).1)
    }

    /// The value of the field of that name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// The value of the field of that name, to change it in place.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.fields.iter_mut().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// Whether there is a field of that name.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The number of fields.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The fields in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> + DoubleEndedIterator {
        self.fields.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The names in order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> + DoubleEndedIterator {
        self.fields.iter().map(|(name, _)| name.as_str())
    }

    /// Keeps the fields for which `keep` answers true.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &Value) -> bool) {
        self.fields.retain(|(name, value)| keep(name, value));
    }

    /// The field list itself.
    pub fn into_fields(self) -> Vec<(String, Value)> {
        self.fields
    }
}

impl<N: Into<String>, V: Into<Value>> FromIterator<(N, V)> for Document {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> Document {
        Document { fields: fields.into_iter().map(|(n, v)| (n.into(), v.into())).collect() }
    }
}

impl IntoIterator for Document {
    type Item = (String, Value);
    type IntoIter = std::vec::IntoIter<(String, Value)>;
    fn into_iter(self) -> Self::IntoIter {
        self.fields.into_iter()
    }
}

macro_rules! from {
    ($($type:ty => $variant:ident),* $(,)?) => {$(
        impl From<$type> for Value {
            #[inline]
            fn from(value: $type) -> Value {
                Value::$variant(value.into())
            }
        }
    )*};
}

from! {
    bool => Bool, i8 => Int8, i16 => Int16, i32 => Int32, i64 => Int64, f32 => Float32,
    f64 => Float64, Decimal => Decimal, String => Text, &str => Text, Interval => Interval,
    Document => Document, Vec<Value> => Array, u8 => Int16, u16 => Int32, u32 => Int64,
}

impl From<&String> for Value {
    fn from(text: &String) -> Value {
        Value::Text(text.clone())
    }
}

impl From<u64> for Value {
    fn from(n: u64) -> Value {
        Value::from_u64(n)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}
