//! What the log answers when it cannot do as asked: one small enum per operation.

use std::io;
use std::sync::Arc;

use thiserror::Error;

/// A place on disk whose bytes are not what was written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{what} in {segment} at offset {offset}, where record {index} should be")]
pub struct Corruption {
    /// File name of the segment.
    pub segment: String,
    /// Offset in that file, in bytes.
    pub offset: u64,
    /// Index of the first record that cannot be read.
    pub index: u64,
    /// What is wrong there.
    pub what: String,
}

/// Why a log was not opened. Nothing was changed on disk.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Bytes that had been durable are damaged. Restore, or repair by hand.
    #[error("the log is corrupt: {0}")]
    Corrupt(Corruption),
    /// A segment was written by a later version, which says that this one cannot read it.
    #[error("{segment} needs version {oldest_reader} of the log format or later, this is {known}")]
    Newer {
        /// File name.
        segment: String,
        /// The oldest version that may read it.
        oldest_reader: u16,
        /// The version that this program knows.
        known: u16,
    },
    /// A segment is encrypted, which this version cannot read.
    #[error("unsupported: {segment} is encrypted with key {key}")]
    Encrypted {
        /// File name.
        segment: String,
        /// The key's id.
        key: u32,
    },
    /// A segment belongs to another store.
    #[error("{segment} belongs to store {}, not to {}", hex(found), hex(wanted))]
    OtherStore {
        /// File name.
        segment: String,
        /// The store id in it.
        found: [u8; 16],
        /// The store id asked for.
        wanted: [u8; 16],
    },
    /// A segment between two others is missing.
    #[error("records {from} to {to} are missing: no segment holds them")]
    MissingSegment {
        /// First missing index.
        from: u64,
        /// Last missing index.
        to: u64,
    },
    /// There is no log here, and none was to be made.
    #[error("there is no log here")]
    Missing,
    /// Records from the index asked for were released.
    #[error("the log begins at {oldest}, but record {wanted} is needed")]
    Gone {
        /// First index asked for.
        wanted: u64,
        /// First index held.
        oldest: u64,
    },
    /// The log ends before the index asked for: its newest part is lost.
    #[error("the log ends at {last}, but record {wanted} is needed next")]
    Short {
        /// First index asked for.
        wanted: u64,
        /// Last index held.
        last: u64,
    },
    /// The receiver refused a record.
    #[error("record {index} was refused: {why}")]
    Refused {
        /// Its index.
        index: u64,
        /// The receiver's words.
        why: String,
    },
    /// The device failed.
    #[error("{operation}: {source}")]
    Io {
        /// What was tried on which file.
        operation: String,
        /// The device's error.
        source: io::Error,
    },
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl OpenError {
    pub(super) fn io(operation: impl Into<String>) -> impl FnOnce(io::Error) -> OpenError {
        let operation = operation.into();
        move |source| OpenError::Io { operation, source }
    }
}

/// The failure that stopped a log for good; it must be opened again from disk.
#[derive(Clone, Debug, Error)]
#[error("{operation}: {error}")]
pub struct Failure {
    /// What was tried.
    pub operation: &'static str,
    /// The device's error.
    pub error: Arc<io::Error>,
}

/// A commit may or may not be on disk: its write or flush failed, and the log has stopped.
#[derive(Clone, Debug, Error)]
#[error("the outcome is unknown: {0}")]
pub struct Unknown(pub Failure);

/// Why a record was not appended. Nothing of it is in the log.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The log has stopped; open it again.
    #[error("the log has stopped: {0}")]
    Failed(Failure),
    /// No room for the next segment; works again by itself when there is.
    #[error("no room for a log segment of {needed} bytes: {why}")]
    OutOfSpace {
        /// Bytes that the segment needs.
        needed: u64,
        /// The device's words.
        why: Arc<str>,
    },
    /// The payload is longer than a record can hold.
    #[error("a payload of {length} bytes exceeds the limit of {limit}")]
    TooLarge {
        /// Bytes given.
        length: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Both buffers are full (`try_append` only): wait for `when_room`.
    #[error("the log's buffers are full")]
    Full,
    /// The log was closed.
    #[error("the log is closed")]
    Closed,
}

/// Why a reader cannot go on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Bytes that had been written are damaged.
    #[error("the log is corrupt: {0}")]
    Corrupt(Corruption),
    /// The records were released.
    #[error("the log begins at {oldest}, record {wanted} is gone")]
    Gone {
        /// First index asked for.
        wanted: u64,
        /// First index held.
        oldest: u64,
    },
    /// The device failed.
    #[error("reading {segment}: {source}")]
    Io {
        /// File name of the segment.
        segment: String,
        /// The device's error.
        source: io::Error,
    },
}
