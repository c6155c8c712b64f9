//! Redis's keys as rows: random keys and values in two key spaces, read through SQL; and what
//! neither side may do to the other.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::bed::{Bed, Outcome, Told, literal, same};
use super::values::{Json, Layout, Ty, Value};

/// What a key holds.
#[derive(Clone, Debug, PartialEq)]
enum Held {
    Text(Vec<u8>),
    Hash(BTreeMap<Vec<u8>, Vec<u8>>),
}

/// The keys of a key space, and when they expire (milliseconds since 1970).
type Keys = BTreeMap<Vec<u8>, (Held, Option<i64>)>;

#[derive(Clone, Debug)]
enum Command {
    Set(Vec<u8>, Vec<u8>),
    HashSet(Vec<u8>, Vec<u8>, Vec<u8>),
    HashDelete(Vec<u8>, Vec<u8>),
    Delete(Vec<u8>),
    ExpireAt(Vec<u8>, i64),
    Persist(Vec<u8>),
}

fn bytes() -> BoxedStrategy<Vec<u8>> {
    let odd: [&[u8]; 12] = [
        b"",
        b"a",
        b"b",
        b"a:b\\c",
        b"\xff\xfe",
        b"a\0b",
        b"%_*?",
        b"'",
        b"\\x61",
        b"\n\t",
        "é\u{1F600}".as_bytes(),
        &[b'x'; 70],
    ];
    prop_oneof![
        3 => prop::sample::select(odd.to_vec()).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..6),
        1 => "\\PC{0,5}".prop_map(String::into_bytes),
    ]
    .boxed()
}

fn command() -> BoxedStrategy<(bool, Command)> {
    // Days of the year 2100, far from the clock on both sides of it.
    let moment = 4_102_444_800_000..4_133_980_800_000i64;
    let command = prop_oneof![
        3 => (bytes(), bytes()).prop_map(|(key, value)| Command::Set(key, value)),
        3 => (bytes(), bytes(), bytes()).prop_map(|(k, f, v)| Command::HashSet(k, f, v)),
        1 => (bytes(), bytes()).prop_map(|(key, field)| Command::HashDelete(key, field)),
        1 => bytes().prop_map(Command::Delete),
        1 => (bytes(), moment).prop_map(|(key, at)| Command::ExpireAt(key, at)),
        1 => bytes().prop_map(Command::Persist),
    ];
    (any::<bool>(), command).boxed()
}

/// The command as words, done to the model first.
fn done(keys: &mut Keys, command: &Command) -> Vec<Vec<u8>> {
    let words = |words: &[&[u8]]| words.iter().map(|word| word.to_vec()).collect();
    match command {
        Command::Set(key, value) => {
            keys.insert(key.clone(), (Held::Text(value.clone()), None));
            words(&[b"SET", key, value])
        }
        Command::HashSet(key, field, value) => {
            let new = (Held::Hash(BTreeMap::new()), None);
            if let (Held::Hash(hash), _) = keys.entry(key.clone()).or_insert(new) {
                hash.insert(field.clone(), value.clone());
            }
            words(&[b"HSET", key, field, value])
        }
        Command::HashDelete(key, field) => {
            let mut empty = false;
            if let Some((Held::Hash(hash), _)) = keys.get_mut(key) {
                hash.remove(field);
                empty = hash.is_empty();
            }
            if empty {
                keys.remove(key);
            }
            words(&[b"HDEL", key, field])
        }
        Command::Delete(key) => {
            keys.remove(key);
            words(&[b"DEL", key])
        }
        Command::ExpireAt(key, at) => {
            keys.entry(key.clone()).and_modify(|(_, expires)| *expires = Some(*at));
            words(&[b"PEXPIREAT", key, at.to_string().as_bytes()])
        }
        Command::Persist(key) => {
            keys.entry(key.clone()).and_modify(|(_, expires)| *expires = None);
            words(&[b"PERSIST", key])
        }
    }
}

/// As text where it is one: UTF-8 without NUL.
fn text(bytes: &[u8]) -> Option<String> {
    String::from_utf8(bytes.to_vec()).ok().filter(|text| !text.contains('\0'))
}

fn hex(bytes: &[u8]) -> String {
    Value::Bytes(bytes.to_vec()).text(Ty::Bytea)
}

