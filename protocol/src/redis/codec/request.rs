//! Requests of RESP: arrays of bulk strings and inline lines, from a buffer to borrowed arguments.
//!
//! ```text
//!   *3\r\n $3\r\nSET\r\n $1\r\nk\r\n $5\r\nvalue\r\n
//!   └count  └bulk ▲        ▲           ▲
//!                 └────────┴───────────┴─ spans (start, length), relative to the '*'
//! ```
//!
//! The parser stops where the bytes stop. It keeps the spans found so far, the position, how many
//! arguments are missing and the length of the one being awaited; the next call goes on there. A
//! value of 100 MB that arrives in reads of 64 kB costs one comparison a read.
//!
//! **Invariants.** `at` never passes the input's end. Spans lie inside the request. Nothing is
//! reserved from a count or a length: the span list grows by one for each argument that is
//! there. What is accepted is what Redis accepts, also where that is lax: the two bytes after an
//! argument are skipped unread, `*0` and `*-1` are requests without a command. One difference:
//! a NUL inside a length line is an invalid length here at once, where Redis waits for more.
//!
//! **Rejected.** Checking that CR is followed by LF: stricter than Redis, so a client that works
//! there would fail here.

use memchr::memchr;
use smallvec::SmallVec;

use super::inline;
use crate::limits::RedisLimits;
use crate::redis::error::RequestError;

/// Where an argument stands, relative to the bytes that its [`Argv`] borrows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) length: u32,
}

/// A list of spans keeps at most this capacity between requests.
const SPANS_KEPT_MAX: usize = 1024;
/// The same for unquoted inline arguments, in bytes.
const SCRATCH_KEPT_MAX: usize = 4096;

/// The arguments of one request, the command's name first; borrowed from the read buffer.
#[derive(Clone, Copy)]
pub struct Argv<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) spans: &'a [Span],
}

impl<'a> Argv<'a> {
    /// How many arguments there are, the name included. 0 for an empty request.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether the request names no command; Redis ignores such requests.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The argument at `index`; 0 is the command's name.
    #[inline]
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&'a [u8]> {
        self.spans.get(index).map(|span| slice(self.bytes, *span))
    }

    /// The command's name as sent; empty for an empty request.
    #[inline]
    #[must_use]
    pub fn name(&self) -> &'a [u8] {
        self.get(0).unwrap_or_default()
    }

    /// All arguments in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone + use<'a> {
        let bytes = self.bytes;
        self.spans.iter().map(move |span| slice(bytes, *span))
    }

    /// The arguments from `index` on; none if there are fewer.
    #[must_use]
    pub fn after(&self, index: usize) -> Self {
        Self { bytes: self.bytes, spans: self.spans.get(index..).unwrap_or_default() }
    }

    /// The bytes of all arguments together: what keeping this request would cost.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.spans.iter().map(|span| span.length as usize).sum()
    }
}

impl std::fmt::Debug for Argv<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter().map(|arg| arg.escape_ascii().to_string())).finish()
    }
}

fn slice(bytes: &[u8], span: Span) -> &[u8] {
    let start = span.start as usize;
    bytes.get(start..start + span.length as usize).unwrap_or_default()
}

/// What the parser is in the middle of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing of the request was read.
    Start,
    /// An inline line without its end; the first bytes hold no line feed.
    Inline { scanned: u32 },
    /// A length line without its end; `scanned` bytes of it hold no carriage return.
    Line { scanned: u32 },
    /// The bytes of an argument of this length.
    Bulk { length: u32 },
}

/// Parses requests one after the other; keeps its place between calls.
#[derive(Debug)]
pub struct RequestParser {
    limits: RedisLimits,
    authenticated: bool,
    state: State,
    /// Next unread byte, relative to the request's start.
    at: usize,
    /// Arguments still missing.
    missing: u32,
    spans: SmallVec<[Span; 8]>,
    /// The unquoted arguments of an inline request, which do not stand in the input as they are.
    scratch: Vec<u8>,
    inline: bool,
    done: bool,
}

impl RequestParser {
    /// A parser for a new connection, which has not authenticated.
    #[must_use]
    pub fn new(limits: RedisLimits) -> Self {
        Self {
            limits: limits.clamped(),
            authenticated: false,
            state: State::Start,
            at: 0,
            missing: 0,
            spans: SmallVec::new(),
            scratch: Vec::new(),
            inline: false,
            done: false,
        }
    }

    /// Says whether the small limits for strangers are lifted (also when no password is asked).
    pub fn set_authenticated(&mut self, authenticated: bool) {
        self.authenticated = authenticated;
    }

    /// Replaces the limits, as CONFIG SET does on a live connection.
    pub fn set_limits(&mut self, limits: RedisLimits) {
        self.limits = limits.clamped();
    }

    /// Walks through all complete requests at the beginning of `input`.
    ///
    /// `input` begins with the request that the last call left unfinished, if it left one.
    pub fn requests<'p, 'b>(&'p mut self, input: &'b [u8]) -> Requests<'p, 'b> {
        Requests { parser: self, input, consumed: 0 }
    }

