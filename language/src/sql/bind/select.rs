//! SELECT, VALUES and set operations.
//!
//! ```text
//!   FROM ─ WHERE ─ [Aggregate ─ HAVING] ─ [ProjectSet] ─ Project(list ⧺ sort keys) ─ DISTINCT ─ Sort ─ LockRows ─ Limit ─ Project(list)
//! ```
//!
//! Grouping binds in two steps, since the Aggregate's output row must be known before anything is
//! bound over it: first the group keys and every aggregate call of the list, HAVING and ORDER BY
//! are bound over the ungrouped rows; then, with `Level::grouping` set, the expressions are bound
//! again, and a key or a call that is met becomes a column of the Aggregate.
//!
//! **Invariants**
//! - Over grouped rows a column is a group key, or functionally depends on one (its table's primary
//!   key is grouped by; it was added as a key), or it is error 42803.
//! - The list's columns come first in the projected row; sort keys that are not in the list follow
//!   and are cut off at the end.

use query::expression::{Expression, Node as ExpressionNode};
use query::plan::{
    AggregateCall, LockWait, LockedTable, Node, NodeKind, Operation, OutputColumn, RowLock,
    ScanColumn, SetOperation, SortKey,
};
use query::{Error, ErrorKind, Result, Type};

use super::call::{label, sort_key};
use super::expression::{filter, project, syntax};
use super::from::bare_column;
use super::scope::{Relation, Scope, ScopeColumn};
use super::{Binder, Clause, Operation as Bound, column, resolve};
use crate::sql::ast::{
    self, Distinct, Expr, ExprKind, FunctionCall, GroupItem, LiteralValue, LockStrength, Query,
    QueryBody, Select, SortBy, Target,
};

/// What an Aggregate's output row means.
#[derive(Clone)]
pub(super) struct Grouping {
    /// Group keys as written and as bound over the ungrouped row; key i is column i.
    keys: Vec<(Option<Expr>, Expression)>,
    /// Aggregate calls as written, with their result types; they follow the keys.
    calls: Vec<(FunctionCall, Type)>,
}

impl Grouping {
    /// The column of an aggregate call.
    pub(super) fn aggregate(&self, call: &FunctionCall) -> Option<Expression> {
        let at = self.calls.iter().position(|(known, _)| known == call)?;
        let position = (self.keys.len() + at) as u32;
        Some(Expression { offset: call.position.0, ..column(position, self.calls[at].1, -1) })
    }

    /// The column of a key that is this input column.
    fn key_column(&self, position: u32) -> Option<Expression> {
        let is = |(_, key): &(Option<Expr>, Expression)| match key.node {
            ExpressionNode::Column(at) => at == position,
            _ => false,
        };
        let at = self.keys.iter().position(is)?;
        let key = &self.keys[at].1;
        Some(column(at as u32, key.ty, key.modifier))
    }
}

/// One element of the select list.
struct Item {
    expression: Expression,
    name: String,
    origin: (u32, i16),
}

