//! Keys whose byte order is the values' order.
//!
//! A key is a tuple of elements, one after the other. Each begins with a class byte, so that a
//! reader needs no schema, and ends where itself says, so that no element's bytes are the beginning
//! of another's.
//!
//! ```text
//!   02        MinKey                        32   Uuid      16 bytes
//!   03        Undefined                     34   ObjectId  12 bytes
//!   04        Null, and what is missing     36   false     37  true
//!   08        NaN, where it is low          38   Date      4 bytes, sign bit turned
//!   09 … 21   numbers, see [`number`]       3a   Time      8 bytes, sign bit turned (as all below)
//!   22        NaN, where it is high         3c   Timestamp    3e  TimestampTz
//!   28        Text, Symbol: bytes, 00 01    40   Interval  10 bytes: its span, sign bit turned
//!   29        collated text: collation u32, 42   BsonTimestamp  seconds, increment
//!             version u32, sort key, 00 01  44   Regex     pattern 00 01 options 00 01
//!   2c        Document: {class of value,    46   DbPointer namespace 00 01, 12 bytes
//!             name 00 01, element}*, 00     48   Code      text 00 01
//!   2e        Array: element*, 00           4a   Code      text 00 01, document's fields, 00
//!   30        Bytes: data 00 01, subtype    7c   MaxKey
//!                                           7d   Undefined  7e  Null, where nulls are last
//!
//!   within text and bytes 00 is written 00 FF, so 00 01 ends below everything that goes on
//!   descending: every byte of the element complemented; class bytes from 81 up tell the reader
//! ```
//!
//! The order over all types is BSON's (MinKey, null, numbers, text, document, array, bytes,
//! ObjectId, bool, times, regex, code, MaxKey); types that BSON lacks stand beside their next of
//! kin. Documents compare field by field: class of the value, name, value; a prefix comes first.
//!
//! Choices where the languages part:
//! * Bytes order as SQL's `bytea` does, by content; MongoDB would put shorter ones first.
//! * `undefined` lies directly below null, as in MongoDB; a missing field is written as null.
//! * Date, Time, Timestamp and TimestampTz are four classes: their ranges differ, and a declared
//!   column has one. A BSON date is a TimestampTz.
//! * Intervals are their span ('1 month' = '30 days'), as SQL compares them.
//! * -0.0 is 0. NaN is one value, placed by [`Order::nan`] at every depth; [`Order::nulls`] places
//!   only the element itself.
//!
//! Decoding gives a value, not a width: see [`KeyReader`]. Keys that would be too long are
//! [`shorten`]ed.
//!
//! Rejected: FoundationDB's tuple codes (integers sort before all floats) and a terminator of one
//! byte ("a" would be a prefix of "a\0", which breaks descending order at a key's end).

mod long;
mod number;
mod read;
mod write;

pub use long::{KEY_LEN_MAX, is_shortened, shorten};
pub use read::{Element, KeyError, KeyReader};
pub use write::KeyWriter;

/// Where nulls stand in the resulting order, whether it ascends or descends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Nulls {
    /// Before everything.
    #[default]
    First,
    /// After everything.
    Last,
}

/// Where NaN stands among the numbers' values; descending turns it round with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Nan {
    /// Below -Infinity, as in BSON.
    #[default]
    Low,
    /// Above Infinity, as in SQL.
    High,
}

/// How one element of a key is ordered. The default is ascending, nulls first, NaN low: BSON's
/// order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Order {
    /// Largest first.
    pub descending: bool,
    /// Where nulls stand.
    pub nulls: Nulls,
    /// Where NaN stands.
    pub nan: Nan,
}

