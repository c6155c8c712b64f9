//! The plan: what every language binds to and the executor runs.
//!
//! ```text
//!   binder ──► Statement { operation, columns, parameters, uses }
//!                  │
//!                  ├ Query(Node) ── a tree of relational nodes, each with typed output columns
//!                  ├ Insert / Update / Delete ── a source Node, target, RETURNING
//!                  └ everything else (DDL, transactions, settings) never gets here
//!   optimize(Node) ──► the same tree, filters pushed down, access paths and join methods chosen
//! ```
//!
//! One tree serves as logical and physical plan: the binder leaves `Access::Full` and
//! `JoinMethod::Loop`, the optimizer replaces them. A second set of node types would say the same
//! things twice.
//!
//! **Invariants**
//! - A node's output is a row of datums; an expression in it refers to its *input* row by position:
//!   for a join the left row, then the right row; for an aggregate's output the groups, then the
//!   aggregates.
//! - `Node::width` equals the number of `types`.
//! - Parameters are numbered: the client's `$n`, then lifted literals, then what `Apply` passes
//!   down.
//! - A plan is immutable and shared (`Arc`); nothing in it depends on one execution.

pub mod optimize;
mod tree;

use std::sync::Arc;

use model::{Collection, ColumnId, IndexId};

use crate::expression::Expression;
use crate::function::{Aggregate, Function, SetFunction};
use crate::system::SystemTable;
use crate::{Scalar, Type};

/// A bound statement that reads or changes data.
#[derive(Debug, Clone)]
pub struct Statement {
    /// What it does.
    pub operation: Operation,
    /// What it answers; empty for a statement without rows.
    pub columns: Vec<OutputColumn>,
    /// Types of the client's parameters, `$1` first.
    pub parameters: Vec<Type>,
    /// The literals of the text by ordinal; they follow the client's parameters. `None`: part of
    /// the plan itself or of nothing, its parameter is NULL and unused.
    pub lifted: Vec<Option<Lifted>>,
    /// Slots that `Apply` nodes use; they follow the lifted literals.
    pub applied: u32,
    /// The collections that it was bound against: a change of one's version makes the plan stale.
    pub uses: Vec<Arc<Collection>>,
    /// Whether it may be shared through the plan cache.
    pub cacheable: bool,
}

/// A literal that is a parameter of the plan. Its text is converted once for each execution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lifted {
    /// To what.
    pub ty: Type,
    /// The type's modifier; -1 none.
    pub modifier: i32,
    /// A minus sign stood before it.
    pub negated: bool,
    /// Where it stands in the text that was bound, for the error that its conversion may give.
    pub offset: u32,
}

/// A column of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputColumn {
    /// Its label.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Its modifier; -1 none.
    pub modifier: i32,
    /// pg_class.oid and attnum of the column that it is, else zeros.
    pub origin: (u32, i16),
}

/// What a statement does.
#[derive(Debug, Clone)]
pub enum Operation {
    /// SELECT, VALUES, TABLE.
    Query(Node),
    /// INSERT.
    Insert(Box<Insert>),
    /// UPDATE.
    Update(Box<Update>),
    /// DELETE.
    Delete(Box<Delete>),
}

/// INSERT … [ON CONFLICT …] [RETURNING …].
#[derive(Debug, Clone)]
pub struct Insert {
    /// The table.
    pub target: Arc<Collection>,
    /// Rows of the values that were given, of their columns' types already.
    pub source: Node,
    /// For each declared column in order: where its value comes from.
    pub values: Vec<InsertValue>,
    /// What a conflicting row means.
    pub conflict: Conflict,
    /// RETURNING, over the row as stored (declared columns in order).
    pub returning: Option<Vec<Expression>>,
}

/// Where one column of a new row comes from.
#[derive(Debug, Clone)]
pub enum InsertValue {
    /// The source's column at this position, of the column's type already.
    Source(u32),
    /// An expression over no row (a DEFAULT, a sequence's next value, NULL).
    Expression(Expression),
    /// GENERATED … STORED and the hidden `_id`: the model makes it.
    Generated,
}

