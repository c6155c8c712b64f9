//! Functions and operators of arrays.
//!
//! An array is rebuilt rather than edited: its elements become datums, the list is changed, and
//! encoded again with its dimensions. Equality of elements is that of the type, NULL being no
//! element's equal except where PostgreSQL says so (array_remove, array_position).

use value::Raw;

use super::float::domain;
use super::names::*;
use super::{Arguments, Call, array, datum_order};
use crate::{Datum, Error, ErrorKind, Result, Scalar, Type};

fn scalar(call: &Call<'_, '_>, at: usize) -> Scalar {
    call.ty(at).scalar
}

/// The elements whatever the dimensions.
fn flat<'a>(call: &Call<'a, '_>, array: Raw<'a>, scalar: Scalar) -> Result<Vec<Datum<'a>>> {
    array::Flat::new(array, scalar, call.arena).collect()
}

fn of_elements<'a>(call: &Call<'a, '_>, list: &[Datum<'a>], scalar: Scalar) -> Result<Datum<'a>> {
    Ok(call.array(&array::encode(list, scalar)?))
}

/// The length of a dimension, NULL where it does not exist.
fn dimension<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let lengths = array::dimensions(a.array(0)?, scalar(call, 0));
    let at = usize::try_from(a.int(1)? - 1).unwrap_or(usize::MAX);
    Ok(lengths.get(at).map_or(Datum::Null, |length| Datum::Int(*length as i64)))
}

fn lower<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    Ok(match dimension(call, a)? {
        Datum::Int(_) => Datum::Int(1),
        none => none,
    })
}

fn dims<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let lengths = array::dimensions(a.array(0)?, scalar(call, 0));
    if lengths.is_empty() {
        return Ok(Datum::Null);
    }
    let text: String = lengths.iter().map(|length| format!("[1:{length}]")).collect();
    Ok(call.text(&text))
}

#[cold]
fn one_dimension(sqlstate: &'static str, message: &'static str) -> Error {
    domain(sqlstate, message)
}

fn append<'a>(call: &Call<'a, '_>, list: Datum<'a>, element: Datum<'a>) -> Result<Datum<'a>> {
    extend(call, list, element, false)
}

fn extend<'a>(
    call: &Call<'a, '_>,
    list: Datum<'a>,
    element: Datum<'a>,
    front: bool,
) -> Result<Datum<'a>> {
    let scalar = call.result.scalar;
    let mut made = Vec::new();
    if let Datum::Array(raw) = list {
        if array::dimensions(raw, scalar).len() > 1 {
            return Err(one_dimension("22000", "argument must be empty or one-dimensional array"));
        }
        made = flat(call, raw, scalar)?;
    }
    let at = if front { 0 } else { made.len() };
    made.insert(at, element);
    of_elements(call, &made, scalar)
}

/// Arrays end to end: of one dimension count, or one with one dimension less than the other.
fn concat<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let (left, right) = match (a.at(0), a.at(1)) {
        (Datum::Array(left), Datum::Array(right)) => (left, right),
        (Datum::Array(_), _) => return Ok(a.at(0)),
        _ => return Ok(a.at(1)),
    };
    let scalar = call.result.scalar;
    let (shape, other) = (array::dimensions(left, scalar), array::dimensions(right, scalar));
    if shape.is_empty() {
        return Ok(a.at(1));
    }
    if other.is_empty() {
        return Ok(a.at(0));
    }
    let incompatible = |detail: &str| {
        Error::new(ErrorKind::Type, "2202E", "cannot concatenate incompatible arrays")
            .detail(detail.to_owned())
    };
    let rows = |raw: Raw<'a>| array::decode(raw, scalar, call.arena);
    let mut made = Vec::new();
    match shape.len() as i64 - other.len() as i64 {
        0 => {
            made.extend(rows(left)?);
            made.extend(rows(right)?);
        }
        1 => {
            made.extend(rows(left)?);
            made.push(a.at(1));
        }
        -1 => {
            made.push(a.at(0));
            made.extend(rows(right)?);
        }
        _ => {
            let (n, m) = (shape.len(), other.len());
            return Err(incompatible(&format!(
                "Arrays of {n} and {m} dimensions are not compatible for concatenation."
            )));
        }
    }
    if shape.len() == 1 && other.len() == 1 {
        return of_elements(call, &made, scalar);
    }
    let detail = "Arrays with differing element dimensions are not compatible for concatenation.";
    array::nest(&made).map(|bytes| call.array(&bytes)).map_err(|_| incompatible(detail))
}

