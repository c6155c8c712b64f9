//! pg_proc, pg_aggregate, pg_operator and what orders types: from the function table.
//!
//! ```text
//!   function table ──┬─ functions, set functions, aggregates ──► pg_proc (what can be called)
//!                    └─ operators ──► pg_operator ── oprcode ──► pg_proc
//!   text forms of types, functions of casts ───────────────────► pg_proc
//! ```
//!
//! A function that PostgreSQL has under the same name and argument types bears its number; others
//! are numbered by their place in the function table, which a new release may change.

use std::sync::LazyLock;

use hashbrown::{HashMap, HashSet};

use super::cell::{NULL, Push, integers, row};
use super::facts::{self, FunctionFacts};
use super::{PG_CATALOG, ROLE, types};
use crate::expression::Session;
use crate::function::{self, Function, Generic, NullRule, Volatility};
use crate::{Arena, Result, Scalar, Type};

super::tables! {
    "pg_catalog";
    pg_proc 1255 functions {
        oid OID, proname NAME, pronamespace OID, proowner OID, prolang OID, procost FLOAT4,
        prorows FLOAT4, provariadic OID, prosupport REGPROC, prokind CHAR, prosecdef BOOL,
        proleakproof BOOL, proisstrict BOOL, proretset BOOL, provolatile CHAR, proparallel CHAR,
        pronargs INT2, pronargdefaults INT2, prorettype OID, proargtypes OIDVECTOR,
        proallargtypes [OID], proargmodes [CHAR], proargnames [TEXT], proargdefaults PG_NODE_TREE,
        protrftypes [OID], prosrc TEXT, probin TEXT, prosqlbody PG_NODE_TREE, proconfig [TEXT],
        proacl [ACLITEM]
    }
    pg_aggregate 2600 aggregates {
        aggfnoid REGPROC, aggkind CHAR, aggnumdirectargs INT2, aggtransfn REGPROC,
        aggfinalfn REGPROC, aggcombinefn REGPROC, aggserialfn REGPROC, aggdeserialfn REGPROC,
        aggmtransfn REGPROC, aggminvtransfn REGPROC, aggmfinalfn REGPROC, aggfinalextra BOOL,
        aggmfinalextra BOOL, aggfinalmodify CHAR, aggmfinalmodify CHAR, aggsortop OID,
        aggtranstype OID, aggtransspace INT4, aggmtranstype OID, aggmtransspace INT4,
        agginitval TEXT, aggminitval TEXT
    }
    pg_operator 2617 operators {
        oid OID, oprname NAME, oprnamespace OID, oprowner OID, oprkind CHAR, oprcanmerge BOOL,
        oprcanhash BOOL, oprleft OID, oprright OID, oprresult OID, oprcom OID, oprnegate OID,
        oprcode REGPROC, oprrest REGPROC, oprjoin REGPROC
    }
    pg_language 2612 languages {
        oid OID, lanname NAME, lanowner OID, lanispl BOOL, lanpltrusted BOOL, lanplcallfoid OID,
        laninline OID, lanvalidator OID, lanacl [ACLITEM]
    }
    pg_am 2601 access_methods {
        oid OID, amname NAME, amhandler REGPROC, amtype CHAR
    }
    pg_opclass 2616 operator_classes {
        oid OID, opcmethod OID, opcname NAME, opcnamespace OID, opcowner OID, opcfamily OID,
        opcintype OID, opcdefault BOOL, opckeytype OID
    }
    pg_opfamily 2753 operator_families {
        oid OID, opfmethod OID, opfname NAME, opfnamespace OID, opfowner OID
    }
    pg_amop 2602 strategies {
        oid OID, amopfamily OID, amoplefttype OID, amoprighttype OID, amopstrategy INT2,
        amoppurpose CHAR, amopopr OID, amopmethod OID, amopsortfamily OID
    }
}

/// A row of pg_proc.
#[derive(Debug)]
pub(super) struct Procedure {
    pub number: u32,
    pub name: &'static str,
    /// `f` function, `a` aggregate.
    pub kind: &'static str,
    pub strict: bool,
    pub set: bool,
    pub volatility: &'static str,
    /// The element's type of a variadic argument, or 0.
    pub variadic: u32,
    pub result: u32,
    pub arguments: Vec<u32>,
    /// What computes it: the entry's id, or PostgreSQL's name.
    pub source: &'static str,
}

