//! A store written by each release is opened by this one.
//!
//! ```text
//!   fixtures/VERSION/store.runs     the store's files, as they were when its server was killed
//!   fixtures/VERSION/expected.txt   questions, `---`, what that release answered
//!
//!   unpack ─► check ─► serve ─► every answer as recorded ─► write ─► stop ─► check ─► serve ─► again
//! ```
//!
//! The first half of the script was closed and lies in the engine's runs, the second half only in
//! the log: both are read. Golden files hold each layout alone; this holds that together they are a
//! store, and that what a release promises to open is opened before it is released.
//!
//! A store is mostly zeros and repeated bytes, so its files are kept as runs (a few lines below)
//! and need no archiver.
//!
//! **Invariants**
//! - A fixture of a released version never changes.
//! - A version with a heading in CHANGELOG.md has a fixture.
//!
//! Rejected: stores made by the test itself (they are of the present version), and files as they
//! lie (a log segment is laid out in advance, 64 MB of it).

use std::path::{Path, PathBuf};

use super::crash::{Launch, Server, check};
use super::layers::root;
use super::wire::{Failure, Postgres, Redis};

/// Bytes of a fixture at most: it is in every clone for good.
const PACKED_BYTES_MAX: usize = 100 << 10;
/// A run shorter than this is cheaper as it is.
const RUN_BYTES_MIN: usize = 24;

fn fixtures() -> PathBuf {
    root().join("server/tests/fixtures")
}

// ---- files as runs -----------------------------------------------------------------------------

/// Literal bytes behind their count, then one byte and how often it follows; until all is said.
fn pack(bytes: &[u8], out: &mut Vec<u8>) {
    let mut literal = 0;
    let mut at = 0;
    let mut push = |literal: &[u8], byte: u8, count: usize| {
        out.extend((literal.len() as u32).to_be_bytes());
        out.extend(literal);
        out.push(byte);
        out.extend((count as u32).to_be_bytes());
    };
    while at < bytes.len() {
        let run = bytes[at..].iter().take_while(|byte| **byte == bytes[at]).count();
        if run >= RUN_BYTES_MIN {
            push(&bytes[literal..at], bytes[at], run);
            literal = at + run;
        }
        at += run;
    }
    push(&bytes[literal..], 0, 0);
}

/// Takes counted bytes off the front.
fn counted<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let (head, rest) = bytes.split_at(4);
    let (taken, rest) = rest.split_at(u32::from_be_bytes(head.try_into().unwrap()) as usize);
    *bytes = rest;
    taken
}

fn unpack(mut packed: &[u8], length: usize) -> (Vec<u8>, &[u8]) {
    let mut bytes = Vec::with_capacity(length);
    loop {
        bytes.extend(counted(&mut packed));
        let (run, rest) = packed.split_at(5);
        let count = u32::from_be_bytes(run[1..].try_into().unwrap()) as usize;
        packed = rest;
        if count == 0 {
            assert_eq!(bytes.len(), length);
            return (bytes, packed);
        }
        bytes.resize(bytes.len() + count, run[0]);
    }
}

/// The files of a store, but for what a running process has there.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            match path.is_dir() {
                true => open.push(path),
                false if name == "LOCK" || name.starts_with("spare-") => {}
                false => found.push(path),
            }
        }
    }
    found.sort();
    found
}

fn pack_store(folder: &Path) -> Vec<u8> {
    let mut out = Vec::new();
    for path in files(folder) {
        let name = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        out.extend((name.len() as u32).to_be_bytes());
        out.extend(name.as_bytes());
        out.extend((bytes.len() as u64).to_be_bytes());
        pack(&bytes, &mut out);
    }
    out
}

