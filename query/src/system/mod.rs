//! System tables: the catalogue as rows, for whoever asks in SQL.
//!
//! pg_catalog and information_schema are ordinary relations to the binder and the executor: a name,
//! typed columns, and a function that yields their rows from the catalogue as the statement sees
//! it. Joins, filters and functions over them run as over any table, so that a client's query is
//! never recognised by its text.
//!
//! ```text
//!   Session ──► Picture (one catalogue, one database)
//!                  ├ class, index, depend     relations, columns, keys, what hangs on what
//!                  ├ types, functions         the tables of types, functions, operators and casts
//!                  ├ server                   databases, roles, settings, connections
//!                  ├ views                    pg_tables, pg_indexes, pg_stat_…
//!                  └ information              information_schema
//!   data/*.txt ── PostgreSQL's own numbers of what it has too
//! ```
//!
//! **Invariants**
//! - Names, types and order of the columns are PostgreSQL 15's; a test compares each with a
//!   recording. `inet`, `anyarray` and the pg_… types of statistics are shown as text, domains of
//!   information_schema as what they are made of.
//! - A number means the same object in every table, and every number but 0 leads to a row.
//! - What PostgreSQL has too bears its number there; what it has not, one from 8000 (types,
//!   operator classes), 9200 (operators) or 10000 (functions), and what users make, one from 16384.
//! - A table without rows is one whose objects do not exist here. A table whose objects exist and
//!   are not told is left out, so that a query of it fails by name.
//! - What is not counted is NULL, not 0.
//! - Building a table's rows takes time in proportion to their count (searches are by hash or by
//!   order).
//!
//! Rejected: answering known queries of known clients from a list (it breaks at the client's next
//! version); PostgreSQL's own way, tables written by DDL (every number twice, and a second truth
//! beside the catalogue).

mod cell;
mod class;
pub mod definition;
mod depend;
mod empty;
mod facts;
mod functions;
mod index;
mod information;
mod picture;
pub mod report;
mod server;
mod types;
mod views;

use std::sync::LazyLock;

use hashbrown::HashMap;
use model::{Catalogue, CollectionId, DatabaseId, ObjectNumber, Relation};

use crate::expression::Session;
use crate::{Arena, Datum, Result, Type};

pub use functions::{
    function_arguments, function_name, function_number, function_result, type_name,
};

/// One system table.
pub struct SystemTable {
    /// `pg_catalog` or `information_schema`.
    pub schema: &'static str,
    /// Its name.
    pub name: &'static str,
    /// pg_class.oid.
    pub oid: u32,
    /// Its columns in order.
    pub columns: &'static [(&'static str, Type)],
    /// Pushes its rows.
    pub rows: RowsOf,
}

/// Pushes the rows of a system table.
pub type RowsOf = for<'a> fn(&dyn Session, &'a Arena, &mut dyn FnMut(&[Datum<'a>])) -> Result<()>;

impl std::fmt::Debug for SystemTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

impl SystemTable {
    /// Whether PostgreSQL has it as a view: those are numbered from 10000.
    pub fn is_view(&self) -> bool {
        self.oid >= 10_000
    }
}

/// Writes a list of system tables: name, number, rows, columns with types (`[T]`: array).
macro_rules! tables {
    ($schema:literal;
     $($name:ident $oid:literal $rows:path { $($column:ident $ty:tt),* $(,)? })*) => {
        pub(in crate::system) static TABLES: &[crate::system::SystemTable] = &[$(
            crate::system::SystemTable {
                schema: $schema,
                name: stringify!($name),
                oid: $oid,
                columns: &[$((stringify!($column), crate::system::tables!(@ $ty))),*],
                rows: $rows,
            }
        ),*];
    };
    (@ [$element:ident]) => { crate::Type::array_of(crate::Type::$element.scalar) };
    (@ $ty:ident) => { crate::Type::$ty };
}
pub(in crate::system) use tables;

/// The parts, one for each subject.
static PARTS: &[&[SystemTable]] = &[
    class::TABLES,
    index::TABLES,
    depend::TABLES,
    types::TABLES,
    functions::TABLES,
    server::TABLES,
    views::TABLES,
    empty::TABLES,
    information::standard::TABLES,
    information::columns::TABLES,
    information::constraints::TABLES,
    information::privileges::TABLES,
    information::routines::TABLES,
    information::empty::TABLES,
];

static NAMES: LazyLock<HashMap<(&'static str, &'static str), &'static SystemTable>> =
    LazyLock::new(|| all().map(|table| ((table.schema, table.name), table)).collect());

static NUMBERS: LazyLock<HashMap<u32, &'static SystemTable>> =
    LazyLock::new(|| all().map(|table| (table.oid, table)).collect());

/// Every system table.
pub fn all() -> impl Iterator<Item = &'static SystemTable> {
    PARTS.iter().flat_map(|part| part.iter())
}

/// The system table of a name.
pub fn table(schema: &str, name: &str) -> Option<&'static SystemTable> {
    NAMES.get(&(schema, name)).copied()
}

