//! RESP against a recorded Redis server; splits, hostile bytes, round trips.

use proptest::prelude::*;
use protocol::limits::RedisLimits;
use protocol::redis::client::{self, Reply, ReplyScanner};
use protocol::redis::codec::{Aggregate, Argv, ReplyWriter, RequestParser, Version, double};
use protocol::redis::commands::{self, Id, describe, keys};
use protocol::redis::error::RequestError;

use crate::golden;

/// Answers PING, ECHO and COMMAND INFO, as the recorded server did.
fn answer(argv: &Argv<'_>, out: &mut Vec<u8>, version: Version) {
    match commands::resolve(argv) {
        Ok(command) => {
            let mut reply = ReplyWriter::new(out, version);
            match command.id {
                Id::Ping => reply.simple("PONG"),
                Id::Echo => reply.bulk(argv.get(1).unwrap()),
                Id::CommandInfo => {
                    reply.array(argv.len() - 2);
                    for name in argv.after(2).iter() {
                        match commands::find_full(name) {
                            Some(command) => describe::info(command, &mut reply),
                            None => reply.null(),
                        }
                    }
                }
                other => panic!("{other:?} is not for this test"),
            }
        }
        Err(error) => {
            let mut text = Vec::new();
            error.write_text(&mut text, argv.after(1).iter());
            ReplyWriter::new(out, version).error_bytes(&text);
        }
    }
}

/// Feeds `input` in pieces that end at `cuts`; what was answered, and whether we closed.
fn serve(input: &[u8], cuts: &[usize], stranger: bool, version: Version) -> (Vec<u8>, bool) {
    let mut parser = RequestParser::new(RedisLimits::DEFAULT);
    parser.set_authenticated(!stranger);
    let (mut start, mut out) = (0, Vec::new());
    for end in cuts.iter().copied().chain([input.len()]) {
        let mut requests = parser.requests(&input[start..end]);
        loop {
            match requests.next() {
                Ok(Some(argv)) => answer(&argv, &mut out, version),
                Ok(None) => break,
                Err(RequestError::CrossProtocol) => return (Vec::new(), true),
                Err(error) => {
                    error.write(&mut out);
                    return (out, true);
                }
            }
        }
        start += requests.consumed();
    }
    (out, false)
}

fn case_bytes(case: &str) -> Vec<u8> {
    let arguments = ["a", "b", "c", "d"].map(|letter| letter.repeat(50)).join(" ");
    let case = case
        .replace("{inline:70000}", &"x".repeat(70_000))
        .replace("{digits:70000}", &"1".repeat(70_000))
        .replace("{long-name}", &format!("{} a b\\r\\n", "n".repeat(200)))
        .replace("{long-arguments}", &arguments)
        .replace("{long-word}", &"w".repeat(200));
    golden::unescape(&case)
}

fn version_of(case: &str) -> (Version, &str) {
    if let Some(rest) = case.strip_prefix("(hello 3)") {
        return (Version::Resp3, rest);
    }
    (Version::Resp2, case.strip_prefix("(hello 2)").unwrap_or(case))
}

fn show((out, closed): (Vec<u8>, bool)) -> String {
    golden::escape(&out) + if closed { "(closed)" } else { "" }
}

#[test]
fn answers_bad_bytes_as_redis_does() {
    golden::check("redis_protocol.txt", |case| {
        let stranger = case.starts_with("(stranger)");
        let (version, case) = version_of(case.strip_prefix("(stranger)").unwrap_or(case));
        let mut bytes = case_bytes(case);
        if case.starts_with("command info") {
            bytes.extend_from_slice(b"\r\n");
        }
        show(serve(&bytes, &[], stranger, version))
    });
}

#[test]
fn a_split_at_any_byte_changes_nothing() {
    golden::check("redis_protocol.txt", |case| {
        let stranger = case.starts_with("(stranger)");
        let (version, case) = version_of(case.strip_prefix("(stranger)").unwrap_or(case));
        let mut bytes = case_bytes(case);
        if case.starts_with("command info") {
            bytes.extend_from_slice(b"\r\n");
        }
        let whole = serve(&bytes, &[], stranger, version);
        let step = (bytes.len() / 200).max(1);
        for cut in (0..bytes.len()).step_by(step) {
            assert_eq!(serve(&bytes, &[cut], stranger, version), whole, "{case} cut at {cut}");
        }
        let every: Vec<_> = (0..bytes.len()).step_by(step).collect();
        assert_eq!(serve(&bytes, &every, stranger, version), whole, "{case} in single bytes");
        show(whole)
    });
}

