//! Bytes to messages to calls: the four wire protocols and the web page.
//!
//! A client of PostgreSQL, MySQL, MongoDB or Redis must not notice that it talks to something else.
//! So each protocol is written against what real clients send and what the real server answers,
//! down to the text of its errors, and each is a folder of one shape:
//!
//! ```text
//!   socket bytes ──▶ codec ──▶ session ──▶ translate ──▶ `qanat` calls
//!                     ▲           │             │
//!   reply bytes ◀─────┴── codec ◀─┴── values ◀──┘        error: one kind → one code and text
//! ```
//!
//! - `codec` knows bytes and messages, no socket, no clock and no database. It takes a slice and
//!   gives borrowed messages; it takes values and appends to a `Vec<u8>`. So it can be tested by
//!   splitting its input at every byte, fuzzed, and measured in nanoseconds.
//! - `session` is one connection's state: what was authenticated, prepared, watched, opened.
//! - `translate` turns a message into a call of the library and its answer into messages.
//! - `error` maps the library's kinds of error to the protocol's codes, in one place.
//!
//! **Invariants.** The siblings never import one another; what they share stands in this crate's
//! root ([`limits`]). No count or length that a client sends is believed before the bytes are
//! there: nothing is allocated from it, nothing is indexed by it. A request that arrives in pieces
//! costs no second look at the pieces already seen. Every limit is a named setting.
//!
//! **Rejected.** One trait `Protocol` for all: their messages have nothing in common but bytes, and
//! a trait would only move the `match` away from the reader. Existing crates for the PostgreSQL
//! and Redis wires: each allocates for every field or argument, which is most of the cost of a
//! small request (measured: 57–142 ns for a pipelined GET where a borrowed parse takes about 21).

pub mod limits;
pub mod mongo;
pub mod mysql;
pub mod postgres;
pub mod redis;
pub mod stop;
pub mod web;
