//! Damaged bytes are reported, or they were never durable; nothing is changed when opening is
//! refused.

use super::*;

/// A closed log of three segments, and its records.
fn sample() -> (SimulatedDirectory, Vec<Kept>) {
    let directory = SimulatedDirectory::new(3);
    let (log, _, _) = open(&directory);
    let mut records = Vec::new();
    for number in 0..30 {
        records.push(append(&log, number * 53 % 560).unwrap());
        if number % 4 == 0 {
            log.flush(log.last()).unwrap();
            log.tick();
        }
    }
    log.close().unwrap();
    assert_eq!(log.segments().unwrap().len(), 3);
    (directory, records)
}

fn refused(error: &OpenError) -> bool {
    matches!(error, OpenError::Corrupt(_))
}

#[test]
fn every_flipped_byte_of_a_closed_log_is_harmless_or_reported() {
    let (directory, records) = sample();
    let (mut harmless, mut reported) = (0, 0);
    let mut random = Xoshiro::new(1);
    for (name, bytes) in files(&directory) {
        for offset in 0..bytes.len() as u64 {
            let damaged = directory.copy();
            damaged.flip(&name, offset, 1 << random.below(8)).unwrap();
            match open_with(&damaged, small()) {
                Ok((_, _, found)) => {
                    assert_eq!(found, records, "{name} {offset}");
                    harmless += 1;
                }
                Err(error) => {
                    assert!(refused(&error), "{name} {offset}: {error}");
                    reported += 1;
                }
            }
        }
    }
    // Zeros at the ends and the last mark are harmless; three headers and all records are not.
    assert!(reported >= 3 * 4096 + records.len() * 48, "{reported}");
    assert!(harmless > 1_000, "{harmless}");
}

#[test]
fn a_refused_log_is_left_as_it_was() {
    let (directory, _) = sample();
    for (name, bytes) in files(&directory) {
        for offset in (0..bytes.len() as u64).step_by(97) {
            let damaged = directory.copy();
            damaged.flip(&name, offset, 0x40).unwrap();
            let before = files(&damaged);
            let counts = damaged.counts();
            let reports = verify(&damaged).unwrap();
            assert_eq!(damaged.counts().writes, counts.writes);
            let bad = reports.iter().any(|r| matches!(r.state, SegmentState::Refused(_)));
            let opened = open_with(&damaged, small());
            assert_eq!(opened.is_err(), bad, "verify and open agree on {name} {offset}");
            if let Err(OpenError::Corrupt(place)) = opened {
                assert_eq!(files(&damaged), before);
                assert!(place.offset <= offset, "{place} for {name} {offset}");
            }
        }
    }
}

#[test]
fn a_flip_after_a_power_cut_costs_at_most_what_nothing_claimed() {
    for seed in 0..20 {
        let directory = SimulatedDirectory::new(seed);
        let (log, _, _) = open(&directory);
        let mut records = Vec::new();
        for _ in 0..3 {
            records.extend((0..4).map(|n| append(&log, n * 30).unwrap()));
            log.flush(log.last()).unwrap();
        }
        // The last group's claim is only in memory: eight records are claimed on disk, twelve
        // durable.
        let cut = directory.crash();
        let name = segment_name(1);
        let used = cut.contents(&name).unwrap().iter().rposition(|byte| *byte != 0).unwrap();
        for offset in 4096..=used as u64 {
            let damaged = cut.copy();
            damaged.flip(&name, offset, 0x10).unwrap();
            match open_with(&damaged, small()) {
                Ok((_, recovery, found)) => {
                    assert!(recovery.last >= 8, "{offset}");
                    assert_eq!(found, records[..recovery.last as usize]);
                }
                Err(error) => assert!(refused(&error), "{error}"),
            }
        }
    }
}

#[test]
fn random_garbage_never_panics() {
    let (directory, records) = sample();
    let names: Vec<String> = directory.list().unwrap();
    let mut random = Xoshiro::new(9);
    for _ in 0..500 {
        let damaged = directory.copy();
        let name = &names[random.below(names.len() as u64) as usize];
        let (at, length) = (random.below(8192), random.below(600) as usize);
        let garbage = payload(random.next_u64(), length);
        damaged.open(name).unwrap().write_at(at, &garbage).unwrap();
        if random.percent(20) {
            damaged.open(name).unwrap().set_len(random.below(9000)).unwrap();
        }
        verify(&damaged).unwrap();
        match open_with(&damaged, small()) {
            Ok((_, _, found)) => assert_eq!(found, records[..found.len()]),
            Err(error) => assert!(refused(&error), "{error}"),
        }
    }
}

#[test]
fn missing_and_foreign_segments_are_refused_by_name() {
    let (directory, records) = sample();
    let names: Vec<String> =
        directory.list().unwrap().into_iter().filter(|n| segment_first(n).is_some()).collect();
    let second = segment_first(&names[1]).unwrap();
    let third = segment_first(&names[2]).unwrap();

    let holed = directory.copy();
    holed.remove(&names[1]).unwrap();
    match open_with(&holed, small()).unwrap_err() {
        OpenError::MissingSegment { from, to } => assert_eq!((from, to), (second, third - 1)),
        error => panic!("{error}"),
    }
    let headless = directory.copy();
    headless.remove(&names[0]).unwrap();
    match open_with(&headless, small()).unwrap_err() {
        OpenError::Gone { wanted, oldest } => assert_eq!((wanted, oldest), (1, second)),
        error => panic!("{error}"),
    }
    let short = directory.copy();
    short.remove(&names[2]).unwrap();
    let ahead = Options { from: third + 1, ..small() };
    match open_with(&short, ahead).unwrap_err() {
        OpenError::Short { wanted, last } => assert_eq!((wanted, last), (third + 1, third - 1)),
        error => panic!("{error}"),
    }
    let wiped = directory.copy();
    wiped.open(&names[1]).unwrap().write_at(5000, &[0; 3000]).unwrap();
    assert!(refused(&open_with(&wiped, small()).unwrap_err()));

    let other = Options { store: [7; 16], ..small() };
    let error = open_with(&directory, other).unwrap_err();
    assert!(matches!(error, OpenError::OtherStore { .. }), "{error}");

    let late = Options { from: second + 3, ..small() };
    let (_, recovery, found) = open_with(&directory, late).unwrap();
    assert_eq!(found, records[second as usize + 2..]);
    assert_eq!((recovery.oldest, recovery.last), (1, 30));
}

