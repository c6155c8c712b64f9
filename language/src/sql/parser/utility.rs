//! Cursors, COPY, EXPLAIN, maintenance, and notifications.

use super::*;

/// An option by name alone.
fn flag(name: &str, position: Position) -> OptionItem {
    let name = Ident { name: name.to_string(), position };
    OptionItem { namespace: None, name, value: None }
}

impl<'a> Parser<'a> {
    pub(super) fn declare(&mut self) -> Result<Statement> {
        use Keyword::*;
        self.advance();
        let name = self.name()?;
        let (mut binary, mut scroll, mut insensitive) = (false, None, None);
        loop {
            if self.eat(Binary) {
                binary = true;
            } else if self.eat(Insensitive) {
                insensitive = Some(true);
            } else if self.eat(Asensitive) {
                insensitive = Some(false);
            } else if self.eat(Scroll) {
                scroll = Some(true);
            } else if self.eat(No) {
                self.expect(Scroll)?;
                scroll = Some(false);
            } else {
                break;
            }
        }
        self.expect(Cursor)?;
        let hold = self.eat(With);
        if hold || self.eat(Without) {
            self.expect(Hold)?;
        }
        self.expect(For)?;
        let query = Box::new(self.query()?);
        let cursor = DeclareCursor { name, binary, scroll, insensitive, hold, query };
        Ok(Statement::DeclareCursor(Box::new(cursor)))
    }

    pub(super) fn fetch(&mut self) -> Result<Statement> {
        let is_move = self.advance().keyword == Some(Keyword::Move);
        let direction = self.fetch_direction()?;
        if !self.eat(Keyword::From) {
            self.eat(Keyword::In);
        }
        let cursor = self.name()?;
        Ok(Statement::Fetch(Fetch { is_move, direction, cursor }))
    }

    fn fetch_direction(&mut self) -> Result<FetchDirection> {
        use FetchDirection as D;
        use Keyword::*;
        // A word that ends the statement is the cursor's name.
        if matches!(self.peek_at(1).kind, TokenKind::End | TokenKind::Semicolon) {
            return Ok(D::Forward(Some(1)));
        }
        let Some(keyword) = self.keyword() else {
            return match self.is_count() {
                true => Ok(D::Forward(Some(i64::from(self.signed_integer()?)))),
                false => Ok(D::Forward(Some(1))),
            };
        };
        let direction = match keyword {
            Next => D::Forward(Some(1)),
            Prior => D::Backward(Some(1)),
            First => D::Absolute(1),
            Last => D::Absolute(-1),
            All => D::Forward(None),
            Absolute => {
                self.advance();
                return Ok(D::Absolute(i64::from(self.signed_integer()?)));
            }
            Relative => {
                self.advance();
                return Ok(D::Relative(i64::from(self.signed_integer()?)));
            }
            Forward | Backward => {
                self.advance();
                let count = if self.eat(All) {
                    None
                } else if self.is_count() {
                    Some(i64::from(self.signed_integer()?))
                } else {
                    Some(1)
                };
                return Ok(if keyword == Forward { D::Forward(count) } else { D::Backward(count) });
            }
            _ => return Ok(D::Forward(Some(1))),
        };
        self.advance();
        Ok(direction)
    }

    fn is_count(&self) -> bool {
        self.is_kind(TokenKind::Integer) || self.is_operator("-") || self.is_operator("+")
    }

    pub(super) fn close(&mut self) -> Result<Statement> {
        self.advance();
        if self.eat(Keyword::All) {
            return Ok(Statement::Close(None));
        }
        Ok(Statement::Close(Some(self.name()?)))
    }

    pub(super) fn copy(&mut self) -> Result<Statement> {
        self.advance();
        let position = self.position();
        let mut options = Vec::new();
        if self.eat(Keyword::Binary) {
            options.push(Self::copy_option("format", OptionValue::Word("binary".into()), position));
        }
        let source = if self.is_kind(TokenKind::Open) {
            self.copy_query()?
        } else {
            let name = self.qualified_name()?;
            CopySource::Table { name, columns: self.maybe_in_parentheses(Self::name)? }
        };
        let queried = matches!(source, CopySource::Query(_));
        let from = !queried && self.eat(Keyword::From);
        if !from {
            self.expect(Keyword::To)?;
        }
        let channel = self.copy_channel()?;
        self.copy_options(&mut options)?;
        let at = self.position();
        let filter = self.filter()?;
        if filter.is_some() && !from {
            return self.rule("WHERE clause not allowed with COPY TO", at);
        }
        let copy = CopyData { source, from, channel, options, filter };
        Ok(Statement::Copy(Box::new(copy)))
    }

