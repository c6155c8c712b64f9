//! Replies of RESP, appended to a buffer in whichever version the connection speaks.
//!
//! ```text
//!              RESP2                      RESP3
//!   null       $-1  or  *-1               _
//!   map n      *2n                        %n
//!   set n      *n                         ~n
//!   double     $3 1.5                     ,1.5
//!   boolean    :1 :0                      #t #f
//!   big number $n digits                  (digits
//!   verbatim   $n text                    =n+4 txt:text
//!   push n     *n                         >n
//!   attribute  nothing at all             |n
//! ```
//!
//! **Invariants.** A caller writes the same calls for both versions; only attributes ask first.
//! A simple string or error never holds CR or LF: they become spaces. An aggregate's elements
//! follow its header, as many as it says; where the number is known late, [`ReplyWriter::begin`]
//! and [`ReplyWriter::end`] put the header in afterwards (one move of the elements' bytes).
//!
//! **Rejected.** Writing into a fixed-width header to spare that move: `*0000000003` is read by
//! some clients and not by others.

use super::double;

/// The version of the protocol that the client chose with HELLO.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// What a connection begins with.
    #[default]
    Resp2,
    /// After `HELLO 3`.
    Resp3,
}

/// Where an aggregate of yet unknown size begins.
#[must_use]
#[derive(Debug)]
pub struct Mark(usize);

/// The aggregates whose size may be known late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    /// A list.
    Array,
    /// Pairs; a list of twice the length in RESP2.
    Map,
    /// Distinct elements; a list in RESP2.
    Set,
}

/// Appends replies to a buffer.
#[derive(Debug)]
pub struct ReplyWriter<'b> {
    out: &'b mut Vec<u8>,
    version: Version,
}

impl<'b> ReplyWriter<'b> {
    /// Appends to `out`, which may hold earlier replies.
    pub fn new(out: &'b mut Vec<u8>, version: Version) -> Self {
        Self { out, version }
    }

    /// The version written.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Bytes in the buffer: a place to [`ReplyWriter::truncate`] to.
    #[must_use]
    pub fn position(&self) -> usize {
        self.out.len()
    }

    /// Takes back everything after `position`, so that an error can stand in its place.
    pub fn truncate(&mut self, position: usize) {
        self.out.truncate(position);
    }

    /// Switches the version in the middle of a buffer, as HELLO does.
    pub fn set_version(&mut self, version: Version) {
        self.version = version;
    }

    fn resp3(&self) -> bool {
        self.version == Version::Resp3
    }

    #[inline]
    fn header(&mut self, kind: u8, number: i64) {
        self.out.push(kind);
        self.out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        self.out.extend_from_slice(b"\r\n");
    }

    #[inline]
    fn length(&mut self, kind: u8, length: usize) {
        self.header(kind, i64::try_from(length).unwrap_or(i64::MAX));
    }

    fn line(&mut self, kind: u8, text: &[u8]) {
        self.out.push(kind);
        let start = self.out.len();
        self.out.extend_from_slice(text);
        for byte in self.out.iter_mut().skip(start) {
            if matches!(byte, b'\r' | b'\n') {
                *byte = b' ';
            }
        }
        self.out.extend_from_slice(b"\r\n");
    }

    /// `+OK`.
    #[inline]
    pub fn ok(&mut self) {
        self.out.extend_from_slice(b"+OK\r\n");
    }

    /// A status; CR and LF in it become spaces.
    pub fn simple(&mut self, text: &str) {
        self.line(b'+', text.as_bytes());
    }

    /// An error, its code first: `WRONGTYPE Operation against …`. CR and LF become spaces.
    pub fn error(&mut self, text: &str) {
        self.error_bytes(text.as_bytes());
    }

    /// An error whose text may quote the client's own bytes.
    pub fn error_bytes(&mut self, text: &[u8]) {
        self.line(b'-', text);
    }

    /// An integer.
    #[inline]
    pub fn integer(&mut self, value: i64) {
        self.header(b':', value);
    }

    /// Bytes.
    #[inline]
    pub fn bulk(&mut self, bytes: &[u8]) {
        self.out.reserve(bytes.len() + 16);
        self.length(b'$', bytes.len());
        self.out.extend_from_slice(bytes);
        self.out.extend_from_slice(b"\r\n");
    }

