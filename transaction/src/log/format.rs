//! The bytes of the log: segment headers and records, drawn.
//!
//! All integers are little-endian. A segment is a file named by its first index in 20 decimal
//! digits:
//!
//! ```text
//! 00000000000000000001.log
//! ┌──────────────────┬────────┬────────┬──────┬────────┬───────────┐
//! │ header, 4096     │ record │ record │ mark │ record │ zeros …   │ records at multiples of 8
//! └──────────────────┴────────┴────────┴──────┴────────┴───────────┘
//!
//! header   0  magic            8   "QANATLOG"
//!          8  version          2   layout of this segment's records
//!         10  oldest reader    2   lowest version whose programs may read it
//!         12  header length    4   4096
//!         16  store id        16   which store this log belongs to
//!         32  key id           4   0: plain; others are reserved for encryption at rest
//!         36  zero             4
//!         40  first index      8   index of the first record; equals the file's name
//!         48  position         8   bytes of all records in earlier segments
//!         56  predecessor      8   checksum of the record before the first one here
//!         64  stamp            8   highest stamp in earlier segments
//!         72  zeros
//!       4088  checksum         8   CRC-64/NVME of bytes 0..4088, in all versions
//!
//! record   0  checksum         8   CRC-64/NVME of all that follows, XOR the store's salt
//!          8  predecessor      8   checksum of the record before (or the segment's `predecessor`)
//!         16  index            8   one more than the record before; a mark repeats it
//!         24  stamp            8   opaque here
//!         32  durable          8   an index that was known durable when this record was appended
//!         40  length           4   of the payload
//!         44  kind             1   1 commit, 2 staged part, 255 mark, 3–254 free; 0 never
//!         45  flags            1   opaque here
//!         46  key id           2   0: plain; others are reserved for encryption at rest
//!         48  payload, then zeros to a multiple of 8
//! ```
//!
//! CRC-64/NVME rather than CRC-32C: recovery tries the checksum at every multiple of 8 behind a
//! damage (8 million tries a segment), where 32 bits would now and then find a record that is not
//! there; carry-less multiplication makes both equally fast. The salt (the store id's CRC) makes
//! another store's records, copied into a payload or left on a reused device, not pass for ours.
//! The header has a page to itself, written once, so no later write can tear it.

use crc_fast::crc64_nvme;

/// Bytes before the first record of a segment.
pub(super) const SEGMENT_HEADER: u64 = 4096;
/// Bytes before a record's payload.
pub(super) const RECORD_HEADER: usize = 48;
/// Layout that this program writes.
pub(super) const VERSION: u16 = 1;
/// Records start at multiples of this.
pub(super) const ALIGN: usize = 8;
/// Longest payload.
pub(super) const PAYLOAD_MAX: usize = 1 << 30;

const MAGIC: [u8; 8] = *b"QANATLOG";
const CHECKED: usize = SEGMENT_HEADER as usize - 8;
const SUFFIX: &str = ".log";
const SPARE: &str = "spare-";

/// What a record is; the log itself looks only for its own marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind(u8);

impl Kind {
    /// A whole commit.
    pub const COMMIT: Kind = Kind(1);
    /// A part of a commit that a later record publishes.
    pub const STAGED: Kind = Kind(2);
    /// The log's own: claims that its index is durable. Never delivered.
    pub(super) const MARK: Kind = Kind(255);

    /// A kind of the caller's own, 1 to 254.
    #[must_use]
    pub const fn new(number: u8) -> Option<Kind> {
        if number == 0 || number == Kind::MARK.0 { None } else { Some(Kind(number)) }
    }

