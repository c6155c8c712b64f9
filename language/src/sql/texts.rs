//! What can be told of a text by its tokens alone: its highest parameter, and the values of its
//! literals.
//!
//! Both are needed without a tree: the binder sizes the row of parameters before it binds, and a
//! plan from the cache is run with the literals of a text that was never parsed.

use super::ast::LiteralValue;
use super::dialect::Dialect;
use super::error::Result;
use super::lexer::{Lexer, TokenKind, text_of};
use super::literal;

/// The highest `$n` of a text; 0 where it has none.
///
/// # Errors
/// What the lexer refuses.
pub fn highest_parameter(text: &str, dialect: Dialect) -> Result<u32> {
    let mut lexer = Lexer::new(text, dialect)?;
    let mut highest = 0;
    loop {
        let token = lexer.next_token()?;
        match token.kind {
            TokenKind::End => return Ok(highest),
            TokenKind::Parameter => {
                let digits = text_of(text, token).trim_start_matches('$');
                // A number that does not fit is no parameter that anything could have.
                highest = highest.max(digits.parse().unwrap_or(u32::MAX));
            }
            _ => {}
        }
    }
}

/// The first `$n` of a text: its number as it is written, and its offset.
///
/// # Errors
/// What the lexer refuses.
pub fn first_parameter(text: &str, dialect: Dialect) -> Result<Option<(&str, u32)>> {
    let mut lexer = Lexer::new(text, dialect)?;
    loop {
        let token = lexer.next_token()?;
        match token.kind {
            TokenKind::End => return Ok(None),
            TokenKind::Parameter => {
                let digits = text_of(text, token).trim_start_matches('$');
                return Ok(Some((digits, token.start)));
            }
            _ => {}
        }
    }
}

/// The values of a text's literals as text, in the order of their ordinals, without a sign that may
/// stand before one.
///
/// # Errors
/// What the lexer refuses.
pub fn literal_texts(text: &str, dialect: Dialect) -> Result<Vec<String>> {
    let mut lexer = Lexer::new(text, dialect)?;
    let mut values = Vec::new();
    loop {
        let token = lexer.next_token()?;
        if token.kind == TokenKind::End {
            return Ok(values);
        }
        if token.kind.is_literal() {
            values.push(value_text(literal::value(text, token)?));
        }
    }
}

/// A literal's value as text.
pub fn value_text(value: LiteralValue) -> String {
    match value {
        LiteralValue::Int4(number) => number.to_string(),
        LiteralValue::Int8(number) => number.to_string(),
        LiteralValue::Numeric(text) | LiteralValue::Text(text) | LiteralValue::Bit(_, text) => text,
    }
}

/// A stored expression's text with a column's name replaced. A name before a parenthesis is a
/// function, one behind `::` a type.
///
/// # Errors
/// What the lexer refuses.
pub fn rename_column(text: &str, from: &str, to: &str, dialect: Dialect) -> Result<String> {
    let mut lexer = Lexer::new(text, dialect)?;
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next_token()?;
        if token.kind == TokenKind::End {
            break;
        }
        tokens.push(token);
    }
    let mut renamed = String::with_capacity(text.len());
    let mut copied = 0;
    for (at, token) in tokens.iter().enumerate() {
        let is_name = matches!(token.kind, TokenKind::Word | TokenKind::QuotedName);
        let called = tokens.get(at + 1).is_some_and(|next| text_of(text, *next) == "(");
        let after = at.checked_sub(1).and_then(|before| tokens.get(before));
        let is_type = after.is_some_and(|before| text_of(text, *before) == "::");
        if !is_name || called || is_type || literal::name(text, *token, dialect)? != from {
            continue;
        }
        renamed.push_str(text.get(copied..token.start as usize).unwrap_or(""));
        renamed.push_str(&super::deparse::quote_name(to));
        copied = token.end as usize;
    }
    renamed.push_str(text.get(copied..).unwrap_or(""));
    Ok(renamed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_tell() {
        let text =
            "select $2, '$9', 1.50 -- $7\n where a = E'x\\'y' and b = 12345678901 and c = $1";
        assert_eq!(highest_parameter(text, Dialect::PostgreSql), Ok(2));
        let values = literal_texts(text, Dialect::PostgreSql).unwrap();
        assert_eq!(values, ["$9", "1.50", "x'y", "12345678901"]);
    }

    #[test]
    fn a_column_is_renamed_where_it_is_one() {
        let renamed = rename_column(
            "(a > 0) AND (length(a) < a::a) AND b = 'a'",
            "a",
            "New",
            Dialect::PostgreSql,
        );
        assert_eq!(
            renamed.unwrap(),
            "(\"New\" > 0) AND (length(\"New\") < \"New\"::a) AND b = 'a'"
        );
    }
}
