//! Rows of every type, there and back; golden bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use value::{Decimal, Document, Interval, Value};

use super::*;
use crate::datum::Arena;
use crate::schema::*;
use crate::types::{Scalar, Type};

fn column(id: u32, name: &str, ty: Type) -> Column {
    Column {
        id: ColumnId(id),
        name: name.to_owned(),
        ty,
        modifier: -1,
        not_null: false,
        generator: None,
        added: 1,
        missing: None,
        hidden: false,
    }
}

fn collection(types: &[Type], keys: &[u32]) -> Collection {
    let columns = types.iter().zip(1..).map(|(ty, id)| column(id, &format!("c{id}"), *ty));
    Collection {
        id: CollectionId(20_000),
        storage: StorageId(3),
        database: DatabaseId(16_384),
        schema: "public".into(),
        name: "t".into(),
        kind: CollectionKind::Table,
        version: 5,
        columns: columns.collect(),
        next_column: types.len() as u32 + 1,
        primary_key: PrimaryKey {
            id: IndexId(20_001),
            name: "t_pkey".into(),
            constraint: ObjectNumber(20_002),
            columns: keys.iter().map(|id| ColumnId(*id)).collect(),
        },
        indexes: Vec::new(),
        checks: Vec::new(),
        extra_fields: ExtraFields::Keep,
        fields: BTreeMap::new(),
        redis_prefix: None,
        sequences: BTreeMap::new(),
    }
}

const TYPES: &[Type] = &[
    Type::BOOL,
    Type::INT1,
    Type::INT2,
    Type::INT4,
    Type::INT8,
    Type::UINT8,
    Type::FLOAT4,
    Type::FLOAT8,
    Type::NUMERIC,
    Type::TEXT,
    Type::BPCHAR,
    Type::BYTEA,
    Type::DATE,
    Type::TIME,
    Type::TIMESTAMP,
    Type::TIMESTAMPTZ,
    Type::INTERVAL,
    Type::UUID,
    Type::OBJECTID,
    Type::JSONB,
    Type::array_of(Scalar::Int4),
    Type::ANY,
];

fn decimal() -> impl Strategy<Value = Decimal> {
    prop_oneof![
        (any::<i64>(), 0..12i32).prop_map(|(n, scale)| Decimal::new(n.into(), scale).unwrap()),
        (-200..200i64, 0..4i32).prop_map(|(n, scale)| Decimal::new(n.into(), scale).unwrap()),
        Just(Decimal::NAN),
        Just(Decimal::INFINITY),
        Just(Decimal::negative_zero(2).unwrap()),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<i8>().prop_map(Value::Int8),
        any::<i32>().prop_map(Value::Int32),
        any::<i64>().prop_map(Value::Int64),
        any::<f64>().prop_map(Value::Float64),
        decimal().prop_map(Value::Decimal),
        "[a-c\u{0}]{0,4}".prop_map(Value::Text),
        Just(Value::Null),
        Just(Value::Bool(true)),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::btree_map("[a-c]{1,2}", inner, 0..4)
                .prop_map(|map| Value::Document(map.into_iter().collect())),
        ]
    })
}

fn of_type(ty: Type) -> BoxedStrategy<Value> {
    let micros = || prop_oneof![any::<i64>(), -5..5i64];
    if ty.array {
        let each = prop_oneof![any::<i32>().prop_map(Value::Int32), Just(Value::Null)];
        return proptest::collection::vec(each, 0..4).prop_map(Value::Array).boxed();
    }
    match ty.scalar {
        Scalar::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Scalar::Int1 => any::<i8>().prop_map(Value::Int8).boxed(),
        Scalar::Int2 => any::<i16>().prop_map(Value::Int16).boxed(),
        Scalar::Int4 => any::<i32>().prop_map(Value::Int32).boxed(),
        Scalar::Int8 => any::<i64>().prop_map(Value::Int64).boxed(),
        Scalar::UInt8 => any::<u64>().prop_map(Value::from_u64).boxed(),
        Scalar::Float4 => any::<f32>().prop_map(Value::Float32).boxed(),
        Scalar::Float8 => any::<f64>().prop_map(Value::Float64).boxed(),
        Scalar::Numeric => decimal().prop_map(Value::Decimal).boxed(),
        Scalar::Bpchar => "[a-c]{0,5}".prop_map(Value::Text).boxed(),
        Scalar::Bytea => {
            proptest::collection::vec(any::<u8>(), 0..6).prop_map(Value::bytes).boxed()
        }
        Scalar::Date => any::<i32>().prop_map(Value::Date).boxed(),
        Scalar::Time => (0..86_400_000_000i64).prop_map(Value::Time).boxed(),
        Scalar::Timestamp => micros().prop_map(Value::Timestamp).boxed(),
        Scalar::TimestampTz => micros().prop_map(Value::TimestampTz).boxed(),
        Scalar::Interval => (-2..2i32, -40..40i32, micros())
            .prop_map(|(months, days, micros)| Value::Interval(Interval { months, days, micros }))
            .boxed(),
        Scalar::Uuid => any::<[u8; 16]>().prop_map(Value::Uuid).boxed(),
        Scalar::ObjectId => any::<[u8; 12]>().prop_map(Value::ObjectId).boxed(),
        Scalar::Jsonb | Scalar::Any => any_value().boxed(),
        _ => "[a-cé]{0,5}".prop_map(Value::Text).boxed(),
    }
}

