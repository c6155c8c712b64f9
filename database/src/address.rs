//! Where a store lives, as text.
//!
//! | address | store |
//! | --- | --- |
//! | `memory:` | in this process, gone with it |
//! | `file:PATH` or a bare path | a folder; the default is `file:./qanat-data` |
//! | `block:PATH`, `tikv://…`, `etcd://…` | known, and refused by name until they are built |
//!
//! Invariant: a word before a colon that is not one of these is an error, never taken for a file's
//! name.

use std::path::PathBuf;
use std::str::FromStr;

use crate::{Error, ErrorKind};

/// A parsed store address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// `memory:`
    Memory,
    /// `file:PATH`
    File(PathBuf),
}

/// Where a server keeps its data unless told otherwise.
pub const DEFAULT_ADDRESS: &str = "file:./qanat-data";

impl FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.split_once(':') {
            Some(("memory", "")) => Ok(Address::Memory),
            Some(("file", path)) if !path.is_empty() => Ok(Address::File(path.into())),
            Some((scheme @ ("block" | "tikv" | "etcd"), _)) => {
                Err(Error::unsupported(format_args!("the store address {scheme}:")))
            }
            None if !text.is_empty() => Ok(Address::File(text.into())),
            Some((scheme, _)) if scheme.contains(['/', '.']) => Ok(Address::File(text.into())),
            _ => Err(Error::new(
                ErrorKind::Syntax,
                "22023",
                format!("\"{text}\" is not a store address: use memory: or file:PATH"),
            )),
        }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Address::Memory => f.write_str("memory:"),
            Address::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert_eq!("memory:".parse::<Address>().unwrap(), Address::Memory);
        assert_eq!("file:./a".parse::<Address>().unwrap(), Address::File("./a".into()));
        assert_eq!("./a".parse::<Address>().unwrap(), Address::File("./a".into()));
        for (address, word) in
            [("tikv://pd:2379", "tikv"), ("etcd://a", "etcd"), ("block:/dev/sda", "block")]
        {
            let error = address.parse::<Address>().unwrap_err();
            assert_eq!(error.sqlstate, "0A000");
            assert!(error.message.contains(word), "{error}");
        }
        assert!("memory:x".parse::<Address>().is_err());
        assert!("".parse::<Address>().is_err());
        assert!("redis:".parse::<Address>().is_err());
    }
}
