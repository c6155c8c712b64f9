//! INSERT with ON CONFLICT and RETURNING.
//!
//! ```text
//!   source row ─► declared columns ─► insert ─┬ inserted
//!                                             └ conflict ─┬ Error    23505 (from the model)
//!                                                         ├ Nothing  skipped
//!                                                         └ Update   lock, WHERE, SET, update
//! ```
//!
//! A row of the statement that conflicts with another row of the same statement: DO NOTHING skips
//! it, DO UPDATE is 21000.
//!
//! Invariant: under REPEATABLE READ a conflict with a row that the snapshot does not show is 40001,
//! since the statement could neither update nor rightly skip what it cannot see.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use model::{Arbiter, Collection, ColumnId, Conflict as Met, Insertion, Seeing, StoredRow, Work};

use super::batch::Batch;
use super::change::{Changed, keep_returning, lock_one, update_mode};
use super::fault::{concurrent_update, fault, proposed_twice};
use super::part::Part;
use super::relational::holds;
use super::row::Decoder;
use super::run::{Execution, Frame, Newer, Run, Settings};
use crate::plan::{Conflict, Insert, InsertValue};
use crate::{Datum, Error, Result};

/// How often a row that vanishes between its conflict and its lock is proposed again.
const PROPOSALS_MAX: usize = 100;

/// Runs an INSERT.
pub async fn insert(plan: Part<Insert>, mut source: Execution) -> Result<Changed> {
    let run = source.run();
    let mut inserter = Inserter::new(plan, run)?;
    let mut changed = Changed::default();
    while let Some(batch) = source.next().await? {
        let rows = inserter.values(&batch, source.run())?;
        let stored = inserter.write(&rows).await?;
        inserter.finish(stored, &mut changed, source.run())?;
    }
    Ok(changed)
}

/// What the rows of one INSERT share.
pub struct Inserter {
    plan: Part<Insert>,
    collection: Arc<Collection>,
    decoder: Arc<Decoder>,
    work: Arc<Work>,
    frame: Arc<Frame>,
    settings: Settings,
    seeing: Seeing,
    /// Rows that this statement inserted or updated; kept for DO UPDATE only.
    written: HashSet<Bytes>,
    assigned: Vec<ColumnId>,
}

impl Inserter {
    /// An inserter for one execution.
    pub fn new(plan: Part<Insert>, run: &Run) -> Result<Inserter> {
        let assigned = match &plan.conflict {
            Conflict::Update { assignments, .. } => assignments.iter().map(|(id, _)| *id).collect(),
            _ => Vec::new(),
        };
        let collection = plan.target.clone();
        Ok(Inserter {
            decoder: Arc::new(Decoder::whole(&collection)?),
            plan,
            collection,
            work: run.work.clone(),
            frame: run.frame.clone(),
            settings: run.settings,
            seeing: run.seeing,
            written: HashSet::new(),
            assigned,
        })
    }

    /// The declared columns of the rows to insert; `Missing` where the model makes the value.
    pub fn values(&self, source: &Arc<Batch>, run: &Run) -> Result<Arc<Batch>> {
        let (batch, ()) = Batch::build(self.collection.columns.len(), |writer| {
            let values = &writer.keep_part(&self.plan).values;
            let context = writer.keep(&run.frame).context();
            for row in writer.keep(source).iter() {
                writer.make(|cells, arena| {
                    for value in values {
                        cells.push(match value {
                            InsertValue::Source(at) => {
                                row.get(*at as usize).copied().unwrap_or(Datum::Null)
                            }
                            InsertValue::Expression(value) => value.eval(&context, &[], arena)?,
                            InsertValue::Generated => Datum::Missing,
                        });
                    }
                    Ok(true)
                })?;
            }
            Ok(())
        })?;
        Ok(batch)
    }

    /// Inserts rows; those that were inserted or updated, as stored.
    pub async fn write(&mut self, rows: &Arc<Batch>) -> Result<Vec<StoredRow>> {
        let mut stored = Vec::with_capacity(rows.len());
        for at in 0..rows.len() {
            breathe(&self.work, at).await?;
            stored.extend(self.write_one(rows, at).await?);
        }
        Ok(stored)
    }

    async fn write_one(&mut self, rows: &Arc<Batch>, at: usize) -> Result<Option<StoredRow>> {
        let arbiter = match &self.plan.conflict {
            Conflict::Error => Arbiter::None,
            Conflict::Nothing(None) => Arbiter::Any,
            Conflict::Nothing(Some(index)) | Conflict::Update { index, .. } => {
                Arbiter::Index(*index)
            }
        };
        for _ in 0..PROPOSALS_MAX {
            let proposed = rows.row(at);
            let inserted = self.work.insert(&self.collection, proposed, arbiter).await;
            let met = match inserted.map_err(fault)? {
                Insertion::Inserted(row) => {
                    if !self.assigned.is_empty() {
                        self.written.insert(row.key.clone());
                    }
                    return Ok(Some(row));
                }
                Insertion::Conflict(met) => met,
            };
            if let Conflict::Nothing(_) = self.plan.conflict {
                self.check_visible(&met).await?;
                return Ok(None);
            }
            match self.update(rows, at, met).await? {
                Outcome::Vanished => {}
                Outcome::Left => return Ok(None),
                Outcome::Updated(row) => return Ok(Some(row)),
            }
        }
        Err(Error::internal("a conflicting row vanished again and again"))
    }

