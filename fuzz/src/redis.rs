//! Redis's wire without a session: requests, replies, inline words, glob patterns.
//!
//! ```text
//!   00 requests   fed whole, byte by byte, and cut in two: the same requests, the same error
//!   01 replies    what the scanner measures is what the decoder reads
//!   02 glob       against a matcher that tries everything
//! ```

use model::keyspace::glob;
use protocol::limits::RedisLimits;
use protocol::redis::client::{self, ReplyScanner};
use protocol::redis::codec::inline::words;
use protocol::redis::codec::request::integer;
use protocol::redis::codec::{Batch, RequestParser};
use protocol::redis::commands;

use crate::input::Input;

/// Small, so that the fuzzer meets them.
const LIMITS: RedisLimits = RedisLimits {
    bulk_bytes_max: 200,
    arguments_max: 40,
    inline_bytes_max: 100,
    request_bytes_max: 1_000,
    unauthenticated_arguments_max: 5,
    unauthenticated_bulk_bytes_max: 20,
};

/// Bytes as what the first byte says.
pub fn codec(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    match kind % 4 {
        0 | 3 => requests(*kind > 127, rest),
        1 => replies(rest),
        _ => globs(rest),
    }
}

type Requests = Vec<Vec<Vec<u8>>>;

fn parse(known: bool, data: &[u8], piece: usize) -> (Requests, Option<String>) {
    let mut parser = RequestParser::new(LIMITS);
    parser.set_authenticated(known);
    let (mut found, mut begin) = (Requests::new(), 0);
    let mut ends: Vec<usize> = (0..=data.len()).step_by(piece.max(1)).collect();
    ends.push(data.len());
    for end in ends {
        let mut requests = parser.requests(&data[begin..end]);
        loop {
            match requests.next() {
                Ok(Some(argv)) => {
                    assert_eq!(argv.bytes(), argv.iter().map(<[u8]>::len).sum::<usize>());
                    found.push(argv.iter().map(<[u8]>::to_vec).collect());
                }
                Ok(None) => break,
                Err(error) => return (found, Some(format!("{error:?}"))),
            }
        }
        begin += requests.consumed();
    }
    (found, None)
}

fn requests(known: bool, data: &[u8]) {
    let whole = parse(known, data, data.len());
    assert_eq!(parse(known, data, 1), whole, "byte by byte");
    assert_eq!(parse(known, data, data.len().div_ceil(2)), whole, "cut in two");
    let mut batch = Batch::default();
    let mut parser = RequestParser::new(LIMITS);
    parser.set_authenticated(known);
    let mut requests = parser.requests(data);
    while let Ok(Some(argv)) = requests.next() {
        batch.push_copy(&argv);
        if let Ok(command) = commands::resolve(&argv) {
            let _ = command.check_arity(argv.len());
        }
    }
    for (at, request) in whole.0.iter().enumerate().take(batch.len()) {
        let kept: Vec<Vec<u8>> = batch.get(at, data).iter().map(<[u8]>::to_vec).collect();
        assert_eq!(&kept, request, "a batch keeps requests as they came");
        let mut again = Vec::new();
        client::encode(&mut again, request);
        let mut parser = RequestParser::new(RedisLimits::DEFAULT);
        parser.set_authenticated(true);
        assert_eq!(parser.advance(&again), Ok(Some(again.len())));
        assert!(parser.argv(&again).iter().eq(request.iter().map(Vec::as_slice)));
    }
    let _ = words(data);
    if let Some(number) = integer(data) {
        assert_eq!(number.to_string().as_bytes(), data, "one number, one text");
    }
}

fn replies(data: &[u8]) {
    let whole = ReplyScanner::default().advance(data);
    if let Ok(Some((_, length))) = client::decode(data) {
        assert_eq!(whole, Ok(Some(length)));
    }
    let mut scanner = ReplyScanner::default();
    for end in 0..=data.len() {
        match scanner.advance(&data[..end]) {
            Ok(None) => {}
            Ok(Some(length)) => {
                assert_eq!(length, end, "found with its last byte");
                assert_eq!(whole, Ok(Some(length)));
                return;
            }
            Err(_) => {
                assert!(whole.is_err(), "an error of a part is one of the whole");
                return;
            }
        }
    }
    assert!(!matches!(whole, Ok(Some(_))));
}

fn globs(data: &[u8]) {
    let mut input = Input::new(data);
    let text = input.sized();
    let text = &text[..text.len().min(24)];
    let pattern = input.rest();
    let _ = glob::matches_folded(pattern, text, true);
    let found = glob::matches(pattern, text);
    if found {
        assert!(text.starts_with(&glob::literal_prefix(pattern)), "a match begins so");
    }
    if pattern.len() <= 24 && pattern.iter().filter(|byte| **byte == b'*').count() <= 4 {
        assert_eq!(found, tried(pattern, text), "{pattern:?} {text:?}");
    }
}

/// A matcher that tries every length of every star.
fn tried(pattern: &[u8], text: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'*', rest @ ..] => (0..=text.len()).any(|from| tried(rest, &text[from..])),
        // One part that is no star: it is the whole pattern of one byte.
        _ => {
            let Some((first, tail)) = text.split_first() else { return false };
            let length = part(pattern);
            glob::matches(&pattern[..length], &[*first]) && tried(&pattern[length..], tail)
        }
    }
}

/// The length of a pattern's first part.
fn part(pattern: &[u8]) -> usize {
    match pattern {
        [b'\\', _, ..] => 2,
        [b'[', rest @ ..] => {
            let mut at = usize::from(rest.first() == Some(&b'^'));
            loop {
                match rest.get(at..).unwrap_or_default() {
                    [] => return pattern.len(),
                    [b'\\', _, ..] => at += 2,
                    [b']', ..] => return at + 2,
                    [_, b'-', _, ..] => at += 3,
                    _ => at += 1,
                }
            }
        }
        _ => 1,
    }
}
