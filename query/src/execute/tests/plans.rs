//! The optimizer: the same rows as without it, and the plans that it should find.

use proptest::prelude::*;

use super::*;
use crate::execute::explain::{Options, explain};
use crate::execute::start::start_counted;
use crate::plan::optimize::{Statistics, optimize};
use crate::plan::{Join, JoinKind, JoinMethod, SortKey};

/// Predicates over three integer columns.
fn predicate() -> impl Strategy<Value = Expression> {
    let comparison = (0u32..3, 0usize..6, -1i64..6, any::<bool>()).prop_map(|(at, op, n, flip)| {
        let name = ["=", "<>", "<", "<=", ">", ">="][op];
        match flip {
            true => binary(name, int(n), column(at)),
            false => binary(name, column(at), int(n)),
        }
    });
    let null = (0u32..3, any::<bool>()).prop_map(|(at, negated)| {
        Expression::new(Expr::IsNull { argument: Box::new(column(at)), negated }, Type::BOOL)
    });
    let list = (0u32..3, prop::collection::vec(-1i64..6, 1..4)).prop_map(|(at, list)| {
        let equal = operator("=", &[Type::INT4, Type::INT4]).unwrap();
        let list = list.into_iter().map(int).collect();
        let left = Box::new(column(at));
        Expression::new(Expr::InList { equal, left, list, negated: false }, Type::BOOL)
    });
    let wide = (0u32..3, 0usize..3, -10i64..60).prop_map(|(at, op, tenths)| {
        // An integer column against a numeric with a fraction.
        let arena = crate::Arena::new();
        let number = value::Decimal::parse(&format!("{}.{}", tenths / 10, (tenths % 10).abs()));
        let number = Datum::Decimal(arena.decimal(number.unwrap()));
        let number = Expression::constant(Constant::new(&number).unwrap(), Type::NUMERIC);
        let function = operator(["=", "<", ">"][op], &[Type::NUMERIC, Type::NUMERIC]).unwrap();
        let cast = crate::function::by_id("sql.int_numeric").unwrap();
        let column = Expr::Call { function: cast, arguments: vec![column(at)] };
        let column = Expression::new(column, Type::NUMERIC);
        Expression::new(Expr::Call { function, arguments: vec![column, number] }, Type::BOOL)
    });
    let leaf = prop_oneof![6 => comparison, 1 => null, 2 => list, 2 => wide];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 2..4)
                .prop_map(|parts| Expression::new(Expr::And(parts), Type::BOOL)),
            1 => prop::collection::vec(inner.clone(), 2..3)
                .prop_map(|parts| Expression::new(Expr::Or(parts), Type::BOOL)),
            1 => inner.prop_map(|e| Expression::new(Expr::Not(Box::new(e)), Type::BOOL)),
        ]
    })
}

fn value() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![1 => Just(None), 4 => (0i64..5).prop_map(Some)]
}

/// Rows with different first columns.
fn data() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec((value(), value()), 0..20).prop_map(|rows| {
        rows.into_iter()
            .enumerate()
            .map(|(at, (b, c))| vec![Some(at as i64 / 2 * 2), b, c])
            .scan(None, |last, mut row| {
                // Every second key is odd, so that keys are not the row's number.
                if *last == row[0] {
                    row[0] = row[0].map(|n| n + 1);
                }
                *last = row[0];
                Some(row)
            })
            .collect()
    })
}

fn sort(input: Node, keys: &[(u32, bool)]) -> Node {
    let types = input.types.clone();
    let keys = keys.iter().map(|(at, descending)| SortKey {
        expression: column(*at),
        descending: *descending,
        nulls_first: *descending,
    });
    Node::new(NodeKind::Sort { input: Box::new(input), keys: keys.collect(), top: None }, types)
}

fn columns3(input: Node) -> Node {
    project(input, (0..3).map(column).collect())
}

async fn both(work: &Arc<Work>, node: Node, rows: f64) -> (Vec<Row>, Vec<Row>) {
    let plain = statement(Operation::Query(node.clone()));
    let id = match first_scan(&node) {
        Some(scan) => scan.collection.id,
        None => panic!("no scan"),
    };
    let statistics = Statistics::new([(id, rows)].into_iter().collect());
    let optimized = optimize(statement(Operation::Query(node)), &statistics, &Quiet);
    let plain = execute(work, plain, Settings::default()).await.unwrap().0;
    let optimized = execute(work, optimized, Settings::default()).await.unwrap().0;
    (plain, optimized)
}

fn first_scan(node: &Node) -> Option<&Scan> {
    match &node.kind {
        NodeKind::Scan(scan) => Some(scan),
        _ => node.children().into_iter().find_map(first_scan),
    }
}

fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort();
    rows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn filters_and_orders(
        data in data(),
        predicates in prop::collection::vec((predicate(), 0u32..3, any::<bool>()), 8),
        second in 0u32..3,
    ) {
        runtime().block_on(async {
            let model = model().await;
            let indexes: &[&[&str]] = &[&["b"], &["c", "b"], &["b", "a"]];
            let table = table(&model, &["a", "b", "c"], 1, indexes).await;
            let work = begin(&model).await;
            fill(&work, &table, &data).await;
            for (predicate, at, descending) in predicates {
                let node = columns3(filter(scan(&table), predicate));
                // The key last makes the order total.
                let node = sort(node, &[(at, descending), (second, false), (0, false)]);
                let (plain, optimized) = both(&work, node, 100_000.0).await;
                assert_eq!(plain, optimized);
            }
        });
    }

    #[test]
    fn joined_tables(
        data in data(),
        on in predicate(),
        above in predicate(),
        kind in 0usize..3,
        large: bool,
    ) {
        runtime().block_on(async {
            let model = model().await;
            let table = table(&model, &["a", "b", "c"], 1, &[&["b"], &["c"]]).await;
            let work = begin(&model).await;
            fill(&work, &table, &data).await;
            // Columns of the right side begin at 4: the scan gives its key, too.
            let spread = |e: Expression, by: u32| {
                e.map_columns(&mut |at| if at == 1 { at + by } else { at })
            };
            let link = match kind {
                0 => binary("=", column(1), column(4)),
                _ => binary("=", column(4 + kind as u32), column(0)),
            };
            let on = Expression::new(Expr::And(vec![link, spread(on, 4)]), Type::BOOL);
            for join_kind in [JoinKind::Inner, JoinKind::Left] {
                let (left, right) = (scan(&table), scan(&table));
                let types = [left.types.clone(), right.types.clone()].concat();
                let join = Join {
                    kind: join_kind,
                    method: JoinMethod::Loop,
                    left,
                    right,
                    condition: Some(on.clone()),
                };
                let join = Node::new(NodeKind::Join(Box::new(join)), types);
                let node = filter(join, spread(above.clone(), 4));
                let node = project(node, [0, 1, 2, 4, 5, 6].map(column).to_vec());
                let rows = if large { 1e6 } else { 10.0 };
                let (plain, optimized) = both(&work, node, rows).await;
                assert_eq!(sorted(plain), sorted(optimized));
            }
        });
    }
}

/// The lines of a plan over a table t(a, b, c) with key a and an index on (b, c).
async fn plan_of(make: impl FnOnce(&Arc<Collection>) -> Node) -> String {
    let model = model().await;
    let table = table(&model, &["a", "b", "c"], 1, &[&["b", "c"]]).await;
    let statistics = Statistics::new([(table.id, 10_000.0)].into_iter().collect());
    let optimized = optimize(statement(Operation::Query(make(&table))), &statistics, &Quiet);
    let options = Options { costs: false, counts: None, timing: false };
    explain(&optimized, &statistics, &Quiet, &options).join("\n")
}

fn limit(input: Node, rows: i64) -> Node {
    let types = input.types.clone();
    let limit = Some(Expression { ty: Type::INT8, ..int(rows) });
    Node::new(NodeKind::Limit { input: Box::new(input), limit, offset: None }, types)
}

#[test]
fn analyze_counts_rows() {
    runtime().block_on(async {
        let model = model().await;
        let table = table(&model, &["a", "b", "c"], 1, &[]).await;
        let work = begin(&model).await;
        let rows: Vec<Row> = (0..9).map(|n| vec![Some(n), Some(n % 2), None]).collect();
        fill(&work, &table, &rows).await;
        let node = sort(filter(scan(&table), binary("=", column(1), int(0))), &[(0, true)]);
        let node = limit(columns3(node), 2);
        let prepared = Prepared::new(statement(Operation::Query(node))).unwrap();
        let frame = empty(&prepared.statement, Arc::new(Quiet)).unwrap();
        let (mut running, counts) =
            start_counted(&prepared, frame, work.clone(), Settings::default()).unwrap();
        while running.next().await.unwrap().is_some() {}
        let options = Options { costs: false, counts: Some(&counts), timing: false };
        let statistics = Statistics::default();
        let lines = explain(&prepared.statement, &statistics, &Quiet, &options);
        assert_eq!(
            lines,
            [
                "Limit (actual rows=2 loops=1)",
                "  ->  Sort (actual rows=5 loops=1)",
                "        Sort Key: a DESC",
                "        ->  Seq Scan on t (actual rows=9 loops=1)",
                "              Filter: (b = 0)",
            ]
        );
    });
}

