//! The binder: syntax in, plan out. Names are resolved here, types decided, subqueries laid open.
//!
//! ```text
//!   ast::Statement ─► Binder ─► plan::Statement
//!        FROM   ─ from.rs ──────► Node + Scope            (what columns there are, and where they stand in a row)
//!        WHERE  ─ expression.rs ► Filter                  (subqueries: Apply under it)
//!        GROUP  ─ select.rs ────► Aggregate
//!        SELECT ─ select.rs ────► Project, Distinct, Sort, Limit, LockRows
//!        INSERT, UPDATE, DELETE ─ modify.rs
//! ```
//!
//! A **level** is one query with its scope and the node built so far. A subquery is bound on a
//! level above; a name not found there is looked up on the levels below, and becomes a *parameter*
//! of the `Apply` that joins the two. So an expression never holds a subquery: it holds the column
//! that the Apply adds at the end of the row, and the columns that stood there before keep their
//! positions.
//!
//! **Invariants**
//! - Positions in `Level::scope` are those of `Level::node`'s output row, at every moment.
//! - A literal is either lifted (a parameter of the plan) or looked at; a looked-at literal makes
//!   the plan depend on its value and its ordinal is reported.
//! - Every error that a piece of text causes carries that piece's offset.
//!
//! Rejected: binding in two passes over a typed copy of the tree (names, then types): resolution of
//! an operator needs the types of its operands and the placing of an Apply needs both.

mod call;
mod expression;
mod from;
mod modify;
mod names;
mod resolve;
mod scope;
mod select;
mod types;
mod walk;

use std::sync::Arc;

use model::{Catalogue, Collection, DatabaseId};
use query::expression::{Expression, Node as ExpressionNode};
use query::plan::{Lifted, Node, NodeKind, Statement};
use query::{Error, ErrorKind, Result, Type};

use self::scope::Scope;
use super::ast;

pub use self::names::is_system_schema;
pub use self::resolve::{assign, coerce_to};
pub use self::types::resolve_type;

/// What a statement is bound against.
pub struct Environment<'e> {
    /// The catalogue as the statement's transaction sees it.
    pub catalogue: &'e Catalogue,
    /// Where unqualified names are looked up.
    pub database: DatabaseId,
    /// The database's name, as `db.schema.table` may spell it.
    pub database_name: &'e str,
    /// Schemas in order; `pg_catalog` comes first if it is not among them.
    pub search_path: &'e [String],
    /// Types that the client gave for its parameters; unknown ones are inferred.
    pub parameters: &'e [Option<Type>],
    /// Whether literals may become parameters of the plan.
    pub lift: bool,
}

/// A bound statement and what of its text it depends on.
pub struct Bound {
    /// The plan, not optimized.
    pub statement: Statement,
    /// Ordinals of the literals whose values were looked at, ascending.
    pub looked_at: Vec<u32>,
}

/// What became of a literal.
#[derive(Debug, Clone, Copy, PartialEq)]
enum LiteralUse {
    Unused,
    Lifted(Lifted),
    LookedAt,
}

/// One query under construction.
struct Level {
    scope: Scope,
    node: Option<Node>,
    /// Set while expressions are bound over the output of an Aggregate.
    grouping: Option<select::Grouping>,
    /// What this level's query takes from the level below: (slot, expression over that level's
    /// row).
    captured: Vec<(u32, Expression)>,
    /// What the item of FROM that is being bound takes from what stands left of it.
    captured_item: Vec<(u32, Expression)>,
    /// Whether levels above may see this one's columns now.
    visible: bool,
    /// For errors: what is being bound.
    clause: Clause,
}

/// Where an expression stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clause {
    Select,
    From,
    Where,
    JoinOn,
    GroupBy,
    Having,
    OrderBy,
    Limit,
    Values,
    Set,
    Returning,
    Aggregate,
}

impl Clause {
    /// How PostgreSQL names it in "aggregate functions are not allowed in …".
    fn name(self) -> &'static str {
        match self {
            Clause::Select => "SELECT",
            Clause::From => "functions in FROM",
            Clause::Where => "WHERE",
            Clause::JoinOn => "JOIN conditions",
            Clause::GroupBy => "GROUP BY",
            Clause::Having => "HAVING",
            Clause::OrderBy => "ORDER BY",
            Clause::Limit => "LIMIT",
            Clause::Values => "VALUES",
            Clause::Set => "UPDATE",
            Clause::Returning => "RETURNING",
            Clause::Aggregate => "aggregate function calls",
        }
    }
}

/// The state of binding one statement.
pub struct Binder<'e> {
    environment: &'e Environment<'e>,
    levels: Vec<Level>,
    parameters: Vec<Option<Type>>,
    literals: Vec<LiteralUse>,
    slots: u32,
    uses: Vec<Arc<Collection>>,
    /// Set while a select list is bound whose literals take their types from outside (INSERT …
    /// SELECT, sides of a UNION).
    outputs_open: bool,
    /// Set while text from the catalogue is bound: its literals are no literals of the statement.
    constants_only: bool,
}

/// How many parameters a client may send (PostgreSQL's limit of the Bind message).
const PARAMETERS_MAX: u32 = 65_535;

/// Binds a SELECT, VALUES, INSERT, UPDATE or DELETE. `parameters` is the highest `$n` of the text.
pub fn bind(parsed: &ast::Parsed, parameters: u32, environment: &Environment<'_>) -> Result<Bound> {
    let mut binder = Binder::new(environment, parameters, parsed.literals)?;
    for ordinal in &parsed.fixed {
        binder.look_at(*ordinal);
    }
    let operation = match &parsed.statement {
        ast::Statement::Query(query) => binder.query_statement(query)?,
        ast::Statement::Insert(insert) => binder.insert(insert)?,
        ast::Statement::Update(update) => binder.update(update)?,
        ast::Statement::Delete(delete) => binder.delete(delete)?,
        _ => return Err(Error::internal("this statement has no plan")),
    };
    binder.finish(operation)
}

