//! What the server runs with: flags, environment and file, put together once.
//!
//! ```text
//!   flag ─▶ QANAT_… ─▶ qanat.toml ─▶ default        the first that says something counts
//! ```
//!
//! The file's keys are the flags' names. It is read strictly: a key that is not known, or a value
//! that does not read, is an error with its line, since a setting that is silently not in force is
//! found on the day that it was needed.
//!
//! **Invariant.** A `Config` is checked: it can be served, or `read` said why not.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Deserialize;

use crate::arguments::Serve;
use crate::listen::Listen;

/// The file that is read where none is named.
const FILE: &str = "qanat.toml";

/// What to serve and how.
#[derive(Debug)]
pub struct Config {
    /// The store's address.
    pub store: String,
    /// PostgreSQL's listener.
    pub postgres: Listen,
    /// Redis's listener.
    pub redis: Listen,
    /// When a commit counts as done.
    pub durability: Durability,
    /// Bytes; `None`: a quarter of the machine's.
    pub memory: Option<usize>,
    /// Of each listener.
    pub max_connections: usize,
    /// That serve connections.
    pub threads: usize,
    /// Bytes of one message.
    pub max_message: usize,
    /// What is logged.
    pub log_level: String,
    /// How.
    pub log_format: LogFormat,
    /// The file that was read.
    pub file: Option<PathBuf>,
}

/// When a commit counts as done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Durability(pub qanat::Durability);

impl FromStr for Durability {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        qanat::options::durability_of(text).map(Self).map_err(|error| error.message.to_string())
    }
}

impl std::fmt::Display for Durability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            qanat::Durability::Sync => "sync",
            qanat::Durability::Interval => "interval",
            qanat::Durability::None => "none",
        })
    }
}

/// Bytes, written with a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Number")]
pub struct Size(pub usize);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        qanat::options::size_of(text).map(Self).map_err(|error| error.message.to_string())
    }
}

/// A size in a file: with a unit in quotes, or a plain number of bytes.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Bytes(usize),
    Text(String),
}

impl TryFrom<Number> for Size {
    type Error = String;

    fn try_from(number: Number) -> Result<Self, String> {
        match number {
            Number::Bytes(bytes) => Ok(Self(bytes)),
            Number::Text(text) => text.parse(),
        }
    }
}

/// How the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum LogFormat {
    /// A line for people.
    #[default]
    Text,
    /// An object on a line for machines.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("\"{text}\" is not a log format: use text or json")),
        }
    }
}

macro_rules! from_strings {
    ($($name:ident),*) => { $(
        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }
    )* };
}

from_strings!(Durability, LogFormat);

/// A number above 0.
pub fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err(format!("\"{text}\" is not a number above 0")),
        Ok(number) => Ok(number),
    }
}

/// What may stand in the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    store: Option<String>,
    postgres: Option<Listen>,
    redis: Option<Listen>,
    mysql: Option<Listen>,
    mongo: Option<Listen>,
    web: Option<Listen>,
    durability: Option<Durability>,
    memory: Option<Size>,
    max_connections: Option<std::num::NonZeroUsize>,
    threads: Option<std::num::NonZeroUsize>,
    max_message: Option<Size>,
    log_level: Option<String>,
    log_format: Option<LogFormat>,
}

/// The named file, else `./qanat.toml` if there is one.
fn read_file(named: Option<&Path>) -> Result<(File, Option<PathBuf>), String> {
    let path = named.unwrap_or(Path::new(FILE));
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
            return Ok((File::default(), None));
        }
        Err(error) => return Err(format!("{}: {error}", path.display())),
    };
    let file = toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok((file, Some(path.to_owned())))
}

/// The store's address for a command that needs nothing else.
///
/// # Errors
/// The file's.
pub fn store(flag: Option<&str>, config: Option<&Path>) -> Result<String, String> {
    if let Some(store) = flag {
        return Ok(store.to_owned());
    }
    let (file, _) = read_file(config)?;
    Ok(file.store.unwrap_or_else(|| qanat::address::DEFAULT_ADDRESS.to_owned()))
}

impl Config {
    /// Puts flags (the environment's among them), file and defaults together.
    ///
    /// # Errors
    /// What is wrong, in words for whoever wrote it.
    pub fn read(flags: &Serve) -> Result<Self, String> {
        let (file, path) = read_file(flags.config.as_deref())?;
        Self::join(flags, file, path)
    }

