//! Forms of statements, as `tests/surface/grammar.py` writes them: a command, and the runs of
//! keywords that must stand in this order, each without a gap.
//!
//! ```text
//!   ALTER TABLE: ALTER … SET STATISTICS
//!   └ the statement begins with these words, others between them (CREATE UNIQUE INDEX)
//!                └ then these runs, anywhere in it
//!   expression: CASE … WHEN           any statement
//! ```
//!
//! **Invariant.** Only words that the lexer calls words count: what is quoted, or said in a
//! comment, is no keyword. A statement counts only if the parser takes it.

use language::sql::lexer::{Lexer, TokenKind, text_of};
use language::sql::{Dialect, parse};

/// The statements of a text as their words in capitals; none where it does not parse.
pub fn words(text: &str) -> Vec<Vec<String>> {
    if parse(text, Dialect::PostgreSql).is_err() {
        return Vec::new();
    }
    let mut statements = vec![Vec::new()];
    let mut lexer = Lexer::new(text, Dialect::PostgreSql).unwrap();
    loop {
        let token = lexer.next_token().unwrap();
        match token.kind {
            TokenKind::End => return statements,
            TokenKind::Semicolon => statements.push(Vec::new()),
            kind if kind.is_string() => push(&mut statements, "''".to_owned()),
            TokenKind::QuotedName | TokenKind::UnicodeName => {
                push(&mut statements, "\"\"".to_owned())
            }
            TokenKind::Word => push(&mut statements, text_of(text, token).to_uppercase()),
            // A sign of several characters is several, as grammar.py reads them.
            _ => text_of(text, token).chars().for_each(|c| push(&mut statements, c.to_string())),
        }
    }
}

fn push(statements: &mut [Vec<String>], word: String) {
    if let Some(last) = statements.last_mut() {
        last.push(word);
    }
}

/// A form's command, empty for an expression's, and its runs.
fn parts(form: &str) -> (Vec<&str>, Vec<Vec<&str>>) {
    let (command, runs) = form.split_once(": ").unwrap_or((form, ""));
    let command = if command == "expression" { "" } else { command };
    let runs = runs.split(" … ").filter(|run| !run.is_empty());
    (command.split_whitespace().collect(), runs.map(|run| run.split(' ').collect()).collect())
}

/// Whether a statement has a form.
pub fn has(statement: &[String], form: &str) -> bool {
    let (command, runs) = parts(form);
    begins(statement, &command, &runs) && in_order(statement, &runs)
}

/// Verbs that may stand behind WITH.
const VERBS: [&str; 7] = ["SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES", "TABLE"];

/// Words that may stand between those of a command: CREATE UNIQUE INDEX, SET LOCAL ROLE.
const BETWEEN: [&str; 18] = [
    "OR",
    "REPLACE",
    "UNIQUE",
    "TEMP",
    "TEMPORARY",
    "LOCAL",
    "GLOBAL",
    "UNLOGGED",
    "RECURSIVE",
    "CONSTRAINT",
    "DEFAULT",
    "TRUSTED",
    "PROCEDURAL",
    "WORK",
    "TRANSACTION",
    "SESSION",
    "CHARACTERISTICS",
    "AS",
];

/// The statement from its verb on: behind WITH's queries, which are in parentheses.
fn from_verb(statement: &[String]) -> &[String] {
    let mut depth = 0;
    for (at, word) in statement.iter().enumerate() {
        depth += i32::from(word == "(") - i32::from(word == ")");
        if statement[0] != "WITH" || depth == 0 && VERBS.contains(&word.as_str()) {
            return &statement[at..];
        }
    }
    statement
}

