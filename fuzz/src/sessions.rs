//! Whole sessions over a store in memory: what a stranger may send after the first packet.
//!
//! ```text
//!   bytes ──► duplex ──► session ──► store        one for each input: nothing is left of another
//!   whole messages ◄──────┘                        no answer says "internal error"
//! ```
//!
//! The client writes what it has, closes its side and reads to the end. A session that still runs
//! after a while (sleeping, paused) is dropped as if the client had gone: that is allowed, a panic
//! is not. Where the first byte asks for it the same bytes go in pieces as well, and the kinds of
//! the answers must be the same.

use std::sync::Arc;
use std::time::Duration;

use protocol::postgres::session::{Limits, run};
use protocol::redis::client::ReplyScanner;
use protocol::redis::session::{Options as RedisOptions, Server, serve};
use qanat::{Options, Qanat};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::runtime::{Builder, Runtime};

/// How long a session may take before its client goes.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// This thread's runtime.
pub fn runtime() -> &'static Runtime {
    thread_local! {
        static RUNTIME: &'static Runtime =
            Box::leak(Box::new(Builder::new_current_thread().enable_all().build().unwrap()));
    }
    RUNTIME.with(|runtime| *runtime)
}

/// A store of its own.
pub async fn qanat() -> Qanat {
    let options = Options { memory: Some(64 << 20), ..Options::default() };
    Qanat::open_with("memory:", options).await.expect("a store in memory opens")
}

