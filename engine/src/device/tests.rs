//! One suite for both directories, then what only the simulated one can do.

use std::time::Duration;

use super::*;

fn both(check: impl Fn(&dyn Directory)) {
    let place = tempfile::tempdir().unwrap();
    check(&RealDirectory::create(place.path().join("deep/er")).unwrap());
    check(&SimulatedDirectory::new(1));
    let short = SimulatedDirectory::new(2);
    short.short_reads(true);
    check(&short);
}

fn text(file: &dyn File) -> Vec<u8> {
    let mut bytes = vec![0; file.len().unwrap() as usize];
    file.read_exact_at(0, &mut bytes).unwrap();
    bytes
}

fn write(directory: &dyn Directory, name: &str, bytes: &[u8]) -> Arc<dyn File> {
    let file = directory.create(name).unwrap();
    file.write_at(0, bytes).unwrap();
    file
}

fn kind<T: Debug>(answer: io::Result<T>) -> io::ErrorKind {
    answer.unwrap_err().kind()
}

#[test]
fn files_keep_bytes_and_lengths() {
    both(|directory| {
        let file = directory.create("a").unwrap();
        assert!(file.is_empty().unwrap());
        file.write_at(3, b"abc").unwrap();
        assert_eq!(text(&*file), b"\0\0\0abc");
        file.set_len(4).unwrap();
        file.set_len(6).unwrap();
        assert_eq!(text(&*file), b"\0\0\0a\0\0");
        file.allocate(8).unwrap();
        file.allocate(2).unwrap();
        assert_eq!(text(&*file), b"\0\0\0a\0\0\0\0");
        file.sync_data().unwrap();
        assert_eq!(text(&*directory.open("a").unwrap()), text(&*file));
        let mut much = [9; 20];
        assert_eq!(file.read_full_at(6, &mut much).unwrap(), 2);
        assert_eq!(kind(file.read_exact_at(6, &mut much)), io::ErrorKind::UnexpectedEof);
        assert_eq!(file.read_at(99, &mut much).unwrap(), 0);
    });
}

#[test]
fn names_are_made_moved_and_removed() {
    both(|directory| {
        assert_eq!(kind(directory.open("a")), io::ErrorKind::NotFound);
        write(directory, "b", b"1");
        write(directory, "a", b"2");
        assert_eq!(kind(directory.create("a")), io::ErrorKind::AlreadyExists);
        assert_eq!(directory.list().unwrap(), ["a", "b"]);
        let old = directory.open("b").unwrap();
        directory.rename("a", "b").unwrap();
        assert_eq!(directory.list().unwrap(), ["b"]);
        assert_eq!(text(&*directory.open("b").unwrap()), b"2");
        assert_eq!(text(&*old), b"1", "an open handle outlives its name");
        directory.remove("b").unwrap();
        assert_eq!(kind(directory.remove("b")), io::ErrorKind::NotFound);
        assert_eq!(kind(directory.rename("b", "c")), io::ErrorKind::NotFound);
        directory.sync().unwrap();
        assert!(directory.list().unwrap().is_empty());
    });
}

#[test]
fn subdirectories_are_apart_and_bad_names_refused() {
    both(|directory| {
        let below = directory.directory("log").unwrap();
        write(&*below, "a", b"1");
        assert!(directory.list().unwrap().is_empty());
        assert_eq!(directory.directory("log").unwrap().list().unwrap(), ["a"]);
        for name in ["", ".", "..", "a/b", "/a", "a\0"] {
            assert_eq!(kind(directory.create(name)), io::ErrorKind::InvalidInput, "{name:?}");
            assert_eq!(kind(directory.directory(name)), io::ErrorKind::InvalidInput, "{name:?}");
        }
        let space = directory.free_space().unwrap();
        assert!(space.free <= space.total && space.total > 0);
    });
}

#[test]
fn a_lock_has_one_holder() {
    both(|directory| {
        let held = directory.lock("lock").unwrap();
        assert_eq!(kind(directory.lock("lock")), io::ErrorKind::WouldBlock);
        drop(held);
        directory.lock("lock").unwrap();
    });
    let simulated = SimulatedDirectory::new(1);
    let _held = simulated.lock("lock").unwrap();
    simulated.kill().lock("lock").unwrap();
}

