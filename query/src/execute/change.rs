//! UPDATE and DELETE: source rows in batches, each locked, checked again if it changed, and
//! written.
//!
//! ```text
//!   source (reads own writes up to the statement's start only)
//!      └─ batch ─► keys not met before ─► lock ─► for each row
//!            gone                        left out     (Conflict: 40001)
//!            newer than the snapshot     read, predicate and SET again     (Conflict: 40001)
//!            as it was                   as it came
//!         ─► new rows ─► Work::update / delete ─► RETURNING
//! ```
//!
//! **Invariants**
//! - A row is changed once in a statement, however often its source yields it: the first time
//!   counts.
//! - No arena lives across an await: values are computed into a batch first.
//! - The bytes handed to the model as "old" are those that the lock gave.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use model::{Collection, ColumnId, LockedRow, StoredRow, Work};
use transaction::LockMode;

use super::batch::Batch;
use super::fault::{concurrent_update, fault};
use super::insert::breathe;
use super::part::Part;
use super::relational::{holds, project};
use super::row::Decoder;
use super::run::{Execution, Newer, Run, Settings};
use crate::expression::Expression;
use crate::plan::{Delete, Update};
use crate::{Datum, Error, Result};

/// What a change did.
#[derive(Default)]
pub struct Changed {
    /// Rows inserted, updated or deleted.
    pub affected: u64,
    /// RETURNING.
    pub rows: Vec<Arc<Batch>>,
}

/// Source rows under their locks, as they are now.
pub struct Current {
    /// The rows; declared columns first.
    pub rows: Arc<Batch>,
    /// Their keys.
    pub keys: Vec<Bytes>,
    /// Their bytes.
    pub old: Vec<Bytes>,
}

/// The rows of a source, locked batch by batch.
struct Targets {
    source: Execution,
    collection: Arc<Collection>,
    key: usize,
    recheck: Option<Part<Expression>>,
    mode: LockMode,
    decoder: Arc<Decoder>,
    seen: HashSet<Bytes>,
}

impl Targets {
    async fn next(&mut self) -> Result<Option<Current>> {
        while let Some(batch) = self.source.next().await? {
            let (places, keys) = self.unseen(&batch)?;
            if keys.is_empty() {
                continue;
            }
            let (work, wait) = (self.source.run().work.clone(), self.source.run().settings.wait);
            let locked = work.lock_rows(&self.collection, &keys, self.mode, wait).await;
            let locked =
                locked.map_err(|error| super::fault::of_lock(error, &self.collection.name))?;
            let current = self.settle(&batch, &places, keys, locked)?;
            if !current.keys.is_empty() {
                return Ok(Some(current));
            }
        }
        Ok(None)
    }

    /// Rows whose target was not met before, and its keys.
    fn unseen(&mut self, batch: &Batch) -> Result<(Vec<usize>, Vec<Bytes>)> {
        let (mut places, mut keys) = (Vec::new(), Vec::new());
        for (at, row) in batch.iter().enumerate() {
            let key = match row.get(self.key) {
                Some(Datum::Bytes(key)) => Bytes::copy_from_slice(key),
                Some(Datum::Null) => continue,
                _ => return Err(Error::internal("a source row without its key")),
            };
            if self.seen.insert(key.clone()) {
                places.push(at);
                keys.push(key);
            }
        }
        Ok((places, keys))
    }

