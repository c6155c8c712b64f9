//! LIKE, SIMILAR TO and regular expressions: whatever the pattern, an answer comes.
//!
//! ```text
//!   which │ length, text │ pattern
//! ```
//!
//! LIKE is held against a table of all prefixes, which cannot be wrong about `%`; the functions of
//! regular expressions are held against each other: a text matches exactly if something is counted.

use qanat::session::{Fetched, Prepared, Started, TextParameters, parse};
use qanat::{Qanat, Result, Session, SessionOptions};

use crate::input::Input;
use crate::sessions::{qanat, runtime};

const TEXTS: [&str; 9] = [
    "SELECT $1::text LIKE $2::text",
    "SELECT $1::text ILIKE $2::text",
    "SELECT ($1::text ~ $2::text) = (regexp_count($1::text, $2::text) > 0)",
    "SELECT ($1::text ~* $2::text) = (regexp_count($1::text, $2::text, 1, 'i') > 0)",
    "SELECT $1::text SIMILAR TO $2::text",
    "SELECT regexp_replace($1::text, $2::text, '[\\1\\&]', 'g') IS NOT NULL",
    "SELECT cardinality(regexp_split_to_array($1::text, $2::text)) > 0",
    "SELECT substring($1::text FROM $2::text) IS NULL OR $1::text ~ $2::text",
    "SELECT $1::text LIKE $2::text ESCAPE '!'",
];

struct Matcher {
    session: Session,
    statements: Vec<std::sync::Arc<Prepared>>,
    _store: Qanat,
}

impl Matcher {
    async fn new() -> Matcher {
        let store = qanat().await;
        let mut session = store.session(SessionOptions::default()).await.expect("a session");
        let mut statements = Vec::new();
        for text in TEXTS {
            let parsed = parse(text).expect("SQL").remove(0);
            statements.push(session.prepare(text, &parsed, &[]).await.expect("it binds"));
        }
        session.sync().await.expect("nothing to commit");
        Matcher { session, statements, _store: store }
    }

    /// The answer of one of the statements, as text.
    async fn ask(&mut self, which: usize, text: &str, pattern: &str) -> Result<Option<String>> {
        let values = [Some(text.to_owned()), Some(pattern.to_owned())];
        let statement = self.statements[which].clone();
        let answer = async {
            let started = self.session.start(&statement, &TextParameters(&values)).await?;
            let Started::Portal(mut portal) = started else { panic!("a query") };
            let columns = portal.columns.clone();
            let fetched = portal.fetch(&mut self.session, usize::MAX).await?;
            let Fetched::Rows(rows) = fetched else { panic!("a row") };
            let row = rows.batch.row(rows.range.start);
            self.session.text_of(columns[0].ty, columns[0].modifier, &row[0])
        }
        .await;
        match answer {
            Ok(_) => self.session.sync().await.expect("nothing to commit"),
            Err(_) => self.session.fail().await,
        }
        answer
    }
}

/// A kind of pattern, a text and a pattern.
pub fn pattern(data: &[u8]) {
    thread_local! {
        static MATCHER: std::cell::RefCell<Matcher> =
            std::cell::RefCell::new(runtime().block_on(Matcher::new()));
    }
    let mut input = Input::new(data);
    let which = input.below(TEXTS.len());
    let text = input.text().replace('\0', "0");
    let pattern = String::from_utf8_lossy(input.rest()).replace('\0', "0");
    MATCHER.with_borrow_mut(|matcher| {
        let answer = runtime().block_on(matcher.ask(which, &text, &pattern));
        match answer {
            Err(error) => assert!(!error.sqlstate.starts_with("XX"), "{}", error.message),
            Ok(found) if which == 0 => {
                let expected = if like(&text, &pattern) { "t" } else { "f" };
                assert_eq!(found.as_deref(), Some(expected), "{text:?} LIKE {pattern:?}");
            }
            Ok(found) if matches!(which, 2 | 3 | 5 | 6 | 7) => {
                assert_eq!(found.as_deref(), Some("t"), "{}: {text:?} {pattern:?}", TEXTS[which]);
            }
            Ok(found) => assert!(matches!(found.as_deref(), Some("t" | "f"))),
        }
    });
}

/// Whether a pattern matches, by all prefixes of the text at once.
fn like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    let mut parts = pattern.chars();
    while let Some(part) = parts.next() {
        if part == '%' {
            let first = reached.iter().position(|reached| *reached).unwrap_or(reached.len());
            reached.iter_mut().skip(first).for_each(|reached| *reached = true);
            continue;
        }
        let wanted = match part {
            '_' => None,
            '\\' => Some(parts.next().unwrap_or('\\')),
            other => Some(other),
        };
        for at in (0..text.len()).rev() {
            let fits = wanted.is_none_or(|wanted| wanted == text[at]);
            reached[at + 1] = reached[at] && fits;
        }
        reached[0] = false;
    }
    reached[text.len()]
}