impl Binder<'_> {
    /// A SELECT as a statement.
    pub(super) fn query_statement(&mut self, query: &Query) -> Result<Bound> {
        self.push(Scope::default(), None, Clause::Select);
        let (node, columns) = self.query(query)?;
        self.levels.pop();
        Ok((Operation::Query(node), columns))
    }

    /// Binds a query on the level that was pushed for it.
    pub(super) fn query(&mut self, query: &Query) -> Result<(Node, Vec<OutputColumn>)> {
        if let Some(with) = &query.with {
            return Err(Error::unsupported("WITH (common table expressions)").at(with.position.0));
        }
        if query.with_ties {
            return Err(Error::unsupported("FETCH FIRST … WITH TIES").at(query.position.0));
        }
        let (mut node, columns) = match &query.body {
            QueryBody::Select(select) => return self.select(select, query),
            QueryBody::Values(rows) => self.values(rows)?,
            QueryBody::Table(relation) => {
                let select = select_all(relation.clone(), query);
                return self.select(&select, query);
            }
            QueryBody::SetOperation(operation) => self.set_operation(operation)?,
        };
        if let Some(locking) = query.locking.first() {
            let what = if matches!(query.body, QueryBody::Values(_)) {
                "VALUES"
            } else {
                "UNION/INTERSECT/EXCEPT"
            };
            let message = format!("{} is not allowed with {what}", strength_name(locking.strength));
            return Err(Error::new(ErrorKind::Unsupported, "0A000", message));
        }
        node = self.order_output(node, &columns, &query.order_by)?;
        let node = self.limit(node, query)?;
        Ok((node, columns))
    }

    fn select(&mut self, select: &Select, query: &Query) -> Result<(Node, Vec<OutputColumn>)> {
        refuse_parts(select)?;
        let open = std::mem::take(&mut self.outputs_open);
        let (node, scope) = self.in_clause(Clause::From, |binder| binder.from(&select.from))?;
        let level = self.level()?;
        (level.node, level.scope) = (Some(node), scope);
        if let Some(condition) = &select.filter {
            let predicate =
                self.in_clause(Clause::Where, |binder| binder.condition(condition, "WHERE"))?;
            let input = self.take_node()?;
            self.put_node(filter(input, predicate))?;
        }
        self.group(select, query)?;
        if let Some(having) = &select.having {
            let predicate =
                self.in_clause(Clause::Having, |binder| binder.condition(having, "HAVING"))?;
            let input = self.take_node()?;
            self.put_node(filter(input, predicate))?;
        }
        let items =
            self.in_clause(Clause::Select, |binder| binder.targets(&select.targets, open))?;
        self.finish_select(select, query, items)
    }

    /// The select list, stars expanded.
    fn targets(&mut self, targets: &[Target], open: bool) -> Result<Vec<Item>> {
        let mut items = Vec::with_capacity(targets.len());
        for target in targets {
            let offset = target.expr.position.0;
            if let ExprKind::Column(name) = &target.expr.kind
                && name.star
            {
                let qualifier = name.parts.last().map(|part| part.name.as_str());
                for (name, expression, origin) in self.star(qualifier, offset)? {
                    let expression = self.regroup(expression, &name)?;
                    items.push(Item { expression, name, origin });
                }
                continue;
            }
            let bound = self.expression(&target.expr)?;
            let expression = if open { bound } else { self.settled(bound)? };
            let name = match &target.label {
                Some(label) => label.name.clone(),
                None => label(&target.expr),
            };
            let origin = self.origin(&target.expr);
            items.push(Item { expression, name, origin });
        }
        Ok(items)
    }

    /// The table column that an expression of the list is, for RowDescription.
    fn origin(&self, expr: &Expr) -> (u32, i16) {
        let (ExprKind::Column(name), Some(level)) = (&expr.kind, self.levels.last()) else {
            return (0, 0);
        };
        let parts: Vec<&str> = name.parts.iter().map(|part| part.name.as_str()).collect();
        let found = match parts.as_slice() {
            [column] => level.scope.column(column),
            [.., relation, column] => match level.scope.relation(None, relation) {
                Some(relation) => relation.column(column),
                None => return (0, 0),
            },
            [] => return (0, 0),
        };
        match found {
            super::scope::Found::Column(relation, column) => (relation.number, column.attribute),
            _ => (0, 0),
        }
    }

    fn finish_select(
        &mut self,
        select: &Select,
        query: &Query,
        items: Vec<Item>,
    ) -> Result<(Node, Vec<OutputColumn>)> {
        let width = items.len();
        let mut list: Vec<Expression> = items.iter().map(|item| item.expression.clone()).collect();
        let distinct_on = match &select.distinct {
            Some(Distinct::On(exprs)) => Some(self.sort_targets(exprs, &items, &mut list)?),
            _ => None,
        };
        let mut keys = Vec::with_capacity(query.order_by.len());
        for by in &query.order_by {
            let at = self.sort_target(by, &items, &mut list, select)?;
            keys.push(sort_key(by, column(at as u32, list[at].ty, list[at].modifier))?);
        }
        let columns = items
            .into_iter()
            .map(|item| OutputColumn {
                name: item.name,
                ty: item.expression.ty,
                modifier: item.expression.modifier,
                origin: item.origin,
            })
            .collect();
        let locks = self.lock_columns(query, select, &mut list)?;
        let input = self.take_node()?;
        let mut node = project(input, list);
        if let Some(on) = distinct_on {
            node = distinct_on_node(node, &on, &mut keys)?;
        } else if select.distinct.is_some() {
            if node.width() != width {
                let message =
                    "for SELECT DISTINCT, ORDER BY expressions must appear in select list";
                let offset = query.order_by.first().map_or(0, |by| by.expr.position.0);
                return Err(Error::new(ErrorKind::Name, "42P10", message).at(offset));
            }
            let types = node.types.clone();
            node = Node::new(NodeKind::Distinct { input: Box::new(node), on: None }, types);
        }
        if !keys.is_empty() && distinct_on_sorted(&node).is_none() {
            node = sort(node, keys);
        }
        if !locks.is_empty() {
            let types = node.types.clone();
            let kind = NodeKind::LockRows { input: Box::new(node), locks, recheck: None };
            node = Node::new(kind, types);
        }
        node = self.limit(node, query)?;
        Ok((cut(node, width), columns))
    }

    /// Positions in the projected row of DISTINCT ON's expressions.
    fn sort_targets(
        &mut self,
        exprs: &[Expr],
        items: &[Item],
        list: &mut Vec<Expression>,
    ) -> Result<Vec<usize>> {
        exprs
            .iter()
            .map(|expr| {
                let by = SortBy {
                    expr: expr.clone(),
                    order: ast::SortOrder::Default,
                    nulls_first: None,
                };
                self.sort_target_in(&by, items, list, "DISTINCT ON")
            })
            .collect()
    }

    fn sort_target(
        &mut self,
        by: &SortBy,
        items: &[Item],
        list: &mut Vec<Expression>,
        _select: &Select,
    ) -> Result<usize> {
        self.sort_target_in(by, items, list, "ORDER BY")
    }

    /// Where a sort expression stands in the projected row: an output name, an ordinal, or a new
    /// column.
    fn sort_target_in(
        &mut self,
        by: &SortBy,
        items: &[Item],
        list: &mut Vec<Expression>,
        clause: &str,
    ) -> Result<usize> {
        let offset = by.expr.position.0;
        if let Some(at) = self.ordinal(&by.expr, items.len(), clause)? {
            return Ok(at);
        }
        if let Some(name) = bare_column(&by.expr) {
            let mut named = items.iter().enumerate().filter(|(_, item)| item.name == name);
            if let Some((at, first)) = named.next() {
                if named.any(|(_, other)| !same(&other.expression, &first.expression)) {
                    let message = format!("{clause} \"{name}\" is ambiguous");
                    return Err(Error::new(ErrorKind::Name, "42702", message).at(offset));
                }
                return Ok(at);
            }
        }
        let bound = self.in_clause(Clause::OrderBy, |binder| {
            let bound = binder.expression(&by.expr)?;
            binder.settled(bound)
        })?;
        if let Some(at) = list.iter().position(|known| same(known, &bound)) {
            return Ok(at);
        }
        list.push(bound);
        Ok(list.len() - 1)
    }

    /// The position that an integer literal names. The literal is looked at.
    fn ordinal(&mut self, expr: &Expr, width: usize, clause: &str) -> Result<Option<usize>> {
        let ExprKind::Literal(literal) = &expr.kind else { return Ok(None) };
        if let Some(ordinal) = literal.ordinal {
            self.look_at(ordinal.0);
        }
        let LiteralValue::Int4(number) = literal.value else {
            let message = format!("non-integer constant in {clause}");
            return Err(syntax(&message, expr.position.0));
        };
        match usize::try_from(number) {
            Ok(number) if (1..=width).contains(&number) => Ok(Some(number - 1)),
            _ => {
                let message = format!("{clause} position {number} is not in select list");
                Err(Error::new(ErrorKind::Name, "42P10", message).at(expr.position.0))
            }
        }
    }

    fn limit(&mut self, input: Node, query: &Query) -> Result<Node> {
        if query.limit.is_none() && query.offset.is_none() {
            return Ok(input);
        }
        let limit = self.row_count(query.limit.as_ref(), "LIMIT")?;
        let offset = self.row_count(query.offset.as_ref(), "OFFSET")?;
        let types = input.types.clone();
        Ok(Node::new(NodeKind::Limit { input: Box::new(input), limit, offset }, types))
    }

    /// A LIMIT or OFFSET expression: bigint, over no row.
    fn row_count(&mut self, expr: Option<&Expr>, clause: &str) -> Result<Option<Expression>> {
        let Some(expr) = expr else { return Ok(None) };
        let node = Node::new(NodeKind::Single, Vec::new());
        self.push(Scope::default(), Some(node), Clause::Limit);
        let level_below = self.levels.len().wrapping_sub(2);
        let visible = self
            .levels
            .get_mut(level_below)
            .map(|level| std::mem::replace(&mut level.visible, false));
        let bound = self.expression(expr);
        let level = self.levels.pop();
        if let (Some(below), Some(visible)) = (self.levels.get_mut(level_below), visible) {
            below.visible = visible;
        }
        let bound = bound.map_err(|error| match error.sqlstate {
            "42703" => {
                let message = format!("argument of {clause} must not contain variables");
                Error::new(ErrorKind::Name, "42P10", message).at(expr.position.0)
            }
            _ => error,
        })?;
        if level.is_some_and(|level| {
            !level.captured.is_empty() || level.node.is_some_and(|node| node.width() > 0)
        }) {
            return Err(
                Error::unsupported(format_args!("a subquery in {clause}")).at(expr.position.0)
            );
        }
        if bound.ty != Type::UNKNOWN && !bound.ty.is_numeric() {
            let message = format!(
                "argument of {clause} must be type bigint, not type {}",
                bound.ty.display(-1)
            );
            return Err(Error::new(ErrorKind::Type, "42804", message).at(expr.position.0));
        }
        resolve::assign(self, bound, Type::INT8, -1, None).map(Some)
    }

    // ---- grouping ----

    /// Puts an Aggregate over the level's node if the query groups.
    fn group(&mut self, select: &Select, query: &Query) -> Result<()> {
        let mut calls = Vec::new();
        let mut columns = Vec::new();
        for expr in grouped_expressions(select, query) {
            collect(expr, &mut calls, &mut columns);
        }
        if calls.is_empty() && select.group_by.is_empty() && select.having.is_none() {
            return Ok(());
        }
        let mut keys: Vec<(Option<Expr>, Expression)> = Vec::new();
        for item in &select.group_by {
            self.group_key(item, select, &mut keys)?;
        }
        let mut bound: Vec<AggregateCall> = Vec::new();
        let mut known: Vec<(FunctionCall, Type)> = Vec::new();
        for call in calls {
            if known.iter().any(|(other, _)| *other == call) {
                continue;
            }
            let aggregate = self.aggregate_call(&call)?;
            known.push((call, aggregate.ty));
            bound.push(aggregate);
        }
        self.add_dependent_keys(&columns, &mut keys);
        let input = self.take_node()?;
        let groups: Vec<Expression> = keys.iter().map(|(_, key)| key.clone()).collect();
        let mut types: Vec<Type> = groups.iter().map(|key| key.ty).collect();
        types.extend(bound.iter().map(|call| call.ty));
        let kind = NodeKind::Aggregate { input: Box::new(input), groups, aggregates: bound };
        self.put_node(Node::new(kind, types))?;
        self.level()?.grouping = Some(Grouping { keys, calls: known });
        Ok(())
    }

    fn group_key(
        &mut self,
        item: &GroupItem,
        select: &Select,
        keys: &mut Vec<(Option<Expr>, Expression)>,
    ) -> Result<()> {
        let expr = match item {
            GroupItem::Expr(expr) => expr,
            GroupItem::Empty(_) => return Ok(()),
            GroupItem::Rollup(_, position) => {
                return Err(Error::unsupported("ROLLUP").at(position.0));
            }
            GroupItem::Cube(_, position) => return Err(Error::unsupported("CUBE").at(position.0)),
            GroupItem::Sets(_, position) => {
                return Err(Error::unsupported("GROUPING SETS").at(position.0));
            }
        };
        if let ExprKind::Row { items, explicit: false } = &expr.kind {
            return items
                .iter()
                .try_for_each(|item| self.group_key(&GroupItem::Expr(item.clone()), select, keys));
        }
        let expr = self.group_target(expr, select)?;
        let bound = self.in_clause(Clause::GroupBy, |binder| {
            let bound = binder.expression(&expr)?;
            binder.settled(bound)
        })?;
        if !keys.iter().any(|(_, known)| same(known, &bound)) {
            keys.push((Some(expr), bound));
        }
        Ok(())
    }

    /// What GROUP BY means by an ordinal or by a name that only the select list knows.
    fn group_target(&mut self, expr: &Expr, select: &Select) -> Result<Expr> {
        if let Some(at) = self.ordinal(expr, select.targets.len(), "GROUP BY")? {
            return Ok(select.targets[at].expr.clone());
        }
        if let Some(name) = bare_column(expr)
            && super::from::find(&self.level()?.scope, name).is_none()
            && let Some(target) = select
                .targets
                .iter()
                .find(|t| t.label.as_ref().is_some_and(|label| label.name == name))
        {
            return Ok(target.expr.clone());
        }
        Ok(expr.clone())
    }

    /// Columns that functionally depend on a grouped primary key become keys; that changes no
    /// group.
    fn add_dependent_keys(
        &mut self,
        columns: &[ast::ColumnRef],
        keys: &mut Vec<(Option<Expr>, Expression)>,
    ) {
        let Some(level) = self.levels.last() else { return };
        for relation in &level.scope.relations {
            if !key_is_grouped(relation, keys) {
                continue;
            }
            for c in &relation.columns {
                let wanted = columns.iter().any(|name| names_column(name, relation, c));
                let known = keys
                    .iter()
                    .any(|(_, k)| matches!(k.node, ExpressionNode::Column(p) if p == c.position));
                if wanted && !known {
                    keys.push((None, column(c.position, c.ty, c.modifier)));
                }
            }
        }
    }

    /// Over grouped rows, the column of an expression that is a group key as a whole.
    pub(super) fn grouped(&mut self, expr: &Expr) -> Result<Option<Expression>> {
        let Some(level) = self.levels.last() else { return Ok(None) };
        let Some(grouping) = &level.grouping else { return Ok(None) };
        if matches!(level.clause, Clause::Aggregate) {
            return Ok(None);
        }
        let is = |(written, _): &(Option<Expr>, Expression)| {
            written.as_ref().is_some_and(|w| w.kind == expr.kind)
        };
        let Some(at) = grouping.keys.iter().position(is) else { return Ok(None) };
        let key = &grouping.keys[at].1;
        Ok(Some(Expression { offset: expr.position.0, ..column(at as u32, key.ty, key.modifier) }))
    }

    /// A column of a level that was found by name: itself, or the group key that it is.
    pub(super) fn admit(
        &self,
        level: usize,
        found: Expression,
        name: &ast::ColumnRef,
        offset: u32,
    ) -> Result<Expression> {
        let Some(grouping) = &self.levels[level].grouping else { return Ok(found) };
        let ExpressionNode::Column(position) = found.node else { return Ok(found) };
        match grouping.key_column(position) {
            Some(key) => Ok(Expression { offset, ..key }),
            None => {
                let parts: Vec<&str> = name.parts.iter().map(|part| part.name.as_str()).collect();
                Err(self.not_grouped(level, position, parts.last().copied().unwrap_or(""), offset))
            }
        }
    }

    fn not_grouped(&self, level: usize, position: u32, name: &str, offset: u32) -> Error {
        let relations = &self.levels[level].scope.relations;
        let owner = relations.iter().find(|r| r.columns.iter().any(|c| c.position == position));
        let shown =
            owner.map_or_else(|| name.to_owned(), |relation| format!("{}.{name}", relation.alias));
        let message = format!(
            "column \"{shown}\" must appear in the GROUP BY clause or be used in an aggregate function"
        );
        Error::new(ErrorKind::Syntax, "42803", message).at(offset)
    }

    /// A column that `*` expanded to, over grouped rows.
    fn regroup(&self, expression: Expression, name: &str) -> Result<Expression> {
        let at = self.levels.len() - 1;
        let Some(grouping) = &self.levels[at].grouping else { return Ok(expression) };
        let ExpressionNode::Column(position) = expression.node else { return Ok(expression) };
        match grouping.key_column(position) {
            Some(key) => Ok(Expression { offset: expression.offset, ..key }),
            None => Err(self.not_grouped(at, position, name, expression.offset)),
        }
    }

    // ---- set-returning functions in the list ----

    pub(super) fn put_project_set(
        &mut self,
        function: &'static query::function::SetFunction,
        arguments: Vec<Expression>,
        ty: Type,
        offset: u32,
    ) -> Result<Expression> {
        let input = self.take_node()?;
        let mut types = input.types.clone();
        let at = types.len() as u32;
        types.push(ty);
        let node = match input.kind {
            // Functions of one list run side by side.
            NodeKind::ProjectSet { input, mut calls } if !reads_from(&arguments, input.width()) => {
                calls.push((function, arguments));
                NodeKind::ProjectSet { input, calls }
            }
            kind => {
                let types = types[..at as usize].to_vec();
                let input = Box::new(Node::new(kind, types));
                NodeKind::ProjectSet { input, calls: vec![(function, arguments)] }
            }
        };
        self.put_node(Node::new(node, types))?;
        Ok(Expression { offset, ..column(at, ty, -1) })
    }

    // ---- VALUES and set operations ----

    fn values(&mut self, rows: &[Vec<Expr>]) -> Result<(Node, Vec<OutputColumn>)> {
        let width = rows.first().map_or(0, Vec::len);
        self.put_node(Node::new(NodeKind::Single, Vec::new()))?;
        let mut bound = Vec::with_capacity(rows.len());
        for row in rows {
            if row.len() != width {
                let offset = row.first().map_or(0, |expr| expr.position.0);
                return Err(syntax("VALUES lists must all be the same length", offset));
            }
            bound.push(self.in_clause(Clause::Values, |binder| binder.expressions(row))?);
        }
        let (rows, types) = self.unify_rows(bound, width)?;
        let columns = types
            .iter()
            .enumerate()
            .map(|(at, ty)| OutputColumn {
                name: format!("column{}", at + 1),
                ty: *ty,
                modifier: -1,
                origin: (0, 0),
            })
            .collect();
        Ok((self.values_node(rows, types)?, columns))
    }

    /// Brings each column of literal rows to one type.
    pub(super) fn unify_rows(
        &mut self,
        rows: Vec<Vec<Expression>>,
        width: usize,
    ) -> Result<(Vec<Vec<Expression>>, Vec<Type>)> {
        let mut columns: Vec<Vec<Expression>> =
            (0..width).map(|_| Vec::with_capacity(rows.len())).collect();
        for row in rows {
            for (column, value) in columns.iter_mut().zip(row) {
                column.push(value);
            }
        }
        let mut types = Vec::with_capacity(width);
        let mut unified = Vec::with_capacity(width);
        for column in columns {
            let (column, ty) = resolve::unify(self, column, "VALUES")?;
            types.push(ty);
            unified.push(column.into_iter());
        }
        let count = unified.first().map_or(0, |column| column.len());
        let rows =
            (0..count).map(|_| unified.iter_mut().filter_map(Iterator::next).collect()).collect();
        Ok((rows, types))
    }

    /// VALUES over whatever applies its subqueries left under the level.
    pub(super) fn values_node(
        &mut self,
        mut rows: Vec<Vec<Expression>>,
        types: Vec<Type>,
    ) -> Result<Node> {
        let input = self.take_node()?;
        if matches!(input.kind, NodeKind::Single) {
            return Ok(Node::new(NodeKind::Values(rows), types));
        }
        if rows.len() == 1
            && let Some(row) = rows.pop()
        {
            return Ok(project(input, row));
        }
        Err(Error::unsupported("a subquery in VALUES of several rows"))
    }

    fn set_operation(
        &mut self,
        operation: &ast::SetOperation,
    ) -> Result<(Node, Vec<OutputColumn>)> {
        let word = match operation.operator {
            ast::SetOperator::Union => "UNION",
            ast::SetOperator::Intersect => "INTERSECT",
            ast::SetOperator::Except => "EXCEPT",
        };
        let (left, mut columns) = self.side(&operation.left)?;
        let (right, _) = self.side(&operation.right)?;
        if left.width() != right.width() {
            let message = format!("each {word} query must have the same number of columns");
            return Err(syntax(&message, first_target(&operation.right)));
        }
        let mut types = Vec::with_capacity(left.width());
        for (at, (l, r)) in left.types.iter().zip(&right.types).enumerate() {
            let ty = resolve::common_type(&[*l, *r])
                .ok_or_else(|| resolve::mismatch(&[*l, *r], word).at(operation.position.0))?;
            types.push(ty);
            if *l != ty || *l != *r {
                columns[at].modifier = -1;
            }
            (columns[at].ty, columns[at].origin) = (ty, (0, 0));
        }
        let left = self.cast_columns(left, &types)?;
        let right = self.cast_columns(right, &types)?;
        let set = match operation.operator {
            ast::SetOperator::Union => SetOperation::Union,
            ast::SetOperator::Intersect => SetOperation::Intersect,
            ast::SetOperator::Except => SetOperation::Except,
        };
        let inputs = Box::new((left, right));
        let kind = NodeKind::SetOperation { operation: set, all: operation.all, inputs };
        Ok((Node::new(kind, types), columns))
    }

    /// One side of a set operation, on a level of its own that takes from the same outer levels.
    fn side(&mut self, query: &Query) -> Result<(Node, Vec<OutputColumn>)> {
        let visible = std::mem::replace(&mut self.level()?.visible, false);
        self.push(Scope::default(), None, Clause::Select);
        let bound = self.open_query(query);
        let level = self.levels.pop();
        self.level()?.visible = visible;
        let captured = level.map(|level| level.captured).unwrap_or_default();
        debug_assert!(captured.is_empty(), "a side captures through the level it stands on");
        bound
    }

    /// A query whose literals in the list take their types from outside: columns may come out of
    /// unknown type.
    pub(super) fn open_query(&mut self, query: &Query) -> Result<(Node, Vec<OutputColumn>)> {
        let before = std::mem::replace(&mut self.outputs_open, true);
        let bound = self.query(query);
        self.outputs_open = before;
        bound
    }

    /// Gives a column of unknown type that a query's list made its type, where the literal stands.
    pub(super) fn determine_output(&mut self, node: &mut Node, at: usize, ty: Type) -> Result<()> {
        if node.types.get(at) != Some(&Type::UNKNOWN) {
            return Ok(());
        }
        match &mut node.kind {
            NodeKind::Project { expressions, .. } => {
                let Some(place) = expressions.get_mut(at) else { return Ok(()) };
                let null = super::call::null_of(Type::UNKNOWN);
                let literal = std::mem::replace(place, null);
                // A column passed through was determined below; what is left is a literal or NULL.
                *place = resolve::coerce_to(self, literal, ty, -1)?;
            }
            NodeKind::Filter { input, .. }
            | NodeKind::Limit { input, .. }
            | NodeKind::Sort { input, .. }
            | NodeKind::Distinct { input, .. } => self.determine_output(input, at, ty)?,
            NodeKind::SetOperation { inputs, .. } => {
                self.determine_output(&mut inputs.0, at, ty)?;
                self.determine_output(&mut inputs.1, at, ty)?;
            }
            _ => return Ok(()),
        }
        node.types[at] = ty;
        Ok(())
    }

    fn cast_columns(&mut self, mut node: Node, types: &[Type]) -> Result<Node> {
        for (at, ty) in types.iter().enumerate() {
            self.determine_output(&mut node, at, *ty)?;
        }
        if node.types == types {
            return Ok(node);
        }
        let mut casts = Vec::with_capacity(types.len());
        for (at, (from, to)) in node.types.iter().zip(types).enumerate() {
            casts.push(resolve::coerce_to(self, column(at as u32, *from, -1), *to, -1)?);
        }
        Ok(project(node, casts))
    }

    /// ORDER BY over the output of VALUES or a set operation: names and ordinals only.
    fn order_output(
        &mut self,
        node: Node,
        columns: &[OutputColumn],
        order: &[SortBy],
    ) -> Result<Node> {
        let mut keys = Vec::with_capacity(order.len());
        for by in order {
            let offset = by.expr.position.0;
            let at =
                match (self.ordinal(&by.expr, columns.len(), "ORDER BY")?, bare_column(&by.expr)) {
                    (Some(at), _) => at,
                    (None, Some(name)) => {
                        columns.iter().position(|c| c.name == name).ok_or_else(|| {
                            let message = format!("column \"{name}\" does not exist");
                            Error::new(ErrorKind::Name, "42703", message).at(offset)
                        })?
                    }
                    (None, None) => {
                        let message = "invalid UNION/INTERSECT/EXCEPT ORDER BY clause";
                        return Err(Error::new(ErrorKind::Unsupported, "0A000", message)
                        .at(offset)
                        .detail(
                            "Only result column names can be used, not expressions or functions.",
                        ));
                    }
                };
            keys.push(sort_key(by, column(at as u32, columns[at].ty, -1))?);
        }
        Ok(if keys.is_empty() { node } else { sort(node, keys) })
    }

    // ---- FOR UPDATE ----

    /// Adds the keys of the tables to lock to the projected row.
    fn lock_columns(
        &mut self,
        query: &Query,
        select: &Select,
        list: &mut Vec<Expression>,
    ) -> Result<Vec<LockedTable>> {
        let mut locks: Vec<LockedTable> = Vec::new();
        for locking in &query.locking {
            let word = strength_name(locking.strength);
            let refuse = |what: &str| {
                let message = format!("{word} is not allowed with {what}");
                Error::new(ErrorKind::Unsupported, "0A000", message)
            };
            if select.distinct.is_some() {
                return Err(refuse("DISTINCT clause"));
            }
            if self.level()?.grouping.is_some() {
                let what = if select.group_by.is_empty() {
                    "aggregate functions"
                } else {
                    "GROUP BY clause"
                };
                return Err(refuse(what));
            }
            let lock = RowLock { mode: lock_mode(locking.strength), wait: lock_wait(locking.wait) };
            let relations = self.level()?.scope.relations.clone();
            for name in &locking.of {
                if !relations.iter().any(|relation| relation.alias == name.name()) {
                    let message = format!(
                        "relation \"{}\" in {word} clause not found in FROM clause",
                        name.name()
                    );
                    return Err(Error::new(ErrorKind::Name, "42P01", message).at(name.position.0));
                }
            }
            let wanted = |relation: &&Relation| {
                locking.of.is_empty() || locking.of.iter().any(|name| name.name() == relation.alias)
            };
            for relation in relations.iter().filter(wanted) {
                locks.extend(locked_table(relation, lock, list));
            }
        }
        Ok(locks)
    }
}

