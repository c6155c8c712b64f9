//! INSERT, UPDATE and DELETE.
//!
//! An INSERT's source yields one column for each column that is given; what is not given comes from
//! the column's generator. UPDATE and DELETE scan the target (joined with FROM or USING), and every
//! expression of theirs is over that row, since after a concurrent change the row is read again and
//! the expressions are evaluated again.
//!
//! Invariant: values are cast to the columns' types by the rules of assignment here; the executor
//! stores what it is given.

use std::sync::Arc;

use model::{Collection, CollectionKind, Column, ColumnId, ElementSource, Generator, IndexId};
use query::expression::Expression;
use query::plan::{
    Conflict, Delete, Insert, InsertValue, Node, NodeKind, Operation, OutputColumn, Update,
};
use query::{Error, ErrorKind, Result, Type};

use super::call::{label, null_of};
use super::expression::{filter, project, syntax};
use super::from::bare_column;
use super::scope::{Relation, Scope, ScopeColumn};
use super::{Binder, Clause, Operation as Bound, column, resolve};
use crate::sql::ast::{
    self, Alias, Assignee, Assignment, ConflictTarget, Expr, ExprKind, Ident, OnConflict,
    Overriding, QueryBody, TableRef, Target,
};
use crate::sql::dialect::Dialect;
use crate::sql::parser::parse_expression;

