//! Sequences: their definitions. Their values are in `crate::sequence`.

use std::sync::Arc;

use transaction::LockMode;

use super::{NewColumn, NewGenerator};
use crate::error::{Error, ObjectKind, Result};
use crate::key;
use crate::names;
use crate::record;
use crate::schema::*;
use crate::types::{Scalar, Type};
use crate::work::Work;

/// What CREATE SEQUENCE may say; `None` takes PostgreSQL's default.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // as `Sequence`
pub struct SequenceOptions {
    pub name: Option<String>,
    pub ty: Type,
    pub start: Option<i64>,
    pub increment: i64,
    pub min: Option<i64>,
    pub max: Option<i64>,
    pub cycle: bool,
    pub cache: i64,
}

impl SequenceOptions {
    /// Ascending from 1 by 1, of a type.
    pub fn of(ty: Type) -> Self {
        SequenceOptions {
            name: None,
            ty,
            start: None,
            increment: 1,
            min: None,
            max: None,
            cycle: false,
            cache: 1,
        }
    }

    fn bounds(&self) -> Result<(i64, i64, i64)> {
        let (low, high) = match self.ty.scalar {
            Scalar::Int2 => (i16::MIN.into(), i16::MAX.into()),
            Scalar::Int4 => (i32::MIN.into(), i32::MAX.into()),
            Scalar::Int8 => (i64::MIN, i64::MAX),
            _ => return definition("sequence type must be smallint, integer, or bigint".into()),
        };
        let up = self.increment > 0;
        let min = self.min.unwrap_or(if up { 1 } else { low });
        let max = self.max.unwrap_or(if up { high } else { -1 });
        let start = self.start.unwrap_or(if up { min } else { max });
        if self.increment == 0 {
            return definition("INCREMENT must not be zero".into());
        }
        if min < low || max > high {
            return definition(format!("bounds are out of range for type {}", self.ty.display(-1)));
        }
        if min >= max {
            return definition(format!("MINVALUE ({min}) must be less than MAXVALUE ({max})"));
        }
        if start < min {
            return definition(format!(
                "START value ({start}) cannot be less than MINVALUE ({min})"
            ));
        }
        if start > max {
            return definition(format!(
                "START value ({start}) cannot be greater than MAXVALUE ({max})"
            ));
        }
        if self.cache < 1 {
            return definition(format!("CACHE ({}) must be greater than zero", self.cache));
        }
        Ok((min, max, start))
    }
}

fn definition<T>(message: String) -> Result<T> {
    Err(Error::Definition(message))
}

impl Work {
    /// CREATE SEQUENCE.
    pub async fn create_sequence(
        &self,
        database: DatabaseId,
        schema: &str,
        name: &str,
        options: &SequenceOptions,
        owner: Option<(CollectionId, ColumnId)>,
    ) -> Result<Arc<Sequence>> {
        names::check_relation(schema, name)?;
        self.stay_in(database, schema).await?;
        self.take_name(database, schema, name).await?;
        let (min, max, start) = options.bounds()?;
        let id = self.new_number().await?;
        self.write_sequence(Sequence {
            id,
            database,
            schema: schema.to_owned(),
            name: name.to_owned(),
            ty: options.ty,
            start,
            increment: options.increment,
            min,
            max,
            cycle: options.cycle,
            cache: options.cache,
            owner,
        })
    }

    fn write_sequence(&self, sequence: Sequence) -> Result<Arc<Sequence>> {
        let key = key::relation(sequence.database, &sequence.schema, &sequence.name);
        self.buffer.put(key, record::encode_sequence(&sequence).into())?;
        let sequence = Arc::new(sequence);
        self.change(|picture| picture.put_sequence(sequence.clone()))?;
        Ok(sequence)
    }

