//! Subqueries that only say whether a row counts, as joins: `x IN (subquery)` without outer columns
//! in the subquery, and EXISTS with them in its WHERE where no index finds the inner rows.
//!
//! The binder makes an Apply that adds a boolean column and a filter that asks for it. Where the
//! filter asks for nothing but its truth, and the subquery is the same for every row, the rows with
//! a match are a semi-join, which can hash. NOT IN stays: with a NULL in the subquery it is never
//! true, which no join says.

use super::{all_of, as_column, columns_of, filtered, moved, split};
use crate::expression::{Constant, Expression, Node as Expr};
use crate::plan::{Access, Apply, ApplyKind, Join, JoinKind, JoinMethod, Node, NodeKind, Scan};
use crate::{Datum, Type};

/// Rewrites a tree.
pub(super) fn semi(node: Node) -> Node {
    let node = node.map_children(&mut semi);
    let Node { kind, types, rows } = node;
    match kind {
        NodeKind::Filter { input, predicate } => match input.kind {
            NodeKind::Apply(apply) if fits(&apply) => rewritten(*apply, predicate, types),
            _ => Node { kind: NodeKind::Filter { input, predicate }, types, rows },
        },
        kind => Node { kind, types, rows },
    }
}

fn fits(apply: &Apply) -> bool {
    apply.parameters.is_empty()
        && matches!(&apply.kind, ApplyKind::Quantified { all: false, left, .. }
            if left.iter().all(super::is_movable))
}

fn rewritten(apply: Apply, predicate: Expression, types: Vec<Type>) -> Node {
    let width = apply.input.width();
    let flag = width as u32;
    let parts = split(predicate);
    let asks = parts.iter().filter(|part| as_column(part) == Some(flag)).count();
    let reads = parts.iter().filter(|part| part.columns().contains(&flag)).count();
    if asks == 0 || asks != reads {
        let node = Node::new(NodeKind::Apply(Box::new(apply)), types);
        return filtered(node, parts);
    }
    let rest: Vec<Expression> =
        parts.into_iter().filter(|part| as_column(part) != Some(flag)).collect();
    let Apply { input, inner, kind, .. } = apply;
    let ApplyKind::Quantified { left, operators, .. } = kind else {
        return Node::new(NodeKind::Empty, types);
    };
    let right = columns_of(&inner.types).into_iter().map(|column| moved(column, width as i64));
    let pairs = left.into_iter().zip(right).zip(operators);
    let condition = pairs.map(|((left, right), operator)| {
        let arguments = vec![left, right];
        Expression::new(Expr::Call { function: operator, arguments }, Type::BOOL)
    });
    let condition = all_of(condition.collect());
    joined(JoinKind::Semi, (input, inner), condition, rest, types)
}

/// The join, under what else the filter asks, under a projection that puts the flag back.
fn joined(
    kind: JoinKind,
    (left, right): (Node, Node),
    condition: Option<Expression>,
    rest: Vec<Expression>,
    types: Vec<Type>,
) -> Node {
    let outer_types = left.types.clone();
    let join = Join { kind, method: JoinMethod::Loop, left, right, condition };
    let join = Node::new(NodeKind::Join(Box::new(join)), outer_types.clone());
    // Above, the flag's position still counts.
    let mut expressions = columns_of(&outer_types);
    let truth = Constant::new(&Datum::Bool(kind == JoinKind::Semi));
    expressions.push(match truth {
        Ok(truth) => Expression::constant(truth, Type::BOOL),
        Err(_) => Expression::null(Type::BOOL),
    });
    let node = filtered(join, rest);
    Node::new(NodeKind::Project { input: Box::new(node), expressions }, types)
}

/// Rewrites EXISTS and NOT EXISTS of a tree whose accesses are chosen; `base` is the first applied
/// parameter's number.
pub(super) fn exists(node: Node, base: u32) -> Node {
    let node = node.map_children(&mut |child| exists(child, base));
    let Node { kind, types, rows } = node;
    match kind {
        NodeKind::Filter { input, predicate } => match input.kind {
            NodeKind::Apply(apply) => match correlated(&apply, &predicate, base) {
                Some(found) => found.rewritten(*apply, predicate, types),
                None => {
                    let node = Node::new(NodeKind::Apply(apply), input.types);
                    filtered(node, split(predicate))
                }
            },
            _ => Node { kind: NodeKind::Filter { input, predicate }, types, rows },
        },
        kind => Node { kind, types, rows },
    }
}

/// An EXISTS that can be a join.
struct Correlated {
    kind: JoinKind,
    right: Node,
    condition: Vec<Expression>,
}

fn correlated(apply: &Apply, predicate: &Expression, base: u32) -> Option<Correlated> {
    if !matches!(apply.kind, ApplyKind::Exists) || apply.parameters.is_empty() {
        return None;
    }
    let flag = apply.input.width() as u32;
    let asking: Vec<&Expression> = super::conjuncts(predicate)
        .into_iter()
        .filter(|part| part.columns().contains(&flag))
        .collect();
    let kind = match asking.as_slice() {
        [only] => match &only.node {
            Expr::Column(_) => JoinKind::Semi,
            Expr::Not(inner) if as_column(inner).is_some() => JoinKind::Anti,
            _ => return None,
        },
        _ => return None,
    };
    let (scan, types) = bare_scan(&apply.inner)?;
    let outer = |at: u32| {
        let slot = at.checked_sub(base)?;
        apply.parameters.iter().find(|(known, _)| *known == slot).map(|(_, value)| value)
    };
    let reads_outer = |part: &Expression| part.parameters().iter().any(|at| outer(*at).is_some());
    let parts = scan.filter.clone().map(split).unwrap_or_default();
    let (linking, own): (Vec<_>, Vec<_>) = parts.into_iter().partition(reads_outer);
    if !linking.iter().any(super::is_equality) || !linking.iter().all(super::is_movable) {
        return None;
    }
    let condition = linking
        .into_iter()
        .map(|part| {
            moved(part, flag.into()).map(&mut |part| match part.node {
                Expr::Parameter(at) => outer(at).cloned().unwrap_or(part),
                _ => part,
            })
        })
        .collect();
    let mut scan = scan.clone();
    scan.filter = all_of(own);
    let right = Node::new(NodeKind::Scan(Box::new(scan)), types.to_vec());
    Some(Correlated { kind, right, condition })
}

/// The whole scan that a subquery is, projections aside: which columns it gives does not matter to
/// EXISTS.
fn bare_scan(node: &Node) -> Option<(&Scan, &[Type])> {
    match &node.kind {
        NodeKind::Scan(scan) if matches!(scan.access, Access::Full) => Some((scan, &node.types)),
        NodeKind::Project { input, expressions } if expressions.iter().all(super::is_movable) => {
            bare_scan(input)
        }
        _ => None,
    }
}

impl Correlated {
    fn rewritten(self, apply: Apply, predicate: Expression, types: Vec<Type>) -> Node {
        let flag = apply.input.width() as u32;
        let rest =
            split(predicate).into_iter().filter(|part| !part.columns().contains(&flag)).collect();
        joined(self.kind, (apply.input, self.right), all_of(self.condition), rest, types)
    }
}