/// Whether an element is the one sought; NULL is NULL.
fn same(a: &Datum<'_>, b: &Datum<'_>) -> bool {
    datum_order::equal(a, b)
}

fn remove<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    if a.null(0) {
        return Ok(Datum::Null);
    }
    let (raw, scalar) = (a.array(0)?, scalar(call, 0));
    if array::dimensions(raw, scalar).len() > 1 {
        let message = "removing elements from multidimensional arrays is not supported";
        return Err(one_dimension("0A000", message));
    }
    let mut list = flat(call, raw, scalar)?;
    list.retain(|element| !same(element, &a.at(1)));
    of_elements(call, &list, scalar)
}

fn replace<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    if a.null(0) {
        return Ok(Datum::Null);
    }
    let (raw, scalar) = (a.array(0)?, scalar(call, 0));
    let shape = array::dimensions(raw, scalar);
    let list = flat(call, raw, scalar)?;
    let mut list = list.into_iter().map(|e| if same(&e, &a.at(1)) { a.at(2) } else { e });
    Ok(call.array(&array::shaped(&shape, &mut list, scalar)?))
}

fn positions<'a>(call: &Call<'a, '_>, a: &[Datum<'a>], from: i64) -> Result<Vec<i64>> {
    let (raw, scalar) = (a.array(0)?, scalar(call, 0));
    if array::dimensions(raw, scalar).len() > 1 {
        let message = "searching for elements in multidimensional arrays is not supported";
        return Err(one_dimension("0A000", message));
    }
    let mut found = Vec::new();
    for (at, element) in flat(call, raw, scalar)?.iter().enumerate() {
        let place = at as i64 + 1;
        if place >= from && same(element, &a.at(1)) {
            found.push(place);
        }
    }
    Ok(found)
}

fn position<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    if a.null(0) {
        return Ok(Datum::Null);
    }
    let from = match a.len() {
        2 => 1,
        _ if a.null(2) => {
            return Err(one_dimension("22004", "initial position must not be null"));
        }
        _ => a.int(2)?,
    };
    Ok(positions(call, a, from)?.first().map_or(Datum::Null, |at| Datum::Int(*at)))
}

fn all_positions<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    if a.null(0) {
        return Ok(Datum::Null);
    }
    let found: Vec<Datum<'a>> = positions(call, a, 1)?.into_iter().map(Datum::Int).collect();
    of_elements(call, &found, Scalar::Int4)
}

/// array_fill(value, lengths [, lower bounds]).
fn fill<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let null = "dimension array or low bound array cannot be null";
    if a.null(1) || a.len() > 2 && a.null(2) {
        return Err(one_dimension("22004", null));
    }
    let numbers = |at: usize| -> Result<Vec<i64>> {
        let list = flat(call, a.array(at)?, Scalar::Int4)?;
        list.iter()
            .map(|n| match n {
                Datum::Int(n) => Ok(*n),
                _ => Err(one_dimension("22004", "dimension values cannot be null")),
            })
            .collect()
    };
    let lengths = numbers(1)?;
    if a.len() > 2 && numbers(2)?.iter().any(|low| *low != 1) {
        return Err(Error::unsupported("an array whose lower bound is not 1"));
    }
    if lengths.len() > array::DIMENSIONS_MAX {
        return Err(array::too_many_dimensions(lengths.len()));
    }
    let total = lengths.iter().try_fold(1i64, |total, n| total.checked_mul(*n));
    if !total.is_some_and(|total| (0..=134_217_727).contains(&total)) {
        let message = "array size exceeds the maximum allowed (134217727)";
        return Err(one_dimension("54000", message));
    }
    let shape: Vec<usize> = lengths.iter().map(|n| usize::try_from(*n).unwrap_or(0)).collect();
    let shape = if shape.contains(&0) { Vec::new() } else { shape };
    let mut value = std::iter::repeat(a.at(0));
    Ok(call.array(&array::shaped(&shape, &mut value, call.result.scalar)?))
}

