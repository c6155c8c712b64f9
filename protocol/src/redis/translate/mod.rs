//! Commands on keys: arguments to calls of `qanat::keys`, their answers to replies.
//!
//! ```text
//!   SET k v EX 10 ──▶ options ──▶ keys.set(k, v, {At(now + 10 s)}) ──▶ +OK
//!                        └ "ERR syntax error"            └ "WRONGTYPE …"
//! ```
//!
//! One file for each group of commands: [`string`], [`hash`], [`generic`]; [`words`] reads
//! arguments.
//!
//! **Invariants.** A command reads its arguments before it touches a key, and leaves its reply or
//! an error, never both: the caller cuts the buffer back at an error. Nothing here begins or
//! commits.

pub mod generic;
pub mod hash;
mod lcs;
pub mod string;
pub mod words;

use qanat::keys::{KeyError, KeyTransaction};

use super::codec::{Argv, ReplyWriter};
use super::commands::Id;

/// Why a command did nothing.
#[derive(Debug)]
pub enum Failure {
    /// The library refused.
    Key(KeyError),
    /// The arguments are wrong; the text with its code.
    Text(&'static str),
    /// The same with a name in it.
    Named(String),
}

impl<E: Into<KeyError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure::Key(error.into())
    }
}

/// The result of a command.
pub type Outcome = Result<(), Failure>;

/// What a command needs beside its keys.
#[derive(Debug, Clone, Copy)]
pub struct Environment {
    /// How many key spaces there are (`databases`).
    pub spaces: u32,
    /// Elements of one reply that a client may ask for by a number (HRANDFIELD with a negative
    /// count).
    pub repeated_max: usize,
}

/// What the lookups of a command found, for INFO.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lookups {
    /// Keys that were there.
    pub hits: u64,
    /// Keys that were not.
    pub misses: u64,
}

impl Lookups {
    pub(super) fn saw(&mut self, found: bool) {
        if found { self.hits += 1 } else { self.misses += 1 }
    }
}

/// One command on its way.
pub struct Call<'c, 'b> {
    /// The transaction.
    pub keys: &'c mut KeyTransaction,
    /// Its arguments, the name first.
    pub argv: Argv<'c>,
    /// Where the reply goes.
    pub reply: ReplyWriter<'b>,
    /// The server's settings.
    pub environment: Environment,
    /// What was looked up.
    pub lookups: &'c mut Lookups,
}

impl<'c> Call<'c, '_> {
    pub(super) fn arg(&self, index: usize) -> &'c [u8] {
        self.argv.get(index).unwrap_or_default()
    }
}

/// Whether [`run`] knows the command.
#[must_use]
pub fn is_known(id: Id) -> bool {
    string::is_known(id) || hash::is_known(id) || generic::is_known(id)
}

/// Whether a reading command looks at more than one record, which then must be held still beside
/// writes.
#[must_use]
pub fn reads_many(id: Id) -> bool {
    hash::is_known(id) || matches!(id, Id::Mget | Id::Exists | Id::Touch | Id::Lcs)
}

/// Runs a command that [`is_known`].
///
/// # Errors
/// The command did nothing that may stay.
pub async fn run(id: Id, mut call: Call<'_, '_>) -> Outcome {
    match id {
        Id::Get => string::get(&mut call).await,
        Id::Set => string::set(&mut call).await,
        id if string::is_known(id) => string::run(id, &mut call).await,
        id if hash::is_known(id) => hash::run(id, &mut call).await,
        id => generic::run(id, &mut call).await,
    }
}
