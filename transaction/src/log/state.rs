//! What the log's mutex guards: where the end is, the buffer being filled, and who is at work.
//!
//! ```text
//!   append ─► active buffer ─swap─► flushing buffer ─write_at─► segment ─sync_data─► durable
//!             (under the mutex)     (one writer, without it)    (one syncer, without it)
//!
//!   durable <= written <= last          claimed <= durable
//! ```
//!
//! There are three roles, each held by at most one thread at a time and never across a wait for a
//! caller: *writer* (hands the active buffer to the system), *syncer* (makes what was written
//! durable) and *preparer* (makes the next segment's file). A buffer may span segments: a `Piece`
//! begins where the file changes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use engine::device::File;
use parking_lot::Mutex;

use super::error::{AppendError, Failure, Unknown};
use super::format::{Kind, RecordHeader, SEGMENT_HEADER, SegmentHeader, VERSION, record_size};
use super::recover::note_place;
use super::scan::MARK;
use super::{Appended, Counters, Head};

/// One segment, in use.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) header: SegmentHeader,
    pub(super) file: Arc<dyn File>,
    /// Some places to start reading from.
    pub(super) places: Mutex<Vec<(u64, u64)>>,
}

impl Segment {
    pub(super) fn first(&self) -> u64 {
        self.header.first
    }
}

/// A file made ready to become the next segment.
#[derive(Debug)]
pub(super) struct Spare {
    pub(super) name: String,
    pub(super) file: Arc<dyn File>,
    pub(super) capacity: u64,
}

/// A run of a buffer's bytes that goes to one segment.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) segment: Arc<Segment>,
    /// Where in the segment's file.
    pub(super) offset: u64,
    /// Where in the buffer; ends where the next piece starts.
    pub(super) start: usize,
    /// The file's name so far, if this run begins its segment.
    pub(super) spare: Option<String>,
}

/// Records in memory, on their way to the system.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    pub(super) bytes: Vec<u8>,
    pub(super) pieces: Vec<Piece>,
}

impl Buffer {
    /// The bytes of piece `number`.
    pub(super) fn run(&self, number: usize) -> &[u8] {
        let start = self.pieces.get(number).map_or(self.bytes.len(), |piece| piece.start);
        let end = self.pieces.get(number + 1).map_or(self.bytes.len(), |piece| piece.start);
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// Where in `segment`'s file the bytes here begin.
    pub(super) fn start(&self, segment: u64) -> Option<u64> {
        let piece = self.pieces.iter().find(|piece| piece.segment.first() == segment);
        piece.map(|piece| piece.offset)
    }

    /// The bytes that go to `segment` from `offset` on, if they are here.
    pub(super) fn at(&self, segment: u64, offset: u64) -> Option<&[u8]> {
        let number = self.pieces.iter().position(|piece| piece.segment.first() == segment)?;
        let skip = offset.checked_sub(self.pieces.get(number)?.offset)?;
        self.run(number).get(skip as usize..)
    }
}

/// What a waiter waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    Written,
    Durable,
    /// Room for so many bytes in the active buffer.
    Room,
}

#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) id: u64,
    pub(super) goal: Goal,
    pub(super) upto: u64,
    pub(super) waker: Waker,
}

/// Where an append can go.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    Here,
    NextSegment,
    /// The active buffer must be written first.
    BufferFull,
    /// The last segment is empty and must be given so many bytes first: two cannot begin at one
    /// index.
    Small(u64),
    /// A spare of at least so many bytes must be made first.
    NoSpare(u64),
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) active: Buffer,
    pub(super) flushing: Option<Arc<Buffer>>,
    pub(super) recycled: Vec<u8>,
    /// Oldest first, never empty; the last one takes appends.
    pub(super) segments: VecDeque<Arc<Segment>>,
    /// Where the next record goes in the last segment.
    pub(super) offset: u64,
    /// Bytes reserved for the last segment.
    pub(super) capacity: u64,
    pub(super) spare: Option<Spare>,
    pub(super) spares_made: u64,
    /// When making a spare ahead of need may be tried again.
    pub(super) spare_retry: Duration,
    /// The segment that holds the newest written record.
    pub(super) written_segment: Arc<Segment>,
    pub(super) last: u64,
    pub(super) stamp: u64,
    pub(super) chain: u64,
    pub(super) written: u64,
    pub(super) durable: u64,
    pub(super) claimed: u64,
    pub(super) writing: bool,
    pub(super) syncing: bool,
    pub(super) preparing: bool,
    pub(super) failed: Option<Failure>,
    pub(super) closed: bool,
    pub(super) wanted_written: u64,
    pub(super) wanted_durable: u64,
    pub(super) waiters: Vec<Waiter>,
    /// What blocked callers of `flush` wait for.
    pub(super) blocked: Vec<u64>,
    /// How many waited when the last sync ended, served or not.
    pub(super) expected: usize,
    /// The syncer waits for those to come back.
    pub(super) gathering: bool,
    /// How long the last sync took.
    pub(super) sync_took: Duration,
    pub(super) next_waiter: u64,
    pub(super) flushed_at: Duration,
    pub(super) flusher: Flusher,
    pub(super) counters: Counters,
}

/// What the flusher's thread is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flusher {
    /// Not started, or ended.
    None,
    Running,
    /// Waits without a time: whoever makes work wakes it.
    Idle,
    Stopping,
}

