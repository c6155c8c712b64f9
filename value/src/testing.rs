//! Arbitrary values, for property tests here and (feature `testing`) in other crates.
//!
//! Uniformly random numbers never meet a boundary. Half of what these strategies make lies on one:
//! powers of two and ten and their neighbours, extremes, specials, the same number in several
//! types, text with zero bytes and 0xFF, names that are prefixes of one another.
//!
//! The common ones are boxed: unboxed unions of unions fill a test thread's stack.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::{Decimal, Document, Interval, Value};

/// Integers, dense at powers of two and ten.
pub fn integers() -> BoxedStrategy<i64> {
    prop_oneof![
        any::<i64>(),
        -300i64..300,
        (0u32..64, -2i64..3, any::<bool>()).prop_map(|(bits, near, negative)| {
            let n = (1i64.wrapping_shl(bits)).wrapping_add(near);
            if negative { n.wrapping_neg() } else { n }
        }),
        (0u32..19, -2i64..3).prop_map(|(power, near)| 10i64.pow(power) + near),
    ]
    .boxed()
}

/// Doubles, dense at integers, halves, powers and the ends of the range.
pub fn floats() -> BoxedStrategy<f64> {
    prop_oneof![
        any::<f64>(),
        integers().prop_map(|n| n as f64),
        (integers(), 0i32..60).prop_map(|(n, bits)| n as f64 / 2f64.powi(bits)),
        (-1080i32..1024).prop_map(|power| 2f64.powi(power)),
        (-330i32..309).prop_map(|power| 10f64.powi(power)),
        prop_oneof![
            Just(0.0),
            Just(-0.0),
            Just(f64::NAN),
            Just(f64::INFINITY),
            Just(f64::NEG_INFINITY),
            Just(f64::MAX),
            Just(f64::MIN_POSITIVE),
            Just(f64::from_bits(1)),
            Just(18_446_744_073_709_551_616.0),
            Just(0.1),
        ],
    ]
    .boxed()
}

/// Finite decimals and specials: short ones, ones equal or next to doubles and integers, huge and
/// tiny.
pub fn decimals() -> BoxedStrategy<Decimal> {
    let finite = |mantissa: i128, scale: i32| Decimal::new(mantissa, scale).unwrap_or_default();
    prop_oneof![
        4 => (integers(), -3i32..25).prop_map(move |(n, scale)| finite(n.into(), scale)),
        2 => (any::<i128>(), -20i32..60).prop_map(move |(n, scale)| finite(n, scale)),
        1 => (any::<i64>(), -6111i32..6177).prop_map(move |(n, scale)| finite(n.into(), scale)),
        2 => floats().prop_map(Decimal::from_f64),
        2 => floats().prop_map(Decimal::from_f64_exact),
        2 => (floats(), -1i128..2, 0i32..80).prop_map(move |(n, near, scale)| {
            Decimal::from_f64_exact(n).add(&finite(near, scale)).unwrap_or_default()
        }),
        1 => "[1-9][0-9]{30,80}(\\.[0-9]{1,60})?"
            .prop_map(|text| Decimal::parse(&text).unwrap_or_default()),
        1 => (-10i32..10).prop_map(|scale| Decimal::negative_zero(scale).unwrap_or_default()),
        1 => prop_oneof![
            Just(Decimal::NAN), Just(Decimal::INFINITY), Just(Decimal::NEG_INFINITY)
        ],
    ]
    .boxed()
}

/// Text with zero bytes, control characters, prefixes and several scripts.
pub fn texts() -> BoxedStrategy<String> {
    prop_oneof![
        "[a-c]{0,4}",
        "[\\x00\\x01a]{0,5}",
        "[\\u{0}-\\u{1F}\"\\\\/]{0,6}",
        "\\PC{0,12}",
        "(ÿ|é|日|😀|a){0,4}",
    ]
    .boxed()
}

