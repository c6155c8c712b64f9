//! Collections, searches, keys and transactions without a runtime.
//!
//! Each type here holds its counterpart and the runtime that it waits on, and has the same calls
//! under the same names.

use ::value::{Document, Value};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Runtime;

use super::{Qanat, Sql};
use crate::keys::KeyHandle;
use crate::library::transaction::{self, TRIES};
use crate::session::Level;
use crate::{ErrorKind, Result};

/// As [`crate::Collection`].
#[derive(Debug)]
pub struct Collection<'q, T = Document> {
    inner: crate::Collection<T>,
    runtime: &'q Runtime,
}

impl<T> Clone for Collection<'_, T> {
    fn clone(&self) -> Self {
        Collection { inner: self.inner.clone(), runtime: self.runtime }
    }
}

/// As [`crate::Find`].
#[must_use = "a search does nothing until all, first, count or delete is called"]
pub struct Find<'q, T> {
    inner: crate::Find<T>,
    runtime: &'q Runtime,
}

/// As [`crate::Transaction`].
pub struct Transaction<'q> {
    inner: crate::Transaction,
    runtime: &'q Runtime,
}

/// As [`crate::TransactionKeys`].
pub struct TransactionKeys<'q> {
    inner: crate::TransactionKeys,
    runtime: &'q Runtime,
}

/// As [`KeyHandle`], the commonest of its calls.
pub struct Keys<'q> {
    inner: KeyHandle,
    runtime: &'q Runtime,
}

impl Qanat {
    /// As [`crate::Qanat::collection`].
    ///
    /// ```
    /// use qanat::{Document, doc};
    /// let db = qanat::blocking::Qanat::open("memory:")?;
    /// let things = db.collection::<Document>("things");
    /// things.put(&doc! {"_id": 1, "tags": ["a", "b"]})?;
    /// assert_eq!(things.find(doc! {"tags": "b"}).count()?, 1);
    /// # Ok::<(), qanat::Error>(())
    /// ```
    pub fn collection<T>(&self, name: &str) -> Collection<'_, T> {
        Collection { inner: self.inner.collection(name), runtime: &self.runtime }
    }

    /// As [`crate::Qanat::keys`].
    pub fn keys(&self) -> Keys<'_> {
        Keys { inner: self.inner.keys(), runtime: &self.runtime }
    }

    /// Runs a closure as a serializable transaction, and again on conflict.
    ///
    /// ```
    /// # use qanat::{Document, doc};
    /// let db = qanat::blocking::Qanat::open("memory:")?;
    /// let count = db.transaction(|tx| {
    ///     tx.collection::<Document>("log").put(&doc! {"what": "birth"})?;
    ///     tx.keys().incr("births")
    /// })?;
    /// assert_eq!(count, 1);
    /// # Ok::<(), qanat::Error>(())
    /// ```
    ///
    /// # Errors
    /// The closure's, after a rollback; what the commit says.
    pub fn transaction<T>(&self, mut work: impl FnMut(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let mut tries = 0;
        loop {
            let begun = transaction::begin(&self.inner, Level::Serializable);
            let inner = self.runtime.block_on(begun)?;
            let tx = Transaction { inner, runtime: &self.runtime };
            let result = work(&tx);
            let result = self.runtime.block_on(transaction::end(&tx.inner, result));
            tries += 1;
            match result {
                Err(error) if error.kind == ErrorKind::Retry && tries < TRIES => continue,
                result => return result,
            }
        }
    }
}

impl Transaction<'_> {
    /// A statement in this transaction.
    pub fn sql(&self, text: impl Into<String>) -> Sql<'_> {
        Sql { statement: self.inner.sql(text), runtime: self.runtime }
    }

    /// A collection in this transaction.
    pub fn collection<T>(&self, name: &str) -> Collection<'_, T> {
        Collection { inner: self.inner.collection(name), runtime: self.runtime }
    }

    /// The keys in this transaction.
    pub fn keys(&self) -> TransactionKeys<'_> {
        TransactionKeys { inner: self.inner.keys(), runtime: self.runtime }
    }
}

impl<'q, T> Collection<'q, T> {
    /// As [`crate::Collection::put`].
    ///
    /// # Errors
    /// As there.
    pub fn put(&self, value: &T) -> Result<Value>
    where
        T: Serialize,
    {
        self.runtime.block_on(self.inner.put(value))
    }

