//! From files to a state: what is whole, what is a torn tail, what is corruption. Reads only.
//!
//! Where reading stops at index *b* (a bad record, or zeros), one question decides: does anything
//! prove that *b* had been durable? Proofs are a later segment (it is named only after all before
//! it was synced) and a valid record or mark behind the stop whose `durable` is at least *b*. With
//! a proof it is corruption: refuse, change nothing. Without one, *b* was never acknowledged, or
//! was acknowledged by the very last flush before a power cut whose claim had not reached the disk
//! (see the module's essay): the tail is cut.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use engine::device::{Directory, File};

use super::Record;
use super::error::{Corruption, OpenError};
use super::format::{SEGMENT_HEADER, SegmentHeader, VERSION, salt, segment_first, segment_name};
use super::scan::{Behind, Cursor, Step};

/// A segment file that was found, with its header.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) header: SegmentHeader,
    pub(super) file: Arc<dyn File>,
    /// Length of the file.
    pub(super) length: u64,
}

/// What reading a segment to its end brought.
#[derive(Debug, Clone)]
pub(super) struct End {
    /// Offset behind the last whole record.
    pub(super) offset: u64,
    /// Index of the record that would come next.
    pub(super) next: u64,
    /// Checksum of the last record.
    pub(super) chain: u64,
    /// Highest stamp up to here.
    pub(super) stamp: u64,
    /// Highest index that anything here claims to be durable.
    pub(super) claimed: u64,
    /// Offset of the first byte that nothing here claims to be durable. A mark claims records, not
    /// itself.
    pub(super) unclaimed: u64,
    /// Records without marks.
    pub(super) records: u64,
    /// Why reading stopped, unless at zeros.
    pub(super) bad: Option<&'static str>,
    /// Pairs of index and offset, one about every `STRIDE` bytes.
    pub(super) places: Vec<(u64, u64)>,
}

/// Distance in bytes between the places that a segment remembers.
pub(super) const STRIDE: u64 = 256 << 10;

/// No log comes near it; so sums of an index and a size never overflow.
const INDEX_MAX: u64 = 1 << 62;

type Deliver<'a> = &'a mut dyn FnMut(Record<'_>) -> Result<(), String>;

/// The names of the segments here, in order.
pub(super) fn list(directory: &dyn Directory) -> io::Result<Vec<u64>> {
    let mut firsts: Vec<u64> =
        directory.list()?.iter().filter_map(|name| segment_first(name)).collect();
    firsts.sort_unstable();
    Ok(firsts)
}

/// Opens the segment `first` and holds its header to `store`, if given.
pub(super) fn load(
    directory: &dyn Directory,
    first: u64,
    store: Option<&[u8; 16]>,
) -> Result<Found, OpenError> {
    let name = segment_name(first);
    let failed = |source| OpenError::Io { operation: format!("reading {name}"), source };
    let file = directory.open(&name).map_err(failed)?;
    let length = file.len().map_err(failed)?;
    let mut bytes = vec![0; SEGMENT_HEADER as usize];
    let count = file.read_full_at(0, &mut bytes).map_err(failed)?;
    bytes.truncate(count);
    let corrupt = |what: &str| corrupt(first, 0, first, what);
    let header = SegmentHeader::decode(&bytes).map_err(corrupt)?;
    if header.oldest_reader > VERSION {
        let oldest_reader = header.oldest_reader;
        return Err(OpenError::Newer { segment: name, oldest_reader, known: VERSION });
    }
    if let Some(wanted) = store.filter(|wanted| **wanted != header.store) {
        return Err(OpenError::OtherStore { segment: name, found: header.store, wanted: *wanted });
    }
    if header.key != 0 {
        return Err(OpenError::Encrypted { segment: name, key: header.key });
    }
    if header.first != first || !(1..=INDEX_MAX).contains(&first) {
        return Err(corrupt("file name that is not the segment's"));
    }
    Ok(Found { header, file, length })
}

/// Reads all records of a segment; delivers those from index `from` on.
pub(super) fn scan(found: &Found, from: u64, deliver: Deliver<'_>) -> Result<End, OpenError> {
    let header = &found.header;
    let mut cursor = cursor(found, SEGMENT_HEADER, header.first, header.predecessor);
    let mut end = End {
        offset: SEGMENT_HEADER,
        next: header.first,
        chain: header.predecessor,
        stamp: header.stamp,
        claimed: header.first - 1,
        unclaimed: 0,
        records: 0,
        bad: None,
        places: Vec::new(),
    };
    // Records that nothing claims durable yet: index, and the offset behind each.
    let mut open: VecDeque<(u64, u64)> = VecDeque::new();
    loop {
        let step = cursor.step().map_err(|source| {
            let operation = format!("reading {} at {}", segment_name(header.first), end.offset);
            OpenError::Io { operation, source }
        })?;
        let record = match step {
            Step::Record(record) => record,
            Step::End => return Ok(end),
            Step::Bad(what) => return Ok(End { bad: Some(what), ..end }),
        };
        if !record.is_mark() {
            end.records += 1;
            end.stamp = end.stamp.max(record.stamp);
            note_place(&mut end.places, record.index, end.offset);
            open.push_back((record.index, cursor.offset));
            if record.index >= from {
                deliver(Record::new(&record, cursor.payload()))
                    .map_err(|why| OpenError::Refused { index: record.index, why })?;
            }
        }
        end.claimed = end.claimed.max(record.durable);
        // A header is synced before its first record is written: a record speaks for the header.
        end.unclaimed = end.unclaimed.max(SEGMENT_HEADER);
        while let Some((_, behind)) = open.pop_front_if(|(index, _)| *index <= end.claimed) {
            end.unclaimed = behind;
        }
        (end.offset, end.next, end.chain) = (cursor.offset, cursor.next, cursor.chain);
    }
}

/// Remembers where a record starts, if the last place is far enough behind.
pub(super) fn note_place(places: &mut Vec<(u64, u64)>, index: u64, offset: u64) {
    let last = places.last().map_or(SEGMENT_HEADER, |(_, offset)| *offset);
    if offset >= last + STRIDE {
        places.push((index, offset));
    }
}

fn cursor(found: &Found, offset: u64, next: u64, chain: u64) -> Cursor<'_> {
    let salt = salt(&found.header.store);
    let mut cursor = Cursor::new(&*found.file, found.length, salt, next, chain);
    cursor.offset = offset;
    cursor
}

