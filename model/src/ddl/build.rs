//! CREATE INDEX on a table in use: hidden, filled in small commits, checked, published.
//!
//! ```text
//!   1  exclusive, short   the index is `Building`: every writer keeps it from here on, no reader uses it;  job record
//!   2  page by page       lock 256 rows (SHARE), read the latest, put their entries, commit (quiet)
//!   3  at one snapshot    every row has its entries, and there are no others
//!   4  exclusive, short   the index is `Ready`; the job goes
//! ```
//!
//! **Why nothing is missed.** After 1 no writer is left that does not know the index: the exclusive
//! lock waited for them, and each later one compares the version. A row that is there at the
//! snapshot of a page is locked while its entry is put, so a writer that changes it comes before
//! (and the lock gives its row) or after (and finds the entry to take away). A row that appears
//! later is written by somebody who keeps the index.
//!
//! **Unique.** Writers check the index from 1 on; a page that finds another row's entry under its
//! key fails the build with that duplicate, and the index is taken away.
//!
//! **Crash.** The job stands until 4. Whoever finds it with its lock free goes on at 2 from the
//! beginning; entries that are there already are the same.
//!
//! Rejected: reading a snapshot and replaying the feed (a second copy of index maintenance), and
//! one long transaction (its write set and its snapshot would grow with the table).

use std::sync::Arc;

use bytes::Bytes;
use transaction::{
    Begin, CancelToken, Direction, Durability, LockMode, LockRequest, Locked, PageLimit,
    ReadTracking, Wait,
};

use super::NewIndex;
use super::create::validate;
use crate::error::{Error, ObjectKind, Result};
use crate::expressions::Environment;
use crate::job::Job;
use crate::key;
use crate::model::Model;
use crate::schema::*;
use crate::sweep;
use crate::work::{LockedRow, Prepared, RangeScan, Seeing, StoredRow, Work, unique};

/// Rows of one commit.
const PAGE: PageLimit = PageLimit { records: 256, bytes: 1 << 20 };
/// Conflicts that one page may meet before the build gives up.
const TRIES: usize = 100;

impl Model {
    /// CREATE INDEX outside a transaction: see the module. On any failure after the first step the
    /// index is taken away again.
    pub async fn create_index(
        &self,
        collection: CollectionId,
        new: NewIndex,
        environment: Environment,
        cancel: &CancelToken,
    ) -> Result<Index> {
        let (index, job) = self.announce(collection, new, environment, cancel).await?;
        match self.finish_build(&job, collection, index.id, cancel).await {
            Ok(true) => Ok(Index { state: IndexState::Ready, ..index }),
            Ok(false) => Err(Error::undefined(ObjectKind::Index, index.name)),
            Err(error) => {
                // What cannot be taken away now is resumed, and fails again, by the sweeper.
                let _ = self.abandon(&job, collection, index.id).await;
                Err(error)
            }
        }
    }

    async fn work(&self, cancel: &CancelToken) -> Result<Work> {
        let begin = Begin { cancel: cancel.clone(), ..Begin::default() };
        self.begin(begin, ReadTracking::Off, Arc::new(())).await
    }

    /// Step 1.
    async fn announce(
        &self,
        id: CollectionId,
        new: NewIndex,
        environment: Environment,
        cancel: &CancelToken,
    ) -> Result<(Index, Bytes)> {
        let begin = Begin { cancel: cancel.clone(), ..Begin::default() };
        let work = self.begin(begin, ReadTracking::Off, environment).await?;
        let before = work.exclude(id).await?;
        let index = work.make_index(&before, new).await?;
        let index = Index { state: IndexState::Building, ..index };
        let after = work.replace(&before, |collection| {
            collection.indexes.push(index.clone());
            validate(collection, &*self.0.options.expressions)
        })?;
        work.write_index_name(&after, index.id, &index.name)?;
        let job = work.leave(Job::BuildIndex(id, index.id)).await?;
        work.commit(Durability::Sync, Bytes::new()).await?;
        Ok((index, key::job(job)))
    }

