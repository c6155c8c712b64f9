//! FROM: tables, subqueries, functions and joins.
//!
//! A join's condition binds to the nearest join without one: in `a JOIN b JOIN c ON x ON y` the
//! first
//! ON belongs to `b JOIN c`. So the right side of a join that needs a condition takes further joins
//! until ON or USING comes; CROSS and NATURAL joins take one table.

use super::*;

impl<'a> Parser<'a> {
    /// An element of FROM, with its joins.
    pub(super) fn table_ref(&mut self) -> Result<TableRef> {
        self.nested(|p| {
            p.measured(|p| {
                let first = p.table_primary()?;
                p.joins(first)
            })
        })
    }

    /// The joins that follow `left`, up to an ON or USING that is not theirs.
    fn joins(&mut self, mut left: TableRef) -> Result<TableRef> {
        while let Some((kind, natural, cross)) = self.join_words()? {
            let position = Position(self.join_start());
            let right = self.table_primary()?;
            let (right, condition) = if cross {
                (right, JoinCondition::None)
            } else if natural {
                (right, JoinCondition::Natural)
            } else {
                let right = self.nested(|p| p.joins(right))?;
                (right, self.join_condition()?)
            };
            let join = Join { kind, left, right, condition, alias: None, position };
            left = TableRef::Join(Box::new(join));
            self.taller()?;
        }
        Ok(left)
    }

    fn at_join(&self) -> bool {
        use Keyword::*;
        matches!(self.keyword(), Some(Join | Inner | Left | Right | Full | Cross | Natural))
    }

    /// Offset of the word JOIN that was just taken.
    fn join_start(&self) -> u32 {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(0, |t| t.start)
    }

    /// Takes `[NATURAL] LEFT OUTER JOIN` and its like: the kind, NATURAL, CROSS.
    fn join_words(&mut self) -> Result<Option<(JoinKind, bool, bool)>> {
        use Keyword::*;
        if self.is(Cross) {
            self.advance();
            self.expect(Join)?;
            return Ok(Some((JoinKind::Inner, false, true)));
        }
        let natural = self.is(Natural);
        if natural {
            self.advance();
        }
        let kind = match self.keyword() {
            Some(Join | Inner) => JoinKind::Inner,
            Some(Left) => JoinKind::Left,
            Some(Right) => JoinKind::Right,
            Some(Full) => JoinKind::Full,
            _ if natural => return self.unexpected(),
            _ => return Ok(None),
        };
        if !self.is(Join) {
            self.advance();
            if kind != JoinKind::Inner {
                self.eat(Outer);
            }
        }
        self.expect(Join)?;
        Ok(Some((kind, natural, false)))
    }

    fn join_condition(&mut self) -> Result<JoinCondition> {
        if self.eat(Keyword::On) {
            return Ok(JoinCondition::On(self.expr()?));
        }
        self.expect(Keyword::Using)?;
        let columns = self.names_in_parentheses()?;
        let alias = if self.eat(Keyword::As) { Some(self.name()?) } else { None };
        Ok(JoinCondition::Using(columns, alias))
    }

    fn table_primary(&mut self) -> Result<TableRef> {
        let position = self.position();
        let lateral = self.eat(Keyword::Lateral);
        if self.is_kind(TokenKind::Open) {
            if lateral {
                let position = self.position();
                let query = self.query_in_parentheses()?;
                return self.subquery(query, lateral, position);
            }
            return self.table_in_parentheses();
        }
        if self.are(&[Keyword::Rows, Keyword::From]) {
            return self.rows_from(lateral, position);
        }
        if self.is(Keyword::Xmltable) && self.is_kind_at(1, TokenKind::Open) {
            self.advance();
            self.skip_parentheses()?;
            self.alias()?;
            return Ok(TableRef::Unsupported { name: "XMLTABLE".to_string(), position });
        }
        if let Some(keyword) = self.keyword()
            && let Some(call) = self.common_function(keyword)?
        {
            return self.function_rest(vec![FunctionItem { call, columns: Vec::new() }], lateral);
        }
        if !lateral && self.is(Keyword::Only) {
            let relation = self.relation()?;
            return self.relation_rest(relation);
        }
        self.named_table(lateral)
    }

