//! What a disk gives back: segments of the log, FORMAT and CLOCK, the engine's files.
//!
//! ```text
//!   log       a script of segments ─► SimulatedDirectory ─► verify, Log::open, append, open again
//!   store     FORMAT, CLOCK, payloads ─► the same ─► Local::open, read all, commit, open again
//!   manifest  a real engine's folder, damaged ─► verify, FileEngine::open, every key
//! ```
//!
//! Checksums guard all of these, and no fuzzer guesses 64 bits. So the scripts say what stands in a
//! header or a record and the target seals it; a damage that shall be found is a flip behind the
//! seal. The fuzzer decides both.
//!
//! **Invariant.** Opening answers, or refuses and changes nothing; what was opened once and closed
//! opens again with the same records.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use crc_fast::crc64_nvme;
use engine::device::{Directory, SeededEntropy, SimulatedClock, SimulatedDirectory};
use engine::file::{FileEngine, FileState, Options as EngineOptions, State, verify};
use engine::memory::Memory;
use engine::{Engine, Mutation};
use transaction::local::{Local, LocalOptions};
use transaction::log::{
    Head, Kind, Log, OpenError, Options, Record, SEGMENT_BYTES_MIN, SegmentState,
};
use transaction::{Begin, Buffer, CancelToken, Durability, ReadTracking, Store, View};

use crate::input::Input;
use crate::sessions::runtime;

const STORE: [u8; 16] = *b"a store of fuzz!";
const HEADER: usize = 4096;

/// A segment's header, its checksum right.
fn segment_header(first: u64, position: u64, predecessor: u64, stamp: u64, odd: &[u8]) -> Vec<u8> {
    let mut bytes = b"QANATLOG".to_vec();
    for number in [1u16, 1] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(&(HEADER as u32).to_le_bytes());
    bytes.extend_from_slice(&STORE);
    bytes.extend_from_slice(&[0; 8]);
    for number in [first, position, predecessor, stamp] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    // What the script wants otherwise: pairs of a place and a byte.
    for pair in odd.chunks_exact(2) {
        if let Some(byte) = bytes.get_mut(usize::from(pair[0])) {
            *byte = pair[1];
        }
    }
    bytes.resize(HEADER - 8, 0);
    bytes.extend_from_slice(&crc64_nvme(&bytes).to_le_bytes());
    bytes
}

/// Writes records one behind the other as the log does.
struct Segment {
    bytes: Vec<u8>,
    predecessor: u64,
    index: u64,
}

impl Segment {
    fn record(&mut self, kind: u8, flags: u8, stamp: u64, odd: &[u8], payload: &[u8]) {
        let from = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 8]);
        let durable = self.index.saturating_sub(1);
        for number in [self.predecessor, self.index, stamp, durable] {
            self.bytes.extend_from_slice(&number.to_le_bytes());
        }
        self.bytes.extend_from_slice(&(payload.len() as u32).to_le_bytes());
        self.bytes.extend_from_slice(&[kind, flags, 0, 0]);
        for pair in odd.chunks_exact(2) {
            let at = 8 + usize::from(pair[0]) % 40;
            self.bytes[from + at] = pair[1];
        }
        self.bytes.extend_from_slice(payload);
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        let checksum = crc64_nvme(&self.bytes[from + 8..]) ^ crc64_nvme(&STORE);
        self.bytes[from..from + 8].copy_from_slice(&checksum.to_le_bytes());
        self.predecessor = checksum;
        if kind != 255 {
            self.index += 1;
        }
    }
}

fn write_file(directory: &SimulatedDirectory, name: &str, bytes: &[u8]) {
    let file = directory.create(name).or_else(|_| directory.open(name)).unwrap();
    file.write_at(0, bytes).unwrap();
    file.sync_data().unwrap();
    directory.sync().unwrap();
}

