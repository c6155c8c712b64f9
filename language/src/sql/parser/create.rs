//! CREATE.

use super::*;

impl<'a> Parser<'a> {
    pub(super) fn create(&mut self) -> Result<Statement> {
        use Keyword::*;
        self.advance();
        let or_replace = self.eat(Or);
        if or_replace {
            self.expect(Replace)?;
        }
        let persistence = self.persistence()?;
        if matches!(self.keyword(), Some(Local | Global)) {
            self.advance();
            return self.unexpected();
        }
        let permanent = persistence == Persistence::Permanent && !or_replace;
        match self.keyword() {
            Some(Table) if !or_replace => self.create_table(persistence, false),
            Some(Sequence) if !or_replace => self.create_sequence(persistence),
            Some(View | Recursive) => self.create_view(or_replace, persistence),
            Some(Materialized) if !or_replace && self.is_at(1, View) => {
                self.create_materialized_view(persistence)
            }
            Some(Unique | Index) if permanent => self.create_index(),
            Some(Database) if permanent => self.create_database(),
            Some(Schema) if permanent => self.create_schema(),
            Some(Type) if permanent => self.create_type(),
            Some(
                Aggregate | Function | Procedure | Language | Trusted | Procedural | Rule
                | Transform | Trigger | Constraint,
            ) if or_replace && persistence == Persistence::Permanent => {
                self.unsupported_object("CREATE")
            }
            _ if permanent => self.unsupported_object("CREATE"),
            _ => self.unexpected(),
        }
    }

    /// TEMPORARY, UNLOGGED or nothing. The words are names unless something follows that they
    /// qualify.
    pub(super) fn persistence(&mut self) -> Result<Persistence> {
        use Keyword::*;
        let qualifies = |p: &Self, ahead| {
            let next = p.peek_at(ahead);
            Self::is_column_name(next) || next.keyword == Some(Table)
        };
        let mut words = 0;
        if matches!(self.keyword(), Some(Local | Global))
            && matches!(self.keyword_at(1), Some(Temp | Temporary))
        {
            words = 1;
        }
        let persistence = match self.keyword_at(words) {
            Some(Temp | Temporary) => Persistence::Temporary,
            Some(Unlogged) => Persistence::Unlogged,
            _ => return Ok(Persistence::Permanent),
        };
        if !qualifies(self, words + 1) {
            return Ok(Persistence::Permanent);
        }
        self.at += words + 1;
        Ok(persistence)
    }

    /// With `query_only`, the form with a query and no other.
    pub(super) fn create_table(
        &mut self,
        persistence: Persistence,
        query_only: bool,
    ) -> Result<Statement> {
        self.advance();
        let if_not_exists = self.if_not_exists()?;
        let name = self.qualified_name()?;
        let names_only = query_only
            || self.is_kind(TokenKind::Open)
                && matches!(self.peek_at(2).kind, TokenKind::Comma | TokenKind::Close);
        let mut table = CreateTable {
            name,
            persistence,
            if_not_exists,
            of_type: None,
            partition_of: None,
            elements: Vec::new(),
            inherits: Vec::new(),
            partition_by: None,
            access_method: None,
            options: Vec::new(),
            on_commit: None,
            tablespace: None,
        };
        if !query_only && self.eat(Keyword::Of) {
            table.of_type = Some(self.object_name()?);
            table.elements = self.maybe_in_parentheses(Self::typed_element)?;
        } else if !query_only && self.eat(Keyword::Partition) {
            self.expect(Keyword::Of)?;
            let parent = self.qualified_name()?;
            table.elements = self.maybe_in_parentheses(Self::typed_element)?;
            table.partition_of = Some((parent, self.partition_bound()?));
        } else if names_only || !self.is_kind(TokenKind::Open) {
            let columns = self.maybe_in_parentheses(Self::name)?;
            return self.create_table_as(table, columns, false);
        } else {
            self.advance();
            if !self.is_kind(TokenKind::Close) {
                table.elements = self.list(Self::table_element)?;
            }
            self.expect_kind(TokenKind::Close)?;
            if self.eat(Keyword::Inherits) {
                table.inherits = self.in_parentheses(Self::qualified_name)?;
            }
        }
        if self.is(Keyword::Partition) {
            table.partition_by = Some(self.partition_by()?);
        }
        self.storage(&mut table)?;
        Ok(Statement::CreateTable(Box::new(table)))
    }

