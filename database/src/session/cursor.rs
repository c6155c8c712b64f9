//! SQL cursors: DECLARE, FETCH, MOVE, CLOSE.
//!
//! A cursor is a portal with a name. Without SCROLL it goes forward only; its rows come from the
//! plan as they are asked for. SCROLL and WITH HOLD keep all rows (in memory, within work_mem),
//! which is what going back and outliving the transaction mean.

use std::sync::Arc;

use language::sql::ast::{self, FetchDirection};
use query::execute::batch::Batch;
use query::plan::OutputColumn;

use super::portal::{Fetched, Portal, Rows, Tag};
use super::{Prepared, Session, Started, Status, TextParameters};
use crate::{Error, ErrorKind, Result};

/// A declared cursor.
pub(super) struct Cursor {
    columns: Arc<[OutputColumn]>,
    hold: bool,
    state: State,
}

enum State {
    Forward(Portal),
    Kept { rows: Vec<(Arc<Batch>, usize)>, at: usize },
}

impl Cursor {
    pub(super) fn columns(&self) -> &[OutputColumn] {
        &self.columns
    }

    pub(super) fn is_held(&self) -> bool {
        self.hold
    }
}

impl Session {
    pub(super) async fn declare(
        &mut self,
        declare: &ast::DeclareCursor,
        text: &str,
    ) -> Result<Portal> {
        if declare.binary {
            return Err(Error::unsupported("DECLARE … BINARY"));
        }
        if self.status == Status::Implicit && !declare.hold {
            let message = "DECLARE CURSOR can only be used in transaction blocks";
            return Err(Error::new(ErrorKind::State, "25P01", message));
        }
        let name = declare.name.name.clone();
        if self.cursors.contains_key(&name) {
            let message = format!("cursor \"{name}\" already exists");
            return Err(Error::new(ErrorKind::Name, "42P03", message));
        }
        let prepared =
            self.prepare_inner(&ast::Statement::Query(declare.query.clone()), text).await?;
        let started = Box::pin(self.start(&prepared, &TextParameters(&[]))).await?;
        let Started::Portal(mut portal) = started else {
            return Err(Error::internal("a cursor over no rows"));
        };
        let columns = portal.columns.clone();
        let state = if declare.hold || declare.scroll == Some(true) {
            State::Kept { rows: self.all_rows(&mut portal).await?, at: 0 }
        } else {
            State::Forward(portal)
        };
        self.cursors.insert(name, Cursor { columns, hold: declare.hold, state });
        Ok(Portal::done("DECLARE CURSOR"))
    }

    async fn all_rows(&mut self, portal: &mut Portal) -> Result<Vec<(Arc<Batch>, usize)>> {
        let mut all = Vec::new();
        let limit = self.settings.lock().quick().work_mem;
        let mut size = 0;
        while let Fetched::Rows(Rows { batch, range }) = portal.fetch(self, usize::MAX).await? {
            size += batch.size();
            if size > limit {
                let message =
                    "out of memory: the rows of a scrolling or held cursor exceed work_mem";
                return Err(Error::new(ErrorKind::Limit, "53200", message));
            }
            all.extend(range.map(|row| (batch.clone(), row)));
        }
        Ok(all)
    }

    pub(super) async fn fetch_cursor(&mut self, fetch: &ast::Fetch) -> Result<Portal> {
        let name = &fetch.cursor.name;
        let Some(mut cursor) = self.cursors.remove(name) else { return Err(no_cursor(name)) };
        let result = self.move_cursor(&mut cursor, fetch.direction).await;
        let columns = cursor.columns.clone();
        self.cursors.insert(name.clone(), cursor);
        let rows = result?;
        let count: usize = rows.iter().map(|rows| rows.len()).sum();
        if fetch.is_move {
            return Ok(Portal::done(format!("MOVE {count}")));
        }
        Ok(Portal::rows(columns, rows, Tag::Counted("FETCH")))
    }

    async fn move_cursor(
        &mut self,
        cursor: &mut Cursor,
        direction: FetchDirection,
    ) -> Result<Vec<Arc<Batch>>> {
        match &mut cursor.state {
            State::Kept { rows, at } => scroll(rows, at, direction),
            State::Forward(portal) => {
                let mut wanted = match direction {
                    FetchDirection::Forward(None) => usize::MAX,
                    FetchDirection::Forward(Some(count)) | FetchDirection::Relative(count)
                        if count >= 0 =>
                    {
                        count as usize
                    }
                    _ => {
                        let message = "cursor can only scan forward";
                        return Err(Error::new(ErrorKind::State, "55000", message)
                            .hint("Declare it with SCROLL option to enable backward scan."));
                    }
                };
                let mut taken = Vec::new();
                while wanted > 0 {
                    match portal.fetch(self, wanted).await? {
                        Fetched::Done(_) => break,
                        Fetched::Rows(Rows { batch, range }) => {
                            wanted -= range.len();
                            taken.push(cut(&batch, range)?);
                        }
                    }
                }
                Ok(taken)
            }
        }
    }

