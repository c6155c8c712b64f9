//! Regular expressions of filters.
//!
//! MongoDB's are Perl's; here they are run by the `regex` crate, in linear time. What needs
//! backtracking (look-around, back references) is refused when the filter is made.
//!
//! A pattern is compiled once, with the filter, and shared by all its copies.

use std::sync::Arc;

use value::{Document, Item, Raw};

use crate::function::array::damaged;
use crate::search::{Search, Syntax};
use crate::{Error, ErrorKind, Result};

/// A compiled pattern with its options.
#[derive(Debug, Clone)]
pub struct Pattern {
    pattern: String,
    options: String,
    compiled: Arc<Search>,
}

impl Pattern {
    /// Compiles a pattern. Options: `i` any case, `m` lines, `s` a dot is any character, `x` blanks
    /// and comments are left out, `u` as ever.
    ///
    /// # Errors
    /// 2201B for what is no pattern, and for one that needs backtracking; 22023 for an option that
    /// there is not.
    pub fn new(pattern: &str, options: &str) -> Result<Pattern> {
        let mut syntax = Syntax::default();
        for option in options.chars() {
            match option {
                'i' => syntax.fold_case = true,
                'm' => syntax.lines = true,
                's' => syntax.dot_is_all = true,
                'x' => syntax.expanded = true,
                'u' => {}
                other => {
                    let message = format!("invalid regular expression option: \"{other}\"");
                    return Err(Error::new(ErrorKind::Type, "22023", message));
                }
            }
        }
        let compiled = Search::new(pattern, syntax).map_err(|error| {
            // The last of several lines says why; those before it show where.
            let (shown, at) = (error.to_string(), "error: ");
            let why = shown.lines().last().unwrap_or_default().trim_start_matches(at);
            let message = format!("invalid regular expression: {why}");
            Error::new(ErrorKind::Type, "2201B", message)
        })?;
        Ok(Pattern {
            pattern: pattern.to_owned(),
            options: options.to_owned(),
            compiled: Arc::new(compiled),
        })
    }

    /// A text in which it is found; or the expression itself, stored as one.
    pub(super) fn passes(&self, candidate: Raw<'_>) -> Result<bool> {
        Ok(match candidate.item().map_err(damaged)? {
            Item::Text(text) | Item::Symbol(text) => self.compiled.is_match(text)?,
            Item::Regex { pattern, options } => pattern == self.pattern && options == self.options,
            _ => false,
        })
    }

    pub(super) fn shown(&self) -> Document {
        let mut shown = Document::new();
        shown.push("$regex", self.pattern.as_str());
        if !self.options.is_empty() {
            shown.push("$options", self.options.as_str());
        }
        shown
    }
}
