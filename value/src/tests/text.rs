//! Text forms: PostgreSQL's output to the byte, and everything written can be read.

use proptest::prelude::*;

use crate::Interval;
use crate::calendar;
use crate::testing::{byte_strings, floats, intervals};
use crate::text::datetime::{self as dt, Parts, Zone};
use crate::text::{TextError, float, id, interval};

/// PostgreSQL's range of timestamps, as far as microseconds since 1970 reach.
const FIRST: i64 = -2_440_588 * calendar::MICROS_PER_DAY;

proptest! {
    #[test]
    fn dates_and_times_come_back(
        days in -2_440_588i32..=2_145_042_905, time in 0i64..=86_400_000_000,
    ) {
        prop_assert_eq!(dt::parse_date(&dt::format_date(days)), Ok(days));
        prop_assert_eq!(dt::parse_time(&dt::format_time(time)), Ok(time));
    }

    #[test]
    fn timestamps_come_back(
        micros in prop_oneof![FIRST..i64::MAX, -90_000_000_000_000i64..9_000_000_000_000],
        offset in -57_599i32..57_600, other in -57_599i32..57_600,
    ) {
        let text = dt::format_timestamp(micros);
        prop_assert_eq!(dt::parse_timestamp(&text), Ok(micros), "{}", text);
        prop_assert_eq!(dt::parse_timestamp(&dt::format_timestamp_iso(micros)), Ok(micros));
        // Local times stay within the range at both ends.
        let inner = micros.clamp(FIRST + 86_400_000_000, i64::MAX - 86_400_000_000);
        for format in [dt::format_timestamp_tz, dt::format_timestamp_tz_iso] {
            let text = format(inner, offset);
            prop_assert_eq!(dt::parse_timestamp_tz(&text, other), Ok(inner), "{}", text);
        }
        let local = dt::parse_timestamp_tz(&dt::format_timestamp(inner), offset).unwrap();
        prop_assert_eq!(local, inner - i64::from(offset) * 1_000_000);
    }

    #[test]
    fn intervals_come_back(value in intervals()) {
        let text = interval::format(value);
        prop_assert_eq!(interval::parse(&text), Ok(value), "{}", text);
    }

    #[test]
    fn floats_come_back(n in floats()) {
        let same = |back: f64| back == n || back.is_nan() && n.is_nan();
        for text in [float::format_f64(n), float::format_f64_plain(n), float::format_redis(n)] {
            prop_assert!(same(float::parse_f64(&text).unwrap()), "{}", text);
        }
        let single = n as f32;
        let back = float::parse_f32(&float::format_f32(single)).unwrap();
        prop_assert!(back == single || back.is_nan() && single.is_nan());
    }

    #[test]
    fn identifiers_and_bytes_come_back(
        uuid in any::<[u8; 16]>(), oid in any::<[u8; 12]>(), bytes in byte_strings(),
    ) {
        prop_assert_eq!(id::parse_uuid(&id::format_uuid(&uuid)), Ok(uuid));
        let braced = format!("{{{}}}", id::hex(&uuid).to_uppercase());
        prop_assert_eq!(id::parse_uuid(&braced), Ok(uuid));
        prop_assert_eq!(id::parse_object_id(&id::format_object_id(&oid)), Ok(oid));
        prop_assert_eq!(id::parse_bytes(&id::format_bytes(&bytes)), Ok(bytes));
    }

    #[test]
    fn no_text_makes_a_parser_panic(text in prop_oneof![
        "\\PC{0,20}", "[-+0-9:. TZPYMDHSWabceglnory@/\\\\x{}]{0,24}",
        "[0-9]{0,5}[ -](Jan|may|Dec)[ -,]{1,2}[0-9]{0,5}[ T]?[0-9:]{0,8}",
        "[0-9]{1,9}-[0-9]{1,3}-[0-9]{1,3} [0-9:.]{0,16}[-+0-9:]{0,9}",
    ]) {
        let _ = (dt::parse_date(&text), dt::parse_time(&text), dt::parse_offset(&text));
        let _ = (dt::parse_timestamp(&text), dt::parse_timestamp_tz(&text, 3600));
        let _ = (id::parse_uuid(&text), id::parse_object_id(&text), id::parse_bytes(&text));
        let _ = (float::parse_f64(&text), float::parse_f32(&text));
        if let Ok(value) = interval::parse(&text) {
            prop_assert_eq!(interval::parse(&interval::format(value)), Ok(value));
        }
    }
}