fn locked_table(
    relation: &Relation,
    lock: RowLock,
    list: &mut Vec<Expression>,
) -> Option<LockedTable> {
    let (table, key) = (relation.table.as_ref()?, relation.key?);
    let at = list.len() as u32;
    // The projected columns that are this table's own, to be read again if the row changed
    // meanwhile.
    let mut columns = Vec::new();
    for (position, expression) in list.iter().enumerate() {
        if let ExpressionNode::Column(from) = expression.node
            && let Some(c) = relation.columns.iter().find(|c| c.position == from)
            && let Some(id) = c.column
        {
            columns.push((ScanColumn::Column(id), position as u32));
        }
    }
    list.push(column(key, Type::BYTEA, -1));
    Some(LockedTable { collection: table.clone(), key: at, columns, lock })
}

fn lock_mode(strength: LockStrength) -> transaction::LockMode {
    match strength {
        LockStrength::Update => transaction::LockMode::Update,
        LockStrength::NoKeyUpdate => transaction::LockMode::NoKeyUpdate,
        LockStrength::Share => transaction::LockMode::Share,
        LockStrength::KeyShare => transaction::LockMode::KeyShare,
    }
}

fn lock_wait(wait: ast::LockWait) -> LockWait {
    match wait {
        ast::LockWait::Wait => LockWait::Block,
        ast::LockWait::NoWait => LockWait::NoWait,
        ast::LockWait::SkipLocked => LockWait::SkipLocked,
    }
}

