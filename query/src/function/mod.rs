//! The function table: what every operator and function of every language is bound to.
//!
//! ```text
//!   name ──► candidates("lower") ──► [lower(text)]            the binder chooses by argument types
//!   name ──► operators("+")      ──► [int2+int2, int2+int4, …, date+integer, …]
//!                                        │
//!                                 &'static Function { id, types, null rule, volatility, kernel }
//! ```
//!
//! Three tables stand side by side: [`Function`] (a value from values), [`Aggregate`] (a value from
//! rows) and [`SetFunction`] (rows from values). Each entry serves exactly one list of argument
//! types, so that a kernel never asks what it was given; what a language calls by one name is many
//! entries.
//!
//! **Invariants**
//! - An id names one entry for ever: plans and tests speak of `sql.int4_add`, never of an address.
//! - A strict kernel never sees NULL. A kernel that is not strict says so by [`NullRule::Called`].
//! - `ANY` in an argument list is a placeholder; [`Function::generic`] says what it stands for.
//! - The tables are sorted into maps once, on first use; a lookup is one hash and gives a slice.
//!
//! Rejected: one kernel for each name that looks at its arguments (a type check per row and per
//! call), and a trait object per function (nothing to print, nothing to list, nothing to compare).

mod aggregate;
mod arithmetic;
pub mod array;
mod arrays;
mod call;
mod compare;
pub mod datum_hash;
pub mod datum_order;
mod digest;
mod elsewhere;
mod eval;
pub(crate) mod float;
mod format;
mod format_number;
pub(crate) mod json;
mod jsonb;
pub(crate) mod names;
pub(crate) mod numeric;
mod pattern;
mod regexp;
mod set;
mod statistics;
mod system;
mod text;
mod time;
mod time_build;
mod time_parts;
mod vectors;
pub mod zone;

use std::sync::LazyLock;

use hashbrown::HashMap;

pub use aggregate::{Aggregate, State, aggregates, all_aggregates};
pub use call::{Arguments, Call, CallTypes};
pub use datum_hash::hash;
pub use datum_order::{compare, equal};
pub(crate) use eval::eval;
pub use set::{BoxedSource, RowSource, SetFunction, all_set_functions, set_functions};

use crate::{Datum, Result, Type};

/// What a NULL argument does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NullRule {
    /// A NULL argument makes the result NULL, the kernel is not called.
    Strict,
    /// The kernel sees NULLs.
    Called,
}

/// pg_proc.provolatile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volatility {
    /// The same arguments give the same result for ever.
    Immutable,
    /// The same within one statement.
    Stable,
    /// Anything.
    Volatile,
}

/// What `ANY` stands for in an entry's argument and result types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generic {
    /// `ANY` does not occur, or is the type of a value without schema.
    None,
    /// PostgreSQL's `"any"`: each may be of its own type.
    Each,
    /// anyelement/anyarray: all are one type, `ANY[]` the array of it.
    Element,
    /// anycompatible/anycompatiblearray: all become their common type first.
    Compatible,
}

/// The kernel of a scalar function.
pub type RowKernel = for<'a> fn(&Call<'a, '_>, &[Datum<'a>]) -> Result<Datum<'a>>;

/// One entry of the table: one operator or function for one list of argument types.
pub struct Function {
    /// Unique: `sql.int8_add`.
    pub id: &'static str,
    /// The name that a language calls it by: `+`, `lower`.
    pub name: &'static str,
    /// Argument types; `variadic` repeats the last.
    pub arguments: &'static [Type],
    /// Whether the last argument repeats (once at least).
    pub variadic: bool,
    /// The type of the result.
    pub result: Type,
    /// What NULL does.
    pub nulls: NullRule,
    /// When it may be computed ahead.
    pub volatility: Volatility,
    /// What `ANY` among the types stands for.
    pub generic: Generic,
    /// The kernel.
    pub kernel: RowKernel,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id)
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Function {
    /// A strict, immutable entry.
    pub(crate) const fn new(
        id: &'static str,
        name: &'static str,
        arguments: &'static [Type],
        result: Type,
        kernel: RowKernel,
    ) -> Function {
        Function {
            id,
            name,
            arguments,
            variadic: false,
            result,
            nulls: NullRule::Strict,
            volatility: Volatility::Immutable,
            generic: Generic::None,
            kernel,
        }
    }

    pub(crate) const fn stable(mut self) -> Function {
        self.volatility = Volatility::Stable;
        self
    }

    pub(crate) const fn volatile(mut self) -> Function {
        self.volatility = Volatility::Volatile;
        self
    }

    pub(crate) const fn called(mut self) -> Function {
        self.nulls = NullRule::Called;
        self
    }

    pub(crate) const fn variadic(mut self) -> Function {
        self.variadic = true;
        self
    }

    pub(crate) const fn each(mut self) -> Function {
        self.generic = Generic::Each;
        self
    }

    pub(crate) const fn element(mut self) -> Function {
        self.generic = Generic::Element;
        self
    }

    pub(crate) const fn compatible(mut self) -> Function {
        self.generic = Generic::Compatible;
        self
    }

    /// Whether it is written between or before its arguments.
    pub fn is_operator(&self) -> bool {
        self.name.bytes().all(|b| !b.is_ascii_alphanumeric() && b != b'_')
    }

    /// Whether it can be called with so many arguments.
    pub fn takes(&self, count: usize) -> bool {
        match self.variadic {
            true => count >= self.arguments.len(),
            false => count == self.arguments.len(),
        }
    }

    /// The declared type of an argument, the last one repeated where variadic.
    pub fn argument(&self, at: usize) -> Option<Type> {
        match self.arguments.get(at) {
            Some(ty) => Some(*ty),
            None if self.variadic => self.arguments.last().copied(),
            None => None,
        }
    }
}

