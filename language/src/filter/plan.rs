//! A predicate over a collection as a plan.
//!
//! A query answers one column, the document, and as many rows as it should; a deletion reads
//! the same rows and deletes them. Both are plans like SQL's and go through the same optimizer,
//! executor, locks and checks.
//!
//! ```text
//!   columns of the scan    declared … │ _doc │ key
//!   filter                 what the bounds say of declared columns AND the leaves over _doc
//!   Limit(Project(_doc, Sort(order, Filter(filter, Scan))))
//! ```

use std::sync::Arc;

use model::{Collection, CollectionKind};
use query::expression::{Constant, Expression, Node as Expr};
use query::plan::{
    Access, Delete, Node, NodeKind, Operation, OutputColumn, Scan, ScanColumn, Statement,
};
use query::predicate::{Order, Predicate, bounds, implied};
use query::{Error, Result, Type};

/// What a filter is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Find {
    /// The documents in an order, from `skip` on, at most `limit`.
    Documents {
        /// By what, the first before the others.
        order: Vec<Order>,
        /// How many are left out first.
        skip: u64,
        /// How many at most.
        limit: Option<u64>,
    },
    /// To delete them.
    Delete,
}

/// The plan of a filter over a collection.
///
/// # Errors
/// `0A000` for a key space, which has no documents; damaged literals.
pub fn find_plan(
    collection: &Arc<Collection>,
    predicate: Predicate,
    what: &Find,
) -> Result<Statement> {
    if collection.kind == CollectionKind::KeySpace {
        return Err(Error::unsupported("a filter over a key space"));
    }
    let declared = collection.columns.len() as u32;
    let (source, filter) = source(collection, predicate)?;
    let operation = match what {
        Find::Documents { order, skip, limit } => {
            let source = ordered(source, order, collection)?;
            Operation::Query(documents(source, *skip, *limit)?)
        }
        Find::Delete => Operation::Delete(Box::new(Delete {
            target: collection.clone(),
            source,
            key: declared + 1,
            recheck: Some(filter),
            returning: None,
        })),
    };
    let columns = match what {
        Find::Documents { .. } => vec![OutputColumn {
            name: "_doc".into(),
            ty: Type::JSONB,
            modifier: -1,
            origin: (0, 0),
        }],
        Find::Delete => Vec::new(),
    };
    Ok(Statement {
        operation,
        columns,
        parameters: Vec::new(),
        lifted: Vec::new(),
        applied: 0,
        uses: vec![collection.clone()],
        cacheable: false,
    })
}

/// The rows that satisfy the predicate, with every declared column, the document and the key; and
/// the condition that they were chosen by.
fn source(collection: &Arc<Collection>, predicate: Predicate) -> Result<(Node, Expression)> {
    let declared = collection.columns.len() as u32;
    let formula = bounds(&predicate);
    let mut place = |id| collection.position(id).and_then(|at| u32::try_from(at).ok());
    let said = implied(&formula, collection, &mut place)?;
    let document = Expression::column(declared, Type::JSONB, -1);
    let leaves = predicate.into_expression(&document);
    let filter = match said {
        Some(said) => Expression::new(Expr::And(vec![said, leaves]), Type::BOOL),
        None => leaves,
    };
    let mut columns: Vec<ScanColumn> =
        collection.columns.iter().map(|column| ScanColumn::Column(column.id)).collect();
    let mut types: Vec<Type> = collection.columns.iter().map(|column| column.ty).collect();
    columns.extend([ScanColumn::Document, ScanColumn::Key]);
    types.extend([Type::JSONB, Type::BYTEA]);
    let scan = Scan {
        collection: collection.clone(),
        columns,
        access: Access::Full,
        filter: None,
        backward: false,
    };
    let scan = Node::new(NodeKind::Scan(Box::new(scan)), types.clone());
    let kind = NodeKind::Filter { input: Box::new(scan), predicate: filter.clone() };
    Ok((Node::new(kind, types), filter))
}

/// The rows in an order.
fn ordered(source: Node, order: &[Order], collection: &Collection) -> Result<Node> {
    if order.is_empty() {
        return Ok(source);
    }
    let keys = order.iter().map(|order| order.sort_key(collection)).collect::<Result<_>>()?;
    let types = source.types.clone();
    Ok(Node::new(NodeKind::Sort { input: Box::new(source), keys, top: None }, types))
}

/// The documents alone, some of them.
fn documents(source: Node, skip: u64, limit: Option<u64>) -> Result<Node> {
    let at = source.width().saturating_sub(2) as u32;
    let expressions = vec![Expression::column(at, Type::JSONB, -1)];
    let kind = NodeKind::Project { input: Box::new(source), expressions };
    let projected = Node::new(kind, vec![Type::JSONB]);
    if skip == 0 && limit.is_none() {
        return Ok(projected);
    }
    let count = |count: u64| {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        Expression::constant(Constant::int(count), Type::INT8)
    };
    let kind = NodeKind::Limit {
        input: Box::new(projected),
        limit: limit.map(count),
        offset: (skip > 0).then(|| count(skip)),
    };
    Ok(Node::new(kind, vec![Type::JSONB]))
}
