//! The buffer: one transaction's own writes, savepoints and read set, above any store.
//!
//! ```text
//!   put/delete/add ─► own:  key ─► [(sequence, operation), …]      newest last
//!   get            ─► own newest ≤ view ─► else store.get           + read set
//!   scan           ─► merge(own range, store page)                  + read set
//!   savepoint      ─► the sequence now;  rollback_to(s) drops every operation after s
//!   commit         ─► newest operation of each key ─► WriteSet ─► store.commit(writes, reads)
//! ```
//!
//! A *sequence* counts the writes of this transaction. It serves savepoints, and statements: a
//! statement reads with `own_until(sequence at its start)`, so that an UPDATE never meets the rows
//! that it has just written (the Halloween problem), whatever index it walks.
//!
//! **Invariants**
//! - Per key the sequences ascend; after `rollback_to(s)` none is above `s`.
//! - An older operation of a key is kept only while a savepoint or the running statement can still
//!   ask for it.
//! - With tracking on, every key and range that was answered from the store is in the read set, or
//!   inside a wider range that stands for it (`reads`): its memory is bounded.
//! - A statement that reads with `own_until` holds a savepoint taken at its start: only marks keep
//!   older operations.
//! - Size is bounded by `Offers::write_set_bytes_max`; the error names the limit.
//!
//! Rejected: a buffer in every store (each would re-invent savepoints), and a copy of the map for
//! each savepoint (a savepoint for each pipelined command would cost O(n²)).

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use bytes::Bytes;
use parking_lot::Mutex;
use smallvec::{SmallVec, smallvec};

use crate::reads::Reads;
use crate::{
    Answer, CancelToken, Commit, Committed, Direction, Durability, Error, LockMode, LockRequest,
    Locked, LockedRows, Offers, Operation, Page, PageLimit, PointRead, RangeRead, ReadSet, Result,
    Scan, Stamp, Transaction, TransactionId, View, Wait, Write, WriteSet,
};

/// A place to roll back to: the number of writes before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Savepoint(u64);

/// Whether reads enter the read set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadTracking {
    /// READ COMMITTED, REPEATABLE READ, snapshot: reads are not validated.
    Off,
    /// SERIALIZABLE: every read is validated at commit if the transaction writes.
    On,
}

/// Counter value from its stored bytes; absent and malformed are 0.
fn counter(bytes: Option<&Bytes>) -> i64 {
    bytes.and_then(|b| <[u8; 8]>::try_from(b.as_ref()).ok()).map_or(0, i64::from_be_bytes)
}

type Operations = SmallVec<[(u64, Operation); 1]>;

/// Keys that may have been written: a set bit says "maybe". Most keys that are asked for were not,
/// and a look at one bit is cheaper than a search in the tree.
#[derive(Default)]
struct Written([u64; 8]);

impl Written {
    fn place(key: &[u8]) -> (usize, u64) {
        let mut last = [0; 8];
        let tail = key.get(key.len().saturating_sub(8)..).unwrap_or_default();
        last[..tail.len()].copy_from_slice(tail);
        let mixed = u64::from_le_bytes(last).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        ((mixed >> 61) as usize, 1 << (mixed >> 55 & 63))
    }

    fn insert(&mut self, key: &[u8]) {
        let (word, bit) = Self::place(key);
        self.0[word] |= bit;
    }

    fn may_hold(&self, key: &[u8]) -> bool {
        let (word, bit) = Self::place(key);
        self.0[word] & bit != 0
    }
}

#[derive(Default)]
struct Own {
    writes: BTreeMap<Bytes, Operations>,
    /// Of `writes`; never too few.
    written: Written,
    sequence: u64,
    /// The sequences that a savepoint or statement may still ask for.
    marks: SmallVec<[u64; 4]>,
    /// Keys written since the first mark, so that a rollback looks at what it undoes and no more.
    touched: Vec<(u64, Bytes)>,
    /// In order of their sequence; a lock counts as a write in it.
    locks: Vec<(u64, LockRequest)>,
    size: usize,
    reads: Reads,
}

