//! The library's own calls: SQL with typed rows, collections of documents, keys, transactions as
//! closures, and the same without a runtime.
//!
//! Everything here is made of [`Session`](crate::Session)s: a call outside a transaction has one of
//! its own, or the spare one of its collection, and runs as an implicit transaction.

mod bind;
pub mod blocking;
mod collection;
mod find;
mod keys;
mod row;
mod sql;
mod transaction;

pub use bind::Bind;
pub use collection::Collection;
pub use find::Find;
pub use keys::TransactionKeys;
pub use row::{FromDatum, FromRow};
pub use sql::Sql;
pub use transaction::{Transaction, TransactionBuilder};
