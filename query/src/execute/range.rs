//! A plan's `RangeBounds` under a frame: the key ranges that a scan reads.
//!
//! ```text
//!   equal [$1, 'x']  any $2 = {7, 3, 7}  lower 10
//!        └─► (a, 'x', 3, 10 ..) and (a, 'x', 7, 10 ..)   ascending, without overlap
//! ```
//!
//! Bounds may only be weaker than the predicate, never stronger: the scan's filter decides. So a
//! NULL among bounds that mean `=` drops the range (the comparison is never true), and a bound that
//! evaluates to *Missing* is open (LIKE patterns without a fixed beginning).

use model::key::KeyRange;
use model::{Bounds, Collection, Target, bounds_range};

use super::fault::fault;
use crate::expression::Context;
use crate::function::array::Flat;
use crate::plan::RangeBounds;
use crate::{Arena, Datum, Result};

/// The ranges of a scan in ascending key order, without overlap.
pub fn key_ranges(
    collection: &Collection,
    target: Target,
    ranges: &[RangeBounds],
    context: &Context<'_>,
) -> Result<Vec<KeyRange>> {
    let arena = Arena::new();
    let mut found = Vec::with_capacity(ranges.len());
    for bounds in ranges {
        add(collection, target, bounds, context, &arena, &mut found)?;
    }
    Ok(merged(found))
}

fn add<'a>(
    collection: &Collection,
    target: Target,
    bounds: &'a RangeBounds,
    context: &Context<'a>,
    arena: &'a Arena,
    found: &mut Vec<KeyRange>,
) -> Result<()> {
    let mut equal = Vec::with_capacity(bounds.equal.len() + 1);
    for expression in &bounds.equal {
        let datum = expression.eval(context, &[], arena)?;
        if datum.is_null() && !bounds.null_safe {
            return Ok(());
        }
        equal.push(datum);
    }
    let Some(lower) = end(&bounds.lower, context, arena)? else { return Ok(()) };
    let Some(upper) = end(&bounds.upper, context, arena)? else { return Ok(()) };
    let mut push = |equal: &[Datum<'_>]| -> Result<()> {
        let bounds = Bounds { equal, lower, upper };
        found.push(bounds_range(collection, target, &bounds).map_err(fault)?);
        Ok(())
    };
    let Some(any) = &bounds.any else { return push(&equal) };
    let Datum::Array(elements) = any.eval(context, &[], arena)? else { return Ok(()) };
    for element in Flat::new(elements, any.ty.scalar, arena) {
        let element = element?;
        if element.is_null() {
            continue;
        }
        equal.push(element);
        push(&equal)?;
        equal.pop();
    }
    Ok(())
}

type End<'a> = Option<(Datum<'a>, bool)>;

/// A bound's value; the outer `None`: it is NULL, so nothing can be in the range.
fn end<'a>(
    bound: &'a Option<(crate::expression::Expression, bool)>,
    context: &Context<'a>,
    arena: &'a Arena,
) -> Result<Option<End<'a>>> {
    let Some((expression, included)) = bound else { return Ok(Some(None)) };
    Ok(match expression.eval(context, &[], arena)? {
        Datum::Missing => Some(None),
        Datum::Null => None,
        datum => Some(Some((datum, *included))),
    })
}

/// Sorted, and those that overlap or touch made one.
fn merged(mut ranges: Vec<KeyRange>) -> Vec<KeyRange> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by(|a, b| a.start.cmp(&b.start));
    let mut out: Vec<KeyRange> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match out.last_mut() {
            Some(last) if range.start <= last.end => {
                if range.end > last.end {
                    last.end = range.end;
                }
            }
            _ => out.push(range),
        }
    }
    out
}