/// The parts that the table is made of, one for each subject.
static PARTS: &[&[Function]] = &[
    arithmetic::BINARY,
    arithmetic::UNARY,
    arithmetic::OTHERS,
    compare::SAME,
    compare::MIXED,
    compare::OPEN,
    crate::predicate::ORDERS,
    compare::OTHERS,
    float::OPERATORS,
    float::UNARY,
    float::OTHERS,
    arrays::TABLE,
    digest::TABLE,
    format::TABLE,
    format_number::TABLE,
    jsonb::BOTH,
    jsonb::TABLE,
    pattern::OPERATORS,
    pattern::TABLE,
    regexp::TABLE,
    system::NOTHINGS,
    system::PRIVILEGES,
    system::TABLE,
    system::VISIBILITIES,
    text::CONCATENATIONS,
    text::TABLE,
    time_build::INTERVALS,
    time_build::TABLE,
    time_parts::PARTS,
    time_parts::TABLE,
    numeric::BINARY,
    numeric::UNARY,
    numeric::OTHERS,
    time::TABLE,
    time::OVERLAPS,
    vectors::TABLE,
    crate::cast::TABLE,
];

type Names = HashMap<&'static str, Vec<&'static Function>, foldhash::fast::FixedState>;

/// Operators and functions by name, and both by id.
struct Index {
    operators: Names,
    functions: Names,
    ids: HashMap<&'static str, &'static Function, foldhash::fast::FixedState>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut index =
        Index { operators: Names::default(), functions: Names::default(), ids: HashMap::default() };
    for function in all() {
        let names =
            if function.is_operator() { &mut index.operators } else { &mut index.functions };
        names.entry(function.name).or_default().push(function);
        index.ids.insert(function.id, function);
    }
    index
});

/// Every entry.
pub fn all() -> impl Iterator<Item = &'static Function> {
    PARTS.iter().flat_map(|part| part.iter())
}

/// The entries of an operator, `+`.
pub fn operators(name: &str) -> &'static [&'static Function] {
    INDEX.operators.get(name).map_or(&[], Vec::as_slice)
}

/// The entries of a function, by its lower-case name.
pub fn functions(name: &str) -> &'static [&'static Function] {
    INDEX.functions.get(name).map_or(&[], Vec::as_slice)
}

/// The entry of an id.
pub fn by_id(id: &str) -> Option<&'static Function> {
    INDEX.ids.get(id).copied()
}

/// The operator for exactly these argument types; a generic entry serves the types that it covers.
pub fn operator(name: &str, arguments: &[Type]) -> Option<&'static Function> {
    exactly(operators(name), arguments)
}

/// The function for exactly these argument types.
pub fn function(name: &str, arguments: &[Type]) -> Option<&'static Function> {
    exactly(functions(name), arguments)
}

/// Whether PostgreSQL has a function, aggregate, window function or operator for these arguments
/// that is not in the tables: one of a name that is not there at all, or a further signature.
pub fn is_known_elsewhere(name: &str, arguments: &[Type]) -> bool {
    let same = |(declared, ty): (&&str, &Type)| match declared.strip_suffix("[]") {
        Some(element) => ty.array && (element == "any" || element == ty.scalar.name()),
        None => !ty.array && (*declared == "any" || *declared == ty.scalar.name()),
    };
    let from = elsewhere::SIGNATURES.partition_point(|(known, _)| *known < name);
    elsewhere::NAMES.binary_search(&name).is_ok()
        || elsewhere::SIGNATURES.iter().skip(from).take_while(|(known, _)| *known == name).any(
            |(_, types)| types.len() == arguments.len() && types.iter().zip(arguments).all(same),
        )
}

/// Whether PostgreSQL, or an extension that comes with it, has a type of this name that is none of
/// ours. What one of its schemas has is found without naming it only where it is pg_catalog.
pub fn is_type_elsewhere(schema: Option<&str>, name: &str) -> bool {
    let schema = schema.unwrap_or("pg_catalog");
    let name = name.strip_prefix('_').unwrap_or(name);
    elsewhere::TYPES.binary_search(&(name, schema)).is_ok()
}

/// Whether PostgreSQL has a system table or view of this name that is not in `system`.
pub fn is_relation_elsewhere(schema: Option<&str>, name: &str) -> bool {
    let schema = schema.unwrap_or("pg_catalog");
    elsewhere::RELATIONS.binary_search(&(name, schema)).is_ok()
}

/// The error for a setting that is not there: 42704, or 0A000 where PostgreSQL has it.
pub fn no_setting(name: &str) -> crate::Error {
    if elsewhere::SETTINGS.binary_search(&name.to_ascii_lowercase().as_str()).is_ok() {
        return crate::Error::unsupported(format_args!("setting {name}"));
    }
    let message = format!("unrecognized configuration parameter \"{name}\"");
    crate::Error::new(crate::ErrorKind::Name, "42704", message)
}

fn exactly(
    candidates: &'static [&'static Function],
    arguments: &[Type],
) -> Option<&'static Function> {
    let fits = |f: &&&'static Function| f.takes(arguments.len());
    let same = |f: &&&'static Function| {
        arguments.iter().enumerate().all(|(at, ty)| f.argument(at) == Some(*ty))
    };
    let covers = |f: &&&'static Function| {
        f.generic != Generic::None
            && arguments.iter().enumerate().all(|(at, ty)| match f.argument(at) {
                Some(Type::ANY) => f.generic == Generic::Each || !ty.array,
                Some(declared) if declared == Type::array_of(crate::Scalar::Any) => ty.array,
                declared => declared == Some(*ty),
            })
    };
    let fitting = candidates.iter().filter(fits);
    fitting.clone().find(same).or_else(|| fitting.clone().find(covers)).copied()
}
