//! A full disk refuses appends before they begin, breaks none, and goes on when there is room.

use super::*;

#[test]
fn a_full_disk_never_breaks_an_accepted_append() {
    for room in (0..60_000).step_by(1_777) {
        let directory = SimulatedDirectory::new(room);
        let (log, _, _) = open(&directory);
        directory.disk_full_after(room);
        let mut records = Vec::new();
        let refused = loop {
            match append(&log, 700) {
                Ok(kept) => records.push(kept),
                Err(error) => break error,
            }
            if records.len() % 3 == 0 {
                log.flush(log.last()).unwrap();
            }
        };
        assert!(matches!(refused, AppendError::OutOfSpace { needed: 8192, .. }), "{refused}");
        assert!(matches!(append(&log, 700), Err(AppendError::OutOfSpace { .. })));
        // What was accepted becomes durable on the full disk.
        log.flush(log.last()).unwrap();
        log.tick();
        assert_eq!(read_all(&log, 1, Reach::Durable), records);
        let full = directory.copy();
        assert_eq!(open(&full).2, records, "a full disk can be opened");
        // Room comes back: nothing has to be opened again.
        directory.disk_full_after(1 << 20);
        records.push(append(&log, 700).unwrap());
        log.flush(log.last()).unwrap();
        assert_eq!(open(&directory.crash()).2, records);
    }
}

#[test]
fn the_reserve_is_left_free() {
    let directory = SimulatedDirectory::new(1);
    directory.disk_full_after(64 << 10);
    let options = Options { reserve_bytes: 30 << 10, ..small() };
    let (log, _, _) = open_with(&directory, options).unwrap();
    while append(&log, 1000).is_ok() {}
    log.flush(log.last()).unwrap();
    let free = directory.free_space().unwrap().free;
    assert!((30 << 10..40 << 10).contains(&free), "{free}");
    assert!(log.failure().is_none());
}

#[test]
fn a_record_too_large_for_the_disk_is_refused_and_smaller_ones_go_on() {
    let directory = SimulatedDirectory::new(1);
    let (log, _, _) = open(&directory);
    directory.disk_full_after(20_000);
    for _ in 0..2 {
        assert!(matches!(append(&log, 40_000), Err(AppendError::OutOfSpace { .. })));
        append(&log, 100).unwrap();
    }
    log.close().unwrap();
    assert_eq!(open(&directory.crash()).2.len(), 2);
}

#[test]
fn a_log_opened_on_a_full_disk_after_a_cut_goes_on_when_there_is_room() {
    let directory = SimulatedDirectory::new(4);
    let (log, _, _) = open(&directory);
    append(&log, 10).unwrap();
    log.flush(1).unwrap();
    append(&log, 1000).unwrap();
    log.write(2).unwrap();
    directory.flip(&segment_name(1), 4700, 1).unwrap();
    let next = directory.kill();
    // The cut gives room back, which somebody else takes at once.
    next.disk_full_after(0);
    let (log, recovery, _) = open(&next);
    assert_eq!(recovery.last, 1);
    append(&log, 10).unwrap();
    log.flush(2).unwrap();
    assert_eq!(open(&next.crash()).2.len(), 2);
}
