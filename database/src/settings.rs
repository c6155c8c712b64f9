//! Session settings: what SET, SHOW and a connection's options speak of.
//!
//! The table holds the settings of PostgreSQL that clients and tools read or set by themselves.
//! Each says what values it takes and what setting it means here: it works, or only its one
//! supported value is accepted, or it is read-only. A setting that is not in the table is error
//! 42704, as in PostgreSQL; nothing is silently accepted.
//!
//! **Invariants**
//! - A value in the map was checked when it was set, and stands in its normal form (`on`, `off`,
//!   `5s` as given).
//! - SET inside a transaction that rolls back is undone; SET LOCAL ends with the transaction either
//!   way.
//! - What every statement asks for stands parsed in [`Quick`], renewed by whatever changes a value;
//!   a statement compares no name and parses no text.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{Error, ErrorKind, Result};

/// What values a setting takes.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// `on` or `off`.
    Bool,
    /// An integer between bounds, without unit.
    Integer(i64, i64),
    /// Milliseconds, with units us, ms, s, min, h, d.
    Milliseconds,
    /// Kilobytes, with units B, kB, MB, GB, TB.
    Kilobytes,
    /// A real number between bounds.
    Real(f64, f64),
    /// One of these words, without case.
    Enum(&'static [&'static str]),
    /// Any text.
    Text,
    /// A time zone.
    Zone,
    /// Output style of dates; only ISO is written.
    DateStyle,
    /// Can be shown only.
    ReadOnly,
    /// UTF8 or SQL_ASCII in any spelling.
    Encoding,
}

struct Setting {
    /// As SHOW ALL prints it.
    name: &'static str,
    kind: Kind,
    default: &'static str,
    /// Reported to the client by ParameterStatus when it changes.
    reported: bool,
    description: &'static str,
}

macro_rules! settings {
    ($($name:literal $kind:expr, $default:literal $($reported:ident)?, $description:literal;)*) => {
        &[$(Setting { name: $name, kind: $kind, default: $default,
            reported: settings!(@ $($reported)?), description: $description }),*]
    };
    (@) => { false };
    (@ reported) => { true };
}

use Kind::*;

const ISOLATION: Kind =
    Enum(&["serializable", "repeatable read", "read committed", "read uncommitted"]);
const LEVELS: Kind = Enum(&[
    "debug5", "debug4", "debug3", "debug2", "debug1", "debug", "log", "info", "notice", "warning",
    "error",
]);

/// The version of PostgreSQL that is reported.
pub const SERVER_VERSION: &str = "15.0 (Qanat 0.1.0)";