    fn settle(
        &mut self,
        batch: &Arc<Batch>,
        places: &[usize],
        keys: Vec<Bytes>,
        locked: Vec<LockedRow>,
    ) -> Result<Current> {
        let run = self.source.run();
        let (mut kept, mut old) = (Vec::new(), Vec::new());
        let declared = self.decoder.width();
        let (rows, ()) = Batch::build(batch.width(), |writer| {
            let input = writer.keep(batch);
            let context = writer.keep(&run.frame).context();
            let recheck = self.recheck.as_ref().map(|recheck| writer.keep_part(recheck));
            for ((at, key), locked) in places.iter().zip(keys).zip(locked) {
                let Some((value, changed)) = admitted(locked, run.settings.newer)? else {
                    continue;
                };
                let came = input.row(*at);
                if !changed {
                    writer.row(came);
                } else {
                    let stored = Arc::new(StoredRow { key: key.clone(), value: value.clone() });
                    let decoder = writer.keep(&self.decoder);
                    let stored = writer.keep(&stored);
                    let stays = writer.make(|cells, arena| {
                        let start = cells.len();
                        decoder.push(stored, &context, cells, arena)?;
                        cells.extend_from_slice(came.get(declared..).unwrap_or_default());
                        let Some(recheck) = recheck else { return Ok(true) };
                        holds(recheck, &context, cells.get(start..).unwrap_or_default(), arena)
                    })?;
                    if !stays {
                        continue;
                    }
                }
                kept.push(key);
                old.push(value);
            }
            Ok(())
        })?;
        Ok(Current { rows, keys: kept, old })
    }
}

/// The bytes of a row that may be changed, and whether they are newer than the snapshot. `None`: it
/// is gone.
pub fn admitted(locked: LockedRow, newer: Newer) -> Result<Option<(Bytes, bool)>> {
    match locked {
        LockedRow::Skipped => Ok(None),
        LockedRow::Held { changed: true, .. } if newer == Newer::Conflict => {
            Err(concurrent_update())
        }
        LockedRow::Held { value, changed } => Ok(value.map(|value| (value, changed))),
    }
}

/// The lock that an update of these columns takes: others may hold KEY SHARE while no key changes.
pub fn update_mode(collection: &Collection, assigned: &[ColumnId]) -> LockMode {
    let in_key = |id: &ColumnId| collection.key_position(*id).is_some();
    let unique = collection.indexes.iter().filter(|index| index.unique);
    let in_unique = |id: &ColumnId| {
        unique.clone().flat_map(|index| &index.elements).any(|element| match &element.source {
            model::ElementSource::Column(column) => column == id,
            _ => true,
        })
    };
    match assigned.iter().any(|id| in_key(id) || in_unique(id)) {
        true => LockMode::Update,
        false => LockMode::NoKeyUpdate,
    }
}

/// Runs an UPDATE.
pub async fn update(plan: Part<Update>, source: Execution) -> Result<Changed> {
    let collection = plan.target.clone();
    let assigned: Vec<ColumnId> = plan.assignments.iter().map(|(id, _)| *id).collect();
    let decoder = Arc::new(Decoder::whole(&collection)?);
    let mut targets = Targets {
        source,
        key: plan.key as usize,
        recheck: plan.filter_map(|plan| plan.recheck.as_ref()),
        mode: update_mode(&collection, &assigned),
        decoder: decoder.clone(),
        seen: HashSet::new(),
        collection: collection.clone(),
    };
    let mut changed = Changed::default();
    while let Some(current) = targets.next().await? {
        let run = targets.source.run();
        let new = new_rows(&plan, &current.rows, run)?;
        let work = run.work.clone();
        let stored = write_updates(&work, &collection, &current, &new, &assigned).await?;
        changed.affected += stored.len() as u64;
        if let Some(returning) = plan.filter_map(|plan| plan.returning.as_ref()) {
            let rows = updated_rows(&decoder, &current.rows, stored, targets.source.run())?;
            keep_returning(&mut changed, &returning, &rows, targets.source.run())?;
        }
    }
    Ok(changed)
}

async fn write_updates(
    work: &Work,
    collection: &Arc<Collection>,
    current: &Current,
    new: &Batch,
    assigned: &[ColumnId],
) -> Result<Vec<StoredRow>> {
    let mut stored = Vec::with_capacity(current.keys.len());
    for (at, (key, old)) in current.keys.iter().zip(&current.old).enumerate() {
        breathe(work, at).await?;
        let row = new.row(at);
        stored.push(work.update(collection, key, old, row, assigned).await.map_err(fault)?);
    }
    Ok(stored)
}

