//! Set-returning functions: rows from values.
//!
//! ```text
//!   start(arguments) ──► RowSource ──next(arena, row)──► true … false
//! ```
//!
//! A source makes one row at a time into the caller's vector, so `generate_series(1, 1e9)` costs no
//! memory, and a row's values live in the arena that the caller gives for it.

use std::sync::LazyLock;

use hashbrown::HashMap;
use value::{Decimal, Interval, Raw};

use super::names::*;
use super::{Arguments, Call, Generic, array, json, numeric, regexp, time};
use crate::{Arena, Datum, Error, ErrorKind, Result, Scalar, Type};

/// Rows, one after the other. `'a` is how long the arguments live.
pub trait RowSource<'a> {
    /// Appends the columns of the next row; false where there is none.
    ///
    /// # Errors
    /// Whatever making the row says.
    fn next<'r>(&mut self, arena: &'r Arena, row: &mut Vec<Datum<'r>>) -> Result<bool>
    where
        'a: 'r;
}

/// A source, and where it lives.
pub type BoxedSource<'a> = Box<dyn RowSource<'a> + 'a>;

/// Makes the source of a call.
type Start = for<'a> fn(&Call<'a, '_>, &[Datum<'a>]) -> Result<BoxedSource<'a>>;

/// One set-returning function for one list of argument types.
pub struct SetFunction {
    /// Unique: `sql.generate_series_int4`.
    pub id: &'static str,
    /// The name that a language calls it by.
    pub name: &'static str,
    /// Argument types.
    pub arguments: &'static [Type],
    /// Whether the last argument repeats.
    pub variadic: bool,
    /// The type of its column, or record where it has several.
    pub result: Type,
    /// What `ANY` among the types stands for.
    pub generic: Generic,
    /// Whether a NULL argument is no row.
    pub strict: bool,
    /// Names and types of the columns; empty: one, named as the function.
    pub columns: &'static [(&'static str, Type)],
    start: Start,
}

impl std::fmt::Debug for SetFunction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id)
    }
}

impl SetFunction {
    const fn new(
        id: &'static str,
        name: &'static str,
        arguments: &'static [Type],
        result: Type,
        start: Start,
    ) -> SetFunction {
        SetFunction {
            id,
            name,
            arguments,
            variadic: false,
            result,
            generic: Generic::None,
            strict: true,
            columns: &[],
            start,
        }
    }

    const fn generic(mut self) -> SetFunction {
        self.generic = Generic::Element;
        self
    }

    const fn called(mut self) -> SetFunction {
        self.strict = false;
        self
    }

    const fn columns(mut self, columns: &'static [(&'static str, Type)]) -> SetFunction {
        self.columns = columns;
        self
    }

    /// Whether it can be called with so many arguments.
    pub fn takes(&self, count: usize) -> bool {
        count == self.arguments.len() || self.variadic && count >= self.arguments.len()
    }

    /// The declared type of an argument.
    pub fn argument(&self, at: usize) -> Option<Type> {
        let last = if self.variadic { self.arguments.last() } else { None };
        self.arguments.get(at).or(last).copied()
    }

    /// Names and types of the columns for arguments of these types.
    pub fn output(&self, arguments: &[Type]) -> Vec<(String, Type)> {
        if !self.columns.is_empty() {
            return self.columns.iter().map(|(name, ty)| ((*name).to_owned(), *ty)).collect();
        }
        let first = arguments.first().copied().unwrap_or(Type::UNKNOWN);
        let ty = if self.result == Type::ANY { first.element() } else { self.result };
        vec![(self.name.to_owned(), ty)]
    }

    /// The rows of one call.
    ///
    /// # Errors
    /// Arguments that are out of the function's domain.
    pub fn start<'a>(&self, call: &Call<'a, '_>, row: &[Datum<'a>]) -> Result<BoxedSource<'a>> {
        if self.strict && row.iter().any(Datum::is_null) {
            return Ok(Box::new(Nothing));
        }
        (self.start)(call, row)
    }
}

/// No row.
struct Nothing;

impl<'a> RowSource<'a> for Nothing {
    fn next<'r>(&mut self, _: &'r Arena, _: &mut Vec<Datum<'r>>) -> Result<bool>
    where
        'a: 'r,
    {
        Ok(false)
    }
}

/// Rows that are there already, of so many columns.
struct Listed<'a> {
    values: std::vec::IntoIter<Datum<'a>>,
    width: usize,
}

