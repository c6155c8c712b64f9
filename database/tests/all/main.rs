//! The library against recorded answers of PostgreSQL, and against itself.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod collections;
mod damage;
mod documents;
mod history;
mod scripts;
mod sizes;
mod surface;
