//! The catalogue as one session sees it, laid out as PostgreSQL's tables want it.
//!
//! Attribute numbers: a declared column's id is its attnum. The fields that a collection's
//! dictionary knows stand after the declared columns in the order of their names; `_id` of
//! documents, which has no number of its own, stands before them. Hidden columns are system columns
//! with negative numbers, beside PostgreSQL's own.
//!
//! ```text
//!   table      a 1   b 2   (3 was dropped)   c 4         tableoid -6   _id -7   _doc -8
//!   documents  _id 1   age 2   name 3                    tableoid -6            _doc -8
//! ```
//!
//! The numbers of fields are those of one picture: a new field moves those after it. Nothing stores
//! them.

use std::sync::Arc;

use model::{
    Catalogue, Collection, CollectionKind, Column, ColumnId, Database, DatabaseId, Generator,
    Sequence,
};

use super::{INFORMATION_SCHEMA, PG_CATALOG};
use crate::Type;
use crate::expression::Session;

/// attnum of the hidden `_id`.
pub(super) const HIDDEN_ID: i16 = -7;
/// attnum of `_doc`.
pub(super) const DOCUMENT: i16 = -8;

/// One catalogue and the database that is looked at.
pub(super) struct Picture {
    pub catalogue: Arc<Catalogue>,
    pub database: DatabaseId,
}

impl Picture {
    pub fn of(session: &dyn Session) -> Picture {
        Picture { catalogue: session.catalogue(), database: session.database_id() }
    }

    fn database_record(&self) -> Option<&Arc<Database>> {
        self.catalogue.database_by_id(self.database)
    }

    /// The schemas with their numbers, ours in name order after PostgreSQL's own.
    pub fn schemas(&self) -> Vec<(u32, &str)> {
        let mut all = vec![
            (PG_CATALOG, "pg_catalog"),
            (INFORMATION_SCHEMA, "information_schema"),
            (model::names::PUBLIC_NUMBER, model::names::PUBLIC),
        ];
        let made = self.database_record().into_iter().flat_map(|database| database.schemas.iter());
        all.extend(made.map(|(name, number)| (number.0, name.as_str())));
        all
    }

    /// pg_namespace.oid of a schema.
    pub fn schema(&self, name: &str) -> u32 {
        super::schema_number(&self.catalogue, self.database, name).unwrap_or(0)
    }

    /// The collections of the database.
    pub fn collections(&self) -> impl Iterator<Item = &Arc<Collection>> {
        self.catalogue.collections_of(self.database)
    }

    /// The sequences of the database.
    pub fn sequences(&self) -> impl Iterator<Item = &Arc<Sequence>> {
        self.catalogue.sequences.values().filter(|sequence| sequence.database == self.database)
    }
}

/// A column as pg_attribute has it.
pub(super) struct Attribute<'c> {
    pub number: i16,
    pub name: &'c str,
    pub ty: Type,
    pub modifier: i32,
    pub not_null: bool,
    /// The declared column, where it is one.
    pub column: Option<&'c Column>,
}

impl<'c> Attribute<'c> {
    fn declared(collection: &Collection, column: &'c Column) -> Self {
        Attribute {
            number: attribute_number(collection, column.id),
            name: &column.name,
            ty: collection.shown_type(column),
            modifier: column.modifier,
            not_null: column.not_null || collection.key_position(column.id).is_some(),
            column: Some(column),
        }
    }

    fn field(number: i16, name: &'c str, ty: Type) -> Self {
        Attribute { number, name, ty, modifier: -1, not_null: false, column: None }
    }

    fn generator(&self) -> Option<&'c Generator> {
        self.column.and_then(|column| column.generator.as_ref())
    }

    /// pg_attribute.attidentity.
    pub fn identity(&self) -> &'static str {
        match self.generator() {
            Some(Generator::IdentityAlways(_)) => "a",
            Some(Generator::IdentityByDefault(_)) => "d",
            _ => "",
        }
    }

    /// The sequence of an identity column.
    pub fn identity_sequence(&self) -> Option<model::ObjectNumber> {
        match self.generator() {
            Some(Generator::IdentityAlways(n) | Generator::IdentityByDefault(n)) => Some(*n),
            _ => None,
        }
    }

    /// pg_attribute.attgenerated.
    pub fn generated(&self) -> &'static str {
        if matches!(self.generator(), Some(Generator::Stored(_))) { "s" } else { "" }
    }

    /// Whether pg_attrdef has a row for it.
    pub fn has_default(&self) -> bool {
        use Generator::{Default, Serial, Stored};
        matches!(self.generator(), Some(Default(_) | Serial(_) | Stored(_)))
    }
}

/// attnum of a declared column.
pub(super) fn attribute_number(collection: &Collection, id: ColumnId) -> i16 {
    let hidden = || collection.column_by_id(id).is_none_or(|column| column.hidden);
    match id {
        ColumnId::SYSTEM_ID if hidden() => HIDDEN_ID,
        ColumnId::SYSTEM_ID => small(collection.next_column),
        id => small(id.0),
    }
}

fn small(n: u32) -> i16 {
    i16::try_from(n).unwrap_or(i16::MAX)
}

/// The columns that `SELECT *` shows, in the order of their numbers.
pub(super) fn attributes(collection: &Collection) -> Vec<Attribute<'_>> {
    let shown = collection.columns.iter().filter(|column| !column.hidden);
    let mut all: Vec<_> = shown.map(|column| Attribute::declared(collection, column)).collect();
    all.sort_by_key(|attribute| attribute.number);
    let next = all.last().map_or(0, |last| last.number).max(small(collection.next_column) - 1) + 1;
    let fields = fields(collection).zip(next..);
    all.extend(fields.map(|((name, ty), number)| Attribute::field(number, name, ty)));
    all
}

/// The dictionary's fields that SQL sees.
fn fields(collection: &Collection) -> impl Iterator<Item = (&str, Type)> {
    let documents = collection.kind == CollectionKind::Documents;
    let fields = collection.fields.iter().filter(move |_| documents);
    let undeclared = fields.filter(|(name, _)| collection.column(name).is_none());
    undeclared.map(|(name, seen)| (name.as_str(), seen.sql_type()))
}

/// System columns that can be asked for by name.
pub(super) fn system_attributes(collection: &Collection) -> Vec<Attribute<'_>> {
    let mut all = vec![Attribute { not_null: true, ..Attribute::field(-6, "tableoid", Type::OID) }];
    let hidden = collection.columns.iter().filter(|column| column.hidden);
    all.extend(hidden.map(|column| Attribute::declared(collection, column)));
    if collection.column("_doc").is_none() {
        all.push(Attribute::field(DOCUMENT, "_doc", Type::JSONB));
    }
    all
}
