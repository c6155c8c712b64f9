//! pg_class, pg_attribute, pg_attrdef and pg_sequence: relations and their columns.
//!
//! ```text
//!   collection ──► r    its columns, and system columns with negative numbers
//!   key, index ──► i    its elements
//!   sequence   ──► S    last_value, log_cnt, is_called
//!   system table ► r/v  its columns
//! ```
//!
//! System tables have no indexes and no composite types here, so relhasindex is false and reltype 0
//! for them; reltype is 0 for collections too, since a table's name is no type.

use model::{Collection, Sequence};

use super::cell::{NULL, Push, row};
use super::definition::{self, Key};
use super::facts::{self, TypeFacts};
use super::picture::{Attribute, Picture, attributes, system_attributes};
use super::{INFORMATION_SCHEMA, PG_CATALOG, ROLE, SystemTable};
use crate::expression::Session;
use crate::{Arena, Result, Scalar, Type};

super::tables! {
    "pg_catalog";
    pg_class 1259 classes {
        oid OID, relname NAME, relnamespace OID, reltype OID, reloftype OID, relowner OID,
        relam OID, relfilenode OID, reltablespace OID, relpages INT4, reltuples FLOAT4,
        relallvisible INT4, reltoastrelid OID, relhasindex BOOL, relisshared BOOL,
        relpersistence CHAR, relkind CHAR, relnatts INT2, relchecks INT2, relhasrules BOOL,
        relhastriggers BOOL, relhassubclass BOOL, relrowsecurity BOOL, relforcerowsecurity BOOL,
        relispopulated BOOL, relreplident CHAR, relispartition BOOL, relrewrite OID,
        relfrozenxid XID, relminmxid XID, relacl [ACLITEM], reloptions [TEXT],
        relpartbound PG_NODE_TREE
    }
    pg_attribute 1249 attribute_rows {
        attrelid OID, attname NAME, atttypid OID, attstattarget INT4, attlen INT2, attnum INT2,
        attndims INT4, attcacheoff INT4, atttypmod INT4, attbyval BOOL, attalign CHAR,
        attstorage CHAR, attcompression CHAR, attnotnull BOOL, atthasdef BOOL, atthasmissing BOOL,
        attidentity CHAR, attgenerated CHAR, attisdropped BOOL, attislocal BOOL, attinhcount INT4,
        attcollation OID, attacl [ACLITEM], attoptions [TEXT], attfdwoptions [TEXT],
        attmissingval [TEXT]
    }
    pg_attrdef 2604 defaults {
        oid OID, adrelid OID, adnum INT2, adbin PG_NODE_TREE
    }
    pg_sequence 2224 sequences {
        seqrelid OID, seqtypid OID, seqstart INT8, seqincrement INT8, seqmax INT8, seqmin INT8,
        seqcache INT8, seqcycle BOOL
    }
}

/// What differs between the rows of pg_class.
struct Class<'a> {
    number: u32,
    name: &'a str,
    schema: u32,
    kind: &'static str,
    /// 2 heap, 403 btree, 0 none.
    access: u32,
    file: u32,
    pages: i32,
    rows: f32,
    has_index: bool,
    columns: i16,
    checks: i16,
    identity: &'static str,
}

fn class<'a>(push: Push<'_, 'a>, c: Class<'a>) {
    row!(push; c.number, c.name, c.schema, 0, 0, ROLE, c.access, c.file, 0, c.pages, c.rows, 0, 0,
        c.has_index, false, "p", c.kind, c.columns, c.checks, c.kind == "v", false, false, false,
        false, true, c.identity, false, 0, 0, 0, NULL, NULL, NULL);
}

fn count(n: usize) -> i16 {
    i16::try_from(n).unwrap_or(i16::MAX)
}

/// Pages of 8 kB, as PostgreSQL counts.
fn pages(session: &dyn Session, number: u32) -> i32 {
    let bytes = session.relation_size(number).unwrap_or(0);
    i32::try_from((bytes + 8191) / 8192).unwrap_or(i32::MAX)
}

