//! Index builds while others write.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use model::datum::Datum;
use model::{Arbiter, Error, IndexState, Model, NewCollection, NewIndex};
use rand::{Rng, SeedableRng};
use transaction::{CancelToken, Durability, LockRequest, Stamp};

use crate::toy::*;

async fn filled(rows: i64) -> Model {
    let model = model().await;
    let work = begin(&model).await;
    let new = NewCollection::table(main_database(&work), "public", "t", vec![int("a"), int("b")]);
    let t = work.create_collection(new.key(&["a"])).await.unwrap();
    for a in 0..rows {
        insert(&work, &t, &[Datum::Int(a), Datum::Int(a % 97)]).await;
    }
    commit(work).await;
    model
}

/// One random change; `false`: it met a conflict and did nothing.
async fn change(model: &Model, random: &mut rand_chacha::ChaCha8Rng) -> bool {
    let work = begin(model).await;
    let t = named(&work, "t");
    let a = random.random_range(0..1500i64);
    let b = Datum::Int(random.random_range(0..97));
    let row = [Datum::Int(a), b];
    let key = model::row::key_of(&t, &row).unwrap();
    let done = async {
        let keys = [key.clone()];
        let mode = model::LockMode::Update;
        let held = work.lock_rows(&t, &keys, mode, transaction::Wait::Forever).await?;
        let Some(model::LockedRow::Held { value, .. }) = held.into_iter().next() else {
            return Ok(());
        };
        match value {
            None => work.insert(&t, &row, Arbiter::None).await.map(drop),
            Some(old) if random.random_bool(0.3) => work.delete(&t, &key, &old).await,
            Some(old) => work.update(&t, &key, &old, &row, &[t.columns[1].id]).await.map(drop),
        }
    };
    match done.await {
        Ok(()) => match work.commit(Durability::Sync, Bytes::new()).await {
            Ok(_) => true,
            Err(error) if error.is_retryable() => false,
            Err(error) => panic!("{error}"),
        },
        Err(error) if error.is_retryable() => false,
        Err(error) => panic!("{error}"),
    }
}

/// Ends the writers however the test ends: a runtime waits for tasks that never yield.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_built_under_writers_is_right() {
    let model = filled(1000).await;
    let stop = Arc::new(AtomicBool::new(false));
    let _guard = Stop(stop.clone());
    let made = Arc::new(AtomicUsize::new(0));
    let writers: Vec<_> = (0..3u64)
        .map(|seed| {
            let (model, stop, made) = (model.clone(), stop.clone(), made.clone());
            tokio::spawn(async move {
                let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
                while !stop.load(Ordering::Relaxed) {
                    made.fetch_add(change(&model, &mut random).await.into(), Ordering::Relaxed);
                }
            })
        })
        .collect();
    while made.load(Ordering::Relaxed) < 20 {
        tokio::task::yield_now().await;
    }
    for columns in [&["b"][..], &["b", "a"]] {
        let work = begin(&model).await;
        let id = named(&work, "t").id;
        drop(work);
        let new = NewIndex::on(columns);
        let cancel = CancelToken::default();
        let index = model.create_index(id, new, Arc::new(()), &cancel).await.unwrap();
        assert_eq!(index.state, IndexState::Ready);
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    let work = begin(&model).await;
    let t = named(&work, "t");
    assert_eq!(t.indexes.len(), 2);
    assert!(t.indexes.iter().all(|index| index.state == IndexState::Ready));
    indexes_agree(&work, &t).await;
}

#[tokio::test]
async fn a_duplicate_ends_the_build_and_takes_the_index_away() {
    let model = filled(300).await;
    let work = begin(&model).await;
    let id = named(&work, "t").id;
    drop(work);
    let cancel = CancelToken::default();
    let refused = model.create_index(id, NewIndex::unique(&["b"]), Arc::new(()), &cancel).await;
    assert!(matches!(refused, Err(Error::Unique(v)) if v.building));
    let work = begin(&model).await;
    let t = named(&work, "t");
    assert!(t.indexes.is_empty());
    drop(work);
    model.sweep_once(Stamp::MAX, &cancel).await.unwrap();
    let swept = model.sweep_once(Stamp::MAX, &cancel).await.unwrap();
    assert_eq!((swept.done, swept.left), (0, 0));
}

#[tokio::test]
async fn a_build_that_was_left_is_resumed() {
    let model = filled(600).await;
    // A locked row keeps the build waiting; then its task is killed.
    let holder = begin(&model).await;
    let t = named(&holder, "t");
    let key = model::row::key_of(&t, &[Datum::Int(500), Datum::Null]).unwrap();
    let request = [LockRequest { key, mode: model::LockMode::Update }];
    holder.buffer().lock(&request, transaction::Wait::No).await.unwrap();
    let building = {
        let model = model.clone();
        tokio::spawn(async move {
            let cancel = CancelToken::default();
            model.create_index(t.id, NewIndex::on(&["b"]), Arc::new(()), &cancel).await
        })
    };
    loop {
        let work = begin(&model).await;
        let t = named(&work, "t");
        let filled = match t.indexes.first() {
            Some(index) => {
                let range = model::key::entries(t.storage, index.id);
                let scan = transaction::Scan {
                    start: range.start,
                    end: range.end,
                    direction: transaction::Direction::Forward,
                    limit: transaction::PageLimit::records(300),
                };
                work.buffer().scan(&scan).await.unwrap().records.len()
            }
            None => 0,
        };
        if filled >= 256 {
            break;
        }
        assert!(!building.is_finished(), "the build did not wait");
        tokio::task::yield_now().await;
    }
    building.abort();
    assert!(building.await.is_err());
    commit(holder).await;
    let work = begin(&model).await;
    let t = named(&work, "t");
    assert_eq!(t.indexes[0].state, IndexState::Building);
    assert!(work.verify_index(&t, &t.indexes[0]).await.unwrap().is_some());
    drop(work);
    let swept = model.sweep_once(Stamp::MAX, &CancelToken::default()).await.unwrap();
    assert_eq!((swept.done, swept.left), (1, 0));
    let work = begin(&model).await;
    let t = named(&work, "t");
    assert_eq!(t.indexes[0].state, IndexState::Ready);
    indexes_agree(&work, &t).await;
}
