//! What a predicate implies, in terms and ranges.
//!
//! Keys and indexes know equality and order on paths and nothing else. So a predicate is weakened
//! to what they can answer, and itself verifies what they find:
//!
//! ```text
//!   And(age ≥ 18, Not(x = 1), Or(a = 1, a in [2, 3]))
//!     ─► And(age in [18, …], Or(a = 1, a = 2, a = 3))           Not says nothing: Any
//! ```
//!
//! **Invariant**: what satisfies the predicate satisfies the formula. A range has one end only:
//! `{a: {$gt: 1, $lt: 5}}` may be true of `{a: [0, 9]}`, whose elements pass one half each.

use value::Raw;

use super::path::Path;
use super::test::{Literal, Test};
use super::{Predicate, all, any};
use crate::Result;

/// Terms and ranges, weaker than what they come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Formula {
    /// Everything.
    Any,
    /// What satisfies all of these.
    And(Vec<Formula>),
    /// What satisfies one of these; nothing does, if there are none.
    Or(Vec<Formula>),
    /// One candidate at the path equals the value; null where there is nothing, too.
    Term {
        /// Where.
        path: Path,
        /// What.
        value: Literal,
    },
    /// One candidate at the path is of the value's class and not below it.
    From {
        /// Where.
        path: Path,
        /// The lower end.
        value: Literal,
        /// Whether the end itself is in.
        included: bool,
    },
    /// One candidate at the path is of the value's class and not above it.
    To {
        /// Where.
        path: Path,
        /// The upper end.
        value: Literal,
        /// Whether the end itself is in.
        included: bool,
    },
}

/// The formula that a predicate implies.
pub fn bounds(predicate: &Predicate) -> Formula {
    match predicate {
        Predicate::And(parts) => Formula::and(parts.iter().map(bounds)),
        Predicate::Or(parts) => Formula::or(parts.iter().map(bounds)),
        Predicate::Not(_) | Predicate::Sql(_) => Formula::Any,
        Predicate::Match(leaf) => of_test(&leaf.path, &leaf.test),
    }
}

fn of_test(path: &Path, test: &Test) -> Formula {
    let term = |value: &Literal| Formula::Term { path: path.clone(), value: value.clone() };
    let from = |value: &Literal, included| {
        let (path, value) = (path.clone(), value.clone());
        Formula::From { path, value, included }
    };
    let to = |value: &Literal, included| {
        let (path, value) = (path.clone(), value.clone());
        Formula::To { path, value, included }
    };
    match test {
        Test::Eq(value) => term(value),
        Test::Gt(value) => from(value, false),
        Test::Gte(value) => from(value, true),
        Test::Lt(value) => to(value, false),
        Test::Lte(value) => to(value, true),
        Test::In(values) => Formula::or(values.iter().map(term)),
        Test::All(tests) => Formula::and(tests.iter().map(|test| of_test(path, test))),
        // What is at a position is one candidate: its elements are none.
        Test::ElementIs(_) if path.ends_in_position() => Formula::Any,
        Test::ElementIs(tests) => Formula::and(tests.iter().map(|test| of_element(path, test))),
        Test::ElementMatches(inner) => within(path, bounds(inner)),
        Test::Exists | Test::Type(_) | Test::Size(_) | Test::Mod(_) => Formula::Any,
        Test::Regex(_) | Test::Not(_) => Formula::Any,
    }
}

/// Of an element, which is a candidate of the path; what lies in *its* elements is none.
fn of_element(path: &Path, test: &Test) -> Formula {
    match test {
        Test::ElementIs(_) | Test::ElementMatches(_) => Formula::Any,
        Test::All(tests) => Formula::and(tests.iter().map(|test| of_element(path, test))),
        other => of_test(path, other),
    }
}

/// A formula about documents in the array at a path, as one about the whole document.
fn within(path: &Path, formula: Formula) -> Formula {
    let below = |inner: Path| path.then(&inner);
    match formula {
        Formula::Any => Formula::Any,
        Formula::And(parts) => Formula::and(parts.into_iter().map(|part| within(path, part))),
        Formula::Or(parts) => Formula::or(parts.into_iter().map(|part| within(path, part))),
        Formula::Term { path, value } => Formula::Term { path: below(path), value },
        Formula::From { path, value, included } => {
            Formula::From { path: below(path), value, included }
        }
        Formula::To { path, value, included } => Formula::To { path: below(path), value, included },
    }
}

impl Formula {
    /// All of them, without those that say nothing.
    fn and(parts: impl Iterator<Item = Formula>) -> Formula {
        let mut parts: Vec<Formula> = parts.filter(|part| *part != Formula::Any).collect();
        match parts.len() {
            0 => Formula::Any,
            1 => parts.remove(0),
            _ => Formula::And(parts),
        }
    }

    /// One of them; nothing is said where one says nothing.
    fn or(parts: impl Iterator<Item = Formula>) -> Formula {
        let mut parts: Vec<Formula> = parts.collect();
        match parts.len() {
            _ if parts.contains(&Formula::Any) => Formula::Any,
            1 => parts.remove(0),
            _ => Formula::Or(parts),
        }
    }

    /// Whether a document satisfies it.
    ///
    /// # Errors
    /// Damaged bytes.
    pub fn matches(&self, document: Raw<'_>) -> Result<bool> {
        let (path, value, wanted): (_, _, fn(std::cmp::Ordering) -> bool) = match self {
            Formula::Any => return Ok(true),
            Formula::And(parts) => return all(parts, |part| part.matches(document)),
            Formula::Or(parts) => return any(parts, |part| part.matches(document)),
            Formula::Term { path, value } => (path, value, |order| order.is_eq()),
            Formula::From { path, value, included: true } => (path, value, |order| order.is_ge()),
            Formula::From { path, value, .. } => (path, value, |order| order.is_gt()),
            Formula::To { path, value, included: true } => (path, value, |order| order.is_le()),
            Formula::To { path, value, .. } => (path, value, |order| order.is_lt()),
        };
        path.candidates(document, true, &mut |candidate| {
            Ok(value.compare(candidate)?.is_some_and(wanted))
        })
    }
}
