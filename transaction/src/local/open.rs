//! Opening: lock, FORMAT, log, replay, clock, threads.
//!
//! ```text
//!   LOCK ─► FORMAT: which store ─► log: whole? torn tail cut; all of it durable
//!        ─► CLOCK: the ceiling ─► engine.applied() < log: replay into table and tail
//!        ─► clock above every stamp ─► flusher, applier
//! ```
//!
//! The engine comes opened, since only its owner knows what it is made of; it tells by `applied()`
//! where the log must go on. Nothing is applied before the log's own recovery has made its tail
//! durable: an engine that knew a record which the log then lost could not be opened again.
//!
//! **Invariants**
//! - The log holds everything above `engine.applied()`, or the store is not opened.
//! - Replay holds at most one batch in memory beyond the back-pressure limit.
//!
//! Rejected: reading the log into the engine during recovery (see above); opening without a log
//! that once was there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use engine::Engine;
use engine::device::{Directory, Lock};
use engine::memory::Memory;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::applier::{Applier, replay};
use super::cache::Cache;
use super::commit::Committer;
use super::format::{self, Ceiling};
use super::hash::KeyHasher;
use super::journal::Journal;
use super::locks::Locks;
use super::outcome::Outcomes;
use super::progress::Progress;
use super::record::{Flags, Record, VALUE_HEADER, decode};
use super::snapshots::{Horizon, Snapshots};
use super::space::Space;
use super::stamp::{HybridClock, Ids};
use super::tail::{Logged, Tail};
use super::timer::Timer;
use super::versions::Versions;
use super::{Bell, Life, Local, LocalOptions, Shared};
use crate::log::{self, Log, OpenError};
use crate::{Error, Offers, Operation, Result, Stamp};

const LOCK: &str = "LOCK";

/// A record on its way from the log into the table.
struct Replayed {
    index: u64,
    record: Record,
}

/// What a store on a device has besides log and engine.
struct Places {
    ceiling: Option<Ceiling>,
    directory: Option<Arc<dyn Directory>>,
    lock: Option<Lock>,
}

/// What the log gave.
struct Recovered {
    log: Log,
    stamp: Stamp,
    /// The first records, as many as fit into a batch.
    kept: Vec<Replayed>,
    /// Where to read on; 0 if nothing is left.
    rest: u64,
    /// The highest stamp that the tail will not hold.
    gone: Stamp,
}

impl Local {
    /// A store in memory, on defaults: no device, gone when dropped.
    ///
    /// # Errors
    /// `Failed` where the system has no randomness or threads to give.
    pub fn memory() -> Result<Local> {
        Local::memory_with(LocalOptions::default())
    }

    /// A store in memory.
    ///
    /// # Errors
    /// As `memory`.
    pub fn memory_with(options: LocalOptions) -> Result<Local> {
        let journal = Journal::Memory(AtomicU64::new(0));
        let places = Places { ceiling: None, directory: None, lock: None };
        let shared = assemble(Arc::new(Memory::new()), options, journal, places, Stamp::ZERO)?;
        Local::start(shared)
    }

    /// Opens the store in `directory`, making it if it is not there. `engine` holds the data of the
    /// same store; where it lags behind the log it is brought up to date. An engine with files of
    /// its own should be opened under the store's lock: see `open_with`.
    ///
    /// # Errors
    /// `Unavailable` if another process holds the store; `Corrupt` with its place if bytes are not
    /// what was written, and nothing was changed then; `Unsupported` for a later version's store;
    /// `OutOfSpace`, `Failed`.
    pub fn open(
        directory: Arc<dyn Directory>,
        engine: Arc<dyn Engine>,
        options: LocalOptions,
    ) -> Result<Local> {
        Local::open_with(directory, || Ok(engine), options)
    }

