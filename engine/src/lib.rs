//! Ordered bytes on this machine: where data comes to rest.
//!
//! An [`Engine`] keeps the newest value of each key, in key order, and remembers how much of the
//! commit log it holds. It is synchronous, knows nothing of transactions, snapshots or documents,
//! and is never the commit path: the log in front of it is (crate `transaction`). That is what
//! lets an engine be simple and lets one interface serve a map in memory, a log-structured tree in
//! files and, later, a raw device.
//!
//! ```text
//!   commits ──► commit log (durable first) ──► applier ──► Engine::apply(batch, upto)
//!                     │                                        │
//!                     └─ version table: what is not applied    └─ get / page: the newest applied
//! ```
//!
//! Invariants that every engine keeps and `conformance` holds it to:
//!
//! - **One index.** The engine's state is always "the batches up to `applied()`, in order". A batch
//!   and its `upto` survive together or not at all, so after any crash the log is replayed from
//!   `applied() + 1` and nothing is applied twice or left out.
//! - `persisted() <= applied()`; neither falls while an engine is open, and an engine that is
//!   opened again after losing power comes back with `applied() >= persisted()` of before.
//! - **One applier.** Calls of `apply` are serialised by the engine, but their order is the
//!   caller's (`upto` rises strictly). Readers run beside it from any number of threads, and never
//!   wait for an `apply`, a `persist` or the engine's own housekeeping longer than a pointer swap
//!   takes.
//! - **No isolation.** A reader beside a running `apply` may see part of its batch. The transaction
//!   layer wraps every value with its stamp and keeps what a snapshot needs in its version table,
//!   so it needs no isolation here and no engine has to pay for it.
//! - **Never silently wrong.** Bytes that an engine reads back are checked; damage is
//!   [`Error::Corrupt`] with its place, not a missing key.
//!
//! Rejected: an engine with snapshots, transactions or its own write-ahead log (each measured
//! engine syncs for each commit, shows data before it is durable, or keeps memory under a held
//! snapshot); `put` and `delete` verbs (they would invite writes that carry no log index).

pub mod block;
mod compact;
pub mod conformance;
pub mod device;
mod error;
pub mod file;
pub mod memory;
pub mod mirror;
mod sorted;

use bytes::Bytes;

pub use compact::{compact, compact_parts, compact_vec};
pub use error::Error;

/// The longest key that every engine takes, in bytes; the shortest has one byte.
pub const KEY_LEN_MAX: usize = 32 * 1024;

/// Keys from this one on are the engines' own and refused as [`Error::Invalid`]. So an engine can
/// keep its index beside the records, behind them all, and no key needs a prefix.
pub const KEY_RESERVED: &[u8] = &[0xff; 16];

/// The longest value that every engine takes, in bytes.
pub const VALUE_LEN_MAX: usize = 256 * 1024 * 1024;

/// Ordered bytes, newest version only. See the crate's essay for the invariants.
pub trait Engine: Send + Sync + 'static {
    /// The newest value of `key`, or `None` where it was never put or was deleted. The value keeps
    /// no memory alive but its own.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where the bytes read fail their checksum, [`Error::Io`].
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Error>;

    /// The records of `range` from its near end in `direction`, as many as `limit` allows, and
    /// whether the range goes on behind them. An empty or reversed range gives an empty page. The
    /// records may keep blocks of the engine alive: whoever keeps them for long copies them.
    ///
    /// # Errors
    /// As [`Engine::get`].
    fn page(&self, range: KeyRange<'_>, direction: Direction, limit: Limit) -> Result<Page, Error>;

    /// Applies `batch` and moves the index to `upto`, atomically with respect to a crash:
    /// afterwards both are there or neither. May wait while the engine digests earlier batches. The
    /// batch may be empty; it is sorted by key, with each key once. Bytes are copied, never kept.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an unsorted batch, an empty, reserved or oversized key, an oversized
    /// value, or `upto` that is not above `applied()` (nothing was applied). [`Error::OutOfSpace`]
    /// and [`Error::Io`]: nothing of the batch survives a crash, but readers may see part of it
    /// until then; an engine that can no longer tell answers [`Error::Halted`] to every later write
    /// until it is opened again.
    fn apply(&self, batch: &[Mutation], upto: u64) -> Result<(), Error>;

    /// The highest `upto` applied; directly after opening, the index that the engine came back to
    /// (0 for a new one).
    fn applied(&self) -> u64;

    /// The highest `upto` that survives a loss of power. The log below it is no longer needed.
    fn persisted(&self) -> u64;

    /// Makes everything applied before the call survive a loss of power, and returns
    /// `persisted()`.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::OutOfSpace`], [`Error::Halted`]. A failed flush is never repeated.
    fn persist(&self) -> Result<u64, Error>;

    /// What the engine occupies now.
    fn usage(&self) -> Usage;
}