#[test]
fn a_large_value_in_small_reads_is_not_read_again() {
    let mut request = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000000\r\n".to_vec();
    let head = request.len();
    request.resize(head + 1_000_000, b'\r');
    request.extend_from_slice(b"\r\n*1\r\n");
    let mut parser = RequestParser::new(RedisLimits::DEFAULT);
    parser.set_authenticated(true);
    assert_eq!(parser.advance(&request[..head + 10]), Ok(None));
    assert_eq!(parser.wanted(), head + 1_000_002);
    // The bytes behind `head` may say anything now: the parser does not look there again.
    let mut poisoned = request.clone();
    poisoned[..head].fill(b'?');
    assert_eq!(parser.advance(&poisoned[..head + 500]), Ok(None));
    assert_eq!(parser.advance(&poisoned), Ok(Some(head + 1_000_002)));
    assert_eq!(parser.argv(&poisoned).get(2).map(<[u8]>::len), Some(1_000_000));
}

#[test]
fn limits_are_settings() {
    let limits = RedisLimits {
        bulk_bytes_max: 10,
        arguments_max: 3,
        inline_bytes_max: 16,
        request_bytes_max: 40,
        ..RedisLimits::DEFAULT
    };
    for (input, error) in [
        (&b"*4\r\n"[..], RequestError::InvalidCount),
        (b"*1\r\n$11\r\n", RequestError::InvalidBulkLength),
        (b"aaaaaaaaaaaaaaaaaaaaa", RequestError::InlineTooBig),
        (b"*3\r\n$10\r\n0123456789\r\n$10\r\n0123456789\r\n$10\r\n", RequestError::RequestTooBig),
    ] {
        let mut parser = RequestParser::new(limits);
        parser.set_authenticated(true);
        let mut requests = parser.requests(input);
        assert_eq!(requests.next().map(|_| ()), Err(error), "{}", input.escape_ascii());
    }
}

#[test]
fn keys_of_requests() {
    for (request, wanted) in [
        ("get a", "a"),
        ("mset a 1 b 2", "a b"),
        ("bitop and d a b", "d a b"),
        ("eval script 2 a b c", "a b"),
        ("eval script 0 a b c", ""),
        ("zunionstore d 2 a b weights 1 2", "d a b"),
        ("xread count 1 streams a b 0 0", "a b"),
        ("sort a by x limit 0 1 store d", "a d"),
        ("migrate h 1 \"\" 0 1 copy keys a b", "a b"),
        ("migrate h 1 a 0 1", "a"),
        ("georadius a 1 1 1 m store d", "a d"),
        ("object encoding a", "a"),
        ("lmpop 2 a b left", "a b"),
        ("ping", "ERR The command has no key arguments"),
        ("lmpop 4 a b left", "ERR Invalid arguments specified for command"),
        ("eval script 3 a b", ""),
        ("eval script x a b", ""),
        ("eval script 9223372036854775807 a", ""),
    ] {
        let mut parser = RequestParser::new(RedisLimits::DEFAULT);
        parser.set_authenticated(true);
        let line = format!("{request}\n");
        parser.advance(line.as_bytes()).unwrap().unwrap();
        let argv = parser.argv(line.as_bytes());
        let got = match keys::keys(commands::resolve(&argv).unwrap(), &argv) {
            Ok(keys) => {
                let names = keys.iter().map(|key| argv.get(key.index).unwrap().escape_ascii());
                names.map(|name| name.to_string()).collect::<Vec<_>>().join(" ")
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(got, wanted, "{request}");
    }
}

#[test]
fn every_reply_in_both_versions() {
    let write = |version| {
        let mut out = Vec::new();
        let mut reply = ReplyWriter::new(&mut out, version);
        reply.error("ERR two\r\nlines");
        reply.null();
        reply.null_array();
        reply.map(1);
        reply.bulk(b"k");
        reply.integer(-7);
        reply.set(1);
        reply.double(0.1);
        reply.boolean(true);
        reply.big_number("123456789012345678901");
        reply.verbatim(*b"txt", b"hi");
        reply.push(1);
        reply.simple("OK");
        if reply.attribute(1) {
            reply.simple("ttl");
            reply.integer(3600);
        }
        let mark = reply.begin();
        for n in 0..11 {
            reply.integer(n);
        }
        reply.end(mark, Aggregate::Array, 11);
        golden::escape(&out)
    };
    let numbers: String = (0..11).map(|n| format!(":{n}\\r\\n")).collect();
    assert_eq!(
        write(Version::Resp2),
        String::from(
            r"-ERR two  lines\r\n$-1\r\n*-1\r\n*2\r\n$1\r\nk\r\n:-7\r\n*1\r\n$3\r\n0.1\r\n:1\r\n"
        ) + r"$21\r\n123456789012345678901\r\n$2\r\nhi\r\n*1\r\n+OK\r\n*11\r\n"
            + &numbers
    );
    assert_eq!(
        write(Version::Resp3),
        String::from(r"-ERR two  lines\r\n_\r\n_\r\n%1\r\n$1\r\nk\r\n:-7\r\n~1\r\n,0.1\r\n#t\r\n")
            + r"(123456789012345678901\r\n=6\r\ntxt:hi\r\n>1\r\n+OK\r\n|1\r\n+ttl\r\n:3600\r\n*11\r\n"
            + &numbers
    );
}

#[test]
fn docs_are_well_formed() {
    for version in [Version::Resp2, Version::Resp3] {
        for command in &commands::COMMANDS {
            let mut out = Vec::new();
            let mut reply = ReplyWriter::new(&mut out, version);
            reply.map(1);
            describe::docs(command, &mut reply);
            let (_, length) = client::decode(&out).unwrap().unwrap();
            assert_eq!(length, out.len(), "{}", command.name);
        }
    }
}

fn argument() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..20),
        proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'$')], 0..6),
        proptest::collection::vec(any::<u8>(), 0..3000),
    ]
}

