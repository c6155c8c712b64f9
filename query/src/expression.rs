//! Bound expressions: typed, resolved, and free of the store.
//!
//! The binder turns syntax into this; each operator and function is a pointer to its entry of the
//! function table. A row expression is evaluated by walking the tree over a slice of datums
//! ([`Expression::eval`]); the value lies in the caller's arena.
//!
//! **Invariants**
//! - `ty` of a node is what its value's datum is of, for every input (or NULL).
//! - A `Column` is a position in the operator's input row; a `Parameter` a position in the
//!   execution's parameters: first the client's `$n`, then the literals lifted out of the text,
//!   then what an `Apply` passes down.
//! - AND, OR, CASE and COALESCE evaluate lazily, left to right; everything else evaluates all
//!   arguments.
//!
//! Rejected: closures compiled for each expression (a cached plan must be shared and shown by
//! EXPLAIN).

mod constant;
mod print;
mod walk;

pub use constant::Constant;
pub use print::Names;

use std::sync::Arc;

use crate::function::Function;
use crate::predicate::Leaf;
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

    /// pg_class.oid of a relation, index, sequence or system table.
    fn relation_number(&self, schema: &str, name: &str) -> Option<u32> {
        crate::system::relation_number(&self.catalogue(), self.database_id(), schema, name)
    }

    /// Schema and name of a relation, index, sequence or system table.
    fn relation_name(&self, number: u32) -> Option<(String, String)> {
        crate::system::relation_name(&self.catalogue(), self.database_id(), number)
    }

    /// pg_namespace.oid of a schema.
    fn schema_number(&self, name: &str) -> Option<u32> {
        crate::system::schema_number(&self.catalogue(), self.database_id(), name)
    }

    /// The schema of a number.
    fn schema_name(&self, number: u32) -> Option<String> {
        crate::system::schema_name(&self.catalogue(), self.database_id(), number)
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

    /// Rows of a collection as far as the store counts them; `None`: not known.
    fn row_count(&self, collection: model::CollectionId) -> Option<i64> {
        let _ = collection;
        None
    }

    /// The value that a sequence gave last; `None` where it gave none yet.
    fn sequence_last(&self, sequence: &model::Sequence) -> Option<i64> {
        let _ = sequence;
        None
    }

    /// The type of an expression over a collection's columns, as in an index; `None`: not known.
    fn expression_type(&self, collection: &model::Collection, text: &str) -> Option<Type> {
        let _ = (collection, text);
        None
    }

    /// The columns that an expression over a collection reads, as in a CHECK.
    fn expression_columns(
        &self,
        collection: &model::Collection,
        text: &str,
    ) -> Vec<model::ColumnId> {
        let _ = (collection, text);
        Vec::new()
    }

    /// The rows of pg_settings in name order.
    fn settings(&self) -> Vec<crate::system::report::Setting> {
        Vec::new()
    }

    /// The open connections, for pg_stat_activity.
    fn activity(&self) -> Vec<crate::system::report::Activity> {
        Vec::new()
    }

    /// The locks held and waited for, for pg_locks.
    fn locks(&self) -> Vec<crate::system::report::Lock> {
        Vec::new()
    }

    /// The session's prepared statements.
    fn prepared_statements(&self) -> Vec<crate::system::report::Prepared> {
        Vec::new()
    }

    /// The session's open cursors.
    fn cursors(&self) -> Vec<crate::system::report::Cursor> {
        Vec::new()
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
    /// `IS [NOT] TRUE/FALSE`: never NULL.
    IsBool {
        /// What is tested.
        argument: Box<Expression>,
        /// Which truth value.
        value: bool,
        /// IS NOT.
        negated: bool,
    },
    /// `IS [NOT] DISTINCT FROM` by an equality of the table.
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
    /// A predicate's leaf about a document: true or false, NULL only where there is no document.
    Match {
        /// The document, as a jsonb value.
        document: Box<Expression>,
        /// What is asked of it.
        leaf: Arc<Leaf>,
    },
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
