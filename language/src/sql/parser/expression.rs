//! Expressions, by operator precedence.
//!
//! PostgreSQL's table, loosest first; what stands in one line has one power:
//!
//! ```text
//! 1  OR                                    left
//! 2  AND                                   left
//! 3  NOT                                   prefix
//! 4  IS  ISNULL  NOTNULL                   none
//! 5  <  >  =  <=  >=  <>                   none
//! 6  BETWEEN  IN  LIKE  ILIKE  SIMILAR     none, also with NOT before them
//! 9  every other operator, OPERATOR()      left, and prefix
//! 10 +  -                                  left
//! 11 *  /  %                               left
//! 12 ^                                     left
//! 13 AT TIME ZONE                          left
//! 14 COLLATE                               left
//! 15 +  -                                  prefix
//! 18 ::                                    left
//! ```
//!
//! "None" is what makes `a = b = c` an error: after an operator that ends in an operand, one of the
//! same power may not follow. A construct that ends in a word or parenthesis (`IS NULL`, `IN (…)`,
//! `= ANY (…)`) is not so restricted: `a IS NULL = b` is fine, there as here.
//!
//! A *restricted* expression (the grammar's `b_expr`) knows no AND, OR, NOT, IN, LIKE, BETWEEN, IS
//! NULL, AT or COLLATE. It stands where those words would be ambiguous: DEFAULT of a column, the
//! low
//! bound of BETWEEN, the arguments of POSITION.

use super::*;

const OR: u8 = 1;
const AND: u8 = 2;
const NOT: u8 = 3;
const IS: u8 = 4;
const COMPARISON: u8 = 5;
const MATCH: u8 = 6;
const OPERATOR: u8 = 9;
const SUM: u8 = 10;
const PRODUCT: u8 = 11;
const POWER: u8 = 12;
const AT: u8 = 13;
const COLLATE: u8 = 14;
const SIGN: u8 = 15;
const CAST: u8 = 18;

/// What stands between two operands, or after one.
#[derive(Clone, Copy, PartialEq)]
enum Infix {
    Or,
    And,
    Is,
    IsNull,
    NotNull,
    Symbol,
    Qualified,
    /// BETWEEN, IN, LIKE, …; with NOT before it or not.
    Match(Keyword, bool),
    AtTimeZone,
    Collate,
    Cast,
}

/// What a pair of parentheses turned out to hold.
pub(super) enum Parenthesised {
    Query(Query),
    Expr(Expr),
    /// Two or more expressions.
    Row(Vec<Expr>),
}

/// A number with the other sign. An integer that fits a smaller type only then takes it.
pub(super) fn negate(value: LiteralValue) -> LiteralValue {
    match value {
        LiteralValue::Int4(n) => match n.checked_neg() {
            Some(n) => LiteralValue::Int4(n),
            None => LiteralValue::Int8(-i64::from(n)),
        },
        LiteralValue::Int8(n) => match n.checked_neg().map(|n| (n, i32::try_from(n))) {
            Some((_, Ok(short))) => LiteralValue::Int4(short),
            Some((long, Err(_))) => LiteralValue::Int8(long),
            None => LiteralValue::Numeric("9223372036854775808".to_string()),
        },
        LiteralValue::Numeric(digits) => {
            let digits = match digits.strip_prefix('-') {
                Some(positive) => positive.to_string(),
                None => format!("-{digits}"),
            };
            match digits.parse::<i64>() {
                Ok(long) => LiteralValue::Int8(long),
                Err(_) => LiteralValue::Numeric(digits),
            }
        }
        other => other,
    }
}

/// Whether an operator of this power may not be followed by one of the same power.
fn not_associative(power: u8) -> bool {
    matches!(power, IS | COMPARISON | MATCH)
}

impl<'a> Parser<'a> {
    /// Any expression.
    pub(super) fn expr(&mut self) -> Result<Expr> {
        self.expr_of(0, false)
    }

    /// A restricted expression.
    pub(super) fn restricted_expr(&mut self) -> Result<Expr> {
        self.expr_of(0, true)
    }

