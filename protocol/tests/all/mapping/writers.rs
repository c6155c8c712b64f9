//! The writers: one row, or one column of one, by each way in.

use value::Value as Stored;

use super::bed::{Bed, Cell, Column, Outcome, Table, Told, literal, rest_of_key};
use super::cases::Writer;
use super::values::{Ty, Value};
use crate::clients::postgres::Answer;

fn sql_literal(cell: &Cell, column: &Column) -> String {
    match cell {
        None => "NULL".into(),
        // A number may stand bare; a negative one is an expression then.
        Some(value @ Value::Int(n)) if !column.array && n % 2 == 0 => value.text(column.ty),
        Some(value) => literal(&value.input(column.ty)),
    }
}

/// A cell as a line of COPY has it.
fn copied(text: Option<String>) -> String {
    let Some(text) = text else { return "\\N".into() };
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c => out.push(c),
        }
    }
    out
}

/// A line of COPY, as it is shown or as it is written.
pub fn copy_line(table: &Table, row: &[Cell], text: fn(&Value, Ty) -> String) -> String {
    let pairs = row.iter().zip(&table.columns);
    let cells: Vec<String> = pairs
        .map(|(cell, column)| copied(cell.as_ref().map(|value| text(value, column.ty))))
        .collect();
    cells.join("\t") + "\n"
}

fn wire(cell: &Cell, column: &Column, binary: bool) -> Option<Vec<u8>> {
    let value = cell.as_ref()?;
    Some(if binary { value.binary_input(column.ty) } else { value.input(column.ty).into_bytes() })
}

/// What a program would bind: the Rust type where there is one, else a text.
fn bound(cell: &Cell, column: &Column) -> Stored {
    match cell {
        None => Stored::Null,
        Some(Value::Bool(v)) => Stored::Bool(*v),
        Some(Value::Int(n)) => Stored::Int64(*n),
        Some(Value::Float4(n)) => Stored::Float32(*n),
        Some(Value::Float8(n)) => Stored::Float64(*n),
        Some(Value::Bytes(data)) => Stored::bytes(data.clone()),
        Some(Value::Uuid(id)) => Stored::Uuid(*id),
        Some(value) => Stored::Text(value.input(column.ty)),
    }
}

/// Changed rows, or the refusal told.
pub fn changed(answer: Answer) -> Outcome<u64> {
    match answer.error {
        Some(refusal) => Err(format!("{} {}", refusal.code, refusal.message)),
        None => Ok(answer.tag.rsplit(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0)),
    }
}

fn marks(count: usize) -> String {
    (1..=count).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ")
}

impl Bed {
    /// Writes a new row.
    pub async fn insert(&mut self, writer: Writer, table: &Table, row: &[Cell]) -> Outcome {
        let cells = || row.iter().zip(&table.columns);
        let into = format!("INSERT INTO {} ({}) VALUES", table.name, table.names());
        let prepared = format!("{into} ({})", marks(row.len()));
        let count = match writer {
            Writer::Literals => {
                let values: Vec<String> = cells().map(|(c, of)| sql_literal(c, of)).collect();
                changed(self.postgres.query(&format!("{into} ({})", values.join(", "))).await)?
            }
            Writer::TextValues | Writer::BinaryValues => {
                let binary = writer == Writer::BinaryValues;
                let values: Vec<_> = cells().map(|(c, of)| wire(c, of, binary)).collect();
                changed(self.postgres.bound(&prepared, &values, binary).await)?
            }
            Writer::Copy => {
                let copy = format!("COPY {} ({}) FROM STDIN", table.name, table.names());
                let line = copy_line(table, row, Value::input);
                changed(self.postgres.copy_in(&copy, line.as_bytes()).await)?
            }
            Writer::Library => {
                let statement = cells()
                    .fold(self.qanat.sql(prepared), |sql, (cell, of)| sql.bind(bound(cell, of)));
                statement.run().await.map_err(|error| error.to_string())?
            }
            Writer::Redis => return self.insert_by_redis(table, row).await,
        };
        if count == 1 { Ok(()) } else { Err(format!("{writer:?} wrote {count} rows")) }
    }

