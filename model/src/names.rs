//! Names: which are reserved, how a collection's name splits, which database a client means.
//!
//! The four clients name things differently, and each must reach every table (MAPPING: Names and
//! collation):
//!
//! ```text
//!   PostgreSQL   database "shop"   schema "public"  table "users"
//!   MySQL        database  shop                     table  users
//!   MongoDB      db "shop"         collection "users"         = public.users
//!                                  collection "audit.log.old" = schema audit, table log.old
//! ```
//!
//! **Invariants**
//! - A table of `public` has no dot in its name, so that a dotted name always means another schema.
//! - Names are exact here; folding of case is done by the binder of each language.
//!
//! Rejected: quoting of dots in MongoDB's names. Drivers send collection names verbatim.

use std::sync::Arc;

use crate::error::{Error, ObjectKind, Result};
use crate::schema::{Catalogue, Database};

/// The schema that every database has.
pub const PUBLIC: &str = "public";
/// pg_namespace.oid of `public`, as in PostgreSQL.
pub const PUBLIC_NUMBER: u32 = 2200;
/// The database that exists from the first opening.
pub const MAIN: &str = "main";
/// Bytes of a name (PostgreSQL cuts at 63; here longer names are refused).
pub const NAME_BYTES_MAX: usize = 255;

const RESERVED_DATABASES: [&str; 9] = [
    "admin",
    "local",
    "config",
    "template0",
    "template1",
    "information_schema",
    "mysql",
    "performance_schema",
    "sys",
];

/// Schema and table of a collection's name as MongoDB writes it.
pub fn split(name: &str) -> (&str, &str) {
    match name.split_once('.') {
        Some((schema, table)) if !schema.is_empty() && !table.is_empty() => (schema, table),
        _ => (PUBLIC, name),
    }
}

/// A collection's name as MongoDB writes it.
pub fn join(schema: &str, table: &str) -> String {
    if schema == PUBLIC { table.to_owned() } else { format!("{schema}.{table}") }
}

/// Refuses what no database may be called.
pub fn check_database(name: &str) -> Result<()> {
    check(ObjectKind::Database, name)?;
    if RESERVED_DATABASES.contains(&name) || name.contains(['.', '/', '\\', '\0', '$', '"', ' ']) {
        return Err(Error::Reserved { what: ObjectKind::Database, name: name.to_owned() });
    }
    Ok(())
}

/// Refuses what no schema may be called. `public` exists already and is refused as a duplicate
/// elsewhere.
pub fn check_schema(name: &str) -> Result<()> {
    check(ObjectKind::Schema, name)?;
    if name.starts_with("pg_") || name == "information_schema" || name.contains('.') {
        return Err(Error::Reserved { what: ObjectKind::Schema, name: name.to_owned() });
    }
    Ok(())
}

/// Refuses what nothing in a schema may be called.
pub fn check_relation(schema: &str, name: &str) -> Result<()> {
    check(ObjectKind::Relation, name)?;
    if schema == PUBLIC && name.contains('.') {
        return Err(Error::Reserved { what: ObjectKind::Relation, name: name.to_owned() });
    }
    Ok(())
}

/// Refuses an empty, overlong or NUL-holding name.
pub fn check(what: ObjectKind, name: &str) -> Result<()> {
    if name.is_empty() || name.contains('\0') {
        return Err(Error::Reserved { what, name: name.to_owned() });
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(Error::Limit { what: "name", limit: NAME_BYTES_MAX });
    }
    Ok(())
}

impl Catalogue {
    /// The database that a client means: the one of that name, or `main` for a name that
    /// PostgreSQL's client took from its user, and for `postgres`.
    pub fn database_for(&self, name: &str, user: Option<&str>) -> Option<&Arc<Database>> {
        self.database(name).or_else(|| {
            let means_main = name == "postgres" || user == Some(name);
            self.database(MAIN).filter(|_| means_main)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_splits_at_its_first_dot() {
        assert_eq!(split("users"), ("public", "users"));
        assert_eq!(split("a.b.c"), ("a", "b.c"));
        assert_eq!(split(".x"), ("public", ".x"));
        assert_eq!(join("public", "users"), "users");
        assert_eq!(join("a", "b.c"), "a.b.c");
    }

    #[test]
    fn reserved_names_are_refused() {
        assert!(check_database("admin").is_err());
        assert!(check_database("shop").is_ok());
        assert!(check_schema("pg_x").is_err());
        assert!(check_relation("public", "a.b").is_err());
        assert!(check_relation("audit", "a.b").is_ok());
    }
}
