//! EXPLAIN: the plan as text in PostgreSQL's manner.
//!
//! ```text
//!   Hash Join  (cost=1.02..2.31 rows=3 width=8)
//!     Hash Cond: (a.id = b.a_id)
//!     ->  Seq Scan on a  (cost=0.00..1.10 rows=10 width=4)
//!     ->  Hash  (cost=…)
//!           ->  Seq Scan on b  (cost=…)
//! ```
//!
//! Projections are not shown and filters stand under the node that they filter, as PostgreSQL has
//! it: people and tools read plans by that shape. Costs are in PostgreSQL's units (a page read in
//! order is 1) from the optimizer's row estimates; they say which part is dear, not how long it
//! takes.
//!
//! With ANALYZE each operator was wrapped in one that counts ([`Counts`]).

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::build::build_with;
use super::run::{BoxOperator, Operator, Run, Step};
use crate::expression::{Expression, Node as Expr, Session};
use crate::plan::optimize::{Statistics, conjuncts, element_name};
use crate::plan::{
    Access, Apply, ApplyKind, Conflict, Join, JoinKind, JoinMethod, Node, NodeKind, Operation,
    RangeBounds, Scan, ScanColumn, SetOperation, SortKey, Statement,
};
use crate::{Result, Type};

/// What the operators of an execution did, by the address of their node.
#[derive(Default)]
pub struct Counts(HashMap<usize, Arc<Count>>);

/// What one operator did.
#[derive(Default)]
struct Count {
    rows: AtomicU64,
    loops: AtomicU64,
    nanos: AtomicU64,
}

struct Counted {
    inner: BoxOperator,
    count: Arc<Count>,
    started: bool,
}

impl Operator for Counted {
    fn next(&mut self, run: &mut Run) -> Result<Step> {
        if !std::mem::replace(&mut self.started, true) {
            self.count.loops.fetch_add(1, Ordering::Relaxed);
        }
        let begin = Instant::now();
        let step = self.inner.next(run);
        let nanos = u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.count.nanos.fetch_add(nanos, Ordering::Relaxed);
        if let Ok(Step::Rows(batch)) = &step {
            self.count.rows.fetch_add(batch.len() as u64, Ordering::Relaxed);
        }
        step
    }

    fn rewind(&mut self, run: &mut Run) {
        self.started = false;
        self.inner.rewind(run);
    }
}

/// The operators of a statement, each counting what it does.
///
/// # Errors
/// Defects of the plan.
pub fn build_counted(statement: &Arc<Statement>) -> Result<(BoxOperator, Arc<Counts>)> {
    let counts = std::cell::RefCell::new(Counts::default());
    let wrap = |node: &Node, inner: BoxOperator| -> BoxOperator {
        let count = Arc::new(Count::default());
        counts.borrow_mut().0.insert(address(node), count.clone());
        Box::new(Counted { inner, count, started: false })
    };
    let root = build_with(statement, Some(&wrap))?;
    Ok((root, Arc::new(counts.into_inner())))
}

fn address(node: &Node) -> usize {
    std::ptr::from_ref(node).addr()
}

/// What EXPLAIN shows.
pub struct Options<'o> {
    /// COSTS.
    pub costs: bool,
    /// The counts of ANALYZE, after the statement ran.
    pub counts: Option<&'o Counts>,
    /// TIMING, with ANALYZE.
    pub timing: bool,
}

/// The lines of EXPLAIN.
pub fn explain(
    statement: &Statement,
    statistics: &Statistics,
    session: &dyn Session,
    options: &Options<'_>,
) -> Vec<String> {
    let mut printer = Printer {
        session,
        statistics,
        options,
        lines: Vec::new(),
        subplans: 0,
        tables: 0,
        base: super::build::applied_base(statement),
        applied: HashMap::new(),
    };
    match &statement.operation {
        Operation::Query(node) => {
            printer.tables = tables(node);
            printer.node(node, 0, &[]);
        }
        Operation::Insert(insert) => {
            let lines = match &insert.conflict {
                Conflict::Error => Vec::new(),
                Conflict::Nothing(_) => vec!["Conflict Resolution: NOTHING".to_owned()],
                Conflict::Update { .. } => vec!["Conflict Resolution: UPDATE".to_owned()],
            };
            printer.change("Insert", &insert.target.name, &insert.source, lines);
        }
        Operation::Update(update) => {
            printer.change("Update", &update.target.name, &update.source, Vec::new());
        }
        Operation::Delete(delete) => {
            printer.change("Delete", &delete.target.name, &delete.source, Vec::new());
        }
    }
    printer.lines
}

