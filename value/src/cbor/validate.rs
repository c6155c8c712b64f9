//! The one full check of bytes, where they enter.
//!
//! One pass with an explicit stack of the containers that are open:
//!
//! ```text
//!   stack   [ map: 3 entries left ][ array: 7 items left ][ map: 1 left, value due ]
//!   keys    a b c                                          x y        (offsets, one flat list)
//! ```
//!
//! When a map closes, its keys are sorted and neighbours compared, then they leave the list:
//! duplicate keys cost n log n and no hash table that chosen keys could slow down. (Sorting by a
//! hash first was measured and gains nothing at 20 fields.)
//!
//! Whatever passes is what [`super::Raw`] reads: leaves are checked by the very code that decodes
//! them. Limits bound length, depth and the number of items a damaged or hostile count may claim.

use super::{ARRAY, Head, Item, MAP, Raw, SIMPLE, TAG, TEXT, UNSIGNED, head};
use crate::MAX_DEPTH;

/// What [`validate`] allows.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Nesting of documents and arrays; capped by [`MAX_DEPTH`].
    pub depth_max: usize,
    /// Bytes of the whole item.
    pub len_max: usize,
    /// Whether the outermost map may have column ids as keys.
    pub column_ids: bool,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { depth_max: 200, len_max: 64 << 20, column_ids: true }
    }
}

/// Where bytes are invalid, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {offset}")]
pub struct Error {
    /// The first byte of the offending item or key.
    pub offset: usize,
    /// What is wrong with it.
    pub kind: ErrorKind,
}

/// What can be wrong with bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ErrorKind {
    /// The bytes end within an item, or a length or count exceeds them.
    #[error("item reaches beyond the end")]
    Truncated,
    /// Bytes follow the item.
    #[error("bytes after the item")]
    Trailing,
    /// More bytes than allowed.
    #[error("item too long")]
    TooLong,
    /// Nested more deeply than allowed.
    #[error("nested too deeply")]
    TooDeep,
    /// Indefinite length.
    #[error("indefinite length")]
    Indefinite,
    /// A reserved head, a half float or an unknown simple value.
    #[error("unsupported head")]
    Head,
    /// An integer below -2^63.
    #[error("integer out of range")]
    Integer,
    /// Text that is not UTF-8.
    #[error("text is not UTF-8")]
    Utf8,
    /// A tag that this format does not have.
    #[error("unknown tag")]
    UnknownTag,
    /// Content that does not belong under its tag.
    #[error("wrong content of a tag")]
    TagContent,
    /// A key that is neither text nor a column id, or is not written shortest.
    #[error("invalid key")]
    Key,
    /// The same key twice in one map.
    #[error("duplicate key")]
    DuplicateKey,
}

struct Frame {
    is_map: bool,
    /// Items, or entries, that have not begun.
    left: u64,
    /// Where this map's keys begin in the list of keys.
    keys_from: usize,
}

struct Validator<'a> {
    bytes: &'a [u8],
    limits: Limits,
    at: usize,
    stack: Vec<Frame>,
    /// Offset and end of each key of the open maps.
    keys: Vec<(usize, usize)>,
}

/// Checks that `bytes` are exactly one item of the format within `limits`.
///
/// # Errors
/// The first offence.
pub fn validate(bytes: &[u8], limits: &Limits) -> Result<(), Error> {
    if bytes.len() > limits.len_max {
        return Err(Error { offset: limits.len_max, kind: ErrorKind::TooLong });
    }
    let mut limits = *limits;
    limits.depth_max = limits.depth_max.min(MAX_DEPTH);
    let mut validator = Validator { bytes, limits, at: 0, stack: Vec::new(), keys: Vec::new() };
    validator.item()?;
    while validator.step()? {}
    match validator.at == bytes.len() {
        true => Ok(()),
        false => Err(validator.error(ErrorKind::Trailing)),
    }
}

