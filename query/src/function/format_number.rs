//! to_char and to_number of numbers: patterns of 9s and 0s.
//!
//! ```text
//!   pattern ──parse──► Items + Shape { digits before and after the point, … }
//!   number  ──round──► "-1234.50"  ──► one item after the other takes its digit
//! ```
//!
//! A number that needs more digits than the pattern has shows as `#`. Signs stand in front of the
//! first digit unless the pattern places them. `,` `G` and `.` `D` are the C locale's; L is a blank
//! there.

use value::Decimal;

use super::float::domain;
use super::names::*;
use super::{Arguments, Call, numeric};
use crate::{Datum, Error, ErrorKind, Result};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Item {
    Nine,
    Zero,
    Point,
    Comma,
    Currency,
    Minus,
    Plus,
    Sign,
    Ordinal(bool),
    Literal(char),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Lead {
    None,
    Before,
    After,
}

#[derive(Debug, Clone)]
struct Shape {
    items: Vec<Item>,
    before: usize,
    after: usize,
    shift: usize,
    zero_start: Option<usize>,
    zero_end: usize,
    decimal: bool,
    fill: bool,
    shifted: bool,
    lead: Lead,
    digits_before_lead: usize,
    placed_sign: bool,
    /// MI or SG: the sign of a negative number has its place.
    minus: bool,
    bracket: bool,
    roman: Option<bool>,
    exponent: bool,
}

#[cold]
fn wrong(message: &'static str) -> Error {
    domain("42601", message)
}

impl Shape {
    fn parse(pattern: &str) -> Result<Shape> {
        let mut shape = Shape {
            items: Vec::new(),
            before: 0,
            after: 0,
            shift: 0,
            zero_start: None,
            zero_end: 0,
            decimal: false,
            fill: false,
            shifted: false,
            lead: Lead::None,
            digits_before_lead: 0,
            placed_sign: false,
            minus: false,
            bracket: false,
            roman: None,
            exponent: false,
        };
        let mut rest = pattern;
        while let Some(c) = rest.chars().next() {
            let taken = shape.keyword(rest)?;
            if taken > 0 {
                rest = rest.get(taken..).unwrap_or("");
                continue;
            }
            rest = rest.get(c.len_utf8()..).unwrap_or("");
            match c {
                '"' => rest = shape.quoted(rest),
                '\\' if rest.starts_with('"') => {
                    shape.items.push(Item::Literal('"'));
                    rest = rest.get(1..).unwrap_or("");
                }
                c => shape.items.push(Item::Literal(c)),
            }
        }
        Ok(shape)
    }

    fn quoted<'t>(&mut self, text: &'t str) -> &'t str {
        let mut characters = text.chars();
        while let Some(c) = characters.next() {
            match c {
                '"' => break,
                '\\' => self.items.extend(characters.next().map(Item::Literal)),
                c => self.items.push(Item::Literal(c)),
            }
        }
        characters.as_str()
    }

    /// Reads a keyword at the front; answers its bytes.
    fn keyword(&mut self, text: &str) -> Result<usize> {
        const WORDS: [&str; 19] = [
            "EEEE", "FM", "MI", "PL", "PR", "RN", "SG", "TH", "SP", "9", "0", ".", "D", ",", "G",
            "L", "S", "V", "B",
        ];
        let word = WORDS.iter().find(|word| {
            text.get(..word.len()).is_some_and(|front| front.eq_ignore_ascii_case(word))
        });
        let Some(word) = word else { return Ok(0) };
        let lower = text.starts_with(|c: char| c.is_ascii_lowercase());
        self.apply(word, lower)?;
        Ok(word.len())
    }

    fn apply(&mut self, word: &str, lower: bool) -> Result<()> {
        if self.exponent && !matches!(word, "FM") {
            return Err(wrong("\"EEEE\" must be the last pattern used"));
        }
        match word {
            "9" => {
                if self.bracket {
                    return Err(wrong("\"9\" must be ahead of \"PR\""));
                }
                self.items.push(Item::Nine);
                self.count_digit();
            }
            "0" => {
                if self.bracket {
                    return Err(wrong("\"0\" must be ahead of \"PR\""));
                }
                if self.zero_start.is_none() && !self.decimal {
                    self.zero_start = Some(self.before);
                }
                self.items.push(Item::Zero);
                self.count_digit();
                self.zero_end = self.before + self.after;
            }
            "." | "D" => {
                if self.decimal {
                    return Err(wrong("multiple decimal points"));
                }
                if self.shifted {
                    return Err(wrong("cannot use \"V\" and decimal point together"));
                }
                self.decimal = true;
                self.items.push(Item::Point);
            }
            "," | "G" => self.items.push(Item::Comma),
            "L" => self.items.push(Item::Currency),
            "FM" => self.fill = true,
            "S" => {
                if self.lead != Lead::None {
                    return Err(wrong("cannot use \"S\" twice"));
                }
                if self.placed_sign || self.bracket {
                    return Err(wrong("cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together"));
                }
                self.lead = if self.decimal { Lead::After } else { Lead::Before };
                self.digits_before_lead = self.before;
            }
            "MI" | "PL" | "SG" => {
                if self.lead != Lead::None {
                    return Err(wrong("cannot use \"S\" and \"MI\" together"));
                }
                self.placed_sign = true;
                self.minus |= word != "PL";
                self.items.push(match word {
                    "MI" => Item::Minus,
                    "PL" => Item::Plus,
                    _ => Item::Sign,
                });
            }
            "PR" => {
                if self.lead != Lead::None || self.placed_sign {
                    return Err(wrong("cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together"));
                }
                self.bracket = true;
            }
            "RN" => self.roman = Some(lower),
            "TH" => self.items.push(Item::Ordinal(lower)),
            "V" => {
                if self.decimal {
                    return Err(wrong("cannot use \"V\" and decimal point together"));
                }
                self.shifted = true;
            }
            "EEEE" => self.exponent = true,
            _ => {}
        }
        Ok(())
    }

    fn count_digit(&mut self) {
        if self.shifted {
            self.shift += 1;
        } else if self.decimal {
            self.after += 1;
        } else {
            self.before += 1;
        }
    }
}

