//! Redis sessions over a store in memory: against recorded answers, against a simple model, and
//! against each other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use protocol::redis::client::{self, Reply};
use protocol::redis::session::{Options, Server};

use crate::clients::redis::{Client, server};
use crate::golden;

fn runtime(threads: usize) -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(threads).enable_all().build().unwrap()
}

/// A reply whose elements come in any order.
fn sorted(reply: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(reply).into_owned();
    let mut lines: Vec<&str> = text.split("\r\n").collect();
    lines.sort_unstable();
    lines.join("\r\n").into_bytes()
}

#[test]
fn answers_as_recorded() {
    let runtime = runtime(1);
    let server = runtime.block_on(server());
    golden::check("redis_keys.txt", |case| {
        runtime.block_on(async {
            let mut client = Client::of(&server);
            client.line("flushall").await;
            let mut replies = Vec::new();
            // The first case stands behind the heading.
            for line in case.lines().filter(|line| !line.is_empty() && !line.starts_with("# ")) {
                if line == "(hello 3)" {
                    client.line("hello 3").await;
                    continue;
                }
                let reply = client.line(line.trim_start_matches('~')).await;
                let reply = if line.starts_with('~') { sorted(&reply) } else { reply };
                replies.push(golden::escape(&reply));
            }
            replies.join("\n")
        })
    });
}

