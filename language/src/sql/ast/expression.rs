//! Expressions.

use super::{Ident, ObjectName, Ordinal, Position, Query, TypeName};

/// An expression with the place an error about it points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Operator for operators, first token for everything else.
    pub position: Position,
}

/// A constant of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal {
    /// The value, its sign applied.
    pub value: LiteralValue,
    /// Its number among the statement's literals; `None` for a constant that no literal token
    /// spells, such as the field of `EXTRACT(year FROM …)`.
    pub ordinal: Option<Ordinal>,
    /// A minus sign stood before it and is part of `value`. A plan that lifts the literal must
    /// negate what the token says.
    pub negated: bool,
}

/// The value of a literal. Its variant decides the type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LiteralValue {
    /// int4.
    Int4(i32),
    /// int8.
    Int8(i64),
    /// numeric, as written (digits, at most one point, exponent), with a leading `-` if negated.
    Numeric(String),
    /// unknown, until its place decides.
    Text(String),
    /// bit; the digits are not checked.
    Bit(BitDigits, String),
}

/// How the digits of a bit string count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BitDigits {
    /// One bit a digit.
    Binary,
    /// Four bits a digit.
    Hexadecimal,
}

/// An operator: `+`, `->>`, `OPERATOR(s.##)`. `!=` is already `<>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// Qualifiers, if it was written with OPERATOR().
    pub schema: Vec<Ident>,
    /// Its characters.
    pub name: String,
    /// Written as `OPERATOR(…)`, which has one precedence whatever the name.
    pub qualified: bool,
}

/// What an expression can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExprKind {
    /// NULL.
    Null,
    /// TRUE and FALSE.
    Boolean(bool),
    /// A constant.
    Literal(Literal),
    /// `DATE '…'`, `INTERVAL '1' DAY`, `s.t '…'`.
    TypedLiteral {
        /// The type.
        data_type: Box<TypeName>,
        /// The constant, always text.
        literal: Literal,
    },
    /// `a`, `t.a`, `s.t.a`, `t.*`.
    Column(ColumnRef),
    /// `$1`; numbers begin with 1.
    Parameter(u32),
    /// DEFAULT, which the grammar allows anywhere.
    Default,
    /// CURRENT OF a cursor, the whole condition of an UPDATE or DELETE.
    CurrentOf(Ident),
    /// An operator before its operand.
    Unary {
        /// The operator.
        operator: Box<Operator>,
        /// Its operand.
        operand: Box<Expr>,
    },
    /// An operator between two operands.
    Binary {
        /// The operator.
        operator: Box<Operator>,
        /// Before it.
        left: Box<Expr>,
        /// After it.
        right: Box<Expr>,
    },
    /// AND of two or more.
    And(Vec<Expr>),
    /// OR of two or more.
    Or(Vec<Expr>),
    /// NOT.
    Not(Box<Expr>),
    /// `IS [NOT] NULL`, `IS TRUE`, ….
    Is {
        /// What is tested.
        operand: Box<Expr>,
        /// The test.
        test: IsTest,
        /// With NOT.
        negated: bool,
    },
    /// `IS [NOT] DISTINCT FROM`.
    IsDistinct {
        /// Before it.
        left: Box<Expr>,
        /// After it.
        right: Box<Expr>,
        /// With NOT.
        negated: bool,
    },
    /// `[NOT] BETWEEN [SYMMETRIC] low AND high`.
    Between(Box<Between>),
    /// `[NOT] IN (a, b)`.
    InList {
        /// What is looked for.
        operand: Box<Expr>,
        /// Where; never empty.
        list: Vec<Expr>,
        /// With NOT.
        negated: bool,
    },
    /// `[NOT] IN (SELECT …)`.
    InQuery {
        /// What is looked for.
        operand: Box<Expr>,
        /// Where.
        query: Box<Query>,
        /// With NOT.
        negated: bool,
    },
    /// LIKE, ILIKE and SIMILAR TO.
    Like(Box<Like>),
    /// `a op ANY (…)`.
    Quantified(Box<Quantified>),
    /// `EXISTS (SELECT …)`.
    Exists(Box<Query>),
    /// `(SELECT …)` as a value.
    Subquery(Box<Query>),
    /// `ARRAY(SELECT …)`.
    ArrayQuery(Box<Query>),
    /// `ARRAY[…]`; inner brackets are elements of this kind too.
    Array(Vec<Expr>),
    /// `ROW(…)` or `(a, b)`.
    Row {
        /// Its fields.
        items: Vec<Expr>,
        /// With the word ROW.
        explicit: bool,
    },
    /// `(a, b) OVERLAPS (c, d)`.
    Overlaps {
        /// Before it.
        left: Vec<Expr>,
        /// After it.
        right: Vec<Expr>,
    },
    /// CASE.
    Case(Box<Case>),
    /// `CAST(a AS t)` or `a::t`.
    Cast {
        /// What is converted.
        operand: Box<Expr>,
        /// To what.
        data_type: Box<TypeName>,
    },
    /// `a COLLATE c`.
    Collate {
        /// The operand.
        operand: Box<Expr>,
        /// The collation.
        collation: ObjectName,
    },
    /// `a AT TIME ZONE z`.
    AtTimeZone {
        /// The operand.
        operand: Box<Expr>,
        /// The zone.
        zone: Box<Expr>,
    },
    /// A call of a function, with everything a call may carry.
    Function(Box<FunctionCall>),
    /// CURRENT_DATE and its kin.
    SqlValue {
        /// Which.
        function: SqlValueFunction,
        /// `CURRENT_TIME(3)`.
        precision: Option<i32>,
    },
    /// COALESCE.
    Coalesce(Vec<Expr>),
    /// GREATEST.
    Greatest(Vec<Expr>),
    /// LEAST.
    Least(Vec<Expr>),
    /// NULLIF.
    NullIf(Box<[Expr; 2]>),
    /// `GROUPING(a, b)`.
    Grouping(Vec<Expr>),
    /// `a[1]`, `a[1:2]`.
    Subscript {
        /// The array.
        operand: Box<Expr>,
        /// One for each pair of brackets.
        subscripts: Vec<Subscript>,
    },
    /// `(r).f`.
    Field {
        /// The row.
        operand: Box<Expr>,
        /// The field.
        field: Ident,
    },
    /// `(r).*`.
    AllFields(Box<Expr>),
    /// A construct known by name and not modelled, such as `XMLELEMENT`.
    Unsupported(String),
}

