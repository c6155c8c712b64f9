//! The keys of everything that the model keeps, drawn.
//!
//! Byte 0 is the category; byte 1 is the format version (high nibble, 1) and the type of the value
//! (low nibble), constant for a category. Ids are big-endian u32 of fixed length, so that the
//! records of one collection or index are one prefix; names and values are elements of
//! [`value::KeyWriter`].
//!
//! ```text
//!   D 11 │ name                                     CBOR record of a database
//!   C 11 │ database 4 │ schema │ name               CBOR record of a collection, sequence or index name
//!   C 11 │ 00000000 │ 01 │ collection 4             CBOR uint: the collection's version, and its lock
//!   C 11 │ 00000000 │ 02 │ collection 4 │ field │ kind 1    CBOR null: field dictionary, one pair a key
//!   O 13 │ storage 4 │ primary key …                row: format, schema version, CBOR map (see `row`)
//!   I 14 │ storage 4 │ index 4 │ values … │ primary key …    entry (see `index`)
//!   E 15 │ storage 4 │ primary key … │ incarnation 8 │ kind 1 │ element key      a member of a large document
//!   X 16 │ due minute 4 │ storage 4 │ primary key …          empty: look whether it has expired
//!   S 12 │ 01                                       counter: the catalogue's version
//!   S 12 │ 02                                       counter: the last object number handed out
//!   S 12 │ 03 │ storage 4                           counter: rows
//!   S 12 │ 04 │ sequence 4 │ part 1                 counter: 0 last value; 1: 1 given out, 2 not
//!   J 11 │ job 4                                    CBOR record of work to be done
//! ```
//!
//! **Invariants**
//! - No two layouts of a category can be mistaken for each other: database numbers begin at 16384,
//!   so a C key with database 0 is the catalogue's own.
//! - Two keys that agree in what a shortened one keeps lie in the order of their hashes, in no
//!   order of values.
//! - A key of `O`, `I`, `E` or `X` that would reach [`KEY_LEN_MAX`] is shortened (beginning and
//!   hash); what it can then no longer tell stands in the value.
//! - A bound of a range is never longer than what a shortened key keeps.
//!
//! Rejected: variable-length ids (a prefix of one id would be a prefix of others, and every range
//! would need two comparisons), and names in O and I keys (RENAME would rewrite the data).

use bytes::Bytes;
use value::key::prefix_end;
use value::{KeyWriter, Kind};

use crate::schema::{CollectionId, DatabaseId, IndexId, ObjectNumber, StorageId};

/// Bytes of the header.
pub const HEADER: usize = 2;
/// Bytes before the primary key in an `O` key.
pub const ROW_PREFIX: usize = HEADER + 4;
/// Bytes before the values in an `I` key.
pub const ENTRY_PREFIX: usize = HEADER + 8;
/// Length of a shortened key, and the bound that every other key stays below. Below what every
/// engine takes (`engine::KEY_LEN_MAX`, 32 768) so that a scan's end, a byte longer, fits as well.
pub const KEY_LEN_MAX: usize = 32_000;
/// What a shortened key keeps of the whole one.
const KEPT: usize = KEY_LEN_MAX - 16;

/// The first byte of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[allow(missing_docs)] // drawn in the module
pub enum Category {
    Catalogue = b'C',
    Database = b'D',
    Element = b'E',
    Index = b'I',
    Job = b'J',
    Row = b'O',
    Counter = b'S',
    Expiry = b'X',
}

impl Category {
    /// Format version 1 and the type of the value.
    pub const fn header(self) -> [u8; HEADER] {
        let value = match self {
            Category::Database | Category::Catalogue | Category::Job => 1,
            Category::Counter => 2,
            Category::Row => 3,
            Category::Index => 4,
            Category::Element => 5,
            Category::Expiry => 6,
        };
        [self as u8, 0x10 | value]
    }

    /// The category of a key, if it is one of this format.
    pub fn of(key: &[u8]) -> Option<Category> {
        let all = [
            Category::Catalogue,
            Category::Database,
            Category::Element,
            Category::Index,
            Category::Job,
            Category::Row,
            Category::Counter,
            Category::Expiry,
        ];
        all.into_iter().find(|category| key.starts_with(&category.header()))
    }
}

