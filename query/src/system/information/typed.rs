//! What information_schema says of a type with its modifier.

use crate::{Scalar, Type};

/// The facets of a declared type.
pub(super) struct Facets {
    pub length: Option<i32>,
    pub octets: Option<i32>,
    pub precision: Option<i32>,
    pub radix: Option<i32>,
    pub scale: Option<i32>,
    pub time_precision: Option<i32>,
    /// The collation's name where it is not the default.
    pub collation: Option<&'static str>,
}

/// data_type: arrays are ARRAY, types that the standard does not know by its modifier-free name.
pub(super) fn data_type(ty: Type) -> String {
    if ty.array { "ARRAY".to_owned() } else { ty.display(-1) }
}

fn number(ty: Type, modifier: i32) -> (Option<i32>, Option<i32>, Option<i32>) {
    let bits = |bits: i32| (Some(bits), Some(2), Some(0));
    match ty.scalar {
        Scalar::Int1 | Scalar::UInt1 => bits(8),
        Scalar::Int2 | Scalar::UInt2 => bits(16),
        Scalar::Int4 | Scalar::UInt4 => bits(32),
        Scalar::Int8 | Scalar::UInt8 => bits(64),
        Scalar::Float4 => (Some(24), Some(2), None),
        Scalar::Float8 => (Some(53), Some(2), None),
        Scalar::Numeric if modifier >= 4 => {
            let packed = modifier - 4;
            // A negative scale is shown as the bits that it is kept in, as PostgreSQL 15 does.
            (Some((packed >> 16) & 0xffff), Some(10), Some(packed & 0xffff))
        }
        Scalar::Numeric => (None, Some(10), None),
        _ => (None, None, None),
    }
}

fn time_precision(ty: Type, modifier: i32) -> Option<i32> {
    match ty.scalar {
        Scalar::Date => Some(0),
        Scalar::Time | Scalar::Timestamp | Scalar::TimestampTz => {
            Some(if modifier < 0 { 6 } else { modifier })
        }
        Scalar::Interval if modifier < 0 || modifier & 0xffff == 0xffff => Some(6),
        Scalar::Interval => Some(modifier & 0xffff),
        _ => None,
    }
}

/// The facets of a type; an array has none.
pub(super) fn facets(ty: Type, modifier: i32) -> Facets {
    let none = Facets {
        length: None,
        octets: None,
        precision: None,
        radix: None,
        scale: None,
        time_precision: None,
        collation: None,
    };
    if ty.array {
        return none;
    }
    let length = match ty.scalar {
        Scalar::Varchar | Scalar::Bpchar if modifier >= 4 => Some(modifier - 4),
        _ => None,
    };
    let text = matches!(ty.scalar, Scalar::Text | Scalar::Varchar | Scalar::Bpchar);
    let octets = match length {
        Some(length) => Some(length.saturating_mul(4)),
        None if text => Some(1 << 30),
        None => None,
    };
    let (precision, radix, scale) = number(ty, modifier);
    Facets {
        length,
        octets,
        precision,
        radix,
        scale,
        time_precision: time_precision(ty, modifier),
        collation: (ty.scalar == Scalar::Name).then_some("C"),
    }
}
