//! The model's door to expressions, opened: CHECK, DEFAULT and index expressions of the catalogue
//! are SQL text.

use std::any::Any;
use std::sync::Arc;

use language::sql;
use model::datum::{Arena, Datum};
use model::types::Type;
use model::{Catalogue, Collection, ColumnId};
use query::expression::{Context, Expression, Session};
use query::function::Volatility;

/// Compiles the catalogue's texts with PostgreSQL's dialect, in which they are stored.
pub struct Compiler;

impl model::expressions::Expressions for Compiler {
    fn compile(
        &self,
        text: &str,
        collection: &Collection,
        expect: Option<(Type, i32)>,
    ) -> Result<Arc<dyn model::expressions::Evaluator>, model::error::ExpressionError> {
        let tree = sql::parse_expression(text, sql::Dialect::PostgreSql)
            .map_err(|error| Arc::new(error) as model::error::ExpressionError)?;
        let catalogue = Catalogue::default();
        let environment = sql::bind::Environment {
            catalogue: &catalogue,
            database: collection.database,
            database_name: "",
            search_path: &[],
            parameters: &[],
            lift: false,
        };
        let table = Arc::new(collection.clone());
        let expression = sql::bind::bind_table_expression(&tree, &table, expect, &environment)
            // An offset in the catalogue's text is none in the client's.
            .map_err(|error| Arc::new(error.nowhere()) as model::error::ExpressionError)?;
        let columns = expression.columns();
        let columns = columns
            .iter()
            .filter_map(|at| Some(collection.columns.get(*at as usize)?.id))
            .collect();
        Ok(Arc::new(Compiled { expression, columns }))
    }

    fn rename_column(
        &self,
        text: &str,
        _: &Collection,
        from: &str,
        to: &str,
    ) -> Result<String, model::error::ExpressionError> {
        sql::texts::rename_column(text, from, to, sql::Dialect::PostgreSql)
            .map_err(|error| Arc::new(error) as model::error::ExpressionError)
    }
}

struct Compiled {
    expression: Expression,
    columns: Vec<ColumnId>,
}

/// What the model hands to evaluators: the session of the transaction.
pub struct Surroundings(pub Arc<dyn Session>);

impl model::expressions::Evaluator for Compiled {
    fn ty(&self) -> Type {
        self.expression.ty
    }

    fn columns(&self) -> Vec<ColumnId> {
        self.columns.clone()
    }

    fn is_immutable(&self) -> bool {
        self.expression.volatility() == Volatility::Immutable
    }

    fn is_volatile(&self) -> bool {
        self.expression.volatility() == Volatility::Volatile
    }

    fn evaluate<'a>(
        &'a self,
        environment: &'a (dyn Any + Send + Sync),
        row: &[Datum<'a>],
        arena: &'a Arena,
    ) -> Result<Datum<'a>, model::error::ExpressionError> {
        let session: &dyn Session = match environment.downcast_ref::<Surroundings>() {
            Some(surroundings) => &*surroundings.0,
            None => &crate::background::BACKGROUND,
        };
        let context = Context { parameters: &[], session };
        self.expression
            .eval(&context, row, arena)
            .map_err(|error| Arc::new(error) as model::error::ExpressionError)
    }
}
