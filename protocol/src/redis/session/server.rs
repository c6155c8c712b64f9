//! What all connections of the Redis listener share: settings, numbers, the list of clients.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use qanat::keys::Keyspaces;

use crate::limits::RedisLimits;

/// The version that clients are told.
pub const VERSION: &str = "7.2.0";

/// From so many connections on, a reply waits until the others that are ready were served too.
const CROWD: usize = 8;

/// The settings of the Redis listener. Field names are the settings' names.
#[derive(Clone, Debug)]
pub struct Options {
    /// Limits of the wire.
    pub limits: RedisLimits,
    /// Key spaces that SELECT reaches (`databases`).
    pub databases: u32,
    /// Open connections at most (`maxclients`).
    pub clients_max: usize,
    /// Commands of one commit at most.
    pub batch_commands_max: usize,
    /// Bytes of arguments of one commit at most.
    pub batch_bytes_max: usize,
    /// Bytes of arguments that MULTI queues at most.
    pub queue_bytes_max: usize,
    /// Elements of one reply that a negative count may ask for.
    pub repeated_max: usize,
    /// A client that takes no byte of its replies for so long is closed.
    pub write_timeout: Duration,
    /// The name of the database that connections begin with.
    pub database: String,
    /// The port that INFO tells; 0: a socket of the file system.
    pub port: u16,
    /// What `appendfsync` says: `always`, `everysec` or `no`.
    pub appendfsync: &'static str,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            limits: RedisLimits::DEFAULT,
            databases: 16,
            clients_max: 10_000,
            batch_commands_max: 1000,
            batch_bytes_max: 1 << 20,
            queue_bytes_max: 64 << 20,
            repeated_max: 1 << 20,
            write_timeout: Duration::from_secs(60),
            database: "main".into(),
            port: 6379,
            appendfsync: "always",
        }
    }
}

/// Numbers for INFO.
#[derive(Debug, Default)]
#[allow(missing_docs, reason = "the names are those of INFO")]
pub struct Stats {
    pub connections: AtomicU64,
    pub rejected: AtomicU64,
    pub commands: AtomicU64,
    pub hits: AtomicU64,
    pub misses: AtomicU64,
    pub bytes_in: AtomicU64,
    pub bytes_out: AtomicU64,
    pub errors: AtomicU64,
}

impl Stats {
    pub(super) fn reset(&self) {
        let all = [
            &self.connections,
            &self.rejected,
            &self.commands,
            &self.hits,
            &self.misses,
            &self.bytes_in,
            &self.bytes_out,
            &self.errors,
        ];
        all.iter().for_each(|number| number.store(0, Ordering::Relaxed));
    }
}

/// What others see of a client.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the names are those of CLIENT LIST")]
pub struct ClientInfo {
    pub name: String,
    pub lib_name: String,
    pub lib_ver: String,
    pub db: u32,
    pub database: String,
    pub command: &'static str,
    pub queued: Option<usize>,
    pub watching: bool,
    pub resp: u8,
    pub no_evict: bool,
    pub no_touch: bool,
    pub input: usize,
    pub output: usize,
}

/// One connection as others see it.
pub struct Client {
    /// Its number.
    pub id: u64,
    /// Where it comes from.
    pub address: String,
    /// Where it came to.
    pub local: String,
    pub(super) since: Instant,
    pub(super) used: AtomicU64,
    pub(super) info: Mutex<ClientInfo>,
    pub(super) killed: AtomicBool,
    wake: AtomicWaker,
    pub(super) cancel: qanat::transaction::CancelToken,
}

impl Client {
    pub(super) fn kill(&self) {
        self.killed.store(true, Ordering::Release);
        self.cancel.cancel();
        self.wake.wake();
    }

    pub(super) fn is_killed(&self) -> bool {
        self.killed.load(Ordering::Acquire)
    }

    /// Is over when the client is killed. Cheap to ask again and again, of one task.
    pub(super) fn poll_killed(&self, context: &mut Context<'_>) -> Poll<()> {
        self.wake.register(context.waker());
        if self.is_killed() { Poll::Ready(()) } else { Poll::Pending }
    }

