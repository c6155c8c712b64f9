//! Ranges of the primary key and of indexes, page by page.
//!
//! ```text
//!   Bounds (values) ──bounds_range──► KeyRange ──RangeScan──► pages of rows
//!                                                 │ primary: the page of the store is the page of rows
//!                                                 └ index:   entries ─► keys ─► get each row
//! ```
//!
//! An operator is synchronous: it asks [`RangeScan::next_now`], and where the store would have to
//! wait it answers "need this" and its outer loop awaits [`RangeScan::next`]. Both go on from the
//! same place; entries that were read without their rows wait in the scan.
//!
//! **Invariants**
//! - A range may hold more than the bounds say (long keys are cut); it never holds less. The
//!   caller's predicate decides.
//! - Rows come in key order, or its reverse, over all ranges; an index on array elements gives a
//!   row once.
//! - A row that is gone between its entry and its look-up (possible at the latest view only) is
//!   left out.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use transaction::{Direction, Page, PageLimit, Scan};

use super::{Seeing, StoredRow, Work};
use crate::datum::Datum;
use crate::error::{Error, Result};
use crate::index;
use crate::key::{self, KeyRange};
use crate::row;
use crate::schema::*;
use crate::types::Type;

/// What is scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The rows, in the order of the primary key.
    Primary,
    /// An index that is ready.
    Index(IndexId),
}

/// Equalities on the first elements, then at most one range on the next.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bounds<'a> {
    /// Values of the first elements. NULL means IS NULL.
    pub equal: &'a [Datum<'a>],
    /// Lower bound of the next element, and whether it is included. Never NULL.
    pub lower: Option<(Datum<'a>, bool)>,
    /// Upper bound of the next element, and whether it is included. Never NULL.
    pub upper: Option<(Datum<'a>, bool)>,
}

/// An element of a key with its type.
struct KeyElement {
    element: IndexElement,
    ty: Type,
}

/// The range of keys for bounds. A bound's datum need not have the element's type: all numbers lie
/// on one scale.
pub fn bounds_range(
    collection: &Collection,
    target: Target,
    bounds: &Bounds<'_>,
) -> Result<KeyRange> {
    let mut prefix = Vec::with_capacity(48);
    let elements = match target {
        Target::Primary => {
            key::row_prefix(collection.storage, &mut prefix);
            let ids = &collection.primary_key.columns;
            ids.iter().map(|id| column_element(collection, *id)).collect()
        }
        Target::Index(id) => {
            key::entry_prefix(collection.storage, id, &mut prefix);
            let index = collection.index_by_id(id).ok_or(Error::Internal("no index of that id"))?;
            let each = |element: &IndexElement| KeyElement {
                element: element.clone(),
                ty: source_type(collection, &element.source),
            };
            index.elements.iter().map(each).collect::<Vec<_>>()
        }
    };
    let ranged = bounds.lower.is_some() || bounds.upper.is_some();
    if bounds.equal.len() + usize::from(ranged) > elements.len() {
        return Err(Error::Internal("more bounds than elements in a key"));
    }
    for (element, datum) in elements.iter().zip(bounds.equal) {
        index::write_bound(&element.element, element.ty, datum, &mut prefix)?;
    }
    match elements.get(bounds.equal.len()) {
        Some(element) if ranged => ends(element, prefix, bounds),
        _ => Ok(key::beginning_with(prefix)),
    }
}

fn column_element(collection: &Collection, id: ColumnId) -> KeyElement {
    let source = ElementSource::Column(id);
    let ty = source_type(collection, &source);
    KeyElement { element: IndexElement { source, descending: false, nulls_first: false }, ty }
}

/// The declared type of an element; paths and expressions have any.
fn source_type(collection: &Collection, source: &ElementSource) -> Type {
    match source {
        ElementSource::Column(id) => collection.column_by_id(*id).map_or(Type::ANY, |c| c.ty),
        _ => Type::ANY,
    }
}

fn ends(element: &KeyElement, prefix: Vec<u8>, bounds: &Bounds<'_>) -> Result<KeyRange> {
    let at = |datum: &Datum<'_>| {
        let mut out = prefix.clone();
        index::write_bound(&element.element, element.ty, datum, &mut out).map(|()| out)
    };
    let whole = key::beginning_with(prefix.clone());
    // In key order: the first bound is the lower one, or the upper one of a descending element.
    let (first, last) = match element.element.descending {
        false => (&bounds.lower, &bounds.upper),
        true => (&bounds.upper, &bounds.lower),
    };
    // A comparison is never true of NULL; where a side is open, the nulls at that side are left
    // out. Values without a declared type keep them: MongoDB's null and missing are values there.
    let typed = row::form(element.ty) != row::Form::Item;
    let nulls = at(&Datum::Null)?;
    let start = match first {
        Some((datum, included)) => key::start_at(at(datum)?, !included),
        None if typed && element.element.nulls_first => key::start_at(nulls.clone(), true),
        None => whole.start,
    };
    let end = match last {
        Some((datum, included)) => key::end_at(at(datum)?, *included),
        None if typed && !element.element.nulls_first => key::end_at(nulls, false),
        None => whole.end,
    };
    Ok(KeyRange { start, end })
}

