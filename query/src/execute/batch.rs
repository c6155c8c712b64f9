//! Batches: rows on their way between operators.
//!
//! ```text
//!   Batch ── cells: row 0 │ row 1 │ …     Datum<'static>, handed out only as Datum<'_>
//!        ├─ arena: bytes that kernels made for these rows
//!        └─ kept:  Arc<page>, Arc<input batch>, Arc<frame> … what the cells borrow from
//! ```
//!
//! A row that passes through filter, join and projection is never copied: the output's cells borrow
//! from the input, and the output keeps the input alive. Rust cannot name that lifetime, so it is
//! erased here, once, behind an interface that is sound by its types: [`Batch::build`] hands its
//! closure a [`Writer`] of an *arbitrary* lifetime `'b`, and the only ways to come by something
//! that lives for `'b` are the batch's own arena and [`Writer::keep`], which stores the `Arc` that
//! it borrows from in the batch.
//!
//! **Invariants**
//! - Every reference in `cells` points into `arena` or into something in `kept`.
//! - After `build`, nothing touches the arena but dropping it; so a shared batch is read-only and
//!   `Sync`.
//!
//! Rejected: copying each row at each operator (a join of wide rows spends its time in memcpy), and
//! reference-counted cells (an atomic operation for each text).

use std::any::Any;
use std::ptr::NonNull;
use std::sync::Arc;

use smallvec::SmallVec;

use super::part::Part;
use crate::{Arena, Datum, Result};

/// Something that cells borrow from.
pub type Kept = Arc<dyn Any + Send + Sync>;

/// Rows of one width with all that they borrow from.
pub struct Batch {
    cells: Vec<Datum<'static>>,
    width: usize,
    rows: usize,
    outside: usize,
    arena: Home,
    kept: SmallVec<[Kept; KEPT]>,
}

/// Things that a batch of a select list over a row by its key keeps alive.
const KEPT: usize = 6;

/// An arena on the heap that references lead into while it moves with its batch. Not a `Box`:
/// moving one asserts that nobody else points into it.
struct Home {
    arena: NonNull<Arena>,
    /// Its size when the batch was complete; later nobody looks into its counters.
    size: usize,
}

impl Home {
    fn new() -> Home {
        Home { arena: NonNull::from(Box::leak(Box::default())), size: 0 }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // SAFETY: it came from a `Box` in `new`, and nothing else frees it.
        drop(unsafe { Box::from_raw(self.arena.as_ptr()) });
    }
}

// SAFETY: an arena may go to another thread, and this is its only owner.
unsafe impl Send for Home {}
// SAFETY: an arena is not `Sync` because it allocates through `&self`. Once `Batch::build` is over,
// nothing touches the arena but its drop; the datums that point into it are plain bytes and
// decimals, which are `Sync`.
unsafe impl Sync for Home {}

/// The part of a kept batch's size that falls to so many rows made from it: a thousand small
/// batches over one large one hold it once, not a thousand times.
fn share_of(kept: &Kept, rows: usize) -> usize {
    match kept.downcast_ref::<Batch>() {
        Some(batch) if batch.rows > 0 => batch.size() / batch.rows * rows.min(batch.rows),
        _ => 0,
    }
}

/// Rows that an operator wants in one batch at most.
pub const BATCH_ROWS: usize = 1024;

