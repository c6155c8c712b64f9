//! Golden scripts of filters: `tests/filter/*.txt`, each case a filter as JSON text, `---`, and the
//! predicate and its bounds or the error, then an empty line. `UPDATE_GOLDEN=1` writes what is said
//! now; read the difference before committing.

#![allow(clippy::unwrap_used)] // what a script shows wrong ends the test

use std::fmt::Write;
use std::path::Path;

use language::filter::{DEPTH_MAX, parse};
use query::predicate::{Formula, bounds};
use value::{Document, Value, doc};

fn formula(of: &Formula) -> String {
    let joined = |parts: &[Formula], word: &str| {
        let parts: Vec<String> = parts.iter().map(formula).collect();
        format!("({})", parts.join(word))
    };
    let json = |literal: &query::predicate::Literal| {
        value::json::value_to_string(&literal.value(), value::json::Style::SPACED)
    };
    match of {
        Formula::Any => "any".into(),
        Formula::And(parts) => joined(parts, " and "),
        Formula::Or(parts) => joined(parts, " or "),
        Formula::Term { path, value } => format!("{path} = {}", json(value)),
        Formula::From { path, value, included: true } => format!("{path} >= {}", json(value)),
        Formula::From { path, value, .. } => format!("{path} > {}", json(value)),
        Formula::To { path, value, included: true } => format!("{path} <= {}", json(value)),
        Formula::To { path, value, .. } => format!("{path} < {}", json(value)),
    }
}

fn shown(text: &str) -> String {
    let value = value::json::parse_value(text, &value::json::Options::default()).unwrap();
    let Value::Document(filter) = value else { panic!("a filter: {text}") };
    match parse(&filter) {
        Ok(predicate) => format!("{predicate}\nbounds {}\n", formula(&bounds(&predicate))),
        Err(error) => format!("error {}: {}\n", error.sqlstate, error.message),
    }
}

fn run(text: &str) -> String {
    let mut out = String::new();
    for case in text.split("\n\n").filter(|case| !case.trim().is_empty()) {
        let filter = case.split("\n---").next().unwrap().trim();
        let _ = write!(out, "{filter}\n---\n{}\n", shown(filter));
    }
    out
}

#[test]
fn golden() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/filter");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 2);
    for file in files {
        let kept = std::fs::read_to_string(&file).unwrap();
        let now = run(&kept);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&file, &now).unwrap();
        } else {
            assert_eq!(now, kept, "{}", file.display());
        }
    }
}

#[test]
fn what_json_cannot_write() {
    let regex = |pattern: &str| Value::Regex { pattern: pattern.into(), options: "i".into() };
    let shown =
        |filter: Document| parse(&filter).map(|p| p.to_string()).map_err(|e| e.message.to_string());
    let search = r#"{"a": {"$regex": "^x", "$options": "i"}}"#;
    assert_eq!(shown(doc! {"a": regex("^x")}).unwrap(), search);
    assert_eq!(shown(doc! {"a": {"$regex": regex("^x")}}).unwrap(), search);
    assert_eq!(
        shown(doc! {"a": {"$in": [1, regex("x")]}}).unwrap(),
        r#"{"a": {"$not": {"$and": [{"$not": {"$regex": "x", "$options": "i"}}, {"$not": {"$in": [1]}}]}}}"#
    );
    assert_eq!(
        shown(doc! {"a": {"$ne": regex("x")}}).unwrap_err(),
        "$ne does not take a regular expression"
    );
    assert_eq!(shown(doc! {"a": {"$size": 2.0}}).unwrap(), r#"{"a": {"$size": 2}}"#);
}

#[test]
fn no_filter_exhausts_the_stack() {
    let nest = |wrap: fn(Document) -> Document, times: usize| {
        (0..times).fold(doc! {"a": 1}, |inner, _| wrap(inner))
    };
    let wraps: [fn(Document) -> Document; 3] = [
        |inner| doc! {"$and": [inner]},
        |inner| doc! {"a": {"$elemMatch": inner}},
        |inner| doc! {"a": {"$not": {"$elemMatch": inner}}},
    ];
    for wrap in wraps {
        assert!(parse(&nest(wrap, 20)).is_ok());
        let error = parse(&nest(wrap, 1_000)).unwrap_err();
        assert_eq!(error.sqlstate, "54001");
        assert_eq!(error.message, format!("a filter is nested deeper than {DEPTH_MAX}"));
    }
    let long = vec!["a"; 1_000].join(".");
    assert!(parse(&doc! {(long): 1}).is_err());
}
