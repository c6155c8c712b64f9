//! PostgreSQL's messages against a recorded server; splits, hostile bytes, round trips.

use proptest::prelude::*;
use protocol::limits::PostgresLimits;
use protocol::postgres::codec::backend::{Authentication, CopyDirection, RowTooLarge};
use protocol::postgres::codec::frontend::{password, sasl_initial, wanted};
use protocol::postgres::codec::{
    BackendWriter, Column, ErrorFields, Format, Formats, Frontend, Phase, Severity, Startup,
    Transaction, frame, startup,
};
use protocol::postgres::error::{SqlState, StartupError};

use crate::golden;

const LIMITS: PostgresLimits = PostgresLimits::DEFAULT;

/// Every message of `input` in pieces that end at `cuts`, and the first error.
fn all(input: &[u8], cuts: &[usize]) -> (Vec<String>, Option<String>) {
    let (mut start, mut found) = (0, Vec::new());
    for end in cuts.iter().copied().chain([input.len()]) {
        loop {
            match frame(&input[start..end], Phase::Session, &LIMITS) {
                Ok(None) => break,
                Err(error) => return (found, Some(format!("FATAL {} {error}", error.code()))),
                Ok(Some(frame)) => {
                    assert_eq!(wanted(&input[start..]), Some(frame.length()));
                    start += frame.length();
                    match Frontend::parse(&frame) {
                        Ok(message) => found.push(format!("{message:?}")),
                        Err(error) => {
                            return (found, Some(format!("ERROR {} {error}", error.code())));
                        }
                    }
                }
            }
        }
    }
    (found, None)
}

#[test]
fn refuses_what_postgresql_refuses() {
    golden::check("postgres_protocol.txt", |case| {
        let bytes = golden::unescape(case);
        let whole = all(&bytes, &[]);
        for cut in 0..bytes.len() {
            assert_eq!(all(&bytes, &[cut]), whole, "{case} cut at {cut}");
        }
        whole.1.unwrap_or_else(|| "ok".into())
    });
}

fn packet(code: u32, body: &[u8]) -> Vec<u8> {
    let mut out = (body.len() as u32 + 8).to_be_bytes().to_vec();
    out.extend_from_slice(&code.to_be_bytes());
    out.extend_from_slice(body);
    out
}

#[test]
fn startup_packets() {
    let error = |bytes: &[u8]| startup(bytes, &LIMITS).unwrap_err();
    let ssl = packet(80_877_103, b"");
    assert_eq!(startup(&ssl, &LIMITS), Ok(Some((Startup::Ssl, 8))));
    for cut in 0..8 {
        assert_eq!(startup(&ssl[..cut], &LIMITS), Ok(None));
    }
    let gss = packet(80_877_104, b"");
    assert_eq!(startup(&gss, &LIMITS), Ok(Some((Startup::Gss, 8))));
    let cancel = packet(80_877_102, b"\0\0\0\x07abcd");
    let wanted = Startup::Cancel { process: 7, secret: b"abcd" };
    assert_eq!(startup(&cancel, &LIMITS), Ok(Some((wanted, 16))));
    assert_eq!(error(&packet(80_877_102, b"\0\0\0\x07abc")), StartupError::Length);
    assert_eq!(error(&packet(2 << 16, b"")).code(), SqlState::FEATURE_NOT_SUPPORTED);
    assert_eq!(error(b"\0\0\0\x07xxxx"), StartupError::Length);
    assert_eq!(error(b"\xff\xff\xff\xff"), StartupError::Length);
    assert_eq!(error(&packet(3 << 16, b"user\0x\0")), StartupError::Layout);
    assert_eq!(error(&packet(3 << 16, b"user\0x\0\0y")), StartupError::Layout);
    assert_eq!(error(&packet(3 << 16, b"user\0x")), StartupError::Layout);
    assert_eq!(error(&packet(3 << 16, b"user")), StartupError::Layout);
    assert_eq!(error(&packet(3 << 16, b"")), StartupError::Layout);
    assert_eq!(error(&packet(3 << 16, b"\0")), StartupError::NoUser);
    assert_eq!(error(&packet(3 << 16, b"user\0\0\0")), StartupError::NoUser);
    assert!(matches!(error(&packet(3 << 16, b"user\0\xff\0\0")), StartupError::Text(_)));
}

