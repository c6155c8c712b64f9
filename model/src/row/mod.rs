//! The bytes of a row and of a document: one codec for both.
//!
//! ```text
//!   01 │ version │ a3 │ 02 19 0539 │ 03 63 "ann" │ 64 "nick" 62 "a1"
//!   │    │         │    │            │             └ undeclared field, by name, in the order written
//!   │    │         │    └────────────┴ declared columns by id, ascending, shortest heads
//!   │    │         └ one CBOR map
//!   │    └ schema version of the writer, CBOR uint
//!   └ format
//! ```
//!
//! **Invariants**
//! - Ids ascend and come before names: a reader of some columns stops at the highest id that it
//!   wants.
//! - A declared column that is NULL is left out; a stored null exists only in json columns and
//!   undeclared fields.
//! - A column of the primary key stands in the key alone, unless the key does not give it back
//!   exactly (`convert::is_kept_by_key`) or the key was shortened; then it stands here too, and
//!   what stands here wins.
//! - An absent column is NULL, or its `missing` value where the row's version is older than the
//!   column.
//! - Ids of dropped columns may still be there; nobody asks for them, and the next write of the row
//!   leaves them out.
//!
//! Rejected: rows as arrays by position (ADD and DROP COLUMN would rewrite them) and BSON (see
//! `value::cbor`).

mod assign;
mod convert;
mod document;
mod reader;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use value::{Encoder, Key, KeyWriter, Raw, Value};

pub use assign::{assign, parse};
pub(crate) use convert::{Form, form, from_key, order, shown, write_key};
pub use convert::{from_value, to_value};
pub(crate) use document::pairs;
pub use document::{DocumentRow, ID, document, document_item, from_document, id_of, key_of_id};
pub use reader::RowReader;

use crate::datum::Datum;
use crate::error::{Error, Result};
use crate::key;
use crate::schema::{Collection, ColumnId};

/// The format of rows.
pub const FORMAT: u8 = 1;

/// A stored row taken apart.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// The schema version that it was written at.
    pub version: u32,
    /// Its map.
    pub map: Raw<'a>,
}

impl<'a> Row<'a> {
    /// Takes a stored value apart.
    #[inline]
    pub fn read(value: &'a [u8]) -> Result<Row<'a>> {
        let corrupt = || Error::Corrupt("row".into());
        let (&format, rest) = value.split_first().ok_or_else(corrupt)?;
        if format != FORMAT {
            return Err(Error::Newer("row".into()));
        }
        let head = Raw::new(rest);
        let version = head.as_u64().ok_or_else(corrupt)?;
        let map = rest.get(head.bytes()?.len()..).ok_or_else(corrupt)?;
        let version = version.try_into().map_err(|_| corrupt())?;
        Ok(Row { version, map: Raw::new(map) })
    }

    /// An undeclared top-level field.
    pub fn field(self, name: &str) -> Result<Option<Raw<'a>>> {
        Ok(self.map.find(Key::Name(name))?)
    }

    /// The undeclared fields in the order written.
    pub fn fields(self) -> impl Iterator<Item = Result<(&'a str, Raw<'a>)>> {
        self.map.entries().filter_map(|entry| match entry {
            Ok((Key::Name(name), value)) => Some(Ok((name, value))),
            Ok((Key::Id(_), _)) => None,
            Err(damaged) => Some(Err(damaged.into())),
        })
    }
}

/// The undeclared fields of a row to be written.
#[derive(Debug, Clone, Copy)]
pub enum Extras<'a> {
    /// None.
    None,
    /// Those of another row.
    Of(Row<'a>),
    /// Those of another row but for one name.
    Except(Row<'a>, &'a str),
    /// These.
    Fields(&'a [(&'a str, &'a Value)]),
}

/// What an update keeps as it stands.
#[derive(Debug, Clone, Copy)]
pub struct Kept<'a> {
    /// The row before.
    pub old: Row<'a>,
    /// The columns that were assigned; the others keep their bytes (and so subtypes and widths that
    /// a datum has not).
    pub changed: &'a [ColumnId],
}

