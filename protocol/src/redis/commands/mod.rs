//! The command table of Redis 7.2: what each command is called, takes, touches and belongs to.
//!
//! It is data (`table`, generated), and it serves four readers: the session, which looks a name
//! up and checks arity before it calls anything; COMMAND and its subcommands, which print it
//! ([`describe`]); COMMAND GETKEYS and whoever must know keys before running ([`keys`]); and the
//! list of what is not built yet, which names commands by [`Id`].
//!
//! ```text
//!   "GeT" ──▶ hash(length, first, middle, last byte, case folded) ──▶ slot ──▶ COMMANDS[i]
//!             1 024 slots, 241 names, made by the compiler         └ compare the name, else next
//! ```
//!
//! **Invariants.** A lookup allocates nothing and folds case. Names are sorted. A container's own
//! arity counts the subcommand's name. The table says what Redis has, not what is built here.
//!
//! **Rejected.** A perfect hash: a crate or a search at generation time, to save the one compare
//! in ten that goes to a second slot. A `match` on upper-cased names: it needs a copy of the name.

pub mod describe;
pub mod keys;
#[rustfmt::skip]
mod table;

pub use table::{
    ARGUMENT_FLAG_NAMES, CATEGORY_NAMES, COMMANDS, DOC_FLAG_NAMES, FLAG_NAMES, Id, KEY_FLAG_NAMES,
};

use super::codec::Argv;
use super::error::CommandError;

/// What a command does and where it may run, as bits; see [`FLAG_NAMES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags(pub u32);

impl Flags {
    /// May change data.
    pub const WRITE: Self = Self(1);
    /// Only reads.
    pub const READONLY: Self = Self(1 << 1);
    /// Refused when memory is short.
    pub const DENYOOM: Self = Self(1 << 2);
    /// For operators.
    pub const ADMIN: Self = Self(1 << 4);
    /// Belongs to publish/subscribe.
    pub const PUBSUB: Self = Self(1 << 5);
    /// Refused inside a script.
    pub const NOSCRIPT: Self = Self(1 << 6);
    /// May wait for another client.
    pub const BLOCKING: Self = Self(1 << 7);
    /// Runs without authentication.
    pub const NO_AUTH: Self = Self(1 << 14);
    /// May be without keys where its arguments could name some.
    pub const NO_MANDATORY_KEYS: Self = Self(1 << 16);
    /// Refused inside MULTI.
    pub const NO_MULTI: Self = Self(1 << 18);
    /// Its keys stand at places that depend on its arguments.
    pub const MOVABLEKEYS: Self = Self(1 << 19);

    /// Whether all bits of `other` are set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Where the search for keys begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// At this argument.
    Index(i16),
    /// Behind this word, searched from this argument on (negative: from the end backwards).
    Keyword(&'static str, i16),
    /// Known to the command alone.
    Unknown,
}

/// How the keys follow from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Find {
    /// Last key (relative to the first; negative: from the end), step, limit divisor.
    Range(i16, i16, i16),
    /// Where the number of keys stands, where the first key stands, step.
    Count(i16, i16, i16),
    /// Known to the command alone.
    Unknown,
}

/// One way in which a command names keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySpec {
    /// See [`KEY_FLAG_NAMES`].
    pub flags: u16,
    /// Where the search begins.
    pub begin: Begin,
    /// How keys follow.
    pub find: Find,
}

/// What an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of COMMAND DOCS")]
pub enum Kind {
    String,
    Integer,
    Double,
    Key,
    Pattern,
    UnixTime,
    PureToken,
    Oneof,
    Block,
}

/// One argument in the grammar of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// The word before it, or empty.
    pub token: &'static str,
    /// Which key spec it belongs to, or -1.
    pub key_spec: i8,
    /// The version that brought it, or empty.
    pub since: &'static str,
    /// The version that discourages it, or empty.
    pub deprecated_since: &'static str,
    /// See [`ARGUMENT_FLAG_NAMES`].
    pub flags: u8,
    /// What it consists of.
    pub children: &'static [Argument],
}

/// One command or subcommand.
#[derive(Debug)]
pub struct Command {
    /// For `match`.
    pub id: Id,
    /// Lower case; `config|get` for a subcommand.
    pub name: &'static str,
    /// Number of arguments with the name; negative: at least so many.
    pub arity: i16,
    /// First key's argument, or 0.
    pub first: i16,
    /// Last key's argument; negative: from the end.
    pub last: i16,
    /// Step between keys.
    pub step: i16,
    /// What it does.
    pub flags: Flags,
    /// Access categories, see [`CATEGORY_NAMES`].
    pub categories: u32,
    /// `string`, `hash`, `generic`, …
    pub group: &'static str,
    /// The version that brought it.
    pub since: &'static str,
    /// Order of growth, `O(1)`; empty where Redis gives none in that form.
    pub complexity: &'static str,
    /// The version that discourages it, or empty.
    pub deprecated_since: &'static str,
    /// See [`DOC_FLAG_NAMES`].
    pub doc_flags: u8,
    /// Hints for proxies.
    pub tips: &'static [&'static str],
    /// Where its keys are.
    pub keys: &'static [KeySpec],
    /// Its grammar.
    pub arguments: &'static [Argument],
    /// Its subcommands, sorted by name.
    pub subcommands: &'static [Command],
}

const SLOTS: usize = 1024;
const EMPTY: u16 = u16::MAX;
static INDEX: [u16; SLOTS] = index();

const fn fold(byte: u8) -> u32 {
    (byte | 0x20) as u32
}

