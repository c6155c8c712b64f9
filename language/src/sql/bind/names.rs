//! Looking up relations by name: the search path, the system schemas, and the errors of not finding
//! one.

use std::sync::Arc;

use model::Collection;
use query::system::SystemTable;
use query::{Error, ErrorKind, Result};

use super::{Binder, Environment};
use crate::sql::ast::ObjectName;

/// What a relation's name means.
pub enum Named {
    /// A collection.
    Collection(Arc<Collection>),
    /// A table of pg_catalog or information_schema.
    System(&'static SystemTable),
}

/// The schemas that hold system tables.
pub const SYSTEM_SCHEMAS: [&str; 2] = ["pg_catalog", "information_schema"];

/// Whether a schema holds system tables.
pub fn is_system_schema(name: &str) -> bool {
    SYSTEM_SCHEMAS.contains(&name)
}

impl Environment<'_> {
    /// The relation of a name as written; `None` if there is none.
    pub fn find(&self, name: &ObjectName) -> Result<Option<Named>> {
        let parts: Vec<&str> = name.parts.iter().map(|part| part.name.as_str()).collect();
        match parts.as_slice() {
            [relation] => Ok(self.search(relation)),
            [schema, relation] => Ok(self.in_schema(schema, relation)),
            [database, schema, relation] if *database == self.database_name => {
                Ok(self.in_schema(schema, relation))
            }
            [_, _, _] => {
                let message = format!(
                    "cross-database references are not implemented: \"{}\"",
                    parts.join(".")
                );
                Err(Error::new(ErrorKind::Unsupported, "0A000", message).at(name.position.0))
            }
            _ => {
                let message =
                    format!("improper qualified name (too many dotted names): {}", parts.join("."));
                Err(Error::new(ErrorKind::Syntax, "42601", message).at(name.position.0))
            }
        }
    }

    fn search(&self, name: &str) -> Option<Named> {
        let explicit = self.search_path.iter().any(|schema| schema == "pg_catalog");
        let first = if explicit { None } else { self.in_schema("pg_catalog", name) };
        first.or_else(|| self.search_path.iter().find_map(|schema| self.in_schema(schema, name)))
    }

    fn in_schema(&self, schema: &str, name: &str) -> Option<Named> {
        if SYSTEM_SCHEMAS.contains(&schema) {
            return query::system::table(schema, name).map(Named::System);
        }
        let found = self.catalogue.collection(self.database, schema, name)?;
        Some(Named::Collection(found.clone()))
    }

    /// Where a new relation of this name goes.
    pub fn creation_schema(&self, name: &ObjectName) -> Result<String> {
        if let Some(schema) = name.schema() {
            return Ok(schema.to_owned());
        }
        let ours =
            self.search_path.iter().find(|schema| !SYSTEM_SCHEMAS.contains(&schema.as_str()));
        ours.cloned().ok_or_else(|| {
            Error::new(ErrorKind::Name, "3F000", "no schema has been selected to create in")
                .at(name.position.0)
        })
    }
}

/// A name as PostgreSQL shows it in messages.
pub fn shown(name: &ObjectName) -> String {
    let parts: Vec<&str> = name.parts.iter().map(|part| part.name.as_str()).collect();
    parts.join(".")
}

/// 42P01, or 0A000 for a system table or view that PostgreSQL has.
pub fn no_relation(name: &ObjectName) -> Error {
    if query::function::is_relation_elsewhere(name.schema(), name.name()) {
        let what = format_args!("relation \"{}\"", shown(name));
        return Error::unsupported(what).at(name.position.0);
    }
    let message = format!("relation \"{}\" does not exist", shown(name));
    Error::new(ErrorKind::Name, "42P01", message).at(name.position.0)
}

impl Binder<'_> {
    /// The relation of a name, or 42P01.
    pub(super) fn relation(&mut self, name: &ObjectName) -> Result<Named> {
        let named = self.environment.find(name)?.ok_or_else(|| no_relation(name))?;
        if let Named::Collection(collection) = &named {
            self.used(collection);
        }
        Ok(named)
    }

    /// A collection that may be written, or why not.
    pub(super) fn target(&mut self, name: &ObjectName) -> Result<Arc<Collection>> {
        match self.relation(name)? {
            Named::Collection(collection) => Ok(collection),
            Named::System(table) => {
                let message = format!("permission denied: \"{}\" is a system catalog", table.name);
                Err(Error::new(ErrorKind::State, "42501", message).at(name.position.0))
            }
        }
    }
}