    /// USING, WITH, ON COMMIT and TABLESPACE.
    fn storage(&mut self, table: &mut CreateTable) -> Result<()> {
        use Keyword::*;
        if self.eat(Using) {
            table.access_method = Some(self.name()?);
        }
        if self.eat(With) {
            table.options = self.option_items()?;
        } else if self.eat(Without) {
            self.expect(Oids)?;
        }
        if self.eat(On) {
            self.expect(Commit)?;
            table.on_commit = Some(if self.eat(Drop) {
                OnCommit::Drop
            } else {
                let on_commit = if self.eat(Delete) {
                    OnCommit::DeleteRows
                } else {
                    self.expect(Preserve)?;
                    OnCommit::PreserveRows
                };
                self.expect(Rows)?;
                on_commit
            });
        }
        if self.eat(Tablespace) {
            table.tablespace = Some(self.name()?);
        }
        Ok(())
    }

    fn create_table_as(
        &mut self,
        mut table: CreateTable,
        columns: Vec<Ident>,
        materialized_view: bool,
    ) -> Result<Statement> {
        self.storage(&mut table)?;
        self.expect(Keyword::As)?;
        let source = if self.is(Keyword::Execute) && !materialized_view {
            Statement::Execute(self.execute()?)
        } else {
            Statement::Query(Box::new(self.query()?))
        };
        let mut no_data = false;
        if self.eat(Keyword::With) {
            no_data = self.eat(Keyword::No);
            self.expect(Keyword::Data)?;
        }
        Ok(Statement::CreateTableAs(Box::new(CreateTableAs {
            name: table.name,
            materialized_view,
            persistence: table.persistence,
            if_not_exists: table.if_not_exists,
            columns,
            access_method: table.access_method,
            options: table.options,
            on_commit: table.on_commit,
            tablespace: table.tablespace,
            source,
            no_data,
        })))
    }

    pub(super) fn create_materialized_view(
        &mut self,
        persistence: Persistence,
    ) -> Result<Statement> {
        self.at += 2;
        let if_not_exists = self.if_not_exists()?;
        let name = self.qualified_name()?;
        let columns = self.maybe_in_parentheses(Self::name)?;
        let table = CreateTable {
            name,
            persistence,
            if_not_exists,
            of_type: None,
            partition_of: None,
            elements: Vec::new(),
            inherits: Vec::new(),
            partition_by: None,
            access_method: None,
            options: Vec::new(),
            on_commit: None,
            tablespace: None,
        };
        self.create_table_as(table, columns, true)
    }

    fn partition_by(&mut self) -> Result<PartitionBy> {
        self.expect_all(&[Keyword::Partition, Keyword::By])?;
        let strategy = self.name()?;
        let elements = self.in_parentheses(Self::index_element)?;
        Ok(PartitionBy { strategy, elements })
    }

    pub(super) fn partition_bound(&mut self) -> Result<PartitionBound> {
        use Keyword::*;
        if self.eat(Default) {
            return Ok(PartitionBound::Default);
        }
        self.expect_all(&[For, Values])?;
        if self.eat(With) {
            self.expect_kind(TokenKind::Open)?;
            let items = self.list(|p| {
                let name = p.plain_name()?;
                let value = OptionValue::Literal(LiteralValue::Int4(p.integer()?));
                Ok(OptionItem { namespace: None, name, value: Some(value) })
            })?;
            self.expect_kind(TokenKind::Close)?;
            self.check_hash_bound(&items)?;
            return Ok(PartitionBound::Hash(items));
        }
        if self.eat(In) {
            return Ok(PartitionBound::In(self.in_parentheses(Self::expr)?));
        }
        self.expect(From)?;
        let from = self.in_parentheses(Self::expr)?;
        self.expect(To)?;
        Ok(PartitionBound::Range(from, self.in_parentheses(Self::expr)?))
    }

