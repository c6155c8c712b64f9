//! Columns that nobody asks for are not made: scans decode what is used, joins carry what is used.
//!
//! ```text
//!   prune(node, wanted columns) ─► (node', where each column of the old output is in the new one)
//! ```
//!
//! A node may give more than what is wanted (what it needs itself passes through it); who stands
//! above goes by the map. Nodes that compare whole rows (DISTINCT, set operations) want everything
//! from below.

use crate::Type;
use crate::expression::Expression;
use crate::plan::{
    AggregateCall, Apply, ApplyKind, Delete, Join, JoinKind, JoinMethod, Node, NodeKind, Scan,
    Update,
};

/// Where each old column is; `None`: gone.
type Map = Vec<Option<u32>>;

/// Prunes below a root whose columns all count.
pub(super) fn all(node: Node) -> Node {
    let wanted = vec![true; node.width()];
    whole(node, &wanted)
}

/// Prunes, and puts a projection on top if the columns' places changed.
fn whole(node: Node, wanted: &[bool]) -> Node {
    let types = node.types.clone();
    let (node, map) = prune(node, wanted);
    let same = node.width() == types.len()
        && map.iter().enumerate().all(|(at, to)| *to == Some(at as u32));
    if same {
        return node;
    }
    let expressions = types
        .iter()
        .zip(&map)
        .map(|(ty, to)| match to {
            Some(to) => Expression::column(*to, *ty, -1),
            None => Expression::null(*ty),
        })
        .collect();
    Node::new(NodeKind::Project { input: Box::new(node), expressions }, types)
}

/// The source of an UPDATE: the declared columns, the key, and what its expressions read.
pub(super) fn update(update: &mut Update) {
    let mut wanted = declared(&update.source, update.target.columns.len(), update.key);
    let returning = update.returning.iter().flatten();
    let assigned = update.assignments.iter().map(|(_, value)| value);
    for expression in assigned.chain(returning).chain(&update.recheck) {
        want(&mut wanted, expression);
    }
    let (source, map) = prune(update.source.take(), &wanted);
    update.source = source;
    update.key = place(&map, update.key);
    let returning = update.returning.iter_mut().flatten();
    let assigned = update.assignments.iter_mut().map(|(_, value)| value);
    assigned.chain(returning).chain(&mut update.recheck).for_each(|e| remap(e, &map));
}

/// As [`update`].
pub(super) fn delete(delete: &mut Delete) {
    let mut wanted = declared(&delete.source, delete.target.columns.len(), delete.key);
    let expressions = delete.returning.iter().flatten();
    expressions.chain(&delete.recheck).for_each(|expression| want(&mut wanted, expression));
    let (source, map) = prune(delete.source.take(), &wanted);
    delete.source = source;
    delete.key = place(&map, delete.key);
    let expressions = delete.returning.iter_mut().flatten();
    expressions.chain(&mut delete.recheck).for_each(|expression| remap(expression, &map));
}

fn declared(source: &Node, columns: usize, key: u32) -> Vec<bool> {
    (0..source.width()).map(|at| at < columns || at as u32 == key).collect()
}

fn want(wanted: &mut [bool], expression: &Expression) {
    for at in expression.columns() {
        if let Some(flag) = wanted.get_mut(at as usize) {
            *flag = true;
        }
    }
}

fn place(map: &Map, at: u32) -> u32 {
    map.get(at as usize).copied().flatten().unwrap_or(at)
}

fn remap(expression: &mut Expression, map: &Map) {
    let taken = std::mem::replace(expression, Expression::null(expression.ty));
    *expression = taken.map_columns(&mut |at| place(map, at));
}

fn identity(width: usize) -> Map {
    (0..width as u32).map(Some).collect()
}

