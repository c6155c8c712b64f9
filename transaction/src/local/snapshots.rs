//! Which snapshots live: what the version table must keep.
//!
//! ```text
//!   begin ──► shard[owner % 16]: lock, S = visible, note S, unlock
//!   keeper ─► v = visible, then every shard in turn  ──►  Horizon { visible: v, live: sorted }
//! ```
//!
//! A [`Horizon`] says what may be forgotten: a version whose successor is at or below
//! `horizon.visible` and that no snapshot of `horizon.live` falls on. It stays true for ever, so it
//! is made rarely and used often.
//!
//! Why no snapshot slips through: the keeper loads `visible` *before* it visits any shard. A
//! `begin` that noted its snapshot before the visit is in `live`. One that comes after the visit
//! loads `visible` after the keeper did (the shard's mutex orders them), so its snapshot is at
//! least `horizon.visible` and needs nothing that the horizon lets go. A snapshot of the past
//! (`as_of`) is noted only while it is equal to a live one or at least the visible of the newest
//! horizon, and the horizon's mutex is held while that is decided.
//!
//! Past the memory budget the oldest snapshot ends: `ended_below` rises *before* anything that it
//! needed is forgotten, and a reader looks at it *after* it has its value: whoever saw the loss
//! sees the end.
//!
//! Rejected: one global list (64 sessions meet at one mutex for each statement), hazard-like slots
//! without a lock (a slot's load of `visible` and its store cannot be one step).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use smallvec::SmallVec;

use crate::Stamp;

const SHARDS: usize = 16;

/// What may be forgotten.
#[derive(Debug, Default)]
pub(super) struct Horizon {
    /// Every snapshot that is not in `live` is at least this.
    pub visible: Stamp,
    /// The snapshots alive when the horizon was made, ascending, each once.
    pub live: Vec<Stamp>,
}

impl Horizon {
    /// The oldest snapshot that may still read.
    pub fn oldest(&self) -> Stamp {
        self.live.first().copied().unwrap_or(Stamp::MAX).min(self.visible)
    }

    /// Whether somebody may read a version that was current from `from` until before `until`.
    pub fn needs(&self, from: Stamp, until: Stamp) -> bool {
        if until > self.visible {
            return true;
        }
        let at = self.live.partition_point(|live| *live < from);
        self.live.get(at).is_some_and(|live| *live < until)
    }
}

/// A shard's snapshots, ascending, with how many transactions hold each.
type Held = SmallVec<[(Stamp, u32); 8]>;

/// The registry of live snapshots.
pub(super) struct Snapshots {
    shards: [Mutex<Held>; SHARDS],
    horizon: RwLock<Arc<Horizon>>,
    making: Mutex<()>,
    ended_below: AtomicU64,
}

impl Snapshots {
    /// Nobody reads yet.
    pub fn new() -> Self {
        Snapshots {
            shards: std::array::from_fn(|_| Mutex::default()),
            horizon: RwLock::default(),
            making: Mutex::new(()),
            ended_below: AtomicU64::new(0),
        }
    }

    fn shard(&self, owner: u64) -> &Mutex<Held> {
        &self.shards[owner as usize % SHARDS]
    }

    /// Notes a snapshot at the visible position, or beyond it where the session has seen more.
    pub fn begin(&self, owner: u64, visible: &AtomicU64, at_least: Stamp) -> Stamp {
        let mut held = self.shard(owner).lock();
        let stamp = Stamp(visible.load(Ordering::Acquire)).max(at_least);
        note(&mut held, stamp);
        stamp
    }

    /// Notes a snapshot of the past; false where its versions may be gone.
    pub fn begin_at(&self, owner: u64, stamp: Stamp) -> bool {
        let _making = self.making.lock();
        if stamp.0 < self.ended_below.load(Ordering::Acquire) {
            return false;
        }
        // No horizon is made meanwhile, so one that names this snapshot (or lies before it) has
        // kept what it needs, though the transaction that held it may have gone.
        let alive = self.horizon_allows(stamp);
        if alive {
            note(&mut self.shard(owner).lock(), stamp);
        }
        alive
    }

    fn horizon_allows(&self, stamp: Stamp) -> bool {
        let horizon = self.horizon.read();
        stamp >= horizon.visible || horizon.live.binary_search(&stamp).is_ok()
    }

    /// Gives a snapshot up.
    pub fn end(&self, owner: u64, stamp: Stamp) {
        forget(&mut self.shard(owner).lock(), stamp);
    }

