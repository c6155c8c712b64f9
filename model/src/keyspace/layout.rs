//! The bytes of a key space: records, members, index entries and hints, drawn.
//!
//! ```text
//!   O key    O 13 │ storage 4 │ element: bytes of the Redis key                (cut with a hash where too long)
//!   O value  21 │ kind and flags 1 │ expires 8 │ [length 4 │ whole key] │ payload
//!              kind 1 string      payload: the bytes
//!              kind 2 small hash  payload: count 2 │ { length 1 │ field │ length 1 │ value }…   as inserted
//!              kind 3 large hash  payload: incarnation 8 │ count 8 │ [home: what follows ROW_PREFIX in an O key]
//!              flag 10            the whole key follows, because the O key was cut
//!   E key    E 15 │ storage 4 │ home │ incarnation 8 │ 01 │ hash 8 │ field     (cut where too long)
//!   E value  31 │ value            or  32 │ length 4 │ whole field │ value     (where the E key was cut)
//!   I key    I 14 │ storage 4 │ 00000000 │ hash 8 │ element: bytes of the key  (cut where too long)
//!   I value  empty, or what follows ROW_PREFIX in the O key (where the I key was cut)
//!   X key    X 16 │ due minute 4 │ storage 4 │ what follows ROW_PREFIX in the O key
//!   X value  due ms 8 │ [what follows ROW_PREFIX, where the X key was cut]
//!   X key    X 16 │ 00000000 │ storage 4 │ home │ incarnation 8 │ 01           a dead incarnation, due at once
//!   X value  the prefix of its E keys
//! ```
//!
//! Integers are big-endian. `expires` is in milliseconds since 1970, 0 for never. `home` names the
//! key under which a large hash was made: RENAME leaves the members where they are and takes the
//! home along. Hashes are XXH3-64 without its lowest bit, so that a cursor is a positive signed
//! number for every client.
//!
//! **Invariants**
//! - There is exactly one I entry for each O record; it is written when the key comes to be and
//!   deleted with it, never at an overwrite.
//! - The count of a large hash is the number of its E records. Each change of a member rewrites the
//!   O record, so whoever watches the record sees every change of the hash.
//! - Incarnations are never used again, so members of a dead one can be emptied at leisure.
//!
//! Rejected: the hash in front of the key in O. It would save the I entry, but SQL's ranges and
//! equality on the key would not find their rows. A cursor kept in memory: it would not survive a
//! restart, nor lead from one server to another.

use bytes::Bytes;
use value::KeyWriter;

use crate::error::{Error, Result};
use crate::key::{self, Category, KeyRange};
use crate::schema::{IndexId, StorageId};

/// First byte of a record.
pub const FORMAT: u8 = 0x21;
/// First byte of a member.
pub const MEMBER_FORMAT: u8 = 0x31;
const LONG_MEMBER_FORMAT: u8 = 0x32;
const LONG_KEY: u8 = 0x10;
const HEADER: usize = 10;
/// Fields that a small hash holds at most (`hash-max-listpack-entries`).
pub const INLINE_FIELDS_MAX: usize = 128;
/// Bytes of a field or value in a small hash at most (`hash-max-listpack-value`); their lengths are
/// one byte.
pub const INLINE_BYTES_MAX: usize = 64;
/// The kind of a hash's members in E keys.
pub const FIELD: u8 = 1;
/// The index of keys by hash.
pub const BY_HASH: IndexId = IndexId(0);
/// Bytes of a home that E keys keep; a longer one ends there in a hash of the whole.
const HOME_KEPT: usize = key::KEY_LEN_MAX / 2;
/// Milliseconds of a minute.
pub const MINUTE: u64 = 60_000;

/// What a key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Bytes.
    String = 1,
    /// A hash within its record.
    SmallHash = 2,
    /// A hash whose members are records of their own.
    LargeHash = 3,
}

impl Kind {
    /// As TYPE and the column `type` say it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::String => "string",
            Kind::SmallHash | Kind::LargeHash => "hash",
        }
    }
}

fn corrupt() -> Error {
    Error::Corrupt("record of a key space".into())
}

/// A record, read without copying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    bytes: Bytes,
    payload: usize,
    kind: Kind,
}

