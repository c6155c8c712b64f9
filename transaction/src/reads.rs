//! The read set while it grows: bounded, whatever is read.
//!
//! A serializable transaction that reads a million rows must not hold a million keys, and one that
//! reads one row a million times must not hold it a million times. So points are sorted and made
//! distinct each time their number has doubled; past `POINTS_MAX`, runs of neighbouring points
//! become ranges, and past `RANGES_MAX`, neighbouring ranges become one. A wider range can only
//! find conflicts that are none: it never misses one.
//!
//! Pages of one scan follow one another, so a range is first held against the last one and grows it
//! if they touch.
//!
//! Invariant: every point and range that was noted lies inside one that is kept, with a `since` at
//! most its own.

use bytes::Bytes;

use crate::{PointRead, RangeRead, ReadSet, Stamp};

/// Points kept apart.
const POINTS_MAX: usize = 1 << 16;
/// Points that become one range past that.
const RUN: usize = 64;
/// Ranges without a test kept apart.
const RANGES_MAX: usize = 1 << 12;
const COMPACT_AT: usize = 1 << 10;

/// A growing read set.
#[derive(Default)]
pub(crate) struct Reads {
    points: Vec<PointRead>,
    ranges: Vec<RangeRead>,
    points_at: usize,
}

impl Reads {
    /// Whether nothing was read yet.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty() && self.ranges.is_empty()
    }

    /// Notes a key.
    pub fn point(&mut self, read: PointRead) {
        self.points.push(read);
        if self.points.len() >= self.points_at.max(COMPACT_AT) {
            self.compact_points();
            self.points_at = self.points.len() * 2;
        }
    }

    /// Notes a range.
    pub fn range(&mut self, read: RangeRead) {
        if read.test.is_none()
            && let Some(last) = self.ranges.last_mut()
            && last.test.is_none()
            && last.since == read.since
            && touch(last, &read)
        {
            widen(last, &read);
            return;
        }
        self.ranges.push(read);
        if self.ranges.len() >= RANGES_MAX * 2 {
            self.compact_ranges();
        }
    }

    /// The read set.
    pub fn into_read_set(mut self) -> ReadSet {
        self.compact_points();
        ReadSet { points: self.points, ranges: self.ranges }
    }

    fn compact_points(&mut self) {
        self.points.sort_unstable_by(|a, b| a.key.cmp(&b.key).then(a.since.cmp(&b.since)));
        self.points.dedup_by(|later, first| later.key == first.key);
        if self.points.len() > POINTS_MAX {
            let points = std::mem::take(&mut self.points);
            for run in points.chunks(RUN) {
                self.ranges.extend(span(run));
            }
            self.compact_ranges();
        }
    }

    fn compact_ranges(&mut self) {
        let ranges = std::mem::take(&mut self.ranges);
        let (mut tested, mut plain): (Vec<_>, Vec<_>) =
            ranges.into_iter().partition(|range| range.test.is_some());
        plain.sort_unstable_by(|a, b| a.start.cmp(&b.start));
        while plain.len() > RANGES_MAX {
            let halves = plain.chunks(2).filter_map(|pair| {
                let (first, rest) = pair.split_first()?;
                let mut whole = first.clone();
                rest.iter().for_each(|range| widen(&mut whole, range));
                Some(whole)
            });
            plain = halves.collect();
        }
        tested.append(&mut plain);
        self.ranges = tested;
    }
}

/// The range from the first point of a run to its last.
fn span(run: &[PointRead]) -> Option<RangeRead> {
    let (first, last) = (run.first()?, run.last()?);
    let since = run.iter().map(|point| point.since).min().unwrap_or(Stamp::ZERO);
    let mut end = Vec::with_capacity(last.key.len() + 1);
    end.extend_from_slice(&last.key);
    end.push(0);
    Some(RangeRead { start: first.key.clone(), end: Bytes::from(end), since, test: None })
}

fn touch(a: &RangeRead, b: &RangeRead) -> bool {
    let reaches = |end: &Bytes, start: &Bytes| end.is_empty() || start <= end;
    reaches(&a.end, &b.start) && reaches(&b.end, &a.start)
}

/// Makes `whole` cover both.
fn widen(whole: &mut RangeRead, other: &RangeRead) {
    whole.since = whole.since.min(other.since);
    if other.start < whole.start {
        whole.start = other.start.clone();
    }
    if other.end.is_empty() || (!whole.end.is_empty() && other.end > whole.end) {
        whole.end = other.end.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(n: usize) -> PointRead {
        PointRead { key: Bytes::from(format!("{n:08}")), since: Stamp(7) }
    }

    fn range(start: &str, end: &str) -> RangeRead {
        let (start, end) = (Bytes::from(start.to_owned()), Bytes::from(end.to_owned()));
        RangeRead { start, end, since: Stamp(7), test: None }
    }

    #[test]
    fn the_same_key_counts_once_and_pages_of_a_scan_grow_together() {
        let mut reads = Reads::default();
        for n in 0..100_000 {
            reads.point(point(n % 3));
        }
        for (start, end) in [("a", "b"), ("b", "c"), ("x", "z"), ("m", "x"), ("z", "")] {
            reads.range(range(start, end));
        }
        let set = reads.into_read_set();
        assert_eq!(set.points.len(), 3);
        let ranges: Vec<_> = set.ranges.iter().map(|r| (r.start.clone(), r.end.clone())).collect();
        assert_eq!(ranges, [("a".into(), "c".into()), ("m".into(), Bytes::new())]);
    }

    #[test]
    fn many_points_become_few_ranges_that_cover_them() {
        let mut reads = Reads::default();
        for n in 0..300_000 {
            reads.point(point(n * 7 % 300_000));
        }
        let set = reads.into_read_set();
        assert!(set.points.len() <= POINTS_MAX && set.ranges.len() <= RANGES_MAX * 2);
        for n in (0..300_000).step_by(997) {
            let key = point(n).key;
            let found = set.points.iter().any(|point| point.key == key)
                || set.ranges.iter().any(|range| range.start <= key && key < range.end);
            assert!(found, "{n}");
        }
    }
}
