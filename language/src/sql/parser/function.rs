//! Operands that begin with a word: columns, calls, typed literals, and the standard's functions
//! with
//! a syntax of their own.
//!
//! A word is tried in this order: as one of the grammar's own forms, if what follows fits the form
//! (`row` is a column unless a parenthesis opens); as a type of the standard before a string; as a
//! name, which is a call before `(`, a typed literal before a string, and a column otherwise.

use super::*;

const CATALOG: &str = "pg_catalog";

/// A name in `pg_catalog`, standing at `position`.
pub(super) fn system_name(name: &str, position: Position) -> ObjectName {
    let part = |name: &str| Ident { name: name.to_string(), position };
    ObjectName { parts: vec![part(CATALOG), part(name)], position }
}

impl<'a> Parser<'a> {
    /// An operand that begins with a word or quoted name.
    pub(super) fn word(&mut self) -> Result<Expr> {
        let next = self.peek();
        if let Some(keyword) = next.keyword {
            if let Some(expr) = self.special_form(keyword)? {
                return Ok(expr);
            }
        } else if next.end == next.start + 1
            && self.source(next).eq_ignore_ascii_case("n")
            && self.peek_at(1).kind == TokenKind::String
            && self.peek_at(1).start == next.end
        {
            return self.national_string();
        }
        if let Some(expr) = self.standard_typed_literal()? {
            return Ok(expr);
        }
        self.named()
    }

    /// `N'…'`.
    fn national_string(&mut self) -> Result<Expr> {
        let position = self.position();
        self.advance();
        let data_type = Box::new(TypeName::plain(system_name("bpchar", position)));
        let literal = self.literal()?;
        Ok(Expr { kind: ExprKind::TypedLiteral { data_type, literal }, position })
    }

    /// `DATE '…'` and the like for types that are keywords; other types are found by `named`.
    fn standard_typed_literal(&mut self) -> Result<Option<Expr>> {
        let position = self.position();
        if self.is(Keyword::Interval) {
            return self.interval_literal(position);
        }
        let start = self.at;
        let Some(data_type) = self.constant_type()? else {
            return Ok(None);
        };
        if !self.peek().kind.is_string() {
            // One word may be a column's name, more of a type may not.
            if self.at > start + 1 {
                return self.unexpected();
            }
            self.at = start;
            return Ok(None);
        }
        let data_type = Box::new(data_type);
        let literal = self.literal()?;
        Ok(Some(Expr { kind: ExprKind::TypedLiteral { data_type, literal }, position }))
    }

    /// `INTERVAL '…' fields` or `INTERVAL(n) '…'`.
    fn interval_literal(&mut self, position: Position) -> Result<Option<Expr>> {
        let mut data_type = TypeName::plain(system_name("interval", position));
        if self.is_kind_at(1, TokenKind::Open) {
            self.advance();
            self.advance();
            let precision = self.integer()?;
            data_type.modifiers.push(Expr::integer(precision, position));
            self.expect_kind(TokenKind::Close)?;
            if !self.peek().kind.is_string() {
                return self.unexpected();
            }
        } else if self.peek_at(1).kind.is_string() {
            self.advance();
        } else {
            return Ok(None);
        }
        let literal = self.literal()?;
        if data_type.modifiers.is_empty() {
            self.interval_fields(&mut data_type)?;
        }
        let data_type = Box::new(data_type);
        Ok(Some(Expr { kind: ExprKind::TypedLiteral { data_type, literal }, position }))
    }

