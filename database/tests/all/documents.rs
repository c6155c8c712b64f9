//! Replays `database/tests/golden/*.txt`: documents that the library writes, seen by SQL.
//!
//! Blocks are those of `tests/sql`, and commands: `put NAME JSON` and `insert NAME JSON` write a
//! document through the library. `{"$oid": "…"}`, `{"$uuid": "…"}`, `{"$double": "…"}`,
//! `{"$long": n}`, `{"$decimal": "…"}` and `{"$date": n}` are values that JSON has no word for.
//! `UPDATE_ACTUAL=1` writes what was answered beside a script that fails, as `NAME.actual`.

use std::path::Path;

use qanat::{Document, Qanat, Value};
use value::json;

use super::scripts::{Client, blocks};

/// The values of JSON's documents of one field that begin with `$`.
fn rich(value: Value) -> Value {
    match value {
        Value::Array(list) => Value::Array(list.into_iter().map(rich).collect()),
        Value::Document(document) => {
            let fields: Vec<(String, Value)> =
                document.into_iter().map(|(name, field)| (name, rich(field))).collect();
            match fields.as_slice() {
                [(name, field)] if name.starts_with('$') => named(name, field),
                _ => Value::Document(fields.into_iter().collect()),
            }
        }
        Value::Int64(n) => i32::try_from(n).map_or(Value::Int64(n), Value::Int32),
        other => other,
    }
}

fn named(name: &str, field: &Value) -> Value {
    let text = || field.as_str().unwrap();
    match name {
        "$oid" => Value::ObjectId(value::text::id::parse_object_id(text()).unwrap()),
        "$uuid" => Value::Uuid(value::text::id::parse_uuid(text()).unwrap()),
        "$double" => Value::Float64(text().parse().unwrap()),
        "$long" => Value::Int64(field.as_i64().unwrap()),
        "$decimal" => Value::Decimal(text().parse().unwrap()),
        "$date" => Value::TimestampTz(field.as_i64().unwrap()),
        other => panic!("{other} is no kind of value here"),
    }
}

async fn write(db: &Qanat, command: &str) -> String {
    let mut words = command.splitn(3, ' ');
    let (verb, name, text) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
    let parsed = json::parse_value(text, &json::Options::default()).unwrap();
    let Value::Document(document) = rich(parsed) else { panic!("{text} is no document") };
    let collection = db.collection::<Document>(name);
    let written = match verb {
        "put" => collection.put(&document).await,
        _ => collection.insert(&document).await,
    };
    match written {
        Ok(_) => "written".into(),
        Err(error) => format!("ERROR {}: {}", error.sqlstate, error.message),
    }
}

async fn replay(script: &str) -> String {
    let db = Qanat::open("memory:").await.unwrap();
    let mut client = Client::new(&db).await;
    let mut out = Vec::new();
    for (block, _) in blocks(script) {
        let lines: Vec<&str> = block.lines().filter(|line| !line.starts_with('#')).collect();
        let text = lines.join("\n");
        let mut answers = Vec::new();
        if text.starts_with("put ") || text.starts_with("insert ") {
            for line in lines {
                answers.push(write(&db, line).await);
            }
            answers.dedup();
        } else if !text.is_empty() {
            client.start(&text);
            answers.push(client.poll(20_000).await.unwrap());
        }
        out.push(format!("{block}\n---\n{}", answers.join("\n")).trim_end().to_owned());
    }
    out.join("\n\n") + "\n"
}

fn check(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let path = folder.join(name).with_extension("txt");
    let expected = std::fs::read_to_string(&path).unwrap();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let actual = runtime.block_on(replay(&expected));
    if std::env::var_os("UPDATE_ACTUAL").is_some() {
        std::fs::write(path.with_extension("actual"), &actual).unwrap();
    }
    for ((statement, expected), (_, actual)) in blocks(&expected).iter().zip(blocks(&actual)) {
        assert_eq!(*expected, actual, "{name}: {statement}");
    }
}

#[test]
fn identities() {
    check("identities");
}
