//! What is particular to the file engine: damage, kills, compaction, bounded level 0.

use engine::file::{FileEngine, Options, State, verify};
use engine::{Direction, Engine, Error, KeyRange, Limit, Mutation, Record};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

const SMALL: Options = Options { memory_bytes: 256 << 10, open_files_max: 8 };

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// A batch that depends on nothing but its index.
fn batch(index: u64, keys: u32, records: usize) -> Vec<Mutation> {
    let mut random = ChaCha8Rng::seed_from_u64(index);
    let net: BTreeMap<u32, bool> =
        (0..records).map(|_| (random.random_range(0..keys), random.random_bool(0.8))).collect();
    net.into_iter()
        .map(|(key, put)| {
            let name = format!("key-{key:08}");
            match put {
                true => Mutation::put(name, format!("{index:08}-").repeat(1 + key as usize % 20)),
                false => Mutation::delete(name),
            }
        })
        .collect()
}

fn replay(map: &mut Map, batch: &[Mutation]) {
    for Mutation { key, value } in batch {
        match value {
            Some(value) => map.insert(key.to_vec(), value.to_vec()),
            None => map.remove(&key[..]),
        };
    }
}

fn contents(engine: &dyn Engine, direction: Direction) -> Result<Vec<Record>, Error> {
    Ok(engine.page(KeyRange::ALL, direction, Limit::NONE)?.records)
}

fn assert_holds(engine: &dyn Engine, map: &Map) {
    let mut records = contents(engine, Direction::Forward).unwrap();
    assert!(
        records
            .iter()
            .map(|r| (&r.key[..], &r.value[..]))
            .eq(map.iter().map(|(k, v)| (&k[..], &v[..])))
    );
    for (key, value) in map {
        assert_eq!(engine.get(key).unwrap().as_deref(), Some(&value[..]));
    }
    records.reverse();
    assert_eq!(contents(engine, Direction::Backward).unwrap(), records);
}

#[test]
fn compaction_keeps_level_zero_short_and_every_record() {
    let folder = tempfile::tempdir().unwrap();
    let engine = FileEngine::open(folder.path(), SMALL).unwrap();
    let mut map = Map::new();
    for index in 1..=60 {
        let batch = batch(index, 3_000, 800);
        engine.apply(&batch, index).unwrap();
        replay(&mut map, &batch);
    }
    assert_holds(&engine, &map);
    engine.persist().unwrap();
    let tables = fs::read_dir(folder.path().join("tables")).unwrap().count();
    assert!(tables < 40, "{tables} tables: nothing compacts or nothing is freed");
    drop(engine);
    let engine = FileEngine::open(folder.path(), SMALL).unwrap();
    assert_eq!(engine.applied(), 60);
    assert_holds(&engine, &map);
    assert!(engine.usage().disk_bytes > 10_000);
}

/// A store of some runs under 256 kB, closed, with what it holds.
fn small_store() -> (tempfile::TempDir, Map) {
    let folder = tempfile::tempdir().unwrap();
    let engine = FileEngine::open(folder.path(), SMALL).unwrap();
    let mut map = Map::new();
    for index in 1..=3 {
        let batch = batch(index, 150, 100);
        engine.apply(&batch, index).unwrap();
        replay(&mut map, &batch);
        engine.persist().unwrap();
    }
    drop(engine);
    // The next opening removes the manifests that are no longer named.
    drop(FileEngine::open(folder.path(), SMALL).unwrap());
    (folder, map)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let list = |folder: &Path| {
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect::<Vec<_>>()
    };
    let mut files = list(folder);
    files.extend(list(&folder.join("tables")));
    files.retain(|path| path.is_file());
    files.sort();
    files
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.join("tables")).unwrap();
    for path in files(from) {
        fs::copy(&path, to.join(path.strip_prefix(from).unwrap())).unwrap();
    }
}

