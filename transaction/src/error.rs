//! What can go wrong with a transaction, named by what the caller should do about it.
//!
//! Layers above turn these into their protocol's codes in one place each; nothing here knows one.
//! The text is for the operator's log, not for a client.

use crate::{Stamp, TransactionId};

/// The result of everything in this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a store refused or failed. The groups follow the remedy.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // --- run the transaction again ---
    /// Something that this transaction read or wants to write was changed by one that committed
    /// first.
    #[error("conflict with a transaction that committed first")]
    Conflict,
    /// Waiting for this lock would close a circle; this transaction was chosen to give way.
    #[error("deadlock detected")]
    Deadlock,
    /// The lock is held and the caller did not want to wait (NOWAIT).
    #[error("lock not available")]
    LockNotAvailable,
    /// The lock was not free within the caller's time.
    #[error("lock wait timed out")]
    LockTimeout,
    /// The memory budget needed the versions that this snapshot held.
    #[error("snapshot too old")]
    SnapshotTooOld,
    /// The store is behind with its work; a later try succeeds.
    #[error("unavailable: {0}")]
    Unavailable(&'static str),
    // --- find out ---
    /// The commit may or may not have happened; `Store::outcome` tells.
    #[error("outcome of transaction {id} is unknown: {reason}")]
    Unknown {
        /// Ask `Store::outcome` with this.
        id: TransactionId,
        /// What failed.
        reason: String,
    },
    // --- change the request ---
    /// A limit, named, was exceeded.
    #[error("{what} exceeds the limit of {limit} bytes")]
    TooLarge {
        /// "write set", "key", "value".
        what: &'static str,
        /// Bytes.
        limit: usize,
    },
    /// This store cannot do that.
    #[error("unsupported: {0}")]
    Unsupported(&'static str),
    /// Somebody cancelled the work.
    #[error("cancelled")]
    Cancelled,
    /// The feed no longer holds what comes after this position.
    #[error("feed is gone after {after:?}: take a new snapshot")]
    FeedGone {
        /// The position asked for.
        after: Stamp,
    },
    // --- call the operator ---
    /// Too little free disk space: writes are refused, reads go on.
    #[error("out of disk space")]
    OutOfSpace,
    /// Bytes on disk are not what was written.
    #[error("corrupt store: {0}")]
    Corrupt(String),
    /// The device failed; writes stop until the store was opened again.
    #[error("storage failed: {0}")]
    Failed(String),
    /// The store was closed.
    #[error("store is closed")]
    Closed,
    /// A defect of this program.
    #[error("internal: {0}")]
    Internal(&'static str),
}

impl Error {
    /// Whether running the whole transaction again may succeed.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Error::Conflict
                | Error::Deadlock
                | Error::LockNotAvailable
                | Error::LockTimeout
                | Error::SnapshotTooOld
                | Error::Unavailable(_)
        )
    }
}
