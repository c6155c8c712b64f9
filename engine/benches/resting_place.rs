//! What each engine is like as the place where a log's batches come to rest: load, overwrite with a
//! reader beside it, pages, gets at rest, reopening.
//!
//! ```text
//!   cargo bench -p engine --bench resting_place -- --records 2000000 --value 120 --batch 32768
//!       --memory-mb 256 --engine file --folder /some/disk --persist-every 0
//! ```
//!
//! One applier and one reader share the machine's cores, so latencies above a millisecond include
//! slices of time that the kernel gave to somebody else; the `memory` row, which waits for nothing,
//! shows how much of the tail that is. Values are half random, half repeated, as text is.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark's answer is to panic")]

use bytes::Bytes;
use engine::file::{FileEngine, Options};
use engine::{Direction, Engine, KeyRange, Limit, Mutation, memory::Memory};
use rand::{Rng, RngCore, SeedableRng, rngs::SmallRng, seq::SliceRandom};
use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

/// The program's allocator. With glibc's, readers waited for arenas that the applier was freeing
/// into.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Settings {
    records: u64,
    value_len: usize,
    batch: usize,
    memory_mb: u64,
    engines: Vec<String>,
    folder: PathBuf,
    persist_every: u64,
}

fn settings() -> Settings {
    let mut settings = Settings {
        records: 200_000,
        value_len: 120,
        batch: 32_768,
        memory_mb: 256,
        engines: vec!["memory".into(), "file".into()],
        folder: std::env::temp_dir(),
        persist_every: 0,
    };
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    while let Some(name) = words.next() {
        let value = words.next().unwrap_or_else(|| panic!("{name} needs a value"));
        let number = || value.parse::<u64>().unwrap_or_else(|_| panic!("{name} {value}"));
        match name.as_str() {
            "--records" => settings.records = number(),
            "--value" => settings.value_len = number() as usize,
            "--batch" => settings.batch = number() as usize,
            "--memory-mb" => settings.memory_mb = number(),
            "--persist-every" => settings.persist_every = number(),
            "--engine" => settings.engines = vec![value],
            "--folder" => settings.folder = value.into(),
            _ => panic!("unknown argument {name}"),
        }
    }
    settings
}

fn key(n: u64) -> [u8; 20] {
    let mut key = *b"O000000000000000000\0";
    key[4..12].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    key[12..20].copy_from_slice(&n.to_be_bytes());
    key
}

fn value(random: &mut SmallRng, len: usize) -> Bytes {
    let mut value = vec![b'-'; len];
    random.fill_bytes(&mut value[len / 2..]);
    value.into()
}

/// Latencies of one kind of read, and why the slow ones were slow.
#[derive(Default)]
struct Latencies {
    all: Vec<Duration>,
    /// Over a millisecond, having given up the core by itself: it waited for a lock or the disk.
    blocked: Vec<Duration>,
    /// Over a millisecond, having lost the core to another thread only.
    preempted: usize,
}

impl Latencies {
    fn time<T>(&mut self, switches: &mut Switches, call: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let answer = call();
        let taken = start.elapsed();
        self.all.push(taken);
        let before = std::mem::replace(switches, Switches::now());
        if taken > Duration::from_millis(1) {
            match switches.voluntary > before.voluntary {
                true => self.blocked.push(taken),
                false => self.preempted += 1,
            }
        }
        answer
    }

    fn line(&mut self) -> String {
        self.all.sort();
        let at = |share: f64| {
            let index = ((self.all.len() as f64 * share) as usize).min(self.all.len() - 1);
            self.all[index].as_secs_f64() * 1e6
        };
        let blocked = self.blocked.iter().max().copied().unwrap_or_default();
        format!(
            "p50 {:.1} µs, p99 {:.0} µs, p99.9 {:.0} µs, max {:.1} ms of {} calls; over 1 ms: \
             {} preempted, {} blocked (max {:.1} ms)",
            at(0.5),
            at(0.99),
            at(0.999),
            at(1.0) / 1e3,
            self.all.len(),
            self.preempted,
            self.blocked.len(),
            blocked.as_secs_f64() * 1e3
        )
    }
}

