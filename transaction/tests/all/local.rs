//! `Local` by itself: snapshots against a model, torn batches, budgets, failures, restarts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use engine::device::{Directory, SimulatedClock, SimulatedDirectory, SlowSync, Xoshiro};
use transaction::local::{Local, LocalOptions};
use transaction::{
    Begin, Commit, Committed, Direction, Durability, Error, Operation, Outcome, PageLimit,
    PointRead, ReadSet, Result, Scan, Stamp, Store, Transaction, View, Write, WriteSet,
};

use crate::conformance::{eager, on_disk};
use crate::resting::{Resting, Torn};

fn open(
    directory: &SimulatedDirectory,
    engine: Arc<dyn engine::Engine>,
    options: LocalOptions,
) -> Result<Arc<Local>> {
    let directory: Arc<dyn Directory> = Arc::new(directory.clone());
    Local::open(directory, engine, options).map(Arc::new)
}

fn put(key: &str, value: &str) -> Write {
    let (key, value) = (key.to_owned(), value.to_owned());
    Write { key: Bytes::from(key), operation: Operation::Put(Bytes::from(value)) }
}

async fn begin(store: &Local) -> Box<dyn Transaction> {
    store.begin(Begin::default()).await.expect("begins")
}

async fn commit(store: &Local, writes: Vec<Write>, durability: Durability) -> Result<Committed> {
    let writes = WriteSet::new(writes);
    begin(store).await.commit(Commit { writes, durability, ..Commit::default() }).await
}

async fn get(tx: &dyn Transaction, key: &str) -> Result<Option<Bytes>> {
    tx.get(key.as_bytes(), View::Snapshot).await
}

async fn list(
    tx: &dyn Transaction,
    direction: Direction,
    records: usize,
) -> Result<Vec<(Bytes, Bytes)>> {
    let limit = PageLimit::records(records);
    let mut scan = Scan { start: Bytes::new(), end: Bytes::new(), direction, limit };
    let mut all = Vec::new();
    loop {
        let page = tx.scan(&scan, View::Snapshot).await?;
        all.extend(page.records);
        match (page.next, direction) {
            (None, _) => return Ok(all),
            (Some(next), Direction::Forward) => scan.start = next,
            (Some(next), Direction::Backward) => scan.end = next,
        }
    }
}

type Model = BTreeMap<Bytes, Bytes>;

