//! Rows as Rust values.

use model::datum::Datum;

use crate::{Error, ErrorKind, Result};

/// A Rust type that a column's value can become.
pub trait FromDatum: Sized {
    /// The value. NULL is an error for everything but `Option`.
    ///
    /// # Errors
    /// `42804` where the column's value is of another kind, `22003` where it does not fit.
    fn from_datum(datum: &Datum<'_>) -> Result<Self>;
}

/// A Rust type that a row can become: tuples of up to eight, or one value for a row of one column.
pub trait FromRow: Sized {
    /// The value.
    ///
    /// # Errors
    /// As [`FromDatum`]; `42601` for a wrong number of columns.
    fn from_row(row: &[Datum<'_>]) -> Result<Self>;
}

fn wrong<T>(datum: &Datum<'_>) -> Error {
    let wanted = std::any::type_name::<T>();
    Error::new(
        ErrorKind::Type,
        "42804",
        format!("a column's value {datum:?} is not of type {wanted}"),
    )
}

macro_rules! integers {
    ($($ty:ty),*) => {
        $(impl FromDatum for $ty {
            fn from_datum(datum: &Datum<'_>) -> Result<Self> {
                let out = || Error::new(ErrorKind::Type, "22003", concat!("a value is out of range for ", stringify!($ty)));
                match datum {
                    Datum::Int(v) => <$ty>::try_from(*v).map_err(|_| out()),
                    Datum::UInt(v) => <$ty>::try_from(*v).map_err(|_| out()),
                    Datum::Decimal(v) => {
                        v.to_i64().and_then(|v| <$ty>::try_from(v).ok()).ok_or_else(out)
                    }
                    other => Err(wrong::<$ty>(other)),
                }
            }
        })*
    };
}

integers!(i8, i16, i32, i64, u8, u16, u32, u64, usize);

impl FromDatum for bool {
    fn from_datum(datum: &Datum<'_>) -> Result<Self> {
        match datum {
            Datum::Bool(v) => Ok(*v),
            other => Err(wrong::<bool>(other)),
        }
    }
}

impl FromDatum for f64 {
    fn from_datum(datum: &Datum<'_>) -> Result<Self> {
        match datum {
            Datum::Float(v) => Ok(*v),
            Datum::Float32(v) => Ok(f64::from(*v)),
            Datum::Int(v) => Ok(*v as f64),
            other => Err(wrong::<f64>(other)),
        }
    }
}

impl FromDatum for String {
    fn from_datum(datum: &Datum<'_>) -> Result<Self> {
        match datum {
            Datum::Text(v) => Ok((*v).to_owned()),
            Datum::Decimal(v) => Ok(v.to_string()),
            Datum::Uuid(v) => Ok(uuid::Uuid::from_bytes(*v).to_string()),
            other => Err(wrong::<String>(other)),
        }
    }
}

impl FromDatum for Vec<u8> {
    fn from_datum(datum: &Datum<'_>) -> Result<Self> {
        match datum {
            Datum::Bytes(v) => Ok(v.to_vec()),
            other => Err(wrong::<Vec<u8>>(other)),
        }
    }
}

impl FromDatum for uuid::Uuid {
    fn from_datum(datum: &Datum<'_>) -> Result<Self> {
        match datum {
            Datum::Uuid(v) => Ok(uuid::Uuid::from_bytes(*v)),
            other => Err(wrong::<uuid::Uuid>(other)),
        }
    }
}

impl<T: FromDatum> FromDatum for Option<T> {
    fn from_datum(datum: &Datum<'_>) -> Result<Self> {
        if datum.is_null() { Ok(None) } else { T::from_datum(datum).map(Some) }
    }
}

fn columns(row: &[Datum<'_>], wanted: usize) -> Result<()> {
    if row.len() == wanted {
        return Ok(());
    }
    let message = format!("the answer has {} columns and the row type {wanted}", row.len());
    Err(Error::new(ErrorKind::Type, "42601", message))
}

impl<T: FromDatum> FromRow for T {
    fn from_row(row: &[Datum<'_>]) -> Result<Self> {
        columns(row, 1)?;
        T::from_datum(&row[0])
    }
}

macro_rules! tuples {
    ($($count:literal: $($name:ident $at:tt),*;)*) => {
        $(impl<$($name: FromDatum),*> FromRow for ($($name,)*) {
            fn from_row(row: &[Datum<'_>]) -> Result<Self> {
                columns(row, $count)?;
                Ok(($($name::from_datum(&row[$at])?,)*))
            }
        })*
    };
}

tuples! {
    1: A 0;
    2: A 0, B 1;
    3: A 0, B 1, C 2;
    4: A 0, B 1, C 2, D 3;
    5: A 0, B 1, C 2, D 3, E 4;
    6: A 0, B 1, C 2, D 3, E 4, F 5;
    7: A 0, B 1, C 2, D 3, E 4, F 5, G 6;
    8: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7;
}
