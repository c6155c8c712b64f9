//! Calls and casts in statements, with the types that are written for their arguments.
//!
//! ```text
//!   SELECT round('2.5'::numeric, 1::int4)     function round (numeric, int4)     and a cast of 1 …
//!   SELECT 'a'::text < 'b'::name              operator < (text, name)
//!   SELECT '5'::int4::oid                     cast to oid from int4
//! ```
//!
//! **Invariant.** A call counts only if the type of every argument is written, so that there is one
//! signature that it can be.

use language::sql::ast::{Expr, ExprKind, QueryBody, Statement, TableRef, TypeName};
use language::sql::{Dialect, parse};

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Function,
    Operator,
    /// The name is the type that is made.
    Cast,
}

impl Kind {
    pub fn word(self) -> &'static str {
        match self {
            Kind::Function => "function",
            Kind::Operator => "operator",
            Kind::Cast => "cast",
        }
    }
}

/// A call in a statement.
#[derive(Debug, PartialEq, Eq)]
pub struct Call {
    pub kind: Kind,
    pub name: String,
    pub types: Vec<String>,
}

impl Call {
    /// Whether it is what a list of this name calls `what`.
    pub fn shows(&self, file: &str, what: &str) -> bool {
        match file {
            "postgres_types.txt" => self.kind == Kind::Cast && self.name == what,
            "postgres_casts.txt" => {
                let pair = what.rsplit_once(' ').and_then(|(pair, _)| pair.split_once(' '));
                self.kind == Kind::Cast
                    && pair.is_some_and(|(from, to)| self.name == to && self.types == [from])
            }
            _ => {
                let kind =
                    if file == "postgres_operators.txt" { Kind::Operator } else { Kind::Function };
                let open = what.find('(').unwrap_or(what.len());
                let types = what[open..].trim_start_matches('(').trim_end_matches(')');
                self.kind == kind && self.name == what[..open] && self.fits(types)
            }
        }
    }

    fn fits(&self, types: &str) -> bool {
        let mut declared: Vec<&str> = types.split(',').filter(|ty| !ty.is_empty()).collect();
        if let Some(last) = declared.last().and_then(|last| last.strip_prefix("variadic ")) {
            declared.pop();
            declared.push(last);
            while declared.len() < self.types.len() {
                declared.push(last);
            }
        }
        let same = |(declared, ty): (&&str, &String)| {
            *declared == ty
                || *declared == "any" && !ty.ends_with("[]")
                || *declared == "any[]" && ty.ends_with("[]")
        };
        declared.len() == self.types.len() && declared.iter().zip(&self.types).all(same)
    }
}

/// A type's name without what makes it an array or repeats it.
pub fn plain(ty: &str) -> &str {
    let ty = ty.strip_prefix("variadic ").unwrap_or(ty);
    ty.strip_suffix("[]").unwrap_or(ty)
}

/// The calls of a text's statements.
pub fn calls(text: &str) -> Vec<Call> {
    let mut found = Vec::new();
    for parsed in parse(text, Dialect::PostgreSql).unwrap_or_default() {
        let Statement::Query(query) = &parsed.statement else { continue };
        let QueryBody::Select(select) = &query.body else { continue };
        select.targets.iter().for_each(|target| walk(&target.expr, &mut found));
        select.from.iter().for_each(|from| sources(from, &mut found));
    }
    found
}

fn sources(from: &TableRef, found: &mut Vec<Call>) {
    if let TableRef::Function(function) = from {
        function.items.iter().for_each(|item| walk(&item.call, found));
    }
}

fn walk(expr: &Expr, found: &mut Vec<Call>) {
    let (kind, name, arguments): (Kind, String, Vec<&Expr>) = match &expr.kind {
        ExprKind::Function(call) => {
            let arguments = call.arguments.iter().map(|argument| &argument.value).collect();
            (Kind::Function, call.name.name().to_owned(), arguments)
        }
        ExprKind::Binary { operator, left, right } => {
            (Kind::Operator, operator.name.clone(), vec![left, right])
        }
        ExprKind::Unary { operator, operand } => {
            (Kind::Operator, operator.name.clone(), vec![operand])
        }
        ExprKind::Cast { operand, data_type } => (Kind::Cast, type_name(data_type), vec![operand]),
        ExprKind::Is { operand, .. } => return walk(operand, found),
        _ => return,
    };
    arguments.iter().for_each(|argument| walk(argument, found));
    let written = |argument: &&Expr| match &argument.kind {
        ExprKind::Cast { data_type, .. } => Some(type_name(data_type)),
        _ => None,
    };
    let types: Option<Vec<String>> = arguments.iter().map(written).collect();
    match (types, kind) {
        (Some(types), _) => found.push(Call { kind, name, types }),
        // A literal of a type: no cast from another, but the type is there.
        (None, Kind::Cast) => found.push(Call { kind, name, types: Vec::new() }),
        (None, _) => {}
    }
}

fn type_name(name: &TypeName) -> String {
    let brackets = if name.array.is_empty() { "" } else { "[]" };
    format!("{}{brackets}", name.name.name())
}

#[test]
fn only_calls_of_written_types_are_seen() {
    let all = calls("SELECT round('2.5'::numeric, 1::int4), abs(-1), 'a'::text < 'b'::name");
    let shows = |file: &str, what: &str| all.iter().any(|call| call.shows(file, what));
    assert!(shows("postgres_functions.txt", "round(numeric,int4)"));
    assert!(!shows("postgres_functions.txt", "round(numeric)"));
    assert!(!shows("postgres_functions.txt", "abs(int4)"));
    assert!(shows("postgres_operators.txt", "<(text,name)"));
    assert!(!shows("postgres_operators.txt", "<(name,text)"));
    assert!(shows("postgres_types.txt", "numeric"));
    let variadic = calls("SELECT concat('a'::text, 'b'::text)");
    assert!(
        variadic.iter().any(|call| call.shows("postgres_functions.txt", "concat(variadic any)"))
    );
    let cast = calls("SELECT '5'::int4::oid");
    assert!(cast.iter().any(|call| call.shows("postgres_casts.txt", "int4 oid implicit")));
    assert!(!cast.iter().any(|call| call.shows("postgres_casts.txt", "int8 oid implicit")));
}
