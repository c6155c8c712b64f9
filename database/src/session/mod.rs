//! A session: what one client has with a store.
//!
//! ```text
//!   parse ─► prepare ─► start ─► Portal ─► next … ─► tag
//!                         │
//!                 transaction: Idle ─statement─► Implicit ─sync─► Idle
//!                                │                  │ BEGIN
//!                                └──BEGIN──► Explicit ──error──► Failed ──ROLLBACK──► Idle
//! ```
//!
//! A client's texts (one simple query, or the messages between two Syncs) run in one implicit
//! transaction unless it says BEGIN; the protocol says where the end is ([`Session::sync`]). So the
//! rules of PostgreSQL's message flow live in the protocol and the rules of transactions here, and
//! the library uses the same two calls.
//!
//! **Invariants**
//! - In `Failed` nothing runs but ROLLBACK, ROLLBACK TO and COMMIT (which rolls back).
//! - A statement that fails inside an explicit transaction leaves none of its own writes behind.
//! - A reply that ends a transaction is given after `settle`: nothing is shown that a crash could
//!   take back.
//! - A portal shares the transaction's `Work`; ending the transaction ends every portal but held
//!   ones.
//!
//! Rejected: a session that commits after each statement by itself and is told about BEGIN later; a
//! pipeline of Parse/Bind/Execute messages before one Sync is one transaction to PostgreSQL's
//! clients.

mod cached;
mod copy;
mod cursor;
mod define;
pub(crate) mod documents;
pub mod environment;
mod explain;
mod long;
mod portal;
mod prepare;
mod statement;
mod transaction;
mod utility;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use ::transaction::{CancelToken, Durability, Stamp};
use model::Work;
use parking_lot::Mutex;

pub use copy::{CopyFormat, Force};
pub use copy::{CopyIn, CopyOut};
pub use portal::{CommandTag, Fetched, Portal, Rows};
pub use prepare::{Prepared, parse};
pub use statement::{Parameters, Started, TextParameters};

use self::environment::{Environment, Taken};
use crate::sessions::SessionInfo;
use crate::settings::Settings;
use crate::{Error, ErrorKind, Qanat, Result};

/// Who opens a session and how.
#[derive(Debug, Clone)]
pub struct SessionOptions {
    /// `postgres`, `redis`, `library`: shown to operators.
    pub protocol: &'static str,
    /// The user's name; without accounts any.
    pub user: String,
    /// The database, or `None` for `main`.
    pub database: Option<String>,
}

impl Default for SessionOptions {
    fn default() -> Self {
        SessionOptions { protocol: "library", user: "qanat".into(), database: None }
    }
}

/// Where a session stands with its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// None is open.
    Idle,
    /// One that the protocol's next `sync` commits.
    Implicit,
    /// One that BEGIN opened.
    Explicit,
    /// One that failed: only its end is accepted.
    Failed,
}

/// A message to the client that is no error.
#[derive(Debug, Clone)]
pub struct Notice {
    /// `NOTICE`, `WARNING`, `INFO`.
    pub severity: &'static str,
    /// SQLSTATE.
    pub sqlstate: &'static str,
    /// One line.
    pub message: String,
}

/// An open transaction.
struct Active {
    work: Arc<Work>,
    environment: Arc<Environment>,
    level: Level,
    read_only: bool,
    savepoints: Vec<(String, model::Savepoint)>,
    /// The transaction's beginning, for a failure outside savepoints.
    base: model::Savepoint,
    /// How long its statements wait for locks.
    wait: ::transaction::Wait,
    /// Whether a query has run: from then on the isolation level is fixed.
    queried: bool,
}

/// Isolation levels; READ UNCOMMITTED is READ COMMITTED, as in PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Each statement has its own snapshot.
    ReadCommitted,
    /// One snapshot; a conflict is an error at the statement.
    RepeatableRead,
    /// And what was read is validated at the commit.
    Serializable,
}

/// What one client has with a store.
pub struct Session {
    qanat: Qanat,
    id: i32,
    info: Arc<Mutex<SessionInfo>>,
    user: String,
    database: Arc<model::Database>,
    settings: Arc<Mutex<Settings>>,
    status: Status,
    active: Option<Active>,
    /// The environment of the last transaction, for the next.
    spare: Option<Arc<Environment>>,
    /// The schemas searched, and the generation of the settings that they come from.
    path: (u64, Arc<[String]>),
    seen: Stamp,
    prepared: HashMap<String, Arc<Prepared>>,
    cursors: HashMap<String, cursor::Cursor>,
    sequences: Arc<Mutex<Taken>>,
    random: Arc<AtomicU64>,
    cancel: CancelToken,
    notices: Vec<Notice>,
}

