//! UUIDs, ObjectIds and bytes in hexadecimal.
//!
//! Output is in lower case: `550e8400-e29b-41d4-a716-446655440000`, `507f1f77bcf86cd799439011`,
//! `\x00ff`. A UUID is read as PostgreSQL reads it: hyphens after any group of four digits, braces
//! around, any case. Bytes are read as `\x` and hexadecimal (blanks between pairs), or in `bytea`'s
//! older escape form.

use super::TextError;

/// The UUID's text.
pub fn format_uuid(uuid: &[u8; 16]) -> String {
    uuid::Uuid::from_bytes(*uuid).hyphenated().to_string()
}

/// Reads a UUID.
///
/// # Errors
/// `Syntax`.
pub fn parse_uuid(text: &str) -> Result<[u8; 16], TextError> {
    let text = text.trim_ascii();
    let inner = match text.strip_prefix('{') {
        Some(open) => open.strip_suffix('}').ok_or(TextError::Syntax)?,
        None => text,
    };
    let mut digits = Vec::with_capacity(32);
    let mut hyphen_allowed = false;
    for byte in inner.bytes() {
        if byte == b'-' && hyphen_allowed {
            hyphen_allowed = false;
            continue;
        }
        digits.push(byte);
        hyphen_allowed = digits.len() % 4 == 0 && digits.len() < 32;
    }
    unhex(&digits)?.try_into().map_err(|_| TextError::Syntax)
}

/// The ObjectId's 24 digits.
pub fn format_object_id(id: &[u8; 12]) -> String {
    hex(id)
}

/// Reads 24 hexadecimal digits.
///
/// # Errors
/// `Syntax`.
pub fn parse_object_id(text: &str) -> Result<[u8; 12], TextError> {
    unhex(text.as_bytes())?.try_into().map_err(|_| TextError::Syntax)
}

/// Two digits for each byte.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |n: u8| char::from_digit(n.into(), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Bytes of pairs of digits.
///
/// # Errors
/// `Syntax`.
pub fn unhex(digits: &[u8]) -> Result<Vec<u8>, TextError> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|n| n as u8);
    let pairs = digits.chunks(2).map(|pair| match *pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    });
    pairs.collect::<Option<_>>().ok_or(TextError::Syntax)
}

/// Bytes as `bytea` shows them: `\x00ff`.
pub fn format_bytes(bytes: &[u8]) -> String {
    format!("\\x{}", hex(bytes))
}

/// Reads `bytea`: `\x` and digits, or text in which `\\` is a backslash and `\ooo` a byte in octal.
///
/// # Errors
/// `Syntax`.
pub fn parse_bytes(text: &str) -> Result<Vec<u8>, TextError> {
    if let Some(digits) = text.strip_prefix("\\x") {
        let digits: Vec<u8> = digits.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        return unhex(&digits);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first != b'\\' {
            out.push(first);
            continue;
        }
        match tail {
            [b'\\', tail @ ..] => {
                out.push(b'\\');
                rest = tail;
            }
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..] => {
                out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = tail;
            }
            _ => return Err(TextError::Syntax),
        }
    }
    Ok(out)
}