impl State {
    /// Where a record of `size` bytes can go now. Room for one mark is always kept behind it.
    pub(super) fn place(&self, size: u64, buffer_limit: usize, segment_bytes: u64) -> Place {
        let held = self.active.bytes.len();
        if held > 0 && held + size as usize > buffer_limit {
            return Place::BufferFull;
        }
        if self.offset + size + MARK <= self.capacity {
            return Place::Here;
        }
        let needed = segment_bytes.max(SEGMENT_HEADER + size + MARK);
        if self.segments.back().is_some_and(|segment| segment.first() > self.last) {
            return Place::Small(needed);
        }
        match &self.spare {
            Some(spare) if spare.capacity >= needed => Place::NextSegment,
            _ => Place::NoSpare(needed),
        }
    }

    /// Goes on in the spare. Its header and name are written with the buffer.
    pub(super) fn roll(&mut self) {
        let (Some(spare), Some(segment)) = (self.spare.take(), self.segments.back()) else {
            return;
        };
        let before = &segment.header;
        let header = SegmentHeader {
            version: VERSION,
            oldest_reader: VERSION,
            store: before.store,
            key: 0,
            first: self.last + 1,
            position: before.position + (self.offset - SEGMENT_HEADER),
            predecessor: self.chain,
            stamp: self.stamp,
        };
        let places = Mutex::default();
        let segment = Arc::new(Segment { header, file: spare.file, places });
        let start = self.active.bytes.len();
        let (offset, name) = (SEGMENT_HEADER, Some(spare.name));
        let piece = Piece { segment: Arc::clone(&segment), offset, start, spare: name };
        self.active.pieces.push(piece);
        self.segments.push_back(segment);
        (self.offset, self.capacity) = (SEGMENT_HEADER, spare.capacity);
        self.counters.segments += 1;
    }

    /// Copies a record into the active buffer. The caller has made sure of its place.
    pub(super) fn push(&mut self, head: Head, parts: &[&[u8]], length: u32, salt: u64) -> Appended {
        let index = if head.kind == Kind::MARK { self.last } else { self.last + 1 };
        let header = RecordHeader {
            checksum: 0,
            predecessor: self.chain,
            index,
            stamp: head.stamp,
            durable: self.durable,
            length,
            kind: head.kind,
            flags: head.flags,
            key: 0,
        };
        if self.active.pieces.is_empty()
            && let Some(segment) = self.segments.back()
        {
            let (segment, offset) = (Arc::clone(segment), self.offset);
            self.active.pieces.push(Piece { segment, offset, start: 0, spare: None });
        }
        self.chain = header.write(salt, parts, &mut self.active.bytes);
        if let Some(segment) = self.segments.back()
            && !header.is_mark()
        {
            note_place(&mut segment.places.lock(), index, self.offset);
        }
        self.offset += record_size(length as usize) as u64;
        self.stamp = self.stamp.max(head.stamp);
        self.claimed = self.durable;
        self.last = index;
        self.counters.appended_bytes += u64::from(length);
        Appended { index, position: self.position() }
    }

    /// Says in the log what is durable, if nothing there says it yet.
    pub(super) fn push_mark(&mut self, salt: u64) {
        let room = self.offset + MARK <= self.capacity;
        if self.claimed < self.durable && room {
            let head = Head { stamp: self.stamp, kind: Kind::MARK, flags: 0 };
            self.push(head, &[], 0, salt);
            self.counters.marks += 1;
        }
    }

    /// Bytes of records before the end of the log.
    pub(super) fn position(&self) -> u64 {
        let before = self.segments.back().map_or(0, |segment| segment.header.position);
        before + (self.offset - SEGMENT_HEADER)
    }

    pub(super) fn check(&self) -> Result<(), Unknown> {
        self.failed.clone().map_or(Ok(()), |failure| Err(Unknown(failure)))
    }

    pub(super) fn check_open(&self) -> Result<(), AppendError> {
        match &self.failed {
            Some(failure) => Err(AppendError::Failed(failure.clone())),
            None if self.closed => Err(AppendError::Closed),
            None => Ok(()),
        }
    }

    /// Whether a goal is reached; a failed log reaches no new ones.
    pub(super) fn reached(
        &self,
        goal: Goal,
        upto: u64,
        limit: usize,
    ) -> Option<Result<(), Unknown>> {
        let there = match goal {
            Goal::Written => self.written >= upto,
            Goal::Durable => self.durable >= upto,
            Goal::Room => {
                let held = self.active.bytes.len();
                held == 0 || held as u64 + upto <= limit as u64
            }
        };
        if there { Some(Ok(())) } else { self.check().err().map(Err) }
    }

    /// How many wait for a sync (or, rarely, for something else).
    pub(super) fn waiting(&self) -> usize {
        self.blocked.len() + self.waiters.len()
    }

    /// Takes the wakers of those whose wait is over.
    pub(super) fn ready(&mut self, limit: usize) -> Vec<Waker> {
        if self.waiters.is_empty() {
            return Vec::new();
        }
        let waiters = std::mem::take(&mut self.waiters);
        let (ready, rest): (Vec<Waiter>, Vec<Waiter>) = waiters
            .into_iter()
            .partition(|waiter| self.reached(waiter.goal, waiter.upto, limit).is_some());
        self.waiters = rest;
        ready.into_iter().map(|waiter| waiter.waker).collect()
    }
}
