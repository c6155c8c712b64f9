//! Power cuts at random points: what was acknowledged is there, nothing is torn, the feed has no
//! gap.
//!
//! Each round opens the store on what the cut left, checks it, and works on until the next cut. The
//! engine comes back with any number of batches beyond its last checkpoint, as a real one may.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use engine::device::{SimulatedDirectory, Xoshiro};
use parking_lot::Mutex;
use transaction::local::Local;
use transaction::{
    Begin, Buffer, CancelToken, Direction, Durability, Error, FeedEvent, Operation, Outcome,
    PageLimit, ReadTracking, Scan, Stamp, Store, TransactionId,
};

use crate::conformance::on_disk;
use crate::resting::Resting;

/// What the outside world knows: each write set by its tag, and what became of it.
#[derive(Default)]
struct World {
    tags: AtomicU64,
    sets: Mutex<BTreeMap<u64, Set>>,
}

#[derive(Clone)]
struct Set {
    id: TransactionId,
    keys: Vec<Bytes>,
    acknowledged: Option<Stamp>,
    refused: bool,
}

type Image = BTreeMap<Bytes, Bytes>;

async fn work(store: Arc<Local>, world: Arc<World>, durability: Durability, seed: u64) {
    let mut random = Xoshiro::new(seed);
    for _ in 0..60 {
        let Ok(tx) = store.begin(Begin::default()).await else { return };
        let offers = store.offers();
        let tx = Buffer::new(tx, offers, ReadTracking::On, CancelToken::default());
        let tag = world.tags.fetch_add(1, Ordering::Relaxed) + 1;
        let id = tx.id();
        let keys = (0..1 + random.below(6)).map(|_| {
            let shared = random.percent(20);
            let number = random.below(if shared { 8 } else { 99 });
            Bytes::from(if shared { format!("hot {number}") } else { format!("t{tag} {number}") })
        });
        let mut keys: Vec<Bytes> = keys.collect();
        keys.sort();
        keys.dedup();
        for key in &keys {
            let mut value = tag.to_be_bytes().to_vec();
            value.resize(8 + random.below(300) as usize, 7);
            tx.put(key.clone(), Bytes::from(value)).expect("fits");
        }
        tx.add(Bytes::from_static(b"count"), 1).expect("fits");
        let set = Set { id, keys, acknowledged: None, refused: false };
        world.sets.lock().insert(tag, set);
        let answer = tx.commit(durability, Bytes::copy_from_slice(&tag.to_be_bytes()), false).await;
        let mut sets = world.sets.lock();
        let set = sets.get_mut(&tag).expect("just put there");
        match answer {
            Ok(committed) => set.acknowledged = Some(committed.stamp),
            Err(Error::Unknown { .. }) => return,
            Err(error) => {
                set.refused = true;
                if !error.is_retryable() {
                    return;
                }
            }
        }
    }
}

async fn image(store: &Local) -> Image {
    let tx = store.begin(Begin::default()).await.expect("begins");
    let mut scan = Scan {
        start: Bytes::new(),
        end: Bytes::new(),
        direction: Direction::Forward,
        limit: PageLimit::records(50),
    };
    let mut image = Image::new();
    loop {
        let page = tx.scan(&scan, transaction::View::Snapshot).await.expect("scans");
        image.extend(page.records);
        match page.next {
            Some(next) => scan.start = next,
            None => return image,
        }
    }
}

async fn history(store: &Local) -> Vec<FeedEvent> {
    let visible = store.visible();
    let mut feed = store.feed(Stamp::ZERO).expect("nothing is gone");
    let mut events: Vec<FeedEvent> = Vec::new();
    while visible > Stamp::ZERO && events.last().is_none_or(|event| event.stamp < visible) {
        events.extend(feed.next(10_000).await.expect("feeds"));
    }
    events
}

fn replayed(events: &[FeedEvent]) -> Image {
    let mut image = Image::new();
    for event in events {
        for write in event.writes.writes() {
            match &write.operation {
                Operation::Put(value) => drop(image.insert(write.key.clone(), value.clone())),
                Operation::Delete => drop(image.remove(&write.key)),
                Operation::Add(_) => panic!("an Add is resolved"),
            }
        }
    }
    image
}

