//! The command line.
//!
//! ```text
//!   qanat                        serve on the defaults
//!   qanat serve --store … --postgres ADDRESS|off …
//!   qanat check --store …
//!   qanat version
//! ```
//!
//! Each option of `serve` stands under the same name in the configuration file and, with QANAT_ in
//! front, in the environment; the flag wins, then the environment, then the file. So every option
//! is an `Option` here: what nobody said is decided in `config`, in one place.
//!
//! **Invariant.** Commands that are known but not built yet are commands, so that they can be
//! refused by name and not as a mistake in writing.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::{Durability, LogFormat, Size};
use crate::listen::Listen;

/// What `--version` and `qanat version` say.
pub const VERSION: &str = concat!("qanat ", env!("CARGO_PKG_VERSION"));

const EXAMPLES: &str = "\
Examples:
  qanat                                     serve ./qanat-data to psql and redis-cli
  qanat serve --store memory: --redis off   PostgreSQL's protocol alone, nothing kept
  qanat serve --durability interval         acknowledge before the disk does (at most 1 s is lost
                                            when the machine fails, nothing when qanat does)
  qanat check --store file:./qanat-data     verify a store that no process has open

Then:
  psql -h 127.0.0.1 main                    any user name; there are no accounts yet
  redis-cli -h 127.0.0.1                    the same data

Without accounts qanat listens on this machine's loopback addresses only.";

const SERVE_HELP: &str = "\
Each option may also stand in qanat.toml under the same name, as in
  store = \"file:/var/lib/qanat\"
  durability = \"interval\"
  redis = \"off\"
or in the environment as QANAT_STORE, QANAT_DURABILITY, QANAT_REDIS, … A flag wins over the
environment, the environment over the file. A key that is not known is an error.

Signals: INT or TERM stops: no new connection, statements that run get 10 s, the store is closed.
A second one ends at once (the next start replays the log; nothing acknowledged is lost).";

/// One store for every data model, behind the protocols of PostgreSQL and Redis.
#[derive(Debug, Parser)]
#[command(name = "qanat", version, after_help = EXAMPLES, propagate_version = false)]
#[command(disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

impl Cli {
    /// The command; without one, serving on what environment and file say.
    pub fn chosen(self) -> Command {
        match self.command {
            Some(command) => command,
            None => Cli::parse_from(["qanat", "serve"]).command.unwrap_or(Command::Version),
        }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve a store to clients (what `qanat` alone does)
    #[command(after_help = SERVE_HELP)]
    Serve(Box<Serve>),
    /// Verify a store's files before anything opens them
    #[command(long_about = "Verify a store's files before anything opens them.\n\nReads every \
        byte of the log and of the tables and changes nothing. Prints one line for each file. \
        Exit status: 0 the store is whole, 1 something is damaged, 2 it cannot be read (no such \
        store, or a process has it open).")]
    Check(Check),
    /// Print the version
    Version,
    /// Talk to a store (unsupported yet)
    #[command(hide = true)]
    Shell(Anything),
    /// Load data from files (unsupported yet)
    #[command(hide = true)]
    Import(Anything),
    /// Write data to files (unsupported yet)
    #[command(hide = true)]
    Export(Anything),
    /// Copy a running store (unsupported yet)
    #[command(hide = true)]
    Backup(Anything),
    /// Bring a backup back (unsupported yet)
    #[command(hide = true)]
    Restore(Anything),
    /// Make and change accounts (unsupported yet)
    #[command(hide = true)]
    User(Anything),
    /// Measure (unsupported yet)
    #[command(hide = true)]
    Bench(Anything),
    /// The console (unsupported yet)
    #[command(hide = true)]
    Web(Anything),
}

impl Command {
    /// Its name on the command line.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Serve(_) => "serve",
            Self::Check(_) => "check",
            Self::Version => "version",
            Self::Shell(_) => "shell",
            Self::Import(_) => "import",
            Self::Export(_) => "export",
            Self::Backup(_) => "backup",
            Self::Restore(_) => "restore",
            Self::User(_) => "user",
            Self::Bench(_) => "bench",
            Self::Web(_) => "web",
        }
    }
}

/// Arguments of a command that is not built yet; whatever they are, the answer is the same.
#[derive(Debug, Args)]
pub struct Anything {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _words: Vec<String>,
}

/// Options of `qanat serve`.
#[derive(Debug, Default, Args)]
pub struct Serve {
    /// Where the data lives: memory: or file:PATH [default: file:./qanat-data]
    #[arg(long, value_name = "ADDRESS", env = "QANAT_STORE", hide_env = true)]
    pub store: Option<String>,

    /// Listen for PostgreSQL clients [default: 127.0.0.1:5432]
    #[arg(long, value_name = "ADDRESS|off", env = "QANAT_POSTGRES", hide_env = true)]
    pub postgres: Option<Listen>,

    /// Listen for Redis clients [default: 127.0.0.1:6379]
    #[arg(long, value_name = "ADDRESS|off", env = "QANAT_REDIS", hide_env = true)]
    pub redis: Option<Listen>,

    /// Listen for MySQL clients; unsupported yet [default: off]
    #[arg(long, value_name = "ADDRESS|off", env = "QANAT_MYSQL", hide_env = true)]
    pub mysql: Option<Listen>,

