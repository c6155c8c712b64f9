//! The bytes of each type, fixed.
//!
//! Stored documents and keys outlive the code: this table is what they look like. A line that has
//! to be changed is a change of the format, which takes a new format byte and a way to read the old
//! one.
//!
//! Each line: type and value, then the CBOR bytes, then the key bytes.

use crate::cbor::{Encoder, encode};
use crate::text::id::hex;
use crate::{Decimal, Document, Interval, KeyWriter, Raw, Value};

fn exact(text: &str) -> Value {
    Value::Decimal(Decimal::parse_exact(text).unwrap())
}

fn samples() -> Vec<(String, Value)> {
    let document: Document =
        [("b", Value::Int32(1)), ("a", Value::Text("x".into()))].into_iter().collect();
    let interval = Interval { months: 14, days: -3, micros: 4_000_000 };
    let mut samples = vec![
        ("decimal -0.0", Value::Decimal(Decimal::negative_zero(1).unwrap())),
        ("text ''", Value::Text(String::new())),
        ("text a\\0é", Value::Text("a\0é".into())),
        ("text of 24", Value::Text("x".repeat(24))),
        ("symbol a", Value::Symbol("a".into())),
        ("bytes 00ff", Value::bytes([0x00, 0xff])),
        ("bytes/4 01", Value::Bytes { subtype: 4, data: vec![1] }),
        ("date 2024-02-29", Value::Date(19_782)),
        ("date infinity", Value::Date(i32::MAX)),
        ("date -infinity", Value::Date(i32::MIN)),
        ("time 00:00:01", Value::Time(1_000_000)),
        ("timestamp 1970-01-02", Value::Timestamp(86_400_000_000)),
        ("timestamptz -1us", Value::TimestampTz(-1)),
        ("timestamptz infinity", Value::TimestampTz(i64::MAX)),
        ("interval 1y2m -3d 4s", Value::Interval(interval)),
        ("uuid", Value::Uuid(*b"0123456789abcdef")),
        ("objectid", Value::ObjectId(*b"0123456789ab")),
        ("document {b: 1, a: 'x'}", Value::Document(document.clone())),
        ("document {}", Value::Document(Document::new())),
        ("array [1, null, []]", Value::Array(vec![1.into(), Value::Null, Value::Array(vec![])])),
        ("regex /^a/i", Value::Regex { pattern: "^a".into(), options: "i".into() }),
        ("code f()", Value::Code { code: "f()".into(), scope: None }),
        ("code f() {b, a}", Value::Code { code: "f()".into(), scope: Some(document) }),
        ("bson timestamp 1:2", Value::BsonTimestamp { seconds: 1, increment: 2 }),
        ("db pointer", Value::DbPointer { namespace: "d.c".into(), id: [7; 12] }),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect::<Vec<_>>();
    let mut plain = vec![
        Value::Null,
        Value::Undefined,
        Value::MinKey,
        Value::MaxKey,
        Value::Bool(false),
        Value::Bool(true),
        Value::Int8(-100),
        Value::Int8(5),
        Value::Int16(5),
        Value::Int16(-1),
    ];
    plain.extend([0, 5, 23, 24, -1, -24, -25, 127, 128, 100_000, i32::MIN].map(Value::Int32));
    plain.extend([5, -5, 1 << 40, i64::MAX, i64::MIN].map(Value::Int64));
    plain.extend([1 << 63, u64::MAX].map(Value::UInt64));
    plain.push(Value::Float32(1.5));
    plain.extend([0.0, -0.0, 2.5, -2.5, 0.1, 1e300, -1e-300].map(Value::Float64));
    plain.extend([f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(Value::Float64));
    for text in ["12.50", "-0.1", "1E+3", "1.1", "NaN", "Infinity", "-Infinity", "1e400"] {
        plain.push(exact(text));
    }
    plain.push(exact("18446744073709551616"));
    plain.push(exact("-170141183460469231731687303715884105729"));
    let mut all: Vec<_> = plain.into_iter().map(|v| (format!("{v:?}"), v)).collect();
    all.append(&mut samples);
    all
}

#[test]
fn bytes_of_every_type_are_as_written_down() {
    let mut table = String::new();
    for (name, value) in samples() {
        let mut key = Vec::new();
        KeyWriter::new(&mut key).value(&value);
        let bytes = encode(&value);
        assert_eq!(Raw::new(&bytes).to_value(), Ok(value));
        table += &format!("{name:<32} {}  {}\n", hex(&bytes), hex(&key));
    }
    check("bytes.txt", &table);
}

/// What [`Encoder::int`] writes for declared columns.
#[test]
fn shortest_heads_are_as_written_down() {
    let mut table = String::new();
    for n in [0, 23, 24, 127, 128, 255, 256, -1, -24, -25, -256, -257, 65_536, 1 << 32, i64::MIN] {
        let mut bytes = Vec::new();
        Encoder::new(&mut bytes).int(n);
        table += &format!("{n:<22} {:<20} {:?}\n", hex(&bytes), Raw::new(&bytes).kind().unwrap());
    }
    check("shortest.txt", &table);
}

/// Compares with the file, or writes it where `UPDATE_GOLDEN` is set.
fn check(file: &str, table: &str) {
    let path = format!("{}/tests/golden/{file}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, table).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    for (expected, actual) in expected.lines().zip(table.lines()) {
        assert_eq!(actual, expected, "{file}: a change of the stored format");
    }
    assert_eq!(table.lines().count(), expected.lines().count());
}
