//! The order of inner joins, and how each join finds its matches.
//!
//! ```text
//!   A ⋈ B ⋈ C, conditions ─► smallest first, then the connected input that leaves the fewest rows
//!       small ⋈ table with a fitting index     Apply: for each left row, the index range
//!       equality of hashable types             hash the smaller side
//!       else                                   loop
//! ```
//!
//! The output keeps the order of columns that the binder gave: a projection restores it where the
//! inputs were turned, and pruning takes it away again where nobody looks.
//!
//! The inner scan of an index join keeps every condition as its filter, with the outer columns as
//! applied parameters: it verifies as any scan does.

use super::access::{best, class};
use super::{
    Optimizer, all_of, as_column, columns_of, conjuncts, estimate, filtered, is_movable, moved,
    reads_only, rows_for_access, split,
};
use crate::Type;
use crate::expression::{Expression, Node as Expr};
use crate::function::Function;
use crate::plan::{Access, Apply, ApplyKind, Join, JoinKind, JoinMethod, Node, NodeKind, Scan};

/// More inputs than this are joined in the order written.
const INPUTS_MAX: usize = 12;

/// One input of a chain of inner joins.
struct Input {
    node: Node,
    /// Its first column in the chain's row as written.
    first: u32,
    rows: f64,
}

/// What is joined so far.
struct Joined {
    node: Node,
    /// For each of its columns, the position in the chain's row as written.
    layout: Vec<u32>,
    rows: f64,
}