    /// Goes on with a build that its builder left. `true`: it is finished, one way or the other.
    pub(crate) async fn resume_build(
        &self,
        job: &Bytes,
        collection: CollectionId,
        index: IndexId,
        cancel: &CancelToken,
    ) -> Result<bool> {
        match self.finish_build(job, collection, index, cancel).await {
            Ok(done) => Ok(done),
            Err(Error::Unique(_) | Error::Expression(_) | Error::Unsupported(_)) => {
                self.abandon(job, collection, index).await?;
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    /// Steps 2 to 4. `false`: somebody else is at it, or the index is gone.
    async fn finish_build(
        &self,
        job: &Bytes,
        collection: CollectionId,
        index: IndexId,
        cancel: &CancelToken,
    ) -> Result<bool> {
        // Holds the job's lock while the build runs.
        let guard = self.small().await?;
        if sweep::held(&guard, job).await?.is_none() {
            return Ok(false);
        }
        let mut from = None;
        loop {
            match self.fill_page(collection, index, &mut from, cancel).await? {
                Filled::More => guard.refresh().await.map(drop)?,
                Filled::All => break,
                Filled::Gone => {
                    drop(guard);
                    self.forget(job).await?;
                    return Ok(false);
                }
            }
        }
        self.check_build(collection, index, cancel).await?;
        drop(guard);
        self.publish(job, collection, index, cancel).await
    }

    /// Step 2, one page with its retries.
    async fn fill_page(
        &self,
        collection: CollectionId,
        index: IndexId,
        from: &mut Option<Bytes>,
        cancel: &CancelToken,
    ) -> Result<Filled> {
        let mut tries = 0;
        loop {
            let work = self.work(cancel).await?;
            match fill(&work, collection, index, from.clone()).await {
                Ok((filled, next)) => {
                    work.finish(Durability::Interval, Bytes::new(), true).await?;
                    *from = next;
                    return Ok(filled);
                }
                Err(error) if error.is_retryable() && tries < TRIES => tries += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Step 3.
    async fn check_build(
        &self,
        collection: CollectionId,
        index: IndexId,
        cancel: &CancelToken,
    ) -> Result<()> {
        let work = self.work(cancel).await?;
        let collection = work.collection(collection)?;
        let Some(index) = collection.index_by_id(index) else { return Ok(()) };
        match work.verify_index(&collection, index).await? {
            None => Ok(()),
            Some(_) => Err(Error::Internal("an index build missed a row")),
        }
    }

    /// Step 4.
    async fn publish(
        &self,
        job: &Bytes,
        id: CollectionId,
        index: IndexId,
        cancel: &CancelToken,
    ) -> Result<bool> {
        let work = self.work(cancel).await?;
        if sweep::held(&work.buffer, job).await?.is_none() {
            return Ok(false);
        }
        let before = work.exclude(id).await?;
        if before.index_by_id(index).is_none() {
            return Ok(false);
        }
        work.replace(&before, |collection| {
            if let Some(index) = collection.indexes.iter_mut().find(|other| other.id == index) {
                index.state = IndexState::Ready;
            }
            Ok(())
        })?;
        work.buffer.delete(job.clone())?;
        work.commit(Durability::Sync, Bytes::new()).await?;
        Ok(true)
    }

    async fn abandon(&self, job: &Bytes, id: CollectionId, index: IndexId) -> Result<()> {
        let work = self.work(&CancelToken::default()).await?;
        if let Ok(before) = work.exclude(id).await {
            work.remove_index(&before, index).await?;
        }
        work.buffer.delete(job.clone())?;
        work.commit(Durability::Sync, Bytes::new()).await.map(drop)
    }

    async fn forget(&self, job: &Bytes) -> Result<()> {
        let buffer = self.small().await?;
        buffer.delete(job.clone())?;
        buffer.commit(Durability::Interval, Bytes::new(), true).await?;
        Ok(())
    }
}

enum Filled {
    More,
    All,
    Gone,
}

/// Puts the entries of one page of rows, and answers where the next begins.
async fn fill(
    work: &Work,
    id: CollectionId,
    index: IndexId,
    from: Option<Bytes>,
) -> Result<(Filled, Option<Bytes>)> {
    let Ok(collection) = work.collection(id) else { return Ok((Filled::Gone, None)) };
    let Some(index) = collection.index_by_id(index) else { return Ok((Filled::Gone, None)) };
    let mut range = key::rows(collection.storage);
    // A TRUNCATE meanwhile means other rows: they begin before or after `from`, and all of them are
    // new.
    if let Some(from) = from.filter(|from| range.start < *from && *from < range.end) {
        range.start = from;
    }
    let seeing = Seeing::default();
    let ranges = vec![range];
    let target = crate::work::Target::Primary;
    let mut scan = RangeScan::new(collection.clone(), target, ranges, Direction::Forward, seeing)?;
    let Some(rows) = scan.next(work, PAGE).await? else { return Ok((Filled::All, None)) };
    let keys: Vec<Bytes> = rows.into_iter().map(|row| row.key).collect();
    let next = keys.last().map(|last| {
        let mut next = last.to_vec();
        next.push(0);
        Bytes::from(next)
    });
    let locked = work.lock_rows(&collection, &keys, LockMode::Share, Wait::Forever).await?;
    let mut prepared = Vec::with_capacity(keys.len());
    for (key, locked) in keys.into_iter().zip(locked) {
        if let LockedRow::Held { value: Some(value), .. } = locked {
            prepared.push(work.prepare_entries(&collection, StoredRow { key, value }, index)?);
        }
    }
    refuse_duplicates(work, &collection, index, &prepared).await?;
    for (_, entry) in prepared.iter().flat_map(|prepared| &prepared.entries) {
        work.buffer.put(entry.key.clone(), entry.value.clone())?;
    }
    Ok((Filled::More, next))
}

/// Locks the unique keys of a page; an entry of another row under one of them is a duplicate.
async fn refuse_duplicates(
    work: &Work,
    collection: &Arc<Collection>,
    index: &Index,
    page: &[Prepared],
) -> Result<()> {
    let mut requests = Vec::new();
    let mut rows = Vec::new();
    for prepared in page {
        for (_, entry) in prepared.entries.iter().filter(|(_, entry)| entry.unique) {
            requests.push(LockRequest { key: entry.key.clone(), mode: LockMode::Update });
            rows.push((prepared, entry));
        }
    }
    if requests.is_empty() {
        return Ok(());
    }
    let locked = work.buffer.lock(&requests, Wait::Forever).await?;
    let mut here = std::collections::HashMap::new();
    for (locked, (prepared, entry)) in locked.into_iter().zip(rows) {
        let there = match locked {
            Locked::Held { value, .. } => value,
            Locked::Skipped => None,
        };
        let twice =
            here.insert(&entry.key, &entry.value).is_some_and(|other| *other != entry.value);
        if twice || there.is_some_and(|value| value != entry.value) {
            return Err(unique(collection, prepared, index.id, true)?);
        }
    }
    Ok(())
}

impl Work {
    /// Compares an index with what the rows say at this transaction's snapshot; the key of the
    /// first entry that is missing or too much. For index builds and `qanat check`.
    pub async fn verify_index(
        &self,
        collection: &Arc<Collection>,
        index: &Index,
    ) -> Result<Option<Bytes>> {
        let mut expected = 0usize;
        let mut scan = RangeScan::whole(collection.clone(), Direction::Forward, Seeing::default());
        while let Some(rows) = scan.next(self, PageLimit::default()).await? {
            self.stop_if_cancelled()?;
            let mut entries = Vec::new();
            for stored in rows {
                let prepared = self.prepare_entries(collection, stored, index)?;
                entries.extend(prepared.entries.into_iter().map(|(_, entry)| entry));
            }
            expected += entries.len();
            let keys: Vec<Bytes> = entries.iter().map(|entry| entry.key.clone()).collect();
            let seeing = Seeing::default();
            let found = self.buffer.get_many(&keys, seeing.until, seeing.view).await?;
            for (entry, found) in entries.iter().zip(found) {
                if found.as_ref() != Some(&entry.value) {
                    return Ok(Some(entry.key.clone()));
                }
            }
        }
        self.first_beyond(collection, index, expected).await
    }

    /// The entry after the first `expected` ones, if there is one.
    async fn first_beyond(
        &self,
        collection: &Collection,
        index: &Index,
        expected: usize,
    ) -> Result<Option<Bytes>> {
        let range = key::entries(collection.storage, index.id);
        let mut scan = transaction::Scan {
            start: range.start,
            end: range.end,
            direction: Direction::Forward,
            limit: PageLimit::default(),
        };
        let mut left = expected;
        loop {
            let page = self.buffer.scan(&scan).await?;
            if let Some((key, _)) = page.records.get(left) {
                return Ok(Some(key.clone()));
            }
            left -= page.records.len();
            match page.next {
                Some(next) => scan.start = next,
                None => return Ok(None),
            }
        }
    }
}