#[test]
fn a_read_only_directory_changes_nothing() {
    let place = tempfile::tempdir().unwrap();
    write(&RealDirectory::open(place.path()).unwrap(), "a", b"1");
    let directory = RealDirectory::read_only(place.path()).unwrap();
    assert_eq!(text(&*directory.open("a").unwrap()), b"1");
    let refused = io::ErrorKind::PermissionDenied;
    assert_eq!(kind(directory.create("b")), refused);
    assert_eq!(kind(directory.remove("a")), refused);
    assert_eq!(kind(directory.rename("a", "b")), refused);
    assert_eq!(kind(directory.lock("b")), refused);
    assert!(directory.open("a").unwrap().write_at(0, b"2").is_err());
    assert_eq!(kind(directory.directory("none")), io::ErrorKind::NotFound);
    assert_eq!(kind(RealDirectory::open(place.path().join("a"))), io::ErrorKind::NotADirectory);
}

#[test]
fn a_crash_keeps_what_was_synced_and_loses_what_it_likes() {
    let (mut kept, mut lost, mut torn) = (0, 0, 0);
    for seed in 0..200 {
        let directory = SimulatedDirectory::new(seed);
        let file = write(&directory, "a", &[1; 4 * SECTOR]);
        file.sync_data().unwrap();
        directory.sync().unwrap();
        file.write_at(SECTOR as u64, &[2; 2 * SECTOR]).unwrap();
        let after = directory.crash();
        assert!(file.len().is_err(), "handles of the dead process fail");
        assert!(directory.list().is_err());
        let bytes = after.contents("a").unwrap();
        let sectors: Vec<u8> = bytes.chunks(SECTOR).map(|sector| sector[0]).collect();
        assert!(bytes.chunks(SECTOR).all(|s| s.iter().all(|byte| *byte == s[0])), "torn inside");
        match sectors[..] {
            [1, 1, 1, 1] => lost += 1,
            [1, 2, 2, 1] => kept += 1,
            [1, _, _, 1] => torn += 1,
            _ => panic!("{sectors:?}"),
        }
    }
    assert!(kept > 20 && lost > 20 && torn > 20, "{kept} {lost} {torn}");
}

#[test]
fn names_are_lost_without_a_directory_sync_and_renames_stay_whole() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let directory = SimulatedDirectory::new(seed);
        write(&directory, "old", b"1").sync_data().unwrap();
        write(&directory, "gone", b"2").sync_data().unwrap();
        directory.sync().unwrap();
        directory.rename("old", "new").unwrap();
        directory.remove("gone").unwrap();
        directory.create("fresh").unwrap();
        let after = directory.crash();
        let names = after.list().unwrap();
        let at = |name: &str| names.iter().any(|known| known == name);
        assert!(at("old") != at("new"), "{names:?}");
        let moved = if at("new") { "new" } else { "old" };
        assert_eq!(after.contents(moved).unwrap(), b"1");
        seen.insert(names);
    }
    assert_eq!(seen.len(), 8, "every subset comes up: {seen:?}");
}

#[test]
fn sectors_tear_inside_on_demand_only() {
    let torn = (0..200).any(|seed| {
        let directory = SimulatedDirectory::new(seed);
        directory.tear_sectors(true);
        let file = write(&directory, "a", &[1; SECTOR]);
        file.sync_data().unwrap();
        directory.sync().unwrap();
        file.write_at(0, &[2; SECTOR]).unwrap();
        let bytes = directory.crash().contents("a").unwrap();
        bytes.contains(&1) && bytes.contains(&2)
    });
    assert!(torn);
}

#[test]
fn a_kill_keeps_writes_which_a_later_crash_may_still_lose() {
    let lost = (0..50).any(|seed| {
        let directory = SimulatedDirectory::new(seed);
        write(&directory, "a", b"1").sync_data().unwrap();
        directory.sync().unwrap();
        directory.open("a").unwrap().write_at(0, b"2").unwrap();
        let alive = directory.kill();
        assert_eq!(alive.contents("a").unwrap(), b"2");
        alive.crash().contents("a").unwrap() == b"1"
    });
    assert!(lost);
}

