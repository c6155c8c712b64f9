//! A plan becomes operators.
//!
//! Each node becomes one operator that holds [`Part`]s of the shared plan: nothing is copied but
//! reference counts. What a node needs to know of its surroundings comes down with it: where the
//! applied slots begin, and the limit that stands right above.

use std::sync::Arc;

use super::aggregate::Aggregate;
use super::apply::Apply;
use super::function::{FunctionScan, ProjectSet};
use super::join::Join;
use super::lock::LockRows;
use super::part::Part;
use super::relational::{Append, Filter, Limit, Project, Single, Values};
use super::run::BoxOperator;
use super::scan::Scan;
use super::set::{Against, Distinct, DistinctOn};
use super::sort::Sort;
use super::system::SystemScan;
use crate::expression::Expression;
use crate::plan::{self, JoinMethod, Node, NodeKind, Operation, SetOperation, Statement};
use crate::{Error, Result};

/// The part of a node's kind that a pattern names.
macro_rules! part {
    ($node:expr, $pattern:pat => $value:expr) => {
        $node
            .filter_map(|node| match &node.kind {
                $pattern => Some($value),
                _ => None,
            })
            .ok_or_else(wrong)?
    };
}

#[cold]
fn wrong() -> Error {
    Error::internal("a plan node changed its kind")
}

/// The number of the parameter that the first applied slot is.
pub fn applied_base(statement: &Statement) -> u32 {
    (statement.parameters.len() + statement.lifted.len()) as u32
}

/// The operators of a query, or of the source of a change.
pub fn build(statement: &Arc<Statement>) -> Result<BoxOperator> {
    build_with(statement, None)
}

/// Puts something around the operator of each node.
pub type Wrap<'w> = &'w dyn Fn(&Node, BoxOperator) -> BoxOperator;

/// As [`build`], with something around each operator.
pub fn build_with(statement: &Arc<Statement>, wrap: Option<Wrap<'_>>) -> Result<BoxOperator> {
    let root = Part::whole(statement).map(|statement| match &statement.operation {
        Operation::Query(node) => node,
        Operation::Insert(insert) => &insert.source,
        Operation::Update(update) => &update.source,
        Operation::Delete(delete) => &delete.source,
    });
    Builder { base: applied_base(statement), wrap }.node(&root, &Above::default())
}

struct Builder<'w> {
    base: u32,
    wrap: Option<Wrap<'w>>,
}

/// The limit right above a node.
#[derive(Default, Clone)]
struct Above {
    limit: Option<Part<Expression>>,
    offset: Option<Part<Expression>>,
}

