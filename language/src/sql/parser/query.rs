//! SELECT, VALUES, TABLE, set operations, and what surrounds them.
//!
//! ORDER BY, LIMIT and locking after a parenthesised query belong to *that* query, as PostgreSQL
//! has
//! it: `(SELECT 1) LIMIT 1` is the query `SELECT 1 LIMIT 1`, and a second LIMIT is an error.

use super::*;

impl<'a> Parser<'a> {
    /// Whether the next word begins a query (a parenthesis may, too).
    pub(super) fn starts_query(&self) -> bool {
        use Keyword::*;
        matches!(self.keyword(), Some(Select | Values | With | Table))
    }

    /// Whether the next word goes on with a query that has just been closed.
    pub(super) fn continues_query(&self) -> bool {
        use Keyword::*;
        matches!(
            self.keyword(),
            Some(Union | Intersect | Except | Order | Limit | Offset | Fetch | For)
        )
    }

    /// A query that stands in parentheses.
    pub(super) fn query_in_parentheses(&mut self) -> Result<Query> {
        self.nested(|p| {
            p.expect_kind(TokenKind::Open)?;
            let query = p.query()?;
            p.expect_kind(TokenKind::Close)?;
            Ok(query)
        })
    }

    /// A query, WITH included.
    pub(super) fn query(&mut self) -> Result<Query> {
        let with = if self.is(Keyword::With) { Some(self.with()?) } else { None };
        self.query_after(with)
    }

    /// A query whose WITH has been read.
    pub(super) fn query_after(&mut self, with: Option<With>) -> Result<Query> {
        let first = self.set_operand()?;
        self.query_rest(with, first)
    }

    /// Set operations and clauses after the first operand.
    pub(super) fn query_rest(&mut self, with: Option<With>, first: Query) -> Result<Query> {
        let mut query = self.set_operations(first, 1)?;
        if let Some(with) = with {
            if query.with.is_some() {
                return self.rule("multiple WITH clauses not allowed", with.position);
            }
            query.position = with.position;
            query.with = Some(with);
        }
        self.clauses(&mut query)?;
        Ok(query)
    }

    /// UNION and EXCEPT have power 1, INTERSECT has 2; all go left.
    fn set_operations(&mut self, mut left: Query, min: u8) -> Result<Query> {
        loop {
            let (operator, power) = match self.keyword() {
                Some(Keyword::Union) => (SetOperator::Union, 1),
                Some(Keyword::Except) => (SetOperator::Except, 1),
                Some(Keyword::Intersect) => (SetOperator::Intersect, 2),
                _ => return Ok(left),
            };
            if power < min {
                return Ok(left);
            }
            let position = self.position();
            self.advance();
            let all = self.eat(Keyword::All);
            if !all {
                self.eat(Keyword::Distinct);
            }
            let right = self.set_operand()?;
            let right = self.set_operations(right, power + 1)?;
            let begins = left.position;
            let operation = SetOperation { operator, all, left, right, position };
            left = Query::plain(QueryBody::SetOperation(Box::new(operation)), begins);
            self.taller()?;
        }
    }

    /// An operand of a set operation.
    fn set_operand(&mut self) -> Result<Query> {
        let position = self.position();
        let body = match (self.peek().kind, self.keyword()) {
            (TokenKind::Open, _) => return self.query_in_parentheses(),
            (_, Some(Keyword::Select)) => QueryBody::Select(Box::new(self.select()?)),
            (_, Some(Keyword::Values)) => QueryBody::Values(self.values()?),
            (_, Some(Keyword::Table)) => {
                self.advance();
                QueryBody::Table(self.relation()?)
            }
            _ => return self.unexpected(),
        };
        Ok(Query::plain(body, position))
    }

    /// ORDER BY, LIMIT, OFFSET, FETCH and locking, into a query that may have some already.
    fn clauses(&mut self, query: &mut Query) -> Result<()> {
        if self.is(Keyword::Order) {
            let order_by = self.order_by()?;
            if !query.order_by.is_empty() {
                let position = order_by.first().map_or(Position(0), |by| leftmost(&by.expr));
                return self.rule("multiple ORDER BY clauses not allowed", position);
            }
            query.order_by = order_by;
        }
        let mut locked = false;
        if self.is(Keyword::For) {
            self.locking(query)?;
            locked = true;
        }
        self.limits(query)?;
        if !locked && self.is(Keyword::For) {
            self.locking(query)?;
        }
        Ok(())
    }

