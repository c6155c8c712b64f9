//! Calls: scalar functions, aggregates, and the words that are functions without parentheses.

use query::expression::{Constant, Expression, Node};
use query::function::{Aggregate, Generic, SetFunction};
use query::plan::{AggregateCall, SortKey};
use query::{Error, ErrorKind, Result, Type};

use super::expression::{node, syntax};
use super::resolve::{self, Resolved, Signature};
use super::{Binder, Clause};
use crate::sql::ast::{Expr, ExprKind, FunctionCall, SortBy, SortOrder, SqlValueFunction};

impl Signature for Aggregate {
    fn takes(&self, count: usize) -> bool {
        self.arguments.len() == count || self.variadic && count >= self.arguments.len()
    }

    fn argument(&self, at: usize) -> Option<Type> {
        self.arguments.get(at).or(if self.variadic { self.arguments.last() } else { None }).copied()
    }

    fn generic(&self) -> Generic {
        self.generic
    }

    fn result(&self) -> Type {
        self.result
    }
}

impl Signature for SetFunction {
    fn takes(&self, count: usize) -> bool {
        SetFunction::takes(self, count)
    }

    fn argument(&self, at: usize) -> Option<Type> {
        SetFunction::argument(self, at)
    }

    fn generic(&self) -> Generic {
        self.generic
    }

    fn result(&self) -> Type {
        Type::RECORD
    }
}

