//! Transactions, settings, cursors, COPY and what else a session says.

use super::{
    Expr, Ident, LiteralValue, ObjectName, OptionItem, Position, Query, Relation, Statement,
    TypeName,
};

/// A statement about transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transaction {
    /// BEGIN or START TRANSACTION.
    Begin {
        /// Its modes, in order.
        modes: Vec<TransactionMode>,
        /// Written START TRANSACTION, which shows in the command tag.
        start: bool,
    },
    /// COMMIT or END.
    Commit {
        /// AND CHAIN.
        chain: bool,
    },
    /// ROLLBACK or ABORT.
    Rollback {
        /// AND CHAIN.
        chain: bool,
    },
    /// SAVEPOINT.
    Savepoint(Ident),
    /// RELEASE.
    Release(Ident),
    /// ROLLBACK TO.
    RollbackTo(Ident),
    /// PREPARE TRANSACTION.
    Prepare(String),
    /// COMMIT PREPARED.
    CommitPrepared(String),
    /// ROLLBACK PREPARED.
    RollbackPrepared(String),
}

/// A mode of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionMode {
    /// ISOLATION LEVEL.
    Isolation(IsolationLevel),
    /// READ ONLY (`true`) or READ WRITE.
    ReadOnly(bool),
    /// DEFERRABLE (`true`) or NOT DEFERRABLE.
    Deferrable(bool),
}

/// The isolation levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum IsolationLevel {
    ReadUncommitted,
    ReadCommitted,
    RepeatableRead,
    Serializable,
}

/// SET and RESET.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// LOCAL, SESSION or neither.
    pub scope: SetScope,
    /// What is set.
    pub kind: SetKind,
}

/// For how long a setting holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetScope {
    /// Nothing was said: the session.
    Default,
    /// SESSION.
    Session,
    /// LOCAL: until the transaction ends.
    Local,
}

/// What SET and RESET do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetKind {
    /// `SET name = value, …`. `SET TIME ZONE`, `SCHEMA`, `NAMES`, `ROLE`, `SESSION AUTHORIZATION`,
    /// `XML
    /// OPTION` are the settings `timezone`, `search_path`, `client_encoding`, `role`,
    /// `session_authorization`, `xmloption`.
    Value {
        /// The setting, parts joined with a point.
        name: Ident,
        /// Its values; never empty.
        values: Vec<SetValue>,
    },
    /// `SET name TO DEFAULT`.
    Default(Ident),
    /// `SET name FROM CURRENT`, valid only inside CREATE FUNCTION.
    FromCurrent(Ident),
    /// `RESET name`.
    Reset(Ident),
    /// `RESET ALL`.
    ResetAll,
    /// `SET TRANSACTION`.
    Transaction(Vec<TransactionMode>),
    /// `SET TRANSACTION SNAPSHOT`.
    Snapshot(String),
    /// `SET SESSION CHARACTERISTICS AS TRANSACTION`.
    SessionCharacteristics(Vec<TransactionMode>),
    /// `SET CONSTRAINTS`; no names means ALL.
    Constraints {
        /// Which.
        names: Vec<ObjectName>,
        /// DEFERRED; otherwise IMMEDIATE.
        deferred: bool,
    },
}

/// A value of SET.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetValue {
    /// A word, `on`, `off`, `true`, or a string: as text.
    Text(String),
    /// A number, signed.
    Number(LiteralValue),
    /// `INTERVAL '…' HOUR TO MINUTE`, for the time zone.
    Interval(String, Box<TypeName>),
}

/// SHOW.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Show {
    /// One setting; `TIME ZONE`, `TRANSACTION ISOLATION LEVEL` and `SESSION AUTHORIZATION` are
    /// their settings.
    Name(Ident),
    /// ALL.
    All,
}

/// PREPARE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepare {
    /// Its name.
    pub name: Ident,
    /// The parameters' types.
    pub types: Vec<TypeName>,
    /// What is prepared.
    pub statement: Statement,
    /// Where the prepared statement begins.
    pub position: Position,
}

