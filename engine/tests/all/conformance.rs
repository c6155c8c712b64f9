//! Golden scripts and random steps over every engine.

use engine::conformance::{self, Ending, Step, Subject};
use engine::file::{FileEngine, Options};
use engine::{Direction, Engine, Limit, memory::Memory, mirror::Mirror};
use proptest::prelude::*;
use std::{cell::RefCell, path::Path};

fn memory() -> Subject {
    Subject { fresh: Box::new(|| Box::new(Memory::new())), reopen: None }
}

/// A mirror ends for good, because half of it would survive.
fn mirror() -> Subject {
    let fresh =
        || -> Box<dyn Engine> { Box::new(Mirror::new(Box::new(Memory::new()), (file().fresh)())) };
    Subject { fresh: Box::new(fresh), reopen: None }
}

/// So little memory that a few long values fill it and are written as a run at once.
const SMALL: Options = Options { memory_bytes: 256 << 10, open_files_max: 8 };

thread_local! {
    /// The folders of this test's engines; the newest engine is the one that a trial has open.
    static FOLDERS: RefCell<Vec<tempfile::TempDir>> = const { RefCell::new(Vec::new()) };
}

/// Closing a file engine writes nothing, so both endings are the same.
fn file() -> Subject {
    let open = |folder: &Path| Box::new(FileEngine::open(folder, SMALL).unwrap());
    Subject {
        fresh: Box::new(move || {
            let folder = tempfile::tempdir().unwrap();
            let engine = open(folder.path());
            FOLDERS.with_borrow_mut(|folders| *folders = vec![folder]);
            engine
        }),
        reopen: Some(Box::new(move |engine, _ending| {
            drop(engine);
            FOLDERS.with_borrow(|folders| open(folders[0].path()))
        })),
    }
}

/// Runs every script of `tests/scripts`; `BLESS=1` writes what was printed into them instead.
fn scripts(subject: &Subject) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut paths: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "scripts in {}", folder.display());
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let (input, expected) = text.split_once("---\n").unwrap_or((&text, ""));
        let printed = conformance::script(subject, input);
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, format!("{input}---\n{printed}")).unwrap();
        } else {
            assert_eq!(printed, expected, "{}", path.display());
        }
    }
}

/// Short keys over few letters, so that they collide, prefix one another and touch both ends.
fn key() -> impl Strategy<Value = Vec<u8>> {
    let letter = prop_oneof![Just(0u8), Just(1), Just(b'a'), Just(b'b'), Just(0xfe), Just(0xff)];
    proptest::collection::vec(letter, 1..4)
}

fn value() -> impl Strategy<Value = Option<Vec<u8>>> {
    let bytes = prop_oneof![
        9 => proptest::collection::vec(any::<u8>(), 0..12),
        1 => (any::<u8>(), 3_000..9_000usize).prop_map(|(byte, len)| vec![byte; len]),
    ];
    proptest::option::weighted(0.7, bytes)
}

fn limit() -> impl Strategy<Value = Limit> {
    let bound = || prop_oneof![Just(0), Just(1), 2..40usize, Just(usize::MAX)];
    (bound(), bound()).prop_map(|(records, bytes)| Limit { records, bytes })
}

fn step() -> impl Strategy<Value = Step> {
    let direction = prop_oneof![Just(Direction::Forward), Just(Direction::Backward)];
    let ending = prop_oneof![Just(Ending::Closed), Just(Ending::Killed)];
    prop_oneof![
        8 => (proptest::collection::vec((key(), value()), 0..30), 0..4u8)
            .prop_map(|(changes, advance)| Step::Apply { changes, advance }),
        4 => key().prop_map(Step::Get),
        4 => (key(), proptest::option::of(key()), direction, limit()).prop_map(
            |(start, end, direction, limit)| Step::Pages { start, end, direction, limit }
        ),
        2 => Just(Step::Persist),
        1 => ending.prop_map(Step::Reopen),
    ]
}

fn random(subject: &Subject, cases: u32) {
    let config = ProptestConfig { cases, failure_persistence: None, ..Default::default() };
    proptest!(config, |(steps in proptest::collection::vec(step(), 1..40))| {
        conformance::steps(subject, &steps);
    });
}

#[test]
fn memory_runs_the_scripts() {
    scripts(&memory());
}

#[test]
fn memory_agrees_with_the_model() {
    random(&memory(), 300);
}

#[test]
fn memory_serves_readers_beside_the_applier() {
    conformance::beside(&memory(), 500, 60);
}

#[test]
fn mirror_runs_the_scripts() {
    scripts(&mirror());
}

#[test]
fn mirror_agrees_with_the_model() {
    random(&mirror(), 30);
}

#[test]
fn file_runs_the_scripts() {
    scripts(&file());
}

#[test]
fn file_agrees_with_the_model() {
    random(&file(), 60);
}

#[test]
fn file_serves_readers_beside_the_applier() {
    conformance::beside(&file(), 2_000, 60);
}