/// Bytes that often look like the protocol.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        Just(b"*2\r\n".to_vec()),
        Just(b"$3\r\n".to_vec()),
        Just(b"GET\r\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"$4294967295\r\n".to_vec()),
        Just(b"*1048576\r\n".to_vec()),
        Just(b"\"\\x".to_vec()),
        Just(b"%1\r\n|1\r\n".to_vec()),
        Just(b"*9223372036854775807\r\n".to_vec()),
        Just(b"=3\r\n".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..4),
    ];
    proptest::collection::vec(token, 0..12).prop_map(|tokens| tokens.concat())
}

fn all(input: &[u8], cuts: &[usize]) -> (Vec<Vec<Vec<u8>>>, Option<RequestError>) {
    let mut parser = RequestParser::new(RedisLimits::DEFAULT);
    parser.set_authenticated(true);
    let (mut start, mut found) = (0, Vec::new());
    for end in cuts.iter().copied().chain([input.len()]) {
        let mut requests = parser.requests(&input[start..end]);
        loop {
            match requests.next() {
                Ok(Some(argv)) => found.push(argv.iter().map(<[u8]>::to_vec).collect()),
                Ok(None) => break,
                Err(error) => return (found, Some(error)),
            }
        }
        start += requests.consumed();
    }
    (found, None)
}

fn sorted_cuts(fractions: &[f64], length: usize) -> Vec<usize> {
    let mut cuts: Vec<_> = fractions.iter().map(|f| (f * length as f64) as usize).collect();
    cuts.sort_unstable();
    cuts
}

proptest! {
    #![proptest_config(crate::cases(200))]

    #[test]
    fn requests_round_trip_in_any_pieces(
        requests in proptest::collection::vec(proptest::collection::vec(argument(), 1..12), 0..6),
        cuts in proptest::collection::vec(0.0..1.0_f64, 0..8),
    ) {
        let mut bytes = Vec::new();
        requests.iter().for_each(|request| client::encode(&mut bytes, request));
        let (found, error) = all(&bytes, &sorted_cuts(&cuts, bytes.len()));
        prop_assert_eq!(error, None);
        prop_assert_eq!(found, requests);
    }

    #[test]
    fn hostile_bytes_never_panic_and_splits_agree(
        bytes in hostile(),
        cuts in proptest::collection::vec(0.0..1.0_f64, 0..8),
    ) {
        prop_assert_eq!(all(&bytes, &sorted_cuts(&cuts, bytes.len())), all(&bytes, &[]));
        let whole = client::decode(&bytes);
        let mut scanner = ReplyScanner::default();
        let mut end = None;
        for cut in 0..=bytes.len() {
            end = scanner.advance(&bytes[..cut]).ok().flatten();
            if end.is_some() { break; }
        }
        if let Ok(Some((_, length))) = whole {
            prop_assert_eq!(end, Some(length));
        }
    }

    #[test]
    fn inline_words_survive_quoting(words in proptest::collection::vec(
        proptest::collection::vec(any::<u8>(), 0..8), 1..5)) {
        let line: Vec<String> = words.iter().map(|word| {
            let hex: String = word.iter().map(|byte| format!("\\x{byte:02x}")).collect();
            format!("\"{hex}\"")
        }).collect();
        let line = line.join(" ") + "\r\n";
        let http = matches!(words[0].to_ascii_lowercase().as_slice(), b"post" | b"host:");
        prop_assume!(!http);
        prop_assert_eq!(all(line.as_bytes(), &[]), (vec![words], None));
    }

    #[test]
    fn doubles_parse_back(bits in any::<u64>(), small in -1000.0..1000.0_f64) {
        for value in [f64::from_bits(bits), small, small.round(), small * 1e-6, small * 1e18] {
            let mut out = Vec::new();
            double::write(&mut out, value);
            let back: f64 = std::str::from_utf8(&out).unwrap().parse().unwrap();
            prop_assert!(back == value || (back.is_nan() && value.is_nan()), "{} {}", back, value);
        }
    }

    #[test]
    fn bulks_and_integers_round_trip(bytes in argument(), number in any::<i64>()) {
        let mut out = Vec::new();
        let mut reply = ReplyWriter::new(&mut out, Version::Resp2);
        reply.array(2);
        reply.bulk(&bytes);
        reply.integer(number);
        let wanted = Reply::Array(vec![Reply::Bulk(&bytes), Reply::Integer(number)]);
        prop_assert_eq!(client::decode(&out), Ok(Some((wanted, out.len()))));
    }
}
