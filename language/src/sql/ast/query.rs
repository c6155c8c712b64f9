//! SELECT and what it is made of.

use super::{Expr, Ident, ObjectName, Position, SortBy, Statement, TypeName, Window};

/// A query with everything that may surround its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// WITH.
    pub with: Option<With>,
    /// SELECT, VALUES or a set operation.
    pub body: QueryBody,
    /// ORDER BY.
    pub order_by: Vec<SortBy>,
    /// LIMIT; `LIMIT ALL` is NULL.
    pub limit: Option<Expr>,
    /// FETCH … WITH TIES.
    pub with_ties: bool,
    /// OFFSET.
    pub offset: Option<Expr>,
    /// FOR UPDATE and its kin, in order.
    pub locking: Vec<Locking>,
    /// Where it begins.
    pub position: Position,
}

/// The middle of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueryBody {
    /// SELECT.
    Select(Box<Select>),
    /// VALUES; rows as written, perhaps of different lengths.
    Values(Vec<Vec<Expr>>),
    /// `TABLE t`.
    Table(Relation),
    /// UNION, INTERSECT, EXCEPT.
    SetOperation(Box<SetOperation>),
}

/// UNION, INTERSECT or EXCEPT of two queries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetOperation {
    /// Which.
    pub operator: SetOperator,
    /// With ALL.
    pub all: bool,
    /// The first operand; with ORDER BY and the like only if it stood in parentheses.
    pub left: Query,
    /// The second operand.
    pub right: Query,
    /// Where the operator stands.
    pub position: Position,
}

/// The set operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum SetOperator {
    Union,
    Intersect,
    Except,
}

/// WITH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct With {
    /// RECURSIVE.
    pub recursive: bool,
    /// Its queries.
    pub tables: Vec<CommonTable>,
    /// Where it begins.
    pub position: Position,
}

/// One named query of WITH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommonTable {
    /// Its name.
    pub name: Ident,
    /// Its columns' names.
    pub columns: Vec<Ident>,
    /// MATERIALIZED (`true`) or NOT MATERIALIZED (`false`).
    pub materialized: Option<bool>,
    /// A query, INSERT, UPDATE or DELETE.
    pub statement: Statement,
    /// SEARCH.
    pub search: Option<Search>,
    /// CYCLE.
    pub cycle: Option<Cycle>,
}

/// SEARCH of a recursive query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// BREADTH FIRST; otherwise DEPTH FIRST.
    pub breadth: bool,
    /// BY.
    pub by: Vec<Ident>,
    /// The column it adds.
    pub set: Ident,
}

/// CYCLE of a recursive query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// The columns that tell a cycle.
    pub columns: Vec<Ident>,
    /// The column that marks it.
    pub set: Ident,
    /// TO … DEFAULT ….
    pub values: Option<Box<(Expr, Expr)>>,
    /// The column with the path.
    pub using: Ident,
}

/// SELECT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Select {
    /// DISTINCT.
    pub distinct: Option<Distinct>,
    /// What is selected; may be empty.
    pub targets: Vec<Target>,
    /// INTO, which makes the statement a CREATE TABLE AS.
    pub into: Option<SelectInto>,
    /// FROM; elements separated by commas.
    pub from: Vec<TableRef>,
    /// WHERE.
    pub filter: Option<Expr>,
    /// GROUP BY DISTINCT.
    pub group_distinct: bool,
    /// GROUP BY.
    pub group_by: Vec<GroupItem>,
    /// HAVING.
    pub having: Option<Expr>,
    /// WINDOW.
    pub windows: Vec<NamedWindow>,
    /// Where the word SELECT stands.
    pub position: Position,
}

/// DISTINCT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Distinct {
    /// Whole rows.
    All,
    /// DISTINCT ON (…).
    On(Vec<Expr>),
}

/// SELECT … INTO.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectInto {
    /// The table to make.
    pub name: ObjectName,
    /// TEMP, UNLOGGED.
    pub persistence: super::Persistence,
}

/// An element of the select list or of RETURNING.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The value; a [`Column`](super::ExprKind::Column) without parts and with a star is `*`.
    pub expr: Expr,
    /// Its label, with AS or without.
    pub label: Option<Ident>,
}

/// An element of GROUP BY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupItem {
    /// An expression.
    Expr(Expr),
    /// `()`.
    Empty(Position),
    /// ROLLUP.
    Rollup(Vec<Expr>, Position),
    /// CUBE.
    Cube(Vec<Expr>, Position),
    /// GROUPING SETS.
    Sets(Vec<GroupItem>, Position),
}

