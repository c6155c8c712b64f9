//! `Local`: a transactional store over any engine, a commit log before it, or none.
//!
//! ```text
//!              get, scan                                 commit
//!   ┌─────────────▼──────────────┐        ┌────────────────▼─────────────────┐
//!   │ read: table, cache, engine,│        │ commit: locks, validate, counters│
//!   │       table again          │        │  ┌──── one short mutex ────────┐ │
//!   └──▲─────────▲─────────▲─────┘        │  │ validate the rest, stamp,   │ │
//!      │         │         │              │  │ append to the log, publish  │ │
//!   versions   cache     engine           │  └──────────────┬──────────────┘ │
//!      ▲         ▲         ▲              │ free locks, wait until visible   │
//!      └─────────┴────┬────┘              └────────────────┬─────────────────┘
//!                  applier ◄──────── tail ◄────────────────┤
//!                     feed ◄─────────┘     journal ◄───────┘ progress: visible
//! ```
//!
//! Modules, from the bottom: `record` (bytes that stay), `format` (which store this is, the clock's
//! ceiling), `stamp` (the clock), `journal` (the log), `progress` (what is visible), `tail` (the
//! newest commits), `snapshots`, `versions`, `cache`, `locks`, `timer`, `space`; then `read`,
//! `commit`, `transaction`, `applier`, `feed`, `outcome`; and `open`, which puts them together and
//! replays the log.
//!
//! **Invariants**
//! - Order under the commit mutex: validated, stamped, in the log's buffer, in the version table,
//!   `published`. So a transaction that gets a lock after a committer let go reads what that
//!   committer wrote.
//! - The applier takes only what is visible *and* durable: the engine never knows more than the
//!   log, and a commit whose flush failed never comes to rest.
//! - Lock order: commit mutex → progress → (log). Nothing is awaited and no engine is read under
//!   the commit mutex.
//! - When the log fails, writes stop for good: commits that wait are *unknown*, reads of what is
//!   visible go on.
//!
//! **Crash cases.** Before the append: nothing happened. Between append and flush: the log decides
//! at open; a commit found there happened. After the flush, before the engine: replayed from the
//! log above `engine.applied()`. After the engine, before its persist: the same, since `applied`
//! falls back with it; the log was kept for that.
//!
//! Rejected: commits through an engine's own transactions (facts: each measured engine syncs for
//! each commit, shows data before it is durable, or loses memory under a held snapshot).

mod applier;
mod cache;
mod commit;
mod feed;
mod format;
mod hash;
mod journal;
mod locks;
mod open;
mod options;
mod order;
mod outcome;
mod progress;
mod read;
mod record;
mod round;
mod snapshots;
mod space;
mod stamp;
mod tail;
mod timer;
mod transaction;
mod versions;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;

use engine::Engine;
use engine::device::{Clock, Lock};
use parking_lot::{Condvar, Mutex};
use tokio::sync::Notify;

use crate::store::{Feed, Store, Transaction};
use crate::{Answer, Begin, CancelToken, Error, Offers, Outcome, Result, Stamp, TransactionId};

use cache::Cache;
use commit::Committer;
use format::Ceiling;
use hash::KeyHasher;
use journal::Journal;
use locks::Locks;
pub use options::LocalOptions;
use outcome::Outcomes;
use progress::Progress;
use snapshots::Snapshots;
use space::Space;
use stamp::Ids;
use tail::Tail;
use timer::Timer;
use transaction::LocalTransaction;
use versions::Versions;

/// A transactional store on this machine. Dropping it stops its threads; `close` makes all durable
/// first. The lock on its directory ends when the store and its last transaction are gone.
pub struct Local {
    shared: Arc<Shared>,
    applier: Mutex<Option<JoinHandle<()>>>,
}

/// What a store tells about itself, for metrics and tests. Bytes are estimates to within a few per
/// cent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Memory of the version table.
    pub versions_bytes: usize,
    /// Keys in the version table.
    pub versions_entries: usize,
    /// Memory of the row cache.
    pub cache_bytes: usize,
    /// Bytes of commits that the engine does not hold yet.
    pub backlog_bytes: usize,
    /// Distinct live snapshots, about.
    pub snapshots: usize,
    /// Keys that are locked or waited for.
    pub locked_keys: usize,
    /// Syncs of the log that served commits.
    pub flushes: u64,
    /// Commits that these made durable.
    pub flushed_commits: u64,
    /// Records of the log since the store was made: commits, and parts of staged ones.
    pub records: u64,
}

/// Everything that transactions, the applier and the feed share.
struct Shared {
    options: LocalOptions,
    offers: Offers,
    engine: Arc<dyn Engine>,
    clock: Arc<dyn Clock>,
    ids: Ids,
    journal: Journal,
    progress: Progress,
    hasher: KeyHasher,
    versions: Versions,
    cache: Cache,
    locks: Arc<Locks>,
    snapshots: Snapshots,
    tail: Tail,
    outcomes: Outcomes,
    timer: Timer,
    space: Space,
    ceiling: Option<Ceiling>,
    committer: Mutex<Committer>,
    owners: AtomicU64,
    life: Life,
    bell: Bell,
    /// Rung when the applier has made room.
    room: Notify,
    /// The feed holds everything after this.
    feed_gone: AtomicU64,
    /// The lock file. Last, so that it outlives the engine and the log: no second process may open
    /// what we still have open.
    _lock: Option<Lock>,
}