/// A half-open range of keys: `start` inclusive, `end` exclusive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    /// First key.
    pub start: Bytes,
    /// First key after the range; never empty.
    pub end: Bytes,
}

impl KeyRange {
    /// Everything that begins with `prefix`.
    pub fn prefix(prefix: Vec<u8>) -> KeyRange {
        let end = prefix_end(&prefix).unwrap_or_default();
        KeyRange { start: prefix.into(), end: end.into() }
    }

    /// Whether no key can be in it.
    pub fn is_empty(&self) -> bool {
        self.start >= self.end
    }
}

fn begin(category: Category, room: usize) -> Vec<u8> {
    let mut key = Vec::with_capacity(HEADER + room);
    key.extend_from_slice(&category.header());
    key
}

fn push(key: &mut Vec<u8>, number: u32) {
    key.extend_from_slice(&number.to_be_bytes());
}

/// Every key of a category.
pub fn all(category: Category) -> KeyRange {
    KeyRange::prefix(begin(category, 0))
}

/// The record of a database.
pub fn database(name: &str) -> Bytes {
    let mut key = begin(Category::Database, name.len() + 3);
    KeyWriter::new(&mut key).text(name);
    key.into()
}

/// The record under a name in a schema.
pub fn relation(database: DatabaseId, schema: &str, name: &str) -> Bytes {
    let mut key = begin(Category::Catalogue, 4 + schema.len() + name.len() + 6);
    push(&mut key, database.0);
    let mut writer = KeyWriter::new(&mut key);
    writer.text(schema);
    writer.text(name);
    key.into()
}

/// All relations, of every database.
pub fn relations() -> KeyRange {
    let mut start = begin(Category::Catalogue, 4);
    push(&mut start, 1);
    KeyRange { start: start.into(), end: all(Category::Catalogue).end }
}

/// The version, and the lock, of a collection.
pub fn collection_lock(collection: CollectionId) -> Bytes {
    own(1, collection).into()
}

/// One pair of the field dictionary.
pub fn dictionary_pair(collection: CollectionId, field: &str, kind: Kind) -> Bytes {
    let mut key = own(2, collection);
    KeyWriter::new(&mut key).text(field);
    key.push(kind as u8);
    key.into()
}

/// The field dictionary of a collection.
pub fn dictionary(collection: CollectionId) -> KeyRange {
    KeyRange::prefix(own(2, collection))
}

/// The field dictionaries of every collection.
pub fn dictionaries() -> KeyRange {
    let mut prefix = begin(Category::Catalogue, 5);
    push(&mut prefix, 0);
    prefix.push(2);
    KeyRange::prefix(prefix)
}

/// Collection, field and kind of a dictionary key.
pub fn read_dictionary_pair(key: &[u8]) -> Option<(CollectionId, String, u8)> {
    let rest = key.get(HEADER + 5..)?;
    let (id, rest) = rest.split_first_chunk::<4>()?;
    let mut reader = value::KeyReader::new(rest);
    let value::Value::Text(field) = reader.value().ok()?? else { return None };
    let [kind] = reader.rest() else { return None };
    Some((CollectionId(u32::from_be_bytes(*id)), field, *kind))
}

fn own(kind: u8, collection: CollectionId) -> Vec<u8> {
    let mut key = begin(Category::Catalogue, 32);
    push(&mut key, 0);
    key.push(kind);
    push(&mut key, collection.0);
    key
}

/// The beginning of a row's key; the elements of the primary key follow.
pub fn row_prefix(storage: StorageId, out: &mut Vec<u8>) {
    out.extend_from_slice(&Category::Row.header());
    push(out, storage.0);
}

/// Whether this is the key of a row under a storage id.
pub fn is_row_in(key: &[u8], storage: StorageId) -> bool {
    key.starts_with(&Category::Row.header())
        && key.get(HEADER..ROW_PREFIX) == Some(&storage.0.to_be_bytes())
}

/// Every row under a storage id.
pub fn rows(storage: StorageId) -> KeyRange {
    let mut prefix = Vec::with_capacity(ROW_PREFIX);
    row_prefix(storage, &mut prefix);
    KeyRange::prefix(prefix)
}

