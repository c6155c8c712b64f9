//! The scan of a system table: its rows come from the catalogue, all at once.
//!
//! The catalogue does not change while a statement runs, so the rows are made once and given again
//! each time the scan starts over: clients ask for a column's default or a sequence's bounds by a
//! subquery for each row of pg_attribute.

use std::sync::Arc;

use super::batch::Batch;
use super::run::{Operator, Run, Step};
use crate::Result;
use crate::system::SystemTable;

/// Gives the rows of a system table.
pub struct SystemScan {
    table: &'static SystemTable,
    rows: Option<Arc<Batch>>,
    done: bool,
}

impl SystemScan {
    /// All columns, in order.
    pub fn new(table: &'static SystemTable) -> SystemScan {
        SystemScan { table, rows: None, done: false }
    }

    fn rows(&mut self, run: &Run) -> Result<Arc<Batch>> {
        if let Some(rows) = &self.rows {
            return Ok(rows.clone());
        }
        let (rows, ()) = Batch::build(self.table.columns.len(), |writer| {
            let arena = writer.arena();
            (self.table.rows)(&**run.frame.session(), arena, &mut |row| writer.row(row))
        })?;
        Ok(self.rows.insert(rows).clone())
    }
}

impl Operator for SystemScan {
    fn next(&mut self, run: &mut Run) -> Result<Step> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(Step::Done);
        }
        run.check_cancelled()?;
        let rows = self.rows(run)?;
        Ok(if rows.is_empty() { Step::Done } else { Step::Rows(rows) })
    }

    fn rewind(&mut self, _run: &mut Run) {
        self.done = false;
    }
}
