//! `etcd://host1:2379,host2:2379/prefix` — not built yet; this page says what it will be.
//!
//! etcd is one replicated map of a few gigabytes with revisions, compares and watches. It is the
//! store for small sets that several servers share: configuration, catalogues, counters.
//!
//! ```text
//!   begin    S = revision of one linearizable read                          0.4 ms
//!   get k    range(k, revision = S); keep (k, modification revision or 0)
//!   scan R   pages at S; keep R and the keys that came
//!   commit   if    every read k is at its kept revision
//!                  every range R was not modified after S                   inserts, updates
//!                  every key that a scan returned is still there            deletes
//!                  the record of this transaction id is absent
//!            then  the writes, each key once, and the record of the id (a lease of an hour)
//!            else  read that record: there, and an earlier try had committed
//!   feed     watch(prefix, last + 1): commits in order, whole
//! ```
//!
//! The stamp is the revision: one increasing number, as the layers above need it. Old versions are
//! etcd's revisions until compaction, which an elected server does below the oldest snapshot held.
//!
//! **What must be designed around** (measured with three members of 3.4.23):
//! - A compare over a range misses deletions, hence the third line of the condition; over 10 000
//!   keys it takes 115 ms inside every member, so ranges must stay small.
//! - 128 operations a transaction, 1.5 MiB a request, 8 GB in all: told by `Offers`.
//! - A commit costs about a millisecond, and 64 clients together get about 1 100 a second; 16 hot
//!   keys give 266 commits and 452 conflicts a second. Its locks and leases are advisory, so a
//!   holder is fenced by a compare.
//! - A time-out says nothing: of 24 commits that timed out while the leader was stopped, 13 had
//!   been applied. So every commit carries its id, and the same text is sent again. The client has
//!   no time-outs unless told.
//! - Releases 3.5.0 to 3.5.2 corrupt data and are refused. A read at a revision inside a writing
//!   transaction can make members differ: never sent.
//!
//! **Invariants it will keep**: strict serializability, ranges included; a commit is one etcd
//! transaction or it is refused by its size, by name.
//!
//! Rejected: etcd's own software transactional memory (it reads values again instead of revisions)
//! and leases as locks without a fence.

use std::sync::Arc;

use transaction::{Error, Result, Store};

/// What stands before the first `:` of such an address.
pub const SCHEME: &str = "etcd";

/// Opens a store in an etcd cluster.
///
/// # Errors
/// Always [`Error::Unsupported`]: it is not built yet.
pub fn open(_address: &str) -> Result<Arc<dyn Store>> {
    Err(Error::Unsupported("the store address etcd:"))
}
