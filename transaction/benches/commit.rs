//! Rates of the local store, by hand: `cargo bench -p transaction --bench commit [seconds]`.
//!
//! `gets 1000`, `begins 1000` and `puts 1000` run so many operations and no more, for counting
//! instructions.
//!
//! One process, no server. Times are of this machine, so read ratios: a get against the engine's
//! own get, 64 committers against one, a durability against another. Flushes are simulated at 2 ms,
//! so that the disk of the day plays no part.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::future::Future;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use engine::Engine;
use engine::device::{Directory, RealDirectory, SimulatedDirectory, SlowSync, Xoshiro};
use engine::memory::Memory;
use transaction::local::{Local, LocalOptions};
use transaction::{
    Begin, Commit, Direction, Durability, Operation, PageLimit, Scan, Store, View, Write, WriteSet,
};

const KEYS: u64 = 200_000;

fn key(n: u64) -> Bytes {
    Bytes::from(format!("row {n:012}"))
}

fn value(n: u64) -> Bytes {
    let mut bytes = n.to_be_bytes().to_vec();
    bytes.resize(120, 1);
    Bytes::from(bytes)
}

fn put(n: u64) -> Commit {
    let write = Write { key: key(n), operation: Operation::Put(value(n)) };
    Commit { writes: WriteSet::new(vec![write]), ..Commit::default() }
}

fn now<T: Unpin>(answer: transaction::Answer<'_, T>) -> T {
    match answer.now() {
        Ok(result) => result.expect("works"),
        Err(_) => panic!("had to wait"),
    }
}

fn rate(name: &str, span: Duration, mut run: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut count = 0u64;
    while start.elapsed() < span {
        for _ in 0..64 {
            run();
        }
        count += 64;
    }
    let rate = count as f64 / start.elapsed().as_secs_f64();
    println!("{name:56} {:9.1} k/s {:8.0} ns", rate / 1e3, 1e9 / rate);
    rate
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build();
    runtime.expect("starts").block_on(future)
}

fn options() -> LocalOptions {
    LocalOptions { space_floor_bytes: 0, space_floor_percent: 0, ..LocalOptions::default() }
}

fn load(store: &Local) {
    for chunk in 0..KEYS / 1000 {
        let writes = (chunk * 1000..chunk * 1000 + 1000)
            .map(|n| Write { key: key(n), operation: Operation::Put(value(n)) });
        let writes = WriteSet::new(writes.collect());
        let durability = Durability::None;
        let tx = now(store.begin(Begin::default()));
        block_on(tx.commit(Commit { writes, durability, ..Commit::default() })).expect("loads");
    }
}

fn settle(store: &Local) {
    while store.usage().backlog_bytes > 0 {
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn reads(store: &Local, span: Duration, name: &str) {
    let mut random = Xoshiro::new(1);
    let tx = now(store.begin(Begin::default()));
    rate(&format!("get, {name}"), span, || {
        let key = key(random.below(KEYS));
        black_box(now(tx.get(&key, View::Snapshot)));
    });
    rate(&format!("get of an absent key, {name}"), span, || {
        let key = key(KEYS + random.below(KEYS));
        black_box(now(tx.get(&key, View::Snapshot)));
    });
    rate(&format!("begin and get, {name}"), span, || {
        let tx = now(store.begin(Begin::default()));
        let key = key(random.below(KEYS));
        black_box(now(tx.get(&key, View::Snapshot)));
    });
    rate(&format!("page of 100, {name}"), span, || {
        let (start, end) = (key(random.below(KEYS)), Bytes::new());
        let limit = PageLimit::records(100);
        let scan = Scan { start, end, direction: Direction::Forward, limit };
        black_box(now(tx.scan(&scan, View::Snapshot)));
    });
}

fn writes(store: &Local, span: Duration, durability: Durability, name: &str) {
    let mut random = Xoshiro::new(2);
    rate(name, span, || {
        let commit = Commit { durability, ..put(random.below(KEYS)) };
        let tx = now(store.begin(Begin::default()));
        match tx.commit(commit).now() {
            Ok(result) => drop(result.expect("commits")),
            Err(later) => drop(block_on(later).expect("commits")),
        }
    });
}

fn committers(count: u64, span: Duration) -> f64 {
    let directory = SimulatedDirectory::new(1);
    let engine: Arc<dyn Engine> = Arc::new(Memory::new());
    let shared: Arc<dyn Directory> = Arc::new(directory.clone());
    let store = Arc::new(Local::open(shared, engine, options()).expect("opens"));
    directory.slow_sync(SlowSync::Slept(Duration::from_millis(2)));
    let before = store.usage();
    let start = Instant::now();
    let done: u64 = block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..count {
            let store = Arc::clone(&store);
            tasks.spawn(async move {
                let mut n = 0;
                while start.elapsed() < span {
                    let tx = store.begin(Begin::default()).await.expect("begins");
                    tx.commit(put(task * 1_000_000 + n)).await.expect("commits");
                    n += 1;
                }
                n
            });
        }
        tasks.join_all().await.into_iter().sum()
    });
    let after = store.usage();
    let rate = done as f64 / start.elapsed().as_secs_f64();
    let shared = (after.flushed_commits - before.flushed_commits) as f64
        / (after.flushes - before.flushes).max(1) as f64;
    println!("{count:4} committers, flushes of 2 ms {rate:28.0} /s {shared:8.1} commits a flush");
    rate
}

