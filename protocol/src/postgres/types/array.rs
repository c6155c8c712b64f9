//! Arrays: both forms, any element type, up to six dimensions.
//!
//! ```text
//!   text     {1,2,NULL}   {{a,b},{"c d","NULL"}}   [2:3]={1,2}
//!   binary   | dimensions i32 | has null i32 | element oid | (length i32, lower bound i32) … |
//!            | length i32 | bytes | … -1 for NULL
//! ```
//!
//! **Invariants.** Elements are in row order, as many as the shape's product. A text element is
//! quoted where it is empty, reads as NULL, or holds a brace, comma, quote, backslash or blank.
//! Nesting is at most six deep; nothing is allocated from a count.

use smallvec::SmallVec;

use super::TypeError;

/// The most dimensions an array has.
pub const DIMENSIONS_MAX: usize = 6;

/// Lengths and lower bounds, outermost first; none for an empty array.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape(pub Dimensions);

/// (length, lower bound) of each dimension.
pub type Dimensions = SmallVec<[(i32, i32); 1]>;

impl Shape {
    /// One dimension from 1; empty for no elements.
    #[must_use]
    pub fn list(length: usize) -> Self {
        match i32::try_from(length) {
            Ok(0) => Self::default(),
            Ok(length) => Self(SmallVec::from_slice(&[(length, 1)])),
            Err(_) => Self(SmallVec::from_slice(&[(i32::MAX, 1)])),
        }
    }

    /// How many elements it holds.
    ///
    /// # Errors
    /// A negative length, or more elements than a message can hold.
    pub fn count(&self) -> Result<usize, TypeError> {
        if self.0.is_empty() {
            return Ok(0);
        }
        let range = TypeError::Binary("array size exceeds the maximum allowed");
        self.0.iter().try_fold(1_usize, |count, (length, _)| {
            let length = usize::try_from(*length).map_err(|_| range)?;
            count.checked_mul(length).filter(|count| *count <= 1 << 27).ok_or(range)
        })
    }
}

/// Appends an array's text; `write` appends one element's.
pub fn write_text<T>(
    out: &mut Vec<u8>,
    shape: &Shape,
    items: impl IntoIterator<Item = Option<T>>,
    mut write: impl FnMut(&mut Vec<u8>, T),
) {
    if shape.0.is_empty() {
        out.extend_from_slice(b"{}");
        return;
    }
    if shape.0.iter().any(|(_, lower)| *lower != 1) {
        for (length, lower) in &shape.0 {
            let upper = i64::from(*lower) + i64::from(*length) - 1;
            out.push(b'[');
            super::text::write_int(out, *lower);
            out.push(b':');
            super::text::write_int(out, upper);
            out.push(b']');
        }
        out.push(b'=');
    }
    let mut items = items.into_iter();
    write_level(out, &shape.0, &mut items, &mut write);
}

fn write_level<T>(
    out: &mut Vec<u8>,
    shape: &[(i32, i32)],
    items: &mut impl Iterator<Item = Option<T>>,
    write: &mut impl FnMut(&mut Vec<u8>, T),
) {
    let Some(((length, _), inner)) = shape.split_first() else { return };
    out.push(b'{');
    for index in 0..*length {
        if index > 0 {
            out.push(b',');
        }
        if !inner.is_empty() {
            write_level(out, inner, items, write);
            continue;
        }
        match items.next() {
            // Fewer items than the shape says: a caller's mistake; the text stays well formed.
            None => break,
            Some(None) => out.extend_from_slice(b"NULL"),
            Some(Some(item)) => {
                let start = out.len();
                write(out, item);
                quote(out, start);
            }
        }
    }
    out.push(b'}');
}

