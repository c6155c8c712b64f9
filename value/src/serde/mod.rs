//! Rust's own types as values, by serde.
//!
//! A program has structs; the store has documents. serde's data model lies between and is poorer
//! than both: it has no date, no decimal, no ObjectId. What it lacks travels under a *private
//! newtype name*, which this module's serializer and deserializer know and every other format takes
//! for an ordinary wrapper around a text:
//!
//! ```text
//!   Rust                      serde's model                         Value
//!   i8 i16 i32 i64      ───►  the same                        ───►  Int8 Int16 Int32 Int64
//!   u8 u16 u32 u64      ───►  the same                        ───►  Int16 Int32 Int64, normal form
//!   None, ()            ───►  none, unit                      ───►  Null
//!   struct, map         ───►  the same                        ───►  Document (keys as texts)
//!   enum                ───►  unit, or one named content      ───►  "Name", or {"Name": …}
//!   Date, Decimal, …    ───►  newtype "$qanat::date" of text  ───►  Date, Decimal, …
//!   Value (any kind)    ───►  as above; newtype of CBOR for what has no text
//! ```
//!
//! **Invariants**
//! - `from_value(to_value(x)) == x` for whatever serde derives and for [`Value`] of any kind
//!   (property test).
//! - Nothing is rounded: an integer beyond 64 bits is an error, and so is a decimal asked for as an
//!   integer that it is not.
//! - No field is there twice, no document deeper than [`crate::MAX_DEPTH`].
//!
//! A buffer of serde's own (an untagged enum, a flattened struct) forgets names: the kinds that
//! have a text come through it as that text, and [`Date`] and its kin read it back; the kinds that
//! have none do not come through.
//!
//! Rejected: a trait of ours to derive (a second derive on every struct, where each has serde's
//! already), and bytes for the private newtypes (JSON would show a date as a list of numbers).

mod deserialize;
mod exact;
mod serialize;

use ::serde::{Deserialize, Serialize};

pub use exact::{Date, ObjectId, Time, Timestamp, TimestampTz, Uuid};

use crate::{Document, Value};

/// Why something is no value, or a value not of the type asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(String);

impl ::serde::ser::Error for Error {
    fn custom<T: std::fmt::Display>(message: T) -> Error {
        Error(message.to_string())
    }
}

impl ::serde::de::Error for Error {
    fn custom<T: std::fmt::Display>(message: T) -> Error {
        Error(message.to_string())
    }
}

/// The private names.
mod name {
    /// What every one of them begins with.
    pub const PREFIX: &str = "$qanat::";
    /// Any value, asked for as it is.
    pub const VALUE: &str = "$qanat::value";
    /// The CBOR of a value that has neither a place in serde's model nor a text.
    pub const CBOR: &str = "$qanat::cbor";
    pub const DECIMAL: &str = "$qanat::decimal";
    pub const INTERVAL: &str = "$qanat::interval";
    pub const DATE: &str = "$qanat::date";
    pub const TIME: &str = "$qanat::time";
    pub const TIMESTAMP: &str = "$qanat::timestamp";
    pub const TIMESTAMP_TZ: &str = "$qanat::timestamptz";
    pub const UUID: &str = "$qanat::uuid";
    pub const OBJECT_ID: &str = "$qanat::objectid";
}

/// Whatever can be serialized, as a value.
///
/// # Errors
/// What has no value: an integer beyond 64 bits, a map with keys that are no texts, a field that is
/// there twice, nesting beyond [`crate::MAX_DEPTH`]; and what the type's own code says.
pub fn to_value<T: Serialize + ?Sized>(from: &T) -> Result<Value, Error> {
    from.serialize(serialize::Writer::outermost())
}

/// As [`to_value`], of what becomes a document: a struct, a map.
///
/// # Errors
/// As [`to_value`]; anything else than a document.
pub fn to_document<T: Serialize + ?Sized>(from: &T) -> Result<Document, Error> {
    match to_value(from)? {
        Value::Document(document) => Ok(document),
        other => Err(Error(format!("a document is a struct or a map, not {:?}", other.kind()))),
    }
}

/// A value as any type that can be deserialized.
///
/// # Errors
/// The value is not of that type.
pub fn from_value<'de, T: Deserialize<'de>>(value: &'de Value) -> Result<T, Error> {
    T::deserialize(deserialize::Reader(value))
}

/// A document as any type that can be deserialized.
///
/// # Errors
/// The document is not of that type; a field is missing.
pub fn from_document<'de, T: Deserialize<'de>>(document: &'de Document) -> Result<T, Error> {
    T::deserialize(deserialize::Fields(document))
}
