//! Walking and rewriting plans: the shape of every node stands here once.

use super::{ApplyKind, JoinMethod, Node, NodeKind};
use crate::expression::Expression;

impl Node {
    /// The nodes right below, in the order in which they run.
    pub fn children(&self) -> Vec<&Node> {
        match &self.kind {
            NodeKind::Single
            | NodeKind::Empty
            | NodeKind::Values(_)
            | NodeKind::Scan(_)
            | NodeKind::System(_)
            | NodeKind::Function { .. } => Vec::new(),
            NodeKind::ProjectSet { input, .. }
            | NodeKind::Filter { input, .. }
            | NodeKind::Project { input, .. }
            | NodeKind::Aggregate { input, .. }
            | NodeKind::Distinct { input, .. }
            | NodeKind::Sort { input, .. }
            | NodeKind::Limit { input, .. }
            | NodeKind::LockRows { input, .. } => vec![input],
            NodeKind::Join(join) => vec![&join.left, &join.right],
            NodeKind::Apply(apply) => vec![&apply.input, &apply.inner],
            NodeKind::SetOperation { inputs, .. } => vec![&inputs.0, &inputs.1],
        }
    }

    /// The nodes right below, to be changed.
    pub fn children_mut(&mut self) -> Vec<&mut Node> {
        match &mut self.kind {
            NodeKind::Single
            | NodeKind::Empty
            | NodeKind::Values(_)
            | NodeKind::Scan(_)
            | NodeKind::System(_)
            | NodeKind::Function { .. } => Vec::new(),
            NodeKind::ProjectSet { input, .. }
            | NodeKind::Filter { input, .. }
            | NodeKind::Project { input, .. }
            | NodeKind::Aggregate { input, .. }
            | NodeKind::Distinct { input, .. }
            | NodeKind::Sort { input, .. }
            | NodeKind::Limit { input, .. }
            | NodeKind::LockRows { input, .. } => vec![input],
            NodeKind::Join(join) => vec![&mut join.left, &mut join.right],
            NodeKind::Apply(apply) => vec![&mut apply.input, &mut apply.inner],
            NodeKind::SetOperation { inputs, .. } => vec![&mut inputs.0, &mut inputs.1],
        }
    }

    /// The node itself, an empty one left in its place.
    pub fn take(&mut self) -> Node {
        std::mem::replace(self, Node::new(NodeKind::Empty, Vec::new()))
    }

    /// Rewrites the nodes right below.
    #[must_use]
    pub fn map_children(mut self, change: &mut dyn FnMut(Node) -> Node) -> Node {
        for child in self.children_mut() {
            let taken = child.take();
            *child = change(taken);
        }
        self
    }

    /// Every expression of this node (not of those below).
    pub fn expressions_mut(&mut self) -> Vec<&mut Expression> {
        match &mut self.kind {
            NodeKind::Single
            | NodeKind::Empty
            | NodeKind::System(_)
            | NodeKind::SetOperation { .. }
            | NodeKind::Distinct { .. } => Vec::new(),
            NodeKind::Values(rows) => rows.iter_mut().flatten().collect(),
            NodeKind::Scan(scan) => scan.filter.iter_mut().collect(),
            NodeKind::Function { calls, .. } | NodeKind::ProjectSet { calls, .. } => {
                calls.iter_mut().flat_map(|(_, arguments)| arguments).collect()
            }
            NodeKind::Filter { predicate, .. } => vec![predicate],
            NodeKind::Project { expressions, .. } => expressions.iter_mut().collect(),
            NodeKind::Join(join) => {
                let mut all: Vec<&mut Expression> = join.condition.iter_mut().collect();
                if let JoinMethod::Hash { keys } = &mut join.method {
                    all.extend(keys.iter_mut().flat_map(|(left, right, _)| [left, right]));
                }
                all
            }
            NodeKind::Apply(apply) => {
                let mut all: Vec<&mut Expression> =
                    apply.parameters.iter_mut().map(|(_, value)| value).collect();
                match &mut apply.kind {
                    ApplyKind::Cross(condition) | ApplyKind::Left(condition) => {
                        all.extend(condition);
                    }
                    ApplyKind::Quantified { left, .. } => all.extend(left),
                    ApplyKind::Scalar | ApplyKind::Exists | ApplyKind::Array => {}
                }
                all
            }
            NodeKind::Aggregate { groups, aggregates, .. } => {
                let calls = aggregates.iter_mut().flat_map(|call| {
                    let order = call.order.iter_mut().map(|key| &mut key.expression);
                    call.arguments.iter_mut().chain(order).chain(&mut call.filter)
                });
                groups.iter_mut().chain(calls).collect()
            }
            NodeKind::Sort { keys, top, .. } => {
                keys.iter_mut().map(|key| &mut key.expression).chain(top).collect()
            }
            NodeKind::Limit { limit, offset, .. } => limit.iter_mut().chain(offset).collect(),
            NodeKind::LockRows { recheck, .. } => recheck.iter_mut().collect(),
        }
    }
}
