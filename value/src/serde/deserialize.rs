//! Values to serde's model.
//!
//! A [`Reader`] lends its value's texts and bytes to what is made of it. It answers what was asked
//! for where the value can be that without loss (a decimal asked for as an integer that it is, a
//! UUID as its bytes or its text), and else what the value is; serde's own messages then name both.

use serde::de::value::{BorrowedStrDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{self, DeserializeSeed, Deserializer as _, Error as _};
use serde::de::{IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use super::{Error, name};
use crate::text::{datetime, id, interval};
use crate::{Document, Value, cbor};

/// Reads one value.
#[derive(Clone, Copy)]
pub(super) struct Reader<'de>(pub &'de Value);

/// The text of a kind that serde has no place for.
fn text_of(value: &Value) -> Option<String> {
    Some(match value {
        Value::Decimal(n) => n.to_string(),
        Value::Interval(of) => interval::format(*of),
        Value::Date(days) => datetime::format_date(*days),
        Value::Time(micros) => datetime::format_time(*micros),
        Value::Timestamp(micros) => datetime::format_timestamp(*micros),
        Value::TimestampTz(micros) => datetime::format_timestamp_tz(*micros, 0),
        Value::Uuid(of) => id::format_uuid(of),
        Value::ObjectId(of) => id::format_object_id(of),
        _ => return None,
    })
}

macro_rules! integers {
    ($($deserialize:ident)*) => {$(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.integer(visitor)
        }
    )*};
}

macro_rules! wide {
    ($($deserialize:ident, $visit:ident: $type:ty;)*) => {$(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let wide = match self.0 {
                Value::Decimal(n) => n.to_i128_exact(),
                Value::UInt64(n) => Some(i128::from(*n)),
                other => other.as_i64().map(i128::from),
            };
            match wide.and_then(|n| <$type>::try_from(n).ok()) {
                Some(n) => visitor.$visit(n),
                None => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> Reader<'de> {
    fn integer<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if let Value::Decimal(n) = self.0 {
            if let Some(n) = n.to_i64_exact() {
                return visitor.visit_i64(n);
            }
            if let Some(n) = n.to_u64_exact() {
                return visitor.visit_u64(n);
            }
        }
        self.deserialize_any(visitor)
    }

    fn float<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Decimal(n) => visitor.visit_f64(n.to_f64()),
            _ => self.deserialize_any(visitor),
        }
    }

    /// For a [`Value`]: what serde has no place for goes as it is.
    fn whole<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null | Value::Bool(_) | Value::Text(_) | Value::Bytes { subtype: 0, .. } => {}
            Value::Int8(_) | Value::Int16(_) | Value::Int32(_) | Value::Int64(_) => {}
            Value::UInt64(_) | Value::Float32(_) | Value::Float64(_) => {}
            Value::Document(_) | Value::Array(_) => {}
            _ => return visitor.visit_enum(Exactly(self.0)),
        }
        self.deserialize_any(visitor)
    }
}

