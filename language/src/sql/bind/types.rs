//! Type names: from what was written to a type and its modifier.
//!
//! The parser has turned the standard's words into PostgreSQL's names (`INTEGER` is `int4`), so
//! this looks a name up and packs the modifier as pg_attribute.atttypmod has it: length + 4 for
//! varchar and char, ((precision << 16) | scale) + 4 for numeric, the precision itself for times.

use query::{Error, ErrorKind, Result, Scalar, Type};

use crate::sql::ast::{ExprKind, LiteralValue, TypeName};

/// The longest varchar(n) and char(n), as in PostgreSQL.
const LENGTH_MAX: i64 = 10_485_760;
/// The largest precision of numeric(p).
const PRECISION_MAX: i64 = 1000;

/// The type and modifier that a name stands for.
pub fn resolve_type(name: &TypeName) -> Result<(Type, i32)> {
    let offset = name.position.0;
    if name.setof || name.of_column {
        return Err(Error::unsupported("a type by reference").at(offset));
    }
    let scalar = scalar(name)?;
    let modifier = modifier(scalar, name)?;
    let array = !name.array.is_empty();
    Ok((Type { scalar, array }, modifier))
}

fn scalar(name: &TypeName) -> Result<Scalar> {
    let offset = name.position.0;
    let word = name.name.name();
    let schema = name.name.schema();
    if schema.is_none_or(|schema| schema == "pg_catalog") {
        let word = word.strip_prefix('_').filter(|w| known(w).is_some()).unwrap_or(word);
        if let Some(scalar) = known(word) {
            return Ok(scalar);
        }
    }
    if query::function::is_type_elsewhere(schema, word) {
        return Err(Error::unsupported(format_args!("type {word}")).at(offset));
    }
    let shown = match schema {
        Some(schema) => format!("{schema}.{word}"),
        None => word.to_owned(),
    };
    Err(Error::new(ErrorKind::Name, "42704", format!("type \"{shown}\" does not exist")).at(offset))
}

fn known(word: &str) -> Option<Scalar> {
    Scalar::all().find(|scalar| scalar.name() == word && *scalar != Scalar::Any)
}

fn modifier(scalar: Scalar, name: &TypeName) -> Result<i32> {
    let offset = name.position.0;
    let numbers = numbers(name)?;
    if name.interval.is_some() {
        return Err(Error::unsupported("an interval restricted to fields").at(offset));
    }
    match (scalar, numbers.as_slice()) {
        // CHAR alone is CHAR(1).
        (Scalar::Bpchar, [])
            if name.name.schema() == Some("pg_catalog") && name.array.is_empty() =>
        {
            Ok(-1)
        }
        (_, []) => Ok(-1),
        (Scalar::Varchar | Scalar::Bpchar, [length]) => length_modifier(scalar, *length, offset),
        (Scalar::Numeric, [precision]) => numeric_modifier(*precision, 0, offset),
        (Scalar::Numeric, [precision, scale]) => numeric_modifier(*precision, *scale, offset),
        (
            Scalar::Time | Scalar::Timestamp | Scalar::TimestampTz | Scalar::Interval,
            [precision],
        ) => {
            // PostgreSQL takes more digits than microseconds have, with a warning, as 6.
            i32::try_from((*precision).min(6)).map_err(|_| invalid(scalar, offset))
        }
        _ => Err(invalid(scalar, offset)),
    }
}

fn invalid(scalar: Scalar, offset: u32) -> Error {
    let message = format!("type modifier is not allowed for type \"{}\"", scalar.name());
    Error::new(ErrorKind::Syntax, "42601", message).at(offset)
}

fn length_modifier(scalar: Scalar, length: i64, offset: u32) -> Result<i32> {
    let word = if scalar == Scalar::Varchar { "varchar" } else { "char" };
    if length < 1 {
        let message = format!("length for type {word} must be at least 1");
        return Err(Error::new(ErrorKind::Type, "22023", message).at(offset));
    }
    if length > LENGTH_MAX {
        let message = format!("length for type {word} cannot exceed {LENGTH_MAX}");
        return Err(Error::new(ErrorKind::Type, "22023", message).at(offset));
    }
    Ok(length as i32 + 4)
}

fn numeric_modifier(precision: i64, scale: i64, offset: u32) -> Result<i32> {
    if !(1..=PRECISION_MAX).contains(&precision) {
        let message =
            format!("NUMERIC precision {precision} must be between 1 and {PRECISION_MAX}");
        return Err(Error::new(ErrorKind::Type, "22023", message).at(offset));
    }
    if !(-PRECISION_MAX..=PRECISION_MAX).contains(&scale) {
        let message =
            format!("NUMERIC scale {scale} must be between -{PRECISION_MAX} and {PRECISION_MAX}");
        return Err(Error::new(ErrorKind::Type, "22023", message).at(offset));
    }
    Ok((((precision as i32) << 16) | (scale as i32 & 0x7ff)) + 4)
}

fn numbers(name: &TypeName) -> Result<Vec<i64>> {
    let number = |expression: &crate::sql::ast::Expr| match &expression.kind {
        ExprKind::Literal(literal) => match literal.value {
            LiteralValue::Int4(number) => Ok(i64::from(number)),
            LiteralValue::Int8(number) => Ok(number),
            _ => Err(not_constant(expression.position.0)),
        },
        _ => Err(not_constant(expression.position.0)),
    };
    name.modifiers.iter().map(number).collect()
}

fn not_constant(offset: u32) -> Error {
    let message = "type modifiers must be simple constants or identifiers";
    Error::new(ErrorKind::Syntax, "42601", message).at(offset)
}
