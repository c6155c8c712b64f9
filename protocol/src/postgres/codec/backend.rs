//! What the server sends, appended to one buffer for each batch.
//!
//! ```text
//!   'D' | length | n fields | length | bytes | length | bytes …
//!         ▲        ▲          ▲
//!         └────────┴──────────┴── written as zero, filled in when what follows is known
//! ```
//!
//! **Invariants.** Every length is what the bytes after it are. A row that is dropped before
//! [`DataRow::finish`] (an error in the middle of it) leaves no byte behind. A string is cut at a
//! NUL: the wire has no way to say one. No message is longer than `i32::MAX`; a field is refused at
//! its own, smaller limit.
//!
//! **Rejected.** Message structs that are built and then encoded: one allocation for each field to
//! hold what is written at once. Computing lengths first: it formats every number twice.

use qanat::session::CommandTag;

use super::frontend::Format;
use crate::postgres::error::SqlState;

/// Appends messages.
#[derive(Debug)]
pub struct BackendWriter<'b> {
    out: &'b mut Vec<u8>,
}

/// A column of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column<'a> {
    /// Its name.
    pub name: &'a str,
    /// The table it comes from, or 0.
    pub table: u32,
    /// Its number in that table, or 0.
    pub attribute: i16,
    /// Its type.
    pub type_oid: u32,
    /// Bytes of the type, -1 where they vary.
    pub type_size: i16,
    /// The type's modifier, -1 for none.
    pub type_modifier: i32,
    /// What its values are sent as; text where that is not known yet.
    pub format: Format,
}

/// The state that ReadyForQuery reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transaction {
    /// None.
    Idle,
    /// Inside one.
    Active,
    /// Inside one that failed: ROLLBACK is all that helps.
    Failed,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "PostgreSQL's own names")]
pub enum Severity {
    Error,
    Fatal,
    Panic,
    Warning,
    Notice,
    Debug,
    Info,
    Log,
}

impl Severity {
    /// Its name in English, which is also the untranslated one.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
            Self::Panic => "PANIC",
            Self::Warning => "WARNING",
            Self::Notice => "NOTICE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Log => "LOG",
        }
    }
}

/// The fields of an error or a notice; only the first three must be there.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the names are those of PostgreSQL's manual")]
pub struct ErrorFields<'a> {
    pub severity: Severity,
    pub code: SqlState,
    pub message: &'a str,
    pub detail: Option<&'a str>,
    pub hint: Option<&'a str>,
    /// Where in the statement, in characters from 1.
    pub position: Option<u32>,
    pub internal_position: Option<u32>,
    pub internal_query: Option<&'a str>,
    pub context: Option<&'a str>,
    pub schema: Option<&'a str>,
    pub table: Option<&'a str>,
    pub column: Option<&'a str>,
    pub data_type: Option<&'a str>,
    pub constraint: Option<&'a str>,
    pub file: Option<&'a str>,
    pub line: Option<u32>,
    pub routine: Option<&'a str>,
}

impl<'a> ErrorFields<'a> {
    /// An error or notice with nothing but the three fields that must be there.
    #[must_use]
    pub const fn new(severity: Severity, code: SqlState, message: &'a str) -> Self {
        Self {
            severity,
            code,
            message,
            detail: None,
            hint: None,
            position: None,
            internal_position: None,
            internal_query: None,
            context: None,
            schema: None,
            table: None,
            column: None,
            data_type: None,
            constraint: None,
            file: None,
            line: None,
            routine: None,
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        let mut field = |kind: u8, text: Option<&str>| {
            if let Some(text) = text {
                out.push(kind);
                string(out, text);
            }
        };
        let (mut position, mut internal, mut line) =
            (itoa::Buffer::new(), itoa::Buffer::new(), itoa::Buffer::new());
        field(b'S', Some(self.severity.name()));
        field(b'V', Some(self.severity.name()));
        field(b'C', Some(self.code.0));
        field(b'M', Some(self.message));
        field(b'D', self.detail);
        field(b'H', self.hint);
        field(b'P', self.position.map(|number| position.format(number)));
        field(b'p', self.internal_position.map(|number| internal.format(number)));
        field(b'q', self.internal_query);
        field(b'W', self.context);
        field(b's', self.schema);
        field(b't', self.table);
        field(b'c', self.column);
        field(b'd', self.data_type);
        field(b'n', self.constraint);
        field(b'F', self.file);
        field(b'L', self.line.map(|number| line.format(number)));
        field(b'R', self.routine);
        out.push(0);
    }
}

/// A field is longer than its limit, or a row longer than a message can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("row is too large for one message")]
pub struct RowTooLarge;

impl RowTooLarge {
    /// Its SQLSTATE.
    #[must_use]
    pub fn code(&self) -> SqlState {
        SqlState::PROGRAM_LIMIT_EXCEEDED
    }
}

/// How the server asks who the client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication<'a> {
    /// Enough: you are in.
    Ok,
    /// Send the password as it is.
    CleartextPassword,
    /// Send it hashed with this salt.
    Md5Password([u8; 4]),
    /// Choose one of these mechanisms.
    Sasl(&'a [&'a str]),
    /// The next challenge.
    SaslContinue(&'a [u8]),
    /// The server's own proof.
    SaslFinal(&'a [u8]),
}

/// A direction of COPY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyDirection {
    /// From the client.
    In,
    /// To the client.
    Out,
    /// Both ways.
    Both,
}