/// Whether every element of `part` (NULL is none) occurs in `whole`.
fn contains<'a>(call: &Call<'a, '_>, whole: Raw<'a>, part: Raw<'a>, at: usize) -> Result<bool> {
    let scalar = scalar(call, at);
    let whole = flat(call, whole, scalar)?;
    Ok(flat(call, part, scalar)?.iter().all(|wanted| occurs(&whole, wanted)))
}

fn occurs(list: &[Datum<'_>], wanted: &Datum<'_>) -> bool {
    !wanted.is_null() && list.iter().any(|element| !element.is_null() && same(element, wanted))
}

fn overlap<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let left = flat(call, a.array(0)?, scalar(call, 0))?;
    let right = flat(call, a.array(1)?, scalar(call, 0))?;
    Ok(Datum::Bool(right.iter().any(|wanted| occurs(&left, wanted))))
}

/// `a[1]`, `a[1][2]`: NULL where there is no such element, or fewer subscripts than dimensions.
fn subscript<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let (mut raw, scalar) = (a.array(0)?, scalar(call, 0));
    let count = a.len() - 1;
    if array::dimensions(raw, scalar).len() != count {
        return Ok(Datum::Null);
    }
    for at in 1..=count {
        let Ok(index) = usize::try_from(a.int(at)? - 1) else { return Ok(Datum::Null) };
        let Some(inner) = raw.element(index) else { return Ok(Datum::Null) };
        raw = inner;
    }
    array::element(raw, scalar, call.arena)
}

/// `a[2:3]`: bounds may be NULL for an open end.
fn slice<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    if a.null(0) {
        return Ok(Datum::Null);
    }
    let scalar = scalar(call, 0);
    let rows = array::decode(a.array(0)?, scalar, call.arena)?;
    let bound = |at: usize, open: i64| if a.null(at) { Ok(open) } else { a.int(at) };
    let low = usize::try_from(bound(1, 1)?.max(1) - 1).unwrap_or(usize::MAX);
    let high = usize::try_from(bound(2, i64::MAX)?.max(0)).unwrap_or(usize::MAX).min(rows.len());
    let kept = rows.get(low..high).unwrap_or(&[]);
    match kept.first() {
        Some(Datum::Array(_)) => Ok(call.array(&array::nest(kept)?)),
        _ => of_elements(call, kept, scalar),
    }
}

fn trim<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let scalar = scalar(call, 0);
    let rows = array::decode(a.array(0)?, scalar, call.arena)?;
    let count = a.int(1)?;
    let keep = usize::try_from(count).ok().and_then(|n| rows.len().checked_sub(n));
    let Some(keep) = keep else {
        let message = format!("number of elements to trim must be between 0 and {}", rows.len());
        return Err(Error::new(ErrorKind::Type, "2202E", message));
    };
    let kept = rows.get(..keep).unwrap_or(&[]);
    match kept.first() {
        Some(Datum::Array(_)) => Ok(call.array(&array::nest(kept)?)),
        _ => of_elements(call, kept, scalar),
    }
}

const INT4S: Type = Type::array_of(Scalar::Int4);

