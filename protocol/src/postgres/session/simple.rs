//! The simple query: a text of any number of statements, run one after the other.
//!
//! ```text
//!   Q "INSERT …; SELECT …" ─▶ [statement, statement] ─▶ T D… C │ C │ … Z
//!                                 └ COPY FROM STDIN: the rest waits until the data is there
//! ```
//!
//! A text of one statement that differs from an earlier one in its literals only runs by the plan
//! of that one: no tree is made of it.
//!
//! All statements of one text share one implicit transaction, unless they say BEGIN; an error
//! passes over the rest. The commit belongs to the last statement's answer: it is done before that
//! statement's CommandComplete is said, so that a failed commit is that statement's error.
//!
//! **Invariant.** A text that holds no statement is answered by EmptyQueryResponse.

use std::io;
use std::pin::pin;
use std::sync::Arc;

use language::sql::ast::{Parsed, Statement};
use language::sql::{Dialect, texts};
use qanat::session::{CommandTag, Portal, Prepared, Started, TextParameters};
use qanat::{Error, ErrorKind};
use tokio::io::{AsyncRead, AsyncWrite};

use super::super::codec::{BackendWriter, Target};
use super::super::error::Source;
use super::super::translate::{ResultFormats, describe_rows};
use super::extended::{Given, ends_transaction};
use super::{Connection, Fault};

/// What is left of a text whose COPY waits for data.
pub(super) struct Rest {
    pub text: String,
    pub statements: Vec<Arc<Parsed>>,
    /// The statement that comes next.
    pub next: usize,
}

/// 42P02: a simple query has no parameters, whatever its text says.
fn no_parameter(prepared: &Prepared) -> Error {
    let found = texts::first_parameter(&prepared.text, Dialect::PostgreSql).ok().flatten();
    let (number, at) = found.unwrap_or(("1", 0));
    let message = format!("there is no parameter ${number}");
    Error::new(ErrorKind::Name, "42P02", message).at(prepared.parsed.start + at)
}

/// A text without the semicolon that most clients end it with.
fn single(text: &str) -> &str {
    let text = text.trim_end();
    text.strip_suffix(';').map_or(text, str::trim_end)
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// `Q`.
    pub(super) async fn query(&mut self, text: &str) -> io::Result<()> {
        // A simple query takes the place of the unnamed statement and portal.
        self.session.forget_prepared("");
        self.drop_unnamed();
        let cached = self.wire.beside(pin!(self.session.start_cached(single(text)))).await?;
        if let Some(started) = cached {
            return self.run_cached(text, started).await;
        }
        let statements = match qanat::session::parse(text) {
            Ok(mut statements) => {
                statements.retain(|parsed| !matches!(parsed.statement, Statement::Empty));
                statements
            }
            Err(error) => {
                self.failed(&error, Source { text, start: 0 }, None).await?;
                return self.end_query().await;
            }
        };
        if statements.is_empty() {
            BackendWriter::new(&mut self.wire.out).empty_query_response();
        }
        self.run_statements(text, &statements, 0).await
    }

    /// Answers a text of one statement that runs by the plan of its like.
    async fn run_cached(&mut self, text: &str, started: Result<Portal, Error>) -> io::Result<()> {
        let answered = match started {
            Ok(portal) => self.answer(portal, true).await,
            Err(error) => Err(error.into()),
        };
        match answered {
            Err(Fault::Stream(error)) => return Err(error),
            Err(Fault::Told(error)) => {
                self.failed(&error, Source { text, start: 0 }, None).await?;
            }
            Ok(()) => {}
        }
        self.end_query().await
    }

    fn drop_unnamed(&mut self) {
        // Portals with names live on until their transaction ends.
        self.close(Target::Portal, "");
    }

    /// Runs the statements of a text from one on, and ends the query.
    pub(super) async fn run_statements(
        &mut self,
        text: &str,
        statements: &[Arc<Parsed>],
        from: usize,
    ) -> io::Result<()> {
        for (at, parsed) in statements.iter().enumerate().skip(from) {
            let last = at + 1 == statements.len();
            match self.run_statement(text, parsed, last).await {
                Ok(None) => {}
                Ok(Some(copy)) => {
                    let rest = Rest {
                        text: text.to_owned(),
                        statements: statements.to_vec(),
                        next: at + 1,
                    };
                    if let Err(Fault::Stream(error)) = self.begin_copy_in(copy, Some(rest)) {
                        return Err(error);
                    }
                    return Ok(());
                }
                Err(Fault::Stream(error)) => return Err(error),
                Err(Fault::Told(error)) => {
                    self.failed(&error, Source { text, start: 0 }, None).await?;
                    break;
                }
            }
        }
        self.end_query().await
    }

    /// Runs one statement; answers a COPY that waits for data.
    async fn run_statement(
        &mut self,
        text: &str,
        parsed: &Arc<Parsed>,
        last: bool,
    ) -> Result<Option<qanat::session::CopyIn>, Fault> {
        let prepared = self.wire.beside(pin!(self.session.prepare(text, parsed, &[]))).await??;
        if !prepared.parameters.is_empty() {
            return Err(no_parameter(&prepared).into());
        }
        if ends_transaction(&prepared) {
            self.forget_portals();
        }
        let nothing = TextParameters(&[]);
        let start = self.session.start(&prepared, &nothing);
        let started = self.wire.beside(pin!(start)).await??;
        match started {
            Started::Empty => Ok(None),
            Started::CopyIn(copy) => Ok(Some(*copy)),
            Started::CopyOut(copy) => {
                self.copy_out(*copy).await?;
                Ok(None)
            }
            Started::Portal(portal) => {
                self.answer(portal, last).await?;
                Ok(None)
            }
        }
    }

    async fn answer(&mut self, mut portal: Portal, last: bool) -> Result<(), Fault> {
        let columns = portal.columns.clone();
        let formats = ResultFormats::default();
        if !columns.is_empty() {
            describe_rows(&mut self.wire.out, &columns, &formats);
        }
        let given = self.send_rows(&mut portal, &columns, &formats, None).await?;
        // The portal holds the transaction, which may end now.
        drop(portal);
        let Given::All(tag) = given else { return Ok(()) };
        self.complete(&tag, last).await
    }

    /// Says that a statement is done; the last one's transaction is committed first.
    pub(super) async fn complete(&mut self, tag: &CommandTag, last: bool) -> Result<(), Fault> {
        if last && !self.in_block() {
            self.forget_portals();
            self.wire.beside(pin!(self.session.sync())).await??;
        }
        self.notices();
        BackendWriter::new(&mut self.wire.out).command_complete_tag(tag);
        Ok(())
    }
}
