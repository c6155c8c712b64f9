//! Tokens to a syntax tree: recursive descent for statements, operator precedence for expressions.
//!
//! ```text
//! text ── Lexer ──▶ [Token, keyword?, ordinal] ──▶ statement() ─┬─ query ── expression ── types
//!                        one vector for the whole text          ├─ modify
//!                                                               ├─ create, alter, constraints
//!                                                               └─ session, utility
//! ```
//!
//! The grammar is PostgreSQL 15's, and so are its refusals: an error stands at the first token
//! with which no statement could go on, as an LALR parser finds it. That needs care in three
//! places:
//! which words may be names (the keyword's category, asked at each place), words that mean
//! something
//! only before another word (`NOT` before `IN`, `WITH` before `TIME`), and parentheses, which may
//! turn out to hold a query, an expression or a row only after they close.
//!
//! Invariants
//! - The lexer's error, if there is one, is reported when the parser reaches it and not before: a
//!   syntax error to its left wins.
//! - Recursion goes no deeper than [`NESTING_MAX`], and no tree grows higher than [`HEIGHT_MAX`]:
//!   both the parser and any recursive reader of the tree have bounded stacks.
//! - Every literal token of a statement is either in the tree as an expression, with its ordinal,
//!   or
//!   listed as fixed.
//!
//! Rejected: a generated LALR parser (its tables and actions are as long as this, its errors no
//! better,
//! and two dialects would need two grammars), and `sqlparser` (no byte offsets, and it refuses a
//! fifth
//! of what everyday clients send).

mod alter;
mod constraint;
mod create;
mod expression;
mod function;
mod modify;
mod query;
mod session;
mod statement;
mod table;
mod types;
mod utility;

pub use statement::statement_names;

use super::ast;
use super::ast::*;
use super::dialect::Dialect;
use super::error::{ParseError, ParseErrorKind, Result};
use super::keyword::{Category, Keyword};
use super::lexer::{Lexer, Token, TokenKind, text_of};
use super::literal;

/// How deep parentheses, calls (one level each) and subqueries (two to four) may nest. One level
/// takes at most 6 kB of stack, in a debug build 11 kB: all of them fit a thread of 2 MB.
pub const NESTING_MAX: u32 = 160;

/// How high a tree may grow, chains such as `a + b + c` and `a UNION b UNION c` included.
pub const HEIGHT_MAX: u32 = 1000;

/// Parses a text of any number of statements, separated by semicolons. Empty statements between and
/// before semicolons are kept; nothing after the last semicolon makes no statement.
///
/// # Errors
/// The text's first mistake, with its offset.
pub fn parse(text: &str, dialect: Dialect) -> Result<Vec<Parsed>> {
    let mut parser = Parser::new(text, dialect)?;
    let mut statements = Vec::new();
    loop {
        if parser.peek().kind == TokenKind::End && parser.lexer_error.is_none() {
            return Ok(statements);
        }
        statements.push(parser.parsed()?);
        if !parser.eat_kind(TokenKind::Semicolon) {
            if parser.peek().kind != TokenKind::End || parser.lexer_error.is_some() {
                return parser.unexpected();
            }
            return Ok(statements);
        }
    }
}

/// Parses a text that is one expression, such as a stored CHECK or DEFAULT.
///
/// # Errors
/// As for [`parse`]; also if anything follows the expression.
pub fn parse_expression(text: &str, dialect: Dialect) -> Result<Expr> {
    let mut parser = Parser::new(text, dialect)?;
    let expr = parser.expr()?;
    parser.expect_end()?;
    Ok(expr)
}

/// Parses a text that is one type, such as `numeric(10,2)[]`.
///
/// # Errors
/// As for [`parse`]; also if anything follows the type.
pub fn parse_type(text: &str, dialect: Dialect) -> Result<TypeName> {
    let mut parser = Parser::new(text, dialect)?;
    let data_type = parser.type_name()?;
    parser.expect_end()?;
    Ok(data_type)
}

