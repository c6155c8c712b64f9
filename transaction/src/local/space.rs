//! Free disk space: below a floor, writes are refused and resume by themselves.
//!
//! The floor is max(256 MB, 2 % of the disk) unless the options say otherwise: the engine must
//! still be able to compact and the log to seal a segment when writes have stopped. The disk is
//! asked at most once in a while, by whoever commits: an idle store needs no thread for this, and a
//! full disk that is cleared is seen by the next try.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use engine::device::{Clock, Directory};
use parking_lot::Mutex;

use crate::{Error, Result};

/// Watches free space.
pub(super) struct Space {
    directory: Option<Arc<dyn Directory>>,
    clock: Arc<dyn Clock>,
    floor_bytes: u64,
    floor_percent: u64,
    every: Duration,
    next: Mutex<Option<Duration>>,
    low: AtomicBool,
}

impl Space {
    /// Watches the disk that holds `directory`; without one there is always room.
    pub fn new(
        directory: Option<Arc<dyn Directory>>,
        clock: Arc<dyn Clock>,
        (floor_bytes, floor_percent): (u64, u64),
        every: Duration,
    ) -> Self {
        let (next, low) = (Mutex::new(None), AtomicBool::new(false));
        Space { directory, clock, floor_bytes, floor_percent, every, next, low }
    }

    /// `OutOfSpace` while there is too little room.
    pub fn check(&self) -> Result<()> {
        if let Some(directory) = &self.directory
            && self.is_due()
        {
            match directory.free_space() {
                Ok(space) => {
                    let percent = space.total / 100 * self.floor_percent;
                    let low = space.free < self.floor_bytes.max(percent);
                    if low != self.low.swap(low, Ordering::Relaxed) {
                        tracing::warn!(free = space.free, low, "free disk space crossed its floor");
                    }
                }
                Err(error) => tracing::warn!(%error, "free disk space is not known"),
            }
        }
        if self.low.load(Ordering::Relaxed) { Err(Error::OutOfSpace) } else { Ok(()) }
    }

    /// Somebody met a full disk: refuse writes until the disk is asked again.
    pub fn found_full(&self) {
        self.low.store(true, Ordering::Relaxed);
        *self.next.lock() = Some(self.clock.steady() + self.every);
    }

    fn is_due(&self) -> bool {
        // Who finds the lock taken leaves the asking to its holder.
        let Some(mut next) = self.next.try_lock() else { return false };
        let now = self.clock.steady();
        let due = next.is_none_or(|next| now >= next);
        if due {
            *next = Some(now + self.every);
        }
        due
    }
}
