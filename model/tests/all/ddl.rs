//! Changes of the schema: what they say, what snapshots see, what is left.

use std::sync::Arc;

use model::datum::Datum;
use model::types::Type;
use model::{
    Arbiter, Error, NewCheck, NewCollection, NewColumn, NewGenerator, NewIndex, NewKey, Relation,
};
use transaction::{CancelToken, Stamp};
use value::Value;

use crate::toy::*;

async fn table(model: &model::Model) -> Arc<model::Collection> {
    let work = begin(model).await;
    let new = NewCollection::table(main_database(&work), "public", "t", vec![int("a"), int("b")]);
    let table = work.create_collection(new.key(&["a"])).await.unwrap();
    for a in 1..=3i64 {
        insert(&work, &table, &[Datum::Int(a), Datum::Int(a * 10)]).await;
    }
    commit(work).await;
    table
}

fn ints(rows: &[&[i32]]) -> Vec<Vec<Value>> {
    rows.iter().map(|row| row.iter().map(|n| Value::Int32(*n)).collect()).collect()
}

#[tokio::test]
async fn names_are_taken_once() {
    let model = model().await;
    let work = begin(&model).await;
    let main = main_database(&work);
    work.create_schema(main, "s").await.unwrap();
    for schema in ["public", "s"] {
        let new = NewCollection::table(main, schema, "t", vec![int("a")]).key(&["a"]);
        work.create_collection(new.clone()).await.unwrap();
        let again = work.create_collection(new).await;
        assert!(matches!(again, Err(Error::Duplicate { .. })));
    }
    let named_as_index = NewCollection::table(main, "public", "t_pkey", vec![int("a")]);
    assert!(matches!(work.create_collection(named_as_index).await, Err(Error::Duplicate { .. })));
    let nowhere = NewCollection::table(main, "nowhere", "t", vec![]);
    assert!(matches!(work.create_collection(nowhere).await, Err(Error::Undefined { .. })));
    let full = work.drop_schema(main, "s", false).await;
    assert!(matches!(full, Err(Error::Dependent { dependents, .. }) if dependents == ["s.t"]));
    work.rename_schema(main, "s", "z").await.unwrap();
    assert!(work.catalogue().collection(main, "z", "t").is_some());
    assert!(matches!(work.catalogue().relation(main, "z", "t_pkey"), Some(Relation::Index(..))));
    commit(work).await;
    let work = begin(&model).await;
    let loaded = work.catalogue();
    assert!(
        loaded.collection(main, "z", "t").is_some() && loaded.collection(main, "s", "t").is_none()
    );
    work.drop_schema(main, "z", true).await.unwrap();
    work.create_database("shop").await.unwrap();
    assert!(matches!(work.create_database("shop").await, Err(Error::Duplicate { .. })));
    work.rename_database("shop", "store").await.unwrap();
    work.drop_database("store").await.unwrap();
    commit(work).await;
    let work = begin(&model).await;
    assert_eq!(work.catalogue().databases.keys().collect::<Vec<_>>(), ["main"]);
    assert_eq!(work.catalogue().collections.len(), 1);
}

#[tokio::test]
async fn the_loaded_picture_is_the_one_that_was_made() {
    let model = model().await;
    let work = begin(&model).await;
    let main = main_database(&work);
    let serial = model::SequenceOptions::of(Type::INT8);
    let columns = vec![
        NewColumn { generator: NewGenerator::Serial(serial), ..NewColumn::new("id", Type::INT8) },
        NewColumn { generator: NewGenerator::Default("int 3".into()), ..int("d") },
        NewColumn { generator: NewGenerator::Stored("plus d 1".into()), ..int("s") },
        NewColumn { modifier: 24, ..NewColumn::new("v", Type::VARCHAR) },
        NewColumn::new("l", Type::array_of(model::types::Scalar::Text)),
    ];
    let mut new = NewCollection::table(main, "public", "t", columns).key(&["id"]);
    let mut index = NewIndex::on(&["v", "d"]);
    index.predicate = Some("gt d 0".into());
    index.elements[1].descending = true;
    new.indexes.push(index);
    new.indexes.push(NewIndex::unique(&["d"]));
    new.checks.push(NewCheck { name: Some("c".into()), expression: "gt d 0".into() });
    work.create_collection(new).await.unwrap();
    let mut made = (*work.catalogue()).clone();
    commit(work).await;
    let work = begin(&model).await;
    let loaded = work.catalogue();
    made.version = loaded.version;
    assert_eq!(format!("{made:?}"), format!("{loaded:?}"));
}

