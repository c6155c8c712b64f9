//! The suite that every engine passes: one meaning of get, page, apply and persist.
//!
//! A [`Subject`] says how to make the engine under test, and how to end and open it again. Three
//! things run over it, each from plain values so that any test harness can drive and shrink them:
//!
//! ```text
//!   golden script (text) ──► script()  ──► text          compared with the script's expectation
//!   Vec<Step>            ──► steps()   ──► panics where the engine differs from the model
//!   (threads)            ──► beside()  ──► panics where a reader beside the applier sees nonsense
//! ```
//!
//! The model is a `BTreeMap` for each index since the last reopening. After an engine ends without
//! warning it must come back to one of them, at or above the last persisted index, and hold exactly
//! that map: a batch more, a batch less or half a batch is a failure.
//!
//! Time is not judged here, nor damage: how files are hurt is an engine's own business, and its own
//! test.

#![allow(clippy::expect_used, reason = "a suite's answer to a failure is to panic")]

use crate::{Direction, Engine, Error, KeyRange, Limit, Mutation, Page, Record};
use bytes::Bytes;
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::atomic::{AtomicBool, Ordering},
};

/// How an engine came to its end before it is opened again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Dropped by its owner.
    Closed,
    /// Its process was killed: what was handed to the operating system is there.
    Killed,
}

/// Makes a fresh, empty engine.
pub type Fresh = Box<dyn Fn() -> Box<dyn Engine>>;

/// Ends an engine and opens it again where it was.
pub type Reopen = Box<dyn Fn(Box<dyn Engine>, Ending) -> Box<dyn Engine>>;

/// The engine under test.
pub struct Subject {
    /// Makes a new, empty engine, apart from all others.
    pub fresh: Fresh,
    /// Ends and reopens one; `None` where nothing survives its end.
    pub reopen: Option<Reopen>,
}

/// One thing done to the engine and the model at once.
#[derive(Clone, Debug)]
pub enum Step {
    /// Applies these changes (in any order, the last of a key counts) and moves the index so far.
    Apply {
        /// Keys with their new values, `None` to delete.
        changes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
        /// How far the index moves; 0 counts as 1.
        advance: u8,
    },
    /// Reads a key.
    Get(Vec<u8>),
    /// Reads a page, and then the rest of its range page by page.
    Pages {
        /// The range's first key.
        start: Vec<u8>,
        /// The first key behind the range.
        end: Option<Vec<u8>>,
        /// From which end.
        direction: Direction,
        /// How much each page may hold.
        limit: Limit,
    },
    /// Makes everything survive.
    Persist,
    /// Ends and reopens the engine, if the subject can.
    Reopen(Ending),
}

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// The engine beside what it ought to hold.
struct Trial<'a> {
    subject: &'a Subject,
    engine: Option<Box<dyn Engine>>,
    now: Map,
    /// States that the engine may come back to, by index.
    past: BTreeMap<u64, Map>,
    applied: u64,
    persisted: u64,
}

/// Runs `steps` over a fresh engine and the model.
///
/// # Panics
/// Where the engine answers anything that the model does not.
pub fn steps(subject: &Subject, steps: &[Step]) {
    let mut trial = Trial {
        subject,
        engine: Some((subject.fresh)()),
        now: Map::new(),
        past: BTreeMap::from([(0, Map::new())]),
        applied: 0,
        persisted: 0,
    };
    trial.check_indexes();
    for step in steps {
        trial.step(step);
        trial.check_indexes();
    }
    trial.check_all();
}

