//! A toy expression language and the helpers that every test uses.
//!
//! `int 7`, `text x`, `null`, `gt a 5` (NULL where a is), `col a`, `plus a 1`, `counter`
//! (volatile).

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use model::datum::{Arena, Datum};
use model::error::ExpressionError;
use model::expressions::{Evaluator, Expressions};
use model::types::Type;
use model::{
    Arbiter, Collection, ColumnId, DatabaseId, Insertion, LockMode, LockedRow, Model, NewColumn,
    Options, RangeScan, Seeing, StoredRow, Work,
};
use transaction::local::Local;
use transaction::{Begin, Direction, Durability, PageLimit, ReadTracking, Wait};
use value::Value;

pub static COUNTER: AtomicI64 = AtomicI64::new(1000);

pub struct Toy;

#[derive(Debug)]
enum Expr {
    Int(i64),
    Text(String),
    Null,
    Gt(usize, i64),
    Column(usize),
    Plus(usize, i64),
    Counter,
}

struct Compiled {
    expr: Expr,
    ty: Type,
    columns: Vec<ColumnId>,
}

impl Expressions for Toy {
    fn compile(
        &self,
        text: &str,
        collection: &Collection,
        _: Option<(Type, i32)>,
    ) -> Result<Arc<dyn Evaluator>, ExpressionError> {
        let words: Vec<&str> = text.split(' ').collect();
        let bad = || Arc::new(model::Error::Unsupported(text.to_owned())) as ExpressionError;
        let column = |name: &str| {
            collection.columns.iter().position(|column| column.name == name).ok_or_else(bad)
        };
        let int = |word: &str| word.parse::<i64>().map_err(|_| bad());
        let (expr, ty, read) = match words.as_slice() {
            ["int", n] => (Expr::Int(int(n)?), Type::INT8, None),
            ["text", t] => (Expr::Text((*t).to_owned()), Type::TEXT, None),
            ["null"] => (Expr::Null, Type::TEXT, None),
            ["gt", a, n] => (Expr::Gt(column(a)?, int(n)?), Type::BOOL, Some(column(a)?)),
            ["col", a] => {
                let at = column(a)?;
                (Expr::Column(at), collection.columns[at].ty, Some(at))
            }
            ["plus", a, n] => (Expr::Plus(column(a)?, int(n)?), Type::INT8, Some(column(a)?)),
            ["counter"] => (Expr::Counter, Type::INT8, None),
            _ => return Err(bad()),
        };
        let columns = read.map(|at| collection.columns[at].id).into_iter().collect();
        Ok(Arc::new(Compiled { expr, ty, columns }))
    }

    fn rename_column(
        &self,
        text: &str,
        _: &Collection,
        from: &str,
        to: &str,
    ) -> Result<String, ExpressionError> {
        let words: Vec<&str> = text.split(' ').collect();
        let renamed = words.iter().enumerate().map(|(at, word)| match at {
            1 if *word == from => to,
            _ => word,
        });
        Ok(renamed.collect::<Vec<_>>().join(" "))
    }
}

impl Evaluator for Compiled {
    fn ty(&self) -> Type {
        self.ty
    }

    fn columns(&self) -> Vec<ColumnId> {
        self.columns.clone()
    }

    fn is_immutable(&self) -> bool {
        !self.is_volatile()
    }

    fn is_volatile(&self) -> bool {
        matches!(self.expr, Expr::Counter)
    }

    fn evaluate<'a>(
        &'a self,
        _: &'a (dyn Any + Send + Sync),
        row: &[Datum<'a>],
        _: &'a Arena,
    ) -> Result<Datum<'a>, ExpressionError> {
        Ok(match &self.expr {
            Expr::Int(n) => Datum::Int(*n),
            Expr::Text(text) => Datum::Text(text),
            Expr::Null => Datum::Null,
            Expr::Gt(at, n) => match row[*at] {
                Datum::Int(v) => Datum::Bool(v > *n),
                _ => Datum::Null,
            },
            Expr::Column(at) => row[*at],
            Expr::Plus(at, n) => match row[*at] {
                Datum::Int(v) => Datum::Int(v + n),
                _ => Datum::Null,
            },
            Expr::Counter => Datum::Int(COUNTER.fetch_add(1, Ordering::Relaxed)),
        })
    }
}