/// Length, first, middle and last byte; `name` is not empty.
#[allow(clippy::indexing_slicing, reason = "const; callers pass names of at least one byte")]
const fn slot(name: &[u8]) -> usize {
    let n = name.len();
    let mixed = fold(name[0]) | fold(name[n - 1]) << 8 | fold(name[n / 2]) << 16 | (n as u32) << 24;
    (mixed.wrapping_mul(0x9E37_79B1) >> 22) as usize
}

#[allow(clippy::indexing_slicing, reason = "runs in the compiler")]
const fn index() -> [u16; SLOTS] {
    let mut slots = [EMPTY; SLOTS];
    let mut i = 0;
    while i < COMMANDS.len() {
        let mut at = slot(COMMANDS[i].name.as_bytes());
        while slots[at] != EMPTY {
            at = (at + 1) % SLOTS;
        }
        slots[at] = i as u16;
        i += 1;
    }
    slots
}

/// The command of this name in any case.
#[inline]
#[must_use]
pub fn find(name: &[u8]) -> Option<&'static Command> {
    if name.is_empty() || name.len() > 32 {
        return None;
    }
    let mut at = slot(name);
    loop {
        // An empty slot ends the chain: its number is no command's.
        let command = COMMANDS.get(usize::from(*INDEX.get(at)?))?;
        if command.name.as_bytes().eq_ignore_ascii_case(name) {
            return Some(command);
        }
        at = (at + 1) % SLOTS;
    }
}

/// The command of a full name, `config|get` for a subcommand, in any case.
#[must_use]
pub fn find_full(name: &[u8]) -> Option<&'static Command> {
    match memchr::memchr(b'|', name) {
        None => find(name),
        Some(bar) => find(name.get(..bar)?)?.subcommand(name.get(bar + 1..)?),
    }
}

/// The command or subcommand that a request names, its number of arguments checked.
///
/// # Errors
/// As Redis words them; [`CommandError::write_text`] gives the text.
#[inline]
pub fn resolve<'a>(argv: &Argv<'a>) -> Result<&'static Command, CommandError<'a>> {
    let name = argv.name();
    let command = find(name).ok_or(CommandError::Unknown { name })?;
    let command = match argv.get(1) {
        Some(word) if !command.subcommands.is_empty() => command
            .subcommand(word)
            .ok_or(CommandError::UnknownSubcommand { command: command.name, name: word })?,
        _ => command,
    };
    command.check_arity(argv.len())?;
    Ok(command)
}

impl Command {
    /// The subcommand of this name in any case.
    #[must_use]
    pub fn subcommand(&self, name: &[u8]) -> Option<&'static Command> {
        self.subcommands.iter().find(|sub| sub.last_name().as_bytes().eq_ignore_ascii_case(name))
    }

    /// The name without its container's.
    #[must_use]
    pub fn last_name(&self) -> &'static str {
        self.name.split_once('|').map_or(self.name, |(_, last)| last)
    }

    /// Whether a request of `arguments` words, the name included, is long enough or just right.
    ///
    /// # Errors
    /// [`CommandError::WrongArity`].
    #[inline]
    pub fn check_arity(&self, arguments: usize) -> Result<(), CommandError<'static>> {
        let wanted = usize::from(self.arity.unsigned_abs());
        match if self.arity < 0 { arguments >= wanted } else { arguments == wanted } {
            true => Ok(()),
            false => Err(CommandError::WrongArity { name: self.name }),
        }
    }
}

/// The names of the set bits, in order.
pub(super) fn names<'n>(bits: u32, names: &'n [&'static str]) -> impl Iterator<Item = &'n str> {
    names.iter().enumerate().filter(move |(bit, _)| bits >> bit & 1 == 1).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_any_case_and_nothing_else() {
        for command in &COMMANDS {
            let upper = command.name.to_ascii_uppercase();
            assert_eq!(find(upper.as_bytes()).map(|c| c.id), Some(command.id));
            for sub in command.subcommands {
                assert_eq!(find_full(sub.name.as_bytes()).map(|c| c.id), Some(sub.id));
            }
            let longer = format!("{}x", command.name);
            assert!(find(longer.as_bytes()).is_none_or(|c| c.name == longer));
        }
        for unknown in ["", "ge", "gett", "g@t", "config|get", &"x".repeat(500)] {
            assert!(find(unknown.as_bytes()).is_none(), "{unknown}");
        }
    }

    #[test]
    fn names_are_sorted_and_flags_are_as_named() {
        assert!(COMMANDS.is_sorted_by_key(|c| c.name));
        let get = find(b"get").unwrap();
        assert!(get.flags.has(Flags::READONLY) && !get.flags.has(Flags::WRITE));
        let names: Vec<_> = names(get.flags.0, &FLAG_NAMES).collect();
        assert_eq!(names, ["readonly", "fast"]);
        for (flag, name) in [
            (Flags::NO_AUTH, "no_auth"),
            (Flags::NO_MULTI, "no_multi"),
            (Flags::MOVABLEKEYS, "movablekeys"),
            (Flags::BLOCKING, "blocking"),
        ] {
            assert_eq!(super::names(flag.0, &FLAG_NAMES).collect::<Vec<_>>(), [name]);
        }
    }

    #[test]
    fn arity_counts_the_subcommand() {
        assert!(find_full(b"config|get").unwrap().check_arity(2).is_err());
        assert!(find_full(b"config|get").unwrap().check_arity(3).is_ok());
        assert!(find(b"get").unwrap().check_arity(3).is_err());
        assert!(find(b"zrank").unwrap().check_arity(4).is_ok());
    }
}
