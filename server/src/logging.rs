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
    let filter = EnvFilter::try_new(directives(&config.log_level))
        .map_err(|error| format!("log-level = \"{}\": {error}", config.log_level))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    match config.log_format {
        LogFormat::Json => log.json().flatten_event(true).init(),
        LogFormat::Text => log.with_ansi(stderr().is_terminal()).init(),
    }
    Ok(())
}

/// A level alone is ours; of what we stand on, warnings are enough.
fn directives(level: &str) -> String {
    match level.contains([',', '=']) {
        true => level.to_owned(),
        false => format!("{level},lsm_tree={}", if level == "error" { "error" } else { "warn" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_or_directives() {
        for level in ["error", "info", "trace"] {
            assert!(EnvFilter::try_new(directives(level)).is_ok(), "{level}");
        }
        assert_eq!(directives("protocol=debug,info"), "protocol=debug,info");
        assert!(EnvFilter::try_new(directives("every")).is_err() || directives("every") != "every");
    }
}