    fn copy_query(&mut self) -> Result<CopySource> {
        let statement = self.nested(|p| {
            p.expect_kind(TokenKind::Open)?;
            let statement = p.preparable()?;
            p.expect_kind(TokenKind::Close)?;
            Ok(statement)
        })?;
        Ok(CopySource::Query(Box::new(statement)))
    }

    fn copy_channel(&mut self) -> Result<CopyChannel> {
        if self.eat(Keyword::Program) {
            if matches!(self.keyword(), Some(Keyword::Stdin | Keyword::Stdout)) {
                self.advance();
                return self.whole("42601", "STDIN/STDOUT not allowed with PROGRAM");
            }
            return Ok(CopyChannel::Program(self.string()?));
        }
        // PostgreSQL takes either word in either direction.
        if self.eat(Keyword::Stdin) || self.eat(Keyword::Stdout) {
            return Ok(CopyChannel::Standard);
        }
        Ok(CopyChannel::File(self.string()?))
    }

    fn copy_option(name: &str, value: OptionValue, position: Position) -> OptionItem {
        let name = Ident { name: name.to_string(), position };
        OptionItem { namespace: None, name, value: Some(value) }
    }

    fn copy_options(&mut self, options: &mut Vec<OptionItem>) -> Result<()> {
        let position = self.position();
        let using = self.eat(Keyword::Using);
        if using && !self.is(Keyword::Delimiters) {
            return self.unexpected();
        }
        if self.eat(Keyword::Delimiters) {
            let text = OptionValue::Literal(LiteralValue::Text(self.string()?));
            options.push(Self::copy_option("delimiter", text, position));
        }
        self.eat(Keyword::With);
        if self.is_kind(TokenKind::Open) {
            options.extend(self.in_parentheses(Self::copy_generic_option)?);
            return Ok(());
        }
        while let Some(option) = self.copy_old_option()? {
            options.push(option);
        }
        Ok(())
    }

    fn copy_generic_option(&mut self) -> Result<OptionItem> {
        let name = self.label()?;
        let value = match self.peek().kind {
            TokenKind::Comma | TokenKind::Close => None,
            TokenKind::Open => {
                let items = self.in_parentheses(|p| p.boolean_or_string())?;
                Some(OptionValue::List(items.into_iter().map(OptionValue::Word).collect()))
            }
            _ if self.eat_operator("*") => Some(OptionValue::Star),
            _ => Some(self.option_argument()?),
        };
        Ok(OptionItem { namespace: None, name, value })
    }

    /// A number, a string, or a word that is not reserved.
    fn option_argument(&mut self) -> Result<OptionValue> {
        let next = self.peek();
        if next.kind.is_string() {
            return Ok(OptionValue::Literal(LiteralValue::Text(self.string()?)));
        }
        if Self::names(next, |_| true) {
            return Ok(OptionValue::Word(self.boolean_or_string()?));
        }
        Ok(OptionValue::Literal(self.signed_number()?))
    }

    fn copy_old_option(&mut self) -> Result<Option<OptionItem>> {
        use Keyword::*;
        let position = self.position();
        let Some(keyword) = self.keyword() else {
            return Ok(None);
        };
        let (name, value) = match keyword {
            Binary => ("format", OptionValue::Word("binary".into())),
            Csv => ("format", OptionValue::Word("csv".into())),
            Freeze => ("freeze", OptionValue::Word("true".into())),
            Header => ("header", OptionValue::Word("true".into())),
            Delimiter | Null | Quote | Escape | Encoding => {
                self.advance();
                if keyword != Encoding {
                    self.eat(As);
                }
                let text = OptionValue::Literal(LiteralValue::Text(self.string()?));
                return Ok(Some(Self::copy_option(keyword.word(), text, position)));
            }
            Force => {
                self.advance();
                return self.copy_force(position).map(Some);
            }
            _ => return Ok(None),
        };
        self.advance();
        Ok(Some(Self::copy_option(name, value, position)))
    }

    fn copy_force(&mut self, position: Position) -> Result<OptionItem> {
        let name = if self.eat(Keyword::Quote) {
            "force_quote"
        } else if self.eat(Keyword::Null) {
            "force_null"
        } else {
            self.expect_all(&[Keyword::Not, Keyword::Null])?;
            "force_not_null"
        };
        if name == "force_quote" && self.eat_operator("*") {
            return Ok(Self::copy_option(name, OptionValue::Star, position));
        }
        let columns = self.list(Self::name)?;
        let words = columns.into_iter().map(|column| OptionValue::Word(column.name)).collect();
        Ok(Self::copy_option(name, OptionValue::List(words), position))
    }