/// The system table of a number.
pub fn table_by_number(number: u32) -> Option<&'static SystemTable> {
    NUMBERS.get(&number).copied()
}

/// pg_namespace.oid of pg_catalog.
pub const PG_CATALOG: u32 = 11;
/// pg_namespace.oid of information_schema.
pub const INFORMATION_SCHEMA: u32 = 13207;
/// The one role's number: PostgreSQL's bootstrap user.
pub const ROLE: u32 = 10;

/// pg_namespace.oid of a schema.
pub fn schema_number(catalogue: &Catalogue, database: DatabaseId, name: &str) -> Option<u32> {
    match name {
        "pg_catalog" => Some(PG_CATALOG),
        "information_schema" => Some(INFORMATION_SCHEMA),
        model::names::PUBLIC => Some(model::names::PUBLIC_NUMBER),
        name => {
            let database = catalogue.database_by_id(database)?;
            database.schemas.get(name).map(|number| number.0)
        }
    }
}

/// The schema of a pg_namespace.oid.
pub fn schema_name(catalogue: &Catalogue, database: DatabaseId, number: u32) -> Option<String> {
    let name = match number {
        PG_CATALOG => "pg_catalog",
        INFORMATION_SCHEMA => "information_schema",
        model::names::PUBLIC_NUMBER => model::names::PUBLIC,
        number => {
            let database = catalogue.database_by_id(database)?;
            let mut schemas = database.schemas.iter();
            return schemas.find(|(_, n)| n.0 == number).map(|(name, _)| name.clone());
        }
    };
    Some(name.to_owned())
}

/// pg_class.oid of a table, index, sequence or system table.
pub fn relation_number(
    catalogue: &Catalogue,
    database: DatabaseId,
    schema: &str,
    name: &str,
) -> Option<u32> {
    if let Some(table) = table(schema, name) {
        return Some(table.oid);
    }
    match catalogue.relation(database, schema, name)? {
        Relation::Collection(id) => Some(id.0),
        Relation::Index(_, id) => Some(id.0),
        Relation::Sequence(id) => Some(id.0),
    }
}

/// Schema and name of a relation of a number.
pub fn relation_name(
    catalogue: &Catalogue,
    database: DatabaseId,
    number: u32,
) -> Option<(String, String)> {
    if let Some(table) = table_by_number(number) {
        return Some((table.schema.to_owned(), table.name.to_owned()));
    }
    if let Some(found) = catalogue.collections.get(&CollectionId(number)) {
        let ours = found.database == database;
        return ours.then(|| (found.schema.clone(), found.name.clone()));
    }
    if let Some(found) = catalogue.sequences.get(&ObjectNumber(number)) {
        let ours = found.database == database;
        return ours.then(|| (found.schema.clone(), found.name.clone()));
    }
    let (collection, key) = definition::key_by_number(catalogue, database, number)?;
    Some((collection.schema.clone(), key.name.to_owned()))
}
