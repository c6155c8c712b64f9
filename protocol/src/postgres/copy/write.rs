//! COPY TO: one row, appended with its line end.
//!
//! ```text
//!   text   backslash, delimiter and the control characters \b \f \n \r \t \v are escaped
//!   csv    quoted where the field holds delimiter, quote or line end, equals NULL's text, or is
//!          `\.` alone
//! ```
//!
//! **Invariant.** Runs without a special byte are copied whole.

use super::options::{CopyOptions, Csv};

/// Appends a row and its line feed. `None` is NULL.
pub fn write_row<'f>(
    out: &mut Vec<u8>,
    options: &CopyOptions,
    fields: impl ExactSizeIterator<Item = Option<&'f [u8]>>,
) {
    let alone = fields.len() == 1;
    for (index, field) in fields.enumerate() {
        if index > 0 {
            out.push(options.delimiter);
        }
        match (field, &options.csv) {
            (None, _) => out.extend_from_slice(&options.null),
            (Some(field), None) => write_text(out, field, options.delimiter),
            (Some(field), Some(csv)) => {
                let quoted = csv.force_quote.has(index) || needs_quotes(options, csv, field, alone);
                write_csv(out, csv, field, quoted);
            }
        }
    }
    out.push(b'\n');
}

fn write_text(out: &mut Vec<u8>, field: &[u8], delimiter: u8) {
    let mut rest = field;
    let special = |byte: &u8| matches!(byte, 8..=13 | b'\\') || *byte == delimiter;
    while let Some(at) = rest.iter().position(special) {
        let (plain, tail) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((&byte, tail)) = tail.split_first() else { break };
        out.push(b'\\');
        out.push(match byte {
            8 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            11 => b'v',
            12 => b'f',
            b'\r' => b'r',
            other => other,
        });
        rest = tail;
    }
    out.extend_from_slice(rest);
}

fn needs_quotes(options: &CopyOptions, csv: &Csv, field: &[u8], alone: bool) -> bool {
    let special = |byte: &u8| {
        *byte == options.delimiter || *byte == csv.quote || matches!(byte, b'\n' | b'\r')
    };
    field == options.null || (alone && field == b"\\.") || field.iter().any(special)
}

fn write_csv(out: &mut Vec<u8>, csv: &Csv, field: &[u8], quoted: bool) {
    if !quoted {
        out.extend_from_slice(field);
        return;
    }
    out.push(csv.quote);
    for byte in field {
        if *byte == csv.quote || *byte == csv.escape {
            out.push(csv.escape);
        }
        out.push(*byte);
    }
    out.push(csv.quote);
}
