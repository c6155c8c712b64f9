//! Constant folding, and what follows from a predicate that is constant.

use super::{filtered, split};
use crate::expression::{Context, Expression, Session};
use crate::plan::{JoinKind, Node, NodeKind};

/// Folds every expression of a tree.
pub(super) fn fold(node: Node, session: &dyn Session) -> Node {
    let mut node = node.map_children(&mut |child| fold(child, session));
    let context = Context { parameters: &[], session };
    for expression in node.expressions_mut() {
        let taken = std::mem::replace(expression, Expression::null(expression.ty));
        *expression = taken.fold(&context);
    }
    simplified(node)
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
