//! Documents and keys within a session's transaction: what the library's collections call.
//!
//! ```text
//!   Request ─► start_statement ─► collection by name ─┬ put, insert, get, delete   Work, by key
//!                                                     └ find, delete_found         plan, as SQL's
//!   keys    ─► the work leaves the session, Keys::within(work) does one command, the work comes back
//! ```
//!
//! A collection that is not there is empty to readers, and the first writer makes it, without a
//! schema. Over a declared table documents go through the model's conversions and constraints, as
//! rows do.
//!
//! **Invariants**
//! - A request that fails leaves nothing of itself in the transaction.
//! - While a key command runs the session has no transaction and says so (`Failed`): a command
//!   whose future is dropped takes the transaction with it, and nothing of it is committed.
//!
//! Rejected: documents as SQL text with parameters. A put needs to know the key before the
//! statement, and SQL's INSERT refuses documents without columns.

use std::sync::Arc;

use ::transaction::LockMode;
use bytes::Bytes;
use language::filter::{self, Find};
use model::datum::{Arena, Datum};
use model::{
    Arbiter, Collection, CollectionKind, Insertion, LockedRow, NewCollection, Seeing, Work, names,
    row,
};
use query::execute::batch::Batch;
use query::execute::explain as printer;
use query::execute::fault::fault;
use query::execute::start;
use query::plan::optimize::{self, Statistics};
use query::predicate::Predicate;
use value::{Document, Value};

use super::prepare::Runnable;
use super::statement::within;
use super::{Active, Level, Session, Status, TextParameters, long};
use crate::keys::{KeyError, KeyTransaction};
use crate::{Error, ErrorKind, Result};

/// What is asked of a collection.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    /// Inserts, or replaces the document of the same identity.
    Put(Document),
    /// Inserts; an error where one of the same identity is there.
    Insert(Document),
    /// The document of an identity.
    Get(Value),
    /// Deletes the document of an identity.
    Delete(Value),
    /// Documents that satisfy a predicate.
    Find(Predicate, Find),
    /// How they are found, as EXPLAIN shows it.
    Explain(Predicate, Find),
}

/// What a request answers.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The identity of what was written.
    Id(Value),
    /// Documents.
    Documents(Vec<Document>),
    /// How many were deleted.
    Count(u64),
    /// Lines of text.
    Lines(Vec<String>),
}

impl Session {
    /// Does one request about a collection, by its name.
    ///
    /// # Errors
    /// What the request says; the transaction goes on without it.
    pub(crate) async fn document(&mut self, name: &str, request: &Request) -> Result<Answer> {
        self.refuse_after_failure()?;
        let writes = matches!(
            request,
            Request::Put(_)
                | Request::Insert(_)
                | Request::Delete(_)
                | Request::Find(_, Find::Delete)
        );
        let active = self.start_statement().await?;
        if writes && active.read_only {
            let message = "cannot write documents in a read-only transaction";
            return Err(Error::new(ErrorKind::State, "25006", message));
        }
        let work = active.work.clone();
        if !writes {
            return Box::pin(self.answer(&work, name, request)).await;
        }
        let savepoint = work.savepoint().map_err(fault)?;
        let answer = Box::pin(self.answer(&work, name, request)).await;
        if answer.is_err() {
            work.rollback_to(&savepoint).await.map_err(fault)?;
        }
        work.release(&savepoint);
        answer
    }

    fn refuse_after_failure(&self) -> Result<()> {
        if self.status != Status::Failed {
            return Ok(());
        }
        let message =
            "current transaction is aborted, commands ignored until end of transaction block";
        Err(Error::new(ErrorKind::State, "25P02", message))
    }

    async fn answer(&mut self, work: &Arc<Work>, name: &str, request: &Request) -> Result<Answer> {
        let (schema, table) = names::split(name);
        let catalogue = work.catalogue();
        let known = catalogue.collection(self.database.id, schema, table).cloned();
        let Some(known) = known else {
            return match request {
                Request::Put(document) | Request::Insert(document) => {
                    let made = self.make(work, schema, table).await?;
                    insert(work, &made, document).await
                }
                Request::Get(_) => Ok(Answer::Documents(Vec::new())),
                Request::Delete(_) | Request::Find(_, Find::Delete) => Ok(Answer::Count(0)),
                Request::Find(..) => Ok(Answer::Documents(Vec::new())),
                Request::Explain(..) => Ok(Answer::Lines(vec!["Result".into()])),
            };
        };
        if known.kind == CollectionKind::KeySpace {
            return Err(Error::unsupported("the documents of a key space"));
        }
        match request {
            Request::Put(document) => self.put(work, &known, document).await,
            Request::Insert(document) => insert(work, &known, document).await,
            Request::Get(id) => get(work, &known, id).await,
            Request::Delete(id) => self.delete(work, &known, id).await,
            Request::Find(predicate, what) => self.found(&known, predicate, what).await,
            Request::Explain(predicate, what) => self.shown(&known, predicate, what).await,
        }
    }