impl Binder<'_> {
    // ---- INSERT ----

    pub(super) fn insert(&mut self, insert: &ast::Insert) -> Result<Bound> {
        refuse_with(insert.with.as_ref())?;
        let target = self.target(&insert.table)?;
        refuse_documents(&target, insert.table.position.0)?;
        let given = self.given_columns(insert, &target)?;
        let (source, values) = match &insert.source {
            None => (Node::new(NodeKind::Single, Vec::new()), self.defaults(&target, &[])?),
            Some(query) => match plain_values(query) {
                Some(rows) => self.insert_values(rows, &target, &given, insert.overriding)?,
                None => self.insert_query(query, &target, &given, insert)?,
            },
        };
        let alias = insert.alias.as_ref();
        let conflict = match &insert.on_conflict {
            None => Conflict::Error,
            Some(on_conflict) => self.conflict(on_conflict, &target, alias)?,
        };
        let (returning, columns) = self.insert_returning(&insert.returning, &target, alias)?;
        let operation = Insert { target, source, values, conflict, returning };
        Ok((Operation::Insert(Box::new(operation)), columns))
    }

    /// The columns that the source gives, in its order.
    fn given_columns(
        &mut self,
        insert: &ast::Insert,
        target: &Arc<Collection>,
    ) -> Result<Vec<ColumnId>> {
        if insert.columns.is_empty() {
            return Ok(target.columns.iter().filter(|c| !c.hidden).map(|c| c.id).collect());
        }
        let mut given = Vec::with_capacity(insert.columns.len());
        for assignee in &insert.columns {
            let found = self.assignee(assignee, target)?.id;
            if given.contains(&found) {
                return Err(twice(&assignee.column));
            }
            given.push(found);
        }
        Ok(given)
    }

    fn assignee<'c>(&mut self, assignee: &Assignee, target: &'c Collection) -> Result<&'c Column> {
        let offset = assignee.column.position.0;
        if !assignee.path.is_empty() {
            return Err(Error::unsupported("assignment to a part of a column").at(offset));
        }
        target.column(&assignee.column.name).ok_or_else(|| {
            let message = format!(
                "column \"{}\" of relation \"{}\" does not exist",
                assignee.column.name, target.name
            );
            Error::new(ErrorKind::Name, "42703", message).at(offset)
        })
    }

    /// INSERT … VALUES: each cell is cast to its column, DEFAULT becomes the column's default.
    fn insert_values(
        &mut self,
        rows: &[Vec<Expr>],
        target: &Arc<Collection>,
        given: &[ColumnId],
        overriding: Option<Overriding>,
    ) -> Result<(Node, Vec<InsertValue>)> {
        let width = rows.first().map_or(0, Vec::len);
        self.push(Scope::default(), Some(Node::new(NodeKind::Single, Vec::new())), Clause::Values);
        let columns: Vec<&Column> =
            given.iter().filter_map(|id| target.column_by_id(*id)).collect();
        let mut bound = Vec::with_capacity(rows.len());
        for row in rows {
            let first = row.first().map_or(0, |expr| expr.position.0);
            if row.len() != width {
                return Err(syntax("VALUES lists must all be the same length", first));
            }
            check_count(row.len(), given.len(), |at| row.get(at).map_or(first, |e| e.position.0))?;
            let mut cells = Vec::with_capacity(row.len());
            for (expr, c) in row.iter().zip(&columns) {
                cells.push(self.cell(expr, c, target, overriding)?);
            }
            bound.push(cells);
        }
        let types: Vec<Type> = columns.iter().take(width).map(|c| c.ty).collect();
        let node = self.values_node(bound, types)?;
        self.levels.pop();
        let values = self.defaults(target, &given[..width])?;
        Ok((node, values))
    }

    fn cell(
        &mut self,
        expr: &Expr,
        c: &Column,
        target: &Arc<Collection>,
        overriding: Option<Overriding>,
    ) -> Result<Expression> {
        if matches!(expr.kind, ExprKind::Default) {
            return self.default_of(c, target);
        }
        check_generated(c, overriding)?;
        if overriding == Some(Overriding::User) && is_identity(c) {
            return self.default_of(c, target);
        }
        let value = self.expression(expr)?;
        resolve::assign(self, value, c.ty, c.modifier, Some(&c.name))
    }

    /// INSERT … SELECT.
    fn insert_query(
        &mut self,
        query: &ast::Query,
        target: &Arc<Collection>,
        given: &[ColumnId],
        insert: &ast::Insert,
    ) -> Result<(Node, Vec<InsertValue>)> {
        self.push(Scope::default(), None, Clause::Select);
        let (mut node, _) = self.open_query(query)?;
        let offset = query.position.0;
        check_count(node.width(), given.len(), |_| offset)?;
        let columns: Vec<&Column> =
            given.iter().take(node.width()).filter_map(|id| target.column_by_id(*id)).collect();
        let mut casts = Vec::with_capacity(columns.len());
        for (at, c) in columns.iter().enumerate() {
            check_generated(c, insert.overriding)?;
            self.determine_output(&mut node, at, c.ty)?;
            let value = Expression { offset, ..column(at as u32, node.types[at], -1) };
            casts.push(resolve::assign(self, value, c.ty, c.modifier, Some(&c.name))?);
        }
        let plain = columns.iter().zip(&node.types).all(|(c, ty)| c.ty == *ty && c.modifier < 0);
        if !plain {
            node = project(node, casts);
        }
        self.levels.pop();
        let values = self.defaults(target, &given[..columns.len()])?;
        Ok((node, values))
    }

    /// Where each declared column of a new row comes from.
    fn defaults(
        &mut self,
        target: &Arc<Collection>,
        given: &[ColumnId],
    ) -> Result<Vec<InsertValue>> {
        let mut values = Vec::with_capacity(target.columns.len());
        for c in &target.columns {
            values.push(match given.iter().position(|id| *id == c.id) {
                Some(at) => InsertValue::Source(at as u32),
                None => match &c.generator {
                    Some(Generator::Stored(_) | Generator::ObjectId) => InsertValue::Generated,
                    _ => {
                        let empty = Node::new(NodeKind::Single, Vec::new());
                        self.push(Scope::default(), Some(empty), Clause::Values);
                        let value = self.default_of(c, target)?;
                        self.levels.pop();
                        InsertValue::Expression(value)
                    }
                },
            });
        }
        Ok(values)
    }

    /// The value of DEFAULT for a column.
    fn default_of(&mut self, c: &Column, target: &Arc<Collection>) -> Result<Expression> {
        match &c.generator {
            None => Ok(null_of(c.ty)),
            Some(Generator::Default(text)) => {
                let parsed = parse_expression(text, Dialect::PostgreSql).map_err(|_| {
                    Error::internal(format!(
                        "the default of column \"{}\" does not parse: {text}",
                        c.name
                    ))
                })?;
                // Literals of the stored text are no literals of this statement.
                let value = self.stored_expression(&parsed)?;
                resolve::assign(self, value, c.ty, c.modifier, Some(&c.name))
            }
            Some(
                Generator::Serial(number)
                | Generator::IdentityByDefault(number)
                | Generator::IdentityAlways(number),
            ) => {
                let sequence =
                    self.environment.catalogue.sequences.get(number).ok_or_else(|| {
                        Error::internal(format!(
                            "column \"{}\" of \"{}\" lost its sequence",
                            c.name, target.name
                        ))
                    })?;
                let name = format!(
                    "{}.{}",
                    query::cast::registered::quote_ident(&sequence.schema),
                    query::cast::registered::quote_ident(&sequence.name)
                );
                let name = super::expression::text_constant(&name);
                let value = self.function_of("nextval", vec![name], u32::MAX)?;
                resolve::assign(self, value, c.ty, c.modifier, Some(&c.name))
            }
            Some(Generator::Stored(_) | Generator::ObjectId) => {
                let message =
                    format!("cannot use DEFAULT for generated column \"{}\" here", c.name);
                Err(Error::new(ErrorKind::Unsupported, "0A000", message))
            }
        }
    }

    /// Binds an expression from the catalogue: its literals are constants.
    fn stored_expression(&mut self, expr: &Expr) -> Result<Expression> {
        let literals = std::mem::take(&mut self.literals);
        let bound = self.without_lifting(expr);
        self.literals = literals;
        bound
    }

    fn conflict(
        &mut self,
        on_conflict: &OnConflict,
        target: &Arc<Collection>,
        alias: Option<&Ident>,
    ) -> Result<Conflict> {
        let index = match &on_conflict.target {
            None => None,
            Some(target_index) => Some(arbiter(target_index, target, on_conflict.position.0)?),
        };
        let Some(update) = &on_conflict.update else { return Ok(Conflict::Nothing(index)) };
        let index = index.ok_or_else(|| {
            syntax(
                "ON CONFLICT DO UPDATE requires inference specification or constraint name",
                on_conflict.position.0,
            )
            .hint("For example, ON CONFLICT (column_name).")
        })?;
        let existing = declared_row(target, alias.map_or(&target.name, |alias| &alias.name), 0);
        let width = target.columns.len() as u32;
        let excluded = declared_row(target, "excluded", width);
        let scope = Scope { relations: vec![existing, excluded], using: Vec::new() };
        let types: Vec<Type> = target.columns.iter().chain(&target.columns).map(|c| c.ty).collect();
        self.push(scope, Some(Node::new(NodeKind::Empty, types)), Clause::Set);
        let assignments = self.assignments(&update.set, target)?;
        let filter = match &update.filter {
            Some(filter) => Some(self.in_clause(Clause::Where, |b| b.condition(filter, "WHERE"))?),
            None => None,
        };
        let level = self.levels.pop();
        if level.and_then(|level| level.node).is_some_and(|node| node.width() != 2 * width as usize)
        {
            return Err(Error::unsupported("a subquery in ON CONFLICT DO UPDATE")
                .at(on_conflict.position.0));
        }
        Ok(Conflict::Update { index, assignments, filter })
    }

    fn insert_returning(
        &mut self,
        targets: &[Target],
        table: &Arc<Collection>,
        alias: Option<&Ident>,
    ) -> Result<(Option<Vec<Expression>>, Vec<OutputColumn>)> {
        if targets.is_empty() {
            return Ok((None, Vec::new()));
        }
        let row = declared_row(table, alias.map_or(&table.name, |alias| &alias.name), 0);
        let types: Vec<Type> = table.columns.iter().map(|c| c.ty).collect();
        let scope = Scope { relations: vec![row], using: Vec::new() };
        self.push(scope, Some(Node::new(NodeKind::Empty, types)), Clause::Returning);
        let result = self.returning(targets);
        self.levels.pop();
        result
    }

    /// RETURNING over the level's row. Subqueries would need the row before it exists.
    fn returning(
        &mut self,
        targets: &[Target],
    ) -> Result<(Option<Vec<Expression>>, Vec<OutputColumn>)> {
        let width = self.level()?.node.as_ref().map_or(0, Node::width);
        let mut expressions = Vec::with_capacity(targets.len());
        let mut columns = Vec::with_capacity(targets.len());
        for target in targets {
            let offset = target.expr.position.0;
            if let ExprKind::Column(name) = &target.expr.kind
                && name.star
            {
                let qualifier = name.parts.last().map(|part| part.name.as_str());
                for (name, expression, origin) in self.star(qualifier, offset)? {
                    let (ty, modifier) = (expression.ty, expression.modifier);
                    columns.push(OutputColumn { name, ty, modifier, origin });
                    expressions.push(expression);
                }
                continue;
            }
            let expression = self.in_clause(Clause::Returning, |b| b.expression(&target.expr))?;
            let expression = self.settled(expression)?;
            let name = target
                .label
                .as_ref()
                .map_or_else(|| label(&target.expr), |label| label.name.clone());
            let (ty, modifier) = (expression.ty, expression.modifier);
            columns.push(OutputColumn { name, ty, modifier, origin: (0, 0) });
            expressions.push(expression);
        }
        if self.level()?.node.as_ref().is_some_and(|node| node.width() != width) {
            return Err(Error::unsupported("a subquery in RETURNING"));
        }
        Ok((Some(expressions), columns))
    }

    // ---- UPDATE and DELETE ----

    pub(super) fn update(&mut self, update: &ast::Update) -> Result<Bound> {
        refuse_with(update.with.as_ref())?;
        let (target, key) = self.changed_rows(
            &update.table,
            update.alias.as_ref(),
            &update.from,
            update.position.0,
        )?;
        refuse_documents(&target, update.table.name.position.0)?;
        let recheck = self.changed_filter(update.filter.as_ref())?;
        let assignments =
            self.in_clause(Clause::Set, |binder| binder.assignments(&update.set, &target))?;
        let (returning, columns) = self.changed_returning(&update.returning)?;
        let source = self.take_node()?;
        self.levels.pop();
        let operation = Update { target, source, key, recheck, assignments, returning };
        Ok((Operation::Update(Box::new(operation)), columns))
    }

    pub(super) fn delete(&mut self, delete: &ast::Delete) -> Result<Bound> {
        refuse_with(delete.with.as_ref())?;
        let (target, key) = self.changed_rows(
            &delete.table,
            delete.alias.as_ref(),
            &delete.using,
            delete.position.0,
        )?;
        let recheck = self.changed_filter(delete.filter.as_ref())?;
        let (returning, columns) = self.changed_returning(&delete.returning)?;
        let source = self.take_node()?;
        self.levels.pop();
        let operation = Delete { target, source, key, recheck, returning };
        Ok((Operation::Delete(Box::new(operation)), columns))
    }

    /// Puts the target and what it is joined with on a new level; the position of the target's key.
    fn changed_rows(
        &mut self,
        relation: &ast::Relation,
        alias: Option<&Ident>,
        with: &[TableRef],
        offset: u32,
    ) -> Result<(Arc<Collection>, u32)> {
        let target = self.target(&relation.name)?;
        refuse_key_space(&target, relation.name.position.0)?;
        self.push(Scope::default(), None, Clause::From);
        let alias = alias.map(|name| Alias { name: name.clone(), columns: Vec::new() });
        let table = TableRef::Table { relation: relation.clone(), alias, sample: None };
        let mut items = vec![table];
        items.extend(with.iter().cloned());
        let (node, scope) = self.from(&items)?;
        let key = scope.relations.first().and_then(|relation| relation.key);
        let key = key.ok_or_else(|| Error::internal("the target has no key").at(offset))?;
        let level = self.level()?;
        (level.node, level.scope) = (Some(node), scope);
        Ok((target, key))
    }

    fn changed_filter(&mut self, condition: Option<&Expr>) -> Result<Option<Expression>> {
        let Some(condition) = condition else { return Ok(None) };
        let predicate = self.in_clause(Clause::Where, |b| b.condition(condition, "WHERE"))?;
        let input = self.take_node()?;
        self.put_node(filter(input, predicate.clone()))?;
        Ok(Some(predicate))
    }

    fn changed_returning(
        &mut self,
        targets: &[Target],
    ) -> Result<(Option<Vec<Expression>>, Vec<OutputColumn>)> {
        if targets.is_empty() {
            return Ok((None, Vec::new()));
        }
        self.returning(targets)
    }

    /// SET: each column at most once, each value cast to its column.
    fn assignments(
        &mut self,
        set: &[Assignment],
        target: &Arc<Collection>,
    ) -> Result<Vec<(ColumnId, Expression)>> {
        let mut assigned: Vec<(ColumnId, Expression)> = Vec::with_capacity(set.len());
        for assignment in set {
            let pairs: Vec<(&Assignee, &Expr)> = match assignment {
                Assignment::Single { to, value } => vec![(to, value)],
                Assignment::Multiple { to, value } => match &value.kind {
                    ExprKind::Row { items, .. } if items.len() == to.len() => {
                        to.iter().zip(items).collect()
                    }
                    ExprKind::Row { .. } => {
                        let message = "number of columns does not match number of values";
                        return Err(syntax(message, value.position.0));
                    }
                    _ => {
                        let what = "an assignment of several columns from a subquery";
                        return Err(Error::unsupported(what).at(value.position.0));
                    }
                },
            };
            for (to, value) in pairs {
                let c = self.assignee(to, target)?;
                if assigned.iter().any(|(id, _)| *id == c.id) {
                    let message = format!("multiple assignments to same column \"{}\"", c.name);
                    return Err(syntax(&message, u32::MAX));
                }
                assigned.push((c.id, self.assigned(value, c, target)?));
            }
        }
        Ok(assigned)
    }

    fn assigned(
        &mut self,
        value: &Expr,
        c: &Column,
        target: &Arc<Collection>,
    ) -> Result<Expression> {
        if matches!(value.kind, ExprKind::Default) {
            return self.default_of(c, target);
        }
        let refuse = |what: &str, detail: &str| {
            let message = format!("column \"{}\" can only be updated to DEFAULT", c.name);
            let detail = format!("Column \"{}\" is {what} column{detail}.", c.name);
            Err(Error::new(ErrorKind::Syntax, "428C9", message).detail(detail).at(value.position.0))
        };
        match &c.generator {
            Some(Generator::Stored(_)) => return refuse("a generated", ""),
            Some(Generator::IdentityAlways(_)) => {
                return refuse("an identity", " defined as GENERATED ALWAYS");
            }
            _ => {}
        }
        let value = self.expression(value)?;
        resolve::assign(self, value, c.ty, c.modifier, Some(&c.name))
    }

    /// Binds with literals as constants.
    fn without_lifting(&mut self, expr: &Expr) -> Result<Expression> {
        let before = std::mem::replace(&mut self.constants_only, true);
        let bound = self.expression(expr);
        self.constants_only = before;
        bound
    }
}

