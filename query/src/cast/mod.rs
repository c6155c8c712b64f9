//! Casts: which type becomes which, when, and by what; and the text forms of every type.
//!
//! ```text
//!   find(from, to) ──► Cast { context, method }
//!                        │        ├ Relabel      same datum, other name (text → varchar)
//!                        │        ├ Function     an entry of the function table (int4 → numeric)
//!                        │        ├ Elements     an array, element by element
//!                        │        └ Text         through the text form (I/O conversion)
//!                        └ implicit < assignment < explicit: the weakest situation that allows it
//!
//!   coerce(expression, to, modifier, situation) ──► expression with the calls put around it
//!   input(type, text) ──► datum        output(type, datum) ──► text
//! ```
//!
//! The list is PostgreSQL's pg_cast for the types that we have; text forms cast explicitly from any
//! type and, on assignment, to any string, as PostgreSQL's I/O conversions do. A type's modifier
//! (length, precision) is applied by a second call, since `varchar(3)` cuts in an explicit cast and
//! refuses in an assignment.
//!
//! A value without schema (`ANY`) becomes a declared type where it is exactly of it, and any type
//! becomes `ANY` as it is (`schemaless.rs`).

mod array_text;
pub mod datetime;
mod input;
mod kernels;
mod output;
pub mod registered;
mod schemaless;

pub use input::{input, invalid_syntax};
pub(crate) use kernels::TABLE;
pub use kernels::{date_to_timestamp, float4_to_numeric, float8_to_numeric};
pub use output::{output, output_string};
pub use schemaless::{compare as compare_any, plain, write_key as write_any_key};

use crate::expression::{Expression, Node};
use crate::function::{Function, by_id};
use crate::{Scalar, Type};

/// Where a cast may happen; the weaker the situation, the fewer casts it allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CastContext {
    /// Anywhere: an operator's argument.
    Implicit,
    /// Storing into a column.
    Assignment,
    /// CAST and `::`.
    Explicit,
}

/// How a cast is done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    /// The datum stays as it is.
    Relabel,
    /// By a function of one argument.
    Function(&'static Function),
}

/// One way from one type to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cast {
    /// The weakest situation that allows it.
    pub context: CastContext,
    /// How.
    pub method: Method,
}

/// A row of pg_cast; no function: binary compatible.
pub struct Entry {
    /// From.
    pub from: Type,
    /// To.
    pub to: Type,
    /// The weakest situation that allows it.
    pub context: CastContext,
    /// The id in the function table.
    pub function: Option<&'static str>,
}

macro_rules! entries {
    ($($from:ident $to:ident $context:ident $($function:literal)?;)*) => { &[$(Entry {
        from: Type::$from,
        to: Type::$to,
        context: CastContext::$context,
        function: entries!(@ $($function)?),
    }),*] };
    (@) => { None };
    (@ $function:literal) => { Some($function) };
}

