//! Integration tests of the query crate: one binary.

#![allow(clippy::expect_used)] // a test that cannot go on says why

mod expression;
mod golden;
mod order;
mod predicate;
mod session;
mod surface;
mod system;
