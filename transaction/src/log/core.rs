//! The three roles at work: append under the mutex; write, sync and prepare without it.
//!
//! Whoever needs a thing done takes the role if it is free and does it for all; who finds it taken
//! waits for the news (`progress`). So the log works without any thread of its own, and the
//! flusher's thread is only one more caller, which serves those that must not block.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use engine::device::{Directory, File};
use parking_lot::{Condvar, Mutex, MutexGuard};

use super::error::{AppendError, Failure, OpenError, Unknown};
use super::format::{PAYLOAD_MAX, is_spare, record_size, salt, segment_name, spare_name};
use super::state::{Buffer, Flusher, Place, Segment, Spare, State};
use super::{Appended, Head, Options, SegmentInfo};

/// Time between two tries to make a spare ahead when there was no room.
const SPARE_RETRY: Duration = Duration::from_secs(1);

/// A syncer waits for company at most this part of the last sync's time, …
const GATHER_PART: u32 = 8;
/// … not at all if that is less than a timer can measure, …
const GATHER_MIN: Duration = Duration::from_micros(50);
/// … and never longer than this.
const GATHER_MAX: Duration = Duration::from_millis(1);

/// A log in use.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) directory: Arc<dyn Directory>,
    pub(super) options: Options,
    pub(super) salt: u64,
    pub(super) state: Mutex<State>,
    /// Something was written, synced, prepared, or failed.
    pub(super) progress: Condvar,
    /// Those came back whom the syncer waits for.
    gathered: Condvar,
    /// Held while segments are removed.
    releasing: Mutex<()>,
    /// There is work for the flusher's thread.
    pub(super) work: Condvar,
    /// Copies of the state's numbers, to be read without the mutex.
    pub(super) last: AtomicU64,
    pub(super) written: AtomicU64,
    pub(super) durable: AtomicU64,
}

type Guard<'a> = MutexGuard<'a, State>;

impl Core {
    pub(super) fn new(directory: Arc<dyn Directory>, options: Options, state: State) -> Core {
        Core {
            directory,
            salt: salt(&options.store),
            last: AtomicU64::new(state.last),
            written: AtomicU64::new(state.written),
            durable: AtomicU64::new(state.durable),
            options,
            state: Mutex::new(state),
            progress: Condvar::new(),
            gathered: Condvar::new(),
            releasing: Mutex::new(()),
            work: Condvar::new(),
        }
    }

    // Append.

