//! Hashes, small and large: fields set, read, counted, drawn by lot.
//!
//! A hash is small while it has at most [`layout::INLINE_FIELDS_MAX`] fields of at most
//! [`layout::INLINE_BYTES_MAX`] bytes; the change that breaks this makes it large, and it stays so,
//! as in Redis.

use std::collections::BTreeMap;

use bytes::Bytes;
use transaction::PageLimit;

use super::error::{KeyError, Result};
use super::keys::{Keys, Slot};
use super::layout::{self, INLINE_BYTES_MAX, INLINE_FIELDS_MAX, Kind, Large, Record};
use super::{number, opened};

/// Which parts of a hash are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldFilter {
    /// HKEYS.
    Fields,
    /// HVALS.
    Values,
    /// HGETALL.
    Both,
}

/// Members read at a time.
const PAGE: PageLimit = PageLimit { records: 512, bytes: 1 << 20 };

fn hash(record: &Record) -> Result<()> {
    if record.kind() == Kind::String { Err(KeyError::WrongType) } else { Ok(()) }
}

/// The fields of a hash about to be changed.
enum Open {
    Small(Vec<(Bytes, Bytes)>),
    Large { incarnation: u64, count: u64, home: Option<Bytes>, members: Vec<u8> },
}

impl Open {
    fn of(slot: &Slot, now: u64) -> Result<Open> {
        let Some(record) = slot.live(now) else { return Ok(Open::Small(Vec::new())) };
        hash(record)?;
        if record.kind() == Kind::LargeHash {
            return Open::large(&slot.row, record.large()?);
        }
        let payload = record.shared_payload();
        let own = |item: &[u8]| payload.slice_ref(item);
        let pairs = Record::pairs(record).map(|(field, value)| (own(field), own(value)));
        Ok(Open::Small(pairs.collect()))
    }

    fn large(row: &[u8], large: Large<'_>) -> Result<Open> {
        Ok(Open::Large {
            incarnation: large.incarnation,
            count: large.count,
            home: large.home.map(Bytes::copy_from_slice),
            members: layout::members(row, large),
        })
    }

    fn count(&self) -> u64 {
        match self {
            Open::Small(pairs) => pairs.len() as u64,
            Open::Large { count, .. } => *count,
        }
    }
}

impl Keys {
    async fn hash_slot(&mut self, key: &[u8]) -> Result<(Slot, Open)> {
        let slot = self.slot(self.space, key).await?;
        let open = Open::of(&slot, self.now())?;
        Ok((slot, open))
    }

    async fn open_get(&self, open: &Open, field: &[u8]) -> Result<Option<Bytes>> {
        match open {
            Open::Small(pairs) => {
                Ok(pairs.iter().find(|(name, _)| name == field).map(|(_, value)| value.clone()))
            }
            Open::Large { members, .. } => self.member(members, field).await,
        }
    }

    async fn member(&self, members: &[u8], field: &[u8]) -> Result<Option<Bytes>> {
        let key = layout::member(members, field);
        let Some(value) = self.get(&key).await? else { return Ok(None) };
        let (_, found, value) = layout::read_member(members, &key, &value)?;
        Ok((found == field).then_some(value))
    }

    /// Whether the field is new.
    async fn open_set(
        &mut self,
        row: &[u8],
        open: &mut Open,
        field: &[u8],
        value: &[u8],
    ) -> Result<bool> {
        if let Open::Small(pairs) = open {
            let at = pairs.iter().position(|(name, _)| name == field);
            let fits = field.len().max(value.len()) <= INLINE_BYTES_MAX
                && (at.is_some() || pairs.len() < INLINE_FIELDS_MAX);
            if fits {
                let value = Bytes::copy_from_slice(value);
                match at.and_then(|at| pairs.get_mut(at)) {
                    Some(pair) => pair.1 = value,
                    None => pairs.push((Bytes::copy_from_slice(field), value)),
                }
                return Ok(at.is_none());
            }
            *open = self.enlarge(row, std::mem::take(pairs))?;
        }
        let Open::Large { count, members, .. } = open else { return Ok(false) };
        let key = layout::member(members, field);
        let new = match self.get(&key).await? {
            None => true,
            Some(old) if layout::read_member(members, &key, &old)?.1 == field => false,
            Some(_) => {
                let limit = crate::key::KEY_LEN_MAX;
                return Err(crate::Error::Limit { what: "field", limit }.into());
            }
        };
        *count += u64::from(new);
        let value = layout::member_value(&key, field, value);
        self.work.buffer().put(key, value)?;
        Ok(new)
    }

