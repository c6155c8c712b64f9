//! Active expiry: the loop that deletes keys when they are due and members of hashes that are gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use model::keyspace::{Sweep, SweepLimit};

use super::{Keyspaces, Result};

/// Time between two passes with nothing left over.
const PAUSE: Duration = Duration::from_millis(250);
/// Time between two passes where the first left work.
const SHORT_PAUSE: Duration = Duration::from_millis(5);

#[derive(Default)]
pub(super) struct State {
    sweep: tokio::sync::Mutex<Sweep>,
    expired: AtomicU64,
    members: AtomicU64,
    failures: AtomicU64,
}

/// What the sweeper has done since the store was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SweepStats {
    /// Keys deleted because they had expired.
    pub expired: u64,
    /// Members of deleted hashes that were emptied.
    pub members: u64,
    /// Passes that failed.
    pub failures: u64,
}

impl Keyspaces {
    /// One pass: whether due work is left.
    pub async fn sweep(&self) -> Result<bool> {
        let state = &self.0.sweep;
        let mut sweep = state.sweep.lock().await;
        // Older snapshots keep what they need in the version table; those that are held long cost
        // memory, not truth.
        let oldest = self.0.model.store().visible();
        let limit = SweepLimit::default();
        let swept = self.0.model.sweep_keys(self.now(), oldest, limit, &mut sweep).await;
        state.expired.store(sweep.expired, Ordering::Relaxed);
        state.members.store(sweep.members, Ordering::Relaxed);
        swept?;
        Ok(sweep.more)
    }

    /// What the sweeper has done.
    pub fn swept(&self) -> SweepStats {
        let state = &self.0.sweep;
        SweepStats {
            expired: state.expired.load(Ordering::Relaxed),
            members: state.members.load(Ordering::Relaxed),
            failures: state.failures.load(Ordering::Relaxed),
        }
    }

    /// Sweeps until the last other handle is gone; for one background task.
    pub fn sweeping(&self) -> impl Future<Output = ()> + Send + use<> {
        let weak = Arc::downgrade(&self.0);
        async move {
            let mut pause = PAUSE;
            loop {
                tokio::time::sleep(pause).await;
                let Some(shared) = weak.upgrade() else { return };
                let keyspaces = Keyspaces(shared);
                pause = match keyspaces.sweep().await {
                    Ok(true) => SHORT_PAUSE,
                    Ok(false) => PAUSE,
                    Err(error) => {
                        keyspaces.0.sweep.failures.fetch_add(1, Ordering::Relaxed);
                        tracing::warn!(%error, "active expiry failed; it is tried again");
                        Duration::from_secs(1)
                    }
                };
            }
        }
    }
}
