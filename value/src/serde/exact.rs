//! The types that serde's model has no place for, each under its private name.
//!
//! [`Decimal`] and [`Interval`] are types of this crate already. A date, an ObjectId and their kin
//! are plain integers and bytes inside of [`Value`]; a struct's field says by one of the wrappers
//! here which of them it is. All read and write the texts of [`crate::text`], so that other formats
//! show what people write.
//!
//! ```text
//!   TimestampTz(0)   here: TimestampTz(0)     in JSON: "1970-01-01 00:00:00+00"
//! ```

use std::fmt;
use std::str::FromStr;

use serde::de::{EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::name;
use crate::text::{TextError, datetime, id, interval};
use crate::{Decimal, Document, Interval, Raw, Value, cbor};

macro_rules! exact {
    ($($(#[$about:meta])* $type:ident($inner:ty): $name:ident, $format:expr, $parse:expr;)*) => {$(
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(pub $inner);

        impl From<$type> for Value {
            fn from(from: $type) -> Value {
                Value::$type(from.0)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&$format(self.0))
            }
        }

        impl FromStr for $type {
            type Err = TextError;
            fn from_str(text: &str) -> Result<$type, TextError> {
                $parse(text).map($type)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_newtype_struct(name::$name, &self.to_string())
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                let reader = Written { what: stringify!($type), parse: |t: &str| t.parse().ok() };
                deserializer.deserialize_newtype_struct(name::$name, reader)
            }
        }
    )*};
}

exact! {
    /// A MongoDB ObjectId, as a field of a struct.
    ObjectId([u8; 12]): OBJECT_ID, |id: [u8; 12]| id::format_object_id(&id), id::parse_object_id;
    /// A UUID, as a field of a struct.
    Uuid([u8; 16]): UUID, |id: [u8; 16]| id::format_uuid(&id), id::parse_uuid;
    /// Days since 1970-01-01, as a field of a struct.
    Date(i32): DATE, datetime::format_date, datetime::parse_date;
    /// Microseconds since midnight, as a field of a struct.
    Time(i64): TIME, datetime::format_time, datetime::parse_time;
    /// Microseconds since 1970-01-01 00:00 without a zone, as a field of a struct.
    Timestamp(i64): TIMESTAMP, datetime::format_timestamp, datetime::parse_timestamp;
    /// Microseconds since 1970-01-01 00:00 UTC, as a field of a struct.
    TimestampTz(i64): TIMESTAMP_TZ, |micros| datetime::format_timestamp_tz(micros, 0),
        |text| datetime::parse_timestamp_tz(text, 0);
}

/// Reads a type from its text.
struct Written<F> {
    what: &'static str,
    parse: F,
}

impl<'de, T, F: Fn(&str) -> Option<T>> Visitor<'de> for Written<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the text of a value of type {}", self.what)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        let parsed = (self.parse)(text);
        parsed.ok_or_else(|| E::custom(format!("{text:?} is no {}", self.what)))
    }

    fn visit_i64<E: serde::de::Error>(self, n: i64) -> Result<T, E> {
        self.visit_str(&n.to_string())
    }

    fn visit_u64<E: serde::de::Error>(self, n: u64) -> Result<T, E> {
        self.visit_str(&n.to_string())
    }

    fn visit_f64<E: serde::de::Error>(self, n: f64) -> Result<T, E> {
        self.visit_str(&crate::text::float::format_f64(n))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<T, D::Error> {
        inner.deserialize_any(self)
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(name::DECIMAL, &decimal_text(self))
    }
}

/// The text that reads back as the same decimal: scale below 0 and a negative zero are kept by the
/// scientific form only.
pub(super) fn decimal_text(n: &Decimal) -> String {
    let plain = n.to_string();
    match parse_decimal(&plain) {
        Some(same) if same.identical(n) => plain,
        _ => n.to_scientific(),
    }
}

/// The decimal of a text, with every digit of its scale where that is possible.
fn parse_decimal(text: &str) -> Option<Decimal> {
    let exact = match text.contains(['E', 'e']) || text.starts_with("-0") {
        true => Decimal::parse_exact(text),
        false => Decimal::parse(text),
    };
    exact.ok()
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
        let reader = Written { what: "Decimal", parse: parse_decimal };
        deserializer.deserialize_newtype_struct(name::DECIMAL, reader)
    }
}

impl Serialize for Interval {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(name::INTERVAL, &interval::format(*self))
    }
}

impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Interval, D::Error> {
        let parse = |text: &str| interval::parse(text).ok();
        let reader = Written { what: "Interval", parse };
        deserializer.deserialize_newtype_struct(name::INTERVAL, reader)
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Document, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Document(document) => Ok(document),
            other => Err(D::Error::custom(format!("{:?} is no document", other.kind()))),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int8(n) => serializer.serialize_i8(*n),
            Value::Int16(n) => serializer.serialize_i16(*n),
            Value::Int32(n) => serializer.serialize_i32(*n),
            Value::Int64(n) => serializer.serialize_i64(*n),
            Value::UInt64(n) => serializer.serialize_u64(*n),
            Value::Float32(n) => serializer.serialize_f32(*n),
            Value::Float64(n) => serializer.serialize_f64(*n),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Bytes { subtype: 0, data } => serializer.serialize_bytes(data),
            Value::Document(document) => document.serialize(serializer),
            Value::Array(elements) => {
                let mut array = serializer.serialize_seq(Some(elements.len()))?;
                for element in elements {
                    array.serialize_element(element)?;
                }
                array.end()
            }
            Value::Uuid(id) => Uuid(*id).serialize(serializer),
            Value::ObjectId(id) => ObjectId(*id).serialize(serializer),
            _ => match text_of(self) {
                Some((name, text)) => serializer.serialize_newtype_struct(name, &text),
                None => serializer.serialize_newtype_struct(name::CBOR, &Bytes(cbor::encode(self))),
            },
        }
    }
}

/// The private name and the text of a value, where the text says all of it: a timestamp can lie
/// beyond the years that have a text.
fn text_of(value: &Value) -> Option<(&'static str, String)> {
    let (name, text) = match value {
        Value::Decimal(n) => (name::DECIMAL, decimal_text(n)),
        Value::Interval(of) => (name::INTERVAL, interval::format(*of)),
        Value::Date(days) => (name::DATE, datetime::format_date(*days)),
        Value::Time(micros) => (name::TIME, datetime::format_time(*micros)),
        Value::Timestamp(micros) => (name::TIMESTAMP, datetime::format_timestamp(*micros)),
        Value::TimestampTz(micros) => {
            (name::TIMESTAMP_TZ, datetime::format_timestamp_tz(*micros, 0))
        }
        _ => return None,
    };
    (of_text(name, &text).as_ref() == Some(value)).then_some((name, text))
}

/// The value of a text under a private name.
pub(super) fn of_text(name: &str, text: &str) -> Option<Value> {
    match name {
        name::DECIMAL => parse_decimal(text).map(Value::Decimal),
        name::INTERVAL => interval::parse(text).ok().map(Value::Interval),
        name::DATE => datetime::parse_date(text).ok().map(Value::Date),
        name::TIME => datetime::parse_time(text).ok().map(Value::Time),
        name::TIMESTAMP => datetime::parse_timestamp(text).ok().map(Value::Timestamp),
        name::TIMESTAMP_TZ => datetime::parse_timestamp_tz(text, 0).ok().map(Value::TimestampTz),
        name::UUID => id::parse_uuid(text).ok().map(Value::Uuid),
        name::OBJECT_ID => id::parse_object_id(text).ok().map(Value::ObjectId),
        _ => None,
    }
}

/// Bytes as serde's bytes.
pub(super) struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        match deserializer.deserialize_bytes(AnyValue)? {
            Value::Bytes { data, .. } => Ok(Bytes(data)),
            other => Err(D::Error::custom(format!("{:?} is no bytes", other.kind()))),
        }
    }
}

/// The value of stored bytes that a private name carries.
pub(super) fn decode(bytes: &[u8]) -> Option<Value> {
    cbor::validate(bytes, &cbor::Limits::default()).ok()?;
    Raw::new(bytes).to_value().ok()
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_newtype_struct(name::VALUE, AnyValue)
    }
}

/// Takes whatever comes.
struct AnyValue;

macro_rules! taken {
    ($($visit:ident: $type:ty,)*) => {$(
        fn $visit<E>(self, value: $type) -> Result<Value, E> {
            Ok(value.into())
        }
    )*};
}

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    taken! {
        visit_bool: bool, visit_i8: i8, visit_i16: i16, visit_i32: i32, visit_i64: i64,
        visit_u8: u8, visit_u16: u16, visit_u32: u32, visit_u64: u64,
        visit_f32: f32, visit_f64: f64, visit_str: &str, visit_string: String,
    }

    fn visit_bytes<E>(self, data: &[u8]) -> Result<Value, E> {
        Ok(Value::bytes(data))
    }

    fn visit_byte_buf<E>(self, data: Vec<u8>) -> Result<Value, E> {
        Ok(Value::bytes(data))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        Value::deserialize(inner)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        inner.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            elements.push(element);
        }
        Ok(Value::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut document = Document::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            document.insert(name, value);
        }
        Ok(Value::Document(document))
    }

    /// Only this module's own reader offers one: a kind that serde has no place for.
    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Value, A::Error> {
        let (tag, content) = data.variant::<String>()?;
        let Bytes(bytes) = content.newtype_variant()?;
        let decoded = if tag == name::CBOR { decode(&bytes) } else { None };
        decoded.ok_or_else(|| A::Error::custom(format!("the enum {tag} is no value")))
    }
}