/// The declared columns of a table as one relation whose row begins at a position.
fn declared_row(table: &Arc<Collection>, alias: &str, first: u32) -> Relation {
    let columns = table
        .columns
        .iter()
        .enumerate()
        .map(|(at, c)| ScopeColumn {
            name: c.name.clone(),
            ty: c.ty,
            modifier: c.modifier,
            position: first + at as u32,
            column: Some(c.id),
            attribute: c.id.0 as i16,
            hidden: c.hidden,
            merged: false,
        })
        .collect();
    let (alias, table_number) = (alias.to_owned(), table.id.0);
    Relation {
        alias,
        schema: None,
        columns,
        table: Some(table.clone()),
        number: table_number,
        key: None,
        scalar: false,
    }
}

/// The rows of a bare VALUES, whose cells may be DEFAULT.
fn plain_values(query: &ast::Query) -> Option<&[Vec<Expr>]> {
    let bare = query.with.is_none()
        && query.order_by.is_empty()
        && query.limit.is_none()
        && query.offset.is_none()
        && query.locking.is_empty();
    match &query.body {
        QueryBody::Values(rows) if bare => Some(rows),
        _ => None,
    }
}

fn check_count(expressions: usize, columns: usize, offset: impl Fn(usize) -> u32) -> Result<()> {
    if expressions > columns {
        return Err(syntax("INSERT has more expressions than target columns", offset(columns)));
    }
    Ok(())
}