impl Own {
    /// The newest operations of a key at or below `until`: the last put or delete, and the adds
    /// after it.
    fn newest(&self, key: &[u8], until: u64) -> Seen {
        if !self.written.may_hold(key) {
            return Seen::Nothing;
        }
        self.writes.get(key).map_or(Seen::Nothing, |operations| Seen::of(operations, until))
    }
}

/// What own writes say about a key.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Nothing,
    Value(Option<Bytes>),
    /// Only deltas: the store's value plus this.
    Delta(i64),
}

impl Seen {
    fn of(operations: &Operations, until: u64) -> Seen {
        let mut delta = 0i64;
        let mut any = false;
        for (sequence, operation) in operations.iter().rev() {
            if *sequence > until {
                continue;
            }
            match operation {
                Operation::Add(n) => {
                    any = true;
                    delta = delta.wrapping_add(*n);
                }
                Operation::Put(value) if !any => return Seen::Value(Some(value.clone())),
                Operation::Delete if !any => return Seen::Value(None),
                Operation::Put(value) => return Seen::Value(Some(sum(Some(value), delta))),
                Operation::Delete => return Seen::Value(Some(sum(None, delta))),
            }
        }
        if any { Seen::Delta(delta) } else { Seen::Nothing }
    }

    /// The value that a reader sees, given the store's.
    fn over(self, stored: Option<Bytes>) -> Option<Bytes> {
        match self {
            Seen::Nothing => stored,
            Seen::Value(value) => value,
            Seen::Delta(delta) => Some(sum(stored.as_ref(), delta)),
        }
    }
}

fn sum(value: Option<&Bytes>, delta: i64) -> Bytes {
    Bytes::copy_from_slice(&counter(value).wrapping_add(delta).to_be_bytes())
}

/// One transaction: own writes over a store's transaction.
pub struct Buffer {
    transaction: Box<dyn Transaction>,
    own: Mutex<Own>,
    tracking: ReadTracking,
    write_set_bytes_max: usize,
    key_bytes_max: usize,
    value_bytes_max: usize,
    cancel: CancelToken,
}

/// All own writes are visible.
pub const OWN_ALL: u64 = u64::MAX;

impl Buffer {
    /// Wraps a fresh transaction.
    pub fn new(
        transaction: Box<dyn Transaction>,
        offers: &Offers,
        tracking: ReadTracking,
        cancel: CancelToken,
    ) -> Self {
        Buffer {
            transaction,
            own: Mutex::default(),
            tracking,
            write_set_bytes_max: offers.write_set_bytes_max,
            key_bytes_max: offers.key_bytes_max,
            value_bytes_max: offers.value_bytes_max,
            cancel,
        }
    }

    /// The transaction's name.
    pub fn id(&self) -> TransactionId {
        self.transaction.id()
    }

    /// What snapshot reads show.
    pub fn snapshot(&self) -> Stamp {
        self.transaction.snapshot()
    }

    /// Whether a snapshot taken now would be this transaction's, as far as can be told at once.
    pub fn is_newest(&self) -> bool {
        self.transaction.is_newest()
    }

    /// The flag that ends this transaction's waits.
    pub fn cancel_token(&self) -> &CancelToken {
        &self.cancel
    }

    /// Moves the snapshot to now. With read tracking on it stays where it is after the first read:
    /// a serializable transaction has one snapshot.
    pub async fn refresh(&self) -> Result<Stamp> {
        if self.tracking == ReadTracking::On && !self.own.lock().reads.is_empty() {
            return Ok(self.transaction.snapshot());
        }
        self.transaction.refresh().await
    }

    /// The number of writes so far: hand it to `get_until`/`scan_until` to hide later own writes.
    pub fn sequence(&self) -> u64 {
        self.own.lock().sequence
    }

    /// Whether anything was written.
    pub fn has_writes(&self) -> bool {
        !self.own.lock().writes.is_empty()
    }

