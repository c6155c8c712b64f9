//! Opened tables: `ALTER TABLE users SET (redis_prefix = 'users')` makes row 1 the hash `users:1`.
//!
//! ```text
//!   users:1          ─► the row whose key is 1          orders:7:ab\:c  ─► the row of the key (7, "ab:c")
//!   HGETALL          ─► its columns as text, NULLs left out
//!   HSET             ─► text parsed as the column's type; a key that is absent is an INSERT with every check
//!   HDEL             ─► NULL; refused where the column is NOT NULL or of the key
//!   DEL              ─► DELETE
//! ```
//!
//! Everything goes through `Work`, so constraints, indexes and defaults hold as they do for SQL.
//!
//! **Invariants**
//! - A row is locked before it is changed, and read under the lock.
//! - What HGETALL shows of a column HSET takes, and what KEYS lists leads to its row: both are
//!   bytes, also where a key is no UTF-8.
//! - Fields that are not named keep their bytes: a NULL, and a JSON null, stay what they are.
//! - SCAN answers rows in the order of their keys' hashes: a cursor needs no memory and means the
//!   same after a restart; each call looks through the whole table and keeps as many keys as it
//!   answers.
//!
//! Rejected: a copy of the rows under O keys of a key space (two truths).

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use transaction::{Direction, LockMode, PageLimit};
use value::{Document, Value, text};

use super::error::{KeyError, Result};
use super::keys::Keys;
use super::{glob, layout, number};
use crate::datum::{Arena, Datum};
use crate::mapping::{self, RedisForm};
use crate::row::{self, Row, RowReader};
use crate::schema::*;
use crate::types::Type;
use crate::work::{Arbiter, LockedRow, RangeScan, Seeing};

const PAGE: PageLimit = PageLimit { records: 512, bytes: 1 << 20 };

/// The error of a command that does not work on rows.
pub(super) fn refuse(what: &'static str, table: &Collection) -> KeyError {
    KeyError::Opened { what, table: table.name.clone() }
}

fn no_key(table: &Collection, rest: &[u8]) -> KeyError {
    let key = String::from_utf8_lossy(rest).into_owned();
    KeyError::OpenedKey { key, table: table.name.clone() }
}

/// The parts of a composite key: joined by `:`, escaped by `\`.
fn split(rest: &[u8]) -> Vec<Vec<u8>> {
    let mut done = Vec::new();
    let mut part = Vec::new();
    let mut bytes = rest.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b':' => done.push(std::mem::take(&mut part)),
            b'\\' => part.extend(bytes.next()),
            byte => part.push(byte),
        }
    }
    done.push(part);
    done
}

fn join(parts: &[Bytes]) -> Vec<u8> {
    let mut out = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            out.push(b':');
        }
        for byte in part {
            if matches!(byte, b':' | b'\\') {
                out.push(b'\\');
            }
            out.push(*byte);
        }
    }
    out
}

fn key_columns(table: &Collection) -> impl Iterator<Item = &Column> {
    table.primary_key.columns.iter().filter_map(|id| table.column_by_id(*id))
}

/// The `_id` values that the rest of a key may mean, the likeliest first.
fn ids(table: &Collection, rest: &[u8]) -> Result<Vec<Value>> {
    if table.has_system_id() {
        let rest_text = std::str::from_utf8(rest).map_err(|_| no_key(table, rest))?;
        let mut ids = Vec::new();
        ids.extend(text::id::parse_object_id(rest_text).ok().map(Value::ObjectId));
        ids.extend(number::integer(rest).map(Value::Int64));
        ids.push(Value::Text(rest_text.to_owned()));
        return Ok(ids);
    }
    let columns: Vec<&Column> = key_columns(table).collect();
    let parts = if columns.len() == 1 { vec![rest.to_vec()] } else { split(rest) };
    if parts.len() != columns.len() {
        return Err(no_key(table, rest));
    }
    let mut id = Document::new();
    for (column, part) in columns.iter().zip(parts) {
        let value = parsed(column, &part).ok_or_else(|| no_key(table, rest))?;
        id.push(column.name.as_str(), value);
    }
    Ok(vec![match columns.as_slice() {
        [column] => id.remove(&column.name).unwrap_or(Value::Null),
        _ => Value::Document(id),
    }])
}

/// Bytes as the column's type; `None` where they are no text of it.
fn parsed(column: &Column, input: &[u8]) -> Option<Value> {
    if column.ty == Type::BYTEA {
        return Some(Value::bytes(input));
    }
    row::parse(std::str::from_utf8(input).ok()?, column.ty, column.modifier).ok()
}

