//! `block:` — the engine that will rest on a raw device or a preallocated file.
//!
//! The problem: a machine given over to one store has no use for a file system between the store
//! and its device. The commit log and the version table need none: the log is a ring of extents,
//! the table is memory. What is missing is an engine that places its own pages on a device.
//!
//! ```text
//!   device: | label | log extents … | engine extents …                               |
//!             format, sizes            sorted runs or tree pages, each with a checksum
//! ```
//!
//! Two candidates stand behind the same [`crate::Engine`] trait: a B-tree that takes a storage
//! backend (each page with a checksum of our own, because a tree that keeps checksums without
//! verifying them on read is silently wrong after damage), and immutable sorted runs of our own on
//! the device seam. Neither is built; this module answers that by name, so that an address that
//! says `block:` is never quietly served by something else.
//!
//! Rejected: a file system in a file (loop device), which gives back exactly the double journaling
//! that `block:` is meant to avoid.

use crate::{Engine, Error};
use std::path::Path;

/// Opens the engine on the device or preallocated file at `path`.
///
/// # Errors
/// Always [`Error::Unsupported`] in this version.
pub fn open(path: &Path) -> Result<Box<dyn Engine>, Error> {
    Err(Error::Unsupported(format!("block:{}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_names_what_is_unsupported() {
        let answer = open(Path::new("/dev/vdz")).err().map(|e| e.to_string());
        assert_eq!(answer.as_deref(), Some("unsupported: block:/dev/vdz"));
    }
}