impl<'a> RowSource<'a> for Listed<'a> {
    fn next<'r>(&mut self, _: &'r Arena, row: &mut Vec<Datum<'r>>) -> Result<bool>
    where
        'a: 'r,
    {
        let before = row.len();
        for value in self.values.by_ref().take(self.width) {
            row.push(value);
        }
        Ok(row.len() > before)
    }
}

/// Rows of one column.
pub(super) fn listed<'a>(values: Vec<Datum<'a>>, width: usize) -> BoxedSource<'a> {
    Box::new(Listed { values: values.into_iter(), width })
}

struct Integers {
    next: Option<i64>,
    stop: i64,
    step: i64,
}

impl<'a> RowSource<'a> for Integers {
    fn next<'r>(&mut self, _: &'r Arena, row: &mut Vec<Datum<'r>>) -> Result<bool>
    where
        'a: 'r,
    {
        let Some(n) = self.next else { return Ok(false) };
        if self.step > 0 && n > self.stop || self.step < 0 && n < self.stop {
            return Ok(false);
        }
        self.next = n.checked_add(self.step);
        row.push(Datum::Int(n));
        Ok(true)
    }
}

#[cold]
fn step_zero() -> Error {
    Error::new(ErrorKind::Type, "22023", "step size cannot equal zero")
}

fn integers<'a>(_: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<BoxedSource<'a>> {
    let step = if a.len() > 2 { a.int(2)? } else { 1 };
    if step == 0 {
        return Err(step_zero());
    }
    Ok(Box::new(Integers { next: Some(a.int(0)?), stop: a.int(1)?, step }))
}

struct Decimals {
    next: Decimal,
    stop: Decimal,
    step: Decimal,
}

impl<'a> RowSource<'a> for Decimals {
    fn next<'r>(&mut self, arena: &'r Arena, row: &mut Vec<Datum<'r>>) -> Result<bool>
    where
        'a: 'r,
    {
        let up = !self.step.is_negative();
        if up && self.next > self.stop || !up && self.next < self.stop {
            return Ok(false);
        }
        let following = self.next.add(&self.step).map_err(numeric::failed)?;
        let n = std::mem::replace(&mut self.next, following);
        row.push(Datum::Decimal(arena.decimal(n)));
        Ok(true)
    }
}

fn decimals<'a>(_: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<BoxedSource<'a>> {
    let one = Decimal::ONE;
    let step = if a.len() > 2 { a.decimal(2)? } else { &one };
    for (n, what) in [(a.decimal(0)?, "start"), (a.decimal(1)?, "stop"), (step, "step size")] {
        if !n.is_finite() {
            let value = if n.is_nan() { "NaN" } else { "infinity" };
            let verb = if what == "step size" { "" } else { " value" };
            let message = format!("{what}{verb} cannot be {value}");
            return Err(Error::new(ErrorKind::Type, "22023", message));
        }
    }
    if step.is_zero() {
        return Err(step_zero());
    }
    let (next, stop) = (a.decimal(0)?.clone(), a.decimal(1)?.clone());
    Ok(Box::new(Decimals { next, stop, step: step.clone() }))
}

struct Times {
    next: i64,
    stop: i64,
    step: Interval,
    zone: Option<super::zone::Zone>,
}

impl<'a> RowSource<'a> for Times {
    fn next<'r>(&mut self, _: &'r Arena, row: &mut Vec<Datum<'r>>) -> Result<bool>
    where
        'a: 'r,
    {
        let up = self.step.span() > 0;
        if up && self.next > self.stop || !up && self.next < self.stop {
            return Ok(false);
        }
        row.push(match self.zone {
            Some(_) => Datum::TimestampTz(self.next),
            None => Datum::Timestamp(self.next),
        });
        self.next = match &self.zone {
            Some(zone) => time::add_zoned(self.next, self.step, zone)?,
            None => time::add_local(self.next, self.step)?,
        };
        Ok(true)
    }
}

fn times<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<BoxedSource<'a>> {
    let step = a.interval(2)?;
    if step.span() == 0 {
        return Err(step_zero());
    }
    let zone = match a.at(0) {
        Datum::TimestampTz(_) => Some(super::zone::session(call.session())?),
        _ => None,
    };
    Ok(Box::new(Times { next: a.timestamp(0)?, stop: a.timestamp(1)?, step, zone }))
}