/// A number as the pattern wants it rounded: without sign, with the point where there are digits
/// after it.
struct Digits {
    negative: bool,
    text: String,
    /// Blanks or zeros in front.
    padding: usize,
}

fn overflowed(shape: &Shape) -> String {
    let mut text = "#".repeat(shape.before + shape.after + 1);
    if shape.decimal {
        text.replace_range(shape.before..=shape.before, ".");
    } else {
        text.truncate(shape.before);
    }
    text
}

fn digits_of(text: &str, shape: &Shape) -> Digits {
    let negative = text.starts_with('-');
    let text = text.trim_start_matches(['-', '+']);
    let length = text.find('.').unwrap_or(text.len());
    if length > shape.before {
        return Digits { negative, text: overflowed(shape), padding: 0 };
    }
    Digits { negative, text: text.to_owned(), padding: shape.before - length }
}

/// Where each item writes: PostgreSQL's one pass over pattern and digits.
struct Writer<'s> {
    shape: &'s Shape,
    digits: &'s [u8],
    at: usize,
    place: usize,
    padding: usize,
    negative: bool,
    sign_written: bool,
    started: bool,
    bracket: bool,
    lead: Lead,
    last_place: usize,
    /// The last digit that fill mode keeps.
    relevant: Option<usize>,
    out: String,
}

