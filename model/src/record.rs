//! Records of the catalogue as CBOR: maps keyed by field numbers that are for good.
//!
//! ```text
//!   a5 │ 00 kind │ 01 id │ 02 … │ 05 [ {00 …}, {00 …} ] │ …        absent = the field's default
//! ```
//!
//! Each record has a list of field numbers below, in its `encode` and `decode`. A number is never
//! used for anything else; a field at its default is left out. A field that this program does not
//! know was written by a newer one, and **is refused** (`Error::Newer`): an unknown field may say
//! that an index has a collation or a column an encryption, and a writer that ignores it would
//! damage the data. So a release that only adds fields can be read back by an older one as long as
//! nobody used them.
//!
//! Maps in lists are keyed by numbers as well; `value::cbor::validate`, which guards documents that
//! enter, allows that at the outermost level only and is not run on records.
//!
//! Rejected: names as keys (twice the bytes for every picture load) and serde (a rename in code
//! would change bytes).

use std::collections::BTreeMap;

use value::{Encoder, Key, Raw, Value};

use crate::error::{Error, Result};
use crate::schema::*;
use crate::types::Type;

/// Writes the fields of one map.
pub(crate) struct Fields<'a, 'b> {
    encoder: &'a mut Encoder<'b>,
    count: usize,
}

impl<'b> Fields<'_, 'b> {
    fn id(&mut self, id: u32) -> &mut Encoder<'b> {
        self.count += 1;
        self.encoder.id(id);
        self.encoder
    }

    pub(crate) fn uint(&mut self, id: u32, n: impl Into<u64>) {
        self.id(id).uint(n.into());
    }

    pub(crate) fn int(&mut self, id: u32, n: i64) {
        self.id(id).int(n);
    }

    pub(crate) fn flag(&mut self, id: u32, set: bool) {
        if set {
            self.id(id).bool(true);
        }
    }

    pub(crate) fn text(&mut self, id: u32, text: &str) {
        self.id(id).text(text);
    }

    pub(crate) fn some_text(&mut self, id: u32, text: Option<&str>) {
        if let Some(text) = text {
            self.text(id, text);
        }
    }

    pub(crate) fn some_uint(&mut self, id: u32, n: Option<u32>) {
        if let Some(n) = n {
            self.uint(id, n);
        }
    }

    pub(crate) fn value(&mut self, id: u32, value: &Value) {
        self.id(id).value(value);
    }

    pub(crate) fn uints(&mut self, id: u32, numbers: impl ExactSizeIterator<Item = u32>) {
        if numbers.len() > 0 {
            self.id(id).array(numbers.len());
            numbers.for_each(|n| self.encoder.uint(n.into()));
        }
    }

    pub(crate) fn texts(&mut self, id: u32, texts: &[String]) {
        self.id(id).array(texts.len());
        texts.iter().for_each(|text| self.encoder.text(text));
    }

    pub(crate) fn list<T>(
        &mut self,
        id: u32,
        items: impl ExactSizeIterator<Item = T>,
        each: impl Fn(&mut Fields<'_, 'b>, T),
    ) {
        if items.len() > 0 {
            self.id(id).array(items.len());
            for item in items {
                write_map(self.encoder, |fields| each(fields, item));
            }
        }
    }
}

fn write_map<'b>(encoder: &mut Encoder<'b>, write: impl FnOnce(&mut Fields<'_, 'b>)) {
    let open = encoder.begin_map();
    let mut fields = Fields { encoder, count: 0 };
    write(&mut fields);
    let count = fields.count;
    encoder.end_map(open, count);
}

/// The bytes of a record.
pub(crate) fn write(write: impl for<'a, 'b> FnOnce(&mut Fields<'a, 'b>)) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    write_map(&mut Encoder::new(&mut out), write);
    out
}

/// Reads the fields of one map.
pub(crate) struct Record<'a> {
    what: &'static str,
    fields: Vec<(u32, Raw<'a>)>,
}