#[test]
fn timestamps_as_postgresql_writes_and_reads_them() {
    let utc = |text: &str| dt::format_timestamp_tz(dt::parse_timestamp_tz(text, 0).unwrap(), 0);
    let cases = [
        ("2024-02-29 23:59:59.5+05:30", "2024-02-29 18:29:59.5+00"),
        ("2024-02-29T23:59:59Z", "2024-02-29 23:59:59+00"),
        ("20240229T235959", "2024-02-29 23:59:59+00"),
        ("2024-2-9 1:2", "2024-02-09 01:02:00+00"),
        ("2024/02/09", "2024-02-09 00:00:00+00"),
        ("2024-01-01 24:00:00", "2024-01-02 00:00:00+00"),
        ("2024-12-31 23:59:60", "2025-01-01 00:00:00+00"),
        ("2024-12-31 23:59:59.9999999", "2025-01-01 00:00:00+00"),
        ("2024-01-01 12:00 AM", "2024-01-01 00:00:00+00"),
        ("2024-01-01 12:30 pm UTC", "2024-01-01 12:30:00+00"),
        ("0044-03-15 10:00:00 BC", "0044-03-15 10:00:00+00 BC"),
        ("0044-03-15 10:00:00+00 BC", "0044-03-15 10:00:00+00 BC"),
        ("2024-01-01 00:00:00-0330", "2024-01-01 03:30:00+00"),
        ("2024-01-01 00:00:00+00:00:20", "2023-12-31 23:59:40+00"),
        ("January 8, 1999 04:05", "1999-01-08 04:05:00+00"),
        ("8 Jan 1999", "1999-01-08 00:00:00+00"),
        ("08-sept-1999", "1999-09-08 00:00:00+00"),
        ("1999-DEC-08T10:00Z", "1999-12-08 10:00:00+00"),
        ("Mar 15, 0044 BC", "0044-03-15 00:00:00+00 BC"),
        ("12024-01-01", "12024-01-01 00:00:00+00"),
        ("0001-01-01 AD", "0001-01-01 00:00:00+00"),
        ("Infinity", "infinity"),
        (" -infinity ", "-infinity"),
        ("epoch", "1970-01-01 00:00:00+00"),
    ];
    for (text, expected) in cases {
        assert_eq!(utc(text), expected, "{text}");
    }
    assert_eq!(dt::format_timestamp_tz(0, 19_800), "1970-01-01 05:30:00+05:30");
    assert_eq!(dt::format_timestamp_tz(0, -3_600), "1969-12-31 23:00:00-01");
    assert_eq!(dt::format_timestamp_tz(0, -20), "1969-12-31 23:59:40-00:00:20");
    assert_eq!(dt::format_timestamp_tz_iso(0, 0), "1970-01-01T00:00:00+00:00");
    let named = dt::parse_parts("2024-07-01 12:00 Europe/Paris");
    let micros = dt::parse_timestamp("2024-07-01 12:00").unwrap();
    assert_eq!(named, Ok(Parts::Local { micros, zone: Some(Zone::Name("Europe/Paris")) }));
    assert_eq!(dt::format_date(0), "1970-01-01");
    assert_eq!(dt::parse_date("5874897-12-31"), Ok(2_145_042_905));
    assert_eq!(dt::parse_date("4714-11-24 BC"), Ok(-2_440_588));
    assert_eq!(dt::parse_date("2024-02-29 10:00"), Ok(19_782));
}

