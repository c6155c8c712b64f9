//! The order of the version table's keys, kept for those who ask for it.
//!
//! ```text
//!   publish ─► list of the key's category ─────────────┐ a range is read: sorted into the set,
//!      │ while ranges of the category are read: │      ▼ once, by whoever reads first
//!      └───────────────────────────────────────► ordered set ─► range
//! ```
//!
//! A key stands in the version table for about as long as the applier's next batch takes. Where
//! nobody reads ranges meanwhile, to search its place in an ordered set, twice (it leaves as well),
//! is the dearest part of a commit, and it happens under the commit mutex. So new keys are only
//! listed, by their first byte, which is their category; the first reader of a range sorts the
//! list of its categories in. From then on the category's keys go straight into the set, until
//! [`EAGER`] have come without another range being read.
//!
//! **Invariants**
//! - A reader at a snapshot finds every key that it may need: what was published up to its snapshot
//!   was listed before the snapshot was given out, and `arrange` ends only when all of that is in
//!   the set, whoever put it there.
//! - A key that leaves the table leaves the set with it: `enter`, `leave` and the step of `arrange`
//!   are called under the lock of the key's shard.
//! - A ticket names one stay of a key in the table: what is listed of an earlier stay is passed
//!   over.
//!
//! **Rejected.** Sorting by the applier, ahead of readers: all the cost, with nobody to gain. Small
//! sorted lists merged by readers: a page would merge dozens of them.

use std::ops::Bound;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use crossbeam_skiplist::SkipSet;
use parking_lot::Mutex;

/// Keys that go straight into the set after a range was read.
const EAGER: u32 = 1 << 16;
/// Lists shorter than this are not looked through for what has left.
const TRIM_MIN: usize = 4096;
const CATEGORIES: usize = 256;

/// Where a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// In the set.
    Arranged,
    /// In its category's list, under this ticket.
    Listed(u64),
}

#[derive(Default)]
struct Category {
    listed: Mutex<Vec<(u64, Bytes)>>,
    /// Keys that were listed and are neither in the set yet nor known to have left.
    pending: AtomicUsize,
    /// Keys that still go straight into the set.
    eager: AtomicU32,
}

/// The keys in order.
pub(super) struct KeyOrder {
    set: SkipSet<Bytes>,
    categories: Box<[Category]>,
    tickets: AtomicU64,
    /// Held while a list is being sorted in: who comes then waits for it.
    arranging: Mutex<()>,
    eager: u32,
}

fn category(key: &[u8]) -> usize {
    key.first().copied().unwrap_or_default().into()
}

impl KeyOrder {
    pub fn new() -> Self {
        Self::with_eager(EAGER)
    }

    fn with_eager(eager: u32) -> Self {
        KeyOrder {
            set: SkipSet::new(),
            categories: (0..CATEGORIES).map(|_| Category::default()).collect(),
            tickets: AtomicU64::new(0),
            arranging: Mutex::new(()),
            eager,
        }
    }

    /// A key comes into the table.
    pub fn enter(&self, key: &Bytes) -> Standing {
        let category = &self.categories[category(key)];
        let eager = category.eager.load(Ordering::Relaxed);
        if eager > 0 {
            // Approximate: two that meet here may count as one.
            category.eager.store(eager - 1, Ordering::Relaxed);
            self.set.insert(key.clone());
            return Standing::Arranged;
        }
        let ticket = self.tickets.fetch_add(1, Ordering::Relaxed);
        let mut listed = category.listed.lock();
        listed.push((ticket, key.clone()));
        category.pending.fetch_add(1, Ordering::Release);
        Standing::Listed(ticket)
    }

    /// A key leaves the table.
    pub fn leave(&self, key: &[u8], standing: Standing) {
        if standing == Standing::Arranged {
            self.set.remove(key);
        }
    }

    /// Sorts in what a range may hold. `place` is called for each listed key; it answers whether
    /// the key is still in the table under this ticket, and calls the insertion under its shard's
    /// lock.
    pub fn arrange(
        &self,
        start: &[u8],
        end: &[u8],
        mut place: impl FnMut(&Bytes, u64, &dyn Fn(&Bytes)),
    ) {
        let first = category(start);
        let last = if end.is_empty() { CATEGORIES - 1 } else { category(end) };
        for category in self.categories.iter().take(last + 1).skip(first) {
            category.eager.store(self.eager, Ordering::Relaxed);
            if category.pending.load(Ordering::Acquire) == 0 {
                continue;
            }
            let _turn = self.arranging.lock();
            let mut listed = std::mem::take(&mut *category.listed.lock());
            listed.sort_unstable_by(|a, b| a.1.cmp(&b.1));
            let insert = |key: &Bytes| drop(self.set.insert(key.clone()));
            for (ticket, key) in &listed {
                place(key, *ticket, &insert);
            }
            // Only now: who sees none pending relies on the set.
            category.pending.fetch_sub(listed.len(), Ordering::Release);
        }
    }

