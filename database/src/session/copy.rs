//! COPY: rows in and out in bulk.
//!
//! ```text
//!   COPY t FROM STDIN ─► CopyIn: push(bytes) … finish()      rows ─► bulk (the table is this transaction's own)
//!                                                                └► or INSERT's way, in batches
//!   COPY q TO STDOUT  ─► CopyOut: a portal and how its rows are written
//! ```
//!
//! The text and CSV forms belong to PostgreSQL's protocol and are read and written there; here
//! arrive fields. A field is the text of its column's type, or NULL.

use std::sync::Arc;

use language::sql::{Dialect, ast, define, parser};
use model::datum::{Arena, Datum};
use model::{Arbiter, Collection, Generator, Work};
use query::execute::fault::fault;
use query::expression::{Context, Expression};

use super::environment::Environment;
use super::{Portal, Session, Started, TextParameters};
use crate::{Error, ErrorKind, Result};

/// How rows look on the wire; what COPY's options said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyFormat {
    /// CSV instead of text.
    pub csv: bool,
    /// Between fields.
    pub delimiter: u8,
    /// What NULL looks like.
    pub null: String,
    /// The first line holds names.
    pub header: bool,
    /// CSV's quote.
    pub quote: u8,
    /// CSV's escape.
    pub escape: u8,
    /// FORCE_QUOTE: columns, or all.
    pub force_quote: Force,
    /// FORCE_NULL and FORCE_NOT_NULL, by column name.
    pub force_null: Vec<String>,
    /// See `force_null`.
    pub force_not_null: Vec<String>,
}

/// Which columns FORCE_QUOTE names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Force {
    /// None.
    None,
    /// `*`.
    All,
    /// These.
    Columns(Vec<String>),
}

/// COPY … FROM STDIN, waiting for rows.
pub struct CopyIn {
    /// How the rows look.
    pub format: CopyFormat,
    /// The columns that a row gives, in order.
    pub columns: Vec<String>,
    target: Arc<Collection>,
    /// For each declared column: the field that gives it, or its default.
    sources: Vec<Source>,
    types: Vec<(crate::Type, i32)>,
    work: Arc<Work>,
    environment: Arc<Environment>,
    pending: Vec<Vec<Option<String>>>,
    pending_bytes: usize,
    savepoint: model::Savepoint,
    rows: u64,
}

enum Source {
    Field(usize),
    Default(Expression),
    Generated,
}

/// COPY … TO STDOUT.
pub struct CopyOut {
    /// How the rows look.
    pub format: CopyFormat,
    /// The rows.
    pub portal: Portal,
}

/// Bytes of fields that are handed on together.
const BATCH_BYTES: usize = 1 << 20;

impl Session {
    pub(super) async fn copy(&mut self, copy: &ast::CopyData, text: &str) -> Result<Started> {
        match &copy.channel {
            ast::CopyChannel::Standard => {}
            ast::CopyChannel::File(_) => {
                return Err(Error::unsupported("COPY with a file of the server"));
            }
            ast::CopyChannel::Program(_) => return Err(Error::unsupported("COPY … PROGRAM")),
        }
        if copy.filter.is_some() {
            return Err(Error::unsupported("COPY FROM … WHERE"));
        }
        let format = format(&copy.options, copy.from)?;
        if copy.from {
            return self.copy_in(copy, format).await.map(|copy| Started::CopyIn(Box::new(copy)));
        }
        let statement = match &copy.source {
            ast::CopySource::Query(statement) => (**statement).clone(),
            ast::CopySource::Table { name, columns } => select_of(name, columns)?,
        };
        let prepared = self.prepare_inner(&statement, text).await?;
        match Box::pin(self.start(&prepared, &TextParameters(&[]))).await? {
            Started::Portal(portal) if !portal.columns.is_empty() => {
                Ok(Started::CopyOut(Box::new(CopyOut { format, portal })))
            }
            _ => Err(Error::new(
                ErrorKind::Unsupported,
                "0A000",
                "COPY query must have a RETURNING clause",
            )),
        }
    }

