//! COPY FROM: one line taken apart into fields, escapes resolved.
//!
//! ```text
//!   text   \b \f \n \r \t \v   \ooo (1–3 octal digits)   \xHH (1–2)   \c is c
//!   csv    "…" anywhere in a field; inside, ESCAPE before QUOTE or ESCAPE makes it plain
//! ```
//!
//! **Invariants.** NULL is recognised by the field's raw text, before escapes; in CSV only where
//! nothing was quoted. A field is never longer than its raw text. Fields are UTF-8.

use super::options::{CopyOptions, Csv};
use super::{CopyError, Quoted};
use crate::postgres::error::NotUtf8;

/// The fields of a line; reused from line to line.
#[derive(Debug, Default)]
pub(super) struct Fields {
    bytes: Vec<u8>,
    /// End of each field in `bytes`, and whether it is NULL.
    ends: Vec<(usize, bool)>,
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct CopyRow<'a> {
    fields: &'a Fields,
}

impl<'a> CopyRow<'a> {
    pub(super) fn new(fields: &'a Fields) -> Self {
        Self { fields }
    }

    /// How many fields it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.ends.len()
    }

    /// Whether it has none: an empty line where there are no columns.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.ends.is_empty()
    }

    /// The field at `index`: `None` where there is none, `Some(None)` for NULL.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Option<&'a str>> {
        let (end, null) = *self.fields.ends.get(index)?;
        if null {
            return Some(None);
        }
        let start = index.checked_sub(1).and_then(|before| self.fields.ends.get(before));
        let bytes = self.fields.bytes.get(start.map_or(0, |(end, _)| *end)..end)?;
        Some(Some(std::str::from_utf8(bytes).unwrap_or_default()))
    }

    /// All fields in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<&'a str>> + use<'a> {
        let row = *self;
        (0..row.len()).map(move |index| row.get(index).flatten())
    }

    /// Whether there are as many fields as columns.
    ///
    /// # Errors
    /// There are not; the first missing column is that at [`CopyRow::len`].
    pub fn check_columns(&self, columns: usize) -> Result<(), CopyError> {
        // An empty line is one empty field, or none where there are no columns.
        match self.len().cmp(&columns) {
            std::cmp::Ordering::Less => Err(CopyError::MissingData),
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Greater if columns == 0 && self.get(0) == Some(Some("")) => Ok(()),
            std::cmp::Ordering::Greater => Err(CopyError::ExtraData),
        }
    }
}

impl Fields {
    fn end(&mut self, null: bool) -> Result<(), CopyError> {
        let start = self.ends.last().map_or(0, |(end, _)| *end);
        if null {
            self.bytes.truncate(start);
        }
        let field = self.bytes.get(start..).unwrap_or_default();
        NotUtf8::check(field).map_err(CopyError::Text)?;
        self.ends.push((self.bytes.len(), null));
        Ok(())
    }
}

/// Takes `line` apart into `fields`.
pub(super) fn split(
    line: &[u8],
    options: &CopyOptions,
    fields: &mut Fields,
) -> Result<(), CopyError> {
    fields.bytes.clear();
    fields.ends.clear();
    match &options.csv {
        None => split_text(line, options, fields),
        Some(csv) => split_csv(line, options, csv, fields),
    }
}

fn split_text(line: &[u8], options: &CopyOptions, fields: &mut Fields) -> Result<(), CopyError> {
    let mut rest = line;
    let mut raw = 0;
    loop {
        match rest.split_first() {
            None => {
                return fields.end(line.get(raw..) == Some(&options.null));
            }
            Some((b'\\', tail)) => rest = unescape(tail, &mut fields.bytes),
            Some((byte, tail)) if *byte == options.delimiter => {
                let end = line.len() - rest.len();
                fields.end(line.get(raw..end) == Some(&options.null))?;
                raw = end + 1;
                rest = tail;
            }
            Some((byte, tail)) => {
                fields.bytes.push(*byte);
                rest = tail;
            }
        }
    }
}

/// Resolves what follows a backslash; gives what follows that.
fn unescape<'l>(rest: &'l [u8], out: &mut Vec<u8>) -> &'l [u8] {
    // A backslash at the very end of the data stands for nothing, as in PostgreSQL.
    let Some((byte, tail)) = rest.split_first() else { return rest };
    match byte {
        b'b' => out.push(8),
        b'f' => out.push(12),
        b'n' => out.push(b'\n'),
        b'r' => out.push(b'\r'),
        b't' => out.push(b'\t'),
        b'v' => out.push(11),
        b'0'..=b'7' => return digits(rest, 8, 3, out),
        b'x' if tail.first().is_some_and(u8::is_ascii_hexdigit) => {
            return digits(tail, 16, 2, out);
        }
        other => out.push(*other),
    }
    tail
}

fn digits<'l>(rest: &'l [u8], radix: u32, max: usize, out: &mut Vec<u8>) -> &'l [u8] {
    let mut value = 0;
    let mut used = 0;
    let digit = |byte: &u8| char::from(*byte).to_digit(radix);
    while let Some(digit) = rest.get(used).filter(|_| used < max).and_then(digit) {
        value = value * radix + digit;
        used += 1;
    }
    out.push(value as u8);
    rest.get(used..).unwrap_or_default()
}

fn split_csv(
    line: &[u8],
    options: &CopyOptions,
    csv: &Csv,
    fields: &mut Fields,
) -> Result<(), CopyError> {
    let mut at = 0;
    let mut raw = 0;
    let (mut inside, mut quoted) = (false, false);
    loop {
        let byte = line.get(at).copied();
        match byte {
            None if inside => return Err(CopyError::UnterminatedQuote),
            None => return end_csv(line.get(raw..at), quoted, options, csv, fields),
            Some(byte) if inside && byte == csv.escape && escapes(line.get(at + 1), csv) => {
                fields.bytes.extend(line.get(at + 1));
                at += 1;
            }
            Some(byte) if byte == csv.quote => {
                inside = !inside;
                quoted = true;
            }
            Some(byte) if !inside && byte == options.delimiter => {
                end_csv(line.get(raw..at), quoted, options, csv, fields)?;
                raw = at + 1;
                quoted = false;
            }
            Some(byte) => fields.bytes.push(byte),
        }
        at += 1;
    }
}

fn escapes(next: Option<&u8>, csv: &Csv) -> bool {
    next.is_some_and(|next| *next == csv.escape || *next == csv.quote)
}

fn end_csv(
    raw: Option<&[u8]>,
    quoted: bool,
    options: &CopyOptions,
    csv: &Csv,
    fields: &mut Fields,
) -> Result<(), CopyError> {
    let index = fields.ends.len();
    let is_null_text = raw == Some(&options.null);
    // FORCE_NULL compares what is inside the quotes.
    let start = fields.ends.last().map_or(0, |(end, _)| *end);
    let inner = fields.bytes.get(start..) == Some(&options.null);
    let forced = csv.force_null != Quoted::None && csv.force_null.has(index) && quoted && inner;
    let null = (is_null_text && !quoted && !csv.force_not_null.has(index)) || forced;
    fields.end(null)
}