    /// How many bytes from the request's start must be there before another call can get
    /// further: a hint for the next read, and a claim of the client, never a size to reserve.
    #[must_use]
    pub fn wanted(&self) -> usize {
        match self.state {
            State::Bulk { length } => self.at + length as usize + 2,
            _ => self.at + 1,
        }
    }

    /// Parses one request at the beginning of `input`: its length, or `None` if bytes are missing.
    ///
    /// After `Some`, [`RequestParser::argv`] gives its arguments and the next call begins a new
    /// request.
    ///
    /// # Errors
    /// The bytes are no request, or over a limit. Framing is lost: reply, then close.
    #[inline]
    pub fn advance(&mut self, input: &[u8]) -> Result<Option<usize>, RequestError> {
        if self.done {
            self.reset();
        }
        if self.state == State::Start {
            match input.first() {
                None => return Ok(None),
                Some(b'*') => match self.count(input)? {
                    Some(()) => {}
                    None => return Ok(None),
                },
                Some(_) => self.state = State::Inline { scanned: 0 },
            }
        }
        if matches!(self.state, State::Inline { .. }) {
            return self.inline_request(input);
        }
        // A count line that was cut stands at position 0; everything later stands further on.
        if self.at == 0 && self.count(input)?.is_none() {
            return Ok(None);
        }
        self.bulks(input)
    }

    /// The arguments of the request that [`RequestParser::advance`] just completed in `input`.
    #[inline]
    #[must_use]
    pub fn argv<'a>(&'a self, input: &'a [u8]) -> Argv<'a> {
        let bytes = if self.inline { &self.scratch } else { input };
        Argv { bytes, spans: if self.done { &self.spans } else { &[] } }
    }

    fn reset(&mut self) {
        self.done = false;
        self.state = State::Start;
        self.at = 0;
        self.missing = 0;
        self.inline = false;
        self.spans.clear();
        if self.spans.capacity() > SPANS_KEPT_MAX {
            self.spans = SmallVec::new();
        }
        self.scratch.clear();
        if self.scratch.capacity() > SCRATCH_KEPT_MAX {
            self.scratch = Vec::new();
        }
    }

    fn finish(&mut self) -> Result<Option<usize>, RequestError> {
        self.done = true;
        Ok(Some(self.at))
    }

    /// The `*count` line: `Some` when read.
    #[inline]
    fn count(&mut self, input: &[u8]) -> Result<Option<()>, RequestError> {
        let Some((count, next)) = self.line(input, RequestError::CountLineTooBig)? else {
            return Ok(None);
        };
        let count = count.ok_or(RequestError::InvalidCount)?;
        if count > i64::from(self.limits.arguments_max) {
            return Err(RequestError::InvalidCount);
        }
        if !self.authenticated && count > i64::from(self.limits.unauthenticated_arguments_max) {
            return Err(RequestError::UnauthenticatedCount);
        }
        self.at = next;
        self.missing = u32::try_from(count.max(0)).unwrap_or(0);
        self.state = State::Line { scanned: 0 };
        Ok(Some(()))
    }

    /// The arguments, from wherever the last call stopped.
    #[inline]
    fn bulks(&mut self, input: &[u8]) -> Result<Option<usize>, RequestError> {
        while self.missing > 0 {
            let length = match self.state {
                State::Bulk { length } => length,
                _ => match self.bulk_length(input)? {
                    Some(length) => length,
                    None => return Ok(None),
                },
            };
            let end = self.at + length as usize + 2;
            if end > input.len() {
                self.state = State::Bulk { length };
                return Ok(None);
            }
            // In range: a request ends below `request_bytes_max`, which fits 32 bits.
            self.spans.push(Span { start: self.at as u32, length });
            self.at = end;
            self.missing -= 1;
            self.state = State::Line { scanned: 0 };
        }
        self.finish()
    }

    /// The `$length` line of the next argument.
    #[inline]
    fn bulk_length(&mut self, input: &[u8]) -> Result<Option<u32>, RequestError> {
        match input.get(self.at) {
            None => return Ok(None),
            Some(b'$') => {}
            // Redis looks at the line's end before the line's beginning.
            Some(other) => {
                let other = *other;
                let line = self.line(input, RequestError::BulkLineTooBig)?;
                return line.map_or(Ok(None), |_| Err(RequestError::ExpectedBulk(other)));
            }
        }
        let Some((length, next)) = self.line(input, RequestError::BulkLineTooBig)? else {
            return Ok(None);
        };
        let length = length
            .and_then(|length| u32::try_from(length).ok())
            .filter(|length| *length <= self.limits.bulk_bytes_max)
            .ok_or(RequestError::InvalidBulkLength)?;
        if !self.authenticated && length > self.limits.unauthenticated_bulk_bytes_max {
            return Err(RequestError::UnauthenticatedBulk);
        }
        if next + length as usize + 2 > self.limits.request_bytes_max as usize {
            return Err(RequestError::RequestTooBig);
        }
        self.at = next;
        Ok(Some(length))
    }

