//! Columns of tables that exist.
//!
//! ```text
//!   ADD COLUMN … DEFAULT 7    the record says: older rows have 7        O(1)
//!   ADD COLUMN … volatile     every row gets its own                    rewrite
//!   DROP, RENAME              the record alone                          O(1)
//!   TYPE, bytes stay          integer ↔ bigint, varchar(n) ↔ text       record, and a check scan where it narrows
//!   TYPE, other               every value converted                     rewrite
//! ```

use std::sync::Arc;

use transaction::{Direction, PageLimit};

use super::create::validate;
use super::{NewColumn, NewGenerator, SequenceOptions};
use crate::datum::{Arena, Datum};
use crate::error::{Error, ObjectKind, Result};
use crate::names;
use crate::row::{self, Form, RowReader, form};
use crate::schema::*;
use crate::types::{Scalar, Type};
use crate::work::{Compiled, RangeScan, Seeing, Work};

impl Work {
    /// ALTER TABLE … ADD COLUMN.
    pub async fn add_column(&self, id: CollectionId, new: NewColumn) -> Result<Arc<Collection>> {
        let before = self.exclude(id).await?;
        let mut after = (*before).clone();
        after.version += 1;
        let mut column = self.make_column(&mut after, new).await?;
        let adopts = self.dictionary_now(id).await?.contains_key(&column.name);
        after.columns.push(column.clone());
        validate(&after, &*self.model.0.options.expressions)?;
        let position = after.columns.len() - 1;
        let each_row = match &column.generator {
            Some(Generator::Default(_)) => self.is_volatile(&after, position)?,
            Some(_) => true,
            None => false,
        };
        let name = column.name.clone();
        let changed = if each_row || adopts {
            let changed = self.rewrite(&before, after).await?;
            if adopts {
                self.forget_field(&changed, &name).await?;
            }
            self.collection(id)?
        } else {
            column.missing = self.default_value(&after, position)?;
            let empty_is_wrong = column.not_null && column.missing.is_none();
            if empty_is_wrong && self.has_rows(&before).await? {
                let collection = before.name.clone();
                return Err(Error::ContainsNull { collection, column: name });
            }
            if let Some(last) = after.columns.last_mut() {
                *last = column;
            }
            self.replace(&before, |collection| {
                *collection = after;
                Ok(())
            })?
        };
        Ok(changed)
    }

    fn is_volatile(&self, collection: &Collection, position: usize) -> Result<bool> {
        let compiled = Compiled::new(collection, &*self.model.0.options.expressions)?;
        let evaluator = compiled.generated.get(position).and_then(Option::as_ref);
        Ok(evaluator.is_some_and(|evaluator| evaluator.is_volatile()))
    }

    /// The value of a column's default now; `None` for NULL and for no default.
    fn default_value(
        &self,
        collection: &Collection,
        position: usize,
    ) -> Result<Option<value::Value>> {
        let compiled = Compiled::new(collection, &*self.model.0.options.expressions)?;
        let Some(Some(evaluator)) = compiled.generated.get(position) else { return Ok(None) };
        let arena = Arena::new();
        let row = vec![Datum::Null; collection.columns.len()];
        let datum =
            evaluator.evaluate(&*self.environment, &row, &arena).map_err(Error::Expression)?;
        if datum.is_null() {
            return Ok(None);
        }
        row::to_value(&datum, collection.columns[position].ty).map(Some)
    }

    async fn has_rows(&self, collection: &Arc<Collection>) -> Result<bool> {
        let mut scan = RangeScan::whole(collection.clone(), Direction::Forward, Seeing::LATEST);
        Ok(scan.next(self, PageLimit::records(1)).await?.is_some())
    }

