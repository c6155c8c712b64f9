//! Rows of COPY: [`write_row`] for COPY TO, [`CopyReader`] for COPY FROM; text and CSV.
//!
//! ```text
//!   text   a\tb\\c\t\N\n                one line, one row; backslash escapes; \N is NULL; \. ends
//!   csv    a,"b,""c""\nd",,""\n         quotes double; a quoted field may hold line ends;
//!                                       an empty field is NULL, a quoted empty one is not
//! ```
//!
//! COPY data comes in messages that are cut anywhere, so the reader gathers lines: `lines` finds
//! where a row ends (which is where the two formats differ most), `fields` takes it apart.
//!
//! **Invariants.** What `write_row` writes `CopyReader` reads back, for all text and every accepted
//! set of options, but for one case that PostgreSQL has too: in format text a field that equals
//! NULL's text (`NULL 'x'` and a field `x`) reads as NULL. A line's bytes are scanned once, however
//! they arrive. The kind of line end is that of the first line, and a mixed file is an error, as in
//! PostgreSQL. Texts and codes of errors are PostgreSQL 15's.
//!
//! **Rejected.** COPY BINARY here: it has neither lines nor escapes; where it is asked for, the
//! statement is refused by name.

mod fields;
mod lines;
mod options;
mod write;

pub use fields::CopyRow;
pub use lines::CopyReader;
pub use options::{CopyOptions, Csv, OptionError, Quoted};
pub use write::write_row;

use super::error::{NotUtf8, SqlState};

/// Why COPY data does not read. The line's number is [`CopyReader::line`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CopyError {
    /// `\.` with more on its line.
    #[error("end-of-copy marker corrupt")]
    EndMarker,
    /// A line feed where lines end by something else.
    #[error("literal newline found in data")]
    Newline,
    /// A carriage return where lines end by something else.
    #[error("literal carriage return found in data")]
    CarriageReturn,
    /// The same outside quotes in CSV.
    #[error("unquoted newline found in data")]
    UnquotedNewline,
    /// The same outside quotes in CSV.
    #[error("unquoted carriage return found in data")]
    UnquotedCarriageReturn,
    /// The data ends inside quotes.
    #[error("unterminated CSV quoted field")]
    UnterminatedQuote,
    /// Fewer fields than columns; the caller names the first missing one.
    #[error("missing data for column")]
    MissingData,
    /// More fields than columns.
    #[error("extra data after last expected column")]
    ExtraData,
    /// A line is over the limit.
    #[error("COPY line is larger than the limit")]
    LineTooLong,
    /// A field is not UTF-8.
    #[error(transparent)]
    Text(NotUtf8),
}

impl CopyError {
    /// Its SQLSTATE.
    #[must_use]
    pub fn code(&self) -> SqlState {
        match self {
            Self::LineTooLong => SqlState::PROGRAM_LIMIT_EXCEEDED,
            Self::Text(_) => SqlState::CHARACTER_NOT_IN_REPERTOIRE,
            _ => SqlState::BAD_COPY_FILE_FORMAT,
        }
    }

    /// PostgreSQL's hint.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Newline => Some("Use \"\\n\" to represent newline."),
            Self::CarriageReturn => Some("Use \"\\r\" to represent carriage return."),
            Self::UnquotedNewline => Some("Use quoted CSV field to represent newline."),
            Self::UnquotedCarriageReturn => {
                Some("Use quoted CSV field to represent carriage return.")
            }
            _ => None,
        }
    }
}