/// The row with these key elements (what follows [`ROW_PREFIX`] in its key).
pub fn row(storage: StorageId, elements: &[u8]) -> Bytes {
    let mut key = Vec::with_capacity(ROW_PREFIX + elements.len());
    row_prefix(storage, &mut key);
    key.extend_from_slice(elements);
    finish(key)
}

/// The row's key again, from what [`row_elements`] gave.
pub fn row_again(storage: StorageId, elements: &[u8]) -> Bytes {
    let mut key = Vec::with_capacity(ROW_PREFIX + elements.len());
    row_prefix(storage, &mut key);
    key.extend_from_slice(elements);
    key.into()
}

/// The key elements of a row's key: what identifies it within its collection. Shortened where the
/// key is.
pub fn row_elements(key: &[u8]) -> &[u8] {
    key.get(ROW_PREFIX..).unwrap_or_default()
}

/// The beginning of an entry's key; the values follow.
pub fn entry_prefix(storage: StorageId, index: IndexId, out: &mut Vec<u8>) {
    out.extend_from_slice(&Category::Index.header());
    push(out, storage.0);
    push(out, index.0);
}

/// Every entry of an index.
pub fn entries(storage: StorageId, index: IndexId) -> KeyRange {
    let mut prefix = Vec::with_capacity(ENTRY_PREFIX);
    entry_prefix(storage, index, &mut prefix);
    KeyRange::prefix(prefix)
}

/// Every entry of every index under a storage id.
pub fn all_entries(storage: StorageId) -> KeyRange {
    let mut prefix = begin(Category::Index, 4);
    push(&mut prefix, storage.0);
    KeyRange::prefix(prefix)
}

/// Every element of every large document under a storage id.
pub fn all_elements(storage: StorageId) -> KeyRange {
    let mut prefix = begin(Category::Element, 4);
    push(&mut prefix, storage.0);
    KeyRange::prefix(prefix)
}

/// The beginning of the keys of one document's members; the element's own key follows.
pub fn element_prefix(
    storage: StorageId,
    primary_key: &[u8],
    incarnation: u64,
    kind: u8,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(&Category::Element.header());
    push(out, storage.0);
    out.extend_from_slice(primary_key);
    out.extend_from_slice(&incarnation.to_be_bytes());
    out.push(kind);
}

/// A hint that a row may expire in a minute (minutes since 1970).
pub fn expiry(minute: u32, storage: StorageId, primary_key: &[u8]) -> Bytes {
    let mut key = begin(Category::Expiry, 8 + primary_key.len());
    push(&mut key, minute);
    push(&mut key, storage.0);
    key.extend_from_slice(primary_key);
    finish(key)
}

/// Every hint due before a minute.
pub fn expiries_before(minute: u32) -> KeyRange {
    let mut end = begin(Category::Expiry, 4);
    push(&mut end, minute);
    KeyRange { start: begin(Category::Expiry, 0).into(), end: end.into() }
}

/// The counter of the catalogue's changes.
pub fn catalogue_version() -> Bytes {
    counter(1)
}

/// The last object number handed out.
pub fn object_numbers() -> Bytes {
    counter(2)
}

/// The number of rows under a storage id.
pub fn row_count(storage: StorageId) -> Bytes {
    let mut key = counter(3).to_vec();
    push(&mut key, storage.0);
    key.into()
}

/// A sequence's last value, and whether it was given out (1) or only set (2).
pub fn sequence(sequence: ObjectNumber) -> (Bytes, Bytes) {
    let part = |part: u8| {
        let mut key = counter(4).to_vec();
        push(&mut key, sequence.0);
        key.push(part);
        Bytes::from(key)
    };
    (part(0), part(1))
}

fn counter(kind: u8) -> Bytes {
    let mut key = begin(Category::Counter, 1);
    key.push(kind);
    key.into()
}

/// The value of a counter; absent is 0.
pub fn read_counter(value: Option<&Bytes>) -> i64 {
    value.and_then(|bytes| bytes.as_ref().try_into().ok()).map_or(0, i64::from_be_bytes)
}

/// The record of a job.
pub fn job(number: ObjectNumber) -> Bytes {
    let mut key = begin(Category::Job, 4);
    push(&mut key, number.0);
    key.into()
}

