//! The applier: one thread that brings commits to rest in the engine.
//!
//! ```text
//!   tail ─► batch: visible, durable ─► newest of each key (round.rs)
//!        ─► horizon ─► keep bases for old snapshots ─► engine.apply ─► cache ─► entries leave
//!        ─► now and then: persist ─► release the log below two checkpoints and the feed's keep
//! ```
//!
//! The order within a round is the argument of `versions` read from the other side. The horizon is
//! made after the batch was chosen, so every snapshot that is not in it sees the whole batch. Old
//! values go into the table before the engine is touched; the cache learns before an entry leaves;
//! the epoch is odd from before the first to after the last of these.
//!
//! Only what is durable is applied: the engine must never know a commit that the log may lose. With
//! relaxed durability the applier flushes the log itself before it goes on.
//!
//! A round begins when the oldest commit has waited `apply_within`, or when there is enough to do:
//! a full batch, or less where the same keys are written again and again. Ten thousand counters at
//! full speed would else pile up a second of commits, to write each counter once.
//!
//! An entry that a snapshot holds waits in `retained`, in order of the batch it was applied with,
//! and is looked at again when the oldest snapshot has passed that batch; a key waits there once,
//! however often it is written.
//!
//! Past the budget: prune all chains; if that is not enough, the oldest snapshot ends, one a round
//! trip.
//!
//! Rejected: a pool of appliers (engines take one batch at a time), applying at commit (a hot
//! counter would be written to the engine a hundred thousand times a second instead of five).

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use engine::Mutation;

use super::record::wrap;
use super::round::{Change, Round};
use super::snapshots::Horizon;
use super::versions::{Settled, Versions};
use super::{Rung, Shared};
use crate::{Error, Result, Stamp};

/// How long the applier waits after the engine had no room.
const FULL_RETRY: Duration = Duration::from_secs(1);
/// Looks at retained entries and checkpoints at least so often while there are any.
const CHORES_EVERY: Duration = Duration::from_secs(1);

/// The applier's own state.
pub(super) struct Applier {
    shared: Arc<Shared>,
    retained: VecDeque<(Stamp, Vec<Bytes>)>,
    unpersisted: usize,
    persisted_at: Duration,
    /// What the last checkpoint but one held: the log below it may go.
    checkpoints: (u64, u64),
    /// Memory of a round.
    round: Round,
    mutations: Vec<Mutation>,
}

/// Writes to a key that a round should make into one, while there is time.
const MERGED: usize = 4;
/// The least backlog for which a round is begun before its time, bytes.
const WORTH_MIN: usize = 4 << 20;
/// Changes of a round for which memory stays.
const KEPT_MUTATIONS: usize = 1 << 18;

impl Applier {
    /// An applier of a store that was just opened.
    pub fn new(shared: Arc<Shared>) -> Self {
        let persisted = shared.engine.persisted();
        Applier {
            persisted_at: shared.clock.steady(),
            shared,
            retained: VecDeque::new(),
            unpersisted: 0,
            checkpoints: (0, persisted),
            round: Round::default(),
            mutations: Vec::new(),
        }
    }

