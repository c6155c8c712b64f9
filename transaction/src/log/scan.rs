//! Reading one segment from its file, record by record, trusting nothing; and looking for signs of
//! life behind a damage.
//!
//! A segment ends in one of two ways: zeros (or the end of the file) where the next record would
//! start, or something that is not the next record. Both only say where reading stops; whether that
//! is a torn tail or corruption is decided by what follows (`claim_after`): a valid record whose
//! `durable` lies at or beyond the missing index proves that the missing one had been durable,
//! hence acknowledged.

use std::io;

use engine::device::File;

use super::format::{ALIGN, RECORD_HEADER, RecordHeader, SEGMENT_HEADER, checksum, u64_at};

/// Bytes read at a time.
const WINDOW: usize = 1 << 20;
/// Zeros are skipped by so many bytes at once.
const SKIP: usize = 4096;
static ZEROS: [u8; SKIP] = [0; SKIP];

/// What stands where the next record should be.
#[derive(Debug)]
pub(super) enum Step {
    /// A record that continues the chain; its payload is `Cursor::payload`.
    Record(RecordHeader),
    /// A header of zeros, or the file's end.
    End,
    /// Bytes that are not the next record, and why.
    Bad(&'static str),
}

/// A claim found behind a damage: record `index` says that `durable` had been durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) offset: u64,
    pub(super) durable: u64,
}

/// What lies behind the place where reading stopped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Behind {
    pub(super) claim: Option<Claim>,
    /// Offset behind the last byte that is not zero; 0 if there is none.
    pub(super) used: u64,
}

/// Reads a segment forward.
pub(super) struct Cursor<'a> {
    file: &'a dyn File,
    length: u64,
    salt: u64,
    /// Where the next record starts.
    pub(super) offset: u64,
    /// The index that the next record must have.
    pub(super) next: u64,
    /// The checksum that it must name as its predecessor's.
    pub(super) chain: u64,
    window: Vec<u8>,
    window_at: u64,
    payload: (usize, usize),
}

impl<'a> Cursor<'a> {
    /// Starts at the first record of a segment of `length` bytes.
    pub(super) fn new(
        file: &'a dyn File,
        length: u64,
        salt: u64,
        next: u64,
        chain: u64,
    ) -> Cursor<'a> {
        let window = Vec::new();
        let offset = SEGMENT_HEADER;
        Cursor { file, length, salt, offset, next, chain, window, window_at: 0, payload: (0, 0) }
    }

    /// The payload of the record that `step` answered last.
    pub(super) fn payload(&self) -> &[u8] {
        let (start, length) = self.payload;
        self.window.get(start..start + length).unwrap_or_default()
    }

    /// Reads the next record and moves behind it, or stays where reading must stop.
    pub(super) fn step(&mut self) -> io::Result<Step> {
        let left = self.length.saturating_sub(self.offset);
        let header = self.bytes(self.offset, left.min(RECORD_HEADER as u64) as usize)?;
        if header.iter().all(|byte| *byte == 0) {
            return Ok(Step::End);
        }
        if header.len() < RECORD_HEADER {
            return Ok(Step::Bad("record cut short"));
        }
        let header = RecordHeader::decode(header);
        if header.size() as u64 > left {
            return Ok(Step::Bad("record longer than its segment"));
        }
        let (salt, offset) = (self.salt, self.offset);
        let record = self.bytes(offset, header.size())?;
        if checksum(record, salt) != header.checksum {
            return Ok(Step::Bad("record's checksum"));
        }
        if let Some(what) = self.stranger(&header) {
            return Ok(Step::Bad(what));
        }
        self.payload = ((offset - self.window_at) as usize + RECORD_HEADER, header.length as usize);
        self.offset += header.size() as u64;
        self.chain = header.checksum;
        if !header.is_mark() {
            self.next += 1;
        }
        Ok(Step::Record(header))
    }

    /// Why a record that is whole is not the next one of this chain.
    fn stranger(&self, header: &RecordHeader) -> Option<&'static str> {
        fits(header, self.next, self.chain)
    }

    /// Looks behind the current place for claims that index `next` had been durable.
    pub(super) fn behind(&mut self) -> io::Result<Behind> {
        let mut behind = Behind::default();
        let (from, mut at) = (self.offset, self.offset);
        while at < self.length {
            let count = (self.length - at).min(SKIP as u64) as usize;
            let block = self.bytes(at, count)?;
            if block == &ZEROS[..count] {
                at += count as u64;
                continue;
            }
            let last = block.iter().rposition(|byte| *byte != 0).unwrap_or(0);
            behind.used = at + last as u64 + 1;
            for place in (at..at + count as u64).step_by(ALIGN) {
                if let Some(claim) = self.claim_at(from, place)? {
                    behind.claim = Some(claim);
                    return Ok(behind);
                }
            }
            at += count as u64;
        }
        Ok(behind)
    }

    /// A valid record at `at` that claims index `next` durable, given that reading stopped at
    /// `from`.
    fn claim_at(&mut self, from: u64, at: u64) -> io::Result<Option<Claim>> {
        let (missing, left) = (self.next, self.length - at);
        if left < RECORD_HEADER as u64 {
            return Ok(None);
        }
        let bytes = self.bytes(at, RECORD_HEADER)?;
        // The cheap test first: it refuses nearly all places.
        let durable = u64_at(bytes, 32);
        if durable < missing {
            return Ok(None);
        }
        let header = RecordHeader::decode(bytes);
        // Between the stop and here there is room for so many records only.
        let most = missing.saturating_add((at - from) / RECORD_HEADER as u64);
        let plausible =
            header.index >= durable && header.index <= most && header.kind.number() != 0;
        if !plausible || header.size() as u64 > left {
            return Ok(None);
        }
        let salt = self.salt;
        let whole = checksum(self.bytes(at, header.size())?, salt) == header.checksum;
        Ok(whole.then_some(Claim { offset: at, durable }))
    }

    /// `count` bytes at `offset`, which must lie within the length.
    fn bytes(&mut self, offset: u64, count: usize) -> io::Result<&[u8]> {
        let end = self.window_at + self.window.len() as u64;
        if offset < self.window_at || offset + count as u64 > end {
            let left = self.length.saturating_sub(offset);
            let want = left.min(WINDOW.max(count) as u64) as usize;
            self.window.resize(want, 0);
            self.window_at = offset;
            self.file.read_exact_at(offset, &mut self.window)?;
        }
        let start = (offset - self.window_at) as usize;
        let short = || io::Error::from(io::ErrorKind::UnexpectedEof);
        self.window.get(start..start + count).ok_or_else(short)
    }
}

/// Why a record that is whole does not continue a chain; `None` if it does.
pub(super) fn fits(header: &RecordHeader, next: u64, chain: u64) -> Option<&'static str> {
    let index = if header.is_mark() { next - 1 } else { next };
    if header.predecessor != chain {
        Some("predecessor's checksum")
    } else if header.index != index {
        Some("index out of order")
    } else if header.durable >= next || header.kind.number() == 0 {
        Some("impossible header")
    } else {
        None
    }
}

/// Bytes of a mark.
pub(super) const MARK: u64 = RECORD_HEADER as u64;
