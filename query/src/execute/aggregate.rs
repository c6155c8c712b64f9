//! GROUP BY and the aggregates, by hashing.
//!
//! ```text
//!   input batch ─► group keys, arguments ─► hash ─► group number ─► states[group × calls + call]
//!                                └ calls with DISTINCT or ORDER BY: their rows, by name
//!   at the end: groups in the order first seen ─► keys ⧺ finished states
//! ```
//!
//! A state owns what it keeps, so a group costs its key and its states and never an input row.
//! Calls with DISTINCT or ORDER BY inside need their argument rows: these are kept, sorted at the
//! end, and then added to the state.
//!
//! **Invariants**
//! - Without group keys there is exactly one group, also over no rows.
//! - NULL is a group key like any other and the same as NULL.
//! - What is kept is taken from the run's memory as it grows.

use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use smallvec::SmallVec;

use super::batch::{BATCH_ROWS, Batch, RowId, Rows};
use super::part::Part;
use super::relational::{holds, project};
use super::run::{BoxOperator, Operator, Run, Step};
use super::set::same_row;
use super::sort::{compare_keys, sort_cell};
use crate::expression::{Context, Expression};
use crate::function::datum_hash::hash_row;
use crate::function::{Call, CallTypes, State, compare};
use crate::plan::AggregateCall;
use crate::{Arena, Datum, Result};

/// Groups its input.
pub struct Aggregate {
    input: BoxOperator,
    groups: Part<Vec<Expression>>,
    calls: Part<Vec<AggregateCall>>,
    table: Table,
    stage: Stage,
}

enum Stage {
    Filling,
    Giving(usize),
}

/// The groups met so far.
#[derive(Default)]
struct Table {
    by_hash: HashMap<u64, SmallVec<[u32; 1]>, FixedState>,
    names: Vec<Name>,
    keys: Rows,
    states: Vec<State>,
    /// For each group and each ordered call (in order), its rows.
    ordered: Vec<Vec<RowId>>,
    /// For each ordered call, its argument rows with their sort keys.
    arguments: Vec<Rows>,
    reserved: usize,
}

/// Where a group's key is.
#[derive(Clone, Copy)]
enum Name {
    /// In the batch under way, at this row.
    Current(usize),
    Kept(RowId),
}

/// Whether a call's rows are kept until the end.
fn is_ordered(call: &AggregateCall) -> bool {
    call.distinct || !call.order.is_empty()
}

impl Aggregate {
    /// One row for each group: the keys, then the aggregates.
    pub fn new(
        input: BoxOperator,
        groups: Part<Vec<Expression>>,
        calls: Part<Vec<AggregateCall>>,
    ) -> Self {
        Aggregate { input, groups, calls, table: Table::default(), stage: Stage::Filling }
    }

    fn ordered_calls(&self) -> impl Iterator<Item = (usize, &AggregateCall)> {
        self.calls.iter().enumerate().filter(|(_, call)| is_ordered(call))
    }

    fn add(&mut self, input: &Arc<Batch>, run: &mut Run) -> Result<()> {
        let keys = project(input, &self.groups, run)?;
        let context = run.frame.context();
        let calls: &[AggregateCall] = &self.calls;
        let numbers = self.table.number(&keys, calls)?;
        let mut grown = 0isize;
        let mut scratch = Arena::new();
        for (row, group) in input.iter().zip(&numbers) {
            for (at, call) in calls.iter().enumerate() {
                if is_ordered(call) || !counts(call, &context, row, &scratch)? {
                    continue;
                }
                let Some(state) = self.table.states.get_mut(*group as usize * calls.len() + at)
                else {
                    continue;
                };
                let before = state.size();
                add_row(call, state, &context, row, &scratch)?;
                grown += state.size() as isize - before as isize;
            }
            if scratch.size() > 1 << 16 {
                scratch.reset();
            }
        }
        let ordered = self.keep_ordered(input, &numbers, run)?;
        let taken = usize::try_from(grown).unwrap_or(0) + ordered + self.table.settle(&keys)?;
        self.table.reserved += taken;
        run.reserve(taken)
    }