    /// Makes members of the fields of a small hash.
    fn enlarge(&self, row: &[u8], pairs: Vec<(Bytes, Bytes)>) -> Result<Open> {
        let large =
            Large { incarnation: self.incarnation(), count: pairs.len() as u64, home: None };
        let open = Open::large(row, large)?;
        let Open::Large { members, .. } = &open else { return Ok(open) };
        for (field, value) in pairs {
            let key = layout::member(members, &field);
            let value = layout::member_value(&key, &field, &value);
            self.work.buffer().put(key, value)?;
        }
        Ok(open)
    }

    async fn open_remove(&mut self, open: &mut Open, field: &[u8]) -> Result<bool> {
        match open {
            Open::Small(pairs) => {
                let before = pairs.len();
                pairs.retain(|(name, _)| name != field);
                Ok(pairs.len() < before)
            }
            Open::Large { members, count, .. } => {
                if self.member(members, field).await?.is_none() {
                    return Ok(false);
                }
                self.work.buffer().delete(layout::member(members, field))?;
                *count = count.saturating_sub(1);
                Ok(true)
            }
        }
    }

    /// Writes the record of a changed hash; an empty one is deleted.
    fn close(&mut self, slot: &Slot, key: &[u8], open: &Open) -> Result<()> {
        if open.count() == 0 {
            return self.remove_but(slot, key, matches!(open, Open::Large { .. }));
        }
        let expires = slot.live(self.now()).map_or(0, Record::expires);
        match open {
            Open::Small(pairs) => {
                let room = pairs.iter().map(|(f, v)| f.len() + v.len() + 2).sum::<usize>() + 2;
                self.write(slot, key, (Kind::SmallHash, expires), room, |out| {
                    layout::write_pairs(out, pairs.iter().map(|(f, v)| (f.as_ref(), v.as_ref())));
                })
            }
            Open::Large { incarnation, count, home, .. } => {
                let (incarnation, count) = (*incarnation, *count);
                let large = Large { incarnation, count, home: home.as_deref() };
                let room = 16 + home.as_ref().map_or(0, Bytes::len);
                self.write(slot, key, (Kind::LargeHash, expires), room, |out| {
                    layout::write_large(out, large);
                })
            }
        }
    }

    /// HSET; how many fields are new.
    pub async fn hash_set(&mut self, key: &[u8], pairs: &[(&[u8], &[u8])]) -> Result<u64> {
        if let Some((table, rest)) = self.opened(key) {
            return opened::set(self, &table, &rest, pairs).await;
        }
        let (slot, mut open) = self.hash_slot(key).await?;
        let mut new = 0;
        for (field, value) in pairs {
            new += u64::from(self.open_set(&slot.row, &mut open, field, value).await?);
        }
        self.close(&slot, key, &open)?;
        Ok(new)
    }

    /// HSETNX.
    pub async fn hash_set_absent(
        &mut self,
        key: &[u8],
        field: &[u8],
        value: &[u8],
    ) -> Result<bool> {
        if let Some((table, rest)) = self.opened(key) {
            if opened::get(self, &table, &rest, field).await?.is_some() {
                return Ok(false);
            }
            opened::set(self, &table, &rest, &[(field, value)]).await?;
            return Ok(true);
        }
        let (slot, mut open) = self.hash_slot(key).await?;
        if self.open_get(&open, field).await?.is_some() {
            return Ok(false);
        }
        self.open_set(&slot.row, &mut open, field, value).await?;
        self.close(&slot, key, &open)?;
        Ok(true)
    }

