//! The workbook that goes back to its author: only what was refused, each bad cell coloured and commented.
//!
//! It has the header of the file that was read, so that it can be corrected and imported again.

use std::collections::HashMap;

use rust_xlsxwriter::{Color, Format as Style, Note, Workbook, Worksheet, XlsxError};
use spreadsheet::{Content, Row, Sheet, escape_formula};

use crate::timetable_import::blocks::{Block, Timetable};
use crate::timetable_import::plan::{ImportPlan, PlanItem};
use crate::timetable_import::problems::{ImportProblem, column_index};
use crate::timetable_import::values::NOT_AVAILABLE;

/// Days between the epochs of 1900 and 1904.
const SINCE_1904: f64 = 1462.0;

/// Most characters of a comment.
const COMMENT: usize = 2000;

type Flagged<'a> = HashMap<(u32, u32), Vec<&'a ImportProblem>>;

/// These rows of a sheet as an `.xlsx`, in this order.
///
/// # Errors
/// When a text is longer than a cell can hold.
pub fn refused(sheet: &Sheet, timetable: &Timetable, plan: &ImportPlan, rows: &[u32]) -> Result<Vec<u8>, XlsxError> {
    let flagged = flagged(plan);
    let mut book = Workbook::new();
    let page = book.add_worksheet();
    page.set_name("Import")?;
    let header = sheet.rows.iter().find(|row| row.number == timetable.columns.header_row);
    let mut at = 0;
    if let Some(header) = header {
        write_row(page, sheet, header, &Flagged::new(), at)?;
        at += 1;
    }
    for row in rows {
        if let Ok(found) = sheet.rows.binary_search_by_key(row, |row| row.number) {
            write_row(page, sheet, &sheet.rows[found], &flagged, at)?;
            at += 1;
        }
    }
    page.set_freeze_panes(1, 2)?;
    book.save_to_buffer()
}

/// The rows that stand in no block, then those of refused ones: first of those without a course template code, so that none
/// is taken for a part of the one above it.
pub fn refused_rows(timetable: &Timetable, plan: &ImportPlan) -> Vec<u32> {
    let orphans = timetable.problems.iter().filter(|problem| problem.is_error() && problem.cell.is_some());
    let mut rows: Vec<u32> = orphans.filter_map(|problem| problem.row).collect();
    rows.sort_unstable();
    rows.dedup();
    let refused = plan.items.iter().zip(&timetable.blocks).filter(|(item, _)| PlanItem::is_rejected(item));
    let mut refused: Vec<&Block> = refused.map(|(_, block)| block).collect();
    refused.sort_by_key(|block| block.event.template.is_some());
    for block in refused {
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

fn write_row(page: &mut Worksheet, sheet: &Sheet, row: &Row, flagged: &Flagged<'_>, at: u32) -> Result<(), XlsxError> {
    let blank = flagged.keys().filter(|(number, column)| *number == row.number && row.content(*column).is_none());
    for (_, column) in blank {
        let Ok(place) = u16::try_from(*column) else { continue };
        page.write_blank(at, place, &bad(Style::new()))?;
    }
    for cell in &row.cells {
        let Ok(place) = u16::try_from(cell.column) else { continue };
        let is_bad = flagged.contains_key(&(row.number, cell.column));
        write_cell(page, at, place, &cell.content, is_bad, sheet.since_1904)?;
    }
    for ((_, column), problems) in flagged.iter().filter(|((number, _), _)| *number == row.number) {
        if let Ok(place) = u16::try_from(*column) {
            page.insert_note(at, place, &Note::new(comment(problems)).add_author_prefix(false).set_width(300))?;
        }
    }
    Ok(())
}

fn write_cell(
    page: &mut Worksheet,
    row: u32,
    column: u16,
    content: &Content,
    is_bad: bool,
    since_1904: bool,
) -> Result<(), XlsxError> {
    let style = |number: &str| {
        let style = Style::new().set_num_format(number);
        if is_bad { bad(style) } else { style }
    };
    match content {
        Content::Text(text) => page.write_string_with_format(row, column, escape_formula(text), &style("General"))?,
        Content::Error(text) => page.write_string_with_format(row, column, text.as_ref(), &style("General"))?,
        Content::Number(number) => page.write_number_with_format(row, column, *number, &style("General"))?,
        Content::Bool(truth) => page.write_boolean_with_format(row, column, *truth, &style("General"))?,
        // Left blank it would be taken for nothing once the rest is corrected.
        Content::FormulaWithoutValue => page.write_string_with_format(row, column, NOT_AVAILABLE, &style("General"))?,
        Content::DateTime(days) => {
            let format = if *days < 1.0 { "hh:mm" } else { "dd/mm/yyyy" };
            let days = if since_1904 && *days >= 1.0 { days + SINCE_1904 } else { *days };
            page.write_number_with_format(row, column, days, &style(format))?
        }
    };
    Ok(())
}

fn bad(style: Style) -> Style {
    style.set_background_color(Color::RGB(0x00FF_C7CE)).set_font_color(Color::RGB(0x009C_0006))
}

fn comment(problems: &[&ImportProblem]) -> String {
    let sentences = problems.iter().map(|problem| match problem.suggestions.as_slice() {
        [] => problem.message.clone(),
        suggestions => format!("{}. Perhaps: {}", problem.message, suggestions.join(", ")),
    });
    sentences.collect::<Vec<_>>().join("\n").chars().take(COMMENT).collect()
}
