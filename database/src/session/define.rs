//! DDL: each statement as calls of the model, in the session's transaction.
//!
//! A definition that fails leaves nothing behind: it runs between a savepoint and its release.
//! Names are resolved here as PostgreSQL does: schema from the search path, IF [NOT] EXISTS as
//! notices, CASCADE where the model offers it.

use std::sync::Arc;

use language::sql::{ast, bind, define as definition};
use model::{Collection, CollectionId, Work};
use query::execute::fault::fault;

use super::{Portal, Prepared, Session};
use crate::{Error, ErrorKind, Result};

/// A relation that a name means.
enum Found {
    Table(Arc<Collection>),
    Index(Arc<Collection>, model::IndexId),
    Sequence(Arc<model::Sequence>),
}

impl Session {
    pub(super) async fn define(&mut self, prepared: &Arc<Prepared>) -> Result<Portal> {
        let statement = &prepared.parsed.statement;
        self.start_statement().await?;
        self.check_read_only(statement)?;
        let work = self.active().await?.work.clone();
        let savepoint = work.savepoint().map_err(fault)?;
        let result = self.define_with(&work, statement, &prepared.text).await;
        match result {
            Ok(tag) => {
                work.release(&savepoint);
                Ok(Portal::done(tag))
            }
            Err(error) => {
                work.rollback_to(&savepoint).await.map_err(fault)?;
                work.release(&savepoint);
                Err(error)
            }
        }
    }

    async fn define_with(
        &mut self,
        work: &Work,
        statement: &ast::Statement,
        text: &str,
    ) -> Result<String> {
        use ast::Statement::*;
        match statement {
            CreateDatabase(create) => self.create_database(work, create).await,
            DropDatabase(drop) => self.drop_database(work, drop).await,
            CreateSchema(create) => self.create_schema(work, create).await,
            CreateTable(create) => self.create_table(work, create).await,
            CreateTableAs(create) => self.create_table_as(work, create, text).await,
            CreateIndex(create) => self.create_index(work, create).await,
            CreateSequence(create) => self.create_sequence(work, create).await,
            AlterSequence(alter) => self.alter_sequence(work, alter).await,
            Drop(drop) => self.drop_objects(work, drop).await,
            AlterTable(alter) => self.alter_table(work, alter).await,
            Rename(rename) => self.rename(work, rename).await,
            Truncate(truncate) => self.truncate(work, truncate).await,
            _ => Err(Error::internal("not a definition")),
        }
    }

    fn path(&self) -> Vec<String> {
        super::environment::search_path(&self.settings.lock(), &self.user)
    }

    /// The schema that a new relation goes to.
    fn creation_schema(&self, work: &Work, name: &ast::ObjectName) -> Result<String> {
        let known = |schema: &str| {
            schema == model::names::PUBLIC
                || work.database(self.database.id).is_ok_and(|db| db.schemas.contains_key(schema))
        };
        if let Some(schema) = name.schema() {
            if bind::is_system_schema(schema) {
                let message = format!("permission denied to create \"{}.{}\"", schema, name.name());
                return Err(Error::new(ErrorKind::State, "42501", message)
                    .detail("System catalog modifications are currently disallowed."));
            }
            if !known(schema) {
                let message = format!("schema \"{schema}\" does not exist");
                return Err(Error::new(ErrorKind::Name, "3F000", message).at(name.position.0));
            }
            return Ok(schema.to_owned());
        }
        self.path().into_iter().find(|schema| known(schema)).ok_or_else(|| {
            Error::new(ErrorKind::Name, "3F000", "no schema has been selected to create in")
        })
    }

