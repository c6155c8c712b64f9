//! Indexes made in the transaction that asks for them: under the exclusive lock, ready at once.
//!
//! The index is filled from the rows as this transaction sees them. Nobody else can write
//! meanwhile, so nothing is missed; entries are staged under the fresh index id where the store
//! offers that, and memory is bounded. For a table in use see `build`, which keeps nobody out for
//! longer than a catalogue write.

use std::sync::Arc;

use super::create::{ELEMENTS_MAX, validate};
use super::{NewElement, NewIndex, NewSource};
use crate::error::{Error, ObjectKind, Result};
use crate::job::Job;
use crate::names;
use crate::schema::*;
use crate::types::Scalar;
use crate::work::Work;

impl Work {
    /// An index with its numbers, its name taken.
    pub(super) async fn make_index(&self, collection: &Collection, new: NewIndex) -> Result<Index> {
        if new.elements.is_empty() || new.elements.len() > ELEMENTS_MAX {
            return Err(Error::Limit { what: "elements of an index", limit: ELEMENTS_MAX });
        }
        let elements = new.elements.iter().map(|element| resolve(collection, element));
        let elements: Vec<IndexElement> = elements.collect::<Result<_>>()?;
        let (database, schema) = (collection.database, collection.schema.as_str());
        let name = match &new.name {
            Some(name) => {
                names::check_relation(schema, name)?;
                self.take_name(database, schema, name).await?;
                name.clone()
            }
            None => self.free_name(database, schema, &default_name(collection, &new)).await?,
        };
        let constraint = match new.constraint {
            true => Some(self.new_number().await?),
            false => None,
        };
        Ok(Index {
            id: IndexId(self.model.number().await?),
            name,
            elements,
            unique: new.unique,
            nulls_distinct: new.nulls_distinct,
            array_elements: new.array_elements,
            predicate: new.predicate,
            constraint,
            state: IndexState::Ready,
        })
    }

    /// CREATE INDEX within a transaction.
    pub async fn create_index(&self, id: CollectionId, new: NewIndex) -> Result<Index> {
        let before = self.exclude(id).await?;
        let index = self.make_index(&before, new).await?;
        let after = self.replace(&before, |collection| {
            collection.indexes.push(index.clone());
            validate(collection, &*self.model.0.options.expressions)
        })?;
        self.write_index_name(&after, index.id, &index.name)?;
        self.fill_index(&after, &index).await?;
        Ok(index)
    }

    /// DROP INDEX. One that a constraint owns is refused.
    pub async fn drop_index(&self, id: CollectionId, index: IndexId) -> Result<Arc<Collection>> {
        let before = self.exclude(id).await?;
        let undefined = || Error::undefined(ObjectKind::Index, index.0.to_string());
        if before.primary_key.id == index {
            let name = before.primary_key.name.clone();
            return Err(owned(name.clone(), &name, &before));
        }
        let found = before.index_by_id(index).ok_or_else(undefined)?;
        if found.constraint.is_some() {
            return Err(owned(found.name.clone(), &found.name, &before));
        }
        self.remove_index(&before, index).await
    }

    /// Takes an index away, whoever owns it; the collection is locked.
    pub(super) async fn remove_index(
        &self,
        before: &Arc<Collection>,
        id: IndexId,
    ) -> Result<Arc<Collection>> {
        let after = self.replace(before, |collection| {
            collection.indexes.retain(|index| index.id != id);
            Ok(())
        })?;
        if let Some(index) = before.index_by_id(id) {
            self.drop_name(before.database, &before.schema, &index.name)?;
            self.leave(Job::EmptyIndex(before.storage, id)).await?;
        }
        Ok(after)
    }

    /// ALTER INDEX … RENAME TO, for the primary key's index too; the constraint that owns it is
    /// renamed with it.
    pub async fn rename_index(
        &self,
        id: CollectionId,
        index: IndexId,
        to: &str,
    ) -> Result<Arc<Collection>> {
        let before = self.exclude(id).await?;
        names::check_relation(&before.schema, to)?;
        self.take_name(before.database, &before.schema, to).await?;
        let mut from = None;
        let after = self.replace(&before, |collection| {
            let key = &mut collection.primary_key;
            let name = match key.id == index {
                true => Some(&mut key.name),
                false => {
                    let mut all = collection.indexes.iter_mut();
                    all.find(|other| other.id == index).map(|other| &mut other.name)
                }
            };
            let undefined = || Error::undefined(ObjectKind::Index, index.0.to_string());
            let name = name.ok_or_else(undefined)?;
            from = Some(std::mem::replace(name, to.to_owned()));
            Ok(())
        })?;
        if let Some(from) = from {
            self.drop_name(before.database, &before.schema, &from)?;
        }
        self.write_index_name(&after, index, to)?;
        Ok(after)
    }
}

fn owned(name: String, constraint: &str, collection: &Collection) -> Error {
    let dependents = vec![format!("constraint {constraint} on table {}", collection.name)];
    Error::Dependent { what: ObjectKind::Index, name, dependents }
}

fn resolve(collection: &Collection, new: &NewElement) -> Result<IndexElement> {
    let source = match &new.source {
        NewSource::Column(name) => {
            let undefined = || Error::undefined(ObjectKind::Column, name.as_str());
            let column = collection.column(name).ok_or_else(undefined)?;
            if column.ty.scalar == Scalar::Json && !column.ty.array {
                return Err(Error::Definition("type json has no order".into()));
            }
            ElementSource::Column(column.id)
        }
        NewSource::Path(path) if path.is_empty() => {
            return Err(Error::Definition("an empty path cannot be indexed".into()));
        }
        NewSource::Path(path) => ElementSource::Path(path.clone()),
        NewSource::Expression(text) => ElementSource::Expression(text.clone()),
    };
    Ok(IndexElement { source, descending: new.descending, nulls_first: new.nulls_first })
}

/// `table_a_b_key` for a constraint, `table_a_b_idx` else; an expression is called `expr`.
fn default_name(collection: &Collection, new: &NewIndex) -> String {
    let mut name = collection.name.clone();
    for element in &new.elements {
        name.push('_');
        match &element.source {
            NewSource::Column(column) => name.push_str(column),
            NewSource::Path(path) => name.push_str(&path.join("_")),
            NewSource::Expression(_) => name.push_str("expr"),
        }
    }
    name.push_str(if new.constraint { "_key" } else { "_idx" });
    name
}
