//! The readers: what a table holds, by each way out, against the model.

use super::bed::{Bed, Cell, Outcome, Table, Told, literal, same};
use super::values::{Layout, Ty, Value};
use super::writers::copy_line;
use crate::clients::postgres::Cells;

fn shown(table: &Table, row: &[Cell]) -> Vec<Option<String>> {
    let pairs = row.iter().zip(&table.columns);
    pairs.map(|(cell, column)| cell.as_ref().map(|value| value.text(column.ty))).collect()
}

fn sorted<T: Ord>(mut rows: Vec<T>) -> Vec<T> {
    rows.sort();
    rows
}

/// `_doc` of a row of a table with a key: `_id`, then the columns, NULLs as null.
fn document(table: &Table, row: &[Cell], id: Option<&str>) -> String {
    let json =
        |cell: &Cell| cell.as_ref().map_or("null".into(), |value| value.json(Layout::Sorted));
    let pairs = |places: &mut dyn Iterator<Item = usize>| {
        places.map(|at| (table.columns[at].name.clone(), json(&row[at]))).collect::<Vec<_>>()
    };
    let object = |mut pairs: Vec<(String, String)>| {
        pairs.sort_by_key(|(name, _)| (name.len(), name.clone()));
        let pairs: Vec<String> =
            pairs.into_iter().map(|(name, json)| format!("\"{name}\": {json}")).collect();
        format!("{{{}}}", pairs.join(", "))
    };
    let id = match (table.key.as_slice(), id) {
        ([at], _) => json(&row[*at]),
        // An ObjectId, whose text is bare.
        ([], id) => format!("\"{}\"", id.unwrap_or_default()),
        (key, _) => object(pairs(&mut key.iter().copied())),
    };
    let mut all = pairs(&mut (0..table.columns.len()));
    all.push(("_id".into(), id));
    object(all)
}

impl Bed {
    /// Every reader sees exactly these rows.
    pub async fn read(&mut self, table: &Table, rows: &[Vec<Cell>]) -> Outcome {
        self.read_sql(table, rows).await?;
        self.read_conditions(table, rows).await?;
        self.read_documents(table, rows).await?;
        self.read_redis(table, rows).await?;
        self.read_listing(table, rows).await?;
        self.read_library(table, rows).await
    }

    async fn read_sql(&mut self, table: &Table, rows: &[Vec<Cell>]) -> Outcome {
        let sql = format!("SELECT {} FROM {}", table.names(), table.name);
        let wanted = sorted(rows.iter().map(|row| shown(table, row)).collect());
        let seen = sorted(self.rows(&sql).await?);
        same("a simple query", &seen, &wanted)?;
        let text = self.postgres.bound(&sql, &[], false).await;
        let of_text = |cell: Option<Vec<u8>>| cell.map(|c| String::from_utf8(c).unwrap());
        let of_row = |row: Cells| row.into_iter().map(of_text).collect();
        same(
            "an extended query, text",
            &sorted(text.rows.into_iter().map(of_row).collect()),
            &wanted,
        )?;
        let answer = self.postgres.bound(&sql, &[], true).await;
        let binary = |row: &Vec<Cell>| -> Cells {
            let pairs = row.iter().zip(&table.columns);
            pairs.map(|(cell, of)| cell.as_ref().map(|value| value.binary(of.ty))).collect()
        };
        same("an error", &answer.error, &None)?;
        let wanted: Vec<Cells> = sorted(rows.iter().map(binary).collect());
        same("an extended query, binary", &sorted(answer.rows), &wanted)?;
        let copy = self.sql(&format!("COPY {} TO STDOUT", table.name)).await?.copied;
        let copy = String::from_utf8(copy).map_err(|error| error.to_string())?;
        let lines = sorted(copy.split_inclusive('\n').map(str::to_owned).collect::<Vec<_>>());
        let wanted =
            sorted(rows.iter().map(|row| copy_line(table, row, Value::text)).collect::<Vec<_>>());
        same("COPY out", &lines, &wanted)
    }

