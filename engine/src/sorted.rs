//! An ordered map whose versions share their unchanged parts: `memory`'s whole store, and what
//! `file` has applied but not yet written.
//!
//! The problem: a page must not wait behind a batch of a million records, nor a batch behind a
//! page. A lock around a map makes one of them wait; a concurrent skip list replaces a value by
//! removing and inserting, and a reader in between finds the key missing.
//!
//! So a batch never changes a node that a reader may see. It builds new leaves for what it touches,
//! new inner nodes on the way up, and returns a new root:
//!
//! ```text
//!     root ──► inner ──┬─► leaf a..f            (shared by both versions)
//!                      ├─► leaf g..m     old    (freed when its last reader leaves)
//!     root' ─► inner' ─┼─► leaf g..m'    new
//!                      └─► leaf n..z            (shared)
//! ```
//!
//! Invariants:
//! - all leaves have one depth; a leaf holds at most [`LEAF_LEN_MAX`] slots and an inner node at
//!   most [`INNER_LEN_MAX`] children; neighbours that fit into half a node are joined, so space
//!   stays within a constant of the data;
//! - `low` of a child is at most its every key and above every key of the child before it;
//! - no node but the root leaf is empty.
//!
//! A record is copied into one allocation of its own, so a small record never keeps a large log
//! buffer alive. Rejected: in-place changes where a node has one owner (the published root is
//! always a second owner, so it would never apply).

use crate::{Direction, KeyRange, Mutation, compact_parts};
use bytes::Bytes;
use std::sync::Arc;

/// Slots of a leaf at most: copying a leaf is the price of a lone put.
const LEAF_LEN_MAX: usize = 32;

/// Children of an inner node at most.
const INNER_LEN_MAX: usize = 64;

/// Memory of a record beside its bytes: the slot, its allocation and its share of the nodes.
const SLOT_OVERHEAD: u64 = 64;

/// What a deletion leaves in the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deleted {
    /// Nothing.
    Forgotten,
    /// A slot without a value, that hides the key in whatever lies below the map.
    Kept,
}

/// One version of the map. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Sorted {
    root: Arc<Node>,
    bytes: u64,
}

impl Sorted {
    pub(crate) fn new() -> Self {
        Self { root: Arc::new(Node::Leaf(Vec::new())), bytes: 0 }
    }

    /// Memory of the map, overheads included.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<&Slot> {
        self.root.get(key)
    }

    /// The map after `batch`, which is sorted with each key once.
    pub(crate) fn with(&self, batch: &[Mutation], deleted: Deleted) -> Self {
        let mut merge = Merge { deleted, added: 0, removed: 0 };
        let root = merge.root(&self.root, batch);
        Self { root, bytes: self.bytes + merge.added - merge.removed }
    }

    /// The slots of `range` in `direction`.
    pub(crate) fn cursor<'r>(&self, range: KeyRange<'r>, direction: Direction) -> Cursor<'r> {
        Cursor::new(Arc::clone(&self.root), range, direction)
    }
}

/// Versions that were replaced, kept until no reader holds them: whoever drops the last reference
/// frees every node that only this version had, which after a large batch takes 100 ms. That must
/// not be a reader, so the applier keeps a reference of its own and frees at its next batch.
#[derive(Debug, Default)]
pub(crate) struct Replaced(Vec<Sorted>);

impl Replaced {
    /// Takes over a version, and frees those that nobody reads any more.
    pub(crate) fn keep(&mut self, old: Sorted) {
        self.free();
        self.0.push(old);
    }

    /// Frees the versions that nobody reads any more.
    pub(crate) fn free(&mut self) {
        self.0.retain(|old| Arc::strong_count(&old.root) > 1);
    }
}

/// What a record of `len` bytes costs in the map.
pub(crate) fn slot_cost(len: usize) -> u64 {
    len as u64 + SLOT_OVERHEAD
}

/// A record in one allocation, the key and then the value; or a deleted key.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    bytes: Bytes,
    key_len: u32,
    deleted: bool,
}

impl Slot {
    fn new(mutation: &Mutation) -> Self {
        let value = mutation.value.as_deref();
        let bytes = compact_parts(&[&mutation.key, value.unwrap_or_default()]);
        // Keys are at most KEY_LEN_MAX long.
        let key_len = mutation.key.len() as u32;
        Self { bytes, key_len, deleted: value.is_none() }
    }

    pub(crate) fn key(&self) -> &[u8] {
        self.bytes.get(..self.key_len as usize).unwrap_or_default()
    }

