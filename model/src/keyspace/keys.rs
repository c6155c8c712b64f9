//! One transaction on keys: reading, locking and writing records, with everything that hangs on
//! them.
//!
//! ```text
//!   lock(keys) ─► held: row ─► latest value         one call, in key order: pipelines never deadlock each other
//!   slot(key)  ─► what is stored, what lives        locks if `lock` did not
//!   write(slot) ─► O  + I, count if new  + X hint if it expires  + a dead incarnation if one is replaced
//! ```
//!
//! **Invariants**
//! - A record is written only while its lock is held, from the value that the lock gave: nothing is
//!   lost, nothing validated.
//! - Where the transaction writes, reads are of the latest; a read of more than one record holds
//!   the key's lock, shared, so it is of one time. Where it only reads, all reads are of one
//!   snapshot and nothing is locked.
//! - The commit depends on the collection's version record, so a FLUSHDB or DROP that came first
//!   makes it run again instead of writing under a dead storage id.
//! - All commands of one transaction see one time ([`Keys::now`]).
//!
//! Rejected: optimistic writes validated at the commit. Measured by design: under `sync` the
//! snapshot lags a flush behind, so of 50 writers of one key one would win a flush; with the lock
//! they queue for microseconds.

use std::sync::Arc;

use bytes::Bytes;
use smallvec::SmallVec;
use transaction::{
    Begin, Committed, Durability, LockMode, LockRequest, Locked, PageLimit, PointRead,
    ReadTracking, Scan, Stamp, View, Wait,
};

use super::error::{KeyError, Result};
use super::held::HeldRows;
use super::layout::{self, Kind, Large, Record};
use super::space::{self, Spaces};
use crate::error::Error;
use crate::key::{self, KeyRange};
use crate::model::Model;
use crate::schema::*;
use crate::work::Work;

/// How a transaction on keys begins.
#[derive(Debug, Clone)]
pub struct Start {
    /// Whose key spaces.
    pub database: DatabaseId,
    /// Which one.
    pub space: u32,
    /// The time of every command, milliseconds since 1970.
    pub now: u64,
    /// Whether it may write: then it reads the latest, else a snapshot.
    pub writes: bool,
    /// As of the store.
    pub begin: Begin,
}

/// One transaction on the key spaces of a database.
pub struct Keys {
    pub(super) work: Work,
    pub(super) spaces: Arc<Spaces>,
    pub(super) database: DatabaseId,
    pub(super) space: u32,
    pub(super) view: View,
    now: u64,
    counts: Counts,
    depends: SmallVec<[CollectionId; 2]>,
    held: HeldRows,
    random: u64,
    string_bytes_max: usize,
    /// How long commands wait for locks.
    wait: Wait,
}

type Counts = SmallVec<[(StorageId, i64); 2]>;

/// What is left of a commit to await.
enum Left<C, R> {
    Commit(C),
    Rollback(R),
    Nothing,
}

/// A place to come back to.
#[derive(Debug, Clone)]
pub struct Mark {
    buffer: transaction::Savepoint,
    sequence: u64,
    counts: Counts,
}

/// A key about to be written: what is stored, locked.
pub(super) struct Slot {
    pub storage: StorageId,
    pub row: Bytes,
    /// Its number among the held rows.
    held: Option<usize>,
    pub stored: Option<Record>,
}

impl Slot {
    /// What is stored and has not expired.
    pub fn live(&self, now: u64) -> Option<&Record> {
        self.stored.as_ref().filter(|record| !record.is_expired(now))
    }
}

/// A key as a lock names it.
#[derive(Debug, Clone, Copy)]
pub struct KeyLock<'k> {
    /// The key space.
    pub space: u32,
    /// The key.
    pub key: &'k [u8],
    /// Whether it will be written.
    pub write: bool,
}

/// Bytes of a string at most, unless said otherwise.
pub const STRING_BYTES_MAX: usize = 512 << 20;

impl Keys {
    /// Begins. `known` is reused if it is of the picture that the transaction sees.
    pub async fn begin(model: &Model, start: Start, known: Option<&Arc<Spaces>>) -> Result<Keys> {
        let work = model.begin(start.begin, ReadTracking::Off, Arc::new(())).await?;
        let catalogue = work.catalogue();
        let spaces = match known {
            Some(known) if known.is_of(&catalogue, start.database) => known.clone(),
            _ => Arc::new(Spaces::of(&catalogue, start.database)),
        };
        let view = if start.writes { View::Latest } else { View::Snapshot };
        Ok(Keys::over(work, spaces, start.database, start.space, (view, start.now)))
    }

