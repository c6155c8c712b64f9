//! The plain operators: values, filter, project, limit, set operations' append.
//!
//! Each is a few lines around the same loop: pull a batch, borrow it, make a batch from it. A batch
//! without rows is never passed on; the loop pulls again instead, so that an operator above may
//! take `Rows` for "at least one".

use std::sync::Arc;

use super::batch::{BATCH_ROWS, Batch};
use super::part::Part;
use super::run::{BoxOperator, Operator, Run, Step};
use crate::expression::Expression;
use crate::{Arena, Datum, Error, ErrorKind, Result};

/// One row without columns, or none.
pub struct Single {
    rows: usize,
    left: usize,
}

impl Single {
    /// So many rows without columns.
    pub fn new(rows: usize) -> Self {
        Single { rows, left: rows }
    }
}

impl Operator for Single {
    fn next(&mut self, _run: &mut Run) -> Result<Step> {
        if self.left == 0 {
            return Ok(Step::Done);
        }
        let rows = std::mem::take(&mut self.left);
        let (batch, ()) = Batch::build(0, |writer| {
            (0..rows).for_each(|_| writer.row(&[]));
            Ok(())
        })?;
        Ok(Step::Rows(batch))
    }

    fn rewind(&mut self, _run: &mut Run) {
        self.left = self.rows;
    }
}

/// VALUES.
pub struct Values {
    rows: Part<Vec<Vec<Expression>>>,
    width: usize,
    at: usize,
}

impl Values {
    /// Rows of expressions over no input.
    pub fn new(rows: Part<Vec<Vec<Expression>>>, width: usize) -> Self {
        Values { rows, width, at: 0 }
    }
}

impl Operator for Values {
    fn next(&mut self, run: &mut Run) -> Result<Step> {
        let from = self.at;
        let to = self.rows.len().min(from + BATCH_ROWS);
        if from == to {
            return Ok(Step::Done);
        }
        self.at = to;
        let (batch, ()) = Batch::build(self.width, |writer| {
            let rows = writer.keep_part(&self.rows);
            let context = writer.keep(&run.frame).context();
            for row in &rows[from..to] {
                writer.make(|cells, arena| {
                    for expression in row {
                        cells.push(expression.eval(&context, &[], arena)?);
                    }
                    Ok(true)
                })?;
            }
            Ok(())
        })?;
        Ok(Step::Rows(batch))
    }

    fn rewind(&mut self, _run: &mut Run) {
        self.at = 0;
    }
}

/// WHERE, HAVING.
pub struct Filter {
    input: BoxOperator,
    predicate: Part<Expression>,
}

impl Filter {
    /// Rows of `input` for which the predicate is true.
    pub fn new(input: BoxOperator, predicate: Part<Expression>) -> Self {
        Filter { input, predicate }
    }
}

