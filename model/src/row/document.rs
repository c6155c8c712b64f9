//! A row as a document, and a document as a row: identity, names, undeclared fields.
//!
//! ```text
//!   key of one column     {_id: 7, id: 7, name: "ann", nick: "a1"}
//!   composite key         {_id: {a: 1, b: "x"}, a: 1, b: "x", …}
//!   no key                {_id: ObjectId(…), name: "ann", …}
//! ```
//!
//! `_id` first, then every declared column under its own name (NULL as null), then the undeclared
//! fields in the order written, so that `{_id: 0}` is exactly the row (MAPPING: Identity).
//!
//! **Invariants**
//! - `from_document(document(row))` is the row.
//! - Where `_id` and the key columns are both given they agree after conversion, or the document is
//!   refused; nothing is replaced, since a driver has told its user the `_id` already.
//! - A null in a key column or `_id` means: take the column's generator. MongoDB would keep a null
//!   `_id`; here no document's identity is null, since SQL finds none by it.

use value::{Document, Encoder, Kind, Raw, Value, cmp_bson};

use super::{RowReader, assign, convert};
use crate::datum::{Arena, Datum};
use crate::error::{ConvertFailure, Error, Result};
use crate::row::Row;
use crate::schema::{Collection, Column, ColumnId, ExtraFields};
use crate::types::Type;

/// The field that MongoDB identifies a document by.
pub const ID: &str = "_id";

/// A document taken apart for a collection.
#[derive(Debug)]
pub struct DocumentRow<'a> {
    /// Declared columns in order; `Missing` where the document has no such field.
    pub row: Vec<Datum<'a>>,
    /// Undeclared fields in order.
    pub extras: Vec<(&'a str, &'a Value)>,
}

/// Converts a document's fields into a row. Undeclared fields are kept apart, or refused by name.
pub fn from_document<'a>(
    collection: &Collection,
    document: &'a Document,
    arena: &'a Arena,
) -> Result<DocumentRow<'a>> {
    let mut row = vec![Datum::Missing; collection.columns.len()];
    let mut extras = Vec::new();
    let mut id = None;
    for (name, value) in document.iter() {
        match collection.columns.iter().position(|column| column.name == name) {
            Some(position) => {
                let column = &collection.columns[position];
                row[position] = assigned(collection, column, value, arena)?;
            }
            None if name == ID => id = Some(value),
            None if collection.extra_fields == ExtraFields::Keep => extras.push((name, value)),
            None => {
                let (collection, field) = (collection.name.clone(), name.to_owned());
                return Err(Error::Undeclared { collection, field });
            }
        }
    }
    if let Some(id) = id {
        agree(collection, id, &mut row, arena)?;
    }
    for key in &collection.primary_key.columns {
        if let Some(position) = collection.position(*key)
            && is_null(&row[position], collection.columns[position].ty)
        {
            row[position] = Datum::Missing;
        }
    }
    Ok(DocumentRow { row, extras })
}

/// NULL, or the null of a column of any type.
fn is_null(datum: &Datum<'_>, ty: Type) -> bool {
    match datum {
        Datum::Null => true,
        Datum::Json(raw) if ty == Type::ANY => {
            matches!(raw.kind(), Some(Kind::Null | Kind::Undefined))
        }
        _ => false,
    }
}

/// A value as a column's datum, or an error that names column, type and value.
pub(crate) fn assigned<'a>(
    collection: &Collection,
    column: &Column,
    value: &Value,
    arena: &'a Arena,
) -> Result<Datum<'a>> {
    let value = convert_value(collection, column, value)?;
    let datum = convert::borrowed(&value, column.ty, arena)?;
    Ok(arena.copy(&datum))
}

/// A value as a column keeps it, or an error that names column, type and value.
pub(crate) fn convert_value(
    collection: &Collection,
    column: &Column,
    value: &Value,
) -> Result<Value> {
    assign::assign(value, column.ty, column.modifier).map_err(|reason| {
        Error::Convert(Box::new(ConvertFailure {
            collection: collection.name.clone(),
            column: column.name.clone(),
            ty: column.ty.display(column.modifier),
            value: convert::shown(value),
            reason,
        }))
    })
}