    /// A new collection without a schema.
    async fn make(&mut self, work: &Work, schema: &str, table: &str) -> Result<Arc<Collection>> {
        let new = NewCollection::documents(self.database.id, schema, table);
        let made = work.create_collection(new).await.map_err(|error| match error {
            // Somebody was faster: the next run sees theirs.
            model::Error::Duplicate { .. } => retry("the collection was made meanwhile"),
            other => fault(other),
        })?;
        let active = self.active().await?;
        active.environment.picture.write().0 = work.catalogue();
        Ok(made)
    }

    /// The latest of a row, locked. Where the transaction has one snapshot, a row that somebody
    /// changed after it is a conflict, as it is for UPDATE and DELETE.
    async fn locked(
        &mut self,
        work: &Work,
        collection: &Arc<Collection>,
        key: &Bytes,
    ) -> Result<Option<Bytes>> {
        let active = self.active().await?;
        let (wait, follows) = (active.wait, active.level == Level::ReadCommitted);
        let keys = std::slice::from_ref(key);
        let locked = work.lock_rows(collection, keys, LockMode::Update, wait).await;
        match locked.map_err(fault)?.pop() {
            Some(LockedRow::Held { changed: true, .. }) if !follows => {
                Err(retry("could not serialize access due to concurrent update"))
            }
            Some(LockedRow::Held { value, .. }) => Ok(value),
            Some(LockedRow::Skipped) | None => Ok(None),
        }
    }

    async fn put(
        &mut self,
        work: &Work,
        collection: &Arc<Collection>,
        document: &Document,
    ) -> Result<Answer> {
        let Some(key) = key_of(collection, document)? else {
            return insert(work, collection, document).await;
        };
        let Some(old) = self.locked(work, collection, &key).await? else {
            return insert(work, collection, document).await;
        };
        let written = work.replace_document(collection, &key, &old, document).await;
        id_of(collection, &written.map_err(fault)?)
    }

    async fn delete(
        &mut self,
        work: &Work,
        collection: &Arc<Collection>,
        id: &Value,
    ) -> Result<Answer> {
        let Some(key) = row::key_of_id(collection, id).map_err(fault)? else {
            return Ok(Answer::Count(0));
        };
        let Some(old) = self.locked(work, collection, &key).await? else {
            return Ok(Answer::Count(0));
        };
        work.delete(collection, &key, &old).await.map_err(fault)?;
        Ok(Answer::Count(1))
    }

    /// The optimized plan of a filter.
    async fn planned(
        &mut self,
        collection: &Arc<Collection>,
        predicate: &Predicate,
        what: &Find,
    ) -> Result<(Runnable, Statistics)> {
        let statement = filter::find_plan(collection, predicate.clone(), what)?;
        let active = self.active().await?;
        let statistics = Statistics::of(&active.work, &statement).await?;
        let optimized = optimize::optimize(statement, &statistics, &*active.environment);
        let plan = Arc::new(start::Prepared::new(optimized)?);
        Ok((Runnable { plan, literals: Arc::default() }, statistics))
    }

    async fn found(
        &mut self,
        collection: &Arc<Collection>,
        predicate: &Predicate,
        what: &Find,
    ) -> Result<Answer> {
        let (runnable, _) = self.planned(collection, predicate, what).await?;
        let (frame, settings) = self.frame_of(&runnable, &TextParameters(&[])).await?;
        let work = self.active().await?.work.clone();
        let running = start::start(&runnable.plan, frame, work, settings)?;
        let mut running = Some(Box::new(running));
        let elsewhere = self.elsewhere();
        within(self.limit(), async {
            let mut found = Vec::new();
            while let Some(batch) = long::next(&mut running, elsewhere.as_ref()).await? {
                decode(&batch, &mut found)?;
            }
            Ok(match what {
                Find::Delete => Answer::Count(running.map_or(0, |running| running.affected())),
                Find::Documents { .. } => Answer::Documents(found),
            })
        })
        .await
    }

    async fn shown(
        &mut self,
        collection: &Arc<Collection>,
        predicate: &Predicate,
        what: &Find,
    ) -> Result<Answer> {
        let (runnable, statistics) = self.planned(collection, predicate, what).await?;
        let options = printer::Options { costs: false, counts: None, timing: false };
        let active = self.active().await?;
        let statement = &runnable.plan.statement;
        let session = &*active.environment;
        Ok(Answer::Lines(printer::explain(statement, &statistics, session, &options)))
    }
}

/// The key that a document's identity is; `None` where it has none yet.
fn key_of(collection: &Arc<Collection>, document: &Document) -> Result<Option<Bytes>> {
    let arena = Arena::new();
    let taken = row::from_document(collection, document, &arena).map_err(fault)?;
    let has = |id| {
        let datum = collection.position(id).and_then(|at| taken.row.get(at));
        datum.is_some_and(|datum| !datum.is_null())
    };
    if !collection.primary_key.columns.iter().all(|id| has(*id)) {
        return Ok(None);
    }
    row::key_of(collection, &taken.row).map(Some).map_err(fault)
}

