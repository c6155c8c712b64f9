//! Integration tests of the transaction layer, one binary.

mod buffer;
mod conformance;
mod crash;
mod local;
mod resting;