impl Batch {
    /// Builds a batch; see the module's text for why the closure is generic over the lifetime.
    pub fn build<T>(
        width: usize,
        fill: impl for<'b> FnOnce(&mut Writer<'b>) -> Result<T>,
    ) -> Result<(Arc<Batch>, T)> {
        let mut arena = Home::new();
        // SAFETY: the arena lies on the heap and goes into the batch beside the cells; the closure
        // is generic over the lifetime, so nothing but the cells can carry the reference out.
        let lent: &'static Arena = unsafe { arena.arena.as_ref() };
        let mut writer = Writer {
            cells: Vec::new(),
            width,
            rows: 0,
            outside: 0,
            arena: lent,
            kept: SmallVec::new(),
        };
        let result = fill(&mut writer)?;
        let Writer { cells, rows, outside, kept, width, .. } = writer;
        debug_assert_eq!(cells.len(), rows * width);
        arena.size = lent.size();
        let outside = outside + kept.iter().map(|kept| share_of(kept, rows)).sum::<usize>();
        Ok((Arc::new(Batch { cells, width, rows, outside, arena, kept }), result))
    }

    /// Rows in it.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Columns of each row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// One row. Panics past `len`, as a slice does.
    #[inline]
    pub fn row(&self, at: usize) -> &[Datum<'_>] {
        &self.cells[at * self.width..(at + 1) * self.width]
    }

    /// All rows in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[Datum<'_>]> {
        (0..self.rows).map(|at| self.row(at))
    }

    /// Bytes that it holds: its own, and the pages that it was read from (other batches count
    /// themselves).
    pub fn size(&self) -> usize {
        self.cells.capacity() * size_of::<Datum<'_>>() + self.arena.size + self.outside
    }

    /// Deep copies of the rows in a batch that keeps nothing else alive.
    pub fn detached(&self) -> Result<Arc<Batch>> {
        let (batch, ()) = Batch::build(self.width, |writer| {
            for row in self.iter() {
                writer.make(|cells, arena| {
                    cells.extend(row.iter().map(|datum| arena.copy(datum)));
                    Ok(true)
                })?;
            }
            Ok(())
        })?;
        Ok(batch)
    }

    /// How many things it keeps alive.
    pub fn kept(&self) -> usize {
        self.kept.len()
    }
}

/// Fills a batch.
pub struct Writer<'b> {
    cells: Vec<Datum<'b>>,
    width: usize,
    rows: usize,
    outside: usize,
    arena: &'b Arena,
    kept: SmallVec<[Kept; KEPT]>,
}

impl<'b> Writer<'b> {
    /// Where kernels put what they make for this batch.
    #[inline]
    pub fn arena(&self) -> &'b Arena {
        self.arena
    }

    /// Borrows from something for as long as the batch lives, by keeping it alive.
    #[inline]
    pub fn keep<T: Any + Send + Sync>(&mut self, item: &Arc<T>) -> &'b T {
        let pointer: *const T = Arc::as_ptr(item);
        let known = |kept: &Kept| std::ptr::addr_eq(Arc::as_ptr(kept), pointer);
        if size_of::<T>() == 0 || !self.kept.iter().any(known) {
            self.kept.push(item.clone());
        }
        // SAFETY: the batch owns a clone of the `Arc` and drops it with its cells; an `Arc`'s
        // content does not move.
        unsafe { &*pointer }
    }

    /// Borrows a part of something shared for as long as the batch lives.
    #[inline]
    pub fn keep_part<U: Sync>(&mut self, part: &Part<U>) -> &'b U {
        let pointer = Arc::as_ptr(part.owner());
        if !self.kept.iter().any(|kept| std::ptr::addr_eq(Arc::as_ptr(kept), pointer)) {
            self.kept.push(part.owner().clone());
        }
        // SAFETY: the part lies in its owner, which the batch now keeps alive.
        unsafe { &*part.as_ptr() }
    }

    /// Adds one row.
    #[inline]
    pub fn row(&mut self, row: &[Datum<'b>]) {
        debug_assert_eq!(row.len(), self.width);
        self.cells.extend_from_slice(row);
        self.rows += 1;
    }

    /// Adds one row made of two.
    #[inline]
    pub fn joined(&mut self, left: &[Datum<'b>], right: &[Datum<'b>]) {
        debug_assert_eq!(left.len() + right.len(), self.width);
        self.cells.extend_from_slice(left);
        self.cells.extend_from_slice(right);
        self.rows += 1;
    }

    /// Adds a row padded with NULLs behind `left`.
    pub fn padded(&mut self, left: &[Datum<'b>]) {
        self.cells.extend_from_slice(left);
        self.rows += 1;
        self.cells.resize(self.rows * self.width, Datum::Null);
    }

    /// Adds a row whose cells the closure pushes. It is not added if the closure fails or answers
    /// false.
    #[inline]
    pub fn make(
        &mut self,
        fill: impl FnOnce(&mut Vec<Datum<'b>>, &'b Arena) -> Result<bool>,
    ) -> Result<bool> {
        let start = self.cells.len();
        match fill(&mut self.cells, self.arena) {
            Ok(true) => {
                debug_assert_eq!(self.cells.len(), start + self.width);
                self.rows += 1;
                Ok(true)
            }
            other => {
                self.cells.truncate(start);
                other
            }
        }
    }

    /// Makes the given row the batch's only one, whatever its width.
    pub(super) fn single(&mut self, row: Vec<Datum<'b>>) {
        self.width = row.len();
        self.cells = row;
        self.rows = 1;
    }

    /// Counts bytes that the batch keeps alive and nobody else counts: pages of the store.
    pub fn count_outside(&mut self, bytes: usize) {
        self.outside += bytes;
    }

    /// Rows so far.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is no row yet.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Whether the batch is as large as an operator wants.
    pub fn is_full(&self) -> bool {
        self.rows >= BATCH_ROWS
    }
}

/// Many batches kept together, with rows named by position: what sorts, hashes and groups hold.
#[derive(Default)]
pub struct Rows {
    batches: Vec<Arc<Batch>>,
    size: usize,
}

/// A row of [`Rows`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowId {
    batch: u32,
    row: u32,
}

