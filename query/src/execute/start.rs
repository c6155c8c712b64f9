//! Starting a statement: by its shape, by operators, or as a change.
//!
//! ```text
//!   Prepared::new(statement) ─ once ─► Prepared ─ start(frame, work, settings) ─► Running
//!                                                             next().await ─► batches ◄┘
//! ```
//!
//! A change runs whole at the first `next`, whether or not anybody reads what it returns; a query
//! runs as far as it is read.

use std::collections::VecDeque;
use std::sync::Arc;

use model::Work;

use super::batch::Batch;
use super::build::build;
use super::change::{Changed, delete, update};
use super::explain::{Counts, build_counted};
use super::insert::insert;
use super::part::Part;
use super::run::{BoxOperator, Execution, Frame, Run, Settings};
use super::shape::{Shape, shape};
use crate::plan::{Operation, Statement};
use crate::{Error, Result};

/// An optimized statement that is ready to run, any number of times and by several sessions at
/// once.
pub struct Prepared {
    /// The plan.
    pub statement: Arc<Statement>,
    shape: Option<Arc<Shape>>,
}

impl Prepared {
    /// Looks for the statement's shape.
    ///
    /// # Errors
    /// Defects of the plan.
    pub fn new(statement: Statement) -> Result<Prepared> {
        let statement = Arc::new(statement);
        let shape = shape(&statement)?.map(Arc::new);
        Ok(Prepared { statement, shape })
    }

    /// Whether it runs without operators.
    pub fn has_shape(&self) -> bool {
        self.shape.is_some()
    }
}

/// A statement that runs.
pub struct Running {
    stage: Stage,
    affected: u64,
    is_change: bool,
}

enum Stage {
    Shape(Arc<Shape>, Box<Run>),
    Query(Box<Execution>),
    Change(Arc<Statement>, Box<Execution>),
    Rows(VecDeque<Arc<Batch>>),
}

/// Starts an execution. `work` is at the statement's snapshot.
///
/// # Errors
/// Defects of the plan; everything else comes from [`Running::next`].
pub fn start(
    prepared: &Prepared,
    frame: Frame,
    work: Arc<Work>,
    settings: Settings,
) -> Result<Running> {
    let run = Run::new(work, Arc::new(frame), settings);
    match &prepared.shape {
        Some(shape) => {
            let is_change = !matches!(prepared.statement.operation, Operation::Query(_));
            Ok(Running {
                stage: Stage::Shape(shape.clone(), Box::new(run)),
                affected: 0,
                is_change,
            })
        }
        None => Ok(running(&prepared.statement, build(&prepared.statement)?, run)),
    }
}

/// As [`start`], by operators that count their rows (EXPLAIN ANALYZE).
///
/// # Errors
/// As [`start`].
pub fn start_counted(
    prepared: &Prepared,
    frame: Frame,
    work: Arc<Work>,
    settings: Settings,
) -> Result<(Running, Arc<Counts>)> {
    let (root, counts) = build_counted(&prepared.statement)?;
    let run = Run::new(work, Arc::new(frame), settings);
    Ok((running(&prepared.statement, root, run), counts))
}

fn running(statement: &Arc<Statement>, root: BoxOperator, run: Run) -> Running {
    let execution = Box::new(Execution::new(root, run));
    let is_change = !matches!(statement.operation, Operation::Query(_));
    let stage = match is_change {
        false => Stage::Query(execution),
        true => Stage::Change(statement.clone(), execution),
    };
    Running { stage, affected: 0, is_change }
}

impl Running {
    /// The next rows of the answer, at least one; `None` at the end. Dropping the future in the
    /// middle leaves the statement half done: its transaction must then be rolled back.
    ///
    /// # Errors
    /// Whatever the statement says.
    pub async fn next(&mut self) -> Result<Option<Arc<Batch>>> {
        loop {
            let stage = std::mem::replace(&mut self.stage, Stage::Rows(VecDeque::new()));
            let changed = match stage {
                Stage::Query(mut execution) => {
                    let batch = execution.next().await?;
                    if batch.is_some() {
                        self.stage = Stage::Query(execution);
                    }
                    return Ok(batch);
                }
                Stage::Rows(mut rows) => {
                    let first = rows.pop_front();
                    self.stage = Stage::Rows(rows);
                    return Ok(first);
                }
                Stage::Shape(shape, mut run) => shape.run(&mut run).await?,
                Stage::Change(statement, execution) => {
                    Box::pin(change(&statement, *execution)).await?
                }
            };
            self.affected = changed.affected;
            self.stage = Stage::Rows(changed.rows.into());
        }
    }

    /// Rows inserted, updated or deleted, once [`Running::next`] answered; 0 for a query.
    pub fn affected(&self) -> u64 {
        self.affected
    }

    /// Whether all its rows were given.
    pub fn is_over(&self) -> bool {
        matches!(&self.stage, Stage::Rows(rows) if rows.is_empty())
    }

    /// Whether it runs without operators, and so is over soon.
    pub fn has_shape(&self) -> bool {
        matches!(self.stage, Stage::Shape(..) | Stage::Rows(_))
    }

    /// Whether it changes data.
    pub fn is_change(&self) -> bool {
        self.is_change
    }
}

async fn change(statement: &Arc<Statement>, source: Execution) -> Result<Changed> {
    let whole = Part::whole(statement);
    let plan = whole.filter_map(|s| match &s.operation {
        Operation::Insert(plan) => Some(&**plan),
        _ => None,
    });
    if let Some(plan) = plan {
        return insert(plan, source).await;
    }
    let plan = whole.filter_map(|s| match &s.operation {
        Operation::Update(plan) => Some(&**plan),
        _ => None,
    });
    if let Some(plan) = plan {
        return update(plan, source).await;
    }
    let plan = whole.filter_map(|s| match &s.operation {
        Operation::Delete(plan) => Some(&**plan),
        _ => None,
    });
    match plan {
        Some(plan) => delete(plan, source).await,
        None => Err(Error::internal("a query is no change")),
    }
}
