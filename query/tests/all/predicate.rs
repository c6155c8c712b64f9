//! Predicates against a naive evaluator, and bounds against predicates.
//!
//! The evaluator here works on owned values and gathers all candidates of a path in a list; it was
//! written from the rules alone. Small alphabets of names and values make paths meet documents.

#![allow(clippy::unwrap_used)] // an input that breaks a promise ends the test

use std::cmp::Ordering;

use proptest::collection::vec;
use proptest::prelude::*;
use query::predicate::{Divisor, Kinds, Literal, Path, Pattern, Predicate, Test, bounds};
use value::{Decimal, Document, Kind, Raw, Value, cbor, cmp_bson, doc};

/// What a path leads to; `None` is nothing.
type Candidates<'v> = Vec<Option<&'v Value>>;

fn candidates<'v>(document: &'v Document, path: &[&str], inside: bool) -> Candidates<'v> {
    let (name, rest) = path.split_first().unwrap();
    match document.get(name) {
        None => vec![None],
        Some(value) if rest.is_empty() => {
            let elements = value.as_array().filter(|_| inside).unwrap_or_default();
            elements.iter().map(Some).chain([Some(value)]).collect()
        }
        Some(value) => further(value, rest, inside),
    }
}

fn further<'v>(value: &'v Value, path: &[&str], inside: bool) -> Candidates<'v> {
    let elements = match value {
        Value::Document(document) => return candidates(document, path, inside),
        Value::Array(elements) => elements,
        _ => return vec![None],
    };
    let mut found = Vec::new();
    for (at, element) in elements.iter().enumerate() {
        if let Value::Document(document) = element {
            found.extend(candidates(document, path, inside));
        }
        if path[0] == at.to_string() {
            match &path[1..] {
                [] => found.push(Some(element)),
                rest => found.extend(further(element, rest, inside)),
            }
        }
    }
    found
}

fn is_nan(value: &Value) -> bool {
    match value {
        Value::Float64(n) => n.is_nan(),
        Value::Decimal(n) => n.is_nan(),
        _ => false,
    }
}

fn compared(candidate: Option<&Value>, with: &Value) -> Option<Ordering> {
    let nothing = |value: &Value| matches!(value, Value::Null | Value::Undefined);
    if nothing(with) {
        return candidate.is_none_or(nothing).then_some(Ordering::Equal);
    }
    let candidate = candidate?;
    if matches!(with, Value::MinKey | Value::MaxKey) {
        return Some(cmp_bson(candidate, with));
    }
    let bracket = |value: &Value| match value.kind() {
        kind if kind.is_number() => Kind::Int32,
        Kind::Symbol => Kind::Text,
        kind => kind,
    };
    let same = bracket(candidate) == bracket(with) && is_nan(candidate) == is_nan(with);
    same.then(|| cmp_bson(candidate, with))
}

