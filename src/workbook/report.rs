//! Writes the workbook of the rejected rows for the author of a workbook: each row with its problems in words, invalid cells
//! marked and commented.
//!
//! A sheet has the header of the imported one, so that it can be corrected and imported again. A last sheet lists all
//! problems of the file.

use std::collections::HashMap;

use rust_xlsxwriter::{Format as Style, FormatAlign, Note, Workbook, Worksheet, XlsxError};
use spreadsheet::{Content, Row, Sheet, column_index, escape_formula};

use super::problems::{ImportProblem, Severity};
use super::style;
use super::values::{self, NOT_AVAILABLE};

/// The headers of the columns that a report of rejected rows adds. A sheet that has both is such a report.
pub const REPORT_HEADERS: [&str; 2] = ["Problem", "Original row"];

/// Days between the date systems of 1900 and 1904.
const DAYS_TO_1904: f64 = 1462.0;

/// Maximum length of the problems of one cell or row, in characters.
const MAX_COMMENT_CHARS: usize = 2000;

/// Width of the column with the problems of a row, and of the sheet with all problems, in characters.
const PROBLEM_WIDTH: f64 = 50.0;
const SENTENCE_WIDTH: f64 = 90.0;

/// Width of a column that is not known, in characters.
const UNKNOWN_WIDTH: f64 = 15.0;

/// Number of columns before those of the file: the problems and the original row.
const ADDED_COLUMNS: u16 = 2;

/// Problems by row and column. A problem without a cell has the column `None`.
type Flagged<'a> = HashMap<u32, Vec<(Option<u32>, &'a ImportProblem)>>;

/// What a report shows of a column of the imported sheet.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReportColumn<'a> {
    /// The header in front of the problems of a cell; None for a column without one.
    pub header: Option<&'a str>,
    /// Width in characters; None for a column that is not read.
    pub width: Option<f64>,
    pub is_required: bool,
}

/// The rejected rows of a sheet.
pub struct RejectedSheet<'a> {
    /// The sheet as it was read, at least its header and the rejected rows.
    pub sheet: &'a Sheet,
    /// The row number of the header.
    pub header_row: u32,
    /// The columns that an earlier report added, from 0.
    pub of_report: &'a [u32],
    /// Returns what is known of a column of the imported sheet, from 0.
    pub column: &'a dyn Fn(u32) -> ReportColumn<'a>,
    /// The row numbers to write, in this order.
    pub rows: &'a [u32],
    /// What the column of the problems says of a row that has none.
    pub without_problem: &'a str,
}

/// Returns the columns of a report among the columns with these headers; none unless there are both.
pub fn report_columns(headers: &[(u32, String)]) -> Vec<u32> {
    let named = |header: &str| headers.iter().find(|(_, text)| text == header).map(|(column, _)| *column);
    match REPORT_HEADERS.map(named) {
        [Some(problem), Some(row)] => vec![problem, row],
        _ => Vec::new(),
    }
}

