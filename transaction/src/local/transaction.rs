//! One transaction: a snapshot, the locks it holds, and the highest stamp it saw.
//!
//! Its state is small and behind its own cells, so every method takes `&self`. Reads of a local
//! store never wait and answer `Ready`; `lock`, `settle` and `commit` run as futures that are
//! polled once on the spot, and mostly are done by then.
//!
//! Invariant: the snapshot is in the registry from `begin` until `release`; all keys in `held` are
//! held in the lock table in at least that mode. Dropping gives both back, from any await.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use parking_lot::Mutex;
use smallvec::{SmallVec, smallvec};

use super::locks::{Request, Ticket};
use super::{Shared, eager};
use crate::store::Transaction;
use crate::{
    Answer, Begin, CancelToken, Commit, Committed, Error, LockMode, LockRequest, Locked,
    LockedRows, Page, Result, Scan, Stamp, TransactionId, View, Wait, WriteSet,
};

/// A lock that a transaction holds.
struct HeldLock {
    hash: u64,
    key: Bytes,
    mode: LockMode,
}

/// Keys that a transaction has locked, and how. A `hash` is the key's, by the store's hasher.
#[derive(Default)]
pub(super) struct Held(HashTable<HeldLock>);

/// Locks for which there is room with the first; as many as fit into a table of sixteen.
const ROOM: usize = 14;

impl Held {
    /// Whether nothing is locked.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How a key is locked.
    pub fn mode(&self, hash: u64, key: &[u8]) -> Option<LockMode> {
        self.0.find(hash, |held| held.key == key).map(|held| held.mode)
    }

    /// A key is locked in this mode now, or in a stronger one as before.
    fn raise(&mut self, hash: u64, key: &Bytes, mode: LockMode) {
        if self.0.capacity() == 0 {
            // Growing from one to this by doubling costs more than this.
            self.0.reserve(ROOM, |held| held.hash);
        }
        match self.0.entry(hash, |held| held.key == *key, |held| held.hash) {
            Entry::Occupied(mut held) => {
                let held = &mut held.get_mut().mode;
                *held = mode.max(*held);
            }
            Entry::Vacant(slot) => {
                slot.insert(HeldLock { hash, key: key.clone(), mode });
            }
        }
    }

    /// Falls back to what was held before, or to nothing; false where nothing was held.
    fn restore(&mut self, hash: u64, key: &[u8], mode: Option<LockMode>) -> bool {
        let Ok(mut held) = self.0.find_entry(hash, |held| held.key == key) else { return false };
        match mode {
            Some(mode) => held.get_mut().mode = mode,
            None => drop(held.remove()),
        }
        true
    }
}

/// A running transaction of a local store.
pub(super) struct LocalTransaction {
    shared: Arc<Shared>,
    owner: u64,
    snapshot: AtomicU64,
    seen: AtomicU64,
    held: Mutex<Held>,
    /// Keys locked by the commit itself: nobody asks for them by name, so a list will do.
    held_to_end: Mutex<SmallVec<[(u64, Bytes); 4]>>,
    id: OnceLock<TransactionId>,
    /// Whether somebody was told the id, so that `outcome` may be asked while we run.
    revealed: AtomicBool,
    released: AtomicBool,
    cancel: CancelToken,
}