impl<'a> Record<'a> {
    /// The fields of a map that may have the numbers below `known`.
    pub(crate) fn read(raw: Raw<'a>, what: &'static str, known: u32) -> Result<Record<'a>> {
        if !raw.is_document() {
            return Err(Error::Corrupt(what.into()));
        }
        let mut fields = Vec::with_capacity(raw.count().unwrap_or(0).min(64));
        for entry in raw.entries() {
            match entry? {
                (Key::Id(id), value) if id < known => fields.push((id, value)),
                (Key::Id(_), _) => return Err(Error::Newer(what.into())),
                (Key::Name(_), _) => return Err(Error::Corrupt(what.into())),
            }
        }
        Ok(Record { what, fields })
    }

    fn corrupt(&self) -> Error {
        Error::Corrupt(self.what.into())
    }

    fn get(&self, id: u32) -> Option<Raw<'a>> {
        self.fields.iter().find(|(field, _)| *field == id).map(|(_, raw)| *raw)
    }

    fn need(&self, id: u32) -> Result<Raw<'a>> {
        self.get(id).ok_or_else(|| self.corrupt())
    }

    pub(crate) fn number(&self, id: u32) -> Result<u32> {
        self.some_number(id)?.ok_or_else(|| self.corrupt())
    }

    pub(crate) fn some_number(&self, id: u32) -> Result<Option<u32>> {
        self.get(id)
            .map(|raw| raw.as_u64().and_then(|n| n.try_into().ok()).ok_or_else(|| self.corrupt()))
            .transpose()
    }

    pub(crate) fn int(&self, id: u32) -> Result<i64> {
        self.need(id)?.as_i64().ok_or_else(|| self.corrupt())
    }

    pub(crate) fn flag(&self, id: u32) -> Result<bool> {
        self.get(id).map_or(Ok(false), |raw| raw.as_bool().ok_or_else(|| self.corrupt()))
    }

    pub(crate) fn text(&self, id: u32) -> Result<String> {
        self.some_text(id)?.ok_or_else(|| self.corrupt())
    }

    pub(crate) fn some_text(&self, id: u32) -> Result<Option<String>> {
        self.get(id)
            .map(|raw| raw.as_str().map(str::to_owned).ok_or_else(|| self.corrupt()))
            .transpose()
    }

    pub(crate) fn some_value(&self, id: u32) -> Result<Option<Value>> {
        Ok(self.get(id).map(|raw| raw.to_value()).transpose()?)
    }

    pub(crate) fn numbers(&self, id: u32) -> Result<Vec<u32>> {
        self.each(id, |raw| {
            raw.as_u64().and_then(|n| n.try_into().ok()).ok_or_else(|| self.corrupt())
        })
    }

    pub(crate) fn texts(&self, id: u32) -> Result<Vec<String>> {
        self.each(id, |raw| raw.as_str().map(str::to_owned).ok_or_else(|| self.corrupt()))
    }

    pub(crate) fn list<T>(
        &self,
        id: u32,
        known: u32,
        read: impl Fn(&Record<'a>) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.each(id, |raw| read(&Record::read(raw, self.what, known)?))
    }

    fn each<T>(&self, id: u32, read: impl Fn(Raw<'a>) -> Result<T>) -> Result<Vec<T>> {
        let Some(raw) = self.get(id) else { return Ok(Vec::new()) };
        if !raw.is_array() {
            return Err(self.corrupt());
        }
        raw.elements().map(|element| read(element?)).collect()
    }

    fn ty(&self, id: u32) -> Result<Type> {
        Type::from_oid(self.number(id)?).ok_or_else(|| Error::Newer(self.what.into()))
    }
}

/// What stands under a name in a schema.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Named {
    Collection(Box<Collection>),
    Sequence(Sequence),
    Index {
        collection: CollectionId,
        index: IndexId,
        schema: String,
        name: String,
        database: DatabaseId,
    },
}

const COLLECTION: u32 = 1;
const SEQUENCE: u32 = 2;
const INDEX_NAME: u32 = 3;

pub(crate) fn encode_database(database: &Database) -> Vec<u8> {
    write(|fields| {
        fields.uint(0, database.id.0);
        fields.text(1, &database.name);
        fields.list(2, database.schemas.iter(), |fields, (name, number)| {
            fields.text(0, name);
            fields.uint(1, number.0);
        });
    })
}

pub(crate) fn decode_database(bytes: &[u8]) -> Result<Database> {
    let record = Record::read(Raw::new(bytes), "record of a database", 3)?;
    let schemas = record.list(2, 2, |r| Ok((r.text(0)?, ObjectNumber(r.number(1)?))))?;
    Ok(Database {
        id: DatabaseId(record.number(0)?),
        name: record.text(1)?,
        schemas: schemas.into_iter().collect(),
    })
}

pub(crate) fn encode_collection(c: &Collection) -> Vec<u8> {
    write(|fields| {
        fields.uint(0, COLLECTION);
        fields.uint(1, c.id.0);
        fields.uint(2, c.database.0);
        fields.text(3, &c.schema);
        fields.text(4, &c.name);
        fields.uint(5, c.storage.0);
        fields.uint(6, kind_number(c.kind));
        fields.uint(7, c.version);
        fields.uint(8, c.next_column);
        fields.flag(9, c.extra_fields == ExtraFields::Keep);
        fields.some_text(10, c.redis_prefix.as_deref());
        fields.list(11, c.columns.iter(), column);
        fields.list(12, std::iter::once(&c.primary_key), |fields, key| {
            fields.uint(0, key.id.0);
            fields.text(1, &key.name);
            fields.uint(2, key.constraint.0);
            fields.uints(3, key.columns.iter().map(|id| id.0));
        });
        fields.list(13, c.indexes.iter(), index);
        fields.list(14, c.checks.iter(), |fields, check| {
            fields.uint(0, check.constraint.0);
            fields.text(1, &check.name);
            fields.text(2, &check.expression);
        });
        fields.list(15, c.sequences.iter(), |fields, (column, sequence)| {
            fields.uint(0, column.0);
            fields.uint(1, sequence.0);
        });
    })
}