impl Validator<'_> {
    fn error(&self, kind: ErrorKind) -> Error {
        Error { offset: self.at, kind }
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// The next item of the innermost container, or its end. False when none is open.
    fn step(&mut self) -> Result<bool, Error> {
        let Some(frame) = self.stack.last_mut() else { return Ok(false) };
        if frame.left == 0 {
            let (is_map, keys_from) = (frame.is_map, frame.keys_from);
            self.stack.pop();
            if is_map {
                self.end_map(keys_from)?;
            }
            return Ok(true);
        }
        frame.left -= 1;
        if frame.is_map {
            self.key()?;
        }
        self.item()?;
        Ok(true)
    }

    fn checked_head(&self) -> Result<Head, Error> {
        let rest = self.rest();
        head(rest).ok_or_else(|| {
            let first = rest.first().copied().unwrap_or(0);
            self.error(match first & 0x1f {
                28..=30 => ErrorKind::Head,
                31 if first >> 5 <= TAG => ErrorKind::Indefinite,
                31 => ErrorKind::Head,
                _ => ErrorKind::Truncated,
            })
        })
    }

    /// The content's length as declared, if the bytes can hold it at `unit` bytes each.
    fn fitting(&self, head: Head, unit: u64) -> Result<u64, Error> {
        let room = (self.rest().len() - head.len) as u64;
        match head.argument.checked_mul(unit) {
            Some(need) if need <= room => Ok(head.argument),
            _ => Err(self.error(ErrorKind::Truncated)),
        }
    }

    fn item(&mut self) -> Result<(), Error> {
        let head = self.checked_head()?;
        match head.major {
            ARRAY => {
                let left = self.fitting(head, 1)?;
                self.open(false, left, head.len)
            }
            MAP => {
                let left = self.fitting(head, 2)?;
                self.open(true, left, head.len)
            }
            _ => self.leaf(head),
        }
    }

    fn open(&mut self, is_map: bool, left: u64, head_len: usize) -> Result<(), Error> {
        if self.stack.len() >= self.limits.depth_max {
            return Err(self.error(ErrorKind::TooDeep));
        }
        self.at += head_len;
        self.stack.push(Frame { is_map, left, keys_from: self.keys.len() });
        Ok(())
    }

    /// Anything but arrays and documents; a code's scope is opened as a document.
    fn leaf(&mut self, head: Head) -> Result<(), Error> {
        if matches!(head.major, super::BYTES | TEXT) {
            self.fitting(head, 1)?;
        }
        let (scope, len) = match Raw::new(self.rest()).item_and_len() {
            Ok((Item::Code { scope, .. }, len)) => (scope.is_some(), len),
            Ok((_, len)) => (false, len),
            Err(_) => return Err(self.error(self.offence(head))),
        };
        self.at += len;
        if scope { self.item() } else { Ok(()) }
    }

    /// Why a leaf was refused.
    fn offence(&self, head: Head) -> ErrorKind {
        match head.major {
            UNSIGNED | super::NEGATIVE => ErrorKind::Integer,
            TEXT => ErrorKind::Utf8,
            SIMPLE => ErrorKind::Head,
            TAG if Raw::new(self.rest()).kind().is_none() => ErrorKind::UnknownTag,
            TAG => match super::item_len(self.rest()) {
                None => ErrorKind::Truncated,
                Some(_) => ErrorKind::TagContent,
            },
            _ => ErrorKind::Truncated,
        }
    }

    fn key(&mut self) -> Result<(), Error> {
        let head = self.checked_head()?;
        let len = match head.major {
            _ if !head.is_shortest() => return Err(self.error(ErrorKind::Key)),
            UNSIGNED if self.ids_allowed() && head.argument <= u32::MAX.into() => head.len,
            TEXT => {
                let len = head.len + self.fitting(head, 1)? as usize;
                let text = self.rest().get(head.len..len).unwrap_or_default();
                if std::str::from_utf8(text).is_err() {
                    return Err(self.error(ErrorKind::Utf8));
                }
                len
            }
            _ => return Err(self.error(ErrorKind::Key)),
        };
        self.keys.push((self.at, self.at + len));
        self.at += len;
        Ok(())
    }

    fn ids_allowed(&self) -> bool {
        self.limits.column_ids && self.stack.len() == 1
    }

    fn end_map(&mut self, keys_from: usize) -> Result<(), Error> {
        let bytes = self.bytes;
        let text = |&(from, to): &(usize, usize)| bytes.get(from..to);
        let keys = self.keys.get_mut(keys_from..).unwrap_or_default();
        keys.sort_unstable_by_key(|key| (text(key), key.0));
        let duplicate = keys.windows(2).find_map(|pair| match pair {
            [a, b] if text(a) == text(b) => Some(b.0),
            _ => None,
        });
        self.keys.truncate(keys_from);
        match duplicate {
            Some(offset) => Err(Error { offset, kind: ErrorKind::DuplicateKey }),
            None => Ok(()),
        }
    }
}
