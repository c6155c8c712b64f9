//! FROM: relations, subqueries, functions, and joins of them.
//!
//! An item becomes a node and a scope with positions from 0; joining two shifts the right one.
//! While an item that may be LATERAL is bound, the level shows the columns of what stands left of
//! it; if the item used any, an `Apply` joins the two.

use std::sync::Arc;

use model::{Collection, CollectionKind};
use query::expression::Expression;
use query::plan::{
    Access, Apply, ApplyKind, Join, JoinKind, JoinMethod, Node, NodeKind, Scan, ScanColumn,
};
use query::system::SystemTable;
use query::{Error, ErrorKind, Result, Type};

use super::call::refuse_columns;
use super::expression::{conjunction, syntax};
use super::names::Named;
use super::scope::{Found, Relation, Scope, ScopeColumn};
use super::{Binder, Clause, column, resolve};
use crate::sql::ast::{self, Alias, Expr, ExprKind, JoinCondition, TableFunction, TableRef};

/// A node and what its columns are called.
pub(super) type Item = (Node, Scope);

impl Binder<'_> {
    /// The whole FROM clause: items joined by commas.
    pub(super) fn from(&mut self, items: &[TableRef]) -> Result<Item> {
        let mut left: Option<Item> = None;
        for item in items {
            left = Some(match left {
                None => self.item(item)?,
                Some(left) => {
                    self.join_items(left, item, JoinKind::Inner, &JoinCondition::None, u32::MAX)?
                }
            });
        }
        Ok(left.unwrap_or_else(|| (Node::new(NodeKind::Single, Vec::new()), Scope::default())))
    }

    fn item(&mut self, item: &TableRef) -> Result<Item> {
        match item {
            TableRef::Table { relation, alias, sample } => {
                if let Some(sample) = sample {
                    return Err(Error::unsupported("TABLESAMPLE").at(sample.position.0));
                }
                match self.relation(&relation.name)? {
                    Named::Collection(collection) => {
                        let (node, mut scope) = self.table_row(&collection, alias.as_ref())?;
                        if alias.is_none() {
                            scope.relations[0].schema = Some(collection.schema.clone());
                        }
                        Ok((node, scope))
                    }
                    Named::System(table) => system_row(table, alias.as_ref()),
                }
            }
            TableRef::Subquery { query, alias, position, .. } => {
                let before = self.level()?.visible;
                let (node, names) = self.derived_query(query)?;
                self.level()?.visible = before;
                let columns = names
                    .into_iter()
                    .zip(&node.types)
                    .enumerate()
                    .map(|(at, ((name, modifier), ty))| plain_column(name, *ty, modifier, at))
                    .collect();
                let Some(alias) = alias else {
                    return Err(syntax("subquery in FROM must have an alias", position.0)
                        .hint("For example, FROM (SELECT ...) [AS] foo."));
                };
                let relation = derived(alias, columns)?;
                Ok((node, Scope { relations: vec![relation], using: Vec::new() }))
            }
            TableRef::Function(function) => self.function_item(function),
            TableRef::Join(join) => {
                let kind = match join.kind {
                    ast::JoinKind::Inner => JoinKind::Inner,
                    ast::JoinKind::Left => JoinKind::Left,
                    ast::JoinKind::Right => {
                        return Err(Error::unsupported("RIGHT JOIN").at(join.position.0));
                    }
                    ast::JoinKind::Full => {
                        return Err(Error::unsupported("FULL JOIN").at(join.position.0));
                    }
                };
                let left = self.item(&join.left)?;
                let (node, scope) =
                    self.join_items(left, &join.right, kind, &join.condition, join.position.0)?;
                match &join.alias {
                    None => Ok((node, scope)),
                    Some(alias) => alias_join(node, scope, alias),
                }
            }
            TableRef::Unsupported { name, position } => {
                Err(Error::unsupported(name).at(position.0))
            }
        }
    }

    /// Binds a subquery of FROM; names and modifiers of its columns.
    fn derived_query(&mut self, query: &ast::Query) -> Result<(Node, Vec<(String, i32)>)> {
        self.push(Scope::default(), None, Clause::Select);
        let bound = self.query(query);
        let level = self.levels.pop();
        let (node, columns) = bound?;
        let captured = level.map(|level| level.captured).unwrap_or_default();
        let names = columns.into_iter().map(|c| (c.name, c.modifier)).collect();
        if captured.is_empty() {
            return Ok((node, names));
        }
        // Joined to what stands left of it by whoever asked; carried there in the level.
        self.level()?.captured_item = captured;
        Ok((node, names))
    }

    /// Joins an item to what stands left of it.
    fn join_items(
        &mut self,
        (left, left_scope): Item,
        item: &TableRef,
        kind: JoinKind,
        condition: &JoinCondition,
        offset: u32,
    ) -> Result<Item> {
        let lateral = match item {
            TableRef::Subquery { lateral, .. } => *lateral,
            TableRef::Function(_) => true,
            _ => false,
        };
        let outside = self.level()?.visible;
        let saved = std::mem::replace(
            &mut self.level()?.scope,
            if lateral { left_scope.clone() } else { Scope::default() },
        );
        self.level()?.visible = lateral;
        let bound = self.item(item);
        self.level()?.visible = outside;
        self.level()?.scope = saved;
        let (right, mut right_scope) = bound?;
        let captured = std::mem::take(&mut self.level()?.captured_item);
        let width = left.width() as u32;
        right_scope.shift(width);
        let (mut scope, right_count) = (left_scope, right.width());
        let first_right = scope.relations.len();
        scope.extend(right_scope);
        let mut types = left.types.clone();
        types.extend(&right.types);
        let condition = self.join_condition(condition, &mut scope, first_right, &types, offset)?;
        debug_assert_eq!(types.len(), width as usize + right_count);
        let node = if captured.is_empty() {
            let join = Join { kind, method: JoinMethod::Loop, left, right, condition };
            NodeKind::Join(Box::new(join))
        } else {
            let kind = match kind {
                JoinKind::Left => ApplyKind::Left(condition),
                _ => ApplyKind::Cross(condition),
            };
            NodeKind::Apply(Box::new(Apply {
                input: left,
                inner: right,
                parameters: captured,
                kind,
            }))
        };
        Ok((Node::new(node, types), scope))
    }

    fn join_condition(
        &mut self,
        condition: &JoinCondition,
        scope: &mut Scope,
        first_right: usize,
        types: &[Type],
        offset: u32,
    ) -> Result<Option<Expression>> {
        match condition {
            JoinCondition::None => Ok(None),
            JoinCondition::On(expr) => {
                let saved = std::mem::replace(&mut self.level()?.scope, scope.clone());
                let node = Node::new(NodeKind::Empty, types.to_vec());
                let outside = self.level()?.node.replace(node);
                let bound =
                    self.in_clause(Clause::JoinOn, |binder| binder.condition(expr, "JOIN/ON"));
                self.level()?.scope = saved;
                self.level()?.node = outside;
                bound.map(Some)
            }
            JoinCondition::Using(names, alias) => {
                if alias.is_some() {
                    return Err(Error::unsupported("an alias of JOIN USING").at(offset));
                }
                let names: Vec<(String, u32)> =
                    names.iter().map(|name| (name.name.clone(), name.position.0)).collect();
                self.using(&names, scope, first_right)
            }
            JoinCondition::Natural => {
                let right = &scope.relations[first_right..];
                let left =
                    Scope { relations: scope.relations[..first_right].to_vec(), using: Vec::new() };
                let mut names: Vec<(String, u32)> = Vec::new();
                for c in left.relations.iter().flat_map(|r| r.visible()).filter(|c| !c.merged) {
                    let in_right = right
                        .iter()
                        .flat_map(|r| r.visible())
                        .any(|o| o.name == c.name && !o.merged);
                    if in_right && !names.iter().any(|(name, _)| *name == c.name) {
                        names.push((c.name.clone(), offset));
                    }
                }
                self.using(&names, scope, first_right)
            }
        }
    }

    /// Equates the named columns of both sides and hides the right ones behind the left.
    fn using(
        &mut self,
        names: &[(String, u32)],
        scope: &mut Scope,
        first_right: usize,
    ) -> Result<Option<Expression>> {
        let mut conditions = Vec::with_capacity(names.len());
        let mut shown = Vec::with_capacity(names.len());
        for (name, offset) in names {
            let left = unique(&scope.relations[..first_right], 0, name, "left", *offset)?;
            let right =
                unique(&scope.relations[first_right..], first_right, name, "right", *offset)?;
            let of = |(relation, at): (usize, usize)| {
                let c = &scope.relations[relation].columns[at];
                column(c.position, c.ty, c.modifier)
            };
            conditions.push(resolve::operator(self, "=", Some(of(left)), of(right), *offset)?);
            scope.relations[right.0].columns[right.1].merged = true;
            shown.push(left);
        }
        for place in shown.into_iter().rev() {
            if !scope.using.contains(&place) {
                scope.using.insert(0, place);
            }
        }
        Ok((!conditions.is_empty()).then(|| conjunction(conditions, u32::MAX)))
    }

    fn function_item(&mut self, function: &TableFunction) -> Result<Item> {
        let offset = function.position.0;
        if !function.columns.is_empty()
            || function.items.iter().any(|item| !item.columns.is_empty())
        {
            return Err(refuse_columns(offset));
        }
        let empty = Node::new(NodeKind::Single, Vec::new());
        self.push(Scope::default(), Some(empty), Clause::From);
        let bound = self.function_calls(function);
        let level = self.levels.pop();
        let (calls, mut columns, name, scalar) = bound?;
        self.level()?.captured_item = level.map(|level| level.captured).unwrap_or_default();
        let mut types: Vec<Type> = columns.iter().map(|(_, ty)| *ty).collect();
        if function.ordinality {
            columns.push(("ordinality".to_owned(), Type::INT8));
            types.push(Type::INT8);
        }
        let alias = match &function.alias {
            Some(alias) => alias.clone(),
            None => Alias {
                name: ast::Ident { name, position: function.position },
                columns: Vec::new(),
            },
        };
        // A function of one column takes the alias as its column's name, unless it names it.
        if scalar && let Some(first) = columns.first_mut() {
            first.0 = alias.name.name.clone();
        }
        let columns = columns
            .into_iter()
            .enumerate()
            .map(|(at, (name, ty))| plain_column(name, ty, -1, at))
            .collect();
        let mut relation = derived(&alias, columns)?;
        relation.scalar = relation.columns.len() == 1;
        let node = match calls {
            Calls::Sets(calls) => NodeKind::Function { calls, ordinality: function.ordinality },
            Calls::Scalar(expression) if !function.ordinality => NodeKind::Project {
                input: Box::new(Node::new(NodeKind::Single, Vec::new())),
                expressions: vec![expression],
            },
            Calls::Scalar(_) => {
                return Err(Error::unsupported("WITH ORDINALITY of a scalar function").at(offset));
            }
        };
        Ok((Node::new(node, types), Scope { relations: vec![relation], using: Vec::new() }))
    }

    fn function_calls(&mut self, function: &TableFunction) -> Result<Called> {
        let mut calls = Vec::new();
        let mut columns = Vec::new();
        let mut name = String::new();
        for item in &function.items {
            let offset = item.call.position.0;
            let set = match &item.call.kind {
                ExprKind::Function(call) => {
                    let called = self.function_name(call)?;
                    if name.is_empty() {
                        name = called.to_owned();
                    }
                    (!query::function::set_functions(called).is_empty()).then_some((call, called))
                }
                _ => None,
            };
            let Some((call, called)) = set else {
                if function.items.len() > 1 {
                    return Err(Error::unsupported("a scalar function in ROWS FROM").at(offset));
                }
                let value = self.expression(&item.call)?;
                let value = self.settled(value)?;
                let label = super::call::label(&item.call);
                let columns = vec![(label.clone(), value.ty)];
                return Ok((Calls::Scalar(value), columns, label, true));
            };
            let (entry, arguments, output) = self.set_arguments(call, called)?;
            calls.push((entry, arguments));
            columns.extend(output);
        }
        let named = calls.iter().any(|(entry, _)| !entry.columns.is_empty());
        let scalar = calls.len() == 1 && columns.len() == 1 && !named;
        Ok((Calls::Sets(calls), columns, name, scalar))
    }

    /// A collection's scan with all its columns, and its scope.
    pub(super) fn table_row(
        &mut self,
        table: &Arc<Collection>,
        alias: Option<&Alias>,
    ) -> Result<Item> {
        let mut columns = Vec::new();
        let mut scanned = Vec::new();
        let mut types = Vec::new();
        let mut add = |name: &str, ty, modifier, what: ScanColumn, attribute: i16, hidden| {
            columns.push(ScopeColumn {
                name: name.to_owned(),
                ty,
                modifier,
                position: scanned.len() as u32,
                column: if let ScanColumn::Column(id) = &what { Some(*id) } else { None },
                attribute,
                hidden,
                merged: false,
            });
            scanned.push(what);
            types.push(ty);
        };
        for c in &table.columns {
            let ty = table.shown_type(c);
            add(&c.name, ty, c.modifier, ScanColumn::Column(c.id), c.id.0 as i16, c.hidden);
        }
        if table.kind == CollectionKind::Documents {
            for (name, seen) in &table.fields {
                if table.column(name).is_none() {
                    add(name, seen.sql_type(), -1, ScanColumn::Field(name.clone()), 0, false);
                }
            }
        }
        let named = |name: &str| table.column(name).is_some();
        if !named("_doc") {
            add("_doc", Type::JSONB, -1, ScanColumn::Document, 0, true);
        }
        if !named("tableoid") {
            add("tableoid", Type::OID, -1, ScanColumn::TableOid, -6, true);
        }
        let key = scanned.len() as u32;
        scanned.push(ScanColumn::Key);
        types.push(Type::BYTEA);
        let mut relation = Relation {
            alias: alias.map_or_else(|| table.name.clone(), |alias| alias.name.name.clone()),
            schema: None,
            columns,
            table: Some(table.clone()),
            number: table.id.0,
            key: Some(key),
            scalar: false,
        };
        rename(&mut relation, alias)?;
        let scan = Scan {
            collection: table.clone(),
            columns: scanned,
            access: Access::Full,
            filter: None,
            backward: false,
        };
        let node = Node::new(NodeKind::Scan(Box::new(scan)), types);
        Ok((node, Scope { relations: vec![relation], using: Vec::new() }))
    }
}

