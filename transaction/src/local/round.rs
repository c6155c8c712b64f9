//! A round of the applier: the newest change of each key of a batch, in key order.
//!
//! ```text
//!   batch    c1{a b}  c2{b d}  c3{a}        newest first, found by hash
//!              └────────┴───────┴─► places  (a → c3, b → c2, d → c2)  ─► sorted by window, key
//! ```
//!
//! A second of commits is a hundred thousand rows, and most of what it costs to bring them to rest
//! is memory that is no longer in the processor's caches. So a place names its write by two
//! numbers instead of holding it (no reference is counted up and down), and it is sorted by a
//! window: the eight bytes of its key behind what all keys of the batch have in common. Only where
//! two windows are equal are the keys themselves looked at.
//!
//! Invariant: `places` point into `batch`, which does not change between `gather` and `clear`.
//!
//! Rejected: sorting copies of the writes (half of the round went into comparing keys and counting
//! references); a tree per round (each insertion is a search through cold keys).

use std::sync::Arc;

use bytes::Bytes;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::hash::KeyHasher;
use super::tail::Logged;
use super::versions::Value;
use crate::{Stamp, Write};

/// Places for which memory stays.
const KEPT_PLACES: usize = 1 << 18;
/// Bytes of a key in a window.
const WINDOW: usize = 8;

/// Where the newest change of a key stands.
struct Place {
    hash: u64,
    window: u64,
    commit: u32,
    write: u32,
}

/// Memory of a round, for the next: fresh memory of this size is cleared by the system each time.
#[derive(Default)]
pub(super) struct Round {
    /// What is applied, in log order.
    pub batch: Vec<Arc<Logged>>,
    places: Vec<Place>,
    /// Numbers of places, by the hash of their keys.
    known: HashTable<u32>,
}

/// The newest change of a key.
#[derive(Clone, Copy)]
pub(super) struct Change<'a> {
    /// The key's hash, by the store's hasher.
    pub hash: u64,
    /// The stamp that the row carries.
    pub stamp: Stamp,
    /// Key and value.
    pub write: &'a Write,
}

impl Change<'_> {
    /// The key's new value.
    pub fn value(&self) -> Value {
        self.write.value()
    }
}

impl Round {
    /// Finds the newest change of each key of the batch, and their order.
    pub fn gather(&mut self, hasher: &KeyHasher) {
        let Round { batch, places, known } = self;
        let mut common = Common::default();
        // Newest first: what is there already stays.
        for (commit, logged) in batch.iter().enumerate().rev() {
            for (write, Write { key, .. }) in logged.record.writes.writes().iter().enumerate() {
                let hash = hasher.hash(key);
                let same = |at: &u32| {
                    places.get(*at as usize).is_some_and(|place| {
                        place.hash == hash && written(batch, place).is_some_and(|w| w.key == *key)
                    })
                };
                let hash_of = |at: &u32| places.get(*at as usize).map_or(0, |place| place.hash);
                let Entry::Vacant(slot) = known.entry(hash, same, hash_of) else { continue };
                slot.insert(places.len() as u32);
                common.with(key);
                let (commit, write) = (commit as u32, write as u32);
                places.push(Place { hash, window: 0, commit, write });
            }
        }
        let skip = common.length();
        for place in places.iter_mut() {
            place.window = written(batch, place).map_or(0, |write| window(&write.key, skip));
        }
        let key = |place: &Place| written(batch, place).map(|write| &write.key);
        places.sort_unstable_by(|a, b| a.window.cmp(&b.window).then_with(|| key(a).cmp(&key(b))));
    }

    /// Keys that change.
    pub fn keys(&self) -> usize {
        self.places.len()
    }

    /// Writes of the batch; a key counts as often as it was written.
    pub fn writes(&self) -> usize {
        self.batch.iter().map(|logged| logged.record.writes.writes().len()).sum()
    }

    /// Memory of the batch, as the tail counts it.
    pub fn bytes(&self) -> usize {
        self.batch.iter().map(|logged| logged.size).sum()
    }

