//! What names mean inside one query: the relations of FROM and their columns.
//!
//! Invariant: a column's `position` is its place in the row of the node that the scope belongs to;
//! `shift` keeps that true when a node becomes the right side of a join.

use std::sync::Arc;

use model::{Collection, ColumnId};
use query::Type;

/// One column that a name may mean.
#[derive(Debug, Clone)]
pub struct ScopeColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Its modifier.
    pub modifier: i32,
    /// Its place in the row.
    pub position: u32,
    /// The declared column that it is.
    pub column: Option<ColumnId>,
    /// pg_attribute.attnum of it; 0 where it is no table's column.
    pub attribute: i16,
    /// Not part of `*`.
    pub hidden: bool,
    /// Merged into another by USING: found only when qualified.
    pub merged: bool,
}

/// One relation of FROM.
#[derive(Debug, Clone)]
pub struct Relation {
    /// The name that qualifies its columns.
    pub alias: String,
    /// Its schema, where it is a table without alias.
    pub schema: Option<String>,
    /// Its columns in order.
    pub columns: Vec<ScopeColumn>,
    /// The table that it is.
    pub table: Option<Arc<Collection>>,
    /// pg_class.oid, for the origin of answer columns.
    pub number: u32,
    /// Where its rows' key stands, if the scan yields it.
    pub key: Option<u32>,
    /// Whether it is a function of one column: its alias alone means that column's value.
    pub scalar: bool,
}

/// The relations of one query.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// In the order of FROM.
    pub relations: Vec<Relation>,
    /// Columns that `*` shows first: those of USING, in order, as (relation, column) indexes.
    pub using: Vec<(usize, usize)>,
}

/// What a name led to.
pub enum Found<'s> {
    /// One column.
    Column(&'s Relation, &'s ScopeColumn),
    /// None.
    Nothing,
    /// Several.
    Ambiguous,
}

impl Scope {
    /// Moves every position by the width of what now stands before.
    pub fn shift(&mut self, by: u32) {
        for relation in &mut self.relations {
            relation.key = relation.key.map(|key| key + by);
            relation.columns.iter_mut().for_each(|column| column.position += by);
        }
    }

    /// Appends another scope, already shifted.
    pub fn extend(&mut self, other: Scope) {
        let before = self.relations.len();
        self.relations.extend(other.relations);
        self.using
            .extend(other.using.into_iter().map(|(relation, column)| (relation + before, column)));
    }

    /// An unqualified column name.
    pub fn column(&self, name: &str) -> Found<'_> {
        let mut found = Found::Nothing;
        for relation in &self.relations {
            for column in relation.columns.iter().filter(|c| !c.merged && c.name == name) {
                if matches!(found, Found::Column(..)) {
                    return Found::Ambiguous;
                }
                found = Found::Column(relation, column);
            }
        }
        if matches!(found, Found::Nothing)
            && let Some(relation) = self.relation(None, name)
            && let (true, Some(column)) = (relation.scalar, relation.columns.first())
        {
            return Found::Column(relation, column);
        }
        found
    }

    /// The relation of a qualifier.
    pub fn relation(&self, schema: Option<&str>, name: &str) -> Option<&Relation> {
        self.relations.iter().find(|relation| {
            relation.alias == name && (schema.is_none() || relation.schema.as_deref() == schema)
        })
    }
}

impl Relation {
    /// A column of this relation.
    pub fn column(&self, name: &str) -> Found<'_> {
        let mut named = self.columns.iter().filter(|column| column.name == name);
        match (named.next(), named.next()) {
            (Some(column), None) => Found::Column(self, column),
            (None, _) => Found::Nothing,
            (Some(_), Some(_)) => Found::Ambiguous,
        }
    }

    /// What `*` shows of it.
    pub fn visible(&self) -> impl Iterator<Item = &ScopeColumn> {
        self.columns.iter().filter(|column| !column.hidden)
    }
}
