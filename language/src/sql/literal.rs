//! Tokens to values: strings without their quotes and escapes, names folded and cut, numbers
//! classed.
//!
//! A number's class is what its type follows from, before anybody has looked at where it stands:
//!
//! ```text
//! 1                      Int4          2147483648             Int4Edge
//! 2147483649             Int8          9223372036854775808    Int8Edge
//! 9223372036854775809    Numeric       1.5  1e3               Numeric
//! ```
//!
//! The two edges are single values that fit the type only after a minus sign. They have classes of
//! their
//! own so that a plan, cached under the classes, need not ask a literal's value for its type.
//!
//! Invariant: [`check_string`] has accepted every escape string that the lexer gave out, so
//! [`string`] of such a token does not fail.

use super::ast::{BitDigits, LiteralValue};
use super::dialect::Dialect;
use super::error::{ParseError, ParseErrorKind, Result};
use super::lexer::{Token, TokenKind, text_of};

/// What a literal's type follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum LiteralClass {
    /// An integer that fits four bytes.
    Int4 = 1,
    /// 2147483648: eight bytes, four after a minus sign.
    Int4Edge,
    /// An integer that fits eight bytes and not four.
    Int8,
    /// 9223372036854775808: a numeric, eight bytes after a minus sign.
    Int8Edge,
    /// Any other number.
    Numeric,
    /// A character string of any spelling.
    Text,
    /// `B'…'`.
    Bit,
    /// `X'…'`.
    HexBit,
}

/// The class of a literal token; `None` if the token is no literal.
pub fn class(text: &str, token: Token) -> Option<LiteralClass> {
    match token.kind {
        TokenKind::Integer => Some(integer_class(text_of(text, token))),
        TokenKind::Number => Some(LiteralClass::Numeric),
        TokenKind::BitString => Some(LiteralClass::Bit),
        TokenKind::HexString => Some(LiteralClass::HexBit),
        kind if kind.is_string() => Some(LiteralClass::Text),
        _ => None,
    }
}

fn integer_class(digits: &str) -> LiteralClass {
    if digits.len() <= 9 {
        return LiteralClass::Int4;
    }
    match digits.parse::<u64>() {
        Ok(0..0x8000_0000) => LiteralClass::Int4,
        Ok(0x8000_0000) => LiteralClass::Int4Edge,
        Ok(0..0x8000_0000_0000_0000) => LiteralClass::Int8,
        Ok(0x8000_0000_0000_0000) => LiteralClass::Int8Edge,
        _ => LiteralClass::Numeric,
    }
}

/// The value of a literal token.
pub fn value(text: &str, token: Token) -> Result<LiteralValue> {
    let source = text_of(text, token);
    Ok(match token.kind {
        TokenKind::Integer => integer_value(source),
        TokenKind::Number => LiteralValue::Numeric(source.to_string()),
        TokenKind::BitString => LiteralValue::Bit(BitDigits::Binary, string(text, token)?),
        TokenKind::HexString => LiteralValue::Bit(BitDigits::Hexadecimal, string(text, token)?),
        _ => LiteralValue::Text(string(text, token)?),
    })
}

fn integer_value(digits: &str) -> LiteralValue {
    match digits.parse::<i64>() {
        Ok(long) => match i32::try_from(long) {
            Ok(short) => LiteralValue::Int4(short),
            Err(_) => LiteralValue::Int8(long),
        },
        Err(_) => LiteralValue::Numeric(digits.to_string()),
    }
}

/// The name a word or quoted name stands for: folded if unquoted, and cut to the dialect's length.
pub fn name(text: &str, token: Token, dialect: Dialect) -> Result<String> {
    let source = text_of(text, token);
    let mut name = match token.kind {
        TokenKind::QuotedName => unquote(source, '"', 1),
        TokenKind::UnicodeName => string(text, token)?,
        _ => source.to_ascii_lowercase(),
    };
    let max = dialect.name_bytes_max();
    if name.len() > max {
        let end = (0..=max).rev().find(|&at| name.is_char_boundary(at)).unwrap_or(0);
        name.truncate(end);
    }
    Ok(name)
}

fn unquote(source: &str, quote: char, prefix: usize) -> String {
    let body = source.get(prefix..source.len().saturating_sub(1)).unwrap_or("");
    let doubled = if quote == '"' { "\"\"" } else { "''" };
    if body.contains(quote) {
        body.replace(doubled, quote.encode_utf8(&mut [0; 4]))
    } else {
        body.to_string()
    }
}

