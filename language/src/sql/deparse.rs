//! Expressions back to SQL, in PostgreSQL's style.
//!
//! The catalogue keeps CHECK, DEFAULT and index expressions as text; `\d` and `pg_get_expr` show
//! them.
//! PostgreSQL has two styles and so has [`deparse`]: every operator in parentheses
//! (`pg_get_expr(x, r)`,
//! the form that is stored), or only where they are needed (`pg_get_expr(x, r, true)`, what psql
//! shows). Spellings are PostgreSQL's: types by their standard names, `DATE 'x'` as `'x'::date`,
//! `CAST` as `::`.
//!
//! Invariants
//! - The text parses to the tree it came from, positions and ordinals aside, except that a typed
//!   literal comes back as the cast that it means. After DEFAULT in CREATE TABLE, where only a
//!   restricted expression may stand, it must be put in parentheses.
//! - A name is quoted exactly if it would not come back as itself.
//!
//! What PostgreSQL shows after its analysis (a literal's resolved type, `= ANY` for IN, `~~` for
//! LIKE)
//! is not known here: the binder may put such casts into the tree before it prints it.
//!
//! Rejected: keeping the source text as written, because renamed columns must change in it.

use std::fmt::Write;

use super::ast::*;
use super::keyword::{Category, Keyword};

/// How many parentheses to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parentheses {
    /// Around every operator.
    All,
    /// Where the meaning needs them.
    Needed,
}

/// The SQL of an expression; `None` if it holds a query, a window or another construct that no
/// stored
/// expression may hold.
pub fn deparse(expr: &Expr, parentheses: Parentheses) -> Option<String> {
    let mut printer = Printer { out: String::new(), all: parentheses == Parentheses::All };
    printer.expr(expr, 0)?;
    Some(printer.out)
}

