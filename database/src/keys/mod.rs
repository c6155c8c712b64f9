//! Keys: the typed calls behind the Redis protocol, and the same for a program that uses the
//! library.
//!
//! ```text
//!   Keyspaces ── session("main") ──► KeySession ── begin ──► KeyTransaction ── get, set, incr, hash_set, scan …
//!      │  clock, durability            │ key space, what was seen, WATCH            │
//!      └ sweep: expiry                 └◄──────────── commit / again ◄──────────────┘
//! ```
//!
//! A [`KeyTransaction`] is one commit: a pipeline of commands with a mark before each, or the
//! commands of MULTI … EXEC. Nothing waits in it but locks that somebody else holds; where the
//! store has an answer at hand no future is made.
//!
//! **Invariants**
//! - An answer is given to a client after [`KeySession::commit`]: what it tells has reached its
//!   durability.
//! - A session never reads behind its own commits ([`KeySession`] keeps the newest stamp).
//! - What fails for a reason that another run may not meet is run again ([`KeySession::again`]);
//!   only EXEC tells its client of a conflict, and only of one with a watched key.
//! - WATCH holds a snapshot, so that nothing written after it is forgotten before EXEC asks.
//!
//! Rejected: a call of its own for each command with a commit in it as the only way. A pipeline of
//! 16 would be 16 flushes.

mod handle;
mod sweeper;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ::transaction::{Begin, CancelToken, Committed, Durability, ReadTracking, Stamp};
use model::{DatabaseId, Model, StorageId};

pub use handle::KeyHandle;
pub use model::Error as ModelError;
pub use model::keyspace::layout::{INLINE_BYTES_MAX, INLINE_FIELDS_MAX};
pub use model::keyspace::{
    Condition, ExpireIf, Expiry, KeyError, KeyLock, Keys as KeyTransaction, Mark, ScanOptions,
    SetOptions, SetReply, Ttl, glob, number,
};
pub use sweeper::SweepStats;

/// The result of calls on keys.
pub type Result<T> = std::result::Result<T, KeyError>;

/// How often a transaction is run again before its error is told.
pub const ATTEMPTS_MAX: u32 = 200;

/// The key spaces of a store. Clones are the same.
#[derive(Clone)]
pub struct Keyspaces(Arc<Shared>);

struct Shared {
    model: Model,
    durability: Durability,
    clock: model::Clock,
    retried: AtomicU64,
    sweep: sweeper::State,
}

impl Keyspaces {
    /// Over a model; `clock` answers milliseconds since 1970.
    pub fn over(model: Model, durability: Durability, clock: model::Clock) -> Keyspaces {
        let sweep = sweeper::State::default();
        Keyspaces(Arc::new(Shared { model, durability, clock, retried: AtomicU64::new(0), sweep }))
    }

    /// A session with a database.
    ///
    /// # Errors
    /// There is no such database.
    pub async fn session(&self, database: &str) -> Result<KeySession> {
        let mut session = KeySession {
            keyspaces: self.clone(),
            database: DatabaseId(0),
            name: String::new(),
            space: 0,
            seen: Stamp::ZERO,
            known: None,
            watch: None,
            durability: self.0.durability,
            cancel: CancelToken::default(),
        };
        session.select_database(database).await?;
        Ok(session)
    }

    /// Milliseconds since 1970.
    pub fn now(&self) -> u64 {
        (self.0.clock)()
    }

    /// How often transactions were run again.
    pub fn retried(&self) -> u64 {
        self.0.retried.load(Ordering::Relaxed)
    }
}

/// A key that is watched.
struct Watched {
    space: u32,
    key: Vec<u8>,
    since: Stamp,
    storage: Option<StorageId>,
    expires: u64,
}

/// What WATCH keeps.
struct Watch {
    keys: Vec<Watched>,
    /// Keeps the snapshot of the first WATCH alive.
    _held: KeyTransaction,
}

/// What one client has with the keys of a database.
pub struct KeySession {
    keyspaces: Keyspaces,
    database: DatabaseId,
    name: String,
    space: u32,
    seen: Stamp,
    known: Option<Arc<model::keyspace::Spaces>>,
    watch: Option<Watch>,
    durability: Durability,
    cancel: CancelToken,
}

impl KeySession {
    /// The store's key spaces.
    pub fn keyspaces(&self) -> &Keyspaces {
        &self.keyspaces
    }

    /// The database's name.
    pub fn database(&self) -> &str {
        &self.name
    }

    /// The key space of the next transaction.
    pub fn space(&self) -> u32 {
        self.space
    }

    /// SELECT n.
    pub fn select(&mut self, space: u32) {
        self.space = space;
    }

