//! What can be wrong, with PostgreSQL's texts and SQLSTATEs; and how it is told to the client.
//!
//! ```text
//!   StartupError, FrameError   framing is lost or never began: FATAL, then close
//!   MessageError               the frame was whole, its body is wrong: ERROR; the session goes on
//!                              (extended protocol: skip to the next Sync)
//! ```
//!
//! The library's own errors carry their SQLSTATE already ([`qanat::Error`]); those of the wire
//! become such errors by `From`, so that a session has one kind of failure. [`respond`] writes one:
//! the byte offset that the parser and the binder speak of becomes a position in characters from 1.
//!
//! **Invariant.** `Display` is the primary message to the byte; `code` its SQLSTATE. **Rejected.**
//! Carrying `ErrorResponse` fields here: these errors have a code and a message and nothing else.

use std::fmt;

use qanat::ErrorKind;
use thiserror::Error;

use super::codec::backend::{BackendWriter, ErrorFields, RowTooLarge, Severity};
use super::copy::{CopyError, OptionError};
use super::types::TypeError;

/// Five characters that name an error's class and kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SqlState(pub &'static str);

impl SqlState {
    /// `08P01`: the client broke the protocol.
    pub const PROTOCOL_VIOLATION: Self = Self("08P01");
    /// `0A000`: named, understood, and not there.
    pub const FEATURE_NOT_SUPPORTED: Self = Self("0A000");
    /// `22003`: a number does not fit its type.
    pub const NUMERIC_VALUE_OUT_OF_RANGE: Self = Self("22003");
    /// `22007`: a date or time does not read.
    pub const INVALID_DATETIME_FORMAT: Self = Self("22007");
    /// `22008`: a date or time does not fit.
    pub const DATETIME_FIELD_OVERFLOW: Self = Self("22008");
    /// `22021`: bytes that are not text.
    pub const CHARACTER_NOT_IN_REPERTOIRE: Self = Self("22021");
    /// `22023`: a parameter has a value that makes no sense.
    pub const INVALID_PARAMETER_VALUE: Self = Self("22023");
    /// `22P02`: text that does not read as its type.
    pub const INVALID_TEXT_REPRESENTATION: Self = Self("22P02");
    /// `22P03`: bytes that do not read as their type.
    pub const INVALID_BINARY_REPRESENTATION: Self = Self("22P03");
    /// `22P04`: COPY data that does not read.
    pub const BAD_COPY_FILE_FORMAT: Self = Self("22P04");
    /// `28000`: nobody in particular.
    pub const INVALID_AUTHORIZATION: Self = Self("28000");
    /// `54000`: more than a limit allows.
    pub const PROGRAM_LIMIT_EXCEEDED: Self = Self("54000");
}

impl fmt::Display for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Why a connection's first packet is none. The connection closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum StartupError {
    /// Shorter than a version or longer than the limit; PostgreSQL closes without a word.
    #[error("invalid length of startup packet")]
    Length,
    /// A major version that is not 3.
    #[error("unsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.0")]
    Version {
        /// The major version asked for.
        major: u16,
        /// The minor version asked for.
        minor: u16,
    },
    /// The list of parameters does not end where the packet ends.
    #[error("invalid startup packet layout: expected terminator as last byte")]
    Layout,
    /// No parameter `user`, or an empty one.
    #[error("no PostgreSQL user name specified in startup packet")]
    NoUser,
    /// A parameter is not UTF-8.
    #[error(transparent)]
    Text(NotUtf8),
}

impl StartupError {
    /// Its SQLSTATE.
    #[must_use]
    pub fn code(&self) -> SqlState {
        match self {
            Self::Length | Self::Layout => SqlState::PROTOCOL_VIOLATION,
            Self::Version { .. } => SqlState::FEATURE_NOT_SUPPORTED,
            Self::NoUser => SqlState::INVALID_AUTHORIZATION,
            Self::Text(_) => SqlState::CHARACTER_NOT_IN_REPERTOIRE,
        }
    }
}