/// How often this thread gave up its core.
struct Switches {
    voluntary: i64,
}

impl Switches {
    fn now() -> Self {
        // SAFETY: `rusage` is plain numbers, for which zeros are valid, and the call only writes to
        // it.
        let usage = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            libc::getrusage(libc::RUSAGE_THREAD, &mut usage);
            usage
        };
        Self { voluntary: usage.ru_nvcsw }
    }
}

/// Applies all records in a random order and returns thousands a second, by quarter.
fn apply_all(engine: &dyn Engine, settings: &Settings, seed: u64) -> Vec<f64> {
    let mut random = SmallRng::seed_from_u64(seed);
    let mut order: Vec<u64> = (0..settings.records).collect();
    order.shuffle(&mut random);
    let mut rates = Vec::new();
    for quarter in order.chunks(order.len().div_ceil(4)) {
        let mut busy = Duration::ZERO;
        for part in quarter.chunks(settings.batch) {
            let mut batch: Vec<Mutation> = part
                .iter()
                .map(|n| {
                    let key = Bytes::copy_from_slice(&key(*n));
                    Mutation { key, value: Some(value(&mut random, settings.value_len)) }
                })
                .collect();
            batch.sort_by(|a, b| a.key.cmp(&b.key));
            let upto = engine.applied() + 1;
            let start = Instant::now();
            engine.apply(&batch, upto).unwrap();
            if settings.persist_every > 0 && upto.is_multiple_of(settings.persist_every) {
                engine.persist().unwrap();
            }
            busy += start.elapsed();
        }
        rates.push(quarter.len() as f64 / busy.as_secs_f64() / 1e3);
    }
    rates
}

fn rates(rates: &[f64]) -> String {
    let words: Vec<String> = rates.iter().map(|rate| format!("{rate:.0}")).collect();
    format!("{} k/s by quarter", words.join(" / "))
}

fn read_key(engine: &dyn Engine, random: &mut SmallRng, records: u64) {
    assert!(engine.get(&key(random.random_range(0..records))).unwrap().is_some());
}

fn read_page(engine: &dyn Engine, random: &mut SmallRng, records: u64) {
    let start = key(random.random_range(0..records));
    let range = KeyRange::new(&start, None);
    let page = engine.page(range, Direction::Forward, Limit::records(100)).unwrap();
    assert!(!page.records.is_empty());
}

type Read = fn(&dyn Engine, &mut SmallRng, u64);

/// Overwrites everything while one thread reads.
fn overwrite(engine: &dyn Engine, settings: &Settings, seed: u64, read: Read) -> String {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut random = SmallRng::seed_from_u64(seed);
            let mut latencies = Latencies::default();
            let mut switches = Switches::now();
            while !done.load(Ordering::Relaxed) {
                latencies.time(&mut switches, || read(engine, &mut random, settings.records));
            }
            latencies
        });
        let applied = apply_all(engine, settings, seed);
        done.store(true, Ordering::Relaxed);
        format!("{}; {}", rates(&applied), reader.join().unwrap().line())
    })
}

/// Thousands of calls a second, for a second.
fn at_rest(mut call: impl FnMut(&mut SmallRng)) -> f64 {
    let mut random = SmallRng::seed_from_u64(5);
    let (start, mut calls) = (Instant::now(), 0u64);
    while start.elapsed() < Duration::from_secs(1) {
        (0..64).for_each(|_| call(&mut random));
        calls += 64;
    }
    calls as f64 / start.elapsed().as_secs_f64() / 1e3
}