    /// One value, own writes included.
    pub async fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        self.get_until(key, OWN_ALL, View::Snapshot).await
    }

    /// One value of the snapshot that the commit does not depend on: for estimates.
    pub async fn peek(&self, key: &[u8]) -> Result<Option<Bytes>> {
        let seen = self.own.lock().newest(key, OWN_ALL);
        match seen {
            Seen::Value(value) => Ok(value),
            seen => Ok(seen.over(self.transaction.get(key, View::Snapshot).await?)),
        }
    }

    /// One value under a view, own writes up to a sequence included.
    pub async fn get_until(&self, key: &[u8], until: u64, view: View) -> Result<Option<Bytes>> {
        let seen = self.own.lock().newest(key, until);
        if let Seen::Value(value) = seen {
            return Ok(value);
        }
        self.track_point(key, view);
        Ok(seen.over(self.transaction.get(key, view).await?))
    }

    /// One value if it is at hand without waiting; `None` means: ask `get_until`.
    pub fn get_now(&self, key: &[u8], until: u64, view: View) -> Option<Result<Option<Bytes>>> {
        let seen = self.own.lock().newest(key, until);
        if let Seen::Value(value) = seen {
            return Some(Ok(value));
        }
        let result = self.transaction.get(key, view).now().ok()?;
        self.track_point(key, view);
        Some(result.map(|stored| seen.over(stored)))
    }

    /// Many values, in the order of the keys, own writes included.
    pub async fn get_many(
        &self,
        keys: &[Bytes],
        until: u64,
        view: View,
    ) -> Result<Vec<Option<Bytes>>> {
        let seen: Vec<Seen> = {
            let own = self.own.lock();
            keys.iter().map(|key| own.newest(key, until)).collect()
        };
        let asked = keys.iter().zip(&seen).filter(|(_, seen)| !matches!(seen, Seen::Value(_)));
        let asked: Vec<Bytes> = asked.map(|(key, _)| key.clone()).collect();
        for key in &asked {
            self.track_point(key, view);
        }
        let mut stored = self.transaction.get_many(&asked, view).await?.into_iter();
        let answers = seen.into_iter().map(|seen| match seen {
            Seen::Value(value) => value,
            unknown => unknown.over(stored.next().flatten()),
        });
        Ok(answers.collect())
    }

    /// One page of a range, own writes included.
    pub async fn scan(&self, scan: &Scan) -> Result<Page> {
        self.scan_until(scan, OWN_ALL, View::Snapshot).await
    }

    /// One page of a range under a view, own writes up to a sequence included.
    pub async fn scan_until(&self, scan: &Scan, until: u64, view: View) -> Result<Page> {
        let page = self.transaction.scan(scan, view).await?;
        Ok(self.merged(scan, page, until, view))
    }

    /// One page if it is at hand without waiting; `None` means: ask `scan_until`.
    pub fn scan_now(&self, scan: &Scan, until: u64, view: View) -> Option<Result<Page>> {
        let page = self.transaction.scan(scan, view).now().ok()?;
        Some(page.map(|page| self.merged(scan, page, until, view)))
    }

    fn merged(&self, scan: &Scan, page: Page, until: u64, view: View) -> Page {
        self.track_range(scan, &page, view);
        let own = self.own.lock();
        if own.writes.is_empty() {
            return page;
        }
        let (start, end) = covered(scan, &page);
        if !end.is_empty() && start >= end {
            return page;
        }
        let mine = own
            .writes
            .range::<[u8], _>((Bound::Included(start.as_ref()), upper(&end)))
            .map(|(key, operations)| (key, Seen::of(operations, until)));
        match scan.direction {
            Direction::Forward => merge(page, mine, |a, b| a.cmp(b)),
            Direction::Backward => merge(page, mine.rev(), |a, b| b.cmp(a)),
        }
    }

    fn track_point(&self, key: &[u8], view: View) {
        if self.tracking == ReadTracking::On && view == View::Snapshot {
            let since = self.transaction.snapshot();
            self.own.lock().reads.point(PointRead { key: Bytes::copy_from_slice(key), since });
        }
    }

    fn track_range(&self, scan: &Scan, page: &Page, view: View) {
        if self.tracking == ReadTracking::On && view == View::Snapshot {
            let (start, end) = covered(scan, page);
            let since = self.transaction.snapshot();
            self.own.lock().reads.range(RangeRead { start, end, since, test: None });
        }
    }

    /// Makes the commit depend on a key that was read elsewhere (WATCH).
    pub fn depend(&self, read: PointRead) {
        self.own.lock().reads.point(read);
    }

    /// Makes the commit depend on a range.
    pub fn depend_range(&self, read: RangeRead) {
        self.own.lock().reads.range(read);
    }

    /// Sets a key.
    pub fn put(&self, key: Bytes, value: Bytes) -> Result<()> {
        self.write(key, Operation::Put(value))
    }

    /// Removes a key.
    pub fn delete(&self, key: Bytes) -> Result<()> {
        self.write(key, Operation::Delete)
    }

    /// Changes a counter by a delta that the committer merges.
    pub fn add(&self, key: Bytes, delta: i64) -> Result<()> {
        self.write(key, Operation::Add(delta))
    }

    fn write(&self, key: Bytes, operation: Operation) -> Result<()> {
        self.check_size(&key, &operation)?;
        let mut guard = self.own.lock();
        let own = &mut *guard;
        let added = write_size(key.len(), &operation);
        if own.size + added > self.write_set_bytes_max {
            return Err(Error::TooLarge { what: "write set", limit: self.write_set_bytes_max });
        }
        own.sequence += 1;
        own.size += added;
        let entry = (own.sequence, operation);
        let needed_from = own.marks.last().copied().unwrap_or(0);
        if !own.marks.is_empty() {
            make_room(&mut own.touched);
            own.touched.push((own.sequence, key.clone()));
        }
        own.written.insert(&key);
        match own.writes.entry(key) {
            Entry::Occupied(mut known) => {
                let bytes = known.key().len();
                own.size -= push(known.get_mut(), entry, needed_from, bytes);
            }
            Entry::Vacant(slot) => {
                slot.insert(smallvec![entry]);
            }
        }
        Ok(())
    }

    fn check_size(&self, key: &Bytes, operation: &Operation) -> Result<()> {
        if key.is_empty() {
            return Err(Error::Unsupported("an empty key"));
        }
        if key.len() > self.key_bytes_max {
            return Err(Error::TooLarge { what: "key", limit: self.key_bytes_max });
        }
        match operation {
            Operation::Put(value) if value.len() > self.value_bytes_max => {
                Err(Error::TooLarge { what: "value", limit: self.value_bytes_max })
            }
            _ => Ok(()),
        }
    }

    /// Marks a place to come back to. Savepoints nest; `release` the newest when it is no longer
    /// needed.
    pub fn savepoint(&self) -> Savepoint {
        let mut own = self.own.lock();
        let sequence = own.sequence;
        own.marks.push(sequence);
        Savepoint(sequence)
    }

    /// Forgets a savepoint and those after it; the writes stay.
    pub fn release(&self, savepoint: Savepoint) {
        let mut own = self.own.lock();
        if let Some(at) = own.marks.iter().rposition(|mark| *mark == savepoint.0) {
            own.marks.truncate(at);
        }
        if own.marks.is_empty() {
            own.touched.clear();
        }
    }

    /// Undoes every write and gives up every lock since the savepoint, which stays usable.
    pub fn rollback_to(&self, savepoint: Savepoint) {
        let (dropped, weaker) = {
            let mut own = self.own.lock();
            let at = own.marks.iter().rposition(|mark| *mark == savepoint.0);
            if let Some(at) = at {
                own.marks.truncate(at + 1);
            }
            own.undo_after(savepoint.0, at.is_some())
        };
        if !dropped.is_empty() {
            self.transaction.unlock(&dropped);
        }
        if !weaker.is_empty() {
            self.transaction.weaken(&weaker);
        }
    }

    /// Locks keys until the end of the transaction and reads the latest, own writes on top.
    pub async fn lock(&self, keys: &[LockRequest], wait: Wait) -> Result<LockedRows> {
        let mut locked = self.transaction.lock(keys, wait).await?;
        let mut own = self.own.lock();
        own.sequence += 1;
        let sequence = own.sequence;
        for (request, locked) in keys.iter().zip(&mut locked) {
            if let Locked::Held { value, .. } = locked {
                make_room(&mut own.locks);
                own.locks.push((sequence, request.clone()));
                *value = own.newest(&request.key, OWN_ALL).over(value.take());
            }
        }
        Ok(locked)
    }

    /// Bulk rows under a fresh id that only this transaction's catalogue write will publish.
    pub async fn stage(&self, writes: WriteSet) -> Result<()> {
        self.transaction.stage(writes).await
    }

    /// The whole write set as it stands (for a check or a note before the commit).
    pub fn write_set(&self) -> WriteSet {
        self.own.lock().write_set()
    }

    /// Commits. A read-only transaction is not validated, it only waits for what it has seen.
    pub fn commit(
        self,
        durability: Durability,
        note: Bytes,
        quiet: bool,
    ) -> Answer<'static, Committed> {
        let (writes, reads) = {
            let mut own = self.own.lock();
            (own.take_write_set(), std::mem::take(&mut own.reads))
        };
        let reads = if writes.is_empty() { ReadSet::default() } else { reads.into_read_set() };
        self.transaction.commit(Commit { writes, reads, durability, lock_wait: None, note, quiet })
    }

    /// Gives everything up, and waits until what the transaction saw is visible. Its locks are free
    /// before the wait.
    pub fn rollback(self) -> impl Future<Output = Result<()>> + Send {
        let locks: Vec<Bytes> = self.own.lock().locks.drain(..).map(|(_, lock)| lock.key).collect();
        self.transaction.unlock(&locks);
        let transaction = self.transaction;
        async move { transaction.settle().await }
    }

    /// Waits until what this transaction saw is visible (before a reply that ends it).
    pub async fn settle(&self) -> Result<()> {
        self.transaction.settle().await
    }
}