/// ON CONFLICT.
#[derive(Debug, Clone)]
pub enum Conflict {
    /// 23505.
    Error,
    /// DO NOTHING, on one index or (None) on any.
    Nothing(Option<IndexId>),
    /// DO UPDATE on one index.
    Update {
        /// The arbiter.
        index: IndexId,
        /// Assigned columns; over the existing row followed by the proposed (`excluded`) row,
        /// declared columns in order.
        assignments: Vec<(ColumnId, Expression)>,
        /// WHERE, over the same input.
        filter: Option<Expression>,
    },
}

/// UPDATE … SET … [FROM …] [WHERE …] [RETURNING …].
#[derive(Debug, Clone)]
pub struct Update {
    /// The table.
    pub target: Arc<Collection>,
    /// Rows to change. Its first columns are the target's declared columns in order; others follow,
    /// those of FROM too. A row may come more than once (a FROM that matches twice); the first one
    /// counts.
    pub source: Node,
    /// Where the target's `ScanColumn::Key` stands in a source row.
    pub key: u32,
    /// The predicate over the source row, checked again on the latest version of a row that changed
    /// meanwhile.
    pub recheck: Option<Expression>,
    /// Assigned columns, over the source row, of the columns' types already.
    pub assignments: Vec<(ColumnId, Expression)>,
    /// RETURNING, over the source row with the declared columns as they are now.
    pub returning: Option<Vec<Expression>>,
}

/// DELETE FROM … [USING …] [WHERE …] [RETURNING …].
#[derive(Debug, Clone)]
pub struct Delete {
    /// The table.
    pub target: Arc<Collection>,
    /// Rows to delete, laid out as for `Update`.
    pub source: Node,
    /// As for `Update`.
    pub key: u32,
    /// As for `Update`.
    pub recheck: Option<Expression>,
    /// RETURNING, over the source row.
    pub returning: Option<Vec<Expression>>,
}

/// A relational node with the types of its output columns.
#[derive(Debug, Clone)]
pub struct Node {
    /// What it does.
    pub kind: NodeKind,
    /// The types of its output columns.
    pub types: Vec<Type>,
    /// Rows that the optimizer expects; 0 before it ran.
    pub rows: f64,
}

