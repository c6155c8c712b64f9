//! The rows of every table for the small catalogue, as text: tests/system/NAME.txt. UPDATE=1 writes
//! them anew.
//!
//! Rows about the system tables themselves are left out, and of the long lists of functions,
//! operators and casts those that the file's first line does not name.

use std::fmt::Write;
use std::path::Path;

use query::cast::output_string;
use query::system::SystemTable;
use query::{Datum, system};

use super::each;
use super::shop::Shop;

/// Columns by which a row is known to be about the system itself: the first that the table has
/// decides.
const ABOUT: &[&str] =
    &["relnamespace", "attrelid", "schemaname", "table_schema", "specific_schema"];

/// Of these tables, the rows with one of these texts in them.
const SAMPLES: &[(&str, &[&str])] = &[
    ("pg_proc", &["lower", "concat", "count", "generate_series", "int4in", "int4pl"]),
    ("pg_aggregate", &["pg_catalog.sum", "count"]),
    ("pg_operator", &["+", "~~"]),
    ("pg_cast", &["1184"]),
    ("pg_amop", &["1976"]),
    ("routines", &["lower", "concat"]),
    ("parameters", &["lower_870", "concat_3058"]),
];

/// Whether a row is about a system table.
fn of_the_system(table: &SystemTable, row: &[Datum<'_>]) -> bool {
    let column = |name: &&&str| table.columns.iter().position(|(column, _)| *column == **name);
    let at = ABOUT.iter().find(|name| column(name).is_some()).as_ref().and_then(column);
    match at.map(|at| row[at]) {
        Some(Datum::Text("pg_catalog" | "information_schema")) => true,
        Some(Datum::Int(n)) => n < 16384 && n != 2200,
        _ => false,
    }
}

fn text(shop: &Shop, table: &SystemTable) -> String {
    let sample = SAMPLES.iter().find(|(name, _)| *name == table.name).map(|(_, words)| *words);
    let names: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
    let mut lines = Vec::new();
    each(shop, table, |row| {
        if sample.is_none() && of_the_system(table, row) {
            return;
        }
        let cells: Vec<String> = row
            .iter()
            .zip(table.columns)
            .map(|(datum, (_, ty))| match datum.is_null() {
                true => "~".to_owned(),
                false => output_string(shop, *ty, -1, datum).expect("a text"),
            })
            .collect();
        if sample.is_none_or(|words| cells.iter().any(|cell| words.contains(&cell.as_str()))) {
            lines.push(cells.join("|"));
        }
    });
    let mut text = names.join("|");
    text.push_str("\n---\n");
    lines.iter().for_each(|line| writeln!(text, "{line}").expect("a line"));
    text
}

#[test]
fn rows_of_the_small_catalogue() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/system");
    let update = std::env::var_os("UPDATE").is_some();
    let (shop, mut wrong) = (Shop::open(), Vec::new());
    for table in system::all() {
        let made = text(&shop, table);
        // The zones are those of the machine.
        if made.ends_with("---\n") || table.name == "pg_timezone_names" {
            continue;
        }
        let short = if table.schema == "pg_catalog" { "" } else { "information_schema." };
        let path = folder.join(format!("{short}{}.txt", table.name));
        if update {
            std::fs::write(&path, &made).expect("to write");
        } else if std::fs::read_to_string(&path).unwrap_or_default() != made {
            wrong.push(format!("{}\n{made}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "differ:\n{}", wrong.join("\n"));
}

/// The tables that are empty for a catalogue with one of everything: what they list does not exist.
#[test]
fn empty_tables_are_known_as_such() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/system");
    let shop = Shop::open();
    let mut empty = String::new();
    for table in system::all() {
        let mut rows = 0;
        each(&shop, table, |_| rows += 1);
        if rows == 0 {
            writeln!(empty, "{table:?}").expect("a line");
        }
    }
    let path = folder.join("empty");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &empty).expect("to write");
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), empty);
}
