//! Rows out: each datum straight into the write buffer, text or binary.
//!
//! ```text
//!   'D' len n | len bytes | len bytes | …
//!                    ▲ text::write_… or binary::write_… of the datum
//!                    └ json, arrays, records, reg…: through one scratch string
//! ```
//!
//! **Invariant.** A row that fails leaves nothing in the buffer.

use qanat::{Error, Result, Scalar, Session, Type};
use query::function::array as arrays;
use query::function::zone::{self, Zone};
use query::plan::OutputColumn;
use query::{Arena, Datum};
use smallvec::SmallVec;
use value::json::{self, Style};
use value::{Decimal, Item, Raw};

use super::wire_type;
use crate::postgres::codec::{BackendWriter, Format, Formats};
use crate::postgres::types::{Shape, TypeError, array, binary, numeric, text};

/// The formats that a client wants its columns in.
#[derive(Clone, Debug)]
pub enum ResultFormats {
    /// One for all.
    All(Format),
    /// One for each.
    Each(SmallVec<[Format; 16]>),
}

impl Default for ResultFormats {
    fn default() -> Self {
        Self::All(Format::Text)
    }
}

impl ResultFormats {
    /// Those of a Bind message, checked against the columns there are.
    ///
    /// # Errors
    /// `08P01` where their number fits neither.
    pub fn new(formats: &Formats<'_>, columns: usize) -> Result<Self> {
        formats.check_columns(columns)?;
        Ok(match formats.count() {
            0 | 1 => Self::All(formats.of(0)),
            count => Self::Each((0..usize::from(count)).map(|at| formats.of(at)).collect()),
        })
    }

    /// The format of the column at `index`.
    #[must_use]
    pub fn of(&self, index: usize) -> Format {
        match self {
            Self::All(format) => *format,
            Self::Each(formats) => formats.get(index).copied().unwrap_or_default(),
        }
    }
}

/// Writes rows of one statement.
pub struct RowWriter<'s> {
    session: &'s Session,
    zone: Zone,
    bytea_escape: bool,
    field_bytes_max: u32,
    scratch: &'s mut String,
}

impl<'s> RowWriter<'s> {
    /// A writer for columns; `scratch` is any string, for reuse.
    ///
    /// # Errors
    /// `22023` for a time zone that does not exist.
    pub fn new(
        columns: &[OutputColumn],
        session: &'s Session,
        field_bytes_max: u32,
        scratch: &'s mut String,
    ) -> Result<Self> {
        use Scalar::*;
        let has = |wanted: &[Scalar]| columns.iter().any(|c| wanted.contains(&c.ty.scalar));
        let zone = match has(&[TimestampTz, Any, Record, Unknown]) {
            true => zone::named(&session.settings().quick().zone)?,
            false => Zone::Utc,
        };
        let bytea_escape =
            has(&[Bytea, Any, Record, Unknown]) && session.settings().quick().escapes_bytes;
        Ok(Self { session, zone, bytea_escape, field_bytes_max, scratch })
    }

