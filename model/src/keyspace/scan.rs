//! SCAN, HSCAN, KEYS, RANDOMKEY: walking through keys and fields.
//!
//! The order of SCAN is that of the keys' hashes (`layout::hash`), kept by one index entry for each
//! key. The cursor is the hash to go on from: it means the same after a restart and on every
//! server, and needs no memory. All entries of one hash come in one answer, so an element that is
//! there throughout is met exactly once.
//!
//! KEYS walks the records in the order of the keys, from what every match begins with.

use bytes::Bytes;
use transaction::PageLimit;

use super::error::{KeyError, Result};
use super::keys::Keys;
use super::layout::{self, Kind, Record};
use super::{glob, opened};
use crate::schema::StorageId;

/// Elements that one SCAN looks at, whatever COUNT says.
const COUNT_MAX: usize = 10_000;
/// Rows of an opened table that one SCAN answers at least: each call looks through the whole table.
const OPENED_COUNT_MIN: usize = 1000;
const PAGE: PageLimit = PageLimit { records: 512, bytes: 1 << 20 };
/// How often RANDOMKEY tries to find a key that has not expired.
const RANDOM_TRIES: usize = 100;

/// The options of SCAN and HSCAN.
#[derive(Debug, Clone, Copy)]
pub struct ScanOptions<'a> {
    /// Where to go on; 0 begins.
    pub cursor: u64,
    /// COUNT: how many elements to look at.
    pub count: usize,
    /// MATCH.
    pub pattern: Option<&'a [u8]>,
    /// TYPE, SCAN only.
    pub kind: Option<&'a [u8]>,
}

impl ScanOptions<'_> {
    fn matches(&self, element: &[u8]) -> bool {
        self.pattern.is_none_or(|pattern| glob::matches(pattern, element))
    }

    fn wanted(&self) -> usize {
        self.count.clamp(1, COUNT_MAX)
    }
}

/// The cursor after the elements of a hash.
fn after(hash: Option<u64>, done: bool) -> u64 {
    // Hashes have 63 bits: one more is never 0.
    if done { 0 } else { hash.map_or(0, |hash| hash + 1) }
}

impl Keys {
    /// SCAN: the next cursor (0: done) and the keys.
    pub async fn scan(&mut self, options: ScanOptions<'_>) -> Result<(u64, Vec<Bytes>)> {
        if let Some(pattern) = options.pattern
            && let Some((table, _)) = self.opened(&glob::literal_prefix(pattern))
        {
            let wanted = options.wanted().max(OPENED_COUNT_MIN);
            let of_kind = options.kind.is_none_or(|kind| kind == Kind::SmallHash.name().as_bytes());
            let wanted = if of_kind { wanted } else { 0 };
            return opened::scan(self, &table, pattern, options.cursor, wanted).await;
        }
        let Some(storage) = self.storage(self.space)? else { return Ok((0, Vec::new())) };
        let (next, rows) = self.rows_by_hash(storage, options.cursor, options.wanted()).await?;
        let mut keys = Vec::new();
        for row in rows {
            let Some(value) = self.get(&row).await? else { continue };
            let record = Record::read(value)?;
            let of_kind = options.kind.is_none_or(|kind| kind == record.kind().name().as_bytes());
            if of_kind && !record.is_expired(self.now()) {
                let key = layout::key_of(&row, &record)?;
                if options.matches(&key) {
                    keys.push(key.into());
                }
            }
        }
        Ok((next, keys))
    }

    /// About so many rows from a hash on, whole hashes; the next hash, 0 at the end.
    async fn rows_by_hash(
        &self,
        storage: StorageId,
        from: u64,
        wanted: usize,
    ) -> Result<(u64, Vec<Bytes>)> {
        let mut range = layout::entries_from(storage, from);
        let mut rows: Vec<Bytes> = Vec::new();
        let mut last = None;
        loop {
            let limit = PageLimit::records((wanted + 1).saturating_sub(rows.len()).clamp(1, 512));
            let page = self.page(&range, limit).await?;
            for (key, value) in &page.records {
                let (hash, row) = layout::read_entry(storage, key, value)?;
                if rows.len() >= wanted && last != Some(hash) {
                    return Ok((after(last, false), rows));
                }
                last = Some(hash);
                rows.push(row);
            }
            match page.next {
                Some(next) => range.start = next,
                None => return Ok((0, rows)),
            }
        }
    }