    /// One of the grammar's own forms, if the word begins one here.
    fn special_form(&mut self, keyword: Keyword) -> Result<Option<Expr>> {
        use Keyword::*;
        let position = self.position();
        let simple = |kind| Ok(Some(Expr { kind, position }));
        let opens = self.is_kind_at(1, TokenKind::Open);
        match keyword {
            Null | True | False => {
                self.advance();
                simple(match keyword {
                    Null => ExprKind::Null,
                    _ => ExprKind::Boolean(keyword == True),
                })
            }
            Case => {
                self.advance();
                self.case_rest(position).map(Some)
            }
            Array => {
                self.advance();
                let array = self.array_rest(position)?;
                match array.kind {
                    // ARRAY(…) takes no subscripts, ARRAY[…] does not either; parentheses do.
                    ExprKind::ArrayQuery(_) | ExprKind::Array(_) => Ok(Some(array)),
                    _ => self.unexpected(),
                }
            }
            Row if opens => {
                self.advance();
                let items = self.row_items()?;
                self.after_row(items, true, position).map(Some)
            }
            Exists if opens => {
                self.advance();
                let query = Box::new(self.query_in_parentheses()?);
                simple(ExprKind::Exists(query))
            }
            Grouping if opens => {
                self.advance();
                let items = self.in_parentheses(Self::expr)?;
                simple(ExprKind::Grouping(items))
            }
            _ => self.common_function(keyword),
        }
    }

    /// The grammar's functions, which may also stand in FROM.
    pub(super) fn common_function(&mut self, keyword: Keyword) -> Result<Option<Expr>> {
        use Keyword::*;
        let position = self.position();
        // `current_schema()` is an ordinary call, `current_schema` is not.
        let calls = keyword == CurrentSchema && self.is_kind_at(1, TokenKind::Open);
        if let Some(function) = sql_value_function(keyword)
            && !calls
        {
            return self.sql_value(function, position).map(Some);
        }
        if keyword == Collation && self.is_at(1, For) {
            self.at += 2;
            self.expect_kind(TokenKind::Open)?;
            let arguments = vec![self.expr()?];
            self.expect_kind(TokenKind::Close)?;
            let syntax = CallSyntax::CollationFor;
            return Ok(Some(Self::system_call("pg_collation_for", arguments, syntax, position)));
        }
        if !self.is_kind_at(1, TokenKind::Open) {
            if keyword == Cast {
                self.advance();
                return self.unexpected();
            }
            return Ok(None);
        }
        let rest: fn(&mut Self, Position) -> Result<Expr> = match keyword {
            Cast => Self::cast_rest,
            Extract => Self::extract_rest,
            Normalize => Self::normalize_rest,
            Overlay => Self::overlay_rest,
            PositionWord => Self::position_rest,
            Substring => Self::substring_rest,
            Treat => Self::treat_rest,
            Trim => Self::trim_rest,
            Nullif => Self::nullif_rest,
            Coalesce | Greatest | Least => Self::n_ary_rest,
            Xmlconcat | Xmlelement | Xmlexists | Xmlforest | Xmlparse | Xmlpi | Xmlroot
            | Xmlserialize => Self::xml_rest,
            _ => return Ok(None),
        };
        self.advance();
        // These take more stack than an ordinary call: two levels.
        self.nested(|p| rest(p, position)).map(Some)
    }

    fn system_call(
        name: &str,
        arguments: Vec<Expr>,
        syntax: CallSyntax,
        position: Position,
    ) -> Expr {
        let arguments = arguments.into_iter().map(|value| Argument { name: None, value }).collect();
        let call = FunctionCall::new(system_name(name, position), arguments, syntax);
        Expr { kind: ExprKind::Function(Box::new(call)), position }
    }

    fn sql_value(&mut self, function: SqlValueFunction, position: Position) -> Result<Expr> {
        use SqlValueFunction::*;
        self.advance();
        let timed = matches!(function, CurrentTime | CurrentTimestamp | LocalTime | LocalTimestamp);
        let mut precision = None;
        if timed && self.eat_kind(TokenKind::Open) {
            precision = Some(self.integer()?);
            self.expect_kind(TokenKind::Close)?;
        }
        Ok(Expr { kind: ExprKind::SqlValue { function, precision }, position })
    }

