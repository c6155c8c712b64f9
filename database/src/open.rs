//! Opening a store: engine, log, model, and what all sessions share.
//!
//! ```text
//!   Address ─► engine (memory, file) ─► Local (log, versions, locks) ─► Model (catalogue) ─► Qanat
//!
//!   ./qanat-data/          FORMAT, LOCK, CLOCK, log segments      transaction::Local
//!   ./qanat-data/engine/   tables, manifest                        engine::file
//! ```
//!
//! A `Qanat` is a handle: clones are the same store, and the last one that goes away stops its
//! threads. `close` makes everything durable first; without it the next opening replays the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use engine::device::RealDirectory;
use engine::file::FileEngine;
use model::Model;
use parking_lot::Mutex;
use transaction::local::{Local, LocalOptions};
use transaction::{CancelToken, Store};

use crate::address::Address;
use crate::compile::Compiler;
use crate::keys::Keyspaces;
use crate::options::Options;
use crate::plans::Plans;
use crate::sessions::Sessions;
use crate::{Error, ErrorKind, Result};

/// An open store. Clones are the same store.
#[derive(Clone)]
pub struct Qanat(pub(crate) Arc<Shared>);

/// What all sessions of a store share.
pub(crate) struct Shared {
    pub address: Address,
    pub options: Options,
    pub memory: usize,
    pub local: Arc<Local>,
    pub model: Model,
    pub keyspaces: Keyspaces,
    pub plans: Plans,
    pub sessions: Sessions,
    pub started: std::time::SystemTime,
    next_session: AtomicI32,
    background: Mutex<Vec<tokio::task::JoinHandle<()>>>,
}

impl Qanat {
    /// Opens the store at an address (`memory:`, `file:PATH`) on defaults, making it if it is not
    /// there.
    ///
    /// # Errors
    /// `0A000` for an address that is not supported, `58030` and `XX001` where the device or the
    /// data is at fault, `55006` when another process holds the store.
    pub async fn open(address: &str) -> Result<Qanat> {
        Qanat::open_with(address, Options::default()).await
    }

    /// Opens a store with options.
    ///
    /// # Errors
    /// As `open`.
    pub async fn open_with(address: &str, options: Options) -> Result<Qanat> {
        let address: Address = address.parse()?;
        let memory = options.memory_bytes()?;
        let opening = address.clone();
        // Opening reads and replays; it must not hold a thread of the runtime.
        let local = tokio::task::spawn_blocking(move || open_local(&opening, memory))
            .await
            .map_err(|error| Error::internal(format!("opening the store: {error}")))??;
        let local = Arc::new(local);
        let store: Arc<dyn Store> = local.clone();
        let model_options = model::Options::new(Arc::new(Compiler));
        let clock = model_options.clock.clone();
        let model =
            Model::open(store, model_options).await.map_err(query::execute::fault::fault)?;
        let keyspaces = Keyspaces::over(model.clone(), options.durability, clock);
        let qanat = Qanat(Arc::new(Shared {
            address,
            options,
            memory,
            local,
            keyspaces,
            model,
            plans: Plans::new(memory / 64),
            sessions: Sessions::default(),
            started: std::time::SystemTime::now(),
            next_session: AtomicI32::new(1),
            background: Mutex::default(),
        }));
        qanat.start_sweeper();
        Ok(qanat)
    }

    /// Where the store lives.
    pub fn address(&self) -> &Address {
        &self.0.address
    }

    /// Bytes of the memory budget.
    pub fn memory(&self) -> usize {
        self.0.memory
    }

    /// The key spaces: what a Redis client has.
    pub fn keyspaces(&self) -> &Keyspaces {
        &self.0.keyspaces
    }

    /// What the local store says about itself.
    pub fn usage(&self) -> transaction::local::Usage {
        self.0.local.usage()
    }

    /// Ends background work and makes everything durable. Sessions that are still open get errors
    /// from then on.
    ///
    /// # Errors
    /// What the last flush says.
    pub async fn close(&self) -> Result<()> {
        self.0.background.lock().drain(..).for_each(|task| task.abort());
        self.0.local.close().await.map_err(query::execute::fault::store)
    }

    pub(crate) fn next_session(&self) -> i32 {
        self.0.next_session.fetch_add(1, Ordering::Relaxed)
    }

    /// Empties dropped collections and indexes, and deletes expired keys, in the background.
    fn start_sweeper(&self) {
        let weak = Arc::downgrade(&self.0);
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(std::time::Duration::from_millis(500)).await;
                let Some(shared) = weak.upgrade() else { return };
                let oldest = shared.local.oldest_snapshot();
                if let Err(error) = shared.model.sweep_once(oldest, &CancelToken::default()).await {
                    tracing::warn!(%error, "sweeping dropped data failed; it is tried again");
                }
            }
        });
        let expiry = tokio::spawn(self.0.keyspaces.sweeping());
        self.0.background.lock().extend([task, expiry]);
    }
}

fn open_local(address: &Address, memory: usize) -> Result<Local> {
    let options = LocalOptions::with_memory(memory / 2);
    let opened = match address {
        Address::Memory => Local::memory_with(options),
        Address::File(path) => {
            std::fs::create_dir_all(path).map_err(|error| io(path, &error))?;
            let directory = RealDirectory::open(path).map_err(|error| io(path, &error))?;
            let engine_options =
                engine::file::Options { memory_bytes: memory as u64 / 4, ..Default::default() };
            let folder = path.join("engine");
            let engine = || {
                let engine = FileEngine::open(&folder, engine_options)?;
                Ok(Arc::new(engine) as Arc<dyn engine::Engine>)
            };
            Local::open_with(Arc::new(directory), engine, options)
        }
    };
    opened.map_err(query::execute::fault::store)
}

fn io(path: &std::path::Path, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Internal, "58030", format!("{}: {error}", path.display()))
}