impl Record {
    /// Checks the header.
    pub fn read(bytes: Bytes) -> Result<Record> {
        let [format, flags, rest @ ..] = bytes.as_ref() else { return Err(corrupt()) };
        if *format != FORMAT || flags & !(LONG_KEY | 0x0f) != 0 {
            return Err(Error::Newer("record of a key space".into()));
        }
        let kind = match flags & 0x0f {
            1 => Kind::String,
            2 => Kind::SmallHash,
            3 => Kind::LargeHash,
            _ => return Err(Error::Newer("record of a key space".into())),
        };
        let mut payload = HEADER;
        if rest.len() < HEADER - 2 {
            return Err(corrupt());
        }
        if flags & LONG_KEY != 0 {
            payload += 4 + number(&bytes, HEADER).ok_or_else(corrupt)?;
        }
        if payload > bytes.len() {
            return Err(corrupt());
        }
        Ok(Record { bytes, payload, kind })
    }

    /// What it holds.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Milliseconds since 1970; 0: never.
    pub fn expires(&self) -> u64 {
        let bytes = self.bytes.get(2..HEADER).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u64::from_be_bytes)
    }

    /// Whether it has expired by then.
    pub fn is_expired(&self, now: u64) -> bool {
        let expires = self.expires();
        expires != 0 && expires <= now
    }

    /// The whole key, where the record's own key was cut.
    pub fn long_key(&self) -> Option<&[u8]> {
        let long = self.payload > HEADER;
        long.then(|| self.bytes.get(HEADER + 4..self.payload).unwrap_or_default())
    }

    /// What is after the header.
    pub fn payload(&self) -> &[u8] {
        self.bytes.get(self.payload..).unwrap_or_default()
    }

    /// The payload without copying it.
    pub fn shared_payload(&self) -> Bytes {
        self.bytes.slice(self.payload..)
    }

    /// All its bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The small hash in it.
    pub fn pairs(&self) -> Pairs<'_> {
        Pairs { rest: self.payload().get(2..).unwrap_or_default() }
    }

    /// The number of fields of a hash, 0 of a string.
    pub fn fields(&self) -> Result<u64> {
        match self.kind {
            Kind::String => Ok(0),
            Kind::SmallHash => {
                let count = self.payload().first_chunk().map(|count| u16::from_be_bytes(*count));
                count.map(u64::from).ok_or_else(corrupt)
            }
            Kind::LargeHash => Ok(self.large()?.count),
        }
    }

    /// The large hash in it.
    pub fn large(&self) -> Result<Large<'_>> {
        let (incarnation, rest) = self.payload().split_first_chunk().ok_or_else(corrupt)?;
        let (count, home) = rest.split_first_chunk().ok_or_else(corrupt)?;
        Ok(Large {
            incarnation: u64::from_be_bytes(*incarnation),
            count: u64::from_be_bytes(*count),
            home: (!home.is_empty()).then_some(home),
        })
    }
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let number = bytes.get(at..at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_be_bytes(number)).ok()
}

/// The head of a large hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Large<'a> {
    /// Which members are its own.
    pub incarnation: u64,
    /// How many there are.
    pub count: u64,
    /// Under which key they lie, where not under its own.
    pub home: Option<&'a [u8]>,
}

/// Fields and values of a small hash, as inserted.
#[derive(Debug, Clone, Copy)]
pub struct Pairs<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let mut take = || {
            let (length, rest) = self.rest.split_first()?;
            let (item, rest) = rest.split_at_checked(usize::from(*length))?;
            self.rest = rest;
            Some(item)
        };
        Some((take()?, take()?))
    }
}

/// Begins a record; the payload follows.
pub fn begin(kind: Kind, expires: u64, long_key: Option<&[u8]>, room: usize) -> Vec<u8> {
    let long = long_key.map_or(0, |key| 4 + key.len());
    let mut out = Vec::with_capacity(HEADER + long + room);
    out.push(FORMAT);
    out.push(kind as u8 | if long_key.is_some() { LONG_KEY } else { 0 });
    out.extend_from_slice(&expires.to_be_bytes());
    if let Some(key) = long_key {
        out.extend_from_slice(&(key.len() as u32).to_be_bytes());
        out.extend_from_slice(key);
    }
    out
}

/// The payload of a small hash.
pub fn write_pairs<'a>(out: &mut Vec<u8>, pairs: impl Iterator<Item = (&'a [u8], &'a [u8])>) {
    let start = out.len();
    out.extend_from_slice(&[0, 0]);
    let mut count = 0u16;
    for (field, value) in pairs {
        for item in [field, value] {
            debug_assert!(item.len() <= INLINE_BYTES_MAX);
            out.push(item.len() as u8);
            out.extend_from_slice(item);
        }
        count += 1;
    }
    if let Some(slot) = out.get_mut(start..start + 2) {
        slot.copy_from_slice(&count.to_be_bytes());
    }
}

