//! Databases, collections, documents, indexes, key spaces.

pub mod datum;
mod schema;
pub mod types;

pub use schema::*;
