//! The client's end of RESP, for tests and the benchmark: requests out, replies in.
//!
//! Two readers of replies. [`ReplyScanner`] only finds where a reply ends, without a stack and
//! without memory: an aggregate of n adds n to the number of replies still to come. [`decode`]
//! builds a tree of a reply that is whole, borrowed from the buffer.
//!
//! ```text
//!   *2 ─ pending 1 → 2      $1 k ─ 2 → 1      :5 ─ 1 → 0 ─ the reply ends here
//! ```
//!
//! **Invariants.** The scanner keeps its place between reads. The tree's depth is bounded; its
//! lists grow with the elements that are there, not with the count that was announced.
//!
//! **Rejected.** RESP3's streamed strings and aggregates (`$?`): Redis never sends them.

use memchr::memchr;

use super::codec::request::integer;

/// A reply, borrowed from the buffer that it came in.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply<'a> {
    /// `+`.
    Simple(&'a [u8]),
    /// `-` and `!`.
    Error(&'a [u8]),
    /// `:`.
    Integer(i64),
    /// `$`.
    Bulk(&'a [u8]),
    /// `$-1`, `*-1` and `_`.
    Null,
    /// `*`.
    Array(Vec<Reply<'a>>),
    /// `%`, keys and values in turn.
    Map(Vec<Reply<'a>>),
    /// `~`.
    Set(Vec<Reply<'a>>),
    /// `>`.
    Push(Vec<Reply<'a>>),
    /// `,` as text: equality of texts is what tests want.
    Double(&'a [u8]),
    /// `#`.
    Boolean(bool),
    /// `(`.
    BigNumber(&'a [u8]),
    /// `=`: three letters of format, then the text.
    Verbatim(&'a [u8], &'a [u8]),
    /// `|`: remarks, keys and values in turn, then what they are about.
    Attributed(Vec<Reply<'a>>, Box<Reply<'a>>),
}

/// The bytes are no reply of RESP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a RESP reply")]
pub struct ReplyError;

/// Aggregates nest at most this deep.
const DEPTH_MAX: usize = 128;

/// Appends a request of these arguments.
pub fn encode<A: AsRef<[u8]>>(out: &mut Vec<u8>, arguments: &[A]) {
    let mut number = itoa::Buffer::new();
    out.push(b'*');
    out.extend_from_slice(number.format(arguments.len()).as_bytes());
    out.extend_from_slice(b"\r\n");
    for argument in arguments {
        let argument = argument.as_ref();
        out.push(b'$');
        out.extend_from_slice(number.format(argument.len()).as_bytes());
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(argument);
        out.extend_from_slice(b"\r\n");
    }
}

/// Finds the end of one reply; keeps its place while bytes are missing.
#[derive(Debug)]
pub struct ReplyScanner {
    at: usize,
    pending: u64,
}

impl Default for ReplyScanner {
    fn default() -> Self {
        Self { at: 0, pending: 1 }
    }
}

impl ReplyScanner {
    /// The length of the reply at the beginning of `input`, or `None` if bytes are missing.
    ///
    /// # Errors
    /// The bytes are no reply.
    pub fn advance(&mut self, input: &[u8]) -> Result<Option<usize>, ReplyError> {
        while self.pending > 0 {
            let Some(head) = head(input, self.at)? else { return Ok(None) };
            if head.next > input.len() {
                return Ok(None);
            }
            self.at = head.next;
            self.pending = (self.pending - 1).checked_add(head.children).ok_or(ReplyError)?;
        }
        let length = self.at;
        *self = Self::default();
        Ok(Some(length))
    }
}

struct Head<'a> {
    kind: u8,
    line: &'a [u8],
    /// Where the body begins, for kinds that have one.
    body: usize,
    next: usize,
    children: u64,
    null: bool,
}

/// Reads one header; `next` may lie behind the input's end while a body is missing.
fn head(input: &[u8], at: usize) -> Result<Option<Head<'_>>, ReplyError> {
    let rest = input.get(at..).unwrap_or_default();
    let Some((&kind, line)) = rest.split_first() else { return Ok(None) };
    if !b"+-:$*_%~>,#(=!|".contains(&kind) {
        return Err(ReplyError);
    }
    let Some(end) = memchr(b'\r', line) else { return Ok(None) };
    let line = line.get(..end).unwrap_or_default();
    let body = at + 1 + end + 2;
    let mut head = Head { kind, line, body, next: body, children: 0, null: kind == b'_' };
    if b"$=!*%~>|".contains(&kind) {
        let number = integer(line).ok_or(ReplyError)?;
        if number < 0 {
            head.null = number == -1 && matches!(kind, b'$' | b'*');
            return if head.null { Ok(Some(head)) } else { Err(ReplyError) };
        }
        let number = number.unsigned_abs();
        match kind {
            b'*' | b'~' | b'>' => head.children = number,
            b'%' => head.children = number.checked_mul(2).ok_or(ReplyError)?,
            b'|' => {
                let pairs = number.checked_mul(2).ok_or(ReplyError)?;
                head.children = pairs.checked_add(1).ok_or(ReplyError)?;
            }
            _ => {
                let length = usize::try_from(number).map_err(|_| ReplyError)?;
                head.next = body.checked_add(length).ok_or(ReplyError)?;
                head.next = head.next.checked_add(2).ok_or(ReplyError)?;
            }
        }
    }
    Ok(Some(head))
}

/// The reply at the beginning of `input` as a tree, and its length; `None` if bytes are missing.
///
/// # Errors
/// The bytes are no reply, or it nests deeper than 128.
pub fn decode(input: &[u8]) -> Result<Option<(Reply<'_>, usize)>, ReplyError> {
    let mut scanner = ReplyScanner::default();
    let Some(length) = scanner.advance(input)? else { return Ok(None) };
    let (reply, end) = tree(input, 0, DEPTH_MAX)?;
    debug_assert_eq!(end, length);
    Ok(Some((reply, end)))
}

fn tree(input: &[u8], at: usize, depth: usize) -> Result<(Reply<'_>, usize), ReplyError> {
    let depth = depth.checked_sub(1).ok_or(ReplyError)?;
    let head = head(input, at)?.ok_or(ReplyError)?;
    let body = input.get(head.body..head.next.saturating_sub(2)).unwrap_or_default();
    let mut end = head.next;
    let mut list = |count: u64| {
        let mut items = Vec::new();
        for _ in 0..count {
            let (item, next) = tree(input, end, depth)?;
            end = next;
            items.push(item);
        }
        Ok::<_, ReplyError>(items)
    };
    let reply = match head.kind {
        _ if head.null => Reply::Null,
        b'+' => Reply::Simple(head.line),
        b'-' => Reply::Error(head.line),
        b':' => Reply::Integer(integer(head.line).ok_or(ReplyError)?),
        b'$' => Reply::Bulk(body),
        b'!' => Reply::Error(body),
        b',' => Reply::Double(head.line),
        b'#' => Reply::Boolean(head.line == b"t"),
        b'(' => Reply::BigNumber(head.line),
        b'*' => Reply::Array(list(head.children)?),
        b'%' => Reply::Map(list(head.children)?),
        b'~' => Reply::Set(list(head.children)?),
        b'>' => Reply::Push(list(head.children)?),
        b'|' => {
            let remarks = list(head.children - 1)?;
            let (about, next) = tree(input, end, depth)?;
            end = next;
            Reply::Attributed(remarks, Box::new(about))
        }
        b'=' => {
            let (format, text) = body.split_at_checked(4).ok_or(ReplyError)?;
            Reply::Verbatim(format.get(..3).unwrap_or_default(), text)
        }
        _ => return Err(ReplyError),
    };
    Ok((reply, end))
}