/// A script's segments: sealed unless it says otherwise, damaged where it says so.
fn segments(input: &mut Input<'_>, directory: &SimulatedDirectory) {
    let mut at = Segment { bytes: Vec::new(), predecessor: 0, index: 1 };
    let mut position = 0;
    for _ in 0..1 + input.below(3) {
        let first = at.index;
        let odd = input.below(16) * 2;
        at.bytes = segment_header(first, position, at.predecessor, first * 10, input.take(odd));
        for _ in 0..input.below(8) {
            let kind = [1, 1, 2, 255, 9, 0][input.below(6)];
            let odd = input.below(8).saturating_sub(4) * 2;
            let odd = input.take(odd);
            let stamp = at.index * 10;
            at.record(kind, input.below(2) as u8, stamp, odd, input.sized());
        }
        position += (at.bytes.len() - HEADER) as u64;
        let damage = input.below(4);
        if damage > 1 {
            at.bytes.extend_from_slice(input.sized());
        }
        if damage > 2 {
            let place = usize::from(input.u16()) % at.bytes.len();
            at.bytes[place] ^= input.u8();
        }
        let name = match input.below(16) {
            0 => format!("{:020}.log", first + u64::from(input.u8())),
            1 => format!("spare-{first}.log"),
            _ => format!("{first:020}.log"),
        };
        at.bytes.resize(at.bytes.len() + 64 * input.below(9), 0);
        write_file(directory, &name, &at.bytes);
    }
}

type Kept = Vec<(u64, u64, Kind, Vec<u8>)>;

fn open_log(directory: &SimulatedDirectory) -> Result<(Log, Kept), OpenError> {
    let mut kept = Vec::new();
    let options = Options {
        segment_bytes: SEGMENT_BYTES_MIN,
        buffer_bytes: 4 << 10,
        clock: Arc::new(SimulatedClock::new(0)),
        ..Options::new(STORE)
    };
    let (log, _) = Log::open(Arc::new(directory.clone()), options, |record: Record<'_>| {
        kept.push((record.index, record.stamp, record.kind, record.payload.to_vec()));
        Ok(())
    })?;
    Ok((log, kept))
}

fn contents(directory: &SimulatedDirectory) -> Vec<(String, Vec<u8>)> {
    let names = directory.list().unwrap();
    names.into_iter().map(|name| (name.clone(), directory.contents(&name).unwrap())).collect()
}

/// A script of segments as a log; or, where the first byte says so, the bytes as a segment.
pub fn log(data: &[u8]) {
    let mut input = Input::new(data);
    let directory = SimulatedDirectory::new(1);
    if input.u8() % 8 == 7 {
        write_file(&directory, "00000000000000000001.log", input.rest());
    } else {
        segments(&mut input, &directory);
    }
    let before = contents(&directory);
    let reports = transaction::log::verify(&directory).expect("the disk is good");
    let refused = reports.iter().any(|r| matches!(r.state, SegmentState::Refused(_)));
    assert_eq!(contents(&directory), before, "a check changes nothing");
    let (log, kept) = match open_log(&directory) {
        Ok(opened) => opened,
        Err(OpenError::Io { .. }) => panic!("the disk is good"),
        Err(_) => {
            assert_eq!(contents(&directory), before, "a refusal changes nothing");
            return;
        }
    };
    assert!(!refused, "the check refuses what opens");
    let first = kept.first().map_or(1, |record| record.0);
    assert!(kept.iter().zip(first..).all(|(record, index)| record.0 == index));
    if kept.last().is_some_and(|record| record.0 > u64::MAX - 8) {
        return;
    }
    let stamp = kept.iter().map(|record| record.1).max().unwrap_or(0);
    let appended = log.append(Head::new(stamp, Kind::COMMIT), &[b"more"]).expect("room");
    log.close().expect("the disk is good");
    drop(log);
    let (_, again) = open_log(&directory.crash()).expect("what was closed opens");
    assert_eq!(again[..kept.len()], kept[..]);
    assert_eq!(again.len(), kept.len() + 1);
    assert_eq!(again.last().map(|record| record.0), Some(appended.index));
}

fn sealed(mut bytes: Vec<u8>, length: usize) -> Vec<u8> {
    bytes.resize(56, 0);
    bytes.extend_from_slice(&crc64_nvme(&bytes).to_be_bytes());
    bytes.resize(length, 0);
    bytes
}