impl Trial<'_> {
    fn engine(&self) -> &dyn Engine {
        self.engine.as_deref().expect("an engine is open")
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Apply { changes, advance } => self.apply(changes, u64::from(*advance).max(1)),
            Step::Get(key) => {
                let found = self.engine().get(key).expect("get");
                assert_eq!(found.as_deref(), self.now.get(key).map(Vec::as_slice), "get {key:?}");
            }
            Step::Pages { start, end, direction, limit } => {
                self.pages(KeyRange::new(start, end.as_deref()), *direction, *limit);
            }
            Step::Persist => {
                self.persisted = self.engine().persist().expect("persist");
                assert_eq!(self.persisted, self.applied, "persist covers all that was applied");
                self.past.retain(|index, _| *index >= self.applied);
            }
            Step::Reopen(ending) => self.reopen(*ending),
        }
    }

    fn apply(&mut self, changes: &[(Vec<u8>, Option<Vec<u8>>)], advance: u64) {
        let net: BTreeMap<_, _> = changes.iter().cloned().collect();
        let batch: Vec<Mutation> = net
            .iter()
            .map(|(key, value)| Mutation {
                key: Bytes::copy_from_slice(key),
                value: value.as_deref().map(Bytes::copy_from_slice),
            })
            .collect();
        let upto = self.applied + advance;
        self.engine().apply(&batch, upto).expect("apply");
        let stale = self.engine().apply(&batch, upto);
        assert!(matches!(stale, Err(Error::Invalid(_))), "an index is applied once");
        for (key, value) in net {
            match value {
                Some(value) => self.now.insert(key, value),
                None => self.now.remove(&key),
            };
        }
        self.applied = upto;
        if self.subject.reopen.is_some() {
            self.past.insert(upto, self.now.clone());
        }
    }

    fn pages(&self, range: KeyRange<'_>, direction: Direction, limit: Limit) {
        let mut expected = expected_pages(&self.now, range, direction, limit).into_iter();
        let (mut start, mut end) = (range.start.to_vec(), range.end.map(<[u8]>::to_vec));
        loop {
            let rest = KeyRange::new(&start, end.as_deref());
            let page = self.engine().page(rest, direction, limit).expect("page");
            let model = expected.next().expect("the model's pages end where the engine's do");
            assert_eq!(page, model, "page {rest:?} {direction:?} {limit:?}");
            let (true, Some(last)) = (page.more, page.records.last()) else { break };
            match direction {
                Direction::Forward => start = [&last.key[..], &[0]].concat(),
                Direction::Backward => end = Some(last.key.to_vec()),
            }
        }
    }

    fn reopen(&mut self, ending: Ending) {
        let Some(reopen) = &self.subject.reopen else { return };
        let engine = self.engine.take().expect("an engine is open");
        let engine = reopen(engine, ending);
        let index = engine.applied();
        assert!(
            (self.persisted..=self.applied).contains(&index),
            "came back to {index}: persisted {}, applied {}",
            self.persisted,
            self.applied
        );
        self.now = self.past.get(&index).cloned().expect("came back to an index that was applied");
        self.past = BTreeMap::from([(index, self.now.clone())]);
        (self.applied, self.persisted) = (index, self.persisted.max(engine.persisted()));
        self.engine = Some(engine);
        self.check_all();
    }

    fn check_indexes(&mut self) {
        assert_eq!(self.engine().applied(), self.applied, "applied");
        let persisted = self.engine().persisted();
        assert!((self.persisted..=self.applied).contains(&persisted), "persisted {persisted}");
        self.persisted = persisted;
    }

    fn check_all(&self) {
        for direction in [Direction::Forward, Direction::Backward] {
            self.pages(KeyRange::ALL, direction, Limit::NONE);
        }
    }
}

/// The pages that a range must come in.
fn expected_pages(map: &Map, range: KeyRange<'_>, direction: Direction, limit: Limit) -> Vec<Page> {
    let inside = |key: &[u8]| key >= range.start && range.end.is_none_or(|end| key < end);
    let mut records: Vec<Record> = map
        .iter()
        .filter(|(key, _)| inside(key))
        .map(|(k, v)| Record { key: Bytes::copy_from_slice(k), value: Bytes::copy_from_slice(v) })
        .collect();
    if direction == Direction::Backward {
        records.reverse();
    }
    let mut pages = vec![Page::default()];
    let mut bytes = 0;
    for record in records {
        let page = pages.last_mut().expect("pages is never empty");
        bytes += record.key.len() + record.value.len();
        let full = page.records.len() >= limit.records || bytes > limit.bytes;
        if full && !page.records.is_empty() {
            page.more = true;
            bytes = record.key.len() + record.value.len();
            pages.push(Page { records: vec![record], more: false });
        } else {
            page.records.push(record);
        }
    }
    pages
}

/// Runs a golden script and returns what it prints: one line or more for each command.
///
/// ```text
///   apply 3 a=1 b=2 -c     put a and b, delete c, up to index 3
///   get a                  its value or "absent"
///   page a..c              a range, either side may be empty;
///   page ..c back 2 10     backward, at most 2 records and 10 bytes
///   index                  what is applied (persisted differs between engines)
///   persist                the index that now survives
///   reopen | kill          end and open again ("kept" lines print nothing where nothing survives)
/// ```
///
/// # Panics
/// Where the script is not understood.
pub fn script(subject: &Subject, text: &str) -> String {
    let mut engine = Some((subject.fresh)());
    let mut printed = String::new();
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let open = engine.as_deref().expect("an engine is open");
        let answer = match words.as_slice() {
            ["apply", upto, changes @ ..] => answer(
                open.apply(&changes.iter().map(|c| mutation(c)).collect::<Vec<_>>(), number(upto)),
                |()| "ok".into(),
            ),
            ["get", key] => answer(open.get(unquote(key)), |found| match found {
                Some(value) => String::from_utf8_lossy(&value).into_owned(),
                None => "absent".into(),
            }),
            ["page", range, rest @ ..] => page(open, range, rest),
            ["index"] => open.applied().to_string(),
            ["persist"] => answer(open.persist(), |index| index.to_string()),
            ["reopen"] | ["kill"] => {
                let ending = if words == ["kill"] { Ending::Killed } else { Ending::Closed };
                let ended = engine.take().expect("an engine is open");
                engine = Some(match &subject.reopen {
                    Some(reopen) => reopen(ended, ending),
                    None => ended,
                });
                "ok".into()
            }
            _ => panic!("not a command: {line}"),
        };
        let _ = writeln!(printed, "{line} -> {answer}");
    }
    printed
}

