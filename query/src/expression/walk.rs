//! Looking through expressions and rewriting them.
//!
//! `children` and `map` know the shape of every node; everything else is written with them, so that
//! a new kind of node has one place.

use super::{Constant, Context, Expression, Node};
use crate::function::Volatility;
use crate::{Arena, Result, Type};

impl Expression {
    /// An expression without a place in the text.
    pub fn new(node: Node, ty: Type) -> Expression {
        Expression { node, ty, modifier: -1, offset: u32::MAX }
    }

    /// A constant.
    pub fn constant(value: Constant, ty: Type) -> Expression {
        Expression::new(Node::Constant(value), ty)
    }

    /// NULL of a type.
    pub fn null(ty: Type) -> Expression {
        Expression::constant(Constant::null(), ty)
    }

    /// A column of the input row.
    pub fn column(at: u32, ty: Type, modifier: i32) -> Expression {
        Expression { modifier, ..Expression::new(Node::Column(at), ty) }
    }

    /// Its direct parts, in the order in which they are evaluated.
    pub fn children(&self) -> Vec<&Expression> {
        match &self.node {
            Node::Column(_) | Node::Parameter(_) | Node::Constant(_) => Vec::new(),
            Node::Call { arguments, .. } | Node::Extreme { arguments, .. } => {
                arguments.iter().collect()
            }
            Node::And(list)
            | Node::Or(list)
            | Node::Coalesce(list)
            | Node::Array(list)
            | Node::Row(list) => list.iter().collect(),
            Node::Not(argument)
            | Node::IsNull { argument, .. }
            | Node::IsBool { argument, .. }
            | Node::Match { document: argument, .. } => vec![argument],
            Node::IsDistinct { sides, .. } => vec![&sides.0, &sides.1],
            Node::Case { branches, otherwise } => {
                let pairs = branches.iter().flat_map(|(when, then)| [when, then]);
                pairs.chain(otherwise.as_deref()).collect()
            }
            Node::AnyAll { left, array, .. } => vec![left, array],
            Node::InList { left, list, .. } => std::iter::once(&**left).chain(list).collect(),
        }
    }

    /// Its direct parts, to be changed.
    pub fn children_mut(&mut self) -> Vec<&mut Expression> {
        match &mut self.node {
            Node::Column(_) | Node::Parameter(_) | Node::Constant(_) => Vec::new(),
            Node::Call { arguments, .. } | Node::Extreme { arguments, .. } => {
                arguments.iter_mut().collect()
            }
            Node::And(list)
            | Node::Or(list)
            | Node::Coalesce(list)
            | Node::Array(list)
            | Node::Row(list) => list.iter_mut().collect(),
            Node::Not(argument)
            | Node::IsNull { argument, .. }
            | Node::IsBool { argument, .. }
            | Node::Match { document: argument, .. } => vec![argument],
            Node::IsDistinct { sides, .. } => vec![&mut sides.0, &mut sides.1],
            Node::Case { branches, otherwise } => {
                let pairs = branches.iter_mut().flat_map(|(when, then)| [when, then]);
                pairs.chain(otherwise.as_deref_mut()).collect()
            }
            Node::AnyAll { left, array, .. } => vec![left, array],
            Node::InList { left, list, .. } => std::iter::once(&mut **left).chain(list).collect(),
        }
    }

    /// Visits the expression and all its parts, itself first. Keeps its own stack.
    pub fn walk<'e>(&'e self, visit: &mut dyn FnMut(&'e Expression)) {
        let mut left = vec![self];
        while let Some(expression) = left.pop() {
            visit(expression);
            left.extend(expression.children().into_iter().rev());
        }
    }

    /// Rewrites every part, the innermost first.
    #[must_use]
    pub fn map(mut self, change: &mut dyn FnMut(Expression) -> Expression) -> Expression {
        for child in self.children_mut() {
            let taken = std::mem::replace(child, Expression::null(Type::UNKNOWN));
            *child = taken.map(change);
        }
        change(self)
    }

