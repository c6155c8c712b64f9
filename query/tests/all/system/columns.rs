//! Names, types and order of columns, and what may be NULL, against a recording of PostgreSQL 15.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use query::{Datum, Scalar, Type};

use super::shop::Shop;
use super::{each, position, table};

/// A recorded table: number, kind, and its columns with type and whether NOT NULL.
struct Recorded {
    number: u32,
    kind: String,
    columns: Vec<(String, String, bool)>,
}

fn recorded() -> BTreeMap<String, Recorded> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/recorded/postgres/columns.txt");
    let text = std::fs::read_to_string(path).expect("columns.txt");
    let mut tables: BTreeMap<String, Recorded> = BTreeMap::new();
    let mut current = String::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match (line.starts_with(' '), words.as_slice()) {
            (false, [name, number, kind]) => {
                current = (*name).to_owned();
                let number = number.parse().expect("a number");
                let kind = (*kind).to_owned();
                tables.insert(current.clone(), Recorded { number, kind, columns: Vec::new() });
            }
            (true, [name, ty, rest @ ..]) => {
                let column = ((*name).to_owned(), (*ty).to_owned(), !rest.is_empty());
                tables.get_mut(&current).expect("a table").columns.push(column);
            }
            _ => panic!("columns.txt: {line}"),
        }
    }
    tables
}

/// PostgreSQL's name of a type, with those that are shown as another here.
fn type_name(ty: Type) -> String {
    if ty.array { format!("_{}", ty.scalar.name()) } else { ty.scalar.name().to_owned() }
}

fn stands_for(recorded: &str) -> &str {
    match recorded {
        "inet" | "pg_ndistinct" | "pg_dependencies" | "pg_mcv_list" => "text",
        "anyarray" => "_text",
        other => other,
    }
}

#[test]
fn columns_are_those_of_postgresql_15() {
    let recorded = recorded();
    for table in query::system::all() {
        let name = format!("{}.{}", table.schema, table.name);
        let found = recorded.get(&name).unwrap_or_else(|| panic!("PostgreSQL has no {name}"));
        assert_eq!(table.oid, found.number, "{name}");
        assert_eq!(if table.is_view() { "v" } else { "r" }, found.kind, "{name}");
        let ours: Vec<String> =
            table.columns.iter().map(|(name, ty)| format!("{name} {}", type_name(*ty))).collect();
        let theirs: Vec<String> = found
            .columns
            .iter()
            .map(|(name, ty, _)| format!("{name} {}", stands_for(ty)))
            .collect();
        assert_eq!(ours, theirs, "{name}");
    }
}

#[test]
fn not_null_columns_are_those_of_postgresql_15() {
    let (recorded, attributes) = (recorded(), table("pg_attribute"));
    let at = |column| position(attributes, column);
    let (relation, name, not_null) = (at("attrelid"), at("attname"), at("attnotnull"));
    let mut wrong = Vec::new();
    each(&Shop::open(), attributes, |row| {
        let (Datum::Int(number), Datum::Text(column), Datum::Bool(ours)) =
            (row[relation], row[name], row[not_null])
        else {
            panic!("{row:?}")
        };
        let Some(table) = query::system::table_by_number(number as u32) else { return };
        let columns = &recorded[&format!("{}.{}", table.schema, table.name)].columns;
        let (_, _, theirs) = columns.iter().find(|(name, _, _)| name == column).expect("a column");
        if ours != *theirs {
            wrong.push(format!("{}.{column}", table.name));
        }
    });
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn names_and_numbers_are_unique() {
    let (mut names, mut numbers) = (HashSet::new(), HashSet::new());
    for table in query::system::all() {
        assert!(names.insert((table.schema, table.name)), "{table:?}");
        assert!(numbers.insert(table.oid), "{table:?}");
    }
}

/// Whether a datum is what a column of the type holds.
fn fits(ty: Type, datum: &Datum<'_>) -> bool {
    use Scalar::*;
    match (datum, ty.scalar) {
        (Datum::Null, _) => true,
        (Datum::Array(_), Int2Vector | OidVector) => true,
        (Datum::Array(_), _) => ty.array,
        _ if ty.array => false,
        (Datum::Bool(_), Bool) | (Datum::Float32(_), Float4) | (Datum::Float(_), Float8) => true,
        (Datum::Int(n), Int2) => i16::try_from(*n).is_ok(),
        (Datum::Int(n), Int4) => i32::try_from(*n).is_ok(),
        (Datum::Int(_), Int8) => true,
        (Datum::Int(n), Oid | Xid | Regproc | Regtype | Regclass) => u32::try_from(*n).is_ok(),
        (Datum::Text(text), Char) => text.len() <= 1,
        (Datum::Text(_), Text | Name | Varchar | PgNodeTree) => true,
        (Datum::TimestampTz(_), TimestampTz) | (Datum::Interval(_), Interval) => true,
        _ => false,
    }
}

#[test]
fn every_value_is_of_its_columns_type() {
    let (shop, attributes) = (Shop::open(), recorded());
    for table in query::system::all() {
        let columns = &attributes[&format!("{}.{}", table.schema, table.name)].columns;
        each(&shop, table, |row| {
            assert_eq!(row.len(), table.columns.len(), "{table:?}");
            for ((datum, (name, ty)), (_, _, not_null)) in
                row.iter().zip(table.columns).zip(columns)
            {
                assert!(fits(*ty, datum), "{table:?}.{name}: {datum:?}");
                assert!(!(*not_null && datum.is_null()), "{table:?}.{name} is NULL");
            }
        });
    }
}
