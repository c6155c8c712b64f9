//! Paths, and what they lead to.
//!
//! ```text
//!   a.b   {a: {b: 1}}             1
//!         {a: 1}, {}              nothing (which null equals)
//!         {a: [{b: 1}, 5, {}]}    1, nothing      documents in the array, one by one
//!         {a: []}                 no candidate at all
//!   a     {a: [1, [2]]}           1, [2], and [1, [2]] itself
//!   a.0   {a: [7], …}             7               a number is a position, and a field of elements
//! ```
//!
//! Arrays are walked one level at a step: an array in an array is not looked into, unless a number
//! names its position. What is at a position is one candidate, whatever it is.
//!
//! Rejected: gathering the candidates first. Most tests are answered by the first of them, and a
//! gathered list of an array is as long as the array.

use std::fmt;

use value::Raw;

use crate::Result;
use crate::function::array::damaged;

/// A dotted path into a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    name: String,
    /// The position that the name is, too.
    position: Option<usize>,
}

/// Sees one candidate, `None` for nothing; true: enough.
pub(super) type Visit<'v> = &'v mut dyn FnMut(Option<Raw<'_>>) -> Result<bool>;

impl Path {
    /// The path that a dotted text is.
    pub fn new(dotted: &str) -> Path {
        let step = |name: &str| Step { name: name.to_owned(), position: position(name) };
        Path { steps: dotted.split('.').map(step).collect() }
    }

    /// The name, where the path is no longer than one.
    pub fn single(&self) -> Option<&str> {
        match self.steps.as_slice() {
            [step] => Some(&step.name),
            _ => None,
        }
    }

    /// Whether the last name is a position, too.
    pub(super) fn ends_in_position(&self) -> bool {
        self.steps.last().is_some_and(|step| step.position.is_some())
    }

    /// This path, and from there on another.
    #[must_use]
    pub fn then(&self, rest: &Path) -> Path {
        Path { steps: self.steps.iter().chain(&rest.steps).cloned().collect() }
    }

    /// Shows each candidate to `visit` until it says that it is enough; whether it did. `inside`:
    /// an array at the end gives its elements as well.
    ///
    /// # Errors
    /// Damaged bytes; what `visit` says.
    pub(super) fn candidates(
        &self,
        document: Raw<'_>,
        inside: bool,
        visit: Visit<'_>,
    ) -> Result<bool> {
        in_document(document, &self.steps, inside, visit)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.steps.iter().enumerate() {
            let dot = if at == 0 { "" } else { "." };
            write!(f, "{dot}{}", step.name)?;
        }
        Ok(())
    }
}

/// The position that a name is: digits without needless zeros.
fn position(name: &str) -> Option<usize> {
    let plain = name == "0" || !name.starts_with('0');
    let digits = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    if plain && digits { name.parse().ok() } else { None }
}

fn in_document(document: Raw<'_>, steps: &[Step], inside: bool, visit: Visit<'_>) -> Result<bool> {
    let Some((step, rest)) = steps.split_first() else { return Ok(false) };
    match document.find(value::Key::Name(&step.name)).map_err(damaged)? {
        None => visit(None),
        Some(found) if rest.is_empty() => at_end(found, inside, visit),
        Some(found) => below(found, rest, inside, visit),
    }
}

fn at_end(found: Raw<'_>, inside: bool, visit: Visit<'_>) -> Result<bool> {
    if inside {
        for element in found.elements() {
            if visit(Some(element.map_err(damaged)?))? {
                return Ok(true);
            }
        }
    }
    visit(Some(found))
}

/// What is left of the path, from a value that is no end.
fn below(found: Raw<'_>, steps: &[Step], inside: bool, visit: Visit<'_>) -> Result<bool> {
    if found.is_document() {
        return in_document(found, steps, inside, visit);
    }
    if !found.is_array() {
        return visit(None);
    }
    let (position, rest) = match steps.split_first() {
        Some((step, rest)) => (step.position, rest),
        None => return Ok(false),
    };
    for (at, element) in found.elements().enumerate() {
        let element = element.map_err(damaged)?;
        if element.is_document() && in_document(element, steps, inside, visit)? {
            return Ok(true);
        }
        if position == Some(at) {
            let enough = match rest.is_empty() {
                true => visit(Some(element))?,
                false => below(element, rest, inside, visit)?,
            };
            if enough {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
