//! Keys, for each call a commit of its own or all of them in a transaction.
//!
//! [`Qanat::keys`] is the first key space of the database `main`. Within a transaction the same
//! calls lock the keys that they read and write until it ends, as Redis's MULTI does, so what they
//! answer holds at the commit.
//!
//! Rejected: reading keys at the transaction's snapshot. A counter read so and written back would
//! conflict with everyone who counts; locked, it waits for its turn.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use model::keyspace::KeyLock;
use tokio::sync::Mutex;

use super::transaction::Transaction;
use crate::keys::{KeyHandle, SetOptions};
use crate::{Qanat, Result, Session};

impl Qanat {
    /// The keys of the database `main`, key space 0.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let db = qanat::Qanat::open("memory:").await?;
    /// db.keys().set("greeting", "hello").await?;
    /// assert_eq!(db.keys().get("greeting").await?.as_deref(), Some(&b"hello"[..]));
    /// let births = db
    ///     .transaction(|tx| async move {
    ///         tx.sql("CREATE TABLE users (id bigint PRIMARY KEY)").run().await?;
    ///         tx.keys().incr("births").await
    ///     })
    ///     .await?;
    /// assert_eq!(births, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn keys(&self) -> KeyHandle {
        self.keyspaces().of(model::names::MAIN)
    }
}

impl Transaction {
    /// The keys of this transaction's database, key space 0.
    pub fn keys(&self) -> TransactionKeys {
        TransactionKeys { session: self.session.clone(), space: 0 }
    }
}

/// The keys of one key space in a transaction.
#[derive(Clone)]
pub struct TransactionKeys {
    session: Arc<Mutex<Session>>,
    space: u32,
}

/// Locks the key and runs `$call` on the transaction's keys; what fails leaves nothing.
macro_rules! within {
    ($self:ident, $key:expr, $write:expr, |$keys:ident| $call:expr) => {{
        let mut session = $self.session.lock().await;
        let mut with = session.take_keys($self.space, now()).await?;
        let mark = with.keys.mark();
        let lock = KeyLock { space: $self.space, key: $key.as_ref(), write: $write };
        let answer = match with.keys.lock(std::iter::once(lock)).await {
            Ok(()) => {
                let $keys = &mut with.keys;
                $call.await
            }
            Err(error) => Err(error),
        };
        match answer.is_ok() {
            true => with.keys.release(mark),
            false => with.keys.undo(mark),
        }
        session.give_back(with, answer).await
    }};
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

impl TransactionKeys {
    /// The same transaction's key space of a number.
    #[must_use]
    pub fn space(&self, space: u32) -> TransactionKeys {
        TransactionKeys { space, ..self.clone() }
    }

    /// The string under a key.
    ///
    /// # Errors
    /// The key holds another type; the transaction cannot go on.
    pub async fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Bytes>> {
        within!(self, key, false, |keys| keys.get_string(key.as_ref()))
    }

    /// Sets a string; it never expires.
    ///
    /// # Errors
    /// As [`TransactionKeys::get`].
    pub async fn set(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<()> {
        let options = SetOptions::default();
        within!(self, key, true, |keys| keys.set(key.as_ref(), value.as_ref(), options)).map(drop)
    }

    /// Adds 1; the sum.
    ///
    /// # Errors
    /// The value is no integer; as [`TransactionKeys::get`].
    pub async fn incr(&self, key: impl AsRef<[u8]>) -> Result<i64> {
        self.incr_by(key, 1).await
    }

    /// Adds; the sum.
    ///
    /// # Errors
    /// As [`TransactionKeys::incr`].
    pub async fn incr_by(&self, key: impl AsRef<[u8]>, by: i64) -> Result<i64> {
        within!(self, key, true, |keys| keys.increment(key.as_ref(), by))
    }

    /// Appends to a string; its length.
    ///
    /// # Errors
    /// As [`TransactionKeys::get`].
    pub async fn append(&self, key: impl AsRef<[u8]>, tail: impl AsRef<[u8]>) -> Result<usize> {
        within!(self, key, true, |keys| keys.append(key.as_ref(), tail.as_ref()))
    }

    /// Deletes; whether it was there.
    ///
    /// # Errors
    /// The transaction cannot go on.
    pub async fn delete(&self, key: impl AsRef<[u8]>) -> Result<bool> {
        within!(self, key, true, |keys| keys.delete(key.as_ref()))
    }

    /// Whether the key is there.
    ///
    /// # Errors
    /// The transaction cannot go on.
    pub async fn exists(&self, key: impl AsRef<[u8]>) -> Result<bool> {
        within!(self, key, false, |keys| keys.exists(key.as_ref()))
    }

    /// Sets fields of a hash, or of a row of an opened table; how many are new.
    ///
    /// # Errors
    /// As [`TransactionKeys::get`]; what an opened table's columns say.
    pub async fn hash_set(&self, key: impl AsRef<[u8]>, pairs: &[(&[u8], &[u8])]) -> Result<u64> {
        within!(self, key, true, |keys| keys.hash_set(key.as_ref(), pairs))
    }

    /// One field of a hash, or of a row of an opened table.
    ///
    /// # Errors
    /// As [`TransactionKeys::get`].
    pub async fn hash_get(
        &self,
        key: impl AsRef<[u8]>,
        field: impl AsRef<[u8]>,
    ) -> Result<Option<Bytes>> {
        within!(self, key, false, |keys| keys.hash_get(key.as_ref(), field.as_ref()))
    }
}