fn classes<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let picture = Picture::of(session);
    super::all().for_each(|table| class(push, system_class(table)));
    for collection in picture.collections() {
        let schema = picture.schema(&collection.schema);
        let keys = definition::keys(collection);
        let rows = session.row_count(collection.id).map_or(-1.0, |rows| rows as f32);
        class(
            push,
            Class {
                number: collection.id.0,
                name: arena.text(&collection.name),
                schema,
                kind: "r",
                access: 2,
                file: collection.storage.0,
                pages: pages(session, collection.id.0),
                rows,
                has_index: !keys.is_empty(),
                columns: attributes(collection).last().map_or(0, |last| last.number),
                checks: count(collection.checks.len()),
                identity: "d",
            },
        );
        for key in keys {
            class(push, key_class(arena.text(key.name), schema, &key, rows));
        }
    }
    for sequence in picture.sequences() {
        class(
            push,
            Class {
                number: sequence.id.0,
                name: arena.text(&sequence.name),
                schema: picture.schema(&sequence.schema),
                kind: "S",
                access: 0,
                file: sequence.id.0,
                pages: 1,
                rows: 1.0,
                has_index: false,
                columns: 3,
                checks: 0,
                identity: "n",
            },
        );
    }
    Ok(())
}

fn system_class(table: &'static SystemTable) -> Class<'static> {
    Class {
        number: table.oid,
        name: table.name,
        schema: if table.schema == "pg_catalog" { PG_CATALOG } else { INFORMATION_SCHEMA },
        kind: if table.is_view() { "v" } else { "r" },
        access: if table.is_view() { 0 } else { 2 },
        file: 0,
        pages: 0,
        rows: -1.0,
        has_index: false,
        columns: count(table.columns.len()),
        checks: 0,
        identity: "n",
    }
}

fn key_class<'a>(name: &'a str, schema: u32, key: &Key<'_>, rows: f32) -> Class<'a> {
    Class {
        number: key.number,
        name,
        schema,
        kind: "i",
        access: 403,
        file: key.number,
        pages: 0,
        rows: if key.predicate.is_some() { -1.0 } else { rows },
        has_index: false,
        columns: count(key.elements.len()),
        checks: 0,
        identity: "n",
    }
}

/// What differs between the rows of pg_attribute.
struct Row<'a> {
    relation: u32,
    name: &'a str,
    ty: Type,
    number: i16,
    modifier: i32,
    not_null: bool,
    has_default: bool,
    has_missing: bool,
    identity: &'static str,
    generated: &'static str,
}

fn attribute<'a>(push: Push<'_, 'a>, a: Row<'a>) {
    let TypeFacts { length, by_value, align, storage, collation, .. } = *facts::of(a.ty);
    row!(push; a.relation, a.name, a.ty.oid(), -1, length, a.number, i32::from(a.ty.array), -1,
        a.modifier, by_value, align, storage, "", a.not_null, a.has_default, a.has_missing,
        a.identity, a.generated, false, true, 0, collation, NULL, NULL, NULL, NULL);
}

fn plain(relation: u32, name: &str, ty: Type, number: i16, not_null: bool) -> Row<'_> {
    Row {
        relation,
        name,
        ty,
        number,
        modifier: -1,
        not_null,
        has_default: false,
        has_missing: false,
        identity: "",
        generated: "",
    }
}

fn attributes_of<'a>(collection: &Collection, arena: &'a Arena, push: Push<'_, 'a>) {
    let all = attributes(collection).into_iter().chain(system_attributes(collection));
    for one in all {
        attribute(
            push,
            Row {
                modifier: one.modifier,
                has_default: one.has_default(),
                has_missing: one.column.is_some_and(|column| column.missing.is_some()),
                identity: one.identity(),
                generated: one.generated(),
                ..plain(collection.id.0, arena.text(one.name), one.ty, one.number, one.not_null)
            },
        );
    }
}

fn attribute_rows<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let picture = Picture::of(session);
    super::all().for_each(|table| system_attribute_rows(table, push));
    for collection in picture.collections() {
        attributes_of(collection, arena, push);
        for key in definition::keys(collection) {
            key_attributes(session, collection, &key, arena, push);
        }
    }
    for sequence in picture.sequences() {
        let columns =
            [("last_value", Type::INT8), ("log_cnt", Type::INT8), ("is_called", Type::BOOL)];
        for (number, (name, ty)) in (1..).zip(columns) {
            attribute(push, plain(sequence.id.0, name, ty, number, true));
        }
    }
    Ok(())
}