    /// Appends one row.
    ///
    /// # Errors
    /// `54000` where it is too large; a date that the wire cannot say; damaged bytes.
    pub fn row(
        &mut self,
        out: &mut Vec<u8>,
        columns: &[OutputColumn],
        formats: &ResultFormats,
        cells: &[Datum<'_>],
    ) -> Result<()> {
        let mut writer = BackendWriter::new(out);
        let mut row = writer.data_row(self.field_bytes_max);
        for (at, (cell, column)) in cells.iter().zip(columns).enumerate() {
            match (cell, formats.of(at)) {
                (Datum::Null | Datum::Missing, _) => row.null(),
                (cell, Format::Text) => {
                    row.try_field(|out| self.text(out, column.ty, column.modifier, cell))?;
                }
                (cell, Format::Binary) => {
                    row.try_field(|out| self.binary(out, column.ty, column.modifier, cell))?;
                }
            }
        }
        Ok(row.finish()?)
    }

    /// Appends the text of a value that is not NULL.
    ///
    /// # Errors
    /// Damaged bytes.
    pub fn text(
        &mut self,
        out: &mut Vec<u8>,
        ty: Type,
        modifier: i32,
        datum: &Datum<'_>,
    ) -> Result<()> {
        match *datum {
            Datum::Null | Datum::Missing => {}
            Datum::Bool(v) => text::write_bool(out, v),
            Datum::Int(_) if is_registered(ty.scalar) => self.registered(out, ty, datum)?,
            Datum::Int(v) => text::write_int(out, v),
            Datum::UInt(v) => text::write_int(out, v),
            Datum::Float32(v) => text::write_float4(out, v),
            Datum::Float(v) => text::write_float8(out, v),
            Datum::Decimal(v) => text::write_numeric(out, v),
            Datum::Text(v) => write_text(out, v, ty, modifier),
            Datum::Bytes(v) if self.bytea_escape => text::write_bytea_escape(out, v),
            Datum::Bytes(v) => text::write_bytea(out, v),
            Datum::Date(v) => text::write_date(out, v),
            Datum::Time(v) => text::write_time(out, v),
            Datum::Timestamp(v) => text::write_timestamp(out, v),
            Datum::TimestampTz(v) => {
                text::write_timestamptz(out, v, self.zone.offset_at(v));
            }
            Datum::Interval(v) => text::write_interval(out, v),
            Datum::Uuid(v) => text::write_uuid(out, &v),
            Datum::ObjectId(v) => text::write_hex(out, &v),
            Datum::Json(v) if ty.scalar == Scalar::Any => self.open(out, v)?,
            Datum::Json(v) => self.json(out, ty, v)?,
            Datum::Array(v) => self.array_text(out, ty, v)?,
            Datum::Record(v) => self.record(out, v)?,
        }
        Ok(())
    }

    /// A name for a number of the catalogue; the session knows it.
    #[cold]
    fn registered(&mut self, out: &mut Vec<u8>, ty: Type, datum: &Datum<'_>) -> Result<()> {
        if let Some(name) = self.session.text_of(ty, -1, datum)? {
            out.extend_from_slice(name.as_bytes());
        }
        Ok(())
    }

    /// A value without schema shows as what it is: a text bare, a document as JSON.
    fn open(&mut self, out: &mut Vec<u8>, raw: Raw<'_>) -> Result<()> {
        let arena = Arena::new();
        match query::cast::plain(raw, &arena)? {
            Datum::Json(raw) => match raw.item() {
                Ok(Item::Bytes { data, .. }) => self.text(out, Type::ANY, -1, &Datum::Bytes(data)),
                _ => self.json(out, Type::JSONB, raw),
            },
            found => self.text(out, Type::ANY, -1, &found),
        }
    }

    fn json(&mut self, out: &mut Vec<u8>, ty: Type, raw: Raw<'_>) -> Result<()> {
        let style = if ty.scalar == Scalar::Json { Style::SPACED } else { Style::JSONB };
        self.scratch.clear();
        json::write(raw, style, self.scratch).map_err(arrays::damaged)?;
        out.extend_from_slice(self.scratch.as_bytes());
        Ok(())
    }

    fn array_text(&mut self, out: &mut Vec<u8>, ty: Type, raw: Raw<'_>) -> Result<()> {
        let arena = Arena::new();
        if arrays::is_vector(ty.scalar) && !ty.array {
            for (at, number) in arrays::Flat::new(raw, Scalar::Int8, &arena).enumerate() {
                if at > 0 {
                    out.push(b' ');
                }
                self.text(out, Type::INT8, -1, &number?)?;
            }
            return Ok(());
        }
        let (mut failed, mut damaged) = (Ok(()), Ok(()));
        let shape = shape_of(raw, ty.scalar, 1);
        let items = flat(raw, ty.scalar, &arena, &mut damaged);
        array::write_text(out, &shape, items, |out, datum| {
            if failed.is_ok() {
                failed = self.text(out, ty.element(), -1, &datum);
            }
        });
        damaged.and(failed)
    }

    /// `(1,"a b",)`: a NULL field is nothing between commas.
    fn record(&mut self, out: &mut Vec<u8>, fields: &[Datum<'_>]) -> Result<()> {
        out.push(b'(');
        for (at, field) in fields.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            if field.is_null() {
                continue;
            }
            let start = out.len();
            self.text(out, Type::UNKNOWN, -1, field)?;
            quote_field(out, start);
        }
        out.push(b')');
        Ok(())
    }

    fn binary(
        &mut self,
        out: &mut Vec<u8>,
        ty: Type,
        modifier: i32,
        datum: &Datum<'_>,
    ) -> Result<()> {
        if ty.scalar == Scalar::Any {
            return self.text(out, ty, modifier, datum);
        }
        match *datum {
            Datum::Null | Datum::Missing => {}
            Datum::Bool(v) => binary::write_bool(out, v),
            Datum::Int(v) => write_integer(out, v, ty.scalar)?,
            Datum::UInt(v) => numeric::write(out, &Decimal::from(v))?,
            Datum::Float32(v) => binary::write_float4(out, v),
            Datum::Float(v) => binary::write_float8(out, v),
            Datum::Decimal(v) => numeric::write(out, v)?,
            Datum::Text(v) if has_no_binary(ty.scalar) => return Err(no_binary(ty, v)),
            Datum::Text(v) => write_text(out, v, ty, modifier),
            Datum::Bytes(v) => out.extend_from_slice(v),
            Datum::Date(v) => binary::write_date(out, v)?,
            Datum::Time(v) => binary::write_time(out, v),
            Datum::Timestamp(v) | Datum::TimestampTz(v) => binary::write_timestamp(out, v)?,
            Datum::Interval(v) => binary::write_interval(out, v),
            Datum::Uuid(v) => binary::write_uuid(out, &v),
            Datum::ObjectId(v) => out.extend_from_slice(&v),
            Datum::Json(_) => {
                if ty.scalar == Scalar::Jsonb {
                    out.push(1);
                }
                self.text(out, ty, modifier, datum)?;
            }
            Datum::Array(v) => self.array(out, ty, v)?,
            Datum::Record(_) => return Err(Error::unsupported("binary output of type record")),
        }
        Ok(())
    }

    fn array(&mut self, out: &mut Vec<u8>, ty: Type, raw: Raw<'_>) -> Result<()> {
        // The vectors of the catalogue are arrays of one dimension that begins at 0.
        let (scalar, lower) = match ty.scalar {
            Scalar::Int2Vector if !ty.array => (Scalar::Int2, 0),
            Scalar::OidVector if !ty.array => (Scalar::Oid, 0),
            scalar => (scalar, 1),
        };
        let arena = Arena::new();
        let element = Type::of(scalar);
        let (mut failed, mut damaged) = (Ok(()), Ok(()));
        let shape = shape_of(raw, scalar, lower);
        let items = flat(raw, scalar, &arena, &mut damaged);
        array::write_binary(out, &shape, wire_type(element, -1).0.oid(), items, |out, datum| {
            if failed.is_ok() {
                failed = self.binary(out, element, -1, &datum);
            }
        });
        damaged.and(failed)
    }
}

/// The dimensions of an array, each counted from `lower`.
fn shape_of(raw: Raw<'_>, scalar: Scalar, lower: i32) -> Shape {
    let lengths = arrays::dimensions(raw, scalar);
    Shape(lengths.iter().map(|length| (*length as i32, lower)).collect())
}

/// The elements of an array, `None` for NULL; damage ends them and is told apart.
fn flat<'a>(
    raw: Raw<'a>,
    scalar: Scalar,
    arena: &'a Arena,
    damaged: &mut Result<()>,
) -> impl Iterator<Item = Option<Datum<'a>>> {
    arrays::Flat::new(raw, scalar, arena).map_while(move |item| match item {
        Ok(datum) => Some((!datum.is_null()).then_some(datum)),
        Err(error) => {
            *damaged = Err(error);
            None
        }
    })
}