    /// An expression whose operators have at least the power `min`.
    fn expr_of(&mut self, min: u8, restricted: bool) -> Result<Expr> {
        self.nested(|p| {
            let outer = std::mem::replace(&mut p.height, 0);
            let left = p.prefix(restricted)?;
            p.taller()?;
            let expr = p.infixes(left, min, restricted)?;
            p.height = p.height.max(outer);
            Ok(expr)
        })
    }

    /// The operators that follow a finished operand. Leaves its height in `self.height`.
    fn infixes(&mut self, mut left: Expr, min: u8, restricted: bool) -> Result<Expr> {
        while let Some((infix, power)) = self.infix(restricted) {
            if power < min || self.is_label() {
                break;
            }
            let grown = std::mem::replace(&mut self.height, 0);
            let flat = matches!(
                (infix, &left.kind),
                (Infix::And, ExprKind::And(_)) | (Infix::Or, ExprKind::Or(_))
            );
            left = self.infix_rest(left, infix, power, restricted)?;
            if flat {
                self.height = grown.max(self.height + 1);
            } else {
                self.height = grown.max(self.height);
                self.taller()?;
            }
        }
        Ok(left)
    }

    /// Whether the next word, which could be an operator, labels the target that ends here.
    fn is_label(&self) -> bool {
        self.nesting == self.label_level
            && self.keyword().is_some_and(Keyword::bare_label)
            && self.ends_label(1)
    }

    /// The operator that comes next, if one does, and its power.
    fn infix(&self, restricted: bool) -> Option<(Infix, u8)> {
        let next = self.peek();
        let found = match next.kind {
            TokenKind::OperatorChar => {
                let power = match self.source(next) {
                    "+" | "-" => SUM,
                    "*" | "/" | "%" => PRODUCT,
                    "^" => POWER,
                    _ => COMPARISON,
                };
                (Infix::Symbol, power)
            }
            TokenKind::LessEquals | TokenKind::GreaterEquals | TokenKind::NotEquals => {
                (Infix::Symbol, COMPARISON)
            }
            TokenKind::Operator => (Infix::Symbol, OPERATOR),
            TokenKind::Cast => (Infix::Cast, CAST),
            TokenKind::Word => return self.word_infix(next.keyword?, restricted),
            _ => return None,
        };
        Some(found)
    }

    fn word_infix(&self, keyword: Keyword, restricted: bool) -> Option<(Infix, u8)> {
        let matching = |keyword| {
            use Keyword::*;
            matches!(keyword, Between | In | Like | Ilike | Similar)
        };
        Some(match keyword {
            Keyword::Similar
                if self.nesting == self.similar_level && !self.is_at(1, Keyword::To) =>
            {
                return None;
            }
            Keyword::Operator if self.is_kind_at(1, TokenKind::Open) => {
                (Infix::Qualified, OPERATOR)
            }
            Keyword::Is => (Infix::Is, IS),
            _ if restricted => return None,
            Keyword::Or => (Infix::Or, OR),
            Keyword::And => (Infix::And, AND),
            Keyword::Isnull => (Infix::IsNull, IS),
            Keyword::Notnull => (Infix::NotNull, IS),
            Keyword::Collate => (Infix::Collate, COLLATE),
            Keyword::At if self.is_at(1, Keyword::Time) => (Infix::AtTimeZone, AT),
            Keyword::Not => match self.keyword_at(1) {
                Some(next) if matching(next) => (Infix::Match(next, true), MATCH),
                _ => return None,
            },
            keyword if matching(keyword) => (Infix::Match(keyword, false), MATCH),
            _ => return None,
        })
    }