    /// A table or a function by name.
    fn named_table(&mut self, lateral: bool) -> Result<TableRef> {
        let first = self.peek();
        let (column, function) = (Self::is_column_name(first), Self::is_function_name(first));
        let part = self.take_name(column || function)?;
        // A word such as `left` names functions only.
        if !column && !self.is_kind(TokenKind::Open) {
            return self.unexpected();
        }
        let name = self.object_name_after(part)?;
        if self.is_kind(TokenKind::Open) && (function || name.parts.len() > 1) {
            let position = name.position;
            let call = self.plain_call(name)?;
            let call = Expr { kind: ExprKind::Function(Box::new(call)), position };
            return self.function_rest(vec![FunctionItem { call, columns: Vec::new() }], lateral);
        }
        if lateral {
            return self.unexpected();
        }
        self.check_table_name(&name)?;
        self.eat_operator("*");
        self.relation_rest(Relation { name, only: false })
    }

    fn check_table_name(&self, name: &ObjectName) -> Result<()> {
        if name.parts.len() <= 3 {
            return Ok(());
        }
        let parts: Vec<&str> = name.parts.iter().map(|part| part.name.as_str()).collect();
        let message =
            format!("improper qualified name (too many dotted names): {}", parts.join("."));
        self.rule(message, name.position)
    }

    fn relation_rest(&mut self, relation: Relation) -> Result<TableRef> {
        let alias = self.alias()?;
        let sample =
            if self.is(Keyword::Tablesample) { Some(Box::new(self.table_sample()?)) } else { None };
        Ok(TableRef::Table { relation, alias, sample })
    }

    /// `[ONLY] t [*]` or `ONLY (t)`.
    pub(super) fn relation(&mut self) -> Result<Relation> {
        if !self.eat(Keyword::Only) {
            let name = self.qualified_name()?;
            self.eat_operator("*");
            return Ok(Relation { name, only: false });
        }
        let opens = self.eat_kind(TokenKind::Open);
        let name = self.qualified_name()?;
        if opens {
            self.expect_kind(TokenKind::Close)?;
        }
        Ok(Relation { name, only: true })
    }

    fn table_sample(&mut self) -> Result<TableSample> {
        self.expect(Keyword::Tablesample)?;
        let position = self.position();
        let method = self.function_object_name()?;
        let arguments = self.in_parentheses(Self::expr)?;
        let mut repeatable = None;
        if self.eat(Keyword::Repeatable) {
            self.expect_kind(TokenKind::Open)?;
            repeatable = Some(self.expr()?);
            self.expect_kind(TokenKind::Close)?;
        }
        Ok(TableSample { method, arguments, repeatable, position })
    }

    /// `AS t (a, b)`, `t (a, b)`, `AS t`, `t` or nothing.
    fn alias(&mut self) -> Result<Option<Alias>> {
        if !self.eat(Keyword::As) && !Self::is_column_name(self.peek()) {
            return Ok(None);
        }
        let name = self.name()?;
        let columns = self.maybe_in_parentheses(Self::name)?;
        Ok(Some(Alias { name, columns }))
    }

    fn subquery(&mut self, query: Query, lateral: bool, position: Position) -> Result<TableRef> {
        let alias = self.alias()?;
        if alias.is_none() {
            let what = match query.body {
                QueryBody::Values(_) => "VALUES in FROM must have an alias",
                _ => "subquery in FROM must have an alias",
            };
            return self.rule(what, position);
        }
        Ok(TableRef::Subquery { query: Box::new(query), lateral, alias, position })
    }

    /// `(SELECT …) alias` or `(a JOIN b …) [alias]`.
    fn table_in_parentheses(&mut self) -> Result<TableRef> {
        let position = self.position();
        match self.query_or_join()? {
            Either::Query(query) => self.subquery(*query, false, position),
            Either::Join(mut join) => {
                join.alias = self.alias()?;
                Ok(TableRef::Join(join))
            }
        }
    }

