//! PostgreSQL's own numbers and properties of types, functions, operators and casts, so that
//! clients which know some of them by heart are right.
//!
//! The files under `data/` are recorded from PostgreSQL 15 (tests/recorded/generate/facts.sh):
//! lines of fields with blanks between them. They name more than exists here; the tables list only
//! what the function table and the list of types have.

use std::str::SplitAsciiWhitespace;
use std::sync::LazyLock;

use hashbrown::HashMap;

use crate::{Scalar, Type};

/// The fields of one line.
struct Fields(SplitAsciiWhitespace<'static>);

impl Fields {
    fn text(&mut self) -> &'static str {
        self.0.next().unwrap_or("")
    }

    fn number<N: std::str::FromStr + Default>(&mut self) -> N {
        self.text().parse().unwrap_or_default()
    }

    fn flag(&mut self) -> bool {
        self.text() == "t"
    }

    fn list(&mut self) -> Vec<u32> {
        self.text().split(',').filter_map(|n| n.parse().ok()).collect()
    }
}

fn lines(file: &'static str) -> impl Iterator<Item = Fields> {
    file.lines().map(|line| Fields(line.split_ascii_whitespace()))
}

/// A row of pg_type, as far as it differs between types.
#[derive(Debug, Clone)]
pub(super) struct TypeFacts {
    pub number: u32,
    pub name: &'static str,
    pub length: i16,
    pub by_value: bool,
    pub kind: &'static str,
    pub category: &'static str,
    pub preferred: bool,
    pub delimiter: &'static str,
    pub element: u32,
    pub array: u32,
    pub subscript: u32,
    pub input: u32,
    pub output: u32,
    pub receive: u32,
    pub send: u32,
    pub modifier_in: u32,
    pub modifier_out: u32,
    pub align: &'static str,
    pub storage: &'static str,
    pub collation: u32,
}

fn type_facts(mut f: Fields) -> TypeFacts {
    TypeFacts {
        number: f.number(),
        name: f.text(),
        length: f.number(),
        by_value: f.flag(),
        kind: f.text(),
        category: f.text(),
        preferred: f.flag(),
        delimiter: f.text(),
        element: f.number(),
        array: f.number(),
        subscript: f.number(),
        input: f.number(),
        output: f.number(),
        receive: f.number(),
        send: f.number(),
        modifier_in: f.number(),
        modifier_out: f.number(),
        align: f.text(),
        storage: f.text(),
        collation: f.number(),
    }
}

/// A type that PostgreSQL has not: its text and binary forms are functions without a number.
fn own_type(ty: Type) -> TypeFacts {
    let length = if ty.array { -1 } else { ty.scalar.length() };
    let pseudo = matches!(ty.scalar, Scalar::Any | Scalar::Record);
    let array_of = if ty.array { 0 } else { Type::array_of(ty.scalar).oid() };
    let name = match (ty.array, ty.scalar) {
        (true, scalar) => String::leak(format!("_{}", scalar.name())),
        // "any" is PostgreSQL's, which stands for each type of an argument.
        (false, Scalar::Any) => "any_value",
        (false, scalar) => scalar.name(),
    };
    TypeFacts {
        number: ty.oid(),
        name,
        length,
        by_value: matches!(length, 1 | 2 | 4 | 8),
        kind: if pseudo { "p" } else { "b" },
        category: match (pseudo, ty.array) {
            (true, _) => "P",
            (_, true) => "A",
            _ if ty.is_numeric() => "N",
            _ => "U",
        },
        preferred: false,
        delimiter: ",",
        element: if ty.array { ty.element().oid() } else { 0 },
        array: array_of,
        subscript: 0,
        input: 0,
        output: 0,
        receive: 0,
        send: 0,
        modifier_in: 0,
        modifier_out: 0,
        align: match length {
            1 => "c",
            2 => "s",
            8 => "d",
            _ => "i",
        },
        storage: if length > 0 { "p" } else { "x" },
        collation: 0,
    }
}

/// Every type in the order of the numbers: ours, and the pseudo-types that functions are declared
/// with.
pub(super) static TYPES: LazyLock<Vec<TypeFacts>> = LazyLock::new(|| {
    let mut all: Vec<TypeFacts> = lines(include_str!("data/types.txt")).map(type_facts).collect();
    for scalar in Scalar::all() {
        for ty in [Type::of(scalar), Type::array_of(scalar)] {
            if ty.oid() != 0 && !all.iter().any(|facts| facts.number == ty.oid()) {
                all.push(own_type(ty));
            }
        }
    }
    let numbers: Vec<u32> = all.iter().map(|facts| facts.number).collect();
    for facts in &mut all {
        facts.array = if numbers.contains(&facts.array) { facts.array } else { 0 };
    }
    all.sort_by_key(|facts| facts.number);
    all
});

static UNKNOWN: LazyLock<TypeFacts> = LazyLock::new(|| own_type(Type::ANY));

/// The facts of a type.
pub(super) fn of(ty: Type) -> &'static TypeFacts {
    let at = TYPES.binary_search_by_key(&ty.oid(), |facts| facts.number);
    at.ok().and_then(|at| TYPES.get(at)).unwrap_or(&UNKNOWN)
}

/// A function that PostgreSQL has.
#[derive(Debug)]
pub(super) struct FunctionFacts {
    pub number: u32,
    pub name: &'static str,
    pub kind: &'static str,
    pub result: u32,
    pub strict: bool,
    pub set: bool,
    pub volatility: &'static str,
    pub arguments: Vec<u32>,
}

type ByNumber<T> = HashMap<u32, T>;

