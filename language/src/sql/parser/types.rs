//! Types.
//!
//! The standard's words are keywords and become names in `pg_catalog`, with the modifiers that they
//! imply (`char` is one character, `float(20)` is float4). Every other type is a name as written.

use super::function::system_name;
use super::*;

impl<'a> Parser<'a> {
    /// A type, with its array dimensions.
    pub(super) fn type_name(&mut self) -> Result<TypeName> {
        let position = self.position();
        let setof = self.eat(Keyword::Setof);
        let mut data_type = self.simple_type()?;
        data_type.setof = setof;
        data_type.position = position;
        if self.eat(Keyword::Array) {
            let mut size = None;
            if self.eat_kind(TokenKind::OpenBracket) {
                size = Some(self.integer()?);
                self.expect_kind(TokenKind::CloseBracket)?;
            }
            data_type.array.push(size);
            return Ok(data_type);
        }
        while self.eat_kind(TokenKind::OpenBracket) {
            let closes = self.is_kind(TokenKind::CloseBracket);
            data_type.array.push(if closes { None } else { Some(self.integer()?) });
            self.expect_kind(TokenKind::CloseBracket)?;
        }
        Ok(data_type)
    }

    fn simple_type(&mut self) -> Result<TypeName> {
        let position = self.position();
        if let Some(mut data_type) = self.constant_type()? {
            let character = data_type.name.name() == "bpchar" || data_type.name.name() == "bit";
            if character && data_type.modifiers.is_empty() {
                data_type.modifiers.push(Expr::integer(1, position));
            }
            return Ok(data_type);
        }
        if self.eat(Keyword::Interval) {
            let mut data_type = TypeName::plain(system_name("interval", position));
            if self.is_kind(TokenKind::Open) {
                data_type.modifiers = self.precision()?;
            } else {
                self.interval_fields(&mut data_type)?;
            }
            return Ok(data_type);
        }
        let first = self.function_name()?;
        let name = self.object_name_after(first)?;
        let mut data_type = TypeName::plain(name);
        data_type.modifiers = self.type_modifiers()?;
        Ok(data_type)
    }

    /// A type of the standard that a string may follow, without its implied length; INTERVAL has
    /// its own rules.
    pub(super) fn constant_type(&mut self) -> Result<Option<TypeName>> {
        use Keyword::*;
        let position = self.position();
        let Some(keyword) = self.keyword() else {
            return Ok(None);
        };
        let name = match keyword {
            Int | Integer => "int4",
            Smallint => "int2",
            Bigint => "int8",
            Real => "float4",
            Boolean => "bool",
            Double if self.is_at(1, Precision) => "float8",
            Decimal | Dec | Numeric => "numeric",
            Float => return self.float().map(Some),
            Bit => return self.bit().map(Some),
            Character | Char | Varchar | National | Nchar => return self.character(keyword),
            Time | Timestamp => return self.time(keyword).map(Some),
            _ => return Ok(None),
        };
        self.advance();
        if keyword == Double {
            self.advance();
        }
        let mut data_type = TypeName::plain(system_name(name, position));
        if name == "numeric" {
            data_type.modifiers = self.type_modifiers()?;
        }
        Ok(Some(data_type))
    }

    /// `(a, b)` after a type. Their literals decide the type, so none is lifted.
    fn type_modifiers(&mut self) -> Result<Vec<Expr>> {
        if !self.is_kind(TokenKind::Open) {
            return Ok(Vec::new());
        }
        let lifted = self.lifted.len();
        let modifiers = self.in_parentheses(Self::expr)?;
        self.lifted.truncate(lifted);
        Ok(modifiers)
    }

    /// `(n)`.
    fn precision(&mut self) -> Result<Vec<Expr>> {
        self.expect_kind(TokenKind::Open)?;
        let position = self.position();
        let value = self.integer()?;
        self.expect_kind(TokenKind::Close)?;
        Ok(vec![Expr::integer(value, position)])
    }

