//! A store that never has an answer at hand, as one on another machine: the same statements over it
//! give the same rows.

use proptest::prelude::*;
use transaction::{
    Answer, BoxFuture, Commit, Committed, Feed, LockRequest, LockedRows, Offers, Outcome, Page,
    Stamp, Store, Transaction, TransactionId, View, Wait, WriteSet,
};

use super::*;
use crate::plan::optimize::{Statistics, optimize};
use crate::plan::{Delete, Update};

/// Every answer of the store beneath, later.
struct Later(Arc<dyn Store>);

struct LaterTransaction(Box<dyn Transaction>);

fn later<'a, T: Send + Unpin + 'a>(answer: Answer<'a, T>) -> Answer<'a, T> {
    let future: BoxFuture<'a, transaction::Result<T>> = match answer.now() {
        Ok(result) => Box::pin(async move {
            tokio::task::yield_now().await;
            result
        }),
        Err(future) => future,
    };
    Answer::Later(future)
}

impl Store for Later {
    fn offers(&self) -> &Offers {
        self.0.offers()
    }
    fn begin(&self, begin: Begin) -> Answer<'_, Box<dyn Transaction>> {
        Answer::later(async move {
            let begun = self.0.begin(begin).await?;
            Ok(Box::new(LaterTransaction(begun)) as Box<dyn Transaction>)
        })
    }
    fn visible(&self) -> Stamp {
        self.0.visible()
    }
    fn feed(&self, after: Stamp) -> transaction::Result<Box<dyn Feed>> {
        self.0.feed(after)
    }
    fn outcome(&self, id: TransactionId) -> Answer<'_, Outcome> {
        self.0.outcome(id)
    }
    fn close(&self) -> Answer<'_, ()> {
        self.0.close()
    }
}

impl Transaction for LaterTransaction {
    fn id(&self) -> TransactionId {
        self.0.id()
    }
    fn snapshot(&self) -> Stamp {
        self.0.snapshot()
    }
    fn refresh(&self) -> Answer<'_, Stamp> {
        later(self.0.refresh())
    }
    fn get<'a>(&'a self, key: &'a [u8], view: View) -> Answer<'a, Option<bytes::Bytes>> {
        later(self.0.get(key, view))
    }
    fn get_many<'a>(
        &'a self,
        keys: &'a [bytes::Bytes],
        view: View,
    ) -> Answer<'a, Vec<Option<bytes::Bytes>>> {
        later(self.0.get_many(keys, view))
    }
    fn scan<'a>(&'a self, scan: &'a transaction::Scan, view: View) -> Answer<'a, Page> {
        later(self.0.scan(scan, view))
    }
    fn lock<'a>(&'a self, keys: &'a [LockRequest], wait: Wait) -> Answer<'a, LockedRows> {
        later(self.0.lock(keys, wait))
    }
    fn unlock(&self, keys: &[bytes::Bytes]) {
        self.0.unlock(keys);
    }
    fn stage(&self, writes: WriteSet) -> Answer<'_, ()> {
        self.0.stage(writes)
    }
    fn settle(&self) -> Answer<'_, ()> {
        later(self.0.settle())
    }
    fn commit(self: Box<Self>, commit: Commit) -> Answer<'static, Committed> {
        self.0.commit(commit)
    }
}

fn ready() -> Arc<dyn Store> {
    Arc::new(Local::memory().unwrap())
}

/// What a few statements answer over rows (n, n % 5, n % 3), over a store.
async fn answers(store: Arc<dyn Store>, rows: i64, pivot: i64) -> Vec<(Vec<Row>, u64)> {
    let model = model_over(store).await;
    let table = table(&model, &["a", "b", "c"], 1, &[&["b"], &["c", "a"]]).await;
    let work = begin(&model).await;
    let content: Vec<Row> = (0..rows).map(|n| vec![Some(n), Some(n % 5), Some(n % 3)]).collect();
    fill(&work, &table, &content).await;
    let all = || (0..3).map(column).collect::<Vec<_>>();
    let query = |predicate: Expression| {
        statement(Operation::Query(project(filter(scan(&table), predicate), all())))
    };
    let key = binary("=", column(0), int(pivot));
    let source = |predicate: &Expression| filter(scan(&table), predicate.clone());
    let update = |predicate: Expression| {
        statement(Operation::Update(Box::new(Update {
            target: table.clone(),
            source: source(&predicate),
            key: 3,
            recheck: Some(predicate),
            assignments: vec![(table.columns[1].id, binary("+", column(1), int(1)))],
            returning: Some(all()),
        })))
    };
    let delete = |predicate: Expression| {
        statement(Operation::Delete(Box::new(Delete {
            target: table.clone(),
            source: source(&predicate),
            key: 3,
            recheck: Some(predicate),
            returning: Some(all()),
        })))
    };
    let statements = [
        query(key.clone()),
        query(binary("=", column(1), int(pivot % 5))),
        query(binary(">", column(0), int(pivot))),
        query(binary("<>", column(2), int(1))),
        update(key.clone()),
        update(binary("=", column(2), int(pivot % 3))),
        delete(binary("=", column(1), int(pivot % 5))),
        delete(key),
        query(binary(">=", column(0), int(0))),
    ];
    let mut found = Vec::new();
    for statement in statements {
        let statement = optimize(statement, &Statistics::default(), &Quiet);
        found.push(execute(&work, statement, Settings::default()).await.unwrap());
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn answers_do_not_depend_on_waiting(rows in 0i64..300, pivot in 0i64..20) {
        runtime().block_on(async {
            let at_once = answers(ready(), rows, pivot).await;
            let later = answers(Arc::new(Later(ready())), rows, pivot).await;
            assert_eq!(at_once, later);
        });
    }
}
