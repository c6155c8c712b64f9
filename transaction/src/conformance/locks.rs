//! Locks: who gets what, who waits, who is refused.

use std::time::Duration;

use super::*;
use crate::{LockMode, LockRequest, Locked, LockedRows, Transaction, Wait};

const MODES: [LockMode; 4] =
    [LockMode::KeyShare, LockMode::Share, LockMode::NoKeyUpdate, LockMode::Update];

fn ask(name: &str, mode: LockMode) -> [LockRequest; 1] {
    [LockRequest { key: key(name), mode }]
}

async fn begin(store: &dyn Store) -> Box<dyn Transaction> {
    store.begin(Begin::default()).await.unwrap()
}

async fn take(tx: &dyn Transaction, name: &str, mode: LockMode) -> Result<LockedRows> {
    tx.lock(&ask(name, mode), Wait::No).await
}

async fn put(tx: Box<dyn Transaction>, name: &str, value: &str) -> Result<Committed> {
    let operation = crate::Operation::Put(key(value));
    tx.commit(bare(vec![Write { key: key(name), operation }])).await
}

pub(super) async fn modes_conflict_in_pairs(store: Arc<dyn Store>) {
    for held in MODES {
        for asked in MODES {
            let (one, two) = (begin(&*store).await, begin(&*store).await);
            take(&*one, "k", held).await.unwrap();
            let answer = take(&*two, "k", asked).await;
            if held.conflicts(asked) {
                assert!(matches!(answer, Err(Error::LockNotAvailable)), "{held:?} {asked:?}");
            } else {
                assert!(matches!(answer.unwrap()[..], [Locked::Held { .. }]));
            }
            take(&*one, "k", held).await.expect("held already");
        }
    }
}

pub(super) async fn a_lock_answers_the_latest(store: Arc<dyn Store>) {
    set(&*store, &[("k", "1")]).await;
    let tx = begin(&*store).await;
    let committed = set(&*store, &[("k", "2"), ("gone", "-")]).await;
    let keys = ["k", "gone", "never"].map(|name| LockRequest { key: key(name), mode: MODES[3] });
    let locked = tx.lock(&keys, Wait::Forever).await.unwrap();
    let [Locked::Held { value, stamp }, Locked::Held { value: None, .. }, never] = &locked[..]
    else {
        panic!("{locked:?}");
    };
    assert_eq!((value.as_ref(), *stamp), (Some(&key("2")), committed.stamp));
    assert!(*stamp > tx.snapshot(), "changed since the snapshot");
    assert!(matches!(never, Locked::Held { value: None, .. }));
    let read = tx.get(b"k", crate::View::Snapshot).await.unwrap();
    assert_eq!(read, Some(key("1")), "the snapshot stays");
}

pub(super) async fn a_waiter_gets_the_lock(store: Arc<dyn Store>) {
    let (one, two) = (begin(&*store).await, begin(&*store).await);
    take(&*one, "k", LockMode::Update).await.unwrap();
    let asked = ask("k", LockMode::Update);
    let waiting = started(two.lock(&asked, Wait::Forever)).await;
    put(one, "k", "by one").await.unwrap();
    let locked = waiting.await.unwrap();
    assert!(matches!(&locked[..], [Locked::Held { value: Some(v), .. }] if *v == key("by one")));
}

pub(super) async fn a_wait_times_out(store: Arc<dyn Store>) {
    let (one, two) = (begin(&*store).await, begin(&*store).await);
    take(&*one, "k", LockMode::Update).await.unwrap();
    let asked = ask("k", LockMode::Share);
    let answer = two.lock(&asked, Wait::For(Duration::from_millis(5))).await;
    assert!(matches!(answer, Err(Error::LockTimeout)));
    drop(one);
    take(&*two, "k", LockMode::Share).await.expect("the queue is clean");
}

pub(super) async fn a_wait_is_cancelled(store: Arc<dyn Store>) {
    let one = begin(&*store).await;
    take(&*one, "k", LockMode::Update).await.unwrap();
    let cancel = CancelToken::default();
    let two = store.begin(Begin { cancel: cancel.clone(), ..Begin::default() }).await.unwrap();
    let asked = ask("k", LockMode::Update);
    let waiting = started(two.lock(&asked, Wait::Forever)).await;
    cancel.cancel();
    assert!(matches!(waiting.await, Err(Error::Cancelled)));
    cancel.reset();
    drop(one);
    take(&*two, "k", LockMode::Update).await.expect("usable after the cancel");
}

pub(super) async fn a_deadlock_is_refused(store: Arc<dyn Store>) {
    let (one, two) = (begin(&*store).await, begin(&*store).await);
    take(&*one, "a", LockMode::Update).await.unwrap();
    take(&*two, "b", LockMode::Update).await.unwrap();
    let asked = ask("b", LockMode::Update);
    let waiting = started(one.lock(&asked, Wait::Forever)).await;
    let refused = two.lock(&ask("a", LockMode::Update), Wait::Forever).await;
    assert!(matches!(refused, Err(Error::Deadlock)));
    drop(two);
    waiting.await.expect("the other goes on");
}