impl Optimizer<'_> {
    /// Chooses order and method of every join of a tree.
    pub(super) fn joins(&mut self, node: Node) -> Node {
        let is_chain = matches!(&node.kind, NodeKind::Join(join) if join.kind == JoinKind::Inner);
        if is_chain {
            return self.chain(node);
        }
        let node = node.map_children(&mut |child| self.joins(child));
        let Node { kind, types, rows } = node;
        match kind {
            NodeKind::Join(join) => self.method(*join, types),
            kind => Node { kind, types, rows },
        }
    }

    fn chain(&mut self, node: Node) -> Node {
        let types = node.types.clone();
        let (mut inputs, mut conditions) = (Vec::new(), Vec::new());
        flatten(node, 0, &mut inputs, &mut conditions);
        let mut inputs: Vec<Input> = inputs
            .into_iter()
            .map(|(node, first)| {
                let node = self.joins(node);
                let rows = estimate::rows(&node, self.statistics);
                Input { node, first, rows }
            })
            .collect();
        let (conditions, fixed): (Vec<_>, Vec<_>) = conditions.into_iter().partition(is_movable);
        let free = inputs.len() <= INPUTS_MAX;
        let start = if free { smallest(&inputs) } else { 0 };
        let first = inputs.remove(start);
        let layout = (first.first..first.first + first.node.width() as u32).collect();
        let mut joined = Joined { node: first.node, layout, rows: first.rows };
        let mut left = conditions;
        while !inputs.is_empty() {
            let next = if free { best_next(&joined, &inputs, &left) } else { 0 };
            let input = inputs.remove(next);
            joined = self.add(joined, input, &mut left);
        }
        left.extend(fixed);
        let place = |at: u32| joined.layout.iter().position(|p| *p == at).unwrap_or(0) as u32;
        let rest: Vec<Expression> =
            left.into_iter().map(|part| part.map_columns(&mut |at| place(at))).collect();
        let turned = joined.layout.iter().enumerate().any(|(at, from)| at as u32 != *from);
        let places: Vec<u32> = (0..types.len() as u32).map(place).collect();
        let node = filtered(joined.node, rest);
        if !turned {
            return node;
        }
        let all = columns_of(&node.types);
        let expressions = places.iter().filter_map(|at| all.get(*at as usize).cloned()).collect();
        Node::new(NodeKind::Project { input: Box::new(node), expressions }, types)
    }

    /// Joins one input more, with every condition that can be asked then.
    fn add(&mut self, joined: Joined, input: Input, left: &mut Vec<Expression>) -> Joined {
        let mut layout = joined.layout.clone();
        layout.extend(input.first..input.first + input.node.width() as u32);
        let (now, later): (Vec<_>, Vec<_>) =
            left.drain(..).partition(|part| part.columns().iter().all(|at| layout.contains(at)));
        *left = later;
        let rows = rows_after(&joined, &input, &now);
        let width = joined.layout.len() as u32;
        let by_index = self.index_join(&joined, &input, &now, &layout);
        if let Some(node) = by_index {
            return Joined { node, layout, rows };
        }
        let hashable = now.iter().any(|part| {
            let part = placed(part, &layout);
            hash_key(&part, width, layout.len() as u32).is_some()
        });
        // The right side is kept: it should be the smaller one.
        if hashable && joined.rows < input.rows {
            let mut turned: Vec<u32> =
                (input.first..input.first + input.node.width() as u32).collect();
            turned.extend(&joined.layout);
            let node = self.pair(input.node, joined.node, &now, &turned);
            return Joined { node, layout: turned, rows };
        }
        let node = self.pair(joined.node, input.node, &now, &layout);
        Joined { node, layout, rows }
    }

    fn pair(&mut self, left: Node, right: Node, parts: &[Expression], layout: &[u32]) -> Node {
        let condition = all_of(parts.iter().map(|part| placed(part, layout)).collect());
        let mut types = left.types.clone();
        types.extend(&right.types);
        let (kind, method) = (JoinKind::Inner, JoinMethod::Loop);
        let mut join = Join { kind, method, left, right, condition };
        hash(&mut join);
        Node::new(NodeKind::Join(Box::new(join)), types)
    }

    /// An Apply over an index range, where that is cheaper than reading the whole right side.
    fn index_join(
        &mut self,
        joined: &Joined,
        input: &Input,
        parts: &[Expression],
        layout: &[u32],
    ) -> Option<Node> {
        let parts: Vec<Expression> = parts.iter().map(|part| placed(part, layout)).collect();
        let inner = self.index_scan(joined.rows, &joined.node, &input.node, &parts)?;
        Some(applied(joined.node.clone(), inner, ApplyKind::Cross(None)))
    }

    /// The scan of the right side for one left row, and the outer columns that it takes.
    fn index_scan(
        &mut self,
        left_rows: f64,
        left: &Node,
        right: &Node,
        parts: &[Expression],
    ) -> Option<(Node, Vec<(u32, Expression)>)> {
        let NodeKind::Scan(scan) = &right.kind else { return None };
        let width = left.width() as u32;
        let all = rows_for_access(self.statistics.rows(&scan.collection));
        let without = match &scan.access {
            Access::Full => all,
            Access::Index { .. } => best(scan, all).map_or(all, |choice| choice.cost),
        };
        let before = self.slots;
        let mut parameters: Vec<(u32, Expression)> = Vec::new();
        let mut filter: Vec<Expression> = scan.filter.clone().map(split).unwrap_or_default();
        for part in parts {
            filter.push(part.clone().map(&mut |part| match part.node {
                Expr::Column(at) if at < width => {
                    let slot = self.slot_for(at, &part, &mut parameters);
                    Expression { node: Expr::Parameter(self.base + slot), ..part }
                }
                Expr::Column(at) => Expression { node: Expr::Column(at - width), ..part },
                _ => part,
            }));
        }
        let mut scan: Scan = (**scan).clone();
        scan.filter = all_of(filter);
        let choice = best(&scan, all);
        let gain = |cost: f64| left_rows.max(1.0) * (cost + 2.0) < without + left_rows;
        let Some(choice) = choice.filter(|c| c.equal > 0 && !parameters.is_empty() && gain(c.cost))
        else {
            self.slots = before;
            return None;
        };
        let (index, ranges) = (choice.index, choice.ranges);
        scan.access = Access::Index { index, ranges, covered: false };
        let node = Node::new(NodeKind::Scan(Box::new(scan)), right.types.clone());
        Some((node, parameters))
    }

    fn slot_for(
        &mut self,
        at: u32,
        column: &Expression,
        parameters: &mut Vec<(u32, Expression)>,
    ) -> u32 {
        if let Some((slot, _)) = parameters.iter().find(|(_, e)| as_column(e) == Some(at)) {
            return *slot;
        }
        let slot = self.slot();
        parameters.push((slot, column.clone()));
        slot
    }

    /// The method of a join that keeps its sides.
    fn method(&mut self, mut join: Join, types: Vec<Type>) -> Node {
        if join.kind == JoinKind::Left {
            let rows = estimate::rows(&join.left, self.statistics);
            let parts: Vec<Expression> = join.condition.clone().map(split).unwrap_or_default();
            if parts.iter().all(is_movable)
                && let Some(inner) = self.index_scan(rows, &join.left, &join.right, &parts)
            {
                return applied(join.left, inner, ApplyKind::Left(None));
            }
        }
        hash(&mut join);
        Node::new(NodeKind::Join(Box::new(join)), types)
    }
}

