//! serde's model to values.
//!
//! One [`Writer`] for each value under way; it knows how deep it stands. Structs and maps gather
//! fields, sequences and tuples elements, and an enum's content is wrapped in a document of one
//! field when it is whole.

use serde::ser::{self, Error as _, Serialize};

use super::exact::{decode, of_text};
use super::{Error, name};
use crate::text::id;
use crate::{Document, MAX_DEPTH, Value};

/// Fields of a document from which a doubled name is looked for by hash.
const MANY_FIELDS: usize = 32;

/// Takes one value.
#[derive(Clone, Copy)]
pub(super) struct Writer {
    depth: usize,
}

impl Writer {
    pub fn outermost() -> Writer {
        Writer { depth: 0 }
    }

    /// For what lies one level deeper.
    fn within(self) -> Result<Writer, Error> {
        if self.depth >= MAX_DEPTH {
            return Err(Error::custom(format!("nested deeper than {MAX_DEPTH}")));
        }
        Ok(Writer { depth: self.depth + 1 })
    }

    fn elements(self, variant: Option<&'static str>) -> Result<Elements, Error> {
        Ok(Elements { writer: self.within()?, elements: Vec::new(), variant })
    }

    fn fields(self, variant: Option<&'static str>) -> Result<Fields, Error> {
        Ok(Fields { writer: self.within()?, fields: Vec::new(), key: None, variant })
    }
}

/// `{variant: content}`, or the content itself.
fn wrapped(variant: Option<&'static str>, content: Value) -> Value {
    match variant {
        Some(name) => Value::Document([(name, content)].into_iter().collect()),
        None => content,
    }
}

/// What a private name makes of its content; any other name makes nothing of it.
fn exactly(name: &'static str, content: Value) -> Result<Value, Error> {
    if !name.starts_with(name::PREFIX) {
        return Ok(content);
    }
    let made = match (name, &content) {
        (name::CBOR, Value::Bytes { data, .. }) => decode(data),
        (name, Value::Text(text)) => of_text(name, text),
        _ => None,
    };
    made.ok_or_else(|| Error::custom(format!("{name} does not hold {:?}", content.kind())))
}

macro_rules! plain {
    ($($serialize:ident: $type:ty;)*) => {$(
        fn $serialize(self, value: $type) -> Result<Value, Error> {
            Ok(value.into())
        }
    )*};
}

impl ser::Serializer for Writer {
    type Ok = Value;
    type Error = Error;
    type SerializeSeq = Elements;
    type SerializeTuple = Elements;
    type SerializeTupleStruct = Elements;
    type SerializeTupleVariant = Elements;
    type SerializeMap = Fields;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Fields;

    plain! {
        serialize_bool: bool;
        serialize_i8: i8;
        serialize_i16: i16;
        serialize_i32: i32;
        serialize_i64: i64;
        serialize_u8: u8;
        serialize_u16: u16;
        serialize_u32: u32;
        serialize_u64: u64;
        serialize_f32: f32;
        serialize_f64: f64;
        serialize_str: &str;
    }

    fn serialize_i128(self, n: i128) -> Result<Value, Error> {
        let narrow = i64::try_from(n).map(Value::Int64);
        let narrow = narrow.or_else(|_| u64::try_from(n).map(Value::UInt64));
        narrow.map_err(|_| Error::custom(format!("the integer {n} has more than 64 bits")))
    }

    fn serialize_u128(self, n: u128) -> Result<Value, Error> {
        let narrow = u64::try_from(n).map(Value::from_u64);
        narrow.map_err(|_| Error::custom(format!("the integer {n} has more than 64 bits")))
    }

    fn serialize_char(self, c: char) -> Result<Value, Error> {
        Ok(Value::Text(c.into()))
    }

    fn serialize_bytes(self, data: &[u8]) -> Result<Value, Error> {
        Ok(Value::bytes(data))
    }

