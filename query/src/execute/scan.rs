//! The scan of a collection: ranges to pages, pages to rows.
//!
//! ```text
//!   plan::Scan ─ ranges under the frame ─► RangeScan ─ pages ─► decode + filter ─► batch
//!                               └ not at hand: the scan travels into the future and comes
//!                                 back with its page
//! ```
//!
//! The filter runs on the cells as they are decoded, in the batch that they will stay in; a row
//! that fails leaves nothing but what its kernels put into the arena. Pages begin small and grow,
//! so that LIMIT 1 reads little and a long scan is not slowed.
//!
//! A batch keeps the page that it was decoded from. Where few rows of a page remain they are copied
//! instead, or a sort of ten rows would hold the whole table in memory.

use std::sync::Arc;

use model::{CollectionKind, RangeScan, StoredRow, Target};
use transaction::{Direction, PageLimit};

use super::batch::Batch;
use super::fault::fault;
use super::keyspace;
use super::part::Part;
use super::range::key_ranges;
use super::row::Decoder;
use super::run::{Operator, Response, Run, Step};
use crate::plan::{self, Access};
use crate::{Datum, Error, Result, Type};

/// Rows of the first page, and of the largest.
const PAGE_ROWS: (usize, usize) = (64, 1024);
/// A batch with fewer rows than one in so many of its page is copied out of it.
const SPARSE: usize = 4;

/// Reads a collection.
pub struct Scan {
    plan: Part<plan::Scan>,
    decoder: Arc<Decoder>,
    state: State,
    page_rows: usize,
}

enum State {
    Fresh,
    Open(Box<RangeScan>),
    /// The scan is in the future under way.
    Waiting,
    /// This page is decoded after other tasks had their turn.
    Page(Box<RangeScan>, Vec<StoredRow>),
    Done,
}

impl Scan {
    /// `types`: of the output columns.
    pub fn new(plan: Part<plan::Scan>, types: &[Type]) -> Result<Scan> {
        let columns = plan.columns.iter().cloned().zip(types.iter().copied());
        let decoder = Arc::new(Decoder::new(&plan.collection, columns)?);
        Ok(Scan { plan, decoder, state: State::Fresh, page_rows: PAGE_ROWS.0 })
    }

    fn open(&self, run: &Run) -> Result<Box<RangeScan>> {
        let collection = &self.plan.collection;
        let direction = match self.plan.backward {
            false => Direction::Forward,
            true => Direction::Backward,
        };
        let (target, mut ranges) = match &self.plan.access {
            Access::Full => {
                return Ok(Box::new(RangeScan::whole(collection.clone(), direction, run.seeing)));
            }
            Access::Index { index, ranges, .. } => {
                let target = index.map_or(Target::Primary, Target::Index);
                (target, key_ranges(collection, target, ranges, &run.frame.context())?)
            }
        };
        if self.plan.backward {
            ranges.reverse();
        }
        let scan = RangeScan::new(collection.clone(), target, ranges, direction, run.seeing);
        scan.map(Box::new).map_err(fault)
    }

    /// The next page, or a step to pass on.
    fn page(&mut self, run: &mut Run) -> Result<std::result::Result<Vec<StoredRow>, Step>> {
        let mut scan = match std::mem::replace(&mut self.state, State::Waiting) {
            State::Fresh => self.open(run)?,
            State::Open(scan) => scan,
            State::Page(scan, rows) => {
                self.state = State::Open(scan);
                return Ok(Ok(rows));
            }
            State::Waiting => match run.take_response() {
                Some(Response::Page(scan, page)) => return Ok(self.arrived(scan, page)),
                _ => return Err(Error::internal("a scan was called without its page")),
            },
            State::Done => {
                self.state = State::Done;
                return Ok(Err(Step::Done));
            }
        };
        let limit = PageLimit::records(self.page_rows);
        self.page_rows = (self.page_rows * 4).min(PAGE_ROWS.1);
        if let Some(page) = scan.next_now(&run.work, limit) {
            let page = page.map_err(fault)?;
            if run.tick()?
                && let Some(rows) = page
            {
                self.state = State::Page(scan, rows);
                return Ok(Err(Step::Wait));
            } else if run.is_waiting() {
                self.state = State::Done;
                return Ok(Err(Step::Wait));
            } else {
                return Ok(self.arrived(scan, page));
            }
        }
        run.check_cancelled()?;
        let work = run.work.clone();
        run.wait(async move {
            let page = scan.next(&work, limit).await.map_err(fault)?;
            Ok(Response::Page(scan, page))
        });
        Ok(Err(Step::Wait))
    }

    fn arrived(
        &mut self,
        scan: Box<RangeScan>,
        page: Option<Vec<StoredRow>>,
    ) -> std::result::Result<Vec<StoredRow>, Step> {
        match page {
            Some(rows) => {
                self.state = State::Open(scan);
                Ok(rows)
            }
            None => {
                self.state = State::Done;
                Err(Step::Done)
            }
        }
    }

    fn decode(&self, page: Vec<StoredRow>, run: &Run) -> Result<Arc<Batch>> {
        let (rows, bytes) = (page.len(), page_bytes(&page));
        let page = Arc::new(page);
        let (collection, columns) = (&self.plan.collection, &self.plan.columns);
        let (batch, ()) = Batch::build(self.decoder.width(), |writer| {
            writer.count_outside(bytes);
            let decoder = writer.keep(&self.decoder);
            let context = writer.keep(&run.frame).context();
            let filter = writer.keep_part(&self.plan).filter.as_ref();
            for row in writer.keep(&page) {
                writer.make(|cells, arena| {
                    let start = cells.len();
                    if collection.kind == CollectionKind::KeySpace {
                        if !keyspace::push(collection, columns, row, run, cells, arena)? {
                            return Ok(false);
                        }
                    } else {
                        decoder.push(row, &context, cells, arena)?;
                    }
                    let Some(filter) = filter else { return Ok(true) };
                    let value = filter.eval(&context, &cells[start..], arena)?;
                    Ok(matches!(value, Datum::Bool(true)))
                })?;
            }
            Ok(())
        })?;
        if !batch.is_empty() && batch.len() * SPARSE < rows {
            return batch.detached();
        }
        Ok(batch)
    }
}

fn page_bytes(page: &[StoredRow]) -> usize {
    page.iter().map(|row| row.key.len() + row.value.len()).sum()
}

impl Operator for Scan {
    fn next(&mut self, run: &mut Run) -> Result<Step> {
        loop {
            let page = match self.page(run)? {
                Ok(page) => page,
                Err(step) => return Ok(step),
            };
            let batch = self.decode(page, run)?;
            if !batch.is_empty() {
                return Ok(Step::Rows(batch));
            }
        }
    }

    fn rewind(&mut self, _run: &mut Run) {
        self.state = State::Fresh;
        self.page_rows = PAGE_ROWS.0;
    }
}
