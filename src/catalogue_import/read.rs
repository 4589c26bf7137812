//! Reads a catalogue workbook: rows of known sheets, each value with its cell.

use serde_json::Value;
use spreadsheet::{Content, Limits, ReadError, Row, Sheet};

use super::sheets::{CellKind, EXAMPLE, SHEETS, SheetColumn, SheetLayout};
use crate::names::{fold, nearest};
use crate::timetable_import::problems::{Code, ImportProblem, Issue};
use crate::timetable_import::values::{self, DateOrder};

/// A header that reports have in addition. It is never reported as unused.
pub const PROBLEM_HEADER: &str = "Problem";

/// A value with its column.
#[derive(Clone, Debug)]
pub struct GivenValue {
    pub column: &'static SheetColumn,
    pub value: Value,
}

/// A row of a sheet.
#[derive(Clone, Debug)]
pub struct GivenRow {
    pub layout: &'static SheetLayout,
    /// The name of the sheet in the file.
    pub sheet: String,
    /// The number that Excel shows.
    pub number: u32,
    pub values: Vec<GivenValue>,
    /// The columns of the sheet, by field.
    pub columns: Vec<(&'static str, u32)>,
}

impl GivenRow {
    /// Returns a problem at the cell of a field, or of the row.
    pub fn problem(&self, field: Option<&str>, issue: Issue) -> ImportProblem {
        let known = field.and_then(|field| self.columns.iter().find(|(name, _)| *name == field));
        let at = known.map(|(_, column)| (self.number, *column));
        ImportProblem::at(Some(&self.sheet), Some(self.number), at, issue)
    }

