//! The state behind all handles of one simulated disk. Every method is one operation of a device.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::image::{Chance, Change, Image};
use super::{Counts, SlowSync};
use crate::device::{Lock, Space, Xoshiro};

const BLOCK: u64 = 4096;

/// Operations that can be told to fail once.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fault {
    Read,
    Write,
    Sync,
}

#[derive(Debug, Clone, Default)]
struct Inode {
    current: Image,
    durable: Image,
    pending: Vec<Change>,
    /// Bytes that `allocate` promised.
    reserved: u64,
}

impl Inode {
    fn used(&self) -> u64 {
        self.current.len().max(self.reserved).div_ceil(BLOCK) * BLOCK
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.current);
        self.pending.push(change);
    }
}

/// One change of names. A rename is one change: it arrives whole or not at all.
#[derive(Debug, Clone)]
enum NameChange {
    Link(String, u64),
    Unlink(String),
    Move(String, String, u64),
}

type Names = BTreeMap<String, u64>;

impl NameChange {
    fn apply(&self, names: &mut Names) {
        match self {
            NameChange::Link(name, inode) => {
                names.insert(name.clone(), *inode);
            }
            NameChange::Unlink(name) => {
                names.remove(name);
            }
            NameChange::Move(from, to, inode) => {
                if names.get(from) == Some(inode) {
                    names.remove(from);
                }
                names.insert(to.clone(), *inode);
            }
        }
    }
}

#[derive(Debug, Clone, Default)]
struct Entries {
    current: Names,
    durable: Names,
    pending: Vec<NameChange>,
}

impl Entries {
    fn change(&mut self, change: NameChange) {
        change.apply(&mut self.current);
        self.pending.push(change);
    }
}

#[derive(Debug, Clone)]
pub(super) struct Disk {
    random: Xoshiro,
    inodes: BTreeMap<u64, Inode>,
    directories: BTreeMap<String, Entries>,
    next_inode: u64,
    capacity: u64,
    /// Countdown to the failure of each kind; 0 is never. Indexed by `Fault`.
    faults: [u64; 3],
    power: Power,
    slow: SlowSync,
    short_reads: bool,
    tear_sectors: bool,
    counts: Counts,
    /// Held lock files; shared so that a guard outlives the disk.
    locks: Arc<Mutex<BTreeSet<String>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Power {
    On,
    /// So many changes are left.
    Fading(u64),
    Off,
}

/// How a crash treats what is pending.
#[derive(Clone, Copy)]
enum Mood {
    Nothing,
    All,
    Prefix,
    Each,
}

fn off() -> io::Error {
    io::Error::other("simulated device is off")
}

fn injected(what: &str) -> io::Error {
    io::Error::other(format!("simulated failure of a {what}"))
}

impl Disk {
    pub(super) fn new(seed: u64) -> Disk {
        Disk {
            random: Xoshiro::new(seed),
            inodes: BTreeMap::new(),
            directories: BTreeMap::from([(String::new(), Entries::default())]),
            next_inode: 1,
            capacity: u64::MAX,
            faults: [0; 3],
            power: Power::On,
            slow: SlowSync::Counted(Duration::ZERO),
            short_reads: false,
            tear_sectors: false,
            counts: Counts::default(),
            locks: Arc::default(),
        }
    }

    /// Leaves a dead disk in place, whose every operation fails, and answers the living one.
    pub(super) fn take(&mut self) -> Disk {
        let mut dead = Disk::new(0);
        dead.power = Power::Off;
        std::mem::replace(self, dead)
    }

    pub(super) fn after_kill(mut self) -> Disk {
        self.locks = Arc::default();
        self.faults = [0; 3];
        self.power = Power::On;
        self
    }

