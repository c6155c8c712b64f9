//! Keys: their byte order is the order of the values, and they can be read.

use std::cmp::Ordering;

use proptest::prelude::*;

use crate::key::{
    self, Element, KEY_LEN_MAX, KeyError, Nan, Nulls, Order, is_shortened, prefix_end, shorten,
};
use crate::testing::{decimals, floats, integers, texts, values};
use crate::{Decimal, KeyReader, KeyWriter, Raw, Value, cmp_bson};

fn key_in(value: &Value, order: Order) -> Vec<u8> {
    let mut out = Vec::new();
    KeyWriter::new(&mut out).order(order).value(value);
    out
}

fn key(value: &Value) -> Vec<u8> {
    key_in(value, Order::ASCENDING)
}

/// Whether two values agree as keys do, whatever their numeric types.
fn same(a: &Value, b: &Value) -> bool {
    cmp_bson(a, b) == Ordering::Equal
}

fn twice_the_cases() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: 2 * usual.cases, ..usual }
}

fn numbers() -> impl Strategy<Value = Value> {
    prop_oneof![
        integers().prop_map(Value::Int64),
        (0..=u64::MAX).prop_map(Value::UInt64),
        floats().prop_map(Value::Float64),
        floats().prop_map(|n| Value::Float32(n as f32)),
        decimals().prop_map(Value::Decimal),
    ]
}

/// A number and another that is likely to be near or equal to it.
fn neighbours() -> impl Strategy<Value = (Value, Value)> {
    let near =
        (floats(), -2i64..3, 0i32..40, any::<bool>()).prop_map(|(n, ulps, scale, decimal)| {
            let moved = f64::from_bits(n.to_bits().wrapping_add_signed(ulps));
            let a = if decimal { Value::Decimal(Decimal::from_f64(n)) } else { Value::Float64(n) };
            let step = Decimal::new(ulps.into(), scale).unwrap();
            let b = match scale % 3 {
                0 => Value::Float64(moved),
                1 => Value::Decimal(Decimal::from_f64_exact(n).add(&step).unwrap()),
                _ => Value::Decimal(Decimal::from_f64(moved)),
            };
            (a, b)
        });
    let same_number = (integers(), 0i32..5).prop_map(|(n, zeros)| {
        let scaled = i128::from(n) * 10i128.pow(zeros as u32);
        (Value::Int64(n), Value::Decimal(Decimal::new(scaled, zeros).unwrap()))
    });
    let int_and_float = (integers(), -1i64..2)
        .prop_map(|(n, near)| (Value::Int64(n), Value::Float64(n.wrapping_add(near) as f64)));
    prop_oneof![near, same_number, int_and_float, (numbers(), numbers())]
}