    /// As `open`, with an engine that is opened only after the store's lock was taken and its
    /// `FORMAT` read: opening may already change the engine's files, and a second process must not
    /// come so far.
    ///
    /// # Errors
    /// As `open`, and those of the engine.
    pub fn open_with(
        directory: Arc<dyn Directory>,
        engine: impl FnOnce() -> std::result::Result<Arc<dyn Engine>, engine::Error>,
        options: LocalOptions,
    ) -> Result<Local> {
        let lock = directory.lock(LOCK).map_err(|error| match error.kind() {
            std::io::ErrorKind::WouldBlock => {
                Error::Unavailable("another process holds this store")
            }
            _ => Error::Failed(format!("locking the store: {error}")),
        })?;
        let (store, is_new) = format::open(directory.as_ref(), options.entropy.as_ref())?;
        let engine = engine()?;
        let applied = engine.applied();
        if is_new && applied > 0 {
            return Err(Error::Corrupt("the engine holds data, but there is no FORMAT".into()));
        }
        let recovered = recover(&directory, store, applied, &options)?;
        let Recovered { log, stamp, kept, rest, gone } = recovered;
        let nothing = log.last() == 0;
        let ceiling = Ceiling::open(directory.as_ref(), nothing)?;
        log.start_flusher()
            .map_err(|error| Error::Failed(format!("starting a thread: {error}")))?;
        let places =
            Places { ceiling: Some(ceiling), directory: Some(directory), lock: Some(lock) };
        let mut shared = assemble(engine, options, Journal::Log(log), places, stamp)?;
        if let Some(shared) = Arc::get_mut(&mut shared) {
            shared.tail = Tail::new(gone, shared.options.batch_bytes);
        }
        shared.replay(kept, rest)?;
        shared.note_feed_gone()?;
        Local::start(shared)
    }

    fn start(shared: Arc<Shared>) -> Result<Local> {
        let applier = Applier::new(Arc::clone(&shared));
        let thread = std::thread::Builder::new().name("qanat-applier".into());
        let thread = thread
            .spawn(move || applier.run())
            .map_err(|error| Error::Failed(format!("starting a thread: {error}")))?;
        Ok(Local { shared, applier: Mutex::new(Some(thread)) })
    }
}

fn recover(
    directory: &Arc<dyn Directory>,
    store: [u8; 16],
    applied: u64,
    options: &LocalOptions,
) -> Result<Recovered> {
    let log_options = log::Options {
        from: applied + 1,
        // A log that was there once must still be there.
        create: (applied == 0).then_some(1),
        segment_bytes: options.segment_bytes,
        buffer_bytes: options.log_buffer_bytes,
        write_within: options.write_within,
        flush_within: options.flush_within,
        clock: Arc::clone(&options.clock),
        ..log::Options::new(store)
    };
    let (mut kept, mut bytes, mut rest) = (Vec::new(), 0, 0);
    let deliver = |record: log::Record<'_>| {
        bytes += record.payload.len() + 64;
        if rest == 0 && bytes <= options.batch_bytes {
            kept.push(replayed(record).map_err(|error| error.to_string())?);
        } else if rest == 0 {
            rest = record.index;
        }
        Ok(())
    };
    let opened = Log::open(Arc::clone(directory), log_options, deliver);
    let (log, recovery) = opened.map_err(open_error)?;
    let gone = kept.first().map_or(Stamp(recovery.stamp), before);
    Ok(Recovered { log, stamp: Stamp(recovery.stamp), kept, rest, gone })
}

/// The highest stamp that a commit before this record may have.
fn before(first: &Replayed) -> Stamp {
    let record = &first.record;
    // A staged record carries the stamp of the commit before it.
    Stamp(if record.flags.staged { record.stamp.0 } else { record.stamp.0.saturating_sub(1) })
}

fn replayed(record: log::Record<'_>) -> Result<Replayed> {
    let flags = Flags::from_log(record.kind, record.flags)?;
    let payload = Bytes::copy_from_slice(record.payload);
    let index = record.index;
    Ok(Replayed { index, record: decode(&payload, Stamp(record.stamp), flags)? })
}

