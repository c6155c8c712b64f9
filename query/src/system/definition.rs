//! Keys, constraints and defaults as SQL text: what pg_get_indexdef, pg_get_constraintdef and
//! pg_get_expr print.
//!
//! A collection's primary key and its indexes are one list here, [`keys`], since PostgreSQL's
//! tables speak of both as indexes. A key on the hidden `_id` is not in it: to SQL that table has
//! no key.

use std::borrow::Cow;
use std::sync::Arc;

use model::{
    Catalogue, Check, Collection, CollectionId, Column, ColumnId, DatabaseId, ElementSource,
    Generator, IndexElement, IndexState,
};

use crate::cast::registered::quote_ident;

/// An index or primary key.
pub struct Key<'c> {
    /// pg_class.oid.
    pub number: u32,
    /// Its name.
    pub name: &'c str,
    /// Whether the primary key.
    pub primary: bool,
    /// Whether unique.
    pub unique: bool,
    /// Whether NULLs differ.
    pub nulls_distinct: bool,
    /// pg_constraint.oid of the constraint that it serves.
    pub constraint: Option<u32>,
    /// What it orders by.
    pub elements: Cow<'c, [IndexElement]>,
    /// Partial index: only rows for which this holds.
    pub predicate: Option<&'c str>,
    /// Whether readers may use it.
    pub ready: bool,
}

/// The primary key, if SQL sees it, and the indexes.
pub fn keys(collection: &Collection) -> Vec<Key<'_>> {
    let mut all = Vec::with_capacity(collection.indexes.len() + 1);
    let primary = &collection.primary_key;
    let hidden = |id: &ColumnId| collection.column_by_id(*id).is_none_or(|column| column.hidden);
    if !primary.columns.iter().any(hidden) {
        let element = |id: &ColumnId| IndexElement {
            source: ElementSource::Column(*id),
            descending: false,
            nulls_first: false,
        };
        all.push(Key {
            number: primary.id.0,
            name: &primary.name,
            primary: true,
            unique: true,
            nulls_distinct: true,
            constraint: Some(primary.constraint.0),
            elements: primary.columns.iter().map(element).collect(),
            predicate: None,
            ready: true,
        });
    }
    all.extend(collection.indexes.iter().map(|index| Key {
        number: index.id.0,
        name: &index.name,
        primary: false,
        unique: index.unique,
        nulls_distinct: index.nulls_distinct,
        constraint: index.constraint.map(|number| number.0),
        elements: Cow::Borrowed(&index.elements),
        predicate: index.predicate.as_deref(),
        ready: index.state == IndexState::Ready,
    }));
    all
}

/// The index of a number. Indexes are numbered after their tables, mostly soon after, so the search
/// goes down from there.
pub fn key_by_number(
    catalogue: &Catalogue,
    database: DatabaseId,
    number: u32,
) -> Option<(&Arc<Collection>, Key<'_>)> {
    let owns = |collection: &&Arc<Collection>| {
        collection.database == database
            && (collection.primary_key.id.0 == number
                || collection.indexes.iter().any(|index| index.id.0 == number))
    };
    let older = catalogue.collections.range(..CollectionId(number)).rev();
    let newer = catalogue.collections.range(CollectionId(number)..);
    let collection = older.chain(newer).map(|(_, collection)| collection).find(owns)?;
    let key = keys(collection).into_iter().find(|key| key.number == number)?;
    Some((collection, key))
}

/// Whether a text stands for itself: a name, or a call whose parenthesis closes at the end.
fn is_atom(text: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '"');
    let Some(rest) = text.trim_start_matches(word).strip_prefix('(') else {
        return text.chars().all(word);
    };
    let mut depth = 1;
    let mut quoted = false;
    for (at, c) in rest.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return !text.starts_with('(') && at + 1 == rest.len();
        }
    }
    false
}

/// The text without the parentheses that stand around all of it: the pretty form.
pub fn pretty(text: &str) -> &str {
    let mut text = text.trim_ascii();
    while let Some(inner) = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        // `f(…)` is an atom exactly if the first parenthesis closes at the end.
        if !is_atom(&format!("f{text}")) {
            break;
        }
        text = inner.trim_ascii();
    }
    text
}

/// The text in parentheses, once, unless it is a name or a call.
fn grouped(text: &str) -> String {
    let text = pretty(text);
    if is_atom(text) { text.to_owned() } else { format!("({text})") }
}

