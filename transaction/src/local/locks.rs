//! The lock table: who may write what, and who waits for whom.
//!
//! ```text
//!   shard ─► key ─► holders  (tx 4, Share) (tx 7, KeyShare)
//!                   queue    tx 9 Update ◄ tx 12 Share ◄ …      first come, first served
//!
//!   waits ─► tx 9 → key, tx 12 → key, …                         only those that wait
//! ```
//!
//! A request is granted at once if it conflicts neither with another holder nor with anybody who
//! waits ahead of it (else a stream of sharers starves a writer). A holder who wants a stronger
//! mode goes ahead of all who do not hold the key: nobody behind could get it before anyway.
//! Whenever a holder or a waiter leaves, the queue is walked once and all who now fit are granted,
//! under the same lock: no wake-up is lost, because granting is a fact in the table and the waker
//! only tells of it.
//!
//! **Deadlocks** are found at the moment of waiting: the request is queued, then, under the one
//! mutex of `waits`, noted and the graph walked from it (a waiter waits for conflicting holders and
//! for conflicting waiters ahead). The requester that closes the circle is refused. None is missed:
//! the last of a circle to be noted sees all the others, since edges arise only by waiting. None is
//! invented: who waits releases nothing, so edges of a circle seen one after another stand
//! together.
//!
//! **Invariants**
//! - Holders of a key do not conflict with one another.
//! - The first waiter of a queue conflicts with some holder: a grant is never left lying.
//! - A key that nobody holds or awaits is not in the table.
//! - Lock order: `waits` before a shard; never two shards.
//!
//! Rejected: a time-out as the only cure for deadlocks (a hot pair of rows costs a second each),
//! wound-wait (it kills transactions that would have finished, and clients of PostgreSQL expect
//! 40P01 at the waiter).

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use hashbrown::hash_table::Entry;
use hashbrown::{HashMap, HashSet, HashTable};
use parking_lot::Mutex;
use smallvec::{SmallVec, smallvec};

use super::hash::{self, KeyHasher};
use crate::LockMode;

const SHARDS: usize = 64;

/// A transaction, as the lock table names it.
pub(super) type Owner = u64;

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

#[derive(Default)]
struct Queue {
    holders: SmallVec<[(Owner, LockMode); 2]>,
    waiters: VecDeque<Waiter>,
}

struct Waiter {
    owner: Owner,
    mode: LockMode,
    cell: Arc<Cell>,
}

/// How a waiter hears of its grant.
#[derive(Default)]
struct Cell {
    state: Mutex<(bool, Option<Waker>)>,
}

impl Cell {
    fn grant(&self) -> Option<Waker> {
        let mut state = self.state.lock();
        state.0 = true;
        state.1.take()
    }
}

impl Queue {
    fn held(&self, owner: Owner) -> Option<LockMode> {
        self.holders.iter().find(|held| held.0 == owner).map(|held| held.1)
    }

    fn fits_holders(&self, owner: Owner, mode: LockMode) -> bool {
        self.holders.iter().all(|held| held.0 == owner || !held.1.conflicts(mode))
    }

    /// Holds `mode`, or what is held already if that is stronger.
    fn hold(&mut self, owner: Owner, mode: LockMode) {
        match self.holders.iter_mut().find(|held| held.0 == owner) {
            Some(held) => held.1 = held.1.max(mode),
            None => self.holders.push((owner, mode)),
        }
    }

    /// Holds `mode` if nobody is in the way.
    fn take(&mut self, owner: Owner, mode: LockMode) -> bool {
        if self.held(owner).is_some_and(|held| held >= mode) {
            return true;
        }
        let fits = self.fits(owner, mode, self.position(owner));
        if fits {
            self.hold(owner, mode);
        }
        fits
    }

    /// Falls back to a weaker mode or to none.
    fn set(&mut self, owner: Owner, mode: Option<LockMode>) {
        match (self.holders.iter_mut().find(|held| held.0 == owner), mode) {
            (Some(held), Some(mode)) => held.1 = mode,
            _ => self.holders.retain(|held| held.0 != owner),
        }
    }

    /// Where a request would queue: holders before all others.
    fn position(&self, owner: Owner) -> usize {
        if self.held(owner).is_none() {
            return self.waiters.len();
        }
        let upgrades = |waiter: &&Waiter| self.held(waiter.owner).is_some();
        self.waiters.iter().take_while(upgrades).count()
    }

