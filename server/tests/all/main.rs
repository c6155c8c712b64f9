//! Tests of the program and of the repository around it. One binary; a module for each subject.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod layers;
mod program;
mod tidy;
