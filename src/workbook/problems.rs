//! The problems of a workbook: a stable code, the cell, and what was probably meant.

use serde::{Deserialize, Serialize};
use spreadsheet::ReadError;

pub use spreadsheet::{cell_name, column_index, column_name};

/// The kind of a problem. The serialised codes are part of the JSON document and stay stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    MissingHeader,
    MissingValue,
    InvalidValue,
    InvalidDate,
    EndBeforeStart,
    UnknownCourseTemplate,
    UnknownLocation,
    UnknownVenue,
    UnknownInstructor,
    NotApprovedInstructor,
    UnknownProduct,
    NotLinked,
    UnknownReference,
    NotUnique,
    DuplicateInFile,
    DuplicateEvent,
    ConflictingEvent,
    OrphanSession,
    InvalidDay,
    UnreadableFile,
    TooLarge,
    DoubleBooked,
    ConflictingValue,
    #[serde(rename = "leftover_session")]
    ExtraSession,
    MissingSession,
    UnknownLabel,
    CancelledSkipped,
    SessionGone,
    UnusedColumn,
    UnusedSheet,
    TooFewTemplateSessions,
    InvisibleCharacters,
    ChangedInAdministrate,
}

/// Whether a problem prevents the import of its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The block is rejected.
    Error,
    /// The block is imported; a user should check it.
    Warning,
}

impl Code {
    /// Returns the serialised code.
    pub fn word(self) -> String {
        serde_json::to_value(self).ok().and_then(|code| code.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Returns whether a problem of this kind rejects its block or only warns.
    pub fn severity(self) -> Severity {
        match self {
            Self::DuplicateInFile
            | Self::DuplicateEvent
            | Self::DoubleBooked
            | Self::ConflictingValue
            | Self::ExtraSession
            | Self::MissingSession
            | Self::UnknownLabel
            | Self::CancelledSkipped
            | Self::SessionGone
            | Self::UnusedColumn
            | Self::UnusedSheet
            | Self::TooFewTemplateSessions
            | Self::InvisibleCharacters
            | Self::ChangedInAdministrate => Severity::Warning,
            _ => Severity::Error,
        }
    }
}

/// Maximum length of a message, in characters.
const MAX_MESSAGE_CHARS: usize = 600;

/// Maximum length of a sheet's name, in characters.
const MAX_SHEET_CHARS: usize = 31;

/// Maximum length of a suggestion or of another name in a document, in characters.
pub const MAX_NAME_CHARS: usize = 255;

/// An error in a value whose cell is not known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    pub code: Code,
    /// One sentence: what is wrong and which value would be right.
    pub message: String,
    /// Values that the author probably meant, best first.
    pub suggestions: Vec<String>,
    severity: Severity,
}

impl Issue {
    /// Creates an issue without suggestions.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: shorten(message.into(), MAX_MESSAGE_CHARS),
            suggestions: Vec::new(),
            severity: code.severity(),
        }
    }

    /// Makes the issue an error whatever its code.
    pub fn as_error(mut self) -> Self {
        self.severity = Severity::Error;
        self
    }

    /// Replaces the suggestions.
    pub fn with_suggestions(mut self, suggestions: Vec<String>) -> Self {
        self.suggestions = suggestions.into_iter().map(|suggestion| shorten(suggestion, MAX_NAME_CHARS)).collect();
        self
    }
}

/// One problem with its place, as in the JSON document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportProblem {
    /// The name of the sheet; `None` if the file could not be read.
    pub sheet: Option<String>,
    /// The row number as Excel shows it.
    pub row: Option<u32>,
    /// The cell as Excel names it, such as `E4`; `None` for a problem of the header row or the file.
    pub cell: Option<String>,
    /// The title of the event of the block.
    pub event: Option<String>,
    pub severity: Severity,
    pub code: Code,
    /// One sentence.
    pub message: String,
    /// Values that the author probably meant, best first.
    pub suggestions: Vec<String>,
}

impl ImportProblem {
    /// Creates a problem of the whole file.
    pub fn of_file(code: Code, message: impl Into<String>) -> Self {
        Self::at(None, None, None, Issue::new(code, message))
    }

    /// Creates a problem at a place. `cell` is (row, column); rows count from 1, columns from 0.
    pub fn at(sheet: Option<&str>, row: Option<u32>, cell: Option<(u32, u32)>, issue: Issue) -> Self {
        Self {
            sheet: sheet.map(shown_sheet),
            row,
            cell: cell.map(|(row, column)| cell_name(row, column)),
            event: None,
            severity: issue.severity,
            code: issue.code,
            message: issue.message,
            suggestions: issue.suggestions,
        }
    }

    /// Reports whether the problem rejects its block.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// Returns the message with the suggestions.
    pub fn sentence(&self) -> String {
        match self.suggestions.as_slice() {
            [] => self.message.clone(),
            suggestions => format!("{} (perhaps: {})", self.message, suggestions.join(", ")),
        }
    }

    /// Returns the place in a workbook of several sheets, such as `Prices!D4`.
    pub fn place(&self) -> String {
        let sheet = self.sheet.as_deref().unwrap_or_default();
        match (&self.cell, self.row) {
            (Some(cell), _) => format!("{sheet}!{cell}"),
            (None, Some(row)) => format!("{sheet} row {row}"),
            (None, None) => sheet.to_owned(),
        }
    }

    /// Reports whether the problem is on a sheet. Problems of the file are on every sheet.
    pub fn is_on(&self, sheet: &str) -> bool {
        self.sheet.as_deref().is_none_or(|own| own == shown_sheet(sheet))
    }
}

impl From<ReadError> for ImportProblem {
    fn from(error: ReadError) -> Self {
        let code = match error {
            ReadError::Unreadable(_) => Code::UnreadableFile,
            ReadError::TooLarge(_) => Code::TooLarge,
        };
        Self::of_file(code, error.to_string())
    }
}

/// Returns the name of a sheet as problems contain it. Excel allows no longer one, but a file may contain anything.
fn shown_sheet(sheet: &str) -> String {
    sheet.chars().take(MAX_SHEET_CHARS).collect()
}

/// Cuts a text that quotes a very long cell.
pub fn shorten(text: String, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// Returns a key that sorts the cells of one row from left to right; `None` sorts first.
pub fn cell_order(cell: Option<&str>) -> (usize, String) {
    let letters: String = cell.unwrap_or_default().chars().take_while(char::is_ascii_alphabetic).collect();
    (letters.len(), letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_errors_map_to_their_codes() {
        for (error, code) in [
            (ReadError::Unreadable("it is empty".to_owned()), Code::UnreadableFile),
            (ReadError::TooLarge("it has over 9 rows".to_owned()), Code::TooLarge),
        ] {
            let message = error.to_string();
            let problem = ImportProblem::from(error);
            assert_eq!((problem.code, problem.message), (code, message));
        }
    }

    #[test]
    fn names_and_messages_are_bounded() {
        let issue = Issue::new(Code::InvalidValue, "x".repeat(9000)).with_suggestions(vec!["y".repeat(9000)]);
        let problem = ImportProblem::at(Some(&"s".repeat(3000)), Some(1), None, issue);
        let lengths = [problem.sheet.unwrap_or_default(), problem.message, problem.suggestions[0].clone()]
            .map(|text| text.chars().count());
        assert_eq!(lengths, [31, 601, 256]);
    }

    #[test]
    fn code_is_serialised_in_snake_case() {
        let json = serde_json::to_string(&Code::NotApprovedInstructor).unwrap_or_default();
        assert_eq!(json, "\"not_approved_instructor\"");
    }
}