/// Appends text and its NUL; cut at a NUL of its own.
fn string(out: &mut Vec<u8>, text: &str) {
    let text = text.as_bytes();
    let end = memchr::memchr(0, text).unwrap_or(text.len());
    out.extend_from_slice(text.get(..end).unwrap_or_default());
    out.push(0);
}

/// Fills in a length word that was left at `at`: the bytes from there to the end.
fn patch(out: &mut [u8], at: usize, length: usize) {
    // In range: messages other than rows are far below 2 GiB, rows are checked.
    let length = i32::try_from(length).unwrap_or(i32::MAX);
    if let Some(word) = out.get_mut(at..at + 4) {
        word.copy_from_slice(&length.to_be_bytes());
    }
}

impl<'b> BackendWriter<'b> {
    /// Appends to `out`, which may hold earlier messages.
    pub fn new(out: &'b mut Vec<u8>) -> Self {
        Self { out }
    }

    /// Bytes in the buffer: when to write it out, or where to [`BackendWriter::truncate`] to.
    #[must_use]
    pub fn position(&self) -> usize {
        self.out.len()
    }

    /// Takes back everything after `position`.
    pub fn truncate(&mut self, position: usize) {
        self.out.truncate(position);
    }

    #[inline]
    fn message(&mut self, kind: u8, body: impl FnOnce(&mut Vec<u8>)) {
        self.out.push(kind);
        let start = self.out.len();
        self.out.extend_from_slice(&[0; 4]);
        body(self.out);
        let length = self.out.len() - start;
        patch(self.out, start, length);
    }

    fn empty(&mut self, kind: u8) {
        self.out.extend_from_slice(&[kind, 0, 0, 0, 4]);
    }

    /// The one byte that answers SSLRequest (`S` or `N`) or GSSENCRequest (`G` or `N`).
    pub fn encryption(&mut self, answer: u8) {
        self.out.push(answer);
    }

    /// `R`: who are you?
    pub fn authentication(&mut self, request: Authentication<'_>) {
        self.message(b'R', |out| {
            let mut code = |code: u32| out.extend_from_slice(&code.to_be_bytes());
            match request {
                Authentication::Ok => code(0),
                Authentication::CleartextPassword => code(3),
                Authentication::Md5Password(salt) => {
                    code(5);
                    out.extend_from_slice(&salt);
                }
                Authentication::Sasl(mechanisms) => {
                    code(10);
                    mechanisms.iter().for_each(|name| string(out, name));
                    out.push(0);
                }
                Authentication::SaslContinue(data) => {
                    code(11);
                    out.extend_from_slice(data);
                }
                Authentication::SaslFinal(data) => {
                    code(12);
                    out.extend_from_slice(data);
                }
            }
        });
    }

    /// `S`: a setting that the client is told of.
    pub fn parameter_status(&mut self, name: &str, value: &str) {
        self.message(b'S', |out| {
            string(out, name);
            string(out, value);
        });
    }