/// The declared columns after SET.
pub fn new_rows(plan: &Part<Update>, rows: &Arc<Batch>, run: &Run) -> Result<Arc<Batch>> {
    let declared = plan.target.columns.len();
    let (batch, ()) = Batch::build(declared, |writer| {
        let plan = writer.keep_part(plan);
        let context = writer.keep(&run.frame).context();
        for row in writer.keep(rows).iter() {
            writer.make(|cells, arena| {
                let start = cells.len();
                cells.extend_from_slice(row.get(..declared).unwrap_or(row));
                for (id, value) in &plan.assignments {
                    let value = value.eval(&context, row, arena)?;
                    let at = plan.target.position(*id).map(|at| start + at);
                    if let Some(cell) = at.and_then(|at| cells.get_mut(at)) {
                        *cell = value;
                    }
                }
                Ok(true)
            })?;
        }
        Ok(())
    })?;
    Ok(batch)
}

/// Source rows with their declared columns as they are stored now.
pub fn updated_rows(
    decoder: &Arc<Decoder>,
    rows: &Arc<Batch>,
    stored: Vec<StoredRow>,
    run: &Run,
) -> Result<Arc<Batch>> {
    let stored = Arc::new(stored);
    let (batch, ()) = Batch::build(rows.width(), |writer| {
        let decoder = writer.keep(decoder);
        let context = writer.keep(&run.frame).context();
        let before = writer.keep(rows);
        for (row, stored) in before.iter().zip(writer.keep(&stored)) {
            writer.make(|cells, arena| {
                decoder.push(stored, &context, cells, arena)?;
                cells.extend_from_slice(row.get(decoder.width()..).unwrap_or_default());
                Ok(true)
            })?;
        }
        Ok(())
    })?;
    Ok(batch)
}

/// Computes RETURNING over rows and keeps it.
pub fn keep_returning(
    changed: &mut Changed,
    returning: &Part<Vec<Expression>>,
    rows: &Arc<Batch>,
    run: &mut Run,
) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let batch = project(rows, returning, run)?;
    run.reserve(batch.size())?;
    changed.rows.push(batch);
    Ok(())
}

/// Runs a DELETE.
pub async fn delete(plan: Part<Delete>, source: Execution) -> Result<Changed> {
    let collection = plan.target.clone();
    let mut targets = Targets {
        source,
        key: plan.key as usize,
        recheck: plan.filter_map(|plan| plan.recheck.as_ref()),
        mode: LockMode::Update,
        decoder: Arc::new(Decoder::whole(&collection)?),
        seen: HashSet::new(),
        collection: collection.clone(),
    };
    let mut changed = Changed::default();
    while let Some(current) = targets.next().await? {
        let work = targets.source.run().work.clone();
        for (at, (key, old)) in current.keys.iter().zip(&current.old).enumerate() {
            breathe(&work, at).await?;
            work.delete(&collection, key, old).await.map_err(fault)?;
        }
        changed.affected += current.keys.len() as u64;
        if let Some(returning) = plan.filter_map(|plan| plan.returning.as_ref()) {
            keep_returning(&mut changed, &returning, &current.rows, targets.source.run())?;
        }
    }
    Ok(changed)
}

/// Locks one row for a change; `None`: it is gone, or was never there at the snapshot.
pub async fn lock_one(
    work: &Work,
    collection: &Arc<Collection>,
    key: &Bytes,
    mode: LockMode,
    settings: Settings,
) -> Result<Option<(Bytes, bool)>> {
    let keys = std::slice::from_ref(key);
    let locked = work.lock_rows(collection, keys, mode, settings.wait).await;
    let locked = locked.map_err(|error| super::fault::of_lock(error, &collection.name))?.pop();
    match locked {
        Some(locked) => admitted(locked, settings.newer),
        None => Err(Error::internal("a lock without an answer")),
    }
}
