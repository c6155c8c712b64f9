//! PostgreSQL's wire without a session: packets, messages, the forms of types, COPY data.
//!
//! ```text
//!   00 startup packet     01 messages       02 COPY text or CSV
//!   03 text forms         04 binary forms   05 arrays
//! ```
//!
//! Promises: a packet is found when its last byte is there and not before; COPY rows do not depend
//! on where the data was cut; what is written in a form is read in it.

use protocol::limits::PostgresLimits;
use protocol::postgres::codec::frontend::{password, sasl_initial, wanted};
use protocol::postgres::codec::{Frontend, Phase, Startup, frame, startup};
use protocol::postgres::copy::{CopyOptions, CopyReader, Csv, write_row};
use protocol::postgres::types::{array, binary, numeric, text};

use crate::input::Input;

const LIMITS: PostgresLimits = PostgresLimits::DEFAULT;

/// Bytes as what the first byte says.
pub fn codec(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    match kind % 6 {
        0 => first_packet(rest),
        1 => messages(rest),
        2 => copy(rest),
        3 => text_forms(rest),
        4 => binary_forms(rest),
        _ => arrays(rest),
    }
}

fn first_packet(data: &[u8]) {
    let whole = startup(data, &LIMITS);
    let Ok(Some((packet, length))) = whole else { return };
    assert!(length <= data.len());
    assert_eq!(startup(&data[..length], &LIMITS), Ok(Some((packet, length))));
    for cut in [0, 1, 3, 4, 7, 8, length - 1] {
        let part = startup(&data[..cut.min(length - 1)], &LIMITS);
        assert_eq!(part, Ok(None), "cut at {cut} of {length}");
    }
    if let Startup::Session(message) = packet {
        assert!(!message.user().is_empty() && !message.database().is_empty());
        let _ = (message.parameters().count(), message.needs_negotiation());
        for (name, value) in message.parameters() {
            assert!(!name.contains('\0') && !value.contains('\0'));
        }
    }
}

fn messages(data: &[u8]) {
    let (phase, mut rest) = match data.split_first() {
        Some((b'a', rest)) => (Phase::Authentication, rest),
        _ => (Phase::Session, data),
    };
    while let Ok(Some(found)) = frame(rest, phase, &LIMITS) {
        let length = found.length();
        assert_eq!(wanted(rest), Some(length));
        for cut in [0, 1, 4, 5, length - 1] {
            let part = frame(&rest[..cut.min(length - 1)], phase, &LIMITS);
            assert!(matches!(part, Ok(None)), "cut at {cut} of {length}");
        }
        match Frontend::parse(&found) {
            Ok(Frontend::Bind(bind)) => {
                let values = bind.values.count();
                for at in 0..values {
                    let _ = (bind.formats.of(at), bind.results.of(at));
                }
                let _ = bind.results.check_columns(values);
            }
            Ok(Frontend::Parse { types, .. }) => assert_eq!(types.iter().count(), types.count()),
            Ok(Frontend::FunctionCall { values, .. }) => drop(values.count()),
            Ok(Frontend::Authentication(body)) => {
                let _ = (password(body).is_ok(), sasl_initial(body).is_ok());
            }
            _ => {}
        }
        rest = &rest[length..];
    }
}

type Rows = Vec<Vec<Option<String>>>;

/// All rows up to the end or the error, and the error.
fn read_copy(options: &CopyOptions, data: &[u8], piece: usize) -> (Rows, Option<String>) {
    let mut reader = CopyReader::new(options.clone(), 4096);
    let mut rows = Rows::new();
    let mut pieces = data.chunks(piece.max(1));
    loop {
        match reader.next_row() {
            Err(error) => return (rows, Some(error.to_string())),
            Ok(Some(row)) => rows.push(row.iter().map(|f| f.map(str::to_owned)).collect()),
            Ok(None) => match pieces.next() {
                Some(piece) => reader.push(piece),
                None => {
                    reader.finish();
                    break;
                }
            },
        }
    }
    loop {
        match reader.next_row() {
            Err(error) => return (rows, Some(error.to_string())),
            Ok(Some(row)) => rows.push(row.iter().map(|f| f.map(str::to_owned)).collect()),
            Ok(None) => return (rows, None),
        }
    }
}

fn copy(data: &[u8]) {
    let mut input = Input::new(data);
    let shape = input.u8();
    let mut options = if shape & 1 == 0 { CopyOptions::text() } else { CopyOptions::csv() };
    let plain = shape & 2 == 0;
    if !plain {
        options.delimiter = input.u8();
        options.null = input.sized().to_vec();
        options.header = shape & 4 != 0;
        if options.csv.is_some() {
            let (quote, escape) = (input.u8(), input.u8());
            options.csv = Some(Csv { quote, escape, ..Csv::default() });
        }
        if options.check().is_err() {
            return;
        }
    }
    let piece = 1 + input.below(40);
    let data = input.rest();
    let whole = read_copy(&options, data, data.len());
    let parts = read_copy(&options, data, piece);
    assert_eq!(whole, parts, "pieces of {piece} bytes");
    if !plain {
        return;
    }
    let mut written = Vec::new();
    for row in &whole.0 {
        let fields = row.iter().map(|field| field.as_ref().map(String::as_bytes));
        write_row(&mut written, &options, fields);
    }
    assert_eq!(read_copy(&options, &written, 7), (whole.0, None), "what was written is read");
}

