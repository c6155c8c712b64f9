//! Wire forms of values against a recorded server; round trips; hostile bytes.

use proptest::prelude::*;
use protocol::postgres::types::array::{read_binary, read_text, write_binary, write_text};
use protocol::postgres::types::{Shape, TypeError, binary, by_name, numeric, text};
use value::Decimal;

use crate::golden;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Both forms of a literal that was read as `name`: text checked to be the same, binary given.
fn both(name: &str, literal: &str) -> Vec<u8> {
    let (mut shown, mut sent) = (Vec::new(), Vec::new());
    match name {
        "bool" => {
            let value = text::read_bool(literal).unwrap();
            text::write_bool(&mut shown, value);
            binary::write_bool(&mut sent, value);
            assert_eq!(binary::read_bool(&sent), Ok(value));
        }
        "int2" => {
            let value = text::read_int2(literal).unwrap();
            text::write_int(&mut shown, value);
            binary::write_int2(&mut sent, value);
            assert_eq!(binary::read_int2(&sent), Ok(value));
        }
        "int4" => {
            let value = text::read_int4(literal).unwrap();
            text::write_int(&mut shown, value);
            binary::write_int4(&mut sent, value);
            assert_eq!(binary::read_int4(&sent), Ok(value));
        }
        "int8" => {
            let value = text::read_int8(literal).unwrap();
            text::write_int(&mut shown, value);
            binary::write_int8(&mut sent, value);
            assert_eq!(binary::read_int8(&sent), Ok(value));
        }
        "oid" => {
            let value = text::read_oid(literal).unwrap();
            text::write_int(&mut shown, value);
            binary::write_oid(&mut sent, value);
            assert_eq!(binary::read_oid(&sent), Ok(value));
        }
        "float4" => {
            let value = text::read_float4(literal).unwrap();
            text::write_float4(&mut shown, value);
            binary::write_float4(&mut sent, value);
            assert_eq!(binary::read_float4(&sent).map(f32::to_bits), Ok(value.to_bits()));
        }
        "float8" => {
            let value = text::read_float8(literal).unwrap();
            text::write_float8(&mut shown, value);
            binary::write_float8(&mut sent, value);
            assert_eq!(binary::read_float8(&sent).map(f64::to_bits), Ok(value.to_bits()));
        }
        "numeric" => {
            let value = text::read_numeric(literal).unwrap();
            text::write_numeric(&mut shown, &value);
            numeric::write(&mut sent, &value).unwrap();
            let back = numeric::read(&sent).unwrap();
            // Beyond 128 bits the zeros of a whole number come back as its exponent.
            let whole = value.scale() == 0 && value.digits() > 38;
            assert!(back.identical(&value) || whole && back == value, "{literal}");
        }
        "bytea" => {
            let value = text::read_bytea(literal).unwrap();
            text::write_bytea(&mut shown, &value);
            sent = value;
        }
        "date" => {
            let value = text::read_date(literal).unwrap();
            text::write_date(&mut shown, value);
            binary::write_date(&mut sent, value).unwrap();
            assert_eq!(binary::read_date(&sent), Ok(value));
        }
        "time" => {
            let value = text::read_time(literal).unwrap();
            text::write_time(&mut shown, value);
            binary::write_time(&mut sent, value);
            assert_eq!(binary::read_time(&sent), Ok(value));
        }
        "timestamp" => {
            let value = text::read_timestamp(literal).unwrap();
            text::write_timestamp(&mut shown, value);
            binary::write_timestamp(&mut sent, value).unwrap();
            assert_eq!(binary::read_timestamp(&sent), Ok(value));
        }
        "timestamptz" => {
            let value = text::read_timestamptz(literal, 0).unwrap();
            text::write_timestamptz(&mut shown, value, 0);
            binary::write_timestamp(&mut sent, value).unwrap();
            assert_eq!(binary::read_timestamp(&sent), Ok(value));
        }
        "interval" => {
            let value = text::read_interval(literal).unwrap();
            text::write_interval(&mut shown, value);
            binary::write_interval(&mut sent, value);
            assert_eq!(binary::read_interval(&sent), Ok(value));
        }
        "uuid" => {
            let value = text::read_uuid(literal).unwrap();
            text::write_uuid(&mut shown, &value);
            binary::write_uuid(&mut sent, &value);
            assert_eq!(binary::read_uuid(&sent), Ok(value));
        }
        "jsonb" => {
            binary::write_jsonb(&mut sent, literal);
            assert_eq!(binary::read_jsonb(&sent), Ok(literal));
            shown = literal.into();
        }
        array if array.ends_with("[]") => {
            let element = array.trim_end_matches("[]");
            let (shape, items) = read_text(literal).unwrap();
            write_text(&mut shown, &shape, items.clone(), |out, item| {
                out.extend_from_slice(item.as_bytes());
            });
            let oid = by_name(element).unwrap().oid;
            let bytes = |out: &mut Vec<u8>, item: String| out.extend(both(element, &item));
            write_binary(&mut sent, &shape, oid, items.clone(), bytes);
            let back = read_binary(&sent).unwrap();
            assert_eq!((back.shape, back.element, back.items.len()), (shape, oid, items.len()));
        }
        // Text, varchar, bpchar, name, "char" and json are their own bytes in both forms.
        _ => {
            assert_eq!(binary::read_text(literal.as_bytes()), Ok(literal));
            shown = literal.into();
            sent = literal.into();
        }
    }
    assert_eq!(String::from_utf8(shown).unwrap(), literal, "{name}");
    sent
}

