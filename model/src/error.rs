//! Errors of the model, named by what is wrong and carrying the names that a client is told.
//!
//! ```text
//!   run again        Store(retryable) · SchemaChanged
//!   fix the request  Duplicate · Undefined · Dependent · Reserved · Definition · Unsupported
//!                    NotNull · Unique · Check · Undeclared · Convert · KeyTooLong · Limit · Expression
//!   operator         Store(corrupt, …) · Corrupt · Newer · Internal
//! ```
//!
//! Nothing here knows a protocol's code. What PostgreSQL prints as message and detail (`Key (a)=(1)
//! already exists`) is given as names and *values*: text is made where the type output functions
//! are, above.
//!
//! Rejected: message strings made here. Four protocols word the same violation in four ways, and a
//! driver's retry logic needs the constraint's name, not a sentence.

use std::fmt;
use std::sync::Arc;

use value::Value;

use crate::schema::{CollectionId, IndexId};

/// The result of everything in this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// An expression's own error, kept as it is; the layer that made the evaluator knows its type.
pub type ExpressionError = Arc<dyn std::error::Error + Send + Sync>;

/// A kind of named object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum ObjectKind {
    Database,
    Schema,
    Relation,
    Collection,
    Index,
    Sequence,
    Column,
    Constraint,
}

impl ObjectKind {
    /// The word that messages use.
    pub fn word(self) -> &'static str {
        match self {
            ObjectKind::Database => "database",
            ObjectKind::Schema => "schema",
            ObjectKind::Relation => "relation",
            ObjectKind::Collection => "table",
            ObjectKind::Index => "index",
            ObjectKind::Sequence => "sequence",
            ObjectKind::Column => "column",
            ObjectKind::Constraint => "constraint",
        }
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The row that a constraint refused: declared columns in order, with the names around it.
#[derive(Debug, Clone, PartialEq)]
pub struct RowViolation {
    /// Schema of the collection.
    pub schema: String,
    /// The collection.
    pub collection: String,
    /// The column at fault (NOT NULL), or the constraint's name (CHECK).
    pub name: String,
    /// The whole row, hidden columns left out.
    pub row: Vec<Value>,
}

/// Two documents with the same key.
#[derive(Debug, Clone, PartialEq)]
pub struct UniqueViolation {
    /// Schema of the collection.
    pub schema: String,
    /// The collection.
    pub collection: String,
    /// The collection's number.
    pub collection_id: CollectionId,
    /// The index that refused, of the primary key or a secondary one.
    pub index: IndexId,
    /// The constraint's or the index's name.
    pub constraint: String,
    /// What the index orders by: column names, paths or expressions.
    pub elements: Vec<String>,
    /// The values that exist already, in the order of `elements`.
    pub values: Vec<Value>,
    /// Whether an index build found it in data that was there (PostgreSQL: "could not create unique
    /// index").
    pub building: bool,
}

/// Why a value does not go into a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConvertReason {
    /// The value's type has no way into the column's type.
    Type,
    /// The number is outside the column's range.
    Range,
    /// The text is longer than the column allows.
    Length {
        /// Characters.
        limit: usize,
    },
    /// The text is not one of the column's type.
    Syntax,
    /// The conversion would lose something (5.5 into an integer).
    Loss,
}

/// A value that a column does not take.
#[derive(Debug, Clone, PartialEq)]
pub struct ConvertFailure {
    /// The collection.
    pub collection: String,
    /// The column.
    pub column: String,
    /// The column's type as SQL writes it.
    pub ty: String,
    /// The value as text (JSON where it is nested), cut to 200 bytes.
    pub value: String,
    /// Why.
    pub reason: ConvertReason,
}

