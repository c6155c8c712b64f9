//! What a client sends after startup: frames, and the messages in them, borrowed.
//!
//! ```text
//!   Bind   portal\0 statement\0 | n formats, n × u16 | n values, n × (length i32, bytes) | formats
//!                                  └ 0, 1 or one for each        └ -1 is NULL            └ results
//! ```
//!
//! **Invariants.** [`Frontend::parse`] walks the whole body once and refuses what does not add up;
//! the iterators it hands out walk checked bytes and cannot fail. A format list is never indexed by
//! a number of ours: [`Formats::of`] answers for any column. Names and statements are UTF-8.
//!
//! **Rejected.** Vectors of parameters and formats: most statements have few and all are read once,
//! in order.

use crate::limits::PostgresLimits;
use crate::postgres::error::{FrameError, MessageError, NotUtf8};

use super::cursor::Cursor;

/// Which frames may come now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The server asked who the client is.
    Authentication,
    /// Everything after that.
    Session,
}

/// A whole frame: its type and body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The type byte.
    pub kind: u8,
    /// What follows the length word.
    pub body: &'a [u8],
}

impl Frame<'_> {
    /// Bytes of the whole frame.
    #[must_use]
    pub fn length(&self) -> usize {
        self.body.len() + 5
    }
}

/// The first frame of `input`, or `None` if bytes are missing.
///
/// # Errors
/// A type or a length that no client sends in this phase. The stream cannot be read further.
pub fn frame<'a>(
    input: &'a [u8],
    phase: Phase,
    limits: &PostgresLimits,
) -> Result<Option<Frame<'a>>, FrameError> {
    let Some((&kind, rest)) = input.split_first() else { return Ok(None) };
    let max = length_max(kind, phase, limits)?;
    let Some((length, body)) = rest.split_first_chunk() else { return Ok(None) };
    let length = u32::from_be_bytes(*length);
    if length < 4 || length > max {
        return Err(FrameError::Length);
    }
    Ok(body.get(..length as usize - 4).map(|body| Frame { kind, body }))
}

/// How many bytes of `input` make its first frame, once five are there: a hint, not to be reserved.
#[must_use]
pub fn wanted(input: &[u8]) -> Option<usize> {
    let length = input.get(1..5)?.try_into().ok()?;
    usize::try_from(u32::from_be_bytes(length)).ok()?.checked_add(1)
}

fn length_max(kind: u8, phase: Phase, limits: &PostgresLimits) -> Result<u32, FrameError> {
    match (phase, kind) {
        (Phase::Authentication, b'p') => Ok(limits.authentication_bytes_max),
        (Phase::Authentication, other) => Err(FrameError::NotPassword(other)),
        (_, b'Q' | b'F' | b'B' | b'P' | b'd') => Ok(limits.message_bytes_max),
        (_, b'X' | b'C' | b'D' | b'E' | b'H' | b'S' | b'c' | b'f') => {
            Ok(limits.small_message_bytes_max)
        }
        (_, other) => Err(FrameError::Type(other)),
    }
}

/// Text or binary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Characters, as psql shows them.
    #[default]
    Text,
    /// Bytes, as the type's `send` function makes them.
    Binary,
}

impl Format {
    /// Its number on the wire.
    #[must_use]
    pub fn code(self) -> u16 {
        self as u16
    }

    fn from_code(code: u16) -> Result<Self, MessageError> {
        match code {
            0 => Ok(Self::Text),
            1 => Ok(Self::Binary),
            other => Err(MessageError::Format(other)),
        }
    }
}

/// Format codes as sent: none (all text), one (for all), or one for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Formats<'a>(&'a [u8]);

impl<'a> Formats<'a> {
    /// Text for everything, as in the simple protocol.
    pub const TEXT: Formats<'static> = Formats(&[]);

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, MessageError> {
        let count = cursor.u16()?;
        let codes = cursor.bytes(usize::from(count) * 2)?;
        let mut each = Cursor(codes);
        for _ in 0..count {
            Format::from_code(each.u16()?)?;
        }
        Ok(Self(codes))
    }

