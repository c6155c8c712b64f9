//! How many rows each node gives, guessed.
//!
//! Row counts of collections are exact (the committer keeps them); what a predicate leaves is a
//! fixed share by its kind, as PostgreSQL guesses where it has no statistics of values.

use std::collections::HashMap;

use model::{Collection, CollectionId};

use super::{access, conjuncts};
use crate::expression::{Expression, Node as Expr};
use crate::plan::{Access, ApplyKind, JoinKind, JoinMethod, Node, NodeKind, SetOperation};

/// Row counts of collections.
#[derive(Debug, Clone, Default)]
pub struct Statistics {
    rows: HashMap<CollectionId, f64>,
}

impl Statistics {
    /// From counts.
    pub fn new(rows: HashMap<CollectionId, f64>) -> Self {
        Statistics { rows }
    }

    /// The rows of a collection; 1 000 where nothing is known.
    pub fn rows(&self, collection: &Collection) -> f64 {
        self.rows.get(&collection.id).copied().unwrap_or(super::ROWS_MIN)
    }
}

/// The share of rows for which one conjunct holds.
fn share(part: &Expression) -> f64 {
    match &part.node {
        Expr::Call { function, .. } => match function.name {
            "=" => 0.005,
            "<>" => 0.995,
            "<" | "<=" | ">" | ">=" => 1.0 / 3.0,
            "~~" | "~~*" => 0.05,
            _ => 0.5,
        },
        Expr::IsNull { negated, .. } => {
            if *negated {
                0.99
            } else {
                0.01
            }
        }
        Expr::InList { list, negated: false, .. } => (0.005 * list.len() as f64).min(0.5),
        Expr::AnyAll { all: false, .. } => 0.05,
        Expr::Or(parts) => parts.iter().map(share).sum::<f64>().min(1.0),
        Expr::And(parts) => parts.iter().map(share).product(),
        Expr::Not(inner) => 1.0 - share(inner),
        _ => 0.5,
    }
}

fn share_of(predicate: Option<&Expression>) -> f64 {
    predicate.map_or(1.0, |p| conjuncts(p).into_iter().map(share).product())
}

/// The rows that a node gives.
pub(super) fn rows(node: &Node, statistics: &Statistics) -> f64 {
    let of = |node: &Node| rows(node, statistics);
    let guess = match &node.kind {
        NodeKind::Single => 1.0,
        NodeKind::Empty => 0.0,
        NodeKind::Values(list) => list.len() as f64,
        NodeKind::Scan(scan) => {
            let all = statistics.rows(&scan.collection);
            let by_filter = all * share_of(scan.filter.as_ref());
            match &scan.access {
                Access::Full => by_filter,
                Access::Index { .. } => {
                    access::best(scan, all.max(1.0)).map_or(by_filter, |best| best.rows.min(all))
                }
            }
        }
        NodeKind::System(_) => 100.0,
        NodeKind::Function { .. } => 1000.0,
        NodeKind::ProjectSet { input, .. } => of(input) * 10.0,
        NodeKind::Filter { input, predicate } => of(input) * share_of(Some(predicate)),
        NodeKind::Project { input, .. }
        | NodeKind::Sort { input, top: None, .. }
        | NodeKind::LockRows { input, .. } => of(input),
        NodeKind::Sort { input, top: Some(top), .. } => of(input).min(constant(Some(top))),
        NodeKind::Join(join) => {
            let (left, right) = (of(&join.left), of(&join.right));
            let pairs = match &join.method {
                // An equality between two tables is usually a key of one of them.
                _ if equates(join.condition.as_ref()) => left.max(right),
                JoinMethod::Hash { .. } => left.max(right),
                JoinMethod::Loop => left * right * share_of(join.condition.as_ref()),
            };
            match join.kind {
                JoinKind::Inner => pairs,
                JoinKind::Left => pairs.max(left),
                JoinKind::Semi | JoinKind::Anti => left * 0.5,
            }
        }
        NodeKind::Apply(apply) => {
            let outer = of(&apply.input);
            match &apply.kind {
                ApplyKind::Cross(condition) => {
                    outer * of(&apply.inner).max(1.0) * share_of(condition.as_ref())
                }
                ApplyKind::Left(_) => outer * of(&apply.inner).max(1.0),
                _ => outer,
            }
        }
        NodeKind::Aggregate { input, groups, .. } => match groups.len() {
            0 => 1.0,
            _ => (of(input) * 0.1).max(of(input).min(200.0)),
        },
        NodeKind::Distinct { input, .. } => (of(input) * 0.1).max(of(input).min(200.0)),
        NodeKind::Limit { input, limit, .. } => of(input).min(constant(limit.as_ref())),
        NodeKind::SetOperation { operation, inputs, .. } => match operation {
            SetOperation::Union => of(&inputs.0) + of(&inputs.1),
            SetOperation::Intersect => of(&inputs.0).min(of(&inputs.1)),
            SetOperation::Except => of(&inputs.0),
        },
    };
    guess.max(0.0)
}

fn equates(condition: Option<&Expression>) -> bool {
    condition.is_some_and(|condition| conjuncts(condition).into_iter().any(super::is_equality))
}

/// The value of a LIMIT, where it is known.
fn constant(limit: Option<&Expression>) -> f64 {
    match limit.map(|limit| (limit, limit.as_constant())) {
        None => f64::INFINITY,
        Some((_, Some(constant))) => match constant.as_datum() {
            crate::Datum::Int(rows) => rows.max(0) as f64,
            _ => f64::INFINITY,
        },
        // A parameter: somebody wants a page.
        Some((_, None)) => 100.0,
    }
}

/// Writes the guess into every node.
pub(super) fn fill(node: &mut Node, statistics: &Statistics) {
    node.children_mut().into_iter().for_each(|child| fill(child, statistics));
    node.rows = rows(node, statistics);
}
