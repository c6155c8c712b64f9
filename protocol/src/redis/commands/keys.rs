//! Which arguments of a request are keys: COMMAND GETKEYS, and whoever must know before running.
//!
//! A command's key specs say where a search begins and how keys follow:
//!
//! ```text
//!   BITOP AND dst k1 k2     Index(2) Range(0)      → dst        Index(3) Range(-1) → k1 k2
//!   EVAL s 2 k1 k2 a        Index(2) Count(0,1,1)  → k1 k2
//!   XREAD … STREAMS k1 0    Keyword(STREAMS, 1) Range(-1, 1, 2)  → the first half of the rest
//! ```
//!
//! **Invariants.** Positions given are inside the request. A keyword that is absent is no error (it
//! was optional); a range outside the request is, unless the spec calls itself incomplete. SORT and
//! MIGRATE, whose specs are incomplete, have a function each; SET and BITFIELD, whose flags depend
//! on their options, one that says which.
//!
//! **Rejected.** Running the command's own parser for its keys: key positions are needed for
//! commands that are not built, too.

use smallvec::SmallVec;

use super::{Begin, Command, Find, Flags, Id, KEY_FLAG_NAMES, KeySpec};
use crate::redis::codec::{Argv, request::integer};

/// A key's place in the request and what is done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyAt {
    /// Index of the argument.
    pub index: usize,
    /// See [`KEY_FLAG_NAMES`].
    pub flags: u16,
}

/// The keys of most requests fit here.
pub type Keys = SmallVec<[KeyAt; 4]>;

/// Why no keys can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// The command takes none.
    #[error("ERR The command has no key arguments")]
    NoKeys,
    /// The arguments do not fit the command.
    #[error("ERR Invalid arguments specified for command")]
    Invalid,
}

const NOT_KEY: u16 = flag("not_key");
const INCOMPLETE: u16 = flag("incomplete");
const READ: u16 = flag("RO") | flag("access");
const OVERWRITE: u16 = flag("OW") | flag("update");
const CHANGE: u16 = flag("RW") | flag("access") | flag("update");

#[allow(clippy::indexing_slicing, reason = "runs in the compiler")]
const fn flag(name: &str) -> u16 {
    let mut bit = 0;
    while bit < KEY_FLAG_NAMES.len() {
        let (known, name) = (KEY_FLAG_NAMES[bit].as_bytes(), name.as_bytes());
        let mut same = known.len() == name.len();
        let mut i = 0;
        while same && i < name.len() {
            same = known[i] == name[i];
            i += 1;
        }
        if same {
            return 1 << bit;
        }
        bit += 1;
    }
    panic!("no such key flag")
}

/// The keys of a request for `command`, in the order of its specs.
///
/// # Errors
/// The command has no keys, or the request is not one of this command.
pub fn keys(command: &Command, argv: &Argv<'_>) -> Result<Keys, KeysError> {
    if command.keys.iter().all(|spec| spec.flags & NOT_KEY != 0) {
        return Err(KeysError::NoKeys);
    }
    let found = match command.id {
        Id::Sort | Id::SortRo => sort(argv),
        Id::Migrate => migrate(argv),
        Id::Set => with_flags(command.keys, argv, set_flags(argv)),
        Id::Bitfield => with_flags(command.keys, argv, bitfield_flags(argv)),
        _ => by_specs(command.keys, argv),
    };
    // A script's wrong count of keys is a request without keys: the script may do without.
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ if command.flags.has(Flags::NO_MANDATORY_KEYS) => Ok(Keys::new()),
        _ => Err(KeysError::Invalid),
    }
}

fn by_specs(specs: &[KeySpec], argv: &Argv<'_>) -> Result<Keys, KeysError> {
    let mut found = Keys::new();
    for spec in specs.iter().filter(|spec| spec.flags & NOT_KEY == 0) {
        match one_spec(spec, argv, &mut found) {
            Some(()) => {}
            None if spec.flags & INCOMPLETE != 0 => {}
            None => return Err(KeysError::Invalid),
        }
    }
    Ok(found)
}

fn with_flags(specs: &[KeySpec], argv: &Argv<'_>, flags: u16) -> Result<Keys, KeysError> {
    let mut found = by_specs(specs, argv)?;
    found.iter_mut().for_each(|key| key.flags = flags);
    Ok(found)
}