/// A column, or all columns, of something in FROM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnRef {
    /// Qualifiers first. Empty only for a bare `*`.
    pub parts: Vec<Ident>,
    /// Ends in `*`.
    pub star: bool,
}

/// What IS tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum IsTest {
    Null,
    True,
    False,
    Unknown,
    Document,
    /// `IS [form] NORMALIZED`.
    Normalized(Option<NormalForm>),
}

/// A Unicode normalisation form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum NormalForm {
    Nfc,
    Nfd,
    Nfkc,
    Nfkd,
}

/// BETWEEN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Between {
    /// What is tested.
    pub operand: Expr,
    /// The first bound.
    pub low: Expr,
    /// The second bound.
    pub high: Expr,
    /// The bounds may be in either order.
    pub symmetric: bool,
    /// With NOT.
    pub negated: bool,
}

/// A pattern match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Like {
    /// Which kind.
    pub kind: LikeKind,
    /// What is matched.
    pub operand: Expr,
    /// The pattern.
    pub pattern: Expr,
    /// After ESCAPE.
    pub escape: Option<Expr>,
    /// With NOT.
    pub negated: bool,
}

/// The kinds of pattern match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum LikeKind {
    Like,
    ILike,
    SimilarTo,
}

/// `a op ANY (…)` or `a op ALL (…)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantified {
    /// Before the operator.
    pub operand: Expr,
    /// The operator; LIKE is `~~`, NOT LIKE `!~~`, ILIKE `~~*`, NOT ILIKE `!~~*`.
    pub operator: Operator,
    /// ALL; otherwise ANY or SOME.
    pub all: bool,
    /// What is compared with.
    pub right: QuantifiedRight,
}

/// The right side of ANY and ALL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuantifiedRight {
    /// The rows of a query.
    Query(Box<Query>),
    /// The elements of an array.
    Array(Expr),
}

/// CASE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// `CASE operand WHEN …`.
    pub operand: Option<Expr>,
    /// Never empty.
    pub whens: Vec<When>,
    /// After ELSE.
    pub otherwise: Option<Expr>,
}

/// One WHEN of CASE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    /// After WHEN.
    pub condition: Expr,
    /// After THEN.
    pub result: Expr,
}

/// A call of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionCall {
    /// The function. Special syntax names `pg_catalog` functions.
    pub name: ObjectName,
    /// The arguments.
    pub arguments: Vec<Argument>,
    /// How it was written.
    pub syntax: CallSyntax,
    /// `count(*)`.
    pub star: bool,
    /// `f(DISTINCT a)`.
    pub distinct: bool,
    /// The last argument is VARIADIC.
    pub variadic: bool,
    /// ORDER BY inside the parentheses, or inside WITHIN GROUP.
    pub order_by: Vec<SortBy>,
    /// `order_by` belongs to WITHIN GROUP.
    pub within_group: bool,
    /// FILTER (WHERE …).
    pub filter: Option<Expr>,
    /// OVER.
    pub over: Option<Over>,
    /// Where the name begins.
    pub position: Position,
}

