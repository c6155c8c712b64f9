//! Operators against the same done naively, over sources that wait at random.

use proptest::prelude::*;

use super::*;
use crate::execute::aggregate::Aggregate;
use crate::execute::apply::Apply;
use crate::execute::join::Join;
use crate::execute::part::Part;
use crate::execute::relational::{Append, Filter, Limit};
use crate::execute::set::{Against, Distinct};
use crate::execute::sort::Sort;
use crate::function::aggregates;
use crate::plan::{AggregateCall, ApplyKind, JoinKind, SetOperation, SortKey};

fn value() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![1 => Just(None), 5 => (0i64..5).prop_map(Some)]
}

fn rows(width: usize) -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec(prop::collection::vec(value(), width), 0..24)
}

fn part<T: Send + Sync + 'static>(value: T) -> Part<T> {
    Part::whole(&Arc::new(value))
}

fn run(root: BoxOperator) -> Vec<Row> {
    runtime().block_on(async {
        let model = model().await;
        drive(&begin(&model).await, root).await.unwrap()
    })
}

fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort();
    rows
}

/// NULL last, ascending: the default order.
fn key(value: Option<i64>) -> (bool, Option<i64>) {
    (value.is_none(), value)
}

fn is_true(left: Option<i64>, right: Option<i64>) -> bool {
    left.is_some() && left == right
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn sort_and_top(data in rows(2), bits: u64, top in 0i64..30, limited: bool) {
        let keys = vec![
            SortKey { expression: column(0), descending: false, nulls_first: false },
            SortKey { expression: column(1), descending: true, nulls_first: true },
        ];
        let top_of = limited.then(|| part(Expression { ty: Type::INT8, ..int(top) }));
        let sort = Box::new(Sort::new(Source::over(&data, bits), part(keys), top_of.clone()));
        let found = run(Box::new(Limit::new(sort, top_of, None)));
        let mut wanted = data.clone();
        wanted.sort_by(|a, b| key(a[0]).cmp(&key(b[0])).then(key(b[1]).cmp(&key(a[1]))));
        if limited {
            wanted.truncate(top as usize);
        }
        prop_assert_eq!(found, wanted);
    }

    #[test]
    fn limit_and_offset(data in rows(1), bits: u64, limit in 0usize..30, offset in 0usize..30) {
        let count = |n: usize| Some(part(Expression { ty: Type::INT8, ..int(n as i64) }));
        let source = Source::over(&data, bits);
        let found = run(Box::new(Limit::new(source, count(limit), count(offset))));
        let wanted: Vec<Row> = data.into_iter().skip(offset).take(limit).collect();
        prop_assert_eq!(found, wanted);
    }

    #[test]
    fn filter_keeps_the_true(data in rows(2), bits: u64) {
        let found = run(Box::new(Filter::new(
            Source::over(&data, bits),
            part(binary("=", column(0), column(1))),
        )));
        let wanted: Vec<Row> = data.into_iter().filter(|row| is_true(row[0], row[1])).collect();
        prop_assert_eq!(found, wanted);
    }

    #[test]
    fn joins(left in rows(2), right in rows(2), bits: u64, kind in 0usize..4, hashed: bool) {
        let kind = [JoinKind::Inner, JoinKind::Left, JoinKind::Semi, JoinKind::Anti][kind];
        let on = binary("=", column(0), column(2));
        let equal = crate::function::operator("=", &[Type::INT4, Type::INT4]).unwrap();
        let keys = hashed.then(|| part(vec![(column(0), column(0), equal)]));
        let sources = (Source::over(&left, bits), Source::over(&right, bits.rotate_left(7)));
        let found = run(Box::new(Join::new(sources, 2, kind, keys, Some(part(on)))));
        let mut wanted = Vec::new();
        for l in &left {
            let matches: Vec<&Row> = right.iter().filter(|r| is_true(l[0], r[0])).collect();
            match kind {
                JoinKind::Semi if !matches.is_empty() => wanted.push(l.clone()),
                JoinKind::Anti if matches.is_empty() => wanted.push(l.clone()),
                JoinKind::Left if matches.is_empty() => {
                    wanted.push([l.clone(), vec![None, None]].concat());
                }
                JoinKind::Inner | JoinKind::Left => {
                    wanted.extend(matches.iter().map(|r| [l.clone(), (*r).clone()].concat()));
                }
                _ => {}
            }
        }
        prop_assert_eq!(found, wanted);
    }

    #[test]
    fn set_operations(left in rows(1), right in rows(1), bits: u64, all: bool, which in 0usize..3) {
        let inputs = || (Source::over(&left, bits), Source::over(&right, bits.rotate_left(5)));
        let count = |rows: &[Row], row: &Row| rows.iter().filter(|r| *r == row).count();
        let (l, r) = inputs();
        let found = run(match (which, all) {
            (0, true) => Box::new(Append::new(vec![l, r])),
            (0, false) => Box::new(Distinct::new(Box::new(Append::new(vec![l, r])))),
            (1, all) => Box::new(Against::new(l, r, SetOperation::Intersect, all)),
            (_, all) => Box::new(Against::new(l, r, SetOperation::Except, all)),
        });
        let mut wanted = Vec::new();
        let mut every: Vec<Row> = left.iter().chain(&right).cloned().collect();
        every.sort();
        every.dedup();
        for row in every {
            let (l, r) = (count(&left, &row), count(&right, &row));
            let times = match (which, all) {
                (0, true) => l + r,
                (0, false) => 1,
                (1, true) => l.min(r),
                (1, false) => usize::from(l > 0 && r > 0),
                (_, true) => l.saturating_sub(r),
                (_, false) => usize::from(l > 0 && r == 0),
            };
            wanted.extend(std::iter::repeat_n(row, times));
        }
        prop_assert_eq!(sorted(found), wanted);
    }

    #[test]
    fn groups(data in rows(2), bits: u64, grouped: bool) {
        let of = |name: &str, star: bool| {
            let wanted: &[Type] = if star { &[] } else { &[Type::INT4] };
            let all = aggregates(name).iter();
            let one = |a: &&&'static crate::function::Aggregate| !star && a.arguments.len() == 1;
            *all.clone().find(|a| a.arguments == wanted).or_else(|| all.clone().find(one)).unwrap()
        };
        let call = |function: &'static crate::function::Aggregate, star: bool, distinct: bool| {
            AggregateCall {
                function,
                arguments: if star { Vec::new() } else { vec![column(1)] },
                distinct,
                order: Vec::new(),
                filter: None,
                ty: function.result,
            }
        };
        let calls = vec![
            call(of("count", true), true, false),
            call(of("count", false), false, true),
            call(of("sum", false), false, false),
        ];
        let keys = if grouped { vec![column(0)] } else { Vec::new() };
        let source = Source::over(&data, bits);
        let found = run(Box::new(Aggregate::new(source, part(keys), part(calls))));
        let mut wanted = Vec::new();
        let mut groups: Vec<Option<i64>> = data.iter().map(|row| row[0]).collect();
        groups.sort();
        groups.dedup();
        if !grouped {
            groups = vec![None];
        }
        for group in groups {
            let of: Vec<Option<i64>> = data
                .iter()
                .filter(|row| !grouped || row[0] == group)
                .map(|row| row[1])
                .collect();
            let mut values: Vec<i64> = of.iter().flatten().copied().collect();
            let sum = if values.is_empty() { None } else { Some(values.iter().sum()) };
            values.sort();
            values.dedup();
            let mut row = if grouped { vec![group] } else { Vec::new() };
            row.extend([Some(of.len() as i64), Some(values.len() as i64), sum]);
            wanted.push(row);
        }
        prop_assert_eq!(sorted(found), sorted(wanted));
    }

    #[test]
    fn apply(outer in rows(1), inner in rows(1), bits: u64, which in 0usize..4) {
        // inner: rows equal to the outer value, which is slot 0
        let slot = Expression::new(Expr::Parameter(0), Type::INT4);
        let matching = binary("=", column(0), slot);
        let equal = crate::function::operator("=", &[Type::INT4, Type::INT4]).unwrap();
        let kind = match which {
            0 => ApplyKind::Cross(None),
            1 => ApplyKind::Left(None),
            2 => ApplyKind::Exists,
            _ => {
                let (left, operators) = (vec![column(0)], vec![equal]);
                ApplyKind::Quantified { left, operators, all: false }
            }
        };
        let source = Source::over(&inner, bits.rotate_left(11));
        let below: BoxOperator = match which {
            3 => source,
            _ => Box::new(Filter::new(source, part(matching))),
        };
        let parameters = if which == 3 { Vec::new() } else { vec![(0, column(0))] };
        let found = run(Box::new(Apply::new(
            (Source::over(&outer, bits), below),
            vec![Type::INT4],
            part(parameters),
            0,
            part(kind),
            2,
        )));
        let mut wanted = Vec::new();
        for row in &outer {
            let matches = inner.iter().filter(|r| is_true(row[0], r[0])).count();
            let flag = |value: Option<bool>| vec![row[0], value.map(i64::from)];
            match which {
                0 => wanted.extend(std::iter::repeat_n(vec![row[0], row[0]], matches)),
                1 if matches == 0 => wanted.push(vec![row[0], None]),
                1 => wanted.extend(std::iter::repeat_n(vec![row[0], row[0]], matches)),
                2 => wanted.push(flag(Some(matches > 0))),
                _ if inner.is_empty() => wanted.push(flag(Some(false))),
                _ if matches > 0 => wanted.push(flag(Some(true))),
                _ if row[0].is_none() || inner.iter().any(|r| r[0].is_none()) => {
                    wanted.push(flag(None));
                }
                _ => wanted.push(flag(Some(false))),
            }
        }
        prop_assert_eq!(found, wanted);
    }
}

