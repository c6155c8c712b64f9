//! Whole conversations with a session over an in-memory store, against a recorded server.
//!
//! `tests/golden/postgres_session.txt` holds what PostgreSQL 15 answered, message by message
//! (`tests/generate/postgres_session.py` records it and tells the notation). Each conversation is
//! held twice: sent at once, and a byte at a time; the answers must be the same both times.

use std::time::Duration;

use protocol::postgres::session::{Limits, refuse};
use qanat::Qanat;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use crate::clients::block_on;
use crate::clients::postgres::{Client, encode, message, messages, packet, show, startup};
use crate::golden::{self, unescape};

/// What a session answers to a conversation after its start.
async fn converse(lines: &str, pieces: bool) -> String {
    let qanat = Qanat::open("memory:").await.unwrap();
    let client = Client::new(&qanat, Limits::default());
    let mut bytes = startup(&[("user", "postgres"), ("database", "postgres")]);
    for line in lines.lines().filter(|line| !line.starts_with('#')) {
        bytes.extend(encode(line));
    }
    bytes.extend(message(b'X', b""));
    let (mut reader, mut writer) = tokio::io::split(client.stream);
    let sender = tokio::spawn(async move {
        for piece in bytes.chunks(if pieces { 1 } else { bytes.len() }) {
            // The session may have ended before the last byte.
            if writer.write_all(piece).await.is_err() {
                break;
            }
        }
    });
    let mut answer = Vec::new();
    reader.read_to_end(&mut answer).await.unwrap();
    sender.await.unwrap();
    client.task.await.unwrap().unwrap();
    client.stop.send_replace(true);
    let all = messages(&answer);
    let begun = all.iter().position(|(kind, _)| *kind == b'Z').expect("no ReadyForQuery") + 1;
    let shown: Vec<String> = all[begun..].iter().map(|(kind, body)| show(*kind, body)).collect();
    shown.join("\n")
}

#[test]
fn conversations_go_as_with_postgresql() {
    golden::check("postgres_session.txt", |case| {
        let whole = block_on(converse(case, false));
        let pieces = block_on(converse(case, true));
        assert_eq!(whole, pieces, "{case}: sent at once and in pieces");
        whole
    });
}

/// What PostgreSQL has no word for: a column of values of any type shows each as it is, in text,
/// and a parameter beside it is a text.
#[test]
fn values_of_any_type_show_bare() {
    let lines = "Q CREATE TABLE k (a int); INSERT INTO k (_id, a) VALUES (7, 1), ('x', 2)
Q INSERT INTO k (_id, a) VALUES ('090909090909090909090909'::objectid, 3), (0.5, 4) RETURNING _id
Q SELECT _id FROM k ORDER BY _id
P |SELECT a FROM k WHERE _id = $1|
D S 
B |||x|
E |0
S";
    let answer = block_on(converse(lines, false));
    let rows: Vec<&str> = answer.lines().filter(|line| line.starts_with(['D', 't'])).collect();
    assert_eq!(
        rows,
        [
            "D 090909090909090909090909",
            "D 0.5",
            "D 0.5",
            "D 7",
            "D x",
            "D 090909090909090909090909",
            "t 25",
            "D 2"
        ]
    );
}

/// The plan of a query that stands in another statement is not taken for that statement's.
#[test]
fn a_statement_inside_another_serves_nobody_else() {
    let lines = "Q CREATE TABLE k (a int PRIMARY KEY)
Q EXPLAIN SELECT a FROM k WHERE a = 1
Q EXPLAIN SELECT a FROM k WHERE a = 2
Q EXPLAIN SELECT a FROM k WHERE a = 2;";
    let answer = block_on(converse(lines, false));
    let tags: Vec<&str> = answer.lines().filter(|line| line.starts_with('C')).collect();
    assert_eq!(tags[1..], [r"C EXPLAIN\x00"; 3]);
    assert!(answer.lines().any(|line| line.starts_with("D ") && line.contains('k')), "{answer}");
}

