//! The packets that open a connection: they have no type byte, and the version tells their kind.
//!
//! ```text
//!   80877103  SSLRequest          answer one byte, S or N; the client then sends another packet
//!   80877104  GSSENCRequest       answer one byte, G or N
//!   80877102  CancelRequest       process id, secret; no answer at all
//!   3 << 16 | minor               "user\0postgres\0database\0main\0…\0\0"
//! ```
//!
//! A newer minor version or a parameter `_pq_.*` is no error: the server says what it can with
//! NegotiateProtocolVersion and goes on.
//!
//! **Invariants.** The length is checked against its small limit before bytes are awaited. After
//! SSLRequest no byte may be in the buffer yet: whoever answers `S` must check that (bytes sent in
//! clear before the handshake could be a stranger's). Parameters are UTF-8.
//!
//! **Rejected.** Protocol 2: gone from PostgreSQL since version 14.

use memchr::memchr;

use crate::limits::PostgresLimits;
use crate::postgres::error::{NotUtf8, StartupError};

const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;
const CANCEL_REQUEST: u32 = 80_877_102;

/// The version that this server speaks, as its number on the wire.
pub const VERSION: u32 = 3 << 16;

/// A connection's first packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Startup<'a> {
    /// May we encrypt? Answer `S` or `N`.
    Ssl,
    /// May we encrypt by GSSAPI? Answer `G` or `N`.
    Gss,
    /// Cancel what another connection runs; close without an answer.
    Cancel {
        /// From that connection's BackendKeyData.
        process: i32,
        /// The same; four bytes for protocol 3.0.
        secret: &'a [u8],
    },
    /// Begin a session.
    Session(StartupMessage<'a>),
}

/// What a client says when it begins a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartupMessage<'a> {
    /// The minor version asked for; anything above 0 is negotiated down.
    pub minor: u16,
    /// Names and values, each ended by NUL, checked.
    parameters: &'a [u8],
}

impl<'a> StartupMessage<'a> {
    /// All parameters in order.
    pub fn parameters(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let mut words = self.parameters.split(|byte| *byte == 0);
        std::iter::from_fn(move || {
            let name = words.next().filter(|name| !name.is_empty())?;
            Some((text(name), text(words.next()?)))
        })
    }

    /// The last value of a parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.parameters().filter(|(known, _)| *known == name).last().map(|(_, value)| value)
    }

    /// The user; never empty.
    #[must_use]
    pub fn user(&self) -> &'a str {
        self.get("user").unwrap_or_default()
    }

    /// The database; the user's name where none is given.
    #[must_use]
    pub fn database(&self) -> &'a str {
        self.get("database").filter(|name| !name.is_empty()).unwrap_or_else(|| self.user())
    }

    /// Protocol options (`_pq_.*`) that nobody here knows: NegotiateProtocolVersion lists them.
    pub fn unknown_options(&self) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        let names: Vec<_> = self.parameters().map(|(name, _)| name).collect();
        names.into_iter().filter(|name| name.starts_with("_pq_."))
    }

    /// Whether NegotiateProtocolVersion must be sent before authentication.
    #[must_use]
    pub fn needs_negotiation(&self) -> bool {
        self.minor > 0 || self.unknown_options().next().is_some()
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// The first packet of `input` and its length, or `None` if bytes are missing.
///
/// # Errors
/// The bytes are no such packet, or it is over its limit.
pub fn startup<'a>(
    input: &'a [u8],
    limits: &PostgresLimits,
) -> Result<Option<(Startup<'a>, usize)>, StartupError> {
    let Some((head, _)) = input.split_first_chunk() else { return Ok(None) };
    let length = u32::from_be_bytes(*head);
    if length < 8 || length > limits.startup_bytes_max {
        return Err(StartupError::Length);
    }
    let length = length as usize;
    let Some(packet) = input.get(4..length) else { return Ok(None) };
    let (version, body) = packet.split_first_chunk().ok_or(StartupError::Length)?;
    let version = u32::from_be_bytes(*version);
    let startup = match version {
        SSL_REQUEST => Startup::Ssl,
        GSS_REQUEST => Startup::Gss,
        CANCEL_REQUEST => cancel(body)?,
        _ => Startup::Session(session(version, body)?),
    };
    Ok(Some((startup, length)))
}

fn cancel(body: &[u8]) -> Result<Startup<'_>, StartupError> {
    let (process, secret) = body.split_first_chunk().ok_or(StartupError::Length)?;
    if !(4..=256).contains(&secret.len()) {
        return Err(StartupError::Length);
    }
    Ok(Startup::Cancel { process: i32::from_be_bytes(*process), secret })
}

fn session(version: u32, body: &[u8]) -> Result<StartupMessage<'_>, StartupError> {
    let (major, minor) = ((version >> 16) as u16, version as u16);
    if major != 3 {
        return Err(StartupError::Version { major, minor });
    }
    let mut rest = body;
    loop {
        match word(&mut rest)? {
            [] if rest.is_empty() => break,
            [] => return Err(StartupError::Layout),
            name => {
                let value = word(&mut rest)?;
                NotUtf8::check(name).map_err(StartupError::Text)?;
                NotUtf8::check(value).map_err(StartupError::Text)?;
            }
        }
    }
    let message = StartupMessage { minor, parameters: body };
    if message.user().is_empty() {
        return Err(StartupError::NoUser);
    }
    Ok(message)
}

fn word<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], StartupError> {
    let end = memchr(0, rest).ok_or(StartupError::Layout)?;
    let (word, tail) = rest.split_at_checked(end).ok_or(StartupError::Layout)?;
    *rest = tail.get(1..).unwrap_or_default();
    Ok(word)
}
