//! Messages of protocol 3.0 without a socket: [`mod@startup`], [`frontend`] in, [`backend`] out.
//!
//! ```text
//!   first packet   | length i32 | version or request code | parameters … \0 |
//!   every other    | type u8 | length i32 (counts itself) | body            |
//! ```
//!
//! **Invariants.** A frame is found by its length alone, so reading in pieces looks at five bytes
//! again and at nothing else. The limit of a frame depends on its type, and is checked before the
//! frame is awaited. A frame's body is parsed only when it is there, whole.
//!
//! **Rejected.** Parsing while bytes arrive: a message is used whole or not at all, and large ones
//! (COPY, long parameters) are slices either way.

pub mod backend;
mod cursor;
pub mod frontend;
pub mod startup;

pub use backend::{BackendWriter, Column, DataRow, ErrorFields, Severity, Transaction};
pub use frontend::{Bind, Format, Formats, Frame, Frontend, Phase, Target, frame};
pub use startup::{Startup, StartupMessage, startup};