    pub(super) fn explain(&mut self) -> Result<Statement> {
        use Keyword::*;
        self.advance();
        let mut options = Vec::new();
        let query = self.is_kind_at(1, TokenKind::Open)
            || matches!(self.keyword_at(1), Some(Select | Values | With | Table));
        if self.is_kind(TokenKind::Open) && !query {
            options = self.in_parentheses(Self::utility_option)?;
        } else {
            for word in [Analyze, Verbose] {
                let position = self.position();
                if self.eat(word) || (word == Analyze && self.eat(Analyse)) {
                    options.push(flag(word.word(), position));
                }
            }
        }
        let statement = match self.keyword() {
            Some(Declare) => self.declare()?,
            Some(Execute) => Statement::Execute(self.execute()?),
            Some(Create) => self.explained_create()?,
            Some(Refresh) => self.other_statement()?,
            _ => self.preparable()?,
        };
        Ok(Statement::Explain(Box::new(ast::Explain { options, statement })))
    }

    fn other_statement(&mut self) -> Result<Statement> {
        self.nested(Self::statement)
    }

    /// Of CREATE only the forms with a query may be explained.
    fn explained_create(&mut self) -> Result<Statement> {
        self.advance();
        let persistence = self.persistence()?;
        if self.is(Keyword::Materialized) {
            return self.create_materialized_view(persistence);
        }
        if !self.is(Keyword::Table) {
            return self.unexpected();
        }
        self.create_table(persistence, true)
    }

    /// An option of EXPLAIN, VACUUM, REINDEX or CLUSTER in parentheses.
    fn utility_option(&mut self) -> Result<OptionItem> {
        let analyze = matches!(self.keyword(), Some(Keyword::Analyze | Keyword::Analyse));
        let mut name = if analyze { self.label()? } else { self.plain_name()? };
        if name.name == "analyse" {
            name.name = "analyze".to_string();
        }
        let value = match self.peek().kind {
            TokenKind::Comma | TokenKind::Close => None,
            _ => Some(self.option_argument()?),
        };
        Ok(OptionItem { namespace: None, name, value })
    }

    pub(super) fn vacuum(&mut self) -> Result<Statement> {
        use Keyword::*;
        self.advance();
        let mut options = Vec::new();
        if self.is_kind(TokenKind::Open) {
            options = self.in_parentheses(Self::utility_option)?;
        } else {
            for word in [Full, Freeze, Verbose, Analyze] {
                let position = self.position();
                if self.eat(word) || (word == Analyze && self.eat(Analyse)) {
                    options.push(flag(word.word(), position));
                }
            }
        }
        let tables = self.vacuumed()?;
        Ok(Statement::Vacuum(ast::Vacuum { vacuum: true, options, tables }))
    }

    pub(super) fn analyze(&mut self) -> Result<Statement> {
        self.advance();
        let mut options = Vec::new();
        let position = self.position();
        if self.is_kind(TokenKind::Open) {
            options = self.in_parentheses(Self::utility_option)?;
        } else if self.eat(Keyword::Verbose) {
            options.push(flag("verbose", position));
        }
        let tables = self.vacuumed()?;
        Ok(Statement::Vacuum(ast::Vacuum { vacuum: false, options, tables }))
    }

    fn vacuumed(&mut self) -> Result<Vec<(ObjectName, Vec<Ident>)>> {
        if !Self::is_column_name(self.peek()) {
            return Ok(Vec::new());
        }
        self.list(|p| Ok((p.qualified_name()?, p.maybe_in_parentheses(Self::name)?)))
    }

    pub(super) fn reindex(&mut self) -> Result<Statement> {
        self.advance();
        let options = self.maybe_in_parentheses(Self::utility_option)?;
        let kind = match self.keyword() {
            Some(Keyword::Index) => ReindexKind::Index,
            Some(Keyword::Table) => ReindexKind::Table,
            Some(Keyword::Schema) => ReindexKind::Schema,
            Some(Keyword::System) => ReindexKind::System,
            Some(Keyword::Database) => ReindexKind::Database,
            _ => return self.unexpected(),
        };
        self.advance();
        let concurrently = self.eat(Keyword::Concurrently);
        let name = match kind {
            ReindexKind::Index | ReindexKind::Table => self.qualified_name()?,
            _ => self.single_name()?,
        };
        Ok(Statement::Reindex(ast::Reindex { kind, concurrently, options, name }))
    }

