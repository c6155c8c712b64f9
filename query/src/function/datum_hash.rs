//! Hashing of datums, for hash joins, grouping and DISTINCT.
//!
//! Equal under [`super::datum_order::order`] must hash alike, also across representations:
//! `1::int2`, `1::int8`, `1.00` and `1e0::float8` are one group key after a mixed join. So every
//! number is reduced to the bits of its nearest double.
//!
//! ```text
//!   class byte │ canonical form
//!   number     │ bits of the nearest double (-0 and NaN made one)
//!   interval   │ span in microseconds
//!   jsonb      │ entries in key order, numbers as above
//! ```
//!
//! Two decimals that differ beyond a double's digits share a hash and are told apart by the
//! comparison.

use std::hash::{Hash, Hasher};

use value::{Item, Raw};

use super::datum_order::{Items, JSON_NUMBER, json_number, json_rank, sorted_entries};
use crate::Datum;

/// A seeded hash of one datum; NULL has one too.
pub fn hash(datum: &Datum<'_>, seed: u64) -> u64 {
    use std::hash::BuildHasher;
    let mut hasher = foldhash::fast::FixedState::with_seed(seed).build_hasher();
    feed(datum, &mut hasher);
    hasher.finish()
}

/// A seeded hash of a row of group or join keys.
pub fn hash_row(row: &[Datum<'_>], seed: u64) -> u64 {
    use std::hash::BuildHasher;
    let mut hasher = foldhash::fast::FixedState::with_seed(seed).build_hasher();
    for datum in row {
        feed(datum, &mut hasher);
    }
    hasher.finish()
}

/// Feeds one datum.
pub fn feed(datum: &Datum<'_>, out: &mut impl Hasher) {
    use Datum::*;
    match datum {
        Missing | Null => out.write_u8(0),
        Bool(v) => out.write_u8(1 + u8::from(*v)),
        Int(v) => whole((*v).into(), out),
        UInt(v) => whole((*v).into(), out),
        Float32(v) => float((*v).into(), out),
        Float(v) => float(*v, out),
        Decimal(v) => decimal(v, out),
        Text(v) => tagged(4, v.as_bytes(), out),
        Bytes(v) => tagged(5, v, out),
        Date(v) => time(day_start(*v), out),
        Time(v) => number(7, *v, out),
        Timestamp(v) | TimestampTz(v) => time((*v).into(), out),
        Interval(v) => {
            out.write_u8(8);
            v.span().hash(out);
        }
        Uuid(v) => tagged(9, v, out),
        ObjectId(v) => tagged(10, v, out),
        Json(v) => json(*v, out),
        Array(v) => array(*v, out),
        Record(fields) => {
            out.write_u8(12);
            fields.iter().for_each(|field| feed(field, out));
        }
    }
}

fn tagged(tag: u8, bytes: &[u8], out: &mut impl Hasher) {
    out.write_u8(tag);
    out.write_usize(bytes.len());
    out.write(bytes);
}

fn number(tag: u8, n: i64, out: &mut impl Hasher) {
    out.write_u8(tag);
    out.write_i64(n);
}

/// A date is equal to the timestamp of its midnight.
fn time(micros: i128, out: &mut impl Hasher) {
    out.write_u8(6);
    micros.hash(out);
}

fn day_start(date: i32) -> i128 {
    match date {
        i32::MIN => i64::MIN.into(),
        i32::MAX => i64::MAX.into(),
        days => i128::from(days) * i128::from(value::calendar::MICROS_PER_DAY),
    }
}

/// Through the double, since an integer may be compared with one: then 2^53 and 2^53 + 1 are equal
/// to it.
#[inline]
fn whole(n: i128, out: &mut impl Hasher) {
    float(n as f64, out);
}

#[inline]
fn float(n: f64, out: &mut impl Hasher) {
    let canonical = if n.is_nan() { f64::NAN } else { n + 0.0 };
    out.write_u8(3);
    out.write_u64(canonical.to_bits());
}

fn decimal(n: &value::Decimal, out: &mut impl Hasher) {
    float(n.to_f64(), out);
}

fn array(raw: Raw<'_>, out: &mut impl Hasher) {
    out.write_u8(11);
    let arena = crate::Arena::new();
    for raw in Items::new(raw) {
        if let Ok(item) = raw.item()
            && let Ok(datum) = super::array::from_item(item, raw, &arena)
        {
            feed(&datum, out);
        }
    }
}

fn json(raw: Raw<'_>, out: &mut impl Hasher) {
    let Ok(item) = raw.item() else { return };
    out.write_u8(20 + json_rank(&item));
    match &item {
        Item::Bool(v) => out.write_u8((*v).into()),
        Item::Document(document) => {
            for (name, value) in sorted_entries(*document) {
                tagged(4, name.as_bytes(), out);
                json(value, out);
            }
        }
        Item::Array(elements) => {
            out.write_usize(elements.count().unwrap_or(0));
            elements.elements().flatten().for_each(|element| json(element, out));
        }
        Item::Null | Item::Undefined => {}
        item if json_rank(item) == JSON_NUMBER => decimal(&json_number(item), out),
        item => tagged(4, super::json::scalar_text(item).as_bytes(), out),
    }
}