    fn find(&self, work: &Work, name: &ast::ObjectName) -> Option<Found> {
        let catalogue = work.catalogue();
        let schemas = match name.schema() {
            Some(schema) => vec![schema.to_owned()],
            None => self.path(),
        };
        let wanted = name.name();
        for schema in schemas {
            if let Some(table) = catalogue.collection(self.database.id, &schema, wanted) {
                return Some(Found::Table(table.clone()));
            }
            let tables = catalogue.collections_of(self.database.id).filter(|t| t.schema == schema);
            for table in tables {
                if table.primary_key.name == wanted && !table.has_system_id() {
                    return Some(Found::Index(table.clone(), table.primary_key.id));
                }
                if let Some(index) = table.index(wanted) {
                    return Some(Found::Index(table.clone(), index.id));
                }
            }
            let is = |s: &&Arc<model::Sequence>| {
                s.database == self.database.id && s.schema == schema && s.name == wanted
            };
            if let Some(sequence) = catalogue.sequences.values().find(is) {
                return Some(Found::Sequence(sequence.clone()));
            }
        }
        None
    }

    fn table(&self, work: &Work, name: &ast::ObjectName) -> Result<Arc<Collection>> {
        match self.find(work, name) {
            Some(Found::Table(table)) => Ok(table),
            Some(_) => Err(wrong_kind(name, "table")),
            None => Err(no_relation(name)),
        }
    }

    /// A table by name, in a transaction begun if need be.
    pub(super) async fn find_table(&mut self, name: &ast::ObjectName) -> Result<Arc<Collection>> {
        let work = self.start_statement().await?.work.clone();
        self.table(&work, name)
    }

    async fn create_database(
        &mut self,
        work: &Work,
        create: &ast::CreateDatabase,
    ) -> Result<String> {
        self.refuse_in_block("CREATE DATABASE")?;
        for item in &create.options {
            let value = definition::option_text(item).unwrap_or_default().to_ascii_lowercase();
            let fine = match item.name.name.as_str() {
                "owner" => true,
                "connection_limit" => value == "-1",
                "allow_connections" => crate::settings::parse_bool(&value) == Some(true),
                "is_template" => crate::settings::parse_bool(&value) == Some(false),
                "encoding" => {
                    matches!(value.as_str(), "utf8" | "utf-8" | "unicode" | "default" | "6")
                }
                "template" => matches!(value.as_str(), "template0" | "template1" | "default"),
                "lc_collate" | "lc_ctype" | "locale" => {
                    matches!(value.as_str(), "c" | "posix" | "c.utf-8" | "c.utf8" | "default")
                }
                "tablespace" => matches!(value.as_str(), "pg_default" | "default"),
                _ => false,
            };
            if !fine {
                let what = format!("CREATE DATABASE with {} = {value}", item.name.name);
                return Err(Error::unsupported(what).at(item.name.position.0));
            }
        }
        work.create_database(&create.name.name).await.map_err(fault)?;
        Ok("CREATE DATABASE".into())
    }

    async fn drop_database(&mut self, work: &Work, drop: &ast::DropDatabase) -> Result<String> {
        self.refuse_in_block("DROP DATABASE")?;
        let name = &drop.name.name;
        if *name == self.database.name {
            let message = "cannot drop the currently open database";
            return Err(Error::new(ErrorKind::State, "55006", message));
        }
        if work.catalogue().database(name).is_none() {
            if drop.if_exists {
                self.notice(
                    "NOTICE",
                    "00000",
                    format!("database \"{name}\" does not exist, skipping"),
                );
                return Ok("DROP DATABASE".into());
            }
            let message = format!("database \"{name}\" does not exist");
            return Err(Error::new(ErrorKind::Name, "3D000", message));
        }
        let others =
            self.qanat.sessions().iter().filter(|s| s.database == *name && s.id != self.id).count();
        if others > 0 && !drop.force {
            let message = format!("database \"{name}\" is being accessed by other users");
            let detail = format!("There are {others} other sessions using the database.");
            return Err(Error::new(ErrorKind::State, "55006", message).detail(detail));
        }
        work.drop_database(name).await.map_err(fault)?;
        Ok("DROP DATABASE".into())
    }

