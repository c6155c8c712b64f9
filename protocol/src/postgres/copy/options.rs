//! The options of COPY that shape bytes, checked as PostgreSQL checks them.
//!
//! ```text
//!   FORMAT text|csv  DELIMITER 'c'  NULL 'text'  HEADER  QUOTE 'c'  ESCAPE 'c'  FORCE_QUOTE …
//! ```
//!
//! **Invariant.** A `CopyOptions` that passed [`CopyOptions::check`] can be read and written
//! without ambiguity: delimiter, quote, line ends and the text of NULL are told apart.

use crate::postgres::error::SqlState;

/// Which columns are always quoted, or never or always null.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Quoted {
    /// None.
    #[default]
    None,
    /// `*`.
    All,
    /// The columns marked true, in the order of the COPY's column list.
    Columns(Vec<bool>),
}

impl Quoted {
    /// Whether the column at `index` is meant.
    #[must_use]
    pub fn has(&self, index: usize) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Columns(columns) => columns.get(index).copied().unwrap_or(false),
        }
    }
}

/// What CSV has and text has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Csv {
    /// Around fields that need it.
    pub quote: u8,
    /// Before a quote inside quotes; the quote itself by default.
    pub escape: u8,
    /// COPY TO: quoted even without need (never NULLs).
    pub force_quote: Quoted,
    /// COPY FROM: never NULL.
    pub force_not_null: Quoted,
    /// COPY FROM: NULL even where quoted.
    pub force_null: Quoted,
}

impl Default for Csv {
    fn default() -> Self {
        Self {
            quote: b'"',
            escape: b'"',
            force_quote: Quoted::None,
            force_not_null: Quoted::None,
            force_null: Quoted::None,
        }
    }
}

/// How rows look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyOptions {
    /// Between fields.
    pub delimiter: u8,
    /// What stands for NULL.
    pub null: Vec<u8>,
    /// COPY FROM: the first line is not a row. COPY TO: the caller writes the names as a row.
    pub header: bool,
    /// CSV's own options; `None` for text.
    pub csv: Option<Csv>,
}

impl CopyOptions {
    /// FORMAT text.
    #[must_use]
    pub fn text() -> Self {
        Self { delimiter: b'\t', null: b"\\N".to_vec(), header: false, csv: None }
    }

    /// FORMAT csv.
    #[must_use]
    pub fn csv() -> Self {
        Self { delimiter: b',', null: Vec::new(), header: false, csv: Some(Csv::default()) }
    }

    /// Refuses options that would make data ambiguous.
    ///
    /// # Errors
    /// The first that does, in PostgreSQL's order and words.
    pub fn check(&self) -> Result<(), OptionError> {
        // Letters, digits, backslash and dot mean something in text's escapes.
        let special = |byte: u8| {
            byte == b'\\' || byte == b'.' || byte.is_ascii_lowercase() || byte.is_ascii_digit()
        };
        let line_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let single = |byte: u8| (1..0x80).contains(&byte);
        match &self.csv {
            _ if !single(self.delimiter) => Err(OptionError::DelimiterSize),
            _ if line_end(&self.delimiter) => Err(OptionError::DelimiterLineEnd),
            _ if self.null.iter().any(line_end) => Err(OptionError::NullLineEnd),
            None if special(self.delimiter) => Err(OptionError::Delimiter(self.delimiter)),
            Some(csv) if !single(csv.quote) => Err(OptionError::QuoteSize),
            Some(csv) if csv.quote == self.delimiter => Err(OptionError::DelimiterIsQuote),
            Some(csv) if !single(csv.escape) => Err(OptionError::EscapeSize),
            _ if self.null.contains(&self.delimiter) => Err(OptionError::DelimiterInNull),
            Some(csv) if self.null.contains(&csv.quote) => Err(OptionError::QuoteInNull),
            _ => Ok(()),
        }
    }
}

/// Options of COPY that do not go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the texts say it")]
pub enum OptionError {
    #[error("COPY delimiter must be a single one-byte character")]
    DelimiterSize,
    #[error("COPY delimiter cannot be newline or carriage return")]
    DelimiterLineEnd,
    #[error("COPY null representation cannot use newline or carriage return")]
    NullLineEnd,
    #[error("COPY delimiter cannot be \"{}\"", char::from(*.0))]
    Delimiter(u8),
    #[error("COPY quote must be a single one-byte character")]
    QuoteSize,
    #[error("COPY delimiter and quote must be different")]
    DelimiterIsQuote,
    #[error("COPY escape must be a single one-byte character")]
    EscapeSize,
    #[error("COPY delimiter must not appear in the NULL specification")]
    DelimiterInNull,
    #[error("CSV quote character must not appear in the NULL specification")]
    QuoteInNull,
}

impl OptionError {
    /// Its SQLSTATE.
    #[must_use]
    pub fn code(&self) -> SqlState {
        match self {
            Self::DelimiterSize
            | Self::QuoteSize
            | Self::EscapeSize
            | Self::DelimiterInNull
            | Self::QuoteInNull => SqlState::FEATURE_NOT_SUPPORTED,
            _ => SqlState::INVALID_PARAMETER_VALUE,
        }
    }
}