    fn cast_rest(&mut self, position: Position) -> Result<Expr> {
        self.expect_kind(TokenKind::Open)?;
        let operand = Box::new(self.expr()?);
        self.expect(Keyword::As)?;
        let data_type = Box::new(self.type_name()?);
        self.expect_kind(TokenKind::Close)?;
        Ok(Expr { kind: ExprKind::Cast { operand, data_type }, position })
    }

    fn treat_rest(&mut self, position: Position) -> Result<Expr> {
        self.expect_kind(TokenKind::Open)?;
        let operand = self.expr()?;
        self.expect(Keyword::As)?;
        let data_type = self.type_name()?;
        self.expect_kind(TokenKind::Close)?;
        // PostgreSQL calls the function named as the type.
        let name = data_type.name.name().to_string();
        Ok(Self::system_call(&name, vec![operand], CallSyntax::Treat, position))
    }

    fn extract_rest(&mut self, position: Position) -> Result<Expr> {
        self.expect_kind(TokenKind::Open)?;
        let at = self.position();
        let next = self.peek();
        let field = if next.kind.is_string() {
            let literal = self.literal()?;
            Expr { kind: ExprKind::Literal(literal), position: at }
        } else {
            use Keyword::*;
            let fits = match next.keyword {
                Some(word) => matches!(word, Year | Month | Day | Hour | Minute | Second),
                None => true,
            };
            let field = self.take_name(fits && Self::names(next, |_| true))?;
            Expr::text(field.name, at)
        };
        self.expect(Keyword::From)?;
        let operand = self.expr()?;
        self.expect_kind(TokenKind::Close)?;
        Ok(Self::system_call("extract", vec![field, operand], CallSyntax::Extract, position))
    }

    fn normalize_rest(&mut self, position: Position) -> Result<Expr> {
        self.expect_kind(TokenKind::Open)?;
        let mut arguments = vec![self.expr()?];
        if self.eat_kind(TokenKind::Comma) {
            let at = self.position();
            let word = self.source(self.peek()).to_ascii_uppercase();
            if self.normal_form().is_none() {
                return self.unexpected();
            }
            arguments.push(Expr::text(word, at));
        }
        self.expect_kind(TokenKind::Close)?;
        Ok(Self::system_call("normalize", arguments, CallSyntax::Normalize, position))
    }

    fn overlay_rest(&mut self, position: Position) -> Result<Expr> {
        let (mut arguments, done) = self.first_argument("overlay", position)?;
        if let Some(call) = done {
            return Ok(call);
        }
        self.expect(Keyword::Placing)?;
        arguments.push(self.expr()?);
        self.expect(Keyword::From)?;
        arguments.push(self.expr()?);
        if self.eat(Keyword::For) {
            arguments.push(self.expr()?);
        }
        self.expect_kind(TokenKind::Close)?;
        Ok(Self::system_call("overlay", arguments, CallSyntax::Overlay, position))
    }

    /// Of a form that may also be an ordinary call: the first argument, or the whole call.
    fn first_argument(
        &mut self,
        name: &str,
        position: Position,
    ) -> Result<(Vec<Expr>, Option<Expr>)> {
        self.expect_kind(TokenKind::Open)?;
        let mut arguments = Vec::new();
        if !self.is_kind(TokenKind::Close) {
            let level = self.nesting + 1;
            let outer = std::mem::replace(&mut self.similar_level, level);
            arguments.push(self.argument()?);
            self.similar_level = outer;
            while self.eat_kind(TokenKind::Comma) {
                arguments.push(self.argument()?);
            }
        }
        if self.eat_kind(TokenKind::Close) {
            let parts = vec![Ident { name: name.to_string(), position }];
            let name = ObjectName { parts, position };
            let call = FunctionCall::new(name, arguments, CallSyntax::Ordinary);
            let kind = ExprKind::Function(Box::new(call));
            return Ok((Vec::new(), Some(Expr { kind, position })));
        }
        match (arguments.pop(), arguments.is_empty()) {
            (Some(Argument { name: None, value }), true) => Ok((vec![value], None)),
            _ => self.unexpected(),
        }
    }