impl Qanat {
    /// Opens a session.
    ///
    /// # Errors
    /// `3D000` where there is no such database.
    pub async fn session(&self, options: SessionOptions) -> Result<Session> {
        let work = self.begin_plain().await?;
        let catalogue = work.catalogue();
        let wanted = options.database.as_deref().unwrap_or(model::names::MAIN);
        let Some(database) = catalogue.database_for(wanted, Some(&options.user)).cloned() else {
            let message = format!("database \"{wanted}\" does not exist");
            return Err(Error::new(ErrorKind::Name, "3D000", message));
        };
        let id = self.next_session();
        let entropy = uuid::Uuid::new_v4().as_u128();
        let cancel = CancelToken::default();
        let info = SessionInfo {
            id,
            secret: entropy as i32,
            protocol: options.protocol,
            user: options.user.clone(),
            database: database.name.clone(),
            application: String::new(),
            state: "idle",
            query: String::new(),
            since: environment::now(),
        };
        let info = self.0.sessions.add(info, cancel.clone());
        let mut settings = Settings::default();
        settings.start_with("session_authorization", &options.user)?;
        Ok(Session {
            qanat: self.clone(),
            id,
            info,
            user: options.user,
            database,
            settings: Arc::new(Mutex::new(settings)),
            status: Status::Idle,
            active: None,
            spare: None,
            path: (0, Arc::default()),
            seen: Stamp::ZERO,
            prepared: HashMap::new(),
            cursors: HashMap::new(),
            sequences: Arc::default(),
            random: Arc::new(AtomicU64::new((entropy >> 64) as u64 | 1)),
            cancel,
            notices: Vec::new(),
        })
    }

    /// Ends what another session runs (CancelRequest, KILL). False where number or secret are
    /// wrong.
    pub fn cancel(&self, id: i32, secret: i32) -> bool {
        self.0.sessions.cancel(id, secret)
    }

    /// The open sessions.
    pub fn sessions(&self) -> Vec<SessionInfo> {
        self.0.sessions.list()
    }
}

impl Session {
    /// Forgets that somebody cancelled what ran before.
    pub(crate) fn rearm(&self) {
        self.cancel.reset();
    }

    /// The number by which this session is known and cancelled.
    pub fn id(&self) -> i32 {
        self.id
    }

    /// The secret that goes with the number.
    pub fn secret(&self) -> i32 {
        self.info.lock().secret
    }

    /// Where it stands with its transaction.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The store.
    pub fn qanat(&self) -> &Qanat {
        &self.qanat
    }

    /// The database's name.
    pub fn database(&self) -> &str {
        &self.database.name
    }

    /// The user's name.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Messages since the last call.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    fn notice(
        &mut self,
        severity: &'static str,
        sqlstate: &'static str,
        message: impl Into<String>,
    ) {
        self.notices.push(Notice { severity, sqlstate, message: message.into() });
    }

    /// The settings, for a protocol that reports or sets them.
    pub fn settings(&self) -> parking_lot::MutexGuard<'_, Settings> {
        self.settings.lock()
    }

    /// The token that ends this session's work.
    pub fn cancel_token(&self) -> &CancelToken {
        &self.cancel
    }

    /// A value as the text that PostgreSQL's clients see; `None` for NULL.
    ///
    /// # Errors
    /// What the type's output says.
    pub fn text_of(
        &self,
        ty: crate::Type,
        modifier: i32,
        datum: &model::datum::Datum<'_>,
    ) -> Result<Option<String>> {
        if datum.is_null() {
            return Ok(None);
        }
        let background: &dyn query::expression::Session = &crate::background::BACKGROUND;
        let session = match &self.active {
            Some(active) => &*active.environment,
            None => background,
        };
        query::cast::output_string(session, ty, modifier, datum).map(Some)
    }

    /// Says what this session does, for those who look.
    fn show(&self, state: &'static str, query: Option<&str>) {
        let mut info = self.info.lock();
        info.state = state;
        info.since = environment::now();
        if let Some(query) = query {
            info.query.clear();
            info.query.push_str(query.get(..query.floor_char_boundary(1024)).unwrap_or(query));
        }
    }

    /// The schemas that unqualified names are searched in.
    fn search_path(&mut self) -> Arc<[String]> {
        let settings = self.settings.lock();
        let generation = settings.quick().generation;
        if self.path.0 != generation {
            self.path = (generation, environment::search_path(&settings, &self.user).into());
        }
        self.path.1.clone()
    }

    /// How commits of this session count as done.
    fn durability(&self) -> Durability {
        let settings = self.settings.lock();
        match (settings.quick().is_asynchronous, self.qanat.0.options.durability) {
            (true, Durability::Sync) => Durability::Interval,
            (_, durability) => durability,
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.qanat.0.sessions.remove(self.id);
    }
}