/// Binds one expression over the columns of a table (CHECK, DEFAULT, index expressions), without
/// subqueries or parameters. The input row is the declared columns in order.
pub fn bind_table_expression(
    expression: &ast::Expr,
    table: &Arc<Collection>,
    wanted: Option<(Type, i32)>,
    environment: &Environment<'_>,
) -> Result<Expression> {
    let mut binder = Binder::new(environment, 0, 0)?;
    let (node, scope) = binder.table_row(table, None)?;
    binder.push(scope, Some(node), Clause::Where);
    let bound = binder.expression(expression)?;
    match wanted {
        Some((ty, modifier)) => resolve::assign(&mut binder, bound, ty, modifier, None),
        None => binder.settled(bound),
    }
}

/// Binds one expression over no row (a DEFAULT, EXECUTE's arguments).
pub fn bind_constant_expression(
    expression: &ast::Expr,
    wanted: Option<(Type, i32)>,
    environment: &Environment<'_>,
) -> Result<Expression> {
    let mut binder = Binder::new(environment, 0, 0)?;
    binder.push(Scope::default(), Some(Node::new(NodeKind::Single, Vec::new())), Clause::Values);
    let bound = binder.expression(expression)?;
    match wanted {
        Some((ty, modifier)) => resolve::assign(&mut binder, bound, ty, modifier, None),
        None => binder.settled(bound),
    }
}

/// What a finished operation is, with its answer's columns.
type Operation = (query::plan::Operation, Vec<query::plan::OutputColumn>);

impl<'e> Binder<'e> {
    fn new(environment: &'e Environment<'e>, parameters: u32, literals: u32) -> Result<Self> {
        if parameters > PARAMETERS_MAX {
            return Err(Error::new(
                ErrorKind::Limit,
                "54023",
                format!("there is no parameter ${parameters}"),
            ));
        }
        let count = (parameters as usize).max(environment.parameters.len());
        let mut types = environment.parameters.to_vec();
        types.resize(count, None);
        Ok(Binder {
            environment,
            levels: Vec::new(),
            parameters: types,
            literals: vec![LiteralUse::Unused; literals as usize],
            slots: 0,
            uses: Vec::new(),
            outputs_open: false,
            constants_only: false,
        })
    }

    fn finish(self, (operation, columns): Operation) -> Result<Bound> {
        let mut parameters = Vec::with_capacity(self.parameters.len());
        for (at, ty) in self.parameters.iter().enumerate() {
            parameters.push(ty.ok_or_else(|| undetermined(at + 1))?);
        }
        let mut looked_at = Vec::new();
        let mut lifted = Vec::with_capacity(self.literals.len());
        for (ordinal, what) in self.literals.iter().enumerate() {
            lifted.push(match what {
                LiteralUse::Lifted(lifted) => Some(*lifted),
                LiteralUse::LookedAt => {
                    looked_at.push(ordinal as u32);
                    None
                }
                LiteralUse::Unused => None,
            });
        }
        let statement = Statement {
            operation,
            columns,
            parameters,
            lifted,
            applied: self.slots,
            uses: self.uses,
            cacheable: true,
        };
        Ok(Bound { statement, looked_at })
    }

    /// The first applied slot's parameter number.
    fn applied_base(&self) -> u32 {
        (self.parameters.len() + self.literals.len()) as u32
    }

    fn look_at(&mut self, ordinal: u32) {
        if let Some(what) = self.literals.get_mut(ordinal as usize) {
            *what = LiteralUse::LookedAt;
        }
    }

    fn push(&mut self, scope: Scope, node: Option<Node>, clause: Clause) {
        self.levels.push(Level {
            scope,
            node,
            grouping: None,
            captured: Vec::new(),
            captured_item: Vec::new(),
            visible: true,
            clause,
        });
    }

    /// The level being bound. There always is one while expressions are bound.
    fn level(&mut self) -> Result<&mut Level> {
        self.levels.last_mut().ok_or_else(|| Error::internal("no query level"))
    }

    fn take_node(&mut self) -> Result<Node> {
        self.level()?.node.take().ok_or_else(|| Error::internal("no input node"))
    }

    fn put_node(&mut self, node: Node) -> Result<()> {
        self.level()?.node = Some(node);
        Ok(())
    }

    fn in_clause<T>(
        &mut self,
        clause: Clause,
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let before = std::mem::replace(&mut self.level()?.clause, clause);
        let result = work(self)?;
        self.level()?.clause = before;
        Ok(result)
    }

    fn used(&mut self, collection: &Arc<Collection>) {
        if !self.uses.iter().any(|known| known.id == collection.id) {
            self.uses.push(collection.clone());
        }
    }

    /// An expression whose unknown type, if it is one, becomes text.
    fn settled(&mut self, expression: Expression) -> Result<Expression> {
        if expression.ty == Type::UNKNOWN {
            return resolve::coerce_to(self, expression, Type::TEXT, -1);
        }
        Ok(expression)
    }
}

fn undetermined(parameter: usize) -> Error {
    let message = format!("could not determine data type of parameter ${parameter}");
    Error::new(ErrorKind::Type, "42P18", message)
}

/// An expression over a column of the input row.
fn column(position: u32, ty: Type, modifier: i32) -> Expression {
    Expression { node: ExpressionNode::Column(position), ty, modifier, offset: u32::MAX }
}
