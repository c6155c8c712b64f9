//! Items to text. See the module above for the styles.

use std::fmt::Write;

use crate::text::{datetime, float, id, interval};
use crate::{Damaged, Item, Key, MAX_DEPTH, Raw, Value};

/// How JSON is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Keys by length, then bytes; otherwise as stored.
    pub sorted: bool,
    /// A blank after each `:` and `,`.
    pub spaced: bool,
    /// Floats without exponents.
    pub plain_numbers: bool,
    /// One entry a line, indented by so many blanks; 0 is one line for all.
    pub indent: usize,
}

impl Style {
    /// PostgreSQL's `jsonb`, and MySQL's `JSON`.
    pub const JSONB: Style = Style { sorted: true, spaced: true, plain_numbers: true, indent: 0 };
    /// No blanks, fields as stored.
    pub const COMPACT: Style =
        Style { sorted: false, spaced: false, plain_numbers: false, indent: 0 };
    /// Blanks, fields as stored.
    pub const SPACED: Style = Style { spaced: true, ..Style::COMPACT };
    /// PostgreSQL's `jsonb_pretty`.
    pub const PRETTY: Style = Style { indent: 4, ..Style::JSONB };
}

/// A value as JSON text.
pub fn value_to_string(value: &Value, style: Style) -> String {
    let bytes = crate::cbor::encode(value);
    let mut out = String::with_capacity(bytes.len() * 2);
    // Fails only for a tree nested beyond what any reader follows; its depth is cut to null then.
    if write(Raw::new(&bytes), style, &mut out).is_err() {
        return "null".into();
    }
    out
}

/// Appends an item as JSON text. Column ids as keys become their decimal text.
///
/// # Errors
/// Damage, or nesting beyond [`MAX_DEPTH`]; `out` then ends in a part of the text.
pub fn write(raw: Raw<'_>, style: Style, out: &mut String) -> Result<(), Damaged> {
    Writer { out, style, depth: 0 }.item(raw)
}

struct Writer<'o> {
    out: &'o mut String,
    style: Style,
    depth: usize,
}