    /// Over the work of a transaction that does more than keys: it writes, and whoever gave the
    /// work takes it back with [`Keys::into_work`].
    pub fn within(work: Work, database: DatabaseId, space: u32, now: u64) -> Keys {
        let spaces = Arc::new(Spaces::of(&work.catalogue(), database));
        Keys::over(work, spaces, database, space, (View::Latest, now))
    }

    fn over(
        work: Work,
        spaces: Arc<Spaces>,
        database: DatabaseId,
        space: u32,
        (view, now): (View, u64),
    ) -> Keys {
        Keys {
            work,
            spaces,
            database,
            space,
            view,
            now,
            counts: Counts::new(),
            depends: SmallVec::new(),
            held: HeldRows::default(),
            random: 0,
            string_bytes_max: STRING_BYTES_MAX,
            wait: Wait::Forever,
        }
    }

    /// The work, with everything in it that a commit would write; what went wrong with that beside
    /// it.
    pub fn into_work(self) -> (Work, Result<()>) {
        let counted = self.write_counts();
        (self.work, counted)
    }

    fn write_counts(&self) -> Result<()> {
        let changed = self.counts.iter().filter(|(_, delta)| *delta != 0);
        for (storage, delta) in changed {
            self.work.buffer().add(key::row_count(*storage), *delta)?;
        }
        Ok(())
    }

    /// What the database's names mean, for the next `begin`.
    pub fn spaces(&self) -> &Arc<Spaces> {
        &self.spaces
    }

    /// The database.
    pub fn database(&self) -> DatabaseId {
        self.database
    }

    /// Whether a transaction begun now would read the same; then it may serve for one, at the time
    /// `now`.
    pub fn begin_again(&mut self, now: u64) -> bool {
        self.now = now;
        self.view == View::Snapshot && self.work.buffer().is_newest()
    }

    /// The time of all commands.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// The snapshot.
    pub fn snapshot(&self) -> Stamp {
        self.work.snapshot()
    }

    /// The key space that commands mean.
    pub fn space(&self) -> u32 {
        self.space
    }

    /// Chooses another key space.
    pub fn select(&mut self, space: u32) {
        self.space = space;
    }

    /// The longest string that APPEND and SETRANGE make (`proto-max-bulk-len`).
    pub fn set_string_bytes_max(&mut self, bytes: usize) {
        self.string_bytes_max = bytes;
    }

    pub(super) fn check_length(&self, length: usize) -> Result<()> {
        if length > self.string_bytes_max { Err(KeyError::TooLong) } else { Ok(()) }
    }

    /// The collection of the key space that commands mean.
    pub(super) fn collection(&self, space: u32) -> Result<Option<&Arc<Collection>>> {
        self.spaces.get(space)
    }

    pub(super) fn storage(&self, space: u32) -> Result<Option<StorageId>> {
        Ok(self.collection(space)?.map(|collection| collection.storage))
    }

    fn storage_to_write(&mut self, space: u32) -> Result<StorageId> {
        let (id, storage) = match self.collection(space)? {
            Some(collection) => (collection.id, collection.storage),
            None => return Err(KeyError::NewSpace(space)),
        };
        if !self.depends.contains(&id) {
            self.depends.push(id);
            let since = self.work.snapshot();
            self.work.buffer().depend(PointRead { key: key::collection_lock(id), since });
        }
        Ok(storage)
    }

    /// After a conflict, before the next try: finds out whether a schema change was the reason, and
    /// waits until it is visible.
    pub async fn give_way(self) -> Result<()> {
        for id in self.depends.clone() {
            if let Some(collection) = self.work.catalogue().collection_by_id(id).cloned() {
                // An answer is not wanted: the look alone raises what `rollback` waits for.
                let _ = self.work.share(&collection).await;
            }
        }
        Ok(self.work.rollback().await?)
    }

    // Locks.

    /// Locks keys in one call, in key order. Keys of absent key spaces and of opened tables are
    /// left out.
    pub async fn lock(&mut self, keys: impl Iterator<Item = KeyLock<'_>>) -> Result<()> {
        let requests = self.lock_requests(keys)?;
        self.lock_rows(&requests).await
    }

