//! `find(filter)`: which documents, in which order, how many, and what to do with them.
//!
//! Filter, skip and limit are the plan's. An order is made here, over the documents found: it is
//! BSON's, over values of every type and through arrays, which no SQL comparison is.
//!
//! ```text
//!   {age: -1, name: 1}    by age, the greatest first; among equals by name
//!   an array counts by its smallest element, or its greatest where the order descends
//!   nothing counts as null
//! ```
//!
//! Rejected: keeping only the best `limit` while reading. The documents are in memory already when
//! they come, and a sort of them is the smaller part.

use std::cmp::Ordering;

use ::value::{Document, Value, cmp_bson};
use language::filter;
use serde::de::DeserializeOwned;

use super::collection::{Collection, unasked};
use crate::session::documents::{Answer, Request};
use crate::{Error, ErrorKind, Result};

/// A search that is about to run.
#[must_use = "a search does nothing until all, first, count or delete is called"]
pub struct Find<T> {
    collection: Collection<T>,
    filter: Document,
    sort: Document,
    skip: u64,
    limit: Option<u64>,
}

impl<T> Find<T> {
    pub(super) fn new(collection: Collection<T>, filter: Document) -> Find<T> {
        Find { collection, filter, sort: Document::new(), skip: 0, limit: None }
    }

    /// Orders by these paths, the first before the others: 1 ascending, -1 descending.
    pub fn sort(mut self, order: Document) -> Self {
        self.sort = order;
        self
    }

    /// Leaves out so many of the first.
    pub fn skip(mut self, count: u64) -> Self {
        self.skip = count;
        self
    }

    /// At most so many.
    pub fn limit(mut self, count: u64) -> Self {
        self.limit = Some(count);
        self
    }

    /// All of them.
    ///
    /// # Errors
    /// What the filter says (`42601` for an operator that there is not); a document that is not of
    /// the type.
    pub async fn all(self) -> Result<Vec<T>>
    where
        T: DeserializeOwned,
    {
        let found = self.documents().await?;
        found.iter().map(|document| self.collection.read(document)).collect()
    }

    /// The first of them, if there is one.
    ///
    /// # Errors
    /// As [`Find::all`].
    pub async fn first(mut self) -> Result<Option<T>>
    where
        T: DeserializeOwned,
    {
        self.limit = Some(self.limit.unwrap_or(1).min(1));
        let found = self.documents().await?;
        found.first().map(|document| self.collection.read(document)).transpose()
    }

    /// How many they are.
    ///
    /// # Errors
    /// As [`Find::all`].
    pub async fn count(mut self) -> Result<u64> {
        // Their order does not change their number, but is looked at all the same.
        keys(&self.sort)?;
        self.sort = Document::new();
        self.documents().await.map(|found| found.len() as u64)
    }

    /// Deletes them all; how many they were.
    ///
    /// # Errors
    /// As [`Find::all`]; `0A000` with an order, skip or limit.
    pub async fn delete(self) -> Result<u64> {
        if !self.sort.is_empty() || self.skip > 0 || self.limit.is_some() {
            return Err(Error::unsupported("deleting with an order, skip or limit"));
        }
        let predicate = filter::parse(&self.filter)?;
        match self.collection.ask(Request::Find(predicate, filter::Find::Delete)).await? {
            Answer::Count(count) => Ok(count),
            _ => Err(unasked()),
        }
    }

    /// How they would be found, line by line, as EXPLAIN shows it.
    ///
    /// # Errors
    /// What the filter says.
    pub async fn explain(self) -> Result<Vec<String>> {
        let predicate = filter::parse(&self.filter)?;
        match self.collection.ask(Request::Explain(predicate, self.wanted())).await? {
            Answer::Lines(lines) => Ok(lines),
            _ => Err(unasked()),
        }
    }

    /// What is asked of the plan: with an order, everything.
    fn wanted(&self) -> filter::Find {
        match self.sort.is_empty() {
            true => filter::Find::Documents { skip: self.skip, limit: self.limit },
            false => filter::Find::Documents { skip: 0, limit: None },
        }
    }

    async fn documents(&self) -> Result<Vec<Document>> {
        let keys = keys(&self.sort)?;
        let predicate = filter::parse(&self.filter)?;
        let request = Request::Find(predicate, self.wanted());
        let Answer::Documents(found) = self.collection.ask(request).await? else {
            return Err(unasked());
        };
        if keys.is_empty() {
            return Ok(found);
        }
        let skip = usize::try_from(self.skip).unwrap_or(usize::MAX);
        let limit = self.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        Ok(sorted(found, &keys).skip(skip).take(limit).collect())
    }
}