    /// Appends a record; with `wait`, does or awaits what is in the way.
    pub(super) fn append(
        &self,
        head: Head,
        parts: &[&[u8]],
        wait: bool,
    ) -> Result<Appended, AppendError> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        if length > PAYLOAD_MAX {
            return Err(AppendError::TooLarge { length, limit: PAYLOAD_MAX });
        }
        let size = record_size(length) as u64;
        let (buffer, segment) = (self.options.buffer_bytes, self.options.segment_bytes);
        let mut rolled = false;
        let mut state = self.state.lock();
        loop {
            state.check_open()?;
            match state.place(size, buffer, segment) {
                Place::Here => break,
                Place::NextSegment => {
                    state.roll();
                    rolled = true;
                }
                Place::BufferFull if !wait => {
                    self.work.notify_one();
                    return Err(AppendError::Full);
                }
                Place::BufferFull => self.make_room(&mut state),
                Place::Small(needed) => self.grow(&mut state, needed)?,
                Place::NoSpare(needed) => self.prepare(&mut state, needed)?,
            }
        }
        let before = state.active.bytes.len();
        let appended = state.push(head, parts, length as u32, self.salt);
        state.counters.records += 1;
        self.last.store(appended.index, Ordering::Release);
        let half = buffer / 2;
        let crossed = before < half && state.active.bytes.len() >= half;
        if state.flusher == Flusher::Idle || crossed || rolled {
            self.work.notify_one();
        }
        Ok(appended)
    }

    fn make_room(&self, state: &mut Guard<'_>) {
        state.counters.stalls += 1;
        if state.writing {
            self.progress.wait(state);
        } else {
            self.write_out(state);
        }
    }

    // Write.

    pub(super) fn write(&self, upto: u64) -> Result<(), Unknown> {
        if self.written.load(Ordering::Acquire) >= upto {
            return Ok(());
        }
        let mut state = self.state.lock();
        let upto = upto.min(state.last);
        while state.written < upto {
            state.check()?;
            if state.writing {
                self.progress.wait(&mut state);
            } else {
                self.write_out(&mut state);
            }
        }
        Ok(())
    }

    /// Takes the free role of the writer, hands the active buffer to the system, and tells
    /// everybody.
    fn write_out(&self, state: &mut Guard<'_>) {
        state.writing = true;
        let fresh = Buffer { bytes: std::mem::take(&mut state.recycled), pieces: Vec::new() };
        let buffer = Arc::new(std::mem::replace(&mut state.active, fresh));
        let (upto, from) = (state.last, Arc::clone(&state.written_segment));
        state.flushing = Some(Arc::clone(&buffer));
        let answer = MutexGuard::unlocked(state, || self.write_pieces(&buffer, from));
        state.writing = false;
        state.flushing = None;
        state.counters.writes += 1;
        state.counters.written_bytes += buffer.bytes.len() as u64;
        match answer {
            Ok(segment) => {
                // A sealed segment was synced before its successor was named.
                let sealed = segment.first() - 1;
                state.written_segment = segment;
                state.written = upto;
                state.durable = state.durable.max(sealed);
            }
            Err(failure) => state.failed = Some(failure),
        }
        self.recycle(state, buffer);
        self.tell(state);
    }

    /// Keeps a buffer's memory for the next one, unless one large record blew it up.
    fn recycle(&self, state: &mut State, buffer: Arc<Buffer>) {
        if let Ok(mut buffer) = Arc::try_unwrap(buffer)
            && buffer.bytes.capacity() <= 2 * self.options.buffer_bytes
        {
            buffer.bytes.clear();
            state.recycled = buffer.bytes;
        }
    }

    fn write_pieces(&self, buffer: &Buffer, from: Arc<Segment>) -> Result<Arc<Segment>, Failure> {
        let mut newest = from;
        for (number, piece) in buffer.pieces.iter().enumerate() {
            if let Some(spare) = &piece.spare {
                newest.file.sync_data().map_err(failure("syncing a full segment"))?;
                name_segment(&*self.directory, spare, &piece.segment)?;
                newest = Arc::clone(&piece.segment);
            }
            let write = newest.file.write_at(piece.offset, buffer.run(number));
            write.map_err(failure("writing the log"))?;
        }
        Ok(newest)
    }

    // Sync.

    pub(super) fn flush(&self, upto: u64) -> Result<(), Unknown> {
        if self.durable.load(Ordering::Acquire) >= upto {
            return Ok(());
        }
        let mut state = self.state.lock();
        let upto = upto.min(state.last);
        if state.durable < upto {
            state.blocked.push(upto);
            self.gathered(&state);
        }
        while state.durable < upto {
            state.check()?;
            if state.syncing {
                self.progress.wait(&mut state);
            } else {
                self.sync_all(&mut state);
            }
        }
        Ok(())
    }

    /// Takes the free role of the syncer and makes all that was appended so far durable.
    fn sync_all(&self, state: &mut Guard<'_>) {
        state.syncing = true;
        self.gather(state);
        let goal = state.last;
        while state.written < goal && state.failed.is_none() {
            if state.writing {
                self.progress.wait(state);
            } else {
                self.write_out(state);
            }
        }
        if state.failed.is_none() {
            self.sync_written(state);
        }
        state.syncing = false;
        self.tell(state);
    }

    /// Waits a little for those whom the last sync served to come back with their next commit.
    /// Without that the committers fall into two halves, each waiting through the other's sync, and
    /// share half as well. One committer alone never waits here, nor does anybody where a sync is
    /// quick. Time is the machine's here, not the clock seam's: no outcome depends on it.
    fn gather(&self, state: &mut Guard<'_>) {
        let wait = state.sync_took / GATHER_PART;
        if wait < GATHER_MIN || state.waiting() >= state.expected {
            return;
        }
        let until = Instant::now() + wait.min(GATHER_MAX);
        state.gathering = true;
        while state.waiting() < state.expected
            && !self.gathered.wait_until(state, until).timed_out()
        {}
        state.gathering = false;
    }

    /// Tells a syncer that waits for more company that it has it.
    pub(super) fn gathered(&self, state: &State) {
        if state.gathering && state.waiting() >= state.expected {
            self.gathered.notify_one();
        }
    }

    fn sync_written(&self, state: &mut Guard<'_>) {
        // What is written in earlier segments was synced when they were sealed.
        let (upto, segment) = (state.written, Arc::clone(&state.written_segment));
        let start = Instant::now();
        let answer = MutexGuard::unlocked(state, || segment.file.sync_data());
        state.sync_took = start.elapsed();
        state.expected = state.waiting();
        state.flushed_at = self.options.clock.steady();
        match answer {
            Ok(()) => {
                state.counters.flushes += 1;
                state.counters.flushed_records += upto.saturating_sub(state.durable);
                state.durable = state.durable.max(upto);
            }
            Err(error) => state.failed = Some(failure("syncing the log")(error)),
        }
    }

    /// Publishes the numbers and wakes those who wait for them.
    fn tell(&self, state: &mut Guard<'_>) {
        self.written.store(state.written, Ordering::Release);
        self.durable.store(state.durable, Ordering::Release);
        self.progress.notify_all();
        let durable = if state.failed.is_some() { u64::MAX } else { state.durable };
        state.blocked.retain(|upto| *upto > durable);
        let ready = state.ready(self.options.buffer_bytes);
        if !ready.is_empty() {
            MutexGuard::unlocked(state, || ready.into_iter().for_each(std::task::Waker::wake));
        }
    }

    // Prepare.

    /// Makes a spare of at least `needed` bytes, or waits for the one who is at it.
    pub(super) fn prepare(&self, state: &mut Guard<'_>, needed: u64) -> Result<(), AppendError> {
        if state.preparing {
            self.progress.wait(state);
            return Ok(());
        }
        state.preparing = true;
        let old = state.spare.take();
        let name = spare_name(state.spares_made);
        state.spares_made += 1;
        let made = MutexGuard::unlocked(state, || self.make_spare(old, name, needed));
        state.preparing = false;
        let made = made.map(|spare| state.spare = Some(spare));
        let answer = self.settle(state, needed, made);
        self.tell(state);
        answer
    }

    /// Gives the last segment, which is empty, room for `needed` bytes.
    fn grow(&self, state: &mut Guard<'_>, needed: u64) -> Result<(), AppendError> {
        let Some(segment) = state.segments.back().map(Arc::clone).filter(|_| !state.preparing)
        else {
            self.progress.wait(state);
            return Ok(());
        };
        state.preparing = true;
        let grown = MutexGuard::unlocked(state, || {
            self.check_space(needed)?;
            segment.file.allocate(needed)
        });
        state.preparing = false;
        let grown = grown.map(|()| state.capacity = needed);
        let answer = self.settle(state, needed, grown);
        self.tell(state);
        answer
    }

    /// Tells a full disk, which passes, from a broken one, which stops the log.
    fn settle(
        &self,
        state: &mut State,
        needed: u64,
        answer: io::Result<()>,
    ) -> Result<(), AppendError> {
        answer.map_err(|error| {
            if is_full(&error) {
                state.spare_retry = self.options.clock.steady() + SPARE_RETRY;
                return AppendError::OutOfSpace { needed, why: error.to_string().into() };
            }
            let failure = failure("preparing a segment")(error);
            state.failed = Some(failure.clone());
            AppendError::Failed(failure)
        })
    }

    fn make_spare(&self, old: Option<Spare>, name: String, needed: u64) -> io::Result<Spare> {
        let (name, file) = match old {
            Some(old) => (old.name, old.file),
            None => {
                self.check_space(needed)?;
                let file = self.directory.create(&name)?;
                (name, file)
            }
        };
        match file.allocate(needed) {
            Ok(()) => Ok(Spare { name, file, capacity: needed }),
            Err(error) => {
                // Without its name the room comes back; a leftover goes at the next open.
                drop(self.directory.remove(&name));
                Err(error)
            }
        }
    }

    fn check_space(&self, needed: u64) -> io::Result<()> {
        let free = self.directory.free_space()?.free;
        if free < needed.saturating_add(self.options.reserve_bytes) {
            let message = format!("{free} bytes are free");
            return Err(io::Error::new(io::ErrorKind::StorageFull, message));
        }
        Ok(())
    }

    // Housekeeping.

    /// Does what is due without anybody asking: see `Log::tick`.
    pub(super) fn tick(&self) {
        let mut state = self.state.lock();
        if state.failed.is_some() {
            return;
        }
        let now = self.options.clock.steady();
        let unsynced = state.last > state.durable;
        if unsynced && !state.syncing && now >= state.flushed_at + self.options.flush_within {
            self.sync_all(&mut state);
        }
        if state.failed.is_none() && !state.closed {
            state.push_mark(self.salt);
        }
        if !state.active.bytes.is_empty() && !state.writing && state.failed.is_none() {
            self.write_out(&mut state);
        }
        self.prepare_ahead(&mut state);
    }

    pub(super) fn prepare_ahead(&self, state: &mut Guard<'_>) {
        let now = self.options.clock.steady();
        let idle = state.spare.is_none() && !state.preparing && state.failed.is_none();
        if idle && !state.closed && now >= state.spare_retry {
            // Out of space is told to the append that needs the spare.
            drop(self.prepare(state, self.options.segment_bytes));
        }
    }

    /// Removes segments that hold only records up to `upto`; answers how many.
    pub(super) fn release(&self, upto: u64) -> Result<u64, OpenError> {
        let _alone = self.releasing.lock();
        let mut removed = 0;
        while let Some(segment) = self.releasable(upto) {
            self.remove_segment(&segment)?;
            self.state.lock().segments.pop_front();
            removed += 1;
        }
        Ok(removed)
    }

    /// The oldest segment, if it is not needed for records above `upto` and its successor is on
    /// disk.
    fn releasable(&self, upto: u64) -> Option<Arc<Segment>> {
        let state = self.state.lock();
        let next = state.segments.get(1)?.first();
        let goes = next <= state.written_segment.first() && next - 1 <= upto;
        state.segments.front().filter(|_| goes).map(Arc::clone)
    }

    fn remove_segment(&self, segment: &Segment) -> Result<(), OpenError> {
        let name = segment_name(segment.first());
        let failed = |source| OpenError::Io { operation: format!("removing {name}"), source };
        self.directory.remove(&name).map_err(failed)?;
        // One by one: a gap after a crash would be taken for a lost segment.
        self.directory.sync().map_err(|error| {
            let kind = error.kind();
            let mut state = self.state.lock();
            state.failed = Some(failure("syncing the log's directory")(error));
            self.tell(&mut state);
            failed(io::Error::from(kind))
        })
    }

    pub(super) fn segments(&self) -> io::Result<Vec<SegmentInfo>> {
        let state = self.state.lock();
        let mut infos = Vec::with_capacity(state.segments.len());
        let ends = state.segments.iter().skip(1).map(|next| next.first() - 1);
        for (segment, last) in state.segments.iter().zip(ends.chain([state.last])) {
            infos.push(SegmentInfo {
                name: segment_name(segment.first()),
                first: segment.first(),
                last,
                position: segment.header.position,
                bytes: segment.file.len()?,
            });
        }
        Ok(infos)
    }

    pub(super) fn close(&self) -> Result<(), Unknown> {
        let mut state = self.state.lock();
        state.closed = true;
        let last = state.last;
        drop(state);
        self.flush(last)?;
        let mut state = self.state.lock();
        state.push_mark(self.salt);
        while !state.active.bytes.is_empty() || state.writing || state.syncing {
            state.check()?;
            if state.writing || state.syncing {
                self.progress.wait(&mut state);
            } else {
                self.write_out(&mut state);
            }
        }
        state.check()?;
        state.syncing = true;
        self.sync_written(&mut state);
        state.syncing = false;
        self.tell(&mut state);
        state.check()
    }
}

