//! What readers see: the unwritten records over the sorted runs, without any lock of the tree.
//!
//! The tree's own `get` and `range` take a read lock that its flushes and compactions hold for
//! writing while they sync the manifest, the last table and the folder, and delete files. That is
//! the stall of tens of milliseconds. So nothing here asks the tree: a [`View`] holds the tables
//! themselves, and a new one is published by whoever changed the tree.
//!
//! ```text
//!   View ─► memory   newest, with deletions       a key is answered by the first
//!        ─► runs[0]  level 0, newest run           that knows it; a page merges all,
//!        ─► …                                      the first of equals wins
//!        ─► runs[n]  the last level
//! ```
//!
//! Invariants: the tables of a run are disjoint and ascending; runs are ordered newest first for
//! every key; a table's file lives as long as a view holds it.

use super::fault;
use crate::{
    Direction, Error, KEY_RESERVED, KeyRange, Limit, Page, PageBuilder,
    sorted::{Cursor, Slot, Sorted},
};
use bytes::Bytes;
use lsm_tree::{
    AbstractTree, AnyTree, InternalValue, SeqNo, Slice, Table,
    table::filter::standard_bloom::Builder as Filter,
};
use std::{collections::HashSet, ops::Bound, sync::Arc};

/// Values up to this many bytes are copied out of their block by a get: a row cache that keeps 100
/// bytes must not keep a block of 4 KiB. Longer ones fill most of their block.
const COPIED_LEN_MAX: usize = 2048;

/// A table with its bounds at hand.
pub(super) struct Member {
    min: Slice,
    max: Slice,
    pub(super) table: Table,
}

impl Member {
    fn corrupt(&self, error: lsm_tree::Error) -> Error {
        fault("read", &self.table.path, error)
    }
}

/// Disjoint tables in key order.
pub(super) type Run = Vec<Member>;

/// Everything that is written.
pub(super) struct Runs {
    newest_first: Vec<Run>,
    /// Runs of level 0: what a point read must ask one by one.
    pub(super) level0_runs: usize,
    /// Bytes of level 0, and of the first level under it that holds any.
    pub(super) level0_bytes: u64,
    pub(super) base_bytes: u64,
    pub(super) disk_bytes: u64,
    pub(super) pinned_bytes: u64,
}

impl Runs {
    /// The runs of the tree as it is now. Waits for a flush or compaction that is being registered.
    pub(super) fn of(tree: &AnyTree) -> Self {
        let version = tree.current_version();
        let levels: Vec<Vec<Run>> = version
            .iter_levels()
            .map(|level| level.iter().map(|run| run.iter().map(member).collect()).collect())
            .collect();
        let bytes = |level: &Vec<Run>| -> u64 {
            level.iter().flatten().map(|m| m.table.metadata.file_size).sum()
        };
        let deeper = || levels.iter().skip(1).map(bytes);
        let level0_bytes = levels.first().map_or(0, bytes);
        Self {
            level0_runs: levels.first().map_or(0, Vec::len),
            level0_bytes,
            base_bytes: deeper().find(|bytes| *bytes > 0).unwrap_or(0),
            disk_bytes: level0_bytes + deeper().sum::<u64>(),
            pinned_bytes: (tree.pinned_filter_size() + tree.pinned_block_index_size()) as u64,
            newest_first: levels.into_iter().flatten().collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.newest_first.is_empty()
    }

    /// Opens the files of the tables that `old` has not, and reads their filters and indexes, so
    /// that the first reader finds them done. Damage is left for that reader to meet.
    pub(super) fn warm(&self, old: &Runs) {
        let known: HashSet<u64> = old.table_ids().collect();
        for Member { min, table, .. } in self.newest_first.iter().flatten() {
            if !known.contains(&table.id()) {
                let _ = table.get(min, SeqNo::MAX, Filter::get_hash(min));
            }
        }
    }

    pub(super) fn table_ids(&self) -> impl Iterator<Item = u64> {
        self.newest_first.iter().flatten().map(|member| member.table.id())
    }

    /// The newest entry of `key`, deletions left out.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Slice>, Error> {
        let hash = Filter::get_hash(key);
        for run in &self.newest_first {
            let at = run.partition_point(|member| &member.max[..] < key);
            let Some(member) = run.get(at).filter(|member| &member.min[..] <= key) else {
                continue;
            };
            let found = member.table.get(key, SeqNo::MAX, hash).map_err(|e| member.corrupt(e))?;
            if let Some(entry) = found {
                return Ok((!entry.key.is_tombstone()).then_some(entry.value));
            }
        }
        Ok(None)
    }
}

fn member(table: &Table) -> Member {
    let range = &table.metadata.key_range;
    Member { min: range.min().clone(), max: range.max().clone(), table: table.clone() }
}

/// One state of the engine, whole. Shared by its readers; cheap to replace.
pub(super) struct View {
    pub(super) memory: Sorted,
    pub(super) runs: Arc<Runs>,
}

impl View {
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Error> {
        if key.is_empty() || key >= KEY_RESERVED {
            return Ok(None);
        }
        match self.memory.get(key) {
            Some(slot) => Ok(slot.value()),
            None => Ok(self.runs.get(key)?.map(owned)),
        }
    }

