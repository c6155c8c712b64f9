//! What a leaf asks of the values at its path.
//!
//! Most tests hold where *one* candidate passes, and a negation where none does: `{a: {$ne: 1}}` is
//! true of `{}` and false of `{a: [1, 2]}`. Comparisons are bracketed: a number is less than
//! numbers only, so `{$lt: 5}` never finds a text. `null` stands for nothing as well. NaN equals
//! itself and is neither less nor more than anything; the smallest and the largest key are compared
//! with everything.
//!
//! ```text
//!   class of candidate = class of literal ─► value::compare::cmp_raw ─► passes?
//!        numbers of every width are one class, so are null, undefined and nothing
//! ```

use std::cmp::Ordering;
use std::sync::Arc;

use value::compare::cmp_raw;
use value::{Document, Kind, Raw, Value, cbor};

use super::path::Path;
use super::regular::Pattern;
use super::{Predicate, all, any};
use crate::function::array::damaged;
use crate::{Error, ErrorKind, Result};

/// A value that candidates are compared with, encoded once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Literal(Arc<[u8]>);

/// A set of kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kinds(u32);

/// A test of what is at a path.
#[derive(Debug, Clone)]
pub enum Test {
    /// Equal by value; null also where there is nothing.
    Eq(Literal),
    /// Less, of the same class.
    Lt(Literal),
    /// Less or equal.
    Lte(Literal),
    /// Greater.
    Gt(Literal),
    /// Greater or equal.
    Gte(Literal),
    /// Equal to one of these.
    In(Vec<Literal>),
    /// There is something.
    Exists,
    /// Of one of these kinds.
    Type(Kinds),
    /// An array of so many elements.
    Size(u64),
    /// A number whose whole part leaves this remainder.
    Mod(Divisor),
    /// A text in which the pattern is found.
    Regex(Pattern),
    /// An array with a document that satisfies all of it at once.
    ElementMatches(Box<Predicate>),
    /// An array with an element that passes all of these at once.
    ElementIs(Vec<Test>),
    /// Passes each of these, be it by different candidates.
    All(Vec<Test>),
    /// Does not pass.
    Not(Box<Test>),
}

/// Divisor, never 0, and remainder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Divisor {
    by: i64,
    remainder: i64,
}

/// What a test is about.
#[derive(Clone, Copy)]
pub(super) enum Set<'a> {
    /// What is at a path of a document.
    At(Raw<'a>, &'a Path),
    /// One element of an array.
    One(Raw<'a>),
}

impl Literal {
    /// Encodes a value.
    pub fn new(value: &Value) -> Literal {
        Literal(cbor::encode(value).into())
    }

    /// The value in place.
    pub fn raw(&self) -> Raw<'_> {
        Raw::new(&self.0)
    }

    /// The value; null where the bytes are damaged, which only their maker could do.
    pub fn value(&self) -> Value {
        self.raw().to_value().unwrap_or(Value::Null)
    }

    /// How a candidate compares with it; `None` where the two are of different classes, or one of
    /// them is NaN alone.
    pub(super) fn compare(&self, candidate: Option<Raw<'_>>) -> Result<Option<Ordering>> {
        let own = self.raw();
        let own_class = class(own.kind());
        let Some(candidate) = candidate else {
            return Ok((own_class == Class::Nothing).then_some(Ordering::Equal));
        };
        let other_class = class(candidate.kind());
        if own_class == Class::Nothing || matches!(own_class, Class::Of(kind) if is_end(kind)) {
            let nothing = own_class == Class::Nothing;
            return match (nothing, other_class == Class::Nothing) {
                (true, true) => Ok(Some(Ordering::Equal)),
                (true, false) => Ok(None),
                (false, _) => cmp_raw(candidate, own).map(Some).map_err(damaged),
            };
        }
        if own_class != other_class {
            return Ok(None);
        }
        if own_class == Class::Number && is_nan(own)? != is_nan(candidate)? {
            return Ok(None);
        }
        cmp_raw(candidate, own).map(Some).map_err(damaged)
    }
}

