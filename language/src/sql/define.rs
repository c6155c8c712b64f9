//! Definitions: CREATE TABLE and its kin, from the tree to what the model is asked for.
//!
//! Expressions (DEFAULT, CHECK, index elements, STORED) are kept by the catalogue as text; here
//! they are bound once to see that they are good, and printed back in PostgreSQL's form. What the
//! grammar knows and the store does not is refused by name, option by option: nothing that was
//! written is dropped silently.

use model::{DatabaseId, ExtraFields};
use model::{
    NewCheck, NewCollection, NewColumn, NewElement, NewGenerator, NewIndex, NewKey, NewSource,
    SequenceOptions,
};
use query::{Error, ErrorKind, Result, Scalar, Type};

use super::ast::{
    self, ColumnConstraintKind, ColumnDefinition, CreateTable, Expr, IndexElement, LiteralValue,
    SequenceOption, SortOrder, TableConstraint, TableConstraintKind, TableElement, TypeName,
};
use super::bind::resolve_type;
use super::deparse::{Parentheses, deparse};

/// A table as CREATE TABLE describes it.
///
/// # Errors
/// What is malformed or not supported, with its place.
pub fn create_table(
    create: &CreateTable,
    database: DatabaseId,
    schema: &str,
) -> Result<NewCollection> {
    refuse_table_options(create)?;
    let mut table = NewCollection::table(database, schema, create.name.name(), Vec::new());
    for element in &create.elements {
        match element {
            TableElement::Column(definition) => {
                let made = column(definition, create.name.name())?;
                if table.columns.iter().any(|other| other.name == made.column.name) {
                    let message =
                        format!("column \"{}\" specified more than once", made.column.name);
                    return Err(Error::new(ErrorKind::Name, "42701", message));
                }
                if let Some(key) = made.primary_key {
                    let of_key = |c: &&ast::ColumnConstraint| {
                        matches!(c.kind, ColumnConstraintKind::PrimaryKey(_))
                    };
                    let at = definition.constraints.iter().find(of_key).map(|c| c.position.0);
                    set_key(&mut table, key, at.unwrap_or(definition.name.position.0))?;
                }
                table.columns.push(made.column);
                table.indexes.extend(made.unique);
                table.checks.extend(made.checks);
            }
            TableElement::Constraint(constraint) => match table_constraint(constraint)? {
                NewConstraint::Check(check) => table.checks.push(check),
                NewConstraint::Unique(index) => table.indexes.push(index),
                NewConstraint::PrimaryKey(key) => set_key(&mut table, key, constraint.position.0)?,
            },
            TableElement::Like { table, .. } => {
                return Err(Error::unsupported("CREATE TABLE … LIKE").at(table.position.0));
            }
        }
    }
    if let Some(key) = &table.primary_key {
        for name in &key.columns {
            match table.columns.iter_mut().find(|column| column.name == *name) {
                Some(column) => column.not_null = true,
                None => return Err(no_key_column(name, create.name.position.0)),
            }
        }
    }
    options(&create.options, &mut table)?;
    Ok(table)
}

fn no_key_column(name: &str, offset: u32) -> Error {
    let message = format!("column \"{name}\" named in key does not exist");
    Error::new(ErrorKind::Name, "42703", message).at(offset)
}

fn set_key(table: &mut NewCollection, key: NewKey, offset: u32) -> Result<()> {
    if table.primary_key.is_some() {
        let message = format!("multiple primary keys for table \"{}\" are not allowed", table.name);
        return Err(Error::new(ErrorKind::Name, "42P16", message).at(offset));
    }
    table.primary_key = Some(key);
    Ok(())
}

