//! Regular expressions: PostgreSQL's, run by the `regex` crate.
//!
//! ```text
//!   PostgreSQL's advanced RE ──translate──► regex's syntax ──compile, cached──► linear time
//!   \m \M \y \Y \Z               \b{start} \b{end} \b \B \z
//!   .  matches newline           (?s), unless option n
//!   [[:<:]]  {  in brackets      escaped or rewritten
//! ```
//!
//! **Limits**, each refused by name: back references and look-around, which need backtracking and
//! with it the chance of exponential time. Known difference: among alternatives PostgreSQL takes
//! the longest match, here it is the first that matches; whether there is a match is the same.
//!
//! Compiled expressions are kept for each thread, the last few, since one pattern meets many rows.

use std::cell::RefCell;
use std::rc::Rc;

use super::float::domain;
use super::names::*;
use super::set::{BoxedSource, listed};
use super::{Arguments, Call, array};
use crate::search::{Search, Syntax};
use crate::{Datum, Error, ErrorKind, Result, Scalar, Type};

const CACHED_MAX: usize = 16;

thread_local! {
    static CACHE: RefCell<Vec<(String, Options, Rc<Search>)>> = const { RefCell::new(Vec::new()) };
}

/// What the letters of a flags argument say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    fold_case: bool,
    /// `.` and negated brackets do not match a newline.
    partial: bool,
    /// `^` and `$` match at lines.
    lines: bool,
    expanded: bool,
    literal: bool,
    global: bool,
}

impl Options {
    fn read(flags: &str) -> Result<Options> {
        let mut options = Options::default();
        for letter in flags.chars() {
            if letter == 'g' {
                options.global = true;
            } else if !options.set(letter) {
                let message = format!("invalid regular expression option: \"{letter}\"");
                return Err(Error::new(ErrorKind::Type, "22023", message));
            }
        }
        Ok(options)
    }

    /// One letter of a flags argument or of `(?…)`.
    fn set(&mut self, letter: char) -> bool {
        match letter {
            'i' => self.fold_case = true,
            'c' => self.fold_case = false,
            'n' | 'm' => (self.partial, self.lines) = (true, true),
            'p' => (self.partial, self.lines) = (true, false),
            'w' => (self.partial, self.lines) = (false, true),
            's' => (self.partial, self.lines) = (false, false),
            'x' => self.expanded = true,
            't' => self.expanded = false,
            'q' => self.literal = true,
            'e' | 'b' => {}
            _ => return false,
        }
        true
    }
}

#[cold]
fn invalid(reason: &str) -> Error {
    Error::new(ErrorKind::Type, "2201B", format!("invalid regular expression: {reason}"))
}

/// The compiled expression.
///
/// # Errors
/// 2201B; 0A000 for what is not supported.
pub fn compile(pattern: &str, options: Options) -> Result<Rc<Search>> {
    let key = Options { global: false, ..options };
    CACHE.with_borrow_mut(|cache| {
        let found = cache.iter().position(|(known, flags, _)| known == pattern && *flags == key);
        if let Some(at) = found {
            let entry = cache.remove(at);
            let regex = entry.2.clone();
            cache.push(entry);
            return Ok(regex);
        }
        let regex = Rc::new(compile_new(pattern, key)?);
        if cache.len() == CACHED_MAX {
            cache.remove(0);
        }
        cache.push((pattern.to_owned(), key, regex.clone()));
        Ok(regex)
    })
}

fn compile_new(pattern: &str, options: Options) -> Result<Search> {
    let (translated, options) = translate(pattern, options)?;
    let syntax = Syntax {
        fold_case: options.fold_case,
        dot_is_all: !options.partial,
        lines: options.lines,
        expanded: false,
    };
    Search::new(&translated, syntax).map_err(|error| refused(&error))
}