    pub(super) fn after_power_cut(mut self) -> Disk {
        let mood = match self.random.below(6) {
            0 => Mood::Nothing,
            1 => Mood::All,
            2 => Mood::Prefix,
            _ => Mood::Each,
        };
        let percent = [5, 30, 50, 80, 97][self.random.below(5) as usize];
        let (mut inodes, mut directories) =
            (std::mem::take(&mut self.inodes), std::mem::take(&mut self.directories));
        for inode in inodes.values_mut() {
            self.settle_file(inode, mood, percent);
        }
        for entries in directories.values_mut() {
            self.settle_names(entries, mood, percent);
        }
        let linked: BTreeSet<u64> =
            directories.values().flat_map(|entries| entries.durable.values().copied()).collect();
        inodes.retain(|number, _| linked.contains(number));
        (self.inodes, self.directories) = (inodes, directories);
        self.after_kill()
    }

    fn settle_file(&mut self, inode: &mut Inode, mood: Mood, percent: u64) {
        let pending = std::mem::take(&mut inode.pending);
        let whole = self.whole(pending.len(), mood);
        for (number, change) in pending.iter().enumerate() {
            let percent = match mood {
                Mood::Each => percent,
                Mood::Prefix if number == whole => 50,
                _ if number < whole => {
                    change.apply(&mut inode.durable);
                    continue;
                }
                _ => continue,
            };
            let tears = self.tear_sectors;
            let mut chance = Chance { random: &mut self.random, percent, tears };
            change.apply_some(&mut inode.durable, &mut chance);
        }
        inode.current = inode.durable.clone();
        inode.reserved = inode.current.len();
    }

    fn settle_names(&mut self, entries: &mut Entries, mood: Mood, percent: u64) {
        let pending = std::mem::take(&mut entries.pending);
        let whole = self.whole(pending.len(), mood);
        for (number, change) in pending.iter().enumerate() {
            let keep = match mood {
                Mood::Each => self.random.percent(percent),
                _ => number < whole,
            };
            if keep {
                change.apply(&mut entries.durable);
            }
        }
        entries.current = entries.durable.clone();
    }

    /// How many pending changes arrive whole before luck decides.
    fn whole(&mut self, count: usize, mood: Mood) -> usize {
        match mood {
            Mood::Nothing | Mood::Each => 0,
            Mood::All => count,
            Mood::Prefix => self.random.below(count as u64 + 1) as usize,
        }
    }

    // Faults.

    pub(super) fn arm(&mut self, fault: Fault, nth: u64) {
        self.faults[fault as usize] = nth;
    }

    pub(super) fn power_off_after(&mut self, changes: u64) {
        self.power = Power::Fading(changes);
    }

    pub(super) fn disk_full_after(&mut self, bytes: u64) {
        self.capacity = self.used().saturating_add(bytes);
    }

    pub(super) fn slow_sync(&mut self, cost: SlowSync) {
        self.slow = cost;
    }

    pub(super) fn short_reads(&mut self, on: bool) {
        self.short_reads = on;
    }