    fn check_hash_bound(&self, items: &[OptionItem]) -> Result<()> {
        let mut seen: Vec<&str> = Vec::new();
        for item in items {
            let name = item.name.name.as_str();
            if !matches!(name, "modulus" | "remainder") {
                let message = format!("unrecognized hash partition bound specification \"{name}\"");
                return self.rule(message, item.name.position);
            }
            if seen.contains(&name) {
                let message = format!("{name} for hash partition provided more than once");
                return self.error(ParseErrorKind::Duplicate(message), item.name.position);
            }
            seen.push(name);
        }
        for name in ["modulus", "remainder"] {
            if !seen.contains(&name) {
                let message = format!("{name} for hash partition must be specified");
                return self.whole("42601", message);
            }
        }
        Ok(())
    }

    fn create_index(&mut self) -> Result<Statement> {
        let unique = self.eat(Keyword::Unique);
        self.expect(Keyword::Index)?;
        let concurrently = self.eat(Keyword::Concurrently);
        let if_not_exists = self.if_not_exists()?;
        let named = if_not_exists || !self.is(Keyword::On);
        let name = if named { Some(self.name()?) } else { None };
        self.expect(Keyword::On)?;
        let table = self.relation()?;
        let method = if self.eat(Keyword::Using) { Some(self.name()?) } else { None };
        let elements = self.in_parentheses(Self::index_element)?;
        let include = if self.eat(Keyword::Include) {
            self.in_parentheses(Self::index_element)?
        } else {
            Vec::new()
        };
        let nulls_not_distinct = self.null_treatment()?;
        let options = if self.eat(Keyword::With) { self.option_items()? } else { Vec::new() };
        let tablespace = if self.eat(Keyword::Tablespace) { Some(self.name()?) } else { None };
        let filter = self.filter()?;
        Ok(Statement::CreateIndex(Box::new(CreateIndex {
            unique,
            concurrently,
            if_not_exists,
            name,
            table,
            method,
            elements,
            include,
            nulls_not_distinct,
            options,
            tablespace,
            filter,
        })))
    }

    /// NULLS [NOT] DISTINCT: whether NOT was there.
    pub(super) fn null_treatment(&mut self) -> Result<bool> {
        if !self.eat(Keyword::Nulls) {
            return Ok(false);
        }
        let not = self.eat(Keyword::Not);
        self.expect(Keyword::Distinct)?;
        Ok(not)
    }

    /// A column or expression of an index, partition key or ON CONFLICT.
    pub(super) fn index_element(&mut self) -> Result<IndexElement> {
        let position = self.position();
        let parenthesised = self.is_kind(TokenKind::Open);
        let expr = if parenthesised {
            self.nested(|p| {
                p.advance();
                let expr = p.expr()?;
                p.expect_kind(TokenKind::Close)?;
                Ok(expr)
            })?
        } else if Self::is_column_name(self.peek())
            && !matches!(self.peek_at(1).kind, TokenKind::Open | TokenKind::Dot)
        {
            let parts = vec![self.name()?];
            Expr { kind: ExprKind::Column(ColumnRef { parts, star: false }), position }
        } else {
            self.windowless_call()?
        };
        let collation = if self.eat(Keyword::Collate) { Some(self.object_name()?) } else { None };
        let mut class = None;
        let mut class_options = Vec::new();
        let nulls = self.is(Keyword::Nulls)
            && matches!(self.keyword_at(1), Some(Keyword::First | Keyword::Last));
        if Self::is_column_name(self.peek()) && !nulls {
            class = Some(self.object_name()?);
            if self.is_kind(TokenKind::Open) {
                class_options = self.option_items()?;
            }
        }
        let order = self.direction();
        let nulls_first = self.nulls()?;
        Ok(IndexElement {
            expr,
            parenthesised,
            collation,
            class,
            class_options,
            order,
            nulls_first,
        })
    }

