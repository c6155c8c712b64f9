//! Printing an expression and parsing it again gives the same tree.

use language::sql::ast::{Expr, ExprKind};
use language::sql::deparse::{Parentheses, deparse};
use language::sql::{Dialect, parse_expression};
use proptest::prelude::*;

fn parsed(text: &str) -> Expr {
    parse_expression(text, Dialect::PostgreSql).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn printed(text: &str, parentheses: Parentheses) -> String {
    deparse(&parsed(text), parentheses).unwrap_or_else(|| panic!("not printed: {text}"))
}

#[test]
fn style() {
    let cases = [
        ("a>0", "a > 0", "(a > 0)"),
        ("a>0 and b<-1", "a > 0 AND b < -1", "((a > 0) AND (b < -1))"),
        ("(a+b)*c", "(a + b) * c", "((a + b) * c)"),
        ("a+b*c", "a + b * c", "(a + (b * c))"),
        ("a - (b - c)", "a - (b - c)", "(a - (b - c))"),
        ("not (a or b)", "NOT (a OR b)", "(NOT (a OR b))"),
        ("NOW()", "now()", "now()"),
        ("nextval('s')", "nextval('s')", "nextval('s')"),
        ("'it''s'", "'it''s'", "'it''s'"),
        ("cast(a as varchar(10))", "a::character varying(10)", "(a)::character varying(10)"),
        ("date '2020-01-01'", "'2020-01-01'::date", "'2020-01-01'::date"),
        ("(-1)::int", "(-1)::integer", "-1::integer"),
        ("\"A b\" = \"select\"", "\"A b\" = \"select\"", "(\"A b\" = \"select\")"),
        ("a is not null", "a IS NOT NULL", "(a IS NOT NULL)"),
        ("a in (1,2)", "a IN (1, 2)", "(a IN (1, 2))"),
        ("a between 1 and 2", "a BETWEEN 1 AND 2", "(a BETWEEN 1 AND 2)"),
        ("a[1:2]", "a[1:2]", "a[1:2]"),
        ("(a).b", "(a).b", "(a).b"),
        ("trim(both from a)", "TRIM(BOTH FROM a)", "TRIM(BOTH FROM a)"),
        ("substring(a from 2)", "SUBSTRING(a FROM 2)", "SUBSTRING(a FROM 2)"),
        ("lower(a) collate \"C\"", "lower(a) COLLATE \"C\"", "(lower(a) COLLATE \"C\")"),
        ("(now() at time zone 'utc')", "now() AT TIME ZONE 'utc'", "(now() AT TIME ZONE 'utc')"),
    ];
    for (text, needed, all) in cases {
        assert_eq!(printed(text, Parentheses::Needed), needed);
        if !text.starts_with("(-1)") {
            assert_eq!(printed(text, Parentheses::All), all);
        }
    }
    for text in ["(SELECT 1)", "sum(a) OVER ()", "a IN (SELECT 1)"] {
        assert_eq!(deparse(&parsed(text), Parentheses::Needed), None);
    }
}

/// Every expression of the recorded statements that can stand alone.
#[test]
fn recorded_expressions() {
    let mut count = 0;
    for line in include_str!("../compare/results.txt").lines() {
        let Some(list) = line.strip_prefix("ok\tSELECT ") else { continue };
        let list = list.replace('⏎', "\n");
        let Ok(expr) = parse_expression(&format!("ROW({list})"), Dialect::PostgreSql) else {
            continue;
        };
        let ExprKind::Row { items, .. } = expr.kind else { continue };
        for item in items {
            for parentheses in [Parentheses::Needed, Parentheses::All] {
                let Some(once) = deparse(&item, parentheses) else { continue };
                let again = printed(&once, parentheses);
                assert_eq!(once, again, "of {line}");
                count += 1;
            }
        }
    }
    assert!(count > 300, "{count}");
}

fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "a",
        "t.b",
        "1",
        "-2",
        "1.5",
        "'x'",
        "NULL",
        "true",
        "$1",
        "\"Q\"",
        "2147483648",
        "X'1F'",
        "current_date",
    ]);
    leaf.prop_map(str::to_string).prop_recursive(5, 40, 4, |inner| {
        let one = inner.clone();
        let two = (inner.clone(), inner.clone());
        let three = (inner.clone(), inner.clone(), inner.clone());
        let binary = prop::sample::select(vec![
            "+",
            "-",
            "*",
            "/",
            "%",
            "^",
            "=",
            "<",
            ">=",
            "<>",
            "||",
            "->",
            "AND",
            "OR",
            "LIKE",
            "NOT ILIKE",
            "IS DISTINCT FROM",
            "AT TIME ZONE",
            "OPERATOR(s.+)",
            "SIMILAR TO",
        ]);
        let before = prop::sample::select(vec!["NOT", "-", "+", "@", "~"]);
        let after = prop::sample::select(vec![
            "IS NULL",
            "IS NOT TRUE",
            "::int",
            "::numeric(3,1)[]",
            "COLLATE \"C\"",
            "ISNULL",
            "IN (1, a)",
            "= ANY (a)",
            "NOT BETWEEN 1 AND 2",
        ]);
        prop_oneof![
            (two.clone(), binary.clone()).prop_map(|((a, b), o)| format!("({a}) {o} ({b})")),
            (two.clone(), binary).prop_map(|((a, b), o)| format!("{a} {o} {b}")),
            (before, one.clone()).prop_map(|(o, a)| format!("{o} ({a})")),
            (one.clone(), after).prop_map(|(a, o)| format!("({a}) {o}")),
            three.clone().prop_map(|(a, b, c)| format!("({a}) BETWEEN ({b}) AND ({c})")),
            three.clone().prop_map(|(a, b, c)| format!("({a}) LIKE ({b}) ESCAPE ({c})")),
            three.clone().prop_map(|(a, b, c)| format!("CASE {a} WHEN {b} THEN {c} END")),
            three.prop_map(|(a, b, c)| format!("f({a}, s.g({b}), ({c}, 1))")),
            two.clone().prop_map(|(a, b)| format!("(ARRAY[{a}])[{b}]")),
            two.clone().prop_map(|(a, b)| format!("(({a}).f.g)[{b}:]")),
            two.prop_map(|(a, b)| format!("position(({a}) in ({b}))")),
            one.clone().prop_map(|a| format!("extract(year from {a})")),
            one.prop_map(|a| format!("({a})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..Default::default() })]

    #[test]
    fn same_tree(text in expression()) {
        // Not every combination is valid without parentheses: `a = b = c`.
        let Ok(tree) = parse_expression(&text, Dialect::PostgreSql) else { return Ok(()) };
        for parentheses in [Parentheses::Needed, Parentheses::All] {
            let sql = deparse(&tree, parentheses).unwrap();
            let again = parse_expression(&sql, Dialect::PostgreSql);
            prop_assert_eq!(again.as_ref(), Ok(&tree), "{} became {}", text, sql);
        }
    }
}