    /// How many codes were sent.
    #[must_use]
    pub fn count(&self) -> u16 {
        (self.0.len() / 2) as u16
    }

    /// The format of the value or column at `index`.
    #[must_use]
    pub fn of(&self, index: usize) -> Format {
        let index = if self.0.len() == 2 { 0 } else { index };
        match self.0.get(index * 2 + 1) {
            Some(1) => Format::Binary,
            _ => Format::Text,
        }
    }

    /// Whether the codes fit a result of so many columns.
    ///
    /// # Errors
    /// More than one code, and not one for each column.
    pub fn check_columns(&self, columns: usize) -> Result<(), MessageError> {
        let formats = self.count();
        match formats > 1 && usize::from(formats) != columns {
            true => Err(MessageError::ResultFormats { formats, columns }),
            false => Ok(()),
        }
    }
}

/// Values as sent, in order; `None` is NULL.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    left: u16,
    bytes: Cursor<'a>,
}

impl PartialEq for Values<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.left == other.left && self.bytes.0 == other.bytes.0
    }
}

impl<'a> Values<'a> {
    fn read(cursor: &mut Cursor<'a>, left: u16) -> Result<Self, MessageError> {
        let begin = cursor.0;
        for _ in 0..left {
            cursor.value()?;
        }
        let bytes = begin.get(..begin.len() - cursor.0.len()).unwrap_or_default();
        Ok(Self { left, bytes: Cursor(bytes) })
    }
}

impl<'a> Iterator for Values<'a> {
    type Item = Option<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        self.bytes.value().ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left.into(), Some(self.left.into()))
    }
}

impl ExactSizeIterator for Values<'_> {}

/// Type numbers as sent; 0 means "find out".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeOids<'a>(&'a [u8]);

impl TypeOids<'_> {
    /// How many were sent; parameters beyond have no declared type.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len() / 4
    }

    /// All of them in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.chunks_exact(4).filter_map(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes)
    }
}

/// What Describe and Close speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A prepared statement.
    Statement,
    /// A portal.
    Portal,
}

/// The parts of Bind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bind<'a> {
    /// The portal to make; empty for the unnamed one.
    pub portal: &'a str,
    /// The prepared statement; empty for the unnamed one.
    pub statement: &'a str,
    /// Formats of the values.
    pub formats: Formats<'a>,
    /// The values.
    pub values: Values<'a>,
    /// Formats that the result shall have; see [`Formats::check_columns`].
    pub results: Formats<'a>,
}