/// A set-returning function, its arguments, and the names and types of its columns.
pub(super) type SetCall = (&'static SetFunction, Vec<Expression>, Vec<(String, Type)>);

/// Names that are keywords of the grammar or casts in function form.
fn is_type_function(name: &str) -> bool {
    matches!(
        name,
        "int2"
            | "int4"
            | "int8"
            | "float4"
            | "float8"
            | "numeric"
            | "text"
            | "bool"
            | "date"
            | "uuid"
            | "timestamptz"
            | "timestamp"
            | "interval"
            | "varchar"
            | "bpchar"
            | "jsonb"
            | "json"
            | "regclass"
            | "oid"
    )
}

impl Binder<'_> {
    pub(super) fn call(&mut self, call: &FunctionCall) -> Result<Expression> {
        let offset = call.position.0;
        let name = self.function_name(call)?;
        if call.over.is_some() {
            return Err(
                Error::unsupported(format_args!("window function {name} (OVER)")).at(offset)
            );
        }
        if !query::function::aggregates(name).is_empty() {
            return self.aggregate_reference(call, name);
        }
        if call.star || call.distinct || !call.order_by.is_empty() || call.filter.is_some() {
            if query::function::is_known_elsewhere(name, &[]) {
                return Err(Error::unsupported(format_args!("aggregate {name}")).at(offset));
            }
            return Err(not_an_aggregate(call, name).at(offset));
        }
        if call.variadic {
            return Err(Error::unsupported("a VARIADIC argument").at(offset));
        }
        if let Some(argument) = call.arguments.iter().find(|argument| argument.name.is_some()) {
            return Err(Error::unsupported("a named argument (=>)").at(argument.value.position.0));
        }
        if !query::function::set_functions(name).is_empty() {
            return self.set_call(call, name);
        }
        let mut arguments = Vec::with_capacity(call.arguments.len());
        for argument in &call.arguments {
            arguments.push(self.expression(&argument.value)?);
        }
        self.function_of(name, arguments, offset)
    }

    /// The name without its schema, which may only be pg_catalog.
    pub(super) fn function_name<'n>(&self, call: &'n FunctionCall) -> Result<&'n str> {
        let name = call.name.name();
        match call.name.schema() {
            None | Some("pg_catalog") => Ok(name),
            Some(schema) => {
                let message = format!("schema \"{schema}\" does not exist");
                Err(Error::new(ErrorKind::Name, "3F000", message).at(call.position.0))
            }
        }
    }

    /// A scalar function by name, or a cast written as a function (`float8(x)`).
    pub(super) fn function_of(
        &mut self,
        name: &str,
        arguments: Vec<Expression>,
        offset: u32,
    ) -> Result<Expression> {
        let types: Vec<Type> = arguments.iter().map(|argument| argument.ty).collect();
        if is_type_function(name) && arguments.len() == 1 {
            let argument =
                arguments.into_iter().next().ok_or_else(|| Error::internal("no argument"))?;
            let ty = query::Scalar::all().find(|scalar| scalar.name() == name).map(Type::of);
            let ty = ty.ok_or_else(|| resolve::no_function(name, &types).at(offset))?;
            return resolve::explicit(self, argument, ty, -1);
        }
        match resolve::function(self, name, arguments, offset)? {
            Resolved::Call(call) => Ok(call),
            Resolved::Nothing => Err(resolve::no_function(name, &types).at(offset)),
        }
    }

    pub(super) fn named_call(
        &mut self,
        name: &str,
        arguments: &[&Expr],
        offset: u32,
    ) -> Result<Expression> {
        let arguments = arguments.iter().map(|a| self.expression(a)).collect::<Result<Vec<_>>>()?;
        self.function_of(name, arguments, offset)
    }

    pub(super) fn sql_value(
        &mut self,
        function: SqlValueFunction,
        precision: Option<i32>,
        offset: u32,
    ) -> Result<Expression> {
        use SqlValueFunction::*;
        let (name, cast) = match function {
            CurrentDate => ("now", Some(Type::DATE)),
            CurrentTime => {
                return Err(
                    Error::unsupported("type time with time zone (CURRENT_TIME)").at(offset)
                );
            }
            CurrentTimestamp => ("now", Some(Type::TIMESTAMPTZ)),
            LocalTime => ("now", Some(Type::TIME)),
            LocalTimestamp => ("now", Some(Type::TIMESTAMP)),
            CurrentRole | CurrentUser | User => ("current_user", None),
            SessionUser => ("session_user", None),
            CurrentCatalog => ("current_database", None),
            CurrentSchema => ("current_schema", None),
        };
        let value = self.function_of(name, Vec::new(), offset)?;
        match cast {
            Some(ty) => resolve::explicit(self, value, ty, precision.unwrap_or(-1)),
            None => Ok(value),
        }
    }

    /// An aggregate where expressions are bound over grouped rows: its column. Elsewhere it is an
    /// error.
    fn aggregate_reference(&mut self, call: &FunctionCall, name: &str) -> Result<Expression> {
        let offset = call.position.0;
        let level = self.level()?;
        let clause = level.clause;
        if let Some(grouping) = &level.grouping
            && let Some(found) = grouping.aggregate(call)
        {
            return Ok(found);
        }
        let what = match clause {
            Clause::Aggregate => {
                return Err(Error::new(
                    ErrorKind::Syntax,
                    "42803",
                    "aggregate function calls cannot be nested",
                )
                .at(offset));
            }
            Clause::Select | Clause::Having | Clause::OrderBy => {
                return Err(Error::unsupported(format_args!("aggregate {name} of an outer query"))
                    .at(offset));
            }
            clause => clause.name(),
        };
        let message = format!("aggregate functions are not allowed in {what}");
        Err(Error::new(ErrorKind::Syntax, "42803", message).at(offset))
    }

    /// Binds an aggregate's call over the level's (ungrouped) rows.
    pub(super) fn aggregate_call(&mut self, call: &FunctionCall) -> Result<AggregateCall> {
        let offset = call.position.0;
        let name = self.function_name(call)?;
        if call.within_group {
            return Err(Error::unsupported(format_args!("ordered-set aggregate {name}")).at(offset));
        }
        if call.variadic {
            return Err(Error::unsupported("a VARIADIC argument").at(offset));
        }
        self.in_clause(Clause::Aggregate, |binder| {
            let mut arguments = Vec::with_capacity(call.arguments.len());
            for argument in &call.arguments {
                arguments.push(binder.expression(&argument.value)?);
            }
            let order = binder.aggregate_order(&call.order_by)?;
            let filter = match &call.filter {
                Some(filter) => Some(binder.condition(filter, "FILTER")?),
                None => None,
            };
            binder.finish_aggregate(call, name, arguments, order, filter)
        })
    }

    fn finish_aggregate(
        &mut self,
        call: &FunctionCall,
        name: &str,
        arguments: Vec<Expression>,
        order: Vec<SortKey>,
        filter: Option<Expression>,
    ) -> Result<AggregateCall> {
        let offset = call.position.0;
        let types: Vec<Type> = arguments.iter().map(|argument| argument.ty).collect();
        if name == "count" && arguments.is_empty() && !call.star {
            let message = "count(*) must be used to call a parameterless aggregate function";
            return Err(Error::new(ErrorKind::Type, "42809", message).at(offset));
        }
        let candidates = query::function::aggregates(name);
        let (function, taken, ty) = match resolve::choose_signature(candidates, &types, false) {
            Ok(Some(chosen)) => chosen,
            Ok(None) => return Err(resolve::no_function(name, &types).at(offset)),
            Err(()) => return Err(resolve::not_unique(name, &types).at(offset)),
        };
        let mut converted = Vec::with_capacity(arguments.len());
        for (argument, ty) in arguments.into_iter().zip(taken) {
            converted.push(resolve::coerce_to(self, argument, ty, -1)?);
        }
        Ok(AggregateCall {
            function,
            arguments: converted,
            distinct: call.distinct,
            order,
            filter,
            ty,
        })
    }

    fn aggregate_order(&mut self, order: &[SortBy]) -> Result<Vec<SortKey>> {
        order
            .iter()
            .map(|by| {
                let expression = self.expression(&by.expr)?;
                let expression = self.settled(expression)?;
                sort_key(by, expression)
            })
            .collect()
    }

    /// The arguments of a set-returning function, of the types that the chosen entry takes.
    pub(super) fn set_arguments(&mut self, call: &FunctionCall, name: &str) -> Result<SetCall> {
        let offset = call.position.0;
        let mut arguments = Vec::with_capacity(call.arguments.len());
        for argument in &call.arguments {
            arguments.push(self.expression(&argument.value)?);
        }
        let types: Vec<Type> = arguments.iter().map(|argument| argument.ty).collect();
        let candidates = query::function::set_functions(name);
        let (function, taken, _) = match resolve::choose_signature(candidates, &types, false) {
            Ok(Some(chosen)) => chosen,
            Ok(None) => return Err(resolve::no_function(name, &types).at(offset)),
            Err(()) => return Err(resolve::not_unique(name, &types).at(offset)),
        };
        let mut converted = Vec::with_capacity(arguments.len());
        for (argument, ty) in arguments.into_iter().zip(&taken) {
            converted.push(resolve::coerce_to(self, argument, *ty, -1)?);
        }
        let columns = function.output(&taken);
        Ok((function, converted, columns))
    }

    /// A set-returning function in the select list: its column of the ProjectSet below.
    fn set_call(&mut self, call: &FunctionCall, name: &str) -> Result<Expression> {
        let offset = call.position.0;
        if self.level()?.clause != Clause::Select {
            let message = format!(
                "set-returning functions are not allowed in {}",
                self.level()?.clause.name()
            );
            return Err(Error::new(ErrorKind::Unsupported, "0A000", message).at(offset));
        }
        let (function, arguments, columns) = self.set_arguments(call, name)?;
        let [(_, ty)] = columns.as_slice() else {
            return Err(Error::unsupported(format_args!(
                "{name} with several columns in the select list"
            ))
            .at(offset));
        };
        self.put_project_set(function, arguments, *ty, offset)
    }
}