fn refuse_table_options(create: &CreateTable) -> Result<()> {
    let offset = create.name.position.0;
    let refuse = |what: &str| Err(Error::unsupported(what).at(offset));
    match create.persistence {
        ast::Persistence::Temporary => return refuse("CREATE TEMPORARY TABLE"),
        // An unlogged table may lose its rows in a crash; keeping them is allowed.
        ast::Persistence::Unlogged | ast::Persistence::Permanent => {}
    }
    if create.of_type.is_some() {
        return refuse("CREATE TABLE … OF");
    }
    if create.partition_of.is_some() || create.partition_by.is_some() {
        return refuse("a partitioned table");
    }
    if !create.inherits.is_empty() {
        return refuse("INHERITS");
    }
    let (method, tablespace) = (create.access_method.as_ref(), create.tablespace.as_ref());
    placement(method, tablespace, create.on_commit).map_err(|error| error.at(offset))
}

/// USING, TABLESPACE and ON COMMIT of CREATE TABLE and CREATE TABLE AS: only what is so anyway.
///
/// # Errors
/// `0A000` for all else.
pub fn placement(
    method: Option<&ast::Ident>,
    tablespace: Option<&ast::Ident>,
    on_commit: Option<ast::OnCommit>,
) -> Result<()> {
    if method.is_some_and(|method| method.name != "heap") {
        return Err(Error::unsupported("a table access method (USING)"));
    }
    if tablespace.is_some_and(|space| space.name != "pg_default") {
        return Err(Error::unsupported("a tablespace"));
    }
    // It is of temporary tables, and these are refused before.
    match on_commit {
        Some(_) => Err(Error::unsupported("ON COMMIT")),
        None => Ok(()),
    }
}

/// WITH (…) of a new table: fillfactor and autovacuum describe PostgreSQL's pages and mean nothing
/// to these; others are refused.
///
/// # Errors
/// `22023` for an option that is not known.
pub fn options(list: &[ast::OptionItem], table: &mut NewCollection) -> Result<()> {
    for item in list {
        match item.name.name.as_str() {
            "fillfactor" | "oids" | "autovacuum_enabled" => {}
            "extra_fields" => table.extra_fields = extra_fields(item)?,
            other => {
                let message = format!("unrecognized parameter \"{other}\"");
                return Err(Error::new(ErrorKind::Type, "22023", message).at(item.name.position.0));
            }
        }
    }
    Ok(())
}

/// The value of `extra_fields`.
pub fn extra_fields(item: &ast::OptionItem) -> Result<ExtraFields> {
    let word = option_text(item);
    match word.as_deref() {
        Some("refuse") => Ok(ExtraFields::Refuse),
        Some("keep") => Ok(ExtraFields::Keep),
        _ => {
            let message = "extra_fields is either refuse or keep";
            Err(Error::new(ErrorKind::Type, "22023", message).at(item.name.position.0))
        }
    }
}

/// The value of an option as text.
pub fn option_text(item: &ast::OptionItem) -> Option<String> {
    match item.value.as_ref()? {
        ast::OptionValue::Word(word) => Some(word.clone()),
        ast::OptionValue::Literal(LiteralValue::Text(text) | LiteralValue::Numeric(text)) => {
            Some(text.clone())
        }
        ast::OptionValue::Literal(LiteralValue::Int4(number)) => Some(number.to_string()),
        ast::OptionValue::Literal(LiteralValue::Int8(number)) => Some(number.to_string()),
        _ => None,
    }
}

/// A column with the constraints that were written at it.
pub struct Made {
    /// The column.
    pub column: NewColumn,
    /// PRIMARY KEY.
    pub primary_key: Option<NewKey>,
    /// UNIQUE.
    pub unique: Vec<NewIndex>,
    /// CHECK.
    pub checks: Vec<NewCheck>,
}

