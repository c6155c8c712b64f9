//! COPY: data in, over many messages; data out, in one go.
//!
//! ```text
//!   COPY … FROM STDIN ─▶ 'G' ── d d d … c ─▶ rows ─▶ CopyIn ─▶ 'C'
//!                                     f, error ─▶ abandoned, 'E'; what still comes is passed over
//!   COPY … TO STDOUT  ─▶ 'H' 'd' 'd' … 'c' 'C'
//! ```
//!
//! Data in is a state of the connection and no loop inside a statement: between two pieces the
//! connection waits as it always waits, with the same limits. The statements behind a COPY in a
//! simple query wait in that state.
//!
//! **Invariant.** Rows do not depend on how the client cut its data.

use std::io;
use std::ops::Range;
use std::pin::pin;

use qanat::Error;
use qanat::session::{CommandTag, CopyFormat, CopyIn, CopyOut, Fetched, Force};
use query::execute::batch::Batch;
use query::plan::OutputColumn;
use tokio::io::{AsyncRead, AsyncWrite};

use super::super::codec::backend::CopyDirection;
use super::super::codec::{BackendWriter, Format, Frontend};
use super::super::copy::{CopyError, CopyOptions, CopyReader, Csv, Quoted, write_row};
use super::super::error::{Source, copy_failed, copy_misses, unexpected_in_copy};
use super::super::translate::RowWriter;
use super::simple::Rest;
use super::{Connection, Fault, Flow};

/// COPY FROM STDIN under way.
pub(super) struct Copying {
    copy: CopyIn,
    reader: CopyReader,
    /// What follows in a simple query; `None` in an extended one.
    rest: Option<Rest>,
}

impl Copying {
    /// Whether Execute began it, so that an error passes over everything up to Sync.
    pub fn is_extended(&self) -> bool {
        self.rest.is_none()
    }

    /// Undoes what was taken. That the transaction fails is the caller's to see to.
    pub async fn abandon(self: Box<Self>) {
        if let Err(error) = self.copy.abandon().await {
            tracing::debug!(%error, "undoing a COPY");
        }
    }

    /// Takes the rows that are whole.
    async fn take(&mut self) -> qanat::Result<()> {
        while let Some(row) = self.reader.next_row()? {
            match row.check_columns(self.copy.columns.len()) {
                Ok(()) => {}
                Err(CopyError::MissingData) => {
                    let column = self.copy.columns.get(row.len());
                    return Err(copy_misses(column.map_or("", String::as_str)));
                }
                Err(error) => return Err(error.into()),
            }
            let wanted = self.copy.columns.len();
            let fields = row.iter().take(wanted).map(|field| field.map(str::to_owned)).collect();
            self.copy.row(fields).await?;
        }
        Ok(())
    }
}

/// COPY's options as the reader and the writer of rows take them.
fn options(format: &CopyFormat, columns: &[&str]) -> qanat::Result<CopyOptions> {
    let marked = |names: &[String]| match names {
        [] => Quoted::None,
        names => Quoted::Columns(columns.iter().map(|c| names.iter().any(|n| n == c)).collect()),
    };
    for name in forced_names(format) {
        if !columns.iter().any(|column| column == name) {
            return Err(Error::new(
                qanat::ErrorKind::Name,
                "42P10",
                format!("FORCE column \"{name}\" not referenced by COPY"),
            ));
        }
    }
    let csv = Csv {
        quote: format.quote,
        escape: format.escape,
        force_quote: match &format.force_quote {
            Force::None => Quoted::None,
            Force::All => Quoted::All,
            Force::Columns(names) => marked(names),
        },
        force_not_null: marked(&format.force_not_null),
        force_null: marked(&format.force_null),
    };
    let options = CopyOptions {
        delimiter: format.delimiter,
        null: format.null.clone().into_bytes(),
        header: format.header,
        csv: format.csv.then_some(csv),
    };
    options.check()?;
    Ok(options)
}