    async fn copy_in(&mut self, copy: &ast::CopyData, format: CopyFormat) -> Result<CopyIn> {
        let ast::CopySource::Table { name, columns } = &copy.source else {
            return Err(Error::new(ErrorKind::Syntax, "42601", "cannot copy from a query"));
        };
        let target = self.find_table(name).await?;
        if target.kind != model::CollectionKind::Table {
            return Err(Error::unsupported("COPY into a collection without declared columns"));
        }
        if self.active().await?.read_only {
            let message = "cannot execute COPY FROM in a read-only transaction";
            return Err(Error::new(ErrorKind::State, "25006", message));
        }
        let given: Vec<String> = if columns.is_empty() {
            let visible = |c: &&model::Column| {
                !c.hidden && !matches!(c.generator, Some(Generator::Stored(_)))
            };
            target.columns.iter().filter(visible).map(|c| c.name.clone()).collect()
        } else {
            columns.iter().map(|name| name.name.clone()).collect()
        };
        let mut types = Vec::with_capacity(given.len());
        for (at, name) in given.iter().enumerate() {
            let Some(column) = target.column(name) else {
                let message =
                    format!("column \"{name}\" of relation \"{}\" does not exist", target.name);
                return Err(Error::new(ErrorKind::Name, "42703", message));
            };
            if given[..at].contains(name) {
                let message = format!("column \"{name}\" specified more than once");
                return Err(Error::new(ErrorKind::Name, "42701", message));
            }
            if matches!(column.generator, Some(Generator::Stored(_))) {
                let message = format!("column \"{name}\" is a generated column");
                return Err(Error::new(ErrorKind::Name, "42P10", message)
                    .detail("Generated columns cannot be used in COPY."));
            }
            types.push((column.ty, column.modifier));
        }
        let sources = self.copy_sources(&target, &given).await?;
        let active = self.active().await?;
        let work = active.work.clone();
        Ok(CopyIn {
            format,
            columns: given,
            target,
            sources,
            types,
            environment: active.environment.clone(),
            savepoint: work.savepoint().map_err(fault)?,
            work,
            pending: Vec::new(),
            pending_bytes: 0,
            rows: 0,
        })
    }

    async fn copy_sources(
        &mut self,
        target: &Arc<Collection>,
        given: &[String],
    ) -> Result<Vec<Source>> {
        let search_path = super::environment::search_path(&self.settings.lock(), &self.user);
        let (database, name) = (self.database.id, self.database.name.clone());
        let catalogue = self.active().await?.work.catalogue();
        let environment = language::sql::bind::Environment {
            catalogue: &catalogue,
            database,
            database_name: &name,
            search_path: &search_path,
            parameters: &[],
            lift: false,
        };
        let mut sources = Vec::with_capacity(target.columns.len());
        for column in &target.columns {
            sources.push(
                match (given.iter().position(|name| *name == column.name), &column.generator) {
                    (Some(at), _) => Source::Field(at),
                    (None, Some(Generator::Default(text))) => {
                        let tree = parser::parse_expression(text, Dialect::PostgreSql)
                            .map_err(|error| super::prepare::syntax(&error))?;
                        let wanted = Some((column.ty, column.modifier));
                        Source::Default(language::sql::bind::bind_constant_expression(
                            &tree,
                            wanted,
                            &environment,
                        )?)
                    }
                    (None, Some(_)) => Source::Generated,
                    (None, None) => Source::Default(Expression::null(column.ty)),
                },
            );
        }
        Ok(sources)
    }
}

