//! A syntax tree as text, for golden tests and for looking at.
//!
//! It reads what `#[derive(Debug)]` writes and drops what says nothing: `None`, `false`, empty
//! lists,
//! `Some`. What is left is one line, or, if that is too long, one line for each field:
//!
//! ```text
//! Binary@9(operator: "+", left: Column@7(a@7), right: Literal@11(Int4(1), #0))
//! ```
//!
//! `@n` is a byte offset, `#n` the number of a literal. Rejected: a printer for each of a hundred
//! types, which would have to be kept true by hand.

use std::fmt::{Debug, Write};

/// Longest line that a node may take whole.
const COLUMNS: usize = 96;

/// The tree of a node, with byte offsets or without.
pub fn tree<T: Debug>(node: &T, positions: bool) -> String {
    let text = format!("{node:?}");
    let mut reader = Reader { bytes: text.as_bytes(), text: &text, at: 0 };
    let node = reader.node();
    let mut out = String::new();
    print(&node.tidy(positions), 0, &mut out);
    out
}

enum Node<'a> {
    Atom(&'a str),
    /// A name and its fields; a tuple's have no names.
    Fields(String, Vec<(&'a str, Node<'a>)>),
    List(Vec<Node<'a>>),
}

struct Reader<'a> {
    bytes: &'a [u8],
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    fn skip(&mut self, set: &[u8]) {
        while self.at < self.bytes.len() && set.contains(&self.peek()) {
            self.at += 1;
        }
    }

    fn slice(&self, from: usize) -> &'a str {
        self.text.get(from..self.at).unwrap_or("")
    }

    fn string(&mut self) -> &'a str {
        let from = self.at;
        self.at += 1;
        while self.at < self.bytes.len() && self.peek() != b'"' {
            self.at += if self.peek() == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
        self.slice(from)
    }

    fn word(&mut self) -> &'a str {
        let from = self.at;
        while self.at < self.bytes.len() && !b",:(){}[] ".contains(&self.peek()) {
            self.at += 1;
        }
        self.slice(from)
    }

    fn node(&mut self) -> Node<'a> {
        match self.peek() {
            b'"' => Node::Atom(self.string()),
            b'[' => {
                self.at += 1;
                let items = self.items(b']');
                Node::List(items.into_iter().map(|(_, node)| node).collect())
            }
            b'(' => {
                self.at += 1;
                Node::Fields(String::new(), self.items(b')'))
            }
            _ => self.named(),
        }
    }

    fn named(&mut self) -> Node<'a> {
        let name = self.word();
        if self.peek() == b'(' {
            self.at += 1;
            return Node::Fields(name.to_string(), self.items(b')'));
        }
        if self.text.get(self.at..).is_some_and(|rest| rest.starts_with(" {")) {
            self.at += 2;
            return Node::Fields(name.to_string(), self.items(b'}'));
        }
        Node::Atom(name)
    }

    fn items(&mut self, close: u8) -> Vec<(&'a str, Node<'a>)> {
        let mut items = Vec::new();
        loop {
            self.skip(b", ");
            if self.peek() == close || self.at >= self.bytes.len() {
                self.at += 1;
                return items;
            }
            let start = self.at;
            let name = self.word();
            if close == b'}' && self.peek() == b':' {
                self.skip(b": ");
                let node = self.node();
                items.push((name, node));
            } else {
                self.at = start;
                let node = self.node();
                items.push(("", node));
            }
        }
    }
}

impl<'a> Node<'a> {
    fn says_nothing(&self) -> bool {
        match self {
            Node::Atom(atom) => matches!(*atom, "None" | "false"),
            Node::List(items) => items.is_empty(),
            Node::Fields(..) => false,
        }
    }

    fn tidy(self, positions: bool) -> Node<'a> {
        match self {
            Node::Atom(_) => self,
            Node::List(items) => {
                Node::List(items.into_iter().map(|item| item.tidy(positions)).collect())
            }
            Node::Fields(name, mut fields) if name == "Some" && fields.len() == 1 => {
                match fields.pop() {
                    Some((_, inner)) => inner.tidy(positions),
                    None => Node::Fields(name, fields),
                }
            }
            Node::Fields(name, fields) => Self::tidy_fields(name, fields, positions),
        }
    }

    fn tidy_fields(
        mut name: String,
        fields: Vec<(&'a str, Node<'a>)>,
        positions: bool,
    ) -> Node<'a> {
        let mut kept = Vec::new();
        let mut at = "";
        for (field, node) in fields {
            match node {
                Node::Atom(atom) if field == "position" => at = atom,
                node if field.is_empty() || !node.says_nothing() => {
                    kept.push((field, node.tidy(positions)));
                }
                _ => {}
            }
        }
        if !positions {
            at = "";
        }
        match (name.as_str(), kept.pop()) {
            // The wrapper of every expression: its kind, with the position.
            ("Expr", Some((_, Node::Fields(kind, inner)))) => Node::Fields(kind + at, inner),
            ("Expr", Some((_, Node::Atom(kind)))) => {
                Node::Fields(format!("{kind}{at}"), Vec::new())
            }
            ("Ident", Some((_, Node::Atom(text)))) => {
                Node::Fields(format!("{text}{at}"), Vec::new())
            }
            ("ObjectName", Some((_, parts))) => parts,
            (_, last) => {
                kept.extend(last);
                name.push_str(at);
                Node::Fields(name, kept)
            }
        }
    }

    /// The node in one line.
    fn line(&self, out: &mut String) {
        match self {
            Node::Atom(atom) => out.push_str(atom),
            Node::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index > 0 { ", " } else { "" });
                    item.line(out);
                }
                out.push(']');
            }
            Node::Fields(name, fields) => {
                out.push_str(name);
                if fields.is_empty() {
                    return;
                }
                out.push('(');
                for (index, (field, node)) in fields.iter().enumerate() {
                    out.push_str(if index > 0 { ", " } else { "" });
                    if !field.is_empty() {
                        let _ = write!(out, "{field}: ");
                    }
                    node.line(out);
                }
                out.push(')');
            }
        }
    }
}

fn print(node: &Node<'_>, depth: usize, out: &mut String) {
    let mut line = String::new();
    node.line(&mut line);
    if line.len() + depth * 2 <= COLUMNS {
        out.push_str(&line);
        return;
    }
    // A wrapper of one thing takes no lines of its own.
    if let Node::Fields(name, fields) = node
        && let [(field, inner)] = fields.as_slice()
    {
        let _ = write!(out, "{name}({field}{}", if field.is_empty() { "" } else { ": " });
        print(inner, depth, out);
        return out.push(')');
    }
    let (open, close, count) = match node {
        Node::Atom(atom) => return out.push_str(atom),
        Node::List(items) => ("[".to_string(), ']', items.len()),
        Node::Fields(name, fields) => (format!("{name}("), ')', fields.len()),
    };
    out.push_str(&open);
    for index in 0..count {
        out.push('\n');
        out.push_str(&"  ".repeat(depth + 1));
        match node {
            Node::List(items) => {
                items.get(index).into_iter().for_each(|n| print(n, depth + 1, out))
            }
            Node::Fields(_, fields) => {
                if let Some((field, node)) = fields.get(index) {
                    if !field.is_empty() {
                        let _ = write!(out, "{field}: ");
                    }
                    print(node, depth + 1, out);
                }
            }
            Node::Atom(_) => {}
        }
    }
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
    out.push(close);
}
