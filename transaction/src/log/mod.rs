//! The commit log: where a commit becomes durable, and what the feed and a recovery read.
//!
//! The problem: commits of many sessions must be on disk before they are acknowledged, a flush
//! costs a hundred microseconds to several milliseconds, and after a power cut exactly the
//! acknowledged ones, in order, must be there, or the damage must be named. So records go into
//! memory one after another under the committer's mutex, one flush covers all that came since the
//! last, and every record proves by itself where it belongs.
//!
//! ```text
//!   append ─► buffer A ⇄ B ─write─► segment …0001 │ …0812 │ …1649 (newest, reserved) │ spare-7
//!   (mutex)   2 × 8 MB              ◄─ release ─┘             ▲ durable ▲ written     ▲ last
//!   flush(upto): the first who needs it leads, writes all and syncs once; the others wait
//! ```
//!
//! `format` draws the bytes, `state` and `core` do the work, `recover` and `scan` read it back,
//! `read` feeds.
//!
//! **Invariants.** (1) Indexes have no gap; each record names its predecessor's checksum. (2) A
//! record's `durable` field is an index whose sync had returned `Ok` when it was appended. (3) A
//! segment gets its name only after all before it and its own header are durable. (4) A failed
//! write or sync is never repeated: the log stops, all that wait get `Unknown`, the owner opens it
//! again. (5) Room is reserved before a record is taken, so a full disk refuses appends and breaks
//! none.
//!
//! **Crash cases**, each held by a test:
//! - *Before a write*: only memory is lost, nothing of it was acknowledged.
//! - *During a group's write or sync*: any sectors of it may be on disk. No record says that any of
//!   the group was durable (2), so the tail is cut at the first bad record. Whole records before it
//!   may survive unacknowledged.
//! - *During a roll*: the spare has no name yet, and goes at the next open; or it has, then by (3)
//!   the old segment is whole and the new header too. So a bad header, or an old segment that ends
//!   early, is always corruption.
//! - *During release*: segments go oldest first, each removal synced, so no gap can appear between
//!   two.
//! - *During recovery*: nothing is changed before all was read. Then the tail is cut and synced
//!   before anything is appended, so bytes of the old tail never stand behind new records.
//!   Repeating it from any step is the same.
//! - *After a failed sync, without a power cut*: the page cache may show bytes that the disk lost.
//!   Recovery writes all that nothing claims durable once more before it syncs, and only then calls
//!   it durable.
//!
//! **Promise on damage.** If any byte of a segment changes, opening delivers a prefix of what was
//! written, byte for byte, that reaches at least to the last index which a whole record, mark or
//! later segment claims durable; or it answers `Corrupt` and changes nothing. A claim is in the
//! next record appended, or, when none comes, in a mark written within `write_within` of the flush
//! and at `close`. What remains: the last group before a power cut, if its claim had not reached
//! the disk *and* its bytes are damaged, is taken for a torn tail. Segments below the index asked
//! for at open are checked when read. A device that garbles a whole sector when a power cut
//! interrupts its rewriting can damage the durable head of that sector; padding each group to a
//! sector would close that and cost up to 4 kB a commit.
//!
//! **Reserved, not grown or zeroed** (ext4, 200-byte appends with fdatasync, median of 1 000,
//! middle of three rounds): a growing file 175 µs, `fallocate` to full size 132 µs, without
//! changing the size 179 µs, zeros written ahead 119 µs but 30 ms and all bytes twice for each
//! segment.
//!
//! **Who leads.** Both ways are open, for the measurements split (two cores, 200-byte payloads;
//! `examples/log.rs`): one committer waits 100–180 µs if it leads itself and 200–260 µs through the
//! thread (two switches more); 64 tasks on two runtime threads commit 0.9 to 1.6 times as fast
//! through the thread as 64 threads that lead. So a blocking caller takes `flush`, a task
//! `when_durable`. Against a flush of 2 ms, 64 committers shared 32 commits a flush, in two halves
//! that waited for each other (15 000 commits/s); since a syncer waits up to an eighth of the last
//! sync's time for those it served last, they share 62 (27 000/s). An append is 100 ns (40 bytes 80
//! ns, 1 000 bytes 150 ns), checksum and all.
//!
//! Rejected: a mark record before each group (48 bytes a commit at one committer; a field in every
//! record says the same); recycling old segments (stale records to argue about, for a tenth of the
//! latency); a log without memory buffers (one system call a commit inside the mutex); a channel to
//! a single log thread (two switches a commit).

