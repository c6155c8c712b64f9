//! Wire forms of values: what psql shows ([`text`]) and what drivers ask for ([`binary`]).
//!
//! ```text
//!                text                      binary
//!   int4 -7      -7                        ff ff ff f9
//!   numeric 1.5  1.5                       groups of four decimal digits, weight, sign, scale
//!   date         2000-01-02                days since 2000-01-01, where values count from 1970
//!   bytea        \x00ff                    the bytes
//!   jsonb        {"a": 1}                  01, then the text
//!   int4[]       {1,2,NULL}                dimensions, then (length, bytes) each
//! ```
//!
//! Functions take and give plain numbers, strings and the value crate's types, so that a translator
//! can call them on a borrowed document without building a value.
//!
//! **Invariants.** Writers append and never fail where every value has a form; a date or timestamp
//! beyond what PostgreSQL's epoch can hold is an error. Readers take exactly their bytes: less or
//! more is an error. `infinity` is the largest and smallest number in either epoch.
//!
//! **Rejected.** The traits of `postgres-types`: they are made for a client's static types; here
//! the type is known from a plan at run time.

pub mod array;
pub mod binary;
pub mod numeric;
pub mod oid;
pub mod text;

pub use array::Shape;
pub use oid::{TypeInfo, by_name, by_oid};

use super::error::SqlState;

/// Why a value does not read or does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TypeError {
    /// Text without the type's form.
    #[error("invalid input syntax for type {0}")]
    Syntax(&'static str),
    /// A date or time without its form.
    #[error("invalid input syntax for type {0}")]
    DatetimeSyntax(&'static str),
    /// The form is right, the number does not fit.
    #[error("value is out of range for type {0}")]
    Range(&'static str),
    /// The form is right, the date or time does not fit.
    #[error("{0} out of range")]
    DatetimeRange(&'static str),
    /// Too few bytes.
    #[error("insufficient data left in message")]
    TooShort,
    /// Too many bytes; the session says which parameter.
    #[error("incorrect binary data format")]
    TooLong,
    /// Bytes that no value has: `what` in PostgreSQL's words.
    #[error("{0}")]
    Binary(&'static str),
    /// An array's text does not add up.
    #[error("malformed array literal")]
    ArraySyntax,
    /// More dimensions than six.
    #[error("number of array dimensions exceeds the maximum allowed (6)")]
    ArrayDimensions,
    /// Bytes that are no text.
    #[error(transparent)]
    Text(super::error::NotUtf8),
}

impl TypeError {
    /// Its SQLSTATE.
    #[must_use]
    pub fn code(&self) -> SqlState {
        match self {
            Self::Syntax(_) | Self::ArraySyntax => SqlState::INVALID_TEXT_REPRESENTATION,
            Self::DatetimeSyntax(_) => SqlState::INVALID_DATETIME_FORMAT,
            Self::Range(_) => SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
            Self::DatetimeRange(_) => SqlState::DATETIME_FIELD_OVERFLOW,
            Self::TooShort => SqlState::PROTOCOL_VIOLATION,
            Self::TooLong | Self::Binary(_) => SqlState::INVALID_BINARY_REPRESENTATION,
            Self::ArrayDimensions => SqlState::PROGRAM_LIMIT_EXCEEDED,
            Self::Text(_) => SqlState::CHARACTER_NOT_IN_REPERTOIRE,
        }
    }
}
