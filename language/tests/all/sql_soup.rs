//! No text panics, overflows the stack, or gives an offset outside of it.

use language::sql::keyword::Keyword;
use language::sql::{Dialect, Fingerprint, ParseErrorKind, parse};
use proptest::prelude::*;

fn check(text: &str) {
    let mut fingerprint = Fingerprint::new();
    let scanned = fingerprint.scan(text, Dialect::PostgreSql);
    match parse(text, Dialect::PostgreSql) {
        Ok(statements) => {
            assert!(scanned.is_ok(), "parsed, but not scanned: {text}");
            for parsed in &statements {
                assert!(parsed.start <= parsed.end && parsed.end as usize <= text.len());
                assert!(text.get(parsed.start as usize..parsed.end as usize).is_some());
                assert!(parsed.fixed.iter().all(|&n| n < parsed.literals));
            }
            if let [parsed] = statements.as_slice()
                && fingerprint.is_cacheable()
            {
                assert_eq!(parsed.literals as usize, fingerprint.literals().len(), "{text}");
            }
        }
        Err(e) => {
            assert!(text.is_char_boundary(e.offset as usize), "{e:?} in {text}");
            assert!(!e.to_string().is_empty());
        }
    }
}

fn token() -> impl Strategy<Value = String> {
    let words: Vec<&'static str> = Keyword::all().map(Keyword::word).collect();
    let others = [
        "a",
        "b",
        "t",
        "\"q\"",
        "1",
        "2.5",
        "2147483648",
        "'x'",
        "E'\\n'",
        "B'1'",
        "$1",
        "(",
        ")",
        "(",
        ")",
        ",",
        ".",
        ";",
        "[",
        "]",
        "*",
        "+",
        "-",
        "=",
        "<",
        "||",
        "::",
        ":",
        ":=",
        "=>",
        "<>",
        "<=",
        "->>",
    ];
    prop_oneof![
        4 => prop::sample::select(words).prop_map(str::to_string),
        5 => prop::sample::select(others.to_vec()).prop_map(str::to_string),
    ]
}

/// A real statement with some tokens replaced, doubled or left out.
fn mutated() -> impl Strategy<Value = String> {
    let lines: Vec<&'static str> = include_str!("../compare/results.txt")
        .lines()
        .filter_map(|line| line.strip_prefix("ok\t"))
        .collect();
    let edits = prop::collection::vec((any::<prop::sample::Index>(), 0..3u8, token()), 1..4);
    (prop::sample::select(lines), edits).prop_map(|(line, edits)| {
        let mut words: Vec<String> = line.split(' ').map(str::to_string).collect();
        for (at, what, token) in edits {
            let at = at.index(words.len());
            match what {
                0 => words[at] = token,
                1 => words.insert(at, token),
                _ if words.len() > 1 => drop(words.remove(at)),
                _ => {}
            }
        }
        words.join(" ")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..Default::default() })]

    #[test]
    fn soup_of_tokens(tokens in prop::collection::vec(token(), 0..24)) {
        check(&tokens.join(" "));
    }

    #[test]
    fn soup_of_characters(text in "[ -~\n\u{e9}\u{0}\u{1f600}'\"$/*]{0,60}") {
        check(&text);
    }

    #[test]
    fn soup_of_statements(text in mutated()) {
        check(&text);
    }
}

/// Each shape nests by itself; with a depth beyond every limit it is refused, not overflowed.
#[test]
fn deep_nesting() {
    let shapes = [
        ("(", "1", ")"),
        ("f(", "1", ")"),
        ("substring(", "a", " FROM 1)"),
        ("sum(a) OVER (PARTITION BY ", "a", ")"),
        ("(SELECT * FROM a JOIN (SELECT ", "1", ") b ON true)"),
        ("- - ", "a", ""),
        ("NOT ", "a", ""),
        ("ARRAY[", "1", "]"),
        ("(SELECT ", "1", ")"),
        ("CASE WHEN ", "a", " THEN 1 END"),
        ("a[", "1", "]"),
        ("1 + (", "1", ")"),
        ("a IN (", "1", ")"),
        ("EXISTS (SELECT * FROM (SELECT ", "1", ") x)"),
        ("~ ", "a", ""),
        ("", "a", " + 1"),
        ("", "a", "::int"),
        ("", "(a)", ".b"),
        ("", "a", " IS NULL"),
        ("", "SELECT 1", " UNION SELECT 1"),
        ("(", "SELECT 1", ")"),
        ("((a) + ", "1", ")"),
    ];
    for (open, inner, close) in shapes {
        for depth in [10usize, 20_000] {
            let body = format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
            let text = if inner.starts_with("SELECT") { body } else { format!("SELECT {body}") };
            match parse(&text, Dialect::PostgreSql) {
                Ok(_) => assert!(depth == 10, "{open}…{close} went through"),
                Err(e) => {
                    assert!(depth > 10, "{open}…{close}: {e}");
                    assert_eq!(e.kind, ParseErrorKind::TooDeep, "{open}…{close}");
                    assert_eq!(e.sqlstate(), "54001");
                }
            }
        }
    }
    let joins = format!("SELECT * FROM a{}", " CROSS JOIN a".repeat(20_000));
    assert_eq!(parse(&joins, Dialect::PostgreSql).unwrap_err().kind, ParseErrorKind::TooDeep);
    let nested =
        format!("SELECT * FROM {}a CROSS JOIN b{}", "(".repeat(20_000), ")".repeat(20_000));
    assert_eq!(parse(&nested, Dialect::PostgreSql).unwrap_err().kind, ParseErrorKind::TooDeep);
}

/// Long is not deep.
#[test]
fn long_lists() {
    let items = vec!["1"; 50_000].join(", ");
    let and = vec!["a = 1"; 50_000].join(" AND ");
    let rows = vec!["(1, -2)"; 20_000].join(", ");
    for text in [
        format!("SELECT {items}"),
        format!("SELECT a IN ({items})"),
        format!("SELECT 1 WHERE {and}"),
        format!("INSERT INTO t VALUES {rows}"),
        "SELECT 1;".repeat(20_000),
        format!("SELECT {}", vec!["U&'a'"; 20_000].join(", ")),
        format!("SELECT {}U&'a'", "U&'a' UESCAPE '!', ".repeat(20_000)),
        format!("SELECT 1 {}1", "+".repeat(100)),
    ] {
        if let Err(e) = parse(&text, Dialect::PostgreSql) {
            panic!("{e}");
        }
    }
}
