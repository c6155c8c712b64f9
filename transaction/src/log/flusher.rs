//! The flusher's thread and the futures that it serves.
//!
//! A future registers its waker and what it waits for; the thread, or any blocking caller that
//! happens to hold the role, does the work and wakes all whose wait is over. Without a thread a
//! future does the work itself when polled, so it never hangs. The thread also drives the timers,
//! and sleeps without a time when there is nothing to drive.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Instant;

use parking_lot::Mutex;

use super::core::Core;
use super::error::Unknown;
use super::state::{Flusher, Goal, State, Waiter};

/// Resolves when the log has reached a goal, or can no longer reach it.
#[derive(Debug)]
pub struct Reached {
    core: Arc<Core>,
    goal: Goal,
    upto: u64,
    waiter: Option<u64>,
}

impl Reached {
    pub(super) fn new(core: Arc<Core>, goal: Goal, upto: u64) -> Reached {
        Reached { core, goal, upto, waiter: None }
    }

    /// Registers or renews the waker, and asks for the work.
    fn register(&mut self, state: &mut State, context: &Context<'_>) {
        let known = self.waiter.and_then(|id| state.waiters.iter_mut().find(|w| w.id == id));
        match known {
            Some(waiter) => waiter.waker.clone_from(context.waker()),
            None => {
                let (id, waker) = (state.next_waiter, context.waker().clone());
                state.next_waiter += 1;
                state.waiters.push(Waiter { id, goal: self.goal, upto: self.upto, waker });
                self.waiter = Some(id);
            }
        }
        match self.goal {
            Goal::Written => state.wanted_written = state.wanted_written.max(self.upto),
            Goal::Durable => state.wanted_durable = state.wanted_durable.max(self.upto),
            Goal::Room => state.wanted_written = state.wanted_written.max(state.last),
        }
    }

    fn work_oneself(&self) -> Result<(), Unknown> {
        match self.goal {
            Goal::Durable => self.core.flush(self.upto),
            Goal::Written => self.core.write(self.upto),
            Goal::Room => self.core.write(u64::MAX),
        }
    }
}

impl Future for Reached {
    type Output = Result<(), Unknown>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let core = Arc::clone(&this.core);
        let mut state = core.state.lock();
        if this.goal != Goal::Room {
            // What was never appended is not waited for.
            this.upto = this.upto.min(state.last);
        }
        if let Some(answer) = state.reached(this.goal, this.upto, core.options.buffer_bytes) {
            return Poll::Ready(answer);
        }
        if state.flusher == Flusher::None {
            drop(state);
            return Poll::Ready(this.work_oneself());
        }
        this.register(&mut state, context);
        core.gathered(&state);
        core.work.notify_one();
        Poll::Pending
    }
}

impl Drop for Reached {
    fn drop(&mut self) {
        if let Some(id) = self.waiter {
            self.core.state.lock().waiters.retain(|waiter| waiter.id != id);
        }
    }
}

/// The thread; stopped and joined when dropped.
#[derive(Debug)]
pub(super) struct FlusherThread {
    core: Arc<Core>,
    handle: Mutex<Option<JoinHandle<()>>>,
}

impl FlusherThread {
    pub(super) fn none(core: Arc<Core>) -> FlusherThread {
        FlusherThread { core, handle: Mutex::new(None) }
    }

    /// Starts the thread unless it runs.
    pub(super) fn start(&self) -> io::Result<()> {
        let mut handle = self.handle.lock();
        if handle.is_none() {
            self.core.state.lock().flusher = Flusher::Running;
            let core = Arc::clone(&self.core);
            let thread = std::thread::Builder::new().name("log flusher".to_owned());
            match thread.spawn(move || core.run()) {
                Ok(started) => *handle = Some(started),
                Err(error) => {
                    self.core.state.lock().flusher = Flusher::None;
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    pub(super) fn stop(&self) {
        let Some(handle) = self.handle.lock().take() else { return };
        self.core.state.lock().flusher = Flusher::Stopping;
        self.core.work.notify_one();
        // A panic there was reported by the panic hook; there is nothing left to do here.
        drop(handle.join());
    }
}

impl Drop for FlusherThread {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Core {
    /// The thread's life.
    fn run(&self) {
        let within = self.options.write_within;
        let mut due = Instant::now() + within;
        loop {
            if Instant::now() >= due {
                self.tick();
                due = Instant::now() + within;
            }
            let mut state = self.state.lock();
            if state.flusher == Flusher::Stopping {
                break;
            }
            state.flusher = Flusher::Running;
            let last = state.last;
            let half = self.options.buffer_bytes / 2;
            if state.failed.is_some() {
                state.flusher = Flusher::Idle;
                self.work.wait(&mut state);
            } else if state.wanted_durable.min(last) > state.durable {
                drop(state);
                drop(self.flush(last));
            } else if state.wanted_written.min(last) > state.written
                || state.active.bytes.len() >= half
            {
                drop(state);
                drop(self.write(last));
            } else if self.work_ahead(&mut state) {
                drop(state);
            } else if self.pending(&state) {
                self.work.wait_until(&mut state, due);
            } else {
                state.flusher = Flusher::Idle;
                self.work.wait(&mut state);
                due = Instant::now() + within;
            }
        }
        let mut state = self.state.lock();
        state.flusher = Flusher::None;
        // Whoever still waits does the work when polled again.
        let wakers: Vec<_> = state.waiters.drain(..).map(|waiter| waiter.waker).collect();
        drop(state);
        wakers.into_iter().for_each(std::task::Waker::wake);
    }

    /// Prepares the next segment if that is due; false if there was nothing to do.
    fn work_ahead(&self, state: &mut parking_lot::MutexGuard<'_, State>) -> bool {
        let made = state.spares_made;
        self.prepare_ahead(state);
        state.spares_made != made
    }

    /// Whether a timer will have something to do.
    fn pending(&self, state: &State) -> bool {
        let unclaimed = state.claimed < state.durable;
        let unsynced = state.durable < state.last || !state.active.bytes.is_empty();
        unclaimed || unsynced || (state.spare.is_none() && !state.closed)
    }
}