pub(super) fn corrupt(segment: u64, offset: u64, index: u64, what: &str) -> OpenError {
    let (segment, what) = (segment_name(segment), what.to_owned());
    OpenError::Corrupt(Corruption { segment, offset, index, what })
}

/// Holds the end of one segment to the header of the one after it.
pub(super) fn join(found: &Found, end: &End, after: &SegmentHeader) -> Result<(), OpenError> {
    let first = found.header.first;
    let broken = |what: &str| Err(corrupt(first, end.offset, end.next, what));
    let position = found.header.position.saturating_add(end.offset - SEGMENT_HEADER);
    if end.next == after.first && end.chain == after.predecessor && position == after.position {
        // Whatever lies behind the last record of a sealed segment, nothing was ever written there.
        return Ok(());
    }
    if let Some(what) = end.bad {
        return broken(what);
    }
    // Zeros: either this segment's end was wiped, or a whole segment is missing after it.
    let room = found.length.saturating_sub(end.offset);
    if end.next < after.first && after.position > position.saturating_add(room) {
        return Err(OpenError::MissingSegment { from: end.next, to: after.first - 1 });
    }
    broken("records missing before the next segment")
}

/// Decides what the end of the newest segment is. Answers how many bytes behind it are to be cut.
pub(super) fn tail(found: &Found, end: &End) -> Result<u64, OpenError> {
    let first = found.header.first;
    let mut cursor = cursor(found, end.offset, end.next, end.chain);
    let Behind { claim, used } = cursor.behind().map_err(OpenError::io("reading the tail"))?;
    match claim {
        None => Ok(used.saturating_sub(end.offset)),
        Some(claim) => {
            let what = end.bad.unwrap_or("zeros instead of a record");
            let what = format!(
                "{what}; the record at offset {} says that {} was durable",
                claim.offset, claim.durable
            );
            Err(corrupt(first, end.offset, end.next, &what))
        }
    }
}

/// What a log on disk comes to.
#[derive(Debug)]
pub(super) struct Recovered {
    /// All segments, oldest first; at least one.
    pub(super) segments: Vec<(Found, Vec<(u64, u64)>)>,
    pub(super) end: End,
    /// Bytes behind the end that must go.
    pub(super) cut: u64,
    pub(super) records: u64,
}