    fn query_or_join(&mut self) -> Result<Either> {
        self.nested(|p| {
            p.expect_kind(TokenKind::Open)?;
            let position = p.position();
            if p.starts_query() {
                let query = Box::new(p.query()?);
                p.expect_kind(TokenKind::Close)?;
                return Ok(Either::Query(query));
            }
            let first = if p.is_kind(TokenKind::Open) {
                match p.query_or_join()? {
                    Either::Query(query) if p.is_kind(TokenKind::Close) || p.continues_query() => {
                        let query = Box::new(p.query_rest(None, *query)?);
                        p.expect_kind(TokenKind::Close)?;
                        return Ok(Either::Query(query));
                    }
                    Either::Query(query) => {
                        let next = p.peek();
                        let joins = p.at_join();
                        if !joins && !Self::is_column_name(next) && !p.is(Keyword::As) {
                            return p.unexpected();
                        }
                        p.subquery(*query, false, position)?
                    }
                    Either::Join(mut join) => {
                        if p.is_kind(TokenKind::Close) {
                            p.advance();
                            return Ok(Either::Join(join));
                        }
                        join.alias = p.alias()?;
                        if !p.at_join() {
                            return p.unexpected();
                        }
                        TableRef::Join(join)
                    }
                }
            } else {
                p.table_primary()?
            };
            // Parentheses hold a join, never a lone table.
            match p.joins(first)? {
                TableRef::Join(join) if p.is_kind(TokenKind::Close) => {
                    p.advance();
                    Ok(Either::Join(join))
                }
                _ => p.unexpected(),
            }
        })
    }

    fn rows_from(&mut self, lateral: bool, position: Position) -> Result<TableRef> {
        self.at += 2;
        let items = self.in_parentheses(|p| {
            let call = p.windowless_call()?;
            let columns = if p.eat(Keyword::As) {
                p.in_parentheses(Self::function_column)?
            } else {
                Vec::new()
            };
            Ok(FunctionItem { call, columns })
        })?;
        let mut table = self.table_function(items, lateral, true)?;
        table.position = position;
        Ok(TableRef::Function(Box::new(table)))
    }

    /// A call without FILTER or OVER, or one of the grammar's functions.
    pub(super) fn windowless_call(&mut self) -> Result<Expr> {
        if let Some(keyword) = self.keyword()
            && let Some(call) = self.common_function(keyword)?
        {
            return Ok(call);
        }
        let name = self.function_object_name()?;
        let position = name.position;
        let call = self.plain_call(name)?;
        Ok(Expr { kind: ExprKind::Function(Box::new(call)), position })
    }

    fn function_rest(&mut self, items: Vec<FunctionItem>, lateral: bool) -> Result<TableRef> {
        Ok(TableRef::Function(Box::new(self.table_function(items, lateral, false)?)))
    }

    fn table_function(
        &mut self,
        items: Vec<FunctionItem>,
        lateral: bool,
        rows_from: bool,
    ) -> Result<TableFunction> {
        let position = items.first().map_or(Position(0), |item| item.call.position);
        let mut ordinality = false;
        if self.is(Keyword::With) && self.is_at(1, Keyword::Ordinality) {
            self.at += 2;
            ordinality = true;
        }
        let (alias, columns) = self.function_alias()?;
        Ok(TableFunction { items, rows_from, lateral, ordinality, alias, columns, position })
    }

    /// An alias, which may carry names or whole column definitions.
    fn function_alias(&mut self) -> Result<(Option<Alias>, Vec<FunctionColumn>)> {
        let explicit = self.eat(Keyword::As);
        if explicit && self.is_kind(TokenKind::Open) {
            return Ok((None, self.in_parentheses(Self::function_column)?));
        }
        if !explicit && !Self::is_column_name(self.peek()) {
            return Ok((None, Vec::new()));
        }
        let name = self.name()?;
        let mut alias = Alias { name, columns: Vec::new() };
        if self.is_kind(TokenKind::Open) {
            if matches!(self.peek_at(2).kind, TokenKind::Comma | TokenKind::Close) {
                alias.columns = self.names_in_parentheses()?;
            } else {
                let columns = self.in_parentheses(Self::function_column)?;
                return Ok((Some(alias), columns));
            }
        }
        Ok((Some(alias), Vec::new()))
    }

    fn function_column(&mut self) -> Result<FunctionColumn> {
        let name = self.name()?;
        let data_type = self.type_name()?;
        let collation = if self.eat(Keyword::Collate) { Some(self.object_name()?) } else { None };
        Ok(FunctionColumn { name, data_type, collation })
    }
}

/// What parentheses in FROM turned out to hold.
enum Either {
    Query(Box<Query>),
    Join(Box<Join>),
}
