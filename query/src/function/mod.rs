//! The function table (seam).

use crate::expression::{Context, Expression};
use crate::{Arena, Datum, Result, Type};

/// What a NULL argument does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NullRule {
    /// A NULL argument makes the result NULL, the kernel is not called.
    Strict,
    /// The kernel sees NULLs.
    Called,
}

/// pg_proc.provolatile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Volatility {
    /// The same arguments give the same result for ever.
    Immutable,
    /// The same within one statement.
    Stable,
    /// Anything.
    Volatile,
}

/// The arena and surroundings of one call.
pub struct Call<'a, 'c> {
    /// Parameters and session.
    pub context: &'c Context<'a>,
    /// Where results live.
    pub arena: &'a Arena,
    /// The modifier of the result type that the binder asks for (casts), or -1.
    pub modifier: i32,
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
    /// Whether the last argument repeats.
    pub variadic: bool,
    /// The type of the result.
    pub result: Type,
    /// What NULL does.
    pub nulls: NullRule,
    /// When it may be computed ahead.
    pub volatility: Volatility,
    /// The kernel.
    pub kernel: RowKernel,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id)
    }
}

pub(crate) fn eval<'a>(
    _expression: &'a Expression,
    _context: &Context<'a>,
    _row: &[Datum<'a>],
    _arena: &'a Arena,
) -> Result<Datum<'a>> {
    Err(crate::Error::internal("not built yet"))
}