    fn position_rest(&mut self, position: Position) -> Result<Expr> {
        self.expect_kind(TokenKind::Open)?;
        let needle = self.restricted_expr()?;
        self.expect(Keyword::In)?;
        let arguments = vec![self.restricted_expr()?, needle];
        self.expect_kind(TokenKind::Close)?;
        Ok(Self::system_call("position", arguments, CallSyntax::Position, position))
    }

    fn substring_rest(&mut self, position: Position) -> Result<Expr> {
        let (mut arguments, done) = self.first_argument("substring", position)?;
        if let Some(call) = done {
            return Ok(call);
        }
        let mut syntax = CallSyntax::Substring;
        if self.eat(Keyword::Similar) {
            syntax = CallSyntax::SubstringSimilar;
            arguments.push(self.expr()?);
            self.expect(Keyword::Escape)?;
            arguments.push(self.expr()?);
        } else if self.eat(Keyword::From) {
            arguments.push(self.expr()?);
            if self.eat(Keyword::For) {
                arguments.push(self.expr()?);
            }
        } else {
            self.expect(Keyword::For)?;
            let length = self.expr()?;
            if self.eat(Keyword::From) {
                arguments.push(self.expr()?);
                arguments.push(length);
            } else {
                arguments.push(Expr::integer(1, position));
                arguments.push(Self::as_int4(length));
            }
        }
        self.expect_kind(TokenKind::Close)?;
        Ok(Self::system_call("substring", arguments, syntax, position))
    }

    /// PostgreSQL converts the length of `SUBSTRING(a FOR n)`, so that it never takes a pattern.
    fn as_int4(operand: Expr) -> Expr {
        let position = operand.position;
        let data_type = Box::new(TypeName::plain(system_name("int4", position)));
        Expr { kind: ExprKind::Cast { operand: Box::new(operand), data_type }, position }
    }

    fn trim_rest(&mut self, position: Position) -> Result<Expr> {
        self.expect_kind(TokenKind::Open)?;
        let name = match self.keyword() {
            Some(Keyword::Both) => "btrim",
            Some(Keyword::Leading) => "ltrim",
            Some(Keyword::Trailing) => "rtrim",
            _ => "",
        };
        if !name.is_empty() {
            self.advance();
        }
        let name = if name.is_empty() { "btrim" } else { name };
        let arguments = if self.eat(Keyword::From) {
            self.expressions()?
        } else {
            let mut first = self.expressions()?;
            if first.len() == 1 && self.eat(Keyword::From) {
                let mut arguments = self.expressions()?;
                arguments.append(&mut first);
                arguments
            } else {
                first
            }
        };
        self.expect_kind(TokenKind::Close)?;
        Ok(Self::system_call(name, arguments, CallSyntax::Trim, position))
    }

    fn nullif_rest(&mut self, position: Position) -> Result<Expr> {
        self.expect_kind(TokenKind::Open)?;
        let first = self.expr()?;
        self.expect_kind(TokenKind::Comma)?;
        let second = self.expr()?;
        self.expect_kind(TokenKind::Close)?;
        Ok(Expr { kind: ExprKind::NullIf(Box::new([first, second])), position })
    }

    fn n_ary_rest(&mut self, position: Position) -> Result<Expr> {
        let word = self.at.checked_sub(1).and_then(|at| self.tokens.get(at)?.keyword);
        let items = self.in_parentheses(Self::expr)?;
        let kind = match word {
            Some(Keyword::Greatest) => ExprKind::Greatest(items),
            Some(Keyword::Least) => ExprKind::Least(items),
            _ => ExprKind::Coalesce(items),
        };
        Ok(Expr { kind, position })
    }

    fn xml_rest(&mut self, position: Position) -> Result<Expr> {
        let word = self.at.checked_sub(1).and_then(|at| self.tokens.get(at)?.keyword);
        self.skip_parentheses()?;
        let name = word.map_or("", Keyword::word).to_ascii_uppercase();
        Ok(Expr { kind: ExprKind::Unsupported(name), position })
    }