/// The key of a row, from its declared columns in order.
pub fn key_of(collection: &Collection, row: &[Datum<'_>]) -> Result<Bytes> {
    let mut out = Vec::with_capacity(key::ROW_PREFIX + 24);
    key::row_prefix(collection.storage, &mut out);
    for id in &collection.primary_key.columns {
        let position = collection.position(*id).ok_or(Error::Internal("key column is gone"))?;
        let datum = row.get(position).ok_or(Error::Internal("row is too short"))?;
        push_key_element(collection, *id, datum, &mut out)?;
    }
    Ok(key::finish(out))
}

/// The key of a row, from the values of its key columns in key order.
pub fn key_of_values(collection: &Collection, values: &[Datum<'_>]) -> Result<Bytes> {
    let mut out = Vec::with_capacity(key::ROW_PREFIX + 24);
    write_key_of_values(collection, values, &mut out)?;
    Ok(key::finish(out))
}

/// As [`key_of_values`], into a buffer that may be used again; fewer values than key columns give a
/// prefix. Never shortened.
pub fn write_key_of_values(
    collection: &Collection,
    values: &[Datum<'_>],
    out: &mut Vec<u8>,
) -> Result<()> {
    key::row_prefix(collection.storage, out);
    for (id, datum) in collection.primary_key.columns.iter().zip(values) {
        push_key_element(collection, *id, datum, out)?;
    }
    Ok(())
}

fn push_key_element(
    collection: &Collection,
    id: ColumnId,
    datum: &Datum<'_>,
    out: &mut Vec<u8>,
) -> Result<()> {
    let column = collection.column_by_id(id).ok_or(Error::Internal("key column is gone"))?;
    let mut writer = KeyWriter::new(out);
    writer.order(order(column.ty, false, false));
    write_key(&mut writer, column.ty, datum)
}

/// The stored value of a row, from its declared columns in order.
pub fn encode(
    collection: &Collection,
    row_key: &[u8],
    row: &[Datum<'_>],
    extras: Extras<'_>,
    kept: Option<Kept<'_>>,
) -> Result<Vec<u8>> {
    if row.len() != collection.columns.len() {
        return Err(Error::Internal("a row has not as many datums as columns"));
    }
    let mut out = Vec::with_capacity(64);
    out.push(FORMAT);
    let mut encoder = Encoder::new(&mut out);
    encoder.uint(collection.version.into());
    let open = encoder.begin_map();
    let mut count = 0;
    let cut = key::is_cut(row_key);
    for (column, datum) in collection.columns.iter().zip(row) {
        if let Some(kept) = kept.filter(|kept| !kept.changed.contains(&column.id))
            && let Some(raw) = kept.old.map.find(Key::Id(column.id.0))?
        {
            encoder.id(column.id.0);
            encoder.encoded(raw.bytes()?);
            count += 1;
            continue;
        }
        let is_key = collection.key_position(column.id).is_some();
        if is_key && column.id == ColumnId::SYSTEM_ID && is_array(datum) {
            return Err(Error::Unsupported("an array as _id".into()));
        }
        let in_key = is_key && !cut;
        if datum.is_null() || in_key && convert::is_kept_by_key(column.ty, datum) {
            continue;
        }
        encoder.id(column.id.0);
        convert::write_item(&mut encoder, column.ty, datum)?;
        count += 1;
    }
    count += write_extras(&mut encoder, extras)?;
    encoder.end_map(open, count);
    Ok(out)
}

/// MongoDB has none: a filter on `_id` would look into it.
fn is_array(datum: &Datum<'_>) -> bool {
    matches!(datum, Datum::Json(raw) | Datum::Array(raw) if raw.is_array())
}

fn write_extras(encoder: &mut Encoder<'_>, extras: Extras<'_>) -> Result<usize> {
    let mut count = 0;
    match extras {
        Extras::None => {}
        Extras::Of(row) => count = copy_fields(encoder, row, None)?,
        Extras::Except(row, name) => count = copy_fields(encoder, row, Some(name))?,
        Extras::Fields(fields) => {
            for (name, value) in fields {
                encoder.key(name);
                encoder.value(value);
            }
            count = fields.len();
        }
    }
    Ok(count)
}

fn copy_fields(encoder: &mut Encoder<'_>, row: Row<'_>, except: Option<&str>) -> Result<usize> {
    let mut count = 0;
    for field in row.fields() {
        let (name, value) = field?;
        if except != Some(name) {
            encoder.key(name);
            encoder.encoded(value.bytes()?);
            count += 1;
        }
    }
    Ok(count)
}
