//! What every store must do, as a suite: run it over a new plug-in before anything else is built on
//! it.
//!
//! ```text
//!   conformance::all(&|| Arc::new(MyStore::new()))        each case gets a fresh, empty store
//!   conformance::history                                  random histories, checked afterwards
//! ```
//!
//! A case is a small story told through [`Buffer`], because that is what the layers above use, or
//! through the bare [`Transaction`](crate::Transaction) where the story is about the store alone. A
//! case that is about an ability which `Offers` denies is left out, and says so in the answer of
//! [`all`]. Cases panic with what they saw; nothing here looks at a clock, so a slow machine fails
//! nothing: where a wait must not end, another event is awaited that can only come first.
//!
//! Rejected: golden scripts for this level (interleavings of several transactions read better as
//! code, and the keys and values are bytes).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::missing_panics_doc)]

mod feed;
pub mod history;
mod isolation;
mod locks;
mod reads;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use crate::{
    Answer, Begin, Buffer, CancelToken, Commit, Committed, Direction, Durability, Error, Offers,
    PageLimit, ReadTracking, Result, Scan, Store, Write, WriteSet,
};

/// Makes a fresh, empty store.
pub type Open<'a> = &'a dyn Fn() -> Arc<dyn Store>;

type Case = fn(Arc<dyn Store>) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// An ability that a case needs.
type Needs = fn(&Offers) -> bool;

macro_rules! cases {
    ($($needs:expr => $module:ident :: { $($name:ident),* $(,)? })*) => {
        &[$($((stringify!($name), $needs as Needs, |store| Box::pin($module::$name(store))),)*)*]
    };
}

const CASES: &[(&str, Needs, Case)] = cases! {
    |_| true => reads::{
        own_writes_are_seen_and_committed, a_scan_merges_own_writes_both_ways,
        pages_cover_a_range_once,
        savepoints_undo_what_came_after, a_counter_adds_up, limits_are_named,
        a_closed_store_answers_closed,
    }
    |_| true => isolation::{
        a_snapshot_does_not_move, refresh_moves_it, read_skew_is_impossible,
        a_lost_update_is_refused, write_skew_is_allowed_without_tracking,
        write_skew_is_refused_with_tracking, a_dependency_from_before_the_snapshot_counts,
        read_only_transactions_are_never_refused, counters_never_conflict,
    }
    |offers| offers.ranges_validated => isolation::{
        a_phantom_is_refused, a_range_with_a_test_counts_only_what_matters,
    }
    |offers| offers.locks => locks::{
        modes_conflict_in_pairs, a_lock_answers_the_latest, a_waiter_gets_the_lock,
        a_wait_times_out, a_wait_is_cancelled, a_deadlock_is_refused, a_skipped_key_is_told,
        locks_end_with_the_transaction, a_commit_waits_for_the_lock_of_its_key,
        a_savepoint_gives_back_its_locks, a_failed_lock_of_many_gives_all_back,
        sixty_four_transactions_do_not_wait, a_hot_row_queues,
    }
    |offers| offers.feed => feed::{
        the_feed_is_ordered_and_complete, the_feed_waits_and_resumes, quiet_commits_are_left_out,
    }
    |_| true => feed::{ outcomes_are_known }
    |offers| offers.staging => feed::{ staged_rows_come_with_the_commit }
};

/// Runs every case over a fresh store, and answers the names of those that were left out.
pub async fn all(open: Open<'_>) -> Vec<&'static str> {
    let mut left_out = Vec::new();
    for (name, needs, case) in CASES {
        let store = open();
        if !needs(store.offers()) {
            left_out.push(*name);
            continue;
        }
        // The name of the case in the panic's output.
        println!("case {name}");
        case(Arc::clone(&store)).await;
        store.close().await.expect("closes");
    }
    left_out
}

// Helpers of the cases.

fn key(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

async fn buffer(store: &dyn Store, tracking: ReadTracking) -> Buffer {
    let transaction = store.begin(Begin::default()).await.expect("begins");
    Buffer::new(transaction, store.offers(), tracking, CancelToken::default())
}

/// A transaction without read tracking.
async fn plain(store: &dyn Store) -> Buffer {
    buffer(store, ReadTracking::Off).await
}

/// A serializable transaction.
async fn tracked(store: &dyn Store) -> Buffer {
    buffer(store, ReadTracking::On).await
}

async fn commit(buffer: Buffer) -> Result<Committed> {
    buffer.commit(Durability::Sync, Bytes::new(), false).await
}

/// Commits puts, and deletions where the value is `-`.
async fn set(store: &dyn Store, pairs: &[(&str, &str)]) -> Committed {
    let buffer = plain(store).await;
    for (name, value) in pairs {
        if *value == "-" {
            buffer.delete(key(name)).expect("fits");
        } else {
            buffer.put(key(name), key(value)).expect("fits");
        }
    }
    commit(buffer).await.expect("commits")
}

async fn get(buffer: &Buffer, name: &str) -> Option<String> {
    let value = buffer.get(name.as_bytes()).await.expect("reads");
    value.map(|value| String::from_utf8_lossy(&value).into_owned())
}

async fn latest(store: &dyn Store, name: &str) -> Option<String> {
    get(&plain(store).await, name).await
}

fn range(start: &str, end: &str, direction: Direction, records: usize) -> Scan {
    Scan { start: key(start), end: key(end), direction, limit: PageLimit::records(records) }
}

/// All records of a range, as `k=v` texts, page by page.
async fn list(buffer: &Buffer, mut scan: Scan) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let page = buffer.scan(&scan).await.expect("scans");
        let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
        all.extend(page.records.iter().map(|(k, v)| format!("{}={}", text(k), text(v))));
        match (page.next, scan.direction) {
            (None, _) => return all,
            (Some(next), Direction::Forward) => scan.start = next,
            (Some(next), Direction::Backward) => scan.end = next,
        }
    }
}

fn counter(value: Option<Bytes>) -> i64 {
    value.map_or(0, |bytes| i64::from_be_bytes(bytes.as_ref().try_into().expect("8 bytes")))
}

/// A bare commit of writes.
fn bare(writes: Vec<Write>) -> Commit {
    Commit { writes: WriteSet::new(writes), ..Commit::default() }
}

/// Polls an answer once, so that it queues, and hands back the future that still waits.
async fn started<'a, T: Unpin + Send + 'a>(
    answer: Answer<'a, T>,
) -> crate::BoxFuture<'a, Result<T>> {
    let mut future = match answer.now() {
        Ok(_) => panic!("expected to wait"),
        Err(future) => future,
    };
    let waiting = std::future::poll_fn(|context| {
        std::task::Poll::Ready(future.as_mut().poll(context).is_pending())
    });
    assert!(waiting.await, "expected to wait");
    future
}

fn is_conflict<T>(result: &Result<T>) -> bool {
    matches!(result, Err(Error::Conflict))
}
