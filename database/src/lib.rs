//! One store for every data model: the library.
//!
//! ```text
//!   Qanat::open(address) ─► Qanat (Clone + Send + Sync)
//!        ├ sql("…").bind(…).all()          rows
//!        ├ collection::<User>("users")     documents as a program's types: put, get, find(doc! {…})
//!        ├ keys()                          strings, hashes, expiry
//!        ├ transaction(|tx| async { … })   runs again on conflict
//!        └ session(…)                      what a connection has: the protocols use this and nothing else
//! ```
//!
//! An embedder's call and a client's command go through the same sessions, plans and transactions:
//! protocols have no private door. This crate compiles the catalogue's expressions for the model,
//! caches plans, and says what a transaction, a setting and a statement's failure mean to a
//! session.
//!
//! **Invariants**
//! - What a call answers was durable as the store's durability says, or the answer is an error of
//!   its own kind (unknown outcome).
//! - No session holds anything of another; the store is the only thing shared.
//!
//! Rejected: a second, "embedded" path beside the sessions (it would have its own bugs).

/// The programs in README.md compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

pub mod address;
mod background;
pub mod check;
mod compile;
pub mod keys;
mod library;
mod open;
pub mod options;
mod plans;
pub mod session;
pub mod sessions;
pub mod settings;

pub use ::transaction;
pub use ::transaction::{Durability, Stamp};
pub use ::value::{self, Document, Value, doc};
pub use library::{Bind, Collection, Find, FromDatum, FromRow, Sql};
pub use library::{Transaction, TransactionBuilder, TransactionKeys, blocking};
pub use open::Qanat;
pub use options::Options;
pub use query::{Error, ErrorKind, Result, Scalar, Type};
pub use session::{Session, SessionOptions};