    /// ALTER TABLE … DROP COLUMN, with the indexes and constraints that read it. Without `cascade`
    /// a generated column that reads it is a refusal.
    pub async fn drop_column(
        &self,
        id: CollectionId,
        name: &str,
        cascade: bool,
    ) -> Result<Arc<Collection>> {
        let mut before = self.exclude(id).await?;
        let column = column_of(&before, name)?.clone();
        if column.id == ColumnId::SYSTEM_ID {
            return Err(Error::Unsupported(format!("DROP COLUMN {name}")));
        }
        for reader in self.stored_readers(&before, column.id)? {
            if !cascade {
                let dependents = vec![format!("column {reader} of table {}", before.name)];
                let (what, name) = (ObjectKind::Column, name.to_owned());
                return Err(Error::Dependent { what, name, dependents });
            }
            before = Box::pin(self.drop_column(id, &reader, true)).await?;
        }
        if before.key_position(column.id).is_some() {
            let key = before.primary_key.name.clone();
            before = self.drop_constraint(id, &key).await?;
        }
        let compiled = self.model.compiled(&before)?;
        let indexes: Vec<IndexId> = before
            .indexes
            .iter()
            .zip(&compiled.indexes)
            .filter(|(index, compiled)| reads(index, &column) || compiled.reads(column.id))
            .map(|(index, _)| index.id)
            .collect();
        let checks: Vec<String> = before
            .checks
            .iter()
            .zip(&compiled.checks)
            .filter(|(_, check)| check.columns().contains(&column.id))
            .map(|(check, _)| check.name.clone())
            .collect();
        for index in indexes {
            before = self.remove_index(&before, index).await?;
        }
        if let Some(sequence) = before.sequences.get(&column.id) {
            self.remove_sequence(*sequence)?;
        }
        self.replace(&before, |collection| {
            collection.columns.retain(|other| other.id != column.id);
            collection.checks.retain(|check| !checks.contains(&check.name));
            collection.sequences.remove(&column.id);
            Ok(())
        })
    }

    /// The generated columns that read a column.
    fn stored_readers(&self, collection: &Arc<Collection>, id: ColumnId) -> Result<Vec<String>> {
        let compiled = self.model.compiled(collection)?;
        let readers =
            collection.columns.iter().zip(&compiled.generated).filter(|(column, made)| {
                let stored = matches!(column.generator, Some(Generator::Stored(_)));
                stored && made.as_ref().is_some_and(|made| made.columns().contains(&id))
            });
        Ok(readers.map(|(column, _)| column.name.clone()).collect())
    }

    /// ALTER TABLE … RENAME COLUMN; texts that read it follow.
    pub async fn rename_column(
        &self,
        id: CollectionId,
        from: &str,
        to: &str,
    ) -> Result<Arc<Collection>> {
        let before = self.exclude(id).await?;
        let column = column_of(&before, from)?.id;
        names::check(ObjectKind::Column, to)?;
        let fields = self.dictionary_now(id).await?;
        let taken = before.column(to).is_some() || fields.contains_key(to);
        if taken || to == row::ID || column == ColumnId::SYSTEM_ID {
            return Err(Error::duplicate(ObjectKind::Column, to));
        }
        let expressions = &self.model.0.options.expressions;
        let rename = |text: &mut String| {
            *text =
                expressions.rename_column(text, &before, from, to).map_err(Error::Expression)?;
            Ok::<(), Error>(())
        };
        self.replace(&before, |collection| {
            for other in &mut collection.columns {
                if other.id == column {
                    other.name = to.to_owned();
                }
                if let Some(Generator::Stored(text)) = &mut other.generator {
                    rename(text)?;
                }
            }
            for check in &mut collection.checks {
                rename(&mut check.expression)?;
            }
            for index in &mut collection.indexes {
                if let Some(text) = &mut index.predicate {
                    rename(text)?;
                }
                for element in &mut index.elements {
                    match &mut element.source {
                        ElementSource::Expression(text) => rename(text)?,
                        ElementSource::Path(path) => {
                            if let Some(first) = path.first_mut().filter(|first| *first == from) {
                                *first = to.to_owned();
                            }
                        }
                        ElementSource::Column(_) => {}
                    }
                }
            }
            Ok(())
        })
    }