    /// `K`: what a CancelRequest for this connection must say.
    pub fn backend_key_data(&mut self, process: i32, secret: &[u8]) {
        self.message(b'K', |out| {
            out.extend_from_slice(&process.to_be_bytes());
            out.extend_from_slice(secret);
        });
    }

    /// `v`: the newest version served, and the options that are not known.
    pub fn negotiate_protocol_version<'a>(
        &mut self,
        unknown: impl Iterator<Item = &'a str> + Clone,
    ) {
        self.message(b'v', |out| {
            out.extend_from_slice(&super::startup::VERSION.to_be_bytes());
            let count = u32::try_from(unknown.clone().count()).unwrap_or(0);
            out.extend_from_slice(&count.to_be_bytes());
            unknown.for_each(|name| string(out, name));
        });
    }

    /// `Z`: the next query may come. Flush after it.
    pub fn ready_for_query(&mut self, state: Transaction) {
        let state = match state {
            Transaction::Idle => b'I',
            Transaction::Active => b'T',
            Transaction::Failed => b'E',
        };
        self.message(b'Z', |out| out.push(state));
    }

    /// `T`: the columns of the rows to come. At most 65 535; the planner's own limit is far below.
    pub fn row_description<'a>(&mut self, columns: impl Iterator<Item = Column<'a>>) {
        self.message(b'T', |out| {
            let at = out.len();
            out.extend_from_slice(&[0; 2]);
            let mut count = 0_u16;
            for column in columns.take(u16::MAX.into()) {
                count += 1;
                string(out, column.name);
                out.extend_from_slice(&column.table.to_be_bytes());
                out.extend_from_slice(&column.attribute.to_be_bytes());
                out.extend_from_slice(&column.type_oid.to_be_bytes());
                out.extend_from_slice(&column.type_size.to_be_bytes());
                out.extend_from_slice(&column.type_modifier.to_be_bytes());
                out.extend_from_slice(&column.format.code().to_be_bytes());
            }
            if let Some(word) = out.get_mut(at..at + 2) {
                word.copy_from_slice(&count.to_be_bytes());
            }
        });
    }

    /// `D`: begins a row; [`DataRow::finish`] ends it. No field may exceed `field_bytes_max`.
    pub fn data_row(&mut self, field_bytes_max: u32) -> DataRow<'_> {
        let start = self.out.len();
        self.out.extend_from_slice(&[b'D', 0, 0, 0, 0, 0, 0]);
        DataRow { out: self.out, start, count: 0, field_bytes_max, too_large: false, done: false }
    }

    /// `C`: what was done: `SELECT 3`, `INSERT 0 1`, `BEGIN`.
    pub fn command_complete(&mut self, tag: &str) {
        self.message(b'C', |out| string(out, tag));
    }

    /// The same with a number: `tag` is `SELECT`, `UPDATE`, `INSERT 0`, …
    pub fn command_complete_rows(&mut self, tag: &str, rows: u64) {
        self.message(b'C', |out| {
            out.extend_from_slice(tag.as_bytes());
            out.push(b' ');
            out.extend_from_slice(itoa::Buffer::new().format(rows).as_bytes());
            out.push(0);
        });
    }

    /// The same with a statement's own tag.
    pub fn command_complete_tag(&mut self, tag: &CommandTag) {
        match tag {
            CommandTag::Counted(word, rows) => self.command_complete_rows(word, *rows),
            CommandTag::Plain(tag) => self.command_complete(tag),
        }
    }

    /// `I`: there was no statement.
    pub fn empty_query_response(&mut self) {
        self.empty(b'I');
    }

    /// `E`: an error.
    pub fn error_response(&mut self, fields: &ErrorFields<'_>) {
        self.message(b'E', |out| fields.write(out));
    }

    /// `N`: a notice or warning.
    pub fn notice_response(&mut self, fields: &ErrorFields<'_>) {
        self.message(b'N', |out| fields.write(out));
    }

    /// `t`: the types of a statement's parameters.
    pub fn parameter_description(&mut self, types: &[u32]) {
        self.message(b't', |out| {
            let count = u16::try_from(types.len()).unwrap_or(u16::MAX);
            out.extend_from_slice(&count.to_be_bytes());
            let sent = types.iter().take(count.into());
            sent.for_each(|oid| out.extend_from_slice(&oid.to_be_bytes()));
        });
    }

    /// `n`: it returns no rows.
    pub fn no_data(&mut self) {
        self.empty(b'n');
    }

    /// `1`: prepared.
    pub fn parse_complete(&mut self) {
        self.empty(b'1');
    }

    /// `2`: bound.
    pub fn bind_complete(&mut self) {
        self.empty(b'2');
    }

    /// `3`: closed.
    pub fn close_complete(&mut self) {
        self.empty(b'3');
    }

    /// `s`: there are more rows than Execute asked for.
    pub fn portal_suspended(&mut self) {
        self.empty(b's');
    }

    /// `G`, `H`, `W`: COPY begins, every column in this format.
    pub fn copy_response(&mut self, direction: CopyDirection, format: Format, columns: u16) {
        let kind = match direction {
            CopyDirection::In => b'G',
            CopyDirection::Out => b'H',
            CopyDirection::Both => b'W',
        };
        self.message(kind, |out| {
            out.push(format.code() as u8);
            out.extend_from_slice(&columns.to_be_bytes());
            (0..columns).for_each(|_| out.extend_from_slice(&format.code().to_be_bytes()));
        });
    }

    /// `d`: a piece of COPY data, by custom one row, written in place.
    pub fn copy_data(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.message(b'd', write);
    }

    /// `c`: the COPY data is over.
    pub fn copy_done(&mut self) {
        self.empty(b'c');
    }

    /// `A`: somebody notified a channel that this connection listens to.
    pub fn notification_response(&mut self, process: i32, channel: &str, payload: &str) {
        self.message(b'A', |out| {
            out.extend_from_slice(&process.to_be_bytes());
            string(out, channel);
            string(out, payload);
        });
    }

    /// `V`: the answer to FunctionCall.
    pub fn function_call_response(&mut self, value: Option<&[u8]>) {
        self.message(b'V', |out| match value {
            None => out.extend_from_slice(&(-1_i32).to_be_bytes()),
            Some(value) => {
                out.extend_from_slice(&(value.len() as i32).to_be_bytes());
                out.extend_from_slice(value);
            }
        });
    }
}