    fn infix_rest(
        &mut self,
        left: Expr,
        infix: Infix,
        power: u8,
        restricted: bool,
    ) -> Result<Expr> {
        let position = self.position();
        let kind = match infix {
            Infix::Or => {
                self.advance();
                let right = self.expr_of(OR + 1, false)?;
                return Ok(Self::joined(left, right, position, false));
            }
            Infix::And => {
                self.advance();
                let right = self.expr_of(AND + 1, false)?;
                return Ok(Self::joined(left, right, position, true));
            }
            Infix::Is => return self.is_rest(left, restricted),
            Infix::IsNull | Infix::NotNull => {
                self.advance();
                let negated = infix == Infix::NotNull;
                ExprKind::Is { operand: Box::new(left), test: IsTest::Null, negated }
            }
            Infix::Symbol | Infix::Qualified => return self.symbol_rest(left, power, restricted),
            Infix::Match(keyword, negated) => return self.match_rest(left, keyword, negated),
            Infix::AtTimeZone => {
                self.expect_all(&[Keyword::At, Keyword::Time, Keyword::Zone])?;
                let zone = Box::new(self.expr_of(AT + 1, false)?);
                ExprKind::AtTimeZone { operand: Box::new(left), zone }
            }
            Infix::Collate => {
                self.advance();
                let collation = self.object_name()?;
                ExprKind::Collate { operand: Box::new(left), collation }
            }
            Infix::Cast => {
                self.advance();
                let data_type = Box::new(self.type_name()?);
                ExprKind::Cast { operand: Box::new(left), data_type }
            }
        };
        Ok(Expr { kind, position })
    }

    /// AND and OR are flat on their left side, as PostgreSQL builds them.
    fn joined(left: Expr, right: Expr, position: Position, and: bool) -> Expr {
        let (mut items, position) = match (left.kind, and) {
            (ExprKind::And(items), true) | (ExprKind::Or(items), false) => (items, left.position),
            (kind, _) => (vec![Expr { kind, position: left.position }], position),
        };
        items.push(right);
        Expr { kind: if and { ExprKind::And(items) } else { ExprKind::Or(items) }, position }
    }

    /// After an operator that ends in an operand: one of the same power is a mistake.
    fn check_associative(&self, power: u8, restricted: bool) -> Result<()> {
        match self.infix(restricted) {
            Some((_, next)) if not_associative(power) && next == power => self.unexpected(),
            _ => Ok(()),
        }
    }

    fn symbol_rest(&mut self, left: Expr, power: u8, restricted: bool) -> Result<Expr> {
        let position = self.position();
        let operator = self.operator()?;
        if !restricted && self.is_quantifier() {
            return self.quantified(left, operator, position);
        }
        let right = self.expr_of(power + 1, restricted)?;
        self.check_associative(power, restricted)?;
        let kind = ExprKind::Binary {
            operator: Box::new(operator),
            left: Box::new(left),
            right: Box::new(right),
        };
        Ok(Expr { kind, position })
    }

    fn is_quantifier(&self) -> bool {
        matches!(self.keyword(), Some(Keyword::Any | Keyword::SomeWord | Keyword::All))
    }

    fn quantified(
        &mut self,
        operand: Expr,
        operator: Operator,
        position: Position,
    ) -> Result<Expr> {
        let all = self.advance().keyword == Some(Keyword::All);
        let right = match self.parenthesised(false)? {
            Parenthesised::Query(query) => QuantifiedRight::Query(Box::new(query)),
            Parenthesised::Expr(expr) => QuantifiedRight::Array(expr),
            Parenthesised::Row(_) => return self.unexpected(),
        };
        let quantified = Quantified { operand, operator, all, right };
        Ok(Expr { kind: ExprKind::Quantified(Box::new(quantified)), position })
    }

    /// An operator as it stands in an expression, OPERATOR() included.
    pub(super) fn operator(&mut self) -> Result<Operator> {
        if !self.is(Keyword::Operator) {
            let name = self.operator_symbol()?;
            return Ok(Operator { schema: Vec::new(), name, qualified: false });
        }
        self.advance();
        self.expect_kind(TokenKind::Open)?;
        let (schema, name) = self.any_operator()?;
        self.expect_kind(TokenKind::Close)?;
        Ok(Operator { schema, name, qualified: true })
    }

    /// An operator with an optional schema, bare.
    pub(super) fn any_operator(&mut self) -> Result<(Vec<Ident>, String)> {
        let mut schema = Vec::new();
        while Self::is_column_name(self.peek()) {
            schema.push(self.name()?);
            self.expect_kind(TokenKind::Dot)?;
        }
        Ok((schema, self.operator_symbol()?))
    }

