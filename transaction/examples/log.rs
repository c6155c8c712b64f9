//! How fast the commit log is: `cargo run --release -p transaction --example log [directory]`.
//!
//! Prints appends a second (memory only), recovery and reading speed, the latency of one durable
//! committer by the blocking call and through the log's thread, and how many commits share a flush
//! at 64 committers. With a directory the flushes are its disk's; always also against a simulated
//! flush of 2 ms.

use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::device::{Directory, RealDirectory, SimulatedDirectory, SlowSync};
use transaction::log::{Head, Kind, Log, Options, Reach};

const STORE: [u8; 16] = *b"the bench's log!";
const HEAD: Head = Head::new(1, Kind::COMMIT);

type Failing<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn open(directory: Arc<dyn Directory>) -> Failing<Log> {
    Ok(Log::open(directory, Options::new(STORE), |_| Ok(()))?.0)
}

fn main() -> Failing<()> {
    appends()?;
    if let Some(path) = std::env::args().nth(1) {
        println!("\non {path}");
        commits(&|| Ok(Arc::new(RealDirectory::create(&path)?)))?;
        for name in RealDirectory::open(&path)?.list()? {
            RealDirectory::open(&path)?.remove(&name)?;
        }
    }
    println!("\nwith a flush of 2 ms");
    commits(&|| {
        let directory = SimulatedDirectory::new(1);
        directory.slow_sync(SlowSync::Slept(Duration::from_millis(2)));
        Ok(Arc::new(directory))
    })
}

fn appends() -> Failing<()> {
    for size in [40_usize, 200, 1000, 10_000, 100_000] {
        let directory = Arc::new(SimulatedDirectory::new(1));
        let log = open(directory.clone())?;
        let payload = vec![7; size];
        let batch = (4 << 20) / (size as u64 + 100);
        let (mut spent, mut count) = (Duration::ZERO, 0);
        for _ in 0..20 {
            let start = Instant::now();
            for _ in 0..batch {
                log.append(HEAD, &[&payload])?;
            }
            spent += start.elapsed();
            count += batch;
            log.write(log.last())?;
        }
        log.flush(log.last())?;
        let each = spent.as_nanos() / u128::from(count);
        let start = Instant::now();
        let read = log.read_from(1, Reach::Durable).filter(|entry| entry.is_ok()).count();
        let reading = start.elapsed().as_nanos() / read.max(1) as u128;
        let start = Instant::now();
        drop(open(Arc::new(directory.copy()))?);
        let recovering = start.elapsed().as_nanos() / u128::from(count);
        println!(
            "{size:6} bytes: append {each:5} ns, read {reading:5} ns, recover {recovering:5} ns"
        );
    }
    Ok(())
}

fn commits(directory: &dyn Fn() -> Failing<Arc<dyn Directory>>) -> Failing<()> {
    for (threads, each) in [(1, 500), (2, 500), (8, 300), (64, 100)] {
        for (name, future) in [("leader", false), ("thread", true)] {
            let log = open(directory()?)?;
            log.start_flusher()?;
            let start = Instant::now();
            let mut times = if future {
                by_thread(&log, threads, each)?
            } else {
                by_leader(&log, threads, each)?
            };
            let spent = start.elapsed();
            times.sort_unstable();
            let counters = log.counters();
            let middle = times.get(times.len() / 2).copied().unwrap_or_default();
            println!(
                "{threads:3} committers, {name}: {:7.0}/s, median {middle:7.0?}, {:5.1} a flush",
                times.len() as f64 / spent.as_secs_f64(),
                counters.flushed_records as f64 / counters.flushes.max(1) as f64,
            );
            log.close()?;
        }
    }
    Ok(())
}

/// Each committer is a thread that leads or follows.
fn by_leader(log: &Log, threads: usize, each: usize) -> Failing<Vec<Duration>> {
    std::thread::scope(|scope| {
        let committers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(move || -> Failing<Vec<Duration>> {
                    let mut times = Vec::with_capacity(each);
                    for _ in 0..each {
                        let start = Instant::now();
                        let appended = log.append(HEAD, &[&[1; 200]])?;
                        log.flush(appended.index)?;
                        times.push(start.elapsed());
                    }
                    Ok(times)
                })
            })
            .collect();
        let mut all = Vec::new();
        for committer in committers {
            all.extend(committer.join().map_err(|_| "a committer panicked")??);
        }
        Ok(all)
    })
}

/// Each committer is a task; the log's thread leads.
fn by_thread(log: &Log, tasks: usize, each: usize) -> Failing<Vec<Duration>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    runtime.block_on(async {
        let tasks: Vec<_> = (0..tasks)
            .map(|_| {
                let log = log.clone();
                tokio::spawn(async move {
                    let mut times = Vec::with_capacity(each);
                    for _ in 0..each {
                        let start = Instant::now();
                        let appended = log.append(HEAD, &[&[1; 200]])?;
                        log.when_durable(appended.index).await?;
                        times.push(start.elapsed());
                    }
                    Failing::Ok(times)
                })
            })
            .collect();
        let mut all = Vec::new();
        for task in tasks {
            all.extend(task.await??);
        }
        Ok(all)
    })
}
