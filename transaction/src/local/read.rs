//! Reading: table, cache, engine, table again. The argument stands in `versions`.
//!
//! A page of a scan does for a stretch of keys what a point read does for one: the table's keys
//! first (they bound the stretch), then the engine's page within it, then, if anything was applied
//! meanwhile or the engine showed something too new, the table again. Each key's answer is right by
//! the same argument, whatever torn state of a batch the engine's page showed.
//!
//! ```text
//!   table    a    c d      │            the page ends where the first of the two ends
//!   engine   a b    d    f │ g …
//!   merged   a b  c d    f │ next: f\0
//! ```

use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::Shared;
use super::record::unwrap;
use super::versions::{Found, Listed, Value};
use crate::{Direction, Error, Page, Result, Scan, Stamp};

/// Keys of the table that a stretch may hold beyond the records asked for.
const SLACK: usize = 64;
/// Stretches that a page may need before it answers empty: keys deleted but not yet applied give no
/// records.
const STRETCHES: usize = 64;

impl From<engine::Error> for Error {
    fn from(error: engine::Error) -> Self {
        match error {
            engine::Error::OutOfSpace { .. } => Error::OutOfSpace,
            engine::Error::Corrupt { .. } => Error::Corrupt(error.to_string()),
            engine::Error::Unsupported(_) => Error::Unsupported("by the engine"),
            error => Error::Failed(error.to_string()),
        }
    }
}

impl Shared {
    /// The version of a key at a stamp that is a live snapshot, or `Stamp::MAX` for the newest
    /// published.
    pub(super) fn read(&self, key: &[u8], at: Stamp) -> Result<(Stamp, Value)> {
        self.read_hashed(self.hasher.hash(key), key, at)
    }

    /// As `read`, where the key's hash is known.
    pub(super) fn read_hashed(&self, hash: u64, key: &[u8], at: Stamp) -> Result<(Stamp, Value)> {
        let quiet = self.versions.quiet();
        if let Found::Version(stamp, value) = self.versions.get(hash, key, at) {
            return Ok((stamp, value));
        }
        let raw = match self.cache.get(hash, key) {
            Ok(raw) => Some(raw),
            Err(permit) => {
                let raw = self.engine.get(key)?;
                if let Some(raw) = &raw {
                    self.cache.fill(hash, key, raw, permit);
                }
                raw
            }
        };
        match raw.as_ref().map(unwrap).transpose()? {
            Some((stamp, value)) if stamp <= at => return Ok((stamp, Some(value))),
            None if quiet.lasts(&self.versions) => {
                return Ok((Stamp::ZERO, None));
            }
            _ => {}
        }
        match self.versions.get(hash, key, at) {
            Found::Version(stamp, value) => Ok((stamp, value)),
            // Absent from the engine, now as at the first look; or newer, and the old value kept
            // nowhere.
            Found::Below if raw.is_none() => Ok((Stamp::ZERO, None)),
            Found::Below => Err(Error::SnapshotTooOld),
        }
    }

    /// A page at a live snapshot; and the highest stamp that it shows.
    pub(super) fn page(&self, scan: &Scan, at: Stamp) -> Result<(Page, Stamp)> {
        let mut builder = Builder { page: Page::default(), scan, bytes: 0, newest: Stamp::ZERO };
        let mut rest = (scan.start.clone(), scan.end.clone());
        for _ in 0..STRETCHES {
            let stretch = self.stretch(&rest, &builder, at)?;
            if !builder.take(stretch.records) {
                return Ok((builder.page, builder.newest));
            }
            let Some(next) = stretch.rest else {
                return Ok((builder.page, builder.newest));
            };
            rest = next;
            builder.page.next = Some(match scan.direction {
                Direction::Forward => rest.0.clone(),
                Direction::Backward => rest.1.clone(),
            });
            if builder.is_full() {
                return Ok((builder.page, builder.newest));
            }
        }
        Ok((builder.page, builder.newest))
    }

    /// The records of the first part of a range, and what is left of it.
    fn stretch(&self, range: &(Bytes, Bytes), builder: &Builder<'_>, at: Stamp) -> Result<Stretch> {
        let (direction, wanted) = (builder.scan.direction, builder.wanted());
        let quiet = self.versions.quiet();
        let bounds = (range.0.as_ref(), range.1.as_ref());
        let (mut listed, stop) = self.versions.list(bounds, direction, at, wanted.0 + SLACK);
        let mut covered = cut(range, direction, stop, false);
        let limit = engine::Limit { records: wanted.0, bytes: wanted.1 };
        let key_range = engine::KeyRange::new(
            &covered.0,
            Some(covered.1.as_ref()).filter(|end| !end.is_empty()),
        );
        let page = self.engine.page(key_range, to_engine(direction), limit)?;
        if page.more {
            let last = page.records.last().map(|record| record.key.clone());
            covered = cut(&covered, direction, last, true);
            listed.retain(|listed| within(&listed.key, &covered));
        }
        let stored = page.records.into_iter().map(|record| {
            let (stamp, value) = unwrap(&record.value)?;
            Ok((record.key, stamp, value))
        });
        let stored = stored.collect::<Result<Vec<_>>>()?;
        if !quiet.lasts(&self.versions) || stored.iter().any(|(_, stamp, _)| *stamp > at) {
            let bounds = (covered.0.as_ref(), covered.1.as_ref());
            listed = self.versions.list(bounds, direction, at, usize::MAX).0.into_iter().fold(
                listed,
                |mut all, again| {
                    // What the first look had stays: it may have been applied and have left since.
                    if again.version.is_some() {
                        all.push(again);
                    }
                    all
                },
            );
            order(&mut listed, direction);
        }
        let records = merge(listed, stored, direction, at)?;
        let rest = rest_of(range, &covered, direction);
        Ok(Stretch { records, rest })
    }