/// Elements of an array, whatever its dimensions.
struct Elements<'a> {
    left: value::cbor::Elements<'a>,
    inner: Vec<value::cbor::Elements<'a>>,
    scalar: Scalar,
}

impl<'a> RowSource<'a> for Elements<'a> {
    fn next<'r>(&mut self, arena: &'r Arena, row: &mut Vec<Datum<'r>>) -> Result<bool>
    where
        'a: 'r,
    {
        loop {
            let next = match self.inner.last_mut() {
                Some(inner) => inner.next(),
                None => self.left.next(),
            };
            match next {
                None if self.inner.pop().is_none() => return Ok(false),
                None => {}
                Some(raw) => {
                    let raw: Raw<'a> = raw.map_err(array::damaged)?;
                    match array::element(raw, self.scalar, arena)? {
                        Datum::Array(inner) => {
                            let _ = inner;
                            self.inner.push(raw.elements());
                        }
                        element => {
                            row.push(element);
                            return Ok(true);
                        }
                    }
                }
            }
        }
    }
}

fn unnest<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<BoxedSource<'a>> {
    let array = a.array(0)?;
    let scalar = call.ty(0).scalar;
    Ok(Box::new(Elements { left: array.elements(), inner: Vec::new(), scalar }))
}

/// Vectors of the catalogue are counted from 0, arrays from 1.
fn subscripts<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<BoxedSource<'a>> {
    let lengths = array::dimensions(a.array(0)?, call.ty(0).scalar);
    let dimension = usize::try_from(a.int(1)? - 1).unwrap_or(usize::MAX);
    let Some(length) = lengths.get(dimension) else { return Ok(Box::new(Nothing)) };
    let vector = matches!(call.ty(0), Type::INT2VECTOR | Type::OIDVECTOR);
    let first = i64::from(!vector);
    let last = *length as i64 + first - 1;
    let reverse = a.len() > 2 && a.bool(2)?;
    Ok(Box::new(match reverse {
        false => Integers { next: Some(first), stop: last, step: 1 },
        true => Integers { next: Some(last), stop: first, step: -1 },
    }))
}

/// Rows that are there already.
struct Collected<'a>(std::vec::IntoIter<Vec<Datum<'a>>>);

impl<'a> RowSource<'a> for Collected<'a> {
    fn next<'r>(&mut self, _: &'r Arena, row: &mut Vec<Datum<'r>>) -> Result<bool>
    where
        'a: 'r,
    {
        let Some(next) = self.0.next() else { return Ok(false) };
        row.extend(next);
        Ok(true)
    }
}

/// The function behind a view of pg_catalog.
fn system_rows<'a>(call: &Call<'a, '_>, view: &str) -> Result<BoxedSource<'a>> {
    let mut rows = Vec::new();
    if let Some(table) = crate::system::table("pg_catalog", view) {
        (table.rows)(call.session(), call.arena, &mut |row| rows.push(row.to_vec()))?;
    }
    Ok(Box::new(Collected(rows.into_iter())))
}

/// Elements of a JSON array, or fields of an object.
struct JsonParts<'a> {
    elements: value::cbor::Elements<'a>,
    entries: std::vec::IntoIter<(&'a str, Raw<'a>)>,
    part: Part,
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Element,
    ElementText,
    Entry,
    EntryText,
    Name,
}

impl<'a> RowSource<'a> for JsonParts<'a> {
    fn next<'r>(&mut self, arena: &'r Arena, row: &mut Vec<Datum<'r>>) -> Result<bool>
    where
        'a: 'r,
    {
        if matches!(self.part, Part::Element | Part::ElementText) {
            let Some(raw) = self.elements.next() else { return Ok(false) };
            let raw: Raw<'r> = raw.map_err(array::damaged)?;
            row.push(match self.part {
                Part::Element => Datum::Json(raw),
                _ => json::text_of(raw, self.json, arena)?,
            });
            return Ok(true);
        }
        let Some((name, raw)) = self.entries.next() else { return Ok(false) };
        let raw: Raw<'r> = raw;
        row.push(Datum::Text(name));
        match self.part {
            Part::Entry => row.push(Datum::Json(raw)),
            Part::EntryText => row.push(json::text_of(raw, self.json, arena)?),
            _ => {}
        }
        Ok(true)
    }
}

