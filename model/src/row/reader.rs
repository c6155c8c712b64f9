//! Reading some columns of many rows.
//!
//! The plan for a list of wanted columns is made once; each row is then one walk over its map, in
//! step with the wanted ids, and over its key where a wanted column stands there.
//!
//! ```text
//!   wanted, ascending by id:   2→slot 1   5→slot 0   7→slot 2 (key element 0)
//!   map:                       1 … 2 … 3 … 5 … │ stop after 7 or the first name
//!   not met:                   key element, else NULL or the column's missing value
//! ```
//!
//! Texts and bytes are borrowed from the page. What has to be made anew (decimals, a key's escaped
//! text) lies in the arena.

use std::sync::Arc;

use smallvec::{SmallVec, smallvec};
use value::{Key, KeyReader, Value};

use super::{Row, convert};
use crate::datum::{Arena, Datum};
use crate::error::{Error, Result};
use crate::key;
use crate::schema::{Collection, ColumnId};
use crate::types::Type;

struct Wanted {
    id: u32,
    slot: usize,
    ty: Type,
    /// Its place among the key's elements.
    key: Option<usize>,
    added: u32,
    missing: Option<Value>,
}

/// How many elements of the key must be walked for these.
fn elements_of(wanted: &[Wanted]) -> usize {
    wanted.iter().filter_map(|wanted| wanted.key).max().map_or(0, |last| last + 1)
}

/// Decodes the same columns of every row.
pub struct RowReader {
    /// Ascending by id.
    wanted: Vec<Wanted>,
    /// How many elements of the key must be walked; 0: none.
    key_elements: usize,
    width: usize,
}

impl RowReader {
    /// A reader of these columns, into slots in the order given.
    pub fn new(collection: &Collection, columns: &[ColumnId]) -> Result<RowReader> {
        let mut wanted = Vec::with_capacity(columns.len());
        for (slot, id) in columns.iter().enumerate() {
            let column =
                collection.column_by_id(*id).ok_or(Error::Internal("no column of that id"))?;
            wanted.push(Wanted {
                id: id.0,
                slot,
                ty: column.ty,
                key: collection.key_position(*id),
                added: column.added,
                missing: column.missing.clone(),
            });
        }
        wanted.sort_by_key(|wanted| wanted.id);
        let key_elements = elements_of(&wanted);
        Ok(RowReader { wanted, key_elements, width: columns.len() })
    }

    /// The same, but slots for which `needed` answers false stay as they are given.
    pub fn only(mut self, needed: impl Fn(usize) -> bool) -> RowReader {
        self.wanted.retain(|wanted| needed(wanted.slot));
        self.key_elements = elements_of(&self.wanted);
        self
    }

    /// A reader of every declared column in order.
    pub fn whole(collection: &Arc<Collection>) -> Result<RowReader> {
        let columns: Vec<ColumnId> = collection.columns.iter().map(|column| column.id).collect();
        RowReader::new(collection, &columns)
    }

    /// The number of slots.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Decodes one row into `out`, which has [`RowReader::width`] slots.
    pub fn read<'a>(
        &'a self,
        row_key: &'a [u8],
        value: &'a [u8],
        arena: &'a Arena,
        out: &mut [Datum<'a>],
    ) -> Result<()> {
        if out.len() != self.width {
            return Err(Error::Internal("a row reader was given a row of another width"));
        }
        let row = Row::read(value)?;
        let mut found: SmallVec<[bool; 32]> = smallvec![false; self.wanted.len()];
        self.read_map(row, arena, out, &mut found)?;
        if self.key_elements > 0 && !key::is_cut(row_key) {
            self.read_key(row_key, arena, out, &mut found)?;
        }
        for (wanted, found) in self.wanted.iter().zip(found) {
            if !found && let Some(slot) = out.get_mut(wanted.slot) {
                *slot = absent(wanted, row.version, arena)?;
            }
        }
        Ok(())
    }

    #[inline]
    fn read_map<'a>(
        &'a self,
        row: Row<'a>,
        arena: &'a Arena,
        out: &mut [Datum<'a>],
        found: &mut [bool],
    ) -> Result<()> {
        let mut next = self.wanted.iter().zip(found.iter_mut()).peekable();
        for entry in row.map.entries() {
            let (Key::Id(id), raw) = entry? else { return Ok(()) };
            while next.next_if(|(wanted, _)| wanted.id < id).is_some() {}
            // The same column may be wanted twice.
            while let Some((wanted, found)) = next.next_if(|(wanted, _)| wanted.id == id) {
                *found = true;
                if let Some(slot) = out.get_mut(wanted.slot) {
                    *slot = convert::from_item(raw, wanted.ty, arena)?;
                }
            }
            if next.peek().is_none() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn read_key<'a>(
        &'a self,
        row_key: &'a [u8],
        arena: &'a Arena,
        out: &mut [Datum<'a>],
        found: &mut [bool],
    ) -> Result<()> {
        let corrupt = || Error::Corrupt("key of a row".into());
        let mut reader = KeyReader::new(key::row_elements(row_key));
        for place in 0..self.key_elements {
            let element = reader.skip().map_err(|_| corrupt())?.ok_or_else(corrupt)?;
            for (wanted, found) in self.wanted.iter().zip(found.iter_mut()) {
                if wanted.key != Some(place) || *found {
                    continue;
                }
                *found = true;
                if let Some(slot) = out.get_mut(wanted.slot) {
                    *slot = convert::from_key(element, wanted.ty, arena)?;
                }
            }
        }
        Ok(())
    }
}

fn absent<'a>(wanted: &'a Wanted, version: u32, arena: &'a Arena) -> Result<Datum<'a>> {
    match &wanted.missing {
        Some(value) if version < wanted.added => convert::borrowed(value, wanted.ty, arena),
        _ => Ok(Datum::Null),
    }
}
