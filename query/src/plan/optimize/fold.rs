//! Constant folding, and what follows from a predicate that is constant.

use super::{filtered, split};
use crate::expression::{Constant, Context, Expression, Node as Expr, Session};
use crate::function::NullRule;
use crate::plan::{JoinKind, Node, NodeKind};

/// Folds every expression of a tree.
pub(super) fn fold(node: Node, session: &dyn Session) -> Node {
    let mut node = node.map_children(&mut |child| fold(child, session));
    let context = Context { parameters: &[], session };
    for expression in node.expressions_mut() {
        let taken = std::mem::replace(expression, Expression::null(expression.ty));
        *expression = taken.fold(&context).map(&mut null_in);
    }
    simplified(node)
}

/// A strict call with a constant NULL is NULL, if computing its other arguments cannot matter.
fn null_in(part: Expression) -> Expression {
    let is_null = match &part.node {
        Expr::Call { function, arguments } => {
            function.nulls == NullRule::Strict
                && arguments.iter().any(|a| a.as_constant().is_some_and(|c| c.is_null()))
                && arguments.iter().all(|a| a.as_constant().is_some() || is_plain(a))
        }
        _ => false,
    };
    if is_null { Expression { node: Expr::Constant(Constant::null()), ..part } } else { part }
}

fn is_plain(argument: &Expression) -> bool {
    matches!(argument.node, Expr::Column(_) | Expr::Parameter(_))
}

/// Filters that are always true go; those that never are make their node empty.
fn simplified(node: Node) -> Node {
    let Node { kind, types, rows } = node;
    match kind {
        NodeKind::Filter { input, predicate } => {
            let mut parts = split(predicate);
            if parts.iter().any(never) {
                return Node::new(NodeKind::Empty, types);
            }
            parts.retain(|part| !always(part));
            if matches!(input.kind, NodeKind::Empty) {
                return Node::new(NodeKind::Empty, types);
            }
            filtered(*input, parts)
        }
        NodeKind::Join(join)
            if join.kind == JoinKind::Inner
                && [&join.left, &join.right].iter().any(|n| matches!(n.kind, NodeKind::Empty)) =>
        {
            Node::new(NodeKind::Empty, types)
        }
        NodeKind::Project { input, .. } | NodeKind::Sort { input, .. }
            if matches!(input.kind, NodeKind::Empty) =>
        {
            Node::new(NodeKind::Empty, types)
        }
        kind => Node { kind, types, rows },
    }
}

/// Whether a conjunct is true for every row.
fn always(part: &Expression) -> bool {
    part.as_constant().and_then(|constant| constant.as_bool()) == Some(true)
}

/// Whether a conjunct is false or NULL for every row.
fn never(part: &Expression) -> bool {
    part.as_constant().is_some_and(|c| c.is_null() || c.as_bool() == Some(false))
}
