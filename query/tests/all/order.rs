//! Order, equality and hash of datums agree with each other.

use std::cmp::Ordering;

use proptest::prelude::*;
use query::Datum;
use query::function::datum_hash::hash;
use query::function::datum_order::{compare, equal, order};
use value::{Decimal, Interval, Raw, Value};

/// A value from which a datum can be borrowed.
#[derive(Debug, Clone)]
enum Owned {
    Plain(Datum<'static>),
    Decimal(Decimal),
    Text(String),
    Json(Vec<u8>),
    Array(Vec<u8>),
}

impl Owned {
    fn datum(&self) -> Datum<'_> {
        match self {
            Owned::Plain(datum) => *datum,
            Owned::Decimal(n) => Datum::Decimal(n),
            Owned::Text(text) => Datum::Text(text),
            Owned::Json(bytes) => Datum::Json(Raw::new(bytes)),
            Owned::Array(bytes) => Datum::Array(Raw::new(bytes)),
        }
    }
}

fn small() -> impl Strategy<Value = i64> {
    prop_oneof![-3i64..4, Just(i64::MAX), Just(i64::MIN), Just(1 << 53), Just((1 << 53) + 1)]
}

fn exact() -> impl Strategy<Value = Owned> {
    let decimal = (-300i128..300, 0i32..3).prop_map(|(mantissa, scale)| {
        Owned::Decimal(Decimal::new(mantissa, scale).expect("small"))
    });
    let special =
        prop_oneof![Just(Decimal::NAN), Just(Decimal::INFINITY), Just(Decimal::NEG_INFINITY)];
    prop_oneof![
        small().prop_map(|n| Owned::Plain(Datum::Int(n))),
        decimal,
        special.prop_map(Owned::Decimal),
    ]
}

fn float() -> impl Strategy<Value = Owned> {
    let values = prop_oneof![
        (-4i32..4).prop_map(|n| f64::from(n) / 2.0),
        Just(f64::NAN),
        Just(-0.0),
        Just(f64::INFINITY),
        Just(9_007_199_254_740_992.0),
    ];
    values.prop_map(|n| Owned::Plain(Datum::Float(n)))
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-2i64..3).prop_map(Value::Int64),
        (-2i32..3).prop_map(Value::Int32),
        (-2i32..3).prop_map(|n| Value::Float64(f64::from(n))),
        "[ab]{0,2}".prop_map(Value::Text),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            prop::collection::vec(("[abc]{1,2}", inner), 0..3).prop_map(|fields| {
                let mut document = value::Document::new();
                for (name, value) in fields {
                    document.insert(name, value);
                }
                Value::Document(document)
            }),
        ]
    })
}

fn any_datum() -> impl Strategy<Value = Owned> {
    let interval = (-2i32..3, -40i32..40, -2i64..3).prop_map(|(months, days, hours)| {
        Owned::Plain(Datum::Interval(Interval { months, days, micros: hours * 3_600_000_000 * 12 }))
    });
    prop_oneof![
        exact(),
        Just(Owned::Plain(Datum::Null)),
        "[abc]{0,3}".prop_map(Owned::Text),
        interval,
        any::<bool>().prop_map(|b| Owned::Plain(Datum::Bool(b))),
        (-2i32..3).prop_map(|d| Owned::Plain(Datum::Date(d))),
        (-2i64..3).prop_map(|d| Owned::Plain(Datum::Timestamp(d * 86_400_000_000))),
        json().prop_map(|v| Owned::Json(value::cbor::encode(&v))),
        prop::collection::vec(-1i32..2, 0..3).prop_map(|list| {
            let list = list.into_iter().map(Value::Int32).collect();
            Owned::Array(value::cbor::encode(&Value::Array(list)))
        }),
    ]
}

fn agree(a: &Datum<'_>, b: &Datum<'_>) -> Result<(), TestCaseError> {
    prop_assert_eq!(order(a, b), order(b, a).reverse());
    if order(a, b) == Ordering::Equal {
        prop_assert_eq!(hash(a, 7), hash(b, 7), "{:?} {:?}", a, b);
    }
    prop_assert_eq!(order(a, a), Ordering::Equal);
    prop_assert_eq!(equal(a, b), compare(a, b, true, true) == Ordering::Equal);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn equal_values_hash_alike_and_order_is_total(a in any_datum(), b in any_datum(),
        c in any_datum()) {
        let (a, b, c) = (a.datum(), b.datum(), c.datum());
        agree(&a, &b)?;
        // Dates are compared with timestamps, which leaves the classes between them apart.
        if order(&a, &b).is_le() && order(&b, &c).is_le() && !mixed_dates(&[a, b, c]) {
            prop_assert!(order(&a, &c).is_le(), "{:?} {:?} {:?}", a, b, c);
        }
    }

    #[test]
    fn numbers_of_all_representations_hash_alike(
        a in prop_oneof![exact(), float()],
        b in prop_oneof![exact(), float()],
    ) {
        agree(&a.datum(), &b.datum())?;
    }

    #[test]
    fn nulls_stand_where_they_are_told(a in any_datum(), descending: bool, first: bool) {
        let a = a.datum();
        if !a.is_null() {
            let wanted = if first { Ordering::Less } else { Ordering::Greater };
            prop_assert_eq!(compare(&Datum::Null, &a, descending, first), wanted);
        }
    }
}

fn mixed_dates(list: &[Datum<'_>]) -> bool {
    list.iter().any(|datum| matches!(datum, Datum::Date(_)))
        && list.iter().any(|datum| matches!(datum, Datum::Timestamp(_)))
}
