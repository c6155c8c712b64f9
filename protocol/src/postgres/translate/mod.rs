//! Between the wire and the library: a Bind's values in, rows and their description out.
//!
//! ```text
//!   Bind ─ formats, values ─▶ Arguments ─ Parameters::datum ─▶ Datum in the statement's arena
//!   Batch ─ row of datums ─▶ RowWriter ─▶ 'D' in the write buffer, text or binary by column
//!   OutputColumn ─▶ wire_type ─▶ 'T'
//! ```
//!
//! What a datum looks like on the wire follows from the datum; the column's type is asked only
//! where the datum does not tell (CHAR(n), integers' width, json against jsonb, the reg… types).
//! Integers that PostgreSQL has not are described as the next wider one that it has (MAPPING).
//!
//! **Invariants.** A value is written in place: no allocation for a field but for json, arrays and
//! records, which share one scratch string. What is described is what is sent.
//!
//! **Rejected.** An encoder object for each column, chosen once for each execution: it costs an
//! allocation for each short query and saves a match that the processor predicts.

mod describe;
mod parameters;
mod rows;

pub use describe::{describe_parameters, describe_rows, wire_type};
pub use parameters::Arguments;
pub use rows::{ResultFormats, RowWriter};
