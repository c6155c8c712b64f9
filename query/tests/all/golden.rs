//! Calls recorded from PostgreSQL 15 (tests/golden, made by tests/generate/golden.py), replayed.
//!
//! A line is a call, its arguments as `type:text`, and the answer: `=text`, `=\N` for NULL, or
//! `!SQLSTATE message`. What differs on purpose stands in tests/golden/differences, one
//! `file<TAB>//! prefix` each with its reason above it.

use std::path::{Path, PathBuf};

use query::cast::{self, CastContext};
use query::expression::{Constant, Context, Expression, Node};
use query::function::{self, Function, Generic};
use query::{Arena, Datum, Error, Scalar, Type};

use crate::session::Fixed;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Undoes COPY's escapes; `None` is NULL.
fn unescape(text: &str) -> Option<String> {
    if text == "\\N" {
        return None;
    }
    let mut made = String::new();
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match (c, c == '\\') {
            (_, false) => made.push(c),
            _ => match characters.next() {
                Some('t') => made.push('\t'),
                Some('n') => made.push('\n'),
                Some('r') => made.push('\r'),
                Some(other) => made.push(other),
                None => {}
            },
        }
    }
    Some(made)
}

fn type_of(name: &str) -> (Type, i32) {
    if let Some(element) = name.strip_prefix('_') {
        let (ty, modifier) = cast::registered::type_named(element).expect(name);
        return (Type::array_of(ty.scalar), modifier);
    }
    let (ty, modifier) = cast::registered::type_named(name).expect(name);
    // A bare `char` in the files is written `bpchar`.
    (ty, modifier)
}

fn constant(datum: Datum<'_>, ty: Type) -> Expression {
    Expression::constant(Constant::new(&datum).expect("a constant"), ty)
}

/// The entry that PostgreSQL's rules would choose, in the simple cases that the files have.
fn choose(name: &str, types: &[Type]) -> Option<&'static Function> {
    let symbol = name.bytes().all(|b| !b.is_ascii_alphanumeric() && b != b'_');
    let candidates = if symbol { function::operators(name) } else { function::functions(name) };
    let exact =
        if symbol { function::operator(name, types) } else { function::function(name, types) };
    exact.or_else(|| {
        let fits = |f: &&&'static Function| {
            f.takes(types.len())
                && types.iter().enumerate().all(|(at, ty)| {
                    let declared = f.argument(at).unwrap_or(Type::UNKNOWN);
                    declared == Type::ANY
                        || declared == Type::array_of(Scalar::Any) && ty.array
                        || cast::allowed(*ty, declared, CastContext::Implicit)
                })
        };
        let fitting: Vec<_> = candidates.iter().filter(fits).collect();
        // A preferred type wins: text, double precision, timestamptz.
        let preferred = |f: &&&&'static Function| {
            f.arguments
                .iter()
                .filter(|ty| {
                    matches!(**ty, Type::TEXT | Type::FLOAT8 | Type::TIMESTAMPTZ | Type::OID)
                })
                .count()
        };
        fitting.iter().max_by_key(preferred).map(|f| **f)
    })
}

fn result_type(function: &Function, types: &[Type]) -> Type {
    if function.generic == Generic::None || function.generic == Generic::Each {
        return function.result;
    }
    let generic = (0..types.len())
        .find(|at| matches!(function.argument(*at), Some(ty) if ty.scalar == Scalar::Any));
    let element = generic.and_then(|at| types.get(at)).map_or(Type::UNKNOWN, |ty| ty.element());
    match function.result {
        Type::ANY => element,
        ty if ty.scalar == Scalar::Any => Type::array_of(element.scalar),
        ty => ty,
    }
}