fn kind_number(kind: CollectionKind) -> u32 {
    match kind {
        CollectionKind::Table => 0,
        CollectionKind::Documents => 1,
        CollectionKind::KeySpace => 2,
    }
}

fn column(fields: &mut Fields<'_, '_>, column: &Column) {
    fields.uint(0, column.id.0);
    fields.text(1, &column.name);
    fields.uint(2, column.ty.oid());
    if column.modifier != -1 {
        fields.int(3, column.modifier.into());
    }
    fields.flag(4, column.not_null);
    fields.uint(5, column.added);
    if let Some(missing) = &column.missing {
        fields.value(6, missing);
    }
    fields.flag(7, column.hidden);
    match &column.generator {
        None => {}
        Some(Generator::Default(text)) => fields.text(8, text),
        Some(Generator::Serial(sequence)) => fields.uint(9, sequence.0),
        Some(Generator::IdentityByDefault(sequence)) => fields.uint(10, sequence.0),
        Some(Generator::IdentityAlways(sequence)) => fields.uint(11, sequence.0),
        Some(Generator::Stored(text)) => fields.text(12, text),
        Some(Generator::ObjectId) => fields.flag(13, true),
    }
}

fn index(fields: &mut Fields<'_, '_>, index: &Index) {
    fields.uint(0, index.id.0);
    fields.text(1, &index.name);
    fields.list(2, index.elements.iter(), |fields, element| {
        match &element.source {
            ElementSource::Column(id) => fields.uint(0, id.0),
            ElementSource::Path(path) => fields.texts(1, path),
            ElementSource::Expression(text) => fields.text(2, text),
        }
        fields.flag(3, element.descending);
        fields.flag(4, element.nulls_first);
    });
    fields.flag(3, index.unique);
    fields.flag(4, index.nulls_distinct);
    fields.flag(5, index.array_elements);
    fields.some_text(6, index.predicate.as_deref());
    fields.some_uint(7, index.constraint.map(|number| number.0));
    fields.flag(8, index.state == IndexState::Building);
}

/// What stands under a relation's key. The field dictionary comes from keys of its own.
pub(crate) fn decode_named(bytes: &[u8]) -> Result<Named> {
    const WHAT: &str = "record of a relation";
    let raw = Raw::new(bytes);
    let kind = raw.get_id(0).and_then(|raw| raw.as_u64()).unwrap_or(0);
    match u32::try_from(kind).unwrap_or(0) {
        COLLECTION => {
            let record = Record::read(raw, WHAT, 16)?;
            Ok(Named::Collection(Box::new(read_collection(&record)?)))
        }
        SEQUENCE => Ok(Named::Sequence(read_sequence(&Record::read(raw, WHAT, 15)?)?)),
        INDEX_NAME => {
            let record = Record::read(raw, WHAT, 6)?;
            Ok(Named::Index {
                collection: CollectionId(record.number(1)?),
                index: IndexId(record.number(2)?),
                database: DatabaseId(record.number(3)?),
                schema: record.text(4)?,
                name: record.text(5)?,
            })
        }
        0 => Err(Error::Corrupt(WHAT.into())),
        _ => Err(Error::Newer(WHAT.into())),
    }
}

fn read_collection(r: &Record<'_>) -> Result<Collection> {
    let kind = match r.number(6)? {
        0 => CollectionKind::Table,
        1 => CollectionKind::Documents,
        2 => CollectionKind::KeySpace,
        _ => return Err(Error::Newer(r.what.into())),
    };
    let primary_key = r
        .list(12, 4, |r| {
            Ok(PrimaryKey {
                id: IndexId(r.number(0)?),
                name: r.text(1)?,
                constraint: ObjectNumber(r.number(2)?),
                columns: r.numbers(3)?.into_iter().map(ColumnId).collect(),
            })
        })?
        .pop()
        .ok_or_else(|| r.corrupt())?;
    let sequences = r.list(15, 2, |r| Ok((ColumnId(r.number(0)?), ObjectNumber(r.number(1)?))))?;
    Ok(Collection {
        id: CollectionId(r.number(1)?),
        database: DatabaseId(r.number(2)?),
        schema: r.text(3)?,
        name: r.text(4)?,
        storage: StorageId(r.number(5)?),
        kind,
        version: r.number(7)?,
        next_column: r.number(8)?,
        extra_fields: if r.flag(9)? { ExtraFields::Keep } else { ExtraFields::Refuse },
        redis_prefix: r.some_text(10)?,
        columns: r.list(11, 14, read_column)?,
        primary_key,
        indexes: r.list(13, 9, read_index)?,
        checks: r.list(14, 3, |r| {
            Ok(Check {
                constraint: ObjectNumber(r.number(0)?),
                name: r.text(1)?,
                expression: r.text(2)?,
            })
        })?,
        fields: BTreeMap::new(),
        sequences: sequences.into_iter().collect(),
    })
}

