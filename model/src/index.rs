//! Entries of ordered secondary indexes: what a row contributes, and how an entry leads back to its
//! row.
//!
//! ```text
//!   not unique   I │ storage │ index │ values … │ primary key …      empty
//!   unique       I │ storage │ index │ values …                      primary key
//!     with a NULL among the values, where NULLs are distinct:        as not unique
//!   a key that was shortened                                         primary key
//! ```
//!
//! "Primary key" is what follows the storage id in the row's own key ([`key::row_elements`]).
//!
//! **Invariants**
//! - The entries of a row are a function of its bytes and the collection's version: an update
//!   deletes exactly those of the old row that the new one has not, and puts the others, so an
//!   index is never stale.
//! - An array field of an index on elements makes one entry for each different element; an empty
//!   array one for null.
//! - A row outside a partial index's predicate has no entry.
//!
//! Rejected: the primary key behind the values of unique indexes too (uniqueness would need a scan
//! under a range lock; so it is one key, one lock).

use std::any::Any;
use std::sync::Arc;

use bytes::Bytes;
use smallvec::SmallVec;
use value::{KeyReader, KeyWriter, Raw};

use crate::datum::{Arena, Datum};
use crate::error::{Error, Result};
use crate::expressions::{Evaluator, Expressions};
use crate::key;
use crate::row::{self, Row};
use crate::schema::{Collection, ColumnId, ElementSource, Index, IndexElement};
use crate::types::Type;

/// The most entries that one row may have in one index.
pub const ENTRIES_MAX: usize = 10_000;

/// One entry to be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its key.
    pub key: Bytes,
    /// Its value.
    pub value: Bytes,
    /// Whether nobody else may have this key.
    pub unique: bool,
}

/// The compiled expressions of an index.
pub(crate) struct CompiledIndex {
    /// One for each element that is an expression.
    elements: Vec<Option<Arc<dyn Evaluator>>>,
    predicate: Option<Arc<dyn Evaluator>>,
}

impl CompiledIndex {
    pub(crate) fn new(
        collection: &Collection,
        index: &Index,
        expressions: &dyn Expressions,
    ) -> Result<Self> {
        let compile = |text: &str, expect| {
            expressions.compile(text, collection, expect).map_err(Error::Expression)
        };
        let elements = index.elements.iter().map(|element| match &element.source {
            ElementSource::Expression(text) => compile(text, None).map(Some),
            _ => Ok(None),
        });
        let elements = elements.collect::<Result<Vec<_>>>()?;
        let predicate =
            index.predicate.as_deref().map(|text| compile(text, Some((Type::BOOL, -1))));
        Ok(CompiledIndex { elements, predicate: predicate.transpose()? })
    }

    /// Whether an expression reads a column.
    pub(crate) fn reads(&self, column: ColumnId) -> bool {
        let mut all = self.elements.iter().flatten().chain(&self.predicate);
        all.any(|evaluator| evaluator.columns().contains(&column))
    }

    /// Whether an expression among the elements or the predicate may change its mind.
    pub(crate) fn is_immutable(&self) -> bool {
        let mut all = self.elements.iter().flatten().chain(&self.predicate);
        all.all(|evaluator| evaluator.is_immutable())
    }
}

/// A row as an index sees it.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub collection: &'a Collection,
    pub key: &'a [u8],
    /// Declared columns in order.
    pub datums: &'a [Datum<'a>],
    /// For undeclared fields.
    pub row: Row<'a>,
    pub environment: &'a (dyn Any + Send + Sync),
    pub arena: &'a Arena,
}

/// The encoded values that one element of an index takes from a row, and whether each is null.
type Choices = SmallVec<[(SmallVec<[u8; 24]>, bool); 1]>;

