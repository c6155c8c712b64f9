//! The codecs against recorded bytes of real servers, and against properties that must hold.
#![allow(missing_docs, reason = "tests")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod clients;
mod golden;
mod mapping;
mod postgres_codec;
mod postgres_copy;
mod postgres_session;
mod postgres_types;
mod redis;
mod redis_opened;
mod redis_session;
mod surface;

/// So many cases for a property; failures are not kept in files.
fn cases(cases: u32) -> proptest::prelude::ProptestConfig {
    proptest::prelude::ProptestConfig { cases, failure_persistence: None, ..Default::default() }
}