/// Why bytes are no frame. The connection closes: where the next frame begins is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// A type byte that no client sends.
    #[error("invalid frontend message type {0}")]
    Type(u8),
    /// A length below 4 or over the limit of its type.
    #[error("invalid message length")]
    Length,
    /// Something other than an answer to an authentication request.
    #[error("expected password response, got message type {0}")]
    NotPassword(u8),
}

impl FrameError {
    /// Its SQLSTATE.
    #[must_use]
    pub fn code(&self) -> SqlState {
        SqlState::PROTOCOL_VIOLATION
    }
}

/// Why a whole frame is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MessageError {
    /// A count or a byte was expected and the body is over.
    #[error("no data left in message")]
    NoData,
    /// Fewer bytes follow than a length or a count says.
    #[error("insufficient data left in message")]
    InsufficientData,
    /// A string has no end.
    #[error("invalid string in message")]
    UnterminatedString,
    /// Bytes follow the last field.
    #[error("invalid message format")]
    TrailingData,
    /// Bind: formats for some parameters, not for all.
    #[error("bind message has {formats} parameter formats but {parameters} parameters")]
    ParameterFormats {
        /// Format codes sent.
        formats: u16,
        /// Parameters sent.
        parameters: u16,
    },
    /// Bind: formats for some columns, not for all.
    #[error("bind message has {formats} result formats but query has {columns} columns")]
    ResultFormats {
        /// Format codes sent.
        formats: u16,
        /// Columns of the result.
        columns: usize,
    },
    /// A format that is neither text nor binary.
    #[error("unsupported format code: {0}")]
    Format(u16),
    /// Describe of something that is neither a statement nor a portal.
    #[error("invalid DESCRIBE message subtype {0}")]
    DescribeKind(u8),
    /// Close of something that is neither a statement nor a portal.
    #[error("invalid CLOSE message subtype {0}")]
    CloseKind(u8),
    /// A string is not UTF-8.
    #[error(transparent)]
    Text(NotUtf8),
}

impl MessageError {
    /// Its SQLSTATE.
    #[must_use]
    pub fn code(&self) -> SqlState {
        match self {
            Self::Format(_) => SqlState::INVALID_PARAMETER_VALUE,
            Self::Text(_) => SqlState::CHARACTER_NOT_IN_REPERTOIRE,
            _ => SqlState::PROTOCOL_VIOLATION,
        }
    }
}

/// Bytes that are not UTF-8: the first wrong sequence, as long as its first byte claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotUtf8 {
    bytes: [u8; 4],
    length: u8,
}

impl NotUtf8 {
    /// Checks `bytes`; a NUL is refused too, as no text of PostgreSQL may hold one.
    ///
    /// # Errors
    /// The first sequence that is no text.
    pub fn check(bytes: &[u8]) -> Result<&str, Self> {
        let nul = memchr::memchr(0, bytes);
        match (std::str::from_utf8(bytes), nul) {
            (Ok(text), None) => Ok(text),
            (Ok(_), Some(at)) => Err(Self::at(bytes, at)),
            (Err(error), nul) => {
                let at = error.valid_up_to();
                Err(Self::at(bytes, nul.map_or(at, |nul| nul.min(at))))
            }
        }
    }

    fn at(bytes: &[u8], at: usize) -> Self {
        let rest = bytes.get(at..).unwrap_or_default();
        let claimed = match rest.first() {
            Some(0xc0..=0xdf) => 2,
            Some(0xe0..=0xef) => 3,
            Some(0xf0..=0xf7) => 4,
            _ => 1,
        };
        let length = rest.len().min(claimed);
        let mut shown = [0; 4];
        for (slot, byte) in shown.iter_mut().zip(rest) {
            *slot = *byte;
        }
        Self { bytes: shown, length: length as u8 }
    }
}

