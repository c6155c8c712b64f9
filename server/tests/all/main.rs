//! Tests of the program and of the repository around it. One binary; a module for each subject.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod crash;
mod fixtures;
mod kill;
mod layers;
mod program;
mod shim;
mod tidy;
mod wire;