    fn operator_symbol(&mut self) -> Result<String> {
        use TokenKind::*;
        match self.peek().kind {
            NotEquals => {
                self.advance();
                Ok("<>".to_string())
            }
            Operator | OperatorChar | LessEquals | GreaterEquals => {
                let lexeme = self.advance();
                Ok(self.source(lexeme).to_string())
            }
            _ => self.unexpected(),
        }
    }

    fn is_rest(&mut self, left: Expr, restricted: bool) -> Result<Expr> {
        let position = self.position();
        self.advance();
        let negated = self.eat(Keyword::Not);
        if self.eat(Keyword::Distinct) {
            self.expect(Keyword::From)?;
            let right = Box::new(self.expr_of(IS + 1, restricted)?);
            self.check_associative(IS, restricted)?;
            let kind = ExprKind::IsDistinct { left: Box::new(left), right, negated };
            return Ok(Expr { kind, position });
        }
        let test = match self.keyword() {
            Some(Keyword::Document) => IsTest::Document,
            _ if restricted => return self.unexpected(),
            Some(Keyword::Null) => IsTest::Null,
            Some(Keyword::True) => IsTest::True,
            Some(Keyword::False) => IsTest::False,
            Some(Keyword::Unknown) => IsTest::Unknown,
            _ => IsTest::Normalized(self.normal_form()),
        };
        if matches!(test, IsTest::Normalized(_)) {
            self.expect(Keyword::Normalized)?;
        } else {
            self.advance();
        }
        let operand = Box::new(left);
        Ok(Expr { kind: ExprKind::Is { operand, test, negated }, position })
    }

    pub(super) fn normal_form(&mut self) -> Option<NormalForm> {
        let form = match self.keyword()? {
            Keyword::Nfc => NormalForm::Nfc,
            Keyword::Nfd => NormalForm::Nfd,
            Keyword::Nfkc => NormalForm::Nfkc,
            Keyword::Nfkd => NormalForm::Nfkd,
            _ => return None,
        };
        self.advance();
        Some(form)
    }

    fn match_rest(&mut self, left: Expr, keyword: Keyword, negated: bool) -> Result<Expr> {
        let position = self.position();
        if negated {
            self.advance();
        }
        self.advance();
        match keyword {
            Keyword::Between => self.between_rest(left, negated, position),
            Keyword::In => self.in_rest(left, negated, position),
            _ => self.like_rest(left, keyword, negated, position),
        }
    }

    fn between_rest(&mut self, operand: Expr, negated: bool, position: Position) -> Result<Expr> {
        let symmetric = self.eat(Keyword::Symmetric);
        if !symmetric {
            self.eat(Keyword::Asymmetric);
        }
        let low = self.restricted_expr()?;
        self.expect(Keyword::And)?;
        let high = self.expr_of(MATCH + 1, false)?;
        self.check_associative(MATCH, false)?;
        let between = Between { operand, low, high, symmetric, negated };
        Ok(Expr { kind: ExprKind::Between(Box::new(between)), position })
    }

    fn in_rest(&mut self, operand: Expr, negated: bool, position: Position) -> Result<Expr> {
        let operand = Box::new(operand);
        let kind = match self.parenthesised(true)? {
            Parenthesised::Query(query) => {
                ExprKind::InQuery { operand, query: Box::new(query), negated }
            }
            Parenthesised::Expr(expr) => ExprKind::InList { operand, list: vec![expr], negated },
            Parenthesised::Row(list) => ExprKind::InList { operand, list, negated },
        };
        Ok(Expr { kind, position })
    }

