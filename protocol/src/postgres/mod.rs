//! The PostgreSQL wire, protocol 3.0: messages both ways, COPY's formats, and the wire forms of
//! values; the sessions over them stand beside.
//!
//! ```text
//!   'P' len "s\0SELECT $1\0" 0 ──▶ codec::frame ──▶ codec::Frontend::parse ──▶ session
//!   'B' 'D' 'E' 'S' …                                                            │ translate
//!   '1' '2' 'T' 'D' 'D' 'C' 'Z' ◀── codec::BackendWriter ◀── types, copy ◀───────┘
//! ```
//!
//! - [`codec`]: frames, the startup packets, messages of either side.
//! - [`copy`]: rows of COPY in text and CSV.
//! - [`types`]: text and binary of every type that MAPPING gives to PostgreSQL.
//! - [`session`]: one connection from its first packet to its last, over any stream of bytes.
//! - [`translate`]: parameters and rows between the wire and the library.
//! - [`error`]: what can be wrong, in PostgreSQL's words and codes.
//!
//! **Invariants.** A message is borrowed from the read buffer and checked whole before any of it
//! is used: each count against the bytes that follow, each string for its end and its UTF-8. Rows
//! are written in place, lengths filled in afterwards: nothing is allocated for a field. The
//! server's answers to a whole extended query leave in one write.
//!
//! **Rejected.** The crate `pgwire`: it flushes five times for an extended query, indexes a list
//! that the client sent without a check, fixes the message limit at 1 GiB and allocates for every
//! field.

pub mod codec;
pub mod copy;
pub mod error;
pub mod session;
pub mod translate;
pub mod types;