/// Commits one after another that each need the log's thread: what a switch there and back costs.
fn switches(span: Duration) {
    let directory = Arc::new(SimulatedDirectory::new(1));
    let store = Local::open(directory, Arc::new(Memory::new()), options()).expect("opens");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build();
    let runtime = runtime.expect("starts");
    let mut random = Xoshiro::new(2);
    rate("put and commit, sync, flushes of 0 ms: the thread's switch", span, || {
        let tx = now(store.begin(Begin::default()));
        runtime.block_on(tx.commit(put(random.below(KEYS)))).expect("commits");
    });
}

/// A fixed number of operations on a small store, for counting instructions: run it twice with
/// different numbers under `valgrind --tool=cachegrind --cache-sim=no` and divide the difference.
fn counted(what: &str, number: u64) {
    let store = Local::memory_with(options()).expect("opens");
    for n in 0..1000 {
        now(now(store.begin(Begin::default())).commit(put(n)));
    }
    settle(&store);
    let tx = now(store.begin(Begin::default()));
    let keys: Vec<Bytes> = (0..1000).map(key).collect();
    for n in 0..number {
        let key = &keys[n as usize % 1000];
        match what {
            "gets" => drop(black_box(now(tx.get(key, View::Snapshot)))),
            "begins" => {
                let tx = now(store.begin(Begin::default()));
                drop(black_box(now(tx.get(key, View::Snapshot))));
            }
            _ => drop(black_box(now(now(store.begin(Begin::default())).commit(put(n % 1000))))),
        }
    }
}

/// What a process killed at full load leaves to replay, at worst: all that the limits allow, none
/// of it in the engine.
fn reopen() {
    let directory = SimulatedDirectory::new(1);
    let held = LocalOptions {
        apply_within: Duration::from_secs(3600),
        batch_bytes: usize::MAX,
        ..options()
    };
    let soft = held.backlog_soft_bytes;
    let store = Local::open(Arc::new(directory.clone()), Arc::new(Memory::new()), held);
    let store = store.expect("opens");
    let mut rows = 0;
    while store.usage().backlog_bytes < soft {
        let tx = now(store.begin(Begin::default()));
        let commit = Commit { durability: Durability::None, ..put(rows % 1_000_003 * 7) };
        now(tx.commit(commit));
        rows += 1;
    }
    let start = Instant::now();
    let killed = directory.kill();
    drop(store);
    let copied = start.elapsed();
    let start = Instant::now();
    let store = Local::open(Arc::new(killed), Arc::new(Memory::new()), options()).expect("opens");
    println!(
        "reopen after a kill with {rows} commits to replay: {:.0} ms (disk copied in {:.0} ms)",
        start.elapsed().as_secs_f64() * 1e3,
        copied.as_secs_f64() * 1e3
    );
    drop(store);
}

fn main() {
    let seconds = std::env::args().filter_map(|arg| arg.parse::<f64>().ok()).next().unwrap_or(1.0);
    let what = std::env::args().find(|arg| ["gets", "begins", "puts"].contains(&arg.as_str()));
    if let Some(what) = what {
        return counted(&what, seconds as u64);
    }
    let span = Duration::from_secs_f64(seconds);

    let engine = Arc::new(Memory::new());
    let directory = SimulatedDirectory::new(1);
    let shared: Arc<dyn Engine> = engine.clone();
    let store = Local::open(Arc::new(directory), shared, options()).expect("opens");
    let held = LocalOptions { apply_within: Duration::from_secs(3600), ..options() };
    let unapplied = Local::memory_with(held).expect("opens");
    load(&unapplied);
    reads(&unapplied, span, "all in the version table");
    drop(unapplied);
    load(&store);
    settle(&store);
    reads(&store, span, "cache and memory engine");
    store.set_cache_bytes(0);
    reads(&store, span, "no cache");
    let mut random = Xoshiro::new(3);
    rate("get, the memory engine alone", span, || {
        black_box(engine.get(&key(random.below(KEYS))).expect("reads"));
    });
    drop(store);

    let memory = Local::memory_with(options()).expect("opens");
    writes(&memory, span, Durability::Sync, "put and commit, memory:");
    drop(memory);
    let place = tempfile::tempdir().expect("a place");
    let directory = Arc::new(RealDirectory::create(place.path()).expect("made"));
    let store = Local::open(directory, Arc::new(Memory::new()), options()).expect("opens");
    writes(&store, span, Durability::None, "put and commit, durability none");
    writes(&store, span, Durability::Interval, "put and commit, durability interval");
    drop(store);
    switches(span);
    reopen();

    let one = committers(1, span);
    let many = committers(64, span);
    println!("64 committers against one: {:.1} times", many / one);
}