/// How a call was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallSyntax {
    /// `f(a, b)`.
    Ordinary,
    /// `EXTRACT(field FROM a)`: arguments field (text), a.
    Extract,
    /// `OVERLAY(a PLACING b FROM c [FOR d])`: arguments in this order.
    Overlay,
    /// `POSITION(a IN b)`: arguments **b, a**.
    Position,
    /// `SUBSTRING(a FROM b FOR c)`: arguments a, b, c.
    Substring,
    /// `SUBSTRING(a SIMILAR b ESCAPE c)`: arguments a, b, c.
    SubstringSimilar,
    /// `TRIM([BOTH|LEADING|TRAILING] [b] FROM a)`: arguments a, b.
    Trim,
    /// `NORMALIZE(a, form)`: arguments a, form (text).
    Normalize,
    /// `COLLATION FOR (a)`.
    CollationFor,
    /// `TREAT(a AS t)`.
    Treat,
}

/// An argument of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// `name => value`.
    pub name: Option<Ident>,
    /// The value.
    pub value: Expr,
}

/// The functions that are called without parentheses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum SqlValueFunction {
    CurrentDate,
    CurrentTime,
    CurrentTimestamp,
    LocalTime,
    LocalTimestamp,
    CurrentRole,
    CurrentUser,
    User,
    SessionUser,
    CurrentCatalog,
    CurrentSchema,
}

/// What stands in brackets after an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subscript {
    /// `[a]`.
    Index(Expr),
    /// `[a:b]`, either bound left out.
    Slice(Option<Expr>, Option<Expr>),
}

/// One element of ORDER BY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortBy {
    /// What is sorted by.
    pub expr: Expr,
    /// The direction.
    pub order: SortOrder,
    /// NULLS FIRST (`true`) or NULLS LAST (`false`).
    pub nulls_first: Option<bool>,
}

/// A direction of sorting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SortOrder {
    /// Nothing was said: ascending.
    Default,
    /// ASC.
    Ascending,
    /// DESC.
    Descending,
    /// USING an operator.
    Using(Operator),
}

/// What follows OVER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Over {
    /// `OVER w`.
    Named(Ident),
    /// `OVER (…)`.
    Window(Box<Window>),
}

/// A window's definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The window it extends.
    pub base: Option<Ident>,
    /// PARTITION BY.
    pub partition_by: Vec<Expr>,
    /// ORDER BY.
    pub order_by: Vec<SortBy>,
    /// ROWS, RANGE or GROUPS.
    pub frame: Option<Frame>,
    /// Where its parenthesis opens.
    pub position: Position,
}

/// A window's frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What its offsets count.
    pub units: FrameUnits,
    /// Where it starts.
    pub start: FrameBound,
    /// Where it ends; left out, at the current row.
    pub end: Option<FrameBound>,
    /// EXCLUDE.
    pub exclude: FrameExclude,
}

/// What a frame's offsets count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum FrameUnits {
    Rows,
    Range,
    Groups,
}

/// One end of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum FrameBound {
    UnboundedPreceding,
    Preceding(Box<Expr>),
    CurrentRow,
    Following(Box<Expr>),
    UnboundedFollowing,
}

/// What a frame leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum FrameExclude {
    NoOthers,
    CurrentRow,
    Group,
    Ties,
}

impl Expr {
    /// An integer that no token spells.
    pub fn integer(value: i32, position: Position) -> Expr {
        Expr::constant(LiteralValue::Int4(value), position)
    }

    /// A text that no token spells.
    pub fn text(value: String, position: Position) -> Expr {
        Expr::constant(LiteralValue::Text(value), position)
    }

    fn constant(value: LiteralValue, position: Position) -> Expr {
        let literal = Literal { value, ordinal: None, negated: false };
        Expr { kind: ExprKind::Literal(literal), position }
    }
}

impl FunctionCall {
    /// A call with arguments and nothing else.
    pub fn new(name: ObjectName, arguments: Vec<Argument>, syntax: CallSyntax) -> FunctionCall {
        let position = name.position;
        FunctionCall {
            name,
            arguments,
            syntax,
            star: false,
            distinct: false,
            variadic: false,
            order_by: Vec::new(),
            within_group: false,
            filter: None,
            over: None,
            position,
        }
    }
}
