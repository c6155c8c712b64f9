//! Scans that carry both kinds of leaf: the rows that a naive look gives, by key and without.

use proptest::prelude::*;

use super::*;
use crate::execute::explain::{Options, explain};
use crate::plan::optimize::{Statistics, optimize};
use crate::predicate::{Literal, Path, Predicate, Test, bounds, implied};

/// The table's columns, its document, and the predicate over them.
fn matching(collection: &Arc<Collection>, predicate: Predicate, bounded: bool) -> Statement {
    let mut node = scan(collection);
    let width = collection.columns.len() as u32;
    let NodeKind::Scan(scan) = &mut node.kind else { panic!("a scan") };
    scan.columns.insert(width as usize, ScanColumn::Document);
    node.types.insert(width as usize, Type::JSONB);
    let formula = bounds(&predicate);
    let mut place = |id| collection.position(id).map(|at| at as u32);
    let said = implied(&formula, collection, &mut place).unwrap().filter(|_| bounded);
    let document = Expression::column(width, Type::JSONB, -1);
    let leaves = predicate.into_expression(&document);
    let all = match said {
        Some(said) => Expression::new(Expr::And(vec![said, leaves]), Type::BOOL),
        None => leaves,
    };
    let node = filter(node, all);
    let columns = (0..3).map(column).collect();
    let types = vec![Type::INT4; 3];
    let projected =
        Node::new(NodeKind::Project { input: Box::new(node), expressions: columns }, types);
    let mut made = statement(Operation::Query(projected));
    made.uses = vec![collection.clone()];
    made
}

fn leaf(path: &str, test: fn(Literal) -> Test, value: impl Into<value::Value>) -> Predicate {
    Predicate::matching(Path::new(path), test(Literal::new(&value.into())))
}

async fn shown(work: &Work, statement: Statement) -> Vec<String> {
    let statistics = Statistics::of(work, &statement).await.unwrap();
    let statement = optimize(statement, &statistics, &Quiet);
    let options = Options { costs: false, counts: None, timing: false };
    explain(&statement, &statistics, &Quiet, &options)
}

#[test]
fn a_filter_finds_its_key_and_is_shown() {
    runtime().block_on(async {
        let model = model().await;
        let t = table(&model, &["a", "b", "c"], 1, &[&["b"]]).await;
        let work = begin(&model).await;
        let rows: Vec<Row> = (0..2_000).map(|n| vec![Some(n), Some(n % 7), None]).collect();
        fill(&work, &t, &rows).await;
        let sql = binary("<", column(0), int(900));
        let both = Predicate::And(vec![
            leaf("a", Test::Gte, 897.5),
            leaf("b", Test::Eq, "x").negated(),
            Predicate::Sql(sql),
        ]);
        let plan = shown(&work, matching(&t, both.clone(), true)).await;
        assert_eq!(
            plan,
            [
                "Index Scan using t_pkey on t",
                "  Index Cond: ((a >= 898) AND (a < 900))",
                "  Filter: ((_doc @@ {\"a\": {\"$gte\": 897.5}}) AND (NOT (_doc @@ {\"b\": {\"$eq\": \"x\"}})))",
            ]
        );
        let statement = matching(&t, both, true);
        let statistics = Statistics::of(&work, &statement).await.unwrap();
        let statement = optimize(statement, &statistics, &Quiet);
        let (found, _) = execute(&work, statement, Settings::default()).await.unwrap();
        assert_eq!(found, [vec![Some(898), Some(2), None], vec![Some(899), Some(3), None]]);
    });
}

/// A leaf about one of the columns, or `_id`, with a number of any type.
fn leaves() -> impl Strategy<Value = Predicate> {
    let numbers = prop_oneof![
        (-1..8i32).prop_map(value::Value::Int32),
        (-2..16i32).prop_map(|n| value::Value::Float64(f64::from(n) / 2.0)),
        (-10..80i128).prop_map(|n| value::Value::Decimal(value::Decimal::new(n, 1).unwrap())),
        Just(value::Value::Float64(f64::NAN)),
        Just(value::Value::UInt64(u64::MAX)),
        Just(value::Value::Null),
        Just(value::Value::Text("x".into())),
    ];
    let path = prop::sample::select(vec!["a", "b", "c", "_id"]);
    (path, 0..6usize, numbers).prop_map(|(path, test, number)| {
        let twice: fn(Literal) -> Test =
            |literal| Test::In(vec![literal.clone(), Literal::new(&3.into()), literal]);
        let test = [Test::Eq, Test::Lt, Test::Lte, Test::Gt, Test::Gte, twice][test];
        leaf(path, test, number)
    })
}

fn predicates() -> impl Strategy<Value = Predicate> {
    leaves().prop_recursive(2, 8, 3, |inner| {
        let list = || prop::collection::vec(inner.clone(), 1..3);
        prop_oneof![
            2 => list().prop_map(Predicate::And),
            1 => list().prop_map(Predicate::Or),
            1 => inner.prop_map(Predicate::negated),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn ranges_change_no_answer(predicate in predicates()) {
        runtime().block_on(async {
            let model = model().await;
            let t = table(&model, &["a", "b", "c"], 1, &[&["b"], &["c", "a"]]).await;
            let work = begin(&model).await;
            let value = |n: i64| (n % 5 != 0).then_some(n % 5);
            let rows: Vec<Row> =
                (0..40).map(|n| vec![Some(n % 2 * 40 + n), value(n), value(n / 5)]).collect();
            fill(&work, &t, &rows).await;
            let plain = matching(&t, predicate.clone(), false);
            let (mut expected, _) = execute(&work, plain, Settings::default()).await.unwrap();
            let bounded = matching(&t, predicate, true);
            let statistics = Statistics::of(&work, &bounded).await.unwrap();
            let bounded = optimize(bounded, &statistics, &Quiet);
            let (mut found, _) = execute(&work, bounded, Settings::default()).await.unwrap();
            expected.sort();
            found.sort();
            assert_eq!(found, expected);
        });
    }
}
