//! Readers see exactly the records of their reach, in order, however they arrive.

use std::time::Duration;

use super::*;

fn kept(entry: Entry) -> Kept {
    (entry.index, entry.stamp, entry.kind, entry.payload.to_vec())
}

#[test]
fn a_reader_of_each_reach_follows_a_growing_log() {
    for seed in 0..60 {
        let mut random = Xoshiro::new(seed);
        let directory = SimulatedDirectory::new(seed);
        let clock = Arc::new(SimulatedClock::new(0));
        let options = Options { clock: clock.clone(), ..small() };
        let (log, _, _) = open_with(&directory, options).unwrap();
        let reaches = [Reach::Durable, Reach::Written, Reach::Appended];
        let mut readers = reaches.map(|reach| log.read_from(1, reach));
        let (mut records, mut seen) = (Vec::new(), [0; 3]);
        for _ in 0..150 {
            match random.below(12) {
                0..6 => records.push(append(&log, random.below(900) as usize).unwrap()),
                6 => records.push(append(&log, random.below(9_000) as usize).unwrap()),
                7 => log.flush(log.last()).unwrap(),
                8 => log.write(log.last()).unwrap(),
                9 => {
                    clock.advance(Duration::from_millis(random.below(900)));
                    log.tick();
                }
                _ => {
                    for (number, reader) in readers.iter_mut().enumerate() {
                        let most = random.below(30) as usize;
                        for entry in reader.by_ref().take(most) {
                            assert_eq!(kept(entry.unwrap()), records[seen[number]]);
                            seen[number] += 1;
                        }
                        assert_eq!(reader.next_index(), seen[number] as u64 + 1);
                    }
                }
            }
        }
        let ends = [log.durable(), log.written(), log.last()];
        for (number, reader) in readers.iter_mut().enumerate() {
            let rest: Vec<Kept> = reader.map(|entry| kept(entry.unwrap())).collect();
            assert_eq!(rest, records[seen[number]..ends[number] as usize], "seed {seed}");
        }
        for from in [1, 2, log.last() / 2, log.last(), log.last() + 1] {
            let skip = (from.max(1) - 1) as usize;
            assert_eq!(read_all(&log, from, Reach::Appended), records[skip..], "from {from}");
        }
    }
}

#[test]
fn large_segments_are_entered_near_the_wanted_record() {
    let directory = SimulatedDirectory::new(1);
    let options = Options { segment_bytes: 4 << 20, buffer_bytes: 1 << 20, ..small() };
    let (log, _, _) = open_with(&directory, options.clone()).unwrap();
    let records: Vec<Kept> = (0..3000).map(|_| append(&log, 1000).unwrap()).collect();
    log.flush(3000).unwrap();
    let (again, _, _) = open_with(&directory.copy(), options).unwrap();
    for log in [&log, &again] {
        let reads = directory.counts().reads;
        assert_eq!(
            kept(log.read_from(2900, Reach::Durable).next().unwrap().unwrap()),
            records[2899]
        );
        assert!(directory.counts().reads - reads <= 2, "it does not read from the start");
        assert_eq!(read_all(log, 1, Reach::Durable), records);
    }
}

#[test]
fn damage_after_opening_is_reported_each_time() {
    let directory = SimulatedDirectory::new(1);
    let (log, _, _) = open(&directory);
    for _ in 0..5 {
        append(&log, 100).unwrap();
    }
    log.flush(5).unwrap();
    directory.flip(&segment_name(1), 4096 + 152 * 2 + 60, 1).unwrap();
    let mut reader = log.read_from(1, Reach::Durable);
    assert!(reader.next().unwrap().is_ok() && reader.next().unwrap().is_ok());
    for _ in 0..3 {
        match reader.next() {
            Some(Err(ReadError::Corrupt(place))) => {
                assert_eq!((place.index, place.offset), (3, 4096 + 152 * 2));
            }
            other => panic!("{other:?}"),
        }
    }
    directory.flip(&segment_name(1), 4096 + 152 * 2 + 60, 1).unwrap();
    assert_eq!(reader.count(), 3, "a passing damage is passed");
}

#[test]
fn a_reader_keeps_the_segment_that_it_is_in() {
    let directory = SimulatedDirectory::new(1);
    let (log, _, _) = open(&directory);
    let records: Vec<Kept> = (0..30).map(|_| append(&log, 600).unwrap()).collect();
    log.flush(30).unwrap();
    let mut reader = log.read_from(1, Reach::Durable);
    assert_eq!(kept(reader.next().unwrap().unwrap()), records[0]);
    log.release(29).unwrap();
    let mut got = 1;
    let error = loop {
        match reader.next().unwrap() {
            Ok(entry) => assert_eq!(kept(entry), records[got]),
            Err(error) => break error,
        }
        got += 1;
    };
    assert!(matches!(error, ReadError::Gone { .. }), "{error}");
    assert_eq!(got as u64, reader.next_index() - 1);
}
