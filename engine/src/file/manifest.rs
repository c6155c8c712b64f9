//! The tree's manifest, read and verified without the tree.
//!
//! Opening the tree trusts its manifest: of 494 manifest bytes flipped, 16 gave silently wrong data
//! and 2 a panic. But `current` holds the manifest's checksum, so it is verified here first, and
//! nothing is opened or deleted before it holds.
//!
//! ```text
//!   current    u64 id │ u128 xxh3 of the file v<id> │ u8 0 = xxh3        little-endian, 25 bytes
//!   v<id>      sections … │ "TOC!" u32 n, n × (u64 at, u64 len, u16 len, name) │ trailer, 38 bytes:
//!              "SFA!" u8 1 │ u8 0 │ u128 xxh3 of the TOC │ u64 TOC at │ u64 TOC len
//!     "tables" u8 levels × ( u8 runs × ( u32 tables × ( entry )))
//!     entry    u64 id │ u8 0 │ u128 xxh3 of the file │ u64 seqno
//! ```
//!
//! Every bit of both files is covered: a flipped id points to a file that is missing or has another
//! checksum, a flipped checksum to a file that does not match. What `current` cannot show is its
//! own loss, so a folder with tables and without `current` is damage, not a new store.
//!
//! Rejected: opening a copy with linked tables to learn the list (a check must not write).

use crate::Error;
use std::{
    fs,
    io::{self, Read},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};
use xxhash_rust::xxh3::{Xxh3Default, xxh3_128};

pub(super) const CURRENT: &str = "current";
pub(super) const TABLES: &str = "tables";

const TRAILER_LEN: usize = 38;

/// A table has about ten sections, and each takes some 30 bytes.
const TOC_LEN_MAX: u64 = 64 << 10;

/// A table that the manifest names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TableEntry {
    pub(super) id: u64,
    pub(super) checksum: u128,
}

/// A verified manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) path: PathBuf,
    pub(super) tables: Vec<TableEntry>,
}

/// Reads and verifies the manifest; `None` where no tree was made here yet.
pub(super) fn read(folder: &Path) -> Result<Option<Manifest>, Error> {
    let current = folder.join(CURRENT);
    let bytes = match fs::read(&current) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return missing(folder, &current),
        Err(e) => return Err(Error::io("read", current, e)),
    };
    let (id, checksum) = parse_current(&bytes)
        .ok_or_else(|| Error::corrupt(place(&current), "not a pointer to a manifest"))?;
    let path = folder.join(format!("v{id}"));
    let bytes = fs::read(&path).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => {
            Error::corrupt(place(&current), format!("names v{id}, which is missing"))
        }
        _ => Error::io("read", &path, e),
    })?;
    if xxh3_128(&bytes) != checksum {
        return Err(Error::corrupt(place(&path), "checksum is not the one in current"));
    }
    // The checksum holds, so what cannot be parsed was written by something else.
    let tables = parse_manifest(&bytes)
        .ok_or_else(|| Error::Unsupported(format!("manifest format of {}", path.display())))?;
    Ok(Some(Manifest { path, tables }))
}

/// A damaged file, as errors name it. Checksums cover files and blocks, so no offset is known.
pub(super) fn place(path: &Path) -> String {
    path.display().to_string()
}

/// Nothing is there, or a file in the place of its folder.
fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// The version that `current` points to, whether or not it can be read whole.
pub(super) fn current_id(folder: &Path) -> Option<u64> {
    parse_current(&fs::read(folder.join(CURRENT)).ok()?).map(|(id, _)| id)
}

fn missing(folder: &Path, current: &Path) -> Result<Option<Manifest>, Error> {
    match fs::read_dir(folder.join(TABLES)) {
        Ok(mut names) => match names.next() {
            Some(_) => Err(Error::corrupt(place(current), "missing, but there are tables")),
            None => Ok(None),
        },
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::io("list", folder.join(TABLES), e)),
    }
}

fn parse_current(bytes: &[u8]) -> Option<(u64, u128)> {
    let mut reader = Reader(bytes);
    let found = (reader.u64()?, reader.u128()?);
    (reader.u8()? == 0 && reader.0.is_empty()).then_some(found)
}

/// Where a file says its table of contents is, from its last bytes.
struct Trailer {
    toc_checksum: u128,
    toc_at: u64,
    toc_len: u64,
}

fn parse_trailer(bytes: &[u8]) -> Option<Trailer> {
    let mut trailer = Reader(bytes);
    (trailer.take(4)? == b"SFA!" && trailer.u8()? == 1 && trailer.u8()? == 0).then_some(())?;
    let toc_checksum = trailer.u128()?;
    Some(Trailer { toc_checksum, toc_at: trailer.u64()?, toc_len: trailer.u64()? })
}

/// Verifies the table of contents of every table: a few hundred bytes each. The tree allocates what
/// its length field says before it compares the checksum, and a flipped bit there is an abort.
pub(super) fn verify_contents(folder: &Path, manifest: &Manifest) -> Result<(), Error> {
    for table in &manifest.tables {
        let path = folder.join(TABLES).join(table.id.to_string());
        match toc_is_good(&path) {
            Ok(true) => {}
            Ok(false) => return Err(Error::corrupt(place(&path), "table of contents")),
            Err(e) if is_missing(&e) => {
                return Err(Error::corrupt(place(&path), "missing"));
            }
            Err(e) => return Err(Error::io("read", path, e)),
        }
    }
    Ok(())
}

