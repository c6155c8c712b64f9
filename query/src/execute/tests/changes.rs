//! Changes: what they write, and what they do about others.

use super::*;
use crate::execute::Newer;
use crate::plan::optimize::{Statistics, optimize};
use crate::plan::{Conflict, Delete, Insert, InsertValue, LockWait, LockedTable, RowLock, Update};

fn update(
    table: &Arc<Collection>,
    predicate: Option<Expression>,
    set: (u32, Expression),
) -> Statement {
    let mut source = scan(table);
    if let Some(predicate) = &predicate {
        source = filter(source, predicate.clone());
    }
    let update = Update {
        target: table.clone(),
        source,
        key: table.columns.len() as u32,
        recheck: predicate,
        assignments: vec![(table.columns[set.0 as usize].id, set.1)],
        returning: Some((0..table.columns.len() as u32).map(column).collect()),
    };
    statement(Operation::Update(Box::new(update)))
}

fn delete(table: &Arc<Collection>, predicate: Expression) -> Statement {
    let delete = Delete {
        target: table.clone(),
        source: filter(scan(table), predicate.clone()),
        key: table.columns.len() as u32,
        recheck: Some(predicate),
        returning: Some(vec![column(0)]),
    };
    statement(Operation::Delete(Box::new(delete)))
}

fn insert(table: &Arc<Collection>, rows: &[[i64; 2]], conflict: Conflict) -> Statement {
    let cells = rows.iter().map(|row| row.iter().map(|n| int(*n)).collect()).collect();
    let insert = Insert {
        target: table.clone(),
        source: Node::new(NodeKind::Values(cells), vec![Type::INT4; 2]),
        values: vec![InsertValue::Source(0), InsertValue::Source(1)],
        conflict,
        returning: Some(vec![column(0), column(1)]),
    };
    statement(Operation::Insert(Box::new(insert)))
}

fn optimized(statement: Statement) -> Statement {
    optimize(statement, &Statistics::default(), &Quiet)
}

const FOLLOW: Settings =
    Settings { newer: Newer::Follow, wait: transaction::Wait::No, memory: 1 << 24 };
const CONFLICT: Settings = Settings { newer: Newer::Conflict, ..FOLLOW };

fn sqlstate<T: std::fmt::Debug>(result: Result<T>) -> &'static str {
    result.expect_err("an error").sqlstate
}

/// Two columns, key a.
async fn pair(model: &Model, rows: &[[i64; 2]]) -> Arc<Collection> {
    let table = table(model, &["a", "b"], 1, &[&["b"]]).await;
    let work = begin(model).await;
    let rows: Vec<Row> = rows.iter().map(|row| row.iter().map(|n| Some(*n)).collect()).collect();
    fill(&work, &table, &rows).await;
    commit(work).await;
    table
}

async fn content(model: &Model, table: &Arc<Collection>) -> Vec<Row> {
    let work = begin(model).await;
    let node = project(scan(table), vec![column(0), column(1)]);
    execute(&work, statement(Operation::Query(node)), FOLLOW).await.unwrap().0
}

fn some(rows: &[[i64; 2]]) -> Vec<Row> {
    rows.iter().map(|row| row.iter().map(|n| Some(*n)).collect()).collect()
}

#[test]
fn a_statement_does_not_meet_its_own_rows() {
    runtime().block_on(async {
        let model = model().await;
        let table = pair(&model, &[[1, 1], [2, 2], [3, 3]]).await;
        let work = begin(&model).await;
        // Each moves up the index that the scan reads.
        let set = (1, binary("+", column(1), int(1)));
        let statement = optimized(update(&table, Some(binary(">", column(1), int(0))), set));
        let (rows, affected) = execute(&work, statement, FOLLOW).await.unwrap();
        assert_eq!((rows, affected), (some(&[[1, 2], [2, 3], [3, 4]]), 3));
        commit(work).await;
        assert_eq!(content(&model, &table).await, some(&[[1, 2], [2, 3], [3, 4]]));
    });
}

#[test]
fn a_changed_row_is_looked_at_again_or_is_a_conflict() {
    runtime().block_on(async {
        for by_key in [false, true] {
            let model = model().await;
            let table = pair(&model, &[[1, 10], [2, 10]]).await;
            let (follows, conflicts, other) =
                (begin(&model).await, begin(&model).await, begin(&model).await);
            let change = update(&table, Some(binary("=", column(0), int(1))), (1, int(20)));
            execute(&other, change, FOLLOW).await.unwrap();
            commit(other).await;
            let set = (1, binary("+", column(1), int(1)));
            let old = match by_key {
                true => binary("=", column(0), int(1)),
                false => binary("=", column(1), int(10)),
            };
            let one = optimized(update(&table, Some(old), set));
            assert_eq!(sqlstate(execute(&conflicts, one.clone(), CONFLICT).await), "40001");
            drop(conflicts);
            let (rows, _) = execute(&follows, one, FOLLOW).await.unwrap();
            // By key the latest version counts; by value the changed row no longer fits.
            let wanted = if by_key { some(&[[1, 21]]) } else { some(&[[2, 11]]) };
            assert_eq!(rows, wanted);
        }
    });
}

