//! A Bind's values, kept until the portal runs.
//!
//! ```text
//!   bytes    42hello\0\0\0\7          one buffer, reused from Bind to Bind
//!   values   2 text | 7 text | NULL | 11 binary       where each ends and what it is
//! ```
//!
//! A portal may run long after its Bind, when the message has left the read buffer; so the values
//! are copied once, together. Each is read into the statement's arena when it runs.
//!
//! **Invariant.** A binary value takes exactly the bytes of its type. **Rejected.** Reading values
//! at Bind: they would be copied twice, and dates need the statement's time zone. PostgreSQL does
//! read them there, so the session remembers whether a value was refused and then takes back
//! what it answered to Bind.

use std::sync::atomic::{AtomicBool, Ordering};

use qanat::session::Parameters;
use qanat::{Error, Result, Scalar, Type};
use query::cast;
use query::expression::Session;
use query::function::array as arrays;
use query::{Arena, Datum};

use super::wire_type;
use crate::postgres::codec::{Bind, Format};
use crate::postgres::error::bad_parameter;
use crate::postgres::types::{TypeError, array, binary, numeric};

#[derive(Clone, Copy, Debug)]
struct Value {
    end: u32,
    /// `None` is NULL.
    format: Option<Format>,
}

/// The values of one Bind.
#[derive(Debug, Default)]
pub struct Arguments {
    bytes: Vec<u8>,
    values: Vec<Value>,
    refused: AtomicBool,
}

/// Larger buffers are not kept for the next Bind.
const KEPT_BYTES_MAX: usize = 64 << 10;

impl Arguments {
    /// Takes the values of a Bind in place of those before.
    pub fn set(&mut self, bind: &Bind<'_>) {
        self.bytes.clear();
        self.values.clear();
        *self.refused.get_mut() = false;
        if self.bytes.capacity() > KEPT_BYTES_MAX {
            self.bytes = Vec::new();
        }
        for (at, value) in bind.values.enumerate() {
            self.bytes.extend_from_slice(value.unwrap_or_default());
            // A message, and so all its values together, is shorter than 2 GiB.
            let end = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
            self.values.push(Value { end, format: value.map(|_| bind.formats.of(at)) });
        }
    }

    /// Whether a value did not read as its type.
    #[must_use]
    pub fn were_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    fn get(&self, at: usize) -> Option<(&[u8], Format)> {
        let value = self.values.get(at)?;
        let before = at.checked_sub(1).and_then(|before| self.values.get(before));
        let start = before.map_or(0, |before| before.end as usize);
        Some((self.bytes.get(start..value.end as usize)?, value.format?))
    }
}

impl Parameters for Arguments {
    fn count(&self) -> usize {
        self.values.len()
    }

    fn datum<'a>(
        &self,
        at: usize,
        ty: Type,
        session: &dyn Session,
        arena: &'a Arena,
    ) -> Result<Datum<'a>> {
        let read = self.read(at, ty, session, arena);
        if read.is_err() {
            self.refused.store(true, Ordering::Relaxed);
        }
        read
    }
}

impl Arguments {
    fn read<'a>(
        &self,
        at: usize,
        ty: Type,
        session: &dyn Session,
        arena: &'a Arena,
    ) -> Result<Datum<'a>> {
        let Some((bytes, format)) = self.get(at) else { return Ok(Datum::Null) };
        let told = |error: TypeError| bad_parameter(error, at);
        match format {
            Format::Text => {
                let text = binary::read_text(bytes).map_err(told)?;
                cast::input(session, ty, text, -1, arena)
            }
            Format::Binary if ty.array => read_array(bytes, ty.scalar, session, arena, at),
            Format::Binary => match read(bytes, ty.scalar, arena).map_err(told)? {
                Read::Datum(datum) => Ok(datum),
                Read::Text(text) => cast::input(session, ty, text, -1, arena),
                Read::Number(number) => cast::input(session, ty, &number, -1, arena),
                Read::None => Err(unsupported(ty)),
            },
        }
    }
}

#[cold]
fn unsupported(ty: Type) -> Error {
    Error::unsupported(format_args!("binary input of type {}", ty.display(-1)))
}