impl LocalTransaction {
    /// Starts a transaction.
    pub fn begin(shared: &Arc<Shared>, begin: Begin) -> Result<Self> {
        shared.life.check_open()?;
        let owner = shared.owner();
        let visible = shared.progress.glance(&shared.journal);
        let published = shared.progress.published();
        let mut at_least = begin.at_least;
        if at_least > published {
            // Not a stamp of ours, or one from before a crash: no later commit may slip below it.
            at_least = shared.committer.lock().clock.observe(at_least);
        }
        let snapshot = match begin.as_of {
            None => shared.snapshots.begin(owner, shared.progress.visible_cell(), at_least),
            Some(as_of) if as_of > visible => {
                return Err(Error::Unavailable("this position is not visible yet"));
            }
            Some(as_of) if shared.snapshots.begin_at(owner, as_of) => as_of,
            Some(_) => return Err(Error::SnapshotTooOld),
        };
        Ok(LocalTransaction {
            shared: Arc::clone(shared),
            owner,
            snapshot: AtomicU64::new(snapshot.0),
            seen: AtomicU64::new(at_least.min(published).0),
            held: Mutex::default(),
            held_to_end: Mutex::default(),
            id: OnceLock::new(),
            revealed: AtomicBool::new(false),
            released: AtomicBool::new(false),
            cancel: begin.cancel,
        })
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(super) fn cancel(&self) -> &CancelToken {
        &self.cancel
    }

    pub(super) fn snapshot_stamp(&self) -> Stamp {
        Stamp(self.snapshot.load(Ordering::Acquire))
    }

    pub(super) fn seen_stamp(&self) -> Stamp {
        Stamp(self.seen.load(Ordering::Acquire))
    }

    /// The id, made when it is first needed.
    pub(super) fn transaction_id(&self) -> TransactionId {
        *self.id.get_or_init(|| self.shared.ids.fresh())
    }

    /// Whether somebody was told the id.
    pub(super) fn is_revealed(&self) -> bool {
        self.revealed.load(Ordering::Acquire)
    }

    pub(super) fn with_held<T>(&self, with: impl FnOnce(&Held) -> T) -> T {
        with(&self.held.lock())
    }

    /// Frees the locks and ends the snapshot. Idempotent.
    pub(super) fn release(&self) {
        if self.released.swap(true, Ordering::AcqRel) {
            return;
        }
        let held = std::mem::take(&mut *self.held.lock());
        let held_to_end = std::mem::take(&mut *self.held_to_end.lock());
        for HeldLock { hash, key, .. } in held.0 {
            self.shared.locks.unlock(self.owner, hash, &key);
        }
        for (hash, key) in held_to_end {
            self.shared.locks.unlock(self.owner, hash, &key);
        }
        self.shared.snapshots.end(self.owner, self.snapshot_stamp());
    }

    /// Takes a new snapshot where the budget has ended the old one: counters are read under its
    /// protection.
    pub(super) fn ensure_snapshot(&self) {
        if self.shared.snapshots.has_ended(self.snapshot_stamp()) {
            self.move_snapshot();
        }
    }

    fn move_snapshot(&self) -> Stamp {
        let old = self.snapshot_stamp();
        let visible = self.shared.progress.visible_cell();
        let new = self.shared.snapshots.refresh(self.owner, old, visible, self.seen_stamp());
        self.snapshot.store(new.0, Ordering::Release);
        new
    }

    /// Waits until everything that was seen is visible.
    pub(super) async fn settle_seen(&self) -> Result<()> {
        let (shared, seen) = (&self.shared, self.seen_stamp());
        if shared.progress.is_visible(seen, &shared.journal) {
            return Ok(());
        }
        let waited = shared.progress.wait_visible(seen, &shared.journal).await;
        waited.map_err(|error| shared.unknown(self.transaction_id(), &error))
    }

    // Locks.

    /// How a key is locked by this transaction.
    fn mode_held(&self, hash: u64, key: &[u8]) -> Option<LockMode> {
        self.held.lock().mode(hash, key)
    }

    fn try_lock(&self, hash: u64, key: &Bytes, mode: LockMode) -> bool {
        matches!(self.shared.locks.try_lock(self.owner, hash, key, mode), Request::Granted)
    }

    /// Takes a lock that is stronger than what is held, if nobody is in the way.
    fn try_hold(&self, hash: u64, key: &Bytes, mode: LockMode) -> bool {
        let granted = self.try_lock(hash, key, mode);
        if granted {
            self.held.lock().raise(hash, key, mode);
        }
        granted
    }

    /// As `try_hold`, for a commit: cheaper, and given back only by `release`.
    pub(super) fn try_hold_to_end(&self, hash: u64, key: &Bytes, mode: LockMode) -> bool {
        let granted = self.try_lock(hash, key, mode);
        if granted {
            self.held_to_end.lock().push((hash, key.clone()));
        }
        granted
    }

    /// Takes a lock, waiting as told; false where it is skipped.
    pub(super) async fn hold(
        &self,
        hash: u64,
        key: &Bytes,
        mode: LockMode,
        wait: Wait,
    ) -> Result<bool> {
        if self.try_hold(hash, key, mode) {
            return Ok(true);
        }
        match wait {
            Wait::No => return Err(Error::LockNotAvailable),
            Wait::Skip => return Ok(false),
            Wait::Forever | Wait::For(_) => {}
        }
        match self.shared.locks.lock(self.owner, key, mode) {
            Request::Granted => {}
            Request::Wait(ticket) => self.queue(ticket, wait).await?,
            Request::Deadlock => return Err(Error::Deadlock),
            Request::Busy => return Err(Error::Internal("a queued lock was busy")),
        }
        self.held.lock().raise(hash, key, mode);
        Ok(true)
    }

    async fn queue(&self, mut ticket: Ticket, wait: Wait) -> Result<()> {
        let (timed, limit) = match wait {
            Wait::For(limit) => (true, limit),
            _ => (false, std::time::Duration::ZERO),
        };
        let sleep = self.shared.timer.after(limit);
        tokio::select! {
            biased;
            () = &mut ticket => Ok(()),
            () = self.cancel.cancelled() => Err(Error::Cancelled),
            () = self.shared.life.closed.cancelled() => Err(Error::Closed),
            () = sleep, if timed => Err(Error::LockTimeout),
        }
    }

    /// Locks in key order; on an error gives back what this call took.
    async fn lock_all(&self, keys: &[LockRequest], wait: Wait) -> Result<LockedRows> {
        self.shared.life.check_writable()?;
        let mut order: Vec<usize> = (0..keys.len()).collect();
        if !keys.is_sorted_by(|a, b| a.key <= b.key) {
            order.sort_by(|a, b| keys.get(*a).map(|r| &r.key).cmp(&keys.get(*b).map(|r| &r.key)));
        }
        let hashes: Vec<u64> =
            keys.iter().map(|request| self.shared.hasher.hash(&request.key)).collect();
        let mut undo = Undo { transaction: self, taken: Vec::new() };
        let mut skipped = vec![false; keys.len()];
        for at in order {
            let (Some(LockRequest { key, mode }), Some(&hash)) = (keys.get(at), hashes.get(at))
            else {
                continue;
            };
            let before = self.mode_held(hash, key);
            if before.is_some_and(|before| before >= *mode) {
                continue;
            }
            if self.hold(hash, key, *mode, wait).await? {
                undo.taken.push((hash, key.clone(), before));
            } else if let Some(skipped) = skipped.get_mut(at) {
                *skipped = true;
            }
        }
        self.shared.life.check_writable()?;
        let locked = keys.iter().zip(hashes).zip(skipped).map(|((request, hash), skipped)| {
            if skipped { Ok(Locked::Skipped) } else { self.read_locked(hash, &request.key) }
        });
        let locked = locked.collect::<Result<LockedRows>>()?;
        undo.taken.clear();
        Ok(locked)
    }

    /// One lock that is free, and its value: what nearly every statement by key asks for. `None`
    /// where it would have to wait.
    fn lock_at_once(&self, request: &LockRequest) -> Option<Result<LockedRows>> {
        let LockRequest { key, mode } = request;
        if let Err(error) = self.shared.life.check_writable() {
            return Some(Err(error));
        }
        let hash = self.shared.hasher.hash(key);
        let before = self.mode_held(hash, key);
        let takes = before.is_none_or(|before| before < *mode);
        if takes && !self.try_hold(hash, key, *mode) {
            return None;
        }
        let locked = self.read_locked(hash, key).map(|locked| smallvec![locked]);
        if locked.is_err() && takes {
            drop(Undo { transaction: self, taken: vec![(hash, key.clone(), before)] });
        }
        Some(locked)
    }

    fn read_locked(&self, hash: u64, key: &[u8]) -> Result<Locked> {
        let (stamp, value) = self.read_latest(hash, key)?;
        Ok(Locked::Held { value, stamp })
    }

    // Reads.

    fn read_latest(&self, hash: u64, key: &[u8]) -> Result<(Stamp, Option<Bytes>)> {
        let (stamp, value) = self.shared.read_hashed(hash, key, Stamp::MAX)?;
        self.shared.note_seen(&self.seen, stamp);
        Ok((stamp, value))
    }

    fn read_snapshot(&self, key: &[u8]) -> Result<Option<Bytes>> {
        let at = self.snapshot_stamp();
        let read = self.shared.read(key, at);
        self.check_alive(at)?;
        read.map(|(_, value)| value)
    }

    /// To be asked after each read: what a snapshot needs is given up only after it was ended.
    fn check_alive(&self, at: Stamp) -> Result<()> {
        if self.released.load(Ordering::Acquire) {
            return Err(Error::Internal("a transaction was used after its end"));
        }
        if self.shared.snapshots.has_ended(at) { Err(Error::SnapshotTooOld) } else { Ok(()) }
    }

    fn read_one(&self, key: &[u8], view: View) -> Result<Option<Bytes>> {
        self.shared.life.check_open()?;
        match view {
            View::Snapshot => self.read_snapshot(key),
            View::Latest => {
                self.read_latest(self.shared.hasher.hash(key), key).map(|(_, value)| value)
            }
        }
    }

    fn read_page(&self, scan: &Scan, view: View) -> Result<Page> {
        self.shared.life.check_open()?;
        if self.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        match view {
            View::Snapshot => {
                let at = self.snapshot_stamp();
                let page = self.shared.page(scan, at);
                self.check_alive(at)?;
                page.map(|(page, _)| page)
            }
            View::Latest => {
                // A snapshot beyond the visible for the length of the page: whole commits only.
                let shared = &self.shared;
                let published = shared.progress.published_cell();
                let at = shared.snapshots.begin(self.owner, published, Stamp::ZERO);
                let page = shared.page(scan, at);
                shared.snapshots.end(self.owner, at);
                let (page, newest) = page?;
                if shared.snapshots.has_ended(at) {
                    return Err(Error::Unavailable("the memory budget ended a read"));
                }
                shared.note_seen(&self.seen, newest);
                Ok(page)
            }
        }
    }
}

/// Gives locks back when a request for several fails half way, or its future is dropped.
struct Undo<'a> {
    transaction: &'a LocalTransaction,
    taken: Vec<(u64, Bytes, Option<LockMode>)>,
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        for (hash, key, before) in self.taken.drain(..) {
            let transaction = self.transaction;
            transaction.held.lock().restore(hash, &key, before);
            transaction.shared.locks.restore(transaction.owner, hash, &key, before);
        }
    }
}