#[test]
fn a_deleted_row_is_skipped_or_is_a_conflict() {
    runtime().block_on(async {
        let model = model().await;
        let table = pair(&model, &[[1, 10], [2, 10]]).await;
        let (follows, conflicts, other) =
            (begin(&model).await, begin(&model).await, begin(&model).await);
        execute(&other, delete(&table, binary("=", column(0), int(1))), FOLLOW).await.unwrap();
        commit(other).await;
        let all = delete(&table, binary("=", column(1), int(10)));
        assert_eq!(sqlstate(execute(&conflicts, all.clone(), CONFLICT).await), "40001");
        drop(conflicts);
        let (rows, affected) = execute(&follows, all, FOLLOW).await.unwrap();
        assert_eq!((rows, affected), (vec![vec![Some(2)]], 1));
    });
}

#[test]
fn a_row_inserted_since_is_not_there_by_key_under_one_snapshot() {
    runtime().block_on(async {
        let model = model().await;
        let table = pair(&model, &[[1, 10]]).await;
        let (work, other) = (begin(&model).await, begin(&model).await);
        execute(&other, insert(&table, &[[2, 2]], Conflict::Error), FOLLOW).await.unwrap();
        commit(other).await;
        let by_key = optimized(update(&table, Some(binary("=", column(0), int(2))), (1, int(0))));
        assert!(Prepared::new(by_key.clone()).unwrap().has_shape());
        assert_eq!(execute(&work, by_key, CONFLICT).await.unwrap(), (Vec::new(), 0));
    });
}

#[test]
fn conflicts_of_insert() {
    runtime().block_on(async {
        let model = model().await;
        let table = pair(&model, &[[1, 10]]).await;
        let key = table.primary_key.id;
        let work = begin(&model).await;
        let plain = execute(&work, insert(&table, &[[1, 5]], Conflict::Error), FOLLOW).await;
        let error = plain.expect_err("taken");
        assert_eq!(error.sqlstate, "23505");
        assert_eq!(error.detail.as_deref(), Some("Key (a)=(1) already exists."));
        assert_eq!(error.object.constraint.as_deref(), Some("t_pkey"));
        let nothing = insert(&table, &[[1, 5], [2, 6], [2, 7]], Conflict::Nothing(None));
        let (rows, affected) = execute(&work, nothing, FOLLOW).await.unwrap();
        assert_eq!((rows, affected), (some(&[[2, 6]]), 1));
        let update = |filter: Option<Expression>| Conflict::Update {
            index: key,
            assignments: vec![(table.columns[1].id, binary("+", column(1), column(3)))],
            filter,
        };
        let both = insert(&table, &[[1, 5], [3, 7]], update(None));
        let (rows, affected) = execute(&work, both, FOLLOW).await.unwrap();
        assert_eq!((rows, affected), (some(&[[1, 15], [3, 7]]), 2));
        let filtered = insert(&table, &[[1, 5]], update(Some(binary(">", column(1), int(99)))));
        assert_eq!(execute(&work, filtered, FOLLOW).await.unwrap(), (Vec::new(), 0));
        let twice = insert(&table, &[[8, 5], [8, 6]], update(None));
        assert_eq!(sqlstate(execute(&work, twice, FOLLOW).await), "21000");
    });
}

#[test]
fn locking_reads() {
    runtime().block_on(async {
        let model = model().await;
        let table = pair(&model, &[[1, 10], [2, 10], [3, 10]]).await;
        let (first, second) = (begin(&model).await, begin(&model).await);
        let lock = |wait: LockWait| {
            let list = vec![column(0), Expression::column(2, Type::BYTEA, -1)];
            let read = project(filter(scan(&table), binary("=", column(1), int(10))), list);
            let types = read.types.clone();
            let locked = LockedTable {
                collection: table.clone(),
                key: 1,
                columns: vec![(ScanColumn::Column(table.columns[0].id), 0)],
                lock: RowLock { mode: transaction::LockMode::Update, wait },
            };
            let (input, locks) = (Box::new(read), vec![locked]);
            let node = Node::new(NodeKind::LockRows { input, locks, recheck: None }, types.clone());
            let limit = Some(Expression { ty: Type::INT8, ..int(1) });
            let node =
                Node::new(NodeKind::Limit { input: Box::new(node), limit, offset: None }, types);
            let node = project(node, vec![column(0)]);
            optimized(statement(Operation::Query(node)))
        };
        // A queue: each worker takes one, and only one.
        let taken = execute(&first, lock(LockWait::SkipLocked), FOLLOW).await.unwrap().0;
        assert_eq!(taken, vec![vec![Some(1)]]);
        let taken = execute(&second, lock(LockWait::SkipLocked), FOLLOW).await.unwrap().0;
        assert_eq!(taken, vec![vec![Some(2)]]);
        let refused = execute(&second, lock(LockWait::NoWait), FOLLOW).await;
        assert_eq!(sqlstate(refused), "55P03");
        drop((first, second));
        // Rows that changed since are met by WHERE again.
        let (reader, strict, writer) =
            (begin(&model).await, begin(&model).await, begin(&model).await);
        let change = update(&table, Some(binary("=", column(0), int(1))), (1, int(0)));
        execute(&writer, change, FOLLOW).await.unwrap();
        commit(writer).await;
        let conflict = execute(&strict, lock(LockWait::Block), CONFLICT).await;
        assert_eq!(sqlstate(conflict), "40001");
        drop(strict);
        let taken = execute(&reader, lock(LockWait::Block), FOLLOW).await.unwrap().0;
        assert_eq!(taken, vec![vec![Some(2)]]);
    });
}
