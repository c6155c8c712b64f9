//! Short shared bytes in one allocation.
//!
//! [`Bytes`] made of a `Vec` allocates a second time when it is first cloned, for the count of its
//! owners: two allocations, on two lines of the cache, for each key and each value of a commit,
//! which the committer makes and the applier, seconds later and with both lines cold, frees. Here
//! the count stands before the bytes:
//!
//! ```text
//!   Bytes::from(vec)       ptr ─► [ bytes ]        data ─► [ ptr, capacity, count ]
//!   compact(&bytes)        ptr ───────────┐        data ─► [ count │ bytes … │ unused ]
//!                                         └──────────────────────────▲
//! ```
//!
//! Lengths are rounded up so that with the count they fill the allocator's classes: up to 64 bytes
//! in steps of 16, then eight to a power of two. Longer bytes pay for a second allocation by their
//! copying alone, and are left as they are.
//!
//! Rejected: a type of our own with inline bytes: every interface speaks `Bytes`, and 24 bytes
//! inline would be too few for a key.

use bytes::Bytes;

/// The longest that is put into one allocation.
const LONGEST: usize = 248;

/// Shared bytes with these contents; in one allocation up to 248 bytes.
#[must_use]
pub fn compact(bytes: &[u8]) -> Bytes {
    compact_parts(&[bytes])
}

/// As [`compact`]; what is too long for it keeps the vector's memory.
#[must_use]
pub fn compact_vec(bytes: Vec<u8>) -> Bytes {
    if bytes.len() <= LONGEST { compact(&bytes) } else { Bytes::from(bytes) }
}

/// As [`compact`], of the parts one after the other.
#[must_use]
pub fn compact_parts(parts: &[&[u8]]) -> Bytes {
    let length = parts.iter().map(|part| part.len()).sum();
    match length {
        0 => Bytes::new(),
        1..=8 => within::<8>(parts, length),
        9..=24 => within::<24>(parts, length),
        25..=40 => within::<40>(parts, length),
        41..=56 => within::<56>(parts, length),
        57..=72 => within::<72>(parts, length),
        73..=88 => within::<88>(parts, length),
        89..=104 => within::<104>(parts, length),
        105..=120 => within::<120>(parts, length),
        121..=152 => within::<152>(parts, length),
        153..=184 => within::<184>(parts, length),
        185..=216 => within::<216>(parts, length),
        217..=LONGEST => within::<LONGEST>(parts, length),
        _ => Bytes::from(parts.concat()),
    }
}

fn within<const N: usize>(parts: &[&[u8]], length: usize) -> Bytes {
    let mut array = [0; N];
    let mut rest = &mut array[..];
    for part in parts {
        let Some((place, behind)) = rest.split_at_mut_checked(part.len()) else { break };
        place.copy_from_slice(part);
        rest = behind;
    }
    let mut owned = Bytes::from_owner(array);
    owned.truncate(length);
    owned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_kept_at_every_length() {
        let bytes: Vec<u8> = (0..300u16).map(|n| n as u8 ^ 0x5a).collect();
        for length in 0..=bytes.len() {
            let bytes = &bytes[..length];
            let whole = compact(bytes);
            assert_eq!(whole, bytes);
            assert_eq!(compact_vec(bytes.to_vec()), bytes);
            let (head, end) = bytes.split_at(length / 3);
            assert_eq!(compact_parts(&[head, &[], end]), bytes);
            let (clone, tail) = (whole.clone(), whole.slice(length / 2..));
            drop(whole);
            assert_eq!((clone.as_ref(), tail.as_ref()), (bytes, &bytes[length / 2..]));
        }
    }
}
