//! Columns and constraints of CREATE TABLE and ALTER TABLE.
//!
//! DEFERRABLE and its kin follow a column's constraint as if they were constraints themselves; they
//! are put to the constraint before them, and are a mistake where there is none that could wait.

use super::*;

impl<'a> Parser<'a> {
    pub(super) fn table_element(&mut self) -> Result<TableElement> {
        use Keyword::*;
        match self.keyword() {
            Some(Like) => self.like_table(),
            Some(Constraint | Check | Unique | Primary | Foreign | Exclude)
                if !self.names_column() =>
            {
                Ok(TableElement::Constraint(self.table_constraint()?))
            }
            _ => Ok(TableElement::Column(self.column_definition()?)),
        }
    }

    /// EXCLUDE is a column's name, too, if a type follows.
    fn names_column(&self) -> bool {
        self.is(Keyword::Exclude)
            && !self.is_at(1, Keyword::Using)
            && !self.is_kind_at(1, TokenKind::Open)
    }

    /// An element of a table whose columns come from a type or a partitioned table.
    pub(super) fn typed_element(&mut self) -> Result<TableElement> {
        use Keyword::*;
        if let Some(Constraint | Check | Unique | Primary | Foreign) = self.keyword() {
            return Ok(TableElement::Constraint(self.table_constraint()?));
        }
        let name = self.name()?;
        if self.eat(With) {
            self.expect(Options)?;
        }
        let mut column = ColumnDefinition {
            name,
            data_type: None,
            collation: None,
            compression: None,
            constraints: Vec::new(),
        };
        self.column_constraints(&mut column)?;
        Ok(TableElement::Column(column))
    }

    fn like_table(&mut self) -> Result<TableElement> {
        use Keyword::*;
        self.advance();
        let table = self.qualified_name()?;
        let mut options = Vec::new();
        loop {
            let including = self.is(Including);
            if !including && !self.is(Excluding) {
                return Ok(TableElement::Like { table, options });
            }
            self.advance();
            let option = match self.keyword() {
                Some(Comments) => LikeOption::Comments,
                Some(Compression) => LikeOption::Compression,
                Some(Constraints) => LikeOption::Constraints,
                Some(Defaults) => LikeOption::Defaults,
                Some(Generated) => LikeOption::Generated,
                Some(Identity) => LikeOption::Identity,
                Some(Indexes) => LikeOption::Indexes,
                Some(Statistics) => LikeOption::Statistics,
                Some(Storage) => LikeOption::Storage,
                Some(All) => LikeOption::All,
                _ => return self.unexpected(),
            };
            self.advance();
            options.push((including, option));
        }
    }

    pub(super) fn column_definition(&mut self) -> Result<ColumnDefinition> {
        let name = self.name()?;
        let data_type = Some(self.type_name()?);
        let compression = if self.eat(Keyword::Compression) {
            Some(if self.is(Keyword::Default) { self.label()? } else { self.name()? })
        } else {
            None
        };
        let mut column = ColumnDefinition {
            name,
            data_type,
            collation: None,
            compression,
            constraints: Vec::new(),
        };
        self.column_constraints(&mut column)?;
        Ok(column)
    }

    /// COLLATE and constraints, in any order.
    fn column_constraints(&mut self, column: &mut ColumnDefinition) -> Result<()> {
        loop {
            let position = self.position();
            if self.eat(Keyword::Collate) {
                if column.collation.is_some() {
                    return self.rule("multiple COLLATE clauses not allowed", position);
                }
                column.collation = Some(self.object_name()?);
            } else if self.is_timing() {
                self.column_timing(column, position)?;
            } else {
                let name = if self.eat(Keyword::Constraint) { Some(self.name()?) } else { None };
                let Some(kind) = self.column_constraint_kind()? else {
                    return if name.is_some() { self.unexpected() } else { Ok(()) };
                };
                let timing = ConstraintTiming::default();
                column.constraints.push(ColumnConstraint { name, kind, timing, position });
            }
        }
    }

    fn is_timing(&self) -> bool {
        matches!(self.keyword(), Some(Keyword::Deferrable | Keyword::Initially))
            || self.are(&[Keyword::Not, Keyword::Deferrable])
    }

