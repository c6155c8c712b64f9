//! Orders: a document of paths and directions.

use std::cmp::Ordering;

use query::Result;
use query::predicate::Order;
use value::compare::cmp_numbers;
use value::{Document, Value};

use super::{path, wrong};

/// The order that a document is: `{age: -1, name: 1}`.
///
/// # Errors
/// `42601` for a direction that is neither 1 nor -1, by its path.
pub fn parse_order(order: &Document) -> Result<Vec<Order>> {
    let key = |(name, direction): (&str, &Value)| {
        let is = |n| cmp_numbers(direction, &Value::Int32(n)) == Some(Ordering::Equal);
        match (is(1), is(-1)) {
            (false, false) => Err(wrong(format!("the order of \"{name}\" is 1 or -1"))),
            (_, descending) => Ok(Order { path: path(name)?, descending }),
        }
    };
    order.iter().map(key).collect()
}

#[cfg(test)]
mod tests {
    use value::doc;

    use super::*;

    #[test]
    fn a_direction_is_one_or_minus_one_of_any_type() {
        assert!(parse_order(&doc! {"a": 2}).is_err() && parse_order(&doc! {"a": "x"}).is_err());
        let both = parse_order(&doc! {"a": 1.0, "b": -1i64}).unwrap_or_default();
        assert_eq!(both.iter().map(|order| order.descending).collect::<Vec<_>>(), [false, true]);
    }
}