impl fmt::Display for NotUtf8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid byte sequence for encoding \"UTF8\":")?;
        self.bytes.iter().take(self.length.into()).try_for_each(|byte| write!(f, " 0x{byte:02x}"))
    }
}

impl std::error::Error for NotUtf8 {}

/// The text that an error's offset counts in, and where that text begins in what the client sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Source<'t> {
    /// The statement, or everything that was sent.
    pub text: &'t str,
    /// Bytes before `text` that the offset counts too.
    pub start: u32,
}

impl Source<'_> {
    /// The place of a byte offset in characters from 1.
    fn position(&self, offset: u32) -> u32 {
        let inside = offset.saturating_sub(self.start) as usize;
        let before = self.text.get(..self.text.floor_char_boundary(inside)).unwrap_or_default();
        // What stands before the text is blanks and comments: bytes are characters, nearly always.
        let characters = u32::try_from(before.chars().count()).unwrap_or(u32::MAX);
        characters.saturating_add(self.start.min(offset)).saturating_add(1)
    }
}

/// Appends an ErrorResponse.
pub fn respond(
    out: &mut Vec<u8>,
    severity: Severity,
    error: &qanat::Error,
    source: Source<'_>,
    context: Option<&str>,
) {
    let object = &error.object;
    // The library has no CONTEXT; where a COPY failed it tells the place as a DETAIL.
    let (detail, context) = match error.detail.as_deref() {
        Some(place) if context.is_some() && place.starts_with("COPY ") => (None, Some(place)),
        detail => (detail, context),
    };
    let fields = ErrorFields {
        detail,
        hint: error.hint.as_deref(),
        position: error
            .position
            .filter(|_| !source.text.is_empty())
            .map(|offset| source.position(offset)),
        context,
        schema: object.schema.as_deref(),
        table: object.table.as_deref(),
        column: object.column.as_deref(),
        data_type: object.ty.as_deref(),
        constraint: object.constraint.as_deref(),
        ..ErrorFields::new(severity, SqlState(error.sqlstate), &error.message)
    };
    BackendWriter::new(out).error_response(&fields);
}

/// Errors of the wire as errors of a session: their words and codes stay.
macro_rules! wire_errors {
    ($($error:ty, $kind:ident;)*) => { $(
        impl From<$error> for qanat::Error {
            #[cold]
            fn from(error: $error) -> Self {
                qanat::Error::new(ErrorKind::$kind, error.code().0, error.to_string())
            }
        }
    )* };
}

wire_errors! {
    StartupError, Syntax;
    FrameError, Syntax;
    MessageError, Syntax;
    TypeError, Type;
    RowTooLarge, Limit;
    OptionError, Type;
}

impl From<CopyError> for qanat::Error {
    #[cold]
    fn from(error: CopyError) -> Self {
        let told = qanat::Error::new(ErrorKind::Type, error.code().0, error.to_string());
        match error.hint() {
            Some(hint) => told.hint(hint),
            None => told,
        }
    }
}

#[cold]
fn made(kind: ErrorKind, code: &'static str, message: String) -> qanat::Error {
    qanat::Error::new(kind, code, message)
}

/// `34000`.
#[cold]
pub fn no_portal(name: &str) -> qanat::Error {
    made(ErrorKind::Name, "34000", format!("portal \"{name}\" does not exist"))
}

/// `42P03`.
#[cold]
pub fn portal_exists(name: &str) -> qanat::Error {
    made(ErrorKind::Name, "42P03", format!("cursor \"{name}\" already exists"))
}

/// `55000`: it ran to its end already.
#[cold]
pub fn portal_is_done(name: &str) -> qanat::Error {
    made(ErrorKind::State, "55000", format!("portal \"{name}\" cannot be run"))
}

/// `25P02`.
#[cold]
pub fn transaction_is_aborted() -> qanat::Error {
    let message = "current transaction is aborted, commands ignored until end of transaction block";
    qanat::Error::new(ErrorKind::State, "25P02", message)
}

