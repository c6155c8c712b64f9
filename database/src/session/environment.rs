//! What expressions ask of a session: clock, zone, settings, sequences, the catalogue.
//!
//! Functions run deep inside operators, shared and synchronous, while the session itself is one
//! mutable thing at the connection. So what functions may see stands here behind small cells, and
//! is handed down as `Arc<dyn query::Session>`.
//!
//! **Invariant**: `time_zone` and the times of transaction and statement do not change while a
//! statement runs.
//!
//! `nextval` is a synchronous function over an asynchronous store. The usual value comes from a
//! block in memory; when the block is used up, this thread waits for one commit of the store's own
//! threads, about once in 32 values.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use model::{Catalogue, DatabaseId, ObjectNumber};
use parking_lot::{Mutex, RwLock};
use query::expression;
use query::system::report;

use crate::settings::Settings;
use crate::{Error, ErrorKind, Qanat, Result};

/// What one session's expressions may see.
pub struct Environment {
    pub(crate) qanat: Qanat,
    pub(crate) settings: Arc<Mutex<Settings>>,
    pub(crate) user: String,
    pub(crate) database: String,
    pub(crate) id: i32,
    pub(crate) zone: Arc<str>,
    pub(crate) transaction_time: i64,
    pub(crate) statement_time: AtomicI64,
    pub(crate) picture: RwLock<(Arc<Catalogue>, DatabaseId)>,
    pub(crate) sequences: Arc<Mutex<Taken>>,
    pub(crate) random: Arc<AtomicU64>,
}

/// The sequence values that a session has taken.
#[derive(Default)]
pub struct Taken {
    last: Option<i64>,
    by_sequence: HashMap<ObjectNumber, i64>,
}

/// Microseconds since 1970.
pub fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |elapsed| elapsed.as_micros() as i64)
}

impl Environment {
    fn sequence(&self, name: &str) -> Result<Arc<model::Sequence>> {
        let parts = query::cast::registered::split_name(name)?;
        let (catalogue, database) = self.picture.read().clone();
        let find = |schema: &str, name: &str| {
            catalogue
                .sequences
                .values()
                .find(|s| s.database == database && s.schema == schema && s.name == name)
                .cloned()
        };
        let found = match parts.as_slice() {
            [name] => {
                expression::Session::search_path(self).iter().find_map(|schema| find(schema, name))
            }
            [schema, name] => find(schema, name),
            _ => None,
        };
        found.ok_or_else(|| {
            Error::new(ErrorKind::Name, "42P01", format!("relation \"{name}\" does not exist"))
        })
    }
}

/// Waits on this thread for a future of the local store, whose own threads complete it.
fn wait_for<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut context = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            std::task::Poll::Ready(value) => return value,
            std::task::Poll::Pending => std::thread::park(),
        }
    }
}

impl expression::Session for Environment {
    fn transaction_time(&self) -> i64 {
        self.transaction_time
    }

    fn statement_time(&self) -> i64 {
        self.statement_time.load(Ordering::Relaxed)
    }

    fn clock_time(&self) -> i64 {
        now()
    }

    fn time_zone(&self) -> &str {
        &self.zone
    }

    fn setting(&self, name: &str) -> Option<String> {
        self.settings.lock().get(name).ok().map(str::to_owned)
    }

    fn set_setting(&self, name: &str, value: &str, local: bool) -> Result<()> {
        self.settings.lock().set(name, value, local)
    }

    fn user(&self) -> &str {
        &self.user
    }

    fn database(&self) -> &str {
        &self.database
    }

    fn search_path(&self) -> Vec<String> {
        search_path(&self.settings.lock(), &self.user)
    }

    fn backend_pid(&self) -> i32 {
        self.id
    }

    fn nextval(&self, name: &str) -> Result<i64> {
        let sequence = self.sequence(name)?;
        let value = wait_for(self.qanat.0.model.nextval(&sequence))
            .map_err(query::execute::fault::fault)?;
        let mut taken = self.sequences.lock();
        taken.last = Some(value);
        taken.by_sequence.insert(sequence.id, value);
        Ok(value)
    }

    fn currval(&self, name: Option<&str>) -> Result<i64> {
        let taken = self.sequences.lock();
        let Some(name) = name else {
            return taken.last.ok_or_else(|| {
                Error::new(ErrorKind::State, "55000", "lastval is not yet defined in this session")
            });
        };
        drop(taken);
        let sequence = self.sequence(name)?;
        self.sequences.lock().by_sequence.get(&sequence.id).copied().ok_or_else(|| {
            let message = format!(
                "currval of sequence \"{}\" is not yet defined in this session",
                sequence.name
            );
            Error::new(ErrorKind::State, "55000", message)
        })
    }

