//! CREATE, ALTER and DROP.

use super::{
    Expr, Ident, LiteralValue, ObjectName, Position, Query, Relation, SortOrder, TypeName,
};

/// `name = value` of a WITH clause or an option list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionItem {
    /// `toast` of `toast.autovacuum_enabled`.
    pub namespace: Option<Ident>,
    /// The option, folded.
    pub name: Ident,
    /// Its value; `None` if only the name was given.
    pub value: Option<OptionValue>,
}

/// The value of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionValue {
    /// A word such as `on`, `pglz`, `default`, or a type's name.
    Word(String),
    /// A number or string.
    Literal(LiteralValue),
    /// `*` of COPY's FORCE_QUOTE.
    Star,
    /// A list in parentheses.
    List(Vec<OptionValue>),
}

/// CREATE DATABASE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateDatabase {
    /// Its name.
    pub name: Ident,
    /// OWNER, ENCODING, TEMPLATE, …; a value of `Word("default")` is DEFAULT.
    pub options: Vec<OptionItem>,
}

/// DROP DATABASE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropDatabase {
    /// Its name.
    pub name: Ident,
    /// IF EXISTS.
    pub if_exists: bool,
    /// WITH (FORCE).
    pub force: bool,
}

/// CREATE SCHEMA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateSchema {
    /// Its name; `None` takes the owner's.
    pub name: Option<Ident>,
    /// AUTHORIZATION.
    pub owner: Option<Role>,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// Statements that make things inside it.
    pub elements: Vec<super::Statement>,
}

/// A role as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// By name.
    Named(Ident),
    /// CURRENT_USER or CURRENT_ROLE.
    Current,
    /// SESSION_USER.
    Session,
}

/// How long a table lives and whether it survives a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Persistence {
    /// Logged and lasting.
    #[default]
    Permanent,
    /// TEMPORARY.
    Temporary,
    /// UNLOGGED.
    Unlogged,
}

/// What a temporary table does at commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum OnCommit {
    PreserveRows,
    DeleteRows,
    Drop,
}

/// CREATE TABLE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTable {
    /// Its name.
    pub name: ObjectName,
    /// TEMPORARY, UNLOGGED.
    pub persistence: Persistence,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// OF a composite type.
    pub of_type: Option<ObjectName>,
    /// PARTITION OF a table.
    pub partition_of: Option<(ObjectName, PartitionBound)>,
    /// Columns, constraints and LIKE, in order.
    pub elements: Vec<TableElement>,
    /// INHERITS.
    pub inherits: Vec<ObjectName>,
    /// PARTITION BY.
    pub partition_by: Option<PartitionBy>,
    /// USING an access method.
    pub access_method: Option<Ident>,
    /// WITH (…).
    pub options: Vec<OptionItem>,
    /// ON COMMIT.
    pub on_commit: Option<OnCommit>,
    /// TABLESPACE.
    pub tablespace: Option<Ident>,
}

/// An element of CREATE TABLE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableElement {
    /// A column.
    Column(ColumnDefinition),
    /// A constraint.
    Constraint(TableConstraint),
    /// LIKE another table.
    Like {
        /// Which.
        table: ObjectName,
        /// INCLUDING (`true`) and EXCLUDING, in order.
        options: Vec<(bool, LikeOption)>,
    },
}

/// What LIKE copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum LikeOption {
    Comments,
    Compression,
    Constraints,
    Defaults,
    Generated,
    Identity,
    Indexes,
    Statistics,
    Storage,
    All,
}

/// A column's definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnDefinition {
    /// Its name.
    pub name: Ident,
    /// Its type; `None` only for the columns of OF and PARTITION OF.
    pub data_type: Option<TypeName>,
    /// COLLATE.
    pub collation: Option<ObjectName>,
    /// STORAGE is not of this version; COMPRESSION.
    pub compression: Option<Ident>,
    /// Its constraints, in order.
    pub constraints: Vec<ColumnConstraint>,
}

/// A constraint of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnConstraint {
    /// CONSTRAINT name.
    pub name: Option<Ident>,
    /// What it demands.
    pub kind: ColumnConstraintKind,
    /// DEFERRABLE and so on.
    pub timing: ConstraintTiming,
    /// Where it begins.
    pub position: Position,
}

