//! Cases by lot: tables over all types, rows, writers, changes.

use proptest::prelude::*;
use proptest::sample::select;

use super::bed::{Cell, Column, Table};
use super::values::{Json, Ty, Value};

/// Who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// A simple query with literals.
    Literals,
    /// An extended query with values as text.
    TextValues,
    /// The same in binary.
    BinaryValues,
    /// COPY … FROM STDIN.
    Copy,
    /// HSET.
    Redis,
    /// The library's `bind`.
    Library,
}

pub const WRITERS: [Writer; 6] = [
    Writer::Literals,
    Writer::TextValues,
    Writer::BinaryValues,
    Writer::Copy,
    Writer::Redis,
    Writer::Library,
];

/// What happens to a row after it was written.
#[derive(Clone, Debug)]
pub enum Change {
    /// A column gets a value, or NULL where the writer can say it.
    Set(Writer, usize, Cell),
    /// INSERT … ON CONFLICT DO UPDATE of one column.
    Upsert(usize, Cell),
    /// HINCRBY.
    Increment(usize, i64),
    /// HINCRBYFLOAT, which opened tables refuse.
    IncrementFloat(usize),
    /// HDEL.
    Forget(usize),
    /// UPDATE of a key's column.
    Move(usize, Value),
    /// DEL.
    Del,
    /// DELETE.
    Delete,
}

/// A table, its rows with their writers, and changes of the first row.
#[derive(Clone, Debug)]
pub struct Case {
    pub table: Table,
    pub rows: Vec<(Writer, Vec<Cell>)>,
    pub changes: Vec<Change>,
}

fn text() -> BoxedStrategy<String> {
    let odd = [
        "",
        " ",
        "NULL",
        "null",
        "\\N",
        "\\.",
        "a:b\\c",
        "::",
        "\\",
        "'",
        "\"q\"",
        "é:ß",
        "日本語",
        "\u{1F600}",
        "a\tb\nc\rd",
        "{1,2}",
        "[1]",
        "{}",
        "$1",
        "\u{1}\u{7f}",
        "x  ",
        " x",
        "%_*?[",
        "ﬀ\u{301}",
    ];
    prop_oneof![
        select(odd.to_vec()).prop_map(str::to_owned),
        "[a-c:\\\\ ]{0,5}",
        "\\PC{0,6}",
        any::<String>().prop_map(|text| text.chars().filter(|c| *c != '\0').take(6).collect()),
    ]
    .boxed()
}

fn limited(n: u32) -> BoxedStrategy<String> {
    text().prop_map(move |text| text.chars().take(n as usize).collect()).boxed()
}

fn integer(low: i64, high: i64) -> BoxedStrategy<Value> {
    prop_oneof![select(vec![low, high, 0, 1, -1]), -100..100i64, low..=high]
        .prop_map(Value::Int)
        .boxed()
}

/// Digits without leading zeros.
fn whole(digits: u32) -> BoxedStrategy<String> {
    let bare = |text: String| {
        let bare = text.trim_start_matches('0');
        if bare.is_empty() { "0".to_owned() } else { bare.to_owned() }
    };
    prop::collection::vec(0..10u32, 0..=digits as usize)
        .prop_map(move |digits| bare(digits.iter().map(u32::to_string).collect()))
        .boxed()
}

fn decimal(precision: u32, scale: u32) -> BoxedStrategy<String> {
    let fraction = prop::collection::vec(0..10u32, scale as usize);
    (any::<bool>(), whole(precision - scale), fraction)
        .prop_map(|(minus, whole, fraction)| {
            let fraction: String = fraction.iter().map(u32::to_string).collect();
            let zero = whole == "0" && fraction.chars().all(|c| c == '0');
            let sign = if minus && !zero { "-" } else { "" };
            let point = if fraction.is_empty() { "" } else { "." };
            format!("{sign}{whole}{point}{fraction}")
        })
        .boxed()
}

fn json() -> BoxedStrategy<Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        any::<i64>().prop_map(|n| Json::Number(n.to_string())),
        (0..6u32).prop_flat_map(|scale| decimal(25 + scale, scale)).prop_map(Json::Number),
        text().prop_map(Json::Text),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let fields = prop::collection::btree_map(text(), inner.clone(), 0..4);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Json::Array),
            fields.prop_map(|fields| Json::Object(fields.into_iter().rev().collect())),
        ]
    })
    .boxed()
}

const DAY: i64 = 86_400_000_000;
/// 4714-11-24 BC and the last microsecond that counts from 1970 in 64 bits with room to spare.
const MOMENTS: (i64, i64) = (-2_440_588 * DAY, 9_223_371_331_199_999_999);

fn moment() -> BoxedStrategy<i64> {
    let (low, high) = MOMENTS;
    let edges = vec![low, high, 0, -1, i64::MIN, i64::MAX, -62_135_596_800_000_001];
    let now = -3_000_000_000_000_000..3_000_000_000_000_000i64;
    prop_oneof![select(edges), low..=high, now.clone(), now.prop_map(|n| n / DAY * DAY)].boxed()
}