    /// Keeps the argument rows of the ordered calls; answers their bytes.
    fn keep_ordered(&mut self, input: &Arc<Batch>, numbers: &[u32], run: &Run) -> Result<usize> {
        let calls = self.calls.clone();
        let count = calls.iter().filter(|call| is_ordered(call)).count();
        let context = run.frame.context();
        self.table.arguments.resize_with(count, Rows::default);
        let mut bytes = 0;
        for (nth, call) in calls.iter().filter(|call| is_ordered(call)).enumerate() {
            let mut owners = Vec::new();
            let (batch, ()) = Batch::build(call.arguments.len() + call.order.len(), |writer| {
                let scratch = Arena::new();
                for (row, group) in input.iter().zip(numbers) {
                    if !counts(call, &context, row, &scratch)? {
                        continue;
                    }
                    writer.make(|cells, arena| {
                        for expression in &call.arguments {
                            cells.push(arena.copy(&expression.eval(&context, row, &scratch)?));
                        }
                        for key in &call.order {
                            let cell = sort_cell(&key.expression, &context, row, &scratch)?;
                            cells.push(arena.copy(&cell));
                        }
                        Ok(true)
                    })?;
                    owners.push(*group);
                }
                Ok(())
            })?;
            bytes += batch.size() + owners.len() * size_of::<RowId>();
            let Some(rows) = self.table.arguments.get_mut(nth) else { continue };
            for (id, group) in rows.add(batch).zip(owners) {
                if let Some(list) = self.table.ordered.get_mut(group as usize * count + nth) {
                    list.push(id);
                }
            }
        }
        Ok(bytes)
    }

    /// Adds the kept rows of the ordered calls to their states.
    fn finish_ordered(&mut self, run: &Run) -> Result<()> {
        let calls = self.calls.clone();
        let ordered: Vec<usize> = self.ordered_calls().map(|(at, _)| at).collect();
        let context = run.frame.context();
        for group in 0..self.table.names.len() {
            for (nth, at) in ordered.iter().enumerate() {
                let list = self.table.ordered.get_mut(group * ordered.len() + nth);
                let ids = list.map(std::mem::take).unwrap_or_default();
                let (Some(call), Some(rows)) = (calls.get(*at), self.table.arguments.get(nth))
                else {
                    continue;
                };
                let Some(state) = self.table.states.get_mut(group * calls.len() + at) else {
                    continue;
                };
                add_ordered(call, state, rows, ids, &context)?;
            }
            run.check_cancelled()?;
        }
        Ok(())
    }

    fn give(&self, from: usize, to: usize, run: &Run) -> Result<Arc<Batch>> {
        let width = self.groups.len() + self.calls.len();
        let (batch, ()) = Batch::build(width, |writer| {
            let calls = writer.keep_part(&self.calls);
            let context = writer.keep(&run.frame).context();
            for group in from..to {
                writer.make(|cells, arena| {
                    if let Some(Name::Kept(id)) = self.table.names.get(group) {
                        cells.extend(self.table.keys.get(*id).iter().map(|key| arena.copy(key)));
                    }
                    let first = group * calls.len();
                    let states = self.table.states.get(first..).unwrap_or_default();
                    for (call, state) in calls.iter().zip(states) {
                        cells.push(
                            call.function.finish(state, &surroundings(call, &context, arena))?,
                        );
                    }
                    Ok(true)
                })?;
            }
            Ok(())
        })?;
        Ok(batch)
    }
}