/// The row's key that WATCH looks at; `None` where no row can have such a key.
pub(super) fn row_key(table: &Collection, rest: &[u8]) -> Result<Option<Bytes>> {
    match ids(table, rest)?.first() {
        Some(id) => Ok(row::key_of_id(table, id)?),
        None => Ok(None),
    }
}

/// The row that a key means, and what it says.
async fn find(keys: &Keys, table: &Collection, rest: &[u8]) -> Result<Option<(Bytes, Bytes)>> {
    let seeing = Seeing { until: u64::MAX, view: keys.view };
    for id in ids(table, rest)? {
        let Some(key) = row::key_of_id(table, &id)? else { continue };
        if let Some(value) = keys.work.get(&key, seeing).await? {
            return Ok(Some((key, value)));
        }
    }
    Ok(None)
}

/// As `find`, locked.
async fn lock(keys: &Keys, table: &Arc<Collection>, rest: &[u8]) -> Result<Option<(Bytes, Bytes)>> {
    let Some((key, _)) = find(keys, table, rest).await? else { return Ok(None) };
    let wait = transaction::Wait::Forever;
    let rows = std::slice::from_ref(&key);
    match keys.work.lock_rows(table, rows, LockMode::Update, wait).await?.pop() {
        Some(LockedRow::Held { value: Some(value), .. }) => Ok(Some((key, value))),
        _ => Ok(None),
    }
}

/// The fields that a client sees, without NULLs: `_id` only where it is the key itself.
fn fields(table: &Arc<Collection>, key: &[u8], value: &[u8]) -> Result<Document> {
    let (arena, reader) = (Arena::new(), RowReader::whole(table)?);
    let mut row = vec![Datum::Missing; table.columns.len()];
    reader.read(key, value, &arena, &mut row)?;
    let mut document = Document::new();
    for (column, datum) in table.columns.iter().zip(row) {
        if !datum.is_null() {
            document.push(column.name.as_str(), row::to_value(&datum, column.ty)?);
        }
    }
    for field in Row::read(value)?.fields() {
        let (name, raw) = field?;
        document.push(name, raw.to_value().map_err(crate::Error::from)?);
    }
    Ok(document)
}

/// A field as Redis is shown it; `None` for NULL. A declared json column is JSON text whatever is
/// in it, since that is what HSET reads.
fn field_shown(table: &Collection, name: &str, value: &Value) -> Option<Bytes> {
    match table.column(name).map(|column| column.ty) {
        Some(Type::JSON | Type::JSONB) => Some(json(value)),
        _ => shown(value),
    }
}

fn json(value: &Value) -> Bytes {
    value::json::value_to_string(value, value::json::Style::COMPACT).into()
}

/// A value as Redis is shown it; `None` for NULL.
fn shown(value: &Value) -> Option<Bytes> {
    Some(match mapping::seen(value.kind()).redis {
        RedisForm::Absent => return None,
        RedisForm::Json => json(value),
        RedisForm::Word | RedisForm::Digits => digits(value),
        RedisForm::Shortest | RedisForm::Text | RedisForm::Bytes => match value {
            Value::Text(text) | Value::Symbol(text) => Bytes::copy_from_slice(text.as_bytes()),
            Value::Bytes { data, .. } => Bytes::copy_from_slice(data),
            Value::Float64(n) => text::float::format_redis(*n).into(),
            Value::Float32(n) => text::float::format_redis_f32(*n).into(),
            Value::Date(days) => text::datetime::format_date(*days).into(),
            Value::Time(micros) => text::datetime::format_time(*micros).into(),
            Value::Timestamp(micros) => text::datetime::format_timestamp(*micros).into(),
            Value::TimestampTz(micros) => text::datetime::format_timestamp_tz(*micros, 0).into(),
            Value::Interval(interval) => text::interval::format(*interval).into(),
            Value::Uuid(uuid) => text::id::format_uuid(uuid).into(),
            Value::ObjectId(id) => text::id::format_object_id(id).into(),
            other => json(other),
        },
    })
}

/// A truth value or an exact number: as JSON, without the quotes of what is not finite.
fn digits(value: &Value) -> Bytes {
    match value {
        Value::Decimal(n) => n.to_string().into(),
        other => json(other),
    }
}

