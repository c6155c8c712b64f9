//! What one transaction may see of another: the anomalies by name.

use super::*;
use crate::{PointRead, RangeRead};

pub(super) async fn a_snapshot_does_not_move(store: Arc<dyn Store>) {
    set(&*store, &[("a", "1"), ("b", "1")]).await;
    let tx = plain(&*store).await;
    set(&*store, &[("a", "2"), ("b", "-"), ("c", "2")]).await;
    assert_eq!(get(&tx, "a").await.as_deref(), Some("1"));
    assert_eq!(list(&tx, range("", "", Direction::Forward, 9)).await, ["a=1", "b=1"]);
    assert_eq!(list(&tx, range("", "", Direction::Backward, 1)).await, ["b=1", "a=1"]);
    assert_eq!(get(&tx, "c").await, None);
}

pub(super) async fn refresh_moves_it(store: Arc<dyn Store>) {
    let tx = plain(&*store).await;
    let first = tx.snapshot();
    let committed = set(&*store, &[("a", "1")]).await;
    assert_eq!(get(&tx, "a").await, None);
    let second = tx.refresh().await.unwrap();
    assert!(second >= committed.stamp && second > first);
    assert_eq!(get(&tx, "a").await.as_deref(), Some("1"));
    let tx = tracked(&*store).await;
    let first = tx.snapshot();
    set(&*store, &[("a", "2")]).await;
    let second = tx.refresh().await.unwrap();
    assert!(second > first, "nothing was read yet");
    assert_eq!(get(&tx, "a").await.as_deref(), Some("2"));
    set(&*store, &[("a", "3")]).await;
    assert_eq!(tx.refresh().await.unwrap(), second, "a serializable one has one snapshot");
}

pub(super) async fn read_skew_is_impossible(store: Arc<dyn Store>) {
    set(&*store, &[("x", "50"), ("y", "50")]).await;
    let tx = plain(&*store).await;
    assert_eq!(get(&tx, "x").await.as_deref(), Some("50"));
    set(&*store, &[("x", "25"), ("y", "75")]).await;
    assert_eq!(get(&tx, "y").await.as_deref(), Some("50"));
}

pub(super) async fn a_lost_update_is_refused(store: Arc<dyn Store>) {
    set(&*store, &[("x", "1")]).await;
    let (one, two) = (tracked(&*store).await, tracked(&*store).await);
    assert_eq!(get(&one, "x").await, get(&two, "x").await);
    one.put(key("x"), key("one")).unwrap();
    two.put(key("x"), key("two")).unwrap();
    commit(one).await.unwrap();
    let refused = commit(two).await;
    assert!(is_conflict(&refused), "{refused:?}");
    assert_eq!(latest(&*store, "x").await.as_deref(), Some("one"));
}

async fn skew(
    store: &dyn Store,
    one: Buffer,
    two: Buffer,
) -> (Result<Committed>, Result<Committed>) {
    for tx in [&one, &two] {
        assert_eq!(get(tx, "x").await.as_deref(), Some("on"));
        assert_eq!(get(tx, "y").await.as_deref(), Some("on"));
    }
    one.put(key("x"), key("off")).unwrap();
    two.put(key("y"), key("off")).unwrap();
    let first = commit(one).await;
    let second = commit(two).await;
    let _ = store;
    (first, second)
}

pub(super) async fn write_skew_is_allowed_without_tracking(store: Arc<dyn Store>) {
    set(&*store, &[("x", "on"), ("y", "on")]).await;
    let (one, two) = (plain(&*store).await, plain(&*store).await);
    let (first, second) = skew(&*store, one, two).await;
    assert!(first.is_ok() && second.is_ok());
}

pub(super) async fn write_skew_is_refused_with_tracking(store: Arc<dyn Store>) {
    set(&*store, &[("x", "on"), ("y", "on")]).await;
    let (one, two) = (tracked(&*store).await, tracked(&*store).await);
    let (first, second) = skew(&*store, one, two).await;
    assert!(first.is_ok() && is_conflict(&second), "{second:?}");
}

pub(super) async fn a_dependency_from_before_the_snapshot_counts(store: Arc<dyn Store>) {
    set(&*store, &[("x", "1"), ("z", "1")]).await;
    let watch = plain(&*store).await;
    let since = watch.snapshot();
    set(&*store, &[("x", "2")]).await;
    for (name, refused) in [("x", true), ("y", false), ("z", false)] {
        let tx = plain(&*store).await;
        assert!(tx.snapshot() > since);
        tx.depend(PointRead { key: key(name), since });
        tx.put(key("w"), key(name)).unwrap();
        assert_eq!(is_conflict(&commit(tx).await), refused, "{name}");
    }
}

pub(super) async fn read_only_transactions_are_never_refused(store: Arc<dyn Store>) {
    set(&*store, &[("x", "1")]).await;
    let tx = tracked(&*store).await;
    assert_eq!(get(&tx, "x").await.as_deref(), Some("1"));
    set(&*store, &[("x", "2")]).await;
    commit(tx).await.expect("a reader is not validated");
}

pub(super) async fn counters_never_conflict(store: Arc<dyn Store>) {
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..8 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            for n in 0..25 {
                let tx = tracked(&*store).await;
                tx.add(key("rows"), 1).unwrap();
                tx.put(key(&format!("row {task} {n}")), key("v")).unwrap();
                commit(tx).await.expect("an insert does not conflict on the count");
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let tx = plain(&*store).await;
    assert_eq!(counter(tx.get(b"rows").await.unwrap()), 200);
    assert_eq!(list(&tx, range("row ", "row!", Direction::Forward, 64)).await.len(), 200);
}

pub(super) async fn a_phantom_is_refused(store: Arc<dyn Store>) {
    set(&*store, &[("b", "1"), ("d", "1")]).await;
    let stories = [("c", "2", true), ("b", "-", true), ("d", "2", true), ("e", "2", false)];
    for (name, value, refused) in stories {
        let tx = tracked(&*store).await;
        list(&tx, range("b", "e", Direction::Backward, 1)).await;
        tx.put(key("x"), key(name)).unwrap();
        set(&*store, &[(name, value)]).await;
        assert_eq!(is_conflict(&commit(tx).await), refused, "{name} {value}");
    }
}

pub(super) async fn a_range_with_a_test_counts_only_what_matters(store: Arc<dyn Store>) {
    set(&*store, &[("k", "red")]).await;
    for (value, refused) in [("blue", false), ("red", true)] {
        let held = plain(&*store).await;
        set(&*store, &[("k", "green")]).await;
        let tx = plain(&*store).await;
        let test: crate::RangeTest =
            Arc::new(|_, old, new| old == Some(b"red") || new == Some(b"red"));
        let (start, end, since) = (key("a"), key("z"), tx.snapshot());
        tx.depend_range(RangeRead { start, end, since, test: Some(test) });
        tx.put(key("zz"), key("v")).unwrap();
        set(&*store, &[("k", value)]).await;
        assert_eq!(is_conflict(&commit(tx).await), refused, "{value}");
        drop(held);
    }
}