impl Kinds {
    /// Of these kinds.
    pub fn of(kinds: &[Kind]) -> Kinds {
        Kinds(kinds.iter().fold(0, |set, kind| set | 1 << *kind as u8))
    }

    /// Of either set.
    #[must_use]
    pub fn with(self, other: Kinds) -> Kinds {
        Kinds(self.0 | other.0)
    }

    /// Whether a kind is one of them.
    pub fn contains(self, kind: Kind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }
}

impl Divisor {
    /// Numbers whose whole part, divided, leaves this remainder.
    ///
    /// # Errors
    /// 22012 for 0.
    pub fn new(by: i64, remainder: i64) -> Result<Divisor> {
        match by {
            0 => Err(Error::new(ErrorKind::Type, "22012", "the divisor of $mod is 0")),
            _ => Ok(Divisor { by, remainder }),
        }
    }
}

/// What values are compared within.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Nothing,
    Number,
    Text,
    Of(Kind),
}

fn class(kind: Option<Kind>) -> Class {
    match kind {
        None | Some(Kind::Null | Kind::Undefined) => Class::Nothing,
        Some(Kind::Text | Kind::Symbol) => Class::Text,
        Some(kind) if kind.is_number() => Class::Number,
        Some(kind) => Class::Of(kind),
    }
}

fn is_end(kind: Kind) -> bool {
    matches!(kind, Kind::MinKey | Kind::MaxKey)
}

fn is_nan(raw: Raw<'_>) -> Result<bool> {
    Ok(match raw.kind() {
        Some(Kind::Float32 | Kind::Float64) => raw.as_f64().is_some_and(f64::is_nan),
        Some(Kind::Decimal) => raw.as_decimal().is_some_and(|n| n.is_nan()),
        Some(_) => false,
        None => return Err(damaged(value::Damaged)),
    })
}

/// The whole part of a number, if it is within 64 bits.
fn whole(raw: Raw<'_>) -> Option<i64> {
    match raw.kind()? {
        Kind::Float32 | Kind::Float64 => {
            let n = raw.as_f64()?.trunc();
            // 2^63 is a double, the largest integer is not.
            let fits = (i64::MIN as f64..-(i64::MIN as f64)).contains(&n);
            fits.then_some(n as i64)
        }
        Kind::Decimal => raw.as_decimal()?.trunc(0).to_i64_exact(),
        _ => raw.as_i64(),
    }
}

impl Test {
    /// Equal to a value.
    pub fn eq(value: &Value) -> Test {
        Test::Eq(Literal::new(value))
    }

    /// The opposite.
    #[must_use]
    pub fn negated(self) -> Test {
        Test::Not(Box::new(self))
    }

    pub(super) fn holds(&self, of: Set<'_>) -> Result<bool> {
        match self {
            Test::Not(inner) => Ok(!inner.holds(of)?),
            Test::All(tests) => all(tests, |test| test.holds(of)),
            _ => self.one_passes(of),
        }
    }

    fn one_passes(&self, of: Set<'_>) -> Result<bool> {
        match of {
            Set::One(element) => self.passes(Some(element)),
            Set::At(document, path) => {
                let inside = !matches!(
                    self,
                    Test::Exists | Test::Size(_) | Test::ElementMatches(_) | Test::ElementIs(_)
                );
                path.candidates(document, inside, &mut |candidate| self.passes(candidate))
            }
        }
    }

    /// Whether one candidate passes.
    fn passes(&self, candidate: Option<Raw<'_>>) -> Result<bool> {
        let compared = |literal: &Literal, wanted: fn(Ordering) -> bool| {
            Ok(literal.compare(candidate)?.is_some_and(wanted))
        };
        match self {
            Test::Eq(literal) => compared(literal, Ordering::is_eq),
            Test::Lte(literal) => compared(literal, Ordering::is_le),
            Test::Gte(literal) => compared(literal, Ordering::is_ge),
            Test::Lt(literal) => compared(literal, Ordering::is_lt),
            Test::Gt(literal) => compared(literal, Ordering::is_gt),
            Test::In(list) => any(list, |literal| compared(literal, Ordering::is_eq)),
            _ => candidate.map_or(Ok(false), |candidate| self.passes_present(candidate)),
        }
    }

