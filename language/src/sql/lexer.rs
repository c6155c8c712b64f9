//! Text to tokens.
//!
//! ```text
//! SELECT e'a\n', 1.5e3 +-x -- end
//! word   string  ,number op op word            each: kind, start, end (byte offsets)
//! ```
//!
//! A token is twelve bytes and borrows nothing; its text is `&text[start..end]`, decoded by
//! [`literal`](mod@super::literal) only if somebody wants the value. So one lexer serves the
//! parser, the plan cache's fingerprint (which never decodes) and the splitting of a script into
//! statements.
//!
//! Invariants
//! - Offsets lie on character boundaries: every byte from 0x80 up belongs to a name, a quoted text
//!   or
//!   a comment, whole.
//! - An operator is the longest run of operator characters, cut before `--` and `/*`; a run of more
//!   than one character ends in `+` or `-` only if it holds one of ``~ ! @ # ^ & | ` ? %``. So
//!   `a*-1` is `*` and `-`, while `@-` is one operator.
//! - A string goes on after white space that holds a line end (`'a' ⏎ 'b'` is one string), and
//!   `UESCAPE '!'` belongs to the string or name before it: both stay one token.
//! - The lexer stops at its first error; strings with escapes are checked as they are met, so that
//!   decoding a token later cannot fail.
//!
//! Rejected: a generated scanner (a build step, and fingerprints would pay for what they do not
//! need), and tokens with decoded values (an allocation each).

use super::dialect::Dialect;
use super::error::{ParseError, ParseErrorKind, Result};
use super::literal;

/// What a token is. Words become keywords by [`Dialect::keyword`], which only the parser asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// An unquoted name or keyword.
    Word,
    /// `"…"`.
    QuotedName,
    /// `U&"…"`, with its `UESCAPE`.
    UnicodeName,
    /// Digits only.
    Integer,
    /// A number with a point or exponent.
    Number,
    /// `'…'`.
    String,
    /// `E'…'`.
    EscapeString,
    /// `U&'…'`, with its `UESCAPE`.
    UnicodeString,
    /// `$tag$…$tag$`.
    DollarString,
    /// `B'…'`.
    BitString,
    /// `X'…'`.
    HexString,
    /// `$1`.
    Parameter,
    /// An operator that is none of the characters below.
    Operator,
    /// One of `+ - * / % ^ < > =`, alone.
    OperatorChar,
    /// `<=`.
    LessEquals,
    /// `>=`.
    GreaterEquals,
    /// `<>` or `!=`.
    NotEquals,
    /// `=>`.
    Arrow,
    /// `::`.
    Cast,
    /// `:=`.
    Assign,
    /// `..`.
    DotDot,
    /// `,`.
    Comma,
    /// `(`.
    Open,
    /// `)`.
    Close,
    /// `[`.
    OpenBracket,
    /// `]`.
    CloseBracket,
    /// `.`.
    Dot,
    /// `;`.
    Semicolon,
    /// `:`.
    Colon,
    /// A character that starts nothing; never valid, but the parser reports it.
    Other,
    /// The end of the text.
    End,
}

impl TokenKind {
    /// Whether the token is a constant that the plan cache lifts out of the text.
    pub fn is_literal(self) -> bool {
        use TokenKind::*;
        self.is_string() || matches!(self, Integer | Number | BitString | HexString)
    }

    /// Whether the token is a character string.
    pub fn is_string(self) -> bool {
        use TokenKind::*;
        matches!(self, String | EscapeString | UnicodeString | DollarString)
    }
}

/// A piece of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Byte offset of its first byte.
    pub start: u32,
    /// Byte offset past its last byte.
    pub end: u32,
}

/// Operators of this many bytes are refused.
const OPERATOR_BYTES_MAX: usize = 64;

/// Walks over a text, token by token.
#[derive(Clone, Debug)]
pub struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// Up to here every byte is known to be a `+` or `-` that stands alone: without this memory a
    /// long run of signs would be walked again for each of them.
    signs_until: usize,
    /// Set while it reads what may be the UESCAPE of a token before.
    looks_ahead: bool,
}

const NAME_START: u8 = 1;
const NAME: u8 = 2;
const OPERATOR: u8 = 4;
const SPACE: u8 = 8;
/// Operator characters that let an operator end in `+` or `-`.
const FREE_OPERATOR: u8 = 16;