    /// Forgets what is listed and has left, where that is most of a list. `is_there` answers
    /// whether a key is in the table under a ticket.
    pub fn trim(&self, entries: usize, is_there: impl Fn(&Bytes, u64) -> bool) {
        self.trim_from(TRIM_MIN, entries, is_there);
    }

    fn trim_from(&self, least: usize, entries: usize, is_there: impl Fn(&Bytes, u64) -> bool) {
        for category in &self.categories {
            let pending = category.pending.load(Ordering::Relaxed);
            if pending == 0 || pending < least || pending < 2 * entries {
                continue;
            }
            let _turn = self.arranging.lock();
            let mut listed = std::mem::take(&mut *category.listed.lock());
            let before = listed.len();
            listed.retain(|(ticket, key)| is_there(key, *ticket));
            let gone = before - listed.len();
            let mut now = category.listed.lock();
            listed.append(&mut now);
            *now = listed;
            drop(now);
            category.pending.fetch_sub(gone, Ordering::Release);
        }
    }

    /// The arranged keys of a range, from either end.
    pub fn range<'a>(
        &'a self,
        bounds: (Bound<&'a [u8]>, Bound<&'a [u8]>),
    ) -> impl DoubleEndedIterator<Item = Bytes> + 'a {
        self.set.range::<[u8], _>(bounds).map(|key| key.value().clone())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Enter(u8, u8),
        Leave(u8, u8),
        Range(u8, u8),
        Trim,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => (0..4u8, any::<u8>()).prop_map(|(c, k)| Step::Enter(c, k)),
            5 => (0..4u8, any::<u8>()).prop_map(|(c, k)| Step::Leave(c, k)),
            2 => (0..5u8, 0..5u8).prop_map(|(a, b)| Step::Range(a, b)),
            1 => Just(Step::Trim),
        ]
    }

    proptest! {
        #[test]
        fn ranges_are_those_of_a_sorted_map(
            steps in prop::collection::vec(step(), 0..400),
            eager in 0..5u32,
        ) {
            let order = KeyOrder::with_eager(eager);
            let mut there: BTreeMap<Bytes, Standing> = BTreeMap::new();
            for step in steps {
                match step {
                    Step::Enter(c, k) => {
                        let key = Bytes::copy_from_slice(&[c, k]);
                        there.entry(key.clone()).or_insert_with(|| order.enter(&key));
                    }
                    Step::Leave(c, k) => {
                        if let Some(standing) = there.remove(&[c, k][..]) {
                            order.leave(&[c, k], standing);
                        }
                    }
                    Step::Range(a, b) => {
                        let (start, end) = ([a.min(b)], [a.max(b).saturating_add(1)]);
                        order.arrange(&start, &end, |key, ticket, insert| {
                            if let Some(standing) = there.get_mut(key)
                                && *standing == Standing::Listed(ticket)
                            {
                                insert(key);
                                *standing = Standing::Arranged;
                            }
                        });
                        let bounds = (Bound::Included(&start[..]), Bound::Excluded(&end[..]));
                        let found: Vec<Bytes> = order.range(bounds).collect();
                        let known: Vec<Bytes> = there
                            .keys()
                            .filter(|key| key[0] >= start[0] && key[0] < end[0])
                            .cloned()
                            .collect();
                        prop_assert_eq!(&found, &known);
                        let back: Vec<Bytes> = order.range(bounds).rev().collect();
                        prop_assert!(back.iter().eq(known.iter().rev()));
                    }
                    Step::Trim => {
                        // As if few were in the table, so that every list is looked through.
                        order.trim_from(0, 0, |key, ticket| {
                            there.get(key) == Some(&Standing::Listed(ticket))
                        });
                    }
                }
            }
            let pending: usize =
                order.categories.iter().map(|c| c.pending.load(Ordering::Relaxed)).sum();
            let listed: usize = order.categories.iter().map(|c| c.listed.lock().len()).sum();
            prop_assert_eq!(pending, listed);
        }
    }
}
