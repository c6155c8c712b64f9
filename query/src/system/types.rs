//! pg_type, pg_cast and pg_collation.
//!
//! Types are a fixed list (`model::types`), and so is what casts to what (`cast::CASTS`).
//! Comparison is by code point whatever the collation, so the collations are the three that mean
//! this.

use super::cell::{NULL, Push, row};
use super::functions::function_by_id;
use super::{PG_CATALOG, ROLE, facts};
use crate::cast::{CASTS, CastContext};
use crate::expression::Session;
use crate::{Arena, Result};

super::tables! {
    "pg_catalog";
    pg_type 1247 types {
        oid OID, typname NAME, typnamespace OID, typowner OID, typlen INT2, typbyval BOOL,
        typtype CHAR, typcategory CHAR, typispreferred BOOL, typisdefined BOOL, typdelim CHAR,
        typrelid OID, typsubscript REGPROC, typelem OID, typarray OID, typinput REGPROC,
        typoutput REGPROC, typreceive REGPROC, typsend REGPROC, typmodin REGPROC,
        typmodout REGPROC, typanalyze REGPROC, typalign CHAR, typstorage CHAR, typnotnull BOOL,
        typbasetype OID, typtypmod INT4, typndims INT4, typcollation OID,
        typdefaultbin PG_NODE_TREE, typdefault TEXT, typacl [ACLITEM]
    }
    pg_cast 2605 casts {
        oid OID, castsource OID, casttarget OID, castfunc OID, castcontext CHAR, castmethod CHAR
    }
    pg_collation 3456 collations {
        oid OID, collname NAME, collnamespace OID, collowner OID, collprovider CHAR,
        collisdeterministic BOOL, collencoding INT4, collcollate TEXT, collctype TEXT,
        colliculocale TEXT, collversion TEXT
    }
}

fn types<'a>(_: &dyn Session, _: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    for t in facts::TYPES.iter() {
        row!(push; t.number, t.name, PG_CATALOG, ROLE, t.length, t.by_value, t.kind, t.category,
            t.preferred, true, t.delimiter, 0, t.subscript, t.element, t.array, t.input, t.output,
            t.receive, t.send, t.modifier_in, t.modifier_out, 0, t.align, t.storage, false, 0, -1,
            0, t.collation, NULL, NULL, NULL);
    }
    Ok(())
}

/// Numbers of casts that PostgreSQL has not.
const OWN_CASTS: u32 = 8500;

/// The casts, each with its number and its function's.
pub(super) fn cast_functions() -> impl Iterator<Item = u32> {
    CASTS.iter().filter_map(|cast| {
        let known = facts::CASTS.get(&(cast.from.oid(), cast.to.oid()))?;
        Some(known.function)
    })
}

fn casts<'a>(_: &dyn Session, _: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    for (own, cast) in (OWN_CASTS..).zip(CASTS) {
        let (from, to) = (cast.from.oid(), cast.to.oid());
        let (number, function, method) = match facts::CASTS.get(&(from, to)) {
            Some(known) => (known.number, known.function, known.method),
            None => match cast.function.map_or(0, function_by_id) {
                0 => (own, 0, "b"),
                function => (own, function, "f"),
            },
        };
        let context = match cast.context {
            CastContext::Implicit => "i",
            CastContext::Assignment => "a",
            CastContext::Explicit => "e",
        };
        row!(push; number, from, to, function, context, method);
    }
    Ok(())
}

fn collations<'a>(_: &dyn Session, _: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let known = [
        (100, "default", "d", None),
        (950, "C", "c", Some("C")),
        (951, "POSIX", "c", Some("POSIX")),
    ];
    for (number, name, provider, locale) in known {
        row!(push; number, name, PG_CATALOG, ROLE, provider, true, -1, locale, locale, NULL, NULL);
    }
    Ok(())
}