fn json_parts<'a>(call: &Call<'a, '_>, a: &[Datum<'a>], part: Part) -> Result<BoxedSource<'a>> {
    let raw = a.json(0)?;
    let json = call.ty(0) == JSON;
    let wants_array = matches!(part, Part::Element | Part::ElementText);
    if wants_array && !raw.is_array() || !wants_array && !raw.is_document() {
        return Err(wrong_shape(raw, part, json));
    }
    let entries = if wants_array {
        Vec::new()
    } else if json {
        super::json::entries(raw)
    } else {
        super::datum_order::sorted_entries(raw).into_vec()
    };
    Ok(Box::new(JsonParts { elements: raw.elements(), entries: entries.into_iter(), part, json }))
}

#[cold]
fn wrong_shape(raw: Raw<'_>, part: Part, json: bool) -> Error {
    let prefix = if json { "json" } else { "jsonb" };
    let scalar = !raw.is_array() && !raw.is_document();
    let message = match part {
        Part::Element | Part::ElementText => {
            let text = if part == Part::ElementText { "_text" } else { "" };
            match (json, scalar) {
                (true, true) => format!("cannot call json_array_elements{text} on a scalar"),
                (true, false) => format!("cannot call json_array_elements{text} on a non-array"),
                (false, true) => "cannot extract elements from a scalar".to_owned(),
                (false, false) => "cannot extract elements from an object".to_owned(),
            }
        }
        Part::Entry | Part::EntryText if json => {
            let what = if scalar { "a scalar" } else { "an array" };
            match scalar {
                true => format!("cannot deconstruct {what}"),
                false => "cannot deconstruct an array as an object".to_owned(),
            }
        }
        Part::Entry | Part::EntryText => {
            let text = if part == Part::EntryText { "_text" } else { "" };
            format!("cannot call {prefix}_each{text} on a non-object")
        }
        Part::Name => {
            let what = if scalar { "a scalar" } else { "an array" };
            format!("cannot call {prefix}_object_keys on {what}")
        }
    };
    Error::new(ErrorKind::Type, "22023", message)
}

fn string_to_table<'a>(_: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<BoxedSource<'a>> {
    if a.null(0) {
        return Ok(Box::new(Nothing));
    }
    let delimiter = if a.null(1) { None } else { Some(a.text(1)?) };
    let null = if a.null(2) { None } else { Some(a.text(2)?) };
    let element = |part: &'a str| if Some(part) == null { Datum::Null } else { Datum::Text(part) };
    Ok(listed(super::text::split(a.text(0)?, delimiter).into_iter().map(element).collect(), 1))
}

macro_rules! json_functions {
    ($($prefix:literal $ty:ident $pair:ident;)*) => { &[$(
        SetFunction::new(concat!("sql.", $prefix, "_array_elements"), concat!($prefix,
            "_array_elements"),
            &[$ty], $ty, |c, a| json_parts(c, a, Part::Element)).columns(&[("value", $ty)]),
        SetFunction::new(concat!("sql.", $prefix, "_array_elements_text"),
            concat!($prefix, "_array_elements_text"), &[$ty], TEXT,
            |c, a| json_parts(c, a, Part::ElementText)).columns(&[("value", TEXT)]),
        SetFunction::new(concat!("sql.", $prefix, "_each"), concat!($prefix, "_each"), &[$ty],
            RECORD,
            |c, a| json_parts(c, a, Part::Entry)).columns(&[("key", TEXT), ("value", $ty)]),
        SetFunction::new(concat!("sql.", $prefix, "_each_text"), concat!($prefix, "_each_text"),
            &[$ty], RECORD,
            |c, a| json_parts(c, a, Part::EntryText)).columns(&[("key", TEXT), ("value", TEXT)]),
        SetFunction::new(concat!("sql.", $prefix, "_object_keys"), concat!($prefix, "_object_keys"),
            &[$ty],
            TEXT, |c, a| json_parts(c, a, Part::Name)),
    )*] };
}

static JSON_FUNCTIONS: &[SetFunction] = json_functions! {
    "json" JSON json;
    "jsonb" JSONB jsonb;
};

const TEXTS: Type = Type::array_of(Scalar::Text);

