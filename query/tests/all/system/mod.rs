//! System tables: their shape against PostgreSQL 15's, their rows for a small catalogue, and that
//! numbers lead somewhere.

mod columns;
mod references;
mod rows;
pub mod shop;

use query::system::SystemTable;
use query::{Arena, Datum};

use self::shop::Shop;

/// Calls back with each row of a table.
fn each(shop: &Shop, table: &SystemTable, mut row: impl FnMut(&[Datum<'_>])) {
    let arena = Arena::new();
    let rows = (table.rows)(shop, &arena, &mut |one| row(one));
    rows.unwrap_or_else(|error| panic!("{table:?}: {error}"));
}

fn table(name: &str) -> &'static SystemTable {
    let (schema, name) = name.split_once('.').unwrap_or(("pg_catalog", name));
    query::system::table(schema, name).unwrap_or_else(|| panic!("no table {schema}.{name}"))
}

fn position(table: &SystemTable, column: &str) -> usize {
    let found = table.columns.iter().position(|(name, _)| *name == column);
    found.unwrap_or_else(|| panic!("{table:?} has no column {column}"))
}
