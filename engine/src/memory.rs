//! `memory` — the engine without a device: an ordered tree whose versions share their unchanged
//! parts.
//!
//! The problem: a page must not wait behind a batch of a million records, nor a batch behind a
//! page. A lock around a map makes one of them wait; a concurrent skip list replaces a value by
//! removing and inserting, and a reader in between finds the key missing.
//!
//! So a batch never changes a node that a reader may see. It builds new leaves for what it touches,
//! new inner nodes on the way up, and swaps the root:
//!
//! ```text
//!     root ──► inner ──┬─► leaf a..f            (shared by both versions)
//!                      ├─► leaf g..m     old    (freed when its last reader leaves)
//!     root' ─► inner' ─┼─► leaf g..m'    new
//!                      └─► leaf n..z            (shared)
//! ```
//!
//! Invariants:
//! - all leaves have one depth; a leaf holds at most [`LEAF_LEN_MAX`] slots and an inner node at most
//!   [`INNER_LEN_MAX`] children; neighbours that fit into half a node are joined, so space stays
//!   within a constant of the data;
//! - `low` of a child is at most its every key and above every key of the child before it;
//! - a reader holds the root's lock for the length of one `get`, or of one pointer copy.
//!
//! Nothing here survives the process, so `persisted` equals `applied`: there is nothing that the log
//! could give back to a new `memory` engine that is worth keeping it for. A batch is copied into
//! slots of one allocation each, so a small record never keeps a large log buffer alive.

use crate::{
    Direction, Engine, Error, KeyRange, Limit, Mutation, Page, PageBuilder, Usage, check_batch,
};
use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Slots of a leaf at most: copying a leaf is the price of a lone put.
const LEAF_LEN_MAX: usize = 32;

/// Children of an inner node at most.
const INNER_LEN_MAX: usize = 64;

/// Memory of a record beside its bytes: the slot, its allocation and its share of the nodes.
const SLOT_OVERHEAD: u64 = 64;

/// The engine in memory. Empty at `new`, gone when dropped.
#[derive(Debug)]
pub struct Memory {
    root: RwLock<Arc<Node>>,
    applier: Mutex<()>,
    applied: AtomicU64,
    memory_bytes: AtomicU64,
}

impl Memory {
    /// An empty engine at index 0.
    pub fn new() -> Self {
        Self {
            root: RwLock::new(Arc::new(Node::Leaf(Vec::new()))),
            applier: Mutex::new(()),
            applied: AtomicU64::new(0),
            memory_bytes: AtomicU64::new(0),
        }
    }

