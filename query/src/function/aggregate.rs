//! Aggregates: one value from many rows.
//!
//! ```text
//!   begin() ──► State ──add(row)──► State … ──finish()──► Datum
//!                 └ size(): bytes that it holds, for the memory budget of a grouping
//! ```
//!
//! The state lies in the caller's memory, in the group's slot of its hash table; it owns what it
//! keeps, so the arena of a batch may be reset between two rows. Result types are PostgreSQL's:
//! `sum(int4)` is bigint, `sum(int8)` and every average of integers numeric.
//!
//! **Invariants**
//! - An entry that skips NULL is given no row with a NULL argument; `add` sees to that itself.
//! - DISTINCT and ORDER BY inside the call are the executor's: `add` is called with the rows that
//!   remain, in order.
//! - Sums of integers are exact in 128 bits and checked once at the end: the order of rows cannot
//!   make an overflow appear.
//!
//! Rejected: states as datums in an arena (each row of each group would copy its text again).

use std::cmp::Ordering;
use std::sync::LazyLock;

use hashbrown::HashMap;
use value::{Decimal, Encoder, Interval};

use super::names::*;
use super::statistics::{Moments, PairMoments, Powers};
use super::{Arguments, Call, Generic, array, datum_order, float, json, numeric};
use crate::expression::Constant;
use crate::{Datum, Error, ErrorKind, Result, Scalar, Type};

/// One aggregate for one list of argument types.
pub struct Aggregate {
    /// Unique: `sql.sum_int4`.
    pub id: &'static str,
    /// The name that a language calls it by.
    pub name: &'static str,
    /// Argument types; none for `count(*)`.
    pub arguments: &'static [Type],
    /// Whether the last argument repeats.
    pub variadic: bool,
    /// The type of the result.
    pub result: Type,
    /// What `ANY` among the types stands for.
    pub generic: Generic,
    /// Whether rows with a NULL argument do not count.
    pub skips_null: bool,
    kind: Kind,
}

impl std::fmt::Debug for Aggregate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id)
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Count,
    SumInt8,
    SumNumeric,
    SumFloat4,
    SumFloat8,
    SumInterval,
    AverageNumeric,
    AverageFloat8,
    AverageInterval,
    Least,
    Greatest,
    And,
    Or,
    BitAnd,
    BitOr,
    BitXor,
    Text,
    Bytes,
    Array,
    Json,
    JsonObject,
    /// A function of the powers' sums, exact.
    Exact(Spread),
    /// The same in floating point.
    Float(Spread),
    Pair(super::statistics::PairResult),
}

/// Which measure of spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spread {
    /// Of the whole population, not of a sample.
    pub population: bool,
    /// Its square root.
    pub root: bool,
}

/// What an aggregate has seen of a group.
#[derive(Debug, Clone)]
pub struct State(Inner);

#[derive(Debug, Clone)]
enum Inner {
    /// No row has counted yet.
    Nothing,
    Count(i64),
    Whole {
        sum: i128,
        count: i64,
    },
    Exact(Box<ExactSum>),
    Float4(f32),
    Float8(f64),
    Interval {
        sum: Interval,
        count: i64,
    },
    Bool(bool),
    Bits(i64),
    Plain(Datum<'static>),
    Held(Constant),
    Text(String),
    List {
        bytes: Vec<u8>,
        count: usize,
        depth: bool,
    },
    Moments(Moments),
    Powers(Box<Powers>),
    Pair(Box<PairMoments>),
}

#[derive(Debug, Clone)]
struct ExactSum {
    sum: Decimal,
    count: i64,
}

impl State {
    /// Bytes that the state holds, itself included.
    pub fn size(&self) -> usize {
        let held = match &self.0 {
            Inner::Exact(sum) => size_of::<ExactSum>() + decimal_bytes(&sum.sum),
            Inner::Held(constant) => held_bytes(&constant.as_datum()),
            Inner::Text(text) => text.capacity(),
            Inner::List { bytes, .. } => bytes.capacity(),
            Inner::Powers(_) => 4 * size_of::<Powers>(),
            Inner::Pair(_) => size_of::<PairMoments>(),
            _ => 0,
        };
        size_of::<State>() + held
    }
}

fn decimal_bytes(n: &Decimal) -> usize {
    if n.digits() > 38 { n.digits() as usize } else { 0 }
}

fn held_bytes(datum: &Datum<'_>) -> usize {
    32 + match datum {
        Datum::Text(text) => text.len(),
        Datum::Bytes(bytes) => bytes.len(),
        Datum::Json(raw) | Datum::Array(raw) => raw.bytes().map_or(0, <[u8]>::len),
        Datum::Decimal(n) => size_of::<Decimal>() + decimal_bytes(n),
        Datum::Record(fields) => fields.iter().map(held_bytes).sum(),
        _ => 0,
    }
}

impl Aggregate {
    const fn new(
        id: &'static str,
        name: &'static str,
        arguments: &'static [Type],
        result: Type,
        kind: Kind,
    ) -> Aggregate {
        Aggregate {
            id,
            name,
            arguments,
            variadic: false,
            result,
            generic: Generic::None,
            skips_null: true,
            kind,
        }
    }

