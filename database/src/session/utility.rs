//! Statements without a plan: settings, transactions, PREPARE and EXECUTE, maintenance.

use std::sync::Arc;

use language::sql::ast::{self, Statement};
use model::datum::Datum;
use query::execute::batch::Batch;
use query::plan::OutputColumn;

use super::portal::Tag;
use super::{Parameters, Portal, Prepared, Session, Started, TextParameters};
use crate::{Error, ErrorKind, Result, Type};

/// A text column of an answer.
pub(super) fn text_column(name: &str) -> OutputColumn {
    OutputColumn { name: name.to_owned(), ty: Type::TEXT, modifier: -1, origin: (0, 0) }
}

/// Rows of texts.
pub(super) fn text_rows(width: usize, rows: &[Vec<Option<String>>]) -> Result<Vec<Arc<Batch>>> {
    let (batch, ()) = Batch::build(width, |writer| {
        for row in rows {
            writer.make(|cells, arena| {
                cells.extend(row.iter().map(|cell| match cell {
                    Some(text) => Datum::Text(arena.text(text)),
                    None => Datum::Null,
                }));
                Ok(true)
            })?;
        }
        Ok(())
    })?;
    Ok(if batch.is_empty() { Vec::new() } else { vec![batch] })
}

impl Session {
    /// The columns that a statement without a plan answers, for Describe.
    pub(super) async fn utility_columns(
        &mut self,
        statement: &Statement,
    ) -> Result<Vec<OutputColumn>> {
        Ok(match statement {
            Statement::Show(ast::Show::All) => {
                ["name", "setting", "description"].map(text_column).to_vec()
            }
            Statement::Show(ast::Show::Name(name)) => {
                vec![text_column(&self.shown_name(&name.name)?)]
            }
            Statement::Explain(_) => vec![text_column("QUERY PLAN")],
            Statement::Execute(execute) => self.prepared(&execute.name.name)?.columns.to_vec(),
            Statement::Fetch(fetch) if !fetch.is_move => self.cursor_columns(&fetch.cursor.name)?,
            _ => Vec::new(),
        })
    }

    fn shown_name(&self, name: &str) -> Result<String> {
        let all = self.settings.lock().all();
        let known = all.iter().find(|shown| shown.name.eq_ignore_ascii_case(name));
        match known {
            Some(shown) => Ok(shown.name.to_owned()),
            None => self.settings.lock().get(name).map(str::to_owned),
        }
    }

    /// Runs a statement without a plan.
    pub(super) async fn run_utility(
        &mut self,
        prepared: &Arc<Prepared>,
        parameters: &dyn Parameters,
    ) -> Result<Started> {
        let statement = &prepared.parsed.statement;
        if !matches!(statement, Statement::Execute(_)) && parameters.count() > 0 {
            let message = "bind message supplies parameters, but this statement takes none";
            return Err(Error::new(ErrorKind::Syntax, "08P01", message));
        }
        let portal = match statement {
            Statement::Empty => return Ok(Started::Empty),
            Statement::Transaction(transaction) => {
                Portal::done(self.transaction_statement(transaction).await?)
            }
            Statement::Set(set) => self.set(set).await?,
            Statement::Show(show) => self.show_setting(show)?,
            Statement::Prepare(prepare) => self.prepare_statement(prepare, &prepared.text).await?,
            Statement::Execute(execute) => return self.execute_statement(execute).await,
            Statement::Deallocate(name) => self.deallocate(name.as_ref())?,
            Statement::DeclareCursor(declare) => self.declare(declare, &prepared.text).await?,
            Statement::Fetch(fetch) => self.fetch_cursor(fetch).await?,
            Statement::Close(name) => {
                self.close_cursor(name.as_ref().map(|name| name.name.as_str()))?
            }
            Statement::Copy(copy) => return self.copy(copy, &prepared.text).await,
            Statement::Explain(explain) => self.explain(explain, &prepared.text).await?,
            Statement::Vacuum(vacuum) => self.vacuum(vacuum).await?,
            Statement::Checkpoint => Portal::done("CHECKPOINT"),
            // Nobody listens, since LISTEN is refused; pools send it before they lend a connection.
            Statement::Unlisten(_) => Portal::done("UNLISTEN"),
            Statement::Discard(target) => self.discard(*target)?,
            Statement::Lock(lock) => self.lock_tables(lock).await?,
            Statement::Unsupported(unsupported) => {
                return Err(Error::unsupported(&unsupported.name).at(unsupported.position.0));
            }
            Statement::CreateView(_) => return Err(Error::unsupported("CREATE VIEW")),
            Statement::CreateEnum(_) => return Err(Error::unsupported("CREATE TYPE")),
            Statement::Comment(_) => return Err(Error::unsupported("COMMENT")),
            Statement::Reindex(_) => return Err(Error::unsupported("REINDEX")),
            Statement::Cluster(_) => return Err(Error::unsupported("CLUSTER")),
            Statement::Listen(_) => return Err(Error::unsupported("LISTEN")),
            Statement::Notify(_) => return Err(Error::unsupported("NOTIFY")),
            Statement::Do(_) => return Err(Error::unsupported("DO")),
            Statement::Call(_) => return Err(Error::unsupported("CALL")),
            Statement::Query(_)
            | Statement::Insert(_)
            | Statement::Update(_)
            | Statement::Delete(_) => {
                return Err(Error::internal("a statement with a plan"));
            }
            _ => self.define(prepared).await?,
        };
        Ok(Started::Portal(portal))
    }