    fn create_sequence(&mut self, persistence: Persistence) -> Result<Statement> {
        self.advance();
        let if_not_exists = self.if_not_exists()?;
        let name = self.qualified_name()?;
        let options = self.sequence_options()?;
        let sequence = CreateSequence { name, persistence, if_not_exists, options };
        Ok(Statement::CreateSequence(sequence))
    }

    /// The options of a sequence, as many as follow.
    pub(super) fn sequence_options(&mut self) -> Result<Vec<SequenceOption>> {
        let mut options = Vec::new();
        while let Some(option) = self.sequence_option()? {
            options.push(option);
        }
        Ok(options)
    }

    fn sequence_option(&mut self) -> Result<Option<SequenceOption>> {
        use Keyword::*;
        let Some(keyword) = self.keyword() else {
            return Ok(None);
        };
        if !matches!(
            keyword,
            As | Cache
                | Cycle
                | Increment
                | Maxvalue
                | Minvalue
                | No
                | Owned
                | Sequence
                | Start
                | Restart
        ) {
            return Ok(None);
        }
        self.advance();
        Ok(Some(match keyword {
            As => SequenceOption::As(self.type_name()?),
            Cache => SequenceOption::Cache(self.signed_number()?),
            Cycle => SequenceOption::Cycle(true),
            Increment => {
                self.eat(By);
                SequenceOption::Increment(self.signed_number()?)
            }
            Maxvalue => SequenceOption::MaxValue(Some(self.signed_number()?)),
            Minvalue => SequenceOption::MinValue(Some(self.signed_number()?)),
            Owned => {
                self.expect(By)?;
                SequenceOption::OwnedBy(self.object_name()?)
            }
            Sequence => {
                self.expect(Name)?;
                SequenceOption::SequenceName(self.object_name()?)
            }
            Start => {
                self.eat(With);
                SequenceOption::Start(self.signed_number()?)
            }
            Restart => {
                let with = self.eat(With);
                let number = matches!(self.peek().kind, TokenKind::Integer | TokenKind::Number)
                    || self.is_operator("-")
                    || self.is_operator("+");
                let value = if with || number { Some(self.signed_number()?) } else { None };
                SequenceOption::Restart(value)
            }
            _ => match self.keyword() {
                Some(Cycle) => {
                    self.advance();
                    SequenceOption::Cycle(false)
                }
                Some(Maxvalue) => {
                    self.advance();
                    SequenceOption::MaxValue(None)
                }
                Some(Minvalue) => {
                    self.advance();
                    SequenceOption::MinValue(None)
                }
                _ => return self.unexpected(),
            },
        }))
    }

    fn create_view(&mut self, or_replace: bool, persistence: Persistence) -> Result<Statement> {
        let recursive = self.eat(Keyword::Recursive);
        self.expect(Keyword::View)?;
        let name = self.qualified_name()?;
        let columns = if recursive {
            self.names_in_parentheses()?
        } else {
            self.maybe_in_parentheses(Self::name)?
        };
        let options = if self.eat(Keyword::With) { self.option_items()? } else { Vec::new() };
        self.expect(Keyword::As)?;
        let query = self.query()?;
        let mut check = None;
        if self.eat(Keyword::With) {
            let local = self.eat(Keyword::Local);
            if !local {
                self.eat(Keyword::Cascaded);
            }
            self.expect_all(&[Keyword::Check, Keyword::Option])?;
            check = Some(if local { ViewCheck::Local } else { ViewCheck::Cascaded });
        }
        Ok(Statement::CreateView(Box::new(CreateView {
            or_replace,
            persistence,
            recursive,
            name,
            columns,
            options,
            query,
            check,
        })))
    }

    fn create_type(&mut self) -> Result<Statement> {
        let start = self.at;
        self.advance();
        let name = self.object_name()?;
        if !self.are(&[Keyword::As, Keyword::Enum]) {
            self.at = start;
            return self.unsupported_object("CREATE");
        }
        self.at += 2;
        self.expect_kind(TokenKind::Open)?;
        let values =
            if self.is_kind(TokenKind::Close) { Vec::new() } else { self.list(Self::string)? };
        self.expect_kind(TokenKind::Close)?;
        Ok(Statement::CreateEnum(CreateEnum { name, values }))
    }