/// A token with what the parser asks about it all the time.
#[derive(Clone, Copy)]
struct Lexeme {
    token: Token,
    keyword: Option<Keyword>,
    /// Among the literals of its statement.
    ordinal: u32,
}

impl std::ops::Deref for Lexeme {
    type Target = Token;
    fn deref(&self) -> &Token {
        &self.token
    }
}

struct Parser<'a> {
    text: &'a str,
    dialect: Dialect,
    tokens: Vec<Lexeme>,
    /// Stands where `tokens` ends with [`TokenKind::End`].
    lexer_error: Option<Box<ParseError>>,
    at: usize,
    nesting: u32,
    /// The greatest height of the trees built since the enclosing one was begun.
    height: u32,
    /// The level of nesting at which an operator's word may turn out to be a target's label, as in
    /// `SELECT a like, b`; 0 for none.
    label_level: u32,
    /// The level at which SIMILAR may belong to SUBSTRING and not to the expression; 0 for none.
    similar_level: u32,
    /// Ordinals of literals taken into expressions.
    lifted: Vec<u32>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, dialect: Dialect) -> Result<Parser<'a>> {
        let mut lexer = Lexer::new(text, dialect)?;
        let mut tokens = Vec::with_capacity(text.len() / 5 + 4);
        let mut lexer_error = None;
        let mut ordinal = 0;
        loop {
            let token = lexer.next_token().unwrap_or_else(|error| {
                lexer_error = Some(error);
                Token { kind: TokenKind::End, start: text.len() as u32, end: text.len() as u32 }
            });
            let keyword = match token.kind {
                TokenKind::Word => dialect.keyword(text_of(text, token)),
                _ => None,
            };
            tokens.push(Lexeme { token, keyword, ordinal });
            match token.kind {
                TokenKind::End => break,
                TokenKind::Semicolon => ordinal = 0,
                kind => ordinal += u32::from(kind.is_literal()),
            }
        }
        Ok(Parser {
            text,
            dialect,
            tokens,
            lexer_error,
            at: 0,
            nesting: 0,
            height: 0,
            label_level: 0,
            similar_level: 0,
            lifted: Vec::new(),
        })
    }

    /// One statement with its extent, up to but without its semicolon.
    fn parsed(&mut self) -> Result<Parsed> {
        let start = self.peek().start;
        self.lifted.clear();
        self.height = 0;
        let statement = self.statement()?;
        let last = self.peek();
        let end = match self.at.checked_sub(1).and_then(|at| self.tokens.get(at)) {
            Some(token) if token.end > start => token.end,
            _ => start,
        };
        let literals = last.ordinal;
        self.lifted.sort_unstable();
        let fixed = (0..literals).filter(|n| self.lifted.binary_search(n).is_err()).collect();
        Ok(Parsed { statement, start, end, literals, fixed })
    }

    // --- looking ---

    fn peek_at(&self, ahead: usize) -> Lexeme {
        let end = Token { kind: TokenKind::End, start: 0, end: 0 };
        self.tokens.get(self.at + ahead).or_else(|| self.tokens.last()).copied().unwrap_or(Lexeme {
            token: end,
            keyword: None,
            ordinal: 0,
        })
    }

    fn peek(&self) -> Lexeme {
        self.peek_at(0)
    }

    fn keyword(&self) -> Option<Keyword> {
        self.peek().keyword
    }

    fn keyword_at(&self, ahead: usize) -> Option<Keyword> {
        self.peek_at(ahead).keyword
    }

    fn is(&self, keyword: Keyword) -> bool {
        self.keyword() == Some(keyword)
    }

    fn is_at(&self, ahead: usize, keyword: Keyword) -> bool {
        self.keyword_at(ahead) == Some(keyword)
    }

    fn is_kind(&self, kind: TokenKind) -> bool {
        self.peek().kind == kind
    }

    fn is_kind_at(&self, ahead: usize, kind: TokenKind) -> bool {
        self.peek_at(ahead).kind == kind
    }

    /// Whether the next keywords are these.
    fn are(&self, keywords: &[Keyword]) -> bool {
        keywords.iter().enumerate().all(|(ahead, &keyword)| self.is_at(ahead, keyword))
    }

    fn is_operator(&self, operator: &str) -> bool {
        let next = self.peek();
        next.kind == TokenKind::OperatorChar && self.source(next) == operator
    }

    fn source(&self, lexeme: Lexeme) -> &'a str {
        text_of(self.text, lexeme.token)
    }

    fn position(&self) -> Position {
        Position(self.peek().start)
    }

    /// Whether the statement is over.
    fn at_end(&self) -> bool {
        matches!(self.peek().kind, TokenKind::End | TokenKind::Semicolon)
    }

    // --- taking ---

    fn advance(&mut self) -> Lexeme {
        let lexeme = self.peek();
        if lexeme.kind != TokenKind::End {
            self.at += 1;
        }
        lexeme
    }

    fn eat(&mut self, keyword: Keyword) -> bool {
        let found = self.is(keyword);
        if found {
            self.advance();
        }
        found
    }

    /// Takes these keywords if all of them follow.
    fn eat_all(&mut self, keywords: &[Keyword]) -> bool {
        let found = self.are(keywords);
        if found {
            self.at += keywords.len();
        }
        found
    }

    fn eat_kind(&mut self, kind: TokenKind) -> bool {
        let found = self.is_kind(kind);
        if found {
            self.advance();
        }
        found
    }

    fn eat_operator(&mut self, operator: &str) -> bool {
        let found = self.is_operator(operator);
        if found {
            self.advance();
        }
        found
    }

    fn expect(&mut self, keyword: Keyword) -> Result<()> {
        if self.eat(keyword) { Ok(()) } else { self.unexpected() }
    }

    fn expect_all(&mut self, keywords: &[Keyword]) -> Result<()> {
        keywords.iter().try_for_each(|&keyword| self.expect(keyword))
    }

    fn expect_kind(&mut self, kind: TokenKind) -> Result<()> {
        if self.eat_kind(kind) { Ok(()) } else { self.unexpected() }
    }

    fn expect_operator(&mut self, operator: &str) -> Result<()> {
        if self.eat_operator(operator) { Ok(()) } else { self.unexpected() }
    }

    fn expect_end(&mut self) -> Result<()> {
        if self.is_kind(TokenKind::End) && self.lexer_error.is_none() {
            return Ok(());
        }
        self.unexpected()
    }

    // --- refusing ---

    /// The next token is the mistake.
    #[cold]
    fn unexpected<T>(&self) -> Result<T> {
        let lexeme = self.peek();
        if lexeme.kind == TokenKind::End
            && let Some(error) = &self.lexer_error
        {
            return Err(error.clone());
        }
        self.at_next(ParseErrorKind::Syntax)
    }

    /// An error that quotes the next token.
    #[cold]
    fn at_next<T>(&self, kind: ParseErrorKind) -> Result<T> {
        let lexeme = self.peek();
        let near = (lexeme.kind != TokenKind::End).then(|| self.source(lexeme).to_string());
        Err(Box::new(ParseError { kind, offset: lexeme.start, near }))
    }

    #[cold]
    fn rule<T>(&self, message: impl Into<String>, position: Position) -> Result<T> {
        self.error(ParseErrorKind::Rule(message.into()), position)
    }

    #[cold]
    fn error<T>(&self, kind: ParseErrorKind, position: Position) -> Result<T> {
        Err(Box::new(ParseError { kind, offset: position.0, near: None }))
    }

    // --- bounds ---

    /// Runs `inner` one level deeper.
    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.nesting >= NESTING_MAX {
            return self.error(ParseErrorKind::TooDeep, self.position());
        }
        self.nesting += 1;
        let result = inner(self);
        self.nesting -= 1;
        result
    }

    /// Runs `inner`, which builds one tree, and answers it with the tree's height above what
    /// `inner` itself reported.
    fn measured<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let outer = std::mem::replace(&mut self.height, 0);
        let result = inner(self)?;
        self.taller()?;
        self.height = self.height.max(outer);
        Ok(result)
    }

    /// A rule for whose breach PostgreSQL names no position.
    #[cold]
    fn whole<T>(
        &self,
        sqlstate: &'static str,
        message: impl std::convert::Into<String>,
    ) -> Result<T> {
        self.error(ParseErrorKind::Whole(sqlstate, message.into()), self.position())
    }

    /// The tree just built got one node on top.
    fn taller(&mut self) -> Result<()> {
        self.height += 1;
        if self.height > HEIGHT_MAX {
            return self.error(ParseErrorKind::TooDeep, self.position());
        }
        Ok(())
    }

    // --- names ---

    /// Whether the lexeme may be a name where words of these categories may.
    fn names(lexeme: Lexeme, allowed: fn(Category) -> bool) -> bool {
        match (lexeme.kind, lexeme.keyword) {
            (TokenKind::QuotedName | TokenKind::UnicodeName, _) => true,
            (TokenKind::Word, None) => true,
            (TokenKind::Word, Some(keyword)) => allowed(keyword.category()),
            _ => false,
        }
    }

    fn is_column_name(lexeme: Lexeme) -> bool {
        Self::names(lexeme, |c| matches!(c, Category::Unreserved | Category::ColumnName))
    }

    fn is_function_name(lexeme: Lexeme) -> bool {
        Self::names(lexeme, |c| matches!(c, Category::Unreserved | Category::TypeOrFunction))
    }

    fn is_plain_name(lexeme: Lexeme) -> bool {
        Self::names(lexeme, |c| c != Category::Reserved)
    }

    fn is_bare_label(lexeme: Lexeme) -> bool {
        match lexeme.keyword {
            Some(keyword) => keyword.bare_label(),
            None => Self::names(lexeme, |_| true),
        }
    }

    fn take_name(&mut self, fits: bool) -> Result<Ident> {
        if !fits {
            return self.unexpected();
        }
        let lexeme = self.advance();
        let name = literal::name(self.text, lexeme.token, self.dialect)?;
        Ok(Ident { name, position: Position(lexeme.start) })
    }

    /// A column, table or other object.
    fn name(&mut self) -> Result<Ident> {
        self.take_name(Self::is_column_name(self.peek()))
    }

    /// A function, type, or parameter of a function.
    fn function_name(&mut self) -> Result<Ident> {
        self.take_name(Self::is_function_name(self.peek()))
    }

    /// A word of any category but the reserved.
    fn plain_name(&mut self) -> Result<Ident> {
        self.take_name(Self::is_plain_name(self.peek()))
    }

    /// A name where any word may stand: after a point or AS.
    fn label(&mut self) -> Result<Ident> {
        self.take_name(Self::names(self.peek(), |_| true))
    }

    fn role(&mut self) -> Result<Role> {
        Ok(match self.keyword() {
            Some(Keyword::CurrentUser | Keyword::CurrentRole) => {
                self.advance();
                Role::Current
            }
            Some(Keyword::SessionUser) => {
                self.advance();
                Role::Session
            }
            _ => Role::Named(self.plain_name()?),
        })
    }

    /// `a`, `s.a`, `c.s.a`.
    fn object_name(&mut self) -> Result<ObjectName> {
        let first = self.name()?;
        self.object_name_after(first)
    }

    fn object_name_after(&mut self, first: Ident) -> Result<ObjectName> {
        let position = first.position;
        let mut parts = vec![first];
        while self.eat_kind(TokenKind::Dot) {
            parts.push(self.label()?);
        }
        Ok(ObjectName { parts, position })
    }

    /// A table's or the like's name, which has three parts at most.
    fn qualified_name(&mut self) -> Result<ObjectName> {
        let name = self.object_name()?;
        if name.parts.len() > 3 {
            let parts: Vec<&str> = name.parts.iter().map(|part| part.name.as_str()).collect();
            let message =
                format!("improper qualified name (too many dotted names): {}", parts.join("."));
            return self.rule(message, name.position);
        }
        Ok(name)
    }

    fn object_names(&mut self) -> Result<Vec<ObjectName>> {
        self.list(Self::object_name)
    }

    fn function_object_name(&mut self) -> Result<ObjectName> {
        if Self::is_function_name(self.peek()) && !self.is_kind_at(1, TokenKind::Dot) {
            let first = self.function_name()?;
            return self.object_name_after(first);
        }
        self.object_name()
    }

    // --- lists ---

    /// One or more, separated by commas.
    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.eat_kind(TokenKind::Comma) {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// One or more in parentheses.
    fn in_parentheses<T>(&mut self, item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        self.expect_kind(TokenKind::Open)?;
        let items = self.list(item)?;
        self.expect_kind(TokenKind::Close)?;
        Ok(items)
    }

    /// The same, if a parenthesis opens.
    fn maybe_in_parentheses<T>(
        &mut self,
        item: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        if self.is_kind(TokenKind::Open) { self.in_parentheses(item) } else { Ok(Vec::new()) }
    }

    fn names_in_parentheses(&mut self) -> Result<Vec<Ident>> {
        self.in_parentheses(Self::name)
    }

    fn expressions(&mut self) -> Result<Vec<Expr>> {
        self.list(Self::expr)
    }

    fn if_exists(&mut self) -> Result<bool> {
        if !self.eat(Keyword::If) {
            return Ok(false);
        }
        self.expect(Keyword::Exists)?;
        Ok(true)
    }

    fn if_not_exists(&mut self) -> Result<bool> {
        if !self.is(Keyword::If) || !self.is_at(1, Keyword::Not) {
            return Ok(false);
        }
        self.expect_all(&[Keyword::If, Keyword::Not, Keyword::Exists])?;
        Ok(true)
    }

    /// CASCADE (`true`), RESTRICT or nothing.
    fn drop_behavior(&mut self) -> bool {
        if self.eat(Keyword::Cascade) {
            return true;
        }
        self.eat(Keyword::Restrict);
        false
    }

    // --- constants of the grammar ---

    /// A string that is part of the grammar.
    fn string(&mut self) -> Result<String> {
        if !self.peek().kind.is_string() {
            return self.unexpected();
        }
        let lexeme = self.advance();
        literal::string(self.text, lexeme.token)
    }

    /// An integer of four bytes without sign.
    fn integer(&mut self) -> Result<i32> {
        let lexeme = self.peek();
        match literal::class(self.text, lexeme.token) {
            Some(literal::LiteralClass::Int4) => {
                self.advance();
                match literal::value(self.text, lexeme.token)? {
                    LiteralValue::Int4(value) => Ok(value),
                    _ => self.unexpected(),
                }
            }
            _ => self.unexpected(),
        }
    }

    /// A number with an optional sign.
    fn signed_number(&mut self) -> Result<LiteralValue> {
        let negative = self.eat_operator("-");
        if !negative {
            self.eat_operator("+");
        }
        if !matches!(self.peek().kind, TokenKind::Integer | TokenKind::Number) {
            return self.unexpected();
        }
        let lexeme = self.advance();
        let value = literal::value(self.text, lexeme.token)?;
        Ok(if negative { expression::negate(value) } else { value })
    }

    /// An integer of four bytes with an optional sign.
    fn signed_integer(&mut self) -> Result<i32> {
        let negative = self.eat_operator("-");
        if !negative {
            self.eat_operator("+");
        }
        let value = self.integer()?;
        Ok(if negative { -value } else { value })
    }
}
