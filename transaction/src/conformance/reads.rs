//! One transaction by itself: own writes, scans, savepoints, counters, limits.

use super::*;

pub(super) async fn own_writes_are_seen_and_committed(store: Arc<dyn Store>) {
    set(&*store, &[("a", "1"), ("b", "2")]).await;
    let tx = plain(&*store).await;
    tx.put(key("a"), key("3")).unwrap();
    tx.delete(key("b")).unwrap();
    tx.put(key("c"), key("4")).unwrap();
    assert_eq!(get(&tx, "a").await.as_deref(), Some("3"));
    assert_eq!(get(&tx, "b").await, None);
    let keys = [key("c"), key("b"), key("a")];
    let many = tx.get_many(&keys, u64::MAX, crate::View::Snapshot);
    assert_eq!(many.await.unwrap(), [Some(key("4")), None, Some(key("3"))]);
    assert_eq!(latest(&*store, "a").await.as_deref(), Some("1"), "not before the commit");
    let committed = commit(tx).await.unwrap();
    assert!(store.visible() >= committed.stamp);
    assert_eq!(latest(&*store, "a").await.as_deref(), Some("3"));
    assert_eq!(latest(&*store, "b").await, None);
    assert_eq!(latest(&*store, "c").await.as_deref(), Some("4"));
}

pub(super) async fn a_scan_merges_own_writes_both_ways(store: Arc<dyn Store>) {
    set(&*store, &[("a", "1"), ("c", "1"), ("e", "1"), ("g", "1")]).await;
    let tx = plain(&*store).await;
    tx.put(key("b"), key("2")).unwrap();
    tx.put(key("c"), key("2")).unwrap();
    tx.delete(key("e")).unwrap();
    tx.put(key("h"), key("2")).unwrap();
    let mut expected = vec!["a=1", "b=2", "c=2", "g=1", "h=2"];
    for records in [1, 2, 100] {
        assert_eq!(list(&tx, range("", "", Direction::Forward, records)).await, expected);
    }
    expected.reverse();
    for records in [1, 2, 100] {
        assert_eq!(list(&tx, range("", "", Direction::Backward, records)).await, expected);
    }
    assert_eq!(list(&tx, range("b", "g", Direction::Forward, 9)).await, ["b=2", "c=2"]);
    assert!(list(&tx, range("g", "b", Direction::Forward, 9)).await.is_empty(), "reversed");
    assert!(list(&tx, range("b", "b", Direction::Backward, 9)).await.is_empty(), "empty");
}

pub(super) async fn pages_cover_a_range_once(store: Arc<dyn Store>) {
    let names: Vec<String> = (0..50).map(|n| format!("k{n:02}")).collect();
    let pairs: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "v")).collect();
    set(&*store, &pairs).await;
    let gone: Vec<(&str, &str)> = names[10..40].iter().map(|name| (name.as_str(), "-")).collect();
    set(&*store, &gone).await;
    let tx = plain(&*store).await;
    let mut expected: Vec<String> =
        names[..10].iter().chain(&names[40..]).map(|name| format!("{name}=v")).collect();
    assert_eq!(list(&tx, range("k", "l", Direction::Forward, 3)).await, expected);
    expected.reverse();
    assert_eq!(list(&tx, range("k", "l", Direction::Backward, 3)).await, expected);
    let few_bytes = Scan {
        limit: PageLimit { records: 100, bytes: 5 },
        ..range("k", "l", Direction::Forward, 100)
    };
    let page = tx.scan(&few_bytes).await.unwrap();
    assert_eq!(page.records.len(), 1, "at least one, at most the bytes");
}

pub(super) async fn savepoints_undo_what_came_after(store: Arc<dyn Store>) {
    set(&*store, &[("a", "1")]).await;
    let tx = plain(&*store).await;
    tx.put(key("a"), key("2")).unwrap();
    let outer = tx.savepoint();
    tx.put(key("a"), key("3")).unwrap();
    let inner = tx.savepoint();
    tx.delete(key("a")).unwrap();
    tx.put(key("b"), key("4")).unwrap();
    tx.rollback_to(inner);
    assert_eq!(get(&tx, "a").await.as_deref(), Some("3"));
    assert_eq!(get(&tx, "b").await, None);
    tx.release(inner);
    tx.rollback_to(outer);
    assert_eq!(get(&tx, "a").await.as_deref(), Some("2"));
    commit(tx).await.unwrap();
    assert_eq!(latest(&*store, "a").await.as_deref(), Some("2"));
}

pub(super) async fn a_counter_adds_up(store: Arc<dyn Store>) {
    let tx = plain(&*store).await;
    tx.add(key("n"), 5).unwrap();
    let mark = tx.savepoint();
    tx.add(key("n"), 7).unwrap();
    assert_eq!(counter(tx.get(b"n").await.unwrap()), 12);
    tx.rollback_to(mark);
    tx.add(key("n"), -1).unwrap();
    commit(tx).await.unwrap();
    let tx = plain(&*store).await;
    tx.add(key("n"), -4).unwrap();
    commit(tx).await.unwrap();
    let value = plain(&*store).await.get(b"n").await.unwrap();
    assert_eq!(value, Some(Bytes::copy_from_slice(&0i64.to_be_bytes())), "0 stays as 0");
}

pub(super) async fn limits_are_named(store: Arc<dyn Store>) {
    let offers = store.offers().clone();
    let tx = plain(&*store).await;
    let long = Bytes::from(vec![b'k'; offers.key_bytes_max + 1]);
    let refused = tx.put(long.clone(), Bytes::new());
    assert!(matches!(refused, Err(Error::TooLarge { what: "key", .. })));
    let bare_tx = store.begin(Begin::default()).await.unwrap();
    let operation = crate::Operation::Put(Bytes::new());
    let refused = bare_tx.commit(bare(vec![Write { key: long, operation }])).await;
    assert!(matches!(refused, Err(Error::TooLarge { what: "key", .. })));
    let longest = Bytes::from(vec![b'k'; offers.key_bytes_max]);
    tx.put(longest.clone(), key("v")).unwrap();
    let empty = tx.put(Bytes::new(), key("value"));
    assert!(matches!(empty, Err(Error::Unsupported("an empty key"))));
    commit(tx).await.unwrap();
    assert_eq!(plain(&*store).await.get(&longest).await.unwrap(), Some(key("v")));
    assert_eq!(latest(&*store, "").await, None);
}

pub(super) async fn a_closed_store_answers_closed(store: Arc<dyn Store>) {
    let tx = store.begin(Begin::default()).await.unwrap();
    store.close().await.unwrap();
    assert!(matches!(store.begin(Begin::default()).await, Err(Error::Closed)));
    assert!(matches!(tx.get(b"k", crate::View::Snapshot).await, Err(Error::Closed)));
    let operation = crate::Operation::Put(Bytes::new());
    let refused = tx.commit(bare(vec![Write { key: key("k"), operation }])).await;
    assert!(matches!(refused, Err(Error::Closed)));
    store.close().await.expect("closing twice is fine");
}
