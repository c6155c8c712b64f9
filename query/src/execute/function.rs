//! Set-returning functions: in FROM (ROWS FROM) and in the select list (ProjectSet).
//!
//! Both run their functions side by side and pad the shorter with NULL; they differ in what stands
//! before the functions' columns: nothing, or the input row, once for each row that the functions
//! make.
//!
//! ```text
//!   input row ─ arguments ─► RowSource ─ row by row ─► input ⧺ f1 ⧺ f2 columns [⧺ ordinality]
//! ```
//!
//! A source goes on over many batches and borrows its arguments, so it is kept beside what it
//! borrows from (`Source`).
//!
//! Rejected: all rows of a function at once (`generate_series(1, 1e9)` would not fit in memory).

use std::sync::Arc;

use smallvec::SmallVec;

use super::batch::{Batch, Writer};
use super::part::Part;
use super::run::{BoxOperator, Frame, Operator, Run, Step};
use crate::expression::Expression;
use crate::function::{BoxedSource, Call, CallTypes, SetFunction};
use crate::{Arena, Datum, Result, Type};

/// Functions with their arguments.
pub type Calls = Vec<(&'static SetFunction, Vec<Expression>)>;

/// What a source may borrow from.
struct Ground {
    arena: Arena,
    frame: Arc<Frame>,
    input: Option<Arc<Batch>>,
    calls: Part<Calls>,
}

// SAFETY: an arena is not `Sync` because it allocates through `&self`. Only the source that stands
// on this ground allocates in it, and that source is used through `&mut` alone; batches that keep
// the ground alive read what was allocated before, which never moves, and drop it.
unsafe impl Sync for Ground {}

/// A running call.
struct Source {
    /// Dropped first: it borrows from the ground.
    rows: BoxedSource<'static>,
    ground: Arc<Ground>,
    width: usize,
    done: bool,
}

// SAFETY: a source holds datums, numbers, time zones and references into its ground, and is used by
// one thread at a time. The arena that it may allocate in lies in its own ground, which nobody else
// allocates in.
unsafe impl Send for Source {}

impl Source {
    /// Starts the call at a position, over one row of `input` (or over no row).
    fn start(
        calls: &Part<Calls>,
        at: usize,
        (input, row): (Option<&Arc<Batch>>, usize),
        run: &Run,
    ) -> Result<Option<Source>> {
        let ground = Arc::new(Ground {
            arena: Arena::new(),
            frame: run.frame.clone(),
            input: input.cloned(),
            calls: calls.clone(),
        });
        // SAFETY: the source made from it is stored beside a clone of the `Arc` and dropped before
        // it; the content of an `Arc` does not move.
        let lent: &'static Ground = unsafe { &*Arc::as_ptr(&ground) };
        let Some((function, arguments)) = lent.calls.get(at) else { return Ok(None) };
        let context = lent.frame.context();
        let row: &'static [Datum<'static>] = match &lent.input {
            Some(batch) => batch.row(row),
            None => &[],
        };
        let values: SmallVec<[Datum<'static>; 3]> = arguments
            .iter()
            .map(|argument| argument.eval(&context, row, &lent.arena))
            .collect::<Result<_>>()?;
        let types = CallTypes::Expressions(arguments);
        let result = function.result;
        let call = Call { context: &context, arena: &lent.arena, modifier: -1, result, types };
        let rows = function.start(&call, &values)?;
        Ok(Some(Source { rows, ground, width: width_of(function, arguments), done: false }))
    }

    /// Pushes the columns of its next row, or NULLs; whether there was one.
    fn push<'b>(&mut self, writer_arena: &'b Arena, row: &mut Vec<Datum<'b>>) -> Result<bool> {
        let end = row.len() + self.width;
        if !self.done && !self.rows.next(writer_arena, row)? {
            self.done = true;
        }
        row.resize(end, Datum::Null);
        Ok(!self.done)
    }
}

/// How many columns a call gives.
pub fn width_of(function: &SetFunction, arguments: &[Expression]) -> usize {
    let types: SmallVec<[Type; 3]> = arguments.iter().map(|argument| argument.ty).collect();
    function.output(&types).len()
}

