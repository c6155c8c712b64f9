//! Shapes: statements by key, run without operators.
//!
//! ```text
//!   SELECT list FROM t WHERE key = …          evaluate key ─► get ─► decode ─► filter ─► list
//!   UPDATE t SET … WHERE key = …   evaluate key ─► lock ─► decode ─► filter ─► SET ─► update
//!   DELETE FROM t WHERE key = …               evaluate key ─► lock ─► decode ─► filter ─► delete
//! ```
//!
//! A shape is found once, after optimizing, and kept with the prepared statement together with its
//! decoder. What a shape does is what the operators would do for the same plan: the filter still
//! verifies the row, unless it says no more than that a key of integers is the key; and of a row
//! that is only read, what nobody looks at is not decoded.
//!
//! An update by key does not read before it locks: the lock's answer is the latest version. Under
//! one snapshot a row that changed since is 40001 if the snapshot shows it, and is not there if it
//! does not.

use std::sync::Arc;

use bytes::Bytes;
use model::row::key_of_values;
use model::{CollectionKind, ColumnId, LockedRow, Seeing, StoredRow};
use smallvec::SmallVec;
use transaction::LockMode;

use super::batch::{Batch, Writer};
use super::change::{Changed, Current, keep_returning, new_rows, update_mode, updated_rows};
use super::fault::{concurrent_update, fault, of_lock};
use super::part::Part;
use super::row::Decoder;
use super::run::{Newer, Run};
use crate::expression::{Expression, Node as Expr};
use crate::plan::{Access, Delete, Node, NodeKind, Operation, Scan, ScanColumn, Statement, Update};
use crate::{Arena, Datum, Error, Result, Type};

/// A statement that finds its one row by the whole primary key.
pub struct Shape {
    scan: Part<Scan>,
    decoder: Arc<Decoder>,
    kind: Kind,
    /// The filter says no more than the key.
    is_implied: bool,
}

enum Kind {
    Get { list: Option<Part<Vec<Expression>>> },
    Update { plan: Part<Update>, whole: Arc<Decoder>, mode: LockMode },
    Delete { plan: Part<Delete> },
}

/// The shape of a statement, if it has one.
pub fn shape(statement: &Arc<Statement>) -> Result<Option<Shape>> {
    let whole = Part::whole(statement);
    let found = match &statement.operation {
        Operation::Query(_) => {
            let root = whole.filter_map(|s| match &s.operation {
                Operation::Query(node) => Some(node),
                _ => None,
            });
            root.and_then(|root| get(&root))
        }
        Operation::Update(_) => {
            let plan = whole.filter_map(|s| match &s.operation {
                Operation::Update(update) => Some(&**update),
                _ => None,
            });
            plan.map(|plan| update(&plan)).transpose()?.flatten()
        }
        Operation::Delete(_) => {
            let plan = whole.filter_map(|s| match &s.operation {
                Operation::Delete(delete) => Some(&**delete),
                _ => None,
            });
            plan.and_then(|plan| {
                let (scan, types) = by_key(&plan.map(|plan| &plan.source))?;
                Some((scan, types, Kind::Delete { plan }))
            })
        }
        Operation::Insert(_) => None,
    };
    let Some((scan, types, kind)) = found else { return Ok(None) };
    let is_implied = is_implied(&scan);
    let columns = scan.columns.iter().cloned().zip(types.iter().copied());
    let mut decoder = Decoder::new(&scan.collection, columns)?;
    if let Kind::Get { list: Some(list) } = &kind {
        let filter = scan.filter.as_ref().filter(|_| !is_implied);
        let needed: Vec<u32> = list.iter().chain(filter).flat_map(Expression::columns).collect();
        decoder = decoder.only(&needed);
    }
    Ok(Some(Shape { scan, decoder: Arc::new(decoder), kind, is_implied }))
}

/// Whether a scan's filter is that the columns of the primary key, integers all, equal what they
/// are looked up by: then whatever is found fulfils it.
fn is_implied(scan: &Scan) -> bool {
    let Some(filter) = &scan.filter else { return true };
    let parts = match &filter.node {
        Expr::And(parts) => parts.as_slice(),
        _ => std::slice::from_ref(filter),
    };
    let key = &scan.collection.primary_key.columns;
    let told: Vec<ColumnId> = parts.iter().filter_map(|part| integer_told(part, scan)).collect();
    told.len() == parts.len() && told.len() == key.len() && key.iter().all(|id| told.contains(id))
}

