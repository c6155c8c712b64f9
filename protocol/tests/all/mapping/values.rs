//! Values of columns, and what each client is to be shown of them: the independent model.
//!
//! ```text
//!   Value ─┬ text      what psql and COPY show, and what SQL reads as a literal
//!          ├ binary    PostgreSQL's binary form
//!          ├ redis     what HGET shows, and what HSET reads
//!          └ json      inside `_doc` and inside arrays
//! ```
//!
//! Everything here is written from the rules (docs/mapping.md, PostgreSQL's manual) and shares
//! nothing with the code under test: dates are counted by the calendar's rule, numerics are digits,
//! floats come from the shortest digits that Rust prints.

use std::fmt::Write as _;

/// A type that a column is declared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ty {
    Bool,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    Numeric,
    /// numeric(precision, scale).
    NumericOf(u32, u32),
    Text,
    Varchar(u32),
    Char(u32),
    Bytea,
    Date,
    Time,
    Timestamp,
    TimestampTz,
    Interval,
    Uuid,
    ObjectId,
    Jsonb,
    Json,
}

impl Ty {
    /// As CREATE TABLE takes it.
    pub fn sql(self) -> String {
        match self {
            Ty::Bool => "boolean".into(),
            Ty::Int2 => "smallint".into(),
            Ty::Int4 => "integer".into(),
            Ty::Int8 => "bigint".into(),
            Ty::Float4 => "real".into(),
            Ty::Float8 => "double precision".into(),
            Ty::Numeric => "numeric".into(),
            Ty::NumericOf(precision, scale) => format!("numeric({precision},{scale})"),
            Ty::Text => "text".into(),
            Ty::Varchar(n) => format!("varchar({n})"),
            Ty::Char(n) => format!("char({n})"),
            Ty::Bytea => "bytea".into(),
            Ty::Date => "date".into(),
            Ty::Time => "time".into(),
            Ty::Timestamp => "timestamp".into(),
            Ty::TimestampTz => "timestamptz".into(),
            Ty::Interval => "interval".into(),
            Ty::Uuid => "uuid".into(),
            Ty::ObjectId => "objectid".into(),
            Ty::Jsonb => "jsonb".into(),
            Ty::Json => "json".into(),
        }
    }

    /// The number that a binary array of it carries.
    fn oid(self) -> u32 {
        match self {
            Ty::Bool => 16,
            Ty::Int2 => 21,
            Ty::Int4 => 23,
            Ty::Int8 => 20,
            Ty::Float4 => 700,
            Ty::Float8 => 701,
            Ty::Numeric | Ty::NumericOf(..) => 1700,
            Ty::Text => 25,
            Ty::Varchar(_) => 1043,
            Ty::Char(_) => 1042,
            Ty::Bytea => 17,
            Ty::Date => 1082,
            Ty::Time => 1083,
            Ty::Timestamp => 1114,
            Ty::TimestampTz => 1184,
            Ty::Interval => 1186,
            Ty::Uuid => 2950,
            Ty::ObjectId => 8006,
            Ty::Jsonb => 3802,
            Ty::Json => 114,
        }
    }

    /// Its lowest and highest value, where it is an integer.
    pub fn range(self) -> Option<(i64, i64)> {
        match self {
            Ty::Int2 => Some((i16::MIN.into(), i16::MAX.into())),
            Ty::Int4 => Some((i32::MIN.into(), i32::MAX.into())),
            Ty::Int8 => Some((i64::MIN, i64::MAX)),
            _ => None,
        }
    }
}

/// A JSON tree; a number is its text, as jsonb prints it.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// How a JSON text is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// jsonb's: keys by length and bytes, blanks.
    Sorted,
    /// json's: fields as written, blanks.
    Spaced,
    /// Redis's: fields as written, no blanks.
    Compact,
}