#[test]
fn no_increment_is_lost() {
    runtime(2).block_on(async {
        let server = server().await;
        let mut tasks = Vec::new();
        for task in 0..50 {
            let mut client = Client::of(&server);
            tasks.push(tokio::spawn(async move {
                for _ in 0..10 {
                    // Pipelines that take the same keys in opposite orders.
                    let (a, b) = if task % 2 == 0 { ("x", "y") } else { ("y", "x") };
                    let pipeline =
                        format!("incr {a}\r\nincr {b}\r\nhincrby h f 1\r\nget nokey\r\n");
                    client.send(pipeline.as_bytes()).await;
                    for _ in 0..4 {
                        let reply = client.reply().await;
                        assert!(!reply.starts_with(b"-"), "{}", String::from_utf8_lossy(&reply));
                    }
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        let mut client = Client::of(&server);
        assert_eq!(client.text("get x").await, "$3\r\n500\r\n");
        assert_eq!(client.text("get y").await, "$3\r\n500\r\n");
        assert_eq!(client.text("hget h f").await, "$3\r\n500\r\n");
        assert_eq!(client.text("dbsize").await, ":3\r\n");
    });
}

/// A store with its Redis server, on one thread as a worker has.
async fn crowd(clients: usize) -> (qanat::Qanat, Vec<Client>) {
    let qanat = qanat::Qanat::open("memory:").await.unwrap();
    let server = Server::new(qanat.keyspaces().clone(), Options::default());
    let mut clients: Vec<Client> = (0..clients).map(|_| Client::of(&server)).collect();
    // The first write makes the key space, alone.
    assert_eq!(clients[0].text("set first 1").await, "+OK\r\n");
    for client in &mut clients {
        client.line("ping").await;
    }
    (qanat, clients)
}

fn worker() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn connections_that_are_ready_together_commit_together() {
    worker().block_on(async {
        let (qanat, mut clients) = crowd(40).await;
        let before = qanat.usage().records;
        for (at, client) in clients.iter_mut().enumerate() {
            // One in four fails by itself and takes nobody with it.
            let line = match at % 4 {
                0 => "hset first f v\r\n".to_owned(),
                1 => "incr together\r\n".to_owned(),
                _ => format!("set k{at} v{at}\r\n"),
            };
            client.send(line.as_bytes()).await;
        }
        let mut sums = BTreeSet::new();
        for (at, client) in clients.iter_mut().enumerate() {
            let reply = String::from_utf8(client.reply().await).unwrap();
            match at % 4 {
                0 => assert!(reply.starts_with("-WRONGTYPE"), "{reply}"),
                1 => drop(sums.insert(reply)),
                _ => assert_eq!(reply, "+OK\r\n"),
            }
        }
        assert_eq!(sums.len(), 10, "{sums:?}");
        assert_eq!(clients[7].text("get k2").await, "$2\r\nv2\r\n");
        assert_eq!(clients[7].text("get together").await, "$2\r\n10\r\n");
        let commits = qanat.usage().records - before;
        assert!((1..10).contains(&commits), "{commits} commits of 30 writes");
    });
}

#[test]
fn a_locked_key_holds_nobody_but_its_own_client() {
    worker().block_on(async {
        let (qanat, mut clients) = crowd(20).await;
        let mut sql = qanat.session(qanat::SessionOptions::default()).await.unwrap();
        for text in ["BEGIN", "SELECT value FROM redis WHERE key = 'first' FOR UPDATE"] {
            let parsed = qanat::session::parse(text).unwrap();
            let prepared = sql.prepare(text, &parsed[0], &[]).await.unwrap();
            let none = qanat::session::TextParameters(&[]);
            let started = sql.start(&prepared, &none).await.unwrap();
            let qanat::session::Started::Portal(mut portal) = started else { continue };
            while let qanat::session::Fetched::Rows(_) = portal.fetch(&mut sql, 9).await.unwrap() {}
        }
        for (at, client) in clients.iter_mut().enumerate() {
            let key = if at == 5 { "first".to_owned() } else { format!("k{at}") };
            client.send(format!("set {key} new\r\n").as_bytes()).await;
        }
        for (at, client) in clients.iter_mut().enumerate().filter(|(at, _)| *at != 5) {
            assert_eq!(client.reply().await, b"+OK\r\n", "client {at}");
        }
        let waits = std::time::Duration::from_millis(100);
        assert!(tokio::time::timeout(waits, clients[5].reply()).await.is_err());
        drop(sql);
        assert_eq!(clients[5].reply().await, b"+OK\r\n");
        assert_eq!(clients[6].text("get first").await, "$3\r\nnew\r\n");
    });
}

#[test]
fn a_shared_snapshot_shows_what_was_answered_before() {
    worker().block_on(async {
        let (_qanat, mut clients) = crowd(30).await;
        for round in 0..50 {
            assert_eq!(clients[0].text(&format!("set first {round}")).await, "+OK\r\n");
            for client in &mut clients {
                client.send(b"get first\r\n").await;
            }
            for client in &mut clients {
                let reply = String::from_utf8(client.reply().await).unwrap();
                assert!(reply.ends_with(&format!("\r\n{round}\r\n")), "{round}: {reply}");
            }
        }
    });
}

#[test]
fn watched_transfers_keep_the_sum() {
    runtime(2).block_on(async {
        let server = server().await;
        Client::of(&server).line("mset a 500 b 500").await;
        let done = Arc::new(AtomicU64::new(0));
        let mut tasks = Vec::new();
        for task in 0..8u64 {
            let (mut client, done) = (Client::of(&server), done.clone());
            tasks.push(tokio::spawn(async move {
                for _ in 0..20 {
                    let (from, to) = if task % 2 == 0 { ("a", "b") } else { ("b", "a") };
                    client.line(&format!("watch {from} {to}")).await;
                    let (x, y) = (
                        number(&client.line(&format!("get {from}")).await),
                        number(&client.line(&format!("get {to}")).await),
                    );
                    client.line("multi").await;
                    client.line(&format!("set {from} {}", x - 1)).await;
                    client.line(&format!("set {to} {}", y + 1)).await;
                    if client.line("exec").await.starts_with(b"*2") {
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                    // Whoever reads both in one transaction sees the sum.
                    client.send(b"multi\r\nget a\r\nget b\r\nexec\r\n").await;
                    for _ in 0..3 {
                        client.reply().await;
                    }
                    let both = client.reply().await;
                    let (both, _) = client::decode(&both).unwrap().unwrap();
                    let Reply::Array(both) = both else { panic!("{both:?}") };
                    let sum: i64 = both
                        .iter()
                        .map(|reply| match reply {
                            Reply::Bulk(text) => {
                                std::str::from_utf8(text).unwrap().parse::<i64>().unwrap()
                            }
                            other => panic!("{other:?}"),
                        })
                        .sum();
                    assert_eq!(sum, 1000);
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        assert!(done.load(Ordering::Relaxed) > 0, "nobody ever won");
    });
}

fn number(reply: &[u8]) -> i64 {
    let text = std::str::from_utf8(reply).unwrap();
    let text = text.strip_prefix(':').or_else(|| text.split("\r\n").nth(1)).unwrap();
    text.trim().parse().unwrap()
}

/// All elements of a scan, its cursors followed from 0 to 0.
async fn scan(client: &mut Client, head: &str, tail: &str) -> Vec<String> {
    let (mut all, mut cursor) = (Vec::new(), "0".to_owned());
    loop {
        let reply = client.line(&format!("{head} {cursor} {tail}")).await;
        let (reply, _) = client::decode(&reply).unwrap().unwrap();
        let Reply::Array(parts) = reply else { panic!("{reply:?}") };
        let [Reply::Bulk(next), Reply::Array(elements)] = parts.as_slice() else { panic!() };
        all.extend(elements.iter().map(|element| match element {
            Reply::Bulk(text) => String::from_utf8_lossy(text).into_owned(),
            other => panic!("{other:?}"),
        }));
        cursor = String::from_utf8_lossy(next).into_owned();
        if cursor == "0" {
            return all;
        }
    }
}

#[test]
fn a_scan_meets_all_that_stays() {
    runtime(2).block_on(async {
        let server = server().await;
        let mut client = Client::of(&server);
        for n in 0..300 {
            client.line(&format!("set stays:{n} x")).await;
            client.line(&format!("hset hash stays:{n} x")).await;
        }
        let mut other = Client::of(&server);
        let stop = Arc::new(AtomicU64::new(0));
        let stopped = stop.clone();
        let disturber = tokio::spawn(async move {
            let mut n = 0;
            while stopped.load(Ordering::Relaxed) == 0 {
                n += 1;
                other.line(&format!("set goes:{} x", n % 50)).await;
                other.line(&format!("del goes:{}", (n * 7) % 50)).await;
                other.line(&format!("hset hash goes:{} x", n % 50)).await;
                other.line(&format!("hdel hash goes:{}", (n * 7) % 50)).await;
            }
        });
        for _ in 0..3 {
            let keys = scan(&mut client, "scan", "count 7").await;
            let fields = scan(&mut client, "hscan hash", "count 7").await;
            for n in 0..300 {
                let name = format!("stays:{n}");
                assert_eq!(keys.iter().filter(|key| **key == name).count(), 1, "{name}");
                assert_eq!(fields.iter().filter(|field| **field == name).count(), 1, "{name}");
            }
        }
        stop.store(1, Ordering::Relaxed);
        disturber.await.unwrap();
        let some = scan(&mut client, "scan", "match stays:1? type string").await;
        assert_eq!(some.iter().collect::<BTreeSet<_>>().len(), 10);
    });
}

#[test]
fn an_error_in_a_pipeline_undoes_only_its_command() {
    runtime(1).block_on(async {
        let server = server().await;
        let mut client = Client::of(&server);
        client.send(b"set a 1\r\nhset a f v\r\nmset b 2 c 3\r\nincr b\r\nincr nothing x\r\nrename no b\r\nget b\r\n").await;
        let mut replies = Vec::new();
        for _ in 0..7 {
            replies.push(String::from_utf8(client.reply().await).unwrap());
        }
        let begins: Vec<&str> = replies.iter().map(|reply| &reply[..3]).collect();
        assert_eq!(begins, ["+OK", "-WR", "+OK", ":3\r", "-ER", "-ER", "$1\r"]);
        assert_eq!(client.text("dbsize").await, ":3\r\n");
    });
}

#[test]
fn what_is_not_built_is_named() {
    runtime(1).block_on(async {
        let server = server().await;
        let mut client = Client::of(&server);
        for (line, name) in [
            ("lpush k v", "LPUSH"),
            ("dump k", "DUMP"),
            ("wait 1 1", "WAIT"),
            ("sort k", "SORT"),
            ("client tracking on", "CLIENT TRACKING"),
            ("slowlog get", "SLOWLOG GET"),
            ("debug object k", "DEBUG OBJECT"),
            ("subscribe x", "SUBSCRIBE"),
        ] {
            let text = client.text(line).await;
            assert_eq!(text, format!("-ERR unsupported: '{name}' is not supported\r\n"));
        }
        assert_eq!(client.text("ping").await, "+PONG\r\n");
        assert!(client.line("POST / HTTP/1.1").await.is_empty());
    });
}

#[test]
fn clients_are_listed_killed_and_silenced() {
    runtime(1).block_on(async {
        let server = server().await;
        let (mut a, mut b) = (Client::of(&server), Client::of(&server));
        let id = number(&b.line("client id").await);
        b.line("client setname bee").await;
        assert!(a.text("client list").await.contains("name=bee"));
        b.send(b"client reply off\r\nset k 1\r\nclient reply on\r\nclient reply skip\r\nget k\r\nget k\r\n").await;
        assert_eq!(b.reply().await, b"+OK\r\n");
        assert_eq!(b.reply().await, b"$1\r\n1\r\n");
        assert_eq!(a.text(&format!("client kill id {id}")).await, ":1\r\n");
        assert!(b.reply().await.is_empty());
        assert!(a.text("info").await.contains("connected_clients:1\r\n"));
    });
}

/// A simple model of strings and hashes.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Text(String),
    Hash(BTreeMap<String, String>),
}

fn command() -> impl Strategy<Value = Vec<String>> {
    let key = prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned);
    let field = (0..6u32).prop_map(|n| if n == 5 { "f".repeat(70) } else { format!("f{n}") });
    let value = prop::sample::select(vec!["1", "-7", "x", "hello", ""]).prop_map(str::to_owned);
    let names = prop::sample::select(vec![
        "set", "get", "incr", "append", "del", "hset", "hget", "hdel", "hlen", "rename", "copy",
        "strlen", "hincrby", "exists", "getdel", "setnx", "type", "hexists", "renamenx", "dbsize",
    ]);
    (names, key.clone(), key, field, value).prop_map(|(name, key, other, field, value)| {
        let words: Vec<String> = match name {
            "set" | "append" | "setnx" => vec![key, value],
            "hset" => vec![key, field, value],
            "hget" | "hdel" | "hexists" => vec![key, field],
            "hincrby" => vec![key, field, "3".into()],
            "rename" | "renamenx" | "copy" => vec![key, other],
            "dbsize" => vec![],
            _ => vec![key],
        };
        std::iter::once(name.to_owned()).chain(words).collect()
    })
}

const WRONG: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

fn bulk(text: Option<&String>) -> String {
    text.map_or("$-1\r\n".into(), |text| format!("${}\r\n{text}\r\n", text.len()))
}

/// What Redis would answer; an error leaves everything as it was.
fn expected(all: &mut BTreeMap<String, Value>, words: &[String]) -> String {
    let word = |at: usize| words[at].clone();
    let int = |n: i64| format!(":{n}\r\n");
    let text = |all: &BTreeMap<String, Value>| match all.get(&words[1]) {
        Some(Value::Text(text)) => Ok(Some(text.clone())),
        Some(Value::Hash(_)) => Err(WRONG.to_owned()),
        None => Ok(None),
    };
    let hash = |all: &BTreeMap<String, Value>| match all.get(&words[1]) {
        Some(Value::Hash(hash)) => Ok(hash.clone()),
        Some(Value::Text(_)) => Err(WRONG.to_owned()),
        None => Ok(BTreeMap::new()),
    };
    let keep = |all: &mut BTreeMap<String, Value>, hash: BTreeMap<String, String>| {
        match hash.is_empty() {
            true => all.remove(&words[1]),
            false => all.insert(words[1].clone(), Value::Hash(hash)),
        };
    };
    let not_integer = "-ERR value is not an integer or out of range\r\n".to_owned();
    let answer = (|| -> Result<String, String> {
        Ok(match words[0].as_str() {
            "set" => {
                all.insert(word(1), Value::Text(word(2)));
                "+OK\r\n".into()
            }
            "setnx" => {
                let new = !all.contains_key(&words[1]);
                all.entry(word(1)).or_insert(Value::Text(word(2)));
                int(new.into())
            }
            "get" => bulk(text(all)?.as_ref()),
            "getdel" => {
                let old = text(all)?;
                all.remove(&words[1]);
                bulk(old.as_ref())
            }
            "strlen" => int(text(all)?.map_or(0, |text| text.len() as i64)),
            "append" => {
                let whole = text(all)?.unwrap_or_default() + &words[2];
                all.insert(word(1), Value::Text(whole.clone()));
                int(whole.len() as i64)
            }
            "incr" => {
                let old = text(all)?.unwrap_or("0".into());
                let sum = old.parse::<i64>().map_err(|_| not_integer)? + 1;
                all.insert(word(1), Value::Text(sum.to_string()));
                int(sum)
            }
            "del" => int(all.remove(&words[1]).is_some().into()),
            "exists" => int(all.contains_key(&words[1]).into()),
            "type" => match all.get(&words[1]) {
                None => "+none\r\n".into(),
                Some(Value::Text(_)) => "+string\r\n".into(),
                Some(Value::Hash(_)) => "+hash\r\n".into(),
            },
            "hset" => {
                let mut fields = hash(all)?;
                let new = fields.insert(word(2), word(3)).is_none();
                keep(all, fields);
                int(new.into())
            }
            "hget" => bulk(hash(all)?.get(&words[2])),
            "hexists" => int(hash(all)?.contains_key(&words[2]).into()),
            "hlen" => int(hash(all)?.len() as i64),
            "hdel" => {
                let mut fields = hash(all)?;
                let gone = fields.remove(&words[2]).is_some();
                keep(all, fields);
                int(gone.into())
            }
            "hincrby" => {
                let mut fields = hash(all)?;
                let old = fields.get(&words[2]).cloned().unwrap_or("0".into());
                let bad = |_| "-ERR hash value is not an integer\r\n".to_owned();
                let sum = old.parse::<i64>().map_err(bad)? + 3;
                fields.insert(word(2), sum.to_string());
                keep(all, fields);
                int(sum)
            }
            "dbsize" => int(all.len() as i64),
            "copy" if words[1] == words[2] => {
                "-ERR source and destination objects are the same\r\n".into()
            }
            "copy" => match all.get(&words[1]).cloned() {
                Some(value) if !all.contains_key(&words[2]) => {
                    all.insert(word(2), value);
                    int(1)
                }
                _ => int(0),
            },
            name => {
                let value = all.get(&words[1]).cloned();
                let value = value.ok_or("-ERR no such key\r\n".to_owned())?;
                let absent = name == "renamenx";
                if absent && all.contains_key(&words[2]) {
                    return Ok(int(0));
                }
                all.remove(&words[1]);
                all.insert(word(2), value);
                if absent { int(1) } else { "+OK\r\n".into() }
            }
        })
    })();
    answer.unwrap_or_else(|error| error)
}

proptest! {
    #![proptest_config(crate::cases(60))]

    #[test]
    fn commands_do_what_a_map_does(
        pipelines in prop::collection::vec(prop::collection::vec(command(), 1..12), 1..8),
        multi in any::<bool>(),
    ) {
        let runtime = runtime(1);
        runtime.block_on(async {
            let server = server().await;
            let mut client = Client::of(&server);
            let mut model = BTreeMap::new();
            for pipeline in pipelines {
                let mut request = Vec::new();
                if multi {
                    client::encode(&mut request, &["multi"]);
                }
                pipeline.iter().for_each(|words| client::encode(&mut request, words));
                if multi {
                    client::encode(&mut request, &["exec"]);
                }
                client.send(&request).await;
                let expected: Vec<String> =
                    pipeline.iter().map(|words| expected(&mut model, words)).collect();
                if multi {
                    for _ in 0..=pipeline.len() {
                        client.reply().await;
                    }
                    let whole = format!("*{}\r\n{}", expected.len(), expected.concat());
                    assert_eq!(String::from_utf8(client.reply().await).unwrap(), whole, "{pipeline:?}");
                } else {
                    for (words, expected) in pipeline.iter().zip(expected) {
                        let reply = String::from_utf8(client.reply().await).unwrap();
                        assert_eq!(reply, expected, "{words:?} of {pipeline:?}");
                    }
                }
            }
            assert_eq!(client.ask(&["dbsize"]).await, format!(":{}\r\n", model.len()).into_bytes());
        });
    }
}