    fn like_rest(
        &mut self,
        operand: Expr,
        keyword: Keyword,
        negated: bool,
        position: Position,
    ) -> Result<Expr> {
        let kind = match keyword {
            Keyword::Like => LikeKind::Like,
            Keyword::Ilike => LikeKind::ILike,
            _ => {
                self.expect(Keyword::To)?;
                LikeKind::SimilarTo
            }
        };
        if kind != LikeKind::SimilarTo && self.is_quantifier() {
            let name = match (kind, negated) {
                (LikeKind::Like, false) => "~~",
                (LikeKind::Like, true) => "!~~",
                (_, false) => "~~*",
                (_, true) => "!~~*",
            };
            let name = name.to_string();
            let operator = Operator { schema: Vec::new(), name, qualified: false };
            return self.quantified(operand, operator, position);
        }
        let pattern = self.expr_of(MATCH + 1, false)?;
        let escape =
            if self.eat(Keyword::Escape) { Some(self.expr_of(MATCH + 1, false)?) } else { None };
        self.check_associative(MATCH, false)?;
        let like = Like { kind, operand, pattern, escape, negated };
        Ok(Expr { kind: ExprKind::Like(Box::new(like)), position })
    }

    /// An operand with the operators before it.
    fn prefix(&mut self, restricted: bool) -> Result<Expr> {
        let next = self.peek();
        let position = Position(next.start);
        match (next.kind, next.keyword) {
            (TokenKind::OperatorChar, _) if self.is_operator("-") || self.is_operator("+") => {
                let operator = self.operator()?;
                let operand = self.expr_of(SIGN, restricted)?;
                Ok(Self::signed(operator, operand, position))
            }
            (TokenKind::Operator, _) => self.prefix_operator(position, restricted),
            (_, Some(Keyword::Operator)) if self.is_kind_at(1, TokenKind::Open) => {
                self.prefix_operator(position, restricted)
            }
            (_, Some(Keyword::Not)) if !restricted => {
                self.advance();
                let operand = Box::new(self.expr_of(NOT, false)?);
                Ok(Expr { kind: ExprKind::Not(operand), position })
            }
            (_, Some(Keyword::Default)) if !restricted => {
                self.advance();
                Ok(Expr { kind: ExprKind::Default, position })
            }
            (_, Some(Keyword::Unique)) if !restricted => {
                let message = "UNIQUE predicate is not yet implemented".to_string();
                self.error(ParseErrorKind::NotImplemented(message), position)
            }
            _ => self.primary(),
        }
    }

    fn prefix_operator(&mut self, position: Position, restricted: bool) -> Result<Expr> {
        let operator = Box::new(self.operator()?);
        let operand = Box::new(self.expr_of(OPERATOR + 1, restricted)?);
        Ok(Expr { kind: ExprKind::Unary { operator, operand }, position })
    }

    /// A minus before a number becomes part of the number.
    fn signed(operator: Operator, operand: Expr, position: Position) -> Expr {
        match operand.kind {
            ExprKind::Literal(Literal { value, ordinal, negated })
                if operator.name == "-"
                    && !matches!(value, LiteralValue::Text(_) | LiteralValue::Bit(..)) =>
            {
                let literal = Literal { value: negate(value), ordinal, negated: !negated };
                Expr { kind: ExprKind::Literal(literal), position }
            }
            kind => {
                let operand = Box::new(Expr { kind, position: operand.position });
                let operator = Box::new(operator);
                Expr { kind: ExprKind::Unary { operator, operand }, position }
            }
        }
    }

    /// Takes a literal token into an expression.
    pub(super) fn literal(&mut self) -> Result<Literal> {
        let lexeme = self.advance();
        self.lifted.push(lexeme.ordinal);
        let value = literal::value(self.text, lexeme.token)?;
        Ok(Literal { value, ordinal: Some(Ordinal(lexeme.ordinal)), negated: false })
    }

    /// An operand without operators, apart from subscripts and fields.
    pub(super) fn primary(&mut self) -> Result<Expr> {
        let next = self.peek();
        let position = Position(next.start);
        match next.kind {
            kind if kind.is_literal() => {
                let literal = self.literal()?;
                Ok(Expr { kind: ExprKind::Literal(literal), position })
            }
            TokenKind::Parameter => self.parameter(),
            TokenKind::Open => {
                let inner = self.parenthesised(true)?;
                self.after_parentheses(inner, position)
            }
            TokenKind::Word | TokenKind::QuotedName | TokenKind::UnicodeName => self.word(),
            _ => self.unexpected(),
        }
    }

