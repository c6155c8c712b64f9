//! Bulk load: rows straight under a storage id that only this transaction's commit publishes.
//!
//! ```text
//!   push(row) ─► batch of rows and entries ─ full ─► sort ─► duplicates? ─► Buffer::stage(write set)
//!                                                              │
//!       in the batch: a set of unique keys                     │
//!       before it:    keys at or below the highest staged are looked up; a load in key order looks up none
//! ```
//!
//! A table that was created or truncated in this transaction is seen by nobody else, so its rows
//! need neither locks nor a place in the write set: they go to the store as they come, and memory
//! is bounded whatever is loaded. Where the store does not offer staging the rows are ordinary
//! writes.
//!
//! **Invariants**
//! - Every row is checked as any other (NOT NULL, CHECK, unique); a duplicate is found before its
//!   batch is staged.
//! - A job record answers for every staged id until the commit takes it away, so what a rollback or
//!   a crash leaves is swept.
//! - Staged rows cannot be undone one by one. So where a savepoint may be asked for, rows are
//!   staged only into a storage that was empty, and a rollback gives the collection another
//!   (`Work::rollback_to`); else they are ordinary writes.
//!
//! Rejected: building indexes after the rows (a second pass that reads everything; sorted batches
//! cost the store the same).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use transaction::{Operation, PageLimit, Scan, Write, WriteSet};
use value::Document;

use crate::datum::{Arena, Datum};
use crate::error::{Error, Result};
use crate::key::{self, KeyRange};
use crate::row::{self, Extras};
use crate::schema::*;
use crate::work::{Prepared, Staged, Work, unique};

/// Bytes of a batch.
const BATCH_BYTES: usize = 2 << 20;

/// A space of unique keys: the rows, or one index.
type Space = IndexId;

/// Loads rows into a collection that this transaction created or truncated.
pub struct Bulk<'w> {
    work: &'w Work,
    collection: Arc<Collection>,
    /// The rows themselves, or only the entries of these indexes.
    only: Option<IndexId>,
    batch: Vec<Prepared>,
    size: usize,
    /// Unique keys of the batch.
    seen: HashSet<Bytes>,
    /// The highest unique key written before the batch, for each space.
    highest: HashMap<Space, Bytes>,
    rows: i64,
    /// Whether batches are staged; decided at the first.
    staging: Option<bool>,
}

impl Work {
    /// Whether rows of a collection may be loaded in bulk: this transaction made its storage.
    pub fn is_fresh(&self, collection: &Collection) -> bool {
        self.state.lock().fresh.contains(&collection.storage)
    }

    /// A bulk load into a collection that [`Work::is_fresh`].
    pub async fn bulk(&self, collection: &Arc<Collection>) -> Result<Bulk<'_>> {
        let mut bulk = Bulk::new(self, collection.clone())?;
        bulk.look_for_rows().await?;
        Ok(bulk)
    }

    /// Fills an index of a collection that this transaction has locked, from the rows as it sees
    /// them.
    pub(crate) async fn fill_index(
        &self,
        collection: &Arc<Collection>,
        index: &Index,
    ) -> Result<()> {
        let mut bulk = Bulk::new(self, collection.clone())?;
        bulk.only = Some(index.id);
        let mut scan = crate::work::RangeScan::whole(
            collection.clone(),
            transaction::Direction::Forward,
            crate::work::Seeing::LATEST,
        );
        while let Some(rows) = scan.next(self, PageLimit::default()).await? {
            self.stop_if_cancelled()?;
            for stored in rows {
                let prepared = self.prepare_entries(collection, stored, index)?;
                bulk.push(prepared).await?;
            }
        }
        bulk.finish().await.map(drop)
    }
}