    /// HSCAN: the next cursor and the pairs. A small hash comes whole.
    pub async fn hash_scan(
        &mut self,
        key: &[u8],
        options: ScanOptions<'_>,
    ) -> Result<(u64, Vec<(Bytes, Bytes)>)> {
        let keep = |field: &[u8], value: &[u8]| {
            let pair = || (Bytes::copy_from_slice(field), Bytes::copy_from_slice(value));
            options.matches(field).then(pair)
        };
        if let Some((table, rest)) = self.opened(key) {
            let all = opened::all(self, &table, &rest).await?;
            return Ok((0, all.iter().filter_map(|(field, value)| keep(field, value)).collect()));
        }
        let Some((row, record)) = self.find_steady(self.space, key).await? else {
            return Ok((0, Vec::new()));
        };
        match record.kind() {
            Kind::String => return Err(KeyError::WrongType),
            Kind::SmallHash => {
                return Ok((0, record.pairs().filter_map(|(f, v)| keep(f, v)).collect()));
            }
            Kind::LargeHash => {}
        }
        let members = layout::members(&row, record.large()?);
        let mut range = layout::members_from(&members, options.cursor);
        let (mut pairs, mut seen, mut last) = (Vec::new(), 0, None);
        loop {
            let limit = (options.wanted() + 1).saturating_sub(seen).clamp(1, 512);
            let page = self.page(&range, PageLimit { records: limit, ..PAGE }).await?;
            for (key, value) in &page.records {
                let (hash, field, value) = layout::read_member(&members, key, value)?;
                if seen >= options.wanted() && last != Some(hash) {
                    return Ok((after(last, false), pairs));
                }
                last = Some(hash);
                seen += 1;
                pairs.extend(keep(field, &value));
            }
            match page.next {
                Some(next) => range.start = next,
                None => return Ok((after(last, true), pairs)),
            }
        }
    }

    /// KEYS: every key that matches, in the order of the keys.
    pub async fn keys(&mut self, pattern: &[u8], mut each: impl FnMut(&[u8]) + Send) -> Result<()> {
        let prefix = glob::literal_prefix(pattern);
        if let Some((table, _)) = self.opened(&prefix) {
            return opened::keys(self, &table, pattern, &mut each).await;
        }
        let Some(storage) = self.storage(self.space)? else { return Ok(()) };
        let mut range = layout::rows_with(storage, &prefix);
        loop {
            let page = self.page(&range, PAGE).await?;
            for (row, value) in page.records {
                let record = Record::read(value)?;
                if record.is_expired(self.now()) {
                    continue;
                }
                let key = layout::key_of(&row, &record)?;
                if glob::matches(pattern, &key) {
                    each(&key);
                }
            }
            match page.next {
                Some(next) => range.start = next,
                None => return Ok(()),
            }
        }
    }

    /// RANDOMKEY.
    pub async fn random_key(&mut self) -> Result<Option<Vec<u8>>> {
        let Some(storage) = self.storage(self.space)? else { return Ok(None) };
        for _ in 0..RANDOM_TRIES {
            let from = self.random() >> 1;
            let mut rows = self.rows_by_hash(storage, from, 1).await?.1;
            if rows.is_empty() {
                rows = self.rows_by_hash(storage, 0, 1).await?.1;
            }
            let Some(row) = rows.first() else { return Ok(None) };
            let Some(value) = self.get(row).await? else { continue };
            let record = Record::read(value)?;
            if !record.is_expired(self.now()) {
                return Ok(Some(layout::key_of(row, &record)?));
            }
        }
        Ok(None)
    }
}
