//! Bytes that stay: the payload of a log record, and the wrapping of an engine's value.
//!
//! ```text
//!  log payload                                     engine value
//!  ┌────┬────────────────┬───────────────┬────┐    ┌────┬──────────┬────────────────┐
//!  │ 01 │ transaction 16 │ note length 4 │note│    │ 01 │ stamp  8 │ the model's    │
//!  ├────┴────┬───────────┴───────────────┴────┤    │    │          │ bytes          │
//!  │ count 4 │ count × write                  │    └────┴──────────┴────────────────┘
//!  └─────────┴────────────────────────────────┘
//!  write:  key length 4 │ value length + 1, 4 (0: deleted) │ key │ value
//!
//!  in the log's record header:  stamp, kind (commit or staged), flags (1: quiet, not in the feed)
//! ```
//!
//! All numbers of a payload are big endian. The log carries index, stamp, checksum and chain; this
//! module carries meaning. A write set is in key order and an `Add` is resolved to the `Put` of its
//! sum, so a record is applied without reading anything: replay, the feed and repair all need only
//! the record.
//!
//! **Invariants**
//! - The layout byte comes first, so that a later layout is refused by name and never misread.
//! - The sums of counters have fixed places: a record is encoded outside the commit mutex and only
//!   they are filled in under it.
//! - The stamp of an engine value is that of the commit that wrote it; 0 for staged rows, which
//!   every snapshot may see because nothing names them before their commit.
//!
//! Rejected: variable-length integers (a patch in place would need the final length first), and a
//! delta in the record (replay would have to read the engine, and the feed could not give after
//! images).

use bytes::{Bytes, BytesMut};

use crate::log::{Head, Kind};
use crate::{Error, Operation, Result, Stamp, TransactionId, Write, WriteSet};

/// The layout byte of payloads and of engine values.
pub(super) const LAYOUT: u8 = 1;
/// Bytes before the model's bytes in an engine value.
pub(super) const VALUE_HEADER: usize = 9;

/// The log's flag of a commit that the feed leaves out.
pub(super) const QUIET: u8 = 1;
const HEADER: usize = 25;

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Flags {
    /// Left out of the feed.
    pub quiet: bool,
    /// Rows under an id that no committed catalogue names yet.
    pub staged: bool,
}

impl Flags {
    /// The log's head of a record.
    pub fn head(self, stamp: Stamp) -> Head {
        let kind = if self.staged { Kind::STAGED } else { Kind::COMMIT };
        Head { stamp: stamp.0, kind, flags: if self.quiet { QUIET } else { 0 } }
    }

    /// Back from the log.
    pub fn from_log(kind: Kind, flags: u8) -> Result<Self> {
        if flags & !QUIET != 0 || (kind != Kind::COMMIT && kind != Kind::STAGED) {
            return Err(damaged("unknown kind or flags"));
        }
        Ok(Flags { quiet: flags & QUIET != 0, staged: kind == Kind::STAGED })
    }
}

/// A commit as the log, the applier and the feed see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// The commit position; of a staged record the newest position before it.
    pub stamp: Stamp,
    /// Whose.
    pub id: TransactionId,
    /// What.
    pub flags: Flags,
    /// The model's note.
    pub note: Bytes,
    /// Puts and deletes only.
    pub writes: WriteSet,
}

impl Record {
    /// The stamp that the record's rows carry in the engine and in the version table.
    pub fn row_stamp(&self) -> Stamp {
        if self.flags.staged { Stamp::ZERO } else { self.stamp }
    }

    /// Memory that it holds, about.
    pub fn size(&self) -> usize {
        self.writes.size() + self.writes.writes().len() * 64 + self.note.len() + 160
    }
}

/// An encoded payload whose counters are filled in later.
pub(super) struct Draft {
    bytes: BytesMut,
    /// Where the value of the n-th `Add` of the write set stands.
    sums: Vec<usize>,
}

