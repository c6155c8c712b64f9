//! One PostgreSQL connection, from its first packet to its last, over any stream of bytes.
//!
//! ```text
//!   startup ─▶ read ─▶ frame ─▶ message ┬─ Query ─────────── simple ─▶ ReadyForQuery
//!                ▲                      ├─ Parse Bind Describe Execute Close ─ extended
//!                │                      ├─ Sync ── commit what is implicit ─▶ ReadyForQuery
//!                │                      └─ CopyData CopyDone CopyFail ─ copying
//!                └── nothing whole left: write what is due, wait for more, a timeout or the end
//!
//!   error in an extended message: ErrorResponse, then skip ── until Sync
//!   error in Query:               ErrorResponse, ReadyForQuery
//! ```
//!
//! What a transaction is, and what becomes of it when a statement fails, is the library's
//! ([`qanat::session`]); here is PostgreSQL's flow of messages, and what it says to whom and when.
//!
//! **Invariants**
//! - Every message of a batch is answered in order, and the batch's answers leave in one write.
//! - A portal never outlives its transaction: portals go before the transaction's end does.
//! - At most one ErrorResponse between two ReadyForQuery in the extended protocol.
//! - No client makes another wait: a slow reader stops its own statement, a panic ends its own
//!   connection, and every wait has its limit.
//!
//! **Rejected.** One task for each direction (see `wire`); the state machine of the crate `pgwire`
//! (it flushes after each message and knows of no reader that is slow).

mod copying;
mod extended;
mod simple;
mod startup;
mod wire;

use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use qanat::session::Status;
use qanat::{Error, Qanat, Session};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use self::copying::Copying;
use self::extended::Bound;
use self::wire::{Input, Wire};
use super::codec::{
    BackendWriter, ErrorFields, Frame, Frontend, Phase, Severity, Transaction, frame,
};
use super::error::{self, MessageError, Source, SqlState, respond};
use super::translate::Arguments;
use crate::limits::PostgresLimits;
use crate::stop::Stop;

/// What a connection may take, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Sizes of what the client sends and gets.
    pub wire: PostgresLimits,
    /// From the connection's first byte to its session (`authentication_timeout`).
    pub startup_time: Duration,
    /// How long a client may take to read anything of what is written to it.
    pub write_time: Duration,
    /// Answers are written when so many bytes of them wait, at the latest.
    pub output_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wire: PostgresLimits::DEFAULT,
            startup_time: Duration::from_secs(60),
            write_time: Duration::from_secs(300),
            output_bytes_max: 64 << 10,
        }
    }
}

/// Serves one connection until either side ends it. When `shutdown` turns true, what runs is
/// finished and the session ends with 57P01.
///
/// # Errors
/// The stream's. The client's mistakes are answered to the client.
pub async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    qanat: Qanat,
    limits: Limits,
    shutdown: watch::Receiver<bool>,
) -> io::Result<()> {
    let limits = Limits { wire: limits.wire.clamped(), ..limits };
    let mut wire = Wire::new(stream, limits.output_bytes_max, limits.write_time);
    let mut input = Input::default();
    let begun = startup::begin(&mut wire, &mut input, &qanat, &limits, None).await?;
    let Some(session) = begun else { return Ok(()) };
    let mut connection = Connection::new(wire, session, limits, shutdown);
    let _counted = Counted::new();
    // A defect met by one client's statement must not take the others with it.
    match AssertUnwindSafe(connection.serve(&mut input)).catch_unwind().await {
        Ok(result) => result,
        Err(_) => {
            let id = connection.session.id();
            tracing::error!(session = id, "a panic ended this connection");
            connection.wire.out.clear();
            connection.farewell(&error::defect()).await
        }
    }
}

/// Connections of this process that are open.
static CONNECTIONS: AtomicUsize = AtomicUsize::new(0);
/// From so many on, answers of those that are ready together leave together.
const CROWD: usize = 4;

/// Counts a connection while it lives.
struct Counted;