impl RejectedSheet<'_> {
    /// Writes the rows into an empty sheet. Returns the last row, from 0.
    ///
    /// # Errors
    /// The sheet cannot be built.
    pub fn write(&self, worksheet: &mut Worksheet, problems: &[ImportProblem]) -> Result<u32, XlsxError> {
        let header = self.sheet.rows.iter().find(|row| row.number == self.header_row);
        self.write_header(worksheet, header)?;
        let flagged = flagged(problems, &self.sheet.name);
        let mut at = 0;
        for row in self.rows {
            if let Ok(found) = self.sheet.rows.binary_search_by_key(row, |row| row.number) {
                at += 1;
                let problems = flagged.get(row).map_or(&[][..], Vec::as_slice);
                self.write_row(worksheet, at, &self.sheet.rows[found], problems)?;
            }
        }
        worksheet.set_freeze_panes(1, ADDED_COLUMNS)?;
        worksheet.autofilter(0, 0, at, self.last_column(header))?;
        worksheet.set_landscape().set_print_fit_to_pages(4, 0).set_repeat_rows(0, 0)?.set_repeat_columns(0, 1)?;
        Ok(at)
    }

    /// Returns the column in the report of a column of the file; `None` if it is too far right, or is one that a report adds.
    pub fn shown_column(&self, column: u32) -> Option<u16> {
        // The columns of an earlier report are replaced by the new ones, so that the others keep their place.
        if self.of_report.contains(&column) {
            return None;
        }
        let dropped = self.of_report.iter().filter(|of_report| **of_report < column).count() as u32;
        u16::try_from(column - dropped).ok()?.checked_add(ADDED_COLUMNS)
    }

    fn last_column(&self, header: Option<&Row>) -> u16 {
        let columns = header.into_iter().flat_map(|row| &row.cells).filter_map(|cell| self.shown_column(cell.column));
        columns.max().unwrap_or(ADDED_COLUMNS)
    }

    fn write_header(&self, worksheet: &mut Worksheet, header: Option<&Row>) -> Result<(), XlsxError> {
        for ((column, title), width) in (0..).zip(REPORT_HEADERS).zip([PROBLEM_WIDTH, 10.0]) {
            worksheet.set_column_width(column, width)?;
            worksheet.write_string_with_format(0, column, title, &style::header(true))?;
        }
        worksheet.set_row_height(0, 34)?;
        for cell in header.into_iter().flat_map(|row| &row.cells) {
            let Some(at) = self.shown_column(cell.column) else { continue };
            let text = values::display(&cell.content, false).unwrap_or_default();
            let known = (self.column)(cell.column);
            worksheet.set_column_width(at, known.width.unwrap_or(UNKNOWN_WIDTH))?;
            worksheet.write_string_with_format(0, at, escape_formula(&text), &style::header(known.is_required))?;
        }
        Ok(())
    }

    fn write_row(
        &self,
        worksheet: &mut Worksheet,
        at: u32,
        row: &Row,
        problems: &[(Option<u32>, &ImportProblem)],
    ) -> Result<(), XlsxError> {
        let top = Style::new().set_align(FormatAlign::Top);
        let text = match problems {
            [] => self.without_problem.to_owned(),
            problems => self.sentences(problems),
        };
        let shown = if problems.is_empty() { style::hint() } else { style::wrapped() };
        worksheet.write_string_with_format(at, 0, escape_formula(&text), &shown)?;
        worksheet.set_row_height(at, style::height(&text, PROBLEM_WIDTH))?;
        let centred = top.clone().set_align(FormatAlign::Center);
        worksheet.write_number_with_format(at, 1, row.number, &centred)?;
        let mut by_column: HashMap<u32, Vec<&ImportProblem>> = HashMap::new();
        for (column, problem) in problems {
            by_column.entry(column.unwrap_or(u32::MAX)).or_default().push(problem);
        }
        for cell in &row.cells {
            let Some(column) = self.shown_column(cell.column) else { continue };
            let style = mark(top.clone(), by_column.get(&cell.column));
            write_cell(worksheet, (at, column), (&cell.content, self.sheet.since_1904), &style)?;
        }
        for (column, problems) in &by_column {
            let Some(shown) = self.shown_column(*column) else { continue };
            if row.content(*column).is_none() {
                worksheet.write_blank(at, shown, &mark(top.clone(), Some(problems)))?;
            }
            let comment = problems.iter().map(|problem| sentence(problem)).collect::<Vec<_>>().join("\n");
            let note = Note::new(shortened(&comment)).add_author_prefix(false).set_width(300);
            worksheet.insert_note(at, shown, &note)?;
        }
        Ok(())
    }

    /// Returns the problems of a row, each with the header of its column.
    fn sentences(&self, problems: &[(Option<u32>, &ImportProblem)]) -> String {
        let line = |(column, problem): &(Option<u32>, &ImportProblem)| match column
            .and_then(|column| (self.column)(column).header)
        {
            Some(header) => format!("{header}: {}", sentence(problem)),
            None => sentence(problem),
        };
        shortened(&problems.iter().map(line).collect::<Vec<_>>().join("\n"))
    }
}

fn flagged<'a>(problems: &'a [ImportProblem], sheet: &str) -> Flagged<'a> {
    let mut flagged = Flagged::new();
    for problem in problems.iter().filter(|problem| problem.is_on(sheet)) {
        if let Some(row) = problem.row {
            flagged.entry(row).or_default().push((problem.cell.as_deref().and_then(column_index), problem));
        }
    }
    flagged
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

/// A column of the sheet with all problems: header, width and text.
pub type ProblemColumn = (&'static str, f64, fn(&ImportProblem) -> String);

/// The column with the titles of events.
pub const EVENT_COLUMN: ProblemColumn = ("Event", 28.0, |problem| problem.event.clone().unwrap_or_default());

/// The column with the names of sheets.
pub const SHEET_COLUMN: ProblemColumn = ("Sheet", 18.0, |problem| problem.sheet.clone().unwrap_or_default());

/// Adds the sheet with all problems of the file, also those that a document has no room for. `named`: what they belong to.
///
/// # Errors
/// The sheet cannot be built.
pub fn add_problems(book: &mut Workbook, problems: &[ImportProblem], named: ProblemColumn) -> Result<(), XlsxError> {
    let worksheet = book.add_worksheet().set_name("Problems")?;
    let (name, name_width, text_of) = named;
    let columns = [
        ("Row", 8.0),
        ("Cell", 8.0),
        (name, name_width),
        ("Severity", 10.0),
        ("Code", 26.0),
        ("Problem", SENTENCE_WIDTH),
    ];
    for (column, (header, width)) in (0..).zip(columns) {
        worksheet.set_column_width(column, width)?;
        worksheet.write_string_with_format(0, column, header, &style::header(true))?;
    }
    let wrapped = style::wrapped();
    for (row, problem) in (1..).zip(problems) {
        if let Some(number) = problem.row {
            worksheet.write_number(row, 0, number)?;
        }
        let is_error = problem.severity == Severity::Error;
        worksheet.write_string(row, 1, problem.cell.as_deref().unwrap_or_default())?;
        worksheet.write_string(row, 2, escape_formula(&text_of(problem)))?;
        let severity = if is_error { "error" } else { "warning" };
        worksheet.write_string_with_format(row, 3, severity, &style::marked(Style::new(), is_error))?;
        worksheet.write_string(row, 4, problem.code.word())?;
        let text = sentence(problem);
        worksheet.write_string_with_format(row, 5, escape_formula(&text), &wrapped)?;
        worksheet.set_row_height(row, style::height(&text, SENTENCE_WIDTH))?;
    }
    worksheet.set_freeze_panes(1, 0)?;
    worksheet.autofilter(0, 0, problems.len() as u32, 5)?;
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