proptest! {
    #![proptest_config(twice_the_cases())]

    #[test]
    fn keys_of_numbers_keep_their_order((a, b) in neighbours()) {
        prop_assert_eq!(key(&a).cmp(&key(&b)), cmp_bson(&a, &b), "{:?} {:?}", a, b);
    }

    #[test]
    fn keys_keep_the_order_of_all_values(a in values(), b in values()) {
        let order = cmp_bson(&a, &b);
        prop_assert_eq!(key(&a).cmp(&key(&b)), order, "{:?} {:?}", a, b);
        prop_assert_eq!(cmp_bson(&b, &a), order.reverse());
        let descending = key_in(&a, Order::DESCENDING).cmp(&key_in(&b, Order::DESCENDING));
        prop_assert_eq!(descending, order.reverse());
    }

    #[test]
    fn items_compare_in_place_as_their_values(a in values(), b in values()) {
        let (x, y) = (crate::cbor::encode(&a), crate::cbor::encode(&b));
        let (x, y) = (Raw::new(&x), Raw::new(&y));
        prop_assert_eq!(crate::compare::cmp_raw(x, y), Ok(cmp_bson(&a, &b)));
        prop_assert_eq!(crate::compare::cmp_raw(x, x), Ok(Ordering::Equal));
    }

    #[test]
    fn elements_after_an_element_do_not_disturb_its_order(
        a in values(), b in values(), c in values(), d in values(), descending in any::<bool>(),
    ) {
        let first = if descending { Order::DESCENDING } else { Order::ASCENDING };
        let pair = |x: &Value, y: &Value| {
            let mut out = Vec::new();
            let mut writer = KeyWriter::new(&mut out);
            writer.order(first).value(x);
            writer.order(Order::ASCENDING).value(y);
            out
        };
        let order = cmp_bson(&a, &b);
        let order = if descending { order.reverse() } else { order };
        prop_assert_eq!(pair(&a, &c).cmp(&pair(&b, &d)), order.then(cmp_bson(&c, &d)));
    }

    #[test]
    fn no_element_is_the_beginning_of_another(a in values(), b in values()) {
        let (a, b) = (key(&a), key(&b));
        prop_assert!(a == b || !b.starts_with(&a));
    }

    #[test]
    fn keys_are_read_back(list in prop::collection::vec((values(), any::<bool>()), 0..5)) {
        let mut bytes = Vec::new();
        let mut writer = KeyWriter::new(&mut bytes);
        for (value, descending) in &list {
            let order = if *descending { Order::DESCENDING } else { Order::SQL_ASC };
            writer.order(order).value(value);
        }
        let (mut reader, mut skipper) = (KeyReader::new(&bytes), KeyReader::new(&bytes));
        for (value, descending) in &list {
            let read = reader.value().unwrap().unwrap();
            prop_assert!(same(&read, value), "{read:?} {value:?}");
            let order = if *descending { Order::DESCENDING } else { Order::SQL_ASC };
            prop_assert_eq!(skipper.skip().unwrap().unwrap(), &key_in(value, order)[..]);
            prop_assert_eq!(reader.rest(), skipper.rest());
        }
        prop_assert_eq!(reader.value(), Ok(None));
        prop_assert_eq!(skipper.skip(), Ok(None));
    }

    #[test]
    fn numbers_are_read_in_their_narrowest_form(value in numbers()) {
        let read = KeyReader::new(&key(&value)).value().unwrap().unwrap();
        prop_assert!(same(&read, &value));
        let integral = crate::compare::cmp_numbers(&read, &Value::Int64(0)).is_some()
            && matches!(&value, Value::Int64(_) | Value::UInt64(_));
        if integral {
            prop_assert!(matches!(read, Value::Int64(_) | Value::UInt64(_)));
        }
        if let Value::Decimal(n) = &read {
            prop_assert!(Decimal::from_f64_exact(n.to_f64()) != *n, "{n} is a double");
        }
    }

    #[test]
    fn raw_and_value_make_the_same_key(value in values(), descending in any::<bool>()) {
        let order = if descending { Order::SQL_DESC } else { Order::SQL_ASC };
        let bytes = crate::cbor::encode(&value);
        let mut out = Vec::new();
        KeyWriter::new(&mut out).order(order).raw(Raw::new(&bytes)).unwrap();
        prop_assert_eq!(out, key_in(&value, order));
    }

    #[test]
    fn damaged_keys_never_panic(
        value in values(), at in any::<prop::sample::Index>(), bit in 0u8..8,
        noise in prop::collection::vec(any::<u8>(), 0..30),
    ) {
        let mut bytes = key(&value);
        let at = at.index(bytes.len());
        for len in 0..bytes.len() {
            let part = &bytes[..len];
            let mut reader = KeyReader::new(part);
            prop_assert!(len == 0 || reader.element() == Err(KeyError::Damaged));
            prop_assert!(len == 0 || reader.skip() == Err(KeyError::Damaged));
        }
        bytes[at] ^= 1 << bit;
        for bytes in [&bytes, &noise] {
            let mut reader = KeyReader::new(bytes);
            while let Ok(Some(_)) = reader.element() {}
            let mut reader = KeyReader::new(bytes);
            while let Ok(Some(_)) = reader.skip() {}
        }
    }

    #[test]
    fn the_end_of_a_prefix_is_its_successor(prefix in prop::collection::vec(any::<u8>(), 0..6),
        tail in prop::collection::vec(any::<u8>(), 0..4)) {
        match prefix_end(&prefix) {
            None => prop_assert!(prefix.iter().all(|byte| *byte == 0xff)),
            Some(end) => {
                prop_assert!([prefix.clone(), tail].concat() < end);
                prop_assert!(!end.starts_with(&prefix));
            }
        }
    }

    #[test]
    fn text_keys_order_as_text(a in texts(), b in texts()) {
        let (x, y) = (Value::Text(a.clone()), Value::Symbol(b.clone()));
        prop_assert_eq!(key(&x).cmp(&key(&y)), a.cmp(&b));
    }
}