    /// Bytes that the caller writes in place; their length is put before them afterwards.
    pub fn bulk_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.out.len();
        write(self.out);
        let length = self.out.len() - start;
        self.insert_header(start, b'$', length);
        self.out.extend_from_slice(b"\r\n");
    }

    /// An integer as bytes, as GET of a counter gives it.
    pub fn bulk_integer(&mut self, value: i64) {
        self.bulk(itoa::Buffer::new().format(value).as_bytes());
    }

    /// The absent value.
    #[inline]
    pub fn null(&mut self) {
        self.out.extend_from_slice(if self.resp3() { b"_\r\n" } else { b"$-1\r\n" });
    }

    /// The absent list, as EXEC after a conflict.
    pub fn null_array(&mut self) {
        self.out.extend_from_slice(if self.resp3() { b"_\r\n" } else { b"*-1\r\n" });
    }

    /// A value, or null.
    pub fn bulk_or_null(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => self.bulk(bytes),
            None => self.null(),
        }
    }

    /// The header of a list of `count` elements.
    #[inline]
    pub fn array(&mut self, count: usize) {
        self.length(b'*', count);
    }

    /// The header of `pairs` keys, each followed by its value.
    pub fn map(&mut self, pairs: usize) {
        self.aggregate(Aggregate::Map, pairs);
    }

    /// The header of `count` distinct elements.
    pub fn set(&mut self, count: usize) {
        self.aggregate(Aggregate::Set, count);
    }

    fn aggregate(&mut self, kind: Aggregate, count: usize) {
        let (byte, count) = self.aggregate_header(kind, count);
        self.length(byte, count);
    }

    fn aggregate_header(&self, kind: Aggregate, count: usize) -> (u8, usize) {
        match (kind, self.resp3()) {
            (Aggregate::Map, true) => (b'%', count),
            (Aggregate::Set, true) => (b'~', count),
            (Aggregate::Map, false) => (b'*', count * 2),
            _ => (b'*', count),
        }
    }

    /// Begins an aggregate whose number of elements is not known yet.
    pub fn begin(&mut self) -> Mark {
        Mark(self.out.len())
    }

    /// Ends it: `count` elements (pairs for a map) were written since `mark`.
    pub fn end(&mut self, mark: Mark, kind: Aggregate, count: usize) {
        let (byte, count) = self.aggregate_header(kind, count);
        self.insert_header(mark.0, byte, count);
    }

    fn insert_header(&mut self, at: usize, kind: u8, number: usize) {
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(number).as_bytes();
        let head = std::iter::once(kind).chain(digits.iter().copied()).chain(*b"\r\n");
        self.out.splice(at..at, head);
    }

    /// A floating-point number in Redis's form.
    pub fn double(&mut self, value: f64) {
        if self.resp3() {
            self.out.push(b',');
            double::write(self.out, value);
            self.out.extend_from_slice(b"\r\n");
        } else {
            self.bulk_with(|out| double::write(out, value));
        }
    }

    /// A truth value; 1 or 0 in RESP2.
    pub fn boolean(&mut self, value: bool) {
        match (self.resp3(), value) {
            (true, true) => self.out.extend_from_slice(b"#t\r\n"),
            (true, false) => self.out.extend_from_slice(b"#f\r\n"),
            (false, value) => self.integer(i64::from(value)),
        }
    }

    /// An integer of any size, given as its digits.
    pub fn big_number(&mut self, digits: &str) {
        match self.resp3() {
            true => self.line(b'(', digits.as_bytes()),
            false => self.bulk(digits.as_bytes()),
        }
    }

    /// Text with a three-letter format (`txt`, `mkd`) that a client should show as it is.
    pub fn verbatim(&mut self, format: [u8; 3], text: &[u8]) {
        if self.resp3() {
            self.length(b'=', text.len() + 4);
            self.out.extend_from_slice(&format);
            self.out.push(b':');
            self.out.extend_from_slice(text);
            self.out.extend_from_slice(b"\r\n");
        } else {
            self.bulk(text);
        }
    }

    /// The header of a message that answers no request, of `count` elements.
    pub fn push(&mut self, count: usize) {
        self.length(if self.resp3() { b'>' } else { b'*' }, count);
    }

    /// The header of `pairs` remarks on the next reply; `false` (write none) in RESP2.
    #[must_use]
    pub fn attribute(&mut self, pairs: usize) -> bool {
        if self.resp3() {
            self.length(b'|', pairs);
        }
        self.resp3()
    }

    /// A reply that was written elsewhere, whole, in this version.
    pub fn raw(&mut self, reply: &[u8]) {
        self.out.extend_from_slice(reply);
    }
}
