//! Commands of several connections in one commit.
//!
//! ```text
//!   first    begins ─► its commands ─► leaves it open ─ lets every ready task run ─► commits ─┐
//!   second            takes it ─► its commands ─► leaves it … waits ◄──────────────────────────┤
//!   third                        takes it ─► its commands ─► leaves it … waits ◄───────────────┘
//! ```
//!
//! Fifty clients that send one command each are, to the store, much like one client that sends
//! fifty: what a commit costs beside its writes (snapshot, record, system call, wake-ups) is paid
//! once. Nobody waits for company: whoever is ready anyway, in this turn of the thread's loop,
//! joins; a connection alone commits as it would have.
//!
//! Commands that only read share a snapshot in the same way, as long as a fresh one would be the
//! same; it goes with the turn, so that nobody's memory is held by it.
//!
//! **Invariants**
//! - A group is one transaction in which the connections' commands run one after the other, each
//!   with its own savepoints, so it is a pipeline that happens to have several readers.
//! - Nobody in a group waits for a lock: what would have to wait runs alone, after it left.
//! - Every group ends: by its leader, else by whoever holds it when the leader has come for it;
//!   dropped, it has failed, and its members run their commands again, each alone.
//! - A reply leaves after the commit of its group; if that is unknown, no reply does.
//!
//! **Rejected.** Handing commands to one task: their arguments would be copied, and their replies.
//! Waiting some microseconds for more: that is latency for everybody, and gains nothing where the
//! machine is busy, since there the others are ready already.

use std::future::poll_fn;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Waker};

use parking_lot::Mutex;
use qanat::keys::{KeyError, KeySession, KeyTransaction};
use qanat::{Durability, Stamp};
use smallvec::SmallVec;

use super::{Batch, Command, Server, Session, locks};
use crate::redis::error;

/// The groups that are open now, one for each thread.
#[derive(Default)]
pub(super) struct Groups {
    places: [Mutex<Option<Box<Open>>>; PLACES],
    snapshots: [Mutex<Option<Box<Reading>>>; PLACES],
}

/// Threads beyond this share places.
const PLACES: usize = 32;

/// What became of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// It is there, at this stamp if it wrote anything.
    Committed(Option<Stamp>),
    /// Nothing of it is there.
    Failed,
    /// It may be there or not.
    Unknown,
}

#[derive(Default)]
struct State {
    /// The leader came for it while somebody ran commands in it.
    is_due: bool,
    outcome: Option<Outcome>,
    /// Members that wait for the outcome.
    waiting: SmallVec<[Waker; 8]>,
}

/// What members of a group wait at.
#[derive(Default)]
struct Group {
    state: Mutex<State>,
}

impl Group {
    fn finish(&self, outcome: Outcome) {
        let mut state = self.state.lock();
        state.outcome.get_or_insert(outcome);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }

    async fn outcome(&self) -> Outcome {
        poll_fn(|context| {
            let mut state = self.state.lock();
            if let Some(outcome) = state.outcome {
                return Poll::Ready(outcome);
            }
            state.waiting.push(context.waker().clone());
            Poll::Pending
        })
        .await
    }
}

/// A transaction that others may join.
struct Open {
    keys: Option<KeyTransaction>,
    group: Arc<Group>,
    durability: Durability,
    commands: usize,
}

impl Drop for Open {
    /// Dropped before its commit began, it has failed.
    fn drop(&mut self) {
        self.group.finish(Outcome::Failed);
    }
}

/// A snapshot that others may read at.
struct Reading {
    keys: KeyTransaction,
    /// Whose it is.
    number: u64,
}

/// The duty to end a shared snapshot with the turn that began it.
pub(super) struct Reader {
    server: Arc<Server>,
    place: usize,
    number: u64,
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut slot = self.server.groups.snapshots[self.place].lock();
        if slot.as_ref().is_some_and(|reading| reading.number == self.number) {
            let ended = slot.take();
            drop(slot);
            drop(ended);
        }
    }
}

/// Tells the members that nobody knows, if the commit's future is dropped on its way.
struct Committing(Arc<Group>);

impl Drop for Committing {
    fn drop(&mut self) {
        self.0.finish(Outcome::Unknown);
    }
}

/// The leader's duty to end its group.
struct Lead<'g> {
    groups: &'g Groups,
    place: usize,
    group: Arc<Group>,
}

impl Lead<'_> {
    /// Takes the group back; `None` where somebody is at it, who will commit it then.
    fn take(&self) -> Option<Box<Open>> {
        let mut slot = self.groups.places[self.place].lock();
        if slot.as_ref().is_some_and(|open| Arc::ptr_eq(&open.group, &self.group)) {
            return slot.take();
        }
        self.group.state.lock().is_due = true;
        None
    }
}

impl Drop for Lead<'_> {
    /// A leader that is gone leaves nothing that nobody would end.
    fn drop(&mut self) {
        drop(self.take());
    }
}

impl Groups {
    /// The place of the calling thread.
    pub(super) fn place() -> usize {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local!(static PLACE: usize = NEXT.fetch_add(1, Ordering::Relaxed));
        PLACE.with(|place| place % PLACES)
    }

    /// Takes the open group of a place, if this session's commands may run in it.
    fn join(
        &self,
        place: usize,
        keys: &KeySession,
        commands: usize,
        most: usize,
    ) -> Option<Box<Open>> {
        let mut slot = self.places[place].lock();
        let fits = |open: &Open| {
            open.durability == keys.durability()
                && open.commands + commands <= most
                && open.keys.as_ref().is_some_and(|open| keys.is_of(open))
        };
        if slot.as_deref().is_some_and(fits) { slot.take() } else { None }
    }

