//! Which collections are key spaces, and which tables are opened under a prefix.
//!
//! `SELECT n` means the collection `redis` (n = 0) or `redis_n` of the connection's database, in
//! its schema `public`. A key space that does not exist is empty to readers; the first writer makes
//! it, in a commit of its own, so that writers of different key spaces never wait for each other's
//! catalogue writes.

use std::sync::Arc;

use bytes::Bytes;
use transaction::{Begin, Durability, ReadTracking};

use super::error::{KeyError, Result};
use crate::ddl::{NewCollection, NewColumn};
use crate::error::Error;
use crate::model::Model;
use crate::names;
use crate::schema::*;
use crate::types::Type;
use crate::work::Work;

/// The columns that SQL sees, in order; the primary key is `key_bytes`.
pub const COLUMNS: [(&str, Type); 7] = [
    ("key", Type::TEXT),
    ("key_bytes", Type::BYTEA),
    ("type", Type::TEXT),
    ("value", Type::TEXT),
    ("value_bytes", Type::BYTEA),
    ("members", Type::JSONB),
    ("expires_at", Type::TIMESTAMPTZ),
];

/// The collection's name of a key space.
pub fn name(space: u32) -> String {
    if space == 0 { "redis".into() } else { format!("redis_{space}") }
}

fn number(name: &str) -> Option<u32> {
    match name.strip_prefix("redis")? {
        "" => Some(0),
        rest => rest.strip_prefix('_')?.parse().ok().filter(|n| *n > 0 && self::name(*n) == name),
    }
}

/// What a database's names mean to Redis, at one picture of the catalogue.
#[derive(Debug)]
pub struct Spaces {
    catalogue: Arc<Catalogue>,
    database: DatabaseId,
    spaces: Vec<(u32, Arc<Collection>)>,
    opened: Vec<Arc<Collection>>,
}

impl Spaces {
    /// Looks through a database.
    pub fn of(catalogue: &Arc<Catalogue>, database: DatabaseId) -> Spaces {
        let mut spaces = Vec::new();
        let mut opened = Vec::new();
        for collection in catalogue.collections_of(database) {
            if collection.redis_prefix.is_some() {
                opened.push(collection.clone());
            }
            if collection.schema == names::PUBLIC
                && let Some(number) = number(&collection.name)
            {
                spaces.push((number, collection.clone()));
            }
        }
        spaces.sort_by_key(|(number, _)| *number);
        Spaces { catalogue: catalogue.clone(), database, spaces, opened }
    }

    /// Whether it was made from this picture.
    pub fn is_of(&self, catalogue: &Arc<Catalogue>, database: DatabaseId) -> bool {
        self.database == database && Arc::ptr_eq(&self.catalogue, catalogue)
    }

    /// The collection of a key space; `None`: it does not exist yet.
    pub fn get(&self, space: u32) -> Result<Option<&Arc<Collection>>> {
        let found = match self.spaces.first() {
            Some((first, collection)) if *first == space => Some(collection),
            _ => self.spaces.iter().find(|(number, _)| *number == space).map(|(_, found)| found),
        };
        match found {
            Some(collection) if collection.kind != CollectionKind::KeySpace => {
                Err(KeyError::NameTaken(collection.name.clone()))
            }
            found => Ok(found),
        }
    }

    /// Every key space, by number.
    pub fn all(&self) -> impl Iterator<Item = (u32, &Arc<Collection>)> {
        let spaces = self.spaces.iter();
        spaces
            .filter(|(_, collection)| collection.kind == CollectionKind::KeySpace)
            .map(|(number, collection)| (*number, collection))
    }

    /// The table that a key belongs to, and the rest of the key behind `prefix:`.
    pub fn opened<'k>(&self, key: &'k [u8]) -> Option<(&Arc<Collection>, &'k [u8])> {
        if self.opened.is_empty() {
            return None;
        }
        let colon = key.iter().position(|byte| *byte == b':')?;
        let prefix = key.get(..colon)?;
        let matches = |table: &&Arc<Collection>| {
            table.redis_prefix.as_deref().is_some_and(|of| of.as_bytes() == prefix)
        };
        Some((self.opened.iter().find(matches)?, key.get(colon + 1..)?))
    }
}

/// Makes a key space if it is not there, in a commit of its own.
pub async fn create(model: &Model, database: DatabaseId, space: u32) -> Result<()> {
    let work = model.begin(Begin::default(), ReadTracking::Off, Arc::new(())).await?;
    match create_in(&work, database, space).await {
        Ok(_) => {
            work.commit(Durability::Sync, Bytes::new()).await?;
            Ok(())
        }
        // Somebody was faster: wait until that is visible.
        Err(Error::Duplicate { .. }) => Ok(work.rollback().await?),
        Err(other) => Err(other.into()),
    }
}

/// The key space within a transaction, made if need be.
pub(super) async fn create_in(
    work: &Work,
    database: DatabaseId,
    space: u32,
) -> crate::error::Result<Arc<Collection>> {
    let name = name(space);
    if let Some(found) = work.catalogue().collection(database, names::PUBLIC, &name) {
        return Ok(found.clone());
    }
    let columns = COLUMNS.iter().map(|(name, ty)| NewColumn::new(*name, *ty)).collect();
    let new = NewCollection::table(database, names::PUBLIC, &name, columns).key(&["key_bytes"]);
    work.create_collection(NewCollection { kind: CollectionKind::KeySpace, ..new }).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_spaces() {
        for n in [0, 1, 15, u32::MAX] {
            assert_eq!(number(&name(n)), Some(n));
        }
        assert!(
            ["redis_", "redis_0", "redis_01", "redisx", "redi"].iter().all(|n| number(n).is_none())
        );
    }
}
