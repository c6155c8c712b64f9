//! Strings: GET and SET with their options, counters, parts of strings.

use bytes::Bytes;

use super::error::{KeyError, Result};
use super::keys::{Keys, Slot};
use super::layout::{Kind, Record};
use super::{number, opened};

/// When SET sets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Condition {
    /// Always.
    #[default]
    Always,
    /// NX: only a key that is not there.
    Absent,
    /// XX: only a key that is there.
    Present,
}

/// What becomes of a key's expiry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Expiry {
    /// It never expires.
    #[default]
    Never,
    /// It stays as it is.
    Keep,
    /// It expires then: milliseconds since 1970. A time that has passed deletes the key.
    At(u64),
}

/// The options of SET.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SetOptions {
    /// NX, XX.
    pub condition: Condition,
    /// EX, PX, EXAT, PXAT, KEEPTTL.
    pub expiry: Expiry,
    /// GET: the old value is wanted, and must be a string.
    pub get: bool,
}

/// What SET did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetReply {
    /// Whether it was set.
    pub done: bool,
    /// The old value, if it was asked for.
    pub old: Option<Bytes>,
}

fn string(record: &Record) -> Result<Bytes> {
    match record.kind() {
        Kind::String => Ok(record.shared_payload()),
        Kind::SmallHash | Kind::LargeHash => Err(KeyError::WrongType),
    }
}

impl Slot {
    /// The live string, or none.
    fn string(&self, now: u64) -> Result<Option<Bytes>> {
        self.live(now).map(string).transpose()
    }

    /// The live record's expiry, 0 where there is none.
    fn expires(&self, now: u64) -> u64 {
        self.live(now).map_or(0, Record::expires)
    }
}

impl Keys {
    /// GET.
    pub async fn get_string(&mut self, key: &[u8]) -> Result<Option<Bytes>> {
        if let Some((table, _)) = self.spaces.opened(key) {
            return Err(opened::refuse("a string command", table));
        }
        let found = self.find(self.space, key).await?;
        found.map(|(_, record)| string(&record)).transpose()
    }

    /// MGET: what is no string is as if it were not there.
    pub async fn get_many(&mut self, keys: &[&[u8]]) -> Result<Vec<Option<Bytes>>> {
        let mut values = Vec::with_capacity(keys.len());
        for key in keys {
            values.push(match self.get_string(key).await {
                Err(KeyError::WrongType | KeyError::Opened { .. }) => None,
                other => other?,
            });
        }
        Ok(values)
    }

    fn put_string(&mut self, slot: &Slot, key: &[u8], value: &[u8], expires: u64) -> Result<()> {
        let of = (Kind::String, expires);
        self.write(slot, key, of, value.len(), |out| out.extend_from_slice(value))
    }

    async fn string_slot(&mut self, key: &[u8]) -> Result<Slot> {
        if let Some((table, _)) = self.spaces.opened(key) {
            return Err(opened::refuse("a string command", table));
        }
        self.slot(self.space, key).await
    }

    /// SET.
    pub async fn set(&mut self, key: &[u8], value: &[u8], options: SetOptions) -> Result<SetReply> {
        let slot = self.string_slot(key).await?;
        let now = self.now();
        let old = if options.get { slot.string(now)? } else { None };
        let there = slot.live(now).is_some();
        let meets = match options.condition {
            Condition::Always => true,
            Condition::Absent => !there,
            Condition::Present => there,
        };
        if !meets {
            return Ok(SetReply { done: false, old });
        }
        match options.expiry {
            Expiry::Never => self.put_string(&slot, key, value, 0)?,
            Expiry::Keep => self.put_string(&slot, key, value, slot.expires(now))?,
            Expiry::At(at) if at <= now => self.remove(&slot, key)?,
            Expiry::At(at) => self.put_string(&slot, key, value, at)?,
        }
        Ok(SetReply { done: true, old })
    }