/// What went wrong.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] transaction::Error),
    /// The collection's schema changed after this transaction's picture of it: refresh, bind and
    /// run again.
    #[error("schema of collection {collection:?} changed")]
    SchemaChanged {
        /// Which.
        collection: CollectionId,
    },
    /// The name is taken.
    #[error("{what} \"{name}\" already exists")]
    Duplicate {
        /// What has the name.
        what: ObjectKind,
        /// The name.
        name: String,
    },
    /// Nothing has the name.
    #[error("{what} \"{name}\" does not exist")]
    Undefined {
        /// What was looked for.
        what: ObjectKind,
        /// The name.
        name: String,
    },
    /// Other objects need it.
    #[error("cannot drop {what} \"{name}\" because other objects depend on it")]
    Dependent {
        /// What was to be dropped.
        what: ObjectKind,
        /// Its name.
        name: String,
        /// What needs it, as `index t_a_key`.
        dependents: Vec<String>,
    },
    /// The name belongs to the system.
    #[error("{what} name \"{name}\" is reserved")]
    Reserved {
        /// What would have the name.
        what: ObjectKind,
        /// The name.
        name: String,
    },
    /// A definition that makes no sense.
    #[error("{0}")]
    Definition(String),
    /// An index over what may answer otherwise another time.
    #[error("functions in index expression must be marked IMMUTABLE")]
    NotImmutable,
    /// A change that needs its object in another state first.
    #[error("{0}")]
    NotReady(String),
    /// NULL in a NOT NULL column.
    #[error("null value in column \"{}\" of relation \"{}\"", .0.name, .0.collection)]
    NotNull(Box<RowViolation>),
    /// Data that is there has NULL in a column that is to become NOT NULL.
    #[error("column \"{column}\" of relation \"{collection}\" contains null values")]
    ContainsNull {
        /// The collection.
        collection: String,
        /// The column.
        column: String,
    },
    /// A second document with the same key.
    #[error("duplicate key value violates unique constraint \"{}\"", .0.constraint)]
    Unique(Box<UniqueViolation>),
    /// A CHECK is false.
    #[error("new row for relation \"{}\" violates check constraint \"{}\"", .0.collection, .0.name)]
    Check(Box<RowViolation>),
    /// A CHECK to be added is false for data that is there.
    #[error(
        "check constraint \"{constraint}\" of relation \"{collection}\" is violated by some row"
    )]
    ContainsCheck {
        /// The collection.
        collection: String,
        /// The constraint.
        constraint: String,
    },
    /// A field that no column declares, where such fields are refused.
    #[error("collection \"{collection}\" has no column \"{field}\" and refuses other fields")]
    Undeclared {
        /// The collection.
        collection: String,
        /// The field.
        field: String,
    },
    /// A value does not go into its column.
    #[error("value {} does not fit column \"{}\" of type {}", .0.value, .0.column, .0.ty)]
    Convert(Box<ConvertFailure>),
    /// `_id` and the key columns disagree.
    #[error("_id of a document of \"{collection}\" does not agree with its key columns")]
    IdDisagrees {
        /// The collection.
        collection: String,
    },
    /// The key of an existing document may not change this way (MongoDB's `_id`).
    #[error("the key column \"{column}\" of \"{collection}\" may not be changed")]
    KeyChange {
        /// The collection.
        collection: String,
        /// The column.
        column: String,
    },
    /// A column is generated and takes no value.
    #[error("cannot insert a non-DEFAULT value into column \"{column}\"")]
    Generated {
        /// The column.
        column: String,
    },
    /// A named limit of the model.
    #[error("{what} exceeds the limit of {limit}")]
    Limit {
        /// "columns", "index elements", …
        what: &'static str,
        /// How many.
        limit: usize,
    },
    /// A sequence that does not cycle came to its end.
    #[error("nextval: reached {} value of sequence \"{name}\" ({bound})", if *.ascending {"maximum"} else {"minimum"})]
    SequenceEnd {
        /// The sequence.
        name: String,
        /// Its bound.
        bound: i64,
        /// Whether the bound is the maximum.
        ascending: bool,
    },
    /// A value outside a sequence's bounds.
    #[error("setval: value {value} is out of bounds for sequence \"{name}\" ({min}..{max})")]
    SequenceBounds {
        /// The sequence.
        name: String,
        /// The value.
        value: i64,
        /// Lower bound.
        min: i64,
        /// Upper bound.
        max: i64,
    },
    /// A CHECK, DEFAULT or index expression failed.
    #[error("{0}")]
    Expression(ExpressionError),
    /// Known, and not supported.
    #[error("{0} is not supported")]
    Unsupported(String),
    /// Bytes in the store are not what the model writes.
    #[error("corrupt {0}")]
    Corrupt(String),
    /// A newer version of the program wrote it.
    #[error("{0} was written by a newer version of this program")]
    Newer(String),
    /// A defect of this program.
    #[error("internal: {0}")]
    Internal(&'static str),
}

impl Error {
    /// Whether running the whole transaction again may succeed.
    pub fn is_retryable(&self) -> bool {
        match self {
            Error::Store(error) => error.is_retryable(),
            Error::SchemaChanged { .. } => true,
            _ => false,
        }
    }

    /// Nothing has that name.
    pub fn undefined(what: ObjectKind, name: impl Into<String>) -> Self {
        Error::Undefined { what, name: name.into() }
    }

    /// The name is taken.
    pub fn duplicate(what: ObjectKind, name: impl Into<String>) -> Self {
        Error::Duplicate { what, name: name.into() }
    }
}

impl From<value::Damaged> for Error {
    fn from(_: value::Damaged) -> Self {
        Error::Corrupt("document bytes".into())
    }
}