    async fn create_schema(&mut self, work: &Work, create: &ast::CreateSchema) -> Result<String> {
        if !create.elements.is_empty() {
            return Err(Error::unsupported("CREATE SCHEMA with elements"));
        }
        let name = match (&create.name, &create.owner) {
            (Some(name), _) => name.name.clone(),
            (None, Some(ast::Role::Named(owner))) => owner.name.clone(),
            (None, _) => self.user.clone(),
        };
        let database = work.database(self.database.id).map_err(fault)?;
        let exists = name == model::names::PUBLIC || database.schemas.contains_key(&name);
        if exists && create.if_not_exists {
            self.notice("NOTICE", "42P06", format!("schema \"{name}\" already exists, skipping"));
        } else {
            work.create_schema(self.database.id, &name).await.map_err(fault)?;
        }
        Ok("CREATE SCHEMA".into())
    }

    async fn create_table(&mut self, work: &Work, create: &ast::CreateTable) -> Result<String> {
        let schema = self.creation_schema(work, &create.name)?;
        let qualified = qualified(&schema, create.name.name());
        if create.if_not_exists && self.find(work, &qualified).is_some() {
            let message = format!("relation \"{}\" already exists, skipping", create.name.name());
            self.notice("NOTICE", "42P07", message);
            return Ok("CREATE TABLE".into());
        }
        let table = definition::create_table(create, self.database.id, &schema)?;
        work.create_collection(table).await.map_err(fault)?;
        Ok("CREATE TABLE".into())
    }

    async fn create_table_as(
        &mut self,
        work: &Work,
        create: &ast::CreateTableAs,
        text: &str,
    ) -> Result<String> {
        if create.materialized_view {
            return Err(Error::unsupported("CREATE MATERIALIZED VIEW"));
        }
        if create.persistence == ast::Persistence::Temporary {
            return Err(Error::unsupported("CREATE TEMPORARY TABLE"));
        }
        let (method, tablespace) = (create.access_method.as_ref(), create.tablespace.as_ref());
        definition::placement(method, tablespace, create.on_commit)?;
        let schema = self.creation_schema(work, &create.name)?;
        let name = qualified(&schema, create.name.name());
        if create.if_not_exists && self.find(work, &name).is_some() {
            let message = format!("relation \"{}\" already exists, skipping", create.name.name());
            self.notice("NOTICE", "42P07", message);
            return Ok("CREATE TABLE AS".into());
        }
        let prepared = self.prepare_inner(&create.source, text).await?;
        let mut columns = Vec::with_capacity(prepared.columns.len());
        for (at, column) in prepared.columns.iter().enumerate() {
            let name = create.columns.get(at).map_or(&column.name, |name| &name.name);
            let mut new = model::NewColumn::new(name.clone(), column.ty);
            new.modifier = column.modifier;
            columns.push(new);
        }
        let mut table =
            model::NewCollection::table(self.database.id, &schema, create.name.name(), columns);
        definition::options(&create.options, &mut table)?;
        let table = work.create_collection(table).await.map_err(fault)?;
        if create.no_data {
            return Ok("CREATE TABLE AS".into());
        }
        let mut portal = match Box::pin(self.start(&prepared, &super::TextParameters(&[]))).await? {
            super::Started::Portal(portal) => portal,
            _ => return Err(Error::unsupported("CREATE TABLE AS of this statement")),
        };
        let mut bulk = work.bulk(&table).await.map_err(fault)?;
        let mut rows = 0;
        while let super::Fetched::Rows(fetched) = portal.fetch(self, usize::MAX).await? {
            for at in fetched.range {
                let mut given = fetched.batch.row(at).iter();
                let mut next = |hidden| if hidden { None } else { given.next().copied() };
                let row: Vec<model::datum::Datum<'_>> = table
                    .columns
                    .iter()
                    .map(|c| next(c.hidden).unwrap_or(model::datum::Datum::Missing))
                    .collect();
                bulk.insert(&row).await.map_err(fault)?;
                rows += 1;
            }
        }
        bulk.finish().await.map_err(fault)?;
        Ok(format!("SELECT {rows}"))
    }