    /// HSET of a key that is not there. Without a declared key it is an ObjectId by lot.
    async fn insert_by_redis(&mut self, table: &Table, row: &[Cell]) -> Outcome {
        let rest = match table.key.as_slice() {
            [] => {
                let id: [u8; 12] = rand_id(&table.name, row);
                Value::ObjectId(id).redis()
            }
            _ => rest_of_key(table, row),
        };
        let mut words = vec![b"HSET".to_vec(), [table.name.as_bytes(), b":", &rest].concat()];
        for (at, (cell, column)) in row.iter().zip(&table.columns).enumerate() {
            if let Some(value) = cell
                && !table.key.contains(&at)
            {
                words.extend([column.name.clone().into_bytes(), value.redis()]);
            }
        }
        if words.len() == 2 {
            // HSET wants a field; the key's own column says the same again.
            let at = table.key[0];
            let value = row[at].as_ref().map(Value::redis).unwrap_or_default();
            words.extend([table.columns[at].name.clone().into_bytes(), value]);
        }
        match self.keys(&words).await {
            Told::Number(_) => Ok(()),
            other => Err(format!("HSET: {other:?}")),
        }
    }

    /// Sets one column of a row. `Err` is the refusal.
    pub async fn set(
        &mut self,
        writer: Writer,
        table: &Table,
        row: &[Cell],
        at: usize,
        cell: &Cell,
    ) -> Outcome {
        let column = &table.columns[at];
        let update = format!("UPDATE {} SET {} =", table.name, column.name);
        let is_row = table.is_row(row);
        let prepared = format!("{update} $1 WHERE {is_row}");
        let count = match writer {
            Writer::Literals | Writer::Copy => {
                let value = sql_literal(cell, column);
                changed(self.postgres.query(&format!("{update} {value} WHERE {is_row}")).await)?
            }
            Writer::TextValues | Writer::BinaryValues => {
                let binary = writer == Writer::BinaryValues;
                let values = [wire(cell, column, binary)];
                changed(self.postgres.bound(&prepared, &values, binary).await)?
            }
            Writer::Library => {
                let statement = self.qanat.sql(prepared).bind(bound(cell, column));
                statement.run().await.map_err(|error| error.to_string())?
            }
            Writer::Redis => {
                let key = self.key(table, row).await?;
                let name = column.name.as_bytes();
                let told = match cell {
                    Some(value) => self.keys(&[b"HSET", &key[..], name, &value.redis()]).await,
                    None => self.keys(&[b"HDEL", &key[..], name]).await,
                };
                match told {
                    Told::Number(_) => 1,
                    other => return Err(format!("{other:?}")),
                }
            }
        };
        if count == 1 { Ok(()) } else { Err(format!("{writer:?} changed {count} rows")) }
    }

    /// INSERT of the whole row with ON CONFLICT DO UPDATE of one column.
    pub async fn upsert(&mut self, table: &Table, row: &[Cell], at: usize) -> Outcome {
        let cells = row.iter().zip(&table.columns);
        let values: Vec<String> = cells.map(|(cell, of)| sql_literal(cell, of)).collect();
        let key: Vec<&str> =
            table.identity().iter().map(|at| table.columns[*at].name.as_str()).collect();
        let column = &table.columns[at].name;
        let sql = format!(
            "INSERT INTO {} ({}) VALUES ({}) \
             ON CONFLICT ({}) DO UPDATE SET {column} = excluded.{column}",
            table.name,
            table.names(),
            values.join(", "),
            key.join(", "),
        );
        match changed(self.postgres.query(&sql).await)? {
            1 => Ok(()),
            count => Err(format!("{sql}\n  wrote {count} rows")),
        }
    }
}

/// Bytes that differ from row to row.
fn rand_id(table: &str, row: &[Cell]) -> [u8; 12] {
    let text = row[0].as_ref().map(|value| value.text(Ty::Int8)).unwrap_or_default();
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    let mut id = [0; 12];
    for (at, byte) in table.bytes().chain(text.bytes()).chain([0; 12]).enumerate() {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        id[at % 12] ^= (state >> 40) as u8;
    }
    id
}