/// The rows that SQL is to see, in the order of the keys' bytes.
fn rows(keys: &Keys) -> Vec<Vec<Option<String>>> {
    let word = |bytes: &[u8]| text(bytes).unwrap_or_else(|| hex(bytes));
    let row = |(key, (held, expires)): (&Vec<u8>, &(Held, Option<i64>))| {
        let (kind, value, members) = match held {
            Held::Text(value) => ("string", Some(value), None),
            Held::Hash(hash) => {
                // A field that is no text and a text that looks like its digits are one in JSON.
                let fields: BTreeMap<String, String> =
                    hash.iter().map(|(field, value)| (word(field), word(value))).collect();
                let fields = fields.into_iter().map(|(f, v)| (f, Json::Text(v))).collect();
                ("hash", None, Some(Json::Object(fields).text(Layout::Sorted)))
            }
        };
        let expires = expires.map(|at| Value::TimestampTz(at * 1000).text(Ty::TimestampTz));
        vec![
            text(key),
            Some(hex(key)),
            Some(kind.to_owned()),
            value.and_then(|value| text(value)),
            value.map(|value| hex(value)),
            members,
            expires,
        ]
    };
    keys.iter().map(row).collect()
}

/// A case over a store whose two key spaces are empty.
pub async fn hold(bed: &mut Bed, commands: &[(bool, Step)]) -> Outcome {
    bed.keys(&["FLUSHALL"]).await;
    let mut spaces = [Keys::new(), Keys::new()];
    for (second, Step(command)) in commands {
        let space = usize::from(*second);
        bed.keys(&["SELECT", &space.to_string()]).await;
        let words = done(&mut spaces[space], command);
        bed.keys(&words).await;
    }
    for (number, keys) in spaces.iter().enumerate() {
        let table = if number == 0 { "redis".to_owned() } else { format!("redis_{number}") };
        // A key space that nobody wrote to is no table yet.
        bed.keys(&["SELECT", &number.to_string()]).await;
        bed.keys(&["SET", "made", "1"]).await;
        bed.keys(&["DEL", "made"]).await;
        let mut keys = keys.clone();
        keys.remove(&b"made"[..]);
        let wanted = rows(&keys);
        let sql = format!("SELECT * FROM {table} ORDER BY key_bytes");
        same("the key space", &bed.rows(&sql).await?, &wanted)?;
        same("DBSIZE", &bed.keys(&["DBSIZE"]).await, &Told::Number(wanted.len() as i64))?;
        let count = bed.rows(&format!("SELECT count(*) FROM {table}")).await?;
        same("count", &count, &vec![vec![Some(wanted.len().to_string())]])?;
        for row in &wanted {
            let by = |name: &str, text: &str| {
                format!("SELECT * FROM {table} WHERE {name} = {}", literal(text))
            };
            let [key, key_bytes, ..] = row.as_slice() else { unreachable!() };
            let one = vec![row.clone()];
            same(
                "by key_bytes",
                &bed.rows(&by("key_bytes", key_bytes.as_ref().unwrap())).await?,
                &one,
            )?;
            if let Some(key) = key {
                same("by key", &bed.rows(&by("key", key)).await?, &one)?;
            }
            if let Some(value) = &row[4] {
                let found = bed.rows(&by("value_bytes", value)).await?;
                same("by value", &found.contains(row), &true)?;
            }
        }
        let listed = bed.keys(&["KEYS", "*"]).await.texts();
        let mut listed: Vec<Vec<u8>> = listed.into_iter().flatten().collect();
        listed.sort();
        same("KEYS", &listed, &keys.keys().cloned().collect())?;
    }
    bed.keys(&["SELECT", "0"]).await;
    Ok(())
}

/// A command that only this module looks into.
#[derive(Clone, Debug)]
pub struct Step(Command);

pub fn case() -> BoxedStrategy<Vec<(bool, Step)>> {
    let command = command().prop_map(|(second, command)| (second, Step(command)));
    prop::collection::vec(command, 1..25).boxed()
}

/// What SQL says to a statement: its SQLSTATE, or nothing.
async fn code(bed: &mut Bed, sql: &str) -> Option<String> {
    bed.postgres.query(sql).await.error.map(|refusal| refusal.code)
}