#[test]
fn the_start_of_a_session() {
    block_on(async {
        let qanat = Qanat::open("memory:").await.unwrap();
        let mut client = Client::new(&qanat, Limits::default());
        // Encryption is declined, once each.
        let mut answer = [0];
        for code in [80_877_104, 80_877_103] {
            client.send(&packet(code, b"")).await;
            client.stream.read_exact(&mut answer).await.unwrap();
            assert_eq!(&answer, b"N");
        }
        let options = "-c application_name=a\\ b --statement-timeout=5s";
        let encoding = ("client_encoding", "'utf-8'");
        client.send(&startup(&[("user", "ann"), encoding, ("options", options)])).await;
        let begun = client.until(b'Z').await;
        assert_eq!(begun[0], r"R \x00\x00\x00\x00");
        for status in [
            r"S application_name\x00a b\x00",
            r"S client_encoding\x00UTF8\x00",
            r"S integer_datetimes\x00on\x00",
            r"S standard_conforming_strings\x00on\x00",
        ] {
            assert!(begun.iter().any(|line| line == status), "{status}: {begun:?}");
        }
        assert!(begun.iter().any(|line| line.starts_with(r"S server_version\x0015.")));
        assert!(begun[begun.len() - 2].starts_with('K'));
        client.say("Q SHOW statement_timeout").await;
        assert_eq!(client.until(b'Z').await[1], "D 5s");
    });
}

#[test]
fn starts_that_are_refused() {
    let refused = |bytes: Vec<u8>| {
        block_on(async move {
            let qanat = Qanat::open("memory:").await.unwrap();
            let mut client = Client::new(&qanat, Limits::default());
            client.send(&bytes).await;
            let answer = client.rest().await;
            let shown: Vec<_> = messages(&answer).iter().map(|(k, body)| show(*k, body)).collect();
            shown.join("\n")
        })
    };
    let user = ("user", "ann");
    assert_eq!(
        refused(startup(&[user, ("database", "nosuch")])),
        r#"E SFATAL | C3D000 | Mdatabase "nosuch" does not exist"#
    );
    assert_eq!(
        refused(startup(&[user, ("replication", "database")])),
        "E SFATAL | C0A000 | Ma replication connection is not supported"
    );
    assert_eq!(
        refused(startup(&[user, ("nosuch", "1")])),
        r#"E SFATAL | C42704 | Munrecognized configuration parameter "nosuch""#
    );
    assert_eq!(
        refused(startup(&[user, ("options", "-d 5")])),
        "E SFATAL | C42601 | Minvalid command-line argument for server process: -d \
         | HOptions are of the form -c name=value."
    );
    assert_eq!(
        refused(startup(&[])),
        "E SFATAL | C28000 | Mno PostgreSQL user name specified in startup packet"
    );
    assert_eq!(
        refused(packet(2 << 16, b"")),
        "E SFATAL | C0A000 | Munsupported frontend protocol 2.0: server supports 3.0 to 3.0"
    );
    // What is no client of PostgreSQL's is not answered at all.
    assert_eq!(refused(b"GET / HTTP/1.1\r\n\r\n".to_vec()), "");
    assert_eq!(refused(b"\xff\xff\xff\xff".to_vec()), "");
}

#[test]
fn a_connection_too_many() {
    block_on(async {
        let qanat = Qanat::open("memory:").await.unwrap();
        let (mut stream, other) = duplex(1 << 16);
        let task = tokio::spawn(refuse(other, qanat, Limits::default()));
        stream.write_all(&startup(&[("user", "ann")])).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let all = messages(&answer);
        let wanted = "E SFATAL | C53300 | Msorry, too many clients already";
        assert_eq!(show(all[0].0, all[0].1), wanted);
        task.await.unwrap().unwrap();
    });
}

#[test]
fn limits_of_size_and_calls_by_number() {
    block_on(async {
        let qanat = Qanat::open("memory:").await.unwrap();
        let mut client = Client::ready(&qanat, Limits::default()).await;
        client.say("F").await;
        let answer = client.until(b'Z').await;
        assert!(answer[0].starts_with("E SERROR | C0A000 | Ma call of a function"), "{answer:?}");
        // Nothing is awaited of a message over its limit.
        client.send(b"E\x00\x01\x00\x00").await;
        let answer = client.rest().await;
        let all = messages(&answer);
        assert_eq!(show(all[0].0, all[0].1), "E SFATAL | C08P01 | Minvalid message length");
        assert_eq!(all.len(), 1);
    });
}

#[test]
fn idle_sessions_end_when_their_time_or_the_server_does() {
    block_on(async {
        let qanat = Qanat::open("memory:").await.unwrap();
        let told = |client: Client| async {
            let answer = client.rest().await;
            let all = messages(&answer);
            show(all[0].0, all[0].1)[..15].to_owned()
        };
        let mut client = Client::ready(&qanat, Limits::default()).await;
        client.say("Q SET idle_session_timeout = '10ms'").await;
        client.until(b'Z').await;
        assert_eq!(told(client).await, "E SFATAL | C57P");
        let mut client = Client::ready(&qanat, Limits::default()).await;
        client.say("Q SET idle_in_transaction_session_timeout = '10ms'").await;
        client.until(b'Z').await;
        client.say("Q BEGIN").await;
        client.until(b'Z').await;
        assert_eq!(told(client).await, "E SFATAL | C25P");
        let client = Client::ready(&qanat, Limits::default()).await;
        client.stop.send_replace(true);
        assert_eq!(told(client).await, "E SFATAL | C57P");
        assert!(qanat.sessions().is_empty());
    });
}