/// The integer column that an expression says to be one value.
fn integer_told(part: &Expression, scan: &Scan) -> Option<ColumnId> {
    let Expr::Call { function, arguments } = &part.node else { return None };
    let integers = |ty: &Type| matches!(*ty, Type::INT2 | Type::INT4 | Type::INT8);
    let [left, right] = arguments.as_slice() else { return None };
    let at = match (&left.node, &right.node) {
        (Expr::Column(at), Expr::Parameter(_) | Expr::Constant(_))
        | (Expr::Parameter(_) | Expr::Constant(_), Expr::Column(at)) => at,
        _ => return None,
    };
    let ScanColumn::Column(id) = scan.columns.get(*at as usize)? else { return None };
    let declared = scan.collection.column_by_id(*id)?.ty;
    let equals = function.name == "=" && function.arguments.iter().all(integers);
    (equals && integers(&declared)).then_some(*id)
}

type Found = (Part<Scan>, Vec<Type>, Kind);

fn get(root: &Part<Node>) -> Option<Found> {
    if let Some((scan, types)) = by_key(root) {
        return Some((scan, types, Kind::Get { list: None }));
    }
    let input = root.filter_map(|node| match &node.kind {
        NodeKind::Project { input, .. } => Some(&**input),
        _ => None,
    })?;
    let list = root.filter_map(|node| match &node.kind {
        NodeKind::Project { expressions, .. } => Some(expressions),
        _ => None,
    });
    let (scan, types) = by_key(&input)?;
    Some((scan, types, Kind::Get { list }))
}

fn update(plan: &Part<Update>) -> Result<Option<Found>> {
    let Some((scan, types)) = by_key(&plan.map(|plan| &plan.source)) else { return Ok(None) };
    let assigned: Vec<_> = plan.assignments.iter().map(|(id, _)| *id).collect();
    let mode = update_mode(&plan.target, &assigned);
    let whole = Arc::new(Decoder::whole(&plan.target)?);
    Ok(Some((scan, types, Kind::Update { plan: plan.clone(), whole, mode })))
}

/// The scan of a node that is one look-up by the whole primary key.
fn by_key(node: &Part<Node>) -> Option<(Part<Scan>, Vec<Type>)> {
    let scan = node.filter_map(|node| match &node.kind {
        NodeKind::Scan(scan) => Some(&**scan),
        _ => None,
    })?;
    let Access::Index { index: None, ranges, .. } = &scan.access else { return None };
    let [range] = ranges.as_slice() else { return None };
    let whole = range.equal.len() == scan.collection.primary_key.columns.len();
    let plain = range.any.is_none() && range.lower.is_none() && range.upper.is_none();
    // A key of a key space is no document.
    let rows = scan.collection.kind != CollectionKind::KeySpace;
    (rows && whole && plain && !range.null_safe).then(|| (scan.clone(), node.types.clone()))
}

