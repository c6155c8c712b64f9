//! A PostgreSQL client at the other end of a stream: messages out, messages in.
//!
//! Two ways to speak. A line of the golden files' notation (`tests/generate/postgres_session.py`
//! tells it) is encoded by [`encode`] and its answers are shown by [`show`]; a property test hands
//! over bytes and gets an [`Answer`] of cells back.

use std::fmt::Write as _;

use protocol::postgres::session::{Limits, run};
use qanat::Qanat;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::watch;

use crate::golden::{escape, unescape};

/// A message of this kind.
pub fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![kind];
    out.extend_from_slice(&(body.len() as u32 + 4).to_be_bytes());
    out.extend_from_slice(body);
    out
}

pub fn string(text: &str) -> Vec<u8> {
    let mut bytes = unescape(text);
    bytes.push(0);
    bytes
}

pub fn numbers(text: &str, width: usize) -> Vec<u8> {
    let words: Vec<u32> =
        text.split(',').filter(|word| !word.is_empty()).map(|word| word.parse().unwrap()).collect();
    let mut out = (words.len() as u16).to_be_bytes().to_vec();
    words.iter().for_each(|word| out.extend_from_slice(&word.to_be_bytes()[4 - width..]));
    out
}

/// The bytes of one line of the notation.
pub fn encode(line: &str) -> Vec<u8> {
    let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
    let parts: Vec<&str> = rest.split('|').collect();
    let body = match (kind, parts.as_slice()) {
        ("raw", _) => return unescape(rest),
        ("Q" | "f", _) => string(rest),
        ("P", [name, text, types]) => [string(name), string(text), numbers(types, 4)].concat(),
        ("B", [portal, statement, formats, values, results]) => {
            let mut body = [string(portal), string(statement), numbers(formats, 2)].concat();
            let values: Vec<&str> =
                if values.is_empty() { vec![] } else { values.split(';').collect() };
            body.extend_from_slice(&(values.len() as u16).to_be_bytes());
            for value in values {
                let bytes = unescape(value);
                match value {
                    "NULL" => body.extend_from_slice(&(-1_i32).to_be_bytes()),
                    _ => {
                        body.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
                        body.extend_from_slice(&bytes);
                    }
                }
            }
            body.extend(numbers(results, 2));
            body
        }
        ("D" | "C", _) => {
            let (what, name) = rest.split_once(' ').unwrap_or((rest, ""));
            [what.as_bytes().to_vec(), string(name)].concat()
        }
        ("E", [portal, rows]) => {
            let rows: i32 = rows.parse().unwrap();
            [string(portal), rows.to_be_bytes().to_vec()].concat()
        }
        ("d", _) => unescape(rest),
        ("F", _) => [1598_u32.to_be_bytes().to_vec(), vec![0; 6]].concat(),
        ("S" | "H" | "X" | "c", _) => Vec::new(),
        _ => panic!("no message: {line}"),
    };
    message(kind.as_bytes()[0], &body)
}

/// The messages in `bytes`, kind and body; each must be whole.
pub fn messages(mut bytes: &[u8]) -> Vec<(u8, &[u8])> {
    let mut found = Vec::new();
    while let [kind, a, b, c, d, rest @ ..] = bytes {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize - 4;
        assert!(rest.len() >= length, "half a message {}", char::from(*kind));
        found.push((*kind, &rest[..length]));
        bytes = &rest[length..];
    }
    assert!(bytes.is_empty(), "bytes that are no message: {bytes:?}");
    found
}

pub fn word<const N: usize>(bytes: &[u8], at: usize) -> i64 {
    bytes[at..at + N].iter().enumerate().fold(0, |number, (index, byte)| {
        let byte = if index == 0 { i64::from(*byte as i8) } else { i64::from(*byte) };
        (number << 8) | byte
    })
}

/// One answer in the notation.
pub fn show(kind: u8, body: &[u8]) -> String {
    let mut out = char::from(kind).to_string();
    match kind {
        b'E' | b'N' => {
            let fields = body.split(|byte| *byte == 0).filter(|field| !field.is_empty());
            let kept = fields.filter(|field| b"SCMDHPstcdn".contains(&field[0]));
            let kept: Vec<String> = kept.map(escape).collect();
            let _ = write!(out, " {}", kept.join(" | "));
        }
        b'D' => {
            let (mut at, mut cells) = (2, Vec::new());
            for _ in 0..word::<2>(body, 0) {
                let length = word::<4>(body, at);
                at += 4;
                cells.push(match usize::try_from(length) {
                    Err(_) => "NULL".to_owned(),
                    Ok(length) => {
                        at += length;
                        escape(&body[at - length..at])
                    }
                });
            }
            assert_eq!(at, body.len());
            let _ = write!(out, " {}", cells.join(" | "));
        }
        b'T' => {
            let (mut at, mut columns) = (2, Vec::new());
            for _ in 0..word::<2>(body, 0) {
                let end = at + body[at..].iter().position(|byte| *byte == 0).unwrap();
                let rest = &body[end + 5..end + 19];
                columns.push(format!(
                    "{} {} {} {} {} {}",
                    escape(&body[at..end]),
                    word::<2>(rest, 0),
                    word::<4>(rest, 2),
                    word::<2>(rest, 6),
                    word::<4>(rest, 8),
                    word::<2>(rest, 12)
                ));
                at = end + 19;
            }
            assert_eq!(at, body.len());
            let _ = write!(out, " {}", columns.join(" | "));
        }
        b't' => {
            for at in 0..word::<2>(body, 0) as usize {
                let _ = write!(out, " {}", word::<4>(body, 2 + at * 4));
            }
        }
        _ if body.is_empty() => {}
        _ => {
            let _ = write!(out, " {}", escape(body));
        }
    }
    out
}