    /// HDEL; how many fields were there.
    pub async fn hash_delete(&mut self, key: &[u8], fields: &[&[u8]]) -> Result<u64> {
        if let Some((table, rest)) = self.opened(key) {
            return opened::delete_fields(self, &table, &rest, fields).await;
        }
        if self.storage(self.space)?.is_none() {
            return Ok(0);
        }
        let (slot, mut open) = self.hash_slot(key).await?;
        let mut gone = 0;
        for field in fields {
            gone += u64::from(self.open_remove(&mut open, field).await?);
        }
        if gone > 0 {
            self.close(&slot, key, &open)?;
        }
        Ok(gone)
    }

    /// HINCRBY.
    pub async fn hash_increment(&mut self, key: &[u8], field: &[u8], by: i64) -> Result<i64> {
        if let Some((table, rest)) = self.opened(key) {
            return opened::increment(self, &table, &rest, field, by).await;
        }
        let (slot, mut open) = self.hash_slot(key).await?;
        let old = match self.open_get(&open, field).await? {
            Some(text) => number::integer(&text).ok_or(KeyError::FieldNotInteger)?,
            None => 0,
        };
        let sum = old.checked_add(by).ok_or(KeyError::Overflow)?;
        self.open_set(&slot.row, &mut open, field, sum.to_string().as_bytes()).await?;
        self.close(&slot, key, &open)?;
        Ok(sum)
    }

    /// HINCRBYFLOAT.
    pub async fn hash_increment_float(
        &mut self,
        key: &[u8],
        field: &[u8],
        by: &[u8],
    ) -> Result<String> {
        if let Some((table, _)) = self.opened(key) {
            return Err(opened::refuse("HINCRBYFLOAT", &table));
        }
        let (slot, mut open) = self.hash_slot(key).await?;
        let old = self.open_get(&open, field).await?;
        let sum = number::float_sum(old.as_deref(), by, KeyError::FieldNotFloat)?;
        self.open_set(&slot.row, &mut open, field, sum.as_bytes()).await?;
        self.close(&slot, key, &open)?;
        Ok(sum)
    }

    /// HGET.
    pub async fn hash_get(&mut self, key: &[u8], field: &[u8]) -> Result<Option<Bytes>> {
        let mut values = self.hash_get_many(key, &[field]).await?;
        Ok(values.pop().flatten())
    }

    /// HMGET.
    pub async fn hash_get_many(
        &mut self,
        key: &[u8],
        fields: &[&[u8]],
    ) -> Result<Vec<Option<Bytes>>> {
        let mut values = Vec::with_capacity(fields.len());
        if let Some((table, rest)) = self.opened(key) {
            for field in fields {
                values.push(opened::get(self, &table, &rest, field).await?);
            }
            return Ok(values);
        }
        let Some((row, record)) = self.find_steady(self.space, key).await? else {
            values.resize(fields.len(), None);
            return Ok(values);
        };
        hash(&record)?;
        let payload = record.shared_payload();
        let members = match record.kind() {
            Kind::LargeHash => layout::members(&row, record.large()?),
            _ => Vec::new(),
        };
        for field in fields {
            values.push(match record.kind() {
                Kind::LargeHash => self.member(&members, field).await?,
                _ => {
                    let found = record.pairs().find(|(name, _)| name == field);
                    found.map(|(_, value)| payload.slice_ref(value))
                }
            });
        }
        Ok(values)
    }

    /// HLEN.
    pub async fn hash_len(&mut self, key: &[u8]) -> Result<u64> {
        if let Some((table, rest)) = self.opened(key) {
            return Ok(opened::all(self, &table, &rest).await?.len() as u64);
        }
        let Some((_, record)) = self.find(self.space, key).await? else { return Ok(0) };
        hash(&record)?;
        Ok(record.fields()?)
    }

    /// HGETALL, HKEYS, HVALS: `count` hears how many pairs come, then `each` gets them.
    pub async fn hash_all(
        &mut self,
        key: &[u8],
        mut count: impl FnMut(u64) + Send,
        mut each: impl FnMut(&[u8], &[u8]) + Send,
    ) -> Result<()> {
        if let Some((table, rest)) = self.opened(key) {
            let pairs = opened::all(self, &table, &rest).await?;
            count(pairs.len() as u64);
            pairs.iter().for_each(|(field, value)| each(field, value));
            return Ok(());
        }
        let Some((row, record)) = self.find_steady(self.space, key).await? else {
            count(0);
            return Ok(());
        };
        hash(&record)?;
        count(record.fields()?);
        if record.kind() != Kind::LargeHash {
            record.pairs().for_each(|(field, value)| each(field, value));
            return Ok(());
        }
        let members = layout::members(&row, record.large()?);
        let mut range = layout::members_from(&members, 0);
        loop {
            let page = self.page(&range, PAGE).await?;
            for (key, value) in &page.records {
                let (_, field, value) = layout::read_member(&members, key, value)?;
                each(field, &value);
            }
            match page.next {
                Some(next) => range.start = next,
                None => return Ok(()),
            }
        }
    }

