//! Inline requests: a line typed into telnet, split by the quoting rules of Redis.
//!
//! ```text
//!   set "a b" 'it\'s' \x   ──▶  set | a b | it's | \x
//!   "..."  \n \r \t \b \a, \xHH, any other escaped byte is itself
//!   '...'  \' only
//!   a quote may open inside a word (ab"c d") but must be followed by a blank or the end
//! ```
//!
//! **Invariants.** The arguments together are never longer than the line. A NUL ends the line, as
//! it ends a C string. Blanks between words are C's `isspace`; only space, LF, CR, tab and NUL end
//! an unquoted word, so a vertical tab may stand inside one.
//!
//! **Rejected.** Borrowing unquoted words from the input: inline requests are typed by hand, one
//! path for all of them is worth more than the copy.

use smallvec::SmallVec;

use super::request::Span;

/// A quote that does not close, or that closes in the middle of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unbalanced;

/// Appends the words of `line` to `words`, their positions to `spans`.
pub(super) fn split(
    line: &[u8],
    words: &mut Vec<u8>,
    spans: &mut SmallVec<[Span; 8]>,
) -> Result<(), Unbalanced> {
    let end = memchr::memchr(0, line).unwrap_or(line.len());
    let mut reader = Reader { line: line.get(..end).unwrap_or_default(), at: 0 };
    while reader.skip_blanks() {
        let start = words.len();
        reader.word(words)?;
        let length = words.len() - start;
        // In range: a line is at most `inline_bytes_max` long.
        spans.push(Span { start: start as u32, length: length as u32 });
    }
    Ok(())
}

/// Splits a line as Redis splits inline requests and lines of its configuration.
///
/// `None` where quotes do not balance.
#[must_use]
pub fn words(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut bytes = Vec::new();
    let mut spans = SmallVec::new();
    split(line, &mut bytes, &mut spans).ok()?;
    let word = |span: &Span| {
        let start = span.start as usize;
        bytes.get(start..start + span.length as usize).unwrap_or_default().to_vec()
    };
    Some(spans.iter().map(word).collect())
}

struct Reader<'a> {
    line: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.line.get(self.at + ahead).copied()
    }

    fn skip_blanks(&mut self) -> bool {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
        self.peek().is_some()
    }

    fn word(&mut self, out: &mut Vec<u8>) -> Result<(), Unbalanced> {
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b' ' | b'\n' | b'\r' | b'\t' => break,
                b'"' => return self.double_quoted(out),
                b'\'' => return self.single_quoted(out),
                other => out.push(other),
            }
        }
        Ok(())
    }

    fn double_quoted(&mut self, out: &mut Vec<u8>) -> Result<(), Unbalanced> {
        loop {
            match self.peek().ok_or(Unbalanced)? {
                b'"' => return self.close(),
                b'\\' => self.escape(out),
                other => {
                    out.push(other);
                    self.at += 1;
                }
            }
        }
    }

    /// A backslash inside double quotes; a backslash at the very end stands for itself.
    fn escape(&mut self, out: &mut Vec<u8>) {
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        if self.peek_at(1) == Some(b'x')
            && let (Some(high), Some(low)) = (digit(self.peek_at(2)), digit(self.peek_at(3)))
        {
            out.push((high * 16 + low) as u8);
            self.at += 4;
            return;
        }
        let Some(byte) = self.peek_at(1) else {
            out.push(b'\\');
            self.at += 1;
            return;
        };
        out.push(match byte {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' => 8,
            b'a' => 7,
            other => other,
        });
        self.at += 2;
    }

    fn single_quoted(&mut self, out: &mut Vec<u8>) -> Result<(), Unbalanced> {
        loop {
            match self.peek().ok_or(Unbalanced)? {
                b'\'' => return self.close(),
                b'\\' if self.peek_at(1) == Some(b'\'') => {
                    out.push(b'\'');
                    self.at += 2;
                }
                other => {
                    out.push(other);
                    self.at += 1;
                }
            }
        }
    }

    fn close(&mut self) -> Result<(), Unbalanced> {
        self.at += 1;
        match self.peek() {
            Some(next) if !is_space(next) => Err(Unbalanced),
            _ => Ok(()),
        }
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}