/// A row of pg_operator.
struct Operator {
    number: u32,
    function: &'static Function,
    left: u32,
    right: u32,
    code: u32,
}

struct Tables {
    procedures: Vec<Procedure>,
    operators: Vec<Operator>,
    ids: HashMap<&'static str, u32>,
}

/// First number of functions that PostgreSQL has not.
const OWN_FUNCTIONS: u32 = 10_000;
/// First number of operators that PostgreSQL has not.
const OWN_OPERATORS: u32 = 9_200;

/// The number of a declared type, a placeholder as PostgreSQL's pseudo-type.
fn declared(ty: Type, generic: Generic) -> u32 {
    match (ty.scalar, generic, ty.array) {
        (Scalar::Any, Generic::Each, false) => 2276,
        (Scalar::Any, Generic::Element, false) => 2283,
        (Scalar::Any, Generic::Element, true) => 2277,
        (Scalar::Any, Generic::Compatible, false) => 5077,
        (Scalar::Any, Generic::Compatible, true) | (Scalar::Any, Generic::Each, true) => 5078,
        (Scalar::Any, Generic::None, true) => 2277,
        _ => ty.oid(),
    }
}

/// Builds the tables. A number that PostgreSQL gave is given once; the next entry that would have
/// it has its own.
#[derive(Default)]
struct Builder {
    procedures: Vec<Procedure>,
    taken: HashSet<u32>,
    ids: HashMap<&'static str, u32>,
    next: u32,
}

impl Builder {
    fn known(&self, name: &str, arguments: &[u32], kind: &str) -> Option<&'static FunctionFacts> {
        // array_agg is declared once for elements that are no arrays, which here one entry serves.
        let plain: Vec<u32> =
            arguments.iter().map(|n| if *n == 2283 { 2776 } else { *n }).collect();
        let found = facts::function(name, arguments).or_else(|| facts::function(name, &plain))?;
        (found.kind == kind && !self.taken.contains(&found.number)).then_some(found)
    }

    fn add(&mut self, mut procedure: Procedure) -> u32 {
        let known = self.known(procedure.name, &procedure.arguments, procedure.kind);
        procedure.number = known.map_or(OWN_FUNCTIONS + self.next, |facts| facts.number);
        if let Some(facts) = known {
            procedure.arguments.clone_from(&facts.arguments);
        }
        self.next += 1;
        self.taken.insert(procedure.number);
        self.ids.insert(procedure.source, procedure.number);
        let number = procedure.number;
        self.procedures.push(procedure);
        number
    }

    /// A function of PostgreSQL's that something else here refers to.
    fn refer(&mut self, number: u32) {
        let Some(facts) = facts::FUNCTIONS.get(&number) else { return };
        if !self.taken.insert(number) {
            return;
        }
        self.procedures.push(Procedure {
            number,
            name: facts.name,
            kind: facts.kind,
            strict: facts.strict,
            set: facts.set,
            volatility: facts.volatility,
            variadic: 0,
            result: facts.result,
            arguments: facts.arguments.clone(),
            source: facts.name,
        });
    }

    fn types(&mut self) {
        for t in facts::TYPES.iter() {
            let functions =
                [t.subscript, t.input, t.output, t.receive, t.send, t.modifier_in, t.modifier_out];
            functions.into_iter().for_each(|number| self.refer(number));
        }
        types::cast_functions().for_each(|number| self.refer(number));
    }

    fn operator(&mut self, function: &'static Function, own: u32) -> Operator {
        let ty = |at: usize| function.argument(at).map_or(0, |ty| declared(ty, function.generic));
        let (left, right) = if function.arguments.len() == 1 { (0, ty(0)) } else { (ty(0), ty(1)) };
        let known = facts::OPERATORS.get(&(function.name, left, right));
        let code = known.map(|facts| facts.code).filter(|n| facts::FUNCTIONS.contains_key(n));
        let code = match code {
            Some(code) => {
                self.refer(code);
                self.ids.insert(function.id, code);
                code
            }
            None => {
                let name = function.id.strip_prefix("sql.").unwrap_or(function.id);
                self.add(Procedure { name, ..scalar(function) })
            }
        };
        let number = known.map_or(own, |facts| facts.number);
        Operator { number, function, left, right, code }
    }
}