    /// The changes, in key order.
    pub fn changes(&self) -> impl Iterator<Item = Change<'_>> {
        self.places.iter().filter_map(|place| {
            let logged = self.batch.get(place.commit as usize)?;
            let write = logged.record.writes.writes().get(place.write as usize)?;
            Some(Change { hash: place.hash, stamp: logged.record.row_stamp(), write })
        })
    }

    /// Forgets the round.
    pub fn clear(&mut self) {
        self.batch.clear();
        self.batch.shrink_to(KEPT_PLACES);
        self.places.clear();
        self.places.shrink_to(KEPT_PLACES);
        self.known.clear();
        self.known.shrink_to(KEPT_PLACES, |_| 0);
    }
}

fn written<'a>(batch: &'a [Arc<Logged>], place: &Place) -> Option<&'a Write> {
    batch.get(place.commit as usize)?.record.writes.writes().get(place.write as usize)
}

/// The bytes of a key behind the first `skip`, filled up with zeros.
fn window(key: &[u8], skip: usize) -> u64 {
    let mut bytes = [0; WINDOW];
    let rest = key.get(skip..).unwrap_or_default();
    let length = rest.len().min(WINDOW);
    if let (Some(to), Some(from)) = (bytes.get_mut(..length), rest.get(..length)) {
        to.copy_from_slice(from);
    }
    u64::from_be_bytes(bytes)
}

/// What all keys so far begin with.
#[derive(Default)]
struct Common(Option<Bytes>);

impl Common {
    fn with(&mut self, key: &Bytes) {
        match &mut self.0 {
            None => self.0 = Some(key.clone()),
            Some(common) if !key.starts_with(common) => {
                let same = common.iter().zip(key.iter()).take_while(|(a, b)| a == b).count();
                common.truncate(same);
            }
            Some(_) => {}
        }
    }

    fn length(&self) -> usize {
        self.0.as_ref().map_or(0, Bytes::len)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::local::record::{Flags, Record};
    use crate::{Operation, TransactionId, WriteSet};

    fn logged(index: u64, writes: Vec<Write>) -> Arc<Logged> {
        let record = Record {
            stamp: Stamp(index),
            id: TransactionId(u128::from(index)),
            flags: Flags::default(),
            note: Bytes::new(),
            writes: WriteSet::new(writes),
        };
        Arc::new(Logged { index, size: record.size(), record })
    }

    fn gathered(batch: Vec<Arc<Logged>>) -> Vec<(Bytes, Stamp, Value)> {
        let mut round = Round { batch, ..Round::default() };
        round.gather(&KeyHasher::new(3));
        round.changes().map(|c| (c.write.key.clone(), c.stamp, c.value())).collect()
    }

    proptest::proptest! {
        /// Keys of three letters, so that many are equal, prefixes of others, or alike for longer
        /// than a window.
        #[test]
        fn a_round_has_the_newest_change_of_each_key_in_key_order(
            commits in proptest::collection::vec(
                proptest::collection::vec(("a{0,12}[\\x00b]{0,2}z{0,10}", 0..3u8), 0..6), 0..30),
        ) {
            let mut newest = BTreeMap::new();
            let mut batch = Vec::new();
            for (index, writes) in commits.into_iter().enumerate() {
                let writes = writes.into_iter().map(|(key, value)| Write {
                    key: Bytes::from(key),
                    operation: match value {
                        0 => Operation::Delete,
                        value => Operation::Put(Bytes::copy_from_slice(&[value])),
                    },
                });
                let logged = logged(index as u64, writes.collect());
                for write in logged.record.writes.writes() {
                    let change = Change { hash: 0, stamp: Stamp(index as u64), write };
                    newest.insert(write.key.clone(), (change.stamp, change.value()));
                }
                batch.push(logged);
            }
            let expected: Vec<_> = newest.into_iter().map(|(k, (s, v))| (k, s, v)).collect();
            proptest::prop_assert_eq!(gathered(batch), expected);
        }
    }
}
