//! Bounds over declared columns: terms and ranges as SQL comparisons.
//!
//! The optimizer finds keys and indexes by comparisons of columns. So what a formula says of a
//! top-level field that is a declared column is said once more as a comparison, *in the column's
//! type*, and stands in the filter beside the leaf, which verifies:
//!
//! ```text
//!   {age: {$gte: 17.5}}, age integer    ─►  age >= 18 AND _doc @@ {"age": {"$gte": 17.5}}
//!   {age: "x"}, {age: {$lt: NaN}}       ─►  nothing is said: only the leaf decides
//!   {_id: 7}, no declared key           ─►  _id = 7, whatever number 7 is (`ANY` has keys' order)
//! ```
//!
//! **Invariant**: a comparison is true wherever the leaf is. A literal that the column's type
//! cannot hold exactly moves to the next value *within* the range where that is the same (integers)
//! and else says nothing.

use model::{Collection, Column, ColumnId};
use value::{Decimal, Kind, Raw, Value};

use super::bounds::Formula;
use super::path::Path;
use super::test::Literal;
use crate::expression::{Constant, Expression, Node};
use crate::function;
use crate::{Arena, Datum, Result, Scalar, Type};

/// One end of a comparison, in words of the column's order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Equal,
    From(bool),
    To(bool),
}

impl Side {
    fn operator(self) -> &'static str {
        match self {
            Side::Equal => "=",
            Side::From(true) => ">=",
            Side::From(false) => ">",
            Side::To(true) => "<=",
            Side::To(false) => "<",
        }
    }
}

/// What a formula says of declared columns; `place` knows where a column stands in the row, and
/// answers `None` for one that may not be used. `None`: nothing.
///
/// # Errors
/// Damaged literals.
pub fn implied(
    formula: &Formula,
    collection: &Collection,
    place: &mut dyn FnMut(ColumnId) -> Option<u32>,
) -> Result<Option<Expression>> {
    match formula {
        Formula::Any => Ok(None),
        Formula::And(parts) => {
            let mut said = Vec::new();
            for part in parts {
                said.extend(implied(part, collection, place)?);
            }
            Ok(match said.len() {
                0 | 1 => said.pop(),
                _ => Some(Expression::new(Node::And(said), Type::BOOL)),
            })
        }
        Formula::Or(parts) => one_of(parts, collection, place),
        Formula::Term { path, value } => compared(path, Side::Equal, value, collection, place),
        Formula::From { path, value, included } => {
            compared(path, Side::From(*included), value, collection, place)
        }
        Formula::To { path, value, included } => {
            compared(path, Side::To(*included), value, collection, place)
        }
    }
}

/// Several terms of one column, as IN. Other alternatives say nothing.
fn one_of(
    parts: &[Formula],
    collection: &Collection,
    place: &mut dyn FnMut(ColumnId) -> Option<u32>,
) -> Result<Option<Expression>> {
    let mut found: Option<(&'static function::Function, Expression)> = None;
    let mut list = Vec::with_capacity(parts.len());
    for part in parts {
        let Formula::Term { path, value } = part else { return Ok(None) };
        let Some(comparison) = compared(path, Side::Equal, value, collection, place)? else {
            return Ok(None);
        };
        let Node::Call { function, mut arguments } = comparison.node else { return Ok(None) };
        let (Some(value), Some(column)) = (arguments.pop(), arguments.pop()) else {
            return Ok(None);
        };
        let same = found.as_ref().is_none_or(|(_, known)| known.columns() == column.columns());
        if !same {
            return Ok(None);
        }
        found.get_or_insert((function, column));
        list.push(value);
    }
    Ok(found.map(|(equal, left)| {
        let node = Node::InList { equal, left: Box::new(left), list, negated: false };
        Expression::new(node, Type::BOOL)
    }))
}

/// The declared column that a path is; `_id` is the key's, where that is one column.
pub(super) fn column_of<'c>(path: &Path, collection: &'c Collection) -> Option<&'c Column> {
    let name = path.single()?;
    let named = collection.columns.iter().find(|column| column.name == name);
    named.or_else(|| match collection.primary_key.columns.as_slice() {
        [key] if name == model::row::ID => collection.column_by_id(*key),
        _ => None,
    })
}