/// How many relations a plan reads; with several, columns are shown with their table.
fn tables(node: &Node) -> usize {
    let own = usize::from(matches!(
        node.kind,
        NodeKind::Scan(_) | NodeKind::System(_) | NodeKind::Function { .. }
    ));
    own + node.children().into_iter().map(tables).sum::<usize>()
}

struct Printer<'p> {
    session: &'p dyn Session,
    statistics: &'p Statistics,
    options: &'p Options<'p>,
    lines: Vec<String>,
    subplans: usize,
    tables: usize,
    /// The number of the parameter that the first applied slot is.
    base: u32,
    /// What the applied slots are called: outer columns.
    applied: HashMap<u32, String>,
}

/// Start-up and total cost.
#[derive(Debug, Clone, Copy)]
struct Cost(f64, f64);

/// Applied parameters are printed as columns from here on.
const APPLIED: u32 = 1 << 30;
const CPU_TUPLE: f64 = 0.01;
const CPU_OPERATOR: f64 = 0.0025;
const RANDOM_PAGE: f64 = 4.0;
const ROWS_OF_PAGE: f64 = 100.0;

impl Printer<'_> {
    fn change(&mut self, verb: &str, table: &str, source: &Node, extra: Vec<String>) {
        self.tables = tables(source);
        let cost = self.cost(source);
        self.line(0, &format!("{verb} on {table}"), cost, source.rows, 0, None);
        extra.into_iter().for_each(|line| self.property(1, &line));
        self.node(source, 1, &[]);
    }

    /// The line of a node; `indent` in PostgreSQL's unit of two blanks.
    fn line(
        &mut self,
        indent: usize,
        name: &str,
        cost: Cost,
        rows: f64,
        width: usize,
        node: Option<&Node>,
    ) {
        let mut line = match indent {
            0 => name.to_owned(),
            _ => format!("{}->  {name}", "  ".repeat(indent)),
        };
        if self.options.costs {
            let Cost(startup, total) = cost;
            let rows = rows.max(1.0).round();
            let _ = write!(line, "  (cost={startup:.2}..{total:.2} rows={rows:.0} width={width})");
        }
        if let (Some(counts), Some(node)) = (self.options.counts, node) {
            line.push_str(&actual(counts.0.get(&address(node)).map(|c| &**c), self.options.timing));
        }
        self.lines.push(line);
    }

    fn property(&mut self, indent: usize, text: &str) {
        self.lines.push(format!("{}{text}", "  ".repeat(indent)));
    }

    /// Prints a node and those below it; `filters` are predicates over its output that stand above
    /// it.
    fn node(&mut self, node: &Node, indent: usize, filters: &[&Expression]) {
        if let NodeKind::Apply(apply) = &node.kind {
            let names = self.names(&apply.input);
            for (slot, value) in &apply.parameters {
                let text = self.print(value, &names);
                self.applied.insert(self.base + slot, text);
            }
        }
        match &node.kind {
            NodeKind::Filter { input, predicate } => {
                let all: Vec<&Expression> = filters.iter().copied().chain([predicate]).collect();
                return self.node(input, indent, &all);
            }
            NodeKind::Project { input, .. } if filters.is_empty() => {
                return self.node(input, indent, &[]);
            }
            NodeKind::Apply(apply) if !is_join(&apply.kind) => {
                return self.subplan(apply, indent, filters);
            }
            _ => {}
        }
        let (name, below) = self.head(node);
        let cost = self.cost(node);
        self.line(indent, &name, cost, node.rows, width_of(&node.types), Some(node));
        let inside = if indent == 0 { 1 } else { indent + 3 };
        for line in below {
            self.property(inside, &line);
        }
        if !filters.is_empty() {
            let names = self.names(node);
            let text = self.all(filters.iter().copied(), &names);
            self.property(inside, &format!("Filter: {text}"));
        }
        self.children(node, inside);
    }

    fn children(&mut self, node: &Node, indent: usize) {
        match &node.kind {
            NodeKind::Join(join) => {
                self.node(&join.left, indent, &[]);
                if matches!(join.method, JoinMethod::Hash { .. }) {
                    let cost = self.cost(&join.right);
                    let width = width_of(&join.right.types);
                    self.line(indent, "Hash", Cost(cost.1, cost.1), join.right.rows, width, None);
                    self.node(&join.right, indent + 3, &[]);
                } else {
                    self.node(&join.right, indent, &[]);
                }
            }
            _ => node.children().into_iter().for_each(|child| self.node(child, indent, &[])),
        }
    }

    /// An Apply that adds a column: the outer node with the inner plan beneath.
    fn subplan(&mut self, apply: &Apply, indent: usize, filters: &[&Expression]) {
        let first = self.lines.len();
        self.node(&apply.input, indent, &[]);
        let inside = if indent == 0 { 1 } else { indent + 3 };
        if !filters.is_empty() {
            let mut names = self.names(&apply.input);
            let shown = match apply.parameters.is_empty() {
                true => "(hashed SubPlan",
                false => "(SubPlan",
            };
            names.push(format!("{shown} {})", self.subplans + 1));
            let text = self.all(filters.iter().copied(), &names);
            let line = format!("{}Filter: {text}", "  ".repeat(inside));
            self.lines.insert(first + 1, line);
        }
        self.subplans += 1;
        let label = match (apply.parameters.is_empty(), &apply.kind) {
            (true, ApplyKind::Scalar | ApplyKind::Exists | ApplyKind::Array) => "InitPlan",
            _ => "SubPlan",
        };
        self.property(inside, &format!("{label} {}", self.subplans));
        self.node(&apply.inner, inside + 1, &[]);
    }

    /// The name of a node and the lines beneath it.
    fn head(&self, node: &Node) -> (String, Vec<String>) {
        let mut lines = Vec::new();
        let name = match &node.kind {
            NodeKind::Empty => {
                lines.push("One-Time Filter: false".to_owned());
                "Result".to_owned()
            }
            NodeKind::Values(rows) if rows.len() > 1 => "Values Scan on \"*VALUES*\"".to_owned(),
            NodeKind::Single | NodeKind::Values(_) | NodeKind::Project { .. } => {
                "Result".to_owned()
            }
            NodeKind::Scan(scan) => self.scan(scan, &self.names(node), &mut lines),
            NodeKind::System(table) => format!("Seq Scan on {}", table.name),
            NodeKind::Function { calls, .. } => {
                let name = calls.first().map_or("function", |(function, _)| function.name);
                format!("Function Scan on {name}")
            }
            NodeKind::ProjectSet { .. } => "ProjectSet".to_owned(),
            NodeKind::Join(join) => self.join(join, &mut lines),
            NodeKind::Apply(apply) => {
                let condition = match &apply.kind {
                    ApplyKind::Cross(condition) | ApplyKind::Left(condition) => condition.as_ref(),
                    _ => None,
                };
                if let Some(condition) = condition {
                    let text = self.print(condition, &self.names(node));
                    lines.push(format!("Join Filter: {text}"));
                }
                match apply.kind {
                    ApplyKind::Left(_) => "Nested Loop Left Join".to_owned(),
                    _ => "Nested Loop".to_owned(),
                }
            }
            NodeKind::Aggregate { groups, input, .. } => {
                if groups.is_empty() {
                    "Aggregate".to_owned()
                } else {
                    let names = self.names(input);
                    let keys: Vec<String> =
                        groups.iter().map(|key| self.print(key, &names)).collect();
                    lines.push(format!("Group Key: {}", keys.join(", ")));
                    "HashAggregate".to_owned()
                }
            }
            NodeKind::Distinct { on: Some(_), .. } => "Unique".to_owned(),
            NodeKind::Distinct { on: None, .. } => {
                lines.push(format!("Group Key: {}", self.names(node).join(", ")));
                "HashAggregate".to_owned()
            }
            NodeKind::Sort { keys, input, .. } => {
                let names = self.names(input);
                let keys: Vec<String> = keys.iter().map(|key| self.sort_key(key, &names)).collect();
                lines.push(format!("Sort Key: {}", keys.join(", ")));
                "Sort".to_owned()
            }
            NodeKind::Limit { .. } => "Limit".to_owned(),
            NodeKind::SetOperation { operation, all, .. } => {
                let all_word = if *all { " All" } else { "" };
                match (operation, all) {
                    (SetOperation::Union, true) => "Append".to_owned(),
                    (SetOperation::Union, false) => "HashSetOp Union".to_owned(),
                    (SetOperation::Intersect, _) => format!("HashSetOp Intersect{all_word}"),
                    (SetOperation::Except, _) => format!("HashSetOp Except{all_word}"),
                }
            }
            NodeKind::LockRows { .. } => "LockRows".to_owned(),
            NodeKind::Filter { .. } => "Filter".to_owned(),
        };
        (name, lines)
    }

    fn scan(&self, scan: &Scan, names: &[String], lines: &mut Vec<String>) -> String {
        let table = &scan.collection.name;
        let mut shown = Vec::new();
        let head = match &scan.access {
            Access::Full if scan.backward => format!("Seq Scan Backward on {table}"),
            Access::Full => format!("Seq Scan on {table}"),
            Access::Index { index, ranges, covered } => {
                let name = match index {
                    None => &scan.collection.primary_key.name,
                    Some(id) => scan.collection.index_by_id(*id).map_or(table, |index| &index.name),
                };
                shown = self.index_conditions(scan, *index, ranges);
                if !shown.is_empty() {
                    lines.push(format!("Index Cond: {}", joined(&shown)));
                }
                let only = if *covered { " Only" } else { "" };
                let backward = if scan.backward { " Backward" } else { "" };
                format!("Index{only} Scan{backward} using {name} on {table}")
            }
        };
        if let Some(filter) = &scan.filter {
            let all = conjuncts(filter);
            let rest: Vec<&Expression> = all
                .into_iter()
                .filter(|part| !self.is_shown(part, &shown, &self.plain_names(scan)))
                .collect();
            if !rest.is_empty() {
                let text = self.all(rest.into_iter(), names);
                lines.push(format!("Filter: {text}"));
            }
        }
        head
    }

    /// Whether the index condition says what a conjunct says; string columns are compared through a
    /// cast.
    fn is_shown(&self, part: &Expression, shown: &[String], names: &[String]) -> bool {
        let bare = part.clone().map(&mut |part| match part.node {
            Expr::Call { function, mut arguments } if function.id == "sql.relabel" => {
                match (arguments.len(), arguments.pop()) {
                    (1, Some(inner)) => inner,
                    _ => Expression::null(part.ty),
                }
            }
            node => Expression { node, ..part },
        });
        [part, &bare].into_iter().any(|part| {
            shown.contains(&self.print(part, names))
                || self.print_turned(part, names).is_some_and(|text| shown.contains(&text))
        })
    }

    fn plain_names(&self, scan: &Scan) -> Vec<String> {
        scan.columns.iter().map(|column| column_name(scan, column)).collect()
    }

    fn index_conditions(
        &self,
        scan: &Scan,
        index: Option<model::IndexId>,
        ranges: &[RangeBounds],
    ) -> Vec<String> {
        let element = |at: usize| element_name(&scan.collection, index, at);
        let print = |e: &Expression| self.print(e, &[]);
        if ranges.len() > 1 {
            let rows: Vec<String> = ranges
                .iter()
                .map(|range| range.equal.iter().map(print).collect::<Vec<_>>().join(", "))
                .collect();
            let width = ranges.first().map_or(1, |range| range.equal.len());
            let left: Vec<String> = (0..width).map(element).collect();
            return match width {
                1 => vec![format!("({} IN ({}))", left.join(", "), rows.join(", "))],
                _ => vec![format!("(({}) IN (({})))", left.join(", "), rows.join("), ("))],
            };
        }
        let Some(range) = ranges.first() else { return Vec::new() };
        let mut all = Vec::new();
        for (at, value) in range.equal.iter().enumerate() {
            all.push(match value.as_constant().is_some_and(|c| c.is_null()) {
                true => format!("({} IS NULL)", element(at)),
                false => format!("({} = {})", element(at), print(value)),
            });
        }
        let next = element(range.equal.len());
        if let Some(any) = &range.any {
            all.push(format!("({next} = ANY ({}))", print(any)));
        }
        if let Some((lower, included)) = &range.lower {
            all.push(format!("({next} {} {})", if *included { ">=" } else { ">" }, print(lower)));
        }
        if let Some((upper, included)) = &range.upper {
            all.push(format!("({next} {} {})", if *included { "<=" } else { "<" }, print(upper)));
        }
        all
    }

    fn join(&self, join: &Join, lines: &mut Vec<String>) -> String {
        let mut names = self.names(&join.left);
        names.extend(self.names(&join.right));
        let kind = match join.kind {
            JoinKind::Inner => "",
            JoinKind::Left => " Left",
            JoinKind::Semi => " Semi",
            JoinKind::Anti => " Anti",
        };
        let mut rest: Vec<&Expression> = join.condition.iter().flat_map(conjuncts).collect();
        let head = match &join.method {
            JoinMethod::Hash { keys } => {
                let width = join.left.width() as u32;
                let shown: Vec<String> = keys
                    .iter()
                    .map(|(left, right, equal)| {
                        let right = right.clone().map_columns(&mut |at| at + width);
                        let (left, right) = (self.print(left, &names), self.print(&right, &names));
                        format!("({left} {} {right})", equal.name)
                    })
                    .collect();
                rest.retain(|part| !shown.contains(&self.print(part, &names)));
                lines.push(format!("Hash Cond: {}", joined(&shown)));
                format!("Hash{kind} Join")
            }
            JoinMethod::Loop if kind.is_empty() => "Nested Loop".to_owned(),
            JoinMethod::Loop => format!("Nested Loop{kind} Join"),
        };
        if !rest.is_empty() {
            let text = self.all(rest.into_iter(), &names);
            lines.push(format!("Join Filter: {text}"));
        }
        head
    }

    fn sort_key(&self, key: &SortKey, names: &[String]) -> String {
        let mut text = self.print(&key.expression, names);
        if key.descending {
            text.push_str(" DESC");
        }
        if key.nulls_first != key.descending {
            text.push_str(if key.nulls_first { " NULLS FIRST" } else { " NULLS LAST" });
        }
        text
    }

    fn print(&self, expression: &Expression, names: &[String]) -> String {
        let name = |at: u32| {
            names.get(at as usize).cloned().unwrap_or_else(|| format!("column{}", at + 1))
        };
        let named = expression.clone().map(&mut |part| match part.node {
            Expr::Parameter(at) if self.applied.contains_key(&at) => {
                Expression { node: Expr::Column(APPLIED + at), ..part }
            }
            _ => part,
        });
        let name = |at: u32| match at.checked_sub(APPLIED).and_then(|at| self.applied.get(&at)) {
            Some(outer) => outer.clone(),
            None => name(at),
        };
        named.print(self.session, &name)
    }

    /// A comparison with its sides exchanged.
    fn print_turned(&self, part: &Expression, names: &[String]) -> Option<String> {
        let Expr::Call { function, arguments } = &part.node else { return None };
        let [left, right] = arguments.as_slice() else { return None };
        let name = match function.name {
            "=" => "=",
            "<" => ">",
            "<=" => ">=",
            ">" => "<",
            ">=" => "<=",
            _ => return None,
        };
        Some(format!("({} {name} {})", self.print(right, names), self.print(left, names)))
    }

    fn all<'e>(
        &self,
        expressions: impl Iterator<Item = &'e Expression>,
        names: &[String],
    ) -> String {
        let parts: Vec<String> =
            expressions.flat_map(conjuncts).map(|part| self.print(part, names)).collect();
        joined(&parts)
    }

    /// What the columns of a node are called.
    fn names(&self, node: &Node) -> Vec<String> {
        match &node.kind {
            NodeKind::Scan(scan) => {
                let name = |column: &ScanColumn| match self.tables > 1 {
                    true => format!("{}.{}", scan.collection.name, column_name(scan, column)),
                    false => column_name(scan, column),
                };
                scan.columns.iter().map(name).collect()
            }
            NodeKind::System(table) => {
                let name = |(name, _): &(&str, Type)| match self.tables > 1 {
                    true => format!("{}.{name}", table.name),
                    false => (*name).to_owned(),
                };
                table.columns.iter().map(name).collect()
            }
            NodeKind::Function { calls, .. } => {
                let mut names: Vec<String> =
                    calls.iter().map(|(function, _)| function.name.to_owned()).collect();
                names.resize(node.width(), "ordinality".to_owned());
                names
            }
            NodeKind::Project { input, expressions } => {
                let below = self.names(input);
                expressions.iter().map(|e| self.print(e, &below)).collect()
            }
            NodeKind::Aggregate { input, groups, aggregates } => {
                let below = self.names(input);
                let keys = groups.iter().map(|key| self.print(key, &below));
                let calls = aggregates.iter().map(|call| {
                    let list: Vec<String> =
                        call.arguments.iter().map(|e| self.print(e, &below)).collect();
                    let list = if list.is_empty() { "*".to_owned() } else { list.join(", ") };
                    let distinct = if call.distinct { "DISTINCT " } else { "" };
                    format!("{}({distinct}{list})", call.function.name)
                });
                keys.chain(calls).collect()
            }
            NodeKind::Join(join) => match join.kind {
                JoinKind::Semi | JoinKind::Anti => self.names(&join.left),
                _ => [self.names(&join.left), self.names(&join.right)].concat(),
            },
            NodeKind::Apply(apply) if is_join(&apply.kind) => {
                [self.names(&apply.input), self.names(&apply.inner)].concat()
            }
            NodeKind::Apply(apply) => {
                let mut names = self.names(&apply.input);
                names.push("(SubPlan)".to_owned());
                names
            }
            NodeKind::SetOperation { inputs, .. } => self.names(&inputs.0),
            NodeKind::ProjectSet { input, calls } => {
                let mut names = self.names(input);
                names.extend(calls.iter().map(|(function, _)| function.name.to_owned()));
                names
            }
            NodeKind::Filter { input, .. }
            | NodeKind::Sort { input, .. }
            | NodeKind::Limit { input, .. }
            | NodeKind::Distinct { input, .. }
            | NodeKind::LockRows { input, .. } => self.names(input),
            NodeKind::Single | NodeKind::Empty | NodeKind::Values(_) => {
                (1..=node.width()).map(|at| format!("column{at}")).collect()
            }
        }
    }

    fn cost(&self, node: &Node) -> Cost {
        let children: Vec<Cost> =
            node.children().into_iter().map(|child| self.cost(child)).collect();
        let below: f64 = children.iter().map(|cost| cost.1).sum();
        let first = children.first().map_or(0.0, |cost| cost.0);
        let rows = node.rows.max(1.0);
        match &node.kind {
            NodeKind::Scan(scan) => self.scan_cost(scan, rows),
            NodeKind::System(_) => Cost(0.0, 1.0 + rows * CPU_TUPLE),
            NodeKind::Single | NodeKind::Empty => Cost(0.0, CPU_TUPLE),
            NodeKind::Values(_) | NodeKind::Function { .. } => Cost(0.0, rows * CPU_TUPLE),
            NodeKind::Filter { input, .. } => Cost(first, below + input.rows * CPU_OPERATOR),
            NodeKind::Join(join) => self.join_cost(join, rows),
            NodeKind::Apply(apply) => {
                let (outer, inner) = (self.cost(&apply.input), self.cost(&apply.inner));
                let rounds =
                    if apply.parameters.is_empty() { 1.0 } else { apply.input.rows.max(1.0) };
                Cost(outer.0, outer.1 + rounds * inner.1 + rows * CPU_TUPLE)
            }
            NodeKind::Aggregate { input, .. } | NodeKind::Distinct { input, on: None } => {
                let total = below + input.rows * CPU_OPERATOR;
                Cost(total, total + rows * CPU_TUPLE)
            }
            NodeKind::Sort { input, .. } => {
                let n = input.rows.max(2.0);
                let start = below + 2.0 * CPU_OPERATOR * n * n.log2();
                Cost(start, start + rows * CPU_OPERATOR)
            }
            NodeKind::Limit { input, .. } => {
                let share = (rows / input.rows.max(1.0)).min(1.0);
                Cost(first, first + (below - first) * share)
            }
            _ => Cost(first, below + rows * CPU_TUPLE),
        }
    }

    fn scan_cost(&self, scan: &Scan, rows: f64) -> Cost {
        let all = self.statistics.rows(&scan.collection);
        match &scan.access {
            Access::Full => {
                let filter = if scan.filter.is_some() { CPU_OPERATOR } else { 0.0 };
                Cost(0.0, (all / ROWS_OF_PAGE).ceil() + all * (CPU_TUPLE + filter))
            }
            Access::Index { index, .. } => {
                let descent = all.max(2.0).log2() * CPU_OPERATOR + 0.15;
                let each = if index.is_some() { RANDOM_PAGE } else { 1.0 / ROWS_OF_PAGE };
                Cost(descent, descent + RANDOM_PAGE + rows * (CPU_TUPLE + each))
            }
        }
    }

    fn join_cost(&self, join: &Join, rows: f64) -> Cost {
        let (left, right) = (self.cost(&join.left), self.cost(&join.right));
        let (l, r) = (join.left.rows.max(1.0), join.right.rows.max(1.0));
        match &join.method {
            JoinMethod::Hash { .. } => {
                let start = right.1 + r * CPU_OPERATOR;
                Cost(start, start + left.1 + l * CPU_OPERATOR + rows * CPU_TUPLE)
            }
            JoinMethod::Loop => {
                Cost(left.0 + right.0, left.1 + right.1 + l * r * CPU_OPERATOR + rows * CPU_TUPLE)
            }
        }
    }
}

