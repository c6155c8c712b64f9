//! Reading the catalogue: one immutable picture for each version of it.
//!
//! ```text
//!   begin ──► counter `S 12 01` at the snapshot = 41 ──► cached picture 41?  yes ─► Arc
//!                                                              no  ─► scan D and C, decode, keep
//! ```
//!
//! Every catalogue write adds 1 to the counter in the same commit, and the committer merges
//! additions, so two DDL transactions on different collections do not conflict; at any snapshot the
//! number names exactly the changes that are in it.
//!
//! **Invariants**
//! - Two pictures of one version, without own changes, are equal; records that did not change share
//!   their `Arc` between pictures, so that what was compiled for a collection can be found by the
//!   address of its `Arc`.
//! - A transaction with own changes never puts its picture into the cache.
//! - Catalogue reads do not enter a serializable transaction's read set: what depends on a
//!   collection's schema holds its lock, and a widened field dictionary must not abort anybody.
//!
//! Rejected: a picture that is patched in place (a long transaction must go on seeing its own).

use std::sync::Arc;

use parking_lot::Mutex;
use transaction::{Buffer, PageLimit, Scan, View};

use crate::error::{Error, Result};
use crate::key::{self, KeyRange};
use crate::record::{self, Named};
use crate::schema::*;

/// Pictures that are kept: the current one, and those that long transactions and a DDL in flight
/// still ask for.
const KEPT: usize = 4;

/// The pictures seen last.
#[derive(Default)]
pub(crate) struct Pictures {
    /// Newest use last.
    recent: Mutex<Vec<(i64, Arc<Catalogue>)>>,
}

impl Pictures {
    fn get(&self, version: i64) -> Option<Arc<Catalogue>> {
        let recent = self.recent.lock();
        recent.iter().rev().find(|(v, _)| *v == version).map(|(_, picture)| picture.clone())
    }

    fn newest(&self) -> Option<Arc<Catalogue>> {
        let recent = self.recent.lock();
        recent.iter().max_by_key(|(version, _)| *version).map(|(_, picture)| picture.clone())
    }

    fn keep(&self, version: i64, picture: &Arc<Catalogue>) {
        let mut recent = self.recent.lock();
        if recent.iter().any(|(v, _)| *v == version) {
            return;
        }
        if recent.len() == KEPT {
            let oldest = recent.iter().enumerate().min_by_key(|(_, (v, _))| *v).map(|(at, _)| at);
            recent.swap_remove(oldest.unwrap_or(0));
        }
        recent.push((version, picture.clone()));
    }

    /// The picture at a transaction's snapshot, from the cache if it is there. The transaction has
    /// no own changes.
    pub(crate) async fn at(&self, buffer: &Buffer) -> Result<(i64, Arc<Catalogue>)> {
        let version = version(buffer).await?;
        if let Some(picture) = self.get(version) {
            return Ok((version, picture));
        }
        let picture = Arc::new(load(buffer, version, self.newest().as_deref()).await?);
        self.keep(version, &picture);
        Ok((version, picture))
    }
}

/// The catalogue's version as a transaction sees it, own changes included.
pub(crate) async fn version(buffer: &Buffer) -> Result<i64> {
    let key = key::catalogue_version();
    // Asked at the start of every transaction, and mostly at hand.
    let value = match buffer.get_now(&key, u64::MAX, View::Snapshot) {
        Some(value) => value?,
        None => buffer.get(&key).await?,
    };
    Ok(key::read_counter(value.as_ref()))
}

