//! Types: coercion, common types, and the choice among operators and functions of one name.
//!
//! The rules are PostgreSQL's (documentation, chapter 10): exact match first; then the candidates
//! that every argument coerces to implicitly; then those with most exact matches, most preferred
//! types, and for literals of unknown type the category that all candidates agree on, strings
//! first.
//!
//! Invariant: what comes out of `operator` and `function` has arguments of exactly the entry's
//! declared types (generic entries: of the types that the generic rule gives).

use query::cast::{self, CastContext};
use query::expression::{Expression, Node};
use query::function::{Function, Generic};
use query::plan::Lifted;
use query::{Error, ErrorKind, Result, Scalar, Type};

use super::{Binder, LiteralUse};

/// Coerces implicitly; the caller knows that it is possible, or gets 42846.
pub fn coerce_to(
    binder: &mut Binder<'_>,
    expression: Expression,
    ty: Type,
    modifier: i32,
) -> Result<Expression> {
    convert(binder, expression, ty, modifier, CastContext::Implicit)
}

/// An explicit cast.
pub fn explicit(
    binder: &mut Binder<'_>,
    expression: Expression,
    ty: Type,
    modifier: i32,
) -> Result<Expression> {
    convert(binder, expression, ty, modifier, CastContext::Explicit)
}

/// The cast of an assignment to a column; `column` names it in the error.
pub fn assign(
    binder: &mut Binder<'_>,
    expression: Expression,
    ty: Type,
    modifier: i32,
    column: Option<&str>,
) -> Result<Expression> {
    let (from, offset) = (expression.ty, expression.offset);
    convert(binder, expression, ty, modifier, CastContext::Assignment).map_err(|error| match column
    {
        Some(column) if error.sqlstate == "42846" => {
            let message = format!(
                "column \"{column}\" is of type {} but expression is of type {}",
                ty.display(-1),
                from.display(-1)
            );
            Error::new(ErrorKind::Type, "42804", message)
                .at(offset)
                .hint("You will need to rewrite or cast the expression.")
        }
        _ => error,
    })
}

fn convert(
    binder: &mut Binder<'_>,
    mut expression: Expression,
    ty: Type,
    modifier: i32,
    context: CastContext,
) -> Result<Expression> {
    // Beside a value of any type, what nothing else gives a type is a text.
    if expression.ty == Type::UNKNOWN && ty == Type::ANY && !expression.is_null_constant() {
        expression = convert(binder, expression, Type::TEXT, -1, context)?;
    }
    if expression.ty == Type::UNKNOWN
        && ty != Type::UNKNOWN
        && let Some(converted) = binder.determine(&mut expression, ty, modifier)
    {
        return converted;
    }
    if expression.ty == Type::UNKNOWN && expression.is_null_constant() {
        expression.ty = ty;
        return Ok(expression);
    }
    let (from, offset) = (expression.ty, expression.offset);
    if from == ty && (modifier < 0 || modifier == expression.modifier) {
        return Ok(expression);
    }
    match cast::coerce(expression, ty, modifier, context) {
        Some(expression) => Ok(expression),
        None => {
            let message = format!("cannot cast type {} to {}", from.display(-1), ty.display(-1));
            Err(Error::new(ErrorKind::Type, "42846", message).at(offset))
        }
    }
}

impl Binder<'_> {
    /// Gives a literal or parameter of unknown type its type. `None`: it is something else.
    fn determine(
        &mut self,
        expression: &mut Expression,
        ty: Type,
        modifier: i32,
    ) -> Option<Result<Expression>> {
        let Node::Parameter(number) = expression.node else { return None };
        let clients = self.parameters.len();
        let number = number as usize;
        if number < clients {
            let known = self.parameters[number].get_or_insert(ty);
            let given = Expression { ty: *known, modifier: -1, ..expression.clone() };
            // A parameter of the type itself still needs the modifier's check.
            return Some(convert(self, given, ty, modifier, CastContext::Assignment));
        }
        let what = self.literals.get_mut(number - clients)?;
        let LiteralUse::Lifted(lifted) = what else { return None };
        if lifted.ty == Type::UNKNOWN {
            *lifted = Lifted { ty, modifier, ..*lifted };
        } else if (lifted.ty, lifted.modifier) != (ty, modifier) {
            let message = "a literal is used as two types";
            return Some(Err(Error::internal(message).at(expression.offset)));
        }
        Some(Ok(Expression { ty, modifier, ..expression.clone() }))
    }
}

