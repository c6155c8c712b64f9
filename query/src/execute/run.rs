//! One execution: operators pulled by an outer loop that alone awaits.
//!
//! ```text
//!   Rows::next().await ─► root.next(run) ─► … ─► leaf.next(run)
//!        ▲                                          │ not at hand: run.wait(future) ─► Step::Wait
//!        └── awaits run.waiting, puts run.response, calls root.next again ◄──────────┘
//! ```
//!
//! An operator is a state machine: it may be called again after `Step::Wait` and goes on where it
//! stood. A local store answers at once, so in the usual case nothing ever waits; the same
//! operators serve a store on another machine.
//!
//! **Invariants**
//! - At most one request is under way; its response is taken by the operator that asked, since the
//!   calls come down the same path.
//! - Operators keep owned requests, never futures or borrows of the transaction.
//! - What is evaluated borrows from the frame only through `Writer::keep`, so a frame may change
//!   while batches live.
//!
//! Rejected: async operators (a boxed future for each operator and batch, and no place to stop
//! between rows).

use std::sync::Arc;

use model::{LockedRow, RangeScan, Seeing, StoredRow, Work};
use transaction::{BoxFuture, Wait};

use super::batch::{Batch, Writer};
use crate::expression::{Context, Session};
use crate::{Datum, Error, ErrorKind, Result};

/// What an operator answers.
pub enum Step {
    /// Rows, at least one.
    Rows(Arc<Batch>),
    /// No more rows.
    Done,
    /// Call again when the request under way is answered.
    Wait,
}

/// A source of rows.
pub trait Operator: Send {
    /// The next rows.
    fn next(&mut self, run: &mut Run) -> Result<Step>;
    /// Starts over, under the frame of the next call.
    fn rewind(&mut self, run: &mut Run);
}

/// An operator of any kind.
pub type BoxOperator = Box<dyn Operator>;

/// What the store answered to a leaf.
pub enum Response {
    /// A scan, given back, with its next page (`None`: it is done).
    Page(Box<RangeScan>, Option<Vec<StoredRow>>),
    /// Locked rows.
    Locked(Vec<LockedRow>),
    /// Nothing but that it is time to go on.
    Nothing,
}

/// What a row to be locked or changed means that somebody changed after the statement's snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Newer {
    /// Its latest version is read and the predicate checked again (READ COMMITTED).
    Follow,
    /// 40001 at this statement (REPEATABLE READ, SERIALIZABLE).
    Conflict,
}

/// How a statement runs.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// What a newer version of a row means.
    pub newer: Newer,
    /// How long to wait for a row's lock where the statement does not say (lock_timeout).
    pub wait: Wait,
    /// Bytes that sorts, hashes and groups may take.
    pub memory: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { newer: Newer::Follow, wait: Wait::Forever, memory: 256 << 20 }
    }
}

/// Parameters and surroundings of an execution or of one round of an `Apply`.
pub struct Frame {
    parameters: Arc<Batch>,
    session: Arc<dyn Session>,
}

impl Frame {
    /// A frame of one row of parameters.
    pub fn new(parameters: Arc<Batch>, session: Arc<dyn Session>) -> Self {
        Frame { parameters, session }
    }

    /// What expressions evaluate in.
    #[inline]
    pub fn context(&self) -> Context<'_> {
        let parameters = if self.parameters.is_empty() { &[] } else { self.parameters.row(0) };
        Context { parameters, session: &*self.session }
    }

    /// The parameters.
    pub fn parameters(&self) -> &Arc<Batch> {
        &self.parameters
    }

    /// The session.
    pub fn session(&self) -> &Arc<dyn Session> {
        &self.session
    }

    /// The same with some parameters set (slots past the end extend the row).
    pub fn with(
        &self,
        set: impl for<'b> FnOnce(&mut Writer<'b>, &mut Vec<Datum<'b>>) -> Result<()>,
    ) -> Result<Frame> {
        let row = build_row(|writer| {
            let old = writer.keep(&self.parameters);
            let mut row = if old.is_empty() { Vec::new() } else { old.row(0).to_vec() };
            set(writer, &mut row)?;
            Ok(row)
        })?;
        Ok(Frame { parameters: row, session: self.session.clone() })
    }
}

