//! Every input that the fuzzer kept or that once broke a promise, run through its target.
//!
//! ```text
//!   corpus/NAME/FILE ─► target NAME ─► comes back, without a panic on its way
//! ```
//!
//! Sessions catch a panic and close the connection, so the hook counts: a panic that was caught is
//! a failure here as it is under the fuzzer, which ends at the first.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Once;

thread_local! {
    static PANICS: Cell<usize> = const { Cell::new(0) };
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// Counts this thread's panics from now on.
fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICS.with(|count| count.set(count.get() + 1));
            before(info);
        }));
    });
}

fn replay(name: &str) {
    watch();
    let target = fuzz::find(name).expect("a target");
    let folder = corpus().join(name);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{}: no corpus", folder.display());
    for file in &files {
        let bytes = fs::read(file).unwrap();
        let run = std::panic::AssertUnwindSafe(|| (target.run)(&bytes));
        let result = std::panic::catch_unwind(run);
        let panics = PANICS.with(Cell::get);
        assert!(result.is_ok() && panics == 0, "target {name} fails on {}", file.display());
    }
    (target.run)(b"");
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test] fn $name() { replay(stringify!($name)); })*

        #[test]
        fn every_target_is_replayed_and_every_corpus_has_a_target() {
            let replayed: BTreeSet<&str> = [$(stringify!($name)),*].into();
            let known: BTreeSet<&str> = fuzz::TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(replayed, known, "tests/all/replay.rs and fuzz::TARGETS differ");
            let folders: BTreeSet<String> = fs::read_dir(corpus())
                .unwrap()
                .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
                .collect();
            let folders: BTreeSet<&str> = folders.iter().map(String::as_str).collect();
            assert_eq!(folders, known, "fuzz/corpus and fuzz::TARGETS differ");
        }
    };
}

targets! {
    cbor key json text decimal log store manifest row catalogue sql statement pattern
    filter postgres_codec postgres_parameter postgres_session redis_codec redis_session
}
