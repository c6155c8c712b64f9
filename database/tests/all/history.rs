//! Random histories over SQL sessions, the library's closures and the key space, and a proof or a
//! refutation that they were isolated.
//!
//! ```text
//!   16 clients ─► list-append transactions ─► one table `lists`     Recorder ─► check
//!     sessions: texts with and without a plan of their shape, reads by key, by unique index,
//!               by range and by scan,
//!               appends by UPDATE and by INSERT … ON CONFLICT
//!     closures: the same through `Qanat::transaction`, run again on conflict
//! ```
//!
//! The seed is printed and may be given: `QANAT_SEED=… cargo nextest run -p qanat history`. It
//! makes the steps; what the scheduler does to them is not repeatable, so a failure's message
//! carries the whole cycle.

use std::collections::BTreeMap;
use std::sync::Arc;

use qanat::keys::KeyLock;
use qanat::session::{Fetched, Portal, Started, TextParameters, parse};
use qanat::{Bind, Error, ErrorKind, Qanat, Session, SessionOptions};
use transaction::BoxFuture;
use transaction::conformance::history::{Client, End, Level, Load, Recorder, Step};

fn seed() -> u64 {
    let given = std::env::var("QANAT_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(rand::random);
    println!("QANAT_SEED={seed}");
    seed
}

async fn session(qanat: &Qanat) -> Session {
    qanat
        .session(SessionOptions { user: "postgres".into(), ..SessionOptions::default() })
        .await
        .unwrap()
}

/// Runs one statement as a simple query does, and gives its rows as texts.
async fn query(session: &mut Session, text: &str) -> Result<Vec<Vec<Option<String>>>, Error> {
    let result = start(session, text).await;
    match result {
        Ok(rows) => session.sync().await.map(|()| rows),
        Err(error) => {
            session.fail().await;
            Err(error)
        }
    }
}

async fn start(session: &mut Session, text: &str) -> Result<Vec<Vec<Option<String>>>, Error> {
    if let Some(started) = session.start_cached(text).await {
        return rows(session, started?).await;
    }
    let mut all = Vec::new();
    for parsed in parse(text)? {
        let prepared = session.prepare(text, &parsed, &[]).await?;
        if let Started::Portal(portal) = session.start(&prepared, &TextParameters(&[])).await? {
            all = rows(session, portal).await?;
        }
    }
    Ok(all)
}

async fn rows(
    session: &mut Session,
    mut portal: Portal,
) -> Result<Vec<Vec<Option<String>>>, Error> {
    let columns = portal.columns.clone();
    let mut all = Vec::new();
    while let Fetched::Rows(rows) = portal.fetch(session, usize::MAX).await? {
        for at in rows.range {
            let cells = columns.iter().zip(rows.batch.row(at));
            all.push(
                cells
                    .map(|(c, datum)| session.text_of(c.ty, c.modifier, datum))
                    .collect::<Result<_, _>>()?,
            );
        }
    }
    Ok(all)
}

/// How a failure ends a transaction in a history.
fn end_of(error: &Error) -> End {
    match error.kind {
        ErrorKind::Retry | ErrorKind::Constraint => End::Aborted,
        ErrorKind::Unknown => End::Unknown,
        _ => panic!("{} {}", error.sqlstate, error.message),
    }
}

fn numbers(list: &str) -> Vec<u64> {
    list.split_whitespace().map(|number| number.parse().unwrap()).collect()
}

/// The ways to read a list; all must see the same.
fn read_text(key: u32, way: u64) -> String {
    match way % 5 {
        0 => format!("SELECT list FROM lists WHERE id = {key}"),
        1 => format!("SELECT list FROM lists WHERE name = 'list {key}'"),
        2 => format!("SELECT list FROM lists WHERE id BETWEEN {key} AND {key}"),
        3 => format!("SELECT list FROM lists WHERE id + 0 = {key}"),
        _ => format!("SELECT max(list) FROM lists WHERE name || '' = 'list {key}'"),
    }
}

fn update_text(key: u32, number: u64) -> String {
    format!("UPDATE lists SET list = list || ' {number}' WHERE id = {key} RETURNING id")
}

fn insert_text(key: u32, number: u64) -> String {
    format!(
        "INSERT INTO lists VALUES ({key}, 'list {key}', ' {number}') \
         ON CONFLICT (id) DO UPDATE SET list = lists.list || excluded.list"
    )
}

/// A client with a session: explicit transactions, or single statements where a step is alone.
struct Sql {
    session: Session,
    begin: &'static str,
    ways: u64,
}

impl Sql {
    async fn new(qanat: &Qanat, begin: &'static str, ways: u64) -> Sql {
        Sql { session: session(qanat).await, begin, ways }
    }

    async fn transaction(&mut self, steps: &[Step]) -> Result<Vec<Vec<u64>>, Error> {
        query(&mut self.session, self.begin).await?;
        let mut lists = Vec::new();
        for step in steps {
            self.ways = self.ways.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let way = self.ways >> 33;
            match *step {
                Step::Read(key) => {
                    let found = query(&mut self.session, &read_text(key, way)).await?;
                    let text = found.first().and_then(|row| row[0].clone()).unwrap_or_default();
                    lists.push(numbers(&text));
                }
                Step::Append(key, number) => self.append(key, number, way).await?,
            }
            tokio::task::yield_now().await;
        }
        query(&mut self.session, "COMMIT").await?;
        Ok(lists)
    }

    async fn append(&mut self, key: u32, number: u64, way: u64) -> Result<(), Error> {
        if way.is_multiple_of(2)
            && !query(&mut self.session, &update_text(key, number)).await?.is_empty()
        {
            return Ok(());
        }
        query(&mut self.session, &insert_text(key, number)).await.map(drop)
    }
}

impl Client for Sql {
    fn run<'a>(&'a mut self, steps: &'a [Step]) -> BoxFuture<'a, End> {
        Box::pin(async move {
            match self.transaction(steps).await {
                Ok(lists) => End::Committed(lists),
                Err(error) => {
                    query(&mut self.session, "ROLLBACK").await.unwrap();
                    end_of(&error)
                }
            }
        })
    }
}

/// A client of the library: closures that are run again on conflict.
struct Closures(Qanat);

impl Client for Closures {
    fn run<'a>(&'a mut self, steps: &'a [Step]) -> BoxFuture<'a, End> {
        Box::pin(async move {
            let result = self
                .0
                .transaction(|tx| {
                    let steps = steps.to_vec();
                    async move {
                        let mut lists = Vec::new();
                        for step in steps {
                            match step {
                                Step::Read(key) => {
                                    let text = "SELECT list FROM lists WHERE id = $1";
                                    let found: Option<String> =
                                        tx.sql(text).bind(key_of(key)).optional().await?;
                                    lists.push(numbers(&found.unwrap_or_default()));
                                }
                                Step::Append(key, number) => {
                                    tx.sql(insert_text(key, number)).run().await?;
                                }
                            }
                            tokio::task::yield_now().await;
                        }
                        Ok(lists)
                    }
                })
                .await;
            match result {
                Ok(lists) => End::Committed(lists),
                Err(error) => end_of(&error),
            }
        })
    }
}

fn key_of(key: u32) -> impl Bind {
    i64::from(key)
}

/// A client of the key space: the lists are strings, the transactions those of MULTI … EXEC,
/// which locks first all that it reads and writes.
struct Keys(qanat::keys::KeySession);

impl Keys {
    async fn transaction(
        &mut self,
        steps: &[Step],
    ) -> Result<Vec<Vec<u64>>, model::keyspace::KeyError> {
        let mut attempt = 0;
        loop {
            let mut keys = self.0.begin(true).await?;
            let error = match Self::steps(&mut keys, steps).await {
                Ok(lists) => match self.0.commit(keys).await {
                    Ok(_) => return Ok(lists),
                    Err(error) => self.0.again(None, error, &mut attempt).await,
                },
                Err(error) => self.0.again(Some(keys), error, &mut attempt).await,
            };
            error?;
        }
    }

    async fn steps(
        keys: &mut qanat::keys::KeyTransaction,
        steps: &[Step],
    ) -> Result<Vec<Vec<u64>>, model::keyspace::KeyError> {
        let mut names: BTreeMap<String, bool> = BTreeMap::new();
        for step in steps {
            let (Step::Read(key) | Step::Append(key, _)) = step;
            *names.entry(format!("list {key}")).or_default() |= matches!(step, Step::Append(..));
        }
        let locks = names.iter().map(|(name, write)| KeyLock {
            space: 0,
            key: name.as_bytes(),
            write: *write,
        });
        keys.lock(locks).await?;
        let mut lists = Vec::new();
        for step in steps {
            match *step {
                Step::Read(key) => {
                    let found = keys
                        .get_string(format!("list {key}").as_bytes())
                        .await?
                        .unwrap_or_default();
                    lists.push(numbers(std::str::from_utf8(&found).unwrap()));
                }
                Step::Append(key, number) => {
                    keys.append(format!("list {key}").as_bytes(), format!(" {number}").as_bytes())
                        .await?;
                }
            }
            tokio::task::yield_now().await;
        }
        Ok(lists)
    }
}

impl Client for Keys {
    fn run<'a>(&'a mut self, steps: &'a [Step]) -> BoxFuture<'a, End> {
        Box::pin(async move {
            match self.transaction(steps).await {
                Ok(lists) => End::Committed(lists),
                Err(error) if error.is_retryable() => End::Aborted,
                Err(error) => panic!("{error}"),
            }
        })
    }
}

/// Who takes part in a history.
#[derive(Clone, Copy)]
enum Who {
    Sessions,
    SessionsAndClosures,
    Keys,
}

const TABLE: &str = "CREATE TABLE lists (id int PRIMARY KEY, name text UNIQUE, list text NOT NULL)";

async fn client(qanat: &Qanat, who: Who, level: Level, number: u64) -> Box<dyn Client> {
    let begin = match level {
        Level::Serializable => "BEGIN ISOLATION LEVEL SERIALIZABLE",
        Level::Snapshot => "BEGIN ISOLATION LEVEL REPEATABLE READ",
    };
    match who {
        Who::Keys => Box::new(Keys(qanat.keyspaces().session("main").await.unwrap())),
        Who::SessionsAndClosures if number % 2 == 1 => Box::new(Closures(qanat.clone())),
        Who::Sessions | Who::SessionsAndClosures => Box::new(Sql::new(qanat, begin, number).await),
    }
}

async fn history(qanat: Qanat, who: Who, level: Level, clients: u64, load: Load) {
    query(&mut session(&qanat).await, TABLE).await.unwrap();
    let recorder = Arc::new(Recorder::default());
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..clients {
        let (qanat, recorder) = (qanat.clone(), recorder.clone());
        tasks.spawn(async move {
            let mut client = client(&qanat, who, level, number).await;
            recorder.drive(&mut *client, number, load).await;
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    // A last one that reads everything.
    let steps: Vec<Step> = (0..load.keys).map(Step::Read).collect();
    let end = recorder.run(&mut *client(&qanat, who, level, 0).await, steps).await;
    assert!(matches!(end, End::Committed(_)), "{end:?}");
    recorder.check(level).unwrap_or_else(|error| panic!("seed {}: {error}", load.seed));
    let all = clients as usize * load.transactions;
    println!("{} of {all} committed", recorder.committed());
    assert!(recorder.committed() > all / 10, "{} of {all} committed", recorder.committed());
    qanat.close().await.unwrap();
}

fn run(address: Option<&str>, who: Who, level: Level, clients: u64, transactions: usize) {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("file:{}", folder.path().join("store").display());
    let keys = if transactions > 200 { 24 } else { 8 };
    let load = Load { seed: seed(), transactions, keys, steps: 6 };
    runtime().block_on(async {
        let qanat = Qanat::open(address.unwrap_or(&file)).await.unwrap();
        history(qanat, who, level, clients, load).await;
    });
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap()
}

#[test]
fn sessions_in_memory_are_serializable() {
    run(Some("memory:"), Who::Sessions, Level::Serializable, 16, 75);
}

#[test]
fn sessions_in_memory_at_repeatable_read_are_snapshot_isolated() {
    run(Some("memory:"), Who::Sessions, Level::Snapshot, 16, 75);
}

#[test]
fn sessions_over_files_are_serializable() {
    run(None, Who::Sessions, Level::Serializable, 16, 40);
}

#[test]
fn sessions_over_files_at_repeatable_read_are_snapshot_isolated() {
    run(None, Who::Sessions, Level::Snapshot, 16, 40);
}

#[test]
fn closures_beside_sessions_are_serializable() {
    run(Some("memory:"), Who::SessionsAndClosures, Level::Serializable, 16, 50);
    run(None, Who::SessionsAndClosures, Level::Serializable, 16, 25);
}

#[test]
fn transactions_of_keys_are_serializable() {
    run(Some("memory:"), Who::Keys, Level::Serializable, 16, 75);
    run(None, Who::Keys, Level::Serializable, 16, 40);
}

#[test]
#[ignore = "long: thousands of transactions"]
fn long_histories() {
    for level in [Level::Serializable, Level::Snapshot] {
        run(Some("memory:"), Who::Sessions, level, 32, 400);
        run(None, Who::Sessions, level, 32, 250);
    }
    run(Some("memory:"), Who::SessionsAndClosures, Level::Serializable, 32, 400);
    run(None, Who::SessionsAndClosures, Level::Serializable, 32, 250);
    run(None, Who::Keys, Level::Serializable, 32, 400);
}

/// 64 transactions on different keys are all open at the same time; a wait of any of them is an
/// error, since it would wait for somebody who ends only after all have done their work.
async fn nobody_waits(qanat: &Qanat, level: &str) {
    let mut main = session(qanat).await;
    query(&mut main, "CREATE TABLE many (id int PRIMARY KEY, v int NOT NULL, u text UNIQUE)")
        .await
        .unwrap();
    query(&mut main, "CREATE INDEX many_v ON many (v)").await.unwrap();
    query(&mut main, "INSERT INTO many SELECT g, g, 'u' || g FROM generate_series(0, 63) g")
        .await
        .unwrap();
    let mut open = Vec::new();
    for n in 0..64 {
        let mut session = session(qanat).await;
        for text in [
            "SET lock_timeout = '1ms'".to_owned(),
            format!("BEGIN ISOLATION LEVEL {level}"),
            format!("SELECT v FROM many WHERE id = {n} FOR UPDATE"),
            format!("UPDATE many SET v = v + 1, u = 'new' || {n} WHERE id = {n}"),
            format!("INSERT INTO many VALUES (100 + {n}, {n}, 'more' || {n})"),
            format!("INSERT INTO many VALUES (200 + {n}, 0, NULL) ON CONFLICT DO NOTHING"),
            format!("DELETE FROM many WHERE id = 200 + {n}"),
        ] {
            query(&mut session, &text)
                .await
                .unwrap_or_else(|error| panic!("{n} {text}: {error:?}"));
        }
        open.push(session);
    }
    for (n, session) in open.iter_mut().enumerate() {
        query(session, "COMMIT").await.unwrap_or_else(|error| panic!("{n}: {error:?}"));
    }
    let sum = query(&mut main, "SELECT count(*), sum(v) FROM many").await.unwrap();
    assert_eq!(sum, [[Some("128".to_owned()), Some((64 * 63 + 64).to_string())]]);
    query(&mut main, "DROP TABLE many").await.unwrap();
}

#[test]
fn sixty_four_transactions_on_different_keys_never_wait() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("file:{}", folder.path().join("store").display());
    runtime().block_on(async {
        for address in ["memory:", &file] {
            let qanat = Qanat::open(address).await.unwrap();
            for level in ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"] {
                nobody_waits(&qanat, level).await;
            }
            qanat.close().await.unwrap();
        }
    });
}
