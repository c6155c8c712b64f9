//! SQL texts: read, printed, fingerprinted, bound, and run with the plan cache and without.
//!
//! ```text
//!   sql        text ─► tokens ─► tree ─► text' ─► tree' ─► text'      the same text
//!              literals changed within their class ─► the same fingerprint
//!   statement  T ─► prepared; T' (other literals) by the cache = T' prepared anew
//! ```
//!
//! What depends on time or chance has no one answer: a text is compared only where it answers
//! itself twice alike.

use language::sql::ast::{ExprKind, Statement};
use language::sql::deparse::{Parentheses, deparse, deparse_type};
use language::sql::lexer::{Lexer, TokenKind, text_of};
use language::sql::{Dialect, Fingerprint, parse, parse_expression, parse_type, texts, tree};
use qanat::session::{Fetched, Portal, Started, TextParameters};
use qanat::{Error, Qanat, Session, SessionOptions};

use crate::sessions::{qanat, runtime};

const SQL: Dialect = Dialect::PostgreSql;

/// A text as SQL.
pub fn sql(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    tokens(text);
    let mut fingerprint = Fingerprint::new();
    let scanned = fingerprint.scan(text, SQL);
    match parse(text, SQL) {
        Ok(statements) => {
            assert!(scanned.is_ok(), "parsed, but not scanned");
            for parsed in &statements {
                assert!(parsed.start <= parsed.end);
                assert!(text.get(parsed.start as usize..parsed.end as usize).is_some());
                assert!(parsed.fixed.iter().all(|n| *n < parsed.literals));
                let _ = tree::tree(&parsed.statement, true);
            }
            if let [parsed] = statements.as_slice()
                && fingerprint.is_cacheable()
            {
                assert_eq!(parsed.literals as usize, fingerprint.literals().len());
            }
        }
        Err(error) => {
            assert!(text.is_char_boundary(error.offset as usize), "{error:?}");
            assert!(!error.to_string().is_empty());
        }
    }
    if scanned.is_ok() {
        let other = other_literals(text, &fingerprint);
        let mut again = Fingerprint::new();
        again.scan(&other, SQL).expect("literals changed within their class");
        assert_eq!(again.key(), fingerprint.key(), "{other}");
        assert_eq!(again.is_cacheable(), fingerprint.is_cacheable());
    }
    printed(text);
}

fn tokens(text: &str) {
    let Ok(mut lexer) = Lexer::new(text, SQL) else { return };
    let mut end = 0;
    while let Ok(token) = lexer.next_token() {
        assert!(token.start >= end && token.end >= token.start);
        assert!(text.get(token.start as usize..token.end as usize).is_some());
        end = token.end;
        if token.kind == TokenKind::End {
            break;
        }
        assert!(token.end > token.start, "a token of no bytes never ends");
    }
    let _ = (texts::highest_parameter(text, SQL), texts::literal_texts(text, SQL));
    let _ = texts::rename_column(text, "a", "b c", SQL);
}

/// What is printed is read, and printed again alike.
fn printed(text: &str) {
    if let Ok(ty) = parse_type(text, SQL)
        && let Some(once) = deparse_type(&ty)
    {
        let again = parse_type(&once, SQL).unwrap_or_else(|e| panic!("{once}: {e}"));
        assert_eq!(deparse_type(&again).as_deref(), Some(&*once));
    }
    let Ok(expr) = parse_expression(text, SQL) else { return };
    for parentheses in [Parentheses::All, Parentheses::Needed] {
        let Some(once) = deparse(&expr, parentheses) else { continue };
        match parse_expression(&once, SQL) {
            Ok(again) => assert_eq!(deparse(&again, parentheses).as_deref(), Some(&*once)),
            // Parentheses that were not written nest as deep as operators do.
            Err(error) => assert!(error.to_string().contains("stack depth"), "{once}: {error}"),
        }
    }
    let _ = matches!(expr.kind, ExprKind::Row { .. });
}

/// The text with other literals of the same classes: plain strings turned by one letter, numbers
/// of several digits with another last digit.
fn other_literals(text: &str, fingerprint: &Fingerprint) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for literal in fingerprint.literals() {
        let source = text_of(text, literal.token);
        let from = literal.token.start as usize;
        let digits = source.bytes().all(|byte| byte.is_ascii_digit());
        if digits && (2..9).contains(&source.len()) {
            let last = &mut bytes[from + source.len() - 1];
            *last = b'0' + (*last - b'0' + 1) % 10;
        } else if source.starts_with('\'') {
            for byte in &mut bytes[from..from + source.len()] {
                *byte = match *byte {
                    b'a'..=b'y' => *byte + 1,
                    b'z' => b'a',
                    b'1'..=b'8' => *byte + 1,
                    other => other,
                };
            }
        }
    }
    String::from_utf8(bytes).expect("ASCII for ASCII")
}