    pub(super) fn page(
        &self,
        range: KeyRange<'_>,
        direction: Direction,
        limit: Limit,
    ) -> Result<Page, Error> {
        let end = range.end.map_or(KEY_RESERVED, |end| end.min(KEY_RESERVED));
        let range = KeyRange::new(range.start, Some(end));
        let mut page = PageBuilder::new(limit);
        if range.is_empty() {
            return Ok(page.finish());
        }
        let mut merge = Merge::new(self, range, direction)?;
        while let Some(entry) = merge.next()? {
            if let Some(value) = entry.value
                && !page.offer(entry.key, value)
            {
                break;
            }
        }
        Ok(page.finish())
    }
}

/// The value apart from its block, where it is a small part of it.
fn owned(value: Slice) -> Bytes {
    if value.len() <= COPIED_LEN_MAX { Bytes::copy_from_slice(&value) } else { value.into() }
}

/// A key with its value, or without where it was deleted.
struct Entry {
    key: Bytes,
    value: Option<Bytes>,
}

impl From<Slot> for Entry {
    fn from(slot: Slot) -> Self {
        Self { key: slot.shared_key(), value: slot.value() }
    }
}

impl From<InternalValue> for Entry {
    fn from(item: InternalValue) -> Self {
        let value = (!item.key.is_tombstone()).then(|| item.value.into());
        Self { key: item.key.user_key.into(), value }
    }
}

/// Entries of one place, in order.
enum Source<'v> {
    Memory(Cursor<'v>),
    Run(RunCursor<'v>),
}

impl Source<'_> {
    fn next(&mut self) -> Result<Option<Entry>, Error> {
        match self {
            Source::Memory(cursor) => Ok(cursor.next().map(Entry::from)),
            Source::Run(cursor) => cursor.next(),
        }
    }
}

/// All sources as one, each key once with its newest entry.
struct Merge<'v> {
    direction: Direction,
    /// Newest first, each with its next entry; exhausted ones leave.
    heads: Vec<(Entry, Source<'v>)>,
}

impl<'v> Merge<'v> {
    fn new(view: &'v View, range: KeyRange<'v>, direction: Direction) -> Result<Self, Error> {
        let memory = Source::Memory(view.memory.cursor(range, direction));
        let runs = view.runs.newest_first.iter();
        let runs = runs.map(|run| Source::Run(RunCursor::new(run, range, direction)));
        let mut heads = Vec::with_capacity(view.runs.newest_first.len() + 1);
        for mut source in std::iter::once(memory).chain(runs) {
            if let Some(entry) = source.next()? {
                heads.push((entry, source));
            }
        }
        Ok(Self { direction, heads })
    }

    fn next(&mut self) -> Result<Option<Entry>, Error> {
        let Some(nearest) = self.nearest() else { return Ok(None) };
        let mut at = nearest + 1;
        while at < self.heads.len() {
            if self.heads[at].0.key == self.heads[nearest].0.key {
                at += usize::from(self.advance(at)?.1);
            } else {
                at += 1;
            }
        }
        self.advance(nearest).map(|(entry, _)| Some(entry))
    }

    /// The newest of the sources whose key comes next.
    fn nearest(&self) -> Option<usize> {
        let keys = self.heads.iter().map(|(entry, _)| &entry.key).enumerate();
        let best = match self.direction {
            // Of equal keys `min_by` takes the first, `max_by` the last: hence the reversal.
            Direction::Forward => keys.min_by(|a, b| a.1.cmp(b.1)),
            Direction::Backward => keys.rev().max_by(|a, b| a.1.cmp(b.1)),
        };
        best.map(|(at, _)| at)
    }

    /// Takes the head of a source, and says whether the source is still there.
    fn advance(&mut self, at: usize) -> Result<(Entry, bool), Error> {
        let (head, source) = &mut self.heads[at];
        match source.next()? {
            Some(next) => Ok((std::mem::replace(head, next), true)),
            None => Ok((self.heads.remove(at).0, false)),
        }
    }
}

type TableCursor = Box<dyn DoubleEndedIterator<Item = lsm_tree::Result<InternalValue>> + Send>;

/// Entries of one run; its tables are opened one after another, as they are reached.
struct RunCursor<'v> {
    /// The tables that are still to come.
    rest: &'v [Member],
    range: KeyRange<'v>,
    direction: Direction,
    open: Option<(&'v Member, TableCursor)>,
}

impl<'v> RunCursor<'v> {
    fn new(run: &'v [Member], range: KeyRange<'v>, direction: Direction) -> Self {
        let from = run.partition_point(|member| &member.max[..] < range.start);
        let upto = match range.end {
            Some(end) => run.partition_point(|member| &member.min[..] < end),
            None => run.len(),
        };
        let rest = run.get(from..upto).unwrap_or_default();
        Self { rest, range, direction, open: None }
    }

    fn next(&mut self) -> Result<Option<Entry>, Error> {
        loop {
            if let Some((member, cursor)) = &mut self.open {
                let item = match self.direction {
                    Direction::Forward => cursor.next(),
                    Direction::Backward => cursor.next_back(),
                };
                if let Some(item) = item {
                    return item.map(|item| Some(item.into())).map_err(|e| member.corrupt(e));
                }
            }
            let next = match self.direction {
                Direction::Forward => self.rest.split_first(),
                Direction::Backward => self.rest.split_last(),
            };
            let Some((member, rest)) = next else { return Ok(None) };
            self.rest = rest;
            self.open = Some((member, open(member, self.range)));
        }
    }
}

fn open(member: &Member, range: KeyRange<'_>) -> TableCursor {
    let start = match range.start {
        b"" => Bound::Unbounded,
        start => Bound::Included(Slice::from(start)),
    };
    let end = range.end.map_or(Bound::Unbounded, |end| Bound::Excluded(Slice::from(end)));
    Box::new(member.table.range((start, end)))
}
