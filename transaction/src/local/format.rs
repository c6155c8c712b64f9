//! Two small files beside the log: which store this is, and how far its clock may have gone.
//!
//! ```text
//! FORMAT   0  magic            8   "QANATFMT"           written once, by rename
//!          8  version          2   of the store's layout
//!         10  oldest reader    2   lowest version whose programs may open it
//!         12  key id           4   0: plain; others are reserved for encryption at rest
//!         16  store id        16   a UUID; the log's segments carry it too
//!         32  zero            24
//!         56  checksum         8   CRC-64/NVME of bytes 0..56
//!
//! CLOCK    two slots of 512 bytes, written in turn:
//!          0  sequence         8   the higher valid one counts
//!          8  ceiling          8   no stamp given out so far has reached it
//!         16  zero            40
//!         56  checksum         8   CRC-64/NVME of bytes 0..56
//! ```
//!
//! All numbers are big endian. A slot is one sector, so a crash while it is written leaves the
//! other. If neither is valid and anything was ever committed, that is damage: a clock that starts
//! too low would give out stamps twice.
//!
//! Rejected: the ceiling as a record of the log (release could drop the only one), the format in
//! the engine (`check` must read it before any engine opens).

use std::sync::Arc;

use crc_fast::crc64_nvme;
use engine::device::{Directory, Entropy, File};
use parking_lot::Mutex;

use crate::{Error, Result, Stamp};

const FORMAT: &str = "FORMAT";
const FORMAT_NEW: &str = "FORMAT.new";
const CLOCK: &str = "CLOCK";
const MAGIC: &[u8; 8] = b"QANATFMT";
/// The layout that this program writes, and the oldest program that may read it.
const VERSION: u16 = 1;
const RECORD: usize = 64;
const SLOT: u64 = 512;

fn io(doing: &'static str) -> impl Fn(std::io::Error) -> Error {
    move |error| match error.kind() {
        std::io::ErrorKind::StorageFull => Error::OutOfSpace,
        _ => Error::Failed(format!("{doing}: {error}")),
    }
}

fn sealed(mut record: [u8; RECORD]) -> [u8; RECORD] {
    let (body, sum) = record.split_at_mut(RECORD - 8);
    sum.copy_from_slice(&crc64_nvme(body).to_be_bytes());
    record
}

fn is_sealed(record: &[u8; RECORD]) -> bool {
    sealed(*record) == *record
}

fn u64_at(record: &[u8; RECORD], at: usize) -> u64 {
    let bytes = record.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
    bytes.map_or(0, u64::from_be_bytes)
}

/// The store's id, from `FORMAT`; a new store gets one. The second answer is whether it is new.
pub(super) fn open(directory: &dyn Directory, entropy: &dyn Entropy) -> Result<([u8; 16], bool)> {
    let names = directory.list().map_err(io("listing the store"))?;
    if names.iter().any(|name| name == FORMAT) {
        return read(directory).map(|store| (store, false));
    }
    if let Some(name) = names.iter().find(|name| name.ends_with(".log") && !is_spare(name)) {
        return Err(Error::Corrupt(format!("there is {name} but no {FORMAT}")));
    }
    create(directory, entropy).map(|store| (store, true))
}

fn is_spare(name: &str) -> bool {
    name.starts_with("spare-")
}

fn read(directory: &dyn Directory) -> Result<[u8; 16]> {
    let file = directory.open(FORMAT).map_err(io("opening FORMAT"))?;
    let mut record = [0; RECORD];
    let length = file.read_full_at(0, &mut record).map_err(io("reading FORMAT"))?;
    let [_, _, _, _, _, _, _, _, _, _, oldest_a, oldest_b, key @ ..] = &record;
    if length < RECORD || !record.starts_with(MAGIC) || !is_sealed(&record) {
        return Err(Error::Corrupt("FORMAT is not what was written".into()));
    }
    let oldest = u16::from_be_bytes([*oldest_a, *oldest_b]);
    if oldest > VERSION {
        return Err(Error::Unsupported("a store written by a later version"));
    }
    if key.first_chunk::<4>() != Some(&[0; 4]) {
        return Err(Error::Unsupported("an encrypted store"));
    }
    let store = key.get(4..20).and_then(|store| store.try_into().ok());
    store.ok_or(Error::Internal("FORMAT is too short"))
}

fn create(directory: &dyn Directory, entropy: &dyn Entropy) -> Result<[u8; 16]> {
    let mut store = entropy.sixteen().map_err(io("drawing a store id"))?;
    store[6] = store[6] & 0x0F | 0x40;
    store[8] = store[8] & 0x3F | 0x80;
    let mut record = [0; RECORD];
    record[..8].copy_from_slice(MAGIC);
    record[8..10].copy_from_slice(&VERSION.to_be_bytes());
    record[10..12].copy_from_slice(&VERSION.to_be_bytes());
    record[16..32].copy_from_slice(&store);
    drop(directory.remove(FORMAT_NEW));
    let file = directory.create(FORMAT_NEW).map_err(io("making FORMAT"))?;
    file.write_at(0, &sealed(record)).map_err(io("writing FORMAT"))?;
    file.sync_data().map_err(io("syncing FORMAT"))?;
    directory.rename(FORMAT_NEW, FORMAT).map_err(io("naming FORMAT"))?;
    directory.sync().map_err(io("syncing the store's directory"))?;
    Ok(store)
}

