//! The rows of a sheet that have problems, so that a page can show them as the spreadsheet does.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use spreadsheet::{Row, Sheet, column_name};

use crate::timetable_import::load::LoadedTimetable;
use crate::workbook::problems::{ImportProblem, shorten};
use crate::workbook::values;

/// The most rows and columns of the excerpt.
const MAX_ROWS: usize = 200;
const MAX_COLUMNS: usize = 60;

/// The most characters of a cell.
const MAX_CELL_CHARS: usize = 200;

/// Returns the header and the rows with problems: `{"sheet","columns":[{"name","header"}],"rows":[{"row","cells"}]}`.
/// Null without a problem that has a row.
pub fn of(loaded: &LoadedTimetable, problems: &[ImportProblem]) -> Value {
    let timetable = &loaded.timetable;
    let mut errors_first: Vec<&ImportProblem> = problems.iter().filter(|problem| problem.row.is_some()).collect();
    errors_first.sort_by_key(|problem| !problem.is_error());
    let mut rows = BTreeSet::new();
    for row in errors_first.into_iter().filter_map(|problem| problem.row) {
        if rows.len() < MAX_ROWS {
            rows.insert(row);
        }
    }
    let rows: Vec<u32> = rows.into_iter().collect();
    if rows.is_empty() {
        return Value::Null;
    }
    let Ok(sheet) = loaded.rows(&rows) else { return Value::Null };
    let header = row_of(&sheet, timetable.columns.header_row);
    let used = sheet.rows.iter().flat_map(|row| &row.cells).map(|cell| cell.column);
    let columns: BTreeSet<u32> = used.collect();
    let columns: Vec<u32> = columns.into_iter().take(MAX_COLUMNS).collect();
    let shown = |row: Option<&Row>, column: u32| {
        let text = row.and_then(|row| values::display(row.content(column)?, sheet.since_1904));
        shorten(text.unwrap_or_default(), MAX_CELL_CHARS)
    };
    let heads: Vec<Value> = columns
        .iter()
        .map(|column| json!({ "name": column_name(*column), "header": shown(header, *column) }))
        .collect();
    let body: Vec<Value> = rows
        .iter()
        .map(|number| {
            let row = row_of(&sheet, *number);
            let cells: Vec<String> = columns.iter().map(|column| shown(row, *column)).collect();
            json!({ "row": number, "cells": cells })
        })
        .collect();
    json!({ "sheet": timetable.sheet, "columns": heads, "rows": body })
}

fn row_of(sheet: &Sheet, number: u32) -> Option<&Row> {
    let at = sheet.rows.binary_search_by_key(&number, |row| row.number).ok()?;
    sheet.rows.get(at)
}
