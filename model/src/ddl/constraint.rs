//! CHECK, UNIQUE and PRIMARY KEY on tables that exist.

use std::sync::Arc;

use super::create::{key_columns, system_id, validate};
use super::{NewCheck, NewIndex, NewKey};
use crate::error::{Error, ObjectKind, Result};
use crate::names;
use crate::schema::*;
use crate::types::Type;
use crate::work::Work;

impl Work {
    pub(super) async fn make_check(&self, collection: &Collection, new: NewCheck) -> Result<Check> {
        let constraint = self.new_number().await?;
        let taken = |name: &str| constraint_names(collection).any(|other| other == name);
        let name = match new.name {
            Some(name) if taken(&name) => {
                return Err(Error::duplicate(ObjectKind::Constraint, name));
            }
            Some(name) => name,
            None => {
                let base = self.check_name(collection, &new.expression);
                let numbered = (1..).map(|n: u32| format!("{base}{n}"));
                let mut names = std::iter::once(base.clone()).chain(numbered);
                names.find(|name| !taken(name)).unwrap_or(base)
            }
        };
        names::check(ObjectKind::Constraint, &name)?;
        Ok(Check { constraint, name, expression: new.expression })
    }

    /// The name of a check that was given none: with its column's where it reads just one, as in
    /// PostgreSQL. What does not compile is refused after this, by name.
    fn check_name(&self, collection: &Collection, text: &str) -> String {
        let expressions = &self.model.0.options.expressions;
        let compiled = expressions.compile(text, collection, Some((Type::BOOL, -1))).ok();
        let columns = compiled.map(|check| check.columns()).unwrap_or_default();
        let [column] = columns.as_slice() else { return format!("{}_check", collection.name) };
        match collection.column_by_id(*column) {
            Some(column) => format!("{}_{}_check", collection.name, column.name),
            None => format!("{}_check", collection.name),
        }
    }

    /// ALTER TABLE … ADD CHECK: every row is looked at under the exclusive lock.
    pub async fn add_check(&self, id: CollectionId, new: NewCheck) -> Result<Arc<Collection>> {
        let before = self.exclude(id).await?;
        let check = self.make_check(&before, new).await?;
        let name = check.name.clone();
        let after = self.replace(&before, |collection| {
            collection.checks.push(check);
            validate(collection, &*self.model.0.options.expressions)
        })?;
        self.scan_checks(&after, Some(&name), None).await?;
        Ok(after)
    }

    /// ALTER TABLE … ADD UNIQUE: the index is built in this transaction.
    pub async fn add_unique(&self, id: CollectionId, new: NewIndex) -> Result<Arc<Collection>> {
        self.create_index(id, NewIndex { unique: true, constraint: true, ..new }).await?;
        self.collection(id)
    }

    /// ALTER TABLE … ADD PRIMARY KEY: rows are keyed by it, so they are written anew under a fresh
    /// storage id.
    pub async fn add_primary_key(&self, id: CollectionId, new: NewKey) -> Result<Arc<Collection>> {
        let before = self.exclude(id).await?;
        if !before.has_system_id() || before.kind != CollectionKind::Table {
            return Err(Error::Definition(format!(
                "multiple primary keys for table \"{}\" are not allowed",
                before.name
            )));
        }
        let columns = key_columns(&before, &new.columns)?;
        let (database, schema) = (before.database, before.schema.as_str());
        let name = match new.name {
            Some(name) => {
                names::check_relation(schema, &name)?;
                self.take_name(database, schema, &name).await?;
                name
            }
            None => self.free_name(database, schema, &format!("{}_pkey", before.name)).await?,
        };
        let key = PrimaryKey {
            id: IndexId(self.model.number().await?),
            name: name.clone(),
            constraint: self.new_number().await?,
            columns: columns.clone(),
        };
        let mut after = (*before).clone();
        after.columns.retain(|column| column.id != ColumnId::SYSTEM_ID);
        for column in after.columns.iter_mut().filter(|c| columns.contains(&c.id)) {
            column.not_null = true;
        }
        after.primary_key = key;
        let after = self.rewrite(&before, after).await?;
        self.write_index_name(&after, after.primary_key.id, &name)?;
        Ok(after)
    }

    /// ALTER TABLE … DROP CONSTRAINT: of any kind.
    pub async fn drop_constraint(&self, id: CollectionId, name: &str) -> Result<Arc<Collection>> {
        let before = self.exclude(id).await?;
        if before.checks.iter().any(|check| check.name == name) {
            return self.replace(&before, |collection| {
                collection.checks.retain(|check| check.name != name);
                Ok(())
            });
        }
        if !before.has_system_id() && before.primary_key.name == name {
            return self.drop_primary_key(&before).await;
        }
        match before.index(name).filter(|index| index.constraint.is_some()) {
            Some(index) => self.remove_index(&before, index.id).await,
            None => Err(Error::undefined(ObjectKind::Constraint, name)),
        }
    }

    async fn drop_primary_key(&self, before: &Arc<Collection>) -> Result<Arc<Collection>> {
        let mut after = (**before).clone();
        after.columns.insert(0, system_id(before.kind));
        after.primary_key = PrimaryKey {
            id: IndexId(self.model.number().await?),
            name: format!("{}__id", before.name),
            constraint: self.new_number().await?,
            columns: vec![ColumnId::SYSTEM_ID],
        };
        let after = self.rewrite(before, after).await?;
        self.drop_name(before.database, &before.schema, &before.primary_key.name)?;
        Ok(after)
    }

    /// ALTER TABLE … RENAME CONSTRAINT.
    pub async fn rename_constraint(
        &self,
        id: CollectionId,
        from: &str,
        to: &str,
    ) -> Result<Arc<Collection>> {
        let before = self.exclude(id).await?;
        names::check(ObjectKind::Constraint, to)?;
        if constraint_names(&before).any(|name| name == to) {
            return Err(Error::duplicate(ObjectKind::Constraint, to));
        }
        if before.checks.iter().any(|check| check.name == from) {
            return self.replace(&before, |collection| {
                let mut checks = collection.checks.iter_mut();
                if let Some(check) = checks.find(|check| check.name == from) {
                    check.name = to.to_owned();
                }
                Ok(())
            });
        }
        let key = (!before.has_system_id() && before.primary_key.name == from)
            .then_some(before.primary_key.id);
        let index = before.index(from).filter(|index| index.constraint.is_some());
        match key.or(index.map(|index| index.id)) {
            Some(index) => self.rename_index(id, index, to).await,
            None => Err(Error::undefined(ObjectKind::Constraint, from)),
        }
    }
}

/// The names of every constraint of a collection.
pub(super) fn constraint_names(collection: &Collection) -> impl Iterator<Item = &str> {
    let indexes = collection.indexes.iter().filter(|index| index.constraint.is_some());
    let key = std::iter::once(&collection.primary_key).filter(|_| !collection.has_system_id());
    collection
        .checks
        .iter()
        .map(|check| check.name.as_str())
        .chain(indexes.map(|index| index.name.as_str()))
        .chain(key.map(|key| key.name.as_str()))
}
