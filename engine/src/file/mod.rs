//! `file` — sorted runs in a folder: `lsm-tree` for tables, compaction and manifest; memory, reads,
//! throttling and verification are ours.
//!
//! The problem: the applier brings batches of any size and must be able to bring them for hours; a
//! get beside it must not stall; what is read must be what was written; after a crash the index
//! must be exact. The tree alone gives the first, in part, and none of the rest.
//!
//! ```text
//!   apply ──► small batch: next version of a sorted map in memory
//!        └──► map + batch ≥ memtable: one sorted run, synced, then named by the manifest
//!   get, page ──► View { map, runs }  (view.rs: no lock of the tree, no file that can vanish)
//!   keeper ──► compacts level 0 and below, publishes the runs, frees old files
//! ```
//!
//! Layout: the folder is the tree's (`current`, `v<n>`, `tables/<id>`; manifest.rs draws them). A
//! key is stored as it is. Each run ends with the record `KEY_RESERVED → u64 upto, big-endian`,
//! behind every caller's key; so a run and its index are one file set, named by one manifest,
//! atomically.
//!
//! **Which index `applied` returns after opening, and why it is right.** The record `KEY_RESERVED`
//! of the newest run. Runs are written in the order of `upto`, each holds everything since the run
//! before, and compaction keeps the newest of equal keys; so the newest record stands for the
//! batches whose runs the manifest names, no more and no less. Crash cases, in the order of the
//! writes:
//! - *before the tables of a run are synced (file, then folder)*: nothing names them; they are
//!   deleted as orphans at the next opening, the index is the one before;
//! - *before `v<n+1>` and the folder are synced*: `current` still names `v<n>`, the same;
//! - *before `current` is renamed over*: the same; the new bytes of `current` are synced before the
//!   rename, so it is the old 25 bytes or the new ones;
//! - *before the folder is synced after the rename*: either; `v<n>` and its tables are deleted only
//!   after that sync, so both are whole;
//! - *during compaction*: the same steps, and the contents do not change.
//!
//! `apply` and `persist` answer after the last of them, so nothing in memory is ever counted as
//! persisted. Closing writes nothing: it equals a kill, and the log gives back what was in memory.
//!
//! **Damage.** The manifest is verified against `current`, and each table's contents list against
//! its trailer, before the tree opens (it would trust the lengths in either); every block (data,
//! index, filter, metadata) carries a checksum of 128 bits that is compared whenever it is read
//! from its file; `verify` compares whole files. Blob files are not used.
//!
//! Invariants: one applier; the tree's memtable is never used (what is applied is in our map or in
//! a run); `persisted` is the index of the newest run; level 0 has at most `LEVEL0_RUNS_STOP` runs.
//!
//! **Measured** (`benches/resting_place.rs`: two cores, shared with other builds, ext4 on a virtual
//! disk, mimalloc, budget 256 MB, random keys of 20 bytes in batches of 32 768, one reader beside
//! the applier; scan and reopening of the smaller one are from the run before):
//!
//! | | 1.5 M × 120 bytes | 6 M × 180 bytes |
//! | --- | --- | --- |
//! | load, k/s by quarter of the keys | 697 / 1131 / 1186 / 1194 | 716 / 975 / 849 / 745 |
//! | overwrite, gets beside, k/s | 396 / 1031 / 1052 / 1016 | 507 / 458 / 404 / 375 |
//! | get beside it: p50, p99, p99.9, max (µs) | 7.6, 14, 126, 13 900 | 12.6, 26, 2 434, 26 600 |
//! | of its calls over 1 ms: preempted, blocked | 109, 5 of 227 021 | 922, 35 of 885 231 |
//! | page of 100 beside it: p50, p99.9, max | 85 µs, 4.2 ms, 8 ms | 148 µs, 5.0 ms, 42 ms |
//! | at rest: get present, absent; page of 100 (k/s) | 179, 3172; 26 | 120, 876; 14 |
//! | scan, M/s | 3.8 | 2.75 |
//! | written / logical: load, overwrite | 0.7, 1.3 | 1.4, 2.2 |
//! | peak resident, the benchmark's own included, MB | 350 | 476 |
//! | reopen, ms | 0.6 | 1.3 |
//!
//! The tree's own reads showed a p99.9 of 2–4 ms and maxima of 80–204 ms on such loads. What made
//! them: the manifest, the last table of a compaction and its folder are synced, and files
//! unlinked, under the lock of every get (closed by `View`); freeing a replaced map of a million
//! records fell to the reader that held it last, up to 120 ms (closed by `Replaced`); a new table
//! was opened by its first reader while the folder was being synced, 3–12 ms (closed by
//! `Runs::warm`). In four runs of 1.5 M records, 0, 0, 5 and 21 of some 230 000 gets blocked for
//! over a millisecond, 15 ms at most; the last beside other builds. By the scheduler's trace they
//! wait for a read from the disk, or for a shard of the block cache whose holder was preempted. The
//! rest of the tail is the reader's own preemption: three busy threads on two cores.
//!
//! **Known edges.** Each `persist` makes a run, however small: one after every 1 000 records gave
//! 20 k/s and 32 bytes written for each; it is meant for every memtable or every half minute. A
//! compaction of level 0 rewrites what overlaps it in one piece; closing interrupts it. The tree
//! uses `std::fs`, not the device seam; a block that a disk delivers from the wrong place, whole,
//! passes its checksum (`verify` sees it). Filters and indexes of tables that are not pinned
//! compete with blocks for the cache.
//!
//! Rejected: the tree's memtable (a reader must take the tree's lock, under which manifests are
//! synced); a prefix byte on each key (a copy for each get); the index in the tree's sequence
//! numbers (they fall when a last deletion is compacted away); partitioned filters and indexes in
//! all levels (a get needs two more blocks of the cache).