/// Whether a value of one type may stand where another is declared.
fn can_coerce(from: Type, to: Type) -> bool {
    from == to || from == Type::UNKNOWN || cast::allowed(from, to, CastContext::Implicit)
}

/// One call being resolved: the entry and the types its arguments must take.
struct Choice {
    function: &'static Function,
    arguments: Vec<Type>,
    result: Type,
}

/// The operator `left name right`, or the prefix operator where `left` is `None`.
pub fn operator(
    binder: &mut Binder<'_>,
    name: &str,
    left: Option<Expression>,
    right: Expression,
    offset: u32,
) -> Result<Expression> {
    let mut arguments: Vec<Expression> = left.into_iter().collect();
    arguments.push(right);
    let types: Vec<Type> = arguments.iter().map(|argument| argument.ty).collect();
    let candidates = query::function::operators(name);
    match choose(candidates, &types, true) {
        Chosen::One(choice) => call(binder, choice, arguments, offset),
        Chosen::None => Err(no_operator(name, &types).at(offset)),
        Chosen::Several => {
            let message = format!("operator is not unique: {}", operator_shown(name, &types));
            Err(Error::new(ErrorKind::Type, "42725", message)
                .at(offset)
                .hint("Could not choose a best candidate operator. You might need to add explicit type casts."))
        }
    }
}

/// The operator entry for two given types, for ANY/ALL, IN, CASE and USING; with the types both
/// sides take.
pub fn operator_entry(
    name: &str,
    left: Type,
    right: Type,
    offset: u32,
) -> Result<(&'static Function, Type, Type, Type)> {
    match choose(query::function::operators(name), &[left, right], true) {
        Chosen::One(choice) => {
            let (l, r) = (choice.arguments[0], choice.arguments[1]);
            Ok((choice.function, l, r, choice.result))
        }
        _ => Err(no_operator(name, &[left, right]).at(offset)),
    }
}

fn operator_shown(name: &str, types: &[Type]) -> String {
    match types {
        [left, right] => format!("{} {name} {}", left.display(-1), right.display(-1)),
        [right] => format!("{name} {}", right.display(-1)),
        _ => name.to_owned(),
    }
}

/// 42883 for an operator, or 0A000 where PostgreSQL has it.
fn no_operator(name: &str, types: &[Type]) -> Error {
    if query::function::is_known_elsewhere(name, types) {
        return Error::unsupported(format_args!("operator {}", operator_shown(name, types)));
    }
    let message = format!("operator does not exist: {}", operator_shown(name, types));
    let hint = "No operator matches the given name and argument types. You might need to add explicit type casts.";
    Error::new(ErrorKind::Name, "42883", message).hint(hint)
}

/// What resolving a function's name gave.
pub enum Resolved {
    /// A call.
    Call(Expression),
    /// No scalar function of that name takes these arguments.
    Nothing,
}

/// The scalar function of a name for these arguments.
pub fn function(
    binder: &mut Binder<'_>,
    name: &str,
    arguments: Vec<Expression>,
    offset: u32,
) -> Result<Resolved> {
    let types: Vec<Type> = arguments.iter().map(|argument| argument.ty).collect();
    match choose(query::function::functions(name), &types, false) {
        Chosen::One(choice) => call(binder, choice, arguments, offset).map(Resolved::Call),
        Chosen::None => Ok(Resolved::Nothing),
        Chosen::Several => Err(not_unique(name, &types).at(offset)),
    }
}

/// 42725 for a function.
pub fn not_unique(name: &str, types: &[Type]) -> Error {
    let message = format!("function {} is not unique", call_shown(name, types));
    let hint =
        "Could not choose a best candidate function. You might need to add explicit type casts.";
    Error::new(ErrorKind::Type, "42725", message).hint(hint)
}

/// 42883 for a function, or 0A000 where PostgreSQL has it.
pub fn no_function(name: &str, types: &[Type]) -> Error {
    if query::function::is_known_elsewhere(name, types) {
        return Error::unsupported(format_args!("function {}", call_shown(name, types)));
    }
    let message = format!("function {} does not exist", call_shown(name, types));
    let hint = "No function matches the given name and argument types. You might need to add explicit type casts.";
    Error::new(ErrorKind::Name, "42883", message).hint(hint)
}