impl<'w> Bulk<'w> {
    pub(crate) fn new(work: &'w Work, collection: Arc<Collection>) -> Result<Bulk<'w>> {
        Ok(Bulk {
            work,
            collection,
            only: None,
            batch: Vec::new(),
            size: 0,
            seen: HashSet::new(),
            highest: HashMap::new(),
            rows: 0,
            staging: None,
        })
    }

    /// Rows that this transaction has already put there must be met like those of an earlier batch.
    async fn look_for_rows(&mut self) -> Result<()> {
        if !self.work.is_fresh(&self.collection) {
            return Err(Error::Internal("a bulk load into a collection that others can see"));
        }
        let storage = self.collection.storage;
        let pk = self.collection.primary_key.id;
        let indexes = self.collection.indexes.iter().filter(|index| index.unique);
        let spaces = std::iter::once((pk, key::rows(storage)))
            .chain(indexes.map(|index| (index.id, key::entries(storage, index.id))));
        for (space, range) in spaces.collect::<Vec<_>>() {
            if let Some(last) = self.last_key(range).await? {
                self.highest.insert(space, last);
            }
        }
        Ok(())
    }

    async fn last_key(&self, range: KeyRange) -> Result<Option<Bytes>> {
        let mut scan = Scan {
            start: range.start,
            end: range.end,
            direction: transaction::Direction::Backward,
            limit: PageLimit::records(1),
        };
        loop {
            let page = self.work.buffer.scan(&scan).await?;
            if let Some((key, _)) = page.records.into_iter().next() {
                return Ok(Some(key));
            }
            match page.next {
                Some(next) => scan.end = next,
                None => return Ok(None),
            }
        }
    }

    /// Loads one row: declared columns in order, `Missing` where the generator gives the value.
    pub async fn insert(&mut self, row: &[Datum<'_>]) -> Result<()> {
        let missing = |at: usize| matches!(row.get(at), Some(Datum::Missing));
        let taken = self.work.sequence_values(&self.collection, missing).await?;
        let prepared = self.prepare(row, Extras::None, &taken)?;
        self.push(prepared).await
    }

    /// Loads one document.
    pub async fn insert_document(&mut self, document: &Document) -> Result<()> {
        let absent = |at: usize| {
            let column = self.collection.columns.get(at);
            column.is_some_and(|column| !document.contains(&column.name))
        };
        let taken = self.work.sequence_values(&self.collection, absent).await?;
        let prepared = {
            let arena = Arena::new();
            let apart = row::from_document(&self.collection, document, &arena)?;
            self.prepare(&apart.row, Extras::Fields(&apart.extras), &taken)?
        };
        self.push(prepared).await
    }

    pub(crate) fn prepare(
        &self,
        row: &[Datum<'_>],
        extras: Extras<'_>,
        taken: &[(usize, i64)],
    ) -> Result<Prepared> {
        self.work.prepare(&self.collection, row, extras, taken)
    }

    pub(crate) async fn push(&mut self, prepared: Prepared) -> Result<()> {
        for (space, key) in self.unique_keys(&prepared) {
            if !self.seen.insert(key) {
                return Err(unique(&self.collection, &prepared, space, self.only.is_some())?);
            }
        }
        self.size += prepared.row.key.len() + prepared.row.value.len() + 64;
        self.size +=
            prepared.entries.iter().map(|(_, e)| e.key.len() + e.value.len() + 64).sum::<usize>();
        self.batch.push(prepared);
        if self.size >= BATCH_BYTES { self.flush().await } else { Ok(()) }
    }

    /// The unique keys of a row, with the space that each is of.
    fn unique_keys(&self, prepared: &Prepared) -> Vec<(Space, Bytes)> {
        let mut keys = Vec::new();
        if self.only.is_none() {
            keys.push((self.collection.primary_key.id, prepared.row.key.clone()));
        }
        for (at, entry) in prepared.entries.iter().filter(|(_, entry)| entry.unique) {
            if let Some(index) = self.collection.indexes.get(*at) {
                keys.push((index.id, entry.key.clone()));
            }
        }
        keys
    }

    async fn flush(&mut self) -> Result<()> {
        let batch = std::mem::take(&mut self.batch);
        self.seen.clear();
        self.size = 0;
        self.refuse_known(&batch).await?;
        let mut writes = Vec::with_capacity(batch.len() * 2);
        for prepared in &batch {
            if self.only.is_none() {
                let operation = Operation::Put(prepared.row.value.clone());
                writes.push(Write { key: prepared.row.key.clone(), operation });
                self.rows += 1;
            }
            for (_, entry) in &prepared.entries {
                let operation = Operation::Put(entry.value.clone());
                writes.push(Write { key: entry.key.clone(), operation });
            }
            self.work.widen(&self.collection, &prepared.pairs)?;
        }
        self.write(WriteSet::new(writes)).await
    }

    async fn write(&mut self, writes: WriteSet) -> Result<()> {
        if writes.is_empty() {
            return Ok(());
        }
        if !self.stages().await? {
            for write in writes.into_writes() {
                if let Operation::Put(value) = write.operation {
                    self.work.buffer.put(write.key, value)?;
                }
            }
            self.work.state.lock().touched.insert(self.collection.storage);
            return Ok(());
        }
        Ok(self.work.buffer.stage(writes).await?)
    }

    /// Whether this load may stage, and the job that answers for it.
    async fn stages(&mut self) -> Result<bool> {
        if let Some(decided) = self.staging {
            return Ok(decided);
        }
        let storage = self.collection.storage;
        let staged = match self.only {
            None => Staged::Storage(storage),
            Some(index) => Staged::Index(storage, index),
        };
        let (may, registered) = {
            let state = self.work.state.lock();
            let registered = state.staged.contains(&staged);
            let clean = !registered && !state.touched.contains(&storage);
            (state.marks == 0 || clean || self.only.is_some(), registered)
        };
        let decided = may && self.work.model.0.store.offers().staging;
        if decided && !registered {
            self.work.answer_for(staged).await?;
        }
        self.staging = Some(decided);
        Ok(decided)
    }

    /// Refuses a batch that has a key of an earlier one, and remembers its highest keys.
    async fn refuse_known(&mut self, batch: &[Prepared]) -> Result<()> {
        let mut asked: Vec<(usize, Space)> = Vec::new();
        let mut keys: Vec<Bytes> = Vec::new();
        let mut highest = self.highest.clone();
        for (at, prepared) in batch.iter().enumerate() {
            for (space, key) in self.unique_keys(prepared) {
                if self.highest.get(&space).is_some_and(|highest| key <= *highest) {
                    asked.push((at, space));
                    keys.push(key.clone());
                }
                let top = highest.entry(space).or_default();
                if key > *top {
                    *top = key;
                }
            }
        }
        if !keys.is_empty() {
            let view = transaction::View::Snapshot;
            let found = self.work.buffer.get_many(&keys, u64::MAX, view).await?;
            let taken = asked.iter().zip(found).find(|(_, value)| value.is_some());
            if let Some(((at, space), _)) = taken {
                let prepared = batch.get(*at).ok_or(Error::Internal("a batch shrank"))?;
                return Err(unique(&self.collection, prepared, *space, self.only.is_some())?);
            }
        }
        self.highest = highest;
        Ok(())
    }

    /// Writes what is left; answers the number of rows loaded.
    pub async fn finish(mut self) -> Result<u64> {
        self.flush().await?;
        self.work.count(self.collection.storage, self.rows);
        Ok(self.rows.unsigned_abs())
    }
}
