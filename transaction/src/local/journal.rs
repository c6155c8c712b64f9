//! The commit log as `Local` uses it, or the lack of one.
//!
//! A store in memory has no log: indexes are counted here and every goal is reached at once. All
//! else asks no questions.

use std::sync::atomic::{AtomicU64, Ordering};

use super::progress::Goal;
use crate::log::{AppendError, Head, Log, Reach, Reader, Unknown};
use crate::{Error, Result};

/// Where commits become durable.
pub(super) enum Journal {
    /// Nowhere: the last index given out.
    Memory(AtomicU64),
    /// In the log.
    Log(Log),
}

/// Why a record was not taken.
pub(super) enum Refused {
    /// Wait for room and try again.
    Full,
    /// It will not be taken.
    Error(Error),
}

impl Journal {
    /// Appends a record, under the commit mutex; answers its index.
    pub fn append(&self, head: Head, payload: &[u8]) -> std::result::Result<u64, Refused> {
        match self {
            Journal::Memory(last) => Ok(last.fetch_add(1, Ordering::Relaxed) + 1),
            Journal::Log(log) => match log.try_append(head, &[payload]) {
                Ok(appended) => Ok(appended.index),
                Err(AppendError::Full) => Err(Refused::Full),
                Err(error) => Err(Refused::Error(append_error(error))),
            },
        }
    }

    /// How far the log has got.
    pub fn reached(&self) -> Goal {
        match self {
            Journal::Memory(_) => Goal { written: u64::MAX, durable: u64::MAX },
            // Durable first: read the other way round it could pass written.
            Journal::Log(log) => Goal { durable: log.durable(), written: log.written() },
        }
    }

    /// Waits until the log has got there.
    pub async fn reach(&self, goal: Goal) -> Result<()> {
        if let Journal::Log(log) = self {
            log.when_durable(goal.durable).await.map_err(failed)?;
            log.when_written(goal.written).await.map_err(failed)?;
        }
        Ok(())
    }

    /// Waits for room for a payload.
    pub async fn room(&self, bytes: usize) -> Result<()> {
        match self {
            Journal::Memory(_) => Ok(()),
            Journal::Log(log) => log.when_room(bytes).await.map_err(failed),
        }
    }

    /// Hands everything up to an index to the system, here and now.
    pub fn write(&self, upto: u64) -> Result<()> {
        match self {
            Journal::Memory(_) => Ok(()),
            Journal::Log(log) => log.write(upto).map_err(failed),
        }
    }

    /// Makes everything up to an index durable, here and now.
    pub fn flush(&self, upto: u64) -> Result<()> {
        match self {
            Journal::Memory(_) => Ok(()),
            Journal::Log(log) => log.flush(upto).map_err(failed),
        }
    }

    /// Last index appended.
    pub fn last(&self) -> u64 {
        match self {
            Journal::Memory(last) => last.load(Ordering::Relaxed),
            Journal::Log(log) => log.last(),
        }
    }

    /// The log, if there is one.
    pub fn log(&self) -> Option<&Log> {
        match self {
            Journal::Memory(_) => None,
            Journal::Log(log) => Some(log),
        }
    }

    /// Reads what was handed to the system, from an index on.
    pub fn reader(&self, from: u64) -> Option<Reader> {
        self.log().map(|log| log.read_from(from, Reach::Written))
    }
}

fn failed(unknown: Unknown) -> Error {
    Error::Failed(unknown.to_string())
}

fn append_error(error: AppendError) -> Error {
    match error {
        AppendError::OutOfSpace { .. } => Error::OutOfSpace,
        AppendError::TooLarge { limit, .. } => Error::TooLarge { what: "log record", limit },
        AppendError::Closed => Error::Closed,
        error => Error::Failed(error.to_string()),
    }
}
