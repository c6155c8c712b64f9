//! Databases and schemas.

use std::collections::BTreeMap;
use std::sync::Arc;

use transaction::LockMode;

use crate::error::{Error, ObjectKind, Result};
use crate::key;
use crate::names::{self, PUBLIC};
use crate::record;
use crate::schema::*;
use crate::work::Work;

impl Work {
    /// CREATE DATABASE. It has the schema `public`.
    pub async fn create_database(&self, name: &str) -> Result<Arc<Database>> {
        names::check_database(name)?;
        let taken = self.lock_key(key::database(name), LockMode::Update).await?;
        if taken.is_some() {
            return Err(Error::duplicate(ObjectKind::Database, name));
        }
        let id = DatabaseId(self.model.number().await?);
        self.write_database(Database { id, name: name.to_owned(), schemas: BTreeMap::new() })
    }

    fn write_database(&self, database: Database) -> Result<Arc<Database>> {
        let record = record::encode_database(&database);
        self.buffer.put(key::database(&database.name), record.into())?;
        let database = Arc::new(database);
        self.change(|picture| picture.databases.insert(database.name.clone(), database.clone()))?;
        Ok(database)
    }

    /// Locks a database for change: waits for those who create something in it.
    async fn exclude_database(&self, name: &str) -> Result<Arc<Database>> {
        let undefined = || Error::undefined(ObjectKind::Database, name);
        let known = self.catalogue().database(name).cloned().ok_or_else(undefined)?;
        let latest = self.lock_key(key::database(name), LockMode::Update).await?;
        match latest.map(|bytes| record::decode_database(&bytes)).transpose()? {
            Some(latest) if latest == *known => Ok(known),
            Some(_) => Err(transaction::Error::Conflict.into()),
            None => Err(undefined()),
        }
    }

    /// DROP DATABASE with everything in it. That nobody is connected to it is for the caller to see
    /// to.
    pub async fn drop_database(&self, name: &str) -> Result<()> {
        let database = self.exclude_database(name).await?;
        self.empty(database.id, None).await?;
        self.buffer.delete(key::database(name))?;
        self.change(|picture| picture.databases.remove(name)).map(drop)
    }

    /// Drops every collection and sequence of a database, or of one of its schemas.
    async fn empty(&self, database: DatabaseId, schema: Option<&str>) -> Result<()> {
        let catalogue = self.catalogue();
        let inside = |name: &str| schema.is_none_or(|schema| schema == name);
        for collection in catalogue.collections_of(database) {
            if inside(&collection.schema) {
                self.drop_collection(collection.id).await?;
            }
        }
        let catalogue = self.catalogue();
        for sequence in catalogue.sequences.values() {
            if sequence.database == database && inside(&sequence.schema) {
                self.drop_sequence(sequence.id).await?;
            }
        }
        Ok(())
    }

    /// ALTER DATABASE … RENAME TO.
    pub async fn rename_database(&self, from: &str, to: &str) -> Result<Arc<Database>> {
        names::check_database(to)?;
        let database = self.exclude_database(from).await?;
        if self.lock_key(key::database(to), LockMode::Update).await?.is_some() {
            return Err(Error::duplicate(ObjectKind::Database, to));
        }
        self.buffer.delete(key::database(from))?;
        self.change(|picture| picture.databases.remove(from))?;
        self.write_database(Database { name: to.to_owned(), ..(*database).clone() })
    }

    /// CREATE SCHEMA.
    pub async fn create_schema(&self, database: DatabaseId, name: &str) -> Result<ObjectNumber> {
        names::check_schema(name)?;
        let known = self.database(database)?;
        let known = self.exclude_database(&known.name).await?;
        if name == PUBLIC || known.schemas.contains_key(name) {
            return Err(Error::duplicate(ObjectKind::Schema, name));
        }
        let number = self.new_number().await?;
        let mut after = (*known).clone();
        after.schemas.insert(name.to_owned(), number);
        self.write_database(after)?;
        Ok(number)
    }

    /// DROP SCHEMA; with `cascade` everything in it as well.
    pub async fn drop_schema(&self, database: DatabaseId, name: &str, cascade: bool) -> Result<()> {
        let known = self.database(database)?;
        let known = self.exclude_database(&known.name).await?;
        if name == PUBLIC {
            return Err(Error::Unsupported("DROP SCHEMA public".into()));
        }
        if !known.schemas.contains_key(name) {
            return Err(Error::undefined(ObjectKind::Schema, name));
        }
        let catalogue = self.catalogue();
        let inside = catalogue.relations.iter().filter(|((db, schema, _), relation)| {
            *db == database && schema == name && !matches!(relation, Relation::Index(..))
        });
        let dependents: Vec<String> =
            inside.map(|((_, schema, name), _)| format!("{schema}.{name}")).collect();
        if !cascade && !dependents.is_empty() {
            let (what, name) = (ObjectKind::Schema, name.to_owned());
            return Err(Error::Dependent { what, name, dependents });
        }
        self.empty(database, Some(name)).await?;
        let mut after = (*known).clone();
        after.schemas.remove(name);
        self.write_database(after).map(drop)
    }

    /// ALTER SCHEMA … RENAME TO. The records of what is in it move; data and ids stay.
    pub async fn rename_schema(&self, database: DatabaseId, from: &str, to: &str) -> Result<()> {
        names::check_schema(to)?;
        let known = self.database(database)?;
        let known = self.exclude_database(&known.name).await?;
        let undefined = || Error::undefined(ObjectKind::Schema, from);
        let number = *known.schemas.get(from).ok_or_else(undefined)?;
        if to == PUBLIC || known.schemas.contains_key(to) {
            return Err(Error::duplicate(ObjectKind::Schema, to));
        }
        let mut after = (*known).clone();
        after.schemas.remove(from);
        after.schemas.insert(to.to_owned(), number);
        self.write_database(after)?;
        let catalogue = self.catalogue();
        for collection in catalogue.collections_of(database).filter(|c| c.schema == from) {
            self.move_collection(collection.id, to).await?;
        }
        let catalogue = self.catalogue();
        for sequence in catalogue.sequences.values() {
            if sequence.database == database && sequence.schema == from {
                let moved = Sequence { schema: to.to_owned(), ..(**sequence).clone() };
                self.replace_sequence(sequence, moved).await?;
            }
        }
        Ok(())
    }
}