    async fn create_index(&mut self, work: &Work, create: &ast::CreateIndex) -> Result<String> {
        let table = self.table(work, &create.table.name)?;
        refuse_key_space(&table, "CREATE INDEX")?;
        if create.if_not_exists
            && let Some(name) = &create.name
            && self.find(work, &qualified(&table.schema, &name.name)).is_some()
        {
            let message = format!("relation \"{}\" already exists, skipping", name.name);
            self.notice("NOTICE", "42P07", message);
            return Ok("CREATE INDEX".into());
        }
        if create.concurrently {
            self.refuse_in_block("CREATE INDEX CONCURRENTLY")?;
        }
        let new = definition::create_index(create)?;
        work.create_index(table.id, new).await.map_err(fault)?;
        Ok("CREATE INDEX".into())
    }

    async fn create_sequence(
        &mut self,
        work: &Work,
        create: &ast::CreateSequence,
    ) -> Result<String> {
        if create.persistence == ast::Persistence::Temporary {
            return Err(Error::unsupported("CREATE TEMPORARY SEQUENCE"));
        }
        let schema = self.creation_schema(work, &create.name)?;
        let name = qualified(&schema, create.name.name());
        if create.if_not_exists && self.find(work, &name).is_some() {
            let message = format!("relation \"{}\" already exists, skipping", create.name.name());
            self.notice("NOTICE", "42P07", message);
            return Ok("CREATE SEQUENCE".into());
        }
        let options = definition::sequence_options(&create.options, crate::Type::INT8)?;
        work.create_sequence(self.database.id, &schema, create.name.name(), &options, None)
            .await
            .map_err(fault)?;
        Ok("CREATE SEQUENCE".into())
    }

    async fn alter_sequence(&mut self, work: &Work, alter: &ast::AlterSequence) -> Result<String> {
        let mut sequence = match self.find(work, &alter.name) {
            Some(Found::Sequence(sequence)) => sequence,
            Some(_) => return Err(wrong_kind(&alter.name, "sequence")),
            None if alter.if_exists => {
                let message =
                    format!("relation \"{}\" does not exist, skipping", shown(&alter.name));
                self.notice("NOTICE", "00000", message);
                return Ok("ALTER SEQUENCE".into());
            }
            None => return Err(no_relation(&alter.name)),
        };
        let (restarts, others): (Vec<_>, Vec<_>) = alter
            .options
            .iter()
            .cloned()
            .partition(|o| matches!(o, ast::SequenceOption::Restart(_)));
        if !others.is_empty() {
            let mut options = model::SequenceOptions {
                start: Some(sequence.start),
                increment: sequence.increment,
                min: Some(sequence.min),
                max: Some(sequence.max),
                cycle: sequence.cycle,
                cache: sequence.cache,
                ..model::SequenceOptions::of(sequence.ty)
            };
            definition::apply_sequence_options(&others, &mut options)?;
            // A RESTART beside START begins at the new start, within the new bounds.
            sequence = work.alter_sequence(sequence.id, &options).await.map_err(fault)?;
        }
        for restart in restarts {
            if let ast::SequenceOption::Restart(value) = restart {
                let value = match value {
                    None => sequence.start,
                    Some(ast::LiteralValue::Int4(value)) => i64::from(value),
                    Some(ast::LiteralValue::Int8(value)) => value,
                    Some(_) => {
                        return Err(Error::new(
                            ErrorKind::Type,
                            "22003",
                            "RESTART value is out of range",
                        ));
                    }
                };
                self.qanat.0.model.setval(&sequence, value, false).await.map_err(fault)?;
            }
        }
        Ok("ALTER SEQUENCE".into())
    }

