//! Insert, update, delete, scans, conflicts.

use model::datum::Datum;
use model::{
    Arbiter, Bounds, Error, Insertion, NewCheck, NewCollection, NewColumn, NewGenerator, NewIndex,
    RangeScan, Seeing, SequenceOptions, Target, bounds_range,
};
use transaction::{Direction, PageLimit};
use value::Value;

use crate::toy::*;

fn assert_send<T: Send>(value: T) -> T {
    value
}

#[tokio::test]
async fn a_row_lives_and_dies() {
    let model = model().await;
    let work = begin(&model).await;
    let new = NewCollection::table(main_database(&work), "public", "t", vec![int("a"), text("b")]);
    let table = assert_send(work.create_collection(new.key(&["a"]))).await.unwrap();
    let row = [Datum::Int(7), Datum::Text("x")];
    let stored = assert_send(work.insert(&table, &row, Arbiter::None)).await.unwrap();
    let Insertion::Inserted(stored) = stored else { panic!("a conflict") };
    commit(work).await;

    let work = begin(&model).await;
    let table = named(&work, "t");
    assert_eq!(rows(&work, &table).await, [[Value::Int32(7), Value::from("x")]]);
    assert_eq!(work.row_count(&table).await.unwrap(), 1);
    let old = locked(&work, &table, &stored.key).await.unwrap();
    let changed = [Datum::Int(7), Datum::Null];
    let ids = [table.columns[1].id];
    let update = work.update(&table, &stored.key, &old, &changed, &ids);
    let stored = assert_send(update).await.unwrap();
    assert_eq!(rows(&work, &table).await, [[Value::Int32(7), Value::Null]]);
    let moved = [Datum::Int(8), Datum::Null];
    let ids = [table.columns[0].id];
    let stored = work.update(&table, &stored.key, &stored.value, &moved, &ids).await.unwrap();
    assert_eq!(rows(&work, &table).await, [[Value::Int32(8), Value::Null]]);
    work.delete(&table, &stored.key, &stored.value).await.unwrap();
    assert_eq!(work.row_count(&table).await.unwrap(), 0);
    commit(work).await;
    let work = begin(&model).await;
    assert!(rows(&work, &named(&work, "t")).await.is_empty());
}

#[tokio::test]
async fn constraints_name_what_they_refuse() {
    let model = model().await;
    let work = begin(&model).await;
    let not_null = NewColumn { not_null: true, ..int("n") };
    let mut new = NewCollection::table(
        main_database(&work),
        "public",
        "t",
        vec![int("a"), not_null, int("u"), int("v")],
    )
    .key(&["a"]);
    new.indexes.push(NewIndex::unique(&["u", "v"]));
    new.checks.push(NewCheck { name: None, expression: "gt n 0".into() });
    let table = work.create_collection(new).await.unwrap();
    assert_eq!(table.indexes[0].name, "t_u_v_key");
    assert_eq!(table.checks[0].name, "t_n_check");
    assert_eq!(table.primary_key.name, "t_pkey");
    let row = |a, n, u, v| [Datum::Int(a), n, u, v];
    let (one, null) = (Datum::Int(1), Datum::Null);
    insert(&work, &table, &row(1, one, one, one)).await;

    let refused = work.insert(&table, &row(2, null, one, null), Arbiter::None).await.unwrap_err();
    let Error::NotNull(violation) = refused else { panic!("{refused:?}") };
    assert_eq!((violation.name.as_str(), violation.collection.as_str()), ("n", "t"));
    assert_eq!(violation.row[0], Value::Int32(2));

    let refused = work.insert(&table, &row(2, Datum::Int(0), one, null), Arbiter::None).await;
    assert!(matches!(refused, Err(Error::Check(v)) if v.name == "t_n_check"));

    let refused = work.insert(&table, &row(2, one, one, one), Arbiter::None).await.unwrap_err();
    let Error::Unique(violation) = refused else { panic!("{refused:?}") };
    assert_eq!(violation.constraint, "t_u_v_key");
    assert_eq!(violation.elements, ["u", "v"]);
    assert_eq!(violation.values, [Value::Int32(1), Value::Int32(1)]);

    let refused = work.insert(&table, &row(1, one, null, null), Arbiter::None).await.unwrap_err();
    assert!(matches!(refused, Error::Unique(v) if v.constraint == "t_pkey"));

    // NULLs are distinct; nothing refused left anything.
    insert(&work, &table, &row(2, one, one, null)).await;
    insert(&work, &table, &row(3, one, one, null)).await;
    assert_eq!(rows(&work, &table).await.len(), 3);
    indexes_agree(&work, &table).await;
}