#[test]
fn later_formats_and_keys_are_refused_by_name() {
    let (directory, _) = sample();
    let name = segment_name(1);
    let header = SegmentHeader::decode(&directory.contents(&name).unwrap()).unwrap();
    let with = |header: SegmentHeader| {
        let changed = directory.copy();
        changed.open(&name).unwrap().write_at(0, &header.encode()).unwrap();
        open_with(&changed, small()).unwrap_err()
    };
    let newer = SegmentHeader { version: 9, oldest_reader: 2, ..header.clone() };
    assert!(matches!(with(newer), OpenError::Newer { oldest_reader: 2, known: VERSION, .. }));
    let encrypted = SegmentHeader { key: 5, ..header.clone() };
    assert!(matches!(with(encrypted), OpenError::Encrypted { key: 5, .. }));
    let misplaced = SegmentHeader { first: 2, ..header };
    assert!(refused(&with(misplaced)));
}

#[test]
fn no_log_is_made_unless_asked_for() {
    let directory = SimulatedDirectory::new(1);
    let absent = Options { create: None, ..small() };
    assert!(matches!(open_with(&directory, absent), Err(OpenError::Missing)));
    assert!(directory.list().unwrap().is_empty());
    let ahead = Options { from: 5, ..small() };
    assert!(matches!(open_with(&directory, ahead), Err(OpenError::Short { wanted: 5, last: 0 })));
    let later = Options { from: 5, create: Some(5), ..small() };
    let (log, recovery, _) = open_with(&directory, later).unwrap();
    assert_eq!((recovery.oldest, recovery.last, recovery.created), (5, 4, true));
    assert_eq!(append(&log, 3).unwrap().0, 5);
}

#[test]
fn a_refusing_receiver_stops_the_opening() {
    let (directory, _) = sample();
    let receive = |record: Record<'_>| {
        if record.index == 7 { Err("enough".to_owned()) } else { Ok(()) }
    };
    match Log::open(Arc::new(directory), small(), receive) {
        Err(OpenError::Refused { index: 7, why }) => assert_eq!(why, "enough"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn verify_reports_a_torn_tail_without_cutting_it() {
    let directory = SimulatedDirectory::new(2);
    let (log, _, _) = open(&directory);
    append(&log, 50).unwrap();
    log.flush(1).unwrap();
    append(&log, 500).unwrap();
    log.write(2).unwrap();
    let name = segment_name(1);
    directory.flip(&name, 4096 + 104 + 60, 1).unwrap();
    let before = files(&directory);
    let reports = verify(&directory).unwrap();
    assert_eq!((reports.len(), reports[0].last, reports[0].records), (1, 1, 1));
    assert!(matches!(reports[0].state, SegmentState::Torn { offset: 4200, bytes } if bytes > 500));
    assert_eq!(files(&directory), before);
    let (_, recovery, found) = open(&directory.kill());
    assert_eq!((recovery.last, found.len()), (1, 1));
    assert!(recovery.cut_bytes > 500);
}

/// Every line is 16 bytes; runs of zero lines are left out.
fn dump(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (number, line) in bytes.chunks(16).enumerate() {
        if line.iter().any(|byte| *byte != 0) {
            let hex: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
            text += &format!("{:06x} {}\n", number * 16, hex.join(" "));
        }
    }
    text
}

#[test]
fn the_layout_is_frozen() {
    let directory = SimulatedDirectory::new(1);
    let (log, _, _) = open(&directory);
    log.append(Head::new(0x1122, Kind::COMMIT), &[b"first"]).unwrap();
    let flagged = Head { stamp: 0x3344, kind: Kind::new(9).unwrap(), flags: 0x81 };
    log.append(flagged, &[b"sec", b"", b"ond!!!!!"]).unwrap();
    log.flush(2).unwrap();
    log.append(Head::new(0x5566, Kind::STAGED), &[]).unwrap();
    log.append(Head::new(0x7788, Kind::COMMIT), &[&[0xee; 4000]]).unwrap();
    log.close().unwrap();
    let mut text = String::new();
    for (name, bytes) in files(&directory) {
        let ee = "ee ee ee ee ee ee ee ee ee ee ee ee ee ee ee ee\n";
        let lines: String =
            dump(&bytes).split_inclusive('\n').filter(|line| !line.ends_with(ee)).collect();
        text += &format!("{name} {} bytes\n{lines}", bytes.len());
    }
    let golden = include_str!("golden.txt");
    assert_eq!(text, golden, "the layout changed: a new format version is needed\n{text}");
    let (_, _, found) = open(&directory.crash());
    assert_eq!(found[1], (2, 0x3344, Kind::new(9).unwrap(), b"second!!!!!".to_vec()));
}