/// The payload of a large hash.
pub fn write_large(out: &mut Vec<u8>, large: Large<'_>) {
    out.extend_from_slice(&large.incarnation.to_be_bytes());
    out.extend_from_slice(&large.count.to_be_bytes());
    out.extend_from_slice(large.home.unwrap_or_default());
}

/// The record's key.
pub fn row(storage: StorageId, key: &[u8]) -> Bytes {
    let zeros = key.iter().filter(|byte| **byte == 0).count();
    let mut out = Vec::with_capacity(key::ROW_PREFIX + key.len() + zeros + 4);
    key::row_prefix(storage, &mut out);
    KeyWriter::new(&mut out).bytes(0, key);
    key::finish(out)
}

/// Whether a key stands in its row's key as it is: no byte of it is escaped, and none is cut off.
pub fn is_plain(key: &[u8]) -> bool {
    key.len() < key::KEY_LEN_MAX - key::ROW_PREFIX - AROUND && !key.contains(&0)
}

/// Bytes of an element beside the key's own: the class; the end and the subtype.
const AROUND: usize = 4;

/// What a row's key has between prefix and end: of a plain key, the key.
pub fn inside(row: &[u8]) -> &[u8] {
    row.get(key::ROW_PREFIX + 1..row.len().saturating_sub(AROUND - 1)).unwrap_or_default()
}

/// Whether `row` is the row of a plain key.
pub fn is_row_of(row: &[u8], storage: StorageId, key: &[u8]) -> bool {
    row.len() == key::ROW_PREFIX + AROUND + key.len()
        && inside(row) == key
        && key::is_row_in(row, storage)
}

/// The records of keys that begin with `prefix`, and maybe more: whoever reads them looks.
pub fn rows_with(storage: StorageId, prefix: &[u8]) -> KeyRange {
    let whole = row(storage, prefix);
    if prefix.is_empty() || key::is_cut(&whole) {
        return key::rows(storage);
    }
    // An element of bytes ends in 00 01 and the subtype: what is before them begins the elements of
    // longer keys.
    let end = whole.len().saturating_sub(3);
    key::beginning_with(whole.get(..end).unwrap_or(&whole).to_vec())
}

/// The Redis key of a record.
pub fn key_of(row: &[u8], record: &Record) -> Result<Vec<u8>> {
    match record.long_key() {
        Some(key) => Ok(key.to_vec()),
        None => key_of_elements(key::row_elements(row)),
    }
}

/// The Redis key in what follows the prefix of an O key that was not cut.
pub fn key_of_elements(elements: &[u8]) -> Result<Vec<u8>> {
    match value::KeyReader::new(elements).value() {
        Ok(Some(value::Value::Bytes { data, .. })) => Ok(data.to_vec()),
        _ => Err(corrupt()),
    }
}

/// Where something stands in the order of SCAN.
pub fn hash(bytes: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(bytes) >> 1
}

/// The entry by hash of a key: key and value.
pub fn entry(row: &[u8], key: &[u8]) -> (Bytes, Bytes) {
    let elements = key::row_elements(row);
    let mut out = Vec::with_capacity(key::ENTRY_PREFIX + 8 + elements.len());
    key::entry_prefix(storage_of(row), BY_HASH, &mut out);
    out.extend_from_slice(&hash(key).to_be_bytes());
    out.extend_from_slice(elements);
    let finished = key::finish(out);
    let value = if key::is_cut(&finished) || key::is_cut(row) {
        Bytes::copy_from_slice(elements)
    } else {
        Bytes::new()
    };
    (finished, value)
}

/// Entries from a hash on.
pub fn entries_from(storage: StorageId, hash: u64) -> KeyRange {
    let mut start = Vec::with_capacity(key::ENTRY_PREFIX + 8);
    key::entry_prefix(storage, BY_HASH, &mut start);
    start.extend_from_slice(&hash.to_be_bytes());
    KeyRange { start: start.into(), end: key::entries(storage, BY_HASH).end }
}

