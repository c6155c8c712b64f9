//! `Work`: one transaction's view of the model.
//!
//! ```text
//!   Work = Buffer (own writes, locks, read set)
//!        + Arc<Catalogue>        the picture at the snapshot, own DDL included
//!        + collection locks      shared by writers, exclusive for DDL
//!        + row counts            deltas, handed to the buffer at savepoints and at commit
//! ```
//!
//! **Invariants**
//! - Before the first write to a collection its lock is held (KEY SHARE: any number of writers; DDL
//!   takes UPDATE) and its version was compared with the picture's; so an index or constraint that
//!   a DDL committed is kept by every writer after it.
//! - A row that is updated or deleted was locked by this transaction ([`Work::lock_rows`]) and
//!   handed in as it was then.
//! - A unique key is locked before it is looked at, so two transactions that insert the same one
//!   after the other wait, never both pass.
//! - No datum or arena lives across an await: rows are encoded first, then locks are waited for.
//!
//! Readers take no collection lock: their picture and their snapshot are of one time, and the
//! sweeper keeps behind the oldest.
//!
//! Rejected: `&mut self`. A statement's operators read while its rows are written, and the session
//! may look at the catalogue.

mod count;
mod rows;
mod scan;
mod violation;

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use transaction::{
    Begin, Buffer, Committed, Durability, LockMode, LockRequest, Locked, ReadTracking, Stamp, View,
    Wait,
};

pub use rows::{Arbiter, Conflict, Insertion, LockedRow, StoredRow};
pub(crate) use rows::{Compiled, Prepared};
pub use scan::{Bounds, RangeScan, Target, bounds_range};
pub(crate) use violation::unique;

use crate::catalogue;
use crate::error::{Error, ObjectKind, Result};
use crate::expressions::Environment;
use crate::key;
use crate::model::{Model, locked_version};
use crate::schema::*;

/// What a read of rows sees.
#[derive(Debug, Clone, Copy)]
pub struct Seeing {
    /// Own writes up to this sequence ([`Work::sequence`]); `u64::MAX` for all.
    pub until: u64,
    /// The snapshot, or the latest.
    pub view: View,
}

impl Seeing {
    /// The latest, with all own writes: what DDL under an exclusive lock looks at, since rows may
    /// have been committed between its snapshot and its lock.
    pub const LATEST: Seeing = Seeing { until: u64::MAX, view: View::Latest };
}

impl Default for Seeing {
    fn default() -> Self {
        Seeing { until: u64::MAX, view: View::Snapshot }
    }
}

/// A place to roll back to.
#[derive(Debug, Clone)]
pub struct Savepoint {
    buffer: transaction::Savepoint,
    catalogue: Arc<Catalogue>,
    version: i64,
    own_changes: bool,
    locked: usize,
    fresh: HashSet<StorageId>,
    staged: usize,
    marks: u32,
}

/// An id under which rows are staged that only this transaction's commit publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Staged {
    Storage(StorageId),
    Index(StorageId, IndexId),
}

pub(crate) struct State {
    pub catalogue: Arc<Catalogue>,
    /// The catalogue's counter when `catalogue` was made, own additions included.
    version: i64,
    /// Whether `catalogue` has own changes.
    own_changes: bool,
    /// Collection locks in the order taken.
    locked: Vec<(CollectionId, LockMode)>,
    counts: count::Counts,
    /// Storage ids that this transaction made: nobody else can see them.
    pub fresh: HashSet<StorageId>,
    /// Fresh storage ids with ordinary writes.
    pub touched: HashSet<StorageId>,
    /// What has been staged under, in order.
    pub staged: Vec<Staged>,
    /// Savepoints that may still be asked for.
    pub marks: u32,
    /// Staged under, and rolled back: never to be used again.
    poisoned: HashSet<StorageId>,
    wait: Wait,
}

/// One transaction's view of the model.
pub struct Work {
    pub(crate) model: Model,
    /// Boxed, as the state: a transaction is handed through several calls, and each move would copy
    /// a kilobyte.
    pub(crate) buffer: Box<Buffer>,
    tracking: ReadTracking,
    pub(crate) environment: Environment,
    pub(crate) state: Box<Mutex<State>>,
}

impl Work {
    pub(crate) async fn new(
        model: Model,
        buffer: Buffer,
        tracking: ReadTracking,
        environment: Environment,
    ) -> Result<Work> {
        let (version, catalogue) = picture(&model, &buffer, tracking).await?;
        let state = State {
            catalogue,
            version,
            own_changes: false,
            locked: Vec::new(),
            counts: count::Counts::default(),
            fresh: HashSet::new(),
            touched: HashSet::new(),
            staged: Vec::new(),
            marks: 0,
            poisoned: HashSet::new(),
            wait: Wait::Forever,
        };
        let (buffer, state) = (Box::new(buffer), Box::new(Mutex::new(state)));
        Ok(Work { model, buffer, tracking, environment, state })
    }

