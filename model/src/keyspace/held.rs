//! The rows that a transaction on keys has locked, with their latest values.
//!
//! ```text
//!   (storage, key) ─► hash of the key ─► number ─► rows: [row key │ mode │ value] …
//! ```
//!
//! A command asks for its key several times: to lock it, to read it, to write it. The row's key is
//! built once, for the lock; from then on the row is found by the client's own bytes, and within a
//! command by its number.
//!
//! **Invariants**
//! - A row is here exactly if its lock was asked for and not undone; its value, where it has one,
//!   is the newest.
//! - Numbers hold until the next undo.
//!
//! **Rejected.** A map from row keys: building and hashing one for each question cost more than the
//! questions.

use std::hash::{BuildHasher, Hasher};

use bytes::Bytes;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use transaction::LockMode;

use super::layout;
use crate::schema::StorageId;

/// A row that is locked.
pub(super) struct Row {
    hash: u64,
    pub key: Bytes,
    pub mode: LockMode,
    /// Own writes before it was locked.
    at: u64,
    /// The latest value; `None`: ask the buffer.
    value: Option<Option<Bytes>>,
}

/// Rows for which there is room with the first; as many as fit into a table of thirty-two.
const ROOM: usize = 28;

/// The locked rows of a transaction.
#[derive(Default)]
pub(super) struct HeldRows {
    rows: Vec<Row>,
    index: HashTable<usize>,
    hasher: RandomState,
}

impl HeldRows {
    fn hash(&self, key: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(key);
        hasher.finish()
    }

    /// The number of a key's row.
    pub fn find(&self, storage: StorageId, key: &[u8]) -> Option<usize> {
        if self.rows.is_empty() {
            return None;
        }
        if !layout::is_plain(key) {
            return self.find_row(&layout::row(storage, key));
        }
        let is_row = |at: &usize| {
            self.rows.get(*at).is_some_and(|row| layout::is_row_of(&row.key, storage, key))
        };
        self.index.find(self.hash(key), is_row).copied()
    }

    /// The number of a row.
    pub fn find_row(&self, key: &[u8]) -> Option<usize> {
        let is_row = |at: &usize| self.rows.get(*at).is_some_and(|row| row.key == key);
        self.index.find(self.hash(layout::inside(key)), is_row).copied()
    }

    /// A row by its number.
    pub fn get(&self, at: usize) -> Option<&Row> {
        self.rows.get(at)
    }

    /// The latest value of a row that may be held; `None`: ask the buffer.
    pub fn value(&self, at: Option<usize>) -> Option<Option<Bytes>> {
        self.rows.get(at?)?.value.clone()
    }

    /// A row was locked, and this is its latest value. `at` counts own writes before that.
    pub fn insert(&mut self, key: Bytes, mode: LockMode, at: u64, value: Option<Bytes>) {
        if self.rows.capacity() == 0 {
            // Commands of several connections come together: growing by doubling costs more.
            self.rows.reserve(ROOM);
            self.index.reserve(ROOM, |_| 0);
        }
        let hash = self.hash(layout::inside(&key));
        let row = Row { hash, key, mode, at, value: Some(value) };
        let rows = &self.rows;
        let is_row = |at: &usize| rows.get(*at).is_some_and(|known| known.key == row.key);
        let hash_of = |at: &usize| rows.get(*at).map_or(0, |row| row.hash);
        match self.index.entry(hash, is_row, hash_of) {
            Entry::Occupied(known) => {
                if let Some(known) = self.rows.get_mut(*known.get()) {
                    *known = row;
                }
            }
            Entry::Vacant(slot) => {
                slot.insert(self.rows.len());
                self.rows.push(row);
            }
        }
    }

    /// A row that may be held was written: the buffer has its value now.
    pub fn written(&mut self, at: Option<usize>) {
        if let Some(row) = at.and_then(|at| self.rows.get_mut(at)) {
            row.value = None;
        }
    }

    /// Undoes what came after `at` own writes: those locks, and whatever was written.
    pub fn undo(&mut self, at: u64) {
        self.rows.retain_mut(|row| {
            row.value = None;
            row.at <= at
        });
        self.index.clear();
        let rows = &self.rows;
        let hash_of = |at: &usize| rows.get(*at).map_or(0, |row| row.hash);
        for (number, row) in rows.iter().enumerate() {
            self.index.insert_unique(row.hash, number, hash_of);
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.index.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORAGE: StorageId = StorageId(7);

    fn keys() -> Vec<Vec<u8>> {
        let plain: [&[u8]; 4] = [b"", b"a", b"key:000000012345", b"\xff\xfe\x01"];
        let zeros: [&[u8]; 4] = [b"\0", b"\0\xff", b"\0\xff\xff", b"a\0b"];
        let mut keys: Vec<Vec<u8>> = [plain, zeros].concat().iter().map(|k| k.to_vec()).collect();
        keys.push(vec![b'x'; crate::key::KEY_LEN_MAX]);
        keys.push([vec![b'x'; crate::key::KEY_LEN_MAX], b"y".to_vec()].concat());
        keys
    }

    #[test]
    fn a_row_is_found_by_its_key_and_by_no_other() {
        for held_key in keys() {
            let mut held = HeldRows::default();
            let row = layout::row(STORAGE, &held_key);
            held.insert(row.clone(), LockMode::Update, 0, None);
            for asked in keys() {
                let expected = (layout::row(STORAGE, &asked) == row).then_some(0);
                assert_eq!(held.find(STORAGE, &asked), expected, "{held_key:?} {asked:?}");
                assert_eq!(held.find(StorageId(8), &asked), None);
            }
        }
    }

    #[test]
    fn an_undo_drops_later_locks_and_every_value() {
        let mut held = HeldRows::default();
        for (at, key) in keys().iter().enumerate().take(6) {
            held.insert(layout::row(STORAGE, key), LockMode::Share, at as u64, Some("v".into()));
        }
        held.undo(2);
        for (at, key) in keys().iter().enumerate().take(6) {
            let found = held.find(STORAGE, key).and_then(|found| held.get(found));
            assert_eq!(found.is_some(), at <= 2);
            assert!(found.is_none_or(|row| row.value.is_none()));
        }
    }
}
