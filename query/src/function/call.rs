//! What a kernel is given: its surroundings, and its arguments with their types taken for granted.
//!
//! The binder puts arguments of the declared types under every call, so a kernel takes `a.int(0)?`
//! and does not ask. A datum of another kind there is a defect of the binder and answers XX000,
//! never a panic.

use value::{Decimal, Interval, Raw};

use super::Function;
use crate::expression::{Context, Expression, Session};
use crate::{Arena, Datum, Error, Result, Type};

/// The arena and surroundings of one call.
pub struct Call<'a, 'c> {
    /// Parameters and session.
    pub context: &'c Context<'a>,
    /// Where results live.
    pub arena: &'a Arena,
    /// The modifier of the result type that the binder asks for (casts), or -1.
    pub modifier: i32,
    /// The type of the result; it says more than the entry where that is generic.
    pub result: Type,
    /// The types of the arguments.
    pub types: CallTypes<'c>,
}

/// Where the types of a call's arguments stand. They are looked up only by generic kernels, so that
/// no list is made for each call.
#[derive(Clone, Copy)]
pub enum CallTypes<'c> {
    /// The expressions that gave the arguments.
    Expressions(&'c [Expression]),
    /// A list.
    Listed(&'c [Type]),
    /// All arguments are of this type.
    All(Type),
}

impl<'a, 'c> Call<'a, 'c> {
    /// A call of an entry outside of any expression: arguments are of its declared types.
    pub fn of(function: &'c Function, context: &'c Context<'a>, arena: &'a Arena) -> Self {
        let types = CallTypes::Listed(function.arguments);
        Call { context, arena, modifier: -1, result: function.result, types }
    }

    /// The type of an argument.
    pub fn ty(&self, at: usize) -> Type {
        match self.types {
            CallTypes::Expressions(list) => list.get(at).map_or(Type::UNKNOWN, |e| e.ty),
            CallTypes::Listed(list) => {
                list.get(at).or(list.last()).copied().unwrap_or(Type::UNKNOWN)
            }
            CallTypes::All(ty) => ty,
        }
    }

    /// The modifier of an argument's type.
    pub fn modifier_of(&self, at: usize) -> i32 {
        match self.types {
            CallTypes::Expressions(list) => list.get(at).map_or(-1, |e| e.modifier),
            _ => -1,
        }
    }

    /// The session.
    pub fn session(&self) -> &'a dyn Session {
        self.context.session
    }

    /// Keeps a text.
    pub fn text(&self, text: &str) -> Datum<'a> {
        Datum::Text(self.arena.text(text))
    }

    /// Keeps bytes.
    pub fn bytes(&self, bytes: &[u8]) -> Datum<'a> {
        Datum::Bytes(self.arena.bytes(bytes))
    }

    /// Keeps a decimal.
    pub fn decimal(&self, decimal: Decimal) -> Datum<'a> {
        Datum::Decimal(self.arena.decimal(decimal))
    }

    /// Keeps an encoded JSON value.
    pub fn json(&self, bytes: &[u8]) -> Datum<'a> {
        Datum::Json(Raw::new(self.arena.bytes(bytes)))
    }

    /// Keeps an encoded array.
    pub fn array(&self, bytes: &[u8]) -> Datum<'a> {
        Datum::Array(Raw::new(self.arena.bytes(bytes)))
    }
}

/// Arguments by position and type.
pub trait Arguments<'a> {
    /// The argument.
    fn at(&self, at: usize) -> Datum<'a>;

    /// Whether it is NULL or not there.
    fn null(&self, at: usize) -> bool {
        self.at(at).is_null()
    }

    /// A boolean.
    fn bool(&self, at: usize) -> Result<bool> {
        match self.at(at) {
            Datum::Bool(v) => Ok(v),
            other => Err(wrong("boolean", &other)),
        }
    }

    /// An integer of any width up to i64.
    fn int(&self, at: usize) -> Result<i64> {
        match self.at(at) {
            Datum::Int(v) => Ok(v),
            other => Err(wrong("integer", &other)),
        }
    }

    /// An integer that the type limits to 32 bits.
    fn int4(&self, at: usize) -> Result<i32> {
        let wide = self.int(at)?;
        i32::try_from(wide).map_err(|_| Error::internal("an integer wider than its type"))
    }

    /// double precision, or real widened.
    fn float(&self, at: usize) -> Result<f64> {
        match self.at(at) {
            Datum::Float(v) => Ok(v),
            Datum::Float32(v) => Ok(v.into()),
            other => Err(wrong("double precision", &other)),
        }
    }

    /// real.
    fn float4(&self, at: usize) -> Result<f32> {
        match self.at(at) {
            Datum::Float32(v) => Ok(v),
            other => Err(wrong("real", &other)),
        }
    }

    /// numeric.
    fn decimal(&self, at: usize) -> Result<&'a Decimal> {
        match self.at(at) {
            Datum::Decimal(v) => Ok(v),
            other => Err(wrong("numeric", &other)),
        }
    }

    /// Any string type.
    fn text(&self, at: usize) -> Result<&'a str> {
        match self.at(at) {
            Datum::Text(v) => Ok(v),
            other => Err(wrong("text", &other)),
        }
    }

    /// bytea.
    fn bytes(&self, at: usize) -> Result<&'a [u8]> {
        match self.at(at) {
            Datum::Bytes(v) => Ok(v),
            other => Err(wrong("bytea", &other)),
        }
    }

    /// date.
    fn date(&self, at: usize) -> Result<i32> {
        match self.at(at) {
            Datum::Date(v) => Ok(v),
            other => Err(wrong("date", &other)),
        }
    }

    /// time.
    fn time(&self, at: usize) -> Result<i64> {
        match self.at(at) {
            Datum::Time(v) => Ok(v),
            other => Err(wrong("time", &other)),
        }
    }

    /// timestamp, with or without zone.
    fn timestamp(&self, at: usize) -> Result<i64> {
        match self.at(at) {
            Datum::Timestamp(v) | Datum::TimestampTz(v) => Ok(v),
            other => Err(wrong("timestamp", &other)),
        }
    }

    /// interval.
    fn interval(&self, at: usize) -> Result<Interval> {
        match self.at(at) {
            Datum::Interval(v) => Ok(v),
            other => Err(wrong("interval", &other)),
        }
    }

    /// json or jsonb.
    fn json(&self, at: usize) -> Result<Raw<'a>> {
        match self.at(at) {
            Datum::Json(v) => Ok(v),
            other => Err(wrong("json", &other)),
        }
    }

    /// An array.
    fn array(&self, at: usize) -> Result<Raw<'a>> {
        match self.at(at) {
            Datum::Array(v) => Ok(v),
            other => Err(wrong("array", &other)),
        }
    }
}

impl<'a> Arguments<'a> for [Datum<'a>] {
    #[inline]
    fn at(&self, at: usize) -> Datum<'a> {
        self.get(at).copied().unwrap_or(Datum::Missing)
    }
}

#[cold]
fn wrong(wanted: &str, found: &Datum<'_>) -> Error {
    Error::internal(format!("a kernel was bound to {wanted} and given {found:?}"))
}
