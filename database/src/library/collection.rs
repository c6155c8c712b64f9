//! Collections: documents by identity and by filter, as a program's own types.
//!
//! ```text
//!   collection::<User>("users") ─┬ put, insert, get, delete      one document, by its `_id` or key
//!                                └ find(doc! {…}) ─► Find        many: all, first, count, delete
//!        User ◄─ serde ─► Document ◄─ model ─► row, the same that SQL and Redis see
//! ```
//!
//! A call outside of a transaction is a commit of its own and is run again where another was in its
//! way; within one it is part of it. Sessions cost more than a get does, so a collection keeps the
//! last one for its next call: documents leave nothing in a session that another call could see.
//!
//! Rejected: a schema taken from the Rust type. Two programs have two versions of it, and the
//! store's own (CREATE TABLE) already says which documents a table takes.

use std::marker::PhantomData;
use std::sync::Arc;

use ::value::{Document, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use super::find::Find;
use super::transaction::{TRIES, Transaction};
use crate::session::documents::{Answer, Request};
use crate::{Error, ErrorKind, Qanat, Result, Session, SessionOptions};

/// Where calls on a collection run.
#[derive(Clone)]
pub(super) enum Place {
    /// Each as a commit of its own.
    Store(Qanat, Arc<Spare>),
    /// In an open transaction.
    Transaction(Arc<Mutex<Session>>),
}

/// A session that nobody uses at the moment.
pub(super) type Spare = parking_lot::Mutex<Option<Session>>;

/// The documents of one name, as values of one type. Clones are the same.
pub struct Collection<T = Document> {
    place: Place,
    name: Arc<str>,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Collection<T> {
    fn clone(&self) -> Self {
        Collection { place: self.place.clone(), name: self.name.clone(), of: PhantomData }
    }
}

impl<T> std::fmt::Debug for Collection<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Collection({:?})", self.name)
    }
}

impl Qanat {
    /// The collection of a name in the database `main`: `table`, or `schema.table`. It need not be
    /// there: the first document that is written makes it, without a schema.
    ///
    /// ```
    /// use qanat::{doc, Document};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Debug, PartialEq, Serialize, Deserialize)]
    /// struct User {
    ///     _id: i64,
    ///     name: String,
    ///     age: Option<i32>,
    /// }
    ///
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let db = qanat::Qanat::open("memory:").await?;
    /// let users = db.collection::<User>("users");
    /// let ann = User { _id: 7, name: "ann".into(), age: Some(18) };
    /// users.put(&ann).await?;
    /// assert_eq!(users.get(7).await?.as_ref(), Some(&ann));
    ///
    /// let adults = users.find(doc! {"age": {"$gte": 18}}).sort(doc! {"name": 1}).limit(9);
    /// assert_eq!(adults.all().await?, [ann]);
    ///
    /// // SQL sees the same, and a document without a type is one too.
    /// let name: String = db.sql("SELECT name FROM users").one().await?;
    /// let found: Option<Document> = db.collection("users").get(7).await?;
    /// assert_eq!(found.unwrap().get("name").unwrap().as_str(), Some(name.as_str()));
    /// # Ok::<(), qanat::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn collection<T>(&self, name: &str) -> Collection<T> {
        let place = Place::Store(self.clone(), Arc::default());
        Collection { place, name: name.into(), of: PhantomData }
    }
}

impl Transaction {
    /// A collection in this transaction, as [`Qanat::collection`].
    pub fn collection<T>(&self, name: &str) -> Collection<T> {
        let place = Place::Transaction(self.session.clone());
        Collection { place, name: name.into(), of: PhantomData }
    }
}

impl<T> Collection<T> {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Inserts the value, or replaces the document of the same identity: its `_id`, or the primary
    /// key's columns of a declared table. Without either a fresh ObjectId is made. Answers the
    /// identity.
    ///
    /// # Errors
    /// What has no document; what the table's columns and constraints say.
    pub async fn put(&self, value: &T) -> Result<Value>
    where
        T: Serialize,
    {
        let document = to_document(value)?;
        self.id(Request::Put(document)).await
    }

    /// Inserts the value. Answers its identity.
    ///
    /// # Errors
    /// `23505` where one of the same identity is there; as [`Collection::put`].
    pub async fn insert(&self, value: &T) -> Result<Value>
    where
        T: Serialize,
    {
        let document = to_document(value)?;
        self.id(Request::Insert(document)).await
    }

    /// The value of an identity, if it is there.
    ///
    /// # Errors
    /// The document is not of the type.
    pub async fn get(&self, id: impl Into<Value>) -> Result<Option<T>>
    where
        T: DeserializeOwned,
    {
        match self.ask(Request::Get(id.into())).await? {
            Answer::Documents(found) => found.first().map(|one| self.read(one)).transpose(),
            _ => Err(unasked()),
        }
    }

    /// Deletes the document of an identity; whether it was there.
    ///
    /// # Errors
    /// What the store says.
    pub async fn delete(&self, id: impl Into<Value>) -> Result<bool> {
        match self.ask(Request::Delete(id.into())).await? {
            Answer::Count(count) => Ok(count > 0),
            _ => Err(unasked()),
        }
    }

    /// The documents that satisfy a filter, as MongoDB writes it; `doc! {}` are all. Nothing runs
    /// before [`Find::all`] and its kin.
    pub fn find(&self, filter: Document) -> Find<T> {
        Find::new(self.clone(), filter)
    }

    async fn id(&self, request: Request) -> Result<Value> {
        match self.ask(request).await? {
            Answer::Id(id) => Ok(id),
            _ => Err(unasked()),
        }
    }

    /// Runs a request: in the transaction, or as a commit of its own, again where it must be.
    pub(super) async fn ask(&self, request: Request) -> Result<Answer> {
        let (qanat, spare) = match &self.place {
            Place::Transaction(session) => {
                return session.lock().await.document(&self.name, &request).await;
            }
            Place::Store(qanat, spare) => (qanat, spare),
        };
        let known = spare.lock().take();
        let mut session = match known {
            Some(session) => {
                session.rearm();
                session
            }
            None => qanat.session(SessionOptions::default()).await?,
        };
        let mut tries = 0;
        loop {
            let answer = match session.document(&self.name, &request).await {
                Ok(answer) => session.sync().await.map(|()| answer),
                Err(error) => Err(error),
            };
            tries += 1;
            match answer {
                Ok(answer) => {
                    *spare.lock() = Some(session);
                    return Ok(answer);
                }
                Err(error) => {
                    session.fail().await;
                    if error.kind != ErrorKind::Retry || tries == TRIES {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// A document as the type.
    pub(super) fn read(&self, document: &Document) -> Result<T>
    where
        T: DeserializeOwned,
    {
        ::value::serde::from_document(document).map_err(|error| {
            let id = document.get("_id").cloned().unwrap_or(Value::Null);
            let id = ::value::json::value_to_string(&id, ::value::json::Style::COMPACT);
            let wanted = std::any::type_name::<T>();
            let message =
                format!("a document of \"{}\" is not of type {wanted}: {error}", self.name);
            let detail = format!("The document's _id is {id}.");
            Error::new(ErrorKind::Type, "42804", message).detail(detail)
        })
    }
}

fn to_document<T: Serialize>(value: &T) -> Result<Document> {
    ::value::serde::to_document(value).map_err(|error| {
        let of = std::any::type_name::<T>();
        Error::new(
            ErrorKind::Type,
            "42804",
            format!("a value of type {of} is no document: {error}"),
        )
    })
}

#[cold]
pub(super) fn unasked() -> Error {
    Error::internal("a collection answered what was not asked")
}