/// Quotes what stands behind `start`, where it must be.
fn quote(out: &mut Vec<u8>, start: usize) {
    let item = out.get(start..).unwrap_or_default();
    let special = |byte: &u8| matches!(byte, b'{' | b'}' | b',' | b'"' | b'\\' | b' ' | 9..=13);
    if !item.is_empty() && !item.eq_ignore_ascii_case(b"null") && !item.iter().any(special) {
        return;
    }
    let item = item.to_vec();
    out.truncate(start);
    out.push(b'"');
    for byte in item {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// Appends an array's binary form; `write` appends one element's.
pub fn write_binary<T>(
    out: &mut Vec<u8>,
    shape: &Shape,
    element: u32,
    items: impl IntoIterator<Item = Option<T>>,
    mut write: impl FnMut(&mut Vec<u8>, T),
) {
    let word = |out: &mut Vec<u8>, number: i32| out.extend_from_slice(&number.to_be_bytes());
    word(out, shape.0.len() as i32);
    let null_at = out.len();
    word(out, 0);
    out.extend_from_slice(&element.to_be_bytes());
    for (length, lower) in &shape.0 {
        word(out, *length);
        word(out, *lower);
    }
    for item in items {
        let at = out.len();
        word(out, -1);
        match item {
            None => {
                if let Some(flag) = out.get_mut(null_at + 3) {
                    *flag = 1;
                }
            }
            Some(item) => {
                write(out, item);
                let length = i32::try_from(out.len() - at - 4).unwrap_or(i32::MAX);
                if let Some(slot) = out.get_mut(at..at + 4) {
                    slot.copy_from_slice(&length.to_be_bytes());
                }
            }
        }
    }
}

/// An array in binary form, taken apart: shape, element type, elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BinaryArray<'a> {
    /// Its shape.
    pub shape: Shape,
    /// The type of its elements.
    pub element: u32,
    /// Its elements in row order.
    pub items: Vec<Option<&'a [u8]>>,
}

/// Reads an array's binary form.
///
/// # Errors
/// The bytes do not add up, or there are more than six dimensions.
pub fn read_binary(bytes: &[u8]) -> Result<BinaryArray<'_>, TypeError> {
    let mut rest = bytes;
    let dimensions = usize::try_from(word(&mut rest)?)
        .map_err(|_| TypeError::Binary("invalid number of dimensions"))?;
    if dimensions > DIMENSIONS_MAX {
        return Err(TypeError::ArrayDimensions);
    }
    if !matches!(word(&mut rest)?, 0 | 1) {
        return Err(TypeError::Binary("invalid array flags"));
    }
    let element = word(&mut rest)? as u32;
    let mut shape = Shape::default();
    for _ in 0..dimensions {
        shape.0.push((word(&mut rest)?, word(&mut rest)?));
    }
    let mut items = Vec::new();
    for _ in 0..shape.count()? {
        items.push(match usize::try_from(word(&mut rest)?) {
            Ok(length) => {
                let (item, tail) = rest.split_at_checked(length).ok_or(TypeError::TooShort)?;
                rest = tail;
                Some(item)
            }
            Err(_) => None,
        });
    }
    // A dimension of no elements makes the whole array empty, whatever the others claim.
    if items.is_empty() {
        shape = Shape::default();
    }
    match rest {
        [] => Ok(BinaryArray { shape, element, items }),
        _ => Err(TypeError::TooLong),
    }
}

fn word(rest: &mut &[u8]) -> Result<i32, TypeError> {
    let (head, tail) = rest.split_first_chunk().ok_or(TypeError::TooShort)?;
    *rest = tail;
    Ok(i32::from_be_bytes(*head))
}

/// Reads an array's text: its shape and the texts of its elements in row order.
///
/// # Errors
/// Braces, quotes, commas or bounds that do not add up; sub-arrays of different lengths.
pub fn read_text(text: &str) -> Result<(Shape, Vec<Option<String>>), TypeError> {
    let mut reader = Reader { rest: text.trim_matches(is_space), items: Vec::new() };
    let bounds = reader.bounds()?;
    let mut lengths: [Option<i32>; DIMENSIONS_MAX] = [None; DIMENSIONS_MAX];
    let depth = reader.level(0, &mut lengths)?;
    if !reader.rest.is_empty() {
        return Err(TypeError::ArraySyntax);
    }
    let lengths = lengths.into_iter().take(depth).map(|length| length.unwrap_or(0));
    let mut shape = Shape(lengths.map(|length| (length, 1)).collect());
    if reader.items.is_empty() {
        shape = Shape::default();
    }
    if let Some(bounds) = bounds {
        let same = bounds.iter().map(|(length, _)| *length).eq(shape.0.iter().map(|(l, _)| *l));
        if !same {
            return Err(TypeError::ArraySyntax);
        }
        shape.0 = bounds;
    }
    Ok((shape, reader.items))
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r')
}

struct Reader<'a> {
    rest: &'a str,
    items: Vec<Option<String>>,
}

