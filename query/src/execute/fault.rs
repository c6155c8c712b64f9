//! Errors of the model and of the store, as SQL's clients know them (PostgreSQL 15, Appendix A).
//!
//! The one file that maps `model::Error` and `transaction::Error` to [`Error`]: message, SQLSTATE,
//! DETAIL, and the names of schema, table, column and constraint that drivers put into fields of
//! their exceptions.
//!
//! Values in a DETAIL are printed by the types' own output, as PostgreSQL does: `Key (id)=(1)
//! already exists.`

use model::error::{ConvertReason, ObjectKind, RowViolation, UniqueViolation};
use value::Value;

use crate::error::ObjectNames;
use crate::{Error, ErrorKind};

/// An error of the model.
#[cold]
pub fn fault(error: model::Error) -> Error {
    use model::Error as E;
    let text = error.to_string();
    let new = |kind, sqlstate| Error::new(kind, sqlstate, text.clone());
    match error {
        E::Store(error) => store(error),
        E::SchemaChanged { .. } => Error::new(
            ErrorKind::Retry,
            "40001",
            "could not serialize access due to a concurrent change of the table's definition",
        ),
        E::Unique(violation) => unique(&violation),
        E::NotNull(violation) => not_null(&violation),
        E::Check(violation) => check(&violation),
        E::Convert(failure) => {
            let (sqlstate, kind) = match failure.reason {
                ConvertReason::Type => ("42804", ErrorKind::Type),
                ConvertReason::Range => ("22003", ErrorKind::Type),
                ConvertReason::Length { .. } => ("22001", ErrorKind::Type),
                ConvertReason::Syntax => ("22P02", ErrorKind::Type),
                ConvertReason::Loss => ("22000", ErrorKind::Type),
            };
            let message = match failure.reason {
                ConvertReason::Length { .. } => format!("value too long for type {}", failure.ty),
                _ => text.clone(),
            };
            let (table, column) = (Some(failure.collection), Some(failure.column));
            Error::new(kind, sqlstate, message).object(ObjectNames {
                table,
                column,
                ..ObjectNames::default()
            })
        }
        E::Duplicate { what, .. } => new(
            ErrorKind::Name,
            match what {
                ObjectKind::Database => "42P04",
                ObjectKind::Schema => "42P06",
                ObjectKind::Column => "42701",
                ObjectKind::Constraint => "42710",
                _ => "42P07",
            },
        ),
        E::Undefined { what, .. } => new(
            ErrorKind::Name,
            match what {
                ObjectKind::Database => "3D000",
                ObjectKind::Schema => "3F000",
                ObjectKind::Column => "42703",
                ObjectKind::Constraint | ObjectKind::Index => "42704",
                _ => "42P01",
            },
        ),
        E::Dependent { dependents, .. } => {
            let error = new(ErrorKind::Constraint, "2BP01");
            error
                .detail(dependents.join("\n"))
                .hint("Use DROP ... CASCADE to drop the dependent objects too.")
        }
        E::Reserved { .. } => new(ErrorKind::Name, "42939"),
        E::Definition(_) => new(ErrorKind::Syntax, "42P16"),
        E::NotImmutable => new(ErrorKind::Syntax, "42P17"),
        E::NotReady(_) => new(ErrorKind::State, "55000"),
        E::ContainsNull { collection, column } => {
            let (table, column) = (Some(collection), Some(column));
            new(ErrorKind::Constraint, "23502").object(ObjectNames {
                table,
                column,
                ..ObjectNames::default()
            })
        }
        E::ContainsCheck { collection, constraint } => {
            let (table, constraint) = (Some(collection), Some(constraint));
            new(ErrorKind::Constraint, "23514").object(ObjectNames {
                table,
                constraint,
                ..ObjectNames::default()
            })
        }
        E::Undeclared { field, collection } => {
            let message = format!("column \"{field}\" of relation \"{collection}\" does not exist");
            Error::new(ErrorKind::Name, "42703", message)
        }
        E::IdDisagrees { .. } | E::KeyChange { .. } => new(ErrorKind::Constraint, "22000"),
        E::Generated { .. } => new(ErrorKind::Syntax, "428C9"),
        E::Limit { .. } => new(ErrorKind::Limit, "54000"),
        E::SequenceEnd { .. } => new(ErrorKind::Limit, "2200H"),
        E::SequenceBounds { .. } => new(ErrorKind::Type, "22003"),
        E::Expression(inner) => match inner.downcast_ref::<Error>() {
            Some(error) => error.clone(),
            None => match inner.downcast_ref::<model::Error>() {
                Some(error) => fault(error.clone()),
                None => Error::internal(inner.to_string()),
            },
        },
        E::Unsupported(what) => Error::unsupported(what),
        E::Corrupt(_) | E::Newer(_) => new(ErrorKind::Internal, "XX001"),
        _ => Error::internal(text),
    }
}