#[tokio::test]
async fn columns_come_and_go_without_touching_rows() {
    let model = model().await;
    table(&model).await;
    let before = begin(&model).await;
    let work = begin(&model).await;
    let id = named(&work, "t").id;
    let c =
        NewColumn { not_null: true, generator: NewGenerator::Default("int 7".into()), ..int("c") };
    work.add_column(id, c).await.unwrap();
    let t = work.drop_column(id, "b", false).await.unwrap();
    insert(&work, &t, &[Datum::Int(4), Datum::Int(1)]).await;
    let t = work.rename_column(id, "c", "b").await.unwrap();
    assert_eq!(rows(&work, &t).await, ints(&[&[1, 7], &[2, 7], &[3, 7], &[4, 1]]));
    let t = work.set_default(id, "b", Some("int 9".into())).await.unwrap();
    insert(&work, &t, &[Datum::Int(5), Datum::Missing]).await;
    assert_eq!(rows(&work, &t).await[4], ints(&[&[5, 9]])[0]);
    let t = named(&before, "t");
    assert_eq!(rows(&before, &t).await, ints(&[&[1, 10], &[2, 20], &[3, 30]]));
    commit(work).await;
    assert_eq!(rows(&before, &t).await, ints(&[&[1, 10], &[2, 20], &[3, 30]]));
    let refused = before.insert(&t, &[Datum::Int(9), Datum::Int(9)], Arbiter::None).await;
    assert!(matches!(refused, Err(Error::SchemaChanged { .. })));
    drop(before);

    let work = begin(&model).await;
    let n = NewColumn { not_null: true, ..int("n") };
    assert!(matches!(work.add_column(id, n).await, Err(Error::ContainsNull { .. })));
    let v = NewColumn { generator: NewGenerator::Default("counter".into()), ..int("v") };
    let t = work.add_column(id, v).await.unwrap();
    let made: std::collections::BTreeSet<_> =
        rows(&work, &t).await.iter().map(|row| row[2].as_i64().unwrap()).collect();
    assert_eq!(made.len(), 5, "a volatile default differs from row to row");
    indexes_agree(&work, &t).await;
}

#[tokio::test]
async fn keys_and_types_change_by_rewriting() {
    let model = model().await;
    let work = begin(&model).await;
    let main = main_database(&work);
    let new = NewCollection::table(main, "public", "t", vec![int("a"), text("b")]);
    let t = work.create_collection(new).await.unwrap();
    commit(work).await;
    let work = begin(&model).await;
    for (a, b) in [(3, "3"), (1, "10"), (2, "20")] {
        insert(&work, &t, &[Datum::Missing, Datum::Int(a), Datum::Text(b)]).await;
    }
    work.create_index(t.id, NewIndex::on(&["b"])).await.unwrap();
    commit(work).await;
    let work = begin(&model).await;
    let mark = work.savepoint().unwrap();
    let key = NewKey { name: None, columns: vec!["a".into()] };
    let t = work.add_primary_key(t.id, key.clone()).await.unwrap();
    let by_key: Vec<_> = rows(&work, &t).await.iter().map(|row| row[0].clone()).collect();
    assert_eq!(by_key, [1, 2, 3].map(Value::Int32));
    indexes_agree(&work, &t).await;
    work.rollback_to(&mark).await.unwrap();
    let back = named(&work, "t");
    assert!(back.has_system_id());
    assert_eq!(rows(&work, &back).await.len(), 3);
    let t = work.add_primary_key(t.id, key).await.unwrap();
    commit(work).await;

    let work = begin(&model).await;
    let wide = work.alter_type(t.id, "a", Type::INT8, -1, None).await.unwrap();
    assert_eq!(wide.storage, t.storage, "bytes stay");
    assert_eq!(rows(&work, &wide).await[0][0], Value::Int64(1));
    let refused = work.alter_type(t.id, "b", Type::VARCHAR, 4 + 1, None).await.unwrap_err();
    assert!(matches!(refused, Error::Convert(failure) if failure.column == "b"));
    let t = work.alter_type(t.id, "a", Type::NUMERIC, -1, None).await.unwrap();
    assert_eq!(rows(&work, &t).await[0][0], Value::Decimal(1i64.into()));
    indexes_agree(&work, &t).await;
    let t = work.drop_constraint(t.id, "t_pkey").await.unwrap();
    assert!(t.has_system_id());
    assert_eq!(rows(&work, &t).await.len(), 3);
    indexes_agree(&work, &t).await;
}