    async fn set(&mut self, set: &ast::Set) -> Result<Portal> {
        let local = set.scope == ast::SetScope::Local;
        if local && self.status() != super::Status::Explicit {
            self.notice("WARNING", "25P01", "SET LOCAL can only be used in transaction blocks");
        }
        match &set.kind {
            ast::SetKind::Value { name, values } => {
                self.set_value(&name.name, values, local).await?
            }
            ast::SetKind::Default(name) => self.settings.lock().reset(&name.name, local)?,
            ast::SetKind::Reset(name) => {
                self.settings.lock().reset(&name.name, false)?;
                return Ok(Portal::done("RESET"));
            }
            ast::SetKind::ResetAll => {
                self.settings.lock().reset_all();
                return Ok(Portal::done("RESET"));
            }
            ast::SetKind::Transaction(modes) => self.change_modes(modes).await?,
            ast::SetKind::SessionCharacteristics(modes) => self.change_default_modes(modes)?,
            ast::SetKind::Snapshot(_) => {
                return Err(Error::unsupported("SET TRANSACTION SNAPSHOT"));
            }
            ast::SetKind::FromCurrent(_) => return Err(Error::unsupported("SET … FROM CURRENT")),
            // No constraint is deferrable, so every one of them is immediate already.
            ast::SetKind::Constraints { .. } => return Ok(Portal::done("SET CONSTRAINTS")),
        }
        Ok(Portal::done("SET"))
    }

    async fn set_value(&mut self, name: &str, values: &[ast::SetValue], local: bool) -> Result<()> {
        let texts = values
            .iter()
            .map(|value| match value {
                ast::SetValue::Text(text) => Ok(text.clone()),
                ast::SetValue::Number(number) => {
                    Ok(language::sql::texts::value_text(number.clone()))
                }
                ast::SetValue::Interval(..) => Err(Error::unsupported("SET TIME ZONE INTERVAL")),
            })
            .collect::<Result<Vec<_>>>()?;
        let value = match name {
            "search_path" => quoted_list(&texts),
            _ => texts.join(", "),
        };
        match name {
            "transaction_isolation" | "transaction_read_only" | "transaction_deferrable" => {
                let mode = transaction_mode(name, &value)?;
                self.change_modes(&[mode]).await
            }
            _ => {
                self.settings.lock().set(name, &value, local)?;
                if name.eq_ignore_ascii_case("application_name") {
                    self.info.lock().application = value;
                }
                Ok(())
            }
        }
    }

    fn show_setting(&mut self, show: &ast::Show) -> Result<Portal> {
        match show {
            ast::Show::Name(name) => {
                // Outside a transaction block, what SHOW itself runs in.
                let shown = match (self.active.is_none(), name.name.as_str()) {
                    (true, "transaction_isolation") => "default_transaction_isolation",
                    (true, "transaction_read_only") => "default_transaction_read_only",
                    (_, name) => name,
                };
                let value = self.settings.lock().get(shown)?.to_owned();
                let column = text_column(&self.shown_name(&name.name)?);
                let rows = text_rows(1, &[vec![Some(value)]])?;
                Ok(Portal::rows(Arc::new([column]), rows, Tag::Plain("SHOW".into())))
            }
            ast::Show::All => {
                let all = self.settings.lock().all();
                let rows: Vec<Vec<Option<String>>> = all
                    .into_iter()
                    .map(|s| {
                        vec![Some(s.name.to_owned()), Some(s.value), Some(s.description.to_owned())]
                    })
                    .collect();
                let columns = ["name", "setting", "description"].map(text_column).to_vec();
                Ok(Portal::rows(columns.into(), text_rows(3, &rows)?, Tag::Plain("SHOW".into())))
            }
        }
    }

    async fn prepare_statement(&mut self, prepare: &ast::Prepare, text: &str) -> Result<Portal> {
        let types = prepare
            .types
            .iter()
            .map(|name| language::sql::bind::resolve_type(name).map(|(ty, _)| Some(ty)))
            .collect::<Result<Vec<_>>>()?;
        let inner = text.get(prepare.position.0 as usize..).unwrap_or("");
        let parsed = super::prepare::parse(inner)?;
        let [parsed] = parsed.as_slice() else {
            return Err(Error::internal("PREPARE of several statements"));
        };
        let prepared = self.prepare(inner, parsed, &types).await?;
        self.keep_prepared(&prepare.name.name, prepared)?;
        Ok(Portal::done("PREPARE"))
    }