/// The entries of a row, in key order, each once.
pub(crate) fn entries<'a>(
    source: &Source<'a>,
    index: &Index,
    compiled: &'a CompiledIndex,
) -> Result<Vec<Entry>> {
    if let Some(predicate) = &compiled.predicate {
        let holds = predicate
            .evaluate(source.environment, source.datums, source.arena)
            .map_err(Error::Expression)?;
        if !matches!(holds, Datum::Bool(true)) {
            return Ok(Vec::new());
        }
    }
    let mut choices: SmallVec<[Choices; 4]> = SmallVec::new();
    let mut several = false;
    for (element, evaluator) in index.elements.iter().zip(&compiled.elements) {
        let of = element_choices(source, index, element, evaluator.as_ref())?;
        if of.len() > 1 && std::mem::replace(&mut several, true) {
            return Err(Error::Unsupported(format!(
                "a document with arrays in two fields of index \"{}\"",
                index.name
            )));
        }
        choices.push(of);
    }
    let mut entries = combine(source, index, &choices);
    entries.sort();
    entries.dedup();
    Ok(entries)
}

fn combine(source: &Source<'_>, index: &Index, choices: &[Choices]) -> Vec<Entry> {
    let count = choices.iter().map(|of| of.len()).max().unwrap_or(0);
    let primary = key::row_elements(source.key);
    (0..count)
        .map(|at| {
            let mut key =
                Vec::with_capacity(key::ENTRY_PREFIX + 16 * choices.len() + primary.len());
            key::entry_prefix(source.collection.storage, index.id, &mut key);
            let mut any_null = false;
            for of in choices {
                // Only one element has several values; the others repeat their only one.
                if let Some((bytes, null)) = of.get(at).or_else(|| of.first()) {
                    key.extend_from_slice(bytes);
                    any_null |= null;
                }
            }
            entry(index, key, primary, any_null)
        })
        .collect()
}

fn entry(index: &Index, mut key: Vec<u8>, primary: &[u8], any_null: bool) -> Entry {
    let unique = index.unique && !(any_null && index.nulls_distinct);
    if !unique {
        key.extend_from_slice(primary);
    }
    let key = key::finish(key);
    let value = match unique || key::is_cut(&key) {
        true => Bytes::copy_from_slice(primary),
        false => Bytes::new(),
    };
    Entry { key, value, unique }
}

fn element_choices<'a>(
    source: &Source<'a>,
    index: &Index,
    element: &IndexElement,
    evaluator: Option<&'a Arc<dyn Evaluator>>,
) -> Result<Choices> {
    match (&element.source, evaluator) {
        (ElementSource::Column(id), _) => {
            let (ty, datum) = column(source, *id)?;
            of_datum(index, element, ty, &datum)
        }
        (ElementSource::Expression(_), Some(evaluator)) => {
            let datum = evaluator
                .evaluate(source.environment, source.datums, source.arena)
                .map_err(Error::Expression)?;
            of_datum(index, element, evaluator.ty(), &datum)
        }
        (ElementSource::Path(path), _) => of_path(source, index, element, path),
        (ElementSource::Expression(_), None) => Err(Error::Internal("an index is not compiled")),
    }
}

fn column<'a>(source: &Source<'a>, id: ColumnId) -> Result<(Type, Datum<'a>)> {
    let gone = Error::Internal("an indexed column is gone");
    let Some(position) = source.collection.position(id) else { return Err(gone) };
    match (source.collection.columns.get(position), source.datums.get(position)) {
        (Some(column), Some(datum)) => Ok((column.ty, *datum)),
        _ => Err(gone),
    }
}

fn of_datum(index: &Index, element: &IndexElement, ty: Type, datum: &Datum<'_>) -> Result<Choices> {
    if index.array_elements
        && let Datum::Json(raw) | Datum::Array(raw) = datum
        && raw.is_array()
    {
        return of_array(element, *raw);
    }
    let mut choices = Choices::new();
    choices.push(encoded(element, ty, datum)?);
    Ok(choices)
}

fn of_array(element: &IndexElement, array: Raw<'_>) -> Result<Choices> {
    let mut choices = Choices::new();
    for item in array.elements() {
        push_choice(&mut choices, encoded(element, Type::ANY, &Datum::Json(item?))?)?;
    }
    if choices.is_empty() {
        choices.push(encoded(element, Type::ANY, &Datum::Null)?);
    }
    Ok(choices)
}

