//! The optimizer: the binder's tree becomes one that runs well and answers the same.
//!
//! ```text
//!   fold       constants computed; WHERE false is Empty
//!   lock       FOR UPDATE moved below the projection, its predicate copied for the second look
//!   push       filters down, through projections and joins, into scans
//!   semi       IN (subquery) and EXISTS to semi- and anti-joins
//!   join       order of inner joins, hash or index loop
//!   access     primary key or index ranges for each scan
//!   order      sorts that an index makes needless; LIMIT into the sort
//!   prune      columns that nobody asks for
//!   estimate   rows of each node, for EXPLAIN and for the choices above
//! ```
//!
//! **Invariants**
//! - The filter of a scan keeps every conjunct, whatever its ranges guarantee: the predicate always
//!   verifies.
//! - A volatile expression is neither moved past a row-making node, nor copied, nor dropped.
//! - The columns of the root, their order and their types stay.
//!
//! Rejected: a cost-based search over whole plans. The statements that this serves join few tables;
//! what decides their speed is access by key, and that is found by rule.

mod access;
mod estimate;
mod fold;
mod join;
mod like;
mod lock;
mod order;
mod prune;
mod push;
mod semi;

use std::collections::HashMap;

use model::{CollectionId, Work};

pub use access::element_name;
pub use estimate::Statistics;

use super::{Node, NodeKind, Operation, Statement};
use crate::expression::{Expression, Node as Expr, Session};
use crate::function::Volatility;
use crate::{Result, Type};

/// What the passes share.
struct Optimizer<'o> {
    statistics: &'o Statistics,
    session: &'o dyn Session,
    /// The number of the parameter that the first applied slot is.
    base: u32,
    /// The next free slot.
    slots: u32,
}

/// Optimizes a bound statement.
pub fn optimize(
    mut statement: Statement,
    statistics: &Statistics,
    session: &dyn Session,
) -> Statement {
    let base = (statement.parameters.len() + statement.lifted.len()) as u32;
    let mut optimizer = Optimizer { statistics, session, base, slots: statement.applied };
    match &mut statement.operation {
        Operation::Query(node) => {
            let taken = optimizer.node(node.take());
            *node = prune::all(taken);
        }
        Operation::Insert(insert) => {
            let taken = optimizer.node(insert.source.take());
            insert.source = prune::all(taken);
        }
        Operation::Update(update) => {
            update.source = optimizer.node(update.source.take());
            prune::update(update);
        }
        Operation::Delete(delete) => {
            delete.source = optimizer.node(delete.source.take());
            prune::delete(delete);
        }
    }
    let source = match &mut statement.operation {
        Operation::Query(node) => node,
        Operation::Insert(insert) => &mut insert.source,
        Operation::Update(update) => &mut update.source,
        Operation::Delete(delete) => &mut delete.source,
    };
    estimate::fill(source, statistics);
    statement.applied = optimizer.slots;
    statement
}

impl Optimizer<'_> {
    fn node(&mut self, node: Node) -> Node {
        let node = fold::fold(node, self.session);
        let node = lock::lower(node);
        let node = push::push(node, Vec::new());
        let node = semi::semi(node);
        let node = self.access(node);
        let node = semi::exists(node, self.base);
        let node = self.joins(node);
        order::order(node)
    }

    /// The best access of every scan.
    fn access(&mut self, node: Node) -> Node {
        let mut node = node.map_children(&mut |child| self.access(child));
        if let NodeKind::Scan(scan) = &mut node.kind {
            access::choose(scan, self.statistics.rows(&scan.collection));
        }
        node
    }

    fn slot(&mut self) -> u32 {
        self.slots += 1;
        self.slots - 1
    }
}

impl Statistics {
    /// The row counts of the collections that a statement uses.
    ///
    /// # Errors
    /// What the store says.
    pub async fn of(work: &Work, statement: &Statement) -> Result<Statistics> {
        let mut rows: HashMap<CollectionId, f64> = HashMap::new();
        for collection in &statement.uses {
            let count = work.row_count(collection).await.map_err(crate::execute::fault::fault)?;
            rows.insert(collection.id, count.max(0) as f64);
        }
        Ok(Statistics::new(rows))
    }
}

/// The parts of an AND, or the expression itself.
pub fn conjuncts(predicate: &Expression) -> Vec<&Expression> {
    match &predicate.node {
        Expr::And(parts) => parts.iter().flat_map(conjuncts).collect(),
        _ => vec![predicate],
    }
}

/// As [`conjuncts`], taken apart.
fn split(predicate: Expression) -> Vec<Expression> {
    match predicate.node {
        Expr::And(parts) => parts.into_iter().flat_map(split).collect(),
        _ => vec![predicate],
    }
}

/// The AND of some conjuncts; `None` of none.
fn all_of(mut parts: Vec<Expression>) -> Option<Expression> {
    match parts.len() {
        0 => None,
        1 => parts.pop(),
        _ => Some(Expression::new(Expr::And(parts), Type::BOOL)),
    }
}

/// A filter over a node, if there is anything to filter by.
fn filtered(node: Node, parts: Vec<Expression>) -> Node {
    match all_of(parts) {
        None => node,
        Some(predicate) => {
            let types = node.types.clone();
            Node::new(NodeKind::Filter { input: Box::new(node), predicate }, types)
        }
    }
}

/// Whether an expression may be computed elsewhere, or more than once.
fn is_movable(expression: &Expression) -> bool {
    expression.volatility() != Volatility::Volatile
}

/// Whether an expression is `left = right`.
fn is_equality(expression: &Expression) -> bool {
    matches!(&expression.node, Expr::Call { function, .. } if function.name == "=")
}

/// Whether all columns that an expression reads lie in a range of positions.
fn reads_only(expression: &Expression, range: std::ops::Range<u32>) -> bool {
    expression.columns().iter().all(|at| range.contains(at))
}

/// The same expression over positions moved by so many.
fn moved(expression: Expression, by: i64) -> Expression {
    expression.map_columns(&mut |at| u32::try_from(i64::from(at) + by).unwrap_or(at))
}

/// The position, if the expression is a column and nothing else.
fn as_column(expression: &Expression) -> Option<u32> {
    match expression.node {
        Expr::Column(at) => Some(at),
        _ => None,
    }
}

/// Column references to every column of a node.
fn columns_of(types: &[Type]) -> Vec<Expression> {
    types.iter().enumerate().map(|(at, ty)| Expression::column(at as u32, *ty, -1)).collect()
}

/// Rows that the optimizer takes a collection to have at least: a plan outlives the day when its
/// table was small.
const ROWS_MIN: f64 = 1000.0;

/// The number of rows for choosing an access.
fn rows_for_access(rows: f64) -> f64 {
    rows.max(ROWS_MIN)
}