    /// Skips `( … )` with everything inside.
    pub(super) fn skip_parentheses(&mut self) -> Result<()> {
        self.expect_kind(TokenKind::Open)?;
        let mut depth = 1usize;
        while depth > 0 {
            match self.peek().kind {
                TokenKind::Open => depth += 1,
                TokenKind::Close => depth -= 1,
                TokenKind::End => return self.unexpected(),
                _ => {}
            }
            self.advance();
        }
        Ok(())
    }

    /// A column, call or typed literal by name.
    fn named(&mut self) -> Result<Expr> {
        let next = self.peek();
        let position = Position(next.start);
        let column = Self::is_column_name(next);
        let function = Self::is_function_name(next);
        if !column && !function {
            return self.unexpected();
        }
        let follower = self.peek_at(1).kind;
        let calls = follower == TokenKind::Open || follower.is_string();
        // A word such as `left` names functions only, one such as `coalesce` columns only.
        if !column && !calls {
            self.advance();
            return self.unexpected();
        }
        let mut parts = vec![self.take_name(true)?];
        let mut star = false;
        while !star && self.is_kind(TokenKind::Dot) {
            if !column {
                return self.unexpected();
            }
            self.advance();
            star = self.eat_operator("*");
            if !star {
                parts.push(self.label()?);
            }
        }
        let qualified = parts.len() > 1;
        let may_call = !star && (function || qualified);
        if may_call && self.is_kind(TokenKind::Open) {
            return self.call(ObjectName { parts, position });
        }
        if may_call && self.peek().kind.is_string() {
            let data_type = Box::new(TypeName::plain(ObjectName { parts, position }));
            let literal = self.literal()?;
            return Ok(Expr { kind: ExprKind::TypedLiteral { data_type, literal }, position });
        }
        let kind = ExprKind::Column(ColumnRef { parts, star });
        if star {
            self.check_star()?;
        }
        self.indirection(Expr { kind, position })
    }

    /// A call, from its parenthesis on.
    fn call(&mut self, name: ObjectName) -> Result<Expr> {
        let position = name.position;
        let mut call = FunctionCall::new(name, Vec::new(), CallSyntax::Ordinary);
        let order = self.call_arguments(&mut call)?;
        if self.peek().kind.is_string()
            && !call.arguments.is_empty()
            && !call.star
            && !call.distinct
            && !call.variadic
        {
            return self.typed_literal_after(call, order);
        }
        self.call_tail(&mut call)?;
        Ok(Expr { kind: ExprKind::Function(Box::new(call)), position })
    }

    /// `f(10) '…'`, which turned out to be a type with modifiers.
    fn typed_literal_after(&mut self, call: FunctionCall, order: Option<Position>) -> Result<Expr> {
        let position = call.position;
        if let Some(named) = call.arguments.iter().find_map(|argument| argument.name.as_ref()) {
            return self.rule("type modifier cannot have parameter name", named.position);
        }
        if let Some(order) = order {
            return self.rule("type modifier cannot have ORDER BY", order);
        }
        let mut data_type = TypeName::plain(call.name);
        data_type.modifiers = call.arguments.into_iter().map(|a| a.value).collect();
        // Modifiers decide the type: none of their literals is lifted.
        for modifier in &data_type.modifiers {
            if let ExprKind::Literal(Literal { ordinal: Some(Ordinal(n)), .. }) = modifier.kind {
                self.lifted.retain(|&lifted| lifted != n);
            }
        }
        let data_type = Box::new(data_type);
        let literal = self.literal()?;
        Ok(Expr { kind: ExprKind::TypedLiteral { data_type, literal }, position })
    }

    /// A call without FILTER, OVER and the like, as FROM and CALL take it.
    pub(super) fn plain_call(&mut self, name: ObjectName) -> Result<FunctionCall> {
        let mut call = FunctionCall::new(name, Vec::new(), CallSyntax::Ordinary);
        self.call_arguments(&mut call)?;
        Ok(call)
    }

