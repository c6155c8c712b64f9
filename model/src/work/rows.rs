//! Rows: insert, update, delete, get, lock.
//!
//! ```text
//!   insert   prepare (generators, NOT NULL, CHECK, key, bytes, entries)   no store, no await
//!            share(collection) ─► lock [row key, unique keys] ─► anybody there? ─► put
//!   update   prepare both entry sets ─► lock what is new ─► delete the difference, put the difference
//! ```
//!
//! All keys that an insert may meet somebody at are locked in one call, and the answer of the lock
//! is the latest value: no second read. An index that is being built is kept like any other.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use transaction::{LockMode, LockRequest, Locked, View, Wait};
use value::{Document, Kind, Raw, Value};

use super::violation::{unique, violation};
use super::{Seeing, Work};
use crate::datum::{Arena, Datum};
use crate::error::{Error, Result};
use crate::expressions::{Evaluator, Expressions};
use crate::index::{self, CompiledIndex, Entry, Source};
use crate::key;
use crate::row::{self, Extras, Kept, Row, RowReader};
use crate::schema::*;
use crate::types::Type;

/// Fields that a dictionary holds at most; the rest is seen in `_doc` only.
pub const DICTIONARY_FIELDS_MAX: usize = 1000;

/// Rows of one statement whose keys are locked in one call.
const LOCKED_TOGETHER: usize = 256;

/// The expressions of a collection, ready to run.
pub(crate) struct Compiled {
    pub(crate) checks: Vec<Arc<dyn Evaluator>>,
    /// DEFAULT and STORED by column.
    pub(crate) generated: Vec<Option<Arc<dyn Evaluator>>>,
    pub(crate) indexes: Vec<CompiledIndex>,
}

impl Compiled {
    pub(crate) fn new(collection: &Collection, expressions: &dyn Expressions) -> Result<Self> {
        let compile = |text: &str, expect| {
            expressions.compile(text, collection, Some(expect)).map_err(Error::Expression)
        };
        let checks = collection.checks.iter();
        let checks = checks.map(|check| compile(&check.expression, (Type::BOOL, -1)));
        let generated = collection.columns.iter().map(|column| match &column.generator {
            Some(Generator::Default(text) | Generator::Stored(text)) => {
                compile(text, (column.ty, column.modifier)).map(Some)
            }
            _ => Ok(None),
        });
        let indexes = collection.indexes.iter();
        let indexes = indexes.map(|index| CompiledIndex::new(collection, index, expressions));
        Ok(Compiled {
            checks: checks.collect::<Result<_>>()?,
            generated: generated.collect::<Result<_>>()?,
            indexes: indexes.collect::<Result<_>>()?,
        })
    }
}

/// Which conflict an insert reports instead of failing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arbiter {
    /// None: every conflict is an error.
    None,
    /// Any: ON CONFLICT DO NOTHING without a target.
    Any,
    /// That of one index, or of the primary key by [`PrimaryKey::id`].
    Index(IndexId),
}

/// Somebody has the key already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The index, or [`PrimaryKey::id`].
    pub index: IndexId,
    /// The key of the row that is there.
    pub key: Bytes,
}

/// What became of an insert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Insertion {
    /// The row as stored.
    Inserted(StoredRow),
    /// Nothing was written.
    Conflict(Conflict),
}

/// A row as it is stored; read it with a [`RowReader`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRow {
    /// Its key.
    pub key: Bytes,
    /// Its bytes.
    pub value: Bytes,
}

/// A row after [`Work::lock_rows`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockedRow {
    /// Held.
    Held {
        /// The latest bytes; `None`: the row is gone.
        value: Option<Bytes>,
        /// Whether somebody changed it after the snapshot.
        changed: bool,
    },
    /// Held by somebody else (SKIP LOCKED).
    Skipped,
}

/// A row that is ready to be written.
pub(crate) struct Prepared {
    pub row: StoredRow,
    /// By position among the collection's indexes.
    pub entries: Vec<(usize, Entry)>,
    pub pairs: Vec<(String, Kind)>,
}

