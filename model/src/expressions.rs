//! The door to expressions: CHECK, DEFAULT, STORED, index expressions and predicates.
//!
//! ```text
//!   catalogue: text ──Expressions::compile──► Evaluator ──(row of datums, arena)──► Datum
//!        model                 query                 query                         model
//! ```
//!
//! The catalogue keeps expressions as SQL text and the model does not read SQL, so the layer above
//! hands in a compiler. What it makes is shared by every session that uses the same version of a
//! collection; what belongs to one session (its clock, its user) comes in at evaluation as an
//! [`Environment`] that only the maker of the evaluator looks into.
//!
//! **Invariants**
//! - An evaluator's input row is the collection's declared columns in order, hidden ones included.
//! - Compiling the same text against the same collection version gives evaluators that answer the
//!   same.
//! - An evaluator never touches the store.
//!
//! Rejected: the expression tree in this crate. The model would then know functions, operators and
//! their versions.

use std::any::Any;
use std::sync::Arc;

use crate::datum::{Arena, Datum};
use crate::error::ExpressionError;
use crate::schema::{Collection, ColumnId};
use crate::types::Type;

/// What belongs to one session; opaque here.
pub type Environment = Arc<dyn Any + Send + Sync>;

/// Compiles the catalogue's texts.
pub trait Expressions: Send + Sync {
    /// Compiles an SQL expression over the declared columns of a collection. `expect` is the type
    /// that the result is cast to (a default's column, boolean for a check); `None` leaves the
    /// expression's own.
    fn compile(
        &self,
        text: &str,
        collection: &Collection,
        expect: Option<(Type, i32)>,
    ) -> Result<Arc<dyn Evaluator>, ExpressionError>;

    /// The text with a column's name replaced, for RENAME COLUMN.
    fn rename_column(
        &self,
        text: &str,
        collection: &Collection,
        from: &str,
        to: &str,
    ) -> Result<String, ExpressionError>;
}

/// A compiled expression.
pub trait Evaluator: Send + Sync {
    /// The type of its value.
    fn ty(&self) -> Type;

    /// The declared columns that it reads.
    fn columns(&self) -> Vec<ColumnId>;

    /// Whether the same row gives the same value for ever (index expressions must).
    fn is_immutable(&self) -> bool;

    /// Whether two evaluations in one statement may differ (`random()`, `nextval()`).
    fn is_volatile(&self) -> bool;

    /// The value over one row.
    fn evaluate<'a>(
        &'a self,
        environment: &'a (dyn Any + Send + Sync),
        row: &[Datum<'a>],
        arena: &'a Arena,
    ) -> Result<Datum<'a>, ExpressionError>;
}

/// Refuses every expression: for stores that are used without a query layer.
#[derive(Debug, Default, Clone, Copy)]
pub struct NoExpressions;

impl Expressions for NoExpressions {
    fn compile(
        &self,
        text: &str,
        _: &Collection,
        _: Option<(Type, i32)>,
    ) -> Result<Arc<dyn Evaluator>, ExpressionError> {
        Err(Arc::new(crate::Error::Unsupported(format!("the expression {text}"))))
    }

    fn rename_column(
        &self,
        text: &str,
        _: &Collection,
        _: &str,
        _: &str,
    ) -> Result<String, ExpressionError> {
        Err(Arc::new(crate::Error::Unsupported(format!("the expression {text}"))))
    }
}
