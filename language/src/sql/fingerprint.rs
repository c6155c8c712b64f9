//! A statement's text without its literals: the key under which its plan is cached.
//!
//! Clients that put values into the text send a new text each time. The plan does not depend on
//! most
//! of those values, so the cache must find it without them, and fast: one pass over the tokens, no
//! tree, no allocation once the buffers have grown.
//!
//! ```text
//! text      SELECT * FROM t  WHERE a = 42 AND b='x' -- note
//! key       select * from t where a = ␁ and b = ␆                 ␁ int4, ␆ text
//! literals  0: Int4 "42"   1: Text "'x'"                           class, start, end
//! ```
//!
//! Words are folded, comments and white space go, every two tokens are one space apart, a literal
//! is
//! the byte of its [`LiteralClass`]; a semicolon at the end goes, too. The parser numbers literals
//! in
//! the same order (`Ordinal`), which is how a plan's lifted parameter finds its literal here.
//!
//! Invariants
//! - Equal keys mean equal token sequences up to the literals' values, so equal trees up to them.
//!   The
//!   class bytes are below 0x20, where no token outside quotes begins; a text with a stray control
//!   character is not cacheable.
//! - What the plan needs beyond this is the binder's to add: the settings, the parameters' types,
//!   and the values
//!   of literals that it looked at or the grammar fixed ([`Parsed::fixed`](super::ast::Parsed)).
//!
//! Rejected: hashing tokens instead of keeping the key (a collision would run another statement's
//! plan), and classes by type only (`-2147483648` is an int4 although `2147483648` is none).

use super::ast::LiteralValue;
use super::dialect::Dialect;
use super::error::Result;
use super::lexer::{Lexer, Token, TokenKind, text_of};
use super::literal::{self, LiteralClass};

/// A literal of a fingerprinted text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundLiteral {
    /// What its type follows from.
    pub class: LiteralClass,
    /// Where it stands.
    pub token: Token,
}

impl FoundLiteral {
    /// Its value, without a sign that may stand before it. `text` is the fingerprinted text.
    ///
    /// # Errors
    /// None for the text that was scanned; another text may hold bad escapes here.
    pub fn value(&self, text: &str) -> Result<LiteralValue> {
        literal::value(text, self.token)
    }
}

/// The key and the literals of a text. Keep one and scan into it again: its buffers stay.
#[derive(Clone, Debug, Default)]
pub struct Fingerprint {
    key: Vec<u8>,
    literals: Vec<FoundLiteral>,
    cacheable: bool,
}

impl Fingerprint {
    /// An empty one.
    pub fn new() -> Fingerprint {
        Fingerprint::default()
    }

    /// Reads a text, forgetting the one before.
    ///
    /// # Errors
    /// What the lexer refuses. (The parser may refuse the text earlier, for something to the left.)
    pub fn scan(&mut self, text: &str, dialect: Dialect) -> Result<()> {
        self.key.clear();
        self.literals.clear();
        self.cacheable = false;
        self.key.reserve(text.len() + 8);
        let mut lexer = Lexer::new(text, dialect)?;
        let mut ended = false;
        let mut valid = true;
        loop {
            let token = lexer.next_token()?;
            match token.kind {
                TokenKind::End => break,
                TokenKind::Semicolon => {
                    ended = true;
                    continue;
                }
                TokenKind::Other => valid = false,
                _ => {}
            }
            valid &= !ended;
            self.push(text, token);
        }
        self.cacheable = valid && !self.key.is_empty();
        Ok(())
    }

    #[inline]
    fn push(&mut self, text: &str, token: Token) {
        if !self.key.is_empty() {
            self.key.push(b' ');
        }
        if let Some(class) = literal::class(text, token) {
            self.key.push(class as u8);
            self.literals.push(FoundLiteral { class, token });
            return;
        }
        let source = text_of(text, token).as_bytes();
        let from = self.key.len();
        self.key.extend_from_slice(source);
        if token.kind == TokenKind::Word
            && let Some(word) = self.key.get_mut(from..)
        {
            word.make_ascii_lowercase();
        }
    }

    /// The text without its literals.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// The literals in order; the index is the `Ordinal` of the tree.
    pub fn literals(&self) -> &[FoundLiteral] {
        &self.literals
    }

    /// Whether a plan may be kept under the key: the text is one statement, and every character of
    /// it belongs to a token.
    pub fn is_cacheable(&self) -> bool {
        self.cacheable
    }
}

#[cfg(test)]
mod tests {
    use super::super::parser;
    use super::*;

    fn scan(text: &str) -> Fingerprint {
        let mut fingerprint = Fingerprint::new();
        fingerprint.scan(text, Dialect::PostgreSql).unwrap();
        fingerprint
    }

    #[test]
    fn space_and_comments_do_not_matter() {
        let one = scan("SELECT a FROM t WHERE b=1 AND c = 'x'");
        let other = scan("  select A\tfrom T /* /* c */ */ where B = 99 -- d\n and C='yy''y' ; ; ");
        assert_eq!(one.key(), other.key());
        assert_eq!(one.key(), b"select a from t where b = \x01 and c = \x06");
        assert!(one.is_cacheable() && other.is_cacheable());
        assert_eq!(
            other.literals()[1]
                .value("  select A\tfrom T /* /* c */ */ where B = 99 -- d\n and C='yy''y' ; ; "),
            Ok(LiteralValue::Text("yy'y".into()))
        );
    }

    #[test]
    fn what_matters_stays() {
        let different = [
            "SELECT 1",
            "SELECT 2147483648",
            "SELECT 2147483649",
            "SELECT 1.0",
            "SELECT '1'",
            "SELECT B'1'",
            "SELECT X'1'",
            "SELECT $1",
            "SELECT -1",
            "SELECT 1 + 1",
            "SELECT 1 + $1",
            "SELECT \"A\"",
            "SELECT \"a b\"",
            "SELECT a b",
            "SELECT a.b",
            "SELECT a",
        ];
        let mut keys: Vec<Vec<u8>> = different.iter().map(|t| scan(t).key().to_vec()).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), different.len());
    }

    #[test]
    fn what_cannot_be_cached() {
        for text in ["", " ;", "SELECT 1; SELECT 2", "SELECT \x01", "SELECT \\"] {
            assert!(!scan(text).is_cacheable(), "{text:?}");
        }
    }

    #[test]
    fn ordinals_agree_with_the_parser() {
        let text = "SELECT 1::numeric(10,2), 'x' FROM t WHERE a = -5 AND b IN (1.5, $1)";
        let fingerprint = scan(text);
        let parsed = parser::parse(text, Dialect::PostgreSql).unwrap();
        assert_eq!(parsed[0].literals as usize, fingerprint.literals().len());
        assert_eq!(parsed[0].fixed, [1, 2]);
    }
}