struct PreparedUpdate {
    new: Prepared,
    gone: Vec<Gone>,
}

/// An entry that a row no longer has.
struct Gone {
    key: Bytes,
    /// Somebody who wants this unique key has to wait whether it really goes.
    unique: bool,
}

impl Work {
    /// Inserts a row: declared columns in order, `Missing` where the column's generator gives the
    /// value. A DEFAULT that the statement evaluated itself is a value like any other.
    pub async fn insert(
        &self,
        collection: &Arc<Collection>,
        row: &[Datum<'_>],
        arbiter: Arbiter,
    ) -> Result<Insertion> {
        let missing = |at: usize| matches!(row.get(at), Some(Datum::Missing));
        let taken = self.sequence_values(collection, missing).await?;
        let prepared = self.prepare(collection, row, Extras::None, &taken)?;
        self.write_new(collection, prepared, arbiter).await
    }

    /// Inserts rows as [`Work::insert`] with [`Arbiter::None`] does, locking the keys of many in
    /// one call. After an error some of them are written: the caller rolls back to where its
    /// statement began.
    pub async fn insert_many(
        &self,
        collection: &Arc<Collection>,
        rows: &[&[Datum<'_>]],
    ) -> Result<Vec<StoredRow>> {
        let mut stored = Vec::with_capacity(rows.len());
        for chunk in rows.chunks(LOCKED_TOGETHER) {
            let mut prepared = Vec::with_capacity(chunk.len());
            for row in chunk {
                let missing = |at: usize| matches!(row.get(at), Some(Datum::Missing));
                let taken = self.sequence_values(collection, missing).await?;
                prepared.push(self.prepare(collection, row, Extras::None, &taken)?);
            }
            self.share(collection).await?;
            self.write_chunk(collection, &prepared).await?;
            stored.extend(prepared.into_iter().map(|prepared| prepared.row));
        }
        Ok(stored)
    }

    async fn write_chunk(&self, collection: &Arc<Collection>, rows: &[Prepared]) -> Result<()> {
        let mode = LockMode::Update;
        let mut keys: Vec<(IndexId, &Prepared, &Bytes)> = Vec::with_capacity(rows.len());
        for prepared in rows {
            keys.push((collection.primary_key.id, prepared, &prepared.row.key));
            for (at, entry) in prepared.entries.iter().filter(|(_, entry)| entry.unique) {
                if let Some(index) = collection.indexes.get(*at) {
                    keys.push((index.id, prepared, &entry.key));
                }
            }
        }
        let requests: Vec<LockRequest> =
            keys.iter().map(|(_, _, key)| LockRequest { key: (*key).clone(), mode }).collect();
        let locked = self.buffer.lock(&requests, self.write_wait()).await?;
        let mut here = HashSet::with_capacity(keys.len());
        for ((index, prepared, key), locked) in keys.into_iter().zip(locked) {
            let taken = matches!(locked, Locked::Held { value: Some(_), .. });
            if taken || !here.insert(key) {
                return Err(unique(collection, prepared, index, false)?);
            }
        }
        for prepared in rows {
            self.put(collection, prepared)?;
        }
        self.count(collection.storage, rows.len() as i64);
        Ok(())
    }

    /// Inserts a document; fields that no column declares are kept or refused as the collection
    /// says.
    pub async fn insert_document(
        &self,
        collection: &Arc<Collection>,
        document: &Document,
        arbiter: Arbiter,
    ) -> Result<Insertion> {
        let absent = |at: usize| {
            let column = collection.columns.get(at);
            let key = column.is_some_and(|column| collection.key_position(column.id).is_some());
            match column.and_then(|column| document.get(&column.name)) {
                None => !(key && document.contains(row::ID)),
                Some(Value::Null) => key,
                Some(_) => false,
            }
        };
        let taken = self.sequence_values(collection, absent).await?;
        let prepared = {
            let arena = Arena::new();
            let taken_apart = row::from_document(collection, document, &arena)?;
            let extras = Extras::Fields(&taken_apart.extras);
            self.prepare(collection, &taken_apart.row, extras, &taken)?
        };
        self.write_new(collection, prepared, arbiter).await
    }

    /// Values for the columns that take them from a sequence and have none.
    pub(crate) async fn sequence_values(
        &self,
        collection: &Collection,
        missing: impl Fn(usize) -> bool,
    ) -> Result<Vec<(usize, i64)>> {
        let mut taken = Vec::new();
        for (at, column) in collection.columns.iter().enumerate() {
            let Some(
                Generator::Serial(id)
                | Generator::IdentityByDefault(id)
                | Generator::IdentityAlways(id),
            ) = &column.generator
            else {
                continue;
            };
            if missing(at) {
                let catalogue = self.catalogue();
                let sequence = catalogue.sequences.get(id);
                let sequence = sequence.ok_or(Error::Internal("a column's sequence is gone"))?;
                taken.push((at, self.model.nextval(sequence).await?));
            }
        }
        Ok(taken)
    }

    pub(crate) fn prepare(
        &self,
        collection: &Arc<Collection>,
        given: &[Datum<'_>],
        extras: Extras<'_>,
        taken: &[(usize, i64)],
    ) -> Result<Prepared> {
        let compiled = self.model.compiled(collection)?;
        let arena = Arena::new();
        let mut datums: Vec<Datum<'_>> = given.to_vec();
        datums.resize(collection.columns.len(), Datum::Missing);
        for (at, value) in taken {
            if let Some(slot) = datums.get_mut(*at) {
                *slot = Datum::Int(*value);
            }
        }
        self.generate(collection, &compiled, &mut datums, &arena)?;
        self.store(collection, &compiled, &mut datums, &arena)?;
        self.check(collection, &compiled, &datums, &arena)?;
        let key = row::key_of(collection, &datums)?;
        let value = row::encode(collection, &key, &datums, extras, None)?;
        let entries =
            self.entries(collection, &compiled, &key, &value, &datums, &arena, &|_| true)?;
        let pairs = new_pairs(collection, &key, &value)?;
        Ok(Prepared {
            row: StoredRow { key, value: transaction::compact_vec(value) },
            entries,
            pairs,
        })
    }

    /// ObjectIds and defaults where nothing was given.
    fn generate<'a>(
        &'a self,
        collection: &Collection,
        compiled: &'a Compiled,
        datums: &mut [Datum<'a>],
        arena: &'a Arena,
    ) -> Result<()> {
        for (at, column) in collection.columns.iter().enumerate() {
            if !matches!(datums.get(at), Some(Datum::Missing)) {
                continue;
            }
            let made = match (&column.generator, compiled.generated.get(at)) {
                (Some(Generator::ObjectId), _) => self.fresh_id(column.ty, arena),
                (Some(Generator::Default(_)), Some(Some(evaluator))) => evaluator
                    .evaluate(&*self.environment, datums, arena)
                    .map_err(Error::Expression)?,
                _ => Datum::Null,
            };
            if let Some(slot) = datums.get_mut(at) {
                *slot = made;
            }
        }
        Ok(())
    }

    fn fresh_id<'a>(&self, ty: Type, arena: &'a Arena) -> Datum<'a> {
        let id = self.model.object_id();
        if ty == Type::OBJECTID {
            return Datum::ObjectId(id);
        }
        let bytes = value::cbor::encode(&Value::ObjectId(id));
        Datum::Json(Raw::new(arena.bytes(&bytes)))
    }

    /// GENERATED ALWAYS AS … STORED.
    fn store<'a>(
        &'a self,
        collection: &Collection,
        compiled: &'a Compiled,
        datums: &mut [Datum<'a>],
        arena: &'a Arena,
    ) -> Result<()> {
        for (at, column) in collection.columns.iter().enumerate() {
            let (Some(Generator::Stored(_)), Some(Some(evaluator))) =
                (&column.generator, compiled.generated.get(at))
            else {
                continue;
            };
            let made =
                evaluator.evaluate(&*self.environment, datums, arena).map_err(Error::Expression)?;
            if let Some(slot) = datums.get_mut(at) {
                *slot = made;
            }
        }
        Ok(())
    }

    fn check<'a>(
        &'a self,
        collection: &Collection,
        compiled: &'a Compiled,
        datums: &[Datum<'a>],
        arena: &'a Arena,
    ) -> Result<()> {
        for (column, datum) in collection.columns.iter().zip(datums) {
            if column.not_null && datum.is_null() {
                return Err(Error::NotNull(violation(collection, &column.name, datums)?));
            }
        }
        for (check, evaluator) in collection.checks.iter().zip(&compiled.checks) {
            let holds =
                evaluator.evaluate(&*self.environment, datums, arena).map_err(Error::Expression)?;
            if matches!(holds, Datum::Bool(false)) {
                return Err(Error::Check(violation(collection, &check.name, datums)?));
            }
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments)] // one call shape for old and new rows
    pub(crate) fn entries<'a>(
        &'a self,
        collection: &'a Collection,
        compiled: &'a Compiled,
        key: &'a [u8],
        value: &'a [u8],
        datums: &'a [Datum<'a>],
        arena: &'a Arena,
        wanted: &dyn Fn(&Index) -> bool,
    ) -> Result<Vec<(usize, Entry)>> {
        let row = Row::read(value)?;
        let environment = &*self.environment;
        let source = Source { collection, key, datums, row, environment, arena };
        let mut all = Vec::new();
        for (at, (index, compiled)) in collection.indexes.iter().zip(&compiled.indexes).enumerate()
        {
            if wanted(index) {
                let entries = index::entries(&source, index, compiled)?;
                all.extend(entries.into_iter().map(|entry| (at, entry)));
            }
        }
        Ok(all)
    }