/// A scan of ranges; ask it for pages until it answers `None`.
pub struct RangeScan {
    collection: Arc<Collection>,
    index: Option<Index>,
    entries_only: bool,
    ranges: std::vec::IntoIter<KeyRange>,
    direction: Direction,
    seeing: Seeing,
    current: Option<Scan>,
    /// Entries that were read and whose rows were not.
    pending: Vec<(Bytes, Bytes)>,
    /// Rows given already, where an index may lead to one twice.
    given: HashSet<Bytes>,
}

impl RangeScan {
    /// A scan of these ranges, which do not overlap and ascend, or descend where `direction` is
    /// backward.
    pub fn new(
        collection: Arc<Collection>,
        target: Target,
        ranges: Vec<KeyRange>,
        direction: Direction,
        seeing: Seeing,
    ) -> Result<RangeScan> {
        let index = match target {
            Target::Primary => None,
            Target::Index(id) => {
                let index = collection.index_by_id(id).ok_or(Error::Internal("no such index"))?;
                if index.state != IndexState::Ready {
                    return Err(Error::Internal("a scan of an index that is being built"));
                }
                Some(index.clone())
            }
        };
        Ok(RangeScan {
            collection,
            index,
            entries_only: false,
            ranges: ranges.into_iter(),
            direction,
            seeing,
            current: None,
            pending: Vec::new(),
            given: HashSet::new(),
        })
    }

    /// Every row of a collection.
    pub fn whole(collection: Arc<Collection>, direction: Direction, seeing: Seeing) -> RangeScan {
        RangeScan {
            ranges: vec![key::rows(collection.storage)].into_iter(),
            collection,
            index: None,
            entries_only: false,
            direction,
            seeing,
            current: None,
            pending: Vec::new(),
            given: HashSet::new(),
        }
    }

    /// Gives index entries (key and value) instead of rows, for covered reads with an
    /// `EntryReader`.
    #[must_use]
    pub fn entries_only(mut self) -> RangeScan {
        self.entries_only = true;
        self
    }

    /// The collection.
    pub fn collection(&self) -> &Arc<Collection> {
        &self.collection
    }

    /// The next rows, at least one; `None` at the end.
    pub async fn next(&mut self, work: &Work, limit: PageLimit) -> Result<Option<Vec<StoredRow>>> {
        loop {
            if !self.pending.is_empty() {
                let rows = self.look_up(work).await?;
                if !rows.is_empty() {
                    return Ok(Some(rows));
                }
            }
            let Some(scan) = self.place(limit) else { return Ok(None) };
            let page = work.buffer.scan_until(&scan, self.seeing.until, self.seeing.view).await?;
            if let Some(rows) = self.take(scan, page) {
                return Ok(Some(rows));
            }
        }
    }