impl Draft {
    /// Encodes everything that is known before the commit mutex.
    pub fn new(id: TransactionId, note: &[u8], writes: &[Write]) -> Result<Draft> {
        let size: usize = writes.iter().map(|write| write.size()).sum();
        let mut bytes = BytesMut::with_capacity(HEADER + 8 + note.len() + size);
        bytes.extend_from_slice(&[LAYOUT]);
        bytes.extend_from_slice(&id.0.to_be_bytes());
        bytes.extend_from_slice(&length(note.len())?);
        bytes.extend_from_slice(note);
        bytes.extend_from_slice(&length(writes.len())?);
        let mut sums = Vec::new();
        for write in writes {
            encode_write(&mut bytes, write, &mut sums)?;
        }
        Ok(Draft { bytes, sums })
    }

    /// Fills in the sum of the n-th `Add`.
    pub fn set_sum(&mut self, nth: usize, sum: i64) {
        if let Some(at) = self.sums.get(nth).copied()
            && let Some(place) = self.bytes.get_mut(at..at + 8)
        {
            place.copy_from_slice(&sum.to_be_bytes());
        }
    }

    /// The payload.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

fn encode_write(bytes: &mut BytesMut, write: &Write, sums: &mut Vec<usize>) -> Result<()> {
    let (value_len, value): (usize, &[u8]) = match &write.operation {
        Operation::Put(value) => (value.len() + 1, value),
        Operation::Delete => (0, &[]),
        Operation::Add(_) => (9, &[0; 8]),
    };
    bytes.extend_from_slice(&length(write.key.len())?);
    bytes.extend_from_slice(&length(value_len)?);
    bytes.extend_from_slice(&write.key);
    if matches!(write.operation, Operation::Add(_)) {
        sums.push(bytes.len());
    }
    bytes.extend_from_slice(value);
    Ok(())
}

fn length(length: usize) -> Result<[u8; 4]> {
    u32::try_from(length)
        .map(u32::to_be_bytes)
        .map_err(|_| Error::TooLarge { what: "log record", limit: u32::MAX as usize })
}

/// Decodes a payload; keys and values share its memory.
pub(super) fn decode(payload: &Bytes, stamp: Stamp, flags: Flags) -> Result<Record> {
    let mut reader = Reader { bytes: payload, at: 0 };
    let id = reader.start()?;
    let note = reader.sized()?;
    let count = reader.length()?;
    let mut writes = Vec::with_capacity(count.min(payload.len() / 8));
    for _ in 0..count {
        writes.push(reader.write()?);
    }
    if reader.at != payload.len() {
        return Err(damaged("bytes after the last write"));
    }
    if !writes.is_sorted_by(|a: &Write, b: &Write| a.key < b.key) {
        return Err(damaged("writes out of key order"));
    }
    Ok(Record { stamp, id, flags, note, writes: WriteSet::new(writes) })
}

/// The transaction of a payload.
pub(super) fn transaction_of(payload: &Bytes) -> Result<TransactionId> {
    Reader { bytes: payload, at: 0 }.start()
}

struct Reader<'a> {
    bytes: &'a Bytes,
    at: usize,
}

impl Reader<'_> {
    /// Layout byte and transaction.
    fn start(&mut self) -> Result<TransactionId> {
        if self.byte()? != LAYOUT {
            return Err(damaged("unknown layout"));
        }
        Ok(TransactionId(u128::from_be_bytes(self.array()?)))
    }

    fn take(&mut self, length: usize) -> Result<Bytes> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| damaged("cut short"))?;
        let taken = self.bytes.slice(self.at..end);
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let bytes = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<N>());
        self.at += N;
        bytes.copied().ok_or_else(|| damaged("cut short"))
    }

    fn byte(&mut self) -> Result<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn length(&mut self) -> Result<usize> {
        Ok(u32::from_be_bytes(self.array()?) as usize)
    }

    fn sized(&mut self) -> Result<Bytes> {
        let length = self.length()?;
        self.take(length)
    }

    fn write(&mut self) -> Result<Write> {
        let (key_len, value_len) = (self.length()?, self.length()?);
        let key = self.take(key_len)?;
        if key.is_empty() || key_len > engine::KEY_LEN_MAX || *key >= *engine::KEY_RESERVED {
            return Err(damaged("a key that no commit has"));
        }
        if value_len.saturating_sub(1) > engine::VALUE_LEN_MAX {
            return Err(damaged("a value that no commit has"));
        }
        let operation = match value_len.checked_sub(1) {
            Some(length) => Operation::Put(self.take(length)?),
            None => Operation::Delete,
        };
        Ok(Write { key, operation })
    }
}

