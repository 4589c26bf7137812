//! Writes the workbook of the rejected rows for the author of the timetable: each row with its problems in words, invalid
//! cells marked and commented.
//!
//! The workbook has the header of the imported file and the drop-down lists of the empty one, so that it can be corrected and
//! imported again. A second sheet lists all problems of the file.

use std::collections::HashMap;

use rust_xlsxwriter::{Format as Style, FormatAlign, Note, Workbook, Worksheet, XlsxError};
use spreadsheet::{Content, Row, Sheet, escape_formula};

use crate::timetable_import::blocks::{Block, Timetable};
use crate::timetable_import::columns::REPORT_HEADERS;
use crate::timetable_import::layout::{Field, LAYOUT, field_with_header};
use crate::timetable_import::plan::{ImportPlan, PlanItem};
use crate::timetable_import::problems::{ImportProblem, Severity, column_index};
use crate::timetable_import::sheet::lists::{Choices, ListedCells};
use crate::timetable_import::sheet::style;
use crate::timetable_import::values;
use crate::timetable_import::values::NOT_AVAILABLE;

/// Days between the date systems of 1900 and 1904.
const DAYS_TO_1904: f64 = 1462.0;

/// Maximum length of the problems of one cell or row, in characters.
const MAX_COMMENT_CHARS: usize = 2000;

/// Width of the column with the problems of a row, and of the sheet with all problems, in characters.
const PROBLEM_WIDTH: f64 = 50.0;
const SENTENCE_WIDTH: f64 = 90.0;

/// Number of columns before those of the file: the problems and the original row.
const ADDED_COLUMNS: u16 = 2;

/// Number of empty rows below the rejected ones that have drop-down lists too.
const EXTRA_ROWS: u32 = 200;

/// Problems by row and column. A problem without a cell has the column `None`.
type Flagged<'a> = HashMap<u32, Vec<(Option<u32>, &'a ImportProblem)>>;

/// Returns an `.xlsx` with the header and the given rows of a sheet, in the order of `rows`, and all problems of the plan.
///
/// # Errors
/// The workbook cannot be built.
pub fn workbook(
    sheet: &Sheet,
    timetable: &Timetable,
    (plan, rows): (&ImportPlan, &[u32]),
    choices: &Choices,
) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let worksheet = book.add_worksheet();
    worksheet.set_name("Import")?;
    let header = sheet.rows.iter().find(|row| row.number == timetable.columns.header_row);
    write_header(worksheet, header, timetable)?;
    let flagged = flagged(plan);
    let mut at = 0;
    for row in rows {
        if let Ok(found) = sheet.rows.binary_search_by_key(row, |row| row.number) {
            at += 1;
            let writer = RowWriter { sheet, timetable, row: &sheet.rows[found], at };
            writer.write(worksheet, flagged.get(row).map_or(&[], Vec::as_slice))?;
        }
    }
    let columns = last_column(header, timetable);
    worksheet.set_freeze_panes(1, ADDED_COLUMNS)?;
    worksheet.autofilter(0, 0, at, columns)?;
    let column_of = |field: Field| shown_column(timetable, timetable.columns.of(field));
    choices.add_to(worksheet, &ListedCells { column_of, rows: (1, at + EXTRA_ROWS) })?;
    worksheet.set_landscape().set_print_fit_to_pages(4, 0).set_repeat_rows(0, 0)?.set_repeat_columns(0, 1)?;
    write_problems(book.add_worksheet().set_name("Problems")?, plan)?;
    choices.add_sheet(&mut book)?;
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
        if let Some(row) = problem.row {
            flagged.entry(row).or_default().push((problem.cell.as_deref().and_then(column_index), problem));
        }
    }
    flagged
}