/// A text as the column takes it; an undeclared field keeps its type where the text parses.
fn taken(table: &Collection, name: &str, old: Option<&Value>, input: &[u8]) -> Result<Value> {
    let bad = |ty: String| KeyError::OpenedValue {
        column: name.to_owned(),
        ty,
        value: String::from_utf8_lossy(input).into_owned(),
    };
    if let Some(column) = table.column(name) {
        return parsed(column, input).ok_or_else(|| bad(column.ty.display(column.modifier)));
    }
    let Ok(text) = std::str::from_utf8(input) else { return Ok(Value::bytes(input)) };
    let same = |ty: Type| row::parse(text, ty, -1).ok();
    let kept = match old {
        Some(Value::Bool(_)) => same(Type::BOOL),
        Some(Value::Float64(_)) => same(Type::FLOAT8),
        Some(Value::Decimal(_)) => same(Type::NUMERIC),
        Some(Value::Date(_)) => same(Type::DATE),
        Some(Value::TimestampTz(_)) => same(Type::TIMESTAMPTZ),
        Some(Value::Uuid(_)) => same(Type::UUID),
        Some(Value::ObjectId(_)) => same(Type::OBJECTID),
        Some(Value::Document(_) | Value::Array(_)) => same(Type::JSONB),
        Some(Value::Int32(_)) => same(Type::INT4).or_else(|| same(Type::INT8)),
        Some(value) if value.as_i64().is_some() => same(Type::INT8),
        _ => None,
    };
    Ok(kept.unwrap_or_else(|| Value::Text(text.to_owned())))
}

fn name_of<'n>(table: &Collection, field: &'n [u8]) -> Result<&'n str> {
    std::str::from_utf8(field).map_err(|_| refuse("a field that is no text", table))
}

fn made_by_itself(table: &Collection, name: &str) -> bool {
    let generator = table.column(name).and_then(|column| column.generator.as_ref());
    matches!(generator, Some(Generator::Stored(_)))
}

pub(super) async fn all(
    keys: &mut Keys,
    table: &Arc<Collection>,
    rest: &[u8],
) -> Result<Vec<(Bytes, Bytes)>> {
    let Some((key, value)) = find(keys, table, rest).await? else { return Ok(Vec::new()) };
    let fields = fields(table, &key, &value)?;
    let pairs = fields.iter().filter_map(|(name, value)| {
        Some((name.to_owned().into(), field_shown(table, name, value)?))
    });
    Ok(pairs.collect())
}

pub(super) async fn get(
    keys: &mut Keys,
    table: &Arc<Collection>,
    rest: &[u8],
    field: &[u8],
) -> Result<Option<Bytes>> {
    let all = all(keys, table, rest).await?;
    Ok(all.into_iter().find(|(name, _)| name == field).map(|(_, value)| value))
}

pub(super) async fn exists(keys: &mut Keys, table: &Arc<Collection>, rest: &[u8]) -> Result<bool> {
    Ok(find(keys, table, rest).await?.is_some())
}

/// HSET: how many fields were absent or NULL.
pub(super) async fn set(
    keys: &mut Keys,
    table: &Arc<Collection>,
    rest: &[u8],
    pairs: &[(&[u8], &[u8])],
) -> Result<u64> {
    let found = lock(keys, table, rest).await?;
    let old = match &found {
        Some((key, value)) => fields(table, key, value)?,
        None => Document::new(),
    };
    let mut assigned = Document::new();
    let mut new = 0;
    for (field, input) in pairs {
        let name = name_of(table, field)?;
        if made_by_itself(table, name) {
            return Err(refuse("HSET of a generated column", table));
        }
        let before = old.get(name);
        new += u64::from(before.is_none() && assigned.get(name).is_none());
        assigned.insert(name, taken(table, name, before, input)?);
    }
    match found {
        Some((key, value)) => {
            let assigned = assigned.iter().map(|(name, value)| (name, Some(value)));
            let assigned: Vec<_> = assigned.collect();
            keys.work.update_fields(table, &key, &value, &assigned).await?;
        }
        None => {
            let id = ids(table, rest)?.into_iter().next().ok_or_else(|| no_key(table, rest))?;
            let mut document = Document::new();
            document.push(row::ID, id);
            for (name, value) in assigned.iter() {
                document.insert(name, value.clone());
            }
            drop(keys.work.insert_document(table, &document, Arbiter::None).await?);
        }
    }
    Ok(new)
}

/// HDEL: how many fields were there.
pub(super) async fn delete_fields(
    keys: &mut Keys,
    table: &Arc<Collection>,
    rest: &[u8],
    names: &[&[u8]],
) -> Result<u64> {
    let Some((key, value)) = lock(keys, table, rest).await? else { return Ok(0) };
    let document = fields(table, &key, &value)?;
    let mut gone: Vec<(&str, Option<&Value>)> = Vec::new();
    for field in names {
        let name = name_of(table, field)?;
        if document.get(name).is_none() || gone.iter().any(|(other, _)| *other == name) {
            continue;
        }
        let needed = |column: &Column| column.not_null || table.key_position(column.id).is_some();
        if name == row::ID || table.column(name).is_some_and(needed) {
            return Err(refuse("HDEL of a column that is NOT NULL or of the key", table));
        }
        if made_by_itself(table, name) {
            return Err(refuse("HDEL of a generated column", table));
        }
        gone.push((name, None));
    }
    if !gone.is_empty() {
        keys.work.update_fields(table, &key, &value, &gone).await?;
    }
    Ok(gone.len() as u64)
}

