//! The row cache: rows that the engine holds, near at hand.
//!
//! ```text
//!   shard ─► hash ─► slot number ─► slots  [key │ engine value │ used?] …
//!     │                                       ▲ hand: the clock sweeps, an unused slot goes
//!     └─ applied: rises whenever the applier touches the shard
//! ```
//!
//! Rows are clean (the engine has them), so anything may be evicted at any time and the cache is
//! the first to shrink. Only point reads fill it: a scan of a large table must not wash it out.
//!
//! **Why it is never stale.** The applier writes the engine, then comes here (raises `applied`,
//! replaces or removes the row), and only then lets the entry leave the version table. A reader
//! asks the table before it asks here, so while a row here is behind the engine, the table still
//! answers for it. A filler remembers `applied` from before it read the engine, and is turned away
//! if it moved: what it read may be from before the batch.
//!
//! Rejected: keys with versions (each snapshot would fill its own copy), and a general cache crate
//! (the check of `applied` and the insertion must be one step).

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use hashbrown::HashTable;
use parking_lot::RwLock;

use super::hash;

const SHARDS: usize = 64;
/// Memory of a row beside key and value.
const ROW_COST: usize = 120;

struct Row {
    hash: u64,
    key: Bytes,
    /// As the engine has it, header included.
    value: Bytes,
    used: AtomicBool,
}

impl Row {
    fn cost(&self) -> usize {
        self.key.len() + self.value.len() + ROW_COST
    }
}

#[derive(Default)]
struct Shard {
    index: HashTable<usize>,
    slots: Vec<Option<Row>>,
    free: Vec<usize>,
    hand: usize,
    bytes: usize,
    applied: u64,
}

impl Shard {
    fn find(&self, hash: u64, key: &[u8]) -> Option<&Row> {
        let slot = self.index.find(hash, |slot| self.is_key(*slot, key))?;
        self.slots.get(*slot)?.as_ref()
    }

    fn is_key(&self, slot: usize, key: &[u8]) -> bool {
        self.slots.get(slot).and_then(Option::as_ref).is_some_and(|row| row.key == key)
    }

    fn remove(&mut self, hash: u64, key: &[u8]) -> bool {
        let slots = &self.slots;
        let same = |slot: &usize| {
            slots.get(*slot).and_then(Option::as_ref).is_some_and(|row| row.key == key)
        };
        let Ok(found) = self.index.find_entry(hash, same) else { return false };
        let (slot, _) = found.remove();
        self.clear(slot);
        true
    }

    /// Gives a row that is here a new value; it counts as used.
    fn replace(&mut self, hash: u64, key: &[u8], value: &Bytes) {
        let Some(slot) = self.index.find(hash, |slot| self.is_key(*slot, key)).copied() else {
            return;
        };
        if let Some(Some(row)) = self.slots.get_mut(slot) {
            self.bytes += value.len();
            self.bytes -= row.value.len();
            row.value = value.clone();
            row.used = AtomicBool::new(true);
        }
    }

    fn clear(&mut self, slot: usize) {
        if let Some(row) = self.slots.get_mut(slot).and_then(Option::take) {
            self.bytes -= row.cost();
            self.free.push(slot);
        }
    }

    fn insert(&mut self, row: Row) {
        self.bytes += row.cost();
        let hash = row.hash;
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.slots.push(None);
                self.slots.len() - 1
            }
        };
        if let Some(place) = self.slots.get_mut(slot) {
            *place = Some(row);
        }
        let slots = &self.slots;
        self.index.insert_unique(hash, slot, |slot| {
            let row = slots.get(*slot).and_then(Option::as_ref);
            row.map_or(0, |row| row.hash)
        });
    }

    /// Sweeps until at most `limit` bytes are left; used rows get a second round.
    fn evict(&mut self, limit: usize) {
        while self.bytes > limit && !self.slots.is_empty() {
            self.hand = (self.hand + 1) % self.slots.len();
            let Some(Some(row)) = self.slots.get(self.hand) else { continue };
            if row.used.swap(false, Ordering::Relaxed) {
                continue;
            }
            let (hash, hand) = (row.hash, self.hand);
            if let Ok(found) = self.index.find_entry(hash, |slot| *slot == hand) {
                found.remove();
            }
            self.clear(hand);
        }
    }
}

/// Rows of the engine, sharded. A `hash` that is asked for is the key's, by the store's hasher.
pub(super) struct Cache {
    shards: Box<[RwLock<Shard>]>,
    limit: AtomicUsize,
}

/// What a filler shows to prove that nothing was applied meanwhile.
#[derive(Clone, Copy)]
pub(super) struct Permit(u64);

