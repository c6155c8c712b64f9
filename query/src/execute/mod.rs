//! The executor: a plan becomes operators, operators give batches, and what changes data works on
//! `model::Work`.
//!
//! ```text
//!   Prepared { statement, shape } ──start──► Running
//!        │ shape: get, update, delete by key, plain insert ─► shape.rs, without operators
//!        │ Query ─► build.rs ─► operators ─► Execution (run.rs: only its loop awaits)
//!        └ Insert, Update, Delete ─► change.rs: source rows in batches ─► lock, check again, write
//! ```
//!
//! | file | what |
//! | --- | --- |
//! | batch, part, run | rows and their memory; parts of a plan; the frame and the outer loop |
//! | relational, sort, set, join, apply, aggregate, function | the operators |
//! | scan, range, system, lock | the leaves that meet the store, and FOR UPDATE |
//! | change, insert, shape | what writes |
//! | parameters | client values and lifted literals into the frame |
//! | fault | errors of the model and the store as SQL words them |
//! | explain | EXPLAIN's text |
//!
//! **Invariants**
//! - A statement sees no row that it wrote itself.
//! - A row is changed only under its lock, and with the version that the lock gave.
//! - A change is complete before the first row of its RETURNING is handed out, so a portal that is
//!   never read to its end has changed everything.

pub mod aggregate;
pub mod apply;
pub mod batch;
pub mod build;
pub mod change;
pub mod explain;
pub mod fault;
pub mod function;
pub mod insert;
pub mod join;
mod keyspace;
pub mod lock;
pub mod parameters;
pub mod part;
pub mod range;
pub mod relational;
pub mod row;
pub mod run;
pub mod scan;
pub mod set;
pub mod shape;
pub mod sort;
pub mod start;
pub mod system;

pub use batch::Batch;
pub use parameters::{Argument, frame, frame_with};
pub use run::{Execution, Frame, Newer, Settings};
pub use start::{Prepared, Running, start};

#[cfg(test)]
mod tests;
