//! Numbers, timers, failures: what each call does, one thread.

use std::time::Duration;

use super::*;

fn clocked() -> (SimulatedDirectory, Arc<SimulatedClock>, Log) {
    let (directory, clock) = (SimulatedDirectory::new(1), Arc::new(SimulatedClock::new(0)));
    let options = Options { clock: clock.clone(), ..small() };
    let (log, _, _) = open_with(&directory, options).unwrap();
    (directory, clock, log)
}

fn numbers(log: &Log) -> (u64, u64, u64) {
    (log.last(), log.written(), log.durable())
}

#[test]
fn append_write_and_flush_move_their_numbers_and_no_other() {
    let (directory, _, log) = clocked();
    let counts = directory.counts();
    let one = log.append(Head::new(1, Kind::COMMIT), &[b"abc"]).unwrap();
    let two = log.append(Head::new(2, Kind::COMMIT), &[]).unwrap();
    assert_eq!(
        (one, two),
        (Appended { index: 1, position: 56 }, Appended { index: 2, position: 104 })
    );
    assert_eq!((numbers(&log), directory.counts()), ((2, 0, 0), counts), "memory only");
    log.write(1).unwrap();
    assert_eq!(numbers(&log), (2, 2, 0));
    assert_eq!(directory.counts().syncs, counts.syncs);
    log.flush(1).unwrap();
    assert_eq!(numbers(&log), (2, 2, 2));
    log.flush(2).unwrap();
    log.flush(99).unwrap();
    assert_eq!(directory.counts().syncs, counts.syncs + 1, "nothing is synced twice");
    let counters = log.counters();
    assert_eq!((counters.records, counters.flushes, counters.flushed_records), (2, 1, 2));
    assert_eq!((counters.writes, counters.written_bytes, counters.appended_bytes), (1, 104, 3));
}

#[test]
fn timers_write_flush_and_mark_once() {
    let (_, clock, log) = clocked();
    append(&log, 10).unwrap();
    log.tick();
    assert_eq!(numbers(&log), (1, 1, 0));
    clock.advance(Duration::from_millis(999));
    log.tick();
    assert_eq!(numbers(&log), (1, 1, 0));
    clock.advance(Duration::from_millis(1));
    log.tick();
    assert_eq!(numbers(&log), (1, 1, 1));
    for _ in 0..3 {
        clock.advance(Duration::from_secs(2));
        log.tick();
    }
    let counters = log.counters();
    assert_eq!((counters.marks, counters.flushes), (1, 1), "an idle log stays idle");
    append(&log, 10).unwrap();
    assert_eq!(log.last(), 2, "marks take no index");
}