/// What the statements speak of.
const CATALOGUE: [&str; 7] = [
    "CREATE TABLE t (id int PRIMARY KEY, name text UNIQUE, age int, price numeric(10,2), \
     at timestamptz, day date, doc jsonb, tags text[], ok bool, n bigint DEFAULT 7)",
    "CREATE TABLE u (id bigint PRIMARY KEY, t_id int NOT NULL, v float8, note varchar(20), \
     CHECK (v >= 0))",
    "CREATE INDEX t_age ON t (age, id DESC)",
    "CREATE INDEX u_t ON u (t_id)",
    "INSERT INTO t SELECT g, 'name ' || g, g % 7, g / 3.0, \
     '2024-01-01 00:00:00+00'::timestamptz + g * interval '1 hour', date '2024-02-28' + g, \
     json_build_object('a', g)::jsonb, ARRAY['x', 'y' || g], g % 2 = 0, g * 1000000000::bigint \
     FROM generate_series(1, 12) g",
    "INSERT INTO u SELECT g, g % 13, g * 0.5, 'note ' || g FROM generate_series(1, 20) g",
    "INSERT INTO t (id) VALUES (100)",
];

async fn catalogue() -> Qanat {
    let store = qanat().await;
    for text in CATALOGUE {
        store.sql(text).run().await.unwrap_or_else(|error| panic!("{text}: {error:?}"));
    }
    store
}

/// Rows as text.
type Rows = Vec<Vec<Option<String>>>;

/// What running a text gave: rows, or an error's code.
type Answer = Result<Rows, String>;

async fn rows(session: &mut Session, mut portal: Portal) -> qanat::Result<Rows> {
    let columns = portal.columns.clone();
    let mut all = Vec::new();
    while let Fetched::Rows(rows) = portal.fetch(session, usize::MAX).await? {
        for at in rows.range {
            let cells = columns.iter().zip(rows.batch.row(at));
            let row: qanat::Result<_> =
                cells.map(|(c, datum)| session.text_of(c.ty, c.modifier, datum)).collect();
            all.push(row?);
        }
        if all.len() > 10_000 {
            break;
        }
    }
    Ok(all)
}

fn answer<T>(result: qanat::Result<T>, text: &str) -> Result<T, String> {
    result.map_err(|error: Error| {
        assert!(!error.sqlstate.starts_with("XX"), "{}: {text}", error.message);
        error.sqlstate.to_string()
    })
}

/// Parses, binds and, where it is a query or a change without parameters, runs a text.
async fn anew(session: &mut Session, text: &str) -> Option<Answer> {
    let parsed = match qanat::session::parse(text).as_deref() {
        Ok([parsed]) => parsed.clone(),
        _ => return None,
    };
    let result = async {
        let prepared = session.prepare(text, &parsed, &[]).await?;
        let runs = matches!(
            parsed.statement,
            Statement::Query(_)
                | Statement::Insert(_)
                | Statement::Update(_)
                | Statement::Delete(_)
        );
        if !runs || prepared.parameter_count > 0 {
            return Ok(None);
        }
        match session.start(&prepared, &TextParameters(&[])).await? {
            Started::Portal(portal) => rows(session, portal).await.map(Some),
            _ => Ok(None),
        }
    };
    answer(result.await, text).transpose()
}

async fn control(session: &mut Session, text: &str) {
    let parsed = qanat::session::parse(text).expect("SQL").remove(0);
    let prepared = session.prepare(text, &parsed, &[]).await.expect("BEGIN and ROLLBACK bind");
    session.start(&prepared, &TextParameters(&[])).await.map(drop).expect("they run");
    session.sync().await.expect("nothing to commit");
}

/// Runs something in a transaction that is rolled back.
macro_rules! undone {
    ($session:ident, $run:expr) => {{
        control(&mut $session, "BEGIN").await;
        let result = $run;
        $session.fail().await;
        control(&mut $session, "ROLLBACK").await;
        result
    }};
}

/// A text as one statement over a small catalogue.
pub fn statement(data: &[u8]) {
    thread_local! {
        static STORE: Qanat = runtime().block_on(catalogue());
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    let store = STORE.with(Qanat::clone);
    runtime().block_on(async {
        let options = SessionOptions { user: "fuzz".into(), ..SessionOptions::default() };
        let mut session = store.session(options).await.expect("a session");
        session.settings().set("statement_timeout", "300", false).expect("a setting");
        let Some(first) = undone!(session, anew(&mut session, text).await) else { return };
        let mut fingerprint = Fingerprint::new();
        if fingerprint.scan(text, SQL).is_err() || first.is_err() {
            return;
        }
        let other = other_literals(text, &fingerprint);
        let cached = undone!(session, cached(&mut session, &other).await);
        let Some(cached) = cached else { return };
        let Some(plain) = undone!(session, anew(&mut session, &other).await) else { return };
        let again = undone!(session, anew(&mut session, &other).await);
        let late = |answer: &Answer| answer.as_ref().is_err_and(|code| code == "57014");
        if again.as_ref() == Some(&plain) && !late(&plain) && !late(&cached) {
            assert_eq!(cached, plain, "by the plan of {text}: {other}");
        }
    });
}

async fn cached(session: &mut Session, text: &str) -> Option<Answer> {
    let started = session.start_cached(text).await?;
    let result = match started {
        Ok(portal) => rows(session, portal).await,
        Err(error) => Err(error),
    };
    Some(answer(result, text))
}
