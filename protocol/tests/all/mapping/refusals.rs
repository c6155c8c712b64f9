//! What the schema refuses it refuses to every writer, and nothing is changed by it.

use super::bed::{Bed, Cell, Column, Outcome, Table, same};
use super::cases::{WRITERS, Writer};
use super::values::{Ty, Value};

fn table() -> Table {
    let column = |name: &str, ty| Column { name: name.into(), ty, array: false };
    let columns = vec![
        column("id", Ty::Int4),
        column("name", Ty::Text),
        column("age", Ty::Int2),
        column("code", Ty::Varchar(3)),
        column("price", Ty::NumericOf(4, 2)),
        column("at", Ty::Date),
    ];
    Table { name: Table::fresh_name(), columns, key: vec![0], index: None }
}

fn row(id: i64, name: Option<&str>, age: i64) -> Vec<Cell> {
    vec![
        Some(Value::Int(id)),
        name.map(|name| Value::Text(name.into())),
        Some(Value::Int(age)),
        Some(Value::Text("ab".into())),
        Some(Value::Numeric("1.50".into())),
        Some(Value::Date(1)),
    ]
}

/// Rows that must be refused, each for a reason of its own.
fn bad() -> Vec<(&'static str, Vec<Cell>)> {
    let with = |at: usize, value: Value| {
        let mut row = row(9, Some("new"), 20);
        row[at] = Some(value);
        row
    };
    // A text stands in for a value that is none of the column's type.
    vec![
        ("NOT NULL", row(9, None, 20)),
        ("CHECK", with(2, Value::Int(-1))),
        ("UNIQUE", with(1, Value::Text("ann".into()))),
        ("varchar(3)", with(3, Value::Text("long".into()))),
        ("numeric(4,2)", with(4, Value::Numeric("100.00".into()))),
        ("no date", with(5, Value::Text("2020-02-30".into()))),
        ("no number", with(2, Value::Text("x".into()))),
        ("smallint", with(2, Value::Text("40000".into()))),
    ]
}

/// Whether the writer can say such a row at all: binary forms exist of values of the type only.
fn can_say(writer: Writer, what: &str) -> bool {
    let text = ["no date", "no number", "smallint"].contains(&what);
    writer != Writer::BinaryValues || !text
}

pub async fn hold(bed: &mut Bed) -> Outcome {
    let table = table();
    let name = &table.name;
    bed.sql(&table.create()).await?;
    bed.sql(&format!(
        "ALTER TABLE {name} ALTER name SET NOT NULL, ADD CHECK (age >= 0), ADD UNIQUE (name)"
    ))
    .await?;
    let rows = vec![row(1, Some("ann"), 18), row(2, Some("bob"), 44)];
    for good in &rows {
        bed.insert(Writer::Literals, &table, good).await?;
    }
    bed.read(&table, &rows).await?;
    for writer in WRITERS {
        for (what, bad) in bad() {
            if !can_say(writer, what) {
                continue;
            }
            if bed.insert(writer, &table, &bad).await.is_ok() {
                return Err(format!("{writer:?}: a new row against {what} was taken"));
            }
            bed.read(&table, &rows).await.map_err(|e| format!("{writer:?} {what}: {e}"))?;
            let change = bad.iter().zip(&row(9, Some("new"), 20)).position(|(a, b)| a != b);
            let at = change.expect("one column is wrong");
            let first = if what == "UNIQUE" { &rows[1] } else { &rows[0] };
            if bed.set(writer, &table, first, at, &bad[at]).await.is_ok() {
                return Err(format!("{writer:?}: a change against {what} was taken"));
            }
            bed.read(&table, &rows).await.map_err(|e| format!("{writer:?} {what}: {e}"))?;
        }
    }
    // A field that is not declared, and a command of several fields of which one is wrong.
    let key = format!("{name}:1");
    for words in [
        vec!["HSET", &key, "nosuch", "1"],
        vec!["HSET", &key, "age", "5", "name", "bob"],
        vec!["HSET", &key, "age", "5", "at", "never"],
        vec!["HINCRBY", &key, "age", "-19"],
        vec!["HINCRBY", &key, "age", "32767"],
        vec!["HINCRBY", &key, "name", "1"],
        vec!["HDEL", &key, "age", "name"],
        vec!["HDEL", &key, "id"],
        vec!["HSET", &key, "id", "3"],
        vec!["SET", &key, "x"],
        vec!["EXPIRE", &key, "1"],
        vec!["PERSIST", &key],
        vec!["RENAME", &key, "y"],
    ] {
        let told = bed.keys(&words).await;
        if !matches!(told, super::bed::Told::Error(_)) {
            return Err(format!("{words:?} was not refused: {told:?}"));
        }
        bed.read(&table, &rows).await.map_err(|e| format!("{words:?}: {e}"))?;
    }
    let gone = bed.keys(&["HDEL", &format!("{name}:7"), "age"]).await;
    same("HDEL of no row", &gone, &super::bed::Told::Number(0))
}