/// Calls, their columns, the first one's name, and whether they give one column.
type Called = (Calls, Vec<(String, Type)>, String, bool);

enum Calls {
    Sets(Vec<(&'static query::function::SetFunction, Vec<Expression>)>),
    Scalar(Expression),
}

fn system_row(table: &'static SystemTable, alias: Option<&Alias>) -> Result<Item> {
    let columns = table
        .columns
        .iter()
        .enumerate()
        .map(|(at, (name, ty))| {
            let attribute = at as i16 + 1;
            ScopeColumn { attribute, ..plain_column((*name).to_owned(), *ty, -1, at) }
        })
        .collect();
    let mut relation = Relation {
        alias: alias.map_or_else(|| table.name.to_owned(), |alias| alias.name.name.clone()),
        schema: alias.is_none().then(|| table.schema.to_owned()),
        columns,
        table: None,
        number: table.oid,
        key: None,
        scalar: false,
    };
    rename(&mut relation, alias)?;
    let types = table.columns.iter().map(|(_, ty)| *ty).collect();
    let node = Node::new(NodeKind::System(table), types);
    Ok((node, Scope { relations: vec![relation], using: Vec::new() }))
}

fn plain_column(name: String, ty: Type, modifier: i32, at: usize) -> ScopeColumn {
    ScopeColumn {
        name,
        ty,
        modifier,
        position: at as u32,
        column: None,
        attribute: 0,
        hidden: false,
        merged: false,
    }
}

/// A relation that only the query knows.
fn derived(alias: &Alias, columns: Vec<ScopeColumn>) -> Result<Relation> {
    let mut relation = Relation {
        alias: alias.name.name.clone(),
        schema: None,
        columns,
        table: None,
        number: 0,
        key: None,
        scalar: false,
    };
    rename(&mut relation, Some(alias))?;
    Ok(relation)
}

/// Applies an alias's column names.
fn rename(relation: &mut Relation, alias: Option<&Alias>) -> Result<()> {
    let Some(alias) = alias else { return Ok(()) };
    let visible = relation.columns.iter().filter(|column| !column.hidden).count();
    if alias.columns.len() > visible {
        let message = format!(
            "table \"{}\" has {visible} columns available but {} columns specified",
            alias.name.name,
            alias.columns.len()
        );
        return Err(Error::new(ErrorKind::Name, "42P10", message).at(alias.name.position.0));
    }
    let shown = relation.columns.iter_mut().filter(|column| !column.hidden);
    for (column, name) in shown.zip(&alias.columns) {
        column.name.clone_from(&name.name);
    }
    Ok(())
}

/// `(a JOIN b …) AS j`: one relation of all visible columns.
fn alias_join(node: Node, scope: Scope, alias: &Alias) -> Result<Item> {
    let mut columns = Vec::new();
    for (relation, at) in &scope.using {
        columns.push(scope.relations[*relation].columns[*at].clone());
    }
    for (number, relation) in scope.relations.iter().enumerate() {
        for (at, column) in relation.columns.iter().enumerate() {
            if !column.hidden && !column.merged && !scope.using.contains(&(number, at)) {
                columns.push(column.clone());
            }
        }
    }
    let relation = derived(alias, columns)?;
    Ok((node, Scope { relations: vec![relation], using: Vec::new() }))
}

/// The one column of a name among the relations of a side.
fn unique(
    relations: &[Relation],
    first: usize,
    name: &str,
    side: &str,
    offset: u32,
) -> Result<(usize, usize)> {
    let mut found = None;
    for (number, relation) in relations.iter().enumerate() {
        for (at, _) in
            relation.columns.iter().enumerate().filter(|(_, c)| c.name == name && !c.merged)
        {
            if found.is_some() {
                let message =
                    format!("common column name \"{name}\" appears more than once in {side} table");
                return Err(Error::new(ErrorKind::Name, "42702", message).at(offset));
            }
            found = Some((first + number, at));
        }
    }
    found.ok_or_else(|| {
        let message =
            format!("column \"{name}\" specified in USING clause does not exist in {side} table");
        Error::new(ErrorKind::Name, "42703", message).at(offset)
    })
}

/// The columns of a relation by name, for callers outside FROM.
pub(super) fn find<'s>(scope: &'s Scope, name: &str) -> Option<&'s ScopeColumn> {
    match scope.column(name) {
        Found::Column(_, column) => Some(column),
        _ => None,
    }
}

/// Whether an expression of the tree is a bare column of this name.
pub(super) fn bare_column(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Column(name) if !name.star && name.parts.len() == 1 => {
            name.parts.first().map(|part| part.name.as_str())
        }
        _ => None,
    }
}