    pub(super) fn cluster(&mut self) -> Result<Statement> {
        self.advance();
        let position = self.position();
        let mut options = Vec::new();
        let options_listed = self.is_kind(TokenKind::Open);
        if options_listed {
            options = self.in_parentheses(Self::utility_option)?;
        } else if self.eat(Keyword::Verbose) {
            options.push(flag("verbose", position));
        }
        let mut table = None;
        let mut index = None;
        if Self::is_column_name(self.peek()) || !options.is_empty() && options_listed {
            let name = self.qualified_name()?;
            if name.parts.len() == 1 && self.eat(Keyword::On) {
                // The old order: CLUSTER index ON table.
                index = name.parts.into_iter().next();
                table = Some(self.qualified_name()?);
            } else {
                table = Some(name);
                index = if self.eat(Keyword::Using) { Some(self.name()?) } else { None };
            }
        }
        Ok(Statement::Cluster(ast::Cluster { options, table, index }))
    }

    pub(super) fn discard(&mut self) -> Result<Statement> {
        self.advance();
        let target = match self.keyword() {
            Some(Keyword::All) => DiscardTarget::All,
            Some(Keyword::Plans) => DiscardTarget::Plans,
            Some(Keyword::Sequences) => DiscardTarget::Sequences,
            Some(Keyword::Temp | Keyword::Temporary) => DiscardTarget::Temporary,
            _ => return self.unexpected(),
        };
        self.advance();
        Ok(Statement::Discard(target))
    }

    pub(super) fn lock(&mut self) -> Result<Statement> {
        self.advance();
        self.eat(Keyword::Table);
        let tables = self.list(Self::relation)?;
        let mut mode = LockMode::AccessExclusive;
        if self.eat(Keyword::In) {
            mode = self.lock_mode()?;
            self.expect(Keyword::Mode)?;
        }
        let no_wait = self.eat(Keyword::Nowait);
        Ok(Statement::Lock(ast::Lock { tables, mode, no_wait }))
    }

    fn lock_mode(&mut self) -> Result<LockMode> {
        use Keyword::*;
        let first = self.keyword();
        if !matches!(first, Some(Access | Row | Share | Exclusive)) {
            return self.unexpected();
        }
        self.advance();
        let mode = match (first, self.keyword()) {
            (Some(Exclusive), _) => return Ok(LockMode::Exclusive),
            (Some(Access), Some(Share)) => LockMode::AccessShare,
            (Some(Access), Some(Exclusive)) => LockMode::AccessExclusive,
            (Some(Row), Some(Share)) => LockMode::RowShare,
            (Some(Row), Some(Exclusive)) => LockMode::RowExclusive,
            (Some(Share), Some(word @ (Update | Row))) => {
                self.advance();
                self.expect(Exclusive)?;
                return Ok(match word {
                    Update => LockMode::ShareUpdateExclusive,
                    _ => LockMode::ShareRowExclusive,
                });
            }
            (Some(Share), _) => return Ok(LockMode::Share),
            _ => return self.unexpected(),
        };
        self.advance();
        Ok(mode)
    }

    /// LISTEN, UNLISTEN and NOTIFY.
    pub(super) fn channel(&mut self, keyword: Keyword) -> Result<Statement> {
        self.advance();
        if keyword == Keyword::Unlisten && self.eat_operator("*") {
            return Ok(Statement::Unlisten(None));
        }
        let channel = self.name()?;
        Ok(match keyword {
            Keyword::Listen => Statement::Listen(channel),
            Keyword::Unlisten => Statement::Unlisten(Some(channel)),
            _ => {
                let comma = self.eat_kind(TokenKind::Comma);
                let payload = if comma { Some(self.string()?) } else { None };
                Statement::Notify(ast::Notify { channel, payload })
            }
        })
    }

    pub(super) fn do_block(&mut self) -> Result<Statement> {
        self.advance();
        let (mut language, mut code) = (None, None);
        while !self.at_end() {
            let position = self.position();
            if self.eat(Keyword::Language) {
                if language.is_some() {
                    return self.rule("conflicting or redundant options", position);
                }
                let next = self.peek();
                language = Some(if next.kind.is_string() {
                    self.string()?
                } else {
                    self.plain_name()?.name
                });
            } else {
                let text = self.string()?;
                if code.replace(text).is_some() {
                    return self.rule("conflicting or redundant options", position);
                }
            }
        }
        match code {
            Some(code) => Ok(Statement::Do(ast::Do { language, code })),
            None if language.is_some() => self.rule("no inline code specified", self.position()),
            None => self.unexpected(),
        }
    }

    pub(super) fn call_statement(&mut self) -> Result<Statement> {
        self.advance();
        let name = self.function_object_name()?;
        Ok(Statement::Call(Box::new(self.plain_call(name)?)))
    }
}