#[tokio::test]
async fn on_conflict_finds_the_row() {
    let model = model().await;
    let work = begin(&model).await;
    let columns = vec![int("a"), int("u")];
    let mut new = NewCollection::table(main_database(&work), "public", "t", columns).key(&["a"]);
    new.indexes.push(NewIndex::unique(&["u"]));
    let table = work.create_collection(new).await.unwrap();
    let first = insert(&work, &table, &[Datum::Int(1), Datum::Int(5)]).await;
    let second = insert(&work, &table, &[Datum::Int(2), Datum::Int(6)]).await;
    let (pk, unique) = (table.primary_key.id, table.indexes[0].id);

    let row = [Datum::Int(1), Datum::Int(6)];
    let insertion = |arbiter| work.insert(&table, &row, arbiter);
    let Insertion::Conflict(conflict) = insertion(Arbiter::Any).await.unwrap() else { panic!() };
    assert_eq!((conflict.index, &conflict.key), (pk, &first.key));
    let Insertion::Conflict(conflict) = insertion(Arbiter::Index(unique)).await.unwrap() else {
        panic!()
    };
    assert_eq!((conflict.index, &conflict.key), (unique, &second.key));
    let row = [Datum::Int(9), Datum::Int(6)];
    let refused = work.insert(&table, &row, Arbiter::Index(pk)).await;
    assert!(matches!(refused, Err(Error::Unique(_))));
}

#[tokio::test]
async fn unique_keys_of_two_transactions_wait_for_each_other() {
    let model = model().await;
    let work = begin(&model).await;
    let columns = vec![int("a"), int("u")];
    let mut new = NewCollection::table(main_database(&work), "public", "t", columns).key(&["a"]);
    new.indexes.push(NewIndex::unique(&["u"]));
    work.create_collection(new).await.unwrap();
    commit(work).await;

    let (one, two) = (begin(&model).await, begin(&model).await);
    let table = named(&one, "t");
    insert(&one, &table, &[Datum::Int(1), Datum::Int(5)]).await;
    two.set_wait(transaction::Wait::No);
    let row = [Datum::Int(2), Datum::Int(5)];
    let refused = two.insert(&named(&two, "t"), &row, Arbiter::None).await.unwrap_err();
    assert!(matches!(refused, Error::Store(transaction::Error::LockNotAvailable)));
    commit(one).await;
    // The snapshot of `two` does not show the row, and the unique check does.
    let refused = two.insert(&named(&two, "t"), &row, Arbiter::None).await;
    assert!(matches!(refused, Err(Error::Unique(_))));
}