/// An error of the store.
#[cold]
pub fn store(error: transaction::Error) -> Error {
    use transaction::Error as E;
    let text = error.to_string();
    match error {
        E::Conflict => Error::new(
            ErrorKind::Retry,
            "40001",
            "could not serialize access due to read/write dependencies among transactions",
        )
        .hint("The transaction might succeed if retried."),
        E::Deadlock => Error::new(ErrorKind::Retry, "40P01", "deadlock detected"),
        E::LockNotAvailable => {
            Error::new(ErrorKind::Retry, "55P03", "could not obtain lock on row")
        }
        E::LockTimeout => {
            Error::new(ErrorKind::Retry, "55P03", "canceling statement due to lock timeout")
        }
        E::SnapshotTooOld => Error::new(ErrorKind::Retry, "72000", "snapshot too old"),
        E::Unavailable(_) => Error::new(ErrorKind::Retry, "40001", text),
        E::Unknown { .. } => Error::new(ErrorKind::Unknown, "40003", text),
        E::TooLarge { .. } => Error::new(ErrorKind::Limit, "54000", text),
        E::Unsupported(what) => Error::unsupported(what),
        E::Cancelled => {
            Error::new(ErrorKind::Cancelled, "57014", "canceling statement due to user request")
        }
        E::FeedGone { .. } => Error::new(ErrorKind::State, "55000", text),
        E::OutOfSpace => Error::new(ErrorKind::Internal, "53100", text),
        E::Corrupt(_) => Error::new(ErrorKind::Internal, "XX001", text),
        E::Failed(_) => Error::new(ErrorKind::Internal, "58030", text),
        E::Closed => Error::new(ErrorKind::Internal, "57P01", text),
        _ => Error::internal(text),
    }
}

/// An error of a statement that locks rows of a table by name.
#[cold]
pub fn of_lock(error: model::Error, table: &str) -> Error {
    match error {
        model::Error::Store(transaction::Error::LockNotAvailable) => Error::new(
            ErrorKind::Retry,
            "55P03",
            format!("could not obtain lock on row in relation \"{table}\""),
        ),
        other => fault(other),
    }
}

/// 40001: a row to be changed or locked has a version newer than the snapshot.
#[cold]
pub fn concurrent_update() -> Error {
    let message = "could not serialize access due to concurrent update";
    Error::new(ErrorKind::Retry, "40001", message)
}

/// 21000 of ON CONFLICT DO UPDATE.
#[cold]
pub fn proposed_twice() -> Error {
    let message = "ON CONFLICT DO UPDATE command cannot affect row a second time";
    Error::new(ErrorKind::Constraint, "21000", message).hint(
        "Ensure that no rows proposed for insertion within the same command have duplicate \
         constrained values.",
    )
}

fn unique(violation: &UniqueViolation) -> Error {
    let names = violation.elements.join(", ");
    let values: Vec<String> = violation.values.iter().map(shown).collect();
    let values = values.join(", ");
    let (message, detail) = match violation.building {
        false => (
            format!("duplicate key value violates unique constraint \"{}\"", violation.constraint),
            format!("Key ({names})=({values}) already exists."),
        ),
        true => (
            format!("could not create unique index \"{}\"", violation.constraint),
            format!("Key ({names})=({values}) is duplicated."),
        ),
    };
    Error::new(ErrorKind::Constraint, "23505", message).detail(detail).object(ObjectNames {
        schema: Some(violation.schema.clone()),
        table: Some(violation.collection.clone()),
        constraint: Some(violation.constraint.clone()),
        ..ObjectNames::default()
    })
}

fn not_null(violation: &RowViolation) -> Error {
    let message = format!(
        "null value in column \"{}\" of relation \"{}\" violates not-null constraint",
        violation.name, violation.collection
    );
    Error::new(ErrorKind::Constraint, "23502", message).detail(failing(violation)).object(
        ObjectNames {
            schema: Some(violation.schema.clone()),
            table: Some(violation.collection.clone()),
            column: Some(violation.name.clone()),
            ..ObjectNames::default()
        },
    )
}

fn check(violation: &RowViolation) -> Error {
    let message = format!(
        "new row for relation \"{}\" violates check constraint \"{}\"",
        violation.collection, violation.name
    );
    Error::new(ErrorKind::Constraint, "23514", message).detail(failing(violation)).object(
        ObjectNames {
            schema: Some(violation.schema.clone()),
            table: Some(violation.collection.clone()),
            constraint: Some(violation.name.clone()),
            ..ObjectNames::default()
        },
    )
}

/// `Failing row contains (1, null).`; long values are cut at 64 bytes as PostgreSQL does.
fn failing(violation: &RowViolation) -> String {
    let cells: Vec<String> = violation.row.iter().map(|value| cut(shown(value))).collect();
    format!("Failing row contains ({}).", cells.join(", "))
}

fn cut(mut text: String) -> String {
    const LIMIT: usize = 64;
    if text.len() > LIMIT {
        let end = (0..=LIMIT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push_str("...");
    }
    text
}

/// A value as its type's output prints it, in UTC.
fn shown(value: &Value) -> String {
    use value::text::{datetime, float, id, interval};
    match value {
        Value::Null | Value::Undefined => "null".into(),
        Value::Bool(v) => if *v { "t" } else { "f" }.into(),
        Value::Int8(v) => v.to_string(),
        Value::Int16(v) => v.to_string(),
        Value::Int32(v) => v.to_string(),
        Value::Int64(v) => v.to_string(),
        Value::UInt64(v) => v.to_string(),
        Value::Float32(v) => float::format_f32(*v),
        Value::Float64(v) => float::format_f64(*v),
        Value::Decimal(v) => v.to_string(),
        Value::Text(v) => v.clone(),
        Value::Bytes { data, .. } => id::format_bytes(data),
        Value::Date(v) => datetime::format_date(*v),
        Value::Time(v) => datetime::format_time(*v),
        Value::Timestamp(v) => datetime::format_timestamp(*v),
        Value::TimestampTz(v) => datetime::format_timestamp_tz(*v, 0),
        Value::Interval(v) => interval::format(*v),
        Value::Uuid(v) => id::format_uuid(v),
        Value::ObjectId(v) => id::format_object_id(v),
        other => value::json::value_to_string(other, value::json::Style::JSONB),
    }
}