fn open_error(error: OpenError) -> Error {
    match error {
        OpenError::Newer { .. } => Error::Unsupported("a log written by a later version"),
        OpenError::Encrypted { .. } => Error::Unsupported("an encrypted log"),
        OpenError::Io { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => {
            Error::OutOfSpace
        }
        error @ OpenError::Io { .. } => Error::Failed(error.to_string()),
        error => Error::Corrupt(error.to_string()),
    }
}

fn assemble(
    engine: Arc<dyn Engine>,
    options: LocalOptions,
    journal: Journal,
    places: Places,
    stamp: Stamp,
) -> Result<Arc<Shared>> {
    let Places { ceiling, directory, lock } = places;
    let seed = options.entropy.sixteen().map_err(|e| Error::Failed(format!("entropy: {e}")))?;
    let hasher = KeyHasher::new(u128::from_be_bytes(seed) as u64);
    let floor = ceiling.as_ref().map_or(stamp, |ceiling| ceiling.get().max(stamp));
    let clock = Arc::clone(&options.clock);
    let floors = (options.space_floor_bytes, options.space_floor_percent);
    let every = std::time::Duration::from_secs(1);
    Ok(Arc::new(Shared {
        offers: offers(&options),
        ids: Ids::new(Arc::clone(&clock), options.entropy.as_ref())?,
        progress: Progress::new(stamp),
        versions: Versions::new(hasher.clone(), stamp),
        cache: Cache::new(options.cache_bytes),
        locks: Locks::new(hasher.clone()),
        hasher,
        snapshots: Snapshots::new(),
        tail: Tail::new(stamp, options.batch_bytes),
        outcomes: Outcomes::new(options.outcomes_max, stamp),
        timer: Timer::default(),
        space: Space::new(directory, Arc::clone(&clock), floors, every),
        committer: Mutex::new(Committer::new(HybridClock::new(Arc::clone(&clock), floor))),
        owners: AtomicU64::new(1),
        life: Life::default(),
        bell: Bell::default(),
        room: Notify::new(),
        feed_gone: AtomicU64::new(0),
        engine,
        clock,
        journal,
        ceiling,
        options,
        _lock: lock,
    }))
}

fn offers(options: &LocalOptions) -> Offers {
    Offers {
        key_bytes_max: engine::KEY_LEN_MAX,
        value_bytes_max: (engine::VALUE_LEN_MAX - VALUE_HEADER).min(options.write_set_bytes_max),
        write_set_bytes_max: options.write_set_bytes_max,
        ranges_validated: true,
        locks: true,
        staging: true,
        feed: true,
    }
}

impl Shared {
    /// Brings what the engine lacks into the table and the tail.
    fn replay(self: &Arc<Self>, kept: Vec<Replayed>, rest: u64) -> Result<()> {
        let horizon = self.snapshots.make_horizon(self.progress.visible_cell());
        for replayed in kept {
            self.take_back(replayed, &horizon);
        }
        let reader = (rest > 0).then(|| self.journal.reader(rest)).flatten();
        for entry in reader.into_iter().flatten() {
            let entry = entry.map_err(|error| Error::Corrupt(error.to_string()))?;
            let flags = Flags::from_log(entry.kind, entry.flags)?;
            // An own copy: the payload shares the memory of all that was read with it.
            let payload = Bytes::copy_from_slice(&entry.payload);
            let record = decode(&payload, Stamp(entry.stamp), flags)?;
            self.take_back(Replayed { index: entry.index, record }, &horizon);
            if self.tail.backlog() >= self.options.backlog_soft_bytes {
                replay(self)?;
            }
        }
        Ok(())
    }

    fn take_back(&self, replayed: Replayed, horizon: &Horizon) {
        let Replayed { index, record } = replayed;
        for write in record.writes.writes() {
            let put = if let Operation::Put(value) = &write.operation { Some(value) } else { None };
            self.versions.publish(&write.key, record.row_stamp(), put.cloned(), horizon);
        }
        if !record.flags.staged {
            self.outcomes.note(record.id, record.stamp);
        }
        let size = record.size();
        self.tail.push(Arc::new(Logged { index, record, size }));
    }

    /// The feed reaches back as far as the log.
    fn note_feed_gone(&self) -> Result<()> {
        let oldest = self.journal.log().map_or(1, Log::oldest);
        if oldest > 1 {
            let first = self.first_stamp(oldest)?;
            self.feed_gone.store(first.0.saturating_sub(1), Ordering::Release);
        }
        Ok(())
    }
}
