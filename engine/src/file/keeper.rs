//! The engine's own thread: compacts, frees what no reader holds, and makes appliers wait.
//!
//! The tree compacts only when told to, and nothing in it holds back a writer: level 0 grew from 5
//! to 16 files under a steady overwrite, and each is one more place for a get to look. So runs are
//! counted:
//!
//! ```text
//!   level-0 runs   0 ──── 4 ──────────── 8 ─────────────── 12
//!                  rest   compact if they   compact; runs       runs wait until
//!                         weigh a quarter   wait a little       there is room
//!                         of the next level
//! ```
//!
//! Freeing is work too: dropping the last holder of a compacted table unlinks its file. Readers
//! must not be the ones who pay, so the runs of a replaced view are retired here with a reference
//! of their own, and dropped once that is the last. (Maps are freed by the applier in the same
//! way.)
//!
//! Invariants: one compaction at a time; what is in `retired` is dropped by this thread; files that
//! no view holds and no manifest names are swept after a failed write, never while one is being
//! written.
//!
//! A compaction that fails leaves the tree as it was. Out of space is tried again each second; any
//! other failure waits for the next run, and is what appliers are told once there is no more room.

use super::{LEVEL0_RUNS_STOP, Shared, fault, manifest, view::Runs};
use crate::Error;
use lsm_tree::{
    AbstractTree,
    compaction::{
        CompactionFilter, CompactionStrategy, Factory, ItemAccessor, Leveled, Verdict,
        filter::Context,
    },
};
use std::{
    collections::HashSet,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

/// Runs of level 0 that are worth compacting once they weigh enough.
const LEVEL0_RUNS_COMPACT: usize = 4;

/// Runs of level 0 that are compacted whatever they weigh, and from which on new ones are slowed.
const LEVEL0_RUNS_SLOW: usize = 8;

/// How long a run waits for each level-0 run above the slow mark.
const SLOW_STEP: Duration = Duration::from_millis(25);

/// How often old views are looked at while readers still hold some, and a full disk is tried again.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// Bytes of a table before the next one begins.
const TABLE_BYTES: u64 = 64 << 20;

/// What the keeper was asked to do, and what became of it.
#[derive(Default)]
pub(super) struct Keeper {
    compact: bool,
    sweep: bool,
    retired: Vec<Arc<Runs>>,
    failed: Option<Error>,
    gone: bool,
}

pub(super) fn start(shared: Arc<Shared>) -> Result<JoinHandle<()>, Error> {
    shared.keeper.lock().compact = true;
    let folder = shared.folder.clone();
    std::thread::Builder::new()
        .name("engine-keeper".into())
        .spawn(move || {
            let _gone = Gone(&shared);
            shared.keep();
        })
        .map_err(|e| Error::io("start the keeper of", folder, e))
}

/// Tells the appliers that nobody will make room any more, however the thread ends.
struct Gone<'s>(&'s Shared);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.0.keeper.lock().gone = true;
        self.0.room.notify_all();
    }
}

