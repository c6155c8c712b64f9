//! Replays `tests/sql/*.txt`: statements with the answers that PostgreSQL 15 gave
//! (`tests/sql/record.py`).
//!
//! Each script runs in a store of its own in memory. A statement that does not answer is
//! `(waiting)`, and its answer is expected where it stands as `@session ...`. An answer that is
//! ours on purpose stands in the script with `# differs: why`. `UPDATE_ACTUAL=1` writes what was
//! answered beside each script that fails, as `NAME.actual`.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use qanat::session::{Fetched, Started, TextParameters, parse};
use qanat::{Error, Qanat, Session, SessionOptions};
use tokio::sync::{mpsc, oneshot};

/// A session that runs texts one after the other in a task of its own.
pub(super) struct Client {
    send: mpsc::UnboundedSender<(String, oneshot::Sender<String>)>,
    waiting: Option<oneshot::Receiver<String>>,
}

impl Client {
    pub(super) async fn new(qanat: &Qanat) -> Client {
        let options = SessionOptions { user: "postgres".into(), ..SessionOptions::default() };
        let mut session = qanat.session(options).await.unwrap();
        let (send, mut texts) = mpsc::unbounded_channel::<(String, oneshot::Sender<String>)>();
        tokio::spawn(async move {
            while let Some((text, reply)) = texts.recv().await {
                let answer = run(&mut session, &text).await;
                let _ = reply.send(answer);
            }
        });
        Client { send, waiting: None }
    }

    pub(super) fn start(&mut self, text: &str) {
        let (reply, answer) = oneshot::channel();
        self.send.send((text.to_owned(), reply)).unwrap();
        self.waiting = Some(answer);
    }

    pub(super) async fn poll(&mut self, millis: u64) -> Option<String> {
        let answer = self.waiting.as_mut()?;
        let answer = tokio::time::timeout(Duration::from_millis(millis), answer).await.ok()?;
        self.waiting = None;
        Some(answer.unwrap_or_else(|_| "the session died".into()))
    }
}

/// Runs one text as a simple query and prints its answer as the recorder does.
async fn run(session: &mut Session, text: &str) -> String {
    let mut out = String::new();
    match run_all(session, text, &mut out).await {
        Ok(()) => {}
        Err(error) => {
            session.fail().await;
            print_error(&mut out, text, &error);
        }
    }
    let notices = session.take_notices();
    let mut lines: Vec<String> =
        notices.iter().map(|n| format!("{} {}: {}", n.severity, n.sqlstate, n.message)).collect();
    lines.extend(out.lines().map(str::to_owned));
    lines.join("\n")
}

async fn run_all(session: &mut Session, text: &str, out: &mut String) -> Result<(), Error> {
    for parsed in parse(text)? {
        let prepared = session.prepare(text, &parsed, &[]).await?;
        match session.start(&prepared, &TextParameters(&[])).await? {
            Started::Empty => out.push_str("(empty)\n"),
            Started::CopyIn(_) | Started::CopyOut(_) => out.push_str("COPY\n"),
            Started::Portal(mut portal) => {
                let columns = portal.columns.clone();
                let shows = portal.has_rows();
                if shows {
                    let names: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
                    let line = names.join("|");
                    writeln!(out, "{}", if names.is_empty() { "(no columns)" } else { &line })
                        .unwrap();
                }
                loop {
                    match portal.fetch(session, usize::MAX).await? {
                        Fetched::Done(tag) if shows => writeln!(out, "({tag})").unwrap(),
                        Fetched::Done(tag) => writeln!(out, "{tag}").unwrap(),
                        Fetched::Rows(rows) => {
                            for at in rows.range {
                                let cells: Vec<String> = columns
                                    .iter()
                                    .zip(rows.batch.row(at))
                                    .map(|(c, datum)| {
                                        let text = session.text_of(c.ty, c.modifier, datum)?;
                                        Ok(text
                                            .map_or_else(|| "NULL".into(), |text| escaped(&text)))
                                    })
                                    .collect::<Result<_, Error>>()?;
                                let line = cells.join("|");
                                writeln!(out, "{}", if cells.is_empty() { "()" } else { &line })
                                    .unwrap();
                            }
                            continue;
                        }
                    }
                    break;
                }
            }
        }
    }
    session.sync().await
}

fn escaped(text: &str) -> String {
    if text.is_empty() {
        return "\"\"".into();
    }
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('|', "\\|")
}

