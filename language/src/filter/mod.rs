//! Filters: a document to a predicate, and a predicate over a collection to a plan.
//!
//! ```text
//!   {age: {$gte: 18}, $or: [{vip: true}, {tags: "x"}]}
//!      └ parse ─► And(age ≥ 18, Or(vip = true, tags = "x"))     query::predicate
//!                    └ Find::plan ─► Scan(filter: age >= 18 AND _doc @@ … , columns, _doc, key)
//! ```
//!
//! The syntax is MongoDB's: a name and a value are a test of equality, a name and operators are
//! tests of what is at the name's path, fields beside one another are *and*.
//!
//! **Invariants**
//! - Every operator is done or an error that names it; nothing is read and then ignored.
//! - No filter is read deeper than [`DEPTH_MAX`], so that none exhausts the stack.
//! - A plan's ranges come from `predicate::bounds` and may say too much; the leaves verify.
//!
//! Rejected: filters as SQL text. Each value would be written and read again, and SQL has no word
//! for a path through arrays.

mod operator;
mod order;
mod plan;

use query::predicate::{Path, Predicate};
use query::{Error, ErrorKind, Result};
use value::{Document, Value};

pub use order::parse_order;
pub use plan::{Find, find_plan};

/// The deepest nesting of a filter.
pub const DEPTH_MAX: usize = 100;
/// The most names in one path.
const STEPS_MAX: usize = 250;

/// The predicate that a filter document is.
///
/// # Errors
/// `42601` for what is no filter, with the operator's name; `0A000` for operators that are not
/// supported; `54001` for one that is nested too deep.
pub fn parse(filter: &Document) -> Result<Predicate> {
    document(filter, 0)
}

#[cold]
fn wrong(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Syntax, "42601", message)
}

fn document(filter: &Document, depth: usize) -> Result<Predicate> {
    if depth > DEPTH_MAX {
        let message = format!("a filter is nested deeper than {DEPTH_MAX}");
        return Err(Error::new(ErrorKind::Limit, "54001", message));
    }
    let mut parts = Vec::with_capacity(filter.len());
    for (name, value) in filter.iter() {
        parts.push(match name.starts_with('$') {
            true => logical(name, value, depth)?,
            false => operator::field(path(name)?, value, depth)?,
        });
    }
    Ok(match parts.len() {
        1 => parts.remove(0),
        _ => Predicate::And(parts),
    })
}

fn path(name: &str) -> Result<Path> {
    if name.split('.').count() > STEPS_MAX {
        return Err(wrong(format!("a path of more than {STEPS_MAX} names in a filter")));
    }
    Ok(Path::new(name))
}

fn logical(name: &str, value: &Value, depth: usize) -> Result<Predicate> {
    let parts = || -> Result<Vec<Predicate>> {
        let list = match value {
            Value::Array(list) if !list.is_empty() => list,
            _ => return Err(wrong(format!("{name} is followed by a list of filters"))),
        };
        list.iter()
            .map(|part| match part {
                Value::Document(part) => document(part, depth + 1),
                _ => Err(wrong(format!("{name} is followed by a list of filters"))),
            })
            .collect()
    };
    match name {
        "$and" => parts().map(Predicate::And),
        "$or" => parts().map(Predicate::Or),
        "$nor" => parts().map(|parts| Predicate::Or(parts).negated()),
        "$expr" | "$where" | "$text" | "$jsonSchema" | "$comment" | "$sampleRate"
        | "$alwaysTrue" | "$alwaysFalse" => Err(unsupported(name)),
        _ => Err(unknown(name)),
    }
}

#[cold]
fn unsupported(name: &str) -> Error {
    Error::unsupported(format!("the operator {name} in a filter"))
}

#[cold]
fn unknown(name: &str) -> Error {
    wrong(format!("unknown operator in a filter: {name}"))
}
