//! The commit: everything that can be done outside the commit mutex, then the little that cannot.
//!
//! ```text
//!   admit (back-pressure, disk) ─► locks in key order ─► validate ─► counters ─► encode
//!        ─► MUTEX: validate the rest ─► sums ─► stamp ─► log buffer ─► table ─► published
//!        ─► tail, free locks, end snapshot ─► wait until visible
//! ```
//!
//! **Validation twice.** The whole read set is checked against the version table without the mutex,
//! after noting what was published (`checked`). Under it only the writes of commits after `checked`
//! are looked at: usually none. A key without an entry is unchanged since the oldest live snapshot,
//! so no engine is read; what was read before this transaction's snapshot (WATCH, then a new
//! snapshot) is first brought up to the snapshot: by the stamp of the row, or refused where only a
//! tombstone that left could tell.
//!
//! **Counters.** The value of a counter that is not in the table is read from the engine before the
//! mutex. It cannot change unseen: a commit that came after our snapshot leaves its entry in the
//! table while the snapshot lives, and under the mutex the table is asked first. A transaction
//! whose snapshot was ended takes a new one for this.
//!
//! **Locks.** A put needs NoKeyUpdate or more, a deletion Update, an `Add` Share (adders do not
//! block one another, but do not slip past somebody who locked the counter to write it). What is
//! not held is taken as Update, all without waiting if possible, else one after another in key
//! order: committers among themselves cannot deadlock.
//!
//! Rejected: publishing outside the mutex with a hole in `published` for large commits (their
//! successors would wait for them to be visible anyway); validating under the mutex only (a range
//! over the table costs milliseconds there).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::Shared;
use super::journal::Refused;
use super::record::{Draft, Flags, Record};
use super::snapshots::Horizon;
use super::stamp::HybridClock;
use super::tail::Logged;
use super::transaction::{Held, LocalTransaction};
use crate::{
    Commit, Committed, Durability, Error, LockMode, Operation, PointRead, RangeRead, ReadSet,
    Result, Stamp, TransactionId, Wait, Write, WriteSet,
};

/// What the commit mutex guards.
pub(super) struct Committer {
    pub clock: HybridClock,
    /// Rows written since the committer made a horizon.
    rows: usize,
}

impl Committer {
    /// Goes on above the clock's floor.
    pub fn new(clock: HybridClock) -> Self {
        Committer { clock, rows: 0 }
    }
}

/// Rows written between two horizons made by the committer, so that hot chains stay short between
/// the applier's rounds. Rows and not commits: a commit may carry the writes of all clients.
const HORIZON_EVERY: usize = 512;

/// A commit on its way to the mutex.
struct Ready {
    id: TransactionId,
    flags: Flags,
    durability: Durability,
    note: Bytes,
    writes: Vec<Write>,
    reads: ReadSet,
    draft: Draft,
    /// Values of the counters that were not in the table, in the order of the `Add`s.
    counters: Vec<i64>,
    /// Everything published up to here was validated.
    checked: Stamp,
    /// What keeps entries in the table: the transaction's snapshot.
    snapshot: Stamp,
}

/// What the mutex answered.
enum Try {
    Done(Stamp, u64),
    /// The log's buffers are full.
    Full,
    /// The clock has reached its ceiling.
    Ceiling,
}

impl LocalTransaction {
    /// Runs a commit to its end.
    pub(super) async fn run_commit(&self, commit: Commit) -> Result<Committed> {
        let shared = self.shared();
        shared.life.check_open()?;
        if commit.writes.is_empty() {
            return self.finish_reading(&commit.reads).await;
        }
        shared.check_write_set(&commit.writes)?;
        shared.admit(self.cancel()).await?;
        self.lock_writes(commit.writes.writes(), commit.lock_wait).await?;
        let (stamp, index) = self.publish(commit).await?;
        let durability = index.1;
        self.release();
        // The feed tells ids, too; without a log only the ring knows of them.
        if self.is_revealed() || shared.journal.log().is_none() {
            shared.outcomes.note(self.transaction_id(), stamp);
        }
        shared.finish(self.transaction_id(), stamp, index.0, durability).await?;
        Ok(Committed { stamp })
    }

