//! The two buffers of a connection: bytes that came, bytes that are to go.
//!
//! ```text
//!   stream ─ one read, as much as is there ─▶ Input  | used | frame | frame | par…
//!   stream ◀─ one write for all that is due ─ Wire   | sent | message | message | …
//! ```
//!
//! A pipeline's answers leave in one write: when the client has sent all that it sent and waits
//! (Sync, Flush), or when the buffer passes its limit. A statement that has to wait itself does not
//! hold back answers that were due before it: [`Wire::beside`] sends them meanwhile, since what it
//! waits for may be the client.
//!
//! **Invariants.** The write buffer grows by one row beyond its limit, no more: whoever writes rows
//! calls [`Wire::flush`] when [`Wire::is_full`], and that waits for the client. The read buffer
//! grows only with bytes that came. Both give memory back after something large.
//!
//! **Rejected.** Two tasks, one to read and one to write, with a channel between: two wake-ups for
//! each query and no bound on what lies between them but another limit.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

/// Room that a read finds at least.
const READ_BYTES: usize = 16 << 10;
/// Buffers above this are given back when they are empty.
const KEPT_BYTES_MAX: usize = 1 << 20;

/// Bytes from the client.
#[derive(Debug, Default)]
pub(super) struct Input {
    bytes: Vec<u8>,
    used: usize,
}

impl Input {
    /// What is there and not used yet.
    pub fn pending(&self) -> &[u8] {
        self.bytes.get(self.used..).unwrap_or_default()
    }

    /// Counts bytes as used.
    pub fn consume(&mut self, length: usize) {
        self.used += length;
    }

    /// Makes room at the end, by moving what is left to the front or by growing.
    fn make_room(&mut self) {
        if self.used >= self.bytes.len() {
            self.bytes.clear();
            self.used = 0;
            if self.bytes.capacity() > KEPT_BYTES_MAX {
                self.bytes = Vec::new();
            }
        } else if self.used > 0 && self.bytes.capacity() - self.bytes.len() < READ_BYTES {
            self.bytes.drain(..self.used);
            self.used = 0;
        }
        // Doubles at most: a length that was only announced reserves nothing.
        self.bytes.reserve(READ_BYTES);
    }
}

/// A stream with the bytes that are to go.
pub(super) struct Wire<S> {
    stream: S,
    /// Messages for the client; written by whoever has something to say.
    pub out: Vec<u8>,
    /// How much of `out` is written.
    sent: usize,
    /// How much of `out` the client waits for.
    due: usize,
    /// Bytes that were in `out` and are gone.
    gone: u64,
    full_at: usize,
    patience: Duration,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub fn new(stream: S, full_at: usize, patience: Duration) -> Self {
        Self { stream, out: Vec::new(), sent: 0, due: 0, gone: 0, full_at, patience }
    }

    /// Whether so much waits to be written that it should be.
    pub fn is_full(&self) -> bool {
        self.out.len() >= self.full_at
    }

    /// The client waits for all that is in the buffer now.
    pub fn is_due(&mut self) {
        self.due = self.out.len();
    }

    /// Whether the client waits for anything in the buffer.
    pub fn has_due(&self) -> bool {
        self.due > 0
    }

    /// Where in the stream the next message will begin.
    pub fn position(&self) -> u64 {
        self.gone + self.out.len() as u64
    }

    /// Takes back what was written to the buffer from a position on, if none of it has left.
    pub fn take_back(&mut self, position: u64) {
        let at = position.checked_sub(self.gone).and_then(|at| usize::try_from(at).ok());
        if let Some(at) = at.filter(|at| *at >= self.sent) {
            self.out.truncate(at);
            self.due = self.due.min(at);
        }
    }

    /// Reads what is there; false at the stream's end.
    pub async fn read(&mut self, input: &mut Input) -> io::Result<bool> {
        input.make_room();
        Ok(self.stream.read_buf(&mut input.bytes).await? > 0)
    }

    /// Writes `out` up to its byte `end`.
    fn poll_send(&mut self, context: &mut Context<'_>, end: usize) -> Poll<io::Result<()>> {
        while let Some(rest) = self.out.get(self.sent..end).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut self.stream).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.sent += count,
            }
        }
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.forget_sent();
        Poll::Ready(Ok(()))
    }

    fn forget_sent(&mut self) {
        self.gone += self.sent as u64;
        self.due = self.due.saturating_sub(self.sent);
        if self.sent == self.out.len() {
            self.out.clear();
        } else {
            self.out.drain(..self.sent);
        }
        self.sent = 0;
        if self.out.is_empty() && self.out.capacity() > KEPT_BYTES_MAX {
            self.out = Vec::new();
        }
    }

    /// Writes everything.
    ///
    /// # Errors
    /// The client is gone, or has read nothing for longer than our patience.
    pub async fn flush(&mut self) -> io::Result<()> {
        self.send(self.out.len()).await
    }

    /// Writes what the client waits for.
    ///
    /// # Errors
    /// As [`Wire::flush`].
    pub async fn flush_due(&mut self) -> io::Result<()> {
        if self.due == 0 {
            return Ok(());
        }
        self.send(self.due).await
    }

    async fn send(&mut self, end: usize) -> io::Result<()> {
        let patience = self.patience;
        // Nearly always the socket takes all at once, and no timer is made.
        let mut first = poll_fn(|context| Poll::Ready(self.poll_send(context, end)));
        if let Poll::Ready(result) = (&mut first).await {
            return result;
        }
        loop {
            let before = self.sent;
            let sending = poll_fn(|context| self.poll_send(context, end));
            match tokio::time::timeout(patience, sending).await {
                Ok(result) => return result,
                Err(_) if self.sent > before => {}
                Err(_) => return Err(io::ErrorKind::TimedOut.into()),
            }
        }
    }

    /// Awaits a call of the library; answers that are due leave meanwhile.
    ///
    /// # Errors
    /// The client is gone.
    /// Pinned by the caller: a library call's future is some kilobytes, and is not moved.
    pub async fn beside<T>(
        &mut self,
        mut work: Pin<&mut impl Future<Output = T>>,
    ) -> io::Result<T> {
        poll_fn(|context| {
            if let Poll::Ready(answer) = work.as_mut().poll(context) {
                return Poll::Ready(Ok(answer));
            }
            if self.due > 0
                && let Poll::Ready(Err(error)) = self.poll_send(context, self.due)
            {
                return Poll::Ready(Err(error));
            }
            Poll::Pending
        })
        .await
    }
}