const CLASS: [u8; 256] = {
    let mut class = [0u8; 256];
    let mut byte = 0usize;
    while byte < 256 {
        let b = byte as u8;
        class[byte] = match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 128.. => NAME_START | NAME,
            b'0'..=b'9' | b'$' => NAME,
            b'~' | b'!' | b'@' | b'#' | b'^' | b'&' | b'|' | b'`' | b'?' | b'%' => {
                OPERATOR | FREE_OPERATOR
            }
            b'+' | b'-' | b'*' | b'/' | b'<' | b'>' | b'=' => OPERATOR,
            b' ' | b'\t' | b'\n' | b'\r' | 12 => SPACE,
            _ => 0,
        };
        byte += 1;
    }
    class
};

#[inline]
fn is(byte: u8, class: u8) -> bool {
    CLASS[byte as usize] & class != 0
}

impl<'a> Lexer<'a> {
    /// A lexer at the start of `text`. Fails if the text is longer than offsets can say.
    pub fn new(text: &'a str, dialect: Dialect) -> Result<Lexer<'a>> {
        let Dialect::PostgreSql = dialect;
        if text.len() >= u32::MAX as usize {
            let kind = ParseErrorKind::TooLong;
            return Err(Box::new(ParseError { kind, offset: 0, near: None }));
        }
        Ok(Lexer { text, bytes: text.as_bytes(), at: 0, signs_until: 0, looks_ahead: false })
    }

    /// The next token; [`TokenKind::End`] at the end, again and again.
    #[inline]
    pub fn next_token(&mut self) -> Result<Token> {
        self.skip_space()?;
        let start = self.at;
        let Some(&byte) = self.bytes.get(start) else {
            return Ok(self.token(TokenKind::End, start));
        };
        let class = CLASS[byte as usize];
        if class & NAME_START != 0 {
            return self.word(start, byte);
        }
        if class & OPERATOR != 0 {
            return self.operator(start);
        }
        if byte.is_ascii_digit() || (byte == b'.' && self.byte(start + 1).is_ascii_digit()) {
            return self.number(start);
        }
        match byte {
            b'\'' => self.quoted(start, start, TokenKind::String),
            b'"' => self.quoted_name(start, start, TokenKind::QuotedName),
            b'$' => self.dollar(start),
            _ => Ok(self.punctuation(start, byte)),
        }
    }

    /// The byte at `at`, or 0 past the end. A 0 in the text is no valid SQL either.
    #[inline]
    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    #[inline]
    fn token(&self, kind: TokenKind, start: usize) -> Token {
        Token { kind, start: start as u32, end: self.at as u32 }
    }

    #[inline]
    fn take(&mut self, kind: TokenKind, start: usize, end: usize) -> Token {
        self.at = end;
        self.token(kind, start)
    }

    #[cold]
    fn error<T>(&self, kind: ParseErrorKind, start: usize, end: usize) -> Result<T> {
        let near = self.text.get(start..end).map(str::to_string);
        Err(Box::new(ParseError { kind, offset: start as u32, near }))
    }

    #[inline]
    fn skip_space(&mut self) -> Result<()> {
        loop {
            let byte = self.byte(self.at);
            if is(byte, SPACE) {
                self.at += 1;
            } else if byte == b'-' && self.byte(self.at + 1) == b'-' {
                self.at = self.line_end(self.at);
            } else if byte == b'/' && self.byte(self.at + 1) == b'*' {
                self.skip_comment()?;
            } else {
                return Ok(());
            }
        }
    }

    /// Offset of the next line end at or after `at`, or the end of the text.
    fn line_end(&self, at: usize) -> usize {
        let rest = self.bytes.get(at..).unwrap_or_default();
        at + memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len())
    }

    fn skip_comment(&mut self) -> Result<()> {
        let start = self.at;
        let mut depth = 1usize;
        let mut at = start + 2;
        while depth > 0 {
            match (self.byte(at), self.byte(at + 1)) {
                (b'*', b'/') => (depth, at) = (depth - 1, at + 2),
                (b'/', b'*') => (depth, at) = (depth + 1, at + 2),
                _ if at >= self.bytes.len() => {
                    let end = self.bytes.len();
                    return self.error(ParseErrorKind::UnterminatedComment, start, end);
                }
                _ => at += 1,
            }
        }
        self.at = at;
        Ok(())
    }

