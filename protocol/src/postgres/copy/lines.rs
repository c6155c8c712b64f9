//! COPY FROM: where a row ends, in data that arrives in pieces.
//!
//! ```text
//!   pending |…a row is cut here   push ──▶  pending |…a row is cut here, and its end\nnext row
//!                     ▲ scanned                                        └ found ▲
//! ```
//!
//! A byte is scanned once: the scan remembers its place and (in CSV) whether it is inside quotes.
//! A carriage return or backslash at the very end waits for the byte after it.
//!
//! **Invariants.** Rows do not depend on how the data was cut. After `\.` nothing is read. The
//! first line's end fixes what a line end is.
//!
//! **Rejected.** Splitting each message and joining the pieces of cut lines: two paths for one
//! thing, and the rare one would hold the mistakes.

use memchr::memchr3;

use super::CopyError;
use super::fields::{CopyRow, Fields, split};
use super::options::CopyOptions;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LineEnd {
    Feed,
    Return,
    Both,
}

/// Gathers COPY data and gives its rows.
#[derive(Debug)]
pub struct CopyReader {
    options: CopyOptions,
    line_bytes_max: usize,
    data: Vec<u8>,
    /// Bytes of `data` that belong to rows already given.
    start: usize,
    /// Where the scan for the next line end goes on.
    scanned: usize,
    quoted: bool,
    escaped: bool,
    line_end: Option<LineEnd>,
    line: u64,
    skip_header: bool,
    ended: bool,
    finished: bool,
    fields: Fields,
}

/// One line found in `data`: where its text ends and where the next begins.
struct Line {
    end: usize,
    next: usize,
}

/// What one step of the scan found.
enum Step {
    /// Nothing: go on at this place.
    On(usize),
    /// More bytes are needed to tell.
    Wait,
    Line(Line),
    /// `\.`: the data ends, the line before it begins at the line's start and ends here.
    End(usize),
}

impl CopyReader {
    /// A reader of rows that look so; a line longer than `line_bytes_max` is an error.
    #[must_use]
    pub fn new(options: CopyOptions, line_bytes_max: u32) -> Self {
        Self {
            skip_header: options.header,
            options,
            line_bytes_max: line_bytes_max as usize,
            data: Vec::new(),
            start: 0,
            scanned: 0,
            quoted: false,
            escaped: false,
            line_end: None,
            line: 0,
            ended: false,
            finished: false,
            fields: Fields::default(),
        }
    }

    /// Adds a piece of data (one CopyData message).
    pub fn push(&mut self, piece: &[u8]) {
        if self.ended {
            return;
        }
        self.data.drain(..self.start);
        self.scanned -= self.start;
        self.start = 0;
        self.data.extend_from_slice(piece);
    }

