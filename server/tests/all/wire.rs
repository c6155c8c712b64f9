//! Clients of a few lines for tests: PostgreSQL's protocol and Redis's, blocking, over a socket.
//!
//! They are written from the protocols' descriptions and share no code with the server, which would
//! understand its own mistakes. Rejected: drivers (a dependency for a test, and none says how far
//! it came when the peer dies, which is the question here).

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The server said no: SQLSTATE and message.
    Refused(String, String),
    /// The connection ended: nobody knows.
    Lost,
}

impl From<std::io::Error> for Failure {
    fn from(_: std::io::Error) -> Self {
        Failure::Lost
    }
}

/// Rows as texts.
pub type Rows = Vec<Vec<Option<String>>>;

fn connect(port: u16) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    Ok(stream)
}

/// A connection to PostgreSQL's port.
pub struct Postgres {
    stream: BufReader<TcpStream>,
    /// Texts and their names; and how many names were taken.
    prepared: (Vec<(String, String)>, usize),
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend((body.len() as u32 + 4).to_be_bytes());
    bytes.extend(body);
    bytes
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend(text.as_bytes());
    out.push(0);
}

impl Postgres {
    /// Connects to the database `main` and waits until the session is ready.
    pub fn connect(port: u16) -> Result<Postgres, Failure> {
        Postgres::connect_to(port, "main")
    }

    /// Connects to a database and waits until the session is ready.
    pub fn connect_to(port: u16, database: &str) -> Result<Postgres, Failure> {
        let stream = connect(port)?;
        let mut postgres = Postgres { stream: BufReader::new(stream), prepared: (Vec::new(), 0) };
        let mut body = 196_608_u32.to_be_bytes().to_vec();
        body.extend(b"user\0postgres\0database\0");
        body.extend(database.as_bytes());
        body.extend(b"\0\0");
        let mut startup = (body.len() as u32 + 4).to_be_bytes().to_vec();
        startup.extend(body);
        postgres.stream.get_mut().write_all(&startup)?;
        postgres.answer()?;
        Ok(postgres)
    }

    /// Runs a text by the simple protocol.
    pub fn simple(&mut self, sql: &str) -> Result<Rows, Failure> {
        let mut body = Vec::new();
        text(&mut body, sql);
        self.stream.get_mut().write_all(&message(b'Q', &body))?;
        self.answer()
    }

    /// Runs a text with parameters by the extended protocol, prepared once under a name.
    pub fn prepared(&mut self, sql: &str, values: &[String]) -> Result<Rows, Failure> {
        let known = self.prepared.0.iter().find(|(known, _)| known == sql);
        let known = known.map(|(_, name)| name.clone());
        // A name that failed may be taken or not: it is not used again.
        self.prepared.1 += usize::from(known.is_none());
        let name = known.clone().unwrap_or_else(|| format!("s{}", self.prepared.1));
        let mut bytes = Vec::new();
        if known.is_none() {
            let mut parse = Vec::new();
            text(&mut parse, &name);
            text(&mut parse, sql);
            parse.extend([0, 0]);
            bytes.extend(message(b'P', &parse));
        }
        let mut bind = vec![0];
        text(&mut bind, &name);
        bind.extend([0, 0]);
        bind.extend((values.len() as u16).to_be_bytes());
        for value in values {
            bind.extend((value.len() as u32).to_be_bytes());
            bind.extend(value.as_bytes());
        }
        bind.extend([0, 0]);
        bytes.extend(message(b'B', &bind));
        bytes.extend(message(b'E', &[0, 0, 0, 0, 0]));
        bytes.extend(message(b'S', &[]));
        self.stream.get_mut().write_all(&bytes)?;
        let answer = self.answer()?;
        if known.is_none() {
            self.prepared.0.push((sql.to_owned(), name));
        }
        Ok(answer)
    }

    /// Everything up to ReadyForQuery.
    fn answer(&mut self) -> Result<Rows, Failure> {
        let mut rows = Vec::new();
        let mut refused = None;
        loop {
            let mut head = [0; 5];
            self.stream.read_exact(&mut head)?;
            let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
            let mut body = vec![0; length - 4];
            self.stream.read_exact(&mut body)?;
            match head[0] {
                b'D' => rows.push(row(&body)),
                b'E' => refused = Some(error(&body)),
                b'Z' => break,
                _ => {}
            }
        }
        match refused {
            Some(failure) => Err(failure),
            None => Ok(rows),
        }
    }
}

fn row(mut body: &[u8]) -> Vec<Option<String>> {
    let mut take = |count: usize| {
        let (taken, rest) = body.split_at(count);
        body = rest;
        taken
    };
    let count = u16::from_be_bytes(take(2).try_into().unwrap());
    let fields = (0..count).map(|_| {
        let length = i32::from_be_bytes(take(4).try_into().unwrap());
        let length = usize::try_from(length).ok()?;
        Some(String::from_utf8_lossy(take(length)).into_owned())
    });
    fields.collect()
}

fn error(body: &[u8]) -> Failure {
    let (mut code, mut message) = (String::new(), String::new());
    for field in body.split(|byte| *byte == 0).filter(|field| !field.is_empty()) {
        let value = String::from_utf8_lossy(&field[1..]).into_owned();
        match field[0] {
            b'C' => code = value,
            b'M' => message = value,
            _ => {}
        }
    }
    Failure::Refused(code, message)
}

/// A connection to Redis's port.
pub struct Redis {
    stream: BufReader<TcpStream>,
}

impl Redis {
    /// Connects.
    pub fn connect(port: u16) -> Result<Redis, Failure> {
        Ok(Redis { stream: BufReader::new(connect(port)?) })
    }

    /// Sends commands together and reads replies until the connection ends: as many as came.
    pub fn pipeline(&mut self, commands: &[Vec<String>]) -> Vec<Option<String>> {
        let mut bytes = Vec::new();
        for command in commands {
            bytes.extend(format!("*{}\r\n", command.len()).as_bytes());
            for word in command {
                bytes.extend(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
            }
        }
        if self.stream.get_mut().write_all(&bytes).is_err() {
            return Vec::new();
        }
        let mut replies = Vec::new();
        while replies.len() < commands.len() {
            match self.reply() {
                Ok(reply) => replies.push(reply),
                Err(_) => break,
            }
        }
        replies
    }

    fn reply(&mut self) -> std::io::Result<Option<String>> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let Some(rest) = line.strip_suffix("\r\n") else {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        };
        let (kind, rest) = rest.split_at(1);
        match kind {
            "+" | ":" => Ok(Some(rest.to_owned())),
            "-" => Ok(Some(format!("ERROR {rest}"))),
            "$" if rest == "-1" => Ok(None),
            "$" => {
                let mut body = vec![0; rest.parse::<usize>().unwrap() + 2];
                self.stream.read_exact(&mut body)?;
                body.truncate(body.len() - 2);
                Ok(Some(String::from_utf8_lossy(&body).into_owned()))
            }
            other => panic!("a reply that no command here has: {other}{rest}"),
        }
    }
}