    fn maybe_precision(&mut self) -> Result<Vec<Expr>> {
        if self.is_kind(TokenKind::Open) { self.precision() } else { Ok(Vec::new()) }
    }

    fn float(&mut self) -> Result<TypeName> {
        let position = self.position();
        self.advance();
        let mut name = "float8";
        if self.eat_kind(TokenKind::Open) {
            let at = self.position();
            let digits = self.integer()?;
            self.expect_kind(TokenKind::Close)?;
            let wrong = match digits {
                ..1 => "precision for type float must be at least 1 bit",
                54.. => "precision for type float must be less than 54 bits",
                _ => "",
            };
            if !wrong.is_empty() {
                return self.error(ParseErrorKind::InvalidValue(wrong), at);
            }
            if digits <= 24 {
                name = "float4";
            }
        }
        Ok(TypeName::plain(system_name(name, position)))
    }

    fn bit(&mut self) -> Result<TypeName> {
        let position = self.position();
        self.advance();
        let name = if self.eat(Keyword::Varying) { "varbit" } else { "bit" };
        let mut data_type = TypeName::plain(system_name(name, position));
        data_type.modifiers = self.type_modifiers()?;
        Ok(data_type)
    }

    fn character(&mut self, keyword: Keyword) -> Result<Option<TypeName>> {
        let position = self.position();
        self.advance();
        let national = keyword == Keyword::National;
        if national && !self.eat(Keyword::Character) && !self.eat(Keyword::Char) {
            // `national` alone is a column.
            self.at -= 1;
            return Ok(None);
        }
        let varying = keyword == Keyword::Varchar || self.eat(Keyword::Varying);
        let name = if varying { "varchar" } else { "bpchar" };
        let mut data_type = TypeName::plain(system_name(name, position));
        data_type.modifiers = self.maybe_precision()?;
        Ok(Some(data_type))
    }

    fn time(&mut self, keyword: Keyword) -> Result<TypeName> {
        let position = self.position();
        self.advance();
        let modifiers = self.maybe_precision()?;
        let zone = [Keyword::Time, Keyword::Zone];
        let with = self.is(Keyword::With) && self.is_at(1, Keyword::Time);
        if with || self.is(Keyword::Without) {
            self.advance();
            self.expect_all(&zone)?;
        }
        let name = match (keyword, with) {
            (Keyword::Time, false) => "time",
            (Keyword::Time, true) => "timetz",
            (_, false) => "timestamp",
            (_, true) => "timestamptz",
        };
        let mut data_type = TypeName::plain(system_name(name, position));
        data_type.modifiers = modifiers;
        Ok(data_type)
    }

    /// `YEAR`, `DAY TO SECOND(3)`, … after INTERVAL.
    pub(super) fn interval_fields(&mut self, data_type: &mut TypeName) -> Result<()> {
        use IntervalFields as F;
        use Keyword::*;
        let Some(first @ (Year | Month | Day | Hour | Minute | Second)) = self.keyword() else {
            return Ok(());
        };
        self.advance();
        let mut last = None;
        if first != Month && first != Second && self.eat(To) {
            last = self.keyword();
            if last.is_none() {
                return self.unexpected();
            }
        }
        let fields = match (first, last) {
            (Year, None) => F::Year,
            (Month, None) => F::Month,
            (Day, None) => F::Day,
            (Hour, None) => F::Hour,
            (Minute, None) => F::Minute,
            (Second, None) => F::Second,
            (Year, Some(Month)) => F::YearToMonth,
            (Day, Some(Hour)) => F::DayToHour,
            (Day, Some(Minute)) => F::DayToMinute,
            (Day, Some(Second)) => F::DayToSecond,
            (Hour, Some(Minute)) => F::HourToMinute,
            (Hour, Some(Second)) => F::HourToSecond,
            (Minute, Some(Second)) => F::MinuteToSecond,
            _ => return self.unexpected(),
        };
        if last.is_some() {
            self.advance();
        }
        if first == Second || last == Some(Second) {
            data_type.modifiers = self.maybe_precision()?;
        }
        data_type.interval = Some(fields);
        Ok(())
    }
}
