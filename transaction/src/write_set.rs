//! The write set: everything that one commit changes.
//!
//! Sorted by key, each key once. An operation is a put, a delete, or an **add**: a signed delta on
//! a counter that the committer merges, so that two transactions that both insert a row do not
//! conflict on the row count.
//!
//! Rejected: read-modify-write of counters by the caller. Every insert into one table would then
//! conflict with every other.

use bytes::Bytes;

/// What happens to one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// The key has this value now.
    Put(Bytes),
    /// The key is gone.
    Delete,
    /// The counter under the key changes by this much. A counter is an 8-byte big-endian two's
    /// complement integer; an absent one is 0; one that comes to 0 stays as 0.
    Add(i64),
}

/// One key and its change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Not empty, at most `Offers::key_bytes_max` long.
    pub key: Bytes,
    /// The change.
    pub operation: Operation,
}

impl Write {
    /// The key's value after a put or a deletion.
    pub(crate) fn value(&self) -> Option<Bytes> {
        match &self.operation {
            Operation::Put(value) => Some(value.clone()),
            Operation::Delete | Operation::Add(_) => None,
        }
    }

    /// Bytes that count against the limit of a write set.
    pub fn size(&self) -> usize {
        self.key.len()
            + if let Operation::Put(value) = &self.operation { value.len() } else { 8 }
            + 16
    }
}

/// Changes sorted by key, each key once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WriteSet {
    writes: Vec<Write>,
}

impl WriteSet {
    /// Sorts and checks. Of two writes to one key the later one in `writes` wins.
    pub fn new(mut writes: Vec<Write>) -> Self {
        if !writes.is_sorted_by(|a, b| a.key < b.key) {
            writes.reverse();
            writes.sort_by(|a, b| a.key.cmp(&b.key));
            writes.dedup_by(|later, first| later.key == first.key);
        }
        Self { writes }
    }

    /// The changes in key order.
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }

    /// The changes in key order, owned.
    pub fn into_writes(self) -> Vec<Write> {
        self.writes
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Bytes that count against the limit of a write set.
    pub fn size(&self) -> usize {
        self.writes.iter().map(Write::size).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(key: &'static str, value: &'static str) -> Write {
        Write { key: Bytes::from(key), operation: Operation::Put(Bytes::from(value)) }
    }

    #[test]
    fn the_later_write_of_a_key_wins() {
        let set = WriteSet::new(vec![put("b", "1"), put("a", "2"), put("b", "3")]);
        assert_eq!(set.writes(), &[put("a", "2"), put("b", "3")]);
    }
}