/// A message from the client.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Frontend<'a> {
    /// `Q`: run this text.
    Query(&'a str),
    /// `P`: prepare.
    Parse {
        /// Its name; empty for the unnamed statement.
        statement: &'a str,
        /// One statement.
        query: &'a str,
        /// Declared types of its first parameters.
        types: TypeOids<'a>,
    },
    /// `B`: give a prepared statement its values.
    Bind(Bind<'a>),
    /// `D`: what does it return?
    Describe(Target, &'a str),
    /// `E`: run a portal.
    Execute {
        /// The portal's name.
        portal: &'a str,
        /// At most so many rows; 0 or less: all.
        rows_max: i32,
    },
    /// `C`: forget it.
    Close(Target, &'a str),
    /// `S`: end of an extended query.
    Sync,
    /// `H`: send what there is.
    Flush,
    /// `X`: goodbye.
    Terminate,
    /// `d`: a piece of COPY data, cut anywhere.
    CopyData(&'a [u8]),
    /// `c`: the COPY data is over.
    CopyDone,
    /// `f`: the client gives up the COPY, and why.
    CopyFail(&'a str),
    /// `p`: an answer to an authentication request: [`password`], [`sasl_initial`], or raw.
    Authentication(&'a [u8]),
    /// `F`: call a function by its number.
    FunctionCall {
        /// The function.
        function: u32,
        /// Formats of the arguments.
        formats: Formats<'a>,
        /// The arguments.
        values: Values<'a>,
        /// Format of the answer.
        result: Format,
    },
}

impl<'a> Frontend<'a> {
    /// The message in a frame.
    ///
    /// # Errors
    /// The body does not add up, or holds no UTF-8 where text must be. The frame can be skipped.
    pub fn parse(frame: &Frame<'a>) -> Result<Self, MessageError> {
        let mut body = Cursor(frame.body);
        let message = match frame.kind {
            b'Q' => Self::Query(body.string()?),
            b'P' => Self::parse_parse(&mut body)?,
            b'B' => Self::Bind(Bind::parse(&mut body)?),
            b'D' => {
                let kind = target(&mut body, MessageError::DescribeKind)?;
                Self::Describe(kind, body.string()?)
            }
            b'C' => {
                let kind = target(&mut body, MessageError::CloseKind)?;
                Self::Close(kind, body.string()?)
            }
            b'E' => Self::Execute { portal: body.string()?, rows_max: body.i32()? },
            b'S' => Self::Sync,
            b'H' => Self::Flush,
            b'F' => Self::parse_call(&mut body)?,
            b'f' => Self::CopyFail(body.string()?),
            // These end without a check of their body, as in PostgreSQL.
            b'X' => return Ok(Self::Terminate),
            b'd' => return Ok(Self::CopyData(frame.body)),
            b'c' => return Ok(Self::CopyDone),
            b'p' => return Ok(Self::Authentication(frame.body)),
            // `frame` gives no other kind.
            _ => return Err(MessageError::TrailingData),
        };
        body.end()?;
        Ok(message)
    }

    fn parse_parse(body: &mut Cursor<'a>) -> Result<Self, MessageError> {
        let (statement, query) = (body.string()?, body.string()?);
        let count = body.u16()?;
        Ok(Self::Parse { statement, query, types: TypeOids(body.bytes(usize::from(count) * 4)?) })
    }

    fn parse_call(body: &mut Cursor<'a>) -> Result<Self, MessageError> {
        let function = body.u32()?;
        let formats = Formats::read(body)?;
        let values = values(body, &formats)?;
        let result = Format::from_code(body.u16()?)?;
        Ok(Self::FunctionCall { function, formats, values, result })
    }
}

impl<'a> Bind<'a> {
    fn parse(body: &mut Cursor<'a>) -> Result<Self, MessageError> {
        let (portal, statement) = (body.string()?, body.string()?);
        let formats = Formats::read(body)?;
        let values = values(body, &formats)?;
        Ok(Self { portal, statement, formats, values, results: Formats::read(body)? })
    }
}

fn values<'a>(body: &mut Cursor<'a>, formats: &Formats<'_>) -> Result<Values<'a>, MessageError> {
    let parameters = body.u16()?;
    let formats = formats.count();
    if formats > 1 && formats != parameters {
        return Err(MessageError::ParameterFormats { formats, parameters });
    }
    Values::read(body, parameters)
}

fn target(
    body: &mut Cursor<'_>,
    error: impl FnOnce(u8) -> MessageError,
) -> Result<Target, MessageError> {
    match body.byte()? {
        b'S' => Ok(Target::Statement),
        b'P' => Ok(Target::Portal),
        other => Err(error(other)),
    }
}

/// The password in an authentication answer.
///
/// # Errors
/// It has no end, or bytes follow it, or it is not UTF-8.
pub fn password(body: &[u8]) -> Result<&str, MessageError> {
    let mut body = Cursor(body);
    let password = body.string()?;
    body.end()?;
    Ok(password)
}

/// The mechanism and the first response in an answer to AuthenticationSASL.
///
/// # Errors
/// The body does not add up.
pub fn sasl_initial(body: &[u8]) -> Result<(&str, Option<&[u8]>), MessageError> {
    let mut body = Cursor(body);
    let mechanism = body.string()?;
    let response = body.value()?;
    body.end()?;
    Ok((mechanism, response))
}

/// Checks that a text value is UTF-8 without NUL.
///
/// # Errors
/// As PostgreSQL words it; see [`MessageError::Text`].
pub fn text(bytes: &[u8]) -> Result<&str, MessageError> {
    NotUtf8::check(bytes).map_err(MessageError::Text)
}
