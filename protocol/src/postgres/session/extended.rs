//! The extended query: Parse, Bind, Describe, Execute, Close.
//!
//! ```text
//!   Parse   text ─▶ Prepared, kept by the session under its name
//!   Bind    Prepared + values ─▶ Bound::Ready
//!   Execute Ready ─start─▶ Running ─ rows, at most as many as asked ─┬─ 's' ─▶ Running
//!                                                                    └─ 'C' ─▶ Done
//! ```
//!
//! A change runs whole at its first Execute, a query as its rows are fetched. The unnamed portal
//! has a place of its own, so that the usual query looks nothing up by name and allocates no name.
//!
//! **Invariants**
//! - PortalSuspended is sent if and only if as many rows were given as Execute asked for.
//! - Before a statement that ends the transaction runs, every other portal is gone.
//!
//! - A value that does not read as its type is Bind's error: if Execute finds it before Bind's
//!   answer has left, that answer is taken back.
//!
//! **Rejected.** Starting at Bind, as PostgreSQL's executor does: a change that nobody executes
//! would have happened.

use std::io;
use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;

use language::sql::ast;
use qanat::session::{CommandTag, Fetched, Portal, Prepared, Started, Status};
use qanat::{Error, Type};
use query::execute::batch::Batch;
use query::plan::OutputColumn;
use tokio::io::{AsyncRead, AsyncWrite};

use super::super::codec::frontend::TypeOids;
use super::super::codec::{BackendWriter, Bind, Frontend, Target};
use super::super::error::{
    self, Source, no_portal, no_such_type, parameter_count, portal_exists, portal_is_done,
    several_statements,
};
use super::super::translate::{
    Arguments, ResultFormats, RowWriter, describe_parameters, describe_rows,
};
use super::{Connection, Fault};

/// A portal: a statement with its values, and how far it has run.
pub(super) struct Bound {
    prepared: Arc<Prepared>,
    arguments: Arguments,
    formats: ResultFormats,
    state: State,
    /// Where the answer to Bind begins in what is sent.
    answer: u64,
}

enum State {
    Ready,
    Running(Portal),
    /// Ran to its end; whether it answers rows.
    Done(bool),
}

/// How fetching rows ended.
pub(super) enum Given {
    /// The statement is at its end; its command tag.
    All(CommandTag),
    /// As many as asked for.
    Enough,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Does one message; an error makes everything up to Sync be passed over.
    pub(super) async fn extended(&mut self, message: Frontend<'_>) -> io::Result<()> {
        let (done, source) = match message {
            Frontend::Parse { statement, query, types } => {
                (self.parse(statement, query, types).await, Source { text: query, start: 0 })
            }
            Frontend::Bind(bind) => (self.bind(&bind), Source::default()),
            Frontend::Describe(target, name) => {
                (self.describe(target, name).await, Source::default())
            }
            Frontend::Close(target, name) => {
                self.close(target, name);
                BackendWriter::new(&mut self.wire.out).close_complete();
                (Ok(()), Source::default())
            }
            Frontend::Execute { portal, rows_max } => return self.execute(portal, rows_max).await,
            _ => return Ok(()),
        };
        self.answered(done, source).await
    }

    /// Tells of an error, if there was one.
    async fn answered(&mut self, done: Result<(), Fault>, source: Source<'_>) -> io::Result<()> {
        match done {
            Ok(()) => Ok(()),
            Err(Fault::Stream(error)) => Err(error),
            Err(Fault::Told(error)) => {
                self.skipping = true;
                self.failed(&error, source, None).await
            }
        }
    }

    async fn parse(&mut self, name: &str, text: &str, types: TypeOids<'_>) -> Result<(), Fault> {
        let mut parsed = qanat::session::parse(text)?;
        parsed.retain(|parsed| !matches!(parsed.statement, ast::Statement::Empty));
        if parsed.is_empty() {
            parsed = qanat::session::parse(";")?;
        }
        let [parsed] = parsed.as_slice() else { return Err(several_statements().into()) };
        let mut given: Vec<Option<Type>> = Vec::with_capacity(types.count());
        for oid in types.iter() {
            given.push(match oid {
                0 => None,
                oid => match Type::from_oid(oid).ok_or_else(|| no_such_type(oid))? {
                    Type::UNKNOWN => None,
                    ty => Some(ty),
                },
            });
        }
        if name.is_empty() {
            self.session.forget_prepared("");
        }
        let prepared = self.wire.beside(pin!(self.session.prepare(text, parsed, &given))).await??;
        self.session.keep_prepared(name, prepared)?;
        BackendWriter::new(&mut self.wire.out).parse_complete();
        Ok(())
    }

