//! A disk in memory that behaves as badly as its contract allows, and repeats it from a seed.
//!
//! ```text
//!   write_at ─► current image ─┐                    what readers of the living process see
//!        └────► pending list   │
//!   sync_data ─────────────────┴─► durable image    what a power cut leaves for certain
//!   crash()  = durable image + a seeded subset of the pending writes, cut at sectors
//! ```
//!
//! Files and directories keep three things: the *current* state, the *durable* state, and the
//! *pending* changes between them in order. `crash` throws the current state away, applies some of
//! the pending changes to the durable state and answers a new disk; every handle of the old one
//! fails from then on, as the handles of a dead process do. `kill` answers a new disk with
//! everything written: a process died, the system lived. One seed drives all choices, so the same
//! calls give the same disk.
//!
//! How a crash treats what was pending is drawn once per crash: nothing arrives, all arrives, a
//! prefix arrives with the last write torn, or each sector and each name change for itself with its
//! own luck. A sync that fails loses some of what it covered for good although it still reads back,
//! as Linux does; that is why a failed sync must not be repeated.
//!
//! Room is counted without holes: a file uses its length or its reservation, in blocks of 4 KiB.
//! Rejected: simulating the page cache (pending writes in any subset include all that it can do).

mod disk;
mod image;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::{Directory, File, Lock, Space, check_name};
use disk::{Disk, Fault};

/// A directory on a simulated disk; clones and subdirectories share the disk, its faults and its
/// seed.
#[derive(Debug, Clone)]
pub struct SimulatedDirectory {
    disk: Arc<Mutex<Disk>>,
    /// Slash-separated from the disk's root, which is empty.
    path: String,
}

/// What a slow sync costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlowSync {
    /// Only `Counts::sync_time` grows.
    Counted(Duration),
    /// The calling thread sleeps too.
    Slept(Duration),
}

/// What was done to a disk so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls of `read_at`.
    pub reads: u64,
    /// Calls of `write_at`.
    pub writes: u64,
    /// Bytes given to `write_at`.
    pub bytes_written: u64,
    /// Calls of `File::sync_data`.
    pub syncs: u64,
    /// Calls of `Directory::sync`.
    pub directory_syncs: u64,
    /// Simulated time spent in syncs.
    pub sync_time: Duration,
}

impl SimulatedDirectory {
    /// An empty disk without limits or faults, whose choices follow `seed`.
    #[must_use]
    pub fn new(seed: u64) -> SimulatedDirectory {
        SimulatedDirectory::over(Disk::new(seed), String::new())
    }

    fn over(disk: Disk, path: String) -> SimulatedDirectory {
        SimulatedDirectory { disk: Arc::new(Mutex::new(disk)), path }
    }

    /// Cuts the power: unsynced writes and names are lost, kept, torn or reordered. Answers this
    /// directory after the restart, without faults; old handles fail from now on.
    #[must_use]
    pub fn crash(&self) -> SimulatedDirectory {
        let disk = self.disk.lock().take().after_power_cut();
        SimulatedDirectory::over(disk, self.path.clone())
    }

    /// Kills the process: all that was written stays, synced or not. Answers this directory as the
    /// next process finds it, without faults; old handles fail from now on.
    #[must_use]
    pub fn kill(&self) -> SimulatedDirectory {
        let disk = self.disk.lock().take().after_kill();
        SimulatedDirectory::over(disk, self.path.clone())
    }

    /// A copy of the whole disk as it is now, without faults and locks, which goes its own way; for
    /// trying many damages on one state.
    #[must_use]
    pub fn copy(&self) -> SimulatedDirectory {
        SimulatedDirectory::over(self.disk.lock().clone().after_kill(), self.path.clone())
    }

    /// Lets the `nth` sync from now fail (1 is the next; files and directories count alike).
    pub fn fail_sync(&self, nth: u64) {
        self.disk.lock().arm(Fault::Sync, nth);
    }

    /// Lets the `nth` write from now fail after part of it was done.
    pub fn fail_write(&self, nth: u64) {
        self.disk.lock().arm(Fault::Write, nth);
    }