/// The key of an ORDER BY element: NULLs come last ascending and first descending, unless told.
pub(super) fn sort_key(by: &SortBy, expression: Expression) -> Result<SortKey> {
    let descending = match &by.order {
        SortOrder::Default | SortOrder::Ascending => false,
        SortOrder::Descending => true,
        SortOrder::Using(operator) => match operator.name.as_str() {
            "<" => false,
            ">" => true,
            _ => {
                let message =
                    format!("operator {} is not a valid ordering operator", operator.name);
                return Err(Error::new(ErrorKind::Type, "42809", message).at(by.expr.position.0));
            }
        },
    };
    let nulls_first = by.nulls_first.unwrap_or(descending);
    let ty = expression.ty;
    if matches!(ty, Type::JSON) {
        let message =
            format!("could not identify an ordering operator for type {}", ty.display(-1));
        return Err(Error::new(ErrorKind::Name, "42883", message)
            .at(by.expr.position.0)
            .hint("Use an explicit ordering operator or modify the query."));
    }
    Ok(SortKey { expression, descending, nulls_first })
}

fn not_an_aggregate(call: &FunctionCall, name: &str) -> Error {
    let what = if call.star {
        format!("{name}(*) specified, but {name} is not an aggregate function")
    } else if call.distinct {
        format!("DISTINCT specified, but {name} is not an aggregate function")
    } else if call.filter.is_some() {
        format!("FILTER specified, but {name} is not an aggregate function")
    } else {
        format!("ORDER BY specified, but {name} is not an aggregate function")
    };
    Error::new(ErrorKind::Type, "42809", what)
}