#[cold]
fn refused(error: &regex::Error) -> Error {
    let regex::Error::Syntax(text) = error else {
        return invalid("regular expression is too complex");
    };
    let has = |part: &str| text.contains(part);
    let reason = if has("unclosed group") || has("unopened group") {
        "parentheses () not balanced"
    } else if has("unclosed character class") {
        "brackets [] not balanced"
    } else if has("repetition operator missing expression") {
        "quantifier operand invalid"
    } else if has("invalid repetition count range") || has("unclosed counted repetition") {
        "invalid repetition count(s)"
    } else if has("invalid character class range") {
        "invalid character range"
    } else {
        "invalid escape \\ sequence"
    };
    invalid(reason)
}

struct Translator<'p> {
    rest: std::str::Chars<'p>,
    out: String,
    options: Options,
    /// Groups opened so far.
    groups: u32,
    /// Whether a quantifier, and perhaps its `?`, was just written.
    quantified: bool,
}

/// The same expression in regex's syntax, and the options after those written in the pattern
/// itself.
fn translate(pattern: &str, mut options: Options) -> Result<(String, Options)> {
    let mut pattern = pattern;
    if let Some(rest) = pattern.strip_prefix("***=") {
        (pattern, options.literal) = (rest, true);
    } else if let Some(rest) = pattern.strip_prefix("***:") {
        pattern = rest;
    }
    if options.literal {
        return Ok((regex::escape(pattern), options));
    }
    if let Some((letters, rest)) = pattern.strip_prefix("(?").and_then(|r| r.split_once(')'))
        && !letters.is_empty()
        && letters.bytes().all(|b| b.is_ascii_alphabetic())
    {
        if !letters.chars().all(|letter| options.set(letter)) {
            return Err(invalid("invalid embedded option"));
        }
        pattern = rest;
        if options.literal {
            return Ok((regex::escape(pattern), options));
        }
    }
    let mut translator = Translator {
        rest: pattern.chars(),
        out: String::new(),
        options,
        groups: 0,
        quantified: false,
    };
    translator.run()?;
    Ok((translator.out, options))
}