/// Opens a store with one file changed; everything read is right, or an error says so.
fn survives(original: &Path, map: &Map, file: &Path, bytes: &[u8], what: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    copy(original, folder.path());
    fs::write(folder.path().join(file), bytes).unwrap();
    let seen = verify(folder.path())
        .unwrap()
        .iter()
        .any(|file| matches!(file.state, State::Bad(Error::Corrupt { .. })));
    assert!(seen, "verify sees {what}");
    let before = files(folder.path());
    let engine = match FileEngine::open(folder.path(), SMALL) {
        Ok(engine) => engine,
        Err(Error::Corrupt { .. }) => {
            assert_eq!(files(folder.path()), before, "a refused opening removes nothing named");
            return true;
        }
        Err(other) => panic!("{what}: {other}"),
    };
    let mut errors = 0;
    for direction in [Direction::Forward, Direction::Backward] {
        match contents(&engine, direction) {
            Ok(mut records) => {
                records.sort_by(|a, b| a.key.cmp(&b.key));
                let found = records.iter().map(|r| (&r.key[..], &r.value[..]));
                assert!(found.eq(map.iter().map(|(k, v)| (&k[..], &v[..]))), "{what}");
            }
            Err(Error::Corrupt { .. }) => errors += 1,
            Err(other) => panic!("{what}: {other}"),
        }
    }
    for (key, value) in map {
        match engine.get(key) {
            Ok(found) => assert_eq!(found.as_deref(), Some(&value[..]), "{what}"),
            Err(Error::Corrupt { .. }) => errors += 1,
            Err(other) => panic!("{what}: {other}"),
        }
    }
    errors > 0
}

#[test]
fn flipped_bytes_are_never_silently_wrong() {
    let (folder, map) = small_store();
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut noticed = 0;
    // The slow half: every bit of every file.
    let every = std::env::var_os("ENGINE_EVERY_BIT").is_some();
    for path in files(folder.path()) {
        let bytes = fs::read(&path).unwrap();
        let file = path.strip_prefix(folder.path()).unwrap();
        let places: Vec<(usize, u8)> = match every {
            true => (0..bytes.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))).collect(),
            false => (0..150)
                .map(|_| (random.random_range(0..bytes.len()), random.random_range(0..8)))
                .collect(),
        };
        for (at, bit) in places {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            let what = format!("{} at {at} bit {bit} of {}", file.display(), bytes.len());
            noticed += usize::from(survives(folder.path(), &map, file, &flipped, &what));
        }
    }
    assert!(noticed > 50, "most flips hit something that is read: {noticed}");
}

#[test]
fn cut_and_emptied_files_are_refused() {
    let (folder, map) = small_store();
    for path in files(folder.path()) {
        let bytes = fs::read(&path).unwrap();
        for len in [0, 1, 25, bytes.len() / 2, bytes.len() - 1] {
            if len < bytes.len() {
                let file = path.strip_prefix(folder.path()).unwrap();
                let what = format!("{} cut to {len}", file.display());
                survives(folder.path(), &map, file, &bytes[..len], &what);
            }
        }
    }
}