fn scalar(f: &'static Function) -> Procedure {
    let last = f.arguments.last().filter(|_| f.variadic);
    let mut arguments: Vec<u32> = f.arguments.iter().map(|ty| declared(*ty, f.generic)).collect();
    let variadic = last.map_or(0, |ty| declared(*ty, f.generic));
    if let (Some(ty), Some(end)) = (last, arguments.last_mut()) {
        *end = if *end == 2276 { 2276 } else { declared(Type::array_of(ty.scalar), f.generic) };
    }
    Procedure {
        number: 0,
        name: f.name,
        kind: "f",
        strict: f.nulls == NullRule::Strict,
        set: false,
        volatility: match f.volatility {
            Volatility::Immutable => "i",
            Volatility::Stable => "s",
            Volatility::Volatile => "v",
        },
        variadic,
        result: declared(f.result, f.generic),
        arguments,
        source: f.id,
    }
}

static BUILT: LazyLock<Tables> = LazyLock::new(|| {
    let mut builder = Builder::default();
    // A name with a dot cannot be called: it belongs to the binder.
    let callable = |f: &&'static Function| !f.is_operator() && !f.name.contains('.');
    function::all().filter(callable).for_each(|f| {
        builder.add(scalar(f));
    });
    for f in function::all_set_functions() {
        let arguments = f.arguments.iter().map(|ty| declared(*ty, f.generic)).collect();
        builder.add(Procedure {
            number: 0,
            name: f.name,
            kind: "f",
            strict: f.strict,
            set: true,
            volatility: "i",
            variadic: 0,
            result: declared(f.result, f.generic),
            arguments,
            source: f.id,
        });
    }
    for f in function::all_aggregates() {
        let arguments = f.arguments.iter().map(|ty| declared(*ty, f.generic)).collect();
        builder.add(Procedure {
            number: 0,
            name: f.name,
            kind: "a",
            strict: false,
            set: false,
            volatility: "i",
            variadic: 0,
            result: declared(f.result, f.generic),
            arguments,
            source: f.id,
        });
    }
    builder.types();
    let all = function::all().filter(|f| f.is_operator());
    let mut taken = HashSet::new();
    let mut operators: Vec<Operator> = Vec::new();
    for (own, f) in (OWN_OPERATORS..).zip(all) {
        let mut operator = builder.operator(f, own);
        if !taken.insert(operator.number) {
            operator.number = own;
        }
        operators.push(operator);
    }
    operators.sort_by_key(|operator| operator.number);
    builder.procedures.sort_by_key(|procedure| procedure.number);
    Tables { procedures: builder.procedures, operators, ids: builder.ids }
});

/// The functions in the order of their numbers.
pub(super) fn procedures() -> &'static [Procedure] {
    &BUILT.procedures
}

/// pg_proc.oid of an entry of the function table.
pub(super) fn function_by_id(id: &str) -> u32 {
    BUILT.ids.get(id).copied().unwrap_or(0)
}

static NAMES: LazyLock<HashMap<&'static str, (u32, usize)>> = LazyLock::new(|| {
    let mut names = HashMap::new();
    for p in &BUILT.procedures {
        names.entry(p.name).or_insert((p.number, 0)).1 += 1;
    }
    names
});

fn procedure(number: u32) -> Option<&'static Procedure> {
    let at = BUILT.procedures.binary_search_by_key(&number, |procedure| procedure.number).ok()?;
    BUILT.procedures.get(at)
}

/// The name of the function of a pg_proc.oid.
pub fn function_name(number: u32) -> Option<&'static str> {
    procedure(number).map(|procedure| procedure.name)
}

/// pg_proc.oid of the first function of a name, and how many there are.
pub fn function_number(name: &str) -> Option<(u32, usize)> {
    NAMES.get(name).copied()
}

/// The types of a function's arguments as pg_get_function_arguments writes them.
pub fn function_arguments(number: u32) -> Option<String> {
    let procedure = procedure(number)?;
    let last = procedure.arguments.len();
    let text = |(at, ty): (usize, &u32)| {
        let variadic = if procedure.variadic != 0 && at == last { "VARIADIC " } else { "" };
        format!("{variadic}{}", type_name(*ty).unwrap_or_default())
    };
    let arguments: Vec<String> = (1..).zip(&procedure.arguments).map(text).collect();
    Some(arguments.join(", "))
}

/// The type of a function's result as pg_get_function_result writes it.
pub fn function_result(number: u32) -> Option<String> {
    let procedure = procedure(number)?;
    let name = type_name(procedure.result)?;
    Some(if procedure.set { format!("SETOF {name}") } else { name })
}

