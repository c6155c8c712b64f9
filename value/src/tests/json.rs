//! JSON: PostgreSQL's output to the byte, a strict reader, and no loss between them.

use proptest::prelude::*;

use crate::cbor::{self, Limits};
use crate::json::{ErrorKind, Options, Style, parse, parse_value, value_to_string};
use crate::testing::{json_values, values};
use crate::{Decimal, Document, Raw, Value};

fn read(text: &str) -> Value {
    parse_value(text, &Options::default()).unwrap()
}

fn jsonb(text: &str) -> String {
    value_to_string(&read(text), Style::JSONB)
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(value in json_values()) {
        for style in [Style::COMPACT, Style::SPACED] {
            prop_assert_eq!(&read(&value_to_string(&value, style)), &value);
        }
        // Sorting changes the order of fields, and is the same again the second time.
        let sorted = value_to_string(&value, Style::JSONB);
        prop_assert_eq!(jsonb(&sorted), sorted.clone());
        let pretty = value_to_string(&value, Style::PRETTY);
        prop_assert_eq!(jsonb(&pretty), sorted);
    }

    #[test]
    fn every_value_has_a_text_that_is_json(value in values()) {
        for style in [Style::JSONB, Style::COMPACT, Style::PRETTY] {
            let text = value_to_string(&value, style);
            let bytes = parse(&text, &Options::default());
            prop_assert!(bytes.is_ok(), "{text}");
            prop_assert_eq!(cbor::validate(&bytes.unwrap(), &Limits::default()), Ok(()));
        }
    }

    #[test]
    fn no_digit_of_a_number_is_lost(text in "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,24})?") {
        prop_assert_eq!(
            Decimal::parse(&jsonb(&text)).unwrap(), Decimal::parse(&text).unwrap());
        if !text.starts_with("-0") {
            prop_assert_eq!(jsonb(&text), text);
        }
    }

    #[test]
    fn text_that_is_not_json_is_refused_and_leaves_no_trace(
        value in json_values(), at in any::<prop::sample::Index>(),
        noise in "[\\[{}\\],:\"0-9a-z\\\\]",
    ) {
        let text = value_to_string(&value, Style::COMPACT);
        for (cut, _) in text.char_indices() {
            if let Err(error) = parse(&text[..cut], &Options::default()) {
                prop_assert!(error.offset <= cut);
            } else {
                // Only a number is still one when it is cut.
                prop_assert!(text[..cut].bytes().all(|b| b.is_ascii_digit() || b == b'-'));
            }
        }
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let mut changed = text.clone();
        changed.insert_str(places[at.index(places.len())], &noise);
        let mut out = vec![1, 2, 3];
        match crate::json::parse_into(&changed, &Options::default(), &mut out) {
            Ok(()) => prop_assert_eq!(cbor::validate(&out[3..], &Limits::default()), Ok(())),
            Err(_) => prop_assert_eq!(out, vec![1, 2, 3]),
        }
    }
}