mod core;
mod error;
mod flusher;
mod format;
mod read;
mod recover;
mod scan;
mod state;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use engine::device::{Clock, Directory, RealClock};
use parking_lot::Mutex;

use self::core::{Core, failure, name_segment, reserve, sweep};
pub use error::{AppendError, Corruption, Failure, OpenError, ReadError, Unknown};
use flusher::FlusherThread;
pub use flusher::Reached;
pub use format::Kind;
use format::{RecordHeader, SEGMENT_HEADER, SegmentHeader, VERSION, salt, spare_name};
pub use read::{Entry, Reach, Reader};
use recover::{Recovered, recover, rewrite};
pub use recover::{SegmentReport, SegmentState, verify};
use state::{Buffer, Flusher, Goal, Segment, State};

/// The smallest segment: a header and a little.
pub const SEGMENT_BYTES_MIN: u64 = 8 << 10;

/// How a log is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// The store that the log belongs to; another's segments are refused.
    pub store: [u8; 16],
    /// First index to deliver; everything before may have been released.
    pub from: u64,
    /// If there is no log: make one whose first record gets this index. `None`: answer `Missing`.
    pub create: Option<u64>,
    /// Bytes reserved for a segment; a longer record gets a segment of its own. At least
    /// `SEGMENT_BYTES_MIN`.
    pub segment_bytes: u64,
    /// Bytes that one of the two buffers takes before appends wait; a longer record goes alone.
    pub buffer_bytes: usize,
    /// Bytes of the disk that stay free when a segment is reserved.
    pub reserve_bytes: u64,
    /// What was appended and asked for by nobody is written after at most this time (by `tick`).
    pub write_within: Duration,
    /// What was written and asked for by nobody is synced after about this time (by `tick`).
    pub flush_within: Duration,
    /// What `tick` measures time with.
    pub clock: Arc<dyn Clock>,
}

impl Options {
    /// The defaults: made if absent, from index 1, 64 MB segments, 8 MB buffers, 100 ms, 1 s.
    #[must_use]
    pub fn new(store: [u8; 16]) -> Options {
        Options {
            store,
            from: 1,
            create: Some(1),
            segment_bytes: 64 << 20,
            buffer_bytes: 8 << 20,
            reserve_bytes: 0,
            write_within: Duration::from_millis(100),
            flush_within: Duration::from_secs(1),
            clock: Arc::new(RealClock::new()),
        }
    }
}

/// What a record carries besides its payload; opaque to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The commit's stamp; the log only remembers the highest.
    pub stamp: u64,
    /// What the record is.
    pub kind: Kind,
    /// The owner's bits.
    pub flags: u8,
}

impl Head {
    /// A head without flags.
    #[must_use]
    pub const fn new(stamp: u64, kind: Kind) -> Head {
        Head { stamp, kind, flags: 0 }
    }
}

/// A record as recovery delivers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its index.
    pub index: u64,
    /// The stamp given with it.
    pub stamp: u64,
    /// The kind given with it.
    pub kind: Kind,
    /// The flags given with it.
    pub flags: u8,
    /// The payload given with it.
    pub payload: &'a [u8],
}