    const fn each(mut self) -> Aggregate {
        self.generic = Generic::Each;
        self
    }

    const fn element(mut self) -> Aggregate {
        self.generic = Generic::Element;
        self
    }

    const fn with_nulls(mut self) -> Aggregate {
        self.skips_null = false;
        self
    }

    /// The state before the first row.
    pub fn begin(&self) -> State {
        State(match self.kind {
            Kind::Count => Inner::Count(0),
            _ => Inner::Nothing,
        })
    }

    /// Counts one row in. The call names the types of the arguments.
    ///
    /// # Errors
    /// 22003 where a sum leaves its type; 22023 for a NULL name of a field.
    pub fn add(&self, state: &mut State, call: &Call<'_, '_>, row: &[Datum<'_>]) -> Result<()> {
        if self.skips_null && row.iter().any(Datum::is_null) {
            return Ok(());
        }
        let inner = &mut state.0;
        match self.kind {
            Kind::Count => {
                if let Inner::Count(n) = inner {
                    *n += 1;
                }
            }
            Kind::SumInt8 | Kind::SumNumeric | Kind::AverageNumeric => add_exact(inner, row)?,
            Kind::SumFloat4 => add_float4(inner, row.float4(0)?)?,
            Kind::SumFloat8 => add_float8(inner, row.float(0)?)?,
            Kind::SumInterval | Kind::AverageInterval => add_interval(inner, row.interval(0)?)?,
            Kind::Least => keep_if(inner, row, Ordering::Less)?,
            Kind::Greatest => keep_if(inner, row, Ordering::Greater)?,
            Kind::And => fold_bool(inner, row.bool(0)?, |a, b| a && b),
            Kind::Or => fold_bool(inner, row.bool(0)?, |a, b| a || b),
            Kind::BitAnd => fold_bits(inner, row.int(0)?, |a, b| a & b),
            Kind::BitOr => fold_bits(inner, row.int(0)?, |a, b| a | b),
            Kind::BitXor => fold_bits(inner, row.int(0)?, |a, b| a ^ b),
            Kind::Text => add_text(inner, row)?,
            Kind::Bytes => add_bytes(inner, row)?,
            Kind::Array => add_element(inner, row, call.ty(0))?,
            Kind::Json => add_json(inner, call, row)?,
            Kind::JsonObject => add_field(inner, call, row)?,
            Kind::AverageFloat8 | Kind::Float(_) => add_moment(inner, row.float(0)?)?,
            Kind::Exact(_) => add_powers(inner, row)?,
            Kind::Pair(_) => add_pair(inner, row.float(0)?, row.float(1)?)?,
        }
        Ok(())
    }

    /// The aggregate's value, in the call's arena. The state is left as it is.
    ///
    /// # Errors
    /// 22003 where a sum does not fit its type.
    pub fn finish<'a>(&self, state: &State, call: &Call<'a, '_>) -> Result<Datum<'a>> {
        Ok(match (&state.0, self.kind) {
            (Inner::Nothing, Kind::Pair(result)) => result.of_nothing(),
            (Inner::Nothing, _) => Datum::Null,
            (Inner::Count(n), _) => Datum::Int(*n),
            (Inner::Whole { sum, .. }, Kind::SumInt8) => {
                super::arithmetic::int8(i64::try_from(*sum).ok())?
            }
            (Inner::Whole { sum, .. }, Kind::SumNumeric) => call.decimal(Decimal::from(*sum)),
            (Inner::Whole { sum, count }, _) => {
                let count = numeric::from_int(*count);
                call.decimal(numeric::divide(&Decimal::from(*sum), &count)?)
            }
            (Inner::Exact(exact), Kind::AverageNumeric) => {
                call.decimal(numeric::divide(&exact.sum, &numeric::from_int(exact.count))?)
            }
            (Inner::Exact(exact), _) => call.decimal(exact.sum.clone()),
            (Inner::Float4(n), _) => Datum::Float32(*n),
            (Inner::Float8(n), _) => Datum::Float(*n),
            (Inner::Interval { sum, count }, Kind::AverageInterval) => {
                Datum::Interval(super::time::divide(*sum, *count as f64)?)
            }
            (Inner::Interval { sum, .. }, _) => Datum::Interval(*sum),
            (Inner::Bool(v), _) => Datum::Bool(*v),
            (Inner::Bits(v), _) => Datum::Int(*v),
            (Inner::Plain(datum), _) => *datum,
            (Inner::Held(constant), _) => call.arena.copy(&constant.as_datum()),
            (Inner::Text(text), _) => call.text(text),
            (Inner::List { bytes, .. }, Kind::Bytes) => call.bytes(bytes),
            (Inner::List { bytes, count, depth }, Kind::Array) => {
                finish_array(call, bytes, *count, *depth)?
            }
            (Inner::List { bytes, count, .. }, kind) => {
                finish_json(call, bytes, *count, kind == Kind::JsonObject)?
            }
            (Inner::Moments(moments), Kind::AverageFloat8) => Datum::Float(moments.mean()),
            (Inner::Moments(moments), Kind::Float(spread)) => moments.spread(spread),
            (Inner::Moments(_), _) => Datum::Null,
            (Inner::Powers(powers), Kind::Exact(spread)) => match powers.spread(spread)? {
                Some(n) => call.decimal(n),
                None => Datum::Null,
            },
            (Inner::Powers(_), _) => Datum::Null,
            (Inner::Pair(moments), Kind::Pair(result)) => moments.result(result),
            (Inner::Pair(_), _) => Datum::Null,
        })
    }
}

fn add_exact(inner: &mut Inner, row: &[Datum<'_>]) -> Result<()> {
    match (&mut *inner, row.at(0)) {
        (Inner::Whole { sum, count }, Datum::Int(n)) => {
            // 2^63 rows of 2^63 do not leave 128 bits.
            *sum += i128::from(n);
            *count += 1;
        }
        (Inner::Nothing, Datum::Int(n)) => *inner = Inner::Whole { sum: n.into(), count: 1 },
        (Inner::Exact(exact), Datum::Decimal(n)) => {
            exact.sum = exact.sum.add(n).map_err(numeric::failed)?;
            exact.count += 1;
        }
        (Inner::Nothing, _) => {
            let sum = row.decimal(0)?.clone();
            *inner = Inner::Exact(Box::new(ExactSum { sum, count: 1 }));
        }
        _ => return Err(Error::internal("an aggregate given two kinds of number")),
    }
    Ok(())
}

fn add_float4(inner: &mut Inner, n: f32) -> Result<()> {
    *inner = Inner::Float4(match *inner {
        Inner::Float4(sum) => {
            let next = sum + n;
            if next.is_infinite() && sum.is_finite() && n.is_finite() {
                return Err(float::overflow());
            }
            next
        }
        _ => n,
    });
    Ok(())
}

fn add_float8(inner: &mut Inner, n: f64) -> Result<()> {
    *inner = Inner::Float8(match *inner {
        Inner::Float8(sum) => {
            let next = sum + n;
            if next.is_infinite() && sum.is_finite() && n.is_finite() {
                return Err(float::overflow());
            }
            next
        }
        _ => n,
    });
    Ok(())
}

fn add_interval(inner: &mut Inner, n: Interval) -> Result<()> {
    *inner = match *inner {
        Inner::Interval { sum, count } => {
            Inner::Interval { sum: super::time::add(sum, n)?, count: count + 1 }
        }
        _ => Inner::Interval { sum: n, count: 1 },
    };
    Ok(())
}

/// Keeps the value if it is `wanted` against the one kept.
fn keep_if(inner: &mut Inner, row: &[Datum<'_>], wanted: Ordering) -> Result<()> {
    let value = row.at(0);
    let better = match inner {
        Inner::Plain(kept) => datum_order::order(&value, kept) == wanted,
        Inner::Held(kept) => datum_order::order(&value, &kept.as_datum()) == wanted,
        _ => true,
    };
    if better {
        *inner = match value {
            Datum::Int(v) => Inner::Plain(Datum::Int(v)),
            Datum::Float(v) => Inner::Plain(Datum::Float(v)),
            Datum::Float32(v) => Inner::Plain(Datum::Float32(v)),
            Datum::Date(v) => Inner::Plain(Datum::Date(v)),
            Datum::Timestamp(v) => Inner::Plain(Datum::Timestamp(v)),
            Datum::TimestampTz(v) => Inner::Plain(Datum::TimestampTz(v)),
            value => Inner::Held(Constant::new(&value)?),
        };
    }
    Ok(())
}

fn fold_bool(inner: &mut Inner, value: bool, with: fn(bool, bool) -> bool) {
    *inner = Inner::Bool(match *inner {
        Inner::Bool(kept) => with(kept, value),
        _ => value,
    });
}

fn fold_bits(inner: &mut Inner, value: i64, with: fn(i64, i64) -> i64) {
    *inner = Inner::Bits(match *inner {
        Inner::Bits(kept) => with(kept, value),
        _ => value,
    });
}

/// The delimiter comes before the value, and not before the first; NULL values are left out.
fn add_text(inner: &mut Inner, row: &[Datum<'_>]) -> Result<()> {
    if row.null(0) {
        return Ok(());
    }
    if let Inner::Text(text) = inner {
        if !row.null(1) {
            text.push_str(row.text(1)?);
        }
        text.push_str(row.text(0)?);
    } else {
        *inner = Inner::Text(row.text(0)?.to_owned());
    }
    Ok(())
}

fn add_bytes(inner: &mut Inner, row: &[Datum<'_>]) -> Result<()> {
    if row.null(0) {
        return Ok(());
    }
    if let Inner::List { bytes, .. } = inner {
        if !row.null(1) {
            bytes.extend_from_slice(row.bytes(1)?);
        }
        bytes.extend_from_slice(row.bytes(0)?);
    } else {
        *inner = Inner::List { bytes: row.bytes(0)?.to_vec(), count: 1, depth: false };
    }
    Ok(())
}

/// The list's bytes, made where there is none yet.
fn list(inner: &mut Inner) -> Result<(&mut Vec<u8>, &mut usize, &mut bool)> {
    if matches!(inner, Inner::Nothing) {
        *inner = Inner::List { bytes: Vec::new(), count: 0, depth: false };
    }
    match inner {
        Inner::List { bytes, count, depth } => Ok((bytes, count, depth)),
        _ => Err(Error::internal("a state of another aggregate")),
    }
}

/// Elements one after the other; their head comes at the end, when the count is known.
fn add_element(inner: &mut Inner, row: &[Datum<'_>], ty: Type) -> Result<()> {
    let (bytes, count, depth) = list(inner)?;
    let value = row.at(0);
    if ty.array {
        *depth = true;
        if value.is_null() {
            let message = "cannot accumulate null arrays";
            return Err(Error::new(ErrorKind::Type, "22004", message));
        }
    }
    array::encode_element(&mut Encoder::new(bytes), &value, ty.scalar)?;
    *count += 1;
    Ok(())
}

fn with_head(bytes: &[u8], head: impl FnOnce(&mut Encoder<'_>)) -> Vec<u8> {
    let mut whole = Vec::with_capacity(bytes.len() + 9);
    head(&mut Encoder::new(&mut whole));
    whole.extend_from_slice(bytes);
    whole
}

fn finish_array<'a>(
    call: &Call<'a, '_>,
    bytes: &[u8],
    count: usize,
    nested: bool,
) -> Result<Datum<'a>> {
    let whole = with_head(bytes, |out| out.array(count));
    if !nested {
        return Ok(call.array(&whole));
    }
    let arrays: Vec<Datum<'_>> = value::Raw::new(&whole)
        .elements()
        .map(|element| element.map(Datum::Array).map_err(array::damaged))
        .collect::<Result<_>>()?;
    let first = arrays.first().map(|first| match first {
        Datum::Array(raw) => array::dimensions(*raw, Scalar::Text),
        _ => Vec::new(),
    });
    let problem = |message: &'static str| Error::new(ErrorKind::Type, "2202E", message);
    if first.is_some_and(|shape| shape.is_empty()) {
        return Err(problem("cannot accumulate empty arrays"));
    }
    let nested = array::nest(&arrays)
        .map_err(|_| problem("cannot accumulate arrays of different dimensionality"))?;
    Ok(call.array(&nested))
}

fn add_json(inner: &mut Inner, call: &Call<'_, '_>, row: &[Datum<'_>]) -> Result<()> {
    let (bytes, count, _) = list(inner)?;
    json::encode(&mut Encoder::new(bytes), call, &row.at(0), call.ty(0))?;
    *count += 1;
    Ok(())
}

fn add_field(inner: &mut Inner, call: &Call<'_, '_>, row: &[Datum<'_>]) -> Result<()> {
    let (bytes, count, _) = list(inner)?;
    if row.null(0) {
        return Err(Error::new(ErrorKind::Type, "22023", "field name must not be null"));
    }
    let name = crate::cast::output_string(call.session(), call.ty(0), -1, &row.at(0))?;
    let mut out = Encoder::new(bytes);
    out.text(&name);
    json::encode(&mut out, call, &row.at(1), call.ty(1))?;
    *count += 1;
    Ok(())
}

fn finish_json<'a>(
    call: &Call<'a, '_>,
    bytes: &[u8],
    count: usize,
    object: bool,
) -> Result<Datum<'a>> {
    if !object {
        return Ok(call.json(&with_head(bytes, |out| out.array(count))));
    }
    // Names and values in turn, and a name may have come twice: the last one stays.
    let list = with_head(bytes, |out| out.array(count * 2));
    let items: Vec<value::Raw<'_>> = value::Raw::new(&list)
        .elements()
        .collect::<std::result::Result<_, _>>()
        .map_err(array::damaged)?;
    let pairs = items.chunks_exact(2).filter_map(|pair| match pair {
        [name, value] => Some((name.as_str()?, *value)),
        _ => None,
    });
    Ok(call.json(&json::object(&mut pairs.collect::<Vec<_>>())?))
}

fn add_moment(inner: &mut Inner, n: f64) -> Result<()> {
    match inner {
        Inner::Moments(moments) => moments.add(n),
        inner => {
            let mut moments = Moments::default();
            moments.add(n)?;
            *inner = Inner::Moments(moments);
            Ok(())
        }
    }
}

fn add_powers(inner: &mut Inner, row: &[Datum<'_>]) -> Result<()> {
    let n = match row.at(0) {
        Datum::Int(n) => numeric::from_int(n),
        _ => row.decimal(0)?.clone(),
    };
    match inner {
        Inner::Powers(powers) => powers.add(&n),
        inner => {
            let mut powers = Powers::default();
            powers.add(&n)?;
            *inner = Inner::Powers(Box::new(powers));
            Ok(())
        }
    }
}

fn add_pair(inner: &mut Inner, y: f64, x: f64) -> Result<()> {
    match inner {
        Inner::Pair(moments) => moments.add(y, x),
        inner => {
            let mut moments = PairMoments::default();
            moments.add(y, x)?;
            *inner = Inner::Pair(Box::new(moments));
            Ok(())
        }
    }
}

const fn a(
    id: &'static str,
    name: &'static str,
    arguments: &'static [Type],
    result: Type,
    kind: Kind,
) -> Aggregate {
    Aggregate::new(id, name, arguments, result, kind)
}

macro_rules! extremes {
    ($($tag:literal $ty:expr;)*) => { &[$(
        a(concat!("sql.min_", $tag), "min", &[$ty], $ty, Kind::Least),
        a(concat!("sql.max_", $tag), "max", &[$ty], $ty, Kind::Greatest),
    )*] };
}

static EXTREMES: &[Aggregate] = extremes! {
    "int2" INT2; "int4" INT4; "int8" INT8; "uint8" UINT8; "float4" FLOAT4; "float8" FLOAT8;
    "numeric" NUMERIC; "text" TEXT; "bpchar" BPCHAR; "date" DATE; "time" TIME;
    "timestamp" TIMESTAMP;
    "timestamptz" TIMESTAMPTZ; "interval" INTERVAL; "oid" OID; "tid" TID; "pg_lsn" PG_LSN;
    "objectid" OBJECTID;
};

const SAMPLE: Spread = Spread { population: false, root: false };
const POPULATION: Spread = Spread { population: true, root: false };
const SAMPLE_ROOT: Spread = Spread { population: false, root: true };
const POPULATION_ROOT: Spread = Spread { population: true, root: true };

macro_rules! spreads {
    ($($tag:literal $ty:ident $result:ident $kind:ident;)*) => { &[$(
        a(concat!("sql.variance_", $tag), "variance", &[$ty], $result, Kind::$kind(SAMPLE)),
        a(concat!("sql.var_samp_", $tag), "var_samp", &[$ty], $result, Kind::$kind(SAMPLE)),
        a(concat!("sql.var_pop_", $tag), "var_pop", &[$ty], $result, Kind::$kind(POPULATION)),
        a(concat!("sql.stddev_", $tag), "stddev", &[$ty], $result, Kind::$kind(SAMPLE_ROOT)),
        a(concat!("sql.stddev_samp_", $tag), "stddev_samp", &[$ty], $result,
            Kind::$kind(SAMPLE_ROOT)),
        a(concat!("sql.stddev_pop_", $tag), "stddev_pop", &[$ty], $result,
            Kind::$kind(POPULATION_ROOT)),
    )*] };
}

static SPREADS: &[Aggregate] = spreads! {
    "int2" INT2 NUMERIC Exact;
    "int4" INT4 NUMERIC Exact;
    "int8" INT8 NUMERIC Exact;
    "numeric" NUMERIC NUMERIC Exact;
    "float4" FLOAT4 FLOAT8 Float;
    "float8" FLOAT8 FLOAT8 Float;
};

static OTHERS: &[Aggregate] = &[
    a("sql.count_all", "count", &[], INT8, Kind::Count).with_nulls(),
    a("sql.count", "count", &[ANY], INT8, Kind::Count).each(),
    a("sql.sum_int2", "sum", &[INT2], INT8, Kind::SumInt8),
    a("sql.sum_int4", "sum", &[INT4], INT8, Kind::SumInt8),
    a("sql.sum_int8", "sum", &[INT8], NUMERIC, Kind::SumNumeric),
    a("sql.sum_numeric", "sum", &[NUMERIC], NUMERIC, Kind::SumNumeric),
    a("sql.sum_float4", "sum", &[FLOAT4], FLOAT4, Kind::SumFloat4),
    a("sql.sum_float8", "sum", &[FLOAT8], FLOAT8, Kind::SumFloat8),
    a("sql.sum_interval", "sum", &[INTERVAL], INTERVAL, Kind::SumInterval),
    a("sql.avg_int2", "avg", &[INT2], NUMERIC, Kind::AverageNumeric),
    a("sql.avg_int4", "avg", &[INT4], NUMERIC, Kind::AverageNumeric),
    a("sql.avg_int8", "avg", &[INT8], NUMERIC, Kind::AverageNumeric),
    a("sql.avg_numeric", "avg", &[NUMERIC], NUMERIC, Kind::AverageNumeric),
    a("sql.avg_float4", "avg", &[FLOAT4], FLOAT8, Kind::AverageFloat8),
    a("sql.avg_float8", "avg", &[FLOAT8], FLOAT8, Kind::AverageFloat8),
    a("sql.avg_interval", "avg", &[INTERVAL], INTERVAL, Kind::AverageInterval),
    a("sql.min_array", "min", &[ANYARRAY], ANYARRAY, Kind::Least).element(),
    a("sql.max_array", "max", &[ANYARRAY], ANYARRAY, Kind::Greatest).element(),
    a("sql.bool_and", "bool_and", &[BOOL], BOOL, Kind::And),
    a("sql.every", "every", &[BOOL], BOOL, Kind::And),
    a("sql.bool_or", "bool_or", &[BOOL], BOOL, Kind::Or),
    a("sql.bit_and_int2", "bit_and", &[INT2], INT2, Kind::BitAnd),
    a("sql.bit_and_int4", "bit_and", &[INT4], INT4, Kind::BitAnd),
    a("sql.bit_and_int8", "bit_and", &[INT8], INT8, Kind::BitAnd),
    a("sql.bit_or_int2", "bit_or", &[INT2], INT2, Kind::BitOr),
    a("sql.bit_or_int4", "bit_or", &[INT4], INT4, Kind::BitOr),
    a("sql.bit_or_int8", "bit_or", &[INT8], INT8, Kind::BitOr),
    a("sql.bit_xor_int2", "bit_xor", &[INT2], INT2, Kind::BitXor),
    a("sql.bit_xor_int4", "bit_xor", &[INT4], INT4, Kind::BitXor),
    a("sql.bit_xor_int8", "bit_xor", &[INT8], INT8, Kind::BitXor),
    a("sql.string_agg", "string_agg", &[TEXT, TEXT], TEXT, Kind::Text).with_nulls(),
    a("sql.string_agg_bytea", "string_agg", &[BYTEA, BYTEA], BYTEA, Kind::Bytes).with_nulls(),
    a("sql.array_agg", "array_agg", &[ANY], ANYARRAY, Kind::Array).element().with_nulls(),
    a("sql.array_agg_array", "array_agg", &[ANYARRAY], ANYARRAY, Kind::Array)
        .element()
        .with_nulls(),
    a("sql.json_agg", "json_agg", &[ANY], JSON, Kind::Json).each().with_nulls(),
    a("sql.jsonb_agg", "jsonb_agg", &[ANY], JSONB, Kind::Json).each().with_nulls(),
    a("sql.json_object_agg", "json_object_agg", &[ANY, ANY], JSON, Kind::JsonObject)
        .each()
        .with_nulls(),
    a("sql.jsonb_object_agg", "jsonb_object_agg", &[ANY, ANY], JSONB, Kind::JsonObject)
        .each()
        .with_nulls(),
];

type Names = HashMap<&'static str, Vec<&'static Aggregate>, foldhash::fast::FixedState>;

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let mut names = Names::default();
    for aggregate in all_aggregates() {
        names.entry(aggregate.name).or_default().push(aggregate);
    }
    names
});

/// Every aggregate.
pub fn all_aggregates() -> impl Iterator<Item = &'static Aggregate> {
    let pairs = super::statistics::PAIRS.iter();
    OTHERS.iter().chain(EXTREMES).chain(SPREADS).chain(pairs)
}

/// The aggregates of a name.
pub fn aggregates(name: &str) -> &'static [&'static Aggregate] {
    NAMES.get(name).map_or(&[], Vec::as_slice)
}

/// An aggregate of two doubles, for the statistics.
pub(super) const fn of_pair(
    id: &'static str,
    name: &'static str,
    result: Type,
    kind: super::statistics::PairResult,
) -> Aggregate {
    Aggregate::new(id, name, &[FLOAT8, FLOAT8], result, Kind::Pair(kind))
}