mod keeper;
mod manifest;
mod view;

pub use manifest::{FileState, State, verify};

use crate::{
    Direction, Engine, Error, KEY_RESERVED, KeyRange, Limit, Mutation, Page, Usage, check_batch,
    sorted::{Deleted, Replaced, Slot, Sorted, slot_cost},
};
use bytes::Bytes;
use keeper::{Abort, Keeper};
use lsm_tree::{
    AbstractTree, AnyTree, Cache, Config, DescriptorTable, SequenceNumberCounter, Slice,
};
use parking_lot::{Condvar, Mutex, RwLock};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
};
use view::{Runs, View};

/// Runs of level 0 from which a run must wait for compaction to make room.
const LEVEL0_RUNS_STOP: usize = 12;

/// What the engine may use. The rest follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Memory for unwritten records, blocks, indexes and filters, in bytes.
    pub memory_bytes: u64,
    /// Table files kept open at most.
    pub open_files_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { memory_bytes: 256 << 20, open_files_max: 512 }
    }
}

impl Options {
    /// A quarter for unwritten records: a longer run means fewer runs to compact, but more than 64
    /// MB gains nothing that was measurable.
    fn memtable_bytes(&self) -> u64 {
        (self.memory_bytes / 4).clamp(64 << 10, 64 << 20)
    }

    /// Half for blocks; the last quarter is for pinned indexes and filters and for writing runs.
    fn cache_bytes(&self) -> u64 {
        (self.memory_bytes / 2).max(1 << 20)
    }
}

/// The engine in a folder of its own.
pub struct FileEngine {
    shared: Arc<Shared>,
    keeper: Option<JoinHandle<()>>,
}

/// What the callers and the keeper share.
struct Shared {
    folder: PathBuf,
    tree: AnyTree,
    cache: Arc<Cache>,
    memtable_bytes: u64,
    applier: Mutex<Applier>,
    view: RwLock<Arc<View>>,
    /// Held while a view is made from the one before and put in its place.
    publishing: Mutex<()>,
    applied: AtomicU64,
    persisted: AtomicU64,
    keeper: Mutex<Keeper>,
    work: Condvar,
    room: Condvar,
    closing: Arc<AtomicBool>,
}

/// Held by whoever brings a batch in.
#[derive(Default)]
struct Applier {
    /// What made it unknown how the files are.
    halted: Option<Error>,
    replaced: Replaced,
}

