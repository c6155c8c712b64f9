//! Changing some fields of an encoded document without decoding the others.
//!
//! ```text
//!   a3 │ k1 v1 │ k2 v2 │ k3 v3          set k2, remove k3, set k9
//!   a3 │ k1 v1 │ k2 w2 │ k9 w9          spans between edits are copied as they are
//! ```
//!
//! A replaced field keeps its place; new ones are appended in the order given. One pass over the
//! old bytes whatever the number of edits; edits are few, so finding a key's edit is a scan of
//! them.

use super::{Damaged, Encoder, Key, MAP, Raw, head};

/// One change: the value's encoded bytes, or `None` to remove.
pub type Edit<'e> = (Key<'e>, Option<&'e [u8]>);

/// Applies edits to the outermost map of `document` and answers the new bytes. A later edit of the
/// same key wins over an earlier one; removing what is absent changes nothing.
///
/// # Errors
/// Damage, and anything that is not a map.
pub fn edit(document: &[u8], edits: &[Edit<'_>]) -> Result<Vec<u8>, Damaged> {
    let map = head(document).filter(|head| head.major == MAP).ok_or(Damaged)?;
    let added: usize = edits.iter().filter_map(|(_, value)| *value).map(<[u8]>::len).sum();
    let mut out = Vec::with_capacity(document.len() + added + 16 * edits.len());
    let mut encoder = Encoder::new(&mut out);
    let open = encoder.begin_map();
    let mut count = 0usize;
    let mut rest = document.get(map.len..).ok_or(Damaged)?;
    let mut used: smallvec::SmallVec<[bool; 16]> = smallvec::smallvec![false; edits.len()];
    for _ in 0..map.argument {
        let (key, whole, tail) = entry(rest)?;
        rest = tail;
        let mut change = None;
        for (mark, (name, value)) in used.iter_mut().zip(edits) {
            if *name == key {
                *mark = true;
                change = Some(*value);
            }
        }
        match change {
            None => encoder.encoded(whole),
            Some(None) => continue,
            Some(Some(value)) => {
                encoder.any_key(key);
                encoder.encoded(value);
            }
        }
        count += 1;
    }
    for (at, (key, _)) in edits.iter().enumerate() {
        let first = !edits.iter().take(at).any(|(earlier, _)| earlier == key);
        if first && !used.get(at).copied().unwrap_or(true) {
            let last = edits.iter().rev().find(|(later, _)| later == key);
            if let Some((_, Some(value))) = last {
                encoder.any_key(*key);
                encoder.encoded(value);
                count += 1;
            }
        }
    }
    encoder.end_map(open, count);
    Ok(out)
}

/// The first entry of `rest`: its key, its bytes, and what follows.
fn entry(rest: &[u8]) -> Result<(Key<'_>, &[u8], &[u8]), Damaged> {
    let mut one = super::raw::Entries::of_one(rest);
    let (key, _) = one.next().ok_or(Damaged)??;
    let tail = one.rest();
    let len = rest.len() - tail.len();
    Ok((key, rest.get(..len).ok_or(Damaged)?, tail))
}

/// Sets one field to an encoded value: replaces it where it stands, or appends it.
///
/// # Errors
/// As [`edit`].
pub fn set(document: &[u8], key: Key<'_>, value: &[u8]) -> Result<Vec<u8>, Damaged> {
    edit(document, &[(key, Some(value))])
}

/// Removes one field.
///
/// # Errors
/// As [`edit`].
pub fn remove(document: &[u8], key: Key<'_>) -> Result<Vec<u8>, Damaged> {
    edit(document, &[(key, None)])
}

impl<'a> Raw<'a> {
    /// This document with one field set to an encoded value.
    ///
    /// # Errors
    /// As [`edit`].
    pub fn with(self, key: Key<'_>, value: &[u8]) -> Result<Vec<u8>, Damaged> {
        set(self.bytes()?, key, value)
    }
}
