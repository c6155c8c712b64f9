//! INSERT, UPDATE and DELETE.

use super::{Expr, Ident, Position, Query, Relation, Subscript, TableRef, Target, With};

/// INSERT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Insert {
    /// WITH.
    pub with: Option<With>,
    /// Into what.
    pub table: super::ObjectName,
    /// `AS t`.
    pub alias: Option<Ident>,
    /// Its columns; empty if none were named.
    pub columns: Vec<Assignee>,
    /// OVERRIDING.
    pub overriding: Option<Overriding>,
    /// The rows; `None` is DEFAULT VALUES.
    pub source: Option<Box<Query>>,
    /// ON CONFLICT.
    pub on_conflict: Option<OnConflict>,
    /// RETURNING.
    pub returning: Vec<Target>,
    /// Where it begins.
    pub position: Position,
}

/// A column that is assigned to, perhaps only a part of it: `a`, `a.f`, `a[1]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignee {
    /// The column.
    pub column: Ident,
    /// The way to the part.
    pub path: Vec<PathStep>,
}

/// A step from a column to its part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathStep {
    /// `.f`.
    Field(Ident),
    /// `[1]`.
    Subscript(Subscript),
    /// `.*`.
    Star,
}

/// OVERRIDING.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overriding {
    /// OVERRIDING USER VALUE.
    User,
    /// OVERRIDING SYSTEM VALUE.
    System,
}

/// ON CONFLICT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnConflict {
    /// Which constraint; `None` is any.
    pub target: Option<ConflictTarget>,
    /// DO UPDATE; `None` is DO NOTHING.
    pub update: Option<ConflictUpdate>,
    /// Where it begins.
    pub position: Position,
}

/// What a conflict is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConflictTarget {
    /// A unique index over these elements.
    Elements {
        /// As in CREATE INDEX.
        elements: Vec<super::IndexElement>,
        /// WHERE, the predicate of a partial index.
        filter: Option<Box<Expr>>,
    },
    /// ON CONSTRAINT.
    Constraint(Ident),
}

/// DO UPDATE SET.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConflictUpdate {
    /// The assignments.
    pub set: Vec<Assignment>,
    /// WHERE.
    pub filter: Option<Expr>,
}

/// `a = b` or `(a, b) = …` after SET.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assignment {
    /// One column.
    Single {
        /// The column.
        to: Assignee,
        /// Its value; may be DEFAULT.
        value: Expr,
    },
    /// Several columns from a row or a query.
    Multiple {
        /// The columns.
        to: Vec<Assignee>,
        /// A row, a subquery, or anything of a row type.
        value: Expr,
    },
}

/// UPDATE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// WITH.
    pub with: Option<With>,
    /// What is updated.
    pub table: Relation,
    /// Its alias.
    pub alias: Option<Ident>,
    /// The assignments.
    pub set: Vec<Assignment>,
    /// FROM.
    pub from: Vec<TableRef>,
    /// WHERE; may be CURRENT OF.
    pub filter: Option<Expr>,
    /// RETURNING.
    pub returning: Vec<Target>,
    /// Where it begins.
    pub position: Position,
}

/// DELETE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delete {
    /// WITH.
    pub with: Option<With>,
    /// What is deleted from.
    pub table: Relation,
    /// Its alias.
    pub alias: Option<Ident>,
    /// USING.
    pub using: Vec<TableRef>,
    /// WHERE; may be CURRENT OF.
    pub filter: Option<Expr>,
    /// RETURNING.
    pub returning: Vec<Target>,
    /// Where it begins.
    pub position: Position,
}
