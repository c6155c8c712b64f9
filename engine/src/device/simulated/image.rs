//! The bytes of one simulated file: a sparse image, and the changes that wait for a sync.

use std::collections::BTreeMap;

use crate::device::{SECTOR, Xoshiro};

const BLOCK: usize = 4096;

/// Bytes with holes that read as zeros, so that a reserved segment of 64 MB costs nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct Image {
    blocks: BTreeMap<u64, Box<[u8; BLOCK]>>,
    length: u64,
}

impl Image {
    pub(super) fn len(&self) -> u64 {
        self.length
    }

    pub(super) fn read(&self, offset: u64, buffer: &mut [u8]) -> usize {
        let count = self.length.saturating_sub(offset).min(buffer.len() as u64) as usize;
        each_block(offset, count, |number, start, piece| match self.blocks.get(&number) {
            Some(block) => {
                buffer[piece.clone()].copy_from_slice(&block[start..start + piece.len()]);
            }
            None => buffer[piece].fill(0),
        });
        count
    }

    pub(super) fn write(&mut self, offset: u64, bytes: &[u8]) {
        each_block(offset, bytes.len(), |number, start, piece| {
            let block = self.blocks.entry(number).or_insert_with(|| Box::new([0; BLOCK]));
            block[start..start + piece.len()].copy_from_slice(&bytes[piece]);
        });
        self.grow(offset + bytes.len() as u64);
    }

    /// Makes the file at least so long, with zeros.
    pub(super) fn grow(&mut self, length: u64) {
        self.length = self.length.max(length);
    }

    pub(super) fn set_len(&mut self, length: u64) {
        if length < self.length {
            let (number, rest) = (length / BLOCK as u64, (length % BLOCK as u64) as usize);
            self.blocks.split_off(&(number + 1));
            if let Some(block) = self.blocks.get_mut(&number) {
                block[rest..].fill(0);
            }
        }
        self.length = length;
    }

    pub(super) fn flip(&mut self, offset: u64, mask: u8) {
        if offset < self.length {
            let block = self.blocks.entry(offset / BLOCK as u64);
            let block = block.or_insert_with(|| Box::new([0; BLOCK]));
            block[(offset % BLOCK as u64) as usize] ^= mask;
        }
    }

    /// Writes those sectors of `bytes` that `chance` keeps; the length may arrive without its
    /// bytes.
    fn write_some(&mut self, offset: u64, bytes: &[u8], chance: &mut Chance<'_>) {
        let mut at = 0;
        while at < bytes.len() {
            let within = ((offset + at as u64) % SECTOR as u64) as usize;
            let end = bytes.len().min(at + SECTOR - within);
            if chance.keeps() {
                let cut = chance.cut(end - at);
                self.write(offset + at as u64, &bytes[at..at + cut]);
            }
            at = end;
        }
        if chance.keeps() {
            self.grow(offset + bytes.len() as u64);
        }
    }
}

/// Calls with block number, offset in the block, and the range of the caller's buffer that lies in
/// it.
fn each_block(
    offset: u64,
    count: usize,
    mut visit: impl FnMut(u64, usize, std::ops::Range<usize>),
) {
    let mut done = 0;
    while done < count {
        let at = offset + done as u64;
        let start = (at % BLOCK as u64) as usize;
        let end = count.min(done + BLOCK - start);
        visit(at / BLOCK as u64, start, done..end);
        done = end;
    }
}

/// One change that a sync would make durable.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Write { offset: u64, bytes: Vec<u8> },
    SetLen(u64),
    Grow(u64),
}

impl Change {
    pub(super) fn apply(&self, image: &mut Image) {
        match self {
            Change::Write { offset, bytes } => image.write(*offset, bytes),
            Change::SetLen(length) => image.set_len(*length),
            Change::Grow(length) => image.grow(*length),
        }
    }

    /// Applies what luck leaves of it.
    pub(super) fn apply_some(&self, image: &mut Image, chance: &mut Chance<'_>) {
        match self {
            Change::Write { offset, bytes } => image.write_some(*offset, bytes, chance),
            other if chance.keeps() => other.apply(image),
            _ => {}
        }
    }
}

/// The luck of one change in a crash.
pub(super) struct Chance<'a> {
    pub(super) random: &'a mut Xoshiro,
    /// Chance of a sector or a change to arrive, in percent.
    pub(super) percent: u64,
    /// Whether a sector that arrives may arrive in part.
    pub(super) tears: bool,
}

impl Chance<'_> {
    pub(super) fn keeps(&mut self) -> bool {
        self.random.percent(self.percent)
    }

    /// How many of a sector's `count` bytes arrive.
    fn cut(&mut self, count: usize) -> usize {
        if self.tears && self.random.percent(30) {
            self.random.below(count as u64 + 1) as usize
        } else {
            count
        }
    }
}
