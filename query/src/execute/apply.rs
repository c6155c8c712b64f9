//! Apply: for each outer row, an inner plan runs with some of the row's columns as parameters.
//!
//! This is how every subquery and every index join runs: the binder puts subqueries here instead of
//! into expressions, so that an expression never needs the store.
//!
//! ```text
//!   outer row ──parameters──► frame' ──► inner rewinds and runs under frame' ──► by kind:
//!       Cross, Left          outer ⧺ inner          Scalar   outer ⧺ value
//!       Exists, Quantified   outer ⧺ bool           Array    outer ⧺ array
//! ```
//!
//! An inner plan without parameters is run once for the statement; one whose parameters equal the
//! previous outer row's is not run again. Its rows are kept for that, within the statement's
//! memory.
//!
//! **Invariants**
//! - The operators inside see `run.frame` = the frame of their round; it is restored before this
//!   operator returns.
//! - A kept round is complete: it is used again only after the inner plan said `Done`.

use std::sync::Arc;

use super::batch::{Batch, RowId, Rows, Writer};
use super::part::Part;
use super::relational::holds;
use super::run::{BoxOperator, Frame, Operator, Run, Step, build_row};
use super::set::same_row;
use crate::expression::{Context, Expression};
use crate::function::{Call, CallTypes, Function, array};
use crate::plan::ApplyKind;
use crate::{Arena, Datum, Error, ErrorKind, Result, Type};

/// Slots and the outer expressions that fill them.
pub type Parameters = Vec<(u32, Expression)>;

/// Runs an inner plan for each outer row.
pub struct Apply {
    input: BoxOperator,
    inner: BoxOperator,
    inner_types: Vec<Type>,
    parameters: Part<Parameters>,
    /// How many parameters the statement has before the applied slots.
    base: u32,
    kind: Part<ApplyKind>,
    outer: Option<Arc<Batch>>,
    at: usize,
    round: Round,
    width: usize,
}

/// One run of the inner plan.
#[derive(Default)]
struct Round {
    /// The parameter values it ran with.
    values: Option<Arc<Batch>>,
    frame: Option<Arc<Frame>>,
    rows: Arc<Rows>,
    ids: Vec<RowId>,
    complete: bool,
}

impl Apply {
    /// `width`: columns that come out.
    pub fn new(
        (input, inner): (BoxOperator, BoxOperator),
        inner_types: Vec<Type>,
        parameters: Part<Parameters>,
        base: u32,
        kind: Part<ApplyKind>,
        width: usize,
    ) -> Self {
        let round = Round::default();
        Apply {
            input,
            inner,
            inner_types,
            parameters,
            base,
            kind,
            outer: None,
            at: 0,
            round,
            width,
        }
    }

    /// Makes the round of an outer row current, keeping the last one if its parameters are the
    /// same.
    fn start_round(&mut self, outer: &Arc<Batch>, run: &mut Run) -> Result<()> {
        let values = self.evaluate(outer, run)?;
        if let (Some(old), true) = (&self.round.values, self.round.complete)
            && same_row(old.row(0), values.row(0))
        {
            return Ok(());
        }
        let frame = run.frame.with(|writer, row| {
            let values = writer.keep(&values).row(0);
            for ((slot, _), value) in self.parameters.iter().zip(values) {
                let at = (self.base + slot) as usize;
                if row.len() <= at {
                    row.resize(at + 1, Datum::Null);
                }
                row[at] = *value;
            }
            Ok(())
        })?;
        run.give_back(self.round.rows.size());
        self.round =
            Round { values: Some(values), frame: Some(Arc::new(frame)), ..Round::default() };
        self.inner.rewind(run);
        Ok(())
    }

    fn evaluate(&self, outer: &Arc<Batch>, run: &Run) -> Result<Arc<Batch>> {
        build_row(|writer| {
            let parameters = writer.keep_part(&self.parameters);
            let context = writer.keep(&run.frame).context();
            let row = writer.keep(outer).row(self.at);
            let arena = writer.arena();
            parameters.iter().map(|(_, value)| value.eval(&context, row, arena)).collect()
        })
    }

    /// Reads the inner plan to its end, or as far as the kind needs. `false`: wait.
    fn run_round(&mut self, run: &mut Run) -> Result<bool> {
        let Some(frame) = self.round.frame.clone() else { return Ok(true) };
        if self.round.complete {
            return Ok(true);
        }
        let outside = std::mem::replace(&mut run.frame, frame);
        let result = self.read_inner(run);
        run.frame = outside;
        result
    }

    fn read_inner(&mut self, run: &mut Run) -> Result<bool> {
        loop {
            match self.inner.next(run)? {
                Step::Wait => return Ok(false),
                Step::Done => break,
                Step::Rows(batch) => {
                    run.reserve(batch.size())?;
                    if let Some(rows) = Arc::get_mut(&mut self.round.rows) {
                        self.round.ids.extend(rows.add(batch));
                    }
                    match &*self.kind {
                        ApplyKind::Exists => break,
                        ApplyKind::Scalar if self.round.ids.len() > 1 => return Err(several_rows()),
                        _ => {}
                    }
                }
            }
        }
        self.round.complete = true;
        Ok(true)
    }

    /// The output rows of the outer rows from the current one up to `to`.
    fn produce(&self, outer: &Arc<Batch>, to: usize, run: &Run) -> Result<Arc<Batch>> {
        let (batch, ()) = Batch::build(self.width, |writer| {
            let outer = writer.keep(outer);
            let rows = writer.keep(&self.round.rows);
            let kind = writer.keep_part(&self.kind);
            let context = writer.keep(&run.frame).context();
            (self.at..to).try_for_each(|at| self.row(writer, kind, outer.row(at), rows, &context))
        })?;
        Ok(batch)
    }