/// Keys from `start`, inclusive, to `end`, exclusive; without `end`, to the last key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyRange<'a> {
    /// The lowest key of the range; empty means from the first key.
    pub start: &'a [u8],
    /// The first key behind the range, or `None` where it ends with the last key.
    pub end: Option<&'a [u8]>,
}

impl<'a> KeyRange<'a> {
    /// Every key.
    pub const ALL: KeyRange<'static> = KeyRange { start: b"", end: None };

    /// The keys from `start` up to, without, `end`.
    pub const fn new(start: &'a [u8], end: Option<&'a [u8]>) -> Self {
        Self { start, end }
    }

    /// Whether no key can lie in the range.
    pub fn is_empty(&self) -> bool {
        self.end.is_some_and(|end| end <= self.start)
    }
}

/// Which end of a range a page begins at, and the order of its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Ascending keys, from the range's start.
    Forward,
    /// Descending keys, from the range's end.
    Backward,
}

/// How much a page may hold. The first record always fits, so that a scan always moves on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// At most so many records; 0 counts as 1.
    pub records: usize,
    /// At most so many bytes of keys and values together.
    pub bytes: usize,
}

impl Limit {
    /// No limit at all: for tests and small ranges.
    pub const NONE: Limit = Limit { records: usize::MAX, bytes: usize::MAX };

    /// A limit of `records`, whatever their size.
    pub const fn records(records: usize) -> Self {
        Self { records, bytes: usize::MAX }
    }
}

/// A key and its newest value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The key.
    pub key: Bytes,
    /// Its value.
    pub value: Bytes,
}

/// A run of records out of a range, in the order of the direction asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The records; empty only where the range held none.
    pub records: Vec<Record>,
    /// Whether the range holds at least one more record behind these. Exact.
    pub more: bool,
}

/// Collects a page under its limit; every engine fills pages through it, so limits mean the same.
#[derive(Debug)]
pub(crate) struct PageBuilder {
    page: Page,
    limit: Limit,
    bytes: usize,
}

impl PageBuilder {
    pub(crate) fn new(limit: Limit) -> Self {
        Self { page: Page::default(), limit, bytes: 0 }
    }

    /// Adds a record if it still fits; where not, the page is closed with `more`.
    pub(crate) fn offer(&mut self, key: Bytes, value: Bytes) -> bool {
        let total = self.bytes.saturating_add(key.len() + value.len());
        let full = self.page.records.len() >= self.limit.records || total > self.limit.bytes;
        if full && !self.page.records.is_empty() {
            self.page.more = true;
            return false;
        }
        self.bytes = total;
        self.page.records.push(Record { key, value });
        true
    }

    pub(crate) fn finish(self) -> Page {
        self.page
    }
}

/// One change of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutation {
    /// The key to change.
    pub key: Bytes,
    /// Its new value, or `None` to delete it (deleting an absent key is no error).
    pub value: Option<Bytes>,
}

impl Mutation {
    /// Sets `key` to `value`.
    pub fn put(key: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        Self { key: key.into(), value: Some(value.into()) }
    }

    /// Removes `key`.
    pub fn delete(key: impl Into<Bytes>) -> Self {
        Self { key: key.into(), value: None }
    }

    /// Bytes of key and value together.
    pub fn len(&self) -> usize {
        self.key.len() + self.value.as_ref().map_or(0, Bytes::len)
    }

    /// Whether key and value are both empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What an engine occupies. Estimates to within a few per cent, cheap enough to ask each second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of files or device, dead versions included.
    pub disk_bytes: u64,
    /// Bytes of memory: unwritten records, caches, indexes and filters.
    pub memory_bytes: u64,
}

/// Holds a batch to the contract of [`Engine::apply`]; every engine calls it first.
pub(crate) fn check_batch(batch: &[Mutation], upto: u64, applied: u64) -> Result<(), Error> {
    if upto <= applied {
        return Err(Error::Invalid(format!("batch up to {upto}, but {applied} is applied")));
    }
    if let Some(pair) = batch.array_windows::<2>().find(|[a, b]| a.key >= b.key) {
        return Err(Error::Invalid(format!("batch not in key order at {:?}", pair[1].key)));
    }
    if let Some(first) = batch.first().filter(|m| m.key.is_empty()) {
        return Err(Error::Invalid(format!("empty key, value of {} bytes", first.len())));
    }
    if let Some(last) = batch.last().filter(|m| &m.key[..] >= KEY_RESERVED) {
        return Err(Error::Invalid(format!("reserved key {:?}", last.key)));
    }
    if let Some(long) = batch.iter().find(|m| m.key.len() > KEY_LEN_MAX) {
        return Err(Error::Invalid(format!("key of {} bytes", long.key.len())));
    }
    match batch.iter().filter_map(|m| m.value.as_ref()).find(|v| v.len() > VALUE_LEN_MAX) {
        Some(long) => Err(Error::Invalid(format!("value of {} bytes", long.len()))),
        None => Ok(()),
    }
}
