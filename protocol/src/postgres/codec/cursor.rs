//! A reader of one message's body: every step checked, errors in PostgreSQL's words.
//!
//! ```text
//!   byte, u16, i32   NoData when the body is over, InsufficientData when it is over in the middle
//!   string           up to the next NUL, UTF-8
//!   bytes(n)         exactly n
//!   end              nothing may be left
//! ```
//!
//! **Invariant.** What was read is never looked at again. **Rejected.** `bytes::Buf`: it panics.

use memchr::memchr;

use crate::postgres::error::{MessageError, NotUtf8};

/// What is left of a body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], MessageError> {
        let (head, rest) = self.0.split_at_checked(count).ok_or(MessageError::InsufficientData)?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], MessageError> {
        let (head, rest) = self.0.split_first_chunk().ok_or(MessageError::InsufficientData)?;
        self.0 = rest;
        Ok(*head)
    }

    pub(super) fn byte(&mut self) -> Result<u8, MessageError> {
        let (byte, rest) = self.0.split_first().ok_or(MessageError::NoData)?;
        self.0 = rest;
        Ok(*byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, MessageError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn i32(&mut self) -> Result<i32, MessageError> {
        self.array().map(i32::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, MessageError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn string(&mut self) -> Result<&'a str, MessageError> {
        let end = memchr(0, self.0).ok_or(MessageError::UnterminatedString)?;
        let text = self.bytes(end)?;
        self.byte()?;
        NotUtf8::check(text).map_err(MessageError::Text)
    }

    /// A length word, then so many bytes; -1 is NULL.
    pub(super) fn value(&mut self) -> Result<Option<&'a [u8]>, MessageError> {
        match self.i32()? {
            -1 => Ok(None),
            length => {
                let length = usize::try_from(length).map_err(|_| MessageError::InsufficientData)?;
                self.bytes(length).map(Some)
            }
        }
    }

    pub(super) fn end(self) -> Result<(), MessageError> {
        if self.0.is_empty() { Ok(()) } else { Err(MessageError::TrailingData) }
    }
}
