//! SQL arrays as CBOR: elements in, elements out, dimensions.
//!
//! ```text
//!   {{1,2},{3,4}}::int[]   =  82 82 01 02 82 03 04       nesting is dimension
//!   {}                     =  80                         no dimension at all
//!   {NULL,"a"}::text[]     =  82 f6 61 'a'               a NULL element is CBOR null
//! ```
//!
//! An element keeps its type's width, so that another language reads the array as it was declared.
//!
//! **Invariants**
//! - Lower bounds are 1; a literal with others is refused by name.
//! - All sub-arrays of one level are of one length: every constructor here checks it.
//! - Arrays of json have one dimension, since a JSON array could not be told from a second one; a
//!   JSON null in one is the same as NULL. Arrays of records do not exist.

use value::cbor::Elements;
use value::{Encoder, Item, Raw};

use crate::{Arena, Datum, Error, ErrorKind, Result, Scalar};

/// The most dimensions of an array.
pub const DIMENSIONS_MAX: usize = 6;

/// Bytes that are not an item: the store's checks should have met them before.
#[cold]
pub fn damaged(_: value::Damaged) -> Error {
    Error::new(ErrorKind::Internal, "XX001", "a value's bytes are damaged")
}

/// Whether arrays of this scalar may nest.
fn nests(scalar: Scalar) -> bool {
    use Scalar::{Any, Int2Vector, Json, Jsonb, OidVector};
    !matches!(scalar, Json | Jsonb | Any | Int2Vector | OidVector)
}

/// Whether an element is a whole array of its own.
pub fn is_vector(scalar: Scalar) -> bool {
    matches!(scalar, Scalar::Int2Vector | Scalar::OidVector)
}

/// Appends one element.
///
/// # Errors
/// Records; a datum that is not of the scalar type.
pub fn encode_element(out: &mut Encoder<'_>, datum: &Datum<'_>, scalar: Scalar) -> Result<()> {
    match *datum {
        Datum::Missing | Datum::Null => out.null(),
        Datum::Bool(v) => out.bool(v),
        Datum::Int(v) => encode_int(out, v, scalar),
        Datum::UInt(v) => out.uint64(v),
        Datum::Float32(v) => out.float32(v),
        Datum::Float(v) => out.float64(v),
        Datum::Decimal(v) => out.decimal(v),
        Datum::Text(v) => out.text(v),
        Datum::Bytes(v) => out.bytes(v),
        Datum::Date(v) => out.date(v),
        Datum::Time(v) => out.time(v),
        Datum::Timestamp(v) => out.timestamp(v),
        Datum::TimestampTz(v) => out.timestamp_tz(v),
        Datum::Interval(v) => out.interval(v),
        Datum::Uuid(v) => out.uuid(&v),
        Datum::ObjectId(v) => out.object_id(&v),
        Datum::Json(v) | Datum::Array(v) => out.encoded(v.bytes().map_err(damaged)?),
        Datum::Record(_) => return Err(Error::unsupported("an array of rows")),
    }
    Ok(())
}

fn encode_int(out: &mut Encoder<'_>, n: i64, scalar: Scalar) {
    match (scalar, i8::try_from(n), i16::try_from(n), i32::try_from(n)) {
        (Scalar::Int1, Ok(n), _, _) => out.int8(n),
        (Scalar::Int2, _, Ok(n), _) => out.int16(n),
        (Scalar::Int4, _, _, Ok(n)) => out.int32(n),
        _ => out.int64(n),
    }
}

