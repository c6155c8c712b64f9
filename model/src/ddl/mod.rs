//! Changes of the catalogue, all of them ordinary writes of the transaction.
//!
//! ```text
//!   lock  the names that are to be free, the collection (exclusive), the database (shared)
//!   write the new records, the lock key's version, +1 on the catalogue's counter
//!   and   the picture of this transaction; everybody else sees the change with the commit, whole
//! ```
//!
//! **Invariants**
//! - A name is locked and its latest record read before it is taken, so two transactions never both
//!   take it.
//! - Whatever changes what a writer must do (columns, constraints, indexes, storage) is written
//!   under the collection's exclusive lock and counts its version; a writer that waited for the
//!   lock sees the new version and starts over.
//! - Data is never rewritten where a record can say the same: columns and tables are renamed, added
//!   and dropped in O(1).
//! - What is dropped is only unnamed; a job record hands the keys to the sweeper.
//!
//! Rejected: a catalogue lock for the whole store. CREATE TABLE of one tenant would wait for the
//! ALTER of another.

mod build;
mod column;
mod constraint;
mod create;
mod database;
mod index;
mod rewrite;
mod sequence;

use std::sync::Arc;

use bytes::Bytes;
use transaction::{Durability, LockMode, LockRequest, Locked, Wait};

pub use create::{
    NewCheck, NewCollection, NewColumn, NewElement, NewGenerator, NewIndex, NewKey, NewSource,
};
pub use sequence::SequenceOptions;

use crate::error::{Error, ObjectKind, Result};
use crate::job::Job;
use crate::key;
use crate::record;
use crate::schema::*;
use crate::work::{Staged, Work};

impl Work {
    fn ddl_wait(&self) -> Wait {
        match self.wait() {
            Wait::Forever => Wait::For(self.model.0.options.ddl_wait),
            Wait::Skip => Wait::No,
            other => other,
        }
    }

    /// Locks a key and reads its latest value.
    async fn lock_key(&self, key: Bytes, mode: LockMode) -> Result<Option<Bytes>> {
        let request = [LockRequest { key, mode }];
        match self.buffer.lock(&request, self.ddl_wait()).await?.pop() {
            Some(Locked::Held { value, .. }) => Ok(value),
            _ => Err(Error::Internal("a lock was skipped that was waited for")),
        }
    }

    /// Locks a name of a schema and refuses one that is taken.
    async fn take_name(&self, database: DatabaseId, schema: &str, name: &str) -> Result<()> {
        let key = key::relation(database, schema, name);
        match self.lock_key(key, LockMode::Update).await? {
            Some(_) => Err(Error::duplicate(ObjectKind::Relation, name)),
            None => Ok(()),
        }
    }

    /// Keeps a database from being dropped until the end of the transaction, and checks that it has
    /// the schema.
    async fn stay_in(&self, database: DatabaseId, schema: &str) -> Result<Arc<Database>> {
        let known = self.database(database)?;
        let value = self.lock_key(key::database(&known.name), LockMode::KeyShare).await?;
        let gone = || Error::undefined(ObjectKind::Database, known.name.as_str());
        let latest = record::decode_database(&value.ok_or_else(gone)?)?;
        if latest.id != database {
            return Err(gone());
        }
        if schema != crate::names::PUBLIC && !latest.schemas.contains_key(schema) {
            return Err(Error::undefined(ObjectKind::Schema, schema));
        }
        Ok(known)
    }

    /// Writes a collection's record and version, and puts it into the picture.
    fn write_collection(&self, collection: Collection) -> Result<Arc<Collection>> {
        let key = key::relation(collection.database, &collection.schema, &collection.name);
        self.buffer.put(key, record::encode_collection(&collection).into())?;
        let version = record::encode_version(collection.version);
        self.buffer.put(key::collection_lock(collection.id), version.into())?;
        let collection = Arc::new(collection);
        self.change(|picture| picture.put_collection(collection.clone()))?;
        Ok(collection)
    }

    /// Changes the record of a collection that is locked exclusively; its version goes up by one.
    pub(crate) fn replace(
        &self,
        before: &Collection,
        change: impl FnOnce(&mut Collection) -> Result<()>,
    ) -> Result<Arc<Collection>> {
        let mut after = before.clone();
        change(&mut after)?;
        after.version = before.version + 1;
        if (&after.schema, &after.name) != (&before.schema, &before.name) {
            self.drop_name(before.database, &before.schema, &before.name)?;
        }
        self.write_collection(after)
    }

    pub(crate) fn write_index_name(
        &self,
        collection: &Collection,
        id: IndexId,
        name: &str,
    ) -> Result<()> {
        let key = key::relation(collection.database, &collection.schema, name);
        self.buffer.put(key, record::encode_index_name(collection, id, name).into())?;
        let place = (collection.database, collection.schema.clone(), name.to_owned());
        let relation = Relation::Index(collection.id, id);
        self.change(|picture| picture.relations.insert(place, relation)).map(drop)
    }

    fn drop_name(&self, database: DatabaseId, schema: &str, name: &str) -> Result<()> {
        self.buffer.delete(key::relation(database, schema, name))?;
        self.change(|picture| picture.remove_name(database, schema, name))
    }

    /// Leaves work for the sweeper.
    pub(crate) async fn leave(&self, job: Job) -> Result<ObjectNumber> {
        let number = ObjectNumber(self.model.number().await?);
        self.buffer.put(key::job(number), job.encode().into())?;
        Ok(number)
    }

    /// Makes sure that what will be staged under an id is swept if this transaction does not
    /// commit: the job is there before the first row, this transaction's lock keeps the sweeper
    /// off, and its commit takes the job away.
    pub(crate) async fn answer_for(&self, staged: Staged) -> Result<()> {
        let job = match staged {
            Staged::Storage(storage) => Job::EmptyStorage(storage),
            Staged::Index(storage, index) => Job::EmptyIndex(storage, index),
        };
        let key = key::job(self.new_number().await?);
        loop {
            let small = self.model.small().await?;
            small.put(key.clone(), job.encode().into())?;
            small.commit(Durability::Sync, Bytes::new(), true).await?;
            // A sweeper may have been faster.
            if self.lock_key(key.clone(), LockMode::Update).await?.is_some() {
                self.buffer.delete(key)?;
                self.state.lock().staged.push(staged);
                return Ok(());
            }
        }
    }

    /// Gives a collection another storage id.
    pub(crate) fn move_storage(
        &self,
        before: &Collection,
        storage: StorageId,
    ) -> Result<Arc<Collection>> {
        self.replace(before, |collection| {
            collection.storage = storage;
            Ok(())
        })
    }

    /// A name that is free in a schema: `base`, or `base1`, `base2`, …
    async fn free_name(&self, database: DatabaseId, schema: &str, base: &str) -> Result<String> {
        for suffix in 0..10_000u32 {
            let name = if suffix == 0 { base.to_owned() } else { format!("{base}{suffix}") };
            if self.catalogue().relation(database, schema, &name).is_some() {
                continue;
            }
            match self.take_name(database, schema, &name).await {
                Err(Error::Duplicate { .. }) => continue,
                other => return other.map(|()| name),
            }
        }
        Err(Error::duplicate(ObjectKind::Relation, base))
    }

    async fn new_number(&self) -> Result<ObjectNumber> {
        self.model.number().await.map(ObjectNumber)
    }
}
