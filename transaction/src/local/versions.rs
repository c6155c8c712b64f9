//! The version table: every version that the engine does not hold yet, and every one that it no
//! longer holds but a snapshot still needs.
//!
//! ```text
//!   points ─► hash shard ─► key ─► chain   v(12) v(17) v(31)      oldest first
//!   ranges ─► the keys in order (`order`) ─► hash shard of each
//!
//!   publish ──► push newest ──► applied ──► newest ≤ every snapshot ──► the entry leaves
//!                  │               ▲
//!                  └─ keep_base: the engine's old value, before the applier overwrites it
//! ```
//!
//! **Invariants**
//! - A key's stamps ascend, and if a key is here, its newest version is here.
//! - A key stands in the order exactly while it is in its shard, sorted in or listed to be: both
//!   change under the shard's lock.
//! - An entry leaves only when its newest version is in the engine and at or below every live
//!   snapshot. So *no entry* means: unchanged since the oldest snapshot; validation needs no
//!   engine.
//! - A version between two snapshots goes at once: a hot counter has one version for each live
//!   snapshot, the newest, and those not yet visible.
//!
//! **Why a read is right** (snapshot S, live). The reader looks here (t1), into the engine (t2),
//! and, if need be, here again. If t1 finds a version ≤ S it is the answer, as all commits ≤ S were
//! published before S was given out. Otherwise every version ≤ S had been applied and had left, so
//! at t1 the engine held the answer. After t1 the engine can only have got something newer than S;
//! then the applier kept the old value here first, and it stays while S lives. So: an engine value
//! with a stamp ≤ S is the answer; a newer one, or none, sends the reader here again, unless the
//! epoch shows that nothing was applied meanwhile.
//!
//! Rejected: an ordered map alone (a point read of an absent key, the commonest case, would search
//! twice through all its levels, where a hash shard answers in one step); one lock around a map (a
//! page of 1 000 keys would hold up every committer).

use std::ops::Bound;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Slot;
use parking_lot::RwLock;
use smallvec::SmallVec;

use super::hash::{self, KeyHasher};
use super::order::{KeyOrder, Standing};
use super::snapshots::Horizon;
use crate::store::RangeTest;
use crate::{Direction, Stamp};

const SHARDS: usize = 128;
/// Room for so many entries stays with a shard that has become empty: the next batch fills it.
const KEPT_ENTRIES: usize = 512;
/// Memory of an entry beside key and values: hash slot, place in the order.
const ENTRY_COST: usize = 200;
/// Memory of a version beside its value.
const VERSION_COST: usize = 72;

/// A value, or that there is none.
pub(super) type Value = Option<Bytes>;

#[derive(Debug, Clone)]
struct Version {
    stamp: Stamp,
    value: Value,
}

impl Version {
    fn cost(&self) -> usize {
        VERSION_COST + self.value.as_ref().map_or(0, Bytes::len)
    }
}

#[derive(Debug)]
struct Entry {
    hash: u64,
    key: Bytes,
    /// Oldest first, never empty.
    versions: SmallVec<[Version; 1]>,
    /// Prune when the chain has grown to this.
    prune_at: u32,
    /// Waits in the retained queue for a snapshot to end.
    retained: bool,
    standing: Standing,
}

impl Entry {
    fn newest(&self) -> Option<&Version> {
        self.versions.last()
    }

    fn at(&self, at: Stamp) -> Option<&Version> {
        self.versions.iter().rev().find(|version| version.stamp <= at)
    }

    /// Drops what nobody may read; answers the bytes freed.
    fn prune(&mut self, horizon: &Horizon) -> usize {
        if self.versions.len() < 2 {
            return 0;
        }
        let mut freed = 0;
        let successors: SmallVec<[Stamp; 16]> =
            self.versions.iter().skip(1).map(|version| version.stamp).collect();
        let mut successors = successors.into_iter();
        self.versions.retain(|version| {
            let keep = successors.next().is_none_or(|next| horizon.needs(version.stamp, next));
            if !keep {
                freed += version.cost();
            }
            keep
        });
        let length = u32::try_from(self.versions.len()).unwrap_or(u32::MAX / 2);
        self.prune_at = (length * 2).max(PRUNE_AT);
        if self.versions.spilled() && self.versions.capacity() / 4 > self.versions.len() {
            self.versions.shrink_to_fit();
        }
        freed
    }
}