    /// Lets the `nth` read from now fail.
    pub fn fail_read(&self, nth: u64) {
        self.disk.lock().arm(Fault::Read, nth);
    }

    /// Lets `changes` more changes (writes, syncs, names, lengths) happen; the next and all after
    /// it fail, the next one half done if it is a write. Then call `crash`.
    pub fn power_off_after(&self, changes: u64) {
        self.disk.lock().power_off_after(changes);
    }

    /// Leaves room for `bytes` more; less than is used now leaves none.
    pub fn disk_full_after(&self, bytes: u64) {
        self.disk.lock().disk_full_after(bytes);
    }

    /// Sets what each sync costs from now on.
    pub fn slow_sync(&self, cost: SlowSync) {
        self.disk.lock().slow_sync(cost);
    }

    /// Lets reads answer fewer bytes than asked for, at random.
    pub fn short_reads(&self, on: bool) {
        self.disk.lock().short_reads(on);
    }

    /// Lets a crash cut inside a sector too, mixing old and new bytes.
    pub fn tear_sectors(&self, on: bool) {
        self.disk.lock().tear_sectors(on);
    }

    /// Damages the medium: xors the byte at `offset` of `name` with `mask`, durably.
    ///
    /// # Errors
    /// `NotFound`; `UnexpectedEof` behind the end.
    pub fn flip(&self, name: &str, offset: u64, mask: u8) -> io::Result<()> {
        let mut disk = self.disk.lock();
        let inode = disk.find(&self.path, name)?;
        disk.flip(inode, offset, mask)
    }

    /// What was done to the disk so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.disk.lock().counts()
    }

    /// The whole of a file as the living process sees it.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn contents(&self, name: &str) -> io::Result<Vec<u8>> {
        let disk = self.disk.lock();
        let inode = disk.find(&self.path, name)?;
        disk.contents(inode)
    }

    fn handle(&self, inode: u64) -> Arc<dyn File> {
        Arc::new(SimulatedFile { disk: Arc::clone(&self.disk), inode })
    }
}

impl Directory for SimulatedDirectory {
    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        check_name(name)?;
        let inode = self.disk.lock().find(&self.path, name)?;
        Ok(self.handle(inode))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        check_name(name)?;
        let inode = self.disk.lock().create(&self.path, name)?;
        Ok(self.handle(inode))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        check_name(name)?;
        self.disk.lock().remove(&self.path, name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        check_name(from)?;
        check_name(to)?;
        self.disk.lock().rename(&self.path, from, to)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.lock().list(&self.path)
    }

    fn sync(&self) -> io::Result<()> {
        let (answer, sleep) = self.disk.lock().sync_directory(&self.path);
        std::thread::sleep(sleep);
        answer
    }

    fn free_space(&self) -> io::Result<Space> {
        self.disk.lock().space()
    }

    fn lock(&self, name: &str) -> io::Result<Lock> {
        check_name(name)?;
        self.disk.lock().lock(&self.path, name)
    }

    fn directory(&self, name: &str) -> io::Result<Arc<dyn Directory>> {
        check_name(name)?;
        let path = format!("{}{name}/", self.path);
        self.disk.lock().make_directory(&path)?;
        Ok(Arc::new(SimulatedDirectory { disk: Arc::clone(&self.disk), path }))
    }
}

#[derive(Debug)]
struct SimulatedFile {
    disk: Arc<Mutex<Disk>>,
    inode: u64,
}

impl File for SimulatedFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.disk.lock().read(self.inode, offset, buffer)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.disk.lock().write(self.inode, offset, bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        let (answer, sleep) = self.disk.lock().sync_file(self.inode);
        // Outside the lock, so that others write while this one waits for its disk.
        std::thread::sleep(sleep);
        answer
    }

    fn len(&self) -> io::Result<u64> {
        self.disk.lock().len(self.inode)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.disk.lock().set_len(self.inode, length)
    }

    fn allocate(&self, length: u64) -> io::Result<()> {
        self.disk.lock().allocate(self.inode, length)
    }
}
