//! Learning that the server stops, at nearly no cost.
//!
//! ```text
//!   wait for the client ── poll ──▶ Stop ── registered and nothing new? ──▶ pending, at once
//!                                     └── else: register, or tell
//! ```
//!
//! A session that waits for its client waits for the stop as well, and it does so once for each
//! message. The waker stands where it was put the first time; later polls look whether the stop
//! may have come, which is one load.
//!
//! **Invariant.** A task that was told "pending" is woken by the stop.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::sync::watch;

/// The server's stop, as one task waits for it.
pub struct Stop {
    shutdown: watch::Receiver<bool>,
    comes: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Will be woken by it.
    waiting: Option<Waker>,
    has_come: bool,
}

impl Stop {
    /// Comes when `shutdown` turns true, or when nobody is left who could turn it.
    pub fn new(mut shutdown: watch::Receiver<bool>) -> Self {
        shutdown.mark_unchanged();
        let mut waits = shutdown.clone();
        let comes = Box::pin(async move {
            // A server that is gone has stopped, too.
            let _ = waits.wait_for(|stop| *stop).await;
        });
        Self { shutdown, comes, waiting: None, has_come: false }
    }

    /// Ready once it has come.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !self.has_come {
            if self.still_waits(context) {
                return Poll::Pending;
            }
            self.has_come = self.comes.as_mut().poll(context).is_ready();
            self.waiting = Some(context.waker().clone());
        }
        if self.has_come { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Whether it cannot have come since it was last asked for, and will wake this task.
    fn still_waits(&self, context: &Context<'_>) -> bool {
        self.waiting.as_ref().is_some_and(|waker| waker.will_wake(context.waker()))
            && matches!(self.shutdown.has_changed(), Ok(false))
    }

    /// Whether it has come by now.
    pub fn has_come(&self) -> bool {
        self.has_come || *self.shutdown.borrow()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn whoever_waits_is_woken_by_the_stop() {
        let (turn, shutdown) = watch::channel(false);
        let mut stop = Stop::new(shutdown);
        let waits = tokio::spawn(async move {
            // Asked again and again for other reasons first.
            for _ in 0..3 {
                let wait = poll_fn(|context| stop.poll(context));
                assert!(tokio::time::timeout(Duration::from_millis(5), wait).await.is_err());
            }
            poll_fn(|context| stop.poll(context)).await;
            assert!(stop.has_come());
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        turn.send_replace(true);
        tokio::time::timeout(Duration::from_secs(10), waits).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_stop_that_came_before_is_seen_at_once() {
        let (turn, shutdown) = watch::channel(false);
        turn.send_replace(true);
        let mut early = Stop::new(shutdown.clone());
        poll_fn(|context| early.poll(context)).await;
        let (gone, shutdown) = watch::channel(false);
        drop(gone);
        let mut orphan = Stop::new(shutdown);
        poll_fn(|context| orphan.poll(context)).await;
    }
}