#[test]
fn missing_files_are_refused_and_orphans_are_harmless() {
    let (original, map) = small_store();
    for path in files(original.path()) {
        let folder = tempfile::tempdir().unwrap();
        copy(original.path(), folder.path());
        fs::remove_file(folder.path().join(path.strip_prefix(original.path()).unwrap())).unwrap();
        let refused = FileEngine::open(folder.path(), SMALL).err();
        assert!(matches!(refused, Some(Error::Corrupt { .. })), "{path:?}: {refused:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    copy(original.path(), folder.path());
    let tables = folder.path().join("tables");
    for file in [false, true] {
        match file {
            false => fs::remove_dir_all(&tables).unwrap(),
            true => fs::write(&tables, b"no folder").unwrap(),
        }
        let states = verify(folder.path()).unwrap();
        let named = states.iter().find(|f| f.path == tables).unwrap();
        assert!(matches!(named.state, State::Bad(Error::Corrupt { .. })), "{named:?}");
        let refused = FileEngine::open(folder.path(), SMALL).err();
        assert!(matches!(refused, Some(Error::Corrupt { .. })), "{refused:?}");
    }
    fs::write(original.path().join("tables/999"), b"left over").unwrap();
    let states = verify(original.path()).unwrap();
    assert!(states.iter().any(|f| f.path.ends_with("999") && matches!(f.state, State::Orphan)));
    assert!(!states.iter().any(|f| matches!(f.state, State::Bad(_))));
    assert!(original.path().join("tables/999").exists(), "verify removes nothing");
    assert_holds(&FileEngine::open(original.path(), SMALL).unwrap(), &map);
}

/// Two batches that each fill the memory of a small engine, and so are runs at once.
fn long_batches() -> [Vec<Mutation>; 2] {
    [1u8, 2].map(|n| {
        (0..200u32).map(|key| Mutation::put(key.to_be_bytes().to_vec(), vec![n; 1_000])).collect()
    })
}

#[test]
fn a_failed_write_halts_until_reopened() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = long_batches();
    let engine = FileEngine::open(folder.path(), SMALL).unwrap();
    engine.apply(&first, 1).unwrap();
    engine.apply(&[Mutation::put("in memory", "1")], 2).unwrap();
    let (tables, away) = (folder.path().join("tables"), folder.path().join("away"));
    fs::rename(&tables, &away).unwrap();
    assert!(engine.apply(&second, 3).is_err());
    fs::rename(&away, &tables).unwrap();
    let refused = engine.apply(&[], 3);
    assert!(matches!(refused, Err(Error::Halted(_))), "{refused:?}");
    assert!(matches!(engine.persist(), Err(Error::Halted(_))));
    assert_eq!((engine.applied(), engine.persisted()), (2, 1));
    assert_eq!(engine.get(&[0; 4]).unwrap().as_deref(), Some(&[1; 1_000][..]));
    assert_eq!(engine.get(b"in memory").unwrap().as_deref(), Some(&b"1"[..]));
    drop(engine);
    let engine = FileEngine::open(folder.path(), SMALL).unwrap();
    assert_eq!(engine.applied(), 1);
    assert_eq!(contents(&engine, Direction::Forward).unwrap().len(), first.len());
    engine.apply(&second, 3).unwrap();
}

/// `mount -t tmpfs -o size=4m none /mnt/x && ENGINE_SMALL_DISK=/mnt/x cargo nextest run -p engine
/// full`
#[test]
fn a_full_disk_refuses_a_batch_whole_and_resumes_by_itself() {
    let Some(folder) = std::env::var_os("ENGINE_SMALL_DISK") else { return };
    let engine = FileEngine::open(Path::new(&folder), SMALL).unwrap();
    let ballast = Path::new(&folder).join("ballast");
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut long = |index: u64| -> Vec<Mutation> {
        let mut value = vec![0; 1_000];
        (0..100u64)
            .map(|key| {
                random.fill(&mut value[..]);
                Mutation::put(format!("{index:04}-{key:04}"), value.clone())
            })
            .collect()
    };
    let mut map = Map::new();
    let mut refusals = 0;
    fs::write(&ballast, vec![0; 2 << 20]).unwrap();
    let mut index = 0;
    while index < 25 {
        let next = long(index);
        match engine.apply(&next, index + 1) {
            Ok(()) => {
                replay(&mut map, &next);
                index += 1;
            }
            Err(Error::OutOfSpace { .. }) => {
                refusals += 1;
                assert_holds(&engine, &map);
                fs::remove_file(&ballast).unwrap();
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(refusals, 1);
    drop(engine);
    assert!(!verify(Path::new(&folder)).unwrap().iter().any(|f| matches!(f.state, State::Bad(_))));
    assert_holds(&FileEngine::open(Path::new(&folder), SMALL).unwrap(), &map);
}

const CHILD: &str = "ENGINE_KILL_FOLDER";

/// Not a test of its own: the process that `killed_at_any_moment…` kills.
#[test]
fn child_that_applies_until_killed() {
    let Some(folder) = std::env::var_os(CHILD) else { return };
    let engine = FileEngine::open(Path::new(&folder), SMALL).unwrap();
    println!("\nopened {}", engine.applied());
    for index in engine.applied() + 1.. {
        engine.apply(&batch(index, 2_000, 300), index).unwrap();
        if index % 5 == 0 {
            println!("\npersisted {}", engine.persist().unwrap());
        }
    }
}

#[test]
fn killed_at_any_moment_comes_back_to_an_index_with_its_batches() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let (mut map, mut replayed) = (Map::new(), 0);
    for _ in 0..8 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "file::child_that_applies_until_killed", "--nocapture"])
            .env(CHILD, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let reader = std::thread::spawn(move || {
            let numbers = lines.map_while(Result::ok).filter_map(|line| {
                line.strip_prefix("persisted ").and_then(|number| number.parse::<u64>().ok())
            });
            numbers.max().unwrap_or(0)
        });
        std::thread::sleep(Duration::from_millis(random.random_range(50..500)));
        child.kill().unwrap();
        child.wait().unwrap();
        let persisted = reader.join().unwrap();
        let engine = FileEngine::open(folder.path(), SMALL).unwrap();
        let index = engine.applied();
        assert!(index >= persisted.max(replayed), "came back to {index}, persisted {persisted}");
        for index in replayed + 1..=index {
            replay(&mut map, &batch(index, 2_000, 300));
        }
        replayed = index;
        assert_holds(&engine, &map);
    }
    assert!(replayed > 0, "no round lived long enough to persist anything");
}
