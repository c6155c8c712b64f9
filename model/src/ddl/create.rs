//! CREATE TABLE and its opposite, RENAME, SET SCHEMA, TRUNCATE and table options.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::SequenceOptions;
use transaction::View;

use crate::catalogue::{dictionaries, read_all_at};
use crate::error::{Error, ObjectKind, Result};
use crate::expressions::Expressions;
use crate::job::Job;
use crate::key;
use crate::keyspace::layout;
use crate::names;
use crate::row;
use crate::schema::*;
use crate::types::Type;
use crate::work::{Compiled, Work};

/// Columns of a collection, as in PostgreSQL.
pub const COLUMNS_MAX: usize = 1600;
/// Elements of a key or index, as in PostgreSQL.
pub const ELEMENTS_MAX: usize = 32;

/// Where a new column's values come from.
#[derive(Debug, Clone, PartialEq, Default)]
#[allow(missing_docs)] // as `Generator`
pub enum NewGenerator {
    #[default]
    None,
    Default(String),
    Serial(SequenceOptions),
    Identity {
        always: bool,
        options: SequenceOptions,
    },
    Stored(String),
}

/// A column to be.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // as `Column`
pub struct NewColumn {
    pub name: String,
    pub ty: Type,
    pub modifier: i32,
    pub not_null: bool,
    pub generator: NewGenerator,
}

impl NewColumn {
    /// A nullable column without generator.
    pub fn new(name: impl Into<String>, ty: Type) -> Self {
        let generator = NewGenerator::None;
        NewColumn { name: name.into(), ty, modifier: -1, not_null: false, generator }
    }
}

/// What an element of a new index orders by.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // as `ElementSource`
pub enum NewSource {
    Column(String),
    Path(Vec<String>),
    Expression(String),
}

/// An element of a new index.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // as `IndexElement`
pub struct NewElement {
    pub source: NewSource,
    pub descending: bool,
    pub nulls_first: bool,
}

impl NewElement {
    /// A column, ascending, nulls last.
    pub fn column(name: impl Into<String>) -> Self {
        let source = NewSource::Column(name.into());
        NewElement { source, descending: false, nulls_first: false }
    }
}

/// An index or UNIQUE constraint to be.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // as `Index`
pub struct NewIndex {
    /// `None`: made from the names of table and columns.
    pub name: Option<String>,
    pub elements: Vec<NewElement>,
    pub unique: bool,
    pub nulls_distinct: bool,
    pub array_elements: bool,
    pub predicate: Option<String>,
    /// Whether a UNIQUE constraint owns it.
    pub constraint: bool,
}

impl NewIndex {
    /// An index over columns, ascending.
    pub fn on(columns: &[&str]) -> Self {
        NewIndex {
            name: None,
            elements: columns.iter().map(|name| NewElement::column(*name)).collect(),
            unique: false,
            nulls_distinct: true,
            array_elements: false,
            predicate: None,
            constraint: false,
        }
    }

    /// The index of a UNIQUE constraint over columns.
    pub fn unique(columns: &[&str]) -> Self {
        NewIndex { unique: true, constraint: true, ..NewIndex::on(columns) }
    }
}

/// A CHECK to be.
#[derive(Debug, Clone, PartialEq)]
pub struct NewCheck {
    /// `None`: made from the table's name and that of the one column it reads.
    pub name: Option<String>,
    /// SQL text.
    pub expression: String,
}

/// A primary key to be.
#[derive(Debug, Clone, PartialEq)]
pub struct NewKey {
    /// `None`: `table_pkey`.
    pub name: Option<String>,
    /// Columns in key order.
    pub columns: Vec<String>,
}

/// A collection to be.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // as `Collection`
pub struct NewCollection {
    pub database: DatabaseId,
    pub schema: String,
    pub name: String,
    pub kind: CollectionKind,
    pub columns: Vec<NewColumn>,
    /// `None`: the system column `_id`.
    pub primary_key: Option<NewKey>,
    pub indexes: Vec<NewIndex>,
    pub checks: Vec<NewCheck>,
    pub extra_fields: ExtraFields,
}