/// The bytes of an array of one dimension.
///
/// # Errors
/// As [`encode_element`].
pub fn encode(elements: &[Datum<'_>], scalar: Scalar) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(elements.len() * 4 + 8);
    let mut out = Encoder::new(&mut bytes);
    out.array(elements.len());
    for element in elements {
        encode_element(&mut out, element, scalar)?;
    }
    Ok(bytes)
}

/// The bytes of an array of arrays.
///
/// # Errors
/// 2202E where their dimensions differ, 54000 beyond six.
pub fn nest(arrays: &[Datum<'_>]) -> Result<Vec<u8>> {
    let mut shape: Option<Vec<usize>> = None;
    let mut bytes = Vec::new();
    let mut out = Encoder::new(&mut bytes);
    out.array(arrays.len());
    for array in arrays {
        let Datum::Array(raw) = array else { return Err(ragged()) };
        let dimensions = dimensions(*raw, Scalar::Text);
        if shape.as_ref().is_some_and(|shape| *shape != dimensions) {
            return Err(ragged());
        }
        shape.get_or_insert(dimensions);
        out.encoded(raw.bytes().map_err(damaged)?);
    }
    match shape.map_or(0, |shape| shape.len()) {
        0 => encode(&[], Scalar::Text),
        DIMENSIONS_MAX.. => Err(too_many_dimensions(DIMENSIONS_MAX + 1)),
        _ => Ok(bytes),
    }
}

/// 54000.
#[cold]
pub fn too_many_dimensions(count: usize) -> Error {
    let limit = DIMENSIONS_MAX;
    let message =
        format!("number of array dimensions ({count}) exceeds the maximum allowed ({limit})");
    Error::new(ErrorKind::Limit, "54000", message)
}

#[cold]
fn ragged() -> Error {
    let message = "multidimensional arrays must have array expressions with matching dimensions";
    Error::new(ErrorKind::Type, "2202E", message)
}

/// The lengths of the dimensions, outermost first; none for an empty array.
pub fn dimensions(array: Raw<'_>, scalar: Scalar) -> Vec<usize> {
    let mut lengths = Vec::new();
    let mut at = array;
    while let (true, Some(count)) = (at.is_array(), at.count()) {
        if count == 0 || lengths.len() == DIMENSIONS_MAX {
            break;
        }
        lengths.push(count);
        if !nests(scalar) {
            break;
        }
        let Some(Ok(first)) = at.elements().next() else { break };
        at = first;
    }
    lengths
}

/// The datum of one element.
///
/// # Errors
/// Damage.
pub fn element<'a>(raw: Raw<'a>, scalar: Scalar, arena: &'a Arena) -> Result<Datum<'a>> {
    if raw.is_null() {
        return Ok(Datum::Null);
    }
    if !nests(scalar) && !is_vector(scalar) {
        return Ok(Datum::Json(raw));
    }
    from_item(raw.item().map_err(damaged)?, raw, arena)
}

/// The datum that a stored item is by itself. What no SQL type can hold stays a JSON value.
///
/// # Errors
/// None at present.
pub fn from_item<'a>(item: Item<'a>, raw: Raw<'a>, arena: &'a Arena) -> Result<Datum<'a>> {
    Ok(match item {
        Item::Null | Item::Undefined => Datum::Null,
        Item::Bool(v) => Datum::Bool(v),
        Item::Int8(v) => Datum::Int(v.into()),
        Item::Int16(v) => Datum::Int(v.into()),
        Item::Int32(v) => Datum::Int(v.into()),
        Item::Int64(v) => Datum::Int(v),
        Item::UInt64(v) => i64::try_from(v).map_or(Datum::UInt(v), Datum::Int),
        Item::Float32(v) => Datum::Float32(v),
        Item::Float64(v) => Datum::Float(v),
        Item::Decimal(v) => Datum::Decimal(arena.decimal(v)),
        Item::Text(v) | Item::Symbol(v) => Datum::Text(v),
        Item::Bytes { data, .. } => Datum::Bytes(data),
        Item::Date(v) => Datum::Date(v),
        Item::Time(v) => Datum::Time(v),
        Item::Timestamp(v) => Datum::Timestamp(v),
        Item::TimestampTz(v) => Datum::TimestampTz(v),
        Item::Interval(v) => Datum::Interval(v),
        Item::Uuid(v) => Datum::Uuid(v),
        Item::ObjectId(v) => Datum::ObjectId(v),
        Item::Array(v) => Datum::Array(v),
        _ => Datum::Json(raw),
    })
}

/// The elements of an array whatever its dimensions, in order.
pub struct Flat<'a> {
    levels: smallvec::SmallVec<[Elements<'a>; 1]>,
    scalar: Scalar,
    arena: &'a Arena,
}

impl<'a> Flat<'a> {
    /// The elements of `array`, of the scalar type.
    pub fn new(array: Raw<'a>, scalar: Scalar, arena: &'a Arena) -> Self {
        Flat { levels: smallvec::smallvec![array.elements()], scalar, arena }
    }
}

impl<'a> Iterator for Flat<'a> {
    type Item = Result<Datum<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.levels.last_mut()?.next() {
                None => {
                    self.levels.pop();
                }
                Some(Ok(raw)) if nests(self.scalar) && raw.is_array() => {
                    self.levels.push(raw.elements());
                }
                Some(raw) => {
                    let raw = raw.map_err(damaged);
                    return Some(raw.and_then(|raw| element(raw, self.scalar, self.arena)));
                }
            }
        }
    }
}

/// The elements of the outermost dimension, sub-arrays as arrays.
///
/// # Errors
/// Damage.
pub fn decode<'a>(array: Raw<'a>, scalar: Scalar, arena: &'a Arena) -> Result<Vec<Datum<'a>>> {
    let element =
        |raw: std::result::Result<Raw<'a>, _>| element(raw.map_err(damaged)?, scalar, arena);
    array.elements().map(element).collect()
}

/// The bytes of an array with these dimensions and elements in order.
///
/// # Errors
/// As [`encode_element`]. Too few elements are padded with NULL.
pub fn shaped(
    dimensions: &[usize],
    elements: &mut dyn Iterator<Item = Datum<'_>>,
    scalar: Scalar,
) -> Result<Vec<u8>> {
    fn level(
        out: &mut Encoder<'_>,
        dimensions: &[usize],
        elements: &mut dyn Iterator<Item = Datum<'_>>,
        scalar: Scalar,
    ) -> Result<()> {
        let Some((count, inner)) = dimensions.split_first() else {
            return encode_element(out, &elements.next().unwrap_or(Datum::Null), scalar);
        };
        out.array(*count);
        (0..*count).try_for_each(|_| level(out, inner, elements, scalar))
    }
    let mut bytes = Vec::new();
    if dimensions.is_empty() {
        return encode(&[], scalar);
    }
    level(&mut Encoder::new(&mut bytes), dimensions, elements, scalar)?;
    Ok(bytes)
}