fn print_error(out: &mut String, text: &str, error: &Error) {
    // What was printed of the failed text is not part of the peer's recorded answer.
    out.clear();
    writeln!(out, "ERROR {}: {}", error.sqlstate, error.message).unwrap();
    if let Some(detail) = &error.detail {
        writeln!(out, "DETAIL: {detail}").unwrap();
    }
    if let Some(position) = error.position {
        let characters = text.get(..position as usize).map_or(0, |before| before.chars().count());
        writeln!(out, "POSITION: {}", characters + 1).unwrap();
    }
    let object = &error.object;
    for (name, value) in
        [("CONSTRAINT", &object.constraint), ("COLUMN", &object.column), ("TABLE", &object.table)]
    {
        if let Some(value) = value {
            writeln!(out, "{name}: {value}").unwrap();
        }
    }
}

/// Statements and answers of a script.
pub(super) fn blocks(text: &str) -> Vec<(String, String)> {
    text.trim_matches('\n')
        .split("\n\n")
        .filter(|part| !part.trim().is_empty())
        .map(|part| match part.split_once("\n---") {
            Some((statement, answer)) => {
                (statement.trim_matches('\n').to_owned(), answer.trim_matches('\n').to_owned())
            }
            None => (part.trim_matches('\n').to_owned(), String::new()),
        })
        .collect()
}

fn statement_of(block: &str) -> (String, String) {
    let body: Vec<&str> = block.lines().filter(|line| !line.starts_with('#')).collect();
    let body = body.join("\n");
    match body.strip_prefix('@').and_then(|rest| rest.split_once(' ')) {
        Some((name, sql)) => (name.to_owned(), sql.to_owned()),
        None => ("main".to_owned(), body),
    }
}

async fn replay(script: &str) -> String {
    let qanat = Qanat::open("memory:").await.unwrap();
    let mut clients: HashMap<String, Client> = HashMap::new();
    let mut out = Vec::new();
    for (block, _) in blocks(script) {
        let (name, sql) = statement_of(&block);
        if sql.is_empty() {
            out.push(block);
            continue;
        }
        if sql == "..." {
            let late = match clients.get_mut(&name) {
                Some(client) => client.poll(5000).await,
                None => None,
            };
            out.push(format!("{block}\n---\n{}", late.unwrap_or_else(|| "(nothing came)".into())));
            continue;
        }
        if !clients.contains_key(&name) {
            clients.insert(name.clone(), Client::new(&qanat).await);
        }
        let client = clients.get_mut(&name).unwrap();
        client.start(&sql);
        let patience = if blocks_here(script, &block) { 400 } else { 20_000 };
        let answer = client.poll(patience).await.unwrap_or_else(|| "(waiting)".into());
        out.push(format!("{block}\n---\n{answer}").trim_end().to_owned());
    }
    out.join("\n\n") + "\n"
}

/// Whether a block is expected to wait: only then is it worth giving up on its answer early.
fn blocks_here(script: &str, block: &str) -> bool {
    script.contains(&format!("{block}\n---\n(waiting)"))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/sql")
}

fn check(name: &str) {
    let path = folder().join(name).with_extension("txt");
    let expected = std::fs::read_to_string(&path).unwrap();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let actual = runtime.block_on(replay(&expected));
    if std::env::var_os("UPDATE_ACTUAL").is_some() {
        std::fs::write(path.with_extension("actual"), &actual).unwrap();
    }
    let mut failures = String::new();
    let mut count = 0;
    for ((statement, expected), (_, actual)) in blocks(&expected).iter().zip(blocks(&actual)) {
        if *expected != actual {
            count += 1;
            writeln!(failures, "{statement}\n  expected\n{expected}\n  answered\n{actual}\n")
                .unwrap();
        }
    }
    assert!(count == 0, "{count} answers of {name} differ:\n{failures}");
}

/// A test for each script.
macro_rules! scripts {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check(stringify!($name));
        })*

        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

scripts! {
    basics
    ddl
    types
    queries
    calls_aggregates
    calls_casts
    calls_functions
    calls_operators
    calls_types
    forms_expressions
    forms_queries
    forms_session
    forms_tables
    relations
    settings
    transactions
    hermitage_read_committed
    hermitage_repeatable_read
    hermitage_serializable
    isolation_locks
    isolation_deadlock
    isolation_savepoint
    isolation_unique
    isolation_update
    isolation_ddl
    jsonb_keys
}

#[test]
fn every_script_is_replayed() {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let scripts = files.filter(|path| path.extension().is_some_and(|e| e == "txt"));
    let mut found: Vec<String> =
        scripts.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    let mut known = NAMES.to_vec();
    found.sort();
    known.sort_unstable();
    assert_eq!(found, known, "a script of tests/sql has no test here, or the reverse");
}
