//! Keys that are too long.
//!
//! Stores bound the length of a key; text does not. A key above the bound keeps its beginning, so
//! that it stays in its place among its neighbours, and ends in a hash of the whole:
//!
//! ```text
//!   genuine     up to 59 999 bytes, as they are
//!   shortened   first 59 984 bytes │ 16 bytes of XXH3-128 over the whole key   = 60 000 exactly
//! ```
//!
//! The length is the flag: no genuine key has it, so a shortened key is recognised without a byte
//! spent on the others, and never equals one.
//!
//! Two keys that agree in 59 984 bytes order by their hashes, and two different keys may in
//! principle have one hash (it is fast, not cryptographic): whoever finds a shortened key compares
//! the full values before believing it, for equality and for order.

use std::borrow::Cow;

/// Length of a shortened key, and the bound that every genuine key stays below.
pub const KEY_LEN_MAX: usize = 60_000;
const KEPT: usize = KEY_LEN_MAX - 16;

/// The key itself where it is shorter than [`KEY_LEN_MAX`], else its shortened form.
pub fn shorten(key: &[u8]) -> Cow<'_, [u8]> {
    if key.len() < KEY_LEN_MAX {
        return Cow::Borrowed(key);
    }
    let mut short = Vec::with_capacity(KEY_LEN_MAX);
    short.extend_from_slice(key.get(..KEPT).unwrap_or(key));
    short.extend_from_slice(&xxhash_rust::xxh3::xxh3_128(key).to_be_bytes());
    Cow::Owned(short)
}

/// Whether a stored key is a shortened one.
#[inline]
pub fn is_shortened(key: &[u8]) -> bool {
    key.len() == KEY_LEN_MAX
}
