//! Verifying a store before any engine opens it.
//!
//! ```text
//!   LOCK            held by a process? then nothing can be said
//!   FORMAT          magic, version, checksum                         ┐
//!   CLOCK           at least one whole slot, where a log has records │ one line each, in this
//!   …….log          every record, its checksum and its predecessor   │ order
//!   engine/…        manifest and tables, every byte                  ┘
//! ```
//!
//! An engine that opens a damaged store may change it (finish a compaction, delete what it takes
//! for left over), and then nobody can say any more what was there. So this opens nothing: it reads
//! bytes.
//!
//! **Invariants**
//! - Nothing is changed, created or removed, the lock file included.
//! - Whatever opening would refuse is *damaged* here; what opening mends by itself (a torn tail,
//!   files left over by a crash) is *harmless* and said.
//!
//! The two small files are read by code of this module's own and not by the code that wrote them: a
//! mistake in that code would find its own bytes right.
//!
//! Rejected: reading rows and comparing them with their indexes here: that needs the catalogue, so
//! an open store.

use std::fs::TryLockError;
use std::io::ErrorKind as IoKind;
use std::path::Path;

use engine::device::RealDirectory;
use engine::file::State;
use transaction::log::{SegmentReport, SegmentState};

use crate::address::Address;
use crate::{Error, ErrorKind, Result};

/// How a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Every byte is what was written.
    Good,
    /// Something is to be said of it; opening puts it right.
    Harmless,
    /// It is not what was written, or it is missing: opening would refuse.
    Damaged,
}

/// One file of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileReport {
    /// Its name within the store.
    pub name: String,
    /// How it is.
    pub condition: Condition,
    /// What it holds, or what is wrong with it; may be empty.
    pub about: String,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Every file that belongs to the store, or lies where it should.
    pub files: Vec<FileReport>,
}

impl Report {
    /// Whether opening would refuse, or some data could not be read.
    pub fn is_damaged(&self) -> bool {
        self.files.iter().any(|file| file.condition == Condition::Damaged)
    }

    fn add(&mut self, name: impl Into<String>, condition: Condition, about: impl Into<String>) {
        self.files.push(FileReport { name: name.into(), condition, about: about.into() });
    }
}

/// Verifies the store at an address and changes nothing. Reads all of it.
///
/// # Errors
/// `0A000` for a store without files, `58P01` where there is none, `55006` where a process has it
/// open, `58030` where the device fails. Damage is no error but in the report.
pub fn check(address: &str) -> Result<Report> {
    let Address::File(path) = address.parse()? else {
        return Err(Error::unsupported("checking a store that has no files"));
    };
    let directory = RealDirectory::read_only(&path).map_err(|error| match error.kind() {
        IoKind::NotFound => failed("58P01", format!("{}: there is no such folder", path.display())),
        _ => device(&path, &error),
    })?;
    refuse_if_open(&path)?;
    let mut report = Report { files: Vec::new() };
    let segments = transaction::log::verify(&directory).map_err(|error| device(&path, &error))?;
    let engine = path.join("engine");
    let tables = match engine.is_dir() {
        true => {
            engine::file::verify(&engine).map_err(|error| failed("58030", error.to_string()))?
        }
        false => Vec::new(),
    };
    if !path.join("FORMAT").exists() && segments.is_empty() && tables.is_empty() {
        return Err(failed(
            "58P01",
            format!("{}: there is no store in this folder", path.display()),
        ));
    }
    let store = check_format(&path, &mut report);
    let records: u64 = segments.iter().map(|segment| segment.records).sum();
    check_clock(&path, records > 0, &mut report);
    check_whole(&segments, !tables.is_empty(), &mut report);
    for segment in &segments {
        check_segment(&path, segment, store, &mut report);
    }
    for table in &tables {
        let name = table.path.strip_prefix(&path).unwrap_or(&table.path).display().to_string();
        match &table.state {
            State::Good => report.add(name, Condition::Good, ""),
            State::Orphan => {
                report.add(name, Condition::Harmless, "left over; the next opening removes it")
            }
            State::Bad(error) => report.add(name, Condition::Damaged, error.to_string()),
            other => report.add(name, Condition::Damaged, format!("{other:?}")),
        }
    }
    Ok(report)
}

fn failed(sqlstate: &'static str, message: String) -> Error {
    Error::new(ErrorKind::Internal, sqlstate, message)
}

fn device(path: &Path, error: &std::io::Error) -> Error {
    failed("58030", format!("{}: {error}", path.display()))
}

/// Bytes change under the eyes of whoever reads an open store.
fn refuse_if_open(path: &Path) -> Result<()> {
    let lock = match std::fs::File::open(path.join("LOCK")) {
        Ok(lock) => lock,
        Err(error) if error.kind() == IoKind::NotFound => return Ok(()),
        Err(error) => return Err(device(path, &error)),
    };
    match lock.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            let message =
                format!("{}: a process has this store open; stop it first", path.display());
            Err(failed("55006", message))
        }
        Err(TryLockError::Error(error)) => Err(device(path, &error)),
    }
}

/// CRC-64/NVME, a bit at a time: the files that are read here have a few hundred bytes.
fn crc64(bytes: &[u8]) -> u64 {
    !bytes.iter().fold(!0, |crc: u64, byte| {
        (0..8)
            .fold(crc ^ u64::from(*byte), |crc, _| (crc >> 1) ^ ((crc & 1) * 0x9a6c_9329_ac4b_c9b5))
    })
}

