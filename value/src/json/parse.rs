//! Text to bytes.
//!
//! A recursive descent whose depth is limited, writing into one [`Encoder`]. Keys of a document are
//! noted by their offsets in the output; a document that turns out to have one twice (rare) is
//! written again without the values that lost.

use crate::cbor::{Encoder, OpenMap};
use crate::text::float;
use crate::{Decimal, Key, MAX_DEPTH, Raw, Value};

/// What the parser allows.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Nesting of objects and arrays; capped by [`MAX_DEPTH`].
    pub depth_max: usize,
    /// Whether `\u0000` may stand in strings. PostgreSQL's text cannot hold it and refuses.
    pub allow_nul: bool,
    /// Whether `-0` is the float -0.0, as readers of floats want it. JSON's own numbers, which
    /// PostgreSQL's jsonb keeps as decimals, have no such value.
    pub signed_zero: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options { depth_max: 200, allow_nul: true, signed_zero: false }
    }
}

/// Where a text is not JSON, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {offset}")]
pub struct Error {
    /// The byte at which the text stops being JSON.
    pub offset: usize,
    /// Why.
    pub kind: ErrorKind,
}

/// What can be wrong with a JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ErrorKind {
    /// The text ends too early.
    #[error("unexpected end of JSON")]
    End,
    /// A character that cannot stand there.
    #[error("unexpected character in JSON")]
    Unexpected,
    /// A number that is malformed.
    #[error("invalid JSON number")]
    Number,
    /// A number beyond the limits of a decimal.
    #[error("JSON number out of range")]
    Range,
    /// A backslash followed by something else than an escape.
    #[error("invalid escape in JSON string")]
    Escape,
    /// Half of a surrogate pair.
    #[error("lone surrogate in JSON string")]
    Surrogate,
    /// A control character that should be escaped.
    #[error("unescaped control character in JSON string")]
    Control,
    /// `\u0000` where it is not allowed.
    #[error("\\u0000 cannot be converted to text")]
    Nul,
    /// Nested more deeply than allowed.
    #[error("JSON nested too deeply")]
    TooDeep,
    /// Something follows the value.
    #[error("text after the JSON value")]
    Trailing,
}

/// Parses a text into stored bytes.
///
/// # Errors
/// The first offence.
pub fn parse(text: &str, options: &Options) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(text.len());
    parse_into(text, options, &mut out)?;
    Ok(out)
}

/// Parses a text and appends the stored bytes. After an error `out` is as before.
///
/// # Errors
/// The first offence.
pub fn parse_into(text: &str, options: &Options, out: &mut Vec<u8>) -> Result<(), Error> {
    let from = out.len();
    let depth_left = options.depth_max.min(MAX_DEPTH);
    let mut parser = Parser { text, at: 0, out, depth_left, options: *options };
    let result = parser.whole();
    if result.is_err() {
        out.truncate(from);
    }
    result
}

/// Parses a text into a value.
///
/// # Errors
/// The first offence.
pub fn parse_value(text: &str, options: &Options) -> Result<Value, Error> {
    let bytes = parse(text, options)?;
    // What the parser wrote can be read; its depth is within the reader's.
    Raw::new(&bytes).to_value().map_err(|_| Error { offset: 0, kind: ErrorKind::TooDeep })
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    out: &'a mut Vec<u8>,
    depth_left: usize,
    options: Options,
}