impl FileEngine {
    /// Opens the engine in `folder`, or makes it there. The caller sees to it that one process
    /// does.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where the manifest or a table's metadata is damaged (at most left-overs
    /// that no manifest names were removed), [`Error::Unsupported`] for another version's files,
    /// [`Error::Io`], [`Error::OutOfSpace`].
    pub fn open(folder: &Path, options: Options) -> Result<Self, Error> {
        let manifest = manifest::read(folder)?;
        if let Some(manifest) = &manifest {
            manifest::verify_contents(folder, manifest)?;
        }
        let closing = Arc::new(AtomicBool::new(false));
        let cache = Arc::new(Cache::with_capacity_bytes(options.cache_bytes()));
        let seqno = SequenceNumberCounter::default();
        let tree = Config::new(folder, seqno.clone(), SequenceNumberCounter::default())
            .use_cache(Arc::clone(&cache))
            .use_descriptor_table(Some(Arc::new(DescriptorTable::new(options.open_files_max))))
            .with_compaction_filter_factory(Some(Arc::new(Abort::new(Arc::clone(&closing)))))
            .open()
            .map_err(|e| refusal(folder, e))?;
        if manifest.is_none() {
            sync_parent(folder)?;
        }
        remove_left_over(folder);
        seqno.fetch_max(tree.get_highest_persisted_seqno().map_or(0, |highest| highest + 1));
        let runs = Runs::of(&tree);
        let index = index_of(&runs, folder)?;
        tracing::debug!(?folder, made = manifest.is_none(), index, "engine opened");
        let shared = Arc::new(Shared {
            folder: folder.to_owned(),
            tree,
            cache,
            memtable_bytes: options.memtable_bytes(),
            applier: Mutex::default(),
            view: RwLock::new(Arc::new(View { memory: Sorted::new(), runs: Arc::new(runs) })),
            publishing: Mutex::new(()),
            applied: AtomicU64::new(index),
            persisted: AtomicU64::new(index),
            keeper: Mutex::new(Keeper::default()),
            work: Condvar::new(),
            room: Condvar::new(),
            closing,
        });
        let keeper = keeper::start(Arc::clone(&shared))?;
        Ok(Self { shared, keeper: Some(keeper) })
    }
}

impl Drop for FileEngine {
    fn drop(&mut self) {
        self.shared.close();
        if let Some(keeper) = self.keeper.take()
            && keeper.join().is_err()
        {
            tracing::error!(folder = ?self.shared.folder, "the engine's keeper panicked");
        }
    }
}

/// Makes the name of a new folder survive a loss of power; the tree does so for what is inside.
fn sync_parent(folder: &Path) -> Result<(), Error> {
    let Some(parent) = folder.canonicalize().ok().and_then(|f| f.parent().map(Path::to_owned))
    else {
        return Ok(());
    };
    let synced = fs::File::open(&parent).and_then(|parent| parent.sync_all());
    synced.map_err(|e| Error::io("sync", parent, e))
}

/// Removes what a kill between writing and renaming `current` leaves; the tree forgets those.
fn remove_left_over(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".tmp")
            && let Err(error) = fs::remove_file(&path)
        {
            tracing::warn!(?path, %error, "cannot remove a left-over file");
        }
    }
}

/// The index that the newest run was written with; 0 where there is none.
fn index_of(runs: &Runs, folder: &Path) -> Result<u64, Error> {
    let damage = |what: &str| Error::corrupt(manifest::place(folder), what);
    match runs.get(KEY_RESERVED)? {
        Some(value) => {
            let bytes = value[..].try_into().map_err(|_| damage("the index is not 8 bytes"))?;
            Ok(u64::from_be_bytes(bytes))
        }
        None if runs.is_empty() => Ok(0),
        None => Err(damage("runs without an index")),
    }
}

/// What an error of the tree means, met while `doing` something to `path`.
fn fault(doing: &'static str, path: &Path, error: lsm_tree::Error) -> Error {
    match error {
        lsm_tree::Error::Io(e) => match e.kind() {
            io::ErrorKind::NotFound => Error::corrupt(manifest::place(path), "missing"),
            // A read or seek beyond either end: the file is not as long as its contents say.
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput => {
                Error::corrupt(manifest::place(path), e.to_string())
            }
            _ => Error::io(doing, path, e),
        },
        lsm_tree::Error::InvalidVersion(version) => {
            Error::Unsupported(format!("table format {version} of {}", path.display()))
        }
        damage => Error::corrupt(manifest::place(path), damage.to_string()),
    }
}

/// Why the tree did not open. It does not say which file is damaged, so the files are asked.
fn refusal(folder: &Path, error: lsm_tree::Error) -> Error {
    let error = fault("open", folder, error);
    let Error::Corrupt { .. } = error else { return error };
    let bad = verify(folder).into_iter().flatten().find_map(|file| match file.state {
        State::Bad(bad) => Some(bad),
        _ => None,
    });
    bad.unwrap_or(error)
}

impl Engine for FileEngine {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Error> {
        self.shared.view().get(key)
    }

    fn page(&self, range: KeyRange<'_>, direction: Direction, limit: Limit) -> Result<Page, Error> {
        self.shared.view().page(range, direction, limit)
    }

    fn apply(&self, batch: &[Mutation], upto: u64) -> Result<(), Error> {
        let mut applier = self.shared.applier.lock();
        applier.refuse_if_halted()?;
        check_batch(batch, upto, self.applied())?;
        let memory = self.shared.view().memory.clone();
        let cost: u64 = batch.iter().map(|mutation| slot_cost(mutation.len())).sum();
        if memory.bytes() + cost < self.shared.memtable_bytes {
            self.shared.publish_memory(memory.with(batch, Deleted::Kept));
            applier.replaced.keep(memory);
            self.shared.applied.store(upto, Ordering::Release);
            return Ok(());
        }
        self.shared.write_run(memory, batch, upto, &mut applier)
    }

