//! What a statement takes and answers, told before it runs.

use qanat::{Scalar, Type};
use query::plan::OutputColumn;

use super::ResultFormats;
use crate::postgres::codec::{BackendWriter, Column};

/// The type, with its modifier, that a client is told for one of ours.
#[must_use]
pub fn wire_type(ty: Type, modifier: i32) -> (Type, i32) {
    let known = |scalar| (Type { scalar, array: ty.array }, -1);
    match ty.scalar {
        Scalar::Int1 | Scalar::UInt1 => known(Scalar::Int2),
        Scalar::UInt2 => known(Scalar::Int4),
        Scalar::UInt4 => known(Scalar::Int8),
        // numeric(20): every unsigned number of 64 bits.
        Scalar::UInt8 => (known(Scalar::Numeric).0, (20 << 16) + 4),
        // A value of any type shows as text; so does a literal that nothing gave a type.
        Scalar::Any | Scalar::Unknown => known(Scalar::Text),
        _ => (ty, modifier),
    }
}

/// Appends ParameterDescription.
pub fn describe_parameters(out: &mut Vec<u8>, types: &[Type]) {
    let oids: Vec<u32> = types.iter().map(|ty| wire_type(*ty, -1).0.oid()).collect();
    BackendWriter::new(out).parameter_description(&oids);
}

/// Appends RowDescription, or NoData where there are no columns.
pub fn describe_rows(out: &mut Vec<u8>, columns: &[OutputColumn], formats: &ResultFormats) {
    let mut out = BackendWriter::new(out);
    if columns.is_empty() {
        return out.no_data();
    }
    out.row_description(columns.iter().enumerate().map(|(at, column)| {
        let (ty, type_modifier) = wire_type(column.ty, column.modifier);
        Column {
            name: &column.name,
            table: column.origin.0,
            attribute: column.origin.1,
            type_oid: ty.oid(),
            type_size: if ty.array { -1 } else { ty.scalar.length() },
            type_modifier,
            format: formats.of(at),
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_that_postgresql_has_not_are_told_as_wider_ones() {
        assert_eq!(wire_type(Type::INT1, -1), (Type::INT2, -1));
        assert_eq!(wire_type(Type::UINT4, -1), (Type::INT8, -1));
        assert_eq!(wire_type(Type::UINT8, -1).0, Type::NUMERIC);
        assert_eq!(wire_type(Type::array_of(Scalar::UInt2), -1).0.oid(), 1007);
        assert_eq!(wire_type(Type::VARCHAR, 24), (Type::VARCHAR, 24));
    }
}