/// Returns the column in the report of a column of the file; `None` if it is too far right, or is one that a report adds.
fn shown_column(timetable: &Timetable, column: u32) -> Option<u16> {
    // The columns of an earlier report are replaced by the new ones, so that the others keep their place.
    if timetable.columns.is_of_report(column) {
        return None;
    }
    let dropped = timetable.columns.of_report.iter().filter(|of_report| **of_report < column).count() as u32;
    u16::try_from(column - dropped).ok()?.checked_add(ADDED_COLUMNS)
}

fn last_column(header: Option<&Row>, timetable: &Timetable) -> u16 {
    let columns = header.into_iter().flat_map(|row| &row.cells).filter_map(|cell| shown_column(timetable, cell.column));
    columns.max().unwrap_or(ADDED_COLUMNS)
}

fn write_header(worksheet: &mut Worksheet, header: Option<&Row>, timetable: &Timetable) -> Result<(), XlsxError> {
    for ((column, title), width) in (0..).zip(REPORT_HEADERS).zip([PROBLEM_WIDTH, 10.0]) {
        worksheet.set_column_width(column, width)?;
        worksheet.write_string_with_format(0, column, title, &style::header(true))?;
    }
    worksheet.set_row_height(0, 34)?;
    for cell in header.into_iter().flat_map(|row| &row.cells) {
        let Some(at) = shown_column(timetable, cell.column) else { continue };
        let text = values::display(&cell.content, false).unwrap_or_default();
        let field = field_with_header(&text).filter(|field| timetable.columns.of(*field) == cell.column);
        let is_required = field.is_some_and(|field| LAYOUT[field as usize].required);
        worksheet.set_column_width(at, field.map_or(15.0, style::width))?;
        worksheet.write_string_with_format(0, at, escape_formula(&text), &style::header(is_required))?;
    }
    Ok(())
}

/// One row of the report.
struct RowWriter<'a> {
    sheet: &'a Sheet,
    timetable: &'a Timetable,
    row: &'a Row,
    /// The row in the report, from 0.
    at: u32,
}

impl RowWriter<'_> {
    fn write(&self, worksheet: &mut Worksheet, problems: &[(Option<u32>, &ImportProblem)]) -> Result<(), XlsxError> {
        let top = Style::new().set_align(FormatAlign::Top);
        let text = match problems {
            [] => "rejected with its event".to_owned(),
            problems => self.sentences(problems),
        };
        let shown = if problems.is_empty() { style::hint() } else { style::wrapped() };
        worksheet.write_string_with_format(self.at, 0, escape_formula(&text), &shown)?;
        worksheet.set_row_height(self.at, style::height(&text, PROBLEM_WIDTH))?;
        let centred = top.clone().set_align(FormatAlign::Center);
        worksheet.write_number_with_format(self.at, 1, self.row.number, &centred)?;
        let mut by_column: HashMap<u32, Vec<&ImportProblem>> = HashMap::new();
        for (column, problem) in problems {
            by_column.entry(column.unwrap_or(u32::MAX)).or_default().push(problem);
        }
        for cell in &self.row.cells {
            let Some(column) = shown_column(self.timetable, cell.column) else { continue };
            let style = mark(top.clone(), by_column.get(&cell.column));
            write_cell(worksheet, (self.at, column), (&cell.content, self.sheet.since_1904), &style)?;
        }
        for (column, problems) in &by_column {
            let Some(at) = shown_column(self.timetable, *column) else { continue };
            if self.row.content(*column).is_none() {
                worksheet.write_blank(self.at, at, &mark(top.clone(), Some(problems)))?;
            }
            let comment = problems.iter().map(|problem| sentence(problem)).collect::<Vec<_>>().join("\n");
            let note = Note::new(shortened(&comment)).add_author_prefix(false).set_width(300);
            worksheet.insert_note(self.at, at, &note)?;
        }
        Ok(())
    }

    /// Returns the problems of the row, each with the header of its column.
    fn sentences(&self, problems: &[(Option<u32>, &ImportProblem)]) -> String {
        let header = |column: u32| {
            let field = LAYOUT.iter().find(|known| self.timetable.columns.of(known.field) == column);
            field.map(|known| known.header).or_else(|| self.timetable.columns.unknown_header(column))
        };
        let line = |(column, problem): &(Option<u32>, &ImportProblem)| match column.and_then(header) {
            Some(header) => format!("{header}: {}", sentence(problem)),
            None => sentence(problem),
        };
        shortened(&problems.iter().map(line).collect::<Vec<_>>().join("\n"))
    }
}