    /// Says that no more data comes: what is left is the last line.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// The number of the line last read, from 1; for messages.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The next row, or `None` if more data is needed (after [`CopyReader::finish`]: none is left).
    ///
    /// # Errors
    /// The data does not read. No row can be read after that.
    pub fn next_row(&mut self) -> Result<Option<CopyRow<'_>>, CopyError> {
        loop {
            let Some((start, end)) = self.next_line()? else { return Ok(None) };
            self.line += 1;
            if std::mem::take(&mut self.skip_header) {
                continue;
            }
            let line = self.data.get(start..end).unwrap_or_default();
            split(line, &self.options, &mut self.fields)?;
            return Ok(Some(CopyRow::new(&self.fields)));
        }
    }

    fn next_line(&mut self) -> Result<Option<(usize, usize)>, CopyError> {
        if self.ended {
            return Ok(None);
        }
        loop {
            if self.scanned - self.start > self.line_bytes_max {
                return Err(CopyError::LineTooLong);
            }
            match self.step()? {
                Step::On(place) => self.scanned = place,
                Step::Wait if self.finished => return self.last_line(),
                Step::Wait => return Ok(None),
                Step::Line(line) => {
                    let start = self.start;
                    self.start = line.next;
                    self.scanned = line.next;
                    return Ok(Some((start, line.end)));
                }
                Step::End(end) => {
                    self.ended = true;
                    return Ok((end > self.start).then_some((self.start, end)));
                }
            }
        }
    }

    fn last_line(&mut self) -> Result<Option<(usize, usize)>, CopyError> {
        self.ended = true;
        if self.quoted {
            return Err(CopyError::UnterminatedQuote);
        }
        let end = self.data.len();
        Ok((end > self.start).then_some((self.start, end)))
    }

    fn step(&mut self) -> Result<Step, CopyError> {
        match self.options.csv.as_ref().map(|csv| (csv.quote, csv.escape)) {
            None => self.step_text(),
            Some((quote, escape)) => self.step_csv(quote, escape),
        }
    }

    fn step_text(&mut self) -> Result<Step, CopyError> {
        let rest = self.data.get(self.scanned..).unwrap_or_default();
        let Some(found) = memchr3(b'\n', b'\r', b'\\', rest) else {
            self.scanned = self.data.len();
            return Ok(Step::Wait);
        };
        let at = self.scanned + found;
        self.scanned = at;
        match (self.data.get(at), self.data.get(at + 1)) {
            (Some(b'\\'), None) if self.finished => Ok(Step::On(at + 1)),
            (Some(b'\\'), None) => Ok(Step::Wait),
            (Some(b'\\'), Some(b'.')) => self.end_marker(at),
            // An escaped line end is data; so is whatever else is escaped.
            (Some(b'\\'), Some(_)) => Ok(Step::On(at + 2)),
            _ => self.line_end(at),
        }
    }

    fn step_csv(&mut self, quote: u8, escape: u8) -> Result<Step, CopyError> {
        let marker = self.data.get(self.start..).unwrap_or_default();
        if self.scanned == self.start && !self.quoted && marker.first() == Some(&b'\\') {
            match marker.get(1) {
                None if !self.finished => return Ok(Step::Wait),
                Some(b'.') => return self.end_marker_csv(),
                _ => {}
            }
        }
        let mut at = self.scanned;
        while let Some(&byte) = self.data.get(at) {
            if matches!(byte, b'\n' | b'\r') && !self.quoted {
                self.scanned = at;
                return self.line_end(at);
            }
            // An escape that is the quote itself needs no memory: two quotes leave and enter.
            if self.quoted && byte == escape && escape != quote {
                self.escaped = !self.escaped;
            }
            if byte == quote && !self.escaped {
                self.quoted = !self.quoted;
            }
            if byte != escape || escape == quote {
                self.escaped = false;
            }
            at += 1;
        }
        self.scanned = at;
        Ok(Step::Wait)
    }

    /// A CR or LF at `at` that is no data: a line end, or a mistake.
    fn line_end(&mut self, at: usize) -> Result<Step, CopyError> {
        let csv = self.options.csv.is_some();
        let line = |length| Ok(Step::Line(Line { end: at, next: at + length }));
        if self.data.get(at) == Some(&b'\n') {
            return match self.line_end {
                None | Some(LineEnd::Feed) => {
                    self.line_end = Some(LineEnd::Feed);
                    line(1)
                }
                Some(_) if csv => Err(CopyError::UnquotedNewline),
                Some(_) => Err(CopyError::Newline),
            };
        }
        let wrong = if csv { CopyError::UnquotedCarriageReturn } else { CopyError::CarriageReturn };
        match (self.line_end, self.data.get(at + 1)) {
            (Some(LineEnd::Feed), _) => Err(wrong),
            (Some(LineEnd::Return), _) => line(1),
            (None | Some(LineEnd::Both), Some(b'\n')) => {
                self.line_end = Some(LineEnd::Both);
                line(2)
            }
            (_, None) if !self.finished => Ok(Step::Wait),
            (None, _) => {
                self.line_end = Some(LineEnd::Return);
                line(1)
            }
            (Some(LineEnd::Both), _) => Err(wrong),
        }
    }

    /// `\.` in text: only a line end may follow.
    fn end_marker(&mut self, at: usize) -> Result<Step, CopyError> {
        match self.data.get(at + 2) {
            None if self.finished => Ok(Step::End(at)),
            None => Ok(Step::Wait),
            Some(b'\n' | b'\r') => Ok(Step::End(at)),
            Some(_) => Err(CopyError::EndMarker),
        }
    }

    /// `\.` at the beginning of a CSV line: the end if it is alone, else data.
    fn end_marker_csv(&mut self) -> Result<Step, CopyError> {
        match self.data.get(self.start + 2) {
            None if self.finished => Ok(Step::End(self.start)),
            None => Ok(Step::Wait),
            Some(b'\n' | b'\r') => Ok(Step::End(self.start)),
            // Not alone: the scan goes on behind it, so that this is asked once.
            Some(_) => Ok(Step::On(self.start + 1)),
        }
    }
}
