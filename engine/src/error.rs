//! What can go wrong in an engine, by remedy.

use std::{io, path::PathBuf, sync::Arc};

/// Why an engine did not do as asked. Cheap to clone: one failure is told to many waiters.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The device or file system failed. Call the operator; the data may be whole.
    #[error("{doing} {}: {source}", path.display())]
    Io {
        /// What was being done, as in "sync".
        doing: &'static str,
        /// The file or folder it was done to.
        path: PathBuf,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// The device is full. Writes can resume by themselves once there is room.
    #[error("out of space: {}", path.display())]
    OutOfSpace {
        /// The file or folder that could not grow.
        path: PathBuf,
    },
    /// Stored bytes are not what was written. Call the operator; nothing was changed.
    #[error("corrupt: {place}: {what}")]
    Corrupt {
        /// The file, and the offset where it is known.
        place: String,
        /// What is wrong with it.
        what: String,
    },
    /// The caller broke the contract; nothing was done. Mend the caller.
    #[error("invalid: {0}")]
    Invalid(String),
    /// An earlier write or flush failed with an unknown outcome: open the engine again and replay
    /// the log from the index that it comes back to. Reads go on.
    #[error("halted by an earlier failure: {0}")]
    Halted(String),
    /// This build or engine does not do that; the text names it.
    #[error("unsupported: {0}")]
    Unsupported(String),
}

impl Error {
    /// Wraps an operating-system error, telling a full device from the rest.
    pub fn io(doing: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        let path = path.into();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::OutOfSpace { path },
            _ => Self::Io { doing, path, source: Arc::new(source) },
        }
    }

    /// Damage at `place`.
    pub fn corrupt(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Corrupt { place: place.into(), what: what.into() }
    }
}
