//! The crate's integration tests, one binary.

mod filter;
mod sql_compare;
mod sql_deparse;
mod sql_golden;
mod sql_soup;
