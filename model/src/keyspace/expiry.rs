//! The background work of key spaces: keys that are due, members of hashes that are gone.
//!
//! ```text
//!   sweep_keys(now, oldest)
//!     hints X minute ≤ now   ─► due? ─► lock the record (skip if held) ─► expired? delete it : drop a stale hint
//!     hints X minute 0       ─► a dead incarnation whose commit is below the oldest snapshot ─► pages of quiet deletes
//! ```
//!
//! **Invariants**
//! - A key is deleted only if its own record, locked, says that it has expired: a hint decides
//!   nothing.
//! - Deletions by expiry are ordinary commits that the feed shows; emptying dead incarnations is
//!   quiet.
//! - One call does a bounded amount of work; the hints of the running minute are looked at from
//!   where the last call stopped.
//!
//! Rejected: a filter in the engine's compaction (indexes, counts and the feed would not hear of
//! it).

use bytes::Bytes;
use transaction::{
    Direction, Durability, LockMode, LockRequest, Locked, PageLimit, Scan, Stamp, Wait,
};

use super::layout::{self, MINUTE, Record};
use crate::error::Result;
use crate::key::{self, KeyRange};
use crate::model::Model;

/// Keys of one commit.
const BATCH: usize = 128;
const PAGE: PageLimit = PageLimit { records: 1000, bytes: 1 << 20 };

/// How much one call does at most.
#[derive(Debug, Clone, Copy)]
pub struct SweepLimit {
    /// Hints looked at.
    pub hints: usize,
    /// Members of dead incarnations deleted.
    pub members: usize,
}

impl Default for SweepLimit {
    fn default() -> Self {
        SweepLimit { hints: 20_000, members: 20_000 }
    }
}

/// What calls have done together, and where the next one goes on.
#[derive(Debug, Clone, Default)]
pub struct Sweep {
    /// Keys deleted because they had expired.
    pub expired: u64,
    /// Hints dropped that had nothing to tell.
    pub stale: u64,
    /// Members of dead incarnations deleted.
    pub members: u64,
    /// Whether the last call left due work undone.
    pub more: bool,
    hints_from: Option<Bytes>,
}

/// What became of a due hint.
enum Due {
    Expired,
    Stale,
    Busy,
}

impl Model {
    /// Deletes keys that have expired by `now` (milliseconds since 1970) and members that nothing
    /// names any more; `oldest` is the oldest snapshot that may still read. `sweep` is kept from
    /// call to call.
    pub async fn sweep_keys(
        &self,
        now: u64,
        oldest: Stamp,
        limit: SweepLimit,
        sweep: &mut Sweep,
    ) -> Result<()> {
        sweep.more = false;
        self.expire_due(now, limit.hints, sweep).await?;
        self.empty_dead(oldest, limit.members, sweep).await
    }

    async fn read_page(&self, range: &KeyRange, limit: PageLimit) -> Result<transaction::Page> {
        let scan = Scan {
            start: range.start.clone(),
            end: range.end.clone(),
            direction: Direction::Forward,
            limit,
        };
        Ok(self.small().await?.scan(&scan).await?)
    }

    async fn expire_due(&self, now: u64, limit: usize, sweep: &mut Sweep) -> Result<()> {
        let minute = u32::try_from(now / MINUTE).unwrap_or(u32::MAX - 1);
        let mut range = layout::due_by(minute);
        if let Some(from) = sweep.hints_from.take().filter(|from| *from > range.start) {
            range.start = from;
        }
        let mut looked = 0;
        while looked < limit && range.start < range.end {
            let page = self.read_page(&range, PAGE).await?;
            looked += page.records.len();
            let mut due = Vec::new();
            for (hint, value) in page.records {
                let (at, row) = layout::read_hint(&hint, &value)?;
                if at <= now {
                    due.push((hint, row));
                }
            }
            for batch in due.chunks(BATCH) {
                self.expire_batch(now, batch, sweep).await?;
            }
            match page.next {
                Some(next) => range.start = next,
                None => return Ok(()),
            }
        }
        if range.start < range.end {
            sweep.more = true;
            sweep.hints_from = Some(range.start);
        }
        Ok(())
    }

