//! The stored form of values: a closed subset of CBOR (RFC 8949).
//!
//! ```text
//!   head = 1 byte: major type (3 bits) | info (5 bits), then 0, 1, 2, 4 or 8 argument bytes
//!
//!   value             bytes                           value           bytes (tag, then content)
//!   ───────────────   ──────────────────────────────  ─────────────   ───────────────────────────
//!   Int8              18 nn            38 nn          Decimal         4      [exponent, mantissa]
//!   Int16             19 nnnn          39 nnnn          mantissa      int, or 2/3 + bytes
//!   Int32             00…17 20…37 1a…  3a…            Uuid            37     bytes(16)
//!   Int64             1b …             3b …           Date            100    int, days
//!   UInt64            1b 8000000000000000 and above   MinKey          60000  null
//!   Float32, Float64  fa …             fb …           MaxKey          60001  null
//!   Text              3 · length, UTF-8               NaN, ±Infinity  60002  0, 1, 2 (decimals)
//!   Bytes subtype 0   2 · length, bytes               decimal -0      60003  exponent
//!   Array             4 · count, items                Bytes           60004  bytes: subtype, data
//!   Document          5 · count, key item key item …  Time            60005  int, µs
//!   false true        f4 f5                           Timestamp       60006  int, µs
//!   Null, Undefined   f6 f7                           TimestampTz     60007  int, µs
//!                                                     Interval        60008  [months, days, µs]
//!   keys: text (a name) or unsigned integer           ObjectId        60009  bytes(12)
//!   (a declared column's id, outermost map only),     Regex           60010  [pattern, options]
//!   shortest heads, each key once                     Code            60011  text
//!                                                     Code, scope     60012  [text, map]
//!                                                     BsonTimestamp   60013  seconds·2^32 + inc
//!                                                     Symbol          60014  text
//!                                                     DbPointer       60015  [text, bytes(12)]
//! ```
//!
//! An integer's width is the width of its head, so a value comes back as it was written without a
//! byte spent on its type. The immediate heads (-24 ..= 23) are `Int32`, the width that most
//! clients send. For a declared column the width is in the schema, and [`Encoder::int`] writes the
//! shortest head; reading such a head without its schema gives the narrowest kind of at least that
//! width that holds the number (`18 ff` is an `Int16`).
//!
//! Invariants:
//! * Nothing is indefinite, no half floats, no tags but these, nothing after the item; [`validate`]
//!   refuses the rest. Decoding needs no lookahead and no allocation.
//! * [`Raw`] never panics and never recurses, whatever the bytes: a checksum guards the disk, and
//!   this guards against what passes it. Damage is an error, apart from absence.
//! * Equal values written by one encoder are equal bytes: heads of counts, lengths and contents of
//!   tags are the shortest.
//! * Tags and their contents are for good. A new type takes the next number of the block from
//!   60000.
//!
//! Rejected: BSON (no decimals beyond 34 digits, no unsigned integers, lengths that must be patched
//! at every level on a change) and a format of our own (CBOR is readable by any tool, at equal
//! speed).

mod encode;
mod patch;
mod raw;
mod validate;

pub use encode::{Encoder, OpenMap, encode, encode_into};
pub use patch::{Edit, edit, remove, set};
pub use raw::{Damaged, Elements, Entries, Item, Key, Raw};
pub use validate::{Error, ErrorKind, Limits, validate};

pub(crate) const UNSIGNED: u8 = 0;
pub(crate) const NEGATIVE: u8 = 1;
pub(crate) const BYTES: u8 = 2;
pub(crate) const TEXT: u8 = 3;
pub(crate) const ARRAY: u8 = 4;
pub(crate) const MAP: u8 = 5;
pub(crate) const TAG: u8 = 6;
pub(crate) const SIMPLE: u8 = 7;

pub(crate) const FALSE: u8 = 0xf4;
pub(crate) const TRUE: u8 = 0xf5;
pub(crate) const NULL: u8 = 0xf6;
pub(crate) const UNDEFINED: u8 = 0xf7;
pub(crate) const FLOAT32: u8 = 0xfa;
pub(crate) const FLOAT64: u8 = 0xfb;

/// Tag numbers.
pub(crate) mod tag {
    pub const POSITIVE_BIG: u64 = 2;
    pub const NEGATIVE_BIG: u64 = 3;
    pub const DECIMAL: u64 = 4;
    pub const UUID: u64 = 37;
    pub const DATE: u64 = 100;
    pub const MIN_KEY: u64 = 60_000;
    pub const MAX_KEY: u64 = 60_001;
    pub const DECIMAL_SPECIAL: u64 = 60_002;
    pub const DECIMAL_NEGATIVE_ZERO: u64 = 60_003;
    pub const BYTES: u64 = 60_004;
    pub const TIME: u64 = 60_005;
    pub const TIMESTAMP: u64 = 60_006;
    pub const TIMESTAMP_TZ: u64 = 60_007;
    pub const INTERVAL: u64 = 60_008;
    pub const OBJECT_ID: u64 = 60_009;
    pub const REGEX: u64 = 60_010;
    pub const CODE: u64 = 60_011;
    pub const CODE_SCOPE: u64 = 60_012;
    pub const BSON_TIMESTAMP: u64 = 60_013;
    pub const SYMBOL: u64 = 60_014;
    pub const DB_POINTER: u64 = 60_015;
}

/// A decoded head.
#[derive(Clone, Copy)]
pub(crate) struct Head {
    pub major: u8,
    /// The low five bits of the first byte.
    pub info: u8,
    pub argument: u64,
    /// Bytes of the head itself.
    pub len: usize,
}

impl Head {
    /// Whether a shorter head would say the same.
    pub fn is_shortest(self) -> bool {
        match self.info {
            0..24 => true,
            24 => self.argument >= 24,
            25 => self.argument > 0xff,
            26 => self.argument > 0xffff,
            _ => self.argument > 0xffff_ffff,
        }
    }
}

/// The head at the front of `bytes`; `None` where it is cut off, reserved or indefinite.
#[inline(always)]
pub(crate) fn head(bytes: &[u8]) -> Option<Head> {
    let (&first, rest) = bytes.split_first()?;
    let (major, info) = (first >> 5, first & 0x1f);
    let (argument, len) = match info {
        0..24 => (u64::from(info), 1),
        24 => (u64::from(*rest.first()?), 2),
        25 => (u64::from(u16::from_be_bytes(*rest.first_chunk()?)), 3),
        26 => (u64::from(u32::from_be_bytes(*rest.first_chunk()?)), 5),
        27 => (u64::from_be_bytes(*rest.first_chunk()?), 9),
        _ => return None,
    };
    Some(Head { major, info, argument, len })
}

/// The length of the item at the front of `bytes`; `None` where it is cut off or malformed. Loops,
/// so that nesting costs no stack; each round consumes a byte at least, so hostile counts cost no
/// time.
#[inline]
pub(crate) fn item_len(bytes: &[u8]) -> Option<usize> {
    let mut at = 0usize;
    let mut left = 1u64;
    while left > 0 {
        left -= 1;
        let rest = bytes.get(at..)?;
        let head = head(rest)?;
        at += head.len;
        match head.major {
            UNSIGNED | NEGATIVE | SIMPLE => {}
            BYTES | TEXT => {
                let room = bytes.len().checked_sub(at)? as u64;
                if head.argument > room {
                    return None;
                }
                at += head.argument as usize;
            }
            ARRAY => left = left.checked_add(head.argument)?,
            MAP => left = left.checked_add(head.argument.checked_mul(2)?)?,
            _ => left += 1,
        }
    }
    Some(at)
}