impl<'s> Writer<'s> {
    fn new(shape: &'s Shape, number: &'s Digits) -> Writer<'s> {
        let bracket = shape.bracket && (number.negative || !shape.fill);
        let quiet = !number.negative && shape.fill && shape.lead == Lead::None;
        let sign_written = shape.minus || quiet && !shape.placed_sign;
        let mut lead = shape.lead;
        if !shape.placed_sign && lead == Lead::Before && shape.before == shape.digits_before_lead {
            lead = Lead::After;
        }
        let relevant =
            (shape.fill && shape.decimal).then(|| last_relevant(number, shape)).flatten();
        let mut last_place = (shape.after + shape.before).wrapping_sub(1);
        if !sign_written && number.padding == 0 {
            last_place = last_place.wrapping_add(1);
        }
        Writer {
            shape,
            digits: number.text.as_bytes(),
            at: 0,
            place: 0,
            padding: number.padding,
            negative: number.negative,
            sign_written,
            started: false,
            bracket,
            lead,
            last_place,
            relevant,
            out: String::new(),
        }
    }

    fn sign(&self) -> char {
        if self.negative { '-' } else { '+' }
    }

    /// `9.9` shows 0.1 as ` .1`.
    fn hides_zero(&self) -> bool {
        self.shape.zero_start.is_none()
            && self.at == 0
            && self.digits.first() == Some(&b'0')
            && self.shape.after != 0
    }

    fn relevant_is_point(&self) -> bool {
        self.relevant.is_some_and(|at| self.digits.get(at) == Some(&b'.'))
    }

    fn digit(&mut self, item: Item) {
        let zeros_from = self.shape.zero_start;
        let due = self.place >= self.padding || zeros_from == Some(self.place);
        if !self.sign_written && due && (!self.hides_zero() || self.relevant_is_point()) {
            self.write_sign();
        }
        let zero_here = zeros_from.is_some_and(|from| from <= self.place);
        if self.place < self.padding && !zero_here {
            if !self.shape.fill {
                self.out.push(' ');
            }
        } else if self.place < self.padding {
            self.out.push('0');
            self.started = true;
        } else {
            self.real_digit(item);
        }
        let mut end =
            self.last_place + usize::from(self.padding > 0) + usize::from(self.shape.decimal);
        if self.relevant == Some(self.at) {
            end = self.place;
        }
        if self.place + 1 == end {
            if self.sign_written && self.bracket {
                self.out.push(if self.negative { '>' } else { ' ' });
            } else if self.lead == Lead::After {
                self.out.push(self.sign());
            }
        }
        self.place += 1;
    }

    fn write_sign(&mut self) {
        match self.lead {
            Lead::Before => self.out.push(self.sign()),
            Lead::After => {}
            Lead::None if self.bracket => self.out.push(if self.negative { '<' } else { ' ' }),
            Lead::None if self.negative => self.out.push('-'),
            Lead::None if !self.shape.fill => self.out.push(' '),
            Lead::None => {}
        }
        self.sign_written = true;
    }

    fn real_digit(&mut self, item: Item) {
        let Some(byte) = self.digits.get(self.at).copied() else {
            // Past the last digit only a point may be due.
            if item == Item::Point && !self.shape.fill {
                self.out.push('.');
            }
            return;
        };
        if byte == b'.' {
            if !self.relevant_is_point() || self.shape.fill {
                self.out.push('.');
            }
        } else if self.relevant.is_some_and(|last| self.at > last) && item != Item::Zero {
            // Fill mode leaves zeros at the end out.
        } else if self.hides_zero() {
            if !self.shape.fill {
                self.out.push(' ');
            } else if self.relevant_is_point() {
                self.out.push('0');
            }
        } else {
            self.out.push(char::from(byte));
            self.started = true;
        }
        self.at += 1;
    }

    fn item(&mut self, item: Item) {
        match item {
            Item::Nine | Item::Zero | Item::Point => self.digit(item),
            Item::Comma if self.started => self.out.push(','),
            Item::Comma if self.shape.fill => {}
            Item::Comma | Item::Currency => self.out.push(' '),
            Item::Minus if self.negative => self.out.push('-'),
            Item::Plus if !self.negative => self.out.push('+'),
            Item::Minus | Item::Plus if self.shape.fill => {}
            Item::Minus | Item::Plus => self.out.push(' '),
            Item::Sign => self.out.push(self.sign()),
            Item::Ordinal(lower) => {
                let shown =
                    self.digits.first() != Some(&b'#') && !self.negative && !self.shape.decimal;
                if shown {
                    let ending = ordinal(std::str::from_utf8(self.digits).unwrap_or(""));
                    self.out.push_str(&if lower {
                        ending.to_owned()
                    } else {
                        ending.to_uppercase()
                    });
                }
            }
            Item::Literal(c) => self.out.push(c),
        }
    }
}