#[test]
fn both_forms_are_those_of_postgresql() {
    golden::check("postgres_types.txt", |case| {
        let (name, literal) = case.split_once(' ').unwrap_or((case, ""));
        hex(&both(name, &String::from_utf8(golden::unescape(literal)).unwrap()))
    });
}

#[test]
fn what_does_not_read() {
    let shown = |error: TypeError| format!("{} {error}", error.code());
    let int = |text| shown(text::read_int4(text).unwrap_err());
    assert_eq!(int("x"), "22P02 invalid input syntax for type integer");
    assert_eq!(int(""), "22P02 invalid input syntax for type integer");
    assert_eq!(int("1_0"), "22P02 invalid input syntax for type integer");
    assert_eq!(int("2147483648"), "22003 value is out of range for type integer");
    assert_eq!(text::read_int4(" +7\n"), Ok(7));
    assert_eq!(text::read_oid("-1"), Ok(u32::MAX));
    assert_eq!(shown(text::read_date("x").unwrap_err()).split(' ').next(), Some("22007"));
    assert_eq!(shown(text::read_date("2023-02-30").unwrap_err()).split(' ').next(), Some("22008"));
    assert_eq!(text::read_bool(" TRU "), Ok(true));
    assert_eq!(text::read_bool("o"), Err(TypeError::Syntax("boolean")));
    assert_eq!(binary::read_int4(b"abc"), Err(TypeError::TooShort));
    assert_eq!(binary::read_int4(b"abcde"), Err(TypeError::TooLong));
    assert!(binary::read_time(&86_400_000_001_i64.to_be_bytes()).is_err());
    assert!(binary::read_timestamp(&(i64::MAX - 1).to_be_bytes()).is_err());
    assert!(binary::read_date(&2_145_031_949_i32.to_be_bytes()).is_err());
    assert!(binary::read_jsonb(b"\x02{}").is_err());
    let mut escaped = Vec::new();
    text::write_bytea_escape(&mut escaped, b"a\\\0\xff");
    assert_eq!(escaped, b"a\\\\\\000\\377");
}

#[test]
fn arrays_that_do_not_add_up() {
    for bad in [
        "",
        "1,2",
        "{1,2",
        "{1,2}}",
        "{1,,2}",
        "{,}",
        "{1,}",
        "{{1},{2,3}}",
        "{{1},2}",
        "{1,{2}}",
        "{\"a}",
        "{\"a\"b}",
        "{a\"b\"}",
        "{a\\",
        "[1:2]={1}",
        "[2:1]={}",
        "[1:1]{1}",
        "{a{b}",
    ] {
        assert_eq!(read_text(bad), Err(TypeError::ArraySyntax), "{bad}");
    }
    assert_eq!(read_text("{{{{{{{1}}}}}}}"), Err(TypeError::ArrayDimensions));
    let items = |text| read_text(text).unwrap().1;
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        items(" { a b , \"\" ,nUlL,\"null\",\\n } "),
        [some("a b"), some(""), None, some("null"), some("n")]
    );
    assert_eq!(read_binary(b"\0\0\0\x07"), Err(TypeError::ArrayDimensions));
    let empty =
        [&[0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 23, 7, 0, 0, 0, 0, 0, 0, 1][..], &[0; 8]].concat();
    assert_eq!(read_binary(&empty).unwrap().shape, Shape::default());
    let huge = [&[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23][..], &[7, 0, 0, 0, 0, 0, 0, 1]].concat();
    assert_eq!(read_binary(&huge), Err(TypeError::TooShort));
}

/// Eight bytes of header and one group are a number of 64 000 digits: reading it costs no more than
/// they do.
#[test]
fn the_zeros_of_a_whole_numeric_are_not_written_out() {
    let bytes = [0, 1, 0x3e, 0x80, 0x40, 0, 0, 0, 0, 7];
    for _ in 0..20_000 {
        let number = numeric::read(&bytes).unwrap();
        assert_eq!((number.digits(), number.magnitude()), (1, Some(64_001)));
    }
    let number = numeric::read(&bytes).unwrap();
    assert_eq!(number, text::read_numeric("-7e64000").unwrap());
    let mut out = Vec::new();
    numeric::write(&mut out, &number).unwrap();
    assert_eq!(out, bytes);
    assert_eq!(numeric::read(&[0, 0, 0x10, 0, 0, 0, 0, 0]).unwrap().to_string(), "0");
}