    /// One LIMIT (or FETCH) and one OFFSET, in either order.
    fn limits(&mut self, query: &mut Query) -> Result<()> {
        let (mut limited, mut shifted) = (false, false);
        loop {
            match self.keyword() {
                Some(Keyword::Limit | Keyword::Fetch) if !limited => {
                    limited = true;
                    let (limit, with_ties) = self.limit()?;
                    if query.limit.is_some() {
                        return self.rule("multiple LIMIT clauses not allowed", leftmost(&limit));
                    }
                    if with_ties && query.order_by.is_empty() {
                        let message = "WITH TIES cannot be specified without ORDER BY clause";
                        return self.whole("42601", message);
                    }
                    query.limit = Some(limit);
                    query.with_ties = with_ties;
                }
                Some(Keyword::Offset) if !shifted => {
                    shifted = true;
                    self.advance();
                    let offset = self.expr()?;
                    if !self.eat(Keyword::Rows) {
                        self.eat(Keyword::Row);
                    }
                    if query.offset.is_some() {
                        let position = leftmost(&offset);
                        return self.rule("multiple OFFSET clauses not allowed", position);
                    }
                    query.offset = Some(offset);
                }
                _ => return Ok(()),
            }
        }
    }

    /// LIMIT or FETCH: the count, and WITH TIES.
    fn limit(&mut self) -> Result<(Expr, bool)> {
        let position = self.position();
        if self.advance().keyword == Some(Keyword::Fetch) {
            return self.fetch_first();
        }
        if self.is(Keyword::All) {
            let all = self.position();
            self.advance();
            return Ok((Expr { kind: ExprKind::Null, position: all }, false));
        }
        let count = self.expr()?;
        if self.eat_kind(TokenKind::Comma) {
            self.expr()?;
            return self.rule("LIMIT #,# syntax is not supported", position);
        }
        Ok((count, false))
    }

    fn fetch_first(&mut self) -> Result<(Expr, bool)> {
        if !self.eat(Keyword::First) {
            self.expect(Keyword::Next)?;
        }
        let position = self.position();
        let count = if matches!(self.keyword(), Some(Keyword::Row | Keyword::Rows)) {
            Expr::integer(1, position)
        } else if self.is_operator("+") || self.is_operator("-") {
            let negative = self.is_operator("-");
            self.advance();
            if !matches!(self.peek().kind, TokenKind::Integer | TokenKind::Number) {
                return self.unexpected();
            }
            let mut literal = self.literal()?;
            if negative {
                literal.value = expression::negate(literal.value);
                literal.negated = true;
            }
            Expr { kind: ExprKind::Literal(literal), position }
        } else {
            self.primary()?
        };
        if !self.eat(Keyword::Row) {
            self.expect(Keyword::Rows)?;
        }
        if self.eat(Keyword::Only) {
            return Ok((count, false));
        }
        self.expect_all(&[Keyword::With, Keyword::Ties])?;
        Ok((count, true))
    }

    fn locking(&mut self, query: &mut Query) -> Result<()> {
        use Keyword::*;
        while self.is(For) {
            let position = self.position();
            self.advance();
            if query.locking.is_empty() && self.eat(Read) {
                return self.expect(Only);
            }
            let strength = match self.keyword() {
                Some(Update) => LockStrength::Update,
                Some(Share) => LockStrength::Share,
                Some(No) => {
                    self.advance();
                    self.expect(Key)?;
                    LockStrength::NoKeyUpdate
                }
                Some(Key) => {
                    self.advance();
                    LockStrength::KeyShare
                }
                _ => return self.unexpected(),
            };
            let last = match strength {
                LockStrength::Update | LockStrength::NoKeyUpdate => Update,
                _ => Share,
            };
            self.expect(last)?;
            let of = if self.eat(Of) { self.list(Self::qualified_name)? } else { Vec::new() };
            let wait = if self.eat(Nowait) {
                LockWait::NoWait
            } else if self.eat(Skip) {
                self.expect(Locked)?;
                LockWait::SkipLocked
            } else {
                LockWait::Wait
            };
            query.locking.push(Locking { strength, of, wait, position });
        }
        Ok(())
    }

    /// WITH, up to the statement it belongs to.
    pub(super) fn with(&mut self) -> Result<With> {
        let position = self.position();
        self.expect(Keyword::With)?;
        let recursive = self.is(Keyword::Recursive) && Self::is_column_name(self.peek_at(1));
        if recursive {
            self.advance();
        }
        let tables = self.list(Self::common_table)?;
        Ok(With { recursive, tables, position })
    }