    /// Whether one CHECK, by name, holds for a row.
    pub(crate) fn holds<'a>(
        &'a self,
        collection: &Collection,
        compiled: &'a Compiled,
        name: &str,
        row: &[Datum<'a>],
        arena: &'a Arena,
    ) -> Result<bool> {
        let at = collection.checks.iter().position(|check| check.name == name);
        let evaluator = at.and_then(|at| compiled.checks.get(at));
        let evaluator = evaluator.ok_or(Error::Internal("no check of that name"))?;
        let holds =
            evaluator.evaluate(&*self.environment, row, arena).map_err(Error::Expression)?;
        Ok(!matches!(holds, Datum::Bool(false)))
    }

    /// A stored row with its entries in one index.
    pub(crate) fn prepare_entries(
        &self,
        collection: &Arc<Collection>,
        stored: StoredRow,
        of: &Index,
    ) -> Result<Prepared> {
        let compiled = self.model.compiled(collection)?;
        let entries = {
            let arena = Arena::new();
            let reader = RowReader::whole(collection)?;
            let mut row = vec![Datum::Missing; collection.columns.len()];
            reader.read(&stored.key, &stored.value, &arena, &mut row)?;
            let (key, value) = (&stored.key, &stored.value);
            let wanted = |index: &Index| index.id == of.id;
            self.entries(collection, &compiled, key, value, &row, &arena, &wanted)?
        };
        Ok(Prepared { row: stored, entries, pairs: Vec::new() })
    }