#[test]
fn the_classes_stand_in_bsons_order() {
    let document =
        |name: &str, value: Value| Value::Document([(name, value)].into_iter().collect());
    let decimal = |text: &str| Value::Decimal(Decimal::parse(text).unwrap());
    let ascending = [
        Value::MinKey,
        Value::Undefined,
        Value::Null,
        Value::Float64(f64::NAN),
        Value::Float64(f64::NEG_INFINITY),
        Value::Decimal(Decimal::parse("-1e400").unwrap()),
        Value::Float64(-1e300),
        Value::Int64(i64::MIN),
        Value::Int8(-1),
        Value::Float64(-0.5),
        Value::Float64(-f64::from_bits(1)),
        Value::Float64(-0.0),
        decimal("1e-400"),
        Value::Float64(f64::from_bits(1)),
        decimal("0.1"),
        Value::Float64(0.1),
        Value::Float32(0.1),
        Value::Int64(1),
        decimal("1.00000000000000000000000001"),
        Value::Float64(1.5),
        Value::Int32(100_000),
        Value::Float64(9_007_199_254_740_992.0),
        Value::Int64(9_007_199_254_740_993),
        Value::Int64(i64::MAX),
        Value::Float64(9_223_372_036_854_775_808.0),
        Value::UInt64(u64::MAX),
        Value::Float64(18_446_744_073_709_551_616.0),
        Value::Float64(f64::MAX),
        decimal("1e400"),
        Value::Decimal(Decimal::INFINITY),
        Value::Text("".into()),
        Value::Text("\0".into()),
        Value::Symbol("a".into()),
        Value::Text("a\0".into()),
        Value::Text("ab".into()),
        Value::Document(Default::default()),
        document("b", 5.into()),
        document("a", "x".into()),
        Value::Array(vec![]),
        Value::Array(vec![1.into()]),
        Value::Array(vec![1.into(), 1.into()]),
        Value::Array(vec![2.into()]),
        Value::bytes(*b"b"),
        Value::Uuid([0; 16]),
        Value::ObjectId([0; 12]),
        Value::Bool(false),
        Value::Bool(true),
        Value::Date(-1),
        Value::Date(i32::MAX),
        Value::Time(0),
        Value::Timestamp(i64::MIN),
        Value::TimestampTz(-1),
        Value::TimestampTz(1),
        Value::Interval(crate::Interval { months: 0, days: 29, micros: 0 }),
        Value::Interval(crate::Interval { months: 1, days: 0, micros: 0 }),
        Value::BsonTimestamp { seconds: 1, increment: 2 },
        Value::Regex { pattern: "a".into(), options: "".into() },
        Value::DbPointer { namespace: "".into(), id: [0; 12] },
        Value::Code { code: "z".into(), scope: None },
        Value::Code { code: "a".into(), scope: Some(Default::default()) },
        Value::MaxKey,
    ];
    for pair in ascending.windows(2) {
        assert_eq!(cmp_bson(&pair[0], &pair[1]), Ordering::Less, "{pair:?}");
        assert!(key(&pair[0]) < key(&pair[1]), "{pair:?}");
    }
}

