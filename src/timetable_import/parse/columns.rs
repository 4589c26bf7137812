//! Which column of a sheet holds what: headers found by name, in any order.

use std::collections::BTreeSet;

use crate::names::{fold, nearest};

use super::layout::{FIELDS, FORMAT_WORDS, Field, LAYOUT, field_called};
use super::values;
use crate::timetable_import::problems::{Code, ImportProblem, Issue, column_name};
use spreadsheet::{Content, Row, Sheet};

/// How many rows may stand above the header.
const HEADER_WITHIN: usize = 20;

/// Where each field stands in one sheet.
#[derive(Clone, Debug, PartialEq)]
pub struct Columns {
    /// The header's row number, as Excel shows it.
    pub header_row: u32,
    places: [Option<u32>; FIELDS],
    /// Columns that mean nothing to us, from left to right: place and header ("" where it has none).
    pub unknown: Vec<(u32, String)>,
}

impl Columns {
    /// The column of a field, counted from 0; where it is absent, where the layout has it.
    pub fn of(&self, field: Field) -> u32 {
        self.places[field as usize].unwrap_or(field as u32)
    }

    /// The header of a column that means nothing to us, "" where it has none.
    pub fn unknown_header(&self, column: u32) -> Option<&str> {
        let at = self.unknown.binary_search_by_key(&column, |(at, _)| *at).ok()?;
        self.unknown.get(at).map(|(_, header)| header.as_str())
    }

    /// What a row holds for a field.
    pub fn content<'r>(&self, row: &'r Row, field: Field) -> Option<&'r Content> {
        self.places[field as usize].and_then(|column| row.content(column))
    }
}

/// The columns of a sheet, the data rows below them (hints left out), and what is wrong with the header.
pub fn find(sheet: &Sheet) -> (Columns, &[Row], Vec<ImportProblem>) {
    let at = header_at(&sheet.rows);
    let Some(header) = sheet.rows.get(at) else {
        let columns = Columns { header_row: 1, places: [None; FIELDS], unknown: Vec::new() };
        let problems = missing(sheet, &columns);
        return (columns, &[], problems);
    };
    let mut columns = read_header(header);
    let below = &sheet.rows[at + 1..];
    let hints = below.iter().take_while(|row| is_hint(row)).count();
    let data = &below[hints..];
    let mut problems = missing(sheet, &columns);
    note_headerless(&mut columns, data);
    problems.extend(unused(sheet, &columns));
    (columns, data, problems)
}

/// The row that knows the most headers, the first of equals.
fn header_at(rows: &[Row]) -> usize {
    let known = |row: &Row| {
        let texts = row.cells.iter().filter_map(|cell| values::text(&cell.content));
        texts.filter(|text| field_called(text).is_some()).count()
    };
    let mut best = (0, 0);
    for (at, row) in rows.iter().take(HEADER_WITHIN).enumerate() {
        let count = known(row);
        if count > best.1 {
            best = (at, count);
        }
    }
    best.0
}

fn read_header(header: &Row) -> Columns {
    let mut columns = Columns { header_row: header.number, places: [None; FIELDS], unknown: Vec::new() };
    for cell in &header.cells {
        let Some(text) = values::text(&cell.content) else {
            continue;
        };
        match field_called(&text) {
            Some(field) if columns.places[field as usize].is_none() => {
                columns.places[field as usize] = Some(cell.column);
            }
            _ => columns.unknown.push((cell.column, text)),
        }
    }
    prefer_exact(&mut columns, header);
    columns
}

/// A column called exactly as in the layout wins over an earlier one that bears an alias.
fn prefer_exact(columns: &mut Columns, header: &Row) {
    let unknown = std::mem::take(&mut columns.unknown);
    for (column, text) in unknown {
        let exact = field_called(&text).filter(|field| fold(field.header()) == fold(&text));
        let Some(field) = exact else {
            columns.unknown.push((column, text));
            continue;
        };
        let place = &mut columns.places[field as usize];
        let before = place.and_then(|p| header.content(p)).and_then(values::text).unwrap_or_default();
        if fold(&before) == fold(field.header()) {
            columns.unknown.push((column, text));
        } else if let Some(alias) = place.replace(column) {
            columns.unknown.push((alias, before));
        }
    }
    columns.unknown.sort_by_key(|(column, _)| *column);
}

/// A hint row: every filled cell is an example ("e.g. …") or a format word.
fn is_hint(row: &Row) -> bool {
    row.cells.iter().all(|cell| {
        let text = values::text(&cell.content).map(|text| fold(&text));
        text.is_some_and(|text| text.starts_with("e.g.") || FORMAT_WORDS.iter().any(|word| fold(word) == text))
    })
}

fn missing(sheet: &Sheet, columns: &Columns) -> Vec<ImportProblem> {
    let absent = LAYOUT.iter().filter(|c| c.required && columns.places[c.field as usize].is_none());
    absent
        .map(|column| {
            let close = nearest(column.header, columns.unknown.iter().map(|(_, text)| text.as_str()));
            let hint = match close.first() {
                Some(close) => format!("; did you mean \"{close}\"?"),
                None => "; add it, it may be anywhere in the header row".to_owned(),
            };
            let message = format!("the column \"{}\" is missing{hint}", column.header);
            let flaw = Issue::new(Code::MissingHeader, message).suggesting(close);
            ImportProblem::at(Some(&sheet.name), Some(columns.header_row), None, flaw)
        })
        .collect()
}

/// Adds the columns that have values but no header.
fn note_headerless(columns: &mut Columns, data: &[Row]) {
    let filled: BTreeSet<u32> = data.iter().flat_map(|row| row.cells.iter().map(|cell| cell.column)).collect();
    let known = |column: &u32| columns.places.contains(&Some(*column)) || columns.unknown_header(*column).is_some();
    let headerless: Vec<u32> = filled.into_iter().filter(|column| !known(column)).collect();
    columns.unknown.extend(headerless.into_iter().map(|column| (column, String::new())));
    columns.unknown.sort_by_key(|(column, _)| *column);
}

fn unused(sheet: &Sheet, columns: &Columns) -> Option<ImportProblem> {
    if columns.unknown.is_empty() {
        return None;
    }
    let shown = columns.unknown.iter().take(20).map(|(column, text)| match text.as_str() {
        "" => format!("column {} (no header)", column_name(*column)),
        text => format!("\"{text}\" ({})", column_name(*column)),
    });
    let mut list = shown.collect::<Vec<_>>().join(", ");
    if columns.unknown.len() > 20 {
        list.push_str(&format!(" and {} more", columns.unknown.len() - 20));
    }
    let flaw = Issue::new(Code::UnusedColumn, format!("not used, only kept: {list}"));
    Some(ImportProblem::at(Some(&sheet.name), Some(columns.header_row), None, flaw))
}