/// A name as SQL: quoted if it must be.
pub fn quote_name(name: &str) -> String {
    let mut bytes = name.bytes();
    let plain = bytes.next().is_some_and(|b| b.is_ascii_lowercase() || b == b'_')
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let free = Keyword::find(name).is_none_or(|word| word.category() == Category::Unreserved);
    if plain && free { name.to_string() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// A text as an SQL string.
pub fn quote_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The SQL of a type, as `format_type` gives it.
pub fn deparse_type(data_type: &TypeName) -> Option<String> {
    let mut printer = Printer { out: String::new(), all: false };
    printer.data_type(data_type)?;
    Some(printer.out)
}

/// The powers of the parser's table; an operand is put in parentheses if its own is lower.
mod power {
    pub const OR: u8 = 1;
    pub const AND: u8 = 2;
    pub const NOT: u8 = 3;
    pub const IS: u8 = 4;
    pub const COMPARISON: u8 = 5;
    pub const MATCH: u8 = 6;
    pub const OPERATOR: u8 = 9;
    pub const SUM: u8 = 10;
    pub const PRODUCT: u8 = 11;
    pub const POWER: u8 = 12;
    pub const AT: u8 = 13;
    pub const COLLATE: u8 = 14;
    pub const SIGN: u8 = 15;
    pub const CAST: u8 = 18;
    pub const PRIMARY: u8 = 20;
}

fn operator_power(operator: &Operator) -> u8 {
    if operator.qualified {
        return power::OPERATOR;
    }
    match operator.name.as_str() {
        "<" | ">" | "=" | "<=" | ">=" | "<>" => power::COMPARISON,
        "+" | "-" => power::SUM,
        "*" | "/" | "%" => power::PRODUCT,
        "^" => power::POWER,
        _ => power::OPERATOR,
    }
}

fn negative(literal: &Literal) -> bool {
    literal.negated
        || match &literal.value {
            LiteralValue::Int4(n) => *n < 0,
            LiteralValue::Int8(n) => *n < 0,
            LiteralValue::Numeric(digits) => digits.starts_with('-'),
            _ => false,
        }
}

fn power_of(expr: &Expr) -> u8 {
    use ExprKind::*;
    match &expr.kind {
        Or(_) => power::OR,
        And(_) => power::AND,
        Not(_) => power::NOT,
        Is { .. } | IsDistinct { .. } => power::IS,
        Between(_) | InList { .. } | Like(_) => power::MATCH,
        Quantified(quantified) => operator_power(&quantified.operator),
        Binary { operator, .. } => operator_power(operator),
        Unary { operator, .. } if !operator.qualified && matches!(&*operator.name, "+" | "-") => {
            power::SIGN
        }
        Unary { .. } => power::OPERATOR,
        AtTimeZone { .. } => power::AT,
        Collate { .. } => power::COLLATE,
        Cast { .. } | TypedLiteral { .. } => power::CAST,
        Literal(literal) if negative(literal) => power::SIGN,
        // A row after which OVERLAPS came would be taken for its left side.
        _ => power::PRIMARY,
    }
}

struct Printer {
    out: String,
    all: bool,
}

impl Printer {
    fn push(&mut self, text: &str) -> Option<()> {
        self.out.push_str(text);
        Some(())
    }

    /// An operand that must have at least the power `min`.
    fn expr(&mut self, expr: &Expr, min: u8) -> Option<()> {
        let own = power_of(expr);
        let operator = own < power::CAST && !matches!(expr.kind, ExprKind::Literal(_));
        if own >= min && !(self.all && operator) {
            return self.bare(expr, own);
        }
        self.push("(")?;
        self.bare(expr, own)?;
        self.push(")")
    }

    fn list(&mut self, items: &[Expr]) -> Option<()> {
        for (index, item) in items.iter().enumerate() {
            self.push(if index > 0 { ", " } else { "" })?;
            self.expr(item, 0)?;
        }
        Some(())
    }

    fn name(&mut self, name: &ObjectName) -> Option<()> {
        for (index, part) in name.parts.iter().enumerate() {
            self.push(if index > 0 { "." } else { "" })?;
            self.push(&quote_name(&part.name))?;
        }
        Some(())
    }

    fn operator(&mut self, operator: &Operator) -> Option<()> {
        if !operator.qualified {
            return self.push(&operator.name);
        }
        self.push("OPERATOR(")?;
        for part in &operator.schema {
            self.push(&quote_name(&part.name))?;
            self.push(".")?;
        }
        self.push(&operator.name)?;
        self.push(")")
    }

    /// An expression without parentheses around it.
    fn bare(&mut self, expr: &Expr, own: u8) -> Option<()> {
        use ExprKind::*;
        match &expr.kind {
            Null => self.push("NULL"),
            Boolean(value) => self.push(if *value { "true" } else { "false" }),
            Literal(literal) => self.literal(literal),
            TypedLiteral { data_type, literal } => {
                self.literal(literal)?;
                self.push("::")?;
                self.data_type(data_type)
            }
            Column(column) => self.column(column),
            Parameter(number) => self.push(&format!("${number}")),
            Default => self.push("DEFAULT"),
            Unary { operator, operand } => {
                self.operator(operator)?;
                self.push(" ")?;
                // A number right after a sign would become one with it.
                let lone = matches!(operand.kind, Literal(_)) && own == power::SIGN;
                let above = if own == power::SIGN { power::SIGN } else { power::OPERATOR + 1 };
                self.expr(operand, if lone && &*operator.name == "-" { above + 1 } else { above })
            }
            Binary { operator, left, right } => {
                let none = u8::from(own == power::COMPARISON);
                self.expr(left, own + none)?;
                self.push(" ")?;
                self.operator(operator)?;
                self.push(" ")?;
                self.expr(right, own + 1)
            }
            And(items) => self.joined(items, " AND ", power::AND),
            Or(items) => self.joined(items, " OR ", power::OR),
            Not(operand) => {
                self.push("NOT ")?;
                self.expr(operand, power::NOT)
            }
            Cast { operand, data_type } => {
                let literal = matches!(operand.kind, Literal(_));
                self.expr(
                    operand,
                    if self.all && !literal { power::PRIMARY + 1 } else { power::CAST },
                )?;
                self.push("::")?;
                self.data_type(data_type)
            }
            Collate { operand, collation } => {
                self.expr(operand, power::COLLATE)?;
                self.push(" COLLATE ")?;
                self.name(collation)
            }
            AtTimeZone { operand, zone } => {
                self.expr(operand, power::AT)?;
                self.push(" AT TIME ZONE ")?;
                self.expr(zone, power::AT + 1)
            }
            _ => self.test(expr),
        }
    }

    /// AND and OR: only the first item may be of the same kind, and then in parentheses it would
    /// be joined with the rest.
    fn joined(&mut self, items: &[Expr], word: &str, own: u8) -> Option<()> {
        for (index, item) in items.iter().enumerate() {
            self.push(if index > 0 { word } else { "" })?;
            self.expr(item, own + 1)?;
        }
        Some(())
    }

    /// IS, BETWEEN, IN, LIKE, ANY.
    fn test(&mut self, expr: &Expr) -> Option<()> {
        use ExprKind::*;
        let not = |negated: bool| if negated { "NOT " } else { "" };
        match &expr.kind {
            Is { operand, test, negated } => {
                self.expr(operand, power::IS + 1)?;
                self.push(&format!(" IS {}{}", not(*negated), test_word(*test)))
            }
            IsDistinct { left, right, negated } => {
                self.expr(left, power::IS + 1)?;
                self.push(&format!(" IS {}DISTINCT FROM ", not(*negated)))?;
                self.expr(right, power::IS + 1)
            }
            Between(between) => {
                self.expr(&between.operand, power::MATCH + 1)?;
                let symmetric = if between.symmetric { "SYMMETRIC " } else { "" };
                self.push(&format!(" {}BETWEEN {symmetric}", not(between.negated)))?;
                // A restricted expression: only what cannot hold AT, COLLATE and the like.
                self.expr(&between.low, power::SIGN)?;
                self.push(" AND ")?;
                self.expr(&between.high, power::MATCH + 1)
            }
            InList { operand, list, negated } => {
                self.expr(operand, power::MATCH + 1)?;
                self.push(&format!(" {}IN (", not(*negated)))?;
                self.list(list)?;
                self.push(")")
            }
            Like(like) => {
                self.expr(&like.operand, power::MATCH + 1)?;
                let word = match like.kind {
                    LikeKind::Like => "LIKE",
                    LikeKind::ILike => "ILIKE",
                    LikeKind::SimilarTo => "SIMILAR TO",
                };
                self.push(&format!(" {}{word} ", not(like.negated)))?;
                self.expr(&like.pattern, power::MATCH + 1)?;
                match &like.escape {
                    Some(escape) => {
                        self.push(" ESCAPE ")?;
                        self.expr(escape, power::MATCH + 1)
                    }
                    None => Some(()),
                }
            }
            Quantified(quantified) => {
                let QuantifiedRight::Array(right) = &quantified.right else {
                    return None;
                };
                self.expr(&quantified.operand, operator_power(&quantified.operator) + 1)?;
                self.push(" ")?;
                self.operator(&quantified.operator)?;
                self.push(if quantified.all { " ALL (" } else { " ANY (" })?;
                self.expr(right, 0)?;
                self.push(")")
            }
            _ => self.primary(expr),
        }
    }

    fn primary(&mut self, expr: &Expr) -> Option<()> {
        use ExprKind::*;
        let enclosed = |p: &mut Self, word: &str, items: &[Expr], close: &str| {
            p.push(word)?;
            p.list(items)?;
            p.push(close)
        };
        match &expr.kind {
            Array(items) => enclosed(self, "ARRAY[", items, "]"),
            Row { items, explicit: false } => enclosed(self, "(", items, ")"),
            Row { items, .. } => enclosed(self, "ROW(", items, ")"),
            Coalesce(items) => enclosed(self, "COALESCE(", items, ")"),
            Greatest(items) => enclosed(self, "GREATEST(", items, ")"),
            Least(items) => enclosed(self, "LEAST(", items, ")"),
            NullIf(items) => enclosed(self, "NULLIF(", &**items, ")"),
            Grouping(items) => enclosed(self, "GROUPING(", items, ")"),
            Overlaps { left, right } => {
                enclosed(self, "((", left, ") OVERLAPS (")?;
                enclosed(self, "", right, "))")
            }
            Case(case) => self.case(case),
            SqlValue { function, precision } => {
                self.push(value_function_word(*function))?;
                match precision {
                    Some(precision) => self.push(&format!("({precision})")),
                    None => Some(()),
                }
            }
            Function(call) => self.call(call),
            Subscript { operand, subscripts } => {
                let plain = matches!(operand.kind, Column(_) | Parameter(_) | Field { .. });
                self.part(operand, plain)?;
                subscripts.iter().try_for_each(|subscript| self.subscript(subscript))
            }
            Field { operand, field } => {
                self.fields(operand)?;
                self.push(".")?;
                self.push(&quote_name(&field.name))
            }
            AllFields(operand) => {
                self.fields(operand)?;
                self.push(".*")
            }
            _ => None,
        }
    }

    fn fields(&mut self, operand: &Expr) -> Option<()> {
        use ExprKind::*;
        let plain = matches!(operand.kind, Subscript { .. } | Field { .. } | Parameter(_));
        self.part(operand, plain)
    }

    fn part(&mut self, operand: &Expr, plain: bool) -> Option<()> {
        if plain {
            return self.expr(operand, power::PRIMARY);
        }
        self.push("(")?;
        self.bare(operand, power_of(operand))?;
        self.push(")")
    }

    fn subscript(&mut self, subscript: &Subscript) -> Option<()> {
        self.push("[")?;
        match subscript {
            Subscript::Index(index) => self.expr(index, 0)?,
            Subscript::Slice(low, high) => {
                low.as_ref().map_or(Some(()), |low| self.expr(low, 0))?;
                self.push(":")?;
                high.as_ref().map_or(Some(()), |high| self.expr(high, 0))?;
            }
        }
        self.push("]")
    }

    fn column(&mut self, column: &ColumnRef) -> Option<()> {
        for (index, part) in column.parts.iter().enumerate() {
            self.push(if index > 0 { "." } else { "" })?;
            self.push(&quote_name(&part.name))?;
        }
        match (column.star, column.parts.is_empty()) {
            (true, true) => self.push("*"),
            (true, false) => self.push(".*"),
            _ => Some(()),
        }
    }

    fn literal(&mut self, literal: &Literal) -> Option<()> {
        let sign = |printed: String| match literal.negated && !printed.starts_with('-') {
            true => format!("-{printed}"),
            false => printed,
        };
        let text = match &literal.value {
            LiteralValue::Int4(n) => sign(n.to_string()),
            LiteralValue::Int8(n) => sign(n.to_string()),
            LiteralValue::Numeric(digits) => sign(digits.clone()),
            LiteralValue::Text(text) => quote_text(text),
            LiteralValue::Bit(BitDigits::Binary, digits) => format!("B{}", quote_text(digits)),
            LiteralValue::Bit(_, digits) => format!("X{}", quote_text(digits)),
        };
        self.push(&text)
    }

    fn case(&mut self, case: &Case) -> Option<()> {
        self.push("CASE")?;
        if let Some(operand) = &case.operand {
            self.push(" ")?;
            self.expr(operand, 0)?;
        }
        for when in &case.whens {
            self.push(" WHEN ")?;
            self.expr(&when.condition, 0)?;
            self.push(" THEN ")?;
            self.expr(&when.result, 0)?;
        }
        if let Some(otherwise) = &case.otherwise {
            self.push(" ELSE ")?;
            self.expr(otherwise, 0)?;
        }
        self.push(" END")
    }

    fn call(&mut self, call: &FunctionCall) -> Option<()> {
        if call.over.is_some() {
            return None;
        }
        if call.syntax != CallSyntax::Ordinary {
            return self.special_call(call);
        }
        self.name(&call.name)?;
        self.push(if call.distinct { "(DISTINCT " } else { "(" })?;
        self.push(if call.star { "*" } else { "" })?;
        for (index, argument) in call.arguments.iter().enumerate() {
            self.push(if index > 0 { ", " } else { "" })?;
            let last = index + 1 == call.arguments.len();
            self.push(if last && call.variadic { "VARIADIC " } else { "" })?;
            if let Some(name) = &argument.name {
                self.push(&quote_name(&name.name))?;
                self.push(" => ")?;
            }
            self.expr(&argument.value, 0)?;
        }
        if call.within_group {
            self.push(") WITHIN GROUP (ORDER BY ")?;
            self.order_by(&call.order_by)?;
        } else if !call.order_by.is_empty() {
            self.push(" ORDER BY ")?;
            self.order_by(&call.order_by)?;
        }
        self.push(")")?;
        if let Some(filter) = &call.filter {
            self.push(" FILTER (WHERE ")?;
            self.expr(filter, 0)?;
            self.push(")")?;
        }
        Some(())
    }

    /// The standard's functions with words between their arguments.
    fn special_call(&mut self, call: &FunctionCall) -> Option<()> {
        let arguments: Vec<&Expr> = call.arguments.iter().map(|argument| &argument.value).collect();
        let name = call.name.name();
        let words: &[&str] = match (call.syntax, arguments.len()) {
            (CallSyntax::Extract, 2) => &["", " FROM "],
            (CallSyntax::Overlay, 3 | 4) => &["", " PLACING ", " FROM ", " FOR "],
            (CallSyntax::Substring, 2 | 3) => &["", " FROM ", " FOR "],
            (CallSyntax::SubstringSimilar, 3) => &["", " SIMILAR ", " ESCAPE "],
            (CallSyntax::CollationFor, 1) => &[""],
            (CallSyntax::Position, 2) => return self.position(&arguments),
            (CallSyntax::Trim, _) => return self.trim(name, &arguments),
            (CallSyntax::Normalize, _) => return self.normalize(&arguments),
            _ => return None,
        };
        self.push(match call.syntax {
            CallSyntax::Extract => "EXTRACT(",
            CallSyntax::Overlay => "OVERLAY(",
            CallSyntax::CollationFor => "COLLATION FOR (",
            _ => "SUBSTRING(",
        })?;
        for (word, argument) in words.iter().zip(arguments) {
            self.push(word)?;
            match (&argument.kind, call.syntax) {
                // The field is a word, and a string where it was one.
                (
                    ExprKind::Literal(Literal {
                        value: LiteralValue::Text(field),
                        ordinal: None,
                        ..
                    }),
                    CallSyntax::Extract,
                ) if word.is_empty() => {
                    let known = ["year", "month", "day", "hour", "minute", "second"];
                    match known.contains(&field.as_str()) {
                        true => self.push(field)?,
                        false => self.push(&quote_name(field))?,
                    }
                }
                // SIMILAR inside an operand of SUBSTRING would be taken for SUBSTRING's.
                _ => self.expr(argument, power::OPERATOR)?,
            }
        }
        self.push(")")
    }

    fn position(&mut self, arguments: &[&Expr]) -> Option<()> {
        let [text, needle] = arguments else {
            return None;
        };
        self.push("POSITION(")?;
        self.expr(needle, power::SIGN)?;
        self.push(" IN ")?;
        self.expr(text, power::SIGN)?;
        self.push(")")
    }

    fn trim(&mut self, name: &str, arguments: &[&Expr]) -> Option<()> {
        self.push(match name {
            "ltrim" => "TRIM(LEADING FROM ",
            "rtrim" => "TRIM(TRAILING FROM ",
            _ => "TRIM(BOTH FROM ",
        })?;
        for (index, argument) in arguments.iter().enumerate() {
            self.push(if index > 0 { ", " } else { "" })?;
            self.expr(argument, 0)?;
        }
        self.push(")")
    }

    fn normalize(&mut self, arguments: &[&Expr]) -> Option<()> {
        self.push("NORMALIZE(")?;
        self.expr(arguments.first()?, 0)?;
        if let Some(Expr { kind: ExprKind::Literal(literal), .. }) = arguments.get(1)
            && let LiteralValue::Text(form) = &literal.value
        {
            let _ = write!(self.out, ", {form}");
        }
        self.push(")")
    }

    fn order_by(&mut self, order_by: &[SortBy]) -> Option<()> {
        for (index, by) in order_by.iter().enumerate() {
            self.push(if index > 0 { ", " } else { "" })?;
            self.expr(&by.expr, 0)?;
            match &by.order {
                SortOrder::Default => {}
                SortOrder::Ascending => self.push(" ASC")?,
                SortOrder::Descending => self.push(" DESC")?,
                SortOrder::Using(operator) => {
                    self.push(" USING ")?;
                    self.operator(operator)?;
                }
            }
            match by.nulls_first {
                Some(true) => self.push(" NULLS FIRST")?,
                Some(false) => self.push(" NULLS LAST")?,
                None => {}
            }
        }
        Some(())
    }

    fn data_type(&mut self, data_type: &TypeName) -> Option<()> {
        if data_type.setof {
            self.push("SETOF ")?;
        }
        let system = data_type.name.schema() == Some("pg_catalog");
        // `character` and `bit` alone would mean one character and one bit.
        let implied = matches!(data_type.name.name(), "bpchar" | "bit");
        let unlimited = implied && data_type.modifiers.is_empty();
        if system && unlimited {
            self.push(&quote_name(data_type.name.name()))?;
            return self.dimensions(data_type);
        }
        let words = if system { standard_type(data_type.name.name()) } else { None };
        match words {
            Some((word, _)) => self.push(word)?,
            None => self.name(&data_type.name)?,
        }
        if let Some(fields) = data_type.interval {
            self.push(interval_word(fields))?;
        }
        if !data_type.modifiers.is_empty() {
            self.push("(")?;
            self.list(&data_type.modifiers)?;
            self.push(")")?;
        }
        if let Some((_, after)) = words {
            self.push(after)?;
        }
        self.dimensions(data_type)
    }

    fn dimensions(&mut self, data_type: &TypeName) -> Option<()> {
        for size in &data_type.array {
            match size {
                Some(size) => self.push(&format!("[{size}]"))?,
                None => self.push("[]")?,
            }
        }
        Some(())
    }
}

/// The standard's words for a type of `pg_catalog`, before and after its modifiers.
fn standard_type(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "int2" => ("smallint", ""),
        "int4" => ("integer", ""),
        "int8" => ("bigint", ""),
        "float4" => ("real", ""),
        "float8" => ("double precision", ""),
        "numeric" => ("numeric", ""),
        "bool" => ("boolean", ""),
        "bpchar" => ("character", ""),
        "varchar" => ("character varying", ""),
        "bit" => ("bit", ""),
        "varbit" => ("bit varying", ""),
        "time" => ("time", " without time zone"),
        "timetz" => ("time", " with time zone"),
        "timestamp" => ("timestamp", " without time zone"),
        "timestamptz" => ("timestamp", " with time zone"),
        "interval" => ("interval", ""),
        _ => return None,
    })
}

