//! information_schema.columns and what goes with it.

use model::{Collection, Generator};

use super::typed::{Facets, data_type, facets};
use crate::expression::Session;
use crate::system::cell::{NULL, Push, row, yes};
use crate::system::definition;
use crate::system::facts;
use crate::system::picture::{Attribute, Picture, attributes};
use crate::{Arena, Result, Type};

crate::system::tables! {
    "information_schema";
    columns 13295 columns {
        table_catalog NAME, table_schema NAME, table_name NAME, column_name NAME,
        ordinal_position INT4, column_default VARCHAR, is_nullable VARCHAR, data_type VARCHAR,
        character_maximum_length INT4, character_octet_length INT4, numeric_precision INT4,
        numeric_precision_radix INT4, numeric_scale INT4, datetime_precision INT4,
        interval_type VARCHAR, interval_precision INT4, character_set_catalog NAME,
        character_set_schema NAME, character_set_name NAME, collation_catalog NAME,
        collation_schema NAME, collation_name NAME, domain_catalog NAME, domain_schema NAME,
        domain_name NAME, udt_catalog NAME, udt_schema NAME, udt_name NAME, scope_catalog NAME,
        scope_schema NAME, scope_name NAME, maximum_cardinality INT4, dtd_identifier NAME,
        is_self_referencing VARCHAR, is_identity VARCHAR, identity_generation VARCHAR,
        identity_start VARCHAR, identity_increment VARCHAR, identity_maximum VARCHAR,
        identity_minimum VARCHAR, identity_cycle VARCHAR, is_generated VARCHAR,
        generation_expression VARCHAR, is_updatable VARCHAR
    }
    element_types 13493 element_types {
        object_catalog NAME, object_schema NAME, object_name NAME, object_type VARCHAR,
        collection_type_identifier NAME, data_type VARCHAR, character_maximum_length INT4,
        character_octet_length INT4, character_set_catalog NAME, character_set_schema NAME,
        character_set_name NAME, collation_catalog NAME, collation_schema NAME,
        collation_name NAME, numeric_precision INT4, numeric_precision_radix INT4,
        numeric_scale INT4, datetime_precision INT4, interval_type VARCHAR,
        interval_precision INT4, domain_default VARCHAR, udt_catalog NAME, udt_schema NAME,
        udt_name NAME, scope_catalog NAME, scope_schema NAME, scope_name NAME,
        maximum_cardinality INT4, dtd_identifier NAME
    }
    column_udt_usage 13290 udt_usage {
        udt_catalog NAME, udt_schema NAME, udt_name NAME, table_catalog NAME, table_schema NAME,
        table_name NAME, column_name NAME
    }
}

/// What differs between the rows of `columns`.
struct Column<'a> {
    schema: &'a str,
    table: &'a str,
    name: &'a str,
    number: i16,
    ty: Type,
    modifier: i32,
    default: Option<&'a str>,
    not_null: bool,
    identity: Option<Identity<'a>>,
    expression: Option<&'a str>,
    updatable: bool,
}

struct Identity<'a> {
    generation: &'static str,
    start: &'a str,
    increment: &'a str,
    max: &'a str,
    min: &'a str,
    cycle: bool,
}

fn column<'a>(database: &'a str, arena: &'a Arena, push: Push<'_, 'a>, c: Column<'a>) {
    let Facets { length, octets, precision, radix, scale, time_precision, collation } =
        facets(c.ty, c.modifier);
    let catalogue = collation.map(|_| database);
    let schema = collation.map(|_| "pg_catalog");
    let identity = c.identity.as_ref();
    row!(push; database, c.schema, c.table, c.name, c.number, c.default, yes(!c.not_null),
        arena.text(&data_type(c.ty)), length, octets, precision, radix, scale, time_precision, NULL,
        NULL, NULL, NULL, NULL, catalogue, schema, collation, NULL, NULL, NULL, database,
        "pg_catalog", facts::of(c.ty).name, NULL, NULL, NULL, NULL,
        arena.text(&c.number.to_string()), "NO", yes(identity.is_some()),
        identity.map(|i| i.generation), identity.map(|i| i.start), identity.map(|i| i.increment),
        identity.map(|i| i.max), identity.map(|i| i.min), yes(identity.is_some_and(|i| i.cycle)),
        if c.expression.is_some() { "ALWAYS" } else { "NEVER" }, c.expression, yes(c.updatable));
}

fn columns<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let database = arena.text(session.database());
    for table in crate::system::all() {
        for (number, (name, ty)) in (1..).zip(table.columns) {
            column(
                database,
                arena,
                push,
                Column {
                    schema: table.schema,
                    table: table.name,
                    name,
                    number,
                    ty: *ty,
                    modifier: -1,
                    default: None,
                    not_null: false,
                    identity: None,
                    expression: None,
                    updatable: false,
                },
            );
        }
    }
    let (picture, path) = (Picture::of(session), session.search_path());
    for collection in picture.collections() {
        for one in attributes(collection) {
            let c = declared(&picture, &path, collection, &one, arena);
            column(database, arena, push, c);
        }
    }
    Ok(())
}

fn declared<'a>(
    picture: &Picture,
    path: &[String],
    collection: &Collection,
    one: &Attribute<'_>,
    arena: &'a Arena,
) -> Column<'a> {
    let text = one.column.and_then(|c| definition::default(&picture.catalogue, path, c));
    let text = text.map(|text| arena.text(&text));
    let stored = one.generated() == "s";
    Column {
        schema: arena.text(&collection.schema),
        table: arena.text(&collection.name),
        name: arena.text(one.name),
        number: one.number,
        ty: one.ty,
        modifier: one.modifier,
        default: text.filter(|_| !stored),
        not_null: one.not_null,
        identity: identity(picture, one, arena),
        expression: text.filter(|_| stored),
        updatable: collection.kind == model::CollectionKind::Table,
    }
}

fn identity<'a>(picture: &Picture, one: &Attribute<'_>, arena: &'a Arena) -> Option<Identity<'a>> {
    let s = picture.catalogue.sequences.get(&one.identity_sequence()?)?;
    let always = matches!(
        one.column.and_then(|column| column.generator.as_ref()),
        Some(Generator::IdentityAlways(_))
    );
    let text = |n: i64| arena.text(&n.to_string());
    Some(Identity {
        generation: if always { "ALWAYS" } else { "BY DEFAULT" },
        start: text(s.start),
        increment: text(s.increment),
        max: text(s.max),
        min: text(s.min),
        cycle: s.cycle,
    })
}

/// The element types of columns that are arrays.
fn element_types<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let database = arena.text(session.database());
    for collection in Picture::of(session).collections() {
        let (schema, table) = (arena.text(&collection.schema), arena.text(&collection.name));
        for one in attributes(collection).iter().filter(|one| one.ty.array) {
            let element = one.ty.element();
            let number = one.number;
            row!(push; database, schema, table, "TABLE", arena.text(&number.to_string()),
                arena.text(&data_type(element)), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
                NULL, NULL, NULL, NULL, NULL, NULL, NULL, database, "pg_catalog",
                facts::of(element).name, NULL, NULL, NULL, NULL, arena.text(&format!("a{number}")));
        }
    }
    Ok(())
}

fn udt_usage<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let database = arena.text(session.database());
    for collection in Picture::of(session).collections() {
        let (schema, table) = (arena.text(&collection.schema), arena.text(&collection.name));
        for one in attributes(collection) {
            row!(push; database, "pg_catalog", facts::of(one.ty).name, database, schema, table,
                arena.text(one.name));
        }
    }
    Ok(())
}
