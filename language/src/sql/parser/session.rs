//! Transactions, settings, and prepared statements.

use super::*;

impl<'a> Parser<'a> {
    pub(super) fn transaction(&mut self) -> Result<Statement> {
        use Keyword::*;
        let keyword = self.advance().keyword;
        let statement = match keyword {
            Some(Start) => {
                self.expect(Keyword::Transaction)?;
                let modes = self.maybe_transaction_modes()?;
                ast::Transaction::Begin { modes, start: true }
            }
            Some(Begin) => {
                self.eat_work();
                let modes = self.maybe_transaction_modes()?;
                ast::Transaction::Begin { modes, start: false }
            }
            Some(Commit) if self.eat(Prepared) => ast::Transaction::CommitPrepared(self.string()?),
            Some(Rollback) if self.eat(Prepared) => {
                ast::Transaction::RollbackPrepared(self.string()?)
            }
            Some(Commit | End) => {
                self.eat_work();
                ast::Transaction::Commit { chain: self.chain()? }
            }
            Some(Savepoint) => ast::Transaction::Savepoint(self.name()?),
            Some(Release) => {
                if self.is(Savepoint) && Self::is_column_name(self.peek_at(1)) {
                    self.advance();
                }
                ast::Transaction::Release(self.name()?)
            }
            _ => {
                self.eat_work();
                if keyword == Some(Rollback) && self.eat(To) {
                    if self.is(Savepoint) && Self::is_column_name(self.peek_at(1)) {
                        self.advance();
                    }
                    ast::Transaction::RollbackTo(self.name()?)
                } else {
                    ast::Transaction::Rollback { chain: self.chain()? }
                }
            }
        };
        Ok(Statement::Transaction(statement))
    }

    fn eat_work(&mut self) {
        if !self.eat(Keyword::Work) {
            self.eat(Keyword::Transaction);
        }
    }

    /// AND [NO] CHAIN.
    fn chain(&mut self) -> Result<bool> {
        if !self.eat(Keyword::And) {
            return Ok(false);
        }
        let no = self.eat(Keyword::No);
        self.expect(Keyword::Chain)?;
        Ok(!no)
    }

    fn maybe_transaction_modes(&mut self) -> Result<Vec<TransactionMode>> {
        if self.at_transaction_mode() { self.transaction_modes() } else { Ok(Vec::new()) }
    }

    fn at_transaction_mode(&self) -> bool {
        use Keyword::*;
        matches!(self.keyword(), Some(Isolation | Read | Deferrable | Not))
    }

    /// One or more modes; commas between them are optional.
    fn transaction_modes(&mut self) -> Result<Vec<TransactionMode>> {
        let mut modes = vec![self.transaction_mode()?];
        loop {
            if self.eat_kind(TokenKind::Comma) || self.at_transaction_mode() {
                modes.push(self.transaction_mode()?);
            } else {
                return Ok(modes);
            }
        }
    }

    fn transaction_mode(&mut self) -> Result<TransactionMode> {
        use Keyword::*;
        if self.eat(Isolation) {
            self.expect(Level)?;
            return Ok(TransactionMode::Isolation(self.isolation_level()?));
        }
        if self.eat(Read) {
            let only = self.eat(Only);
            if !only {
                self.expect(Write)?;
            }
            return Ok(TransactionMode::ReadOnly(only));
        }
        let deferrable = !self.eat(Not);
        self.expect(Deferrable)?;
        Ok(TransactionMode::Deferrable(deferrable))
    }

    fn isolation_level(&mut self) -> Result<IsolationLevel> {
        use Keyword::*;
        if self.eat(Serializable) {
            return Ok(IsolationLevel::Serializable);
        }
        if self.eat(Repeatable) {
            self.expect(Read)?;
            return Ok(IsolationLevel::RepeatableRead);
        }
        self.expect(Read)?;
        if self.eat(Committed) {
            return Ok(IsolationLevel::ReadCommitted);
        }
        self.expect(Uncommitted)?;
        Ok(IsolationLevel::ReadUncommitted)
    }

    pub(super) fn set(&mut self) -> Result<Statement> {
        use Keyword::*;
        self.advance();
        if self.eat(Constraints) {
            return self.set_constraints();
        }
        let mut scope = SetScope::Default;
        if self.is(Session) && !self.is_setting_name() {
            // SESSION AUTHORIZATION and SESSION CHARACTERISTICS belong to the setting itself,
            // unless
            // another SESSION came before.
            if !matches!(self.keyword_at(1), Some(Authorization | Characteristics)) {
                self.advance();
                scope = SetScope::Session;
            }
        } else if self.is(Local) && !self.is_setting_name() {
            self.advance();
            scope = SetScope::Local;
        }
        let kind = self.set_rest()?;
        Ok(Statement::Set(ast::Set { scope, kind }))
    }

