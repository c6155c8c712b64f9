//! Random schema changes and writes against a naive picture in memory.
//!
//! The naive picture is a map from key to row; every constraint is checked by looking at all of it.
//! After each step the rows, the indexes and the counts of the store must say the same, an old
//! snapshot must still say what it said, and an error must have changed nothing.

use std::collections::BTreeMap;

use model::datum::Datum;
use model::{
    Arbiter, Error, Insertion, NewCollection, NewColumn, NewGenerator, NewIndex, RangeScan, Seeing,
};
use proptest::prelude::*;
use transaction::{CancelToken, Direction, Stamp};
use value::Value;

use crate::toy::*;

#[derive(Debug, Clone)]
enum Step {
    Insert(i64, Vec<Option<i64>>),
    Update(i64, usize, Option<i64>),
    Move(i64, i64),
    Delete(i64),
    AddColumn(Option<i64>),
    DropColumn(usize),
    RenameColumn(usize),
    AddIndex(usize, usize, bool),
    DropIndex(usize),
    Truncate,
    Rekey,
    Commit,
    Rollback,
    Savepoint,
    RollbackTo,
    Look,
    Sweep,
}

fn step() -> impl Strategy<Value = Step> {
    let small = || prop_oneof![3 => (0..6i64).prop_map(Some), 1 => Just(None)];
    let key = || 0..8i64;
    prop_oneof![
        8 => (key(), proptest::collection::vec(small(), 6)).prop_map(|(a, b)| Step::Insert(a, b)),
        5 => (key(), 0..6usize, small()).prop_map(|(a, b, c)| Step::Update(a, b, c)),
        2 => (key(), key()).prop_map(|(a, b)| Step::Move(a, b)),
        3 => key().prop_map(Step::Delete),
        1 => small().prop_map(Step::AddColumn),
        1 => (0..6usize).prop_map(Step::DropColumn),
        1 => (0..6usize).prop_map(Step::RenameColumn),
        2 => (0..6usize, 0..6usize, any::<bool>()).prop_map(|(a, b, u)| Step::AddIndex(a, b, u)),
        1 => (0..4usize).prop_map(Step::DropIndex),
        1 => Just(Step::Truncate),
        1 => Just(Step::Rekey),
        4 => Just(Step::Commit),
        1 => Just(Step::Rollback),
        2 => Just(Step::Savepoint),
        2 => Just(Step::RollbackTo),
        2 => Just(Step::Look),
        1 => Just(Step::Sweep),
    ]
}

/// The naive picture: columns besides the key, unique sets of columns, rows.
#[derive(Debug, Clone, Default, PartialEq)]
struct Naive {
    columns: Vec<String>,
    /// Index name, columns, whether unique.
    indexes: Vec<(String, Vec<String>, bool)>,
    rows: BTreeMap<i64, Vec<Option<i64>>>,
    made: usize,
}

impl Naive {
    fn position(&self, name: &str) -> usize {
        self.columns.iter().position(|column| column == name).unwrap()
    }

    fn is_unique(&self) -> bool {
        self.indexes.iter().filter(|(_, _, unique)| *unique).all(|(_, columns, _)| {
            let places: Vec<usize> = columns.iter().map(|name| self.position(name)).collect();
            let mut seen = std::collections::BTreeSet::new();
            self.rows.values().all(|row| {
                let key: Vec<_> = places.iter().map(|at| row[*at]).collect();
                key.contains(&None) || seen.insert(key)
            })
        })
    }

    fn values(&self) -> Vec<Vec<Value>> {
        let each = |(key, row): (&i64, &Vec<Option<i64>>)| {
            let rest = row.iter().map(|cell| cell.map_or(Value::Null, |n| Value::Int32(n as i32)));
            std::iter::once(Value::Int32(*key as i32)).chain(rest).collect()
        };
        self.rows.iter().map(each).collect()
    }
}

fn datum(cell: Option<i64>) -> Datum<'static> {
    cell.map_or(Datum::Null, Datum::Int)
}

fn row_of(key: i64, cells: &[Option<i64>]) -> Vec<Datum<'static>> {
    std::iter::once(Datum::Int(key)).chain(cells.iter().map(|cell| datum(*cell))).collect()
}

