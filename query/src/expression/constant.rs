//! A value that belongs to a plan and not to an arena.
//!
//! A plan is shared between connections and outlives each of them, so a constant owns its bytes.
//! What fits the datum lies in it; text and its kin lie in a box beside it. `as_datum` is a match
//! and no copy.

use std::sync::Arc;

use value::{Decimal, Raw};

use crate::function::{Arguments, array::damaged};
use crate::{Datum, Result};

/// A value that outlives every arena; cloning shares it.
#[derive(Debug, Clone)]
pub struct Constant(Arc<Owned>);

#[derive(Debug)]
enum Owned {
    /// Numbers, times and the like, which borrow nothing.
    Plain(Datum<'static>),
    Text(Box<str>),
    Bytes(Box<[u8]>),
    Decimal(Decimal),
    Json(Box<[u8]>),
    Array(Box<[u8]>),
    Record(Record),
}

/// Fields, and the datums that borrow from them.
#[derive(Debug)]
struct Record {
    datums: Box<[Datum<'static>]>,
    /// What `datums` borrows from; never changed.
    _fields: Vec<Constant>,
}

impl Constant {
    /// NULL.
    pub fn null() -> Constant {
        Constant(Arc::new(Owned::Plain(Datum::Null)))
    }

    /// A boolean.
    pub fn bool(value: bool) -> Constant {
        Constant(Arc::new(Owned::Plain(Datum::Bool(value))))
    }

    /// An integer.
    pub fn int(value: i64) -> Constant {
        Constant(Arc::new(Owned::Plain(Datum::Int(value))))
    }

    /// A double.
    pub fn float(value: f64) -> Constant {
        Constant(Arc::new(Owned::Plain(Datum::Float(value))))
    }

    /// A text.
    pub fn text(value: &str) -> Constant {
        Constant(Arc::new(Owned::Text(value.into())))
    }

    /// A numeric, from its text.
    ///
    /// # Errors
    /// 22003 where it has too many digits, 22P02 where it is none.
    pub fn numeric(text: &str) -> Result<Constant> {
        let number = Decimal::parse(text).map_err(|error| match error {
            value::DecimalError::Syntax => crate::cast::invalid_syntax("numeric", text),
            error => crate::function::numeric::failed(error),
        })?;
        Ok(Constant(Arc::new(Owned::Decimal(number))))
    }

    /// Copies a datum.
    ///
    /// # Errors
    /// Damaged bytes.
    pub fn new(datum: &Datum<'_>) -> Result<Constant> {
        let owned = match *datum {
            Datum::Missing => Owned::Plain(Datum::Missing),
            Datum::Null => Owned::Plain(Datum::Null),
            Datum::Bool(v) => Owned::Plain(Datum::Bool(v)),
            Datum::Int(v) => Owned::Plain(Datum::Int(v)),
            Datum::UInt(v) => Owned::Plain(Datum::UInt(v)),
            Datum::Float32(v) => Owned::Plain(Datum::Float32(v)),
            Datum::Float(v) => Owned::Plain(Datum::Float(v)),
            Datum::Date(v) => Owned::Plain(Datum::Date(v)),
            Datum::Time(v) => Owned::Plain(Datum::Time(v)),
            Datum::Timestamp(v) => Owned::Plain(Datum::Timestamp(v)),
            Datum::TimestampTz(v) => Owned::Plain(Datum::TimestampTz(v)),
            Datum::Interval(v) => Owned::Plain(Datum::Interval(v)),
            Datum::Uuid(v) => Owned::Plain(Datum::Uuid(v)),
            Datum::ObjectId(v) => Owned::Plain(Datum::ObjectId(v)),
            Datum::Decimal(v) => Owned::Decimal(v.clone()),
            Datum::Text(v) => Owned::Text(v.into()),
            Datum::Bytes(v) => Owned::Bytes(v.into()),
            Datum::Json(v) => Owned::Json(v.bytes().map_err(damaged)?.into()),
            Datum::Array(v) => Owned::Array(v.bytes().map_err(damaged)?.into()),
            Datum::Record(fields) => Owned::Record(Record::new(fields)?),
        };
        Ok(Constant(Arc::new(owned)))
    }

    /// The value, as long as the constant lives.
    #[inline]
    pub fn as_datum(&self) -> Datum<'_> {
        match &*self.0 {
            Owned::Plain(datum) => *datum,
            Owned::Text(v) => Datum::Text(v),
            Owned::Bytes(v) => Datum::Bytes(v),
            Owned::Decimal(v) => Datum::Decimal(v),
            Owned::Json(v) => Datum::Json(Raw::new(v)),
            Owned::Array(v) => Datum::Array(Raw::new(v)),
            Owned::Record(record) => Datum::Record(&record.datums),
        }
    }

    /// Whether it is NULL.
    pub fn is_null(&self) -> bool {
        self.as_datum().is_null()
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        [self.as_datum()].bool(0).ok()
    }
}

impl Record {
    fn new(fields: &[Datum<'_>]) -> Result<Record> {
        let fields: Vec<Constant> = fields.iter().map(Constant::new).collect::<Result<_>>()?;
        let datums = fields.iter().map(|field| {
            // SAFETY: the datum borrows from an `Arc` that `_fields` keeps as long as `datums`
            // lives, whose content
            // never moves nor changes; both are private, and `as_datum` shortens the lifetime
            // again.
            unsafe { std::mem::transmute::<Datum<'_>, Datum<'static>>(field.as_datum()) }
        });
        Ok(Record { datums: datums.collect(), _fields: fields })
    }
}
