//! `sql("…")`: a statement, its values, and what to make of its rows.

use std::sync::Arc;

use tokio::sync::Mutex;

use super::bind::{Bind, Values};
use super::row::FromRow;
use crate::session::{Fetched, Started, parse};
use crate::{Error, ErrorKind, Qanat, Result, Session, SessionOptions};

/// Where a statement runs.
enum Target<'q> {
    /// A session of its own, and an implicit transaction.
    Store(&'q Qanat),
    /// The session of an open transaction.
    Transaction(Arc<Mutex<Session>>),
}

/// A statement to be run.
#[must_use = "a statement does nothing until all, one, optional or run is awaited"]
pub struct Sql<'q> {
    target: Target<'q>,
    text: String,
    values: Vec<value::Value>,
}

/// The rows and the command tag of a statement.
type Answer<T> = (Vec<T>, String);

impl Qanat {
    /// A statement in PostgreSQL's dialect, with `$1 …` for its values.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let db = qanat::Qanat::open("memory:").await?;
    /// db.sql("CREATE TABLE users (id bigint PRIMARY KEY, name text)").run().await?;
    /// db.sql("INSERT INTO users VALUES ($1, $2)").bind(1).bind("ann").run().await?;
    /// let rows: Vec<(i64, String)> = db.sql("SELECT id, name FROM users").all().await?;
    /// assert_eq!(rows, [(1, "ann".to_string())]);
    /// # Ok::<(), qanat::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sql(&self, text: impl Into<String>) -> Sql<'_> {
        Sql { target: Target::Store(self), text: text.into(), values: Vec::new() }
    }
}

impl Sql<'_> {
    pub(super) fn within(session: Arc<Mutex<Session>>, text: String) -> Sql<'static> {
        Sql { target: Target::Transaction(session), text, values: Vec::new() }
    }

    /// Binds the next parameter.
    pub fn bind(mut self, value: impl Bind) -> Self {
        self.values.push(value.into_value());
        self
    }

    /// Runs it and gives all rows.
    ///
    /// # Errors
    /// What the statement says.
    pub async fn all<T: FromRow>(self) -> Result<Vec<T>> {
        self.answer().await.map(|(rows, _)| rows)
    }

    /// Runs it and gives its only row; `P0002` for none, `P0003` for several.
    ///
    /// # Errors
    /// What the statement says.
    pub async fn one<T: FromRow>(self) -> Result<T> {
        let found = self.optional().await?;
        found.ok_or_else(|| Error::new(ErrorKind::Name, "P0002", "query returned no rows"))
    }

    /// Runs it and gives its only row, if there is one; `P0003` for several.
    ///
    /// # Errors
    /// What the statement says.
    pub async fn optional<T: FromRow>(self) -> Result<Option<T>> {
        let mut rows = self.all().await?;
        if rows.len() > 1 {
            return Err(Error::new(ErrorKind::Limit, "P0003", "query returned more than one row"));
        }
        Ok(rows.pop())
    }

    /// Runs it and gives the number of rows that it inserted, updated, deleted or would have given.
    ///
    /// # Errors
    /// What the statement says.
    pub async fn run(self) -> Result<u64> {
        let (_, tag) = self.answer::<Ignored>().await?;
        Ok(tag.rsplit(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0))
    }

    async fn answer<T: FromRow>(self) -> Result<Answer<T>> {
        let values = Values(self.values);
        match self.target {
            Target::Transaction(session) => {
                let mut session = session.lock().await;
                run(&mut session, &self.text, &values).await
            }
            Target::Store(qanat) => {
                let mut session = qanat.session(SessionOptions::default()).await?;
                let answer = run(&mut session, &self.text, &values).await;
                match answer {
                    Ok(answer) => session.sync().await.map(|()| answer),
                    Err(error) => {
                        session.fail().await;
                        Err(error)
                    }
                }
            }
        }
    }
}

async fn run<T: FromRow>(session: &mut Session, text: &str, values: &Values) -> Result<Answer<T>> {
    let parsed = parse(text)?;
    let [parsed] = parsed.as_slice() else {
        let message = "cannot insert multiple commands into a prepared statement";
        return Err(Error::new(ErrorKind::Syntax, "42601", message));
    };
    let prepared = session.prepare(text, parsed, &[]).await?;
    let mut portal = match session.start(&prepared, values).await? {
        Started::Portal(portal) => portal,
        Started::Empty => return Ok((Vec::new(), String::new())),
        Started::CopyIn(_) | Started::CopyOut(_) => {
            return Err(Error::unsupported("COPY through the library"));
        }
    };
    let mut rows = Vec::new();
    loop {
        match portal.fetch(session, usize::MAX).await? {
            Fetched::Done(tag) => return Ok((rows, tag.to_string())),
            Fetched::Rows(fetched) => {
                for at in fetched.range {
                    rows.push(T::from_row(fetched.batch.row(at))?);
                }
            }
        }
    }
}

/// A row that nobody looks at.
struct Ignored;

impl FromRow for Ignored {
    fn from_row(_: &[model::datum::Datum<'_>]) -> Result<Self> {
        Ok(Ignored)
    }
}