impl Shape {
    /// What a row that was found has still to fulfil.
    fn filter<'b>(&self, writer: &mut Writer<'b>) -> Option<&'b Expression> {
        if self.is_implied { None } else { writer.keep_part(&self.scan).filter.as_ref() }
    }

    /// Runs it.
    pub async fn run(&self, run: &mut Run) -> Result<Changed> {
        run.check_cancelled()?;
        let Some(key) = self.key(run)? else { return Ok(Changed::default()) };
        match &self.kind {
            Kind::Get { list } => self.get(key, list.as_ref(), run).await,
            Kind::Update { plan, whole, mode } => self.update(key, plan, whole, *mode, run).await,
            Kind::Delete { plan } => self.delete(key, plan, run).await,
        }
    }

    /// The row's key; `None`: one of its values is NULL.
    fn key(&self, run: &Run) -> Result<Option<Bytes>> {
        let Access::Index { ranges, .. } = &self.scan.access else {
            return Err(Error::internal("a shape without its key"));
        };
        let arena = Arena::new();
        let context = run.frame.context();
        let mut values: SmallVec<[Datum<'_>; 4]> = SmallVec::new();
        for expression in ranges.iter().flat_map(|range| &range.equal) {
            let datum = expression.eval(&context, &[], &arena)?;
            if datum.is_null() {
                return Ok(None);
            }
            values.push(datum);
        }
        key_of_values(&self.scan.collection, &values).map(Some).map_err(fault)
    }

    async fn get(
        &self,
        key: Bytes,
        list: Option<&Part<Vec<Expression>>>,
        run: &mut Run,
    ) -> Result<Changed> {
        let value = match run.work.get_now(&key, run.seeing) {
            Some(value) => value,
            None => {
                let (work, seeing) = (run.work.clone(), run.seeing);
                work.get(&key, seeing).await
            }
        };
        let Some(value) = value.map_err(fault)? else { return Ok(Changed::default()) };
        let stored = StoredRow { key, value };
        let rows = match list {
            Some(list) => self.decode_list(stored, list, run)?,
            None => self.decode(stored, run)?,
        };
        let rows = if rows.is_empty() { Vec::new() } else { vec![rows] };
        Ok(Changed { affected: 0, rows })
    }

    /// The row as the scan yields it; no row where the filter is not true.
    fn decode(&self, stored: StoredRow, run: &Run) -> Result<Arc<Batch>> {
        let stored = Arc::new(stored);
        let (batch, ()) = Batch::build(self.decoder.width(), |writer| {
            let decoder = writer.keep(&self.decoder);
            let context = writer.keep(&run.frame).context();
            let filter = self.filter(writer);
            let stored = writer.keep(&stored);
            writer.make(|cells, arena| {
                decoder.push(stored, &context, cells, arena)?;
                let Some(filter) = filter else { return Ok(true) };
                Ok(matches!(filter.eval(&context, cells, arena)?, Datum::Bool(true)))
            })?;
            Ok(())
        })?;
        Ok(batch)
    }

    /// The select list over the row, in one step.
    fn decode_list(
        &self,
        stored: StoredRow,
        list: &Part<Vec<Expression>>,
        run: &Run,
    ) -> Result<Arc<Batch>> {
        let stored = Arc::new(stored);
        let (batch, ()) = Batch::build(list.len(), |writer| {
            let decoder = writer.keep(&self.decoder);
            let context = writer.keep(&run.frame).context();
            let filter = self.filter(writer);
            let list = writer.keep_part(list);
            let stored = writer.keep(&stored);
            let mut row = Vec::with_capacity(decoder.width());
            writer.make(|cells, arena| {
                decoder.push(stored, &context, &mut row, arena)?;
                if let Some(filter) = filter
                    && !matches!(filter.eval(&context, &row, arena)?, Datum::Bool(true))
                {
                    return Ok(false);
                }
                for expression in list {
                    cells.push(expression.eval(&context, &row, arena)?);
                }
                Ok(true)
            })?;
            Ok(())
        })?;
        Ok(batch)
    }

    /// Locks the row and decodes its latest version.
    async fn lock(&self, key: Bytes, mode: LockMode, run: &mut Run) -> Result<Option<Current>> {
        let (work, settings) = (run.work.clone(), run.settings);
        let collection = &self.scan.collection;
        let keys = std::slice::from_ref(&key);
        let locked = work.lock_rows(collection, keys, mode, settings.wait).await;
        let locked = locked.map_err(|error| of_lock(error, &collection.name))?.pop();
        let Some(LockedRow::Held { value, changed }) = locked else { return Ok(None) };
        if changed && settings.newer == Newer::Conflict {
            let seeing = Seeing { until: u64::MAX, ..run.seeing };
            return match work.get(&key, seeing).await.map_err(fault)? {
                Some(_) => Err(concurrent_update()),
                None => Ok(None),
            };
        }
        let Some(value) = value else { return Ok(None) };
        let rows = self.decode(StoredRow { key: key.clone(), value: value.clone() }, run)?;
        Ok((!rows.is_empty()).then(|| Current { rows, keys: vec![key], old: vec![value] }))
    }

    async fn update(
        &self,
        key: Bytes,
        plan: &Part<Update>,
        whole: &Arc<Decoder>,
        mode: LockMode,
        run: &mut Run,
    ) -> Result<Changed> {
        let mut changed = Changed::default();
        let Some(current) = self.lock(key, mode, run).await? else { return Ok(changed) };
        let new = new_rows(plan, &current.rows, run)?;
        let assigned: SmallVec<[_; 8]> = plan.assignments.iter().map(|(id, _)| *id).collect();
        let work = run.work.clone();
        let (Some(key), Some(old)) = (current.keys.first(), current.old.first()) else {
            return Ok(changed);
        };
        let stored = work.update(&plan.target, key, old, new.row(0), &assigned).await;
        let stored = stored.map_err(fault)?;
        changed.affected = 1;
        if let Some(returning) = plan.filter_map(|plan| plan.returning.as_ref()) {
            let rows = updated_rows(whole, &current.rows, vec![stored], run)?;
            keep_returning(&mut changed, &returning, &rows, run)?;
        }
        Ok(changed)
    }

    async fn delete(&self, key: Bytes, plan: &Part<Delete>, run: &mut Run) -> Result<Changed> {
        let mut changed = Changed::default();
        let Some(current) = self.lock(key, LockMode::Update, run).await? else {
            return Ok(changed);
        };
        let work = run.work.clone();
        let (Some(key), Some(old)) = (current.keys.first(), current.old.first()) else {
            return Ok(changed);
        };
        work.delete(&plan.target, key, old).await.map_err(fault)?;
        changed.affected = 1;
        if let Some(returning) = plan.filter_map(|plan| plan.returning.as_ref()) {
            keep_returning(&mut changed, &returning, &current.rows, run)?;
        }
        Ok(changed)
    }
}