    pub(super) fn touch(&self) {
        self.used.store(self.since.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    /// The line of CLIENT LIST, without its end.
    pub(super) fn line(&self) -> String {
        let info = self.info.lock();
        let age = self.since.elapsed();
        let idle =
            age.as_millis() as u64 - self.used.load(Ordering::Relaxed).min(age.as_millis() as u64);
        let mut flags = String::new();
        flags.extend(info.queued.map(|_| 'x'));
        flags.extend(info.no_evict.then_some('e'));
        flags.extend(info.no_touch.then_some('T'));
        if flags.is_empty() {
            flags.push('N');
        }
        format!(
            "id={} addr={} laddr={} fd=-1 name={} age={} idle={} flags={flags} db={} sub=0 psub=0 \
             ssub=0 multi={} qbuf={} qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl={} oll=0 \
             omem=0 tot-mem={} events=r cmd={} user=default redir=-1 resp={} lib-name={} \
             lib-ver={} database={}",
            self.id,
            self.address,
            self.local,
            info.name,
            age.as_secs(),
            idle / 1000,
            info.db,
            info.queued.map_or(-1, |queued| queued as i64),
            info.input,
            info.output,
            info.input + info.output,
            info.command,
            info.resp,
            info.lib_name,
            info.lib_ver,
            info.database,
        )
    }
}

#[derive(Default)]
struct Pause {
    until: Option<Instant>,
    all: bool,
}

/// What all connections share.
pub struct Server {
    /// The store's keys.
    pub keyspaces: Keyspaces,
    pub(super) options: Options,
    pub(super) stats: Stats,
    pub(super) started: Instant,
    pub(super) run_id: String,
    pub(super) idle_seconds: AtomicU64,
    pub(super) bulk_bytes_max: AtomicU64,
    clients: Mutex<BTreeMap<u64, Arc<Client>>>,
    next: AtomicU64,
    /// The length of `clients`, for those who ask often.
    count: AtomicUsize,
    pause: Mutex<Pause>,
    paused: AtomicBool,
    pub(super) groups: super::group::Groups,
}

impl Server {
    /// Over a store's keys.
    #[must_use]
    pub fn new(keyspaces: Keyspaces, options: Options) -> Arc<Server> {
        use std::hash::{BuildHasher, RandomState};
        let words = (0..3u64).map(|n| RandomState::new().hash_one(n));
        let run_id: String = words.map(|word| format!("{word:016x}")).collect();
        Arc::new(Server {
            keyspaces,
            stats: Stats::default(),
            started: Instant::now(),
            run_id: run_id.get(..40).unwrap_or_default().to_owned(),
            idle_seconds: AtomicU64::new(0),
            bulk_bytes_max: AtomicU64::new(options.limits.bulk_bytes_max.into()),
            clients: Mutex::default(),
            next: AtomicU64::new(1),
            count: AtomicUsize::new(0),
            pause: Mutex::default(),
            paused: AtomicBool::new(false),
            groups: super::group::Groups::default(),
            options,
        })
    }

    /// Takes a connection into the list; `None`: there are too many.
    pub(super) fn add(&self, address: String, local: String) -> Option<Arc<Client>> {
        let mut clients = self.clients.lock();
        if clients.len() >= self.options.clients_max {
            self.stats.rejected.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        self.stats.connections.fetch_add(1, Ordering::Relaxed);
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let database = self.options.database.clone();
        let info = ClientInfo { command: "NULL", resp: 2, database, ..ClientInfo::default() };
        let client = Arc::new(Client {
            id,
            address,
            local,
            since: Instant::now(),
            used: AtomicU64::new(0),
            info: Mutex::new(info),
            killed: AtomicBool::new(false),
            wake: AtomicWaker::new(),
            cancel: qanat::transaction::CancelToken::default(),
        });
        clients.insert(id, client.clone());
        self.count.store(clients.len(), Ordering::Relaxed);
        Some(client)
    }

    pub(super) fn remove(&self, id: u64) {
        let mut clients = self.clients.lock();
        clients.remove(&id);
        self.count.store(clients.len(), Ordering::Relaxed);
    }

    /// Every connection, by number.
    #[must_use]
    pub fn clients(&self) -> Vec<Arc<Client>> {
        self.clients.lock().values().cloned().collect()
    }

    /// The number of connections.
    #[must_use]
    pub fn connected(&self) -> usize {
        self.clients.lock().len()
    }

    /// Whether there are so many connections that replies are better sent together.
    pub(super) fn is_crowded(&self) -> bool {
        self.count.load(Ordering::Relaxed) >= CROWD
    }

    /// CLIENT PAUSE: the later end and the stronger mode win.
    pub(super) fn pause(&self, length: Duration, all: bool) {
        let mut pause = self.pause.lock();
        let until = Instant::now() + length;
        let running = pause.until.is_some_and(|until| until > Instant::now());
        pause.until = Some(if running { pause.until.unwrap_or(until).max(until) } else { until });
        pause.all = all || (running && pause.all);
        self.paused.store(true, Ordering::Release);
    }

    pub(super) fn unpause(&self) {
        self.pause.lock().until = None;
        self.paused.store(false, Ordering::Release);
    }

    /// Waits while clients are paused.
    pub(super) async fn wait_paused(&self, writes: bool) {
        while self.paused.load(Ordering::Acquire) {
            {
                let pause = self.pause.lock();
                let over = pause.until.is_none_or(|until| until <= Instant::now());
                if over {
                    self.paused.store(false, Ordering::Release);
                }
                if over || !(pause.all || writes) {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}
