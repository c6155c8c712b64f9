//! Integration tests of the transaction layer, one binary.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod buffer;
mod conformance;
mod crash;
mod local;
mod resting;
