//! The library without a runtime: the same calls, on a runtime of its own.

mod documents;

use std::sync::Arc;

use super::bind::Bind;
use super::row::FromRow;
use crate::{Error, Options, Result};

pub use documents::{Collection, Find, Keys, Transaction, TransactionKeys};

/// An open store for programs without a runtime. Clones are the same store.
///
/// ```
/// let db = qanat::blocking::Qanat::open("memory:")?;
/// db.sql("CREATE TABLE t (id int)").run()?;
/// assert_eq!(db.sql("INSERT INTO t VALUES ($1), ($2)").bind(1).bind(2).run()?, 2);
/// # Ok::<(), qanat::Error>(())
/// ```
#[derive(Clone)]
pub struct Qanat {
    inner: crate::Qanat,
    runtime: Arc<tokio::runtime::Runtime>,
}

/// A statement to be run.
#[must_use = "a statement does nothing until all, one, optional or run is called"]
pub struct Sql<'q> {
    statement: super::Sql<'q>,
    runtime: &'q tokio::runtime::Runtime,
}

impl Qanat {
    /// Opens the store at an address.
    ///
    /// # Errors
    /// As [`crate::Qanat::open`].
    pub fn open(address: &str) -> Result<Qanat> {
        Qanat::open_with(address, Options::default())
    }

    /// Opens a store with options.
    ///
    /// # Errors
    /// As [`crate::Qanat::open_with`].
    pub fn open_with(address: &str, options: Options) -> Result<Qanat> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| Error::internal(format!("starting a runtime: {error}")))?;
        let inner = runtime.block_on(crate::Qanat::open_with(address, options))?;
        Ok(Qanat { inner, runtime: Arc::new(runtime) })
    }

    /// A statement, as [`crate::Qanat::sql`].
    pub fn sql(&self, text: impl Into<String>) -> Sql<'_> {
        Sql { statement: self.inner.sql(text), runtime: &self.runtime }
    }

    /// As [`crate::Qanat::close`].
    ///
    /// # Errors
    /// As there.
    pub fn close(&self) -> Result<()> {
        self.runtime.block_on(self.inner.close())
    }
}

impl Sql<'_> {
    /// Binds the next parameter.
    pub fn bind(mut self, value: impl Bind) -> Self {
        self.statement = self.statement.bind(value);
        self
    }

    /// Runs it and gives all rows.
    ///
    /// # Errors
    /// What the statement says.
    pub fn all<T: FromRow>(self) -> Result<Vec<T>> {
        self.runtime.block_on(self.statement.all())
    }

    /// Runs it and gives its only row.
    ///
    /// # Errors
    /// What the statement says; `P0002` for none.
    pub fn one<T: FromRow>(self) -> Result<T> {
        self.runtime.block_on(self.statement.one())
    }

    /// Runs it and gives its only row, if there is one.
    ///
    /// # Errors
    /// What the statement says.
    pub fn optional<T: FromRow>(self) -> Result<Option<T>> {
        self.runtime.block_on(self.statement.optional())
    }

    /// Runs it and gives the number of rows changed.
    ///
    /// # Errors
    /// What the statement says.
    pub fn run(self) -> Result<u64> {
        self.runtime.block_on(self.statement.run())
    }
}
