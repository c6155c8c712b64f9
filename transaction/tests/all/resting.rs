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

    /// The engine as it comes back after a loss of power: `lucky` batches that were not persisted are there as well.
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