/// The kinds of node.
#[derive(Debug, Clone)]
pub enum NodeKind {
    /// One row without columns (SELECT without FROM).
    Single,
    /// No row (WHERE false).
    Empty,
    /// Literal rows.
    Values(Vec<Vec<Expression>>),
    /// A collection.
    Scan(Box<Scan>),
    /// A system table, at the statement's snapshot.
    System(&'static SystemTable),
    /// Set-returning functions side by side (ROWS FROM), the shorter padded with NULL.
    Function {
        /// Each with its arguments over the (empty or applied) input.
        calls: Vec<(&'static SetFunction, Vec<Expression>)>,
        /// WITH ORDINALITY adds a bigint column.
        ordinality: bool,
    },
    /// Set-returning functions in the select list: for each input row, its columns and then those
    /// of the calls.
    ProjectSet {
        /// The rows.
        input: Box<Node>,
        /// The calls.
        calls: Vec<(&'static SetFunction, Vec<Expression>)>,
    },
    /// Rows for which the predicate is true.
    Filter {
        /// The rows.
        input: Box<Node>,
        /// Boolean.
        predicate: Expression,
    },
    /// New columns.
    Project {
        /// The rows.
        input: Box<Node>,
        /// One for each output column.
        expressions: Vec<Expression>,
    },
    /// Two inputs.
    Join(Box<Join>),
    /// For each row of `input`, `inner` runs with some of its columns as parameters.
    Apply(Box<Apply>),
    /// GROUP BY; output: the groups, then the aggregates.
    Aggregate {
        /// The rows.
        input: Box<Node>,
        /// Group keys. Empty: one row, always.
        groups: Vec<Expression>,
        /// The aggregates.
        aggregates: Vec<AggregateCall>,
    },
    /// DISTINCT over all columns, or ON the first `on` columns (input sorted by them).
    Distinct {
        /// The rows.
        input: Box<Node>,
        /// DISTINCT ON: how many leading columns count; `None`: all.
        on: Option<usize>,
    },
    /// ORDER BY; with a limit pushed into it a heap of so many rows.
    Sort {
        /// The rows.
        input: Box<Node>,
        /// Keys over the input row.
        keys: Vec<SortKey>,
        /// LIMIT + OFFSET, over no row, when only so many rows are wanted.
        top: Option<Expression>,
    },
    /// LIMIT / OFFSET; bigint expressions over no row; NULL means none.
    Limit {
        /// The rows.
        input: Box<Node>,
        /// At most so many.
        limit: Option<Expression>,
        /// After skipping so many.
        offset: Option<Expression>,
    },
    /// UNION, INTERSECT, EXCEPT.
    SetOperation {
        /// Which.
        operation: SetOperation,
        /// ALL.
        all: bool,
        /// Left and right, of the same types.
        inputs: Box<(Node, Node)>,
    },
    /// FOR UPDATE / SHARE: locks rows, re-reads those that changed meanwhile, and drops those that
    /// no longer match.
    LockRows {
        /// The rows; the scans to be locked yield `ScanColumn::Key`.
        input: Box<Node>,
        /// What to lock in each row.
        locks: Vec<LockedTable>,
        /// The predicate to check again on a changed row, over the input row.
        recheck: Option<Expression>,
    },
}

/// One table of a LockRows.
#[derive(Debug, Clone)]
pub struct LockedTable {
    /// The table.
    pub collection: Arc<Collection>,
    /// Where its key stands in the input row (NULL for the padded side of an outer join: not
    /// locked).
    pub key: u32,
    /// Where its other columns stand, to be replaced when the row changed.
    pub columns: Vec<(ScanColumn, u32)>,
    /// How.
    pub lock: RowLock,
}

/// How a row lock is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowLock {
    /// Which of PostgreSQL's four modes.
    pub mode: transaction::LockMode,
    /// NOWAIT, SKIP LOCKED, or wait (for the session's lock_timeout).
    pub wait: LockWait,
}

/// What to do about rows that are locked by others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockWait {
    /// Wait, at most the session's lock_timeout.
    Block,
    /// 55P03 at once.
    NoWait,
    /// Leave them out.
    SkipLocked,
}

/// A scan of a collection.
#[derive(Debug, Clone)]
pub struct Scan {
    /// The collection.
    pub collection: Arc<Collection>,
    /// What it yields, in order.
    pub columns: Vec<ScanColumn>,
    /// How rows are found.
    pub access: Access,
    /// Over the output row; what `access` does not guarantee, and that too (it always verifies).
    pub filter: Option<Expression>,
    /// Ascending or descending key order.
    pub backward: bool,
}

/// What a scan yields.
#[derive(Debug, Clone, PartialEq)]
pub enum ScanColumn {
    /// A declared column.
    Column(ColumnId),
    /// A top-level field that no column declares, converted to the output type (42804 where it is
    /// not of it).
    Field(String),
    /// The whole document as jsonb (`_doc`).
    Document,
    /// pg_class.oid of the collection, as PostgreSQL's tableoid.
    TableOid,
    /// The record's key (bytea), for UPDATE, DELETE and row locks.
    Key,
}

/// How a scan finds its rows.
#[derive(Debug, Clone)]
pub enum Access {
    /// Every row in key order.
    Full,
    /// Ranges of the primary key or an index.
    Index {
        /// `None`: the primary key.
        index: Option<IndexId>,
        /// One range for each combination of equalities (IN lists make several).
        ranges: Vec<RangeBounds>,
        /// All wanted columns come from the entry itself.
        covered: bool,
    },
}

/// A range over an index: equalities on its first elements, then at most one range.
#[derive(Debug, Clone, Default)]
pub struct RangeBounds {
    /// Values of the first elements, of the elements' types, over no row. A NULL value means no
    /// row, unless `null_safe`.
    pub equal: Vec<Expression>,
    /// Lower bound of the next element and whether it is included.
    pub lower: Option<(Expression, bool)>,
    /// Upper bound of the next element and whether it is included.
    pub upper: Option<(Expression, bool)>,
    /// IS NULL on an element: its position in `equal` holds a NULL that is meant.
    pub null_safe: bool,
    /// An array-valued expression for the element after `equal`: one range for each of its elements
    /// (`= ANY($1)`).
    pub any: Option<Expression>,
}

/// A join of two inputs.
#[derive(Debug, Clone)]
pub struct Join {
    /// Which rows come out.
    pub kind: JoinKind,
    /// How.
    pub method: JoinMethod,
    /// Left input.
    pub left: Node,
    /// Right input.
    pub right: Node,
    /// ON, over the left row then the right row; all of it, whatever `method` uses.
    pub condition: Option<Expression>,
}

/// Which rows a join yields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinKind {
    /// Matching pairs.
    Inner,
    /// And left rows without match, padded with NULL.
    Left,
    /// Left rows with a match, once.
    Semi,
    /// Left rows without a match.
    Anti,
}