#[test]
fn a_claim_makes_a_wiped_last_record_corruption() {
    for marked in [false, true] {
        let (directory, _, log) = clocked();
        append(&log, 10).unwrap();
        log.flush(1).unwrap();
        if marked {
            log.tick();
        }
        let dead = directory.kill();
        dead.open(&segment_name(1)).unwrap().write_at(4096, &[0; 64]).unwrap();
        match open_with(&dead, small()) {
            Err(OpenError::Corrupt(place)) => {
                assert!(marked && place.index == 1 && place.offset == 4096, "{place}");
            }
            Ok((_, recovery, _)) => assert!(!marked && recovery.last == 0),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_cut_tail_does_not_come_back_behind_the_same_record() {
    let (directory, _, log) = clocked();
    append(&log, 10).unwrap();
    log.flush(1).unwrap();
    let two = append(&log, 10).unwrap();
    append(&log, 10).unwrap();
    log.write(3).unwrap();
    // The second record is torn; the third, whole behind it, was never acknowledged.
    directory.flip(&segment_name(1), 4096 + 64 + 50, 1).unwrap();
    let next = directory.kill();
    let (log, recovery, _) = open(&next);
    assert_eq!((recovery.last, recovery.cut_bytes > 100), (1, true));
    assert_eq!(append(&log, 10).unwrap(), two, "the same bytes again");
    log.write(2).unwrap();
    assert_eq!(open(&next.kill()).1.last, 2);
}

#[test]
fn there_is_always_room_for_the_mark() {
    let room = (SEGMENT_BYTES_MIN - SEGMENT_HEADER) as usize;
    for length in room - 200..room {
        let (_, _, log) = clocked();
        append(&log, 10).unwrap();
        append(&log, length - 64).unwrap();
        log.flush(2).unwrap();
        log.tick();
        assert_eq!(log.counters().marks, 1, "{length}");
    }
}

#[test]
fn a_failed_sync_stops_the_log_and_is_not_repeated() {
    let (directory, _, log) = clocked();
    append(&log, 10).unwrap();
    log.flush(1).unwrap();
    append(&log, 10).unwrap();
    directory.fail_sync(1);
    let syncs = directory.counts().syncs;
    let Unknown(failure) = log.flush(2).unwrap_err();
    assert_eq!(failure.operation, "syncing the log");
    assert!(log.flush(2).is_err() && log.flush(1).is_ok());
    assert!(log.write(2).is_ok(), "it was handed over");
    assert!(matches!(append(&log, 1), Err(AppendError::Failed(_))));
    log.tick();
    assert!(log.close().is_err());
    assert_eq!(directory.counts().syncs, syncs + 1);
    assert_eq!(numbers(&log), (2, 2, 1));
    assert!(log.failure().is_some());
}

#[test]
fn a_failed_write_stops_the_log() {
    let (directory, _, log) = clocked();
    append(&log, 10).unwrap();
    directory.fail_write(1);
    assert_eq!(log.write(1).unwrap_err().0.operation, "writing the log");
    assert!(log.flush(1).is_err());
    assert_eq!(numbers(&log), (1, 0, 0));
}

#[test]
fn full_buffers_push_back_and_large_records_go_alone() {
    let (_, _, log) = clocked();
    let head = Head::new(1, Kind::COMMIT);
    log.try_append(head, &[&[1; 3000]]).unwrap();
    let full = log.try_append(head, &[&[2; 2000]]).unwrap_err();
    assert!(matches!(full, AppendError::Full));
    assert_eq!(log.last(), 1);
    log.append(head, &[&[2; 2000]]).unwrap();
    assert_eq!((log.written(), log.counters().stalls), (1, 1));
    log.write(2).unwrap();
    log.try_append(head, &[&[3; 30_000]]).unwrap();
    log.flush(3).unwrap();
    let parts = vec![&[0_u8; 1 << 20][..]; 1025];
    let error = log.append(head, &parts).unwrap_err();
    assert!(matches!(error, AppendError::TooLarge { limit: 0x4000_0000, .. }), "{error}");
}

#[test]
fn release_removes_whole_segments_and_keeps_the_newest() {
    let (directory, _, log) = clocked();
    let records: Vec<Kept> = (0..40).map(|_| append(&log, 500).unwrap()).collect();
    let firsts: Vec<u64> = log.segments().unwrap().iter().map(|s| s.first).collect();
    assert!(firsts.len() > 4);
    log.flush(40).unwrap();
    assert_eq!(log.release(firsts[1] - 2).unwrap(), 0, "its last record is still needed");
    assert_eq!(log.release(firsts[1] - 1).unwrap(), 1);
    assert_eq!(log.oldest(), firsts[1]);
    let mut reader = log.read_from(1, Reach::Durable);
    assert!(matches!(reader.next(), Some(Err(ReadError::Gone { wanted: 1, .. }))));
    let infos = log.segments().unwrap();
    assert_eq!(infos.last().unwrap().last, 40);
    assert_eq!(log.release(u64::MAX).unwrap() as usize, firsts.len() - 2);
    let newest = *firsts.last().unwrap();
    assert_eq!(log.oldest(), newest);
    let options = Options { from: newest, ..small() };
    let (log, recovery, found) = open_with(&directory.crash(), options).unwrap();
    assert_eq!(found, records[newest as usize - 1..]);
    assert_eq!((recovery.oldest, recovery.last, recovery.stamp), (newest, 40, 400));
    assert_eq!(append(&log, 1).unwrap().0, 41);
}

#[test]
fn a_release_while_the_successor_is_only_in_memory_keeps_the_segment() {
    let (directory, _, log) = clocked();
    append(&log, 3800).unwrap();
    log.flush(1).unwrap();
    append(&log, 3800).unwrap();
    assert_eq!(log.segments().unwrap().len(), 2);
    assert_eq!(log.release(1).unwrap(), 0);
    log.flush(2).unwrap();
    assert_eq!(log.release(1).unwrap(), 1);
    assert_eq!(directory.list().unwrap(), [segment_name(2)]);
}

#[test]
fn stamps_survive_release() {
    let (directory, _, log) = clocked();
    log.append(Head::new(900, Kind::COMMIT), &[&[0; 3800]]).unwrap();
    log.append(Head::new(5, Kind::STAGED), &[&[0; 3800]]).unwrap();
    log.flush(2).unwrap();
    log.release(1).unwrap();
    let options = Options { from: 2, ..small() };
    assert_eq!(open_with(&directory.crash(), options).unwrap().1.stamp, 900);
}