/// A value of a type that is no array.
pub fn scalar(ty: Ty) -> BoxedStrategy<Value> {
    match ty {
        Ty::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Ty::Int2 | Ty::Int4 | Ty::Int8 => {
            let (low, high) = ty.range().unwrap();
            integer(low, high)
        }
        Ty::Float4 => prop_oneof![
            select(vec![0.0, -0.0, f32::MAX, f32::MIN_POSITIVE, 1e6, 0.1, 1e-5, 16_777_216.0]),
            select(vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY]),
            any::<f32>().prop_filter("one NaN", |n| !n.is_nan()),
            (-1000..1000i16).prop_map(|n| f32::from(n) / 8.0),
        ]
        .prop_map(Value::Float4)
        .boxed(),
        Ty::Float8 => prop_oneof![
            select(vec![
                0.0,
                -0.0,
                f64::MAX,
                5e-324,
                1e15,
                1e14,
                0.1,
                1e-5,
                4_503_599_627_370_496.0
            ]),
            select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY]),
            any::<f64>().prop_filter("one NaN", |n| !n.is_nan()),
            (-1000..1000i16).prop_map(|n| f64::from(n) / 8.0),
        ]
        .prop_map(Value::Float8)
        .boxed(),
        Ty::Numeric => prop_oneof![
            6 => (0..20u32, 0..40u32).prop_flat_map(|(scale, whole)| decimal(whole + scale, scale)),
            1 => select(vec!["NaN", "Infinity", "-Infinity", "1.50", "100", "0.000"])
                .prop_map(str::to_owned),
        ]
        .prop_map(Value::Numeric)
        .boxed(),
        Ty::NumericOf(precision, scale) => {
            decimal(precision, scale).prop_map(Value::Numeric).boxed()
        }
        Ty::Text => text().prop_map(Value::Text).boxed(),
        Ty::Varchar(n) => limited(n).prop_map(Value::Text).boxed(),
        Ty::Char(n) => {
            limited(n).prop_map(|text| Value::Text(text.trim_end_matches(' ').into())).boxed()
        }
        Ty::Bytea => prop_oneof![
            prop::collection::vec(any::<u8>(), 0..10),
            text().prop_map(String::into_bytes),
        ]
        .prop_map(Value::Bytes)
        .boxed(),
        Ty::Date | Ty::Time | Ty::Timestamp | Ty::TimestampTz | Ty::Interval => time(ty),
        Ty::Uuid => any::<[u8; 16]>().prop_map(Value::Uuid).boxed(),
        Ty::ObjectId => any::<[u8; 12]>().prop_map(Value::ObjectId).boxed(),
        Ty::Jsonb | Ty::Json => json().prop_map(Value::Json).boxed(),
    }
}

fn time(ty: Ty) -> BoxedStrategy<Value> {
    match ty {
        Ty::Date => {
            let edges = vec![i32::MIN, i32::MAX, -2_440_588, 2_145_042_905, 0, -1, 59, -719_163];
            prop_oneof![select(edges), -2_440_588..2_145_042_905i32, -800_000..40_000i32]
                .prop_map(Value::Date)
                .boxed()
        }
        Ty::Time => prop_oneof![
            select(vec![0, DAY, DAY - 1]),
            0..=DAY,
            (0..1440i64).prop_map(|m| m * 60_000_000)
        ]
        .prop_map(Value::Time)
        .boxed(),
        Ty::Timestamp => moment().prop_map(Value::Timestamp).boxed(),
        Ty::TimestampTz => moment().prop_map(Value::TimestampTz).boxed(),
        Ty::Interval => {
            let small = (-30..30i32, -40..40i32, -90_000_000_000..90_000_000_000i64);
            let zeros = (
                select(vec![0, 1, -1, 12]),
                select(vec![0, 1, -1]),
                select(vec![0, 1, -1_000_000]),
            );
            let wide = (any::<i32>(), any::<i32>(), i64::MIN + 1..=i64::MAX);
            prop_oneof![small, zeros, wide]
                .prop_map(|(months, days, micros)| Value::Interval { months, days, micros })
                .boxed()
        }
        other => unreachable!("{other:?} is no time"),
    }
}

fn value(column: &Column) -> BoxedStrategy<Value> {
    let ty = column.ty;
    if !column.array {
        return scalar(ty);
    }
    let kept = |value| match value {
        // A known edge (README): among json elements JSON's null is SQL's.
        Value::Json(Json::Null) => Value::Json(Json::Bool(true)),
        value => value,
    };
    let item = move || prop::option::weighted(0.8, scalar(ty).prop_map(kept));
    let line = prop::collection::vec(item(), 0..4).prop_map(Value::Array);
    if matches!(ty, Ty::Json | Ty::Jsonb) {
        return line.boxed();
    }
    let rows = (1..3usize, 1..3usize).prop_flat_map(move |(height, width)| {
        let row = prop::collection::vec(item(), width).prop_map(|row| Some(Value::Array(row)));
        prop::collection::vec(row, height).prop_map(Value::Array)
    });
    prop_oneof![3 => line, 1 => rows].boxed()
}

