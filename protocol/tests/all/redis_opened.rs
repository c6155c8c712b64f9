//! Hashes that are rows: scripts of SQL and Redis commands by turns, over one store.
//!
//! A line behind `sql ` is a statement, whose rows of one text are joined by ` | ` (`ok` where there
//! is none); any other is an inline command, whose reply is escaped. Each case has a store of its
//! own.

use protocol::redis::session::{Options, Server};
use qanat::Qanat;

use crate::clients::block_on;
use crate::clients::redis::Client;
use crate::golden;

async fn sql(qanat: &Qanat, text: &str) -> String {
    match qanat.sql(text).all::<String>().await {
        Ok(rows) if rows.is_empty() => "ok".into(),
        Ok(rows) => rows.join(" | "),
        Err(error) => format!("{}: {}", error.sqlstate, error.message),
    }
}

#[test]
fn rows_are_hashes_field_by_field() {
    golden::check("redis_opened.txt", |case| {
        block_on(async {
            let qanat = Qanat::open("memory:").await.unwrap();
            let server = Server::new(qanat.keyspaces().clone(), Options::default());
            let mut client = Client::of(&server);
            let mut answers = Vec::new();
            for line in case.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
                answers.push(match line.strip_prefix("sql ") {
                    Some(text) => sql(&qanat, text).await,
                    None => golden::escape(&client.line(line).await),
                });
            }
            answers.join("\n")
        })
    });
}