fn column_name(collection: &Collection, id: ColumnId) -> String {
    collection.column_by_id(id).map_or_else(String::new, |column| quote_ident(&column.name))
}

/// What an element orders by, without its direction.
pub fn element(collection: &Collection, element: &IndexElement) -> String {
    match &element.source {
        ElementSource::Column(id) => column_name(collection, *id),
        ElementSource::Path(path) => quote_ident(&path.join(".")),
        ElementSource::Expression(text) => grouped(text),
    }
}

fn direction(element: &IndexElement) -> &'static str {
    match (element.descending, element.nulls_first) {
        (false, false) => "",
        (false, true) => " NULLS FIRST",
        (true, true) => " DESC",
        (true, false) => " DESC NULLS LAST",
    }
}

/// CREATE INDEX of a key; `table` is the table's name as it shall be written. `short` leaves out
/// parentheses that need not be.
pub fn index(collection: &Collection, key: &Key<'_>, table: &str, short: bool) -> String {
    let unique = if key.unique { "UNIQUE " } else { "" };
    let elements: Vec<String> =
        key.elements.iter().map(|part| element(collection, part) + direction(part)).collect();
    let name = quote_ident(key.name);
    let mut text =
        format!("CREATE {unique}INDEX {name} ON {table} USING btree ({})", elements.join(", "));
    if key.unique && !key.nulls_distinct {
        text.push_str(" NULLS NOT DISTINCT");
    }
    if let Some(predicate) = key.predicate {
        text.push_str(" WHERE ");
        text.push_str(&if short { pretty(predicate).to_owned() } else { grouped(predicate) });
    }
    text
}

/// Schema and name as pg_get_indexdef writes them.
pub fn qualified(collection: &Collection) -> String {
    format!("{}.{}", quote_ident(&collection.schema), quote_ident(&collection.name))
}

/// The text of a primary key or UNIQUE constraint.
pub fn key_constraint(collection: &Collection, key: &Key<'_>) -> String {
    let columns: Vec<String> = key.elements.iter().map(|part| element(collection, part)).collect();
    let kind = match (key.primary, key.nulls_distinct) {
        (true, _) => "PRIMARY KEY",
        (false, true) => "UNIQUE",
        (false, false) => "UNIQUE NULLS NOT DISTINCT",
    };
    format!("{kind} ({})", columns.join(", "))
}

/// The text of a CHECK.
pub fn check(check: &Check, short: bool) -> String {
    match short {
        true => format!("CHECK ({})", pretty(&check.expression)),
        false => format!("CHECK ({})", grouped(&check.expression)),
    }
}

/// The constraint of a number as ALTER TABLE … ADD CONSTRAINT takes it.
pub fn constraint(collection: &Collection, number: u32, short: bool) -> Option<String> {
    let owner = Some(number);
    if let Some(key) = keys(collection).iter().find(|key| key.constraint == owner) {
        return Some(key_constraint(collection, key));
    }
    let found = collection.checks.iter().find(|check| check.constraint.0 == number)?;
    Some(check(found, short))
}

/// A column's default or generating expression; `None` where pg_attrdef has no row for it.
pub fn default(catalogue: &Catalogue, search_path: &[String], column: &Column) -> Option<String> {
    match column.generator.as_ref()? {
        Generator::Default(text) | Generator::Stored(text) => Some(text.clone()),
        Generator::Serial(number) => {
            let sequence = catalogue.sequences.get(number)?;
            let visible = search_path.contains(&sequence.schema);
            let name = match visible {
                true => quote_ident(&sequence.name),
                false => {
                    format!("{}.{}", quote_ident(&sequence.schema), quote_ident(&sequence.name))
                }
            };
            Some(format!("nextval('{}'::regclass)", name.replace('\'', "''")))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_calls_need_no_parentheses() {
        assert_eq!(grouped("active"), "active");
        assert_eq!(grouped("lower(email)"), "lower(email)");
        assert_eq!(grouped("f(')') "), "f(')')");
        assert_eq!(grouped("f(')')"), "f(')')");
        assert_eq!(grouped("a + b"), "(a + b)");
        assert_eq!(grouped("f(a) + g(b)"), "(f(a) + g(b))");
        assert_eq!(grouped("(a)"), "a");
        assert_eq!(grouped("((a > 1))"), "(a > 1)");
        assert_eq!(grouped("(a) > (b)"), "((a) > (b))");
        assert_eq!(pretty("((a > ')'))"), "a > ')'");
    }
}