/// A value that is not NULL.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Bool(bool),
    Int(i64),
    Float4(f32),
    Float8(f64),
    /// Digits with a point, as PostgreSQL prints it; or NaN, Infinity, -Infinity.
    Numeric(String),
    Text(String),
    Bytes(Vec<u8>),
    /// Days since 1970; the extremes are infinite.
    Date(i32),
    Time(i64),
    /// Microseconds since 1970; the extremes are infinite.
    Timestamp(i64),
    TimestampTz(i64),
    Interval {
        months: i32,
        days: i32,
        micros: i64,
    },
    Uuid([u8; 16]),
    ObjectId([u8; 12]),
    Json(Json),
    /// One dimension, or several of equal lengths as arrays of arrays.
    Array(Vec<Option<Value>>),
}

const DAY: i64 = 86_400_000_000;

/// Year, month, day of a count of days since 1970: whole 400-year cycles, then year by year.
fn calendar(days: i64) -> (i64, u32, u32) {
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let (cycles, mut rest) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let mut year = 1970 + cycles * 400;
    while rest >= 365 + i64::from(leap(year)) {
        rest -= 365 + i64::from(leap(year));
        year += 1;
    }
    let february = 28 + i64::from(leap(year));
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in lengths {
        if rest < length {
            break;
        }
        rest -= length;
        month += 1;
    }
    (year, month, rest as u32 + 1)
}

/// The day, and what stands behind everything for a year before 1.
fn day(days: i64) -> (String, &'static str) {
    let (year, month, day) = calendar(days);
    let (year, era) = if year < 1 { (1 - year, " BC") } else { (year, "") };
    (format!("{year:04}-{month:02}-{day:02}"), era)
}

fn clock(micros: u64) -> String {
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut out = format!("{hours:02}:{minutes:02}:{seconds:02}");
    if fraction != 0 {
        let digits = format!(".{fraction:06}");
        out.push_str(digits.trim_end_matches('0'));
    }
    out
}

fn date(days: i32) -> String {
    match days {
        i32::MAX => "infinity".into(),
        i32::MIN => "-infinity".into(),
        _ => {
            let (text, era) = day(days.into());
            text + era
        }
    }
}

fn timestamp(micros: i64, between: char, zone: &str) -> String {
    match micros {
        i64::MAX => "infinity".into(),
        i64::MIN => "-infinity".into(),
        _ => {
            let (text, era) = day(micros.div_euclid(DAY));
            let clock = clock(micros.rem_euclid(DAY) as u64);
            format!("{text}{between}{clock}{zone}{era}")
        }
    }
}

fn interval(months: i32, days: i32, micros: i64) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut minus_before = false;
    for (n, unit) in [(months / 12, "year"), (months % 12, "mon"), (days, "day")] {
        if n != 0 {
            let plus = if minus_before && n > 0 { "+" } else { "" };
            let plural = if n == 1 { "" } else { "s" };
            parts.push(format!("{plus}{n} {unit}{plural}"));
            minus_before = n < 0;
        }
    }
    if micros != 0 || parts.is_empty() {
        let sign = match (micros < 0, minus_before) {
            (true, _) => "-",
            (false, true) => "+",
            _ => "",
        };
        parts.push(format!("{sign}{}", clock(micros.unsigned_abs())));
    }
    parts.join(" ")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn uuid(id: &[u8; 16]) -> String {
    let all = hex(id);
    let groups = [&all[..8], &all[8..12], &all[12..16], &all[16..20], &all[20..]];
    groups.join("-")
}

/// The shortest digits of a finite float, and the exponent of the first: `d.ddd · 10^e`.
fn digits(scientific: &str) -> (String, i32) {
    let (mantissa, exponent) = scientific.split_once('e').unwrap();
    (mantissa.replace(['.', '-'], ""), exponent.parse().unwrap())
}