    /// The model that it belongs to.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The transaction itself, for what the model does not cover.
    pub fn buffer(&self) -> &Buffer {
        &self.buffer
    }

    /// Refuses what no value can hold, so that it need not be made first.
    pub(crate) fn check_value_size(&self, bytes: usize) -> Result<()> {
        let limit = self.model.store().offers().value_bytes_max;
        match bytes > limit {
            true => Err(transaction::Error::TooLarge { what: "value", limit }.into()),
            false => Ok(()),
        }
    }

    /// The catalogue as this transaction sees it now.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        self.state.lock().catalogue.clone()
    }

    /// The collection of a number, or the error that it is gone.
    pub fn collection(&self, id: CollectionId) -> Result<Arc<Collection>> {
        let state = self.state.lock();
        state.catalogue.collections.get(&id).cloned().ok_or(Error::SchemaChanged { collection: id })
    }

    /// The number of writes so far: a statement reads with [`Seeing::until`] at its start.
    pub fn sequence(&self) -> u64 {
        self.buffer.sequence()
    }

    /// The snapshot.
    pub fn snapshot(&self) -> Stamp {
        self.buffer.snapshot()
    }

    /// How long writes wait for locks (lock_timeout). [`Wait::Skip`] is not for writes.
    pub fn set_wait(&self, wait: Wait) {
        self.state.lock().wait = wait;
    }

    pub(crate) fn wait(&self) -> Wait {
        self.state.lock().wait
    }

    /// Moves the snapshot to now (READ COMMITTED's next statement), and the picture of the
    /// catalogue with it.
    pub async fn refresh(&self) -> Result<Stamp> {
        let stamp = self.buffer.refresh().await?;
        self.refresh_catalogue().await?;
        Ok(stamp)
    }

    async fn refresh_catalogue(&self) -> Result<()> {
        let (own_changes, before) = {
            let state = self.state.lock();
            (state.own_changes, state.version)
        };
        if !own_changes {
            let (version, catalogue) = picture(&self.model, &self.buffer, self.tracking).await?;
            let mut state = self.state.lock();
            (state.version, state.catalogue) = (version, catalogue);
            return Ok(());
        }
        let version = catalogue::version(&self.buffer).await?;
        if version != before {
            let like = self.catalogue();
            let picture = catalogue::load(&self.buffer, version, Some(&like)).await?;
            let mut state = self.state.lock();
            (state.version, state.catalogue) = (version, Arc::new(picture));
        }
        Ok(())
    }

    /// Takes part in a collection as a writer: its lock, shared, and the check that its schema is
    /// the one in the picture.
    pub async fn share(&self, collection: &Collection) -> Result<()> {
        {
            let state = self.state.lock();
            let known = state.catalogue.collections.get(&collection.id);
            if known.is_none_or(|known| known.version != collection.version) {
                return Err(Error::SchemaChanged { collection: collection.id });
            }
            if state.locked.iter().any(|(id, _)| *id == collection.id) {
                return Ok(());
            }
        }
        self.lock_collection(collection.id, LockMode::KeyShare, self.wait()).await
    }

    /// LOCK TABLE: keeps other writers out until the end of the transaction, as DDL does. Readers
    /// go on.
    pub async fn lock_table(&self, collection: &Collection) -> Result<()> {
        self.exclude(collection.id).await.map(drop)
    }

    /// Takes a collection for DDL: waits for its writers, at most the model's `ddl_wait`, and keeps
    /// new ones out.
    pub(crate) async fn exclude(&self, collection: CollectionId) -> Result<Arc<Collection>> {
        let held = (collection, LockMode::Update);
        if !self.state.lock().locked.contains(&held) {
            let wait = match self.wait() {
                Wait::Forever => Wait::For(self.model.0.options.ddl_wait),
                other => other,
            };
            self.lock_collection(collection, LockMode::Update, wait).await?;
        }
        self.collection(collection)
    }

    async fn lock_collection(&self, id: CollectionId, mode: LockMode, wait: Wait) -> Result<()> {
        let changed = Err(Error::SchemaChanged { collection: id });
        let request = [LockRequest { key: key::collection_lock(id), mode }];
        let Some(Locked::Held { value, .. }) = self.buffer.lock(&request, wait).await?.pop() else {
            return changed;
        };
        let latest = locked_version(value.as_ref())?;
        let mut state = self.state.lock();
        state.locked.push((id, mode));
        let known = state.catalogue.collections.get(&id).map(|known| known.version);
        if latest.is_none() || latest != known { changed } else { Ok(()) }
    }

    /// Marks a place to come back to. Savepoints nest.
    pub fn savepoint(&self) -> Result<Savepoint> {
        let mut state = self.state.lock();
        state.counts.flush(&self.buffer)?;
        state.marks += 1;
        Ok(Savepoint {
            buffer: self.buffer.savepoint(),
            catalogue: state.catalogue.clone(),
            version: state.version,
            own_changes: state.own_changes,
            locked: state.locked.len(),
            fresh: state.fresh.clone(),
            staged: state.staged.len(),
            marks: state.marks,
        })
    }

    /// Forgets a savepoint and those after it; the writes stay.
    pub fn release(&self, savepoint: &Savepoint) {
        self.buffer.release(savepoint.buffer);
        let mut state = self.state.lock();
        state.marks = state.marks.min(savepoint.marks - 1);
    }

    /// Undoes every write, lock and DDL since the savepoint, which stays usable.
    pub async fn rollback_to(&self, savepoint: &Savepoint) -> Result<()> {
        self.buffer.rollback_to(savepoint.buffer);
        {
            let mut guard = self.state.lock();
            let state = &mut *guard;
            state.counts = count::Counts::default();
            state.catalogue = savepoint.catalogue.clone();
            state.version = savepoint.version;
            state.own_changes = savepoint.own_changes;
            state.locked.truncate(savepoint.locked);
            state.fresh = savepoint.fresh.clone();
            state.marks = savepoint.marks;
            let kept = savepoint.staged.min(state.staged.len());
            for staged in state.staged.split_off(kept) {
                if let Staged::Storage(storage) = staged {
                    state.poisoned.insert(storage);
                }
            }
        }
        self.leave_poisoned().await
    }

    /// Staged rows cannot be taken back one by one: a collection that lives on gets another storage
    /// id, which is empty as the old one was at the savepoint (`Bulk` sees to that).
    async fn leave_poisoned(&self) -> Result<()> {
        let stuck: Vec<Arc<Collection>> = {
            let state = self.state.lock();
            if state.poisoned.is_empty() {
                return Ok(());
            }
            let all = state.catalogue.collections.values();
            all.filter(|collection| state.poisoned.contains(&collection.storage)).cloned().collect()
        };
        for collection in stuck {
            let storage = StorageId(self.model.number().await?);
            self.move_storage(&collection, storage)?;
            self.state.lock().fresh.insert(storage);
        }
        Ok(())
    }

    /// Commits. `note` goes into the feed.
    pub fn commit(
        self,
        durability: Durability,
        note: Bytes,
    ) -> impl Future<Output = Result<Committed>> + Send + 'static {
        self.finish(durability, note, false)
    }

    /// What can be done at once is done by the call, so that the future holds little.
    pub(crate) fn finish(
        self,
        durability: Durability,
        note: Bytes,
        quiet: bool,
    ) -> impl Future<Output = Result<Committed>> + Send + 'static {
        let flushed = self.state.lock().counts.flush(&self.buffer);
        let answer = flushed.map(|()| self.buffer.commit(durability, note, quiet));
        async move { Ok(answer?.await?) }
    }

    /// Gives everything up.
    pub fn rollback(self) -> impl Future<Output = Result<()>> + Send + 'static {
        let settled = self.buffer.rollback();
        async move { Ok(settled.await?) }
    }

    /// Counts rows without conflict.
    pub(crate) fn count(&self, storage: StorageId, delta: i64) {
        self.state.lock().counts.add(storage, delta);
    }

    /// The rows of a collection as commits have counted them, own writes included.
    pub async fn row_count(&self, collection: &Collection) -> Result<i64> {
        let stored = self.model.row_count(&self.buffer, collection.storage).await?;
        Ok(stored + self.state.lock().counts.of(collection.storage))
    }

    /// Changes the picture after a catalogue write, and counts the change.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Catalogue) -> T) -> Result<T> {
        self.buffer.add(key::catalogue_version(), 1)?;
        let mut state = self.state.lock();
        state.version += 1;
        state.own_changes = true;
        let picture = Arc::make_mut(&mut state.catalogue);
        picture.version = picture.version.wrapping_add(1);
        Ok(change(picture))
    }

    /// The database of a number.
    pub fn database(&self, id: DatabaseId) -> Result<Arc<Database>> {
        let state = self.state.lock();
        let found = state.catalogue.database_by_id(id).cloned();
        found.ok_or_else(|| Error::undefined(ObjectKind::Database, id.0.to_string()))
    }
}

/// The shared picture at a transaction's snapshot. A tracked transaction reads it beside itself:
/// see `catalogue`.
async fn picture(
    model: &Model,
    buffer: &Buffer,
    tracking: ReadTracking,
) -> Result<(i64, Arc<Catalogue>)> {
    if tracking == ReadTracking::Off {
        return model.0.pictures.at(buffer).await;
    }
    let begin = Begin { as_of: Some(buffer.snapshot()), ..Begin::default() };
    let beside = model.small_at(begin).await?;
    model.0.pictures.at(&beside).await
}
