//! Bound expressions: typed, resolved, and free of the store.
//!
//! The binder turns syntax into this; each operator and function is a pointer to its entry of the function table. A
//! row expression is evaluated by walking the tree over a slice of datums ([`Expression::eval`]); the value lies in
//! the caller's arena.
//!
//! **Invariants**
//! - `ty` of a node is what its value's datum is of, for every input (or NULL).
//! - A `Column` is a position in the operator's input row; a `Parameter` a position in the execution's parameters: first the
//!   client's `$n`, then the literals lifted out of the text, then what an `Apply` passes down.
//! - AND, OR, CASE and COALESCE evaluate lazily, left to right; everything else evaluates all arguments.
//!
//! Rejected: closures compiled for each expression (a cached plan must be shared and shown by EXPLAIN).

mod constant;
mod print;
mod walk;

pub use constant::Constant;
pub use print::Names;

use crate::function::Function;
use crate::{Arena, Datum, Result, Type};

/// What evaluation may ask of its surroundings.
pub struct Context<'e> {
    /// The execution's parameters.
    pub parameters: &'e [Datum<'e>],
    /// What the session and the statement give: time, zone, user, settings, sequences.
    pub session: &'e dyn Session,
}

/// What functions such as `now()`, `current_user` and `nextval` ask for.
pub trait Session: Send + Sync {
    /// Microseconds since 1970 UTC at the start of the transaction.
    fn transaction_time(&self) -> i64;
    /// At the start of the statement.
    fn statement_time(&self) -> i64;
    /// Now.
    fn clock_time(&self) -> i64;
    /// The session's time zone, an IANA name or a POSIX-style offset.
    fn time_zone(&self) -> &str;
    /// A setting by its lower-case name (SHOW).
    fn setting(&self, name: &str) -> Option<String>;
    /// Changes a setting (set_config).
    fn set_setting(&self, name: &str, value: &str, local: bool) -> Result<()>;
    /// The user's name.
    fn user(&self) -> &str;
    /// The database's name.
    fn database(&self) -> &str;
    /// The schemas searched for unqualified names, in order.
    fn search_path(&self) -> Vec<String>;
    /// The number by which this connection can be cancelled.
    fn backend_pid(&self) -> i32;
    /// Takes the next value of a sequence, by name as SQL writes it.
    fn nextval(&self, sequence: &str) -> Result<i64>;
    /// The value that this session last took.
    fn currval(&self, sequence: Option<&str>) -> Result<i64>;
    /// Sets a sequence.
    fn setval(&self, sequence: &str, value: i64, called: bool) -> Result<i64>;
    /// A uniform double in [0, 1).
    fn random(&self) -> f64;
    /// A fresh UUID (version 4).
    fn uuid(&self) -> [u8; 16];
    /// The catalogue as the statement sees it, for `regclass` and the pg_get_… functions.
    fn catalogue(&self) -> std::sync::Arc<model::Catalogue>;
    /// The database that names are looked up in.
    fn database_id(&self) -> model::DatabaseId;

    /// pg_class.oid of a relation, index or sequence. System tables are the implementer's to add.
    fn relation_number(&self, schema: &str, name: &str) -> Option<u32> {
        let (catalogue, database) = (self.catalogue(), self.database_id());
        crate::cast::registered::catalogue_relation(&catalogue, database, schema, name)
    }

    /// Schema and name of a relation, index or sequence.
    fn relation_name(&self, number: u32) -> Option<(String, String)> {
        let (catalogue, database) = (self.catalogue(), self.database_id());
        crate::cast::registered::catalogue_name(&catalogue, database, number)
    }

    /// pg_namespace.oid of a schema.
    fn schema_number(&self, name: &str) -> Option<u32> {
        let catalogue = self.catalogue();
        let database = catalogue.databases.values().find(|d| d.id == self.database_id())?;
        match name {
            "pg_catalog" => Some(11),
            "public" => Some(2200),
            name => database.schemas.get(name).map(|number| number.0),
        }
    }

    /// The schema of a number.
    fn schema_name(&self, number: u32) -> Option<String> {
        let catalogue = self.catalogue();
        let database = catalogue.databases.values().find(|d| d.id == self.database_id())?;
        match number {
            11 => return Some("pg_catalog".to_owned()),
            2200 => return Some("public".to_owned()),
            _ => {}
        }
        database.schemas.iter().find(|(_, n)| n.0 == number).map(|(name, _)| name.clone())
    }

