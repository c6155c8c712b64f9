//! Collections of the library: the same documents through types, filters, SQL and Redis.

use qanat::session::Level;
use qanat::value::serde::{Date, ObjectId};
use qanat::value::{Decimal, Kind};
use qanat::{Collection, Document, ErrorKind, Qanat, Value, doc};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct User {
    id: i64,
    name: String,
    age: Option<i32>,
}

fn user(id: i64, name: &str, age: Option<i32>) -> User {
    User { id, name: name.into(), age }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Thing {
    _id: Option<ObjectId>,
    name: String,
    day: Date,
    price: Decimal,
    tags: Vec<String>,
}

async fn open() -> Qanat {
    Qanat::open("memory:").await.unwrap()
}

async fn users(db: &Qanat) -> Collection<User> {
    let create = "CREATE TABLE users
        (id bigint PRIMARY KEY, name text UNIQUE, age int DEFAULT 30 CHECK (age >= 0))";
    db.sql(create).run().await.unwrap();
    db.collection("users")
}

#[tokio::test]
async fn a_declared_table_is_one_set_of_rows_for_all() {
    let db = open().await;
    let users = users(&db).await;
    let ann = user(1, "ann", Some(18));
    assert_eq!(users.put(&ann).await.unwrap(), Value::Int64(1));
    let select = "SELECT name, age FROM users WHERE id = 1";
    let row: (String, i32) = db.sql(select).one().await.unwrap();
    assert_eq!(row, ("ann".into(), 18));

    // SQL writes, the collection reads; a put replaces.
    db.sql("INSERT INTO users VALUES (2, 'bob', 44)").run().await.unwrap();
    assert_eq!(users.get(2).await.unwrap(), Some(user(2, "bob", Some(44))));
    users.put(&user(2, "bob", None)).await.unwrap();
    let age: Option<i32> = db.sql("SELECT age FROM users WHERE id = 2").one().await.unwrap();
    assert_eq!(age, None, "a null is no default");

    // Redis reads and writes the same rows.
    db.sql("ALTER TABLE users SET (redis_prefix = 'users')").run().await.unwrap();
    let name = db.keys().hash_get("users:1", "name").await.unwrap();
    assert_eq!(name.as_deref(), Some(&b"ann"[..]));
    db.keys().hash_set("users:3", &[(b"name", b"cyd"), (b"age", b"31")]).await.unwrap();
    assert_eq!(users.get(3).await.unwrap(), Some(user(3, "cyd", Some(31))));
    assert_eq!(users.find(doc! {}).count().await.unwrap(), 3);

    assert!(users.delete(3).await.unwrap());
    assert!(!users.delete(3).await.unwrap());
    assert!(!db.keys().exists("users:3").await.unwrap());
}

#[tokio::test]
async fn what_a_table_refuses_is_refused_by_name() {
    let db = open().await;
    let users = users(&db).await;
    users.put(&user(1, "ann", Some(18))).await.unwrap();
    let refused = [
        (users.insert(&user(1, "eve", None)).await, "23505"),
        (users.put(&user(2, "ann", None)).await, "23505"),
        (users.put(&user(1, "ann", Some(-1))).await, "23514"),
        (db.collection("users").put(&doc! {"id": 5, "age": 1.5}).await, "22000"),
        (db.collection("users").put(&doc! {"id": 5, "nick": "x"}).await, "42703"),
        (db.collection("users").put(&doc! {"_id": 4, "id": 5}).await, "22000"),
        (db.collection("users").put(&7).await, "42804"),
    ];
    for (at, (result, sqlstate)) in refused.into_iter().enumerate() {
        assert_eq!(result.unwrap_err().sqlstate, sqlstate, "{at}");
    }
    assert_eq!(users.find(doc! {}).all().await.unwrap(), [user(1, "ann", Some(18))]);
    let wrong: Result<Option<Thing>, _> = db.collection("users").get(1).await;
    let error = wrong.unwrap_err();
    assert_eq!(error.sqlstate, "42804");
    assert!(error.message.starts_with("a document of \"users\" is not of type"), "{error:?}");
    // A default fills what a document leaves out.
    db.collection("users").put(&doc! {"id": 9}).await.unwrap();
    assert_eq!(
        db.collection::<Document>("users").get(9).await.unwrap().unwrap().get("age"),
        Some(&Value::Int32(30))
    );
}

#[tokio::test]
async fn a_collection_without_a_schema_is_made_by_its_first_document() {
    let db = open().await;
    let things = db.collection::<Thing>("things");
    assert_eq!(things.get(1).await.unwrap(), None);
    assert_eq!(things.find(doc! {}).count().await.unwrap(), 0);
    assert!(!things.delete(1).await.unwrap());
    let mut thing = Thing {
        _id: None,
        name: "lamp".into(),
        day: Date(19_000),
        price: "12.50".parse().unwrap(),
        tags: vec!["light".into(), "home".into()],
    };
    let id = things.put(&thing).await.unwrap();
    assert_eq!(id.kind(), Kind::ObjectId);
    let stored = things.get(id.clone()).await.unwrap().unwrap();
    let Value::ObjectId(made) = id else { panic!("{id:?}") };
    thing._id = Some(ObjectId(made));
    assert_eq!(stored, thing);

    let select = "SELECT day::text, price, tags->>0 FROM things";
    let row: (String, String, String) = db.sql(select).one().await.unwrap();
    assert_eq!(row, ("2022-01-08".into(), "12.50".into(), "light".into()));
    assert_eq!(things.find(doc! {"tags": "home"}).first().await.unwrap(), Some(thing.clone()));
    assert_eq!(things.find(doc! {"price": 12.5, "day": Date(19_000)}).count().await.unwrap(), 1);

    // Every number is one identity; documents of other shapes lie beside.
    let others = db.collection::<Document>("audit.log");
    db.sql("CREATE SCHEMA audit").run().await.unwrap();
    others.put(&doc! {"_id": 5, "v": [1, {"w": null}]}).await.unwrap();
    others.put(&doc! {"_id": 5.0, "v": "new"}).await.unwrap();
    assert_eq!(others.find(doc! {}).all().await.unwrap().len(), 1);
    let v: String = db.sql("SELECT v::text FROM audit.log").one().await.unwrap();
    assert_eq!(v, "\"new\"", "its types are two, so it is JSON");
}

#[tokio::test]
async fn filters_sorts_and_ranges() {
    let db = open().await;
    let users = users(&db).await;
    for n in 0..2_000 {
        let age = (n % 3 != 0).then_some((n % 90) as i32);
        db.collection("users").insert(&user(n, &format!("u{n:04}"), age)).await.unwrap();
        if n == 400 {
            db.sql("CREATE INDEX ON users (age)").run().await.unwrap();
        }
    }
    let ids = |found: Vec<User>| found.iter().map(|user| user.id).collect::<Vec<_>>();
    let found = users.find(doc! {"id": {"$gte": 10.5, "$lt": 14}}).all().await.unwrap();
    assert_eq!(ids(found), [11, 12, 13]);
    let found = users.find(doc! {"_id": {"$in": [5, 3.0, "x"]}}).sort(doc! {"id": 1});
    assert_eq!(ids(found.all().await.unwrap()), [3, 5]);
    let last = users.find(doc! {"age": null}).sort(doc! {"id": -1}).skip(1).limit(2);
    assert_eq!(ids(last.all().await.unwrap()), [1_995, 1_992]);
    let some = users.find(doc! {"name": {"$regex": "^U00.5$", "$options": "i"}}).limit(3);
    assert_eq!(ids(some.all().await.unwrap()), [5, 15, 25]);
    let either = users.find(doc! {"$or": [{"id": 7}, {"name": "u0009"}]});
    assert_eq!(ids(either.all().await.unwrap()), [7, 9]);
    assert_eq!(users.find(doc! {"age": {"$gte": 89}}).skip(1).count().await.unwrap(), 21);

    let plan = |filter| {
        let users = users.clone();
        async move { users.find(filter).limit(2).explain().await.unwrap().join("\n") }
    };
    let by_key = plan(doc! {"id": {"$gte": 10.5, "$lt": 14}}).await;
    assert!(by_key.contains("Index Cond: ((id >= 11) AND (id < 14))"), "{by_key}");
    assert!(by_key.contains("_doc @@ {\"id\": {\"$gte\": 10.5}}"), "{by_key}");
    let by_index = plan(doc! {"age": 88, "name": {"$ne": "x"}}).await;
    assert!(by_index.contains("users_age_idx"), "{by_index}");
    let scanned = plan(doc! {"name": {"$exists": true}}).await;
    assert!(scanned.contains("Seq Scan on users"), "{scanned}");

    assert_eq!(users.find(doc! {"id": {"$gte": 1_000}}).delete().await.unwrap(), 1_000);
    assert_eq!(users.find(doc! {}).count().await.unwrap(), 1_000);
    let errors = [
        users.find(doc! {"a": {"$foo": 1}}).all().await.unwrap_err(),
        users.find(doc! {"$where": "1"}).all().await.unwrap_err(),
        users.find(doc! {}).sort(doc! {"id": 2}).all().await.unwrap_err(),
        users.find(doc! {}).limit(1).delete().await.unwrap_err(),
    ];
    assert_eq!(errors.map(|error| error.sqlstate), ["42601", "0A000", "42601", "0A000"]);
}

#[tokio::test]
async fn documents_without_a_schema_are_found_by_their_identity() {
    let db = open().await;
    let things = db.collection::<Document>("things");
    for n in 0..300 {
        things.insert(&doc! {"_id": n, "n": {"m": [n, n + 1]}}).await.unwrap();
    }
    let plan = things.find(doc! {"_id": {"$in": [5, 7.0]}}).explain().await.unwrap().join("\n");
    assert!(plan.contains("Index Scan"), "{plan}");
    let found = things.find(doc! {"_id": {"$in": [5, 7.0]}}).all().await.unwrap();
    assert_eq!(found.len(), 2);
    let range = things.find(doc! {"_id": {"$gt": 5.5, "$lte": 8}});
    let plan = range.explain().await.unwrap().join("\n");
    assert!(plan.contains("Index Cond: ((_id > '5.5'::any) AND (_id <= '8'::any))"), "{plan}");
    assert_eq!(things.find(doc! {"_id": {"$gt": 5.5, "$lte": 8}}).count().await.unwrap(), 3);
    let refused = things.insert(&doc! {"_id": [1, 2]}).await.unwrap_err();
    assert_eq!(refused.sqlstate, "0A000", "{refused}");
    let found = things.find(doc! {"n.m": 7}).sort(doc! {"_id": -1}).all().await.unwrap();
    let ids: Vec<_> = found.iter().map(|document| document.get("_id").unwrap().as_i64()).collect();
    assert_eq!(ids, [Some(7), Some(6)]);
    assert_eq!(things.find(doc! {"n.m.1": {"$mod": [100, 0]}}).count().await.unwrap(), 3);

    // The key's order needs no sort; another keeps no more than is wanted.
    let last = || things.find(doc! {}).sort(doc! {"_id": -1}).limit(2);
    let plan = last().explain().await.unwrap().join("\n");
    assert!(plan.contains("Seq Scan Backward") && !plan.contains("Sort"), "{plan}");
    let found = last().all().await.unwrap();
    assert_eq!(found[0].get("_id"), Some(&Value::Int32(299)));
    let by_path = || things.find(doc! {"_id": {"$lt": 200}}).sort(doc! {"n.m": -1, "_id": 1});
    let plan = by_path().skip(1).limit(2).explain().await.unwrap().join("\n");
    assert!(plan.contains("Sort Key: bson.sort_key(_doc, 'n.m'"), "{plan}");
    let found = by_path().skip(1).limit(2).all().await.unwrap();
    assert_eq!(found[0].get("_id"), Some(&Value::Int32(198)));
    assert_eq!(found.len(), 2);

    // A key that is kept shortened is found all the same.
    let long = "x".repeat(40_000);
    things.put(&doc! {"_id": &long, "n": 1}).await.unwrap();
    assert!(things.get(&long).await.unwrap().is_some());
    assert_eq!(things.find(doc! {"_id": &long}).count().await.unwrap(), 1);
    assert_eq!(things.find(doc! {"_id": {"$gte": "x"}}).count().await.unwrap(), 1);
}

#[tokio::test]
async fn one_transaction_over_everything() {
    let db = open().await;
    let users = users(&db).await;
    let result: Result<(), _> = db
        .transaction(|tx| async move {
            tx.collection("users").put(&user(1, "ann", None)).await?;
            tx.sql("UPDATE users SET age = 18 WHERE id = 1").run().await?;
            let seen = tx.collection::<User>("users").find(doc! {"age": 18}).all().await?;
            assert_eq!(seen, [user(1, "ann", Some(18))]);
            tx.collection("new").put(&doc! {"_id": 1}).await?;
            assert_eq!(tx.keys().incr("births").await?, 1);
            tx.sql("SELECT 1 / 0").run().await.map(drop)
        })
        .await;
    assert_eq!(result.unwrap_err().sqlstate, "22012");
    assert_eq!(users.find(doc! {}).count().await.unwrap(), 0);
    assert_eq!(db.collection::<Document>("new").get(1).await.unwrap(), None);
    assert_eq!(db.keys().get("births").await.unwrap(), None);

    let births = db
        .transaction(|tx| async move {
            // What fails leaves nothing of itself, and the transaction goes on.
            tx.collection("users").put(&user(1, "ann", Some(18))).await?;
            tx.collection("users").put(&user(2, "ann", None)).await.unwrap_err();
            tx.keys().set("text", "x").await?;
            tx.keys().incr("text").await.unwrap_err();
            tx.keys().append("text", "y").await?;
            tx.collection("new").put(&doc! {"_id": 1}).await?;
            tx.keys().incr("births").await?;
            tx.keys().incr_by("births", 2).await
        })
        .await
        .unwrap();
    assert_eq!(births, 3);
    assert_eq!(users.find(doc! {}).all().await.unwrap(), [user(1, "ann", Some(18))]);
    assert_eq!(db.keys().get("text").await.unwrap().as_deref(), Some(&b"xy"[..]));
    assert_eq!(db.keys().len().await.unwrap(), 2, "keys are counted in transactions too");
    let keys: Vec<String> = db.sql("SELECT key FROM redis ORDER BY 1").all().await.unwrap();
    assert_eq!(keys, ["births", "text"]);
}

/// Adds one to a document and to a key, both or neither.
async fn count(db: &Qanat) -> qanat::Result<i64> {
    db.transaction(|tx| async move {
        let counters = tx.collection::<Document>("counters");
        let found = counters.get("n").await?.unwrap();
        let v = found.get("v").unwrap().as_i64().unwrap() + 1;
        counters.put(&doc! {"_id": "n", "v": v}).await?;
        tx.keys().incr("n").await
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn conflicts_are_run_again() {
    let db = open().await;
    db.collection("counters").put(&doc! {"_id": "n", "v": 0i64}).await.unwrap();
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let db = db.clone();
        tasks.push(tokio::spawn(async move {
            for _ in 0..10 {
                // Twenty runs may not be enough beside three others.
                while let Err(error) = count(&db).await {
                    assert_eq!(error.kind, ErrorKind::Retry, "{error:?}");
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let counted = db.collection::<Document>("counters").get("n").await.unwrap().unwrap();
    assert_eq!(counted.get("v"), Some(&Value::Int64(40)));
    assert_eq!(db.keys().get("n").await.unwrap().as_deref(), Some(&b"40"[..]));
}

#[tokio::test]
async fn a_document_changed_after_the_snapshot_is_a_conflict() {
    let db = open().await;
    let counters = db.collection::<Document>("counters");
    counters.put(&doc! {"_id": 1, "v": 0}).await.unwrap();
    let runs = std::sync::atomic::AtomicU32::new(0);
    let (outer, runs) = (&db, &runs);
    let run = |tx: qanat::Transaction| async move {
        let inner = tx.collection::<Document>("counters");
        let v = inner.get(1).await?.and_then(|found| found.get("v")?.as_i64()).unwrap();
        if runs.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0 {
            outer.collection("counters").put(&doc! {"_id": 1, "v": 10}).await?;
        }
        inner.put(&doc! {"_id": 1, "v": v + 1}).await.map(drop)
    };
    db.transaction(run).isolation(Level::RepeatableRead).await.unwrap();
    let counted = counters.get(1).await.unwrap().unwrap();
    assert_eq!(counted.get("v"), Some(&Value::Int64(11)), "nothing was lost");
    assert_eq!(runs.load(std::sync::atomic::Ordering::Relaxed), 2);
}

#[tokio::test]
async fn redis_reaches_documents_without_a_schema() {
    let db = open().await;
    let things = db.collection::<Document>("things");
    things.put(&doc! {"_id": 5, "name": "lamp"}).await.unwrap();
    db.sql("ALTER TABLE things SET (redis_prefix = 'things')").run().await.unwrap();
    let name = db.keys().hash_get("things:5", "name").await.unwrap();
    assert_eq!(name.as_deref(), Some(&b"lamp"[..]));
    let both = db.transaction(|tx| async move {
        tx.keys().hash_set("things:6", &[(b"name", b"desk")]).await?;
        tx.collection::<Document>("things")
            .find(doc! {"name": {"$in": ["desk", "lamp"]}})
            .count()
            .await
    });
    assert_eq!(both.await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_first_writers_make_one_collection() {
    let db = open().await;
    let mut tasks = Vec::new();
    for n in 0..8 {
        let db = db.clone();
        tasks.push(tokio::spawn(async move {
            db.collection("fresh").put(&doc! {"_id": n}).await.unwrap();
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(db.collection::<Document>("fresh").find(doc! {}).count().await.unwrap(), 8);
}

#[tokio::test]
async fn a_call_that_is_given_up_takes_its_transaction_with_it() {
    let db = open().await;
    db.keys().set("held", "1").await.unwrap();
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let (taken, waits) = tokio::sync::oneshot::channel::<()>();
    let holder = {
        let (db, mut ends) = (db.clone(), Some((taken, released)));
        tokio::spawn(async move {
            db.transaction(|tx| {
                let ends = ends.take();
                async move {
                    tx.keys().incr("held").await?;
                    if let Some((taken, released)) = ends {
                        taken.send(()).unwrap();
                        released.await.unwrap();
                    }
                    Ok(())
                }
            })
            .await
        })
    };
    waits.await.unwrap();
    let result = db
        .transaction(|tx| async move {
            tx.collection("log").put(&doc! {"_id": 1}).await?;
            let keys = tx.keys();
            let call = keys.incr("held");
            let wait = std::time::Duration::from_millis(20);
            assert!(tokio::time::timeout(wait, call).await.is_err(), "it waits for the holder");
            Ok(())
        })
        .await;
    assert_eq!(result.unwrap_err().sqlstate, "25P02");
    release.send(()).unwrap();
    holder.await.unwrap().unwrap();
    assert_eq!(db.collection::<Document>("log").get(1).await.unwrap(), None);
    assert_eq!(db.keys().get("held").await.unwrap().as_deref(), Some(&b"2"[..]));
}

#[test]
fn the_same_without_a_runtime() {
    let db = qanat::blocking::Qanat::open("memory:").unwrap();
    let users = db.collection::<User>("users");
    for n in 0..5 {
        users.put(&user(n, "x", (n > 0).then_some(n as i32))).unwrap();
    }
    let found = users.find(doc! {"age": {"$gt": 1}}).sort(doc! {"age": -1}).skip(1).limit(2);
    let ages: Vec<_> = found.all().unwrap().iter().map(|user| user.age).collect();
    assert_eq!(ages, [Some(3), Some(2)]);
    assert_eq!(users.find(doc! {"age": null}).first().unwrap(), Some(user(0, "x", None)));
    let failed: Result<(), _> = db.transaction(|tx| {
        tx.collection::<Document>("users").put(&doc! {"id": 9})?;
        tx.keys().incr("n")?;
        tx.sql("SELECT count(*) FROM nothing").run().map(drop)
    });
    assert_eq!(failed.unwrap_err().sqlstate, "42P01");
    let n = db.transaction(|tx| {
        tx.collection::<Document>("users").put(&doc! {"id": 9})?;
        tx.collection::<User>("users").find(doc! {"age": 1}).delete()?;
        tx.keys().incr("n")
    });
    assert_eq!(n.unwrap(), 1);
    assert_eq!(db.collection::<Document>("users").find(doc! {}).count().unwrap(), 5);
    assert_eq!(users.find(doc! {"age": {"$exists": true}}).delete().unwrap(), 4);
    db.keys().set("k", "v").unwrap();
    assert!(db.keys().exists("k").unwrap());
}
