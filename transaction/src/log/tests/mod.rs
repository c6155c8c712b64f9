//! The promises of the log, one file a subject; the helpers that all use.

mod crashes;
mod damage;
mod reading;
mod sharing;
mod space;
mod steps;

use std::sync::Arc;

use engine::device::{Directory, SimulatedClock, SimulatedDirectory, Xoshiro};

use super::*;
use crate::log::format::{segment_first, segment_name};

pub(super) const STORE: [u8; 16] = *b"a store of tests";

/// A record as the model keeps it.
pub(super) type Kept = (u64, u64, Kind, Vec<u8>);

/// Small segments and buffers, so that a few kilobytes reach every corner; a clock that stands.
pub(super) fn small() -> Options {
    Options {
        segment_bytes: SEGMENT_BYTES_MIN,
        buffer_bytes: 4 << 10,
        clock: Arc::new(SimulatedClock::new(0)),
        ..Options::new(STORE)
    }
}

pub(super) type Opened = (Log, Recovery, Vec<Kept>);

pub(super) fn open_with(
    directory: &SimulatedDirectory,
    options: Options,
) -> Result<Opened, OpenError> {
    open_any(Arc::new(directory.clone()), options)
}

pub(super) fn open_any(
    directory: Arc<dyn Directory>,
    options: Options,
) -> Result<Opened, OpenError> {
    let mut kept = Vec::new();
    let (log, recovery) = Log::open(directory, options, |record| {
        kept.push((record.index, record.stamp, record.kind, record.payload.to_vec()));
        Ok(())
    })?;
    Ok((log, recovery, kept))
}

pub(super) fn open(directory: &SimulatedDirectory) -> Opened {
    open_with(directory, small()).unwrap()
}

/// Bytes that differ from record to record, and look like nothing else.
pub(super) fn payload(seed: u64, length: usize) -> Vec<u8> {
    let mut random = Xoshiro::new(seed);
    (0..length).map(|_| random.next_u64() as u8).collect()
}

/// Appends a record in two parts and answers it as the model keeps it.
pub(super) fn append(log: &Log, length: usize) -> Result<Kept, AppendError> {
    let stamp = (log.last() + 1) * 10;
    let bytes = payload(stamp, length);
    let kind = if stamp.is_multiple_of(3) { Kind::STAGED } else { Kind::COMMIT };
    let (one, two) = bytes.split_at(length / 3);
    let appended = log.append(Head::new(stamp, kind), &[one, two])?;
    Ok((appended.index, stamp, kind, bytes))
}

/// All files, to see that nothing was changed.
pub(super) fn files(directory: &SimulatedDirectory) -> Vec<(String, Vec<u8>)> {
    let names = directory.list().unwrap();
    names.into_iter().map(|name| (name.clone(), directory.contents(&name).unwrap())).collect()
}

pub(super) fn read_all(log: &Log, from: u64, reach: Reach) -> Vec<Kept> {
    log.read_from(from, reach)
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.index, entry.stamp, entry.kind, entry.payload.to_vec()))
        .collect()
}
