//! Decoding stored rows into cells: what a scan yields.
//!
//! The declared columns of a scan are read by one [`RowReader`]. If they are the first columns of
//! the row, as they are for every statement that the binder makes, they are decoded in place; else
//! through a small row in between.

use std::sync::Arc;

use model::row::{Row, RowReader, document_item};
use model::{Collection, ColumnId, StoredRow};
use smallvec::SmallVec;
use value::Raw;

use super::fault::fault;
use crate::expression::Context;
use crate::function::{Call, CallTypes, by_id};
use crate::plan::ScanColumn;
use crate::{Arena, Datum, Error, ErrorKind, Result, Type};

/// Decodes the columns of a scan.
pub struct Decoder {
    collection: Arc<Collection>,
    columns: Vec<(ScanColumn, Type)>,
    reader: RowReader,
    /// Whether the declared columns come first.
    in_place: bool,
    /// The columns without a type of their own, by their places among the declared ones.
    open: Vec<(usize, Type)>,
}

impl Decoder {
    /// A decoder of these columns with their types.
    pub fn new(
        collection: &Arc<Collection>,
        columns: impl Iterator<Item = (ScanColumn, Type)>,
    ) -> Result<Decoder> {
        let columns: Vec<(ScanColumn, Type)> = columns.collect();
        let declared: Vec<ColumnId> = columns.iter().filter_map(|(c, _)| id_of(c)).collect();
        let first = columns.iter().take_while(|(column, _)| id_of(column).is_some()).count();
        let in_place = first == declared.len();
        let reader = RowReader::new(collection, &declared).map_err(fault)?;
        let open = open_columns(collection, &columns);
        Ok(Decoder { collection: collection.clone(), columns, reader, in_place, open })
    }

    /// A decoder of every declared column in order, as the row is stored: what is written again
    /// keeps its width.
    pub fn whole(collection: &Arc<Collection>) -> Result<Decoder> {
        let columns = collection.columns.iter().map(|c| (ScanColumn::Column(c.id), c.ty));
        let decoder = Decoder::new(collection, columns)?;
        Ok(Decoder { open: Vec::new(), ..decoder })
    }

    /// The same, but cells that nobody reads may be missing.
    pub fn only(self, needed: &[u32]) -> Decoder {
        if !self.in_place {
            return self;
        }
        let is_needed = |slot| needed.iter().any(|at| *at as usize == slot);
        Decoder { reader: self.reader.only(is_needed), ..self }
    }

    /// How many cells a row has.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// Pushes the cells of one row.
    pub fn push<'b>(
        &'b self,
        row: &'b StoredRow,
        context: &Context<'b>,
        cells: &mut Vec<Datum<'b>>,
        arena: &'b Arena,
    ) -> Result<()> {
        let start = cells.len();
        let declared = self.reader.width();
        cells.resize(start + declared, Datum::Missing);
        let read = cells.get_mut(start..).unwrap_or_default();
        self.reader.read(&row.key, &row.value, arena, read).map_err(fault)?;
        for (at, ty) in &self.open {
            if let Some(cell) = read.get_mut(*at) {
                *cell = self.shown(*at, *ty, *cell, row, context, arena)?;
            }
        }
        if self.in_place && declared == self.columns.len() {
            return Ok(());
        }
        let values: SmallVec<[Datum<'b>; 16]> = cells.drain(start..).collect();
        let mut values = values.into_iter();
        for (column, ty) in &self.columns {
            let cell = match column {
                ScanColumn::Column(_) => values.next().unwrap_or(Datum::Null),
                other => self.other(other, *ty, row, context, arena)?,
            };
            cells.push(cell);
        }
        Ok(())
    }

    fn other<'b>(
        &'b self,
        column: &'b ScanColumn,
        ty: Type,
        row: &'b StoredRow,
        context: &Context<'b>,
        arena: &'b Arena,
    ) -> Result<Datum<'b>> {
        match column {
            ScanColumn::Field(name) => self.field(name, ty, row, context, arena),
            ScanColumn::Document => document_item(&self.collection, &row.key, &row.value, arena)
                .map(Datum::Json)
                .map_err(fault),
            ScanColumn::TableOid => Ok(Datum::Int(self.collection.id.0.into())),
            ScanColumn::Key => Ok(Datum::Bytes(&row.key)),
            ScanColumn::Column(_) => Ok(Datum::Null),
        }
    }

    fn field<'b>(
        &'b self,
        name: &str,
        ty: Type,
        row: &'b StoredRow,
        context: &Context<'b>,
        arena: &'b Arena,
    ) -> Result<Datum<'b>> {
        let found = Row::read(&row.value).and_then(|row| row.field(name)).map_err(fault)?;
        let Some(raw) = found else { return Ok(Datum::Missing) };
        self.converted(name, ty, raw, row, context, arena)
    }

    /// A column without a type of its own, as the type that the statement gives it.
    fn shown<'b>(
        &'b self,
        at: usize,
        ty: Type,
        cell: Datum<'b>,
        row: &'b StoredRow,
        context: &Context<'b>,
        arena: &'b Arena,
    ) -> Result<Datum<'b>> {
        let Datum::Json(raw) = cell else { return Ok(cell) };
        if ty == Type::ANY {
            return crate::cast::plain(raw, arena);
        }
        let declared = self.columns.iter().filter_map(|(column, _)| id_of(column)).nth(at);
        let column = declared.and_then(|id| self.collection.column_by_id(id));
        let name = column.map_or("?", |column| column.name.as_str());
        self.converted(name, ty, raw, row, context, arena)
    }

    fn converted<'b>(
        &'b self,
        name: &str,
        ty: Type,
        raw: Raw<'b>,
        row: &'b StoredRow,
        context: &Context<'b>,
        arena: &'b Arena,
    ) -> Result<Datum<'b>> {
        if raw.is_null() {
            return Ok(Datum::Null);
        }
        let Some(convert) = by_id("sql.from_any") else {
            return Err(Error::internal("the function table has no sql.from_any"));
        };
        let types = CallTypes::All(Type::ANY);
        let call = Call { context, arena, modifier: -1, result: ty, types };
        (convert.kernel)(&call, &[Datum::Json(raw)]).map_err(|_| self.mismatch(name, ty, row))
    }

    /// 42804: a document that is not of the types that the statement was prepared with.
    #[cold]
    fn mismatch(&self, field: &str, ty: Type, row: &StoredRow) -> Error {
        let id = model::row::id_of(&self.collection, &row.key, &row.value);
        let id = id.map_or_else(|_| "?".to_owned(), |id| format!("{id:?}"));
        let message = format!("field \"{field}\" of a document is not of type {}", ty.display(-1));
        Error::new(ErrorKind::Type, "42804", message).detail(format!("The document's _id is {id}."))
    }
}

/// The columns of type `ANY` and the types that a statement gives them; places count declared
/// columns only.
fn open_columns(collection: &Collection, columns: &[(ScanColumn, Type)]) -> Vec<(usize, Type)> {
    let declared = columns.iter().filter_map(|(column, ty)| Some((id_of(column)?, *ty)));
    let open = |id| collection.column_by_id(id).is_some_and(|column| column.ty == Type::ANY);
    declared.enumerate().filter(|(_, (id, _))| open(*id)).map(|(at, (_, ty))| (at, ty)).collect()
}

fn id_of(column: &ScanColumn) -> Option<ColumnId> {
    match column {
        ScanColumn::Column(id) => Some(*id),
        _ => None,
    }
}