pub fn startup(parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut body = (3_u32 << 16).to_be_bytes().to_vec();
    for (name, value) in parameters {
        body.extend_from_slice(format!("{name}\0{value}\0").as_bytes());
    }
    body.push(0);
    [(body.len() as u32 + 4).to_be_bytes().to_vec(), body].concat()
}

pub fn packet(code: u32, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32 + 8).to_be_bytes();
    [length.to_vec(), code.to_be_bytes().to_vec(), body.to_vec()].concat()
}

/// A row's cells; `None` for NULL.
pub type Cells = Vec<Option<Vec<u8>>>;

fn cells(body: &[u8]) -> Cells {
    let mut at = 2;
    let mut cell = || {
        let length = usize::try_from(word::<4>(body, at)).ok();
        at += 4 + length.unwrap_or(0);
        length.map(|length| body[at - length..at].to_vec())
    };
    (0..word::<2>(body, 0)).map(|_| cell()).collect()
}

/// An error: its SQLSTATE and its message.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    pub code: String,
    pub message: String,
}

impl Refusal {
    fn of(body: &[u8]) -> Refusal {
        let field = |letter: u8| {
            let mut fields = body.split(|byte| *byte == 0);
            let found = fields.find(|field| field.first() == Some(&letter));
            String::from_utf8_lossy(found.map_or(&[][..], |field| &field[1..])).into_owned()
        };
        Refusal { code: field(b'C'), message: field(b'M') }
    }
}

/// All that came back up to ReadyForQuery.
#[derive(Debug, Default)]
pub struct Answer {
    pub rows: Vec<Cells>,
    pub copied: Vec<u8>,
    pub tag: String,
    pub error: Option<Refusal>,
}

/// A session at the other end of a stream.
pub struct Client {
    pub stream: DuplexStream,
    pub stop: watch::Sender<bool>,
    pub task: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Client {
    pub fn new(qanat: &Qanat, limits: Limits) -> Self {
        let (stream, other) = duplex(1 << 16);
        let (stop, shutdown) = watch::channel(false);
        let task = tokio::spawn(run(other, qanat.clone(), limits, shutdown));
        Self { stream, stop, task }
    }

    pub async fn ready(qanat: &Qanat, limits: Limits) -> Self {
        let mut client = Self::new(qanat, limits);
        client.send(&startup(&[("user", "ann")])).await;
        client.until(b'Z').await;
        client
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    pub async fn say(&mut self, line: &str) {
        self.send(&encode(line)).await;
    }

    /// One message, kind and body.
    pub async fn read(&mut self) -> (u8, Vec<u8>) {
        let mut head = [0; 5];
        self.stream.read_exact(&mut head).await.unwrap();
        let mut body = vec![0; word::<4>(&head, 1) as usize - 4];
        self.stream.read_exact(&mut body).await.unwrap();
        (head[0], body)
    }

    /// One message, shown.
    pub async fn next(&mut self) -> String {
        let (kind, body) = self.read().await;
        show(kind, &body)
    }

    /// Sends messages that end in one answer, and gathers it.
    pub async fn ask(&mut self, bytes: &[u8]) -> Answer {
        self.send(bytes).await;
        let mut answer = Answer::default();
        loop {
            let (kind, body) = self.read().await;
            match kind {
                b'D' => answer.rows.push(cells(&body)),
                b'd' => answer.copied.extend(body),
                b'C' => answer.tag = String::from_utf8_lossy(&body[..body.len() - 1]).into(),
                b'E' => answer.error = Some(Refusal::of(&body)),
                b'Z' => return answer,
                _ => {}
            }
        }
    }

    /// A simple query.
    pub async fn query(&mut self, sql: &str) -> Answer {
        self.ask(&message(b'Q', &[sql.as_bytes(), &[0]].concat())).await
    }

    /// An extended query: values and results all in text, or all in binary.
    pub async fn bound(&mut self, sql: &str, values: &[Option<Vec<u8>>], binary: bool) -> Answer {
        let format = [0, 1, 0, u8::from(binary)];
        let mut bind = [&[0, 0][..], &format].concat();
        bind.extend((values.len() as u16).to_be_bytes());
        for value in values {
            let length = value.as_ref().map_or(-1, |value| value.len() as i32);
            bind.extend(length.to_be_bytes());
            bind.extend(value.as_deref().unwrap_or_default());
        }
        bind.extend(format);
        let parse = [&[0], sql.as_bytes(), &[0, 0, 0]].concat();
        let messages = [(b'P', parse), (b'B', bind), (b'E', vec![0; 5]), (b'S', vec![])];
        let messages = messages.iter().flat_map(|(kind, body)| message(*kind, body));
        self.ask(&messages.collect::<Vec<u8>>()).await
    }

    /// COPY … FROM STDIN with its data.
    pub async fn copy_in(&mut self, sql: &str, data: &[u8]) -> Answer {
        let query = message(b'Q', &[sql.as_bytes(), &[0]].concat());
        self.ask(&[query, message(b'd', data), message(b'c', b"")].concat()).await
    }

    pub async fn until(&mut self, kind: u8) -> Vec<String> {
        let mut found = Vec::new();
        loop {
            found.push(self.next().await);
            if found.last().is_some_and(|last| last.as_bytes()[0] == kind) {
                return found;
            }
        }
    }

    /// Everything up to the stream's end.
    pub async fn rest(mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.stream.read_to_end(&mut bytes).await.unwrap();
        self.task.await.unwrap().unwrap();
        bytes
    }
}
