//! An engine for crash tests: in memory, but it loses what was not persisted, as a real one may.

use std::sync::Arc;

use bytes::Bytes;
use engine::memory::Memory;
use engine::{Direction, Engine, Error, KeyRange, Limit, Mutation, Page, Usage};
use parking_lot::Mutex;

/// What outlives a crash: the batches that were persisted.
#[derive(Default)]
struct State {
    durable: Vec<(Vec<Mutation>, u64)>,
    since: Vec<(Vec<Mutation>, u64)>,
}

/// A memory engine with a durable shadow.
pub struct Resting {
    live: Memory,
    state: Mutex<State>,
}

impl Resting {
    /// An empty engine.
    pub fn new() -> Arc<Self> {
        Arc::new(Resting { live: Memory::new(), state: Mutex::default() })
    }

    /// The engine as it comes back after a loss of power: `lucky` batches that were not persisted
    /// are there as well.
    pub fn after_crash(&self, lucky: usize) -> Arc<Self> {
        let state = self.state.lock();
        let mut durable = state.durable.clone();
        durable.extend(state.since.iter().take(lucky).cloned());
        let live = Memory::new();
        for (batch, upto) in &durable {
            live.apply(batch, *upto).expect("applied before");
        }
        Arc::new(Resting { live, state: Mutex::new(State { durable, since: Vec::new() }) })
    }
}

impl Engine for Resting {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Error> {
        self.live.get(key)
    }

    fn page(&self, range: KeyRange<'_>, to: Direction, limit: Limit) -> Result<Page, Error> {
        self.live.page(range, to, limit)
    }

    fn apply(&self, batch: &[Mutation], upto: u64) -> Result<(), Error> {
        self.live.apply(batch, upto)?;
        self.state.lock().since.push((batch.to_vec(), upto));
        Ok(())
    }

    fn applied(&self) -> u64 {
        self.live.applied()
    }

    fn persisted(&self) -> u64 {
        self.state.lock().durable.last().map_or(0, |batch| batch.1)
    }

    fn persist(&self) -> Result<u64, Error> {
        let mut state = self.state.lock();
        let since = std::mem::take(&mut state.since);
        state.durable.extend(since);
        drop(state);
        Ok(self.persisted())
    }

    fn usage(&self) -> Usage {
        self.live.usage()
    }
}

/// An engine that tears every batch: readers beside `apply` see it key by key, and pages are read
/// key by key too. It can be held up, to let an applier lag.
#[derive(Default)]
pub struct Torn {
    map: Mutex<std::collections::BTreeMap<Bytes, Bytes>>,
    applied: std::sync::atomic::AtomicU64,
    gate: Mutex<()>,
    hook: Mutex<Option<Hook>>,
}

/// What happens in the middle of somebody's read.
pub type Hook = Box<dyn FnOnce() + Send>;

impl Torn {
    /// An empty engine.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// While the answer lives, `apply` waits.
    pub fn hold_up(&self) -> parking_lot::MutexGuard<'_, ()> {
        self.gate.lock()
    }

    /// Runs `hook` in the next `get` or `page`, before it looks.
    pub fn meanwhile(&self, hook: Hook) {
        *self.hook.lock() = Some(hook);
    }

    fn run_hook(&self) {
        let hook = self.hook.lock().take();
        if let Some(hook) = hook {
            hook();
        }
    }

    fn next(
        &self,
        range: &KeyRange<'_>,
        to: Direction,
        last: Option<&Bytes>,
    ) -> Option<(Bytes, Bytes)> {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        let low = match (to, last) {
            (Direction::Forward, Some(last)) => Excluded(last.as_ref()),
            _ => Included(range.start),
        };
        let high = match (to, last) {
            (Direction::Backward, Some(last)) => Excluded(last.as_ref()),
            _ => range.end.map_or(Unbounded, Excluded),
        };
        let map = self.map.lock();
        let mut inside = map.range::<[u8], _>((low, high));
        let found = match to {
            Direction::Forward => inside.next(),
            Direction::Backward => inside.next_back(),
        };
        found.map(|(key, value)| (key.clone(), value.clone()))
    }
}

impl Engine for Torn {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Error> {
        self.run_hook();
        let found = self.map.lock().get(key).cloned();
        std::thread::yield_now();
        Ok(found)
    }

    fn page(&self, range: KeyRange<'_>, to: Direction, limit: Limit) -> Result<Page, Error> {
        self.run_hook();
        let mut page = Page::default();
        if range.is_empty() {
            return Ok(page);
        }
        let mut bytes = 0;
        let mut last: Option<Bytes> = None;
        loop {
            // The range shrinks from the side that was read: an excluded bound equal to the other
            // is no range.
            let spent = match (to, &last) {
                (Direction::Forward, Some(last)) => {
                    range.end.is_some_and(|end| last.as_ref() >= end)
                }
                (Direction::Backward, Some(last)) => last.as_ref() <= range.start,
                _ => false,
            };
            let Some((key, value)) =
                (!spent).then(|| self.next(&range, to, last.as_ref())).flatten()
            else {
                return Ok(page);
            };
            bytes += key.len() + value.len();
            let full = page.records.len() >= limit.records || bytes > limit.bytes;
            if full && !page.records.is_empty() {
                page.more = true;
                return Ok(page);
            }
            last = Some(key.clone());
            page.records.push(engine::Record { key, value });
            if page.records.len() % 3 == 0 {
                std::thread::yield_now();
            }
        }
    }

    fn apply(&self, batch: &[Mutation], upto: u64) -> Result<(), Error> {
        let _gate = self.gate.lock();
        for (number, mutation) in batch.iter().enumerate() {
            let mut map = self.map.lock();
            match &mutation.value {
                Some(value) => drop(map.insert(mutation.key.clone(), value.clone())),
                None => drop(map.remove(&mutation.key)),
            }
            drop(map);
            if number % 2 == 0 {
                std::thread::yield_now();
            }
        }
        self.applied.store(upto, std::sync::atomic::Ordering::Release);
        Ok(())
    }

    fn applied(&self) -> u64 {
        self.applied.load(std::sync::atomic::Ordering::Acquire)
    }

    fn persisted(&self) -> u64 {
        0
    }

    fn persist(&self) -> Result<u64, Error> {
        Ok(0)
    }

    fn usage(&self) -> Usage {
        Usage::default()
    }
}