#[tokio::test]
async fn ranges_hold_what_they_say() {
    let model = model().await;
    let work = begin(&model).await;
    let columns = vec![int("a"), int("b"), text("c")];
    let mut new = NewCollection::table(main_database(&work), "public", "t", columns);
    let mut down = NewIndex::on(&["b", "c"]);
    down.elements[0].descending = true;
    down.elements[0].nulls_first = true;
    new.indexes.push(NewIndex::on(&["b", "c"]));
    new.indexes.push(down);
    let table = work.create_collection(new.key(&["a"])).await.unwrap();
    for a in 0..20i64 {
        let b = if a % 5 == 4 { Datum::Null } else { Datum::Int(a % 5) };
        let c = if a % 2 == 0 { "even" } else { "odd" };
        insert(&work, &table, &[Datum::Int(a), b, Datum::Text(c)]).await;
    }
    indexes_agree(&work, &table).await;
    let scan = async |target: Target, bounds: Bounds<'_>, direction| {
        let range = bounds_range(&table, target, &bounds).unwrap();
        let seeing = Seeing::default();
        let scan = RangeScan::new(table.clone(), target, vec![range], direction, seeing).unwrap();
        let rows = values(&table, &all(&work, scan).await);
        rows.iter().map(|row| row[0].as_i64().unwrap()).collect::<Vec<_>>()
    };
    let five = Datum::Int(5);
    let bounds = Bounds { lower: Some((five, false)), ..Bounds::default() };
    let keys = scan(Target::Primary, bounds, Direction::Backward).await;
    assert_eq!(keys, (6..20).rev().collect::<Vec<_>>());
    let bounds = Bounds { upper: Some((five, true)), ..Bounds::default() };
    assert_eq!(scan(Target::Primary, bounds, Direction::Forward).await, [0, 1, 2, 3, 4, 5]);
    for at in 0..2 {
        let index = Target::Index(table.indexes[at].id);
        let mut found = scan(
            index,
            Bounds { lower: Some((Datum::Int(2), false)), ..Bounds::default() },
            Direction::Forward,
        )
        .await;
        found.sort();
        assert_eq!(found, [3, 8, 13, 18], "no NULL is above 2, index {at}");
        let mut found = scan(
            index,
            Bounds { upper: Some((Datum::Int(1), false)), ..Bounds::default() },
            Direction::Forward,
        )
        .await;
        found.sort();
        assert_eq!(found, [0, 5, 10, 15], "nor below 1, index {at}");
        let equal = [Datum::Null];
        let bounds = Bounds { equal: &equal, ..Bounds::default() };
        let mut found = scan(index, bounds, Direction::Forward).await;
        found.sort();
        assert_eq!(found, [4, 9, 14, 19], "IS NULL, index {at}");
        let equal = [Datum::Int(2), Datum::Text("odd")];
        let bounds = Bounds { equal: &equal, ..Bounds::default() };
        assert_eq!(scan(index, bounds, Direction::Forward).await, [7, 17]);
    }
}

