//! Integration tests of the query crate: one binary.

mod golden;
mod order;
mod session;
mod surface;
