//! SQL, from text to bound plan.
//!
//! ```text
//!                      ┌──────────▶ fingerprint ──▶ key + literals ──▶ plan cache ──hit──▶ plan
//! text ──▶ lexer ──────┤                                                  │miss             ▲
//!                      └──▶ parser ──▶ ast ──────────────────────────▶ binder ─────────────┘
//!                                       │ ▲
//!                                  deparse └ parse_expression      (catalogue: CHECK, DEFAULT,
//! index)
//! ```
//!
//! A text that was seen before with other literals builds no tree: the fingerprint finds its plan
//! and
//! says where the literals stand. A new text is parsed whole, all its statements, before the first
//! of
//! them runs, as PostgreSQL's simple query protocol demands.
//!
//! The peers' dialects share every module here; what differs is asked of a [`Dialect`].
//!
//! Invariants
//! - Text comes in as UTF-8; every offset, in tokens, trees and errors, is a byte offset into it.
//! - No input panics or overflows the stack; the length of the input is the caller's to bound.
//! - A statement known to PostgreSQL 15 is never a syntax error: at worst it is
//!   [`Statement::Unsupported`](ast::Statement::Unsupported), by name.
//!
//! Known edges: `standard_conforming_strings = off` is not spoken; a function body in BEGIN
//! ATOMIC, a
//! rule's actions and MERGE are skipped, not checked; names longer than 63 bytes are cut silently.

pub mod ast;
pub mod bind;
pub mod define;
pub mod deparse;
pub mod dialect;
pub mod error;
pub mod fingerprint;
pub mod keyword;
pub mod lexer;
pub mod literal;
pub mod parser;
pub mod texts;
pub mod tree;

pub use dialect::Dialect;
pub use error::{ParseError, ParseErrorKind};
pub use fingerprint::Fingerprint;
pub use parser::{parse, parse_expression, parse_type, statement_names};