    fn fits(&self, owner: Owner, mode: LockMode, position: usize) -> bool {
        self.fits_holders(owner, mode)
            && self.waiters.iter().take(position).all(|ahead| !ahead.mode.conflicts(mode))
    }

    /// Grants everybody who fits now, in order.
    fn grant(&mut self) -> SmallVec<[Waker; 2]> {
        let mut woken = SmallVec::new();
        let mut at = 0;
        while let Some(waiter) = self.waiters.get(at) {
            if !self.fits(waiter.owner, waiter.mode, at) {
                at += 1;
                continue;
            }
            if let Some(waiter) = self.waiters.remove(at) {
                self.hold(waiter.owner, waiter.mode);
                woken.extend(waiter.cell.grant());
            }
        }
        woken
    }

    /// Whom a waiter waits for.
    fn blockers(&self, owner: Owner, into: &mut Vec<Owner>) {
        let Some(position) = self.waiters.iter().position(|waiter| waiter.owner == owner) else {
            return;
        };
        let Some(mode) = self.waiters.get(position).map(|waiter| waiter.mode) else { return };
        let holders = self.holders.iter().filter(|held| held.0 != owner && held.1.conflicts(mode));
        into.extend(holders.map(|held| held.0));
        let ahead = self.waiters.iter().take(position).filter(|ahead| ahead.mode.conflicts(mode));
        into.extend(ahead.map(|ahead| ahead.owner));
    }

    fn is_empty(&self) -> bool {
        self.holders.is_empty() && self.waiters.is_empty()
    }
}

/// The answer to a request.
pub(super) enum Request {
    /// Held now, in this mode or a stronger one.
    Granted,
    /// Somebody is in the way, and the caller did not want to wait.
    Busy,
    /// Waiting would close a circle.
    Deadlock,
    /// Queued.
    Wait(Ticket),
}

/// A key that somebody holds or awaits.
struct Place {
    hash: u64,
    key: Bytes,
    queue: Queue,
}

type Shard = HashTable<Place>;

/// All locks of a store. A `hash` that is asked for is the key's, by the store's hasher.
pub(super) struct Locks {
    shards: Box<[Mutex<Shard>]>,
    hasher: KeyHasher,
    waits: Mutex<Map<Owner, SmallVec<[Bytes; 1]>>>,
}

impl Locks {
    /// Nothing is locked.
    pub fn new(hasher: KeyHasher) -> Arc<Self> {
        Arc::new(Locks {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher,
            waits: Mutex::default(),
        })
    }

    fn shard(&self, hash: u64) -> &Mutex<Shard> {
        &self.shards[hash::shard(hash, SHARDS)]
    }

    /// Takes a lock if it is free; otherwise `Busy`.
    pub fn try_lock(&self, owner: Owner, hash: u64, key: &Bytes, mode: LockMode) -> Request {
        let mut shard = self.shard(hash).lock();
        match shard.entry(hash, |place| place.key == *key, |place| place.hash) {
            Entry::Vacant(slot) => {
                slot.insert(Place::held(hash, key, owner, mode));
                Request::Granted
            }
            Entry::Occupied(mut place) => {
                let queue = &mut place.get_mut().queue;
                if queue.take(owner, mode) { Request::Granted } else { Request::Busy }
            }
        }
    }

    /// Takes a lock or queues for it.
    pub fn lock(self: &Arc<Self>, owner: Owner, key: &Bytes, mode: LockMode) -> Request {
        let hash = self.hasher.hash(key);
        let (cell, before) = {
            let mut shard = self.shard(hash).lock();
            let mut place = match shard.entry(hash, |place| place.key == *key, |place| place.hash) {
                Entry::Vacant(slot) => {
                    slot.insert(Place::held(hash, key, owner, mode));
                    return Request::Granted;
                }
                Entry::Occupied(place) => place,
            };
            let queue = &mut place.get_mut().queue;
            if queue.take(owner, mode) {
                return Request::Granted;
            }
            let (cell, held) = (Arc::new(Cell::default()), queue.held(owner));
            let position = queue.position(owner);
            queue.waiters.insert(position, Waiter { owner, mode, cell: Arc::clone(&cell) });
            (cell, held)
        };
        let (locks, key_) = (Arc::clone(self), key.clone());
        let ticket = Ticket { locks, owner, hash, key: key_, cell, before, done: false };
        if self.closes_a_circle(owner, key) { Request::Deadlock } else { Request::Wait(ticket) }
    }

