//! The reg… types: numbers that are written as names.
//!
//! Names are looked up as SQL writes them, folded to lower case outside of quotes, with or without
//! a schema; a number in the text is that number. A number without a name is shown as the number,
//! `-` for 0.

use crate::expression::Session;
use crate::{Error, ErrorKind, Result, Scalar, Type};

/// The parts of a name: `public."T"` is public and T.
///
/// # Errors
/// 42602 where it is no name.
pub fn split_name(text: &str) -> Result<Vec<String>> {
    let invalid = || Error::new(ErrorKind::Name, "42602", "invalid name syntax");
    let mut parts = Vec::new();
    let mut rest = text.trim_ascii();
    loop {
        let (part, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_part(quoted).ok_or_else(invalid)?,
            None => {
                let end = rest.find('.').unwrap_or(rest.len());
                let (word, after) = rest.split_at(end);
                (word.trim_ascii().to_lowercase(), after)
            }
        };
        if part.is_empty() {
            return Err(invalid());
        }
        parts.push(part);
        match after.trim_ascii_start().strip_prefix('.') {
            Some(next) => rest = next.trim_ascii_start(),
            None if after.trim_ascii().is_empty() => return Ok(parts),
            None => return Err(invalid()),
        }
    }
}

fn quoted_part(text: &str) -> Option<(String, &str)> {
    let (mut part, mut rest) = (String::new(), text);
    loop {
        let (before, after) = rest.split_once('"')?;
        part.push_str(before);
        match after.strip_prefix('"') {
            Some(next) => {
                part.push('"');
                rest = next;
            }
            None => return Some((part, after)),
        }
    }
}

fn number(text: &str) -> Option<i64> {
    if text == "-" {
        return Some(0);
    }
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse::<u32>().ok().map(i64::from)).flatten()
}

/// Schemas to look in: that of the name, or those of the search path; the catalogue's own comes
/// first.
pub fn schemas(session: &dyn Session, schema: Option<&str>) -> Vec<String> {
    match schema {
        Some(schema) => vec![schema.to_owned()],
        None => {
            let mut path = session.search_path();
            if !path.iter().any(|name| name == "pg_catalog") {
                path.insert(0, "pg_catalog".to_owned());
            }
            path
        }
    }
}

/// pg_class.oid of a name, if there is one.
///
/// # Errors
/// 42602, 42601 for a name of too many parts.
pub fn find_class(session: &dyn Session, text: &str) -> Result<Option<i64>> {
    let mut parts = split_name(text)?;
    if parts.len() == 3 && parts.first().is_some_and(|name| name == session.database()) {
        parts.remove(0);
    }
    let (schema, name) = match parts.as_slice() {
        [name] => (None, name),
        [schema, name] => (Some(schema.as_str()), name),
        _ => {
            let message = format!("improper relation name (too many dotted names): {text}");
            return Err(Error::new(ErrorKind::Name, "42601", message));
        }
    };
    let found =
        schemas(session, schema).iter().find_map(|schema| session.relation_number(schema, name));
    Ok(found.map(i64::from))
}

/// regclass.
///
/// # Errors
/// 42P01.
pub fn class(session: &dyn Session, text: &str) -> Result<i64> {
    if let Some(number) = number(text) {
        return Ok(number);
    }
    find_class(session, text)?.ok_or_else(|| {
        let name = split_name(text).unwrap_or_default().join(".");
        Error::new(ErrorKind::Name, "42P01", format!("relation \"{name}\" does not exist"))
    })
}

/// regtype.
///
/// # Errors
/// 42704.
pub fn regtype(text: &str) -> Result<i64> {
    if let Some(number) = number(text) {
        return Ok(number);
    }
    match type_named(text) {
        Some((ty, _)) => Ok(ty.oid().into()),
        None => Err(Error::new(
            ErrorKind::Name,
            "42704",
            format!("type \"{}\" does not exist", text.trim_ascii()),
        )),
    }
}

/// regproc: a function's number.
///
/// # Errors
/// 42883.
pub fn function(text: &str) -> Result<i64> {
    if let Some(number) = number(text) {
        return Ok(number);
    }
    let name = split_name(text)?.pop().unwrap_or_default();
    match crate::system::function_number(&name) {
        Some((number, 1)) => Ok(number.into()),
        Some(_) => Err(Error::new(
            ErrorKind::Name,
            "42725",
            format!("more than one function named \"{}\"", text.trim_ascii()),
        )),
        None => Err(Error::new(
            ErrorKind::Name,
            "42883",
            format!("function \"{}\" does not exist", text.trim_ascii()),
        )),
    }
}