    /// As [`RangeScan::next`] without waiting; the outer `None` means: ask `next`.
    pub fn next_now(
        &mut self,
        work: &Work,
        limit: PageLimit,
    ) -> Option<Result<Option<Vec<StoredRow>>>> {
        loop {
            if !self.pending.is_empty() {
                match self.look_up_now(work)? {
                    Ok(rows) if rows.is_empty() => {}
                    Ok(rows) => return Some(Ok(Some(rows))),
                    Err(error) => return Some(Err(error)),
                }
            }
            let Some(scan) = self.place(limit) else { return Some(Ok(None)) };
            let Some(page) = work.buffer.scan_now(&scan, self.seeing.until, self.seeing.view)
            else {
                self.current = Some(scan);
                return None;
            };
            match page {
                Ok(page) => {
                    if let Some(rows) = self.take(scan, page) {
                        return Some(Ok(Some(rows)));
                    }
                }
                Err(error) => return Some(Err(error.into())),
            }
        }
    }

    /// Where the next page begins; `None`: every range is done.
    fn place(&mut self, limit: PageLimit) -> Option<Scan> {
        if let Some(scan) = self.current.take() {
            return Some(Scan { limit, ..scan });
        }
        let range = self.ranges.find(|range| !range.is_empty())?;
        Some(Scan { start: range.start, end: range.end, direction: self.direction, limit })
    }

    /// Takes a page: rows to give, or entries into `pending`.
    fn take(&mut self, scan: Scan, page: Page) -> Option<Vec<StoredRow>> {
        if let Some(next) = page.next {
            self.current = Some(match self.direction {
                Direction::Forward => Scan { start: next, ..scan },
                Direction::Backward => Scan { end: next, ..scan },
            });
        }
        if self.index.is_some() && !self.entries_only {
            self.pending = page.records;
            return None;
        }
        let rows = page.records.into_iter().map(|(key, value)| StoredRow { key, value });
        let rows: Vec<StoredRow> = rows.collect();
        if rows.is_empty() { None } else { Some(rows) }
    }

    /// The row keys that the pending entries lead to, those not given yet.
    fn keys(&mut self, index: &Index) -> Result<Vec<Bytes>> {
        let mut keys = Vec::with_capacity(self.pending.len());
        for (entry, value) in &self.pending {
            let key = index::row_of_entry(&self.collection, index, entry, value)?;
            if !index.array_elements || self.given.insert(key.clone()) {
                keys.push(key);
            }
        }
        Ok(keys)
    }

    async fn look_up(&mut self, work: &Work) -> Result<Vec<StoredRow>> {
        let Some(index) = self.index.take() else { return Ok(Vec::new()) };
        let keys = self.keys(&index);
        self.index = Some(index);
        let keys = keys?;
        let values = work.buffer.get_many(&keys, self.seeing.until, self.seeing.view).await?;
        self.pending.clear();
        let rows = keys.into_iter().zip(values);
        Ok(rows.filter_map(|(key, value)| Some(StoredRow { key, value: value? })).collect())
    }

    fn look_up_now(&mut self, work: &Work) -> Option<Result<Vec<StoredRow>>> {
        let pending = std::mem::take(&mut self.pending);
        let mut rows = Vec::with_capacity(pending.len());
        let mut pending = pending.into_iter();
        while let Some((entry, value)) = pending.next() {
            let index = self.index.as_ref()?;
            let key = match index::row_of_entry(&self.collection, index, &entry, &value) {
                Ok(key) => key,
                Err(error) => return Some(Err(error)),
            };
            if index.array_elements && self.given.contains(&key) {
                continue;
            }
            let Some(answer) = work.buffer.get_now(&key, self.seeing.until, self.seeing.view)
            else {
                // The rest waits; what is here is given first.
                self.pending.push((entry, value));
                self.pending.extend(pending);
                return if rows.is_empty() { None } else { Some(Ok(rows)) };
            };
            if index.array_elements {
                self.given.insert(key.clone());
            }
            match answer {
                Ok(Some(value)) => rows.push(StoredRow { key, value }),
                Ok(None) => {}
                Err(error) => return Some(Err(error.into())),
            }
        }
        Some(Ok(rows))
    }
}
