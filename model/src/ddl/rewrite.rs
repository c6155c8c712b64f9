//! Walking and rewriting all rows of a collection that this transaction has locked.
//!
//! ```text
//!   rewrite:  rows under the old storage id ─► columns by id, converted ─► Bulk under a fresh one
//!             catalogue names the fresh id; the old one is a job for the sweeper
//! ```
//!
//! A rewrite is what remains where a record cannot say it: another key, another type that the bytes
//! do not show. It runs in bounded memory where the store offers staging, and nobody sees half of
//! it.
//!
//! **Invariant**: rows are read at the latest view. The lock keeps writers out from when it was
//! granted; the transaction's snapshot may be older, and what was committed in between must not be
//! lost.

use std::sync::Arc;

use transaction::{Direction, PageLimit};
use value::Value;

use crate::bulk::Bulk;
use crate::datum::{Arena, Datum};
use crate::error::{ConvertFailure, Error, Result};
use crate::expressions::Evaluator;
use crate::job::Job;
use crate::row::{self, Extras, Row, RowReader};
use crate::schema::*;
use crate::work::{Prepared, RangeScan, Seeing, StoredRow, Work};

/// Rows looked at between two looks at whether the work was cancelled.
const PAGE: PageLimit = PageLimit { records: 1024, bytes: 1 << 20 };

impl Work {
    /// Hands every row of a collection to `each`, in pages.
    pub(crate) async fn walk(
        &self,
        collection: &Arc<Collection>,
        mut each: impl FnMut(&StoredRow) -> Result<()> + Send,
    ) -> Result<()> {
        let mut scan = RangeScan::whole(collection.clone(), Direction::Forward, Seeing::LATEST);
        while let Some(rows) = scan.next(self, PAGE).await? {
            self.stop_if_cancelled()?;
            rows.iter().try_for_each(&mut each)?;
        }
        Ok(())
    }

    pub(crate) fn stop_if_cancelled(&self) -> Result<()> {
        match self.buffer.cancel_token().is_cancelled() {
            true => Err(transaction::Error::Cancelled.into()),
            false => Ok(()),
        }
    }

    /// Checks existing rows: a CHECK by name, or that a column has no NULL.
    pub(super) async fn scan_checks(
        &self,
        collection: &Arc<Collection>,
        check: Option<&str>,
        not_null: Option<ColumnId>,
    ) -> Result<()> {
        let compiled = self.model.compiled(collection)?;
        let reader = RowReader::whole(collection)?;
        let position = not_null.and_then(|id| collection.position(id));
        self.walk(collection, |stored| {
            let arena = Arena::new();
            let mut row = vec![Datum::Missing; collection.columns.len()];
            reader.read(&stored.key, &stored.value, &arena, &mut row)?;
            if let Some(at) = position
                && row.get(at).is_some_and(Datum::is_null)
            {
                return Err(Error::ContainsNull {
                    collection: collection.name.clone(),
                    column: collection.columns[at].name.clone(),
                });
            }
            match check {
                Some(name) if !self.holds(collection, &compiled, name, &row, &arena)? => {
                    Err(Error::ContainsCheck {
                        collection: collection.name.clone(),
                        constraint: name.to_owned(),
                    })
                }
                _ => Ok(()),
            }
        })
        .await
    }

    /// Writes every row anew as `after` lays it out, under a fresh storage id, with all its
    /// indexes.
    pub(super) async fn rewrite(
        &self,
        before: &Arc<Collection>,
        after: Collection,
    ) -> Result<Arc<Collection>> {
        self.rewrite_with(before, after, None).await
    }

    /// As `rewrite`, one column being made by an expression over the old row.
    pub(super) async fn rewrite_using(
        &self,
        before: &Arc<Collection>,
        after: Collection,
        column: ColumnId,
        using: Option<String>,
    ) -> Result<Arc<Collection>> {
        let Some(text) = using else { return self.rewrite(before, after).await };
        let expect = after.column_by_id(column).map(|column| (column.ty, column.modifier));
        let expressions = &self.model.0.options.expressions;
        let evaluator = expressions.compile(&text, before, expect).map_err(Error::Expression)?;
        self.rewrite_with(before, after, Some((column, evaluator))).await
    }