impl<'a> Record<'a> {
    fn new(header: &RecordHeader, payload: &'a [u8]) -> Record<'a> {
        let RecordHeader { index, stamp, kind, flags, .. } = *header;
        Record { index, stamp, kind, flags, payload }
    }
}

/// Where a record went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Its index: wait for this.
    pub index: u64,
    /// Bytes of records in the log up to its end, released ones included; for limits in bytes.
    pub position: u64,
}

/// What opening found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// First index that the log holds, or would hold.
    pub oldest: u64,
    /// Last index; `oldest - 1` in a log without records. All up to here is durable.
    pub last: u64,
    /// Highest stamp of any record that was read, or that a segment's header remembers.
    pub stamp: u64,
    /// Records read, of which those from `Options::from` on were delivered.
    pub records: u64,
    /// Bytes of a torn tail that were cut off behind `last`.
    pub cut_bytes: u64,
    /// Whether the log was made now.
    pub created: bool,
}

/// Totals since opening.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Records appended, without the log's marks.
    pub records: u64,
    /// Payload bytes appended.
    pub appended_bytes: u64,
    /// Times that a buffer was handed to the system.
    pub writes: u64,
    /// Bytes handed to the system.
    pub written_bytes: u64,
    /// Syncs that served waiting commits or the timer.
    pub flushes: u64,
    /// Records that these made durable: divided by `flushes`, the commits a flush.
    pub flushed_records: u64,
    /// Marks appended.
    pub marks: u64,
    /// Segments begun.
    pub segments: u64,
    /// Times that an append found both buffers full.
    pub stalls: u64,
}

/// A segment of an open log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// File name (the newest one's may still be that of its spare).
    pub name: String,
    /// First index.
    pub first: u64,
    /// Last index; `first - 1` if it is empty.
    pub last: u64,
    /// Bytes of records in all segments before it, released ones included.
    pub position: u64,
    /// Length of the file.
    pub bytes: u64,
}

/// An open log. Clones share it; the last one to go stops its thread but flushes nothing: see
/// `close`.
#[derive(Clone, Debug)]
pub struct Log {
    core: Arc<Core>,
    thread: Arc<FlusherThread>,
}

impl Log {
    /// Opens the log in `directory`, which must not be in use by another, and delivers all records
    /// from `options.from` on, in order. If it fails, what was delivered must be forgotten.
    ///
    /// # Errors
    /// See `OpenError`; nothing was changed on disk unless it is `Io`.
    pub fn open(
        directory: Arc<dyn Directory>,
        options: Options,
        mut deliver: impl FnMut(Record<'_>) -> Result<(), String>,
    ) -> Result<(Log, Recovery), OpenError> {
        let mut options = options;
        options.segment_bytes = options.segment_bytes.max(SEGMENT_BYTES_MIN);
        let found = recover(&*directory, &options.store, options.from, &mut deliver)?;
        let (state, recovery) = match (found, options.create) {
            (Some(found), _) => repair(&*directory, &options, found)
                .map_err(OpenError::io("making the recovered log durable"))?,
            (None, Some(first)) => create(&*directory, &options, first.max(1))?,
            (None, None) => return Err(OpenError::Missing),
        };
        let core = Arc::new(Core::new(directory, options, state));
        let thread = Arc::new(FlusherThread::none(Arc::clone(&core)));
        Ok((Log { core, thread }, recovery))
    }

    /// Starts the log's thread: it serves the `when_…` futures, prepares segments ahead and calls
    /// `tick`.
    ///
    /// # Errors
    /// The system's, when it has no thread to give.
    pub fn start_flusher(&self) -> io::Result<()> {
        self.thread.start()
    }

    /// Appends a record whose payload is `parts` one after another; copies them. To be called under
    /// the caller's own mutex if it cares for the order. When both buffers are full it waits for a
    /// write.
    ///
    /// # Errors
    /// See `AppendError`; nothing was appended.
    pub fn append(&self, head: Head, parts: &[&[u8]]) -> Result<Appended, AppendError> {
        self.core.append(head, parts, true)
    }

    /// As `append`, but answers `Full` rather than wait for a write. It may still make the next
    /// segment's file, if that is needed before the thread came to it.
    ///
    /// # Errors
    /// See `AppendError`; nothing was appended.
    pub fn try_append(&self, head: Head, parts: &[&[u8]]) -> Result<Appended, AppendError> {
        self.core.append(head, parts, false)
    }

    /// Returns when all up to `upto` was handed to the system: it outlives this process.
    ///
    /// # Errors
    /// The outcome is unknown; the log has stopped.
    pub fn write(&self, upto: u64) -> Result<(), Unknown> {
        self.core.write(upto)
    }

    /// Returns when all up to `upto` is durable: it outlives a power cut.
    ///
    /// # Errors
    /// The outcome is unknown; the log has stopped.
    pub fn flush(&self, upto: u64) -> Result<(), Unknown> {
        self.core.flush(upto)
    }

    /// As `write`, without blocking a thread.
    #[must_use]
    pub fn when_written(&self, upto: u64) -> Reached {
        Reached::new(Arc::clone(&self.core), Goal::Written, upto)
    }

    /// As `flush`, without blocking a thread.
    #[must_use]
    pub fn when_durable(&self, upto: u64) -> Reached {
        Reached::new(Arc::clone(&self.core), Goal::Durable, upto)
    }

    /// Resolves when a payload of `bytes` is likely to find room in a buffer.
    #[must_use]
    pub fn when_room(&self, bytes: usize) -> Reached {
        Reached::new(Arc::clone(&self.core), Goal::Room, format::record_size(bytes) as u64)
    }

    /// What is due without anybody asking: syncs what has waited for `flush_within`, writes what
    /// stands in the buffer, adds a mark where the log does not say yet what is durable, prepares
    /// the next segment. The thread calls it every `write_within`; without the thread the owner
    /// may.
    pub fn tick(&self) {
        self.core.tick();
    }

    /// Last index appended.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.core.last.load(Ordering::Acquire)
    }