    fn create_database(&mut self) -> Result<Statement> {
        self.advance();
        let name = self.name()?;
        self.eat(Keyword::With);
        let mut options = Vec::new();
        while !self.at_end() {
            options.push(self.database_option()?);
        }
        Ok(Statement::CreateDatabase(CreateDatabase { name, options }))
    }

    fn database_option(&mut self) -> Result<OptionItem> {
        use Keyword::*;
        let position = self.position();
        let name = match self.keyword() {
            Some(Connection) => {
                self.advance();
                self.expect(Limit)?;
                Ident { name: "connection_limit".to_string(), position }
            }
            Some(Encoding | Location | Owner | Tablespace | Template) | None => self.name()?,
            _ => return self.unexpected(),
        };
        self.eat_operator("=");
        let value = if self.eat(Default) {
            OptionValue::Word("default".to_string())
        } else if self.eat(On) {
            OptionValue::Word("on".to_string())
        } else {
            self.option_value()?
        };
        Ok(OptionItem { namespace: None, name, value: Some(value) })
    }

    fn create_schema(&mut self) -> Result<Statement> {
        self.advance();
        let if_not_exists = self.if_not_exists()?;
        let mut name = None;
        if !self.is(Keyword::Authorization) {
            name = Some(self.name()?);
        }
        let mut owner = None;
        if name.is_none() || self.is(Keyword::Authorization) {
            self.expect(Keyword::Authorization)?;
            owner = Some(self.role()?);
        }
        let mut elements = Vec::new();
        while matches!(self.keyword(), Some(Keyword::Create | Keyword::Grant)) {
            let position = self.position();
            let element = self.nested(Self::schema_element)?;
            if if_not_exists {
                let message = "CREATE SCHEMA IF NOT EXISTS cannot include schema elements";
                return self.error(ParseErrorKind::NotImplemented(message.to_string()), position);
            }
            elements.push(element);
        }
        Ok(Statement::CreateSchema(CreateSchema { name, owner, if_not_exists, elements }))
    }

    /// Statements inside CREATE SCHEMA have no separator; one that is not modelled takes the rest.
    fn schema_element(&mut self) -> Result<Statement> {
        use Keyword::*;
        if self.is(Grant) {
            return self.unsupported("GRANT".to_string());
        }
        match self.keyword_at(1) {
            Some(Schema | Database) => {
                self.advance();
                self.unexpected()
            }
            _ => self.create(),
        }
    }

    /// `(name [= value], …)`, with or without a namespace.
    pub(super) fn option_items(&mut self) -> Result<Vec<OptionItem>> {
        self.in_parentheses(|p| {
            let mut name = p.label()?;
            let mut namespace = None;
            if p.eat_kind(TokenKind::Dot) {
                namespace = Some(std::mem::replace(&mut name, p.label()?));
            }
            let value = if p.eat_operator("=") { Some(p.definition_value()?) } else { None };
            Ok(OptionItem { namespace, name, value })
        })
    }

    /// What an option may be set to: an operator, too.
    fn definition_value(&mut self) -> Result<OptionValue> {
        let next = self.peek().kind;
        let number = matches!(self.peek_at(1).kind, TokenKind::Integer | TokenKind::Number);
        if matches!(next, TokenKind::Operator | TokenKind::OperatorChar) && !number {
            return Ok(OptionValue::Word(self.operator()?.name));
        }
        self.option_value()
    }

    /// A word, number or string.
    pub(super) fn option_value(&mut self) -> Result<OptionValue> {
        let next = self.peek();
        if next.kind.is_string() {
            return Ok(OptionValue::Literal(LiteralValue::Text(self.string()?)));
        }
        if Self::names(next, |_| true) {
            let mut word = self.label()?.name;
            while self.eat_kind(TokenKind::Dot) {
                word.push('.');
                word.push_str(&self.label()?.name);
            }
            return Ok(OptionValue::Word(word));
        }
        Ok(OptionValue::Literal(self.signed_number()?))
    }
}