impl Rows {
    /// Adds a batch and answers the names of its rows.
    pub fn add(&mut self, batch: Arc<Batch>) -> impl Iterator<Item = RowId> + use<> {
        let at = self.batches.len() as u32;
        let rows = batch.len() as u32;
        self.size += batch.size();
        self.batches.push(batch);
        (0..rows).map(move |row| RowId { batch: at, row })
    }

    /// Lets the batch added last go again; its rows' names are void.
    pub fn forget_last(&mut self) {
        if let Some(batch) = self.batches.pop() {
            self.size -= batch.size();
        }
    }

    /// One row.
    #[inline]
    pub fn get(&self, id: RowId) -> &[Datum<'_>] {
        self.batches[id.batch as usize].row(id.row as usize)
    }

    /// All rows in the order added.
    pub fn ids(&self) -> impl Iterator<Item = RowId> + '_ {
        self.batches.iter().enumerate().flat_map(|(batch, rows)| {
            (0..rows.len() as u32).map(move |row| RowId { batch: batch as u32, row })
        })
    }

    /// Rows in all.
    pub fn len(&self) -> usize {
        self.batches.iter().map(|batch| batch.len()).sum()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes held.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.batches.clear();
        self.size = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_outlives_the_input_it_borrows_from() {
        let (input, ()) = Batch::build(1, |w| {
            for word in ["ab", "cde"] {
                let text = w.arena().text(word);
                w.row(&[Datum::Text(text)]);
            }
            Ok(())
        })
        .unwrap();
        let (output, ()) = Batch::build(2, |w| {
            let rows = w.keep(&input);
            for row in rows.iter() {
                w.joined(row, &[Datum::Int(1)]);
            }
            Ok(())
        })
        .unwrap();
        drop(input);
        assert_eq!(output.kept(), 1);
        assert!(matches!(output.row(1), [Datum::Text("cde"), Datum::Int(1)]));
    }

    #[test]
    fn a_row_that_fails_leaves_no_cells() {
        let (batch, ()) = Batch::build(2, |w| {
            let failed = w.make(|cells, _| {
                cells.push(Datum::Int(1));
                Err(crate::Error::internal("no"))
            });
            assert!(failed.is_err());
            let skipped = w.make(|cells, _| {
                cells.extend([Datum::Int(3), Datum::Int(4)]);
                Ok(false)
            })?;
            assert!(!skipped);
            w.row(&[Datum::Int(2), Datum::Null]);
            Ok(())
        })
        .unwrap();
        assert_eq!(batch.len(), 1);
        assert!(matches!(batch.row(0)[0], Datum::Int(2)));
    }
}
