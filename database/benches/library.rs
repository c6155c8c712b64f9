//! What a point read through the library costs: `cargo bench -p qanat --bench library`.
//!
//! ```text
//!   hit    a cached row      instructions of one `get`, counted by valgrind in a child process
//!   miss   an uncached row   `get` against the engine's own get of the same key:
//!
//!          ┌ file: store, 64 MB ┐ close, copy engine/  ┌ the engine alone ┐
//!          │ get(7), get(391) … │ ───────────────────► │ get(O…7) …       │   the same options
//!          └────────────────────┘                      └──────────────────┘
//! ```
//!
//! Times are of this machine and of the minute, so the two sides of a miss take turns over the same
//! random keys, none asked twice, in a store several times as large as every cache; what is printed
//! is the ratio of their medians. The operating system's own cache is left warm: a disk's wait
//! would be the same on both sides and hide what ours adds.
//!
//! Instructions are counted where they repeat: in one function of one thread, twice, with different
//! numbers of reads, so that what comes before the first read falls out of the difference.
//!
//! The last lines are for `bench/run --gate`: `gate: NAME = NUMBER`.
//!
//! Rejected: the processor's own counters. Virtual machines seldom have them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark's answer is to panic")]

use std::hint::black_box;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use bytes::Bytes;
use engine::file::FileEngine;
use engine::{Direction, Engine, KeyRange, Limit};
use model::key::{Category, all};
use qanat::session::Level;
use qanat::{Collection, Options, Qanat, Transaction};
use rand::seq::SliceRandom;
use serde::Deserialize;
use tokio::runtime::{Handle, Runtime};

/// Rows of the store on disk, of about 230 bytes.
const ROWS: i64 = 400_000;
/// Rows of one statement: within the write set that a budget of `LOADING` allows.
const ROWS_AT_ONCE: i64 = 50_000;
const LOADING: usize = 1 << 30;
/// The least budget there is; the engine takes a quarter of it and caches blocks in half of that.
const BUDGET: usize = qanat::options::MEMORY_MIN;
/// Keys read by each side, and how many before it is the other's turn.
const MISSES: usize = 40_000;
const TURN: usize = 100;
/// Rows of the store whose reads are counted, and the two numbers of reads.
const CACHED: i64 = 1000;
const COUNTS: [u64; 2] = [2_000, 12_000];
/// Where they are read: each in a transaction of its own, or all in one.
const ALONE: &str = "alone";
const WITHIN: &str = "within";
/// The limit of the gate.
const RATIO_MAX: f64 = 1.5;

#[derive(Deserialize)]
struct Row {
    id: i64,
    body: String,
}

fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().expect("starts")
}

async fn make(db: &Qanat, rows: i64) {
    db.sql("CREATE TABLE rows (id bigint PRIMARY KEY, body text NOT NULL)").run().await.unwrap();
    for first in (0..rows).step_by(ROWS_AT_ONCE as usize) {
        // Half of it random and half repeated, as text is.
        let text = "INSERT INTO rows SELECT n, md5(n::text) || md5((n + 1)::text) || \
                    md5((n + 2)::text) || repeat('qanat', 20) FROM \
                    generate_series($1::bigint, $2::bigint) n";
        let last = (first + ROWS_AT_ONCE).min(rows) - 1;
        db.sql(text).bind(first).bind(last).run().await.unwrap();
    }
}

fn settle(db: &Qanat) {
    while db.usage().backlog_bytes > 0 {
        std::thread::sleep(Duration::from_millis(10));
    }
}

async fn open(folder: &Path, memory: usize) -> Qanat {
    let options = Options { memory: Some(memory), ..Options::default() };
    Qanat::open_with(&format!("file:{}", folder.display()), options).await.expect("opens")
}

/// A transaction that only reads, handed out whole: what it read is forgotten with it.
async fn reading<R: Future<Output = qanat::Result<()>> + Send>(
    db: &Qanat,
    work: impl FnMut(Transaction) -> R + Send,
) {
    db.transaction(work).isolation(Level::RepeatableRead).await.expect("reads");
}