/// Tests as the strategies make them, with plain values.
#[derive(Clone, Debug)]
enum Plain {
    Compare(&'static str, Value),
    In(Vec<Value>),
    Exists,
    Type(Vec<Kind>),
    Size(u64),
    Mod(i64, i64),
    Regex(&'static str),
    Documents(Box<Node>),
    Elements(Vec<Plain>),
    All(Vec<Plain>),
    Not(Box<Plain>),
}

#[derive(Clone, Debug)]
enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Match(String, Plain),
}

fn passes(test: &Plain, candidate: Option<&Value>) -> bool {
    let elements = candidate.and_then(Value::as_array).unwrap_or_default();
    match test {
        Plain::Compare(operator, value) => {
            compared(candidate, value).is_some_and(|order| match *operator {
                "=" => order.is_eq(),
                "<" => order.is_lt(),
                "<=" => order.is_le(),
                ">" => order.is_gt(),
                _ => order.is_ge(),
            })
        }
        Plain::In(list) => {
            list.iter().any(|value| compared(candidate, value) == Some(Ordering::Equal))
        }
        Plain::Exists => candidate.is_some(),
        Plain::Type(kinds) => candidate.is_some_and(|value| kinds.contains(&value.kind())),
        Plain::Size(size) => {
            candidate.and_then(Value::as_array).is_some_and(|a| a.len() as u64 == *size)
        }
        Plain::Mod(by, remainder) => {
            let whole = candidate.and_then(|value| match value {
                Value::Float64(n) if n.is_finite() => Some(n.trunc() as i64),
                Value::Decimal(n) => n.trunc(0).to_i64_exact(),
                value => value.as_i64(),
            });
            whole.is_some_and(|n| n % by == *remainder)
        }
        Plain::Regex(pattern) => {
            let text = match candidate {
                Some(Value::Text(text) | Value::Symbol(text)) => text,
                _ => return false,
            };
            text.contains(pattern)
        }
        Plain::Documents(node) => elements.iter().any(|e| match e {
            Value::Document(document) => holds(node, document),
            _ => false,
        }),
        Plain::Elements(tests) => elements.iter().any(|e| tests.iter().all(|t| on_element(t, e))),
        Plain::All(_) | Plain::Not(_) => unreachable!("asked of all candidates"),
    }
}

fn on_element(test: &Plain, element: &Value) -> bool {
    match test {
        Plain::Not(inner) => !on_element(inner, element),
        Plain::All(tests) => tests.iter().all(|test| on_element(test, element)),
        other => passes(other, Some(element)),
    }
}

fn at_path(test: &Plain, document: &Document, path: &str) -> bool {
    match test {
        Plain::Not(inner) => !at_path(inner, document, path),
        Plain::All(tests) => tests.iter().all(|test| at_path(test, document, path)),
        other => {
            let whole = matches!(
                other,
                Plain::Exists | Plain::Size(_) | Plain::Documents(_) | Plain::Elements(_)
            );
            let steps: Vec<&str> = path.split('.').collect();
            let found = candidates(document, &steps, !whole);
            found.into_iter().any(|candidate| passes(other, candidate))
        }
    }
}

fn holds(node: &Node, document: &Document) -> bool {
    match node {
        Node::And(parts) => parts.iter().all(|part| holds(part, document)),
        Node::Or(parts) => parts.iter().any(|part| holds(part, document)),
        Node::Not(inner) => !holds(inner, document),
        Node::Match(path, test) => at_path(test, document, path),
    }
}

fn test_of(plain: &Plain) -> Test {
    let all = |tests: &[Plain]| tests.iter().map(test_of).collect();
    match plain {
        Plain::Compare(operator, value) => {
            let literal = Literal::new(value);
            match *operator {
                "=" => Test::Eq(literal),
                "<" => Test::Lt(literal),
                "<=" => Test::Lte(literal),
                ">" => Test::Gt(literal),
                _ => Test::Gte(literal),
            }
        }
        Plain::In(values) => Test::In(values.iter().map(Literal::new).collect()),
        Plain::Exists => Test::Exists,
        Plain::Type(kinds) => Test::Type(Kinds::of(kinds)),
        Plain::Size(size) => Test::Size(*size),
        Plain::Mod(by, remainder) => Test::Mod(Divisor::new(*by, *remainder).unwrap()),
        Plain::Regex(pattern) => Test::Regex(Pattern::new(pattern, "").unwrap()),
        Plain::Documents(node) => Test::ElementMatches(Box::new(predicate_of(node))),
        Plain::Elements(tests) => Test::ElementIs(all(tests)),
        Plain::All(tests) => Test::All(all(tests)),
        Plain::Not(inner) => test_of(inner).negated(),
    }
}

fn predicate_of(node: &Node) -> Predicate {
    match node {
        Node::And(parts) => Predicate::And(parts.iter().map(predicate_of).collect()),
        Node::Or(parts) => Predicate::Or(parts.iter().map(predicate_of).collect()),
        Node::Not(inner) => predicate_of(inner).negated(),
        Node::Match(path, test) => Predicate::matching(Path::new(path), test_of(test)),
    }
}

fn scalars() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => (0..4i32).prop_map(Value::Int32),
        2 => (0..4i64).prop_map(Value::Int64),
        2 => (0..8i32).prop_map(|n| Value::Float64(f64::from(n) / 2.0)),
        1 => (0..40i128).prop_map(|n| Value::Decimal(Decimal::new(n, 1).unwrap())),
        1 => Just(Value::Float64(f64::NAN)),
        1 => Just(Value::Decimal(Decimal::NAN)),
        2 => "[ab]{0,2}".prop_map(Value::Text),
        1 => Just(Value::Symbol("a".into())),
        2 => Just(Value::Null),
        1 => Just(Value::Undefined),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => (0..3i32).prop_map(Value::Date),
        1 => Just(Value::MinKey),
        1 => Just(Value::MaxKey),
    ]
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[ab]", 1 => "[01]"]
}

fn values() -> impl Strategy<Value = Value> {
    scalars().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            documents_of(inner).prop_map(Value::Document),
        ]
    })
}

fn documents_of(values: impl Strategy<Value = Value>) -> impl Strategy<Value = Document> {
    vec((names(), values), 0..4).prop_map(|fields| {
        let mut document = Document::new();
        for (name, value) in fields {
            document.insert(name, value);
        }
        document
    })
}

fn plains() -> impl Strategy<Value = Plain> {
    let operators = prop::sample::select(vec!["=", "<", "<=", ">", ">="]);
    let kinds = prop::sample::select(vec![Kind::Int32, Kind::Text, Kind::Array, Kind::Null]);
    let leaf = prop_oneof![
        6 => (operators, values()).prop_map(|(operator, value)| Plain::Compare(operator, value)),
        1 => vec(scalars(), 0..3).prop_map(Plain::In),
        1 => Just(Plain::Exists),
        1 => vec(kinds, 1..3).prop_map(Plain::Type),
        1 => (0..3u64).prop_map(Plain::Size),
        1 => (prop::sample::select(vec![-2i64, -1, 1, 2, 3]), 0..3i64)
            .prop_map(|(by, remainder)| Plain::Mod(by, remainder)),
        1 => prop::sample::select(vec!["a", "b", "ab"]).prop_map(Plain::Regex),
    ];
    leaf.prop_recursive(3, 10, 3, |inner| {
        let paths = vec(names(), 1..3).prop_map(|steps| steps.join("."));
        let node = (paths, inner.clone()).prop_map(|(path, test)| Node::Match(path, test));
        prop_oneof![
            vec(inner.clone(), 1..3).prop_map(Plain::Elements),
            vec(inner.clone(), 0..3).prop_map(Plain::All),
            inner.prop_map(|test| Plain::Not(Box::new(test))),
            vec(node, 1..3).prop_map(|parts| Plain::Documents(Box::new(Node::And(parts)))),
        ]
    })
}