/// How a join finds its matches.
#[derive(Debug, Clone)]
pub enum JoinMethod {
    /// The right side is kept and run through for each left row.
    Loop,
    /// The right side is hashed by its keys.
    Hash {
        /// Key expressions over the left row and over the right row, with the equality of each
        /// pair.
        keys: Vec<(Expression, Expression, &'static Function)>,
    },
}

/// For each row of `input`, `inner` runs.
#[derive(Debug, Clone)]
pub struct Apply {
    /// Outer rows.
    pub input: Node,
    /// Runs once for each distinct parameter row; once at all where `parameters` is empty.
    pub inner: Node,
    /// (slot, expression over the outer row): set before `inner` runs. Slots count from the first
    /// after the lifted literals.
    pub parameters: Vec<(u32, Expression)>,
    /// What comes out.
    pub kind: ApplyKind,
}

/// What an Apply yields.
#[derive(Debug, Clone)]
pub enum ApplyKind {
    /// Outer row then inner row, for each inner row that meets the condition (LATERAL, index
    /// joins).
    Cross(Option<Expression>),
    /// As `Cross`, and outer rows without any, padded with NULL.
    Left(Option<Expression>),
    /// Outer row and one column: the inner's only value, NULL for none, 21000 for several.
    Scalar,
    /// Outer row and one boolean column: whether there is an inner row.
    Exists,
    /// Outer row and one boolean column: `left op ANY/ALL (inner)`, three-valued.
    Quantified {
        /// Over the outer row, one for each inner column.
        left: Vec<Expression>,
        /// The operator of each column, applied as `left op inner`.
        operators: Vec<&'static Function>,
        /// ALL instead of ANY.
        all: bool,
    },
    /// Outer row and one array column of all inner values (ARRAY(subquery)).
    Array,
}

/// One aggregate of an Aggregate node.
#[derive(Debug, Clone)]
pub struct AggregateCall {
    /// The entry.
    pub function: &'static Aggregate,
    /// Over the input row.
    pub arguments: Vec<Expression>,
    /// DISTINCT.
    pub distinct: bool,
    /// ORDER BY inside the call, over the input row.
    pub order: Vec<SortKey>,
    /// FILTER (WHERE …).
    pub filter: Option<Expression>,
    /// The type of the result.
    pub ty: Type,
}

/// One key of an ordering.
#[derive(Debug, Clone)]
pub struct SortKey {
    /// Over the input row.
    pub expression: Expression,
    /// DESC.
    pub descending: bool,
    /// NULLS FIRST.
    pub nulls_first: bool,
}

/// Which set operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum SetOperation {
    Union,
    Intersect,
    Except,
}

impl Node {
    /// A node whose estimate is not made yet.
    pub fn new(kind: NodeKind, types: Vec<Type>) -> Self {
        Node { kind, types, rows: 0.0 }
    }

    /// How many columns come out.
    pub fn width(&self) -> usize {
        self.types.len()
    }

    /// The types of a boolean column, for appliers.
    pub fn with_column(mut types: Vec<Type>, ty: Type) -> Vec<Type> {
        types.push(ty);
        types
    }
}

impl ApplyKind {
    /// The types of an apply's output.
    pub fn types(&self, input: &Node, inner: &Node) -> Vec<Type> {
        let mut types = input.types.clone();
        match self {
            ApplyKind::Cross(_) | ApplyKind::Left(_) => types.extend(&inner.types),
            ApplyKind::Scalar => types.extend(inner.types.first()),
            ApplyKind::Exists | ApplyKind::Quantified { .. } => types.push(Type::BOOL),
            ApplyKind::Array => {
                let element = inner.types.first().map_or(Scalar::Unknown, |ty| ty.scalar);
                types.push(Type::array_of(element));
            }
        }
        types
    }
}
