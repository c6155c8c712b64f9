//! Filters of documents: whatever the filter, an answer comes, and every way to it is the same.
//!
//! ```text
//!   even │ filter, as JSON │ \n │ document │ \n │ document …
//!   odd  │ choices: names, operators and values of every type │ documents
//!
//!   filter ─► predicate ─┬─► matches(document)          = what the library finds
//!                        ├─► bounds                     true of whatever matches
//!                        └─► $and, $or, $nor of it      the same, the same, the opposite
//! ```
//!
//! JSON is what seeds are written in and the fuzzer's dictionary helps with; it has no dates, ids
//! or expressions, so the other half makes values from choices.
//!
//! Rejected: a second evaluator of filters to compare with. It would be the first one's twin; ways
//! that the product has anyway disagree where one of them is wrong.

use language::filter;
use qanat::{Collection, ErrorKind, Qanat};
use query::predicate::{Predicate, bounds};
use value::json::{self, Options};
use value::{Document, Raw, Value, cbor, doc};

use crate::input::Input;
use crate::sessions::{qanat, runtime};

/// Documents of one input.
const DOCUMENTS_MAX: usize = 8;
/// Nesting of a filter made of choices.
const DEPTH: usize = 3;

const NAMES: [&str; 10] = ["a", "b", "a.b", "a.0", "a.b.c", "a.0.b", "_id", "", "a.", "ä"];
const OPERATORS: [&str; 20] = [
    "$eq",
    "$ne",
    "$lt",
    "$lte",
    "$gt",
    "$gte",
    "$in",
    "$nin",
    "$exists",
    "$type",
    "$size",
    "$mod",
    "$all",
    "$elemMatch",
    "$regex",
    "$options",
    "$not",
    "$and",
    "$nor",
    "$comment",
];

/// A filter and documents.
pub fn filter(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    let made = match kind % 2 {
        0 => of_text(rest),
        _ => Some(of_choices(&mut Input::new(rest))),
    };
    let Some((filter, documents)) = made else { return };
    let predicate = match filter::parse(&filter) {
        Ok(predicate) => predicate,
        Err(error) => return assert!(!error.sqlstate.starts_with("XX"), "{}", error.message),
    };
    let matching: Vec<bool> =
        documents.iter().map(|document| matches(&filter, &predicate, document)).collect();
    runtime().block_on(async {
        let store = qanat().await;
        let found = found(&store, &filter, &documents).await;
        store.close().await.expect("a store in memory closes");
        assert_eq!(found, matching, "{filter:?} over {documents:?}");
    });
}

fn of_text(text: &[u8]) -> Option<(Document, Vec<Document>)> {
    let mut lines = std::str::from_utf8(text).ok()?.split('\n');
    let mut next = || match json::parse_value(lines.next()?, &Options::default()) {
        Ok(Value::Document(document)) => Some(document),
        _ => None,
    };
    let filter = next()?;
    let documents = std::iter::from_fn(next).take(DOCUMENTS_MAX).collect();
    Some((filter, numbered(documents)))
}

fn of_choices(input: &mut Input<'_>) -> (Document, Vec<Document>) {
    let filter = conditions(input, DEPTH);
    let mut documents = Vec::new();
    while !input.is_empty() && documents.len() < DOCUMENTS_MAX {
        let mut document = Document::new();
        for _ in 0..input.below(4) {
            let name = NAMES[input.below(NAMES.len())];
            document.insert(name, input.value(2));
        }
        documents.push(document);
    }
    (filter, numbered(documents))
}

/// Fields and operators beside one another.
fn conditions(input: &mut Input<'_>, depth: usize) -> Document {
    let mut filter = Document::new();
    for _ in 0..=input.below(3) {
        let value = |input: &mut Input<'_>| match (input.below(4), depth) {
            (0, 1..) => Value::Document(operators(input, depth - 1)),
            (1, 1..) => Value::Document(conditions(input, depth - 1)),
            _ => input.value(2),
        };
        match (input.below(8), depth) {
            (0, 1..) => {
                let name = ["$and", "$or", "$nor"][input.below(3)];
                let parts = (0..input.below(4)).map(|_| conditions(input, depth - 1));
                filter.insert(name, Value::Array(parts.map(Value::Document).collect()));
            }
            _ => {
                let name = NAMES[input.below(NAMES.len())];
                let value = value(input);
                filter.insert(name, value);
            }
        }
    }
    filter
}

fn operators(input: &mut Input<'_>, depth: usize) -> Document {
    let mut made = Document::new();
    for _ in 0..=input.below(2) {
        let name = OPERATORS[input.below(OPERATORS.len())];
        let value = match (input.below(5), depth) {
            (0, 1..) => Value::Document(operators(input, depth - 1)),
            (1, 1..) => Value::Document(conditions(input, depth - 1)),
            (2, _) => Value::Array((0..input.below(4)).map(|_| input.value(1)).collect()),
            _ => input.value(1),
        };
        made.insert(name, value);
    }
    made
}

/// The documents with numbers for identities: which of two with one identity stays is not the
/// question here.
fn numbered(documents: Vec<Document>) -> Vec<Document> {
    let with_id = |(at, document): (usize, Document)| {
        let mut numbered = doc! {"_id": at as i64};
        for (name, value) in document.iter().filter(|(name, _)| *name != "_id") {
            numbered.push(name, value.clone());
        }
        numbered
    };
    documents.into_iter().enumerate().map(with_id).collect()
}

/// Whether the document satisfies the predicate, which is asked every way.
fn matches(filter: &Document, predicate: &Predicate, document: &Document) -> bool {
    let bytes = cbor::encode(&Value::Document(document.clone()));
    let raw = Raw::new(&bytes);
    let found = predicate.matches(raw).expect("a filter is never unknown");
    if found {
        let bounds = bounds(predicate);
        assert!(bounds.matches(raw).expect("valid"), "{filter:?} has bounds without {document:?}");
    }
    for (name, same) in [("$and", true), ("$or", true), ("$nor", false)] {
        let list = Value::Array(vec![Value::Document(filter.clone())]);
        match filter::parse(&[(name, list)].into_iter().collect()) {
            Ok(outer) => {
                let outer = outer.matches(raw).expect("a filter is never unknown");
                assert_eq!(outer == found, same, "{name} of {filter:?} over {document:?}");
            }
            Err(error) => assert_eq!(error.kind, ErrorKind::Limit, "{}", error.message),
        }
    }
    found
}

/// Which of the documents the library finds.
async fn found(store: &Qanat, filter: &Document, documents: &[Document]) -> Vec<bool> {
    let collection: Collection = store.collection("c");
    for document in documents {
        collection.put(document).await.expect("a document without a schema is taken");
    }
    let found = collection.find(filter.clone()).all().await.expect("what parses is run");
    let mut there = vec![false; documents.len()];
    for document in found {
        let id = document.get("_id").and_then(Value::as_i64).expect("it was given one");
        let at = usize::try_from(id).expect("a place");
        assert!(!std::mem::replace(&mut there[at], true), "found twice");
        assert_eq!(document, documents[at]);
    }
    there
}