static SETTINGS: &[Setting] = settings! {
    "application_name" Text, "" reported, "Name of the application, shown in pg_stat_activity.";
    "bytea_output" Enum(&["hex", "escape"]), "hex", "Output format of bytea.";
    "check_function_bodies" Bool, "on", "Accepted for dumps; there are no routines.";
    "client_encoding" Encoding, "UTF8" reported, "Encoding of the client; only UTF8.";
    "client_min_messages" LEVELS, "notice", "Least severe message sent to the client.";
    "DateStyle" DateStyle, "ISO, MDY" reported, "Output style and input order of dates.";
    "default_table_access_method" Enum(&["heap"]), "heap", "How tables are kept, by its name in PostgreSQL.";
    "default_transaction_deferrable" Bool, "off", "Default of DEFERRABLE.";
    "default_transaction_isolation" ISOLATION, "read committed", "Isolation level of new transactions.";
    "default_transaction_read_only" Bool, "off" reported, "Whether new transactions are read-only.";
    "default_with_oids" Enum(&["off"]), "off", "Always off.";
    "enable_hashjoin" Bool, "on", "Whether the planner considers hash joins.";
    "enable_indexscan" Bool, "on", "Whether the planner considers index scans.";
    "extra_float_digits" Integer(-15, 3), "1", "Digits of floating-point output; above 0 shortest exact.";
    "idle_in_transaction_session_timeout" Milliseconds, "0", "Ends a session idle in a transaction for so long.";
    "idle_session_timeout" Milliseconds, "0", "Ends a session idle for so long.";
    "in_hot_standby" ReadOnly, "off" reported, "Always off.";
    "integer_datetimes" ReadOnly, "on" reported, "Always on.";
    "IntervalStyle" Enum(&["postgres"]), "postgres" reported, "Output style of intervals.";
    "is_superuser" ReadOnly, "on" reported, "Without accounts everybody is.";
    "jit" Bool, "off", "Accepted; there is no just-in-time compilation.";
    "lc_collate" ReadOnly, "C", "Collation order.";
    "lc_ctype" ReadOnly, "C.UTF-8", "Character classes.";
    "lc_messages" Text, "C", "Language of messages.";
    "lc_monetary" Text, "C", "Money format.";
    "lc_numeric" Text, "C", "Number format of to_char.";
    "lc_time" Text, "C", "Names of days and months of to_char.";
    "lock_timeout" Milliseconds, "0", "Longest wait for a lock; 0 waits for ever.";
    "max_connections" ReadOnly, "1000", "Most connections of the listener.";
    "max_identifier_length" ReadOnly, "63", "Longest name, bytes.";
    "max_index_keys" ReadOnly, "32", "Most columns of an index.";
    "password_encryption" Enum(&["scram-sha-256"]), "scram-sha-256", "How passwords are stored.";
    "role" Text, "none", "The current role.";
    "row_security" Bool, "on", "Accepted for dumps; there are no policies.";
    "search_path" Text, "\"$user\", public", "Schemas searched for unqualified names.";
    "server_encoding" ReadOnly, "UTF8" reported, "Encoding of the store.";
    "server_version" ReadOnly, "15.0 (Qanat 0.1.0)" reported, "Version of PostgreSQL that is spoken.";
    "server_version_num" ReadOnly, "150000", "The same as a number.";
    "session_authorization" Text, "" reported, "The session's user.";
    "standard_conforming_strings" Enum(&["on"]), "on" reported, "Backslashes in '…' are literal; always on.";
    "statement_timeout" Milliseconds, "0", "Longest run of a statement; 0 for ever.";
    "synchronize_seqscans" Bool, "on", "Accepted for dumps.";
    "synchronous_commit" Enum(&["on", "off", "local", "remote_write", "remote_apply"]), "on",
        "off: a commit is handed to the system before the reply and on disk within a second.";
    "TimeZone" Zone, "UTC" reported, "The session's time zone.";
    "transaction_deferrable" Bool, "off", "DEFERRABLE of this transaction.";
    "transaction_isolation" ISOLATION, "read committed", "Isolation level of this transaction.";
    "transaction_read_only" Bool, "off", "Whether this transaction is read-only.";
    "work_mem" Kilobytes, "64MB", "Memory for the sorts, joins and groups of one statement.";
    "xmloption" Enum(&["content", "document"]), "content", "Accepted for dumps; there is no XML.";
    "geqo" Bool, "on", "Accepted; the planner has one search.";
    "seq_page_cost" Real(0.0, 1e10), "1", "Planner's cost of a page in order.";
    "random_page_cost" Real(0.0, 1e10), "4", "Planner's cost of a page out of order.";
};

fn find(name: &str) -> Result<&'static Setting> {
    let found = SETTINGS.iter().find(|setting| setting.name.eq_ignore_ascii_case(name));
    found.ok_or_else(|| query::function::no_setting(name))
}

/// One row of SHOW ALL and pg_settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The setting.
    pub name: &'static str,
    /// Its value now.
    pub value: String,
    /// What it is.
    pub description: &'static str,
}

/// Values by the names of the table.
type Values = BTreeMap<&'static str, String>;