impl Own {
    /// Undoes what came after a mark; answers the keys of the locks to give up, and those locks
    /// that were weaker before, as they were. A mark that was released can be rolled back to as
    /// well, only more slowly.
    fn undo_after(&mut self, mark: u64, is_marked: bool) -> (Vec<Bytes>, Vec<LockRequest>) {
        let kept = self.touched.partition_point(|(sequence, _)| *sequence <= mark);
        let mut keys: Vec<Bytes> = self.touched.drain(kept..).map(|(_, key)| key).collect();
        if !is_marked {
            keys = self.writes.keys().cloned().collect();
        }
        for key in keys {
            self.undo_key(&key, mark);
        }
        let kept = self.locks.partition_point(|(sequence, _)| *sequence <= mark);
        let mut dropped: Vec<Bytes> = self.locks.drain(kept..).map(|(_, lock)| lock.key).collect();
        dropped.sort_unstable();
        dropped.dedup();
        let mut before: HashMap<&Bytes, LockMode> = HashMap::new();
        if !dropped.is_empty() {
            for (_, lock) in &self.locks {
                let mode = before.entry(&lock.key).or_insert(lock.mode);
                *mode = lock.mode.max(*mode);
            }
        }
        let mut weaker = Vec::new();
        dropped.retain(|key| match before.get(key) {
            Some(mode) => {
                weaker.push(LockRequest { key: key.clone(), mode: *mode });
                false
            }
            None => true,
        });
        (dropped, weaker)
    }