fn is_identity(c: &Column) -> bool {
    matches!(c.generator, Some(Generator::IdentityByDefault(_) | Generator::IdentityAlways(_)))
}

/// Refuses a value for a column that only the store may fill.
fn check_generated(c: &Column, overriding: Option<Overriding>) -> Result<()> {
    let message = || format!("cannot insert a non-DEFAULT value into column \"{}\"", c.name);
    match &c.generator {
        Some(Generator::Stored(_)) => {
            let detail = format!("Column \"{}\" is a generated column.", c.name);
            Err(Error::new(ErrorKind::Syntax, "428C9", message()).detail(detail))
        }
        Some(Generator::IdentityAlways(_)) if overriding.is_none() => {
            let detail =
                format!("Column \"{}\" is an identity column defined as GENERATED ALWAYS.", c.name);
            Err(Error::new(ErrorKind::Syntax, "428C9", message())
                .detail(detail)
                .hint("Use OVERRIDING SYSTEM VALUE to override."))
        }
        _ => Ok(()),
    }
}

/// The unique index that an ON CONFLICT target names.
fn arbiter(target: &ConflictTarget, table: &Collection, offset: u32) -> Result<IndexId> {
    match target {
        ConflictTarget::Constraint(name) => {
            if table.primary_key.name == name.name {
                return Ok(table.primary_key.id);
            }
            let owned =
                |index: &&model::Index| index.name == name.name && index.constraint.is_some();
            table.indexes.iter().find(owned).map(|index| index.id).ok_or_else(|| {
                let message = format!(
                    "constraint \"{}\" for table \"{}\" does not exist",
                    name.name, table.name
                );
                Error::new(ErrorKind::Name, "42704", message).at(name.position.0)
            })
        }
        ConflictTarget::Elements { elements, filter } => {
            if let Some(filter) = filter {
                return Err(Error::unsupported("ON CONFLICT … WHERE (a partial index)")
                    .at(filter.position.0));
            }
            let mut columns = Vec::with_capacity(elements.len());
            for element in elements {
                let Some(name) = bare_column(&element.expr) else {
                    return Err(Error::unsupported("an expression in ON CONFLICT")
                        .at(element.expr.position.0));
                };
                let c = table.column(name).ok_or_else(|| {
                    let message = format!("column \"{name}\" does not exist");
                    Error::new(ErrorKind::Name, "42703", message).at(element.expr.position.0)
                })?;
                columns.push(c.id);
            }
            unique_index_on(table, &columns).ok_or_else(|| {
                let message = "there is no unique or exclusion constraint matching the ON CONFLICT specification";
                Error::new(ErrorKind::Name, "42P10", message).at(offset)
            })
        }
    }
}

