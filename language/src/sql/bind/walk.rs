//! The direct parts of a syntax expression, for whoever looks for something inside it. Subqueries
//! are not parts: they have levels of their own.

use crate::sql::ast::{Expr, ExprKind, FunctionCall, QuantifiedRight, Subscript};

impl Expr {
    /// The expressions directly inside this one, left to right.
    pub fn children(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::Null
            | ExprKind::Boolean(_)
            | ExprKind::Literal(_)
            | ExprKind::TypedLiteral { .. }
            | ExprKind::Column(_)
            | ExprKind::Parameter(_)
            | ExprKind::Default
            | ExprKind::CurrentOf(_)
            | ExprKind::Exists(_)
            | ExprKind::Subquery(_)
            | ExprKind::ArrayQuery(_)
            | ExprKind::SqlValue { .. }
            | ExprKind::Unsupported(_) => Vec::new(),
            ExprKind::Unary { operand, .. }
            | ExprKind::Not(operand)
            | ExprKind::Is { operand, .. }
            | ExprKind::InQuery { operand, .. }
            | ExprKind::Cast { operand, .. }
            | ExprKind::Collate { operand, .. }
            | ExprKind::Field { operand, .. }
            | ExprKind::AllFields(operand) => vec![operand],
            ExprKind::Binary { left, right, .. } | ExprKind::IsDistinct { left, right, .. } => {
                vec![left, right]
            }
            ExprKind::AtTimeZone { operand, zone } => vec![operand, zone],
            ExprKind::And(list)
            | ExprKind::Or(list)
            | ExprKind::Array(list)
            | ExprKind::Coalesce(list)
            | ExprKind::Greatest(list)
            | ExprKind::Least(list)
            | ExprKind::Grouping(list) => list.iter().collect(),
            ExprKind::Row { items, .. } => items.iter().collect(),
            ExprKind::Overlaps { left, right } => left.iter().chain(right).collect(),
            ExprKind::NullIf(pair) => pair.iter().collect(),
            ExprKind::InList { operand, list, .. } => {
                std::iter::once(&**operand).chain(list).collect()
            }
            ExprKind::Between(between) => vec![&between.operand, &between.low, &between.high],
            ExprKind::Like(like) => {
                let mut parts = vec![&like.operand, &like.pattern];
                parts.extend(&like.escape);
                parts
            }
            ExprKind::Quantified(quantified) => match &quantified.right {
                QuantifiedRight::Array(array) => vec![&quantified.operand, array],
                QuantifiedRight::Query(_) => vec![&quantified.operand],
            },
            ExprKind::Case(case) => {
                let mut parts: Vec<&Expr> = case.operand.iter().collect();
                for when in &case.whens {
                    parts.extend([&when.condition, &when.result]);
                }
                parts.extend(&case.otherwise);
                parts
            }
            ExprKind::Function(call) => call_parts(call),
            ExprKind::Subscript { operand, subscripts } => {
                let mut parts: Vec<&Expr> = vec![operand];
                for subscript in subscripts {
                    match subscript {
                        Subscript::Index(index) => parts.push(index),
                        Subscript::Slice(from, to) => parts.extend(from.iter().chain(to)),
                    }
                }
                parts
            }
        }
    }
}

fn call_parts(call: &FunctionCall) -> Vec<&Expr> {
    let mut parts: Vec<&Expr> = call.arguments.iter().map(|argument| &argument.value).collect();
    parts.extend(call.order_by.iter().map(|by| &by.expr));
    parts.extend(&call.filter);
    parts
}