impl NewCollection {
    /// A table as SQL makes it.
    pub fn table(database: DatabaseId, schema: &str, name: &str, columns: Vec<NewColumn>) -> Self {
        NewCollection {
            database,
            schema: schema.to_owned(),
            name: name.to_owned(),
            kind: CollectionKind::Table,
            columns,
            primary_key: None,
            indexes: Vec::new(),
            checks: Vec::new(),
            extra_fields: ExtraFields::Refuse,
        }
    }

    /// A collection as MongoDB makes it.
    pub fn documents(database: DatabaseId, schema: &str, name: &str) -> Self {
        NewCollection {
            kind: CollectionKind::Documents,
            extra_fields: ExtraFields::Keep,
            ..NewCollection::table(database, schema, name, Vec::new())
        }
    }

    /// With a primary key.
    #[must_use]
    pub fn key(mut self, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|name| (*name).to_owned()).collect();
        self.primary_key = Some(NewKey { name: None, columns });
        self
    }
}

impl Work {
    /// CREATE TABLE, and what MongoDB and Redis make on first use.
    pub async fn create_collection(&self, new: NewCollection) -> Result<Arc<Collection>> {
        names::check_relation(&new.schema, &new.name)?;
        self.stay_in(new.database, &new.schema).await?;
        self.take_name(new.database, &new.schema, &new.name).await?;
        let mut collection = Collection {
            id: CollectionId(self.model.number().await?),
            storage: StorageId(self.model.number().await?),
            database: new.database,
            schema: new.schema,
            name: new.name,
            kind: new.kind,
            version: 1,
            columns: Vec::new(),
            next_column: 1,
            primary_key: PrimaryKey {
                id: IndexId(self.model.number().await?),
                name: String::new(),
                constraint: self.new_number().await?,
                columns: Vec::new(),
            },
            indexes: Vec::new(),
            checks: Vec::new(),
            extra_fields: new.extra_fields,
            fields: BTreeMap::new(),
            redis_prefix: None,
            sequences: BTreeMap::new(),
        };
        if new.primary_key.is_none() {
            collection.columns.push(system_id(new.kind));
        }
        for column in new.columns {
            let column = self.make_column(&mut collection, column).await?;
            collection.columns.push(column);
        }
        self.make_key(&mut collection, new.primary_key).await?;
        for index in new.indexes {
            let index = self.make_index(&collection, index).await?;
            collection.indexes.push(index);
        }
        for check in new.checks {
            let check = self.make_check(&collection, check).await?;
            collection.checks.push(check);
        }
        validate(&collection, &*self.model.0.options.expressions)?;
        self.publish_new(collection)
    }

    fn publish_new(&self, collection: Collection) -> Result<Arc<Collection>> {
        self.state.lock().fresh.insert(collection.storage);
        if !collection.has_system_id() {
            let key = &collection.primary_key;
            self.write_index_name(&collection, key.id, &key.name)?;
        }
        for index in &collection.indexes {
            self.write_index_name(&collection, index.id, &index.name)?;
        }
        self.write_collection(collection)
    }

    /// A column with its number, its sequence made.
    pub(super) async fn make_column(
        &self,
        collection: &mut Collection,
        new: NewColumn,
    ) -> Result<Column> {
        names::check(ObjectKind::Column, &new.name)?;
        if collection.column(&new.name).is_some() {
            return Err(Error::duplicate(ObjectKind::Column, new.name));
        }
        if collection.columns.len() >= COLUMNS_MAX {
            return Err(Error::Limit { what: "columns", limit: COLUMNS_MAX });
        }
        let id = ColumnId(collection.next_column);
        collection.next_column += 1;
        let sequence = match &new.generator {
            NewGenerator::Serial(options) | NewGenerator::Identity { options, .. } => {
                let owned = self.make_owned_sequence(collection, &new, id, options).await?;
                collection.sequences.insert(id, owned);
                Some(owned)
            }
            _ => None,
        };
        let generator = match (new.generator, sequence) {
            (NewGenerator::Default(text), _) => Some(Generator::Default(text)),
            (NewGenerator::Stored(text), _) => Some(Generator::Stored(text)),
            (NewGenerator::Serial(_), Some(id)) => Some(Generator::Serial(id)),
            (NewGenerator::Identity { always: true, .. }, Some(id)) => {
                Some(Generator::IdentityAlways(id))
            }
            (NewGenerator::Identity { .. }, Some(id)) => Some(Generator::IdentityByDefault(id)),
            _ => None,
        };
        Ok(Column {
            id,
            name: new.name,
            ty: new.ty,
            modifier: new.modifier,
            not_null: new.not_null || sequence.is_some(),
            generator,
            added: collection.version,
            missing: None,
            hidden: false,
        })
    }