    async fn drop_objects(&mut self, work: &Work, drop: &ast::DropObjects) -> Result<String> {
        let (word, tag) = match drop.kind {
            ast::ObjectKind::Table => ("table", "DROP TABLE"),
            ast::ObjectKind::Index => ("index", "DROP INDEX"),
            ast::ObjectKind::Sequence => ("sequence", "DROP SEQUENCE"),
            ast::ObjectKind::Schema => ("schema", "DROP SCHEMA"),
            other => return Err(Error::unsupported(format_args!("DROP {}", kind_word(other)))),
        };
        for name in &drop.names {
            if drop.kind == ast::ObjectKind::Schema {
                self.drop_schema(work, name.name(), drop).await?;
                continue;
            }
            let Some(found) = self.find(work, name) else {
                if drop.if_exists {
                    let message = format!("{word} \"{}\" does not exist, skipping", shown(name));
                    self.notice("NOTICE", "00000", message);
                    continue;
                }
                let message = format!("{word} \"{}\" does not exist", shown(name));
                let sqlstate = if drop.kind == ast::ObjectKind::Index { "42704" } else { "42P01" };
                return Err(Error::new(ErrorKind::Name, sqlstate, message));
            };
            match (drop.kind, found) {
                (ast::ObjectKind::Table, Found::Table(table)) => {
                    work.drop_collection(table.id).await.map_err(fault)?;
                }
                (ast::ObjectKind::Index, Found::Index(table, index)) => {
                    work.drop_index(table.id, index).await.map_err(fault)?;
                }
                (ast::ObjectKind::Sequence, Found::Sequence(sequence)) => {
                    work.drop_sequence(sequence.id).await.map_err(fault)?;
                }
                _ => return Err(wrong_kind(name, word)),
            }
        }
        Ok(tag.into())
    }

    async fn drop_schema(
        &mut self,
        work: &Work,
        name: &str,
        drop: &ast::DropObjects,
    ) -> Result<()> {
        let database = work.database(self.database.id).map_err(fault)?;
        if drop.if_exists && name != model::names::PUBLIC && !database.schemas.contains_key(name) {
            self.notice("NOTICE", "00000", format!("schema \"{name}\" does not exist, skipping"));
            return Ok(());
        }
        let inside: Vec<String> = work
            .catalogue()
            .collections_of(self.database.id)
            .filter(|table| table.schema == name)
            .map(|table| format!("table {name}.{}", table.name))
            .collect();
        if !drop.cascade && !inside.is_empty() {
            let message = format!("cannot drop schema {name} because other objects depend on it");
            let lines: Vec<String> =
                inside.iter().map(|table| format!("{table} depends on schema {name}")).collect();
            return Err(Error::new(ErrorKind::Constraint, "2BP01", message)
                .detail(lines.join("\n"))
                .hint("Use DROP ... CASCADE to drop the dependent objects too."));
        }
        match inside.as_slice() {
            [] => {}
            [only] => self.notice("NOTICE", "00000", format!("drop cascades to {only}")),
            several => {
                self.notice(
                    "NOTICE",
                    "00000",
                    format!("drop cascades to {} other objects", several.len()),
                );
            }
        }
        work.drop_schema(self.database.id, name, drop.cascade).await.map_err(fault)
    }

    async fn alter_table(&mut self, work: &Work, alter: &ast::AlterTable) -> Result<String> {
        let tag = format!("ALTER {}", kind_word(alter.kind));
        if !matches!(alter.kind, ast::ObjectKind::Table) {
            return Err(Error::unsupported(&tag));
        }
        let name = &alter.table.name;
        if alter.if_exists && self.find(work, name).is_none() {
            let message = format!("relation \"{}\" does not exist, skipping", shown(name));
            self.notice("NOTICE", "00000", message);
            return Ok(tag);
        }
        let table = self.table(work, name)?;
        refuse_key_space(&table, &tag)?;
        for action in &alter.actions {
            self.alter_action(work, table.id, action).await?;
        }
        Ok(tag)
    }