/// Each round of a correlated plan gives its memory back, so that many rounds fit where one does.
#[test]
fn rounds_give_their_memory_back() {
    let outer: Vec<Row> = (0..2000).map(|n| vec![Some(n)]).collect();
    let inner: Vec<Row> = (0..200).map(|n| vec![Some(n % 7)]).collect();
    let key = SortKey { expression: column(0), descending: true, nulls_first: false };
    let sort = Box::new(Sort::new(Source::over(&inner, 0), part(vec![key]), None));
    let on = part(binary("=", column(0), column(1)));
    let equal = crate::function::operator("=", &[Type::INT4, Type::INT4]).unwrap();
    let keys = Some(part(vec![(column(0), column(0), equal)]));
    let sides: (BoxOperator, BoxOperator) = (sort, Source::over(&inner, 0));
    let join = Box::new(Join::new(sides, 1, JoinKind::Semi, keys, Some(on)));
    let distinct = Box::new(Distinct::new(join));
    let apply = Apply::new(
        (Source::over(&outer, 0), distinct),
        vec![Type::INT4],
        part(vec![(0, column(0))]),
        0,
        part(ApplyKind::Exists),
        2,
    );
    let found = runtime().block_on(async {
        let model = model().await;
        let work = begin(&model).await;
        let settings = Settings { memory: 1 << 20, ..Settings::default() };
        drive_with(&work, Box::new(apply), settings).await.unwrap()
    });
    assert_eq!(found.len(), outer.len());
}
