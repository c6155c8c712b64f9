//! INSERT, UPDATE and DELETE.

use super::*;

impl<'a> Parser<'a> {
    /// What may stand after PREPARE … AS, EXPLAIN, or inside WITH: a query, INSERT, UPDATE,
    /// DELETE, MERGE.
    pub(super) fn preparable(&mut self) -> Result<Statement> {
        let with = if self.is(Keyword::With) { Some(self.with()?) } else { None };
        match self.keyword() {
            Some(Keyword::Insert) => self.insert(with),
            Some(Keyword::Update) => self.update(with),
            Some(Keyword::Delete) => self.delete(with),
            Some(Keyword::Merge) => self.merge(),
            _ => Ok(Statement::Query(Box::new(self.query_after(with)?))),
        }
    }

    fn merge(&mut self) -> Result<Statement> {
        let position = self.position();
        self.expect_all(&[Keyword::Merge, Keyword::Into])?;
        let mut depth = 0usize;
        while !self.at_end() {
            match self.peek().kind {
                TokenKind::Open => depth += 1,
                TokenKind::Close if depth == 0 => break,
                TokenKind::Close => depth -= 1,
                _ => {}
            }
            self.advance();
        }
        Ok(Statement::Unsupported(Unsupported { name: "MERGE".to_string(), position }))
    }

    pub(super) fn insert(&mut self, with: Option<With>) -> Result<Statement> {
        let position = self.position();
        self.expect_all(&[Keyword::Insert, Keyword::Into])?;
        let table = self.qualified_name()?;
        let alias = if self.eat(Keyword::As) { Some(self.name()?) } else { None };
        let columns = if self.is_kind(TokenKind::Open) && self.opens_columns() {
            self.in_parentheses(Self::assignee)?
        } else {
            Vec::new()
        };
        let overriding = self.overriding()?;
        let defaults = columns.is_empty() && overriding.is_none() && self.eat(Keyword::Default);
        if defaults {
            self.expect(Keyword::Values)?;
        }
        let source = if defaults { None } else { Some(Box::new(self.query()?)) };
        let on_conflict = if self.is(Keyword::On) { Some(self.on_conflict()?) } else { None };
        let returning = self.returning()?;
        Ok(Statement::Insert(Box::new(Insert {
            with,
            table,
            alias,
            columns,
            overriding,
            source,
            on_conflict,
            returning,
            position,
        })))
    }

    /// Whether the parenthesis holds columns and not a query.
    fn opens_columns(&self) -> bool {
        use Keyword::*;
        !self.is_kind_at(1, TokenKind::Open)
            && !matches!(self.keyword_at(1), Some(Select | Values | With | Table))
    }

    fn overriding(&mut self) -> Result<Option<Overriding>> {
        if !self.eat(Keyword::Overriding) {
            return Ok(None);
        }
        let overriding = if self.eat(Keyword::User) {
            Overriding::User
        } else {
            self.expect(Keyword::System)?;
            Overriding::System
        };
        self.expect(Keyword::Value)?;
        Ok(Some(overriding))
    }

    /// A column or a part of one, to be assigned to.
    fn assignee(&mut self) -> Result<Assignee> {
        let column = self.name()?;
        let mut path = Vec::new();
        loop {
            if self.is_kind(TokenKind::OpenBracket) {
                path.push(PathStep::Subscript(self.subscript()?));
            } else if self.eat_kind(TokenKind::Dot) {
                if self.eat_operator("*") {
                    path.push(PathStep::Star);
                } else {
                    path.push(PathStep::Field(self.label()?));
                }
            } else {
                return Ok(Assignee { column, path });
            }
        }
    }

    fn on_conflict(&mut self) -> Result<OnConflict> {
        let position = self.position();
        self.expect_all(&[Keyword::On, Keyword::Conflict])?;
        let target = if self.is_kind(TokenKind::Open) {
            let elements = self.in_parentheses(Self::index_element)?;
            let filter = self.filter()?.map(Box::new);
            Some(ConflictTarget::Elements { elements, filter })
        } else if self.eat(Keyword::On) {
            self.expect(Keyword::Constraint)?;
            Some(ConflictTarget::Constraint(self.name()?))
        } else {
            None
        };
        self.expect(Keyword::Do)?;
        if self.eat(Keyword::Nothing) {
            return Ok(OnConflict { target, update: None, position });
        }
        self.expect_all(&[Keyword::Update, Keyword::Set])?;
        let set = self.list(Self::assignment)?;
        let update = Some(ConflictUpdate { set, filter: self.filter()? });
        Ok(OnConflict { target, update, position })
    }

    fn returning(&mut self) -> Result<Vec<Target>> {
        if self.eat(Keyword::Returning) { self.targets() } else { Ok(Vec::new()) }
    }

    fn assignment(&mut self) -> Result<Assignment> {
        if self.is_kind(TokenKind::Open) {
            let to = self.in_parentheses(Self::assignee)?;
            self.expect_operator("=")?;
            return Ok(Assignment::Multiple { to, value: self.expr()? });
        }
        let to = self.assignee()?;
        self.expect_operator("=")?;
        Ok(Assignment::Single { to, value: self.expr()? })
    }

    /// The table of UPDATE or DELETE with its alias, which may not be `set` without AS.
    fn modified_table(&mut self) -> Result<(Relation, Option<Ident>)> {
        let relation = self.relation()?;
        let bare = !self.is(Keyword::Set) && Self::is_column_name(self.peek());
        let alias = if self.eat(Keyword::As) || bare { Some(self.name()?) } else { None };
        Ok((relation, alias))
    }

    /// WHERE, with CURRENT OF.
    fn filter_or_current(&mut self) -> Result<Option<Expr>> {
        let current = self.is(Keyword::Where)
            && self.is_at(1, Keyword::Current)
            && self.is_at(2, Keyword::Of);
        if !current {
            return self.filter();
        }
        self.advance();
        let position = self.position();
        self.advance();
        self.advance();
        let cursor = self.name()?;
        Ok(Some(Expr { kind: ExprKind::CurrentOf(cursor), position }))
    }

    pub(super) fn update(&mut self, with: Option<With>) -> Result<Statement> {
        let position = self.position();
        self.expect(Keyword::Update)?;
        let (table, alias) = self.modified_table()?;
        self.expect(Keyword::Set)?;
        let set = self.list(Self::assignment)?;
        let from = if self.eat(Keyword::From) { self.list(Self::table_ref)? } else { Vec::new() };
        let filter = self.filter_or_current()?;
        let returning = self.returning()?;
        let update = Update { with, table, alias, set, from, filter, returning, position };
        Ok(Statement::Update(Box::new(update)))
    }

    pub(super) fn delete(&mut self, with: Option<With>) -> Result<Statement> {
        let position = self.position();
        self.expect_all(&[Keyword::Delete, Keyword::From])?;
        let (table, alias) = self.modified_table()?;
        let using = if self.eat(Keyword::Using) { self.list(Self::table_ref)? } else { Vec::new() };
        let filter = self.filter_or_current()?;
        let returning = self.returning()?;
        let delete = Delete { with, table, alias, using, filter, returning, position };
        Ok(Statement::Delete(Box::new(delete)))
    }
}
