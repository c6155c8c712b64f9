//! Bytes: every value comes back, other implementations agree, and no bytes at all make a reader
//! panic.

use proptest::prelude::*;

use crate::cbor::{self, Encoder, ErrorKind, Limits, encode, validate};
use crate::testing::{documents, integers, values};
use crate::{Damaged, Document, Item, Key, Raw, Value};

fn check(bytes: &[u8]) -> Result<(), ErrorKind> {
    validate(bytes, &Limits::default()).map_err(|error| error.kind)
}

/// Calls everything that reads; the answers do not matter, coming back does.
fn exercise(bytes: &[u8]) {
    let raw = Raw::new(bytes);
    let _ = (raw.kind(), raw.bytes(), raw.item(), raw.to_value(), raw.count());
    let _ = (raw.as_i64(), raw.as_u64(), raw.as_f64(), raw.as_str(), raw.as_bytes());
    let _ = (raw.as_bool(), raw.as_decimal(), raw.as_uuid(), raw.as_object_id());
    let _ = (raw.get("a"), raw.get_id(1), raw.path(&["a", "0"]), raw.element(1));
    let _ = raw.entries().count() + raw.elements().count();
    let _ = raw.to_json(crate::json::Style::JSONB);
    let _ = crate::KeyWriter::new(&mut Vec::new()).raw(raw);
    let _ = crate::compare::cmp_raw(raw, raw);
    let _ = cbor::set(bytes, Key::Name("a"), &[0xf6]);
    let _ = cbor::remove(bytes, Key::Id(1));
}