/// pg_cast, without the casts of a type to itself (see [`coerce`] for modifiers).
pub static CASTS: &[Entry] = entries! {
    BOOL INT4 Explicit "sql.bool_int4";
    BOOL TEXT Assignment "sql.bool_text";
    BOOL VARCHAR Assignment "sql.bool_text";
    BOOL BPCHAR Assignment "sql.bool_text";
    CHAR INT4 Explicit "sql.char_int4";
    CHAR TEXT Implicit;
    CHAR VARCHAR Assignment;
    CHAR BPCHAR Assignment;
    NAME TEXT Implicit;
    NAME VARCHAR Assignment;
    NAME BPCHAR Assignment "sql.text_bpchar";
    INT8 INT2 Assignment "sql.int_int2";
    INT8 INT4 Assignment "sql.int_int4";
    INT8 FLOAT4 Implicit "sql.int_float4";
    INT8 FLOAT8 Implicit "sql.int_float8";
    INT8 NUMERIC Implicit "sql.int_numeric";
    INT8 OID Implicit "sql.int8_oid";
    INT8 REGCLASS Implicit "sql.int8_oid";
    INT8 REGTYPE Implicit "sql.int8_oid";
    INT8 REGPROC Implicit "sql.int8_oid";
    INT8 REGNAMESPACE Implicit "sql.int8_oid";
    INT8 REGROLE Implicit "sql.int8_oid";
    INT2 INT4 Implicit;
    INT2 INT8 Implicit;
    INT2 FLOAT4 Implicit "sql.int_float4";
    INT2 FLOAT8 Implicit "sql.int_float8";
    INT2 NUMERIC Implicit "sql.int_numeric";
    INT2 OID Implicit "sql.int4_oid";
    INT2 REGCLASS Implicit "sql.int4_oid";
    INT2 REGTYPE Implicit "sql.int4_oid";
    INT2 REGPROC Implicit "sql.int4_oid";
    INT2 REGNAMESPACE Implicit "sql.int4_oid";
    INT2 REGROLE Implicit "sql.int4_oid";
    INT4 BOOL Explicit "sql.int4_bool";
    INT4 CHAR Explicit "sql.int4_char";
    INT4 INT8 Implicit;
    INT4 INT2 Assignment "sql.int_int2";
    INT4 FLOAT4 Implicit "sql.int_float4";
    INT4 FLOAT8 Implicit "sql.int_float8";
    INT4 NUMERIC Implicit "sql.int_numeric";
    INT4 OID Implicit "sql.int4_oid";
    INT4 REGCLASS Implicit "sql.int4_oid";
    INT4 REGTYPE Implicit "sql.int4_oid";
    INT4 REGPROC Implicit "sql.int4_oid";
    INT4 REGNAMESPACE Implicit "sql.int4_oid";
    INT4 REGROLE Implicit "sql.int4_oid";
    UINT8 INT2 Assignment "sql.int_int2";
    UINT8 INT4 Assignment "sql.int_int4";
    UINT8 INT8 Assignment "sql.int_int8";
    UINT8 NUMERIC Implicit "sql.int_numeric";
    UINT8 FLOAT8 Implicit "sql.int_float8";
    INT2 UINT8 Implicit "sql.int_uint8";
    INT4 UINT8 Implicit "sql.int_uint8";
    INT8 UINT8 Implicit "sql.int_uint8";
    NUMERIC UINT8 Assignment "sql.numeric_uint8";
    REGPROC INT8 Assignment;
    REGPROC INT4 Assignment "sql.oid_int4";
    REGPROC OID Implicit;
    REGCLASS INT8 Assignment;
    REGCLASS INT4 Assignment "sql.oid_int4";
    REGCLASS OID Implicit;
    REGTYPE INT8 Assignment;
    REGTYPE INT4 Assignment "sql.oid_int4";
    REGTYPE OID Implicit;
    REGNAMESPACE INT8 Assignment;
    REGNAMESPACE INT4 Assignment "sql.oid_int4";
    REGNAMESPACE OID Implicit;
    REGROLE INT8 Assignment;
    REGROLE INT4 Assignment "sql.oid_int4";
    REGROLE OID Implicit;
    OID INT8 Assignment;
    OID INT4 Assignment "sql.oid_int4";
    OID REGPROC Implicit;
    OID REGCLASS Implicit;
    OID REGTYPE Implicit;
    OID REGNAMESPACE Implicit;
    OID REGROLE Implicit;
    TEXT CHAR Assignment "sql.text_char";
    TEXT NAME Implicit "sql.text_name";
    TEXT BPCHAR Implicit "sql.text_bpchar";
    TEXT VARCHAR Implicit;
    TEXT REGCLASS Implicit "sql.text_regclass";
    BPCHAR CHAR Assignment "sql.text_char";
    BPCHAR NAME Implicit "sql.text_name";
    BPCHAR TEXT Implicit;
    BPCHAR VARCHAR Implicit;
    VARCHAR CHAR Assignment "sql.text_char";
    VARCHAR NAME Implicit "sql.text_name";
    VARCHAR TEXT Implicit;
    VARCHAR BPCHAR Implicit "sql.text_bpchar";
    VARCHAR REGCLASS Implicit "sql.text_regclass";
    FLOAT4 INT8 Assignment "sql.float4_int8";
    FLOAT4 INT2 Assignment "sql.float4_int2";
    FLOAT4 INT4 Assignment "sql.float4_int4";
    FLOAT4 FLOAT8 Implicit "sql.float4_float8";
    FLOAT4 NUMERIC Assignment "sql.float4_numeric";
    FLOAT8 INT8 Assignment "sql.float8_int8";
    FLOAT8 INT2 Assignment "sql.float8_int2";
    FLOAT8 INT4 Assignment "sql.float8_int4";
    FLOAT8 FLOAT4 Assignment "sql.float8_float4";
    FLOAT8 NUMERIC Assignment "sql.float8_numeric";
    NUMERIC INT8 Assignment "sql.numeric_int8";
    NUMERIC INT2 Assignment "sql.numeric_int2";
    NUMERIC INT4 Assignment "sql.numeric_int4";
    NUMERIC FLOAT4 Implicit "sql.numeric_float4";
    NUMERIC FLOAT8 Implicit "sql.numeric_float8";
    DATE TIMESTAMP Implicit "sql.date_timestamp";
    DATE TIMESTAMPTZ Implicit "sql.date_timestamptz";
    TIME INTERVAL Implicit "sql.time_interval";
    TIMESTAMP DATE Assignment "sql.timestamp_date";
    TIMESTAMP TIME Assignment "sql.timestamp_time";
    TIMESTAMP TIMESTAMPTZ Implicit "sql.timestamp_timestamptz";
    TIMESTAMPTZ DATE Assignment "sql.timestamptz_date";
    TIMESTAMPTZ TIME Assignment "sql.timestamptz_time";
    TIMESTAMPTZ TIMESTAMP Assignment "sql.timestamptz_timestamp";
    INTERVAL TIME Assignment "sql.interval_time";
    JSON JSONB Assignment;
    JSONB JSON Assignment;
    JSONB BOOL Explicit "sql.jsonb_bool";
    JSONB INT8 Explicit "sql.jsonb_int8";
    JSONB INT2 Explicit "sql.jsonb_int2";
    JSONB INT4 Explicit "sql.jsonb_int4";
    JSONB FLOAT4 Explicit "sql.jsonb_float4";
    JSONB FLOAT8 Explicit "sql.jsonb_float8";
    JSONB NUMERIC Explicit "sql.jsonb_numeric";
    PG_NODE_TREE TEXT Implicit;
};