/// The text that a string token stands for; for `B'…'` and `X'…'` its digits.
pub fn string(text: &str, token: Token) -> Result<String> {
    let source = text_of(text, token);
    match token.kind {
        TokenKind::DollarString => Ok(dollar_body(source).to_string()),
        TokenKind::EscapeString => escape_string(text, token),
        TokenKind::UnicodeString => unicode_string(text, token, '\''),
        TokenKind::UnicodeName => unicode_string(text, token, '"'),
        TokenKind::BitString | TokenKind::HexString => Ok(joined(source, 2)),
        _ => Ok(joined(source, 1)),
    }
}

/// Whether the escapes of a string token are right.
pub fn check_string(text: &str, token: Token) -> Result<()> {
    let source = text_of(text, token);
    if token.kind == TokenKind::EscapeString && memchr::memchr(b'\\', source.as_bytes()).is_none() {
        return Ok(());
    }
    string(text, token).map(|_| ())
}

/// Whether `UESCAPE` may name this byte.
pub fn valid_escape_mark(mark: u8) -> bool {
    !mark.is_ascii_hexdigit() && !b"+'\" \t\n\r\x0b\x0c".contains(&mark) && mark < 128
}

/// If a string closed just before `at` goes on after white space with a line end in it, the offset
/// past its next opening quote. Comments to the end of a line count as white space.
pub fn continuation(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut line_end = false;
    loop {
        match bytes.get(at)? {
            b' ' | b'\t' | 12 => at += 1,
            b'\n' | b'\r' => (line_end, at) = (true, at + 1),
            b'-' if bytes.get(at + 1) == Some(&b'-') => {
                at += memchr::memchr2(b'\n', b'\r', bytes.get(at..)?)?;
            }
            b'\'' if line_end => return Some(at + 1),
            _ => return None,
        }
    }
}

fn dollar_body(source: &str) -> &str {
    let tag = source.get(1..).and_then(|rest| rest.find('$')).map_or(0, |at| at + 2);
    source.get(tag..source.len().saturating_sub(tag)).unwrap_or("")
}

/// A plain string's text: quotes undoubled, continued lines joined.
fn joined(source: &str, prefix: usize) -> String {
    let bytes = source.as_bytes();
    let mut out = String::with_capacity(source.len());
    let mut from = prefix;
    let mut at = prefix;
    while let Some(step) = bytes.get(at..).and_then(|rest| memchr::memchr(b'\'', rest)) {
        at += step;
        out.push_str(source.get(from..at).unwrap_or(""));
        if bytes.get(at + 1) == Some(&b'\'') {
            out.push('\'');
            at += 2;
        } else {
            match continuation(bytes, at + 1) {
                Some(next) => at = next,
                None => break,
            }
        }
        from = at;
    }
    out
}

/// Reads hexadecimal digits of a token and raises its errors.
struct Escapes<'a> {
    text: &'a str,
    source: &'a str,
    start: usize,
}

impl<'a> Escapes<'a> {
    fn new(text: &'a str, token: Token) -> Self {
        Escapes { text, source: text_of(text, token), start: token.start as usize }
    }

    fn byte(&self, at: usize) -> u8 {
        self.source.as_bytes().get(at).copied().unwrap_or(0)
    }

    fn hex(&self, at: usize, digits: usize) -> Option<u32> {
        let digits = self.source.get(at..at + digits)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        u32::from_str_radix(digits, 16).ok()
    }

    fn error<T>(&self, kind: ParseErrorKind, from: usize, to: usize) -> Result<T> {
        let (from, to) = (self.start + from, self.start + to);
        let near = self.text.get(from..to).map(str::to_string);
        Err(Box::new(ParseError { kind, offset: from as u32, near }))
    }
}

/// Joins the halves of surrogate pairs.
#[derive(Default)]
struct Pair {
    high: Option<u32>,
}

enum Half {
    Char(char),
    First,
    Unpaired,
    NoCharacter,
}

impl Pair {
    fn push(&mut self, code: u32) -> Half {
        match (self.high.take(), code) {
            (Some(high), 0xDC00..=0xDFFF) => {
                let joined = 0x1_0000 + ((high - 0xD800) << 10) + (code - 0xDC00);
                char::from_u32(joined).map_or(Half::NoCharacter, Half::Char)
            }
            (None, 0xD800..=0xDBFF) => {
                self.high = Some(code);
                Half::First
            }
            (None, 0xDC00..=0xDFFF) | (Some(_), _) => Half::Unpaired,
            (None, 0) => Half::NoCharacter,
            (None, code) => char::from_u32(code).map_or(Half::NoCharacter, Half::Char),
        }
    }
}