fn scan(engine: &dyn Engine, direction: Direction) -> f64 {
    let (start_time, mut records) = (Instant::now(), 0);
    let (mut start, mut end): (Vec<u8>, Option<Vec<u8>>) = (Vec::new(), None);
    loop {
        let range = KeyRange::new(&start, end.as_deref());
        let page = engine.page(range, direction, Limit::records(1_000)).unwrap();
        records += page.records.len();
        let (true, Some(last)) = (page.more, page.records.last()) else { break };
        match direction {
            Direction::Forward => start = [&last.key[..], &[0]].concat(),
            Direction::Backward => end = Some(last.key.to_vec()),
        }
    }
    records as f64 / start_time.elapsed().as_secs_f64() / 1e6
}

/// A number out of a file of `/proc/self`, in the file's unit.
fn proc(file: &str, name: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/self/{file}")).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).unwrap_or(0)
}

fn measure(name: &str, engine: &dyn Engine, settings: &Settings) {
    let logical = settings.records * (20 + settings.value_len as u64);
    let written = |since: u64| (proc("io", "wchar") - since) as f64 / logical as f64;
    let print = |what: &str, line: String| println!("| {name} | {what} | {line} |");
    let io = proc("io", "wchar");
    print("load", rates(&apply_all(engine, settings, 1)));
    print("load, written/logical", format!("{:.1}", written(io)));
    let io = proc("io", "wchar");
    print("overwrite, get beside", overwrite(engine, settings, 2, read_key));
    print("overwrite, page beside", overwrite(engine, settings, 3, read_page));
    print("overwrite, written/logical", format!("{:.1}", written(io) / 2.0));
    engine.persist().unwrap();
    let usage = engine.usage();
    let mb = |bytes: u64| bytes as f64 / 1e6;
    print(
        "usage",
        format!("{:.0} MB disk, {:.0} MB memory", mb(usage.disk_bytes), mb(usage.memory_bytes)),
    );
    print("resident, peak", format!("{:.0} MB", proc("status", "VmHWM") as f64 / 1e3));
    std::thread::sleep(Duration::from_secs(3));
    let records = settings.records;
    print("get, present", format!("{:.0} k/s", at_rest(|r| read_key(engine, r, records))));
    let absent = at_rest(|random| {
        let near = key(random.random_range(0..records));
        assert!(engine.get(&near[..19]).unwrap().is_none());
    });
    print("get, absent", format!("{absent:.0} k/s"));
    print("page of 100", format!("{:.1} k/s", at_rest(|r| read_page(engine, r, records))));
    print("scan up", format!("{:.2} M/s", scan(engine, Direction::Forward)));
    print("scan down", format!("{:.2} M/s", scan(engine, Direction::Backward)));
}

fn open(folder: &Path, settings: &Settings) -> FileEngine {
    let options = Options { memory_bytes: settings.memory_mb << 20, ..Options::default() };
    FileEngine::open(folder, options).unwrap()
}

fn main() {
    let settings = settings();
    println!(
        "{} records, values of {}, batches of {}, {} MB, persist every {}\n",
        settings.records,
        settings.value_len,
        settings.batch,
        settings.memory_mb,
        settings.persist_every
    );
    println!("| engine | what | measured |\n| --- | --- | --- |");
    for name in &settings.engines {
        match name.as_str() {
            "memory" => measure(name, &Memory::new(), &settings),
            "file" => {
                let folder = settings.folder.join(format!("resting-place-{}", std::process::id()));
                std::fs::create_dir_all(&folder).unwrap();
                let engine = open(&folder, &settings);
                measure(name, &engine, &settings);
                let start = Instant::now();
                drop(engine);
                let closed = start.elapsed();
                let start = Instant::now();
                let engine = open(&folder, &settings);
                let opened = start.elapsed();
                println!("| file | close, reopen | {closed:.1?}, {opened:.1?} |");
                drop(engine);
                std::fs::remove_dir_all(&folder).unwrap();
            }
            _ => panic!("unknown engine {name}"),
        }
    }
}