#[test]
fn times_that_do_not_exist_are_refused() {
    use TextError::{Range, Syntax};
    let cases = [
        ("2023-02-29", Range),
        ("2024-13-01", Range),
        ("2024-00-10", Range),
        ("0000-01-01", Range),
        ("2024-01-01 25:00", Range),
        ("2024-01-01 24:00:01", Range),
        ("2024-01-01 10:60", Range),
        ("2024-01-01 13:00 PM", Range),
        ("2024-01-01 10:00+16", Range),
        ("4714-11-23 BC", Range),
        ("294248-01-01", Range),
        ("2024-01-01 10", Syntax),
        ("2024-01", Syntax),
        ("24-01-01", Syntax),
        ("8 Foo 1999", Syntax),
        ("Jan 8", Syntax),
        ("Jan 1999 8", Syntax),
        ("31 Feb 1999", Range),
        ("2024-01-01 10:00 Mars/City", Syntax),
        ("2024-01-01x", Syntax),
        ("", Syntax),
        ("yesterday", Syntax),
    ];
    for (text, error) in cases {
        assert_eq!(dt::parse_timestamp_tz(text, 0), Err(error), "{text}");
    }
    assert_eq!(dt::parse_date("5874898-01-01"), Err(Range));
    assert_eq!(dt::parse_time("24:00:00.000001"), Err(Range));
    assert_eq!(dt::parse_time("10:00+02"), Err(Syntax));
}

#[test]
fn intervals_as_postgresql_writes_and_reads_them() {
    let cases = [
        ("1 year 2 months 3 days 04:05:06.789", "1 year 2 mons 3 days 04:05:06.789"),
        ("-1 year -2 mons +3 days -04:05:06", "-1 years -2 mons +3 days -04:05:06"),
        ("-1 mon 3 days 04:05:06", "-1 mons +3 days 04:05:06"),
        ("1 day -1 second", "1 day -00:00:01"),
        ("-1 day 1 second", "-1 days +00:00:01"),
        ("0", "00:00:00"),
        ("1", "00:00:01"),
        ("@ 1 hour 30 mins ago", "-01:30:00"),
        ("1-2", "1 year 2 mons"),
        ("-1-2", "-1 years -2 mons"),
        ("3 04:05", "3 days 04:05:00"),
        ("1.5 years", "1 year 6 mons"),
        ("1.5 mons", "1 mon 15 days"),
        ("1.5 days", "1 day 12:00:00"),
        ("1.5 weeks", "10 days 12:00:00"),
        ("2 weeks", "14 days"),
        ("1 decade 1 century 1 millennium", "1110 years"),
        ("1000 ms 1 us", "00:00:01.000001"),
        ("P1Y2M3DT4H5M6.7S", "1 year 2 mons 3 days 04:05:06.7"),
        ("P2W", "14 days"),
        ("PT-1H", "-01:00:00"),
        ("100:00:00", "100:00:00"),
        ("13 months", "1 year 1 mon"),
        ("-13 months", "-1 years -1 mons"),
        ("-0.5 seconds", "-00:00:00.5"),
        ("2y 3h", "2 years 03:00:00"),
    ];
    for (text, expected) in cases {
        assert_eq!(interval::format(interval::parse(text).unwrap()), expected, "{text}");
    }
    for text in ["", "@", "ago", "1 fortnight", "P", "1 day ago ago", "1:2:3:4", "P1H", "x 1 day"] {
        assert_eq!(interval::parse(text), Err(TextError::Syntax), "{text}");
    }
    for text in ["3000000000 days", "200000000 years", "10000000000000 seconds 1:60"] {
        assert_eq!(interval::parse(text), Err(TextError::Range), "{text}");
    }
    let most = Interval { months: i32::MIN, days: i32::MIN, micros: i64::MIN };
    assert_eq!(interval::parse(&interval::format(most)), Ok(most));
}