/// Quotes a record's field behind `start`, where it must be.
fn quote_field(out: &mut Vec<u8>, start: usize) {
    let field = out.get(start..).unwrap_or_default();
    let special = |byte: &u8| matches!(byte, b'(' | b')' | b',' | b'"' | b'\\' | b' ' | 9..=13);
    if !field.is_empty() && !field.iter().any(special) {
        return;
    }
    let field = field.to_vec();
    out.truncate(start);
    out.push(b'"');
    for byte in field {
        if matches!(byte, b'"' | b'\\') {
            out.push(byte);
        }
        out.push(byte);
    }
    out.push(b'"');
}

fn is_registered(scalar: Scalar) -> bool {
    use Scalar::*;
    matches!(scalar, Regclass | Regtype | Regproc | Regnamespace | Regrole)
}

fn has_no_binary(scalar: Scalar) -> bool {
    matches!(scalar, Scalar::Tid | Scalar::PgLsn | Scalar::AclItem)
}

#[cold]
fn no_binary(ty: Type, _: &str) -> Error {
    Error::unsupported(format_args!("binary output of type {}", ty.display(-1)))
}

/// CHAR(n) is kept without the blanks that it shows.
fn write_text(out: &mut Vec<u8>, text: &str, ty: Type, modifier: i32) {
    out.extend_from_slice(text.as_bytes());
    if ty.scalar == Scalar::Bpchar && modifier > 4 {
        let length = usize::try_from(modifier - 4).unwrap_or(0);
        let missing = length.saturating_sub(text.chars().count());
        out.extend(std::iter::repeat_n(b' ', missing));
    }
}

