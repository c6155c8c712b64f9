//! Errors that the Redis wire knows by itself, with the words Redis uses for them.
//!
//! Clients and their users match these texts, so they are kept to the byte (recorded from a Redis
//! server in `tests/golden/redis_protocol.txt`). Two families:
//!
//! ```text
//!   RequestError   framing is lost: write the text (if it has one), then close
//!   CommandError   the request was whole but cannot run: write the text, go on
//! ```
//!
//! **Invariant.** A text never contains CR or LF, whatever bytes the client sent: the reply writer
//! replaces them by spaces. **Rejected.** `String` errors: the hot path returns these by value.

use thiserror::Error;

/// Why bytes from a client are not a request. The connection closes after the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RequestError {
    /// No line end within the inline limit.
    #[error("Protocol error: too big inline request")]
    InlineTooBig,
    /// A quote of an inline request does not close, or is followed by no blank.
    #[error("Protocol error: unbalanced quotes in request")]
    UnbalancedQuotes,
    /// No line end after `*` within the inline limit.
    #[error("Protocol error: too big mbulk count string")]
    CountLineTooBig,
    /// No line end after `$` within the inline limit.
    #[error("Protocol error: too big bulk count string")]
    BulkLineTooBig,
    /// The number of arguments is no number or over the limit.
    #[error("Protocol error: invalid multibulk length")]
    InvalidCount,
    /// Too many arguments for a client that has not authenticated.
    #[error("Protocol error: unauthenticated multibulk length")]
    UnauthenticatedCount,
    /// An argument does not begin with `$`.
    #[error("Protocol error: expected '$', got '{}'", char::from(*.0))]
    ExpectedBulk(u8),
    /// The length of an argument is no number or over the limit.
    #[error("Protocol error: invalid bulk length")]
    InvalidBulkLength,
    /// Too long an argument for a client that has not authenticated.
    #[error("Protocol error: unauthenticated bulk length")]
    UnauthenticatedBulk,
    /// The whole request is over the limit. Redis closes without a word.
    #[error("request is larger than the query buffer limit")]
    RequestTooBig,
    /// The client speaks HTTP (`POST` or `Host:`): a web page trying to reach us. Close silently.
    #[error("possible cross-protocol request")]
    CrossProtocol,
}

impl RequestError {
    /// Appends the reply that goes before the close: nothing where Redis says nothing.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::RequestTooBig | Self::CrossProtocol => {}
            // The client's own byte, not its UTF-8 form; CR and LF would end the line early.
            Self::ExpectedBulk(byte) => {
                out.extend_from_slice(b"-ERR Protocol error: expected '$', got '");
                out.push(if matches!(byte, b'\r' | b'\n') { b' ' } else { *byte });
                out.extend_from_slice(b"'\r\n");
            }
            known => {
                out.extend_from_slice(b"-ERR ");
                out.extend_from_slice(known.to_string().as_bytes());
                out.extend_from_slice(b"\r\n");
            }
        }
    }
}

/// Why a whole request cannot run, known from the command table alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandError<'a> {
    /// No such command; the rest are its first arguments.
    Unknown {
        /// The name as the client wrote it.
        name: &'a [u8],
    },
    /// The command exists, its subcommand does not.
    UnknownSubcommand {
        /// The command's name in lower case.
        command: &'static str,
        /// The subcommand as the client wrote it.
        name: &'a [u8],
    },
    /// Too few or too many arguments.
    WrongArity {
        /// The command's full name, `config|get` for a subcommand.
        name: &'static str,
    },
}

/// Names and arguments are cut at this many bytes in the text of an unknown command.
const SHOWN_BYTES_MAX: usize = 128;

impl CommandError<'_> {
    /// Appends the text without `-` and line end: `ERR unknown command 'x', with args …`.
    ///
    /// `arguments` are those after the name; each is shown until 128 bytes are spent.
    pub fn write_text<'b>(&self, out: &mut Vec<u8>, arguments: impl IntoIterator<Item = &'b [u8]>) {
        match self {
            Self::Unknown { name } => {
                out.extend_from_slice(b"ERR unknown command '");
                out.extend_from_slice(shown(name, SHOWN_BYTES_MAX));
                out.extend_from_slice(b"', with args beginning with: ");
                write_arguments(out, arguments);
            }
            Self::UnknownSubcommand { command, name } => {
                out.extend_from_slice(b"ERR unknown subcommand '");
                out.extend_from_slice(shown(name, SHOWN_BYTES_MAX));
                out.extend_from_slice(b"'. Try ");
                out.extend_from_slice(command.to_ascii_uppercase().as_bytes());
                out.extend_from_slice(b" HELP.");
            }
            Self::WrongArity { name } => {
                out.extend_from_slice(b"ERR wrong number of arguments for '");
                out.extend_from_slice(name.as_bytes());
                out.extend_from_slice(b"' command");
            }
        }
    }
}

fn write_arguments<'b>(out: &mut Vec<u8>, arguments: impl IntoIterator<Item = &'b [u8]>) {
    let start = out.len();
    for argument in arguments {
        let spent = out.len() - start;
        if spent >= SHOWN_BYTES_MAX {
            break;
        }
        out.push(b'\'');
        out.extend_from_slice(shown(argument, SHOWN_BYTES_MAX - spent));
        out.extend_from_slice(b"' ");
    }
}

/// At most `limit` bytes, and none from a NUL on: Redis formats these as C strings.
fn shown(bytes: &[u8], limit: usize) -> &[u8] {
    let cut = bytes.get(..limit).unwrap_or(bytes);
    memchr::memchr(0, cut).and_then(|end| cut.get(..end)).unwrap_or(cut)
}

/// The text of a library error, with its code; one place for all of them.
#[must_use]
pub fn key_error_text(error: &qanat::keys::KeyError) -> std::borrow::Cow<'static, str> {
    use qanat::keys::KeyError as E;
    match error {
        E::WrongType => "WRONGTYPE Operation against a key holding the wrong kind of value".into(),
        E::NotInteger => "ERR value is not an integer or out of range".into(),
        E::FieldNotInteger => "ERR hash value is not an integer".into(),
        E::NotFloat => "ERR value is not a valid float".into(),
        E::FieldNotFloat => "ERR hash value is not a float".into(),
        E::Overflow => "ERR increment or decrement would overflow".into(),
        E::NotFinite => "ERR increment would produce NaN or Infinity".into(),
        E::TooLong => "ERR string exceeds maximum allowed size (proto-max-bulk-len)".into(),
        E::NoSuchKey => "ERR no such key".into(),
        E::SameObject => "ERR source and destination objects are the same".into(),
        other if other.is_retryable() => format!("TRYAGAIN {other}").into(),
        other => format!("ERR {other}").into(),
    }
}

/// Whether nobody can tell whether the commit happened: the connection closes without a reply.
#[must_use]
pub fn is_unknown(error: &qanat::keys::KeyError) -> bool {
    error.outcome_is_unknown()
}
