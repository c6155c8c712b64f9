//! information_schema's tables of schemas, tables, sequences and character sets.

use super::typed::{data_type, facets};
use crate::expression::Session;
use crate::system::cell::{NULL, Push, row, yes};
use crate::system::picture::Picture;
use crate::{Arena, Result};

crate::system::tables! {
    "information_schema";
    information_schema_catalog_name 13227 catalog_name {
        catalog_name NAME
    }
    schemata 13382 schemata {
        catalog_name NAME, schema_name NAME, schema_owner NAME, default_character_set_catalog NAME,
        default_character_set_schema NAME, default_character_set_name NAME, sql_path VARCHAR
    }
    tables 13425 tables {
        table_catalog NAME, table_schema NAME, table_name NAME, table_type VARCHAR,
        self_referencing_column_name NAME, reference_generation VARCHAR,
        user_defined_type_catalog NAME, user_defined_type_schema NAME, user_defined_type_name NAME,
        is_insertable_into VARCHAR, is_typed VARCHAR, commit_action VARCHAR
    }
    sequences 13386 sequences {
        sequence_catalog NAME, sequence_schema NAME, sequence_name NAME, data_type VARCHAR,
        numeric_precision INT4, numeric_precision_radix INT4, numeric_scale INT4,
        start_value VARCHAR, minimum_value VARCHAR, maximum_value VARCHAR, increment VARCHAR,
        cycle_option VARCHAR
    }
    views 13483 views {
        table_catalog NAME, table_schema NAME, table_name NAME, view_definition VARCHAR,
        check_option VARCHAR, is_updatable VARCHAR, is_insertable_into VARCHAR,
        is_trigger_updatable VARCHAR, is_trigger_deletable VARCHAR,
        is_trigger_insertable_into VARCHAR
    }
    character_sets 13250 character_sets {
        character_set_catalog NAME, character_set_schema NAME, character_set_name NAME,
        character_repertoire NAME, form_of_use NAME, default_collate_catalog NAME,
        default_collate_schema NAME, default_collate_name NAME
    }
    collations 13265 collations {
        collation_catalog NAME, collation_schema NAME, collation_name NAME, pad_attribute VARCHAR
    }
    collation_character_set_applicability 13270 collation_character_sets {
        collation_catalog NAME, collation_schema NAME, collation_name NAME,
        character_set_catalog NAME, character_set_schema NAME, character_set_name NAME
    }
}

fn catalog_name<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    row!(push; arena.text(session.database()));
    Ok(())
}

fn schemata<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let (database, owner) = (arena.text(session.database()), arena.text(session.user()));
    for (_, name) in Picture::of(session).schemas() {
        row!(push; database, arena.text(name), owner, NULL, NULL, NULL, NULL);
    }
    Ok(())
}

fn tables<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let database = arena.text(session.database());
    for table in crate::system::all() {
        let kind = if table.is_view() { "VIEW" } else { "BASE TABLE" };
        row!(push; database, table.schema, table.name, kind, NULL, NULL, NULL, NULL, NULL, "NO",
            "NO", NULL);
    }
    for collection in Picture::of(session).collections() {
        let (schema, name) = (arena.text(&collection.schema), arena.text(&collection.name));
        let writable = collection.kind == model::CollectionKind::Table;
        row!(push; database, schema, name, "BASE TABLE", NULL, NULL, NULL, NULL, NULL,
            yes(writable), "NO", NULL);
    }
    Ok(())
}

fn views<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let database = arena.text(session.database());
    for table in crate::system::all().filter(|table| table.is_view()) {
        row!(push; database, table.schema, table.name, NULL, "NONE", "NO", "NO", "NO", "NO", "NO");
    }
    Ok(())
}

/// Sequences of identity columns belong to their columns and are not listed.
fn sequences<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let picture = Picture::of(session);
    let database = arena.text(session.database());
    for s in picture.sequences().filter(|s| !is_internal(&picture, s)) {
        let facets = facets(s.ty, -1);
        let text = |n: i64| arena.text(&n.to_string());
        row!(push; database, arena.text(&s.schema), arena.text(&s.name),
            arena.text(&data_type(s.ty)), facets.precision, facets.radix, facets.scale,
            text(s.start), text(s.min), text(s.max), text(s.increment), yes(s.cycle));
    }
    Ok(())
}

fn is_internal(picture: &Picture, sequence: &model::Sequence) -> bool {
    use model::Generator::{IdentityAlways, IdentityByDefault};
    let Some((collection, column)) = sequence.owner else { return false };
    let collection = picture.catalogue.collections.get(&collection);
    let column = collection.and_then(|collection| collection.column_by_id(column));
    let generator = column.and_then(|column| column.generator.as_ref());
    matches!(generator, Some(IdentityAlways(_) | IdentityByDefault(_)))
}

fn character_sets<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let database = arena.text(session.database());
    row!(push; NULL, NULL, "UTF8", "UCS", "UTF8", database, "pg_catalog", "C");
    Ok(())
}

const COLLATIONS: [&str; 3] = ["default", "C", "POSIX"];

fn collations<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let database = arena.text(session.database());
    for name in COLLATIONS {
        row!(push; database, "pg_catalog", name, "NO PAD");
    }
    Ok(())
}

fn collation_character_sets<'a>(
    session: &dyn Session,
    arena: &'a Arena,
    push: Push<'_, 'a>,
) -> Result<()> {
    let database = arena.text(session.database());
    for name in COLLATIONS {
        row!(push; database, "pg_catalog", name, NULL, NULL, "UTF8");
    }
    Ok(())
}