/// Puts `_id` into the key columns, which may have been given as well.
fn agree<'a>(
    collection: &Collection,
    id: &'a Value,
    row: &mut [Datum<'a>],
    arena: &'a Arena,
) -> Result<()> {
    if matches!(id, Value::Null | Value::Undefined) {
        return Ok(());
    }
    for (column, value) in key_parts(collection, id)? {
        let Some(position) = collection.position(column.id) else { continue };
        let datum = assigned(collection, column, value, arena)?;
        let given = &row[position];
        if !given.is_null() {
            let (a, b) =
                (convert::to_value(given, column.ty)?, convert::to_value(&datum, column.ty)?);
            if cmp_bson(&a, &b).is_ne() {
                return Err(Error::IdDisagrees { collection: collection.name.clone() });
            }
        }
        row[position] = datum;
    }
    Ok(())
}

/// The key columns with their values in an `_id`.
fn key_parts<'a, 'v>(
    collection: &'a Collection,
    id: &'v Value,
) -> Result<Vec<(&'a Column, &'v Value)>> {
    let disagrees = || Error::IdDisagrees { collection: collection.name.clone() };
    let columns = key_columns(collection);
    if let [column] = columns.as_slice() {
        return Ok(vec![(*column, id)]);
    }
    let Value::Document(parts) = id else { return Err(disagrees()) };
    if parts.len() != columns.len() {
        return Err(disagrees());
    }
    columns
        .into_iter()
        .map(|column| Ok((column, parts.get(&column.name).ok_or_else(disagrees)?)))
        .collect()
}

fn key_columns(collection: &Collection) -> Vec<&Column> {
    let ids = &collection.primary_key.columns;
    ids.iter().filter_map(|id| collection.column_by_id(*id)).collect()
}

/// The key of the row that an `_id` names. An `_id` that no row can have (a text where the key is
/// an integer) answers `None`.
pub fn key_of_id(collection: &Collection, id: &Value) -> Result<Option<bytes::Bytes>> {
    let arena = Arena::new();
    let parts = match key_parts(collection, id) {
        Ok(parts) => parts,
        Err(Error::IdDisagrees { .. }) => return Ok(None),
        Err(other) => return Err(other),
    };
    let mut values = Vec::with_capacity(parts.len());
    for (column, value) in parts {
        match assigned(collection, column, value, &arena) {
            Ok(datum) => values.push(datum),
            Err(Error::Convert(_)) => return Ok(None),
            Err(other) => return Err(other),
        }
    }
    super::key_of_values(collection, &values).map(Some)
}

/// The `_id` of a row.
pub fn id_of(collection: &Collection, row_key: &[u8], value: &[u8]) -> Result<Value> {
    let arena = Arena::new();
    let ids = &collection.primary_key.columns;
    let reader = RowReader::new(collection, ids)?;
    let mut row = vec![Datum::Missing; ids.len()];
    reader.read(row_key, value, &arena, &mut row)?;
    id_among(collection, ids, &row)
}

