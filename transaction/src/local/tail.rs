//! The tail: the newest commits, in memory, for the three who read them in order.
//!
//! ```text
//!   gone │ ◄ oldest                         applied ▼                    newest ► │
//!        │ c c c c c c c c c c c c c c c c c c c c c │ c c c c c c c c c c c c c c │ ◄─ commit
//!        │  kept for the feed, up to a budget        │  backlog: must stay          │
//!           feed ───────►                             applier ──►        validation ◄─
//! ```
//!
//! The applier takes the backlog in log order, the feed reads what is visible, and a committer
//! under the mutex looks only at what came after it validated. All three share the commits by
//! reference count.
//!
//! Invariants: indexes ascend; stamps do not fall; what is not applied is never dropped.
//!
//! Rejected: the applier reading the log back (the bytes were in memory a moment ago), a queue of
//! its own for each reader (three copies of one order).

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::record::Record;
use crate::{FeedEvent, Stamp, Write};

/// Commits that are handled under the lock at a time: committers want it too.
const PIECE: usize = 1024;

/// A commit with its place in the log.
#[derive(Debug)]
pub(super) struct Logged {
    pub index: u64,
    pub record: Record,
    pub size: usize,
}

#[derive(Default)]
struct State {
    commits: VecDeque<Arc<Logged>>,
    /// How many at the front are applied.
    applied: usize,
    applied_bytes: usize,
    /// The newest applied stamp.
    applied_stamp: Stamp,
    /// The highest stamp dropped.
    gone: Stamp,
}

/// The newest commits.
#[derive(Default)]
pub(super) struct Tail {
    state: Mutex<State>,
    backlog: AtomicUsize,
    /// The backlog from which a round of the applier pays.
    worth: AtomicUsize,
}

/// What the tail has for the feed.
pub(super) enum Slice {
    /// These, and up to here there are no others.
    Commits(Vec<Arc<Logged>>, Stamp),
    /// Older commits are needed first: ask the log.
    Older,
}

impl Tail {
    /// Nothing before `gone` is or was here; a round of the applier pays from so many bytes.
    pub fn new(gone: Stamp, worth: usize) -> Self {
        let tail = Tail { worth: AtomicUsize::new(worth), ..Tail::default() };
        let mut state = tail.state.lock();
        (state.gone, state.applied_stamp) = (gone, gone);
        drop(state);
        tail
    }

    /// Bytes not yet applied.
    pub fn backlog(&self) -> usize {
        self.backlog.load(Ordering::Relaxed)
    }

    /// The backlog from which the applier should not wait for more, bytes.
    pub fn worth(&self) -> usize {
        self.worth.load(Ordering::Relaxed)
    }

    /// For the applier, who knows what its last round was worth.
    pub fn set_worth(&self, bytes: usize) {
        self.worth.store(bytes, Ordering::Relaxed);
    }

    /// Adds the newest commit; answers the backlog before it.
    pub fn push(&self, logged: Arc<Logged>) -> usize {
        let size = logged.size;
        self.state.lock().commits.push_back(logged);
        self.backlog.fetch_add(size, Ordering::Relaxed)
    }

    /// The next unapplied commits up to `visible`, about `bytes` of them, at least one if there is
    /// one. Only the applier moves what this starts from, so it may be read piece by piece.
    pub fn batch(&self, visible: Stamp, bytes: usize, batch: &mut Vec<Arc<Logged>>) {
        let mut left = bytes.max(1);
        loop {
            let state = self.state.lock();
            let from = state.applied + batch.len();
            let before = batch.len();
            for logged in state.commits.iter().skip(from).take(PIECE) {
                if logged.record.stamp > visible || left == 0 {
                    return;
                }
                left = left.saturating_sub(logged.size);
                batch.push(Arc::clone(logged));
            }
            if batch.len() < before + PIECE {
                return;
            }
        }
    }

    /// The engine holds this batch, the next one of the backlog.
    pub fn applied(&self, batch: &[Arc<Logged>]) {
        let bytes = batch.iter().map(|logged| logged.size).sum();
        let mut state = self.state.lock();
        state.applied += batch.len();
        state.applied_bytes += bytes;
        if let Some(newest) = batch.last() {
            state.applied_stamp = newest.record.stamp;
        }
        drop(state);
        self.backlog.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Everything at or below this stamp is in the engine.
    pub fn applied_stamp(&self) -> Stamp {
        self.state.lock().applied_stamp
    }

    /// Drops applied commits until at most `keep` bytes of them are left.
    pub fn trim(&self, keep: usize) {
        loop {
            let mut dropped = Vec::new();
            let mut state = self.state.lock();
            while state.applied_bytes > keep && state.applied > 0 && dropped.len() < PIECE {
                let Some(logged) = state.commits.pop_front() else { break };
                state.applied -= 1;
                state.applied_bytes -= logged.size;
                state.gone = state.gone.max(logged.record.stamp);
                dropped.push(logged);
            }
            // Freed outside the lock.
            drop(state);
            if dropped.len() < PIECE {
                return;
            }
        }
    }

    /// The highest stamp that is no longer here.
    pub fn gone(&self) -> Stamp {
        self.state.lock().gone
    }

    /// Calls `each` with every write of the commits after `since`, until it answers true. `None`
    /// where the tail does not reach back so far.
    pub fn any_write_after(
        &self,
        since: Stamp,
        mut each: impl FnMut(Stamp, &Write) -> bool,
    ) -> Option<bool> {
        let state = self.state.lock();
        if state.gone > since {
            return None;
        }
        let newer = state.commits.iter().rev().take_while(|logged| logged.record.stamp > since);
        let mut newer = newer.filter(|logged| !logged.record.flags.staged);
        Some(newer.any(|logged| {
            let stamp = logged.record.stamp;
            logged.record.writes.writes().iter().any(|write| each(stamp, write))
        }))
    }

    /// What the feed shows after a position, up to the visible one.
    pub fn feed(&self, after: Stamp, visible: Stamp, bytes: usize) -> Slice {
        let state = self.state.lock();
        if state.gone > after {
            return Slice::Older;
        }
        let from = state.commits.partition_point(|logged| logged.record.stamp <= after);
        let (mut commits, mut left, mut upto) = (Vec::new(), bytes, after);
        for logged in state.commits.iter().skip(from) {
            if logged.record.stamp > visible || left == 0 {
                break;
            }
            if is_shown(&logged.record) {
                left = left.saturating_sub(logged.size);
                commits.push(Arc::clone(logged));
            }
            upto = upto.max(logged.record.stamp);
        }
        Slice::Commits(commits, upto)
    }
}

fn is_shown(record: &Record) -> bool {
    !record.flags.quiet && !record.flags.staged
}

/// A commit as the feed shows it, if it does.
pub(super) fn event(record: &Record) -> Option<FeedEvent> {
    is_shown(record).then(|| FeedEvent {
        stamp: record.stamp,
        id: record.id,
        writes: record.writes.clone(),
        note: record.note.clone(),
    })
}
