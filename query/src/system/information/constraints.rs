//! information_schema's tables of constraints. NOT NULL counts as a CHECK, named after the numbers
//! of schema, table and column, as PostgreSQL 15 does.

use model::{Collection, ElementSource};

use crate::expression::Session;
use crate::system::cell::{NULL, Push, row, yes};
use crate::system::definition::{self, Key};
use crate::system::picture::{Picture, attributes};
use crate::{Arena, Result};

crate::system::tables! {
    "information_schema";
    table_constraints 13411 table_constraints {
        constraint_catalog NAME, constraint_schema NAME, constraint_name NAME, table_catalog NAME,
        table_schema NAME, table_name NAME, constraint_type VARCHAR, is_deferrable VARCHAR,
        initially_deferred VARCHAR, enforced VARCHAR, nulls_distinct VARCHAR
    }
    key_column_usage 13329 key_columns {
        constraint_catalog NAME, constraint_schema NAME, constraint_name NAME, table_catalog NAME,
        table_schema NAME, table_name NAME, column_name NAME, ordinal_position INT4,
        position_in_unique_constraint INT4
    }
    constraint_column_usage 13300 column_usage {
        table_catalog NAME, table_schema NAME, table_name NAME, column_name NAME,
        constraint_catalog NAME, constraint_schema NAME, constraint_name NAME
    }
    constraint_table_usage 13305 table_usage {
        table_catalog NAME, table_schema NAME, table_name NAME, constraint_catalog NAME,
        constraint_schema NAME, constraint_name NAME
    }
    check_constraints 13260 checks {
        constraint_catalog NAME, constraint_schema NAME, constraint_name NAME, check_clause VARCHAR
    }
}

fn not_null_name(schema: u32, collection: &Collection, number: i16) -> String {
    format!("{schema}_{}_{number}_not_null", collection.id.0)
}

/// The keys that are constraints.
fn key_constraints(collection: &Collection) -> impl Iterator<Item = Key<'_>> {
    definition::keys(collection).into_iter().filter(|key| key.constraint.is_some())
}

fn table_constraints<'a>(
    session: &dyn Session,
    arena: &'a Arena,
    push: Push<'_, 'a>,
) -> Result<()> {
    let picture = Picture::of(session);
    let database = arena.text(session.database());
    for collection in picture.collections() {
        let (schema, table) = (arena.text(&collection.schema), arena.text(&collection.name));
        let number = picture.schema(&collection.schema);
        let mut constraint = |name: &str, kind: &'static str, distinct: Option<&'static str>| {
            row!(push; database, schema, arena.text(name), database, schema, table, kind, "NO",
                "NO", "YES", distinct);
        };
        for key in key_constraints(collection) {
            match key.primary {
                true => constraint(key.name, "PRIMARY KEY", None),
                false => constraint(key.name, "UNIQUE", Some(yes(key.nulls_distinct))),
            }
        }
        for check in &collection.checks {
            constraint(&check.name, "CHECK", None);
        }
        for one in attributes(collection).iter().filter(|one| one.not_null) {
            constraint(&not_null_name(number, collection, one.number), "CHECK", None);
        }
    }
    Ok(())
}

/// The columns of a key, with their names.
fn key_column_names<'k>(
    collection: &'k Collection,
    key: &'k Key<'_>,
) -> impl Iterator<Item = &'k str> {
    key.elements.iter().filter_map(|element| match &element.source {
        ElementSource::Column(id) => collection.column_by_id(*id).map(|c| c.name.as_str()),
        _ => None,
    })
}

fn key_columns<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let database = arena.text(session.database());
    for collection in Picture::of(session).collections() {
        let (schema, table) = (arena.text(&collection.schema), arena.text(&collection.name));
        for key in key_constraints(collection) {
            let name = arena.text(key.name);
            for (number, column) in (1i32..).zip(key_column_names(collection, &key)) {
                row!(push; database, schema, name, database, schema, table, arena.text(column),
                    number, NULL);
            }
        }
    }
    Ok(())
}

fn column_usage<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let database = arena.text(session.database());
    for collection in Picture::of(session).collections() {
        let (schema, table) = (arena.text(&collection.schema), arena.text(&collection.name));
        let mut usage = |column: &str, constraint: &str| {
            row!(push; database, schema, table, arena.text(column), database, schema,
                arena.text(constraint));
        };
        for key in key_constraints(collection) {
            key_column_names(collection, &key).for_each(|column| usage(column, key.name));
        }
        for check in &collection.checks {
            for id in session.expression_columns(collection, &check.expression) {
                if let Some(column) = collection.column_by_id(id) {
                    usage(&column.name, &check.name);
                }
            }
        }
    }
    Ok(())
}

/// PostgreSQL lists the tables of keys that others refer to and of no CHECK; keys here.
fn table_usage<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let database = arena.text(session.database());
    for collection in Picture::of(session).collections() {
        let (schema, table) = (arena.text(&collection.schema), arena.text(&collection.name));
        for key in key_constraints(collection) {
            row!(push; database, schema, table, database, schema, arena.text(key.name));
        }
    }
    Ok(())
}

fn checks<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let picture = Picture::of(session);
    let database = arena.text(session.database());
    for collection in picture.collections() {
        let schema = arena.text(&collection.schema);
        for check in &collection.checks {
            let text = definition::check(check, false);
            let text = text.trim_start_matches("CHECK ");
            row!(push; database, schema, arena.text(&check.name), arena.text(text));
        }
        let number = picture.schema(&collection.schema);
        for one in attributes(collection).iter().filter(|one| one.not_null) {
            let name = not_null_name(number, collection, one.number);
            let text = format!("{} IS NOT NULL", one.name);
            row!(push; database, schema, arena.text(&name), arena.text(&text));
        }
    }
    Ok(())
}