    async fn make_key(&self, collection: &mut Collection, new: Option<NewKey>) -> Result<()> {
        let Some(new) = new else {
            collection.primary_key.name = format!("{}__id", collection.name);
            collection.primary_key.columns = vec![ColumnId::SYSTEM_ID];
            return Ok(());
        };
        let columns = key_columns(collection, &new.columns)?;
        for column in collection.columns.iter_mut().filter(|c| columns.contains(&c.id)) {
            column.not_null = true;
        }
        let (database, schema) = (collection.database, collection.schema.as_str());
        let name = match new.name {
            Some(name) => {
                names::check_relation(schema, &name)?;
                self.take_name(database, schema, &name).await?;
                name
            }
            None => {
                let base = format!("{}_pkey", collection.name);
                self.free_name(database, schema, &base).await?
            }
        };
        let own_id = collection.column(row::ID).map(|column| column.id);
        if own_id.is_some_and(|id| columns != [id]) {
            return Err(Error::Reserved { what: ObjectKind::Column, name: row::ID.to_owned() });
        }
        collection.primary_key.name = name;
        collection.primary_key.columns = columns;
        Ok(())
    }

    /// DROP TABLE: one catalogue write and a job, however much is in it. Sequences of its columns
    /// go with it.
    pub async fn drop_collection(&self, id: CollectionId) -> Result<()> {
        let collection = self.exclude(id).await?;
        for sequence in collection.sequences.values() {
            self.remove_sequence(*sequence)?;
        }
        let (database, schema) = (collection.database, collection.schema.as_str());
        if !collection.has_system_id() {
            self.drop_name(database, schema, &collection.primary_key.name)?;
        }
        for index in &collection.indexes {
            self.drop_name(database, schema, &index.name)?;
        }
        self.drop_name(database, schema, &collection.name)?;
        self.buffer.delete(key::collection_lock(id))?;
        for (field, kinds) in self.dictionary_now(id).await? {
            self.drop_pairs(id, &field, kinds)?;
        }
        self.change(|picture| picture.collections.remove(&id))?;
        self.leave(Job::EmptyStorage(collection.storage)).await.map(drop)
    }

    /// The field dictionary as it is now: pairs are added without the collection's version, so the
    /// picture may lag.
    pub(super) async fn dictionary_now(
        &self,
        id: CollectionId,
    ) -> Result<BTreeMap<String, TypeSet>> {
        let records = read_all_at(&self.buffer, key::dictionary(id), View::Latest).await?;
        Ok(dictionaries(records)?.remove(&id).unwrap_or_default())
    }

    fn drop_pairs(&self, id: CollectionId, field: &str, kinds: TypeSet) -> Result<()> {
        for kind in all_kinds().filter(|kind| kinds.contains(*kind)) {
            self.buffer.delete(key::dictionary_pair(id, field, kind))?;
        }
        Ok(())
    }

    /// Forgets a field of the dictionary: a column was declared in its place.
    pub(super) async fn forget_field(&self, collection: &Collection, field: &str) -> Result<()> {
        let kinds = self.dictionary_now(collection.id).await?.remove(field).unwrap_or_default();
        self.drop_pairs(collection.id, field, kinds)?;
        self.change(|picture| {
            if let Some(collection) = picture.collections.get_mut(&collection.id) {
                Arc::make_mut(collection).fields.remove(field);
            }
        })
    }