#[test]
fn a_newer_client_is_told_what_we_speak() {
    let bytes = packet((3 << 16) | 2, b"user\0ann\0_pq_.x\x001\0application_name\0\0\0");
    let Ok(Some((Startup::Session(message), length))) = startup(&bytes, &LIMITS) else {
        panic!("no session")
    };
    assert_eq!(length, bytes.len());
    assert!(message.needs_negotiation());
    assert_eq!((message.user(), message.database()), ("ann", "ann"));
    assert_eq!(message.get("application_name"), Some(""));
    assert_eq!(message.parameters().count(), 3);
    let mut out = Vec::new();
    BackendWriter::new(&mut out).negotiate_protocol_version(message.unknown_options());
    assert_eq!(
        golden::escape(&out),
        r"v\x00\x00\x00\x13\x00\x03\x00\x00\x00\x00\x00\x01_pq_.x\x00"
    );
    let plain = packet(3 << 16, b"user\0ann\0database\0d\0\0");
    let Ok(Some((Startup::Session(message), _))) = startup(&plain, &LIMITS) else { panic!() };
    assert!(!message.needs_negotiation());
    assert_eq!(message.database(), "d");
}

#[test]
fn limits_depend_on_the_type_and_come_before_the_bytes() {
    let limits = PostgresLimits {
        message_bytes_max: 100,
        small_message_bytes_max: 20,
        authentication_bytes_max: 50,
        ..LIMITS
    };
    let check = |kind: u8, length: u32, phase| {
        let mut bytes = vec![kind];
        bytes.extend_from_slice(&length.to_be_bytes());
        frame(&bytes, phase, &limits).map(|frame| frame.is_some())
    };
    assert_eq!(check(b'Q', 100, Phase::Session), Ok(false));
    assert!(check(b'Q', 101, Phase::Session).is_err());
    assert!(check(b'S', 21, Phase::Session).is_err());
    assert!(check(b'S', 3, Phase::Session).is_err());
    assert_eq!(check(b'S', 4, Phase::Session), Ok(true));
    assert!(check(b'p', 10, Phase::Session).is_err());
    assert_eq!(check(b'p', 50, Phase::Authentication), Ok(false));
    assert!(check(b'p', 51, Phase::Authentication).is_err());
    let error = check(b'Q', 10, Phase::Authentication).unwrap_err();
    assert_eq!(error.to_string(), "expected password response, got message type 81");
}

#[test]
fn authentication_answers() {
    assert_eq!(password(b"secret\0"), Ok("secret"));
    assert!(password(b"secret").is_err());
    assert!(password(b"secret\0x").is_err());
    let sasl = b"SCRAM-SHA-256\0\0\0\0\x03n,,";
    assert_eq!(sasl_initial(sasl), Ok(("SCRAM-SHA-256", Some(&b"n,,"[..]))));
    assert_eq!(sasl_initial(b"X\0\xff\xff\xff\xff"), Ok(("X", None)));
    assert!(sasl_initial(b"X\0\0\0\0\x09n").is_err());
}