/// What a column's constraint demands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnConstraintKind {
    /// NOT NULL.
    NotNull,
    /// NULL.
    Null,
    /// DEFAULT.
    Default(Expr),
    /// CHECK.
    Check {
        /// The condition.
        expr: Expr,
        /// NO INHERIT.
        no_inherit: bool,
    },
    /// PRIMARY KEY.
    PrimaryKey(IndexParameters),
    /// UNIQUE.
    Unique {
        /// NULLS NOT DISTINCT.
        nulls_not_distinct: bool,
        /// Of its index.
        parameters: IndexParameters,
    },
    /// REFERENCES.
    References(Box<References>),
    /// GENERATED … AS IDENTITY.
    Identity {
        /// ALWAYS; otherwise BY DEFAULT.
        always: bool,
        /// Of its sequence.
        options: Vec<SequenceOption>,
    },
    /// GENERATED ALWAYS AS (…) STORED.
    Generated(Expr),
}

/// DEFERRABLE, INITIALLY, NOT VALID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ConstraintTiming {
    /// DEFERRABLE (`true`) or NOT DEFERRABLE.
    pub deferrable: Option<bool>,
    /// INITIALLY DEFERRED (`true`) or IMMEDIATE.
    pub deferred: Option<bool>,
    /// NOT VALID.
    pub not_valid: bool,
    /// NO INHERIT.
    pub no_inherit: bool,
}

/// What may follow a UNIQUE or PRIMARY KEY.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct IndexParameters {
    /// INCLUDE.
    pub include: Vec<Ident>,
    /// WITH (…).
    pub options: Vec<OptionItem>,
    /// USING INDEX TABLESPACE.
    pub tablespace: Option<Ident>,
}

/// REFERENCES.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct References {
    /// The table.
    pub table: ObjectName,
    /// Its columns; empty means its primary key.
    pub columns: Vec<Ident>,
    /// MATCH.
    pub matching: Match,
    /// ON DELETE.
    pub on_delete: ReferenceAction,
    /// ON UPDATE.
    pub on_update: ReferenceAction,
}

/// How a foreign key treats NULL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum Match {
    #[default]
    Simple,
    Full,
    Partial,
}

/// What a foreign key does when the row it points to goes or changes.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum ReferenceAction {
    /// Fails at the end of the statement or transaction.
    #[default]
    NoAction,
    /// Fails at once.
    Restrict,
    /// Follows.
    Cascade,
    /// Becomes NULL; only these columns if any are named.
    SetNull(Vec<Ident>),
    /// Becomes the default; only these columns if any are named.
    SetDefault(Vec<Ident>),
}

/// A constraint of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableConstraint {
    /// CONSTRAINT name.
    pub name: Option<Ident>,
    /// What it demands.
    pub kind: TableConstraintKind,
    /// DEFERRABLE and so on.
    pub timing: ConstraintTiming,
    /// Where it begins.
    pub position: Position,
}

/// What a table's constraint demands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableConstraintKind {
    /// CHECK.
    Check(Expr),
    /// PRIMARY KEY or UNIQUE.
    Key {
        /// PRIMARY KEY; otherwise UNIQUE.
        primary: bool,
        /// NULLS NOT DISTINCT.
        nulls_not_distinct: bool,
        /// Its columns; empty with `using_index`.
        columns: Vec<Ident>,
        /// Of its index.
        parameters: IndexParameters,
        /// USING INDEX: takes over an index that exists.
        using_index: Option<Ident>,
    },
    /// EXCLUDE.
    Exclude {
        /// USING.
        method: Option<Ident>,
        /// `element WITH operator`.
        elements: Vec<(IndexElement, super::Operator)>,
        /// Of its index.
        parameters: IndexParameters,
        /// WHERE.
        filter: Option<Box<Expr>>,
    },
    /// FOREIGN KEY.
    ForeignKey {
        /// Its columns.
        columns: Vec<Ident>,
        /// What they point to.
        references: Box<References>,
    },
}

/// PARTITION BY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionBy {
    /// LIST, RANGE or HASH as written.
    pub strategy: Ident,
    /// Its columns and expressions.
    pub elements: Vec<IndexElement>,
}

/// The bound of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartitionBound {
    /// DEFAULT.
    Default,
    /// FOR VALUES IN.
    In(Vec<Expr>),
    /// FOR VALUES FROM … TO ….
    Range(Vec<Expr>, Vec<Expr>),
    /// FOR VALUES WITH (MODULUS m, REMAINDER r).
    Hash(Vec<OptionItem>),
}