fn begins(statement: &[String], command: &[&str], runs: &[Vec<&str>]) -> bool {
    let mut rest = from_verb(statement);
    // TABLE is told of where SELECT is, RESET where SET is.
    let other = match command.first() {
        Some(&"SELECT") => "TABLE",
        Some(&"SET") => "RESET",
        _ => "",
    };
    let alone = rest.first().is_some_and(|first| first == other);
    if alone && runs.first().is_some_and(|run| run[0] == other) {
        return true;
    }
    for (number, word) in command.iter().enumerate() {
        // SELECT … INTO, CREATE TABLE … AS: whatever stands between.
        let far = number > 0 && ["INTO", "AS"].contains(word);
        while let [first, others @ ..] = rest
            && number > 0
            && first != word
            && (far || BETWEEN.contains(&first.as_str()))
        {
            rest = others;
        }
        match rest {
            [first, others @ ..] if first == word => rest = others,
            _ => return false,
        }
    }
    true
}

fn begins_with(statement: &[String], run: &[&str]) -> bool {
    statement.len() >= run.len() && statement.iter().zip(run).all(|(word, wanted)| word == wanted)
}

fn in_order(statement: &[String], runs: &[Vec<&str>]) -> bool {
    let mut at = 0;
    for run in runs {
        // INHERIT is not shown by NO INHERIT.
        let negated = |at: usize| at > 0 && ["NO", "NOT"].contains(&statement[at - 1].as_str());
        let stands = |at: &usize| begins_with(&statement[*at..], run) && !negated(*at);
        let Some(found) = (at..statement.len()).find(stands) else { return false };
        at = found + run.len();
    }
    true
}

/// Whether a refusal of a statement names the form: the command as a whole, a word of the runs, or
/// what the form is a part of, as it stands in the statement (EXCLUDE, where ASC is a part of it).
pub fn names(form: &str, sent: &str, message: &str) -> bool {
    let (command, runs) = parts(form);
    // A user and a group are roles: that is what the refusal calls them.
    let whole = command.join(" ").replace(" USER", " ROLE").replace(" GROUP", " ROLE");
    let whole = whole.replace(" ROLE MAPPING", " USER MAPPING");
    if !whole.is_empty() && message.starts_with(&format!("{whole} ")) {
        return true;
    }
    let sign = |run: &Vec<&str>| run.iter().all(|word| !word.starts_with(char::is_alphabetic));
    let by_sign = |run: &Vec<&str>| sign(run) && message.contains(&run.concat());
    let by_word = |word: &&str| word.len() > 1 && super::has_word(message, word);
    let around = words(sent).into_iter().flatten();
    let mut around = around.filter(|word| word.len() > 2 && !command.contains(&word.as_str()));
    runs.iter().any(by_sign)
        || runs.iter().flatten().any(by_word)
        || around.any(|word| super::has_word(message, &word))
}

#[test]
fn forms_are_found_and_not_seen_where_they_are_not() {
    let of = |text: &str| words(text).remove(0);
    let index = of("CREATE UNIQUE INDEX first ON t (a)");
    assert!(has(&index, "CREATE INDEX: CREATE … UNIQUE"));
    assert!(!has(&index, "CREATE INDEX: CREATE … INDEX … CONCURRENTLY"));
    assert!(!has(&index, "CREATE TABLE"));
    let check = of("ALTER TABLE t ADD CHECK (a > 0) NO INHERIT");
    assert!(has(&check, "ALTER TABLE: ADD … NO INHERIT"));
    assert!(!has(&check, "ALTER TABLE: INHERIT"));
    let quoted = of("SELECT 'ORDER BY' AS \"LIMIT\" FROM t -- UNION");
    for form in ["SELECT: ORDER BY", "SELECT: LIMIT", "SELECT: UNION", "expression: CASE"] {
        assert!(!has(&quoted, form), "{form}");
    }
    assert!(has(&quoted, "SELECT: AS"));
    assert!(has(&of("TABLE ONLY t"), "SELECT: TABLE … ONLY"));
    assert!(words("SELECT FROM WHERE").is_empty());
    assert!(names("ALTER TABLE: INHERIT", "ALTER TABLE x INHERIT y", "INHERIT is not supported"));
    assert!(names("CREATE USER: SYSID", "CREATE USER x SYSID 1", "CREATE ROLE is not supported"));
    assert!(!names("ALTER TABLE: INHERIT", "ALTER TABLE x INHERIT y", "a view is not supported"));
}