static OTHERS: &[SetFunction] = &[
    SetFunction::new("sql.regexp_matches", "regexp_matches", &[TEXT, TEXT], TEXTS, regexp::matches),
    SetFunction::new(
        "sql.regexp_matches_flags",
        "regexp_matches",
        &[TEXT, TEXT, TEXT],
        TEXTS,
        regexp::matches,
    ),
    SetFunction::new(
        "sql.regexp_split_to_table",
        "regexp_split_to_table",
        &[TEXT, TEXT],
        TEXT,
        regexp::split_to_table,
    ),
    SetFunction::new(
        "sql.regexp_split_to_table_flags",
        "regexp_split_to_table",
        &[TEXT, TEXT, TEXT],
        TEXT,
        regexp::split_to_table,
    ),
    SetFunction::new(
        "sql.string_to_table",
        "string_to_table",
        &[TEXT, TEXT],
        TEXT,
        string_to_table,
    )
    .called(),
    SetFunction::new(
        "sql.string_to_table_null",
        "string_to_table",
        &[TEXT, TEXT, TEXT],
        TEXT,
        string_to_table,
    )
    .called(),
    SetFunction::new("sql.generate_series_int4", "generate_series", &[INT4, INT4], INT4, integers),
    SetFunction::new(
        "sql.generate_series_int4_step",
        "generate_series",
        &[INT4, INT4, INT4],
        INT4,
        integers,
    ),
    SetFunction::new("sql.generate_series_int8", "generate_series", &[INT8, INT8], INT8, integers),
    SetFunction::new(
        "sql.generate_series_int8_step",
        "generate_series",
        &[INT8, INT8, INT8],
        INT8,
        integers,
    ),
    SetFunction::new(
        "sql.generate_series_numeric",
        "generate_series",
        &[NUMERIC, NUMERIC],
        NUMERIC,
        decimals,
    ),
    SetFunction::new(
        "sql.generate_series_numeric_step",
        "generate_series",
        &[NUMERIC, NUMERIC, NUMERIC],
        NUMERIC,
        decimals,
    ),
    SetFunction::new(
        "sql.generate_series_timestamp",
        "generate_series",
        &[TIMESTAMP, TIMESTAMP, INTERVAL],
        TIMESTAMP,
        times,
    ),
    SetFunction::new(
        "sql.generate_series_timestamptz",
        "generate_series",
        &[TIMESTAMPTZ, TIMESTAMPTZ, INTERVAL],
        TIMESTAMPTZ,
        times,
    ),
    SetFunction::new("sql.unnest", "unnest", &[ANYARRAY], ANY, unnest).generic(),
    SetFunction::new(
        "sql.generate_subscripts",
        "generate_subscripts",
        &[ANYARRAY, INT4],
        INT4,
        subscripts,
    )
    .generic(),
    SetFunction::new(
        "sql.generate_subscripts_reverse",
        "generate_subscripts",
        &[ANYARRAY, INT4, BOOL],
        INT4,
        subscripts,
    )
    .generic(),
    SetFunction::new(
        "sql.generate_subscripts_int2vector",
        "generate_subscripts",
        &[Type::INT2VECTOR, INT4],
        INT4,
        subscripts,
    ),
    SetFunction::new(
        "sql.generate_subscripts_oidvector",
        "generate_subscripts",
        &[OIDVECTOR, INT4],
        INT4,
        subscripts,
    ),
    SetFunction::new("sql.pg_timezone_names", "pg_timezone_names", &[], RECORD, |c, _| {
        system_rows(c, "pg_timezone_names")
    })
    .columns(&[("name", TEXT), ("abbrev", TEXT), ("utc_offset", INTERVAL), ("is_dst", BOOL)]),
    SetFunction::new("sql.pg_timezone_abbrevs", "pg_timezone_abbrevs", &[], RECORD, |c, _| {
        system_rows(c, "pg_timezone_abbrevs")
    })
    .columns(&[("abbrev", TEXT), ("utc_offset", INTERVAL), ("is_dst", BOOL)]),
];

type Names = HashMap<&'static str, Vec<&'static SetFunction>, foldhash::fast::FixedState>;

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let mut names = Names::default();
    for function in all_set_functions() {
        names.entry(function.name).or_default().push(function);
    }
    names
});

/// Every set-returning function.
pub fn all_set_functions() -> impl Iterator<Item = &'static SetFunction> {
    OTHERS.iter().chain(JSON_FUNCTIONS)
}

/// The set-returning functions of a name.
pub fn set_functions(name: &str) -> &'static [&'static SetFunction] {
    NAMES.get(name).map_or(&[], Vec::as_slice)
}
