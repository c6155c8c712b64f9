//! `Model`: a store with a catalogue on it; what all sessions share.
//!
//! ```text
//!   Model (Arc) ─ store ─ expressions ─ pictures of the catalogue
//!        │        ├ object numbers: blocks of 64 from one counter     ─┐ outside every
//!        │        └ sequences: blocks of 32 values, handed out here    ─┘ user's transaction
//!        └ begin ──► Work: one transaction's view
//! ```
//!
//! **Invariants**
//! - Numbers and sequence values are durable before the first of a block is handed out; a crash or
//!   a rollback loses some, and none is ever given twice.
//! - What is compiled for a collection is found by the address of its `Arc`, so a compiled form
//!   never meets another version of the collection.
//!
//! Rejected: object numbers as ordinary writes of the DDL transaction. Two CREATE TABLEs would meet
//! at one key and the second would wait for the first one's COMMIT.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use transaction::{
    Begin, Buffer, CancelToken, Durability, LockMode, LockRequest, Locked, ReadTracking, Store,
    Wait,
};

use crate::catalogue::Pictures;
use crate::error::{Error, Result};
use crate::expressions::{Environment, Expressions};
use crate::key;
use crate::names;
use crate::record;
use crate::schema::*;
use crate::sequence::Blocks;
use crate::work::{Compiled, Work};

/// Object numbers taken at a time.
const NUMBER_BLOCK: u32 = 64;

/// A clock that answers milliseconds since 1970.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// What a model is made with.
#[derive(Clone)]
pub struct Options {
    /// Compiles the catalogue's expressions.
    pub expressions: Arc<dyn Expressions>,
    /// For ObjectIds.
    pub clock: Clock,
    /// For ObjectIds: 5 random bytes.
    pub random: [u8; 5],
    /// How long DDL waits for the transactions that use a collection.
    pub ddl_wait: Duration,
}

impl Options {
    /// The machine's clock, and 30 seconds for DDL.
    pub fn new(expressions: Arc<dyn Expressions>) -> Self {
        use std::hash::{BuildHasher, RandomState};
        let random = RandomState::new().hash_one(0u8).to_be_bytes();
        let now = || {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            since.map_or(0, |elapsed| elapsed.as_millis() as u64)
        };
        let [a, b, c, d, e, ..] = random;
        Options {
            expressions,
            clock: Arc::new(now),
            random: [a, b, c, d, e],
            ddl_wait: Duration::from_secs(30),
        }
    }
}

/// What was compiled last for each collection, and for which picture of it.
type CompiledCollections = HashMap<CollectionId, (Arc<Collection>, Arc<Compiled>)>;

/// What all sessions share.
pub(crate) struct Shared {
    pub store: Arc<dyn Store>,
    pub options: Options,
    pub pictures: Pictures,
    pub sequences: Blocks,
    numbers: Mutex<std::ops::Range<u32>>,
    object_ids: AtomicU32,
    compiled: Mutex<CompiledCollections>,
}

/// A store with a catalogue on it. Clones are the same model.
#[derive(Clone)]
pub struct Model(pub(crate) Arc<Shared>);

impl Model {
    /// Opens the model on a store; the first time it makes the database `main`.
    pub async fn open(store: Arc<dyn Store>, options: Options) -> Result<Model> {
        let [a, b, c, ..] = options.random;
        let shared = Shared {
            store,
            pictures: Pictures::default(),
            sequences: Blocks::default(),
            numbers: Mutex::new(0..0),
            object_ids: AtomicU32::new(u32::from_be_bytes([0, a, b, c])),
            compiled: Mutex::default(),
            options,
        };
        let model = Model(Arc::new(shared));
        model.make_main().await?;
        Ok(model)
    }