impl Translator<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn run(&mut self) -> Result<()> {
        while let Some(c) = self.rest.next() {
            let bound = c == '{' && self.peek().is_some_and(|c| c.is_ascii_digit());
            let quantifier = matches!(c, '*' | '+' | '?') || bound;
            if quantifier && self.quantified {
                return Err(invalid("quantifier operand invalid"));
            }
            if quantifier && !bound {
                self.out.push(c);
                self.lazy();
                continue;
            }
            self.quantified = false;
            match c {
                '}' if self.in_bound() => {
                    self.out.push('}');
                    self.lazy();
                }
                '\\' => self.escape(false)?,
                '[' => self.bracket()?,
                '(' if self.peek() == Some('?') => self.special_group()?,
                '{' if !self.peek().is_some_and(|c| c.is_ascii_digit()) => self.out.push_str("\\{"),
                '}' => self.out.push_str("\\}"),
                '(' => {
                    self.groups += 1;
                    self.out.push('(');
                }
                '#' if self.options.expanded => {
                    while self.rest.next().is_some_and(|c| c != '\n') {}
                }
                c if self.options.expanded && c.is_ascii_whitespace() => {}
                c => self.out.push(c),
            }
        }
        Ok(())
    }

    /// A quantifier was written; `?` after it makes it take as little as it can.
    fn lazy(&mut self) {
        if self.peek() == Some('?') {
            self.rest.next();
            self.out.push('?');
        }
        self.quantified = true;
    }

    /// Whether the last `{` written opened a bound that is still open.
    fn in_bound(&self) -> bool {
        let open = self.out.rfind('{');
        open.is_some_and(|at| {
            let inside = self.out.get(at + 1..).unwrap_or("");
            let escaped = at > 0 && self.out.as_bytes().get(at - 1) == Some(&b'\\');
            !escaped && inside.bytes().all(|b| b.is_ascii_digit() || b == b',')
        })
    }

    fn special_group(&mut self) -> Result<()> {
        self.rest.next();
        match self.rest.next() {
            Some(':') => self.out.push_str("(?:"),
            Some('#') => while self.rest.next().is_some_and(|c| c != ')') {},
            Some('=' | '!' | '<') => {
                return Err(Error::unsupported("look-around in a regular expression"));
            }
            _ => return Err(invalid("quantifier operand invalid")),
        }
        Ok(())
    }

    fn hex(&mut self, digits: usize) -> Result<()> {
        let text: String = self.rest.clone().take(digits).collect();
        let code = u32::from_str_radix(&text, 16).ok().filter(|_| text.len() == digits);
        let c =
            code.and_then(char::from_u32).ok_or_else(|| invalid("invalid escape \\ sequence"))?;
        self.rest.nth(digits - 1);
        self.literal(c);
        Ok(())
    }

    fn literal(&mut self, c: char) {
        let mut buffer = [0; 4];
        self.out.push_str(&regex::escape(c.encode_utf8(&mut buffer)));
    }

    /// What follows a backslash, outside of brackets or inside.
    fn escape(&mut self, inside: bool) -> Result<()> {
        let Some(c) = self.rest.next() else { return Err(invalid("invalid escape \\ sequence")) };
        let constraint = match c {
            'm' => "\\b{start}",
            'M' => "\\b{end}",
            'y' => "\\b",
            'Y' => "\\B",
            'A' => "\\A",
            'Z' => "\\z",
            _ => "",
        };
        if !constraint.is_empty() {
            if inside {
                return Err(invalid("invalid escape \\ sequence"));
            }
            self.out.push_str(constraint);
            return Ok(());
        }
        match c {
            'd' | 's' | 'w' | 'D' | 'S' | 'W' => {
                self.out.push('\\');
                self.out.push(c);
            }
            'a' => self.out.push_str("\\x07"),
            'b' => self.out.push_str("\\x08"),
            'B' => self.out.push_str("\\\\"),
            'e' => self.out.push_str("\\x1B"),
            'f' | 'n' | 'r' | 't' | 'v' => {
                self.out.push('\\');
                self.out.push(c);
            }
            'c' => {
                let control = self.rest.next().map_or(0, |c| u32::from(c) & 31);
                self.out.push_str(&format!("\\x{control:02x}"));
            }
            'u' => self.hex(4)?,
            'U' => self.hex(8)?,
            'x' => {
                let count = self.rest.clone().take_while(char::is_ascii_hexdigit).count();
                self.hex(count.clamp(1, 6))?;
            }
            '0' => self.out.push_str("\\x00"),
            '1'..='9' if u32::from(c) - u32::from('0') > self.groups => {
                return Err(invalid("invalid backreference number"));
            }
            '1'..='9' => {
                return Err(Error::unsupported("a back reference in a regular expression"));
            }
            c if c.is_ascii_alphabetic() => return Err(invalid("invalid escape \\ sequence")),
            c => self.literal(c),
        }
        Ok(())
    }

    /// A bracket expression; the bracket that opens it is read.
    fn bracket(&mut self) -> Result<()> {
        let text: String = self.rest.clone().take(6).collect();
        for (word, boundary) in [("[:<:]]", "\\b{start}"), ("[:>:]]", "\\b{end}")] {
            if text == word {
                self.rest.nth(5);
                self.out.push_str(boundary);
                return Ok(());
            }
        }
        self.out.push('[');
        if self.peek() == Some('^') {
            self.rest.next();
            self.out.push('^');
            if self.options.partial {
                self.out.push_str("\\n");
            }
        }
        let mut first = true;
        loop {
            let Some(c) = self.rest.next() else { return Err(invalid("brackets [] not balanced")) };
            match c {
                ']' if first => self.out.push_str("\\]"),
                ']' => break,
                '\\' => self.escape(true)?,
                '[' => self.in_bracket()?,
                '&' | '~' => {
                    self.out.push('\\');
                    self.out.push(c);
                }
                '-' if first || self.peek() == Some(']') => self.out.push_str("\\-"),
                c => self.out.push(c),
            }
            first = false;
        }
        self.out.push(']');
        Ok(())
    }

    /// `[:alpha:]`, `[.x.]` or `[=x=]` in a bracket expression, or a bracket itself.
    fn in_bracket(&mut self) -> Result<()> {
        let Some(kind @ (':' | '.' | '=')) = self.peek() else {
            self.out.push_str("\\[");
            return Ok(());
        };
        self.rest.next();
        let end = format!("{kind}]");
        let Some((name, _)) = self.rest.as_str().split_once(&end) else {
            return Err(invalid("brackets [] not balanced"));
        };
        let (name, skip) = (name.to_owned(), name.chars().count() + 1);
        self.rest.nth(skip);
        let mut characters = name.chars();
        match (kind, characters.next(), characters.next()) {
            (':', ..) if CLASSES.contains(&name.as_str()) => {
                self.out.push_str(class_of(&name));
            }
            (':', ..) => return Err(invalid("invalid character class")),
            (_, Some(c), None) => self.literal(c),
            _ => return Err(invalid("invalid collating element")),
        }
        Ok(())
    }
}

