//! How a connection begins: encryption is declined, a cancel is done, or a session opens.
//!
//! ```text
//!   SSLRequest, GSSENCRequest ─▶ 'N' ─┐ (each at most once)
//!           ▲──────────────────────────┘
//!   CancelRequest ─▶ Qanat::cancel, close without a word
//!   StartupMessage ─▶ settings ─▶ Qanat::session ─▶ R, S…, K, Z
//! ```
//!
//! Without accounts anybody on this machine is let in under any name (DESIGN: The program); who is
//! let in and from where is the listener's business.
//!
//! **Invariant.** Before a session is there, a client can make us hold 10 000 bytes, for as long as
//! the limit says. **Rejected.** Answering a failed start with anything but FATAL: the client has
//! no session to go on with.

use std::io;

use qanat::{Error, ErrorKind, Qanat, Session, SessionOptions};
use tokio::io::{AsyncRead, AsyncWrite};

use super::Limits;
use super::wire::{Input, Wire};
use crate::postgres::codec::backend::Authentication;
use crate::postgres::codec::{BackendWriter, Severity, Startup, StartupMessage, startup};
use crate::postgres::error::{Source, StartupError, bad_option, respond};

/// What the client wants of a session.
struct Wanted {
    user: String,
    database: String,
    settings: Vec<(String, String)>,
    refused: Option<Error>,
}

/// Leads a connection to a session; `None` where it ends without one.
///
/// # Errors
/// The stream's.
pub(super) async fn begin<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut Wire<S>,
    input: &mut Input,
    qanat: &Qanat,
    limits: &Limits,
    refusal: Option<Error>,
) -> io::Result<Option<Session>> {
    let limit = limits.startup_time;
    let Ok(wanted) = tokio::time::timeout(limit, negotiate(wire, input, qanat, limits)).await
    else {
        return Ok(None);
    };
    let Some(mut wanted) = wanted? else { return Ok(None) };
    if let Some(error) = refusal.or_else(|| wanted.refused.take()) {
        return refuse(wire, &error).await;
    }
    match open(qanat, wanted).await {
        Ok(session) => Ok(Some(session)),
        Err(error) => refuse(wire, &error).await,
    }
}

/// Says FATAL.
pub(super) async fn refuse<S: AsyncRead + AsyncWrite + Unpin, T>(
    wire: &mut Wire<S>,
    error: &Error,
) -> io::Result<Option<T>> {
    respond(&mut wire.out, Severity::Fatal, error, Source::default(), None);
    wire.flush().await?;
    Ok(None)
}

async fn negotiate<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut Wire<S>,
    input: &mut Input,
    qanat: &Qanat,
    limits: &Limits,
) -> io::Result<Option<Wanted>> {
    let (mut ssl, mut gss) = (false, false);
    loop {
        let (wanted, length) = match startup(input.pending(), &limits.wire) {
            Ok(None) => {
                if !wire.read(input).await? {
                    return Ok(None);
                }
                continue;
            }
            // PostgreSQL closes without a word where this is no client of its.
            Err(StartupError::Length) => return Ok(None),
            Err(error) => return refuse(wire, &error.into()).await,
            Ok(Some((Startup::Cancel { process, secret }, _))) => {
                cancel(qanat, process, secret);
                return Ok(None);
            }
            Ok(Some((Startup::Ssl, length))) if !std::mem::replace(&mut ssl, true) => {
                (None, length)
            }
            Ok(Some((Startup::Gss, length))) if !std::mem::replace(&mut gss, true) => {
                (None, length)
            }
            Ok(Some((Startup::Ssl | Startup::Gss, _))) => {
                let error = StartupError::Version { major: 1234, minor: 5679 };
                return refuse(wire, &error.into()).await;
            }
            Ok(Some((Startup::Session(message), length))) => {
                if message.needs_negotiation() {
                    let mut out = BackendWriter::new(&mut wire.out);
                    out.negotiate_protocol_version(message.unknown_options());
                }
                (Some(wanted(&message)), length)
            }
        };
        input.consume(length);
        match wanted {
            Some(wanted) => return Ok(Some(wanted)),
            None => {
                BackendWriter::new(&mut wire.out).encryption(b'N');
                wire.flush().await?;
            }
        }
    }
}