fn interval_word(fields: IntervalFields) -> &'static str {
    match fields {
        IntervalFields::Year => " year",
        IntervalFields::Month => " month",
        IntervalFields::Day => " day",
        IntervalFields::Hour => " hour",
        IntervalFields::Minute => " minute",
        IntervalFields::Second => " second",
        IntervalFields::YearToMonth => " year to month",
        IntervalFields::DayToHour => " day to hour",
        IntervalFields::DayToMinute => " day to minute",
        IntervalFields::DayToSecond => " day to second",
        IntervalFields::HourToMinute => " hour to minute",
        IntervalFields::HourToSecond => " hour to second",
        IntervalFields::MinuteToSecond => " minute to second",
    }
}

fn test_word(test: IsTest) -> &'static str {
    match test {
        IsTest::Null => "NULL",
        IsTest::True => "TRUE",
        IsTest::False => "FALSE",
        IsTest::Unknown => "UNKNOWN",
        IsTest::Document => "DOCUMENT",
        IsTest::Normalized(None) => "NORMALIZED",
        IsTest::Normalized(Some(NormalForm::Nfc)) => "NFC NORMALIZED",
        IsTest::Normalized(Some(NormalForm::Nfd)) => "NFD NORMALIZED",
        IsTest::Normalized(Some(NormalForm::Nfkc)) => "NFKC NORMALIZED",
        IsTest::Normalized(Some(NormalForm::Nfkd)) => "NFKD NORMALIZED",
    }
}

fn value_function_word(function: SqlValueFunction) -> &'static str {
    match function {
        SqlValueFunction::CurrentDate => "CURRENT_DATE",
        SqlValueFunction::CurrentTime => "CURRENT_TIME",
        SqlValueFunction::CurrentTimestamp => "CURRENT_TIMESTAMP",
        SqlValueFunction::LocalTime => "LOCALTIME",
        SqlValueFunction::LocalTimestamp => "LOCALTIMESTAMP",
        SqlValueFunction::CurrentRole => "CURRENT_ROLE",
        SqlValueFunction::CurrentUser => "CURRENT_USER",
        SqlValueFunction::User => "USER",
        SqlValueFunction::SessionUser => "SESSION_USER",
        SqlValueFunction::CurrentCatalog => "CURRENT_CATALOG",
        SqlValueFunction::CurrentSchema => "CURRENT_SCHEMA",
    }
}