    fn bind(&mut self, bind: &Bind<'_>) -> Result<(), Fault> {
        let prepared = self.session.prepared(bind.statement)?.clone();
        let (given, wanted) = (bind.values.len(), prepared.parameters.len());
        if given != wanted {
            return Err(parameter_count(given, bind.statement, wanted).into());
        }
        if self.session.status() == Status::Failed && !ends_transaction(&prepared) {
            return Err(error::transaction_is_aborted().into());
        }
        if !bind.portal.is_empty() && self.portals.contains_key(bind.portal) {
            return Err(portal_exists(bind.portal).into());
        }
        let formats = ResultFormats::new(&bind.results, prepared.columns.len())?;
        self.close(Target::Portal, "");
        let mut arguments = self.spare.take().unwrap_or_default();
        arguments.set(bind);
        let answer = self.wire.position();
        let bound = Bound { prepared, arguments, formats, state: State::Ready, answer };
        match bind.portal {
            "" => self.unnamed = Some(bound),
            name => {
                self.portals.insert(name.to_owned(), bound);
            }
        }
        BackendWriter::new(&mut self.wire.out).bind_complete();
        Ok(())
    }

    async fn describe(&mut self, target: Target, name: &str) -> Result<(), Fault> {
        match target {
            Target::Statement => {
                let prepared = self.session.prepared(name)?;
                describe_parameters(&mut self.wire.out, &prepared.parameters);
                let formats = ResultFormats::default();
                describe_rows(&mut self.wire.out, &prepared.columns, &formats);
            }
            Target::Portal => {
                let bound = match name {
                    "" => self.unnamed.as_ref(),
                    name => self.portals.get(name),
                };
                if let Some(bound) = bound {
                    describe_rows(&mut self.wire.out, &bound.prepared.columns, &bound.formats);
                    return Ok(());
                }
                let fetch = self.fetch_of_cursor(name, 0).await?;
                let formats = ResultFormats::default();
                describe_rows(&mut self.wire.out, &fetch.columns, &formats);
            }
        }
        Ok(())
    }

    /// A cursor that SQL declared is a portal, too: what fetches from it.
    async fn fetch_of_cursor(&mut self, name: &str, rows_max: i32) -> Result<Arc<Prepared>, Fault> {
        let quoted = name.replace('"', "\"\"");
        let text = match rows_max {
            ..0 => format!("FETCH ALL FROM \"{quoted}\""),
            count => format!("FETCH {count} FROM \"{quoted}\""),
        };
        let parsed = qanat::session::parse(&text)?;
        let [parsed] = parsed.as_slice() else { return Err(no_portal(name).into()) };
        let prepared = self.wire.beside(pin!(self.session.prepare(&text, parsed, &[]))).await?;
        Ok(prepared.map_err(|error| match error.sqlstate {
            "34000" => no_portal(name),
            _ => error,
        })?)
    }

    /// Executes a cursor that SQL declared.
    async fn bound_cursor(&mut self, name: &str, rows_max: i32) -> Result<Bound, Fault> {
        let all = if rows_max > 0 { rows_max } else { -1 };
        let prepared = self.fetch_of_cursor(name, all).await?;
        let answer = self.wire.position();
        let (arguments, formats) = (Arguments::default(), ResultFormats::default());
        Ok(Bound { prepared, arguments, formats, state: State::Ready, answer })
    }

    pub(super) fn close(&mut self, target: Target, name: &str) {
        match (target, name) {
            (Target::Statement, name) => self.session.forget_prepared(name),
            (Target::Portal, "") => {
                let closed = self.unnamed.take();
                self.keep_memory(closed);
            }
            (Target::Portal, name) => {
                let closed = self.portals.remove(name);
                self.keep_memory(closed);
            }
        }
    }

    fn keep_memory(&mut self, closed: Option<Bound>) {
        if let Some(bound) = closed {
            self.spare = Some(bound.arguments);
        }
    }

    /// Ends every portal.
    pub(super) fn forget_portals(&mut self) {
        self.close(Target::Portal, "");
        self.portals.clear();
    }

    async fn execute(&mut self, name: &str, rows_max: i32) -> io::Result<()> {
        // The portal stands outside its table while it runs.
        let taken = match name {
            "" => self.unnamed.take().map(|bound| (String::new(), bound)),
            name => self.portals.remove_entry(name),
        };
        let Some((key, mut bound)) = taken else {
            let done = match self.session.status() {
                Status::Failed => Err(error::transaction_is_aborted().into()),
                _ => match self.bound_cursor(name, rows_max).await {
                    Ok(mut bound) => self.run_portal(name, &mut bound, 0).await,
                    Err(fault) => Err(fault),
                },
            };
            return self.answered(done, Source::default()).await;
        };
        match self.run_portal(name, &mut bound, rows_max).await {
            Ok(()) if name.is_empty() => self.unnamed = Some(bound),
            Ok(()) => {
                self.portals.insert(key, bound);
            }
            failed => {
                // It must not hold the transaction that fails now; its text is still to be shown.
                bound.state = State::Ready;
                if bound.arguments.were_refused() {
                    self.wire.take_back(bound.answer);
                }
                let prepared = bound.prepared.clone();
                self.keep_memory(Some(bound));
                return self.answered(failed, source_of(&prepared)).await;
            }
        }
        if !self.in_block() && self.session.status() == Status::Idle {
            // A statement ended the transaction.
            self.forget_portals();
        }
        Ok(())
    }

