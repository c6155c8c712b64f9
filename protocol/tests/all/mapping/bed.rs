//! One store with a client of each protocol, and the tables of a case in it.

use std::sync::atomic::{AtomicU32, Ordering};

use protocol::postgres::session::Limits;
use protocol::redis::client::{Reply, decode};
use protocol::redis::session::{Options, Server};
use qanat::Qanat;

use super::values::{Ty, Value};
use crate::clients::postgres::{Answer, Client};
use crate::clients::redis;

/// What is wrong, told; the case with it.
pub type Outcome<T = ()> = Result<T, String>;

/// The column of a row: NULL or a value.
pub type Cell = Option<Value>;

/// Fails with a text unless the two are the same.
pub fn same<T: PartialEq + std::fmt::Debug>(what: &str, seen: &T, wanted: &T) -> Outcome {
    if seen == wanted {
        return Ok(());
    }
    Err(format!("{what}\n  seen   {seen:?}\n  wanted {wanted:?}"))
}

/// A column of a case.
#[derive(Clone, Debug)]
pub struct Column {
    pub name: String,
    pub ty: Ty,
    pub array: bool,
}

/// A table of a case.
#[derive(Clone, Debug)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    /// Places of the key's columns; without any the table has the hidden `_id`, and its first
    /// column tells the rows apart.
    pub key: Vec<usize>,
    /// The column of a secondary index.
    pub index: Option<usize>,
}

/// A literal in SQL.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

impl Table {
    /// Names of tables are never used twice in a process.
    pub fn fresh_name() -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// The statements that make it and open it.
    pub fn create(&self) -> String {
        let quote = |at: &usize| self.columns[*at].name.clone();
        let mut parts: Vec<String> = self
            .columns
            .iter()
            .map(|c| format!("{} {}{}", c.name, c.ty.sql(), if c.array { "[]" } else { "" }))
            .collect();
        let unique = self.columns[0].name.clone();
        parts.push(match self.key.as_slice() {
            [] => format!("UNIQUE ({unique})"),
            key => {
                let names: Vec<String> = key.iter().map(quote).collect();
                format!("PRIMARY KEY ({})", names.join(", "))
            }
        });
        let name = &self.name;
        let mut all = format!("CREATE TABLE {name} ({});", parts.join(", "));
        if let Some(at) = &self.index {
            all.push_str(&format!("CREATE INDEX ON {name} ({});", quote(at)));
        }
        format!("{all} ALTER TABLE {name} SET (redis_prefix = '{name}')")
    }

    pub fn names(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        names.join(", ")
    }

    /// The places that tell rows apart.
    pub fn identity(&self) -> Vec<usize> {
        if self.key.is_empty() { vec![0] } else { self.key.clone() }
    }

    /// `a = '1' AND b = 'x'`.
    pub fn is_row(&self, row: &[Cell]) -> String {
        let equal = |at: &usize| {
            let column = &self.columns[*at];
            let text = row[*at].as_ref().map(|value| value.text(column.ty)).unwrap_or_default();
            format!("{} = {}", column.name, literal(&text))
        };
        self.identity().iter().map(equal).collect::<Vec<_>>().join(" AND ")
    }
}

/// A store and its clients.
pub struct Bed {
    pub qanat: Qanat,
    pub postgres: Client,
    pub redis: redis::Client,
}

/// A reply of Redis's that owns its bytes.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    Text(Vec<u8>),
    Error(String),
    Number(i64),
    Nothing,
    List(Vec<Told>),
}

impl Told {
    fn of(reply: &Reply<'_>) -> Told {
        match reply {
            Reply::Simple(text) | Reply::Bulk(text) => Told::Text(text.to_vec()),
            Reply::Error(text) => Told::Error(String::from_utf8_lossy(text).into_owned()),
            Reply::Integer(n) => Told::Number(*n),
            Reply::Null => Told::Nothing,
            Reply::Array(items) => Told::List(items.iter().map(Told::of).collect()),
            other => panic!("no reply of version 2: {other:?}"),
        }
    }

    /// The texts of a list; nothing is `None`.
    pub fn texts(&self) -> Vec<Option<Vec<u8>>> {
        let Told::List(items) = self else { panic!("no list: {self:?}") };
        let text = |item: &Told| match item {
            Told::Text(text) => Some(text.clone()),
            Told::Nothing => None,
            other => panic!("no text: {other:?}"),
        };
        items.iter().map(text).collect()
    }
}

impl Bed {
    pub async fn over(qanat: Qanat) -> Bed {
        let postgres = Client::ready(&qanat, Limits::default()).await;
        let server = Server::new(qanat.keyspaces().clone(), Options::default());
        let redis = redis::Client::of(&server);
        Bed { qanat, postgres, redis }
    }

    pub async fn new() -> Bed {
        Bed::over(Qanat::open("memory:").await.unwrap()).await
    }

    /// A statement that must succeed.
    pub async fn sql(&mut self, sql: &str) -> Outcome<Answer> {
        let answer = self.postgres.query(sql).await;
        match &answer.error {
            None => Ok(answer),
            Some(refusal) => Err(format!("{sql}\n  {} {}", refusal.code, refusal.message)),
        }
    }

    /// Its rows as texts.
    pub async fn rows(&mut self, sql: &str) -> Outcome<Vec<Vec<Option<String>>>> {
        let text = |cell: Option<Vec<u8>>| cell.map(|cell| String::from_utf8(cell).unwrap());
        let rows = self.sql(sql).await?.rows;
        Ok(rows.into_iter().map(|row| row.into_iter().map(text).collect()).collect())
    }

    pub async fn keys<A: AsRef<[u8]>>(&mut self, arguments: &[A]) -> Told {
        let reply = self.redis.ask(arguments).await;
        let (reply, _) = decode(&reply).unwrap().expect("a whole reply");
        Told::of(&reply)
    }

    /// The Redis key of a row.
    pub async fn key(&mut self, table: &Table, row: &[Cell]) -> Outcome<Vec<u8>> {
        let rest = if table.key.is_empty() {
            let sql = format!("SELECT _id FROM {} WHERE {}", table.name, table.is_row(row));
            let rows = self.rows(&sql).await?;
            let id = rows.first().and_then(|row| row[0].clone());
            let id = id.ok_or_else(|| format!("{sql}\n  no row"))?;
            // It has no declared type, so it is JSON.
            id.trim_matches('"').to_owned().into_bytes()
        } else {
            rest_of_key(table, row)
        };
        Ok([table.name.as_bytes(), b":", &rest].concat())
    }
}

/// The primary key verbatim; several columns joined by `:`, with `:` and `\` escaped.
pub fn rest_of_key(table: &Table, row: &[Cell]) -> Vec<u8> {
    let parts: Vec<Vec<u8>> = table
        .key
        .iter()
        .map(|at| row[*at].as_ref().map(Value::redis).unwrap_or_default())
        .collect();
    if let [part] = parts.as_slice() {
        return part.clone();
    }
    let escape = |part: &Vec<u8>| {
        let mut out = Vec::new();
        for byte in part {
            if matches!(byte, b':' | b'\\') {
                out.push(b'\\');
            }
            out.push(*byte);
        }
        out
    };
    parts.iter().map(escape).collect::<Vec<_>>().join(&b':')
}