    fn parameter(&mut self) -> Result<Expr> {
        let lexeme = self.advance();
        let position = Position(lexeme.start);
        let digits = self.source(lexeme).get(1..).unwrap_or("");
        // PostgreSQL wraps numbers that do not fit; no parameter of such a number can exist.
        let number = digits.parse::<u32>().unwrap_or(u32::MAX);
        let expr = Expr { kind: ExprKind::Parameter(number), position };
        self.indirection(expr)
    }

    /// What `( … )` holds. With `rows`, several expressions are allowed.
    pub(super) fn parenthesised(&mut self, rows: bool) -> Result<Parenthesised> {
        self.nested(|p| {
            p.expect_kind(TokenKind::Open)?;
            if p.starts_query() {
                let query = p.query()?;
                p.expect_kind(TokenKind::Close)?;
                return Ok(Parenthesised::Query(query));
            }
            let position = p.position();
            let first = if p.is_kind(TokenKind::Open) {
                let outer = std::mem::replace(&mut p.height, 0);
                let inner = p.parenthesised(true)?;
                let inner = match inner {
                    Parenthesised::Query(query)
                        if p.is_kind(TokenKind::Close) || p.continues_query() =>
                    {
                        let query = p.query_rest(None, query)?;
                        p.expect_kind(TokenKind::Close)?;
                        p.height = p.height.max(outer);
                        return Ok(Parenthesised::Query(query));
                    }
                    other => other,
                };
                let left = p.after_parentheses(inner, position)?;
                p.taller()?;
                let first = p.infixes(left, 0, false)?;
                p.height = p.height.max(outer);
                first
            } else {
                p.expr()?
            };
            let result = if rows && p.eat_kind(TokenKind::Comma) {
                let mut items = vec![first];
                items.extend(p.expressions()?);
                Parenthesised::Row(items)
            } else {
                Parenthesised::Expr(first)
            };
            p.expect_kind(TokenKind::Close)?;
            Ok(result)
        })
    }

    /// Parentheses as an operand, with what may follow them.
    fn after_parentheses(&mut self, inner: Parenthesised, position: Position) -> Result<Expr> {
        match inner {
            Parenthesised::Query(query) => {
                let kind = ExprKind::Subquery(Box::new(query));
                self.indirection(Expr { kind, position })
            }
            Parenthesised::Expr(expr) => self.indirection(expr),
            Parenthesised::Row(items) => self.after_row(items, false, position),
        }
    }

    /// A row, or OVERLAPS of two rows.
    pub(super) fn after_row(
        &mut self,
        items: Vec<Expr>,
        explicit: bool,
        position: Position,
    ) -> Result<Expr> {
        if !self.is(Keyword::Overlaps) {
            return Ok(Expr { kind: ExprKind::Row { items, explicit }, position });
        }
        let left_position = position;
        let position = self.position();
        self.advance();
        let right_position = self.position();
        let right = if self.eat(Keyword::Row) {
            self.row_items()?
        } else {
            match self.parenthesised(true)? {
                Parenthesised::Row(items) => items,
                _ => return self.unexpected(),
            }
        };
        if items.len() != 2 {
            let message = "wrong number of parameters on left side of OVERLAPS expression";
            return self.rule(message, left_position);
        }
        if right.len() != 2 {
            let message = "wrong number of parameters on right side of OVERLAPS expression";
            return self.rule(message, right_position);
        }
        Ok(Expr { kind: ExprKind::Overlaps { left: items, right }, position })
    }

    /// The fields of `ROW(…)`, which may be none.
    pub(super) fn row_items(&mut self) -> Result<Vec<Expr>> {
        self.expect_kind(TokenKind::Open)?;
        let items = if self.is_kind(TokenKind::Close) { Vec::new() } else { self.expressions()? };
        self.expect_kind(TokenKind::Close)?;
        Ok(items)
    }

