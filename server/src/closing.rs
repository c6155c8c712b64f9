//! A connection that seems to end when the server stops.
//!
//! ```text
//!   session ─ read ─▶ Closing ─┬─ running:  the socket's bytes
//!                              └─ stopping: the end of the stream
//! ```
//!
//! A session that reads is one that has answered everything; so it learns of the stop exactly where
//! nothing is lost, and ends as it does when its client leaves. What runs is finished and written.
//!
//! **Rejected.** Dropping the session's future: what it was doing then would end without an answer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use protocol::stop::Stop;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;

/// A stream that ends for its reader when the server stops.
pub struct Closing {
    stream: TcpStream,
    stop: Stop,
    stopped: bool,
}

impl Closing {
    /// Ends when `shutdown` turns true.
    pub fn new(stream: TcpStream, shutdown: watch::Receiver<bool>) -> Self {
        Self { stream, stop: Stop::new(shutdown), stopped: false }
    }
}

impl AsyncRead for Closing {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.stopped {
            if let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(context, buffer) {
                return Poll::Ready(read);
            }
            self.stopped = self.stop.poll(context).is_ready();
        }
        if self.stopped { Poll::Ready(Ok(())) } else { Poll::Pending }
    }
}

impl AsyncWrite for Closing {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
