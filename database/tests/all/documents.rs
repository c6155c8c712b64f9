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

/// Values of `_id` by which collections differ in the type that SQL sees.
fn families() -> Vec<(&'static str, Vec<Value>)> {
    let ints = [-3, 0, 1, 5, 7, i32::MAX].map(Value::Int32).to_vec();
    let longs = [-9, 5, 1 << 53, (1 << 53) + 1, i64::MAX].map(Value::Int64).to_vec();
    let doubles = [0.1, 0.5, 5.0, 7.5, 1e300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0]
        .map(Value::Float64)
        .to_vec();
    let large = [(1u64 << 60) as f64, (1u64 << 53) as f64, 3.0].map(Value::Float64).to_vec();
    let decimals =
        ["0.1", "5.00", "7.5", "NaN"].map(|text| Value::Decimal(text.parse().unwrap())).to_vec();
    let texts = ["", "5", "abc", "abd", "x"].map(Value::from).to_vec();
    let others = vec![
        Value::Bool(true),
        Value::Uuid([7; 16]),
        Value::ObjectId([9; 12]),
        Value::bytes([1, 2]),
        Value::Bytes { subtype: 5, data: vec![1, 2] },
        Value::Date(5),
        Value::TimestampTz(5_000_000),
    ];
    let both = |a: &[Value], b: &[Value]| [a, b].concat();
    vec![
        ("ints_longs", both(&ints, &longs)),
        ("ints_doubles", both(&ints, &doubles)),
        ("longs_large", both(&[Value::Int64(1 << 60)], &large)),
        ("doubles_decimals", both(&doubles, &decimals)),
        ("everything", [&ints, &doubles, &decimals, &texts, &others].map(Vec::as_slice).concat()),
        ("bytes", others[3..5].to_vec()),
        ("ints", ints),
        ("longs", longs),
        ("doubles", doubles),
        ("decimals", decimals),
        ("texts", texts),
    ]
}

const LITERALS: &[&str] = &[
    "5",
    "-3",
    "5::bigint",
    "5::smallint",
    "0.1",
    "5.0",
    "7.5",
    "0.1::float8",
    "5::float8",
    "0.1::float4",
    "'NaN'::float8",
    "'NaN'::numeric",
    "'Infinity'::float8",
    "9007199254740993",
    "1152921504606847000",
    "1152921504606846976",
    "'abc'",
    "'abc'::text",
    "'5'",
    "true",
    "'\\x0102'::bytea",
    "'09090909-0909-0909-0909-090909090909'::uuid",
    "'090909090909090909090909'::objectid",
    "'07070707-0707-0707-0707-070707070707'::uuid",
    "date '1970-01-06'",
    "timestamptz '1970-01-01 00:00:05+00'",
    "NULL",
];

/// What is found by the key is what a look at every row finds; orders are the same by key and by
/// sorting.
#[tokio::test]
async fn keys_change_no_answer() {
    let db = Qanat::open("memory:").await.unwrap();
    let mut client = Client::new(&db).await;
    let mut compared = 0;
    for (name, ids) in families() {
        for id in ids {
            let document: Document = [("_id", id), ("v", Value::Int32(1))].into_iter().collect();
            db.collection::<Document>(name).put(&document).await.unwrap();
        }
        let mut ask = async |sql: &str| {
            client.start(sql);
            client.poll(20_000).await.unwrap()
        };
        let forms = LITERALS.iter().flat_map(|literal| {
            let plain = ["=", "<", "<=", ">", ">="].map(|sign| format!("_id {sign} {literal}"));
            let lists = [format!("_id IN ({literal}, 5)"), format!("{literal} >= _id")];
            plain.into_iter().chain(lists)
        });
        for condition in forms {
            let by_key =
                ask(&format!("SELECT _id FROM {name} WHERE {condition} ORDER BY _id")).await;
            if by_key.starts_with("ERROR") {
                continue;
            }
            let select = format!("SELECT _id FROM {name}");
            let hidden = format!("({condition}) IS TRUE ORDER BY coalesce(_id, _id)");
            assert_eq!(
                by_key,
                ask(&format!("{select} WHERE {hidden}")).await,
                "{name}: {condition}"
            );
            compared += 1;
        }
    }
    assert!(compared > 900, "{compared}");
}
