//! ALTER.

use super::*;

impl<'a> Parser<'a> {
    pub(super) fn alter(&mut self) -> Result<Statement> {
        use Keyword::*;
        let start = self.at + 1;
        self.advance();
        let kind = match (self.keyword(), self.keyword_at(1)) {
            (Some(Materialized), Some(View)) => ObjectKind::MaterializedView,
            (Some(Foreign), Some(Table)) => ObjectKind::ForeignTable,
            (Some(Table), _) => ObjectKind::Table,
            (Some(View), _) => ObjectKind::View,
            (Some(Index), _) => ObjectKind::Index,
            (Some(Sequence), _) => ObjectKind::Sequence,
            (Some(Schema), _) => return self.alter_simple(ObjectKind::Schema),
            (Some(Database), _) => return self.alter_simple(ObjectKind::Database),
            _ => return self.unsupported_object("ALTER"),
        };
        self.advance();
        if matches!(kind, ObjectKind::MaterializedView | ObjectKind::ForeignTable) {
            self.advance();
        }
        if self.are(&[All, In, Tablespace]) {
            self.at = start;
            return self.unsupported_object("ALTER");
        }
        let if_exists = self.if_exists()?;
        let table = self.relation()?;
        if self.is(Rename) {
            return self.rename(kind, if_exists, table);
        }
        if kind == ObjectKind::Sequence && !matches!(self.keyword(), Some(Set | Owner)) {
            let options = self.sequence_options()?;
            if options.is_empty() {
                return self.unexpected();
            }
            let name = table.name;
            return Ok(Statement::AlterSequence(AlterSequence { name, if_exists, options }));
        }
        let actions = self.list(Self::alter_action)?;
        Ok(Statement::AlterTable(Box::new(AlterTable { kind, if_exists, table, actions })))
    }

    /// ALTER SCHEMA and ALTER DATABASE: a new name, or something not modelled.
    fn alter_simple(&mut self, kind: ObjectKind) -> Result<Statement> {
        let start = self.at;
        self.advance();
        let name = self.single_name()?;
        if !self.are(&[Keyword::Rename, Keyword::To]) {
            self.at = start;
            return self.unsupported_object("ALTER");
        }
        self.at += 2;
        let to = self.name()?;
        let owner_kind = kind;
        let (if_exists, only) = (false, false);
        let member = None;
        Ok(Statement::Rename(ast::Rename { kind, owner_kind, if_exists, name, only, member, to }))
    }

    fn rename(
        &mut self,
        owner_kind: ObjectKind,
        if_exists: bool,
        table: Relation,
    ) -> Result<Statement> {
        self.advance();
        let Relation { name, only } = table;
        let mut kind = owner_kind;
        let mut member = None;
        let members = !matches!(owner_kind, ObjectKind::Index | ObjectKind::Sequence);
        if members && !self.is(Keyword::To) {
            if self.eat(Keyword::Constraint) {
                kind = ObjectKind::Constraint;
            } else {
                self.eat(Keyword::Column);
                kind = ObjectKind::Column;
            }
            member = Some(self.name()?);
        }
        self.expect(Keyword::To)?;
        let to = self.name()?;
        Ok(Statement::Rename(ast::Rename { kind, owner_kind, if_exists, name, only, member, to }))
    }

    fn alter_action(&mut self) -> Result<AlterAction> {
        use Keyword::*;
        let position = self.position();
        let Some(keyword) = self.keyword() else {
            return self.unexpected();
        };
        self.advance();
        let kind = match keyword {
            Add => self.alter_add()?,
            Drop => self.alter_drop()?,
            Alter => self.alter_column()?,
            Validate => {
                self.expect(Constraint)?;
                AlterActionKind::ValidateConstraint(self.name()?)
            }
            Set => self.alter_set()?,
            Reset => AlterActionKind::ResetOptions(self.option_items()?),
            Owner => {
                self.expect(To)?;
                AlterActionKind::Owner(self.role()?)
            }
            Replica => self.replica_identity()?,
            _ => self.alter_other(keyword)?,
        };
        Ok(AlterAction { kind, position })
    }