    fn join(flags: &Serve, file: File, path: Option<PathBuf>) -> Result<Self, String> {
        for (name, product, flag, file) in [
            ("mysql", "MySQL", flags.mysql, file.mysql),
            ("mongo", "MongoDB", flags.mongo, file.mongo),
            ("web", "the web", flags.web, file.web),
        ] {
            if let Some(Listen::At(address)) = flag.or(file) {
                return Err(format!(
                    "{name} = {address}: a listener for {product} is unsupported in this version; \
                     leave it out or say off"
                ));
            }
        }
        let text = |flag: &Option<String>, file: Option<String>, default: &str| {
            flag.clone().or(file).unwrap_or_else(|| default.to_owned())
        };
        let config = Self {
            store: text(&flags.store, file.store, qanat::address::DEFAULT_ADDRESS),
            postgres: flags.postgres.or(file.postgres).unwrap_or(Listen::local(5432)),
            redis: flags.redis.or(file.redis).unwrap_or(Listen::local(6379)),
            durability: flags
                .durability
                .or(file.durability)
                .unwrap_or(Durability(qanat::Durability::Sync)),
            memory: flags.memory.or(file.memory).map(|size| size.0),
            max_connections: flags
                .max_connections
                .or(file.max_connections.map(Into::into))
                .unwrap_or(1000),
            threads: flags
                .threads
                .or(file.threads.map(Into::into))
                .or_else(|| std::thread::available_parallelism().ok().map(Into::into))
                .unwrap_or(1),
            max_message: flags.max_message.or(file.max_message).map_or(1 << 30, |size| size.0),
            log_level: text(&flags.log_level, file.log_level, "info"),
            log_format: flags.log_format.or(file.log_format).unwrap_or_default(),
            file: path,
        };
        config.checked()
    }

    fn checked(self) -> Result<Self, String> {
        let told = |error: qanat::Error| error.message.to_string();
        self.store.parse::<qanat::address::Address>().map_err(told)?;
        self.options().memory_bytes().map_err(told)?;
        if self.max_message < 1 << 16 {
            return Err(format!("max-message = {}: at least 64KB are needed", self.max_message));
        }
        match (self.postgres, self.redis) {
            (Listen::Off, Listen::Off) => Err("every listener is off: nobody could connect".into()),
            (Listen::At(one), Listen::At(other)) if one == other && one.port() != 0 => {
                Err(format!("postgres and redis are both to listen on {one}"))
            }
            _ => Ok(self),
        }
    }

    /// How the store is opened.
    pub fn options(&self) -> qanat::Options {
        qanat::Options {
            durability: self.durability.0,
            memory: self.memory,
            ..qanat::Options::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Result<File, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn flags_win_over_the_file_and_the_file_over_defaults() {
        let text = "store = 'memory:'\npostgres = '127.0.0.1:1'\nmemory = '128MB'\nredis = 'off'";
        let flags = Serve { postgres: Some(Listen::local(2)), ..Serve::default() };
        let config = Config::join(&flags, file(text).unwrap(), None).unwrap();
        assert_eq!(config.postgres, Listen::local(2));
        assert_eq!(config.redis, Listen::Off);
        assert_eq!(config.store, "memory:");
        assert_eq!(config.memory, Some(128 << 20));
        assert_eq!(config.durability.to_string(), "sync");
        let config = Config::join(&Serve::default(), File::default(), None).unwrap();
        assert_eq!(config.store, "file:./qanat-data");
        assert_eq!((config.postgres, config.redis), (Listen::local(5432), Listen::local(6379)));
        assert_eq!(config.max_connections, 1000);
    }

    #[test]
    fn the_file_is_read_strictly() {
        for (text, word) in [
            ("stoer = 'memory:'", "stoer"),
            ("durability = 'often'", "often"),
            ("postgres = '0.0.0.0:1'", "loopback"),
            ("memory = 'much'", "much"),
            ("max-connections = 0", "max-connections"),
            ("log-format = 'xml'", "xml"),
            ("[server]\nstore = 'memory:'", "server"),
        ] {
            let error = file(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
        assert_eq!(file("memory = 134217728").unwrap().memory, Some(Size(128 << 20)));
    }

    #[test]
    fn what_cannot_be_served_is_refused_by_name() {
        let refused = |flags: Serve, word: &str| {
            let error = Config::join(&flags, File::default(), None).unwrap_err();
            assert!(error.contains(word), "{error}");
        };
        let here = Some(Listen::local(9));
        refused(Serve { mysql: here, ..Serve::default() }, "MySQL is unsupported");
        refused(Serve { mongo: here, ..Serve::default() }, "MongoDB is unsupported");
        refused(Serve { web: here, ..Serve::default() }, "web is unsupported");
        refused(Serve { store: Some("tikv://x".into()), ..Serve::default() }, "tikv");
        refused(Serve { memory: Some(Size(1)), ..Serve::default() }, "64MB");
        refused(Serve { postgres: here, redis: here, ..Serve::default() }, "both");
        let off = Some(Listen::Off);
        refused(Serve { postgres: off, redis: off, ..Serve::default() }, "nobody");
        let off = Serve { mysql: off, web: off, ..Serve::default() };
        assert!(Config::join(&off, File::default(), None).is_ok());
    }
}
