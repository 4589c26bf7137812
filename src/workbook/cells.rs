//! The cells of a sheet, before anything is known about what they mean.

use spreadsheet::{Cell, Content, InvalidValue, Row, Sheet, cell_name, column_name};

use super::problems::{Code, ImportProblem, Issue};
use super::values;
use super::values::dates::{self, DateOrder};
use crate::names::{fold, is_invisible, visible};

/// The header is one of so many first rows.
const MAX_HEADER_ROWS: usize = 20;

/// Maximum number of cells or columns in a message.
const MAX_LISTED: usize = 20;

/// Returns the content of a cell under a header.
///
/// # Errors
/// `missing_value` for a formula without a stored result, `invalid_value` for an error value and for one that cannot be read.
pub fn checked<'a>(content: &'a Content, header: &str) -> Result<&'a Content, Issue> {
    match content {
        Content::FormulaWithoutValue => {
            let message = format!(
                "the formula in \"{header}\" has no stored result; open the file in a spreadsheet program and save it"
            );
            return Err(Issue::new(Code::MissingValue, message));
        }
        Content::Invalid(invalid) => {
            let InvalidValue { text, reason } = invalid.as_ref();
            let message = format!("\"{text}\" in \"{header}\" {reason}: type the value again");
            return Err(Issue::new(Code::InvalidValue, message));
        }
        _ => {}
    }
    match values::error_value(content) {
        Some(error) => {
            let message = format!("\"{header}\" is the error {}; write a value instead", error.trim());
            Err(Issue::new(Code::InvalidValue, message))
        }
        None => Ok(content),
    }
}

/// Returns the issue of a required cell that is blank.
pub fn missing(header: &str) -> Issue {
    Issue::new(Code::MissingValue, format!("\"{header}\" is missing: fill in this cell"))
}

/// Returns Y or N as a flag.
///
/// # Errors
/// `invalid_value` for anything else.
pub fn flag(content: &Content, header: &str, since_1904: bool) -> Result<bool, Issue> {
    values::yes_or_no(content).ok_or_else(|| {
        let shown = values::display(content, since_1904).unwrap_or_default();
        Issue::new(Code::InvalidValue, format!("\"{shown}\" in \"{header}\" is not valid: write Y or N"))
    })
}

/// Returns the names that a text lists.
///
/// # Errors
/// `invalid_value` when it lists none.
pub fn names(text: &str, header: &str) -> Result<Vec<String>, Issue> {
    let names = values::names(text);
    if !names.is_empty() {
        return Ok(names);
    }
    let message =
        format!("\"{text}\" in \"{header}\" contains no name; write names separated by / or leave the cell blank");
    Err(Issue::new(Code::InvalidValue, message))
}

/// Returns the index of the row with most known headers, the first of several.
pub fn header_index(rows: &[Row], is_header: impl Fn(&str) -> bool) -> usize {
    let count_known = |row: &Row| {
        let texts = row.cells.iter().filter_map(|cell| values::text(&cell.content));
        texts.filter(|text| is_header(text)).count()
    };
    let mut best = (0, 0);
    for (at, row) in rows.iter().take(MAX_HEADER_ROWS).enumerate() {
        let count = count_known(row);
        if count > best.1 {
            best = (at, count);
        }
    }
    best.0
}

/// Returns a header without what people write differently: letter case, spaces, lines, punctuation.
pub fn squeezed(header: &str) -> String {
    fold(header).chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Returns the order of day and month that the text dates of some columns prove.
pub fn date_order(data: &[Row], columns: &[u32]) -> DateOrder {
    let proves_month_first = |cell: &Cell| match &cell.content {
        Content::Text(text) => dates::proves_month_first(visible(text).trim()),
        _ => false,
    };
    let proof = data.iter().find_map(|row| {
        let mut dates = row.cells.iter().filter(|cell| columns.contains(&cell.column));
        dates.find(|cell| proves_month_first(cell)).map(|cell| DateOrder::MonthFirst(row.number, cell.column))
    });
    proof.unwrap_or_default()
}

/// Warns of invisible characters in known columns; they are removed before anything is compared or stored.
pub fn invisible_characters(sheet: &Sheet, data: &[Row], is_known: impl Fn(u32) -> bool) -> Option<ImportProblem> {
    let is_affected = |cell: &&Cell| match &cell.content {
        Content::Text(text) => !text.is_ascii() && text.chars().any(is_invisible),
        _ => false,
    };
    let of_row = |row: &'_ Row| {
        let cells = row.cells.iter().filter(|cell| is_known(cell.column)).filter(is_affected);
        cells.map(|cell| (row.number, cell.column)).collect::<Vec<_>>()
    };
    let cells: Vec<(u32, u32)> = data.iter().flat_map(of_row).collect();
    let first = cells.first()?;
    let shown = cells.iter().take(MAX_LISTED).map(|(row, column)| cell_name(*row, *column));
    let list = with_rest(shown.collect(), cells.len());
    let issue = Issue::new(
        Code::InvisibleCharacters,
        format!("invisible characters were removed from {list}: they come from copied text and do not matter"),
    );
    Some(ImportProblem::at(Some(&sheet.name), Some(first.0), Some(*first), issue))
}

/// Warns of unknown columns: index from 0 and header, "" without one. `consequence`: what happens to their values.
pub fn unknown_columns(
    sheet: &Sheet,
    header_row: u32,
    unknown: &[(u32, String)],
    consequence: &str,
) -> Option<ImportProblem> {
    if unknown.is_empty() {
        return None;
    }
    let shown = unknown.iter().take(MAX_LISTED).map(|(column, text)| match text.as_str() {
        "" => format!("column {} (no header)", column_name(*column)),
        text => format!("\"{text}\" ({})", column_name(*column)),
    });
    let list = with_rest(shown.collect(), unknown.len());
    let issue = Issue::new(
        Code::UnusedColumn,
        format!("unknown columns, {consequence}: {list}; rename a column if its header is misspelt"),
    );
    Some(ImportProblem::at(Some(&sheet.name), Some(header_row), None, issue))
}

fn with_rest(shown: Vec<String>, count: usize) -> String {
    let list = shown.join(", ");
    match count.saturating_sub(shown.len()) {
        0 => list,
        more => format!("{list} and {more} more"),
    }
}
