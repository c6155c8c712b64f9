//! After any crash the log holds a prefix of what was appended, with everything that was
//! acknowledged.

use std::time::Duration;

use super::*;

/// What a run knows that must be there.
struct Model {
    random: Xoshiro,
    records: Vec<Kept>,
    /// Records that survive a power cut.
    durable: usize,
    /// Records that survive a kill.
    written: usize,
    oldest: u64,
}

impl Model {
    fn new(seed: u64) -> Model {
        let random = Xoshiro::new(seed);
        Model { random, records: Vec::new(), durable: 0, written: 0, oldest: 1 }
    }

    /// Opens, holds what comes to the model, and takes it as the new truth.
    fn reopen(
        &mut self,
        directory: &SimulatedDirectory,
        least: usize,
    ) -> Option<(Log, Arc<SimulatedClock>)> {
        let clock = Arc::new(SimulatedClock::new(0));
        let options = Options { clock: clock.clone(), from: self.oldest, ..small() };
        let (log, recovery, found) = match open_with(directory, options) {
            Ok(opened) => opened,
            Err(OpenError::Io { .. }) => return None,
            Err(error) => panic!("{error}"),
        };
        let skip = self.oldest as usize - 1;
        assert!(recovery.last as usize >= least, "lost: {recovery:?}, acknowledged {least}");
        assert_eq!(found, self.records[skip..recovery.last as usize]);
        self.records.truncate(recovery.last as usize);
        (self.durable, self.written) = (self.records.len(), self.records.len());
        Some((log, clock))
    }

    /// One random call; false when the log has stopped.
    fn step(&mut self, log: &Log, clock: &SimulatedClock) -> bool {
        match self.random.below(20) {
            0..12 => {
                let length = match self.random.below(20) {
                    0 => self.random.below(12_000),
                    1..5 => self.random.below(1_500),
                    _ => self.random.below(120),
                };
                match append(log, length as usize) {
                    Ok(kept) => self.records.push(kept),
                    Err(AppendError::Failed(_)) => return false,
                    Err(error) => panic!("{error}"),
                }
            }
            12..15 => {
                let upto = self.records.len() as u64 - self.random.below(2).min(log.last());
                if log.flush(upto).is_err() {
                    return false;
                }
                self.durable = self.durable.max(upto as usize);
            }
            15..17 => {
                if log.write(log.last()).is_err() {
                    return false;
                }
                self.written = self.records.len();
            }
            17 | 18 => {
                clock.advance(Duration::from_millis(self.random.below(700)));
                log.tick();
            }
            _ => {
                // The engine holds this much: older segments may go.
                let upto = self.random.below(self.durable as u64 + 1);
                self.oldest = self.oldest.max(upto + 1);
                if log.release(upto).is_err() {
                    return false;
                }
            }
        }
        self.durable = self.durable.max(log.durable() as usize);
        self.written = self.written.max(log.written() as usize).max(self.durable);
        true
    }

    fn fault(&mut self, directory: &SimulatedDirectory) {
        match self.random.below(8) {
            0 => directory.fail_sync(1 + self.random.below(12)),
            1 => directory.fail_write(1 + self.random.below(12)),
            2 | 3 => directory.power_off_after(self.random.below(60)),
            _ => {}
        }
        directory.tear_sectors(self.random.percent(50));
        directory.short_reads(self.random.percent(20));
    }
}

fn run(seed: u64) -> (usize, usize) {
    let mut model = Model::new(seed);
    let mut directory = SimulatedDirectory::new(seed ^ 0xabcd);
    // What survives a power cut, and what the next opening must find.
    let (mut lost, mut durable, mut least) = (0, 0, 0);
    for _ in 0..8 {
        for report in verify(&directory).unwrap() {
            assert!(!matches!(report.state, SegmentState::Refused(_)), "seed {seed}: {report:?}");
        }
        let before = model.records.len();
        model.fault(&directory);
        if let Some((log, clock)) = model.reopen(&directory, least) {
            lost += before - model.records.len();
            for _ in 0..model.random.below(120) {
                if !model.step(&log, &clock) {
                    break;
                }
            }
            if log.failure().is_none() && model.random.percent(10) && log.close().is_ok() {
                model.durable = model.records.len();
            }
            durable = model.durable;
            least = model.written.max(durable);
        }
        directory = if model.random.percent(30) {
            directory.kill()
        } else {
            // What a kill kept may still be lost by a cut before an opening made it durable.
            least = durable;
            directory.crash()
        };
    }
    (model.records.len(), lost)
}

