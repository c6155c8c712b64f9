//! information_schema: the catalogue in the words of the SQL standard, as PostgreSQL 15 fills them
//! in.
//!
//! Names of catalogues are names of databases. What the standard has and PostgreSQL has not is NULL
//! there and here.

pub(super) mod columns;
pub(super) mod constraints;
pub(super) mod empty;
pub(super) mod privileges;
pub(super) mod routines;
pub(super) mod standard;
mod typed;
