//! EXPLAIN: the plan of a statement as text; with ANALYZE it is run and its operators are counted.

use std::sync::Arc;

use language::sql::{ast, define};
use query::execute::explain as printer;
use query::execute::fault::fault;
use query::execute::start;
use query::plan::optimize::Statistics;

use super::portal::Tag;
use super::prepare::has_plan;
use super::statement::within;
use super::utility::{text_column, text_rows};
use super::{Portal, Session, TextParameters};
use crate::{Error, ErrorKind, Result};

/// What was asked of EXPLAIN.
#[derive(Default)]
struct Options {
    analyze: bool,
    hide_costs: bool,
    hide_timing: bool,
    hide_summary: bool,
}

impl Session {
    pub(super) async fn explain(&mut self, explain: &ast::Explain, text: &str) -> Result<Portal> {
        let options = options(&explain.options)?;
        if !has_plan(&explain.statement) {
            return Err(Error::unsupported("EXPLAIN of this statement"));
        }
        let prepared = self.prepare_inner(&explain.statement, text).await?;
        let lines = if options.analyze {
            self.check_read_only(&explain.statement)?;
            self.start_statement().await?;
            let runnable = self.runnable(&prepared).await?;
            let work = self.active().await?.work.clone();
            let savepoint = work.savepoint().map_err(fault)?;
            let result = self.run_counted(&runnable).await;
            if result.is_err() {
                work.rollback_to(&savepoint).await.map_err(fault)?;
            }
            work.release(&savepoint);
            let (counts, seconds) = result?;
            let mut lines = self.printed(&runnable, Some(&counts), &options).await?;
            if !options.hide_summary {
                lines.push(format!("Execution Time: {:.3} ms", seconds * 1000.0));
            }
            lines
        } else {
            let runnable = self.runnable(&prepared).await?;
            self.printed(&runnable, None, &options).await?
        };
        let rows: Vec<Vec<Option<String>>> =
            lines.into_iter().map(|line| vec![Some(line)]).collect();
        let columns = Arc::new([text_column("QUERY PLAN")]);
        Ok(Portal::rows(columns, text_rows(1, &rows)?, Tag::Plain("EXPLAIN".into())))
    }

    /// Runs a statement by operators that count; the counts and the seconds that it took.
    async fn run_counted(
        &mut self,
        runnable: &super::prepare::Runnable,
    ) -> Result<(Arc<printer::Counts>, f64)> {
        let begin = std::time::Instant::now();
        let (frame, settings) = self.frame_of(runnable, &TextParameters(&[])).await?;
        let work = self.active().await?.work.clone();
        let (mut running, counts) = start::start_counted(&runnable.plan, frame, work, settings)?;
        let all = async {
            while running.next().await?.is_some() {}
            Ok(())
        };
        within(self.limit(), all).await?;
        Ok((counts, begin.elapsed().as_secs_f64()))
    }

    async fn printed(
        &mut self,
        runnable: &super::prepare::Runnable,
        counts: Option<&printer::Counts>,
        options: &Options,
    ) -> Result<Vec<String>> {
        let active = self.active().await?;
        let shown =
            printer::Options { costs: !options.hide_costs, counts, timing: !options.hide_timing };
        let statement = &runnable.plan.statement;
        let statistics = Statistics::of(&active.work, statement).await?;
        Ok(printer::explain(statement, &statistics, &*active.environment, &shown))
    }
}

fn options(list: &[ast::OptionItem]) -> Result<Options> {
    let mut options = Options { ..Options::default() };
    for item in list {
        let text = define::option_text(item);
        let value = match text.as_deref() {
            None => true,
            Some(text) => crate::settings::parse_bool(text).unwrap_or(true),
        };
        match item.name.name.as_str() {
            "analyze" => options.analyze = value,
            // The names of columns that VERBOSE adds are those that are shown anyway.
            "verbose" => {}
            "costs" => options.hide_costs = !value,
            // These are never shown, so switching them off changes nothing.
            "buffers" | "wal" | "settings" if !value => {}
            "timing" => options.hide_timing = !value,
            "summary" => options.hide_summary = !value,
            "format" if text.as_deref() == Some("text") => {}
            other => {
                let what = format!("EXPLAIN option {}", other.to_uppercase());
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    "0A000",
                    format!("{what} is not supported"),
                )
                .at(item.name.position.0));
            }
        }
    }
    Ok(options)
}
