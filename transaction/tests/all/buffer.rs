//! `Buffer` against a plain map: own writes, savepoints, scans in both directions.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use transaction::local::Local;
use transaction::{
    Begin, Buffer, CancelToken, Direction, Durability, PageLimit, ReadTracking, Scan, Store, View,
};

#[derive(Debug, Clone)]
enum Step {
    Put(u8, u8),
    Delete(u8),
    Add(u8, i8),
    Save,
    Rollback(u8),
    Release(u8),
    Get(u8),
    Scan(u8, u8, bool, u8),
    Statement,
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0..12u8;
    prop_oneof![
        4 => (key.clone(), any::<u8>()).prop_map(|(k, v)| Step::Put(k, v)),
        2 => key.clone().prop_map(Step::Delete),
        2 => (12..16u8, any::<i8>()).prop_map(|(k, n)| Step::Add(k, n)),
        2 => Just(Step::Save),
        1 => any::<u8>().prop_map(Step::Rollback),
        1 => any::<u8>().prop_map(Step::Release),
        2 => (0..16u8).prop_map(Step::Get),
        3 => (0..17u8, 0..17u8, any::<bool>(), 1..6u8)
            .prop_map(|(a, b, down, n)| Step::Scan(a, b, down, n)),
        1 => Just(Step::Statement),
    ]
}

type Map = BTreeMap<Bytes, Bytes>;

fn key(n: u8) -> Bytes {
    Bytes::copy_from_slice(&[n])
}

fn sum(map: &Map, key: &Bytes, delta: i8) -> Bytes {
    let old = map.get(key).and_then(|b| b.as_ref().try_into().ok()).map_or(0, i64::from_be_bytes);
    Bytes::copy_from_slice(&(old + i64::from(delta)).to_be_bytes())
}

async fn scan(
    tx: &Buffer,
    (a, b): (u8, u8),
    backward: bool,
    records: u8,
    until: u64,
) -> Vec<(Bytes, Bytes)> {
    let direction = if backward { Direction::Backward } else { Direction::Forward };
    let limit = PageLimit::records(records.into());
    let mut scan = Scan { start: key(a), end: key(b), direction, limit };
    let mut all = Vec::new();
    loop {
        let page = tx.scan_until(&scan, until, View::Snapshot).await.expect("scans");
        all.extend(page.records);
        match (page.next, backward) {
            (None, _) => return all,
            (Some(next), false) => scan.start = next,
            (Some(next), true) => scan.end = next,
        }
    }
}

fn expected(map: &Map, (a, b): (u8, u8), backward: bool) -> Vec<(Bytes, Bytes)> {
    let inside = map.iter().filter(|(k, _)| **k >= key(a) && **k < key(b));
    let mut all: Vec<_> = inside.map(|(k, v)| (k.clone(), v.clone())).collect();
    if backward {
        all.reverse();
    }
    all
}

async fn play(before: Vec<Step>, steps: Vec<Step>) {
    let store = Arc::new(Local::memory().expect("opens"));
    let begin = || async { store.begin(Begin::default()).await.expect("begins") };
    let wrap = |tx| Buffer::new(tx, store.offers(), ReadTracking::On, CancelToken::default());
    let mut map = Map::new();
    for steps in [before, steps] {
        let tx = wrap(begin().await);
        let mut saved: Vec<(transaction::Savepoint, Map)> = Vec::new();
        let mut statement: Option<(u64, Map)> = None;
        for step in steps {
            match step {
                Step::Put(k, v) => {
                    tx.put(key(k), Bytes::copy_from_slice(&[v])).expect("fits");
                    map.insert(key(k), Bytes::copy_from_slice(&[v]));
                }
                Step::Delete(k) => {
                    tx.delete(key(k)).expect("fits");
                    map.remove(&key(k));
                }
                Step::Add(k, n) => {
                    tx.add(key(k), n.into()).expect("fits");
                    let value = sum(&map, &key(k), n);
                    map.insert(key(k), value);
                }
                Step::Save => saved.push((tx.savepoint(), map.clone())),
                Step::Rollback(n) if !saved.is_empty() => {
                    let at = usize::from(n) % saved.len();
                    saved.truncate(at + 1);
                    tx.rollback_to(saved[at].0);
                    map = saved[at].1.clone();
                    statement = None;
                }
                Step::Release(n) if !saved.is_empty() => {
                    let at = usize::from(n) % saved.len();
                    tx.release(saved[at].0);
                    saved.truncate(at);
                    statement = None;
                }
                Step::Statement => {
                    saved.push((tx.savepoint(), map.clone()));
                    statement = Some((tx.sequence(), map.clone()));
                }
                Step::Rollback(_) | Step::Release(_) => {}
                Step::Get(k) => {
                    assert_eq!(tx.get(&key(k)).await.expect("reads"), map.get(&key(k)).cloned());
                    if let Some((until, then)) = &statement {
                        let seen = tx.get_until(&key(k), *until, View::Snapshot).await;
                        assert_eq!(seen.expect("reads"), then.get(&key(k)).cloned());
                    }
                }
                Step::Scan(a, b, backward, records) => {
                    let seen = scan(&tx, (a, b), backward, records, u64::MAX).await;
                    assert_eq!(seen, expected(&map, (a, b), backward));
                    if let Some((until, then)) = &statement {
                        let seen = scan(&tx, (a, b), backward, records, *until).await;
                        assert_eq!(seen, expected(then, (a, b), backward));
                    }
                }
            }
        }
        tx.commit(Durability::Sync, Bytes::new(), false).await.expect("alone");
        let after = wrap(begin().await);
        assert_eq!(
            scan(&after, (0, 99), false, 100, u64::MAX).await,
            expected(&map, (0, 99), false)
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
    #[test]
    fn a_buffer_behaves_like_a_map(
        before in prop::collection::vec(step(), 0..12),
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("starts");
        runtime.block_on(play(before, steps));
    }
}