/// `42601`: an extended query holds one statement.
#[cold]
pub fn several_statements() -> qanat::Error {
    let message = "cannot insert multiple commands into a prepared statement";
    qanat::Error::new(ErrorKind::Syntax, "42601", message)
}

/// `42704`: a parameter's type number that nobody has.
#[cold]
pub fn no_such_type(oid: u32) -> qanat::Error {
    made(ErrorKind::Name, "42704", format!("type with OID {oid} does not exist"))
}

/// `08P01`: Bind gives another number of values than the statement has parameters.
#[cold]
pub fn parameter_count(given: usize, statement: &str, wanted: usize) -> qanat::Error {
    let message = format!(
        "bind message supplies {given} parameters, but prepared statement \"{statement}\" \
         requires {wanted}"
    );
    made(ErrorKind::Syntax, "08P01", message)
}

/// `22P03` and its kin for the parameter at `index`, from 0.
#[cold]
pub fn bad_parameter(error: TypeError, index: usize) -> qanat::Error {
    let message = match error {
        TypeError::TooLong => {
            format!("incorrect binary data format in bind parameter {}", index + 1)
        }
        _ => error.to_string(),
    };
    made(ErrorKind::Type, error.code().0, message)
}

/// `08P01`: a message that has no place in COPY FROM STDIN.
#[cold]
pub fn unexpected_in_copy(kind: u8) -> qanat::Error {
    let message = format!("unexpected message type 0x{kind:02X} during COPY from stdin");
    made(ErrorKind::Syntax, "08P01", message)
}

/// `57014`: the client gave up its COPY.
#[cold]
pub fn copy_failed(reason: &str) -> qanat::Error {
    made(ErrorKind::Cancelled, "57014", format!("COPY from stdin failed: {reason}"))
}

/// `22P04` with the column that a row lacks.
#[cold]
pub fn copy_misses(column: &str) -> qanat::Error {
    made(ErrorKind::Type, "22P04", format!("missing data for column \"{column}\""))
}

/// `57P01`: the server stops.
#[cold]
pub fn stopping() -> qanat::Error {
    let message = "terminating connection due to administrator command";
    qanat::Error::new(ErrorKind::State, "57P01", message)
}

/// `57P05`: idle for too long.
#[cold]
pub fn idle() -> qanat::Error {
    let message = "terminating connection due to idle-session timeout";
    qanat::Error::new(ErrorKind::State, "57P05", message)
}

/// `25P03`: idle in a transaction for too long.
#[cold]
pub fn idle_in_transaction() -> qanat::Error {
    let message = "terminating connection due to idle-in-transaction timeout";
    qanat::Error::new(ErrorKind::State, "25P03", message)
}

/// `53300`: no place for another connection.
#[cold]
pub fn too_many_connections() -> qanat::Error {
    qanat::Error::new(ErrorKind::Limit, "53300", "sorry, too many clients already")
}

/// `XX000`: a defect of ours; its details are in the log.
#[cold]
pub fn defect() -> qanat::Error {
    qanat::Error::internal("internal error: this connection ends, the server goes on")
}

/// `42601`: a word in the startup packet's options that is no setting.
#[cold]
pub fn bad_option(word: &str) -> qanat::Error {
    let message = format!("invalid command-line argument for server process: {word}");
    made(ErrorKind::Syntax, "42601", message).hint("Options are of the form -c name=value.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        let source = Source { text: "sé é x", start: 0 };
        assert_eq!(source.position(0), 1);
        assert_eq!(source.position(4), 4);
        assert_eq!(source.position(7), 6);
        // A statement that begins after two blanks, offset counted from before them.
        let source = Source { text: "é x", start: 2 };
        assert_eq!(source.position(5), 5);
        // Nonsense stays within the text.
        assert_eq!(source.position(1), 2);
        assert_eq!(source.position(500), 6);
    }
}