fn ty() -> BoxedStrategy<Ty> {
    prop_oneof![
        select(vec![
            Ty::Bool,
            Ty::Int2,
            Ty::Int4,
            Ty::Int8,
            Ty::Float4,
            Ty::Float8,
            Ty::Numeric,
            Ty::Text,
            Ty::Bytea,
            Ty::Date,
            Ty::Time,
            Ty::Timestamp,
            Ty::TimestampTz,
            Ty::Interval,
            Ty::Uuid,
            Ty::ObjectId,
            Ty::Jsonb,
            Ty::Json,
        ]),
        (1..30u32).prop_flat_map(|p| (Just(p), 0..=p)).prop_map(|(p, s)| Ty::NumericOf(p, s)),
        (1..9u32).prop_map(Ty::Varchar),
        (1..9u32).prop_map(Ty::Char),
    ]
    .boxed()
}

fn table() -> BoxedStrategy<Table> {
    let column = (ty(), prop::bool::weighted(0.15));
    (prop::collection::vec(column, 1..6), 0..4usize, any::<prop::sample::Index>(), any::<bool>())
        .prop_map(|(types, keys, index, rotated)| {
            let mut columns: Vec<Column> = types
                .into_iter()
                .enumerate()
                .map(|(at, (ty, array))| Column { name: format!("c{at}"), ty, array })
                .collect();
            // json has no order; a key of jsonb would tell documents apart that differ in the order
            // of their fields alone, and SQL calls equal.
            let ordered = |column: &Column| column.ty != Ty::Json;
            let fits = |column: &Column| ordered(column) && column.ty != Ty::Jsonb;
            let mut key: Vec<usize> =
                (0..columns.len()).filter(|at| fits(&columns[*at])).take(keys).collect();
            if rotated {
                key.reverse();
            }
            if key.is_empty() {
                let first = Column { name: "n".into(), ty: Ty::Int8, array: false };
                columns.insert(0, first);
            }
            let index = index.index(columns.len());
            let index = Some(index).filter(|at| ordered(&columns[*at]));
            Table { name: String::new(), columns, key, index }
        })
        .boxed()
}

fn cells(table: &Table) -> BoxedStrategy<Vec<Cell>> {
    let needed = table.identity();
    let mut all: BoxedStrategy<Vec<Cell>> = Just(Vec::new()).boxed();
    for (at, column) in table.columns.iter().enumerate() {
        let cell = match needed.contains(&at) {
            true => value(column).prop_map(Some).boxed(),
            false => prop::option::weighted(0.8, value(column)).boxed(),
        };
        all = (all, cell)
            .prop_map(|(mut cells, cell)| {
                cells.push(cell);
                cells
            })
            .boxed();
    }
    all
}

fn change(table: &Table) -> BoxedStrategy<Change> {
    let writers = WRITERS.into_iter().filter(|writer| *writer != Writer::Copy).collect::<Vec<_>>();
    let (key, free): (Vec<usize>, Vec<usize>) =
        (0..table.columns.len()).partition(|at| table.identity().contains(at));
    let cell = |at: usize| prop::option::weighted(0.8, value(&table.columns[at]));
    let mut all: Vec<BoxedStrategy<Change>> =
        vec![Just(Change::Del).boxed(), Just(Change::Delete).boxed()];
    for at in free {
        let set = (select(writers.clone()), cell(at));
        all.push(set.clone().prop_map(move |(writer, cell)| Change::Set(writer, at, cell)).boxed());
        all.push(set.prop_map(move |(writer, cell)| Change::Set(writer, at, cell)).boxed());
        all.push(cell(at).prop_map(move |cell| Change::Upsert(at, cell)).boxed());
        all.push(Just(Change::Forget(at)).boxed());
        all.push(Just(Change::IncrementFloat(at)).boxed());
        let by = prop_oneof![-5..5i64, select(vec![i64::MIN, i64::MAX, 40_000, 1 << 33])];
        all.push(by.prop_map(move |by| Change::Increment(at, by)).boxed());
    }
    for at in key {
        all.push(value(&table.columns[at]).prop_map(move |value| Change::Move(at, value)).boxed());
        if table.key.contains(&at) {
            all.push(Just(Change::Forget(at)).boxed());
        }
    }
    proptest::strategy::Union::new(all).boxed()
}

/// A whole case. Rows whose keys are equal to an earlier one's are left out.
pub fn case() -> BoxedStrategy<Case> {
    table()
        .prop_flat_map(|table| {
            let row = (select(WRITERS.to_vec()), cells(&table));
            let rows = prop::collection::vec(row, 1..4);
            let changes = prop::collection::vec(change(&table), 0..4);
            (Just(table), rows, changes)
        })
        .prop_map(|(table, mut rows, changes)| {
            let mut seen = std::collections::BTreeSet::new();
            rows.retain(|(_, row)| seen.insert(identity(&table, row)));
            Case { table, rows, changes }
        })
        .boxed()
}

/// What tells a row from others, the same for keys that SQL calls equal.
pub fn identity(table: &Table, row: &[Cell]) -> Vec<Option<String>> {
    table.identity().iter().map(|at| row[*at].as_ref().map(Value::identity)).collect()
}
