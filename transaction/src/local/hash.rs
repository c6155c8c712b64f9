//! One hash of a key for all tables of a store.
//!
//! ```text
//!                   ┌─► lock table      shard: bits 40 and up
//!   key ─► hash ────┼─► version table   slot:  the lowest bits
//!                   └─► row cache       tag:   the top 7
//! ```
//!
//! A statement by key asks all three of the same key, and the commit asks again. The hash of a key
//! costs about as much as a look into one of them, so it is made once and handed on.
//!
//! **Invariant.** All tables of a store are built with the same [`KeyHasher`]: a hash made by one
//! is good for the others. Its seed is of this opening of the store, so that outsiders cannot
//! choose keys that collide.
//!
//! **Rejected.** A hash kept beside every key from the model down: it is needed in this store only,
//! others have their own ways to find a key.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;

/// Makes the hashes of one store's keys.
#[derive(Debug, Clone)]
pub(super) struct KeyHasher(FixedState);

impl KeyHasher {
    /// Equal seeds make equal hashes.
    pub fn new(seed: u64) -> Self {
        KeyHasher(FixedState::with_seed(seed))
    }

    /// The hash of a key.
    #[inline]
    pub fn hash(&self, key: &[u8]) -> u64 {
        let mut hasher = self.0.build_hasher();
        hasher.write(key);
        hasher.finish()
    }
}

/// Which of `shards` a hash belongs to.
#[inline]
pub(super) fn shard(hash: u64, shards: usize) -> usize {
    (hash >> 40) as usize % shards
}
