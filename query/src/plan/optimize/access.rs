//! How a scan finds its rows: the ranges of the primary key or an index that its filter implies.
//!
//! ```text
//!   conjuncts ─► terms: column = v, column IN (…), column < v, column IS NULL …   (v over no row)
//!   key (a, b, c) with a = 1, b = ANY($1)         ─► equal [1], any $1
//!                 with a IN (1, 2), b > 5         ─► equal [1], b > 5 │ equal [2], b > 5
//! ```
//!
//! A term is used only where the comparison's order *is* the key's order: within one class of
//! types, or where an integer column is compared as a wider number, since keys hold all numbers on
//! one scale. Intervals, jsonb and arrays are left to the filter. CHAR(n) is compared without its
//! blanks in keys, so its bounds are included always.
//!
//! An `_id` that no declaration gives a type lies in its key as whatever value it is. Compared as
//! any value it is compared as keys are; compared in the type that the dictionary gives it, it is
//! so where that type's order is the key's (`open_class`), which puts NaN below all numbers.
//!
//! The filter stays as it is: ranges may only say too much.

use model::{Collection, Column, ColumnId, ElementSource, Index, IndexId, IndexState};
use value::Kind;

use super::{conjuncts, is_movable, like, rows_for_access};
use crate::expression::{Expression, Node as Expr};
use crate::function::Function;
use crate::plan::{Access, RangeBounds, Scan, ScanColumn};
use crate::{Scalar, Type};

/// More combinations of IN lists than this are left to the filter.
const RANGES_MAX: usize = 1000;
/// What the look-up of a row behind an index entry costs, in rows read in order.
const LOOKUP: f64 = 4.0;

/// Types whose comparison is the order of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Int,
    Float,
    Numeric,
    Text,
    Blank,
    Bool,
    Bytes,
    Date,
    Time,
    Timestamp,
    TimestampTz,
    Uuid,
    ObjectId,
    /// Values of any type, on the one scale of keys.
    Any,
    /// Numbers of all types by their shortest digits: 0.1 is a decimal and a double, of two keys.
    /// Of a small integer there is one key.
    Digits,
}

pub(super) fn class(ty: Type) -> Option<Class> {
    use Scalar::*;
    if ty.array {
        return None;
    }
    Some(match ty.scalar {
        Int1 | Int2 | Int4 | Int8 | UInt1 | UInt2 | UInt4 | UInt8 | Oid => Class::Int,
        Float4 | Float8 => Class::Float,
        Numeric => Class::Numeric,
        Text | Varchar | Name => Class::Text,
        Bpchar => Class::Blank,
        Bool => Class::Bool,
        Bytea => Class::Bytes,
        Date => Class::Date,
        Time => Class::Time,
        Timestamp => Class::Timestamp,
        TimestampTz => Class::TimestampTz,
        Uuid => Class::Uuid,
        ObjectId => Class::ObjectId,
        Any => Class::Any,
        _ => return None,
    })
}

/// The class of a declared column's key where a statement sees it as a type.
fn column_class(collection: &Collection, id: ColumnId, seen: Type) -> Option<Class> {
    let column = collection.column_by_id(id)?;
    if column.ty != Type::ANY { class(column.ty) } else { open_class(collection, column, seen) }
}

/// The class of a key of any values that a statement sees as a type; `None` where one of the type's
/// values stands for several keys, as bytes of several subtypes do.
fn open_class(collection: &Collection, column: &Column, seen: Type) -> Option<Class> {
    let kinds = collection.fields.get(&column.name).copied().unwrap_or_default();
    let others = [Kind::Float32, Kind::Float64, Kind::Decimal];
    match class(seen)? {
        Class::Bytes | Class::Blank => None,
        Class::Numeric if others.into_iter().any(|kind| kinds.contains(kind)) => {
            Some(Class::Digits)
        }
        class => Some(class),
    }
}

/// Whether the order of a type that a statement sees a column in is the key's.
pub(super) fn is_key_order(collection: &Collection, id: ColumnId, seen: Type) -> bool {
    let open = collection.column_by_id(id).is_some_and(|column| column.ty == Type::ANY);
    let strange = |class| matches!(class, Class::Float | Class::Digits);
    !open || column_class(collection, id, seen).is_some_and(|class| !strange(class))
}