    async fn run_portal(
        &mut self,
        name: &str,
        bound: &mut Bound,
        rows_max: i32,
    ) -> Result<(), Fault> {
        let resumed = matches!(bound.state, State::Running(_));
        match &bound.state {
            State::Done(false) => return Err(portal_is_done(name).into()),
            State::Done(true) => {
                BackendWriter::new(&mut self.wire.out).command_complete_rows("SELECT", 0);
                return Ok(());
            }
            State::Running(_) => {}
            State::Ready => {
                if ends_transaction(&bound.prepared) {
                    self.forget_portals();
                }
                let start = self.session.start(&bound.prepared, &bound.arguments);
                let started = self.wire.beside(pin!(start)).await??;
                match started {
                    Started::Portal(portal) => bound.state = State::Running(portal),
                    Started::CopyIn(copy) => {
                        bound.state = State::Done(false);
                        return self.begin_copy_in(*copy, None);
                    }
                    Started::CopyOut(copy) => {
                        bound.state = State::Done(false);
                        return self.copy_out(*copy).await;
                    }
                    Started::Empty => {
                        bound.state = State::Done(false);
                        BackendWriter::new(&mut self.wire.out).empty_query_response();
                        return Ok(());
                    }
                }
            }
        }
        let State::Running(portal) = &mut bound.state else { return Ok(()) };
        let before = portal.given();
        let asked = u64::try_from(rows_max).ok().filter(|rows| *rows > 0);
        let columns = &bound.prepared.columns;
        let given = self.send_rows(portal, columns, &bound.formats, asked).await?;
        self.notices();
        let mut out = BackendWriter::new(&mut self.wire.out);
        match given {
            Given::Enough => out.portal_suspended(),
            Given::All(tag) => {
                match tag {
                    // PostgreSQL counts the rows of this Execute alone.
                    CommandTag::Counted("SELECT", _) if resumed => {
                        out.command_complete_rows("SELECT", portal.given() - before);
                    }
                    tag => out.command_complete_tag(&tag),
                }
                bound.state = State::Done(!columns.is_empty());
            }
        }
        Ok(())
    }

    /// Sends rows of a portal, all that there are or as many as asked for.
    pub(super) async fn send_rows(
        &mut self,
        portal: &mut Portal,
        columns: &[OutputColumn],
        formats: &ResultFormats,
        asked: Option<u64>,
    ) -> Result<Given, Fault> {
        let mut left = asked.unwrap_or(u64::MAX);
        while left > 0 {
            let limit = usize::try_from(left).unwrap_or(usize::MAX);
            let fetched = self.wire.beside(pin!(portal.fetch(&mut self.session, limit))).await??;
            let rows = match fetched {
                Fetched::Done(tag) => return Ok(Given::All(tag)),
                Fetched::Rows(rows) => rows,
            };
            left -= rows.range.len() as u64;
            let mut range = if columns.is_empty() { 0..0 } else { rows.range };
            while !range.is_empty() {
                self.write_rows(&rows.batch, &mut range, columns, formats)?;
                if self.wire.is_full() {
                    self.wire.flush().await?;
                }
            }
            if left > 0
                && let Some(tag) = portal.finished()
            {
                return Ok(Given::All(tag));
            }
        }
        Ok(Given::Enough)
    }

    /// Writes rows until the buffer is full; what is left of `range` is not written yet.
    fn write_rows(
        &mut self,
        batch: &Batch,
        range: &mut Range<usize>,
        columns: &[OutputColumn],
        formats: &ResultFormats,
    ) -> Result<(), Error> {
        let limit = self.limits.wire.field_bytes_max;
        let mut writer = RowWriter::new(columns, &self.session, limit, &mut self.scratch)?;
        for at in range {
            writer.row(&mut self.wire.out, columns, formats, batch.row(at))?;
            if self.wire.is_full() {
                break;
            }
        }
        Ok(())
    }
}

/// The text that offsets in a statement's errors count in.
pub(super) fn source_of(prepared: &Prepared) -> Source<'_> {
    Source { text: &prepared.text, start: prepared.parsed.start }
}

/// COMMIT and ROLLBACK, under any of their names.
pub(super) fn ends_transaction(prepared: &Prepared) -> bool {
    use ast::{Statement, Transaction};
    let end = |transaction: &Transaction| {
        matches!(transaction, Transaction::Commit { .. } | Transaction::Rollback { .. })
    };
    matches!(&prepared.parsed.statement, Statement::Transaction(transaction) if end(transaction))
}
