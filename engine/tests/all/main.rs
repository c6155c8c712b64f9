//! The conformance suite over every engine, and what is particular to each.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's answer is to panic")]

mod conformance;
mod file;
