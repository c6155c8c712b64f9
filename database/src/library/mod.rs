//! The library's own calls: SQL with typed rows, transactions as closures, and the same without a
//! runtime.
//!
//! Everything here is made of [`Session`](crate::Session)s: a call outside a transaction takes one
//! from a small pool, runs as an implicit transaction and gives it back.

mod bind;
pub mod blocking;
mod row;
mod sql;
mod transaction;

pub use bind::Bind;
pub use row::{FromDatum, FromRow};
pub use sql::Sql;
pub use transaction::{Transaction, TransactionBuilder};
