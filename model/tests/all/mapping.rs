//! The tables of docs/mapping.md are what the code says. `UPDATE_DOCS=1` writes them.

use model::mapping::{self, Seen};
use model::row;
use model::types::{Scalar, Type};
use model::{TypeSet, datum::Arena};
use value::{Decimal, Document, Interval, Kind, Value};

fn set(kinds: &[Kind]) -> TypeSet {
    kinds.iter().fold(TypeSet::default(), |set, kind| set.with(*kind))
}

/// A type in the words of CREATE TABLE, the short ones.
fn word(ty: Type) -> String {
    match ty.scalar {
        Scalar::Varchar => "varchar".into(),
        Scalar::Bpchar => "char(n)".into(),
        Scalar::Time | Scalar::Timestamp | Scalar::TimestampTz => ty.scalar.name().into(),
        _ => ty.display(-1),
    }
}

fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let rule = format!("|{}\n", " --- |".repeat(head.len()));
    line(&head) + &rule + &rows.map(|row| line(&row)).collect::<String>()
}

fn kinds_table() -> String {
    let head = [
        "stored",
        "PostgreSQL, undeclared",
        "declared as",
        "Redis",
        "MySQL, later",
        "MongoDB, later",
    ];
    let row = |seen: &'static Seen| {
        let declared: Vec<String> = seen.declared.iter().map(|s| word(Type::of(*s))).collect();
        vec![
            format!("{:?}", seen.kind),
            word(set(&[seen.kind]).sql_type()),
            declared.join(", "),
            seen.redis.words().to_owned(),
            seen.mysql.to_owned(),
            seen.mongo.to_owned(),
        ]
    };
    table(&head, mapping::all().map(row))
}

/// The rule in rows, each of which is tried on every two and three kinds.
fn fields_table() -> String {
    let kinds: Vec<Kind> = mapping::all().map(|seen| seen.kind).collect();
    let numeric = |kind: &Kind| {
        let others = kinds.iter().filter(|other| *other != kind && **other != Kind::Null);
        others.into_iter().any(|other| set(&[*kind, *other]).sql_type() == Type::NUMERIC)
    };
    let numbers: Vec<Kind> =
        kinds.iter().copied().filter(|kind| *kind != Kind::Null && numeric(kind)).collect();
    for a in &kinds {
        assert_eq!(set(&[*a, Kind::Null]).sql_type(), set(&[*a]).sql_type(), "null beside {a:?}");
        for b in &kinds {
            for c in &kinds {
                let mut seen = vec![*a, *b, *c];
                seen.retain(|kind| *kind != Kind::Null);
                seen.sort();
                seen.dedup();
                let wanted = match seen.as_slice() {
                    [] => Type::JSONB,
                    [alone] => set(&[*alone]).sql_type(),
                    several if several.iter().all(|kind| numbers.contains(kind)) => Type::NUMERIC,
                    _ => Type::JSONB,
                };
                assert_eq!(set(&[*a, *b, *c]).sql_type(), wanted, "{a:?} {b:?} {c:?}");
            }
        }
    }
    let names: Vec<String> = numbers.iter().map(|kind| format!("{kind:?}")).collect();
    let row = |a: &str, b: &str| vec![a.to_owned(), b.to_owned()];
    let rows = [
        row("one", "that of the table under [Types](#types)"),
        row(&format!("several of {}", names.join(", ")), &word(Type::NUMERIC)),
        row("any others together", &word(Type::JSONB)),
        row("null, beside any", "as without it"),
    ];
    table(&["kinds seen in a field", "column's type"], rows.into_iter())
}

/// The page with what stands between `<!-- printed: name -->` and `<!-- end -->` replaced.
fn replaced(page: &str, name: &str, text: &str) -> String {
    let begin = format!("<!-- printed: {name} -->\n");
    let (before, rest) = page.split_once(&begin).expect("the mark before the table");
    let (_, after) = rest.split_once("<!-- end -->").expect("the mark behind the table");
    format!("{before}{begin}{text}<!-- end -->{after}")
}

#[test]
fn the_page_is_what_the_code_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/mapping.md");
    let page = std::fs::read_to_string(path).unwrap();
    let page_now = replaced(&page, "kinds", &kinds_table());
    let page_now = replaced(&page_now, "fields", &fields_table());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &page_now).unwrap();
        return;
    }
    assert_eq!(page, page_now, "docs/mapping.md is behind the code: UPDATE_DOCS=1 writes it");
}

/// A value of each kind that columns may be declared for.
fn samples() -> Vec<Value> {
    vec![
        Value::Bool(true),
        Value::Int8(1),
        Value::Int16(1),
        Value::Int32(1),
        Value::Int64(1),
        Value::UInt64(u64::MAX),
        Value::Float32(1.5),
        Value::Float64(1.5),
        Value::Decimal(Decimal::from(1)),
        Value::Text("a".into()),
        Value::bytes([1]),
        Value::Date(1),
        Value::Time(1),
        Value::Timestamp(1),
        Value::TimestampTz(1),
        Value::Interval(Interval { months: 1, days: 1, micros: 1 }),
        Value::Uuid([1; 16]),
        Value::ObjectId([1; 12]),
        Value::Document(Document::new()),
        Value::Array(vec![Value::Null]),
    ]
}

/// Types that no row names: json and jsonb hold every kind, the others are the catalogue's or no
/// column's.
const UNNAMED: [Scalar; 21] = [
    Scalar::Json,
    Scalar::Jsonb,
    Scalar::Any,
    Scalar::Name,
    Scalar::Char,
    Scalar::Oid,
    Scalar::Xid,
    Scalar::Tid,
    Scalar::Regclass,
    Scalar::Regtype,
    Scalar::Regproc,
    Scalar::Regnamespace,
    Scalar::Regrole,
    Scalar::Int2Vector,
    Scalar::OidVector,
    Scalar::Unknown,
    Scalar::Void,
    Scalar::Record,
    Scalar::PgNodeTree,
    Scalar::AclItem,
    Scalar::PgLsn,
];

#[test]
fn declared_columns_keep_the_kinds_that_the_table_names() {
    for sample in samples() {
        for scalar in mapping::seen(sample.kind()).declared {
            let ty = Type::of(*scalar);
            let assigned = row::assign(&sample, ty, -1);
            let kept = assigned.unwrap_or_else(|e| panic!("{scalar:?} of {sample:?}: {e:?}"));
            let arena = Arena::new();
            let datum = row::from_value(&kept, ty, &arena).unwrap();
            let back = row::to_value(&datum, ty).unwrap();
            assert_eq!(back.kind(), sample.kind(), "{scalar:?}");
        }
    }
    for scalar in Scalar::all() {
        let rows = mapping::all().filter(|seen| seen.declared.contains(&scalar)).count();
        let wanted = usize::from(!UNNAMED.contains(&scalar));
        // Unsigned 64 bits are two kinds, below and above the signed ones.
        let wanted = if scalar == Scalar::UInt8 { 2 } else { wanted };
        assert_eq!(rows, wanted, "{scalar:?}");
    }
}