/// A finite float as digits with a point.
fn plain(negative: bool, digits: &str, exponent: i32) -> String {
    let sign = if negative { "-" } else { "" };
    let count = digits.len() as i32;
    match exponent {
        e if e < 0 => format!("{sign}0.{}{digits}", "0".repeat((-e - 1) as usize)),
        e if e + 1 >= count => format!("{sign}{digits}{}", "0".repeat((e + 1 - count) as usize)),
        e => format!("{sign}{}.{}", &digits[..=e as usize], &digits[e as usize + 1..]),
    }
}

/// float8out and float4out: an exponent below 1e-4 and from `from` digits on.
fn float(scientific: &str, negative: bool, from: i32) -> String {
    let (digits, exponent) = digits(scientific);
    if (-4..from).contains(&exponent) {
        return plain(negative, &digits, exponent);
    }
    let sign = if negative { "-" } else { "" };
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    let direction = if exponent < 0 { '-' } else { '+' };
    format!("{sign}{first}{point}{rest}e{direction}{:02}", exponent.abs())
}

fn special(n: f64, names: [&str; 3]) -> Option<String> {
    let [nan, infinity, minus] = names;
    let name = match n {
        n if n.is_nan() => nan,
        n if n == f64::INFINITY => infinity,
        n if n == f64::NEG_INFINITY => minus,
        _ => return None,
    };
    Some(name.to_owned())
}

const SQL_SPECIALS: [&str; 3] = ["NaN", "Infinity", "-Infinity"];

fn float8(n: f64) -> String {
    special(n, SQL_SPECIALS).unwrap_or_else(|| float(&format!("{n:e}"), n.is_sign_negative(), 15))
}

fn float4(n: f32) -> String {
    let scientific = format!("{n:e}");
    special(n.into(), SQL_SPECIALS).unwrap_or_else(|| float(&scientific, n.is_sign_negative(), 6))
}

/// A JSON string with PostgreSQL's escapes.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

impl Json {
    pub fn text(&self, layout: Layout) -> String {
        let (colon, comma) = if layout == Layout::Compact { (":", ",") } else { (": ", ", ") };
        match self {
            Json::Null => "null".into(),
            Json::Bool(v) => v.to_string(),
            Json::Number(text) => text.clone(),
            Json::Text(text) => quoted(text),
            Json::Array(items) => {
                let items: Vec<String> = items.iter().map(|item| item.text(layout)).collect();
                format!("[{}]", items.join(comma))
            }
            Json::Object(fields) => {
                let mut fields: Vec<&(String, Json)> = fields.iter().collect();
                if layout == Layout::Sorted {
                    fields.sort_by_key(|(name, _)| (name.len(), name.clone()));
                }
                let pair = |(name, value): &&(String, Json)| {
                    format!("{}{colon}{}", quoted(name), value.text(layout))
                };
                let pairs: Vec<String> = fields.iter().map(pair).collect();
                format!("{{{}}}", pairs.join(comma))
            }
        }
    }
}