    /// As `lock`, but false, and nothing taken, where that would have to wait, or where a command
    /// on one of the keys may have to: from here on this transaction waits for no lock.
    pub async fn try_lock(
        &mut self,
        keys: impl Iterator<Item = KeyLock<'_>> + Clone,
    ) -> Result<bool> {
        self.wait = Wait::No;
        // The rows of a table are locked by the commands themselves, and indexes and checks beside.
        if keys.clone().any(|lock| self.spaces.opened(lock.key).is_some()) {
            return Ok(false);
        }
        let requests = self.lock_requests(keys)?;
        match self.lock_rows(&requests).await {
            Ok(()) => Ok(true),
            Err(KeyError::Model(Error::Store(transaction::Error::LockNotAvailable))) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn lock_requests<'k>(
        &self,
        keys: impl Iterator<Item = KeyLock<'k>>,
    ) -> Result<SmallVec<[LockRequest; 4]>> {
        let mut requests: SmallVec<[LockRequest; 4]> = SmallVec::new();
        for lock in keys {
            let Some(storage) = self.storage(lock.space)? else { continue };
            if self.spaces.opened(lock.key).is_some() {
                continue;
            }
            let mode = if lock.write { LockMode::Update } else { LockMode::Share };
            requests.push(LockRequest { key: layout::row(storage, lock.key), mode });
        }
        if requests.len() > 1 {
            requests.sort_by(|a, b| a.key.cmp(&b.key).then(b.mode.cmp(&a.mode)));
            requests.dedup_by(|later, first| later.key == first.key);
        }
        Ok(requests)
    }

    async fn lock_rows(&mut self, requests: &[LockRequest]) -> Result<()> {
        if requests.is_empty() {
            return Ok(());
        }
        let locked = self.work.buffer().lock(requests, self.wait).await?;
        let at = self.work.buffer().sequence();
        for (request, locked) in requests.iter().zip(locked) {
            if let Locked::Held { value, .. } = locked {
                self.held.insert(request.key.clone(), request.mode, at, value);
            }
        }
        Ok(())
    }

    /// Whether any of these keys was written by a commit after its stamp; locks them, shared, so
    /// that none is until the end.
    pub async fn changed_since(
        &mut self,
        keys: impl Iterator<Item = (u32, &[u8], Stamp)>,
    ) -> Result<bool> {
        let mut watched = Vec::new();
        for (space, key, since) in keys {
            let row = self.watched_row(space, key)?;
            watched.extend(row.map(|row| (row, since)));
        }
        watched.sort();
        watched.dedup_by(|later, first| later.0 == first.0);
        let mode = LockMode::Share;
        let requests: Vec<LockRequest> =
            watched.iter().map(|(key, _)| LockRequest { key: key.clone(), mode }).collect();
        let locked = self.work.buffer().lock(&requests, Wait::Forever).await?;
        let newer = |(locked, (_, since)): (Locked, (Bytes, Stamp))| match locked {
            Locked::Held { stamp, .. } => stamp > since,
            Locked::Skipped => false,
        };
        Ok(locked.into_iter().zip(watched).any(newer))
    }

    /// The record that WATCH looks at: the key's own, the row's of an opened table, or, while the
    /// key space is not there, its name.
    fn watched_row(&self, space: u32, key: &[u8]) -> Result<Option<Bytes>> {
        if let Some((table, rest)) = self.spaces.opened(key) {
            return super::opened::row_key(table, rest);
        }
        Ok(Some(match self.storage(space)? {
            Some(storage) => layout::row(storage, key),
            None => key::relation(self.database, crate::names::PUBLIC, &space::name(space)),
        }))
    }

    /// What WATCH remembers of a key that is there: its storage id and its expiry.
    pub async fn watched(&mut self, space: u32, key: &[u8]) -> Result<(Option<StorageId>, u64)> {
        let Some(storage) = self.storage(space)? else { return Ok((None, 0)) };
        if self.spaces.opened(key).is_some() {
            return Ok((None, 0));
        }
        let (row, held) = self.row(storage, key);
        let record = self.record(&row, held, key).await?;
        let live = record.filter(|record| !record.is_expired(self.now));
        Ok((live.is_some().then_some(storage), live.map_or(0, |record| record.expires())))
    }

    /// The storage id of a key space as it is now.
    pub fn storage_now(&self, space: u32) -> Result<Option<StorageId>> {
        self.storage(space)
    }

    // Reading.

    /// The row of a key, and its record, expired or not; `held` is its number where it is held.
    async fn record(&self, row: &[u8], held: Option<usize>, key: &[u8]) -> Result<Option<Record>> {
        let value = match self.held.value(held) {
            Some(value) => value,
            None => self.get(row).await?,
        };
        let Some(value) = value else { return Ok(None) };
        let record = Record::read(value)?;
        // Two keys with one cut key: the other one is not ours.
        let ours = record.long_key().is_none_or(|long| long == key);
        Ok(Some(record).filter(|_| ours))
    }

    /// A key's row, and its number where it is held.
    fn row(&self, storage: StorageId, key: &[u8]) -> (Bytes, Option<usize>) {
        let found = self.held.find(storage, key);
        match found.and_then(|at| self.held.get(at)) {
            Some(row) => (row.key.clone(), found),
            None => (layout::row(storage, key), None),
        }
    }

    pub(super) async fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        let buffer = self.work.buffer();
        match buffer.get_now(key, u64::MAX, self.view) {
            Some(value) => Ok(value?),
            None => Ok(buffer.get_until(key, u64::MAX, self.view).await?),
        }
    }