    fn snapshot(&self) -> Arc<Node> {
        Arc::clone(&self.root.read())
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Engine for Memory {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Error> {
        Ok(self.root.read().get(key).map(Slot::value))
    }

    fn page(&self, range: KeyRange<'_>, direction: Direction, limit: Limit) -> Result<Page, Error> {
        let root = self.snapshot();
        let mut page = PageBuilder::new(limit);
        if !range.is_empty() {
            match direction {
                Direction::Forward => root.forward(&range, &mut page),
                Direction::Backward => root.backward(&range, &mut page),
            };
        }
        Ok(page.finish())
    }

    fn apply(&self, batch: &[Mutation], upto: u64) -> Result<(), Error> {
        let _one = self.applier.lock();
        check_batch(batch, upto, self.applied())?;
        let mut tally = Tally::default();
        let root = replace_root(&self.snapshot(), batch, &mut tally);
        let old = std::mem::replace(&mut *self.root.write(), root);
        // Freed outside the lock: the last reference to a large version takes its time.
        drop(old);
        self.memory_bytes.fetch_add(tally.added.wrapping_sub(tally.removed), Ordering::Relaxed);
        self.applied.store(upto, Ordering::Release);
        Ok(())
    }

    fn applied(&self) -> u64 {
        self.applied.load(Ordering::Acquire)
    }

    fn persisted(&self) -> u64 {
        self.applied()
    }

    fn persist(&self) -> Result<u64, Error> {
        Ok(self.applied())
    }

    fn usage(&self) -> Usage {
        Usage { disk_bytes: 0, memory_bytes: self.memory_bytes.load(Ordering::Relaxed) }
    }
}

/// A record in one allocation: the key, then the value.
#[derive(Clone, Debug)]
struct Slot {
    bytes: Bytes,
    key_len: usize,
}

impl Slot {
    fn new(key: &[u8], value: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(key.len() + value.len());
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(value);
        Self { bytes: bytes.into(), key_len: key.len() }
    }

    fn key(&self) -> &[u8] {
        self.bytes.get(..self.key_len).unwrap_or_default()
    }

    fn value(&self) -> Bytes {
        self.bytes.slice(self.key_len..)
    }

    fn cost(&self) -> u64 {
        self.bytes.len() as u64 + SLOT_OVERHEAD
    }
}

/// Bytes that a batch added and removed.
#[derive(Default)]
struct Tally {
    added: u64,
    removed: u64,
}

#[derive(Debug)]
enum Node {
    Leaf(Vec<Slot>),
    Inner(Vec<Child>),
}

#[derive(Clone, Debug)]
struct Child {
    low: Bytes,
    node: Arc<Node>,
}

/// The child that would hold `key`.
fn route(children: &[Child], key: &[u8]) -> usize {
    children.partition_point(|child| child.low.as_ref() <= key).saturating_sub(1)
}

impl Node {
    fn len(&self) -> usize {
        match self {
            Node::Leaf(slots) => slots.len(),
            Node::Inner(children) => children.len(),
        }
    }

    fn len_max(&self) -> usize {
        match self {
            Node::Leaf(_) => LEAF_LEN_MAX,
            Node::Inner(_) => INNER_LEN_MAX,
        }
    }

    /// The lowest key that the node is known by; nodes of a tree are never empty but for the root.
    fn low(&self) -> Bytes {
        match self {
            Node::Leaf(slots) => slots.first().map(|s| s.bytes.slice(..s.key_len)),
            Node::Inner(children) => children.first().map(|c| c.low.clone()),
        }
        .unwrap_or_default()
    }

    fn get(&self, key: &[u8]) -> Option<&Slot> {
        let mut node = self;
        loop {
            match node {
                Node::Inner(children) => node = &children.get(route(children, key))?.node,
                Node::Leaf(slots) => {
                    let found = slots.binary_search_by(|slot| slot.key().cmp(key)).ok()?;
                    return slots.get(found);
                }
            }
        }
    }

    /// Fills `page` upwards; false once it is closed or the range ends.
    fn forward(&self, range: &KeyRange<'_>, page: &mut PageBuilder) -> bool {
        match self {
            Node::Inner(children) => children
                .iter()
                .skip(route(children, range.start))
                .all(|child| child.node.forward(range, page)),
            Node::Leaf(slots) => slots
                .iter()
                .skip(slots.partition_point(|slot| slot.key() < range.start))
                .all(|slot| range.end.is_none_or(|end| slot.key() < end) && take(slot, page)),
        }
    }

    /// Fills `page` downwards; false once it is closed or the range ends.
    fn backward(&self, range: &KeyRange<'_>, page: &mut PageBuilder) -> bool {
        let below = |key: &[u8]| range.end.is_none_or(|end| key < end);
        match self {
            Node::Inner(children) => {
                let upto = children.partition_point(|child| below(&child.low)).max(1);
                let mut near = children.iter().take(upto).rev();
                near.all(|child| child.node.backward(range, page))
            }
            Node::Leaf(slots) => {
                let upto = slots.partition_point(|slot| below(slot.key()));
                let mut near = slots.iter().take(upto).rev();
                near.all(|slot| slot.key() >= range.start && take(slot, page))
            }
        }
    }
}

fn take(slot: &Slot, page: &mut PageBuilder) -> bool {
    let admitted = page.admit(slot.bytes.len());
    if admitted {
        page.push(slot.bytes.slice(..slot.key_len), slot.value());
    }
    admitted
}

/// The tree `root` after `batch`.
fn replace_root(root: &Arc<Node>, batch: &[Mutation], tally: &mut Tally) -> Arc<Node> {
    let mut nodes = replace(root, batch, tally);
    while nodes.len() > 1 {
        nodes = split(nodes, INNER_LEN_MAX)
            .map(|part| Arc::new(Node::Inner(part)))
            .map(child)
            .collect();
    }
    match nodes.pop() {
        Some(only) => lowest_root(only.node),
        None => Arc::new(Node::Leaf(Vec::new())),
    }
}

/// Drops levels that route to one child only.
fn lowest_root(mut node: Arc<Node>) -> Arc<Node> {
    while let Node::Inner(children) = &*node
        && let [only] = children.as_slice()
    {
        node = Arc::clone(&only.node);
    }
    node
}

fn child(node: Arc<Node>) -> Child {
    Child { low: node.low(), node }
}

/// What stands in place of `node`, at the same height, after `batch`: none, one or many nodes.
fn replace(node: &Arc<Node>, batch: &[Mutation], tally: &mut Tally) -> Vec<Child> {
    match &**node {
        Node::Leaf(slots) => {
            let merged = merge_leaf(slots, batch, tally);
            split(merged, LEAF_LEN_MAX).map(|part| child(Arc::new(Node::Leaf(part)))).collect()
        }
        Node::Inner(children) => {
            let merged = join_small(replace_children(children, batch, tally));
            split(merged, INNER_LEN_MAX).map(|part| child(Arc::new(Node::Inner(part)))).collect()
        }
    }
}

fn replace_children(children: &[Child], mut batch: &[Mutation], tally: &mut Tally) -> Vec<Child> {
    let mut replaced = Vec::with_capacity(children.len());
    for (at, old) in children.iter().enumerate() {
        let mine = match children.get(at + 1) {
            Some(next) => batch.partition_point(|mutation| mutation.key < next.low),
            None => batch.len(),
        };
        let (own, rest) = batch.split_at(mine);
        batch = rest;
        if own.is_empty() {
            replaced.push(old.clone());
        } else {
            replaced.extend(replace(&old.node, own, tally));
        }
    }
    replaced
}

/// Joins neighbours that together fill no more than half a node.
fn join_small(children: Vec<Child>) -> Vec<Child> {
    let mut joined: Vec<Child> = Vec::with_capacity(children.len());
    for next in children {
        match joined.last_mut() {
            Some(last) if last.node.len() + next.node.len() <= next.node.len_max() / 2 => {
                last.node = concatenate(&last.node, &next.node);
            }
            _ => joined.push(next),
        }
    }
    joined
}

fn concatenate(left: &Arc<Node>, right: &Arc<Node>) -> Arc<Node> {
    match (&**left, &**right) {
        (Node::Leaf(a), Node::Leaf(b)) => Arc::new(Node::Leaf([&a[..], &b[..]].concat())),
        (Node::Inner(a), Node::Inner(b)) => Arc::new(Node::Inner([&a[..], &b[..]].concat())),
        _ => unreachable!("neighbours have one height"),
    }
}

fn merge_leaf(slots: &[Slot], batch: &[Mutation], tally: &mut Tally) -> Vec<Slot> {
    let mut merged = Vec::with_capacity(slots.len() + batch.len());
    let mut old = slots.iter().peekable();
    for mutation in batch {
        while let Some(slot) = old.next_if(|slot| slot.key() < &mutation.key[..]) {
            merged.push(slot.clone());
        }
        if let Some(slot) = old.next_if(|slot| slot.key() == &mutation.key[..]) {
            tally.removed += slot.cost();
        }
        if let Some(value) = &mutation.value {
            let slot = Slot::new(&mutation.key, value);
            tally.added += slot.cost();
            merged.push(slot);
        }
    }
    merged.extend(old.cloned());
    merged
}

/// Cuts `items` into parts of equal length, at most `len_max` each.
fn split<T>(items: Vec<T>, len_max: usize) -> impl Iterator<Item = Vec<T>> {
    let parts = items.len().div_ceil(len_max);
    let part_len = items.len().div_ceil(parts.max(1)).max(1);
    let mut rest = items.into_iter();
    std::iter::from_fn(move || {
        let part: Vec<T> = rest.by_ref().take(part_len).collect();
        (!part.is_empty()).then_some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u32) -> Bytes {
        Bytes::copy_from_slice(&n.to_be_bytes())
    }

    /// Checks the module's invariants and returns the depth and the number of slots.
    fn audit(node: &Node, low: &[u8], high: Option<&[u8]>) -> (usize, usize) {
        assert!(node.len() <= node.len_max());
        match node {
            Node::Leaf(slots) => {
                let inside = |s: &Slot| s.key() >= low && high.is_none_or(|h| s.key() < h);
                assert!(slots.iter().all(inside));
                assert!(slots.windows(2).all(|pair| pair[0].key() < pair[1].key()));
                (0, slots.len())
            }
            Node::Inner(children) => {
                let each = children.iter().enumerate().map(|(at, child)| {
                    assert!(child.low.as_ref() >= low && child.node.len() > 0);
                    let next = children.get(at + 1).map(|next| next.low.as_ref());
                    audit(&child.node, &child.low, next.or(high))
                });
                let found: Vec<_> = each.collect();
                assert!(found.windows(2).all(|pair| pair[0].0 == pair[1].0));
                (found[0].0 + 1, found.iter().map(|f| f.1).sum())
            }
        }
    }

    #[test]
    fn tree_keeps_its_shape_through_growth_and_decay() {
        let engine = Memory::new();
        let mut upto = 0;
        for round in 0..40u32 {
            let puts: Vec<_> = (0..500)
                .map(|n| Mutation::put(key(n * 40 + round), vec![round as u8; 10]))
                .collect();
            upto += 1;
            engine.apply(&puts, upto).unwrap();
        }
        let (depth, slots) = audit(&engine.snapshot(), b"", None);
        assert_eq!(slots, 20_000);
        assert!(depth <= 3, "depth {depth}");
        assert!(engine.usage().memory_bytes > 20_000 * 14);
        for round in 0..40u32 {
            let deletes: Vec<_> = (0..500).map(|n| Mutation::delete(key(n * 40 + round))).collect();
            upto += 1;
            engine.apply(&deletes, upto).unwrap();
            audit(&engine.snapshot(), b"", None);
        }
        assert_eq!(engine.snapshot().len(), 0);
        assert_eq!(engine.usage().memory_bytes, 0);
    }

    #[test]
    fn a_page_in_progress_keeps_its_version() {
        let engine = Memory::new();
        engine.apply(&[Mutation::put("a", "1"), Mutation::put("b", "1")], 1).unwrap();
        let held = engine.snapshot();
        engine.apply(&[Mutation::delete("a"), Mutation::put("b", "2")], 2).unwrap();
        assert_eq!(held.get(b"a").map(Slot::value).as_deref(), Some(&b"1"[..]));
        assert_eq!(held.get(b"b").map(Slot::value).as_deref(), Some(&b"1"[..]));
        assert_eq!(engine.get(b"a").unwrap(), None);
    }
}