/// CREATE TABLE AS and CREATE MATERIALIZED VIEW.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTableAs {
    /// Its name.
    pub name: ObjectName,
    /// A materialized view.
    pub materialized_view: bool,
    /// TEMPORARY, UNLOGGED.
    pub persistence: Persistence,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// Its columns' names.
    pub columns: Vec<Ident>,
    /// USING an access method.
    pub access_method: Option<Ident>,
    /// WITH (…).
    pub options: Vec<OptionItem>,
    /// ON COMMIT.
    pub on_commit: Option<OnCommit>,
    /// TABLESPACE.
    pub tablespace: Option<Ident>,
    /// A query or EXECUTE.
    pub source: super::Statement,
    /// WITH NO DATA.
    pub no_data: bool,
}

/// CREATE INDEX.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateIndex {
    /// UNIQUE.
    pub unique: bool,
    /// CONCURRENTLY.
    pub concurrently: bool,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// Its name; `None` lets the server choose.
    pub name: Option<Ident>,
    /// The table.
    pub table: Relation,
    /// USING.
    pub method: Option<Ident>,
    /// What is indexed.
    pub elements: Vec<IndexElement>,
    /// INCLUDE.
    pub include: Vec<IndexElement>,
    /// NULLS NOT DISTINCT.
    pub nulls_not_distinct: bool,
    /// WITH (…).
    pub options: Vec<OptionItem>,
    /// TABLESPACE.
    pub tablespace: Option<Ident>,
    /// WHERE.
    pub filter: Option<Expr>,
}

/// A column or expression of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexElement {
    /// A plain column is a [`Column`](super::ExprKind::Column) of one part.
    pub expr: Expr,
    /// The expression stood in parentheses.
    pub parenthesised: bool,
    /// COLLATE.
    pub collation: Option<ObjectName>,
    /// The operator class.
    pub class: Option<ObjectName>,
    /// The operator class's options.
    pub class_options: Vec<OptionItem>,
    /// ASC, DESC.
    pub order: SortOrder,
    /// NULLS FIRST (`true`) or LAST.
    pub nulls_first: Option<bool>,
}

/// CREATE SEQUENCE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateSequence {
    /// Its name.
    pub name: ObjectName,
    /// TEMPORARY, UNLOGGED.
    pub persistence: Persistence,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// Its options, in order.
    pub options: Vec<SequenceOption>,
}

/// ALTER SEQUENCE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterSequence {
    /// Its name.
    pub name: ObjectName,
    /// IF EXISTS.
    pub if_exists: bool,
    /// Its options, in order.
    pub options: Vec<SequenceOption>,
}

/// An option of a sequence. Numbers are literals with their sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SequenceOption {
    /// AS a type.
    As(TypeName),
    /// CACHE.
    Cache(LiteralValue),
    /// CYCLE or NO CYCLE.
    Cycle(bool),
    /// INCREMENT BY.
    Increment(LiteralValue),
    /// MAXVALUE; `None` is NO MAXVALUE.
    MaxValue(Option<LiteralValue>),
    /// MINVALUE; `None` is NO MINVALUE.
    MinValue(Option<LiteralValue>),
    /// OWNED BY a column, or NONE.
    OwnedBy(ObjectName),
    /// SEQUENCE NAME, in an identity column's options.
    SequenceName(ObjectName),
    /// START WITH.
    Start(LiteralValue),
    /// `RESTART [WITH]`.
    Restart(Option<LiteralValue>),
}

/// CREATE VIEW.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateView {
    /// OR REPLACE.
    pub or_replace: bool,
    /// TEMPORARY, UNLOGGED.
    pub persistence: Persistence,
    /// RECURSIVE.
    pub recursive: bool,
    /// Its name.
    pub name: ObjectName,
    /// Its columns' names.
    pub columns: Vec<Ident>,
    /// WITH (…).
    pub options: Vec<OptionItem>,
    /// What it shows.
    pub query: Query,
    /// WITH CHECK OPTION.
    pub check: Option<ViewCheck>,
}

/// WITH CHECK OPTION.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ViewCheck {
    Local,
    Cascaded,
}

/// CREATE TYPE … AS ENUM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateEnum {
    /// Its name.
    pub name: ObjectName,
    /// Its values, in order.
    pub values: Vec<String>,
}

/// The kinds of object that ALTER, DROP, RENAME and COMMENT name in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ObjectKind {
    Table,
    ForeignTable,
    Index,
    Sequence,
    View,
    MaterializedView,
    Schema,
    Database,
    Column,
    Constraint,
    Type,
    Domain,
    Collation,
    Extension,
    Role,
}

/// DROP of objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropObjects {
    /// What kind.
    pub kind: ObjectKind,
    /// IF EXISTS.
    pub if_exists: bool,
    /// CONCURRENTLY, for indexes.
    pub concurrently: bool,
    /// Which.
    pub names: Vec<ObjectName>,
    /// CASCADE; otherwise RESTRICT.
    pub cascade: bool,
}