    fn common_table(&mut self) -> Result<CommonTable> {
        let name = self.name()?;
        let columns = self.maybe_in_parentheses(Self::name)?;
        self.expect(Keyword::As)?;
        let materialized = if self.eat(Keyword::Materialized) {
            Some(true)
        } else if self.eat(Keyword::Not) {
            self.expect(Keyword::Materialized)?;
            Some(false)
        } else {
            None
        };
        let statement = self.nested(|p| {
            p.expect_kind(TokenKind::Open)?;
            let statement = p.preparable()?;
            p.expect_kind(TokenKind::Close)?;
            Ok(statement)
        })?;
        let search = self.search()?;
        let cycle = self.cycle()?;
        Ok(CommonTable { name, columns, materialized, statement, search, cycle })
    }

    fn search(&mut self) -> Result<Option<Search>> {
        if !self.eat(Keyword::Search) {
            return Ok(None);
        }
        let breadth = self.eat(Keyword::Breadth);
        if !breadth {
            self.expect(Keyword::Depth)?;
        }
        self.expect_all(&[Keyword::First, Keyword::By])?;
        let by = self.list(Self::name)?;
        self.expect(Keyword::Set)?;
        Ok(Some(Search { breadth, by, set: self.name()? }))
    }

    fn cycle(&mut self) -> Result<Option<Cycle>> {
        if !self.eat(Keyword::Cycle) {
            return Ok(None);
        }
        let columns = self.list(Self::name)?;
        self.expect(Keyword::Set)?;
        let set = self.name()?;
        let mut values = None;
        if self.eat(Keyword::To) {
            let to = self.primary()?;
            self.expect(Keyword::Default)?;
            values = Some(Box::new((to, self.primary()?)));
        }
        self.expect(Keyword::Using)?;
        Ok(Some(Cycle { columns, set, values, using: self.name()? }))
    }

    fn values(&mut self) -> Result<Vec<Vec<Expr>>> {
        self.expect(Keyword::Values)?;
        self.list(|p| p.in_parentheses(Self::expr))
    }

    fn select(&mut self) -> Result<Select> {
        let position = self.position();
        self.expect(Keyword::Select)?;
        let distinct = self.distinct()?;
        let targets =
            if distinct.is_none() && self.ends_targets() { Vec::new() } else { self.targets()? };
        let into = if self.is(Keyword::Into) { Some(self.select_into()?) } else { None };
        let from = if self.eat(Keyword::From) { self.list(Self::table_ref)? } else { Vec::new() };
        let filter = self.filter()?;
        let (group_distinct, group_by) = self.group_by()?;
        let having = if self.eat(Keyword::Having) { Some(self.expr()?) } else { None };
        let windows =
            if self.eat(Keyword::Window) { self.list(Self::named_window)? } else { Vec::new() };
        Ok(Select {
            distinct,
            targets,
            into,
            from,
            filter,
            group_distinct,
            group_by,
            having,
            windows,
            position,
        })
    }

    fn distinct(&mut self) -> Result<Option<Distinct>> {
        if self.eat(Keyword::All) || !self.eat(Keyword::Distinct) {
            return Ok(None);
        }
        if self.eat(Keyword::On) {
            return Ok(Some(Distinct::On(self.in_parentheses(Self::expr)?)));
        }
        Ok(Some(Distinct::All))
    }

    /// Whether a select list is empty because the query goes on or ends.
    fn ends_targets(&self) -> bool {
        self.ends_label(0) && (!self.is_kind(TokenKind::End) || self.lexer_error.is_none())
    }

    /// Whether the token so far ahead can follow a whole target, and no operand begins with it.
    pub(super) fn ends_label(&self, ahead: usize) -> bool {
        use Keyword::*;
        match self.peek_at(ahead).kind {
            TokenKind::End | TokenKind::Semicolon | TokenKind::Close => true,
            TokenKind::Comma => ahead > 0,
            _ => matches!(
                self.keyword_at(ahead),
                Some(
                    Into | From
                        | Where
                        | Group
                        | Having
                        | Window
                        | Union
                        | Intersect
                        | Except
                        | Order
                        | Limit
                        | Offset
                        | Fetch
                        | For
                        | On
                        | Returning
                        | With
                )
            ),
        }
    }

    /// The list after SELECT or RETURNING.
    pub(super) fn targets(&mut self) -> Result<Vec<Target>> {
        self.list(Self::target)
    }

