//! Values as people and protocols write them.
//!
//! | file | forms |
//! | --- | --- |
//! | [`datetime`] | `2024-02-29`, `2024-02-29 23:59:59.5+05:30`, `0044-03-15 BC`, `infinity` |
//! | [`interval`] | `1 year 2 mons -3 days +04:05:06`, read also from ISO 8601 |
//! | [`float`] | `0.1`, `1e+20`, `Infinity`; Redis's `1e+20`, `inf` |
//! | [`id`] | UUIDs, ObjectIds, hexadecimal bytes |
//!
//! Output is PostgreSQL's default style, byte for byte, since psql's users compare it. Input is
//! what that style and ISO 8601 write. Forms that depend on a setting (day before month) or on a
//! zone database belong to their users; [`datetime::parse_parts`] hands them a zone's name as it
//! stands.
//!
//! Invariant: what `format` writes, `parse` reads back as the same value.

pub mod datetime;
pub mod float;
pub mod id;
pub mod interval;

/// Why a text is not a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// The text does not have the type's form.
    #[error("invalid input syntax")]
    Syntax,
    /// The form is right, a field or the value is out of range.
    #[error("value out of range")]
    Range,
}

/// Reads text byte by byte. Everything read is ASCII, so slices of it are text.
#[derive(Clone, Copy)]
pub(crate) struct Scanner<'a> {
    rest: &'a [u8],
}

impl<'a> Scanner<'a> {
    pub fn new(text: &'a str) -> Scanner<'a> {
        Scanner { rest: text.trim_ascii().as_bytes() }
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    /// Steps over `byte` if it comes next.
    pub fn eat(&mut self, byte: u8) -> bool {
        let hit = self.peek() == Some(byte);
        if hit {
            self.next();
        }
        hit
    }

    pub fn expect(&mut self, byte: u8) -> Result<(), TextError> {
        if self.eat(byte) { Ok(()) } else { Err(TextError::Syntax) }
    }

    pub fn spaces(&mut self) {
        self.take_while(|byte| byte.is_ascii_whitespace());
    }

    pub fn take_while(&mut self, keep: impl Fn(u8) -> bool) -> &'a str {
        let end = self.rest.iter().position(|byte| !keep(*byte)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        std::str::from_utf8(taken).unwrap_or_default()
    }

    pub fn digits(&mut self) -> &'a str {
        self.take_while(|byte| byte.is_ascii_digit())
    }

    /// The next word of letters.
    pub fn word(&mut self) -> &'a str {
        self.take_while(|byte| byte.is_ascii_alphabetic())
    }

    /// Everything left.
    pub fn all(&mut self) -> &'a str {
        self.take_while(|_| true)
    }

    /// Digits, if there are `1 ..= most` of them.
    pub fn number(&mut self, most: usize) -> Result<i64, TextError> {
        let digits = self.digits();
        if digits.is_empty() || digits.len() > most {
            return Err(TextError::Syntax);
        }
        digits.parse().map_err(|_| TextError::Range)
    }

    /// The fraction after a point in millionths, rounded, 0 ..= 1 000 000. The point is read
    /// already.
    pub fn millionths(&mut self) -> i64 {
        let mut micros = 0;
        let mut digits = self.digits().bytes().map(|digit| i64::from(digit - b'0'));
        for _ in 0..6 {
            micros = micros * 10 + digits.next().unwrap_or(0);
        }
        micros + i64::from(digits.next().unwrap_or(0) >= 5)
    }
}

/// Appends `.5` for 500 000 micros: the fraction without trailing zeros, nothing for none.
pub(crate) fn push_fraction(out: &mut String, micros: i64) {
    if micros != 0 {
        let text = format!("{:06}", micros.unsigned_abs());
        out.push('.');
        out.push_str(text.trim_end_matches('0'));
    }
}

/// Appends a number of at least two digits.
pub(crate) fn push_two(out: &mut String, n: u64) {
    if n < 10 {
        out.push('0');
    }
    out.push_str(itoa::Buffer::new().format(n));
}