    fn alter_add(&mut self) -> Result<AlterActionKind> {
        use Keyword::*;
        if let Some(Constraint | Check | Unique | Primary | Foreign | Exclude) = self.keyword() {
            return Ok(AlterActionKind::AddConstraint(self.table_constraint()?));
        }
        self.eat(Column);
        let if_not_exists = self.if_not_exists()?;
        let column = self.column_definition()?;
        Ok(AlterActionKind::AddColumn { if_not_exists, column })
    }

    fn alter_drop(&mut self) -> Result<AlterActionKind> {
        if self.eat(Keyword::Constraint) {
            let if_exists = self.if_exists()?;
            let name = self.name()?;
            let cascade = self.drop_behavior();
            return Ok(AlterActionKind::DropConstraint { if_exists, name, cascade });
        }
        self.eat(Keyword::Column);
        let if_exists = self.if_exists()?;
        let column = self.name()?;
        let cascade = self.drop_behavior();
        Ok(AlterActionKind::DropColumn { if_exists, column, cascade })
    }

    fn alter_column(&mut self) -> Result<AlterActionKind> {
        use Keyword::*;
        if self.eat(Constraint) {
            let name = self.name()?;
            return Ok(AlterActionKind::AlterConstraint(name, self.constraint_timing()?));
        }
        self.eat(Column);
        if self.is_kind(TokenKind::Integer) {
            // An index's column by number, which only SET STATISTICS takes.
            return self.alter_skip("ALTER COLUMN SET STATISTICS");
        }
        let column = self.name()?;
        match (self.keyword(), self.keyword_at(1)) {
            (Some(Type), _) => {
                self.advance();
                self.alter_type(column)
            }
            (Some(Set), Some(Data)) => {
                self.at += 2;
                self.expect(Type)?;
                self.alter_type(column)
            }
            (Some(Set), Some(Default)) => {
                self.at += 2;
                let value = self.expr()?;
                Ok(AlterActionKind::SetDefault(column, Some(value)))
            }
            (Some(Drop), Some(Default)) => {
                self.at += 2;
                Ok(AlterActionKind::SetDefault(column, None))
            }
            (Some(word @ (Set | Drop)), Some(Not)) => {
                self.at += 2;
                self.expect(Null)?;
                Ok(AlterActionKind::SetNotNull(column, word == Set))
            }
            (Some(Drop), Some(Identity)) => {
                self.at += 2;
                Ok(AlterActionKind::DropIdentity(column, self.if_exists()?))
            }
            (Some(Add), Some(Generated)) => {
                self.advance();
                let (always, _) = self.generated_when()?;
                self.expect(Identity)?;
                let options = self.identity_options()?;
                Ok(AlterActionKind::AddIdentity { column, always, options })
            }
            (Some(Set), Some(Statistics)) => {
                self.at += 2;
                let target = LiteralValue::Int4(self.signed_integer()?);
                Ok(AlterActionKind::SetStatistics(column, target))
            }
            (Some(Set), Some(Storage)) => {
                self.at += 2;
                Ok(AlterActionKind::SetStorage(column, self.name()?))
            }
            (Some(Set), Some(Compression)) => self.alter_skip("ALTER COLUMN SET COMPRESSION"),
            (Some(Set), Some(Generated)) => self.alter_skip("ALTER COLUMN SET GENERATED"),
            (Some(Set), _) if self.is_kind_at(1, TokenKind::Open) => {
                self.alter_skip("ALTER COLUMN SET")
            }
            (Some(Reset), _) => self.alter_skip("ALTER COLUMN RESET"),
            (Some(Restart), _) => self.alter_skip("ALTER COLUMN RESTART"),
            (Some(Drop), Some(Keyword::Expression)) => {
                self.alter_skip("ALTER COLUMN DROP EXPRESSION")
            }
            (Some(Options), _) => self.alter_skip("ALTER COLUMN OPTIONS"),
            (Some(Set | Drop | Add), _) => {
                self.advance();
                self.unexpected()
            }
            _ => self.unexpected(),
        }
    }

