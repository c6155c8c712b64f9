//! Parameter values of the library's SQL calls.
//!
//! A value is handed over as its own type where the statement wants that type, and through its text
//! otherwise, so that `bind(5)` serves a bigint, a numeric and a text parameter alike, with the
//! checks of the type's input.

use model::datum::{Arena, Datum};
use query::cast;
use query::expression::Session;
use value::Value;

use crate::session::Parameters;
use crate::{Error, ErrorKind, Result, Scalar, Type};

/// Something that can be bound to a parameter.
pub trait Bind {
    /// The value; `Value::Null` for NULL.
    fn into_value(self) -> Value;
}

macro_rules! bind {
    ($($from:ty => |$v:ident| $make:expr;)*) => {
        $(impl Bind for $from {
            fn into_value(self) -> Value {
                let $v = self;
                $make
            }
        })*
    };
}

bind! {
    Value => |v| v;
    bool => |v| Value::Bool(v);
    i8 => |v| Value::Int64(v.into());
    i16 => |v| Value::Int64(v.into());
    i32 => |v| Value::Int64(v.into());
    i64 => |v| Value::Int64(v);
    u8 => |v| Value::Int64(v.into());
    u16 => |v| Value::Int64(v.into());
    u32 => |v| Value::Int64(v.into());
    u64 => |v| i64::try_from(v).map_or(Value::UInt64(v), Value::Int64);
    f32 => |v| Value::Float32(v);
    f64 => |v| Value::Float64(v);
    &str => |v| Value::Text(v.to_owned());
    String => |v| Value::Text(v);
    &String => |v| Value::Text(v.clone());
    Vec<u8> => |v| Value::Bytes { subtype: 0, data: v };
    &[u8] => |v| Value::Bytes { subtype: 0, data: v.to_vec() };
    uuid::Uuid => |v| Value::Uuid(*v.as_bytes());
}

impl<T: Bind> Bind for Option<T> {
    fn into_value(self) -> Value {
        self.map_or(Value::Null, Bind::into_value)
    }
}

/// Bound values as a statement's parameters.
pub(super) struct Values(pub Vec<Value>);

impl Parameters for Values {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn datum<'a>(
        &self,
        at: usize,
        ty: Type,
        session: &dyn Session,
        arena: &'a Arena,
    ) -> Result<Datum<'a>> {
        let Some(value) = self.0.get(at) else { return Ok(Datum::Null) };
        Ok(match (value, ty.scalar) {
            _ if ty.array => return text(value, ty, session, arena),
            (Value::Null, _) => Datum::Null,
            (Value::Bool(v), Scalar::Bool) => Datum::Bool(*v),
            (Value::Int64(v), Scalar::Int8) => Datum::Int(*v),
            (Value::Int64(v), Scalar::Int4) if i32::try_from(*v).is_ok() => Datum::Int(*v),
            (Value::Int64(v), Scalar::Int2) if i16::try_from(*v).is_ok() => Datum::Int(*v),
            (Value::Float64(v), Scalar::Float8) => Datum::Float(*v),
            (Value::Float32(v), Scalar::Float4) => Datum::Float32(*v),
            (Value::Float32(v), Scalar::Float8) => Datum::Float(f64::from(*v)),
            (Value::Int64(v), Scalar::Float8) => Datum::Float(*v as f64),
            (Value::Text(v), Scalar::Text | Scalar::Varchar) => Datum::Text(arena.text(v)),
            (Value::Bytes { data, .. }, Scalar::Bytea) => Datum::Bytes(arena.bytes(data)),
            (Value::Uuid(v), Scalar::Uuid) => Datum::Uuid(*v),
            _ => return text(value, ty, session, arena),
        })
    }
}

/// Through the text of the value.
fn text<'a>(value: &Value, ty: Type, session: &dyn Session, arena: &'a Arena) -> Result<Datum<'a>> {
    let written = match value {
        Value::Null => return Ok(Datum::Null),
        Value::Bool(v) => v.to_string(),
        Value::Int64(v) => v.to_string(),
        Value::UInt64(v) => v.to_string(),
        Value::Float32(v) => v.to_string(),
        Value::Float64(v) => v.to_string(),
        Value::Text(v) => v.clone(),
        Value::Decimal(v) => v.to_string(),
        Value::Uuid(v) => uuid::Uuid::from_bytes(*v).to_string(),
        other => {
            let message = format!(
                "a value of kind {:?} cannot be bound to a parameter of type {}",
                other.kind(),
                ty.display(-1)
            );
            return Err(Error::new(ErrorKind::Type, "42804", message));
        }
    };
    cast::input(session, ty, &written, -1, arena)
}