fn strength_name(strength: LockStrength) -> &'static str {
    match strength {
        LockStrength::Update => "FOR UPDATE",
        LockStrength::NoKeyUpdate => "FOR NO KEY UPDATE",
        LockStrength::Share => "FOR SHARE",
        LockStrength::KeyShare => "FOR KEY SHARE",
    }
}

fn refuse_parts(select: &Select) -> Result<()> {
    let offset = select.position.0;
    if select.into.is_some() {
        return Err(Error::unsupported("SELECT INTO").at(offset));
    }
    if let Some(window) = select.windows.first() {
        return Err(Error::unsupported("WINDOW").at(window.name.position.0));
    }
    Ok(())
}

/// `TABLE t` is `SELECT * FROM t`.
fn select_all(relation: ast::Relation, query: &Query) -> Select {
    let position = query.position;
    let star = ExprKind::Column(ast::ColumnRef { parts: Vec::new(), star: true });
    Select {
        distinct: None,
        targets: vec![Target { expr: Expr { kind: star, position }, label: None }],
        into: None,
        from: vec![ast::TableRef::Table { relation, alias: None, sample: None }],
        filter: None,
        group_distinct: false,
        group_by: Vec::new(),
        having: None,
        windows: Vec::new(),
        position,
    }
}

fn sort(input: Node, keys: Vec<SortKey>) -> Node {
    let types = input.types.clone();
    Node::new(NodeKind::Sort { input: Box::new(input), keys, top: None }, types)
}

