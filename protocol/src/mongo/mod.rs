//! MongoDB's wire: not built yet; this page says what it will be.
//!
//! One message form, OP_MSG: a 16-byte header, flags, sections of BSON, an optional checksum. The
//! first section (kind 0) is the command document; sections of kind 1 carry its long arrays
//! (documents to insert, updates, deletes) outside the document, so that they need no copy:
//!
//! ```text
//!   | length u32 | request id | response to | opcode 2013 |  flags u32
//!   | 0 | BSON: { find: "users", filter: {…}, $db: "main", lsid: {…} }
//!   | 1 | size | "documents\0" | BSON BSON BSON …
//!   | crc32c, where the flag says so
//! ```
//!
//! **Invariants it will keep.** The folder has the shape of its siblings (codec, session,
//! translate, error) and imports none of them. A document is checked once, whole (lengths, depth,
//! terminators, UTF-8), and read by a borrowed cursor afterwards. `moreToCome` gets no answer.
//! The server answers `hello` as a router, so that drivers use transactions without a host list.
//!
//! **Rejected.** OP_QUERY beyond the handshake that old drivers open with, and compression until
//! a client asks for it by configuration.
