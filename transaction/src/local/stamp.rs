//! Stamps and transaction ids: the hybrid clock.
//!
//! The problem: a stamp must rise with every commit, whatever the wall clock does, and over a
//! restart too, when the newest commits of a store with relaxed durability may be lost although
//! clients saw their stamps.
//!
//! ```text
//!   wall ms << 18 ──┐
//!                   ├─ max ──► stamp ──► in the log record
//!   last stamp + 1 ─┘            │
//!                                ▼  always below
//!   ceiling: in the log, some seconds ahead, on disk before a stamp may reach it
//!   open:    clock ≥ max(every stamp in the log, newest ceiling)
//! ```
//!
//! **Invariants**
//! - `next` answers more than every stamp answered or observed before.
//! - No stamp reaches the ceiling; a ceiling counts only once it is on disk. So after any crash the
//!   clock starts above every stamp that any client may have seen.
//!
//! Rejected: a sync of the clock at each commit (a second flush), and waiting out the clock's
//! uncertainty at open (seconds of start-up time, and no help against a clock set back by an hour).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use engine::device::{Clock, Entropy};

use crate::{Error, Result, Stamp, TransactionId};

/// Hands out stamps; lives under the commit mutex.
#[derive(Debug)]
pub(super) struct HybridClock {
    wall: Arc<dyn Clock>,
    last: Stamp,
}

impl HybridClock {
    /// Starts above `floor`.
    pub fn new(wall: Arc<dyn Clock>, floor: Stamp) -> Self {
        HybridClock { wall, last: floor }
    }

    /// What the next stamp would be at least.
    pub fn peek(&self) -> Stamp {
        now(self.wall.as_ref()).max(Stamp(self.last.0.saturating_add(1)))
    }

    /// The next stamp.
    pub fn next(&mut self) -> Stamp {
        self.last = self.peek();
        self.last
    }

    /// Makes every later stamp higher than this one, and answers it. A stamp from an insane future
    /// is not taken over (it would use up the counter space of all the time until then): the answer
    /// is then the newest one.
    pub fn observe(&mut self, seen: Stamp) -> Stamp {
        let sane = Stamp::from_millis(now(self.wall.as_ref()).millis() + SANE_MS);
        if seen > self.last && seen < sane {
            self.last = seen;
        }
        seen.min(self.last)
    }
}

/// A stamp from outside may lie so far ahead of our clock: a day.
const SANE_MS: u64 = 86_400_000;

/// The wall clock as a stamp.
pub(super) fn now(wall: &dyn Clock) -> Stamp {
    Stamp::from_millis(wall.wall_micros() / 1000)
}

/// Makes transaction ids: UUIDv7 whose random bits are a mixed counter, so that none repeats within
/// a process and making one costs no system call.
#[derive(Debug)]
pub(super) struct Ids {
    wall: Arc<dyn Clock>,
    counter: AtomicU64,
    seed: u64,
}

impl Ids {
    /// Draws the seeds.
    pub fn new(wall: Arc<dyn Clock>, entropy: &dyn Entropy) -> Result<Self> {
        let drawn =
            entropy.sixteen().map_err(|error| Error::Failed(format!("entropy: {error}")))?;
        let drawn = u128::from_be_bytes(drawn);
        Ok(Ids { wall, counter: AtomicU64::new((drawn >> 64) as u64), seed: drawn as u64 })
    }

    /// A fresh id.
    pub fn fresh(&self) -> TransactionId {
        let millis = self.wall.wall_micros() / 1000;
        let n = self.counter.fetch_add(1, Ordering::Relaxed);
        // mix is a bijection, so 62 of its bits repeat only after 2^62 ids at worst for each of 4
        // tops; the 12 bits above come from a second mix.
        let low = mix(n ^ self.seed) & (u64::MAX >> 2);
        let high = mix(n.wrapping_add(self.seed)) & 0xFFF;
        let time = u128::from(millis & 0xFFFF_FFFF_FFFF) << 80;
        TransactionId(time | 0x7 << 76 | u128::from(high) << 64 | 0b10 << 62 | u128::from(low))
    }
}

/// Milliseconds since 1970 out of an id.
pub(super) fn id_millis(id: TransactionId) -> u64 {
    (id.0 >> 80) as u64
}

/// A bijection that spreads neighbouring numbers (the finaliser of splitmix64).
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::device::{SeededEntropy, SimulatedClock};
    use std::time::Duration;

    #[test]
    fn stamps_rise_though_the_wall_clock_falls() {
        let wall = Arc::new(SimulatedClock::new(5_000_000));
        let mut clock = HybridClock::new(wall.clone(), Stamp::ZERO);
        let first = clock.next();
        assert_eq!(first, Stamp::from_millis(5_000));
        wall.jump_wall(-3_000_000);
        assert_eq!(clock.next(), Stamp(first.0 + 1));
        wall.advance(Duration::from_secs(9));
        assert_eq!(clock.next(), Stamp::from_millis(11_000));
        clock.observe(Stamp::from_millis(12_000));
        assert!(clock.next() > Stamp::from_millis(12_000));
        clock.observe(Stamp::MAX);
        assert!(clock.next() < Stamp::from_millis(13_000));
    }

    #[test]
    fn ids_are_distinct_version_seven_and_carry_their_time() {
        let wall = Arc::new(SimulatedClock::new(1_234_567_000));
        let ids = Ids::new(wall, &SeededEntropy::new(1)).expect("seeded");
        let mut made: Vec<_> = (0..10_000).map(|_| ids.fresh()).collect();
        assert!(made.iter().all(|id| id_millis(*id) == 1_234_567));
        assert!(made.iter().all(|id| (id.0 >> 76) & 0xF == 7 && (id.0 >> 62) & 3 == 2));
        made.sort();
        made.dedup();
        assert_eq!(made.len(), 10_000);
    }
}