    async fn expire_batch(
        &self,
        now: u64,
        batch: &[(Bytes, Bytes)],
        sweep: &mut Sweep,
    ) -> Result<()> {
        let buffer = self.small().await?;
        let requests: Vec<LockRequest> = batch
            .iter()
            .map(|(_, row)| LockRequest { key: row.clone(), mode: LockMode::Update })
            .collect();
        let locked = buffer.lock(&requests, Wait::Skip).await?;
        let mut counts = std::collections::BTreeMap::new();
        let (mut expired, mut stale) = (0, 0);
        for ((hint, row), locked) in batch.iter().zip(locked) {
            match look(hint, row, &locked, now)? {
                (Due::Busy, _) => continue,
                (Due::Stale, _) => stale += 1,
                (Due::Expired, Some(record)) => {
                    let key = layout::key_of(row, &record)?;
                    buffer.delete(row.clone())?;
                    buffer.delete(layout::entry(row, &key).0)?;
                    if record.kind() == layout::Kind::LargeHash {
                        let (dead, prefix) = layout::dead(row, record.large()?);
                        buffer.put(dead, prefix)?;
                    }
                    *counts.entry(layout::storage_of(row)).or_insert(0i64) -= 1;
                    expired += 1;
                }
                (Due::Expired, None) => {}
            }
            buffer.delete(hint.clone())?;
        }
        for (storage, delta) in counts {
            buffer.add(key::row_count(storage), delta)?;
        }
        if !buffer.has_writes() {
            return Ok(buffer.rollback().await?);
        }
        match buffer.commit(Durability::Interval, Bytes::new(), false).await {
            Ok(_) => {
                sweep.expired += expired;
                sweep.stale += stale;
                Ok(())
            }
            // Somebody was faster; the hints are still there.
            Err(error) if error.is_retryable() => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn empty_dead(&self, oldest: Stamp, limit: usize, sweep: &mut Sweep) -> Result<()> {
        let page = self.read_page(&layout::all_dead(), PAGE).await?;
        let mut left = limit;
        for (dead, prefix) in page.records {
            if left == 0 {
                sweep.more = true;
                return Ok(());
            }
            left = left.saturating_sub(self.empty_one(&dead, &prefix, oldest, left, sweep).await?);
        }
        Ok(())
    }

    /// Deletes members page by page, and the record of their death at last.
    async fn empty_one(
        &self,
        dead: &Bytes,
        prefix: &Bytes,
        oldest: Stamp,
        limit: usize,
        sweep: &mut Sweep,
    ) -> Result<usize> {
        let mut range = KeyRange::prefix(prefix.to_vec());
        let mut deleted = 0;
        loop {
            let buffer = self.small().await?;
            let request = [LockRequest { key: dead.clone(), mode: LockMode::Update }];
            match buffer.lock(&request, Wait::Skip).await?.pop() {
                Some(Locked::Held { value: Some(_), stamp }) if stamp <= oldest => {}
                _ => {
                    buffer.rollback().await?;
                    return Ok(deleted);
                }
            }
            let (start, end) = (range.start.clone(), range.end.clone());
            let scan = Scan { start, end, direction: Direction::Forward, limit: PAGE };
            let page = buffer.scan(&scan).await?;
            deleted += page.records.len();
            sweep.members += page.records.len() as u64;
            for (member, _) in page.records {
                buffer.delete(member)?;
            }
            let done = page.next.is_none();
            if done {
                buffer.delete(dead.clone())?;
            }
            if buffer.has_writes() {
                buffer.commit(Durability::Interval, Bytes::new(), true).await?;
            }
            match page.next {
                Some(next) if deleted < limit => range.start = next,
                Some(_) => {
                    sweep.more = true;
                    return Ok(deleted);
                }
                None => return Ok(deleted),
            }
        }
    }
}

fn look(hint: &[u8], row: &[u8], locked: &Locked, now: u64) -> Result<(Due, Option<Record>)> {
    let Locked::Held { value, .. } = locked else { return Ok((Due::Busy, None)) };
    let Some(value) = value else { return Ok((Due::Stale, None)) };
    let record = Record::read(value.clone())?;
    if record.is_expired(now) {
        return Ok((Due::Expired, Some(record)));
    }
    // The expiry was put off within its minute, after the hint was read: it still stands for it.
    let expires = record.expires();
    let stands = expires != 0 && layout::hint(row, expires).0 == hint;
    Ok((if stands { Due::Busy } else { Due::Stale }, None))
}
