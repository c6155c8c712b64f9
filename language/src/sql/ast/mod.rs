//! The syntax tree of SQL.
//!
//! One tree for every dialect: what a text *says*, before anything is looked up. The parser builds
//! it, the binder reads it, [`deparse`](super::deparse) prints it back.
//!
//! ```text
//! Parsed ─ Statement ┬ Query ─ QueryBody ┬ Select ─ targets, from, filter, …
//!                    ├ Insert, Update, …   ├ Values
//!                    ├ CreateTable, …      └ SetOperation(Query, Query)
//!                    └ Unsupported{name}                  every leaf: Expr { kind, position }
//! ```
//!
//! Invariants
//! - A [`Position`] is a byte offset into the text that was parsed, at the token which PostgreSQL's
//!   own message would point to: an operator's for `a + b`, the first name's for `s.t.a`.
//! - Positions and literal ordinals take no part in equality: two trees are equal if they say the
//!   same thing, as a comparison of GROUP BY with a target list needs.
//! - Names are as the catalogue has them (folded, unquoted, cut to 63 bytes).
//! - AND and OR are flat lists; the height of any other tree is bounded by the parser, so a
//!   recursive walk cannot overflow the stack (see `parser::HEIGHT_MAX`).
//!
//! Rejected: borrowing the text (plans outlive it, and a cached plan needs no tree at all), and an
//! arena (a tree is parsed once for each new statement shape; see the fingerprint).

mod definition;
mod expression;
mod modify;
mod query;
mod utility;

pub use definition::*;
pub use expression::*;
pub use modify::*;
pub use query::*;
pub use utility::*;

use std::fmt;

/// A byte offset into the parsed text. Equal to every other position.
#[derive(Clone, Copy, Default, PartialOrd, Ord)]
pub struct Position(pub u32);

impl PartialEq for Position {
    fn eq(&self, _: &Position) -> bool {
        true
    }
}

impl Eq for Position {}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.0)
    }
}

/// The number of a literal among the literal tokens of its statement, from 0. Equal to every other
/// ordinal: the *value* decides whether two literals are equal.
#[derive(Clone, Copy, Default, PartialOrd, Ord)]
pub struct Ordinal(pub u32);

impl PartialEq for Ordinal {
    fn eq(&self, _: &Ordinal) -> bool {
        true
    }
}

impl Eq for Ordinal {}

impl fmt::Debug for Ordinal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// One name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ident {
    /// The name as the catalogue has it.
    pub name: String,
    /// Where it stands.
    pub position: Position,
}

/// A name with its qualifiers: `[[catalog .] schema .] name`. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectName {
    /// Qualifiers first.
    pub parts: Vec<Ident>,
    /// Where the first part stands.
    pub position: Position,
}

impl ObjectName {
    /// The last part.
    pub fn name(&self) -> &str {
        self.parts.last().map_or("", |part| &part.name)
    }

    /// The part before the last, if there is one.
    pub fn schema(&self) -> Option<&str> {
        let index = self.parts.len().checked_sub(2)?;
        self.parts.get(index).map(|part| part.name.as_str())
    }
}

/// A type as written: `numeric(10,2)`, `timestamp(3) with time zone`, `s.t[]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeName {
    /// The type. Words of the standard are already PostgreSQL's names in `pg_catalog` (`INTEGER` is
    /// `pg_catalog.int4`), other names are as written.
    pub name: ObjectName,
    /// What stands in parentheses.
    pub modifiers: Vec<Expr>,
    /// The fields of an INTERVAL, such as `DAY TO SECOND`.
    pub interval: Option<IntervalFields>,
    /// One entry for each array dimension, with its size if given.
    pub array: Vec<Option<i32>>,
    /// `SETOF`, allowed only where a function's result is declared.
    pub setof: bool,
    /// `t.a%TYPE`.
    pub of_column: bool,
    /// Where it begins.
    pub position: Position,
}