fn read_column(r: &Record<'_>) -> Result<Column> {
    let sequence = |id| Ok::<_, Error>(r.some_number(id)?.map(ObjectNumber));
    let generator = None
        .or(r.some_text(8)?.map(Generator::Default))
        .or(sequence(9)?.map(Generator::Serial))
        .or(sequence(10)?.map(Generator::IdentityByDefault))
        .or(sequence(11)?.map(Generator::IdentityAlways))
        .or(r.some_text(12)?.map(Generator::Stored))
        .or(r.flag(13)?.then_some(Generator::ObjectId));
    let modifier = if r.get(3).is_some() { r.int(3)? } else { -1 };
    Ok(Column {
        id: ColumnId(r.number(0)?),
        name: r.text(1)?,
        ty: r.ty(2)?,
        modifier: modifier.try_into().map_err(|_| r.corrupt())?,
        not_null: r.flag(4)?,
        added: r.number(5)?,
        missing: r.some_value(6)?,
        hidden: r.flag(7)?,
        generator,
    })
}

fn read_index(r: &Record<'_>) -> Result<Index> {
    let elements = r.list(2, 5, |r| {
        let source = match (r.some_number(0)?, r.get(1).is_some()) {
            (Some(column), _) => ElementSource::Column(ColumnId(column)),
            (None, true) => ElementSource::Path(r.texts(1)?),
            (None, false) => ElementSource::Expression(r.text(2)?),
        };
        Ok(IndexElement { source, descending: r.flag(3)?, nulls_first: r.flag(4)? })
    })?;
    Ok(Index {
        id: IndexId(r.number(0)?),
        name: r.text(1)?,
        elements,
        unique: r.flag(3)?,
        nulls_distinct: r.flag(4)?,
        array_elements: r.flag(5)?,
        predicate: r.some_text(6)?,
        constraint: r.some_number(7)?.map(ObjectNumber),
        state: if r.flag(8)? { IndexState::Building } else { IndexState::Ready },
    })
}

pub(crate) fn encode_sequence(s: &Sequence) -> Vec<u8> {
    write(|fields| {
        fields.uint(0, SEQUENCE);
        fields.uint(1, s.id.0);
        fields.uint(2, s.database.0);
        fields.text(3, &s.schema);
        fields.text(4, &s.name);
        fields.uint(5, s.ty.oid());
        fields.int(6, s.start);
        fields.int(7, s.increment);
        fields.int(8, s.min);
        fields.int(9, s.max);
        fields.flag(10, s.cycle);
        fields.int(11, s.cache);
        fields.some_uint(12, s.owner.map(|(collection, _)| collection.0));
        fields.some_uint(13, s.owner.map(|(_, column)| column.0));
    })
}

fn read_sequence(r: &Record<'_>) -> Result<Sequence> {
    let owner = match (r.some_number(12)?, r.some_number(13)?) {
        (Some(collection), Some(column)) => Some((CollectionId(collection), ColumnId(column))),
        _ => None,
    };
    Ok(Sequence {
        id: ObjectNumber(r.number(1)?),
        database: DatabaseId(r.number(2)?),
        schema: r.text(3)?,
        name: r.text(4)?,
        ty: r.ty(5)?,
        start: r.int(6)?,
        increment: r.int(7)?,
        min: r.int(8)?,
        max: r.int(9)?,
        cycle: r.flag(10)?,
        cache: r.int(11)?,
        owner,
    })
}

pub(crate) fn encode_index_name(c: &Collection, index: IndexId, name: &str) -> Vec<u8> {
    write(|fields| {
        fields.uint(0, INDEX_NAME);
        fields.uint(1, c.id.0);
        fields.uint(2, index.0);
        fields.uint(3, c.database.0);
        fields.text(4, &c.schema);
        fields.text(5, name);
    })
}

/// The value of a collection's lock key.
pub(crate) fn encode_version(version: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(5);
    Encoder::new(&mut out).uint(version.into());
    out
}

/// The version in the value of a collection's lock key.
pub(crate) fn decode_version(bytes: &[u8]) -> Result<u32> {
    Raw::new(bytes)
        .as_u64()
        .and_then(|n| n.try_into().ok())
        .ok_or_else(|| Error::Corrupt("version of a collection".into()))
}
