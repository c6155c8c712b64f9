//! Fuzzing: every reader of bytes that strangers send or a disk gives back.
//!
//! A reader of foreign bytes is right when it comes back from *all* of them, and no list of
//! examples says that. So each reader has a target here: a function from bytes to nothing that
//! panics where a promise is broken. A fuzzer looks for such bytes with the program's coverage
//! before its eyes; what it learned is kept as a corpus and replayed by an ordinary test.
//!
//! ```text
//!   corpus/NAME/*  ──► tests/all/replay.rs      each build, stable toolchain, no fuzzer
//!        ▲    │
//!        │    └─────► fuzz/run NAME SECONDS     libFuzzer: mutates, keeps what reaches new code
//!        └──────────── what it kept, made small, and every input that ever broke a promise
//! ```
//!
//! **Invariants**
//! - A target asserts more than "no panic" wherever more is promised: what validates is read, what
//!   is written is read back, pieces give what the whole gives, two ways to one answer agree.
//! - A target depends on its bytes alone (a store is made for each run, the disk is simulated), so
//!   an input of the corpus means the same for ever.
//! - Where a checksum guards the bytes, the target seals them: else only the checksum is tested.
//! - The default build needs no C++ compiler: libFuzzer is behind the feature `libfuzzer`.
//!
//! Rejected: property tests alone (strategies make what their author thought of; those tests stay,
//! they say what is meant), a crate of targets outside of the workspace (it would rot unbuilt), and
//! one binary a target (a dozen linkings for what a name tells).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a target's answer is to panic")]

mod decimals;
mod disk;
mod documents;
mod filters;
mod input;
mod patterns;
mod postgres;
mod records;
mod redis;
mod sessions;
mod sql;
mod texts;

/// A function that takes any bytes, and panics where a promise is broken.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: that of its corpus, and what `fuzz/run` takes.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// Runs it.
    pub run: fn(&[u8]),
}

/// All targets, lowest crate first.
pub const TARGETS: &[Target] = &[
    target("cbor", "stored documents: validate, walk, decode, patch", documents::cbor),
    target("key", "keys: read, write, order", documents::key),
    target("json", "JSON text, there and back", texts::json),
    target("text", "text forms of dates, times, intervals, numbers, ids, bytes", texts::text),
    target("decimal", "decimal arithmetic against big integers", decimals::decimal),
    target("log", "segments of the commit log: recovery and check", disk::log),
    target("store", "FORMAT, CLOCK and the payloads of log records", disk::store),
    target("manifest", "the engine's manifest and tables", disk::manifest),
    target("row", "rows, index entries and records of key spaces", records::row),
    target("catalogue", "records of the catalogue", records::catalogue),
    target("sql", "lexer, parser, deparser, fingerprint", sql::sql),
    target("statement", "binding, and the plan cache against none", sql::statement),
    target("pattern", "LIKE, SIMILAR TO, regular expressions", patterns::pattern),
    target("filter", "filters of documents: their predicates, bounds, plans", filters::filter),
    target("postgres_codec", "PostgreSQL: packets, messages, types, COPY", postgres::codec),
    target("postgres_parameter", "PostgreSQL: values of Bind and of results", sessions::parameter),
    target("postgres_session", "PostgreSQL: a whole session", sessions::postgres),
    target("redis_codec", "Redis: requests, replies, glob patterns", redis::codec),
    target("redis_session", "Redis: a whole session", sessions::redis),
];

const fn target(name: &'static str, about: &'static str, run: fn(&[u8])) -> Target {
    Target { name, about, run }
}

/// The target of a name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
