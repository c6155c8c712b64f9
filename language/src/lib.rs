//! Languages: SQL text in, bound plan out.
pub mod sql;
