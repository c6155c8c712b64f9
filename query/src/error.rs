//! Errors of binding and running a query.
//!
//! An error carries an SQLSTATE since SQL's clients tell errors apart by it (PostgreSQL 15,
//! Appendix A); the other protocols map the *kind*. The message is for the client and worded as
//! PostgreSQL words it where it has the same error, because people search for those words.

use std::borrow::Cow;

/// The result of everything in this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What the caller should do about an error (DESIGN: Errors).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Run the transaction again.
    Retry,
    /// Find out what became of the transaction.
    Unknown,
    /// The text is not of the language.
    Syntax,
    /// A value has the wrong type or is out of range.
    Type,
    /// A constraint forbids it.
    Constraint,
    /// Known, and not supported: the message names it.
    Unsupported,
    /// A name does not exist, or exists already.
    Name,
    /// The session is not in a state for this.
    State,
    /// Cancelled or timed out.
    Cancelled,
    /// A limit was reached.
    Limit,
    /// Call the operator.
    Internal,
}

/// An error with its SQLSTATE and what a client may be told.
#[derive(Debug, Clone)]
pub struct Error(Box<Details>);

/// What an error says.
#[derive(Debug, Clone)]
pub struct Details {
    /// What to do about it.
    pub kind: ErrorKind,
    /// Five characters, PostgreSQL 15 Appendix A.
    pub sqlstate: &'static str,
    /// One line, no full stop.
    pub message: Cow<'static, str>,
    /// DETAIL.
    pub detail: Option<String>,
    /// HINT.
    pub hint: Option<String>,
    /// Byte offset in the statement's text.
    pub position: Option<u32>,
    /// The names of schema, table, column, type and constraint, where one is at fault.
    pub object: ObjectNames,
}

/// The names that an error is about.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct ObjectNames {
    pub schema: Option<String>,
    pub table: Option<String>,
    pub column: Option<String>,
    pub ty: Option<String>,
    pub constraint: Option<String>,
}

impl Error {
    /// An error of a kind with its SQLSTATE.
    #[cold]
    pub fn new(
        kind: ErrorKind,
        sqlstate: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Error(Box::new(Details {
            kind,
            sqlstate,
            message: message.into(),
            detail: None,
            hint: None,
            position: None,
            object: ObjectNames::default(),
        }))
    }

    /// Known and not supported; `what` names it.
    #[cold]
    pub fn unsupported(what: impl std::fmt::Display) -> Self {
        Self::new(ErrorKind::Unsupported, "0A000", format!("{what} is not supported"))
    }

    /// A defect of this program.
    #[cold]
    pub fn internal(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Internal, "XX000", message)
    }

    /// Adds where in the statement's text it is, unless that is known.
    #[must_use]
    pub fn at(mut self, offset: u32) -> Self {
        self.0.position.get_or_insert(offset);
        self
    }

    /// Forgets where it is: the text that it points into is not the client's.
    #[must_use]
    pub fn nowhere(mut self) -> Self {
        self.0.position = None;
        self
    }

    /// Adds the DETAIL.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Adds the HINT.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds the names that it is about.
    #[must_use]
    pub fn object(mut self, object: ObjectNames) -> Self {
        self.0.object = object;
        self
    }
}

impl std::ops::Deref for Error {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.0
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.0.message, self.0.sqlstate)
    }
}

impl std::error::Error for Error {}
