//! Problems as a table for a terminal.

use super::problems::{ImportProblem, Severity};
use crate::console;
use crate::console::style::{Tone, paint};

/// Maximum number of problems in the table; the workbook contains all.
const MAX_SHOWN: usize = 200;

/// What the rows of a table of problems name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedPlace {
    /// The cell of the only sheet, and the event.
    CellAndEvent,
    /// The sheet and its cell.
    SheetAndCell,
}

/// Formats problems as a table; `None` without problems.
pub fn table(problems: &[ImportProblem], named: NamedPlace) -> Option<String> {
    if problems.is_empty() {
        return None;
    }
    let mut table = match named {
        NamedPlace::CellAndEvent => console::table(["severity", "cell", "event", "problem"]),
        NamedPlace::SheetAndCell => console::table(["severity", "cell", "problem"]),
    };
    for problem in problems.iter().take(MAX_SHOWN) {
        let severity = match problem.severity {
            Severity::Error => paint(Tone::Bad, "error"),
            Severity::Warning => paint(Tone::Warning, "warning"),
        };
        let sentence = problem.sentence();
        match named {
            NamedPlace::CellAndEvent => {
                let cell = problem.cell.clone().or_else(|| problem.row.map(|row| format!("row {row}")));
                table.add_row([
                    severity,
                    cell.unwrap_or_default(),
                    problem.event.clone().unwrap_or_default(),
                    sentence,
                ]);
            }
            NamedPlace::SheetAndCell => table.add_row([severity, problem.place(), sentence]),
        }
    }
    match problems.len().saturating_sub(MAX_SHOWN) {
        0 => Some(table.to_string()),
        more => Some(format!("{table}\n… and {more} more; the workbook of --report has all of them")),
    }
}