    /// The arguments; answers where ORDER BY stood among them.
    fn call_arguments(&mut self, call: &mut FunctionCall) -> Result<Option<Position>> {
        self.expect_kind(TokenKind::Open)?;
        if self.eat_kind(TokenKind::Close) {
            return Ok(None);
        }
        if self.is_operator("*") {
            self.advance();
            call.star = true;
            self.expect_kind(TokenKind::Close)?;
            return Ok(None);
        }
        call.distinct = self.eat(Keyword::Distinct);
        let all = !call.distinct && self.eat(Keyword::All);
        loop {
            if !call.distinct && !all && self.eat(Keyword::Variadic) {
                call.variadic = true;
            }
            call.arguments.push(self.argument()?);
            if call.variadic || !self.eat_kind(TokenKind::Comma) {
                break;
            }
        }
        let order = self.is(Keyword::Order).then(|| self.position());
        if order.is_some() {
            call.order_by = self.order_by()?;
        }
        self.expect_kind(TokenKind::Close)?;
        Ok(order)
    }

    fn argument(&mut self) -> Result<Argument> {
        let named = matches!(self.peek_at(1).kind, TokenKind::Arrow | TokenKind::Assign);
        let name = if named && Self::is_function_name(self.peek()) {
            let name = self.function_name()?;
            self.advance();
            Some(name)
        } else {
            None
        };
        Ok(Argument { name, value: self.expr()? })
    }

    /// WITHIN GROUP, FILTER and OVER.
    fn call_tail(&mut self, call: &mut FunctionCall) -> Result<()> {
        if self.is(Keyword::Within) {
            let position = self.position();
            self.advance();
            self.expect(Keyword::Group)?;
            self.expect_kind(TokenKind::Open)?;
            let order_by = self.order_by()?;
            self.expect_kind(TokenKind::Close)?;
            let clash = match call {
                FunctionCall { order_by, .. } if !order_by.is_empty() => {
                    "cannot use multiple ORDER BY clauses with WITHIN GROUP"
                }
                FunctionCall { distinct: true, .. } => "cannot use DISTINCT with WITHIN GROUP",
                FunctionCall { variadic: true, .. } => "cannot use VARIADIC with WITHIN GROUP",
                _ => "",
            };
            if !clash.is_empty() {
                return self.rule(clash, position);
            }
            call.order_by = order_by;
            call.within_group = true;
        }
        if self.eat(Keyword::Filter) {
            self.expect_kind(TokenKind::Open)?;
            self.expect(Keyword::Where)?;
            call.filter = Some(self.expr()?);
            self.expect_kind(TokenKind::Close)?;
        }
        if self.eat(Keyword::Over) {
            call.over = Some(if self.is_kind(TokenKind::Open) {
                Over::Window(Box::new(self.window()?))
            } else {
                Over::Named(self.name()?)
            });
        }
        Ok(())
    }

    /// A window's definition in parentheses.
    pub(super) fn window(&mut self) -> Result<Window> {
        use Keyword::*;
        let position = self.position();
        self.expect_kind(TokenKind::Open)?;
        let begins = matches!(self.keyword(), Some(Partition | Range | Rows | Groups | Order));
        let base =
            if !begins && Self::is_column_name(self.peek()) { Some(self.name()?) } else { None };
        let mut partition_by = Vec::new();
        if self.eat(Partition) {
            self.expect(By)?;
            partition_by = self.expressions()?;
        }
        let order_by = if self.is(Order) { self.order_by()? } else { Vec::new() };
        let frame = self.frame()?;
        self.expect_kind(TokenKind::Close)?;
        Ok(ast::Window { base, partition_by, order_by, frame, position })
    }

