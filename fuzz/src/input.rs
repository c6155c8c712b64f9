//! Bytes as a source of choices: how a target makes structured things from unstructured input.
//!
//! ```text
//!   07 │ 03 41 42 43 │ ff …
//!   │     └ three bytes of text
//!   └ which kind
//! ```
//!
//! Choices come from the front, one after another, so a change of one byte changes little and the
//! fuzzer can work its way. When the bytes are used up every choice is 0: any input is complete.
//!
//! Rejected: the crate `arbitrary`, which takes lengths from the back (better for trees of types,
//! worse for seeds written by hand, and a dependency for thirty lines).

use value::{Decimal, Document, Interval, Value};

/// What is left of an input.
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub fn new(bytes: &'a [u8]) -> Input<'a> {
        Input(bytes)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut made = [0; N];
        let taken = self.take(N);
        made[..taken.len()].copy_from_slice(taken);
        made
    }

    pub fn u8(&mut self) -> u8 {
        self.array::<1>()[0]
    }

    pub fn u16(&mut self) -> u16 {
        u16::from_be_bytes(self.array())
    }

    pub fn u32(&mut self) -> u32 {
        u32::from_be_bytes(self.array())
    }

    pub fn u64(&mut self) -> u64 {
        u64::from_be_bytes(self.array())
    }

    pub fn i64(&mut self) -> i64 {
        i64::from_be_bytes(self.array())
    }

    /// A number below `bound`, which is at most 256.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::from(self.u8()) % bound.max(1)
    }

    /// At most so many bytes.
    pub fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Bytes behind their length.
    pub fn sized(&mut self) -> &'a [u8] {
        let length = self.u8();
        self.take(length.into())
    }

    /// The same as text; what is not UTF-8 is replaced.
    pub fn text(&mut self) -> String {
        String::from_utf8_lossy(self.sized()).into_owned()
    }

    pub fn decimal(&mut self) -> Decimal {
        match self.u8() {
            0 => Decimal::NAN,
            1 => Decimal::INFINITY,
            2 => Decimal::NEG_INFINITY,
            3 => Decimal::negative_zero(self.u8().into()).unwrap(),
            kind @ 4..=40 => {
                // As text: any number of digits.
                let digits: String =
                    self.sized().iter().map(|b| char::from(b'0' + b % 10)).collect();
                let sign = if kind % 2 == 0 { "" } else { "-" };
                let exponent = i32::from(self.u16() as i16) % if kind > 20 { 16_000 } else { 40 };
                let text = format!("{sign}{digits}0e{exponent}");
                Decimal::parse_exact(&text).unwrap_or(Decimal::ZERO)
            }
            kind @ 41..=80 => {
                let mantissa = i128::from_be_bytes(self.array());
                Decimal::new(mantissa, i32::from(kind) - 50).unwrap_or(Decimal::ZERO)
            }
            kind => Decimal::new(self.i64().into(), i32::from(kind % 24) - 4).unwrap(),
        }
    }

    pub fn interval(&mut self) -> Interval {
        let (months, days) = (self.u32() as i32, self.u32() as i32);
        Interval { months, days, micros: self.i64() }
    }

    /// A value nested at most so deep.
    pub fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 27 } else { 30 }) {
            0 => Value::Null,
            1 => Value::Undefined,
            2 => Value::MinKey,
            3 => Value::MaxKey,
            4 => Value::Bool(self.u8() & 1 == 1),
            5 => Value::Int8(self.u8() as i8),
            6 => Value::Int16(self.u16() as i16),
            7 => Value::Int32(self.u32() as i32),
            8 | 9 => Value::Int64(self.i64()),
            10 => Value::from_u64(self.u64()),
            11 => Value::Float32(f32::from_bits(self.u32())),
            12 | 13 => Value::Float64(f64::from_bits(self.u64())),
            14 | 15 => Value::Decimal(self.decimal()),
            16 => Value::Text(self.text()),
            17 => Value::Symbol(self.text()),
            18 => Value::Bytes { subtype: self.u8(), data: self.sized().to_vec() },
            19 => Value::Date(self.u32() as i32),
            20 => Value::Time(self.i64().rem_euclid(86_400_000_001)),
            21 => Value::Timestamp(self.i64()),
            22 => Value::TimestampTz(self.i64()),
            23 => Value::Interval(self.interval()),
            24 => Value::Uuid(self.array()),
            25 => Value::ObjectId(self.array()),
            26 => self.rare(depth),
            27 => Value::Document(self.document(depth - 1)),
            _ => Value::Array((0..self.below(6)).map(|_| self.value(depth - 1)).collect()),
        }
    }

    fn rare(&mut self, depth: usize) -> Value {
        match self.below(4) {
            0 => Value::Regex { pattern: self.text(), options: self.text() },
            1 => {
                let scoped = depth > 0 && self.u8() & 1 == 1;
                let code = self.text();
                Value::Code { code, scope: scoped.then(|| self.document(depth - 1)) }
            }
            2 => Value::BsonTimestamp { seconds: self.u32(), increment: self.u32() },
            _ => Value::DbPointer { namespace: self.text(), id: self.array() },
        }
    }

    /// A document whose names differ.
    pub fn document(&mut self, depth: usize) -> Document {
        let mut document = Document::new();
        for _ in 0..self.below(6) {
            let name = self.text();
            document.insert(name, self.value(depth));
        }
        document
    }
}