/// The first columns of a node.
fn cut(node: Node, width: usize) -> Node {
    if node.width() == width {
        return node;
    }
    let first =
        node.types[..width].iter().enumerate().map(|(at, ty)| column(at as u32, *ty, -1)).collect();
    project(node, first)
}

/// DISTINCT ON: sorts by its expressions first, then takes the first row of each run.
fn distinct_on_node(node: Node, on: &[usize], keys: &mut Vec<SortKey>) -> Result<Node> {
    let position = |key: &SortKey| match key.expression.node {
        ExpressionNode::Column(at) => at as usize,
        _ => usize::MAX,
    };
    if keys.iter().take(on.len()).any(|key| !on.contains(&position(key))) {
        let message = "SELECT DISTINCT ON expressions must match initial ORDER BY expressions";
        return Err(Error::new(ErrorKind::Name, "42P10", message));
    }
    let mut sorted = std::mem::take(keys);
    for at in on {
        if !sorted.iter().any(|key| position(key) == *at) {
            let expression = column(*at as u32, node.types[*at], -1);
            sorted.push(SortKey { expression, descending: false, nulls_first: false });
        }
    }
    // Bring the ON columns to the front for the operator, and put the row back in order after it.
    let width = node.width();
    let types = node.types.clone();
    let node = sort(node, sorted);
    let front: Vec<usize> = on.iter().copied().chain(0..width).collect();
    let widened = front.iter().map(|at| column(*at as u32, types[*at], -1)).collect();
    let node = project(node, widened);
    let widened_types = node.types.clone();
    let node =
        Node::new(NodeKind::Distinct { input: Box::new(node), on: Some(on.len()) }, widened_types);
    let back = (0..width).map(|at| column((on.len() + at) as u32, types[at], -1)).collect();
    Ok(project(node, back))
}