    fn alter_type(&mut self, column: Ident) -> Result<AlterActionKind> {
        let data_type = self.type_name()?;
        let collation = if self.eat(Keyword::Collate) { Some(self.object_name()?) } else { None };
        let using = if self.eat(Keyword::Using) { Some(self.expr()?) } else { None };
        Ok(AlterActionKind::SetType { column, data_type, collation, using })
    }

    fn alter_set(&mut self) -> Result<AlterActionKind> {
        use Keyword::*;
        if self.is_kind(TokenKind::Open) {
            return Ok(AlterActionKind::SetOptions(self.option_items()?));
        }
        let Some(keyword) = self.keyword() else {
            return self.unexpected();
        };
        self.advance();
        Ok(match keyword {
            Schema => AlterActionKind::SetSchema(self.name()?),
            Tablespace => {
                let name = self.name()?;
                self.eat(Nowait);
                AlterActionKind::SetTablespace(name)
            }
            Logged => AlterActionKind::SetLogged(true),
            Unlogged => AlterActionKind::SetLogged(false),
            Access => return self.alter_skip("SET ACCESS METHOD"),
            Without => return self.alter_skip("SET WITHOUT"),
            _ => {
                self.at -= 1;
                return self.unexpected();
            }
        })
    }

    fn replica_identity(&mut self) -> Result<AlterActionKind> {
        use Keyword::*;
        self.expect(Identity)?;
        let identity = match self.keyword() {
            Some(Nothing) => ReplicaIdentity::Nothing,
            Some(Full) => ReplicaIdentity::Full,
            Some(Default) => ReplicaIdentity::Default,
            Some(Using) => {
                self.advance();
                self.expect(Index)?;
                return Ok(AlterActionKind::ReplicaIdentity(ReplicaIdentity::Index(self.name()?)));
            }
            _ => return self.unexpected(),
        };
        self.advance();
        Ok(AlterActionKind::ReplicaIdentity(identity))
    }

    fn alter_other(&mut self, keyword: Keyword) -> Result<AlterActionKind> {
        use Keyword::*;
        let next = self.keyword();
        let name = match (keyword, next) {
            (Attach, Some(Partition)) => "ATTACH PARTITION",
            (Detach, Some(Partition)) => "DETACH PARTITION",
            (Enable, _) => "ENABLE",
            (Disable, _) => "DISABLE",
            (Force, Some(Row)) => "FORCE ROW LEVEL SECURITY",
            (No, Some(Force)) => "NO FORCE ROW LEVEL SECURITY",
            (No, Some(Inherit)) => "NO INHERIT",
            (No, Some(Depends)) => "NO DEPENDS",
            (Inherit, _) => "INHERIT",
            (Of, _) => "OF",
            (Not, Some(Of)) => "NOT OF",
            (Cluster, Some(On)) => "CLUSTER ON",
            (Depends, Some(On)) => "DEPENDS ON EXTENSION",
            (Options, _) => "OPTIONS",
            _ => {
                self.at -= 1;
                return self.unexpected();
            }
        };
        self.alter_skip(name)
    }

    /// Skips to the next action.
    fn alter_skip(&mut self, name: &str) -> Result<AlterActionKind> {
        while !self.at_end() && !self.is_kind(TokenKind::Comma) {
            if self.is_kind(TokenKind::Open) {
                self.skip_parentheses()?;
            } else {
                self.advance();
            }
        }
        Ok(AlterActionKind::Unsupported(name.to_string()))
    }
}