#[tokio::test]
async fn operators_ask_without_waiting() {
    let model = model().await;
    let work = begin(&model).await;
    let columns = vec![int("a"), int("b")];
    let mut new = NewCollection::table(main_database(&work), "public", "t", columns);
    new.indexes.push(NewIndex::on(&["b"]));
    let table = work.create_collection(new.key(&["a"])).await.unwrap();
    for a in 0..10i64 {
        insert(&work, &table, &[Datum::Int(a), Datum::Int(-a)]).await;
    }
    let target = Target::Index(table.indexes[0].id);
    let range = bounds_range(&table, target, &Bounds::default()).unwrap();
    let seeing = Seeing::default();
    let mut scan =
        RangeScan::new(table.clone(), target, vec![range], Direction::Forward, seeing).unwrap();
    let mut found = Vec::new();
    while let Some(page) = scan.next_now(&work, PageLimit::records(4)).expect("local").unwrap() {
        found.extend(values(&table, &page).into_iter().map(|row| row[0].clone()));
    }
    assert_eq!(found, (0..10).rev().map(Value::Int32).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_statement_does_not_meet_its_own_rows() {
    let model = model().await;
    let work = begin(&model).await;
    let new = NewCollection::table(main_database(&work), "public", "t", vec![int("a")]);
    let table = work.create_collection(new.key(&["a"])).await.unwrap();
    insert(&work, &table, &[Datum::Int(1)]).await;
    let _statement = work.savepoint().unwrap();
    let seeing = Seeing { until: work.sequence(), ..Seeing::default() };
    let mut scan = RangeScan::whole(table.clone(), Direction::Forward, seeing);
    insert(&work, &table, &[Datum::Int(2)]).await;
    let page = scan.next(&work, PageLimit::default()).await.unwrap().unwrap();
    assert_eq!(page.len(), 1);
}

#[tokio::test]
async fn serial_columns_count_and_sequences_end() {
    let model = model().await;
    let work = begin(&model).await;
    let serial = NewColumn {
        generator: NewGenerator::Serial(SequenceOptions::of(model::types::Type::INT4)),
        ..int("id")
    };
    let stored = NewColumn { generator: NewGenerator::Stored("plus a 1".into()), ..int("b") };
    let new =
        NewCollection::table(main_database(&work), "public", "t", vec![serial, int("a"), stored]);
    let table = work.create_collection(new.key(&["id"])).await.unwrap();
    for a in [10, 20] {
        insert(&work, &table, &[Datum::Missing, Datum::Int(a), Datum::Missing]).await;
    }
    let expected = [[1, 10, 11], [2, 20, 21]].map(|row| row.map(Value::Int32).to_vec());
    assert_eq!(rows(&work, &table).await, expected);
    let database = main_database(&work);
    let sequence = work.catalogue().sequence(database, "public", "t_id_seq").unwrap().clone();
    assert_eq!(model.nextval(&sequence).await.unwrap(), 3);
    let state = model.sequence_state(&sequence).await.unwrap();
    assert_eq!((state.last, state.called), (3, true));
    model.setval(&sequence, 100, false).await.unwrap();
    assert_eq!(model.nextval(&sequence).await.unwrap(), 100);
    let mut options = SequenceOptions::of(model::types::Type::INT2);
    (options.max, options.increment) = (Some(5), 2);
    let short = work.create_sequence(database, "public", "s", &options, None).await.unwrap();
    for n in [1, 3, 5] {
        assert_eq!(model.nextval(&short).await.unwrap(), n);
    }
    let end = model.nextval(&short).await;
    assert!(matches!(end, Err(Error::SequenceEnd { bound: 5, ascending: true, .. })));
}

#[tokio::test]
async fn who_wants_a_unique_key_that_is_going_waits_for_it() {
    let model = model().await;
    let work = begin(&model).await;
    let columns = vec![int("a"), int("u")];
    let mut new = NewCollection::table(main_database(&work), "public", "t", columns).key(&["a"]);
    new.indexes.push(NewIndex::unique(&["u"]));
    let table = work.create_collection(new).await.unwrap();
    let stored = insert(&work, &table, &[Datum::Int(1), Datum::Int(5)]).await;
    commit(work).await;
    let (one, two) = (begin(&model).await, begin(&model).await);
    let table = named(&one, "t");
    let old = locked(&one, &table, &stored.key).await.unwrap();
    one.delete(&table, &stored.key, &old).await.unwrap();
    let waiting = tokio::spawn({
        let table = table.clone();
        async move {
            let row = [Datum::Int(2), Datum::Int(5)];
            let done = two.insert(&table, &row, Arbiter::None).await;
            (two, done.map(drop))
        }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    commit(one).await;
    let (two, done) = waiting.await.unwrap();
    done.unwrap();
    commit(two).await;
    let work = begin(&model).await;
    assert_eq!(rows(&work, &table).await, [[Value::Int32(2), Value::Int32(5)]]);
    indexes_agree(&work, &table).await;
}

#[tokio::test]
async fn many_rows_go_in_together() {
    let model = model().await;
    let work = begin(&model).await;
    let columns = vec![int("a"), int("u")];
    let mut new = NewCollection::table(main_database(&work), "public", "t", columns).key(&["a"]);
    new.indexes.push(NewIndex::unique(&["u"]));
    let table = work.create_collection(new).await.unwrap();
    let made: Vec<[Datum<'_>; 2]> = (0..700).map(|n| [Datum::Int(n), Datum::Int(-n)]).collect();
    let given: Vec<&[Datum<'_>]> = made.iter().map(|row| row.as_slice()).collect();
    assert_send(work.insert_many(&table, &given)).await.unwrap();
    indexes_agree(&work, &table).await;
    let twice = [[Datum::Int(800), Datum::Int(9)], [Datum::Int(801), Datum::Int(9)]];
    let given: Vec<&[Datum<'_>]> = twice.iter().map(|row| row.as_slice()).collect();
    assert!(matches!(work.insert_many(&table, &given).await, Err(Error::Unique(_))));
    let there = [[Datum::Int(900), Datum::Int(9)], [Datum::Int(699), Datum::Int(10)]];
    let given: Vec<&[Datum<'_>]> = there.iter().map(|row| row.as_slice()).collect();
    assert!(matches!(work.insert_many(&table, &given).await, Err(Error::Unique(_))));
    assert_eq!(work.row_count(&table).await.unwrap(), 700);
    indexes_agree(&work, &table).await;
}