fn start_all(
    calls: &Part<Calls>,
    input: (Option<&Arc<Batch>>, usize),
    run: &Run,
) -> Result<Vec<Source>> {
    let sources = (0..calls.len()).map(|at| Source::start(calls, at, input, run));
    sources.filter_map(Result::transpose).collect()
}

/// Adds rows until the batch is full or every source is done; whether all are done.
fn fill<'b>(
    sources: &mut [Source],
    before: &[Datum<'b>],
    mut ordinal: Option<&mut i64>,
    writer: &mut Writer<'b>,
) -> Result<bool> {
    for source in sources.iter() {
        writer.keep(&source.ground);
    }
    while !writer.is_full() {
        let more = writer.make(|cells, arena| {
            cells.extend_from_slice(before);
            let mut any = false;
            for source in sources.iter_mut() {
                any |= source.push(arena, cells)?;
            }
            if let Some(ordinal) = ordinal.as_deref_mut() {
                *ordinal += 1;
                cells.push(Datum::Int(*ordinal));
            }
            Ok(any)
        })?;
        if !more {
            return Ok(true);
        }
    }
    Ok(false)
}

/// ROWS FROM.
pub struct FunctionScan {
    calls: Part<Calls>,
    width: usize,
    ordinality: bool,
    ordinal: i64,
    sources: Option<Vec<Source>>,
    done: bool,
}

impl FunctionScan {
    /// `width`: columns that come out, the ordinality included.
    pub fn new(calls: Part<Calls>, width: usize, ordinality: bool) -> Self {
        FunctionScan { calls, width, ordinality, ordinal: 0, sources: None, done: false }
    }
}

impl Operator for FunctionScan {
    fn next(&mut self, run: &mut Run) -> Result<Step> {
        if self.done {
            return Ok(Step::Done);
        }
        if run.tick()? {
            return Ok(Step::Wait);
        }
        let mut sources = match self.sources.take() {
            Some(sources) => sources,
            None => start_all(&self.calls, (None, 0), run)?,
        };
        let ordinal = self.ordinality.then_some(&mut self.ordinal);
        let (batch, done) =
            Batch::build(self.width, |writer| fill(&mut sources, &[], ordinal, writer))?;
        self.done = done;
        self.sources = Some(sources);
        Ok(if batch.is_empty() { Step::Done } else { Step::Rows(batch) })
    }

    fn rewind(&mut self, _run: &mut Run) {
        (self.sources, self.done, self.ordinal) = (None, false, 0);
    }
}

/// Set-returning functions of a select list.
pub struct ProjectSet {
    input: BoxOperator,
    calls: Part<Calls>,
    width: usize,
    current: Option<Current>,
}

struct Current {
    batch: Arc<Batch>,
    at: usize,
    sources: Option<Vec<Source>>,
}

impl ProjectSet {
    /// `width`: columns that come out, those of the input first.
    pub fn new(input: BoxOperator, calls: Part<Calls>, width: usize) -> Self {
        ProjectSet { input, calls, width, current: None }
    }

    fn produce(&self, current: &mut Current, run: &Run) -> Result<Arc<Batch>> {
        let (batch, ()) = Batch::build(self.width, |writer| {
            let input = writer.keep(&current.batch);
            while current.at < input.len() && !writer.is_full() {
                let mut sources = match current.sources.take() {
                    Some(sources) => sources,
                    None => start_all(&self.calls, (Some(&current.batch), current.at), run)?,
                };
                if fill(&mut sources, input.row(current.at), None, writer)? {
                    current.at += 1;
                } else {
                    current.sources = Some(sources);
                }
            }
            Ok(())
        })?;
        Ok(batch)
    }
}

impl Operator for ProjectSet {
    fn next(&mut self, run: &mut Run) -> Result<Step> {
        loop {
            let mut current = match self.current.take() {
                Some(current) => current,
                None => match self.input.next(run)? {
                    Step::Rows(batch) => Current { batch, at: 0, sources: None },
                    other => return Ok(other),
                },
            };
            if run.tick()? {
                self.current = Some(current);
                return Ok(Step::Wait);
            }
            let batch = self.produce(&mut current, run)?;
            if current.at < current.batch.len() {
                self.current = Some(current);
            }
            if !batch.is_empty() {
                return Ok(Step::Rows(batch));
            }
        }
    }

    fn rewind(&mut self, run: &mut Run) {
        self.current = None;
        self.input.rewind(run);
    }
}