#[tokio::test]
async fn constraints_look_at_what_is_there() {
    let model = model().await;
    let t = table(&model).await;
    let work = begin(&model).await;
    let check = |text: &str| NewCheck { name: Some("c".into()), expression: text.into() };
    let refused = work.savepoint().unwrap();
    assert!(matches!(
        work.add_check(t.id, check("gt b 10")).await,
        Err(Error::ContainsCheck { .. })
    ));
    work.rollback_to(&refused).await.unwrap();
    let t = work.add_check(t.id, check("gt b 0")).await.unwrap();
    let bad = [Datum::Int(9), Datum::Int(0)];
    assert!(matches!(work.insert(&t, &bad, Arbiter::None).await, Err(Error::Check(_))));
    let t = work.rename_column(t.id, "b", "z").await.unwrap();
    assert_eq!(t.checks[0].expression, "gt z 0");
    insert(&work, &t, &[Datum::Int(4), Datum::Int(30)]).await;
    let refused = work.savepoint().unwrap();
    let twice = work.add_unique(t.id, NewIndex::unique(&["z"])).await;
    assert!(matches!(twice, Err(Error::Unique(v)) if v.building && v.values == [Value::Int32(30)]));
    work.rollback_to(&refused).await.unwrap();
    let t = work.drop_column(t.id, "z", false).await.unwrap();
    assert!(t.checks.is_empty());
    commit(work).await;
    let work = begin(&model).await;
    assert_eq!(rows(&work, &named(&work, "t")).await, ints(&[&[1], &[2], &[3], &[4]]));
}

#[tokio::test]
async fn ddl_waits_for_writers_and_writers_for_ddl() {
    let model = model().await;
    let t = table(&model).await;
    let writer = begin(&model).await;
    insert(&writer, &t, &[Datum::Int(7), Datum::Int(7)]).await;
    let ddl = begin(&model).await;
    ddl.set_wait(transaction::Wait::No);
    let blocked = ddl.drop_collection(t.id).await;
    assert!(matches!(blocked, Err(Error::Store(transaction::Error::LockNotAvailable))));
    let other = begin(&model).await;
    insert(&other, &t, &[Datum::Int(8), Datum::Int(8)]).await;
    commit(writer).await;
    commit(other).await;
    let ddl = begin(&model).await;
    ddl.drop_collection(t.id).await.unwrap();
    let reader = begin(&model).await;
    assert_eq!(rows(&reader, &t).await.len(), 5);
    commit(ddl).await;
    assert_eq!(rows(&reader, &t).await.len(), 5, "its snapshot is older");
    let work = begin(&model).await;
    assert!(work.catalogue().collections.is_empty());
}

async fn stored_keys(model: &model::Model) -> usize {
    let work = begin(model).await;
    let mut count = 0;
    for category in [model::key::Category::Row, model::key::Category::Index] {
        let range = model::key::all(category);
        let scan = transaction::Scan {
            start: range.start,
            end: range.end,
            direction: transaction::Direction::Forward,
            limit: transaction::PageLimit { records: 1_000_000, bytes: 1 << 30 },
        };
        count += work.buffer().scan(&scan).await.unwrap().records.len();
    }
    count
}

#[tokio::test]
async fn what_is_dropped_is_swept() {
    let model = model().await;
    let t = table(&model).await;
    let work = begin(&model).await;
    work.create_index(t.id, NewIndex::on(&["b"])).await.unwrap();
    commit(work).await;
    assert_eq!(stored_keys(&model).await, 6);
    let old = begin(&model).await;
    let work = begin(&model).await;
    let t = work.truncate(t.id, false).await.unwrap();
    insert(&work, &t, &[Datum::Int(1), Datum::Int(1)]).await;
    commit(work).await;
    let cancel = CancelToken::default();
    let swept = model.sweep_once(old.snapshot(), &cancel).await.unwrap();
    assert_eq!((swept.done, swept.left), (0, 1), "a snapshot may still read it");
    drop(old);
    let swept = model.sweep_once(Stamp::MAX, &cancel).await.unwrap();
    assert_eq!((swept.done, swept.left, swept.keys), (1, 0, 6));
    assert_eq!(stored_keys(&model).await, 2);
    let work = begin(&model).await;
    let t = named(&work, "t");
    indexes_agree(&work, &t).await;
    work.drop_index(t.id, t.indexes[0].id).await.unwrap();
    commit(work).await;
    model.sweep_once(Stamp::MAX, &cancel).await.unwrap();
    assert_eq!(stored_keys(&model).await, 1);
}