    async fn write_new(
        &self,
        collection: &Arc<Collection>,
        prepared: Prepared,
        arbiter: Arbiter,
    ) -> Result<Insertion> {
        self.share(collection).await?;
        let conflicts = self.lock_new(collection, &prepared, true).await?;
        if let Some(first) = conflicts.first() {
            let reported = match arbiter {
                Arbiter::None => None,
                Arbiter::Any => Some(first),
                Arbiter::Index(id) => conflicts.iter().find(|conflict| conflict.index == id),
            };
            return match reported {
                Some(conflict) => Ok(Insertion::Conflict(conflict.clone())),
                None => Err(unique(collection, &prepared, first.index, false)?),
            };
        }
        self.put(collection, &prepared)?;
        self.count(collection.storage, 1);
        Ok(Insertion::Inserted(prepared.row))
    }

    /// Locks the keys that a new row may meet somebody at. Answers who is there, the primary key
    /// first.
    async fn lock_new(
        &self,
        collection: &Collection,
        prepared: &Prepared,
        with_row: bool,
    ) -> Result<Vec<Conflict>> {
        let unique: Vec<&(usize, Entry)> =
            prepared.entries.iter().filter(|(_, entry)| entry.unique).collect();
        let mut requests = Vec::with_capacity(1 + unique.len());
        let mode = LockMode::Update;
        if with_row {
            requests.push(LockRequest { key: prepared.row.key.clone(), mode });
        }
        requests.extend(unique.iter().map(|(_, e)| LockRequest { key: e.key.clone(), mode }));
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        let locked = self.buffer.lock(&requests, self.write_wait()).await?;
        let mut locked = locked.into_iter();
        let mut conflicts = Vec::new();
        if with_row && let Some(Locked::Held { value: Some(_), .. }) = locked.next() {
            let key = prepared.row.key.clone();
            conflicts.push(Conflict { index: collection.primary_key.id, key });
        }
        for ((at, _), locked) in unique.into_iter().zip(locked) {
            let Locked::Held { value: Some(value), .. } = locked else { continue };
            let key = key::row_again(collection.storage, &value);
            if let Some(index) = collection.indexes.get(*at) {
                conflicts.push(Conflict { index: index.id, key });
            }
        }
        Ok(conflicts)
    }

