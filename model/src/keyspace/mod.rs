//! Redis key spaces: strings and hashes as records of collections that SQL can join.
//!
//! ```text
//!   SELECT 0 ─► collection `redis`      SELECT 3 ─► `redis_3`      users:1 ─► row 1 of the table opened as `users`
//!
//!   Keys (one transaction)     string · hash · generic · scan        commands, typed
//!     └ slot, write, remove    O record + I by hash + X hint + count   one change, all of it
//!          └ Work, Buffer
//!   sweep_keys                 due hints, dead incarnations           in the background, small commits
//! ```
//!
//! [`layout`] draws the bytes. A string or a small hash is one record. A large hash keeps its
//! fields as records of their own
//! under an incarnation: a field costs O(log n), and DEL deletes the head and leaves the
//! incarnation's name to be emptied at leisure.
//!
//! **Invariants**
//! - A key that has expired is absent to every command, whether or not it was deleted yet; expiry
//!   is an ordinary transactional delete that the feed sees.
//! - The number of keys is a merged counter: two writers of different keys never meet.
//! - Everything that one transaction does is of one time.
//!
//! Rejected: one record for each field from the start (HGETALL of a session of five fields would be
//! a scan), and hashes of any size in one record (HSET would cost the whole hash).

mod columns;
mod error;
mod expiry;
mod generic;
pub mod glob;
mod hash;
mod held;
mod keys;
pub mod layout;
pub mod number;
pub mod opened;
mod scan;
mod space;
mod string;

#[cfg(test)]
mod tests;

pub use columns::{Columns, Members, columns};
pub use error::{KeyError, Result};
pub use expiry::{Sweep, SweepLimit};
pub use generic::{ExpireIf, Ttl};
pub use hash::FieldFilter;
pub use keys::{KeyLock, Keys, Mark, STRING_BYTES_MAX, Start};
pub use scan::ScanOptions;
pub use space::{COLUMNS, Spaces, create, name};
pub use string::{Condition, Expiry, SetOptions, SetReply};