    fn undo_key(&mut self, key: &Bytes, mark: u64) {
        let Some(operations) = self.writes.get_mut(key) else { return };
        let mut freed = 0;
        operations.retain(|(sequence, operation)| {
            let keep = *sequence <= mark;
            if !keep {
                freed += write_size(key.len(), operation);
            }
            keep
        });
        self.size -= freed;
        if operations.is_empty() {
            self.writes.remove(key);
        }
    }

    fn write_set(&self) -> WriteSet {
        let writes = self.writes.iter().filter_map(|(key, operations)| {
            let operation = whole(operations)?;
            Some(Write { key: key.clone(), operation })
        });
        WriteSet::new(writes.collect())
    }

    /// As `write_set`, at the end: nothing is copied.
    fn take_write_set(&mut self) -> WriteSet {
        let writes = std::mem::take(&mut self.writes).into_iter();
        let writes = writes.filter_map(|(key, mut operations)| {
            let operation = match operations.len() {
                1 => operations.pop()?.1,
                _ => whole(&operations)?,
            };
            Some(Write { key, operation })
        });
        WriteSet::new(writes.collect())
    }
}

/// What all operations of a key come to.
fn whole(operations: &Operations) -> Option<Operation> {
    match Seen::of(operations, OWN_ALL) {
        Seen::Nothing => None,
        Seen::Value(Some(value)) => Some(Operation::Put(value)),
        Seen::Value(None) => Some(Operation::Delete),
        Seen::Delta(delta) => Some(Operation::Add(delta)),
    }
}

