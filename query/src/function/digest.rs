//! Digests and encodings of bytes: MD5, the SHA-2 family, base64, hex, escape.
//!
//! The digests are a page each and have not changed in decades; a dependency for them would weigh
//! more. They are held to the standards' own test vectors.

use super::Arguments;
use super::float::domain;
use super::names::*;
use crate::{Datum, Error, ErrorKind, Result};

/// The message in blocks, with the padding that both families share.
fn padded(message: &[u8], block: usize, length: &[u8]) -> Vec<u8> {
    let mut padded = message.to_vec();
    padded.push(0x80);
    while !(padded.len() + length.len()).is_multiple_of(block) {
        padded.push(0);
    }
    padded.extend_from_slice(length);
    padded
}

/// MD5 (RFC 1321).
pub fn md5(message: &[u8]) -> [u8; 16] {
    const SHIFTS: [[u32; 4]; 4] =
        [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
    let mut state: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    let bits = (message.len() as u64).wrapping_mul(8).to_le_bytes();
    for block in padded(message, 64, &bits).chunks_exact(64) {
        let mut words = [0u32; 16];
        for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
            *word = u32::from_le_bytes(bytes.try_into().unwrap_or_default());
        }
        let [mut a, mut b, mut c, mut d] = state;
        for i in 0..64usize {
            let (mix, at) = match i / 16 {
                0 => ((b & c) | (!b & d), i),
                1 => ((d & b) | (!d & c), (5 * i + 1) % 16),
                2 => (b ^ c ^ d, (3 * i + 5) % 16),
                _ => (c ^ (b | !d), (7 * i) % 16),
            };
            let sine = (((i + 1) as f64).sin().abs() * 4_294_967_296.0) as u32;
            let sum = a.wrapping_add(mix).wrapping_add(sine).wrapping_add(words[at % 16]);
            (a, d, c) = (d, c, b);
            b = b.wrapping_add(sum.rotate_left(SHIFTS[i / 16 % 4][i % 4]));
        }
        for (word, add) in state.iter_mut().zip([a, b, c, d]) {
            *word = word.wrapping_add(add);
        }
    }
    let mut out = [0; 16];
    for (bytes, word) in out.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    out
}

/// The first 64 bits of the fractional parts of cube roots (or square roots) of the first primes:
/// SHA-2's constants, which for SHA-256 are the upper halves.
fn prime_roots<const N: usize>(cube: bool) -> [u64; N] {
    let mut found = [0; N];
    let mut slots = found.iter_mut();
    let mut n = 2u128;
    while slots.len() > 0 {
        if (2..n).take_while(|d| d * d <= n).all(|d| !n.is_multiple_of(d))
            && let Some(slot) = slots.next()
        {
            *slot = root_fraction(n, cube);
        }
        n += 1;
    }
    found
}

/// 64 bits after the point of a root of n.
fn root_fraction(n: u128, cube: bool) -> u64 {
    use num_bigint::BigUint;
    let n = BigUint::from(n);
    let root = if cube { (n << 192u32).cbrt() } else { (n << 128u32).sqrt() };
    root.iter_u64_digits().next().unwrap_or(0)
}

macro_rules! sha2 {
    ($name:ident, $word:ty, $rounds:literal, $block:literal, $length:ty, $from:expr,
     [$a1:literal $a2:literal $a3:literal], [$e1:literal $e2:literal $e3:literal],
     [$s1:literal $s2:literal $s3:literal], [$t1:literal $t2:literal $t3:literal]) => {
        fn $name(message: &[u8], mut state: [$word; 8]) -> [$word; 8] {
            static CONSTANTS: std::sync::LazyLock<[$word; $rounds]> =
                std::sync::LazyLock::new(|| prime_roots::<$rounds>(true).map($from));
            let bits = (message.len() as $length).wrapping_mul(8).to_be_bytes();
            for block in padded(message, $block, &bits).chunks_exact($block) {
                let mut w = [0 as $word; $rounds];
                for (word, bytes) in w.iter_mut().zip(block.chunks_exact(size_of::<$word>())) {
                    *word = <$word>::from_be_bytes(bytes.try_into().unwrap_or_default());
                }
                for i in 16..$rounds {
                    let (x, y) = (w[i - 15], w[i - 2]);
                    let s0 = x.rotate_right($s1) ^ x.rotate_right($s2) ^ (x >> $s3);
                    let s1 = y.rotate_right($t1) ^ y.rotate_right($t2) ^ (y >> $t3);
                    w[i] = w[i - 16].wrapping_add(s0).wrapping_add(w[i - 7]).wrapping_add(s1);
                }
                let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
                for (constant, word) in CONSTANTS.iter().zip(w) {
                    let s1 = e.rotate_right($e1) ^ e.rotate_right($e2) ^ e.rotate_right($e3);
                    let choice = (e & f) ^ (!e & g);
                    let t1 = h.wrapping_add(s1).wrapping_add(choice);
                    let t1 = t1.wrapping_add(*constant).wrapping_add(word);
                    let s0 = a.rotate_right($a1) ^ a.rotate_right($a2) ^ a.rotate_right($a3);
                    let t2 = s0.wrapping_add((a & b) ^ (a & c) ^ (b & c));
                    (h, g, f, e) = (g, f, e, d.wrapping_add(t1));
                    (d, c, b, a) = (c, b, a, t1.wrapping_add(t2));
                }
                for (word, add) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
                    *word = word.wrapping_add(add);
                }
            }
            state
        }
    };
}

