//! What a refused row is told by: names, and values as they are seen.

use std::sync::Arc;

use bytes::Bytes;
use value::{KeyReader, Value};

use super::Prepared;
use crate::datum::{Arena, Datum};
use crate::error::{Error, Result, RowViolation, UniqueViolation};
use crate::key;
use crate::row::{self, RowReader};
use crate::schema::*;

/// The row that a constraint refused.
pub(super) fn violation(
    collection: &Collection,
    name: &str,
    row: &[Datum<'_>],
) -> Result<Box<RowViolation>> {
    let shown = collection.columns.iter().zip(row).filter(|(column, _)| !column.hidden);
    let row = shown.map(|(column, datum)| row::to_value(datum, column.ty));
    Ok(Box::new(RowViolation {
        schema: collection.schema.clone(),
        collection: collection.name.clone(),
        name: name.to_owned(),
        row: row.collect::<Result<_>>()?,
    }))
}

/// The error that a key is taken.
pub(crate) fn unique(
    collection: &Arc<Collection>,
    prepared: &Prepared,
    id: IndexId,
    building: bool,
) -> Result<Error> {
    let found = collection.indexes.iter().enumerate().find(|(_, index)| index.id == id);
    let (constraint, sources, entry) = match found {
        Some((at, index)) => {
            let entry = prepared.entries.iter().find(|(of, e)| *of == at && e.unique);
            let sources = index.elements.iter().map(|element| element.source.clone()).collect();
            (index.name.clone(), sources, entry.map(|(_, entry)| entry.key.clone()))
        }
        None => {
            let columns = collection.primary_key.columns.iter();
            let sources = columns.map(|id| ElementSource::Column(*id)).collect::<Vec<_>>();
            (collection.primary_key.name.clone(), sources, None)
        }
    };
    let (elements, values) = unique_values(collection, prepared, &sources, entry)?;
    Ok(Error::Unique(Box::new(UniqueViolation {
        schema: collection.schema.clone(),
        collection: collection.name.clone(),
        collection_id: collection.id,
        index: id,
        constraint,
        elements,
        values,
        building,
    })))
}

/// Names and values of a key: columns from the row, exactly; others from the entry.
fn unique_values(
    collection: &Arc<Collection>,
    prepared: &Prepared,
    sources: &[ElementSource],
    entry: Option<Bytes>,
) -> Result<(Vec<String>, Vec<Value>)> {
    let arena = Arena::new();
    let reader = RowReader::whole(collection)?;
    let mut row = vec![Datum::Missing; collection.columns.len()];
    reader.read(&prepared.row.key, &prepared.row.value, &arena, &mut row)?;
    let entry = entry.unwrap_or_default();
    let mut walk = KeyReader::new(entry.get(key::ENTRY_PREFIX..).unwrap_or_default());
    let mut names = Vec::new();
    let mut values = Vec::new();
    for source in sources {
        let from_key = walk.value().ok().flatten().unwrap_or(Value::Null);
        match source {
            ElementSource::Column(id) => {
                let at = collection.position(*id).ok_or(Error::Internal("key column is gone"))?;
                let (column, datum) = (&collection.columns[at], &row[at]);
                names.push(column.name.clone());
                values.push(row::to_value(datum, column.ty)?);
            }
            ElementSource::Path(path) => {
                names.push(path.join("."));
                values.push(from_key);
            }
            ElementSource::Expression(text) => {
                names.push(text.clone());
                values.push(from_key);
            }
        }
    }
    Ok((names, values))
}