    /// Leaves a group open; given back where it has to be committed at once.
    fn leave(&self, place: usize, open: Box<Open>) -> Option<Box<Open>> {
        let mut slot = self.places[place].lock();
        if slot.is_some() || open.group.state.lock().is_due {
            return Some(open);
        }
        *slot = Some(open);
        None
    }
}

/// How running commands in a group went.
enum Ran {
    All,
    /// A lock is not free; nothing was done.
    Busy,
}

impl Session {
    /// Runs commands in a group with other connections; false where they are still to be run,
    /// alone.
    pub(super) async fn run_together(
        &mut self,
        batch: &Batch,
        input: &[u8],
        range: Range<usize>,
        run: &[&'static Command],
    ) -> bool {
        let server = self.server.clone();
        let (groups, place, most) = (&server.groups, self.place, server.options.batch_commands_max);
        let joined = groups.join(place, &self.keys, run.len(), most);
        let leads = joined.is_none();
        let mut open = match joined {
            Some(open) => open,
            None => match self.keys.begin(true).await {
                Ok(keys) => Box::new(Open {
                    keys: Some(keys),
                    group: Arc::default(),
                    durability: self.keys.durability(),
                    commands: 0,
                }),
                Err(_) => return false,
            },
        };
        let (start, lookups) = (self.out.len(), self.lookups);
        let Some(keys) = &mut open.keys else { return false };
        match self.run_in(keys, batch, input, range, run).await {
            Ok(Ran::All) => open.commands += run.len(),
            Ok(Ran::Busy) if leads => return false,
            Ok(Ran::Busy) => {
                if let Some(open) = groups.leave(place, open) {
                    commit(&mut self.keys, open).await;
                }
                return false;
            }
            Err(_) => {
                // The transaction is spoilt for all of its members.
                drop(open);
                (self.lookups, _) = (lookups, self.out.truncate(start));
                return false;
            }
        }
        let group = open.group.clone();
        let lead = leads.then(|| Lead { groups, place, group: group.clone() });
        let left = groups.leave(place, open);
        if let Some(open) = left {
            commit(&mut self.keys, open).await;
        } else if let Some(lead) = lead {
            tokio::task::yield_now().await;
            if let Some(open) = lead.take() {
                commit(&mut self.keys, open).await;
            }
        }
        match group.outcome().await {
            Outcome::Committed(stamp) => self.keys.saw(stamp),
            Outcome::Unknown => {
                self.closing = true;
                self.out.truncate(start);
            }
            Outcome::Failed => {
                (self.lookups, _) = (lookups, self.out.truncate(start));
                return false;
            }
        }
        self.is_together = true;
        true
    }

    /// Runs commands that only read at a snapshot shared with other connections; false where they
    /// are still to be run, alone.
    pub(super) async fn read_together(
        &mut self,
        batch: &Batch,
        input: &[u8],
        range: Range<usize>,
        run: &[&'static Command],
    ) -> bool {
        let server = self.server.clone();
        let slot = &server.groups.snapshots[self.place];
        let found = slot.lock().take().filter(|reading| self.keys.is_of(&reading.keys));
        let now = server.keyspaces.now();
        let found = found.and_then(|mut reading| {
            // What has become old ends here.
            reading.keys.begin_again(now).then_some(reading)
        });
        let mut reading = match found {
            Some(reading) => reading,
            None => match self.keys.begin(false).await {
                Ok(keys) => {
                    let (place, number) = (self.place, self.client.id);
                    self.reader = Some(Reader { server: server.clone(), place, number });
                    Box::new(Reading { keys, number })
                }
                Err(_) => return false,
            },
        };
        let (start, lookups) = (self.out.len(), self.lookups);
        reading.keys.select(self.keys.space());
        for (at, command) in range.zip(run) {
            let argv = batch.get(at, input);
            if self.call(&mut reading.keys, command, argv, false).await.is_err() {
                (self.lookups, _) = (lookups, self.out.truncate(start));
                return false;
            }
        }
        let mut slot = slot.lock();
        if slot.is_none() {
            *slot = Some(reading);
        }
        true
    }

    async fn run_in(
        &mut self,
        keys: &mut KeyTransaction,
        batch: &Batch,
        input: &[u8],
        range: Range<usize>,
        run: &[&'static Command],
    ) -> Result<Ran, KeyError> {
        let space = self.keys.space();
        keys.select(space);
        keys.set_string_bytes_max(self.server.bulk_bytes_max.load(Ordering::Relaxed) as usize);
        let requests = range.clone().zip(run).map(|(at, command)| (batch.get(at, input), *command));
        let locks = locks(requests, space);
        if !keys.try_lock(locks.iter().copied()).await? {
            return Ok(Ran::Busy);
        }
        for (at, command) in range.zip(run) {
            self.call(keys, command, batch.get(at, input), true).await?;
        }
        Ok(Ran::All)
    }
}

/// Ends a group.
async fn commit(session: &mut KeySession, mut open: Box<Open>) {
    let Some(keys) = open.keys.take() else { return };
    let committing = Committing(open.group.clone());
    let outcome = match session.commit(keys).await {
        Ok(stamp) => Outcome::Committed(stamp),
        Err(error) if error::is_unknown(&error) => Outcome::Unknown,
        Err(_) => Outcome::Failed,
    };
    committing.0.finish(outcome);
}
