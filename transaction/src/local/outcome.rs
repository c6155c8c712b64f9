//! What became of a transaction: from memory for the newest, from the log for all that it still
//! holds.
//!
//! ```text
//!   live (its id was told, it runs) ─► Unavailable: ask again
//!   recent ring ─► Committed, once visible
//!   log, from the time inside the id ─► Committed │ end of log: NotCommitted │ released: Forgotten
//! ```
//!
//! `NotCommitted` must mean "and never will", so a transaction that still runs and whose id
//! somebody knows is not answered for. An id that was told to nobody before the commit can only
//! come from the feed or from an error, so most transactions enter neither `live` nor the ring: the
//! log answers for them.
//!
//! Rejected: all ids of 30 minutes in memory (at 100 000 commits a second that is 180 million).

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use parking_lot::Mutex;

use super::Shared;
use super::record::transaction_of;
use super::stamp::id_millis;
use crate::log::{Kind, Reach};
use crate::{Error, Outcome, Result, Stamp, TransactionId};

/// A commit's stamp may lie so far before the time in its id, where the wall clock was set back in
/// between.
const SLACK_MS: u64 = 300_000;

#[derive(Default)]
struct State {
    recent: HashMap<TransactionId, Stamp, foldhash::fast::RandomState>,
    order: VecDeque<TransactionId>,
    live: HashSet<TransactionId, foldhash::fast::RandomState>,
    /// The newest stamp that the ring has lost.
    lost: Stamp,
}

/// The newest commits by id.
pub(super) struct Outcomes {
    state: Mutex<State>,
    max: usize,
}

impl Outcomes {
    /// Remembers `max` commits; whatever was before `opened_at` it never knew.
    pub fn new(max: usize, opened_at: Stamp) -> Self {
        let state = State { lost: opened_at, ..State::default() };
        Outcomes { state: Mutex::new(state), max: max.max(1) }
    }

    /// A commit was published.
    pub fn note(&self, id: TransactionId, stamp: Stamp) {
        let mut state = self.state.lock();
        if state.order.len() >= self.max
            && let Some(oldest) = state.order.pop_front()
            && let Some(lost) = state.recent.remove(&oldest)
        {
            state.lost = state.lost.max(lost);
        }
        state.order.push_back(id);
        state.recent.insert(id, stamp);
    }

    /// Somebody was told the id of a running transaction.
    pub fn reveal(&self, id: TransactionId) {
        self.state.lock().live.insert(id);
    }

    /// The transaction has ended.
    pub fn hide(&self, id: TransactionId) {
        self.state.lock().live.remove(&id);
    }
}

/// What became of a transaction.
pub(super) async fn resolve(shared: &Arc<Shared>, id: TransactionId) -> Result<Outcome> {
    shared.life.check_open()?;
    let (found, live, lost) = {
        let state = shared.outcomes.state.lock();
        (state.recent.get(&id).copied(), state.live.contains(&id), state.lost)
    };
    if let Some(stamp) = found {
        shared.progress.wait_visible(stamp, &shared.journal).await?;
        return Ok(Outcome::Committed(stamp));
    }
    if live {
        return Err(Error::Unavailable("this transaction is still running"));
    }
    if shared.journal.log().is_none() {
        let certain = id_millis(id) > lost.millis() + SLACK_MS || lost == Stamp::ZERO;
        return Ok(if certain { Outcome::NotCommitted } else { Outcome::Forgotten });
    }
    search_aside(Arc::clone(shared), id).await
}

/// Searches the log on a thread of its own: it may have to read gigabytes.
async fn search_aside(shared: Arc<Shared>, id: TransactionId) -> Result<Outcome> {
    let (tell, told) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new().name("qanat-outcome".into());
    let spawned = thread.spawn(move || drop(tell.send(search(&shared, id))));
    spawned.map_err(|_| Error::Unavailable("no thread to search the log"))?;
    told.await.unwrap_or(Err(Error::Internal("the search of the log ended early")))
}

fn search(shared: &Shared, id: TransactionId) -> Result<Outcome> {
    let from = Stamp::from_millis(id_millis(id).saturating_sub(SLACK_MS));
    let start = shared.log_from(from)?.next_index();
    let log = shared.journal.log().ok_or(Error::Internal("no log to search"))?;
    for entry in log.read_from(start, Reach::Appended) {
        let entry = entry.map_err(|error| Error::Corrupt(error.to_string()))?;
        if shared.life.check_open().is_err() {
            return Err(Error::Closed);
        }
        if entry.kind == Kind::COMMIT && transaction_of(&entry.payload)? == id {
            return Ok(Outcome::Committed(Stamp(entry.stamp)));
        }
    }
    let gone = Stamp(shared.feed_gone.load(std::sync::atomic::Ordering::Acquire));
    Ok(if gone > from { Outcome::Forgotten } else { Outcome::NotCommitted })
}