/// `WINDOW w AS (…)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedWindow {
    /// Its name.
    pub name: Ident,
    /// Its definition.
    pub window: Window,
}

/// A table by name: `[ONLY] s.t [*]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// The name.
    pub name: ObjectName,
    /// With ONLY.
    pub only: bool,
}

/// `AS t (a, b)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The name.
    pub name: Ident,
    /// The columns' names.
    pub columns: Vec<Ident>,
}

/// An element of FROM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableRef {
    /// A table.
    Table {
        /// Which.
        relation: Relation,
        /// Its alias.
        alias: Option<Alias>,
        /// TABLESAMPLE.
        sample: Option<Box<TableSample>>,
    },
    /// `(SELECT …)`.
    Subquery {
        /// The query.
        query: Box<Query>,
        /// LATERAL.
        lateral: bool,
        /// Its alias.
        alias: Option<Alias>,
        /// Where the parenthesis opens.
        position: Position,
    },
    /// One function, or several in ROWS FROM.
    Function(Box<TableFunction>),
    /// A join.
    Join(Box<Join>),
    /// A thing of the grammar not modelled here, such as XMLTABLE.
    Unsupported {
        /// Its name.
        name: String,
        /// Where it stands.
        position: Position,
    },
}

/// Functions in FROM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableFunction {
    /// The calls; more than one only with ROWS FROM.
    pub items: Vec<FunctionItem>,
    /// Written with ROWS FROM.
    pub rows_from: bool,
    /// LATERAL, which for functions says nothing new.
    pub lateral: bool,
    /// WITH ORDINALITY.
    pub ordinality: bool,
    /// Its alias.
    pub alias: Option<Alias>,
    /// `AS (a int, b text)`, for a function that gives records.
    pub columns: Vec<FunctionColumn>,
    /// Where it begins.
    pub position: Position,
}

/// One call in FROM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionItem {
    /// A function call, or one of the special forms such as CURRENT_DATE.
    pub call: Expr,
    /// Inside ROWS FROM: `f(…) AS (a int)`.
    pub columns: Vec<FunctionColumn>,
}

/// A column declared for a function that gives records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionColumn {
    /// Its name.
    pub name: Ident,
    /// Its type.
    pub data_type: TypeName,
    /// COLLATE.
    pub collation: Option<ObjectName>,
}

/// TABLESAMPLE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSample {
    /// BERNOULLI, SYSTEM or an extension's method.
    pub method: ObjectName,
    /// Its arguments.
    pub arguments: Vec<Expr>,
    /// REPEATABLE.
    pub repeatable: Option<Expr>,
    /// Where the method stands.
    pub position: Position,
}

/// A join of two elements of FROM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    /// Which kind; CROSS JOIN is Inner with [`JoinCondition::None`].
    pub kind: JoinKind,
    /// Before the word.
    pub left: TableRef,
    /// After the word.
    pub right: TableRef,
    /// ON, USING, NATURAL.
    pub condition: JoinCondition,
    /// An alias over the whole join, `(a JOIN b …) AS j`.
    pub alias: Option<Alias>,
    /// Where the join's first word stands.
    pub position: Position,
}

/// The kinds of join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
}

/// What rows a join pairs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JoinCondition {
    /// CROSS JOIN.
    None,
    /// ON.
    On(Expr),
    /// USING (a, b) [AS j].
    Using(Vec<Ident>, Option<Ident>),
    /// NATURAL.
    Natural,
}

/// FOR UPDATE and its kin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locking {
    /// How strong.
    pub strength: LockStrength,
    /// OF; empty means every table.
    pub of: Vec<ObjectName>,
    /// What to do about a locked row.
    pub wait: LockWait,
    /// Where FOR stands.
    pub position: Position,
}

/// Row locks, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum LockStrength {
    Update,
    NoKeyUpdate,
    Share,
    KeyShare,
}

/// What to do about a locked row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockWait {
    /// Wait for it.
    Wait,
    /// NOWAIT: fail.
    NoWait,
    /// SKIP LOCKED: go without it.
    SkipLocked,
}

impl Query {
    /// A query that is only its body.
    pub fn plain(body: QueryBody, position: Position) -> Query {
        Query {
            with: None,
            body,
            order_by: Vec::new(),
            limit: None,
            with_ties: false,
            offset: None,
            locking: Vec::new(),
            position,
        }
    }
}
