//! Stored documents and keys: `value::cbor` and `value::key`.
//!
//! ```text
//!   cbor   any bytes ─► every reader comes back
//!          valid bytes ─► decoded ─► encoded ─► the same value; edited ─► valid again
//!   key    any bytes ─► reader and skipper agree, element by element
//!          two values ─► order of their keys = order of the values = order of their items
//! ```
//!
//! What was decoded is encoded to bytes that read as the same value, not always to the same bytes:
//! a head may be longer than its number needs only where the width is the type, and column ids
//! become names. For bytes without ids the second encoding is a fixed point.

use std::cmp::Ordering;

use value::cbor::{self, Limits, encode, validate};
use value::compare::cmp_raw;
use value::json::Style;
use value::key::{Element, is_shortened, prefix_end, shorten};
use value::{Item, Key, KeyReader, KeyWriter, Order, Raw, Value, cmp_bson};

use crate::input::Input;

/// Calls everything that reads; the answers do not matter, coming back does.
fn exercise(bytes: &[u8]) {
    let raw = Raw::new(bytes);
    let _ = (raw.kind(), raw.bytes(), raw.item(), raw.to_value(), raw.count());
    let _ = (raw.as_i64(), raw.as_u64(), raw.as_f64(), raw.as_str(), raw.as_bytes());
    let _ = (raw.as_bool(), raw.as_decimal(), raw.as_uuid(), raw.as_object_id());
    let _ = (raw.get("a"), raw.get_id(1), raw.path(&["a", "0"]), raw.element(1));
    let _ = raw.entries().count() + raw.elements().count();
    let _ = raw.to_json(Style::JSONB);
    let _ = KeyWriter::new(&mut Vec::new()).raw(raw);
    let _ = cmp_raw(raw, raw);
    let _ = cbor::set(bytes, Key::Name("a"), &[0xf6]);
    let _ = cbor::remove(bytes, Key::Id(1));
}

/// Walks an item with the cursor as far as it goes.
fn walk(raw: Raw<'_>, depth: usize) -> usize {
    let Ok(item) = raw.item() else { return 0 };
    match item {
        Item::Document(..) if depth > 0 => {
            raw.entries().flatten().map(|(_, value)| walk(value, depth - 1)).sum()
        }
        Item::Array(..) if depth > 0 => {
            raw.elements().flatten().map(|value| walk(value, depth - 1)).sum()
        }
        _ => 1,
    }
}

/// Bytes as a stored document.
pub fn cbor(data: &[u8]) {
    exercise(data);
    walk(Raw::new(data), value::MAX_DEPTH);
    if validate(data, &Limits::default()).is_err() {
        return;
    }
    let raw = Raw::new(data);
    assert_eq!(raw.bytes(), Ok(data), "a valid item is as long as its bytes");
    let named = |column: u32| Some(format!("column {column}"));
    let value = raw.to_value_with(&named).expect("valid bytes are read");
    let again = encode(&value);
    let limits = Limits { depth_max: value::MAX_DEPTH, ..Limits::default() };
    if let Err(error) = validate(&again, &limits) {
        // A column id may have become a name that stands beside it already.
        assert_eq!(error.kind, cbor::ErrorKind::DuplicateKey);
        return;
    }
    assert_eq!(Raw::new(&again).to_value(), Ok(value.clone()));
    assert_eq!(encode(&Raw::new(&again).to_value().unwrap()), again, "encoding is a fixed point");
    let again = Raw::new(&again);
    assert_eq!(cmp_raw(again, again), Ok(Ordering::Equal));
    raw.to_json(Style::COMPACT).expect("valid bytes have a text");
    if raw.is_document() {
        edits(data);
    }
}