fn cancel(qanat: &Qanat, process: i32, secret: &[u8]) {
    let known = secret.try_into().map(i32::from_be_bytes);
    let done = known.is_ok_and(|secret| qanat.cancel(process, secret));
    tracing::debug!(process, done, "cancel request");
}

fn wanted(message: &StartupMessage<'_>) -> Wanted {
    let mut wanted = Wanted {
        user: message.user().to_owned(),
        database: message.database().to_owned(),
        settings: Vec::new(),
        refused: None,
    };
    if let Some(mode) = message.get("replication")
        && !matches!(mode, "false" | "off" | "no" | "0")
    {
        wanted.refused = Some(Error::unsupported("a replication connection"));
    }
    match message.get("options").map(read_options) {
        Some(Ok(settings)) => wanted.settings = settings,
        Some(Err(error)) => wanted.refused = Some(error),
        None => {}
    }
    let others = message.parameters().filter(|(name, _)| {
        !matches!(*name, "user" | "database" | "options" | "replication")
            && !name.starts_with("_pq_.")
    });
    wanted.settings.extend(others.map(|(name, value)| (name.to_owned(), value.to_owned())));
    wanted
}

/// `-c name=value`, `-cname=value` and `--name=value`; a backslash makes the next character plain.
fn read_options(text: &str) -> Result<Vec<(String, String)>, Error> {
    let mut settings = Vec::new();
    let mut words = split_options(text).into_iter();
    while let Some(word) = words.next() {
        let setting = match (word.strip_prefix("--"), word.strip_prefix("-c")) {
            (Some(long), _) => long.to_owned(),
            (None, Some("")) => words.next().unwrap_or_default(),
            (None, Some(short)) => short.to_owned(),
            (None, None) => return Err(bad_option(&word)),
        };
        let Some((name, value)) = setting.split_once('=') else { return Err(bad_option(&word)) };
        settings.push((name.replace('-', "_"), value.to_owned()));
    }
    Ok(settings)
}

fn split_options(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let Some(word) = words.last_mut() else { break };
        match letter {
            '\\' => word.extend(letters.next()),
            blank if blank.is_ascii_whitespace() => words.push(String::new()),
            other => word.push(other),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

async fn open(qanat: &Qanat, wanted: Wanted) -> Result<Session, Error> {
    let options =
        SessionOptions { protocol: "postgres", user: wanted.user, database: Some(wanted.database) };
    let session = qanat.session(options).await?;
    for (name, value) in wanted.settings {
        // Only a client of our own could set it, and it would be no client then.
        if name.eq_ignore_ascii_case("session_authorization") {
            let message = format!("parameter \"{name}\" cannot be set now");
            return Err(Error::new(ErrorKind::State, "55P02", message));
        }
        let value = match name.as_str() {
            // Of an encoding's name only letters and digits count: asyncpg puts it in quotes.
            "client_encoding" => value.chars().filter(char::is_ascii_alphanumeric).collect(),
            _ => value,
        };
        session.settings().start_with(&name, &value)?;
    }
    Ok(session)
}

/// Appends what a session begins with, up to the cancel key.
pub(super) fn welcome(out: &mut Vec<u8>, session: &Session) {
    let mut out = BackendWriter::new(out);
    out.authentication(Authentication::Ok);
    for (name, value) in session.settings().reported() {
        out.parameter_status(name, value);
    }
    out.backend_key_data(session.id(), &session.secret().to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_the_startup_packet() {
        let read = |text| read_options(text).map_err(|error| error.message.to_string());
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(read(""), Ok(vec![]));
        assert_eq!(
            read(r"-c statement_timeout=5s  -cjit=off --search-path=a\ b\\c"),
            Ok(vec![
                pair("statement_timeout", "5s"),
                pair("jit", "off"),
                pair("search_path", r"a b\c")
            ])
        );
        assert_eq!(
            read("-d 5").unwrap_err(),
            "invalid command-line argument for server process: -d"
        );
        assert!(read("-c").is_err());
        assert!(read("-c x").is_err());
    }
}