/// A row of every type, NULLs among it, and which of its columns are the key.
fn a_row() -> impl Strategy<Value = (Vec<Value>, Vec<u32>)> {
    let cells: Vec<BoxedStrategy<Value>> = TYPES
        .iter()
        .map(|ty| {
            // NULL in a json column is the JSON null; there SQL's own is no value.
            let null = 1 - u32::from(form(*ty) == Form::Item);
            prop_oneof![5 => of_type(*ty), null => Just(Value::Null)].boxed()
        })
        .collect();
    let ids: Vec<u32> = (1..=TYPES.len() as u32).collect();
    (cells, proptest::sample::subsequence(ids, 1..6))
}

fn encoded(collection: &Collection, values: &[Value]) -> (Bytes, Vec<u8>) {
    let arena = Arena::new();
    let datums: Vec<Datum<'_>> = collection
        .columns
        .iter()
        .zip(values)
        .map(|(column, value)| from_value(value, column.ty, &arena).unwrap())
        .collect();
    let key = key_of(collection, &datums).unwrap();
    let value = encode(collection, &key, &datums, Extras::None, None).unwrap();
    (key, value)
}

fn decoded(collection: &Arc<Collection>, key: &[u8], value: &[u8]) -> Vec<Value> {
    let reader = RowReader::whole(collection).unwrap();
    let arena = Arena::new();
    let mut row = vec![Datum::Missing; collection.columns.len()];
    reader.read(key, value, &arena, &mut row).unwrap();
    let pairs = collection.columns.iter().zip(&row);
    pairs.map(|(column, datum)| to_value(datum, column.ty).unwrap()).collect()
}