/// The fields an INTERVAL is restricted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum IntervalFields {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    YearToMonth,
    DayToHour,
    DayToMinute,
    DayToSecond,
    HourToMinute,
    HourToSecond,
    MinuteToSecond,
}

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)]
pub enum Statement {
    /// Nothing between two semicolons.
    Empty,
    /// SELECT, VALUES, TABLE, and set operations over them.
    Query(Box<Query>),
    /// INSERT.
    Insert(Box<Insert>),
    /// UPDATE.
    Update(Box<Update>),
    /// DELETE.
    Delete(Box<Delete>),
    /// CREATE DATABASE.
    CreateDatabase(CreateDatabase),
    /// DROP DATABASE.
    DropDatabase(DropDatabase),
    /// CREATE SCHEMA.
    CreateSchema(CreateSchema),
    /// CREATE TABLE, without AS.
    CreateTable(Box<CreateTable>),
    /// CREATE TABLE AS.
    CreateTableAs(Box<CreateTableAs>),
    /// CREATE INDEX.
    CreateIndex(Box<CreateIndex>),
    /// CREATE SEQUENCE.
    CreateSequence(CreateSequence),
    /// ALTER SEQUENCE with options.
    AlterSequence(AlterSequence),
    /// CREATE VIEW.
    CreateView(Box<CreateView>),
    /// CREATE TYPE AS ENUM.
    CreateEnum(CreateEnum),
    /// DROP of anything that is dropped by name alone.
    Drop(DropObjects),
    /// ALTER TABLE and its kin (INDEX, VIEW, SEQUENCE) with one or more actions.
    AlterTable(Box<AlterTable>),
    /// ALTER … RENAME.
    Rename(Rename),
    /// TRUNCATE.
    Truncate(Truncate),
    /// COMMENT ON.
    Comment(Comment),
    /// BEGIN, COMMIT, SAVEPOINT and so on.
    Transaction(Transaction),
    /// SET, RESET, SET TRANSACTION.
    Set(Set),
    /// SHOW.
    Show(Show),
    /// PREPARE.
    Prepare(Box<Prepare>),
    /// EXECUTE.
    Execute(Execute),
    /// DEALLOCATE.
    Deallocate(Option<Ident>),
    /// DECLARE CURSOR.
    DeclareCursor(Box<DeclareCursor>),
    /// FETCH and MOVE.
    Fetch(Fetch),
    /// CLOSE; `None` is CLOSE ALL.
    Close(Option<Ident>),
    /// COPY.
    Copy(Box<CopyData>),
    /// EXPLAIN.
    Explain(Box<Explain>),
    /// VACUUM and ANALYZE.
    Vacuum(Vacuum),
    /// REINDEX.
    Reindex(Reindex),
    /// CLUSTER.
    Cluster(Cluster),
    /// CHECKPOINT.
    Checkpoint,
    /// DISCARD.
    Discard(DiscardTarget),
    /// LOCK TABLE.
    Lock(Lock),
    /// LISTEN.
    Listen(Ident),
    /// UNLISTEN; `None` is UNLISTEN *.
    Unlisten(Option<Ident>),
    /// NOTIFY.
    Notify(Notify),
    /// DO.
    Do(Do),
    /// CALL.
    Call(Box<FunctionCall>),
    /// A statement that the grammar knows and this tree does not model.
    Unsupported(Unsupported),
}

/// A statement known by its first words only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// PostgreSQL's command tag, such as `CREATE TRIGGER`.
    pub name: String,
    /// Where it begins.
    pub position: Position,
}

/// One statement of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The statement.
    pub statement: Statement,
    /// Offset of its first token (of the semicolon or the end, if it is empty).
    pub start: u32,
    /// Offset past its last token.
    pub end: u32,
    /// How many literal tokens it holds; ordinals run below this.
    pub literals: u32,
    /// Ordinals of literals that are part of the grammar and not of an expression (`varchar(10)`,
    /// `SET x = 'y'`): the plan depends on their values. Ascending. Literals of expressions are
    /// found in the tree, and it is the binder's to say which of them it looked at.
    pub fixed: Vec<u32>,
}

impl TypeName {
    /// A type without modifiers.
    pub fn plain(name: ObjectName) -> TypeName {
        let position = name.position;
        TypeName {
            name,
            modifiers: Vec::new(),
            interval: None,
            array: Vec::new(),
            setof: false,
            of_column: false,
            position,
        }
    }
}