#[tokio::test]
async fn bulk_loads_are_seen_whole_or_not_at_all() {
    let model = model().await;
    let work = begin(&model).await;
    let main = main_database(&work);
    let mut new = NewCollection::table(main, "public", "t", vec![int("a"), text("b")]).key(&["a"]);
    new.indexes.push(NewIndex::unique(&["b"]));
    let t = work.create_collection(new).await.unwrap();
    let pad = "x".repeat(1000);
    let mut bulk = work.bulk(&t).await.unwrap();
    for a in 0..5000i64 {
        let b = format!("{}{pad}", (a * 7919) % 5000);
        bulk.insert(&[Datum::Int(a), Datum::Text(&b)]).await.unwrap();
    }
    assert_eq!(bulk.finish().await.unwrap(), 5000);
    indexes_agree(&work, &t).await;
    let outside = begin(&model).await;
    assert!(outside.catalogue().collections.is_empty());
    commit(work).await;
    let work = begin(&model).await;
    indexes_agree(&work, &named(&work, "t")).await;
    let swept = model.sweep_once(Stamp::MAX, &CancelToken::default()).await.unwrap();
    assert_eq!((swept.done, swept.left), (0, 0), "the commit took the job away");
    drop(work);

    // Duplicates: of an earlier batch, of the key and of the index.
    for (a, b) in [(3, "fresh".to_owned()), (9_999_999, format!("7{pad}"))] {
        let work = begin(&model).await;
        let t = work.truncate(t.id, false).await.unwrap();
        let mut bulk = work.bulk(&t).await.unwrap();
        for n in 0..4000i64 {
            let b = format!("{n}{pad}");
            bulk.insert(&[Datum::Int(n), Datum::Text(&b)]).await.unwrap();
        }
        bulk.insert(&[Datum::Int(a), Datum::Text(&b)]).await.unwrap();
        assert!(matches!(bulk.finish().await, Err(Error::Unique(_))));
        work.rollback().await.unwrap();
    }
    let swept = model.sweep_once(Stamp::MAX, &CancelToken::default()).await.unwrap();
    assert_eq!(swept.done, 2);
    assert_eq!(stored_keys(&model).await, 10_000);
}

#[tokio::test]
async fn a_bulk_load_rolls_back_to_a_savepoint() {
    let model = model().await;
    let work = begin(&model).await;
    let main = main_database(&work);
    let new = NewCollection::table(main, "public", "t", vec![int("a")]).key(&["a"]);
    let t = work.create_collection(new).await.unwrap();
    let mark = work.savepoint().unwrap();
    for round in 0..2 {
        let mut bulk = work.bulk(&named(&work, "t")).await.unwrap();
        for a in 0..10i64 {
            bulk.insert(&[Datum::Int(a)]).await.unwrap();
        }
        bulk.finish().await.unwrap();
        assert_eq!(rows(&work, &named(&work, "t")).await.len(), 10, "round {round}");
        work.rollback_to(&mark).await.unwrap();
        assert!(rows(&work, &named(&work, "t")).await.is_empty());
    }
    insert(&work, &named(&work, "t"), &[Datum::Int(5)]).await;
    commit(work).await;
    model.sweep_once(Stamp::MAX, &CancelToken::default()).await.unwrap();
    let work = begin(&model).await;
    let now = named(&work, "t");
    assert_ne!(now.storage, t.storage);
    assert_eq!(rows(&work, &now).await, ints(&[&[5]]));
    indexes_agree(&work, &now).await;
    assert_eq!(stored_keys(&model).await, 1);
}

#[tokio::test]
async fn undeclared_fields_become_a_column() {
    let model = model().await;
    let work = begin(&model).await;
    let new = NewCollection::documents(main_database(&work), "public", "d");
    let d = work.create_collection(new).await.unwrap();
    let document = |n: i32| -> value::Document {
        [("_id", Value::Int32(n)), ("x", Value::Float64(n.into())), ("y", Value::from("k"))]
            .into_iter()
            .collect()
    };
    for n in 0..3 {
        work.insert_document(&d, &document(n), Arbiter::None).await.unwrap();
    }
    let d = work.add_column(d.id, int("x")).await.unwrap();
    assert!(!d.fields.contains_key("x"));
    assert_eq!(rows(&work, &d).await[2], [Value::Int32(2), Value::Int32(2)]);
    let text_column = work.add_column(d.id, int("y")).await;
    assert!(matches!(text_column, Err(Error::Convert(_))));
}

