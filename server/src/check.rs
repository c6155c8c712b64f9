//! `qanat check`: says of each file of a store whether it is what was written.
//!
//! The reading and judging is the library's ([`qanat::check`]); here it becomes lines and an exit
//! status: 0 the store is whole, 1 something is damaged, 2 it cannot be read.

use std::process::ExitCode;

use qanat::check::{Condition, Report};

use crate::arguments::Check;
use crate::{WRONG_USE, config, wrong_use};

/// Checks a store.
pub fn main(flags: &Check) -> ExitCode {
    let store = match config::store(flags.store.as_deref(), flags.config.as_deref()) {
        Ok(store) => store,
        Err(message) => return wrong_use(&message),
    };
    match qanat::check::check(&store) {
        Ok(report) => {
            print!("{}", text(&store, &report));
            ExitCode::from(u8::from(report.is_damaged()))
        }
        Err(error) => {
            eprintln!("qanat: cannot check {store}: {}", error.message);
            ExitCode::from(WRONG_USE)
        }
    }
}

/// The report as lines: the files in their order, then the sum.
fn text(store: &str, report: &Report) -> String {
    let mut lines = String::new();
    for file in &report.files {
        let word = match file.condition {
            Condition::Good => "ok     ",
            Condition::Harmless => "note   ",
            Condition::Damaged => "DAMAGED",
        };
        let about = if file.about.is_empty() { "" } else { "  " };
        lines.push_str(&format!("{word}  {}{about}{}\n", file.name, file.about));
    }
    let damaged = report.files.iter().filter(|f| f.condition == Condition::Damaged).count();
    let sum = match damaged {
        0 => "the store is whole".to_owned(),
        count => format!("{count} damaged"),
    };
    lines.push_str(&format!("{store}: {} files, {sum}\n", report.files.len()));
    lines
}

#[cfg(test)]
mod tests {
    use qanat::check::FileReport;

    use super::*;

    #[test]
    fn damage_is_counted_and_named() {
        let file = |name: &str, condition, about: &str| FileReport {
            name: name.into(),
            condition,
            about: about.into(),
        };
        let mut report = Report { files: vec![file("FORMAT", Condition::Good, "")] };
        assert_eq!(text("x", &report), "ok       FORMAT\nx: 1 files, the store is whole\n");
        report.files.push(file("1.log", Condition::Damaged, "record 3"));
        let told = text("x", &report);
        assert!(told.contains("DAMAGED  1.log  record 3\nx: 2 files, 1 damaged\n"), "{told}");
    }
}
