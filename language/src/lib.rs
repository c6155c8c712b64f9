//! Languages: each text or document in, bound plan out.
//!
//! A language knows its syntax and its meaning, and nothing of sockets, sessions or storage:
//!
//! ```text
//! protocol ──text──▶ language ──bound plan──▶ query ──keys──▶ model ──▶ transaction
//!                       ▲  names, types, options
//!                       └──────────────── catalogue (model)
//! ```
//!
//! Every language ends in the one plan of `query`, made of its one table of typed functions. So two
//! languages over one collection cannot disagree about what a document holds, and an operator that
//! both have
//! is written once. What differs between dialects (NULL logic, collation, overflow) is decided
//! here, by the
//! choice of function; no dialect flag exists at run time.
//!
//! Invariants
//! - Nothing is chosen by the text of a query: two texts with the same tree get the same plan.
//! - What is not supported is an error that names the thing; nothing is parsed and then ignored.
//! - An error has a position in the text whenever the peer would show one.
//!
//! There are two: [`sql`], which is text, and [`filter`], whose statements are documents.
//!
//! Rejected: translating one language into another's text (positions, types and error codes are
//! lost),
//! and a general SQL engine behind it (it plans too slowly for point reads and wraps overflow
//! silently).

pub mod filter;
pub mod sql;