    /// Each row by its key, and by each column alone: by an index or by looking at every row.
    async fn read_conditions(&mut self, table: &Table, rows: &[Vec<Cell>]) -> Outcome {
        let select = format!("SELECT {} FROM {} WHERE", table.names(), table.name);
        for row in rows {
            let wanted = shown(table, row);
            let found = self.rows(&format!("{select} {}", table.is_row(row))).await?;
            same("a query by key", &found, &vec![wanted.clone()])?;
            for (at, column) in table.columns.iter().enumerate() {
                if column.ty == Ty::Json {
                    continue;
                }
                let name = &column.name;
                let condition = match &row[at] {
                    None => format!("{name} IS NULL"),
                    Some(value) => format!("{name} = {}", literal(&value.text(column.ty))),
                };
                let found = self.rows(&format!("{select} {condition}")).await?;
                if !found.contains(&wanted) {
                    return Err(format!("{select} {condition}\n  seen {found:?}"));
                }
                let equal = |other: &&Vec<Cell>| {
                    other[at].as_ref().map(Value::identity) == row[at].as_ref().map(Value::identity)
                };
                let count = rows.iter().filter(equal).count();
                same(&format!("rows of {condition}"), &found.len(), &count)?;
            }
        }
        Ok(())
    }

    async fn read_documents(&mut self, table: &Table, rows: &[Vec<Cell>]) -> Outcome {
        let id = if table.key.is_empty() { "_id" } else { "NULL" };
        for row in rows {
            let is_row = table.is_row(row);
            let sql = format!("SELECT {id}, _doc FROM {} WHERE {is_row}", table.name);
            let found = self.rows(&sql).await?;
            let [found] = found.as_slice() else { return Err(format!("{sql}\n  {found:?}")) };
            let wanted = document(table, row, found[0].as_deref());
            same("_doc", &found[1], &Some(wanted))?;
            if let (true, Some(id)) = (table.key.is_empty(), &found[0]) {
                let by_id = format!("SELECT _doc FROM {} WHERE _id = '{id}'::objectid", table.name);
                same(&by_id, &self.rows(&by_id).await?, &vec![vec![found[1].clone()]])?;
            }
        }
        Ok(())
    }

    async fn read_redis(&mut self, table: &Table, rows: &[Vec<Cell>]) -> Outcome {
        for row in rows {
            let key = self.key(table, row).await?;
            let Told::List(all) = self.keys(&[b"HGETALL", &key[..]]).await else {
                return Err(format!("no list for HGETALL {key:?}"));
            };
            let pairs = Told::List(all).texts();
            is_hash(table, row, &pairs)?;
            let names: Vec<Vec<u8>> = pairs.iter().step_by(2).flatten().cloned().collect();
            let values: Vec<Option<Vec<u8>>> = pairs.into_iter().skip(1).step_by(2).collect();
            let told =
                |list: &[Vec<u8>]| Told::List(list.iter().cloned().map(Told::Text).collect());
            same("HKEYS", &self.keys(&[b"HKEYS", &key[..]]).await, &told(&names))?;
            let texts: Vec<Vec<u8>> = values.iter().flatten().cloned().collect();
            same("HVALS", &self.keys(&[b"HVALS", &key[..]]).await, &told(&texts))?;
            let length = self.keys(&[b"HLEN", &key[..]]).await;
            same("HLEN", &length, &Told::Number(names.len() as i64))?;
            let mut wanted = vec![b"HMGET".to_vec(), key.clone()];
            wanted.extend(table.columns.iter().map(|column| column.name.clone().into_bytes()));
            let many = self.keys(&wanted).await.texts();
            let mut given = values.iter().skip(usize::from(table.key.is_empty()));
            for ((cell, column), many) in row.iter().zip(&table.columns).zip(many) {
                let alone = self.keys(&[b"HGET", &key[..], column.name.as_bytes()]).await;
                let one = Told::List(vec![alone]).texts().remove(0);
                let in_all = if cell.is_some() { given.next().cloned().flatten() } else { None };
                same("HMGET", &many, &in_all)?;
                same("HGET", &one, &in_all)?;
                let there = self.keys(&[b"HEXISTS", &key[..], column.name.as_bytes()]).await;
                same("HEXISTS", &there, &Told::Number(cell.is_some().into()))?;
            }
            same("EXISTS", &self.keys(&[b"EXISTS", &key[..]]).await, &Told::Number(1))?;
            same("TYPE", &self.keys(&[b"TYPE", &key[..]]).await, &Told::Text(b"hash".to_vec()))?;
        }
        Ok(())
    }

