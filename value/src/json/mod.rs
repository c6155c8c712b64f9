//! Values as JSON text and back.
//!
//! ```text
//!   style      {"bb": 2, "a": [1, 2.50]}                     keys       numbers
//!   JSONB      {"a": [1, 2.50], "bb": 2}                     sorted     no exponent
//!   COMPACT    {"bb":2,"a":[1,2.50]}                         as stored  shortest
//!   SPACED     {"bb": 2, "a": [1, 2.50]}                     as stored  shortest
//!   PRETTY     as jsonb_pretty: one entry a line, 4 spaces   sorted     no exponent
//! ```
//!
//! What JSON has no type for becomes text, in the form that the type has in SQL (dates and
//! timestamps by ISO 8601, bytes as `\x…`, ObjectIds as 24 digits, floats that are not numbers as
//! `"NaN"`), so that `->>` shows what a cast would. The types that only BSON has become MongoDB's
//! extended JSON, because no text would say what they are:
//!
//! ```text
//!   {"$regularExpression": {"pattern": "^a", "options": "i"}}   {"$timestamp": {"t": 1, "i": 2}}
//!   {"$code": "f()", "$scope": {}}   {"$minKey": 1}   {"$maxKey": 1}   {"$undefined": true}
//!   {"$dbPointer": {"$ref": "db.c", "$id": {"$oid": "…"}}}
//! ```
//!
//! Reading is RFC 8259, strictly. A number becomes an Int64; else a Float64 if that prints the
//! same; else a Decimal with its scale: no digit of a document is lost by storing it. Of a key that
//! occurs twice the last value wins, in the place of the first.
//!
//! The parser writes CBOR as it goes: there is no tree between text and stored bytes. Sorting by
//! length and then bytes is `jsonb`'s order; it costs a list of entries for each document, and only
//! where asked.

mod parse;
mod write;

pub use parse::{Error, ErrorKind, Options, parse, parse_into, parse_value};
pub use write::{Style, value_to_string, write};

use crate::{Damaged, Raw};

impl Raw<'_> {
    /// The item as JSON text.
    ///
    /// # Errors
    /// Damage.
    pub fn to_json(self, style: Style) -> Result<String, Damaged> {
        let mut out = String::new();
        write(self, style, &mut out)?;
        Ok(out)
    }
}