    fn column_timing(&mut self, column: &mut ColumnDefinition, position: Position) -> Result<()> {
        let deferrable = !self.eat(Keyword::Not);
        let is_deferrable = self.eat(Keyword::Deferrable);
        let mut deferred = None;
        if !is_deferrable {
            self.expect(Keyword::Initially)?;
            deferred = Some(self.initially()?);
        }
        let Some(constraint) = column.constraints.last_mut() else {
            let word = match (is_deferrable, deferrable, deferred) {
                (true, true, _) => "DEFERRABLE",
                (true, false, _) => "NOT DEFERRABLE",
                (_, _, Some(true)) => "INITIALLY DEFERRED",
                _ => "INITIALLY IMMEDIATE",
            };
            return self.rule(format!("misplaced {word} clause"), position);
        };
        if is_deferrable {
            constraint.timing.deferrable = Some(deferrable);
        } else {
            constraint.timing.deferred = deferred;
        }
        Ok(())
    }

    fn initially(&mut self) -> Result<bool> {
        let deferred = self.eat(Keyword::Deferred);
        if !deferred {
            self.expect(Keyword::Immediate)?;
        }
        Ok(deferred)
    }

    fn column_constraint_kind(&mut self) -> Result<Option<ColumnConstraintKind>> {
        use ColumnConstraintKind as K;
        let Some(keyword) = self.keyword() else {
            return Ok(None);
        };
        Ok(Some(match keyword {
            Keyword::Not => {
                self.advance();
                self.expect(Keyword::Null)?;
                K::NotNull
            }
            Keyword::Null => {
                self.advance();
                K::Null
            }
            Keyword::Default => {
                self.advance();
                K::Default(self.restricted_expr()?)
            }
            Keyword::Check => {
                self.advance();
                let expr = self.parenthesised_expr()?;
                let no_inherit = self.eat(Keyword::No);
                if no_inherit {
                    self.expect(Keyword::Inherit)?;
                }
                K::Check { expr, no_inherit }
            }
            Keyword::Unique => {
                self.advance();
                let nulls_not_distinct = self.null_treatment()?;
                K::Unique { nulls_not_distinct, parameters: self.index_parameters(false)? }
            }
            Keyword::Primary => {
                self.advance();
                self.expect(Keyword::Key)?;
                K::PrimaryKey(self.index_parameters(false)?)
            }
            Keyword::References => K::References(Box::new(self.references()?)),
            Keyword::Generated => self.generated()?,
            _ => return Ok(None),
        }))
    }

    /// `( expression )`.
    pub(super) fn parenthesised_expr(&mut self) -> Result<Expr> {
        self.expect_kind(TokenKind::Open)?;
        let expr = self.expr()?;
        self.expect_kind(TokenKind::Close)?;
        Ok(expr)
    }

    fn generated(&mut self) -> Result<ColumnConstraintKind> {
        let (always, position) = self.generated_when()?;
        if self.eat(Keyword::Identity) {
            let options = self.identity_options()?;
            return Ok(ColumnConstraintKind::Identity { always, options });
        }
        let expr = self.parenthesised_expr()?;
        self.expect(Keyword::Stored)?;
        if !always {
            return self
                .rule("for a generated column, GENERATED ALWAYS must be specified", position);
        }
        Ok(ColumnConstraintKind::Generated(expr))
    }

    /// `GENERATED ALWAYS|BY DEFAULT AS`: whether ALWAYS, and where it stands.
    pub(super) fn generated_when(&mut self) -> Result<(bool, Position)> {
        self.expect(Keyword::Generated)?;
        let position = self.position();
        let always = self.eat(Keyword::Always);
        if !always {
            self.expect_all(&[Keyword::By, Keyword::Default])?;
        }
        self.expect(Keyword::As)?;
        Ok((always, position))
    }

    /// The options of an identity column's sequence, in parentheses.
    pub(super) fn identity_options(&mut self) -> Result<Vec<SequenceOption>> {
        if !self.eat_kind(TokenKind::Open) {
            return Ok(Vec::new());
        }
        let options = self.sequence_options()?;
        if options.is_empty() {
            return self.unexpected();
        }
        self.expect_kind(TokenKind::Close)?;
        Ok(options)
    }