/// Whether a predicate is true over a row (NULL is not).
#[inline]
pub fn holds(
    predicate: &Expression,
    context: &crate::expression::Context<'_>,
    row: &[Datum<'_>],
    arena: &Arena,
) -> Result<bool> {
    Ok(matches!(predicate.eval(context, row, arena)?, Datum::Bool(true)))
}

impl Operator for Filter {
    fn next(&mut self, run: &mut Run) -> Result<Step> {
        loop {
            let input = match self.input.next(run)? {
                Step::Rows(batch) => batch,
                other => return Ok(other),
            };
            let scratch = Arena::new();
            let context = run.frame.context();
            let mut kept = Vec::with_capacity(input.len());
            for (at, row) in input.iter().enumerate() {
                if holds(&self.predicate, &context, row, &scratch)? {
                    kept.push(at);
                }
            }
            if kept.len() == input.len() {
                return Ok(Step::Rows(input));
            }
            if kept.is_empty() {
                run.check_cancelled()?;
                continue;
            }
            let (batch, ()) = Batch::build(input.width(), |writer| {
                let rows = writer.keep(&input);
                kept.iter().for_each(|at| writer.row(rows.row(*at)));
                Ok(())
            })?;
            return Ok(Step::Rows(batch));
        }
    }

    fn rewind(&mut self, run: &mut Run) {
        self.input.rewind(run);
    }
}

/// SELECT's list.
pub struct Project {
    input: BoxOperator,
    expressions: Part<Vec<Expression>>,
}

impl Project {
    /// New columns over the rows of `input`.
    pub fn new(input: BoxOperator, expressions: Part<Vec<Expression>>) -> Self {
        Project { input, expressions }
    }
}

impl Operator for Project {
    fn next(&mut self, run: &mut Run) -> Result<Step> {
        let input = match self.input.next(run)? {
            Step::Rows(batch) => batch,
            other => return Ok(other),
        };
        Ok(Step::Rows(project(&input, &self.expressions, run)?))
    }

    fn rewind(&mut self, run: &mut Run) {
        self.input.rewind(run);
    }
}

/// New columns over the rows of a batch.
pub fn project(
    input: &Arc<Batch>,
    expressions: &Part<Vec<Expression>>,
    run: &Run,
) -> Result<Arc<Batch>> {
    let (batch, ()) = Batch::build(expressions.len(), |writer| {
        let expressions = writer.keep_part(expressions);
        let context = writer.keep(&run.frame).context();
        for row in writer.keep(input).iter() {
            writer.make(|cells, arena| {
                for expression in expressions {
                    cells.push(expression.eval(&context, row, arena)?);
                }
                Ok(true)
            })?;
        }
        Ok(())
    })?;
    Ok(batch)
}

/// LIMIT and OFFSET.
pub struct Limit {
    input: BoxOperator,
    limit: Option<Part<Expression>>,
    offset: Option<Part<Expression>>,
    /// (rows to skip, rows to give), once evaluated.
    left: Option<(u64, u64)>,
}

impl Limit {
    /// At most `limit` rows after `offset`.
    pub fn new(
        input: BoxOperator,
        limit: Option<Part<Expression>>,
        offset: Option<Part<Expression>>,
    ) -> Self {
        Limit { input, limit, offset, left: None }
    }
}

/// A row count from a LIMIT or OFFSET expression; NULL is `None`.
pub fn row_count(
    expression: Option<&Part<Expression>>,
    run: &Run,
    (sqlstate, message): (&'static str, &'static str),
) -> Result<Option<u64>> {
    let Some(expression) = expression else { return Ok(None) };
    let arena = Arena::new();
    match expression.eval(&run.frame.context(), &[], &arena)? {
        Datum::Int(count) => match u64::try_from(count) {
            Ok(count) => Ok(Some(count)),
            Err(_) => Err(Error::new(ErrorKind::Type, sqlstate, message)),
        },
        Datum::Null | Datum::Missing => Ok(None),
        _ => Err(Error::internal("LIMIT is not a bigint")),
    }
}

/// 2201W and its text.
pub const LIMIT_NEGATIVE: (&str, &str) = ("2201W", "LIMIT must not be negative");
/// 2201X and its text.
pub const OFFSET_NEGATIVE: (&str, &str) = ("2201X", "OFFSET must not be negative");

impl Operator for Limit {
    fn next(&mut self, run: &mut Run) -> Result<Step> {
        if self.left.is_none() {
            let skip = row_count(self.offset.as_ref(), run, OFFSET_NEGATIVE)?.unwrap_or(0);
            let give = row_count(self.limit.as_ref(), run, LIMIT_NEGATIVE)?.unwrap_or(u64::MAX);
            self.left = Some((skip, give));
        }
        loop {
            let Some((skip, give)) = &mut self.left else { return Ok(Step::Done) };
            if *give == 0 {
                return Ok(Step::Done);
            }
            let batch = match self.input.next(run)? {
                Step::Rows(batch) => batch,
                other => return Ok(other),
            };
            let rows = batch.len() as u64;
            let from = (*skip).min(rows);
            *skip -= from;
            let to = rows.min(from.saturating_add(*give));
            *give -= to - from;
            if from == to {
                continue;
            }
            if to - from == rows {
                return Ok(Step::Rows(batch));
            }
            let (cut, ()) = Batch::build(batch.width(), |writer| {
                let rows = writer.keep(&batch);
                (from..to).for_each(|at| writer.row(rows.row(at as usize)));
                Ok(())
            })?;
            return Ok(Step::Rows(cut));
        }
    }

    fn rewind(&mut self, run: &mut Run) {
        self.left = None;
        self.input.rewind(run);
    }
}

/// UNION ALL: one input after the other.
pub struct Append {
    inputs: Vec<BoxOperator>,
    at: usize,
}

impl Append {
    /// All rows of the first input, then of the second, and so on.
    pub fn new(inputs: Vec<BoxOperator>) -> Self {
        Append { inputs, at: 0 }
    }
}

impl Operator for Append {
    fn next(&mut self, run: &mut Run) -> Result<Step> {
        while let Some(input) = self.inputs.get_mut(self.at) {
            match input.next(run)? {
                Step::Done => self.at += 1,
                step => return Ok(step),
            }
        }
        Ok(Step::Done)
    }

    fn rewind(&mut self, run: &mut Run) {
        self.at = 0;
        self.inputs.iter_mut().for_each(|input| input.rewind(run));
    }
}