#[test]
fn a_failed_sync_loses_bytes_that_a_later_sync_does_not_bring_back() {
    let lost = (0..50).any(|seed| {
        let directory = SimulatedDirectory::new(seed);
        let file = write(&directory, "a", b"1");
        file.sync_data().unwrap();
        directory.sync().unwrap();
        file.write_at(0, b"2").unwrap();
        directory.fail_sync(1);
        assert!(file.sync_data().is_err());
        assert_eq!(text(&*file), b"2");
        file.sync_data().unwrap();
        directory.crash().contents("a").unwrap() == b"1"
    });
    assert!(lost);
}

#[test]
fn faults_strike_when_told() {
    let directory = SimulatedDirectory::new(7);
    let file = write(&directory, "a", b"1234");
    directory.fail_write(2);
    file.write_at(0, b"5").unwrap();
    assert!(file.write_at(0, b"6").is_err());
    file.write_at(0, b"7").unwrap();
    directory.fail_read(1);
    assert!(file.read_at(0, &mut [0]).is_err());
    directory.flip("a", 1, 0x80).unwrap();
    assert_eq!(text(&*file), [b'7', b'2' ^ 0x80, b'3', b'4']);
    assert_eq!(kind(directory.flip("a", 4, 1)), io::ErrorKind::UnexpectedEof);
    directory.slow_sync(SlowSync::Counted(Duration::from_millis(2)));
    file.sync_data().unwrap();
    directory.sync().unwrap();
    let counts = directory.counts();
    assert_eq!((counts.syncs, counts.directory_syncs), (1, 1));
    assert_eq!(counts.sync_time, Duration::from_millis(4));
    directory.power_off_after(1);
    file.write_at(0, b"8").unwrap();
    assert!(file.write_at(0, b"9").is_err());
    assert!(file.read_at(0, &mut [0]).is_err());
    assert_eq!(directory.crash().contents("a").unwrap().len(), 4);
}

#[test]
fn a_full_disk_refuses_growth_and_keeps_reservations() {
    let directory = SimulatedDirectory::new(7);
    let file = directory.create("a").unwrap();
    file.allocate(8192).unwrap();
    directory.disk_full_after(4096);
    assert_eq!(directory.free_space().unwrap().free, 4096);
    file.write_at(0, &[1; 8192]).unwrap();
    let other = directory.create("b").unwrap();
    assert_eq!(kind(other.allocate(8192)), io::ErrorKind::StorageFull);
    assert_eq!(kind(other.write_at(0, &[1; 5000])), io::ErrorKind::StorageFull);
    assert_eq!(other.len().unwrap(), 4096, "a prefix was written");
    file.set_len(4096).unwrap();
    other.allocate(8192).unwrap();
}

#[test]
fn the_same_seed_gives_the_same_disk() {
    let run = |seed| {
        let directory = SimulatedDirectory::new(seed);
        for number in 0..20_u8 {
            let name = format!("{}", number % 3);
            let file = directory.open(&name).or_else(|_| directory.create(&name)).unwrap();
            file.write_at(u64::from(number) * 300, &[number + 1; 700]).unwrap();
        }
        let after = directory.crash();
        let names = after.list().unwrap();
        names.iter().map(|name| (name.clone(), after.contents(name).unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(run(5), run(5));
    assert!((0..10).any(|seed| run(seed) != run(seed + 100)));
}

#[test]
fn clocks_and_entropy_obey() {
    let clock = SimulatedClock::new(1_000);
    clock.advance(Duration::from_micros(5));
    clock.jump_wall(-100);
    assert_eq!((clock.wall_micros(), clock.steady()), (905, Duration::from_micros(5)));
    let real = RealClock::new();
    assert!(real.wall_micros() > 1_600_000_000_000_000);
    assert!(real.steady() <= real.steady());
    let seeded = |seed| SeededEntropy::new(seed).sixteen().unwrap();
    assert_eq!(seeded(1), seeded(1));
    assert_ne!(seeded(1), seeded(2));
    assert_ne!(RealEntropy.sixteen().unwrap(), RealEntropy.sixteen().unwrap());
    let mut generator = Xoshiro::new(3);
    assert!((0..1_000).all(|_| generator.below(7) < 7));
    assert_eq!(Xoshiro::new(0).next_u64(), 5_987_356_902_031_041_503, "the stream is frozen");
}