    #[inline]
    fn word(&mut self, start: usize, first: u8) -> Result<Token> {
        let second = self.byte(start + 1);
        if second == b'\'' {
            match first {
                b'e' | b'E' => return self.quoted(start, start + 1, TokenKind::EscapeString),
                b'b' | b'B' => return self.quoted(start, start + 1, TokenKind::BitString),
                b'x' | b'X' => return self.quoted(start, start + 1, TokenKind::HexString),
                _ => {}
            }
        }
        if second == b'&' && matches!(first, b'u' | b'U') {
            match self.byte(start + 2) {
                b'\'' => return self.quoted(start, start + 2, TokenKind::UnicodeString),
                b'"' => return self.quoted_name(start, start + 2, TokenKind::UnicodeName),
                _ => {}
            }
        }
        let end = self.name_end(start + 1);
        Ok(self.take(TokenKind::Word, start, end))
    }

    fn name_end(&self, mut at: usize) -> usize {
        while is(self.byte(at), NAME) {
            at += 1;
        }
        at
    }

    fn digits(&self, mut at: usize) -> usize {
        while self.byte(at).is_ascii_digit() {
            at += 1;
        }
        at
    }

    fn number(&mut self, start: usize) -> Result<Token> {
        let mut kind = TokenKind::Integer;
        let mut at = self.digits(start);
        // `1..10` is two bounds of a range, not `1.` and `.10`.
        if self.byte(at) == b'.' && self.byte(at + 1) != b'.' {
            kind = TokenKind::Number;
            at = self.digits(at + 1);
        }
        if matches!(self.byte(at), b'e' | b'E') {
            let sign = usize::from(matches!(self.byte(at + 1), b'+' | b'-'));
            let end = self.digits(at + 1 + sign);
            if end > at + 1 + sign {
                (kind, at) = (TokenKind::Number, end);
            } else if sign == 1 {
                return self.error(ParseErrorKind::JunkAfterNumber, start, at + 2);
            }
        }
        if is(self.byte(at), NAME_START) {
            return self.error(ParseErrorKind::JunkAfterNumber, start, self.name_end(at));
        }
        Ok(self.take(kind, start, at))
    }

    fn operator(&mut self, start: usize) -> Result<Token> {
        if start < self.signs_until {
            return Ok(self.take(TokenKind::OperatorChar, start, start + 1));
        }
        let mut end = start;
        let mut free = false;
        while is(self.byte(end), OPERATOR) && (end == start || !self.comment_starts(end)) {
            free |= is(self.byte(end), FREE_OPERATOR);
            end += 1;
        }
        if !free {
            self.signs_until = end;
            while end > start + 1 && matches!(self.byte(end - 1), b'+' | b'-') {
                end -= 1;
            }
        }
        if end - start >= OPERATOR_BYTES_MAX {
            return self.error(ParseErrorKind::OperatorTooLong, start, end);
        }
        let kind = match self.bytes.get(start..end).unwrap_or_default() {
            [b'+' | b'-' | b'*' | b'/' | b'%' | b'^' | b'<' | b'>' | b'='] => {
                TokenKind::OperatorChar
            }
            b"<=" => TokenKind::LessEquals,
            b">=" => TokenKind::GreaterEquals,
            b"<>" | b"!=" => TokenKind::NotEquals,
            b"=>" => TokenKind::Arrow,
            _ => TokenKind::Operator,
        };
        Ok(self.take(kind, start, end))
    }

    fn comment_starts(&self, at: usize) -> bool {
        matches!((self.byte(at), self.byte(at + 1)), (b'-', b'-') | (b'/', b'*'))
    }

    fn punctuation(&mut self, start: usize, byte: u8) -> Token {
        let next = self.byte(start + 1);
        let (kind, length) = match (byte, next) {
            (b':', b':') => (TokenKind::Cast, 2),
            (b':', b'=') => (TokenKind::Assign, 2),
            (b'.', b'.') => (TokenKind::DotDot, 2),
            (b':', _) => (TokenKind::Colon, 1),
            (b'.', _) => (TokenKind::Dot, 1),
            (b',', _) => (TokenKind::Comma, 1),
            (b'(', _) => (TokenKind::Open, 1),
            (b')', _) => (TokenKind::Close, 1),
            (b'[', _) => (TokenKind::OpenBracket, 1),
            (b']', _) => (TokenKind::CloseBracket, 1),
            (b';', _) => (TokenKind::Semicolon, 1),
            _ => (TokenKind::Other, 1),
        };
        self.take(kind, start, start + length)
    }

