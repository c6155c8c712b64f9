//! What works on keys of every type: deletion, expiry, renaming, copying.

use std::sync::Arc;

use super::error::{KeyError, Result};
use super::keys::{Keys, Slot};
use super::layout::{self, Kind, Large, Record};
use super::{number, opened};
use crate::key;
use crate::schema::Collection;

/// When EXPIRE sets an expiry; all that are set must hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExpireIf {
    /// NX: the key has none.
    pub none: bool,
    /// XX: the key has one.
    pub some: bool,
    /// GT: the new one is later; none counts as the latest of all.
    pub later: bool,
    /// LT: the new one is earlier.
    pub earlier: bool,
}

impl ExpireIf {
    fn holds(self, old: u64, new: i64) -> bool {
        let old_or_never = if old == 0 { i64::MAX } else { i64::try_from(old).unwrap_or(i64::MAX) };
        !(self.none && old != 0
            || self.some && old == 0
            || self.later && new <= old_or_never
            || self.earlier && new >= old_or_never)
    }
}

/// When a key expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ttl {
    /// There is no such key.
    Missing,
    /// Never.
    Never,
    /// Then: milliseconds since 1970.
    At(u64),
}

impl Keys {
    /// The table that a key belongs to, and the rest of the key.
    pub(super) fn opened(&self, key: &[u8]) -> Option<(Arc<Collection>, Vec<u8>)> {
        self.spaces.opened(key).map(|(table, rest)| (table.clone(), rest.to_vec()))
    }

    fn refuse_opened(&self, what: &'static str, keys: &[&[u8]]) -> Result<()> {
        match keys.iter().find_map(|key| self.spaces.opened(key)) {
            Some((table, _)) => Err(opened::refuse(what, table)),
            None => Ok(()),
        }
    }

    /// The slot of a key where its key space exists.
    async fn slot_if(&mut self, space: u32, key: &[u8]) -> Result<Option<Slot>> {
        match self.storage(space)? {
            Some(_) => Ok(Some(self.slot(space, key).await?)),
            None => Ok(None),
        }
    }

    /// DEL of one key; whether it was there.
    pub async fn delete(&mut self, key: &[u8]) -> Result<bool> {
        if let Some((table, rest)) = self.opened(key) {
            return opened::delete(self, &table, &rest).await;
        }
        let Some(slot) = self.slot_if(self.space, key).await? else { return Ok(false) };
        let there = slot.live(self.now()).is_some();
        self.remove(&slot, key)?;
        Ok(there)
    }

    /// EXISTS of one key.
    pub async fn exists(&mut self, key: &[u8]) -> Result<bool> {
        Ok(self.kind(key).await?.is_some())
    }

