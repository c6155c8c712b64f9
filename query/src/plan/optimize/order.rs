//! Sorts that are not needed, and limits that sorts should know.
//!
//! ```text
//!   Limit(10, Project(Sort(k, Scan t)))  ─►  Limit(10, Project(Scan t by the index on k))  or
//!                                        ─►  Limit(10, Project(Sort(k, top 10, Scan t)))
//! ```
//!
//! An order is followed down to the scan that makes it: through projections that keep the column,
//! filters, locks, and the left side of a join, all of which give rows in the order in which they
//! come. A whole scan is turned into a scan of an index only under a limit, or where the primary
//! key has the order anyway: reading a whole table by a secondary index costs more than sorting it.

use super::access::{Candidate, candidates, is_key_order};
use super::as_column;
use crate::Type;
use crate::expression::{Expression, Node as Expr};
use crate::function::operator;
use crate::plan::{Access, Node, NodeKind, RangeBounds, Scan, ScanColumn, SortKey};

/// A key of an order: column, descending, nulls first.
type Key = (u32, bool, bool);

/// Rewrites a tree.
pub(super) fn order(node: Node) -> Node {
    order_under(node, None)
}

/// `wanted`: how many rows are asked for from above, where a limit says so.
fn order_under(node: Node, wanted: Option<Expression>) -> Node {
    let Node { kind, types, rows } = node;
    match kind {
        NodeKind::Limit { input, limit, offset } => {
            let top = limit.clone().and_then(|limit| sum(limit, offset.clone()));
            let input = Box::new(order_under(*input, top));
            Node { kind: NodeKind::Limit { input, limit, offset }, types, rows }
        }
        NodeKind::Project { input, expressions } => {
            let input = Box::new(order_under(*input, wanted));
            Node { kind: NodeKind::Project { input, expressions }, types, rows }
        }
        NodeKind::Sort { mut input, keys, top } => {
            let top = top.or(wanted);
            let plain: Option<Vec<Key>> = keys
                .iter()
                .map(|key| Some((as_column(&key.expression)?, key.descending, key.nulls_first)))
                .collect();
            if plain.is_some_and(|plain| gives(&mut input, &plain, top.is_some())) {
                return order_under(*input, top);
            }
            let input = Box::new(order_under(*input, None));
            sorted(input, keys, top, types, rows)
        }
        kind => {
            let node = Node { kind, types, rows };
            node.map_children(&mut |child| order_under(child, None))
        }
    }
}

fn sorted(
    input: Box<Node>,
    keys: Vec<SortKey>,
    top: Option<Expression>,
    types: Vec<Type>,
    rows: f64,
) -> Node {
    Node { kind: NodeKind::Sort { input, keys, top }, types, rows }
}

/// LIMIT + OFFSET. Where the sum fails or is NULL at run time, the sort keeps everything.
fn sum(limit: Expression, offset: Option<Expression>) -> Option<Expression> {
    let Some(offset) = offset else { return Some(limit) };
    let function = operator("+", &[Type::INT8, Type::INT8])?;
    // OFFSET NULL is no offset.
    let zero = crate::expression::Constant::new(&crate::Datum::Int(0)).ok()?;
    let offset = Expr::Coalesce(vec![offset, Expression::constant(zero, Type::INT8)]);
    let arguments = vec![limit, Expression::new(offset, Type::INT8)];
    Some(Expression::new(Expr::Call { function, arguments }, Type::INT8))
}

/// Makes a node give its rows in an order, if it can do that without sorting.
fn gives(node: &mut Node, keys: &[Key], limited: bool) -> bool {
    let types = &node.types;
    match &mut node.kind {
        NodeKind::Single | NodeKind::Empty => true,
        NodeKind::Scan(scan) => scan_gives(scan, types, keys, limited),
        NodeKind::Filter { input, .. } | NodeKind::LockRows { input, .. } => {
            gives(input, keys, limited)
        }
        NodeKind::Project { input, expressions } => {
            let below: Option<Vec<Key>> = keys
                .iter()
                .map(|(at, d, n)| Some((as_column(expressions.get(*at as usize)?)?, *d, *n)))
                .collect();
            below.is_some_and(|below| gives(input, &below, limited))
        }
        NodeKind::Join(join) => {
            let width = join.left.width() as u32;
            keys.iter().all(|key| key.0 < width) && gives(&mut join.left, keys, limited)
        }
        NodeKind::Apply(apply) => {
            let width = apply.input.width() as u32;
            keys.iter().all(|key| key.0 < width) && gives(&mut apply.input, keys, limited)
        }
        _ => false,
    }
}

fn scan_gives(scan: &mut Scan, types: &[Type], keys: &[Key], limited: bool) -> bool {
    if scan.backward {
        return false;
    }
    let columns: Option<Vec<_>> = keys
        .iter()
        .map(|(at, descending, nulls_first)| match scan.columns.get(*at as usize)? {
            ScanColumn::Column(id) => {
                let ty = types.get(*at as usize).copied()?;
                let same = is_key_order(&scan.collection, *id, ty);
                same.then_some((*id, *descending, *nulls_first))
            }
            _ => None,
        })
        .collect();
    let Some(columns) = columns else { return false };
    let all = candidates(&scan.collection);
    let (access, backward) = match &scan.access {
        Access::Index { index, ranges, .. } => {
            let Some(candidate) = all.iter().find(|candidate| candidate.index == *index) else {
                return false;
            };
            let Some(backward) = direction(candidate, fixed(ranges), &columns) else {
                return false;
            };
            (None, backward)
        }
        Access::Full => {
            let fits = all.iter().filter(|candidate| limited || candidate.index.is_none());
            let found = fits
                .filter_map(|candidate| Some((candidate, direction(candidate, 0, &columns)?)))
                .next();
            let Some((candidate, backward)) = found else { return false };
            let access = candidate.index.map(|index| Access::Index {
                index: Some(index),
                ranges: vec![RangeBounds::default()],
                covered: false,
            });
            (access, backward)
        }
    };
    scan.backward = backward;
    if let Some(access) = access {
        scan.access = access;
    }
    true
}

/// How many first elements have one value in all ranges.
fn fixed(ranges: &[RangeBounds]) -> usize {
    match ranges {
        [only] => only.equal.len(),
        _ => 0,
    }
}

type Column = (model::ColumnId, bool, bool);

/// Whether a candidate's order is the one wanted: forward (`false`) or backward (`true`).
fn direction(candidate: &Candidate, fixed: usize, keys: &[Column]) -> Option<bool> {
    let (constant, rest) = candidate.elements.split_at(fixed.min(candidate.elements.len()));
    let mut elements = rest.iter();
    let mut backward = None;
    for (column, descending, nulls_first) in keys {
        if constant.iter().any(|element| element.column == *column) {
            continue;
        }
        let Some(element) = elements.next() else {
            // The whole key is used up: no two rows are left to be ordered.
            let complete = candidate.unique && candidate.elements.iter().all(|e| e.not_null);
            return complete.then(|| backward.unwrap_or(false));
        };
        if element.column != *column || element.class.is_none() {
            return None;
        }
        let turned = *descending != element.descending;
        let nulls_turned = *nulls_first != element.nulls_first;
        if !element.not_null && nulls_turned != turned {
            return None;
        }
        if *backward.get_or_insert(turned) != turned {
            return None;
        }
    }
    Some(backward.unwrap_or(false))
}