impl Drop for LocalTransaction {
    fn drop(&mut self) {
        self.release();
        if self.is_revealed() {
            self.shared.outcomes.hide(self.transaction_id());
        }
    }
}

impl Transaction for LocalTransaction {
    fn id(&self) -> TransactionId {
        let id = self.transaction_id();
        if !self.revealed.swap(true, Ordering::AcqRel) {
            self.shared.outcomes.reveal(id);
        }
        id
    }

    fn snapshot(&self) -> Stamp {
        self.snapshot_stamp()
    }

    fn refresh(&self) -> Answer<'_, Stamp> {
        self.shared.progress.glance(&self.shared.journal);
        Answer::ready(self.shared.life.check_open().map(|()| self.move_snapshot()))
    }

    fn get<'a>(&'a self, key: &'a [u8], view: View) -> Answer<'a, Option<Bytes>> {
        Answer::ready(self.read_one(key, view))
    }

    fn get_many<'a>(&'a self, keys: &'a [Bytes], view: View) -> Answer<'a, Vec<Option<Bytes>>> {
        Answer::ready(keys.iter().map(|key| self.read_one(key, view)).collect())
    }

    fn scan<'a>(&'a self, scan: &'a Scan, view: View) -> Answer<'a, Page> {
        Answer::ready(self.read_page(scan, view))
    }

    fn lock<'a>(&'a self, keys: &'a [LockRequest], wait: Wait) -> Answer<'a, LockedRows> {
        if let [request] = keys
            && let Some(locked) = self.lock_at_once(request)
        {
            return Answer::ready(locked);
        }
        eager(self.lock_all(keys, wait))
    }

    fn unlock(&self, keys: &[Bytes]) {
        for key in keys {
            let hash = self.shared.hasher.hash(key);
            if self.held.lock().restore(hash, key, None) {
                self.shared.locks.unlock(self.owner, hash, key);
            }
        }
    }

    fn weaken(&self, locks: &[LockRequest]) {
        for LockRequest { key, mode } in locks {
            let hash = self.shared.hasher.hash(key);
            let mut held = self.held.lock();
            let weakens = held.mode(hash, key).is_some_and(|held| held > *mode);
            if weakens && held.restore(hash, key, Some(*mode)) {
                drop(held);
                self.shared.locks.restore(self.owner, hash, key, Some(*mode));
            }
        }
    }

    fn stage(&self, writes: WriteSet) -> Answer<'_, ()> {
        eager(async move {
            self.shared.admit(&self.cancel).await?;
            self.shared.stage(self.transaction_id(), writes).await
        })
    }

    fn is_newest(&self) -> bool {
        let snapshot = self.snapshot_stamp();
        self.shared.progress.glance(&self.shared.journal) == snapshot
            && !self.shared.snapshots.has_ended(snapshot)
    }

    fn settle(&self) -> Answer<'_, ()> {
        eager(self.settle_seen())
    }

    fn commit(self: Box<Self>, commit: Commit) -> Answer<'static, Committed> {
        if commit.writes.is_empty()
            && let Some(committed) = self.finish_at_once(&commit.reads)
        {
            return Answer::ready(committed);
        }
        eager(async move { self.run_commit(commit).await })
    }
}