    pub(crate) fn put(&self, collection: &Arc<Collection>, prepared: &Prepared) -> Result<()> {
        self.touch(collection);
        self.buffer.put(prepared.row.key.clone(), prepared.row.value.clone())?;
        for (_, entry) in &prepared.entries {
            self.buffer.put(entry.key.clone(), entry.value.clone())?;
        }
        self.widen(collection, &prepared.pairs)
    }

    /// Remembers that a fresh storage has ordinary writes.
    fn touch(&self, collection: &Collection) {
        let mut state = self.state.lock();
        if !state.fresh.is_empty() && state.fresh.contains(&collection.storage) {
            state.touched.insert(collection.storage);
        }
    }

    /// Adds new pairs of field and type to the dictionary: blind writes, one key a pair, so nobody
    /// conflicts.
    pub(crate) fn widen(&self, collection: &Collection, pairs: &[(String, Kind)]) -> Result<()> {
        let known = self.collection(collection.id)?;
        let has = |field: &String, kind| known.fields.get(field).is_some_and(|s| s.contains(kind));
        let new: Vec<&(String, Kind)> = pairs.iter().filter(|(f, kind)| !has(f, *kind)).collect();
        if new.is_empty() {
            return Ok(());
        }
        for (field, kind) in &new {
            let pair = key::dictionary_pair(collection.id, field, *kind);
            self.buffer.put(pair, Bytes::from_static(&[0xf6]))?;
        }
        self.change(|picture| {
            if let Some(collection) = picture.collections.get_mut(&collection.id) {
                let fields = &mut Arc::make_mut(collection).fields;
                for (field, kind) in new {
                    let set = fields.entry(field.clone()).or_default();
                    *set = set.with(*kind);
                }
            }
        })
    }