/// Writes the bytes in pieces, closes, and reads until the other side has closed too.
async fn converse(stream: DuplexStream, bytes: &[u8], piece: usize) -> Vec<u8> {
    let (mut from, mut to) = tokio::io::split(stream);
    let write = async {
        for piece in bytes.chunks(piece.max(1)) {
            if to.write_all(piece).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
        let _ = to.shutdown().await;
    };
    let mut answer = Vec::new();
    let read = async {
        let _ = from.read_to_end(&mut answer).await;
    };
    tokio::join!(write, read);
    answer
}

/// The messages of an answer; `None` where the last one is cut.
fn messages(mut bytes: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut found = Vec::new();
    while let [kind, a, b, c, d, rest @ ..] = bytes {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let (body, rest) = rest.split_at_checked(length.checked_sub(4)?)?;
        found.push((*kind, body));
        bytes = rest;
    }
    bytes.is_empty().then_some(found)
}

/// Whether there is an error whose code begins so.
fn has_error(messages: &[(u8, &[u8])], code: &[u8]) -> bool {
    let of_code = |field: &[u8]| field.strip_prefix(b"C").is_some_and(|c| c.starts_with(code));
    let errors = messages.iter().filter(|(kind, _)| *kind == b'E');
    errors.into_iter().any(|(_, body)| body.split(|byte| *byte == 0).any(of_code))
}

fn refuse_internal(messages: &[(u8, &[u8])]) {
    let shown = || messages.iter().map(|(_, body)| body.escape_ascii().to_string());
    assert!(!has_error(messages, b"XX"), "an internal error: {:?}", shown().collect::<Vec<_>>());
}

/// A statement that took too long on a busy machine: its answer says nothing.
const TIMED_OUT: &[u8] = b"57014";

/// The packet that begins a session.
fn first_packet() -> Vec<u8> {
    let body = b"\0\x03\0\0user\0fuzz\0database\0main\0options\0-c statement_timeout=300\0\0";
    let mut packet = (body.len() as u32 + 4).to_be_bytes().to_vec();
    packet.extend_from_slice(body);
    packet
}

/// What a session answers; `None` where it took too long.
async fn ask_postgres(qanat: &Qanat, bytes: &[u8], piece: usize) -> Option<Vec<u8>> {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let mut sent = first_packet();
    sent.extend_from_slice(bytes);
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let session = run(theirs, qanat.clone(), Limits::default(), stopped);
    let both = async { tokio::join!(session, converse(ours, &sent, piece)).1 };
    tokio::time::timeout(PATIENCE, both).await.ok()
}

/// Bytes behind a first packet.
pub fn postgres(data: &[u8]) {
    let Some((shape, bytes)) = data.split_first() else { return };
    runtime().block_on(async {
        let store = qanat().await;
        let whole = ask_postgres(&store, bytes, usize::MAX).await;
        let _ = store.close().await;
        let Some(whole) = whole else { return };
        let whole = messages(&whole).expect("whole messages");
        refuse_internal(&whole);
        if shape % 4 != 0 {
            return;
        }
        let store = qanat().await;
        let parts = ask_postgres(&store, bytes, usize::from(shape / 4) + 1).await;
        let _ = store.close().await;
        let Some(parts) = parts else { return };
        let parts = messages(&parts).expect("whole messages");
        if has_error(&whole, TIMED_OUT) || has_error(&parts, TIMED_OUT) {
            return;
        }
        let kinds = |messages: &[(u8, &[u8])]| -> String {
            messages.iter().map(|(kind, _)| char::from(*kind)).collect()
        };
        assert_eq!(kinds(&parts), kinds(&whole), "in pieces");
    });
}

/// Types by the names that a cast takes.
const TYPES: [&str; 40] = [
    "bool",
    "int2",
    "int4",
    "int8",
    "float4",
    "float8",
    "numeric",
    "text",
    "varchar",
    "bpchar",
    "bytea",
    "date",
    "time",
    "timestamp",
    "timestamptz",
    "interval",
    "uuid",
    "json",
    "jsonb",
    "oid",
    "name",
    "\"char\"",
    "regclass",
    "regtype",
    "numeric(12,3)",
    "varchar(5)",
    "bpchar(5)",
    "timestamp(3)",
    "bool[]",
    "int2[]",
    "int4[]",
    "int8[]",
    "float8[]",
    "numeric[]",
    "text[]",
    "bytea[]",
    "timestamptz[]",
    "interval[]",
    "uuid[]",
    "jsonb[]",
];

fn message(out: &mut Vec<u8>, kind: u8, body: &[u8]) {
    out.push(kind);
    out.extend_from_slice(&(body.len() as u32 + 4).to_be_bytes());
    out.extend_from_slice(body);
}

/// `SELECT $1::type` with one value; its answer's only field, where there is one. `None`: it took
/// too long.
async fn cast(
    store: &Qanat,
    ty: &str,
    (given, wanted): (u8, u8),
    value: &[u8],
) -> Option<Option<Vec<u8>>> {
    let mut sent = Vec::new();
    message(&mut sent, b'P', format!("\0SELECT $1::{ty}\0\0\0").as_bytes());
    let mut bind = vec![0, 0, 0, 1, 0, given, 0, 1];
    bind.extend_from_slice(&(value.len() as u32).to_be_bytes());
    bind.extend_from_slice(value);
    bind.extend_from_slice(&[0, 1, 0, wanted]);
    message(&mut sent, b'B', &bind);
    message(&mut sent, b'E', &[0, 0, 0, 0, 0]);
    message(&mut sent, b'S', &[]);
    message(&mut sent, b'X', &[]);
    let answer = ask_postgres(store, &sent, usize::MAX).await?;
    let found = messages(&answer).expect("whole messages");
    refuse_internal(&found);
    if has_error(&found, TIMED_OUT) {
        return None;
    }
    let Some((_, row)) = found.iter().find(|(kind, _)| *kind == b'D') else { return Some(None) };
    let [0, 1, a, b, c, d, field @ ..] = row else { panic!("a row of one field: {row:?}") };
    let length = i32::from_be_bytes([*a, *b, *c, *d]);
    Some((length >= 0).then(|| field.to_vec()))
}

/// A type, two formats and a value of Bind.
pub fn parameter(data: &[u8]) {
    thread_local! {
        static STORE: Qanat = runtime().block_on(qanat());
    }
    let [ty, formats, value @ ..] = data else { return };
    let ty = TYPES[usize::from(*ty) % TYPES.len()];
    let (given, wanted) = (formats & 1, formats >> 1 & 1);
    let store = STORE.with(Qanat::clone);
    runtime().block_on(async {
        let Some(Some(once)) = cast(&store, ty, (given, wanted), value).await else { return };
        let Some(twice) = cast(&store, ty, (wanted, wanted), &once).await else { return };
        let shown = |bytes: &[u8]| bytes.escape_ascii().to_string();
        assert_eq!(twice.as_deref().map(shown), Some(shown(&once)), "{ty} {wanted}");
    });
}

/// What a Redis session answers; `None` where it took too long.
async fn ask_redis(bytes: &[u8], piece: usize) -> Option<Vec<u8>> {
    let store = qanat().await;
    let server: Arc<Server> = Server::new(store.keyspaces().clone(), RedisOptions::default());
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let session = serve(server, theirs, "fuzz:1".into(), "fuzz:2".into());
    let both = async { tokio::join!(session, converse(ours, bytes, piece)).1 };
    let answer = tokio::time::timeout(PATIENCE, both).await.ok();
    let _ = store.close().await;
    answer
}

/// The first bytes of the replies, which must be whole.
fn kinds(mut answer: &[u8]) -> String {
    let mut kinds = String::new();
    while let Some(first) = answer.first() {
        let length = ReplyScanner::default().advance(answer).expect("replies");
        let length = length.expect("whole replies");
        kinds.push(char::from(*first));
        answer = &answer[length..];
    }
    kinds
}

/// Words of requests whose replies depend on when they come.
const DEPENDS_ON_TIME: [&[u8]; 7] = [b"post", b"host:", b"px", b"expire", b"exat", b"ex ", b"ex\r"];

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

/// Bytes as requests.
pub fn redis(data: &[u8]) {
    let Some((shape, bytes)) = data.split_first() else { return };
    runtime().block_on(async {
        let Some(whole) = ask_redis(bytes, usize::MAX).await else { return };
        let whole = kinds(&whole);
        // A web page's request drops the replies that have not left yet, and what expires does so
        // by the clock: neither is the same in pieces.
        let folded = bytes.to_ascii_lowercase();
        let timely = DEPENDS_ON_TIME.iter().any(|word| contains(&folded, word));
        if shape % 4 == 0 && !timely {
            let Some(parts) = ask_redis(bytes, usize::from(shape / 4) + 1).await else { return };
            assert_eq!(kinds(&parts), whole, "in pieces");
        }
    });
}