/// A chain shorter than this is pruned by the applier only.
const PRUNE_AT: u32 = 4;

/// What the table says about a key at a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// This version is the answer.
    Version(Stamp, Value),
    /// The key is not here, or only newer versions: the engine has the answer.
    Below,
}

/// One key of a page of the table.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub key: Bytes,
    /// The version at the snapshot, if the table has it.
    pub version: Option<(Stamp, Value)>,
}

/// What becomes of an entry after its key was applied.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// Gone, or waiting for a newer version to be applied, or already in the retained queue.
    Done,
    /// A snapshot holds it: ask again when that has ended.
    Retained,
}

/// A moment in the applier's life.
#[derive(Clone, Copy)]
pub(super) struct Quiet(u64);

impl Quiet {
    /// Whether nothing was being applied then, nor has been since.
    #[inline]
    pub fn lasts(self, versions: &Versions) -> bool {
        self.0.is_multiple_of(2) && versions.epoch.load(Ordering::Acquire) == self.0
    }
}

/// The table. A `hash` that is asked for is the key's, by the store's hasher.
pub(super) struct Versions {
    shards: Box<[RwLock<HashTable<Entry>>]>,
    order: KeyOrder,
    hasher: KeyHasher,
    bytes: AtomicUsize,
    entries: AtomicUsize,
    /// Odd while a batch is being applied.
    epoch: AtomicU64,
    /// The highest newest stamp of an entry that left.
    evicted: AtomicU64,
}

impl Versions {
    /// Nothing is unapplied.
    pub fn new(hasher: KeyHasher, opened_at: Stamp) -> Self {
        Versions {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            order: KeyOrder::new(),
            hasher,
            bytes: AtomicUsize::new(0),
            entries: AtomicUsize::new(0),
            epoch: AtomicU64::new(0),
            evicted: AtomicU64::new(opened_at.0),
        }
    }

    /// Whatever has left the table was written at or before this. Ask after looking for an entry:
    /// its going is noted before it is gone.
    pub fn evicted(&self) -> Stamp {
        Stamp(self.evicted.load(Ordering::Acquire))
    }

    #[inline]
    fn place(&self, key: &[u8]) -> (u64, &RwLock<HashTable<Entry>>) {
        let hash = self.hasher.hash(key);
        (hash, self.shard(hash))
    }

    #[inline]
    fn shard(&self, hash: u64) -> &RwLock<HashTable<Entry>> {
        &self.shards[hash::shard(hash, SHARDS)]
    }

    /// Memory held, bytes, about.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Keys held.
    pub fn entries(&self) -> usize {
        self.entries.load(Ordering::Relaxed)
    }

    /// A moment, to ask later whether anything was applied since.
    #[inline]
    pub fn quiet(&self) -> Quiet {
        Quiet(self.epoch.load(Ordering::Acquire))
    }