pub(super) async fn a_skipped_key_is_told(store: Arc<dyn Store>) {
    set(&*store, &[("a", "1"), ("c", "1")]).await;
    let (one, two) = (begin(&*store).await, begin(&*store).await);
    take(&*one, "b", LockMode::Update).await.unwrap();
    let keys = ["c", "b", "a"].map(|name| LockRequest { key: key(name), mode: LockMode::Update });
    let locked = two.lock(&keys, Wait::Skip).await.unwrap();
    let held = |locked: &Locked| matches!(locked, Locked::Held { .. });
    assert_eq!(locked.iter().map(held).collect::<Vec<_>>(), [true, false, true]);
}

pub(super) async fn locks_end_with_the_transaction(store: Arc<dyn Store>) {
    type Done = crate::BoxFuture<'static, ()>;
    type End = fn(Box<dyn Transaction>) -> Done;
    let ends: [End; 3] = [
        |tx| Box::pin(async move { drop(tx) }),
        |tx| {
            Box::pin(async move {
                tx.commit(Commit::default()).await.unwrap();
            })
        },
        |tx| {
            Box::pin(async move {
                put(tx, "k", "v").await.unwrap();
            })
        },
    ];
    for end in ends {
        let tx = begin(&*store).await;
        take(&*tx, "k", LockMode::Update).await.unwrap();
        end(tx).await;
        take(&*begin(&*store).await, "k", LockMode::Update).await.expect("free");
    }
}

pub(super) async fn a_commit_waits_for_the_lock_of_its_key(store: Arc<dyn Store>) {
    set(&*store, &[("k", "1")]).await;
    let (one, two) = (begin(&*store).await, begin(&*store).await);
    take(&*one, "k", LockMode::Share).await.unwrap();
    let writing = started(Answer::later(put(two, "k", "2"))).await;
    assert_eq!(latest(&*store, "k").await.as_deref(), Some("1"), "readers do not wait");
    drop(one);
    writing.await.unwrap();
    assert_eq!(latest(&*store, "k").await.as_deref(), Some("2"));
}

pub(super) async fn a_savepoint_gives_back_its_locks(store: Arc<dyn Store>) {
    let tx = plain(&*store).await;
    tx.lock(&ask("before", LockMode::Update), Wait::No).await.unwrap();
    tx.lock(&ask("grew", LockMode::Share), Wait::No).await.unwrap();
    let mark = tx.savepoint();
    tx.lock(&ask("after", LockMode::Update), Wait::No).await.unwrap();
    tx.lock(&ask("before", LockMode::Update), Wait::No).await.unwrap();
    tx.lock(&ask("grew", LockMode::Update), Wait::No).await.unwrap();
    tx.rollback_to(mark);
    let other = begin(&*store).await;
    take(&*other, "after", LockMode::Update).await.expect("given back");
    assert!(take(&*other, "before", LockMode::Update).await.is_err());
    take(&*other, "grew", LockMode::Share).await.expect("shared again");
    assert!(take(&*other, "grew", LockMode::Update).await.is_err());
}

pub(super) async fn a_failed_lock_of_many_gives_all_back(store: Arc<dyn Store>) {
    let (one, two, three) = (begin(&*store).await, begin(&*store).await, begin(&*store).await);
    take(&*one, "c", LockMode::Update).await.unwrap();
    let keys = ["a", "b", "c"].map(|name| LockRequest { key: key(name), mode: LockMode::Update });
    assert!(matches!(two.lock(&keys, Wait::No).await, Err(Error::LockNotAvailable)));
    take(&*three, "a", LockMode::Update).await.expect("given back");
    take(&*three, "b", LockMode::Update).await.expect("given back");
}

pub(super) async fn sixty_four_transactions_do_not_wait(store: Arc<dyn Store>) {
    let mut open = Vec::new();
    for n in 0..64 {
        let tx = tracked(&*store).await;
        let name = format!("k{n}");
        tx.lock(&ask(&name, LockMode::Update), Wait::No).await.expect("nobody is in the way");
        assert_eq!(get(&tx, &name).await, None);
        tx.put(key(&name), key("v")).unwrap();
        open.push(tx);
    }
    for tx in open.into_iter().rev() {
        commit(tx).await.expect("nobody is in the way");
    }
}

pub(super) async fn a_hot_row_queues(store: Arc<dyn Store>) {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            for _ in 0..10 {
                let tx = plain(&*store).await;
                let asked = ask("hot", LockMode::NoKeyUpdate);
                let locked = tx.lock(&asked, Wait::Forever).await.unwrap();
                let [Locked::Held { value, .. }] = &locked[..] else { panic!("{locked:?}") };
                let next = counter(value.clone()) + 1;
                tx.put(key("hot"), Bytes::copy_from_slice(&next.to_be_bytes())).unwrap();
                commit(tx).await.expect("a hot row queues, it does not fail");
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let value = plain(&*store).await.get(b"hot").await.unwrap();
    assert_eq!(counter(value), 160);
}