impl Parser<'_> {
    fn error<T>(&self, kind: ErrorKind) -> Result<T, Error> {
        Err(Error { offset: self.at, kind })
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn unexpected<T>(&self) -> Result<T, Error> {
        self.error(if self.peek().is_none() { ErrorKind::End } else { ErrorKind::Unexpected })
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let hit = self.peek() == Some(byte);
        self.at += usize::from(hit);
        hit
    }

    fn expect(&mut self, byte: u8) -> Result<(), Error> {
        if self.eat(byte) { Ok(()) } else { self.unexpected() }
    }

    fn encoder(&mut self) -> Encoder<'_> {
        Encoder::new(self.out)
    }

    fn whole(&mut self) -> Result<(), Error> {
        self.blanks();
        self.value()?;
        self.blanks();
        if self.at == self.text.len() { Ok(()) } else { self.error(ErrorKind::Trailing) }
    }

    fn value(&mut self) -> Result<(), Error> {
        match self.peek() {
            Some(b'{') => self.nested(Parser::object),
            Some(b'[') => self.nested(Parser::array),
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal("true", |encoder| encoder.bool(true)),
            Some(b'f') => self.literal("false", |encoder| encoder.bool(false)),
            Some(b'n') => self.literal("null", |encoder| encoder.null()),
            _ => self.unexpected(),
        }
    }

    fn literal(&mut self, word: &str, write: fn(&mut Encoder<'_>)) -> Result<(), Error> {
        for byte in word.bytes() {
            self.expect(byte)?;
        }
        if self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return self.error(ErrorKind::Unexpected);
        }
        write(&mut self.encoder());
        Ok(())
    }

    fn nested(&mut self, content: fn(&mut Self) -> Result<(), Error>) -> Result<(), Error> {
        let Some(left) = self.depth_left.checked_sub(1) else {
            return self.error(ErrorKind::TooDeep);
        };
        self.depth_left = left;
        self.at += 1;
        self.blanks();
        content(self)?;
        self.depth_left += 1;
        Ok(())
    }

    fn array(&mut self) -> Result<(), Error> {
        let open = self.encoder().begin_array();
        let mut count = 0;
        if !self.eat(b']') {
            loop {
                self.value()?;
                count += 1;
                self.blanks();
                if !self.eat(b',') {
                    break;
                }
                self.blanks();
            }
            self.expect(b']')?;
        }
        self.encoder().end_array(open, count);
        Ok(())
    }

    fn object(&mut self) -> Result<(), Error> {
        let from = self.out.len();
        let open = self.encoder().begin_map();
        // Offset of each entry in the output, and the end of its key.
        let mut keys: Vec<(usize, usize)> = Vec::new();
        if !self.eat(b'}') {
            loop {
                let key_from = self.out.len();
                if self.peek() != Some(b'"') {
                    return self.unexpected();
                }
                self.string()?;
                keys.push((key_from, self.out.len()));
                self.blanks();
                self.expect(b':')?;
                self.blanks();
                self.value()?;
                self.blanks();
                if !self.eat(b',') {
                    break;
                }
                self.blanks();
            }
            self.expect(b'}')?;
        }
        self.close(from, open, &mut keys);
        Ok(())
    }

    fn close(&mut self, from: usize, open: OpenMap, keys: &mut [(usize, usize)]) {
        let count = keys.len();
        let distinct = self.sort(keys);
        self.encoder().end_map(open, count);
        if !distinct {
            self.drop_duplicates(from);
        }
    }

    /// Sorts the keys by their bytes and answers whether all differ.
    fn sort(&self, keys: &mut [(usize, usize)]) -> bool {
        let key = |&(from, to): &(usize, usize)| self.out.get(from..to);
        keys.sort_unstable_by_key(key);
        keys.windows(2).all(|pair| match pair {
            [a, b] => key(a) != key(b),
            _ => true,
        })
    }

    /// Writes the map at `from` again, with the last value of each key in the place of its first.
    fn drop_duplicates(&mut self, from: usize) {
        let old = self.out.split_off(from);
        let mut order: Vec<Key<'_>> = Vec::new();
        let mut last: std::collections::HashMap<Key<'_>, Raw<'_>> = Default::default();
        for (key, value) in Raw::new(&old).entries().flatten() {
            if last.insert(key, value).is_none() {
                order.push(key);
            }
        }
        let mut encoder = Encoder::new(self.out);
        encoder.map(order.len());
        for key in order {
            if let Some(Ok(bytes)) = last.get(&key).map(|value| value.bytes()) {
                encoder.any_key(key);
                encoder.encoded(bytes);
            }
        }
    }

    fn string(&mut self) -> Result<(), Error> {
        let from = self.at + 1;
        let bytes = self.text.as_bytes();
        let mut end = from;
        loop {
            match bytes.get(end) {
                Some(b'"') => {
                    // Most strings hold no escape: one copy.
                    let text = self.text.get(from..end).unwrap_or_default();
                    self.at = end + 1;
                    self.encoder().text(text);
                    return Ok(());
                }
                Some(b'\\') => break,
                Some(0..0x20) | None => break,
                Some(_) => end += 1,
            }
        }
        let mut unescaped = self.text.get(from..end).unwrap_or_default().to_owned();
        self.at = end;
        self.escaped_string(&mut unescaped)?;
        self.encoder().text(&unescaped);
        Ok(())
    }

    /// The rest of a string from its first escape on.
    fn escaped_string(&mut self, out: &mut String) -> Result<(), Error> {
        loop {
            let from = self.at;
            while !matches!(self.peek(), Some(b'"' | b'\\' | 0..0x20) | None) {
                self.at += 1;
            }
            out.push_str(self.text.get(from..self.at).unwrap_or_default());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => out.push(self.escape()?),
                Some(_) => return self.error(ErrorKind::Control),
                None => return self.error(ErrorKind::End),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Error> {
        let start = self.at;
        self.at += 1;
        let Some(letter) = self.peek() else { return self.error(ErrorKind::End) };
        self.at += 1;
        Ok(match letter {
            b'"' | b'\\' | b'/' => letter.into(),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(start),
            _ => return Err(Error { offset: start, kind: ErrorKind::Escape }),
        })
    }

    /// The character of `\uXXXX`, or of two that make a surrogate pair.
    fn unicode(&mut self, start: usize) -> Result<char, Error> {
        let lone = Error { offset: start, kind: ErrorKind::Surrogate };
        let high = self.hex()?;
        let code = match high {
            0xd800..=0xdbff => {
                if !(self.eat(b'\\') && self.eat(b'u')) {
                    return Err(lone);
                }
                match self.hex()? {
                    low @ 0xdc00..=0xdfff => 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00),
                    _ => return Err(lone),
                }
            }
            0 if !self.options.allow_nul => {
                return Err(Error { offset: start, kind: ErrorKind::Nul });
            }
            code => code,
        };
        char::from_u32(code).ok_or(lone)
    }

    fn hex(&mut self) -> Result<u32, Error> {
        let mut code = 0;
        for _ in 0..4 {
            match self.peek().map(|byte| char::from(byte).to_digit(16)) {
                Some(Some(digit)) => code = code << 4 | digit,
                Some(None) => return self.error(ErrorKind::Escape),
                None => return self.error(ErrorKind::End),
            }
            self.at += 1;
        }
        Ok(code)
    }

    fn digits(&mut self) -> Result<(), Error> {
        let from = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        match (self.at > from, self.peek()) {
            (true, _) => Ok(()),
            (false, None) => self.error(ErrorKind::End),
            (false, _) => self.error(ErrorKind::Number),
        }
    }

    fn number(&mut self) -> Result<(), Error> {
        let from = self.at;
        self.eat(b'-');
        let first = self.at;
        self.digits()?;
        if self.at > first + 1 && self.text.as_bytes().get(first) == Some(&b'0') {
            return Err(Error { offset: first, kind: ErrorKind::Number });
        }
        let mut whole = true;
        if self.eat(b'.') {
            whole = false;
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            whole = false;
            let _ = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        if self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return self.error(ErrorKind::Number);
        }
        let text = self.text.get(from..self.at).unwrap_or_default();
        self.store_number(text, whole).map_err(|kind| Error { offset: from, kind })
    }

    fn store_number(&mut self, text: &str, whole: bool) -> Result<(), ErrorKind> {
        if self.options.signed_zero && is_negative_zero(text) {
            self.encoder().float64(-0.0);
            return Ok(());
        }
        if whole && let Ok(n) = text.parse::<i64>() {
            self.encoder().int64(n);
            return Ok(());
        }
        // A double prints at most 17 digits; anything longer cannot print the same.
        if text.len() <= 24
            && let Ok(n) = text.parse::<f64>()
            && float::format_f64(n) == text
        {
            self.encoder().float64(n);
            return Ok(());
        }
        let n = Decimal::parse(text).map_err(|_| ErrorKind::Range)?;
        self.encoder().decimal(&n);
        Ok(())
    }
}

/// Whether a number's text is `-0`, `-0.00`, `-0e7`.
fn is_negative_zero(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('-') else { return false };
    let mantissa = digits.split(['e', 'E']).next().unwrap_or_default();
    mantissa.bytes().all(|byte| matches!(byte, b'0' | b'.'))
}