fn prune(node: Node, wanted: &[bool]) -> (Node, Map) {
    let Node { kind, types, rows } = node;
    let width = types.len();
    match kind {
        NodeKind::Scan(scan) => self::scan(*scan, types, rows, wanted),
        NodeKind::Filter { input, mut predicate } => {
            let mut below = wanted.to_vec();
            want(&mut below, &predicate);
            let (input, map) = prune(*input, &below);
            remap(&mut predicate, &map);
            let types = input.types.clone();
            let kind = NodeKind::Filter { input: Box::new(input), predicate };
            (Node { kind, types, rows }, map)
        }
        NodeKind::Project { input, expressions } => project(*input, expressions, types, wanted),
        NodeKind::Join(join) => self::join(*join, rows, wanted),
        NodeKind::Apply(apply) => self::apply(*apply, rows, wanted),
        NodeKind::Aggregate { input, groups, aggregates } => {
            aggregate(*input, groups, aggregates, types, wanted)
        }
        NodeKind::Sort { input, mut keys, top } => {
            let mut below = wanted.to_vec();
            keys.iter().for_each(|key| want(&mut below, &key.expression));
            let (input, map) = prune(*input, &below);
            keys.iter_mut().for_each(|key| remap(&mut key.expression, &map));
            let types = input.types.clone();
            (Node { kind: NodeKind::Sort { input: Box::new(input), keys, top }, types, rows }, map)
        }
        NodeKind::Limit { input, limit, offset } => {
            let (input, map) = prune(*input, wanted);
            let types = input.types.clone();
            let kind = NodeKind::Limit { input: Box::new(input), limit, offset };
            (Node { kind, types, rows }, map)
        }
        NodeKind::LockRows { input, mut locks, mut recheck } => {
            let mut below = wanted.to_vec();
            recheck.iter().for_each(|recheck| want(&mut below, recheck));
            for lock in &locks {
                if let Some(flag) = below.get_mut(lock.key as usize) {
                    *flag = true;
                }
            }
            let (input, map) = prune(*input, &below);
            recheck.iter_mut().for_each(|recheck| remap(recheck, &map));
            for lock in &mut locks {
                lock.key = place(&map, lock.key);
                let kept = std::mem::take(&mut lock.columns).into_iter();
                let moved = kept.filter_map(|(column, at)| {
                    Some((column, map.get(at as usize).copied().flatten()?))
                });
                lock.columns = moved.collect();
            }
            let types = input.types.clone();
            let kind = NodeKind::LockRows { input: Box::new(input), locks, recheck };
            (Node { kind, types, rows }, map)
        }
        NodeKind::ProjectSet { input, mut calls } => {
            let before = input.width();
            let mut below: Vec<bool> = wanted.iter().take(before).copied().collect();
            for argument in calls.iter().flat_map(|(_, arguments)| arguments) {
                want(&mut below, argument);
            }
            let (input, mut map) = prune(*input, &below);
            for argument in calls.iter_mut().flat_map(|(_, arguments)| arguments) {
                remap(argument, &map);
            }
            let first = input.width() as u32;
            let made = types.get(before..).unwrap_or_default();
            map.extend((0..made.len() as u32).map(|at| Some(first + at)));
            let types = [&input.types, made].concat();
            (
                Node { kind: NodeKind::ProjectSet { input: Box::new(input), calls }, types, rows },
                map,
            )
        }
        kind => {
            let node = Node { kind, types, rows };
            (node.map_children(&mut all), identity(width))
        }
    }
}

fn scan(mut scan: Scan, types: Vec<Type>, rows: f64, wanted: &[bool]) -> (Node, Map) {
    let mut kept = wanted.to_vec();
    scan.filter.iter().for_each(|filter| want(&mut kept, filter));
    let map = kept_map(&kept);
    scan.columns = selected(scan.columns, &kept);
    scan.filter.iter_mut().for_each(|filter| remap(filter, &map));
    let types = selected(types, &kept);
    (Node { kind: NodeKind::Scan(Box::new(scan)), types, rows }, map)
}

fn kept_map(kept: &[bool]) -> Map {
    let mut next = 0;
    kept.iter()
        .map(|kept| {
            let at = kept.then_some(next);
            next += u32::from(*kept);
            at
        })
        .collect()
}

fn selected<T>(list: Vec<T>, kept: &[bool]) -> Vec<T> {
    let pairs = list.into_iter().zip(kept);
    pairs.filter(|(_, kept)| **kept).map(|(item, _)| item).collect()
}

fn project(
    input: Node,
    expressions: Vec<Expression>,
    types: Vec<Type>,
    wanted: &[bool],
) -> (Node, Map) {
    let pairs = expressions.iter().zip(wanted);
    let kept: Vec<bool> = pairs.map(|(e, wanted)| *wanted || !super::is_movable(e)).collect();
    let map = kept_map(&kept);
    let mut expressions = selected(expressions, &kept);
    let mut below = vec![false; input.width()];
    expressions.iter().for_each(|expression| want(&mut below, expression));
    let (input, below) = prune(input, &below);
    expressions.iter_mut().for_each(|expression| remap(expression, &below));
    let types = selected(types, &kept);
    let plain = input.width() == expressions.len()
        && expressions.iter().enumerate().all(|(at, e)| super::as_column(e) == Some(at as u32));
    if plain {
        return (input, map);
    }
    (Node::new(NodeKind::Project { input: Box::new(input), expressions }, types), map)
}

