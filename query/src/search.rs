//! Searching a text for a regular expression, with a bound on the work.
//!
//! The `regex` crate answers in time linear in the text, but its factor is the expression's size:
//! `(a{1,100}){1,100}b` has 20 000 states, and where its lazy automaton gives up each byte costs
//! all of them, 35 seconds for 100 kB. Nothing interrupts that search: neither a cancel nor
//! `statement_timeout`.
//!
//! ```text
//!   states × bytes ≤ WORK_MAX ─► regex                       nearly always
//!                  > WORK_MAX ─► lazy automaton ─┬─► answer  it pays for states that it meets, once
//!                                                └─► gives up: "regular expression is too complex"
//!                  groups: among the states of the match's own bytes, if that is ≤ WORK_MAX
//! ```
//!
//! **Invariants**
//! - No search does more than [`WORK_MAX`] steps of a state, but for the lazy automaton's one step
//!   a byte.
//! - Both ways give the same match: the leftmost, of its alternatives the first.
//!
//! Rejected: a smaller limit on compiled expressions (a class of letters has hundreds of states and
//! is no danger), and refusing by the product alone (the lazy automaton needs all states at once
//! for odd texts only).

use std::sync::OnceLock;

use regex::Regex;
use regex_automata::hybrid::{dfa, regex as lazy};
use regex_automata::nfa::thompson::{self, NFA, pikevm::PikeVM};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};

use crate::{Error, ErrorKind, Result};

/// States times bytes of one search: about a second.
const WORK_MAX: usize = 1 << 26;
/// No text so short is worth a look at the states.
const SHORT: usize = 256;
/// Bytes that a compiled expression may take.
const COMPILED_MAX: usize = 4 << 20;
/// When the lazy automaton gives up: so many times it was full, with so few bytes for each state.
const CLEARED_MAX: usize = 3;
const BYTES_A_STATE: usize = 100;

/// Where a match and its groups lie, the whole first.
pub type Groups = Vec<Option<(usize, usize)>>;

/// How an expression is read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Syntax {
    /// Letters match in any case.
    pub fold_case: bool,
    /// `.` matches a newline.
    pub dot_is_all: bool,
    /// `^` and `$` match at lines.
    pub lines: bool,
    /// Blanks and comments are left out.
    pub expanded: bool,
}

/// A compiled expression.
#[derive(Debug)]
pub struct Search {
    regex: Regex,
    pattern: String,
    syntax: Syntax,
    /// Made for the first text that is not short.
    slow: OnceLock<Option<Slow>>,
}

/// What long texts are searched with.
#[derive(Debug)]
struct Slow {
    states: usize,
    lazy: lazy::Regex,
    groups: PikeVM,
}

impl Search {
    /// Compiles an expression in the `regex` crate's syntax.
    ///
    /// # Errors
    /// The crate's: a syntax error, or an expression that is too large.
    pub fn new(pattern: &str, syntax: Syntax) -> std::result::Result<Search, regex::Error> {
        let regex = regex::RegexBuilder::new(pattern)
            .case_insensitive(syntax.fold_case)
            .dot_matches_new_line(syntax.dot_is_all)
            .multi_line(syntax.lines)
            .ignore_whitespace(syntax.expanded)
            .size_limit(COMPILED_MAX)
            .build()?;
        Ok(Search { regex, pattern: pattern.to_owned(), syntax, slow: OnceLock::new() })
    }

    /// Whether it is found.
    ///
    /// # Errors
    /// 54000 where that would take too long.
    pub fn is_match(&self, text: &str) -> Result<bool> {
        let Some(slow) = self.slow_for(text.len())? else { return Ok(self.regex.is_match(text)) };
        let input = Input::new(text).earliest(true);
        let mut cache = slow.lazy.forward().create_cache();
        let found = slow.lazy.forward().try_search_fwd(&mut cache, &input);
        found.map(|found| found.is_some()).map_err(|_| too_complex())
    }