impl Cache {
    /// At most so many bytes; 0 switches it off.
    pub fn new(limit: usize) -> Self {
        let shards = (0..SHARDS).map(|_| RwLock::default()).collect();
        Cache { shards, limit: AtomicUsize::new(limit) }
    }

    fn shard(&self, hash: u64) -> &RwLock<Shard> {
        &self.shards[hash::shard(hash, SHARDS)]
    }

    fn share(&self) -> usize {
        self.limit.load(Ordering::Relaxed) / SHARDS
    }

    /// The engine's value of a key, or the permit to put it here after reading the engine.
    #[inline]
    pub fn get(&self, hash: u64, key: &[u8]) -> Result<Bytes, Permit> {
        let shard = self.shard(hash).read();
        match shard.find(hash, key) {
            Some(row) => {
                // Most rows are marked already: a load keeps the line shared.
                if !row.used.load(Ordering::Relaxed) {
                    row.used.store(true, Ordering::Relaxed);
                }
                Ok(row.value.clone())
            }
            None => Err(Permit(shard.applied)),
        }
    }

    /// Puts what was read from the engine here, unless it may be old by now.
    pub fn fill(&self, hash: u64, key: &[u8], value: &Bytes, permit: Permit) {
        let share = self.share();
        if key.len() + value.len() + ROW_COST > share / 4 {
            return;
        }
        // An own copy: the engine's value may be a slice of a block that it would keep alive.
        let (key, value) = (engine::compact(key), engine::compact(value));
        let row = Row { hash, key, value, used: AtomicBool::new(false) };
        let mut shard = self.shard(hash).write();
        if shard.applied != permit.0 || shard.find(hash, &row.key).is_some() {
            return;
        }
        shard.insert(row);
        shard.evict(share);
    }

    /// The applier wrote the key: a cached row takes the new value.
    pub fn applied(&self, hash: u64, key: &[u8], value: Option<&Bytes>) {
        let mut shard = self.shard(hash).write();
        shard.applied += 1;
        match value {
            Some(value) => shard.replace(hash, key, value),
            None => drop(shard.remove(hash, key)),
        }
    }

    /// Memory held, bytes, about.
    pub fn bytes(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().bytes).sum()
    }

    /// Changes the limit; shrinks at once.
    pub fn set_limit(&self, limit: usize) {
        self.limit.store(limit, Ordering::Relaxed);
        for shard in &self.shards {
            shard.write().evict(limit / SHARDS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a hasher would: any function of the key will do.
    fn hash(key: &[u8]) -> u64 {
        crate::local::hash::KeyHasher::new(7).hash(key)
    }

    fn permit(cache: &Cache, key: &[u8]) -> Permit {
        cache.get(hash(key), key).expect_err("absent")
    }

    #[test]
    fn a_row_read_before_a_batch_is_turned_away_after_it() {
        let cache = Cache::new(1 << 20);
        let old = permit(&cache, b"k");
        cache.applied(hash(b"k"), b"k", Some(&Bytes::from_static(b"new")));
        cache.fill(hash(b"k"), b"k", &Bytes::from_static(b"old"), old);
        let fresh = permit(&cache, b"k");
        cache.fill(hash(b"k"), b"k", &Bytes::from_static(b"new"), fresh);
        assert_eq!(cache.get(hash(b"k"), b"k").ok().as_deref(), Some(&b"new"[..]));
        cache.applied(hash(b"k"), b"k", Some(&Bytes::from_static(b"newer")));
        assert_eq!(cache.get(hash(b"k"), b"k").ok().as_deref(), Some(&b"newer"[..]));
        cache.applied(hash(b"k"), b"k", None);
        assert!(cache.get(hash(b"k"), b"k").is_err());
        assert_eq!(cache.bytes(), 0);
    }

    #[test]
    fn memory_stays_bounded_and_used_rows_outlive_unused_ones() {
        let cache = Cache::new(SHARDS * 4096);
        for n in 0..20_000u32 {
            let hot = b"hot";
            if let Err(permit) = cache.get(hash(hot), hot) {
                cache.fill(hash(hot), hot, &Bytes::from_static(b"value"), permit);
            }
            let key = n.to_be_bytes();
            let permit = permit(&cache, &key);
            cache.fill(hash(&key), &key, &Bytes::from_static(b"value"), permit);
        }
        assert!(cache.get(hash(b"hot"), b"hot").is_ok());
        assert!(cache.bytes() <= SHARDS * 4096 && cache.bytes() > SHARDS * 3000);
        cache.set_limit(0);
        assert_eq!(cache.bytes(), 0);
    }
}