    /// Moves a snapshot to the visible position, never back.
    pub fn refresh(&self, owner: u64, old: Stamp, visible: &AtomicU64, at_least: Stamp) -> Stamp {
        let mut held = self.shard(owner).lock();
        let stamp = Stamp(visible.load(Ordering::Acquire)).max(at_least).max(old);
        if stamp != old {
            forget(&mut held, old);
            note(&mut held, stamp);
        }
        stamp
    }

    /// Whether a snapshot was ended by the memory budget. Ask after the read.
    #[inline]
    pub fn has_ended(&self, stamp: Stamp) -> bool {
        stamp.0 < self.ended_below.load(Ordering::Acquire)
    }

    /// The newest horizon made.
    pub fn horizon(&self) -> Arc<Horizon> {
        Arc::clone(&self.horizon.read())
    }

    /// Makes a new horizon.
    pub fn make_horizon(&self, visible: &AtomicU64) -> Arc<Horizon> {
        let _making = self.making.lock();
        self.make(visible)
    }

    fn make(&self, visible: &AtomicU64) -> Arc<Horizon> {
        let visible = Stamp(visible.load(Ordering::Acquire));
        let mut live: Vec<Stamp> = Vec::new();
        for shard in &self.shards {
            live.extend(shard.lock().iter().map(|held| held.0));
        }
        live.sort_unstable();
        live.dedup();
        let horizon = Arc::new(Horizon { visible, live });
        *self.horizon.write() = Arc::clone(&horizon);
        horizon
    }

    /// Ends the oldest snapshot that holds anything back; answers the horizon without it, or `None`
    /// where there is no such snapshot.
    pub fn end_oldest(&self, visible: &AtomicU64) -> Option<Arc<Horizon>> {
        let _making = self.making.lock();
        let horizon = self.make(visible);
        let oldest = horizon.live.first().copied().filter(|oldest| *oldest < horizon.visible)?;
        self.ended_below.fetch_max(oldest.0 + 1, Ordering::AcqRel);
        for shard in &self.shards {
            shard.lock().retain(|held| held.0 > oldest);
        }
        Some(self.make(visible))
    }

    /// How many distinct snapshots live.
    pub fn count(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }
}

fn note(held: &mut Held, stamp: Stamp) {
    let at = held.partition_point(|known| known.0 < stamp);
    match held.get_mut(at).filter(|known| known.0 == stamp) {
        Some(known) => known.1 += 1,
        None => held.insert(at, (stamp, 1)),
    }
}

/// A snapshot that was ended by force is no longer there.
fn forget(held: &mut Held, stamp: Stamp) {
    let at = held.partition_point(|known| known.0 < stamp);
    if let Some(known) = held.get_mut(at).filter(|known| known.0 == stamp) {
        known.1 -= 1;
        if known.1 == 0 {
            held.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_horizon_knows_what_is_needed() {
        let horizon = Horizon { visible: Stamp(50), live: vec![Stamp(10), Stamp(30)] };
        assert_eq!(horizon.oldest(), Stamp(10));
        assert!(horizon.needs(Stamp(5), Stamp(11)));
        assert!(!horizon.needs(Stamp(5), Stamp(10)));
        assert!(!horizon.needs(Stamp(11), Stamp(30)));
        assert!(horizon.needs(Stamp(30), Stamp(31)));
        assert!(!horizon.needs(Stamp(31), Stamp(50)));
        assert!(horizon.needs(Stamp(31), Stamp(51)), "a new snapshot may fall on it");
    }

    #[test]
    fn the_oldest_ends_and_the_past_is_reached_only_while_it_is_held() {
        let (snapshots, visible) = (Snapshots::new(), AtomicU64::new(10));
        assert_eq!(snapshots.begin(1, &visible, Stamp::ZERO), Stamp(10));
        visible.store(20, Ordering::Release);
        assert_eq!(snapshots.begin(2, &visible, Stamp(25)), Stamp(25));
        assert_eq!(snapshots.make_horizon(&visible).live, [Stamp(10), Stamp(25)]);
        assert!(snapshots.begin_at(3, Stamp(10)), "held by another");
        assert!(!snapshots.begin_at(3, Stamp(15)));
        assert!(snapshots.begin_at(3, Stamp(20)));
        let horizon = snapshots.end_oldest(&visible).expect("10 is old");
        assert_eq!(horizon.live, [Stamp(20), Stamp(25)]);
        assert!(snapshots.has_ended(Stamp(10)) && !snapshots.has_ended(Stamp(20)));
        assert!(snapshots.end_oldest(&visible).is_none(), "20 is the visible itself");
        snapshots.end(1, Stamp(10));
        snapshots.end(2, Stamp(25));
        snapshots.end(3, Stamp(20));
        assert_eq!(snapshots.count(), 0);
    }
}