/// Hash and row key of an entry.
pub fn read_entry(storage: StorageId, key: &[u8], value: &[u8]) -> Result<(u64, Bytes)> {
    let rest = key.get(key::ENTRY_PREFIX..).ok_or_else(corrupt)?;
    let (hash, elements) = rest.split_first_chunk().ok_or_else(corrupt)?;
    let elements = if value.is_empty() { elements } else { value };
    Ok((u64::from_be_bytes(*hash), key::row_again(storage, elements)))
}

/// The storage in a row's key.
pub fn storage_of(row: &[u8]) -> StorageId {
    let bytes = row.get(key::HEADER..key::ROW_PREFIX).and_then(|bytes| bytes.try_into().ok());
    StorageId(bytes.map_or(0, u32::from_be_bytes))
}

/// The prefix of a large hash's members.
pub fn members(row: &[u8], large: Large<'_>) -> Vec<u8> {
    let home = large.home.unwrap_or_else(|| key::row_elements(row));
    let mut out = Vec::with_capacity(home.len() + 48);
    match home.get(..HOME_KEPT) {
        None => key::element_prefix(storage_of(row), home, large.incarnation, FIELD, &mut out),
        // The prefix must never be cut, only the field behind it.
        Some(kept) => {
            let mut cut = kept.to_vec();
            cut.extend_from_slice(&xxhash_rust::xxh3::xxh3_128(home).to_be_bytes());
            key::element_prefix(storage_of(row), &cut, large.incarnation, FIELD, &mut out);
        }
    }
    out
}

/// One member's key.
pub fn member(members: &[u8], field: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(members.len() + 8 + field.len());
    out.extend_from_slice(members);
    out.extend_from_slice(&hash(field).to_be_bytes());
    out.extend_from_slice(field);
    key::finish(out)
}

/// One member's value.
pub fn member_value(member: &[u8], field: &[u8], value: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(1 + value.len());
    if key::is_cut(member) {
        out.push(LONG_MEMBER_FORMAT);
        out.extend_from_slice(&(field.len() as u32).to_be_bytes());
        out.extend_from_slice(field);
    } else {
        out.push(MEMBER_FORMAT);
    }
    out.extend_from_slice(value);
    transaction::compact_vec(out)
}

/// Members from a hash on.
pub fn members_from(members: &[u8], hash: u64) -> KeyRange {
    let mut start = members.to_vec();
    start.extend_from_slice(&hash.to_be_bytes());
    KeyRange { start: start.into(), end: KeyRange::prefix(members.to_vec()).end }
}

/// Hash, field and value of a member.
pub fn read_member<'a>(
    members: &[u8],
    key: &'a [u8],
    value: &'a Bytes,
) -> Result<(u64, &'a [u8], Bytes)> {
    let rest = key.get(members.len()..).ok_or_else(corrupt)?;
    let (hash, field) = rest.split_first_chunk().ok_or_else(corrupt)?;
    let hash = u64::from_be_bytes(*hash);
    match value.first() {
        Some(&MEMBER_FORMAT) => Ok((hash, field, value.slice(1..))),
        Some(&LONG_MEMBER_FORMAT) => {
            let length = number(value, 1).ok_or_else(corrupt)?;
            let field = value.get(5..5 + length).ok_or_else(corrupt)?;
            Ok((hash, field, value.slice(5 + length..)))
        }
        _ => Err(Error::Newer("member of a hash".into())),
    }
}

/// A hint: key and value.
pub fn hint(row: &[u8], expires: u64) -> (Bytes, Bytes) {
    let elements = key::row_elements(row);
    let minute = u32::try_from(expires / MINUTE).unwrap_or(u32::MAX).max(1);
    let hint = key::expiry(minute, storage_of(row), elements);
    let mut value = expires.to_be_bytes().to_vec();
    if key::is_cut(&hint) || key::is_cut(row) {
        value.extend_from_slice(elements);
    }
    (hint, value.into())
}

/// Due time and row of a hint.
pub fn read_hint(key: &[u8], value: &[u8]) -> Result<(u64, Bytes)> {
    let rest = key.get(key::HEADER + 4..).ok_or_else(corrupt)?;
    let (storage, elements) = rest.split_first_chunk().ok_or_else(corrupt)?;
    let (due, long) = value.split_first_chunk().ok_or_else(corrupt)?;
    let elements = if long.is_empty() { elements } else { long };
    let storage = StorageId(u32::from_be_bytes(*storage));
    Ok((u64::from_be_bytes(*due), key::row_again(storage, elements)))
}