    fn index_parameters(&mut self, with_include: bool) -> Result<IndexParameters> {
        let mut parameters = IndexParameters::default();
        if with_include && self.eat(Keyword::Include) {
            parameters.include = self.names_in_parentheses()?;
        }
        if self.eat(Keyword::With) {
            parameters.options = self.option_items()?;
        }
        if self.eat(Keyword::Using) {
            self.expect_all(&[Keyword::Index, Keyword::Tablespace])?;
            parameters.tablespace = Some(self.name()?);
        }
        Ok(parameters)
    }

    fn references(&mut self) -> Result<References> {
        use Keyword::*;
        self.expect(References)?;
        let table = self.qualified_name()?;
        let columns = self.maybe_in_parentheses(Self::name)?;
        let mut matching = ast::Match::Simple;
        let position = self.position();
        if self.eat(Match) {
            matching = match self.keyword() {
                Some(Full) => ast::Match::Full,
                Some(Partial) => ast::Match::Partial,
                Some(Simple) => ast::Match::Simple,
                _ => return self.unexpected(),
            };
            self.advance();
            if matching == ast::Match::Partial {
                let message = "MATCH PARTIAL not yet implemented".to_string();
                return self.error(ParseErrorKind::NotImplemented(message), position);
            }
        }
        let (mut on_delete, mut on_update) = (None, None);
        while self.is(On) {
            let updates = self.is_at(1, Update);
            let taken = if updates { on_update.is_some() } else { on_delete.is_some() };
            let position = self.position();
            self.advance();
            if taken || !(updates || self.is(Delete)) {
                return self.unexpected();
            }
            self.advance();
            let action = Some(self.reference_action(updates, position)?);
            *(if updates { &mut on_update } else { &mut on_delete }) = action;
        }
        Ok(ast::References {
            table,
            columns,
            matching,
            on_delete: on_delete.unwrap_or_default(),
            on_update: on_update.unwrap_or_default(),
        })
    }

    fn reference_action(&mut self, updates: bool, position: Position) -> Result<ReferenceAction> {
        use Keyword::*;
        if self.eat(Restrict) {
            return Ok(ReferenceAction::Restrict);
        }
        if self.eat(Cascade) {
            return Ok(ReferenceAction::Cascade);
        }
        if self.eat(No) {
            self.expect(Action)?;
            return Ok(ReferenceAction::NoAction);
        }
        self.expect(Set)?;
        let null = self.eat(Null);
        if !null {
            self.expect(Default)?;
        }
        let columns = self.maybe_in_parentheses(Self::name)?;
        if updates && !columns.is_empty() {
            let word = if null { "NULL" } else { "DEFAULT" };
            let message =
                format!("a column list with SET {word} is only supported for ON DELETE actions");
            return self.error(ParseErrorKind::NotImplemented(message), position);
        }
        Ok(if null {
            ReferenceAction::SetNull(columns)
        } else {
            ReferenceAction::SetDefault(columns)
        })
    }

    pub(super) fn table_constraint(&mut self) -> Result<TableConstraint> {
        let position = self.position();
        let name = if self.eat(Keyword::Constraint) { Some(self.name()?) } else { None };
        let kind = self.table_constraint_kind()?;
        let timing = self.constraint_timing()?;
        self.check_timing(&kind, timing)?;
        Ok(TableConstraint { name, kind, timing, position })
    }

    /// What a kind of constraint cannot be.
    fn check_timing(&self, kind: &TableConstraintKind, timing: ConstraintTiming) -> Result<()> {
        let deferred = timing.deferrable == Some(true) || timing.deferred == Some(true);
        let (name, defers, waits, inherits) = match kind {
            TableConstraintKind::Check(_) => ("CHECK", false, true, true),
            TableConstraintKind::Key { primary: true, .. } => ("PRIMARY KEY", true, false, false),
            TableConstraintKind::Key { .. } => ("UNIQUE", true, false, false),
            TableConstraintKind::Exclude { .. } => ("EXCLUDE", true, false, false),
            TableConstraintKind::ForeignKey { .. } => ("FOREIGN KEY", true, true, false),
        };
        let wrong = match timing {
            _ if deferred && !defers => "DEFERRABLE",
            ConstraintTiming { not_valid: true, .. } if !waits => "NOT VALID",
            ConstraintTiming { no_inherit: true, .. } if !inherits => "NO INHERIT",
            _ => return Ok(()),
        };
        self.whole("0A000", format!("{name} constraints cannot be marked {wrong}"))
    }