    fn serialize_none(self) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Value, Error> {
        Ok(Value::Text(variant.into()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Value, Error> {
        exactly(name, value.serialize(self)?)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, Error> {
        Ok(wrapped(Some(variant), value.serialize(self.within()?)?))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Elements, Error> {
        self.elements(None)
    }

    fn serialize_tuple(self, _: usize) -> Result<Elements, Error> {
        self.elements(None)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Elements, Error> {
        self.elements(None)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Elements, Error> {
        self.within()?.elements(Some(variant))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Fields, Error> {
        self.fields(None)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields, Error> {
        self.fields(None)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Fields, Error> {
        self.within()?.fields(Some(variant))
    }
}

/// A sequence or tuple under way.
pub(super) struct Elements {
    writer: Writer,
    elements: Vec<Value>,
    variant: Option<&'static str>,
}

impl Elements {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.elements.push(value.serialize(self.writer)?);
        Ok(())
    }

    fn whole(self) -> Result<Value, Error> {
        Ok(wrapped(self.variant, Value::Array(self.elements)))
    }
}

macro_rules! gathers {
    ($($of:ty as $as:ident, $each:ident;)*) => {$(
        impl ser::$as for $of {
            type Ok = Value;
            type Error = Error;

            fn $each<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.push(value)
            }

            fn end(self) -> Result<Value, Error> {
                self.whole()
            }
        }
    )*};
}

gathers! {
    Elements as SerializeSeq, serialize_element;
    Elements as SerializeTuple, serialize_element;
    Elements as SerializeTupleStruct, serialize_field;
    Elements as SerializeTupleVariant, serialize_field;
}

/// A struct or map under way.
pub(super) struct Fields {
    writer: Writer,
    fields: Vec<(String, Value)>,
    /// Of the entry under way.
    key: Option<String>,
    variant: Option<&'static str>,
}

impl Fields {
    fn push<T: Serialize + ?Sized>(&mut self, name: String, value: &T) -> Result<(), Error> {
        self.fields.push((name, value.serialize(self.writer)?));
        Ok(())
    }

    fn whole(self) -> Result<Value, Error> {
        if let Some(name) = doubled(&self.fields) {
            return Err(Error::custom(format!("the field \"{name}\" is there twice")));
        }
        let document: Document = self.fields.into_iter().collect();
        Ok(wrapped(self.variant, Value::Document(document)))
    }
}

/// A name that is there twice: a flattened struct or map can have one of its surroundings.
fn doubled(fields: &[(String, Value)]) -> Option<&str> {
    let mut names = fields.iter().map(|(name, _)| name.as_str());
    if fields.len() > MANY_FIELDS {
        let mut seen = std::collections::HashSet::with_capacity(fields.len());
        return names.find(|name| !seen.insert(*name));
    }
    let before = |at: usize, name: &str| fields.iter().take(at).any(|(other, _)| other == name);
    names.enumerate().find(|(at, name)| before(*at, name)).map(|(_, name)| name)
}

impl ser::SerializeStruct for Fields {
    type Ok = Value;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.push(name.to_owned(), value)
    }

    fn end(self) -> Result<Value, Error> {
        self.whole()
    }
}

impl ser::SerializeStructVariant for Fields {
    type Ok = Value;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.push(name.to_owned(), value)
    }

    fn end(self) -> Result<Value, Error> {
        self.whole()
    }
}

impl ser::SerializeMap for Fields {
    type Ok = Value;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.key = Some(match key.serialize(self.writer)? {
            Value::Text(name) => name,
            Value::Bool(value) => value.to_string(),
            Value::UInt64(n) => n.to_string(),
            Value::ObjectId(id) => id::format_object_id(&id),
            Value::Uuid(id) => id::format_uuid(&id),
            other => match other.as_i64() {
                Some(n) => n.to_string(),
                None => {
                    let what = other.kind();
                    return Err(Error::custom(format!("a field's name is a text, not {what:?}")));
                }
            },
        });
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let key = self.key.take().ok_or_else(|| Error::custom("a map's value without its key"))?;
        self.push(key, value)
    }

    fn end(self) -> Result<Value, Error> {
        self.whole()
    }
}