/// The `_id` that is among the data of these columns.
fn id_among(collection: &Collection, columns: &[ColumnId], row: &[Datum<'_>]) -> Result<Value> {
    let part = |id: &ColumnId| {
        let place = columns.iter().position(|column| column == id);
        let datum = place.and_then(|place| row.get(place)).ok_or(Error::Internal("no key"))?;
        let column = collection.column_by_id(*id).ok_or(Error::Internal("key column is gone"))?;
        Ok((column.name.as_str(), convert::to_value(datum, column.ty)?))
    };
    let ids = &collection.primary_key.columns;
    if let [id] = ids.as_slice() {
        return part(id).map(|(_, value)| value);
    }
    let mut parts = Document::with_capacity(ids.len());
    for id in ids {
        let (name, value) = part(id)?;
        parts.push(name, value);
    }
    Ok(Value::Document(parts))
}

/// The whole document of a row.
pub fn document(collection: &Collection, row_key: &[u8], value: &[u8]) -> Result<Document> {
    let arena = Arena::new();
    let (columns, reader) = whole_reader(collection)?;
    let mut row = vec![Datum::Missing; columns.len()];
    reader.read(row_key, value, &arena, &mut row)?;
    let mut document = Document::with_capacity(row.len() + 1);
    document.push(ID, id_among(collection, &columns, &row)?);
    for (column, datum) in collection.columns.iter().zip(&row) {
        if column.name != ID {
            document.push(column.name.as_str(), convert::to_value(datum, column.ty)?);
        }
    }
    for field in Row::read(value)?.fields() {
        let (name, raw) = field?;
        document.push(name, raw.to_value()?);
    }
    Ok(document)
}

/// All declared columns, and a reader of them.
fn whole_reader(collection: &Collection) -> Result<(Vec<ColumnId>, RowReader)> {
    let columns: Vec<_> = collection.columns.iter().map(|column| column.id).collect();
    let reader = RowReader::new(collection, &columns)?;
    Ok((columns, reader))
}

/// The whole document of a row as one encoded item in the arena (SQL's `_doc`). Undeclared fields
/// are copied as bytes.
pub fn document_item<'a>(
    collection: &Collection,
    row_key: &[u8],
    value: &[u8],
    arena: &'a Arena,
) -> Result<Raw<'a>> {
    let scratch = Arena::new();
    let (columns, reader) = whole_reader(collection)?;
    let mut row = vec![Datum::Missing; columns.len()];
    reader.read(row_key, value, &scratch, &mut row)?;
    let mut out = Vec::with_capacity(value.len() + 64);
    let mut encoder = Encoder::new(&mut out);
    let open = encoder.begin_map();
    encoder.key(ID);
    encoder.value(&id_among(collection, &columns, &row)?);
    let mut count = 1;
    for (column, datum) in collection.columns.iter().zip(&row) {
        if column.name != ID {
            encoder.key(&column.name);
            encoder.value(&convert::to_value(datum, column.ty)?);
            count += 1;
        }
    }
    for field in Row::read(value)?.fields() {
        let (name, raw) = field?;
        encoder.key(name);
        encoder.encoded(raw.bytes()?);
        count += 1;
    }
    encoder.end_map(open, count);
    Ok(Raw::new(arena.bytes(&out)))
}

/// The pairs of field and type that a row adds to its collection's dictionary: undeclared fields,
/// and columns of any type. Nulls fit every type and are left out.
pub(crate) fn pairs(
    collection: &Collection,
    row_key: &[u8],
    value: &[u8],
) -> Result<Vec<(String, Kind)>> {
    let mut pairs = Vec::new();
    let open = |column: &&Column| column.ty == Type::ANY && !column.hidden;
    let any: Vec<&Column> = collection.columns.iter().filter(open).collect();
    if any.is_empty() && collection.extra_fields == ExtraFields::Refuse {
        return Ok(pairs);
    }
    if !any.is_empty() {
        let arena = Arena::new();
        let ids: Vec<_> = any.iter().map(|column| column.id).collect();
        let reader = RowReader::new(collection, &ids)?;
        let mut row = vec![Datum::Missing; ids.len()];
        reader.read(row_key, value, &arena, &mut row)?;
        for (column, datum) in any.iter().zip(&row) {
            if let Datum::Json(raw) = datum {
                pairs.push((column.name.clone(), raw.kind().ok_or(value::Damaged)?));
            }
        }
    }
    for field in Row::read(value)?.fields() {
        let (name, raw) = field?;
        pairs.push((name.to_owned(), raw.kind().ok_or(value::Damaged)?));
    }
    pairs.retain(|(_, kind)| *kind != Kind::Null);
    Ok(pairs)
}