    /// Updates a row that [`Work::lock_rows`] gave: `old` are the bytes it gave, `row` all declared
    /// columns, `changed` those that were assigned. Undeclared fields stay. A changed key moves the
    /// row.
    pub async fn update(
        &self,
        collection: &Arc<Collection>,
        key: &Bytes,
        old: &Bytes,
        row: &[Datum<'_>],
        changed: &[ColumnId],
    ) -> Result<StoredRow> {
        let extras = Extras::Of(Row::read(old)?);
        let prepared = self.prepare_update(collection, key, old, row, extras, Some(changed))?;
        self.write_changed(collection, key, prepared).await
    }

    /// Replaces a document that [`Work::lock_rows`] gave. Its key may not change.
    pub async fn replace_document(
        &self,
        collection: &Arc<Collection>,
        key: &Bytes,
        old: &Bytes,
        document: &Document,
    ) -> Result<StoredRow> {
        let prepared = {
            let arena = Arena::new();
            let mut apart = row::from_document(collection, document, &arena)?;
            keep_key(collection, key, old, &mut apart.row, &arena)?;
            let extras = Extras::Fields(&apart.extras);
            self.prepare_update(collection, key, old, &apart.row, extras, None)?
        };
        self.write_changed(collection, key, prepared).await
    }

    /// Gives fields of a document that [`Work::lock_rows`] gave values, or takes them away; all
    /// others stay as they are. Its key may not change.
    pub async fn update_fields(
        &self,
        collection: &Arc<Collection>,
        key: &Bytes,
        old: &Bytes,
        fields: &[(&str, Option<&Value>)],
    ) -> Result<StoredRow> {
        let prepared = {
            let (arena, reader) = (Arena::new(), RowReader::whole(collection)?);
            let mut given = Document::new();
            for (name, value) in fields {
                if let Some(value) = value {
                    given.insert(*name, (*value).clone());
                }
            }
            let mut apart = row::from_document(collection, &given, &arena)?;
            keep_key(collection, key, old, &mut apart.row, &arena)?;
            let mut row = vec![Datum::Missing; collection.columns.len()];
            reader.read(key, old, &arena, &mut row)?;
            let mut changed = Vec::with_capacity(fields.len());
            for (at, column) in collection.columns.iter().enumerate() {
                let named = fields.iter().find(|(name, _)| *name == column.name);
                let Some((_, value)) = named else { continue };
                if collection.key_position(column.id).is_none() {
                    row[at] = if value.is_some() { apart.row[at] } else { Datum::Null };
                    changed.push(column.id);
                }
            }
            let extras = extras_with(collection, old, fields)?;
            let extras: Vec<_> = extras.iter().collect();
            let extras = Extras::Fields(&extras);
            self.prepare_update(collection, key, old, &row, extras, Some(&changed))?
        };
        self.write_changed(collection, key, prepared).await
    }

    fn prepare_update(
        &self,
        collection: &Arc<Collection>,
        key: &Bytes,
        old: &Bytes,
        row: &[Datum<'_>],
        extras: Extras<'_>,
        changed: Option<&[ColumnId]>,
    ) -> Result<PreparedUpdate> {
        let compiled = self.model.compiled(collection)?;
        let arena = Arena::new();
        let mut datums: Vec<Datum<'_>> = row.to_vec();
        datums.resize(collection.columns.len(), Datum::Null);
        self.store(collection, &compiled, &mut datums, &arena)?;
        self.check(collection, &compiled, &datums, &arena)?;
        let changed = changed.map(|changed| with_stored(collection, changed));
        let new_key = match &changed {
            Some(changed) if !touches_key(collection, changed) => key.clone(),
            _ => row::key_of(collection, &datums)?,
        };
        let old_row = Row::read(old)?;
        let kept = changed.as_deref().map(|changed| Kept { old: old_row, changed });
        let value = row::encode(collection, &new_key, &datums, extras, kept)?;
        let moved = new_key != *key;
        let wanted = |index: &Index| match &changed {
            Some(changed) => moved || index::may_change(collection, index, changed),
            None => true,
        };
        let (entries, gone) = if collection.indexes.iter().any(&wanted) {
            let reader = RowReader::whole(collection)?;
            let mut before = vec![Datum::Missing; collection.columns.len()];
            reader.read(key, old, &arena, &mut before)?;
            let before = self.entries(collection, &compiled, key, old, &before, &arena, &wanted)?;
            let after =
                self.entries(collection, &compiled, &new_key, &value, &datums, &arena, &wanted)?;
            difference(before, after)
        } else {
            (Vec::new(), Vec::new())
        };
        let pairs = new_pairs(collection, &new_key, &value)?;
        let row = StoredRow { key: new_key, value: transaction::compact_vec(value) };
        Ok(PreparedUpdate { new: Prepared { row, entries, pairs }, gone })
    }

    async fn write_changed(
        &self,
        collection: &Arc<Collection>,
        key: &Bytes,
        prepared: PreparedUpdate,
    ) -> Result<StoredRow> {
        self.share(collection).await?;
        let PreparedUpdate { new, gone } = prepared;
        let moved = new.row.key != *key;
        let mut conflicts = self.lock_new(collection, &new, moved).await?;
        // A value that moves between two entries of the same row is its own.
        conflicts.retain(|conflict| conflict.key != *key);
        if let Some(conflict) = conflicts.first() {
            return Err(unique(collection, &new, conflict.index, false)?);
        }
        if moved {
            self.buffer.delete(key.clone())?;
        }
        self.delete_entries(gone).await?;
        self.put(collection, &new)?;
        Ok(new.row)
    }

    /// Deletes a row that [`Work::lock_rows`] gave, with the bytes that it gave.
    pub async fn delete(
        &self,
        collection: &Arc<Collection>,
        key: &Bytes,
        old: &Bytes,
    ) -> Result<()> {
        let entries = {
            let arena = Arena::new();
            let compiled = self.model.compiled(collection)?;
            let reader = RowReader::whole(collection)?;
            let mut row = vec![Datum::Missing; collection.columns.len()];
            if !collection.indexes.is_empty() {
                reader.read(key, old, &arena, &mut row)?;
            }
            self.entries(collection, &compiled, key, old, &row, &arena, &|_| true)?
        };
        self.share(collection).await?;
        self.touch(collection);
        self.buffer.delete(key.clone())?;
        let gone = entries.into_iter().map(|(_, e)| Gone { key: e.key, unique: e.unique });
        self.delete_entries(gone.collect()).await?;
        self.count(collection.storage, -1);
        Ok(())
    }

    /// Deletes entries. A unique one is locked first: whoever inserts the same values waits for
    /// this transaction's end instead of failing on an entry that is about to go.
    async fn delete_entries(&self, gone: Vec<Gone>) -> Result<()> {
        let unique = gone.iter().filter(|gone| gone.unique);
        let requests: Vec<LockRequest> = unique
            .map(|gone| LockRequest { key: gone.key.clone(), mode: LockMode::Update })
            .collect();
        if !requests.is_empty() {
            self.buffer.lock(&requests, self.write_wait()).await?;
        }
        for gone in gone {
            self.buffer.delete(gone.key)?;
        }
        Ok(())
    }

    fn write_wait(&self) -> Wait {
        match self.wait() {
            Wait::Skip => Wait::No,
            other => other,
        }
    }

    /// A row's bytes by its key.
    pub async fn get(&self, key: &[u8], seeing: Seeing) -> Result<Option<Bytes>> {
        Ok(self.buffer.get_until(key, seeing.until, seeing.view).await?)
    }

    /// A row's bytes by its key if they are at hand; `None`: ask [`Work::get`].
    pub fn get_now(&self, key: &[u8], seeing: Seeing) -> Option<Result<Option<Bytes>>> {
        let answer = self.buffer.get_now(key, seeing.until, seeing.view)?;
        Some(answer.map_err(Error::from))
    }

    /// Locks rows and reads the latest of each, in the order of `keys`.
    pub async fn lock_rows(
        &self,
        collection: &Collection,
        keys: &[Bytes],
        mode: LockMode,
        wait: Wait,
    ) -> Result<Vec<LockedRow>> {
        self.share(collection).await?;
        let requests: Vec<LockRequest> =
            keys.iter().map(|key| LockRequest { key: key.clone(), mode }).collect();
        let snapshot = self.buffer.snapshot();
        let locked = self.buffer.lock(&requests, wait).await?;
        let rows = locked.into_iter().map(|locked| match locked {
            Locked::Held { value, stamp } => LockedRow::Held { value, changed: stamp > snapshot },
            Locked::Skipped => LockedRow::Skipped,
        });
        Ok(rows.collect())
    }

    /// The newest committed or own bytes of a row, without a lock.
    pub async fn latest(&self, key: &[u8]) -> Result<Option<Bytes>> {
        self.get(key, Seeing { until: u64::MAX, view: View::Latest }).await
    }
}

fn with_stored(collection: &Collection, changed: &[ColumnId]) -> Vec<ColumnId> {
    let stored = collection.columns.iter().filter(|column| {
        matches!(column.generator, Some(Generator::Stored(_))) && !changed.contains(&column.id)
    });
    changed.iter().copied().chain(stored.map(|column| column.id)).collect()
}

fn touches_key(collection: &Collection, changed: &[ColumnId]) -> bool {
    collection.primary_key.columns.iter().any(|id| changed.contains(id))
}

/// A row's undeclared fields after some of its fields got values or went; those that stay keep
/// their places.
fn extras_with(
    collection: &Collection,
    old: &[u8],
    fields: &[(&str, Option<&Value>)],
) -> Result<Document> {
    let mut extras = Document::new();
    for field in Row::read(old)?.fields() {
        let (name, raw) = field?;
        extras.push(name, raw.to_value()?);
    }
    for (name, value) in fields {
        if collection.column(name).is_some() || *name == row::ID {
            continue;
        }
        match value {
            Some(value) => drop(extras.insert(*name, (*value).clone())),
            None => drop(extras.remove(name)),
        }
    }
    Ok(extras)
}

/// A replacing document without its `_id` keeps it; one with another is refused.
fn keep_key<'a>(
    collection: &Collection,
    key: &'a Bytes,
    old: &'a Bytes,
    row: &mut [Datum<'a>],
    arena: &'a Arena,
) -> Result<()> {
    let ids = &collection.primary_key.columns;
    let reader = RowReader::new(collection, ids)?;
    let mut before = vec![Datum::Missing; ids.len()];
    {
        let scratch = Arena::new();
        let mut read = vec![Datum::Missing; ids.len()];
        reader.read(key, old, &scratch, &mut read)?;
        for (slot, datum) in before.iter_mut().zip(&read) {
            *slot = arena.copy(datum);
        }
    }
    for (id, before) in ids.iter().zip(before) {
        let Some(slot) = collection.position(*id).and_then(|at| row.get_mut(at)) else { continue };
        if slot.is_null() {
            *slot = before;
        }
    }
    if row::key_of(collection, row)? != *key {
        let column = ids.first().and_then(|id| collection.column_by_id(*id));
        return Err(Error::KeyChange {
            collection: collection.name.clone(),
            column: column.map(|column| column.name.clone()).unwrap_or_default(),
        });
    }
    Ok(())
}

/// What is new, and the keys of what is gone. Entries that stay are left alone.
fn difference(
    mut before: Vec<(usize, Entry)>,
    mut after: Vec<(usize, Entry)>,
) -> (Vec<(usize, Entry)>, Vec<Gone>) {
    before.sort();
    after.sort();
    let gone = before.iter().filter(|entry| after.binary_search(entry).is_err());
    let gone = gone.map(|(_, e)| Gone { key: e.key.clone(), unique: e.unique }).collect();
    after.retain(|entry| before.binary_search(entry).is_err());
    (after, gone)
}

/// Pairs of field and type that the dictionary does not have yet.
fn new_pairs(collection: &Collection, key: &[u8], value: &[u8]) -> Result<Vec<(String, Kind)>> {
    let mut pairs = row::pairs(collection, key, value)?;
    pairs.retain(|(name, kind)| {
        let known = collection.fields.get(name);
        let full = known.is_none() && collection.fields.len() >= DICTIONARY_FIELDS_MAX;
        !full && !known.is_some_and(|set| set.contains(*kind))
    });
    Ok(pairs)
}
