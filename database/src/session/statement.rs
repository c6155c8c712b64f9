//! Running a prepared statement: which transaction, which snapshot, and what happens when it fails.
//!
//! ```text
//!   start ─► start_statement (snapshot, time, waits) ─► plan still current? ─► rows: Portal
//!      ▲                                                                    └► change: run whole, savepoint around it
//!      └── schema changed meanwhile, or a conflict of a transaction that nobody has seen anything of: again
//! ```
//!
//! **Invariants**
//! - A change is run to its end before anything of it is answered, so that it can be undone and run
//!   again.
//! - A statement is retried only if it is the first of an implicit transaction (the client saw
//!   nothing), or if it has written nothing and only the schema moved.

use std::sync::Arc;
use std::time::Duration;

use ::transaction::CancelToken;
use language::sql::ast;
use model::datum::{Arena, Datum};
use query::execute::batch::Batch;
use query::execute::fault::fault;
use query::execute::parameters;
use query::execute::run::{Frame, Newer, Settings as RunSettings};
use query::execute::start::{self, Running};
use query::plan::Operation;

use super::portal::Tag;
use super::prepare::{Runnable, has_plan};
use super::{CopyIn, CopyOut, Level, Portal, Prepared, Session, Status, long};
use crate::{Error, ErrorKind, Result, Type};

/// Where a client's parameter values come from.
pub trait Parameters: Sync {
    /// How many there are.
    fn count(&self) -> usize;

    /// One of them, of the type that the statement wants. The datum lives in the arena.
    ///
    /// # Errors
    /// `22P02`, `22P03` and their kin.
    fn datum<'a>(
        &self,
        at: usize,
        ty: Type,
        session: &dyn query::expression::Session,
        arena: &'a Arena,
    ) -> Result<Datum<'a>>;
}

/// Parameters as text, `None` for NULL.
pub struct TextParameters<'t>(pub &'t [Option<String>]);

impl Parameters for TextParameters<'_> {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn datum<'a>(
        &self,
        at: usize,
        ty: Type,
        session: &dyn query::expression::Session,
        arena: &'a Arena,
    ) -> Result<Datum<'a>> {
        match self.0.get(at).and_then(Option::as_deref) {
            Some(text) => query::cast::input(session, ty, text, -1, arena),
            None => Ok(Datum::Null),
        }
    }
}

/// What starting a statement gave.
pub enum Started {
    /// A portal to fetch from.
    Portal(Portal),
    /// COPY FROM STDIN waits for rows.
    CopyIn(Box<CopyIn>),
    /// COPY TO STDOUT gives rows.
    CopyOut(Box<CopyOut>),
    /// There was nothing between two semicolons.
    Empty,
}

/// Times that a first statement is run again after a conflict.
const RETRIES: usize = 10;

impl Session {
    /// Runs a prepared statement.
    ///
    /// # Errors
    /// What it says; the caller then calls [`Session::fail`].
    pub async fn start(
        &mut self,
        prepared: &Arc<Prepared>,
        parameters: &dyn Parameters,
    ) -> Result<Started> {
        self.refuse_failed(&prepared.parsed.statement)?;
        self.cancel.reset();
        self.show("active", Some(&prepared.text));
        if has_plan(&prepared.parsed.statement) {
            return self.run_plan(prepared, parameters, None).await.map(Started::Portal);
        }
        // Its future is a hundred times as large as a query's, and would be moved with it.
        Box::pin(self.run_utility(prepared, parameters)).await
    }

    /// Runs a statement that has a plan; `literals` replace those of the text that was planned.
    pub(super) async fn run_plan(
        &mut self,
        prepared: &Arc<Prepared>,
        parameters: &dyn Parameters,
        literals: Option<Arc<[Option<String>]>>,
    ) -> Result<Portal> {
        let mut tries = 0;
        loop {
            let first = self.active.is_none() || self.is_untouched();
            let error = match self.run_once(prepared, parameters, literals.as_ref()).await {
                Ok(portal) => return Ok(portal),
                Err(error) => error,
            };
            tries += 1;
            // A lock that was not free in time is what the client asked to be told.
            let again = error.kind == ErrorKind::Retry
                && error.sqlstate != "55P03"
                && self.status == Status::Implicit
                && first
                && tries < RETRIES;
            if !again {
                return Err(error);
            }
            Box::pin(self.fail()).await;
        }
    }

    /// Whether the open transaction has done nothing that the client could know of.
    fn is_untouched(&self) -> bool {
        let Some(active) = &self.active else { return true };
        self.status == Status::Implicit && !active.queried
    }

    async fn run_once(
        &mut self,
        prepared: &Arc<Prepared>,
        parameters: &dyn Parameters,
        literals: Option<&Arc<[Option<String>]>>,
    ) -> Result<Portal> {
        self.start_statement().await?;
        let mut runnable = self.runnable(prepared).await?;
        if let Some(literals) = literals {
            runnable.literals = literals.clone();
        }
        self.check_read_only(&prepared.parsed.statement)?;
        let columns = prepared.columns.clone();
        match &runnable.plan.statement.operation {
            Operation::Query(_) => {
                let running = self.begin_run(&runnable, parameters).await?;
                Ok(Portal::running(columns, running, "SELECT"))
            }
            operation => {
                let word = match operation {
                    Operation::Insert(_) => "INSERT 0",
                    Operation::Update(_) => "UPDATE",
                    Operation::Delete(_) => "DELETE",
                    Operation::Query(_) => "SELECT",
                };
                self.run_change(&runnable, parameters, columns, word).await
            }
        }
    }