/// Room for one more; the first time for as many as a transaction of several keys wants.
fn make_room<T>(list: &mut Vec<T>) {
    if list.capacity() == 0 {
        list.reserve(ROOM);
    }
}

/// See [`make_room`].
const ROOM: usize = 16;

fn write_size(key_bytes: usize, operation: &Operation) -> usize {
    key_bytes + 16 + if let Operation::Put(value) = operation { value.len() } else { 8 }
}

/// Appends an operation; replaces those that no mark can ask for, and adds up deltas. Answers the
/// bytes freed.
fn push(
    operations: &mut Operations,
    entry: (u64, Operation),
    needed_from: u64,
    key_bytes: usize,
) -> usize {
    let (sequence, mut operation) = entry;
    let mut freed = 0;
    while let Some((_, last)) = operations.last().filter(|last| last.0 > needed_from) {
        operation = match (operation, last) {
            (Operation::Add(delta), Operation::Add(before)) => {
                Operation::Add(before.wrapping_add(delta))
            }
            (Operation::Add(delta), Operation::Put(before)) => {
                Operation::Put(sum(Some(before), delta))
            }
            (Operation::Add(delta), Operation::Delete) => Operation::Put(sum(None, delta)),
            (whole, _) => whole,
        };
        freed += write_size(key_bytes, last);
        operations.pop();
    }
    operations.push((sequence, operation));
    freed
}

/// The part of the range that a page answers for.
fn covered(scan: &Scan, page: &Page) -> (Bytes, Bytes) {
    match (&page.next, scan.direction) {
        (None, _) => (scan.start.clone(), scan.end.clone()),
        (Some(next), Direction::Forward) => (scan.start.clone(), next.clone()),
        (Some(next), Direction::Backward) => (next.clone(), scan.end.clone()),
    }
}

fn upper(end: &Bytes) -> Bound<&[u8]> {
    if end.is_empty() { Bound::Unbounded } else { Bound::Excluded(end.as_ref()) }
}

fn merge<'a>(
    page: Page,
    mine: impl Iterator<Item = (&'a Bytes, Seen)>,
    order: impl Fn(&[u8], &[u8]) -> std::cmp::Ordering,
) -> Page {
    let mut merged = Vec::with_capacity(page.records.len());
    let mut stored = page.records.into_iter().peekable();
    for (key, seen) in mine {
        while let Some(record) = stored.next_if(|(k, _)| order(k, key).is_lt()) {
            merged.push(record);
        }
        let old = stored.next_if(|(k, _)| k == key).map(|(_, value)| value);
        if let Some(value) = seen.over(old) {
            merged.push((key.clone(), value));
        }
    }
    merged.extend(stored);
    Page { records: merged, next: page.next }
}

impl PageLimit {
    /// A page of at most so many records.
    pub fn records(records: usize) -> Self {
        PageLimit { records, ..PageLimit::default() }
    }
}
