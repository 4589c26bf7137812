//! Problems as a table for a terminal.

use super::problems::{ImportProblem, Severity};
use crate::console;
use crate::console::style::{Tone, paint};

/// Maximum number of problems in the table; the workbook contains all.
const MAX_SHOWN: usize = 200;

/// The columns of a table of problems that say where each is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceColumns {
    /// The cell of the only sheet, and the event.
    CellAndEvent,
    /// The sheet and its cell.
    SheetAndCell,
}

/// Formats problems as a table; `None` without problems.
pub fn table(problems: &[ImportProblem], named: PlaceColumns) -> Option<String> {
    if problems.is_empty() {
        return None;
    }
    let mut table = match named {
        PlaceColumns::CellAndEvent => console::table(["severity", "cell", "event", "problem"]),
        PlaceColumns::SheetAndCell => console::table(["severity", "cell", "problem"]),
    };
    for problem in problems.iter().take(MAX_SHOWN) {
        let severity = match problem.severity {
            Severity::Error => paint(Tone::Bad, "error"),
            Severity::Warning => paint(Tone::Warning, "warning"),
        };
        let sentence = problem.sentence();
        match named {
            PlaceColumns::CellAndEvent => {
                let cell = problem.cell.clone().or_else(|| problem.row.map(|row| format!("row {row}")));
                table.add_row([
                    severity,
                    cell.unwrap_or_default(),
                    problem.event.clone().unwrap_or_default(),
                    sentence,
                ]);
            }
            PlaceColumns::SheetAndCell => table.add_row([severity, problem.place(), sentence]),
        }
    }
    match problems.len().saturating_sub(MAX_SHOWN) {
        0 => Some(table.to_string()),
        more => Some(format!("{table}\n… and {more} more; the workbook of --report has all of them")),
    }
}