    /// Whether any part of it satisfies a condition.
    pub fn any(&self, mut condition: impl FnMut(&Expression) -> bool) -> bool {
        let mut found = false;
        self.walk(&mut |part| found = found || condition(part));
        found
    }

    /// The value, where it is a constant already.
    pub fn as_constant(&self) -> Option<&Constant> {
        match &self.node {
            Node::Constant(constant) => Some(constant),
            _ => None,
        }
    }

    /// Whether it is the constant NULL.
    pub fn is_null_constant(&self) -> bool {
        self.as_constant().is_some_and(Constant::is_null)
    }

    /// Whether it gives one value whatever row and parameters: no column, no parameter, nothing
    /// that is not immutable.
    pub fn is_constant(&self) -> bool {
        let varies = |part: &Expression| matches!(part.node, Node::Column(_) | Node::Parameter(_));
        self.volatility() == Volatility::Immutable && !self.any(varies)
    }

    /// The least certain of the functions in it.
    pub fn volatility(&self) -> Volatility {
        let mut worst = Volatility::Immutable;
        self.walk(&mut |part| worst = worst.max(part.own_volatility()));
        worst
    }

    fn own_volatility(&self) -> Volatility {
        match &self.node {
            Node::Call { function, .. } => function.volatility,
            Node::IsDistinct { equal, .. } | Node::InList { equal, .. } => equal.volatility,
            Node::Extreme { less, .. } => less.volatility,
            Node::AnyAll { operator, .. } => operator.volatility,
            _ => Volatility::Immutable,
        }
    }

    /// The positions of the columns that it reads, each once, ascending.
    pub fn columns(&self) -> Vec<u32> {
        let mut found = Vec::new();
        self.walk(&mut |part| {
            if let Node::Column(at) = part.node {
                found.push(at);
            }
        });
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The positions of the parameters that it reads, each once, ascending.
    pub fn parameters(&self) -> Vec<u32> {
        let mut found = Vec::new();
        self.walk(&mut |part| {
            if let Node::Parameter(at) = part.node {
                found.push(at);
            }
        });
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Gives every column another position.
    #[must_use]
    pub fn map_columns(self, place: &mut dyn FnMut(u32) -> u32) -> Expression {
        self.map(&mut |mut part| {
            if let Node::Column(at) = &mut part.node {
                *at = place(*at);
            }
            part
        })
    }

    /// Computes the parts that are constant. A part whose computing fails stays as it is: the error
    /// belongs to the execution, which may never reach it.
    #[must_use]
    pub fn fold(self, context: &Context<'_>) -> Expression {
        self.map(&mut |part| {
            let foldable = part.as_constant().is_none()
                && part.own_volatility() == Volatility::Immutable
                && !matches!(part.node, Node::Column(_) | Node::Parameter(_))
                && part.children().iter().all(|child| child.as_constant().is_some());
            if !foldable {
                return short_circuit(part);
            }
            match part.computed(context) {
                Ok(constant) => Expression { node: Node::Constant(constant), ..part },
                Err(_) => part,
            }
        })
    }

    fn computed(&self, context: &Context<'_>) -> Result<Constant> {
        let arena = Arena::new();
        let context = Context { parameters: &[], session: context.session };
        Constant::new(&self.eval(&context, &[], &arena)?)
    }
}

/// AND and OR without the constants that do not matter; the constant, where one decides. What comes
/// before a deciding constant is dropped too, as PostgreSQL does, although it might have failed.
fn short_circuit(mut part: Expression) -> Expression {
    let decisive = match part.node {
        Node::And(_) => false,
        Node::Or(_) => true,
        _ => return part,
    };
    let (Node::And(list) | Node::Or(list)) = &mut part.node else { return part };
    let value = |e: &Expression| e.as_constant().and_then(Constant::as_bool);
    if let Some(at) = list.iter().position(|e| value(e) == Some(decisive)) {
        return list.swap_remove(at);
    }
    list.retain(|e| value(e) != Some(!decisive));
    match list.len() {
        1 => list.remove(0),
        _ => part,
    }
}