    /// Returns the texts by which people know the row: its own name, else the names of all records that it links.
    pub fn title(&self) -> String {
        let texts = self.values.iter().filter(|given| given.column.is_required);
        let texts: Vec<&str> = texts.filter_map(|given| given.value.as_str()).collect();
        match self.layout.columns.first().map(|column| column.kind) {
            Some(CellKind::Text) => texts.first().map_or_else(String::new, |first| (*first).to_owned()),
            _ => texts.join(" / "),
        }
    }
}

/// The rows of a workbook.
#[derive(Debug, Default)]
pub struct CatalogueRows {
    /// Rows without problems, in the order of their import.
    pub rows: Vec<GivenRow>,
    /// Rows with problems in their cells.
    pub rejected: Vec<GivenRow>,
    /// Number of example rows, which are not imported.
    pub examples: usize,
    pub problems: Vec<ImportProblem>,
    /// The sheets as they were read.
    pub sheets: Vec<Sheet>,
}

/// Reads all sheets of a workbook.
///
/// # Errors
/// [`ReadError`] when the file cannot be read at all.
pub fn read(bytes: &[u8], limits: &Limits) -> Result<CatalogueRows, ReadError> {
    let names: Vec<&str> = SHEETS.iter().map(|layout| layout.name).collect();
    let sheets = spreadsheet::read_sheets(bytes, limits, &names)?;
    let mut found = CatalogueRows::default();
    for sheet in &sheets {
        let name = sheet.name.trim().to_lowercase();
        if let Some(layout) = SHEETS.iter().find(|layout| layout.name.to_lowercase() == name) {
            read_sheet(layout, sheet, &mut found);
        }
    }
    if sheets.is_empty() {
        let message = format!("the workbook has none of the sheets {}", names.join(", "));
        found.problems.push(ImportProblem::of_file(Code::MissingHeader, message));
    }
    found.sheets = sheets;
    Ok(found)
}

fn read_sheet(layout: &'static SheetLayout, sheet: &Sheet, found: &mut CatalogueRows) {
    let Some((header, rows)) = sheet.rows.split_first() else { return };
    let Some(columns) = read_header(layout, sheet, header, &mut found.problems) else { return };
    for row in rows {
        let mut given = GivenRow {
            layout,
            sheet: sheet.name.clone(),
            number: row.number,
            values: Vec::new(),
            columns: columns.iter().map(|(column, at)| (column.field, *at)).collect(),
        };
        let text =
            |at: u32| row.cells.iter().find(|cell| cell.column == at).and_then(|cell| values::text(&cell.content));
        if columns.iter().all(|(_, at)| text(*at).is_none()) && !row.cells.iter().any(|cell| is_broken(&cell.content)) {
            continue;
        }
        if columns.iter().any(|(_, at)| text(*at).is_some_and(|text| text.starts_with(EXAMPLE))) {
            found.examples += 1;
            continue;
        }
        let before = found.problems.len();
        for (column, at) in &columns {
            let content = row.cells.iter().find(|cell| cell.column == *at).map(|cell| &cell.content);
            match parse(column, content, sheet.since_1904) {
                Ok(Some(value)) => given.values.push(GivenValue { column, value }),
                Ok(None) => {}
                Err(issue) => found.problems.push(given.problem(Some(column.field), issue)),
            }
        }
        let list = if found.problems.len() > before { &mut found.rejected } else { &mut found.rows };
        list.push(given);
    }
}

fn is_broken(content: &Content) -> bool {
    matches!(content, Content::FormulaWithoutValue)
}

/// Returns the columns of a sheet by its header row. None: it lacks required ones.
fn read_header(
    layout: &'static SheetLayout,
    sheet: &Sheet,
    header: &Row,
    problems: &mut Vec<ImportProblem>,
) -> Option<Vec<(&'static SheetColumn, u32)>> {
    let mut columns: Vec<(&'static SheetColumn, u32)> = Vec::new();
    for cell in &header.cells {
        let Some(text) = values::text(&cell.content) else { continue };
        let folded = plain(&text);
        let known =
            layout.columns.iter().find(|column| plain(column.header) == folded || plain(column.field) == folded);
        let at = Some((header.number, cell.column));
        match known {
            Some(column) if columns.iter().any(|(other, _)| other.field == column.field) => {
                let message = format!("a second column \"{text}\" is not read; delete one of them");
                let issue = Issue::new(Code::InvalidValue, message);
                problems.push(ImportProblem::at(Some(&sheet.name), Some(header.number), at, issue));
            }
            Some(column) => columns.push((column, cell.column)),
            None if folded == plain(PROBLEM_HEADER) => {}
            None => {
                let message = format!("the column \"{text}\" is not read");
                let similar = nearest(&text, layout.columns.iter().map(|column| column.header));
                let issue = Issue::new(Code::UnusedColumn, message).with_suggestions(similar);
                problems.push(ImportProblem::at(Some(&sheet.name), Some(header.number), at, issue));
            }
        }
    }
    let missing = layout.columns.iter().filter(|column| column.is_required);
    let missing: Vec<_> =
        missing.filter(|column| columns.iter().all(|(known, _)| known.field != column.field)).collect();
    for column in &missing {
        let message =
            format!("the sheet \"{}\" has no column \"{}\"; its rows are not imported", sheet.name, column.header);
        let issue = Issue::new(Code::MissingHeader, message);
        problems.push(ImportProblem::at(Some(&sheet.name), Some(header.number), None, issue));
    }
    missing.is_empty().then_some(columns)
}

/// Returns a header without what people write differently: case, spaces, lines, marks of required columns.
fn plain(header: &str) -> String {
    let header: String = fold(header).chars().filter(|c| c.is_alphanumeric()).collect();
    header.strip_suffix("id").map_or_else(|| header.clone(), str::to_owned)
}

fn parse(column: &SheetColumn, content: Option<&Content>, since_1904: bool) -> Result<Option<Value>, Issue> {
    let header = column.header;
    let invalid = |message: String| Issue::new(Code::InvalidValue, message);
    let text = content.and_then(values::text);
    if let Some(error) = content.and_then(values::error_value) {
        return Err(invalid(format!("\"{header}\" shows the error {error}; correct the formula or write a value")));
    }
    if let Some(Content::Invalid(value)) = content {
        return Err(invalid(format!("\"{}\" {}", value.text, value.reason)));
    }
    let (Some(content), Some(text)) = (content, text) else {
        return match column.is_required || content.is_some_and(is_broken) {
            true => Err(Issue::new(Code::MissingValue, format!("\"{header}\" is missing"))),
            false => Ok(None),
        };
    };
    match column.kind {
        CellKind::Text | CellKind::Name(_) => Ok(Some(text.into())),
        CellKind::Names(_) => Ok(Some(values::names(&text).into())),
        CellKind::Flag => match values::yes_or_no(content) {
            Some(flag) => Ok(Some(flag.into())),
            None => Err(invalid(format!("\"{text}\" under \"{header}\" is neither Y nor N"))),
        },
        CellKind::Number => match values::whole_number(content) {
            Some(number) => Ok(Some(number.into())),
            None => Err(invalid(format!("\"{text}\" under \"{header}\" is not a whole number"))),
        },
        CellKind::Date => {
            let date = values::date(content, since_1904, DateOrder::DayFirst)?;
            Ok(Some(date.to_string().into()))
        }
        CellKind::Choice(words) => choice(words, &text).map(|word| Some(word.into())),
        CellKind::Words(words) => {
            let words: Result<Vec<&str>, Issue> = values::names(&text).iter().map(|word| choice(words, word)).collect();
            Ok(Some(words?.into()))
        }
    }
}

fn choice(words: &[&'static str], text: &str) -> Result<&'static str, Issue> {
    let found = words.iter().find(|word| fold(word) == fold(text)).copied();
    found.ok_or_else(|| {
        let issue = Issue::new(Code::InvalidValue, format!("\"{text}\" is not one of {}", words.join(", ")));
        issue.with_suggestions(nearest(text, words.iter().copied()))
    })
}

/// Returns a place such as `Prices!D4`.
pub fn place(problem: &ImportProblem) -> String {
    let sheet = problem.sheet.as_deref().unwrap_or_default();
    match (&problem.cell, problem.row) {
        (Some(cell), _) => format!("{sheet}!{cell}"),
        (None, Some(row)) => format!("{sheet} row {row}"),
        (None, None) => sheet.to_owned(),
    }
}

/// Returns the name of a column for messages.
pub fn header_of(row: &GivenRow, field: &str) -> String {
    let known = row.layout.columns.iter().find(|column| column.field == field);
    known.map_or_else(|| field.to_owned(), |column| column.header.to_owned())
}
