//! Array literals: `{1,2,NULL}`, `{{a,"b c"},{"\"",d}}`.
//!
//! ```text
//!   array   = '{' [ item { ',' item } ] '}'       blanks around items do not count
//!   item    = array | '"' … '"' | word            in quotes and outside, a backslash takes the next
//!   NULL without quotes is NULL                   character as it is
//! ```
//!
//! Every sub-array of a level must be of one length. Bounds (`[2:3]={…}`) are read, and refused by
//! name where a lower bound is not 1, since the stored form has none.

use value::Raw;

use super::input;
use crate::expression::Session;
use crate::function::array::{self, DIMENSIONS_MAX, too_many_dimensions};
use crate::{Arena, Datum, Error, ErrorKind, Result, Scalar, Type};

struct Parser<'t> {
    text: &'t str,
    at: usize,
    /// Lengths of the dimensions, found at their first array.
    lengths: Vec<Option<usize>>,
    /// The depth at which elements stand.
    element_depth: Option<usize>,
    elements: Vec<Option<String>>,
}

/// Reads an array literal.
pub(super) fn parse<'a>(
    session: &dyn Session,
    scalar: Scalar,
    text: &str,
    modifier: i32,
    arena: &'a Arena,
) -> Result<Datum<'a>> {
    let mut parser =
        Parser { text, at: 0, lengths: Vec::new(), element_depth: None, elements: Vec::new() };
    parser.blanks();
    let bounds = parser.bounds()?;
    parser.blanks();
    if parser.peek() != Some('{') {
        return Err(parser.malformed("Array value must start with \"{\" or dimension information."));
    }
    parser.array(0)?;
    parser.blanks();
    if parser.peek().is_some() {
        return Err(parser.malformed("Junk after closing right brace."));
    }
    let mut shape: Vec<usize> = parser.lengths.iter().map_while(|length| *length).collect();
    if parser.elements.is_empty() {
        shape.clear();
    }
    if bounds.as_ref().is_some_and(|bounds| *bounds != shape) {
        return Err(parser.malformed("Specified array dimensions do not match array contents."));
    }
    if shape.len() > 1 && matches!(scalar, Scalar::Json | Scalar::Jsonb) {
        return Err(Error::unsupported("an array of json with several dimensions"));
    }
    let read = |word: &Option<String>| match word {
        None => Ok(Datum::Null),
        Some(word) => input(session, Type::of(scalar), word, modifier, arena),
    };
    let elements: Result<Vec<Datum<'a>>> = parser.elements.iter().map(read).collect();
    let bytes = array::shaped(&shape, &mut elements?.into_iter(), scalar)?;
    Ok(Datum::Array(Raw::new(arena.bytes(&bytes))))
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|c| c.is_ascii_whitespace()) {
            self.next();
        }
    }

    #[cold]
    fn malformed(&self, detail: &str) -> Error {
        let message = format!("malformed array literal: \"{}\"", self.text);
        Error::new(ErrorKind::Type, "22P02", message).detail(detail)
    }

    /// `[1:2][1:3]=`, as lengths.
    fn bounds(&mut self) -> Result<Option<Vec<usize>>> {
        if self.peek() != Some('[') {
            return Ok(None);
        }
        let Some((head, _)) = self.text.split_once('=') else {
            return Err(self.malformed("Missing \"=\" after array dimensions."));
        };
        let mut lengths = Vec::new();
        for part in head.trim().split('[').skip(1) {
            let range = part.trim().strip_suffix(']').and_then(|range| {
                let (low, high) = range.split_once(':').unwrap_or(("1", range));
                Some((low.trim().parse::<i64>().ok()?, high.trim().parse::<i64>().ok()?))
            });
            let Some((low, high)) = range else {
                return Err(
                    self.malformed("\"[\" must introduce explicitly-specified array dimensions.")
                );
            };
            if low > high {
                let message = "upper bound cannot be less than lower bound";
                return Err(Error::new(ErrorKind::Type, "2202E", message));
            }
            if low != 1 {
                return Err(Error::unsupported("an array whose lower bound is not 1"));
            }
            lengths.push(usize::try_from(high).unwrap_or(0));
        }
        self.at = head.len() + 1;
        Ok(Some(lengths))
    }

    /// An array whose brace comes next.
    fn array(&mut self, depth: usize) -> Result<()> {
        if depth >= DIMENSIONS_MAX {
            return Err(too_many_dimensions(depth + 1));
        }
        self.next();
        let mut count = 0;
        loop {
            self.blanks();
            match self.peek() {
                Some('}') if count == 0 => {
                    if depth > 0 {
                        return Err(self.malformed("Unexpected \"}\" character."));
                    }
                    self.next();
                    return self.ended(depth, count);
                }
                Some('{') => {
                    if self.element_depth.is_some_and(|at| at <= depth) {
                        return Err(self.ragged());
                    }
                    self.array(depth + 1)?;
                }
                Some(_) => self.element(depth)?,
                None => return Err(self.malformed("Unexpected end of input.")),
            }
            count += 1;
            self.blanks();
            match self.next() {
                Some(',') => {
                    self.blanks();
                    if self.peek() == Some('}') {
                        return Err(self.malformed("Unexpected \"}\" character."));
                    }
                }
                Some('}') => return self.ended(depth, count),
                Some(_) => return Err(self.malformed("Unexpected array element.")),
                None => return Err(self.malformed("Unexpected end of input.")),
            }
        }
    }

    #[cold]
    fn ragged(&self) -> Error {
        self.malformed("Multidimensional arrays must have sub-arrays with matching dimensions.")
    }

    /// Every array of one depth has one length.
    fn ended(&mut self, depth: usize, count: usize) -> Result<()> {
        if self.lengths.len() <= depth {
            self.lengths.resize(depth + 1, None);
        }
        match self.lengths.get_mut(depth) {
            Some(Some(known)) if *known != count => Err(self.ragged()),
            Some(length) => {
                *length = Some(count);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn element(&mut self, depth: usize) -> Result<()> {
        let first_here = *self.element_depth.get_or_insert(depth);
        if first_here != depth || self.lengths.get(depth + 1).is_some_and(Option::is_some) {
            return Err(self.ragged());
        }
        let word = if self.peek() == Some('"') { self.quoted()? } else { self.word()? };
        self.elements.push(word);
        Ok(())
    }

    fn quoted(&mut self) -> Result<Option<String>> {
        self.next();
        let mut word = String::new();
        loop {
            match self.next() {
                Some('"') => return Ok(Some(word)),
                Some('\\') => word.extend(self.next()),
                Some(other) => word.push(other),
                None => return Err(self.malformed("Unexpected end of input.")),
            }
        }
    }

    fn word(&mut self) -> Result<Option<String>> {
        let (mut word, mut escaped, mut kept) = (String::new(), false, 0);
        loop {
            match self.peek() {
                None => return Err(self.malformed("Unexpected end of input.")),
                Some(',' | '}') => break,
                Some('{') => return Err(self.malformed("Unexpected \"{\" character.")),
                Some('"') => return Err(self.malformed("Unexpected array element.")),
                Some('\\') => {
                    self.next();
                    word.extend(self.next());
                    (escaped, kept) = (true, word.len());
                }
                Some(other) => {
                    self.next();
                    word.push(other);
                    if !other.is_ascii_whitespace() {
                        kept = word.len();
                    }
                }
            }
        }
        word.truncate(kept);
        if word.is_empty() && !escaped {
            let found = self.peek().unwrap_or('}');
            return Err(self.malformed(&format!("Unexpected \"{found}\" character.")));
        }
        let null = !escaped && word.eq_ignore_ascii_case("null");
        Ok((!null).then_some(word))
    }
}