// ---- misses ------------------------------------------------------------------------------------

/// The store on disk, at rest, and beside it a copy of its engine's folder.
fn prepare(runtime: &Runtime, folder: &Path) {
    let db = runtime.block_on(open(folder, LOADING));
    runtime.block_on(make(&db, ROWS));
    settle(&db);
    runtime.block_on(db.close()).expect("closes");
    drop(db);
    // Once more with the budget that is measured: what lay in the larger memtable goes to runs.
    let db = runtime.block_on(open(folder, BUDGET));
    settle(&db);
    runtime.block_on(db.close()).expect("closes");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for entry in std::fs::read_dir(from).expect("listed") {
        let entry = entry.expect("listed");
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).expect("copied")),
        }
    }
}

/// Keys of the rows that the engine alone has, in the order of their ids.
fn keys(engine: &FileEngine) -> Vec<Bytes> {
    let range = all(Category::Row);
    let mut keys: Vec<Bytes> = Vec::new();
    let mut start = range.start.to_vec();
    loop {
        let range = KeyRange::new(&start, Some(&range.end));
        let page = engine.page(range, Direction::Forward, Limit::records(1000)).expect("reads");
        keys.extend(page.records.iter().map(|record| record.key.clone()));
        let Some(last) = keys.last().filter(|_| page.more) else { break };
        start = [last, &b"\0"[..]].concat();
    }
    // Rows of other collections have shorter prefixes in common: the largest is the one meant.
    let prefix = |key: &Bytes| key.slice(..model::key::ROW_PREFIX);
    let largest = keys.get(keys.len() / 2).map(prefix).expect("rows");
    keys.retain(|key| key.starts_with(&largest));
    keys
}

fn median(times: &mut [u64]) -> f64 {
    times.sort_unstable();
    times[times.len() / 2] as f64
}

/// One turn of the library: its reads in one transaction, each timed.
async fn library_turn(db: &Qanat, ids: &[usize], times: &mut Vec<u64>) {
    let taken = std::sync::Mutex::new(Vec::with_capacity(ids.len()));
    let taken_in = &taken;
    reading(db, |tx| async move {
        let rows: Collection<Row> = tx.collection("rows");
        for id in ids {
            let start = Instant::now();
            let row = rows.get(*id as i64).await?;
            taken_in.lock().unwrap().push(start.elapsed().as_nanos() as u64);
            assert!(row.is_some_and(|row| row.id == *id as i64 && row.body.len() == 196));
        }
        Ok(())
    })
    .await;
    times.append(&mut taken.lock().unwrap());
}

fn engine_turn(engine: &FileEngine, keys: &[Bytes], ids: &[usize], times: &mut Vec<u64>) {
    for id in ids {
        let start = Instant::now();
        let value = engine.get(&keys[*id]).expect("reads");
        times.push(start.elapsed().as_nanos() as u64);
        assert!(black_box(value).is_some());
    }
}

/// The library's median over the engine's.
fn misses() -> f64 {
    let place = tempfile::tempdir().expect("a place");
    let (store, alone) = (place.path().join("store"), place.path().join("alone"));
    let runtime = runtime();
    prepare(&runtime, &store);
    copy(&store.join("engine"), &alone);
    let options = engine::file::Options {
        memory_bytes: BUDGET as u64 / 4,
        ..engine::file::Options::default()
    };
    let engine = FileEngine::open(&alone, options).expect("opens");
    let keys = keys(&engine);
    assert!(keys.len() > ROWS as usize * 3 / 4, "{} rows in the engine", keys.len());
    let db = runtime.block_on(open(&store, BUDGET));
    settle(&db);
    let mut ids: Vec<usize> = (0..keys.len()).collect();
    ids.shuffle(&mut rand::rng());
    let (mut library, mut bare) = (Vec::new(), Vec::new());
    for (at, turn) in ids[..MISSES].chunks(TURN).enumerate() {
        // Whoever comes second has the processor's caches against it: so by turns.
        if at % 2 == 0 {
            engine_turn(&engine, &keys, turn, &mut bare);
        }
        runtime.block_on(library_turn(&db, turn, &mut library));
        if at % 2 == 1 {
            engine_turn(&engine, &keys, turn, &mut bare);
        }
    }
    let (library, bare) = (median(&mut library), median(&mut bare));
    println!("get of an uncached row, library {library:28.0} ns");
    println!("the file engine's get of the same key {bare:22.0} ns");
    library / bare
}

