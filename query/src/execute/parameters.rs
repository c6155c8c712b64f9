//! The parameters of an execution: what the client sent, and the literals that were lifted out of
//! the text.
//!
//! ```text
//!   $1 … $n │ literal 0 … literal m │ applied slots (NULL until their Apply sets them)
//!   datum or text, by its declared type     text by `Lifted`: converted once for each execution
//! ```
//!
//! Everything lies in one batch of one row, which the frame keeps and every cell that borrows from
//! it keeps too.

use std::sync::Arc;

use super::batch::Batch;
use super::run::{Frame, build_row};
use crate::cast::input;
use crate::expression::Session;
use crate::plan::{Lifted, Statement};
use crate::{Arena, Datum, Error, ErrorKind, Result, Type};

/// A value that a client sends for a parameter.
#[derive(Debug, Clone, Copy)]
pub enum Argument<'a> {
    /// NULL.
    Null,
    /// The text form of the parameter's type.
    Text(&'a str),
    /// A datum of the parameter's type.
    Datum(Datum<'a>),
}

/// A literal as it stands in the text, without quotes.
pub type Literal<'a> = &'a str;

/// The frame of an execution.
///
/// `arguments` are the client's parameters, `literals` the texts of all literals by ordinal (those
/// that are not lifted are not looked at).
///
/// # Errors
/// 08P01 for a wrong number of parameters; what the input functions of their types say.
pub fn frame(
    statement: &Statement,
    arguments: &[Argument<'_>],
    literals: &[Literal<'_>],
    session: Arc<dyn Session>,
) -> Result<Frame> {
    let made = session.clone();
    frame_with(
        statement,
        arguments.len(),
        |at, ty, arena| match arguments.get(at) {
            Some(Argument::Text(text)) => input(&*made, ty, text, -1, arena),
            Some(Argument::Datum(datum)) => Ok(arena.copy(datum)),
            Some(Argument::Null) | None => Ok(Datum::Null),
        },
        literals,
        session,
    )
}

/// As [`frame`], of arguments that are made where they stay: `argument` is asked for each of
/// `count`, by number and type.
///
/// # Errors
/// As [`frame`], and what `argument` says.
pub fn frame_with(
    statement: &Statement,
    count: usize,
    argument: impl for<'b> Fn(usize, Type, &'b Arena) -> Result<Datum<'b>>,
    literals: &[Literal<'_>],
    session: Arc<dyn Session>,
) -> Result<Frame> {
    let wanted = statement.parameters.len();
    if count != wanted {
        let message = format!(
            "bind message supplies {count} parameters, but prepared statement requires {wanted}"
        );
        return Err(Error::new(ErrorKind::Syntax, "08P01", message));
    }
    let row = build_row(|writer| row(statement, &argument, literals, &*session, writer.arena()))?;
    Ok(Frame::new(row, session))
}

/// The frame of a statement without parameters or literals.
pub fn empty(statement: &Statement, session: Arc<dyn Session>) -> Result<Frame> {
    frame(statement, &[], &vec![""; statement.lifted.len()], session)
}

fn row<'b>(
    statement: &Statement,
    argument: &impl for<'a> Fn(usize, Type, &'a Arena) -> Result<Datum<'a>>,
    literals: &[Literal<'_>],
    session: &dyn Session,
    arena: &'b Arena,
) -> Result<Vec<Datum<'b>>> {
    let width = statement.parameters.len() + statement.lifted.len() + statement.applied as usize;
    let mut row = Vec::with_capacity(width);
    for (at, ty) in statement.parameters.iter().enumerate() {
        row.push(argument(at, *ty, arena)?);
    }
    for (at, lifted) in statement.lifted.iter().enumerate() {
        row.push(match lifted {
            None => Datum::Null,
            Some(lifted) => {
                let text =
                    literals.get(at).ok_or_else(|| Error::internal("a literal is missing"))?;
                literal(lifted, text, session, arena)?
            }
        });
    }
    row.resize(width, Datum::Null);
    Ok(row)
}

/// The value of a lifted literal.
pub fn literal<'b>(
    lifted: &Lifted,
    text: &str,
    session: &dyn Session,
    arena: &'b Arena,
) -> Result<Datum<'b>> {
    let converted = if lifted.negated {
        let mut signed = String::with_capacity(text.len() + 1);
        signed.push('-');
        signed.push_str(text);
        input(session, lifted.ty, &signed, lifted.modifier, arena)
    } else {
        input(session, lifted.ty, text, lifted.modifier, arena)
    };
    // PostgreSQL applies a modifier after it has read the literal, where no place is known any
    // more.
    converted.map_err(|error| match error.sqlstate {
        "22001" => error,
        "22003" if error.message == "numeric field overflow" => error,
        _ => error.at(lifted.offset),
    })
}

/// The parameters as a batch of one row.
pub fn row_of(frame: &Frame) -> &Arc<Batch> {
    frame.parameters()
}