fn id_of(collection: &Collection, row: &model::StoredRow) -> Result<Answer> {
    row::id_of(collection, &row.key, &row.value).map(Answer::Id).map_err(fault)
}

async fn insert(work: &Work, collection: &Arc<Collection>, document: &Document) -> Result<Answer> {
    match work.insert_document(collection, document, Arbiter::None).await.map_err(fault)? {
        Insertion::Inserted(row) => id_of(collection, &row),
        _ => Err(Error::internal("an insertion without an arbiter met one")),
    }
}

async fn get(work: &Work, collection: &Arc<Collection>, id: &Value) -> Result<Answer> {
    let Some(key) = row::key_of_id(collection, id).map_err(fault)? else {
        return Ok(Answer::Documents(Vec::new()));
    };
    let stored = work.get(&key, Seeing::default()).await.map_err(fault)?;
    let document = stored.map(|value| row::document(collection, &key, &value)).transpose();
    Ok(Answer::Documents(document.map_err(fault)?.into_iter().collect()))
}

/// The documents of a plan's rows.
fn decode(batch: &Batch, found: &mut Vec<Document>) -> Result<()> {
    for at in 0..batch.len() {
        let Some(Datum::Json(raw)) = batch.row(at).first() else { continue };
        let value = raw.to_value().map_err(query::function::array::damaged)?;
        if let Value::Document(document) = value {
            found.push(document);
        }
    }
    Ok(())
}

#[cold]
fn retry(message: &'static str) -> Error {
    Error::new(ErrorKind::Retry, "40001", message)
}

/// A key command under way: the transaction's work is in `keys`, the rest of it here.
pub(crate) struct WithKeys {
    pub keys: KeyTransaction,
    rest: Box<dyn FnOnce(Arc<Work>) -> Active + Send>,
    status: Status,
}

impl Session {
    /// Takes the open transaction for one key command.
    pub(crate) async fn take_keys(&mut self, space: u32, now: u64) -> Result<WithKeys> {
        self.refuse_after_failure()?;
        self.start_statement().await?;
        let Some(active) = self.active.take() else {
            return Err(Error::internal("no transaction"));
        };
        let status = std::mem::replace(&mut self.status, Status::Failed);
        let Active { work, environment, level, read_only, savepoints, base, wait, queried } =
            active;
        let rest = move |work| Active {
            work,
            environment,
            level,
            read_only,
            savepoints,
            base,
            wait,
            queried,
        };
        let rest: Box<dyn FnOnce(Arc<Work>) -> Active + Send> = Box::new(rest);
        match Arc::try_unwrap(work) {
            Ok(work) => {
                let keys = KeyTransaction::within(work, self.database.id, space, now);
                Ok(WithKeys { keys, rest, status })
            }
            Err(shared) => {
                self.active = Some(rest(shared));
                self.status = status;
                Err(Error::new(
                    ErrorKind::State,
                    "55006",
                    "a statement of this transaction still runs",
                ))
            }
        }
    }

    /// Gives the transaction back after a command, which left nothing where it failed.
    pub(crate) async fn give_back<T>(
        &mut self,
        with: WithKeys,
        answer: std::result::Result<T, KeyError>,
    ) -> Result<T> {
        let WithKeys { keys, rest, status } = with;
        let (work, counted) = keys.into_work();
        self.active = Some(rest(Arc::new(work)));
        self.status = status;
        counted.map_err(key_fault)?;
        match answer {
            Err(KeyError::NewSpace(space)) => {
                // In a commit of its own, so that writers of key spaces never wait for another's
                // catalogue writes; the transaction sees it when it runs again.
                let model = &self.qanat.0.model;
                model::keyspace::create(model, self.database.id, space).await.map_err(key_fault)?;
                Err(retry("the key space was made; the transaction is run again"))
            }
            answer => answer.map_err(key_fault),
        }
    }
}

/// A key command's error as everyone else's.
#[cold]
pub(crate) fn key_fault(error: KeyError) -> Error {
    let (kind, sqlstate) = match error {
        KeyError::Model(error) => return fault(error),
        KeyError::NewSpace(_) => (ErrorKind::Retry, "40001"),
        KeyError::WrongType => (ErrorKind::Type, "42804"),
        KeyError::Overflow | KeyError::NotFinite => (ErrorKind::Type, "22003"),
        KeyError::NotInteger | KeyError::FieldNotInteger => (ErrorKind::Type, "22P02"),
        KeyError::NotFloat | KeyError::FieldNotFloat => (ErrorKind::Type, "22P02"),
        KeyError::TooLong => (ErrorKind::Limit, "54000"),
        KeyError::NameTaken(_) => (ErrorKind::Name, "42809"),
        _ => (ErrorKind::Type, "22000"),
    };
    Error::new(kind, sqlstate, error.to_string())
}
