//! ORDER BY.
//!
//! Keys are evaluated once for each row into a batch of their own; what is sorted is positions.
//! With a limit above it the operator keeps a bounded set: whenever it holds twice the wanted rows
//! it sorts and drops the rest, so that `ORDER BY … LIMIT 10` over a million rows keeps twenty. The
//! sort is stable.
//!
//! Rejected: encoding keys as bytes and comparing those (pays for itself only over wide
//! multi-column sorts).

use std::cmp::Ordering;
use std::sync::Arc;

use super::batch::{BATCH_ROWS, Batch, RowId, Rows};
use super::part::Part;
use super::relational::{LIMIT_NEGATIVE, row_count};
use super::run::{BoxOperator, Operator, Run, Step};
use crate::expression::{Context, Expression};
use crate::function::compare;
use crate::plan::SortKey;
use crate::{Arena, Datum, Result, Type};

/// Sorts all rows of its input.
pub struct Sort {
    input: BoxOperator,
    keys: Part<Vec<SortKey>>,
    top: Option<Part<Expression>>,
    sorted: Sorted,
    state: State,
    want: Option<usize>,
}

enum State {
    Fresh,
    Filling,
    Giving(usize),
}

impl Sort {
    /// `top`: how many rows are wanted at most.
    pub fn new(
        input: BoxOperator,
        keys: Part<Vec<SortKey>>,
        top: Option<Part<Expression>>,
    ) -> Self {
        Sort { input, keys, top, sorted: Sorted::default(), state: State::Fresh, want: None }
    }

    fn fill(&mut self, run: &mut Run) -> Result<Option<Step>> {
        loop {
            match self.input.next(run)? {
                Step::Rows(batch) => {
                    let keys = evaluate_keys(&batch, &self.keys, run)?;
                    run.reserve(batch.size() + keys.size())?;
                    self.sorted.add(batch, keys);
                    if let Some(want) = self.want
                        && self.sorted.order.len() > (2 * want).max(4 * BATCH_ROWS)
                    {
                        run.give_back(self.sorted.size());
                        self.sorted.keep_first(want, &self.keys)?;
                        run.reserve(self.sorted.size())?;
                    }
                }
                Step::Wait => return Ok(Some(Step::Wait)),
                Step::Done => return Ok(None),
            }
        }
    }
}

impl Operator for Sort {
    fn next(&mut self, run: &mut Run) -> Result<Step> {
        if matches!(self.state, State::Fresh) {
            // What is wrong with the limit is the Limit's to say.
            let top = row_count(self.top.as_ref(), run, LIMIT_NEGATIVE).unwrap_or(None);
            self.want = top.map(|rows| usize::try_from(rows).unwrap_or(usize::MAX / 4));
            self.state = State::Filling;
        }
        if matches!(self.state, State::Filling) {
            if let Some(step) = self.fill(run)? {
                return Ok(step);
            }
            self.sorted.sort(&self.keys);
            self.state = State::Giving(0);
        }
        let State::Giving(at) = &mut self.state else { return Ok(Step::Done) };
        let to = self.sorted.order.len().min(*at + BATCH_ROWS);
        if *at == to {
            run.give_back(self.sorted.size());
            self.sorted = Sorted::default();
            return Ok(Step::Done);
        }
        let batch = self.sorted.batch(*at, to)?;
        *at = to;
        Ok(Step::Rows(batch))
    }

    fn rewind(&mut self, run: &mut Run) {
        run.give_back(self.sorted.size());
        self.sorted = Sorted::default();
        self.state = State::Fresh;
        self.input.rewind(run);
    }
}

/// The keys of each row of a batch.
pub fn evaluate_keys(
    input: &Arc<Batch>,
    keys: &Part<Vec<SortKey>>,
    run: &Run,
) -> Result<Arc<Batch>> {
    let (batch, ()) = Batch::build(keys.len(), |writer| {
        let keys = writer.keep_part(keys);
        let context = writer.keep(&run.frame).context();
        for row in writer.keep(input).iter() {
            writer.make(|cells, arena| {
                for key in keys {
                    cells.push(sort_cell(&key.expression, &context, row, arena)?);
                }
                Ok(true)
            })?;
        }
        Ok(())
    })?;
    Ok(batch)
}

/// What a row is sorted by: of a value of any type the element that it would be in a key, since
/// keys have the one order over all types.
pub fn sort_cell<'a>(
    key: &'a Expression,
    context: &Context<'a>,
    row: &[Datum<'a>],
    arena: &'a Arena,
) -> Result<Datum<'a>> {
    let cell = key.eval(context, row, arena)?;
    if key.ty != Type::ANY || cell.is_null() {
        return Ok(cell);
    }
    let mut element = Vec::new();
    crate::cast::write_any_key(&cell, &mut element)?;
    Ok(Datum::Bytes(arena.bytes(&element)))
}

/// How two rows of keys compare.
pub fn compare_keys(keys: &[SortKey], a: &[Datum<'_>], b: &[Datum<'_>]) -> Ordering {
    for (key, (a, b)) in keys.iter().zip(a.iter().zip(b)) {
        let order = compare(a, b, key.descending, key.nulls_first);
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

/// Rows, their keys, and an order over both.
#[derive(Default)]
struct Sorted {
    rows: Arc<Rows>,
    keys: Rows,
    order: Vec<RowId>,
}

impl Sorted {
    fn add(&mut self, batch: Arc<Batch>, keys: Arc<Batch>) {
        if let Some(rows) = Arc::get_mut(&mut self.rows) {
            self.order.extend(rows.add(batch));
            self.keys.add(keys).for_each(drop);
        }
    }

    fn size(&self) -> usize {
        self.rows.size() + self.keys.size()
    }

    fn sort(&mut self, keys: &[SortKey]) {
        let values = &self.keys;
        self.order.sort_by(|a, b| compare_keys(keys, values.get(*a), values.get(*b)));
    }

    /// Sorts and keeps the first rows in a batch of their own, so that what they came from can go.
    fn keep_first(&mut self, want: usize, keys: &[SortKey]) -> Result<()> {
        self.sort(keys);
        self.order.truncate(want);
        let rows = copied(&self.rows, &self.order)?;
        let key_rows = copied(&self.keys, &self.order)?;
        *self = Sorted::default();
        if !rows.is_empty() {
            self.add(rows, key_rows);
        }
        Ok(())
    }

    fn batch(&self, from: usize, to: usize) -> Result<Arc<Batch>> {
        let width = self.order.first().map_or(0, |id| self.rows.get(*id).len());
        let (batch, ()) = Batch::build(width, |writer| {
            let rows = writer.keep(&self.rows);
            self.order[from..to].iter().for_each(|id| writer.row(rows.get(*id)));
            Ok(())
        })?;
        Ok(batch)
    }
}

/// Deep copies of some rows, which keep nothing else alive.
pub fn copied(rows: &Rows, ids: &[RowId]) -> Result<Arc<Batch>> {
    let width = ids.first().map_or(0, |id| rows.get(*id).len());
    let (batch, ()) = Batch::build(width, |writer| {
        for id in ids {
            writer.make(|cells, arena| {
                cells.extend(rows.get(*id).iter().map(|datum| arena.copy(datum)));
                Ok(true)
            })?;
        }
        Ok(())
    })?;
    Ok(batch)
}
