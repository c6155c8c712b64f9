//! Preparing: text to a statement that can be described and run many times.
//!
//! A statement with a plan is bound against the catalogue of the transaction it is prepared in;
//! when it runs and one of its collections has changed since, it is bound again, and if its
//! answer's columns changed with it that is error 0A000, since the client was told other ones.

use std::sync::Arc;

use language::sql::{self, Dialect, ast};
use model::Catalogue;
use query::execute::start;
use query::plan::{self, OutputColumn};

use super::cached::Shape;
use super::{Session, Status};
use crate::{Error, ErrorKind, Result, Type};

/// A statement ready to run.
pub struct Prepared {
    /// Its text alone.
    pub text: String,
    /// The tree.
    pub parsed: Arc<ast::Parsed>,
    /// The highest `$n`.
    pub parameter_count: u32,
    /// Types that the client gave.
    given: Vec<Option<Type>>,
    /// Types of the parameters, `$1` first.
    pub parameters: Vec<Type>,
    /// What it answers; empty where it answers no rows.
    pub columns: Arc<[OutputColumn]>,
    /// Its plan, if it is one that reads or writes rows.
    plan: parking_lot::Mutex<Option<Bound>>,
}

/// A plan with what it was bound against.
#[derive(Clone)]
struct Bound {
    plan: Arc<start::Prepared>,
    literals: Arc<[Option<String>]>,
    search_path: Arc<[String]>,
}

/// A plan and the texts of the literals that it lifted.
pub(super) struct Runnable {
    pub plan: Arc<start::Prepared>,
    pub literals: Arc<[Option<String>]>,
}

/// Splits a text into its statements.
///
/// # Errors
/// `42601` and its kin, with the place.
pub fn parse(text: &str) -> Result<Vec<Arc<ast::Parsed>>> {
    let parsed = sql::parse(text, Dialect::PostgreSql).map_err(|error| syntax(&error))?;
    Ok(parsed.into_iter().map(Arc::new).collect())
}

pub(super) fn syntax(error: &sql::ParseError) -> Error {
    let kind = ErrorKind::Syntax;
    let made = Error::new(kind, error.sqlstate(), error.to_string());
    let made = match error.hint() {
        Some(hint) => made.hint(hint),
        None => made,
    };
    match error.position() {
        Some(position) => made.at(position),
        None => made,
    }
}

/// Whether a statement is one that has a plan.
pub(super) fn has_plan(statement: &ast::Statement) -> bool {
    use ast::Statement::*;
    matches!(statement, Query(_) | Insert(_) | Update(_) | Delete(_))
}

impl Session {
    /// Prepares one statement of a text.
    ///
    /// # Errors
    /// What binding says; `25P02` in a failed transaction.
    pub async fn prepare(
        &mut self,
        text: &str,
        parsed: &Arc<ast::Parsed>,
        given: &[Option<Type>],
    ) -> Result<Arc<Prepared>> {
        let own = text.get(parsed.start as usize..parsed.end as usize).unwrap_or(text);
        let shape = if has_plan(&parsed.statement) { self.shape(own, given) } else { None };
        self.prepare_as(shape, own, parsed, given).await
    }

    /// Prepares a statement; `shape` is that of its text, where the text is all of it and a plan
    /// may serve others of its like.
    pub(super) async fn prepare_as(
        &mut self,
        shape: Option<Shape>,
        own: &str,
        parsed: &Arc<ast::Parsed>,
        given: &[Option<Type>],
    ) -> Result<Arc<Prepared>> {
        self.refuse_failed(&parsed.statement)?;
        let parameter_count = sql::texts::highest_parameter(own, Dialect::PostgreSql)
            .map_err(|error| syntax(&error))?;
        if let Some(known) =
            shape.as_ref().and_then(|s| self.qanat.0.plans.get(&s.key, &s.literals))
            && self.is_current(&known).await?
            && known.text == own
        {
            return Ok(known);
        }
        let mut looked_at = Vec::new();
        let mut prepared = Prepared {
            text: own.to_owned(),
            parsed: parsed.clone(),
            parameter_count,
            given: given.to_vec(),
            parameters: Vec::new(),
            columns: Arc::default(),
            plan: parking_lot::Mutex::new(None),
        };
        if has_plan(&parsed.statement) {
            let bound = Box::pin(self.bind(&prepared, &mut looked_at)).await?;
            prepared.parameters = bound.plan.statement.parameters.clone();
            prepared.columns = bound.plan.statement.columns.as_slice().into();
            prepared.plan = parking_lot::Mutex::new(Some(bound));
        } else {
            prepared.columns = self.utility_columns(&parsed.statement).await?.into();
        }
        let prepared = Arc::new(prepared);
        self.keep_plan(shape, &prepared, &looked_at);
        Ok(prepared)
    }