    /// TYPE; `None`: there is no such key.
    pub async fn kind(&mut self, key: &[u8]) -> Result<Option<&'static str>> {
        if let Some((table, rest)) = self.opened(key) {
            let there = opened::exists(self, &table, &rest).await?;
            return Ok(there.then_some(Kind::SmallHash.name()));
        }
        let found = self.find(self.space, key).await?;
        Ok(found.map(|(_, record)| record.kind().name()))
    }

    /// OBJECT ENCODING and the bytes of MEMORY USAGE; `None`: there is no such key.
    pub async fn encoding(&mut self, key: &[u8]) -> Result<Option<(&'static str, usize)>> {
        self.refuse_opened("OBJECT", &[key])?;
        let Some((row, record)) = self.find(self.space, key).await? else { return Ok(None) };
        let payload = record.payload();
        let name = match record.kind() {
            Kind::SmallHash => "listpack",
            Kind::LargeHash => "hashtable",
            Kind::String if number::integer(payload).is_some() => "int",
            Kind::String if payload.len() <= 44 => "embstr",
            Kind::String => "raw",
        };
        // The record and its entry by hash, each under its key; members are counted by their
        // average.
        let head = row.len() * 2 + record.bytes().len() + 24;
        let members = match record.kind() {
            Kind::LargeHash => self.members_size(&row, record.large()?).await?,
            _ => 0,
        };
        Ok(Some((name, head + members)))
    }

    /// The bytes of a large hash's members, from a sample of its first ones.
    async fn members_size(&self, row: &[u8], large: Large<'_>) -> Result<usize> {
        let range = layout::members_from(&layout::members(row, large), 0);
        let page = self.page(&range, transaction::PageLimit::records(16)).await?;
        let sample: usize = page.records.iter().map(|(key, value)| key.len() + value.len()).sum();
        let count = usize::try_from(large.count).unwrap_or(usize::MAX);
        Ok((sample / page.records.len().max(1)).saturating_mul(count))
    }

    /// EXPIRE and its kin: the time in milliseconds since 1970. A time that has passed deletes the
    /// key.
    pub async fn expire(&mut self, key: &[u8], at: i64, only_if: ExpireIf) -> Result<bool> {
        self.refuse_opened("EXPIRE", &[key])?;
        let Some(slot) = self.slot_if(self.space, key).await? else { return Ok(false) };
        let Some(record) = slot.live(self.now()) else { return Ok(false) };
        if !only_if.holds(record.expires(), at) {
            return Ok(false);
        }
        match u64::try_from(at) {
            Ok(at) if at > self.now() => self.set_expires(&slot, key, record, at)?,
            _ => self.remove(&slot, key)?,
        }
        Ok(true)
    }

    fn set_expires(&mut self, slot: &Slot, key: &[u8], record: &Record, at: u64) -> Result<()> {
        let payload = record.payload();
        let of = (record.kind(), at);
        self.write(slot, key, of, payload.len(), |out| out.extend_from_slice(payload))
    }

    /// PERSIST.
    pub async fn persist(&mut self, key: &[u8]) -> Result<bool> {
        self.refuse_opened("PERSIST", &[key])?;
        let Some(slot) = self.slot_if(self.space, key).await? else { return Ok(false) };
        let expires = slot.live(self.now()).filter(|record| record.expires() != 0);
        let Some(record) = expires else { return Ok(false) };
        self.set_expires(&slot, key, record, 0)?;
        Ok(true)
    }

    /// TTL and its kin.
    pub async fn ttl(&mut self, key: &[u8]) -> Result<Ttl> {
        if let Some((table, rest)) = self.opened(key) {
            let there = opened::exists(self, &table, &rest).await?;
            return Ok(if there { Ttl::Never } else { Ttl::Missing });
        }
        Ok(match self.find(self.space, key).await? {
            None => Ttl::Missing,
            Some((_, record)) => match record.expires() {
                0 => Ttl::Never,
                at => Ttl::At(at),
            },
        })
    }

    /// RENAME; with `absent` RENAMENX. Whether it was done. The members of a large hash stay where
    /// they are.
    pub async fn rename(&mut self, from: &[u8], to: &[u8], absent: bool) -> Result<bool> {
        self.refuse_opened("RENAME", &[from, to])?;
        let source = self.slot_if(self.space, from).await?.ok_or(KeyError::NoSuchKey)?;
        let record = source.live(self.now()).ok_or(KeyError::NoSuchKey)?;
        if from == to {
            return Ok(!absent);
        }
        let target = self.slot(self.space, to).await?;
        if absent && target.live(self.now()).is_some() {
            return Ok(false);
        }
        let of = (record.kind(), record.expires());
        let payload = match record.kind() {
            Kind::LargeHash => {
                let large = record.large()?;
                let home = large.home.unwrap_or_else(|| key::row_elements(&source.row));
                let mut out = Vec::new();
                layout::write_large(&mut out, Large { home: Some(home), ..large });
                out
            }
            _ => record.payload().to_vec(),
        };
        self.remove_but(&source, from, true)?;
        self.write(&target, to, of, payload.len(), |out| out.extend_from_slice(&payload))?;
        Ok(true)
    }

    /// COPY; whether it was done.
    pub async fn copy(
        &mut self,
        from: &[u8],
        space: u32,
        to: &[u8],
        replace: bool,
    ) -> Result<bool> {
        self.refuse_opened("COPY", &[from, to])?;
        if from == to && space == self.space {
            return Err(KeyError::SameObject);
        }
        let Some(source) = self.slot_if(self.space, from).await? else { return Ok(false) };
        if source.live(self.now()).is_none() {
            return Ok(false);
        }
        self.copy_slot(&source, space, to, replace).await
    }

    async fn copy_slot(
        &mut self,
        source: &Slot,
        space: u32,
        to: &[u8],
        replace: bool,
    ) -> Result<bool> {
        let Some(record) = source.live(self.now()) else { return Ok(false) };
        let target = self.slot(space, to).await?;
        if !replace && target.live(self.now()).is_some() {
            return Ok(false);
        }
        let of = (record.kind(), record.expires());
        if record.kind() == Kind::LargeHash {
            let copy = self.copy_members(&source.row, record.large()?, &target.row).await?;
            self.write(&target, to, of, 16, |out| layout::write_large(out, copy))?;
        } else {
            let payload = record.payload();
            self.write(&target, to, of, payload.len(), |out| out.extend_from_slice(payload))?;
        }
        Ok(true)
    }

    /// MOVE; whether it was done.
    pub async fn move_to(&mut self, key: &[u8], space: u32) -> Result<bool> {
        self.refuse_opened("MOVE", &[key])?;
        if space == self.space {
            return Err(KeyError::SameObject);
        }
        let Some(source) = self.slot_if(self.space, key).await? else { return Ok(false) };
        if !self.copy_slot(&source, space, key, false).await? {
            return Ok(false);
        }
        self.remove(&source, key)?;
        Ok(true)
    }
}