fn push_choice(choices: &mut Choices, choice: (SmallVec<[u8; 24]>, bool)) -> Result<()> {
    if choices.len() >= ENTRIES_MAX {
        return Err(Error::Limit {
            what: "entries of one document in an index",
            limit: ENTRIES_MAX,
        });
    }
    choices.push(choice);
    Ok(())
}

fn of_path(
    source: &Source<'_>,
    index: &Index,
    element: &IndexElement,
    path: &[String],
) -> Result<Choices> {
    let (first, rest) = path.split_first().ok_or(Error::Internal("an empty path in an index"))?;
    let declared = source.collection.columns.iter().position(|column| column.name == *first);
    let top = match declared.and_then(|at| source.datums.get(at)) {
        Some(Datum::Json(raw) | Datum::Array(raw)) => Some(*raw),
        Some(datum) if rest.is_empty() => {
            let ty = declared.and_then(|at| source.collection.columns.get(at)).map(|c| c.ty);
            return of_datum(index, element, ty.unwrap_or(Type::ANY), datum);
        }
        Some(_) => None,
        None => source.row.field(first)?,
    };
    let mut choices = Choices::new();
    if let Some(top) = top {
        follow(top, rest, index.array_elements, 0, &mut |raw| {
            push_choice(&mut choices, encoded(element, Type::ANY, &Datum::Json(raw))?)
        })?;
    }
    if choices.is_empty() {
        choices.push(encoded(element, Type::ANY, &Datum::Null)?);
    }
    Ok(choices)
}

/// Every value at a path: arrays on the way are entered where `arrays`, one at the end is taken
/// apart.
fn follow<'a>(
    at: Raw<'a>,
    path: &[String],
    arrays: bool,
    depth: usize,
    found: &mut dyn FnMut(Raw<'a>) -> Result<()>,
) -> Result<()> {
    let entered = arrays && at.is_array() && depth < value::MAX_DEPTH;
    let Some((step, rest)) = path.split_first() else {
        if !entered {
            return found(at);
        }
        return at.elements().try_for_each(|element| found(element?));
    };
    if at.is_document() {
        return at.get(step).map_or(Ok(()), |next| follow(next, rest, arrays, depth + 1, found));
    }
    if let Some(element) = step.parse().ok().and_then(|place| at.element(place)) {
        return follow(element, rest, arrays, depth + 1, found);
    }
    if entered {
        for element in at.elements() {
            let element = element?;
            if element.is_document() {
                follow(element, path, arrays, depth + 1, found)?;
            }
        }
    }
    Ok(())
}

fn encoded(
    element: &IndexElement,
    ty: Type,
    datum: &Datum<'_>,
) -> Result<(SmallVec<[u8; 24]>, bool)> {
    let mut out = Vec::with_capacity(24);
    write_element(element, ty, datum, &mut out)?;
    let null = match datum {
        Datum::Json(raw) => raw.is_null(),
        other => other.is_null(),
    };
    Ok((SmallVec::from_vec(out), null))
}

fn write_element(
    element: &IndexElement,
    ty: Type,
    datum: &Datum<'_>,
    out: &mut Vec<u8>,
) -> Result<()> {
    let mut writer = KeyWriter::new(out);
    writer.order(row::order(ty, element.descending, element.nulls_first));
    row::write_key(&mut writer, ty, datum)
}

/// Writes a value as an element of an index, for a bound. `ty` is the element's type.
pub(crate) fn write_bound(
    element: &IndexElement,
    ty: Type,
    datum: &Datum<'_>,
    out: &mut Vec<u8>,
) -> Result<()> {
    write_element(element, ty, datum, out)
}

