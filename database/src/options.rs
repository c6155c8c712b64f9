//! How a store is opened: durability, memory, and nothing that a default cannot give.

use std::path::Path;

use transaction::Durability;

use crate::{Error, ErrorKind, Result};

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// When a commit counts as done, unless its session says otherwise.
    pub durability: Durability,
    /// Bytes for versions, caches, sorts and write sets together. `None`: a quarter of the
    /// machine's memory or of its cgroup's.
    pub memory: Option<usize>,
    /// Where statements go on that turn out to be long, so that they do not hold up the other
    /// tasks of the thread that began them. `None`: they stay. A runtime of one thread that serves
    /// many sessions wants one with more here.
    pub long_statements: Option<tokio::runtime::Handle>,
}

impl Default for Options {
    fn default() -> Self {
        Options { durability: Durability::Sync, memory: None, long_statements: None }
    }
}

/// The least budget that a store works with.
pub const MEMORY_MIN: usize = 64 << 20;

impl Options {
    /// The budget in bytes.
    pub fn memory_bytes(&self) -> Result<usize> {
        match self.memory {
            Some(bytes) if bytes < MEMORY_MIN => {
                let message = format!(
                    "a memory budget of {bytes} bytes is too small: at least 64MB are needed"
                );
                Err(Error::new(ErrorKind::Type, "22023", message))
            }
            Some(bytes) => Ok(bytes),
            None => Ok((machine_memory() / 4).max(MEMORY_MIN)),
        }
    }
}

/// Bytes of memory of the machine or of the cgroup, whichever is less.
fn machine_memory() -> usize {
    let machine =
        read_number(Path::new("/proc/meminfo"), "MemTotal:").map_or(4 << 30, |kb| kb * 1024);
    let group = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok()?.trim().parse::<usize>().ok());
    group.map_or(machine, |group| group.min(machine))
}

fn read_number(path: &Path, key: &str) -> Option<usize> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

/// A durability's name as in options and settings.
pub fn durability_of(name: &str) -> Result<Durability> {
    match name {
        "sync" => Ok(Durability::Sync),
        "interval" => Ok(Durability::Interval),
        "none" => Ok(Durability::None),
        _ => {
            let message = format!("\"{name}\" is not a durability: use sync, interval or none");
            Err(Error::new(ErrorKind::Type, "22023", message))
        }
    }
}

/// Bytes from a size with a unit: `4GB`, `512MB`, `1048576`.
pub fn size_of(text: &str) -> Result<usize> {
    let bad = || {
        Error::new(
            ErrorKind::Type,
            "22023",
            format!("\"{text}\" is not a size: use for example 512MB or 4GB"),
        )
    };
    let trimmed = text.trim();
    let end = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
    let number: usize = trimmed[..end].parse().map_err(|_| bad())?;
    let shift = match trimmed[end..].trim().to_ascii_uppercase().as_str() {
        "" | "B" => 0,
        "K" | "KB" | "KIB" => 10,
        "M" | "MB" | "MIB" => 20,
        "G" | "GB" | "GIB" => 30,
        "T" | "TB" | "TIB" => 40,
        _ => return Err(bad()),
    };
    number.checked_mul(1 << shift).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(size_of("4GB").unwrap(), 4 << 30);
        assert_eq!(size_of("64 MiB").unwrap(), 64 << 20);
        assert_eq!(size_of("10").unwrap(), 10);
        assert!(size_of("-1").is_err());
        assert!(size_of("1XB").is_err());
        assert!(size_of("99999999999999TB").is_err());
    }

    #[test]
    fn a_budget_that_is_too_small_is_refused() {
        let options = Options { memory: Some(1 << 20), ..Options::default() };
        assert!(options.memory_bytes().is_err());
        assert!(Options::default().memory_bytes().unwrap() >= MEMORY_MIN);
    }
}