    /// The live record of a key, its row key beside it.
    pub(super) async fn find(&self, space: u32, key: &[u8]) -> Result<Option<(Bytes, Record)>> {
        let Some(storage) = self.storage(space)? else { return Ok(None) };
        let (row, held) = self.row(storage, key);
        let record = self.record(&row, held, key).await?;
        Ok(record.filter(|record| !record.is_expired(self.now)).map(|record| (row, record)))
    }

    /// As `find`, held still: what is read beside the record is of the same time.
    pub(super) async fn find_steady(
        &mut self,
        space: u32,
        key: &[u8],
    ) -> Result<Option<(Bytes, Record)>> {
        if self.view == View::Latest
            && let Some(storage) = self.storage(space)?
        {
            let (row, held) = self.row(storage, key);
            if held.is_none() {
                self.lock_rows(&[LockRequest { key: row, mode: LockMode::Share }]).await?;
            }
        }
        self.find(space, key).await
    }

    /// The string under a key without waiting; `None`: ask [`Keys::get_string`].
    pub fn get_string_now(&self, key: &[u8]) -> Option<Result<Option<Bytes>>> {
        if self.spaces.opened(key).is_some() {
            return None;
        }
        let storage = match self.storage(self.space) {
            Ok(Some(storage)) => storage,
            Ok(None) => return Some(Ok(None)),
            Err(error) => return Some(Err(error)),
        };
        let (row, held) = self.row(storage, key);
        let value = match self.held.value(held) {
            Some(value) => value,
            None => match self.work.buffer().get_now(&row, u64::MAX, self.view)? {
                Ok(value) => value,
                Err(error) => return Some(Err(error.into())),
            },
        };
        let Some(value) = value else { return Some(Ok(None)) };
        Some(match Record::read(value) {
            Ok(record) if record.long_key().is_some_and(|long| long != key) => Ok(None),
            Ok(record) if record.is_expired(self.now) => Ok(None),
            Ok(record) if record.kind() != Kind::String => Err(KeyError::WrongType),
            Ok(record) => Ok(Some(record.shared_payload())),
            Err(error) => Err(error.into()),
        })
    }

    /// One page of a range.
    pub(super) async fn page(
        &self,
        range: &KeyRange,
        limit: PageLimit,
    ) -> Result<transaction::Page> {
        let scan = Scan {
            start: range.start.clone(),
            end: range.end.clone(),
            direction: transaction::Direction::Forward,
            limit,
        };
        let buffer = self.work.buffer();
        match buffer.scan_now(&scan, u64::MAX, self.view) {
            Some(page) => Ok(page?),
            None => Ok(buffer.scan_until(&scan, u64::MAX, self.view).await?),
        }
    }

    // Writing.

    /// Locks a key and reads what is stored.
    pub(super) async fn slot(&mut self, space: u32, key: &[u8]) -> Result<Slot> {
        let storage = self.storage_to_write(space)?;
        let (row, mut held) = self.row(storage, key);
        let mode = held.and_then(|at| self.held.get(at)).map(|row| row.mode);
        if mode.is_none_or(|mode| mode < LockMode::Update) {
            self.lock_rows(&[LockRequest { key: row.clone(), mode: LockMode::Update }]).await?;
            held = self.held.find_row(&row);
        }
        let stored = self.record(&row, held, key).await?;
        if stored.is_none() && key::is_cut(&row) && self.get(&row).await?.is_some() {
            return Err(Error::Limit { what: "key", limit: key::KEY_LEN_MAX }.into());
        }
        Ok(Slot { storage, row, held, stored })
    }