fn nodes() -> impl Strategy<Value = Node> {
    let paths = vec(names(), 1..4).prop_map(|steps| steps.join("."));
    let leaf = (paths, plains()).prop_map(|(path, test)| Node::Match(path, test));
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Node::And),
            vec(inner.clone(), 0..3).prop_map(Node::Or),
            inner.prop_map(|node| Node::Not(Box::new(node))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn matching_agrees_with_the_rules(document in documents_of(values()), node in nodes()) {
        let bytes = cbor::encode(&Value::Document(document.clone()));
        let predicate = predicate_of(&node);
        let matched = predicate.matches(Raw::new(&bytes)).unwrap();
        prop_assert_eq!(matched, holds(&node, &document), "{}", predicate);
    }

    #[test]
    fn what_matches_satisfies_the_bounds(document in documents_of(values()), node in nodes()) {
        let bytes = cbor::encode(&Value::Document(document));
        let predicate = predicate_of(&node);
        if predicate.matches(Raw::new(&bytes)).unwrap() {
            let formula = bounds(&predicate);
            prop_assert!(formula.matches(Raw::new(&bytes)).unwrap(), "{predicate}: {formula:?}");
        }
    }

    #[test]
    fn damaged_documents_are_an_error_or_an_answer(
        bytes in vec(any::<u8>(), 0..40),
        node in nodes(),
    ) {
        let _ = predicate_of(&node).matches(Raw::new(&bytes));
    }
}

fn matches(document: Document, path: &str, test: Test) -> bool {
    let bytes = cbor::encode(&Value::Document(document));
    Predicate::matching(Path::new(path), test).matches(Raw::new(&bytes)).unwrap()
}

#[test]
fn arrays_are_walked_as_the_manual_says() {
    let eq = |value: Value| Test::eq(&value);
    let one = || eq(1.into());
    assert!(matches(doc! {"a": [1, 2]}, "a", one()));
    assert!(matches(doc! {"a": [1, 2]}, "a", eq(vec![1.into(), 2i64.into()].into())));
    assert!(matches(doc! {"a": [[1]]}, "a", eq(vec![1.into()].into())));
    assert!(!matches(doc! {"a": [[1]]}, "a", one()));
    assert!(matches(doc! {"a": [{"b": 1}, 5]}, "a.b", one()));
    assert!(matches(doc! {"a": [{"b": [0, 1]}]}, "a.b", one()));
    assert!(matches(doc! {"a": [0, 1]}, "a.1", one()));
    assert!(!matches(doc! {"a": [0, 1]}, "a.0", one()));
    assert!(matches(doc! {"a": {"1": 1}}, "a.1", one()));
    assert!(!matches(doc! {"a": [0, 1]}, "a.01", one()));
    // Nothing is null; an array without documents is not even nothing.
    assert!(matches(doc! {}, "a.b", eq(Value::Null)));
    assert!(matches(doc! {"a": 5}, "a.b", eq(Value::Null)));
    assert!(matches(doc! {"a": [{}]}, "a.b", eq(Value::Null)));
    assert!(!matches(doc! {"a": []}, "a.b", eq(Value::Null)));
    assert!(!matches(doc! {"a": null}, "a", Test::Exists.negated()));
    // Both halves, by different elements; and by one.
    let halves = || {
        let ends = [Value::Int32(1), Value::Int32(5)].map(|end| Literal::new(&end));
        let [low, high] = ends;
        vec![Test::Gt(low), Test::Lt(high)]
    };
    assert!(matches(doc! {"a": [0, 9]}, "a", Test::All(halves())));
    assert!(!matches(doc! {"a": [0, 9]}, "a", Test::ElementIs(halves())));
    assert!(matches(doc! {"a": [0, 3]}, "a", Test::ElementIs(halves())));
}

#[test]
fn a_predicate_is_shown_as_the_filter_that_it_is() {
    let adults = Predicate::matching(Path::new("age"), Test::Gte(Literal::new(&18.into())));
    let named = Predicate::matching(
        Path::new("name.0"),
        Test::Regex(Pattern::new("^a", "i").unwrap()).negated(),
    );
    let size = Predicate::matching(Path::new("tags"), Test::Size(2));
    let all = Predicate::And(vec![adults, Predicate::Or(vec![named, size.negated()])]);
    assert_eq!(
        all.to_string(),
        r#"{"$and": [{"age": {"$gte": 18}}, {"$or": [{"name.0": {"$not": {"$regex": "^a", "$options": "i"}}}, {"$nor": [{"tags": {"$size": 2}}]}]}]}"#
    );
}
