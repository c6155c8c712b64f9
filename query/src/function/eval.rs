//! Evaluating an expression over one row.
//!
//! One small recursive function chooses by the kind of node; everything that needs room on the
//! stack stands in a function of its own that is never inlined into it, so that a level of nesting
//! costs a few hundred bytes and a thousand levels fit every thread.
//!
//! Three-valued logic is in `fold`: AND stops at the first false, OR at the first true, and a NULL
//! on the way makes NULL of what would have been the neutral answer.

use smallvec::SmallVec;

use super::{Call, CallTypes, Function, NullRule, array};
use crate::expression::{Context, Expression, Node};
use crate::predicate::Leaf;
use crate::{Arena, Datum, Error, Result, Type};

/// What evaluation carries down.
struct Walk<'a, 'c> {
    context: &'c Context<'a>,
    row: &'c [Datum<'a>],
    arena: &'a Arena,
}

pub(crate) fn eval<'a>(
    expression: &'a Expression,
    context: &Context<'a>,
    row: &[Datum<'a>],
    arena: &'a Arena,
) -> Result<Datum<'a>> {
    Walk { context, row, arena }.value(expression)
}

impl<'a> Walk<'a, '_> {
    fn value(&self, expression: &'a Expression) -> Result<Datum<'a>> {
        match &expression.node {
            Node::Column(at) => self.column(*at),
            Node::Parameter(at) => self.parameter(*at),
            Node::Constant(constant) => Ok(constant.as_datum()),
            Node::Call { function, arguments } => self.call(expression, function, arguments),
            Node::And(parts) => self.fold(parts, false),
            Node::Or(parts) => self.fold(parts, true),
            Node::Not(inner) => self.not(inner),
            Node::IsNull { argument, negated } => {
                let null = is_null(&self.value(argument)?, *negated);
                Ok(Datum::Bool(null))
            }
            Node::IsBool { argument, value, negated } => self.is_bool(argument, *value, *negated),
            Node::IsDistinct { equal, sides, negated } => {
                self.is_distinct(equal, (&sides.0, &sides.1), *negated)
            }
            Node::Case { branches, otherwise } => self.case(branches, otherwise.as_deref()),
            Node::Coalesce(parts) => self.coalesce(parts),
            Node::Extreme { less, greatest, arguments } => self.extreme(less, *greatest, arguments),
            Node::AnyAll { operator, all, left, array } => {
                self.any_all(operator, *all, left, array)
            }
            Node::InList { equal, left, list, negated } => {
                self.in_list(equal, left, list, *negated)
            }
            Node::Array(parts) => self.array(expression.ty, parts),
            Node::Row(parts) => self.record(parts),
            Node::Match { document, leaf } => self.matches(document, leaf),
        }
    }

    #[inline]
    fn column(&self, at: u32) -> Result<Datum<'a>> {
        let value = self.row.get(at as usize).copied();
        value.ok_or_else(|| Error::internal("a column outside of the row"))
    }

    #[inline]
    fn parameter(&self, at: u32) -> Result<Datum<'a>> {
        let value = self.context.parameters.get(at as usize).copied();
        value.ok_or_else(|| {
            Error::new(
                crate::ErrorKind::Name,
                "42P02",
                format!("there is no parameter ${}", at.saturating_add(1)),
            )
        })
    }

    #[inline(never)]
    fn matches(&self, document: &'a Expression, leaf: &Leaf) -> Result<Datum<'a>> {
        match self.value(document)? {
            Datum::Json(document) => leaf.matches(document).map(Datum::Bool),
            nothing if nothing.is_null() => Ok(Datum::Null),
            _ => Err(Error::internal("a filter on what is no document")),
        }
    }

    #[inline(never)]
    fn call(
        &self,
        expression: &'a Expression,
        function: &'static Function,
        arguments: &'a [Expression],
    ) -> Result<Datum<'a>> {
        let mut values: SmallVec<[Datum<'a>; 3]> = SmallVec::new();
        for argument in arguments {
            let value = self.value(argument)?;
            if value.is_null() && function.nulls == NullRule::Strict {
                // The others are evaluated all the same: an error in one of them is an error.
                return self.rest(arguments.get(values.len() + 1..).unwrap_or(&[]));
            }
            values.push(value);
        }
        let call = Call {
            context: self.context,
            arena: self.arena,
            modifier: expression.modifier,
            result: expression.ty,
            types: CallTypes::Expressions(arguments),
        };
        (function.kernel)(&call, &values)
    }

    #[inline(never)]
    fn rest(&self, arguments: &'a [Expression]) -> Result<Datum<'a>> {
        for argument in arguments {
            self.value(argument)?;
        }
        Ok(Datum::Null)
    }

    /// AND where `decisive` is false, OR where it is true.
    #[inline(never)]
    fn fold(&self, parts: &'a [Expression], decisive: bool) -> Result<Datum<'a>> {
        let mut unknown = false;
        for part in parts {
            match truth(&self.value(part)?)? {
                Some(value) if value == decisive => return Ok(Datum::Bool(decisive)),
                Some(_) => {}
                None => unknown = true,
            }
        }
        Ok(if unknown { Datum::Null } else { Datum::Bool(!decisive) })
    }

    #[inline(never)]
    fn not(&self, inner: &'a Expression) -> Result<Datum<'a>> {
        Ok(truth(&self.value(inner)?)?.map_or(Datum::Null, |value| Datum::Bool(!value)))
    }

    #[inline(never)]
    fn is_bool(&self, inner: &'a Expression, value: bool, negated: bool) -> Result<Datum<'a>> {
        let holds = truth(&self.value(inner)?)? == Some(value);
        Ok(Datum::Bool(holds != negated))
    }

    #[inline(never)]
    fn is_distinct(
        &self,
        equal: &'static Function,
        sides: (&'a Expression, &'a Expression),
        negated: bool,
    ) -> Result<Datum<'a>> {
        let (left, right) = (self.value(sides.0)?, self.value(sides.1)?);
        let same = match (left.is_null(), right.is_null()) {
            (true, true) => true,
            (false, false) => {
                self.apply(equal, [left, right], [sides.0.ty, sides.1.ty])? == Some(true)
            }
            _ => false,
        };
        Ok(Datum::Bool(same == negated))
    }

    #[inline(never)]
    fn case(
        &self,
        branches: &'a [(Expression, Expression)],
        otherwise: Option<&'a Expression>,
    ) -> Result<Datum<'a>> {
        for (condition, result) in branches {
            if truth(&self.value(condition)?)? == Some(true) {
                return self.value(result);
            }
        }
        otherwise.map_or(Ok(Datum::Null), |result| self.value(result))
    }

    #[inline(never)]
    fn coalesce(&self, parts: &'a [Expression]) -> Result<Datum<'a>> {
        for part in parts {
            let value = self.value(part)?;
            if !value.is_null() {
                return Ok(value);
            }
        }
        Ok(Datum::Null)
    }

    #[inline(never)]
    fn extreme(
        &self,
        less: &'static Function,
        greatest: bool,
        arguments: &'a [Expression],
    ) -> Result<Datum<'a>> {
        let mut best = Datum::Null;
        for argument in arguments {
            let value = self.value(argument)?;
            if value.is_null() {
                continue;
            }
            let sides = if greatest { [best, value] } else { [value, best] };
            if best.is_null() || self.apply(less, sides, [argument.ty; 2])? == Some(true) {
                best = value;
            }
        }
        Ok(best)
    }

    #[inline(never)]
    fn any_all(
        &self,
        operator: &'static Function,
        all: bool,
        left: &'a Expression,
        list: &'a Expression,
    ) -> Result<Datum<'a>> {
        let (value, elements) = (self.value(left)?, self.value(list)?);
        let Datum::Array(elements) = elements else { return Ok(Datum::Null) };
        let scalar = list.ty.scalar;
        let mut unknown = false;
        for element in array::Flat::new(elements, scalar, self.arena) {
            let element = element?;
            let pair = [value, element];
            match self.apply(operator, pair, [left.ty, Type::of(scalar)])? {
                Some(holds) if holds != all => return Ok(Datum::Bool(holds)),
                Some(_) => {}
                None => unknown = true,
            }
        }
        Ok(if unknown { Datum::Null } else { Datum::Bool(all) })
    }

    #[inline(never)]
    fn in_list(
        &self,
        equal: &'static Function,
        left: &'a Expression,
        list: &'a [Expression],
        negated: bool,
    ) -> Result<Datum<'a>> {
        let value = self.value(left)?;
        let mut unknown = false;
        for candidate in list {
            let pair = [value, self.value(candidate)?];
            match self.apply(equal, pair, [left.ty, candidate.ty])? {
                Some(true) => return Ok(Datum::Bool(!negated)),
                Some(false) => {}
                None => unknown = true,
            }
        }
        Ok(if unknown { Datum::Null } else { Datum::Bool(negated) })
    }

    #[inline(never)]
    fn array(&self, ty: Type, parts: &'a [Expression]) -> Result<Datum<'a>> {
        let mut values: SmallVec<[Datum<'a>; 8]> = SmallVec::new();
        for part in parts {
            values.push(self.value(part)?);
        }
        let nested = parts.first().is_some_and(|part| part.ty.array);
        let bytes = match nested {
            true => array::nest(&values)?,
            false => array::encode(&values, ty.scalar)?,
        };
        Ok(Datum::Array(value::Raw::new(self.arena.bytes(&bytes))))
    }

    #[inline(never)]
    fn record(&self, parts: &'a [Expression]) -> Result<Datum<'a>> {
        let mut values: SmallVec<[Datum<'a>; 8]> = SmallVec::new();
        for part in parts {
            values.push(self.value(part)?);
        }
        Ok(Datum::Record(self.arena.row(&values)))
    }

    /// A boolean operator on two values.
    #[inline(never)]
    fn apply(
        &self,
        function: &'static Function,
        pair: [Datum<'a>; 2],
        types: [Type; 2],
    ) -> Result<Option<bool>> {
        if function.nulls == NullRule::Strict && pair.iter().any(Datum::is_null) {
            return Ok(None);
        }
        let types = CallTypes::Listed(&types);
        let (context, arena) = (self.context, self.arena);
        let call = Call { context, arena, modifier: -1, result: function.result, types };
        truth(&(function.kernel)(&call, &pair)?)
    }
}

/// IS NULL and IS NOT NULL. Of a record, each asks it of every field, so that neither may hold.
fn is_null(value: &Datum<'_>, negated: bool) -> bool {
    match value {
        Datum::Record(fields) => fields.iter().all(|field| field.is_null() != negated),
        value => value.is_null() != negated,
    }
}

#[inline]
fn truth(value: &Datum<'_>) -> Result<Option<bool>> {
    match value {
        Datum::Bool(value) => Ok(Some(*value)),
        Datum::Null | Datum::Missing => Ok(None),
        _ => Err(Error::internal("a condition that is not boolean")),
    }
}