/// The record of a dead incarnation: key and value.
pub fn dead(row: &[u8], large: Large<'_>) -> (Bytes, Bytes) {
    let prefix = members(row, large);
    let tail = prefix.get(key::ROW_PREFIX..).unwrap_or_default();
    (key::expiry(0, storage_of(row), tail), prefix.into())
}

/// Every dead incarnation.
pub fn all_dead() -> KeyRange {
    key::expiries_before(1)
}

/// Every hint due before the end of a minute.
pub fn due_by(minute: u32) -> KeyRange {
    let mut start = Category::Expiry.header().to_vec();
    start.extend_from_slice(&1u32.to_be_bytes());
    KeyRange { start: start.into(), end: key::expiries_before(minute.saturating_add(1)).end }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn bytes_stay() {
        let key = row(StorageId(7), b"a\0b");
        assert_eq!(hex(&key), "4f13000000073061 00ff62 000100".replace(' ', ""));
        let mut string = begin(Kind::String, 0x1234, None, 1);
        string.push(b'x');
        assert_eq!(hex(&string), "2101000000000000123478");
        let mut small = begin(Kind::SmallHash, 0, None, 0);
        write_pairs(&mut small, [(&b"f"[..], &b"v"[..]), (b"g", b"")].into_iter());
        assert_eq!(hex(&small), "21020000000000000000 0002 0166 0176 0167 00".replace(' ', ""));
        let large = Large { incarnation: 0x0102, count: 3, home: None };
        let mut record = begin(Kind::LargeHash, 0, None, 0);
        write_large(&mut record, large);
        let golden = "21030000000000000000 0000000000000102 0000000000000003";
        assert_eq!(hex(&record), golden.replace(' ', ""));
        let prefix = members(&key, large);
        let golden = "451500000007 306100ff62000100 0000000000000102 01";
        assert_eq!(hex(&prefix), golden.replace(' ', ""));
        let field = member(&prefix, b"f");
        assert_eq!(hex(&field), hex(&prefix) + "19e0aac84ff9dd4d" + "66");
        assert_eq!(hex(&member_value(&field, b"f", b"v")), "3176");
        let (entry, value) = entry(&key, b"a\0b");
        assert!(value.is_empty());
        assert!(hex(&entry).starts_with("49140000000700000000"), "{}", hex(&entry));
        let (hint, value) = hint(&key, 120_001);
        assert_eq!(hex(&hint), "5816 00000002 00000007 306100ff62000100".replace(' ', ""));
        assert_eq!(hex(&value), "000000000001d4c1");
        let (dead, value) = dead(&key, large);
        let golden = "5816 00000000 00000007 306100ff62000100 0000000000000102 01";
        assert_eq!(hex(&dead), golden.replace(' ', ""));
        assert_eq!(value, prefix);
    }

    #[test]
    fn what_is_written_is_read() {
        for key in [&b""[..], b"a", b"\0\xff\0", &[7; 100], &[0; 70_000]] {
            let at = row(StorageId(9), key);
            let long = key::is_cut(&at).then_some(key);
            let record = begin(Kind::String, 9, long, 0);
            let record = Record::read(record.into()).unwrap();
            assert_eq!(key_of(&at, &record).unwrap(), key);
            let (entry, value) = entry(&at, key);
            assert_eq!(read_entry(StorageId(9), &entry, &value).unwrap(), (hash(key), at.clone()));
            let (hint, value) = hint(&at, 99_999_999);
            assert_eq!(read_hint(&hint, &value).unwrap(), (99_999_999, at.clone()));
            let large = Large { incarnation: 5, count: 0, home: None };
            let prefix = members(&at, large);
            let one = member(&prefix, key);
            let value = member_value(&one, key, b"value");
            let read = read_member(&prefix, &one, &value).unwrap();
            assert_eq!(read, (hash(key), key, Bytes::from_static(b"value")));
        }
    }

    #[test]
    fn damage_is_an_error_and_no_panic() {
        let mut whole = begin(Kind::LargeHash, 1, Some(b"long"), 0);
        write_large(&mut whole, Large { incarnation: 1, count: 2, home: None });
        for end in 0..whole.len() {
            let cut = Bytes::copy_from_slice(&whole[..end]);
            if let Ok(record) = Record::read(cut) {
                assert!(record.large().is_err());
            }
        }
        let pairs = Pairs { rest: &[5, 1, 2] };
        assert_eq!(pairs.count(), 0);
    }
}
