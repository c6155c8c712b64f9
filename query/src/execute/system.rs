//! The scan of a system table: its rows come from the catalogue, all at once.

use super::batch::Batch;
use super::run::{Operator, Run, Step};
use crate::Result;
use crate::system::SystemTable;

/// Gives the rows of a system table.
pub struct SystemScan {
    table: &'static SystemTable,
    done: bool,
}

impl SystemScan {
    /// All columns, in order.
    pub fn new(table: &'static SystemTable) -> SystemScan {
        SystemScan { table, done: false }
    }
}

impl Operator for SystemScan {
    fn next(&mut self, run: &mut Run) -> Result<Step> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(Step::Done);
        }
        run.check_cancelled()?;
        let (batch, ()) = Batch::build(self.table.columns.len(), |writer| {
            let arena = writer.arena();
            (self.table.rows)(&**run.frame.session(), arena, &mut |row| writer.row(row))
        })?;
        Ok(if batch.is_empty() { Step::Done } else { Step::Rows(batch) })
    }

    fn rewind(&mut self, _run: &mut Run) {
        self.done = false;
    }
}
