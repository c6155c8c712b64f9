//! Filters go down to where their columns come from.
//!
//! ```text
//!   Filter(p ∧ q, Join(A, B))   ─►   Join(Filter(p, A), Filter(q, B))
//! ```
//!
//! What each node lets through is the whole content: a projection, its columns replaced by their
//! expressions; an inner join, each side its own; a left join, the left side's, and the right
//! side's only from its ON (a filter above that refuses the padded row makes it an inner join
//! first); a grouping, predicates over its keys; nothing passes a limit.

use super::{all_of, filtered, is_movable, moved, reads_only, split};
use crate::expression::{Expression, Node as Expr};
use crate::function::NullRule;
use crate::plan::{Apply, ApplyKind, Join, JoinKind, Node, NodeKind};

/// Pushes a node's filters down, and these above it.
pub(super) fn push(node: Node, parts: Vec<Expression>) -> Node {
    let (parts, fixed): (Vec<_>, Vec<_>) = parts.into_iter().partition(is_movable);
    let Node { kind, types, rows } = node;
    let node = match kind {
        NodeKind::Filter { input, predicate } => {
            // The filter's own conjuncts come first: they were written to guard those above.
            let mut all = split(predicate);
            all.extend(parts);
            push(*input, all)
        }
        NodeKind::Scan(mut scan) => {
            let mut all: Vec<Expression> = scan.filter.take().map(split).unwrap_or_default();
            all.extend(parts);
            scan.filter = all_of(all);
            Node { kind: NodeKind::Scan(scan), types, rows }
        }
        NodeKind::Project { input, expressions } => project(*input, expressions, parts, types),
        NodeKind::Join(join) => self::join(*join, parts, types),
        NodeKind::Apply(apply) => self::apply(*apply, parts, types),
        NodeKind::Aggregate { input, groups, aggregates } => {
            let keys = groups.len() as u32;
            let below = |part: &Expression| keys > 0 && reads_only(part, 0..keys);
            let (down, up): (Vec<_>, Vec<_>) = parts.into_iter().partition(below);
            let down = down.into_iter().map(|part| substitute(part, &groups)).collect();
            let input = Box::new(push(*input, down));
            filtered(
                Node { kind: NodeKind::Aggregate { input, groups, aggregates }, types, rows },
                up,
            )
        }
        NodeKind::ProjectSet { input, calls } => {
            let width = input.width() as u32;
            let below = |part: &Expression| reads_only(part, 0..width);
            let (down, up): (Vec<_>, Vec<_>) = parts.into_iter().partition(below);
            let input = Box::new(push(*input, down));
            filtered(Node { kind: NodeKind::ProjectSet { input, calls }, types, rows }, up)
        }
        NodeKind::Distinct { input, on: None } => {
            let input = Box::new(push(*input, parts));
            Node { kind: NodeKind::Distinct { input, on: None }, types, rows }
        }
        NodeKind::Sort { input, keys, top: None } => {
            let input = Box::new(push(*input, parts));
            Node { kind: NodeKind::Sort { input, keys, top: None }, types, rows }
        }
        NodeKind::SetOperation { operation, all, inputs } => {
            let (left, right) = *inputs;
            let inputs = Box::new((push(left, parts.clone()), push(right, parts)));
            Node { kind: NodeKind::SetOperation { operation, all, inputs }, types, rows }
        }
        kind => {
            let node = Node { kind, types, rows };
            filtered(node.map_children(&mut |child| push(child, Vec::new())), parts)
        }
    };
    filtered(node, fixed)
}

fn project(
    input: Node,
    expressions: Vec<Expression>,
    parts: Vec<Expression>,
    types: Vec<crate::Type>,
) -> Node {
    let below = |part: &Expression| {
        part.columns().iter().all(|at| expressions.get(*at as usize).is_some_and(is_movable))
    };
    let (down, up): (Vec<_>, Vec<_>) = parts.into_iter().partition(below);
    let down = down.into_iter().map(|part| substitute(part, &expressions)).collect();
    let input = Box::new(push(input, down));
    filtered(Node::new(NodeKind::Project { input, expressions }, types), up)
}

/// An expression over the output of a list of expressions, over their input.
fn substitute(part: Expression, list: &[Expression]) -> Expression {
    part.map(&mut |part| match part.node {
        Expr::Column(at) => list.get(at as usize).cloned().unwrap_or(part),
        _ => part,
    })
}

fn join(mut join: Join, parts: Vec<Expression>, types: Vec<crate::Type>) -> Node {
    let width = join.left.width() as u32;
    let all = width..types.len() as u32;
    if join.kind == JoinKind::Left && parts.iter().any(|part| refuses_nulls(part, &all)) {
        join.kind = JoinKind::Inner;
    }
    let condition = join.condition.take().map(split).unwrap_or_default();
    let (mut left, mut right, mut on, mut above) = (vec![], vec![], vec![], vec![]);
    let end = width + join.right.width() as u32;
    for part in condition {
        let movable = is_movable(&part);
        match join.kind {
            JoinKind::Inner | JoinKind::Semi if movable && reads_only(&part, 0..width) => {
                left.push(part);
            }
            // A part without columns would be taken for one of the right side's.
            _ if movable && reads_only(&part, width..end) && !part.columns().is_empty() => {
                right.push(moved(part, -i64::from(width)));
            }
            _ => on.push(part),
        }
    }
    for part in parts {
        if reads_only(&part, 0..width) {
            left.push(part);
        } else if join.kind == JoinKind::Inner && reads_only(&part, width..end) {
            right.push(moved(part, -i64::from(width)));
        } else if join.kind == JoinKind::Inner {
            on.push(part);
        } else {
            above.push(part);
        }
    }
    join.left = push(join.left, left);
    join.right = push(join.right, right);
    join.condition = all_of(on);
    filtered(Node::new(NodeKind::Join(Box::new(join)), types), above)
}

/// Whether a predicate is never true of a row whose columns in the range are all NULL.
fn refuses_nulls(part: &Expression, range: &std::ops::Range<u32>) -> bool {
    match &part.node {
        Expr::Column(at) => range.contains(at),
        Expr::Call { function, arguments } => {
            function.nulls == NullRule::Strict
                && arguments.iter().any(|argument| refuses_nulls(argument, range))
        }
        Expr::IsNull { argument, negated: true } => refuses_nulls(argument, range),
        Expr::InList { left, negated: false, .. } => refuses_nulls(left, range),
        Expr::AnyAll { left, all: false, operator, .. } => {
            operator.nulls == NullRule::Strict && refuses_nulls(left, range)
        }
        Expr::And(parts) => parts.iter().any(|part| refuses_nulls(part, range)),
        Expr::Or(parts) => parts.iter().all(|part| refuses_nulls(part, range)),
        _ => false,
    }
}

fn apply(mut apply: Apply, parts: Vec<Expression>, types: Vec<crate::Type>) -> Node {
    let width = apply.input.width() as u32;
    if let ApplyKind::Left(condition) = &mut apply.kind
        && parts.iter().any(|part| refuses_nulls(part, &(width..types.len() as u32)))
    {
        apply.kind = ApplyKind::Cross(condition.take());
    }
    let (down, up): (Vec<_>, Vec<_>) =
        parts.into_iter().partition(|part| reads_only(part, 0..width));
    apply.input = push(apply.input, down);
    apply.inner = push(apply.inner, Vec::new());
    filtered(Node::new(NodeKind::Apply(Box::new(apply)), types), up)
}