fn join(mut join: Join, rows: f64, wanted: &[bool]) -> (Node, Map) {
    let width = join.left.width();
    let mut below = wanted.to_vec();
    below.resize(width + join.right.width(), false);
    join.condition.iter().for_each(|condition| want(&mut below, condition));
    let (mut left, mut right) = (below.clone(), below.split_off(width));
    left.truncate(width);
    if let JoinMethod::Hash { keys } = &join.method {
        keys.iter().for_each(|(l, r, _)| {
            want(&mut left, l);
            want(&mut right, r);
        });
    }
    let (left, left_map) = prune(join.left, &left);
    let (right, right_map) = prune(join.right, &right);
    let first = left.width() as u32;
    let both = left_map.iter().copied().chain(right_map.iter().map(|to| to.map(|to| to + first)));
    let both: Map = both.collect();
    join.condition.iter_mut().for_each(|condition| remap(condition, &both));
    if let JoinMethod::Hash { keys } = &mut join.method {
        for (l, r, _) in keys {
            remap(l, &left_map);
            remap(r, &right_map);
        }
    }
    let mut types = left.types.clone();
    let map = match join.kind {
        JoinKind::Inner | JoinKind::Left => {
            types.extend(&right.types);
            both
        }
        JoinKind::Semi | JoinKind::Anti => left_map,
    };
    (join.left, join.right) = (left, right);
    (Node { kind: NodeKind::Join(Box::new(join)), types, rows }, map)
}

fn apply(mut apply: Apply, rows: f64, wanted: &[bool]) -> (Node, Map) {
    let width = apply.input.width();
    let mut below: Vec<bool> = wanted.to_vec();
    let is_join = matches!(apply.kind, ApplyKind::Cross(_) | ApplyKind::Left(_));
    if let ApplyKind::Cross(condition) | ApplyKind::Left(condition) = &apply.kind {
        condition.iter().for_each(|condition| want(&mut below, condition));
    }
    let mut outer: Vec<bool> = below.iter().take(width).copied().collect();
    if let ApplyKind::Quantified { left, .. } = &apply.kind {
        left.iter().for_each(|left| want(&mut outer, left));
    }
    apply.parameters.iter().for_each(|(_, value)| want(&mut outer, value));
    let (input, outer_map) = prune(apply.input, &outer);
    apply.parameters.iter_mut().for_each(|(_, value)| remap(value, &outer_map));
    let first = input.width() as u32;
    let mut map = outer_map;
    let inner = match &mut apply.kind {
        ApplyKind::Cross(condition) | ApplyKind::Left(condition) => {
            let (inner, inner_map) = prune(apply.inner, below.get(width..).unwrap_or_default());
            map.extend(inner_map.into_iter().map(|to| to.map(|to| to + first)));
            condition.iter_mut().for_each(|condition| remap(condition, &map));
            inner
        }
        ApplyKind::Exists => {
            let none = vec![false; apply.inner.width()];
            prune(apply.inner, &none).0
        }
        ApplyKind::Quantified { left, .. } => {
            left.iter_mut().for_each(|left| remap(left, &map));
            all(apply.inner)
        }
        ApplyKind::Scalar | ApplyKind::Array => all(apply.inner),
    };
    if !is_join {
        map.push(Some(first));
    }
    (apply.input, apply.inner) = (input, inner);
    let types = apply.kind.types(&apply.input, &apply.inner);
    (Node { kind: NodeKind::Apply(Box::new(apply)), types, rows }, map)
}

fn aggregate(
    input: Node,
    mut groups: Vec<Expression>,
    aggregates: Vec<AggregateCall>,
    types: Vec<Type>,
    wanted: &[bool],
) -> (Node, Map) {
    let keys = groups.len();
    let kept: Vec<bool> =
        wanted.iter().enumerate().map(|(at, wanted)| *wanted || at < keys).collect();
    let map = kept_map(&kept);
    let mut aggregates = selected(aggregates, kept.get(keys..).unwrap_or_default());
    let mut below = vec![false; input.width()];
    groups.iter().for_each(|group| want(&mut below, group));
    for call in &aggregates {
        let order = call.order.iter().map(|key| &key.expression);
        let parts = call.arguments.iter().chain(order).chain(&call.filter);
        parts.for_each(|part| want(&mut below, part));
    }
    let (input, below) = prune(input, &below);
    groups.iter_mut().for_each(|group| remap(group, &below));
    for call in &mut aggregates {
        let order = call.order.iter_mut().map(|key| &mut key.expression);
        let parts = call.arguments.iter_mut().chain(order).chain(&mut call.filter);
        parts.for_each(|part| remap(part, &below));
    }
    let types = selected(types, &kept);
    let kind = NodeKind::Aggregate { input: Box::new(input), groups, aggregates };
    (Node::new(kind, types), map)
}
