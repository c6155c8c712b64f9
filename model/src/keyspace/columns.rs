//! A key as SQL sees it: the columns of a key space's table.
//!
//! ```text
//!   key          text         the key, where it is text: UTF-8 without NUL
//!   key_bytes    bytea        the key; the primary key
//!   type         text         string, hash
//!   value        text         a string, where it is text
//!   value_bytes  bytea        a string
//!   members      jsonb        a hash: field → value, texts; what is no text as \x and hex digits
//!   expires_at   timestamptz  when it expires
//! ```
//!
//! A scan reads O records and calls [`columns`] for each; for a large hash it reads the range that
//! [`Members::Large`] names and hands each of its records to [`Columns::add_member`]. A key that
//! has expired is no row.

use bytes::Bytes;
use value::{Document, Raw, Value};

use super::layout::{self, Kind, Record};
use crate::datum::{Arena, Datum};
use crate::error::Result;
use crate::key::KeyRange;

/// Where the members of a row are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Members {
    /// The key is no hash.
    None,
    /// In [`Columns`] already.
    Here,
    /// In the records of this range, which are still to be added.
    Large(KeyRange),
}

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct Columns {
    /// The true key.
    pub key_bytes: Vec<u8>,
    /// `string` or `hash`.
    pub kind: &'static str,
    /// The string.
    pub value_bytes: Option<Bytes>,
    /// Whether and where there are members.
    pub members: Members,
    /// Microseconds since 1970.
    pub expires_at: Option<i64>,
    pairs: Document,
    prefix: Vec<u8>,
}

/// The row of an O record at a time (milliseconds since 1970); `None`: it has expired.
pub fn columns(row: &[u8], value: Bytes, now: u64) -> Result<Option<Columns>> {
    let record = Record::read(value)?;
    if record.is_expired(now) {
        return Ok(None);
    }
    let expires = record.expires();
    let mut columns = Columns {
        key_bytes: layout::key_of(row, &record)?,
        kind: record.kind().name(),
        value_bytes: None,
        members: Members::None,
        expires_at: (expires != 0).then(|| i64::try_from(expires * 1000).unwrap_or(i64::MAX)),
        pairs: Document::default(),
        prefix: Vec::new(),
    };
    match record.kind() {
        Kind::String => columns.value_bytes = Some(record.shared_payload()),
        Kind::SmallHash => {
            columns.members = Members::Here;
            record.pairs().for_each(|(field, value)| columns.add(field, value));
        }
        Kind::LargeHash => {
            columns.prefix = layout::members(row, record.large()?);
            columns.members = Members::Large(KeyRange::prefix(columns.prefix.clone()));
        }
    }
    Ok(Some(columns))
}

impl Columns {
    /// Takes one record of the range that `members` names.
    pub fn add_member(&mut self, key: &[u8], value: &Bytes) -> Result<()> {
        let (_, field, value) = layout::read_member(&self.prefix, key, value)?;
        let field = field.to_vec();
        self.add(&field, &value);
        Ok(())
    }

    fn add(&mut self, field: &[u8], value: &[u8]) {
        self.pairs.insert(text(field), Value::Text(text(value)));
    }

    /// The key as text, where it is one.
    pub fn key(&self) -> Option<&str> {
        as_text(&self.key_bytes)
    }

    /// The string as text, where it is one.
    pub fn value(&self) -> Option<&str> {
        self.value_bytes.as_deref().and_then(as_text)
    }

    /// The row in the order of [`super::COLUMNS`].
    pub fn datums<'a>(&self, arena: &'a Arena) -> [Datum<'a>; 7] {
        let text =
            |text: Option<&str>| text.map_or(Datum::Null, |text| Datum::Text(arena.text(text)));
        let bytes = |bytes: &[u8]| Datum::Bytes(arena.bytes(bytes));
        let members = match self.members {
            Members::None => Datum::Null,
            _ => {
                let encoded = value::cbor::encode(&Value::Document(self.pairs.clone()));
                Datum::Json(Raw::new(arena.bytes(&encoded)))
            }
        };
        [
            text(self.key()),
            bytes(&self.key_bytes),
            text(Some(self.kind)),
            text(self.value()),
            self.value_bytes.as_deref().map_or(Datum::Null, bytes),
            members,
            self.expires_at.map_or(Datum::Null, Datum::TimestampTz),
        ]
    }
}

/// SQL's texts hold no NUL: neither PostgreSQL's protocol nor its clients could.
fn as_text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

fn text(bytes: &[u8]) -> String {
    match as_text(bytes) {
        Some(text) => text.to_owned(),
        None => value::text::id::format_bytes(bytes),
    }
}