    /// The commit of a transaction that only read what is visible by now: nothing to wait for.
    pub(super) fn finish_at_once(&self, reads: &ReadSet) -> Option<Result<Committed>> {
        let shared = self.shared();
        let is_visible = shared.progress.is_visible(self.seen_stamp(), &shared.journal);
        is_visible.then(|| self.end_reading(reads))
    }

    /// Validates reads and frees everything; what was seen may not be visible yet.
    fn end_reading(&self, reads: &ReadSet) -> Result<Committed> {
        self.shared().life.check_open()?;
        self.validate(reads)?;
        let snapshot = self.snapshot_stamp();
        self.release();
        Ok(Committed { stamp: snapshot.max(self.seen_stamp()) })
    }

    /// A commit without writes: frees everything, then waits for what it saw.
    async fn finish_reading(&self, reads: &ReadSet) -> Result<Committed> {
        let committed = self.end_reading(reads)?;
        self.settle_seen().await?;
        Ok(committed)
    }

    /// Takes the locks that the write set needs and the transaction does not hold.
    async fn lock_writes(&self, writes: &[Write], wait: Option<Duration>) -> Result<()> {
        let wait = wait.map_or(Wait::Forever, Wait::For);
        let holds_some = self.with_held(|held| !held.is_empty());
        for Write { key, operation } in writes {
            let (enough, take) = needed_mode(operation);
            let hash = self.shared().hasher.hash(key);
            let has = |held: &Held| held.mode(hash, key).is_some_and(|mode| mode >= enough);
            if holds_some && self.with_held(has) {
                continue;
            }
            if !self.try_hold_to_end(hash, key, take) {
                self.hold(hash, key, take, wait).await?;
            }
        }
        Ok(())
    }

    async fn publish(&self, commit: Commit) -> Result<(Stamp, (u64, Durability))> {
        let shared = self.shared();
        let durability = commit.durability;
        let mut ready = self.prepare(commit)?;
        loop {
            shared.life.check_writable()?;
            match shared.try_publish(&mut ready)? {
                Try::Done(stamp, index) => return Ok((stamp, (index, durability))),
                Try::Full => shared.journal.room(ready.draft.bytes().len()).await?,
                Try::Ceiling => shared.raise_ceiling()?,
            }
        }
    }

    fn prepare(&self, commit: Commit) -> Result<Ready> {
        let shared = self.shared();
        let checked = shared.progress.published();
        self.validate(&commit.reads)?;
        let Commit { writes, mut reads, durability, note, quiet, .. } = commit;
        let snapshot = self.snapshot_stamp();
        reads.points.iter_mut().for_each(|point| point.since = point.since.max(snapshot));
        reads.points.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        let writes = writes.into_writes();
        let counters = self.load_counters(&writes)?;
        let snapshot = self.snapshot_stamp();
        let id = self.transaction_id();
        let draft = Draft::new(id, &note, &writes)?;
        let flags = Flags { quiet, staged: false };
        Ok(Ready { id, flags, durability, note, writes, reads, draft, counters, checked, snapshot })
    }

    /// Checks the whole read set against the version table.
    fn validate(&self, reads: &ReadSet) -> Result<()> {
        if reads.points.is_empty() && reads.ranges.is_empty() {
            return Ok(());
        }
        let (shared, snapshot) = (self.shared(), self.snapshot_stamp());
        for point in &reads.points {
            shared.validate_point(point, snapshot)?;
        }
        for range in &reads.ranges {
            shared.validate_range(range, snapshot)?;
        }
        // Asked last: whoever missed an entry that left with this snapshot sees the end of the
        // snapshot.
        if shared.snapshots.has_ended(snapshot) { Err(Error::SnapshotTooOld) } else { Ok(()) }
    }

    fn load_counters(&self, writes: &[Write]) -> Result<Vec<i64>> {
        let shared = self.shared();
        let adds = writes.iter().filter(|write| matches!(write.operation, Operation::Add(_)));
        let mut adds = adds.peekable();
        if adds.peek().is_some() {
            self.ensure_snapshot();
        }
        adds.map(|add| shared.read(&add.key, Stamp::MAX).map(|(_, value)| counter(value.as_ref())))
            .collect()
    }
}