    /// A line `?number\r\n` at `at`: the number (none if it is not one) and the place behind it.
    #[inline]
    fn line(
        &mut self,
        input: &[u8],
        too_big: RequestError,
    ) -> Result<Option<(Option<i64>, usize)>, RequestError> {
        // One to nine digits without a leading zero: every length met in practice.
        let rest = input.get(self.at + 1..).unwrap_or_default();
        let mut value = 0_u32;
        let mut digits = 0;
        while digits < 9
            && let Some(byte) = rest.get(digits)
        {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            value = value * 10 + u32::from(digit);
            digits += 1;
        }
        let plain = digits == 1 || (digits > 1 && rest.first() != Some(&b'0'));
        if plain && digits + 1 < rest.len() && rest.get(digits) == Some(&b'\r') {
            return Ok(Some((Some(i64::from(value)), self.at + digits + 3)));
        }
        self.line_slow(input, too_big)
    }

    #[cold]
    fn line_slow(
        &mut self,
        input: &[u8],
        too_big: RequestError,
    ) -> Result<Option<(Option<i64>, usize)>, RequestError> {
        let scanned = match self.state {
            State::Line { scanned } => scanned as usize,
            _ => 0,
        };
        let limit = self.limits.inline_bytes_max as usize;
        let line = input.get(self.at..).unwrap_or_default();
        let seen = line.get(..=limit).unwrap_or(line);
        let Some(end) = memchr(b'\r', seen.get(scanned..).unwrap_or_default()) else {
            if line.len() > limit {
                return Err(too_big);
            }
            self.state = State::Line { scanned: seen.len() as u32 };
            return Ok(None);
        };
        let end = scanned + end;
        if line.len() < end + 2 {
            self.state = State::Line { scanned: end as u32 };
            return Ok(None);
        }
        Ok(Some((integer(line.get(1..end).unwrap_or_default()), self.at + end + 2)))
    }

    #[cold]
    fn inline_request(&mut self, input: &[u8]) -> Result<Option<usize>, RequestError> {
        let State::Inline { scanned } = self.state else { return Ok(None) };
        let limit = self.limits.inline_bytes_max as usize;
        let seen = input.get(..=limit).unwrap_or(input);
        let unseen = seen.get(scanned as usize..).unwrap_or_default();
        let Some(end) = memchr(b'\n', unseen) else {
            if input.len() > limit {
                return Err(RequestError::InlineTooBig);
            }
            self.state = State::Inline { scanned: seen.len() as u32 };
            return Ok(None);
        };
        let end = scanned as usize + end;
        let line = seen.get(..end).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        self.inline = true;
        inline::split(line, &mut self.scratch, &mut self.spans)
            .map_err(|_| RequestError::UnbalancedQuotes)?;
        self.at = end + 1;
        self.finish()
    }
}

/// The complete requests of one buffer, in order; a lending iterator.
#[derive(Debug)]
pub struct Requests<'p, 'b> {
    parser: &'p mut RequestParser,
    input: &'b [u8],
    consumed: usize,
}

impl Requests<'_, '_> {
    /// The next request that names a command, or `None` when the rest is incomplete.
    ///
    /// # Errors
    /// As [`RequestParser::advance`]; and [`RequestError::CrossProtocol`] where it is HTTP: drop
    /// the replies not yet sent and close.
    #[inline]
    #[allow(clippy::should_implement_trait, reason = "each item borrows the iterator")]
    pub fn next(&mut self) -> Result<Option<Argv<'_>>, RequestError> {
        let begin = loop {
            let rest = self.input.get(self.consumed..).unwrap_or_default();
            let Some(length) = self.parser.advance(rest)? else { return Ok(None) };
            let begin = self.consumed;
            self.consumed += length;
            if !self.parser.spans.is_empty() {
                break begin;
            }
        };
        let argv = self.parser.argv(self.input.get(begin..).unwrap_or_default());
        match is_http(argv.name()) {
            true => Err(RequestError::CrossProtocol),
            false => Ok(Some(argv)),
        }
    }

    /// Bytes of the input that belong to requests already given: the caller drops them.
    #[must_use]
    pub fn consumed(&self) -> usize {
        self.consumed
    }
}

/// Whether a command's name is one that only a web page would send.
#[inline]
fn is_http(name: &[u8]) -> bool {
    match name.len() {
        4 => name.eq_ignore_ascii_case(b"post"),
        5 => name.eq_ignore_ascii_case(b"host:"),
        _ => false,
    }
}

/// A decimal integer as Redis reads one: no plus sign, no leading zero, no blank, no `-0`.
#[must_use]
pub fn integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        _ => (false, text),
    };
    if text == b"0" {
        return Some(0);
    }
    let first = *digits.first()?;
    if !first.is_ascii_digit() || first == b'0' || digits.len() > 19 {
        return None;
    }
    let mut value = 0_u64;
    for byte in digits {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value = value.checked_mul(10)?.checked_add(digit)?;
    }
    match negative {
        true => 0_i64.checked_sub_unsigned(value),
        false => i64::try_from(value).ok(),
    }
}