pub async fn changes_through_sql_are_refused_by_name(bed: &mut Bed) -> Outcome {
    bed.keys(&["SET", "a", "1"]).await;
    bed.keys(&["HSET", "h", "f", "v"]).await;
    let before = bed.rows("SELECT * FROM redis ORDER BY key_bytes").await?;
    for sql in [
        "INSERT INTO redis (key_bytes, value_bytes) VALUES ('b', 'c')",
        "INSERT INTO redis SELECT * FROM redis",
        "UPDATE redis SET value = 'x'",
        "DELETE FROM redis",
        "DELETE FROM redis WHERE key = 'a'",
        "COPY redis FROM STDIN",
        "ALTER TABLE redis ADD COLUMN x int",
        "ALTER TABLE redis DROP COLUMN value",
        "ALTER TABLE redis ALTER COLUMN value SET NOT NULL",
        "ALTER TABLE redis ADD CHECK (key <> 'z')",
        "ALTER TABLE redis RENAME COLUMN value TO v",
        "ALTER TABLE redis RENAME TO other",
        "ALTER TABLE redis SET (redis_prefix = 'zz')",
        "ALTER TABLE redis SET (extra_fields = keep)",
        "ALTER INDEX redis_pkey RENAME TO other",
        "CREATE INDEX ON redis (value)",
        "SELECT _doc FROM redis",
    ] {
        let answer = bed.postgres.query(sql).await;
        let refusal = answer.error.ok_or_else(|| format!("{sql}: not refused"))?;
        same(sql, &refusal.code, &"0A000".to_owned())?;
        same(sql, &bed.rows("SELECT * FROM redis ORDER BY key_bytes").await?, &before)?;
    }
    // What empties it is as FLUSHDB, and Redis goes on.
    bed.sql("TRUNCATE redis").await?;
    same("DBSIZE", &bed.keys(&["DBSIZE"]).await, &Told::Number(0))?;
    bed.keys(&["SET", "a", "2"]).await;
    bed.sql("DROP TABLE redis").await?;
    same("GET", &bed.keys(&["GET", "a"]).await, &Told::Nothing)?;
    bed.keys(&["SET", "a", "3"]).await;
    let seen = bed.rows("SELECT value::int + 1 FROM redis WHERE key = 'a'").await?;
    same("after DROP TABLE", &seen, &vec![vec![Some("4".into())]])?;
    // A table of a key space's name is never taken for one.
    bed.sql("CREATE TABLE redis_5 (a int)").await?;
    bed.sql("INSERT INTO redis_5 VALUES (1)").await?;
    bed.keys(&["SELECT", "5"]).await;
    for words in [vec!["SET", "a", "b"], vec!["GET", "a"], vec!["FLUSHDB"]] {
        let told = bed.keys(&words).await;
        let Told::Error(text) = &told else { return Err(format!("{words:?}: {told:?}")) };
        same("the name", &text.contains("redis_5"), &true)?;
    }
    bed.keys(&["SELECT", "0"]).await;
    bed.keys(&["FLUSHALL"]).await;
    let kept = bed.rows("SELECT * FROM redis_5").await?;
    same("a table named as a key space", &kept, &vec![vec![Some("1".into())]])
}

pub async fn expired_keys_are_no_rows(bed: &mut Bed) -> Outcome {
    bed.keys(&["SET", "stays", "1"]).await;
    bed.keys(&["SET", "goes", "1", "PX", "1"]).await;
    bed.keys(&["HSET", "hash", "f", "v"]).await;
    bed.keys(&["PEXPIRE", "hash", "1"]).await;
    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    let seen = bed.rows("SELECT key FROM redis").await?;
    same("keys", &seen, &vec![vec![Some("stays".into())]])?;
    let seen = bed.rows("SELECT key FROM redis WHERE key_bytes = 'goes'").await?;
    same("the expired key", &seen, &Vec::new())
}

