//! Orders by paths: where a document stands among others.
//!
//! ```text
//!   {age: -1, name: 1}    by age, the greatest first; among equals by name
//!   an array counts by its smallest element, or its greatest where the order descends;
//!   nothing counts as null, and an empty array as less than that
//! ```
//!
//! What a document counts as becomes the bytes that it would be in a key: those have the one order
//! over values of every type, which no SQL comparison is. So a plan's Sort does the rest, with its
//! limit and its budget of memory.
//!
//! A path that is a declared column (`_id`: the key's) is sorted by the column itself where that
//! has the same order, and may then need no sort at all.
//!
//! Rejected: sorting documents where they are shown. They would all be in memory there, the ten
//! that are wanted and the million that are not.

use std::cmp::Ordering;

use model::Collection;
use value::{KeyWriter, Raw, Value, cmp_bson};

use super::path::Path;
use crate::expression::{Constant, Expression, Node};
use crate::function::array::damaged;
use crate::function::{self, Arguments, Function};
use crate::plan::SortKey;
use crate::{Datum, Error, Result, Scalar, Type};

/// One path of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Where.
    pub path: Path,
    /// From the greatest to the smallest.
    pub descending: bool,
}

impl Order {
    /// The sort key of an order over a collection's rows: declared columns in order, then the
    /// document.
    ///
    /// # Errors
    /// Internal ones.
    pub fn sort_key(&self, collection: &Collection) -> Result<SortKey> {
        let expression = match self.column(collection) {
            Some(column) => column,
            None => self.of_document(collection.columns.len() as u32)?,
        };
        let (descending, nulls_first) = (self.descending, !self.descending);
        Ok(SortKey { expression, descending, nulls_first })
    }

    /// The declared column that the path is, where its order is that of values.
    fn column(&self, collection: &Collection) -> Option<Expression> {
        let column = super::columns::column_of(&self.path, collection)?;
        let at = collection.position(column.id)?;
        has_order_of_values(column.ty)
            .then(|| Expression::column(at as u32, column.ty, column.modifier))
    }

    fn of_document(&self, at: u32) -> Result<Expression> {
        let Some(function) = function::by_id("bson.sort_key") else {
            return Err(Error::internal("the function table has no bson.sort_key"));
        };
        let path = self.path.to_string();
        let constant = |datum: Datum<'_>, ty| Ok(Expression::constant(Constant::new(&datum)?, ty));
        let arguments = vec![
            Expression::column(at, Type::JSONB, -1),
            constant(Datum::Text(&path), Type::TEXT)?,
            constant(Datum::Bool(self.descending), Type::BOOL)?,
        ];
        Ok(Expression::new(Node::Call { function, arguments }, Type::BYTEA))
    }
}

/// Types with SQL's order as that of values. Floats and numerics are none: SQL has NaN on top.
fn has_order_of_values(ty: Type) -> bool {
    use Scalar::*;
    let plain = matches!(ty.scalar, Int1 | Int2 | Int4 | Int8 | UInt1 | UInt2 | UInt4 | UInt8)
        || matches!(ty.scalar, Text | Varchar | Bool | Date | Time | Timestamp | TimestampTz)
        || matches!(ty.scalar, Uuid | ObjectId | Any);
    plain && !ty.array
}

/// What orders call of the function table.
pub(crate) static TABLE: &[Function] = &[function::names::f(
    "bson.sort_key",
    "bson.sort_key",
    &[Type::JSONB, Type::TEXT, Type::BOOL],
    Type::BYTEA,
    |call, a| {
        let element = element(a.json(0)?, &Path::new(a.text(1)?), a.bool(2)?)?;
        Ok(Datum::Bytes(call.arena.bytes(&element)))
    },
)];

/// The element of a key that a document counts as.
fn element(document: Raw<'_>, path: &Path, descending: bool) -> Result<Vec<u8>> {
    let mut best: Option<Value> = None;
    let mut take = |candidate: Value| {
        let better = best.as_ref().is_none_or(|best| {
            let order = cmp_bson(&candidate, best);
            order == if descending { Ordering::Greater } else { Ordering::Less }
        });
        if better {
            best = Some(candidate);
        }
    };
    path.candidates(document, false, &mut |candidate| {
        match candidate {
            None => take(Value::Null),
            Some(array) if array.is_array() && array.count() == Some(0) => take(Value::Undefined),
            Some(array) if array.is_array() => {
                for element in array.elements() {
                    take(element.and_then(Raw::to_value).map_err(damaged)?);
                }
            }
            Some(found) => take(found.to_value().map_err(damaged)?),
        }
        Ok(false)
    })?;
    let mut out = Vec::new();
    KeyWriter::new(&mut out).value(&best.unwrap_or(Value::Null));
    Ok(out)
}

#[cfg(test)]
mod tests {
    use value::{Document, doc};

    use super::*;

    /// The numbers of documents in an order by one path, equals as they stand.
    fn order(path: &str, descending: bool, documents: &[Document]) -> Vec<i64> {
        let mut keyed: Vec<(Vec<u8>, i64)> = documents
            .iter()
            .map(|document| {
                let bytes = value::cbor::encode(&Value::Document(document.clone()));
                let key = element(Raw::new(&bytes), &Path::new(path), descending).unwrap();
                (key, document.get("n").and_then(Value::as_i64).unwrap())
            })
            .collect();
        keyed.sort_by(|(a, _), (b, _)| if descending { b.cmp(a) } else { a.cmp(b) });
        keyed.into_iter().map(|(_, n)| n).collect()
    }

    #[test]
    fn every_type_has_its_place_and_arrays_their_ends() {
        let documents = [
            doc! {"n": 0, "a": [5, 1]},
            doc! {"n": 1, "a": 3.5},
            doc! {"n": 2},
            doc! {"n": 3, "a": "x"},
            doc! {"n": 4, "a": []},
            doc! {"n": 5, "a": [{"b": 2}]},
        ];
        assert_eq!(order("a", false, &documents), [4, 2, 0, 1, 3, 5]);
        assert_eq!(order("a", true, &documents), [5, 3, 0, 1, 2, 4]);
        assert_eq!(order("a.b", true, &documents), [5, 0, 1, 2, 3, 4]);
        assert_eq!(order("a.1", true, &documents), [0, 1, 2, 3, 4, 5]);
    }
}