#[tokio::test]
async fn ddl_sees_what_was_committed_before_its_lock() {
    let model = model().await;
    let t = table(&model).await;
    let ddl = begin(&model).await;
    let work = begin(&model).await;
    insert(&work, &t, &[Datum::Int(9), Datum::Int(90)]).await;
    commit(work).await;
    // The row is newer than the snapshot of `ddl`, and older than its lock.
    ddl.create_index(t.id, NewIndex::on(&["b"])).await.unwrap();
    let check = NewCheck { name: None, expression: "gt b 80".into() };
    let mark = ddl.savepoint().unwrap();
    assert!(ddl.add_check(t.id, check).await.is_err());
    ddl.rollback_to(&mark).await.unwrap();
    ddl.alter_type(t.id, "b", Type::NUMERIC, -1, None).await.unwrap();
    commit(ddl).await;
    let work = begin(&model).await;
    let t = named(&work, "t");
    assert_eq!(rows(&work, &t).await.len(), 4);
    indexes_agree(&work, &t).await;
}

#[tokio::test]
async fn different_tables_are_created_side_by_side() {
    let model = model().await;
    let (one, two) = (begin(&model).await, begin(&model).await);
    let main = main_database(&one);
    for (work, name) in [(&one, "a"), (&two, "b")] {
        let new = NewCollection::table(main, "public", name, vec![int("k")]).key(&["k"]);
        work.create_collection(new).await.unwrap();
    }
    commit(one).await;
    commit(two).await;
    let work = begin(&model).await;
    assert_eq!(work.catalogue().collections.len(), 2);
}

#[tokio::test]
async fn a_serializable_transaction_does_not_depend_on_the_catalogue() {
    let model = model().await;
    let t = table(&model).await;
    let tracking = transaction::ReadTracking::On;
    let begin_tracked = || model.begin(transaction::Begin::default(), tracking, Arc::new(()));
    let work = begin_tracked().await.unwrap();
    let ddl = begin(&model).await;
    let other = NewCollection::table(main_database(&ddl), "public", "other", vec![int("k")]);
    ddl.create_collection(other).await.unwrap();
    commit(ddl).await;
    assert_eq!(rows(&work, &t).await.len(), 3);
    insert(&work, &t, &[Datum::Int(4), Datum::Int(40)]).await;
    commit(work).await;
    let work = begin_tracked().await.unwrap();
    assert_eq!(rows(&work, &t).await.len(), 4);
    let writer = begin(&model).await;
    insert(&writer, &t, &[Datum::Int(5), Datum::Int(50)]).await;
    commit(writer).await;
    insert(&work, &t, &[Datum::Int(6), Datum::Int(60)]).await;
    let refused = work.commit(transaction::Durability::Sync, bytes::Bytes::new()).await;
    assert!(matches!(refused, Err(Error::Store(transaction::Error::Conflict))));
}

#[tokio::test]
async fn analyze_narrows_the_dictionary() {
    let model = model().await;
    let work = begin(&model).await;
    let new = NewCollection::documents(main_database(&work), "public", "d");
    let d = work.create_collection(new).await.unwrap();
    let document = |id: i32, x: Value| -> value::Document {
        [("_id", Value::Int32(id)), ("x", x)].into_iter().collect()
    };
    work.insert_document(&d, &document(1, Value::Int32(1)), Arbiter::None).await.unwrap();
    let stored = work.insert_document(&d, &document(2, "x".into()), Arbiter::None).await.unwrap();
    let model::Insertion::Inserted(stored) = stored else { panic!("a conflict") };
    assert_eq!(named(&work, "d").fields["x"].sql_type(), Type::JSONB);
    work.delete(&named(&work, "d"), &stored.key, &stored.value).await.unwrap();
    work.analyze_fields(d.id).await.unwrap();
    assert_eq!(named(&work, "d").fields["x"].sql_type(), Type::INT4);
    commit(work).await;
    let work = begin(&model).await;
    assert_eq!(named(&work, "d").fields["x"].sql_type(), Type::INT4);
}