impl Builder<'_> {
    fn node(&self, node: &Part<Node>, above: &Above) -> Result<BoxOperator> {
        let operator = self.operator(node, above)?;
        Ok(match self.wrap {
            Some(wrap) => wrap(node, operator),
            None => operator,
        })
    }

    fn operator(&self, node: &Part<Node>, above: &Above) -> Result<BoxOperator> {
        let none = Above::default();
        Ok(match &node.kind {
            NodeKind::Single => Box::new(Single::new(1)),
            NodeKind::Empty => Box::new(Single::new(0)),
            NodeKind::Values(_) => {
                Box::new(Values::new(part!(node, NodeKind::Values(rows) => rows), node.width()))
            }
            NodeKind::Scan(_) => {
                let scan = part!(node, NodeKind::Scan(scan) => &**scan);
                Box::new(Scan::new(scan, &node.types)?)
            }
            NodeKind::System(table) => Box::new(SystemScan::new(table)),
            NodeKind::Function { ordinality, .. } => {
                let calls = part!(node, NodeKind::Function { calls, .. } => calls);
                Box::new(FunctionScan::new(calls, node.width(), *ordinality))
            }
            NodeKind::ProjectSet { .. } => {
                let input = part!(node, NodeKind::ProjectSet { input, .. } => &**input);
                let calls = part!(node, NodeKind::ProjectSet { calls, .. } => calls);
                Box::new(ProjectSet::new(self.node(&input, &none)?, calls, node.width()))
            }
            NodeKind::Filter { .. } => {
                let input = part!(node, NodeKind::Filter { input, .. } => &**input);
                let predicate = part!(node, NodeKind::Filter { predicate, .. } => predicate);
                Box::new(Filter::new(self.node(&input, &none)?, predicate))
            }
            NodeKind::Project { .. } => {
                let input = part!(node, NodeKind::Project { input, .. } => &**input);
                let list = part!(node, NodeKind::Project { expressions, .. } => expressions);
                Box::new(Project::new(self.node(&input, above)?, list))
            }
            NodeKind::Join(_) => self.join(&part!(node, NodeKind::Join(join) => &**join))?,
            NodeKind::Apply(_) => {
                let apply = part!(node, NodeKind::Apply(apply) => &**apply);
                self.apply(&apply, node.width())?
            }
            NodeKind::Aggregate { .. } => {
                let input = part!(node, NodeKind::Aggregate { input, .. } => &**input);
                let groups = part!(node, NodeKind::Aggregate { groups, .. } => groups);
                let calls = part!(node, NodeKind::Aggregate { aggregates, .. } => aggregates);
                Box::new(Aggregate::new(self.node(&input, &none)?, groups, calls))
            }
            NodeKind::Distinct { on, .. } => {
                let input = part!(node, NodeKind::Distinct { input, .. } => &**input);
                let input = self.node(&input, &none)?;
                match on {
                    Some(columns) => Box::new(DistinctOn::new(input, *columns)),
                    None => Box::new(Distinct::new(input)),
                }
            }
            NodeKind::Sort { .. } => {
                let input = part!(node, NodeKind::Sort { input, .. } => &**input);
                let keys = part!(node, NodeKind::Sort { keys, .. } => keys);
                let top = node.filter_map(|node| match &node.kind {
                    NodeKind::Sort { top, .. } => top.as_ref(),
                    _ => None,
                });
                Box::new(Sort::new(self.node(&input, &none)?, keys, top))
            }
            NodeKind::Limit { .. } => self.limit(node)?,
            NodeKind::SetOperation { operation, all, .. } => {
                self.set_operation(node, *operation, *all)?
            }
            NodeKind::LockRows { .. } => self.lock(node, above)?,
        })
    }

    fn join(&self, join: &Part<plan::Join>) -> Result<BoxOperator> {
        let none = Above::default();
        let left = self.node(&join.map(|join| &join.left), &none)?;
        let right = self.node(&join.map(|join| &join.right), &none)?;
        let keys = join.filter_map(|join| match &join.method {
            JoinMethod::Hash { keys } => Some(keys),
            JoinMethod::Loop => None,
        });
        let condition = join.filter_map(|join| join.condition.as_ref());
        Ok(Box::new(Join::new((left, right), join.right.width(), join.kind, keys, condition)))
    }

    fn apply(&self, apply: &Part<plan::Apply>, width: usize) -> Result<BoxOperator> {
        let none = Above::default();
        let input = self.node(&apply.map(|apply| &apply.input), &none)?;
        let inner = self.node(&apply.map(|apply| &apply.inner), &none)?;
        let parameters = apply.map(|apply| &apply.parameters);
        let kind = apply.map(|apply| &apply.kind);
        let types = apply.inner.types.clone();
        Ok(Box::new(Apply::new((input, inner), types, parameters, self.base, kind, width)))
    }

    fn limit(&self, node: &Part<Node>) -> Result<BoxOperator> {
        let input = part!(node, NodeKind::Limit { input, .. } => &**input);
        let limit = node.filter_map(|node| match &node.kind {
            NodeKind::Limit { limit, .. } => limit.as_ref(),
            _ => None,
        });
        let offset = node.filter_map(|node| match &node.kind {
            NodeKind::Limit { offset, .. } => offset.as_ref(),
            _ => None,
        });
        let above = Above { limit: limit.clone(), offset: offset.clone() };
        Ok(Box::new(Limit::new(self.node(&input, &above)?, limit, offset)))
    }

    fn set_operation(
        &self,
        node: &Part<Node>,
        operation: SetOperation,
        all: bool,
    ) -> Result<BoxOperator> {
        let none = Above::default();
        let inputs = part!(node, NodeKind::SetOperation { inputs, .. } => &**inputs);
        let left = self.node(&inputs.map(|inputs| &inputs.0), &none)?;
        let right = self.node(&inputs.map(|inputs| &inputs.1), &none)?;
        Ok(match (operation, all) {
            (SetOperation::Union, true) => Box::new(Append::new(vec![left, right])),
            (SetOperation::Union, false) => {
                Box::new(Distinct::new(Box::new(Append::new(vec![left, right]))))
            }
            (operation, all) => Box::new(Against::new(left, right, operation, all)),
        })
    }

    fn lock(&self, node: &Part<Node>, above: &Above) -> Result<BoxOperator> {
        let input = part!(node, NodeKind::LockRows { input, .. } => &**input);
        let locks = part!(node, NodeKind::LockRows { locks, .. } => locks);
        let recheck = node.filter_map(|node| match &node.kind {
            NodeKind::LockRows { recheck, .. } => recheck.as_ref(),
            _ => None,
        });
        let wanted = (above.limit.clone(), above.offset.clone());
        let input = self.node(&input, &Above::default())?;
        Ok(Box::new(LockRows::new(input, locks, recheck, wanted, &node.types)?))
    }
}