const CLASSES: [&str; 13] = [
    "alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
    "upper", "xdigit", "word",
];

/// A class by Unicode where regex's own name means ASCII.
fn class_of(name: &str) -> &'static str {
    match name {
        "alnum" => "\\p{Alphabetic}\\p{Nd}",
        "alpha" => "\\p{Alphabetic}",
        "blank" => "\\t ",
        "cntrl" => "\\p{Cc}",
        "digit" => "0-9",
        "graph" => "[\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}]",
        "lower" => "\\p{Lowercase}",
        "print" => "[\\p{L}\\p{M}\\p{N}\\p{P}\\p{S} ]",
        "punct" => "[:punct:]",
        "space" => "\\s",
        "upper" => "\\p{Uppercase}",
        "xdigit" => "0-9A-Fa-f",
        _ => "\\w",
    }
}

/// One match: where it lies, and where its groups.
struct Found {
    start: usize,
    end: usize,
    groups: Vec<Option<(usize, usize)>>,
}

/// The matches in a text from a byte on; without `global` the first. A match without length moves
/// the search on by a character.
fn find(regex: &Search, text: &str, from: usize, global: bool) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    let mut at = from;
    while let Some(mut groups) = regex.groups_at(text, at)? {
        if groups.is_empty() {
            break;
        }
        let Some((start, end)) = groups.remove(0) else { break };
        found.push(Found { start, end, groups });
        if !global {
            break;
        }
        at = end;
        if start == end {
            at += text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
        }
    }
    Ok(found)
}

fn part(text: &str, range: (usize, usize)) -> &str {
    text.get(range.0..range.1).unwrap_or("")
}

fn flags(a: &[Datum<'_>], at: usize) -> Result<Options> {
    if at < a.len() { Options::read(a.text(at)?) } else { Ok(Options::default()) }
}

/// Functions that answer one thing have no use for g.
fn not_global(options: Options, name: &str) -> Result<Options> {
    if options.global {
        let message = format!("{name}() does not support the \"global\" option");
        return Err(Error::new(ErrorKind::Type, "22023", message));
    }
    Ok(options)
}

fn is_match(a: &[Datum<'_>], fold_case: bool) -> Result<bool> {
    let regex = compile(a.text(1)?, Options { fold_case, ..Options::default() })?;
    regex.is_match(a.text(0)?)
}

/// The groups of a match as a text array; the whole match where there is no group.
fn groups<'a>(call: &Call<'a, '_>, text: &'a str, found: &Found) -> Result<Datum<'a>> {
    let mut parts: Vec<Datum<'a>> = Vec::new();
    if found.groups.is_empty() {
        parts.push(Datum::Text(part(text, (found.start, found.end))));
    }
    for group in &found.groups {
        parts.push(group.map_or(Datum::Null, |range| Datum::Text(part(text, range))));
    }
    Ok(call.array(&array::encode(&parts, Scalar::Text)?))
}

fn regexp_match<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let options = flags(a, 2)?;
    if options.global {
        let message = "regexp_match() does not support the \"global\" option";
        return Err(domain("22023", message).hint("Use the regexp_matches function instead."));
    }
    let text = a.text(0)?;
    let found = find(&*compile(a.text(1)?, options)?, text, 0, false)?;
    found.first().map_or(Ok(Datum::Null), |found| groups(call, text, found))
}