#[test]
fn any_crash_leaves_a_prefix_with_all_that_was_acknowledged() {
    let (mut kept, mut lost) = (0, 0);
    for seed in 0..400 {
        let (records, gone) = run(seed);
        kept += records;
        lost += gone;
    }
    assert!(kept > 10_000, "{kept}");
    assert!(lost > 1_000, "the crashes must hurt: {lost}");
}

#[test]
#[ignore = "long: run with --release or patience"]
fn many_more_crashes() {
    for seed in 400..20_000 {
        run(seed);
    }
}

#[test]
fn a_crash_at_any_step_of_a_recovery_changes_nothing_of_its_outcome() {
    let mut cuts = 0;
    for seed in 0..60 {
        let directory = SimulatedDirectory::new(seed);
        directory.tear_sectors(true);
        let options = Options { segment_bytes: 64 << 10, buffer_bytes: 64 << 10, ..small() };
        let (log, _, _) = open_with(&directory, options.clone()).unwrap();
        let mut records: Vec<Kept> = (0..20).map(|n| append(&log, n * 20).unwrap()).collect();
        log.flush(20).unwrap();
        records.extend((0..10).map(|n| append(&log, 300 + n).unwrap()));
        log.write(30).unwrap();
        let mut crashed = directory.crash();
        cuts += u64::from(open_with(&crashed.copy(), options.clone()).unwrap().1.cut_bytes > 0);
        for step in 0.. {
            crashed.power_off_after(step);
            let opened = open_with(&crashed, options.clone());
            if let Ok((log, _, found)) = opened {
                assert!(found.len() >= 20 && found == records[..found.len()], "seed {seed}");
                drop(log);
                break;
            }
            crashed = crashed.crash();
        }
        // What one recovery called durable stays through the next cut.
        let (_, first, _) = open_with(&crashed.kill(), options).unwrap();
        assert!(first.last >= 20);
    }
    assert!(cuts > 10, "{cuts}");
}

#[test]
fn what_a_recovery_delivered_is_durable_even_after_a_failed_sync() {
    for seed in 0..200 {
        let directory = SimulatedDirectory::new(seed);
        let (log, _, _) = open(&directory);
        for length in 0..10 {
            append(&log, length * 70).unwrap();
        }
        directory.fail_sync(1);
        assert!(log.flush(10).is_err());
        // The page cache still shows all ten, the disk may have lost any of them for good.
        let alive = directory.kill();
        let (_, recovery, found) = open(&alive);
        assert_eq!(recovery.last, 10);
        let (_, after, again) = open(&alive.crash());
        assert_eq!((after.last, again), (10, found), "seed {seed}");
    }
}

#[test]
fn segments_roll_at_every_byte_boundary() {
    let room = (SEGMENT_BYTES_MIN - SEGMENT_HEADER) as usize;
    for length in (0..200).chain(room - 400..room + 60) {
        let directory = SimulatedDirectory::new(length as u64);
        let (log, _, _) = open(&directory);
        let lengths = [length, 1, room / 2, length, 40];
        let records: Vec<Kept> = lengths.iter().map(|l| append(&log, *l).unwrap()).collect();
        log.flush(5).unwrap();
        log.tick();
        assert_eq!(read_all(&log, 1, Reach::Durable), records, "length {length}");
        let (_, recovery, found) = open(&directory.crash());
        assert_eq!(found, records, "length {length}");
        assert_eq!(recovery.last, 5);
    }
}

#[test]
fn a_record_larger_than_a_segment_gets_one_of_its_own() {
    let directory = SimulatedDirectory::new(1);
    let (log, _, _) = open(&directory);
    let lengths = [100_000, 10, 50_000, 50_000, 10];
    let records: Vec<Kept> = lengths.iter().map(|l| append(&log, *l).unwrap()).collect();
    log.close().unwrap();
    assert!(matches!(append(&log, 1), Err(AppendError::Closed)));
    let (log, recovery, found) = open(&directory.crash());
    assert_eq!((found, recovery.cut_bytes), (records.clone(), 0));
    assert_eq!(read_all(&log, 1, Reach::Durable), records);
    let firsts: Vec<u64> = log.segments().unwrap().iter().map(|s| s.first).collect();
    assert_eq!(firsts, [1, 2, 3, 4, 5]);
}
