//! FOR UPDATE and its kin: rows are locked as they are asked for.
//!
//! ```text
//!   input batch ─► chunk ─► lock table 1's keys ─► lock table 2's … ─► for each row:
//!        skipped │ gone          left out
//!        unchanged               as it came
//!        changed, Follow         its columns read again, the predicate checked again
//!        changed, Conflict       40001
//! ```
//!
//! Under a LIMIT the chunk is never larger than what is still wanted: `FOR UPDATE SKIP LOCKED LIMIT
//! 1` must lock one row and no more, or a queue's other workers would find nothing.
//!
//! Invariant: a row comes out only under its locks and as the locks gave it.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use model::{LockedRow, StoredRow};
use transaction::Wait;

use super::batch::Batch;
use super::fault::concurrent_update;
use super::part::Part;
use super::relational::{LIMIT_NEGATIVE, OFFSET_NEGATIVE, holds, row_count};
use super::row::Decoder;
use super::run::{BoxOperator, Newer, Operator, Response, Run, Step};
use crate::expression::Expression;
use crate::plan::{LockWait, LockedTable};
use crate::{Datum, Error, Result};

/// Locks rows of its input.
pub struct LockRows {
    input: BoxOperator,
    locks: Part<Vec<LockedTable>>,
    recheck: Option<Part<Expression>>,
    decoders: Vec<Arc<Decoder>>,
    /// The LIMIT and OFFSET above, if they stand directly above.
    wanted: (Option<Part<Expression>>, Option<Part<Expression>>),
    left: Option<u64>,
    chunk: Option<Chunk>,
    rest: Option<(Arc<Batch>, usize)>,
    waiting: bool,
}

/// Rows that are being locked.
struct Chunk {
    batch: Arc<Batch>,
    from: usize,
    to: usize,
    /// For each table locked so far, what the lock gave for each row of the chunk that has a key.
    locked: Vec<HashMap<usize, LockedRow>>,
    /// The rows whose keys are being locked.
    asked: Vec<usize>,
}

impl LockRows {
    /// Locks `locks` in each row; `wanted` are the limit and offset above.
    pub fn new(
        input: BoxOperator,
        locks: Part<Vec<LockedTable>>,
        recheck: Option<Part<Expression>>,
        wanted: (Option<Part<Expression>>, Option<Part<Expression>>),
        types: &[crate::Type],
    ) -> Result<Self> {
        let decoders = locks.iter().map(|lock| {
            let columns = lock.columns.iter().map(|(column, at)| {
                let ty = types.get(*at as usize).copied().unwrap_or(crate::Type::UNKNOWN);
                (column.clone(), ty)
            });
            Decoder::new(&lock.collection, columns).map(Arc::new)
        });
        let decoders = decoders.collect::<Result<_>>()?;
        let (left, chunk, rest, waiting) = (None, None, None, false);
        Ok(LockRows { input, locks, recheck, decoders, wanted, left, chunk, rest, waiting })
    }

    /// Rows still wanted.
    fn left(&mut self, run: &Run) -> Result<u64> {
        if let Some(left) = self.left {
            return Ok(left);
        }
        let limit = row_count(self.wanted.0.as_ref(), run, LIMIT_NEGATIVE)?;
        let offset = row_count(self.wanted.1.as_ref(), run, OFFSET_NEGATIVE)?;
        let left = limit.map_or(u64::MAX, |limit| limit.saturating_add(offset.unwrap_or(0)));
        self.left = Some(left);
        Ok(left)
    }

    /// Makes the next chunk, or answers a step to pass on.
    fn start_chunk(&mut self, run: &mut Run) -> Result<Option<Step>> {
        let left = self.left(run)?;
        if left == 0 {
            return Ok(Some(Step::Done));
        }
        let (batch, from) = match self.rest.take() {
            Some(rest) => rest,
            None => match self.input.next(run)? {
                Step::Rows(batch) => (batch, 0),
                other => return Ok(Some(other)),
            },
        };
        let to = batch.len().min(from.saturating_add(usize::try_from(left).unwrap_or(usize::MAX)));
        if to < batch.len() {
            self.rest = Some((batch.clone(), to));
        }
        self.chunk = Some(Chunk { batch, from, to, locked: Vec::new(), asked: Vec::new() });
        Ok(None)
    }