    fn row<'b>(
        &self,
        writer: &mut Writer<'b>,
        kind: &'b ApplyKind,
        row: &[Datum<'b>],
        rows: &'b Rows,
        context: &Context<'b>,
    ) -> Result<()> {
        match kind {
            ApplyKind::Cross(condition) => {
                self.pairs(writer, row, rows, condition.as_ref(), context)?;
            }
            ApplyKind::Left(condition) => {
                if self.pairs(writer, row, rows, condition.as_ref(), context)? == 0 {
                    writer.padded(row);
                }
            }
            ApplyKind::Scalar => {
                let value = self.round.ids.first().map_or(Datum::Null, |id| rows.get(*id)[0]);
                writer.joined(row, &[value]);
            }
            ApplyKind::Exists => writer.joined(row, &[Datum::Bool(!self.round.ids.is_empty())]),
            ApplyKind::Quantified { left, operators, all } => {
                let arena = writer.arena();
                let value = self.quantified(left, operators, *all, (row, rows), context, arena)?;
                writer.joined(row, &[value]);
            }
            ApplyKind::Array => {
                let element = self.inner_types.first().copied().unwrap_or(Type::UNKNOWN);
                let values: Vec<Datum<'_>> =
                    self.round.ids.iter().map(|id| rows.get(*id)[0]).collect();
                let bytes = match element.array {
                    true => array::nest(&values)?,
                    false => array::encode(&values, element.scalar)?,
                };
                let array = value::Raw::new(writer.arena().bytes(&bytes));
                writer.joined(row, &[Datum::Array(array)]);
            }
        }
        Ok(())
    }

    fn pairs<'b>(
        &self,
        writer: &mut Writer<'b>,
        row: &[Datum<'b>],
        rows: &'b Rows,
        condition: Option<&Expression>,
        context: &Context<'_>,
    ) -> Result<usize> {
        let scratch = Arena::new();
        let before = writer.len();
        for id in &self.round.ids {
            let inner = rows.get(*id);
            let pair: Vec<Datum<'b>> = row.iter().chain(inner).copied().collect();
            let keep = match condition {
                Some(condition) => holds(condition, context, &pair, &scratch)?,
                None => true,
            };
            if keep {
                writer.row(&pair);
            }
        }
        Ok(writer.len() - before)
    }

    /// `left op ANY/ALL (rows)`: true or false decides, NULL is remembered.
    fn quantified<'b>(
        &self,
        left: &'b [Expression],
        operators: &[&'static Function],
        all: bool,
        (row, rows): (&[Datum<'b>], &'b Rows),
        context: &Context<'b>,
        arena: &'b Arena,
    ) -> Result<Datum<'b>> {
        let left: Vec<Datum<'_>> =
            left.iter().map(|side| side.eval(context, row, arena)).collect::<Result<_>>()?;
        let mut unknown = false;
        for id in &self.round.ids {
            match row_matches((context, arena), &left, rows.get(*id), operators)? {
                Some(holds) if holds != all => return Ok(Datum::Bool(!all)),
                Some(_) => {}
                None => unknown = true,
            }
        }
        Ok(if unknown { Datum::Null } else { Datum::Bool(all) })
    }
}

/// AND over the columns of `left op right`.
fn row_matches<'b>(
    (context, arena): (&Context<'b>, &'b Arena),
    left: &[Datum<'b>],
    right: &[Datum<'b>],
    operators: &[&'static Function],
) -> Result<Option<bool>> {
    let mut unknown = false;
    for (operator, (a, b)) in operators.iter().zip(left.iter().zip(right)) {
        if a.is_null() || b.is_null() {
            unknown = true;
            continue;
        }
        let types = CallTypes::Listed(operator.arguments);
        let call = Call { context, arena, modifier: -1, result: operator.result, types };
        match (operator.kernel)(&call, &[*a, *b])? {
            Datum::Bool(true) => {}
            Datum::Bool(false) => return Ok(Some(false)),
            _ => unknown = true,
        }
    }
    Ok(if unknown { None } else { Some(true) })
}

fn several_rows() -> Error {
    Error::new(
        ErrorKind::Type,
        "21000",
        "more than one row returned by a subquery used as an expression",
    )
}

impl Operator for Apply {
    fn next(&mut self, run: &mut Run) -> Result<Step> {
        loop {
            let outer = match self.outer.take() {
                Some(outer) => outer,
                None => match self.input.next(run)? {
                    Step::Rows(batch) => {
                        self.at = 0;
                        self.start_round(&batch, run)?;
                        batch
                    }
                    other => return Ok(other),
                },
            };
            if !self.run_round(run)? {
                self.outer = Some(outer);
                return Ok(Step::Wait);
            }
            // Without parameters one round serves every outer row.
            let to = if self.parameters.is_empty() { outer.len() } else { self.at + 1 };
            let batch = self.produce(&outer, to, run)?;
            self.at = to;
            if self.at < outer.len() {
                self.start_round(&outer, run)?;
                self.outer = Some(outer);
            }
            if !batch.is_empty() {
                return Ok(Step::Rows(batch));
            }
        }
    }

    fn rewind(&mut self, run: &mut Run) {
        self.outer = None;
        // A round without parameters stays valid only within one frame of the outside.
        run.give_back(self.round.rows.size());
        self.round = Round::default();
        self.input.rewind(run);
    }
}
