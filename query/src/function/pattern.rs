//! LIKE, ILIKE and their operators.
//!
//! ```text
//!   %  any characters        _  one character        \x  x itself (another escape by LIKE … ESCAPE)
//! ```
//!
//! Matching is greedy with one point to come back to, the last `%`: a text that fails after a later
//! `%` would fail after an earlier one too, so the time is at most the product of the two lengths
//! and no stack is used. A regular expression made of the pattern was rejected: compiling it costs
//! more than most matches.

use super::float::domain;
use super::names::*;
use super::{Arguments, Call, text};
use crate::{Datum, Result};

/// Whether the whole text matches.
///
/// # Errors
/// 22025 for a pattern that ends in its escape.
pub fn like(text: &str, pattern: &str) -> Result<bool> {
    if ends_in_escape(pattern.as_bytes()) && reaches_end(text.as_bytes(), pattern.as_bytes(), true)
    {
        return Err(domain("22025", "LIKE pattern must not end with escape character"));
    }
    Ok(matches(text.as_bytes(), pattern.as_bytes(), true))
}

fn ends_in_escape(pattern: &[u8]) -> bool {
    pattern.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// Whether matching gets as far as the escape that ends the pattern.
fn reaches_end(text: &[u8], pattern: &[u8], utf8: bool) -> bool {
    let head = pattern.get(..pattern.len().saturating_sub(1)).unwrap_or(&[]);
    // After a `%` that text is left for, the escape is looked at before the rest of the text is.
    match last_percent(head).and_then(|at| head.get(..at)) {
        Some(prefix) => begins(text, prefix, true, utf8) && begins(text, head, false, utf8),
        None => begins(text, head, true, utf8),
    }
}

/// Where the first `%` stands in the run of wildcards that ends the pattern.
fn last_percent(pattern: &[u8]) -> Option<usize> {
    let (mut at, mut found) = (0, None);
    while let Some(byte) = pattern.get(at) {
        match byte {
            b'%' => found = found.or(Some(at)),
            b'_' => {}
            _ => found = None,
        }
        at += if *byte == b'\\' { 2 } else { 1 };
    }
    found
}

/// How many bytes the character at the front takes; one for bytea.
fn step(text: &[u8], utf8: bool) -> usize {
    match text.first() {
        Some(0xf0..) if utf8 => 4,
        Some(0xe0..) if utf8 => 3,
        Some(0xc0..) if utf8 => 2,
        _ => 1,
    }
}

fn matches(text: &[u8], pattern: &[u8], utf8: bool) -> bool {
    run(text, pattern, utf8, End::Whole)
}

/// Whether a beginning of the text matches: not all of it where something must be left.
fn begins(text: &[u8], pattern: &[u8], left: bool, utf8: bool) -> bool {
    run(text, pattern, utf8, if left { End::Left } else { End::Any })
}

/// How much of the text has to be matched.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Whole,
    Any,
    Left,
}

fn run(text: &[u8], pattern: &[u8], utf8: bool, end: End) -> bool {
    let (mut t, mut p) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        let fits = match pattern.get(p) {
            Some(b'%') => {
                p += 1;
                retry = Some((t, p));
                continue;
            }
            Some(b'_') => {
                t += step(text.get(t..).unwrap_or(&[]), utf8);
                p += 1;
                continue;
            }
            Some(b'\\') if p + 1 < pattern.len() => {
                p += 1;
                pattern.get(p) == text.get(t)
            }
            Some(byte) => Some(byte) == text.get(t),
            None if end != End::Whole => return true,
            None => false,
        };
        if fits {
            t += 1;
            p += 1;
            continue;
        }
        let Some((from, after)) = retry else { return false };
        let next = from + step(text.get(from..).unwrap_or(&[]), utf8);
        retry = Some((next, after));
        (t, p) = (next, after);
    }
    end != End::Left && pattern.get(p..).unwrap_or(&[]).iter().all(|byte| *byte == b'%')
}

/// Rewrites a pattern with another escape character to one with a backslash.
fn with_escape(pattern: &str, escape: &str) -> Result<String> {
    let mut characters = escape.chars();
    let escape = characters.next();
    if characters.next().is_some() {
        return Err(domain("22025", "invalid escape string")
            .hint("Escape string must be empty or one character."));
    }
    let mut made = String::with_capacity(pattern.len() + 4);
    let mut escaped = false;
    for c in pattern.chars() {
        if !escaped && Some(c) == escape {
            made.push('\\');
            escaped = true;
            continue;
        }
        if c == '\\' && !escaped {
            made.push('\\');
        }
        made.push(c);
        escaped = false;
    }
    Ok(made)
}