/// The durable ceiling of the clock.
pub(super) struct Ceiling {
    file: Arc<dyn File>,
    state: Mutex<(u64, Stamp)>,
}

impl Ceiling {
    /// Opens `CLOCK`. Where nothing was ever committed it may be absent or torn: the first ceiling
    /// is raised before the first stamp, so none was given out.
    pub fn open(directory: &dyn Directory, nothing_committed: bool) -> Result<Self> {
        let failed = io("opening CLOCK");
        let file = match directory.open(CLOCK) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let file = directory.create(CLOCK).map_err(&failed)?;
                directory.sync().map_err(&failed)?;
                file
            }
            Err(error) => return Err(failed(error)),
        };
        let newest = [0, SLOT].into_iter().filter_map(|at| slot(file.as_ref(), at)).max();
        match newest {
            Some((sequence, ceiling)) => {
                Ok(Ceiling { file, state: Mutex::new((sequence, ceiling)) })
            }
            None if nothing_committed => Ok(Ceiling { file, state: Mutex::new((0, Stamp::ZERO)) }),
            None => Err(Error::Corrupt("CLOCK holds no valid slot".into())),
        }
    }

    /// The newest ceiling.
    pub fn get(&self) -> Stamp {
        self.state.lock().1
    }

    /// Raises the ceiling; it holds when this returns. Never lowers it.
    pub fn raise(&self, to: Stamp) -> Result<()> {
        let mut state = self.state.lock();
        if state.1 >= to {
            return Ok(());
        }
        let sequence = state.0 + 1;
        let mut record = [0; RECORD];
        record[..8].copy_from_slice(&sequence.to_be_bytes());
        record[8..16].copy_from_slice(&to.0.to_be_bytes());
        let at = SLOT * (sequence % 2);
        self.file.write_at(at, &sealed(record)).map_err(io("writing CLOCK"))?;
        self.file.sync_data().map_err(io("syncing CLOCK"))?;
        *state = (sequence, to);
        Ok(())
    }
}

fn slot(file: &dyn File, at: u64) -> Option<(u64, Stamp)> {
    let mut record = [0; RECORD];
    file.read_exact_at(at, &mut record).ok()?;
    let sequence = u64_at(&record, 0);
    (is_sealed(&record) && sequence > 0).then(|| (sequence, Stamp(u64_at(&record, 8))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::device::{SeededEntropy, SimulatedDirectory};

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_format_record_is_this_for_good() {
        let directory = SimulatedDirectory::new(1);
        let (store, is_new) = open(&directory, &SeededEntropy::new(1)).expect("made");
        assert!(is_new);
        assert_eq!(open(&directory, &SeededEntropy::new(2)).expect("read"), (store, false));
        let mut bytes = [0; RECORD];
        directory.open(FORMAT).expect("there").read_exact_at(0, &mut bytes).expect("whole");
        assert_eq!(hex(&bytes[..16]), "51414e4154464d540001000100000000");
        assert_eq!(bytes[16..32], store);
        assert_eq!(bytes[32..56], [0; 24]);
    }

    #[test]
    fn a_later_layout_and_any_flipped_byte_are_refused() {
        let directory = SimulatedDirectory::new(1);
        open(&directory, &SeededEntropy::new(1)).expect("made");
        let file = directory.open(FORMAT).expect("there");
        let mut whole = [0; RECORD];
        file.read_exact_at(0, &mut whole).expect("whole");
        for at in 0..RECORD {
            let mut bytes = whole;
            bytes[at] ^= 1;
            file.write_at(0, &bytes).expect("written");
            assert!(open(&directory, &SeededEntropy::new(1)).is_err(), "byte {at}");
        }
        let mut later = whole;
        later[11] = 2;
        file.write_at(0, &sealed(later)).expect("written");
        let answer = open(&directory, &SeededEntropy::new(1));
        assert!(matches!(answer, Err(Error::Unsupported(_))));
    }

    #[test]
    fn a_ceiling_survives_the_loss_of_one_slot() {
        let directory = SimulatedDirectory::new(1);
        let ceiling = Ceiling::open(&directory, true).expect("made");
        for stamp in [5, 9, 7] {
            ceiling.raise(Stamp(stamp)).expect("raised");
        }
        assert_eq!(ceiling.get(), Stamp(9));
        let again = Ceiling::open(&directory, false).expect("there");
        assert_eq!(again.get(), Stamp(9));
        again.file.write_at(0, &[0xAA; 64]).expect("damaged");
        assert_eq!(Ceiling::open(&directory, false).expect("there").get(), Stamp(5));
        again.file.write_at(SLOT, &[0xAA; 64]).expect("damaged");
        assert!(Ceiling::open(&directory, false).is_err());
    }
}