    /// Notes that `owner` waits for `key`, and looks for a way from it back to itself.
    fn closes_a_circle(&self, owner: Owner, key: &Bytes) -> bool {
        let mut waits = self.waits.lock();
        waits.entry(owner).or_default().push(key.clone());
        let mut seen: HashSet<Owner> = HashSet::new();
        let mut todo = Vec::new();
        self.blockers(key, owner, &mut todo);
        while let Some(next) = todo.pop() {
            if next == owner {
                return true;
            }
            if seen.insert(next) {
                for key in waits.get(&next).into_iter().flatten() {
                    self.blockers(key, next, &mut todo);
                }
            }
        }
        false
    }

    fn blockers(&self, key: &Bytes, owner: Owner, into: &mut Vec<Owner>) {
        let hash = self.hasher.hash(key);
        if let Some(place) = self.shard(hash).lock().find(hash, |place| place.key == *key) {
            place.queue.blockers(owner, into);
        }
    }

    /// Gives a lock up.
    pub fn unlock(&self, owner: Owner, hash: u64, key: &[u8]) {
        self.restore(owner, hash, key, None);
    }

    /// Falls back to what was held before a request, or to nothing.
    pub fn restore(&self, owner: Owner, hash: u64, key: &[u8], mode: Option<LockMode>) {
        self.leave(hash, key, |queue| queue.set(owner, mode));
    }

    /// Somebody leaves a queue, wholly or in part: whoever now fits is granted, and a queue that is
    /// empty goes.
    fn leave(&self, hash: u64, key: &[u8], leaving: impl FnOnce(&mut Queue)) {
        let woken = {
            let mut shard = self.shard(hash).lock();
            let Ok(mut place) = shard.find_entry(hash, |place| place.key == key) else { return };
            let queue = &mut place.get_mut().queue;
            leaving(queue);
            let woken = queue.grant();
            if queue.is_empty() {
                place.remove();
            }
            woken
        };
        woken.into_iter().for_each(Waker::wake);
    }

