//! Documents, identity, the field dictionary, indexes on paths and array elements.

use model::datum::Datum;
use model::row;
use model::types::Type;
use model::{
    Arbiter, Bounds, Error, Insertion, NewCollection, NewElement, NewIndex, NewSource, RangeScan,
    Seeing, Target, bounds_range,
};
use transaction::Direction;
use value::{Document, Kind, Raw, Value};

use crate::toy::*;

fn document(fields: &[(&str, Value)]) -> Document {
    fields.iter().map(|(name, value)| (*name, value.clone())).collect()
}

async fn put(
    work: &model::Work,
    of: &std::sync::Arc<model::Collection>,
    d: &Document,
) -> model::StoredRow {
    match work.insert_document(of, d, Arbiter::None).await.unwrap() {
        Insertion::Inserted(row) => row,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn documents_come_back_as_they_were_written() {
    let model = model().await;
    let work = begin(&model).await;
    let new = NewCollection::documents(main_database(&work), "public", "things");
    let things = work.create_collection(new).await.unwrap();
    let ids = [
        Value::Int32(5),
        Value::Int64(6),
        Value::Float64(-0.0),
        Value::from("x"),
        Value::Decimal("1.50".parse().unwrap()),
        Value::Document(document(&[("b", Value::Int32(1)), ("a", Value::Int8(2))])),
    ];
    for id in ids {
        let written = document(&[
            ("name", "ann".into()),
            ("_id", id.clone()),
            ("n", Value::Int16(3)),
            ("none", Value::Null),
        ]);
        let stored = put(&work, &things, &written).await;
        let read = row::document(&things, &stored.key, &stored.value).unwrap();
        let expected = document(&[
            ("_id", id.clone()),
            ("name", "ann".into()),
            ("n", Value::Int16(3)),
            ("none", Value::Null),
        ]);
        assert_eq!(read, expected);
        assert_eq!(row::key_of_id(&things, &id).unwrap().unwrap(), stored.key);
        let arena = model::datum::Arena::new();
        let item = row::document_item(&things, &stored.key, &stored.value, &arena).unwrap();
        assert_eq!(item.to_value().unwrap(), Value::Document(expected));
    }
    for absent in [vec![], vec![("_id", Value::Null)], vec![("_id", Value::Undefined)]] {
        let made = put(&work, &things, &document(&absent)).await;
        let read = row::document(&things, &made.key, &made.value).unwrap();
        assert_eq!(read.get("_id").unwrap().kind(), Kind::ObjectId, "{absent:?}");
    }
}

#[tokio::test]
async fn one_identity_over_all_numbers() {
    let model = model().await;
    let work = begin(&model).await;
    let new = NewCollection::documents(main_database(&work), "public", "things");
    let things = work.create_collection(new).await.unwrap();
    put(&work, &things, &document(&[("_id", Value::Int32(5))])).await;
    let same = document(&[("_id", Value::Float64(5.0))]);
    let refused = work.insert_document(&things, &same, Arbiter::None).await.unwrap_err();
    assert!(matches!(refused, Error::Unique(_)));
}

#[tokio::test]
async fn a_declared_row_is_a_document_with_its_key_first() {
    let model = model().await;
    let work = begin(&model).await;
    let columns = vec![text("name"), int("a"), text("b")];
    let new = NewCollection::table(main_database(&work), "public", "t", columns);
    let table = work.create_collection(new.key(&["b", "a"])).await.unwrap();
    let written = document(&[("a", Value::Float64(1.0)), ("b", "x".into())]);
    let stored = put(&work, &table, &written).await;
    let read = row::document(&table, &stored.key, &stored.value).unwrap();
    let key = document(&[("b", "x".into()), ("a", Value::Int32(1))]);
    let expected = document(&[
        ("_id", Value::Document(key.clone())),
        ("name", Value::Null),
        ("a", Value::Int32(1)),
        ("b", "x".into()),
    ]);
    assert_eq!(read, expected);
    assert_eq!(row::key_of_id(&table, &Value::Document(key)).unwrap(), Some(stored.key));

    let refusals = [
        document(&[("a", Value::Int32(1)), ("b", "y".into()), ("z", Value::Null)]),
        document(&[("a", Value::Float64(1.5)), ("b", "y".into())]),
        document(&[
            ("_id", Value::Document(document(&[("a", Value::Int32(1)), ("b", "q".into())]))),
            ("b", "y".into()),
        ]),
    ];
    let mut said = Vec::new();
    for refused in refusals {
        let error = work.insert_document(&table, &refused, Arbiter::None).await.unwrap_err();
        said.push(error.to_string());
    }
    assert_eq!(
        said,
        [
            "collection \"t\" has no column \"z\" and refuses other fields",
            "value Float64(1.5) does not fit column \"a\" of type integer",
            "_id of a document of \"t\" does not agree with its key columns",
        ]
    );
}

#[tokio::test]
async fn the_dictionary_widens_without_conflict() {
    let model = model().await;
    let work = begin(&model).await;
    let new = NewCollection::documents(main_database(&work), "public", "things");
    work.create_collection(new).await.unwrap();
    commit(work).await;
    let (one, two, before) = (begin(&model).await, begin(&model).await, begin(&model).await);
    let things = named(&one, "things");
    put(&one, &things, &document(&[("_id", Value::Int32(1)), ("f", Value::Int32(1))])).await;
    put(&two, &things, &document(&[("_id", Value::Int32(2)), ("f", "x".into())])).await;
    assert_eq!(named(&one, "things").fields["f"].sql_type(), Type::INT4);
    commit(one).await;
    commit(two).await;
    assert!(named(&before, "things").fields.is_empty());
    let work = begin(&model).await;
    let after = named(&work, "things");
    assert_eq!(after.fields["f"].sql_type(), Type::JSONB);
    assert_eq!(after.fields["_id"].sql_type(), Type::INT4);
    assert_eq!(after.version, things.version, "a prepared statement goes on");
    put(&work, &after, &document(&[("_id", Value::Int32(3)), ("f", Value::Null)])).await;
    assert_eq!(named(&work, "things"), after);
}

#[tokio::test]
async fn indexes_enter_arrays() {
    let model = model().await;
    let work = begin(&model).await;
    let mut new = NewCollection::documents(main_database(&work), "public", "things");
    let path = NewSource::Path(vec!["tags".into(), "t".into()]);
    new.indexes.push(NewIndex {
        elements: vec![NewElement { source: path, descending: false, nulls_first: true }],
        array_elements: true,
        nulls_distinct: false,
        ..NewIndex::on(&[])
    });
    let things = work.create_collection(new).await.unwrap();
    let tag = |t: i32| Value::Document(document(&[("t", Value::Int32(t))]));
    let tags = |list: &[i32]| Value::Array(list.iter().map(|t| tag(*t)).collect());
    for (id, list) in [(1, vec![1, 2, 2]), (2, vec![2]), (3, vec![])] {
        let row = document(&[("_id", Value::Int32(id)), ("tags", tags(&list))]);
        put(&work, &things, &row).await;
    }
    let stored = put(&work, &things, &document(&[("_id", Value::Int32(4))])).await;
    indexes_agree_entries(&work, &things, 2 + 1 + 1 + 1).await;
    let new = document(&[("tags", tags(&[9, 2]))]);
    work.replace_document(&things, &stored.key, &stored.value, &new).await.unwrap();
    indexes_agree_entries(&work, &things, 2 + 1 + 1 + 2).await;

    let target = Target::Index(things.indexes[0].id);
    let two = value::cbor::encode(&Value::Int64(2));
    let nine = value::cbor::encode(&Value::Int64(9));
    let lower = Some((Datum::Json(Raw::new(&two)), true));
    let upper = Some((Datum::Json(Raw::new(&nine)), true));
    let bounds = Bounds { lower, upper, ..Bounds::default() };
    let range = bounds_range(&things, target, &bounds).unwrap();
    let seeing = Seeing::default();
    let scan =
        RangeScan::new(things.clone(), target, vec![range], Direction::Forward, seeing).unwrap();
    let found = values(&things, &all(&work, scan).await);
    let ids: Vec<_> = found.iter().map(|row| row[0].as_i64().unwrap()).collect();
    assert_eq!(ids, [1, 2, 4], "each row once");
    let other = document(&[("_id", Value::Int32(77))]);
    let stored = work.latest(&row::key_of_id(&things, &Value::Int32(2)).unwrap().unwrap()).await;
    let key = row::key_of_id(&things, &Value::Int32(2)).unwrap().unwrap();
    let refused = work.replace_document(&things, &key, &stored.unwrap().unwrap(), &other).await;
    assert!(matches!(refused, Err(Error::KeyChange { .. })));
}

async fn indexes_agree_entries(
    work: &model::Work,
    of: &std::sync::Arc<model::Collection>,
    count: usize,
) {
    indexes_agree(work, of).await;
    let target = Target::Index(of.indexes[0].id);
    let range = model::key::entries(of.storage, of.indexes[0].id);
    let seeing = Seeing::default();
    let scan = RangeScan::new(of.clone(), target, vec![range], Direction::Forward, seeing).unwrap();
    assert_eq!(all(work, scan.entries_only()).await.len(), count);
}

#[tokio::test]
async fn very_long_keys_stay_unique_and_readable() {
    let model = model().await;
    let work = begin(&model).await;
    let columns = vec![text("a"), text("b")];
    let mut new = NewCollection::table(main_database(&work), "public", "t", columns);
    new.indexes.push(NewIndex::on(&["b"]));
    new.indexes.push(NewIndex::unique(&["b"]));
    let table = work.create_collection(new.key(&["a"])).await.unwrap();
    let long = |end: &str| "k".repeat(70_000) + end;
    for (a, b) in [(long("1"), long("x")), (long("2"), long("y"))] {
        insert(&work, &table, &[Datum::Text(&a), Datum::Text(&b)]).await;
    }
    indexes_agree(&work, &table).await;
    let a = long("1");
    let twice = [Datum::Text(&a), Datum::Null];
    assert!(work.insert(&table, &twice, Arbiter::None).await.is_err());
    let b = long("y");
    let equal = [Datum::Text(&b)];
    for target in [Target::Index(table.indexes[0].id), Target::Index(table.indexes[1].id)] {
        let bounds = Bounds { equal: &equal, ..Bounds::default() };
        let range = bounds_range(&table, target, &bounds).unwrap();
        let seeing = Seeing::default();
        let scan =
            RangeScan::new(table.clone(), target, vec![range], Direction::Forward, seeing).unwrap();
        let found = values(&table, &all(&work, scan).await);
        assert!(found.contains(&vec![Value::from(long("2")), Value::from(long("y"))]));
    }
}