/// The primary key or whole unique index over exactly these columns, in any order.
fn unique_index_on(table: &Collection, columns: &[ColumnId]) -> Option<IndexId> {
    let same =
        |key: &[ColumnId]| key.len() == columns.len() && columns.iter().all(|c| key.contains(c));
    if same(&table.primary_key.columns) {
        return Some(table.primary_key.id);
    }
    let fits = |index: &&model::Index| {
        let columns: Option<Vec<ColumnId>> = index
            .elements
            .iter()
            .map(|element| match element.source {
                ElementSource::Column(id) => Some(id),
                _ => None,
            })
            .collect();
        index.unique && index.predicate.is_none() && columns.is_some_and(|columns| same(&columns))
    };
    table.indexes.iter().find(fits).map(|index| index.id)
}

fn twice(name: &Ident) -> Error {
    let message = format!("column \"{}\" specified more than once", name.name);
    Error::new(ErrorKind::Name, "42701", message).at(name.position.0)
}

fn refuse_with(with: Option<&ast::With>) -> Result<()> {
    match with {
        Some(with) => {
            Err(Error::unsupported("WITH (common table expressions)").at(with.position.0))
        }
        None => Ok(()),
    }
}

/// Undeclared fields have no columns to write through yet; whole documents may be deleted.
fn refuse_documents(target: &Collection, offset: u32) -> Result<()> {
    match target.kind {
        CollectionKind::Documents => {
            Err(Error::unsupported("a change through SQL of a collection without declared columns")
                .at(offset))
        }
        CollectionKind::Table | CollectionKind::KeySpace => refuse_key_space(target, offset),
    }
}

fn refuse_key_space(target: &Collection, offset: u32) -> Result<()> {
    match target.kind {
        CollectionKind::KeySpace => {
            Err(Error::unsupported("a change through SQL of a key space").at(offset))
        }
        CollectionKind::Table | CollectionKind::Documents => Ok(()),
    }
}
