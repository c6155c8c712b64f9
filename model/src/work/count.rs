//! Row counts of one transaction: deltas by storage id.
//!
//! Each insert would otherwise be one more `Add` in the write set; so they are summed here and
//! handed over only where a savepoint or the commit needs them. What a rollback undoes was either
//! handed over after the savepoint (the buffer undoes it) or is still here (thrown away).

use std::collections::BTreeMap;

use transaction::Buffer;

use crate::error::Result;
use crate::key;
use crate::schema::StorageId;

#[derive(Debug, Default)]
pub(super) struct Counts(BTreeMap<StorageId, i64>);

impl Counts {
    pub(super) fn add(&mut self, storage: StorageId, delta: i64) {
        *self.0.entry(storage).or_default() += delta;
    }

    pub(super) fn of(&self, storage: StorageId) -> i64 {
        self.0.get(&storage).copied().unwrap_or(0)
    }

    pub(super) fn flush(&mut self, buffer: &Buffer) -> Result<()> {
        for (storage, delta) in std::mem::take(&mut self.0) {
            if delta != 0 {
                buffer.add(key::row_count(storage), delta)?;
            }
        }
        Ok(())
    }
}