fn call_shown(name: &str, types: &[Type]) -> String {
    let types: Vec<String> = types.iter().map(|ty| ty.display(-1)).collect();
    format!("{name}({})", types.join(", "))
}

fn call(
    binder: &mut Binder<'_>,
    choice: Choice,
    arguments: Vec<Expression>,
    offset: u32,
) -> Result<Expression> {
    let mut converted = Vec::with_capacity(arguments.len());
    for (argument, ty) in arguments.into_iter().zip(&choice.arguments) {
        converted.push(coerce_to(binder, argument, *ty, -1)?);
    }
    let node = Node::Call { function: choice.function, arguments: converted };
    Ok(Expression { node, ty: choice.result, modifier: -1, offset })
}

enum Chosen {
    One(Choice),
    None,
    Several,
}

/// A signature: argument types and how an entry of any table answers about them.
pub trait Signature {
    /// Whether it can take so many arguments.
    fn takes(&self, count: usize) -> bool;
    /// The declared type of an argument.
    fn argument(&self, at: usize) -> Option<Type>;
    /// What ANY means in it.
    fn generic(&self) -> Generic;
    /// The declared result.
    fn result(&self) -> Type;
}

impl Signature for Function {
    fn takes(&self, count: usize) -> bool {
        Function::takes(self, count)
    }

    fn argument(&self, at: usize) -> Option<Type> {
        Function::argument(self, at)
    }

    fn generic(&self) -> Generic {
        self.generic
    }

    fn result(&self) -> Type {
        self.result
    }
}

fn choose(candidates: &'static [&'static Function], types: &[Type], operator: bool) -> Chosen {
    match choose_signature(candidates, types, operator) {
        Ok(Some((function, arguments, result))) => {
            Chosen::One(Choice { function, arguments, result })
        }
        Ok(None) => Chosen::None,
        Err(()) => Chosen::Several,
    }
}