/// A column of CREATE TABLE or ADD COLUMN.
///
/// # Errors
/// As `create_table`.
pub fn column(definition: &ColumnDefinition, table: &str) -> Result<Made> {
    let offset = definition.name.position.0;
    let name = &definition.name.name;
    let Some(written) = &definition.data_type else {
        return Err(Error::unsupported("a column without type").at(offset));
    };
    let (ty, modifier, generator) = column_type(written)?;
    if let Some(collation) = &definition.collation
        && !matches!(collation.name(), "C" | "POSIX" | "default" | "ucs_basic")
    {
        let what = format!("collation \"{}\"", collation.name());
        return Err(Error::unsupported(what).at(collation.position.0));
    }
    let not_null = !matches!(generator, NewGenerator::None);
    let column = NewColumn { name: name.clone(), ty, modifier, not_null, generator };
    let mut made = Made { column, primary_key: None, unique: Vec::new(), checks: Vec::new() };
    for constraint in &definition.constraints {
        column_constraint(constraint, table, &mut made)?;
    }
    Ok(made)
}

/// The type of a column, and the generator that serial types imply.
fn column_type(name: &TypeName) -> Result<(Type, i32, NewGenerator)> {
    let serial = match name.name.name() {
        "serial" | "serial4" => Some(Type::INT4),
        "bigserial" | "serial8" => Some(Type::INT8),
        "smallserial" | "serial2" => Some(Type::INT2),
        _ => None,
    };
    if let (Some(ty), true) = (serial, name.array.is_empty() && name.modifiers.is_empty()) {
        return Ok((ty, -1, NewGenerator::Serial(SequenceOptions::of(ty))));
    }
    let (ty, modifier) = resolve_type(name)?;
    let pseudo = matches!(ty.scalar, Scalar::Unknown | Scalar::Void | Scalar::Record | Scalar::Any);
    if pseudo {
        let message = format!("column has pseudo-type {}", ty.display(-1));
        return Err(Error::new(ErrorKind::Name, "42P16", message).at(name.position.0));
    }
    Ok((ty, modifier, NewGenerator::None))
}

fn column_constraint(
    constraint: &ast::ColumnConstraint,
    table: &str,
    made: &mut Made,
) -> Result<()> {
    let offset = constraint.position.0;
    refuse_timing(&constraint.timing, offset)?;
    let name = constraint.name.as_ref().map(|name| name.name.clone());
    let column = made.column.name.clone();
    match &constraint.kind {
        ColumnConstraintKind::NotNull => made.column.not_null = true,
        ColumnConstraintKind::Null => {
            if made.column.not_null {
                let message = format!(
                    "conflicting NULL/NOT NULL declarations for column \"{column}\" of table \"{table}\""
                );
                return Err(Error::new(ErrorKind::Syntax, "42601", message).at(offset));
            }
        }
        ColumnConstraintKind::Default(expr) => {
            if !matches!(made.column.generator, NewGenerator::None) {
                let message = format!(
                    "multiple default values specified for column \"{column}\" of table \"{table}\""
                );
                return Err(Error::new(ErrorKind::Syntax, "42601", message).at(offset));
            }
            made.column.generator = NewGenerator::Default(text_of(expr)?);
        }
        ColumnConstraintKind::Check { expr, .. } => {
            made.checks.push(NewCheck { name, expression: text_of(expr)? });
        }
        ColumnConstraintKind::PrimaryKey(parameters) => {
            refuse_parameters(parameters, offset)?;
            made.column.not_null = true;
            made.primary_key = Some(NewKey { name, columns: vec![column] });
        }
        ColumnConstraintKind::Unique { nulls_not_distinct, parameters } => {
            refuse_parameters(parameters, offset)?;
            let index = NewIndex::unique(&[&column]);
            made.unique.push(NewIndex { name, nulls_distinct: !nulls_not_distinct, ..index });
        }
        ColumnConstraintKind::References(_) => {
            return Err(Error::unsupported("a foreign key (REFERENCES)").at(offset));
        }
        ColumnConstraintKind::Identity { always, options } => {
            let options = sequence_options(options, made.column.ty)?;
            made.column.not_null = true;
            made.column.generator = NewGenerator::Identity { always: *always, options };
        }
        ColumnConstraintKind::Generated(expr) => {
            made.column.generator = NewGenerator::Stored(text_of(expr)?);
        }
    }
    Ok(())
}