    /// Whether the word is a setting's name: `=`, TO or a point follows.
    fn is_setting_name(&self) -> bool {
        let next = self.peek_at(1);
        next.kind == TokenKind::Dot
            || (next.kind == TokenKind::OperatorChar && self.source(next) == "=")
            || next.keyword == Some(Keyword::To)
    }

    fn set_constraints(&mut self) -> Result<Statement> {
        let names =
            if self.eat(Keyword::All) { Vec::new() } else { self.list(Self::qualified_name)? };
        let deferred = self.eat(Keyword::Deferred);
        if !deferred {
            self.expect(Keyword::Immediate)?;
        }
        let kind = SetKind::Constraints { names, deferred };
        Ok(Statement::Set(ast::Set { scope: SetScope::Default, kind }))
    }

    fn setting(name: &str, position: Position) -> Ident {
        Ident { name: name.to_string(), position }
    }

    fn one_value(name: &str, position: Position, value: SetValue) -> SetKind {
        SetKind::Value { name: Self::setting(name, position), values: vec![value] }
    }

    fn set_rest(&mut self) -> Result<SetKind> {
        use Keyword::*;
        let position = self.position();
        if self.is_setting_name() {
            return self.set_generic();
        }
        match (self.keyword(), self.keyword_at(1)) {
            (Some(Keyword::Transaction), Some(Snapshot)) => {
                self.at += 2;
                Ok(SetKind::Snapshot(self.string()?))
            }
            (Some(Keyword::Transaction), _) => {
                self.advance();
                Ok(SetKind::Transaction(self.transaction_modes()?))
            }
            (Some(Session), Some(Characteristics)) => {
                self.at += 2;
                self.expect_all(&[As, Keyword::Transaction])?;
                Ok(SetKind::SessionCharacteristics(self.transaction_modes()?))
            }
            (Some(Session), Some(Authorization)) => {
                self.at += 2;
                let name = "session_authorization";
                if self.eat(Default) {
                    return Ok(SetKind::Default(Self::setting(name, position)));
                }
                let value = SetValue::Text(self.word_or_string()?);
                Ok(Self::one_value(name, position, value))
            }
            (Some(Time), Some(Zone)) => {
                self.at += 2;
                self.time_zone(position)
            }
            (Some(Schema), _) if self.peek_at(1).kind.is_string() => {
                self.advance();
                let value = SetValue::Text(self.string()?);
                Ok(Self::one_value("search_path", position, value))
            }
            (Some(Catalog), _) if self.peek_at(1).kind.is_string() => {
                self.advance();
                let at = self.position();
                let message = "current database cannot be changed".to_string();
                self.error(ParseErrorKind::NotImplemented(message), at)
            }
            (Some(Names), _) if !self.is_at(1, From) => {
                self.advance();
                let name = "client_encoding";
                if self.eat(Default) || self.at_end() {
                    return Ok(SetKind::Default(Self::setting(name, position)));
                }
                let value = SetValue::Text(self.string()?);
                Ok(Self::one_value(name, position, value))
            }
            (Some(Keyword::Role), next) if next != Some(From) => {
                self.advance();
                let value = SetValue::Text(self.word_or_string()?);
                Ok(Self::one_value("role", position, value))
            }
            (Some(Xml), Some(Option)) => {
                self.at += 2;
                let word = if self.eat(Document) {
                    "DOCUMENT"
                } else {
                    self.expect(Content)?;
                    "CONTENT"
                };
                Ok(Self::one_value("xmloption", position, SetValue::Text(word.to_string())))
            }
            _ => self.set_generic(),
        }
    }

    fn set_generic(&mut self) -> Result<SetKind> {
        let name = self.setting_name()?;
        if self.eat(Keyword::From) {
            self.expect(Keyword::Current)?;
            return Ok(SetKind::FromCurrent(name));
        }
        if !self.eat(Keyword::To) {
            self.expect_operator("=")?;
        }
        if self.eat(Keyword::Default) {
            return Ok(SetKind::Default(name));
        }
        let values = self.list(Self::set_value)?;
        Ok(SetKind::Value { name, values })
    }

    /// `a`, `a.b`.
    fn setting_name(&mut self) -> Result<Ident> {
        let mut name = self.name()?;
        while self.eat_kind(TokenKind::Dot) {
            name.name.push('.');
            name.name.push_str(&self.name()?.name);
        }
        Ok(name)
    }

