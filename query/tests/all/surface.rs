//! The tables are well formed, and they are what the lists of PostgreSQL's surface say: every
//! operator, function, aggregate and cast of it stands in `tests/surface` as `done`, with the
//! recorded calls that show it, or as `later`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use query::cast::{self, CASTS};
use query::function::{self, Function};
use query::{Arena, Datum, Scalar, Type};

use crate::golden::{self, Shown};
use crate::session::Fixed;

#[test]
fn ids_are_unique() {
    let mut seen = BTreeSet::new();
    let sets = function::all_set_functions().map(|f| f.id);
    let aggregates = function::all_aggregates().map(|a| a.id);
    for id in function::all().map(|f| f.id).chain(sets).chain(aggregates) {
        assert!(seen.insert(id), "{id} occurs twice");
        let language = ["sql.", "bson."].iter().any(|language| id.starts_with(language));
        assert!(language, "{id} names no language");
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

/// One line of a list of tests/surface: what, whether we have it, and what shows it.
struct Line {
    what: String,
    done: bool,
    script: String,
}

fn listed(file: &str) -> Vec<Line> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/surface").join(file);
    let text = std::fs::read_to_string(path).expect("a surface file");
    let line = |line: &str| match line.split('\t').collect::<Vec<_>>()[..] {
        [state @ ("done" | "later"), what, script] => {
            Line { what: what.to_owned(), done: state == "done", script: script.to_owned() }
        }
        _ => panic!("{file}: {line}"),
    };
    text.lines().filter(|line| !line.starts_with('#')).map(line).collect()
}

/// `name(type,variadic type)`, as the lists have it.
fn signature(name: &str, arguments: &[Type], variadic: bool) -> String {
    let mut names: Vec<String> = arguments.iter().map(|ty| type_name(*ty)).collect();
    if let (true, Some(last)) = (variadic, names.last_mut()) {
        *last = format!("variadic {last}");
    }
    format!("{name}({})", names.join(","))
}

fn of(f: &Function) -> String {
    signature(f.name, f.arguments, f.variadic)
}

fn type_name(ty: Type) -> String {
    let name = if ty.scalar == Scalar::Any { "any" } else { ty.scalar.name() };
    if ty.array { format!("{name}[]") } else { name.to_owned() }
}

/// `from to context`, where the cast is an entry of its own.
fn cast_name(from: Type, to: Type) -> Option<String> {
    let cast = CASTS.iter().find(|cast| cast.from == from && cast.to == to)?;
    let context = format!("{:?}", cast.context).to_lowercase();
    Some(format!("{} {} {context}", type_name(from), type_name(to)))
}

/// What we have, as the list of this name writes it.
fn ours(file: &str) -> BTreeSet<String> {
    let functions = |operators: bool| {
        let all = function::all().filter(move |f| f.is_operator() == operators);
        all.map(of)
    };
    let sets = function::all_set_functions().map(|f| signature(f.name, f.arguments, false));
    match file {
        "postgres_operators.txt" => functions(true).collect(),
        "postgres_functions.txt" => functions(false).chain(sets).collect(),
        "postgres_aggregates.txt" => {
            function::all_aggregates().map(|a| signature(a.name, a.arguments, false)).collect()
        }
        _ => CASTS.iter().filter_map(|cast| cast_name(cast.from, cast.to)).collect(),
    }
}

/// What the golden files show, as the lists write it: list and entry, and the files that do.
fn shown() -> BTreeMap<(&'static str, String), BTreeSet<String>> {
    let [operators, functions, aggregates, casts] = LISTS;
    let mut all = BTreeMap::<_, BTreeSet<String>>::new();
    for file in golden::FILES {
        for shown in golden::shown(file) {
            let (list, what) = match shown {
                Shown::Function(f) if f.is_operator() => (operators, of(f)),
                Shown::Function(f) => (functions, of(f)),
                Shown::Aggregate(a) => (aggregates, signature(a.name, a.arguments, false)),
                Shown::Cast(from, to) => (casts, cast_name(from, to).unwrap_or_default()),
            };
            let files = all.entry((list, what)).or_default();
            files.insert(format!("query/tests/golden/{file}.txt"));
        }
    }
    all
}

const LISTS: [&str; 4] = [
    "postgres_operators.txt",
    "postgres_functions.txt",
    "postgres_aggregates.txt",
    "postgres_casts.txt",
];

#[test]
fn what_we_have_is_listed_as_done() {
    for file in LISTS {
        let ours = ours(file);
        let later = listed(file).into_iter().filter(|line| !line.done);
        let wrong: Vec<String> =
            later.map(|line| line.what).filter(|what| ours.contains(what)).collect();
        assert!(
            wrong.is_empty(),
            "{file}: {}, and we have them:\n{}",
            wrong.len(),
            wrong.join("\n")
        );
    }
}

/// What a list says that a golden file shows is an answered call there of just that entry. (What
/// it says of scripts in SQL is tried where SQL can be read, in the library's tests.)
#[test]
fn what_is_done_is_shown() {
    let shown = shown();
    let mut wrong = Vec::new();
    for file in LISTS {
        for Line { what, done, script } in listed(file) {
            if !done || script.starts_with("tests/sql/") {
                continue;
            }
            let files = shown.get(&(file, what.clone()));
            if !files.is_some_and(|files| files.contains(&script)) {
                wrong.push(format!("{file}: {what} is not in {script}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}

/// Our entries and what shows them, for tests/surface/postgres.py:
/// `HAVE=file cargo test -p query --test all have -- --ignored`.
#[test]
#[ignore = "writes a file for the generator"]
fn have() {
    let shown = shown();
    let mut lines = Vec::new();
    for file in LISTS {
        for what in ours(file) {
            let first = shown.get(&(file, what.clone())).and_then(|files| files.first());
            let script = first.map_or("", String::as_str);
            lines.push(format!("{file}\t{what}\t{script}"));
        }
    }
    let file = std::env::var("HAVE").expect("HAVE names a file");
    std::fs::write(file, lines.join("\n")).expect("a file");
}
