//! pg_depend: what hangs on what.
//!
//! `n` is an ordinary dependency (DROP refuses), `a` an automatic one (DROP takes it along), `i` an
//! internal one (part of the other). Of PostgreSQL's rows here are those between what users make:
//! schemas, tables, columns, defaults, constraints, indexes, sequences. What an expression refers
//! to is known for CHECK only.

use model::{Collection, ElementSource, Generator};

use super::cell::{Push, row};
use super::class::default_number;
use super::definition::{self, Key};
use super::picture::{Picture, attribute_number, attributes};
use crate::expression::Session;
use crate::{Arena, Result};

super::tables! {
    "pg_catalog";
    pg_depend 2608 dependencies {
        classid OID, objid OID, objsubid INT4, refclassid OID, refobjid OID, refobjsubid INT4,
        deptype CHAR
    }
}

const CLASS: u32 = 1259;
const DEFAULT: u32 = 2604;
const CONSTRAINT: u32 = 2606;
const NAMESPACE: u32 = 2615;

/// An object: its catalogue, its number, its column or 0.
type Object = (u32, u32, i16);

fn depends(push: Push<'_, '_>, what: Object, on: Object, kind: &'static str) {
    row!(push; what.0, what.1, i32::from(what.2), on.0, on.1, i32::from(on.2), kind);
}

fn dependencies<'a>(session: &dyn Session, _: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let picture = Picture::of(session);
    for collection in picture.collections() {
        let schema = picture.schema(&collection.schema);
        depends(push, (CLASS, collection.id.0, 0), (NAMESPACE, schema, 0), "n");
        columns(collection, push);
        definition::keys(collection).iter().for_each(|key| index(collection, key, push));
        for check in &collection.checks {
            let object = (CONSTRAINT, check.constraint.0, 0);
            let read = session.expression_columns(collection, &check.expression);
            for id in &read {
                let number = attribute_number(collection, *id);
                depends(push, object, (CLASS, collection.id.0, number), "a");
            }
            if read.is_empty() {
                depends(push, object, (CLASS, collection.id.0, 0), "a");
            }
        }
    }
    for sequence in picture.sequences() {
        let schema = picture.schema(&sequence.schema);
        depends(push, (CLASS, sequence.id.0, 0), (NAMESPACE, schema, 0), "n");
        let Some((owner, column)) = sequence.owner else { continue };
        let Some(collection) = picture.catalogue.collections.get(&owner) else { continue };
        let generator = collection.column_by_id(column).and_then(|c| c.generator.as_ref());
        let identity = matches!(
            generator,
            Some(Generator::IdentityAlways(_) | Generator::IdentityByDefault(_))
        );
        let number = attribute_number(collection, column);
        let kind = if identity { "i" } else { "a" };
        depends(push, (CLASS, sequence.id.0, 0), (CLASS, owner.0, number), kind);
    }
    Ok(())
}

/// Defaults hang on their columns, and on the sequence that they take values of.
fn columns(collection: &Collection, push: Push<'_, '_>) {
    for one in attributes(collection).iter().filter(|one| one.has_default()) {
        let object = (DEFAULT, default_number(collection, one.number), 0);
        let kind = if one.generated() == "s" { "i" } else { "a" };
        depends(push, object, (CLASS, collection.id.0, one.number), kind);
        if let Some(Generator::Serial(sequence)) = one.column.and_then(|c| c.generator.as_ref()) {
            depends(push, object, (CLASS, sequence.0, 0), "n");
        }
    }
}

/// A constraint's index is part of it, and it hangs on its columns; another index hangs on its
/// columns itself.
fn index(collection: &Collection, key: &Key<'_>, push: Push<'_, '_>) {
    let index = (CLASS, key.number, 0);
    let object = match key.constraint {
        Some(number) => {
            depends(push, index, (CONSTRAINT, number, 0), "i");
            (CONSTRAINT, number, 0)
        }
        None => index,
    };
    let mut any = false;
    for element in key.elements.iter() {
        if let ElementSource::Column(id) = element.source {
            let number = attribute_number(collection, id);
            depends(push, object, (CLASS, collection.id.0, number), "a");
            any = true;
        }
    }
    if !any {
        depends(push, object, (CLASS, collection.id.0, 0), "a");
    }
}