/// Reads the whole catalogue as a transaction sees it. Records equal to those of `like` share their
/// `Arc`.
pub(crate) async fn load(
    buffer: &Buffer,
    version: i64,
    like: Option<&Catalogue>,
) -> Result<Catalogue> {
    let mut picture = Catalogue { version: version.unsigned_abs(), ..Catalogue::default() };
    for (_, value) in read_all(buffer, key::all(key::Category::Database)).await? {
        let database = record::decode_database(&value)?;
        let before = like.and_then(|like| like.databases.get(&database.name));
        picture.databases.insert(database.name.clone(), shared(database, before));
    }
    let mut collections = Vec::new();
    for (_, value) in read_all(buffer, key::relations()).await? {
        match record::decode_named(&value)? {
            Named::Collection(collection) => collections.push(*collection),
            Named::Sequence(sequence) => {
                let before = like.and_then(|like| like.sequences.get(&sequence.id));
                let sequence = shared(sequence, before);
                picture.put_sequence(sequence);
            }
            Named::Index { collection, index, database, schema, name } => {
                let relation = Relation::Index(collection, index);
                picture.relations.insert((database, schema, name), relation);
            }
        }
    }
    let mut fields = read_dictionaries(buffer).await?;
    for mut collection in collections {
        collection.fields = fields.remove(&collection.id).unwrap_or_default();
        let before = like.and_then(|like| like.collections.get(&collection.id));
        picture.put_collection(shared(collection, before));
    }
    Ok(picture)
}

fn shared<T: PartialEq>(new: T, before: Option<&Arc<T>>) -> Arc<T> {
    match before {
        Some(before) if **before == new => before.clone(),
        _ => Arc::new(new),
    }
}

/// Field dictionaries by collection.
pub(crate) type Dictionaries =
    std::collections::HashMap<CollectionId, std::collections::BTreeMap<String, TypeSet>>;

async fn read_dictionaries(buffer: &Buffer) -> Result<Dictionaries> {
    dictionaries(read_all(buffer, key::dictionaries()).await?)
}

/// The dictionaries in these records.
pub(crate) fn dictionaries(records: Vec<(bytes::Bytes, bytes::Bytes)>) -> Result<Dictionaries> {
    let mut all = Dictionaries::new();
    for (pair, _) in records {
        let (collection, field, kind) = key::read_dictionary_pair(&pair)
            .ok_or_else(|| Error::Corrupt("field dictionary".into()))?;
        if kind >= 64 {
            return Err(Error::Newer("field dictionary".into()));
        }
        let set = all.entry(collection).or_default().entry(field).or_default();
        set.0 |= 1 << kind;
    }
    Ok(all)
}

/// Every record of a range. For the catalogue and jobs, which fit in memory.
pub(crate) async fn read_all(
    buffer: &Buffer,
    range: KeyRange,
) -> Result<Vec<(bytes::Bytes, bytes::Bytes)>> {
    read_all_at(buffer, range, View::Snapshot).await
}

/// As `read_all`, at a view.
pub(crate) async fn read_all_at(
    buffer: &Buffer,
    range: KeyRange,
    view: View,
) -> Result<Vec<(bytes::Bytes, bytes::Bytes)>> {
    let mut all = Vec::new();
    let mut scan = Scan {
        start: range.start,
        end: range.end,
        direction: transaction::Direction::Forward,
        limit: PageLimit::default(),
    };
    loop {
        let page = buffer.scan_until(&scan, u64::MAX, view).await?;
        all.extend(page.records);
        match page.next {
            Some(next) => scan.start = next,
            None => return Ok(all),
        }
    }
}

impl Catalogue {
    pub(crate) fn put_collection(&mut self, collection: Arc<Collection>) {
        let name = |name: &str| (collection.database, collection.schema.clone(), name.to_owned());
        self.names.insert(name(&collection.name), collection.id);
        self.relations.insert(name(&collection.name), Relation::Collection(collection.id));
        self.collections.insert(collection.id, collection);
    }

    pub(crate) fn put_sequence(&mut self, sequence: Arc<Sequence>) {
        let name = (sequence.database, sequence.schema.clone(), sequence.name.clone());
        self.relations.insert(name, Relation::Sequence(sequence.id));
        self.sequences.insert(sequence.id, sequence);
    }

    pub(crate) fn remove_name(&mut self, database: DatabaseId, schema: &str, name: &str) {
        let key = (database, schema.to_owned(), name.to_owned());
        self.names.remove(&key);
        self.relations.remove(&key);
    }
}