fn entry(id: &str) -> Option<Method> {
    by_id(id).map(Method::Function)
}

/// The way from one type to another, if there is one.
pub fn find(from: Type, to: Type) -> Option<Cast> {
    use CastContext::*;
    let cast = |context, method| Some(Cast { context, method });
    if from == to {
        return cast(Implicit, Method::Relabel);
    }
    if from == Type::UNKNOWN {
        return cast(Implicit, entry(input_of(to))?);
    }
    if from == Type::ANY || to == Type::ANY {
        let context = if to == Type::ANY { Implicit } else { Assignment };
        return cast(context, entry(if to == Type::ANY { "sql.to_any" } else { "sql.from_any" })?);
    }
    if let Some(found) = CASTS.iter().find(|entry| entry.from == from && entry.to == to) {
        let method = match found.function {
            None => Method::Relabel,
            Some(id) => entry(id)?,
        };
        return cast(found.context, method);
    }
    if from.array && to.array {
        return elements(from, to);
    }
    if is_text(to) {
        return cast(Assignment, entry("sql.output_text")?);
    }
    if is_text(from) {
        return cast(Explicit, entry(input_of(to))?);
    }
    vectors(from, to)
}

/// The entry that reads a text as a value of a type: what the text says may depend on settings, on
/// the time or on the catalogue, but for these it does not, and an index may be made of it.
fn input_of(ty: Type) -> &'static str {
    use Scalar::*;
    match ty.scalar {
        Bool | Int2 | Int4 | Int8 | Float4 | Float8 | Numeric | Text | Varchar | Bpchar | Name
        | Bytea | Uuid | Json | Jsonb => "sql.text_input_fixed",
        _ => "sql.text_input",
    }
}