    pub(super) fn close_cursor(&mut self, name: Option<&str>) -> Result<Portal> {
        match name {
            None => {
                self.cursors.clear();
                Ok(Portal::done("CLOSE CURSOR ALL"))
            }
            Some(name) => match self.cursors.remove(name) {
                Some(_) => Ok(Portal::done("CLOSE CURSOR")),
                None => Err(no_cursor(name)),
            },
        }
    }

    /// Prepares a statement that stands inside another (EXPLAIN, DECLARE, COPY). Its offsets are
    /// those of the outer text, which is another statement: its plan serves nobody else.
    pub(super) async fn prepare_inner(
        &mut self,
        statement: &ast::Statement,
        text: &str,
    ) -> Result<Arc<Prepared>> {
        let literals =
            language::sql::texts::literal_texts(text, language::sql::Dialect::PostgreSql)
                .map_err(|error| super::prepare::syntax(&error))?;
        let parsed = ast::Parsed {
            statement: statement.clone(),
            start: 0,
            end: text.len() as u32,
            literals: literals.len() as u32,
            fixed: Vec::new(),
        };
        self.prepare_as(None, text, &Arc::new(parsed), &[]).await
    }
}

fn cut(batch: &Arc<Batch>, range: std::ops::Range<usize>) -> Result<Arc<Batch>> {
    if range == (0..batch.len()) {
        return Ok(batch.clone());
    }
    let (cut, ()) = Batch::build(batch.width(), |writer| {
        let rows = writer.keep(batch);
        range.for_each(|at| writer.row(rows.row(at)));
        Ok(())
    })?;
    Ok(cut)
}

/// Moves over kept rows. `at` is the number of rows before and including the current one, as in
/// PostgreSQL.
fn scroll(
    rows: &[(Arc<Batch>, usize)],
    at: &mut usize,
    direction: FetchDirection,
) -> Result<Vec<Arc<Batch>>> {
    let end = rows.len() + 1;
    let picked: Vec<usize> = match direction {
        FetchDirection::Forward(Some(count)) if count < 0 => {
            return scroll(rows, at, FetchDirection::Backward(Some(-count)));
        }
        FetchDirection::Backward(Some(count)) if count < 0 => {
            return scroll(rows, at, FetchDirection::Forward(Some(-count)));
        }
        FetchDirection::Forward(Some(0)) | FetchDirection::Backward(Some(0)) => {
            current(*at, rows.len())
        }
        FetchDirection::Forward(count) => {
            let count = count.map_or(usize::MAX, |count| count as usize);
            let last = at.saturating_add(count).min(end);
            let picked = (*at + 1..=last.min(rows.len())).collect();
            *at = last;
            picked
        }
        FetchDirection::Backward(count) => {
            let count = count.map_or(usize::MAX, |count| count as usize);
            let first = at.saturating_sub(count);
            let picked = (first.max(1)..*at).rev().collect();
            *at = first;
            picked
        }
        FetchDirection::Absolute(position) => {
            *at = absolute(position, rows.len(), end);
            current(*at, rows.len())
        }
        FetchDirection::Relative(by) => {
            *at = (*at as i64).saturating_add(by).clamp(0, end as i64) as usize;
            current(*at, rows.len())
        }
    };
    picked
        .into_iter()
        .filter_map(|row| rows.get(row - 1))
        .map(|(batch, row)| cut(batch, *row..row + 1))
        .collect()
}

fn absolute(position: i64, rows: usize, end: usize) -> usize {
    if position < 0 {
        return usize::try_from(rows as i64 + 1 + position).unwrap_or(0);
    }
    usize::try_from(position).unwrap_or(end).min(end)
}

fn current(at: usize, rows: usize) -> Vec<usize> {
    if (1..=rows).contains(&at) { vec![at] } else { Vec::new() }
}

fn no_cursor(name: &str) -> Error {
    Error::new(ErrorKind::Name, "34000", format!("cursor \"{name}\" does not exist"))
}
