//! Key spaces as tables: what a scan yields of Redis's keys.
//!
//! A key's record is no document: it has a layout of its own, its members may stand in records of
//! their own, and it may have expired. So its rows are made by the model's decoder and picked here.
//! A row that has expired is none, by the time of the statement.
//!
//! Known edge: the members of a large hash are read where they are decoded, page by page, without a
//! wait; a store whose answers come later would need a request for each, and answers by name until
//! it has one.

use model::keyspace::{self, Members};
use model::{Collection, StoredRow};
use transaction::{Direction, PageLimit, Scan};

use super::fault::{fault, store};
use super::run::Run;
use crate::plan::ScanColumn;
use crate::{Arena, Datum, Error, Result};

/// Pushes the wanted columns of one key; false where it has expired.
pub fn push<'b>(
    collection: &Collection,
    columns: &[ScanColumn],
    row: &'b StoredRow,
    run: &Run,
    cells: &mut Vec<Datum<'b>>,
    arena: &'b Arena,
) -> Result<bool> {
    let now = u64::try_from(run.frame.session().statement_time() / 1000).unwrap_or(0);
    let read = keyspace::columns(&row.key, row.value.clone(), now).map_err(fault)?;
    let Some(mut read) = read else { return Ok(false) };
    let wants_members = columns.iter().any(|column| is_named(collection, column, "members"));
    if let (Members::Large(range), true) = (read.members.clone(), wants_members) {
        let mut scan = Scan {
            start: range.start,
            end: range.end,
            direction: Direction::Forward,
            limit: PageLimit::default(),
        };
        loop {
            run.check_cancelled()?;
            let page = run.work.buffer().scan_now(&scan, run.seeing.until, run.seeing.view);
            let page =
                page.ok_or_else(|| Error::unsupported("a large hash in SQL over this store"))?;
            let page = page.map_err(store)?;
            for (key, value) in &page.records {
                read.add_member(key, value).map_err(fault)?;
            }
            match page.next {
                Some(next) => scan.start = next,
                None => break,
            }
        }
    }
    let datums = read.datums(arena);
    for column in columns {
        cells.push(match column {
            ScanColumn::Column(id) => {
                let at = collection.columns.iter().position(|c| c.id == *id);
                at.and_then(|at| datums.get(at)).copied().unwrap_or(Datum::Null)
            }
            ScanColumn::TableOid => Datum::Int(collection.id.0.into()),
            ScanColumn::Key => Datum::Bytes(&row.key),
            ScanColumn::Document => {
                return Err(Error::unsupported("the column _doc of a key space"));
            }
            ScanColumn::Field(_) => Datum::Missing,
        });
    }
    Ok(true)
}

fn is_named(collection: &Collection, column: &ScanColumn, name: &str) -> bool {
    match column {
        ScanColumn::Column(id) => collection.column_by_id(*id).is_some_and(|c| c.name == name),
        _ => false,
    }
}