/// The settings of one session.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What differs from the defaults.
    values: Values,
    /// SET LOCAL, until the transaction ends.
    local: Values,
    /// `values` when the transaction began, kept by its first change.
    saved: Option<Values>,
    /// Whether a transaction is open.
    in_transaction: bool,
    /// Level and read-only of the open transaction, as SHOW prints them.
    transaction: Option<(&'static str, bool)>,
    /// Values that the connection started with: RESET goes back to these.
    initial: Values,
    quick: Quick,
}

/// The values that every statement asks for, parsed; from the same table.
#[derive(Debug, Clone)]
pub struct Quick {
    /// Another number after each change of any value.
    pub generation: u64,
    /// Milliseconds; 0: for ever.
    pub lock_timeout: u64,
    /// Milliseconds; 0: for ever.
    pub statement_timeout: u64,
    /// Milliseconds; 0: for ever.
    pub idle_session_timeout: u64,
    /// Milliseconds; 0: for ever.
    pub idle_in_transaction_session_timeout: u64,
    /// Bytes.
    pub work_mem: usize,
    /// The zone's name.
    pub zone: Arc<str>,
    /// `synchronous_commit` is off.
    pub is_asynchronous: bool,
    /// `default_transaction_isolation`.
    pub default_isolation: &'static str,
    /// `default_transaction_read_only`.
    pub default_read_only: bool,
    /// `bytea_output` is escape.
    pub escapes_bytes: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let quick = Quick {
            generation: 0,
            lock_timeout: 0,
            statement_timeout: 0,
            idle_session_timeout: 0,
            idle_in_transaction_session_timeout: 0,
            work_mem: 0,
            zone: "UTC".into(),
            is_asynchronous: false,
            default_isolation: "",
            default_read_only: false,
            escapes_bytes: false,
        };
        let mut settings = Self {
            values: Values::new(),
            local: Values::new(),
            saved: None,
            in_transaction: false,
            transaction: None,
            initial: Values::new(),
            quick,
        };
        settings.changed();
        settings
    }
}

impl Settings {
    /// A setting's value.
    pub fn get(&self, name: &str) -> Result<&str> {
        let setting = find(name)?;
        Ok(self.of_transaction(setting.name).unwrap_or_else(|| {
            let own = self.local.get(setting.name).or_else(|| self.values.get(setting.name));
            own.map_or(setting.default, String::as_str)
        }))
    }

