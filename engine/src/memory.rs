//! `memory` — the engine without a device: one map with versions that share their parts, and a
//! pointer to the newest.
//!
//! ```text
//!   apply: newest ──with(batch)──► next ──swap──► newest        (one applier at a time)
//!   get:   under the pointer's read lock, about a microsecond
//!   page:  copies the pointer, then walks its own version without any lock
//! ```
//!
//! Invariants: a reader holds the pointer's lock for one `get` or one copy, and the applier for one
//! swap, so nobody waits for anybody's work; old versions are freed by the applier, outside the
//! lock.
//!
//! Nothing here survives the process, so `persisted` equals `applied`: there is nothing that the
//! log could give back to a new `memory` engine that is worth keeping it for.
//!
//! Rejected: shards with a lock each (a page would have to merge them all, and a long batch would
//! still hold one for as long as it takes).

use crate::{
    Direction, Engine, Error, KeyRange, Limit, Mutation, Page, PageBuilder, Usage, check_batch,
    sorted::{Deleted, Replaced, Sorted},
};
use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use std::sync::atomic::{AtomicU64, Ordering};

/// The engine in memory. Empty at `new`, gone when dropped.
#[derive(Debug)]
pub struct Memory {
    newest: RwLock<Sorted>,
    applier: Mutex<Replaced>,
    applied: AtomicU64,
}

impl Memory {
    /// An empty engine at index 0.
    pub fn new() -> Self {
        Self {
            newest: RwLock::new(Sorted::new()),
            applier: Mutex::default(),
            applied: AtomicU64::new(0),
        }
    }

    fn snapshot(&self) -> Sorted {
        self.newest.read().clone()
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Engine for Memory {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Error> {
        Ok(self.newest.read().get(key).and_then(|slot| slot.value()))
    }

    fn page(&self, range: KeyRange<'_>, direction: Direction, limit: Limit) -> Result<Page, Error> {
        let mut page = PageBuilder::new(limit);
        for slot in self.snapshot().cursor(range, direction) {
            let (key, value) = (slot.shared_key(), slot.value().unwrap_or_default());
            if !page.offer(key, value) {
                break;
            }
        }
        Ok(page.finish())
    }

    fn apply(&self, batch: &[Mutation], upto: u64) -> Result<(), Error> {
        let mut replaced = self.applier.lock();
        check_batch(batch, upto, self.applied())?;
        let next = self.snapshot().with(batch, Deleted::Forgotten);
        let old = std::mem::replace(&mut *self.newest.write(), next);
        replaced.keep(old);
        replaced.free();
        self.applied.store(upto, Ordering::Release);
        Ok(())
    }

    fn applied(&self) -> u64 {
        self.applied.load(Ordering::Acquire)
    }

    fn persisted(&self) -> u64 {
        self.applied()
    }

    fn persist(&self) -> Result<u64, Error> {
        Ok(self.applied())
    }

    fn usage(&self) -> Usage {
        Usage { disk_bytes: 0, memory_bytes: self.newest.read().bytes() }
    }
}
