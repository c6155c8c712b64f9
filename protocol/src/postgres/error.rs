//! What can be wrong with a client's bytes, with PostgreSQL's texts and SQLSTATEs.
//!
//! ```text
//!   StartupError, FrameError   framing is lost or never began: FATAL, then close
//!   MessageError               the frame was whole, its body is wrong: ERROR; the session goes on
//!                              (extended protocol: skip to the next Sync)
//! ```
//!
//! **Invariant.** `Display` is the primary message to the byte; `code` its SQLSTATE. **Rejected.**
//! Carrying `ErrorResponse` fields here: these errors have a code and a message and nothing else.

use std::fmt;

use thiserror::Error;

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