    /// As [`crate::Collection::insert`].
    ///
    /// # Errors
    /// As there.
    pub fn insert(&self, value: &T) -> Result<Value>
    where
        T: Serialize,
    {
        self.runtime.block_on(self.inner.insert(value))
    }

    /// As [`crate::Collection::get`].
    ///
    /// # Errors
    /// As there.
    pub fn get(&self, id: impl Into<Value>) -> Result<Option<T>>
    where
        T: DeserializeOwned,
    {
        self.runtime.block_on(self.inner.get(id))
    }

    /// As [`crate::Collection::delete`].
    ///
    /// # Errors
    /// As there.
    pub fn delete(&self, id: impl Into<Value>) -> Result<bool> {
        self.runtime.block_on(self.inner.delete(id))
    }

    /// As [`crate::Collection::find`].
    pub fn find(&self, filter: Document) -> Find<'q, T> {
        Find { inner: self.inner.find(filter), runtime: self.runtime }
    }
}

impl<T> Find<'_, T> {
    /// As [`crate::Find::sort`].
    pub fn sort(self, order: Document) -> Self {
        Find { inner: self.inner.sort(order), ..self }
    }

    /// As [`crate::Find::skip`].
    pub fn skip(self, count: u64) -> Self {
        Find { inner: self.inner.skip(count), ..self }
    }

    /// As [`crate::Find::limit`].
    pub fn limit(self, count: u64) -> Self {
        Find { inner: self.inner.limit(count), ..self }
    }

    /// As [`crate::Find::all`].
    ///
    /// # Errors
    /// As there.
    pub fn all(self) -> Result<Vec<T>>
    where
        T: DeserializeOwned,
    {
        self.runtime.block_on(self.inner.all())
    }

    /// As [`crate::Find::first`].
    ///
    /// # Errors
    /// As there.
    pub fn first(self) -> Result<Option<T>>
    where
        T: DeserializeOwned,
    {
        self.runtime.block_on(self.inner.first())
    }

    /// As [`crate::Find::count`].
    ///
    /// # Errors
    /// As there.
    pub fn count(self) -> Result<u64> {
        self.runtime.block_on(self.inner.count())
    }

    /// As [`crate::Find::delete`].
    ///
    /// # Errors
    /// As there.
    pub fn delete(self) -> Result<u64> {
        self.runtime.block_on(self.inner.delete())
    }

    /// As [`crate::Find::explain`].
    ///
    /// # Errors
    /// As there.
    pub fn explain(self) -> Result<Vec<String>> {
        self.runtime.block_on(self.inner.explain())
    }
}

macro_rules! key_calls {
    ($($(#[$about:meta])* $call:ident($($name:ident: $ty:ty),*) -> $answer:ty;)*) => {
        impl TransactionKeys<'_> {$(
            $(#[$about])*
            ///
            /// # Errors
            /// As [`crate::TransactionKeys`].
            pub fn $call(&self, $($name: $ty),*) -> Result<$answer> {
                self.runtime.block_on(self.inner.$call($($name),*))
            }
        )*}

        impl Keys<'_> {$(
            $(#[$about])*
            ///
            /// # Errors
            /// As [`KeyHandle`].
            pub fn $call(&self, $($name: $ty),*) -> crate::keys::Result<$answer> {
                self.runtime.block_on(self.inner.$call($($name),*))
            }
        )*}
    };
}

key_calls! {
    /// The string under a key.
    get(key: impl AsRef<[u8]>) -> Option<Bytes>;
    /// Sets a string; it never expires.
    set(key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> ();
    /// Adds 1; the sum.
    incr(key: impl AsRef<[u8]>) -> i64;
    /// Adds; the sum.
    incr_by(key: impl AsRef<[u8]>, by: i64) -> i64;
    /// Appends to a string; its length.
    append(key: impl AsRef<[u8]>, tail: impl AsRef<[u8]>) -> usize;
    /// Deletes; whether it was there.
    delete(key: impl AsRef<[u8]>) -> bool;
    /// Whether the key is there.
    exists(key: impl AsRef<[u8]>) -> bool;
    /// Sets fields of a hash; how many are new.
    hash_set(key: impl AsRef<[u8]>, pairs: &[(&[u8], &[u8])]) -> u64;
    /// One field of a hash.
    hash_get(key: impl AsRef<[u8]>, field: impl AsRef<[u8]>) -> Option<Bytes>;
}