    /// The sequence of a SERIAL or IDENTITY column, named as PostgreSQL names it.
    pub(super) async fn make_owned_sequence(
        &self,
        collection: &Collection,
        column: &NewColumn,
        id: ColumnId,
        options: &SequenceOptions,
    ) -> Result<ObjectNumber> {
        if !matches!(column.generator, NewGenerator::Serial(_) | NewGenerator::Identity { .. }) {
            return Err(Error::Internal("a sequence for a column that takes none"));
        }
        let (database, schema) = (collection.database, collection.schema.as_str());
        let name = match &options.name {
            Some(name) => name.clone(),
            None => {
                let base = format!("{}_{}_seq", collection.name, column.name);
                self.free_name(database, schema, &base).await?
            }
        };
        let owner = Some((collection.id, id));
        Ok(self.create_sequence(database, schema, &name, options, owner).await?.id)
    }

    /// ALTER SEQUENCE: a new definition under the same number. The position stays.
    pub async fn alter_sequence(
        &self,
        id: ObjectNumber,
        options: &SequenceOptions,
    ) -> Result<Arc<Sequence>> {
        let before = self.sequence_of(id)?;
        let (min, max, start) = options.bounds()?;
        let after = Sequence {
            ty: options.ty,
            start,
            increment: options.increment,
            min,
            max,
            cycle: options.cycle,
            cache: options.cache,
            ..(*before).clone()
        };
        self.replace_sequence(&before, after).await
    }

    /// ALTER SEQUENCE … RENAME TO.
    pub async fn rename_sequence(&self, id: ObjectNumber, to: &str) -> Result<Arc<Sequence>> {
        let before = self.sequence_of(id)?;
        names::check_relation(&before.schema, to)?;
        let after = Sequence { name: to.to_owned(), ..(*before).clone() };
        self.replace_sequence(&before, after).await
    }

    fn sequence_of(&self, id: ObjectNumber) -> Result<Arc<Sequence>> {
        let catalogue = self.catalogue();
        let sequence = catalogue.sequences.get(&id).cloned();
        sequence.ok_or_else(|| Error::undefined(ObjectKind::Sequence, id.0.to_string()))
    }

    pub(super) async fn replace_sequence(
        &self,
        before: &Sequence,
        after: Sequence,
    ) -> Result<Arc<Sequence>> {
        let key = key::relation(before.database, &before.schema, &before.name);
        let latest = self.lock_key(key, LockMode::Update).await?;
        if latest.is_none_or(|latest| latest.as_ref() != record::encode_sequence(before)) {
            return Err(transaction::Error::Conflict.into());
        }
        if (&before.schema, &before.name) != (&after.schema, &after.name) {
            self.take_name(after.database, &after.schema, &after.name).await?;
            self.drop_name(before.database, &before.schema, &before.name)?;
        }
        self.write_sequence(after)
    }

    /// DROP SEQUENCE. One that a column's generator uses is refused, unless the column goes first.
    pub async fn drop_sequence(&self, id: ObjectNumber) -> Result<()> {
        let sequence = self.sequence_of(id)?;
        let owner = sequence.owner.and_then(|(collection, column)| {
            let catalogue = self.catalogue();
            let collection = catalogue.collections.get(&collection)?.clone();
            let name = collection.column_by_id(column)?.name.clone();
            let used = collection.sequences.get(&column) == Some(&id);
            used.then(|| format!("default value for column {name} of table {}", collection.name))
        });
        if let Some(dependent) = owner {
            let (what, name) = (ObjectKind::Sequence, sequence.name.clone());
            return Err(Error::Dependent { what, name, dependents: vec![dependent] });
        }
        self.lock_key(
            key::relation(sequence.database, &sequence.schema, &sequence.name),
            LockMode::Update,
        )
        .await?;
        self.remove_sequence(id)
    }

    /// Takes a sequence away with its owner, under the owner's lock.
    pub(super) fn remove_sequence(&self, id: ObjectNumber) -> Result<()> {
        let sequence = self.sequence_of(id)?;
        self.drop_name(sequence.database, &sequence.schema, &sequence.name)?;
        let (last, called) = key::sequence(id);
        self.buffer.delete(last)?;
        self.buffer.delete(called)?;
        self.change(|picture| picture.sequences.remove(&id)).map(drop)
    }
}
