//! `find(filter)`: which documents, in which order, how many, and what to do with them.
//!
//! Filter, order, skip and limit are the plan's: what comes is what was asked for. An order is
//! BSON's, over values of every type and through arrays (`query::predicate::Order`).

use ::value::Document;
use language::filter;
use serde::de::DeserializeOwned;

use super::collection::{Collection, unasked};
use crate::session::documents::{Answer, Request};
use crate::{Error, Result};

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
        filter::parse_order(&self.sort)?;
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
        match self.collection.ask(Request::Explain(predicate, self.wanted()?)).await? {
            Answer::Lines(lines) => Ok(lines),
            _ => Err(unasked()),
        }
    }

    fn wanted(&self) -> Result<filter::Find> {
        let order = filter::parse_order(&self.sort)?;
        Ok(filter::Find::Documents { order, skip: self.skip, limit: self.limit })
    }

    async fn documents(&self) -> Result<Vec<Document>> {
        let predicate = filter::parse(&self.filter)?;
        match self.collection.ask(Request::Find(predicate, self.wanted()?)).await? {
            Answer::Documents(found) => Ok(found),
            _ => Err(unasked()),
        }
    }
}