    /// The applier brackets each batch with two calls.
    pub fn turn_epoch(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    fn read<T>(&self, key: &[u8], with: impl FnOnce(&Entry) -> T) -> Option<T> {
        self.read_at(self.hasher.hash(key), key, with)
    }

    #[inline]
    fn read_at<T>(&self, hash: u64, key: &[u8], with: impl FnOnce(&Entry) -> T) -> Option<T> {
        let shard = self.shard(hash).read();
        shard.find(hash, |entry| entry.key == key).map(with)
    }

    fn change<T>(&self, key: &[u8], with: impl FnOnce(&mut Entry) -> T) -> Option<T> {
        let (hash, shard) = self.place(key);
        let mut shard = shard.write();
        shard.find_mut(hash, |entry| entry.key == key).map(with)
    }

    /// The version of a key at a snapshot.
    #[inline]
    pub fn get(&self, hash: u64, key: &[u8], at: Stamp) -> Found {
        let found = self.read_at(hash, key, |entry| entry.at(at).cloned());
        match found.flatten() {
            Some(version) => Found::Version(version.stamp, version.value),
            None => Found::Below,
        }
    }

    /// The newest version of a key.
    pub fn newest(&self, key: &[u8]) -> Option<(Stamp, Value)> {
        self.read(key, |entry| entry.newest().map(|newest| (newest.stamp, newest.value.clone())))
            .flatten()
    }

    /// Adds a commit's version of a key. Called under the commit mutex, so stamps arrive in order;
    /// staged rows carry 0 and replace one another.
    pub fn publish(&self, key: &Bytes, stamp: Stamp, value: Value, horizon: &Horizon) {
        let version = Version { stamp, value };
        let (hash, shard) = self.place(key);
        let mut added = version.cost();
        let mut freed = 0;
        let mut shard = shard.write();
        match shard.entry(hash, |e| e.key == *key, |e| e.hash) {
            Slot::Occupied(mut slot) => {
                let entry = slot.get_mut();
                match entry.newest().map(|newest| newest.stamp.cmp(&stamp)) {
                    // Only staged rows come with an old stamp, and nobody stages what is published.
                    Some(std::cmp::Ordering::Greater) => return,
                    Some(std::cmp::Ordering::Equal) => {
                        freed += entry.versions.pop().map_or(0, |same| same.cost());
                    }
                    _ => {}
                }
                entry.versions.push(version);
                if entry.versions.len() as u32 >= entry.prune_at {
                    freed += entry.prune(horizon);
                }
            }
            Slot::Vacant(slot) => {
                added += key.len() + ENTRY_COST;
                let standing = self.order.enter(key);
                self.entries.fetch_add(1, Ordering::Relaxed);
                let versions = SmallVec::from_buf([version]);
                let key = key.clone();
                let prune_at = PRUNE_AT;
                slot.insert(Entry { hash, key, versions, prune_at, retained: false, standing });
            }
        }
        drop(shard);
        self.account(added, freed);
    }

    fn account(&self, added: usize, freed: usize) {
        if added >= freed {
            self.bytes.fetch_add(added - freed, Ordering::Relaxed);
        } else {
            self.bytes.fetch_sub(freed - added, Ordering::Relaxed);
        }
    }

    /// Whether overwriting the engine's value of a key would take away what a snapshot needs.
    pub fn needs_base(&self, hash: u64, key: &[u8], horizon: &Horizon) -> bool {
        let oldest =
            self.read_at(hash, key, |entry| entry.versions.first().map(|first| first.stamp));
        oldest.flatten().is_some_and(|oldest| horizon.oldest() < oldest)
    }

    /// Keeps the engine's value of a key that is about to be overwritten.
    pub fn keep_base(&self, key: &[u8], stamp: Stamp, value: Value) {
        let version = Version { stamp, value };
        let added = version.cost();
        let kept = self.change(key, |entry| {
            let is_older = entry.versions.first().is_some_and(|first| stamp < first.stamp);
            if is_older {
                entry.versions.insert(0, version);
            }
            is_older
        });
        if kept == Some(true) {
            self.account(added, 0);
        }
    }

    /// After `key` was applied up to `applied`: prunes its chain, and lets the entry go if nobody
    /// needs it.
    pub fn settle(&self, hash: u64, key: &[u8], applied: Stamp, horizon: &Horizon) -> Settled {
        self.settle_inner((hash, key), applied, horizon, false)
    }

    /// As `settle`, for a key that comes out of the retained queue.
    pub fn settle_retained(&self, key: &[u8], applied: Stamp, horizon: &Horizon) -> Settled {
        self.settle_inner((self.hasher.hash(key), key), applied, horizon, true)
    }

    fn settle_inner(
        &self,
        (hash, key): (u64, &[u8]),
        applied: Stamp,
        horizon: &Horizon,
        was: bool,
    ) -> Settled {
        let mut guard = self.shard(hash).write();
        let Ok(mut slot) = guard.find_entry(hash, |entry| entry.key == key) else {
            return Settled::Done;
        };
        let entry = slot.get_mut();
        entry.retained &= !was;
        let mut freed = entry.prune(horizon);
        let newest = entry.newest().map_or(Stamp::ZERO, |newest| newest.stamp);
        if newest > applied {
            drop(guard);
            self.account(0, freed);
            return Settled::Done;
        }
        if newest > horizon.oldest() {
            let again = !std::mem::replace(&mut entry.retained, true);
            drop(guard);
            self.account(0, freed);
            return if again { Settled::Retained } else { Settled::Done };
        }
        self.evicted.fetch_max(newest.0, Ordering::AcqRel);
        let (entry, _) = slot.remove();
        self.order.leave(entry.key.as_ref(), entry.standing);
        if guard.capacity() > 2 * KEPT_ENTRIES && guard.len() < guard.capacity() / 8 {
            guard.shrink_to(KEPT_ENTRIES, |entry| entry.hash);
        }
        drop(guard);
        freed += entry.key.len() + ENTRY_COST;
        freed += entry.versions.iter().map(Version::cost).sum::<usize>();
        self.entries.fetch_sub(1, Ordering::Relaxed);
        self.account(0, freed);
        Settled::Done
    }

    /// Prunes every chain: the last resort before a snapshot is ended.
    pub fn prune_all(&self, horizon: &Horizon) {
        for shard in &self.shards {
            let freed = shard.write().iter_mut().map(|entry| entry.prune(horizon)).sum();
            self.account(0, freed);
        }
    }

    /// Whether a commit above `since` wrote the key.
    pub fn changed(&self, key: &[u8], since: Stamp) -> bool {
        self.read(key, |entry| entry.newest().is_some_and(|newest| newest.stamp > since))
            .unwrap_or(false)
    }

    /// Whether a commit above `since` changed the key in a way that the test thinks matters.
    pub fn changed_for(&self, key: &[u8], since: Stamp, test: Option<&RangeTest>) -> bool {
        let Some(test) = test else { return self.changed(key, since) };
        let Some(versions) = self.read(key, |entry| entry.versions.clone()) else { return false };
        let mut old: Option<&Version> = None;
        for version in &versions {
            if version.stamp > since {
                let Some(old) = old else { return true };
                if test(key, old.value.as_deref(), version.value.as_deref()) {
                    return true;
                }
            }
            old = Some(version);
        }
        false
    }

    /// Whether a commit above `since` changed the range in a way that matters.
    pub fn range_changed(
        &self,
        start: &[u8],
        end: &[u8],
        since: Stamp,
        test: Option<&RangeTest>,
    ) -> bool {
        bounds(start, end).is_some_and(|range| {
            self.arrange(start, end);
            self.order.range(range).any(|key| self.changed_for(&key, since, test))
        })
    }

    /// The first keys of a range with their versions at a snapshot, and where it stopped if before
    /// the end.
    pub fn list(
        &self,
        (start, end): (&[u8], &[u8]),
        direction: Direction,
        at: Stamp,
        records: usize,
    ) -> (Vec<Listed>, Option<Bytes>) {
        let Some(range) = bounds(start, end) else { return (Vec::new(), None) };
        self.arrange(start, end);
        let keys = self.order.range(range);
        match direction {
            Direction::Forward => self.listed(keys, at, records),
            Direction::Backward => self.listed(keys.rev(), at, records),
        }
    }

    /// Brings the keys of a range into order; to be called before each look at it.
    fn arrange(&self, start: &[u8], end: &[u8]) {
        self.order.arrange(start, end, |key, ticket, insert| {
            let (hash, shard) = self.place(key);
            let mut shard = shard.write();
            if let Some(entry) = shard.find_mut(hash, |entry| entry.key == *key)
                && entry.standing == Standing::Listed(ticket)
            {
                insert(key);
                entry.standing = Standing::Arranged;
            }
        });
    }

    /// Forgets the places of keys that have left; for the applier, after each batch.
    pub fn trim_order(&self) {
        self.order.trim(self.entries(), |key, ticket| {
            self.read(key, |entry| entry.standing == Standing::Listed(ticket)).unwrap_or(false)
        });
    }

    fn listed(
        &self,
        mut keys: impl Iterator<Item = Bytes>,
        at: Stamp,
        records: usize,
    ) -> (Vec<Listed>, Option<Bytes>) {
        let mut listed = Vec::new();
        for key in keys.by_ref().take(records) {
            // A key that has left meanwhile is in the engine by now.
            let Some(version) = self.read(&key, |entry| entry.at(at).cloned()) else { continue };
            listed.push(Listed { version: version.map(|v| (v.stamp, v.value)), key });
        }
        let next = keys.next();
        (listed, next)
    }
}

type KeyBounds<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// The bounds of a range, `None` where it is empty or reversed.
fn bounds<'a>(start: &'a [u8], end: &'a [u8]) -> Option<KeyBounds<'a>> {
    if end.is_empty() {
        Some((Bound::Included(start), Bound::Unbounded))
    } else {
        (start < end).then_some((Bound::Included(start), Bound::Excluded(end)))
    }
}