/// FORMAT and CLOCK as the script wants them.
fn small_files(input: &mut Input<'_>, directory: &SimulatedDirectory) {
    let shape = input.u8();
    let mut format = b"QANATFMT\0\x01\0\x01\0\0\0\0".to_vec();
    format.extend_from_slice(&STORE);
    if shape & 1 != 0 {
        let odd = usize::from(input.u8()) % 32;
        format[odd] = input.u8();
    }
    match shape & 6 {
        2 => write_file(directory, "FORMAT", input.sized()),
        4 => {}
        _ => write_file(directory, "FORMAT", &sealed(format, 64)),
    }
    let mut slots = Vec::new();
    for _ in 0..input.below(3) {
        let (sequence, ceiling) = (input.u64() >> 8, input.u64() >> 8);
        let slot = [sequence.to_be_bytes(), ceiling.to_be_bytes()].concat();
        slots.extend(sealed(slot, 512));
    }
    if shape & 8 != 0 {
        slots.extend_from_slice(input.sized());
    }
    if shape & 16 == 0 {
        write_file(directory, "CLOCK", &slots);
    }
}

/// The payload of a commit, its lengths right.
fn payload(input: &mut Input<'_>) -> Vec<u8> {
    let mut bytes = vec![1];
    bytes.extend_from_slice(&input.array::<16>());
    let note = input.sized();
    bytes.extend_from_slice(&(note.len() as u32).to_be_bytes());
    bytes.extend_from_slice(note);
    let mut writes: BTreeMap<&[u8], Option<&[u8]>> = BTreeMap::new();
    for _ in 0..input.below(5) {
        let key = input.sized();
        let value = if input.u8() & 1 == 0 { Some(input.sized()) } else { None };
        writes.insert(key, value);
    }
    bytes.extend_from_slice(&(writes.len() as u32).to_be_bytes());
    for (key, value) in writes {
        bytes.extend_from_slice(&(key.len() as u32).to_be_bytes());
        let length = value.map_or(0, |value| value.len() as u32 + 1);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(value.unwrap_or_default());
    }
    bytes
}

fn open_store(directory: &SimulatedDirectory) -> transaction::Result<Local> {
    let options = LocalOptions {
        segment_bytes: SEGMENT_BYTES_MIN,
        log_buffer_bytes: 16 << 10,
        outcomes_max: 64,
        clock: Arc::new(SimulatedClock::new(1_700_000_000_000_000)),
        entropy: Arc::new(SeededEntropy::new(1)),
        space_floor_bytes: 0,
        space_floor_percent: 0,
        ..LocalOptions::with_memory(16 << 20)
    };
    Local::open(Arc::new(directory.clone()), Arc::new(Memory::new()), options)
}

/// Everything in the store.
async fn scan(store: &Local) -> transaction::Result<Vec<(Bytes, Bytes)>> {
    let buffer = begin(store).await?;
    let mut all = Vec::new();
    let mut start = Bytes::new();
    loop {
        let scan = transaction::Scan {
            start,
            end: Bytes::new(),
            direction: transaction::Direction::Forward,
            limit: transaction::PageLimit::default(),
        };
        let page = buffer.scan_until(&scan, u64::MAX, View::Snapshot).await?;
        all.extend(page.records);
        match page.next {
            Some(next) => start = next,
            None => return Ok(all),
        }
    }
}

async fn begin(store: &Local) -> transaction::Result<Buffer> {
    let transaction = store.begin(Begin::default()).await?;
    Ok(Buffer::new(transaction, store.offers(), ReadTracking::Off, CancelToken::default()))
}