    /// The first match from a byte on.
    ///
    /// # Errors
    /// 54000 where that would take too long.
    pub fn groups_at(&self, text: &str, at: usize) -> Result<Option<Groups>> {
        if at > text.len() {
            return Ok(None);
        }
        let Some(slow) = self.slow_for(text.len() - at)? else {
            let place = |group: Option<regex::Match<'_>>| group.map(|m| (m.start(), m.end()));
            return Ok(self.regex.captures_at(text, at).map(|c| c.iter().map(place).collect()));
        };
        let mut cache = slow.lazy.create_cache();
        let input = Input::new(text).range(at..);
        let found = slow.lazy.try_search(&mut cache, &input).map_err(|_| too_complex())?;
        let Some(found) = found else { return Ok(None) };
        let alone = slow.groups.get_nfa().group_info().explicit_slot_len() == 0;
        if alone {
            return Ok(Some(vec![Some((found.start(), found.end()))]));
        }
        if (found.len() + 1).saturating_mul(slow.states) > WORK_MAX {
            return Err(too_complex());
        }
        let input = Input::new(text).range(found.range()).anchored(Anchored::Yes);
        let mut cache = slow.groups.create_cache();
        let mut captures = slow.groups.create_captures();
        slow.groups.captures(&mut cache, input, &mut captures);
        Ok(Some(captures.iter().map(|group| group.map(|m| (m.start, m.end))).collect()))
    }

    /// What a text of this length is searched with instead, where it is too long for the crate.
    fn slow_for(&self, length: usize) -> Result<Option<&Slow>> {
        if length <= SHORT {
            return Ok(None);
        }
        let made = self.slow.get_or_init(|| Slow::new(&self.pattern, self.syntax));
        let slow = made.as_ref().ok_or_else(too_complex)?;
        Ok((length.saturating_mul(slow.states) > WORK_MAX).then_some(slow))
    }
}

impl Slow {
    fn new(pattern: &str, syntax: Syntax) -> Option<Slow> {
        let syntax = syntax::Config::new()
            .case_insensitive(syntax.fold_case)
            .dot_matches_new_line(syntax.dot_is_all)
            .multi_line(syntax.lines)
            .ignore_whitespace(syntax.expanded);
        let lazy = lazy::Regex::builder()
            .syntax(syntax)
            .dfa(
                dfa::Config::new()
                    .unicode_word_boundary(true)
                    .skip_cache_capacity_check(true)
                    .minimum_cache_clear_count(Some(CLEARED_MAX))
                    .minimum_bytes_per_state(Some(BYTES_A_STATE)),
            )
            .build(pattern)
            .ok()?;
        let config = thompson::Config::new().nfa_size_limit(None);
        let nfa = NFA::compiler().syntax(syntax).configure(config).build(pattern).ok()?;
        let states = nfa.states().len();
        Some(Slow { states, lazy, groups: PikeVM::new_from_nfa(nfa).ok()? })
    }
}

#[cold]
fn too_complex() -> Error {
    let message = "regular expression is too complex for a text of this length";
    Error::new(ErrorKind::Limit, "54000", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_take_long_is_refused_at_once() {
        let search = Search::new("(a{1,100}){1,100}b", Syntax::default()).unwrap();
        let began = std::time::Instant::now();
        let text = "a".repeat(100_000);
        assert_eq!(search.is_match(&text).unwrap_err().sqlstate, "54000");
        assert_eq!(search.groups_at(&text, 0).unwrap_err().sqlstate, "54000");
        assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
        assert!(search.is_match("aab").unwrap());
    }

    #[test]
    fn long_texts_give_what_short_ones_give() {
        let head = "x ".repeat(200_000);
        for pattern in [r"(\w+)@(\w{1,50})\.(com|org)", r"(b|bc)(c?)d{1,200}", r"\bend$"] {
            let search = Search::new(pattern, Syntax::default()).unwrap();
            for tail in ["ann@ex.org bcdd", "bcdd end", "nothing"] {
                let text = format!("{head}{tail}");
                let short = search.groups_at(tail, 0).unwrap();
                let moved = |(start, end)| (start + head.len(), end + head.len());
                let moved =
                    short.map(|all| all.into_iter().map(|one| one.map(moved)).collect::<Groups>());
                assert_eq!(search.groups_at(&text, 0).unwrap(), moved, "{pattern} in …{tail}");
                assert_eq!(search.is_match(&text).unwrap(), moved.is_some());
            }
        }
    }
}
