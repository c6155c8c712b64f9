//! Transactions over ordered bytes.
//!
//! ```text
//!   model, query, database
//!          │ get / scan / put / delete / savepoint / commit
//!   ┌──────▼───────┐
//!   │   Buffer     │  write set, savepoints, read set: one, concrete, for every store
//!   └──────┬───────┘
//!          │ get / get_many / scan / lock / commit(write set, read set)
//!   ┌──────▼───────┐
//!   │ Store (trait)│  Local · tikv · etcd
//!   └──────┬───────┘
//!          │ Local: commit log, version table, lock table, row cache, applier
//!   ┌──────▼───────┐
//!   │ Engine       │  newest version only, memory · file · block
//!   └──────────────┘
//! ```
//!
//! Two cuts instead of one: a local engine needs our versions, locks and validation, while TiKV and
//! etcd bring their own. So a [`Store`] is the transactional thing, an engine is only where the
//! data of the *local* store comes to rest, and what every store would otherwise invent again (own
//! writes, savepoints, merged scans, the read set) stands once above both, in [`Buffer`].
//!
//! **Invariants**
//! - No store has `put` or `delete`: the only way to change data is one commit of a whole write
//!   set.
//! - What is acknowledged is at its durability; what is visible to others is at its own durability
//!   and so is everything before it in stamp order.
//! - Readers take no locks and wait for nobody.
//! - This crate never looks inside a value; keys are bytes that compare as bytes.
//!
//! Rejected: one trait with put/delete/savepoints for every plug-in. Each plug-in then re-invents
//! the buffer, and the differences between them become bugs of the layers above.

mod answer;
mod buffer;
pub mod conformance;
mod error;
pub mod local;
pub mod log;
mod reads;
mod store;
mod write_set;

pub use engine::compact_vec;

pub use answer::{Answer, BoxFuture};
pub use buffer::{Buffer, ReadTracking, Savepoint};
pub use error::{Error, Result};
pub use store::{
    Begin, CancelToken, Commit, Committed, Direction, Durability, Feed, FeedEvent, LockMode,
    LockRequest, Locked, LockedRows, Offers, Outcome, Page, PageLimit, PointRead, RangeRead,
    RangeTest, ReadSet, Scan, Stamp, Store, Transaction, TransactionId, View, Wait,
};
pub use write_set::{Operation, Write, WriteSet};