/// A constraint of a table.
pub enum NewConstraint {
    /// CHECK.
    Check(NewCheck),
    /// UNIQUE.
    Unique(NewIndex),
    /// PRIMARY KEY.
    PrimaryKey(NewKey),
}

/// A constraint of CREATE TABLE or ADD CONSTRAINT.
///
/// # Errors
/// As `create_table`.
pub fn table_constraint(constraint: &TableConstraint) -> Result<NewConstraint> {
    let offset = constraint.position.0;
    refuse_timing(&constraint.timing, offset)?;
    let name = constraint.name.as_ref().map(|name| name.name.clone());
    match &constraint.kind {
        TableConstraintKind::Check(expr) => {
            Ok(NewConstraint::Check(NewCheck { name, expression: text_of(expr)? }))
        }
        TableConstraintKind::Key {
            primary,
            nulls_not_distinct,
            columns,
            parameters,
            using_index,
        } => {
            refuse_parameters(parameters, offset)?;
            if using_index.is_some() {
                return Err(Error::unsupported("a constraint USING INDEX").at(offset));
            }
            let columns: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
            if *primary {
                return Ok(NewConstraint::PrimaryKey(NewKey { name, columns }));
            }
            let names: Vec<&str> = columns.iter().map(String::as_str).collect();
            let index =
                NewIndex { name, nulls_distinct: !nulls_not_distinct, ..NewIndex::unique(&names) };
            Ok(NewConstraint::Unique(index))
        }
        TableConstraintKind::Exclude { .. } => Err(Error::unsupported("EXCLUDE").at(offset)),
        TableConstraintKind::ForeignKey { .. } => Err(Error::unsupported("FOREIGN KEY").at(offset)),
    }
}

fn refuse_timing(timing: &ast::ConstraintTiming, offset: u32) -> Result<()> {
    if timing.deferrable == Some(true) || timing.deferred == Some(true) {
        return Err(Error::unsupported("a deferrable constraint").at(offset));
    }
    if timing.not_valid {
        return Err(Error::unsupported("a constraint that is NOT VALID").at(offset));
    }
    Ok(())
}

fn refuse_parameters(parameters: &ast::IndexParameters, offset: u32) -> Result<()> {
    if !parameters.include.is_empty() {
        return Err(Error::unsupported("INCLUDE").at(offset));
    }
    for item in &parameters.options {
        if item.name.name != "fillfactor" {
            let message = format!("unrecognized parameter \"{}\"", item.name.name);
            return Err(Error::new(ErrorKind::Type, "22023", message).at(item.name.position.0));
        }
    }
    Ok(())
}

/// CREATE INDEX.
///
/// # Errors
/// As `create_table`.
pub fn create_index(create: &ast::CreateIndex) -> Result<NewIndex> {
    let offset = create.table.name.position.0;
    if let Some(method) = &create.method
        && method.name != "btree"
    {
        return Err(Error::unsupported(format_args!("access method \"{}\"", method.name))
            .at(method.position.0));
    }
    if !create.include.is_empty() {
        return Err(Error::unsupported("INCLUDE").at(offset));
    }
    if create.tablespace.is_some() {
        return Err(Error::unsupported("a tablespace").at(offset));
    }
    if let Some(item) = create.options.iter().find(|item| item.name.name != "fillfactor") {
        let message = format!("unrecognized parameter \"{}\"", item.name.name);
        return Err(Error::new(ErrorKind::Type, "22023", message).at(item.name.position.0));
    }
    let elements = create.elements.iter().map(element).collect::<Result<Vec<_>>>()?;
    Ok(NewIndex {
        name: create.name.as_ref().map(|name| name.name.clone()),
        elements,
        unique: create.unique,
        nulls_distinct: !create.nulls_not_distinct,
        array_elements: false,
        predicate: create.filter.as_ref().map(text_of).transpose()?,
        constraint: false,
    })
}