/// EXECUTE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execute {
    /// Which.
    pub name: Ident,
    /// The parameters.
    pub arguments: Vec<Expr>,
}

/// DECLARE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclareCursor {
    /// Its name.
    pub name: Ident,
    /// BINARY.
    pub binary: bool,
    /// SCROLL (`true`) or NO SCROLL.
    pub scroll: Option<bool>,
    /// INSENSITIVE (`true`) or ASENSITIVE.
    pub insensitive: Option<bool>,
    /// WITH HOLD.
    pub hold: bool,
    /// Its query.
    pub query: Box<Query>,
}

/// FETCH and MOVE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// MOVE.
    pub is_move: bool,
    /// Where to.
    pub direction: FetchDirection,
    /// The cursor.
    pub cursor: Ident,
}

/// Where FETCH goes. `None` counts are ALL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchDirection {
    /// NEXT, FORWARD n, n.
    Forward(Option<i64>),
    /// PRIOR, BACKWARD n.
    Backward(Option<i64>),
    /// ABSOLUTE n; FIRST is 1, LAST is -1.
    Absolute(i64),
    /// RELATIVE n.
    Relative(i64),
}

/// COPY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyData {
    /// A table or a query.
    pub source: CopySource,
    /// FROM; otherwise TO.
    pub from: bool,
    /// Where the data comes from or goes.
    pub channel: CopyChannel,
    /// Options; those of the old syntax under their new names.
    pub options: Vec<OptionItem>,
    /// WHERE, of COPY FROM.
    pub filter: Option<Expr>,
}

/// What COPY reads or fills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopySource {
    /// A table.
    Table {
        /// Which.
        name: ObjectName,
        /// Its columns; empty means all.
        columns: Vec<Ident>,
    },
    /// A query, INSERT, UPDATE or DELETE.
    Query(Box<Statement>),
}

/// The other side of COPY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopyChannel {
    /// STDIN or STDOUT: the connection.
    Standard,
    /// A file of the server.
    File(String),
    /// PROGRAM.
    Program(String),
}

/// EXPLAIN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explain {
    /// ANALYZE, VERBOSE and so on; old syntax too.
    pub options: Vec<OptionItem>,
    /// What is explained.
    pub statement: Statement,
}

/// VACUUM and ANALYZE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vacuum {
    /// VACUUM; otherwise ANALYZE.
    pub vacuum: bool,
    /// FULL, FREEZE, VERBOSE, ANALYZE and the rest.
    pub options: Vec<OptionItem>,
    /// Which tables, with their columns; empty means all.
    pub tables: Vec<(ObjectName, Vec<Ident>)>,
}

/// REINDEX.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reindex {
    /// What kind of thing.
    pub kind: ReindexKind,
    /// CONCURRENTLY.
    pub concurrently: bool,
    /// In parentheses.
    pub options: Vec<OptionItem>,
    /// Which; `None` only for SYSTEM and DATABASE of later versions.
    pub name: ObjectName,
}

/// What REINDEX rebuilds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ReindexKind {
    Index,
    Table,
    Schema,
    System,
    Database,
}

/// CLUSTER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// VERBOSE and the rest.
    pub options: Vec<OptionItem>,
    /// The table; `None` means all.
    pub table: Option<ObjectName>,
    /// USING an index.
    pub index: Option<Ident>,
}

/// What DISCARD throws away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum DiscardTarget {
    All,
    Plans,
    Sequences,
    Temporary,
}

/// LOCK TABLE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// Which.
    pub tables: Vec<Relation>,
    /// How.
    pub mode: LockMode,
    /// NOWAIT.
    pub no_wait: bool,
}

/// Table locks, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum LockMode {
    AccessShare,
    RowShare,
    RowExclusive,
    ShareUpdateExclusive,
    Share,
    ShareRowExclusive,
    Exclusive,
    AccessExclusive,
}

/// NOTIFY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notify {
    /// The channel.
    pub channel: Ident,
    /// The payload.
    pub payload: Option<String>,
}

/// DO.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Do {
    /// LANGUAGE.
    pub language: Option<String>,
    /// The code.
    pub code: String,
}