    /// The thread's life.
    pub fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let life = std::panic::AssertUnwindSafe(|| self.work());
        if std::panic::catch_unwind(life).is_err() {
            // The hook has reported it. Without an applier writes would pile up: stop them.
            shared.life.fail(&Error::Internal("the applier panicked"));
            shared.room.notify_waiters();
        }
    }

    fn work(&mut self) {
        while !self.wait().stop {
            if let Err(error) = self.round() {
                self.failed(&error);
            }
        }
    }

    /// Sleeps until there is something to apply and its time has come, or housekeeping is due.
    fn wait(&self) -> Rung {
        let shared = &self.shared;
        let chores = !self.retained.is_empty() || self.unpersisted > 0;
        let chores = chores.then(|| Instant::now() + CHORES_EVERY);
        let mut apply: Option<Instant> = None;
        let mut state = shared.bell.state.lock();
        while !state.stop && !state.now {
            if apply.is_none() && shared.tail.backlog() > 0 {
                apply = Some(Instant::now() + shared.options.apply_within);
            }
            match apply.into_iter().chain(chores).min() {
                None => shared.bell.changed.wait(&mut state),
                Some(until) => {
                    if shared.bell.changed.wait_until(&mut state, until).timed_out() {
                        break;
                    }
                }
            }
        }
        let rung = *state;
        *state = Rung { stop: rung.stop, ..Rung::default() };
        rung
    }

    fn failed(&self, error: &Error) {
        let shared = &self.shared;
        if matches!(error, Error::OutOfSpace) {
            shared.space.found_full();
            tracing::warn!("the engine has no room: applying again soon");
            let mut state = shared.bell.state.lock();
            if !state.stop {
                shared.bell.changed.wait_for(&mut state, FULL_RETRY);
            }
        } else {
            shared.life.fail(error);
            shared.room.notify_waiters();
            // Nothing more can be applied; wait for the end.
            let mut state = shared.bell.state.lock();
            while !state.stop {
                shared.bell.changed.wait(&mut state);
            }
        }
    }

    /// Applies one batch, then keeps house; under full load the next round follows at once.
    fn round(&mut self) -> Result<()> {
        self.apply_some()?;
        if self.shared.tail.backlog() >= self.shared.tail.worth() {
            self.shared.bell.ring(|rung| rung.now = true);
        }
        let horizon = self.shared.snapshots.make_horizon(self.shared.progress.visible_cell());
        self.sweep_retained(&horizon);
        self.enforce_budget();
        self.shared.tail.trim(self.shared.options.feed_bytes);
        self.checkpoint_if_due()
    }

    /// One batch; false where there was none.
    fn apply_some(&mut self) -> Result<bool> {
        let shared = Arc::clone(&self.shared);
        let visible = shared.progress.advance(&shared.journal);
        let mut round = std::mem::take(&mut self.round);
        shared.tail.batch(visible, shared.options.batch_bytes, &mut round.batch);
        let applied = self.apply(&mut round);
        round.clear();
        self.round = round;
        if !applied? {
            return Ok(false);
        }
        shared.room.notify_waiters();
        shared.tail.trim(shared.options.feed_bytes);
        self.checkpoint_if_due()?;
        Ok(true)
    }

    /// Applies the batch of a round; false where there is none.
    fn apply(&mut self, round: &mut Round) -> Result<bool> {
        let shared = &self.shared;
        let Some(newest) = round.batch.last() else { return Ok(false) };
        let (upto, stamp) = (newest.index, newest.record.stamp);
        shared.journal.flush(upto)?;
        round.gather(&shared.hasher);
        shared.tail.set_worth(worth(round, shared.options.batch_bytes));
        let _epoch = Epoch::turn(&shared.versions);
        // After the batch was chosen: who is not in it sees the whole batch.
        let horizon = shared.snapshots.make_horizon(shared.progress.visible_cell());
        keep_bases(shared, round, &horizon)?;
        let mutations = &mut self.mutations;
        mutations.clear();
        mutations.extend(round.changes().map(mutation));
        shared.engine.apply(mutations, upto)?;
        for (change, mutation) in round.changes().zip(mutations.iter()) {
            shared.cache.applied(change.hash, &mutation.key, mutation.value.as_ref());
        }
        self.unpersisted += mutations.iter().map(|m| m.len() + 32).sum::<usize>();
        mutations.clear();
        mutations.shrink_to(KEPT_MUTATIONS);
        shared.tail.applied(&round.batch);
        let horizon = shared.snapshots.make_horizon(shared.progress.visible_cell());
        let retained = round.changes().filter(|change| {
            let key = &change.write.key;
            shared.versions.settle(change.hash, key, stamp, &horizon) == Settled::Retained
        });
        let retained: Vec<Bytes> = retained.map(|change| change.write.key.clone()).collect();
        if !retained.is_empty() {
            self.retained.push_back((stamp, retained));
        }
        shared.versions.trim_order();
        Ok(true)
    }

    /// Lets go of the entries whose snapshots have ended.
    fn sweep_retained(&mut self, horizon: &Horizon) {
        let mut again = Vec::new();
        let mut applied = Stamp::ZERO;
        while self.retained.front().is_some_and(|(stamp, _)| *stamp <= horizon.oldest()) {
            let Some((_, keys)) = self.retained.pop_front() else { break };
            applied = self.applied_stamp();
            again.extend(keys.into_iter().filter(|key| {
                let settled = self.shared.versions.settle_retained(key, applied, horizon);
                settled == Settled::Retained
            }));
        }
        if !again.is_empty() {
            self.retained.push_back((applied, again));
        }
    }

    /// Everything at or below this stamp is in the engine.
    fn applied_stamp(&self) -> Stamp {
        self.shared.tail.applied_stamp()
    }

    fn enforce_budget(&mut self) {
        let shared = Arc::clone(&self.shared);
        // What is not applied yet is no snapshot's fault, and back-pressure bounds it.
        let over = || {
            let held = shared.versions.bytes().saturating_sub(2 * shared.tail.backlog());
            held > shared.options.versions_bytes
        };
        if !over() {
            return;
        }
        let mut horizon = shared.snapshots.make_horizon(shared.progress.visible_cell());
        shared.versions.prune_all(&horizon);
        self.sweep_retained(&horizon);
        while over() {
            let Some(next) = shared.snapshots.end_oldest(shared.progress.visible_cell()) else {
                break;
            };
            tracing::warn!(snapshot = horizon.oldest().0, "the memory budget ended a snapshot");
            horizon = next;
            shared.versions.prune_all(&horizon);
            self.sweep_retained(&horizon);
        }
    }

    fn checkpoint_if_due(&mut self) -> Result<()> {
        let options = &self.shared.options;
        let age = self.shared.clock.steady().saturating_sub(self.persisted_at);
        let due = self.unpersisted >= options.checkpoint_bytes || age >= options.checkpoint_within;
        if self.unpersisted == 0 || !due {
            return Ok(());
        }
        self.checkpoint()
    }

    fn checkpoint(&mut self) -> Result<()> {
        let persisted = self.shared.engine.persist()?;
        self.unpersisted = 0;
        self.persisted_at = self.shared.clock.steady();
        if persisted > self.checkpoints.1 {
            self.checkpoints = (self.checkpoints.1, persisted);
        }
        self.shared.release_log(self.checkpoints.0)
    }
}