    /// Last index handed to the system.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.core.written.load(Ordering::Acquire)
    }

    /// Last index that is durable.
    #[must_use]
    pub fn durable(&self) -> u64 {
        self.core.durable.load(Ordering::Acquire)
    }

    /// First index that can be read.
    #[must_use]
    pub fn oldest(&self) -> u64 {
        self.core.state.lock().segments.front().map_or(1, |segment| segment.first())
    }

    /// What stopped the log, if something did.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        self.core.state.lock().failed.clone()
    }

    /// Totals since opening.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.core.state.lock().counters
    }

    /// Reads from record `index` on.
    #[must_use]
    pub fn read_from(&self, index: u64, reach: Reach) -> Reader {
        Reader::new(Arc::clone(&self.core), index, reach)
    }

    /// Removes the segments that hold only records up to `upto`, never the newest one; answers how
    /// many.
    ///
    /// # Errors
    /// The device's. A failed sync of the directory stops the log.
    pub fn release(&self, upto: u64) -> Result<u64, OpenError> {
        self.core.release(upto)
    }

    /// The segments, oldest first.
    ///
    /// # Errors
    /// The device's.
    pub fn segments(&self) -> io::Result<Vec<SegmentInfo>> {
        self.core.segments()
    }

    /// Makes all durable, says so in the log, and ends its thread. Later appends are refused.
    ///
    /// # Errors
    /// The outcome of what was not durable is unknown.
    pub fn close(&self) -> Result<(), Unknown> {
        let answer = self.core.close();
        self.thread.stop();
        answer
    }
}