fn mark(style: Style, problems: Option<&Vec<&ImportProblem>>) -> Style {
    match problems {
        Some(problems) => style::marked(style, problems.iter().any(|problem| problem.is_error())),
        None => style,
    }
}

fn write_cell(
    worksheet: &mut Worksheet,
    (row, column): (u32, u16),
    (content, since_1904): (&Content, bool),
    style: &Style,
) -> Result<(), XlsxError> {
    let mut text = |text: &str| worksheet.write_string_with_format(row, column, escape_formula(text), style).map(drop);
    match content {
        Content::Text(value) => text(value),
        Content::FormattedNumber(formatted) => text(&formatted.shown),
        Content::Invalid(invalid) => text(&invalid.text),
        Content::Error(value) => text(value),
        // A blank cell would be read as an empty value when the corrected file is imported.
        Content::FormulaWithoutValue => text(NOT_AVAILABLE),
        Content::Number(number) => worksheet.write_number_with_format(row, column, *number, style).map(drop),
        Content::Bool(value) => worksheet.write_boolean_with_format(row, column, *value, style).map(drop),
        Content::DateTime(days) => {
            let format = if *days < 1.0 { "hh:mm" } else { "dd/mm/yyyy" };
            let days = if since_1904 && *days >= 1.0 { days + DAYS_TO_1904 } else { *days };
            worksheet.write_number_with_format(row, column, days, &style.clone().set_num_format(format)).map(drop)
        }
    }
}

/// Writes all problems of the file, also those that a document has no room for.
fn write_problems(worksheet: &mut Worksheet, plan: &ImportPlan) -> Result<(), XlsxError> {
    let columns =
        [("Row", 8.0), ("Cell", 8.0), ("Event", 28.0), ("Severity", 10.0), ("Code", 26.0), ("Problem", SENTENCE_WIDTH)];
    for (column, (header, width)) in (0..).zip(columns) {
        worksheet.set_column_width(column, width)?;
        worksheet.write_string_with_format(0, column, header, &style::header(true))?;
    }
    let wrapped = style::wrapped();
    for (row, problem) in (1..).zip(&plan.problems) {
        if let Some(number) = problem.row {
            worksheet.write_number(row, 0, number)?;
        }
        let is_error = problem.severity == Severity::Error;
        worksheet.write_string(row, 1, problem.cell.as_deref().unwrap_or_default())?;
        worksheet.write_string(row, 2, escape_formula(problem.event.as_deref().unwrap_or_default()))?;
        let severity = if is_error { "error" } else { "warning" };
        worksheet.write_string_with_format(row, 3, severity, &style::marked(Style::new(), is_error))?;
        worksheet.write_string(row, 4, problem.code.word())?;
        let text = sentence(problem);
        worksheet.write_string_with_format(row, 5, escape_formula(&text), &wrapped)?;
        worksheet.set_row_height(row, style::height(&text, SENTENCE_WIDTH))?;
    }
    worksheet.set_freeze_panes(1, 0)?;
    worksheet.autofilter(0, 0, plan.problems.len() as u32, 5)?;
    worksheet.set_landscape().set_print_fit_to_pages(1, 0).set_repeat_rows(0, 0)?;
    Ok(())
}

fn sentence(problem: &ImportProblem) -> String {
    match problem.suggestions.as_slice() {
        [] => problem.message.clone(),
        suggestions => format!("{}. Perhaps: {}", problem.message, suggestions.join(", ")),
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(MAX_COMMENT_CHARS).collect()
}
