//! `doc!` writes what the calls beneath it would.

use crate::{Document, Value, doc};

#[test]
fn fields_come_in_order_with_their_own_types() {
    let name = String::from("name");
    let some: Option<i64> = None;
    let made = doc! {
        "i": 1, "l": 2i64, "f": 0.5, "t": "x", (name.as_str()): &name, "n": null, "o": some,
        ("a".to_owned() + "b"): 1 > 2,
    };
    let mut expected = Document::new();
    expected.push("i", Value::Int32(1));
    expected.push("l", Value::Int64(2));
    expected.push("f", Value::Float64(0.5));
    expected.push("t", Value::Text("x".into()));
    expected.push("name", Value::Text("name".into()));
    expected.push("n", Value::Null);
    expected.push("o", Value::Null);
    expected.push("ab", Value::Bool(false));
    assert_eq!(made, expected);
}

#[test]
fn documents_and_arrays_nest() {
    let one = |n: i32| n;
    let made = doc! {
        "and": [{"a": {"b": [], "c": {}}}, [1, [null]], one(2) + 1, vec![Value::from(9)],],
        "last": [{"$gte": 1},],
    };
    let inner = doc! {"b": Value::Array(vec![]), "c": Document::new()};
    let nested = Value::Array(vec![Value::Int32(1), Value::Array(vec![Value::Null])]);
    let and = vec![
        Value::from(doc! {"a": inner}),
        nested,
        Value::Int32(3),
        Value::Array(vec![Value::Int32(9)]),
    ];
    let last = Value::Array(vec![doc! {"$gte": 1}.into()]);
    assert_eq!(made, [("and", Value::Array(and)), ("last", last)].into_iter().collect());
    assert_eq!(doc! {"a": [1, 2].len() as i64}.get("a"), Some(&Value::Int64(2)));
    assert_eq!(doc! {"a": 1, "a": 2}, doc! {"a": 2});
}