    async fn alter_action(
        &mut self,
        work: &Work,
        id: CollectionId,
        action: &ast::AlterAction,
    ) -> Result<()> {
        use ast::AlterActionKind::*;
        let table = work.collection(id).map_err(fault)?;
        let offset = action.position.0;
        let refuse = |what: &str| Err(Error::unsupported(what).at(offset));
        let done = match &action.kind {
            AddColumn { if_not_exists, column } => {
                return self.add_column(work, &table, *if_not_exists, column).await;
            }
            DropColumn { if_exists, column, cascade } => {
                if *if_exists && table.column(&column.name).is_none() {
                    let message = format!(
                        "column \"{}\" of relation \"{}\" does not exist, skipping",
                        column.name, table.name
                    );
                    self.notice("NOTICE", "00000", message);
                    return Ok(());
                }
                work.drop_column(id, &column.name, *cascade).await
            }
            SetType { column, data_type, collation, using } => {
                if let Some(collation) = collation
                    && !matches!(collation.name(), "C" | "POSIX" | "default")
                {
                    return refuse("a collation");
                }
                let (ty, modifier) = bind::resolve_type(data_type)?;
                let using = using.as_ref().map(definition::text_of).transpose()?;
                work.alter_type(id, &column.name, ty, modifier, using).await
            }
            SetDefault(column, default) => {
                let text = default.as_ref().map(definition::text_of).transpose()?;
                work.set_default(id, &column.name, text).await
            }
            SetNotNull(column, not_null) => work.set_not_null(id, &column.name, *not_null).await,
            AddIdentity { column, always, options } => {
                let Some(known) = table.column(&column.name) else {
                    return Err(no_column(&column.name, &table));
                };
                let options = definition::sequence_options(options, known.ty)?;
                work.add_identity(id, &column.name, *always, options).await
            }
            DropIdentity(column, if_exists) => {
                if !is_identity(&table, &column.name)? {
                    let message = format!(
                        "column \"{}\" of relation \"{}\" is not an identity column",
                        column.name, table.name
                    );
                    if !if_exists {
                        return Err(Error::new(ErrorKind::State, "55000", message));
                    }
                    self.notice("NOTICE", "00000", message + ", skipping");
                    return Ok(());
                }
                work.drop_generator(id, &column.name).await
            }
            AddConstraint(constraint) => match definition::table_constraint(constraint)? {
                definition::NewConstraint::Check(check) => work.add_check(id, check).await,
                definition::NewConstraint::Unique(index) => work.add_unique(id, index).await,
                definition::NewConstraint::PrimaryKey(key) => work.add_primary_key(id, key).await,
            },
            DropConstraint { if_exists, name, .. } => {
                let known = table.primary_key.name == name.name
                    || table.checks.iter().any(|check| check.name == name.name)
                    || table.index(&name.name).is_some_and(|index| index.constraint.is_some());
                if *if_exists && !known {
                    let message = format!(
                        "constraint \"{}\" of relation \"{}\" does not exist, skipping",
                        name.name, table.name
                    );
                    self.notice("NOTICE", "00000", message);
                    return Ok(());
                }
                work.drop_constraint(id, &name.name).await
            }
            SetOptions(items) => return self.set_options(work, id, items).await,
            SetSchema(schema) => work.move_collection(id, &schema.name).await,
            // Without accounts every object has the one owner.
            Owner(_) => return Ok(()),
            ResetOptions(_) => return refuse("ALTER TABLE … RESET"),
            SetStatistics(..) => return refuse("ALTER COLUMN … SET STATISTICS"),
            SetStorage(..) => return refuse("ALTER COLUMN … SET STORAGE"),
            AlterConstraint(..) => return refuse("ALTER CONSTRAINT"),
            ValidateConstraint(_) => return refuse("VALIDATE CONSTRAINT"),
            SetTablespace(_) => return refuse("SET TABLESPACE"),
            SetLogged(_) => return refuse("SET LOGGED"),
            ReplicaIdentity(_) => return refuse("REPLICA IDENTITY"),
            Unsupported(words) => return refuse(&format!("ALTER TABLE … {words}")),
        };
        done.map(drop).map_err(fault)
    }