/// Writes a new segment's header, and names the file only when the header is durable: so a named
/// segment always has its header, and its name proves that all before it is durable.
pub(super) fn name_segment(
    directory: &dyn Directory,
    spare: &str,
    segment: &Segment,
) -> Result<(), Failure> {
    let write = segment.file.write_at(0, &segment.header.encode());
    write.map_err(failure("writing a segment's header"))?;
    segment.file.sync_data().map_err(failure("syncing a segment's header"))?;
    let name = segment_name(segment.first());
    directory.rename(spare, &name).map_err(failure("naming a segment"))?;
    directory.sync().map_err(failure("syncing the log's directory"))
}

/// Removes what earlier runs prepared and did not use.
pub(super) fn sweep(directory: &dyn Directory) -> io::Result<()> {
    for name in directory.list()?.iter().filter(|name| is_spare(name)) {
        directory.remove(name)?;
    }
    Ok(())
}

pub(super) fn failure(operation: &'static str) -> impl FnOnce(io::Error) -> Failure {
    move |error| Failure { operation, error: Arc::new(error) }
}

pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Reserves `capacity` for a segment that is opened again; answers what it has.
pub(super) fn reserve(file: &dyn File, capacity: u64, end: u64) -> io::Result<u64> {
    match file.allocate(capacity) {
        Ok(()) => Ok(capacity),
        // The next append will need a spare, and be refused if that has no room either.
        Err(error) if is_full(&error) => Ok(end),
        Err(error) => Err(error),
    }
}