    fn set_value(&mut self) -> Result<SetValue> {
        let next = self.peek();
        let number = matches!(next.kind, TokenKind::Integer | TokenKind::Number);
        if number || self.is_operator("-") || self.is_operator("+") {
            return Ok(SetValue::Number(self.signed_number()?));
        }
        Ok(SetValue::Text(self.boolean_or_string()?))
    }

    /// TRUE, FALSE, ON, a word that is not reserved, or a string.
    pub(super) fn boolean_or_string(&mut self) -> Result<String> {
        if let Some(Keyword::True | Keyword::False | Keyword::On) = self.keyword() {
            return Ok(self.label()?.name);
        }
        self.word_or_string()
    }

    fn word_or_string(&mut self) -> Result<String> {
        if self.peek().kind.is_string() {
            return self.string();
        }
        Ok(self.plain_name()?.name)
    }

    fn time_zone(&mut self, position: Position) -> Result<SetKind> {
        let name = "timezone";
        if self.eat(Keyword::Default) || self.eat(Keyword::Local) {
            return Ok(SetKind::Default(Self::setting(name, position)));
        }
        if self.is(Keyword::Interval) {
            let at = self.position();
            self.advance();
            let mut data_type = TypeName::plain(function::system_name("interval", at));
            let value = self.string()?;
            let fields = self.position();
            self.interval_fields(&mut data_type)?;
            use IntervalFields::*;
            if !matches!(data_type.interval, None | Some(Hour | HourToMinute)) {
                let message = "time zone interval must be HOUR or HOUR TO MINUTE";
                return self.rule(message, fields);
            }
            let value = SetValue::Interval(value, Box::new(data_type));
            return Ok(Self::one_value(name, position, value));
        }
        let next = self.peek();
        let value = if next.kind.is_string() {
            SetValue::Text(self.string()?)
        } else if Self::names(next, |_| false) {
            SetValue::Text(self.name()?.name)
        } else {
            SetValue::Number(self.signed_number()?)
        };
        Ok(Self::one_value(name, position, value))
    }

    /// The name after RESET or SHOW, with its spellings of several words.
    fn shown_name(&mut self) -> Result<Ident> {
        use Keyword::*;
        let position = self.position();
        if self.eat_all(&[Time, Zone]) {
            return Ok(Self::setting("timezone", position));
        }
        if self.eat_all(&[Keyword::Transaction, Isolation]) {
            self.expect(Level)?;
            return Ok(Self::setting("transaction_isolation", position));
        }
        if self.eat_all(&[Session, Authorization]) {
            return Ok(Self::setting("session_authorization", position));
        }
        self.setting_name()
    }

    pub(super) fn reset(&mut self) -> Result<Statement> {
        self.advance();
        let kind = if self.eat(Keyword::All) {
            SetKind::ResetAll
        } else {
            SetKind::Reset(self.shown_name()?)
        };
        Ok(Statement::Set(ast::Set { scope: SetScope::Default, kind }))
    }

    pub(super) fn show(&mut self) -> Result<Statement> {
        self.advance();
        if self.eat(Keyword::All) {
            return Ok(Statement::Show(ast::Show::All));
        }
        Ok(Statement::Show(ast::Show::Name(self.shown_name()?)))
    }

    pub(super) fn prepare(&mut self) -> Result<Statement> {
        self.advance();
        if self.is(Keyword::Transaction) && self.peek_at(1).kind.is_string() {
            self.advance();
            let name = self.string()?;
            return Ok(Statement::Transaction(ast::Transaction::Prepare(name)));
        }
        let name = self.name()?;
        let types = self.maybe_in_parentheses(Self::type_name)?;
        self.expect(Keyword::As)?;
        let position = self.position();
        let statement = self.preparable()?;
        Ok(Statement::Prepare(Box::new(ast::Prepare { name, types, statement, position })))
    }

    pub(super) fn execute(&mut self) -> Result<Execute> {
        self.expect(Keyword::Execute)?;
        let name = self.name()?;
        let arguments = self.maybe_in_parentheses(Self::expr)?;
        Ok(ast::Execute { name, arguments })
    }

    pub(super) fn deallocate(&mut self) -> Result<Statement> {
        self.advance();
        if self.is(Keyword::Prepare)
            && (Self::is_column_name(self.peek_at(1)) || self.is_at(1, Keyword::All))
        {
            self.advance();
        }
        if self.eat(Keyword::All) {
            return Ok(Statement::Deallocate(None));
        }
        Ok(Statement::Deallocate(Some(self.name()?)))
    }
}
