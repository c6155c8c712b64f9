//! The tables are well formed, and PostgreSQL's surface is known: every operator, function,
//! aggregate and cast of it for our types is listed in tests/surface as `done` or `later`.

use std::collections::BTreeSet;
use std::path::Path;

use query::cast::{self, CASTS};
use query::function;
use query::{Arena, Datum, Scalar, Type};

use crate::session::Fixed;

#[test]
fn ids_are_unique() {
    let mut seen = BTreeSet::new();
    let sets = function::all_set_functions().map(|f| f.id);
    let aggregates = function::all_aggregates().map(|a| a.id);
    for id in function::all().map(|f| f.id).chain(sets).chain(aggregates) {
        assert!(seen.insert(id), "{id} occurs twice");
        assert!(id.starts_with("sql."), "{id} names no language");
    }
}

#[test]
fn no_two_entries_have_one_signature() {
    let mut seen = BTreeSet::new();
    for function in function::all() {
        // The functions of casts are found by their ids.
        if cast::is_cast(function) {
            continue;
        }
        let key = (function.name, function.arguments, function.variadic, function.generic as u8);
        assert!(seen.insert(format!("{key:?}")), "{} repeats a signature", function.id);
    }
}

#[test]
fn every_cast_has_its_function() {
    for entry in CASTS {
        let found = cast::find(entry.from, entry.to);
        assert!(found.is_some(), "{:?} to {:?}", entry.from, entry.to);
        if let Some(id) = entry.function {
            assert!(function::by_id(id).is_some(), "{id} does not exist");
        }
    }
}

#[test]
fn every_type_has_text_in_and_out() {
    let session = Fixed::utc();
    let arena = Arena::new();
    for scalar in Scalar::all() {
        let ty = Type::of(scalar);
        for datum in [Datum::Null, sample(scalar)] {
            let text = cast::output_string(&session, ty, -1, &datum).expect("output");
            if datum.is_null() || matches!(scalar, Scalar::Record | Scalar::Void) {
                continue;
            }
            let back = cast::input(&session, ty, &text, -1, &arena);
            let back = back.unwrap_or_else(|error| panic!("{scalar:?} {text}: {error}"));
            let again = cast::output_string(&session, ty, -1, &back).expect("output");
            assert_eq!(text, again, "{scalar:?}");
        }
    }
}

fn sample(scalar: Scalar) -> Datum<'static> {
    use Scalar::*;
    static ONE: value::Decimal = value::Decimal::ONE;
    match scalar {
        Bool => Datum::Bool(true),
        Int1 | Int2 | Int4 | Int8 | UInt1 | UInt2 | UInt4 | UInt8 | Oid | Xid => Datum::Int(7),
        Regclass | Regproc | Regnamespace | Regrole => Datum::Int(7),
        Regtype => Datum::Int(23),
        Float4 => Datum::Float32(1.5),
        Float8 => Datum::Float(1.5),
        Numeric => Datum::Decimal(&ONE),
        Bytea => Datum::Bytes(&[1, 255]),
        Date => Datum::Date(1),
        Time => Datum::Time(1),
        Timestamp => Datum::Timestamp(1),
        TimestampTz => Datum::TimestampTz(1),
        Interval => Datum::Interval(value::Interval { months: 1, days: 2, micros: 3 }),
        Uuid => Datum::Uuid([1; 16]),
        ObjectId => Datum::ObjectId([1; 12]),
        Json | Jsonb | Any => Datum::Json(value::Raw::new(&[0x82, 1, 2])),
        Int2Vector | OidVector => Datum::Array(value::Raw::new(&[0x82, 1, 2])),
        Void => Datum::Null,
        _ => Datum::Text("x"),
    }
}

fn listed(file: &str) -> Vec<(String, bool)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/surface").join(file);
    let text = std::fs::read_to_string(path).expect("a surface file");
    let line = |line: &str| match line.split_once(' ') {
        Some(("done", what)) => (what.to_owned(), true),
        Some(("later", what)) => (what.to_owned(), false),
        _ => panic!("{file}: {line}"),
    };
    text.lines().filter(|line| !line.starts_with('#')).map(line).collect()
}

/// `name(type,type)`, as the lists have it.
fn signature(name: &str, arguments: &[Type]) -> String {
    let names: Vec<String> = arguments.iter().map(|ty| type_name(*ty)).collect();
    format!("{name}({})", names.join(","))
}

fn type_name(ty: Type) -> String {
    let name = if ty.scalar == Scalar::Any { "any" } else { ty.scalar.name() };
    if ty.array { format!("{name}[]") } else { name.to_owned() }
}

fn compare(file: &str, ours: &BTreeSet<String>) {
    let mut wrong = Vec::new();
    for (what, done) in listed(file) {
        if ours.contains(&what) != done {
            wrong
                .push(format!("{} {what}", if done { "missing" } else { "exists, listed later:" }));
        }
    }
    assert!(wrong.is_empty(), "{file}: {}\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn operators_are_listed() {
    let ours = function::all().filter(|f| f.is_operator()).map(|f| signature(f.name, f.arguments));
    compare("operators.txt", &ours.collect());
}

#[test]
fn functions_are_listed() {
    let scalar =
        function::all().filter(|f| !f.is_operator()).map(|f| signature(f.name, f.arguments));
    let sets = function::all_set_functions().map(|f| signature(f.name, f.arguments));
    compare("functions.txt", &scalar.chain(sets).collect());
}

#[test]
fn aggregates_are_listed() {
    let ours = function::all_aggregates().map(|a| signature(a.name, a.arguments));
    compare("aggregates.txt", &ours.collect());
}

#[test]
fn casts_are_listed() {
    let ours = CASTS.iter().map(|cast| {
        let context = match cast.context {
            cast::CastContext::Implicit => "implicit",
            cast::CastContext::Assignment => "assignment",
            cast::CastContext::Explicit => "explicit",
        };
        format!("{} {} {context}", type_name(cast.from), type_name(cast.to))
    });
    compare("casts.txt", &ours.collect());
}

/// Our signatures, for tests/generate/surface.py: `HAVE=file cargo test … have -- --ignored`.
#[test]
#[ignore = "writes a file for the generator"]
fn have() {
    let casts = CASTS.iter().map(|cast| {
        let context = format!("{:?}", cast.context).to_lowercase();
        format!("{} {} {context}", type_name(cast.from), type_name(cast.to))
    });
    let lines: Vec<String> = function::all()
        .map(|f| signature(f.name, f.arguments))
        .chain(function::all_set_functions().map(|f| signature(f.name, f.arguments)))
        .chain(function::all_aggregates().map(|a| signature(a.name, a.arguments)))
        .chain(casts)
        .collect();
    let file = std::env::var("HAVE").expect("HAVE names a file");
    std::fs::write(file, lines.join("\n")).expect("a file");
}
