//! Key spaces over a store in memory, with a clock that the test sets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use transaction::local::Local;
use transaction::{
    Answer, Begin, Commit, Committed, Durability, Feed, LockRequest, LockedRows, Offers, Outcome,
    Page, Scan, Stamp, Store, Transaction, TransactionId, View, Wait, WriteSet,
};

use super::*;
use crate::schema::DatabaseId;
use crate::{Model, NewCollection, NewColumn, Options};

/// Counts the records that cross the store's border.
#[derive(Default)]
struct Counters {
    reads: AtomicU64,
    writes: AtomicU64,
}

struct Counting {
    inner: Arc<dyn Store>,
    counters: Arc<Counters>,
}

struct CountingTransaction {
    inner: Box<dyn Transaction>,
    counters: Arc<Counters>,
}

impl Store for Counting {
    fn offers(&self) -> &Offers {
        self.inner.offers()
    }
    fn begin(&self, begin: Begin) -> Answer<'_, Box<dyn Transaction>> {
        let counters = self.counters.clone();
        match self.inner.begin(begin).now() {
            Ok(inner) => Answer::ready(inner.map(|inner| {
                Box::new(CountingTransaction { inner, counters }) as Box<dyn Transaction>
            })),
            Err(later) => Answer::Later(later),
        }
    }
    fn visible(&self) -> Stamp {
        self.inner.visible()
    }
    fn feed(&self, after: Stamp) -> transaction::Result<Box<dyn Feed>> {
        self.inner.feed(after)
    }
    fn outcome(&self, id: TransactionId) -> Answer<'_, Outcome> {
        self.inner.outcome(id)
    }
    fn close(&self) -> Answer<'_, ()> {
        self.inner.close()
    }
}

impl Transaction for CountingTransaction {
    fn id(&self) -> TransactionId {
        self.inner.id()
    }
    fn snapshot(&self) -> Stamp {
        self.inner.snapshot()
    }
    fn refresh(&self) -> Answer<'_, Stamp> {
        self.inner.refresh()
    }
    fn get<'a>(&'a self, key: &'a [u8], view: View) -> Answer<'a, Option<bytes::Bytes>> {
        self.counters.reads.fetch_add(1, Ordering::Relaxed);
        self.inner.get(key, view)
    }
    fn get_many<'a>(
        &'a self,
        keys: &'a [bytes::Bytes],
        view: View,
    ) -> Answer<'a, Vec<Option<bytes::Bytes>>> {
        self.counters.reads.fetch_add(keys.len() as u64, Ordering::Relaxed);
        self.inner.get_many(keys, view)
    }
    fn scan<'a>(&'a self, scan: &'a Scan, view: View) -> Answer<'a, Page> {
        self.counters.reads.fetch_add(scan.limit.records as u64, Ordering::Relaxed);
        self.inner.scan(scan, view)
    }
    fn lock<'a>(&'a self, keys: &'a [LockRequest], wait: Wait) -> Answer<'a, LockedRows> {
        self.counters.reads.fetch_add(keys.len() as u64, Ordering::Relaxed);
        self.inner.lock(keys, wait)
    }
    fn unlock(&self, keys: &[bytes::Bytes]) {
        self.inner.unlock(keys);
    }
    fn stage(&self, writes: WriteSet) -> Answer<'_, ()> {
        self.inner.stage(writes)
    }
    fn settle(&self) -> Answer<'_, ()> {
        self.inner.settle()
    }
    fn commit(self: Box<Self>, commit: Commit) -> Answer<'static, Committed> {
        let writes = commit.writes.writes().len() as u64;
        self.counters.writes.fetch_add(writes, Ordering::Relaxed);
        self.inner.commit(commit)
    }
}

struct Bench {
    model: Model,
    database: DatabaseId,
    counters: Arc<Counters>,
    now: u64,
}

impl Bench {
    async fn new() -> Bench {
        let counters = Arc::new(Counters::default());
        let inner: Arc<dyn Store> = Arc::new(Local::memory().unwrap());
        let store = Arc::new(Counting { inner, counters: counters.clone() });
        let options = Options::new(Arc::new(crate::expressions::NoExpressions));
        let model = Model::open(store, options).await.unwrap();
        let work = model
            .begin(Begin::default(), transaction::ReadTracking::Off, Arc::new(()))
            .await
            .unwrap();
        let database = work.catalogue().database("main").unwrap().id;
        drop(work);
        create(&model, database, 0).await.unwrap();
        Bench { model, database, counters, now: 1_000_000 }
    }