/// Columns of variable length that PostgreSQL marks NOT NULL all the same.
const NEVER_NULL: &[&str] = &[
    "adbin",
    "data",
    "datcollate",
    "datctype",
    "defaclacl",
    "description",
    "ev_action",
    "ev_qual",
    "extversion",
    "initprivs",
    "label",
    "parname",
    "polroles",
    "prosrc",
    "provider",
    "roname",
    "stxkind",
    "subconninfo",
    "subpublications",
    "subsynccommit",
    "tgargs",
];

/// Columns of PostgreSQL's own tables are never NULL up to the first of variable length.
fn system_attribute_rows(table: &'static SystemTable, push: Push<'_, '_>) {
    let mut fixed = !table.is_view();
    for (number, (name, ty)) in (1..).zip(table.columns) {
        let vector = matches!(ty.scalar, Scalar::Int2Vector | Scalar::OidVector) && !ty.array;
        let length = if ty.array { -1 } else { ty.scalar.length() };
        fixed &= length > 0 || vector;
        let not_null = match table.is_view() {
            true => false,
            false => NEVER_NULL.contains(name) || fixed && *name != "srsublsn",
        };
        attribute(push, plain(table.oid, name, *ty, number, not_null));
    }
}

/// The columns of an index: named after columns, or after the function of an expression.
fn key_attributes<'a>(
    session: &dyn Session,
    collection: &Collection,
    key: &Key<'_>,
    arena: &'a Arena,
    push: Push<'_, 'a>,
) {
    use model::ElementSource::{Column, Expression, Path};
    let columns = attributes(collection);
    let mut taken: Vec<String> = Vec::new();
    for (number, element) in (1..).zip(key.elements.iter()) {
        let (name, ty, modifier) = match &element.source {
            Column(id) => match collection.column_by_id(*id) {
                Some(column) => (column.name.clone(), column.ty, column.modifier),
                None => continue,
            },
            Path(path) => {
                let name = path.join(".");
                let found = columns.iter().find(|column: &&Attribute<'_>| column.name == name);
                (name, found.map_or(Type::JSONB, |column| column.ty), -1)
            }
            Expression(text) => {
                let ty = session.expression_type(collection, text).unwrap_or(Type::UNKNOWN);
                (expression_name(text), ty, -1)
            }
        };
        let name = untaken(name, &taken);
        let row = plain(key.number, arena.text(&name), ty, number, false);
        attribute(push, Row { modifier, ..row });
        taken.push(name);
    }
}

fn expression_name(text: &str) -> String {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    match text.split_at(end) {
        (name, rest) if !name.is_empty() && rest.starts_with('(') => name.to_owned(),
        _ => "expr".to_owned(),
    }
}

fn untaken(name: String, taken: &[String]) -> String {
    if !taken.contains(&name) {
        return name;
    }
    let numbered = (1u32..).map(|n| format!("{name}{n}")).find(|name| !taken.contains(name));
    numbered.unwrap_or(name)
}

/// pg_attrdef.oid. Defaults have no number of their own, so it is made of the table's and the
/// column's, above all others; two meet only where one of a million and more tables was made a
/// million objects after the other.
pub(super) fn default_number(collection: &Collection, column: i16) -> u32 {
    1 << 31 | (collection.id.0 << 11) ^ u32::from(column.unsigned_abs())
}

fn defaults<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let picture = Picture::of(session);
    let path = session.search_path();
    for collection in picture.collections() {
        for one in attributes(collection) {
            let text = one
                .column
                .and_then(|column| definition::default(&picture.catalogue, &path, column));
            if let Some(text) = text {
                let number = default_number(collection, one.number);
                row!(push; number, collection.id.0, one.number, arena.text(&text));
            }
        }
    }
    Ok(())
}

fn sequences<'a>(session: &dyn Session, _: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let picture = Picture::of(session);
    for s in picture.sequences() {
        let Sequence { id, ty, start, increment, min, max, cycle, cache, .. } = &**s;
        row!(push; id.0, ty.oid(), *start, *increment, *max, *min, *cache, *cycle);
    }
    Ok(())
}
