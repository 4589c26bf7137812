//! The workbook that goes back to its author: only what was refused, each bad cell coloured and commented.
//!
//! It has the header of the file that was read, so that it can be corrected and imported again.

use std::collections::HashMap;

use rust_xlsxwriter::{Color, Format as Style, Note, Workbook, Worksheet, XlsxError};

use super::blocks::Timetable;
use super::plan::{Item, Plan};
use super::problems::{Problem, column_index};
use super::workbook::{Content, Row, Sheet};
use super::writing::neutral;

/// Days between the epochs of 1900 and 1904.
const SINCE_1904: f64 = 1462.0;

/// Most characters of a comment.
const COMMENT: usize = 2000;

type Flagged<'a> = HashMap<(u32, u32), Vec<&'a Problem>>;

/// The refused rows of a sheet as an `.xlsx`; None when nothing was refused.
///
/// # Errors
/// When a text is longer than a cell can hold.
pub fn refused(sheet: &Sheet, timetable: &Timetable, plan: &Plan) -> Result<Option<Vec<u8>>, XlsxError> {
    let rows = refused_rows(timetable, plan);
    if rows.is_empty() {
        return Ok(None);
    }
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
        if let Ok(found) = sheet.rows.binary_search_by_key(&row, |row| row.number) {
            write_row(page, sheet, &sheet.rows[found], &flagged, at)?;
            at += 1;
        }
    }
    page.set_freeze_panes(1, 2)?;
    book.save_to_buffer().map(Some)
}

/// The rows of refused blocks and those that stand in none, in file order.
fn refused_rows(timetable: &Timetable, plan: &Plan) -> Vec<u32> {
    let mut rows: Vec<u32> =
        timetable.problems.iter().filter(|p| p.is_error() && p.cell.is_some()).filter_map(|p| p.row).collect();
    for (item, block) in plan.items.iter().zip(&timetable.blocks) {
        if Item::is_rejected(item) {
            rows.push(block.row);
            rows.extend(block.sessions.iter().map(|(row, _)| *row));
        }
    }
    rows.sort_unstable();
    rows.dedup();
    rows
}

fn flagged(plan: &Plan) -> Flagged<'_> {
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
        Content::Text(text) => page.write_string_with_format(row, column, neutral(text), &style("General"))?,
        Content::Fault(text) => page.write_string_with_format(row, column, text.as_ref(), &style("General"))?,
        Content::Number(number) => page.write_number_with_format(row, column, *number, &style("General"))?,
        Content::Truth(truth) => page.write_boolean_with_format(row, column, *truth, &style("General"))?,
        Content::Uncalculated => page.write_blank(row, column, &style("General"))?,
        Content::Serial(days) => {
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

fn comment(problems: &[&Problem]) -> String {
    let sentences = problems.iter().map(|problem| match problem.suggestions.as_slice() {
        [] => problem.message.clone(),
        suggestions => format!("{}. Perhaps: {}", problem.message, suggestions.join(", ")),
    });
    sentences.collect::<Vec<_>>().join("\n").chars().take(COMMENT).collect()
}