pub async fn model() -> Model {
    let store = Arc::new(Local::memory().expect("a store in memory"));
    Model::open(store, options()).await.expect("a model")
}

pub fn options() -> Options {
    let mut options = Options::new(Arc::new(Toy));
    options.ddl_wait = std::time::Duration::from_secs(5);
    options
}

pub async fn begin(model: &Model) -> Work {
    model.begin(Begin::default(), ReadTracking::Off, Arc::new(())).await.expect("begin")
}

pub async fn commit(work: Work) {
    work.commit(Durability::Sync, Bytes::new()).await.expect("commit");
}

pub fn main_database(work: &Work) -> DatabaseId {
    work.catalogue().database("main").expect("main").id
}

pub fn int(name: &str) -> NewColumn {
    NewColumn::new(name, Type::INT4)
}

pub fn text(name: &str) -> NewColumn {
    NewColumn::new(name, Type::TEXT)
}

pub fn named(work: &Work, name: &str) -> Arc<Collection> {
    let catalogue = work.catalogue();
    catalogue.collection(main_database(work), "public", name).expect("a collection").clone()
}

pub async fn insert(work: &Work, table: &Arc<Collection>, row: &[Datum<'_>]) -> StoredRow {
    match work.insert(table, row, Arbiter::None).await.expect("insert") {
        Insertion::Inserted(row) => row,
        Insertion::Conflict(conflict) => panic!("{conflict:?}"),
    }
}

/// Every row as values, hidden columns left out, in key order.
pub async fn rows(work: &Work, table: &Arc<Collection>) -> Vec<Vec<Value>> {
    let scan = RangeScan::whole(table.clone(), Direction::Forward, Seeing::default());
    values(table, &all(work, scan).await)
}

pub async fn all(work: &Work, mut scan: RangeScan) -> Vec<StoredRow> {
    let mut all = Vec::new();
    while let Some(page) = scan.next(work, PageLimit::records(3)).await.expect("a page") {
        all.extend(page);
    }
    all
}

pub fn values(table: &Arc<Collection>, stored: &[StoredRow]) -> Vec<Vec<Value>> {
    let reader = model::row::RowReader::whole(table).expect("a reader");
    let each = |stored: &StoredRow| {
        let arena = Arena::new();
        let mut row = vec![Datum::Missing; table.columns.len()];
        reader.read(&stored.key, &stored.value, &arena, &mut row).expect("a row");
        let shown = table.columns.iter().zip(&row).filter(|(column, _)| !column.hidden);
        shown.map(|(c, datum)| model::row::to_value(datum, c.ty).expect("a value")).collect()
    };
    stored.iter().map(each).collect()
}

/// Locks one row and answers its latest bytes.
pub async fn locked(work: &Work, table: &Arc<Collection>, key: &Bytes) -> Option<Bytes> {
    let keys = [key.clone()];
    let held = work.lock_rows(table, &keys, LockMode::Update, Wait::Forever).await.expect("a lock");
    match held.into_iter().next() {
        Some(LockedRow::Held { value, .. }) => value,
        other => panic!("{other:?}"),
    }
}

/// Every index says what the rows say.
pub async fn indexes_agree(work: &Work, table: &Arc<Collection>) {
    for index in &table.indexes {
        let wrong = work.verify_index(table, index).await.expect("a look at the index");
        assert_eq!(wrong, None, "index {}", index.name);
    }
    let counted = work.row_count(table).await.expect("a count");
    assert_eq!(counted as usize, rows(work, table).await.len(), "row count");
}