    pub(crate) fn shared_key(&self) -> Bytes {
        self.bytes.slice(..self.key_len as usize)
    }

    /// The value, or `None` where the key was deleted.
    pub(crate) fn value(&self) -> Option<Bytes> {
        (!self.deleted).then(|| self.bytes.slice(self.key_len as usize..))
    }

    fn cost(&self) -> u64 {
        slot_cost(self.bytes.len())
    }
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

impl Child {
    fn new(node: Node) -> Self {
        Self { low: node.low(), node: Arc::new(node) }
    }
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

    fn low(&self) -> Bytes {
        match self {
            Node::Leaf(slots) => slots.first().map(Slot::shared_key),
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
}

/// Builds the nodes of the next version.
struct Merge {
    deleted: Deleted,
    added: u64,
    removed: u64,
}

impl Merge {
    fn root(&mut self, root: &Arc<Node>, batch: &[Mutation]) -> Arc<Node> {
        let mut nodes = self.replace(root, batch);
        while nodes.len() > 1 {
            nodes = split(nodes, INNER_LEN_MAX).map(Node::Inner).map(Child::new).collect();
        }
        match nodes.pop() {
            Some(only) => lowest_root(only.node),
            None => Arc::new(Node::Leaf(Vec::new())),
        }
    }

    /// What stands in place of `node`, at the same height: none, one or many nodes.
    fn replace(&mut self, node: &Arc<Node>, batch: &[Mutation]) -> Vec<Child> {
        match &**node {
            Node::Leaf(slots) => {
                let merged = self.leaf(slots, batch);
                split(merged, LEAF_LEN_MAX).map(Node::Leaf).map(Child::new).collect()
            }
            Node::Inner(children) => {
                let merged = join_small(self.children(children, batch));
                split(merged, INNER_LEN_MAX).map(Node::Inner).map(Child::new).collect()
            }
        }
    }

    fn children(&mut self, children: &[Child], mut batch: &[Mutation]) -> Vec<Child> {
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
                replaced.extend(self.replace(&old.node, own));
            }
        }
        replaced
    }

    fn leaf(&mut self, slots: &[Slot], batch: &[Mutation]) -> Vec<Slot> {
        let mut merged = Vec::with_capacity(slots.len() + batch.len());
        let mut old = slots.iter().peekable();
        for mutation in batch {
            while let Some(slot) = old.next_if(|slot| slot.key() < &mutation.key[..]) {
                merged.push(slot.clone());
            }
            if let Some(slot) = old.next_if(|slot| slot.key() == &mutation.key[..]) {
                self.removed += slot.cost();
            }
            if mutation.value.is_some() || self.deleted == Deleted::Kept {
                let slot = Slot::new(mutation);
                self.added += slot.cost();
                merged.push(slot);
            }
        }
        merged.extend(old.cloned());
        merged
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

/// Walks one version, leaf by leaf; the next leaf is found from the root by its bound.
#[derive(Debug)]
pub(crate) struct Cursor<'r> {
    root: Arc<Node>,
    range: KeyRange<'r>,
    direction: Direction,
    leaf: Arc<Node>,
    /// Slots before it are below the cursor, slots from it on are above.
    at: usize,
    /// Where the next leaf lies: its low forward, the first key behind it backward.
    beyond: Option<Bytes>,
}

impl<'r> Cursor<'r> {
    fn new(root: Arc<Node>, range: KeyRange<'r>, direction: Direction) -> Self {
        let leaf = Arc::clone(&root);
        let mut cursor = Self { root, range, direction, leaf, at: 0, beyond: None };
        match direction {
            _ if range.is_empty() => cursor.leaf = Arc::new(Node::Leaf(Vec::new())),
            Direction::Forward => cursor.enter(|_| true, range.start),
            Direction::Backward => match range.end {
                Some(end) => cursor.enter(|low| low < end, end),
                None => cursor.enter_last(),
            },
        }
        cursor
    }

    /// Goes to the leaf around `bound`, among the children whose low is `eligible`, and to the
    /// place of `bound` in it.
    fn enter(&mut self, eligible: impl Fn(&[u8]) -> bool, bound: &[u8]) {
        let mut node = Arc::clone(&self.root);
        self.beyond = None;
        while let Node::Inner(children) = &*node {
            let mut at = route(children, bound);
            if at > 0 && children.get(at).is_some_and(|child| !eligible(&child.low)) {
                at -= 1;
            }
            let beyond = match self.direction {
                Direction::Forward => children.get(at + 1),
                Direction::Backward => children.get(at).filter(|_| at > 0),
            };
            if let Some(child) = beyond {
                self.beyond = Some(child.low.clone());
            }
            let Some(child) = children.get(at) else { break };
            node = Arc::clone(&child.node);
        }
        if let Node::Leaf(slots) = &*node {
            self.at = slots.partition_point(|slot| slot.key() < bound);
        }
        self.leaf = node;
    }