    /// ALTER COLUMN … SET DEFAULT, DROP DEFAULT. Rows that are there keep what they have.
    pub async fn set_default(
        &self,
        id: CollectionId,
        name: &str,
        default: Option<String>,
    ) -> Result<Arc<Collection>> {
        let before = self.exclude(id).await?;
        match &column_of(&before, name)?.generator {
            None | Some(Generator::Default(_) | Generator::Serial(_)) => {}
            Some(_) => {
                return Err(Error::Definition(format!(
                    "column \"{name}\" of relation \"{}\" is generated",
                    before.name
                )));
            }
        }
        self.change_column(&before, name, |column| {
            column.generator = default.map(Generator::Default)
        })
    }

    fn change_column(
        &self,
        before: &Arc<Collection>,
        name: &str,
        change: impl FnOnce(&mut Column),
    ) -> Result<Arc<Collection>> {
        self.replace(before, |collection| {
            if let Some(column) = collection.columns.iter_mut().find(|column| column.name == name) {
                change(column);
            }
            validate(collection, &*self.model.0.options.expressions)
        })
    }

    /// ALTER COLUMN … ADD GENERATED … AS IDENTITY. The column must be NOT NULL.
    pub async fn add_identity(
        &self,
        id: CollectionId,
        name: &str,
        always: bool,
        options: SequenceOptions,
    ) -> Result<Arc<Collection>> {
        let before = self.exclude(id).await?;
        let column = column_of(&before, name)?.clone();
        let trouble = match &column.generator {
            _ if !column.not_null => "must be declared NOT NULL before identity can be added",
            _ if is_identity(&column) => "is already an identity column",
            Some(_) => "already has a default value",
            None => "",
        };
        if !trouble.is_empty() {
            let table = &before.name;
            return Err(Error::NotReady(format!(
                "column \"{name}\" of relation \"{table}\" {trouble}"
            )));
        }
        let new = NewColumn {
            name: column.name.clone(),
            ty: column.ty,
            modifier: column.modifier,
            not_null: true,
            generator: NewGenerator::Identity { always, options: options.clone() },
        };
        let sequence = self.make_owned_sequence(&before, &new, column.id, &options).await?;
        self.replace(&before, |collection| {
            collection.sequences.insert(column.id, sequence);
            if let Some(column) = collection.columns.iter_mut().find(|c| c.id == column.id) {
                column.generator = Some(match always {
                    true => Generator::IdentityAlways(sequence),
                    false => Generator::IdentityByDefault(sequence),
                });
            }
            Ok(())
        })
    }

    /// ALTER COLUMN … DROP IDENTITY, and DROP EXPRESSION of a stored column: the values stay.
    pub async fn drop_generator(&self, id: CollectionId, name: &str) -> Result<Arc<Collection>> {
        let before = self.exclude(id).await?;
        let column = column_of(&before, name)?.id;
        if let Some(sequence) = before.sequences.get(&column) {
            self.remove_sequence(*sequence)?;
        }
        self.replace(&before, |collection| {
            collection.sequences.remove(&column);
            if let Some(column) = collection.columns.iter_mut().find(|other| other.id == column) {
                column.generator = None;
            }
            Ok(())
        })
    }

    /// ALTER COLUMN … SET NOT NULL (every row is looked at), DROP NOT NULL.
    pub async fn set_not_null(
        &self,
        id: CollectionId,
        name: &str,
        not_null: bool,
    ) -> Result<Arc<Collection>> {
        let before = self.exclude(id).await?;
        let column = column_of(&before, name)?.clone();
        if !not_null && before.key_position(column.id).is_some() {
            return Err(Error::Definition(format!("column \"{name}\" is in a primary key")));
        }
        if !not_null && before.sequences.contains_key(&column.id) && is_identity(&column) {
            return Err(Error::Definition(format!(
                "column \"{name}\" of relation \"{}\" is an identity column",
                before.name
            )));
        }
        if not_null && !column.not_null {
            self.scan_checks(&before, None, Some(column.id)).await?;
        }
        self.change_column(&before, name, |column| column.not_null = not_null)
    }