fn answer<T>(result: Result<T, Error>, show: impl FnOnce(T) -> String) -> String {
    result.map_or_else(|error| error.to_string(), show)
}

fn number(word: &str) -> u64 {
    word.parse().expect("a number")
}

/// `''` is the empty string, because a word of a script cannot be.
fn unquote(word: &str) -> &[u8] {
    if word == "''" { b"" } else { word.as_bytes() }
}

fn mutation(word: &str) -> Mutation {
    let bytes = |w: &str| Bytes::copy_from_slice(unquote(w));
    match word.strip_prefix('-') {
        Some(key) => Mutation { key: bytes(key), value: None },
        None => {
            let (key, value) = word.split_once('=').expect("key=value");
            Mutation { key: bytes(key), value: Some(bytes(value)) }
        }
    }
}

fn page(engine: &dyn Engine, range: &str, rest: &[&str]) -> String {
    let (start, end) = range.split_once("..").expect("start..end");
    let range = KeyRange::new(start.as_bytes(), (!end.is_empty()).then_some(end.as_bytes()));
    let (direction, rest) = match rest {
        ["back", rest @ ..] => (Direction::Backward, rest),
        rest => (Direction::Forward, rest),
    };
    let bound = |at: usize| rest.get(at).map_or(usize::MAX, |w| number(w) as usize);
    let limit = Limit { records: bound(0), bytes: bound(1) };
    answer(engine.page(range, direction, limit), |page| {
        let mut words: Vec<String> = page
            .records
            .iter()
            .map(|r| {
                let (k, v) = (String::from_utf8_lossy(&r.key), String::from_utf8_lossy(&r.value));
                format!("{k}={v}")
            })
            .collect();
        words.push(if page.more { "more".into() } else { "end".into() });
        words.join(" ")
    })
}

/// Readers beside an applier that rewrites the same `keys` keys `rounds` times: a key that was
/// there is never missed, and no key goes back to an older value.
///
/// # Panics
/// Where a reader sees either.
pub fn beside(subject: &Subject, keys: u32, rounds: u64) {
    let engine = (subject.fresh)();
    let batch = |round: u64| -> Vec<Mutation> {
        let value = Bytes::copy_from_slice(&round.to_be_bytes());
        (0..keys).map(|n| Mutation::put(Vec::from(n.to_be_bytes()), value.clone())).collect()
    };
    engine.apply(&batch(1), 1).expect("apply");
    let done = AtomicBool::new(false);
    let engine = &*engine;
    std::thread::scope(|scope| {
        scope.spawn(|| reader_by_key(engine, keys, &done));
        scope.spawn(|| reader_by_page(engine, keys, &done));
        for round in 2..=rounds {
            engine.apply(&batch(round), round).expect("apply");
            if round % 4 == 0 {
                engine.persist().expect("persist");
            }
        }
        done.store(true, Ordering::Release);
    });
}

fn round_of(value: &[u8]) -> u64 {
    u64::from_be_bytes(value.try_into().expect("a round"))
}

fn reader_by_key(engine: &dyn Engine, keys: u32, done: &AtomicBool) {
    let mut seen = vec![1; keys as usize];
    while !done.load(Ordering::Acquire) {
        for (n, seen) in (0..keys).zip(&mut seen) {
            let value = engine.get(&n.to_be_bytes()).expect("get").expect("the key is there");
            let round = round_of(&value);
            assert!(round >= *seen, "key {n} went back from {seen} to {round}");
            *seen = round;
        }
    }
}

fn reader_by_page(engine: &dyn Engine, keys: u32, done: &AtomicBool) {
    let mut seen = BTreeMap::new();
    while !done.load(Ordering::Acquire) {
        let page = engine.page(KeyRange::ALL, Direction::Forward, Limit::NONE).expect("page");
        assert_eq!(page.records.len(), keys as usize, "every key is there");
        for record in page.records {
            let round = round_of(&record.value);
            let before = seen.insert(record.key.clone(), round).unwrap_or(0);
            assert!(round >= before, "{:?} went back from {before} to {round}", record.key);
        }
    }
}