    fn table_constraint_kind(&mut self) -> Result<TableConstraintKind> {
        match self.keyword() {
            Some(Keyword::Check) => {
                self.advance();
                Ok(TableConstraintKind::Check(self.parenthesised_expr()?))
            }
            Some(Keyword::Unique) => {
                self.advance();
                self.key(false)
            }
            Some(Keyword::Primary) => {
                self.advance();
                self.expect(Keyword::Key)?;
                self.key(true)
            }
            Some(Keyword::Exclude) => self.exclude(),
            Some(Keyword::Foreign) => {
                self.advance();
                self.expect(Keyword::Key)?;
                let columns = self.names_in_parentheses()?;
                let references = Box::new(self.references()?);
                Ok(TableConstraintKind::ForeignKey { columns, references })
            }
            _ => self.unexpected(),
        }
    }

    fn key(&mut self, primary: bool) -> Result<TableConstraintKind> {
        if self.eat(Keyword::Using) {
            self.expect(Keyword::Index)?;
            return Ok(TableConstraintKind::Key {
                primary,
                nulls_not_distinct: false,
                columns: Vec::new(),
                parameters: IndexParameters::default(),
                using_index: Some(self.name()?),
            });
        }
        let nulls_not_distinct = !primary && self.null_treatment()?;
        let columns = self.names_in_parentheses()?;
        let parameters = self.index_parameters(true)?;
        Ok(TableConstraintKind::Key {
            primary,
            nulls_not_distinct,
            columns,
            parameters,
            using_index: None,
        })
    }

    fn exclude(&mut self) -> Result<TableConstraintKind> {
        self.advance();
        let method = if self.eat(Keyword::Using) { Some(self.name()?) } else { None };
        let elements = self.in_parentheses(|p| {
            let element = p.index_element()?;
            p.expect(Keyword::With)?;
            let operator = if p.is(Keyword::Operator) {
                p.operator()?
            } else {
                let (schema, name) = p.any_operator()?;
                Operator { schema, name, qualified: false }
            };
            Ok((element, operator))
        })?;
        let parameters = self.index_parameters(true)?;
        let mut filter = None;
        if self.eat(Keyword::Where) {
            filter = Some(Box::new(self.parenthesised_expr()?));
        }
        Ok(TableConstraintKind::Exclude { method, elements, parameters, filter })
    }

    /// DEFERRABLE, INITIALLY, NOT VALID, NO INHERIT, in any order.
    pub(super) fn constraint_timing(&mut self) -> Result<ConstraintTiming> {
        use Keyword::*;
        let mut timing = ConstraintTiming::default();
        loop {
            let position = self.position();
            let before = timing;
            if self.eat(Deferrable) {
                timing.deferrable = Some(true);
            } else if self.eat(Initially) {
                timing.deferred = Some(self.initially()?);
            } else if self.eat(Not) {
                if self.eat(Deferrable) {
                    timing.deferrable = Some(false);
                } else {
                    self.expect(Valid)?;
                    timing.not_valid = true;
                }
            } else if self.eat(No) {
                self.expect(Inherit)?;
                timing.no_inherit = true;
            } else {
                return Ok(timing);
            }
            let (one, other) = (before.deferrable, timing.deferrable);
            let clash = one.is_some() && other.is_some() && one != other;
            let (one, other) = (before.deferred, timing.deferred);
            let clash = clash || one.is_some() && other.is_some() && one != other;
            if clash {
                return self.rule("conflicting constraint properties", position);
            }
            if timing.deferrable == Some(false) && timing.deferred == Some(true) {
                let message = "constraint declared INITIALLY DEFERRED must be DEFERRABLE";
                return self.rule(message, position);
            }
        }
    }
}