    /// Subscripts and fields after an operand that may have them.
    pub(super) fn indirection(&mut self, mut expr: Expr) -> Result<Expr> {
        loop {
            if self.is_kind(TokenKind::OpenBracket) {
                let mut subscripts = Vec::new();
                while self.is_kind(TokenKind::OpenBracket) {
                    subscripts.push(self.subscript()?);
                }
                let operand = Box::new(expr);
                let position = operand.position;
                expr = Expr { kind: ExprKind::Subscript { operand, subscripts }, position };
            } else if self.eat_kind(TokenKind::Dot) {
                if self.eat_operator("*") {
                    // Nothing may follow a star.
                    self.check_star()?;
                    let position = expr.position;
                    return Ok(Expr { kind: ExprKind::AllFields(Box::new(expr)), position });
                }
                let field = self.label()?;
                let operand = Box::new(expr);
                let position = operand.position;
                expr = Expr { kind: ExprKind::Field { operand, field }, position };
            } else {
                return Ok(expr);
            }
            self.taller()?;
        }
    }

    /// After a star: no field or subscript may follow, and the error stands after all of them.
    pub(super) fn check_star(&mut self) -> Result<()> {
        let mut wrong = false;
        loop {
            if self.is_kind(TokenKind::OpenBracket) {
                self.subscript()?;
            } else if self.eat_kind(TokenKind::Dot) {
                if !self.eat_operator("*") {
                    self.label()?;
                }
            } else {
                return if wrong { self.at_next(ParseErrorKind::ImproperStar) } else { Ok(()) };
            }
            wrong = true;
        }
    }

    /// `[a]`, `[a:b]`, `[:b]`, `[a:]`, `[:]`.
    pub(super) fn subscript(&mut self) -> Result<Subscript> {
        self.expect_kind(TokenKind::OpenBracket)?;
        let low = if self.is_kind(TokenKind::Colon) { None } else { Some(self.expr()?) };
        let subscript = match low {
            Some(index) if self.is_kind(TokenKind::CloseBracket) => Subscript::Index(index),
            low => {
                self.expect_kind(TokenKind::Colon)?;
                let closes = self.is_kind(TokenKind::CloseBracket);
                Subscript::Slice(low, if closes { None } else { Some(self.expr()?) })
            }
        };
        self.expect_kind(TokenKind::CloseBracket)?;
        Ok(subscript)
    }

    /// `ARRAY(…)` and `ARRAY[…]`, after the word.
    pub(super) fn array_rest(&mut self, position: Position) -> Result<Expr> {
        if self.is_kind(TokenKind::Open) {
            let query = Box::new(self.query_in_parentheses()?);
            return Ok(Expr { kind: ExprKind::ArrayQuery(query), position });
        }
        self.array_items(position)
    }

    fn array_items(&mut self, position: Position) -> Result<Expr> {
        self.nested(|p| {
            p.expect_kind(TokenKind::OpenBracket)?;
            let items = if p.is_kind(TokenKind::CloseBracket) {
                Vec::new()
            } else if p.is_kind(TokenKind::OpenBracket) {
                p.list(|p| {
                    let position = p.position();
                    p.measured(|p| p.array_items(position))
                })?
            } else {
                p.expressions()?
            };
            p.expect_kind(TokenKind::CloseBracket)?;
            Ok(Expr { kind: ExprKind::Array(items), position })
        })
    }

    /// CASE, after the word.
    pub(super) fn case_rest(&mut self, position: Position) -> Result<Expr> {
        let operand = if self.is(Keyword::When) { None } else { Some(self.expr()?) };
        let mut whens = Vec::new();
        while self.eat(Keyword::When) {
            let condition = self.expr()?;
            self.expect(Keyword::Then)?;
            whens.push(When { condition, result: self.expr()? });
        }
        if whens.is_empty() {
            return self.unexpected();
        }
        let otherwise = if self.eat(Keyword::Else) { Some(self.expr()?) } else { None };
        self.expect(Keyword::End)?;
        let case = Case { operand, whens, otherwise };
        Ok(Expr { kind: ExprKind::Case(Box::new(case)), position })
    }
}