impl Order {
    /// BSON's ascending order: nulls first, NaN low.
    pub const ASCENDING: Order = Order { descending: false, nulls: Nulls::First, nan: Nan::Low };
    /// BSON's descending order, the exact reverse of ascending.
    pub const DESCENDING: Order = Order { descending: true, nulls: Nulls::Last, nan: Nan::Low };
    /// PostgreSQL's `ASC`: nulls last, NaN above Infinity.
    pub const SQL_ASC: Order = Order { descending: false, nulls: Nulls::Last, nan: Nan::High };
    /// PostgreSQL's `DESC`: nulls first, NaN first of the numbers.
    pub const SQL_DESC: Order = Order { descending: true, nulls: Nulls::First, nan: Nan::High };

    /// Whether null's class byte is the one above all others, before complementing.
    fn null_is_high(self) -> bool {
        self.descending != (self.nulls == Nulls::Last)
    }
}

/// The least byte string above everything that begins with `prefix`; `None` where there is none (a
/// prefix of FF bytes only, or empty).
pub fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut end = prefix.get(..=last)?.to_vec();
    *end.last_mut()? += 1;
    Some(end)
}

/// Class bytes.
pub(crate) mod class {
    pub const END: u8 = 0x00;
    pub const MIN_KEY: u8 = 0x02;
    pub const UNDEFINED: u8 = 0x03;
    pub const NULL: u8 = 0x04;
    pub const NAN_LOW: u8 = 0x08;
    pub const NEGATIVE_INFINITY: u8 = 0x09;
    pub const ZERO: u8 = 0x15;
    pub const SMALL: u8 = 0x16;
    pub const LARGE: u8 = 0x20;
    pub const INFINITY: u8 = 0x21;
    pub const NAN_HIGH: u8 = 0x22;
    pub const TEXT: u8 = 0x28;
    pub const COLLATED: u8 = 0x29;
    pub const DOCUMENT: u8 = 0x2c;
    pub const ARRAY: u8 = 0x2e;
    pub const BYTES: u8 = 0x30;
    pub const UUID: u8 = 0x32;
    pub const OBJECT_ID: u8 = 0x34;
    pub const FALSE: u8 = 0x36;
    pub const TRUE: u8 = 0x37;
    pub const DATE: u8 = 0x38;
    pub const TIME: u8 = 0x3a;
    pub const TIMESTAMP: u8 = 0x3c;
    pub const TIMESTAMP_TZ: u8 = 0x3e;
    pub const INTERVAL: u8 = 0x40;
    pub const BSON_TIMESTAMP: u8 = 0x42;
    pub const REGEX: u8 = 0x44;
    pub const DB_POINTER: u8 = 0x46;
    pub const CODE: u8 = 0x48;
    pub const CODE_SCOPE: u8 = 0x4a;
    pub const MAX_KEY: u8 = 0x7c;
    pub const UNDEFINED_HIGH: u8 = 0x7d;
    pub const NULL_HIGH: u8 = 0x7e;
    /// From here up a class byte is a complement.
    pub const DESCENDING_FROM: u8 = 0x81;

    /// The rank of a value's class within documents: one for all numbers, one for both truths.
    pub fn rank(kind: crate::Kind) -> u8 {
        use crate::Kind;
        match kind {
            Kind::MinKey => MIN_KEY,
            Kind::Undefined => UNDEFINED,
            Kind::Null => NULL,
            Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 | Kind::UInt64 => NAN_LOW,
            Kind::Float32 | Kind::Float64 | Kind::Decimal => NAN_LOW,
            Kind::Text | Kind::Symbol => TEXT,
            Kind::Document => DOCUMENT,
            Kind::Array => ARRAY,
            Kind::Bytes => BYTES,
            Kind::Uuid => UUID,
            Kind::ObjectId => OBJECT_ID,
            Kind::Bool => FALSE,
            Kind::Date => DATE,
            Kind::Time => TIME,
            Kind::Timestamp => TIMESTAMP,
            Kind::TimestampTz => TIMESTAMP_TZ,
            Kind::Interval => INTERVAL,
            Kind::BsonTimestamp => BSON_TIMESTAMP,
            Kind::Regex => REGEX,
            Kind::DbPointer => DB_POINTER,
            Kind::Code => CODE,
            Kind::MaxKey => MAX_KEY,
        }
    }
}
