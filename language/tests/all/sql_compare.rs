//! What PostgreSQL's own grammar said (`tests/compare/results.txt`, written by `record.py`)
//! against what
//! ours says: accepted or not, SQLSTATE, position and message.

use language::sql::{Dialect, parse};

/// Statements on which the two differ on purpose.
const DIFFERENCES: &[(&str, &str)] = &[
    (
        "CREATE TABLE t (a int DEFERRABLE)",
        "PostgreSQL refuses it after parsing, with the same words",
    ),
    ("DO 'x' 'y'", "PostgreSQL refuses it when it runs, with the same words"),
];

fn verdict(sql: &str) -> String {
    match parse(sql, Dialect::PostgreSql) {
        Ok(_) => "ok".to_string(),
        Err(e) => {
            let at = e.position().map_or("-".to_string(), |at| at.to_string());
            format!("{}@{at} {e}", e.sqlstate()).replace('\n', "⏎").replace('\t', " ")
        }
    }
}

#[test]
fn as_postgresql() {
    let results = include_str!("../compare/results.txt");
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in results.lines() {
        let (theirs, sql) = line.split_once('\t').unwrap();
        count += 1;
        let ours = verdict(&sql.replace('⏎', "\n"));
        let known = DIFFERENCES.iter().any(|(statement, _)| *statement == sql);
        if (ours != theirs) != known {
            wrong.push(format!("{sql}\n  theirs {theirs}\n  ours   {ours}"));
        }
    }
    assert!(count > 800);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
