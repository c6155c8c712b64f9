//! `qanat serve`: listeners over one store, and the way to stop.
//!
//! ```text
//!   bind all ports ─▶ open the store ─▶ accept … ─ INT, TERM ─▶ stop accepting
//!     (a taken port is told before                              │ sessions: idle ones end (57P01),
//!      anything is touched)                                     │ statements get 10 s, then cancel
//!                                                               └▶ close the store
//! ```
//!
//! **Invariants**
//! - An error of accepting (no more file descriptors) is waited out; the listener lives on.
//! - Connections beyond the limit are told so in their own protocol; those told are bounded too.
//! - A panic ends one connection. **Rejected.** Restarting by `exec` on it: the store is shared,
//!   and the others' statements run in it.

use std::io;
use std::net::{SocketAddr, TcpStream as Accepted};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use protocol::limits::PostgresLimits;
use protocol::postgres::session as postgres;
use protocol::redis::session as redis;
use qanat::Qanat;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::arguments::{self, Serve};
use crate::closing::Closing;
use crate::config::Config;
use crate::listen::Listen;
use crate::workers::{Workers, processor_of};
use crate::{failed, logging, wrong_use};

/// How long statements may run on after the signal to stop.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long sessions may take to end after their statements were cancelled.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Connections beyond the limit that are told so at the same time.
const REFUSALS_MAX: usize = 64;
/// Connections that the system keeps until they are accepted.
const BACKLOG: u32 = 1024;

/// Serves until a signal comes.
pub fn main(flags: &Serve) -> ExitCode {
    let config = match Config::read(flags) {
        Ok(config) => config,
        Err(message) => return wrong_use(&message),
    };
    if let Err(message) = logging::start(&config) {
        return wrong_use(&message);
    }
    warn_of_unknown_variables();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("qanat-worker")
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return failed(&format!("starting threads: {error}")),
    };
    let ended = runtime.block_on(serve(&config));
    // What is left are connections that did not end in time.
    runtime.shutdown_timeout(LAST_WORDS);
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => failed(&message),
    }
}

/// A variable that looks like an option and is none is a mistake in writing, most likely.
fn warn_of_unknown_variables() {
    let known = arguments::variables();
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("QANAT_") && !known.iter().any(|known| *known == name) {
            tracing::warn!(variable = %name, "this variable of the environment means nothing here");
        }
    }
}

/// What all listeners share.
struct Server {
    qanat: Qanat,
    limits: postgres::Limits,
    redis: Arc<redis::Server>,
    max_connections: usize,
    workers: Workers,
    shutdown: watch::Receiver<bool>,
}

async fn serve(config: &Config) -> Result<(), String> {
    let began = std::time::Instant::now();
    let mut signals = Signals::new().map_err(|error| format!("waiting for signals: {error}"))?;
    let postgres = bind("postgres", "PostgreSQL", config.postgres)?;
    let redis = bind("redis", "Redis", config.redis)?;
    let redis_address = redis.as_ref().and_then(|listener| listener.local_addr().ok());
    let redis_port = redis_address.map_or(0, |address| address.port());
    let options = qanat::Options {
        long_statements: Some(tokio::runtime::Handle::current()),
        ..config.options()
    };
    let workers =
        Workers::start(config.threads).map_err(|error| format!("starting threads: {error}"))?;
    let qanat = Qanat::open_with(&config.store, options)
        .await
        .map_err(|error| format!("opening {}: {}", config.store, error.message))?;
    let (stop, shutdown) = watch::channel(false);
    let server = Arc::new(Server {
        qanat: qanat.clone(),
        limits: limits(config),
        redis: redis::Server::new(qanat.keyspaces().clone(), redis_options(config, redis_port)),
        max_connections: config.max_connections,
        workers,
        shutdown,
    });
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        store = %qanat.address(),
        durability = %config.durability,
        memory_mb = qanat.memory() >> 20,
        postgres = %shown(postgres.as_ref()),
        redis = %shown(redis.as_ref()),
        config = %config.file.as_deref().map_or("none".into(), |file| file.display().to_string()),
        pid = std::process::id(),
        opened_ms = began.elapsed().as_millis() as u64,
        "serving"
    );
    tracing::warn!("there are no accounts: everybody on this machine has all rights");
    let mut listeners = JoinSet::new();
    if let Some(listener) = postgres {
        listeners.spawn(accept(listener, server.clone(), Wire::Postgres));
    }
    if let Some(listener) = redis {
        listeners.spawn(accept(listener, server.clone(), Wire::Redis));
    }
    let name = signals.next().await;
    tracing::info!(signal = name, "stopping; another signal ends at once");
    tokio::spawn(async move {
        let name = signals.next().await;
        tracing::warn!(signal = name, "ending at once");
        std::process::exit(1);
    });
    let _ = stop.send(true);
    drain(&qanat, listeners).await;
    qanat.close().await.map_err(|error| format!("closing the store: {}", error.message))?;
    tracing::info!("stopped");
    Ok(())
}

fn limits(config: &Config) -> postgres::Limits {
    let bytes = u32::try_from(config.max_message).unwrap_or(u32::MAX);
    postgres::Limits {
        wire: PostgresLimits { message_bytes_max: bytes, ..PostgresLimits::DEFAULT }.clamped(),
        ..postgres::Limits::default()
    }
}

