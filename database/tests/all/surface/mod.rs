//! The lists of PostgreSQL's surface (`tests/surface/postgres_*.txt`) against the library.
//!
//! ```text
//!   done    ALTER TABLE: SET SCHEMA    tests/sql/forms_tables.txt      the script has such a statement, answered
//!   later   ALTER TABLE: INHERIT       ALTER TABLE x INHERIT x         sent: 0A000, and the message names it
//! ```
//!
//! A script is replayed elsewhere (`scripts.rs`, and the tests of the crates whose recorded calls
//! and conversations are named), so what stands in one is true; here it is looked up whether the
//! thing does stand there: forms by tokens (`forms.rs`), calls and casts by the parsed tree and the
//! written types of all arguments (`calls.rs`). Golden files of calls are looked up where functions
//! are chosen for them, in the query crate.
//!
//! Rejected: to bind the scripts and ask which function was chosen. The scripts are written so that
//! nothing is left to choose, and the lists would depend on what the binder makes of them.

mod calls;
mod forms;

use std::path::{Path, PathBuf};

use qanat::session::{Fetched, Started, TextParameters, parse};
use qanat::{Error, Qanat, Session, SessionOptions};

const LISTS: [&str; 8] = [
    "postgres_aggregates.txt",
    "postgres_casts.txt",
    "postgres_functions.txt",
    "postgres_operators.txt",
    "postgres_relations.txt",
    "postgres_settings.txt",
    "postgres_statements.txt",
    "postgres_types.txt",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// One line of a list: what, whether we have it, and what shows it or what is to be sent.
struct Line {
    what: String,
    done: bool,
    proof: String,
}

fn listed(file: &str) -> Vec<Line> {
    let line = |line: &str| match line.split('\t').collect::<Vec<_>>()[..] {
        [state @ ("done" | "later"), what, proof] => {
            Line { what: what.into(), done: state == "done", proof: proof.into() }
        }
        _ => panic!("{file}: {line}"),
    };
    let text = read(Path::new("tests/surface").join(file));
    text.lines().filter(|line| !line.starts_with('#')).map(line).collect()
}

/// The statements of a script that were answered, in the two notations that there are.
fn answered(script: &str) -> Vec<String> {
    let text = read(script);
    let mut found = Vec::new();
    for part in text.split("\n\n") {
        let (sent, answer) = part.split_once("\n---").unwrap_or((part, ""));
        let sent = sent.lines().filter(|line| !line.starts_with('#'));
        if script.ends_with("postgres_session.txt") {
            // A conversation counts where nothing in it failed.
            let failed = answer.lines().any(|line| line.starts_with("E "));
            let queries = sent.filter_map(|line| line.strip_prefix("Q "));
            found.extend(queries.filter(|_| !failed).map(str::to_owned));
            continue;
        }
        let sent: Vec<&str> = sent.collect();
        let sent = sent.join("\n");
        let statement = match sent.strip_prefix('@').and_then(|rest| rest.split_once(' ')) {
            Some((_, statement)) => statement,
            None => &sent,
        };
        let refused = answer.lines().any(|line| line.starts_with("ERROR "));
        if !refused && statement != "..." {
            found.push(statement.to_owned());
        }
    }
    found
}

async fn session() -> Session {
    let qanat = Qanat::open("memory:").await.unwrap();
    let options = SessionOptions { user: "postgres".into(), ..SessionOptions::default() };
    let mut session = qanat.session(options).await.unwrap();
    send(&mut session, "CREATE TABLE x (x int); CREATE SEQUENCE s").await.unwrap();
    session
}

/// Runs a text as a simple query does, to its end.
async fn send(session: &mut Session, text: &str) -> Result<(), Error> {
    for parsed in parse(text)? {
        let prepared = session.prepare(text, &parsed, &[]).await?;
        if let Started::Portal(mut portal) = session.start(&prepared, &TextParameters(&[])).await? {
            while !matches!(portal.fetch(session, usize::MAX).await?, Fetched::Done(_)) {}
        }
    }
    session.sync().await
}

/// Words of five letters and more are held to be named by their first five, so that DEFERRED is by
/// `deferrable`; shorter ones as they are.
fn has_word(message: &str, word: &str) -> bool {
    let (message, word) = (message.to_lowercase(), word.to_lowercase());
    let stem: String = word.chars().take(5).collect();
    let mut words = message.split(|c: char| !c.is_alphanumeric());
    words.any(|found| if word.len() >= 5 { found.starts_with(&stem) } else { found == word })
}

/// Whether a refusal says what was refused.
fn names(file: &str, what: &str, sent: &str, message: &str) -> bool {
    match file {
        "postgres_statements.txt" => forms::names(what, sent, message),
        "postgres_operators.txt" | "postgres_functions.txt" | "postgres_aggregates.txt" => {
            let open = what.find('(').unwrap_or(what.len());
            let (name, types) = what.split_at(open);
            let by_name = message.contains(&format!("function {name}"))
                || message.contains(&format!("aggregate {name}"))
                || message.contains(&format!(" {name} "));
            // A type that is not there is told before the operation on it.
            let types = types.trim_matches(['(', ')']).split(',');
            by_name || types.map(calls::plain).any(|ty| names_type(ty, message))
        }
        "postgres_casts.txt" => what.split(' ').map(calls::plain).any(|ty| names_type(ty, message)),
        "postgres_types.txt" => names_type(calls::plain(what), message),
        _ => message.contains(what),
    }
}

/// Pseudo-types of operations are sent as one of the types that they stand for.
fn names_type(ty: &str, message: &str) -> bool {
    let Some(named) = message.strip_prefix("type ") else { return false };
    let named = named.strip_suffix(" is not supported").unwrap_or(named);
    let stands = ty.strip_prefix("anycompatible").or(ty.strip_prefix("any")).unwrap_or(ty);
    named == ty || !stands.is_empty() && named == format!("int4{stands}")
}

async fn refusals(file: &str) -> Vec<String> {
    let mut session = session().await;
    let mut wrong = Vec::new();
    for Line { what, done, proof } in listed(file) {
        if done {
            continue;
        }
        match send(&mut session, &proof).await {
            Err(error)
                if error.sqlstate == "0A000" && names(file, &what, &proof, &error.message) => {}
            Err(error) => {
                let answer = format!("{} {}", error.sqlstate, error.message);
                wrong.push(format!("{what}\t{proof}\t{answer}"));
            }
            Ok(()) => wrong.push(format!("{what}\t{proof}\tdone")),
        }
        session.fail().await;
        session.sync().await.unwrap();
    }
    wrong
}

#[test]
fn what_is_later_is_refused_by_name() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut wrong = Vec::new();
    for file in LISTS {
        let refused = runtime.block_on(refusals(file));
        wrong.extend(refused.into_iter().map(|line| format!("{file}: {line}")));
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_is_done_stands_in_its_script() {
    let mut scripts = std::collections::HashMap::new();
    let mut wrong = Vec::new();
    for file in LISTS {
        for Line { what, proof, .. } in listed(file).into_iter().filter(|line| line.done) {
            if proof.starts_with("query/tests/golden/") {
                continue;
            }
            let script =
                scripts.entry(proof.clone()).or_insert_with(|| Script::read(&answered(&proof)));
            let shown = match file {
                "postgres_statements.txt" => script.forms.iter().any(|s| forms::has(s, &what)),
                "postgres_settings.txt" => {
                    let show = |s: &Vec<String>| matches!(&s[..], [show, name] if show == "SHOW" && name.eq_ignore_ascii_case(&what));
                    script.forms.iter().any(show)
                }
                "postgres_relations.txt" => {
                    let (schema, name) = what.split_once('.').unwrap();
                    let all = format!("SELECT * FROM {schema} . {name} LIMIT 0").to_uppercase();
                    script.forms.iter().any(|s| s.join(" ") == all)
                }
                _ => script.calls.iter().any(|call| call.shows(file, &what)),
            };
            if !shown {
                wrong.push(format!("{file}: {what} is not in {proof}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}

/// What the statements of a script are.
struct Script {
    forms: Vec<Vec<String>>,
    calls: Vec<calls::Call>,
}

impl Script {
    fn read(statements: &[String]) -> Script {
        let forms = statements.iter().flat_map(|text| forms::words(text)).collect();
        let calls = statements.iter().flat_map(|text| calls::calls(text)).collect();
        Script { forms, calls }
    }
}

/// The calls of the scripts, for tests/surface/postgres.py:
/// `SHOWN=file cargo test -p qanat --test all shown -- --ignored`.
#[test]
#[ignore = "writes a file for the generator"]
fn shown() {
    let mut lines = Vec::new();
    for entry in std::fs::read_dir(root().join("tests/sql")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.starts_with("calls_") || !name.ends_with(".txt") {
            continue;
        }
        let script = format!("tests/sql/{name}");
        for text in answered(&script) {
            for call in calls::calls(&text) {
                let types = call.types.join(",");
                lines.push(format!("{}\t{}\t{types}\t{script}", call.kind.word(), call.name));
            }
        }
    }
    lines.sort_unstable();
    std::fs::write(std::env::var("SHOWN").expect("SHOWN names a file"), lines.join("\n")).unwrap();
}