    async fn begin(&self, writes: bool) -> Keys {
        let (database, now) = (self.database, self.now);
        let start = Start { database, space: 0, now, writes, begin: Begin::default() };
        Keys::begin(&self.model, start, None).await.unwrap()
    }

    async fn sweep(&self, sweep: &mut Sweep) {
        let oldest = self.model.store().visible();
        self.model.sweep_keys(self.now, oldest, SweepLimit::default(), sweep).await.unwrap();
    }

    /// Records of every category that belongs to key spaces.
    async fn records(&self) -> usize {
        use crate::key::{Category, all};
        let buffer = self.model.small().await.unwrap();
        let mut count = 0;
        for category in [Category::Row, Category::Element, Category::Index, Category::Expiry] {
            count += crate::catalogue::read_all(&buffer, all(category)).await.unwrap().len();
        }
        count
    }

    fn counted(&self) -> (u64, u64) {
        let load = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed);
        (load(&self.counters.reads), load(&self.counters.writes))
    }
}

async fn done(keys: Keys) {
    keys.commit(Durability::None).await.unwrap();
}

#[tokio::test]
async fn keys_expire_when_they_are_due() {
    let mut bench = Bench::new().await;
    let mut keys = bench.begin(true).await;
    for n in 0..1000u64 {
        let expiry = Expiry::At(bench.now + 1 + n * 100);
        let options = SetOptions { expiry, ..SetOptions::default() };
        keys.set(format!("k{n}").as_bytes(), b"v", options).await.unwrap();
    }
    keys.set(b"stays", b"v", SetOptions::default()).await.unwrap();
    done(keys).await;
    let mut sweep = Sweep::default();
    bench.sweep(&mut sweep).await;
    assert_eq!(sweep.expired, 0);
    bench.now += 50_000;
    let mut keys = bench.begin(false).await;
    assert_eq!(keys.get_string(b"k0").await.unwrap(), None, "absent before it is deleted");
    assert!(keys.get_string(b"k600").await.unwrap().is_some());
    assert_eq!(keys.size().await.unwrap(), 1001, "counted until it is deleted");
    drop(keys);
    bench.sweep(&mut sweep).await;
    assert_eq!(sweep.expired, 500);
    assert_eq!(bench.begin(false).await.size().await.unwrap(), 501);
    bench.now += 1_000_000;
    bench.sweep(&mut sweep).await;
    assert_eq!(bench.begin(false).await.size().await.unwrap(), 1);
    assert_eq!(bench.records().await, 2, "the record that stays and its entry");
}

#[tokio::test]
async fn an_expiry_that_was_put_off_holds() {
    let mut bench = Bench::new().await;
    let mut keys = bench.begin(true).await;
    let at = |at| SetOptions { expiry: Expiry::At(at), ..SetOptions::default() };
    keys.set(b"a", b"v", at(bench.now + 10)).await.unwrap();
    keys.set(b"b", b"v", at(bench.now + 10)).await.unwrap();
    done(keys).await;
    let mut keys = bench.begin(true).await;
    keys.expire(b"a", bench.now as i64 + 500_000, ExpireIf::default()).await.unwrap();
    assert!(keys.persist(b"b").await.unwrap());
    done(keys).await;
    bench.now += 100;
    let mut sweep = Sweep::default();
    bench.sweep(&mut sweep).await;
    assert_eq!(bench.begin(false).await.size().await.unwrap(), 2);
    bench.now += 600_000;
    bench.sweep(&mut sweep).await;
    let mut keys = bench.begin(false).await;
    assert_eq!((keys.size().await.unwrap(), sweep.expired), (1, 1));
    assert!(keys.exists(b"b").await.unwrap());
}