#[test]
fn every_backend_message() {
    let mut out = Vec::new();
    let mut w = BackendWriter::new(&mut out);
    w.authentication(Authentication::Ok);
    w.authentication(Authentication::Sasl(&["SCRAM-SHA-256"]));
    w.parameter_status("TimeZone", "UTC");
    w.backend_key_data(7, &[1, 2, 3, 4]);
    w.ready_for_query(Transaction::Failed);
    w.row_description(
        [Column {
            name: "n\0o",
            table: 16_384,
            attribute: 2,
            type_oid: 23,
            type_size: 4,
            type_modifier: -1,
            format: Format::Binary,
        }]
        .into_iter(),
    );
    let mut row = w.data_row(100);
    row.bytes(b"ab");
    row.null();
    row.field(|out| out.push(b'x'));
    row.finish().unwrap();
    w.command_complete_rows("INSERT 0", 12);
    w.command_complete("BEGIN");
    w.empty_query_response();
    w.parameter_description(&[23, 25]);
    w.no_data();
    w.parse_complete();
    w.bind_complete();
    w.close_complete();
    w.portal_suspended();
    w.copy_response(CopyDirection::In, Format::Text, 2);
    w.copy_data(|out| out.extend_from_slice(b"a\tb\n"));
    w.copy_done();
    w.notification_response(7, "c", "p");
    w.function_call_response(None);
    w.error_response(&ErrorFields {
        detail: Some("d"),
        hint: Some("h"),
        position: Some(8),
        constraint: Some("k"),
        ..ErrorFields::new(Severity::Error, SqlState("23505"), "m")
    });
    w.notice_response(&ErrorFields::new(Severity::Notice, SqlState("00000"), "n"));
    let mut shown = String::new();
    let mut rest = &out[..];
    while !rest.is_empty() {
        let length = u32::from_be_bytes(rest[1..5].try_into().unwrap()) as usize + 1;
        shown.push_str(&format!("{} {}\n", char::from(rest[0]), golden::escape(&rest[5..length])));
        rest = &rest[length..];
    }
    let wanted = [
        r"R \x00\x00\x00\x00",
        r"R \x00\x00\x00\nSCRAM-SHA-256\x00\x00",
        r"S TimeZone\x00UTC\x00",
        r"K \x00\x00\x00\x07\x01\x02\x03\x04",
        r"Z E",
        concat!(
            r"T \x00\x01n\x00\x00\x00@\x00\x00\x02\x00\x00\x00\x17\x00\x04\xff\xff\xff\xff",
            r"\x00\x01"
        ),
        r"D \x00\x03\x00\x00\x00\x02ab\xff\xff\xff\xff\x00\x00\x00\x01x",
        r"C INSERT 0 12\x00",
        r"C BEGIN\x00",
        r"I ",
        r"t \x00\x02\x00\x00\x00\x17\x00\x00\x00\x19",
        r"n ",
        r"1 ",
        r"2 ",
        r"3 ",
        r"s ",
        r"G \x00\x00\x02\x00\x00\x00\x00",
        r"d a\tb\n",
        r"c ",
        r"A \x00\x00\x00\x07c\x00p\x00",
        r"V \xff\xff\xff\xff",
        r"E SERROR\x00VERROR\x00C23505\x00Mm\x00Dd\x00Hh\x00P8\x00nk\x00\x00",
        r"N SNOTICE\x00VNOTICE\x00C00000\x00Mn\x00\x00",
    ];
    assert_eq!(shown.lines().collect::<Vec<_>>(), wanted);
}

#[test]
fn a_row_that_fails_leaves_nothing() {
    let mut out = b"before".to_vec();
    let mut w = BackendWriter::new(&mut out);
    let mut row = w.data_row(10);
    row.bytes(b"abc");
    assert_eq!(row.try_field(|_| Err("no")), Err("no"));
    drop(row);
    let mut row = w.data_row(2);
    row.bytes(b"abc");
    assert_eq!(row.finish(), Err(RowTooLarge));
    assert_eq!(out, b"before");
}

