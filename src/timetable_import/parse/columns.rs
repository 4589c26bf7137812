//! Finds the columns of a sheet by their headers, in any order.

use std::collections::BTreeSet;

use spreadsheet::{Cell, Content, Row, Sheet};

use super::layout::{FIELDS, FORMAT_WORDS, Field, Format, LAYOUT, REQUIRED, field_with_header};
use crate::names::{fold, nearest};
use crate::workbook::cells;
use crate::workbook::problems::{Code, ImportProblem, Issue};
use crate::workbook::report::report_columns;
use crate::workbook::values::{self, DateOrder};

/// Cells of a row that repeats the header, at least. A session may be called "Session".
const MIN_HEADER_CELLS: usize = 3;

/// The columns of one sheet by field.
#[derive(Clone, Debug, PartialEq)]
pub struct Columns {
    /// The header's row number, as Excel shows it.
    pub header_row: u32,
    by_field: [Option<u32>; FIELDS],
    /// The order of day and month in text dates.
    pub date_order: DateOrder,
    /// Unknown columns from left to right: index from 0 and header ("" without one).
    pub unknown: Vec<(u32, String)>,
    /// The columns that a report adds: index from 0.
    pub of_report: Vec<u32>,
}

impl Columns {
    /// Returns the index of a field's column, from 0. A missing field has its index in the layout.
    pub fn of(&self, field: Field) -> u32 {
        self.by_field[field as usize].unwrap_or(field as u32)
    }

    /// Returns the header of an unknown column, "" without one; None for a known column.
    pub fn unknown_header(&self, column: u32) -> Option<&str> {
        let at = self.unknown.binary_search_by_key(&column, |(at, _)| *at).ok()?;
        self.unknown.get(at).map(|(_, header)| header.as_str())
    }

    /// Reports whether a column neither has a field nor is stored.
    pub fn is_of_report(&self, column: u32) -> bool {
        self.of_report.contains(&column)
    }

    /// Returns a row's content for a field.
    pub fn content<'r>(&self, row: &'r Row, field: Field) -> Option<&'r Content> {
        let content = self.by_field[field as usize].and_then(|column| row.content(column));
        content.filter(|content| !values::is_invisible(content))
    }
}

/// Returns the columns of a sheet, its data rows without hint rows, and the problems of the header.
pub fn find(sheet: &Sheet) -> (Columns, &[Row], Vec<ImportProblem>) {
    let at = cells::header_index(&sheet.rows, |text| field_with_header(text).is_some());
    let Some(header) = sheet.rows.get(at) else {
        let columns = Columns {
            header_row: 1,
            by_field: [None; FIELDS],
            date_order: DateOrder::DayFirst,
            unknown: Vec::new(),
            of_report: Vec::new(),
        };
        let problems = missing_headers(sheet, &columns);
        return (columns, &[], problems);
    };
    let mut columns = read_header(header);
    let below = &sheet.rows[at + 1..];
    let hints = below.iter().take_while(|row| is_hint(row)).count();
    let data = &below[hints..];
    let mut problems = missing_headers(sheet, &columns);
    add_columns_without_header(&mut columns, data);
    problems.extend(cells::unknown_columns(sheet, columns.header_row, &columns.unknown, "stored but not used"));
    problems.extend(unreadable_unused_cell(sheet, &columns, data));
    let is_known = |column| columns.by_field.contains(&Some(column));
    problems.extend(cells::invisible_characters(sheet, data, is_known));
    columns.date_order = date_order(&columns, data);
    (columns, data, problems)
}

fn read_header(header: &Row) -> Columns {
    let (header_row, date_order) = (header.number, DateOrder::DayFirst);
    let mut columns =
        Columns { header_row, by_field: [None; FIELDS], date_order, unknown: Vec::new(), of_report: Vec::new() };
    for cell in &header.cells {
        let Some(text) = values::text(&cell.content) else {
            continue;
        };
        match field_with_header(&text) {
            Some(field) if columns.by_field[field as usize].is_none() => {
                columns.by_field[field as usize] = Some(cell.column);
            }
            _ => columns.unknown.push((cell.column, text)),
        }
    }
    prefer_exact(&mut columns, header);
    take_report_columns(&mut columns);
    columns
}

/// Takes the columns of a report out of the unknown ones.
fn take_report_columns(columns: &mut Columns) {
    columns.of_report = report_columns(&columns.unknown);
    columns.unknown.retain(|(column, _)| !columns.of_report.contains(column));
}

/// Prefers a column with the layout's own header over an earlier one with an alias.
fn prefer_exact(columns: &mut Columns, header: &Row) {
    let unknown = std::mem::take(&mut columns.unknown);
    for (column, text) in unknown {
        let exact = field_with_header(&text).filter(|field| fold(field.header()) == fold(&text));
        let Some(field) = exact else {
            columns.unknown.push((column, text));
            continue;
        };
        let assigned = &mut columns.by_field[field as usize];
        let before = assigned.and_then(|column| header.content(column)).and_then(values::text).unwrap_or_default();
        if fold(&before) == fold(field.header()) {
            columns.unknown.push((column, text));
        } else if let Some(alias) = assigned.replace(column) {
            columns.unknown.push((alias, before));
        }
    }
    columns.unknown.sort_by_key(|(column, _)| *column);
}