fn ilike(text: &str, pattern: &str) -> Result<bool> {
    like(&text::lower(text), &text::lower(pattern))
}

fn bytes_like(a: &[Datum<'_>]) -> Result<bool> {
    let (bytes, pattern) = (a.bytes(0)?, a.bytes(1)?);
    if ends_in_escape(pattern) && reaches_end(bytes, pattern, false) {
        return Err(domain("22025", "LIKE pattern must not end with escape character"));
    }
    Ok(matches(bytes, pattern, false))
}

fn escape<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    with_escape(a.text(0)?, a.text(1)?).map(|pattern| call.text(&pattern))
}

macro_rules! matchers {
    ($($tag:literal $ty:ident;)*) => { &[$(
        f(concat!("sql.", $tag, "_like"), "~~", &[$ty, TEXT], BOOL,
            |_, a| like(a.text(0)?, a.text(1)?).map(Datum::Bool)),
        f(concat!("sql.", $tag, "_not_like"), "!~~", &[$ty, TEXT], BOOL,
            |_, a| like(a.text(0)?, a.text(1)?).map(|found| Datum::Bool(!found))),
        f(concat!("sql.", $tag, "_ilike"), "~~*", &[$ty, TEXT], BOOL,
            |_, a| ilike(a.text(0)?, a.text(1)?).map(Datum::Bool)),
        f(concat!("sql.", $tag, "_not_ilike"), "!~~*", &[$ty, TEXT], BOOL,
            |_, a| ilike(a.text(0)?, a.text(1)?).map(|found| Datum::Bool(!found))),
    )*] };
}

pub(super) static OPERATORS: &[Function] = matchers! {
    "text" TEXT;
    "name" NAME;
    "bpchar" BPCHAR;
};

pub(super) static TABLE: &[Function] = &[
    f("sql.like", "like", &[TEXT, TEXT], BOOL, |_, a| {
        like(a.text(0)?, a.text(1)?).map(Datum::Bool)
    }),
    f("sql.notlike", "notlike", &[TEXT, TEXT], BOOL, |_, a| {
        like(a.text(0)?, a.text(1)?).map(|found| Datum::Bool(!found))
    }),
    f("sql.like_escape", "like_escape", &[TEXT, TEXT], TEXT, escape),
    f("sql.bytea_like", "~~", &[BYTEA, BYTEA], BOOL, |_, a| bytes_like(a).map(Datum::Bool)),
    f("sql.bytea_not_like", "!~~", &[BYTEA, BYTEA], BOOL, |_, a| {
        bytes_like(a).map(|found| Datum::Bool(!found))
    }),
];

#[cfg(test)]
mod tests {
    use super::like;

    /// What PostgreSQL 15 says: `None` is 22025.
    #[test]
    fn an_escape_at_the_end_is_refused_where_matching_gets_to_it() {
        let cases = [
            ("%abb", "\\%\\", None),
            ("é%éa", "_\\%_\\", None),
            ("a%éb", "a\\%\\", None),
            ("%b\\b", "\\%%%\\", None),
            ("%b", "%\\%%\\", None),
            ("ab", "a\\", None),
            ("ab", "%\\", None),
            ("ab", "%_\\", None),
            ("ébé\\é", "_%\\\\_\\", Some(false)),
            ("\\é", "__%\\", Some(false)),
            ("é", "_\\", Some(false)),
            ("ééé", "_é_%\\", Some(false)),
            ("a", "a\\", Some(false)),
            ("b", "a\\", Some(false)),
            ("", "%\\", Some(false)),
            ("a\\", "a\\\\", Some(true)),
        ];
        for (text, pattern, expected) in cases {
            assert_eq!(like(text, pattern).ok(), expected, "{text} LIKE {pattern}");
        }
    }

    /// One pass over the text for each start behind the last `%`, whether it matches or fails.
    #[test]
    fn a_long_text_takes_no_longer_for_an_escape_at_the_end() {
        let text = "a".repeat(2_000_000);
        assert_eq!(like(&text, "%b\\").ok(), Some(false));
        assert_eq!(like(&text, "%b%a\\").ok(), Some(false));
    }
}