/// What a write needs to have, and what it takes if it has less.
fn needed_mode(operation: &Operation) -> (LockMode, LockMode) {
    match operation {
        Operation::Put(_) => (LockMode::NoKeyUpdate, LockMode::Update),
        Operation::Delete => (LockMode::Update, LockMode::Update),
        Operation::Add(_) => (LockMode::Share, LockMode::Share),
    }
}

/// Counter value from its stored bytes; absent and malformed are 0.
fn counter(value: Option<&Bytes>) -> i64 {
    value.and_then(|bytes| bytes.as_ref().try_into().ok()).map_or(0, i64::from_be_bytes)
}

impl Shared {
    /// Refuses write sets that exceed a limit, by name.
    pub(super) fn check_write_set(&self, writes: &WriteSet) -> Result<()> {
        let offers = &self.offers;
        let mut size = 0;
        for write in writes.writes() {
            size += write.size();
            if write.key.is_empty() {
                return Err(Error::Unsupported("an empty key"));
            }
            if write.key.len() > offers.key_bytes_max {
                return Err(Error::TooLarge { what: "key", limit: offers.key_bytes_max });
            }
            if write.key.as_ref() >= engine::KEY_RESERVED {
                return Err(Error::Unsupported("a key that begins with 16 bytes of 0xff"));
            }
            let value = if let Operation::Put(value) = &write.operation { value.len() } else { 0 };
            if value > offers.value_bytes_max {
                return Err(Error::TooLarge { what: "value", limit: offers.value_bytes_max });
            }
        }
        if size > offers.write_set_bytes_max {
            return Err(Error::TooLarge { what: "write set", limit: offers.write_set_bytes_max });
        }
        Ok(())
    }