/// One call, as the binder would build it, run.
fn answer(fields: &[&str], session: &Fixed) -> Result<Option<String>, Error> {
    let arena = Arena::new();
    let name = fields[0];
    let mut arguments = Vec::new();
    for field in &fields[1..] {
        let (ty, text) = field.split_once(':').expect("type:text");
        let (ty, modifier) = type_of(ty);
        let value = match unescape(text) {
            None => Datum::Null,
            Some(text) => {
                let value = cast::input(session, ty, &text, -1, &arena)?;
                let value = constant(value, ty);
                let cast =
                    cast::coerce(value, ty, modifier, CastContext::Explicit).expect("a modifier");
                let context = Context { parameters: &[], session };
                let kept = arena.copy(&cast.eval(&context, &[], &Arena::new())?);
                arguments.push(Expression { modifier, ..constant(kept, ty) });
                continue;
            }
        };
        arguments.push(Expression { modifier, ..constant(value, ty) });
    }
    if let Some(name) = name.strip_prefix("agg:") {
        return aggregated(name, &arguments, session);
    }
    let expression = if let Some(target) = name.strip_prefix("::") {
        let (ty, modifier) = type_of(target);
        let from = arguments[0].ty;
        match cast::coerce(arguments.remove(0), ty, modifier, CastContext::Explicit) {
            Some(expression) => Expression { modifier, ..expression },
            None => {
                let message =
                    format!("cannot cast type {} to {}", from.display(-1), ty.display(-1));
                return Err(Error::new(query::ErrorKind::Type, "42846", message));
            }
        }
    } else if name == "input" {
        arguments.remove(0)
    } else {
        let types: Vec<Type> = arguments.iter().map(|argument| argument.ty).collect();
        let Some(function) = choose(name, &types) else {
            return Err(Error::new(query::ErrorKind::Name, "42883", "no such function"));
        };
        let ty = result_type(function, &types);
        let arguments = arguments
            .into_iter()
            .enumerate()
            .map(|(at, argument)| match function.argument(at) {
                Some(declared) if declared.scalar != Scalar::Any && declared != argument.ty => {
                    cast::coerce(argument, declared, -1, CastContext::Implicit).expect("a cast")
                }
                _ => argument,
            })
            .collect();
        Expression::new(Node::Call { function, arguments }, ty)
    };
    let context = Context { parameters: &[], session };
    let value = expression.eval(&context, &[], &arena)?;
    if value.is_null() {
        return Ok(None);
    }
    cast::output_string(session, expression.ty, expression.modifier, &value).map(Some)
}

/// What a call that PostgreSQL answered was: an entry of our tables or a cast.
pub enum Shown {
    Function(&'static Function),
    Aggregate(&'static function::Aggregate),
    Cast(Type, Type),
}

/// What the calls of a golden file are that were recorded with a result, ours being the same.
pub fn shown(file: &str) -> Vec<Shown> {
    let text = std::fs::read_to_string(folder().join(format!("{file}.txt"))).expect(file);
    let differences = differences();
    let known = |line: &str| differences.iter().any(|(f, part)| f == file && line.contains(part));
    text.lines()
        .filter(|line| !line.starts_with("# ") && !known(line))
        .filter_map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let (wanted, call) = fields.split_last()?;
            wanted.starts_with('=').then(|| shown_by(call)).flatten()
        })
        .collect()
}

fn shown_by(call: &[&str]) -> Option<Shown> {
    let types = call.get(1..)?.iter().map(|field| Some(type_of(field.split_once(':')?.0).0));
    let mut types = types.collect::<Option<Vec<Type>>>()?;
    if let Some(name) = call[0].strip_prefix("agg:") {
        types[0] = types[0].element();
        return aggregate(name, &types).map(Shown::Aggregate);
    }
    match call[0].strip_prefix("::") {
        Some(target) => Some(Shown::Cast(types[0], type_of(target).0)),
        None => choose(call[0], &types).map(Shown::Function),
    }
}

fn aggregate(name: &str, types: &[Type]) -> Option<&'static function::Aggregate> {
    let fits = |a: &&&'static function::Aggregate| {
        a.arguments.len() == types.len()
            && a.arguments
                .iter()
                .zip(types)
                .all(|(declared, ty)| declared == ty || *declared == Type::ANY)
    };
    function::aggregates(name).iter().find(fits).copied()
}

