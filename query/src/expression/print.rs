//! Expressions as EXPLAIN shows them: close to the SQL that they came from.

use std::fmt::Write;

use super::{Expression, Node, Session};
use crate::Datum;
use crate::function::Function;

/// What columns are called in the input of an expression.
pub trait Names {
    /// The name of the input's column.
    fn column(&self, at: u32) -> String;
}

impl<F: Fn(u32) -> String> Names for F {
    fn column(&self, at: u32) -> String {
        self(at)
    }
}

impl Expression {
    /// The expression as text, in parentheses where it is an operator, as EXPLAIN prints it.
    pub fn print(&self, session: &dyn Session, names: &dyn Names) -> String {
        let mut out = String::new();
        Printer { session, names, out: &mut out }.expression(self);
        out
    }
}

struct Printer<'p> {
    session: &'p dyn Session,
    names: &'p dyn Names,
    out: &'p mut String,
}

impl Printer<'_> {
    fn text(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn expression(&mut self, expression: &Expression) {
        match &expression.node {
            Node::Column(at) => {
                let name = self.names.column(*at);
                self.text(&name);
            }
            // Writing to a String does not fail.
            Node::Parameter(at) => {
                let _ = write!(self.out, "${}", at + 1);
            }
            Node::Constant(constant) => self.constant(expression, &constant.as_datum()),
            Node::Call { function, arguments } => self.call(expression, function, arguments),
            Node::And(list) => self.between(list, " AND "),
            Node::Or(list) => self.between(list, " OR "),
            Node::Not(inner) => self.around("(NOT ", inner, ")"),
            Node::IsNull { argument, negated } => {
                self.around("(", argument, if *negated { " IS NOT NULL)" } else { " IS NULL)" });
            }
            Node::IsBool { argument, value, negated } => {
                let not = if *negated { "NOT " } else { "" };
                let value = if *value { "TRUE" } else { "FALSE" };
                self.around("(", argument, &format!(" IS {not}{value})"));
            }
            Node::IsDistinct { sides, negated, .. } => {
                self.text("(");
                self.expression(&sides.0);
                self.text(if *negated { " IS NOT DISTINCT FROM " } else { " IS DISTINCT FROM " });
                self.expression(&sides.1);
                self.text(")");
            }
            Node::Case { branches, otherwise } => self.case(branches, otherwise.as_deref()),
            Node::Coalesce(list) => self.named("COALESCE", list),
            Node::Extreme { greatest, arguments, .. } => {
                self.named(if *greatest { "GREATEST" } else { "LEAST" }, arguments);
            }
            Node::AnyAll { operator, all, left, array } => {
                self.text("(");
                self.expression(left);
                self.text(&format!(" {} {} (", operator.name, if *all { "ALL" } else { "ANY" }));
                self.expression(array);
                self.text("))");
            }
            Node::InList { left, list, negated, .. } => {
                self.text("(");
                self.expression(left);
                self.text(if *negated { " NOT IN (" } else { " IN (" });
                self.list(list);
                self.text("))");
            }
            Node::Array(list) => {
                self.text("ARRAY[");
                self.list(list);
                self.text("]");
            }
            Node::Row(list) => self.named("ROW", list),
            Node::Match { document, leaf } => self.around("(", document, &format!(" @@ {leaf})")),
        }
    }

    fn constant(&mut self, expression: &Expression, datum: &Datum<'_>) {
        let ty = expression.ty;
        match datum {
            datum if datum.is_null() => self.text("NULL"),
            Datum::Bool(value) => self.text(if *value { "true" } else { "false" }),
            Datum::Int(_) | Datum::UInt(_) if ty.is_integer() => {
                let text = crate::cast::output_string(self.session, ty, -1, datum);
                self.text(&text.unwrap_or_default());
            }
            datum => {
                let text = crate::cast::output_string(self.session, ty, expression.modifier, datum);
                let text = text.unwrap_or_default().replace('\'', "''");
                self.text(&format!("'{text}'::{}", ty.display(expression.modifier)));
            }
        }
    }

    fn call(&mut self, expression: &Expression, function: &Function, arguments: &[Expression]) {
        match arguments {
            [inner] if function.id.starts_with("sql.") && is_cast(function) => {
                let ty = expression.ty.display(expression.modifier);
                self.around("(", inner, &format!(")::{ty}"));
            }
            [left, right] if function.is_operator() => {
                self.text("(");
                self.expression(left);
                self.text(&format!(" {} ", function.name));
                self.expression(right);
                self.text(")");
            }
            [inner] if function.is_operator() => {
                self.around(&format!("({} ", function.name), inner, ")");
            }
            arguments => self.named(function.name, arguments),
        }
    }

    fn case(&mut self, branches: &[(Expression, Expression)], otherwise: Option<&Expression>) {
        self.text("CASE");
        for (condition, result) in branches {
            self.around(" WHEN ", condition, " THEN ");
            self.expression(result);
        }
        if let Some(result) = otherwise {
            self.around(" ELSE ", result, "");
        }
        self.text(" END");
    }

    fn around(&mut self, before: &str, inner: &Expression, after: &str) {
        self.text(before);
        self.expression(inner);
        self.text(after);
    }

    fn named(&mut self, name: &str, arguments: &[Expression]) {
        self.text(name);
        self.text("(");
        self.list(arguments);
        self.text(")");
    }

    fn between(&mut self, list: &[Expression], word: &str) {
        self.text("(");
        for (at, part) in list.iter().enumerate() {
            if at > 0 {
                self.text(word);
            }
            self.expression(part);
        }
        self.text(")");
    }

    fn list(&mut self, list: &[Expression]) {
        for (at, part) in list.iter().enumerate() {
            if at > 0 {
                self.text(", ");
            }
            self.expression(part);
        }
    }
}

/// Whether an entry is the function of a cast, shown by `::`.
fn is_cast(function: &Function) -> bool {
    crate::cast::is_cast(function)
}