    /// The byte in the file.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// What makes this store's checksums its own.
pub(super) fn salt(store: &[u8; 16]) -> u64 {
    crc64_nvme(store)
}

/// The file name of the segment whose first record is `first`.
pub(super) fn segment_name(first: u64) -> String {
    format!("{first:020}{SUFFIX}")
}

/// The first index that a file name speaks of; `None` for other files.
pub(super) fn segment_first(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX)?;
    let plain = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

/// The name of a segment in preparation.
pub(super) fn spare_name(number: u64) -> String {
    format!("{SPARE}{number}{SUFFIX}")
}

pub(super) fn is_spare(name: &str) -> bool {
    name.starts_with(SPARE) && name.ends_with(SUFFIX)
}

/// A record's place in the file: header and payload, padded.
pub(super) fn record_size(payload: usize) -> usize {
    (RECORD_HEADER + payload).next_multiple_of(ALIGN)
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let found = bytes.get(at..at + 8).and_then(|found| found.try_into().ok());
    found.map_or(0, u64::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let found = bytes.get(at..at + 4).and_then(|found| found.try_into().ok());
    found.map_or(0, u32::from_le_bytes)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    let found = bytes.get(at..at + 2).and_then(|found| found.try_into().ok());
    found.map_or(0, u16::from_le_bytes)
}

/// The fixed head of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub(super) version: u16,
    pub(super) oldest_reader: u16,
    pub(super) store: [u8; 16],
    pub(super) key: u32,
    pub(super) first: u64,
    pub(super) position: u64,
    pub(super) predecessor: u64,
    pub(super) stamp: u64,
}

impl SegmentHeader {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SEGMENT_HEADER as usize);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&self.version.to_le_bytes());
        bytes.extend_from_slice(&self.oldest_reader.to_le_bytes());
        bytes.extend_from_slice(&(SEGMENT_HEADER as u32).to_le_bytes());
        bytes.extend_from_slice(&self.store);
        bytes.extend_from_slice(&self.key.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        for number in [self.first, self.position, self.predecessor, self.stamp] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.resize(CHECKED, 0);
        let checksum = crc64_nvme(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads a header, or says what is wrong with it. Knows no version: the caller compares.
    pub(super) fn decode(bytes: &[u8]) -> Result<SegmentHeader, &'static str> {
        let checked = bytes.get(..CHECKED).ok_or("segment header cut short")?;
        if bytes.get(..8) != Some(&MAGIC[..]) {
            return Err("segment header without its magic");
        }
        if crc64_nvme(checked) != u64_at(bytes, CHECKED) {
            return Err("segment header's checksum");
        }
        let store = bytes.get(16..32).and_then(|found| found.try_into().ok());
        Ok(SegmentHeader {
            version: u16_at(bytes, 8),
            oldest_reader: u16_at(bytes, 10),
            store: store.unwrap_or_default(),
            key: u32_at(bytes, 32),
            first: u64_at(bytes, 40),
            position: u64_at(bytes, 48),
            predecessor: u64_at(bytes, 56),
            stamp: u64_at(bytes, 64),
        })
    }
}

/// The fixed head of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecordHeader {
    pub(super) checksum: u64,
    pub(super) predecessor: u64,
    pub(super) index: u64,
    pub(super) stamp: u64,
    pub(super) durable: u64,
    pub(super) length: u32,
    pub(super) kind: Kind,
    pub(super) flags: u8,
    pub(super) key: u16,
}

impl RecordHeader {
    pub(super) fn decode(bytes: &[u8]) -> RecordHeader {
        let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
        RecordHeader {
            checksum: u64_at(bytes, 0),
            predecessor: u64_at(bytes, 8),
            index: u64_at(bytes, 16),
            stamp: u64_at(bytes, 24),
            durable: u64_at(bytes, 32),
            length: u32_at(bytes, 40),
            kind: Kind(byte(44)),
            flags: byte(45),
            key: u16_at(bytes, 46),
        }
    }

    fn encode(&self) -> [u8; RECORD_HEADER] {
        let mut bytes = [0; RECORD_HEADER];
        let numbers = [self.checksum, self.predecessor, self.index, self.stamp, self.durable];
        for (place, number) in bytes.chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        bytes[40..44].copy_from_slice(&self.length.to_le_bytes());
        bytes[44] = self.kind.0;
        bytes[45] = self.flags;
        bytes[46..48].copy_from_slice(&self.key.to_le_bytes());
        bytes
    }

    /// Bytes of the whole record.
    pub(super) fn size(&self) -> usize {
        record_size(self.length as usize)
    }

    pub(super) fn is_mark(&self) -> bool {
        self.kind == Kind::MARK
    }

    /// Appends the whole record, whatever `checksum` holds, and answers its checksum.
    pub(super) fn write(&self, salt: u64, parts: &[&[u8]], buffer: &mut Vec<u8>) -> u64 {
        let start = buffer.len();
        buffer.reserve(self.size());
        buffer.extend_from_slice(&self.encode());
        for part in parts {
            buffer.extend_from_slice(part);
        }
        buffer.resize(start + self.size(), 0);
        let record = &mut buffer[start..];
        let checksum = checksum(record, salt);
        record[..8].copy_from_slice(&checksum.to_le_bytes());
        checksum
    }
}

/// The checksum that a whole record should carry.
pub(super) fn checksum(record: &[u8], salt: u64) -> u64 {
    crc64_nvme(record.get(8..).unwrap_or_default()) ^ salt
}