impl Counted {
    fn new() -> Self {
        CONNECTIONS.fetch_add(1, Ordering::Relaxed);
        Counted
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        CONNECTIONS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Tells a client that there is no place for it. A cancel request is still done.
///
/// # Errors
/// The stream's.
pub async fn refuse<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    qanat: Qanat,
    limits: Limits,
) -> io::Result<()> {
    let mut wire = Wire::new(stream, limits.output_bytes_max, limits.startup_time);
    let error = error::too_many_connections();
    startup::begin(&mut wire, &mut Input::default(), &qanat, &limits, Some(error)).await?;
    Ok(())
}

/// Why handling a message stopped.
#[derive(Debug)]
enum Fault {
    /// The client is told, and the connection goes on.
    Told(Error),
    /// The stream is at its end.
    Stream(io::Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Stream(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Told(error)
    }
}

/// Whether the connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    On,
    End,
}

/// A connection with its session.
struct Connection<S> {
    wire: Wire<S>,
    session: Session,
    limits: Limits,
    stop: Stop,
    /// The portal without a name.
    unnamed: Option<Bound>,
    portals: HashMap<String, Bound>,
    /// Memory of an earlier Bind, for the next.
    spare: Option<Arguments>,
    /// COPY FROM STDIN is under way.
    copying: Option<Box<Copying>>,
    /// An extended message failed: everything up to Sync is passed over.
    skipping: bool,
    /// The settings as the client was last told.
    told: Vec<(&'static str, String)>,
    /// The generation of the settings that it was told of.
    told_generation: u64,
    scratch: String,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    fn new(
        mut wire: Wire<S>,
        session: Session,
        limits: Limits,
        shutdown: watch::Receiver<bool>,
    ) -> Self {
        startup::welcome(&mut wire.out, &session);
        let told: Vec<_> =
            session.settings().reported().map(|(name, value)| (name, value.to_owned())).collect();
        let session_generation = session.settings().quick().generation;
        Self {
            wire,
            session,
            limits,
            stop: Stop::new(shutdown),
            unnamed: None,
            portals: HashMap::new(),
            spare: None,
            copying: None,
            skipping: false,
            told_generation: session_generation,
            told,
            scratch: String::new(),
        }
    }

    async fn serve(&mut self, input: &mut Input) -> io::Result<()> {
        self.notices();
        self.ready();
        loop {
            match frame(input.pending(), Phase::Session, &self.limits.wire) {
                Ok(Some(frame)) => {
                    let length = frame.length();
                    if self.message(&frame).await? == Flow::End {
                        // Answers that were due before the goodbye came with the same bytes.
                        return self.wire.flush_due().await;
                    }
                    input.consume(length);
                    if self.wire.is_full() {
                        self.wire.flush().await?;
                    }
                }
                Ok(None) => {
                    if self.wait(input).await? == Flow::End {
                        return Ok(());
                    }
                }
                Err(error) => return self.farewell(&error.into()).await,
            }
        }
    }

    /// Waits for more bytes; what is due goes out first.
    async fn wait(&mut self, input: &mut Input) -> io::Result<Flow> {
        if self.wire.has_due() && CONNECTIONS.load(Ordering::Relaxed) >= CROWD {
            // Each write wakes its client, which on a busy machine takes our processor: serve all
            // that are ready first.
            tokio::task::yield_now().await;
        }
        self.wire.flush_due().await?;
        if self.stop.has_come() {
            self.farewell(&error::stopping()).await?;
            return Ok(Flow::End);
        }
        let (limit, told) = self.idle_limit();
        let told = tokio::select! {
            biased;
            read = self.wire.read(input) => {
                return Ok(if read? { Flow::On } else { Flow::End });
            }
            () = poll_fn(|context| self.stop.poll(context)) => error::stopping(),
            () = sleep(limit), if limit > 0 => told(),
        };
        self.farewell(&told).await?;
        Ok(Flow::End)
    }

    /// How long the client may be idle now (0: for ever), and what it is told then.
    fn idle_limit(&self) -> (u64, fn() -> Error) {
        let settings = self.session.settings();
        match self.session.status() {
            Status::Idle => (settings.quick().idle_session_timeout, error::idle),
            _ => (settings.quick().idle_in_transaction_session_timeout, error::idle_in_transaction),
        }
    }

    /// The last message of a connection that we end.
    async fn farewell(&mut self, error: &Error) -> io::Result<()> {
        self.forget_portals();
        self.copying = None;
        respond(&mut self.wire.out, Severity::Fatal, error, Source::default(), None);
        self.wire.flush().await
    }

    async fn message(&mut self, frame: &Frame<'_>) -> io::Result<Flow> {
        if self.skipping && !matches!(frame.kind, b'S' | b'X') {
            return Ok(Flow::On);
        }
        let message = match Frontend::parse(frame) {
            Ok(message) => message,
            Err(error) => {
                self.message_failed(frame.kind, error).await?;
                return Ok(Flow::On);
            }
        };
        if let Some(copying) = self.copying.take() {
            return self.copy_message(copying, frame.kind, message).await;
        }
        match message {
            Frontend::Terminate => return Ok(Flow::End),
            Frontend::Query(text) => self.query(text).await?,
            Frontend::Sync => self.sync().await?,
            Frontend::Flush => self.wire.is_due(),
            Frontend::FunctionCall { .. } => {
                let error = Error::unsupported("a call of a function by its number");
                self.failed(&error, Source::default(), None).await?;
                self.end_query().await?;
            }
            // What a client still sends of a COPY that failed is passed over.
            Frontend::CopyData(_) | Frontend::CopyDone | Frontend::CopyFail(_) => {}
            // `frame` refuses it in this phase.
            Frontend::Authentication(_) => {}
            extended => self.extended(extended).await?,
        }
        Ok(Flow::On)
    }

    async fn message_failed(&mut self, kind: u8, error: MessageError) -> io::Result<()> {
        let copying = self.copying.take();
        let extended = match &copying {
            Some(copying) => copying.is_extended(),
            None => !matches!(kind, b'Q' | b'F'),
        };
        if let Some(copying) = copying {
            copying.abandon().await;
        }
        self.failed(&error.into(), Source::default(), None).await?;
        match extended {
            true => self.skipping = true,
            false => self.end_query().await?,
        }
        Ok(())
    }

    /// Tells of an error and lets the transaction fail.
    async fn failed(
        &mut self,
        error: &Error,
        source: Source<'_>,
        context: Option<&str>,
    ) -> io::Result<()> {
        // A portal holds the transaction that is about to end.
        self.forget_portals();
        self.wire.beside(pin!(self.session.fail())).await?;
        self.notices();
        respond(&mut self.wire.out, Severity::Error, error, source, context);
        // Whoever asked by Flush waits for this, and the Flush behind an error is passed over.
        self.wire.is_due();
        tracing::debug!(
            session = self.session.id(),
            sqlstate = error.sqlstate,
            message = %error.message,
            "statement failed"
        );
        Ok(())
    }

    /// `S`: the end of an extended query.
    async fn sync(&mut self) -> io::Result<()> {
        self.skipping = false;
        self.end_query().await
    }

    /// Ends what is implicit and says that the next query may come.
    async fn end_query(&mut self) -> io::Result<()> {
        if !self.in_block() {
            self.forget_portals();
        }
        let synced = self.wire.beside(pin!(self.session.sync())).await?;
        if let Err(error) = synced {
            self.failed(&error, Source::default(), None).await?;
        }
        self.notices();
        self.ready();
        Ok(())
    }

    /// Whether a transaction is open that the client began.
    fn in_block(&self) -> bool {
        matches!(self.session.status(), Status::Explicit | Status::Failed)
    }

    fn ready(&mut self) {
        self.report_settings();
        let state = match self.session.status() {
            Status::Idle | Status::Implicit => Transaction::Idle,
            Status::Explicit => Transaction::Active,
            Status::Failed => Transaction::Failed,
        };
        BackendWriter::new(&mut self.wire.out).ready_for_query(state);
        self.wire.is_due();
    }

    /// Tells of settings that are no longer as the client knows them.
    fn report_settings(&mut self) {
        let settings = self.session.settings();
        let generation = settings.quick().generation;
        if std::mem::replace(&mut self.told_generation, generation) == generation {
            return;
        }
        for ((name, value), told) in settings.reported().zip(&mut self.told) {
            if told.1 != value {
                told.1.clear();
                told.1.push_str(value);
                BackendWriter::new(&mut self.wire.out).parameter_status(name, value);
            }
        }
    }

    /// Sends the messages that are no errors, if they are grave enough for this client.
    fn notices(&mut self) {
        let notices = self.session.take_notices();
        if notices.is_empty() {
            return;
        }
        let least = rank(self.session.settings().value("client_min_messages"));
        for notice in &notices {
            let severity = match notice.severity {
                "WARNING" => Severity::Warning,
                "INFO" => Severity::Info,
                "LOG" => Severity::Log,
                "DEBUG" => Severity::Debug,
                _ => Severity::Notice,
            };
            if severity != Severity::Info && rank(notice.severity) < least {
                continue;
            }
            let fields = ErrorFields::new(severity, SqlState(notice.sqlstate), &notice.message);
            BackendWriter::new(&mut self.wire.out).notice_response(&fields);
        }
    }
}

/// The order of `client_min_messages`; INFO is always sent.
fn rank(name: &str) -> u8 {
    let ranks = ["debug", "log", "notice", "warning", "error"];
    let same = |known: &&str| {
        name.get(..known.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(known))
    };
    ranks.iter().position(same).unwrap_or(2) as u8
}

async fn sleep(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_in_order() {
        assert!(rank("debug5") < rank("log"));
        assert!(rank("log") < rank("NOTICE"));
        assert!(rank("NOTICE") < rank("warning"));
        assert!(rank("WARNING") < rank("error"));
        assert_eq!(rank("no such"), rank("notice"));
    }
}