    /// SELECT name: another database, its key space 0.
    ///
    /// # Errors
    /// There is no such database.
    pub async fn select_database(&mut self, name: &str) -> Result<()> {
        let model = &self.keyspaces.0.model;
        let begin = Begin { at_least: self.seen, ..Begin::default() };
        let work = model.begin(begin, ReadTracking::Off, Arc::new(())).await?;
        let catalogue = work.catalogue();
        let found = catalogue.database(name).ok_or_else(|| {
            KeyError::Model(model::Error::Undefined {
                what: model::error::ObjectKind::Database,
                name: name.to_owned(),
            })
        })?;
        self.database = found.id;
        self.name = found.name.clone();
        self.space = 0;
        self.known = None;
        Ok(())
    }

    /// When this session's commits count as done.
    pub fn set_durability(&mut self, durability: Durability) {
        self.durability = durability;
    }

    /// Ends what this session waits for.
    pub fn cancel_token(&self) -> &CancelToken {
        &self.cancel
    }

    /// Begins a transaction; one that does not write reads a snapshot and locks nothing.
    pub async fn begin(&mut self, writes: bool) -> Result<KeyTransaction> {
        let start = model::keyspace::Start {
            database: self.database,
            space: self.space,
            now: self.keyspaces.now(),
            writes,
            begin: Begin { at_least: self.seen, as_of: None, cancel: self.cancel.clone() },
        };
        let known = self.known.take();
        let keys = KeyTransaction::begin(&self.keyspaces.0.model, start, known.as_ref()).await?;
        self.known = Some(keys.spaces().clone());
        Ok(keys)
    }

    /// Commits, and waits until everything that was written or read may be told. Answers the
    /// commit's stamp, if it wrote.
    pub async fn commit(&mut self, keys: KeyTransaction) -> Result<Option<Stamp>> {
        let committed = keys.commit(self.durability).await?;
        let stamp = committed.map(|Committed { stamp }| stamp);
        self.saw(stamp);
        Ok(stamp)
    }

    /// What this session wrote was committed by another, at this stamp: its next transaction sees
    /// it.
    pub fn saw(&mut self, stamp: Option<Stamp>) {
        self.seen = self.seen.max(stamp.unwrap_or_default());
    }

    /// When this session's commits count as done.
    pub fn durability(&self) -> Durability {
        self.durability
    }

    /// Whether a transaction is of this session's database.
    pub fn is_of(&self, keys: &KeyTransaction) -> bool {
        keys.database() == self.database
    }

    /// After a failure: `Ok` where the whole transaction is worth another run, after what had to be
    /// done for it.
    ///
    /// # Errors
    /// The failure itself, where another run would meet it again.
    pub async fn again(
        &mut self,
        keys: Option<KeyTransaction>,
        error: KeyError,
        attempt: &mut u32,
    ) -> Result<()> {
        *attempt += 1;
        if let KeyError::NewSpace(space) = error {
            drop(keys);
            if *attempt > ATTEMPTS_MAX {
                return Err(error);
            }
            return model::keyspace::create(&self.keyspaces.0.model, self.database, space).await;
        }
        if !error.is_retryable() || *attempt > ATTEMPTS_MAX {
            return Err(error);
        }
        self.keyspaces.0.retried.fetch_add(1, Ordering::Relaxed);
        if let Some(keys) = keys {
            keys.give_way().await?;
        }
        if *attempt > 1 {
            // What we met may become visible only with a flush.
            tokio::time::sleep(Duration::from_millis(u64::from(*attempt).min(20))).await;
        }
        Ok(())
    }

    /// WATCH.
    pub async fn watch(&mut self, keys: &[&[u8]]) -> Result<()> {
        let mut held = self.begin(false).await?;
        let since = held.snapshot();
        let mut watched = Vec::with_capacity(keys.len());
        for key in keys {
            let (storage, expires) = held.watched(self.space, key).await?;
            let (space, key) = (self.space, key.to_vec());
            watched.push(Watched { space, key, since, storage, expires });
        }
        match &mut self.watch {
            Some(watch) => watch.keys.extend(watched),
            None => self.watch = Some(Watch { keys: watched, _held: held }),
        }
        Ok(())
    }

    /// UNWATCH; EXEC, DISCARD and RESET do it too.
    pub fn unwatch(&mut self) {
        self.watch = None;
    }

    /// Whether anything is watched.
    pub fn is_watching(&self) -> bool {
        self.watch.is_some()
    }

    /// Whether a watched key has changed; if none has, none will until this transaction ends.
    pub async fn watched_changed(&self, keys: &mut KeyTransaction) -> Result<bool> {
        let Some(watch) = &self.watch else { return Ok(false) };
        for watched in &watch.keys {
            let moved =
                watched.storage.is_some() && keys.storage_now(watched.space)? != watched.storage;
            let expired = watched.expires != 0 && watched.expires <= keys.now();
            if moved || expired {
                return Ok(true);
            }
        }
        let all = watch.keys.iter().map(|of| (of.space, of.key.as_slice(), of.since));
        keys.changed_since(all).await
    }
}