    pub(super) fn tear_sectors(&mut self, on: bool) {
        self.tear_sectors = on;
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    pub(super) fn flip(&mut self, inode: u64, offset: u64, mask: u8) -> io::Result<()> {
        let inode = self.inode(inode)?;
        if offset >= inode.current.len() {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        inode.current.flip(offset, mask);
        inode.durable.flip(offset, mask);
        Ok(())
    }

    pub(super) fn contents(&self, inode: u64) -> io::Result<Vec<u8>> {
        let image = &self.inodes.get(&inode).ok_or_else(off)?.current;
        let mut bytes = vec![0; image.len() as usize];
        image.read(0, &mut bytes);
        Ok(bytes)
    }

    /// True once for the operation that was told to fail.
    fn fails(&mut self, fault: Fault) -> bool {
        let left = &mut self.faults[fault as usize];
        let now = *left == 1;
        *left = left.saturating_sub(1);
        now
    }

    fn alive(&self) -> io::Result<()> {
        if self.power == Power::Off { Err(off()) } else { Ok(()) }
    }

    /// Counts one change against the power that is left.
    fn spend(&mut self) -> io::Result<()> {
        match self.power {
            Power::On => Ok(()),
            Power::Off => Err(off()),
            Power::Fading(0) => {
                self.power = Power::Off;
                Err(off())
            }
            Power::Fading(left) => {
                self.power = Power::Fading(left - 1);
                Ok(())
            }
        }
    }

    // Room.

    fn used(&self) -> u64 {
        self.inodes.values().map(Inode::used).sum()
    }

    pub(super) fn space(&self) -> io::Result<Space> {
        self.alive()?;
        Ok(Space { free: self.capacity.saturating_sub(self.used()), total: self.capacity })
    }

    /// How much of `inode` growing to `length` the disk has room for.
    fn room(&self, inode: u64, length: u64) -> u64 {
        if self.capacity == u64::MAX {
            return length;
        }
        let own = self.inodes.get(&inode).map_or(0, Inode::used);
        let others = self.used() - own;
        let limit = self.capacity.saturating_sub(others) / BLOCK * BLOCK;
        length.min(limit.max(own))
    }

    // Names.

    fn entries(&mut self, path: &str) -> io::Result<&mut Entries> {
        self.directories.get_mut(path).ok_or_else(off)
    }

    pub(super) fn find(&self, path: &str, name: &str) -> io::Result<u64> {
        self.alive()?;
        let entries = self.directories.get(path).ok_or_else(off)?;
        let missing = || io::Error::new(io::ErrorKind::NotFound, format!("no file {name}"));
        entries.current.get(name).copied().ok_or_else(missing)
    }

    pub(super) fn list(&self, path: &str) -> io::Result<Vec<String>> {
        self.alive()?;
        let entries = self.directories.get(path).ok_or_else(off)?;
        Ok(entries.current.keys().cloned().collect())
    }

    pub(super) fn create(&mut self, path: &str, name: &str) -> io::Result<u64> {
        self.spend()?;
        if self.find(path, name).is_ok() {
            return Err(io::Error::from(io::ErrorKind::AlreadyExists));
        }
        let inode = self.next_inode;
        self.entries(path)?.change(NameChange::Link(name.to_owned(), inode));
        self.next_inode += 1;
        self.inodes.insert(inode, Inode::default());
        Ok(inode)
    }

    pub(super) fn remove(&mut self, path: &str, name: &str) -> io::Result<()> {
        self.spend()?;
        self.find(path, name)?;
        self.entries(path)?.change(NameChange::Unlink(name.to_owned()));
        Ok(())
    }

    pub(super) fn rename(&mut self, path: &str, from: &str, to: &str) -> io::Result<()> {
        self.spend()?;
        let inode = self.find(path, from)?;
        let change = NameChange::Move(from.to_owned(), to.to_owned(), inode);
        self.entries(path)?.change(change);
        Ok(())
    }

    pub(super) fn make_directory(&mut self, path: &str) -> io::Result<()> {
        if !self.directories.contains_key(path) {
            self.spend()?;
            self.directories.insert(path.to_owned(), Entries::default());
        }
        self.alive()
    }

    pub(super) fn lock(&mut self, path: &str, name: &str) -> io::Result<Lock> {
        if self.find(path, name).is_err() {
            self.create(path, name)?;
        }
        let place = format!("{path}{name}");
        if !self.locks.lock().insert(place.clone()) {
            let message = format!("{place} is held by another process");
            return Err(io::Error::new(io::ErrorKind::WouldBlock, message));
        }
        Ok(Lock::new(Held { locks: Arc::clone(&self.locks), place }))
    }

    pub(super) fn sync_directory(&mut self, path: &str) -> (io::Result<()>, Duration) {
        self.counts.directory_syncs += 1;
        let sleep = self.pay_for_sync();
        (self.sync_names(path), sleep)
    }

    fn sync_names(&mut self, path: &str) -> io::Result<()> {
        self.spend()?;
        if self.fails(Fault::Sync) {
            // Names go through a file system's journal: they arrive with a later sync, or it stops
            // for good.
            return Err(injected("sync"));
        }
        let entries = self.entries(path)?;
        for change in std::mem::take(&mut entries.pending) {
            change.apply(&mut entries.durable);
        }
        Ok(())
    }

    fn pay_for_sync(&mut self) -> Duration {
        let (SlowSync::Counted(cost) | SlowSync::Slept(cost)) = self.slow;
        self.counts.sync_time += cost;
        if let SlowSync::Slept(sleep) = self.slow { sleep } else { Duration::ZERO }
    }

    // Bytes.

    fn inode(&mut self, inode: u64) -> io::Result<&mut Inode> {
        self.inodes.get_mut(&inode).ok_or_else(off)
    }

    pub(super) fn len(&self, inode: u64) -> io::Result<u64> {
        self.alive()?;
        self.inodes.get(&inode).map(|inode| inode.current.len()).ok_or_else(off)
    }

    pub(super) fn read(&mut self, inode: u64, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.alive()?;
        self.counts.reads += 1;
        if self.fails(Fault::Read) {
            return Err(injected("read"));
        }
        let mut want = buffer.len();
        if self.short_reads && want > 1 {
            want = 1 + self.random.below(want as u64) as usize;
        }
        Ok(self.inode(inode)?.current.read(offset, &mut buffer[..want]))
    }

    pub(super) fn write(&mut self, inode: u64, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.alive()?;
        self.counts.writes += 1;
        self.counts.bytes_written += bytes.len() as u64;
        let spent = self.spend();
        let broken = self.fails(Fault::Write);
        if spent.is_err() || broken {
            // Part of it had arrived when the failure struck.
            let part = self.random.below(bytes.len() as u64 + 1) as usize;
            if let Ok(inode) = self.inode(inode) {
                inode.change(Change::Write { offset, bytes: bytes[..part].to_vec() });
            }
            return spent.and_then(|()| Err(injected("write")));
        }
        let room = self.room(inode, offset + bytes.len() as u64).saturating_sub(offset);
        let part = &bytes[..bytes.len().min(room as usize)];
        self.inode(inode)?.change(Change::Write { offset, bytes: part.to_vec() });
        if part.len() < bytes.len() {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        Ok(())
    }

    pub(super) fn set_len(&mut self, inode: u64, length: u64) -> io::Result<()> {
        self.spend()?;
        let inode = self.inode(inode)?;
        inode.change(Change::SetLen(length));
        inode.reserved = inode.reserved.min(length);
        Ok(())
    }

    pub(super) fn allocate(&mut self, inode: u64, length: u64) -> io::Result<()> {
        self.spend()?;
        if self.room(inode, length) < length {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        let inode = self.inode(inode)?;
        inode.change(Change::Grow(length));
        inode.reserved = inode.reserved.max(length);
        Ok(())
    }

    pub(super) fn sync_file(&mut self, inode: u64) -> (io::Result<()>, Duration) {
        self.counts.syncs += 1;
        let sleep = self.pay_for_sync();
        (self.sync_bytes(inode), sleep)
    }

    fn sync_bytes(&mut self, number: u64) -> io::Result<()> {
        self.spend()?;
        let failed = self.fails(Fault::Sync);
        let mut inode = std::mem::take(self.inode(number)?);
        for change in std::mem::take(&mut inode.pending) {
            if failed {
                let mut chance = Chance { random: &mut self.random, percent: 50, tears: false };
                change.apply_some(&mut inode.durable, &mut chance);
            } else {
                change.apply(&mut inode.durable);
            }
        }
        *self.inode(number)? = inode;
        if failed { Err(injected("sync")) } else { Ok(()) }
    }
}

/// A held lock file of a simulated disk.
struct Held {
    locks: Arc<Mutex<BTreeSet<String>>>,
    place: String,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.locks.lock().remove(&self.place);
    }
}
