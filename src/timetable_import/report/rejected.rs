//! Writes the workbook of the rejected rows for the author of the timetable: invalid cells are coloured and commented.
//!
//! The workbook has the header of the imported file, so that it can be corrected and imported again.

use std::collections::HashMap;

use rust_xlsxwriter::{Color, Format as Style, Note, Workbook, Worksheet, XlsxError};
use spreadsheet::{Content, Row, Sheet, escape_formula};

use crate::timetable_import::blocks::{Block, Timetable};
use crate::timetable_import::plan::{ImportPlan, PlanItem};
use crate::timetable_import::problems::{ImportProblem, column_index};
use crate::timetable_import::values::NOT_AVAILABLE;

/// Days between the date systems of 1900 and 1904.
const DAYS_TO_1904: f64 = 1462.0;

/// Maximum length of a comment, in characters.
const MAX_COMMENT_CHARS: usize = 2000;

/// Problems by row and column.
type Flagged<'a> = HashMap<(u32, u32), Vec<&'a ImportProblem>>;

/// Returns an `.xlsx` with the header and the given rows of a sheet, in the order of `rows`.
///
/// # Errors
/// A text is longer than the maximum of a cell.
pub fn workbook(sheet: &Sheet, timetable: &Timetable, plan: &ImportPlan, rows: &[u32]) -> Result<Vec<u8>, XlsxError> {
    let flagged = flagged(plan);
    let mut book = Workbook::new();
    let worksheet = book.add_worksheet();
    worksheet.set_name("Import")?;
    let header = sheet.rows.iter().find(|row| row.number == timetable.columns.header_row);
    let mut at = 0;
    if let Some(header) = header {
        write_row(worksheet, sheet, header, &Flagged::new(), at)?;
        at += 1;
    }
    for row in rows {
        if let Ok(found) = sheet.rows.binary_search_by_key(row, |row| row.number) {
            write_row(worksheet, sheet, &sheet.rows[found], &flagged, at)?;
            at += 1;
        }
    }
    worksheet.set_freeze_panes(1, 2)?;
    book.save_to_buffer()
}

/// Returns the row numbers to write: rows outside every block, then the rows of rejected blocks.
///
/// Blocks without a course template code come first; the next import would otherwise read them as sessions of the block
/// above.
pub fn rejected_rows(timetable: &Timetable, plan: &ImportPlan) -> Vec<u32> {
    let orphans = timetable.problems.iter().filter(|problem| problem.is_error() && problem.cell.is_some());
    let mut rows: Vec<u32> = orphans.filter_map(|problem| problem.row).collect();
    rows.sort_unstable();
    rows.dedup();
    let rejected = plan.items.iter().zip(&timetable.blocks).filter(|(item, _)| PlanItem::is_rejected(item));
    let mut rejected: Vec<&Block> = rejected.map(|(_, block)| block).collect();
    rejected.sort_by_key(|block| block.event.template.is_some());
    for block in rejected {
        rows.push(block.row);
        rows.extend(block.sessions.iter().map(|(row, _)| *row).filter(|row| *row != block.row));
    }
    rows
}

fn flagged(plan: &ImportPlan) -> Flagged<'_> {
    let mut flagged = Flagged::new();
    for problem in &plan.problems {
        if let (Some(row), Some(column)) = (problem.row, problem.cell.as_deref().and_then(column_index)) {
            flagged.entry((row, column)).or_default().push(problem);
        }
    }
    flagged
}

fn write_row(
    worksheet: &mut Worksheet,
    sheet: &Sheet,
    row: &Row,
    flagged: &Flagged<'_>,
    at: u32,
) -> Result<(), XlsxError> {
    let blank = flagged.keys().filter(|(number, column)| *number == row.number && row.content(*column).is_none());
    for (_, column) in blank {
        let Ok(index) = u16::try_from(*column) else { continue };
        worksheet.write_blank(at, index, &error_style(Style::new()))?;
    }
    for cell in &row.cells {
        let Ok(index) = u16::try_from(cell.column) else { continue };
        let is_invalid = flagged.contains_key(&(row.number, cell.column));
        write_cell(worksheet, at, index, &cell.content, is_invalid, sheet.since_1904)?;
    }
    for ((_, column), problems) in flagged.iter().filter(|((number, _), _)| *number == row.number) {
        if let Ok(index) = u16::try_from(*column) {
            worksheet.insert_note(at, index, &Note::new(comment(problems)).add_author_prefix(false).set_width(300))?;
        }
    }
    Ok(())
}

fn write_cell(
    worksheet: &mut Worksheet,
    row: u32,
    column: u16,
    content: &Content,
    is_invalid: bool,
    since_1904: bool,
) -> Result<(), XlsxError> {
    let style = |number: &str| {
        let style = Style::new().set_num_format(number);
        if is_invalid { error_style(style) } else { style }
    };
    match content {
        Content::Text(text) => {
            worksheet.write_string_with_format(row, column, escape_formula(text), &style("General"))?
        }
        Content::FormattedNumber(formatted) => {
            worksheet.write_string_with_format(row, column, formatted.shown.as_ref(), &style("General"))?
        }
        Content::Invalid(invalid) => {
            worksheet.write_string_with_format(row, column, escape_formula(&invalid.text), &style("General"))?
        }
        Content::Error(text) => worksheet.write_string_with_format(row, column, text.as_ref(), &style("General"))?,
        Content::Number(number) => worksheet.write_number_with_format(row, column, *number, &style("General"))?,
        Content::Bool(value) => worksheet.write_boolean_with_format(row, column, *value, &style("General"))?,
        // A blank cell would be read as an empty value when the corrected file is imported.
        Content::FormulaWithoutValue => {
            worksheet.write_string_with_format(row, column, NOT_AVAILABLE, &style("General"))?
        }
        Content::DateTime(days) => {
            let format = if *days < 1.0 { "hh:mm" } else { "dd/mm/yyyy" };
            let days = if since_1904 && *days >= 1.0 { days + DAYS_TO_1904 } else { *days };
            worksheet.write_number_with_format(row, column, days, &style(format))?
        }
    };
    Ok(())
}

fn error_style(style: Style) -> Style {
    style.set_background_color(Color::RGB(0x00FF_C7CE)).set_font_color(Color::RGB(0x009C_0006))
}

fn comment(problems: &[&ImportProblem]) -> String {
    let sentences = problems.iter().map(|problem| match problem.suggestions.as_slice() {
        [] => problem.message.clone(),
        suggestions => format!("{}. Perhaps: {}", problem.message, suggestions.join(", ")),
    });
    sentences.collect::<Vec<_>>().join("\n").chars().take(MAX_COMMENT_CHARS).collect()
}
