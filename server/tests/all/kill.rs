//! kill -9 at random points under mixed load: every acknowledged write is there afterwards.
//!
//! The operating system lives on, so this holds at `interval` as at `sync`: what was handed over
//! is not lost with the process. What a flush is worth is `shim`'s question.
//!
//! `QANAT_ROUNDS=200 cargo nextest run -p server --run-ignored all kill` for the long run; the seed
//! is printed and may be given as `QANAT_SEED`.

use std::path::Path;
use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;

use super::crash::{Crash, Server, rounds, rounds_max};

struct Kill;

impl Crash for Kill {
    fn environment(&mut self, _: &Path, _: &mut StdRng) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn crash(&mut self, server: &mut Server, random: &mut StdRng) {
        std::thread::sleep(Duration::from_millis(random.random_range(1..600)));
        server.kill();
    }
}

#[test]
fn kill_9_loses_nothing_in_3_rounds() {
    rounds(3, &["sync", "interval"], &mut Kill);
}

#[test]
#[ignore = "long: 200 rounds"]
fn kill_9_loses_nothing() {
    rounds(rounds_max(200), &["sync", "interval"], &mut Kill);
}