/// PostgreSQL's functions over types that we have, by number.
pub(super) static FUNCTIONS: LazyLock<ByNumber<FunctionFacts>> = LazyLock::new(|| {
    let facts = lines(include_str!("data/functions.txt")).map(|mut f| FunctionFacts {
        number: f.number(),
        name: f.text(),
        kind: f.text(),
        result: f.number(),
        strict: f.flag(),
        set: f.flag(),
        volatility: f.text(),
        arguments: f.list(),
    });
    facts.map(|facts| (facts.number, facts)).collect()
});

type Signatures = HashMap<&'static str, Vec<&'static FunctionFacts>>;

static BY_NAME: LazyLock<Signatures> = LazyLock::new(|| {
    let mut names = Signatures::default();
    FUNCTIONS.values().for_each(|facts| names.entry(facts.name).or_default().push(facts));
    names
});

/// PostgreSQL's function of a name and argument types.
pub(super) fn function(name: &str, arguments: &[u32]) -> Option<&'static FunctionFacts> {
    BY_NAME.get(name)?.iter().find(|facts| facts.arguments == arguments).copied()
}

/// An operator that PostgreSQL has.
#[derive(Debug)]
pub(super) struct OperatorFacts {
    pub number: u32,
    pub merges: bool,
    pub hashes: bool,
    pub commutator: u32,
    pub negator: u32,
    pub code: u32,
}

type OperatorNames = HashMap<(&'static str, u32, u32), OperatorFacts>;

/// PostgreSQL's operators by name, left (0: none) and right type.
pub(super) static OPERATORS: LazyLock<OperatorNames> = LazyLock::new(|| {
    let facts = lines(include_str!("data/operators.txt")).map(|mut f| {
        let number = f.number();
        let key = (f.text(), f.number(), f.number());
        let _result: u32 = f.number();
        let (merges, hashes) = (f.flag(), f.flag());
        let (commutator, negator, code) = (f.number(), f.number(), f.number());
        (key, OperatorFacts { number, merges, hashes, commutator, negator, code })
    });
    facts.collect()
});

/// A cast that PostgreSQL has.
#[derive(Debug, Clone, Copy)]
pub(super) struct CastFacts {
    pub number: u32,
    pub function: u32,
    /// `f` function, `b` binary coercible, `i` through the text form.
    pub method: &'static str,
}

/// PostgreSQL's casts by source and target.
pub(super) static CASTS: LazyLock<HashMap<(u32, u32), CastFacts>> = LazyLock::new(|| {
    let facts = lines(include_str!("data/casts.txt")).map(|mut f| {
        let number = f.number();
        let types = (f.number(), f.number());
        let (function, _context, method) = (f.number(), f.text(), f.text());
        (types, CastFacts { number, function, method })
    });
    facts.collect()
});

/// A B-tree operator class: how one type is ordered.
#[derive(Debug)]
pub(super) struct OperatorClass {
    pub number: u32,
    pub name: &'static str,
    pub family: u32,
    pub ty: u32,
    pub default: bool,
}

/// anyarray: one class orders arrays of every type.
const ANYARRAY: u32 = 2277;
/// Number of the operator class, and of its family, of the first type that PostgreSQL does not
/// order.
const OWN_CLASSES: u32 = 8200;

/// The operator classes. A type that PostgreSQL does not order has one of its own, numbered with
/// its family alike.
pub(super) static CLASSES: LazyLock<Vec<OperatorClass>> = LazyLock::new(|| {
    let facts = lines(include_str!("data/operator_classes.txt")).map(|mut f| OperatorClass {
        number: f.number(),
        name: f.text(),
        family: f.number(),
        ty: f.number(),
        default: f.flag(),
    });
    let mut all: Vec<OperatorClass> = facts.collect();
    for (number, scalar) in (OWN_CLASSES..).zip(Scalar::all()) {
        let ty = Type::of(scalar);
        if is_ordered_here(scalar) {
            let name = String::leak(format!("{}_ops", scalar.name()));
            all.push(OperatorClass { number, name, family: number, ty: ty.oid(), default: true });
        }
    }
    all
});

/// The families, by number.
pub(super) static FAMILIES: LazyLock<Vec<(u32, &'static str)>> = LazyLock::new(|| {
    let facts = lines(include_str!("data/operator_families.txt"));
    let mut all: Vec<(u32, &'static str)> = facts.map(|mut f| (f.number(), f.text())).collect();
    let own = CLASSES.iter().filter(|class| class.number == class.family);
    all.extend(own.map(|class| (class.family, class.name)));
    all
});

/// The strategies of the families: number, family, left type, right type, strategy, operator.
pub(super) static STRATEGIES: LazyLock<Vec<[u32; 6]>> = LazyLock::new(|| {
    lines(include_str!("data/operator_strategies.txt"))
        .map(|mut f| std::array::from_fn(|_| f.number()))
        .collect()
});

/// Whether a type that PostgreSQL has not can be indexed.
fn is_ordered_here(scalar: Scalar) -> bool {
    use Scalar::{Any, Int1, ObjectId, UInt1, UInt2, UInt4, UInt8};
    matches!(scalar, Int1 | UInt1 | UInt2 | UInt4 | UInt8 | ObjectId | Any)
}

fn default_class(classes: &[OperatorClass], ty: Type) -> Option<u32> {
    use Scalar::{Regclass, Regnamespace, Regproc, Regrole, Regtype, Varchar};
    let number = match ty.scalar {
        _ if ty.array => ANYARRAY,
        Varchar => Type::TEXT.oid(),
        Regclass | Regtype | Regproc | Regnamespace | Regrole => Type::OID.oid(),
        _ => ty.oid(),
    };
    classes.iter().find(|class| class.default && class.ty == number).map(|class| class.number)
}

/// pg_opclass.oid by which a type is ordered.
pub(super) fn operator_class(ty: Type) -> u32 {
    default_class(&CLASSES, ty).unwrap_or(0)
}
