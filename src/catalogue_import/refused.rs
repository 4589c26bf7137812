//! Refused documents as problems of the workbook.

use super::read::GivenRow;
use crate::http::problem::{FieldError, HttpProblem};
use crate::workbook::problems::{Code, ImportProblem, Issue};

/// Returns the problems of a refused document at the cells of its fields.
pub fn problems_of(row: &GivenRow, refused: &HttpProblem) -> Vec<ImportProblem> {
    if refused.errors().is_empty() {
        return vec![row.problem(None, Issue::new(Code::InvalidValue, refused.detail()))];
    }
    refused.errors().iter().map(|error| cell_problem(row, error)).collect()
}

/// Returns the problem of a field at its cell.
pub fn cell_problem(row: &GivenRow, error: &FieldError) -> ImportProblem {
    let columns = row.layout.columns;
    let is_column = |name: &&str| columns.iter().any(|column| column.field == *name);
    let names = || error.pointer.split('/').filter(|name| !name.is_empty());
    let field = names().rev().find(is_column).or_else(|| names().next());
    let code = match error.code {
        "missing_value" => Code::MissingValue,
        "invalid_date" => Code::InvalidDate,
        "end_before_start" => Code::EndBeforeStart,
        "unknown_reference" => Code::UnknownReference,
        "not_unique" => Code::NotUnique,
        _ => Code::InvalidValue,
    };
    // Messages name fields; a workbook has their headers.
    let named = columns.iter().filter(|column| column.field.contains('_'));
    let message = named.fold(error.message.clone(), |message, column| {
        message.replace(column.field, &format!("\"{}\"", column.header))
    });
    let message = match field.filter(is_column) {
        Some(field) if !message.starts_with("another") => format!("\"{}\" {message}", row.header_of(field)),
        _ => message,
    };
    row.problem(field, Issue::new(code, message))
}