/// An aggregate over the elements of the first argument, the others being the same for each row.
fn aggregated(
    name: &str,
    arguments: &[Expression],
    session: &Fixed,
) -> Result<Option<String>, Error> {
    let mut types: Vec<Type> = arguments.iter().map(|argument| argument.ty).collect();
    types[0] = types[0].element();
    let Some(aggregate) = aggregate(name, &types) else {
        return Err(Error::new(query::ErrorKind::Name, "42883", "no such aggregate"));
    };
    let arena = Arena::new();
    let context = Context { parameters: &[], session };
    let ty = match aggregate.result {
        ty if ty == Type::array_of(Scalar::Any) => Type::array_of(types[0].scalar),
        ty => ty,
    };
    let call = function::Call {
        context: &context,
        arena: &arena,
        modifier: -1,
        result: ty,
        types: function::CallTypes::Listed(&types),
    };
    let mut state = aggregate.begin();
    let values: Vec<Datum<'_>> = arguments
        .iter()
        .map(|argument| argument.eval(&context, &[], &arena))
        .collect::<Result<_, _>>()?;
    let Datum::Array(list) = values[0] else { panic!("an array") };
    for element in function::array::Flat::new(list, types[0].scalar, &arena) {
        let mut row = values.clone();
        row[0] = element?;
        aggregate.add(&mut state, &call, &row)?;
        assert!(state.size() >= size_of::<function::State>());
    }
    let value = aggregate.finish(&state, &call)?;
    if value.is_null() {
        return Ok(None);
    }
    cast::output_string(session, ty, -1, &value).map(Some)
}

/// Functions whose last digits depend on the C library.
const ROUGH: &[&str] = &[
    "cbrt", "||/", "asinh", "acosh", "atanh", "sind", "cosd", "tand", "cotd", "sinh", "cosh",
    "tanh",
];

fn nearly(wanted: &str, got: &str) -> bool {
    match (wanted.parse::<f64>(), got.parse::<f64>()) {
        (Ok(wanted), Ok(got)) => (wanted - got).abs() <= wanted.abs() * 1e-14,
        _ => false,
    }
}

fn same(name: &str, wanted: &str, got: &Result<Option<String>, Error>) -> bool {
    match (wanted.split_at(1), got) {
        (("=", text), Ok(Some(got))) if ROUGH.contains(&name) => text == got || nearly(text, got),
        (("=", text), Ok(got)) => unescape(text) == *got,
        (("!", text), Err(error)) => {
            let (sqlstate, message) = text.split_once(' ').unwrap_or((text, ""));
            let message = unescape(message).unwrap_or_default();
            error.sqlstate == sqlstate && (error.message == message || sqlstate.starts_with("42"))
        }
        _ => false,
    }
}

/// Lines that are known to differ, by file: those that contain the text.
fn differences() -> Vec<(String, String)> {
    let text = std::fs::read_to_string(folder().join("differences")).unwrap_or_default();
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .filter_map(|line| line.split_once('\t'))
        .map(|(file, prefix)| (file.to_owned(), prefix.to_owned()))
        .collect()
}

fn check(file: &str) {
    let text =
        std::fs::read_to_string(folder().join(format!("{file}.txt"))).expect("a golden file");
    let mut session = Fixed::utc();
    let differences = differences();
    let known: Vec<&str> =
        differences.iter().filter(|(f, _)| f == file).map(|(_, prefix)| prefix.as_str()).collect();
    let mut wrong = Vec::new();
    let mut calls = 0;
    for line in text.lines() {
        if let Some(zone) = line.strip_prefix("# zone ") {
            session.zone = zone.to_owned();
            continue;
        }
        if known.iter().any(|prefix| line.contains(prefix)) {
            continue;
        }
        let fields: Vec<&str> = line.split('\t').collect();
        let (wanted, call) = fields.split_last().expect("an answer");
        calls += 1;
        let got = answer(call, &session);
        if !same(call[0], wanted, &got) {
            let got = match got {
                Ok(Some(text)) => format!("={text}"),
                Ok(None) => "=\\N".to_owned(),
                Err(error) => format!("!{} {}", error.sqlstate, error.message),
            };
            wrong.push(format!("{line}\n      got {got}"));
        }
    }
    if let Ok(folder) = std::env::var("GOLDEN_WRONG") {
        std::fs::write(Path::new(&folder).join(file), wrong.join("\n")).expect("a report");
    }
    let shown: Vec<&str> = wrong.iter().take(20).map(String::as_str).collect();
    assert!(wrong.is_empty(), "{} of {calls} differ:\n{}", wrong.len(), shown.join("\n"));
    assert!(calls > 100, "{file} has only {calls} calls");
}

macro_rules! files {
    ($($name:ident)*) => {
        /// The golden files.
        pub const FILES: &[&str] = &[$(stringify!($name)),*];
        $(#[test] fn $name() { check(stringify!($name)); })*
    };
}

files! {
    aggregates arrays casts casts_zone dates
    dates_berlin dates_new_york floats formats inputs integers jsons likes
    numerics orders texts
}
