//! The device seam: every byte that a store keeps goes through two small traits.
//!
//! ```text
//!   log, engines, FORMAT record
//!      │ names: open create remove rename list sync lock
//!      ▼
//!   Arc<dyn Directory> ──► Arc<dyn File>: read_at write_at sync_data len set_len allocate
//!      ├─ RealDirectory       std::fs
//!      └─ SimulatedDirectory  memory, seeded: loses, tears, reorders, fails, fills up
//! ```
//!
//! The problem: a store is only as good as what it does when a disk stops half way, and no real
//! disk stops half way on demand. So time, randomness and the disk come in through traits (`Clock`,
//! `Entropy`, `Directory`), and a failure found under a seed replays from that seed.
//!
//! What a caller may rely on, and what not:
//! - Written bytes are read back by the same process at once; they outlive a *process* that dies,
//!   but not a power cut. Only `File::sync_data` that answered `Ok` makes the bytes, and the length
//!   needed to reach them, outlive a power cut.
//! - A name (created, renamed, removed) outlives a power cut only after `Directory::sync`. Without
//!   it any subset of the changes may be found afterwards; one rename is never seen half done.
//! - Unsynced writes may arrive in any subset, cut at 512-byte sectors, and a sector may hold a
//!   mixture of old and new bytes. Bytes outside the written range never change.
//! - A `sync_data` that failed may have thrown the bytes away although they still read back: a
//!   later `Ok` proves nothing about them. Whoever sees a failure must stop, and write again what
//!   it re-opens. Names go through a file system's journal: a `Directory::sync` that failed forgets
//!   none, a later `Ok` covers them.
//! - After `allocate` answered `Ok`, writes inside the range do not meet "disk full" (on file
//!   systems that overwrite in place; copy-on-write ones give no such promise).
//!
//! A block device is a `File` without a `Directory`: fixed `len`, `set_len` unsupported, `allocate`
//! inside the length free of charge. Nothing in `File` knows of names, so one can be added beside
//! these two.
//!
//! Rejected: a trait over async I/O (the callers are a few dedicated threads, and io_uring can live
//! inside an implementation); a preloaded libc shim (not seeded, not portable, blind to our own
//! intent).

mod clock;
mod entropy;
mod real;
mod simulated;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::fmt::Debug;
use std::io;
use std::sync::Arc;

pub use clock::{Clock, RealClock, SimulatedClock};
pub use entropy::{Entropy, RealEntropy, SeededEntropy, Xoshiro};
pub use real::RealDirectory;
pub use simulated::{Counts, SimulatedDirectory, SlowSync};

/// Size in bytes of the piece that a device writes whole or mixes, but never spills out of.
pub const SECTOR: usize = 512;

/// A flat set of named files. Names are single path components, never empty, `.` or `..`.
pub trait Directory: Send + Sync + Debug {
    /// Opens an existing file for reading and writing (reading only in a read-only directory).
    ///
    /// # Errors
    /// `NotFound`; any error of the device.
    fn open(&self, name: &str) -> io::Result<Arc<dyn File>>;

    /// Creates an empty file. The name is durable after `sync`.
    ///
    /// # Errors
    /// `AlreadyExists`; `StorageFull`; any error of the device.
    fn create(&self, name: &str) -> io::Result<Arc<dyn File>>;

    /// Removes a name; open handles stay usable. Durable after `sync`.
    ///
    /// # Errors
    /// `NotFound`; any error of the device.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Gives a file another name, replacing what had that name, in one step. Durable after `sync`.
    ///
    /// # Errors
    /// `NotFound`; any error of the device.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// The names of the files here, sorted; subdirectories are left out.
    ///
    /// # Errors
    /// Any error of the device.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Makes all creations, renames and removals so far durable.
    ///
    /// # Errors
    /// Any error of the device; what was to be synced is then in an unknown state.
    fn sync(&self) -> io::Result<()>;

    /// Room on the device that holds this directory.
    ///
    /// # Errors
    /// Any error of the device.
    fn free_space(&self) -> io::Result<Space>;

    /// Takes the lock file `name` for this process, creating it if needed. The lock ends when the
    /// answer is dropped or the process dies.
    ///
    /// # Errors
    /// `WouldBlock` when another holder has it; any error of the device.
    fn lock(&self, name: &str) -> io::Result<Lock>;

    /// The subdirectory `name`, made and durable if it was absent.
    ///
    /// # Errors
    /// `NotFound` in a read-only directory; any error of the device.
    fn directory(&self, name: &str) -> io::Result<Arc<dyn Directory>>;
}

/// Bytes at offsets. All methods take `&self` and may be called from several threads at once;
/// writes to overlapping ranges at the same time have an undefined outcome.
pub trait File: Send + Sync + Debug {
    /// Reads up to `buffer.len()` bytes at `offset`; 0 means the end of the file. May be short
    /// anywhere.
    ///
    /// # Errors
    /// Any error of the device.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes all of `bytes` at `offset`, growing the file if needed.
    ///
    /// # Errors `StorageFull`; any error of the device. After an error the range holds old and new
    /// bytes mixed.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Makes everything written and the length durable.
    ///
    /// # Errors Any error of the device; what was written since the last `Ok` is then in an unknown
    /// state for good.
    fn sync_data(&self) -> io::Result<()>;

    /// Length in bytes.
    ///
    /// # Errors
    /// Any error of the device.
    fn len(&self) -> io::Result<u64>;

    /// Cuts the file, or grows it with zeros (which reserves no room).
    ///
    /// # Errors
    /// `Unsupported` on a device of fixed size; any error of the device.
    fn set_len(&self, length: u64) -> io::Result<()>;

    /// Reserves room for `[0, length)` and grows the file with zeros up to `length` if it is
    /// shorter; bytes that exist stay as they are.
    ///
    /// # Errors
    /// `StorageFull`; any error of the device.
    fn allocate(&self, length: u64) -> io::Result<()>;

    /// True for a file of no bytes.
    ///
    /// # Errors
    /// As `len`.
    fn is_empty(&self) -> io::Result<bool> {
        self.len().map(|length| length == 0)
    }

    /// Fills `buffer` as far as the file reaches, over short reads; answers how many bytes it got.
    ///
    /// # Errors
    /// As `read_at`.
    fn read_full_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.read_at(offset + done as u64, rest) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    /// Fills `buffer` whole.
    ///
    /// # Errors
    /// `UnexpectedEof` when the file ends before; as `read_at`.
    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        if self.read_full_at(offset, buffer)? == buffer.len() {
            Ok(())
        } else {
            Err(io::Error::from(io::ErrorKind::UnexpectedEof))
        }
    }
}

/// Room on a device, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// What this process may still write.
    pub free: u64,
    /// Size of the whole device.
    pub total: u64,
}

/// A held lock file: dropping it lets go.
pub struct Lock {
    _held: Box<dyn Any + Send + Sync>,
}

impl Lock {
    /// Wraps whatever lets go of the lock when dropped.
    pub fn new(held: impl Any + Send + Sync) -> Lock {
        Lock { _held: Box::new(held) }
    }
}

impl Debug for Lock {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Lock")
    }
}

/// Refuses what is not one plain path component.
fn check_name(name: &str) -> io::Result<()> {
    let plain =
        !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\', '\0']);
    if plain {
        Ok(())
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, format!("not a plain file name: {name:?}")))
    }
}