    async fn run_change(
        &mut self,
        runnable: &Runnable,
        parameters: &dyn Parameters,
        columns: Arc<[query::plan::OutputColumn]>,
        word: &'static str,
    ) -> Result<Portal> {
        let work = self.active().await?.work.clone();
        let savepoint = work.savepoint().map_err(fault)?;
        match self.run_to_end(runnable, parameters).await {
            Ok((affected, returning)) => {
                work.release(&savepoint);
                let tag = Tag::Affected(word, affected);
                Ok(Portal::rows(columns, returning, tag))
            }
            Err(error) => {
                work.rollback_to(&savepoint).await.map_err(fault)?;
                work.release(&savepoint);
                Err(error)
            }
        }
    }

    async fn run_to_end(
        &mut self,
        runnable: &Runnable,
        parameters: &dyn Parameters,
    ) -> Result<(u64, Vec<Arc<Batch>>)> {
        let mut running = Some(Box::new(self.begin_run(runnable, parameters).await?));
        let elsewhere = self.elsewhere();
        within(self.limit(), async {
            let mut returning = Vec::new();
            while let Some(batch) = long::next(&mut running, elsewhere.as_ref()).await? {
                returning.push(batch);
            }
            Ok((running.map_or(0, |running| running.affected()), returning))
        })
        .await
    }

    async fn begin_run(
        &mut self,
        runnable: &Runnable,
        parameters: &dyn Parameters,
    ) -> Result<Running> {
        let (frame, settings) = self.frame_of(runnable, parameters).await?;
        let work = self.active().await?.work.clone();
        start::start(&runnable.plan, frame, work, settings)
    }

    /// What a statement runs with: its parameters and how it treats others' rows.
    pub(super) async fn frame_of(
        &mut self,
        runnable: &Runnable,
        parameters: &dyn Parameters,
    ) -> Result<(Frame, RunSettings)> {
        let memory = self.settings.lock().quick().work_mem;
        let active = self.active().await?;
        let frame = make_frame(runnable, parameters, active.environment.clone())?;
        let settings = RunSettings {
            newer: match active.level {
                Level::ReadCommitted => Newer::Follow,
                Level::RepeatableRead | Level::Serializable => Newer::Conflict,
            },
            wait: active.wait,
            memory,
        };
        Ok((frame, settings))
    }

    /// 25006 for a change in a read-only transaction.
    pub(super) fn check_read_only(&self, statement: &ast::Statement) -> Result<()> {
        let Some(active) = &self.active else { return Ok(()) };
        if !active.read_only {
            return Ok(());
        }
        match writing_name(statement) {
            None => Ok(()),
            Some(name) => {
                let message = format!("cannot execute {name} in a read-only transaction");
                Err(Error::new(ErrorKind::State, "25006", message))
            }
        }
    }

    /// Where statements go on that turn out to be long.
    pub(super) fn elsewhere(&self) -> Option<tokio::runtime::Handle> {
        self.qanat.0.options.long_statements.clone()
    }

    /// How long a statement may run, and what ends it.
    pub(super) fn limit(&self) -> Limit {
        let millis = self.settings.lock().quick().statement_timeout;
        Limit((millis > 0).then(|| (Duration::from_millis(millis), self.cancel.clone())))
    }
}

/// `statement_timeout`, if there is one.
pub(super) struct Limit(Option<(Duration, CancelToken)>);

/// Waits for something of a running statement, at most as long as it may run. What runs then is
/// cancelled, and waited for: it may be on another thread.
pub(super) async fn within<T>(
    Limit(limit): Limit,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let Some((limit, cancel)) = limit else { return work.await };
    let mut work = std::pin::pin!(work);
    if let Ok(result) = tokio::time::timeout(limit, work.as_mut()).await {
        return result;
    }
    cancel.cancel();
    let _ = work.await;
    let message = "canceling statement due to statement timeout";
    Err(Error::new(ErrorKind::Cancelled, "57014", message))
}

fn make_frame(
    runnable: &Runnable,
    given: &dyn Parameters,
    environment: Arc<super::Environment>,
) -> Result<Frame> {
    let literals: Vec<&str> =
        runnable.literals.iter().map(|literal| literal.as_deref().unwrap_or("")).collect();
    let session = environment.clone();
    parameters::frame_with(
        &runnable.plan.statement,
        given.count(),
        |at, ty, arena| given.datum(at, ty, &*session, arena),
        &literals,
        environment,
    )
}

/// The name of a statement that writes; `None` for one that only reads or is about the session.
fn writing_name(statement: &ast::Statement) -> Option<&'static str> {
    use ast::Statement::*;
    Some(match statement {
        Insert(_) => "INSERT",
        Update(_) => "UPDATE",
        Delete(_) => "DELETE",
        CreateDatabase(_) => "CREATE DATABASE",
        DropDatabase(_) => "DROP DATABASE",
        CreateSchema(_) => "CREATE SCHEMA",
        CreateTable(_) => "CREATE TABLE",
        CreateTableAs(_) => "CREATE TABLE AS",
        CreateIndex(_) => "CREATE INDEX",
        CreateSequence(_) => "CREATE SEQUENCE",
        AlterSequence(_) => "ALTER SEQUENCE",
        AlterTable(_) | Rename(_) => "ALTER TABLE",
        Drop(_) => "DROP",
        Truncate(_) => "TRUNCATE TABLE",
        Comment(_) => "COMMENT",
        Copy(copy) if copy.from => "COPY FROM",
        Query(query) if !query.locking.is_empty() => "SELECT FOR UPDATE",
        _ => return None,
    })
}
