//! Joins of two inputs: nested loop and hash.
//!
//! The right side is read first and kept (`Rows`); then the left side streams through it. A hash
//! join groups the kept rows by the hash of their keys and verifies with the keys' own equality
//! operators, then with the whole ON condition, so that a hash or a coercion can never decide a
//! match.
//!
//! Semi and anti joins answer the left row alone; a left join pads what found no match.
//!
//! Rejected: choosing the hashed side at run time (the optimizer knows the sizes, and LEFT, SEMI
//! and ANTI fix the side).

use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::batch::{BATCH_ROWS, Batch, RowId, Rows};
use super::part::Part;
use super::relational::holds;
use super::run::{BoxOperator, Operator, Run, Step};
use crate::expression::{Context, Expression};
use crate::function::Function;
use crate::function::datum_hash::feed;
use crate::plan::JoinKind;
use crate::{Arena, Datum, Result};

/// Key expressions over left and right rows with the equality of each pair.
pub type HashKeys = Vec<(Expression, Expression, &'static Function)>;

/// A join of two inputs.
pub struct Join {
    left: BoxOperator,
    right: BoxOperator,
    right_width: usize,
    kind: JoinKind,
    keys: Option<Part<HashKeys>>,
    condition: Option<Part<Expression>>,
    side: Side,
    current: Option<Arc<Batch>>,
    /// The left row to go on with, and how far through its candidates.
    at: (usize, usize),
    matched: bool,
}

/// The kept right side.
#[derive(Default)]
struct Side {
    complete: bool,
    rows: Arc<Rows>,
    ids: Vec<RowId>,
    table: HashMap<u64, Vec<RowId>, FixedState>,
    reserved: usize,
}

impl Join {
    /// `keys`: hash by these; without them every pair is tried.
    pub fn new(
        (left, right): (BoxOperator, BoxOperator),
        right_width: usize,
        kind: JoinKind,
        keys: Option<Part<HashKeys>>,
        condition: Option<Part<Expression>>,
    ) -> Self {
        Join {
            left,
            right,
            right_width,
            kind,
            keys,
            condition,
            side: Side::default(),
            current: None,
            at: (0, 0),
            matched: false,
        }
    }

    /// Reads the whole right side; `Some` is a step to pass on.
    fn fill(&mut self, run: &mut Run) -> Result<Option<Step>> {
        loop {
            match self.right.next(run)? {
                Step::Rows(batch) => {
                    let bytes = batch.size() + batch.len() * size_of::<RowId>() * 2;
                    run.reserve(bytes)?;
                    self.side.reserved += bytes;
                    self.add(batch, run)?;
                }
                Step::Wait => return Ok(Some(Step::Wait)),
                Step::Done => {
                    self.side.complete = true;
                    return Ok(None);
                }
            }
        }
    }

    fn add(&mut self, batch: Arc<Batch>, run: &Run) -> Result<()> {
        let hashes = match &self.keys {
            Some(keys) => Some(hash_rows(&batch, keys, |key| &key.1, run)?),
            None => None,
        };
        let Some(rows) = Arc::get_mut(&mut self.side.rows) else { return Ok(()) };
        for (at, id) in rows.add(batch).enumerate() {
            match &hashes {
                // A NULL key matches nothing; inner, left, semi and anti joins never need its row.
                Some(hashes) => {
                    if let Some(hash) = hashes[at] {
                        self.side.table.entry(hash).or_default().push(id);
                    }
                }
                None => self.side.ids.push(id),
            }
        }
        Ok(())
    }

    fn width(&self, left: usize) -> usize {
        match self.kind {
            JoinKind::Inner | JoinKind::Left => left + self.right_width,
            JoinKind::Semi | JoinKind::Anti => left,
        }
    }

    /// Joins rows of the current left batch until the output is full.
    fn produce(&mut self, left: &Arc<Batch>, run: &Run) -> Result<Arc<Batch>> {
        let hashes = match &self.keys {
            Some(keys) => Some(hash_rows(left, keys, |key| &key.0, run)?),
            None => None,
        };
        let width = self.width(left.width());
        let (mut at, mut candidate) = self.at;
        let mut matched = self.matched;
        let (batch, ()) = Batch::build(width, |writer| {
            let lefts = writer.keep(left);
            let rows = writer.keep(&self.side.rows);
            let context = run.frame.context();
            let mut scratch = Arena::new();
            let mut pair = Vec::with_capacity(left.width() + self.right_width);
            while at < lefts.len() && !writer.is_full() {
                let row = lefts.row(at);
                let candidates: &[RowId] = match &hashes {
                    Some(hashes) => hashes[at]
                        .and_then(|hash| self.side.table.get(&hash))
                        .map_or(&[], Vec::as_slice),
                    None => &self.side.ids,
                };
                while candidate < candidates.len() && !writer.is_full() {
                    let right = rows.get(candidates[candidate]);
                    candidate += 1;
                    if !self.is_match(row, right, &context, &mut pair, &scratch)? {
                        continue;
                    }
                    matched = true;
                    match self.kind {
                        JoinKind::Inner | JoinKind::Left => writer.joined(row, right),
                        JoinKind::Semi => {
                            writer.row(row);
                            candidate = candidates.len();
                        }
                        JoinKind::Anti => candidate = candidates.len(),
                    }
                }
                if candidate < candidates.len() {
                    break;
                }
                match self.kind {
                    JoinKind::Left if !matched => writer.padded(row),
                    JoinKind::Anti if !matched => writer.row(row),
                    _ => {}
                }
                (at, candidate, matched) = (at + 1, 0, false);
                if at.is_multiple_of(BATCH_ROWS / 4) {
                    run.check_cancelled()?;
                    scratch.reset();
                }
            }
            Ok(())
        })?;
        self.at = (at, candidate);
        self.matched = matched;
        Ok(batch)
    }

    fn is_match<'a>(
        &self,
        left: &[Datum<'a>],
        right: &[Datum<'a>],
        context: &Context<'_>,
        pair: &mut Vec<Datum<'a>>,
        scratch: &Arena,
    ) -> Result<bool> {
        let Some(condition) = &self.condition else { return Ok(true) };
        pair.clear();
        pair.extend_from_slice(left);
        pair.extend_from_slice(right);
        holds(condition, context, pair, scratch)
    }
}

impl Operator for Join {
    fn next(&mut self, run: &mut Run) -> Result<Step> {
        if !self.side.complete
            && let Some(step) = self.fill(run)?
        {
            return Ok(step);
        }
        loop {
            let left = match self.current.take() {
                Some(left) => left,
                None => match self.left.next(run)? {
                    Step::Rows(batch) => {
                        self.at = (0, 0);
                        self.matched = false;
                        batch
                    }
                    other => return Ok(other),
                },
            };
            let batch = self.produce(&left, run)?;
            if self.at.0 < left.len() {
                self.current = Some(left);
            }
            run.check_cancelled()?;
            if !batch.is_empty() {
                return Ok(Step::Rows(batch));
            }
        }
    }

    fn rewind(&mut self, run: &mut Run) {
        run.give_back(self.side.reserved);
        self.side = Side::default();
        self.current = None;
        self.left.rewind(run);
        self.right.rewind(run);
    }
}

/// The hash of each row's keys; `None` where a key is NULL.
fn hash_rows(
    batch: &Arc<Batch>,
    keys: &Part<HashKeys>,
    side: impl for<'k> Fn(&'k (Expression, Expression, &'static Function)) -> &'k Expression,
    run: &Run,
) -> Result<Vec<Option<u64>>> {
    let context = run.frame.context();
    let arena = Arena::new();
    batch.iter().map(|row| hash_keys(keys.iter().map(&side), &context, row, &arena)).collect()
}

fn hash_keys<'k>(
    keys: impl Iterator<Item = &'k Expression>,
    context: &Context<'_>,
    row: &[Datum<'_>],
    arena: &Arena,
) -> Result<Option<u64>> {
    use std::hash::{BuildHasher, Hasher};
    let mut hash = FixedState::default().build_hasher();
    for key in keys {
        let datum = key.eval(context, row, arena)?;
        if datum.is_null() {
            return Ok(None);
        }
        feed(&datum, &mut hash);
    }
    Ok(Some(hash.finish()))
}