/// regexp_matches: a row for each match.
pub(super) fn matches<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<BoxedSource<'a>> {
    let options = flags(a, 2)?;
    let text = a.text(0)?;
    let found = find(&*compile(a.text(1)?, options)?, text, 0, options.global)?;
    let rows: Result<Vec<Datum<'a>>> =
        found.iter().map(|found| groups(call, text, found)).collect();
    Ok(listed(rows?, 1))
}

/// substring(text from pattern): the first group, or the whole match.
fn substring<'a>(text: &'a str, pattern: &str) -> Result<Datum<'a>> {
    let found = find(&*compile(pattern, Options::default())?, text, 0, false)?;
    let Some(found) = found.first() else { return Ok(Datum::Null) };
    Ok(match found.groups.first() {
        None => Datum::Text(part(text, (found.start, found.end))),
        Some(group) => group.map_or(Datum::Null, |range| Datum::Text(part(text, range))),
    })
}

/// The text between matches; those without length at the ends and next to another do not count.
fn pieces<'t>(text: &'t str, pattern: &str, options: Options) -> Result<Vec<&'t str>> {
    let regex = compile(pattern, options)?;
    let mut pieces = Vec::new();
    let (mut from, mut previous) = (0, 0);
    for found in find(&regex, text, 0, true)? {
        if found.start < text.len() && found.end > previous {
            pieces.push(part(text, (from, found.start)));
            from = found.end;
        }
        previous = found.end;
    }
    pieces.push(text.get(from..).unwrap_or(""));
    Ok(pieces)
}

fn split_to_array<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let options = not_global(flags(a, 2)?, "regexp_split_to_array")?;
    let pieces = pieces(a.text(0)?, a.text(1)?, options)?;
    let pieces: Vec<Datum<'a>> = pieces.into_iter().map(Datum::Text).collect();
    Ok(call.array(&array::encode(&pieces, Scalar::Text)?))
}

/// regexp_split_to_table.
pub(super) fn split_to_table<'a>(_: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<BoxedSource<'a>> {
    let options = not_global(flags(a, 2)?, "regexp_split_to_table")?;
    let pieces = pieces(a.text(0)?, a.text(1)?, options)?;
    Ok(listed(pieces.into_iter().map(Datum::Text).collect(), 1))
}

/// Replaces the n-th match, or all for 0, from a byte on.
fn replaced(
    regex: &Search,
    text: &str,
    replacement: &str,
    from: usize,
    nth: usize,
) -> Result<String> {
    let mut made = String::with_capacity(text.len() + 16);
    let mut copied = 0;
    for (at, found) in find(regex, text, from, nth != 1)?.iter().enumerate() {
        if nth != 0 && at + 1 != nth {
            continue;
        }
        made.push_str(part(text, (copied, found.start)));
        expand(replacement, text, found, &mut made);
        copied = found.end;
    }
    made.push_str(text.get(copied..).unwrap_or(""));
    Ok(made)
}

/// `\1` … `\9`, `\&` and `\\` in a replacement.
fn expand(replacement: &str, text: &str, found: &Found, out: &mut String) {
    let mut rest = replacement.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match rest.next() {
            Some('&') => out.push_str(part(text, (found.start, found.end))),
            Some(digit @ '1'..='9') => {
                let at = digit as usize - '1' as usize;
                if let Some(Some(range)) = found.groups.get(at) {
                    out.push_str(part(text, *range));
                }
            }
            Some('\\') => out.push('\\'),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
}

#[cold]
fn bad_parameter(name: &str, value: i64) -> Error {
    let message = format!("invalid value for parameter \"{name}\": {value}");
    Error::new(ErrorKind::Type, "22023", message)
}

/// The byte at which the character of this number (from 1) begins.
fn start_of(text: &str, start: i64) -> Result<usize> {
    if start < 1 {
        return Err(bad_parameter("start", start));
    }
    let skip = usize::try_from(start - 1).unwrap_or(usize::MAX);
    let mut places = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    Ok(places.nth(skip).unwrap_or(text.len() + 1))
}

fn nth_of(n: i64) -> Result<usize> {
    usize::try_from(n).map_err(|_| bad_parameter("n", n))
}

fn regexp_replace<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let text = a.text(0)?;
    let options = if a.len() > 3 { replace_flags(a.text(3)?)? } else { Options::default() };
    let regex = compile(a.text(1)?, options)?;
    let nth = usize::from(!options.global);
    Ok(call.text(&replaced(&regex, text, a.text(2)?, 0, nth)?))
}