/// Commands about all keys leave tables alone, opened or not.
pub async fn commands_on_all_keys_touch_key_spaces_only(bed: &mut Bed) -> Outcome {
    bed.sql("CREATE TABLE shut (a int PRIMARY KEY); INSERT INTO shut VALUES (1), (2)").await?;
    bed.sql("CREATE TABLE open (a int PRIMARY KEY, b text)").await?;
    bed.sql("ALTER TABLE open SET (redis_prefix = 'users')").await?;
    bed.sql("INSERT INTO open VALUES (1, 'x'), (2, NULL)").await?;
    let tables = "SELECT a, NULL FROM shut UNION ALL SELECT a, b FROM open ORDER BY 1, 2";
    let before = bed.rows(tables).await?;
    bed.keys(&["SET", "k", "1"]).await;
    bed.keys(&["SELECT", "1"]).await;
    bed.keys(&["SET", "other", "2"]).await;
    bed.keys(&["SELECT", "0"]).await;
    let texts =
        |words: &[&str]| words.iter().map(|w| Some(w.as_bytes().to_vec())).collect::<Vec<_>>();
    same("KEYS *", &bed.keys(&["KEYS", "*"]).await.texts(), &texts(&["k"]))?;
    same("KEYS u*", &bed.keys(&["KEYS", "u*"]).await.texts(), &Vec::new())?;
    let mut opened = bed.keys(&["KEYS", "users:*"]).await.texts();
    opened.sort();
    same("KEYS users:*", &opened, &texts(&["users:1", "users:2"]))?;
    for words in
        [vec!["SCAN", "0"], vec!["SCAN", "0", "MATCH", "*"], vec!["SCAN", "0", "TYPE", "hash"]]
    {
        let Told::List(scan) = bed.keys(&words).await else { return Err("no list".into()) };
        let wanted = if words.contains(&"TYPE") { Vec::new() } else { texts(&["k"]) };
        same("SCAN", &scan[1].texts(), &wanted)?;
    }
    same("DBSIZE", &bed.keys(&["DBSIZE"]).await, &Told::Number(1))?;
    for _ in 0..20 {
        same("RANDOMKEY", &bed.keys(&["RANDOMKEY"]).await, &Told::Text(b"k".to_vec()))?;
    }
    for words in [vec!["SWAPDB", "0", "1"], vec!["FLUSHDB"], vec!["FLUSHALL"]] {
        let told = bed.keys(&words).await;
        same(words[0], &told, &Told::Text(b"OK".to_vec()))?;
        same(words[0], &bed.rows(tables).await?, &before)?;
        let opened = bed.keys(&["HGET", "users:1", "b"]).await;
        same(words[0], &opened, &Told::Text(b"x".to_vec()))?;
        if words[0] == "SWAPDB" {
            same("KEYS *", &bed.keys(&["KEYS", "*"]).await.texts(), &texts(&["other"]))?;
        }
    }
    same("RANDOMKEY", &bed.keys(&["RANDOMKEY"]).await, &Told::Nothing)?;
    same("DBSIZE", &bed.keys(&["DBSIZE"]).await, &Told::Number(0))
}

/// A prefix under which ordinary keys exist is refused, in every key space; an expired one is none.
pub async fn a_prefix_with_keys_is_refused(bed: &mut Bed) -> Outcome {
    bed.sql("CREATE TABLE people (a int PRIMARY KEY)").await?;
    let open = "ALTER TABLE people SET (redis_prefix = 'users')";
    for space in ["0", "1"] {
        bed.keys(&["SELECT", space]).await;
        // Neighbours of the prefix do not count.
        for key in ["users", "usersx:1", "user:1", "a:users:1"] {
            bed.keys(&["SET", key, "1"]).await;
        }
        bed.keys(&["SET", "users:1", "x"]).await;
        same(open, &code(bed, open).await, &Some("42P16".into()))?;
        same("GET", &bed.keys(&["GET", "users:1"]).await, &Told::Text(b"x".to_vec()))?;
        bed.keys(&["DEL", "users:1"]).await;
        bed.keys(&["SET", "users:2", "x", "PX", "1"]).await;
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    bed.sql(open).await?;
    for words in [
        vec!["SET", "users:1", "x"],
        vec!["GET", "users:1"],
        vec!["INCR", "users:1"],
        vec!["EXPIRE", "users:1", "10"],
        vec!["RENAME", "users:1", "y"],
        vec!["RENAME", "users", "users:1"],
        vec!["COPY", "users", "users:1"],
        vec!["APPEND", "users:1", "x"],
        vec!["HSET", "users:x", "a", "1"],
    ] {
        let told = bed.keys(&words).await;
        if !matches!(told, Told::Error(_)) {
            return Err(format!("{words:?} was not refused: {told:?}"));
        }
    }
    same("the table", &bed.rows("SELECT * FROM people").await?, &Vec::new())?;
    for bad in ["", "a:b", "users"] {
        let sql = format!(
            "CREATE TABLE IF NOT EXISTS q (a int); ALTER TABLE q SET (redis_prefix = '{bad}')"
        );
        same(&sql, &code(bed, &sql).await, &Some("42P16".into()))?;
    }
    // A closed table's keys are ordinary ones again.
    bed.sql("ALTER TABLE people SET (redis_prefix = NULL)")
        .await
        .or(bed.sql("ALTER TABLE people RESET (redis_prefix)").await)?;
    same("SET", &bed.keys(&["SET", "users:1", "x"]).await, &Told::Text(b"OK".to_vec()))
}