    /// ANALYZE of a collection that keeps undeclared fields: the dictionary is narrowed to what is
    /// there. Takes the collection's exclusive lock, since a writer may not widen while pairs go.
    pub async fn analyze_fields(&self, id: CollectionId) -> Result<Arc<Collection>> {
        let before = self.exclude(id).await?;
        let known = self.dictionary_now(id).await?;
        let mut seen: BTreeMap<String, TypeSet> = BTreeMap::new();
        self.walk(&before, |stored| {
            for (field, kind) in row::pairs(&before, &stored.key, &stored.value)? {
                let set = seen.entry(field).or_default();
                *set = set.with(kind);
            }
            Ok(())
        })
        .await?;
        for (field, kinds) in &known {
            let kept = seen.get(field).copied().unwrap_or_default();
            self.drop_pairs(id, field, TypeSet(kinds.0 & !kept.0))?;
        }
        // The types that SQL sees may change, so statements bind anew.
        self.replace(&before, |collection| {
            collection.fields = known
                .iter()
                .map(|(field, kinds)| {
                    let kept = seen.get(field).copied().unwrap_or_default();
                    (field.clone(), TypeSet(kinds.0 & kept.0))
                })
                .filter(|(_, kinds)| kinds.0 != 0)
                .collect();
            Ok(())
        })
    }

    /// ALTER TABLE … RENAME TO. Indexes and constraints keep their names, as in PostgreSQL.
    pub async fn rename_collection(&self, id: CollectionId, to: &str) -> Result<Arc<Collection>> {
        let before = self.exclude(id).await?;
        names::check_relation(&before.schema, to)?;
        self.take_name(before.database, &before.schema, to).await?;
        self.replace(&before, |collection| {
            collection.name = to.to_owned();
            Ok(())
        })
    }

    /// ALTER TABLE … SET SCHEMA: its indexes and the sequences of its columns go with it.
    pub async fn move_collection(&self, id: CollectionId, to: &str) -> Result<Arc<Collection>> {
        let before = self.exclude(id).await?;
        names::check_relation(to, &before.name)?;
        self.stay_in(before.database, to).await?;
        self.take_name(before.database, to, &before.name).await?;
        let after = self.replace(&before, |collection| {
            collection.schema = to.to_owned();
            Ok(())
        })?;
        let key = (!before.has_system_id())
            .then(|| (before.primary_key.id, before.primary_key.name.clone()));
        let indexes = before.indexes.iter().map(|index| (index.id, index.name.clone()));
        for (index, name) in key.into_iter().chain(indexes) {
            self.take_name(before.database, to, &name).await?;
            self.drop_name(before.database, &before.schema, &name)?;
            self.write_index_name(&after, index, &name)?;
        }
        let catalogue = self.catalogue();
        for sequence in before.sequences.values().filter_map(|id| catalogue.sequences.get(id)) {
            let moved = Sequence { schema: to.to_owned(), ..(**sequence).clone() };
            self.replace_sequence(sequence, moved).await?;
        }
        Ok(after)
    }

    /// TRUNCATE: a fresh storage id, and a job for the old one. `restart` sets the sequences of its
    /// columns back.
    pub async fn truncate(&self, id: CollectionId, restart: bool) -> Result<Arc<Collection>> {
        let before = self.exclude(id).await?;
        let storage = StorageId(self.model.number().await?);
        let after = self.move_storage(&before, storage)?;
        self.state.lock().fresh.insert(storage);
        self.leave(Job::EmptyStorage(before.storage)).await?;
        if restart {
            let catalogue = self.catalogue();
            for sequence in before.sequences.values().filter_map(|id| catalogue.sequences.get(id)) {
                self.model.setval(sequence, sequence.start, false).await?;
            }
        }
        Ok(after)
    }

    /// ALTER TABLE … SET (extra_fields = …).
    pub async fn set_extra_fields(
        &self,
        id: CollectionId,
        extra_fields: ExtraFields,
    ) -> Result<Arc<Collection>> {
        let before = self.exclude(id).await?;
        let fields = self.dictionary_now(id).await?;
        let change = |collection: &mut Collection| {
            let undeclared = fields.keys().any(|field| collection.column(field).is_none());
            if extra_fields == ExtraFields::Refuse && undeclared {
                return Err(Error::Definition(format!(
                    "collection \"{}\" has undeclared fields",
                    collection.name
                )));
            }
            collection.extra_fields = extra_fields;
            Ok(())
        };
        self.replace(&before, change)
    }