    /// Asks for the locks of the chunk's next table; `false`: there is none left.
    fn ask(&mut self, run: &mut Run) -> Result<bool> {
        let Some(chunk) = &mut self.chunk else { return Ok(false) };
        let Some(lock) = self.locks.get(chunk.locked.len()) else { return Ok(false) };
        let mut keys = Vec::new();
        chunk.asked.clear();
        for at in chunk.from..chunk.to {
            if let Some(Datum::Bytes(key)) = chunk.batch.row(at).get(lock.key as usize) {
                keys.push(Bytes::copy_from_slice(key));
                chunk.asked.push(at);
            }
        }
        let wait = match lock.lock.wait {
            LockWait::Block => run.settings.wait,
            LockWait::NoWait => Wait::No,
            LockWait::SkipLocked => Wait::Skip,
        };
        let (work, collection, mode) = (run.work.clone(), lock.collection.clone(), lock.lock.mode);
        run.wait(async move {
            let locked = work.lock_rows(&collection, &keys, mode, wait).await;
            let name = &collection.name;
            Ok(Response::Locked(locked.map_err(|error| super::fault::of_lock(error, name))?))
        });
        Ok(true)
    }

    fn arrived(&mut self, rows: Vec<LockedRow>) {
        if let Some(chunk) = &mut self.chunk {
            let asked = std::mem::take(&mut chunk.asked);
            chunk.locked.push(asked.into_iter().zip(rows).collect());
        }
    }

    fn produce(&mut self, chunk: Chunk, run: &Run) -> Result<Arc<Batch>> {
        let width = chunk.batch.width();
        let (batch, ()) = Batch::build(width, |writer| {
            let rows = writer.keep(&chunk.batch);
            let context = writer.keep(&run.frame).context();
            let recheck = self.recheck.as_ref().map(|recheck| writer.keep_part(recheck));
            for at in chunk.from..chunk.to {
                let mut fresh: Vec<(usize, Arc<StoredRow>)> = Vec::new();
                if !self.admit(&chunk, at, run, &mut fresh)? {
                    continue;
                }
                let mut row = rows.row(at).to_vec();
                for (table, stored) in &fresh {
                    let (Some(decoder), Some(lock)) =
                        (self.decoders.get(*table), self.locks.get(*table))
                    else {
                        continue;
                    };
                    let (decoder, stored) = (writer.keep(decoder), writer.keep(stored));
                    let mut cells = Vec::with_capacity(decoder.width());
                    decoder.push(stored, &context, &mut cells, writer.arena())?;
                    for ((_, to), cell) in lock.columns.iter().zip(cells) {
                        if let Some(slot) = row.get_mut(*to as usize) {
                            *slot = cell;
                        }
                    }
                }
                let stays = match recheck {
                    Some(recheck) if !fresh.is_empty() => {
                        holds(recheck, &context, &row, writer.arena())?
                    }
                    _ => true,
                };
                if stays {
                    writer.row(&row);
                }
            }
            Ok(())
        })?;
        Ok(batch)
    }

    /// Whether a row may come out, as far as its locks tell; the new versions of what changed.
    fn admit(
        &self,
        chunk: &Chunk,
        at: usize,
        run: &Run,
        fresh: &mut Vec<(usize, Arc<StoredRow>)>,
    ) -> Result<bool> {
        for (table, locked) in chunk.locked.iter().enumerate() {
            match locked.get(&at) {
                None | Some(LockedRow::Held { changed: false, value: Some(_) }) => {}
                Some(LockedRow::Skipped) => return Ok(false),
                Some(LockedRow::Held { changed, .. })
                    if *changed && run.settings.newer == Newer::Conflict =>
                {
                    return Err(concurrent_update());
                }
                Some(LockedRow::Held { value: None, .. }) => return Ok(false),
                Some(LockedRow::Held { value: Some(value), .. }) => {
                    let key = self.locks.get(table).map_or(0, |lock| lock.key as usize);
                    if let Some(Datum::Bytes(key)) = chunk.batch.row(at).get(key) {
                        let key = Bytes::copy_from_slice(key);
                        fresh.push((table, Arc::new(StoredRow { key, value: value.clone() })));
                    }
                }
            }
        }
        Ok(true)
    }
}

impl Operator for LockRows {
    fn next(&mut self, run: &mut Run) -> Result<Step> {
        loop {
            if std::mem::take(&mut self.waiting) {
                match run.take_response() {
                    Some(Response::Locked(rows)) => self.arrived(rows),
                    _ => return Err(Error::internal("a lock was called without its answer")),
                }
            }
            if self.chunk.is_none()
                && let Some(step) = self.start_chunk(run)?
            {
                return Ok(step);
            }
            if self.ask(run)? {
                self.waiting = true;
                return Ok(Step::Wait);
            }
            let Some(chunk) = self.chunk.take() else {
                return Err(Error::internal("a lock without rows"));
            };
            let batch = self.produce(chunk, run)?;
            if let Some(left) = &mut self.left {
                *left = left.saturating_sub(batch.len() as u64);
            }
            if !batch.is_empty() {
                return Ok(Step::Rows(batch));
            }
        }
    }

    fn rewind(&mut self, run: &mut Run) {
        (self.left, self.chunk, self.rest) = (None, None, None);
        self.waiting = false;
        self.input.rewind(run);
    }
}