    /// Under one snapshot, a conflict with a row that it does not show cannot be skipped.
    async fn check_visible(&self, met: &Met) -> Result<()> {
        if self.settings.newer == Newer::Follow {
            return Ok(());
        }
        let seeing = Seeing { until: u64::MAX, ..self.seeing };
        match self.work.get(&met.key, seeing).await.map_err(fault)? {
            Some(_) => Ok(()),
            None => Err(concurrent_update()),
        }
    }

    /// DO UPDATE.
    async fn update(&mut self, rows: &Arc<Batch>, at: usize, met: Met) -> Result<Outcome> {
        if self.written.contains(&met.key) {
            return Err(proposed_twice());
        }
        let mode = update_mode(&self.collection, &self.assigned);
        let locked = lock_one(&self.work, &self.collection, &met.key, mode, self.settings).await?;
        let Some((old, _)) = locked else { return Ok(Outcome::Vanished) };
        let existing = Arc::new(StoredRow { key: met.key.clone(), value: old.clone() });
        let Some(new) = self.assign(existing, rows, at)? else { return Ok(Outcome::Left) };
        let updated = self
            .work
            .update(&self.collection, &met.key, &old, new.row(0), &self.assigned)
            .await
            .map_err(fault)?;
        self.written.insert(updated.key.clone());
        Ok(Outcome::Updated(updated))
    }

    /// The existing row after SET; `None` where WHERE is not true.
    fn assign(
        &self,
        existing: Arc<StoredRow>,
        rows: &Arc<Batch>,
        at: usize,
    ) -> Result<Option<Arc<Batch>>> {
        let width = self.collection.columns.len();
        let (batch, ()) = Batch::build(width, |writer| {
            let decoder = writer.keep(&self.decoder);
            let existing = writer.keep(&existing);
            let proposed = writer.keep(rows).row(at);
            let context = writer.keep(&self.frame).context();
            let plan = writer.keep_part(&self.plan);
            let Conflict::Update { assignments, filter, .. } = &plan.conflict else {
                return Ok(());
            };
            let arena = writer.arena();
            let mut both = Vec::with_capacity(2 * width);
            decoder.push(existing, &context, &mut both, arena)?;
            both.extend_from_slice(proposed);
            if let Some(filter) = filter
                && !holds(filter, &context, &both, arena)?
            {
                return Ok(());
            }
            let mut new = both.get(..width).unwrap_or_default().to_vec();
            for (id, value) in assignments {
                let value = value.eval(&context, &both, arena)?;
                if let Some(cell) = plan.target.position(*id).and_then(|at| new.get_mut(at)) {
                    *cell = value;
                }
            }
            writer.row(&new);
            Ok(())
        })?;
        Ok((!batch.is_empty()).then_some(batch))
    }

    /// Counts stored rows and computes their RETURNING.
    pub fn finish(
        &self,
        stored: Vec<StoredRow>,
        changed: &mut Changed,
        run: &mut Run,
    ) -> Result<()> {
        changed.affected += stored.len() as u64;
        let Some(returning) = self.plan.filter_map(|plan| plan.returning.as_ref()) else {
            return Ok(());
        };
        let stored = Arc::new(stored);
        let (rows, ()) = Batch::build(self.decoder.width(), |writer| {
            let decoder = writer.keep(&self.decoder);
            let context = writer.keep(&run.frame).context();
            for row in writer.keep(&stored) {
                writer.make(|cells, arena| {
                    decoder.push(row, &context, cells, arena)?;
                    Ok(true)
                })?;
            }
            Ok(())
        })?;
        keep_returning(changed, &returning, &rows, run)
    }
}

/// Ends a cancelled change, and lets other tasks on from time to time: a local store never makes
/// one wait.
pub async fn breathe(work: &Work, row: usize) -> Result<()> {
    const ROWS_BETWEEN: usize = 256;
    if row % ROWS_BETWEEN == ROWS_BETWEEN - 1 {
        if work.buffer().cancel_token().is_cancelled() {
            return Err(super::fault::store(transaction::Error::Cancelled));
        }
        tokio::task::yield_now().await;
    }
    Ok(())
}

enum Outcome {
    Vanished,
    Left,
    Updated(StoredRow),
}