    async fn add_column(
        &mut self,
        work: &Work,
        table: &Arc<Collection>,
        if_not_exists: bool,
        column: &ast::ColumnDefinition,
    ) -> Result<()> {
        if if_not_exists && table.column(&column.name.name).is_some() {
            let message = format!(
                "column \"{}\" of relation \"{}\" already exists, skipping",
                column.name.name, table.name
            );
            self.notice("NOTICE", "42701", message);
            return Ok(());
        }
        if table.column(&column.name.name).is_some() {
            let message = format!(
                "column \"{}\" of relation \"{}\" already exists",
                column.name.name, table.name
            );
            return Err(Error::new(ErrorKind::Name, "42701", message));
        }
        let made = definition::column(column, &table.name)?;
        work.add_column(table.id, made.column).await.map_err(fault)?;
        if let Some(key) = made.primary_key {
            work.add_primary_key(table.id, key).await.map_err(fault)?;
        }
        for index in made.unique {
            work.add_unique(table.id, index).await.map_err(fault)?;
        }
        for check in made.checks {
            work.add_check(table.id, check).await.map_err(fault)?;
        }
        Ok(())
    }

    async fn set_options(
        &mut self,
        work: &Work,
        id: CollectionId,
        items: &[ast::OptionItem],
    ) -> Result<()> {
        for item in items {
            match item.name.name.as_str() {
                "redis_prefix" => {
                    let prefix = definition::option_text(item);
                    work.set_redis_prefix(id, prefix.as_deref()).await.map(drop).map_err(fault)?;
                }
                "extra_fields" => {
                    let extra = definition::extra_fields(item)?;
                    work.set_extra_fields(id, extra).await.map(drop).map_err(fault)?;
                }
                "fillfactor" | "autovacuum_enabled" => {}
                other => {
                    let message = format!("unrecognized parameter \"{other}\"");
                    return Err(
                        Error::new(ErrorKind::Type, "22023", message).at(item.name.position.0)
                    );
                }
            }
        }
        Ok(())
    }

    async fn rename(&mut self, work: &Work, rename: &ast::Rename) -> Result<String> {
        let to = &rename.to.name;
        let tag = format!("ALTER {}", kind_word(rename.owner_kind));
        // There are none of these: a table of that name is not one.
        use ast::ObjectKind::{ForeignTable, MaterializedView, View};
        if matches!(rename.owner_kind, View | MaterializedView | ForeignTable) {
            return Err(Error::unsupported(tag));
        }
        match rename.kind {
            ast::ObjectKind::Database => {
                self.refuse_in_block("ALTER DATABASE")?;
                work.rename_database(rename.name.name(), to).await.map_err(fault)?;
                return Ok("ALTER DATABASE".into());
            }
            ast::ObjectKind::Schema => {
                work.rename_schema(self.database.id, rename.name.name(), to)
                    .await
                    .map_err(fault)?;
                return Ok("ALTER SCHEMA".into());
            }
            _ => {}
        }
        let Some(found) = self.find(work, &rename.name) else {
            if rename.if_exists {
                let message =
                    format!("relation \"{}\" does not exist, skipping", shown(&rename.name));
                self.notice("NOTICE", "00000", message);
                return Ok(tag);
            }
            return Err(no_relation(&rename.name));
        };
        if let Found::Table(table) | Found::Index(table, _) = &found {
            refuse_key_space(table, &tag)?;
        }
        let member = rename.member.as_ref().map(|member| member.name.as_str());
        match (rename.kind, found, member) {
            (ast::ObjectKind::Column, Found::Table(table), Some(column)) => {
                work.rename_column(table.id, column, to).await.map(drop)
            }
            (ast::ObjectKind::Constraint, Found::Table(table), Some(constraint)) => {
                work.rename_constraint(table.id, constraint, to).await.map(drop)
            }
            (_, Found::Table(table), None) => work.rename_collection(table.id, to).await.map(drop),
            (_, Found::Index(table, index), None) => {
                work.rename_index(table.id, index, to).await.map(drop)
            }
            (_, Found::Sequence(sequence), None) => {
                work.rename_sequence(sequence.id, to).await.map(drop)
            }
            _ => return Err(wrong_kind(&rename.name, "table")),
        }
        .map_err(fault)?;
        Ok(tag)
    }

