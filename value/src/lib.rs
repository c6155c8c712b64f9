//! Documents: values, their bytes, and keys that keep their order.
//!
//! Every language of the store speaks about one document. This crate says what a document *is*, and
//! gives it three forms:
//!
//! ```text
//!                 encode                      KeyWriter
//!   Value  ───────────────►  CBOR bytes  ───────────────►  key bytes
//!   (owned, to think with)   (on disk)                     (memcmp = order)
//!          ◄───────────────      │       ◄───────────────
//!              to_value          │ Raw       KeyReader
//!                                ▼
//!                       borrowed cursor: get, path, iterate, skip
//! ```
//!
//! * [`Value`] is the owned tree. It holds every type of PostgreSQL and BSON that has no exact
//!   equivalent among the others; widths, scales, subtypes and field order are part of it.
//! * [`cbor`] is the stored form. [`cbor::Encoder`] writes it without a tree in between and
//!   [`Raw`] reads it in place; [`cbor::validate`] is run once, where bytes enter.
//! * [`key`] is the ordered form: comparing two keys as byte strings compares the values.
//! * [`Decimal`] is exact arithmetic wide enough for NUMERIC and Decimal128 both.
//! * [`json`] and [`text`] are the forms that people read.
//! * [`doc!`] writes a document in a program's text, and [`mod@serde`] makes values of a program's
//!   own types and the other way round.
//! * [`compare`] is the order itself, written without looking at the keys, so that each checks the
//!   other.
//!
//! Invariants: nothing here does I/O, reads a clock or knows a schema. No function panics on bytes
//! or text from outside. No reader recurses deeper than [`MAX_DEPTH`].
//!
//! Rejected: serde's data model as *the* model of all of it, in place of a [`Value`]. It has no
//! place for a date, a decimal or a width, and decoding a whole document to read one field costs
//! fifteen times as much as a cursor does.

pub mod calendar;
pub mod cbor;
pub mod compare;
pub mod decimal;
mod doc;
pub mod json;
pub mod key;
pub mod serde;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
pub mod text;
mod value;

pub use cbor::{Damaged, Encoder, Item, Key, Raw};
pub use compare::cmp_bson;
pub use decimal::{Decimal, DecimalError};
#[doc(hidden)]
pub use doc::__no_elements;
pub use key::{KeyReader, KeyWriter, Order};
pub use value::{Document, Interval, Kind, Value};

/// The deepest nesting that any reader of this crate follows: one document holding a number is
/// depth 1. Limits given by callers are capped by it, so that no input can exhaust the stack.
pub const MAX_DEPTH: usize = 250;
