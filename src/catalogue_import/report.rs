//! The problems of a catalogue workbook: as a table for a terminal, and as a workbook of the rejected rows.

use std::collections::BTreeSet;

use rust_xlsxwriter::{Note, Workbook, XlsxError};
use spreadsheet::{CellValue, Sheet, write_cell};

use super::read::{CatalogueRows, PROBLEM_HEADER, place};
use crate::console;
use crate::console::style::{Tone, paint};
use crate::timetable_import::problems::{ImportProblem, cell_name};
use crate::timetable_import::report::sentence;
use crate::timetable_import::sheet::style;
use crate::timetable_import::values;

/// Maximum number of problems in the table; the workbook contains all.
const MAX_SHOWN: usize = 200;

/// Formats problems as a table for a terminal; `None` without problems.
pub fn table(problems: &[ImportProblem]) -> Option<String> {
    if problems.is_empty() {
        return None;
    }
    let mut table = console::table(["severity", "cell", "problem"]);
    for problem in problems.iter().take(MAX_SHOWN) {
        let severity = if problem.is_error() { paint(Tone::Bad, "error") } else { paint(Tone::Warning, "warning") };
        table.add_row([severity, place(problem), sentence(problem)]);
    }
    match problems.len().saturating_sub(MAX_SHOWN) {
        0 => Some(table.to_string()),
        more => Some(format!("{table}\n… and {more} more; the workbook of --report has all of them")),
    }
}

/// Returns a workbook with the rejected rows, each cell with a problem marked. None: no row is rejected.
///
/// # Errors
/// A text is longer than the maximum of a cell.
pub fn workbook(given: &CatalogueRows, problems: &[ImportProblem]) -> Result<Option<Vec<u8>>, XlsxError> {
    let mut book = Workbook::new();
    let mut is_empty = true;
    for sheet in &given.sheets {
        let of_sheet: Vec<&ImportProblem> = problems
            .iter()
            .filter(|problem| problem.is_error() && problem.sheet.as_deref() == Some(&sheet.name))
            .collect();
        let rows: BTreeSet<u32> = of_sheet.iter().filter_map(|problem| problem.row).collect();
        if !rows.is_empty() {
            add_sheet(&mut book, sheet, &rows, &of_sheet)?;
            is_empty = false;
        }
    }
    if is_empty { Ok(None) } else { book.save_to_buffer().map(Some) }
}

fn add_sheet(
    book: &mut Workbook,
    sheet: &Sheet,
    rows: &BTreeSet<u32>,
    problems: &[&ImportProblem],
) -> Result<(), XlsxError> {
    let page = book.add_worksheet().set_name(&sheet.name)?;
    let header = sheet.rows.first().map_or(0, |row| row.number);
    let last = sheet.rows.first().and_then(|row| row.cells.last()).map_or(0, |cell| cell.column + 1);
    let last = u16::try_from(last).unwrap_or(u16::MAX - 1);
    page.write_string_with_format(0, last, PROBLEM_HEADER, &style::header(false))?;
    page.set_column_width(last, 60.0)?;
    let mut at = 0;
    for row in sheet.rows.iter().filter(|row| row.number == header || rows.contains(&row.number)) {
        let is_header = row.number == header;
        for cell in &row.cells {
            let Ok(column) = u16::try_from(cell.column) else { continue };
            let text = values::display(&cell.content, sheet.since_1904).unwrap_or_default();
            let name = cell_name(row.number, cell.column);
            let is_marked = problems.iter().any(|problem| problem.cell.as_deref() == Some(&name));
            let plain = if is_header { style::header(false) } else { style::wrapped() };
            let shown = if is_marked { style::marked(plain, true) } else { plain };
            write_cell(page, (at, column), &CellValue::Text(text), &shown)?;
        }
        let of_row: Vec<&&ImportProblem> = problems.iter().filter(|problem| problem.row == Some(row.number)).collect();
        if !of_row.is_empty() && !is_header {
            let all: Vec<String> = of_row
                .iter()
                .map(|problem| format!("{} (was {})", sentence(problem), problem.cell.clone().unwrap_or_default()))
                .collect();
            page.write_string_with_format(at, last, all.join("\n"), &style::wrapped())?;
        }
        at += 1;
    }
    let note = Note::new("Correct the marked cells and import this workbook. This column is not read.");
    page.insert_note(0, last, &note.add_author_prefix(false))?;
    page.set_freeze_panes(1, 0)?;
    Ok(())
}
