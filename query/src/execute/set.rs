//! DISTINCT, UNION, INTERSECT, EXCEPT: rows compared whole, NULLs equal to each other.
//!
//! One structure serves all: a hash table from the hash of a row to the kept rows with that hash,
//! each with a count. DISTINCT gives a row when it is first seen; INTERSECT and EXCEPT read the
//! right side into counts and then stream the left side against them, which is what their ALL forms
//! mean as well (min of the counts, difference of the counts).
//!
//! DISTINCT ON gives the first row of each run of equal leading columns; its input is sorted by
//! them.

use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::batch::{Batch, RowId, Rows};
use super::run::{BoxOperator, Operator, Run, Step};
use crate::function::datum_hash::hash_row;
use crate::function::equal;
use crate::plan::SetOperation;
use crate::{Datum, Result};

/// Where fewer than one row in so many of a batch is new, the new ones are copied and the batch is
/// let go.
const SPARSE: usize = 4;

/// Rows known by value, each with a count.
#[derive(Default)]
struct Seen {
    rows: Rows,
    table: HashMap<u64, Vec<(RowId, u64)>, FixedState>,
    reserved: usize,
}

impl Seen {
    fn find(&mut self, row: &[Datum<'_>]) -> Option<&mut u64> {
        let rows = &self.rows;
        let known = self.table.get_mut(&hash(row))?;
        let found = known.iter_mut().find(|(id, _)| same_row(rows.get(*id), row));
        found.map(|(_, count)| count)
    }

    /// Counts each row of a batch; answers which were not known before.
    fn add(&mut self, batch: &Arc<Batch>, run: &mut Run) -> Result<Vec<usize>> {
        let mut fresh = Vec::new();
        let mut names = Vec::new();
        let ids: Vec<RowId> = self.rows.add(batch.clone()).collect();
        for ((at, row), id) in batch.iter().enumerate().zip(ids) {
            if let Some(count) = self.find(row) {
                *count += 1;
                continue;
            }
            let hash = hash(row);
            self.table.entry(hash).or_default().push((id, 1));
            fresh.push(at);
            names.push((hash, id));
        }
        if fresh.is_empty() {
            self.rows.forget_last();
            return Ok(fresh);
        }
        let mut held = batch.size();
        if fresh.len() * SPARSE < batch.len() {
            held = self.copy_out(batch, &fresh, &names)?;
        }
        let bytes = held + fresh.len() * 48;
        run.reserve(bytes)?;
        self.reserved += bytes;
        Ok(fresh)
    }

    /// Keeps copies of the few new rows instead of the batch added last; answers their bytes.
    fn copy_out(
        &mut self,
        batch: &Arc<Batch>,
        fresh: &[usize],
        names: &[(u64, RowId)],
    ) -> Result<usize> {
        let copies = pick(batch, fresh)?.detached()?;
        let bytes = copies.size();
        self.rows.forget_last();
        for ((hash, old), new) in names.iter().zip(self.rows.add(copies)) {
            let known =
                self.table.get_mut(hash).and_then(|list| list.iter_mut().find(|(id, _)| id == old));
            if let Some((id, _)) = known {
                *id = new;
            }
        }
        Ok(bytes)
    }

    fn clear(&mut self, run: &mut Run) {
        run.give_back(self.reserved);
        *self = Seen::default();
    }
}

fn hash(row: &[Datum<'_>]) -> u64 {
    hash_row(row, 0)
}

/// Whether two rows are the same values; NULLs are the same.
pub fn same_row(a: &[Datum<'_>], b: &[Datum<'_>]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
}

/// Some rows of a batch.
fn pick(batch: &Arc<Batch>, rows: &[usize]) -> Result<Arc<Batch>> {
    if rows.len() == batch.len() {
        return Ok(batch.clone());
    }
    let (picked, ()) = Batch::build(batch.width(), |writer| {
        let from = writer.keep(batch);
        rows.iter().for_each(|at| writer.row(from.row(*at)));
        Ok(())
    })?;
    Ok(picked)
}

/// DISTINCT over all columns.
pub struct Distinct {
    input: BoxOperator,
    seen: Seen,
}

impl Distinct {
    /// Each different row of the input once, in the order first seen.
    pub fn new(input: BoxOperator) -> Self {
        Distinct { input, seen: Seen::default() }
    }
}

impl Operator for Distinct {
    fn next(&mut self, run: &mut Run) -> Result<Step> {
        loop {
            let batch = match self.input.next(run)? {
                Step::Rows(batch) => batch,
                other => return Ok(other),
            };
            let fresh = self.seen.add(&batch, run)?;
            if !fresh.is_empty() {
                return Ok(Step::Rows(pick(&batch, &fresh)?));
            }
        }
    }

    fn rewind(&mut self, run: &mut Run) {
        self.seen.clear(run);
        self.input.rewind(run);
    }
}

/// DISTINCT ON the first columns of a sorted input.
pub struct DistinctOn {
    input: BoxOperator,
    columns: usize,
    last: Option<Arc<Batch>>,
}

impl DistinctOn {
    /// The first row of each run of equal first `columns` columns.
    pub fn new(input: BoxOperator, columns: usize) -> Self {
        DistinctOn { input, columns, last: None }
    }
}

impl Operator for DistinctOn {
    fn next(&mut self, run: &mut Run) -> Result<Step> {
        loop {
            let batch = match self.input.next(run)? {
                Step::Rows(batch) => batch,
                other => return Ok(other),
            };
            let mut fresh = Vec::new();
            for (at, row) in batch.iter().enumerate() {
                let lead = &row[..self.columns];
                let before = match (at, &self.last) {
                    (0, None) => None,
                    (0, Some(last)) => Some(last.row(last.len() - 1)),
                    _ => Some(batch.row(at - 1)),
                };
                if before.is_none_or(|row| !same_row(&row[..self.columns], lead)) {
                    fresh.push(at);
                }
            }
            let picked = if fresh.is_empty() { None } else { Some(pick(&batch, &fresh)?) };
            self.last = Some(batch);
            if let Some(picked) = picked {
                return Ok(Step::Rows(picked));
            }
        }
    }

    fn rewind(&mut self, run: &mut Run) {
        self.last = None;
        self.input.rewind(run);
    }
}

/// `INTERSECT [ALL]` and `EXCEPT [ALL]`.
pub struct Against {
    left: BoxOperator,
    right: BoxOperator,
    intersect: bool,
    all: bool,
    other: Seen,
    given: Seen,
    complete: bool,
}

impl Against {
    /// `operation` is INTERSECT or EXCEPT; UNION is an `Append` under a `Distinct`.
    pub fn new(left: BoxOperator, right: BoxOperator, operation: SetOperation, all: bool) -> Self {
        let intersect = operation == SetOperation::Intersect;
        let (other, given) = (Seen::default(), Seen::default());
        Against { left, right, intersect, all, other, given, complete: false }
    }

    /// Whether a left row comes out.
    fn admit(&mut self, row: &[Datum<'_>]) -> bool {
        let count = self.other.find(row);
        match (self.all, count) {
            (false, count) => count.is_some() == self.intersect,
            (true, Some(count)) if *count > 0 => {
                *count -= 1;
                self.intersect
            }
            (true, _) => !self.intersect,
        }
    }
}

impl Operator for Against {
    fn next(&mut self, run: &mut Run) -> Result<Step> {
        while !self.complete {
            match self.right.next(run)? {
                Step::Rows(batch) => self.other.add(&batch, run).map(drop)?,
                Step::Wait => return Ok(Step::Wait),
                Step::Done => self.complete = true,
            }
        }
        loop {
            let batch = match self.left.next(run)? {
                Step::Rows(batch) => batch,
                other => return Ok(other),
            };
            let admitted: Vec<usize> =
                (0..batch.len()).filter(|at| self.admit(batch.row(*at))).collect();
            if admitted.is_empty() {
                continue;
            }
            let batch = pick(&batch, &admitted)?;
            if self.all {
                return Ok(Step::Rows(batch));
            }
            let fresh = self.given.add(&batch, run)?;
            if !fresh.is_empty() {
                return Ok(Step::Rows(pick(&batch, &fresh)?));
            }
        }
    }

    fn rewind(&mut self, run: &mut Run) {
        self.other.clear(run);
        self.given.clear(run);
        self.complete = false;
        self.left.rewind(run);
        self.right.rewind(run);
    }
}