#[tokio::test]
async fn a_field_of_a_huge_hash_costs_a_few_calls_and_its_deletion_too() {
    let bench = Bench::new().await;
    let fields: Vec<String> = (0..20_000).map(|n| format!("field{n}")).collect();
    for chunk in fields.chunks(2000) {
        let mut keys = bench.begin(true).await;
        let pairs: Vec<_> = chunk.iter().map(|f| (f.as_bytes(), &b"value"[..])).collect();
        assert_eq!(keys.hash_set(b"h", &pairs).await.unwrap(), chunk.len() as u64);
        done(keys).await;
    }
    bench.counted();
    let mut keys = bench.begin(true).await;
    keys.hash_set(b"h", &[(b"field77", b"other")]).await.unwrap();
    keys.hash_set(b"h", &[(b"new", b"other")]).await.unwrap();
    assert_eq!(keys.hash_delete(b"h", &[b"field3"]).await.unwrap(), 1);
    assert_eq!(keys.hash_get(b"h", b"field5").await.unwrap().unwrap(), "value");
    assert_eq!(keys.hash_len(b"h").await.unwrap(), 20_000);
    done(keys).await;
    let (reads, writes) = bench.counted();
    assert!(reads <= 16 && writes <= 6, "{reads} reads, {writes} writes");
    let mut keys = bench.begin(true).await;
    assert!(keys.rename(b"h", b"g", false).await.unwrap());
    assert_eq!(keys.hash_len(b"g").await.unwrap(), 20_000);
    assert!(keys.delete(b"g").await.unwrap());
    assert_eq!(keys.hash_set(b"g", &[(b"a", b"b")]).await.unwrap(), 1);
    done(keys).await;
    let (reads, writes) = bench.counted();
    assert!(reads <= 16 && writes <= 8, "{reads} reads, {writes} writes");
    let mut sweep = Sweep::default();
    bench.sweep(&mut sweep).await;
    assert_eq!(sweep.members, 20_000);
    assert_eq!(bench.records().await, 2);
}

#[tokio::test]
async fn flush_leaves_tables_alone_and_swap_exchanges() {
    let bench = Bench::new().await;
    let work = bench
        .model
        .begin(Begin::default(), transaction::ReadTracking::Off, Arc::new(()))
        .await
        .unwrap();
    let columns = vec![
        NewColumn::new("id", crate::types::Type::INT4),
        NewColumn::new("name", crate::types::Type::TEXT),
    ];
    let new = NewCollection::table(bench.database, "public", "users", columns).key(&["id"]);
    let table = work.create_collection(new).await.unwrap();
    work.set_redis_prefix(table.id, Some("users")).await.unwrap();
    work.commit(Durability::None, bytes::Bytes::new()).await.unwrap();
    let mut keys = bench.begin(true).await;
    assert_eq!(keys.hash_set(b"users:1", &[(b"name", b"Ann")]).await.unwrap(), 1);
    assert!(keys.hash_set(b"users:x", &[(b"name", b"Ann")]).await.is_err());
    assert!(keys.hash_set(b"users:2", &[(b"nope", b"Ann")]).await.is_err());
    assert!(keys.set(b"users:1", b"x", SetOptions::default()).await.is_err());
    assert!(keys.hash_delete(b"users:1", &[b"id"]).await.is_err());
    keys.set(b"k", b"v", SetOptions::default()).await.unwrap();
    done(keys).await;
    let mut keys = bench.begin(false).await;
    assert_eq!(keys.size().await.unwrap(), 1);
    assert_eq!(keys.hash_get(b"users:1", b"name").await.unwrap().unwrap(), "Ann");
    assert_eq!(keys.hash_get(b"users:1", b"id").await.unwrap().unwrap(), "1");
    assert_eq!(keys.kind(b"users:1").await.unwrap(), Some("hash"));
    let options = ScanOptions { cursor: 0, count: 10, pattern: None, kind: None };
    assert_eq!(keys.scan(options).await.unwrap().1, ["k"]);
    let with = ScanOptions { pattern: Some(b"users:*"), ..options };
    assert_eq!(keys.scan(with).await.unwrap().1, ["users:1"]);
    drop(keys);
    let mut keys = bench.begin(true).await;
    keys.swap(0, 3).await.unwrap();
    assert_eq!(keys.get_string(b"k").await.unwrap(), None);
    keys.select(3);
    assert_eq!(keys.get_string(b"k").await.unwrap().unwrap(), "v");
    keys.flush(None).await.unwrap();
    done(keys).await;
    let mut keys = bench.begin(true).await;
    keys.select(3);
    assert_eq!(keys.size().await.unwrap(), 0);
    assert!(keys.delete(b"users:1").await.unwrap());
    done(keys).await;
}

