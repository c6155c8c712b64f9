//! What the lexer and the parser answer when a text is not SQL.
//!
//! One error carries three things: the kind (an enum, so that callers match instead of reading
//! text), the byte offset where PostgreSQL would put its caret, and the piece of the text that its
//! message quotes. The message is put together only when somebody prints it.
//!
//! ```text
//! SELECT 1 FORM t
//!          ^^^^ offset 9, kind Syntax, near "FORM"
//! → syntax error at or near "FORM"                                   SQLSTATE 42601
//! ```
//!
//! Invariant: the offset lies in `0..=text.len()` and on a character boundary. Rejected: line and
//! column (both PostgreSQL's wire and MySQL's derive their own from the offset).

use std::fmt;

/// The result of every parsing function. The error is boxed: the good path stays narrow.
pub type Result<T> = std::result::Result<T, Box<ParseError>>;

/// Why a text was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// What is wrong.
    pub kind: ParseErrorKind,
    /// Byte offset into the text that was parsed.
    pub offset: u32,
    /// The piece of text the message quotes; `None` at the end of the input and for kinds whose
    /// message quotes nothing.
    pub near: Option<String>,
}

/// The kinds of refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParseErrorKind {
    /// A token that the grammar does not allow here.
    Syntax,
    /// `'…` without its closing quote.
    UnterminatedString,
    /// `B'…` without its closing quote.
    UnterminatedBitString,
    /// `X'…` without its closing quote.
    UnterminatedHexString,
    /// `$tag$…` without its closing tag.
    UnterminatedDollarString,
    /// `"…` without its closing quote.
    UnterminatedIdentifier,
    /// `/*` without `*/`.
    UnterminatedComment,
    /// `""`.
    ZeroLengthIdentifier,
    /// `1abc`.
    JunkAfterNumber,
    /// `$1abc`.
    JunkAfterParameter,
    /// An operator of 64 characters or more.
    OperatorTooLong,
    /// `\u` or `\U` without its 4 or 8 hexadecimal digits, in `E'…'`.
    InvalidEscape,
    /// A backslash of `U&'…'` without its digits.
    InvalidUnicodeEscape,
    /// An escape that names no character.
    InvalidUnicodeValue,
    /// One half of a surrogate pair.
    InvalidSurrogatePair,
    /// `UESCAPE` with something other than a plain string.
    UescapeNotString,
    /// `UESCAPE` with an impossible character.
    InvalidUescape,
    /// An escape that makes a string which is not UTF-8: the first wrong byte or sequence.
    InvalidBytes(String),
    /// Expressions or queries nested beyond the limits of the parser.
    TooDeep,
    /// The text is longer than offsets can say (4 GiB).
    TooLong,
    /// A rule of the grammar beyond its productions; the message is PostgreSQL's.
    Rule(String),
    /// A rule about the statement as a whole, for which PostgreSQL names no position: the SQLSTATE
    /// and the message.
    Whole(&'static str, String),
    /// Something said twice.
    Duplicate(String),
    /// `*` with something after it.
    ImproperStar,
    /// A window frame that makes no sense.
    Windowing(&'static str),
    /// A number outside its bounds.
    InvalidValue(&'static str),
    /// As `Rule`, for a thing that the grammar accepts and PostgreSQL itself does not implement.
    NotImplemented(String),
}

impl ParseError {
    /// The five-character SQLSTATE that PostgreSQL gives the same mistake.
    pub fn sqlstate(&self) -> &'static str {
        use ParseErrorKind::*;
        match self.kind {
            TooDeep => "54001",
            TooLong => "54000",
            InvalidEscape => "22025",
            InvalidBytes(_) => "22021",
            NotImplemented(_) => "0A000",
            Whole(state, _) => state,
            Duplicate(_) => "42710",
            Windowing(_) => "42P20",
            InvalidValue(_) => "22023",
            _ => "42601",
        }
    }

    /// Where the client should be shown the mistake: a byte offset, or nothing for mistakes that
    /// PostgreSQL reports without a place.
    pub fn position(&self) -> Option<u32> {
        use ParseErrorKind::*;
        let nowhere = matches!(self.kind, InvalidBytes(_) | TooDeep | TooLong | Whole(..));
        (!nowhere).then_some(self.offset)
    }

    /// A hint to the client, where PostgreSQL gives one.
    pub fn hint(&self) -> Option<&'static str> {
        match self.kind {
            ParseErrorKind::InvalidEscape => {
                Some("Unicode escapes must be \\uXXXX or \\UXXXXXXXX.")
            }
            ParseErrorKind::InvalidUnicodeEscape => {
                Some("Unicode escapes must be \\XXXX or \\+XXXXXX.")
            }
            _ => None,
        }
    }

    fn message(&self) -> &str {
        use ParseErrorKind::*;
        match &self.kind {
            Syntax => "syntax error",
            UnterminatedString => "unterminated quoted string",
            UnterminatedBitString => "unterminated bit string literal",
            UnterminatedHexString => "unterminated hexadecimal string literal",
            UnterminatedDollarString => "unterminated dollar-quoted string",
            UnterminatedIdentifier => "unterminated quoted identifier",
            UnterminatedComment => "unterminated /* comment",
            ZeroLengthIdentifier => "zero-length delimited identifier",
            JunkAfterNumber => "trailing junk after numeric literal",
            JunkAfterParameter => "trailing junk after parameter",
            OperatorTooLong => "operator too long",
            InvalidEscape | InvalidUnicodeEscape => "invalid Unicode escape",
            InvalidUnicodeValue => "invalid Unicode escape value",
            InvalidSurrogatePair => "invalid Unicode surrogate pair",
            UescapeNotString => "UESCAPE must be followed by a simple string literal",
            InvalidUescape => "invalid Unicode escape character",
            InvalidBytes(bytes) => bytes,
            TooDeep => "stack depth limit exceeded",
            TooLong => "statement is longer than 4 GiB",
            ImproperStar => "improper use of \"*\"",
            Rule(message) | NotImplemented(message) | Duplicate(message) | Whole(_, message) => {
                message
            }
            Windowing(message) | InvalidValue(message) => message,
        }
    }

    /// Whether the message goes on with what stands at the offset.
    fn quotes(&self) -> bool {
        use ParseErrorKind::*;
        !matches!(
            self.kind,
            InvalidEscape
                | InvalidUnicodeEscape
                | InvalidBytes(_)
                | TooDeep
                | TooLong
                | Rule(_)
                | NotImplemented(_)
                | Windowing(_)
                | InvalidValue(_)
                | Whole(..)
                | Duplicate(_)
        )
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let ParseErrorKind::InvalidBytes(bytes) = &self.kind {
            return write!(f, "invalid byte sequence for encoding \"UTF8\": {bytes}");
        }
        f.write_str(self.message())?;
        match &self.near {
            _ if !self.quotes() => Ok(()),
            Some(near) => write!(f, " at or near \"{near}\""),
            None => f.write_str(" at end of input"),
        }
    }
}

impl std::error::Error for ParseError {}