    /// Writes a record; `payload` appends what follows the header.
    pub(super) fn write(
        &mut self,
        slot: &Slot,
        key: &[u8],
        (kind, expires): (Kind, u64),
        room: usize,
        payload: impl FnOnce(&mut Vec<u8>),
    ) -> Result<()> {
        // Before anything of that size is made: SETRANGE names it in a dozen bytes.
        self.work.check_value_size(room)?;
        let long = key::is_cut(&slot.row).then_some(key);
        let mut value = layout::begin(kind, expires, long, room);
        payload(&mut value);
        let value = transaction::compact_vec(value);
        let buffer = self.work.buffer();
        match &slot.stored {
            None => {
                let (entry, beside) = layout::entry(&slot.row, key);
                buffer.put(entry, beside)?;
                self.count(slot.storage, 1);
            }
            Some(stored) => self.replace(slot, stored, Some(&value), expires)?,
        }
        let unchanged = slot.stored.as_ref().is_some_and(|stored| stored.expires() == expires);
        if expires != 0 && !unchanged {
            let (hint, due) = layout::hint(&slot.row, expires);
            self.work.buffer().put(hint, due)?;
        }
        self.put_row(slot, Some(value))
    }

    /// What goes with the old record: its hint, its members.
    fn replace(
        &self,
        slot: &Slot,
        stored: &Record,
        new: Option<&Bytes>,
        expires: u64,
    ) -> Result<()> {
        let buffer = self.work.buffer();
        if stored.expires() != 0 && stored.expires() != expires {
            let (old, _) = layout::hint(&slot.row, stored.expires());
            if expires == 0 || layout::hint(&slot.row, expires).0 != old {
                buffer.delete(old)?;
            }
        }
        if stored.kind() == Kind::LargeHash {
            let old = stored.large()?;
            let lives = match new.map(|new| Record::read(new.clone())).transpose()? {
                Some(new) if new.kind() == Kind::LargeHash => {
                    new.large()?.incarnation == old.incarnation
                }
                _ => false,
            };
            if !lives {
                self.leave_dead(&slot.row, old)?;
            }
        }
        Ok(())
    }

    fn leave_dead(&self, row: &[u8], large: Large<'_>) -> Result<()> {
        if large.count > 0 {
            let (dead, prefix) = layout::dead(row, large);
            self.work.buffer().put(dead, prefix)?;
        }
        Ok(())
    }

    /// Deletes a record and everything that hangs on it, expired or not.
    pub(super) fn remove(&mut self, slot: &Slot, key: &[u8]) -> Result<()> {
        self.remove_but(slot, key, false)
    }

    /// As `remove`; the members of a large hash stay where they are if another record has them now.
    pub(super) fn remove_but(&mut self, slot: &Slot, key: &[u8], keep_members: bool) -> Result<()> {
        let Some(stored) = &slot.stored else { return Ok(()) };
        if stored.expires() != 0 {
            self.work.buffer().delete(layout::hint(&slot.row, stored.expires()).0)?;
        }
        if stored.kind() == Kind::LargeHash && !keep_members {
            self.leave_dead(&slot.row, stored.large()?)?;
        }
        self.work.buffer().delete(layout::entry(&slot.row, key).0)?;
        self.count(slot.storage, -1);
        self.put_row(slot, None)
    }

    fn put_row(&mut self, slot: &Slot, value: Option<Bytes>) -> Result<()> {
        let buffer = self.work.buffer();
        match value {
            Some(value) => buffer.put(slot.row.clone(), value)?,
            None => buffer.delete(slot.row.clone())?,
        }
        self.held.written(slot.held);
        Ok(())
    }

    fn count(&mut self, storage: StorageId, delta: i64) {
        match self.counts.iter_mut().find(|(of, _)| *of == storage) {
            Some((_, count)) => *count += delta,
            None => self.counts.push((storage, delta)),
        }
    }

    /// The number of keys, those that have expired but are not deleted yet included.
    pub async fn size(&self) -> Result<i64> {
        let Some(storage) = self.storage(self.space)? else { return Ok(0) };
        let stored = self.get(&key::row_count(storage)).await?;
        let own = self.counts.iter().filter(|(of, _)| *of == storage).map(|(_, n)| n).sum::<i64>();
        Ok((key::read_counter(stored.as_ref()) + own).max(0))
    }