/// HINCRBY: the column's range is checked.
pub(super) async fn increment(
    keys: &mut Keys,
    table: &Arc<Collection>,
    rest: &[u8],
    field: &[u8],
    by: i64,
) -> Result<i64> {
    // Held from here on, so that nothing comes between the look and the write.
    lock(keys, table, rest).await?;
    let old = match get(keys, table, rest, field).await? {
        Some(text) => number::integer(&text).ok_or(KeyError::FieldNotInteger)?,
        None => 0,
    };
    let sum = old.checked_add(by).ok_or(KeyError::Overflow)?;
    set(keys, table, rest, &[(field, sum.to_string().as_bytes())]).await?;
    Ok(sum)
}

/// DEL.
pub(super) async fn delete(keys: &mut Keys, table: &Arc<Collection>, rest: &[u8]) -> Result<bool> {
    let Some((key, value)) = lock(keys, table, rest).await? else { return Ok(false) };
    keys.work.delete(table, &key, &value).await?;
    Ok(true)
}

/// The whole Redis key of a row.
fn whole_key(table: &Arc<Collection>, key: &[u8], value: &[u8]) -> Result<Vec<u8>> {
    let rest = if table.has_system_id() {
        shown(&row::id_of(table, key, value)?).unwrap_or_default().to_vec()
    } else {
        let fields = fields(table, key, value)?;
        let part = |column: &Column| {
            let value = fields.get(&column.name);
            value.and_then(|value| field_shown(table, &column.name, value)).unwrap_or_default()
        };
        match key_columns(table).map(part).collect::<Vec<_>>().as_slice() {
            [alone] => alone.to_vec(),
            parts => join(parts),
        }
    };
    let prefix = table.redis_prefix.as_deref().unwrap_or_default();
    Ok([prefix.as_bytes(), b":", &rest].concat())
}

async fn each_key(
    keys: &Keys,
    table: &Arc<Collection>,
    pattern: &[u8],
    each: &mut (dyn FnMut(Vec<u8>) + Send),
) -> Result<()> {
    let seeing = Seeing { until: u64::MAX, view: keys.view };
    let mut scan = RangeScan::whole(table.clone(), Direction::Forward, seeing);
    while let Some(rows) = scan.next(&keys.work, PAGE).await? {
        for row in rows {
            let key = whole_key(table, &row.key, &row.value)?;
            if glob::matches(pattern, &key) {
                each(key);
            }
        }
    }
    Ok(())
}

/// KEYS with the prefix.
pub(super) async fn keys(
    keys: &mut Keys,
    table: &Arc<Collection>,
    pattern: &[u8],
    each: &mut (dyn FnMut(&[u8]) + Send),
) -> Result<()> {
    each_key(keys, table, pattern, &mut |key| each(&key)).await
}

/// SCAN with the prefix: the keys of the lowest hashes from the cursor on, whole hashes.
pub(super) async fn scan(
    keys: &mut Keys,
    table: &Arc<Collection>,
    pattern: &[u8],
    cursor: u64,
    wanted: usize,
) -> Result<(u64, Vec<Bytes>)> {
    let mut lowest: BTreeMap<u64, Vec<Bytes>> = BTreeMap::new();
    let mut more = false;
    each_key(keys, table, pattern, &mut |key| {
        let hash = layout::hash(&key);
        if hash < cursor || wanted == 0 {
            return;
        }
        lowest.entry(hash).or_default().push(key.into());
        if lowest.len() > wanted {
            lowest.pop_last();
            more = true;
        }
    })
    .await?;
    let next = lowest.last_key_value().filter(|_| more).map_or(0, |(hash, _)| hash + 1);
    Ok((next, lowest.into_values().flatten().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn composite_keys_split_and_join() {
        for parts in [vec!["7", "ab:c"], vec!["", ""], vec!["a\\", "b"], vec!["x"]] {
            let parts: Vec<Bytes> = parts.into_iter().map(Bytes::from).collect();
            assert_eq!(split(&join(&parts)), parts);
        }
        let odd = [Bytes::from_static(b"\xff:"), Bytes::from_static(b"\\\x00")];
        assert_eq!(join(&odd), b"\xff\\::\\\\\x00");
        assert_eq!(split(&join(&odd)), odd);
    }
}
