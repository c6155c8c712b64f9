//! Databases, collections, documents, indexes, key spaces.
//!
//! ```text
//!   Model ── begin ──► Work ── rows      insert / update / delete / lock_rows / RangeScan
//!     │                 │   ── catalogue create_collection / add_column / create_index / …
//!     │                 │   ── bulk      rows of a fresh table, staged
//!     │                 └──► Buffer (crate transaction)
//!     ├ pictures of the catalogue, one for each version of it
//!     ├ object numbers and sequences, in blocks outside transactions
//!     └ jobs: the sweeper, index builds
//!
//!   key      what every key looks like                row   the bytes of a row, datums and documents
//!   record   the bytes of the catalogue               index entries of secondary indexes
//! ```
//!
//! **Invariants**
//! - All of it is key-value records of one store, written by the one buffer of the transaction:
//!   schema, rows, entries and counts change together or not at all.
//! - Expressions are text here and compiled above ([`expressions`]).
//!
//! Rejected: system tables as ordinary collections (a catalogue that needs itself to be read).

mod bulk;
mod catalogue;
pub mod datum;
mod ddl;
pub mod error;
pub mod expressions;
mod index;
mod job;
pub mod key;
pub mod keyspace;
pub mod mapping;
mod model;
pub mod names;
mod record;
pub mod row;
mod schema;
mod sequence;
mod sweep;
pub mod types;
mod work;

pub use bulk::Bulk;
pub use ddl::{
    NewCheck, NewCollection, NewColumn, NewElement, NewGenerator, NewIndex, NewKey, NewSource,
    SequenceOptions,
};
pub use error::{Error, Result};
pub use index::{EntryReader, row_of_entry};
pub use job::Job;
pub use model::{Clock, Model, Options};
pub use schema::*;
pub use sequence::SequenceState;
pub use sweep::Swept;
pub use transaction::LockMode;
pub use work::{
    Arbiter, Bounds, Conflict, Insertion, LockedRow, RangeScan, Savepoint, Seeing, StoredRow,
    Target, Work, bounds_range,
};