/// A digit where flags are meant is likely a start position.
fn replace_flags(flags: &str) -> Result<Options> {
    if flags.starts_with(|c: char| c.is_ascii_digit()) {
        let letter = flags.chars().next().unwrap_or('0');
        let message = format!("invalid regular expression option: \"{letter}\"");
        return Err(Error::new(ErrorKind::Type, "22023", message).hint(
            "If you meant to use regexp_replace() with a start parameter, cast the fourth argument \
             to integer explicitly.",
        ));
    }
    Options::read(flags)
}

fn regexp_replace_from<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let text = a.text(0)?;
    let start = start_of(text, a.int(3)?)?;
    let options = flags(a, 5)?;
    let nth = match a.len() {
        4 => 1,
        _ => nth_of(a.int(4)?)?,
    };
    let regex = compile(a.text(1)?, options)?;
    Ok(call.text(&replaced(&regex, text, a.text(2)?, start, nth)?))
}

fn regexp_count<'a>(_: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let text = a.text(0)?;
    let start = if a.len() > 2 { start_of(text, a.int(2)?)? } else { 0 };
    let options = not_global(flags(a, 3)?, "regexp_count")?;
    let found = find(&*compile(a.text(1)?, options)?, text, start, true)?;
    Ok(Datum::Int(found.len() as i64))
}

fn regexp_like<'a>(_: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let options = not_global(flags(a, 2)?, "regexp_like")?;
    compile(a.text(1)?, options)?.is_match(a.text(0)?).map(Datum::Bool)
}

/// The range of the wanted group of the n-th match.
fn nth_match(
    a: &[Datum<'_>],
    flags_at: usize,
    group_at: usize,
    name: &str,
) -> Result<Option<(usize, usize)>> {
    let text = a.text(0)?;
    let start = if a.len() > 2 { start_of(text, a.int(2)?)? } else { 0 };
    let nth = if a.len() > 3 { nth_of(a.int(3)?)? } else { 1 };
    if nth == 0 {
        return Err(bad_parameter("n", 0));
    }
    let options = not_global(flags(a, flags_at)?, name)?;
    let group = if a.len() > group_at { a.int(group_at)? } else { 0 };
    let group = usize::try_from(group).map_err(|_| bad_parameter("subexpr", group))?;
    let found = find(&*compile(a.text(1)?, options)?, text, start, true)?;
    let Some(found) = found.get(nth - 1) else { return Ok(None) };
    Ok(match group {
        0 => Some((found.start, found.end)),
        group => found.groups.get(group - 1).copied().flatten(),
    })
}

fn regexp_substr<'a>(_: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let range = nth_match(a, 4, 5, "regexp_substr")?;
    let text = a.text(0)?;
    Ok(range.map_or(Datum::Null, |range| Datum::Text(part(text, range))))
}

fn regexp_instr<'a>(_: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let end = if a.len() > 4 { a.int(4)? } else { 0 };
    if !matches!(end, 0 | 1) {
        return Err(bad_parameter("endoption", end));
    }
    let Some((start, stop)) = nth_match(a, 5, 6, "regexp_instr")? else { return Ok(Datum::Int(0)) };
    let at = if end == 1 { stop } else { start };
    let before = a.text(0)?.get(..at).unwrap_or("");
    Ok(Datum::Int(before.chars().count() as i64 + 1))
}