    async fn truncate(&mut self, work: &Work, truncate: &ast::Truncate) -> Result<String> {
        for relation in &truncate.tables {
            let table = self.table(work, &relation.name)?;
            work.truncate(table.id, truncate.restart_identity).await.map_err(fault)?;
        }
        Ok("TRUNCATE TABLE".into())
    }

    /// LOCK TABLE: the strongest mode keeps writers out; weaker ones that only order writers among
    /// themselves are taken as it.
    pub(super) async fn lock_tables(&mut self, lock: &ast::Lock) -> Result<Portal> {
        if self.status() != super::Status::Explicit {
            let message = "LOCK TABLE can only be used in transaction blocks";
            return Err(Error::new(ErrorKind::State, "25P01", message));
        }
        let work = self.start_statement().await?.work.clone();
        for relation in &lock.tables {
            let table = self.table(&work, &relation.name)?;
            use ast::LockMode::*;
            match lock.mode {
                // Readers never wait for anybody, so a lock that only readers hold has nothing to
                // keep out.
                AccessShare | RowShare => {}
                RowExclusive => work.share(&table).await.map_err(fault)?,
                ShareUpdateExclusive | Share | ShareRowExclusive | Exclusive | AccessExclusive => {
                    if lock.no_wait {
                        work.set_wait(::transaction::Wait::No);
                    }
                    work.lock_table(&table).await.map_err(fault)?;
                }
            }
        }
        Ok(Portal::done("LOCK TABLE"))
    }
}

fn qualified(schema: &str, name: &str) -> ast::ObjectName {
    let ident = |name: &str| ast::Ident { name: name.to_owned(), position: ast::Position(0) };
    ast::ObjectName { parts: vec![ident(schema), ident(name)], position: ast::Position(0) }
}

fn shown(name: &ast::ObjectName) -> String {
    let parts: Vec<&str> = name.parts.iter().map(|part| part.name.as_str()).collect();
    parts.join(".")
}

/// A key space's columns and name are what Redis's keys are, and its records no rows: nothing that
/// SQL could define would hold for them.
fn refuse_key_space(table: &Collection, what: &str) -> Result<()> {
    match table.kind {
        model::CollectionKind::KeySpace => {
            Err(Error::unsupported(format_args!("{what} of a key space")))
        }
        _ => Ok(()),
    }
}

fn no_relation(name: &ast::ObjectName) -> Error {
    let message = format!("relation \"{}\" does not exist", shown(name));
    Error::new(ErrorKind::Name, "42P01", message).at(name.position.0)
}

/// Whether a column's values come from a sequence of its own by GENERATED … AS IDENTITY.
fn is_identity(table: &Collection, name: &str) -> Result<bool> {
    use model::Generator::{IdentityAlways, IdentityByDefault};
    let column = table.column(name).ok_or_else(|| no_column(name, table))?;
    Ok(matches!(column.generator, Some(IdentityAlways(_) | IdentityByDefault(_))))
}

fn no_column(column: &str, table: &Collection) -> Error {
    let message = format!("column \"{column}\" of relation \"{}\" does not exist", table.name);
    Error::new(ErrorKind::Name, "42703", message)
}

fn wrong_kind(name: &ast::ObjectName, word: &str) -> Error {
    let article = if word == "index" { "an" } else { "a" };
    let message = format!("\"{}\" is not {article} {word}", shown(name));
    Error::new(ErrorKind::Name, "42809", message)
}

fn kind_word(kind: ast::ObjectKind) -> &'static str {
    use ast::ObjectKind::*;
    match kind {
        Table => "TABLE",
        ForeignTable => "FOREIGN TABLE",
        Index => "INDEX",
        Sequence => "SEQUENCE",
        View => "VIEW",
        MaterializedView => "MATERIALIZED VIEW",
        Schema => "SCHEMA",
        Database => "DATABASE",
        Column => "COLUMN",
        Constraint => "CONSTRAINT",
        Type => "TYPE",
        Domain => "DOMAIN",
        Collation => "COLLATION",
        Extension => "EXTENSION",
        Role => "ROLE",
    }
}