/// Reads the log from index `from` on and delivers its records; `None` if there is no log.
pub(super) fn recover(
    directory: &dyn Directory,
    store: &[u8; 16],
    from: u64,
    deliver: Deliver<'_>,
) -> Result<Option<Recovered>, OpenError> {
    let firsts = list(directory).map_err(OpenError::io("listing the log"))?;
    let mut segments = Vec::with_capacity(firsts.len());
    for first in firsts {
        segments.push((load(directory, first, Some(store))?, Vec::new()));
    }
    let from = from.max(1);
    let Some(oldest) = segments.first().map(|(found, _)| found.header.first) else {
        return Ok(None);
    };
    if oldest > from {
        return Err(OpenError::Gone { wanted: from, oldest });
    }
    let start = segments.partition_point(|(found, _)| found.header.first <= from) - 1;
    let (mut last, mut records): (Option<(Found, End)>, u64) = (None, 0);
    for (found, places) in segments.iter_mut().skip(start) {
        if let Some((before, end)) = &last {
            join(before, end, &found.header)?;
        }
        let mut end = scan(found, from, deliver)?;
        records += end.records;
        *places = std::mem::take(&mut end.places);
        last = Some((found.clone(), end));
    }
    let Some((newest, end)) = last else { return Ok(None) };
    let cut = tail(&newest, &end)?;
    if end.next < from {
        return Err(OpenError::Short { wanted: from, last: end.next - 1 });
    }
    Ok(Some(Recovered { segments, end, cut, records }))
}

/// What `verify` found of one segment.
#[derive(Debug)]
pub struct SegmentReport {
    /// File name.
    pub name: String,
    /// Index that the file's name speaks of.
    pub first: u64,
    /// Last whole record; `first - 1` if there is none.
    pub last: u64,
    /// Whole records.
    pub records: u64,
    /// Length of the file in bytes.
    pub bytes: u64,
    /// Its condition.
    pub state: SegmentState,
}

/// The condition of a segment.
#[derive(Debug)]
pub enum SegmentState {
    /// Every record is whole and continues the segment before.
    Whole,
    /// The newest segment ends in bytes that were never durable; opening cuts them.
    Torn {
        /// Where they begin.
        offset: u64,
        /// How many they are.
        bytes: u64,
    },
    /// Opening would refuse, with this reason.
    Refused(OpenError),
}

/// Reads every segment of a log and reports its condition; changes nothing, expects nothing.
///
/// # Errors
/// The device's, when the directory cannot be listed.
pub fn verify(directory: &dyn Directory) -> io::Result<Vec<SegmentReport>> {
    let firsts = list(directory)?;
    let (mut reports, mut before): (Vec<SegmentReport>, Option<(Found, End)>) = (Vec::new(), None);
    let mut store = None;
    let newest = firsts.last().copied();
    for first in firsts {
        let mut report = SegmentReport {
            name: segment_name(first),
            first,
            last: first.saturating_sub(1),
            records: 0,
            bytes: 0,
            state: SegmentState::Whole,
        };
        match load(directory, first, store.as_ref()) {
            Ok(found) => {
                store = store.or(Some(found.header.store));
                report.bytes = found.length;
                if let Some((before, end)) = &before
                    && let Err(error) = join(before, end, &found.header)
                    && let Some(report) = reports.last_mut()
                {
                    report.state = SegmentState::Refused(error);
                }
                before = check(&mut report, found, newest == Some(first));
            }
            Err(error) => {
                report.state = SegmentState::Refused(error);
                before = None;
            }
        }
        reports.push(report);
    }
    Ok(reports)
}

/// Fills in what one segment comes to; answers its end, to hold the next one to.
fn check(report: &mut SegmentReport, found: Found, newest: bool) -> Option<(Found, End)> {
    let end = match scan(&found, u64::MAX, &mut |_| Ok(())) {
        Ok(end) => end,
        Err(error) => {
            report.state = SegmentState::Refused(error);
            return None;
        }
    };
    (report.last, report.records) = (end.next - 1, end.records);
    let cut = if newest { tail(&found, &end) } else { Ok(0) };
    report.state = match cut {
        Ok(0) => SegmentState::Whole,
        Ok(bytes) => SegmentState::Torn { offset: end.offset, bytes },
        Err(error) => SegmentState::Refused(error),
    };
    Some((found, end))
}

/// Writes the bytes from `from` to `to` once more where they stand.
pub(super) fn rewrite(file: &dyn File, mut from: u64, to: u64) -> io::Result<()> {
    let mut bytes = Vec::new();
    while from < to {
        bytes.resize((to - from).min(1 << 20) as usize, 0);
        file.read_exact_at(from, &mut bytes)?;
        file.write_at(from, &bytes)?;
        from += bytes.len() as u64;
    }
    Ok(())
}
