//! Expressions: every construct of the tree to a typed node.
//!
//! Subqueries do not become expressions: `apply` puts them under the level's node and answers the
//! column that they add.

use query::expression::{Constant, Expression, Node};
use query::plan::{Apply, ApplyKind, Lifted, Node as PlanNode, NodeKind};
use query::{Error, ErrorKind, Result, Type};

use super::resolve::{self, common_type, operator, unify};
use super::scope::{Found, Relation, Scope, ScopeColumn};
use super::types::resolve_type;
use super::{Binder, Clause, LiteralUse, column};
use crate::sql::ast::{
    self, Between, Case, ColumnRef, Expr, ExprKind, IsTest, Like, LikeKind, Literal, LiteralValue,
    Quantified, QuantifiedRight, Subscript,
};

/// No offset.
const NOWHERE: u32 = u32::MAX;

pub(super) fn node(node: Node, ty: Type, offset: u32) -> Expression {
    Expression { node, ty, modifier: -1, offset }
}

/// A column that `*` stands for: its name, itself, and its origin.
pub(super) type Starred = (String, Expression, (u32, i16));

impl Binder<'_> {
    /// Binds an expression over the level's row.
    pub(super) fn expression(&mut self, expr: &Expr) -> Result<Expression> {
        if let Some(grouped) = self.grouped(expr)? {
            return Ok(grouped);
        }
        let offset = expr.position.0;
        match &expr.kind {
            ExprKind::Null => Ok(node(Node::Constant(Constant::null()), Type::UNKNOWN, offset)),
            ExprKind::Boolean(value) => {
                Ok(node(Node::Constant(Constant::bool(*value)), Type::BOOL, offset))
            }
            ExprKind::Literal(literal) => self.literal(literal, offset),
            ExprKind::TypedLiteral { data_type, literal } => {
                let (ty, modifier) = resolve_type(data_type)?;
                let literal = self.literal(literal, offset)?;
                resolve::explicit(self, literal, ty, modifier)
            }
            ExprKind::Column(name) => self.column_reference(name, offset),
            ExprKind::Parameter(number) => self.parameter(*number, offset),
            ExprKind::Default => Err(syntax("DEFAULT is not allowed in this context", offset)),
            ExprKind::CurrentOf(_) => Err(Error::unsupported("WHERE CURRENT OF").at(offset)),
            ExprKind::Unary { operator: op, operand } => {
                check_schema(op, offset)?;
                let operand = self.expression(operand)?;
                operator(self, &op.name, None, operand, offset)
            }
            ExprKind::Binary { operator: op, left, right } => {
                check_schema(op, offset)?;
                self.binary(&op.name, left, right, offset)
            }
            ExprKind::And(list) => {
                Ok(node(Node::And(self.conditions(list, "AND")?), Type::BOOL, offset))
            }
            ExprKind::Or(list) => {
                Ok(node(Node::Or(self.conditions(list, "OR")?), Type::BOOL, offset))
            }
            ExprKind::Not(operand) => {
                let operand = self.condition(operand, "NOT")?;
                Ok(node(Node::Not(Box::new(operand)), Type::BOOL, offset))
            }
            ExprKind::Is { operand, test, negated } => self.is(operand, *test, *negated, offset),
            ExprKind::IsDistinct { left, right, negated } => {
                self.is_distinct(left, right, *negated, offset)
            }
            ExprKind::Between(between) => self.between(between, offset),
            ExprKind::InList { operand, list, negated } => {
                self.in_list(operand, list, *negated, offset)
            }
            ExprKind::InQuery { operand, query, negated } => {
                let found = self.quantified_query(operand, "=", false, query, offset)?;
                Ok(if *negated {
                    node(Node::Not(Box::new(found)), Type::BOOL, offset)
                } else {
                    found
                })
            }
            ExprKind::Like(like) => self.like(like, offset),
            ExprKind::Quantified(quantified) => self.quantified(quantified, offset),
            ExprKind::Exists(query) => self.apply(query, ApplyKind::Exists, offset),
            ExprKind::Subquery(query) => self.apply(query, ApplyKind::Scalar, offset),
            ExprKind::ArrayQuery(query) => self.apply(query, ApplyKind::Array, offset),
            ExprKind::Array(items) => self.array(items, offset),
            ExprKind::Row { items, .. } => {
                let items = self.expressions(items)?;
                let items =
                    items.into_iter().map(|item| self.settled(item)).collect::<Result<_>>()?;
                Ok(node(Node::Row(items), Type::RECORD, offset))
            }
            ExprKind::Overlaps { left, right } => {
                let both: Vec<&Expr> = left.iter().chain(right).collect();
                self.named_call("overlaps", &both, offset)
            }
            ExprKind::Case(case) => self.case(case, offset),
            ExprKind::Cast { operand, data_type } => {
                let (ty, modifier) = resolve_type(data_type)?;
                let operand = self.cast_operand(operand, ty)?;
                let mut cast = resolve::explicit(self, operand, ty, modifier)?;
                cast.offset = offset;
                Ok(cast)
            }
            ExprKind::Collate { operand, collation } => {
                let operand = self.expression(operand)?;
                match collation.name() {
                    "C" | "POSIX" | "default" | "ucs_basic" => Ok(operand),
                    other => {
                        Err(Error::unsupported(format_args!("collation \"{other}\"")).at(offset))
                    }
                }
            }
            ExprKind::AtTimeZone { operand, zone } => {
                self.named_call("timezone", &[zone, operand], offset)
            }
            ExprKind::Function(call) => self.call(call),
            ExprKind::SqlValue { function, precision } => {
                self.sql_value(*function, *precision, offset)
            }
            ExprKind::Coalesce(list) => {
                let list = self.expressions(list)?;
                let (list, ty) = unify(self, list, "COALESCE")?;
                Ok(node(Node::Coalesce(list), ty, offset))
            }
            ExprKind::Greatest(list) => self.extreme(list, true, offset),
            ExprKind::Least(list) => self.extreme(list, false, offset),
            ExprKind::NullIf(pair) => self.null_if(&pair[0], &pair[1], offset),
            ExprKind::Grouping(_) => Err(Error::unsupported("GROUPING").at(offset)),
            ExprKind::Subscript { operand, subscripts } => {
                self.subscript(operand, subscripts, offset)
            }
            ExprKind::Field { .. } => {
                Err(Error::unsupported("selection of a field of a row").at(offset))
            }
            ExprKind::AllFields(_) => {
                Err(Error::unsupported("expansion of a row by .*").at(offset))
            }
            ExprKind::Unsupported(name) => Err(Error::unsupported(name).at(offset)),
        }
    }

    pub(super) fn expressions(&mut self, list: &[Expr]) -> Result<Vec<Expression>> {
        list.iter().map(|expr| self.expression(expr)).collect()
    }

    /// A literal: a parameter of the plan where that is wanted, else a constant.
    fn literal(&mut self, literal: &Literal, offset: u32) -> Result<Expression> {
        let ty = match &literal.value {
            LiteralValue::Int4(_) => Type::INT4,
            LiteralValue::Int8(_) => Type::INT8,
            LiteralValue::Numeric(_) => Type::NUMERIC,
            LiteralValue::Text(_) => Type::UNKNOWN,
            LiteralValue::Bit(..) => return Err(Error::unsupported("type bit").at(offset)),
        };
        if self.constants_only {
            return constant(literal, ty, offset);
        }
        if let (true, Some(ordinal)) = (self.environment.lift, literal.ordinal) {
            let number = (self.parameters.len() + ordinal.0 as usize) as u32;
            let what = self.literals.get_mut(ordinal.0 as usize);
            if let Some(what @ LiteralUse::Unused) = what {
                let (modifier, negated) = (-1, literal.negated);
                *what = LiteralUse::Lifted(Lifted { ty, modifier, negated, offset });
                return Ok(node(Node::Parameter(number), ty, offset));
            }
            if let Some(LiteralUse::Lifted(_)) = what {
                return Ok(node(Node::Parameter(number), ty, offset));
            }
        } else if let Some(ordinal) = literal.ordinal {
            self.look_at(ordinal.0);
        }
        constant(literal, ty, offset)
    }

    fn parameter(&mut self, number: u32, offset: u32) -> Result<Expression> {
        let at = (number as usize).wrapping_sub(1);
        let Some(known) = self.parameters.get(at) else {
            let message = format!("there is no parameter ${number}");
            return Err(Error::new(ErrorKind::Name, "42P02", message).at(offset));
        };
        let ty = known.unwrap_or(Type::UNKNOWN);
        Ok(node(Node::Parameter(at as u32), ty, offset))
    }

    /// The operand of `x::type`: an array constructor takes the type's elements from it.
    fn cast_operand(&mut self, operand: &Expr, ty: Type) -> Result<Expression> {
        match &operand.kind {
            ExprKind::Array(items) if ty.array => {
                let items = self.expressions(items)?;
                self.array_of(items, ty.element(), operand.position.0)
            }
            _ => self.expression(operand),
        }
    }

    fn binary(&mut self, name: &str, left: &Expr, right: &Expr, offset: u32) -> Result<Expression> {
        if let (ExprKind::Row { items: left, .. }, ExprKind::Row { items: right, .. }) =
            (&left.kind, &right.kind)
        {
            return self.row_comparison(name, left, right, offset);
        }
        let left = self.expression(left)?;
        let right = self.expression(right)?;
        operator(self, name, Some(left), right, offset)
    }

    /// `(a, b) = (c, d)` and the orderings, column by column.
    fn row_comparison(
        &mut self,
        name: &str,
        left: &[Expr],
        right: &[Expr],
        offset: u32,
    ) -> Result<Expression> {
        if left.len() != right.len() {
            return Err(syntax("unequal number of entries in row expressions", offset));
        }
        let left = self.expressions(left)?;
        let right = self.expressions(right)?;
        let pairs: Vec<(Expression, Expression)> = left.into_iter().zip(right).collect();
        self.compare_rows(name, pairs, offset)
    }

    fn compare_rows(
        &mut self,
        name: &str,
        pairs: Vec<(Expression, Expression)>,
        offset: u32,
    ) -> Result<Expression> {
        match name {
            "=" | "<>" => {
                let mut equal = Vec::with_capacity(pairs.len());
                for (left, right) in pairs {
                    equal.push(operator(self, name, Some(left), right, offset)?);
                }
                Ok(if name == "=" {
                    conjunction(equal, offset)
                } else {
                    disjunction(equal, offset)
                })
            }
            "<" | "<=" | ">" | ">=" => self.order_rows(name, pairs, offset),
            _ => Err(Error::unsupported(format_args!("row comparison by {name}")).at(offset)),
        }
    }

    /// `(a, b) < (c, d)` is `a < c OR (a = c AND b < d)`.
    fn order_rows(
        &mut self,
        name: &str,
        pairs: Vec<(Expression, Expression)>,
        offset: u32,
    ) -> Result<Expression> {
        let strict = name.trim_end_matches('=');
        let mut result: Option<Expression> = None;
        for (left, right) in pairs.into_iter().rev() {
            let last = result.is_none();
            let here = operator(
                self,
                if last { name } else { strict },
                Some(left.clone()),
                right.clone(),
                offset,
            )?;
            result = Some(match result {
                None => here,
                Some(rest) => {
                    let same = operator(self, "=", Some(left), right, offset)?;
                    disjunction(vec![here, conjunction(vec![same, rest], offset)], offset)
                }
            });
        }
        result.ok_or_else(|| syntax("cannot compare rows of zero length", offset))
    }

    /// An expression that must be boolean.
    pub(super) fn condition(&mut self, expr: &Expr, construct: &str) -> Result<Expression> {
        let bound = self.expression(expr)?;
        self.boolean(bound, construct)
    }

    fn boolean(&mut self, bound: Expression, construct: &str) -> Result<Expression> {
        if bound.ty == Type::UNKNOWN {
            return resolve::coerce_to(self, bound, Type::BOOL, -1);
        }
        if bound.ty != Type::BOOL {
            let message = format!(
                "argument of {construct} must be type boolean, not type {}",
                bound.ty.display(-1)
            );
            return Err(Error::new(ErrorKind::Type, "42804", message).at(bound.offset));
        }
        Ok(bound)
    }

    fn conditions(&mut self, list: &[Expr], construct: &str) -> Result<Vec<Expression>> {
        list.iter().map(|expr| self.condition(expr, construct)).collect()
    }

    fn is(
        &mut self,
        operand: &Expr,
        test: IsTest,
        negated: bool,
        offset: u32,
    ) -> Result<Expression> {
        let value = match test {
            IsTest::Null => {
                let operand = self.expression(operand)?;
                let operand = self.settled(operand)?;
                return Ok(node(
                    Node::IsNull { argument: Box::new(operand), negated },
                    Type::BOOL,
                    offset,
                ));
            }
            IsTest::Unknown => {
                let operand = self.condition(operand, "IS UNKNOWN")?;
                return Ok(node(
                    Node::IsNull { argument: Box::new(operand), negated },
                    Type::BOOL,
                    offset,
                ));
            }
            IsTest::True => true,
            IsTest::False => false,
            IsTest::Document => return Err(Error::unsupported("IS DOCUMENT").at(offset)),
            IsTest::Normalized(_) => return Err(Error::unsupported("IS NORMALIZED").at(offset)),
        };
        let operand = self.condition(operand, if value { "IS TRUE" } else { "IS FALSE" })?;
        Ok(node(Node::IsBool { argument: Box::new(operand), value, negated }, Type::BOOL, offset))
    }

    /// Both sides as the operator wants them, and its entry.
    fn sides(
        &mut self,
        name: &str,
        left: Expression,
        right: Expression,
        offset: u32,
    ) -> Result<(&'static query::function::Function, Expression, Expression)> {
        let (entry, l, r, _) = resolve::operator_entry(name, left.ty, right.ty, offset)?;
        let left = resolve::coerce_to(self, left, l, -1)?;
        let right = resolve::coerce_to(self, right, r, -1)?;
        Ok((entry, left, right))
    }

    fn is_distinct(
        &mut self,
        left: &Expr,
        right: &Expr,
        negated: bool,
        offset: u32,
    ) -> Result<Expression> {
        let left = self.expression(left)?;
        let right = self.expression(right)?;
        let (equal, left, right) = self.sides("=", left, right, offset)?;
        let sides = Box::new((left, right));
        Ok(node(Node::IsDistinct { equal, sides, negated }, Type::BOOL, offset))
    }

    fn between(&mut self, between: &Between, offset: u32) -> Result<Expression> {
        let operand = self.expression(&between.operand)?;
        let low = self.expression(&between.low)?;
        let high = self.expression(&between.high)?;
        // One type for all, so that a literal is not asked to be two.
        let (operand, low, high) = match common_type(&[operand.ty, low.ty, high.ty]) {
            Some(ty) if [operand.ty, low.ty, high.ty].contains(&Type::UNKNOWN) => (
                resolve::coerce_to(self, operand, ty, -1)?,
                resolve::coerce_to(self, low, ty, -1)?,
                resolve::coerce_to(self, high, ty, -1)?,
            ),
            _ => (operand, low, high),
        };
        let inside =
            |low: &Expression, high: &Expression, binder: &mut Self| -> Result<Expression> {
                let above = operator(binder, ">=", Some(operand.clone()), low.clone(), offset)?;
                let below = operator(binder, "<=", Some(operand.clone()), high.clone(), offset)?;
                Ok(conjunction(vec![above, below], offset))
            };
        let mut result = inside(&low, &high, self)?;
        if between.symmetric {
            let other = inside(&high, &low, self)?;
            result = disjunction(vec![result, other], offset);
        }
        Ok(if between.negated {
            node(Node::Not(Box::new(result)), Type::BOOL, offset)
        } else {
            result
        })
    }

    fn in_list(
        &mut self,
        operand: &Expr,
        list: &[Expr],
        negated: bool,
        offset: u32,
    ) -> Result<Expression> {
        if let ExprKind::Row { items, .. } = &operand.kind {
            let found = self.row_in_list(items, list, offset)?;
            return Ok(if negated {
                node(Node::Not(Box::new(found)), Type::BOOL, offset)
            } else {
                found
            });
        }
        let left = self.expression(operand)?;
        let mut all = vec![left];
        all.extend(self.expressions(list)?);
        let types: Vec<Type> = all.iter().map(|e| e.ty).collect();
        let open = types.contains(&Type::ANY).then_some(Type::ANY);
        let Some(ty) = open.or_else(|| common_type(&types)) else {
            // Without a common type each candidate has its own operator.
            let left = all.remove(0);
            let equal = all
                .into_iter()
                .map(|item| operator(self, "=", Some(left.clone()), item, offset))
                .collect::<Result<Vec<_>>>()?;
            let any = disjunction(equal, offset);
            return Ok(if negated {
                node(Node::Not(Box::new(any)), Type::BOOL, offset)
            } else {
                any
            });
        };
        let mut all: std::collections::VecDeque<Expression> =
            all.into_iter().map(|e| resolve::coerce_to(self, e, ty, -1)).collect::<Result<_>>()?;
        let (equal, l, r, _) = resolve::operator_entry("=", ty, ty, offset)?;
        let left = all.pop_front().ok_or_else(|| Error::internal("IN without operand"))?;
        let left = Box::new(resolve::coerce_to(self, left, l, -1)?);
        let list =
            all.into_iter().map(|e| resolve::coerce_to(self, e, r, -1)).collect::<Result<_>>()?;
        Ok(node(Node::InList { equal, left, list, negated }, Type::BOOL, offset))
    }

    fn row_in_list(&mut self, items: &[Expr], list: &[Expr], offset: u32) -> Result<Expression> {
        let mut any = Vec::with_capacity(list.len());
        for candidate in list {
            let ExprKind::Row { items: right, .. } = &candidate.kind else {
                return Err(syntax("a row can only be compared with rows", candidate.position.0));
            };
            any.push(self.row_comparison("=", items, right, offset)?);
        }
        Ok(disjunction(any, offset))
    }

    fn like(&mut self, like: &Like, offset: u32) -> Result<Expression> {
        let (name, escape) = match like.kind {
            LikeKind::Like => ("~~", "like_escape"),
            LikeKind::ILike => ("~~*", "like_escape"),
            LikeKind::SimilarTo => ("~", "similar_to_escape"),
        };
        let operand = self.expression(&like.operand)?;
        let mut pattern = self.expression(&like.pattern)?;
        if like.escape.is_some() || like.kind == LikeKind::SimilarTo {
            let mut arguments = vec![self.settled(pattern)?];
            if let Some(escape) = &like.escape {
                let escape = self.expression(escape)?;
                arguments.push(self.settled(escape)?);
            }
            pattern = self.function_of(escape, arguments, offset)?;
        }
        let name = if like.negated { format!("!{name}") } else { name.to_owned() };
        operator(self, &name, Some(operand), pattern, offset)
    }

    fn quantified(&mut self, quantified: &Quantified, offset: u32) -> Result<Expression> {
        check_schema(&quantified.operator, offset)?;
        let name = &quantified.operator.name;
        match &quantified.right {
            QuantifiedRight::Query(query) => {
                self.quantified_query(&quantified.operand, name, quantified.all, query, offset)
            }
            QuantifiedRight::Array(array) => {
                let left = self.expression(&quantified.operand)?;
                let array = self.expression(array)?;
                self.any_all(name, left, array, quantified.all, offset)
            }
        }
    }

    fn any_all(
        &mut self,
        name: &str,
        left: Expression,
        array: Expression,
        all: bool,
        offset: u32,
    ) -> Result<Expression> {
        let element = match array.ty {
            Type::UNKNOWN => left.ty,
            Type::INT2VECTOR => Type::INT2,
            Type::OIDVECTOR => Type::OID,
            ty if ty.array => ty.element(),
            _ => {
                let message = "op ANY/ALL (array) requires array on right side";
                return Err(Error::new(ErrorKind::Type, "42809", message).at(offset));
            }
        };
        let (operator, l, r, result) = resolve::operator_entry(name, left.ty, element, offset)?;
        if result != Type::BOOL {
            let message = "op ANY/ALL (array) requires operator to yield boolean";
            return Err(Error::new(ErrorKind::Type, "42809", message).at(offset));
        }
        let left = Box::new(resolve::coerce_to(self, left, l, -1)?);
        let wanted = if r.array { r } else { Type::array_of(r.scalar) };
        let array = if matches!(array.ty, Type::INT2VECTOR | Type::OIDVECTOR) {
            array
        } else {
            resolve::coerce_to(self, array, wanted, -1)?
        };
        let array = Box::new(array);
        Ok(node(Node::AnyAll { operator, all, left, array }, Type::BOOL, offset))
    }

    /// `x op ANY/ALL (SELECT …)`, also for a row on the left.
    fn quantified_query(
        &mut self,
        operand: &Expr,
        name: &str,
        all: bool,
        query: &ast::Query,
        offset: u32,
    ) -> Result<Expression> {
        let left = match &operand.kind {
            ExprKind::Row { items, .. } => self.expressions(items)?,
            _ => vec![self.expression(operand)?],
        };
        let (mut inner, captured) = self.subquery(query)?;
        if inner.width() != left.len() {
            let what = if inner.width() < left.len() { "few" } else { "many" };
            return Err(syntax(&format!("subquery has too {what} columns"), offset));
        }
        let mut operators = Vec::with_capacity(left.len());
        let mut lefts = Vec::with_capacity(left.len());
        let mut casts = Vec::with_capacity(left.len());
        for (at, left) in left.into_iter().enumerate() {
            let right = inner.types[at];
            let (entry, l, r, _) = resolve::operator_entry(name, left.ty, right, offset)?;
            operators.push(entry);
            lefts.push(resolve::coerce_to(self, left, l, -1)?);
            casts.push(resolve::coerce_to(self, column(at as u32, right, -1), r, -1)?);
        }
        if casts.iter().zip(&inner.types).any(|(cast, ty)| cast.ty != *ty) {
            inner = project(inner, casts);
        }
        let kind = ApplyKind::Quantified { left: lefts, operators, all };
        self.put_apply(inner, captured, kind, offset)
    }

    /// Binds a subquery on a level of its own; answers its plan and what it takes from this level.
    pub(super) fn subquery(
        &mut self,
        query: &ast::Query,
    ) -> Result<(PlanNode, Vec<(u32, Expression)>)> {
        self.push(Scope::default(), None, Clause::Select);
        let bound = self.query(query);
        let level = self.levels.pop();
        let (inner, _) = bound?;
        Ok((inner, level.map(|level| level.captured).unwrap_or_default()))
    }

    fn apply(&mut self, query: &ast::Query, kind: ApplyKind, offset: u32) -> Result<Expression> {
        let (inner, captured) = self.subquery(query)?;
        if !matches!(kind, ApplyKind::Exists) && inner.width() != 1 {
            return Err(syntax("subquery must return only one column", offset));
        }
        self.put_apply(inner, captured, kind, offset)
    }

    fn put_apply(
        &mut self,
        inner: PlanNode,
        captured: Vec<(u32, Expression)>,
        kind: ApplyKind,
        offset: u32,
    ) -> Result<Expression> {
        let clause = self.level()?.clause;
        if clause == Clause::JoinOn {
            return Err(Error::unsupported("a subquery in a join's ON condition").at(offset));
        }
        let input = self.take_node()?;
        let at = input.width() as u32;
        let types = kind.types(&input, &inner);
        let ty = types.last().copied().unwrap_or(Type::BOOL);
        let apply = Apply { input, inner, parameters: captured, kind };
        self.put_node(PlanNode::new(NodeKind::Apply(Box::new(apply)), types))?;
        Ok(Expression { node: Node::Column(at), ty, modifier: -1, offset })
    }

    fn array(&mut self, items: &[Expr], offset: u32) -> Result<Expression> {
        if items.is_empty() {
            let message = "cannot determine type of empty array";
            return Err(Error::new(ErrorKind::Type, "42P18", message)
                .at(offset)
                .hint("Explicitly cast to the desired type, for example ARRAY[]::integer[]."));
        }
        let items = self.expressions(items)?;
        let types: Vec<Type> = items.iter().map(|item| item.ty.element()).collect();
        let nested = items.iter().any(|item| item.ty.array);
        if nested && !items.iter().all(|item| item.ty.array) {
            let types: Vec<Type> = items.iter().map(|item| item.ty).collect();
            return Err(resolve::mismatch(&types, "ARRAY").at(offset));
        }
        let ty =
            common_type(&types).ok_or_else(|| resolve::mismatch(&types, "ARRAY").at(offset))?;
        self.array_of(items, ty, offset)
    }

    fn array_of(
        &mut self,
        items: Vec<Expression>,
        element: Type,
        offset: u32,
    ) -> Result<Expression> {
        let items = items
            .into_iter()
            .map(|item| {
                let wanted = if item.ty.array { Type::array_of(element.scalar) } else { element };
                resolve::explicit(self, item, wanted, -1)
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(node(Node::Array(items), Type::array_of(element.scalar), offset))
    }

    fn case(&mut self, case: &Case, offset: u32) -> Result<Expression> {
        let operand = match &case.operand {
            Some(operand) => {
                let operand = self.expression(operand)?;
                Some(self.settled(operand)?)
            }
            None => None,
        };
        let mut conditions = Vec::with_capacity(case.whens.len());
        let mut results = Vec::with_capacity(case.whens.len() + 1);
        for when in &case.whens {
            conditions.push(match &operand {
                None => self.condition(&when.condition, "CASE/WHEN")?,
                Some(operand) => {
                    let value = self.expression(&when.condition)?;
                    operator(self, "=", Some(operand.clone()), value, when.condition.position.0)?
                }
            });
            results.push(self.expression(&when.result)?);
        }
        if let Some(otherwise) = &case.otherwise {
            results.push(self.expression(otherwise)?);
        }
        let (mut results, ty) = unify(self, results, "CASE")?;
        let otherwise = if case.otherwise.is_some() { results.pop().map(Box::new) } else { None };
        let branches = conditions.into_iter().zip(results).collect();
        Ok(node(Node::Case { branches, otherwise }, ty, offset))
    }

    fn extreme(&mut self, list: &[Expr], greatest: bool, offset: u32) -> Result<Expression> {
        let list = self.expressions(list)?;
        let (arguments, ty) = unify(self, list, if greatest { "GREATEST" } else { "LEAST" })?;
        let (less, wanted, _, _) = resolve::operator_entry("<", ty, ty, offset)?;
        let arguments = arguments
            .into_iter()
            .map(|a| resolve::coerce_to(self, a, wanted, -1))
            .collect::<Result<_>>()?;
        Ok(node(Node::Extreme { less, greatest, arguments }, wanted, offset))
    }

    /// NULLIF(a, b) is CASE WHEN a = b THEN NULL ELSE a END, of the type that `=` gives the first.
    fn null_if(&mut self, left: &Expr, right: &Expr, offset: u32) -> Result<Expression> {
        let left = self.expression(left)?;
        let right = self.expression(right)?;
        let left = if left.ty == Type::UNKNOWN && right.ty == Type::UNKNOWN {
            self.settled(left)?
        } else {
            left
        };
        let equal = operator(self, "=", Some(left.clone()), right, offset)?;
        let left = match &equal.node {
            Node::Call { arguments, .. } if left.ty == Type::UNKNOWN => arguments[0].clone(),
            _ => left,
        };
        let ty = left.ty;
        let null = node(Node::Constant(Constant::null()), ty, offset);
        let branches = vec![(equal, null)];
        Ok(node(Node::Case { branches, otherwise: Some(Box::new(left)) }, ty, offset))
    }

    fn subscript(
        &mut self,
        operand: &Expr,
        subscripts: &[Subscript],
        offset: u32,
    ) -> Result<Expression> {
        let value = self.expression(operand)?;
        if value.ty == Type::JSONB {
            return self.json_subscript(value, subscripts, offset);
        }
        if let [Subscript::Slice(low, high)] = subscripts {
            let mut arguments = vec![value];
            for bound in [low, high] {
                arguments.push(match bound {
                    Some(bound) => self.expression(bound)?,
                    None => super::call::null_of(Type::INT4),
                });
            }
            return self.function_of("array_slice", arguments, offset);
        }
        let mut arguments = vec![value];
        for subscript in subscripts {
            match subscript {
                Subscript::Index(index) => arguments.push(self.expression(index)?),
                Subscript::Slice(..) => {
                    return Err(Error::unsupported("a slice of several dimensions").at(offset));
                }
            }
        }
        self.function_of("array_element", arguments, offset)
    }

    fn json_subscript(
        &mut self,
        mut value: Expression,
        subscripts: &[Subscript],
        offset: u32,
    ) -> Result<Expression> {
        for subscript in subscripts {
            let Subscript::Index(index) = subscript else {
                let message = "jsonb subscript does not support slices";
                return Err(Error::new(ErrorKind::Type, "42804", message).at(offset));
            };
            let index = self.expression(index)?;
            value = operator(self, "->", Some(value), index, offset)?;
        }
        Ok(value)
    }

    /// A column by name: here, or on a level below as a parameter.
    fn column_reference(&mut self, name: &ColumnRef, offset: u32) -> Result<Expression> {
        if name.star {
            return Err(syntax("row expansion via \"*\" is not supported here", offset));
        }
        let top = self.levels.len();
        for at in (0..top).rev() {
            if at + 1 < top && !self.levels[at].visible {
                continue;
            }
            match self.lookup(at, name, offset)? {
                None => continue,
                Some(found) if at + 1 == top => {
                    return self.admit(at, found, name, offset);
                }
                Some(found) => {
                    let outer = self.admit(at, found, name, offset)?;
                    return Ok(self.capture(at, outer));
                }
            }
        }
        Err(self.no_column(name, offset))
    }

    /// The column that a name means on one level.
    fn lookup(&self, level: usize, name: &ColumnRef, offset: u32) -> Result<Option<Expression>> {
        let scope = &self.levels[level].scope;
        let parts: Vec<&str> = name.parts.iter().map(|part| part.name.as_str()).collect();
        let found = match parts.as_slice() {
            [column] => scope.column(column),
            [relation, column] => match scope.relation(None, relation) {
                Some(relation) => relation.column(column),
                None => return Ok(None),
            },
            [schema, relation, column] | [_, schema, relation, column] => {
                match scope.relation(Some(schema), relation) {
                    Some(relation) => relation.column(column),
                    None => return Ok(None),
                }
            }
            _ => return Err(syntax("improper qualified name (too many dotted names)", offset)),
        };
        match found {
            Found::Column(_, found) => {
                Ok(Some(Expression { offset, ..column(found.position, found.ty, found.modifier) }))
            }
            Found::Ambiguous => {
                let message =
                    format!("column reference \"{}\" is ambiguous", parts.last().unwrap_or(&""));
                Err(Error::new(ErrorKind::Name, "42702", message).at(offset))
            }
            Found::Nothing if parts.len() > 1 => Err(self.no_column(name, offset)),
            Found::Nothing => Ok(None),
        }
    }

    /// Turns a column of a level below into a parameter of the query just above that level.
    fn capture(&mut self, level: usize, outer: Expression) -> Expression {
        let base = self.applied_base();
        let captured = &mut self.levels[level + 1].captured;
        let same = |known: &&(u32, Expression)| match (&known.1.node, &outer.node) {
            (Node::Column(a), Node::Column(b)) => a == b,
            _ => false,
        };
        let (ty, modifier, offset) = (outer.ty, outer.modifier, outer.offset);
        let slot = match captured.iter().find(same) {
            Some((slot, _)) => *slot,
            None => {
                captured.push((self.slots, outer));
                self.slots += 1;
                self.slots - 1
            }
        };
        Expression { node: Node::Parameter(base + slot), ty, modifier, offset }
    }

    fn no_column(&self, name: &ColumnRef, offset: u32) -> Error {
        let parts: Vec<&str> = name.parts.iter().map(|part| part.name.as_str()).collect();
        match parts.as_slice() {
            [.., relation, column] => {
                let known =
                    self.levels.iter().any(|level| level.scope.relation(None, relation).is_some());
                if known {
                    let message = format!("column {relation}.{column} does not exist");
                    return Error::new(ErrorKind::Name, "42703", message).at(offset);
                }
                let message = format!("missing FROM-clause entry for table \"{relation}\"");
                Error::new(ErrorKind::Name, "42P01", message).at(offset)
            }
            [column] => {
                if self.levels.iter().any(|level| level.scope.relation(None, column).is_some()) {
                    return Error::unsupported(format_args!("whole-row reference to \"{column}\""))
                        .at(offset);
                }
                let message = format!("column \"{column}\" does not exist");
                Error::new(ErrorKind::Name, "42703", message).at(offset)
            }
            [] => syntax("a column needs a name", offset),
        }
    }

    /// Every visible column of the level's relations, for `*`.
    pub(super) fn star(&self, qualifier: Option<&str>, offset: u32) -> Result<Vec<Starred>> {
        let Some(level) = self.levels.last() else { return Ok(Vec::new()) };
        let scope = &level.scope;
        let show = |relation: &Relation, c: &ScopeColumn| {
            (
                c.name.clone(),
                Expression { offset, ..column(c.position, c.ty, c.modifier) },
                (relation.number, c.attribute),
            )
        };
        if let Some(qualifier) = qualifier {
            let Some(relation) = scope.relation(None, qualifier) else {
                let message = format!("missing FROM-clause entry for table \"{qualifier}\"");
                return Err(Error::new(ErrorKind::Name, "42P01", message).at(offset));
            };
            return Ok(relation.visible().map(|c| show(relation, c)).collect());
        }
        if scope.relations.is_empty() {
            return Err(syntax("SELECT * with no tables specified is not valid", offset));
        }
        let mut all = Vec::new();
        for (relation, at) in &scope.using {
            let relation = &scope.relations[*relation];
            all.push(show(relation, &relation.columns[*at]));
        }
        for (number, relation) in scope.relations.iter().enumerate() {
            for (at, c) in relation.columns.iter().enumerate() {
                if !c.hidden && !c.merged && !scope.using.contains(&(number, at)) {
                    all.push(show(relation, c));
                }
            }
        }
        Ok(all)
    }
}

/// New columns over a node.
pub(super) fn project(input: PlanNode, expressions: Vec<Expression>) -> PlanNode {
    let types = expressions.iter().map(|expression| expression.ty).collect();
    PlanNode::new(NodeKind::Project { input: Box::new(input), expressions }, types)
}

/// Rows of a node for which a predicate is true.
pub(super) fn filter(input: PlanNode, predicate: Expression) -> PlanNode {
    let types = input.types.clone();
    PlanNode::new(NodeKind::Filter { input: Box::new(input), predicate }, types)
}

pub(super) fn conjunction(mut list: Vec<Expression>, offset: u32) -> Expression {
    match list.len() {
        1 => list.remove(0),
        _ => node(Node::And(list), Type::BOOL, offset),
    }
}

fn disjunction(mut list: Vec<Expression>, offset: u32) -> Expression {
    match list.len() {
        1 => list.remove(0),
        _ => node(Node::Or(list), Type::BOOL, offset),
    }
}

fn constant(literal: &Literal, ty: Type, offset: u32) -> Result<Expression> {
    let constant = match &literal.value {
        LiteralValue::Int4(value) => Constant::int(i64::from(*value)),
        LiteralValue::Int8(value) => Constant::int(*value),
        LiteralValue::Numeric(text) => Constant::numeric(text).map_err(|error| error.at(offset))?,
        LiteralValue::Text(text) | LiteralValue::Bit(_, text) => Constant::text(text),
    };
    Ok(node(Node::Constant(constant), ty, offset))
}

/// A constant of type text.
pub(super) fn text_constant(text: &str) -> Expression {
    node(Node::Constant(Constant::text(text)), Type::TEXT, NOWHERE)
}

pub(super) fn syntax(message: &str, offset: u32) -> Error {
    let error = Error::new(ErrorKind::Syntax, "42601", message.to_owned());
    if offset == NOWHERE { error } else { error.at(offset) }
}

/// OPERATOR(schema.op) may only name pg_catalog.
fn check_schema(operator: &ast::Operator, offset: u32) -> Result<()> {
    match operator.schema.as_slice() {
        [] => Ok(()),
        [schema] if schema.name == "pg_catalog" => Ok(()),
        [schema, ..] => {
            let message = format!("schema \"{}\" does not exist", schema.name);
            Err(Error::new(ErrorKind::Name, "3F000", message).at(offset))
        }
    }
}
