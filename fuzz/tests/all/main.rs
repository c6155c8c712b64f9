//! The corpora, replayed: one binary.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod replay;