    async fn rewrite_with(
        &self,
        before: &Arc<Collection>,
        mut after: Collection,
        made: Option<(ColumnId, Arc<dyn Evaluator>)>,
    ) -> Result<Arc<Collection>> {
        after.storage = StorageId(self.model.number().await?);
        // Every row is of the new version: no column of it is younger than any row.
        after.columns.iter_mut().for_each(|column| column.missing = None);
        let after = self.replace(before, |collection| {
            *collection = after;
            Ok(())
        })?;
        self.state.lock().fresh.insert(after.storage);
        let mut bulk = Bulk::new(self, after.clone())?;
        let reader = RowReader::whole(before)?;
        let is_new = |at: usize| {
            let column = after.columns.get(at);
            column.is_some_and(|column| before.column_by_id(column.id).is_none())
        };
        let mut scan = RangeScan::whole(before.clone(), Direction::Forward, Seeing::LATEST);
        while let Some(rows) = scan.next(self, PAGE).await? {
            self.stop_if_cancelled()?;
            for stored in &rows {
                let taken = self.sequence_values(&after, is_new).await?;
                let prepared = self.carry(before, &after, &reader, stored, &made, &taken);
                bulk.push(prepared.map_err(as_existing)?).await?;
            }
        }
        bulk.finish().await?;
        self.leave(Job::EmptyStorage(before.storage)).await?;
        Ok(after)
    }

    /// A row of the old layout as one of the new: the same columns by id, converted where the type
    /// changed; an undeclared field under a new column's name becomes its value.
    fn carry(
        &self,
        before: &Arc<Collection>,
        after: &Arc<Collection>,
        reader: &RowReader,
        stored: &StoredRow,
        made: &Option<(ColumnId, Arc<dyn Evaluator>)>,
        taken: &[(usize, i64)],
    ) -> Result<Prepared> {
        let arena = Arena::new();
        let mut old = vec![Datum::Missing; before.columns.len()];
        reader.read(&stored.key, &stored.value, &arena, &mut old)?;
        let fields = Row::read(&stored.value)?;
        let mut extras = Extras::Of(fields);
        let mut new = Vec::with_capacity(after.columns.len());
        for column in &after.columns {
            let was = before.position(column.id).map(|at| (&before.columns[at], old[at]));
            let datum = match (made, was) {
                (Some((id, evaluator)), _) if *id == column.id => evaluator
                    .evaluate(&*self.environment, &old, &arena)
                    .map_err(Error::Expression)?,
                (_, Some((was, datum))) if same_type(was, column) => datum,
                (_, Some((was, datum))) => {
                    let value = converted(after, column, &row::to_value(&datum, was.ty)?)?;
                    row::from_value(&value, column.ty, &arena)?
                }
                (_, None) => match fields.field(&column.name)? {
                    Some(field) => {
                        extras = Extras::Except(fields, &column.name);
                        let value = converted(after, column, &field.to_value()?)?;
                        row::from_value(&value, column.ty, &arena)?
                    }
                    None => Datum::Missing,
                },
            };
            new.push(datum);
        }
        self.prepare(after, &new, extras, taken)
    }
}

fn same_type(a: &Column, b: &Column) -> bool {
    a.ty == b.ty && a.modifier == b.modifier
}

/// What a row that was there before does not satisfy is said of the table, not of a new row.
fn as_existing(error: Error) -> Error {
    match error {
        Error::NotNull(v) => Error::ContainsNull { collection: v.collection, column: v.name },
        Error::Check(v) => Error::ContainsCheck { collection: v.collection, constraint: v.name },
        other => other,
    }
}

/// A value of one type as a column of another keeps it: without loss, or through its text.
pub(super) fn converted(collection: &Collection, column: &Column, value: &Value) -> Result<Value> {
    row::assign(value, column.ty, column.modifier).map_err(|reason| {
        Error::Convert(Box::new(ConvertFailure {
            collection: collection.name.clone(),
            column: column.name.clone(),
            ty: column.ty.display(column.modifier),
            value: row::shown(value),
            reason,
        }))
    })
}