    /// What the open transaction says of itself.
    fn of_transaction(&self, name: &str) -> Option<&'static str> {
        let (level, read_only) = self.transaction?;
        match name {
            "transaction_isolation" => Some(level),
            "transaction_read_only" => Some(if read_only { "on" } else { "off" }),
            _ => None,
        }
    }

    /// A setting known to exist.
    pub fn value(&self, name: &str) -> &str {
        self.get(name).unwrap_or("")
    }

    /// The values that every statement asks for.
    #[inline]
    pub fn quick(&self) -> &Quick {
        &self.quick
    }

    /// Renews what is derived from the values; called by whatever changes one.
    fn changed(&mut self) {
        let isolation = self.value("default_transaction_isolation").to_owned();
        let known = |word: &&&str| **word == isolation;
        let default_isolation = match ISOLATION {
            Enum(words) => words.iter().find(known).copied().unwrap_or("read committed"),
            _ => "read committed",
        };
        self.quick = Quick {
            generation: self.quick.generation + 1,
            lock_timeout: self.millis("lock_timeout"),
            statement_timeout: self.millis("statement_timeout"),
            idle_session_timeout: self.millis("idle_session_timeout"),
            idle_in_transaction_session_timeout: self.millis("idle_in_transaction_session_timeout"),
            work_mem: self.bytes("work_mem"),
            zone: self.value("TimeZone").into(),
            is_asynchronous: self.value("synchronous_commit") == "off",
            default_isolation,
            default_read_only: self.on("default_transaction_read_only"),
            escapes_bytes: self.value("bytea_output") == "escape",
        };
    }

    /// Keeps the values for a rollback, at the first change in a transaction.
    fn save(&mut self) {
        if self.in_transaction && self.saved.is_none() {
            self.saved = Some(self.values.clone());
        }
    }

    /// Changes a setting; `local`: until the transaction ends.
    pub fn set(&mut self, name: &str, value: &str, local: bool) -> Result<()> {
        let setting = find(name)?;
        if setting.name.starts_with("transaction_") {
            // SET and BEGIN speak to the transaction itself; here nobody would hear it.
            let what = format!("changing \"{}\" other than by SET", setting.name);
            return Err(Error::unsupported(what));
        }
        let value = check(setting, value)?;
        if local {
            self.local.insert(setting.name, value);
        } else {
            self.save();
            self.local.remove(setting.name);
            self.values.insert(setting.name, value);
        }
        self.changed();
        Ok(())
    }

    /// Changes a setting at connection time: what RESET goes back to.
    pub fn start_with(&mut self, name: &str, value: &str) -> Result<()> {
        self.set(name, value, false)?;
        self.initial = self.values.clone();
        Ok(())
    }

    /// RESET and SET … TO DEFAULT.
    pub fn reset(&mut self, name: &str, local: bool) -> Result<()> {
        let setting = find(name)?;
        if matches!(setting.kind, ReadOnly) {
            return Err(read_only(setting));
        }
        let initial = self.initial.get(setting.name).cloned();
        if local {
            self.local.insert(setting.name, initial.unwrap_or_else(|| setting.default.to_owned()));
            self.changed();
            return Ok(());
        }
        self.save();
        self.local.remove(setting.name);
        match initial {
            Some(value) => self.values.insert(setting.name, value),
            None => self.values.remove(setting.name),
        };
        self.changed();
        Ok(())
    }

    /// RESET ALL.
    pub fn reset_all(&mut self) {
        self.save();
        self.values = self.initial.clone();
        self.local.clear();
        self.changed();
    }

    /// A transaction begins.
    pub fn begin(&mut self, level: &'static str, read_only: bool) {
        if !self.in_transaction {
            self.saved = None;
        }
        self.in_transaction = true;
        self.transaction = Some((level, read_only));
    }

    /// The level of the open transaction, or of the next one, by name.
    pub fn transaction_isolation(&self) -> &'static str {
        self.transaction.map_or(self.quick.default_isolation, |(level, _)| level)
    }

    /// The open transaction may write or not, from now on.
    pub fn set_read_only(&mut self, read_only: bool) {
        if let Some(transaction) = &mut self.transaction {
            transaction.1 = read_only;
        }
    }

    /// A transaction ends.
    pub fn end(&mut self, committed: bool) {
        self.in_transaction = false;
        self.transaction = None;
        let saved = self.saved.take();
        if self.local.is_empty() && (committed || saved.is_none()) {
            return;
        }
        self.local.clear();
        if let (Some(saved), false) = (saved, committed) {
            self.values = saved;
        }
        self.changed();
    }

    /// Every setting in name order.
    pub fn all(&self) -> Vec<Shown> {
        let mut all: Vec<Shown> = SETTINGS
            .iter()
            .map(|setting| Shown {
                name: setting.name,
                value: self.value(setting.name).to_owned(),
                description: setting.description,
            })
            .collect();
        all.sort_by_key(|shown| shown.name.to_ascii_lowercase());
        all
    }

    /// The settings that a client is told of, with their values.
    pub fn reported(&self) -> impl Iterator<Item = (&'static str, &str)> {
        SETTINGS.iter().filter(|s| s.reported).map(|s| (s.name, self.value(s.name)))
    }

    /// A duration setting in milliseconds; 0 where it is off.
    pub fn millis(&self, name: &str) -> u64 {
        parse_millis(self.value(name)).unwrap_or(0).max(0) as u64
    }

    /// A memory setting in bytes.
    pub fn bytes(&self, name: &str) -> usize {
        parse_kilobytes(self.value(name)).unwrap_or(0).max(0) as usize * 1024
    }

    /// Whether a boolean setting is on.
    pub fn on(&self, name: &str) -> bool {
        self.value(name) == "on"
    }
}