    fn setval(&self, name: &str, value: i64, called: bool) -> Result<i64> {
        let sequence = self.sequence(name)?;
        if value < sequence.min || value > sequence.max {
            let message = format!(
                "setval: value {value} is out of bounds for sequence \"{}\" ({}..{})",
                sequence.name, sequence.min, sequence.max
            );
            return Err(Error::new(ErrorKind::Type, "22003", message));
        }
        wait_for(self.qanat.0.model.setval(&sequence, value, called))
            .map_err(query::execute::fault::fault)?;
        if called {
            self.sequences.lock().by_sequence.insert(sequence.id, value);
        }
        Ok(value)
    }

    fn sequence_last(&self, sequence: &model::Sequence) -> Option<i64> {
        let state = wait_for(self.qanat.0.model.sequence_state(sequence)).ok()?;
        state.called.then_some(state.last)
    }

    fn random(&self) -> f64 {
        // xorshift64*: a sequence of a session's own, as PostgreSQL's.
        let mut state = self.random.load(Ordering::Relaxed).max(1);
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        self.random.store(state, Ordering::Relaxed);
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn uuid(&self) -> [u8; 16] {
        *uuid::Uuid::new_v4().as_bytes()
    }

    fn catalogue(&self) -> Arc<Catalogue> {
        self.picture.read().0.clone()
    }

    fn database_id(&self) -> DatabaseId {
        self.picture.read().1
    }

    fn start_time(&self) -> i64 {
        let since = self.qanat.0.started.duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |elapsed| elapsed.as_micros() as i64)
    }

    fn signal(&self, pid: i32, end: bool) -> Result<bool> {
        if end {
            return Err(Error::unsupported("pg_terminate_backend"));
        }
        Ok(self.qanat.0.sessions.cancel_any(pid))
    }

    fn expression_columns(
        &self,
        collection: &model::Collection,
        text: &str,
    ) -> Vec<model::ColumnId> {
        use model::expressions::Expressions;
        let compiled = crate::compile::Compiler.compile(text, collection, None);
        compiled.map(|evaluator| evaluator.columns()).unwrap_or_default()
    }

    fn expression_type(&self, collection: &model::Collection, text: &str) -> Option<query::Type> {
        use model::expressions::Expressions;
        let compiled = crate::compile::Compiler.compile(text, collection, None);
        compiled.ok().map(|evaluator| evaluator.ty())
    }

    fn settings(&self) -> Vec<report::Setting> {
        let shown = self.settings.lock().all();
        let setting = |shown: crate::settings::Shown| report::Setting {
            name: shown.name.to_owned(),
            value: shown.value,
            category: "Qanat",
            description: shown.description.to_owned(),
            context: "user",
            ty: "string",
            source: "default",
            ..report::Setting::default()
        };
        shown.into_iter().map(setting).collect()
    }

    fn activity(&self) -> Vec<report::Activity> {
        let catalogue = self.picture.read().0.clone();
        let number = |name: &str| catalogue.database(name).map(|database| database.id.0);
        let activity = |info: crate::sessions::SessionInfo| report::Activity {
            pid: info.id,
            database: number(&info.database).map(|number| (number, info.database.clone())),
            user: Some(info.user),
            application: info.application,
            state_changed: Some(info.since),
            state: Some(info.state),
            query: info.query,
            kind: "client backend",
            ..report::Activity::default()
        };
        self.qanat.sessions().into_iter().map(activity).collect()
    }
}

/// The schemas of `search_path`, `"$user"` resolved.
pub fn search_path(settings: &Settings, user: &str) -> Vec<String> {
    let path = settings.value("search_path");
    let names = split_path(path);
    names.into_iter().map(|name| if name == "$user" { user.to_owned() } else { name }).collect()
}

/// The names of a comma-separated list; a name that is none is left out, as PostgreSQL does when it
/// searches.
fn split_path(path: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut quoted = false;
    let parts = path.split(|c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    for part in parts {
        if let Ok(name) = query::cast::registered::split_name(part)
            && let [name] = name.as_slice()
        {
            names.push(name.clone());
        }
    }
    names
}
