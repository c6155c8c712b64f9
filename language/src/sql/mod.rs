//! SQL: text to tokens, tokens to a syntax tree.
pub mod ast;
pub mod bind;
pub mod dialect;
pub mod error;
pub mod keyword;
pub mod lexer;
pub mod literal;
pub mod parser;
