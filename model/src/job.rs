//! Jobs: work that a commit leaves to be done later, and that a crash must not lose.
//!
//! ```text
//!   DROP TABLE, TRUNCATE   ─► J: empty a storage id         ┐
//!   DROP INDEX             ─► J: empty an index             ├ swept in pages of small quiet commits
//!   a rolled-back COPY     ─► J: empty what was staged      ┘
//!   CREATE INDEX (online)  ─► J: build an index             resumed, or the index removed
//! ```
//!
//! A job is a record of its own, written in the commit that makes it due and deleted in the one
//! that finishes it.

use value::Raw;

use crate::error::{Error, Result};
use crate::record::{self, Record};
use crate::schema::{CollectionId, IndexId, StorageId};

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// Nothing names the storage id any more: its rows, entries, elements and count go.
    EmptyStorage(StorageId),
    /// Nothing names the index any more: its entries go.
    EmptyIndex(StorageId, IndexId),
    /// The index is `Building`: finish it, or take it away.
    BuildIndex(CollectionId, IndexId),
}

impl Job {
    pub(crate) fn encode(self) -> Vec<u8> {
        record::write(|fields| match self {
            Job::EmptyStorage(storage) => {
                fields.uint(0, 1u32);
                fields.uint(1, storage.0);
            }
            Job::EmptyIndex(storage, index) => {
                fields.uint(0, 2u32);
                fields.uint(1, storage.0);
                fields.uint(2, index.0);
            }
            Job::BuildIndex(collection, index) => {
                fields.uint(0, 3u32);
                fields.uint(3, collection.0);
                fields.uint(2, index.0);
            }
        })
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Job> {
        let record = Record::read(Raw::new(bytes), "record of a job", 4)?;
        let storage = || record.number(1).map(StorageId);
        let index = || record.number(2).map(IndexId);
        Ok(match record.number(0)? {
            1 => Job::EmptyStorage(storage()?),
            2 => Job::EmptyIndex(storage()?, index()?),
            3 => Job::BuildIndex(record.number(3).map(CollectionId)?, index()?),
            _ => return Err(Error::Newer("record of a job".into())),
        })
    }
}