    /// HRANDFIELD with a count: so many distinct fields, or with repetition where `repeat`.
    pub async fn hash_random(
        &mut self,
        key: &[u8],
        wanted: usize,
        repeat: bool,
    ) -> Result<Vec<(Bytes, Bytes)>> {
        if let Some((table, _)) = self.opened(key) {
            return Err(opened::refuse("HRANDFIELD", &table));
        }
        let Some((row, record)) = self.find_steady(self.space, key).await? else {
            return Ok(Vec::new());
        };
        hash(&record)?;
        let size = usize::try_from(record.fields()?).unwrap_or(usize::MAX);
        if size == 0 || wanted == 0 {
            return Ok(Vec::new());
        }
        if record.kind() == Kind::LargeHash && (repeat || wanted.saturating_mul(3) < size) {
            let members = layout::members(&row, record.large()?);
            return self.draw(&members, wanted, repeat).await;
        }
        let mut all = Vec::with_capacity(size);
        self.hash_all(
            key,
            |_| {},
            |field, value| all.push((Bytes::copy_from_slice(field), Bytes::copy_from_slice(value))),
        )
        .await?;
        if repeat {
            let draws = (0..wanted).map(|_| (self.random() % all.len() as u64) as usize);
            let draws: Vec<usize> = draws.collect();
            return Ok(draws.iter().filter_map(|at| all.get(*at).cloned()).collect());
        }
        if wanted >= all.len() {
            return Ok(all);
        }
        for at in 0..all.len().min(wanted) {
            let other = at + (self.random() % (all.len() - at) as u64) as usize;
            all.swap(at, other);
        }
        all.truncate(wanted);
        Ok(all)
    }

    /// Members at random places in the order of hashes.
    async fn draw(
        &mut self,
        members: &[u8],
        wanted: usize,
        repeat: bool,
    ) -> Result<Vec<(Bytes, Bytes)>> {
        let mut distinct = BTreeMap::new();
        let mut drawn = Vec::new();
        while drawn.len() + distinct.len() < wanted {
            let from = layout::members_from(members, self.random() >> 1);
            let mut page = self.page(&from, PageLimit::records(1)).await?;
            while page.records.is_empty() {
                let start = page.next.unwrap_or_else(|| layout::members_from(members, 0).start);
                let range = crate::key::KeyRange { start, end: from.end.clone() };
                page = self.page(&range, PageLimit::records(1)).await?;
            }
            for (key, value) in page.records {
                let (_, field, value) = layout::read_member(members, &key, &value)?;
                let field = Bytes::copy_from_slice(field);
                match repeat {
                    true => drawn.push((field, value)),
                    false => drop(distinct.insert(field, value)),
                }
            }
        }
        drawn.extend(distinct);
        Ok(drawn)
    }

    /// Copies the members of a large hash to another record's, which then has an incarnation of its
    /// own.
    pub(super) async fn copy_members(
        &mut self,
        row: &[u8],
        large: Large<'_>,
        to: &[u8],
    ) -> Result<Large<'static>> {
        let copy = Large { incarnation: self.incarnation(), count: large.count, home: None };
        let (from, to) = (layout::members(row, large), layout::members(to, copy));
        let mut range = layout::members_from(&from, 0);
        loop {
            let page = self.page(&range, PAGE).await?;
            for (key, value) in &page.records {
                let (_, field, value) = layout::read_member(&from, key, value)?;
                let member = layout::member(&to, field);
                let value = layout::member_value(&member, field, &value);
                self.work.buffer().put(member, value)?;
            }
            match page.next {
                Some(next) => range.start = next,
                None => return Ok(copy),
            }
        }
    }
}