impl Shared {
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Release);
        let _keeper = self.keeper.lock();
        self.work.notify_all();
    }

    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Hands over the runs of a replaced view, to be freed when no reader is left.
    pub(super) fn retire(&self, runs: Arc<Runs>) {
        let mut keeper = self.keeper.lock();
        keeper.retired.push(runs);
        keeper.compact = true;
        self.work.notify_all();
    }

    pub(super) fn sweep_later(&self) {
        self.keeper.lock().sweep = true;
        self.work.notify_all();
    }

    /// Holds back a run while level 0 is too long to take it.
    pub(super) fn wait_for_room(&self) -> Result<(), Error> {
        let mut keeper = self.keeper.lock();
        let over = self.view().runs.level0_runs.saturating_sub(LEVEL0_RUNS_SLOW);
        if over > 0 {
            let _ = self.room.wait_for(&mut keeper, SLOW_STEP * over as u32);
        }
        while self.view().runs.level0_runs >= LEVEL0_RUNS_STOP {
            if let Some(error) = &keeper.failed {
                return Err(error.clone());
            }
            if keeper.gone {
                return Err(Error::Halted("the engine's keeper is gone".into()));
            }
            keeper.compact = true;
            self.work.notify_all();
            let _ = self.room.wait_for(&mut keeper, TRY_AGAIN);
        }
        Ok(())
    }

    fn keep(&self) {
        let strategy: Arc<dyn CompactionStrategy + Send + Sync> =
            Arc::new(Leveled::default().with_table_target_size(TABLE_BYTES));
        while !self.is_closing() {
            let (compact, sweep) = self.next_work();
            self.free_retired();
            if sweep {
                self.sweep();
            }
            if compact && self.wants_compaction() {
                let outcome = self.compact_all(&strategy);
                self.note(outcome);
            }
        }
    }

    /// Waits until there is something to do.
    fn next_work(&self) -> (bool, bool) {
        let mut keeper = self.keeper.lock();
        while !keeper.compact && !keeper.sweep && !self.is_closing() {
            let full = matches!(keeper.failed, Some(Error::OutOfSpace { .. }));
            let timed_out = match (keeper.retired.is_empty(), full) {
                (false, _) => self.work.wait_for(&mut keeper, LOOK_AGAIN).timed_out(),
                (true, true) => self.work.wait_for(&mut keeper, TRY_AGAIN).timed_out(),
                (true, false) => {
                    self.work.wait(&mut keeper);
                    false
                }
            };
            if timed_out {
                return (full, false);
            }
        }
        (std::mem::take(&mut keeper.compact), std::mem::take(&mut keeper.sweep))
    }

    /// Drops what no reader holds any more, outside of every lock.
    fn free_retired(&self) {
        let free: Vec<Arc<Runs>> = {
            let mut keeper = self.keeper.lock();
            keeper.retired.extract_if(.., |old| Arc::strong_count(old) == 1).collect()
        };
        drop(free);
    }

    fn wants_compaction(&self) -> bool {
        let runs = &self.view().runs;
        let heavy = runs.level0_bytes.saturating_mul(4) >= runs.base_bytes;
        runs.level0_runs >= LEVEL0_RUNS_SLOW || (runs.level0_runs >= LEVEL0_RUNS_COMPACT && heavy)
    }

    /// Compacts until the strategy finds nothing more to do.
    fn compact_all(
        &self,
        strategy: &Arc<dyn CompactionStrategy + Send + Sync>,
    ) -> Result<(), Error> {
        loop {
            let before = self.tree.current_version().id();
            // Readers hold their tables themselves, so no older version is kept for anybody.
            self.tree
                .compact(Arc::clone(strategy) as _, lsm_tree::SeqNo::MAX)
                .map_err(|e| fault("compact", &self.folder, e))?;
            if self.tree.current_version().id() == before {
                return Ok(());
            }
            self.publish_runs(false);
            self.free_retired();
            self.room.notify_all();
            if self.is_closing() {
                return Ok(());
            }
        }
    }

    fn note(&self, outcome: Result<(), Error>) {
        let failed = outcome.err().filter(|_| !self.is_closing());
        if let Some(error) = &failed {
            tracing::error!(folder = ?self.folder, %error, "compaction failed");
        }
        if failed.is_some() && !self.manifest_is_ours() {
            let mut applier = self.applier.lock();
            applier
                .halted
                .get_or_insert_with(|| Error::Halted("manifest changed and failed".into()));
        }
        let mut keeper = self.keeper.lock();
        keeper.sweep |= failed.is_some();
        keeper.failed = failed;
        self.room.notify_all();
    }

    /// Deletes the tables that a failed write left behind.
    fn sweep(&self) {
        let _no_writer = self.applier.lock();
        let mut live: HashSet<u64> =
            self.tree.current_version().iter_tables().map(|t| t.id()).collect();
        live.extend(self.view().runs.table_ids());
        for old in &self.keeper.lock().retired {
            live.extend(old.table_ids());
        }
        let names = match std::fs::read_dir(self.folder.join(manifest::TABLES)) {
            Ok(names) => names,
            Err(error) => return tracing::warn!(%error, "cannot sweep left-over tables"),
        };
        for path in names.flatten().map(|entry| entry.path()) {
            let id = path.file_name().and_then(|name| name.to_str()?.parse().ok());
            if id.is_some_and(|id: u64| !live.contains(&id))
                && let Err(error) = std::fs::remove_file(&path)
            {
                tracing::warn!(?path, %error, "cannot remove a left-over table");
            }
        }
    }
}

/// Ends a running compaction when the engine closes; the tree offers no other way.
pub(super) struct Abort {
    closing: Arc<AtomicBool>,
}

impl Abort {
    pub(super) fn new(closing: Arc<AtomicBool>) -> Self {
        Self { closing }
    }
}

impl Factory for Abort {
    fn name(&self) -> &str {
        "abort-when-closing"
    }

    fn make_filter(&self, _: &Context) -> Box<dyn CompactionFilter> {
        Box::new(Abort { closing: Arc::clone(&self.closing) })
    }
}

impl CompactionFilter for Abort {
    fn filter_item(&mut self, _: ItemAccessor<'_>, _: &Context) -> lsm_tree::Result<Verdict> {
        match self.closing.load(Ordering::Relaxed) {
            false => Ok(Verdict::Keep),
            true => Err(io::Error::from(io::ErrorKind::Interrupted).into()),
        }
    }
}
