//! The codecs against recorded bytes of real servers, and against properties that must hold.
#![allow(missing_docs, reason = "tests")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod golden;
mod redis;
