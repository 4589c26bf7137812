//! The report of an import: the JSON document, the table of problems for a terminal, and the workbook of rejected rows.

pub mod document;
mod outcome;
mod problem_list;
pub mod rejected;
pub mod saved;

pub use problem_list::ProblemList;

pub use document::{Document, EventNotice, ItemView, PlanView, Undelivered};

use crate::console;
use crate::console::style::{Tone, paint};

use super::problems::{ImportProblem, Severity};

/// Maximum number of problems in the table; the workbook contains all.
const MAX_SHOWN: usize = 200;

/// Formats problems as a table for a terminal; `None` without problems.
pub fn table(problems: &[ImportProblem]) -> Option<String> {
    if problems.is_empty() {
        return None;
    }
    let mut table = console::table(["severity", "cell", "event", "problem"]);
    for problem in problems.iter().take(MAX_SHOWN) {
        let severity = match problem.severity {
            Severity::Error => paint(Tone::Bad, "error"),
            _ => paint(Tone::Warning, "warning"),
        };
        let place = problem.cell.clone().or_else(|| problem.row.map(|row| format!("row {row}")));
        table.add_row([
            severity,
            place.unwrap_or_default(),
            problem.event.clone().unwrap_or_default(),
            sentence(problem),
        ]);
    }
    let more = problems.len().saturating_sub(MAX_SHOWN);
    let rest = if more > 0 {
        format!("\n… and {more} more; the workbook of --report has all of them")
    } else {
        String::new()
    };
    Some(format!("{table}{rest}"))
}

/// Returns the message of a problem with its suggestions.
pub fn sentence(problem: &ImportProblem) -> String {
    match problem.suggestions.as_slice() {
        [] => problem.message.clone(),
        suggestions => format!("{} (perhaps: {})", problem.message, suggestions.join(", ")),
    }
}