/// The chosen entry, the types that its arguments take and its result; `Err` when several are as
/// good.
pub type ChosenSignature<S> = std::result::Result<Option<(&'static S, Vec<Type>, Type)>, ()>;

/// Chooses among signatures of one name by PostgreSQL's rules.
pub fn choose_signature<S: Signature>(
    candidates: &[&'static S],
    types: &[Type],
    operator: bool,
) -> ChosenSignature<S> {
    let fitting: Vec<&'static S> =
        candidates.iter().copied().filter(|candidate| candidate.takes(types.len())).collect();
    // An operand of unknown type is taken to be of the other operand's type, if that is an entry.
    let mut assumed = types.to_vec();
    if operator && let [left, right] = types {
        if *left == Type::UNKNOWN {
            assumed[0] = *right;
        }
        if *right == Type::UNKNOWN {
            assumed[1] = *left;
        }
    }
    if let Some(exact) = fitting.iter().find(|candidate| is_exact(**candidate, &assumed)) {
        return Ok(Some((exact, assumed, exact.result())));
    }
    let viable: Vec<Viable<S>> =
        fitting.into_iter().filter_map(|candidate| instantiate(candidate, types)).collect();
    match narrow(viable, types).as_slice() {
        [] => Ok(None),
        [(entry, arguments, result)] => Ok(Some((*entry, arguments.clone(), *result))),
        _ => Err(()),
    }
}

type Viable<S> = (&'static S, Vec<Type>, Type);

/// The declared types of an entry's arguments: what counts as an exact match. `ANY` is none.
fn declared<S: Signature + ?Sized>(candidate: &S, count: usize) -> Vec<Type> {
    (0..count).map(|at| candidate.argument(at).unwrap_or(Type::ANY)).collect()
}

fn is_exact<S: Signature + ?Sized>(candidate: &S, types: &[Type]) -> bool {
    candidate.generic() == Generic::None
        && types.iter().enumerate().all(|(at, ty)| candidate.argument(at) == Some(*ty))
}

/// The argument types that a candidate would take, if every argument coerces to them.
fn instantiate<S: Signature>(candidate: &'static S, types: &[Type]) -> Option<Viable<S>> {
    let declared: Option<Vec<Type>> = (0..types.len()).map(|at| candidate.argument(at)).collect();
    let declared = declared?;
    if candidate.generic() == Generic::None {
        let fits = types.iter().zip(&declared).all(|(from, to)| can_coerce(*from, *to));
        // Every type becomes ANY, so its operators serve only where a side is of it.
        let fits = fits && (!declared.contains(&Type::ANY) || types.contains(&Type::ANY));
        return fits.then(|| (candidate, declared, candidate.result()));
    }
    let any_array = Type::array_of(Scalar::Any);
    let concrete = match candidate.generic() {
        Generic::Each | Generic::None => None,
        Generic::Element => Some(one_element(&declared, types)?),
        Generic::Compatible => Some(common_element(&declared, types)?),
    };
    let mut taken = Vec::with_capacity(types.len());
    for (from, to) in types.iter().zip(&declared) {
        let to = match (concrete, *to) {
            (Some(element), Type::ANY) => element,
            (Some(element), to) if to == any_array => {
                if element.array {
                    return None;
                } else {
                    Type::array_of(element.scalar)
                }
            }
            (None, Type::ANY) => {
                if *from == Type::UNKNOWN {
                    Type::TEXT
                } else {
                    *from
                }
            }
            (None, to) if to == any_array => {
                if from.array {
                    *from
                } else {
                    return None;
                }
            }
            (_, to) => to,
        };
        if !can_coerce(*from, to) {
            return None;
        }
        taken.push(to);
    }
    let result = match (concrete, candidate.result()) {
        (Some(element), Type::ANY) => element,
        // An array of arrays is no type: such an entry takes no arrays (anynonarray).
        (Some(element), result) if result == any_array && element.array => return None,
        (Some(element), result) if result == any_array => Type::array_of(element.scalar),
        (_, result) => result,
    };
    Some((candidate, taken, result))
}

/// anyelement/anyarray: the one type that all of them are.
fn one_element(declared: &[Type], types: &[Type]) -> Option<Type> {
    let mut element = None;
    for (to, from) in declared.iter().zip(types) {
        let this = generic_element(*to, *from)?;
        match (this, element) {
            (None, _) => {}
            (Some(this), None) => element = Some(this),
            (Some(this), Some(known)) if this == known => {}
            _ => return None,
        }
    }
    Some(element.unwrap_or(Type::TEXT))
}

/// anycompatible: their common type.
fn common_element(declared: &[Type], types: &[Type]) -> Option<Type> {
    let mut elements = Vec::new();
    for (to, from) in declared.iter().zip(types) {
        elements.extend(generic_element(*to, *from)?);
    }
    common_type(&elements)
}

/// What an argument says of the generic type: `Some(None)` nothing, `None` that it cannot be.
fn generic_element(declared: Type, given: Type) -> Option<Option<Type>> {
    if declared == Type::ANY {
        return Some((given != Type::UNKNOWN).then_some(given));
    }
    if declared == Type::array_of(Scalar::Any) {
        return match given {
            Type::UNKNOWN => Some(None),
            given if given.array => Some(Some(given.element())),
            Type::INT2VECTOR => Some(Some(Type::INT2)),
            Type::OIDVECTOR => Some(Some(Type::OID)),
            _ => None,
        };
    }
    Some(None)
}

fn narrow<S: Signature>(mut viable: Vec<Viable<S>>, types: &[Type]) -> Vec<Viable<S>> {
    if viable.len() <= 1 {
        return viable;
    }
    keep_best(&mut viable, |taken| count(types, taken, |from, to| from == to));
    if viable.len() > 1 {
        keep_best(&mut viable, |taken| {
            count(types, taken, |from, to| from == to || from != Type::UNKNOWN && is_preferred(to))
        });
    }
    if viable.len() > 1 && types.contains(&Type::UNKNOWN) {
        narrow_unknown(&mut viable, types);
    }
    viable
}

fn keep_best<S: Signature>(viable: &mut Vec<Viable<S>>, score: impl Fn(&[Type]) -> usize) {
    let score = |entry: &Viable<S>| score(&declared(entry.0, entry.1.len()));
    let best = viable.iter().map(&score).max().unwrap_or(0);
    viable.retain(|entry| score(entry) == best);
}

fn count(types: &[Type], taken: &[Type], fits: impl Fn(Type, Type) -> bool) -> usize {
    types
        .iter()
        .zip(taken)
        .filter(|(from, to)| **from != Type::UNKNOWN && fits(**from, **to))
        .count()
}

/// The category of unknown arguments: string if any candidate takes one, else the one that all
/// agree on.
fn narrow_unknown<S: Signature>(viable: &mut Vec<Viable<S>>, types: &[Type]) {
    for (at, ty) in types.iter().enumerate() {
        if *ty != Type::UNKNOWN || viable.len() <= 1 {
            continue;
        }
        let mut categories: Vec<char> =
            viable.iter().map(|entry| category(declared_at(entry, at))).collect();
        categories.dedup();
        let wanted = if categories.contains(&'S') {
            'S'
        } else if categories.windows(2).all(|pair| pair[0] == pair[1]) {
            categories[0]
        } else {
            continue;
        };
        viable.retain(|entry| category(declared_at(entry, at)) == wanted);
        if viable.iter().any(|entry| is_preferred(declared_at(entry, at))) {
            viable.retain(|entry| is_preferred(declared_at(entry, at)));
        }
    }
    // Last: take unknown arguments to be of the type that all known ones share.
    let mut known = types.iter().filter(|ty| **ty != Type::UNKNOWN);
    if viable.len() > 1
        && let Some(first) = known.next()
        && known.all(|ty| ty == first)
    {
        let same: Vec<usize> = (0..viable.len())
            .filter(|at| viable[*at].1.iter().all(|taken| can_coerce(*first, *taken)))
            .collect();
        if let [only] = same.as_slice() {
            let only = viable.swap_remove(*only);
            viable.clear();
            viable.push(only);
        }
    }
}

fn declared_at<S: Signature>(entry: &Viable<S>, at: usize) -> Type {
    entry.0.argument(at).unwrap_or(Type::ANY)
}

fn category(ty: Type) -> char {
    if ty.array { 'A' } else { ty.scalar.category() }
}

/// pg_type.typispreferred.
fn is_preferred(ty: Type) -> bool {
    matches!(
        ty,
        Type::FLOAT8 | Type::OID | Type::TEXT | Type::TIMESTAMPTZ | Type::INTERVAL | Type::BOOL
    )
}

/// The common type of UNION, CASE, COALESCE, arrays and so on (10.5). Unknown alone gives text.
pub fn common_type(types: &[Type]) -> Option<Type> {
    let mut chosen = Type::UNKNOWN;
    for ty in types.iter().copied().filter(|ty| *ty != Type::UNKNOWN) {
        if chosen == Type::UNKNOWN {
            chosen = ty;
        } else if ty == chosen {
            continue;
        } else if category(ty) != category(chosen) {
            return None;
        } else if !is_preferred(chosen) && can_coerce(chosen, ty) && !can_coerce(ty, chosen) {
            chosen = ty;
        } else if !can_coerce(ty, chosen) {
            return None;
        }
    }
    Some(if chosen == Type::UNKNOWN { Type::TEXT } else { chosen })
}

/// Brings expressions to their common type; `what` names the construct in 42804.
pub fn unify(
    binder: &mut Binder<'_>,
    expressions: Vec<Expression>,
    what: &str,
) -> Result<(Vec<Expression>, Type)> {
    let types: Vec<Type> = expressions.iter().map(|expression| expression.ty).collect();
    let Some(ty) = common_type(&types) else {
        return Err(mismatch(&types, what).at(offset_of_mismatch(&expressions)));
    };
    let same = expressions.first().map_or(-1, |first| first.modifier);
    let modifier =
        if expressions.iter().all(|e| e.ty == ty && e.modifier == same) { same } else { -1 };
    let unified = expressions
        .into_iter()
        .map(|expression| {
            let keep = if expression.ty == ty { expression.modifier } else { modifier };
            coerce_to(binder, expression, ty, if keep == modifier { modifier } else { -1 })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok((unified, ty))
}

fn offset_of_mismatch(expressions: &[Expression]) -> u32 {
    let known = |e: &&Expression| e.ty != Type::UNKNOWN;
    let first = expressions.iter().find(known).map_or(Type::UNKNOWN, |e| e.ty);
    expressions
        .iter()
        .filter(known)
        .find(|e| category(e.ty) != category(first))
        .map_or(0, |e| e.offset)
}

/// "CASE types integer and text cannot be matched".
pub fn mismatch(types: &[Type], what: &str) -> Error {
    let mut known = types.iter().filter(|ty| **ty != Type::UNKNOWN);
    let first = known.next().copied().unwrap_or(Type::UNKNOWN);
    let other = known
        .find(|ty| **ty != first && common_type(&[first, **ty]).is_none())
        .copied()
        .unwrap_or(first);
    let message =
        format!("{what} types {} and {} cannot be matched", first.display(-1), other.display(-1));
    Error::new(ErrorKind::Type, "42804", message)
}