impl Reader<'_> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start_matches(is_space);
    }

    fn eat(&mut self, c: char) -> bool {
        self.blanks();
        let tail = self.rest.strip_prefix(c);
        self.rest = tail.unwrap_or(self.rest);
        tail.is_some()
    }

    /// `[l:u][l:u]=` in front.
    fn bounds(&mut self) -> Result<Option<Dimensions>, TypeError> {
        let mut bounds = Dimensions::new();
        while self.eat('[') {
            let (inner, tail) = self.rest.split_once(']').ok_or(TypeError::ArraySyntax)?;
            self.rest = tail;
            let (lower, upper) = inner.split_once(':').unwrap_or(("1", inner));
            let number =
                |text: &str| text.trim().parse::<i32>().map_err(|_| TypeError::ArraySyntax);
            let (lower, upper) = (number(lower)?, number(upper)?);
            let length = upper.checked_sub(lower).and_then(|n| n.checked_add(1));
            let length = length.filter(|n| *n > 0).ok_or(TypeError::ArraySyntax)?;
            bounds.push((length, lower));
            if bounds.len() > DIMENSIONS_MAX {
                return Err(TypeError::ArrayDimensions);
            }
        }
        match bounds.is_empty() {
            true => Ok(None),
            false if self.eat('=') => Ok(Some(bounds)),
            false => Err(TypeError::ArraySyntax),
        }
    }

    /// One `{…}`; gives how many levels it has.
    fn level(
        &mut self,
        depth: usize,
        lengths: &mut [Option<i32>; DIMENSIONS_MAX],
    ) -> Result<usize, TypeError> {
        if depth >= DIMENSIONS_MAX {
            return Err(TypeError::ArrayDimensions);
        }
        if !self.eat('{') {
            return Err(TypeError::ArraySyntax);
        }
        let mut count = 0;
        let mut levels = None;
        if !self.eat('}') {
            loop {
                self.blanks();
                let found = if self.rest.starts_with('{') {
                    self.level(depth + 1, lengths)?
                } else {
                    self.item()?;
                    depth + 1
                };
                if levels.is_some_and(|levels| levels != found) {
                    return Err(TypeError::ArraySyntax);
                }
                levels = Some(found);
                count += 1;
                if self.eat('}') {
                    break;
                }
                if !self.eat(',') {
                    return Err(TypeError::ArraySyntax);
                }
            }
        }
        let slot = lengths.get_mut(depth).ok_or(TypeError::ArrayDimensions)?;
        match slot {
            Some(length) if *length != count => return Err(TypeError::ArraySyntax),
            _ => *slot = Some(count),
        }
        Ok(levels.unwrap_or(depth + 1))
    }

    fn item(&mut self) -> Result<(), TypeError> {
        let mut item = String::new();
        let mut quoted = false;
        // Length of the item without blanks at its end; escaped and quoted blanks count.
        let mut solid = 0;
        let mut chars = self.rest.char_indices();
        let end = loop {
            let (at, c) = chars.next().ok_or(TypeError::ArraySyntax)?;
            match c {
                '"' if item.is_empty() && !quoted => {
                    quoted = true;
                    loop {
                        match chars.next().ok_or(TypeError::ArraySyntax)?.1 {
                            '"' => break,
                            '\\' => item.push(chars.next().ok_or(TypeError::ArraySyntax)?.1),
                            other => item.push(other),
                        }
                    }
                    solid = item.len();
                }
                ',' | '}' => break at,
                '{' | '"' => return Err(TypeError::ArraySyntax),
                _ if quoted && !is_space(c) => return Err(TypeError::ArraySyntax),
                '\\' => {
                    item.push(chars.next().ok_or(TypeError::ArraySyntax)?.1);
                    solid = item.len();
                }
                _ if quoted => {}
                other => {
                    item.push(other);
                    solid = if is_space(other) { solid } else { item.len() };
                }
            }
        };
        let raw_null = self
            .rest
            .get(..end)
            .is_some_and(|raw| raw.trim_matches(is_space).eq_ignore_ascii_case("null"));
        self.rest = self.rest.get(end..).unwrap_or_default();
        item.truncate(solid);
        match () {
            () if raw_null => self.items.push(None),
            () if item.is_empty() && !quoted => return Err(TypeError::ArraySyntax),
            () => self.items.push(Some(item)),
        }
        Ok(())
    }
}