fn damaged(what: &str) -> Error {
    Error::Corrupt(format!("log payload: {what}"))
}

/// Wraps a model's value for the engine.
pub(super) fn wrap(stamp: Stamp, value: &[u8]) -> Bytes {
    engine::compact_parts(&[&[LAYOUT], &stamp.0.to_be_bytes(), value])
}

/// The stamp and the model's value in an engine's value.
#[inline]
pub(super) fn unwrap(value: &Bytes) -> Result<(Stamp, Bytes)> {
    match value.split_first_chunk::<VALUE_HEADER>() {
        Some(([LAYOUT, stamp @ ..], _)) => {
            Ok((Stamp(u64::from_be_bytes(*stamp)), value.slice(VALUE_HEADER..)))
        }
        _ => Err(Error::Corrupt("engine value without a known header".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Vec<Write> {
        let write = |key: &'static str, operation| Write { key: Bytes::from(key), operation };
        vec![
            write("a", Operation::Put(Bytes::from_static(b"one"))),
            write("bb", Operation::Delete),
            write("c", Operation::Add(5)),
            write("d", Operation::Put(Bytes::new())),
        ]
    }

    fn encoded() -> Vec<u8> {
        let mut draft = Draft::new(TransactionId(0x0102), b"note", &example()).expect("fits");
        draft.set_sum(0, -2);
        draft.bytes().to_vec()
    }

    fn decoded(bytes: Vec<u8>) -> Result<Record> {
        decode(&Bytes::from(bytes), Stamp(0x0A0B), Flags { quiet: true, staged: false })
    }

    #[test]
    fn the_layout_is_this_for_good() {
        let golden = concat!(
            "01",
            "00000000000000000000000000000102",
            "00000004",
            "6e6f7465",
            "00000004",
            "0000000100000004616f6e65",
            "00000002000000006262",
            "000000010000000963fffffffffffffffe",
            "000000010000000164",
        );
        let hex: String = encoded().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, golden);
        let value = wrap(Stamp(0x0102_0304_0506_0708), b"v");
        assert_eq!(value.as_ref(), [1, 1, 2, 3, 4, 5, 6, 7, 8, b'v']);
        let head = Flags { quiet: true, staged: true }.head(Stamp(7));
        assert_eq!((head.stamp, head.kind.number(), head.flags), (7, 2, 1));
    }

    #[test]
    fn decoding_gives_back_what_was_encoded() {
        let record = decoded(encoded()).expect("valid");
        assert_eq!(record.stamp, Stamp(0x0A0B));
        assert_eq!(record.id, TransactionId(0x0102));
        assert_eq!(record.note.as_ref(), b"note");
        let mut writes = example();
        writes[2].operation = Operation::Put(Bytes::copy_from_slice(&(-2i64).to_be_bytes()));
        assert_eq!(record.writes.writes(), writes);
        let value = wrap(Stamp(7), b"v");
        assert_eq!(unwrap(&value).expect("valid"), (Stamp(7), Bytes::from_static(b"v")));
    }

    #[test]
    fn damage_is_an_error_and_never_a_panic() {
        let whole = encoded();
        for cut in 0..whole.len() {
            assert!(decoded(whole[..cut].to_vec()).is_err(), "cut at {cut}");
        }
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x80;
            let _ = decoded(bytes);
        }
        let mut longer = whole;
        longer.push(0);
        assert!(decoded(longer).is_err());
        assert!(Flags::from_log(Kind::COMMIT, 2).is_err());
        assert!(unwrap(&Bytes::from_static(b"\x02aaaaaaaabbb")).is_err());
        assert!(unwrap(&Bytes::from_static(b"\x01short")).is_err());
    }
}