/// SIMILAR TO's pattern as an advanced regular expression.
fn similar(pattern: &str, escape: Option<char>) -> Result<String> {
    let mut made = String::from("^(?:");
    let mut in_bracket = false;
    let mut escaped = false;
    let mut separators = 0;
    for c in pattern.chars() {
        if escaped {
            escaped = false;
            if c == '"' && !in_bracket {
                made.push_str(match separators {
                    0 => "){1,1}?(",
                    1 => "){1,1}(?:",
                    _ => {
                        let message = "SQL regular expression may not contain more than two \
                             escape-double-quote separators";
                        return Err(domain("2200C", message));
                    }
                });
                separators += 1;
            } else {
                made.push('\\');
                made.push(c);
            }
        } else if Some(c) == escape {
            escaped = true;
        } else if in_bracket {
            if c == '\\' {
                made.push('\\');
            }
            made.push(c);
            in_bracket = c != ']';
        } else {
            match c {
                '[' => {
                    made.push('[');
                    in_bracket = true;
                }
                '%' => made.push_str(".*"),
                '_' => made.push('.'),
                '(' => made.push_str("(?:"),
                '\\' | '.' | '^' | '$' => made.extend(['\\', c]),
                c => made.push(c),
            }
        }
    }
    made.push_str(")$");
    // The separators' bounds only set greediness, which is written directly here.
    Ok(made.replace("){1,1}?(", ")(").replace("){1,1}(?:", ")(?:"))
}

fn similar_escape<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let escape = if a.len() > 1 { a.text(1)? } else { "\\" };
    let mut characters = escape.chars();
    let escape = characters.next();
    if characters.next().is_some() {
        return Err(domain("22025", "invalid escape string")
            .hint("Escape string must be empty or one character."));
    }
    similar(a.text(0)?, escape).map(|pattern| call.text(&pattern))
}

const TEXTS: Type = Type::array_of(Scalar::Text);