/// A string type that I/O conversions go through.
fn is_text(ty: Type) -> bool {
    !ty.array && matches!(ty.scalar, Scalar::Text | Scalar::Varchar | Scalar::Bpchar | Scalar::Name)
}

/// An array is cast as its elements are.
fn elements(from: Type, to: Type) -> Option<Cast> {
    let inner = find(from.element(), to.element())?;
    let method = match inner.method {
        Method::Relabel => Method::Relabel,
        Method::Function(_) => entry("sql.array_elements")?,
    };
    Some(Cast { context: inner.context, method })
}

/// The catalogue's vectors are arrays already.
fn vectors(from: Type, to: Type) -> Option<Cast> {
    let known = match from {
        Type::INT2VECTOR => to == Type::array_of(Scalar::Int2),
        Type::OIDVECTOR => to == Type::array_of(Scalar::Oid),
        _ => false,
    };
    known.then_some(Cast { context: CastContext::Implicit, method: Method::Relabel })
}

/// Whether values of a type may stand where another is asked for, in a situation.
pub fn allowed(from: Type, to: Type, situation: CastContext) -> bool {
    find(from, to).is_some_and(|cast| cast.context <= situation)
}

/// Puts the casts around an expression that make it of a type and modifier; `None` where the
/// situation does not allow one. Constants are not folded: the caller decides that.
pub fn coerce(
    expression: Expression,
    to: Type,
    modifier: i32,
    situation: CastContext,
) -> Option<Expression> {
    let cast = find(expression.ty, to)?;
    if cast.context > situation {
        return None;
    }
    let already = expression.ty == to && expression.modifier == modifier;
    let mut made = match cast.method {
        Method::Relabel => expression,
        Method::Function(function) => wrap(expression, function, to, -1),
    };
    if !matches!(cast.method, Method::Relabel) || made.ty != to {
        made = relabel(made, to);
    }
    if modifier < 0 || already || !has_modifier(to) {
        made.modifier = if already { modifier } else { -1 };
        return Some(made);
    }
    let explicit = situation == CastContext::Explicit;
    let id = if explicit { "sql.fit_explicit" } else { "sql.fit" };
    Some(wrap(made, by_id(id)?, to, modifier))
}

/// Whether a type's modifier says anything.
pub fn has_modifier(ty: Type) -> bool {
    use Scalar::*;
    matches!(ty.scalar, Varchar | Bpchar | Numeric | Time | Timestamp | TimestampTz | Interval)
}

fn wrap(inner: Expression, function: &'static Function, ty: Type, modifier: i32) -> Expression {
    let offset = inner.offset;
    let node = Node::Call { function, arguments: vec![inner] };
    Expression { node, ty, modifier, offset }
}

/// The same value under another type.
fn relabel(expression: Expression, ty: Type) -> Expression {
    if expression.ty == ty {
        return expression;
    }
    match by_id("sql.relabel") {
        // The node keeps its own type, since kernels below ask for the types of what they are
        // given.
        Some(function) => wrap(expression, function, ty, -1),
        None => Expression { ty, ..expression },
    }
}

/// Whether an entry exists for casts only.
pub fn is_cast(function: &Function) -> bool {
    TABLE.iter().any(|entry| entry.id == function.id)
}