    /// A string whose opening quote is at `quote`; `start` is before its prefix.
    fn quoted(&mut self, start: usize, quote: usize, kind: TokenKind) -> Result<Token> {
        let mut at = quote + 1;
        loop {
            let rest = self.bytes.get(at..).unwrap_or_default();
            let step = if kind == TokenKind::EscapeString {
                memchr::memchr2(b'\'', b'\\', rest)
            } else {
                memchr::memchr(b'\'', rest)
            };
            let Some(step) = step else {
                return self.error(unterminated(kind), start, self.bytes.len());
            };
            at += step;
            if self.byte(at) == b'\\' {
                at = (at + 2).min(self.bytes.len());
            } else if self.byte(at + 1) == b'\'' {
                at += 2;
            } else if let Some(next) = self.continuation(at + 1) {
                at = next;
            } else {
                break;
            }
        }
        self.at = at + 1;
        if kind == TokenKind::UnicodeString {
            self.uescape(start)?;
        }
        let token = self.token(kind, start);
        if matches!(kind, TokenKind::EscapeString | TokenKind::UnicodeString) {
            literal::check_string(self.text, token)?;
        }
        Ok(token)
    }

    /// If a string that ended before `at` goes on after a line end: the offset past the next quote.
    fn continuation(&self, at: usize) -> Option<usize> {
        literal::continuation(self.bytes, at)
    }

    fn quoted_name(&mut self, start: usize, quote: usize, kind: TokenKind) -> Result<Token> {
        let mut at = quote + 1;
        loop {
            let rest = self.bytes.get(at..).unwrap_or_default();
            let Some(step) = memchr::memchr(b'"', rest) else {
                let end = self.bytes.len();
                return self.error(ParseErrorKind::UnterminatedIdentifier, start, end);
            };
            at += step + 1;
            if self.byte(at) != b'"' {
                break;
            }
            at += 1;
        }
        if at == quote + 2 {
            return self.error(ParseErrorKind::ZeroLengthIdentifier, start, at);
        }
        self.at = at;
        if kind == TokenKind::UnicodeName {
            self.uescape(start)?;
        }
        let token = self.token(kind, start);
        if kind == TokenKind::UnicodeName {
            literal::check_string(self.text, token)?;
        }
        Ok(token)
    }

    /// Takes a `UESCAPE 'x'` that follows, if one does.
    fn uescape(&mut self, start: usize) -> Result<()> {
        if self.looks_ahead {
            return Ok(());
        }
        // The lexer that looks ahead does not do so in turn: a long row of such strings would nest.
        let mut look = Lexer { looks_ahead: true, ..self.clone() };
        look.skip_space()?;
        let word = self.bytes.get(look.at..look.at + 7).unwrap_or_default();
        if !word.eq_ignore_ascii_case(b"uescape") || is(self.byte(look.at + 7), NAME) {
            return Ok(());
        }
        look.at += 7;
        let string = look.next_token()?;
        let (from, to) = (string.start as usize, string.end as usize);
        if string.kind != TokenKind::String {
            let kind = ParseErrorKind::UescapeNotString;
            if string.kind == TokenKind::End {
                let offset = string.start;
                return Err(Box::new(ParseError { kind, offset, near: None }));
            }
            return self.error(kind, from, to);
        }
        match text_of(self.text, string).as_bytes() {
            [b'\'', mark, b'\''] if literal::valid_escape_mark(*mark) => {}
            _ => return self.error(ParseErrorKind::InvalidUescape, from, to),
        }
        debug_assert!(start < to);
        self.at = to;
        Ok(())
    }

    fn dollar(&mut self, start: usize) -> Result<Token> {
        if self.byte(start + 1).is_ascii_digit() {
            let end = self.digits(start + 1);
            if is(self.byte(end), NAME_START) {
                return self.error(ParseErrorKind::JunkAfterParameter, start, self.name_end(end));
            }
            return Ok(self.take(TokenKind::Parameter, start, end));
        }
        let mut at = start + 1;
        while is(self.byte(at), NAME) && self.byte(at) != b'$' {
            at += 1;
        }
        if self.byte(at) != b'$' {
            return Ok(self.take(TokenKind::Other, start, start + 1));
        }
        let tag = self.bytes.get(start..=at).unwrap_or_default();
        let body = self.bytes.get(at + 1..).unwrap_or_default();
        match memchr::memmem::find(body, tag) {
            Some(found) => {
                let end = at + 1 + found + tag.len();
                Ok(self.take(TokenKind::DollarString, start, end))
            }
            None => self.error(ParseErrorKind::UnterminatedDollarString, start, self.bytes.len()),
        }
    }
}