/// Where a query's first column stands.
fn first_target(query: &Query) -> u32 {
    match &query.body {
        QueryBody::Select(select) => {
            select.targets.first().map_or(select.position.0, |target| target.expr.position.0)
        }
        _ => query.position.0,
    }
}

/// Marks a node that DISTINCT ON already sorted.
fn distinct_on_sorted(node: &Node) -> Option<()> {
    match &node.kind {
        NodeKind::Project { input, .. } => {
            matches!(input.kind, NodeKind::Distinct { on: Some(_), .. }).then_some(())
        }
        _ => None,
    }
}

/// Expressions that are bound over grouped rows.
fn grouped_expressions<'q>(select: &'q Select, query: &'q Query) -> Vec<&'q Expr> {
    let mut list: Vec<&Expr> = select.targets.iter().map(|target| &target.expr).collect();
    list.extend(&select.having);
    list.extend(query.order_by.iter().map(|by| &by.expr));
    if let Some(Distinct::On(on)) = &select.distinct {
        list.extend(on);
    }
    list
}

/// Aggregate calls and columns outside them, not looking into subqueries.
fn collect(expr: &Expr, calls: &mut Vec<FunctionCall>, columns: &mut Vec<ast::ColumnRef>) {
    match &expr.kind {
        ExprKind::Function(call)
            if !query::function::aggregates(call.name.name()).is_empty() && call.over.is_none() =>
        {
            calls.push((**call).clone());
        }
        ExprKind::Column(name) => columns.push(name.clone()),
        _ => expr.children().into_iter().for_each(|child| collect(child, calls, columns)),
    }
}