/// Checks what a cut has left. With relaxed durability commits may be missing, but only the newest.
async fn check(store: &Local, world: &World, durability: Durability) {
    let events = history(store).await;
    assert!(events.is_sorted_by(|a, b| a.stamp < b.stamp));
    let image = image(store).await;
    assert_eq!(image, replayed(&events), "the data is what the feed tells");
    let count =
        image.get(&b"count"[..]).map_or(0, |b| i64::from_be_bytes(b[..].try_into().unwrap()));
    assert_eq!(count, events.len() as i64, "each commit counted once");
    let tag = |event: &FeedEvent| u64::from_be_bytes(event.note[..].try_into().expect("a tag"));
    let there: BTreeMap<u64, &FeedEvent> = events.iter().map(|e| (tag(e), e)).collect();
    assert_eq!(there.len(), events.len(), "no commit twice");
    let sets = world.sets.lock().clone();
    let newest = events.last().map_or(Stamp::ZERO, |event| event.stamp);
    for (tag, set) in &sets {
        let event = there.get(tag);
        if let Some(stamp) = set.acknowledged {
            let lost_late = durability != Durability::Sync && stamp > newest;
            assert!(event.is_some() || lost_late, "acknowledged {tag} is lost");
            assert!(event.is_none_or(|event| event.stamp == stamp));
        }
        assert!(!(set.refused && event.is_some()), "refused {tag} is there");
        if tag % 7 == 0 {
            let there = event.map(|event| Outcome::Committed(event.stamp));
            let expected = there.unwrap_or(Outcome::NotCommitted);
            assert_eq!(store.outcome(set.id).await.expect("known"), expected);
        }
        if let Some(event) = event {
            let mut keys: Vec<_> = event.writes.writes().iter().map(|w| w.key.clone()).collect();
            keys.retain(|key| key != "count");
            assert_eq!(keys, set.keys, "{tag} is torn");
        }
    }
    // What is lost stays lost: later rounds must not see it come back.
    world.sets.lock().retain(|tag, _| there.contains_key(tag));
}

async fn rounds(seed: u64, durability: Durability, power: bool) {
    let mut random = Xoshiro::new(seed);
    let mut directory = SimulatedDirectory::new(seed);
    let mut engine = Resting::new();
    let world = Arc::new(World::default());
    let mut stamps = Stamp::ZERO;
    for _ in 0..4 {
        let store = on_disk(&directory, &engine);
        check(&store, &world, durability).await;
        directory.power_off_after(20 + random.below(250));
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let (store, world) = (Arc::clone(&store), Arc::clone(&world));
            tasks.spawn(work(store, world, durability, random.next_u64()));
        }
        while let Some(done) = tasks.join_next().await {
            done.expect("no panic");
        }
        drop(store);
        let newest = world.sets.lock().values().filter_map(|set| set.acknowledged).max();
        stamps = stamps.max(newest.unwrap_or_default());
        directory = if power { directory.crash() } else { directory.kill() };
        engine = engine.after_crash(random.below(20) as usize);
    }
    let store = on_disk(&directory, &engine);
    check(&store, &world, durability).await;
    let tx = store.begin(Begin::default()).await.expect("begins");
    let tx = Buffer::new(tx, store.offers(), ReadTracking::Off, CancelToken::default());
    tx.put(Bytes::from_static(b"last"), Bytes::new()).expect("fits");
    let last = tx.commit(durability, Bytes::new(), true).await.expect("works on");
    assert!(last.stamp > stamps, "no stamp is given out twice, not even a lost one");
}

/// `QANAT_LONG=n` runs n times as many seeds.
pub fn seeds(first: u64, count: u64) -> std::ops::Range<u64> {
    let times = std::env::var("QANAT_LONG").ok().and_then(|times| times.parse().ok());
    first..first + count * times.unwrap_or(1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn power_cuts_lose_nothing_acknowledged() {
    for seed in seeds(0, 10) {
        rounds(seed, Durability::Sync, true).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn power_cuts_under_relaxed_durability_lose_only_the_newest() {
    for seed in seeds(10_000, 5) {
        rounds(seed, Durability::Interval, true).await;
        rounds(seed, Durability::None, true).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_loses_nothing_that_was_handed_on() {
    for seed in seeds(20_000, 5) {
        rounds(seed, Durability::Sync, false).await;
    }
}
