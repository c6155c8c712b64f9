//! Many committers share flushes; those that must not block are served by the log's thread.

use std::thread;
use std::time::Duration;

use engine::device::{RealDirectory, SlowSync};

use super::*;

/// `threads` committers, each `commits` times: append, then flush. Answers the commits a flush.
fn commit(log: &Log, threads: u64, commits: u64) -> u64 {
    let before = log.counters();
    let order = Mutex::new(());
    thread::scope(|scope| {
        for number in 0..threads {
            let order = &order;
            scope.spawn(move || {
                for commit in 0..commits {
                    let bytes = payload(number * 1000 + commit, 100);
                    let guard = order.lock();
                    let stamp = log.last() + 1;
                    let appended = log.append(Head::new(stamp, Kind::COMMIT), &[&bytes]).unwrap();
                    drop(guard);
                    assert_eq!(appended.index, stamp);
                    log.flush(appended.index).unwrap();
                    assert!(log.durable() >= appended.index);
                }
            });
        }
    });
    let after = log.counters();
    (after.flushed_records - before.flushed_records) / (after.flushes - before.flushes)
}

#[test]
fn committers_share_slow_flushes() {
    for flusher in [false, true] {
        let directory = SimulatedDirectory::new(1);
        let (log, _, _) = open_with(&directory, Options::new(STORE)).unwrap();
        directory.slow_sync(SlowSync::Slept(Duration::from_millis(2)));
        if flusher {
            log.start_flusher().unwrap();
        }
        let shared = commit(&log, 64, 10);
        assert!(shared >= 8, "{shared} commits a flush");
        assert_eq!(open_with(&directory.crash(), Options::new(STORE)).unwrap().1.last, 640);
    }
}

#[test]
fn a_real_directory_holds_what_many_threads_committed() {
    let place = tempfile::tempdir().unwrap();
    let directory = || Arc::new(RealDirectory::create(place.path().join("log")).unwrap());
    let options =
        Options { segment_bytes: 64 << 10, buffer_bytes: 16 << 10, ..Options::new(STORE) };
    let (log, recovery, _) = open_any(directory(), options.clone()).unwrap();
    assert!(recovery.created);
    log.start_flusher().unwrap();
    commit(&log, 64, 20);
    let records = read_all(&log, 1, Reach::Durable);
    assert_eq!(records.len(), 1280);
    assert!(log.segments().unwrap().len() >= 3);
    let failed = log.failure();
    assert!(failed.is_none(), "{failed:?}");
    drop(log);
    let (log, recovery, found) = open_any(directory(), options).unwrap();
    assert_eq!((found, recovery.created), (records, false));
    assert!(log.release(1000).unwrap() >= 2);
    log.close().unwrap();
    let reports = verify(&RealDirectory::read_only(place.path().join("log")).unwrap()).unwrap();
    assert!(
        reports.iter().all(|report| matches!(report.state, SegmentState::Whole)),
        "{reports:?}"
    );
    assert_eq!(reports.last().unwrap().last, 1280);
}

#[test]
fn futures_are_served_with_and_without_the_thread() {
    for flusher in [false, true] {
        let directory = SimulatedDirectory::new(1);
        let (log, _, _) = open_with(&directory, Options::new(STORE)).unwrap();
        directory.slow_sync(SlowSync::Slept(Duration::from_millis(1)));
        if flusher {
            log.start_flusher().unwrap();
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let tasks: Vec<_> = (0..64)
                .map(|_| {
                    let log = log.clone();
                    tokio::task::spawn(async move {
                        for _ in 0..5 {
                            let (index, ..) = append(&log, 100).unwrap();
                            log.when_written(index).await.unwrap();
                            log.when_durable(index).await.unwrap();
                            assert!(log.durable() >= index);
                            log.when_room(1000).await.unwrap();
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
        let counters = log.counters();
        assert_eq!(counters.flushed_records, 320);
        assert!(!flusher || counters.flushed_records / counters.flushes >= 8, "{counters:?}");
        assert!(log.core.state.lock().waiters.is_empty());
    }
}

#[test]
fn waiting_futures_learn_of_a_failure_and_dropped_ones_are_forgotten() {
    let directory = SimulatedDirectory::new(1);
    let (log, _, _) = open_with(&directory, Options::new(STORE)).unwrap();
    directory.slow_sync(SlowSync::Slept(Duration::from_millis(5)));
    log.start_flusher().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        append(&log, 1).unwrap();
        let soon = tokio::time::timeout(Duration::from_micros(1), log.when_durable(1)).await;
        drop(soon);
        assert!(log.core.state.lock().waiters.is_empty());
        log.when_durable(1).await.unwrap();
        directory.fail_sync(1);
        append(&log, 1).unwrap();
        let (a, b) = (log.when_durable(2), log.when_durable(2));
        let a = tokio::task::spawn(a);
        assert!(b.await.is_err());
        assert!(a.await.unwrap().is_err());
        assert!(log.when_durable(1).await.is_ok());
    });
    assert!(matches!(append(&log, 1), Err(AppendError::Failed(_))));
}

#[test]
fn the_thread_drives_the_timers_and_stops() {
    let directory = SimulatedDirectory::new(1);
    let short = Duration::from_millis(5);
    let options = Options { write_within: short, flush_within: short, ..Options::new(STORE) };
    let (log, _, _) = open_with(&directory, options).unwrap();
    log.start_flusher().unwrap();
    for index in 1..4 {
        append(&log, 10).unwrap();
        while log.durable() < index {
            thread::sleep(Duration::from_millis(1));
        }
    }
    log.close().unwrap();
    assert!(log.core.state.lock().flusher == Flusher::None);
    assert_eq!(open(&directory.crash()).2.len(), 3);
}