fn redis_options(config: &Config, port: u16) -> redis::Options {
    redis::Options {
        // The listener counts; one that is one too many is told so by the session itself.
        clients_max: config.max_connections,
        port,
        appendfsync: match config.durability.0 {
            qanat::Durability::Sync => "always",
            qanat::Durability::Interval => "everysec",
            qanat::Durability::None => "no",
        },
        ..redis::Options::default()
    }
}

fn shown(listener: Option<&TcpListener>) -> String {
    let address = listener.map(TcpListener::local_addr);
    address.map_or("off".into(), |address| match address {
        Ok(address) => address.to_string(),
        Err(error) => error.to_string(),
    })
}

fn bind(flag: &str, product: &str, listen: Listen) -> Result<Option<TcpListener>, String> {
    let Listen::At(address) = listen else { return Ok(None) };
    bind_at(address).map(Some).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "cannot listen for {product} clients on {address}: port {port} is taken by another \
             program. Stop it, choose another port with --{flag} {ip}:PORT, or say --{flag} off",
            port = address.port(),
            ip = match address.ip() {
                std::net::IpAddr::V6(ip) => format!("[{ip}]"),
                std::net::IpAddr::V4(ip) => ip.to_string(),
            },
        ),
        _ => format!("cannot listen for {product} clients on {address} (--{flag}): {error}"),
    })
}

fn bind_at(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    // Inherited by what is accepted: a peer that is gone is noticed.
    socket.set_keepalive(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// What is spoken on a listener.
#[derive(Clone, Copy, Debug)]
enum Wire {
    Postgres,
    Redis,
}

/// Accepts until the server stops; answers the connections that are still open then.
async fn accept(listener: TcpListener, server: Arc<Server>, wire: Wire) -> JoinSet<()> {
    let places = Arc::new(Semaphore::new(server.max_connections));
    let refusals = Arc::new(Semaphore::new(REFUSALS_MAX));
    let mut shutdown = server.shutdown.clone();
    let mut open = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            _ = shutdown.wait_for(|stop| *stop) => return open,
            Some(ended) = open.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(?wire, %error, "a connection ended by a defect");
                }
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(?wire, %error, "accepting a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        if let Ok(place) = places.clone().try_acquire_owned() {
            let stream = match stream.into_std() {
                Ok(stream) => stream,
                Err(error) => {
                    tracing::warn!(?wire, %error, "handing a connection to its thread");
                    continue;
                }
            };
            let served = server.clone();
            let workers = server.workers.count();
            let among = if matches!(wire, Wire::Redis) { workers.div_ceil(2) } else { workers };
            let near = processor_of(&stream);
            server.workers.spawn(among, near, &mut open, async move {
                connection(stream, peer, &served, wire).await;
                drop(place);
            });
        } else if let Ok(place) = refusals.clone().try_acquire_owned() {
            tracing::warn!(?wire, max = server.max_connections, "too many connections");
            let server = server.clone();
            open.spawn(async move {
                let _ = refuse(stream, &server, wire).await;
                drop(place);
            });
        }
    }
}

async fn connection(stream: Accepted, peer: SocketAddr, server: &Server, wire: Wire) {
    tracing::debug!(?wire, %peer, "connection");
    // Here it comes to the event loop of the thread that serves it.
    let ended = match stream.set_nodelay(true).and_then(|()| TcpStream::from_std(stream)) {
        Ok(stream) => speak(stream, peer, server, wire).await,
        Err(error) => Err(error),
    };
    match ended {
        Ok(()) => tracing::debug!(?wire, %peer, "connection ended"),
        Err(error) => tracing::debug!(?wire, %peer, %error, "connection lost"),
    }
}

async fn speak(stream: TcpStream, peer: SocketAddr, server: &Server, wire: Wire) -> io::Result<()> {
    let (qanat, shutdown) = (server.qanat.clone(), server.shutdown.clone());
    match wire {
        Wire::Postgres => postgres::run(stream, qanat, server.limits, shutdown).await,
        Wire::Redis => {
            let local = stream.local_addr()?;
            let stream = Closing::new(stream, shutdown);
            let redis = server.redis.clone();
            redis::serve(redis, stream, peer.to_string(), local.to_string()).await
        }
    }
}

async fn refuse(mut stream: TcpStream, server: &Server, wire: Wire) -> io::Result<()> {
    match wire {
        Wire::Postgres => postgres::refuse(stream, server.qanat.clone(), server.limits).await,
        Wire::Redis => stream.write_all(b"-ERR max number of clients reached\r\n").await,
    }
}

/// Waits for the sessions' ends: patiently, then by cancelling, then no longer.
async fn drain(qanat: &Qanat, mut listeners: JoinSet<JoinSet<()>>) {
    let mut open = Vec::new();
    while let Some(listener) = listeners.join_next().await {
        match listener {
            Ok(connections) => open.push(connections),
            Err(error) => tracing::error!(%error, "a listener ended by a defect"),
        }
    }
    let all = async {
        for connections in &mut open {
            while connections.join_next().await.is_some() {}
        }
    };
    tokio::pin!(all);
    if tokio::time::timeout(PATIENCE, &mut all).await.is_ok() {
        return;
    }
    let sessions = qanat.sessions();
    tracing::warn!(sessions = sessions.len(), "cancelling what still runs");
    for session in sessions {
        qanat.cancel(session.id, session.secret);
    }
    if tokio::time::timeout(LAST_WORDS, &mut all).await.is_err() {
        tracing::warn!("some connections did not end in time");
    }
}

/// The signals that stop the program.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "INT",
            _ = self.terminate.recv() => "TERM",
        }
    }
}