/// FORMAT, CLOCK and records with payloads, as a store that is opened, used and opened again.
pub fn store(data: &[u8]) {
    let mut input = Input::new(data);
    let directory = SimulatedDirectory::new(1);
    small_files(&mut input, &directory);
    let mut segment = Segment { bytes: segment_header(1, 0, 0, 0, &[]), predecessor: 0, index: 1 };
    for _ in 0..input.below(6) {
        let shape = input.u8();
        let kind = if shape & 12 == 12 { 2 } else { 1 };
        let stamp = (segment.index << 18) + u64::from(shape);
        match shape & 3 {
            0 => {
                let bytes = input.sized();
                segment.record(kind, 0, stamp, &[], bytes);
            }
            flags => {
                let bytes = payload(&mut input);
                segment.record(kind, flags >> 1, stamp, &[], &bytes);
            }
        }
    }
    if input.u8() & 1 == 0 {
        write_file(&directory, "00000000000000000001.log", &segment.bytes);
    }
    runtime().block_on(async {
        let Ok(opened) = open_store(&directory) else { return };
        let before = scan(&opened).await.expect("an open store is read");
        let buffer = begin(&opened).await.expect("an open store begins");
        buffer.put(Bytes::from_static(b"key"), Bytes::from_static(b"more")).expect("small");
        if buffer.commit(Durability::Sync, Bytes::new(), false).await.is_err() {
            return;
        }
        if let Err(error) = opened.close().await {
            // Keys that no writer makes, empty or reserved: an engine refuses them when they come.
            assert!(error.to_string().contains("invalid"), "the disk is good: {error}");
            return;
        }
        drop(opened);
        let again = open_store(&directory.crash()).expect("what was closed opens");
        let mut after = scan(&again).await.expect("an open store is read");
        assert!(after.iter().any(|(key, value)| &key[..] == b"key" && &value[..] == b"more"));
        after.retain(|(key, _)| &key[..] != b"key");
        let before: Vec<_> = before.into_iter().filter(|(key, _)| &key[..] != b"key").collect();
        assert_eq!(after, before);
    });
}

type Files = BTreeMap<PathBuf, Vec<u8>>;

fn engine_options() -> EngineOptions {
    EngineOptions { memory_bytes: 4 << 20, open_files_max: 16 }
}

fn keys() -> impl Iterator<Item = (Bytes, Bytes)> {
    (0..300u32).map(|n| (format!("key {n:05}").into(), format!("value {}", n * n).into()))
}

fn collect(folder: &Path, below: &Path, files: &mut Files) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => collect(&path, below, files),
            false => {
                let name = path.strip_prefix(below).unwrap().to_owned();
                files.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
}

/// A small engine's files, made once.
fn sample() -> &'static Files {
    static FILES: OnceLock<Files> = OnceLock::new();
    FILES.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let engine = FileEngine::open(folder.path(), engine_options()).unwrap();
        let batch: Vec<Mutation> = keys().map(|(key, value)| Mutation::put(key, value)).collect();
        for (index, part) in batch.chunks(100).enumerate() {
            engine.apply(part, index as u64 + 1).unwrap();
            engine.persist().unwrap();
        }
        drop(engine);
        let mut files = Files::new();
        collect(folder.path(), folder.path(), &mut files);
        files
    })
}

/// A real engine's folder with the damage that the script says.
pub fn manifest(data: &[u8]) {
    let mut input = Input::new(data);
    let mut files = sample().clone();
    let names: Vec<PathBuf> = files.keys().cloned().collect();
    while !input.is_empty() {
        let name = &names[input.below(names.len())];
        let Some(bytes) = files.get_mut(name) else { continue };
        match input.below(8) {
            0 => bytes.truncate(input.u16().into()),
            1 => drop(files.remove(name)),
            2 => *bytes = input.sized().to_vec(),
            3 => bytes.extend_from_slice(input.sized()),
            _ if bytes.is_empty() => {}
            n => {
                // From the front or, where the trailers are, from the back.
                let place = usize::from(input.u16()) % bytes.len();
                let place = if n % 2 == 0 { place } else { bytes.len() - 1 - place };
                bytes[place] ^= input.u8();
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in &files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
    }
    // The folder of the tables may be gone altogether.
    let reports = verify(folder.path());
    let is_bad = |file: &FileState| matches!(file.state, State::Bad(_));
    let bad = reports.as_ref().map_or(true, |files| files.iter().any(is_bad));
    let whole = &files == sample();
    assert!(!whole || !bad, "nothing is damaged");
    let engine = match FileEngine::open(folder.path(), engine_options()) {
        Ok(engine) => engine,
        Err(_) => {
            assert!(!whole, "a whole engine opens");
            return;
        }
    };
    // Without any file that tells of an engine the folder is one that was never used.
    if reports.is_ok_and(|files| files.is_empty()) {
        return;
    }
    for (key, value) in keys() {
        match engine.get(&key) {
            Ok(found) => assert_eq!(found, Some(value), "damage gave a wrong answer"),
            Err(_) => assert!(bad, "the check missed what reading found"),
        }
    }
}