fn unpack_store(mut packed: &[u8], folder: &Path) {
    while !packed.is_empty() {
        let name = String::from_utf8(counted(&mut packed).to_vec()).unwrap();
        let (length, rest) = packed.split_at(8);
        let length = u64::from_be_bytes(length.try_into().unwrap()) as usize;
        let (bytes, rest) = unpack(rest, length);
        packed = rest;
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

// ---- questions ---------------------------------------------------------------------------------

/// A server over a store, and a client of each kind.
struct Clients {
    server: Server,
    main: Postgres,
    redis: Redis,
    /// Of the second database, once it was asked for.
    other: Option<Postgres>,
}

impl Clients {
    fn start(store: &Path) -> Clients {
        let launch = Launch { store, durability: "sync", environment: Vec::new() };
        let mut server = Server::spawn(&launch);
        let main = server.ready().unwrap_or_else(|| panic!("it ended: {}", server.said()));
        let redis = Redis::connect(server.redis).unwrap();
        Clients { server, main, redis, other: None }
    }

    /// `sql …`, `other …` (SQL in the database `other`) or a Redis command; the answer as lines.
    fn ask(&mut self, line: &str) -> String {
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rows = match first {
            "sql" => self.main.simple(rest),
            "other" => {
                let port = self.server.postgres;
                let connect = || Postgres::connect_to(port, "other").unwrap();
                self.other.get_or_insert_with(connect).simple(rest)
            }
            _ => return self.command(line),
        };
        let shown = |row: Vec<Option<String>>| {
            let cells = row.into_iter().map(|cell| cell.unwrap_or_else(|| "NULL".into()));
            cells.collect::<Vec<_>>().join(" | ")
        };
        match rows {
            Ok(rows) if rows.is_empty() => "ok".into(),
            Ok(rows) => rows.into_iter().map(shown).collect::<Vec<_>>().join("\n"),
            Err(Failure::Refused(code, message)) => format!("{code}: {message}"),
            Err(Failure::Lost) => panic!("{line}: {}", self.server.said()),
        }
    }

    /// `K*N` in a command is so many times that letter: long keys in short lines.
    fn command(&mut self, line: &str) -> String {
        let long = |word: &str| match word.split_once('*') {
            Some((letter, count)) => letter.repeat(count.parse().unwrap()),
            None => word.to_owned(),
        };
        let words: Vec<String> = line.split(' ').map(long).collect();
        let mut replies = self.redis.pipeline(&[words]);
        let reply = replies.pop().unwrap_or_else(|| panic!("{line}: {}", self.server.said()));
        reply.unwrap_or_else(|| "(nil)".into())
    }

    /// Every question of a file of cases whose answer is not the one there.
    fn differences(&mut self, expected: &str) -> Vec<String> {
        let cases = expected.split("\n\n").filter_map(|case| case.trim().split_once("\n---\n"));
        let asked = cases.map(|(question, answer)| (question, answer, self.ask(question)));
        let wrong = asked.filter(|(_, answer, found)| answer != found);
        let shown = |(question, answer, found)| format!("{question}\n{answer}\n  now\n{found}\n");
        wrong.map(shown).collect()
    }
}

/// Changes rows and puts them back, so that the questions have the same answers, and adds some.
const WRITES: [&str; 9] = [
    "sql CREATE TABLE later (id int PRIMARY KEY, n int UNIQUE)",
    "sql INSERT INTO later SELECT g, g FROM generate_series(1, 100) g",
    "sql UPDATE people SET age = age + 1",
    "sql UPDATE people SET age = age - 1",
    "sql ALTER TABLE people ADD COLUMN added int DEFAULT 5",
    "sql ALTER TABLE people DROP COLUMN added",
    "other INSERT INTO t VALUES (1000, 'later')",
    "other DELETE FROM t WHERE id = 1000",
    "SET later yes",
];

fn open_and_write(version: &str) {
    let folder = fixtures().join(version);
    let expected = std::fs::read_to_string(folder.join("expected.txt")).unwrap();
    let place = tempfile::tempdir().unwrap();
    let store = place.path().join("store");
    unpack_store(&std::fs::read(folder.join("store.runs")).unwrap(), &store);
    check(&store);
    let mut clients = Clients::start(&store);
    let wrong = clients.differences(&expected);
    assert!(wrong.is_empty(), "a store of {version} reads otherwise:\n{}", wrong.join("\n"));
    for line in WRITES {
        let answer = clients.ask(line);
        assert!(matches!(answer.as_str(), "ok" | "OK"), "{version}: {line}: {answer}");
    }
    clients.server.stop();
    check(&store);
    let mut clients = Clients::start(&store);
    let wrong = clients.differences(&expected);
    assert!(wrong.is_empty(), "{version}, written to, reads otherwise:\n{}", wrong.join("\n"));
    assert_eq!(clients.ask("sql SELECT count(*), max(n) FROM later"), "100 | 100");
    assert_eq!(clients.ask("GET later"), "yes");
}

fn versions() -> Vec<String> {
    let entries = std::fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().path());
    let folders = entries.filter(|path| path.is_dir());
    let name = |path: PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    folders.map(name).collect()
}

#[test]
fn a_store_of_every_release_opens_and_goes_on() {
    let versions = versions();
    assert!(!versions.is_empty());
    versions.iter().for_each(|version| open_and_write(version));
}

/// The versions of a changelog: its headings but for what is not released.
fn released(changelog: &str) -> Vec<&str> {
    let headings = changelog.lines().filter_map(|line| line.strip_prefix("## "));
    let words = headings.filter_map(|heading| heading.split_whitespace().next());
    words.filter(|word| word.starts_with(|c: char| c.is_ascii_digit())).collect()
}

#[test]
fn every_release_has_a_fixture() {
    let changelog = std::fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    let there = versions();
    for version in released(&changelog) {
        assert!(
            there.iter().any(|known| known == version),
            "CHANGELOG.md names {version} and server/tests/fixtures has no folder of that name: \
             its README says how one is made"
        );
    }
    let known = "# Changelog\n\n## Unreleased\n\n## 0.2.0 (2030-01-01)\n\n## 0.1.0\n";
    assert_eq!(released(known), ["0.2.0", "0.1.0"]);
}

#[test]
fn runs_give_back_what_was_packed() {
    let zeros = vec![0; 1000];
    let mixed = [&b"abc"[..], &zeros, b"d", &[7; RUN_BYTES_MIN], &[8; RUN_BYTES_MIN - 1]].concat();
    for bytes in [&b""[..], b"a", &zeros, &mixed] {
        let mut packed = Vec::new();
        pack(bytes, &mut packed);
        packed.push(99);
        assert_eq!(unpack(&packed, bytes.len()), (bytes.to_vec(), &[99][..]));
    }
}

// ---- making one --------------------------------------------------------------------------------

/// Documents without a schema: the library alone makes such a collection.
fn documents(store: &Path) {
    use qanat::{Document, Value, doc};
    let db = qanat::blocking::Qanat::open(&format!("file:{}", store.display())).unwrap();
    let notes = db.collection::<Document>("notes");
    let deep = doc! {"list": [1, 2.5, "x", null, [true]], "in": {"a": {"b": 1}}};
    notes.put(&doc! {"_id": 1, "title": "one", "deep": deep}).unwrap();
    notes.put(&doc! {"_id": "two", "title": null}).unwrap();
    let rare: Document = [
        ("_id", Value::ObjectId([7; 12])),
        ("min", Value::MinKey),
        ("bytes", Value::Bytes { subtype: 5, data: vec![1, 2, 3] }),
        ("stamp", Value::BsonTimestamp { seconds: 5, increment: 6 }),
        ("regex", Value::Regex { pattern: "^a".into(), options: "i".into() }),
    ]
    .into_iter()
    .collect();
    notes.put(&rare).unwrap();
    db.close().unwrap();
}

#[test]
#[ignore = "makes the fixture of this version where QANAT_FIXTURE is set"]
fn make_the_fixture_of_this_version() {
    if std::env::var_os("QANAT_FIXTURE").is_none() {
        return;
    }
    let folder = fixtures().join(env!("CARGO_PKG_VERSION"));
    let place = tempfile::tempdir().unwrap();
    let store = place.path().join("store");
    documents(&store);
    let script = std::fs::read_to_string(fixtures().join("script.txt")).unwrap();
    let mut clients = Clients::start(&store);
    for line in script.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if line == "restart" {
            clients.server.stop();
            clients = Clients::start(&store);
            continue;
        }
        let answer = clients.ask(line);
        assert!(!answer.contains(": ") && !answer.contains("ERROR"), "{line}: {answer}");
    }
    clients.server.kill();
    let packed = pack_store(&store);
    assert!(packed.len() < PACKED_BYTES_MAX, "{} bytes", packed.len());
    let questions = std::fs::read_to_string(fixtures().join("questions.txt")).unwrap();
    let mut clients = Clients::start(&store);
    let questions = questions.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let answers = questions.map(|line| format!("{line}\n---\n{}\n", clients.ask(line)));
    let expected: Vec<String> = answers.collect();
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("store.runs"), packed).unwrap();
    std::fs::write(folder.join("expected.txt"), expected.join("\n")).unwrap();
}
