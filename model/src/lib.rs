//! Databases, collections, documents, indexes, key spaces.

pub mod datum;
pub mod error;
pub mod expressions;
pub mod key;
pub mod names;
mod record;
pub mod row;
mod schema;
pub mod types;

pub use error::{Error, Result};
pub use schema::*;