fn is_join(kind: &ApplyKind) -> bool {
    matches!(kind, ApplyKind::Cross(_) | ApplyKind::Left(_))
}

fn actual(count: Option<&Count>, timing: bool) -> String {
    let read = |value: &AtomicU64| value.load(Ordering::Relaxed);
    let Some((count, loops)) = count.map(|c| (c, read(&c.loops))).filter(|(_, n)| *n > 0) else {
        return " (never executed)".to_owned();
    };
    let rows = (read(&count.rows) as f64 / loops as f64).round();
    if timing {
        let millis = read(&count.nanos) as f64 / 1e6 / loops as f64;
        return format!(" (actual time=0.000..{millis:.3} rows={rows:.0} loops={loops})");
    }
    format!(" (actual rows={rows:.0} loops={loops})")
}

fn column_name(scan: &Scan, column: &ScanColumn) -> String {
    match column {
        ScanColumn::Column(id) => {
            scan.collection.column_by_id(*id).map_or_else(|| "?".into(), |c| c.name.clone())
        }
        ScanColumn::Field(name) => name.clone(),
        ScanColumn::Document => "_doc".into(),
        ScanColumn::TableOid => "tableoid".into(),
        ScanColumn::Key => "ctid".into(),
    }
}

fn joined(parts: &[String]) -> String {
    match parts {
        [only] => only.clone(),
        parts => format!("({})", parts.join(" AND ")),
    }
}

/// Bytes of a row of these types, as PostgreSQL guesses them.
fn width_of(types: &[Type]) -> usize {
    types.iter().map(|ty| usize::try_from(ty.element().scalar.length()).unwrap_or(32)).sum()
}