fn applied(
    input: Node,
    (inner, parameters): (Node, Vec<(u32, Expression)>),
    kind: ApplyKind,
) -> Node {
    let types = kind.types(&input, &inner);
    Node::new(NodeKind::Apply(Box::new(Apply { input, inner, parameters, kind })), types)
}

/// Takes a chain of inner joins apart; conditions are over the chain's whole row.
fn flatten(
    node: Node,
    first: u32,
    inputs: &mut Vec<(Node, u32)>,
    conditions: &mut Vec<Expression>,
) {
    let Node { kind, types, rows } = node;
    match kind {
        NodeKind::Join(join) if join.kind == JoinKind::Inner => {
            let Join { left, right, condition, .. } = *join;
            let width = left.width() as u32;
            flatten(left, first, inputs, conditions);
            flatten(right, first + width, inputs, conditions);
            let parts = condition.map(split).unwrap_or_default().into_iter();
            conditions.extend(parts.map(|part| moved(part, first.into())));
        }
        kind => inputs.push((Node { kind, types, rows }, first)),
    }
}

fn smallest(inputs: &[Input]) -> usize {
    let by_rows = |a: &(usize, &Input), b: &(usize, &Input)| a.1.rows.total_cmp(&b.1.rows);
    inputs.iter().enumerate().min_by(by_rows).map_or(0, |(at, _)| at)
}

/// The input that leaves the fewest rows; one without a condition to what is joined only if there
/// is no other.
fn best_next(joined: &Joined, inputs: &[Input], conditions: &[Expression]) -> usize {
    let score = |input: &Input| {
        let own = input.first..input.first + input.node.width() as u32;
        let known = |at: &u32| joined.layout.contains(at);
        let linking: Vec<Expression> = conditions
            .iter()
            .filter(|part| {
                let columns = part.columns();
                columns.iter().all(|at| known(at) || own.contains(at))
                    && columns.iter().any(known)
                    && columns.iter().any(|at| own.contains(at))
            })
            .cloned()
            .collect();
        (linking.is_empty(), rows_after(joined, input, &linking))
    };
    let better = |a: &(usize, (bool, f64)), b: &(usize, (bool, f64))| {
        a.1.0.cmp(&b.1.0).then(a.1.1.total_cmp(&b.1.1))
    };
    inputs.iter().map(score).enumerate().min_by(better).map_or(0, |(at, _)| at)
}

fn rows_after(joined: &Joined, input: &Input, parts: &[Expression]) -> f64 {
    match parts.iter().filter(|part| super::is_equality(part)).count() {
        0 if parts.is_empty() => joined.rows * input.rows,
        0 => joined.rows * input.rows / 3.0,
        _ => joined.rows.max(input.rows),
    }
}

/// A condition over the chain's row, over a row laid out like this.
fn placed(part: &Expression, layout: &[u32]) -> Expression {
    let place = |at: u32| layout.iter().position(|p| *p == at).unwrap_or(0) as u32;
    part.clone().map_columns(&mut |at| place(at))
}

/// Hashes a join whose condition has an equality of its two sides.
fn hash(join: &mut Join) {
    let (width, end) =
        (join.left.width() as u32, join.left.width() as u32 + join.right.width() as u32);
    let parts: Vec<&Expression> = join.condition.iter().flat_map(conjuncts).collect();
    let keys: Vec<_> = parts.iter().filter_map(|part| hash_key(part, width, end)).collect();
    if !keys.is_empty() {
        join.method = JoinMethod::Hash { keys };
    }
}

/// Key expressions over the left and the right row, if the condition is an equality whose hash
/// agrees with it.
fn hash_key(
    part: &Expression,
    width: u32,
    end: u32,
) -> Option<(Expression, Expression, &'static Function)> {
    let Expr::Call { function, arguments } = &part.node else { return None };
    let ([a, b], "=") = (arguments.as_slice(), function.name) else { return None };
    let [left, right] = function.arguments else { return None };
    let same = class(*left).is_some() && class(*left) == class(*right)
        || left == right && matches!(*left, Type::INTERVAL | Type::JSONB);
    if !same || !is_movable(part) {
        return None;
    }
    let (a_left, b_left) = (reads_only(a, 0..width), reads_only(b, 0..width));
    let (a_right, b_right) = (reads_only(a, width..end), reads_only(b, width..end));
    let constant = a.columns().is_empty() || b.columns().is_empty();
    match (a_left && b_right, b_left && a_right) {
        _ if constant => None,
        (true, _) => Some((a.clone(), moved(b.clone(), -i64::from(width)), function)),
        (_, true) => Some((b.clone(), moved(a.clone(), -i64::from(width)), function)),
        _ => None,
    }
}
