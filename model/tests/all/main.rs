//! The model over a local store in memory.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod build;
mod ddl;
mod documents;
mod mapping;
mod random;
mod rows;
mod toy;
