//! Time as a seam: wall time for stamps, a steady time for intervals.
//!
//! Wall time may jump either way (NTP, an operator); whoever makes stamps of it keeps its own
//! ceiling. Steady time never goes back. `SimulatedClock` moves only when told, so that a test owns
//! both.

use std::fmt::Debug;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Where time comes from.
pub trait Clock: Send + Sync + Debug {
    /// Microseconds since 1970-01-01 UTC; may jump; 0 if the machine's clock stands before that.
    fn wall_micros(&self) -> u64;

    /// Time since some fixed moment; never goes back.
    fn steady(&self) -> Duration;
}

/// The machine's clocks.
#[derive(Debug)]
pub struct RealClock {
    origin: Instant,
}

impl RealClock {
    /// A clock whose steady time starts at zero now.
    #[must_use]
    pub fn new() -> RealClock {
        RealClock { origin: Instant::now() }
    }
}

impl Default for RealClock {
    fn default() -> RealClock {
        RealClock::new()
    }
}

impl Clock for RealClock {
    fn wall_micros(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    }

    fn steady(&self) -> Duration {
        self.origin.elapsed()
    }
}

/// A clock that a test moves.
#[derive(Debug, Default)]
pub struct SimulatedClock {
    steady_micros: AtomicU64,
    /// Wall time minus steady time; changed by `jump_wall`.
    wall_offset: AtomicI64,
}

impl SimulatedClock {
    /// Starts with steady time zero and wall time `wall_micros`.
    #[must_use]
    pub fn new(wall_micros: u64) -> SimulatedClock {
        let offset = i64::try_from(wall_micros).unwrap_or(i64::MAX);
        SimulatedClock { steady_micros: AtomicU64::new(0), wall_offset: AtomicI64::new(offset) }
    }

    /// Moves both times on.
    pub fn advance(&self, by: Duration) {
        let micros = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
        self.steady_micros.fetch_add(micros, Ordering::SeqCst);
    }

    /// Makes wall time jump, back if negative, as a correction by NTP does.
    pub fn jump_wall(&self, micros: i64) {
        self.wall_offset.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for SimulatedClock {
    fn wall_micros(&self) -> u64 {
        let steady = self.steady_micros.load(Ordering::SeqCst);
        steady.saturating_add_signed(self.wall_offset.load(Ordering::SeqCst))
    }

    fn steady(&self) -> Duration {
        Duration::from_micros(self.steady_micros.load(Ordering::SeqCst))
    }
}