proptest! {
    #[test]
    fn a_value_comes_back_from_its_bytes(value in values()) {
        let bytes = encode(&value);
        prop_assert_eq!(check(&bytes), Ok(()));
        let raw = Raw::new(&bytes);
        prop_assert_eq!(raw.bytes(), Ok(&bytes[..]));
        prop_assert_eq!(raw.kind(), Some(value.kind()));
        prop_assert_eq!(raw.to_value(), Ok(value));
    }

    #[test]
    fn every_truncation_is_refused(value in values()) {
        let bytes = encode(&value);
        for len in 0..bytes.len() {
            prop_assert!(check(&bytes[..len]).is_err());
            exercise(&bytes[..len]);
        }
    }

    #[test]
    fn flipped_bits_and_noise_never_panic(
        value in values(), at in any::<prop::sample::Index>(), bit in 0u8..8,
        noise in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut bytes = encode(&value);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        exercise(&bytes);
        // What passes validation is read without damage, and written back as the same value.
        if check(&bytes).is_ok() {
            let named = |column: u32| Some(format!("column {column}"));
            let value = Raw::new(&bytes).to_value_with(&named).unwrap();
            prop_assert_eq!(Raw::new(&encode(&value)).to_value(), Ok(value));
        }
        exercise(&noise);
        bytes.splice(at..at, noise);
        exercise(&bytes);
    }

    #[test]
    fn validated_bytes_are_read_without_damage(bytes in prop::collection::vec(
        prop_oneof![any::<u8>(), Just(0xa1), Just(0x61), Just(0x82), Just(0xd9)], 0..12)) {
        if check(&bytes).is_ok() {
            let named = Raw::new(&bytes).to_value_with(&|column| Some(format!("#{column}")));
            prop_assert!(named.is_ok());
        }
    }

    #[test]
    fn ciborium_reads_and_writes_the_same(value in values()) {
        use ciborium::value::Value as Theirs;
        let bytes = encode(&value);
        let theirs: Theirs = match ciborium::from_reader(&bytes[..]) {
            Ok(theirs) => theirs,
            // It has no place for big integers of 128 bits and a sign.
            Err(ciborium::de::Error::Semantic(_, why)) if why == "integer too large" => {
                return Ok(());
            }
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        let mut back = Vec::new();
        ciborium::into_writer(&theirs, &mut back).unwrap();
        // It writes shortest heads and floats: compare what it reads from each.
        let again: Theirs = ciborium::from_reader(&back[..]).unwrap();
        prop_assert_eq!(format!("{again:?}"), format!("{theirs:?}"));
        same_tree(&value, &theirs)?;
    }

    #[test]
    fn minicbor_skips_what_we_skip(document in documents()) {
        let bytes = encode(&Value::Document(document.clone()));
        let mut theirs = minicbor::Decoder::new(&bytes);
        let count = theirs.map().unwrap().unwrap();
        prop_assert_eq!(count as usize, document.len());
        for entry in Raw::new(&bytes).entries() {
            let (key, value) = entry.unwrap();
            let name = theirs.str().unwrap();
            prop_assert_eq!(key, Key::Name(name));
            let from = theirs.position();
            theirs.skip().unwrap();
            prop_assert_eq!(value.bytes().unwrap(), &bytes[from..theirs.position()]);
        }
    }

    #[test]
    fn fields_are_found_by_name(document in documents()) {
        let bytes = encode(&Value::Document(document.clone()));
        let raw = Raw::new(&bytes);
        for (name, value) in document.iter() {
            prop_assert_eq!(raw.get(name).unwrap().to_value(), Ok(value.clone()));
        }
        prop_assert!(raw.get("no such name").is_none());
    }

    #[test]
    fn edits_do_what_a_document_does(
        mut document in documents(), names in prop::collection::vec("[a-c]{0,2}", 0..6),
        contents in prop::collection::vec(proptest::option::of(values()), 6),
    ) {
        let bytes = encode(&Value::Document(document.clone()));
        let encoded = |v: &Option<Value>| v.as_ref().map(|v| (v.clone(), encode(v)));
        let contents: Vec<_> = contents.iter().map(encoded).collect();
        let edits: Vec<cbor::Edit<'_>> = names.iter().zip(&contents)
            .map(|(name, value)| (Key::Name(name), value.as_ref().map(|(_, b)| &b[..])))
            .collect();
        let edited = cbor::edit(&bytes, &edits).unwrap();
        // The model: the last edit of a name counts, names are appended where first mentioned.
        for (at, name) in names.iter().enumerate() {
            if names[..at].contains(name) { continue }
            let last = names.iter().rposition(|other| other == name).unwrap();
            match &contents[last] {
                Some((value, _)) => { document.insert(name.clone(), value.clone()); }
                None => { document.remove(name); }
            }
        }
        prop_assert_eq!(check(&edited), Ok(()));
        prop_assert_eq!(Raw::new(&edited).to_value(), Ok(Value::Document(document)));
    }

    #[test]
    fn shortest_heads_keep_the_number(n in integers()) {
        let mut bytes = Vec::new();
        Encoder::new(&mut bytes).int(n);
        prop_assert_eq!(Raw::new(&bytes).as_i64(), Some(n));
        prop_assert_eq!(Raw::new(&bytes).to_value().unwrap().as_i64(), Some(n));
        prop_assert_eq!(check(&bytes), Ok(()));
    }
}

/// The parts that a general reader understands agree.
fn same_tree(ours: &Value, theirs: &ciborium::value::Value) -> Result<(), TestCaseError> {
    use ciborium::value::Value as Theirs;
    match (ours, theirs) {
        (Value::Document(document), Theirs::Map(entries)) => {
            prop_assert_eq!(document.len(), entries.len());
            for ((name, value), (key, theirs)) in document.iter().zip(entries) {
                prop_assert_eq!(Some(name), key.as_text());
                same_tree(value, theirs)?;
            }
        }
        (Value::Array(elements), Theirs::Array(theirs)) => {
            prop_assert_eq!(elements.len(), theirs.len());
            for (ours, theirs) in elements.iter().zip(theirs) {
                same_tree(ours, theirs)?;
            }
        }
        (Value::Text(text), theirs) => prop_assert_eq!(Some(&text[..]), theirs.as_text()),
        (Value::UInt64(n), Theirs::Integer(theirs)) => {
            prop_assert_eq!(i128::from(*n), i128::from(*theirs));
        }
        (ours, Theirs::Integer(theirs)) => {
            prop_assert_eq!(ours.as_i64().map(i128::from), Some(i128::from(*theirs)));
        }
        (Value::Float64(n), theirs) => {
            let theirs = theirs.as_float().unwrap();
            prop_assert!(*n == theirs || n.is_nan() && theirs.is_nan());
        }
        (Value::Bool(value), theirs) => prop_assert_eq!(Some(*value), theirs.as_bool()),
        (Value::Decimal(n), Theirs::Tag(tag, _)) => {
            let expected = if n.is_negative_zero() {
                60_003
            } else if n.is_finite() {
                4
            } else {
                60_002
            };
            prop_assert_eq!(*tag, expected);
        }
        _ => {}
    }
    Ok(())
}

#[test]
fn deep_nesting_is_refused_and_costs_no_stack() {
    for open in [&[0x81][..], &[0xa1, 0x61, b'a'], &[0xd9, 0xea, 0x6c, 0x82, 0x60, 0xa1, 0x60]] {
        let deep: Vec<u8> = open.iter().copied().cycle().take(open.len() * 100_000).collect();
        assert_eq!(check(&deep), Err(ErrorKind::TooDeep));
        exercise(&deep);
    }
    let mut closed = vec![0x81; 100_000];
    closed.push(0xf6);
    assert_eq!(Raw::new(&closed).bytes(), Ok(&closed[..]));
    assert_eq!(Raw::new(&closed).to_value(), Err(Damaged));
    let tags: Vec<u8> = [0xd8, 0x25].iter().copied().cycle().take(200_000).collect();
    assert!(check(&tags).is_err());
    exercise(&tags);
}

#[test]
fn depth_and_length_limits_are_exact() {
    let nested = |depth: usize| [vec![0x81; depth], vec![0x00]].concat();
    let limits = Limits { depth_max: 3, ..Limits::default() };
    assert_eq!(validate(&nested(3), &limits), Ok(()));
    let error = validate(&nested(4), &limits).unwrap_err();
    assert_eq!((error.offset, error.kind), (3, ErrorKind::TooDeep));
    let limits = Limits { len_max: 4, ..Limits::default() };
    assert_eq!(validate(&nested(3), &limits), Ok(()));
    assert_eq!(validate(&nested(4), &limits).unwrap_err().kind, ErrorKind::TooLong);
    let limits = Limits { depth_max: usize::MAX, ..Limits::default() };
    assert_eq!(validate(&nested(crate::MAX_DEPTH), &limits), Ok(()));
    assert!(validate(&nested(crate::MAX_DEPTH + 1), &limits).is_err());
    assert!(Raw::new(&nested(crate::MAX_DEPTH)).to_value().is_ok());
}

#[test]
fn each_offence_has_its_name_and_place() {
    let hex = |text: &str| crate::text::id::unhex(text.replace(' ', "").as_bytes()).unwrap();
    let cases = [
        ("", 0, ErrorKind::Truncated),
        ("00 00", 1, ErrorKind::Trailing),
        ("1a 0000", 0, ErrorKind::Truncated),
        ("82 00", 0, ErrorKind::Truncated),
        ("82 00 19 00", 2, ErrorKind::Truncated),
        ("9b ffffffffffffffff", 0, ErrorKind::Truncated),
        ("bb 8000000000000000", 0, ErrorKind::Truncated),
        ("5b ffffffffffffffff", 0, ErrorKind::Truncated),
        ("9f ff", 0, ErrorKind::Indefinite),
        ("7f 61 61 ff", 0, ErrorKind::Indefinite),
        ("81 ff", 1, ErrorKind::Head),
        ("1c", 0, ErrorKind::Head),
        ("f9 3c00", 0, ErrorKind::Head),
        ("f8 20", 0, ErrorKind::Head),
        ("e0", 0, ErrorKind::Head),
        ("3b 8000000000000000", 0, ErrorKind::Integer),
        ("61 ff", 0, ErrorKind::Utf8),
        ("a1 61 ff 00", 1, ErrorKind::Utf8),
        ("c0 61 61", 0, ErrorKind::UnknownTag),
        ("c2 41 01", 0, ErrorKind::UnknownTag),
        ("d8 25 41 00", 0, ErrorKind::TagContent),
        ("d8 25 50 00", 0, ErrorKind::Truncated),
        ("c4 82 00 60", 0, ErrorKind::TagContent),
        ("c4 82 1a 7fffffff 01", 0, ErrorKind::TagContent),
        ("d8 64 1b 0000000080000000", 0, ErrorKind::TagContent),
        ("a2 61 61 00 61 61 01", 4, ErrorKind::DuplicateKey),
        ("a2 01 00 01 01", 3, ErrorKind::DuplicateKey),
        ("a1 18 01 00", 1, ErrorKind::Key),
        ("a1 78 01 61 00", 1, ErrorKind::Key),
        ("a1 20 00", 1, ErrorKind::Key),
        ("a1 1b 0000000100000000 00", 1, ErrorKind::Key),
        ("a1 61 61 a1 01 00", 4, ErrorKind::Key),
    ];
    for (bytes, offset, kind) in cases {
        let error = validate(&hex(bytes), &Limits::default()).unwrap_err();
        assert_eq!((error.offset, error.kind), (offset, kind), "{bytes}");
    }
    let by_name = Limits { column_ids: false, ..Limits::default() };
    assert_eq!(validate(&hex("a1 01 00"), &by_name).unwrap_err().kind, ErrorKind::Key);
}

#[test]
fn names_and_columns_share_a_map() {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes);
    let open = encoder.begin_map();
    for column in 0..30 {
        encoder.id(column);
        encoder.int(i64::from(column) * 1000);
    }
    encoder.key("note");
    encoder.text("x");
    encoder.end_map(open, 31);
    assert_eq!(check(&bytes), Ok(()));
    let raw = Raw::new(&bytes);
    assert_eq!(raw.count(), Some(31));
    assert_eq!(raw.get_id(29).and_then(Raw::as_i64), Some(29_000));
    assert_eq!(raw.get("note").and_then(Raw::as_str), Some("x"));
    assert!(raw.get_id(30).is_none());
    assert!(raw.to_value().is_err());
    let named = raw.to_value_with(&|column| Some(format!("c{column}"))).unwrap();
    assert_eq!(named.as_document().unwrap().get("c2"), Some(&Value::Int16(2000)));
    let changed = cbor::set(&bytes, Key::Id(29), &[0xf6]).unwrap();
    assert!(Raw::new(&changed).get_id(29).unwrap().is_null());
    assert_eq!(Raw::new(&changed).get("note").and_then(Raw::as_str), Some("x"));
}