    async fn make_main(&self) -> Result<()> {
        let buffer = self.small().await?;
        if buffer.get(&key::database(names::MAIN)).await?.is_some() {
            return Ok(());
        }
        let work = self.begin(Begin::default(), ReadTracking::Off, Arc::new(())).await?;
        match work.create_database(names::MAIN).await {
            Ok(_) => work.commit(Durability::Sync, Bytes::new()).await.map(drop),
            // Another server over the same store was first.
            Err(Error::Duplicate { .. }) => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// The store beneath.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.0.store
    }

    /// Starts a transaction. `environment` is handed to the evaluators of expressions.
    pub async fn begin(
        &self,
        begin: Begin,
        tracking: ReadTracking,
        environment: Environment,
    ) -> Result<Work> {
        let cancel = begin.cancel.clone();
        let transaction = self.0.store.begin(begin).await?;
        let buffer = Buffer::new(transaction, self.0.store.offers(), tracking, cancel);
        Work::new(self.clone(), buffer, tracking, environment).await
    }

    /// A transaction of the model's own: untracked, small.
    pub(crate) async fn small(&self) -> Result<Buffer> {
        self.small_at(Begin::default()).await
    }

    pub(crate) async fn small_at(&self, begin: Begin) -> Result<Buffer> {
        let transaction = self.0.store.begin(begin).await?;
        let offers = self.0.store.offers();
        Ok(Buffer::new(transaction, offers, ReadTracking::Off, CancelToken::default()))
    }

    /// A number that nothing else ever has.
    pub(crate) async fn number(&self) -> Result<u32> {
        if let Some(number) = self.0.numbers.lock().next() {
            return Ok(number);
        }
        let mut block = self.take_numbers().await?;
        let first = block.next().ok_or(Error::Internal("an empty block of numbers"))?;
        *self.0.numbers.lock() = block;
        Ok(first)
    }

    async fn take_numbers(&self) -> Result<std::ops::Range<u32>> {
        let key = key::object_numbers();
        let buffer = self.small().await?;
        let last = lock_counter(&buffer, &key).await?.max(i64::from(FIRST_OBJECT_NUMBER) - 1);
        let end = last + i64::from(NUMBER_BLOCK);
        buffer.put(key, Bytes::copy_from_slice(&end.to_be_bytes()))?;
        buffer.commit(Durability::Sync, Bytes::new(), true).await?;
        let number = |n: i64| {
            u32::try_from(n)
                .map_err(|_| Error::Limit { what: "object numbers", limit: u32::MAX as usize })
        };
        Ok(number(last + 1)?..number(end + 1)?)
    }

    /// A fresh ObjectId: seconds, 5 random bytes of this process, a counter.
    pub fn object_id(&self) -> [u8; 12] {
        let seconds = ((self.0.options.clock)() / 1000) as u32;
        let count = self.0.object_ids.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let mut id = [0; 12];
        id[..4].copy_from_slice(&seconds.to_be_bytes());
        id[4..9].copy_from_slice(&self.0.options.random);
        id[9..].copy_from_slice(&count[1..]);
        id
    }

    /// What a collection's texts compile to.
    pub(crate) fn compiled(&self, collection: &Arc<Collection>) -> Result<Arc<Compiled>> {
        let mut all = self.0.compiled.lock();
        if let Some((of, compiled)) = all.get(&collection.id)
            && Arc::ptr_eq(of, collection)
        {
            return Ok(compiled.clone());
        }
        let compiled = Arc::new(Compiled::new(collection, &*self.0.options.expressions)?);
        all.insert(collection.id, (collection.clone(), compiled.clone()));
        Ok(compiled)
    }

    /// The number of rows that commits have counted, at a transaction's snapshot. No commit depends
    /// on it: else every insert would be a conflict for whoever planned a query.
    pub async fn row_count(&self, buffer: &Buffer, storage: StorageId) -> Result<i64> {
        let value = buffer.peek(&key::row_count(storage)).await?;
        Ok(key::read_counter(value.as_ref()))
    }
}

/// Locks a counter and reads its latest value.
pub(crate) async fn lock_counter(buffer: &Buffer, key: &Bytes) -> Result<i64> {
    let request = [LockRequest { key: key.clone(), mode: LockMode::Update }];
    match buffer.lock(&request, Wait::Forever).await?.pop() {
        Some(Locked::Held { value, .. }) => Ok(key::read_counter(value.as_ref())),
        _ => Err(Error::Internal("a lock was skipped that was waited for")),
    }
}

/// The version in a collection's lock; `None`: the collection is gone.
pub(crate) fn locked_version(value: Option<&Bytes>) -> Result<Option<u32>> {
    value.map(|bytes| record::decode_version(bytes)).transpose()
}