/// What a binary value is.
enum Read<'b, 'a> {
    Datum(Datum<'a>),
    /// The binary form is the text form.
    Text(&'b str),
    /// A number by its text.
    Number(String),
    /// The type has no binary form here.
    None,
}

fn read<'b, 'a>(
    bytes: &'b [u8],
    scalar: Scalar,
    arena: &'a Arena,
) -> std::result::Result<Read<'b, 'a>, TypeError> {
    use Scalar::*;
    Ok(Read::Datum(match scalar {
        Bool => Datum::Bool(binary::read_bool(bytes)?),
        Int2 => Datum::Int(binary::read_int2(bytes)?.into()),
        Int4 => Datum::Int(binary::read_int4(bytes)?.into()),
        Int8 => Datum::Int(binary::read_int8(bytes)?),
        // Told as wider types, so their range is still to be checked.
        Int1 | UInt1 => return Ok(Read::Number(binary::read_int2(bytes)?.to_string())),
        UInt2 => return Ok(Read::Number(binary::read_int4(bytes)?.to_string())),
        UInt4 => return Ok(Read::Number(binary::read_int8(bytes)?.to_string())),
        UInt8 => return Ok(Read::Number(numeric::read(bytes)?.to_string())),
        Float4 => Datum::Float32(binary::read_float4(bytes)?),
        Float8 => Datum::Float(binary::read_float8(bytes)?),
        Numeric => Datum::Decimal(arena.decimal(numeric::read(bytes)?)),
        Text | Varchar | Unknown => Datum::Text(arena.text(binary::read_text(bytes)?)),
        Bpchar => Datum::Text(arena.text(binary::read_text(bytes)?.trim_end_matches(' '))),
        Bytea => Datum::Bytes(arena.bytes(bytes)),
        Date => Datum::Date(binary::read_date(bytes)?),
        Time => Datum::Time(binary::read_time(bytes)?),
        Timestamp => Datum::Timestamp(binary::read_timestamp(bytes)?),
        TimestampTz => Datum::TimestampTz(binary::read_timestamp(bytes)?),
        Interval => Datum::Interval(binary::read_interval(bytes)?),
        Uuid => Datum::Uuid(binary::read_uuid(bytes)?),
        ObjectId => Datum::ObjectId(match bytes.try_into() {
            Ok(id) => id,
            Err(_) if bytes.len() < 12 => return Err(TypeError::TooShort),
            Err(_) => return Err(TypeError::TooLong),
        }),
        Oid | Xid | Regclass | Regtype | Regproc | Regnamespace | Regrole => {
            Datum::Int(binary::read_oid(bytes)?.into())
        }
        Name | Char | Json | Any => return Ok(Read::Text(binary::read_text(bytes)?)),
        Jsonb => return Ok(Read::Text(binary::read_jsonb(bytes)?)),
        Tid | PgLsn | PgNodeTree | AclItem | Int2Vector | OidVector | Void | Record => {
            return Ok(Read::None);
        }
    }))
}

fn read_array<'a>(
    bytes: &[u8],
    scalar: Scalar,
    session: &dyn Session,
    arena: &'a Arena,
    at: usize,
) -> Result<Datum<'a>> {
    let told = |error: TypeError| bad_parameter(error, at);
    let array = array::read_binary(bytes).map_err(told)?;
    let wanted = wire_type(Type::of(scalar), -1).0.oid();
    if array.element != wanted {
        return Err(told(TypeError::Binary("wrong element type")));
    }
    if array.shape.0.iter().any(|(_, lower)| *lower != 1) {
        return Err(Error::unsupported("an array whose lower bound is not 1"));
    }
    let mut elements = Vec::with_capacity(array.items.len());
    for item in &array.items {
        elements.push(match item {
            None => Datum::Null,
            Some(item) => match read(item, scalar, arena).map_err(told)? {
                Read::Datum(datum) => datum,
                Read::Text(text) => cast::input(session, Type::of(scalar), text, -1, arena)?,
                Read::Number(number) => cast::input(session, Type::of(scalar), &number, -1, arena)?,
                Read::None => return Err(unsupported(Type::of(scalar))),
            },
        });
    }
    let lengths: Vec<usize> = array.shape.0.iter().map(|(length, _)| *length as usize).collect();
    let encoded = arrays::shaped(&lengths, &mut elements.into_iter(), scalar)?;
    Ok(Datum::Array(value::Raw::new(arena.bytes(&encoded))))
}
