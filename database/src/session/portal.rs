//! Portals: a statement that is running, and its rows as they are asked for.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use query::execute::batch::Batch;
use query::execute::start::Running;
use query::plan::OutputColumn;

use super::statement::within;
use super::{Session, long};
use crate::Result;

/// A running statement.
pub struct Portal {
    /// The columns of its rows; empty where it answers none.
    pub columns: Arc<[OutputColumn]>,
    state: State,
    /// The command tag without the row count of a SELECT.
    tag: Tag,
    /// Rows given so far.
    given: u64,
    /// Whether it answers rows, if only of no columns.
    shows: bool,
}

enum State {
    /// Rows that were read and not given yet come first.
    Running(Option<Box<Running>>, VecDeque<Arc<Batch>>),
    Rows(VecDeque<Arc<Batch>>),
    Done,
}

/// How the command tag reads.
#[derive(Debug, Clone)]
pub(super) enum Tag {
    /// `SELECT n`, `FETCH n` …: the rows given.
    Counted(&'static str),
    /// `UPDATE n` …: the rows changed.
    Affected(&'static str, u64),
    /// As it stands.
    Plain(String),
}

/// What a statement that has run to its end tells of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandTag {
    /// `SELECT n`, `UPDATE n` …: the rows given or changed.
    Counted(&'static str, u64),
    /// As it stands.
    Plain(String),
}

impl fmt::Display for CommandTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CommandTag::Counted(word, rows) => write!(f, "{word} {rows}"),
            CommandTag::Plain(tag) => f.write_str(tag),
        }
    }
}

/// Rows of a portal.
pub struct Rows {
    /// The batch that they are in.
    pub batch: Arc<Batch>,
    /// Which of its rows.
    pub range: std::ops::Range<usize>,
}

/// What `fetch` answers.
pub enum Fetched {
    /// Some rows; there may be more.
    Rows(Rows),
    /// No more rows; the command tag.
    Done(CommandTag),
}

impl Portal {
    pub(super) fn running(
        columns: Arc<[OutputColumn]>,
        running: Running,
        tag: &'static str,
    ) -> Self {
        let state = State::Running(Some(Box::new(running)), VecDeque::new());
        Portal { columns, state, tag: Tag::Counted(tag), given: 0, shows: true }
    }

    pub(super) fn rows(columns: Arc<[OutputColumn]>, rows: Vec<Arc<Batch>>, tag: Tag) -> Self {
        let shows = !columns.is_empty();
        Portal { columns, state: State::Rows(rows.into()), tag, given: 0, shows }
    }

    pub(super) fn done(tag: impl Into<String>) -> Self {
        let tag = Tag::Plain(tag.into());
        Portal { columns: Arc::default(), state: State::Done, tag, given: 0, shows: false }
    }

    /// Whether it answers rows.
    pub fn has_rows(&self) -> bool {
        self.shows
    }

    /// Rows given so far.
    pub fn given(&self) -> u64 {
        self.given
    }

    fn tag(&self) -> CommandTag {
        match &self.tag {
            Tag::Counted(word) => CommandTag::Counted(word, self.given),
            Tag::Affected(word, rows) => CommandTag::Counted(word, *rows),
            Tag::Plain(tag) => CommandTag::Plain(tag.clone()),
        }
    }

    /// The command tag, where it is clear without another `fetch` that there are no more rows.
    pub fn finished(&mut self) -> Option<CommandTag> {
        let is_over = match &self.state {
            State::Done => true,
            State::Rows(rows) => rows.is_empty(),
            State::Running(running, kept) => {
                kept.is_empty() && running.as_ref().is_some_and(|running| running.is_over())
            }
        };
        is_over.then(|| {
            self.state = State::Done;
            self.tag()
        })
    }

    /// The next rows, at most `limit` of them.
    ///
    /// # Errors
    /// What running says; the caller then calls `Session::fail`.
    pub async fn fetch(&mut self, session: &mut Session, limit: usize) -> Result<Fetched> {
        let next = match &mut self.state {
            State::Done => None,
            State::Rows(rows) => rows.pop_front(),
            State::Running(running, kept) => match kept.pop_front() {
                Some(batch) => Some(batch),
                None => {
                    let elsewhere = session.elsewhere();
                    within(session.limit(), long::next(running, elsewhere.as_ref())).await?
                }
            },
        };
        let Some(batch) = next else {
            self.state = State::Done;
            return Ok(Fetched::Done(self.tag()));
        };
        let take = batch.len().min(limit);
        if take < batch.len() {
            let rest = tail(&batch, take)?;
            self.put_back(rest);
        }
        self.given += take as u64;
        Ok(Fetched::Rows(Rows { batch, range: 0..take }))
    }

    /// Whether there is certainly nothing more to fetch.
    pub fn is_exhausted(&self) -> bool {
        match &self.state {
            State::Done => true,
            State::Rows(rows) => rows.is_empty(),
            State::Running(..) => false,
        }
    }

    fn put_back(&mut self, rest: Arc<Batch>) {
        match &mut self.state {
            State::Rows(rows) | State::Running(_, rows) => rows.push_front(rest),
            State::Done => {}
        }
    }
}

/// The rows of a batch from a place on.
fn tail(batch: &Arc<Batch>, from: usize) -> Result<Arc<Batch>> {
    let (tail, ()) = Batch::build(batch.width(), |writer| {
        let rows = writer.keep(batch);
        (from..rows.len()).for_each(|at| writer.row(rows.row(at)));
        Ok(())
    })?;
    Ok(tail)
}