async fn against_a_model(seed: u64) {
    let mut random = Xoshiro::new(seed);
    let store = open(&SimulatedDirectory::new(seed), Torn::new(), eager()).expect("opens");
    let mut model = Model::new();
    let mut held: Vec<(Box<dyn Transaction>, Model)> = Vec::new();
    for _ in 0..600 {
        match random.below(10) {
            0 => held.push((begin(&store).await, model.clone())),
            1 if held.len() > 3 => drop(held.swap_remove(random.below(held.len() as u64) as usize)),
            2 | 3 if !held.is_empty() => {
                let (tx, model) = &held[random.below(held.len() as u64) as usize];
                let direction =
                    if random.percent(50) { Direction::Forward } else { Direction::Backward };
                let mut seen =
                    list(&**tx, direction, 1 + random.below(9) as usize).await.expect("scans");
                if direction == Direction::Backward {
                    seen.reverse();
                }
                assert!(seen.iter().map(|(k, v)| (k, v)).eq(model.iter()), "seed {seed}");
            }
            4 | 5 if !held.is_empty() => {
                let (tx, model) = &held[random.below(held.len() as u64) as usize];
                let key = Bytes::from(format!("k{:02}", random.below(40)));
                assert_eq!(
                    tx.get(&key, View::Snapshot).await.expect("reads"),
                    model.get(&key).cloned()
                );
            }
            6 => tokio::time::sleep(Duration::from_millis(2)).await,
            _ => {
                let writes = (0..1 + random.below(8)).map(|n| {
                    let key = format!("k{:02}", random.below(40));
                    if random.percent(30) {
                        Write { key: Bytes::from(key), operation: Operation::Delete }
                    } else {
                        put(&key, &format!("{n} {}", random.next_u64()))
                    }
                });
                let set = WriteSet::new(writes.collect());
                for write in set.writes() {
                    match &write.operation {
                        Operation::Put(value) => {
                            drop(model.insert(write.key.clone(), value.clone()))
                        }
                        _ => drop(model.remove(&write.key)),
                    }
                }
                commit(&store, set.into_writes(), Durability::None).await.expect("commits");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn snapshots_agree_with_a_model_while_batches_are_applied() {
    for seed in crate::crash::seeds(0, 8) {
        against_a_model(seed).await;
    }
}

const ACCOUNTS: u64 = 40;
const TOTAL: u64 = ACCOUNTS * 100;

fn amount(value: Option<Bytes>) -> u64 {
    value.map_or(0, |value| String::from_utf8_lossy(&value).parse().expect("a number"))
}

/// Moves money between accounts; an empty account is deleted.
async fn transfer(store: &Local, random: &mut Xoshiro) -> Result<()> {
    let tx = begin(store).await;
    let (from, to) = (random.below(ACCOUNTS), random.below(ACCOUNTS));
    if from == to {
        return Ok(());
    }
    let keys = [from, to].map(|n| Bytes::from(format!("account {n:02}")));
    let values = tx.get_many(&keys, View::Snapshot).await?;
    let [a, b] = [0, 1].map(|n| amount(values[n].clone()));
    let moved = if random.percent(30) { a } else { random.below(a + 1) };
    let write = |key: &Bytes, n: u64| Write {
        key: key.clone(),
        operation: if n == 0 {
            Operation::Delete
        } else {
            Operation::Put(Bytes::from(n.to_string()))
        },
    };
    let writes = WriteSet::new(vec![write(&keys[0], a - moved), write(&keys[1], b + moved)]);
    let since = tx.snapshot();
    let points = keys.map(|key| PointRead { key, since }).to_vec();
    let reads = ReadSet { points, ranges: Vec::new() };
    let durability = Durability::None;
    tx.commit(Commit { writes, reads, durability, ..Commit::default() }).await.map(drop)
}

async fn audit(store: &Local, random: &mut Xoshiro) {
    let tx = begin(store).await;
    for direction in [Direction::Forward, Direction::Backward] {
        let all = list(&*tx, direction, 1 + random.below(13) as usize).await.expect("scans");
        let sum: u64 = all.into_iter().map(|(_, value)| amount(Some(value))).sum();
        assert_eq!(sum, TOTAL, "{direction:?}");
    }
    let mut sum = 0;
    for n in 0..ACCOUNTS {
        sum += amount(get(&*tx, &format!("account {n:02}")).await.expect("reads"));
    }
    assert_eq!(sum, TOTAL, "point by point");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_reader_sees_part_of_a_commit() {
    let store = open(&SimulatedDirectory::new(1), Torn::new(), eager()).expect("opens");
    let all = (0..ACCOUNTS).map(|n| put(&format!("account {n:02}"), "100"));
    commit(&store, all.collect(), Durability::Sync).await.expect("commits");
    let mut tasks = tokio::task::JoinSet::new();
    for seed in 0..6 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let mut random = Xoshiro::new(seed);
            for _ in 0..150 {
                if seed % 2 == 0 {
                    audit(&store, &mut random).await;
                } else {
                    for _ in 0..8 {
                        match transfer(&store, &mut random).await {
                            Ok(()) | Err(Error::Conflict) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                }
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("no panic");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hot_counters_under_a_held_snapshot_stay_bounded() {
    const COUNTERS: usize = 10_000;
    let options = LocalOptions { versions_bytes: 64 << 20, ..eager() };
    let store = open(&SimulatedDirectory::new(1), Torn::new(), options).expect("opens");
    let names: Vec<String> = (0..COUNTERS).map(|n| format!("counter {n:05}")).collect();
    let round = |value: usize| {
        let (store, names) = (Arc::clone(&store), names.clone());
        async move {
            for some in names.chunks(500) {
                let writes = some.iter().map(|name| put(name, &format!("{value:08}"))).collect();
                commit(&store, writes, Durability::None).await.expect("commits");
            }
        }
    };
    round(0).await;
    let held = begin(&store).await;
    let mut sizes = Vec::new();
    for value in 1..=12 {
        round(value).await;
        while store.usage().backlog_bytes > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        sizes.push(store.usage().versions_bytes);
    }
    let (early, late) = (sizes[1], sizes[11]);
    assert!(late <= early + early / 20, "{sizes:?}");
    assert_eq!(get(&*held, &names[77]).await.expect("reads").as_deref(), Some(&b"00000000"[..]));
    assert_eq!(list(&*held, Direction::Forward, 512).await.expect("scans").len(), COUNTERS);
    drop(held);
    // The entries leave once their snapshot has ended and the applier comes by.
    commit(&store, vec![put("nudge", "")], Durability::None).await.expect("commits");
    while store.usage().versions_entries > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(store.usage().versions_bytes, 0, "every byte is accounted for");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn past_the_budget_the_oldest_snapshot_ends() {
    let options = LocalOptions { versions_bytes: 256 << 10, ..eager() };
    let store = open(&SimulatedDirectory::new(1), Torn::new(), options).expect("opens");
    let value = "v".repeat(500);
    let fill = |from: usize| {
        let (store, value) = (Arc::clone(&store), value.clone());
        async move {
            for n in from..from + 500 {
                let writes = vec![put(&format!("k{n:05}"), &value)];
                commit(&store, writes, Durability::None).await.expect("commits");
            }
        }
    };
    fill(0).await;
    let old = begin(&store).await;
    fill(0).await;
    fill(0).await;
    let mut answer = get(&*old, "k00000").await;
    while answer.is_ok() {
        fill(0).await;
        answer = get(&*old, "k00000").await;
    }
    assert!(matches!(answer, Err(Error::SnapshotTooOld)));
    let reads = ReadSet {
        points: vec![PointRead { key: Bytes::from("k1"), since: old.snapshot() }],
        ranges: Vec::new(),
    };
    let writes = WriteSet::new(vec![put("x", "")]);
    let refused = old.commit(Commit { writes, reads, ..Commit::default() }).await;
    assert!(refused.is_err_and(|error| error.is_retryable()));
    assert!(get(&*begin(&store).await, "k00000").await.expect("reads").is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_flush_stops_writes_and_a_new_open_resolves() {
    for seed in 0..10 {
        let directory = SimulatedDirectory::new(seed);
        let engine = Resting::new();
        let store = on_disk(&directory, &engine);
        commit(&store, vec![put("a", "1")], Durability::Sync).await.expect("commits");
        directory.fail_sync(1);
        let refused = commit(&store, vec![put("a", "2")], Durability::Sync).await;
        let Err(Error::Unknown { id, .. }) = refused else { panic!("{refused:?}") };
        let again = commit(&store, vec![put("b", "2")], Durability::Sync).await;
        assert!(matches!(again, Err(Error::Failed(_))), "{again:?}");
        let tx = begin(&store).await;
        assert_eq!(get(&*tx, "a").await.expect("reads go on").as_deref(), Some(&b"1"[..]));
        drop((tx, store));
        let directory = directory.crash();
        let store = on_disk(&directory, &engine.after_crash(9));
        let a = get(&*begin(&store).await, "a").await.expect("reads");
        match store.outcome(id).await.expect("known") {
            Outcome::Committed(_) => assert_eq!(a.as_deref(), Some(&b"2"[..])),
            Outcome::NotCommitted => assert_eq!(a.as_deref(), Some(&b"1"[..])),
            Outcome::Forgotten => panic!("just now"),
        }
        assert_eq!(get(&*begin(&store).await, "b").await.expect("reads"), None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_writes_and_resumes() {
    let directory = SimulatedDirectory::new(1);
    let clock = Arc::new(SimulatedClock::new(1_700_000_000_000_000));
    let options = LocalOptions { clock: clock.clone(), space_floor_bytes: 1 << 20, ..eager() };
    directory.disk_full_after(8 << 20);
    let store = open(&directory, Resting::new(), options).expect("opens");
    commit(&store, vec![put("a", "1")], Durability::Sync).await.expect("commits");
    directory.disk_full_after(1000);
    clock.advance(Duration::from_secs(2));
    for _ in 0..3 {
        let refused = commit(&store, vec![put("a", "2")], Durability::Sync).await;
        assert!(matches!(refused, Err(Error::OutOfSpace)), "{refused:?}");
    }
    assert_eq!(get(&*begin(&store).await, "a").await.expect("reads").as_deref(), Some(&b"1"[..]));
    directory.disk_full_after(8 << 20);
    clock.advance(Duration::from_secs(2));
    commit(&store, vec![put("a", "3")], Durability::Sync).await.expect("resumes by itself");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lagging_engine_slows_commits_and_then_refuses_them() {
    let engine = Torn::new();
    let options = LocalOptions {
        backlog_soft_bytes: 20 << 10,
        backlog_hard_bytes: 40 << 10,
        backlog_wait: Duration::from_millis(30),
        ..eager()
    };
    let store = open(&SimulatedDirectory::new(1), engine.clone(), options).expect("opens");
    let value = "v".repeat(1000);
    let (held_tell, held) = std::sync::mpsc::channel();
    let (free, freed) = std::sync::mpsc::channel::<()>();
    let holder = {
        let engine = engine.clone();
        std::thread::spawn(move || {
            let _held = engine.hold_up();
            held_tell.send(()).expect("heard");
            freed.recv().expect("told");
        })
    };
    held.recv().expect("held");
    let refused = loop {
        match commit(&store, vec![put("k", &value)], Durability::None).await {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, Error::Unavailable(_)), "{refused}");
    assert!(store.usage().backlog_bytes >= 40 << 10);
    assert!(get(&*begin(&store).await, "k").await.expect("reads go on").is_some());
    free.send(()).expect("heard");
    holder.join().expect("ends");
    while commit(&store, vec![put("k", &value)], Durability::None).await.is_err() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn visible_goes_in_order_whatever_the_durability() {
    let directory = SimulatedDirectory::new(1);
    let store = on_disk(&directory, &Resting::new());
    directory.slow_sync(SlowSync::Slept(Duration::from_millis(10)));
    let slow = begin(&store)
        .await
        .commit(Commit { writes: WriteSet::new(vec![put("slow", "1")]), ..Commit::default() });
    let Err(slow) = slow.now() else { panic!("a sync commit waits for its flush") };
    assert_eq!(get(&*begin(&store).await, "slow").await.expect("reads"), None, "not visible yet");
    let tx = begin(&store).await;
    let latest = tx.get(b"slow", View::Latest).await.expect("reads");
    assert_eq!(latest.as_deref(), Some(&b"1"[..]), "published");
    tx.settle().await.expect("waits for what was seen");
    assert!(get(&*begin(&store).await, "slow").await.expect("reads").is_some());
    let slow = slow.await.expect("commits");
    let quick = commit(&store, vec![put("quick", "1")], Durability::None).await.expect("commits");
    assert!(quick.stamp > slow.stamp && store.visible() >= quick.stamp);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_nobody_awaits_still_happens() {
    let directory = SimulatedDirectory::new(1);
    directory.slow_sync(SlowSync::Slept(Duration::from_millis(5)));
    let store = on_disk(&directory, &Resting::new());
    let mut feed = store.feed(Stamp::ZERO).expect("feeds");
    for n in 0..3 {
        let writes = WriteSet::new(vec![put("k", &n.to_string())]);
        let answer = begin(&store).await.commit(Commit { writes, ..Commit::default() });
        let Err(waiting) = answer.now() else { panic!("a sync commit waits for its flush") };
        drop(waiting);
        let events = feed.next(1).await.expect("feeds");
        assert_eq!(events.len(), 1, "the feed drives the log itself");
    }
    assert_eq!(get(&*begin(&store).await, "k").await.expect("reads").as_deref(), Some(&b"2"[..]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn committers_share_flushes() {
    let directory = SimulatedDirectory::new(1);
    let store = on_disk(&directory, &Resting::new());
    directory.slow_sync(SlowSync::Slept(Duration::from_millis(2)));
    let before = store.usage();
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..64 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            for n in 0..10 {
                let writes = vec![put(&format!("{task} {n}"), "v")];
                commit(&store, writes, Durability::Sync).await.expect("commits");
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("no panic");
    }
    let after = store.usage();
    let commits = after.flushed_commits - before.flushed_commits;
    let flushes = after.flushes - before.flushes;
    assert!(commits >= flushes * 8, "{commits} commits in {flushes} flushes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_holds_a_store() {
    let directory = SimulatedDirectory::new(1);
    let store = on_disk(&directory, &Resting::new());
    let second = open(&directory, Resting::new(), eager());
    assert!(matches!(second, Err(Error::Unavailable(_))));
    store.close().await.expect("closes");
    let still = open(&directory, Resting::new(), eager());
    assert!(matches!(still, Err(Error::Unavailable(_))), "its engine is still open");
    drop(store);
    let again = open(&directory, Resting::new(), eager());
    again.map(drop).expect("the lock ends with the store, and nothing was released yet");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_keeps_data_feed_outcomes_and_the_order_of_stamps() {
    let directory = SimulatedDirectory::new(1);
    let engine = Resting::new();
    let clock = Arc::new(SimulatedClock::new(1_700_000_000_000_000));
    let options = || LocalOptions { clock: clock.clone(), ..eager() };
    let mut ids = Vec::new();
    let mut last = Stamp::ZERO;
    for round in 0..4 {
        let store = open(&directory, engine.clone(), options()).expect("opens");
        for n in 0..50 {
            let tx = begin(&store).await;
            let id = tx.id();
            let writes = WriteSet::new(vec![put(&format!("{round} {n}"), &"v".repeat(500))]);
            let done = tx.commit(Commit { writes, ..Commit::default() }).await.expect("commits");
            assert!(done.stamp > last);
            last = done.stamp;
            ids.push((id, last));
        }
        store.close().await.expect("closes");
        clock.jump_wall(-3_600_000_000);
    }
    let store = open(&directory, engine, options()).expect("opens");
    assert_eq!(
        list(&*begin(&store).await, Direction::Backward, 7).await.expect("scans").len(),
        200
    );
    let mut feed = store.feed(Stamp::ZERO).expect("feeds");
    let mut seen = Vec::new();
    while seen.len() < 200 {
        seen.extend(feed.next(5_000).await.expect("feeds").iter().map(|e| (e.id, e.stamp)));
    }
    assert_eq!(seen, ids, "from the log");
    for (id, stamp) in ids.iter().step_by(40) {
        assert_eq!(store.outcome(*id).await.expect("known"), Outcome::Committed(*stamp));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_that_falls_behind_is_told_and_pins_nothing() {
    let directory = SimulatedDirectory::new(1);
    let options = LocalOptions { feed_log_bytes: 100 << 10, ..eager() };
    let store = open(&directory, Resting::new(), options).expect("opens");
    let first = commit(&store, vec![put("k", "")], Durability::Sync).await.expect("commits");
    let mut feed = store.feed(first.stamp).expect("feeds");
    let value = "v".repeat(4000);
    let gone = loop {
        for _ in 0..50 {
            commit(&store, vec![put("k", &value)], Durability::Sync).await.expect("commits");
        }
        match store.feed(first.stamp) {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(matches!(gone, Error::FeedGone { after } if after == first.stamp));
    assert!(matches!(feed.next(100).await, Err(Error::FeedGone { .. })));
    assert!(store.feed(store.visible()).is_ok());
    // The log is released at checkpoints, which come with more commits.
    let kept = || {
        let names = directory.list().expect("lists");
        names.iter().filter(|name| name.ends_with(".log")).count()
    };
    for _ in 0..2_000 {
        if kept() <= 8 {
            return;
        }
        commit(&store, vec![put("k", &value)], Durability::Sync).await.expect("commits");
    }
    panic!("{} segments of 64 kB are left", kept());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_past_is_reached_while_somebody_holds_it() {
    let store = Local::memory_with(eager()).expect("opens");
    let first = commit(&store, vec![put("k", "1")], Durability::Sync).await.expect("commits");
    let held = begin(&store).await;
    commit(&store, vec![put("k", "2")], Durability::Sync).await.expect("commits");
    let at = |as_of| store.begin(Begin { as_of: Some(as_of), ..Begin::default() });
    let past = at(held.snapshot()).await.expect("held");
    drop(held);
    commit(&store, vec![put("k", "3")], Durability::Sync).await.expect("commits");
    assert_eq!(get(&*past, "k").await.expect("reads").as_deref(), Some(&b"1"[..]));
    drop(past);
    while !matches!(at(first.stamp).await, Err(Error::SnapshotTooOld)) {
        commit(&store, vec![put("k", "4")], Durability::Sync).await.expect("commits");
    }
    assert!(matches!(at(Stamp(u64::MAX / 2)).await, Err(Error::Unavailable(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_reads_what_it_has_seen() {
    let directory = SimulatedDirectory::new(1);
    directory.slow_sync(SlowSync::Slept(Duration::from_millis(5)));
    let store = on_disk(&directory, &Resting::new());
    for n in 0..5 {
        let writes = WriteSet::new(vec![put("k", &n.to_string())]);
        let pending = begin(&store).await.commit(Commit { writes, ..Commit::default() });
        let Err(pending) = pending.now() else { panic!("a sync commit waits for its flush") };
        let tx = begin(&store).await;
        let (key, mode) = (Bytes::from("k"), transaction::LockMode::Share);
        let asked = [transaction::LockRequest { key, mode }];
        let locked = tx.lock(&asked, transaction::Wait::No);
        let locked = locked.await.expect("the committer let go before its flush");
        let transaction::Locked::Held { stamp, .. } = locked[0] else { panic!("held") };
        let next =
            store.begin(Begin { at_least: stamp, ..Begin::default() }).await.expect("begins");
        assert_eq!(get(&*next, "k").await.expect("reads"), Some(Bytes::from(n.to_string())));
        next.settle().await.expect("settles");
        assert!(store.visible() >= stamp);
        pending.await.expect("commits");
    }
}

/// Commits writes and waits until the engine has them, all in the middle of somebody's read.
fn apply_meanwhile(store: &Arc<Local>, engine: &Torn, writes: Vec<Write>) {
    let store = Arc::clone(store);
    engine.meanwhile(Box::new(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("starts");
        // A thread of its own: the reader's may belong to a runtime.
        let done = std::thread::spawn(move || {
            runtime.block_on(commit(&store, writes, Durability::None)).expect("commits");
            while store.usage().backlog_bytes > 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
            // The table is cleared after the backlog is counted down.
            std::thread::sleep(Duration::from_millis(5));
        });
        done.join().expect("no panic");
    }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_is_right_though_a_batch_is_applied_in_the_middle_of_it() {
    let delete =
        |key: &str| Write { key: Bytes::from(key.to_owned()), operation: Operation::Delete };
    let changes = [
        vec![put("b", "new")],
        vec![delete("b")],
        vec![put("absent", "new"), put("c", "new"), delete("a")],
        vec![put("aa", "new"), delete("b"), put("bb", "new")],
    ];
    for change in changes {
        for look in 0..5 {
            let engine = Torn::new();
            let options = LocalOptions { cache_bytes: 0, ..eager() };
            let store = open(&SimulatedDirectory::new(1), engine.clone(), options).expect("opens");
            let rows = ["a", "b", "c"].map(|key| put(key, "old"));
            commit(&store, rows.to_vec(), Durability::Sync).await.expect("commits");
            while store.usage().versions_entries > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let tx = begin(&store).await;
            apply_meanwhile(&store, &engine, change.clone());
            match look {
                0 => {
                    let read = get(&*tx, "b").await.expect("reads");
                    assert_eq!(read.as_deref(), Some(&b"old"[..]), "{change:?}");
                }
                1 => assert_eq!(get(&*tx, "absent").await.expect("reads"), None, "{change:?}"),
                _ => {
                    let backward = look == 2;
                    let direction = if backward { Direction::Backward } else { Direction::Forward };
                    let mut all = list(&*tx, direction, look).await.expect("scans");
                    if backward {
                        all.reverse();
                    }
                    let keys: Vec<_> = all.iter().map(|(k, v)| (&k[..], &v[..])).collect();
                    let old = &b"old"[..];
                    assert_eq!(keys, [(&b"a"[..], old), (b"b", old), (b"c", old)], "{change:?}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_file_engine_carries_a_store_over_restarts() {
    let place = tempfile::tempdir().expect("a place");
    let reopen = || {
        let directory = engine::device::RealDirectory::create(place.path()).expect("made");
        let options = engine::file::Options { memory_bytes: 1 << 20, ..Default::default() };
        let folder = place.path().join("engine");
        let engine = || Ok(Arc::new(engine::file::FileEngine::open(&folder, options)?) as Arc<_>);
        Arc::new(Local::open_with(Arc::new(directory), engine, eager()).expect("opens"))
    };
    for round in 0..4 {
        let store = reopen();
        let tx = begin(&store).await;
        let all = list(&*tx, Direction::Forward, 100).await.expect("scans");
        assert_eq!(all.len(), round * 2_000);
        drop(tx);
        let held = begin(&store).await;
        for chunk in 0..40 {
            let rows =
                (0..50).map(|n| put(&format!("{round} {chunk:02} {n:02}"), &"v".repeat(100)));
            commit(&store, rows.collect(), Durability::Interval).await.expect("commits");
        }
        let before = list(&*held, Direction::Backward, 100).await.expect("scans");
        assert_eq!(before.len(), round * 2_000, "the snapshot stays");
        drop(held);
        if round % 2 == 0 {
            store.close().await.expect("closes");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_stamp_is_not_given_out_again_though_the_clock_was_set_back() {
    let directory = SimulatedDirectory::new(1);
    let engine = Resting::new();
    let clock = Arc::new(SimulatedClock::new(1_700_000_000_000_000));
    let hour = Duration::from_secs(3600);
    let options = || LocalOptions {
        clock: clock.clone(),
        write_within: hour,
        flush_within: hour,
        apply_within: hour,
        ..eager()
    };
    let store = open(&directory, engine.clone(), options()).expect("opens");
    let kept = commit(&store, vec![put("kept", "")], Durability::Sync).await.expect("commits");
    clock.advance(Duration::from_secs(60));
    let lost = commit(&store, vec![put("lost", "")], Durability::None).await.expect("commits");
    // The process dies before anything is written: its end must not flush either.
    directory.power_off_after(0);
    drop(store);
    clock.jump_wall(-3_600_000_000);
    let store = open(&directory.crash(), engine.after_crash(0), options()).expect("opens");
    assert_eq!(store.visible(), kept.stamp);
    assert_eq!(get(&*begin(&store).await, "lost").await.expect("reads"), None);
    let next = commit(&store, vec![put("next", "")], Durability::Sync).await.expect("commits");
    assert!(next.stamp > lost.stamp, "{next:?} {lost:?}");
}

/// Who holds what right now: readers count up, a writer takes all.
async fn grab(store: &Local, held: &[std::sync::atomic::AtomicI64], random: &mut Xoshiro) {
    use std::sync::atomic::Ordering::SeqCst;
    use transaction::{LockMode, LockRequest, Wait};
    let tx = begin(store).await;
    let mut mine = Vec::new();
    for _ in 0..1 + random.below(3) {
        let key = random.below(held.len() as u64) as usize;
        if mine.iter().any(|(other, _)| *other == key) {
            continue;
        }
        let exclusive = random.percent(60);
        let mode = if exclusive { LockMode::Update } else { LockMode::Share };
        let request = [LockRequest { key: Bytes::from(format!("k{key}")), mode }];
        match tx.lock(&request, Wait::Forever).await {
            Ok(_) => {
                let weight = if exclusive { -1000 } else { 1 };
                let before = held[key].fetch_add(weight, SeqCst);
                assert!(before == 0 || (before > 0 && !exclusive), "{before} {exclusive}");
                mine.push((key, weight));
            }
            Err(Error::Deadlock) => break,
            Err(error) => panic!("{error}"),
        }
        tokio::task::yield_now().await;
    }
    for (key, weight) in mine {
        held[key].fetch_sub(weight, SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn random_lockers_exclude_one_another_and_all_finish() {
    let store = Arc::new(Local::memory().expect("opens"));
    let held: Arc<Vec<_>> =
        Arc::new((0..5).map(|_| std::sync::atomic::AtomicI64::new(0)).collect());
    let mut tasks = tokio::task::JoinSet::new();
    for seed in 0..12 {
        let (store, held) = (Arc::clone(&store), Arc::clone(&held));
        tasks.spawn(async move {
            let mut random = Xoshiro::new(seed);
            for _ in 0..150 {
                grab(&store, &held, &mut random).await;
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("no panic");
    }
    assert_eq!(store.usage().locked_keys, 0);
}
