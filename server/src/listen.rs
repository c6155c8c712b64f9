//! Where a listener listens: a loopback address, or nowhere.
//!
//! ```text
//!   off                    no listener
//!   127.0.0.1:5432         [::1]:5432        localhost:5432 (127.0.0.1)
//!   0.0.0.0:5432           refused: without accounts anybody could read everything
//! ```
//!
//! **Invariant.** A `Listen` holds no address that another machine can reach. **Rejected.** Names
//! other than `localhost`: what they stand for is decided elsewhere and may change.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use serde::Deserialize;

/// An address to listen on, or `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Listen {
    /// Not at all.
    Off,
    /// Here.
    At(SocketAddr),
}

impl Listen {
    /// 127.0.0.1 at a port.
    pub const fn local(port: u16) -> Self {
        Self::At(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))
    }
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        let number = text
            .strip_prefix("localhost:")
            .map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
        let address: SocketAddr = number.parse().map_err(|_| {
            format!("\"{text}\" is no address: use for example 127.0.0.1:5432, or off")
        })?;
        match address.ip().is_loopback() {
            true => Ok(Self::At(address)),
            false => Err(format!(
                "{address} can be reached from other machines, and there are no accounts yet that \
                 would keep strangers out: only loopback addresses (127.0.0.1, [::1]) are listened \
                 on"
            )),
        }
    }
}

impl TryFrom<String> for Listen {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_or_off() {
        let parse = |text: &str| text.parse::<Listen>();
        assert_eq!(parse("off"), Ok(Listen::Off));
        assert_eq!(parse("127.0.0.1:5432"), Ok(Listen::local(5432)));
        assert_eq!(parse("localhost:5432"), Ok(Listen::local(5432)));
        assert!(matches!(parse("[::1]:1"), Ok(Listen::At(_))));
        assert!(parse("127.8.9.1:1").is_ok());
        for open in ["0.0.0.0:5432", "[::]:5432", "192.168.1.2:5432"] {
            assert!(parse(open).unwrap_err().contains("loopback"), "{open}");
        }
        for wrong in ["", "5432", "127.0.0.1", "example.com:5432", "OFF", "127.0.0.1:70000"] {
            assert!(parse(wrong).unwrap_err().contains("is no address"), "{wrong}");
        }
    }
}