/// Whole documents, fields without columns, and a field that is not of the type that was described.
#[test]
fn documents_as_rows() {
    use model::NewCollection;
    use value::{Document, Value};
    runtime().block_on(async {
        let model = model().await;
        let work = begin(&model).await;
        let database = work.catalogue().database("main").unwrap().id;
        let new = NewCollection::documents(database, "public", "d");
        let made = work.create_collection(new).await.unwrap();
        for n in [Value::Int32(1), Value::Int64(2), Value::Null] {
            let document: Document = [("n".to_owned(), n)].into_iter().collect();
            work.insert_document(&made, &document, model::Arbiter::None).await.unwrap();
        }
        let read = |field: &str, ty: Type| {
            let columns = vec![ScanColumn::Field(field.to_owned())];
            let (collection, access) = (made.clone(), Access::Full);
            let scan = Scan { collection, columns, access, filter: None, backward: false };
            statement(Operation::Query(Node::new(NodeKind::Scan(Box::new(scan)), vec![ty])))
        };
        let mut rows = execute(&work, read("n", Type::INT4), Settings::default()).await.unwrap().0;
        rows.sort();
        assert_eq!(rows, [vec![None], vec![Some(1)], vec![Some(2)]]);
        let text: Document = [("n".to_owned(), Value::Text("x".into()))].into_iter().collect();
        work.insert_document(&made, &text, model::Arbiter::None).await.unwrap();
        let error = execute(&work, read("n", Type::INT4), Settings::default()).await.unwrap_err();
        assert_eq!(error.sqlstate, "42804");
        assert!(error.message.contains("\"n\""), "{error}");
    });
}

#[test]
fn what_is_prepared_is_shared_between_threads() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Prepared>();
    is_shared::<Arc<Batch>>();
}

#[test]
fn plans_as_text() {
    let check = |make: &dyn Fn(&Arc<Collection>) -> Node, wanted: &str| {
        let wanted: Vec<&str> = wanted.lines().map(|line| &line[8.min(line.len())..]).collect();
        assert_eq!(runtime().block_on(plan_of(make)), wanted.join("\n").trim());
    };
    check(
        &|t| columns3(filter(scan(t), binary("=", column(0), int(5)))),
        "
        Index Scan using t_pkey on t
          Index Cond: (a = 5)",
    );
    check(
        &|t| columns3(filter(scan(t), binary("<", int(5), column(1)))),
        "
        Index Scan using t_b_c_idx on t
          Index Cond: (b > 5)",
    );
    check(
        &|t| columns3(filter(scan(t), binary("=", column(2), int(5)))),
        "
        Seq Scan on t
          Filter: (c = 5)",
    );
    check(
        &|t| limit(columns3(sort(scan(t), &[(1, true), (2, true)])), 3),
        "
        Limit
          ->  Index Scan Backward using t_b_c_idx on t",
    );
    check(
        &|t| columns3(sort(scan(t), &[(1, false)])),
        "
        Sort
          Sort Key: b
          ->  Seq Scan on t",
    );
    check(
        &|t| columns3(sort(filter(scan(t), binary("=", column(1), int(1))), &[(2, false)])),
        "
        Index Scan using t_b_c_idx on t
          Index Cond: (b = 1)",
    );
    check(
        &|t| columns3(filter(scan(t), binary("=", int(1), int(2)))),
        "
        Result
          One-Time Filter: false",
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// EXISTS and NOT EXISTS over a correlated scan, with and without a fitting index.
    #[test]
    fn exists_as_a_join(data in data(), own in predicate(), at in 0u32..3, not: bool) {
        use crate::plan::{Apply, ApplyKind};
        runtime().block_on(async {
            let model = model().await;
            let table = table(&model, &["a", "b", "c"], 1, &[&["b"]]).await;
            let work = begin(&model).await;
            fill(&work, &table, &data).await;
            let slot = Expression::new(Expr::Parameter(0), Type::INT4);
            let link = binary("=", column(at), slot);
            let on = Expression::new(Expr::And(vec![link, own]), Type::BOOL);
            let (input, inner) = (scan(&table), filter(scan(&table), on));
            let kind = ApplyKind::Exists;
            let types = kind.types(&input, &inner);
            let apply = Apply { input, inner, parameters: vec![(0, column(1))], kind };
            let apply = Node::new(NodeKind::Apply(Box::new(apply)), types);
            let flag = Expression::column(4, Type::BOOL, -1);
            let asked = match not {
                true => Expression::new(Expr::Not(Box::new(flag)), Type::BOOL),
                false => flag,
            };
            let node = columns3(filter(apply, asked));
            let (plain, optimized) = both(&work, node, 5000.0).await;
            assert_eq!(sorted(plain), sorted(optimized));
        });
    }
}
