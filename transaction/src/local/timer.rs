//! Time-outs without a runtime: one thread that wakes whoever asked.
//!
//! A store is driven by whatever polls its futures, which need not be a runtime with timers (the
//! blocking library, a test). So waits that end by time park a waker here. The thread starts with
//! the first wait and sleeps until the earliest of them.
//!
//! Invariant: `Timer` never runs foreign code under its lock: wakers are collected first and woken
//! after.
//!
//! Rejected: `tokio::time`, which panics outside its runtime.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// Wakes futures at their time.
#[derive(Default)]
pub(super) struct Timer {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waits: BTreeMap<(Instant, u64), Waker>,
    numbers: u64,
    running: bool,
    stopped: bool,
}

impl Timer {
    /// Completes after so long.
    pub fn after(&self, delay: Duration) -> Sleep {
        // Beyond what an Instant holds means never; a century is as good.
        let at = Instant::now();
        let at = at.checked_add(delay).unwrap_or(at + Duration::from_secs(3_000_000_000));
        Sleep { shared: Arc::clone(&self.shared), at, number: None }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.shared.state.lock().stopped = true;
        self.shared.changed.notify_all();
    }
}

/// A wait for a moment.
pub(super) struct Sleep {
    shared: Arc<Shared>,
    at: Instant,
    number: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= self.at {
            return Poll::Ready(());
        }
        let shared = Arc::clone(&self.shared);
        let mut state = shared.state.lock();
        let number = self.number.unwrap_or_else(|| {
            state.numbers += 1;
            state.numbers
        });
        self.number = Some(number);
        state.waits.insert((self.at, number), context.waker().clone());
        if !state.running && !state.stopped {
            state.running = start(&shared);
        }
        drop(state);
        shared.changed.notify_one();
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.shared.state.lock().waits.remove(&(self.at, number));
        }
    }
}

fn start(shared: &Arc<Shared>) -> bool {
    let shared = Arc::clone(shared);
    let spawned = std::thread::Builder::new().name("qanat-timer".into());
    match spawned.spawn(move || run(&shared)) {
        Ok(_) => true,
        Err(error) => {
            tracing::error!(%error, "no timer thread: waits do not time out");
            false
        }
    }
}

fn run(shared: &Shared) {
    let mut state = shared.state.lock();
    while !state.stopped {
        let now = Instant::now();
        let later = state.waits.split_off(&(now, u64::MAX));
        let due = std::mem::replace(&mut state.waits, later);
        if !due.is_empty() {
            parking_lot::MutexGuard::unlocked(&mut state, || {
                due.into_values().for_each(Waker::wake)
            });
            continue;
        }
        match state.waits.first_key_value().map(|(key, _)| key.0) {
            Some(next) => drop(shared.changed.wait_until(&mut state, next)),
            None => shared.changed.wait(&mut state),
        }
    }
}