fn compared(
    path: &Path,
    side: Side,
    value: &Literal,
    collection: &Collection,
    place: &mut dyn FnMut(ColumnId) -> Option<u32>,
) -> Result<Option<Expression>> {
    let Some(column) = column_of(path, collection).filter(|column| !column.ty.array) else {
        return Ok(None);
    };
    let Some((side, constant, ty)) = in_type(column.ty, side, value.raw())? else {
        return Ok(None);
    };
    let Some(at) = place(column.id) else { return Ok(None) };
    let mut left = Expression::column(at, column.ty, column.modifier);
    let mut own = column.ty;
    if own.scalar == Scalar::Varchar {
        let Some(relabel) = function::by_id("sql.relabel") else { return Ok(None) };
        let node = Node::Call { function: relabel, arguments: vec![left] };
        left = Expression::new(node, Type::TEXT);
        own = Type::TEXT;
    }
    let Some(operator) = function::operator(side.operator(), &[own, ty]) else {
        return Ok(None);
    };
    let right = Expression::constant(constant, ty);
    let node = Node::Call { function: operator, arguments: vec![left, right] };
    Ok(Some(Expression::new(node, Type::BOOL)))
}

/// A literal as a column of a type compares it; `None`: it cannot.
fn in_type(ty: Type, side: Side, raw: Raw<'_>) -> Result<Option<(Side, Constant, Type)>> {
    use Scalar::*;
    let Some(kind) = raw.kind() else { return Ok(None) };
    let number = if kind.is_number() { exact(raw) } else { None };
    let arena = Arena::new();
    let (side, datum, ty) = match (ty.scalar, kind) {
        (Any, _) => (side, Datum::Json(raw), ty),
        (Int2 | Int4 | Int8, _) => match number.and_then(|n| integer(&n, side)) {
            Some((side, n)) => (side, Datum::Int(n), Type::INT8),
            None => return Ok(None),
        },
        (Float4 | Float8, _) => match number.and_then(|n| float(&n)) {
            Some(n) => (side, Datum::Float(n), Type::FLOAT8),
            None => return Ok(None),
        },
        (Numeric, _) => match number {
            Some(n) => (side, Datum::Decimal(arena.decimal(n)), Type::NUMERIC),
            None => return Ok(None),
        },
        (Text | Varchar, Kind::Text | Kind::Symbol)
        | (Bool, Kind::Bool)
        | (Date, Kind::Date)
        | (Time, Kind::Time)
        | (Timestamp, Kind::Timestamp)
        | (TimestampTz, Kind::TimestampTz)
        | (Uuid, Kind::Uuid)
        | (ObjectId, Kind::ObjectId) => {
            let Some(datum) = plain(raw, &arena) else { return Ok(None) };
            let ty = if ty.scalar == Varchar { Type::TEXT } else { ty };
            (side, datum, ty)
        }
        _ => return Ok(None),
    };
    Ok(Some((side, Constant::new(&datum)?, ty)))
}

/// The datum of a value that is none of numbers.
fn plain<'a>(raw: Raw<'_>, arena: &'a Arena) -> Option<Datum<'a>> {
    Some(match raw.to_value().ok()? {
        Value::Text(text) | Value::Symbol(text) => Datum::Text(arena.text(&text)),
        Value::Bool(value) => Datum::Bool(value),
        Value::Date(days) => Datum::Date(days),
        Value::Time(micros) => Datum::Time(micros),
        Value::Timestamp(micros) => Datum::Timestamp(micros),
        Value::TimestampTz(micros) => Datum::TimestampTz(micros),
        Value::Uuid(id) => Datum::Uuid(id),
        Value::ObjectId(id) => Datum::ObjectId(id),
        _ => return None,
    })
}

/// A finite number, exactly.
fn exact(raw: Raw<'_>) -> Option<Decimal> {
    let n = match raw.kind()? {
        Kind::Float32 | Kind::Float64 => Decimal::from_f64_exact(raw.as_f64()?),
        Kind::Decimal => raw.as_decimal()?,
        Kind::UInt64 => Decimal::from(i128::from(raw.as_u64()?)),
        _ => Decimal::from(i128::from(raw.as_i64()?)),
    };
    n.is_finite().then_some(n)
}

/// The same end among integers: 17.5 from below is 18, included.
fn integer(n: &Decimal, side: Side) -> Option<(Side, i64)> {
    if n.is_integral() {
        return Some((side, n.to_i64_exact()?));
    }
    match side {
        Side::Equal => None,
        Side::From(_) => Some((Side::From(true), n.ceil().to_i64_exact()?)),
        Side::To(_) => Some((Side::To(true), n.floor().to_i64_exact()?)),
    }
}

fn float(n: &Decimal) -> Option<f64> {
    let float = n.to_f64();
    (float.is_finite() && Decimal::from_f64_exact(float) == *n).then_some(float)
}