proptest! {
    #[test]
    fn rows_of_every_type_come_back((values, keys) in a_row()) {
        let collection = Arc::new(collection(TYPES, &keys));
        let (key, value) = encoded(&collection, &values);
        prop_assert_eq!(decoded(&collection, &key, &value), values.clone());

        // And as a document, by another writer.
        let read = document(&collection, &key, &value).unwrap();
        let arena = Arena::new();
        let apart = from_document(&collection, &read, &arena).unwrap();
        let again = key_of(&collection, &apart.row).unwrap();
        prop_assert_eq!(&again, &key);
        let bytes = encode(&collection, &key, &apart.row, Extras::None, None).unwrap();
        prop_assert_eq!(decoded(&collection, &key, &bytes), values);
        let id = read.get(ID).unwrap();
        prop_assert_eq!(key_of_id(&collection, id).unwrap(), Some(key));
    }

    #[test]
    fn damaged_rows_are_errors(
        (values, keys) in a_row(),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let collection = Arc::new(collection(TYPES, &keys));
        let (key, value) = encoded(&collection, &values);
        let (mut key, mut value) = (key.to_vec(), value);
        for (at, byte) in flips {
            let at = at.index(key.len() + value.len());
            match key.get_mut(at) {
                Some(slot) => *slot = byte,
                None => value[at - key.len()] = byte,
            }
        }
        value.truncate(1 + cut.index(value.len()));
        let arena = Arena::new();
        let reader = RowReader::whole(&collection).unwrap();
        let mut row = vec![Datum::Missing; collection.columns.len()];
        // Whatever is there: no panic.
        let _ = reader.read(&key, &value, &arena, &mut row);
        let _ = document(&collection, &key, &value);
    }

    #[test]
    fn records_come_back(values in proptest::collection::vec(any_value(), 3)) {
        let mut whole = collection(&TYPES[..3], &[2]);
        for (column, value) in whole.columns.iter_mut().zip(values) {
            column.missing = Some(value);
            column.modifier = 7;
            column.generator = Some(Generator::IdentityAlways(ObjectNumber(9)));
        }
        whole.redis_prefix = Some("p".into());
        whole.sequences.insert(ColumnId(1), ObjectNumber(9));
        let bytes = crate::record::encode_collection(&whole);
        let crate::record::Named::Collection(back) = crate::record::decode_named(&bytes).unwrap()
        else { panic!("another kind") };
        prop_assert_eq!(*back, whole);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn layouts_stay() {
    let types = [Type::INT4, Type::TEXT, Type::NUMERIC, Type::TIMESTAMPTZ, Type::JSONB];
    let table = collection(&types, &[1, 3]);
    let price = |text: &str| Value::Decimal(text.parse().unwrap());
    let rest = [Value::TimestampTz(1_000_000), Value::Array(vec![Value::Null, 1i32.into()])];
    let row = |price: Value| -> Vec<Value> {
        [7i32.into(), "ann".into(), price].into_iter().chain(rest.clone()).collect()
    };
    let (key, short) = encoded(&table, &row(price("1.5")));
    let (_, long) = encoded(&table, &row(price("1.50")));
    let arena = Arena::new();
    let extra: Document = [("_id", Value::Null), ("c1", 8i32.into()), ("nick", "a1".into())]
        .into_iter()
        .chain([("c3", price("2"))])
        .collect();
    let apart = from_document(&table, &extra, &arena).unwrap();
    let datums: Vec<Datum<'_>> = apart.row.to_vec();
    let extra_key = key_of(&table, &datums).unwrap();
    let fields = Extras::Fields(&apart.extras);
    let with_extra = encode(&table, &extra_key, &datums, fields, None).unwrap();
    let database = Database {
        id: DatabaseId(16_384),
        name: "main".into(),
        schemas: [("s".to_owned(), ObjectNumber(16_390))].into_iter().collect(),
    };
    let mut small = collection(&types[..1], &[1]);
    small.checks.push(Check {
        constraint: ObjectNumber(20_005),
        name: "c".into(),
        expression: "c1 > 0".into(),
    });
    small.indexes.push(Index {
        id: IndexId(20_006),
        name: "i".into(),
        elements: vec![IndexElement {
            source: ElementSource::Column(ColumnId(1)),
            descending: true,
            nulls_first: true,
        }],
        unique: true,
        nulls_distinct: true,
        array_elements: false,
        predicate: Some("c1 > 1".into()),
        constraint: None,
        state: IndexState::Building,
    });
    let sequence = Sequence {
        id: ObjectNumber(20_010),
        database: DatabaseId(16_384),
        schema: "public".into(),
        name: "s".into(),
        ty: Type::INT8,
        start: 1,
        increment: 1,
        min: 1,
        max: i64::MAX,
        cycle: false,
        cache: 1,
        owner: Some((CollectionId(20_000), ColumnId(1))),
    };
    let job = crate::job::Job::EmptyIndex(StorageId(3), IndexId(4));
    let lines = [
        ("key 7, 1.5", key.to_vec()),
        ("row: the key gives 1.5 back", short),
        ("row: the key does not give 1.50 back", long),
        ("row with an undeclared field", with_extra),
        ("record of a database", crate::record::encode_database(&database)),
        ("record of a collection", crate::record::encode_collection(&small)),
        ("record of a sequence", crate::record::encode_sequence(&sequence)),
        ("record of an index name", crate::record::encode_index_name(&small, IndexId(20_006), "i")),
        ("version of a collection", crate::record::encode_version(300)),
        ("record of a job", job.encode()),
    ];
    let drawn: Vec<String> =
        lines.iter().map(|(what, bytes)| format!("{what}\n  {}", hex(bytes))).collect();
    let golden = include_str!("../../tests/golden/layouts.txt");
    assert_eq!(drawn.join("\n"), golden.trim_end(), "\n{}\n", drawn.join("\n"));
}

#[test]
fn an_older_row_has_what_the_column_was_added_with() {
    let mut old = collection(&[Type::INT4, Type::TEXT], &[1]);
    old.version = 2;
    let (key, value) = encoded(&old, &[1i32.into(), "x".into()]);
    let mut new = old.clone();
    new.version = 3;
    new.columns.remove(1);
    new.columns.push(Column {
        added: 3,
        missing: Some(Value::Int32(9)),
        ..column(3, "d", Type::INT4)
    });
    let new = Arc::new(new);
    assert_eq!(decoded(&new, &key, &value), [Value::Int32(1), Value::Int32(9)]);
    // Written again with NULL it is NULL, whatever the default was.
    let (key, value) = encoded(&new, &[1i32.into(), Value::Null]);
    assert_eq!(decoded(&new, &key, &value), [Value::Int32(1), Value::Null]);
}

#[test]
fn values_go_in_without_loss_or_not_at_all() {
    use crate::error::ConvertReason::Type as NoWay;
    use crate::error::ConvertReason::{Length, Loss, Range, Syntax};
    let decimal = |text: &str| Value::Decimal(text.parse().unwrap());
    let two_places = ((5 << 16) | 2) + 4;
    let cases = [
        (Value::Float64(5.0), Type::INT4, -1, Ok(Value::Int32(5))),
        (Value::Float64(5.5), Type::INT4, -1, Err(Loss)),
        (Value::Int64(70_000), Type::INT2, -1, Err(Range)),
        (Value::from("5"), Type::INT4, -1, Err(NoWay)),
        (Value::Float64(0.1), Type::NUMERIC, -1, Ok(decimal("0.1"))),
        (Value::Int32(1), Type::NUMERIC, two_places, Ok(decimal("1.00"))),
        (decimal("1.005"), Type::NUMERIC, two_places, Err(Loss)),
        (decimal("1000"), Type::NUMERIC, two_places, Err(Range)),
        (Value::Int64((1 << 53) + 1), Type::FLOAT8, -1, Err(Loss)),
        (Value::Float64(0.1), Type::FLOAT4, -1, Ok(Value::Float32(0.1))),
        (Value::from("ab  "), Type::BPCHAR, 4 + 3, Ok(Value::from("ab"))),
        (Value::from("abcd"), Type::VARCHAR, 4 + 3, Err(Length { limit: 3 })),
        (Value::TimestampTz(86_400_000_000), Type::DATE, -1, Ok(Value::Date(1))),
        (Value::TimestampTz(1), Type::DATE, -1, Err(Loss)),
        (Value::from("10:00"), Type::TIME, -1, Ok(Value::Time(36_000_000_000))),
        (Value::from_u64(u64::MAX), Type::INT8, -1, Err(Range)),
        (Value::Int32(-1), Type::UINT8, -1, Err(Range)),
        (Value::Bool(true), Type::INT4, -1, Err(NoWay)),
    ];
    for (value, ty, modifier, expected) in cases {
        assert_eq!(
            assign(&value, ty, modifier),
            expected,
            "{value:?} into {}",
            ty.display(modifier)
        );
    }
    assert_eq!(parse("12", Type::INT4, -1), Ok(Value::Int32(12)));
    assert_eq!(parse("x", Type::INT4, -1), Err(Syntax));
    assert_eq!(parse("2020-01-01", Type::DATE, -1), Ok(Value::Date(18_262)));
}

#[test]
fn arrays_are_read_from_json_text() {
    use crate::error::ConvertReason::Syntax;
    let of = Type::array_of;
    let array = |items: Vec<Value>| Ok(Value::Array(items));
    let dates = array(vec![Value::Date(18_262), Value::Null]);
    assert_eq!(parse(r#"["2020-01-01", null]"#, of(Scalar::Date), -1), dates);
    let bytes = array(vec![Value::bytes([0xff, 0])]);
    assert_eq!(parse(r#"["\\xff00"]"#, of(Scalar::Bytea), -1), bytes);
    let row = |a, b| Value::Array(vec![Value::Int32(a), Value::Int32(b)]);
    let square = array(vec![row(1, 2), row(3, 4)]);
    assert_eq!(parse("[[1,2],[3,4]]", of(Scalar::Int4), -1), square);
    let Ok(square) = square else { panic!("made above") };
    assert_eq!(assign(&square, of(Scalar::Int4), -1), Ok(square.clone()), "a document's array");
    let items = array(vec![Value::Array(vec![]), Value::Int64(1)]);
    assert_eq!(parse("[[],1]", of(Scalar::Jsonb), -1), items, "items are no dimensions");
    for ragged in ["[[1],[2,3]]", "[1,[2]]", "[[],[]]", "[[[[[[[1]]]]]]]", "{}", "1"] {
        assert_eq!(parse(ragged, of(Scalar::Int4), -1), Err(Syntax), "{ragged}");
    }
}
