//! What goes through serde comes back, whatever its kind, and what cannot is refused.

use std::collections::{BTreeMap, HashMap};

use ::serde::{Deserialize, Serialize};
use proptest::prelude::*;

use crate::serde::*;
use crate::testing::{decimals, documents, intervals, values};
use crate::{Decimal, Document, Interval, Value, doc};

/// `UInt64` in normal form, as every reader of bytes gives it.
fn normal(value: Value) -> Value {
    match value {
        Value::UInt64(n) => Value::from_u64(n),
        Value::Array(elements) => Value::Array(elements.into_iter().map(normal).collect()),
        Value::Document(document) => Value::Document(normal_document(document)),
        Value::Code { code, scope } => Value::Code { code, scope: scope.map(normal_document) },
        other => other,
    }
}

fn normal_document(document: Document) -> Document {
    document.into_iter().map(|(name, value)| (name, normal(value))).collect()
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Point,
    Circle(f64),
    Line(i32, i32),
    Box { wide: u8, high: Option<u16> },
    Group(Vec<Shape>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Meters(f32);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    flag: bool,
    integers: (i8, i16, i32, i64),
    naturals: (u8, u16, u32, u64),
    letter: char,
    text: String,
    none: Option<i32>,
    unit: (),
    wrapped: Meters,
    shape: Shape,
    numbers: BTreeMap<i32, String>,
    shapes: HashMap<String, Shape>,
    amount: Decimal,
    span: Interval,
    id: ObjectId,
    uuid: Uuid,
    day: Date,
    at: Time,
    local: Timestamp,
    instant: TimestampTz,
    any: Value,
    document: Document,
}

fn shapes() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        Just(Shape::Point),
        (-1e9..1e9f64).prop_map(Shape::Circle),
        any::<(i32, i32)>().prop_map(|(a, b)| Shape::Line(a, b)),
        any::<(u8, Option<u16>)>().prop_map(|(wide, high)| Shape::Box { wide, high }),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        proptest::collection::vec(inner, 0..4).prop_map(Shape::Group)
    })
}

fn everything() -> impl Strategy<Value = Everything> {
    let numbers = any::<((i8, i16, i32, i64), (u8, u16, u32, u64))>();
    let plain = (any::<(bool, char, String, Option<i32>)>(), numbers, shapes(), -1e6..1e6f32);
    let maps = (
        any::<BTreeMap<i32, String>>(),
        proptest::collection::hash_map("[a-z]{0,3}", shapes(), 0..4),
    );
    let exact = (decimals(), intervals(), any::<([u8; 12], [u8; 16])>());
    let times = (-700_000..700_000i32, 0..=86_400_000_000i64, -9i64..9, any::<i32>());
    (plain, maps, exact, times, values(), documents()).prop_map(
        |(plain, (numbers, shapes), exact, times, any, document)| {
            let ((flag, letter, text, none), (integers, naturals), shape, wrapped) = plain;
            let micros = times.2 * 1_000_000_007 + i64::from(times.3);
            Everything {
                flag,
                integers,
                naturals,
                letter,
                text,
                none,
                unit: (),
                wrapped: Meters(wrapped),
                shape,
                numbers,
                shapes,
                amount: exact.0,
                span: exact.1,
                id: ObjectId(exact.2.0),
                uuid: Uuid(exact.2.1),
                day: Date(times.0),
                at: Time(times.1),
                local: Timestamp(micros),
                instant: TimestampTz(micros),
                any: normal(any),
                document: normal_document(document),
            }
        },
    )
}

proptest! {
    #[test]
    fn any_value_goes_through_unchanged(value in values()) {
        let value = normal(value);
        let there = to_value(&value).unwrap();
        prop_assert_eq!(&there, &value);
        prop_assert_eq!(from_value::<Value>(&there).unwrap(), value);
    }

    #[test]
    fn any_document_goes_through_unchanged(document in documents()) {
        let document = normal_document(document);
        let there = to_document(&document).unwrap();
        prop_assert_eq!(&there, &document);
        prop_assert_eq!(from_document::<Document>(&there).unwrap(), document);
    }

    #[test]
    fn structs_come_back(all in everything()) {
        let document = to_document(&all).unwrap();
        prop_assert_eq!(document.get("day").unwrap(), &Value::Date(all.day.0));
        prop_assert_eq!(document.get("id").unwrap(), &Value::ObjectId(all.id.0));
        prop_assert!(matches!(document.get("amount").unwrap(), Value::Decimal(n)
            if n.identical(&all.amount)));
        prop_assert_eq!(document.get("span").unwrap(), &Value::Interval(all.span));
        let back: Everything = from_document(&document).unwrap();
        prop_assert!(back.amount.identical(&all.amount));
        prop_assert_eq!(back, all);
    }

    #[test]
    fn what_is_read_does_not_depend_on_the_target(value in values(), skip in any::<bool>()) {
        // Never a panic, whatever is asked of whatever there is.
        let _ = from_value::<Everything>(&value);
        let _ = from_value::<Shape>(&value);
        let _ = from_value::<(bool, u64, Option<Vec<u8>>)>(&value);
        let _ = from_value::<i128>(&value);
        let _ = from_value::<serde_json::Value>(&value);
        prop_assert!(!skip || from_value::<::serde::de::IgnoredAny>(&value).is_ok());
    }
}

