//! What a command on keys may refuse, named by what is wrong.

use crate::error::Error;

/// The result of everything in this module.
pub type Result<T> = std::result::Result<T, KeyError>;

/// Why a command on a key did nothing.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The key holds another type.
    #[error("the key holds another type")]
    WrongType,
    /// The value is no 64-bit integer.
    #[error("value is not an integer or out of range")]
    NotInteger,
    /// The field's value is no 64-bit integer.
    #[error("hash value is not an integer")]
    FieldNotInteger,
    /// The value is no number.
    #[error("value is not a valid float")]
    NotFloat,
    /// The field's value is no number.
    #[error("hash value is not a float")]
    FieldNotFloat,
    /// The sum does not fit 64 bits.
    #[error("increment or decrement would overflow")]
    Overflow,
    /// The sum is no finite number.
    #[error("increment would produce NaN or Infinity")]
    NotFinite,
    /// The string would be longer than the limit.
    #[error("string exceeds maximum allowed size")]
    TooLong,
    /// There is no such key.
    #[error("no such key")]
    NoSuchKey,
    /// Source and target are the same.
    #[error("source and destination objects are the same")]
    SameObject,
    /// The key space does not exist yet: make it ([`super::create`]) and run again.
    #[error("key space {0} does not exist yet")]
    NewSpace(u32),
    /// A table has the key space's name.
    #[error("\"{0}\" is a table, not a key space")]
    NameTaken(String),
    /// The command does not work on the rows of a table.
    #[error("{what} is not possible on the opened table \"{table}\"")]
    Opened {
        /// The command or what it would do.
        what: &'static str,
        /// The table.
        table: String,
    },
    /// The rest of an opened key is no primary key of the table.
    #[error("\"{key}\" is not a key of the opened table \"{table}\"")]
    OpenedKey {
        /// The rest of the key.
        key: String,
        /// The table.
        table: String,
    },
    /// A column of an opened table does not take the text.
    #[error("column \"{column}\" of type {ty} does not take \"{value}\"")]
    OpenedValue {
        /// The column.
        column: String,
        /// Its type.
        ty: String,
        /// The text.
        value: String,
    },
    /// The model or the store.
    #[error(transparent)]
    Model(#[from] Error),
}

impl From<transaction::Error> for KeyError {
    fn from(error: transaction::Error) -> Self {
        KeyError::Model(Error::Store(error))
    }
}

impl KeyError {
    /// Whether the whole transaction may succeed if it is run again.
    pub fn is_retryable(&self) -> bool {
        match self {
            KeyError::Model(Error::Store(error)) => error.is_retryable(),
            KeyError::Model(Error::SchemaChanged { .. }) => true,
            _ => false,
        }
    }

    /// Whether nobody can tell yet whether the commit happened.
    pub fn outcome_is_unknown(&self) -> bool {
        matches!(self, KeyError::Model(Error::Store(transaction::Error::Unknown { .. })))
    }

    /// Whether the transaction cannot go on after it: nothing was wrong with the command itself.
    pub fn ends_transaction(&self) -> bool {
        match self {
            KeyError::NewSpace(_) => true,
            KeyError::Model(Error::Store(error)) => {
                !matches!(error, transaction::Error::TooLarge { .. })
            }
            KeyError::Model(Error::SchemaChanged { .. }) => true,
            _ => false,
        }
    }
}