/// A row being written; dropped unfinished, it takes itself back.
#[derive(Debug)]
pub struct DataRow<'b> {
    out: &'b mut Vec<u8>,
    start: usize,
    count: u16,
    field_bytes_max: u32,
    too_large: bool,
    done: bool,
}

impl DataRow<'_> {
    /// A NULL.
    #[inline]
    pub fn null(&mut self) {
        self.count_one();
        self.out.extend_from_slice(&(-1_i32).to_be_bytes());
    }

    /// A value that is there as bytes.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.field(|out| out.extend_from_slice(bytes));
    }

    /// A value that `write` appends, text or binary.
    #[inline]
    pub fn field(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.count_one();
        let at = self.out.len();
        self.out.extend_from_slice(&[0; 4]);
        write(self.out);
        let length = self.out.len() - at - 4;
        self.too_large |= length > self.field_bytes_max as usize;
        patch(self.out, at, length);
    }

    /// The same where writing may fail; then the whole row should be dropped.
    ///
    /// # Errors
    /// What `write` gives.
    #[inline]
    pub fn try_field<E>(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut answer = Ok(());
        self.field(|out| answer = write(out));
        answer
    }

    #[inline]
    fn count_one(&mut self) {
        match self.count.checked_add(1) {
            Some(count) => self.count = count,
            None => self.too_large = true,
        }
    }

    /// Ends the row.
    ///
    /// # Errors
    /// The row or a field of it is too large; nothing of it is left in the buffer.
    #[inline]
    pub fn finish(mut self) -> Result<(), RowTooLarge> {
        let length = self.out.len() - self.start - 1;
        if self.too_large || i32::try_from(length).is_err() {
            return Err(RowTooLarge);
        }
        patch(self.out, self.start + 1, length);
        if let Some(word) = self.out.get_mut(self.start + 5..self.start + 7) {
            word.copy_from_slice(&self.count.to_be_bytes());
        }
        self.done = true;
        Ok(())
    }
}

impl Drop for DataRow<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.out.truncate(self.start);
        }
    }
}
