//! The promises of this crate, one file for each form of a value.

mod cbor;
mod decimal;
mod doc;
mod golden;
mod json;
mod key;
mod serde;
mod text;