fn bind(portal: &str, formats: &[u16], values: &[Option<Vec<u8>>], results: &[u16]) -> Vec<u8> {
    let mut body = format!("{portal}\0s\0").into_bytes();
    let list = |body: &mut Vec<u8>, codes: &[u16]| {
        body.extend_from_slice(&(codes.len() as u16).to_be_bytes());
        codes.iter().for_each(|code| body.extend_from_slice(&code.to_be_bytes()));
    };
    list(&mut body, formats);
    body.extend_from_slice(&(values.len() as u16).to_be_bytes());
    for value in values {
        let length = value.as_ref().map_or(-1, |value| value.len() as i32);
        body.extend_from_slice(&length.to_be_bytes());
        body.extend(value.iter().flatten());
    }
    list(&mut body, results);
    let mut out = vec![b'B'];
    out.extend_from_slice(&(body.len() as u32 + 4).to_be_bytes());
    out.extend_from_slice(&body);
    out
}

#[test]
fn formats_answer_for_any_column() {
    assert_eq!(Formats::TEXT.of(usize::MAX / 4), Format::Text);
    let bytes = bind("", &[], &[], &[1]);
    let frame_of = |bytes| frame(bytes, Phase::Session, &LIMITS).unwrap().unwrap();
    let Ok(Frontend::Bind(one)) = Frontend::parse(&frame_of(&bytes)) else { panic!() };
    assert_eq!((one.results.of(0), one.results.of(900)), (Format::Binary, Format::Binary));
    assert!(one.results.check_columns(7).is_ok());
    let bytes = bind("", &[], &[], &[1, 0]);
    let Ok(Frontend::Bind(two)) = Frontend::parse(&frame_of(&bytes)) else { panic!() };
    assert_eq!((two.results.of(0), two.results.of(1)), (Format::Binary, Format::Text));
    assert_eq!(two.results.of(2), Format::Text);
    assert_eq!(
        two.results.check_columns(3).unwrap_err().to_string(),
        "bind message has 2 result formats but query has 3 columns"
    );
}

proptest! {
    #![proptest_config(crate::cases(300))]

    #[test]
    fn bind_round_trips(
        portal in "[a-zé]{0,8}",
        values in proptest::collection::vec(
            proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40)), 0..9),
        binary in any::<bool>(),
        cut in 0.0..1.0_f64,
    ) {
        let formats = vec![u16::from(binary); values.len()];
        let bytes = bind(&portal, &formats, &values, &[0]);
        let cut = (bytes.len() as f64 * cut) as usize;
        prop_assert_eq!(frame(&bytes[..cut], Phase::Session, &LIMITS), Ok(None));
        let frame = frame(&bytes, Phase::Session, &LIMITS).unwrap().unwrap();
        let Ok(Frontend::Bind(bind)) = Frontend::parse(&frame) else { panic!("no Bind") };
        prop_assert_eq!(bind.portal, portal);
        prop_assert_eq!(bind.values.len(), values.len());
        let found: Vec<_> = bind.values.map(|value| value.map(<[u8]>::to_vec)).collect();
        prop_assert_eq!(found, values);
        if !formats.is_empty() {
            prop_assert_eq!(bind.formats.of(0) == Format::Binary, binary);
        }
    }

    #[test]
    fn hostile_bodies_never_panic(
        kind in proptest::sample::select(&b"QPBDEFCd"[..]),
        body in proptest::collection::vec(
            prop_oneof![Just(0_u8), Just(1), Just(255), any::<u8>()], 0..60),
        cuts in proptest::collection::vec(0_usize..64, 0..4),
    ) {
        let mut bytes = vec![kind];
        bytes.extend_from_slice(&(body.len() as u32 + 4).to_be_bytes());
        bytes.extend_from_slice(&body);
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.sort_unstable();
        prop_assert_eq!(all(&bytes, &cuts), all(&bytes, &[]));
    }

    #[test]
    fn hostile_startup_never_panics(
        code in prop_oneof![Just(3_u32 << 16), Just(80_877_102), any::<u32>()],
        body in proptest::collection::vec(
            prop_oneof![Just(0_u8), Just(b'u'), any::<u8>()], 0..40),
    ) {
        if let Ok(Some((Startup::Session(message), _))) = startup(&packet(code, &body), &LIMITS) {
            prop_assert!(!message.user().is_empty());
            prop_assert!(message.parameters().count() < 40);
        }
    }
}
