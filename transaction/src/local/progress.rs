//! What is visible: commits in stamp order, each once it and all before it have reached their
//! durability.
//!
//! ```text
//!   pending   (17, sync, durable≥9) (18, none, durable≥9) (19, interval, durable≥9, written≥11)
//!                ▲ popped in order while the log has got there          last popped = visible
//! ```
//!
//! Each pending commit carries the goal of its whole prefix: the newest index that must be written,
//! and the newest that must be durable. Goals only rise, so popping stops at the first that is not
//! reached, and whoever waits for a stamp waits for one pair of indexes, whatever lies before it.
//!
//! Nobody is appointed to pop: everybody who has an interest does (`advance`), and those who wait
//! drive the log themselves (`wait_visible`). So a commit whose task was dropped holds up nobody.
//!
//! Invariant: `visible` ≤ `published`; both only rise. All of a commit is in the version table
//! before `published` reaches it.
//!
//! Rejected: a thread that watches the log and moves `visible` (one more switch of threads for each
//! flush).

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::journal::Journal;
use crate::{Durability, Result, Stamp};

/// Indexes that the log must reach.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Goal {
    /// Handed to the operating system.
    pub written: u64,
    /// On disk.
    pub durable: u64,
}

struct Pending {
    stamp: Stamp,
    goal: Goal,
}

#[derive(Default)]
struct Queue {
    pending: VecDeque<Pending>,
    goal: Goal,
}

/// The published and the visible position.
pub(super) struct Progress {
    visible: AtomicU64,
    published: AtomicU64,
    queue: Mutex<Queue>,
    /// Rung at each commit and at the end of the store.
    pub news: Notify,
}

impl Progress {
    /// Everything up to `stamp` is visible.
    pub fn new(stamp: Stamp) -> Self {
        Progress {
            visible: AtomicU64::new(stamp.0),
            published: AtomicU64::new(stamp.0),
            queue: Mutex::default(),
            news: Notify::new(),
        }
    }

    /// The newest stamp that all transactions see, without asking the log.
    pub fn visible(&self) -> Stamp {
        Stamp(self.visible.load(Ordering::Acquire))
    }

    /// The cell of `visible`, for those who must read it under a lock of theirs.
    pub fn visible_cell(&self) -> &AtomicU64 {
        &self.visible
    }

    /// The newest stamp whose commit is whole in the version table.
    pub fn published(&self) -> Stamp {
        Stamp(self.published.load(Ordering::Acquire))
    }

    /// The cell of `published`.
    pub fn published_cell(&self) -> &AtomicU64 {
        &self.published
    }

    /// A commit is in the version table: called under the commit mutex, in stamp order.
    pub fn publish(&self, stamp: Stamp, index: u64, durability: Durability) {
        self.published.store(stamp.0, Ordering::Release);
        let mut queue = self.queue.lock();
        match durability {
            Durability::Sync => queue.goal.durable = index,
            Durability::Interval => queue.goal.written = index,
            Durability::None => {}
        }
        let goal = queue.goal;
        queue.pending.push_back(Pending { stamp, goal });
        drop(queue);
        self.news.notify_waiters();
    }

    /// Moves `visible` as far as the log allows, and answers it.
    pub fn advance(&self, journal: &Journal) -> Stamp {
        let mut queue = self.queue.lock();
        let reached = journal.reached();
        let mut newest = None;
        while let Some(front) = queue.pending.front() {
            if front.goal.written > reached.written || front.goal.durable > reached.durable {
                break;
            }
            newest = Some(front.stamp);
            queue.pending.pop_front();
        }
        if let Some(stamp) = newest {
            self.visible.store(stamp.0, Ordering::Release);
        }
        drop(queue);
        if newest.is_some() {
            self.news.notify_waiters();
        }
        self.visible()
    }

    /// As `advance`, but leaves it to whoever is at it.
    pub fn glance(&self, journal: &Journal) -> Stamp {
        if self.visible() < self.published() && !self.queue.is_locked() {
            return self.advance(journal);
        }
        self.visible()
    }

    /// What the log must reach for a stamp to be visible; `None` where it is already.
    fn goal(&self, stamp: Stamp) -> Option<Goal> {
        if self.visible() >= stamp {
            return None;
        }
        let queue = self.queue.lock();
        let at = queue.pending.partition_point(|pending| pending.stamp < stamp);
        queue.pending.get(at).or(queue.pending.back()).map(|pending| pending.goal)
    }

    /// Whether a stamp is visible, moving on if the log has.
    pub fn is_visible(&self, stamp: Stamp, journal: &Journal) -> bool {
        self.visible() >= stamp || self.advance(journal) >= stamp || self.goal(stamp).is_none()
    }

    /// Waits until a published stamp is visible.
    pub async fn wait_visible(&self, stamp: Stamp, journal: &Journal) -> Result<()> {
        while let Some(goal) = self.goal(stamp) {
            journal.reach(goal).await?;
            if self.advance(journal) >= stamp {
                break;
            }
        }
        Ok(())
    }
}