    /// Tests that nothing never passes.
    fn passes_present(&self, candidate: Raw<'_>) -> Result<bool> {
        let kind = candidate.kind().ok_or_else(|| damaged(value::Damaged))?;
        match self {
            Test::Exists => Ok(true),
            Test::Type(kinds) => Ok(kinds.contains(kind)),
            Test::Size(size) => {
                Ok(kind == Kind::Array && candidate.count().is_some_and(|n| n as u64 == *size))
            }
            Test::Mod(Divisor { by, remainder }) => {
                Ok(whole(candidate).is_some_and(|n| n.wrapping_rem(*by) == *remainder))
            }
            Test::Regex(pattern) => pattern.passes(candidate),
            Test::ElementMatches(predicate) => {
                any_element(candidate, |e| Ok(e.is_document() && predicate.matches(e)?))
            }
            Test::ElementIs(tests) => {
                any_element(candidate, |e| all(tests, |test| test.holds(Set::One(e))))
            }
            other => other.passes(Some(candidate)),
        }
    }

    /// As a filter document says it.
    pub(super) fn shown(&self) -> Document {
        let list =
            |literals: &[Literal]| Value::Array(literals.iter().map(Literal::value).collect());
        let several = |tests: &[Test]| {
            Value::Array(tests.iter().map(|test| Value::Document(test.shown())).collect())
        };
        let (name, value) = match self {
            Test::Eq(literal) => ("$eq", literal.value()),
            Test::Lt(literal) => ("$lt", literal.value()),
            Test::Lte(literal) => ("$lte", literal.value()),
            Test::Gt(literal) => ("$gt", literal.value()),
            Test::Gte(literal) => ("$gte", literal.value()),
            Test::In(literals) => ("$in", list(literals)),
            Test::Exists => ("$exists", Value::Bool(true)),
            Test::Type(kinds) => ("$type", kinds.shown()),
            Test::Size(size) => ("$size", Value::from_u64(*size)),
            Test::Mod(divisor) => {
                let parts = [divisor.by, divisor.remainder].map(Value::Int64);
                ("$mod", Value::Array(parts.to_vec()))
            }
            Test::Regex(pattern) => return pattern.shown(),
            Test::ElementMatches(predicate) => ("$elemMatch", Value::Document(predicate.shown())),
            Test::ElementIs(tests) => ("$elemMatch", several(tests)),
            Test::All(tests) => ("$and", several(tests)),
            Test::Not(inner) => ("$not", Value::Document(inner.shown())),
        };
        [(name, value)].into_iter().collect()
    }
}

impl Kinds {
    fn shown(self) -> Value {
        let named = KINDS.iter().filter(|kind| self.contains(**kind));
        Value::Array(named.map(|kind| Value::from(format!("{kind:?}"))).collect())
    }
}

/// Every kind.
const KINDS: [Kind; 29] = [
    Kind::Null,
    Kind::Undefined,
    Kind::MinKey,
    Kind::MaxKey,
    Kind::Bool,
    Kind::Int8,
    Kind::Int16,
    Kind::Int32,
    Kind::Int64,
    Kind::UInt64,
    Kind::Float32,
    Kind::Float64,
    Kind::Decimal,
    Kind::Text,
    Kind::Symbol,
    Kind::Bytes,
    Kind::Date,
    Kind::Time,
    Kind::Timestamp,
    Kind::TimestampTz,
    Kind::Interval,
    Kind::Uuid,
    Kind::ObjectId,
    Kind::Document,
    Kind::Array,
    Kind::Regex,
    Kind::Code,
    Kind::BsonTimestamp,
    Kind::DbPointer,
];

fn any_element(array: Raw<'_>, passes: impl Fn(Raw<'_>) -> Result<bool>) -> Result<bool> {
    for element in array.elements() {
        if passes(element.map_err(damaged)?)? {
            return Ok(true);
        }
    }
    Ok(false)
}