/// Bytes dense in 00, 01, FE and FF.
pub fn byte_strings() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![any::<u8>(), Just(0), Just(1), Just(0xfe), Just(0xff)];
    vec(byte, 0..12)
}

fn scalars() -> impl Strategy<Value = Value> {
    let near_zero = -2i64..3;
    prop_oneof![
        1 => Just(Value::Null),
        1 => prop_oneof![
            Just(Value::Undefined), Just(Value::MinKey), Just(Value::MaxKey),
        ],
        1 => any::<bool>().prop_map(Value::Bool),
        1 => any::<i8>().prop_map(Value::Int8),
        1 => any::<i16>().prop_map(Value::Int16),
        2 => integers().prop_map(|n| Value::Int32(n as i32)),
        3 => integers().prop_map(Value::Int64),
        1 => (0..=u64::MAX / 2).prop_map(|n| Value::UInt64(n + (1 << 63))),
        1 => floats().prop_map(|n| Value::Float32(n as f32)),
        3 => floats().prop_map(Value::Float64),
        4 => decimals().prop_map(Value::Decimal),
        3 => texts().prop_map(Value::Text),
        1 => texts().prop_map(Value::Symbol),
        1 => (prop_oneof![Just(0u8), Just(4), Just(128), any::<u8>()], byte_strings())
            .prop_map(|(subtype, data)| Value::Bytes { subtype, data }),
        1 => prop_oneof![any::<i32>(), -800i32..800, Just(i32::MIN), Just(i32::MAX)]
            .prop_map(Value::Date),
        1 => (0i64..=86_400_000_000).prop_map(Value::Time),
        1 => integers().prop_map(Value::Timestamp),
        1 => integers().prop_map(Value::TimestampTz),
        1 => intervals().prop_map(Value::Interval),
        1 => any::<[u8; 16]>().prop_map(Value::Uuid),
        1 => any::<[u8; 12]>().prop_map(Value::ObjectId),
        1 => ("[a-c^]{0,3}", "[imx]{0,2}")
            .prop_map(|(pattern, options)| Value::Regex { pattern, options }),
        1 => texts().prop_map(|code| Value::Code { code, scope: None }),
        1 => (any::<u32>(), near_zero).prop_map(|(seconds, n)| {
            Value::BsonTimestamp { seconds, increment: n as u32 }
        }),
        1 => (texts(), any::<[u8; 12]>())
            .prop_map(|(namespace, id)| Value::DbPointer { namespace, id }),
    ]
}

/// Intervals, some of equal span.
pub fn intervals() -> impl Strategy<Value = Interval> {
    let days = 86_400_000_000i64;
    prop_oneof![
        any::<(i32, i32, i64)>().prop_map(|(months, days, micros)| Interval {
            months,
            days,
            micros
        }),
        (-3i32..3, -61i32..61, -3i64..3)
            .prop_map(move |(months, d, n)| { Interval { months, days: d, micros: n * days } }),
    ]
}

/// Any value, nested to a depth of 4.
pub fn values() -> impl Strategy<Value = Value> {
    scalars().prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::Array),
            documents_of(inner.clone()).prop_map(Value::Document),
            (texts(), documents_of(inner))
                .prop_map(|(code, scope)| Value::Code { code, scope: Some(scope) }),
        ]
    })
}

/// Any document, each name once.
pub fn documents() -> impl Strategy<Value = Document> {
    documents_of(values())
}

fn documents_of(values: impl Strategy<Value = Value>) -> impl Strategy<Value = Document> {
    vec((texts(), values), 0..5).prop_map(|fields| {
        let mut document = Document::new();
        for (name, value) in fields {
            document.insert(name, value);
        }
        document
    })
}

/// Values that JSON text can hold: what is parsed from it is what was written.
pub fn json_values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        integers().prop_map(Value::Int64),
        texts().prop_map(Value::Text),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::Array),
            documents_of(inner).prop_map(Value::Document),
        ]
    })
}