    // Savepoints and the end.

    /// Marks a place to come back to.
    pub fn mark(&self) -> Mark {
        let buffer = self.work.buffer();
        let sequence = buffer.sequence();
        Mark { buffer: buffer.savepoint(), sequence, counts: self.counts.clone() }
    }

    /// Forgets a mark; what was written since stays.
    pub fn release(&self, mark: Mark) {
        self.work.buffer().release(mark.buffer);
    }

    /// Undoes everything since the mark, and forgets it.
    pub fn undo(&mut self, mark: Mark) {
        let buffer = self.work.buffer();
        buffer.rollback_to(mark.buffer);
        buffer.release(mark.buffer);
        self.held.undo(mark.sequence);
        self.counts = mark.counts;
    }

    /// Whether there is anything to commit.
    pub fn has_writes(&self) -> bool {
        self.work.buffer().has_writes()
    }

    /// Commits. Without writes it only waits until what was read is visible.
    pub fn commit(
        self,
        durability: Durability,
    ) -> impl Future<Output = Result<Option<Committed>>> + Send + 'static {
        // What is left to await is small: the transaction is not moved into the future.
        let left = if self.has_writes() {
            let counted = self.write_counts();
            Left::Commit(counted.map(|()| self.work.commit(durability, Bytes::new())))
        } else if self.view == View::Latest {
            Left::Rollback(self.work.rollback())
        } else {
            Left::Nothing
        };
        async move {
            match left {
                Left::Commit(commit) => Ok(Some(commit?.await?)),
                Left::Rollback(rollback) => {
                    rollback.await?;
                    Ok(None)
                }
                Left::Nothing => Ok(None),
            }
        }
    }

    /// Gives everything up.
    pub async fn rollback(self) -> Result<()> {
        Ok(self.work.rollback().await?)
    }

    /// The transaction beneath, for what is not about keys.
    pub fn work(&self) -> &Work {
        &self.work
    }

    // Whole key spaces.

    /// Empties a key space; `None`: all of the database. One catalogue write each; tables are not
    /// touched.
    pub async fn flush(&mut self, space: Option<u32>) -> Result<()> {
        let ids: Vec<CollectionId> = match space {
            Some(space) => self.collection(space)?.map(|found| found.id).into_iter().collect(),
            None => self.spaces.all().map(|(_, collection)| collection.id).collect(),
        };
        for id in ids {
            let before = self.work.collection(id)?.storage;
            self.counts.retain(|(storage, _)| *storage != before);
            self.work.truncate(id, false).await?;
        }
        self.look_again();
        Ok(())
    }

    /// SWAPDB: the two names exchange what they stand for.
    pub async fn swap(&mut self, a: u32, b: u32) -> Result<()> {
        if a == b {
            return Ok(());
        }
        self.collection(a)?;
        self.collection(b)?;
        let mut ids = Vec::new();
        for space in [a.min(b), a.max(b)] {
            let found = space::create_in(&self.work, self.database, space).await?;
            ids.push(found.id);
        }
        ids.sort();
        let [a, b] = ids.as_slice() else { return Ok(()) };
        let (a, b) = (self.work.exclude(*a).await?, self.work.exclude(*b).await?);
        self.work.move_storage(&a, b.storage)?;
        self.work.move_storage(&b, a.storage)?;
        self.look_again();
        Ok(())
    }

    /// After own DDL: names lead elsewhere.
    fn look_again(&mut self) {
        self.spaces = Arc::new(Spaces::of(&self.work.catalogue(), self.database));
        self.held.clear();
        // Own DDL holds the collections' locks, which is more than depending on them; and depending
        // on what this transaction itself writes is harmless.
        self.depends.clear();
    }

    // Chance.

    /// A random number; not for secrets.
    pub(super) fn random(&mut self) -> u64 {
        if self.random == 0 {
            let id = self.work.model.object_id();
            self.random = layout::hash(&id) | 1;
        }
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        self.random.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A fresh incarnation: seconds, a counter, a random byte of this process.
    pub(super) fn incarnation(&self) -> u64 {
        let [s0, s1, s2, s3, r, _, _, _, _, c0, c1, c2] = self.work.model.object_id();
        u64::from_be_bytes([s0, s1, s2, s3, c0, c1, c2, r])
    }
}