fn unterminated(kind: TokenKind) -> ParseErrorKind {
    match kind {
        TokenKind::BitString => ParseErrorKind::UnterminatedBitString,
        TokenKind::HexString => ParseErrorKind::UnterminatedHexString,
        _ => ParseErrorKind::UnterminatedString,
    }
}

/// The text of a token.
pub fn text_of(text: &str, token: Token) -> &str {
    text.get(token.start as usize..token.end as usize).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lex(text: &str) -> String {
        let mut lexer = Lexer::new(text, Dialect::PostgreSql).unwrap();
        let mut out = Vec::new();
        loop {
            match lexer.next_token() {
                Ok(t) if t.kind == TokenKind::End => break,
                Ok(t) => out.push(format!("{:?}<{}>", t.kind, text_of(text, t))),
                Err(e) => {
                    out.push(format!("{e} @{}", e.offset));
                    break;
                }
            }
        }
        out.join(" ")
    }

    #[test]
    fn operators() {
        assert_eq!(lex("a*-1"), "Word<a> OperatorChar<*> OperatorChar<-> Integer<1>");
        assert_eq!(lex("@-"), "Operator<@->");
        assert_eq!(lex("=-"), "OperatorChar<=> OperatorChar<->");
        assert_eq!(lex("<=-+1"), "LessEquals<<=> OperatorChar<-> OperatorChar<+> Integer<1>");
        assert_eq!(lex("+-*"), "Operator<+-*>");
        assert_eq!(lex("a->>-- c\n'x'"), "Word<a> Operator<->>> String<'x'>");
        assert_eq!(lex("a+/*c/*d*/*/b"), "Word<a> OperatorChar<+> Word<b>");
        assert_eq!(
            lex("a:=b::c=>d..e"),
            "Word<a> Assign<:=> Word<b> Cast<::> Word<c> \
             Arrow<=>> Word<d> DotDot<..> Word<e>"
        );
        assert!(lex(&"@".repeat(64)).starts_with("operator too long at or near"));
    }

    #[test]
    fn numbers() {
        assert_eq!(
            lex("1 1. .5 1.5e-3 1..10"),
            "Integer<1> Number<1.> Number<.5> \
             Number<1.5e-3> Integer<1> DotDot<..> Integer<10>"
        );
        assert_eq!(lex("1a"), "trailing junk after numeric literal at or near \"1a\" @0");
        assert_eq!(lex("1é"), "trailing junk after numeric literal at or near \"1é\" @0");
        assert_eq!(lex("1e+"), "trailing junk after numeric literal at or near \"1e+\" @0");
        assert_eq!(lex("$1 $12"), "Parameter<$1> Parameter<$12>");
        assert_eq!(lex("$1a"), "trailing junk after parameter at or near \"$1a\" @0");
    }

    #[test]
    fn strings() {
        assert_eq!(
            lex("'a''b' E'a\\'b' b'01' X'1F'"),
            "String<'a''b'> EscapeString<E'a\\'b'> \
             BitString<b'01'> HexString<X'1F'>"
        );
        assert_eq!(lex("'a'\n 'b'"), "String<'a'\n 'b'>");
        assert_eq!(lex("'a' 'b'"), "String<'a'> String<'b'>");
        assert_eq!(lex("'a' -- x\n -- y\n 'b'"), "String<'a' -- x\n -- y\n 'b'>");
        assert_eq!(lex("$$a$b$$ $x$ $$ $x$"), "DollarString<$$a$b$$> DollarString<$x$ $$ $x$>");
        assert_eq!(
            lex("U&'d!0061' UESCAPE '!' x"),
            "UnicodeString<U&'d!0061' UESCAPE '!'> Word<x>"
        );
        assert_eq!(lex("x 'abc"), "Word<x> unterminated quoted string at or near \"'abc\" @2");
        assert_eq!(lex("$x$ $y$"), "unterminated dollar-quoted string at or near \"$x$ $y$\" @0");
        assert_eq!(lex("\"\""), "zero-length delimited identifier at or near \"\"\"\" @0");
        assert_eq!(lex("/* /* */"), "unterminated /* comment at or near \"/* /* */\" @0");
        assert_eq!(lex("a$b \"x\"\"y\" $"), "Word<a$b> QuotedName<\"x\"\"y\"> Other<$>");
    }
}