#[test]
fn counts_written_at_the_end_have_shortest_heads() {
    for count in [0usize, 1, 23, 24, 255, 256, 70_000] {
        let mut bytes = vec![0xee];
        let mut encoder = Encoder::new(&mut bytes);
        let open = encoder.begin_array();
        (0..count).for_each(|_| encoder.null());
        encoder.end_array(open, count);
        let mut known = vec![0xee];
        Encoder::new(&mut known).array(count);
        known.resize(known.len() + count, 0xf6);
        assert_eq!(bytes, known);
    }
}

#[test]
fn paths_lead_through_documents_and_arrays() {
    let inner: Document = [("b", Value::Array(vec![1.into(), 2.into()]))].into_iter().collect();
    let outer: Document = [("a", Value::Document(inner))].into_iter().collect();
    let bytes = encode(&outer.into());
    let raw = Raw::new(&bytes);
    assert_eq!(raw.path(&["a", "b", "1"]).and_then(Raw::as_i64), Some(2));
    assert!(raw.path(&["a", "b", "2"]).is_none());
    assert!(raw.path(&["a", "x"]).is_none());
    assert!(matches!(raw.path(&[]).map(Raw::item), Some(Ok(Item::Document(_)))));
    assert_eq!(size_of::<Raw<'_>>(), 16);
}

#[test]
fn text_may_be_written_piece_by_piece() {
    use std::fmt::Write;
    for count in [0, 5, 30, 300] {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes);
        let written =
            encoder.text_with(|out| (0..count).try_for_each(|n| write!(out, "{}", n % 10)));
        assert_eq!(written, Ok(()));
        let text: String = (0..count).map(|n| (n % 10).to_string()).collect();
        assert_eq!(bytes, encode(&Value::Text(text)));
    }
}
