//! Which statement it is, by its first words.
//!
//! PostgreSQL's grammar knows some two hundred statements. Those that the tree models have a
//! function each;
//! of the others the first words are enough to name them, and the text up to the semicolon is
//! skipped.
//! So a client that sends `CREATE TRIGGER …` reads "CREATE TRIGGER is not supported" and not
//! "syntax error".

use super::*;

/// What a verb can be followed by: its words, the object's name in the command tag, and the verbs
/// (C, A, D) it goes with.
type Object = (&'static [Keyword], &'static str, &'static str);

/// Longer sequences stand before their beginnings.
const OBJECTS: &[Object] = {
    use Keyword::*;
    &[
        (&[Access, Method], "ACCESS METHOD", "CD"),
        (&[Aggregate], "AGGREGATE", "CAD"),
        (&[Cast], "CAST", "CD"),
        (&[Collation], "COLLATION", "CAD"),
        (&[Constraint, Trigger], "TRIGGER", "C"),
        (&[Conversion], "CONVERSION", "CAD"),
        (&[Database], "DATABASE", "CAD"),
        (&[Default, Conversion], "CONVERSION", "C"),
        (&[Default, Privileges], "DEFAULT PRIVILEGES", "A"),
        (&[Domain], "DOMAIN", "CAD"),
        (&[Event, Trigger], "EVENT TRIGGER", "CAD"),
        (&[Extension], "EXTENSION", "CAD"),
        (&[Foreign, Data, Wrapper], "FOREIGN DATA WRAPPER", "CAD"),
        (&[Foreign, Table], "FOREIGN TABLE", "CAD"),
        (&[Function], "FUNCTION", "CAD"),
        (&[Group], "ROLE", "CAD"),
        (&[Index], "INDEX", "CAD"),
        (&[Language], "LANGUAGE", "CAD"),
        (&[Large, Object], "LARGE OBJECT", "A"),
        (&[Materialized, View], "MATERIALIZED VIEW", "CAD"),
        (&[Operator, Class], "OPERATOR CLASS", "CAD"),
        (&[Operator, Family], "OPERATOR FAMILY", "CAD"),
        (&[Operator], "OPERATOR", "CAD"),
        (&[Owned], "OWNED", "D"),
        (&[Policy], "POLICY", "CAD"),
        (&[Procedural, Language], "LANGUAGE", "CAD"),
        (&[Procedure], "PROCEDURE", "CAD"),
        (&[Publication], "PUBLICATION", "CAD"),
        (&[Role], "ROLE", "CAD"),
        (&[Routine], "ROUTINE", "AD"),
        (&[Rule], "RULE", "CAD"),
        (&[Schema], "SCHEMA", "CAD"),
        (&[Sequence], "SEQUENCE", "CAD"),
        (&[Server], "SERVER", "CAD"),
        (&[Statistics], "STATISTICS", "CAD"),
        (&[Subscription], "SUBSCRIPTION", "CAD"),
        (&[System], "SYSTEM", "A"),
        (&[Table], "TABLE", "CAD"),
        (&[Tablespace], "TABLESPACE", "CAD"),
        (&[Text, Keyword::Search, Configuration], "TEXT SEARCH CONFIGURATION", "CAD"),
        (&[Text, Keyword::Search, Dictionary], "TEXT SEARCH DICTIONARY", "CAD"),
        (&[Text, Keyword::Search, Parser], "TEXT SEARCH PARSER", "CAD"),
        (&[Text, Keyword::Search, Template], "TEXT SEARCH TEMPLATE", "CAD"),
        (&[Transform], "TRANSFORM", "CD"),
        (&[Trigger], "TRIGGER", "CAD"),
        (&[Trusted, Language], "LANGUAGE", "C"),
        (&[Trusted, Procedural, Language], "LANGUAGE", "C"),
        (&[Type], "TYPE", "CAD"),
        (&[User, Mapping], "USER MAPPING", "CAD"),
        (&[User], "ROLE", "CAD"),
        (&[View], "VIEW", "CAD"),
    ]
};

/// Statements that neither CREATE, ALTER nor DROP anything, by command tag.
const OTHERS: &[&str] = &[
    "ANALYZE",
    "BEGIN",
    "CALL",
    "CHECKPOINT",
    "CLOSE CURSOR",
    "CLUSTER",
    "COMMENT",
    "COMMIT",
    "COMMIT PREPARED",
    "COPY",
    "CREATE TABLE AS",
    "DEALLOCATE",
    "DECLARE CURSOR",
    "DELETE",
    "DISCARD",
    "DO",
    "EXECUTE",
    "EXPLAIN",
    "FETCH",
    "GRANT",
    "IMPORT FOREIGN SCHEMA",
    "INSERT",
    "LISTEN",
    "LOAD",
    "LOCK TABLE",
    "MERGE",
    "MOVE",
    "NOTIFY",
    "PREPARE",
    "PREPARE TRANSACTION",
    "REASSIGN OWNED",
    "REFRESH MATERIALIZED VIEW",
    "REINDEX",
    "RELEASE",
    "RESET",
    "REVOKE",
    "ROLLBACK",
    "ROLLBACK PREPARED",
    "SAVEPOINT",
    "SECURITY LABEL",
    "SELECT",
    "SELECT INTO",
    "SET",
    "SET CONSTRAINTS",
    "SHOW",
    "START TRANSACTION",
    "TRUNCATE TABLE",
    "UNLISTEN",
    "UPDATE",
    "VACUUM",
];

/// The command tags of every statement that the parser knows, sorted; a statement that only its
/// name is
/// known of answers [`Statement::Unsupported`].
pub fn statement_names() -> Vec<String> {
    let mut names: Vec<String> = OTHERS.iter().map(|name| name.to_string()).collect();
    for (_, object, verbs) in OBJECTS {
        for (letter, verb) in [('C', "CREATE"), ('A', "ALTER"), ('D', "DROP")] {
            if verbs.contains(letter) {
                names.push(format!("{verb} {object}"));
            }
        }
    }
    names.sort();
    names.dedup();
    names
}

impl<'a> Parser<'a> {
    /// One statement, without its semicolon.
    pub(super) fn statement(&mut self) -> Result<Statement> {
        use Keyword::*;
        if self.is_kind(TokenKind::Semicolon) {
            return Ok(Statement::Empty);
        }
        if self.is_kind(TokenKind::Open) {
            return Ok(Statement::Query(Box::new(self.query()?)));
        }
        let Some(keyword) = self.keyword() else {
            return self.unexpected();
        };
        match keyword {
            Select | Values | Table | With | Insert | Update | Delete | Merge => self.preparable(),
            Create => self.create(),
            Alter => self.alter(),
            Drop => self.drop(),
            Truncate => self.truncate(),
            Comment => self.comment(),
            Begin | Start | Commit | End | Rollback | Abort | Savepoint | Release => {
                self.transaction()
            }
            Set => self.set(),
            Reset => self.reset(),
            Show => self.show(),
            Prepare => self.prepare(),
            Execute => self.execute().map(Statement::Execute),
            Deallocate => self.deallocate(),
            Declare => self.declare(),
            Fetch | Move => self.fetch(),
            Close => self.close(),
            Copy => self.copy(),
            Explain => self.explain(),
            Vacuum => self.vacuum(),
            Analyze | Analyse => self.analyze(),
            Reindex => self.reindex(),
            Cluster => self.cluster(),
            Checkpoint => {
                self.advance();
                Ok(Statement::Checkpoint)
            }
            Discard => self.discard(),
            Lock => self.lock(),
            Listen | Unlisten | Notify => self.channel(keyword),
            Do => self.do_block(),
            Call => self.call_statement(),
            _ => self.other(keyword),
        }
    }

    fn other(&mut self, keyword: Keyword) -> Result<Statement> {
        use Keyword::*;
        let name = match (keyword, self.keyword_at(1)) {
            (Grant, _) => "GRANT",
            (Revoke, _) => "REVOKE",
            (Load, _) => "LOAD",
            (Security, Some(Label)) => "SECURITY LABEL",
            (Reassign, Some(Owned)) => "REASSIGN OWNED",
            (Import, Some(Foreign)) => "IMPORT FOREIGN SCHEMA",
            (Refresh, Some(Materialized)) => "REFRESH MATERIALIZED VIEW",
            (Security | Reassign | Import | Refresh, _) => {
                self.advance();
                return self.unexpected();
            }
            _ => return self.unexpected(),
        };
        self.unsupported(name.to_string())
    }

    /// Skips the statement and answers its name.
    pub(super) fn unsupported(&mut self, name: String) -> Result<Statement> {
        let position = self.statement_start();
        self.skip_statement();
        Ok(Statement::Unsupported(Unsupported { name, position }))
    }

    /// Where the statement that is being read began.
    fn statement_start(&self) -> Position {
        let before = self.tokens.get(..self.at).unwrap_or_default();
        let last = before.iter().rposition(|t| t.kind == TokenKind::Semicolon);
        let first = last.map_or(0, |at| at + 1);
        Position(self.tokens.get(first).map_or(0, |token| token.start))
    }

    /// The statement that a verb and the words after it name, which is not modelled.
    pub(super) fn unsupported_object(&mut self, verb: &str) -> Result<Statement> {
        let letter = verb.get(..1).unwrap_or("");
        let found = OBJECTS
            .iter()
            .find(|(words, _, verbs)| verbs.contains(letter) && self.are(words))
            .map(|(_, name, _)| format!("{verb} {name}"));
        match found {
            Some(name) => self.unsupported(name),
            None => {
                self.at += self.words_known(letter);
                self.unexpected()
            }
        }
    }

    /// How many of the next words begin an object that goes with the verb.
    fn words_known(&self, letter: &str) -> usize {
        let known = |words: &[Keyword]| {
            words.iter().enumerate().take_while(|&(ahead, &word)| self.is_at(ahead, word)).count()
        };
        let fitting = OBJECTS.iter().filter(|(_, _, verbs)| verbs.contains(letter));
        fitting.map(|(words, _, _)| known(words)).max().unwrap_or(0)
    }

    /// Goes to the semicolon that ends the statement: not one in parentheses, nor one in the body
    /// of
    /// a function between BEGIN ATOMIC and its END.
    fn skip_statement(&mut self) {
        let mut parentheses = 0usize;
        let mut blocks = 0usize;
        loop {
            let next = self.peek();
            match (next.kind, next.keyword) {
                (TokenKind::End, _) => return,
                (TokenKind::Semicolon, _) if parentheses == 0 && blocks == 0 => return,
                (TokenKind::Open, _) => parentheses += 1,
                (TokenKind::Close, _) => parentheses = parentheses.saturating_sub(1),
                (_, Some(Keyword::Begin)) if self.is_at(1, Keyword::Atomic) => blocks += 1,
                (_, Some(Keyword::Case)) if blocks > 0 => blocks += 1,
                (_, Some(Keyword::End)) => blocks = blocks.saturating_sub(1),
                _ => {}
            }
            self.advance();
        }
    }

    fn drop(&mut self) -> Result<Statement> {
        use Keyword::*;
        self.advance();
        let kind = match (self.keyword(), self.keyword_at(1)) {
            (Some(Database), _) => return self.drop_database(),
            (Some(Materialized), Some(View)) => ObjectKind::MaterializedView,
            (Some(Foreign), Some(Table)) => ObjectKind::ForeignTable,
            (Some(Table), _) => ObjectKind::Table,
            (Some(View), _) => ObjectKind::View,
            (Some(Index), _) => ObjectKind::Index,
            (Some(Sequence), _) => ObjectKind::Sequence,
            (Some(Schema), _) => ObjectKind::Schema,
            (Some(Type), _) => ObjectKind::Type,
            (Some(Domain), _) => ObjectKind::Domain,
            (Some(Collation), _) => ObjectKind::Collation,
            (Some(Extension), _) => ObjectKind::Extension,
            _ => return self.unsupported_object("DROP"),
        };
        self.advance();
        if matches!(kind, ObjectKind::MaterializedView | ObjectKind::ForeignTable) {
            self.advance();
        }
        let concurrently = kind == ObjectKind::Index && self.eat(Concurrently);
        let if_exists = self.if_exists()?;
        let names = if matches!(kind, ObjectKind::Type | ObjectKind::Domain) {
            self.list(Self::function_object_name)?
        } else if matches!(kind, ObjectKind::Schema | ObjectKind::Extension) {
            self.list(Self::single_name)?
        } else {
            self.object_names()?
        };
        let cascade = self.drop_behavior();
        Ok(Statement::Drop(DropObjects { kind, if_exists, concurrently, names, cascade }))
    }

    /// A name without qualifiers, as an object's name.
    pub(super) fn single_name(&mut self) -> Result<ObjectName> {
        let name = self.name()?;
        let position = name.position;
        Ok(ObjectName { parts: vec![name], position })
    }

    fn drop_database(&mut self) -> Result<Statement> {
        self.advance();
        let if_exists = self.if_exists()?;
        let name = self.name()?;
        let mut force = false;
        if self.is(Keyword::With) || self.is_kind(TokenKind::Open) {
            self.eat(Keyword::With);
            self.expect_kind(TokenKind::Open)?;
            self.list(|p| p.expect(Keyword::Force))?;
            self.expect_kind(TokenKind::Close)?;
            force = true;
        }
        Ok(Statement::DropDatabase(DropDatabase { name, if_exists, force }))
    }

    fn truncate(&mut self) -> Result<Statement> {
        self.advance();
        self.eat(Keyword::Table);
        let tables = self.list(Self::relation)?;
        let restart_identity = self.eat(Keyword::Restart);
        if restart_identity || self.eat(Keyword::Continue) {
            self.expect(Keyword::Identity)?;
        }
        let cascade = self.drop_behavior();
        Ok(Statement::Truncate(Truncate { tables, restart_identity, cascade }))
    }

    fn comment(&mut self) -> Result<Statement> {
        use Keyword::*;
        self.advance();
        self.expect(On)?;
        let kind = match (self.keyword(), self.keyword_at(1)) {
            (Some(Materialized), Some(View)) => ObjectKind::MaterializedView,
            (Some(Foreign), Some(Table)) => ObjectKind::ForeignTable,
            (Some(Table), _) => ObjectKind::Table,
            (Some(Column), _) => ObjectKind::Column,
            (Some(Constraint), _) => ObjectKind::Constraint,
            (Some(View), _) => ObjectKind::View,
            (Some(Index), _) => ObjectKind::Index,
            (Some(Sequence), _) => ObjectKind::Sequence,
            (Some(Schema), _) => ObjectKind::Schema,
            (Some(Database), _) => ObjectKind::Database,
            (Some(Type), _) => ObjectKind::Type,
            (Some(Domain), _) => ObjectKind::Domain,
            (Some(Collation), _) => ObjectKind::Collation,
            (Some(Extension), _) => ObjectKind::Extension,
            (Some(Keyword::Role), _) => ObjectKind::Role,
            (None, _) => return self.unexpected(),
            _ => return self.unsupported("COMMENT".to_string()),
        };
        self.advance();
        if matches!(kind, ObjectKind::MaterializedView | ObjectKind::ForeignTable) {
            self.advance();
        }
        let name = match kind {
            ObjectKind::Type | ObjectKind::Domain => self.function_object_name()?,
            ObjectKind::Constraint
            | ObjectKind::Schema
            | ObjectKind::Database
            | ObjectKind::Extension
            | ObjectKind::Role => self.single_name()?,
            _ => self.object_name()?,
        };
        let mut table = None;
        if kind == ObjectKind::Constraint {
            self.expect(On)?;
            if self.eat(Domain) {
                return self.unsupported("COMMENT".to_string());
            }
            table = Some(self.object_name()?);
        }
        self.expect(Is)?;
        let text = if self.eat(Null) { None } else { Some(self.string()?) };
        Ok(Statement::Comment(ast::Comment { kind, name, table, text }))
    }
}