fn forced_names(format: &CopyFormat) -> impl Iterator<Item = &String> {
    let quoted: &[String] = match &format.force_quote {
        Force::Columns(names) => names,
        Force::None | Force::All => &[],
    };
    quoted.iter().chain(&format.force_null).chain(&format.force_not_null)
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Asks the client for data.
    pub(super) fn begin_copy_in(&mut self, copy: CopyIn, rest: Option<Rest>) -> Result<(), Fault> {
        let names: Vec<&str> = copy.columns.iter().map(String::as_str).collect();
        let options = options(&copy.format, &names)?;
        let columns = u16::try_from(names.len()).unwrap_or(u16::MAX);
        let mut out = BackendWriter::new(&mut self.wire.out);
        out.copy_response(CopyDirection::In, Format::Text, columns);
        self.wire.is_due();
        let reader = CopyReader::new(options, self.limits.wire.copy_line_bytes_max);
        self.copying = Some(Box::new(Copying { copy, reader, rest }));
        Ok(())
    }

    /// A message while COPY waits for data.
    pub(super) async fn copy_message(
        &mut self,
        mut copying: Box<Copying>,
        kind: u8,
        message: Frontend<'_>,
    ) -> io::Result<Flow> {
        let done = match message {
            Frontend::CopyData(piece) => {
                copying.reader.push(piece);
                self.wire.beside(pin!(copying.take())).await?
            }
            Frontend::CopyDone => {
                copying.reader.finish();
                let taken = self.wire.beside(pin!(copying.take())).await?;
                match taken {
                    Ok(()) => return self.end_copy_in(*copying).await,
                    failed => failed,
                }
            }
            Frontend::CopyFail(reason) => Err(copy_failed(reason)),
            // Some clients send these right behind Execute; they mean nothing here.
            Frontend::Flush | Frontend::Sync => Ok(()),
            Frontend::Terminate => return Ok(Flow::End),
            _ => Err(unexpected_in_copy(kind)),
        };
        match done {
            Ok(()) => self.copying = Some(copying),
            Err(error) => self.copy_in_failed(copying, &error).await?,
        }
        Ok(Flow::On)
    }

    async fn copy_in_failed(&mut self, copying: Box<Copying>, error: &Error) -> io::Result<()> {
        let context = format!("COPY, line {}", copying.reader.line());
        let extended = copying.is_extended();
        self.wire.beside(pin!(copying.abandon())).await?;
        self.failed(error, Source::default(), Some(&context)).await?;
        match extended {
            true => self.skipping = true,
            false => self.end_query().await?,
        }
        Ok(())
    }

    async fn end_copy_in(&mut self, copying: Copying) -> io::Result<Flow> {
        let Copying { copy, rest, reader } = copying;
        let last = rest.as_ref().is_some_and(|rest| rest.next == rest.statements.len());
        let finished = self.wire.beside(pin!(copy.finish())).await?;
        let done = match finished {
            Ok(tag) => self.complete(&CommandTag::Plain(tag), last).await,
            Err(error) => Err(error.into()),
        };
        match (done, rest) {
            (Err(Fault::Stream(error)), _) => return Err(error),
            (Err(Fault::Told(error)), rest) => {
                let context = format!("COPY, line {}", reader.line());
                self.failed(&error, Source::default(), Some(&context)).await?;
                match rest {
                    Some(_) => self.end_query().await?,
                    None => self.skipping = true,
                }
            }
            (Ok(()), Some(rest)) => {
                Box::pin(self.run_statements(&rest.text, &rest.statements, rest.next)).await?;
            }
            (Ok(()), None) => {}
        }
        Ok(Flow::On)
    }

    /// Sends all rows of COPY … TO STDOUT.
    pub(super) async fn copy_out(&mut self, copy: CopyOut) -> Result<(), Fault> {
        let CopyOut { format, mut portal } = copy;
        let columns = portal.columns.clone();
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let options = options(&format, &names)?;
        let count = u16::try_from(names.len()).unwrap_or(u16::MAX);
        let mut out = BackendWriter::new(&mut self.wire.out);
        out.copy_response(CopyDirection::Out, Format::Text, count);
        if options.header {
            // FORCE_QUOTE is of values: a name is quoted where it needs it.
            let mut plain = options.clone();
            if let Some(csv) = &mut plain.csv {
                csv.force_quote = Quoted::None;
            }
            out.copy_data(|out| {
                write_row(out, &plain, names.iter().map(|name| Some(name.as_bytes())));
            });
        }
        let mut fields = Fields::default();
        let mut rows = 0;
        loop {
            let fetch = portal.fetch(&mut self.session, usize::MAX);
            let fetched = self.wire.beside(pin!(fetch)).await??;
            let Fetched::Rows(found) = fetched else { break };
            let mut range = found.range;
            rows += range.len() as u64;
            while !range.is_empty() {
                self.write_lines(&found.batch, &mut range, &columns, &options, &mut fields)?;
                if self.wire.is_full() {
                    self.wire.flush().await?;
                }
            }
        }
        drop(portal);
        let mut out = BackendWriter::new(&mut self.wire.out);
        out.copy_done();
        out.command_complete_rows("COPY", rows);
        Ok(())
    }

    /// Writes rows as CopyData until the buffer is full.
    fn write_lines(
        &mut self,
        batch: &Batch,
        range: &mut Range<usize>,
        columns: &[OutputColumn],
        options: &CopyOptions,
        fields: &mut Fields,
    ) -> qanat::Result<()> {
        let limit = self.limits.wire.field_bytes_max;
        let mut writer = RowWriter::new(columns, &self.session, limit, &mut self.scratch)?;
        for at in range {
            fields.fill(&mut writer, columns, batch.row(at))?;
            let mut out = BackendWriter::new(&mut self.wire.out);
            out.copy_data(|out| write_row(out, options, fields.iter()));
            if self.wire.is_full() {
                break;
            }
        }
        Ok(())
    }
}

/// The texts of one row, in one buffer that is used again for the next.
#[derive(Default)]
struct Fields {
    bytes: Vec<u8>,
    ends: Vec<(usize, bool)>,
}

impl Fields {
    fn fill(
        &mut self,
        writer: &mut RowWriter<'_>,
        columns: &[OutputColumn],
        cells: &[query::Datum<'_>],
    ) -> qanat::Result<()> {
        self.bytes.clear();
        self.ends.clear();
        for (cell, column) in cells.iter().zip(columns) {
            writer.text(&mut self.bytes, column.ty, column.modifier, cell)?;
            self.ends.push((self.bytes.len(), cell.is_null()));
        }
        Ok(())
    }

    fn iter(&self) -> impl ExactSizeIterator<Item = Option<&[u8]>> {
        let mut start = 0;
        self.ends.iter().map(move |(end, null)| {
            let field = self.bytes.get(start..*end);
            start = *end;
            field.filter(|_| !*null)
        })
    }
}
