//! The range of keys that a LIKE pattern begins with.
//!
//! A pattern is often a parameter (a lifted literal), so its fixed beginning is known only at run
//! time: the bounds are calls of two functions of the optimizer's own. `abc%` gives `'abc' <= x <
//! 'abd'`, in the order of bytes that collation C is. A pattern without a fixed beginning gives
//! *Missing*, which a bound takes for "open".

use crate::expression::{Expression, Node as Expr};
use crate::function::{Arguments, Call, Function};
use crate::{Datum, Result, Type};

/// Whether a function is LIKE with the default escape.
pub(super) fn is_like(function: &Function) -> bool {
    function.name == "~~" && function.arguments == [Type::TEXT, Type::TEXT]
}

/// Lower (included) and upper (excluded) bound of the texts that a pattern can match.
pub(super) fn bounds(pattern: &Expression) -> (Expression, Expression) {
    let call = |function: &'static Function| {
        Expression::new(Expr::Call { function, arguments: vec![pattern.clone()] }, Type::TEXT)
    };
    (call(&START), call(&END))
}

static START: Function =
    Function::new("plan.like_start", "like_start", &[Type::TEXT], Type::TEXT, start);
static END: Function = Function::new("plan.like_end", "like_end", &[Type::TEXT], Type::TEXT, end);

fn start<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let prefix = beginning(a.text(0)?);
    Ok(if prefix.is_empty() { Datum::Missing } else { call.text(&prefix) })
}

fn end<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    Ok(successor(&beginning(a.text(0)?)).map_or(Datum::Missing, |text| call.text(&text)))
}

/// What every matching text begins with.
fn beginning(pattern: &str) -> String {
    let mut prefix = String::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '%' | '_' => break,
            '\\' => match chars.next() {
                Some(escaped) => prefix.push(escaped),
                None => break,
            },
            c => prefix.push(c),
        }
    }
    prefix
}

/// The least text above all that begin with this one; `None`: there is none.
fn successor(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        let next = match last {
            '\u{d7ff}' => Some('\u{e000}'),
            other => char::from_u32(u32::from(other) + 1),
        };
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_and_their_successors() {
        for (pattern, prefix, after) in [
            ("abc%", "abc", Some("abd")),
            ("%", "", None),
            ("a_c", "a", Some("b")),
            ("a\\%b%", "a%b", Some("a%c")),
            ("a\u{10ffff}%", "a\u{10ffff}", Some("b")),
            ("\u{d7ff}%", "\u{d7ff}", Some("\u{e000}")),
        ] {
            assert_eq!(beginning(pattern), prefix);
            assert_eq!(successor(prefix).as_deref(), after);
        }
    }
}
