//! Reading the log while it is written: the feed, and the applier's catching up.
//!
//! ```text
//!   Reader ── next index ─┬─ up to `written`: pieces of the segment's file, 256 kB at a time
//!                         └─ above (`Reach::Appended` only): copied from the buffers in memory
//! ```
//!
//! A reader holds a position and never blocks a writer but for the copy. Each record is checked
//! again, against its own checksum and its predecessor's, so damage that came after opening is
//! reported and not delivered. The log's own marks are skipped. `next` answers `None` at the end of
//! what may be read now, and can be called again later.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::core::Core;
use super::error::{Corruption, ReadError};
use super::format::{Kind, RECORD_HEADER, RecordHeader, SEGMENT_HEADER, checksum, segment_name};
use super::scan::fits;
use super::state::{Segment, State};

/// Bytes fetched at a time; a longer record is fetched whole.
const CHUNK: usize = 256 << 10;

/// How far a reader goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Only what outlives a power cut.
    Durable,
    /// What outlives the process.
    Written,
    /// Everything, memory too.
    Appended,
}

/// A record that a reader delivers. The payload shares the memory of the piece that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its index.
    pub index: u64,
    /// The stamp given with it.
    pub stamp: u64,
    /// The kind given with it.
    pub kind: Kind,
    /// The flags given with it.
    pub flags: u8,
    /// The payload given with it.
    pub payload: Bytes,
}

/// Reads records in order; see the module's essay.
#[derive(Debug)]
pub struct Reader {
    core: Arc<Core>,
    reach: Reach,
    /// First index to deliver.
    wanted: u64,
    place: Option<Place>,
    chunk: Bytes,
    /// Records above this index in the chunk may be half written.
    through: u64,
    /// Bytes that the next fetch must bring at least.
    least: usize,
}

#[derive(Debug)]
struct Place {
    segment: Arc<Segment>,
    /// Where the chunk starts in the segment's file.
    offset: u64,
    /// Index of the next record here.
    next: u64,
    /// Checksum of the record before it, where known.
    chain: Option<u64>,
}

enum Taken {
    Entry(Entry),
    Skipped,
    /// The chunk holds no more that may be read.
    Empty,
}

impl Reader {
    pub(super) fn new(core: Arc<Core>, wanted: u64, reach: Reach) -> Reader {
        let (chunk, wanted) = (Bytes::new(), wanted.max(1));
        Reader { core, reach, wanted, place: None, chunk, through: 0, least: RECORD_HEADER }
    }

    /// Index of the record that the next call delivers.
    #[must_use]
    pub fn next_index(&self) -> u64 {
        self.place.as_ref().map_or(self.wanted, |place| place.next.max(self.wanted))
    }

    fn limit(&self) -> u64 {
        let number = match self.reach {
            Reach::Durable => &self.core.durable,
            Reach::Written => &self.core.written,
            Reach::Appended => &self.core.last,
        };
        number.load(Ordering::Acquire)
    }

    /// Takes the next record off the chunk.
    fn take(&mut self) -> Result<Taken, ReadError> {
        let Some(place) = &mut self.place else { return Ok(Taken::Empty) };
        if place.next > self.through || self.chunk.len() < RECORD_HEADER {
            return Ok(Taken::Empty);
        }
        let header = RecordHeader::decode(&self.chunk);
        let size = header.size();
        if self.chunk.len() < size {
            self.least = size;
            return Ok(Taken::Empty);
        }
        let record = self.chunk.split_to(size);
        let what = if checksum(&record, self.core.salt) != header.checksum {
            Some("record's checksum")
        } else {
            fits(&header, place.next, place.chain.unwrap_or(header.predecessor))
        };
        if let Some(what) = what {
            // Asked again, it looks again.
            self.chunk = Bytes::new();
            return Err(place.corrupt(what));
        }
        place.offset += size as u64;
        place.chain = Some(header.checksum);
        self.least = RECORD_HEADER;
        if header.is_mark() {
            return Ok(Taken::Skipped);
        }
        place.next += 1;
        if header.index < self.wanted {
            return Ok(Taken::Skipped);
        }
        self.wanted = place.next;
        let end = RECORD_HEADER + header.length as usize;
        let RecordHeader { index, stamp, kind, flags, .. } = header;
        let payload = record.slice(RECORD_HEADER..end);
        Ok(Taken::Entry(Entry { index, stamp, kind, flags, payload }))
    }