/// Reads a text, writes the value, and reads that.
macro_rules! there_and_back {
    ($text:ident, $read:path, $write:path $(, $offset:literal)?) => {
        if let Ok(value) = $read($text $(, $offset)?) {
            let mut out = Vec::new();
            $write(&mut out, value $(, $offset)?);
            let written = std::str::from_utf8(&out).expect("text is UTF-8");
            let back = $read(written $(, $offset)?).expect("what was written is read");
            assert_eq!(format!("{back:?}"), format!("{value:?}"), "{written}");
        }
    };
}

fn text_forms(data: &[u8]) {
    let Ok(form) = binary::read_text(data) else { return };
    there_and_back!(form, text::read_bool, text::write_bool);
    there_and_back!(form, text::read_int2, text::write_int);
    there_and_back!(form, text::read_int4, text::write_int);
    there_and_back!(form, text::read_int8, text::write_int);
    there_and_back!(form, text::read_oid, text::write_int);
    there_and_back!(form, text::read_float4, text::write_float4);
    there_and_back!(form, text::read_float8, text::write_float8);
    there_and_back!(form, text::read_date, text::write_date);
    there_and_back!(form, text::read_time, text::write_time);
    there_and_back!(form, text::read_timestamp, text::write_timestamp);
    there_and_back!(form, text::read_timestamptz, text::write_timestamptz, 0);
    there_and_back!(form, text::read_interval, text::write_interval);
    if let Ok(number) = text::read_numeric(form) {
        let mut out = Vec::new();
        if numeric::write(&mut out, &number).is_ok() {
            assert_eq!(numeric::read(&out), Ok(number.clone()), "{form}");
        }
        out.clear();
        text::write_numeric(&mut out, &number);
        let written = std::str::from_utf8(&out).expect("text is UTF-8");
        assert_eq!(text::read_numeric(written), Ok(number), "{written}");
    }
    if let Ok(bytes) = text::read_bytea(form) {
        for write in [text::write_bytea, text::write_bytea_escape] {
            let mut out = Vec::new();
            write(&mut out, &bytes);
            let written = std::str::from_utf8(&out).expect("text is UTF-8");
            assert_eq!(text::read_bytea(written).as_ref(), Ok(&bytes), "{written}");
        }
    }
    if let Ok(uuid) = text::read_uuid(form) {
        let mut out = Vec::new();
        text::write_uuid(&mut out, &uuid);
        assert_eq!(text::read_uuid(std::str::from_utf8(&out).expect("ASCII")), Ok(uuid));
    }
}

fn binary_forms(data: &[u8]) {
    let _ = (binary::read_bool(data), binary::read_int2(data), binary::read_int4(data));
    let _ = (binary::read_int8(data), binary::read_oid(data), binary::read_float4(data));
    let _ = (binary::read_float8(data), binary::read_uuid(data), binary::read_jsonb(data));
    let _ = binary::read_text(data);
    let mut out = Vec::new();
    if let Ok(days) = binary::read_date(data)
        && binary::write_date(&mut out, days).is_ok()
    {
        assert_eq!(binary::read_date(&out), Ok(days));
    }
    out.clear();
    if let Ok(micros) = binary::read_timestamp(data)
        && binary::write_timestamp(&mut out, micros).is_ok()
    {
        assert_eq!(binary::read_timestamp(&out), Ok(micros));
    }
    out.clear();
    if let Ok(micros) = binary::read_time(data) {
        binary::write_time(&mut out, micros);
        assert_eq!(out, data);
    }
    out.clear();
    if let Ok(interval) = binary::read_interval(data) {
        binary::write_interval(&mut out, interval);
        assert_eq!(out, data);
    }
    out.clear();
    if let Ok(number) = numeric::read(data) {
        let _ = number.to_string();
        if numeric::write(&mut out, &number).is_ok() {
            assert_eq!(numeric::read(&out), Ok(number));
        }
    }
}

fn arrays(data: &[u8]) {
    if let Ok(found) = array::read_binary(data) {
        assert_eq!(found.shape.count(), Ok(found.items.len()));
        let mut out = Vec::new();
        let write = |out: &mut Vec<u8>, item: &[u8]| out.extend_from_slice(item);
        array::write_binary(&mut out, &found.shape, found.element, found.items.clone(), write);
        assert_eq!(array::read_binary(&out), Ok(found));
    }
    let Ok(form) = std::str::from_utf8(data) else { return };
    let Ok((shape, items)) = array::read_text(form) else { return };
    assert_eq!(shape.count(), Ok(items.len()), "{form}");
    let mut out = Vec::new();
    let write = |out: &mut Vec<u8>, item: &str| out.extend_from_slice(item.as_bytes());
    array::write_text(&mut out, &shape, items.iter().map(Option::as_deref), write);
    let written = std::str::from_utf8(&out).expect("text is UTF-8");
    assert_eq!(array::read_text(written), Ok((shape, items)), "{written}");
}
