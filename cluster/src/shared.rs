//! What several servers over one store share — not built yet; this page says what it will be.
//!
//! Over `Local` one process holds the store (a lock file). Over TiKV and etcd many servers serve
//! one data, and four things that are trivial in one process need an agreement:
//!
//! ```text
//!   N node      id, address, lease        who is alive; ids of objects carry the node's number
//!   catalogue   version, cached pictures  who may still use an older schema
//!   J jobs      sweeping, index builds    who does it: one at a time, taken over after a crash
//!   S blocks    object numbers, sequences each server has blocks of its own
//! ```
//!
//! **Schema changes.** At most two neighbouring versions of a schema are in use at any time (Rae et
//! al., "Online, asynchronous schema change in F1", VLDB 2013). A new index goes absent → written
//! by deletions → written → filled → read, each step a version. Where the store can compare at
//! commit (etcd) a writer's commit names the version it was planned with, which is a fence and
//! needs no clock. Where it cannot (TiKV), a step waits until every lease of the older version has
//! run out, and a lease outlives the longest commit that was seen (23.6 s).
//!
//! **Invariants it will keep**
//! - No server answers from a schema that is two versions behind; one that cannot renew its lease
//!   stops writing before the lease ends.
//! - A job is done by whoever holds its lock, and every step of it may be done twice.
//! - Sequences keep their promise (no value twice) over all servers; their order holds for each
//!   server alone.
//!
//! Rejected: one leader that does all writes (the store already scales them), and gossip between
//! servers (the store is the one place that all of them reach anyway).
