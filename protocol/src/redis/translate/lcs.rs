//! LCS: the longest common subsequence of two strings, its length, or where it lies.
//!
//! The table of Wagner and Fischer, walked backwards from its end as Redis does, so that of several
//! longest subsequences the same one is found.

use qanat::keys::KeyError;

use super::words::{SYNTAX, is};
use super::{Call, Failure, Outcome, string};
use crate::redis::codec::Aggregate;

/// Cells of the table at most: 128 million of 4 bytes, Redis's `proto-max-bulk-len`.
const CELLS_MAX: usize = (512 << 20) / 4;

#[derive(Default)]
struct Options {
    length: bool,
    places: bool,
    least: usize,
    lengths: bool,
}

struct Match {
    a: (usize, usize),
    b: (usize, usize),
}

pub(super) async fn lcs(call: &mut Call<'_, '_>) -> Outcome {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for (key, value) in [(call.arg(1), &mut a), (call.arg(2), &mut b)] {
        match call.keys.get_string(key).await {
            Ok(found) => {
                call.lookups.saw(found.is_some());
                *value = found.map_or_else(Vec::new, Vec::from);
            }
            Err(KeyError::WrongType) => {
                return Err(Failure::Text("ERR The specified keys must contain string values"));
            }
            Err(other) => return Err(other.into()),
        }
    }
    let options = options(call)?;
    let table = Table::of(&a, &b)?;
    let (text, matches) = table.walk(options.least);
    if options.places {
        write_places(call, &matches, table.at(a.len(), b.len()), options.lengths);
    } else if options.length {
        call.reply.integer(i64::from(table.at(a.len(), b.len())));
    } else {
        call.reply.bulk(&text);
    }
    Ok(())
}

fn options(call: &Call<'_, '_>) -> Result<Options, Failure> {
    let mut options = Options::default();
    let mut at = 3;
    while let Some(word) = call.argv.get(at) {
        match () {
            () if is(word, "idx") => options.places = true,
            () if is(word, "len") => options.length = true,
            () if is(word, "withmatchlen") => options.lengths = true,
            () if is(word, "minmatchlen") && at + 1 < call.argv.len() => {
                at += 1;
                options.least = string::natural(call.arg(at))?;
            }
            () => return Err(SYNTAX),
        }
        at += 1;
    }
    if options.length && options.places {
        let text = "ERR If you want both the length and indexes, please just use IDX.";
        return Err(Failure::Text(text));
    }
    Ok(options)
}

fn write_places(call: &mut Call<'_, '_>, matches: &[Match], length: u32, lengths: bool) {
    let reply = &mut call.reply;
    let mark = reply.begin();
    reply.bulk(b"matches");
    reply.array(matches.len());
    for found in matches {
        reply.array(2 + usize::from(lengths));
        for (from, to) in [found.a, found.b] {
            reply.array(2);
            reply.integer(from as i64);
            reply.integer(to as i64);
        }
        if lengths {
            reply.integer((found.a.1 - found.a.0 + 1) as i64);
        }
    }
    reply.bulk(b"len");
    reply.integer(i64::from(length));
    reply.end(mark, Aggregate::Map, 2);
}

struct Table<'a> {
    a: &'a [u8],
    b: &'a [u8],
    cells: Vec<u32>,
}

impl<'a> Table<'a> {
    fn of(a: &'a [u8], b: &'a [u8]) -> Result<Self, Failure> {
        let size = (a.len() + 1).checked_mul(b.len() + 1).filter(|cells| *cells <= CELLS_MAX);
        let Some(size) = size else {
            let text =
                "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len";
            return Err(Failure::Text(text));
        };
        let mut table = Table { a, b, cells: vec![0; size] };
        for (i, x) in a.iter().enumerate() {
            for (j, y) in b.iter().enumerate() {
                let value = match x == y {
                    true => table.at(i, j) + 1,
                    false => table.at(i, j + 1).max(table.at(i + 1, j)),
                };
                let place = (i + 1) * (b.len() + 1) + j + 1;
                if let Some(cell) = table.cells.get_mut(place) {
                    *cell = value;
                }
            }
        }
        Ok(table)
    }

    fn at(&self, i: usize, j: usize) -> u32 {
        self.cells.get(i * (self.b.len() + 1) + j).copied().unwrap_or(0)
    }

    /// The subsequence, and its runs of at least `least` bytes, the last one first.
    fn walk(&self, least: usize) -> (Vec<u8>, Vec<Match>) {
        let (mut i, mut j) = (self.a.len(), self.b.len());
        let (mut text, mut matches) = (Vec::new(), Vec::new());
        let mut run: Option<Match> = None;
        while i > 0 && j > 0 {
            let (x, y) = (self.a.get(i - 1), self.b.get(j - 1));
            let mut ended = false;
            if x == y {
                text.extend(x);
                let open = run.get_or_insert(Match { a: (i, i - 1), b: (j, j - 1) });
                open.a.0 = i - 1;
                open.b.0 = j - 1;
                ended = open.a.0 == 0 || open.b.0 == 0;
                i -= 1;
                j -= 1;
            } else {
                if self.at(i - 1, j) > self.at(i, j - 1) {
                    i -= 1
                } else {
                    j -= 1
                }
                ended |= run.is_some();
            }
            if ended {
                matches.extend(run.take().filter(|run| run.a.1 + 1 - run.a.0 >= least));
            }
        }
        text.reverse();
        (text, matches)
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn the_example_of_the_manual() {
        let table = Table::of(b"ohmytext", b"mynewtext").unwrap();
        let (text, matches) = table.walk(0);
        assert_eq!(text, b"mytext");
        let places: Vec<_> = matches.iter().map(|m| (m.a, m.b)).collect();
        assert_eq!(places, [((4, 7), (5, 8)), ((2, 3), (0, 1))]);
        assert_eq!(table.walk(4).1.len(), 1);
    }
}
