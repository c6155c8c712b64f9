//! `tikv://pd1:2379,pd2:2379/keyspace` — not built yet; this page says what it will be.
//!
//! TiKV is a sharded, replicated, transactional key-value store: regions of a key range, each a
//! Raft group, and a placement driver (PD) that gives out timestamps. It is the store for data that
//! one machine does not hold.
//!
//! ```text
//!   Store        by TiKV                                   left to us
//!   begin        a timestamp of PD                         nothing
//!   get, scan    at that timestamp                         paging; the limit goes to every region
//!   lock         pessimistic locks, with a time to live    deadlock errors to ours
//!   commit       two-phase                                 read keys locked, ranges by buckets
//!   outcome      –                                         a record by transaction id, same commit
//!   feed         –                                         inbox rows and one elected sequencer
//!   old versions until its clean-up                        somebody must advance the safepoint
//! ```
//!
//! **What must be designed around** (read in and measured with `tikv-client` 0.4.0 against an
//! in-process imitation of PD and TiKV; no real cluster has been run):
//! - Snapshot isolation only. Locking the keys that were read makes *points* serializable; there is
//!   no range lock and no range validation, so `Offers` must deny ranges, or writers mark one of 16
//!   bucket keys of a range and readers lock all of them.
//! - Every commit error but a key error leaves the outcome unknown: answers lost on the way back
//!   arrived as ordinary transport errors after the data was committed, once after 23.6 s.
//! - Of two commits the timestamps are unique only with plain two-phase commit: asynchronous commit
//!   and one-phase commit stay off, also because the locks of a crashed asynchronous writer are
//!   never resolved by this client.
//! - Waits for PD have no time-out; dropping a transaction does not roll back; cancelling a future
//!   does not stop its calls. So each call gets a time-out of our own and a commit a task of its
//!   own.
//! - Without TiDB nobody advances the garbage-collection safepoint, and the client does not check a
//!   read against it: a floor of our own, kept by an elected server.
//! - Keys to 4 or 8 KiB, a value to 1 MiB, a transaction to 16 MiB: smaller than locally, and told
//!   by `Offers`. A commit is two Raft writes and two timestamps: four round trips.
//!
//! **Invariant it will keep**: only `get`, `batch_get`, `scan`, `put`, `delete` and `lock_keys` of
//! the client are used; `insert` was seen to hide a transaction's own row from its own scan.
//!
//! Rejected: the raw client (no transactions, another key format), change capture as the first feed
//! (it refuses transactional clients that are not TiDB; the sequencer needs nothing but rows).

use std::sync::Arc;

use transaction::{Error, Result, Store};

/// What stands before the first `:` of such an address.
pub const SCHEME: &str = "tikv";

/// Opens a store in a TiKV cluster.
///
/// # Errors
/// Always [`Error::Unsupported`]: it is not built yet.
pub fn open(_address: &str) -> Result<Arc<dyn Store>> {
    Err(Error::Unsupported("the store address tikv:"))
}