impl CopyIn {
    /// Takes one row: the texts of its fields, as many as `columns`.
    ///
    /// # Errors
    /// `22P02` and its kin, constraint violations; the caller then calls [`Session::fail`].
    pub async fn row(&mut self, fields: Vec<Option<String>>) -> Result<()> {
        self.pending_bytes += fields.iter().flatten().map(|text| text.len() + 24).sum::<usize>();
        self.pending.push(fields);
        if self.pending_bytes >= BATCH_BYTES { self.flush().await } else { Ok(()) }
    }

    /// Rows taken so far.
    pub fn rows(&self) -> u64 {
        self.rows + self.pending.len() as u64
    }

    async fn flush(&mut self) -> Result<()> {
        let rows = std::mem::take(&mut self.pending);
        self.pending_bytes = 0;
        let count = rows.len() as u64;
        if self.work.is_fresh(&self.target) {
            let mut bulk = self.work.bulk(&self.target).await.map_err(fault)?;
            for (at, fields) in rows.iter().enumerate() {
                let arena = Arena::new();
                let row = self.datums(fields, at, &arena)?;
                bulk.insert(&row).await.map_err(fault)?;
            }
            bulk.finish().await.map_err(fault)?;
        } else {
            for (at, fields) in rows.iter().enumerate() {
                let arena = Arena::new();
                let row = self.datums(fields, at, &arena)?;
                self.work.insert(&self.target, &row, Arbiter::None).await.map_err(fault)?;
            }
        }
        self.rows += count;
        Ok(())
    }

    fn datums<'a>(
        &'a self,
        fields: &[Option<String>],
        at: usize,
        arena: &'a Arena,
    ) -> Result<Vec<Datum<'a>>> {
        let context = Context { parameters: &[], session: &*self.environment };
        let mut row = Vec::with_capacity(self.sources.len());
        for source in &self.sources {
            row.push(match source {
                Source::Generated => Datum::Missing,
                Source::Default(expression) => expression.eval(&context, &[], arena)?,
                Source::Field(field) => match fields.get(*field).and_then(Option::as_deref) {
                    None => Datum::Null,
                    Some(text) => {
                        let (ty, modifier) = self.types[*field];
                        query::cast::input(&*self.environment, ty, text, modifier, arena)
                            .map_err(|error| self.placed(error, at, *field, text))?
                    }
                },
            });
        }
        Ok(row)
    }

    /// Adds PostgreSQL's CONTEXT of a bad field.
    fn placed(&self, error: Error, at: usize, field: usize, text: &str) -> Error {
        let shown = text.get(..text.floor_char_boundary(100)).unwrap_or(text);
        let line = self.rows + at as u64 + 1;
        error.detail(format!(
            "COPY {}, line {line}, column {}: \"{shown}\"",
            self.target.name, self.columns[field]
        ))
    }

    /// No more rows; the command tag.
    ///
    /// # Errors
    /// As `row`.
    pub async fn finish(mut self) -> Result<String> {
        let result = self.flush().await;
        if let Err(error) = result {
            self.work.rollback_to(&self.savepoint).await.map_err(fault)?;
            return Err(error);
        }
        self.work.release(&self.savepoint);
        Ok(format!("COPY {}", self.rows))
    }

    /// The client gave up (CopyFail), or a row was refused: what was taken is undone.
    ///
    /// # Errors
    /// What undoing says.
    pub async fn abandon(self) -> Result<()> {
        self.work.rollback_to(&self.savepoint).await.map_err(fault)
    }
}

/// `SELECT columns FROM name`.
fn select_of(name: &ast::ObjectName, columns: &[ast::Ident]) -> Result<ast::Statement> {
    let quoted: Vec<String> =
        name.parts.iter().map(|p| language::sql::deparse::quote_name(&p.name)).collect();
    let list: Vec<String> =
        columns.iter().map(|c| language::sql::deparse::quote_name(&c.name)).collect();
    let list = if list.is_empty() { "*".to_owned() } else { list.join(", ") };
    let text = format!("SELECT {list} FROM {}", quoted.join("."));
    let parsed = super::prepare::parse(&text)?;
    match parsed.first() {
        Some(parsed) => Ok(parsed.statement.clone()),
        None => Err(Error::internal("a SELECT that is none")),
    }
}