    /// Whether a prepared statement's plan still fits the catalogue of this session's transaction.
    pub(super) async fn is_current(&mut self, prepared: &Prepared) -> Result<bool> {
        let Some(bound) = prepared.plan.lock().clone() else { return Ok(false) };
        let catalogue = self.active().await?.work.catalogue();
        Ok(is_current(&bound.plan.statement, &catalogue))
    }

    /// The plan of a prepared statement, bound again if what it stands on has changed.
    pub(super) async fn runnable(&mut self, prepared: &Prepared) -> Result<Runnable> {
        let known = prepared.plan.lock().clone();
        if let Some(bound) = known {
            let path = self.search_path();
            let active = self.active().await?;
            if (Arc::ptr_eq(&bound.search_path, &path) || bound.search_path == path)
                && is_current(&bound.plan.statement, &active.work.catalogue())
            {
                return Ok(Runnable { plan: bound.plan, literals: bound.literals });
            }
        }
        let bound = Box::pin(self.bind(prepared, &mut Vec::new())).await?;
        if *bound.plan.statement.columns != *prepared.columns {
            let message = "cached plan must not change result type";
            return Err(Error::new(ErrorKind::Unsupported, "0A000", message));
        }
        *prepared.plan.lock() = Some(bound.clone());
        Ok(Runnable { plan: bound.plan, literals: bound.literals })
    }

    async fn bind(&mut self, prepared: &Prepared, looked_at: &mut Vec<u32>) -> Result<Bound> {
        let search_path = self.search_path();
        let (database, name) = (self.database.id, self.database.name.clone());
        let active = self.active().await?;
        let catalogue = active.work.catalogue();
        let environment = sql::bind::Environment {
            catalogue: &catalogue,
            database,
            database_name: &name,
            search_path: &search_path,
            parameters: &prepared.given,
            lift: true,
        };
        let bound = sql::bind::bind(&prepared.parsed, prepared.parameter_count, &environment)?;
        looked_at.clone_from(&bound.looked_at);
        let literals = sql::texts::literal_texts(&prepared.text, Dialect::PostgreSql)
            .map_err(|error| syntax(&error))?;
        let literals: Vec<Option<String>> = literals
            .into_iter()
            .zip(&bound.statement.lifted)
            .map(|(text, lifted)| lifted.is_some().then_some(text))
            .collect();
        let statistics = plan::optimize::Statistics::of(&active.work, &bound.statement).await?;
        let optimized =
            plan::optimize::optimize(bound.statement, &statistics, &*active.environment);
        Ok(Bound {
            plan: Arc::new(start::Prepared::new(optimized)?),
            literals: literals.into(),
            search_path,
        })
    }

    /// 25P02 for everything but the end of a failed transaction.
    pub(super) fn refuse_failed(&self, statement: &ast::Statement) -> Result<()> {
        if self.status != Status::Failed {
            return Ok(());
        }
        use ast::{Statement, Transaction};
        let ends = matches!(
            statement,
            Statement::Transaction(
                Transaction::Commit { .. }
                    | Transaction::Rollback { .. }
                    | Transaction::RollbackTo(_)
            ) | Statement::Empty
        );
        if ends {
            return Ok(());
        }
        let message =
            "current transaction is aborted, commands ignored until end of transaction block";
        Err(Error::new(ErrorKind::State, "25P02", message))
    }

    /// Keeps a statement under a name (PREPARE, Parse). The empty name is overwritten, others are
    /// not.
    ///
    /// # Errors
    /// `42P05` where the name is taken.
    pub fn keep_prepared(&mut self, name: &str, prepared: Arc<Prepared>) -> Result<()> {
        if !name.is_empty() && self.prepared.contains_key(name) {
            let message = format!("prepared statement \"{name}\" already exists");
            return Err(Error::new(ErrorKind::Name, "42P05", message));
        }
        self.prepared.insert(name.to_owned(), prepared);
        Ok(())
    }

    /// A kept statement.
    ///
    /// # Errors
    /// `26000` where there is none.
    pub fn prepared(&self, name: &str) -> Result<&Arc<Prepared>> {
        self.prepared.get(name).ok_or_else(|| {
            let message = if name.is_empty() {
                "unnamed prepared statement does not exist".to_owned()
            } else {
                format!("prepared statement \"{name}\" does not exist")
            };
            Error::new(ErrorKind::Name, "26000", message)
        })
    }

    /// Forgets a kept statement; no error where there is none.
    pub fn forget_prepared(&mut self, name: &str) {
        self.prepared.remove(name);
    }

    /// Forgets all kept statements.
    pub fn forget_all_prepared(&mut self) {
        self.prepared.clear();
    }
}

/// Whether every collection of a plan is the one in the catalogue.
fn is_current(plan: &plan::Statement, catalogue: &Catalogue) -> bool {
    plan.uses.iter().all(|used| {
        catalogue
            .collections
            .get(&used.id)
            .is_some_and(|known| Arc::ptr_eq(known, used) || known == used)
    })
}
