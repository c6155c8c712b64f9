//! What each client sees of a stored value: one table, and the rules that follow from it.
//!
//! A value is stored with a kind of its own; every client has other types. That choice is made here
//! once. The field dictionary takes a field's type from it, opened tables take Redis's form from
//! it, and docs/mapping.md is printed from it (tests/all/mapping.rs compares; `UPDATE_DOCS=1`
//! writes).
//!
//! ```text
//!   Kind ─► Seen ─┬ postgres   type of an undeclared field of this kind alone     ─► field_type
//!                 ├ declared   column types that keep their values as this kind
//!                 ├ redis      how HGET shows it                                  ─► keyspace
//!                 └ mysql, mongo   decided, for protocols that are to come: words only
//! ```
//!
//! **Invariants**
//! - Every kind has exactly one row, in the order of [`Kind`].
//! - [`field_type`] depends on the set of kinds alone, never on the order in which they came, so
//!   writers widen a dictionary without meeting.
//!
//! Rejected: a method on each side (`sql_type` here, a match in each protocol). The page would be
//! written by hand again, and be wrong with the first kind that is added.

use value::Kind;

use crate::schema::TypeSet;
use crate::types::{Scalar, Type};

/// How Redis is shown a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedisForm {
    /// Not at all: the field is not there.
    Absent,
    /// `true` or `false`.
    Word,
    /// Decimal digits, exactly.
    Digits,
    /// The shortest text that reads back as the same float.
    Shortest,
    /// The text that SQL shows.
    Text,
    /// The bytes themselves.
    Bytes,
    /// JSON without blanks, fields in their own order.
    Json,
}

impl RedisForm {
    /// In the words of docs/mapping.md.
    pub fn words(self) -> &'static str {
        match self {
            RedisForm::Absent => "not shown",
            RedisForm::Word => "`true`, `false`",
            RedisForm::Digits => "decimal text",
            RedisForm::Shortest => "shortest text",
            RedisForm::Text => "text",
            RedisForm::Bytes => "bytes",
            RedisForm::Json => "JSON text",
        }
    }
}

/// What each client sees of a kind.
#[derive(Debug)]
pub struct Seen {
    /// The kind.
    pub kind: Kind,
    /// PostgreSQL's type of an undeclared field in which nothing else was seen.
    pub postgres: Type,
    /// Types of columns that keep their values as this kind; json and jsonb keep every kind.
    pub declared: &'static [Scalar],
    /// Redis's form.
    pub redis: RedisForm,
    /// MySQL's types, decided.
    pub mysql: &'static str,
    /// MongoDB's types, decided.
    pub mongo: &'static str,
}

macro_rules! table {
    ($(
        $kind:ident $postgres:ident [$($declared:ident)*] $redis:ident
        $mysql:literal $mongo:literal;
    )*) => {
        [$(Seen {
            kind: Kind::$kind,
            postgres: Type::$postgres,
            declared: &[$(Scalar::$declared),*],
            redis: RedisForm::$redis,
            mysql: $mysql,
            mongo: $mongo,
        }),*]
    };
}

/// In the order of [`Kind`].
static SEEN: [Seen; 29] = table! {
    Null JSONB [] Absent "NULL" "null";
    Undefined JSONB [] Absent "NULL" "undefined";
    MinKey JSONB [] Json "JSON" "min key";
    MaxKey JSONB [] Json "JSON" "max key";
    Bool BOOL [Bool] Word "TINYINT(1)" "bool";
    Int8 INT2 [Int1] Digits "TINYINT" "int32";
    Int16 INT2 [Int2 UInt1] Digits "SMALLINT" "int32";
    Int32 INT4 [Int4 UInt2] Digits "INT" "int32";
    Int64 INT8 [Int8 UInt4 UInt8] Digits "BIGINT" "int64";
    UInt64 NUMERIC [UInt8] Digits "BIGINT UNSIGNED" "Decimal128";
    Float32 FLOAT4 [Float4] Shortest "FLOAT" "double";
    Float64 FLOAT8 [Float8] Shortest "DOUBLE" "double";
    Decimal NUMERIC [Numeric] Digits "DECIMAL" "Decimal128 to 34 digits, beyond as text";
    Text TEXT [Text Varchar Bpchar] Bytes "VARCHAR, TEXT, CHAR" "string";
    Symbol JSONB [] Bytes "JSON" "symbol";
    Bytes BYTEA [Bytea] Bytes "BLOB, BINARY" "binary of its subtype";
    Date DATE [Date] Text "DATE" "Date at midnight UTC";
    Time TIME [Time] Text "TIME (0–24 h)" "text";
    Timestamp TIMESTAMP [Timestamp] Text "DATETIME" "Date (ms, rounded down)";
    TimestampTz TIMESTAMPTZ [TimestampTz] Text "TIMESTAMP" "Date (ms, rounded down)";
    Interval INTERVAL [Interval] Text "text" "text";
    Uuid UUID [Uuid] Text "CHAR(36), BINARY(16)" "binary 4";
    ObjectId OBJECTID [ObjectId] Text "CHAR(24)" "ObjectId";
    Document JSONB [] Json "JSON" "document";
    Array JSONB [] Json "JSON" "array";
    Regex JSONB [] Json "JSON" "as it is";
    Code JSONB [] Json "JSON" "as it is";
    BsonTimestamp JSONB [] Json "JSON" "as it is";
    DbPointer JSONB [] Json "JSON" "as it is";
};

/// What each client sees of a kind.
#[inline]
pub fn seen(kind: Kind) -> &'static Seen {
    &SEEN[kind as usize]
}

/// Every row, in the order of [`Kind`].
pub fn all() -> impl Iterator<Item = &'static Seen> {
    SEEN.iter()
}

/// The type of a field in which these kinds were seen. One kind: its type; several numbers:
/// numeric; anything else together: jsonb. Null fits every type.
pub fn field_type(kinds: TypeSet) -> Type {
    let mut found: Option<&Seen> = None;
    let (mut several, mut numbers) = (false, true);
    for row in all().filter(|row| row.kind != Kind::Null && kinds.contains(row.kind)) {
        several |= found.is_some();
        numbers &= row.kind.is_number();
        found = Some(row);
    }
    match found {
        Some(_) if several && numbers => Type::NUMERIC,
        Some(row) if !several => row.postgres,
        _ => Type::JSONB,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_stands_in_the_order_of_the_enum() {
        for (at, row) in all().enumerate() {
            assert_eq!(row.kind as usize, at, "{:?}", row.kind);
        }
        assert_eq!(all().count(), Kind::DbPointer as usize + 1, "the last kind");
    }
}