    /// ALTER TABLE … SET (redis_prefix = …). Refused while a key space of the database has keys
    /// with the prefix: they could not be reached any more.
    pub async fn set_redis_prefix(
        &self,
        id: CollectionId,
        prefix: Option<&str>,
    ) -> Result<Arc<Collection>> {
        let before = self.exclude(id).await?;
        if let Some(prefix) = prefix {
            let catalogue = self.catalogue();
            let taken = catalogue
                .collections_of(before.database)
                .any(|other| other.id != id && other.redis_prefix.as_deref() == Some(prefix));
            if taken || prefix.is_empty() || prefix.contains(':') {
                return Err(Error::Definition(format!("redis_prefix \"{prefix}\" is not usable")));
            }
            for space in catalogue.collections_of(before.database) {
                if space.kind == CollectionKind::KeySpace {
                    self.refuse_keys(space.id, prefix).await?;
                }
            }
        }
        self.replace(&before, |collection| {
            collection.redis_prefix = prefix.map(str::to_owned);
            Ok(())
        })
    }
}

impl Work {
    /// Fails where a key space has a key `prefix:…` that has not expired. Its writers wait, and
    /// those who began before look at the catalogue anew.
    async fn refuse_keys(&self, id: CollectionId, prefix: &str) -> Result<()> {
        let space = self.exclude(id).await?;
        let prefix_bytes = format!("{prefix}:").into_bytes();
        let range = layout::rows_with(space.storage, &prefix_bytes);
        let now = (self.model.0.options.clock)();
        for (row, value) in read_all_at(&self.buffer, range, View::Latest).await? {
            let record = layout::Record::read(value)?;
            let begins = layout::key_of(&row, &record)?.starts_with(&prefix_bytes);
            if begins && !record.is_expired(now) {
                return Err(Error::Definition(format!(
                    "keys \"{prefix}:…\" exist in \"{}\"",
                    space.name
                )));
            }
        }
        self.replace(&space, |_| Ok(())).map(drop)
    }
}

/// Every kind that a dictionary may name.
fn all_kinds() -> impl Iterator<Item = value::Kind> {
    use value::Kind::*;
    [
        Null,
        Undefined,
        MinKey,
        MaxKey,
        Bool,
        Int8,
        Int16,
        Int32,
        Int64,
        UInt64,
        Float32,
        Float64,
        Decimal,
        Text,
        Symbol,
        Bytes,
        Date,
        Time,
        Timestamp,
        TimestampTz,
        Interval,
        Uuid,
        ObjectId,
        Document,
        Array,
        Regex,
        Code,
        BsonTimestamp,
        DbPointer,
    ]
    .into_iter()
}

/// The system column `_id`: hidden where columns are declared.
pub(super) fn system_id(kind: CollectionKind) -> Column {
    Column {
        id: ColumnId::SYSTEM_ID,
        name: row::ID.to_owned(),
        ty: Type::ANY,
        modifier: -1,
        not_null: true,
        generator: Some(Generator::ObjectId),
        added: 1,
        missing: None,
        hidden: kind == CollectionKind::Table,
    }
}

/// The ids of a key's columns; each once, all of a type that has an order.
pub(super) fn key_columns(collection: &Collection, names: &[String]) -> Result<Vec<ColumnId>> {
    if names.len() > ELEMENTS_MAX {
        return Err(Error::Limit { what: "columns of a key", limit: ELEMENTS_MAX });
    }
    let mut columns = Vec::with_capacity(names.len());
    for name in names {
        let undefined = || Error::undefined(ObjectKind::Column, name.as_str());
        let column = collection.column(name).ok_or_else(undefined)?;
        if columns.contains(&column.id) {
            return Err(Error::Definition(format!(
                "column \"{name}\" appears twice in primary key constraint"
            )));
        }
        if column.ty.scalar == crate::types::Scalar::Json && !column.ty.array {
            return Err(Error::Definition("type json has no order".into()));
        }
        columns.push(column.id);
    }
    Ok(columns)
}

/// Compiles every text, and refuses index expressions that may change their mind.
pub(super) fn validate(collection: &Collection, expressions: &dyn Expressions) -> Result<()> {
    let compiled = Compiled::new(collection, expressions)?;
    match compiled.indexes.iter().all(|index| index.is_immutable()) {
        true => Ok(()),
        false => Err(Error::NotImmutable),
    }
}