fn key_is_grouped(relation: &Relation, keys: &[(Option<Expr>, Expression)]) -> bool {
    let Some(table) = &relation.table else { return false };
    let grouped = |c: &ScopeColumn| {
        keys.iter().any(|(_, key)| matches!(key.node, ExpressionNode::Column(p) if p == c.position))
    };
    table
        .primary_key
        .columns
        .iter()
        .all(|id| relation.columns.iter().any(|c| c.column == Some(*id) && grouped(c)))
}

fn names_column(name: &ast::ColumnRef, relation: &Relation, column: &ScopeColumn) -> bool {
    let parts: Vec<&str> = name.parts.iter().map(|part| part.name.as_str()).collect();
    match (name.star, parts.as_slice()) {
        (true, []) => !column.hidden,
        (true, [.., of]) => *of == relation.alias && !column.hidden,
        (false, [only]) => *only == column.name,
        (false, [.., of, only]) => *of == relation.alias && *only == column.name,
        (false, []) => false,
    }
}

/// Whether two bound expressions are the same computation over the same row.
pub(super) fn same(a: &Expression, b: &Expression) -> bool {
    if a.ty != b.ty || a.modifier != b.modifier {
        return false;
    }
    let parts = || {
        let (a, b) = (a.children(), b.children());
        a.len() == b.len() && a.into_iter().zip(b).all(|(a, b)| same(a, b))
    };
    use ExpressionNode::*;
    match (&a.node, &b.node) {
        (Column(a), Column(b)) => a == b,
        (Parameter(a), Parameter(b)) => a == b,
        (Constant(a), Constant(b)) => {
            query::function::compare(&a.as_datum(), &b.as_datum(), false, false).is_eq()
        }
        (Call { function: f, .. }, Call { function: g, .. }) => f == g && parts(),
        (IsNull { negated: n, .. }, IsNull { negated: m, .. }) => n == m && parts(),
        (IsBool { value: v, negated: n, .. }, IsBool { value: w, negated: m, .. }) => {
            (v, n) == (w, m) && parts()
        }
        (IsDistinct { negated: n, .. }, IsDistinct { negated: m, .. }) => n == m && parts(),
        (Extreme { greatest: g, .. }, Extreme { greatest: h, .. }) => g == h && parts(),
        (AnyAll { operator: o, all: x, .. }, AnyAll { operator: p, all: y, .. }) => {
            (o, x) == (p, y) && parts()
        }
        (InList { negated: n, .. }, InList { negated: m, .. }) => n == m && parts(),
        (Case { branches: x, .. }, Case { branches: y, .. }) => x.len() == y.len() && parts(),
        (And(_), And(_))
        | (Or(_), Or(_))
        | (Not(_), Not(_))
        | (Coalesce(_), Coalesce(_))
        | (Array(_), Array(_))
        | (Row(_), Row(_)) => parts(),
        _ => false,
    }
}

/// Whether any expression reads a column at or past a position.
fn reads_from(expressions: &[Expression], position: usize) -> bool {
    expressions.iter().any(|e| e.columns().iter().any(|c| *c as usize >= position))
}