/// An integer in the width that the client was told.
fn write_integer(out: &mut Vec<u8>, v: i64, scalar: Scalar) -> std::result::Result<(), TypeError> {
    use Scalar::*;
    match scalar {
        Int1 | UInt1 | Int2 => {
            binary::write_int2(out, i16::try_from(v).map_err(|_| TypeError::Range("smallint"))?);
        }
        Int4 | UInt2 => {
            binary::write_int4(out, i32::try_from(v).map_err(|_| TypeError::Range("integer"))?);
        }
        UInt8 | Numeric => numeric::write(out, &Decimal::from(v))?,
        Oid | Xid | Regclass | Regtype | Regproc | Regnamespace | Regrole => {
            binary::write_oid(out, u32::try_from(v).map_err(|_| TypeError::Range("oid"))?);
        }
        _ => binary::write_int8(out, v),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_the_width_that_was_told() {
        let written = |v, scalar| {
            let mut out = Vec::new();
            write_integer(&mut out, v, scalar).map(|()| out)
        };
        assert_eq!(written(7, Scalar::Int2), Ok(vec![0, 7]));
        assert_eq!(written(200, Scalar::UInt1), Ok(vec![0, 200]));
        assert_eq!(written(7, Scalar::Int4), Ok(vec![0, 0, 0, 7]));
        assert_eq!(written(-1, Scalar::UInt4), Ok(vec![255; 8]));
        assert_eq!(written(u32::MAX.into(), Scalar::Oid), Ok(vec![255; 4]));
        assert!(written(40_000, Scalar::Int2).is_err());
    }

    #[test]
    fn char_n_is_padded_in_characters() {
        let mut out = Vec::new();
        write_text(&mut out, "é", Type::BPCHAR, 4 + 3);
        assert_eq!(out, "é  ".as_bytes());
    }
}