#[test]
fn widths_and_names_are_as_documented() {
    #[derive(Serialize)]
    struct Row {
        a: i8,
        b: u8,
        c: u32,
        d: u64,
        e: Option<u64>,
        f: Shape,
        g: Shape,
        h: (),
        i: i128,
        j: Vec<u8>,
    }
    let shape = Shape::Box { wide: 1, high: None };
    let row = Row {
        a: 1,
        b: 2,
        c: 3,
        d: 4,
        e: Some(u64::MAX),
        f: Shape::Point,
        g: shape,
        h: (),
        i: -5,
        j: vec![6],
    };
    let expected = doc! {
        "a": Value::Int8(1), "b": Value::Int16(2), "c": Value::Int64(3), "d": Value::Int64(4),
        "e": Value::UInt64(u64::MAX), "f": "Point",
        "g": {"Box": {"wide": Value::Int16(1), "high": null}}, "h": null,
        "i": Value::Int64(-5), "j": [Value::Int16(6)],
    };
    assert_eq!(to_document(&row).unwrap(), expected);
}

#[test]
fn what_is_asked_for_is_given_where_nothing_is_lost() {
    let ten: Decimal = "10.0".parse().unwrap();
    assert_eq!(from_value::<i32>(&ten.clone().into()).unwrap(), 10);
    assert_eq!(from_value::<u128>(&ten.clone().into()).unwrap(), 10);
    assert_eq!(from_value::<f64>(&ten.into()).unwrap(), 10.0);
    assert_eq!(from_value::<f64>(&Value::Int32(3)).unwrap(), 3.0);
    assert_eq!(from_value::<Vec<u8>>(&Value::bytes(*b"ab")).unwrap(), b"ab");
    assert_eq!(from_value::<Decimal>(&Value::Int32(3)).unwrap(), Decimal::from(3));
    let id = Value::Uuid([0x11; 16]);
    let text = "11111111-1111-1111-1111-111111111111";
    assert_eq!(from_value::<String>(&id).unwrap(), text);
    assert_eq!(from_value::<Uuid>(&Value::from(text)).unwrap(), Uuid([0x11; 16]));
    assert_eq!(from_value::<&str>(&"lent".into()).unwrap(), "lent");
    assert_eq!(from_value::<Option<i32>>(&Value::Undefined).unwrap(), None);
}

#[test]
fn what_cannot_be_is_refused_with_its_reason() {
    let said = |error: Error| error.to_string();
    let half: Decimal = "0.5".parse().unwrap();
    assert_eq!(
        said(from_value::<i32>(&half.into()).unwrap_err()),
        "invalid type: string \"0.5\", expected i32"
    );
    assert!(said(from_value::<i8>(&Value::Int32(200)).unwrap_err()).contains("200"));
    assert_eq!(
        said(to_value(&i128::MAX).unwrap_err()),
        format!("the integer {} has more than 64 bits", i128::MAX)
    );
    assert_eq!(said(to_document(&7).unwrap_err()), "a document is a struct or a map, not Int32");
    let by_list: BTreeMap<Vec<i32>, i32> = [(vec![1], 1)].into();
    assert_eq!(said(to_value(&by_list).unwrap_err()), "a field's name is a text, not Array");

    #[derive(Serialize)]
    struct Doubled {
        a: i32,
        #[serde(flatten)]
        more: BTreeMap<String, i32>,
    }
    let doubled = Doubled { a: 1, more: [("a".to_owned(), 2)].into() };
    assert_eq!(said(to_value(&doubled).unwrap_err()), "the field \"a\" is there twice");

    #[derive(Serialize)]
    struct Nest(Vec<Nest>);
    let deep = (0..300).fold(Nest(Vec::new()), |inner, _| Nest(vec![inner]));
    assert_eq!(said(to_value(&deep).unwrap_err()), "nested deeper than 250");
}

#[test]
fn other_formats_show_texts() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Row {
        day: Date,
        id: ObjectId,
        n: Decimal,
        any: Value,
    }
    let any = Value::Array(vec![Value::Int64(1), doc! {"x": null}.into()]);
    let n = Decimal::parse_exact("1.50").unwrap();
    let row = Row { day: Date(0), id: ObjectId([1; 12]), n, any };
    let text = serde_json::to_string(&row).unwrap();
    let expected =
        r#"{"day":"1970-01-01","id":"010101010101010101010101","n":"1.50","any":[1,{"x":null}]}"#;
    assert_eq!(text, expected);
    assert_eq!(serde_json::from_str::<Row>(&text).unwrap(), row);
}

#[test]
fn flattened_and_untagged_types_read_the_texts() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Either {
        Day(Date),
        Number(i64),
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Row {
        a: i32,
        #[serde(flatten)]
        rest: BTreeMap<String, Either>,
    }
    let rest = [("d".to_owned(), Either::Day(Date(1))), ("n".to_owned(), Either::Number(2))];
    let row = Row { a: 0, rest: rest.into() };
    let document = to_document(&row).unwrap();
    assert_eq!(document, doc! {"a": 0, "d": Date(1), "n": 2i64});
    assert_eq!(from_document::<Row>(&document).unwrap(), row);
}