/// One item of an array literal, quoted where PostgreSQL quotes it.
fn array_item(text: &str) -> String {
    let special = |c: char| "{},\"\\ \t\n\r\u{b}\u{c}".contains(c);
    if !text.is_empty() && !text.contains(special) && !text.eq_ignore_ascii_case("null") {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

impl Value {
    /// What psql shows and COPY writes, and what SQL reads.
    pub fn text(&self, ty: Ty) -> String {
        self.text_in(ty, Layout::Sorted)
    }

    /// A text that SQL reads as this value: jsonb with its fields in their own order, which it
    /// keeps.
    pub fn input(&self, ty: Ty) -> String {
        self.text_in(ty, Layout::Spaced)
    }

    fn text_in(&self, ty: Ty, jsonb: Layout) -> String {
        match self {
            Value::Bool(v) => if *v { "t" } else { "f" }.into(),
            Value::Int(n) => n.to_string(),
            Value::Float4(n) => float4(*n),
            Value::Float8(n) => float8(*n),
            Value::Numeric(text) => text.clone(),
            Value::Text(text) => match ty {
                Ty::Char(n) => {
                    let blanks = (n as usize).saturating_sub(text.chars().count());
                    format!("{text}{}", " ".repeat(blanks))
                }
                _ => text.clone(),
            },
            Value::Bytes(data) => format!("\\x{}", hex(data)),
            Value::Date(days) => date(*days),
            Value::Time(micros) => clock(*micros as u64),
            Value::Timestamp(micros) => timestamp(*micros, ' ', ""),
            Value::TimestampTz(micros) => timestamp(*micros, ' ', "+00"),
            Value::Interval { months, days, micros } => interval(*months, *days, *micros),
            Value::Uuid(id) => uuid(id),
            Value::ObjectId(id) => hex(id),
            Value::Json(json) => json.text(if ty == Ty::Json { Layout::Spaced } else { jsonb }),
            Value::Array(items) => {
                // An element's type has no length on the wire: CHAR(n) is not padded there.
                let element = if matches!(ty, Ty::Char(_)) { Ty::Text } else { ty };
                let item = |item: &Option<Value>| match item {
                    None => "NULL".to_owned(),
                    Some(nested @ Value::Array(_)) => nested.text_in(element, jsonb),
                    Some(item) => array_item(&item.text_in(element, jsonb)),
                };
                let items: Vec<String> = items.iter().map(item).collect();
                format!("{{{}}}", items.join(","))
            }
        }
    }

    /// Its place in a JSON text.
    pub fn json(&self, layout: Layout) -> String {
        let string = |text: &str| quoted(text);
        match self {
            Value::Bool(v) => v.to_string(),
            Value::Int(n) => n.to_string(),
            Value::Float4(n) if n.is_finite() && layout == Layout::Sorted => {
                let (digits, exponent) = digits(&format!("{n:e}"));
                plain(n.is_sign_negative(), &digits, exponent)
            }
            Value::Float8(n) if n.is_finite() && layout == Layout::Sorted => {
                let (digits, exponent) = digits(&format!("{n:e}"));
                plain(n.is_sign_negative(), &digits, exponent)
            }
            Value::Float4(n) if n.is_finite() => float4(*n),
            Value::Float8(n) if n.is_finite() => float8(*n),
            Value::Numeric(text) if text.ends_with(|c: char| c.is_ascii_digit()) => text.clone(),
            Value::Text(text) => string(text),
            Value::Timestamp(micros) => string(&timestamp(*micros, 'T', "")),
            Value::TimestampTz(micros) => string(&timestamp(*micros, 'T', "+00:00")),
            Value::Json(json) => json.text(layout),
            Value::Array(items) => {
                let item = |item: &Option<Value>| {
                    item.as_ref().map_or("null".to_owned(), |item| item.json(layout))
                };
                let items: Vec<String> = items.iter().map(item).collect();
                let comma = if layout == Layout::Compact { "," } else { ", " };
                format!("[{}]", items.join(comma))
            }
            other => string(&other.text(Ty::Text)),
        }
    }

    /// What HSET is given, and what HGET is to show; of floats only where [`Value::is_shown_as`]
    /// says that no more than this is told.
    pub fn redis(&self) -> Vec<u8> {
        match self {
            Value::Bool(v) => v.to_string().into_bytes(),
            Value::Float4(n) => special((*n).into(), ["nan", "inf", "-inf"])
                .unwrap_or_else(|| n.to_string())
                .into_bytes(),
            Value::Float8(n) => {
                special(*n, ["nan", "inf", "-inf"]).unwrap_or_else(|| n.to_string()).into_bytes()
            }
            Value::Bytes(data) => data.clone(),
            Value::Json(_) | Value::Array(_) => self.json(Layout::Compact).into_bytes(),
            other => other.text(Ty::Text).into_bytes(),
        }
    }

    /// Whether these bytes are this value to a Redis client. A float may be written in more than
    /// one way: as the fewest digits that read back as it.
    pub fn is_shown_as(&self, shown: Option<&[u8]>) -> bool {
        let text = shown.and_then(|shown| std::str::from_utf8(shown).ok());
        let (number, same) = match (self, text) {
            (Value::Float4(n), Some(text)) if n.is_finite() => {
                (format!("{n:e}"), text.parse().map(f32::to_bits) == Ok(n.to_bits()))
            }
            (Value::Float8(n), Some(text)) if n.is_finite() => {
                (format!("{n:e}"), text.parse().map(f64::to_bits) == Ok(n.to_bits()))
            }
            _ => return shown == Some(&self.redis()),
        };
        let mantissa = text.unwrap_or_default().split('e').next().unwrap_or_default();
        let bare = mantissa.replace(['-', '.'], "");
        let (ours, _) = digits(&number);
        same && bare.trim_matches('0') == ours.trim_matches('0')
    }

    /// PostgreSQL's binary form, as it is shown.
    pub fn binary(&self, ty: Ty) -> Vec<u8> {
        self.binary_in(ty, Layout::Sorted)
    }

    /// The same, as it is written: see [`Value::input`].
    pub fn binary_input(&self, ty: Ty) -> Vec<u8> {
        self.binary_in(ty, Layout::Spaced)
    }

    fn binary_in(&self, ty: Ty, jsonb: Layout) -> Vec<u8> {
        const EPOCH: i64 = 10_957;
        let moment = |micros: i64| match micros {
            i64::MIN | i64::MAX => micros.to_be_bytes().to_vec(),
            _ => (micros - EPOCH * DAY).to_be_bytes().to_vec(),
        };
        match self {
            Value::Bool(v) => vec![u8::from(*v)],
            Value::Int(n) => match ty {
                Ty::Int2 => (*n as i16).to_be_bytes().to_vec(),
                Ty::Int4 => (*n as i32).to_be_bytes().to_vec(),
                _ => n.to_be_bytes().to_vec(),
            },
            Value::Float4(n) => n.to_be_bytes().to_vec(),
            Value::Float8(n) => n.to_be_bytes().to_vec(),
            Value::Numeric(text) => numeric_binary(text),
            Value::Bytes(data) => data.clone(),
            Value::Date(days @ (i32::MIN | i32::MAX)) => days.to_be_bytes().to_vec(),
            Value::Date(days) => (days - EPOCH as i32).to_be_bytes().to_vec(),
            Value::Time(micros) => micros.to_be_bytes().to_vec(),
            Value::Timestamp(micros) | Value::TimestampTz(micros) => moment(*micros),
            Value::Interval { months, days, micros } => {
                [&micros.to_be_bytes()[..], &days.to_be_bytes(), &months.to_be_bytes()].concat()
            }
            Value::Uuid(id) => id.to_vec(),
            Value::ObjectId(id) => id.to_vec(),
            Value::Json(_) if ty == Ty::Jsonb => {
                [&[1], self.text_in(ty, jsonb).as_bytes()].concat()
            }
            Value::Text(_) | Value::Json(_) => self.text(ty).into_bytes(),
            Value::Array(_) => self.array_binary(ty, jsonb),
        }
    }

    fn array_binary(&self, ty: Ty, jsonb: Layout) -> Vec<u8> {
        let element = if matches!(ty, Ty::Char(_)) { Ty::Text } else { ty };
        let (mut lengths, mut level) = (Vec::new(), vec![self]);
        let mut items: Vec<Option<&Value>> = Vec::new();
        while let Some(Value::Array(first)) = level.first() {
            lengths.push(first.len() as u32);
            let below: Vec<&Option<Value>> = level
                .iter()
                .flat_map(|array| match array {
                    Value::Array(items) => items.iter(),
                    _ => [].iter(),
                })
                .collect();
            items = below.iter().map(|item| item.as_ref()).collect();
            level = match items.first() {
                Some(Some(Value::Array(_))) => items.iter().flatten().copied().collect(),
                _ => Vec::new(),
            };
        }
        if items.is_empty() {
            lengths.clear();
        }
        let nulls = items.iter().any(Option::is_none);
        let mut out = Vec::new();
        for word in [lengths.len() as u32, u32::from(nulls), ty.oid()] {
            out.extend(word.to_be_bytes());
        }
        lengths.iter().for_each(|n| out.extend([n.to_be_bytes(), 1_u32.to_be_bytes()].concat()));
        for item in items {
            match item.map(|item| item.binary_in(element, jsonb)) {
                None => out.extend((-1_i32).to_be_bytes()),
                Some(bytes) => {
                    out.extend((bytes.len() as u32).to_be_bytes());
                    out.extend(bytes);
                }
            }
        }
        out
    }

    /// What two values share exactly where SQL calls them equal.
    pub fn identity(&self) -> String {
        match self {
            Value::Numeric(text) if text.contains('.') => {
                let bare = text.trim_end_matches('0').trim_end_matches('.');
                if bare == "-0" { "0".into() } else { bare.to_owned() }
            }
            Value::Float4(n) if *n == 0.0 => "0".into(),
            Value::Float8(n) if *n == 0.0 => "0".into(),
            Value::Interval { months, days, micros } => {
                let days = i128::from(*months) * 30 + i128::from(*days);
                (days * i128::from(DAY) + i128::from(*micros)).to_string()
            }
            Value::Json(json) => number_free(json).text(Layout::Sorted),
            Value::Array(items) => {
                let item = |item: &Option<Value>| item.as_ref().map(Value::identity);
                format!("{:?}", items.iter().map(item).collect::<Vec<_>>())
            }
            other => other.text(Ty::Text),
        }
    }
}

/// JSON whose numbers are without trailing zeros.
fn number_free(json: &Json) -> Json {
    match json {
        Json::Number(text) => {
            let Value::Numeric(text) = Value::Numeric(text.clone()) else { unreachable!() };
            Json::Number(Value::Numeric(text).identity())
        }
        Json::Array(items) => Json::Array(items.iter().map(number_free).collect()),
        Json::Object(fields) => {
            let field = |(name, value): &(String, Json)| (name.clone(), number_free(value));
            Json::Object(fields.iter().map(field).collect())
        }
        other => other.clone(),
    }
}

/// Numeric's binary form: groups of four digits around the point.
fn numeric_binary(text: &str) -> Vec<u8> {
    let head = |count: u16, weight: i16, sign: u16, scale: u16| {
        [count.to_be_bytes(), weight.to_be_bytes(), sign.to_be_bytes(), scale.to_be_bytes()]
            .concat()
    };
    match text {
        "NaN" => return head(0, 0, 0xC000, 0),
        // PostgreSQL takes bits of these two signs for a scale of 32, and sends it.
        "Infinity" => return head(0, 0, 0xD000, 32),
        "-Infinity" => return head(0, 0, 0xF000, 32),
        _ => {}
    }
    let sign = if text.starts_with('-') { 0x4000 } else { 0 };
    let (whole, fraction) =
        text.trim_start_matches('-').split_once('.').unwrap_or((text.trim_start_matches('-'), ""));
    let whole = format!("{}{whole}", "0".repeat((4 - whole.len() % 4) % 4));
    let padded = format!("{fraction}{}", "0".repeat((4 - fraction.len() % 4) % 4));
    let all = format!("{whole}{padded}");
    let mut groups: Vec<u16> = all
        .as_bytes()
        .chunks(4)
        .map(|c| std::str::from_utf8(c).unwrap().parse().unwrap())
        .collect();
    let mut weight = (whole.len() / 4) as i16 - 1;
    while groups.first() == Some(&0) {
        groups.remove(0);
        weight -= 1;
    }
    while groups.last() == Some(&0) {
        groups.pop();
    }
    if groups.is_empty() {
        weight = 0;
    }
    let mut out = head(groups.len() as u16, weight, sign, fraction.len() as u16);
    groups.iter().for_each(|group| out.extend(group.to_be_bytes()));
    out
}
