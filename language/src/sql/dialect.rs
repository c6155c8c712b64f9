//! Which SQL is spoken.
//!
//! The grammar is one. Where two peers differ the lexer and the parser ask the `Dialect` that they
//! were given, and only there: which word is a keyword, what quotes a name, which statements exist.
//! Rejected: a copy of the grammar for each peer (two places for every correction), and a trait
//! with
//! hooks (a call through a table for each token).

use super::keyword::Keyword;

/// A peer's SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Dialect {
    /// PostgreSQL 15 with `standard_conforming_strings` on.
    #[default]
    PostgreSql,
}

impl Dialect {
    /// The keyword spelt `word`, if this dialect has it.
    pub fn keyword(self, word: &str) -> Option<Keyword> {
        match self {
            Dialect::PostgreSql => Keyword::find(word),
        }
    }

    /// Bytes of a name that count; longer names are cut, as the peer does.
    pub fn name_bytes_max(self) -> usize {
        match self {
            Dialect::PostgreSql => 63,
        }
    }
}