    /// ALTER COLUMN … TYPE. `using` is SQL text over the old row; without it values go over only
    /// without loss.
    pub async fn alter_type(
        &self,
        id: CollectionId,
        name: &str,
        ty: Type,
        modifier: i32,
        using: Option<String>,
    ) -> Result<Arc<Collection>> {
        let before = self.exclude(id).await?;
        let column = column_of(&before, name)?.clone();
        let mut after = (*before).clone();
        let Some(changed) = after.columns.iter_mut().find(|other| other.id == column.id) else {
            return Err(Error::undefined(ObjectKind::Column, name));
        };
        (changed.ty, changed.modifier) = (ty, modifier);
        let changed = changed.clone();
        validate(&after, &*self.model.0.options.expressions)?;
        if using.is_some() || !keeps_bytes(column.ty, ty) {
            return self.rewrite_using(&before, after, column.id, using).await;
        }
        if let Some(missing) = &column.missing {
            let missing = super::rewrite::converted(&before, &changed, missing)?;
            if let Some(column) = after.columns.iter_mut().find(|other| other.id == column.id) {
                column.missing = Some(missing);
            }
        }
        if !widens(&column, &changed) {
            self.check_fits(&before, &changed).await?;
        }
        self.replace(&before, |collection| {
            *collection = after;
            Ok(())
        })
    }

    /// Checks that every value of a column goes into its new type as it is.
    async fn check_fits(&self, before: &Arc<Collection>, after: &Column) -> Result<()> {
        let reader = RowReader::new(before, &[after.id])?;
        let was = before.column_by_id(after.id).map_or(after.ty, |column| column.ty);
        self.walk(before, |stored| {
            let arena = Arena::new();
            let mut row = [Datum::Missing];
            reader.read(&stored.key, &stored.value, &arena, &mut row)?;
            let value = row::to_value(&row[0], was)?;
            super::rewrite::converted(before, after, &value).map(drop)
        })
        .await
    }
}

fn is_identity(column: &Column) -> bool {
    let generator = &column.generator;
    matches!(generator, Some(Generator::IdentityAlways(_) | Generator::IdentityByDefault(_)))
}

fn column_of<'a>(collection: &'a Collection, name: &str) -> Result<&'a Column> {
    collection.column(name).ok_or_else(|| Error::undefined(ObjectKind::Column, name))
}

fn reads(index: &Index, column: &Column) -> bool {
    index.elements.iter().any(|element| match &element.source {
        ElementSource::Column(id) => *id == column.id,
        ElementSource::Path(path) => path.first() == Some(&column.name),
        ElementSource::Expression(_) => false,
    })
}

/// Whether every value of one column goes into the other, both of types that keep their bytes: no
/// row need be looked at.
fn widens(from: &Column, to: &Column) -> bool {
    if let (Form::Int(low, high), Form::Int(to_low, to_high)) = (form(from.ty), form(to.ty)) {
        return to_low <= low && high <= to_high;
    }
    let limit_grows = to.modifier == -1 || from.modifier != -1 && from.modifier <= to.modifier;
    to.ty == Type::TEXT || limit_grows
}

/// Whether values of one type are stored, and keyed, as those of the other.
fn keeps_bytes(from: Type, to: Type) -> bool {
    let text = |ty: Type| matches!(ty.scalar, Scalar::Text | Scalar::Varchar);
    if from.array || to.array {
        return from == to;
    }
    match (form(from), form(to)) {
        (Form::Int(..), Form::Int(..)) => true,
        (Form::Numeric, Form::Numeric) => false,
        (Form::Text, Form::Text) => from == to || text(from) && text(to),
        (a, b) => a == b && from.scalar == to.scalar,
    }
}
