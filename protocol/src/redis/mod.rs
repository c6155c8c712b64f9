//! The Redis wire: RESP2 and RESP3, the command table, and (beside them) the sessions over them.
//!
//! ```text
//!   "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n" ──▶ codec::RequestParser ──▶ Argv ["GET", "k"]
//!                                                                  │ commands::find, check_arity
//!   "$5\r\nvalue\r\n" ◀── codec::ReplyWriter ◀── translate ◀── session
//! ```
//!
//! - [`codec`]: requests in (borrowed, incremental), replies out, both protocol versions.
//! - [`client`]: the other end of the wire, for tests and the benchmark.
//! - [`commands`]: what every command of Redis 7.2 is called, takes and touches: data, not code.
//! - [`session`]: one connection's state and loop; the server's settings and its list of clients.
//! - [`translate`]: commands on keys to calls of the library and back.
//! - [`error`]: protocol errors and the texts of errors that need no database to be known.
//!
//! **Invariants.** A request is parsed whole before any of it runs. Errors that lose the framing
//! close the connection after their text; all others leave it usable. The words of errors are
//! those of Redis, because clients match them.
//!
//! **Rejected.** A tree of reply values between the database and the wire: `ReplyWriter` appends
//! each part as it is known, and lengths known late are filled in afterwards.

pub mod client;
pub mod codec;
pub mod commands;
pub mod error;
pub mod session;
pub mod translate;
