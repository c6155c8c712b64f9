//! One connection: reads what is there, runs it in as few commits as its meaning allows, writes
//! once.
//!
//! ```text
//!   read ─► every whole request in the buffer ─► batch ─► runs of key commands ─► one commit each ─► one write
//!                                                  └► others one by one: HELLO, SELECT, MULTI … EXEC, FLUSHALL
//!
//!   a run:   (where many connections are ready, with theirs: `group`)
//!            begin ─► lock every key to be written, in key order ─► command, mark, command … ─► commit
//!              ▲                                                                                  │
//!              └────────────── conflict, deadlock, new key space: replies cut back ◄──────────────┘
//! ```
//!
//! **Invariants**
//! - No reply leaves before its commit has reached its durability.
//! - A command that fails leaves nothing behind, and the others of its run stay.
//! - EXEC is one commit of its own: what it writes and reads is locked first, what is watched as
//!   well, so it is serializable and never fails but for a watched key.
//! - Nothing is read from a client that does not take its replies, and nothing is reserved because
//!   a client said so.
//! - If it is unknown whether a commit happened, the connection closes without a reply.
//!
//! Rejected: a task for each command (order), and a commit for each (a flush each).

mod config;
mod connection;
mod exec;
mod group;
mod info;
mod server;

use std::future::poll_fn;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use qanat::keys::{KeyError, KeyLock, KeySession, KeyTransaction};
use smallvec::SmallVec;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

pub use server::{Client, ClientInfo, Options, Server, Stats, VERSION};

use super::codec::{Argv, Batch, ReplyWriter, RequestParser, Version};
use super::commands::{self, Command, Flags};
use super::error::{self, RequestError};
use super::translate::{self, Call, Environment, Failure, Lookups, generic};

/// Free room that a read finds at least.
const READ_ROOM: usize = 16 << 10;
/// Memory that idle buffers keep.
const KEPT_MAX: usize = 256 << 10;
/// Replies beyond this are written before more requests run.
const OUTPUT_MAX: usize = 256 << 10;

/// What a client wants to hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Replies {
    On,
    Off,
    /// Not of the next command.
    SkipNext,
    /// Not of this command.
    Skip,
}

/// What MULTI queues.
#[derive(Default)]
struct Queue {
    requests: Batch,
    commands: Vec<&'static Command>,
    /// A request was wrong: EXEC will refuse.
    spoiled: bool,
}

/// One connection's state.
pub struct Session {
    server: Arc<Server>,
    client: Arc<Client>,
    keys: KeySession,
    parser: RequestParser,
    version: Version,
    out: Vec<u8>,
    run: Vec<&'static Command>,
    queue: Option<Queue>,
    replies: Replies,
    lookups: Lookups,
    closing: bool,
    /// Where this thread's group is.
    place: usize,
    /// The last commands ran in a group, which has let the others on already.
    is_together: bool,
    /// A snapshot that others read at, until this turn ends.
    reader: Option<group::Reader>,
}

/// Serves one connection until it ends; `address` and `local` are shown to operators.
///
/// # Errors
/// The stream's own. Errors of the client are answered or close the connection.
pub async fn serve<S>(
    server: Arc<Server>,
    mut stream: S,
    address: String,
    local: String,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let Some(client) = server.add(address, local) else {
        return stream.write_all(b"-ERR max number of clients reached\r\n").await;
    };
    let result = match Session::open(server.clone(), client.clone()).await {
        Ok(mut session) => session.converse(&mut stream).await,
        Err(error) => {
            let text = error::key_error_text(&error);
            stream.write_all(format!("-{text}\r\n").as_bytes()).await
        }
    };
    server.remove(client.id);
    result
}

impl Session {
    async fn open(server: Arc<Server>, client: Arc<Client>) -> Result<Session, KeyError> {
        let keys = server.keyspaces.session(&server.options.database).await?;
        let mut parser = RequestParser::new(server.options.limits);
        // Without accounts nobody is a stranger.
        parser.set_authenticated(true);
        Ok(Session {
            keys,
            parser,
            version: Version::Resp2,
            out: Vec::new(),
            run: Vec::new(),
            queue: None,
            replies: Replies::On,
            lookups: Lookups::default(),
            closing: false,
            place: group::Groups::place(),
            is_together: false,
            reader: None,
            server,
            client,
        })
    }