/// Makes what was read durable and gives the newest segment its room again.
fn repair(
    directory: &dyn Directory,
    options: &Options,
    found: Recovered,
) -> io::Result<(State, Recovery)> {
    let Recovered { segments, end, cut, records } = found;
    let segments: VecDeque<Arc<Segment>> = segments
        .into_iter()
        .map(|(found, places)| {
            let (header, file, places) = (found.header, found.file, Mutex::new(places));
            Arc::new(Segment { header, file, places })
        })
        .collect();
    let Some(newest) = segments.back().map(Arc::clone) else {
        return Err(io::Error::from(io::ErrorKind::NotFound));
    };
    if cut > 0 {
        newest.file.set_len(end.offset)?;
    }
    // The page cache may show what a failed sync lost: only what is written again is sure to be
    // synced.
    rewrite(&*newest.file, end.unclaimed, end.offset)?;
    newest.file.sync_data()?;
    directory.sync()?;
    sweep(directory)?;
    let wanted = options.segment_bytes.max(newest.file.len()?);
    let capacity = reserve(&*newest.file, wanted, end.offset)?;
    let recovery = Recovery {
        oldest: segments.front().map_or(1, |segment| segment.first()),
        last: end.next - 1,
        stamp: end.stamp,
        records,
        cut_bytes: cut,
        created: false,
    };
    let numbers = Numbers { offset: end.offset, capacity, chain: end.chain, claimed: end.claimed };
    Ok((state(options, segments, &newest, &recovery, numbers), recovery))
}

/// Makes a log of one empty segment.
fn create(
    directory: &dyn Directory,
    options: &Options,
    first: u64,
) -> Result<(State, Recovery), OpenError> {
    if first < options.from {
        return Err(OpenError::Short { wanted: options.from, last: first - 1 });
    }
    let made = OpenError::io("making the log's first segment");
    let failed = OpenError::io("making the log's first segment");
    let predecessor = salt(&options.store);
    let header = SegmentHeader {
        version: VERSION,
        oldest_reader: VERSION,
        store: options.store,
        key: 0,
        first,
        position: 0,
        predecessor,
        stamp: 0,
    };
    let spare = spare_name(0);
    let file = sweep(directory).and_then(|()| directory.create(&spare)).map_err(made)?;
    let segment = Arc::new(Segment { header, file, places: Mutex::default() });
    let capacity = options.segment_bytes;
    let named = segment.file.allocate(capacity).map_err(failure("reserving a segment"));
    named.and_then(|()| name_segment(directory, &spare, &segment)).map_err(|failure| {
        let message = failure.to_string();
        failed(io::Error::new(failure.error.kind(), message))
    })?;
    let (oldest, last) = (first, first - 1);
    let recovery = Recovery { oldest, last, stamp: 0, records: 0, cut_bytes: 0, created: true };
    let numbers = Numbers { offset: SEGMENT_HEADER, capacity, chain: predecessor, claimed: last };
    let segments = VecDeque::from([Arc::clone(&segment)]);
    Ok((state(options, segments, &segment, &recovery, numbers), recovery))
}

/// Where a log that was opened goes on.
struct Numbers {
    offset: u64,
    capacity: u64,
    chain: u64,
    claimed: u64,
}

fn state(
    options: &Options,
    segments: VecDeque<Arc<Segment>>,
    newest: &Arc<Segment>,
    recovery: &Recovery,
    numbers: Numbers,
) -> State {
    let now = options.clock.steady();
    State {
        active: Buffer::default(),
        flushing: None,
        recycled: Vec::new(),
        segments,
        offset: numbers.offset,
        capacity: numbers.capacity,
        spare: None,
        spares_made: 1,
        spare_retry: now,
        written_segment: Arc::clone(newest),
        last: recovery.last,
        stamp: recovery.stamp,
        chain: numbers.chain,
        written: recovery.last,
        durable: recovery.last,
        claimed: numbers.claimed,
        writing: false,
        syncing: false,
        preparing: false,
        failed: None,
        closed: false,
        wanted_written: 0,
        wanted_durable: 0,
        waiters: Vec::new(),
        blocked: Vec::new(),
        expected: 0,
        gathering: false,
        sync_took: Duration::ZERO,
        next_waiter: 0,
        flushed_at: now,
        flusher: Flusher::None,
        counters: Counters::default(),
    }
}