#[test]
fn a_numeric_that_claims_zeros_is_cut_at_its_scale() {
    // Groups behind the scale are cut, zeros before the first group count.
    let bytes = [0, 2, 0, 0, 0, 0, 0, 1, 0, 1, 0x26, 0x94];
    assert_eq!(numeric::read(&bytes).unwrap().to_string(), "1.9");
    let small = [0, 1, 0xff, 0xfe, 0x40, 0, 0, 6, 0, 99];
    assert_eq!(numeric::read(&small).unwrap().to_string(), "0.000000");
    let small = [0, 1, 0xff, 0xfe, 0x40, 0, 0, 8, 0, 99];
    assert_eq!(numeric::read(&small).unwrap().to_string(), "-0.00000099");
    assert!(numeric::read(&[0, 1, 0, 0, 0, 0, 0, 0, 0x27, 0x10]).is_err());
    assert!(numeric::read(&[0, 0, 0, 0, 0x10, 0, 0, 0]).is_err());
    assert_eq!(numeric::read(&[0, 1, 0, 0]).err(), Some(TypeError::TooShort));
    // An exponent form (Decimal128) is written out.
    let mut out = Vec::new();
    numeric::write(&mut out, &Decimal::new(12, -5).unwrap()).unwrap();
    assert_eq!(hex(&out), "000100010000000000".to_owned() + "78");
}

/// Texts that need quotes, and texts that do not.
fn item() -> impl Strategy<Value = String> {
    prop_oneof!["[ab{},\"\\\\ \t]{0,5}", "\\PC{0,5}", "(?i)null"]
}

proptest! {
    #![proptest_config(crate::cases(400))]

    #[test]
    fn numerics_round_trip(mantissa in any::<i128>(), shift in 0_u32..127, scale in 0..60_i32) {
        let value = Decimal::new(mantissa >> shift, scale).unwrap();
        let mut out = Vec::new();
        numeric::write(&mut out, &value).unwrap();
        let back = numeric::read(&out).unwrap();
        prop_assert_eq!(back.to_string(), value.to_string());
    }

    #[test]
    fn long_numerics_round_trip(whole in "[1-9][0-9]{0,120}", fraction in "[0-9]{0,90}") {
        let value = Decimal::parse(&format!("-{whole}.{fraction}")).unwrap();
        let mut out = Vec::new();
        numeric::write(&mut out, &value).unwrap();
        prop_assert_eq!(numeric::read(&out).unwrap().to_string(), value.to_string());
    }

    #[test]
    fn arrays_round_trip(
        items in proptest::collection::vec(proptest::option::of(item()), 0..12),
        columns in 1_usize..4,
    ) {
        let rows = items.len() / columns;
        let items = &items[..rows * columns];
        let shape = match rows {
            0 => Shape::default(),
            _ => Shape([(rows as i32, 1), (columns as i32, 1)].into_iter().collect()),
        };
        let mut out = Vec::new();
        let write = |out: &mut Vec<u8>, item: &String| out.extend_from_slice(item.as_bytes());
        write_text(&mut out, &shape, items.iter().map(Option::as_ref), write);
        let text = String::from_utf8(out).unwrap();
        prop_assert_eq!(read_text(&text), Ok((shape.clone(), items.to_vec())), "{}", text);
        let mut out = Vec::new();
        write_binary(&mut out, &shape, 25, items.iter().map(Option::as_ref), write);
        let back = read_binary(&out).unwrap();
        prop_assert_eq!(back.shape, shape);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let texts: Vec<_> = back.items.iter().map(|item| item.map(text)).collect();
        prop_assert_eq!(texts, items);
    }

    #[test]
    fn hostile_values_never_panic(
        bytes in proptest::collection::vec(
            prop_oneof![Just(0_u8), Just(1), Just(255), any::<u8>()], 0..50),
        words in "[{}\\[\\]:=,\"\\\\ a1]{0,20}",
    ) {
        let _ = (numeric::read(&bytes), read_binary(&bytes), binary::read_interval(&bytes));
        let _ = (binary::read_date(&bytes), binary::read_timestamp(&bytes));
        if let Ok((shape, items)) = read_text(&words) {
            let mut out = Vec::new();
            let write = |out: &mut Vec<u8>, item: &String| out.extend_from_slice(item.as_bytes());
            write_text(&mut out, &shape, items.iter().map(Option::as_ref), write);
            prop_assert_eq!(read_text(std::str::from_utf8(&out).unwrap()), Ok((shape, items)));
        }
    }
}