/// With GET the old value is read.
fn set_flags(argv: &Argv<'_>) -> u16 {
    let mut options = (3..argv.len()).filter_map(|index| argv.get(index));
    match options.any(|word| word.eq_ignore_ascii_case(b"get")) {
        true => CHANGE,
        false => OVERWRITE,
    }
}

/// Reads only, until a part that changes something or that is not understood.
fn bitfield_flags(argv: &Argv<'_>) -> u16 {
    let mut at = 2;
    while let Some(word) = argv.get(at) {
        let rest = argv.len() - at - 1;
        at += match () {
            () if word.eq_ignore_ascii_case(b"get") && rest >= 2 => 3,
            () if word.eq_ignore_ascii_case(b"overflow") && rest >= 1 => 2,
            () => return CHANGE,
        };
    }
    READ
}

/// `None` where the spec points outside the request.
fn one_spec(spec: &KeySpec, argv: &Argv<'_>, found: &mut Keys) -> Option<()> {
    let first = match spec.begin {
        Begin::Index(index) => i64::from(index),
        Begin::Keyword(word, from) => match search(argv, word.as_bytes(), from) {
            Some(at) => at,
            None => return Some(()),
        },
        Begin::Unknown => return None,
    };
    let count = argv.len() as i64;
    let (first, last, step) = match spec.find {
        Find::Range(last, step, limit) => (first, range_end(first, last, limit, count), step),
        Find::Count(number_at, first_at, step) => {
            let number = integer(argv.get(usize::try_from(first + i64::from(number_at)).ok()?)?)?;
            let first = first + i64::from(first_at);
            (first, first.checked_add((number - 1).checked_mul(i64::from(step))?)?, step)
        }
        Find::Unknown => return None,
    };
    if first >= count || last >= count || last < first || step < 1 {
        return None;
    }
    let places = (first..=last).step_by(usize::try_from(step).ok()?);
    found.extend(places.map(|index| KeyAt { index: index as usize, flags: spec.flags }));
    Some(())
}

fn range_end(first: i64, last: i16, limit: i16, count: i64) -> i64 {
    match (last, limit) {
        (0.., _) => first + i64::from(last),
        (_, ..=1) => count + i64::from(last),
        (_, limit) => first + (count - first) / i64::from(limit) + i64::from(last),
    }
}

/// The place behind a keyword: forwards from `from`, or backwards from the end where negative.
fn search(argv: &Argv<'_>, word: &[u8], from: i16) -> Option<i64> {
    let is_word = |index: &usize| argv.get(*index).is_some_and(|a| a.eq_ignore_ascii_case(word));
    let count = argv.len();
    let at = match usize::try_from(from) {
        Ok(from) => (from..count.saturating_sub(1)).find(is_word),
        Err(_) => {
            let from = count.checked_sub(usize::from(from.unsigned_abs()))?;
            (2..=from).rev().find(is_word)
        }
    };
    at.map(|index| index as i64 + 1)
}

/// The sorted key, and the last STORE's.
fn sort(argv: &Argv<'_>) -> Result<Keys, KeysError> {
    let mut found = Keys::new();
    found.push(KeyAt { index: 1, flags: READ });
    let mut store = None;
    let mut at = 2;
    while let Some(word) = argv.get(at) {
        at += match () {
            () if word.eq_ignore_ascii_case(b"limit") => 3,
            () if word.eq_ignore_ascii_case(b"get") || word.eq_ignore_ascii_case(b"by") => 2,
            () if word.eq_ignore_ascii_case(b"store") && at + 1 < argv.len() => {
                store = Some(KeyAt { index: at + 1, flags: OVERWRITE });
                2
            }
            () => 1,
        };
    }
    found.extend(store);
    Ok(found)
}

/// The one key, or those after KEYS, before which it is empty.
fn migrate(argv: &Argv<'_>) -> Result<Keys, KeysError> {
    let key = |index| KeyAt { index, flags: flag("RW") | flag("access") | flag("delete") };
    let single = argv.get(3).ok_or(KeysError::Invalid)?;
    let mut at = 6;
    while let Some(word) = argv.get(at) {
        match () {
            () if word.eq_ignore_ascii_case(b"keys") && at + 1 < argv.len() => {
                let first = if single.is_empty() { at + 1 } else { argv.len() };
                return Ok((first..argv.len()).map(key).collect());
            }
            () if word.eq_ignore_ascii_case(b"auth") => at += 1,
            () if word.eq_ignore_ascii_case(b"auth2") => at += 2,
            () => {}
        }
        at += 1;
    }
    Ok(std::iter::once(key(3)).collect())
}