fn escape_string(text: &str, token: Token) -> Result<String> {
    let e = Escapes::new(text, token);
    let bytes = e.source.as_bytes();
    let mut out: Vec<u8> = Vec::with_capacity(bytes.len());
    let mut pair = Pair::default();
    let mut at = 2;
    while at < bytes.len() {
        let byte = e.byte(at);
        let escaped = e.byte(at + 1);
        if byte == b'\\' && matches!(escaped, b'u' | b'U') {
            at = unicode_escape(&e, &mut pair, &mut out, at)?;
            continue;
        }
        if pair.high.is_some() {
            return e.error(ParseErrorKind::InvalidSurrogatePair, at, at + char_bytes(byte));
        }
        match byte {
            b'\\' => at = plain_escape(&e, &mut out, at),
            b'\'' if escaped == b'\'' => {
                out.push(b'\'');
                at += 2;
            }
            b'\'' => match continuation(bytes, at + 1) {
                Some(next) => at = next,
                None => break,
            },
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    utf8(out, token)
}

fn char_bytes(first: u8) -> usize {
    match first {
        0..0x80 => 1,
        0x80..0xE0 => 2,
        0xE0..0xF0 => 3,
        _ => 4,
    }
}

/// `\uXXXX` or `\UXXXXXXXX` at `at`; the offset past it.
fn unicode_escape(e: &Escapes, pair: &mut Pair, out: &mut Vec<u8>, at: usize) -> Result<usize> {
    let digits = if e.byte(at + 1) == b'u' { 4 } else { 8 };
    let Some(code) = e.hex(at + 2, digits) else {
        return e.error(ParseErrorKind::InvalidEscape, at, at + 2);
    };
    let end = at + 2 + digits;
    match pair.push(code) {
        Half::Char(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        Half::First => {}
        Half::Unpaired => return e.error(ParseErrorKind::InvalidSurrogatePair, at, end),
        Half::NoCharacter => return e.error(ParseErrorKind::InvalidUnicodeValue, at, end),
    }
    Ok(end)
}

/// A backslash escape other than `\u`; the offset past it.
fn plain_escape(e: &Escapes, out: &mut Vec<u8>, at: usize) -> usize {
    let byte = e.byte(at + 1);
    match byte {
        b'0'..=b'7' => {
            let octal = |at: usize| matches!(e.byte(at), b'0'..=b'7');
            let digits = 1 + (2..4).take_while(|&i| octal(at + i)).count();
            let code = (0..digits).fold(0u32, |n, i| n * 8 + u32::from(e.byte(at + 1 + i) - b'0'));
            out.push(code as u8);
            at + 1 + digits
        }
        b'x' if e.hex(at + 2, 1).is_some() => {
            let digits = if e.hex(at + 2, 2).is_some() { 2 } else { 1 };
            out.push(e.hex(at + 2, digits).unwrap_or(0) as u8);
            at + 2 + digits
        }
        b'b' => push_escaped(out, 8, at),
        b'f' => push_escaped(out, 12, at),
        b'n' => push_escaped(out, b'\n', at),
        b'r' => push_escaped(out, b'\r', at),
        b't' => push_escaped(out, b'\t', at),
        _ => push_escaped(out, byte, at),
    }
}

fn push_escaped(out: &mut Vec<u8>, byte: u8, at: usize) -> usize {
    out.push(byte);
    at + 2
}

fn utf8(bytes: Vec<u8>, token: Token) -> Result<String> {
    let zero = memchr::memchr(0, &bytes);
    let wrong = match (std::str::from_utf8(&bytes), zero) {
        (Ok(_), None) => return Ok(String::from_utf8(bytes).unwrap_or_default()),
        (Ok(_), Some(zero)) => bytes.get(zero..zero + 1),
        (Err(e), _) => {
            let from = zero.unwrap_or(usize::MAX).min(e.valid_up_to());
            let width = bytes.get(from).map_or(1, |&b| if b < 0xC0 { 1 } else { char_bytes(b) });
            let width = if zero == Some(from) { 1 } else { width };
            bytes.get(from..(from + width).min(bytes.len()))
        }
    };
    let listed: Vec<String> =
        wrong.unwrap_or_default().iter().map(|byte| format!("0x{byte:02x}")).collect();
    let kind = ParseErrorKind::InvalidBytes(listed.join(" "));
    Err(Box::new(ParseError { kind, offset: token.start, near: None }))
}

/// `U&'…'` or `U&"…"` with an optional `UESCAPE`.
fn unicode_string(text: &str, token: Token, quote: char) -> Result<String> {
    let e = Escapes::new(text, token);
    let (body_end, mark) = unicode_end(e.source, quote);
    let mut out = String::with_capacity(e.source.len());
    let mut pair = Pair::default();
    let mut at = 3;
    while let Some(c) = e.source.get(at..body_end).and_then(|rest| rest.chars().next()) {
        if c == mark && e.byte(at + 1) != mark as u8 {
            at = mark_escape(&e, &mut pair, &mut out, at)?;
            continue;
        }
        if pair.high.is_some() {
            return unicode_rule(&e, "invalid Unicode surrogate pair", at);
        }
        let doubled = c == mark || c == quote;
        if c == quote && e.byte(at + 1) != quote as u8 {
            match continuation(e.source.as_bytes(), at + 1) {
                Some(next) => at = next,
                None => break,
            }
            continue;
        }
        out.push(c);
        at += if doubled { 2 } else { c.len_utf8() };
    }
    if pair.high.is_some() {
        return unicode_rule(&e, "invalid Unicode surrogate pair", body_end.saturating_sub(1));
    }
    Ok(out)
}

fn unicode_rule<T>(e: &Escapes, message: &str, at: usize) -> Result<T> {
    e.error(ParseErrorKind::Rule(message.to_string()), at, at)
}

fn mark_escape(e: &Escapes, pair: &mut Pair, out: &mut String, at: usize) -> Result<usize> {
    let (from, digits) = if e.byte(at + 1) == b'+' { (at + 2, 6) } else { (at + 1, 4) };
    let Some(code) = e.hex(from, digits) else {
        return e.error(ParseErrorKind::InvalidUnicodeEscape, at, at);
    };
    match pair.push(code) {
        Half::Char(c) => out.push(c),
        Half::First => {}
        Half::Unpaired => return unicode_rule(e, "invalid Unicode surrogate pair", at),
        Half::NoCharacter => return unicode_rule(e, "invalid Unicode escape value", at),
    }
    Ok(from + digits)
}

/// Where the quoted part ends (past its quote) and which character escapes.
fn unicode_end(source: &str, quote: char) -> (usize, char) {
    let bytes = source.as_bytes();
    let quote = quote as u8;
    let mut at = 3;
    while let Some(step) = bytes.get(at..).and_then(|rest| memchr::memchr(quote, rest)) {
        at += step + 1;
        if bytes.get(at) == Some(&quote) {
            at += 1;
        } else {
            match continuation(bytes, at) {
                Some(next) if quote == b'\'' => at = next,
                _ => break,
            }
        }
    }
    let mark = if at < source.len() {
        source.get(..source.len() - 1).and_then(|s| s.chars().next_back()).unwrap_or('\\')
    } else {
        '\\'
    };
    (at, mark)
}

#[cfg(test)]
mod tests {
    use super::super::lexer::Lexer;
    use super::*;

    fn decode(text: &str) -> String {
        let token = Lexer::new(text, Dialect::PostgreSql).and_then(|mut l| l.next_token());
        match token.and_then(|t| string(text, t)) {
            Ok(s) => s,
            Err(e) => format!("{e} @{} {}", e.offset, e.sqlstate()),
        }
    }

    #[test]
    fn strings() {
        assert_eq!(decode("'a''b'\n -- c\n 'd'"), "a'bd");
        assert_eq!(decode(r"E'a\tb\\c\'d\x41\101\u00e9\U0001F600'"), "a\tb\\c'dAAé😀");
        assert_eq!(decode(r"E'\uD83D\uDE00'"), "😀");
        assert_eq!(decode(r"U&'d\0061t\+000061\\'"), "data\\");
        assert_eq!(decode("U&'d!0061''' UESCAPE '!'"), "da'");
        assert_eq!(decode(r"U&'\D83D\DE00'"), "😀");
        assert_eq!(decode("$a$x'$y$a$"), "x'$y");
        assert_eq!(decode("X'1f'"), "1f");
        assert_eq!(decode(r"E'\u12'"), "invalid Unicode escape @2 22025");
        assert_eq!(
            decode(r"E'\xff'"),
            "invalid byte sequence for encoding \"UTF8\": 0xff @0 22021"
        );
    }

    #[test]
    fn classes() {
        let of = |text: &str| {
            let token = Lexer::new(text, Dialect::PostgreSql).unwrap().next_token().unwrap();
            class(text, token).unwrap()
        };
        assert_eq!(of("2147483647"), LiteralClass::Int4);
        assert_eq!(of("0000000000000000002147483647"), LiteralClass::Int4);
        assert_eq!(of("2147483648"), LiteralClass::Int4Edge);
        assert_eq!(of("2147483649"), LiteralClass::Int8);
        assert_eq!(of("9223372036854775808"), LiteralClass::Int8Edge);
        assert_eq!(of("9223372036854775809"), LiteralClass::Numeric);
        assert_eq!(of("1.0"), LiteralClass::Numeric);
        assert_eq!(of("X'1'"), LiteralClass::HexBit);
    }
}
