//! pg_index and pg_constraint: keys, indexes and constraints.

use model::{Collection, ElementSource};

use super::cell::{NULL, Push, integers, row};
use super::definition::{self, Key};
use super::facts;
use super::picture::{Attribute, Picture, attribute_number, attributes};
use crate::expression::Session;
use crate::{Arena, Datum, Result, Scalar, Type};

super::tables! {
    "pg_catalog";
    pg_index 2610 indexes {
        indexrelid OID, indrelid OID, indnatts INT2, indnkeyatts INT2, indisunique BOOL,
        indnullsnotdistinct BOOL, indisprimary BOOL, indisexclusion BOOL, indimmediate BOOL,
        indisclustered BOOL, indisvalid BOOL, indcheckxmin BOOL, indisready BOOL, indislive BOOL,
        indisreplident BOOL, indkey INT2VECTOR, indcollation OIDVECTOR, indclass OIDVECTOR,
        indoption INT2VECTOR, indexprs PG_NODE_TREE, indpred PG_NODE_TREE
    }
    pg_constraint 2606 constraints {
        oid OID, conname NAME, connamespace OID, contype CHAR, condeferrable BOOL,
        condeferred BOOL, convalidated BOOL, conrelid OID, contypid OID, conindid OID,
        conparentid OID, confrelid OID, confupdtype CHAR, confdeltype CHAR, confmatchtype CHAR,
        conislocal BOOL, coninhcount INT4, connoinherit BOOL, conkey [INT2], confkey [INT2],
        conpfeqop [OID], conppeqop [OID], conffeqop [OID], confdelsetcols [INT2], conexclop [OID],
        conbin PG_NODE_TREE
    }
}

/// The attribute that an element is of, and its type; an expression has number 0.
fn element(
    session: &dyn Session,
    collection: &Collection,
    columns: &[Attribute<'_>],
    source: &ElementSource,
) -> (i16, Type) {
    match source {
        ElementSource::Column(id) => {
            let ty = collection.column_by_id(*id).map_or(Type::UNKNOWN, |column| column.ty);
            (attribute_number(collection, *id), ty)
        }
        ElementSource::Path(path) => match path.as_slice() {
            [name] => columns
                .iter()
                .find(|column| column.name == name)
                .map_or((0, Type::JSONB), |column| (column.number, column.ty)),
            _ => (0, Type::JSONB),
        },
        ElementSource::Expression(text) => {
            (0, session.expression_type(collection, text).unwrap_or(Type::UNKNOWN))
        }
    }
}

/// attnum and type of each element of a key.
fn elements(session: &dyn Session, collection: &Collection, key: &Key<'_>) -> Vec<(i16, Type)> {
    let columns = attributes(collection);
    let parts = key.elements.iter();
    parts.map(|part| element(session, collection, &columns, &part.source)).collect()
}

fn expressions(collection: &Collection, key: &Key<'_>, numbers: &[(i16, Type)]) -> Option<String> {
    let parts = key.elements.iter().zip(numbers).filter(|(_, (number, _))| *number == 0);
    let texts: Vec<String> = parts.map(|(part, _)| definition::element(collection, part)).collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

fn indexes<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let picture = Picture::of(session);
    for collection in picture.collections() {
        for key in definition::keys(collection) {
            index(session, collection, &key, arena, push)?;
        }
    }
    Ok(())
}

fn index<'a>(
    session: &dyn Session,
    collection: &Collection,
    key: &Key<'_>,
    arena: &'a Arena,
    push: Push<'_, 'a>,
) -> Result<()> {
    let parts = elements(session, collection, key);
    let numbers = parts.iter().map(|(number, _)| i64::from(*number));
    let collations = parts.iter().map(|(_, ty)| facts::of(*ty).collation.into());
    let classes = parts.iter().map(|(_, ty)| facts::operator_class(*ty).into());
    let options = key
        .elements
        .iter()
        .map(|part| i64::from(part.descending) | i64::from(part.nulls_first) << 1);
    let count = i16::try_from(parts.len()).unwrap_or(i16::MAX);
    row!(push; key.number, collection.id.0, count, count, key.unique, !key.nulls_distinct,
        key.primary, false, true, false, key.ready, false, true, true, false,
        integers(arena, Scalar::Int2, numbers)?,
        integers(arena, Scalar::Oid, collations)?,
        integers(arena, Scalar::Oid, classes)?,
        integers(arena, Scalar::Int2, options)?,
        expressions(collection, key, &parts).map(|text| arena.text(&text)),
        key.predicate.map(|text| arena.text(text)));
    Ok(())
}

/// What differs between the rows of pg_constraint.
struct Constraint<'a> {
    number: u32,
    name: &'a str,
    schema: u32,
    kind: &'static str,
    relation: u32,
    index: u32,
    columns: Datum<'a>,
    text: Option<&'a str>,
}

fn constraint<'a>(push: Push<'_, 'a>, c: Constraint<'a>) {
    row!(push; c.number, c.name, c.schema, c.kind, false, false, true, c.relation, 0, c.index, 0, 0,
        " ", " ", " ", true, 0, c.kind != "c", c.columns, NULL, NULL, NULL, NULL, NULL, NULL,
        c.text);
}

fn constraints<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let picture = Picture::of(session);
    for collection in picture.collections() {
        let schema = picture.schema(&collection.schema);
        for key in definition::keys(collection) {
            let Some(number) = key.constraint else { continue };
            let parts = elements(session, collection, &key);
            let columns = parts.iter().map(|(number, _)| i64::from(*number));
            constraint(
                push,
                Constraint {
                    number,
                    name: arena.text(key.name),
                    schema,
                    kind: if key.primary { "p" } else { "u" },
                    relation: collection.id.0,
                    index: key.number,
                    columns: integers(arena, Scalar::Int2, columns)?,
                    text: None,
                },
            );
        }
        for check in &collection.checks {
            let columns = session.expression_columns(collection, &check.expression);
            let numbers = columns.iter().map(|id| attribute_number(collection, *id).into());
            let columns = match columns.is_empty() {
                true => NULL,
                false => integers(arena, Scalar::Int2, numbers)?,
            };
            constraint(
                push,
                Constraint {
                    number: check.constraint.0,
                    name: arena.text(&check.name),
                    schema,
                    kind: "c",
                    relation: collection.id.0,
                    index: 0,
                    columns,
                    text: Some(arena.text(&check.expression)),
                },
            );
        }
    }
    Ok(())
}
