//! The model over a local store in memory.

mod build;
mod ddl;
mod documents;
mod random;
mod rows;
mod toy;