    /// MSET.
    pub async fn set_many(&mut self, pairs: &[(&[u8], &[u8])]) -> Result<()> {
        for (key, value) in pairs {
            self.set(key, value, SetOptions::default()).await?;
        }
        Ok(())
    }

    /// MSETNX: all, or none where any is there.
    pub async fn set_many_absent(&mut self, pairs: &[(&[u8], &[u8])]) -> Result<bool> {
        for (key, _) in pairs {
            let slot = self.string_slot(key).await?;
            if slot.live(self.now()).is_some() {
                return Ok(false);
            }
        }
        self.set_many(pairs).await?;
        Ok(true)
    }

    /// GETDEL.
    pub async fn get_delete(&mut self, key: &[u8]) -> Result<Option<Bytes>> {
        let slot = self.string_slot(key).await?;
        let value = slot.string(self.now())?;
        if value.is_some() {
            self.remove(&slot, key)?;
        }
        Ok(value)
    }

    /// GETEX.
    pub async fn get_expire(&mut self, key: &[u8], expiry: Expiry) -> Result<Option<Bytes>> {
        let slot = self.string_slot(key).await?;
        let now = self.now();
        let Some(value) = slot.string(now)? else { return Ok(None) };
        let expires = match expiry {
            Expiry::Keep => return Ok(Some(value)),
            Expiry::Never => 0,
            Expiry::At(at) => at,
        };
        if expires != 0 && expires <= now {
            self.remove(&slot, key)?;
        } else if expires != slot.expires(now) {
            self.put_string(&slot, key, &value, expires)?;
        }
        Ok(Some(value))
    }

    /// APPEND; the new length.
    pub async fn append(&mut self, key: &[u8], tail: &[u8]) -> Result<usize> {
        let slot = self.string_slot(key).await?;
        let now = self.now();
        let old = slot.string(now)?.unwrap_or_default();
        let length = old.len() + tail.len();
        self.check_length(length)?;
        let of = (Kind::String, slot.expires(now));
        self.write(&slot, key, of, length, |out| {
            out.extend_from_slice(&old);
            out.extend_from_slice(tail);
        })?;
        Ok(length)
    }

    /// SETRANGE; the new length. Nothing is made for an empty part.
    pub async fn set_range(&mut self, key: &[u8], offset: usize, part: &[u8]) -> Result<usize> {
        let slot = self.string_slot(key).await?;
        let now = self.now();
        let old = slot.string(now)?;
        if part.is_empty() {
            return Ok(old.map_or(0, |old| old.len()));
        }
        let end = offset.checked_add(part.len()).ok_or(KeyError::TooLong)?;
        self.check_length(end)?;
        let old = old.unwrap_or_default();
        let length = old.len().max(end);
        let of = (Kind::String, slot.expires(now));
        self.write(&slot, key, of, length, |out| {
            out.extend_from_slice(old.get(..offset).unwrap_or(&old));
            out.resize(out.len() + offset.saturating_sub(old.len()), 0);
            out.extend_from_slice(part);
            out.extend_from_slice(old.get(end..).unwrap_or_default());
        })?;
        Ok(length)
    }

    /// INCRBY.
    pub async fn increment(&mut self, key: &[u8], by: i64) -> Result<i64> {
        let slot = self.string_slot(key).await?;
        let now = self.now();
        let old = match slot.string(now)? {
            Some(text) => number::integer(&text).ok_or(KeyError::NotInteger)?,
            None => 0,
        };
        let sum = old.checked_add(by).ok_or(KeyError::Overflow)?;
        self.put_string(&slot, key, sum.to_string().as_bytes(), slot.expires(now))?;
        Ok(sum)
    }

    /// INCRBYFLOAT.
    pub async fn increment_float(&mut self, key: &[u8], by: &[u8]) -> Result<String> {
        let slot = self.string_slot(key).await?;
        let now = self.now();
        let old = slot.string(now)?;
        let sum = number::float_sum(old.as_deref(), by, KeyError::NotFloat)?;
        self.put_string(&slot, key, sum.as_bytes(), slot.expires(now))?;
        Ok(sum)
    }
}