    /// Lets a writer in: refuses on a dead store or a full disk, slows down while the applier lags.
    pub(super) async fn admit(&self, cancel: &crate::CancelToken) -> Result<()> {
        self.life.check_writable()?;
        self.space.check()?;
        let (soft, hard) = (self.options.backlog_soft_bytes, self.options.backlog_hard_bytes);
        if self.tail.backlog() < soft {
            return Ok(());
        }
        self.bell.ring(|rung| rung.now = true);
        let give_up = self.timer.after(self.options.backlog_wait);
        tokio::pin!(give_up);
        loop {
            let room = self.room.notified();
            tokio::pin!(room);
            room.as_mut().enable();
            self.life.check_writable()?;
            let backlog = self.tail.backlog();
            if backlog < soft {
                return Ok(());
            }
            // Between the limits a commit waits up to 100 ms, the nearer to the hard one the
            // longer.
            let share = (backlog - soft).saturating_mul(100) / hard.saturating_sub(soft).max(1);
            let pause = self.timer.after(Duration::from_millis(share.min(100) as u64));
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(Error::Cancelled),
                () = self.life.closed.cancelled() => return Err(Error::Closed),
                () = &mut room => {}
                () = pause, if backlog < hard => return Ok(()),
                () = &mut give_up, if backlog >= hard => {
                    return Err(Error::Unavailable("the engine is behind with applying commits"));
                }
            }
        }
    }

    fn validate_point(&self, point: &PointRead, snapshot: Stamp) -> Result<()> {
        if self.versions.changed(&point.key, point.since) {
            return Err(Error::Conflict);
        }
        // Asked after the table: what had left by then is in `evicted`.
        if point.since >= snapshot || point.since >= self.versions.evicted() {
            return Ok(());
        }
        match self.read(&point.key, snapshot)? {
            (stamp, Some(_)) if stamp <= point.since => Ok(()),
            _ => Err(Error::Conflict),
        }
    }

    fn validate_range(&self, range: &RangeRead, snapshot: Stamp) -> Result<()> {
        let RangeRead { start, end, since, test } = range;
        if self.versions.range_changed(start, end, *since, test.as_ref()) {
            return Err(Error::Conflict);
        }
        let known = *since >= snapshot || *since >= self.versions.evicted();
        if known { Ok(()) } else { Err(Error::Conflict) }
    }

    /// Validates against what was committed after `checked`; under the commit mutex.
    fn validate_rest(&self, ready: &Ready) -> Result<()> {
        let reads = &ready.reads;
        let nothing_new = self.progress.published() == ready.checked;
        if nothing_new || (reads.points.is_empty() && reads.ranges.is_empty()) {
            return Ok(());
        }
        let touched = |stamp: Stamp, write: &Write| self.touches(reads, stamp, &write.key);
        let conflict = self.tail.any_write_after(ready.checked, touched).unwrap_or_else(|| {
            // The tail was cut meanwhile: ask the table for everything again.
            let changed = |point: &PointRead| self.versions.changed(&point.key, point.since);
            reads.points.iter().any(changed)
                || reads.ranges.iter().any(|range| {
                    let RangeRead { start, end, since, test } = range;
                    self.versions.range_changed(start, end, *since, test.as_ref())
                })
        });
        if conflict { Err(Error::Conflict) } else { Ok(()) }
    }

    fn touches(&self, reads: &ReadSet, stamp: Stamp, key: &Bytes) -> bool {
        let at = reads.points.partition_point(|point| point.key < *key);
        let same = reads.points.iter().skip(at).take_while(|point| point.key == *key);
        same.into_iter().any(|point| stamp > point.since)
            || reads.ranges.iter().any(|range| {
                let inside = *key >= range.start && (range.end.is_empty() || *key < range.end);
                inside
                    && stamp > range.since
                    && self.versions.changed_for(key, range.since, range.test.as_ref())
            })
    }

    /// The part under the commit mutex.
    fn try_publish(&self, ready: &mut Ready) -> Result<Try> {
        let mut committer = self.committer.lock();
        self.validate_rest(ready)?;
        if self.ceiling.as_ref().is_some_and(|ceiling| committer.clock.peek() >= ceiling.get()) {
            return Ok(Try::Ceiling);
        }
        let sums = self.resolve_counters(ready);
        let leans = !ready.reads.ranges.is_empty() || !ready.reads.points.is_empty();
        if (leans || !sums.is_empty()) && self.snapshots.has_ended(ready.snapshot) {
            // Entries that would have told of a change may have left.
            return Err(Error::SnapshotTooOld);
        }
        let stamp = committer.clock.next();
        let head = ready.flags.head(stamp);
        let index = match self.journal.append(head, ready.draft.bytes()) {
            Ok(index) => index,
            Err(Refused::Full) => return Ok(Try::Full),
            Err(Refused::Error(error)) => return Err(self.refused(error)),
        };
        let mut sums = sums.into_iter();
        for write in &mut ready.writes {
            if matches!(write.operation, Operation::Add(_)) {
                write.operation = Operation::Put(sums.next().unwrap_or_default());
            }
        }
        let writes = std::mem::take(&mut ready.writes);
        committer.rows += writes.len();
        let horizon = self.horizon_for(&mut committer.rows);
        self.publish_writes(&writes, stamp, &horizon);
        let note = std::mem::take(&mut ready.note);
        let (id, flags, writes) = (ready.id, ready.flags, WriteSet::new(writes));
        self.push(index, Record { stamp, id, flags, note, writes });
        self.progress.publish(stamp, index, ready.durability);
        Ok(Try::Done(stamp, index))
    }

    fn horizon_for(&self, rows: &mut usize) -> Arc<Horizon> {
        if *rows >= HORIZON_EVERY {
            *rows = 0;
            return self.snapshots.make_horizon(self.progress.visible_cell());
        }
        self.snapshots.horizon()
    }

    fn publish_writes(&self, writes: &[Write], stamp: Stamp, horizon: &Horizon) {
        for write in writes {
            self.versions.publish(&write.key, stamp, write.value(), horizon);
        }
    }

    /// Hands a commit to the tail, and wakes the applier where it has reason.
    fn push(&self, index: u64, record: Record) {
        let size = record.size();
        let before = self.tail.push(Arc::new(Logged { index, record, size }));
        let (worth, after) = (self.tail.worth(), before + size);
        if before == 0 || (before < worth && after >= worth) {
            self.bell.ring(|rung| rung.now |= after >= worth);
        }
    }

    /// The sums of the counters, also filled into the record.
    fn resolve_counters(&self, ready: &mut Ready) -> Vec<Bytes> {
        let mut sums = Vec::with_capacity(ready.counters.len());
        for write in &ready.writes {
            let Operation::Add(delta) = write.operation else { continue };
            let nth = sums.len();
            let before = match self.versions.newest(&write.key) {
                Some((_, value)) => counter(value.as_ref()),
                None => ready.counters.get(nth).copied().unwrap_or_default(),
            };
            let sum = before.wrapping_add(delta);
            ready.draft.set_sum(nth, sum);
            sums.push(engine::compact(&sum.to_be_bytes()));
        }
        sums
    }

    fn refused(&self, error: Error) -> Error {
        match &error {
            Error::OutOfSpace => self.space.found_full(),
            Error::Failed(_) => self.life.fail(&error),
            _ => {}
        }
        error
    }

    /// Moves the clock's durable ceiling on; called before a stamp may reach it.
    pub(super) fn raise_ceiling(&self) -> Result<()> {
        let Some(ceiling) = &self.ceiling else { return Ok(()) };
        let next = self.committer.lock().clock.peek();
        let ahead = u64::try_from(self.options.ceiling_ahead.as_millis()).unwrap_or(u64::MAX);
        let to = Stamp::from_millis(next.millis().saturating_add(ahead.max(1)));
        ceiling.raise(to).map_err(|error| self.refused(error))
    }

    /// Waits until a published commit is acknowledged.
    async fn finish(
        &self,
        id: TransactionId,
        stamp: Stamp,
        index: u64,
        durability: Durability,
    ) -> Result<()> {
        // Handing it to the system here and now costs 2 to 5 microseconds, a switch to the log's
        // thread and back 90 (benches/commit.rs).
        let written = match durability {
            Durability::Interval => self.journal.write(index),
            Durability::Sync | Durability::None => Ok(()),
        };
        let answer = match written {
            Ok(()) if self.progress.is_visible(stamp, &self.journal) => Ok(()),
            Ok(()) => self.progress.wait_visible(stamp, &self.journal).await,
            Err(error) => Err(error),
        };
        answer.map_err(|error| {
            // From here on the id is known.
            self.outcomes.note(id, stamp);
            self.unknown(id, &error)
        })
    }

    /// Turns a failed flush into an unknown outcome, and stops writing.
    pub(super) fn unknown(&self, id: TransactionId, error: &Error) -> Error {
        self.life.fail(error);
        self.progress.news.notify_waiters();
        self.room.notify_waiters();
        Error::Unknown { id, reason: error.to_string() }
    }

    /// Puts staged rows into the log and the table.
    pub(super) async fn stage(&self, id: TransactionId, writes: WriteSet) -> Result<()> {
        self.check_write_set(&writes)?;
        if writes.writes().iter().any(|write| matches!(write.operation, Operation::Add(_))) {
            return Err(Error::Unsupported("counters among staged rows"));
        }
        let draft = Draft::new(id, &[], writes.writes())?;
        loop {
            self.life.check_writable()?;
            match self.try_stage(id, &draft, &writes)? {
                Try::Done(..) => return Ok(()),
                Try::Full => self.journal.room(draft.bytes().len()).await?,
                Try::Ceiling => self.raise_ceiling()?,
            }
        }
    }

    fn try_stage(&self, id: TransactionId, draft: &Draft, writes: &WriteSet) -> Result<Try> {
        let _order = self.committer.lock();
        let flags = Flags { quiet: true, staged: true };
        let stamp = self.progress.published();
        match self.journal.append(flags.head(stamp), draft.bytes()) {
            Ok(index) => {
                let horizon = self.snapshots.horizon();
                self.publish_writes(writes.writes(), Stamp::ZERO, &horizon);
                let (note, writes) = (Bytes::new(), writes.clone());
                self.push(index, Record { stamp, id, flags, note, writes });
                Ok(Try::Done(stamp, index))
            }
            Err(Refused::Full) => Ok(Try::Full),
            Err(Refused::Error(error)) => Err(self.refused(error)),
        }
    }
}