    /// A listing with the prefix has each row once, under a key that leads to it; one without has
    /// none.
    async fn read_listing(&mut self, table: &Table, rows: &[Vec<Cell>]) -> Outcome {
        let pattern = format!("{}:*", table.name);
        let listed = self.keys(&["KEYS", &pattern]).await.texts();
        same("the number of KEYS", &listed.len(), &rows.len())?;
        let Told::List(scan) = self.keys(&["SCAN", "0", "MATCH", &pattern, "COUNT", "100"]).await
        else {
            return Err("SCAN gave no list".into());
        };
        same("SCAN's keys", &sorted(scan[1].texts()), &sorted(listed.clone()))?;
        let mut left: Vec<&Vec<Cell>> = rows.iter().collect();
        for key in listed.into_iter().flatten() {
            let pairs = self.keys(&[b"HGETALL", &key[..]]).await.texts();
            let found = left.iter().position(|row| is_hash(table, row, &pairs).is_ok());
            let Some(found) = found else {
                let key = String::from_utf8_lossy(&key).into_owned();
                return Err(format!("the listed key {key:?} leads to no row: {pairs:?}"));
            };
            left.remove(found);
        }
        let plain = self.keys(&["KEYS", "*"]).await.texts();
        same("KEYS without the prefix", &plain, &Vec::new())
    }

    async fn read_library(&mut self, table: &Table, rows: &[Vec<Cell>]) -> Outcome {
        for row in rows {
            for (at, column) in table.columns.iter().enumerate() {
                let of = format!("FROM {} WHERE {}", table.name, table.is_row(row));
                let typed = self.qanat.sql(format!("SELECT {} {of}", column.name));
                let told = |error: qanat::Error| format!("{} {of}: {error}", column.name);
                let name = &column.name;
                match &row[at] {
                    _ if column.array => {}
                    Some(Value::Bool(v)) => same(name, &typed.one().await.map_err(told)?, v)?,
                    Some(Value::Int(n)) => same(name, &typed.one().await.map_err(told)?, n)?,
                    Some(Value::Float8(n)) => {
                        let seen: f64 = typed.one().await.map_err(told)?;
                        same(name, &seen.to_bits(), &n.to_bits())?;
                    }
                    Some(Value::Bytes(data)) => {
                        same(name, &typed.one().await.map_err(told)?, data)?;
                    }
                    Some(Value::Numeric(text)) => {
                        same(name, &typed.one().await.map_err(told)?, text)?;
                    }
                    // A program gets CHAR(n) as it is kept; the padding is the wire's.
                    Some(Value::Text(text)) => same(name, &typed.one().await.map_err(told)?, text)?,
                    Some(Value::Uuid(id)) => {
                        let wanted = Value::Uuid(*id).text(column.ty);
                        same(name, &typed.one().await.map_err(told)?, &wanted)?;
                    }
                    None => same(name, &typed.one::<Option<i64>>().await.map_err(told)?, &None)?,
                    _ => {}
                }
                let cast = self.qanat.sql(format!("SELECT {name}::text {of}"));
                let wanted = row[at].as_ref().map(|value| match value {
                    Value::Bool(v) => v.to_string(),
                    Value::Text(text) => text.clone(),
                    value => value.text(column.ty),
                });
                same("a cast to text", &cast.one().await.map_err(told)?, &wanted)?;
            }
        }
        Ok(())
    }
}

/// Whether HGETALL's answer is this row: its columns in order, without the NULLs.
fn is_hash(table: &Table, row: &[Cell], pairs: &[Option<Vec<u8>>]) -> Outcome {
    let given = row.iter().zip(&table.columns).filter_map(|(cell, of)| Some((of, cell.as_ref()?)));
    let wanted: Vec<_> = given.collect();
    // Where the key is not among the columns it is a field of its own, the first.
    let pairs = match pairs {
        [Some(name), Some(_), rest @ ..] if table.key.is_empty() && name == b"_id" => rest,
        pairs => pairs,
    };
    same("the length of HGETALL", &pairs.len(), &(wanted.len() * 2))?;
    for ((column, value), pair) in wanted.into_iter().zip(pairs.chunks(2)) {
        same("a field's name", &pair[0], &Some(column.name.clone().into_bytes()))?;
        if !value.is_shown_as(pair[1].as_deref()) {
            let wanted = Some(value.redis());
            return same(&format!("HGETALL's {}", column.name), &pair[1], &wanted);
        }
    }
    Ok(())
}