/// The label that PostgreSQL gives a column without one.
pub(super) fn label(expr: &Expr) -> String {
    named(expr).map_or_else(|| "?column?".to_owned(), |(name, _)| name)
}

/// The label and whether it is a strong one (a cast's own name is weak).
fn named(expr: &Expr) -> Option<(String, bool)> {
    let strong = |name: &str| Some((name.to_owned(), true));
    match &expr.kind {
        ExprKind::Column(column) => column.parts.last().map(|part| (part.name.clone(), true)),
        ExprKind::Function(call) => strong(call.name.name()),
        ExprKind::Cast { operand, data_type } => match named(operand) {
            Some((name, true)) => Some((name, true)),
            _ => Some((data_type.name.name().to_owned(), false)),
        },
        ExprKind::TypedLiteral { data_type, .. } => Some((data_type.name.name().to_owned(), false)),
        ExprKind::Collate { operand, .. } => named(operand),
        ExprKind::AtTimeZone { .. } => strong("timezone"),
        ExprKind::Subscript { operand, .. } => named(operand),
        ExprKind::Field { field, .. } => strong(&field.name),
        ExprKind::Case(case) => match case.otherwise.as_ref().and_then(named) {
            Some((name, true)) => Some((name, true)),
            _ => Some(("case".to_owned(), false)),
        },
        ExprKind::Coalesce(_) => strong("coalesce"),
        ExprKind::Greatest(_) => strong("greatest"),
        ExprKind::Least(_) => strong("least"),
        ExprKind::NullIf(_) => strong("nullif"),
        ExprKind::Exists(_) => strong("exists"),
        ExprKind::ArrayQuery(_) | ExprKind::Array(_) => strong("array"),
        ExprKind::Row { .. } => strong("row"),
        ExprKind::Grouping(_) => strong("grouping"),
        ExprKind::Overlaps { .. } => strong("overlaps"),
        ExprKind::Boolean(_) => Some(("bool".to_owned(), false)),
        ExprKind::Subquery(query) => subquery_label(query),
        ExprKind::SqlValue { function, .. } => strong(match function {
            SqlValueFunction::CurrentDate => "current_date",
            SqlValueFunction::CurrentTime => "current_time",
            SqlValueFunction::CurrentTimestamp => "current_timestamp",
            SqlValueFunction::LocalTime => "localtime",
            SqlValueFunction::LocalTimestamp => "localtimestamp",
            SqlValueFunction::CurrentRole => "current_role",
            SqlValueFunction::CurrentUser => "current_user",
            SqlValueFunction::User => "user",
            SqlValueFunction::SessionUser => "session_user",
            SqlValueFunction::CurrentCatalog => "current_catalog",
            SqlValueFunction::CurrentSchema => "current_schema",
        }),
        _ => None,
    }
}

fn subquery_label(query: &crate::sql::ast::Query) -> Option<(String, bool)> {
    let crate::sql::ast::QueryBody::Select(select) = &query.body else { return None };
    let target = select.targets.first()?;
    match &target.label {
        Some(label) => Some((label.name.clone(), true)),
        None => named(&target.expr),
    }
}

/// A typed NULL, for padding.
pub(super) fn null_of(ty: Type) -> Expression {
    node(Node::Constant(Constant::null()), ty, u32::MAX)
}

/// Column definitions after a function that gives records are not for the functions we have.
pub(super) fn refuse_columns(offset: u32) -> Error {
    syntax("a column definition list is only allowed for functions returning \"record\"", offset)
}