    fn target(&mut self) -> Result<Target> {
        let position = self.position();
        if self.eat_operator("*") {
            let kind = ExprKind::Column(ColumnRef { parts: Vec::new(), star: true });
            return Ok(Target { expr: Expr { kind, position }, label: None });
        }
        let level = self.nesting + 1;
        let outer = std::mem::replace(&mut self.label_level, level);
        let expr = self.expr()?;
        self.label_level = outer;
        let label = if self.eat(Keyword::As) {
            Some(self.label()?)
        } else if Self::is_bare_label(self.peek()) {
            Some(self.take_name(true)?)
        } else {
            None
        };
        Ok(Target { expr, label })
    }

    fn select_into(&mut self) -> Result<SelectInto> {
        self.expect(Keyword::Into)?;
        let persistence = self.persistence()?;
        self.eat(Keyword::Table);
        Ok(SelectInto { name: self.qualified_name()?, persistence })
    }

    /// WHERE.
    pub(super) fn filter(&mut self) -> Result<Option<Expr>> {
        if self.eat(Keyword::Where) { Ok(Some(self.expr()?)) } else { Ok(None) }
    }

    fn group_by(&mut self) -> Result<(bool, Vec<GroupItem>)> {
        if !self.eat(Keyword::Group) {
            return Ok((false, Vec::new()));
        }
        self.expect(Keyword::By)?;
        let distinct = self.eat(Keyword::Distinct);
        if !distinct {
            self.eat(Keyword::All);
        }
        Ok((distinct, self.list(Self::group_item)?))
    }

    fn group_item(&mut self) -> Result<GroupItem> {
        use Keyword::*;
        let position = self.position();
        let opens = self.is_kind_at(1, TokenKind::Open);
        match self.keyword() {
            Some(Rollup) if opens => {
                self.advance();
                Ok(GroupItem::Rollup(self.in_parentheses(Self::expr)?, position))
            }
            Some(Cube) if opens => {
                self.advance();
                Ok(GroupItem::Cube(self.in_parentheses(Self::expr)?, position))
            }
            Some(Grouping) if self.is_at(1, Sets) => {
                self.at += 2;
                let items = self.nested(|p| p.in_parentheses(Self::group_item))?;
                Ok(GroupItem::Sets(items, position))
            }
            _ if self.is_kind(TokenKind::Open) && self.is_kind_at(1, TokenKind::Close) => {
                self.at += 2;
                Ok(GroupItem::Empty(position))
            }
            _ => Ok(GroupItem::Expr(self.expr()?)),
        }
    }

    fn named_window(&mut self) -> Result<NamedWindow> {
        let name = self.name()?;
        self.expect(Keyword::As)?;
        Ok(NamedWindow { name, window: self.window()? })
    }

    /// ORDER BY.
    pub(super) fn order_by(&mut self) -> Result<Vec<SortBy>> {
        self.expect_all(&[Keyword::Order, Keyword::By])?;
        self.list(Self::sort_by)
    }

    fn sort_by(&mut self) -> Result<SortBy> {
        let expr = self.expr()?;
        let order = if self.eat(Keyword::Using) {
            SortOrder::Using(if self.is(Keyword::Operator) {
                self.operator()?
            } else {
                let (schema, name) = self.any_operator()?;
                Operator { schema, name, qualified: false }
            })
        } else {
            self.direction()
        };
        Ok(SortBy { expr, order, nulls_first: self.nulls()? })
    }

    /// ASC, DESC or nothing.
    pub(super) fn direction(&mut self) -> SortOrder {
        if self.eat(Keyword::Asc) {
            SortOrder::Ascending
        } else if self.eat(Keyword::Desc) {
            SortOrder::Descending
        } else {
            SortOrder::Default
        }
    }

    /// NULLS FIRST (`true`), NULLS LAST or nothing.
    pub(super) fn nulls(&mut self) -> Result<Option<bool>> {
        // NULLS means something only before these two words; elsewhere it is a name.
        if self.eat_all(&[Keyword::Nulls, Keyword::First]) {
            return Ok(Some(true));
        }
        Ok(self.eat_all(&[Keyword::Nulls, Keyword::Last]).then_some(false))
    }
}

/// Where an expression's text begins, as far as its position does not say.
fn leftmost(expr: &Expr) -> Position {
    match &expr.kind {
        ExprKind::Binary { left, .. } => leftmost(left).min(expr.position),
        _ => expr.position,
    }
}
