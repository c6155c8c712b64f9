//! Rows of system tables: plain Rust values become datums.

use value::Raw;

use crate::{Arena, Datum, Result, Scalar};

/// Where rows go.
pub(super) type Push<'p, 'a> = &'p mut dyn FnMut(&[Datum<'a>]);

/// NULL.
pub(super) const NULL: Datum<'static> = Datum::Null;

/// A value of a row.
pub(super) trait Cell<'a> {
    fn datum(self) -> Datum<'a>;
}

impl<'a> Cell<'a> for Datum<'a> {
    fn datum(self) -> Datum<'a> {
        self
    }
}

impl<'a> Cell<'a> for bool {
    fn datum(self) -> Datum<'a> {
        Datum::Bool(self)
    }
}

impl<'a> Cell<'a> for f32 {
    fn datum(self) -> Datum<'a> {
        Datum::Float32(self)
    }
}

impl<'a> Cell<'a> for &'a str {
    fn datum(self) -> Datum<'a> {
        Datum::Text(self)
    }
}

impl<'a, T: Cell<'a>> Cell<'a> for Option<T> {
    fn datum(self) -> Datum<'a> {
        self.map_or(Datum::Null, Cell::datum)
    }
}

macro_rules! integers {
    ($($ty:ty),*) => { $(impl<'a> Cell<'a> for $ty {
        fn datum(self) -> Datum<'a> {
            Datum::Int(self.into())
        }
    })* };
}

integers!(i16, i32, i64, u32);

/// Pushes one row of cells.
macro_rules! row {
    ($push:expr; $($value:expr),* $(,)?) => {
        $push(&[$(crate::system::cell::Cell::datum($value)),*])
    };
}
pub(super) use row;

/// An array (or vector) of integers: numbers, attribute numbers.
pub(super) fn integers<'a>(
    arena: &'a Arena,
    scalar: Scalar,
    elements: impl IntoIterator<Item = i64>,
) -> Result<Datum<'a>> {
    let elements: Vec<Datum<'_>> = elements.into_iter().map(Datum::Int).collect();
    array(arena, scalar, &elements)
}

/// An array of texts.
pub(super) fn texts<'a, 't>(
    arena: &'a Arena,
    elements: impl IntoIterator<Item = &'t str>,
) -> Result<Datum<'a>> {
    let elements: Vec<Datum<'_>> = elements.into_iter().map(Datum::Text).collect();
    array(arena, Scalar::Text, &elements)
}

fn array<'a>(arena: &'a Arena, scalar: Scalar, elements: &[Datum<'_>]) -> Result<Datum<'a>> {
    let bytes = crate::function::array::encode(elements, scalar)?;
    Ok(Datum::Array(arena.item(Raw::new(&bytes))))
}

/// `YES` or `NO`, as information_schema writes booleans.
pub(super) fn yes(value: bool) -> &'static str {
    if value { "YES" } else { "NO" }
}
