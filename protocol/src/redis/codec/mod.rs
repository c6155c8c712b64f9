//! RESP both ways without a socket: [`request`] reads, [`batch`] holds what was read, [`reply`]
//! writes,
//! [`double`] prints floats.
//!
//! ```text
//!   read buffer   |SET k v|GET k|GET k|GE      one read, many requests
//!                  ▲ consumed ────────▲▲
//!                                     │└─ partial: the parser remembers where it stopped
//!                                     └── drop what is before, keep what is after
//! ```
//!
//! **Invariants.** How the input was split into reads changes no result. The bytes of an argument
//! are looked at zero times: only lengths are read. Positions are relative to the beginning of
//! the request, so the caller may move the buffer between two calls.
//!
//! **Rejected.** Owned arguments (`Bytes` for each): a reference count for each argument costs
//! more than the whole parse; a command that keeps a value copies that one.

pub mod batch;
pub mod double;
pub mod inline;
pub mod reply;
pub mod request;

pub use batch::Batch;
pub use reply::{Aggregate, Mark, ReplyWriter, Version};
pub use request::{Argv, RequestParser, Requests};