/// A record of 64 bytes that ends in its checksum.
fn is_sealed(record: &[u8]) -> bool {
    match record.split_at_checked(56) {
        Some((body, sum)) => sum == crc64(body).to_be_bytes(),
        None => false,
    }
}

/// The store's id, where FORMAT is whole.
fn check_format(path: &Path, report: &mut Report) -> Option<[u8; 16]> {
    let record = match std::fs::read(path.join("FORMAT")) {
        Ok(record) => record,
        Err(error) => {
            report.add("FORMAT", Condition::Damaged, error.to_string());
            return None;
        }
    };
    let store = record.get(16..32).and_then(|store| store.try_into().ok());
    let oldest =
        record.get(10..12).and_then(|bytes| bytes.try_into().ok()).map_or(0, u16::from_be_bytes);
    if record.len() != 64 || !record.starts_with(b"QANATFMT") || !is_sealed(&record) {
        report.add("FORMAT", Condition::Damaged, "it is not what was written");
        return None;
    }
    if oldest > 1 || record.get(12..16) != Some(&[0; 4]) {
        report.add(
            "FORMAT",
            Condition::Damaged,
            "unsupported: a later version or an encrypted store",
        );
        return None;
    }
    report.add("FORMAT", Condition::Good, "");
    store
}

fn check_clock(path: &Path, has_records: bool, report: &mut Report) {
    let record = std::fs::read(path.join("CLOCK")).unwrap_or_default();
    let slot = |at: usize| {
        let slot = record.get(at..at + 64).unwrap_or_default();
        is_sealed(slot) && slot.get(..8) != Some(&[0; 8])
    };
    match (slot(0), slot(512)) {
        (true, true) => report.add("CLOCK", Condition::Good, ""),
        (false, false) if has_records => {
            report.add("CLOCK", Condition::Damaged, "neither slot is what was written");
        }
        (false, false) if record.is_empty() => {}
        // Written in turn: the first write leaves one, and a crash tears one.
        _ => report.add("CLOCK", Condition::Harmless, "one slot of two is whole, which is enough"),
    }
}

/// The log holds everything that the engine does not, or the store is not opened. How far the
/// engine has come is known to itself alone; here only whether it has begun.
fn check_whole(segments: &[SegmentReport], engine_began: bool, report: &mut Report) {
    match segments.first() {
        None if engine_began => {
            let about = "there is no segment, and the engine holds what one wrote";
            report.add("log", Condition::Damaged, about);
        }
        Some(segment) if segment.first > 1 && !engine_began => {
            let about = format!("it is missing or empty, and the log begins at {}", segment.first);
            report.add("engine", Condition::Damaged, about);
        }
        _ => {}
    }
}

fn check_segment(
    path: &Path,
    segment: &SegmentReport,
    store: Option<[u8; 16]>,
    report: &mut Report,
) {
    let about = match segment.records {
        0 => "no records".to_owned(),
        count => format!("{count} records from {} to {}", segment.first, segment.last),
    };
    let name = segment.name.as_str();
    match &segment.state {
        SegmentState::Whole if is_of_another(&path.join(name), store) => {
            report.add(name, Condition::Damaged, "it belongs to another store");
        }
        SegmentState::Whole => report.add(name, Condition::Good, about),
        SegmentState::Torn { offset, bytes } => {
            let about = format!(
                "{about}; {bytes} bytes at {offset} were never acknowledged, the next opening \
                 cuts them"
            );
            report.add(name, Condition::Harmless, about);
        }
        SegmentState::Refused(error) => report.add(name, Condition::Damaged, error.to_string()),
    }
}

/// Whether a segment's header names another store than FORMAT does.
fn is_of_another(segment: &Path, store: Option<[u8; 16]>) -> bool {
    use std::os::unix::fs::FileExt;
    let mut found = [0; 16];
    let read = std::fs::File::open(segment).and_then(|file| file.read_exact_at(&mut found, 16));
    store.is_some_and(|store| read.is_ok() && found != store)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_crc_64_nvme() {
        assert_eq!(crc64(b"123456789"), 0xae8b_1486_0a79_9888);
    }

    #[test]
    fn what_cannot_be_checked_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let code = |address: &str| check(address).unwrap_err().sqlstate;
        assert_eq!(code("memory:"), "0A000");
        assert_eq!(code("file:/no/such/folder"), "58P01");
        assert_eq!(code(folder.path().to_str().unwrap()), "58P01");
    }

    #[tokio::test]
    async fn a_store_is_whole_when_closed_and_damage_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let address = format!("file:{}", folder.path().display());
        let qanat = crate::Qanat::open(&address).await.unwrap();
        assert_eq!(check(&address).unwrap_err().sqlstate, "55006");
        qanat.close().await.unwrap();
        drop(qanat);
        let report = check(&address).unwrap();
        assert!(!report.is_damaged(), "{report:?}");
        for name in ["FORMAT", "CLOCK"] {
            let path = folder.path().join(name);
            let Ok(whole) = std::fs::read(&path) else { continue };
            let mut damaged = whole.clone();
            damaged.iter_mut().for_each(|byte| *byte ^= 0x10);
            std::fs::write(&path, damaged).unwrap();
            assert!(check(&address).unwrap().is_damaged(), "{name}");
            std::fs::write(&path, whole).unwrap();
        }
        assert!(!check(&address).unwrap().is_damaged());
    }
}
