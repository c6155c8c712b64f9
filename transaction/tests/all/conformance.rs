//! The suite and random histories over `Local`: in memory, and over a simulated disk with an eager
//! applier.

use std::sync::Arc;
use std::time::Duration;

use engine::device::{Directory, SimulatedDirectory};
use transaction::conformance::{self, history};
use transaction::local::{Local, LocalOptions};
use transaction::{Durability, Store};

use crate::resting::Resting;

/// Small limits, so that every mechanism runs in a short test.
pub fn eager() -> LocalOptions {
    LocalOptions {
        versions_bytes: 8 << 20,
        cache_bytes: 256 << 10,
        feed_bytes: 4 << 10,
        batch_bytes: 16 << 10,
        backlog_soft_bytes: 1 << 20,
        backlog_hard_bytes: 4 << 20,
        apply_within: Duration::from_millis(1),
        checkpoint_bytes: 64 << 10,
        segment_bytes: 64 << 10,
        log_buffer_bytes: 64 << 10,
        write_within: Duration::from_millis(2),
        flush_within: Duration::from_millis(5),
        space_floor_bytes: 0,
        space_floor_percent: 0,
        ..LocalOptions::default()
    }
}

pub fn on_disk(directory: &SimulatedDirectory, engine: &Arc<Resting>) -> Arc<Local> {
    let directory: Arc<dyn Directory> = Arc::new(directory.clone());
    let engine: Arc<dyn engine::Engine> = Arc::clone(engine) as _;
    Arc::new(Local::open(directory, engine, eager()).expect("opens"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn local_in_memory_conforms() {
    let left_out = conformance::all(&|| Arc::new(Local::memory().expect("opens"))).await;
    assert!(left_out.is_empty(), "{left_out:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn local_with_an_eager_applier_conforms() {
    // Without a log the feed has only its memory.
    let options = || LocalOptions { feed_bytes: 1 << 20, ..eager() };
    let left_out =
        conformance::all(&|| Arc::new(Local::memory_with(options()).expect("opens"))).await;
    assert!(left_out.is_empty(), "{left_out:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn local_on_a_disk_conforms() {
    let open = || {
        let directory = SimulatedDirectory::new(7);
        on_disk(&directory, &Resting::new()) as Arc<dyn Store>
    };
    let left_out = conformance::all(&open).await;
    assert!(left_out.is_empty(), "{left_out:?}");
}

async fn histories(open: impl Fn() -> Arc<dyn Store>, durability: Durability) {
    for level in [history::Level::Serializable, history::Level::Snapshot] {
        for seed in crate::crash::seeds(0, 4) {
            let load = history::Load { seed, transactions: 60, keys: 6, steps: 5 };
            let committed = history::run(open(), level, durability, 8, load).await;
            let committed = committed.unwrap_or_else(|why| panic!("seed {seed}: {why}"));
            assert!(committed > 50, "seed {seed}: only {committed} committed");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn histories_in_memory_are_isolated() {
    histories(|| Arc::new(Local::memory_with(eager()).expect("opens")), Durability::Sync).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn histories_on_a_disk_are_isolated() {
    for durability in [Durability::Sync, Durability::Interval, Durability::None] {
        let open = || on_disk(&SimulatedDirectory::new(3), &Resting::new()) as Arc<dyn Store>;
        histories(open, durability).await;
    }
}
