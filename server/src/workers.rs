//! The threads that connections live on: one event loop each, and a connection never moves.
//!
//! ```text
//!   accept ─▶ Workers::spawn ─▶ the worker of the processor that the packets come in on,
//!                               or the one with the fewest connections
//!                                 worker 0:  epoll ─▶ every connection that is ready ─▶ epoll …
//!                                 worker 1:  epoll ─▶ …
//!   a statement that runs long leaves its worker for the shared runtime, and comes back answered
//!   (`qanat::Options::long_statements`)
//! ```
//!
//! A request here costs a few microseconds; a scheduler that lets idle threads steal it wakes one
//! of them for that, and the wake-up costs as much as the request. With a loop for each thread
//! there is none: what came for fifty connections is served by one wait, in turn. A connection that
//! is unlucky shares its thread with a busy one, so what may be long must not run there.
//!
//! Redis's connections keep to half of the workers: their requests are so short that one thread
//! serves more of them than one client can send, and what it leaves is for the applier and, where
//! they are on the same machine, for the clients. (GET, 50 connections, two cores: 98 000/s over
//! both workers, 134 000/s over one.)
//!
//! Packets of a client on the same machine come in on the processor where it runs. A worker that
//! serves the connections of one client thread is drawn to that processor by the scheduler, and
//! their wake-ups stay there; with connections of every client on every worker each wake-up
//! interrupts another processor. (pgbench -S, 8 clients on 2 threads, two cores: 110 000 to 125 000
//! transactions a second if the connections happened to be so divided, 65 000 to 80 000 if not.)
//!
//! **Invariant.** No worker has more than [`SLACK`] connections more than the one with the fewest
//! for this reason.
//!
//! **Invariant.** A connection's panic ends its task, never its worker.
//!
//! **Rejected.** The shared runtime for everything: at 8 and 50 clients on two cores a third of
//! the processor went into switching between its threads (measured by `bench/run --gate`).
//! Listening on one port by each thread (SO_REUSEPORT): the kernel spreads connections by hash,
//! unevenly where there are few, and a limit for all of them needs one place anyway.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// How many connections more than another a worker may have.
const SLACK: usize = 4;

/// The processor on which a connection's packets come in, where the system tells.
#[cfg(target_os = "linux")]
pub fn processor_of(stream: &std::net::TcpStream) -> Option<usize> {
    socket2::SockRef::from(stream).cpu_affinity().ok()
}

/// The processor on which a connection's packets come in: not told here.
#[cfg(not(target_os = "linux"))]
pub fn processor_of(_: &std::net::TcpStream) -> Option<usize> {
    None
}

/// The threads; they end, and their connections with them, when this is dropped.
pub struct Workers {
    workers: Vec<Worker>,
}

struct Worker {
    handle: Handle,
    connections: Arc<AtomicUsize>,
    /// Dropped, it ends the loop.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Counts a connection of a worker while it lives.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Workers {
    /// Starts so many threads.
    ///
    /// # Errors
    /// The system's.
    pub fn start(count: usize) -> io::Result<Self> {
        Ok(Self { workers: (0..count.max(1)).map(Worker::start).collect::<io::Result<_>>()? })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.workers.len()
    }

    /// Runs a connection on one of the first `among` workers: that of the processor `near` it, else
    /// the one with the fewest.
    pub fn spawn<F>(&self, among: usize, near: Option<usize>, set: &mut JoinSet<()>, connection: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let load = |worker: &&Worker| worker.connections.load(Ordering::Relaxed);
        let among = among.clamp(1, self.workers.len());
        let Some(fewest) = self.workers.iter().take(among).min_by_key(load) else { return };
        let most = load(&fewest) + SLACK;
        let near = near.and_then(|processor| self.workers.get(processor % among));
        let worker = near.filter(|worker| load(worker) < most).unwrap_or(fewest);
        worker.connections.fetch_add(1, Ordering::Relaxed);
        let place = Place(worker.connections.clone());
        let counted = async move {
            let _place = place;
            connection.await;
        };
        set.spawn_on(counted, &worker.handle);
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        for worker in &mut self.workers {
            worker.stop = None;
        }
        for worker in &mut self.workers {
            if let Some(thread) = worker.thread.take() {
                // Its panic was reported where it happened.
                let _ = thread.join();
            }
        }
    }
}

impl Worker {
    fn start(number: usize) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread =
            std::thread::Builder::new().name(format!("worker {number}")).spawn(move || {
                // An error is the sender's end, which is what is waited for.
                let _ = runtime.block_on(stopped);
                // A statement that does not end must not hold back the program's end.
                runtime.shutdown_background();
            })?;
        Ok(Self { handle, connections: Arc::default(), stop: Some(stop), thread: Some(thread) })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Mutex;
    use std::thread::ThreadId;

    use super::*;

    #[test]
    fn connections_are_spread_and_a_panic_ends_one() {
        let workers = Workers::start(2).unwrap();
        let seen: Arc<Mutex<HashMap<ThreadId, usize>>> = Arc::default();
        let barrier = Arc::new(tokio::sync::Barrier::new(10));
        let waiting = Builder::new_current_thread().build().unwrap();
        waiting.block_on(async {
            let mut set = JoinSet::new();
            for _ in 0..10 {
                let (seen, barrier) = (seen.clone(), barrier.clone());
                workers.spawn(2, None, &mut set, async move {
                    *seen.lock().unwrap().entry(std::thread::current().id()).or_default() += 1;
                    barrier.wait().await;
                });
            }
            while let Some(ended) = set.join_next().await {
                ended.unwrap();
            }
            assert_eq!(seen.lock().unwrap().values().copied().collect::<Vec<_>>(), [5, 5]);
            workers.spawn(2, None, &mut set, async { panic!("this one alone, and on purpose") });
            assert!(set.join_next().await.unwrap().unwrap_err().is_panic());
            workers.spawn(2, None, &mut set, async {});
            workers.spawn(2, None, &mut set, async {});
            while let Some(ended) = set.join_next().await {
                ended.unwrap();
            }
            seen.lock().unwrap().clear();
            for _ in 0..4 {
                let seen = seen.clone();
                workers.spawn(1, None, &mut set, async move {
                    *seen.lock().unwrap().entry(std::thread::current().id()).or_default() += 1;
                });
            }
            while let Some(ended) = set.join_next().await {
                ended.unwrap();
            }
            assert_eq!(seen.lock().unwrap().values().copied().collect::<Vec<_>>(), [4]);
        });
        assert!(workers.workers.iter().all(|w| w.connections.load(Ordering::Relaxed) == 0));
    }

    #[test]
    fn connections_go_near_their_processor_while_that_is_fair() {
        let workers = Workers::start(2).unwrap();
        let barrier = Arc::new(tokio::sync::Barrier::new(11));
        let waiting = Builder::new_current_thread().build().unwrap();
        waiting.block_on(async {
            let mut set = JoinSet::new();
            let mut held = Vec::new();
            for near in [1, 1, 1, 1, 1, 1, 3, 3, 0, 0] {
                let barrier = barrier.clone();
                workers.spawn(2, Some(near), &mut set, async move {
                    barrier.wait().await;
                });
                held.push([0, 1].map(|at| workers.workers[at].connections.load(Ordering::Relaxed)));
            }
            assert_eq!(held[3], [0, SLACK]);
            assert_eq!(held[5], [1, SLACK + 1]);
            assert_eq!(held[7], [2, SLACK + 2]);
            assert_eq!(held[9], [4, SLACK + 2]);
            barrier.wait().await;
            while set.join_next().await.is_some() {}
        });
    }
}
