//! System tables: the catalogue as rows, for whoever asks in SQL.
//!
//! pg_catalog and information_schema are ordinary relations to the binder and the executor: a name, typed columns, and a
//! function that yields their rows from the catalogue as the statement sees it. Joins, filters and functions over them run as over any
//! table, so that a client's query is never recognised by its text.
//!
//! Rejected: answering known queries of known clients from a list (it breaks at the client's next version).

use std::sync::LazyLock;

use hashbrown::HashMap;

use crate::expression::Session;
use crate::{Arena, Datum, Result, Type};

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

/// Every system table.
static PARTS: &[&[SystemTable]] = &[];

static NAMES: LazyLock<HashMap<(&'static str, &'static str), &'static SystemTable>> =
    LazyLock::new(|| all().map(|table| ((table.schema, table.name), table)).collect());

/// Every system table.
pub fn all() -> impl Iterator<Item = &'static SystemTable> {
    PARTS.iter().flat_map(|part| part.iter())
}

/// The system table of a name.
pub fn table(schema: &str, name: &str) -> Option<&'static SystemTable> {
    NAMES.get(&(schema, name)).copied()
}