fn read_only(setting: &Setting) -> Error {
    let message = format!("parameter \"{}\" cannot be changed", setting.name);
    Error::new(ErrorKind::State, "55P02", message)
}

fn invalid(setting: &Setting, value: &str) -> Error {
    let message = format!("invalid value for parameter \"{}\": \"{value}\"", setting.name);
    Error::new(ErrorKind::Type, "22023", message)
}

/// Checks a value and brings it to its normal form.
fn check(setting: &Setting, value: &str) -> Result<String> {
    let bad = || invalid(setting, value);
    match setting.kind {
        ReadOnly => Err(read_only(setting)),
        Text => Ok(value.to_owned()),
        Bool => match parse_bool(value) {
            Some(true) => Ok("on".into()),
            Some(false) => Ok("off".into()),
            None => {
                let message = format!("parameter \"{}\" requires a Boolean value", setting.name);
                Err(Error::new(ErrorKind::Type, "22023", message))
            }
        },
        Integer(min, max) => {
            let number: i64 = value.trim().parse().map_err(|_| bad())?;
            in_range(setting, number, min, max)?;
            Ok(number.to_string())
        }
        Real(min, max) => {
            let number: f64 = value.trim().parse().map_err(|_| bad())?;
            if !(min..=max).contains(&number) {
                return Err(bad());
            }
            Ok(number.to_string())
        }
        Milliseconds => {
            let millis = parse_millis(value).ok_or_else(bad)?;
            in_range(setting, millis, 0, i64::from(i32::MAX))?;
            Ok(if millis == 0 { "0".into() } else { value.trim().to_owned() })
        }
        Kilobytes => {
            let kilobytes = parse_kilobytes(value).ok_or_else(bad)?;
            in_range(setting, kilobytes, 64, i64::from(i32::MAX))?;
            Ok(value.trim().to_owned())
        }
        Enum(words) => {
            let value = if setting.name == "synchronous_commit"
                || setting.name == "standard_conforming_strings"
            {
                match parse_bool(value) {
                    Some(true) => "on",
                    Some(false) => "off",
                    None => value,
                }
            } else {
                value
            };
            let word = words.iter().find(|word| word.eq_ignore_ascii_case(value));
            word.map(|word| (*word).to_owned()).ok_or_else(bad)
        }
        Encoding => match value.to_ascii_uppercase().replace(['-', '_'], "").as_str() {
            "UTF8" | "UNICODE" => Ok("UTF8".into()),
            "SQLASCII" => Ok("SQL_ASCII".into()),
            _ => Err(Error::unsupported(format_args!("client encoding \"{value}\""))),
        },
        DateStyle => check_date_style(value).ok_or_else(bad),
        Zone => query::function::zone::find(value).map(|_| value.to_owned()).ok_or_else(bad),
    }
}

fn in_range(setting: &Setting, number: i64, min: i64, max: i64) -> Result<()> {
    if (min..=max).contains(&number) {
        return Ok(());
    }
    let message = format!(
        "{number} is outside the valid range for parameter \"{}\" ({min} .. {max})",
        setting.name
    );
    Err(Error::new(ErrorKind::Type, "22023", message))
}

/// Only ISO output is written; the order of input may be chosen.
fn check_date_style(value: &str) -> Option<String> {
    let mut order = "MDY";
    for word in value.split(',').map(str::trim) {
        match word.to_ascii_uppercase().as_str() {
            "ISO" | "DEFAULT" => {}
            "MDY" | "US" | "NONEURO" => order = "MDY",
            "DMY" | "EURO" | "EUROPEAN" => order = "DMY",
            "YMD" => order = "YMD",
            _ => return None,
        }
    }
    Some(format!("ISO, {order}"))
}