    fn enter_last(&mut self) {
        let mut node = Arc::clone(&self.root);
        while let Node::Inner(children) = &*node {
            if children.len() > 1 {
                self.beyond = children.last().map(|child| child.low.clone());
            }
            let Some(child) = children.last() else { break };
            node = Arc::clone(&child.node);
        }
        self.at = node.len();
        self.leaf = node;
    }

    fn above(&mut self) -> Option<Slot> {
        loop {
            let Node::Leaf(slots) = &*self.leaf else { return None };
            if let Some(slot) = slots.get(self.at) {
                self.at += 1;
                return Some(slot.clone());
            }
            let low = self.beyond.take()?;
            self.enter(|_| true, &low);
        }
    }

    fn below(&mut self) -> Option<Slot> {
        loop {
            let Node::Leaf(slots) = &*self.leaf else { return None };
            if let Some(at) = self.at.checked_sub(1) {
                self.at = at;
                return slots.get(at).cloned();
            }
            let behind = self.beyond.take()?;
            self.enter(|low| low < &behind[..], &behind);
        }
    }
}

impl Iterator for Cursor<'_> {
    type Item = Slot;

    fn next(&mut self) -> Option<Slot> {
        match self.direction {
            Direction::Forward => {
                self.above().filter(|slot| self.range.end.is_none_or(|end| slot.key() < end))
            }
            Direction::Backward => self.below().filter(|slot| slot.key() >= self.range.start),
        }
    }
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
    fn keeps_its_shape_through_growth_and_decay() {
        let mut map = Sorted::new();
        for round in 0..40u32 {
            let puts: Vec<_> = (0..500)
                .map(|n| Mutation::put(key(n * 40 + round), vec![round as u8; 10]))
                .collect();
            map = map.with(&puts, Deleted::Forgotten);
        }
        let (depth, slots) = audit(&map.root, b"", None);
        assert_eq!(slots, 20_000);
        assert!(depth <= 3, "depth {depth}");
        assert!(map.bytes() > 20_000 * 14);
        for round in 0..40u32 {
            let deletes: Vec<_> = (0..500).map(|n| Mutation::delete(key(n * 40 + round))).collect();
            map = map.with(&deletes, Deleted::Forgotten);
            audit(&map.root, b"", None);
        }
        assert_eq!(map.root.len(), 0);
        assert_eq!(map.bytes(), 0);
    }

    #[test]
    fn cursor_walks_every_range_both_ways() {
        let puts: Vec<_> = (0..5_000).map(|n| Mutation::put(key(n * 2), "v")).collect();
        let map = Sorted::new().with(&puts, Deleted::Kept);
        for (start, end) in [(0, 10_000), (1, 9_999), (64, 65), (63, 64), (640, 1_281), (7, 7)] {
            let (start_key, end_key) = (key(start), key(end));
            let range = KeyRange::new(&start_key, Some(&end_key));
            let expected: Vec<_> = (start..end).filter(|n| n % 2 == 0).map(key).collect();
            let up = map.cursor(range, Direction::Forward).map(|s| s.shared_key());
            assert_eq!(up.collect::<Vec<_>>(), expected);
            let mut down: Vec<_> =
                map.cursor(range, Direction::Backward).map(|s| s.shared_key()).collect();
            down.reverse();
            assert_eq!(down, expected);
        }
        assert_eq!(map.cursor(KeyRange::ALL, Direction::Backward).count(), 5_000);
    }

    #[test]
    fn a_version_outlives_the_next() {
        let old =
            Sorted::new().with(&[Mutation::put("a", "1"), Mutation::put("b", "1")], Deleted::Kept);
        let new = old.with(&[Mutation::delete("a"), Mutation::put("b", "2")], Deleted::Kept);
        assert_eq!(old.get(b"a").unwrap().value().as_deref(), Some(&b"1"[..]));
        assert_eq!(new.get(b"a").unwrap().value(), None);
        assert_eq!(new.get(b"b").unwrap().value().as_deref(), Some(&b"2"[..]));
    }
}