    /// Notes that a transaction saw a stamp that may not be visible yet.
    pub(super) fn note_seen(&self, seen: &std::sync::atomic::AtomicU64, stamp: Stamp) {
        if stamp > self.progress.visible() {
            seen.fetch_max(stamp.0, Ordering::AcqRel);
        }
    }
}

/// Part of a page. A record without a value is a deletion that somebody saw.
struct Stretch {
    records: Vec<(Bytes, Stamp, Value)>,
    rest: Option<(Bytes, Bytes)>,
}

struct Builder<'a> {
    page: Page,
    scan: &'a Scan,
    bytes: usize,
    newest: Stamp,
}

impl Builder<'_> {
    /// Records and bytes that still fit.
    fn wanted(&self) -> (usize, usize) {
        let limit = self.scan.limit;
        let records = limit.records.max(1).saturating_sub(self.page.records.len());
        (records, limit.bytes.saturating_sub(self.bytes).max(1))
    }

    fn is_full(&self) -> bool {
        let limit = self.scan.limit;
        !self.page.records.is_empty()
            && (self.page.records.len() >= limit.records || self.bytes >= limit.bytes)
    }

    /// Adds records; false once the page is closed before one of them.
    fn take(&mut self, records: Vec<(Bytes, Stamp, Value)>) -> bool {
        for (key, stamp, value) in records {
            let Some(value) = value else {
                self.newest = self.newest.max(stamp);
                continue;
            };
            let size = key.len() + value.len();
            let over = self.bytes + size > self.scan.limit.bytes && !self.page.records.is_empty();
            if self.is_full() || over {
                self.page.next = Some(match self.scan.direction {
                    Direction::Forward => key,
                    Direction::Backward => successor(&key),
                });
                return false;
            }
            self.bytes += size;
            self.newest = self.newest.max(stamp);
            self.page.records.push((key, value));
        }
        self.page.next = None;
        true
    }
}

fn to_engine(direction: Direction) -> engine::Direction {
    match direction {
        Direction::Forward => engine::Direction::Forward,
        Direction::Backward => engine::Direction::Backward,
    }
}

/// The smallest key above a key.
fn successor(key: &[u8]) -> Bytes {
    let mut next = Vec::with_capacity(key.len() + 1);
    next.extend_from_slice(key);
    next.push(0);
    Bytes::from(next)
}

/// A range cut at a key: before it, or (`with` it) behind it, seen in the direction.
fn cut(range: &(Bytes, Bytes), to: Direction, at: Option<Bytes>, with: bool) -> (Bytes, Bytes) {
    let Some(at) = at else { return range.clone() };
    match (to, with) {
        (Direction::Forward, false) => (range.0.clone(), at),
        (Direction::Forward, true) => (range.0.clone(), successor(&at)),
        (Direction::Backward, false) => (successor(&at), range.1.clone()),
        (Direction::Backward, true) => (at, range.1.clone()),
    }
}

fn within(key: &[u8], range: &(Bytes, Bytes)) -> bool {
    key >= range.0.as_ref() && (range.1.is_empty() || key < range.1.as_ref())
}

/// What is left of a range after a part of it.
fn rest_of(
    range: &(Bytes, Bytes),
    covered: &(Bytes, Bytes),
    direction: Direction,
) -> Option<(Bytes, Bytes)> {
    match direction {
        Direction::Forward if covered.1 == range.1 => None,
        Direction::Forward => Some((covered.1.clone(), range.1.clone())),
        Direction::Backward if covered.0 == range.0 => None,
        Direction::Backward => Some((range.0.clone(), covered.0.clone())),
    }
}

/// Sorts in scan order; of two looks at one key the one with a version stays.
fn order(listed: &mut Vec<Listed>, direction: Direction) {
    listed.sort_by(|a, b| {
        let keys = match direction {
            Direction::Forward => a.key.cmp(&b.key),
            Direction::Backward => b.key.cmp(&a.key),
        };
        keys.then(a.version.is_none().cmp(&b.version.is_none()))
    });
    listed.dedup_by(|later, first| later.key == first.key);
}

fn merge(
    listed: Vec<Listed>,
    stored: Vec<(Bytes, Stamp, Bytes)>,
    direction: Direction,
    at: Stamp,
) -> Result<Vec<(Bytes, Stamp, Value)>> {
    let before = |a: &Bytes, b: &Bytes| match direction {
        Direction::Forward => a < b,
        Direction::Backward => a > b,
    };
    let mut merged = Vec::with_capacity(listed.len().max(stored.len()));
    let mut stored = stored.into_iter().peekable();
    let keep = |(key, stamp, value): (Bytes, Stamp, Bytes)| {
        if stamp > at {
            return Err(Error::SnapshotTooOld);
        }
        Ok((key, stamp, Some(value)))
    };
    for Listed { key, version } in listed {
        while let Some(record) = stored.next_if(|record| before(&record.0, &key)) {
            merged.push(keep(record)?);
        }
        let same = stored.next_if(|record| record.0 == key);
        match (version, same) {
            (Some((stamp, value)), _) => merged.push((key, stamp, value)),
            (None, Some(record)) => merged.push(keep(record)?),
            (None, None) => {}
        }
    }
    for record in stored {
        merged.push(keep(record)?);
    }
    Ok(merged)
}
