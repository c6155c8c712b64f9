//! Tests of the executor and the optimizer over a store in memory.
//!
//! Plans are made by hand here (SQL's scripts stand with the binder), operators are checked against
//! a few lines that do the same naively, and every source of rows may say `Wait` at any moment.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod changes;
mod later;
mod matches;
mod operators;
mod plans;

use std::sync::Arc;

use model::{Catalogue, Collection, DatabaseId, Model, NewCollection, NewColumn, NewIndex, Work};
use transaction::local::Local;
use transaction::{Begin, Durability, ReadTracking};

use super::batch::Batch;
use super::parameters::empty;
use super::run::{BoxOperator, Execution, Frame, Operator, Response, Run, Settings, Step};
use super::start::{Prepared, start};
use crate::expression::{Constant, Expression, Node as Expr, Session};
use crate::function::operator;
use crate::plan::{Access, Node, NodeKind, Operation, Scan, ScanColumn, Statement};
use crate::{Datum, Result, Type};

/// A session that answers little.
pub struct Quiet;

impl Session for Quiet {
    fn transaction_time(&self) -> i64 {
        0
    }
    fn statement_time(&self) -> i64 {
        0
    }
    fn clock_time(&self) -> i64 {
        0
    }
    fn time_zone(&self) -> &str {
        "UTC"
    }
    fn setting(&self, _: &str) -> Option<String> {
        None
    }
    fn set_setting(&self, _: &str, _: &str, _: bool) -> Result<()> {
        Ok(())
    }
    fn user(&self) -> &str {
        "ann"
    }
    fn database(&self) -> &str {
        "main"
    }
    fn search_path(&self) -> Vec<String> {
        vec!["public".into()]
    }
    fn backend_pid(&self) -> i32 {
        1
    }
    fn nextval(&self, _: &str) -> Result<i64> {
        Ok(1)
    }
    fn currval(&self, _: Option<&str>) -> Result<i64> {
        Ok(1)
    }
    fn setval(&self, _: &str, value: i64, _: bool) -> Result<i64> {
        Ok(value)
    }
    fn random(&self) -> f64 {
        0.5
    }
    fn uuid(&self) -> [u8; 16] {
        [7; 16]
    }
    fn catalogue(&self) -> Arc<Catalogue> {
        Arc::default()
    }
    fn database_id(&self) -> DatabaseId {
        DatabaseId(0)
    }
}

/// A row of integers, None for NULL.
pub type Row = Vec<Option<i64>>;

pub fn datum(value: Option<i64>) -> Datum<'static> {
    value.map_or(Datum::Null, Datum::Int)
}