    async fn execute_statement(&mut self, execute: &ast::Execute) -> Result<Started> {
        let prepared = self.prepared(&execute.name.name)?.clone();
        if execute.arguments.len() != prepared.parameters.len() {
            let message = format!(
                "wrong number of parameters for prepared statement \"{}\"",
                execute.name.name
            );
            let detail = format!(
                "Expected {} parameters but got {}.",
                prepared.parameters.len(),
                execute.arguments.len()
            );
            return Err(Error::new(ErrorKind::Syntax, "42601", message).detail(detail));
        }
        let mut values = Vec::with_capacity(execute.arguments.len());
        for (argument, ty) in execute.arguments.iter().zip(&prepared.parameters) {
            values.push(self.constant_text(argument, *ty).await?);
        }
        Box::pin(self.start(&prepared, &TextParameters(&values))).await
    }

    /// The value of an expression over nothing, as text of a type.
    pub(super) async fn constant_text(
        &mut self,
        expr: &ast::Expr,
        ty: Type,
    ) -> Result<Option<String>> {
        let search_path = super::environment::search_path(&self.settings.lock(), &self.user);
        let (database, name) = (self.database.id, self.database.name.clone());
        let active = self.start_statement().await?;
        let catalogue = active.work.catalogue();
        let environment = language::sql::bind::Environment {
            catalogue: &catalogue,
            database,
            database_name: &name,
            search_path: &search_path,
            parameters: &[],
            lift: false,
        };
        let bound =
            language::sql::bind::bind_constant_expression(expr, Some((ty, -1)), &environment)?;
        let arena = model::datum::Arena::new();
        let context = query::expression::Context { parameters: &[], session: &*active.environment };
        let value = bound.eval(&context, &[], &arena)?;
        if value.is_null() {
            return Ok(None);
        }
        query::cast::output_string(&*active.environment, ty, -1, &value).map(Some)
    }

    fn deallocate(&mut self, name: Option<&ast::Ident>) -> Result<Portal> {
        match name {
            None => {
                self.forget_all_prepared();
                Ok(Portal::done("DEALLOCATE ALL"))
            }
            Some(name) => {
                self.prepared(&name.name)?;
                self.forget_prepared(&name.name);
                Ok(Portal::done("DEALLOCATE"))
            }
        }
    }

    /// VACUUM and ANALYZE: the store cleans up and counts by itself, so there is nothing left to do
    /// but check the names.
    async fn vacuum(&mut self, vacuum: &ast::Vacuum) -> Result<Portal> {
        if vacuum.vacuum {
            self.refuse_in_block("VACUUM")?;
        }
        for (name, _) in &vacuum.tables {
            self.find_table(name).await?;
        }
        Ok(Portal::done(if vacuum.vacuum { "VACUUM" } else { "ANALYZE" }))
    }

    fn discard(&mut self, target: ast::DiscardTarget) -> Result<Portal> {
        match target {
            ast::DiscardTarget::All => {
                self.refuse_in_block("DISCARD ALL")?;
                self.forget_all_prepared();
                self.cursors.clear();
                self.settings.lock().reset_all();
                *self.sequences.lock() = super::Taken::default();
                Ok(Portal::done("DISCARD ALL"))
            }
            ast::DiscardTarget::Plans => Ok(Portal::done("DISCARD PLANS")),
            ast::DiscardTarget::Sequences => {
                *self.sequences.lock() = super::Taken::default();
                Ok(Portal::done("DISCARD SEQUENCES"))
            }
            // There are no temporary tables to discard.
            ast::DiscardTarget::Temporary => Ok(Portal::done("DISCARD TEMP")),
        }
    }

    fn cursor_columns(&self, name: &str) -> Result<Vec<OutputColumn>> {
        match self.cursors.get(name) {
            Some(cursor) => Ok(cursor.columns().to_vec()),
            None => Err(Error::new(
                ErrorKind::Name,
                "34000",
                format!("cursor \"{name}\" does not exist"),
            )),
        }
    }
}

/// Names of a list, quoted where SQL needs it.
fn quoted_list(names: &[String]) -> String {
    let quoted: Vec<String> =
        names.iter().map(|name| language::sql::deparse::quote_name(name)).collect();
    quoted.join(", ")
}

fn transaction_mode(name: &str, value: &str) -> Result<ast::TransactionMode> {
    let bad = || {
        let message = format!("invalid value for parameter \"{name}\": \"{value}\"");
        Error::new(ErrorKind::Type, "22023", message)
    };
    if name == "transaction_isolation" {
        let level = match value.to_ascii_lowercase().as_str() {
            "read uncommitted" => ast::IsolationLevel::ReadUncommitted,
            "read committed" => ast::IsolationLevel::ReadCommitted,
            "repeatable read" => ast::IsolationLevel::RepeatableRead,
            "serializable" => ast::IsolationLevel::Serializable,
            _ => return Err(bad()),
        };
        return Ok(ast::TransactionMode::Isolation(level));
    }
    let on = crate::settings::parse_bool(value).ok_or_else(bad)?;
    Ok(match name {
        "transaction_read_only" => ast::TransactionMode::ReadOnly(on),
        _ => ast::TransactionMode::Deferrable(on),
    })
}