/// ALTER TABLE and its kin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterTable {
    /// Table, index, sequence, view, materialized view or foreign table.
    pub kind: ObjectKind,
    /// IF EXISTS.
    pub if_exists: bool,
    /// Which.
    pub table: Relation,
    /// What to do, in order.
    pub actions: Vec<AlterAction>,
}

/// An action of ALTER TABLE, with where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterAction {
    /// What to do.
    pub kind: AlterActionKind,
    /// Where it begins.
    pub position: Position,
}

/// What ALTER TABLE can do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)]
pub enum AlterActionKind {
    /// ADD COLUMN.
    AddColumn {
        /// IF NOT EXISTS.
        if_not_exists: bool,
        /// The column.
        column: ColumnDefinition,
    },
    /// DROP COLUMN.
    DropColumn {
        /// IF EXISTS.
        if_exists: bool,
        /// The column.
        column: Ident,
        /// CASCADE.
        cascade: bool,
    },
    /// ALTER COLUMN … TYPE.
    SetType {
        /// The column.
        column: Ident,
        /// Its new type.
        data_type: TypeName,
        /// COLLATE.
        collation: Option<ObjectName>,
        /// USING.
        using: Option<Expr>,
    },
    /// ALTER COLUMN … SET DEFAULT, or DROP DEFAULT.
    SetDefault(Ident, Option<Expr>),
    /// ALTER COLUMN … SET NOT NULL (`true`), or DROP NOT NULL.
    SetNotNull(Ident, bool),
    /// ALTER COLUMN … ADD GENERATED … AS IDENTITY.
    AddIdentity {
        /// The column.
        column: Ident,
        /// ALWAYS; otherwise BY DEFAULT.
        always: bool,
        /// Of its sequence.
        options: Vec<SequenceOption>,
    },
    /// ALTER COLUMN … DROP IDENTITY [IF EXISTS].
    DropIdentity(Ident, bool),
    /// ALTER COLUMN … SET STATISTICS.
    SetStatistics(Ident, LiteralValue),
    /// ALTER COLUMN … SET STORAGE.
    SetStorage(Ident, Ident),
    /// ADD constraint.
    AddConstraint(TableConstraint),
    /// ALTER CONSTRAINT.
    AlterConstraint(Ident, ConstraintTiming),
    /// VALIDATE CONSTRAINT.
    ValidateConstraint(Ident),
    /// DROP CONSTRAINT.
    DropConstraint {
        /// IF EXISTS.
        if_exists: bool,
        /// The constraint.
        name: Ident,
        /// CASCADE.
        cascade: bool,
    },
    /// SET (…).
    SetOptions(Vec<OptionItem>),
    /// RESET (…).
    ResetOptions(Vec<OptionItem>),
    /// SET SCHEMA.
    SetSchema(Ident),
    /// SET TABLESPACE.
    SetTablespace(Ident),
    /// SET LOGGED (`true`) or UNLOGGED.
    SetLogged(bool),
    /// OWNER TO.
    Owner(Role),
    /// REPLICA IDENTITY, as written: `full`, `nothing`, `default`, or an index.
    ReplicaIdentity(ReplicaIdentity),
    /// Any other, by its words: `ATTACH PARTITION`.
    Unsupported(String),
}

/// REPLICA IDENTITY.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ReplicaIdentity {
    Nothing,
    Full,
    Default,
    Index(Ident),
}

/// ALTER … RENAME.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// What is renamed.
    pub kind: ObjectKind,
    /// For columns and constraints: the kind of thing they belong to.
    pub owner_kind: ObjectKind,
    /// IF EXISTS.
    pub if_exists: bool,
    /// The table, or the thing itself.
    pub name: ObjectName,
    /// With ONLY.
    pub only: bool,
    /// The column or constraint.
    pub member: Option<Ident>,
    /// The new name.
    pub to: Ident,
}

/// COMMENT ON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// What kind; `None` if it is one that this tree does not name.
    pub kind: ObjectKind,
    /// Which; for a column its table's name with the column last.
    pub name: ObjectName,
    /// For constraints: the table.
    pub table: Option<ObjectName>,
    /// `None` is NULL: removes the comment.
    pub text: Option<String>,
}

/// TRUNCATE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truncate {
    /// Which.
    pub tables: Vec<Relation>,
    /// RESTART IDENTITY; otherwise CONTINUE.
    pub restart_identity: bool,
    /// CASCADE.
    pub cascade: bool,
}