/// The key of the row that an entry leads to.
pub fn row_of_entry(
    collection: &Collection,
    index: &Index,
    entry_key: &[u8],
    entry_value: &[u8],
) -> Result<Bytes> {
    if !entry_value.is_empty() {
        return Ok(key::row_again(collection.storage, entry_value));
    }
    let corrupt = || Error::Corrupt(format!("entry of index \"{}\"", index.name));
    let mut reader = KeyReader::new(entry_key.get(key::ENTRY_PREFIX..).ok_or_else(corrupt)?);
    for _ in &index.elements {
        reader.skip().map_err(|_| corrupt())?.ok_or_else(corrupt)?;
    }
    if reader.is_empty() {
        return Err(corrupt());
    }
    Ok(key::row_again(collection.storage, reader.rest()))
}

/// Whether an index entry can change when only these columns do.
pub(crate) fn may_change(collection: &Collection, index: &Index, changed: &[ColumnId]) -> bool {
    index.predicate.is_some()
        || index.elements.iter().any(|element| match &element.source {
            ElementSource::Column(id) => changed.contains(id),
            ElementSource::Path(path) => {
                let declared = path.first().and_then(|first| collection.column(first));
                declared.is_none_or(|column| changed.contains(&column.id))
            }
            ElementSource::Expression(_) => true,
        })
}

/// Reads columns from entries, without the rows.
pub struct EntryReader {
    /// For each element of the key behind the prefix, the slots that want it, and the column's
    /// type.
    elements: Vec<Option<(usize, Type)>>,
    values: usize,
    width: usize,
}

impl EntryReader {
    /// A reader of these columns, or `None` where an entry does not give them all back exactly:
    /// floats, numerics, intervals and json lose their width or scale in a key.
    pub fn new(
        collection: &Collection,
        index: &Index,
        columns: &[ColumnId],
    ) -> Option<EntryReader> {
        if index.array_elements {
            return None;
        }
        let sources = index.elements.iter().map(|element| match element.source {
            ElementSource::Column(id) => Some(id),
            _ => None,
        });
        let keys = collection.primary_key.columns.iter().map(|id| Some(*id));
        let all: Vec<Option<ColumnId>> = sources.chain(keys).collect();
        let mut elements = vec![None; all.len()];
        for (slot, id) in columns.iter().enumerate() {
            let ty = collection.column_by_id(*id)?.ty;
            let place = all.iter().position(|source| *source == Some(*id))?;
            let element = elements.get_mut(place)?;
            if element.is_some() || !gives_back(ty) {
                return None;
            }
            *element = Some((slot, ty));
        }
        Some(EntryReader { elements, values: index.elements.len(), width: columns.len() })
    }

    /// Reads one entry into `out`. `false`: the entry's key was shortened, read the row instead.
    pub fn read<'a>(
        &self,
        entry_key: &'a [u8],
        entry_value: &'a [u8],
        arena: &'a Arena,
        out: &mut [Datum<'a>],
    ) -> Result<bool> {
        if out.len() != self.width {
            return Err(Error::Internal("an entry reader was given a row of another width"));
        }
        // A shortened row key is as long as one, whatever stands before it.
        if key::is_cut(entry_key) || key::ROW_PREFIX + entry_value.len() == key::KEY_LEN_MAX {
            return Ok(false);
        }
        let corrupt = || Error::Corrupt("entry of an index".into());
        let mut reader = KeyReader::new(entry_key.get(key::ENTRY_PREFIX..).ok_or_else(corrupt)?);
        for (place, wanted) in self.elements.iter().enumerate() {
            if place == self.values && !entry_value.is_empty() {
                reader = KeyReader::new(entry_value);
            }
            let element = reader.skip().map_err(|_| corrupt())?.ok_or_else(corrupt)?;
            if let Some((slot, ty)) = wanted
                && let Some(slot) = out.get_mut(*slot)
            {
                *slot = row::from_key(element, *ty, arena)?;
            }
        }
        Ok(true)
    }
}

/// Whether every value of a type comes back from a key exactly.
fn gives_back(ty: Type) -> bool {
    use row::Form::*;
    !matches!(row::form(ty), Float4 | Float8 | Numeric | Interval | Item | Array)
}
