//! What people and clients write: JSON and the text forms of the scalar types.
//!
//! ```text
//!   text ─parse─► value ─format─► text' ─parse─► the same value
//! ```
//!
//! A form's first byte chooses which parser the rest is given to, so that the fuzzer need not find
//! out from the text.

use value::cbor::{self, Limits};
use value::json::{self, Options, Style};
use value::text::{datetime as dt, float, id, interval};
use value::{Decimal, Raw};

/// A few bytes are a number of 131 072 digits, and reading those back costs their square: what is
/// longer than this is left to the tests of `value`.
const DIGITS_MAX: usize = 20_000;

/// A text as JSON.
pub fn json(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let options = Options::default();
    let strict = Options { allow_nul: false, ..options };
    let parsed = json::parse(text, &options);
    if let Err(error) = &parsed {
        assert!(error.offset <= text.len());
        assert!(json::parse(text, &strict).is_err(), "strict reads no more");
        return;
    }
    let bytes = parsed.unwrap();
    cbor::validate(&bytes, &Limits::default()).expect("what the parser writes is valid");
    let raw = Raw::new(&bytes);
    let value = raw.to_value().expect("valid");
    assert_eq!(json::parse_value(text, &options), Ok(value));
    // Not the same value: `8e2` is a decimal and its text, 800, an integer.
    for style in [Style::JSONB, Style::COMPACT, Style::SPACED, Style::PRETTY] {
        let written = raw.to_json(style).expect("valid");
        if written.len() > DIGITS_MAX {
            continue;
        }
        let again = json::parse(&written, &options).expect("what was written is read");
        let back = Raw::new(&again).to_json(style).expect("valid");
        assert_eq!(back, written, "{style:?}");
    }
}

/// A text as a date, a time, a number, an id …
pub fn text(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    match kind % 12 {
        0 => {
            let Ok(days) = dt::parse_date(text) else { return };
            assert_eq!(dt::parse_date(&dt::format_date(days)), Ok(days));
        }
        1 => {
            let Ok(micros) = dt::parse_time(text) else { return };
            assert_eq!(dt::parse_time(&dt::format_time(micros)), Ok(micros));
        }
        2 => {
            let Ok(micros) = dt::parse_timestamp(text) else { return };
            assert_eq!(dt::parse_timestamp(&dt::format_timestamp(micros)), Ok(micros));
            assert_eq!(dt::parse_timestamp(&dt::format_timestamp_iso(micros)), Ok(micros));
        }
        3 => {
            let Ok(micros) = dt::parse_timestamp_tz(text, 3_600) else { return };
            let written = dt::format_timestamp_tz(micros, 0);
            assert_eq!(dt::parse_timestamp_tz(&written, 3_600), Ok(micros), "{written}");
        }
        4 => {
            let Ok(value) = interval::parse(text) else { return };
            let written = interval::format(value);
            assert_eq!(interval::parse(&written), Ok(value), "{written}");
        }
        5 => {
            let Ok(uuid) = id::parse_uuid(text) else { return };
            assert_eq!(id::parse_uuid(&id::format_uuid(&uuid)), Ok(uuid));
        }
        6 => {
            let Ok(object) = id::parse_object_id(text) else { return };
            assert_eq!(id::parse_object_id(&id::format_object_id(&object)), Ok(object));
        }
        7 => {
            let Ok(bytes) = id::parse_bytes(text) else { return };
            assert_eq!(id::parse_bytes(&id::format_bytes(&bytes)), Ok(bytes));
        }
        8 => floats(text),
        9 => {
            let Ok(number) = Decimal::parse(text) else { return };
            if number.magnitude().is_some_and(|digits| digits > DIGITS_MAX as i64) {
                return;
            }
            let back = Decimal::parse(&number.to_string()).expect("what was written is read");
            // Beyond an i128 a negative scale is kept, which a plain text cannot say.
            assert!(back.identical(&number) || number.scale() < 0 && back == number, "{number}");
        }
        10 => {
            let Ok(number) = Decimal::parse_exact(text) else { return };
            let written = number.to_scientific();
            let back = Decimal::parse_exact(&written).expect("what was written is read");
            assert!(back.identical(&number), "{written}");
        }
        _ => {
            let _ = (dt::parse_parts(text), dt::parse_offset(text));
        }
    }
}

fn floats(text: &str) {
    if let Ok(n) = float::parse_f64(text) {
        for written in [float::format_f64(n), float::format_f64_plain(n), float::format_redis(n)] {
            let back = float::parse_f64(&written).expect("what was written is read");
            assert!(back == n || back.is_nan() && n.is_nan(), "{written}");
        }
    }
    if let Ok(n) = float::parse_f32(text) {
        let back = float::parse_f32(&float::format_f32(n)).expect("what was written is read");
        assert!(back == n || back.is_nan() && n.is_nan(), "{n}");
    }
}