#[test]
fn a_statement_that_waits_holds_no_answers_back_and_can_be_cancelled() {
    block_on(async {
        let qanat = Qanat::open("memory:").await.unwrap();
        let mut holder = Client::ready(&qanat, Limits::default()).await;
        for line in ["Q CREATE TABLE t (a int)", "Q INSERT INTO t VALUES (1)", "Q BEGIN"] {
            holder.say(line).await;
            holder.until(b'Z').await;
        }
        holder.say("Q UPDATE t SET a = 2").await;
        holder.until(b'Z').await;
        let mut waiter = Client::new(&qanat, Limits::default());
        waiter.send(&startup(&[("user", "ann")])).await;
        let begun = waiter.until(b'Z').await;
        let key = unescape(&begun[begun.len() - 2][2..]);
        // Both at once: the first answer must not wait for the second statement.
        waiter.send(&[encode("Q SELECT 7"), encode("Q UPDATE t SET a = 3")].concat()).await;
        assert_eq!(waiter.until(b'Z').await[1], "D 7");
        let wrong = Client::new(&qanat, Limits::default());
        let mut wrong_key = key.clone();
        wrong_key[7] ^= 1;
        cancel(wrong, &wrong_key).await;
        let mut seen = Vec::new();
        // A cancel that comes before the statement is lost, as with PostgreSQL: so more than one.
        while seen.is_empty() {
            cancel(Client::new(&qanat, Limits::default()), &key).await;
            let patience = Duration::from_millis(50);
            if let Ok(answer) = tokio::time::timeout(patience, waiter.until(b'Z')).await {
                seen = answer;
            }
        }
        assert!(seen[0].starts_with("E SERROR | C57014"), "{seen:?}");
        holder.say("Q COMMIT").await;
        holder.until(b'Z').await;
        waiter.say("Q UPDATE t SET a = 3").await;
        assert_eq!(waiter.until(b'Z').await[0], r"C UPDATE 1\x00");
    });
}

async fn cancel(mut client: Client, key: &[u8]) {
    client.send(&packet(80_877_102, key)).await;
    assert!(client.rest().await.is_empty());
}

#[test]
fn flush_brings_answers_and_errors_without_sync() {
    block_on(async {
        let qanat = Qanat::open("memory:").await.unwrap();
        let mut client = Client::ready(&qanat, Limits::default()).await;
        client.send(&[encode("P s|SELECT 1|"), encode("D S s"), encode("H")].concat()).await;
        assert_eq!(client.until(b'T').await.len(), 3);
        client.send(&[encode("P |SELEC|"), encode("H")].concat()).await;
        assert!(client.next().await.starts_with("E SERROR | C42601"));
        client.say("S").await;
        assert_eq!(client.next().await, "Z I");
    });
}

#[test]
fn a_client_that_reads_nothing_is_left() {
    block_on(async {
        let qanat = Qanat::open("memory:").await.unwrap();
        let limits = Limits { write_time: Duration::from_millis(30), ..Limits::default() };
        let mut client = Client::ready(&qanat, limits).await;
        client.say("Q SELECT repeat('x', 1000) FROM generate_series(1, 100000)").await;
        let ended = (&mut client.task).await.unwrap();
        assert_eq!(ended.unwrap_err().kind(), std::io::ErrorKind::TimedOut);
        assert!(qanat.sessions().is_empty());
    });
}

#[test]
fn a_result_larger_than_every_buffer_arrives_whole() {
    block_on(async {
        let qanat = Qanat::open("memory:").await.unwrap();
        let mut client = Client::ready(&qanat, Limits::default()).await;
        client.say("Q SELECT a, repeat('x', 100) FROM generate_series(1, 20000) AS a").await;
        let rows = client.until(b'Z').await;
        assert_eq!(rows.len(), 20_000 + 3);
        assert!(rows[20_000].starts_with("D 20000 | xxx"), "{}", rows[20_000]);
        assert_eq!(rows[20_001], r"C SELECT 20000\x00");
    });
}
