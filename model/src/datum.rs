//! `Datum`: one SQL value while a query runs.
//!
//! 24 bytes, `Copy`, borrowing the page that a row was read from or the arena of the batch. It is
//! what an expression kernel reads and writes, what a sort compares and what a protocol prints. A
//! document's `Value` owns its parts and keeps what was stored; a datum borrows and has the type of
//! its *expression*, so an `Int` serves every integer column.
//!
//! ```text
//!   stored CBOR ──row codec──► Datum<'page> ──kernels──► Datum<'arena> ──► wire text/binary
//!                                   └──────────── row codec ───────────► stored CBOR
//! ```
//!
//! **Invariants**
//! - `size_of::<Datum>() == 24`.
//! - `Missing` (no such field) is apart from `Null`; SQL's kernels treat both as NULL, MongoDB's do
//!   not.
//! - A `Decimal` lives in an [`Arena`], which drops it: a long mantissa owns heap memory.
//!
//! Rejected: owned values in rows (an allocation for each text of each row read), and Arrow arrays
//! as the only form (a point read would build twenty arrays for one row).

use std::cell::{Cell, RefCell};

use value::{Decimal, Interval, Raw};

/// One SQL value, borrowing from a page or an arena.
#[derive(Debug, Clone, Copy)]
pub enum Datum<'a> {
    /// There is no such field.
    Missing,
    /// NULL.
    Null,
    /// boolean.
    Bool(bool),
    /// Any integer up to i64, oids and reg* numbers.
    Int(i64),
    /// An integer above `i64::MAX`.
    UInt(u64),
    /// real.
    Float32(f32),
    /// double precision.
    Float(f64),
    /// numeric.
    Decimal(&'a Decimal),
    /// Every string type.
    Text(&'a str),
    /// bytea.
    Bytes(&'a [u8]),
    /// Days since 1970-01-01; `i32::MIN`/`MAX` are -infinity/infinity.
    Date(i32),
    /// Microseconds since midnight.
    Time(i64),
    /// Microseconds since 1970-01-01 00:00 without zone; `i64::MIN`/`MAX` are -infinity/infinity.
    Timestamp(i64),
    /// Microseconds since 1970-01-01 00:00 UTC.
    TimestampTz(i64),
    /// interval.
    Interval(Interval),
    /// uuid.
    Uuid([u8; 16]),
    /// A MongoDB ObjectId.
    ObjectId([u8; 12]),
    /// json, jsonb, and any value without a declared type: one CBOR item.
    Json(Raw<'a>),
    /// An SQL array: a CBOR array of encoded elements (nested for more dimensions).
    Array(Raw<'a>),
    /// A row of values.
    Record(&'a [Datum<'a>]),
}

const _: () = assert!(std::mem::size_of::<Datum<'static>>() == 24);

impl<'a> Datum<'a> {
    /// NULL to SQL: NULL or no such field.
    #[inline]
    pub fn is_null(&self) -> bool {
        matches!(self, Datum::Null | Datum::Missing)
    }
}

/// Memory for the values that live as long as one batch or one statement.
///
/// Bytes come from a bump allocator; decimals are kept apart since they must be dropped.
#[derive(Default)]
pub struct Arena {
    bump: bumpalo::Bump,
    decimals: Decimals,
}

impl Arena {
    /// An empty arena; it takes no memory until used.
    pub fn new() -> Self {
        Self::default()
    }

    /// Copies a text in.
    #[inline]
    pub fn text<'a>(&'a self, text: &str) -> &'a str {
        self.bump.alloc_str(text)
    }

    /// Copies bytes in.
    #[inline]
    pub fn bytes<'a>(&'a self, bytes: &[u8]) -> &'a [u8] {
        self.bump.alloc_slice_copy(bytes)
    }

    /// Copies a row in.
    #[inline]
    pub fn row<'a>(&'a self, row: &[Datum<'a>]) -> &'a [Datum<'a>] {
        self.bump.alloc_slice_copy(row)
    }

    /// Keeps a decimal.
    #[inline]
    pub fn decimal(&self, decimal: Decimal) -> &Decimal {
        self.decimals.keep(decimal)
    }

    /// The allocator itself, for vectors and strings that grow in place.
    pub fn bump(&self) -> &bumpalo::Bump {
        &self.bump
    }

    /// Copies a datum so that it lives as long as this arena.
    pub fn copy<'a>(&'a self, datum: &Datum<'_>) -> Datum<'a> {
        match *datum {
            Datum::Missing => Datum::Missing,
            Datum::Null => Datum::Null,
            Datum::Bool(v) => Datum::Bool(v),
            Datum::Int(v) => Datum::Int(v),
            Datum::UInt(v) => Datum::UInt(v),
            Datum::Float32(v) => Datum::Float32(v),
            Datum::Float(v) => Datum::Float(v),
            Datum::Decimal(v) => Datum::Decimal(self.decimal(v.clone())),
            Datum::Text(v) => Datum::Text(self.text(v)),
            Datum::Bytes(v) => Datum::Bytes(self.bytes(v)),
            Datum::Date(v) => Datum::Date(v),
            Datum::Time(v) => Datum::Time(v),
            Datum::Timestamp(v) => Datum::Timestamp(v),
            Datum::TimestampTz(v) => Datum::TimestampTz(v),
            Datum::Interval(v) => Datum::Interval(v),
            Datum::Uuid(v) => Datum::Uuid(v),
            Datum::ObjectId(v) => Datum::ObjectId(v),
            Datum::Json(v) => Datum::Json(self.item(v)),
            Datum::Array(v) => Datum::Array(self.item(v)),
            Datum::Record(row) => {
                let row: Vec<Datum<'a>> = row.iter().map(|datum| self.copy(datum)).collect();
                Datum::Record(self.row(&row))
            }
        }
    }

    /// Copies an encoded item in. A damaged one becomes an empty one, which every reader calls
    /// damaged.
    pub fn item<'a>(&'a self, item: Raw<'_>) -> Raw<'a> {
        Raw::new(self.bytes(item.bytes().unwrap_or_default()))
    }

    /// Bytes taken from the system.
    pub fn size(&self) -> usize {
        self.bump.allocated_bytes() + self.decimals.size()
    }

    /// Forgets everything; the memory is kept for the next use.
    pub fn reset(&mut self) {
        self.bump.reset();
        self.decimals = Decimals::default();
    }
}

/// Decimals in chunks that never move.
#[derive(Default)]
struct Decimals {
    /// Chunks of fixed capacity; only the last has room.
    chunks: RefCell<Vec<Vec<Decimal>>>,
    kept: Cell<usize>,
}

impl Decimals {
    const CHUNK: usize = 64;

    fn keep(&self, decimal: Decimal) -> &Decimal {
        let mut chunks = self.chunks.borrow_mut();
        if chunks.last().is_none_or(|chunk| chunk.len() == Self::CHUNK) {
            chunks.push(Vec::with_capacity(Self::CHUNK));
        }
        self.kept.set(self.kept.get() + 1);
        let last = chunks.len() - 1;
        let chunk = &mut chunks[last];
        chunk.push(decimal);
        let kept: *const Decimal = &chunk[chunk.len() - 1];
        // SAFETY: a chunk never holds more than its first capacity, so its elements never move;
        // nothing takes an element out or mutates it before the arena is reset or dropped, which
        // needs `&mut`.
        unsafe { &*kept }
    }

    fn size(&self) -> usize {
        self.kept.get() * std::mem::size_of::<Decimal>()
    }
}