#[test]
fn equal_numbers_have_one_key() {
    let five = key(&Value::Int8(5));
    for value in [
        Value::Int64(5),
        Value::UInt64(5),
        Value::Float32(5.0),
        Value::Float64(5.0),
        Value::Decimal(Decimal::parse("5.000").unwrap()),
        Value::Decimal(Decimal::parse_exact("0.5e1").unwrap()),
    ] {
        assert_eq!(key(&value), five);
    }
    assert_eq!(key(&Value::Float64(-0.0)), key(&Value::Int64(0)));
    assert_eq!(key(&Value::Float64(2f64.powi(70))), {
        key(&Value::Decimal(Decimal::from(2i128.pow(70))))
    });
    assert_eq!(five.len(), 2);
    assert_eq!(key(&Value::Int64(100_000)).len(), 4);
    assert_eq!(key(&Value::Int64(i64::MAX)).len(), 9);
}

#[test]
fn nulls_and_nan_stand_where_told() {
    let list = [Value::Null, Value::Float64(f64::NAN), Value::Int64(1), Value::Int64(2)];
    let sorted = |order: Order| {
        let mut keys: Vec<_> = list.iter().map(|v| (key_in(v, order), v)).collect();
        keys.sort_by(|a, b| a.0.cmp(&b.0));
        keys.iter()
            .map(|(_, v)| match v {
                Value::Null => "null".to_owned(),
                Value::Float64(_) => "nan".to_owned(),
                v => v.as_i64().unwrap().to_string(),
            })
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(sorted(Order::ASCENDING), "null nan 1 2");
    assert_eq!(sorted(Order::DESCENDING), "2 1 nan null");
    assert_eq!(sorted(Order::SQL_ASC), "1 2 nan null");
    assert_eq!(sorted(Order::SQL_DESC), "null nan 2 1");
    let order = Order { descending: true, nulls: Nulls::First, nan: Nan::Low };
    assert_eq!(sorted(order), "null 2 1 nan");
    let order = Order { descending: false, nulls: Nulls::Last, nan: Nan::Low };
    assert_eq!(sorted(order), "nan 1 2 null");
}

#[test]
fn collated_text_orders_by_its_sort_key_and_is_not_read_as_text() {
    let collated = |sort_key: &[u8]| {
        let mut out = Vec::new();
        KeyWriter::new(&mut out).collated(7, 2, sort_key);
        out
    };
    assert!(collated(b"a") < collated(b"a\0"));
    assert!(collated(b"a\0") < collated(b"b"));
    let bytes = collated(b"a\0b");
    let mut reader = KeyReader::new(&bytes);
    assert_eq!(reader.value(), Err(KeyError::Collated));
    let element = Element::Collated { collation: 7, version: 2, sort_key: b"a\0b".to_vec() };
    assert_eq!(reader.element(), Ok(Some(element)));
    assert!(reader.is_empty());
}

#[test]
fn long_keys_are_shortened_and_recognised() {
    let genuine = vec![7u8; KEY_LEN_MAX - 1];
    assert_eq!(&*shorten(&genuine), &genuine[..]);
    assert!(!is_shortened(&genuine));
    let mut a = vec![7u8; KEY_LEN_MAX];
    let short = shorten(&a).into_owned();
    assert!(is_shortened(&short) && short.len() == KEY_LEN_MAX);
    assert_ne!(short, a);
    a.push(1);
    assert_ne!(*shorten(&a), short);
    a[3] = 8;
    assert!(*shorten(&a) > short[..]);
    assert_eq!(key::shorten(&a), key::shorten(&a.clone()));
}

#[test]
fn deep_keys_cost_no_stack() {
    let deep = vec![0x2e; 100_000];
    assert_eq!(KeyReader::new(&deep).value(), Err(KeyError::Damaged));
    assert_eq!(KeyReader::new(&deep).skip(), Err(KeyError::Damaged));
    let deep = vec![!0x2e; 100_000];
    assert_eq!(KeyReader::new(&deep).skip(), Err(KeyError::Damaged));
}