pub(super) static TABLE: &[Function] = &[
    f("sql.array_length", "array_length", &[ANYARRAY, INT4], INT4, dimension).element(),
    f("sql.array_upper", "array_upper", &[ANYARRAY, INT4], INT4, dimension).element(),
    f("sql.array_lower", "array_lower", &[ANYARRAY, INT4], INT4, lower).element(),
    f("sql.array_ndims", "array_ndims", &[ANYARRAY], INT4, |c, a| {
        let count = array::dimensions(a.array(0)?, scalar(c, 0)).len() as i64;
        Ok(if count == 0 { Datum::Null } else { Datum::Int(count) })
    })
    .element(),
    f("sql.array_dims", "array_dims", &[ANYARRAY], TEXT, dims).element(),
    f("sql.cardinality", "cardinality", &[ANYARRAY], INT4, |c, a| {
        let lengths = array::dimensions(a.array(0)?, scalar(c, 0));
        let count: usize = if lengths.is_empty() { 0 } else { lengths.iter().product() };
        Ok(Datum::Int(count as i64))
    })
    .element(),
    f("sql.array_append", "array_append", &[ANYARRAY, ANY], ANYARRAY, |c, a| {
        append(c, a.at(0), a.at(1))
    })
    .compatible()
    .called(),
    f("sql.array_append_op", "||", &[ANYARRAY, ANY], ANYARRAY, |c, a| append(c, a.at(0), a.at(1)))
        .compatible()
        .called(),
    f("sql.array_prepend", "array_prepend", &[ANY, ANYARRAY], ANYARRAY, |c, a| {
        extend(c, a.at(1), a.at(0), true)
    })
    .compatible()
    .called(),
    f("sql.array_prepend_op", "||", &[ANY, ANYARRAY], ANYARRAY, |c, a| {
        extend(c, a.at(1), a.at(0), true)
    })
    .compatible()
    .called(),
    f("sql.array_cat", "array_cat", &[ANYARRAY, ANYARRAY], ANYARRAY, concat).compatible().called(),
    f("sql.array_cat_op", "||", &[ANYARRAY, ANYARRAY], ANYARRAY, concat).compatible().called(),
    f("sql.array_remove", "array_remove", &[ANYARRAY, ANY], ANYARRAY, remove).compatible().called(),
    f("sql.array_replace", "array_replace", &[ANYARRAY, ANY, ANY], ANYARRAY, replace)
        .compatible()
        .called(),
    f("sql.array_position", "array_position", &[ANYARRAY, ANY], INT4, position)
        .compatible()
        .called(),
    f("sql.array_position_from", "array_position", &[ANYARRAY, ANY, INT4], INT4, position)
        .compatible()
        .called(),
    f("sql.array_positions", "array_positions", &[ANYARRAY, ANY], INT4S, all_positions)
        .compatible()
        .called(),
    f("sql.array_fill", "array_fill", &[ANY, INT4S], ANYARRAY, fill).element().called(),
    f("sql.array_fill_bounds", "array_fill", &[ANY, INT4S, INT4S], ANYARRAY, fill)
        .element()
        .called(),
    f("sql.trim_array", "trim_array", &[ANYARRAY, INT4], ANYARRAY, trim).element(),
    f("sql.array_contains", "@>", &[ANYARRAY, ANYARRAY], BOOL, |c, a| {
        contains(c, a.array(0)?, a.array(1)?, 0).map(Datum::Bool)
    })
    .element(),
    f("sql.array_contained", "<@", &[ANYARRAY, ANYARRAY], BOOL, |c, a| {
        contains(c, a.array(1)?, a.array(0)?, 0).map(Datum::Bool)
    })
    .element(),
    f("sql.array_overlap", "&&", &[ANYARRAY, ANYARRAY], BOOL, overlap).element(),
    f("sql.array_element", "array_element", &[ANYARRAY, INT4], ANY, subscript).variadic().element(),
    f("sql.array_slice", "array_slice", &[ANYARRAY, INT4, INT4], ANYARRAY, slice)
        .element()
        .called(),
];