    async fn converse<S>(&mut self, stream: &mut S) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let client = self.client.clone();
        let (mut input, mut start) = (Vec::with_capacity(READ_ROOM), 0);
        let mut batch = Batch::default();
        loop {
            let unread = input.get(start..).unwrap_or_default();
            let (consumed, more) = self.take(unread, &mut batch).await;
            start += consumed;
            let is_together = std::mem::take(&mut self.is_together);
            if !more && !is_together && self.server.is_crowded() {
                // Each write wakes its client, which on a busy machine takes our processor: serve
                // all that are ready first.
                tokio::task::yield_now().await;
            }
            self.reader = None;
            self.write(stream).await?;
            if self.closing || client.is_killed() {
                return stream.shutdown().await;
            }
            if more {
                continue;
            }
            if start == input.len() {
                input.clear();
                input.shrink_to(KEPT_MAX);
                start = 0;
            }
            if input.capacity() - input.len() < READ_ROOM / 4 {
                // What is left of a request moves to the front; room grows with what has come, not
                // with what was announced.
                input.drain(..start);
                start = 0;
                input.reserve(READ_ROOM.max(input.len() / 2));
            }
            let idle = self.server.idle_seconds.load(Ordering::Relaxed);
            let read = tokio::select! {
                biased;
                read = stream.read_buf(&mut input) => read?,
                () = poll_fn(|context| client.poll_killed(context)) => 0,
                () = tokio::time::sleep(Duration::from_secs(idle.max(1))), if idle > 0 => 0,
            };
            if read == 0 {
                return Ok(());
            }
            self.server.stats.bytes_in.fetch_add(read as u64, Ordering::Relaxed);
        }
    }

    async fn write<S: AsyncWrite + Unpin>(&mut self, stream: &mut S) -> io::Result<()> {
        if self.out.is_empty() {
            return Ok(());
        }
        self.server.stats.bytes_out.fetch_add(self.out.len() as u64, Ordering::Relaxed);
        let mut rest = self.out.as_slice();
        // Nearly always the socket takes all at once, and no timer is made.
        let written = {
            let mut first = std::pin::pin!(stream.write(rest));
            match futures_util::poll!(first.as_mut()) {
                std::task::Poll::Ready(written) => written?,
                std::task::Poll::Pending => {
                    let limit = self.server.options.write_timeout;
                    tokio::time::timeout(limit, first).await.map_err(|_| too_slow())??
                }
            }
        };
        rest = rest.get(written..).unwrap_or_default();
        while !rest.is_empty() {
            let limit = self.server.options.write_timeout;
            let written = tokio::time::timeout(limit, stream.write(rest));
            let written = written.await.map_err(|_| too_slow())??;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            rest = rest.get(written..).unwrap_or_default();
        }
        self.out.clear();
        self.out.shrink_to(KEPT_MAX);
        Ok(())
    }

    /// Runs the whole requests at the beginning of `input`: how many bytes they were, and whether
    /// there are more.
    async fn take(&mut self, input: &[u8], batch: &mut Batch) -> (usize, bool) {
        batch.clear();
        let options = &self.server.options;
        let mut requests = self.parser.requests(input);
        let (mut more, mut broken) = (false, None);
        loop {
            if batch.len() >= options.batch_commands_max || batch.bytes() >= options.batch_bytes_max
            {
                more = true;
                break;
            }
            match requests.next() {
                Ok(Some(argv)) => batch.push(&argv, input),
                Ok(None) => break,
                Err(error) => {
                    broken = Some(error);
                    break;
                }
            }
        }
        let mut consumed = requests.consumed();
        let done = self.run_batch(batch, input).await;
        if done < batch.len() && !self.closing {
            // The replies are large: write them first. What is left is read again.
            consumed = offset(batch, done, input).unwrap_or(consumed);
            self.parser = RequestParser::new(self.limits());
            self.parser.set_authenticated(true);
            return (consumed, true);
        }
        if let Some(error) = broken.filter(|_| !self.closing) {
            self.closing = true;
            match error {
                RequestError::CrossProtocol => self.out.clear(),
                error => error.write(&mut self.out),
            }
        }
        (consumed, more)
    }

    fn limits(&self) -> crate::limits::RedisLimits {
        let bulk = self.server.bulk_bytes_max.load(Ordering::Relaxed);
        crate::limits::RedisLimits {
            bulk_bytes_max: u32::try_from(bulk).unwrap_or(u32::MAX),
            ..self.server.options.limits
        }
    }

    /// Runs requests in order; how many were run.
    async fn run_batch(&mut self, batch: &Batch, input: &[u8]) -> usize {
        let mut at = 0;
        while at < batch.len() && !self.closing {
            if self.out.len() > OUTPUT_MAX && offset(batch, at, input).is_some() {
                break;
            }
            let before = self.out.len();
            let end = self.find_run(batch, input, at);
            if end > at {
                self.run_keys(batch, input, at..end).await;
                at = end;
            } else {
                self.one(&batch.get(at, input)).await;
                at += 1;
            }
            match self.replies {
                Replies::On => {}
                Replies::Off => self.out.truncate(before),
                Replies::SkipNext => self.replies = Replies::Skip,
                Replies::Skip => {
                    self.out.truncate(before);
                    self.replies = Replies::On;
                }
            }
        }
        self.note(at);
        at
    }

    /// Tells the others what this client does.
    fn note(&mut self, commands: usize) {
        if commands == 0 {
            return;
        }
        let stats = &self.server.stats;
        stats.commands.fetch_add(commands as u64, Ordering::Relaxed);
        let seen = std::mem::take(&mut self.lookups);
        stats.hits.fetch_add(seen.hits, Ordering::Relaxed);
        stats.misses.fetch_add(seen.misses, Ordering::Relaxed);
        self.client.touch();
        let mut info = self.client.info.lock();
        info.output = self.out.len();
        info.queued = self.queue.as_ref().map(|queue| queue.commands.len());
        info.watching = self.keys.is_watching();
        info.db = self.keys.space();
    }

    /// Collects the commands from `at` on that one commit can hold; the end of them.
    fn find_run(&mut self, batch: &Batch, input: &[u8], at: usize) -> usize {
        self.run.clear();
        if self.queue.is_some() {
            return at;
        }
        let most = if self.replies == Replies::On { batch.len() } else { at + 1 };
        for next in at..most {
            let Ok(command) = commands::resolve(&batch.get(next, input)) else { break };
            if !translate::is_known(command.id) || generic::is_alone(command.id) {
                break;
            }
            self.run.push(command);
        }
        let end = at + self.run.len();
        if let Some(last) = self.run.last() {
            self.client.info.lock().command = last.name;
        }
        end
    }

    /// Runs commands on keys in one commit; each alone where the commit fails for good.
    async fn run_keys(&mut self, batch: &Batch, input: &[u8], range: Range<usize>) {
        let start = self.out.len();
        let lookups = self.lookups;
        let run = std::mem::take(&mut self.run);
        let writes = run.iter().any(|command| command.flags.has(Flags::WRITE));
        self.server.wait_paused(writes).await;
        if self.server.is_crowded() {
            let done = match writes {
                true => self.run_together(batch, input, range.clone(), &run).await,
                false => self.read_together(batch, input, range.clone(), &run).await,
            };
            if done {
                self.run = run;
                return;
            }
        }
        let mut attempt = 0;
        let failed = loop {
            self.out.truncate(start);
            self.lookups = lookups;
            let (keys, error) = match self.try_keys(batch, input, range.clone(), &run, writes).await
            {
                Ok(()) => break None,
                Err(failed) => failed,
            };
            if let Err(error) = self.keys.again(keys, error, &mut attempt).await {
                break Some(error);
            }
        };
        if let Some(error) = failed {
            self.out.truncate(start);
            if error::is_unknown(&error) {
                self.closing = true;
            } else if range.len() > 1 {
                for (at, command) in range.zip(&run) {
                    self.run = vec![command];
                    Box::pin(self.run_keys(batch, input, at..at + 1)).await;
                }
            } else {
                self.refuse(&Failure::Key(error));
            }
        }
        self.run = run;
    }

    /// One try; on an error the transaction, if it is still there.
    async fn try_keys(
        &mut self,
        batch: &Batch,
        input: &[u8],
        range: Range<usize>,
        run: &[&'static Command],
        writes: bool,
    ) -> Result<(), (Option<KeyTransaction>, KeyError)> {
        let mut keys = self.keys.begin(writes).await.map_err(|error| (None, error))?;
        keys.set_string_bytes_max(self.server.bulk_bytes_max.load(Ordering::Relaxed) as usize);
        if writes {
            let space = self.keys.space();
            let requests =
                range.clone().zip(run).map(|(at, command)| (batch.get(at, input), *command));
            let locks = locks(requests, space);
            if let Err(error) = keys.lock(locks.iter().copied()).await {
                return Err((Some(keys), error));
            }
        }
        for (at, command) in range.zip(run) {
            let argv = batch.get(at, input);
            if let Err(error) = self.call(&mut keys, command, argv, writes).await {
                return Err((Some(keys), error));
            }
        }
        self.keys.commit(keys).await.map(drop).map_err(|error| (None, error))
    }

    /// Runs one command within a transaction; an error that is the command's own is answered and
    /// undone.
    async fn call(
        &mut self,
        keys: &mut KeyTransaction,
        command: &'static Command,
        argv: Argv<'_>,
        writes: bool,
    ) -> Result<(), KeyError> {
        let start = self.out.len();
        let mark = (writes && command.flags.has(Flags::WRITE)).then(|| keys.mark());
        let environment = Environment {
            spaces: self.server.options.databases,
            repeated_max: self.server.options.repeated_max,
        };
        let reply = ReplyWriter::new(&mut self.out, self.version);
        let call = Call { keys, argv, reply, environment, lookups: &mut self.lookups };
        match translate::run(command.id, call).await {
            Ok(()) => {
                if let Some(mark) = mark {
                    keys.release(mark);
                }
                Ok(())
            }
            Err(Failure::Key(error)) if error.ends_transaction() => Err(error),
            Err(failure) => {
                if let Some(mark) = mark {
                    keys.undo(mark);
                }
                self.out.truncate(start);
                self.refuse(&failure);
                Ok(())
            }
        }
    }

    /// Answers an error.
    fn refuse(&mut self, failure: &Failure) {
        self.server.stats.errors.fetch_add(1, Ordering::Relaxed);
        let mut reply = ReplyWriter::new(&mut self.out, self.version);
        match failure {
            Failure::Key(error) => reply.error(&error::key_error_text(error)),
            Failure::Text(text) => reply.error(text),
            Failure::Named(text) => reply.error(text),
        }
    }

    fn reply(&mut self) -> ReplyWriter<'_> {
        ReplyWriter::new(&mut self.out, self.version)
    }
}

/// Where a request begins in the input; `None` where it was copied.
fn offset(batch: &Batch, index: usize, input: &[u8]) -> Option<usize> {
    batch.start(index).filter(|start| *start <= input.len())
}

fn too_slow() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the client does not take its replies")
}

/// The keys that commands write, and those of commands that read several records.
fn locks<'a>(
    requests: impl Iterator<Item = (Argv<'a>, &'static Command)>,
    space: u32,
) -> SmallVec<[KeyLock<'a>; 4]> {
    let mut locks = SmallVec::new();
    for (argv, command) in requests {
        let write = command.flags.has(Flags::WRITE);
        if !write && !translate::reads_many(command.id) {
            continue;
        }
        if command.first == 1 && command.last == 1 {
            locks.extend(argv.get(1).map(|key| KeyLock { space, key, write }));
            continue;
        }
        // Arguments that name no keys are the command's to refuse.
        let keys = commands::keys::keys(command, &argv).unwrap_or_default();
        let keys = keys.iter().filter_map(|at| argv.get(at.index));
        locks.extend(keys.map(|key| KeyLock { space, key, write }));
    }
    locks
}