/// Returns the order of day and month that the text dates of all date columns prove.
fn date_order(columns: &Columns, data: &[Row]) -> DateOrder {
    let dates = LAYOUT.iter().filter(|column| column.format == Format::Date);
    let dates: Vec<u32> = dates.filter_map(|column| columns.by_field[column.field as usize]).collect();
    cells::date_order(data, &dates)
}

/// Warns of the first value of an unknown column that cannot be read.
fn unreadable_unused_cell(sheet: &Sheet, columns: &Columns, data: &[Row]) -> Option<ImportProblem> {
    let unknown = data.iter().flat_map(|row| row.cells.iter().map(|cell| (row.number, cell)));
    let mut unreadable = unknown.filter(|(_, cell)| columns.unknown_header(cell.column).is_some());
    unreadable.find_map(|(row, Cell { column, content })| {
        let Content::Invalid(invalid) = content else { return None };
        let message = format!("\"{}\" {}; its column is not used", invalid.text, invalid.reason);
        let issue = Issue::new(Code::UnusedColumn, message);
        Some(ImportProblem::at(Some(&sheet.name), Some(row), Some((row, *column)), issue))
    })
}

/// Rows between the data that are no data.
#[derive(Default)]
pub(crate) struct RepeatedRows<'a> {
    /// The rows above the header.
    titles: &'a [Row],
    /// Whether the row before was a header or a hint below one.
    is_below_header: bool,
}

impl<'a> RepeatedRows<'a> {
    pub(crate) fn new(sheet: &'a Sheet, columns: &Columns) -> Self {
        let titles = sheet.rows.iter().take_while(|row| row.number < columns.header_row).count();
        Self { titles: &sheet.rows[..titles], is_below_header: false }
    }

    /// Reports whether a row repeats the header, a title above it or a hint below it, as exports with a header on every
    /// page do.
    pub(crate) fn includes(&mut self, columns: &Columns, row: &Row) -> bool {
        let is_header = repeats_header(columns, row);
        self.is_below_header = is_header || self.is_below_header && is_hint(row);
        self.is_below_header || self.titles.iter().any(|title| title.cells == row.cells)
    }
}

fn repeats_header(columns: &Columns, row: &Row) -> bool {
    let is_header = |cell: &Cell| {
        let field = values::text(&cell.content).and_then(|text| field_with_header(&text));
        field.is_some_and(|field| columns.by_field[field as usize] == Some(cell.column))
    };
    let is_known = |cell: &&Cell| columns.by_field.contains(&Some(cell.column)) && !values::is_invisible(&cell.content);
    let known = || row.cells.iter().filter(is_known);
    known().count() >= MIN_HEADER_CELLS && known().all(is_header)
}

/// Reports whether every filled cell is an example ("e.g. …"), a format word, or says that the column is required.
fn is_hint(row: &Row) -> bool {
    let is_format = |text: &str| text.is_empty() || FORMAT_WORDS.iter().any(|word| fold(word) == text);
    row.cells.iter().all(|cell| {
        let text = values::text(&cell.content).map(|text| fold(&text));
        text.is_some_and(|text| match text.strip_prefix(REQUIRED) {
            Some(rest) => is_format(rest.trim_start_matches(':').trim_start()),
            None => text.starts_with("e.g.") || is_format(&text),
        })
    })
}

fn missing_headers(sheet: &Sheet, columns: &Columns) -> Vec<ImportProblem> {
    let missing = LAYOUT.iter().filter(|c| c.required && columns.by_field[c.field as usize].is_none());
    missing
        .map(|column| {
            let close = nearest(column.header, columns.unknown.iter().map(|(_, text)| text.as_str()));
            let hint = match close.first() {
                Some(close) => format!("; did you mean \"{close}\"?"),
                None => "; add it anywhere in the header row".to_owned(),
            };
            let message = format!("the column \"{}\" is missing{hint}", column.header);
            let issue = Issue::new(Code::MissingHeader, message).with_suggestions(close);
            ImportProblem::at(Some(&sheet.name), Some(columns.header_row), None, issue)
        })
        .collect()
}

/// Adds the columns that have values but no header.
fn add_columns_without_header(columns: &mut Columns, data: &[Row]) {
    let filled: BTreeSet<u32> = data.iter().flat_map(|row| row.cells.iter().map(|cell| cell.column)).collect();
    let is_known = |column: &u32| {
        columns.by_field.contains(&Some(*column))
            || columns.unknown_header(*column).is_some()
            || columns.is_of_report(*column)
    };
    let without_header: Vec<u32> = filled.into_iter().filter(|column| !is_known(column)).collect();
    columns.unknown.extend(without_header.into_iter().map(|column| (column, String::new())));
    columns.unknown.sort_by_key(|(column, _)| *column);
}