/// A type's name as format_type writes it, pseudo-types too.
pub fn type_name(number: u32) -> Option<String> {
    if let Some(ty) = Type::from_oid(number) {
        return Some(ty.display(-1));
    }
    let at = facts::TYPES.binary_search_by_key(&number, |facts| facts.number).ok()?;
    let name = facts::TYPES.get(at)?.name;
    Some(match name {
        "any" => "\"any\"".to_owned(),
        name => name.strip_prefix('_').map_or(name.to_owned(), |element| format!("{element}[]")),
    })
}

fn functions<'a>(_: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    for p in procedures() {
        let rows = if p.set { 1000.0f32 } else { 0.0 };
        let count = i16::try_from(p.arguments.len()).unwrap_or(i16::MAX);
        let numbers = || p.arguments.iter().map(|n| i64::from(*n));
        let (all, modes) = match p.variadic {
            0 => (NULL, NULL),
            _ => (integers(arena, Scalar::Oid, numbers())?, modes(arena, p.arguments.len())?),
        };
        row!(push; p.number, p.name, PG_CATALOG, ROLE, INTERNAL, 1.0f32, rows, p.variadic, 0,
            p.kind, false, false, p.strict, p.set, p.volatility, "s", count, 0, p.result,
            integers(arena, Scalar::Oid, numbers())?, all, modes, NULL, NULL, NULL, p.source, NULL,
            NULL, NULL, NULL);
    }
    Ok(())
}

/// proargmodes of a function whose last argument repeats.
fn modes(arena: &Arena, count: usize) -> Result<crate::Datum<'_>> {
    let modes = (1..=count).map(|n| if n == count { "v" } else { "i" });
    super::cell::texts(arena, modes)
}

/// States are kept in ways that no SQL type names: transition functions and types are 0.
fn aggregates<'a>(_: &dyn Session, _: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    for p in procedures().iter().filter(|p| p.kind == "a") {
        row!(push; p.number, "n", 0, 0, 0, 0, 0, 0, 0, 0, 0, false, false, "r", "r", 0, 0, 0, 0, 0,
            NULL, NULL);
    }
    Ok(())
}

fn operators<'a>(_: &dyn Session, _: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let listed: HashSet<u32> = BUILT.operators.iter().map(|operator| operator.number).collect();
    let there = |number: u32| if listed.contains(&number) { number } else { 0 };
    for o in &BUILT.operators {
        let known = facts::OPERATORS
            .get(&(o.function.name, o.left, o.right))
            .filter(|facts| facts.number == o.number);
        let kind = if o.left == 0 { "l" } else { "b" };
        row!(push; o.number, o.function.name, PG_CATALOG, ROLE, kind,
            known.is_some_and(|facts| facts.merges), known.is_some_and(|facts| facts.hashes),
            o.left, o.right, declared(o.function.result, o.function.generic),
            known.map_or(0, |facts| there(facts.commutator)),
            known.map_or(0, |facts| there(facts.negator)), o.code, 0, 0);
    }
    Ok(())
}

/// pg_language.oid of functions that are part of the program.
const INTERNAL: u32 = 12;

fn languages<'a>(_: &dyn Session, _: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    row!(push; INTERNAL, "internal", ROLE, false, false, 0, 0, 0, NULL);
    Ok(())
}

/// Ordered tables and ordered indexes; how they are stored is not PostgreSQL's way, so they have no
/// handler.
fn access_methods<'a>(_: &dyn Session, _: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    row!(push; 2, "heap", 0, "t");
    row!(push; BTREE, "btree", 0, "i");
    Ok(())
}

const BTREE: u32 = 403;

fn operator_classes<'a>(_: &dyn Session, _: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    for c in facts::CLASSES.iter() {
        row!(push; c.number, BTREE, c.name, PG_CATALOG, ROLE, c.family, c.ty, c.default, 0);
    }
    Ok(())
}

fn operator_families<'a>(_: &dyn Session, _: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    for (number, name) in facts::FAMILIES.iter() {
        row!(push; *number, BTREE, *name, PG_CATALOG, ROLE);
    }
    Ok(())
}

fn strategies<'a>(_: &dyn Session, _: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let listed: HashSet<u32> = BUILT.operators.iter().map(|operator| operator.number).collect();
    for [number, family, left, right, strategy, operator] in facts::STRATEGIES.iter() {
        if listed.contains(operator) {
            row!(push; *number, *family, *left, *right, *strategy, "s", *operator, BTREE, 0);
        }
    }
    Ok(())
}