/// regnamespace.
///
/// # Errors
/// 3F000.
pub fn namespace(session: &dyn Session, text: &str) -> Result<i64> {
    if let Some(number) = number(text) {
        return Ok(number);
    }
    let name = split_name(text)?.pop().unwrap_or_default();
    match session.schema_number(&name) {
        Some(number) => Ok(number.into()),
        None => {
            Err(Error::new(ErrorKind::Name, "3F000", format!("schema \"{name}\" does not exist")))
        }
    }
}

/// The one role's number: PostgreSQL's bootstrap user.
pub const ROLE: i64 = 10;

/// regrole.
///
/// # Errors
/// 42704.
pub fn role(session: &dyn Session, text: &str) -> Result<i64> {
    if let Some(number) = number(text) {
        return Ok(number);
    }
    let name = split_name(text)?.pop().unwrap_or_default();
    if name == session.user() {
        return Ok(ROLE);
    }
    Err(Error::new(ErrorKind::Name, "42704", format!("role \"{name}\" does not exist")))
}

fn write_number(n: i64, out: &mut String) {
    match n {
        0 => out.push('-'),
        n => out.push_str(itoa::Buffer::new().format(n)),
    }
}

pub(super) fn write_class(session: &dyn Session, n: i64, out: &mut String) {
    let relation = u32::try_from(n).ok().and_then(|n| session.relation_name(n));
    let Some((schema, name)) = relation else { return write_number(n, out) };
    let visible = schemas(session, None)
        .iter()
        .find_map(|schema| session.relation_number(schema, &name))
        .is_some_and(|found| i64::from(found) == n);
    if !visible {
        out.push_str(&quote_ident(&schema));
        out.push('.');
    }
    out.push_str(&quote_ident(&name));
}

pub(super) fn write_type(n: i64, out: &mut String) {
    match u32::try_from(n).ok().and_then(crate::system::type_name) {
        Some(name) => out.push_str(&name),
        None => write_number(n, out),
    }
}

/// A name that several functions share is qualified, as PostgreSQL does.
pub(super) fn write_function(n: i64, out: &mut String) {
    let Some(name) = u32::try_from(n).ok().and_then(crate::system::function_name) else {
        return write_number(n, out);
    };
    if crate::system::function_number(name).is_some_and(|(_, count)| count > 1) {
        out.push_str("pg_catalog.");
    }
    out.push_str(&quote_ident(name));
}

pub(super) fn write_namespace(session: &dyn Session, n: i64, out: &mut String) {
    match u32::try_from(n).ok().and_then(|n| session.schema_name(n)) {
        Some(name) => out.push_str(&quote_ident(&name)),
        None => write_number(n, out),
    }
}

pub(super) fn write_role(session: &dyn Session, n: i64, out: &mut String) {
    match n {
        ROLE => out.push_str(&quote_ident(session.user())),
        n => write_number(n, out),
    }
}

