//! Refused documents as problems of the workbook.

use super::read::{GivenRow, header_of};
use crate::http::problem::{FieldError, HttpProblem};
use crate::timetable_import::problems::{Code, ImportProblem, Issue};

/// Returns the problems of a refused document at the cells of its fields.
pub fn problems_of(row: &GivenRow, refused: &HttpProblem) -> Vec<ImportProblem> {
    if refused.errors().is_empty() {
        return vec![row.problem(None, Issue::new(Code::InvalidValue, refused.detail()))];
    }
    let problem = |error: &FieldError| {
        let field = error.pointer.trim_start_matches('/').split('/').next().unwrap_or_default();
        let code = match error.code {
            "missing_value" => Code::MissingValue,
            "invalid_date" => Code::InvalidDate,
            "end_before_start" => Code::EndBeforeStart,
            "unknown_reference" => Code::UnknownReference,
            "not_unique" => Code::NotUnique,
            _ => Code::InvalidValue,
        };
        // Messages name fields; a workbook has their headers.
        let columns = row.layout.columns.iter().filter(|column| column.field.contains('_'));
        let message = columns.fold(error.message.clone(), |message, column| {
            message.replace(column.field, &format!("\"{}\"", column.header))
        });
        row.problem(Some(field), Issue::new(code, format!("\"{}\" {message}", header_of(row, field))))
    };
    refused.errors().iter().map(problem).collect()
}
