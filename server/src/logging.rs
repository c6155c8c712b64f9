//! The log: structured events on standard error, as text or JSON.
//!
//! Levels: `error` what the operator must act on, `warn` what may become so, `info` start and stop,
//! `debug` connections and failed statements. Values of statements are never logged.
//!
//! **Rejected.** Files and rotation: whoever starts the program collects its output.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// Starts logging.
///
/// # Errors
/// A level that does not read.
pub fn start(config: &Config) -> Result<(), String> {
    let filter = EnvFilter::try_new(&config.log_level)
        .map_err(|error| format!("log-level = \"{}\": {error}", config.log_level))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    match config.log_format {
        LogFormat::Json => log.json().flatten_event(true).init(),
        LogFormat::Text => log.with_ansi(stderr().is_terminal()).init(),
    }
    Ok(())
}
