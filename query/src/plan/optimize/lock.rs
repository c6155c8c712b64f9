//! FOR UPDATE below the projection.
//!
//! The binder locks what the select list yields. A row that changed meanwhile must meet WHERE
//! again, and WHERE is over the columns of the tables: so the lock goes below the projection (and
//! the sort between), where it can re-read whole rows and check.
//!
//! ```text
//!   Lock(Sort(Project(list, Filter(p, X))))
//!     ─►  Project(list, Lock[recheck p](Sort'(Filter(p, X))))
//! ```

use super::{all_of, as_column, split};
use crate::expression::{Expression, Node as Expr};
use crate::plan::{JoinKind, LockedTable, Node, NodeKind, ScanColumn, SortKey};

/// Moves every LockRows of a tree.
pub(super) fn lower(node: Node) -> Node {
    let node = node.map_children(&mut lower);
    let Node { kind, types, rows } = node;
    match kind {
        NodeKind::LockRows { input, locks, recheck: None } => match apart(*input) {
            Ok(parts) => lowered(parts, locks, types),
            Err(input) => {
                let kind = NodeKind::LockRows { input, locks, recheck: None };
                Node { kind, types, rows }
            }
        },
        kind => Node { kind, types, rows },
    }
}

struct Parts {
    sort: Option<(Vec<SortKey>, Option<Expression>)>,
    list: Vec<Expression>,
    below: Node,
}

/// Takes the projection and the sort over it apart, if they are what stands there.
fn apart(node: Node) -> Result<Parts, Box<Node>> {
    match node.kind {
        NodeKind::Project { input, expressions } => {
            Ok(Parts { sort: None, list: expressions, below: *input })
        }
        NodeKind::Sort { input, keys, top } => match input.kind {
            NodeKind::Project { input, expressions } => {
                Ok(Parts { sort: Some((keys, top)), list: expressions, below: *input })
            }
            _ => Err(Box::new(Node { kind: NodeKind::Sort { input, keys, top }, ..node })),
        },
        _ => Err(Box::new(node)),
    }
}

fn lowered(parts: Parts, locks: Vec<LockedTable>, types: Vec<crate::Type>) -> Node {
    let Parts { sort, list, below } = parts;
    let mut predicate = Vec::new();
    predicates(&below, 0, &mut predicate);
    let locks = locks.into_iter().filter_map(|lock| relocated(lock, &list, &below)).collect();
    let mut input = below;
    if let Some((keys, top)) = sort {
        let keys = keys.into_iter().map(|key| SortKey {
            expression: key.expression.map(&mut |part| substituted(part, &list)),
            ..key
        });
        let types = input.types.clone();
        let kind = NodeKind::Sort { input: Box::new(input), keys: keys.collect(), top };
        input = Node::new(kind, types);
    }
    let below_types = input.types.clone();
    let recheck = all_of(predicate);
    let locked = NodeKind::LockRows { input: Box::new(input), locks, recheck };
    let locked = Node::new(locked, below_types);
    Node::new(NodeKind::Project { input: Box::new(locked), expressions: list }, types)
}

fn substituted(part: Expression, list: &[Expression]) -> Expression {
    match part.node {
        Expr::Column(at) => list.get(at as usize).cloned().unwrap_or(part),
        _ => part,
    }
}

/// Predicates over the output of a node that hold for all its rows, moved by `first`.
fn predicates(node: &Node, first: u32, found: &mut Vec<Expression>) {
    let mut add = |predicate: &Expression| {
        let parts = split(predicate.clone()).into_iter();
        found.extend(parts.map(|part| super::moved(part, first.into())));
    };
    match &node.kind {
        NodeKind::Filter { input, predicate } => {
            add(predicate);
            predicates(input, first, found);
        }
        NodeKind::Scan(scan) => scan.filter.iter().for_each(add),
        NodeKind::Join(join) => {
            if join.kind == JoinKind::Inner {
                join.condition.iter().for_each(add);
                predicates(&join.right, first + join.left.width() as u32, found);
            }
            predicates(&join.left, first, found);
        }
        NodeKind::Apply(apply) => predicates(&apply.input, first, found),
        _ => {}
    }
}

/// The lock over the rows below the projection: every column of its scan is read again.
fn relocated(lock: LockedTable, list: &[Expression], below: &Node) -> Option<LockedTable> {
    let key = list.get(lock.key as usize).and_then(as_column)?;
    let (first, columns) = scan_of(below, key, 0)?;
    let columns = columns
        .iter()
        .enumerate()
        .filter(|(_, column)| **column != ScanColumn::Key)
        .map(|(at, column)| (column.clone(), first + at as u32));
    Some(LockedTable { key, columns: columns.collect(), ..lock })
}

/// The scan that a position comes from: where it begins, and its columns.
fn scan_of(node: &Node, at: u32, first: u32) -> Option<(u32, &[ScanColumn])> {
    match &node.kind {
        NodeKind::Scan(scan) => Some((first, &scan.columns)),
        NodeKind::Filter { input, .. } => scan_of(input, at, first),
        NodeKind::Apply(apply) => match apply.input.width() as u32 {
            width if at < width => scan_of(&apply.input, at, first),
            width => scan_of(&apply.inner, at - width, first + width),
        },
        NodeKind::Join(join) => match join.left.width() as u32 {
            width if at < width => scan_of(&join.left, at, first),
            width => scan_of(&join.right, at - width, first + width),
        },
        _ => None,
    }
}