#[tokio::test]
async fn opened_rows_give_back_what_they_hold() {
    use crate::types::{Scalar, Type};
    let bench = Bench::new().await;
    let begin = bench.model.begin(Begin::default(), transaction::ReadTracking::Off, Arc::new(()));
    let work = begin.await.unwrap();
    let columns = vec![
        NewColumn::new("key", Type::BYTEA),
        NewColumn::new("part", Type::TEXT),
        NewColumn::new("json", Type::JSONB),
        NewColumn::new("days", Type::array_of(Scalar::Date)),
        NewColumn::new("other", Type::FLOAT4),
    ];
    let new = NewCollection::table(bench.database, "public", "t", columns).key(&["key", "part"]);
    let table = work.create_collection(new).await.unwrap();
    work.set_redis_prefix(table.id, Some("t")).await.unwrap();
    work.commit(Durability::None, bytes::Bytes::new()).await.unwrap();
    let key: &[u8] = b"t:\xff\\::a\\\\";
    let mut keys = bench.begin(true).await;
    let days: (&[u8], &[u8]) = (b"days", br#"[["2020-01-01"],[null]]"#);
    assert_eq!(keys.hash_set(key, &[(b"json", b"null"), days]).await.unwrap(), 2);
    done(keys).await;
    let mut keys = bench.begin(true).await;
    // What is not named stays as it is: a JSON null, an array of two dimensions, the key.
    assert_eq!(keys.hash_set(key, &[(b"other", b"1000000")]).await.unwrap(), 1);
    assert!(keys.hash_set(key, &[(b"part", b"b")]).await.is_err());
    assert_eq!(keys.hash_get(key, b"json").await.unwrap().unwrap(), "null");
    assert_eq!(keys.hash_get(key, b"days").await.unwrap().unwrap(), days.1);
    assert_eq!(keys.hash_get(key, b"other").await.unwrap().unwrap(), "1000000");
    assert_eq!(keys.hash_get(key, b"key").await.unwrap().unwrap(), &b"\xff:"[..]);
    let mut listed = Vec::new();
    keys.keys(b"t:*", |key| listed.push(key.to_vec())).await.unwrap();
    assert_eq!(listed, [key]);
    assert_eq!(keys.hash_delete(key, &[b"json", b"json", b"days"]).await.unwrap(), 2);
    assert_eq!(keys.hash_len(key).await.unwrap(), 3);
    // A NULL is none of the fields, and stays NULL when another column is set.
    keys.hash_set(key, &[(b"other", b"inf"), (b"json", b"\"a\"")]).await.unwrap();
    assert_eq!(keys.hash_get(key, b"json").await.unwrap().unwrap(), "\"a\"");
    assert_eq!(keys.hash_get(key, b"days").await.unwrap(), None);
    done(keys).await;
}

#[tokio::test]
async fn sql_sees_the_columns() {
    let bench = Bench::new().await;
    let mut keys = bench.begin(true).await;
    let expiry = Expiry::At(bench.now + 5);
    keys.set(b"s\xff", b"v", SetOptions { expiry, ..SetOptions::default() }).await.unwrap();
    keys.hash_set(b"h", &[(b"f", b"1"), (b"g", b"\xff")]).await.unwrap();
    done(keys).await;
    let buffer = bench.model.small().await.unwrap();
    let rows = crate::key::all(crate::key::Category::Row);
    let rows = crate::catalogue::read_all(&buffer, rows).await.unwrap();
    let [hash, string] = rows.as_slice() else { panic!("{rows:?}") };
    let arena = crate::datum::Arena::new();
    let string_row = columns(&string.0, string.1.clone(), bench.now).unwrap().unwrap();
    assert_eq!((string_row.key(), string_row.value()), (None, Some("v")));
    assert_eq!(string_row.expires_at, Some((bench.now as i64 + 5) * 1000));
    let hash_row = columns(&hash.0, hash.1.clone(), bench.now).unwrap().unwrap();
    let datums = hash_row.datums(&arena);
    assert!(matches!(datums[0], crate::datum::Datum::Text("h")));
    let crate::datum::Datum::Json(raw) = datums[5] else { panic!("{datums:?}") };
    let json = raw.to_json(value::json::Style::COMPACT).unwrap();
    assert_eq!(json.replace(' ', ""), r#"{"f":"1","g":"\\xff"}"#);
    assert!(columns(&string.0, string.1.clone(), bench.now + 5).unwrap().is_none());
}

#[tokio::test]
async fn what_no_value_holds_is_refused_before_it_is_made() {
    let bench = Bench::new().await;
    let mut keys = bench.begin(true).await;
    keys.set(b"k", b"v", SetOptions::default()).await.unwrap();
    assert!(matches!(keys.set_range(b"k", STRING_BYTES_MAX, b"x").await, Err(KeyError::TooLong)));
    // With a limit above what a value can be; made first, the second would end the process.
    keys.set_string_bytes_max(usize::MAX);
    let limit = bench.model.store().offers().value_bytes_max;
    for offset in [limit, 1 << 50] {
        let refused = keys.set_range(b"k", offset, b"x").await.unwrap_err();
        assert!(refused.to_string().contains("value"), "{refused}");
        assert!(!refused.ends_transaction());
    }
    assert_eq!(keys.get_string(b"k").await.unwrap().unwrap(), "v");
    done(keys).await;
}