    fn applied(&self) -> u64 {
        self.shared.applied.load(Ordering::Acquire)
    }

    fn persisted(&self) -> u64 {
        self.shared.persisted.load(Ordering::Acquire)
    }

    fn persist(&self) -> Result<u64, Error> {
        let mut applier = self.shared.applier.lock();
        applier.refuse_if_halted()?;
        let applied = self.applied();
        if self.persisted() < applied {
            let memory = self.shared.view().memory.clone();
            self.shared.write_run(memory, &[], applied, &mut applier)?;
        }
        Ok(applied)
    }

    fn usage(&self) -> Usage {
        let view = self.shared.view();
        Usage {
            disk_bytes: view.runs.disk_bytes,
            memory_bytes: view.memory.bytes() + view.runs.pinned_bytes + self.shared.cache.size(),
        }
    }
}

impl Applier {
    fn refuse_if_halted(&self) -> Result<(), Error> {
        match &self.halted {
            Some(error) => Err(Error::Halted(error.to_string())),
            None => Ok(()),
        }
    }
}

impl Shared {
    fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.read())
    }

    /// Puts a map in the place of the one before, which shares most of its nodes.
    fn publish_memory(&self, memory: Sorted) {
        let _one = self.publishing.lock();
        let runs = Arc::clone(&self.view().runs);
        let old = std::mem::replace(&mut *self.view.write(), Arc::new(View { memory, runs }));
        drop(old);
    }

    /// Shows the tree's runs as they are now, and an empty map if what was in it is in them.
    fn publish_runs(&self, memory_is_written: bool) {
        let old = {
            let _one = self.publishing.lock();
            let old = self.view();
            let memory = match memory_is_written {
                true => Sorted::new(),
                false => old.memory.clone(),
            };
            let runs = Arc::new(Runs::of(&self.tree));
            runs.warm(&old.runs);
            let next = Arc::new(View { memory, runs });
            std::mem::replace(&mut *self.view.write(), next)
        };
        self.retire(Arc::clone(&old.runs));
    }

    /// Writes `memory` with `batch` over it as one run, and moves the index to `upto`.
    fn write_run(
        &self,
        memory: Sorted,
        batch: &[Mutation],
        upto: u64,
        applier: &mut Applier,
    ) -> Result<(), Error> {
        self.wait_for_room()?;
        if let Err(error) = self.ingest(&memory, batch, upto) {
            let error = fault("write a run to", &self.folder, error);
            self.sweep_later();
            // Out of space before the manifest changed leaves everything as it was. Whatever else
            // failed may have taken place or not: only opening again can tell.
            if !matches!(error, Error::OutOfSpace { .. }) || !self.manifest_is_ours() {
                applier.halted = Some(error.clone());
            }
            return Err(error);
        }
        self.publish_runs(true);
        applier.replaced.keep(memory);
        applier.replaced.free();
        self.applied.store(upto, Ordering::Release);
        self.persisted.store(upto, Ordering::Release);
        Ok(())
    }

    fn ingest(&self, memory: &Sorted, batch: &[Mutation], upto: u64) -> lsm_tree::Result<()> {
        let bottom = self.view().runs.is_empty();
        let mut run = self.tree.ingestion()?;
        let mut write = |key: Bytes, value: Option<Bytes>| match value {
            Some(value) => run.write(Slice::from(key), Slice::from(value)),
            // Nothing lies under the first run, so nothing needs hiding.
            None if bottom => Ok(()),
            None => run.write_tombstone(Slice::from(key)),
        };
        let mut old = memory.cursor(KeyRange::ALL, Direction::Forward).peekable();
        for mutation in batch {
            while let Some(slot) = old.next_if(|slot: &Slot| slot.key() < &mutation.key[..]) {
                write(slot.shared_key(), slot.value())?;
            }
            old.next_if(|slot| slot.key() == &mutation.key[..]);
            write(mutation.key.clone(), mutation.value.clone())?;
        }
        for slot in old {
            write(slot.shared_key(), slot.value())?;
        }
        run.write(Slice::from(KEY_RESERVED), Slice::from(&upto.to_be_bytes()[..]))?;
        run.finish()
    }

    /// Whether the manifest on disk is the one that the tree believes in.
    fn manifest_is_ours(&self) -> bool {
        manifest::current_id(&self.folder) == Some(self.tree.current_version().id())
    }
}
