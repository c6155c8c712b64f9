//! What COMMAND INFO and COMMAND DOCS print of one command.
//!
//! ```text
//!   INFO  [name, arity, {flags}, first, last, step, {categories}, {tips}, {key specs},
//!          [subcommands]]
//!   DOCS  name → {since, group, complexity, doc_flags, arguments, subcommands: {name → …}}
//! ```
//!
//! **Invariants.** The shapes are Redis's in both versions of the protocol; a field that is empty
//! is left out of DOCS, as Redis does. A name that COMMAND INFO does not know is a plain null.
//! **Left out on purpose:** summaries, histories and notes, which are Redis's prose, not facts.

use super::{
    ARGUMENT_FLAG_NAMES, Argument, Begin, CATEGORY_NAMES, Command, DOC_FLAG_NAMES, FLAG_NAMES,
    Find, KEY_FLAG_NAMES, KeySpec, Kind, names,
};
use crate::redis::codec::{Aggregate, ReplyWriter};

/// Writes the entry of COMMAND INFO.
pub fn info(command: &Command, out: &mut ReplyWriter<'_>) {
    out.array(10);
    out.bulk(command.name.as_bytes());
    out.integer(command.arity.into());
    statuses(out, command.flags.0, &FLAG_NAMES);
    out.integer(command.first.into());
    out.integer(command.last.into());
    out.integer(command.step.into());
    statuses(out, command.categories, &CATEGORY_NAMES);
    out.set(command.tips.len());
    command.tips.iter().for_each(|tip| out.bulk(tip.as_bytes()));
    out.set(command.keys.len());
    command.keys.iter().for_each(|spec| key_spec(spec, out));
    match command.subcommands {
        [] => out.set(0),
        subcommands => {
            out.array(subcommands.len());
            subcommands.iter().for_each(|sub| info(sub, out));
        }
    }
}

fn statuses(out: &mut ReplyWriter<'_>, bits: u32, known: &[&'static str]) {
    out.set(bits.count_ones() as usize);
    names(bits, known).for_each(|name| out.simple(name));
}

fn text(out: &mut ReplyWriter<'_>, name: &str, value: &str) {
    out.bulk(name.as_bytes());
    out.bulk(value.as_bytes());
}

fn number(out: &mut ReplyWriter<'_>, name: &str, value: i16) {
    out.bulk(name.as_bytes());
    out.integer(value.into());
}

fn key_spec(spec: &KeySpec, out: &mut ReplyWriter<'_>) {
    out.map(3);
    out.bulk(b"flags");
    statuses(out, spec.flags.into(), &KEY_FLAG_NAMES);
    out.bulk(b"begin_search");
    out.map(2);
    match spec.begin {
        Begin::Index(index) => {
            text(out, "type", "index");
            out.bulk(b"spec");
            out.map(1);
            number(out, "index", index);
        }
        Begin::Keyword(keyword, from) => {
            text(out, "type", "keyword");
            out.bulk(b"spec");
            out.map(2);
            text(out, "keyword", keyword);
            number(out, "startfrom", from);
        }
        Begin::Unknown => unknown(out),
    }
    out.bulk(b"find_keys");
    out.map(2);
    match spec.find {
        Find::Range(last, step, limit) => {
            text(out, "type", "range");
            out.bulk(b"spec");
            out.map(3);
            number(out, "lastkey", last);
            number(out, "keystep", step);
            number(out, "limit", limit);
        }
        Find::Count(number_at, first, step) => {
            text(out, "type", "keynum");
            out.bulk(b"spec");
            out.map(3);
            number(out, "keynumidx", number_at);
            number(out, "firstkey", first);
            number(out, "keystep", step);
        }
        Find::Unknown => unknown(out),
    }
}

fn unknown(out: &mut ReplyWriter<'_>) {
    text(out, "type", "unknown");
    out.bulk(b"spec");
    out.map(0);
}

/// Writes the name and the value of the entry of COMMAND DOCS.
pub fn docs(command: &Command, out: &mut ReplyWriter<'_>) {
    out.bulk(command.name.as_bytes());
    let mark = out.begin();
    text(out, "since", command.since);
    text(out, "group", command.group);
    let mut fields = 2;
    for (name, value) in
        [("complexity", command.complexity), ("deprecated_since", command.deprecated_since)]
    {
        if !value.is_empty() {
            text(out, name, value);
            fields += 1;
        }
    }
    if command.doc_flags != 0 {
        out.bulk(b"doc_flags");
        statuses(out, command.doc_flags.into(), &DOC_FLAG_NAMES);
        fields += 1;
    }
    if !command.arguments.is_empty() {
        arguments(command.arguments, out);
        fields += 1;
    }
    if !command.subcommands.is_empty() {
        out.bulk(b"subcommands");
        out.map(command.subcommands.len());
        command.subcommands.iter().for_each(|sub| docs(sub, out));
        fields += 1;
    }
    out.end(mark, Aggregate::Map, fields);
}

fn arguments(list: &[Argument], out: &mut ReplyWriter<'_>) {
    out.bulk(b"arguments");
    out.array(list.len());
    list.iter().for_each(|item| argument(item, out));
}

fn argument(item: &Argument, out: &mut ReplyWriter<'_>) {
    let mark = out.begin();
    text(out, "name", item.name);
    text(out, "type", kind_name(item.kind));
    let mut fields = 2;
    if !matches!(item.kind, Kind::Oneof | Kind::Block) {
        text(out, "display_text", item.name);
        fields += 1;
    }
    if item.key_spec >= 0 {
        number(out, "key_spec_index", item.key_spec.into());
        fields += 1;
    }
    for (name, value) in
        [("token", item.token), ("since", item.since), ("deprecated_since", item.deprecated_since)]
    {
        if !value.is_empty() {
            text(out, name, value);
            fields += 1;
        }
    }
    if item.flags != 0 {
        out.bulk(b"flags");
        statuses(out, item.flags.into(), &ARGUMENT_FLAG_NAMES);
        fields += 1;
    }
    if !item.children.is_empty() {
        arguments(item.children, out);
        fields += 1;
    }
    out.end(mark, Aggregate::Map, fields);
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::String => "string",
        Kind::Integer => "integer",
        Kind::Double => "double",
        Kind::Key => "key",
        Kind::Pattern => "pattern",
        Kind::UnixTime => "unix-time",
        Kind::PureToken => "pure-token",
        Kind::Oneof => "oneof",
        Kind::Block => "block",
    }
}