fn last_relevant(number: &Digits, shape: &Shape) -> Option<usize> {
    let text = number.text.as_bytes();
    let point = text.iter().position(|byte| *byte == b'.')?;
    let after = text.iter().enumerate().skip(point + 1);
    let mut last =
        after.filter(|(_, byte)| **byte != b'0').map(|(at, _)| at).next_back().unwrap_or(point);
    if shape.zero_end > number.padding {
        last = last.max((text.len() - 1).min(shape.zero_end - number.padding));
    }
    Some(last)
}

/// st, nd, rd, th.
pub(super) fn ordinal(digits: &str) -> &'static str {
    let bytes = digits.as_bytes();
    let teens = bytes.len() > 1 && bytes.get(bytes.len() - 2) == Some(&b'1');
    match bytes.last() {
        Some(b'1') if !teens => "st",
        Some(b'2') if !teens => "nd",
        Some(b'3') if !teens => "rd",
        _ => "th",
    }
}

/// Below 4000; the rest has no numeral.
pub(super) fn roman(n: i64) -> Option<String> {
    const PARTS: [(i64, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    if !(1..4000).contains(&n) {
        return None;
    }
    let mut left = n;
    let mut text = String::new();
    for (size, letters) in PARTS {
        while left >= size {
            text.push_str(letters);
            left -= size;
        }
    }
    Some(text)
}

/// The text of a number that is rounded as its type says.
fn written(shape: &Shape, number: &Digits) -> String {
    let mut writer = Writer::new(shape, number);
    for item in &shape.items {
        writer.item(*item);
    }
    writer.out
}

fn roman_text(shape: &Shape, n: Option<i64>, lower: bool) -> String {
    let text = n.and_then(roman).unwrap_or_else(|| "#".repeat(15));
    let text = if lower { text.to_lowercase() } else { text };
    if shape.fill { text } else { format!("{text:>15}") }
}

/// `1.23e+05`, with a blank where the sign would be.
fn scientific(text: &str) -> String {
    if text.starts_with('-') { text.to_owned() } else { format!(" {text}") }
}

fn exponent_form(n: f64, digits: usize) -> String {
    let text = format!("{n:.digits$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

fn of_decimal(n: &Decimal, pattern: &str) -> Result<String> {
    let shape = Shape::parse(pattern)?;
    if let Some(lower) = shape.roman {
        return Ok(roman_text(&shape, n.to_i64(), lower));
    }
    if shape.exponent {
        return Ok(scientific_decimal(n, &shape));
    }
    let shifted = match shape.shift {
        0 => n.clone(),
        places => {
            let factor =
                Decimal::new(10i128.pow(places.min(38) as u32), 0).map_err(numeric::failed)?;
            n.mul(&factor).map_err(numeric::failed)?
        }
    };
    let shape = Shape { before: shape.before + shape.shift, ..shape };
    let rounded = shifted.round(shape.after as i32);
    if !n.is_finite() {
        let text = overflowed(&shape);
        return Ok(written(&shape, &Digits { negative: n.is_negative(), text, padding: 0 }));
    }
    Ok(written(&shape, &digits_of(&rounded.to_string(), &shape)))
}

fn scientific_decimal(n: &Decimal, shape: &Shape) -> String {
    if !n.is_finite() {
        return format!(" {}.{}####", "#".repeat(shape.before), "#".repeat(shape.after));
    }
    let digits = shape.after as u32 + 1;
    let rounded = n.round_significant(digits, value::decimal::Rounding::HalfAwayFromZero);
    let exponent = rounded.magnitude().unwrap_or(1) - 1;
    let text = rounded
        .parts()
        .map_or_else(String::new, |(mantissa, _)| mantissa.to_big().magnitude().to_string());
    let mut text: String =
        text.chars().chain(std::iter::repeat('0')).take(digits as usize).collect();
    if shape.after > 0 {
        text.insert(1, '.');
    }
    let sign = if n.is_negative() { "-" } else { "" };
    let exponent_sign = if exponent < 0 { '-' } else { '+' };
    scientific(&format!("{sign}{text}e{exponent_sign}{:02}", exponent.unsigned_abs()))
}

fn of_float(n: f64, pattern: &str, digits_max: usize) -> Result<String> {
    let mut shape = Shape::parse(pattern)?;
    if let Some(lower) = shape.roman {
        return Ok(roman_text(&shape, Some(n.round_ties_even() as i64), lower));
    }
    if shape.exponent {
        if !n.is_finite() {
            return Ok(format!(" {}.{}####", "#".repeat(shape.before), "#".repeat(shape.after)));
        }
        return Ok(scientific(&exponent_form(n, shape.after)));
    }
    let n = n * 10f64.powi(shape.shift as i32);
    shape.before += shape.shift;
    if !n.is_finite() {
        let text = overflowed(&shape);
        return Ok(written(&shape, &Digits { negative: n < 0.0, text, padding: 0 }));
    }
    let whole = format!("{:.0}", n.abs()).len();
    if whole >= digits_max {
        shape.after = 0;
    } else if whole + shape.after > digits_max {
        shape.after = digits_max - whole;
    }
    let text = format!("{n:.*}", shape.after);
    Ok(written(&shape, &digits_of(&text, &shape)))
}

/// to_number: the digits, sign and point that the pattern lets through.
fn read(text: &str, pattern: &str) -> Result<Decimal> {
    let shape = Shape::parse(pattern)?;
    let mut made = String::new();
    let mut negative = text.contains('-') || shape.bracket && text.contains('<');
    let mut rest = text.trim_start_matches(' ').chars().peekable();
    let (mut before, mut after, mut pointed) = (0, 0, false);
    for c in rest.by_ref() {
        match c {
            '0'..='9' if !pointed && before < shape.before + shape.shift => {
                made.push(c);
                before += 1;
            }
            '0'..='9' if pointed && after < shape.after => {
                made.push(c);
                after += 1;
            }
            '.' if shape.decimal && !pointed => {
                made.push('.');
                pointed = true;
            }
            '+' => negative = false,
            _ => {}
        }
    }
    if made.trim_matches('.').is_empty() {
        let message = format!("invalid input syntax for type numeric: \"{}\"", " ");
        return Err(Error::new(ErrorKind::Type, "22P02", message));
    }
    let mut n = Decimal::parse(&made).map_err(numeric::failed)?;
    if shape.shift > 0 {
        let divisor =
            Decimal::new(10i128.pow(shape.shift.min(38) as u32), 0).map_err(numeric::failed)?;
        n = numeric::divide(&n, &divisor)?;
    }
    Ok(if negative { n.neg() } else { n })
}

fn shown<'a>(call: &Call<'a, '_>, text: Result<String>) -> Result<Datum<'a>> {
    text.map(|text| call.text(&text))
}

pub(super) static TABLE: &[Function] = &[
    f("sql.to_char_numeric", "to_char", &[NUMERIC, TEXT], TEXT, |c, a| {
        shown(c, of_decimal(a.decimal(0)?, a.text(1)?))
    })
    .stable(),
    f("sql.to_char_int4", "to_char", &[INT4, TEXT], TEXT, |c, a| {
        shown(c, of_decimal(&numeric::from_int(a.int(0)?), a.text(1)?))
    })
    .stable(),
    f("sql.to_char_int8", "to_char", &[INT8, TEXT], TEXT, |c, a| {
        shown(c, of_decimal(&numeric::from_int(a.int(0)?), a.text(1)?))
    })
    .stable(),
    f("sql.to_char_float4", "to_char", &[FLOAT4, TEXT], TEXT, |c, a| {
        shown(c, of_float(a.float(0)?, a.text(1)?, 6))
    })
    .stable(),
    f("sql.to_char_float8", "to_char", &[FLOAT8, TEXT], TEXT, |c, a| {
        shown(c, of_float(a.float(0)?, a.text(1)?, 15))
    })
    .stable(),
    f("sql.to_number", "to_number", &[TEXT, TEXT], NUMERIC, |c, a| {
        read(a.text(0)?, a.text(1)?).map(|n| c.decimal(n))
    })
    .stable(),
];
