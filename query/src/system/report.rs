//! What a session tells of itself and of the server, beside the catalogue: rows of pg_settings,
//! pg_stat_activity, pg_locks, pg_prepared_statements and pg_cursors.

use crate::Type;

/// One setting.
#[derive(Debug, Clone, Default)]
pub struct Setting {
    /// As SHOW ALL prints it.
    pub name: String,
    /// Its value now, in `unit`s where it has one.
    pub value: String,
    /// `ms`, `kB`, …
    pub unit: Option<&'static str>,
    /// What it is about.
    pub category: &'static str,
    /// One sentence.
    pub description: String,
    /// Who may change it: `internal`, `postmaster`, `superuser`, `user`.
    pub context: &'static str,
    /// `bool`, `integer`, `real`, `string`, `enum`.
    pub ty: &'static str,
    /// Where the value comes from: `default`, `client`, `session`, `configuration file`.
    pub source: &'static str,
    /// Bounds of a number.
    pub min: Option<String>,
    /// Bounds of a number.
    pub max: Option<String>,
    /// The values of an enum.
    pub values: Vec<String>,
    /// The value that the server starts with.
    pub boot: Option<String>,
    /// The value that RESET goes back to.
    pub reset: Option<String>,
}

/// One connection.
#[derive(Debug, Clone, Default)]
pub struct Activity {
    /// The number that cancels it.
    pub pid: i32,
    /// pg_database.oid; none before it chose.
    pub database: Option<(u32, String)>,
    /// Its user.
    pub user: Option<String>,
    /// What the client calls itself.
    pub application: String,
    /// The client's address without port; none for a Unix socket or the library.
    pub client_address: Option<String>,
    /// The client's port; -1 for a Unix socket.
    pub client_port: Option<i32>,
    /// Microseconds since 1970 UTC, as all times here.
    pub started: Option<i64>,
    /// When its transaction began.
    pub transaction_started: Option<i64>,
    /// When its statement began.
    pub statement_started: Option<i64>,
    /// When `state` changed.
    pub state_changed: Option<i64>,
    /// `Lock` where it waits for one, else none.
    pub wait_event_type: Option<&'static str>,
    /// What it waits for.
    pub wait_event: Option<&'static str>,
    /// `active`, `idle`, `idle in transaction`, `idle in transaction (aborted)`.
    pub state: Option<&'static str>,
    /// What runs or ran last.
    pub query: String,
    /// `client backend`.
    pub kind: &'static str,
}

/// One lock that is held or waited for.
#[derive(Debug, Clone, Default)]
pub struct Lock {
    /// `relation`, `tuple`, `transactionid`, `advisory`.
    pub kind: &'static str,
    /// pg_database.oid.
    pub database: Option<u32>,
    /// pg_class.oid.
    pub relation: Option<u32>,
    /// The holder's or waiter's connection.
    pub pid: Option<i32>,
    /// `RowExclusiveLock`, …
    pub mode: &'static str,
    /// Held; else waited for.
    pub granted: bool,
    /// Since when it is waited for.
    pub wait_started: Option<i64>,
}

/// One prepared statement of the session.
#[derive(Debug, Clone, Default)]
pub struct Prepared {
    /// Its name; the nameless one is not listed.
    pub name: String,
    /// Its text.
    pub statement: String,
    /// When it was prepared.
    pub time: Option<i64>,
    /// The types of its parameters.
    pub parameters: Vec<Type>,
    /// Whether by PREPARE; else by the protocol.
    pub from_sql: bool,
}

/// One open cursor of the session.
#[derive(Debug, Clone, Default)]
pub struct Cursor {
    /// Its name; the nameless portal's is empty.
    pub name: String,
    /// Its text.
    pub statement: String,
    /// WITH HOLD.
    pub holdable: bool,
    /// BINARY.
    pub binary: bool,
    /// SCROLL.
    pub scrollable: bool,
    /// When it was opened.
    pub time: Option<i64>,
}