/// A batch of one row whose width the closure decides.
pub fn build_row(
    fill: impl for<'b> FnOnce(&mut Writer<'b>) -> Result<Vec<Datum<'b>>>,
) -> Result<Arc<Batch>> {
    let (batch, ()) = Batch::build(0, |writer| {
        let row = fill(writer)?;
        writer.single(row);
        Ok(())
    })?;
    Ok(batch)
}

/// The state that all operators of one execution share.
pub struct Run {
    /// Parameters and session of the operators that are running now.
    pub frame: Arc<Frame>,
    /// The transaction. Shared, so that a suspended portal can be kept beside it.
    pub work: Arc<Work>,
    /// What reads see; own writes with a later sequence are not seen: a statement does not meet the
    /// rows that it writes.
    pub seeing: Seeing,
    /// What a row that changed after the snapshot means, and how long to wait for its lock.
    pub settings: Settings,
    /// Bytes that sorts, hashes and groups of this execution may still take.
    memory: usize,
    waiting: Option<BoxFuture<'static, Result<Response>>>,
    response: Option<Response>,
    pages: u32,
}

/// After so many pages, about a millisecond each, a run lets other tasks on.
const PAGES_BEFORE_YIELD: u32 = 4;

impl Run {
    /// A fresh execution.
    pub fn new(work: Arc<Work>, frame: Arc<Frame>, settings: Settings) -> Self {
        let seeing = Seeing { until: work.sequence(), ..Seeing::default() };
        let memory = settings.memory;
        Run { frame, work, seeing, settings, memory, waiting: None, response: None, pages: 0 }
    }

    /// The answer to the request of the last `wait`.
    pub fn take_response(&mut self) -> Option<Response> {
        self.response.take()
    }

    /// Puts a request under way; the operator then answers `Step::Wait`.
    pub fn wait(&mut self, future: impl Future<Output = Result<Response>> + Send + 'static) {
        debug_assert!(self.waiting.is_none());
        self.waiting = Some(Box::pin(future));
    }

    /// Whether a request is under way.
    pub fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// Called once for each page of rows: ends a cancelled run, and tells whether to let other
    /// tasks on first.
    pub fn tick(&mut self) -> Result<bool> {
        self.check_cancelled()?;
        self.pages += 1;
        if self.pages.is_multiple_of(PAGES_BEFORE_YIELD) {
            self.wait(async {
                tokio::task::yield_now().await;
                Ok(Response::Nothing)
            });
            return Ok(true);
        }
        Ok(false)
    }

    /// 57014 when somebody cancelled.
    pub fn check_cancelled(&self) -> Result<()> {
        if self.work.buffer().cancel_token().is_cancelled() {
            return Err(Error::new(
                ErrorKind::Cancelled,
                "57014",
                "canceling statement due to user request",
            ));
        }
        Ok(())
    }

    /// Takes memory for rows that are kept; 53200 when the execution's share is used up.
    pub fn reserve(&mut self, bytes: usize) -> Result<()> {
        if bytes > self.memory {
            return Err(Error::new(
                ErrorKind::Limit,
                "53200",
                "out of memory: the rows to sort, group or join exceed \
                 the statement's share of the budget",
            )
            .hint("Raise --memory, or set work_mem higher."));
        }
        self.memory -= bytes;
        Ok(())
    }

    /// Gives memory back.
    pub fn give_back(&mut self, bytes: usize) {
        self.memory += bytes;
    }
}

/// The rows of a running plan.
pub struct Execution {
    root: BoxOperator,
    run: Run,
}

impl Execution {
    /// Runs a tree of operators.
    pub fn new(root: BoxOperator, run: Run) -> Self {
        Execution { root, run }
    }

    /// The next rows, or `None` when there are no more.
    pub async fn next(&mut self) -> Result<Option<Arc<Batch>>> {
        loop {
            match self.root.next(&mut self.run)? {
                Step::Rows(batch) => return Ok(Some(batch)),
                Step::Done => return Ok(None),
                Step::Wait => self.await_response().await?,
            }
        }
    }

    async fn await_response(&mut self) -> Result<()> {
        let Some(future) = self.run.waiting.take() else {
            return Err(Error::internal("an operator waits for nothing"));
        };
        self.run.response = match future.await? {
            Response::Nothing => None,
            response => Some(response),
        };
        Ok(())
    }

    /// The run, for an operation at the root that works on the store itself.
    pub fn run(&mut self) -> &mut Run {
        &mut self.run
    }
}
