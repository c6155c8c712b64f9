//! Predicates over documents: And, Or and Not over two kinds of leaf.
//!
//! SQL asks about columns and answers true, false or unknown. MongoDB's filters, and the library's,
//! ask about paths into documents: a path may lead to nothing, to one value, or through arrays to
//! many, and the answer is true or false. One plan carries both, so a filter beside a WHERE is one
//! predicate:
//!
//! ```text
//!            And
//!          ┌──┴───────────────┐
//!   Sql(age > $1)      Not ── Match { path: tags.0, test: = "x" }
//!   three-valued              two-valued, path_values of the document
//!
//!   predicate ─ into_expression ─► a boolean expression over a row with `_doc`
//!             └ bounds ──────────► terms and ranges, weaker: what keys and indexes are asked for
//! ```
//!
//! **Invariants**
//! - A `Match` is never unknown, and depends on the document alone.
//! - Whatever satisfies a predicate satisfies its [`bounds`] (property test); the predicate itself
//!   always verifies.
//! - Nothing is decoded that is not compared: matching walks the stored bytes.
//!
//! Rejected: filters as SQL expressions over jsonb (`_doc->'a' = …`): SQL's jsonb neither walks
//! arrays nor brackets types, and each filter would need a subquery for each array on its way.

mod bounds;
mod columns;
mod order;
mod path;
mod regular;
mod test;

use std::fmt;
use std::sync::Arc;

use value::json::{Style, value_to_string};
use value::{Document, Raw, Value};

pub use bounds::{Formula, bounds};
pub use columns::implied;
pub use order::Order;
pub(crate) use order::TABLE as ORDERS;
pub use path::Path;
pub use regular::Pattern;
pub use test::{Divisor, Kinds, Literal, Test};

use crate::expression::{Expression, Node};
use crate::{Error, Result, Type};

/// A condition on a document and the row that it is of.
#[derive(Debug, Clone)]
pub enum Predicate {
    /// All of them; of none it is true.
    And(Vec<Predicate>),
    /// One of them; of none it is false.
    Or(Vec<Predicate>),
    /// Not it.
    Not(Box<Predicate>),
    /// A boolean expression over the row, three-valued.
    Sql(Expression),
    /// A test of what is at a path, two-valued.
    Match(Leaf),
}

/// A leaf of the second kind: what is at `path` passes `test`.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// Where.
    pub path: Path,
    /// What.
    pub test: Test,
}

impl Predicate {
    /// A leaf of the second kind.
    pub fn matching(path: Path, test: Test) -> Predicate {
        Predicate::Match(Leaf { path, test })
    }

    /// The opposite.
    #[must_use]
    pub fn negated(self) -> Predicate {
        Predicate::Not(Box::new(self))
    }

    /// Whether a document satisfies it.
    ///
    /// # Errors
    /// Damaged bytes; a leaf of the first kind, which needs a row.
    pub fn matches(&self, document: Raw<'_>) -> Result<bool> {
        match self {
            Predicate::And(parts) => all(parts, |part| part.matches(document)),
            Predicate::Or(parts) => any(parts, |part| part.matches(document)),
            Predicate::Not(inner) => Ok(!inner.matches(document)?),
            Predicate::Match(leaf) => leaf.matches(document),
            Predicate::Sql(_) => Err(Error::internal("an expression was asked without its row")),
        }
    }

    /// As an expression over a row in which `document` is the document.
    pub fn into_expression(self, document: &Expression) -> Expression {
        let all = |parts: Vec<Predicate>| -> Vec<Expression> {
            parts.into_iter().map(|part| part.into_expression(document)).collect()
        };
        let node = match self {
            Predicate::Sql(expression) => return expression,
            Predicate::Not(inner) => Node::Not(Box::new(inner.into_expression(document))),
            Predicate::Match(leaf) => {
                Node::Match { document: Box::new(document.clone()), leaf: Arc::new(leaf) }
            }
            Predicate::And(parts) => match parts.len() {
                1 => return all(parts).remove(0),
                0 => Node::Constant(crate::expression::Constant::bool(true)),
                _ => Node::And(all(parts)),
            },
            Predicate::Or(parts) => match parts.len() {
                1 => return all(parts).remove(0),
                0 => Node::Constant(crate::expression::Constant::bool(false)),
                _ => Node::Or(all(parts)),
            },
        };
        Expression::new(node, Type::BOOL)
    }

    /// As a filter document says it.
    fn shown(&self) -> Document {
        let list = |parts: &[Predicate]| {
            Value::Array(parts.iter().map(|part| Value::Document(part.shown())).collect())
        };
        let (name, value) = match self {
            Predicate::And(parts) => ("$and", list(parts)),
            Predicate::Or(parts) => ("$or", list(parts)),
            Predicate::Not(inner) => ("$nor", list(std::slice::from_ref(inner))),
            Predicate::Sql(_) => ("$expr", Value::from("SQL")),
            Predicate::Match(leaf) => return leaf.shown(),
        };
        [(name, value)].into_iter().collect()
    }
}

impl Leaf {
    /// Whether what is at the path passes the test.
    ///
    /// # Errors
    /// Damaged bytes.
    pub fn matches(&self, document: Raw<'_>) -> Result<bool> {
        self.test.holds(test::Set::At(document, &self.path))
    }

    fn shown(&self) -> Document {
        [(self.path.to_string(), Value::Document(self.test.shown()))].into_iter().collect()
    }
}

/// Shown as the filter that it is: `{"age": {"$gte": 18}}`.
impl fmt::Display for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&json(self.shown()))
    }
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&json(self.shown()))
    }
}

fn json(document: Document) -> String {
    value_to_string(&Value::Document(document), Style::SPACED)
}

/// Whether all hold, asking no more than is needed.
fn all<T>(list: &[T], holds: impl Fn(&T) -> Result<bool>) -> Result<bool> {
    for one in list {
        if !holds(one)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether one holds, asking no more than is needed.
fn any<T>(list: &[T], holds: impl Fn(&T) -> Result<bool>) -> Result<bool> {
    for one in list {
        if holds(one)? {
            return Ok(true);
        }
    }
    Ok(false)
}