fn format(options: &[ast::OptionItem], from: bool) -> Result<CopyFormat> {
    let word = |name: &str| options.iter().find(|item| item.name.name == name);
    let csv = match word("format").and_then(define::option_text).as_deref() {
        None | Some("text") => false,
        Some("csv") => true,
        Some("binary") => return Err(Error::unsupported("COPY … BINARY")),
        Some(other) => {
            let message = format!("COPY format \"{other}\" not recognized");
            return Err(Error::new(ErrorKind::Type, "22023", message));
        }
    };
    let mut format = CopyFormat {
        csv,
        delimiter: if csv { b',' } else { b'\t' },
        null: if csv { String::new() } else { "\\N".into() },
        header: false,
        quote: b'"',
        escape: b'"',
        force_quote: Force::None,
        force_null: Vec::new(),
        force_not_null: Vec::new(),
    };
    for item in options {
        let text = define::option_text(item);
        match item.name.name.as_str() {
            "format" => {}
            // Rows of a load are visible with the commit or not at all; there is nothing to freeze.
            "freeze" => {}
            "delimiter" => format.delimiter = one_byte("delimiter", text)?,
            "null" => format.null = text.unwrap_or_default(),
            "header" => {
                format.header =
                    text.as_deref().is_none_or(|t| crate::settings::parse_bool(t).unwrap_or(true))
            }
            "quote" if csv => format.quote = one_byte("quote", text)?,
            "escape" if csv => format.escape = one_byte("escape", text)?,
            "force_quote" if csv && !from => format.force_quote = forced(item),
            "force_null" if csv && from => format.force_null = listed(item),
            "force_not_null" if csv && from => format.force_not_null = listed(item),
            "encoding" => {
                match text.unwrap_or_default().to_ascii_uppercase().replace(['-', '_'], "").as_str()
                {
                    "UTF8" | "UNICODE" => {}
                    other => return Err(Error::unsupported(format_args!("COPY encoding {other}"))),
                }
            }
            name @ ("quote" | "escape" | "force_quote" | "force_null" | "force_not_null") => {
                let message = format!("COPY {} available only in CSV mode", name.replace('_', " "));
                return Err(Error::new(ErrorKind::Unsupported, "0A000", message));
            }
            other => {
                let message = format!("option \"{other}\" not recognized");
                return Err(
                    Error::new(ErrorKind::Syntax, "42601", message).at(item.name.position.0)
                );
            }
        }
    }
    if !csv {
        format.escape = b'\\';
    } else if word("quote").is_some() && word("escape").is_none() {
        format.escape = format.quote;
    }
    Ok(format)
}

fn one_byte(what: &str, text: Option<String>) -> Result<u8> {
    match text.as_deref().map(str::as_bytes) {
        Some([byte]) => Ok(*byte),
        _ => {
            let message = format!("COPY {what} must be a single one-byte character");
            Err(Error::new(ErrorKind::Unsupported, "0A000", message))
        }
    }
}

fn forced(item: &ast::OptionItem) -> Force {
    match &item.value {
        Some(ast::OptionValue::Star) => Force::All,
        _ => Force::Columns(listed(item)),
    }
}

fn listed(item: &ast::OptionItem) -> Vec<String> {
    match &item.value {
        Some(ast::OptionValue::List(list)) => list
            .iter()
            .filter_map(|value| match value {
                ast::OptionValue::Word(word) => Some(word.clone()),
                ast::OptionValue::Literal(literal) => {
                    Some(language::sql::texts::value_text(literal.clone()))
                }
                _ => None,
            })
            .collect(),
        Some(ast::OptionValue::Word(word)) => vec![word.clone()],
        _ => Vec::new(),
    }
}