/// FILTER.
fn counts(
    call: &AggregateCall,
    context: &Context<'_>,
    row: &[Datum<'_>],
    scratch: &Arena,
) -> Result<bool> {
    call.filter.as_ref().map_or(Ok(true), |filter| holds(filter, context, row, scratch))
}

fn surroundings<'a, 'c>(
    call: &'c AggregateCall,
    context: &'c Context<'a>,
    arena: &'a Arena,
) -> Call<'a, 'c> {
    let types = CallTypes::Expressions(&call.arguments);
    Call { context, arena, modifier: -1, result: call.ty, types }
}

fn add_row<'a>(
    call: &'a AggregateCall,
    state: &mut State,
    context: &Context<'a>,
    row: &[Datum<'a>],
    scratch: &'a Arena,
) -> Result<()> {
    let mut values: SmallVec<[Datum<'a>; 3]> = SmallVec::new();
    for argument in &call.arguments {
        values.push(argument.eval(context, row, scratch)?);
    }
    call.function.add(state, &surroundings(call, context, scratch), &values)
}

/// Adds kept rows in their order, equal ones once if DISTINCT.
fn add_ordered(
    call: &AggregateCall,
    state: &mut State,
    rows: &Rows,
    mut ids: Vec<RowId>,
    context: &Context<'_>,
) -> Result<()> {
    let width = call.arguments.len();
    let split = |id: &RowId| {
        let row = rows.get(*id);
        row.split_at(width.min(row.len()))
    };
    ids.sort_by(|a, b| {
        let ((left, left_keys), (right, right_keys)) = (split(a), split(b));
        let by_keys = compare_keys(&call.order, left_keys, right_keys);
        // Without DISTINCT rows with equal keys stay in the order they came in.
        by_keys.then_with(|| match call.distinct {
            true => compare_rows(left, right),
            false => std::cmp::Ordering::Equal,
        })
    });
    if call.distinct {
        ids.dedup_by(|a, b| same_row(split(a).0, split(b).0));
    }
    let arena = Arena::new();
    for id in &ids {
        let call_of = surroundings(call, context, &arena);
        call.function.add(state, &call_of, split(id).0)?;
    }
    Ok(())
}

fn compare_rows(a: &[Datum<'_>], b: &[Datum<'_>]) -> std::cmp::Ordering {
    let orders = a.iter().zip(b).map(|(a, b)| compare(a, b, false, false));
    orders.into_iter().find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
}

impl Table {
    /// The group of each row, new ones made.
    fn number(&mut self, keys: &Arc<Batch>, calls: &[AggregateCall]) -> Result<Vec<u32>> {
        let mut numbers = Vec::with_capacity(keys.len());
        for (at, key) in keys.iter().enumerate() {
            let hash = hash_row(key, 0);
            let known = self.by_hash.get(&hash).and_then(|list| {
                list.iter().copied().find(|group| self.has_key(*group, key, keys))
            });
            numbers.push(match known {
                Some(group) => group,
                None => {
                    let group = self.make(calls);
                    self.names.push(Name::Current(at));
                    self.by_hash.entry(hash).or_default().push(group);
                    group
                }
            });
        }
        Ok(numbers)
    }

    fn has_key(&self, group: u32, key: &[Datum<'_>], current: &Batch) -> bool {
        match self.names.get(group as usize) {
            Some(Name::Current(at)) => same_row(current.row(*at), key),
            Some(Name::Kept(id)) => same_row(self.keys.get(*id), key),
            None => false,
        }
    }

    fn make(&mut self, calls: &[AggregateCall]) -> u32 {
        self.states.extend(calls.iter().map(|call| call.function.begin()));
        let ordered = calls.iter().filter(|call| is_ordered(call)).count();
        self.ordered.extend((0..ordered).map(|_| Vec::new()));
        self.names.len() as u32
    }

    /// Copies the keys of the groups that the batch under way brought; answers the bytes that they
    /// and their states take.
    fn settle(&mut self, current: &Arc<Batch>) -> Result<usize> {
        let fresh = self.names.iter().rposition(|name| matches!(name, Name::Kept(_)));
        let first = fresh.map_or(0, |last| last + 1);
        let Some(new) = self.names.get_mut(first..).filter(|new| !new.is_empty()) else {
            return Ok(0);
        };
        let (copies, ()) = Batch::build(current.width(), |writer| {
            for name in new.iter() {
                let Name::Current(at) = name else { continue };
                writer.make(|cells, arena| {
                    cells.extend(current.row(*at).iter().map(|key| arena.copy(key)));
                    Ok(true)
                })?;
            }
            Ok(())
        })?;
        let states = self.states.len() / self.names.len().max(1);
        let added = copies.len() * (states * size_of::<State>() + 48) + copies.size();
        let new = self.names.get_mut(first..).unwrap_or_default();
        for (name, id) in new.iter_mut().zip(self.keys.add(copies)) {
            *name = Name::Kept(id);
        }
        Ok(added)
    }

    /// The one group of an aggregate without keys.
    fn make_single(&mut self, calls: &[AggregateCall]) -> Result<()> {
        let (row, ()) = Batch::build(0, |writer| {
            writer.row(&[]);
            Ok(())
        })?;
        self.make(calls);
        self.names.extend(self.keys.add(row).map(Name::Kept));
        Ok(())
    }
}

impl Operator for Aggregate {
    fn next(&mut self, run: &mut Run) -> Result<Step> {
        while let Stage::Filling = self.stage {
            match self.input.next(run)? {
                Step::Rows(batch) => self.add(&batch, run)?,
                Step::Wait => return Ok(Step::Wait),
                Step::Done => {
                    if self.groups.is_empty() && self.table.names.is_empty() {
                        self.table.make_single(&self.calls)?;
                        self.table.arguments.clear();
                    }
                    self.finish_ordered(run)?;
                    self.stage = Stage::Giving(0);
                }
            }
        }
        let Stage::Giving(from) = self.stage else { return Ok(Step::Done) };
        let to = self.table.names.len().min(from + BATCH_ROWS);
        if from == to {
            run.give_back(self.table.reserved);
            self.table = Table::default();
            self.stage = Stage::Giving(0);
            return Ok(Step::Done);
        }
        self.stage = Stage::Giving(to);
        Ok(Step::Rows(self.give(from, to, run)?))
    }

    fn rewind(&mut self, run: &mut Run) {
        run.give_back(self.table.reserved);
        self.table = Table::default();
        self.stage = Stage::Filling;
        self.input.rewind(run);
    }
}
