//! Keys for a program: each call is a commit of its own, run again where it must be.

use bytes::Bytes;

use super::{Expiry, KeySession, Keyspaces, Result, ScanOptions, SetOptions, SetReply, Ttl};

/// The keys of one key space of one database. Clones are the same.
#[derive(Clone)]
pub struct KeyHandle {
    keyspaces: Keyspaces,
    database: String,
    space: u32,
}

impl Keyspaces {
    /// The keys of a database's first key space.
    pub fn of(&self, database: &str) -> KeyHandle {
        KeyHandle { keyspaces: self.clone(), database: database.to_owned(), space: 0 }
    }
}

/// Runs `$call` on a fresh transaction until it commits.
macro_rules! committed {
    ($self:ident, $writes:expr, |$keys:ident| $call:expr) => {{
        let mut session = $self.session().await?;
        let mut attempt = 0;
        loop {
            let mut transaction = session.begin($writes).await?;
            let $keys = &mut transaction;
            let error = match $call.await {
                Ok(answer) => match session.commit(transaction).await {
                    Ok(_) => break Ok(answer),
                    Err(error) => session.again(None, error, &mut attempt).await,
                },
                Err(error) => session.again(Some(transaction), error, &mut attempt).await,
            };
            error?;
        }
    }};
}

impl KeyHandle {
    /// The same database's key space of a number.
    #[must_use]
    pub fn space(&self, space: u32) -> KeyHandle {
        KeyHandle { space, ..self.clone() }
    }

    async fn session(&self) -> Result<KeySession> {
        let mut session = self.keyspaces.session(&self.database).await?;
        session.select(self.space);
        Ok(session)
    }

    /// The string under a key.
    pub async fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Bytes>> {
        committed!(self, false, |keys| keys.get_string(key.as_ref()))
    }

    /// Sets a string; it never expires.
    pub async fn set(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<()> {
        self.set_with(key, value, SetOptions::default()).await.map(drop)
    }

    /// Sets a string with conditions and an expiry.
    pub async fn set_with(
        &self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        options: SetOptions,
    ) -> Result<SetReply> {
        committed!(self, true, |keys| keys.set(key.as_ref(), value.as_ref(), options))
    }

    /// Adds 1; the sum.
    pub async fn incr(&self, key: impl AsRef<[u8]>) -> Result<i64> {
        self.incr_by(key, 1).await
    }

    /// Adds; the sum.
    pub async fn incr_by(&self, key: impl AsRef<[u8]>, by: i64) -> Result<i64> {
        committed!(self, true, |keys| keys.increment(key.as_ref(), by))
    }

    /// Appends to a string; its length.
    pub async fn append(&self, key: impl AsRef<[u8]>, tail: impl AsRef<[u8]>) -> Result<usize> {
        committed!(self, true, |keys| keys.append(key.as_ref(), tail.as_ref()))
    }

    /// Deletes; whether it was there.
    pub async fn delete(&self, key: impl AsRef<[u8]>) -> Result<bool> {
        committed!(self, true, |keys| keys.delete(key.as_ref()))
    }

    /// Whether the key is there.
    pub async fn exists(&self, key: impl AsRef<[u8]>) -> Result<bool> {
        committed!(self, false, |keys| keys.exists(key.as_ref()))
    }

    /// Sets when a key expires (milliseconds since 1970); whether it was there.
    pub async fn expire_at(&self, key: impl AsRef<[u8]>, at: i64) -> Result<bool> {
        committed!(self, true, |keys| keys.expire(key.as_ref(), at, super::ExpireIf::default()))
    }

    /// Reads a string and changes when it expires.
    pub async fn get_expire(&self, key: impl AsRef<[u8]>, expiry: Expiry) -> Result<Option<Bytes>> {
        committed!(self, true, |keys| keys.get_expire(key.as_ref(), expiry))
    }

    /// When a key expires.
    pub async fn ttl(&self, key: impl AsRef<[u8]>) -> Result<Ttl> {
        committed!(self, false, |keys| keys.ttl(key.as_ref()))
    }

    /// Sets fields of a hash; how many are new.
    pub async fn hash_set(&self, key: impl AsRef<[u8]>, pairs: &[(&[u8], &[u8])]) -> Result<u64> {
        committed!(self, true, |keys| keys.hash_set(key.as_ref(), pairs))
    }

    /// One field of a hash.
    pub async fn hash_get(
        &self,
        key: impl AsRef<[u8]>,
        field: impl AsRef<[u8]>,
    ) -> Result<Option<Bytes>> {
        committed!(self, false, |keys| keys.hash_get(key.as_ref(), field.as_ref()))
    }

    /// Deletes fields of a hash; how many were there.
    pub async fn hash_delete(&self, key: impl AsRef<[u8]>, fields: &[&[u8]]) -> Result<u64> {
        committed!(self, true, |keys| keys.hash_delete(key.as_ref(), fields))
    }

    /// Every field and value of a hash.
    pub async fn hash_all(&self, key: impl AsRef<[u8]>) -> Result<Vec<(Bytes, Bytes)>> {
        let mut session = self.session().await?;
        let mut keys = session.begin(false).await?;
        let mut all = Vec::new();
        let copy = Bytes::copy_from_slice;
        keys.hash_all(key.as_ref(), |_| {}, |field, value| all.push((copy(field), copy(value))))
            .await?;
        session.commit(keys).await?;
        Ok(all)
    }

    /// The next keys after a cursor (0 begins), and the next cursor (0: done).
    pub async fn scan(&self, options: ScanOptions<'_>) -> Result<(u64, Vec<Bytes>)> {
        committed!(self, false, |keys| keys.scan(options))
    }

    /// The number of keys.
    pub async fn len(&self) -> Result<i64> {
        committed!(self, false, |keys| keys.size())
    }

    /// Whether there is no key.
    pub async fn is_empty(&self) -> Result<bool> {
        Ok(self.len().await? == 0)
    }

    /// Deletes every key of this key space.
    pub async fn flush(&self) -> Result<()> {
        let space = self.space;
        committed!(self, true, |keys| keys.flush(Some(space)))
    }
}