sha2!(sha32, u32, 64, 64, u64,
    |n: u64| (n >> 32) as u32, [2 13 22], [6 11 25], [7 18 3], [17 19 10]);
sha2!(sha64, u64, 80, 128, u128, |n: u64| n, [28 34 39], [14 18 41], [1 8 7], [19 61 6]);

/// SHA-256 (FIPS 180-4).
pub fn sha256(message: &[u8]) -> Vec<u8> {
    let start = prime_roots::<8>(false).map(|n| (n >> 32) as u32);
    sha32(message, start).iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// SHA-224: the roots of the ninth to sixteenth prime, their lower halves.
fn sha224(message: &[u8]) -> Vec<u8> {
    let mut start = [0; 8];
    for (slot, n) in start.iter_mut().zip(prime_roots::<16>(false).iter().skip(8)) {
        *slot = *n as u32;
    }
    sha32(message, start).iter().take(7).flat_map(|word| word.to_be_bytes()).collect()
}

fn sha512(message: &[u8]) -> Vec<u8> {
    let start = prime_roots::<8>(false);
    sha64(message, start).iter().flat_map(|word| word.to_be_bytes()).collect()
}

fn sha384(message: &[u8]) -> Vec<u8> {
    let mut start = [0; 8];
    for (slot, n) in start.iter_mut().zip(prime_roots::<16>(false).iter().skip(8)) {
        *slot = *n;
    }
    sha64(message, start).iter().take(6).flat_map(|word| word.to_be_bytes()).collect()
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Lines of 76 characters, as PostgreSQL (and RFC 2045) has them.
fn base64(bytes: &[u8]) -> String {
    let mut out = String::new();
    for (at, group) in bytes.chunks(3).enumerate() {
        if at > 0 && at % 19 == 0 {
            out.push('\n');
        }
        let mut bits = 0u32;
        for place in 0..3 {
            bits = bits << 8 | u32::from(group.get(place).copied().unwrap_or(0));
        }
        for place in 0..4 {
            let digit = bits >> (18 - 6 * place) & 63;
            let shown = place <= group.len() as u32;
            out.push(if shown { char::from(BASE64[digit as usize % 64]) } else { '=' });
        }
    }
    out
}

fn from_base64(text: &str) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let (mut bits, mut count, mut pads) = (0u32, 0, 0);
    for c in text.chars().filter(|c| !matches!(c, ' ' | '\t' | '\n' | '\r')) {
        if c == '=' {
            pads += 1;
            if count < 2 {
                return Err(domain("22023", "unexpected \"=\" while decoding base64 sequence"));
            }
        } else {
            let digit = BASE64.iter().position(|known| char::from(*known) == c);
            let Some(digit) = digit else {
                let message =
                    format!("invalid symbol \"{c}\" found while decoding base64 sequence");
                return Err(Error::new(ErrorKind::Type, "22023", message));
            };
            bits = bits << 6 | digit as u32;
            count += 1;
        }
        if count + pads == 4 {
            bits <<= 6 * pads;
            out.extend(bits.to_be_bytes().iter().skip(1).take(3 - pads as usize));
            (bits, count, pads) = (0, 0, 0);
        }
    }
    if count != 0 {
        return Err(domain("22023", "invalid base64 end sequence")
            .hint("Input data is missing padding, is truncated, or is otherwise corrupted."));
    }
    Ok(out)
}

fn escape(bytes: &[u8]) -> String {
    let mut out = String::new();
    for byte in bytes {
        match byte {
            0 | 0x80.. => out.push_str(&format!("\\{byte:03o}")),
            b'\\' => out.push_str("\\\\"),
            byte => out.push(char::from(*byte)),
        }
    }
    out
}

fn encode(bytes: &[u8], format: &str) -> Result<String> {
    match format.to_ascii_lowercase().as_str() {
        "hex" => Ok(value::text::id::hex(bytes)),
        "base64" => Ok(base64(bytes)),
        "escape" => Ok(escape(bytes)),
        _ => Err(unknown_encoding(format)),
    }
}

#[cold]
fn unknown_encoding(format: &str) -> Error {
    Error::new(ErrorKind::Type, "22023", format!("unrecognized encoding: \"{format}\""))
}

fn decode(text: &str, format: &str) -> Result<Vec<u8>> {
    match format.to_ascii_lowercase().as_str() {
        "hex" => from_hex(text),
        "base64" => from_base64(text),
        "escape" => value::text::id::parse_bytes(text)
            .map_err(|_| domain("22P02", "invalid input syntax for type bytea")),
        _ => Err(unknown_encoding(format)),
    }
}

fn from_hex(text: &str) -> Result<Vec<u8>> {
    let digits: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    if let Some(wrong) = digits.chars().find(|c| !c.is_ascii_hexdigit()) {
        let message = format!("invalid hexadecimal digit: \"{wrong}\"");
        return Err(Error::new(ErrorKind::Type, "22023", message));
    }
    value::text::id::unhex(digits.as_bytes())
        .map_err(|_| domain("22023", "invalid hexadecimal data: odd number of digits"))
}

fn is_utf8(name: &str) -> Result<()> {
    let plain: String =
        name.chars().filter(|c| c.is_ascii_alphanumeric()).collect::<String>().to_lowercase();
    match plain.as_str() {
        "utf8" | "unicode" | "sqlascii" => Ok(()),
        _ => Err(Error::unsupported(format_args!("encoding {name}"))),
    }
}

pub(super) static TABLE: &[Function] = &[
    f("sql.md5", "md5", &[TEXT], TEXT, |c, a| {
        Ok(c.text(&value::text::id::hex(&md5(a.text(0)?.as_bytes()))))
    }),
    f("sql.md5_bytea", "md5", &[BYTEA], TEXT, |c, a| {
        Ok(c.text(&value::text::id::hex(&md5(a.bytes(0)?))))
    }),
    f("sql.sha224", "sha224", &[BYTEA], BYTEA, |c, a| Ok(c.bytes(&sha224(a.bytes(0)?)))),
    f("sql.sha256", "sha256", &[BYTEA], BYTEA, |c, a| Ok(c.bytes(&sha256(a.bytes(0)?)))),
    f("sql.sha384", "sha384", &[BYTEA], BYTEA, |c, a| Ok(c.bytes(&sha384(a.bytes(0)?)))),
    f("sql.sha512", "sha512", &[BYTEA], BYTEA, |c, a| Ok(c.bytes(&sha512(a.bytes(0)?)))),
    f("sql.encode", "encode", &[BYTEA, TEXT], TEXT, |c, a| {
        encode(a.bytes(0)?, a.text(1)?).map(|text| c.text(&text))
    }),
    f("sql.decode", "decode", &[TEXT, TEXT], BYTEA, |c, a| {
        decode(a.text(0)?, a.text(1)?).map(|bytes| c.bytes(&bytes))
    }),
    f("sql.convert_to", "convert_to", &[TEXT, NAME], BYTEA, |_, a| {
        is_utf8(a.text(1)?)?;
        Ok(Datum::Bytes(a.text(0)?.as_bytes()))
    }),
    f("sql.convert_from", "convert_from", &[BYTEA, NAME], TEXT, |_, a| {
        is_utf8(a.text(1)?)?;
        let text = std::str::from_utf8(a.bytes(0)?);
        text.map(Datum::Text).map_err(|error| {
            let byte = a.bytes(0).ok().and_then(|bytes| bytes.get(error.valid_up_to()).copied());
            let byte = byte.unwrap_or(0);
            let message = format!("invalid byte sequence for encoding \"UTF8\": 0x{byte:02x}");
            Error::new(ErrorKind::Type, "22021", message)
        })
    }),
];