    /// When the server started, microseconds since 1970 UTC.
    fn start_time(&self) -> i64 {
        self.transaction_time()
    }

    /// Bytes on disk of a relation, as far as the store knows; `None` where it has no such number.
    fn relation_size(&self, number: u32) -> Option<i64> {
        self.relation_name(number).map(|_| 0)
    }

    /// The number of the running transaction, for txid_current.
    fn transaction_id(&self) -> i64 {
        self.transaction_time()
    }

    /// Cancels the statement of another connection, or ends the connection.
    fn signal(&self, pid: i32, end: bool) -> Result<bool> {
        let _ = (pid, end);
        Err(crate::Error::unsupported("a signal to another connection"))
    }
}
/// A typed expression over one input row.
#[derive(Debug, Clone)]
pub struct Expression {
    /// What it is.
    pub node: Node,
    /// The type of its value.
    pub ty: Type,
    /// The type's modifier, -1 where none is known.
    pub modifier: i32,
    /// Byte offset in the text, for run-time errors that name a place. `u32::MAX`: none.
    pub offset: u32,
}

/// The kinds of expression.
#[derive(Debug, Clone)]
pub enum Node {
    /// A column of the input row.
    Column(u32),
    /// A parameter of the execution.
    Parameter(u32),
    /// A value known at binding.
    Constant(Constant),
    /// A function or operator of the table.
    Call {
        /// The entry.
        function: &'static Function,
        /// Its arguments, of its declared types.
        arguments: Vec<Expression>,
    },
    /// Three-valued AND over two or more.
    And(Vec<Expression>),
    /// Three-valued OR over two or more.
    Or(Vec<Expression>),
    /// Three-valued NOT.
    Not(Box<Expression>),
    /// IS NULL, or IS NOT NULL where `negated`.
    IsNull {
        /// What is tested.
        argument: Box<Expression>,
        /// IS NOT NULL.
        negated: bool,
    },
    /// IS [NOT] TRUE/FALSE: never NULL.
    IsBool {
        /// What is tested.
        argument: Box<Expression>,
        /// Which truth value.
        value: bool,
        /// IS NOT.
        negated: bool,
    },
    /// IS [NOT] DISTINCT FROM by an equality of the table.
    IsDistinct {
        /// The equality operator.
        equal: &'static Function,
        /// Both sides.
        sides: Box<(Expression, Expression)>,
        /// IS NOT DISTINCT FROM.
        negated: bool,
    },
    /// CASE WHEN … (an operand was bound into the conditions).
    Case {
        /// Conditions and results.
        branches: Vec<(Expression, Expression)>,
        /// ELSE.
        otherwise: Option<Box<Expression>>,
    },
    /// COALESCE.
    Coalesce(Vec<Expression>),
    /// GREATEST or LEAST by a `<` of the table; NULLs are left out.
    Extreme {
        /// The `<` operator of the common type.
        less: &'static Function,
        /// Whether the greatest.
        greatest: bool,
        /// The candidates.
        arguments: Vec<Expression>,
    },
    /// `x op ANY (array)` or ALL; also IN with a list, as an array.
    AnyAll {
        /// The operator, applied as `left op element`.
        operator: &'static Function,
        /// ALL instead of ANY.
        all: bool,
        /// Left side.
        left: Box<Expression>,
        /// An array-valued expression.
        array: Box<Expression>,
    },
    /// `x IN (a, b, c)` over scalar expressions, by an equality of the table.
    InList {
        /// The equality operator.
        equal: &'static Function,
        /// Left side.
        left: Box<Expression>,
        /// The candidates.
        list: Vec<Expression>,
        /// NOT IN.
        negated: bool,
    },
    /// ARRAY[…] (elements of `ty.element()`; arrays of arrays nest).
    Array(Vec<Expression>),
    /// ROW(…).
    Row(Vec<Expression>),
}

impl Expression {
    /// The value over one row.
    ///
    /// # Errors
    /// Whatever the functions in it say.
    pub fn eval<'a>(
        &'a self,
        context: &Context<'a>,
        row: &[Datum<'a>],
        arena: &'a Arena,
    ) -> Result<Datum<'a>> {
        crate::function::eval(self, context, row, arena)
    }
}