fn toc_is_good(path: &Path) -> io::Result<bool> {
    let file = fs::File::open(path)?;
    let len = file.metadata()?.len();
    let mut trailer = [0; TRAILER_LEN];
    let Some(toc_end) = len.checked_sub(TRAILER_LEN as u64) else { return Ok(false) };
    file.read_exact_at(&mut trailer, toc_end)?;
    let Some(trailer) = parse_trailer(&trailer) else { return Ok(false) };
    let toc_len = toc_end.checked_sub(trailer.toc_at);
    if trailer.toc_len > TOC_LEN_MAX || toc_len != Some(trailer.toc_len) {
        return Ok(false);
    }
    let mut toc = vec![0; trailer.toc_len as usize];
    file.read_exact_at(&mut toc, trailer.toc_at)?;
    Ok(xxh3_128(&toc) == trailer.toc_checksum)
}

fn parse_manifest(bytes: &[u8]) -> Option<Vec<TableEntry>> {
    let trailer = parse_trailer(bytes.get(bytes.len().checked_sub(TRAILER_LEN)?..)?)?;
    let mut toc = Reader(bytes.get(usize::try_from(trailer.toc_at).ok()?..)?);
    (toc.take(4)? == b"TOC!").then_some(())?;
    for _ in 0..toc.u32()? {
        let (at, len) = (usize::try_from(toc.u64()?).ok()?, usize::try_from(toc.u64()?).ok()?);
        let name_len = toc.u16()?;
        if toc.take(usize::from(name_len))? == b"tables" {
            return parse_tables(Reader(bytes.get(at..at.checked_add(len)?)?));
        }
    }
    None
}

fn parse_tables(mut section: Reader<'_>) -> Option<Vec<TableEntry>> {
    let mut tables = Vec::new();
    for _level in 0..section.u8()? {
        for _run in 0..section.u8()? {
            for _table in 0..section.u32()? {
                let id = section.u64()?;
                (section.u8()? == 0).then_some(())?;
                let checksum = section.u128()?;
                let _seqno = section.u64()?;
                tables.push(TableEntry { id, checksum });
            }
        }
    }
    section.0.is_empty().then_some(tables)
}

/// Takes little-endian numbers off a slice.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn u128(&mut self) -> Option<u128> {
        self.array().map(u128::from_le_bytes)
    }
}

/// What was found out about one file.
#[derive(Clone, Debug)]
pub struct FileState {
    /// The file.
    pub path: PathBuf,
    /// What it is and how it is.
    pub state: State,
}

/// The state of a file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum State {
    /// Every byte is what was written.
    Good,
    /// Named by no manifest: left over by a crash, removed by the next opening. Harmless.
    Orphan,
    /// Damaged, missing or unreadable.
    Bad(Error),
}

/// Verifies every byte of the files under `folder` and changes nothing. The engine may not be open
/// there, or files will come and go under the check.
///
/// # Errors
/// [`Error::Io`] where the folder cannot be listed; damage is not an error but a [`State::Bad`].
pub fn verify(folder: &Path) -> Result<Vec<FileState>, Error> {
    let mut found = Vec::new();
    let manifest = match read(folder) {
        Ok(Some(manifest)) => manifest,
        Ok(None) => return Ok(found),
        Err(error) => {
            found.push(FileState { path: folder.join(CURRENT), state: State::Bad(error) });
            return Ok(found);
        }
    };
    for path in [folder.join(CURRENT), manifest.path.clone()] {
        found.push(FileState { path, state: State::Good });
    }
    let tables = folder.join(TABLES);
    for table in &manifest.tables {
        let path = tables.join(table.id.to_string());
        let state = verify_table(&path, table.checksum).map_or_else(State::Bad, |()| State::Good);
        found.push(FileState { path, state });
    }
    for folder in [folder, &tables] {
        let listed = match files(folder) {
            Err(e) if is_missing(&e) => {
                let state = State::Bad(Error::corrupt(place(folder), "the folder is missing"));
                found.push(FileState { path: folder.to_owned(), state });
                continue;
            }
            listed => listed.map_err(|e| Error::io("list", folder, e))?,
        };
        for path in listed {
            if path != tables && !found.iter().any(|file| file.path == path) {
                found.push(FileState { path, state: State::Orphan });
            }
        }
    }
    Ok(found)
}

fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if !path.is_dir() {
            paths.push(path);
        }
    }
    Ok(paths)
}

fn verify_table(path: &Path, checksum: u128) -> Result<(), Error> {
    let failed = |e: io::Error| match is_missing(&e) {
        true => Error::corrupt(place(path), "missing"),
        false => Error::io("read", path, e),
    };
    let mut file = fs::File::open(path).map_err(failed)?;
    let mut hasher = Xxh3Default::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let len = file.read(&mut buffer).map_err(failed)?;
        if len == 0 {
            break;
        }
        hasher.update(buffer.get(..len).unwrap_or_default());
    }
    match hasher.digest128() == checksum {
        true => Ok(()),
        false => Err(Error::corrupt(place(path), "checksum is not the one in the manifest")),
    }
}