#[test]
fn floats_as_postgresql_and_redis_write_them() {
    let cases = [
        (0.1, "0.1", "0.1"),
        (1.0, "1", "1"),
        (-0.0, "-0", "-0"),
        (1e14, "100000000000000", "100000000000000"),
        (1e15, "1e+15", "1000000000000000"),
        (1e20, "1e+20", "1e+20"),
        (123456789012345680.0, "1.2345678901234568e+17", "123456789012345680"),
        (0.0001, "0.0001", "0.0001"),
        (0.00001, "1e-05", "0.00001"),
        (1e-7, "1e-07", "1e-7"),
        (1.5e300, "1.5e+300", "1.5e+300"),
        (5e-324, "5e-324", "5e-324"),
        (1234.5678, "1234.5678", "1234.5678"),
        (f64::INFINITY, "Infinity", "inf"),
        (f64::NEG_INFINITY, "-Infinity", "-inf"),
        (f64::NAN, "NaN", "nan"),
    ];
    for (n, sql, redis) in cases {
        assert_eq!(float::format_f64(n), sql);
        assert_eq!(float::format_redis(n), redis);
    }
    assert_eq!(float::format_f32(0.1), "0.1");
    assert_eq!(float::format_f32(1e6), "1e+06");
    assert_eq!(float::format_f32(123_456.0), "123456");
    assert_eq!(float::format_f32(16_777_216.0), "1.6777216e+07");
    assert_eq!(float::format_f64_plain(1e22), "10000000000000000000000");
    assert_eq!(float::format_f64_plain(-1.5e-9), "-0.0000000015");
    for text in ["1e400", "-1e400", "1e-400"] {
        assert_eq!(float::parse_f64(text), Err(TextError::Range));
    }
    assert_eq!(float::parse_f32("1e39"), Err(TextError::Range));
    assert_eq!(float::parse_f64(" 0e-999 "), Ok(0.0));
    assert_eq!(float::parse_f64("1 2"), Err(TextError::Syntax));
}

#[test]
fn singles_are_as_short_as_they_can_be() {
    for (n, plain, redis) in [
        (-0.0_f32, "-0", "-0"),
        (0.1, "0.1", "0.1"),
        (1e6, "1000000", "1000000"),
        (16_777_216.0, "16777216", "16777216"),
        (1e-5, "0.00001", "0.00001"),
        (1e30, "1000000000000000000000000000000", "1e+30"),
        (f32::NAN, "NaN", "nan"),
        (f32::NEG_INFINITY, "-Infinity", "-inf"),
    ] {
        assert_eq!(float::format_f32_plain(n), plain);
        assert_eq!(float::format_redis_f32(n), redis);
    }
}

#[test]
fn identifiers_and_bytes_as_people_write_them() {
    let uuid = id::parse_uuid("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11").unwrap();
    assert_eq!(id::format_uuid(&uuid), "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11");
    assert_eq!(id::parse_uuid("a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11"), Ok(uuid));
    for text in [
        "",
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1",
        "{a0eebc999c0b4ef8bb6d6bb9bd380a11",
        "a0eebc99--9c0b4ef8bb6d6bb9bd380a11",
        "a0eebc999c0b4ef8bb6d6bb9bd380a11-",
    ] {
        assert_eq!(id::parse_uuid(text), Err(TextError::Syntax), "{text}");
    }
    assert_eq!(id::parse_object_id("507f1f77bcf86cd79943901"), Err(TextError::Syntax));
    assert_eq!(id::parse_bytes("a\\\\b\\001"), Ok(b"a\\b\x01".to_vec()));
    assert_eq!(id::parse_bytes("\\xDE ad"), Ok(vec![0xde, 0xad]));
    assert_eq!(id::parse_bytes("\\9"), Err(TextError::Syntax));
    assert_eq!(id::parse_bytes("\\xabc"), Err(TextError::Syntax));
}