// ---- instructions ------------------------------------------------------------------------------

/// What is counted. Valgrind is told its name, so it stays a function.
#[inline(never)]
fn counted_reads(runtime: &Handle, rows: &Collection<Row>, count: u64) {
    runtime.block_on(async {
        for n in 0..count {
            let row = rows.get(n as i64 % CACHED).await.expect("reads");
            assert!(black_box(row).is_some_and(|row| !row.body.is_empty()));
        }
    });
}

/// Runs under valgrind: so many reads of rows that are cached, each on its own or in a transaction.
fn counted(place: &str, count: u64) {
    let runtime = runtime();
    let handle = runtime.handle();
    let db = handle.block_on(Qanat::open("memory:")).expect("opens");
    handle.block_on(make(&db, CACHED));
    settle(&db);
    let rows: Collection<Row> = db.collection("rows");
    // The first reads fill the cache.
    handle.block_on(async {
        for n in 0..CACHED {
            rows.get(n).await.expect("reads");
        }
    });
    if place == ALONE {
        return counted_reads(handle, &rows, count);
    }
    handle.block_on(reading(&db, |tx| async move {
        let rows = tx.collection("rows");
        tokio::task::block_in_place(|| counted_reads(&Handle::current(), &rows, count));
        Ok(())
    }));
}

/// Instructions of one read, or why they cannot be counted.
fn instructions(place: &str) -> Result<f64, String> {
    let mut totals = [0.0; 2];
    for (total, count) in totals.iter_mut().zip(COUNTS) {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let run = Command::new("valgrind")
            .args(["--tool=callgrind", "--toggle-collect=*counted_reads*"])
            .arg("--callgrind-out-file=/dev/null")
            .arg(program)
            .args(["counted", place, &count.to_string()])
            .output()
            .map_err(|error| {
                format!(
                    "instructions are counted by valgrind, which does not start ({error}): install \
                     it (Debian: apt-get install valgrind)"
                )
            })?;
        let told = String::from_utf8_lossy(&run.stderr);
        let found = told.lines().find_map(|line| line.split_once("Collected : "));
        let number = found.and_then(|(_, number)| number.trim().parse::<f64>().ok());
        *total =
            number.filter(|_| run.status.success()).ok_or(format!("valgrind said:\n{told}"))?;
    }
    let [fewer, more] = totals;
    Ok((more - fewer) / (COUNTS[1] - COUNTS[0]) as f64)
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [what, place, count] = words.as_slice()
        && what == "counted"
    {
        counted(place, count.parse().expect("a number"));
        return ExitCode::SUCCESS;
    }
    let ratio = misses();
    let counts = instructions(ALONE).and_then(|alone| Ok((alone, instructions(WITHIN)?)));
    println!("gate: miss_ratio = {ratio:.2}");
    if ratio > RATIO_MAX {
        println!("a miss is to cost at most {RATIO_MAX} times the engine's get");
    }
    match counts {
        Ok((alone, within)) => {
            println!("get of a cached row, a transaction of its own {alone:14.0} instructions");
            println!("get of a cached row, within a transaction {within:18.0} instructions");
            println!("gate: cached_read_instructions = {within:.0}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("library: {why}");
            ExitCode::FAILURE
        }
    }
}
