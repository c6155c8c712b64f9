//! What comes after a commit: the feed, outcomes, staged rows.

use super::*;
use crate::{FeedEvent, Operation, Outcome, Stamp, TransactionId};

async fn take(feed: &mut dyn crate::Feed, events: usize) -> Vec<FeedEvent> {
    let mut taken = Vec::new();
    while taken.len() < events {
        taken.extend(feed.next(64).await.unwrap());
    }
    taken
}

pub(super) async fn the_feed_is_ordered_and_complete(store: Arc<dyn Store>) {
    let mut feed = store.feed(Stamp::ZERO).unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..4 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let mut committed = Vec::new();
            for n in 0..25 {
                let tx = plain(&*store).await;
                tx.put(key(&format!("{task}")), key(&format!("{n}"))).unwrap();
                tx.add(key("count"), 1).unwrap();
                let note = key(&format!("{task}.{n}"));
                let done = tx.commit(Durability::Sync, note.clone(), false).await.unwrap();
                committed.push((done.stamp, note));
            }
            committed
        });
    }
    let mut expected = Vec::new();
    while let Some(done) = tasks.join_next().await {
        expected.extend(done.unwrap());
    }
    expected.sort();
    let events = take(feed.as_mut(), 100).await;
    let seen: Vec<_> = events.iter().map(|event| (event.stamp, event.note.clone())).collect();
    assert_eq!(seen, expected);
    let counts = events.iter().map(|event| {
        let last = event.writes.writes().last().unwrap();
        let Operation::Put(sum) = &last.operation else { panic!("{last:?}") };
        assert!(event.writes.writes().is_sorted_by(|a, b| a.key < b.key));
        counter(Some(sum.clone()))
    });
    assert_eq!(counts.collect::<Vec<_>>(), (1..=100).collect::<Vec<_>>());
}

pub(super) async fn the_feed_waits_and_resumes(store: Arc<dyn Store>) {
    let first = set(&*store, &[("a", "1")]).await;
    let mut feed = store.feed(first.stamp).unwrap();
    let waiting = started(feed.next(64)).await;
    let second = set(&*store, &[("b", "2")]).await;
    let events = waiting.await.unwrap();
    assert_eq!(events.iter().map(|event| event.stamp).collect::<Vec<_>>(), [second.stamp]);
    let mut again = store.feed(Stamp::ZERO).unwrap();
    let events = take(again.as_mut(), 2).await;
    let stamps: Vec<_> = events.iter().map(|event| event.stamp).collect();
    assert_eq!(stamps, [first.stamp, second.stamp]);
}

pub(super) async fn quiet_commits_are_left_out(store: Arc<dyn Store>) {
    let mut feed = store.feed(Stamp::ZERO).unwrap();
    for (name, quiet) in [("a", true), ("b", false), ("c", true), ("d", false)] {
        let tx = plain(&*store).await;
        tx.put(key(name), key("v")).unwrap();
        tx.commit(Durability::Sync, key(name), quiet).await.unwrap();
    }
    let events = take(feed.as_mut(), 2).await;
    assert_eq!(events.iter().map(|event| event.note.clone()).collect::<Vec<_>>(), ["b", "d"]);
}

pub(super) async fn outcomes_are_known(store: Arc<dyn Store>) {
    let tx = plain(&*store).await;
    let id = tx.id();
    tx.put(key("a"), key("1")).unwrap();
    let committed = commit(tx).await.unwrap();
    assert_eq!(store.outcome(id).await.unwrap(), Outcome::Committed(committed.stamp));
    let dropped = plain(&*store).await;
    let id = dropped.id();
    dropped.put(key("a"), key("2")).unwrap();
    drop(dropped);
    assert_eq!(store.outcome(id).await.unwrap(), Outcome::NotCommitted);
    let fresh = plain(&*store).await.id();
    let never = TransactionId(fresh.0 ^ 1);
    assert_eq!(store.outcome(never).await.unwrap(), Outcome::NotCommitted);
}

pub(super) async fn staged_rows_come_with_the_commit(store: Arc<dyn Store>) {
    let tx = plain(&*store).await;
    for page in 0..10 {
        let rows = (0..100).map(|n| Write {
            key: key(&format!("id7 {page} {n:02}")),
            operation: Operation::Put(key("row")),
        });
        tx.stage(WriteSet::new(rows.collect())).await.unwrap();
    }
    let rows = range("id7 ", "id7!", Direction::Forward, 300);
    assert_eq!(list(&tx, rows.clone()).await.len(), 1000, "seen by their own transaction");
    tx.put(key("catalogue"), key("id7")).unwrap();
    let mut feed = store.feed(Stamp::ZERO).unwrap();
    commit(tx).await.unwrap();
    assert_eq!(list(&plain(&*store).await, rows).await.len(), 1000);
    let events = take(feed.as_mut(), 1).await;
    assert_eq!(events[0].writes.writes().len(), 1, "staged rows are not in the feed");
    set(&*store, &[("id7 0 00", "changed")]).await;
    assert_eq!(latest(&*store, "id7 0 00").await.as_deref(), Some("changed"));
}