/// A path of an order, and whether it descends.
type Key = (Vec<String>, bool);

fn keys(order: &Document) -> Result<Vec<Key>> {
    let mut keys = Vec::with_capacity(order.len());
    for (path, direction) in order.iter() {
        let one =
            |n| ::value::compare::cmp_numbers(direction, &Value::Int32(n)) == Some(Ordering::Equal);
        if !one(1) && !one(-1) {
            let message = format!("the order of \"{path}\" is 1 or -1");
            return Err(Error::new(ErrorKind::Syntax, "42601", message));
        }
        keys.push((path.split('.').map(str::to_owned).collect(), one(-1)));
    }
    Ok(keys)
}

fn sorted(found: Vec<Document>, keys: &[Key]) -> impl Iterator<Item = Document> {
    let key_of = |document: &Document| -> Vec<Value> {
        keys.iter().map(|(path, descending)| key(document, path, *descending)).collect()
    };
    let mut keyed: Vec<(Vec<Value>, Document)> =
        found.into_iter().map(|document| (key_of(&document), document)).collect();
    keyed.sort_by(|(a, _), (b, _)| {
        let orders = a.iter().zip(b).zip(keys).map(|((a, b), (_, descending))| {
            let order = cmp_bson(a, b);
            if *descending { order.reverse() } else { order }
        });
        orders.fold(Ordering::Equal, Ordering::then)
    });
    keyed.into_iter().map(|(_, document)| document)
}

/// What a document counts as: the least of what is at the path, or the greatest.
fn key(document: &Document, path: &[String], descending: bool) -> Value {
    let mut found = Vec::new();
    gather(document, path, &mut found);
    let best = match descending {
        false => found.into_iter().min_by(cmp_bson),
        true => found.into_iter().max_by(cmp_bson),
    };
    best.unwrap_or(Value::Null)
}

fn gather(document: &Document, path: &[String], found: &mut Vec<Value>) {
    let Some((name, rest)) = path.split_first() else { return };
    match document.get(name) {
        Some(value) => further(value, rest, found),
        None => found.push(Value::Null),
    }
}

fn further(value: &Value, path: &[String], found: &mut Vec<Value>) {
    match (value, path.first()) {
        // Below null: an empty array counts as less than nothing.
        (Value::Array(elements), None) if elements.is_empty() => found.push(Value::Undefined),
        (Value::Array(elements), None) => found.extend_from_slice(elements),
        (value, None) => found.push(value.clone()),
        (Value::Document(inner), Some(_)) => gather(inner, path, found),
        (Value::Array(elements), Some(step)) => {
            for (at, element) in elements.iter().enumerate() {
                match element {
                    Value::Document(inner) => gather(inner, path, found),
                    other if *step == at.to_string() => {
                        further(other, path.get(1..).unwrap_or_default(), found);
                    }
                    _ => {}
                }
            }
        }
        (_, Some(_)) => found.push(Value::Null),
    }
}

#[cfg(test)]
mod tests {
    use ::value::doc;

    use super::*;

    fn order(by: Document, documents: &[Document]) -> Vec<i64> {
        let keys = keys(&by).unwrap_or_default();
        let numbers = sorted(documents.to_vec(), &keys);
        numbers.filter_map(|document| document.get("n")?.as_i64()).collect()
    }

    #[test]
    fn every_type_has_its_place_and_arrays_their_ends() {
        let documents = [
            doc! {"n": 0, "a": [5, 1]},
            doc! {"n": 1, "a": 3.5},
            doc! {"n": 2},
            doc! {"n": 3, "a": "x"},
            doc! {"n": 4, "a": []},
            doc! {"n": 5, "a": [{"b": 2}]},
        ];
        assert_eq!(order(doc! {"a": 1}, &documents), [4, 2, 0, 1, 3, 5]);
        assert_eq!(order(doc! {"a": -1}, &documents), [5, 3, 0, 1, 2, 4]);
        assert_eq!(order(doc! {"a.b": -1, "n": 1}, &documents), [5, 0, 1, 2, 3, 4]);
        assert_eq!(order(doc! {"a.1": -1, "n": 1}, &documents), [0, 1, 2, 3, 4, 5]);
        assert!(keys(&doc! {"a": 2}).is_err() && keys(&doc! {"a": "x"}).is_err());
        assert!(keys(&doc! {"a": 1.0, "b": -1i64}).is_ok());
    }
}