/// What a conjunct says about one column.
enum Term<'e> {
    Equal(&'e Expression),
    True(bool),
    In(&'e [Expression]),
    Any(&'e Expression),
    Lower(&'e Expression, bool),
    Upper(&'e Expression, bool),
    Like(&'e Expression),
    Null,
}

/// The elements of a key that ranges can be made over.
pub(super) struct Candidate {
    pub index: Option<IndexId>,
    pub elements: Vec<Element>,
    /// Whether all elements together name one row.
    pub unique: bool,
}

/// One element.
#[derive(Clone, Copy)]
pub(super) struct Element {
    pub column: ColumnId,
    pub descending: bool,
    pub nulls_first: bool,
    pub class: Option<Class>,
    pub not_null: bool,
}

/// The primary key and the indexes that may be read.
pub(super) fn candidates(collection: &Collection) -> Vec<Candidate> {
    let element = |column: ColumnId, descending, nulls_first, in_key: bool| {
        let declared = collection.column_by_id(column)?;
        let not_null = in_key || declared.not_null;
        Some(Element { column, descending, nulls_first, class: class(declared.ty), not_null })
    };
    let key = collection.primary_key.columns.iter();
    let key: Option<Vec<Element>> = key.map(|id| element(*id, false, false, true)).collect();
    let primary = key.map(|elements| Candidate { index: None, elements, unique: true });
    let usable = |index: &&Index| {
        index.state == IndexState::Ready && index.predicate.is_none() && !index.array_elements
    };
    let secondary = collection.indexes.iter().filter(usable).filter_map(|index| {
        let elements = index.elements.iter().map(|e| match &e.source {
            ElementSource::Column(id) => element(*id, e.descending, e.nulls_first, false),
            _ => None,
        });
        let elements: Vec<Element> = elements.collect::<Option<_>>()?;
        Some(Candidate { index: Some(index.id), elements, unique: index.unique })
    });
    primary.into_iter().chain(secondary).collect()
}

/// The name of an element of the primary key or of an index.
pub fn element_name(collection: &Collection, index: Option<IndexId>, at: usize) -> String {
    let column = |id: &ColumnId| collection.column_by_id(*id).map(|c| c.name.clone());
    let name = match index {
        None => collection.primary_key.columns.get(at).and_then(column),
        Some(id) => {
            let element = collection.index_by_id(id).and_then(|index| index.elements.get(at));
            element.and_then(|element| match &element.source {
                ElementSource::Column(id) => column(id),
                ElementSource::Path(path) => Some(path.join(".")),
                ElementSource::Expression(text) => Some(text.clone()),
            })
        }
    };
    name.unwrap_or_else(|| "?".to_owned())
}

/// A way to read a scan.
pub(super) struct Choice {
    pub index: Option<IndexId>,
    pub ranges: Vec<RangeBounds>,
    /// Rows that the ranges hold, as far as can be guessed.
    pub rows: f64,
    pub cost: f64,
    /// How many elements have an equality.
    pub equal: usize,
}

/// Gives a scan the cheapest access that its filter allows.
pub(super) fn choose(scan: &mut Scan, rows: f64) {
    if !matches!(scan.access, Access::Full) {
        return;
    }
    let rows = rows_for_access(rows);
    if let Some(best) = best(scan, rows).filter(|choice| choice.cost < rows) {
        scan.access = Access::Index { index: best.index, ranges: best.ranges, covered: false };
    }
}

/// The cheapest access by ranges.
pub(super) fn best(scan: &Scan, rows: f64) -> Option<Choice> {
    let filter = scan.filter.as_ref()?;
    let terms: Vec<(ColumnId, Term<'_>)> =
        conjuncts(filter).into_iter().flat_map(|part| terms(part, scan)).collect();
    let all = candidates(&scan.collection).into_iter();
    let choices = all.filter_map(|candidate| ranges(&candidate, &terms, rows));
    choices.min_by(|a, b| a.cost.total_cmp(&b.cost))
}

/// What one conjunct says about columns.
fn terms<'e>(part: &'e Expression, scan: &Scan) -> Vec<(ColumnId, Term<'e>)> {
    let one = |column: &'e Expression, term| {
        column_of(column, scan).map(|(id, _)| (id, term)).into_iter().collect()
    };
    match &part.node {
        Expr::Column(_) => one(part, Term::True(true)),
        Expr::Not(inner) if matches!(inner.node, Expr::Column(_)) => one(inner, Term::True(false)),
        Expr::IsNull { argument, negated: false } => one(argument, Term::Null),
        Expr::InList { equal, left, list, negated: false } => {
            let digits = column_of(left, scan).is_some_and(|(_, own)| own == Class::Digits);
            let fixed = list.iter().all(|value| is_fixed(value) && (!digits || was_small(value)));
            match fixed && comparable(equal, left, scan) && right_fits(equal, left, scan) {
                true => one(left, Term::In(list)),
                false => Vec::new(),
            }
        }
        Expr::AnyAll { operator, all: false, left, array } => {
            let digits = column_of(left, scan).is_some_and(|(_, own)| own == Class::Digits);
            let fits = operator.name == "="
                && !digits
                && is_fixed(array)
                && comparable(operator, left, scan)
                && right_fits(operator, left, scan);
            if fits { one(left, Term::Any(array)) } else { Vec::new() }
        }
        Expr::Call { function, arguments } => match arguments.as_slice() {
            [left, right] if like::is_like(function) && is_fixed(right) => {
                match column_of(left, scan) {
                    Some((id, Class::Text)) => vec![(id, Term::Like(right))],
                    _ => Vec::new(),
                }
            }
            [left, right] => comparison(function, left, right, scan),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn comparison<'e>(
    function: &'static Function,
    left: &'e Expression,
    right: &'e Expression,
    scan: &Scan,
) -> Vec<(ColumnId, Term<'e>)> {
    let (column, value, name) = if is_fixed(right) {
        (left, right, function.name)
    } else if is_fixed(left) {
        (right, left, flipped(function.name))
    } else {
        return Vec::new();
    };
    let [a, b] = function.arguments else { return Vec::new() };
    let Some((id, own)) = column_of(column, scan) else { return Vec::new() };
    let ordered = class(*a).is_some_and(|a| class(*b) == Some(a) && order_agrees(own, a));
    if !ordered {
        return Vec::new();
    }
    let loose = own == Class::Blank;
    let open = scan.collection.column_by_id(id).is_some_and(|column| column.ty == Type::ANY);
    // SQL has NaN above all numbers, a key of any values below them.
    let low = open && matches!(own, Class::Float | Class::Digits);
    let high =
        open && matches!(class(*a), Some(Class::Float | Class::Numeric)) && !was_integer(value);
    if own == Class::Digits && !was_small(value) {
        return Vec::new();
    }
    let term = match name {
        "=" => Term::Equal(value),
        "<" if !high => Term::Upper(value, loose),
        "<=" if !high => Term::Upper(value, true),
        ">" if !low => Term::Lower(value, loose),
        ">=" if !low => Term::Lower(value, true),
        _ => return Vec::new(),
    };
    vec![(id, term)]
}

/// Whether a float or numeric was an integer, and so is not NaN.
fn was_integer(value: &Expression) -> bool {
    let Expr::Call { function, .. } = &value.node else { return false };
    matches!(function.id, "sql.int_numeric" | "sql.int_float8")
}

/// Whether a numeric was an integer that every double between it and the next is beside.
fn was_small(value: &Expression) -> bool {
    let Expr::Call { arguments, .. } = &value.node else { return false };
    let small = |ty: Type| matches!(ty, Type::INT2 | Type::INT4);
    was_integer(value) && arguments.first().is_some_and(|inner| small(inner.ty))
}

fn flipped(name: &str) -> &str {
    match name {
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        ">=" => "<=",
        other => other,
    }
}

/// Whether an operator compares a column by the order of its key.
fn comparable(operator: &Function, column: &Expression, scan: &Scan) -> bool {
    let Some((_, own)) = column_of(column, scan) else { return false };
    operator.name == "="
        && operator
            .arguments
            .first()
            .and_then(|ty| class(*ty))
            .is_some_and(|c| order_agrees(own, c))
}

/// Whether both sides of an operator are of one class.
fn right_fits(operator: &Function, _: &Expression, _: &Scan) -> bool {
    matches!(operator.arguments, [a, b] if class(*a) == class(*b))
}

/// Whether a column of one class, compared in another, is compared in the order of its key.
fn order_agrees(own: Class, compared: Class) -> bool {
    own == compared
        || own == Class::Int && matches!(compared, Class::Float | Class::Numeric)
        || own == Class::Digits && compared == Class::Numeric
}

/// Whether a value is the same for all rows of the scan.
fn is_fixed(value: &Expression) -> bool {
    value.columns().is_empty() && is_movable(value)
}

/// The declared column that an expression is, through casts that keep its order exactly, and the
/// class of its key.
fn column_of(expression: &Expression, scan: &Scan) -> Option<(ColumnId, Class)> {
    match &expression.node {
        Expr::Column(at) => match scan.columns.get(*at as usize)? {
            ScanColumn::Column(id) => {
                Some((*id, column_class(&scan.collection, *id, expression.ty)?))
            }
            _ => None,
        },
        Expr::Call { function, arguments } => {
            let [inner] = arguments.as_slice() else { return None };
            let found = column_of(inner, scan)?;
            let exact = match function.id {
                "sql.relabel" => class(expression.ty) == Some(found.1),
                // Every smaller integer is a double; a bigint may not be.
                "sql.int_float8" => matches!(inner.ty.scalar, Scalar::Int2 | Scalar::Int4),
                "sql.int_numeric" => found.1 == Class::Int,
                _ => false,
            };
            exact.then_some(found)
        }
        _ => None,
    }
}

/// The ranges of one candidate.
fn ranges(candidate: &Candidate, terms: &[(ColumnId, Term<'_>)], all: f64) -> Option<Choice> {
    let mut found = vec![RangeBounds::default()];
    let mut share = 1.0;
    let mut equal = 0;
    let mut used = false;
    for element in &candidate.elements {
        let of: Vec<&Term<'_>> =
            terms.iter().filter(|(id, _)| *id == element.column).map(|(_, term)| term).collect();
        match equality(&of, &found) {
            Some(values) => {
                share *= values.len() as f64 * if equal == 0 { 0.005 } else { 0.1 };
                found = extended(found, &values);
                (equal, used) = (equal + 1, true);
            }
            None => {
                let (narrowed, factor) = last(&of, &mut found);
                share *= factor;
                used |= narrowed;
                break;
            }
        }
    }
    if !used {
        return None;
    }
    let complete = candidate.unique && equal == candidate.elements.len();
    let rows = if complete { found.len() as f64 } else { (all * share).clamp(1.0, all) };
    let each = if candidate.index.is_some() { LOOKUP } else { 1.0 };
    let cost = 2.0 * found.len() as f64 + rows * each;
    Some(Choice { index: candidate.index, ranges: found, rows, cost, equal })
}

/// The values that an element is equal to, and whether they are NULL on purpose.
type Values = Vec<(Expression, bool)>;

fn equality(terms: &[&Term<'_>], found: &[RangeBounds]) -> Option<Values> {
    terms.iter().find_map(|term| match term {
        Term::Equal(value) => Some(vec![((*value).clone(), false)]),
        Term::True(value) => Some(vec![(boolean(*value)?, false)]),
        Term::Null => Some(vec![(Expression::null(Type::UNKNOWN), true)]),
        Term::In(list) if list.len() * found.len() <= RANGES_MAX => {
            Some(list.iter().map(|value| (value.clone(), false)).collect())
        }
        _ => None,
    })
}

fn boolean(value: bool) -> Option<Expression> {
    let constant = crate::expression::Constant::new(&crate::Datum::Bool(value)).ok()?;
    Some(Expression::constant(constant, Type::BOOL))
}

/// Every range with every value.
fn extended(ranges: Vec<RangeBounds>, values: &Values) -> Vec<RangeBounds> {
    let mut all = Vec::with_capacity(ranges.len() * values.len());
    for range in ranges {
        for (value, null) in values {
            let mut range = range.clone();
            range.equal.push(value.clone());
            range.null_safe |= *null;
            all.push(range);
        }
    }
    all
}

/// Puts `= ANY` or a range on the element after the equalities; whether it did, and the share of
/// rows that remains.
fn last(terms: &[&Term<'_>], found: &mut [RangeBounds]) -> (bool, f64) {
    if let Some(array) = terms.iter().find_map(|term| match term {
        Term::Any(array) => Some(*array),
        _ => None,
    }) {
        found.iter_mut().for_each(|range| range.any = Some(array.clone()));
        return (true, 0.02);
    }
    let (mut lower, mut upper) = (None, None);
    for term in terms {
        match term {
            Term::Lower(value, included) => {
                lower.get_or_insert(((*value).clone(), *included));
            }
            Term::Upper(value, included) => {
                upper.get_or_insert(((*value).clone(), *included));
            }
            Term::Like(pattern) if lower.is_none() && upper.is_none() => {
                let (start, end) = like::bounds(pattern);
                (lower, upper) = (Some((start, true)), Some((end, false)));
            }
            _ => {}
        }
    }
    let share = match (&lower, &upper) {
        (None, None) => return (false, 1.0),
        (Some(_), Some(_)) => 0.02,
        _ => 0.2,
    };
    for range in found {
        (range.lower, range.upper) = (lower.clone(), upper.clone());
    }
    (true, share)
}