/// The end: everything is applied and persisted, on the closing thread.
pub(super) fn rest(shared: &Arc<Shared>) -> Result<()> {
    shared.journal.flush(shared.journal.last())?;
    let mut applier = Applier::new(Arc::clone(shared));
    while applier.apply_some()? {}
    applier.checkpoint()
}

/// Applies the whole tail while nobody reads yet, so that replay runs in bounded memory.
pub(super) fn replay(shared: &Arc<Shared>) -> Result<()> {
    let mut applier = Applier::new(Arc::clone(shared));
    while applier.apply_some()? {}
    Ok(())
}

/// Odd while it lives.
struct Epoch<'a>(&'a Versions);

impl<'a> Epoch<'a> {
    fn turn(versions: &'a Versions) -> Self {
        versions.turn_epoch();
        Epoch(versions)
    }
}

impl Drop for Epoch<'_> {
    fn drop(&mut self) {
        self.0.turn_epoch();
    }
}

/// What the engine is told of a change.
fn mutation(change: Change) -> Mutation {
    let value = change.value().map(|value| wrap(change.stamp, &value));
    Mutation { key: change.write.key.clone(), value }
}

/// The backlog with which the next round should begin if its time has not come before: where it
/// holds each key `MERGED` times, more of it would cost memory and save little.
fn worth(round: &Round, batch_bytes: usize) -> usize {
    let size = round.bytes() / round.writes().max(1);
    let merged = size.saturating_mul(round.keys()).saturating_mul(MERGED);
    merged.max(WORTH_MIN).min(batch_bytes)
}

/// Puts into the table what the engine is about to lose and a snapshot needs.
fn keep_bases(shared: &Shared, round: &Round, horizon: &Horizon) -> Result<()> {
    // A change that every snapshot sees, those to come too, hides the base from all of them.
    for change in round.changes().filter(|change| change.stamp > horizon.oldest()) {
        let key = &change.write.key;
        if shared.versions.needs_base(change.hash, key, horizon) {
            let old = shared.engine.get(key)?;
            let (stamp, value) = match old.as_ref().map(super::record::unwrap).transpose()? {
                Some((stamp, value)) => (stamp, Some(engine::compact(&value))),
                None => (Stamp::ZERO, None),
            };
            shared.versions.keep_base(key, stamp, value);
        }
    }
    Ok(())
}

impl Shared {
    /// Lets the log go below what two checkpoints hold and the feed no longer keeps.
    fn release_log(&self, checkpoint: u64) -> Result<()> {
        let Some(log) = self.journal.log() else { return Ok(()) };
        let failed = |error: std::io::Error| Error::Failed(format!("looking at the log: {error}"));
        let segments = log.segments().map_err(failed)?;
        let end = segments.last().map_or(0, |newest| newest.position + newest.bytes);
        let oldest_kept = super::stamp::now(self.clock.as_ref()).millis();
        let kept_ms = u64::try_from(self.options.feed_time.as_millis()).unwrap_or(u64::MAX);
        let oldest_kept = Stamp::from_millis(oldest_kept.saturating_sub(kept_ms));
        let mut upto = 0;
        for pair in segments.windows(2) {
            let [segment, next] = pair else { break };
            if segment.last > checkpoint {
                break;
            }
            let too_many = end - next.position > self.options.feed_log_bytes;
            if !too_many && self.first_stamp(next.first)? > oldest_kept {
                break;
            }
            upto = segment.last;
        }
        if upto > 0 {
            // Raised first: a feed that starts meanwhile must not look for what is being removed.
            let gone = self.first_stamp(upto + 1)?.0.saturating_sub(1);
            self.feed_gone.fetch_max(gone, Ordering::AcqRel);
            log.release(upto).map_err(|error| Error::Failed(error.to_string()))?;
        }
        Ok(())
    }

    /// The stamp of a record of the log.
    pub(super) fn first_stamp(&self, index: u64) -> Result<Stamp> {
        match self.journal.reader(index).and_then(|mut reader| reader.next()) {
            Some(Ok(entry)) => Ok(Stamp(entry.stamp)),
            Some(Err(error)) => Err(Error::Corrupt(error.to_string())),
            None => Ok(self.progress.published()),
        }
    }
}
