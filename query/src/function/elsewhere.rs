//! Names of PostgreSQL's functions that are not in the tables: a call of one is "not supported" rather than "does
//! not exist". Made by tests/generate/surface.py from pg_proc; sorted.

pub(super) static NAMES: &[&str] = &[];