pub(super) static TABLE: &[Function] = &[
    f("sql.text_regex", "~", &[TEXT, TEXT], BOOL, |_, a| is_match(a, false).map(Datum::Bool)),
    f("sql.text_not_regex", "!~", &[TEXT, TEXT], BOOL, |_, a| {
        is_match(a, false).map(|found| Datum::Bool(!found))
    }),
    f("sql.text_iregex", "~*", &[TEXT, TEXT], BOOL, |_, a| is_match(a, true).map(Datum::Bool)),
    f("sql.text_not_iregex", "!~*", &[TEXT, TEXT], BOOL, |_, a| {
        is_match(a, true).map(|found| Datum::Bool(!found))
    }),
    f("sql.name_regex", "~", &[NAME, TEXT], BOOL, |_, a| is_match(a, false).map(Datum::Bool)),
    f("sql.name_not_regex", "!~", &[NAME, TEXT], BOOL, |_, a| {
        is_match(a, false).map(|found| Datum::Bool(!found))
    }),
    f("sql.name_iregex", "~*", &[NAME, TEXT], BOOL, |_, a| is_match(a, true).map(Datum::Bool)),
    f("sql.name_not_iregex", "!~*", &[NAME, TEXT], BOOL, |_, a| {
        is_match(a, true).map(|found| Datum::Bool(!found))
    }),
    f("sql.bpchar_regex", "~", &[BPCHAR, TEXT], BOOL, |_, a| is_match(a, false).map(Datum::Bool)),
    f("sql.bpchar_not_regex", "!~", &[BPCHAR, TEXT], BOOL, |_, a| {
        is_match(a, false).map(|found| Datum::Bool(!found))
    }),
    f("sql.bpchar_iregex", "~*", &[BPCHAR, TEXT], BOOL, |_, a| is_match(a, true).map(Datum::Bool)),
    f("sql.bpchar_not_iregex", "!~*", &[BPCHAR, TEXT], BOOL, |_, a| {
        is_match(a, true).map(|found| Datum::Bool(!found))
    }),
    f("sql.regexp_match", "regexp_match", &[TEXT, TEXT], TEXTS, regexp_match),
    f("sql.regexp_match_flags", "regexp_match", &[TEXT, TEXT, TEXT], TEXTS, regexp_match),
    f("sql.substring_regex", "substring", &[TEXT, TEXT], TEXT, |_, a| {
        substring(a.text(0)?, a.text(1)?)
    }),
    f("sql.substring_similar", "substring", &[TEXT, TEXT, TEXT], TEXT, |_, a| {
        substring(a.text(0)?, &similar(a.text(1)?, a.text(2)?.chars().next())?)
    }),
    f("sql.similar_to_escape", "similar_to_escape", &[TEXT], TEXT, similar_escape),
    f("sql.similar_to_escape_by", "similar_to_escape", &[TEXT, TEXT], TEXT, similar_escape),
    f("sql.regexp_split_to_array", "regexp_split_to_array", &[TEXT, TEXT], TEXTS, split_to_array),
    f(
        "sql.regexp_split_to_array_flags",
        "regexp_split_to_array",
        &[TEXT, TEXT, TEXT],
        TEXTS,
        split_to_array,
    ),
    f("sql.regexp_replace", "regexp_replace", &[TEXT, TEXT, TEXT], TEXT, regexp_replace),
    f(
        "sql.regexp_replace_flags",
        "regexp_replace",
        &[TEXT, TEXT, TEXT, TEXT],
        TEXT,
        regexp_replace,
    ),
    f(
        "sql.regexp_replace_start",
        "regexp_replace",
        &[TEXT, TEXT, TEXT, INT4],
        TEXT,
        regexp_replace_from,
    ),
    f(
        "sql.regexp_replace_nth",
        "regexp_replace",
        &[TEXT, TEXT, TEXT, INT4, INT4],
        TEXT,
        regexp_replace_from,
    ),
    f(
        "sql.regexp_replace_nth_flags",
        "regexp_replace",
        &[TEXT, TEXT, TEXT, INT4, INT4, TEXT],
        TEXT,
        regexp_replace_from,
    ),
    f("sql.regexp_count", "regexp_count", &[TEXT, TEXT], INT4, regexp_count),
    f("sql.regexp_count_start", "regexp_count", &[TEXT, TEXT, INT4], INT4, regexp_count),
    f("sql.regexp_count_flags", "regexp_count", &[TEXT, TEXT, INT4, TEXT], INT4, regexp_count),
    f("sql.regexp_like", "regexp_like", &[TEXT, TEXT], BOOL, regexp_like),
    f("sql.regexp_like_flags", "regexp_like", &[TEXT, TEXT, TEXT], BOOL, regexp_like),
    f("sql.regexp_substr", "regexp_substr", &[TEXT, TEXT], TEXT, regexp_substr),
    f("sql.regexp_substr_start", "regexp_substr", &[TEXT, TEXT, INT4], TEXT, regexp_substr),
    f("sql.regexp_substr_nth", "regexp_substr", &[TEXT, TEXT, INT4, INT4], TEXT, regexp_substr),
    f(
        "sql.regexp_substr_flags",
        "regexp_substr",
        &[TEXT, TEXT, INT4, INT4, TEXT],
        TEXT,
        regexp_substr,
    ),
    f(
        "sql.regexp_substr_group",
        "regexp_substr",
        &[TEXT, TEXT, INT4, INT4, TEXT, INT4],
        TEXT,
        regexp_substr,
    ),
    f("sql.regexp_instr", "regexp_instr", &[TEXT, TEXT], INT4, regexp_instr),
    f("sql.regexp_instr_start", "regexp_instr", &[TEXT, TEXT, INT4], INT4, regexp_instr),
    f("sql.regexp_instr_nth", "regexp_instr", &[TEXT, TEXT, INT4, INT4], INT4, regexp_instr),
    f("sql.regexp_instr_end", "regexp_instr", &[TEXT, TEXT, INT4, INT4, INT4], INT4, regexp_instr),
    f(
        "sql.regexp_instr_flags",
        "regexp_instr",
        &[TEXT, TEXT, INT4, INT4, INT4, TEXT],
        INT4,
        regexp_instr,
    ),
    f(
        "sql.regexp_instr_group",
        "regexp_instr",
        &[TEXT, TEXT, INT4, INT4, INT4, TEXT, INT4],
        INT4,
        regexp_instr,
    ),
];