    fn frame(&mut self) -> Result<Option<Frame>> {
        let units = match self.keyword() {
            Some(Keyword::Rows) => FrameUnits::Rows,
            Some(Keyword::Range) => FrameUnits::Range,
            Some(Keyword::Groups) => FrameUnits::Groups,
            _ => return Ok(None),
        };
        self.advance();
        let between = self.eat(Keyword::Between);
        let at = self.position();
        let start = self.frame_bound()?;
        let mut end = None;
        let mut end_at = at;
        if between {
            self.expect(Keyword::And)?;
            end_at = self.position();
            end = Some(self.frame_bound()?);
        }
        self.check_frame(&start, end.as_ref(), at, end_at)?;
        let exclude = self.frame_exclude()?;
        Ok(Some(Frame { units, start, end, exclude }))
    }

    fn check_frame(
        &self,
        start: &FrameBound,
        end: Option<&FrameBound>,
        at: Position,
        end_at: Position,
    ) -> Result<()> {
        use FrameBound::*;
        let (message, position) = match (start, end) {
            (UnboundedFollowing, _) => ("frame start cannot be UNBOUNDED FOLLOWING", at),
            (Following(_), None) => {
                ("frame starting from following row cannot end with current row", at)
            }
            (_, Some(UnboundedPreceding)) => ("frame end cannot be UNBOUNDED PRECEDING", end_at),
            (CurrentRow, Some(Preceding(_))) => {
                ("frame starting from current row cannot have preceding rows", end_at)
            }
            (Following(_), Some(Preceding(_) | CurrentRow)) => {
                ("frame starting from following row cannot have preceding rows", end_at)
            }
            _ => return Ok(()),
        };
        self.error(ParseErrorKind::Windowing(message), position)
    }

    fn frame_bound(&mut self) -> Result<FrameBound> {
        use Keyword::*;
        if self.is(Unbounded) && matches!(self.keyword_at(1), Some(Preceding | Following)) {
            self.advance();
            return Ok(match self.advance().keyword {
                Some(Preceding) => FrameBound::UnboundedPreceding,
                _ => FrameBound::UnboundedFollowing,
            });
        }
        if self.eat_all(&[Current, Row]) {
            return Ok(FrameBound::CurrentRow);
        }
        let offset = Box::new(self.expr()?);
        if self.eat(Preceding) {
            return Ok(FrameBound::Preceding(offset));
        }
        self.expect(Following)?;
        Ok(FrameBound::Following(offset))
    }

    fn frame_exclude(&mut self) -> Result<FrameExclude> {
        if !self.eat(Keyword::Exclude) {
            return Ok(FrameExclude::NoOthers);
        }
        let exclude = match self.keyword() {
            Some(Keyword::Current) => {
                self.advance();
                self.expect(Keyword::Row)?;
                return Ok(FrameExclude::CurrentRow);
            }
            Some(Keyword::No) => {
                self.advance();
                self.expect(Keyword::Others)?;
                return Ok(FrameExclude::NoOthers);
            }
            Some(Keyword::Group) => FrameExclude::Group,
            Some(Keyword::Ties) => FrameExclude::Ties,
            _ => return self.unexpected(),
        };
        self.advance();
        Ok(exclude)
    }
}

fn sql_value_function(keyword: Keyword) -> Option<SqlValueFunction> {
    Some(match keyword {
        Keyword::CurrentDate => SqlValueFunction::CurrentDate,
        Keyword::CurrentTime => SqlValueFunction::CurrentTime,
        Keyword::CurrentTimestamp => SqlValueFunction::CurrentTimestamp,
        Keyword::Localtime => SqlValueFunction::LocalTime,
        Keyword::Localtimestamp => SqlValueFunction::LocalTimestamp,
        Keyword::CurrentRole => SqlValueFunction::CurrentRole,
        Keyword::CurrentUser => SqlValueFunction::CurrentUser,
        Keyword::User => SqlValueFunction::User,
        Keyword::SessionUser => SqlValueFunction::SessionUser,
        Keyword::CurrentCatalog => SqlValueFunction::CurrentCatalog,
        Keyword::CurrentSchema => SqlValueFunction::CurrentSchema,
        _ => return None,
    })
}