/// A boolean as PostgreSQL reads it: any unambiguous prefix.
pub fn parse_bool(text: &str) -> Option<bool> {
    let text = text.trim().to_ascii_lowercase();
    let prefix = |word: &str, least: usize| text.len() >= least && word.starts_with(&text);
    match text.as_str() {
        "1" => Some(true),
        "0" => Some(false),
        "" => None,
        _ if prefix("true", 1) || prefix("yes", 1) || prefix("on", 2) => Some(true),
        _ if prefix("false", 1) || prefix("no", 1) || prefix("off", 2) => Some(false),
        _ => None,
    }
}

fn split_unit(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let number: f64 = text[..end].trim().parse().ok()?;
    number.is_finite().then(|| (number, text[end..].trim()))
}

fn parse_millis(text: &str) -> Option<i64> {
    let (number, unit) = split_unit(text)?;
    let factor = match unit {
        "" | "ms" => 1.0,
        "us" => 0.001,
        "s" => 1000.0,
        "min" => 60_000.0,
        "h" => 3_600_000.0,
        "d" => 86_400_000.0,
        _ => return None,
    };
    Some((number * factor).round() as i64)
}

fn parse_kilobytes(text: &str) -> Option<i64> {
    let (number, unit) = split_unit(text)?;
    let factor = match unit {
        "" | "kB" => 1.0,
        "B" => 1.0 / 1024.0,
        "MB" => 1024.0,
        "GB" => 1_048_576.0,
        "TB" => 1_073_741_824.0,
        _ => return None,
    };
    Some((number * factor).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked_and_normalised() {
        let mut settings = Settings::default();
        settings.set("jit", "tr", false).unwrap();
        assert_eq!(settings.get("JIT").unwrap(), "on");
        settings.set("statement_timeout", "2 s", false).unwrap();
        assert_eq!(settings.millis("statement_timeout"), 2000);
        settings.set("work_mem", "4MB", false).unwrap();
        assert_eq!(settings.bytes("work_mem"), 4 << 20);
        assert_eq!(settings.set("no_such", "1", false).unwrap_err().sqlstate, "42704");
        assert_eq!(settings.set("server_version", "9", false).unwrap_err().sqlstate, "55P02");
        assert_eq!(settings.set("IntervalStyle", "iso_8601", false).unwrap_err().sqlstate, "22023");
        assert_eq!(settings.set("client_encoding", "latin1", false).unwrap_err().sqlstate, "0A000");
    }

    #[test]
    fn a_rolled_back_transaction_undoes_its_settings() {
        let mut settings = Settings::default();
        settings.begin("serializable", true);
        assert_eq!(settings.get("transaction_isolation").unwrap(), "serializable");
        assert_eq!(settings.get("transaction_read_only").unwrap(), "on");
        settings.set("application_name", "a", false).unwrap();
        settings.set("lock_timeout", "5", true).unwrap();
        assert_eq!(settings.quick().lock_timeout, 5);
        let generation = settings.quick().generation;
        settings.end(false);
        assert_ne!(settings.quick().generation, generation);
        assert_eq!(settings.quick().lock_timeout, 0);
        assert_eq!(settings.get("transaction_isolation").unwrap(), "read committed");
        assert_eq!(settings.get("application_name").unwrap(), "");
        assert_eq!(settings.millis("lock_timeout"), 0);
        settings.begin("read committed", false);
        settings.set("application_name", "a", false).unwrap();
        settings.set("application_name", "b", true).unwrap();
        assert_eq!(settings.get("application_name").unwrap(), "b");
        settings.end(true);
        assert_eq!(settings.get("application_name").unwrap(), "a");
    }
}