/// A patched document is valid, and differs in the patched field only.
fn edits(document: &[u8]) {
    let raw = Raw::new(document);
    let first = raw.entries().next().map(|entry| entry.expect("valid").0);
    for key in [first.unwrap_or(Key::Name("a")), Key::Name("a"), Key::Name("zz"), Key::Id(7)] {
        let new = [0x63, b'n', b'e', b'w'];
        let set = cbor::set(document, key, &new).expect("a document can be edited");
        validate(&set, &Limits::default()).expect("set keeps a document valid");
        let found = Raw::new(&set).find(key).expect("valid").expect("what was set is there");
        assert_eq!(found.bytes(), Ok(&new[..]));
        let was = raw.find(key).expect("valid").is_some();
        let count = raw.count().unwrap() + usize::from(!was);
        assert_eq!(Raw::new(&set).count(), Some(count));
        let removed = cbor::remove(&set, key).expect("a document can be edited");
        validate(&removed, &Limits::default()).expect("remove keeps a document valid");
        assert!(Raw::new(&removed).find(key).expect("valid").is_none());
        assert_eq!(Raw::new(&removed).count(), Some(count - 1));
    }
}

/// Bytes as a key, and as two values whose keys are compared.
pub fn key(data: &[u8]) {
    read_any(data);
    let mut input = Input::new(data);
    let order = [Order::ASCENDING, Order::DESCENDING, Order::SQL_ASC, Order::SQL_DESC];
    let order = order[input.below(4)];
    let (a, b) = (input.value(3), input.value(3));
    compare(&a, &b);
    for value in [&a, &b] {
        let mut bytes = Vec::new();
        KeyWriter::new(&mut bytes).order(order).value(value);
        let read = KeyReader::new(&bytes).value().expect("what was written is read");
        let read = read.expect("an element");
        assert_eq!(cmp_bson(&read, value), Ordering::Equal, "{value:?} came back as {read:?}");
        let item = encode(value);
        let mut from_item = Vec::new();
        KeyWriter::new(&mut from_item).order(order).raw(Raw::new(&item)).expect("valid");
        assert_eq!(from_item, bytes, "an item and its value have one key");
    }
    if let Some(end) = prefix_end(data) {
        assert!(end.as_slice() > data && !end.starts_with(data));
    }
    let short = shorten(data);
    assert!(is_shortened(&short) || *short == *data);
}

fn read_any(data: &[u8]) {
    let mut reader = KeyReader::new(data);
    loop {
        let mut skipper = reader.clone();
        let before = reader.rest();
        let element = reader.element();
        match (&element, skipper.skip()) {
            (Ok(None), skipped) => {
                assert_eq!(skipped, Ok(None));
                return;
            }
            (Ok(Some(read)), skipped) => {
                let skipped = skipped.expect("what is read can be skipped").expect("an element");
                assert_eq!(reader.rest(), skipper.rest(), "skip goes as far as read");
                assert_eq!(skipped.len() + reader.rest().len(), before.len());
                if let Element::Value(value) = read {
                    again(value);
                }
            }
            (Err(_), _) => {
                assert_eq!(reader.rest(), before, "after an error the reader stays");
                return;
            }
        }
    }
}

/// What any bytes gave can be written, and read as an equal value.
fn again(value: &Value) {
    let mut bytes = Vec::new();
    KeyWriter::new(&mut bytes).value(value);
    let read = KeyReader::new(&bytes).value().expect("own keys are read").expect("an element");
    assert_eq!(cmp_bson(&read, value), Ordering::Equal);
}

fn compare(a: &Value, b: &Value) {
    let order = cmp_bson(a, b);
    assert_eq!(cmp_bson(b, a), order.reverse(), "{a:?} {b:?}");
    let key = |value: &Value, order: Order| {
        let mut out = Vec::new();
        KeyWriter::new(&mut out).order(order).value(value);
        out
    };
    let (x, y) = (key(a, Order::ASCENDING), key(b, Order::ASCENDING));
    assert_eq!(x.cmp(&y), order, "{a:?} {b:?}");
    assert!(x == y || !(x.starts_with(&y) || y.starts_with(&x)), "{a:?} {b:?}");
    let (x, y) = (key(a, Order::DESCENDING), key(b, Order::DESCENDING));
    assert_eq!(y.cmp(&x), order, "{a:?} {b:?}");
    let (x, y) = (encode(a), encode(b));
    assert_eq!(cmp_raw(Raw::new(&x), Raw::new(&y)), Ok(order), "{a:?} {b:?}");
}