/// A whole key, shortened where it is too long: its first 31 984 bytes and XXH3-128 of all of it.
/// The length is the flag.
pub fn finish(mut key: Vec<u8>) -> Bytes {
    if key.len() >= KEY_LEN_MAX {
        let hash = xxhash_rust::xxh3::xxh3_128(&key);
        key.truncate(KEPT);
        key.extend_from_slice(&hash.to_be_bytes());
    }
    transaction::compact_vec(key)
}

/// Whether the key lost its end.
#[inline]
pub fn is_cut(key: &[u8]) -> bool {
    key.len() == KEY_LEN_MAX
}

/// The range of all keys that begin with `prefix`, shortened ones included: a longer prefix is cut
/// to what they keep, and the range is then wider than asked for.
pub fn beginning_with(mut prefix: Vec<u8>) -> KeyRange {
    prefix.truncate(KEPT);
    KeyRange::prefix(prefix)
}

/// Where a range starts: at `bound`, or after everything that begins with it. A long bound is cut,
/// and the range is then wider than asked for.
pub fn start_at(mut bound: Vec<u8>, after: bool) -> Bytes {
    let cut = bound.len() > KEPT;
    bound.truncate(KEPT);
    if after && !cut { prefix_end(&bound).unwrap_or_default().into() } else { bound.into() }
}

/// Where a range ends: before `bound`, or after everything that begins with it; a long bound as
/// above.
pub fn end_at(mut bound: Vec<u8>, after: bool) -> Bytes {
    let cut = bound.len() > KEPT;
    bound.truncate(KEPT);
    if after || cut { prefix_end(&bound).unwrap_or_default().into() } else { bound.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(key: &[u8]) -> String {
        key.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn layouts_stay() {
        let pk = {
            let mut out = Vec::new();
            KeyWriter::new(&mut out).int(7);
            out
        };
        let mut entry = Vec::new();
        entry_prefix(StorageId(3), IndexId(9), &mut entry);
        let mut element = Vec::new();
        element_prefix(StorageId(3), &pk, 5, b'h', &mut element);
        let (last, called) = sequence(ObjectNumber(16400));
        let keys: Vec<(&str, Vec<u8>)> = vec![
            ("D", database("ab").to_vec()),
            ("C relation", relation(DatabaseId(16384), "s", "t").to_vec()),
            ("C lock", collection_lock(CollectionId(16385)).to_vec()),
            ("C pair", dictionary_pair(CollectionId(16385), "f", Kind::Text).to_vec()),
            ("O", row(StorageId(3), &pk).to_vec()),
            ("I prefix", entry),
            ("E prefix", element),
            ("X", expiry(258, StorageId(3), &pk).to_vec()),
            ("S version", catalogue_version().to_vec()),
            ("S numbers", object_numbers().to_vec()),
            ("S rows", row_count(StorageId(3)).to_vec()),
            ("S last", last.to_vec()),
            ("S called", called.to_vec()),
            ("J", job(ObjectNumber(16401)).to_vec()),
        ];
        let drawn: Vec<String> = keys.iter().map(|(n, k)| format!("{n}: {}", hex(k))).collect();
        let golden = include_str!("../tests/golden/keys.txt");
        assert_eq!(drawn.join("\n"), golden.trim_end());
    }

    #[test]
    fn prefixes_hold_their_keys_and_no_others() {
        let range = rows(StorageId(3));
        let key = row(StorageId(3), b"\xff\xff");
        assert!(range.start <= key && key < range.end);
        assert!(row(StorageId(4), b"") >= range.end);
        assert!(row(StorageId(2), b"\xff\xff\xff") < range.start);
        let pair = dictionary_pair(CollectionId(7), "a", Kind::Bool);
        assert_eq!(read_dictionary_pair(&pair), Some((CollectionId(7), "a".into(), 4)));
        assert!(pair < relations().start && collection_lock(CollectionId(7)) < relations().start);
    }

    #[test]
    fn a_long_bound_holds_the_shortened_keys() {
        let long = vec![0x28; KEY_LEN_MAX + 50];
        let key = row(StorageId(1), &long);
        assert!(is_cut(&key));
        let mut prefix = Vec::new();
        row_prefix(StorageId(1), &mut prefix);
        prefix.extend_from_slice(&long);
        let range = beginning_with(prefix);
        assert!(range.start <= key && key < range.end);
    }
}