    /// Brings the next piece; false at the end of what may be read.
    fn fetch(&mut self) -> Result<bool, ReadError> {
        let limit = self.limit();
        if self.next_index() > limit {
            return Ok(false);
        }
        let core = Arc::clone(&self.core);
        let state = core.state.lock();
        let mut place = find(&state, self.place.take(), self.wanted)?;
        let on_file = place.next <= state.written;
        let after = state.segments.iter().find(|segment| segment.first() > place.segment.first());
        // Behind the last record of a segment that has a successor there is nothing to read.
        let end = after.map_or(u64::MAX, |segment| segment.first() - 1);
        self.through = limit.min(end).min(if on_file { state.written } else { limit });
        let in_memory = if on_file { None } else { copy(&state, &mut place, self.least) };
        drop(state);
        let chunk = match in_memory {
            Some(chunk) => chunk,
            None => place.read(self.least.max(CHUNK))?,
        };
        if chunk.len() < self.least {
            return Err(place.corrupt("record cut short"));
        }
        self.chunk = chunk;
        self.place = Some(place);
        Ok(true)
    }
}

/// Where to go on: in the same segment, at the start of the next one, or at the last known place
/// before `wanted`.
fn find(state: &State, place: Option<Place>, wanted: u64) -> Result<Place, ReadError> {
    let next = place.as_ref().map_or(wanted, |place| place.next);
    let number = state.segments.partition_point(|segment| segment.first() <= next);
    let segment = number.checked_sub(1).and_then(|number| state.segments.get(number));
    let (Some(segment), same) = (segment, place) else {
        let oldest = state.segments.front().map_or(0, |segment| segment.first());
        return Err(ReadError::Gone { wanted: next, oldest });
    };
    match same {
        Some(place) if place.segment.first() == segment.first() => Ok(place),
        Some(_) => Ok(Place::start(segment)),
        None => Ok(Place::before(segment, wanted)),
    }
}

/// The bytes at `place`, which are still in memory: at least `least`, at most a chunk.
fn copy(state: &State, place: &mut Place, least: usize) -> Option<Bytes> {
    let first = place.segment.first();
    let buffers = [state.flushing.as_deref(), Some(&state.active)];
    let start = buffers.into_iter().flatten().find_map(|buffer| buffer.start(first))?;
    if place.offset < start {
        // Between the last written record and the first in memory there are only marks.
        (place.offset, place.chain) = (start, None);
    }
    let found = buffers
        .into_iter()
        .flatten()
        .find_map(|buffer| buffer.at(first, place.offset).filter(|found| !found.is_empty()))?;
    let count = found.len().min(least.max(CHUNK));
    found.get(..count).map(Bytes::copy_from_slice)
}

impl Place {
    fn start(segment: &Arc<Segment>) -> Place {
        let (next, chain) = (segment.first(), Some(segment.header.predecessor));
        Place { segment: Arc::clone(segment), offset: SEGMENT_HEADER, next, chain }
    }

    /// The last place that the segment remembers at or before `wanted`.
    fn before(segment: &Arc<Segment>, wanted: u64) -> Place {
        let places = segment.places.lock();
        let number = places.partition_point(|(index, _)| *index <= wanted);
        match number.checked_sub(1).and_then(|number| places.get(number)) {
            Some((next, offset)) => {
                Place { segment: Arc::clone(segment), offset: *offset, next: *next, chain: None }
            }
            None => Place::start(segment),
        }
    }

    fn read(&self, count: usize) -> Result<Bytes, ReadError> {
        let mut bytes = vec![0; count];
        let read = self.segment.file.read_full_at(self.offset, &mut bytes);
        let segment = segment_name(self.segment.first());
        let got = read.map_err(|source| ReadError::Io { segment, source })?;
        bytes.truncate(got);
        Ok(bytes.into())
    }

    fn corrupt(&self, what: &str) -> ReadError {
        let (offset, index) = (self.offset, self.next);
        let segment = segment_name(self.segment.first());
        ReadError::Corrupt(Corruption { segment, offset, index, what: what.to_owned() })
    }
}

impl Iterator for Reader {
    type Item = Result<Entry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.take() {
                Ok(Taken::Entry(entry)) => return Some(Ok(entry)),
                Ok(Taken::Skipped) => {}
                Ok(Taken::Empty) => match self.fetch() {
                    Ok(true) => {}
                    Ok(false) => return None,
                    Err(error) => return Some(Err(error)),
                },
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