pub fn row_of(row: &[Datum<'_>]) -> Row {
    row.iter()
        .map(|datum| match datum {
            Datum::Int(n) => Some(*n),
            Datum::Bool(v) => Some((*v).into()),
            Datum::Null => None,
            other => panic!("not an integer: {other:?}"),
        })
        .collect()
}

pub fn rows_of(batches: &[Arc<Batch>]) -> Vec<Row> {
    batches.iter().flat_map(|batch| batch.iter().map(row_of).collect::<Vec<_>>()).collect()
}

/// Rows in pieces; a piece of `None` says Wait first.
pub struct Source {
    pieces: Vec<Option<Vec<Row>>>,
    at: usize,
}

impl Source {
    /// Pieces cut and waits put in by the bits of a number.
    pub fn over(rows: &[Row], mut bits: u64) -> BoxOperator {
        let mut pieces = Vec::new();
        let mut left = rows;
        loop {
            if bits & 1 == 1 {
                pieces.push(None);
            }
            if left.is_empty() {
                return Box::new(Source { pieces, at: 0 });
            }
            let take = 1 + (bits >> 1 & 3) as usize;
            let (piece, rest) = left.split_at(take.min(left.len()));
            pieces.push(Some(piece.to_vec()));
            left = rest;
            bits = bits.rotate_right(3);
        }
    }
}

impl Operator for Source {
    fn next(&mut self, run: &mut Run) -> Result<Step> {
        let Some(piece) = self.pieces.get(self.at) else { return Ok(Step::Done) };
        self.at += 1;
        let Some(rows) = piece else {
            run.wait(async { Ok(Response::Nothing) });
            return Ok(Step::Wait);
        };
        let width = rows[0].len();
        let (batch, ()) = Batch::build(width, |writer| {
            for row in rows {
                writer.row(&row.iter().map(|value| datum(*value)).collect::<Vec<_>>());
            }
            Ok(())
        })?;
        Ok(Step::Rows(batch))
    }

    fn rewind(&mut self, _run: &mut Run) {
        self.at = 0;
    }
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

pub async fn model() -> Model {
    model_over(Arc::new(Local::memory().unwrap())).await
}

pub async fn model_over(store: Arc<dyn transaction::Store>) -> Model {
    let options = model::Options::new(Arc::new(model::expressions::NoExpressions));
    Model::open(store, options).await.unwrap()
}

pub async fn begin(model: &Model) -> Arc<Work> {
    let begun = model.begin(Begin::default(), ReadTracking::Off, Arc::new(())).await;
    Arc::new(begun.unwrap())
}

pub async fn commit(work: Arc<Work>) {
    let work = Arc::into_inner(work).expect("nothing else holds the work");
    work.commit(Durability::None, bytes::Bytes::new()).await.unwrap();
}

/// A table of integer columns whose key are the first `key` ones; indexes by column names.
pub async fn table(
    model: &Model,
    columns: &[&str],
    key: usize,
    indexes: &[&[&str]],
) -> Arc<Collection> {
    let work = begin(model).await;
    let database = work.catalogue().database("main").unwrap().id;
    let list = columns.iter().map(|name| NewColumn::new(*name, Type::INT4)).collect();
    let new = NewCollection::table(database, "public", "t", list).key(&columns[..key]);
    let made = work.create_collection(new).await.unwrap();
    for index in indexes {
        work.create_index(made.id, NewIndex::on(index)).await.unwrap();
    }
    let made = work.collection(made.id).unwrap();
    commit(work).await;
    made
}

pub async fn fill(work: &Arc<Work>, collection: &Arc<Collection>, rows: &[Row]) {
    for row in rows {
        let row: Vec<_> = row.iter().map(|value| datum(*value)).collect();
        work.insert(collection, &row, model::Arbiter::None).await.unwrap();
    }
}

/// The operators' rows.
pub async fn drive(work: &Arc<Work>, root: BoxOperator) -> Result<Vec<Row>> {
    drive_with(work, root, Settings::default()).await
}

/// As [`drive`], with settings.
pub async fn drive_with(
    work: &Arc<Work>,
    root: BoxOperator,
    settings: Settings,
) -> Result<Vec<Row>> {
    let parameters = super::run::build_row(|_| Ok(Vec::new()))?;
    let frame = Arc::new(Frame::new(parameters, Arc::new(Quiet)));
    let mut execution = Execution::new(root, Run::new(work.clone(), frame, settings));
    let mut rows = Vec::new();
    while let Some(batch) = execution.next().await? {
        assert!(!batch.is_empty(), "a batch without rows was passed on");
        rows.extend(rows_of(&[batch]));
    }
    Ok(rows)
}

/// Runs a statement; its rows and how many it changed.
pub async fn execute(
    work: &Arc<Work>,
    statement: Statement,
    settings: Settings,
) -> Result<(Vec<Row>, u64)> {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let prepared = Prepared::new(statement)?;
    let frame = empty(&prepared.statement, Arc::new(Quiet))?;
    let mut running = start(&prepared, frame, work.clone(), settings)?;
    let mut batches = Vec::new();
    while let Some(batch) = is_send(running.next()).await? {
        batches.push(batch);
    }
    Ok((rows_of(&batches), running.affected()))
}

pub fn statement(operation: Operation) -> Statement {
    Statement {
        operation,
        columns: Vec::new(),
        parameters: Vec::new(),
        lifted: Vec::new(),
        applied: 0,
        uses: Vec::new(),
        cacheable: false,
    }
}

/// Every column of a table, then its key.
pub fn scan(collection: &Arc<Collection>) -> Node {
    let mut columns: Vec<ScanColumn> =
        collection.columns.iter().map(|c| ScanColumn::Column(c.id)).collect();
    let mut types: Vec<Type> = collection.columns.iter().map(|c| c.ty).collect();
    columns.push(ScanColumn::Key);
    types.push(Type::BYTEA);
    let (collection, access) = (collection.clone(), Access::Full);
    let scan = Scan { collection, columns, access, filter: None, backward: false };
    Node::new(NodeKind::Scan(Box::new(scan)), types)
}

pub fn int(value: i64) -> Expression {
    Expression::constant(Constant::new(&Datum::Int(value)).unwrap(), Type::INT4)
}

pub fn column(at: u32) -> Expression {
    Expression::column(at, Type::INT4, -1)
}

pub fn binary(name: &str, left: Expression, right: Expression) -> Expression {
    let function = operator(name, &[Type::INT4, Type::INT4]).unwrap();
    Expression::new(Expr::Call { function, arguments: vec![left, right] }, function.result)
}

pub fn filter(input: Node, predicate: Expression) -> Node {
    let types = input.types.clone();
    Node::new(NodeKind::Filter { input: Box::new(input), predicate }, types)
}

pub fn project(input: Node, list: Vec<Expression>) -> Node {
    let types = list.iter().map(|e| e.ty).collect();
    Node::new(NodeKind::Project { input: Box::new(input), expressions: list }, types)
}
