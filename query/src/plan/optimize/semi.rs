//! `x IN (subquery)` without outer columns in the subquery, as a semi-join.
//!
//! The binder makes an Apply that adds a boolean column and a filter that asks for it. Where the filter asks for nothing but its
//! truth, and the subquery is the same for every row, the rows with a match are a semi-join, which can hash. NOT IN stays: with a
//! NULL in the subquery it is never true, which no join says.

use super::{all_of, as_column, columns_of, filtered, moved, split};
use crate::expression::{Constant, Expression, Node as Expr};
use crate::plan::{Apply, ApplyKind, Join, JoinKind, JoinMethod, Node, NodeKind};
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
    let outer_types = input.types.clone();
    let join = Join {
        kind: JoinKind::Semi,
        method: JoinMethod::Loop,
        left: input,
        right: inner,
        condition,
    };
    let join = Node::new(NodeKind::Join(Box::new(join)), outer_types.clone());
    // Above, the flag's position still counts.
    let mut expressions = columns_of(&outer_types);
    let truth = Constant::new(&Datum::Bool(true));
    expressions.push(match truth {
        Ok(truth) => Expression::constant(truth, Type::BOOL),
        Err(_) => Expression::null(Type::BOOL),
    });
    let node = filtered(join, rest);
    Node::new(NodeKind::Project { input: Box::new(node), expressions }, types)
}