    /// Who holds or awaits nothing leaves no trace: for tests and metrics.
    pub fn keys(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    fn stop_waiting(&self, owner: Owner, key: &Bytes) {
        let mut waits = self.waits.lock();
        if let Some(keys) = waits.get_mut(&owner) {
            if let Some(at) = keys.iter().position(|waiting| waiting == key) {
                keys.remove(at);
            }
            if keys.is_empty() {
                waits.remove(&owner);
            }
        }
    }
}

impl Place {
    fn held(hash: u64, key: &Bytes, owner: Owner, mode: LockMode) -> Place {
        let queue = Queue { holders: smallvec![(owner, mode)], waiters: VecDeque::new() };
        Place { hash, key: key.clone(), queue }
    }
}

/// A place in a queue; completes when the lock is held. Dropped before that, it leaves the queue,
/// and gives up a lock that was granted but never told of.
pub(super) struct Ticket {
    locks: Arc<Locks>,
    owner: Owner,
    hash: u64,
    key: Bytes,
    cell: Arc<Cell>,
    /// What was held before, to fall back to.
    before: Option<LockMode>,
    done: bool,
}

impl Future for Ticket {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.cell.state.lock();
        if !state.0 {
            state.1 = Some(context.waker().clone());
            return Poll::Pending;
        }
        drop(state);
        self.done = true;
        Poll::Ready(())
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.locks.stop_waiting(self.owner, &self.key);
        if self.done {
            return;
        }
        let (owner, before, cell) = (self.owner, self.before, &self.cell);
        self.locks.leave(self.hash, &self.key, |queue| {
            let place = queue.waiters.iter().position(|waiter| Arc::ptr_eq(&waiter.cell, cell));
            match place {
                Some(at) => drop(queue.waiters.remove(at)),
                // Granted in between: whoever asked does not know, so nobody would ever release it.
                None => queue.set(owner, before),
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use LockMode::{KeyShare, NoKeyUpdate, Share, Update};

    const MODES: [LockMode; 4] = [KeyShare, Share, NoKeyUpdate, Update];

    fn key(name: &'static str) -> Bytes {
        Bytes::from_static(name.as_bytes())
    }

    fn new() -> Arc<Locks> {
        Locks::new(KeyHasher::new(7))
    }

    fn free(locks: &Locks, owner: Owner, name: &str) {
        locks.unlock(owner, locks.hasher.hash(name.as_bytes()), name.as_bytes());
    }

    fn wait(locks: &Arc<Locks>, owner: Owner, name: &'static str, mode: LockMode) -> Ticket {
        match locks.lock(owner, &key(name), mode) {
            Request::Wait(ticket) => ticket,
            Request::Granted => panic!("{owner} got {name} at once"),
            _ => panic!("{owner} was refused {name}"),
        }
    }

    fn take(locks: &Arc<Locks>, owner: Owner, name: &'static str, mode: LockMode) {
        assert!(matches!(locks.lock(owner, &key(name), mode), Request::Granted));
    }

    fn granted(ticket: &mut Ticket) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        Pin::new(ticket).poll(&mut context).is_ready()
    }

    #[test]
    fn modes_conflict_as_in_postgresql() {
        let table = ["...x", "..xx", ".xxx", "xxxx"];
        for (a, row) in MODES.iter().zip(table) {
            for (b, mark) in MODES.iter().zip(row.chars()) {
                let locks = new();
                take(&locks, 1, "k", *a);
                let busy = matches!(
                    locks.try_lock(2, locks.hasher.hash(b"k"), &key("k"), *b),
                    Request::Busy
                );
                assert_eq!(busy, mark == 'x', "{a:?} held, {b:?} asked");
            }
        }
    }

    #[test]
    fn a_queue_is_fair_and_grants_all_who_fit() {
        let locks = new();
        take(&locks, 1, "k", Update);
        let mut share_2 = wait(&locks, 2, "k", Share);
        let mut share_3 = wait(&locks, 3, "k", Share);
        let mut update_4 = wait(&locks, 4, "k", Update);
        let mut share_5 = wait(&locks, 5, "k", Share);
        free(&locks, 1, "k");
        assert!(granted(&mut share_2) && granted(&mut share_3));
        assert!(!granted(&mut update_4) && !granted(&mut share_5), "5 does not pass 4");
        free(&locks, 2, "k");
        drop(update_4);
        assert!(granted(&mut share_5), "4 gave up");
        free(&locks, 3, "k");
        free(&locks, 5, "k");
        assert_eq!(locks.keys(), 0);
    }

    #[test]
    fn a_stronger_mode_goes_ahead_of_strangers() {
        let locks = new();
        take(&locks, 1, "k", Share);
        take(&locks, 2, "k", Share);
        let mut stranger = wait(&locks, 3, "k", Update);
        let mut upgrade = wait(&locks, 1, "k", Update);
        free(&locks, 2, "k");
        assert!(granted(&mut upgrade) && !granted(&mut stranger));
        free(&locks, 1, "k");
        assert!(granted(&mut stranger));
    }

    #[test]
    fn the_request_that_closes_a_circle_is_refused() {
        let locks = new();
        for (owner, name) in [(1, "a"), (2, "b"), (3, "c")] {
            take(&locks, owner, name, Update);
        }
        let _one = wait(&locks, 1, "b", Share);
        let mut two = wait(&locks, 2, "c", Share);
        assert!(matches!(locks.lock(3, &key("a"), Share), Request::Deadlock));
        assert!(!granted(&mut two));
        free(&locks, 3, "c");
        assert!(granted(&mut two), "the refused one left the queue");
    }

    #[test]
    fn two_upgrades_are_a_circle() {
        let locks = new();
        take(&locks, 1, "k", Share);
        take(&locks, 2, "k", Share);
        let mut first = wait(&locks, 1, "k", Update);
        assert!(matches!(locks.lock(2, &key("k"), Update), Request::Deadlock));
        free(&locks, 2, "k");
        assert!(granted(&mut first));
    }

    #[test]
    fn a_circle_through_a_queue_is_seen() {
        let locks = new();
        take(&locks, 1, "a", Share);
        take(&locks, 3, "b", Update);
        let _two = wait(&locks, 2, "a", Update);
        // 3 waits for 2 (ahead of it in a's queue), and 2 for 1.
        let _three = wait(&locks, 3, "a", Share);
        assert!(matches!(locks.lock(1, &key("b"), Update), Request::Deadlock));
    }
}
