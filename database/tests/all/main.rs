//! The library against recorded answers of PostgreSQL, and against itself.

mod history;
mod scripts;