impl<'de> de::Deserializer<'de> for Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null | Value::Undefined => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Int8(n) => visitor.visit_i8(*n),
            Value::Int16(n) => visitor.visit_i16(*n),
            Value::Int32(n) => visitor.visit_i32(*n),
            Value::Int64(n) => visitor.visit_i64(*n),
            Value::UInt64(n) => visitor.visit_u64(*n),
            Value::Float32(n) => visitor.visit_f32(*n),
            Value::Float64(n) => visitor.visit_f64(*n),
            Value::Text(text) | Value::Symbol(text) => visitor.visit_borrowed_str(text),
            Value::Bytes { data, .. } => visitor.visit_borrowed_bytes(data),
            Value::Document(document) => Fields(document).deserialize_any(visitor),
            Value::Array(elements) => {
                let mut seq = SeqDeserializer::new(elements.iter().map(Reader));
                let made = visitor.visit_seq(&mut seq)?;
                seq.end().map(|()| made)
            }
            other => match text_of(other) {
                Some(text) => visitor.visit_string(text),
                None => {
                    let kind = format!("{:?}", other.kind());
                    Err(Error::invalid_type(Unexpected::Other(&kind), &visitor))
                }
            },
        }
    }

    integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    wide! {
        deserialize_i128, visit_i128: i128;
        deserialize_u128, visit_u128: u128;
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.float(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.float(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Uuid(id) => visitor.visit_borrowed_bytes(id),
            Value::ObjectId(id) => visitor.visit_borrowed_bytes(id),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null | Value::Undefined => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match name {
            name::VALUE => self.whole(visitor),
            name::DECIMAL => match self.0 {
                // With its scale and sign, which the plain text does not always keep.
                Value::Decimal(_) => visitor.visit_newtype_struct(Plain(self.0)),
                _ => self.deserialize_any(visitor),
            },
            name if name.starts_with(name::PREFIX) => self.deserialize_any(visitor),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    /// A `Vec<u8>` asks for a sequence, and bytes are one.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Bytes { data, .. } => {
                visitor.visit_seq(SeqDeserializer::<_, Error>::new(data.iter().copied()))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let variant = match self.0 {
            Value::Text(name) => Variant { name, content: None },
            Value::Document(document) => {
                let mut fields = document.iter();
                match (fields.next(), fields.next()) {
                    (Some((name, content)), None) => Variant { name, content: Some(content) },
                    _ => return Err(Error::custom("an enum is a text or a document of one field")),
                }
            }
            _ => return Err(Error::custom("an enum is a text or a document of one field")),
        };
        visitor.visit_enum(variant)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool char str string unit unit_struct map struct identifier
    }
}

impl<'de> IntoDeserializer<'de, Error> for Reader<'de> {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

/// Reads the fields of a document.
#[derive(Clone, Copy)]
pub(super) struct Fields<'de>(pub &'de Document);

impl<'de> de::Deserializer<'de> for Fields<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let fields = self.0.iter().map(|(name, value)| (Name(name), Reader(value)));
        let mut map = MapDeserializer::new(fields);
        let made = visitor.visit_map(&mut map)?;
        map.end().map(|()| made)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match name.starts_with(name::PREFIX) {
            true => self.deserialize_any(visitor),
            false => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let mut fields = self.0.iter();
        match (fields.next(), fields.next()) {
            (Some((name, content)), None) => {
                visitor.visit_enum(Variant { name, content: Some(content) })
            }
            _ => Err(Error::custom("an enum is a document of one field")),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// A field's name, which may be asked for as what it is the text of.
#[derive(Clone, Copy)]
struct Name<'de>(&'de str);

macro_rules! parsed {
    ($($deserialize:ident, $visit:ident;)*) => {$(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.0.parse() {
                Ok(value) => visitor.$visit(value),
                Err(_) => visitor.visit_borrowed_str(self.0),
            }
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Name<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.0)
    }

    parsed! {
        deserialize_bool, visit_bool;
        deserialize_i8, visit_i64;
        deserialize_i16, visit_i64;
        deserialize_i32, visit_i64;
        deserialize_i64, visit_i64;
        deserialize_u8, visit_u64;
        deserialize_u16, visit_u64;
        deserialize_u32, visit_u64;
        deserialize_u64, visit_u64;
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_enum(Variant { name: self.0, content: None })
    }

    forward_to_deserialize_any! {
        i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct
        map struct identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Error> for Name<'de> {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

/// One variant of an enum.
struct Variant<'de> {
    name: &'de str,
    content: Option<&'de Value>,
}

impl<'de> de::EnumAccess<'de> for Variant<'de> {
    type Error = Error;
    type Variant = Content<'de>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Content<'de>), Error> {
        let name = seed.deserialize(BorrowedStrDeserializer::<Error>::new(self.name))?;
        Ok((name, Content(self.content)))
    }
}

/// What a variant holds.
struct Content<'de>(Option<&'de Value>);

impl<'de> Content<'de> {
    fn reader(self) -> Result<Reader<'de>, Error> {
        self.0.map(Reader).ok_or_else(|| Error::custom("the variant's content is missing"))
    }
}

impl<'de> de::VariantAccess<'de> for Content<'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.0 {
            None | Some(Value::Null) => Ok(()),
            Some(_) => Err(Error::custom("the variant has no content")),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self.reader()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        de::Deserializer::deserialize_seq(self.reader()?, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        de::Deserializer::deserialize_map(self.reader()?, visitor)
    }
}

/// A value on its way to a [`Value`] through serde, as its CBOR.
struct Exactly<'de>(&'de Value);

impl<'de> de::EnumAccess<'de> for Exactly<'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        let name = seed.deserialize(BorrowedStrDeserializer::<Error>::new(name::CBOR))?;
        Ok((name, self))
    }
}

impl<'de> de::VariantAccess<'de> for Exactly<'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Err(Error::custom("a value was asked for as a plain name"))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        let bytes = Value::bytes(cbor::encode(self.0));
        // What is made of it cannot borrow from here: bytes are copied by whoever takes them.
        seed.deserialize(Owned(bytes))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        de::Deserializer::deserialize_any(Reader(self.0), visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        de::Deserializer::deserialize_any(Reader(self.0), visitor)
    }
}

/// Bytes that nobody else holds.
struct Owned(Value);

impl<'de> de::Deserializer<'de> for Owned {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Bytes { data, .. } => visitor.visit_byte_buf(data),
            _ => visitor.visit_unit(),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}

/// A decimal as the text that keeps its scale and sign.
struct Plain<'de>(&'de Value);

impl<'de> de::Deserializer<'de> for Plain<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Decimal(n) => visitor.visit_string(super::exact::decimal_text(n)),
            other => Reader(other).deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}