/// A name as SQL would have to write it.
pub fn quote_ident(name: &str) -> String {
    let plain = name.bytes().enumerate().all(|(at, b)| {
        b.is_ascii_lowercase() || b == b'_' || at > 0 && (b.is_ascii_digit() || b == b'$')
    });
    if plain && !name.is_empty() && !RESERVED.contains(&name) {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Key words that are not plain names (pg_get_keywords, all but unreserved).
static RESERVED: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "between",
    "bigint",
    "binary",
    "bit",
    "boolean",
    "both",
    "case",
    "cast",
    "char",
    "character",
    "check",
    "coalesce",
    "collate",
    "collation",
    "column",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "dec",
    "decimal",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "exists",
    "extract",
    "false",
    "fetch",
    "float",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "greatest",
    "group",
    "grouping",
    "having",
    "ilike",
    "in",
    "initially",
    "inner",
    "inout",
    "int",
    "integer",
    "intersect",
    "interval",
    "into",
    "is",
    "isnull",
    "join",
    "lateral",
    "leading",
    "least",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "national",
    "natural",
    "nchar",
    "none",
    "normalize",
    "not",
    "notnull",
    "null",
    "nullif",
    "numeric",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "out",
    "outer",
    "overlaps",
    "overlay",
    "placing",
    "position",
    "precision",
    "primary",
    "real",
    "references",
    "returning",
    "right",
    "row",
    "select",
    "session_user",
    "setof",
    "similar",
    "smallint",
    "some",
    "substring",
    "symmetric",
    "table",
    "tablesample",
    "then",
    "time",
    "timestamp",
    "to",
    "trailing",
    "treat",
    "trim",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "values",
    "varchar",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
    "xmlattributes",
    "xmlconcat",
    "xmlelement",
    "xmlexists",
    "xmlforest",
    "xmlnamespaces",
    "xmlparse",
    "xmlpi",
    "xmlroot",
    "xmlserialize",
    "xmltable",
];

/// The type, and its modifier, that SQL writes so: `int`, `character varying(20)`,
/// `numeric(10,2)[]`.
pub fn type_named(text: &str) -> Option<(Type, i32)> {
    let mut text = text.trim_ascii().to_ascii_lowercase();
    let mut array = false;
    while let Some(inner) = text.strip_suffix(']') {
        let (element, _) = inner.rsplit_once('[')?;
        text = element.trim_ascii().to_owned();
        array = true;
    }
    let (name, arguments) = match text.find('(') {
        None => (text.clone(), None),
        Some(open) => {
            let close = text.find(')')?;
            let inner = text.get(open + 1..close)?.to_owned();
            let name = format!("{} {}", text.get(..open)?.trim_ascii(), text.get(close + 1..)?);
            (name.trim_ascii().to_owned(), Some(inner))
        }
    };
    let name = name.strip_prefix("pg_catalog.").unwrap_or(&name);
    let quoted = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
    let scalar = match quoted {
        Some("char") => Scalar::Char,
        Some(name) => Scalar::all().find(|scalar| scalar.name() == name)?,
        None => scalar_named(name)?,
    };
    let ty = Type { scalar, array };
    let plain_char = matches!(name, "char" | "character") && quoted.is_none();
    let modifier = match arguments {
        None if plain_char => 5,
        None => -1,
        Some(arguments) => modifier_of(scalar, &arguments)?,
    };
    Some((ty, modifier))
}

fn scalar_named(name: &str) -> Option<Scalar> {
    use Scalar::*;
    let words: Vec<&str> = name.split_ascii_whitespace().collect();
    Some(match words.as_slice() {
        ["boolean"] => Bool,
        ["smallint"] => Int2,
        ["int" | "integer"] => Int4,
        ["bigint"] => Int8,
        ["real"] => Float4,
        ["float"] | ["double", "precision"] => Float8,
        ["decimal" | "dec"] => Numeric,
        ["character", "varying"] | ["char", "varying"] => Varchar,
        ["char" | "character" | "nchar"] => Bpchar,
        ["time", "without", "time", "zone"] => Time,
        ["timestamp", "without", "time", "zone"] => Timestamp,
        ["timestamp", "with", "time", "zone"] => TimestampTz,
        [one] => Scalar::all().find(|scalar| scalar.name() == *one && *scalar != Char)?,
        _ => return None,
    })
}

/// The modifier of a type with these arguments; `None` where they are not valid for it.
pub fn modifier_of(scalar: Scalar, arguments: &str) -> Option<i32> {
    let numbers: Option<Vec<i32>> =
        arguments.split(',').map(|word| word.trim_ascii().parse().ok()).collect();
    match (scalar, numbers?.as_slice()) {
        (Scalar::Varchar | Scalar::Bpchar, [n]) if (1..=10_485_760).contains(n) => Some(n + 4),
        (Scalar::Numeric, [p]) if (1..=1000).contains(p) => Some((p << 16) + 4),
        (Scalar::Numeric, [p, s]) if (1..=1000).contains(p) && (-1000..=1000).contains(s) => {
            Some(((p << 16) | (s & 0x7ff)) + 4)
        }
        (Scalar::Time | Scalar::Timestamp | Scalar::TimestampTz, [p]) if *p >= 0 => {
            Some((*p).min(6))
        }
        (Scalar::Interval, [p]) if *p >= 0 => Some((0x7fff << 16) | (*p).min(6)),
        _ => None,
    }
}