impl Writer<'_> {
    fn item(&mut self, raw: Raw<'_>) -> Result<(), Damaged> {
        match raw.item()? {
            Item::Null => self.out.push_str("null"),
            Item::Bool(value) => self.out.push_str(if value { "true" } else { "false" }),
            Item::Int8(n) => self.integer(n),
            Item::Int16(n) => self.integer(n),
            Item::Int32(n) => self.integer(n),
            Item::Int64(n) => self.integer(n),
            Item::UInt64(n) => self.integer(n),
            Item::Float32(n) => self.float32(n),
            Item::Float64(n) => self.float64(n),
            Item::Decimal(n) if n.is_finite() => {
                let _ = write!(self.out, "{n}");
            }
            Item::Decimal(n) => self.quoted(&n.to_string()),
            Item::Text(text) | Item::Symbol(text) => string(self.out, text),
            Item::Bytes { data, .. } => string(self.out, &id::format_bytes(data)),
            Item::Date(days) => self.quoted(&datetime::format_date(days)),
            Item::Time(micros) => self.quoted(&datetime::format_time(micros)),
            Item::Timestamp(micros) => self.quoted(&datetime::format_timestamp_iso(micros)),
            Item::TimestampTz(micros) => {
                self.quoted(&datetime::format_timestamp_tz_iso(micros, 0));
            }
            Item::Interval(value) => self.quoted(&interval::format(value)),
            Item::Uuid(uuid) => self.quoted(&id::format_uuid(&uuid)),
            Item::ObjectId(id) => self.quoted(&id::format_object_id(&id)),
            Item::Document(map) => return self.document(map),
            Item::Array(array) => return self.array(array),
            other => return self.extended(other),
        }
        Ok(())
    }

    fn integer(&mut self, n: impl itoa::Integer) {
        self.out.push_str(itoa::Buffer::new().format(n));
    }

    /// Text that needs no escapes.
    fn quoted(&mut self, text: &str) {
        self.out.push('"');
        self.out.push_str(text);
        self.out.push('"');
    }

    fn float64(&mut self, n: f64) {
        match () {
            () if !n.is_finite() => self.quoted(&float::format_f64(n)),
            () if self.style.plain_numbers => self.out.push_str(&float::format_f64_plain(n)),
            () => self.out.push_str(&float::format_f64(n)),
        }
    }

    fn float32(&mut self, n: f32) {
        match () {
            () if !n.is_finite() => self.quoted(&float::format_f32(n)),
            () if self.style.plain_numbers => self.out.push_str(&float::format_f32_plain(n)),
            () => self.out.push_str(&float::format_f32(n)),
        }
    }

    fn colon(&mut self) {
        self.out.push_str(if self.style.spaced { ": " } else { ":" });
    }

    /// What comes before an entry: the comma after the last one, and the line.
    fn separate(&mut self, first: bool) {
        match (first, self.style.indent) {
            (true, 0) => {}
            (false, 0) if self.style.spaced => self.out.push_str(", "),
            (false, 0) => self.out.push(','),
            (first, _) => {
                self.out.push_str(if first { "\n" } else { ",\n" });
                self.indentation();
            }
        }
    }

    fn indentation(&mut self) {
        (0..self.depth * self.style.indent).for_each(|_| self.out.push(' '));
    }

    fn enter(&mut self, open: char) -> Result<(), Damaged> {
        if self.depth >= MAX_DEPTH {
            return Err(Damaged);
        }
        self.depth += 1;
        self.out.push(open);
        Ok(())
    }

    fn leave(&mut self, close: char) {
        self.depth -= 1;
        if self.style.indent > 0 {
            self.out.push('\n');
            self.indentation();
        }
        self.out.push(close);
    }

    fn document(&mut self, map: Raw<'_>) -> Result<(), Damaged> {
        self.enter('{')?;
        if self.style.sorted {
            let mut entries = map.entries().collect::<Result<Vec<_>, _>>()?;
            entries.sort_by(|(a, _), (b, _)| sort_key(a).cmp(&sort_key(b)));
            for (at, (key, value)) in entries.into_iter().enumerate() {
                self.entry(at == 0, key, value)?;
            }
        } else {
            for (at, entry) in map.entries().enumerate() {
                let (key, value) = entry?;
                self.entry(at == 0, key, value)?;
            }
        }
        self.leave('}');
        Ok(())
    }

    fn entry(&mut self, first: bool, key: Key<'_>, value: Raw<'_>) -> Result<(), Damaged> {
        self.separate(first);
        match key {
            Key::Name(name) => string(self.out, name),
            Key::Id(column) => self.quoted(itoa::Buffer::new().format(column)),
        }
        self.colon();
        self.item(value)
    }

    fn array(&mut self, array: Raw<'_>) -> Result<(), Damaged> {
        self.enter('[')?;
        for (at, element) in array.elements().enumerate() {
            self.separate(at == 0);
            self.item(element?)?;
        }
        self.leave(']');
        Ok(())
    }

    /// MongoDB's extended JSON, always in one line.
    fn extended(&mut self, item: Item<'_>) -> Result<(), Damaged> {
        match item {
            Item::Undefined => self.tagged("$undefined", "true"),
            Item::MinKey => self.tagged("$minKey", "1"),
            Item::MaxKey => self.tagged("$maxKey", "1"),
            Item::Regex { pattern, options } => {
                let (mut p, mut o) = (String::new(), String::new());
                string(&mut p, pattern);
                string(&mut o, options);
                let inner = self.object(&[("pattern", &p), ("options", &o)]);
                self.tagged("$regularExpression", &inner);
            }
            Item::BsonTimestamp { seconds, increment } => {
                let (t, i) = (seconds.to_string(), increment.to_string());
                let inner = self.object(&[("t", &t), ("i", &i)]);
                self.tagged("$timestamp", &inner);
            }
            Item::DbPointer { namespace, id } => {
                let mut name = String::new();
                string(&mut name, namespace);
                let oid = format!("\"{}\"", id::format_object_id(&id));
                let oid = self.object(&[("$oid", &oid)]);
                let inner = self.object(&[("$ref", &name), ("$id", &oid)]);
                self.tagged("$dbPointer", &inner);
            }
            Item::Code { code, scope } => return self.code(code, scope),
            _ => return Err(Damaged),
        }
        Ok(())
    }

    fn code(&mut self, code: &str, scope: Option<Raw<'_>>) -> Result<(), Damaged> {
        self.out.push('{');
        self.quoted("$code");
        self.colon();
        string(self.out, code);
        if let Some(scope) = scope {
            self.out.push_str(if self.style.spaced { ", " } else { "," });
            self.quoted("$scope");
            self.colon();
            self.item(scope)?;
        }
        self.out.push('}');
        Ok(())
    }

    /// `{"name": json}`
    fn tagged(&mut self, name: &str, json: &str) {
        let object = self.object(&[(name, json)]);
        self.out.push_str(&object);
    }

    /// An object of entries that are JSON already, sorted where the style sorts.
    fn object(&self, entries: &[(&str, &str)]) -> String {
        let mut entries = entries.to_vec();
        if self.style.sorted {
            entries.sort_by_key(|(name, _)| (name.len(), *name));
        }
        let blank = if self.style.spaced { " " } else { "" };
        let entries: Vec<String> =
            entries.iter().map(|(name, json)| format!("\"{name}\":{blank}{json}")).collect();
        format!("{{{}}}", entries.join(&format!(",{blank}")))
    }
}

/// jsonb's order of keys; column ids first.
fn sort_key<'k>(key: &Key<'k>) -> (usize, u32, &'k str) {
    match *key {
        Key::Id(column) => (0, column, ""),
        Key::Name(name) => (name.len(), u32::MAX, name),
    }
}

/// Appends a JSON string: quotes, and the escapes that PostgreSQL writes.
pub(super) fn string(out: &mut String, text: &str) {
    out.push('"');
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            0x08 => "\\b",
            0x0c => "\\f",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..0x20 => "\\u00",
            _ => continue,
        };
        out.push_str(text.get(from..at).unwrap_or_default());
        out.push_str(escape);
        if escape.len() > 2 {
            let _ = write!(out, "{byte:02x}");
        }
        from = at + 1;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out.push('"');
}