fn element(element: &IndexElement) -> Result<NewElement> {
    let offset = element.expr.position.0;
    if let Some(collation) = &element.collation
        && !matches!(collation.name(), "C" | "POSIX" | "default" | "ucs_basic")
    {
        return Err(
            Error::unsupported(format_args!("collation \"{}\"", collation.name())).at(offset)
        );
    }
    if let Some(class) = &element.class {
        // The pattern classes order texts by bytes, which is the only order here.
        let known = ["text_pattern_ops", "varchar_pattern_ops", "bpchar_pattern_ops"]
            .contains(&class.name())
            || class.name().ends_with("_ops")
                && !class.name().contains("gin")
                && !class.name().contains("trgm");
        if !known || !element.class_options.is_empty() {
            return Err(
                Error::unsupported(format_args!("operator class \"{}\"", class.name())).at(offset)
            );
        }
    }
    let source = match &element.expr.kind {
        ast::ExprKind::Column(column) if column.parts.len() == 1 && !column.star => {
            NewSource::Column(column.parts[0].name.clone())
        }
        _ => NewSource::Expression(text_of(&element.expr)?),
    };
    let descending = match &element.order {
        SortOrder::Default | SortOrder::Ascending => false,
        SortOrder::Descending => true,
        SortOrder::Using(_) => return Err(Error::unsupported("USING in an index").at(offset)),
    };
    let nulls_first = element.nulls_first.unwrap_or(descending);
    Ok(NewElement { source, descending, nulls_first })
}

/// The options of a sequence; `ty` is its type unless AS says another.
///
/// # Errors
/// `42601` for an option given twice, `22023` for a number out of range.
pub fn sequence_options(list: &[SequenceOption], ty: Type) -> Result<SequenceOptions> {
    let mut options = SequenceOptions::of(ty);
    apply_sequence_options(list, &mut options)?;
    Ok(options)
}

/// Applies options over others (ALTER SEQUENCE).
///
/// # Errors
/// As `sequence_options`.
pub fn apply_sequence_options(
    list: &[SequenceOption],
    options: &mut SequenceOptions,
) -> Result<()> {
    for option in list {
        match option {
            SequenceOption::As(name) => options.ty = resolve_type(name)?.0,
            SequenceOption::Cache(number) => options.cache = integer(number)?,
            SequenceOption::Cycle(cycle) => options.cycle = *cycle,
            SequenceOption::Increment(number) => options.increment = integer(number)?,
            SequenceOption::MaxValue(number) => {
                options.max = number.as_ref().map(integer).transpose()?
            }
            SequenceOption::MinValue(number) => {
                options.min = number.as_ref().map(integer).transpose()?
            }
            SequenceOption::Start(number) => options.start = Some(integer(number)?),
            SequenceOption::SequenceName(name) => options.name = Some(name.name().to_owned()),
            SequenceOption::OwnedBy(name) if name.name() == "none" => {}
            SequenceOption::OwnedBy(name) => {
                return Err(Error::unsupported("OWNED BY").at(name.position.0));
            }
            SequenceOption::Restart(_) => return Err(Error::unsupported("RESTART here")),
        }
    }
    Ok(())
}

fn integer(number: &LiteralValue) -> Result<i64> {
    match number {
        LiteralValue::Int4(number) => Ok(i64::from(*number)),
        LiteralValue::Int8(number) => Ok(*number),
        _ => Err(Error::new(ErrorKind::Type, "22003", "value is out of range for type bigint")),
    }
}

/// The text that the catalogue keeps of an expression.
///
/// # Errors
/// `0A000` where it holds a subquery, a window or another construct that no stored expression may
/// hold.
pub fn text_of(expr: &Expr) -> Result<String> {
    deparse(expr, Parentheses::All)
        .ok_or_else(|| Error::unsupported("a subquery in a stored expression").at(expr.position.0))
}