async fn run(steps: Vec<Step>) {
    let model = model().await;
    let work = begin(&model).await;
    let columns = vec![int("k"), int("c0"), int("c1")];
    let new = NewCollection::table(main_database(&work), "public", "t", columns).key(&["k"]);
    work.create_collection(new).await.unwrap();
    commit(work).await;

    let mut naive = Naive { columns: vec!["c0".into(), "c1".into()], made: 2, ..Naive::default() };
    let mut committed = naive.clone();
    let mut work = begin(&model).await;
    let mut mark: Option<(model::Savepoint, Naive)> = None;
    let mut look: Option<(model::Work, Naive)> = None;
    for step in steps {
        let t = named(&work, "t");
        match step.clone() {
            Step::Insert(key, cells) => {
                let cells = cells[..naive.columns.len()].to_vec();
                let row = row_of(key, &cells);
                let done = work.insert(&t, &row, Arbiter::None).await;
                let mut after = naive.clone();
                let taken = after.rows.insert(key, cells).is_some();
                let allowed = !taken && after.is_unique();
                match done {
                    Ok(Insertion::Inserted(_)) => {
                        assert!(allowed, "{step:?}");
                        naive = after;
                    }
                    Err(Error::Unique(_)) => assert!(!allowed, "{step:?}"),
                    other => panic!("{step:?}: {other:?}"),
                }
            }
            Step::Update(key, at, cell) if !naive.columns.is_empty() => {
                let at = at % naive.columns.len();
                let Some(old) = find(&work, &t, key).await else { continue };
                let mut after = naive.clone();
                after.rows.get_mut(&key).unwrap()[at] = cell;
                let row = row_of(key, &after.rows[&key]);
                let column = t.columns[t.columns.len() - naive.columns.len() + at].id;
                match work.update(&t, &old.0, &old.1, &row, &[column]).await {
                    Ok(_) => {
                        assert!(after.is_unique(), "{step:?}");
                        naive = after;
                    }
                    Err(Error::Unique(_)) => assert!(!after.is_unique(), "{step:?}"),
                    other => panic!("{step:?}: {other:?}"),
                }
            }
            Step::Move(from, to) => {
                let Some(old) = find(&work, &t, from).await else { continue };
                let mut after = naive.clone();
                let cells = after.rows.remove(&from).unwrap();
                let row = row_of(to, &cells);
                let taken = after.rows.insert(to, cells).is_some();
                let column = t.columns[0].id;
                match work.update(&t, &old.0, &old.1, &row, &[column]).await {
                    Ok(_) => {
                        assert!(!taken, "{step:?}");
                        naive = after;
                    }
                    Err(Error::Unique(_)) => assert!(taken, "{step:?}"),
                    other => panic!("{step:?}: {other:?}"),
                }
            }
            Step::Delete(key) => {
                let Some(old) = find(&work, &t, key).await else { continue };
                work.delete(&t, &old.0, &old.1).await.unwrap();
                naive.rows.remove(&key);
            }
            Step::AddColumn(default) if naive.columns.len() < 6 => {
                let name = format!("c{}", naive.made);
                let generator = match default {
                    Some(n) => NewGenerator::Default(format!("int {n}")),
                    None => NewGenerator::None,
                };
                work.add_column(t.id, NewColumn { generator, ..int(&name) }).await.unwrap();
                naive.made += 1;
                naive.columns.push(name);
                naive.rows.values_mut().for_each(|row| row.push(default));
            }
            Step::DropColumn(at) if naive.columns.len() > 1 => {
                let at = at % naive.columns.len();
                let name = naive.columns.remove(at);
                work.drop_column(t.id, &name, false).await.unwrap();
                naive.indexes.retain(|(_, columns, _)| !columns.contains(&name));
                naive.rows.values_mut().for_each(|row| {
                    row.remove(at);
                });
            }
            Step::RenameColumn(at) => {
                let at = at % naive.columns.len();
                let to = format!("c{}", naive.made);
                naive.made += 1;
                let from = std::mem::replace(&mut naive.columns[at], to.clone());
                work.rename_column(t.id, &from, &to).await.unwrap();
                for (_, columns, _) in &mut naive.indexes {
                    columns.iter_mut().filter(|c| **c == from).for_each(|c| *c = to.clone());
                }
            }
            Step::AddIndex(a, b, unique) if naive.indexes.len() < 4 => {
                let mut columns = vec![naive.columns[a % naive.columns.len()].clone()];
                let second = naive.columns[b % naive.columns.len()].clone();
                if !columns.contains(&second) {
                    columns.push(second);
                }
                let names: Vec<&str> = columns.iter().map(String::as_str).collect();
                let before = work.savepoint().unwrap();
                let done =
                    work.create_index(t.id, NewIndex { unique, ..NewIndex::on(&names) }).await;
                let mut after = naive.clone();
                match done {
                    Ok(index) => {
                        after.indexes.push((index.name, columns, unique));
                        assert!(after.is_unique(), "{step:?}");
                        naive = after;
                        work.release(&before);
                    }
                    Err(Error::Unique(_)) => {
                        after.indexes.push((String::new(), columns, unique));
                        assert!(!after.is_unique(), "{step:?}");
                        work.rollback_to(&before).await.unwrap();
                        work.release(&before);
                    }
                    other => panic!("{step:?}: {other:?}"),
                }
            }
            Step::DropIndex(at) if !naive.indexes.is_empty() => {
                let (name, _, _) = naive.indexes.remove(at % naive.indexes.len());
                let index = t.index(&name).unwrap().id;
                work.drop_index(t.id, index).await.unwrap();
            }
            Step::Truncate => {
                work.truncate(t.id, false).await.unwrap();
                naive.rows.clear();
            }
            Step::Rekey => {
                let t = work.drop_constraint(t.id, &t.primary_key.name).await.unwrap();
                let key = model::NewKey { name: None, columns: vec!["k".into()] };
                work.add_primary_key(t.id, key).await.unwrap();
            }
            Step::Commit => {
                commit(work).await;
                committed = naive.clone();
                (work, mark) = (begin(&model).await, None);
            }
            Step::Rollback => {
                work.rollback().await.unwrap();
                naive = committed.clone();
                (work, mark) = (begin(&model).await, None);
            }
            Step::Savepoint => mark = Some((work.savepoint().unwrap(), naive.clone())),
            Step::RollbackTo => {
                if let Some((savepoint, before)) = &mark {
                    work.rollback_to(savepoint).await.unwrap();
                    naive = before.clone();
                }
            }
            Step::Look => look = Some((begin(&model).await, committed.clone())),
            Step::Sweep => {
                let oldest = look.as_ref().map_or(work.snapshot(), |(old, _)| old.snapshot());
                let oldest = oldest.min(work.snapshot());
                model.sweep_once(oldest, &CancelToken::default()).await.unwrap();
            }
            _ => continue,
        }
        let t = named(&work, "t");
        assert_eq!(rows(&work, &t).await, naive.values(), "after {step:?}");
        indexes_agree(&work, &t).await;
        if let Some((old, then)) = &look {
            let t = named(old, "t");
            assert_eq!(rows(old, &t).await, then.values(), "the old snapshot, after {step:?}");
            indexes_agree(old, &t).await;
        }
    }
    // Nothing is left of what was dropped, once nobody can see it.
    drop((look, mark));
    work.rollback().await.unwrap();
    model.sweep_once(Stamp::MAX, &CancelToken::default()).await.unwrap();
    let work = begin(&model).await;
    let t = named(&work, "t");
    assert_eq!(rows(&work, &t).await, committed.values());
    for (category, expected) in [(model::key::Category::Row, committed.rows.len())] {
        let range = model::key::all(category);
        let seeing = Seeing::default();
        let target = model::Target::Primary;
        let scan = RangeScan::new(t.clone(), target, vec![range], Direction::Forward, seeing);
        assert_eq!(all(&work, scan.unwrap()).await.len(), expected);
    }
}

async fn find(
    work: &model::Work,
    t: &std::sync::Arc<model::Collection>,
    key: i64,
) -> Option<(bytes::Bytes, bytes::Bytes)> {
    let key = model::row::key_of_values(t, &[Datum::Int(key)]).unwrap();
    let value = locked(work, t, &key).await?;
    Some((key, value))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 2000, ..ProptestConfig::default() })]
    #[test]
    fn the_store_agrees_with_a_naive_picture(steps in proptest::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(steps));
    }
}