#[test]
fn jsonb_looks_as_in_postgresql() {
    let cases = [
        (r#"{"bb":1,"a":[1,2],"b":{}}"#, r#"{"a": [1, 2], "b": {}, "bb": 1}"#),
        (r#"{"aa":1,"b":2,"ab":3}"#, r#"{"b": 2, "aa": 1, "ab": 3}"#),
        (r#"{"a":1,"b":2,"a":3}"#, r#"{"a": 3, "b": 2}"#),
        ("[]", "[]"),
        (" [ 1 , \t2.50 ,\r\n1e2] ", "[1, 2.50, 100]"),
        (r#""\u00e9\ud83d\ude00\u0001\/\b""#, "\"é😀\\u0001/\\b\""),
        ("\"a\\\"\\\\\\n\\t\u{7f}\"", "\"a\\\"\\\\\\n\\t\u{7f}\""),
        ("1.0", "1.0"),
        ("0.1", "0.1"),
        ("-0", "0"),
        ("1e-7", "0.0000001"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("9223372036854775808", "9223372036854775808"),
        ("[true,false,null]", "[true, false, null]"),
        (r#"{"":{"":[]}}"#, r#"{"": {"": []}}"#),
    ];
    for (text, expected) in cases {
        assert_eq!(jsonb(text), expected);
    }
    let pretty = value_to_string(&read(r#"{"b":[1,{"x":2}],"a":{}}"#), Style::PRETTY);
    let expected = r#"{
    "a": {
    },
    "b": [
        1,
        {
            "x": 2
        }
    ]
}"#;
    assert_eq!(pretty, expected);
    let value = read(r#"{"bb":1,"a":[1,2]}"#);
    assert_eq!(value_to_string(&value, Style::COMPACT), r#"{"bb":1,"a":[1,2]}"#);
    assert_eq!(value_to_string(&value, Style::SPACED), r#"{"bb": 1, "a": [1, 2]}"#);
}

#[test]
fn numbers_take_the_first_type_that_holds_them() {
    let decimal = |text: &str| Value::Decimal(Decimal::parse(text).unwrap());
    assert_eq!(read("5"), Value::Int64(5));
    assert_eq!(read("-9223372036854775808"), Value::Int64(i64::MIN));
    assert_eq!(read("9223372036854775808"), decimal("9223372036854775808"));
    assert_eq!(read("0.1"), Value::Float64(0.1));
    assert_eq!(read("0.10"), decimal("0.10"));
    assert_eq!(read("1e+20"), Value::Float64(1e20));
    assert_eq!(read("1E20"), decimal("1e20"));
    assert_eq!(read("0.1000000000000000055511151231257827"), {
        decimal("0.1000000000000000055511151231257827")
    });
}

#[test]
fn rich_types_become_text_and_bsons_own_extended_json() {
    let scope: Document = [("x", Value::Int32(1))].into_iter().collect();
    let cases = [
        (Value::Date(19_782), r#""2024-02-29""#),
        (Value::Time(3_661_500_000), r#""01:01:01.5""#),
        (Value::Timestamp(0), r#""1970-01-01T00:00:00""#),
        (Value::TimestampTz(500_000), r#""1970-01-01T00:00:00.5+00:00""#),
        (Value::TimestampTz(i64::MAX), r#""infinity""#),
        (Value::Uuid([0xab; 16]), r#""abababab-abab-abab-abab-abababababab""#),
        (Value::ObjectId([0x01; 12]), r#""010101010101010101010101""#),
        (Value::bytes([0, 255]), r#""\\x00ff""#),
        (Value::Float64(f64::NAN), r#""NaN""#),
        (Value::Float64(1e20), "100000000000000000000"),
        (Value::Float32(0.1), "0.1"),
        (Value::Decimal(Decimal::NEG_INFINITY), r#""-Infinity""#),
        (Value::UInt64(u64::MAX), "18446744073709551615"),
        (Value::Symbol("s".into()), r#""s""#),
        (Value::MinKey, r#"{"$minKey": 1}"#),
        (Value::Undefined, r#"{"$undefined": true}"#),
        (Value::BsonTimestamp { seconds: 1, increment: 2 }, r#"{"$timestamp": {"i": 2, "t": 1}}"#),
        (
            Value::Regex { pattern: "a\"".into(), options: "i".into() },
            r#"{"$regularExpression": {"options": "i", "pattern": "a\""}}"#,
        ),
        (
            Value::Code { code: "f".into(), scope: Some(scope) },
            r#"{"$code": "f", "$scope": {"x": 1}}"#,
        ),
        (
            Value::DbPointer { namespace: "d.c".into(), id: [1; 12] },
            r#"{"$dbPointer": {"$id": {"$oid": "010101010101010101010101"}, "$ref": "d.c"}}"#,
        ),
    ];
    for (value, expected) in cases {
        assert_eq!(value_to_string(&value, Style::JSONB), expected);
    }
    let regex = Value::Regex { pattern: "a".into(), options: "".into() };
    let text = r#"{"$regularExpression":{"pattern":"a","options":""}}"#;
    assert_eq!(value_to_string(&regex, Style::COMPACT), text);
    assert_eq!(value_to_string(&Value::Float64(1e20), Style::COMPACT), "1e+20");
}

#[test]
fn each_offence_has_its_name_and_place() {
    let cases = [
        ("", 0, ErrorKind::End),
        ("[1,", 3, ErrorKind::End),
        ("[1,]", 3, ErrorKind::Unexpected),
        ("{\"a\":1,}", 7, ErrorKind::Unexpected),
        ("{a:1}", 1, ErrorKind::Unexpected),
        ("{\"a\" 1}", 5, ErrorKind::Unexpected),
        ("nul", 3, ErrorKind::End),
        ("nulls", 4, ErrorKind::Unexpected),
        ("True", 0, ErrorKind::Unexpected),
        ("1 2", 2, ErrorKind::Trailing),
        ("01", 0, ErrorKind::Number),
        ("-", 1, ErrorKind::End),
        ("1.", 2, ErrorKind::End),
        ("1.e5", 2, ErrorKind::Number),
        ("1e+x", 3, ErrorKind::Number),
        ("1x", 1, ErrorKind::Number),
        ("+1", 0, ErrorKind::Unexpected),
        ("[1e200000]", 1, ErrorKind::Range),
        ("\"abc", 4, ErrorKind::End),
        ("\"a\\x\"", 2, ErrorKind::Escape),
        ("\"\\u12g4\"", 5, ErrorKind::Escape),
        ("\"\\ud800\"", 1, ErrorKind::Surrogate),
        ("\"\\udc00\"", 1, ErrorKind::Surrogate),
        ("\"\\ud800\\u0041\"", 1, ErrorKind::Surrogate),
        ("\"a\nb\"", 2, ErrorKind::Control),
        ("[\u{a0}1]", 1, ErrorKind::Unexpected),
    ];
    for (text, offset, kind) in cases {
        let error = parse(text, &Options::default()).unwrap_err();
        assert_eq!((error.offset, error.kind), (offset, kind), "{text}");
    }
    let strict = Options { allow_nul: false, ..Options::default() };
    assert_eq!(parse("\"a\\u0000\"", &strict).unwrap_err().kind, ErrorKind::Nul);
    assert!(parse("\"a\\u0000\"", &Options::default()).is_ok());
    let signed = Options { signed_zero: true, ..Options::default() };
    for text in ["-0", "-0.00", "-0e7"] {
        let zero = parse_value(text, &signed).unwrap();
        assert!(matches!(zero, Value::Float64(n) if n == 0.0 && n.is_sign_negative()), "{text}");
    }
    assert_eq!(parse_value("-0", &Options::default()).unwrap(), Value::Int64(0));
    assert_eq!(parse_value("[0, -1]", &signed), parse_value("[0, -1]", &Options::default()));
}

#[test]
fn deep_text_is_refused_and_costs_no_stack() {
    for open in ["[", "{\"a\":"] {
        let deep = open.repeat(100_000);
        let error =
            parse(&deep, &Options { depth_max: usize::MAX, ..Options::default() }).unwrap_err();
        assert_eq!((error.offset, error.kind), (open.len() * crate::MAX_DEPTH, ErrorKind::TooDeep));
    }
    let depth = Options { depth_max: 2, ..Options::default() };
    assert!(parse("[[1]]", &depth).is_ok());
    assert!(parse("[[1],[2],[]]", &depth).is_ok());
    assert_eq!(parse("[[[]]]", &depth).unwrap_err().offset, 2);
}

#[test]
fn of_a_repeated_key_the_last_value_stands_in_the_first_place() {
    let bytes =
        parse(r#"{"a":{"z":1,"z":[2]},"b":2,"a":{"y":0,"x":{},"y":3}}"#, &Options::default());
    let bytes = bytes.unwrap();
    let text = Raw::new(&bytes).to_json(Style::COMPACT).unwrap();
    assert_eq!(text, r#"{"a":{"y":3,"x":{}},"b":2}"#);
    let many: String = (0..500).map(|n| format!(",\"k{}\":{n}", n % 300)).collect();
    let many = read(&format!("{{{}}}", &many[1..]));
    assert_eq!(many.as_document().unwrap().len(), 300);
    assert_eq!(many.as_document().unwrap().get("k199"), Some(&Value::Int64(499)));
}