impl Shared {
    fn owner(&self) -> u64 {
        self.owners.fetch_add(1, Ordering::Relaxed)
    }
}

const OPEN: u8 = 0;
const FAILED: u8 = 1;
const CLOSED: u8 = 2;

/// Whether the store lives.
#[derive(Default)]
struct Life {
    state: AtomicU8,
    reason: Mutex<String>,
    /// Set when the store closes: ends every wait.
    closed: CancelToken,
}

impl Life {
    /// Whether reads may go on.
    #[inline]
    fn check_open(&self) -> Result<()> {
        if self.state.load(Ordering::Acquire) == CLOSED { Err(Error::Closed) } else { Ok(()) }
    }

    /// Whether writes may go on.
    fn check_writable(&self) -> Result<()> {
        match self.state.load(Ordering::Acquire) {
            OPEN => Ok(()),
            FAILED => Err(Error::Failed(self.reason.lock().clone())),
            _ => Err(Error::Closed),
        }
    }

    fn fail(&self, reason: &Error) {
        let mut stored = self.reason.lock();
        let failed =
            self.state.compare_exchange(OPEN, FAILED, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if failed {
            tracing::error!(%reason, "the store stops writing");
            *stored = reason.to_string();
        }
    }

    /// False if it was closed before.
    fn close(&self) -> bool {
        let was = self.state.swap(CLOSED, Ordering::AcqRel);
        self.closed.cancel();
        was != CLOSED
    }
}

/// Wakes the applier.
#[derive(Default)]
struct Bell {
    state: Mutex<Rung>,
    changed: Condvar,
}

/// What the applier is wanted for.
#[derive(Debug, Clone, Copy, Default)]
struct Rung {
    /// Apply now.
    now: bool,
    /// End.
    stop: bool,
}

impl Bell {
    fn ring(&self, with: impl FnOnce(&mut Rung)) {
        with(&mut self.state.lock());
        self.changed.notify_all();
    }
}

/// A future's answer if it comes without waiting, else the future.
fn eager<'a, T: 'a>(future: impl Future<Output = Result<T>> + Send + 'a) -> Answer<'a, T> {
    let mut future: crate::BoxFuture<'a, Result<T>> = Box::pin(future);
    // Every leaf here takes the newest waker at each poll, so this first one may wake nobody.
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => Answer::ready(result),
        Poll::Pending => Answer::Later(future),
    }
}

impl Local {
    /// What the store holds and has done.
    pub fn usage(&self) -> Usage {
        let shared = &self.shared;
        let counters = shared.journal.log().map(crate::log::Log::counters).unwrap_or_default();
        Usage {
            versions_bytes: shared.versions.bytes(),
            versions_entries: shared.versions.entries(),
            cache_bytes: shared.cache.bytes(),
            backlog_bytes: shared.tail.backlog(),
            snapshots: shared.snapshots.count(),
            locked_keys: shared.locks.keys(),
            flushes: counters.flushes,
            flushed_commits: counters.flushed_records,
            records: shared.journal.last(),
        }
    }

    /// The oldest snapshot that may still read: what was dropped before it is seen by nobody.
    pub fn oldest_snapshot(&self) -> Stamp {
        self.shared.snapshots.make_horizon(self.shared.progress.visible_cell()).oldest()
    }

    /// Changes how much memory the row cache may hold; shrinks at once.
    pub fn set_cache_bytes(&self, bytes: usize) {
        self.shared.cache.set_limit(bytes);
    }

    fn stop_applier(&self) {
        self.shared.bell.ring(|rung| rung.stop = true);
        if let Some(thread) = self.applier.lock().take() {
            // A panic there was reported by the panic hook.
            drop(thread.join());
        }
    }

    fn close_now(&self) -> Result<()> {
        if !self.shared.life.close() {
            return Ok(());
        }
        self.shared.progress.news.notify_waiters();
        self.stop_applier();
        let answer = applier::rest(&self.shared);
        let closed = self.shared.journal.log().map_or(Ok(()), |log| {
            log.close().map_err(|unknown| Error::Failed(unknown.to_string()))
        });
        answer.and(closed)
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.shared.life.close();
        self.shared.progress.news.notify_waiters();
        self.stop_applier();
        if let Some(log) = self.shared.journal.log() {
            // What was acknowledged at a weaker durability should not be lost to an orderly end.
            if let Err(error) = log.close() {
                tracing::warn!(%error, "the log did not close cleanly");
            }
        }
    }
}

impl Store for Local {
    fn offers(&self) -> &Offers {
        &self.shared.offers
    }

    fn begin(&self, begin: Begin) -> Answer<'_, Box<dyn Transaction>> {
        let transaction = LocalTransaction::begin(&self.shared, begin);
        Answer::ready(transaction.map(|transaction| Box::new(transaction) as Box<dyn Transaction>))
    }

    fn visible(&self) -> Stamp {
        self.shared.progress.glance(&self.shared.journal)
    }

    fn feed(&self, after: Stamp) -> Result<Box<dyn Feed>> {
        feed::open(&self.shared, after)
    }

    fn outcome(&self, id: TransactionId) -> Answer<'_, Outcome> {
        eager(outcome::resolve(&self.shared, id))
    }

    fn close(&self) -> Answer<'_, ()> {
        // Blocks the thread that closes: the applier's last batch and a sync.
        Answer::ready(self.close_now())
    }
}