    /// Listen for MongoDB clients; unsupported yet [default: off]
    #[arg(long, value_name = "ADDRESS|off", env = "QANAT_MONGO", hide_env = true)]
    pub mongo: Option<Listen>,

    /// Listen for HTTP and WebSocket; unsupported yet [default: off]
    #[arg(long, value_name = "ADDRESS|off", env = "QANAT_WEB", hide_env = true)]
    pub web: Option<Listen>,

    /// When a commit counts as done: sync (on disk), interval (with the system, on disk within
    /// 1 s) or none (within 100 ms) [default: sync]
    #[arg(long, value_name = "WHEN", env = "QANAT_DURABILITY", hide_env = true)]
    pub durability: Option<Durability>,

    /// Memory for versions, caches, sorts and writes, as 512MB or 4GB [default: a quarter of the
    /// machine's or of its cgroup's]
    #[arg(long, value_name = "SIZE", env = "QANAT_MEMORY", hide_env = true)]
    pub memory: Option<Size>,

    /// Most connections of each listener; one more is told so and closed [default: 1000]
    #[arg(long, value_name = "COUNT", env = "QANAT_MAX_CONNECTIONS", hide_env = true)]
    #[arg(value_parser = crate::config::positive)]
    pub max_connections: Option<usize>,

    /// Threads that serve connections [default: one for each processor]
    #[arg(long, value_name = "COUNT", env = "QANAT_THREADS", hide_env = true)]
    #[arg(value_parser = crate::config::positive)]
    pub threads: Option<usize>,

    /// Longest message of a PostgreSQL client: a statement with its values [default: 1GB]
    #[arg(long, value_name = "SIZE", env = "QANAT_MAX_MESSAGE", hide_env = true)]
    pub max_message: Option<Size>,

    /// Read this configuration file [default: ./qanat.toml, if there is one]
    #[arg(long, value_name = "FILE", env = "QANAT_CONFIG", hide_env = true)]
    pub config: Option<PathBuf>,

    /// What is logged: error, warn, info, debug, trace, or by part as protocol=debug,info
    /// [default: info]
    #[arg(long, value_name = "LEVEL", env = "QANAT_LOG_LEVEL", hide_env = true)]
    pub log_level: Option<String>,

    /// How the log looks, on standard error: text or json [default: text]
    #[arg(long, value_name = "FORMAT", env = "QANAT_LOG_FORMAT", hide_env = true)]
    pub log_format: Option<LogFormat>,
}

/// Options of `qanat check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The store: file:PATH [default: file:./qanat-data]
    #[arg(long, value_name = "ADDRESS", env = "QANAT_STORE", hide_env = true)]
    pub store: Option<String>,

    /// Read the store's address from this configuration file [default: ./qanat.toml, if there is
    /// one]
    #[arg(long, value_name = "FILE", env = "QANAT_CONFIG", hide_env = true)]
    pub config: Option<PathBuf>,
}

/// The variables of the environment that options read.
pub fn variables() -> Vec<String> {
    use clap::CommandFactory;
    let command = <Cli as CommandFactory>::command();
    let variables = command.get_subcommands().flat_map(clap::Command::get_arguments);
    variables.filter_map(|option| Some(option.get_env()?.to_str()?.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn commands_that_are_not_built_are_known_by_name() {
        for name in ["shell", "import", "export", "backup", "restore", "user", "bench", "web"] {
            let cli = Cli::try_parse_from(["qanat", name, "--some", "thing"]).unwrap();
            assert_eq!(cli.chosen().name(), name);
        }
        assert!(Cli::try_parse_from(["qanat", "frobnicate"]).is_err());
    }

    #[test]
    fn unknown_flags_and_values_are_refused() {
        let serve = |flags: &[&str]| {
            let words = ["qanat", "serve"].iter().chain(flags);
            Cli::try_parse_from(words).map(|_| ()).map_err(|error| error.to_string())
        };
        assert!(serve(&["--stoer", "memory:"]).unwrap_err().contains("--stoer"));
        assert!(serve(&["--durability", "often"]).unwrap_err().contains("often"));
        assert!(serve(&["--memory", "lots"]).unwrap_err().contains("lots"));
        assert!(serve(&["--postgres", "0.0.0.0:5432"]).unwrap_err().contains("loopback"));
        assert!(serve(&["--max-connections", "0"]).is_err());
        assert!(serve(&["--postgres", "off", "--redis", "[::1]:1", "--memory", "1GB"]).is_ok());
    }

    #[test]
    fn every_option_has_a_variable() {
        let known = variables();
        for name in ["QANAT_STORE", "QANAT_POSTGRES", "QANAT_LOG_FORMAT", "QANAT_MAX_MESSAGE"] {
            assert!(known.iter().any(|known| known == name), "{name}");
        }
        let serve = Cli::command().find_subcommand("serve").unwrap().clone();
        for option in serve.get_arguments().filter(|option| option.get_id() != "help") {
            let name = option.get_id().as_str().to_uppercase();
            assert_eq!(option.get_env().unwrap().to_str().unwrap(), format!("QANAT_{name}"));
        }
    }
}
