//! Transactions as closures: run again on conflict, rolled back on error, committed at the end.
//!
//! The closure gets an owned handle, since a borrowed one does not compile in spawned tasks. It may
//! be called several times; what it does outside the store must bear that.

use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::Mutex;

use super::sql::Sql;
use crate::session::{Level, Started, Status, TextParameters, parse};
use crate::{Error, ErrorKind, Qanat, Result, Session, SessionOptions};

/// An open transaction.
#[derive(Clone)]
pub struct Transaction {
    pub(super) session: Arc<Mutex<Session>>,
}

impl Transaction {
    /// A statement in this transaction.
    pub fn sql(&self, text: impl Into<String>) -> Sql<'static> {
        Sql::within(self.session.clone(), text.into())
    }
}

/// A transaction that is about to run.
#[must_use = "a transaction does nothing until it is awaited"]
pub struct TransactionBuilder<'q, F> {
    qanat: &'q Qanat,
    level: Level,
    work: F,
}

/// Times that a transaction is run in all.
pub(super) const TRIES: usize = 20;

impl Qanat {
    /// Runs a closure as a transaction, serializable unless told otherwise, and runs it again on
    /// conflict.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let db = qanat::Qanat::open("memory:").await?;
    /// db.sql("CREATE TABLE t (id int PRIMARY KEY, n int)").run().await?;
    /// let n: i32 = db
    ///     .transaction(|tx| async move {
    ///         tx.sql("INSERT INTO t VALUES (1, 7)").run().await?;
    ///         tx.sql("SELECT n FROM t").one().await
    ///     })
    ///     .await?;
    /// assert_eq!(n, 7);
    /// # Ok::<(), qanat::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn transaction<F, R, T>(&self, work: F) -> TransactionBuilder<'_, F>
    where
        F: FnMut(Transaction) -> R + Send,
        R: Future<Output = Result<T>> + Send,
        T: Send,
    {
        TransactionBuilder { qanat: self, level: Level::Serializable, work }
    }
}

impl<F> TransactionBuilder<'_, F> {
    /// Runs at another isolation level.
    pub fn isolation(mut self, level: Level) -> Self {
        self.level = level;
        self
    }
}

impl<'q, F, R, T> IntoFuture for TransactionBuilder<'q, F>
where
    F: FnMut(Transaction) -> R + Send + 'q,
    R: Future<Output = Result<T>> + Send,
    T: Send + 'q,
{
    type Output = Result<T>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<T>> + Send + 'q>>;

    fn into_future(mut self) -> Self::IntoFuture {
        Box::pin(async move {
            let mut tries = 0;
            loop {
                let result = attempt(self.qanat, self.level, &mut self.work).await;
                tries += 1;
                match result {
                    Err(error) if error.kind == ErrorKind::Retry && tries < TRIES => continue,
                    result => return result,
                }
            }
        })
    }
}

async fn attempt<F, R, T>(qanat: &Qanat, level: Level, work: &mut F) -> Result<T>
where
    F: FnMut(Transaction) -> R + Send,
    R: Future<Output = Result<T>> + Send,
{
    let transaction = begin(qanat, level).await?;
    let result = work(transaction.clone()).await;
    end(&transaction, result).await
}

/// Opens a transaction on a session of its own.
pub(super) async fn begin(qanat: &Qanat, level: Level) -> Result<Transaction> {
    let session = Arc::new(Mutex::new(qanat.session(SessionOptions::default()).await?));
    let begin = match level {
        Level::ReadCommitted => "BEGIN ISOLATION LEVEL READ COMMITTED",
        Level::RepeatableRead => "BEGIN ISOLATION LEVEL REPEATABLE READ",
        Level::Serializable => "BEGIN ISOLATION LEVEL SERIALIZABLE",
    };
    plain(&session, begin).await?;
    Ok(Transaction { session })
}

/// Commits where the work went well, else rolls back.
pub(super) async fn end<T>(transaction: &Transaction, result: Result<T>) -> Result<T> {
    let session = &transaction.session;
    let failed = session.lock().await.status() == Status::Failed;
    match result {
        Ok(value) if !failed => plain(session, "COMMIT").await.map(|()| value),
        Ok(_) => {
            let _ = plain(session, "ROLLBACK").await;
            let message = "a call of the transaction was given up before it ended";
            Err(Error::new(ErrorKind::State, "25P02", message))
        }
        Err(error) => {
            let _ = plain(session, "ROLLBACK").await;
            Err(error)
        }
    }
}

/// Runs a statement about the transaction itself.
async fn plain(session: &Arc<Mutex<Session>>, text: &str) -> Result<()> {
    let mut session = session.lock().await;
    for parsed in parse(text)? {
        let prepared = session.prepare(text, &parsed, &[]).await?;
        match session.start(&prepared, &TextParameters(&[])).await? {
            Started::Portal(_) | Started::Empty => {}
            _ => return Err(Error::internal("a transaction statement that copies")),
        }
    }
    Ok(())
}
